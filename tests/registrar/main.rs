//! The test registrar, spoken to in raw SIP, in virtual time.

// Helpers of tests are tests too: what is missing is to fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod auth;
mod authorised;
mod calls;
mod devices;
mod dialects;
mod events;
mod faults;
mod forking;
mod policies;
mod proxy;
mod public_ids;
mod register;
mod rules;
mod telling;
mod waking;

use graceline_kit::registrar as support;
