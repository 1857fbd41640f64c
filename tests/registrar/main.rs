//! The test registrar, spoken to in raw SIP, in virtual time.

// Helpers of tests are tests too: what is missing is to fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod auth;
mod authorised;
mod call_rules;
mod call_sessions;
mod calls;
mod deflections;
mod devices;
mod dialects;
mod events;
mod faults;
mod forking;
mod history;
mod messages;
mod packages;
mod policies;
mod proxy;
mod public_ids;
mod register;
mod ringing;
mod rules;
mod telling;
mod waking;

use graceline_kit::registrar as support;
