//! Graceline: a SIP phone for web pages with graceful registration.
//!
//! Every machine in this crate is **sans-IO**. It is given bytes, commands and
//! the time, and hands out bytes, events and deadlines. The rule of use is:
//! *make one mutation (`handle_…`), then drain `poll_output` until it returns
//! `None`, then wait for the next input or for the instant that `poll_timeout`
//! names*. No machine reads a clock, a socket, a global or randomness; the
//! randomness comes from the seed it was built with, so every run can be
//! replayed.
//!
//! Network input never fails and never panics: a bad peer is counted or
//! becomes an event.

#![cfg_attr(all(target_arch = "wasm32", feature = "bare"), no_std)]

extern crate alloc;

#[cfg(any(target_arch = "wasm32", test))]
pub mod bridge;
pub mod call;
pub mod csta;
pub mod dialog;
pub mod flow;
mod hash;
pub mod phone;
pub mod pool;
mod prelude;
mod queue;
pub mod rand;
pub mod redact;
#[cfg(feature = "registrar")]
pub mod registrar;
pub mod registration;
pub mod sip;
pub mod subscription;
mod text;
pub mod time;
pub mod transaction;
pub mod usage;
