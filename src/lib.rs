//! Graceline: a SIP phone for web pages with graceful registration.
//!
//! This is the core as a library: registration, calls and messages of one account,
//! for whoever brings sockets and a clock. Every machine in it is **sans-IO**: it is
//! given bytes, commands and the time, and hands out bytes, events and deadlines. The
//! rule of use is: *make one mutation, then drain `poll_output` until it returns
//! `None`, then wait for the next input or for the instant that `poll_timeout`
//! names*. No machine reads a clock, a socket, a global or randomness; the randomness
//! comes from the seed it was built with, so every run can be replayed. Network input
//! never fails and never panics: a bad peer is counted or becomes an event.
//!
//! # A run loop
//!
//! The host owns the sockets. Here it has a clock of its own, and servers at which
//! nobody is:
//!
//! ```
//! use graceline::prelude::*;
//! use std::collections::VecDeque;
//!
//! enum Input {
//!     Closed { slot: u32, generation: u32 },
//! }
//!
//! let instance = "urn:uuid:6b1ea9c3-3f1d-4c0b-9c1e-5d3c1a2b4c5d"; // kept by the host
//! let config = Config::new("wss://sip.example.com/", "2001", "example.com", instance);
//! let seed = [7; 32]; // from the platform's cryptographic generator
//! let mut phone = Phone::new(config, seed)?;
//! let mut inputs = VecDeque::new();
//! let mut now = Instant::from_millis(0);
//!
//! phone.register(now, 1, false);
//! let fault = 'login: loop {
//!     while let Some(output) = phone.poll_output() {
//!         match output {
//!             Output::Open { slot, generation, .. } => {
//!                 inputs.push_back(Input::Closed { slot, generation });
//!             }
//!             Output::Event(Event::Failed(1, fault, _)) => break 'login fault,
//!             Output::Event(Event::Registered(1, _)) => unreachable!("by whom?"),
//!             // To be performed, too: messages to send, sockets to close, what is to be
//!             // remembered for the next start.
//!             _ => {}
//!         }
//!     }
//!     match inputs.pop_front() {
//!         Some(Input::Closed { slot, generation }) => phone.handle_close(now, slot, generation),
//!         // Nothing to be read: time passes.
//!         None => {
//!             now = phone.poll_timeout().expect("a login ends");
//!             phone.handle_timeout(now);
//!         }
//!     }
//! };
//! assert!(fault.to_string().starts_with("eCouldNotConnect"), "{fault}");
//! # Ok::<(), ConfigError>(())
//! ```
//!
//! # A tour
//!
//! From the bottom up. `sip` reads and writes messages; `transaction` repeats requests
//! and answers challenges; `dialog` is what two parties agreed on. On these stand the
//! usages, which do not know each other and have one contract (`usage`): `registration`,
//! `subscription`, `call`. `pool` chooses among the server's addresses. [`phone`] joins
//! them all, and is what a program uses. `csta` reads and writes documents of remote call
//! control, `documents` what subscriptions bring.
//!
//! # Features
//!
//! None is needed. `browser` adds a host for front ends in Rust: a phone whose sockets,
//! timers and storage are those of the page, for wasm alone. `registrar` adds the test registrar, the machine at the other end.
//! `gateway` adds the CTI gateway. `events` adds subscriptions to any package;
//! `publications` adds those. `third-party` adds control of others' calls. `bridge`, `bridge-csta`, `bridge-gateway`,
//! `bridge-registrar` and `bare` make the modules of the npm package of it: exports for
//! JavaScript; an allocator and a panic handler. `internals` shows the machines inside to
//! this repository's own tests: it is no API.

#![cfg_attr(not(any(test, feature = "registrar", feature = "browser")), no_std)]
// What nothing but tests asks for is part of `internals`.
#![cfg_attr(not(feature = "internals"), allow(dead_code, unused_imports))]

extern crate alloc;

#[cfg(feature = "registrar")]
pub mod account;
#[cfg(any(target_arch = "wasm32", test))]
#[doc(hidden)]
pub mod bridge;
#[cfg(all(feature = "browser", target_arch = "wasm32"))]
pub mod browser;
mod fault;
#[cfg(feature = "gateway")]
pub mod gateway;
mod hash;
pub mod phone;
pub mod prelude;
#[cfg(feature = "publications")]
pub mod publication;
mod queue;
#[cfg(feature = "registrar")]
pub mod registrar;
#[cfg(feature = "gateway")]
pub mod session;
mod text;
pub mod time;

// The machines inside: nobody's but ours, unless tests are to see them.
#[cfg(not(feature = "internals"))]
mod call;
#[cfg(all(feature = "third-party", not(feature = "internals")))]
mod controller;
#[cfg(not(feature = "internals"))]
mod csta;
#[cfg(not(feature = "internals"))]
mod dialog;
#[cfg(not(feature = "internals"))]
mod documents;
#[cfg(not(feature = "internals"))]
mod flow;
mod late;
#[cfg(not(feature = "internals"))]
mod pool;
#[cfg(not(feature = "internals"))]
mod rand;
#[cfg(not(feature = "internals"))]
mod redact;
#[cfg(not(feature = "internals"))]
mod registration;
#[cfg(not(feature = "internals"))]
mod sip;
#[cfg(not(any(feature = "internals", feature = "events")))]
mod subscription;
#[cfg(not(feature = "internals"))]
mod transaction;
#[cfg(not(feature = "internals"))]
mod usage;

#[cfg(feature = "internals")]
pub mod call;
#[cfg(all(feature = "third-party", feature = "internals"))]
pub mod controller;
#[cfg(feature = "internals")]
pub mod csta;
#[cfg(feature = "internals")]
pub mod dialog;
#[cfg(feature = "internals")]
pub mod documents;
#[cfg(feature = "internals")]
pub mod flow;
#[cfg(feature = "internals")]
pub mod pool;
#[cfg(feature = "internals")]
pub mod rand;
#[cfg(feature = "internals")]
pub mod redact;
#[cfg(feature = "internals")]
pub mod registration;
#[cfg(feature = "internals")]
pub mod sip;
#[cfg(any(feature = "internals", feature = "events"))]
pub mod subscription;
#[cfg(feature = "internals")]
pub mod transaction;
#[cfg(feature = "internals")]
pub mod usage;
