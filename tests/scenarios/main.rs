//! The client machine against the registrar machine, in virtual time.

// The panics of a test are its verdict.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod addresses;
mod away;
mod call_sessions;
mod calls;
mod conflict;
mod desk_sessions;
mod device_calls;
mod device_sessions;
mod figures;
mod flow_failed;
mod late_devices;
mod login;
mod outbound;
mod persistency;
mod recovery;
mod sessions;

use graceline_kit::{tally, world};
