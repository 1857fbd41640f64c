//! Remote control of a desk phone: CSTA's documents by their bytes.

// The panics of a test are its verdict.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic
)]

mod errors;
mod events;
mod hostile;
mod notation;
mod random;
mod requests;
mod responses;
mod tolerances;
