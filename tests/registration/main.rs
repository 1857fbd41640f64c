//! Registrations of one phone at a registrar whose every answer is written down:
//! what registrars and servers in the field do, and the test registrar does not.

// The panics of a test are its verdict.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic
)]

mod bare;
mod connections;
mod control;
mod devices;
mod failures;
mod flows;
mod incoming;
mod keeping;
mod listing;
mod logins;
mod rivals;
mod slow;
mod storm;

use graceline_kit::rig;
