//! The CTI gateway in virtual time: clients by raw SIP, a switch of eight nodes.

// The panics of a test are its verdict.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic
)]

mod asking;
mod desks;
mod events;
mod hostile;
mod nodes;
mod opening;
mod rig;
mod sessions;
