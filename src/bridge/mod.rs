//! The wasm boundaries. The hosts, which own sockets, timers and the clock, are
//! JavaScript: a trap in wasm can be caught at the one place where they call in,
//! and no closure of ours has to cross the boundary.
//!
//! What needs no such boundary is tested where the tests run, outside of wasm.

#[cfg(all(target_arch = "wasm32", feature = "bare"))]
mod bare;
#[cfg(any(test, feature = "bare"))]
mod class;

#[cfg(any(
    test,
    feature = "bridge",
    feature = "bridge-csta",
    feature = "bridge-gateway"
))]
mod json;
#[cfg(any(
    test,
    feature = "bridge",
    feature = "bridge-csta",
    feature = "bridge-gateway"
))]
mod protocol;
#[cfg(any(
    test,
    feature = "bridge",
    feature = "bridge-csta",
    feature = "bridge-gateway"
))]
mod record;

#[cfg(all(
    target_arch = "wasm32",
    any(feature = "bridge", feature = "bridge-csta")
))]
mod buffers;
#[cfg(all(target_arch = "wasm32", feature = "bridge"))]
mod client;
#[cfg(all(
    target_arch = "wasm32",
    any(feature = "bridge", feature = "bridge-csta")
))]
mod exports;
#[cfg(all(target_arch = "wasm32", feature = "bridge"))]
pub use client::{Core, Taken};
#[cfg(all(target_arch = "wasm32", feature = "bridge-csta"))]
mod desk;
#[cfg(all(target_arch = "wasm32", feature = "bridge-csta"))]
pub use desk::DeskCore;

#[cfg(all(target_arch = "wasm32", feature = "bridge-registrar"))]
mod message;
#[cfg(all(target_arch = "wasm32", feature = "bridge-registrar"))]
mod registrar;
#[cfg(all(target_arch = "wasm32", feature = "bridge-registrar"))]
pub use message::MessageReader;
#[cfg(all(target_arch = "wasm32", feature = "bridge-registrar"))]
pub use registrar::RegistrarCore;

#[cfg(all(
    target_arch = "wasm32",
    any(feature = "bridge-registrar", feature = "bridge-gateway")
))]
mod given;
#[cfg(all(
    target_arch = "wasm32",
    any(feature = "bridge-registrar", feature = "bridge-gateway")
))]
mod object;

#[cfg(all(target_arch = "wasm32", feature = "bridge-gateway"))]
mod gateway;
#[cfg(all(target_arch = "wasm32", feature = "bridge-gateway"))]
pub use gateway::GatewayCore;
