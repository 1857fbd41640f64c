//! The wasm boundaries. The hosts, which own sockets, timers and the clock, are
//! JavaScript: a trap in wasm can be caught at the one place where they call in,
//! and no closure of ours has to cross the boundary.

#[cfg(not(feature = "registrar"))]
mod bare;

#[cfg(feature = "client")]
mod calls;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod json;
#[cfg(feature = "client")]
mod record;
#[cfg(feature = "client")]
pub use client::Core;

#[cfg(feature = "registrar")]
mod message;
#[cfg(feature = "registrar")]
mod object;
#[cfg(feature = "registrar")]
mod registrar;
#[cfg(feature = "registrar")]
pub use message::MessageReader;
#[cfg(feature = "registrar")]
pub use registrar::RegistrarCore;
