//! The wasm boundaries. The hosts, which own sockets, timers and the clock, are
//! JavaScript: a trap in wasm can be caught at the one place where they call in,
//! and no closure of ours has to cross the boundary.

//!
//! What needs no such boundary is tested where the tests run, outside of wasm.

#[cfg(all(target_arch = "wasm32", not(feature = "registrar")))]
mod bare;
#[cfg(any(test, not(feature = "registrar")))]
mod class;

#[cfg(all(target_arch = "wasm32", feature = "client"))]
mod calls;
#[cfg(all(target_arch = "wasm32", feature = "client"))]
mod client;
#[cfg(feature = "client")]
mod json;
#[cfg(all(target_arch = "wasm32", feature = "client"))]
mod record;
#[cfg(all(target_arch = "wasm32", feature = "client"))]
pub use client::Core;

#[cfg(all(target_arch = "wasm32", feature = "registrar"))]
mod message;
#[cfg(all(target_arch = "wasm32", feature = "registrar"))]
mod object;
#[cfg(all(target_arch = "wasm32", feature = "registrar"))]
mod registrar;
#[cfg(all(target_arch = "wasm32", feature = "registrar"))]
pub use message::MessageReader;
#[cfg(all(target_arch = "wasm32", feature = "registrar"))]
pub use registrar::RegistrarCore;
