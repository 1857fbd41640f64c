//! Remote control of a desk phone: CSTA's documents by their bytes, and the
//! client at a scripted switch.

// The panics of a test are its verdict.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic
)]

mod commands;
mod control;
mod errors;
mod events;
mod hostile;
mod notation;
mod opening;
mod overtaking;
mod plays;
mod random;
mod recovery;
mod requests;
mod responses;
mod rig;
mod sessions;
mod switch;
mod tolerances;
