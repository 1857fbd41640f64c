//! Calls of one phone against a far end whose every message is written down:
//! the races and failures that two well-behaved phones never show each other.

// The panics of a test are its verdict.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic
)]

mod bodies;
mod challenges;
mod delayed;
mod dialogs;
mod flows;
mod handover;
mod identity;
mod incoming;
mod media;
mod outgoing;
mod public_ids;
mod publish;
mod readable;
mod sessions;
mod timers;
mod transfers;

use graceline_kit::calls as rig;
