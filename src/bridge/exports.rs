//! What the modules of the npm package export, by hand: numbers cross, and the address
//! of a core, which the host keeps and gives back. `js/core/core.js` calls these.

#![allow(unsafe_code)] // nobody else exports these names

use crate::prelude::*;

#[cfg(feature = "bridge")]
use super::client::{Core, Taken};
#[cfg(not(feature = "bridge"))]
use super::desk::DeskCore as Core;
/// Whether a command was one.
#[cfg(not(feature = "bridge"))]
type Taken = bool;

/// A core, which lives until `discard`.
#[unsafe(no_mangle)]
extern "C" fn create() -> Box<Core> {
    Box::default()
}

#[unsafe(no_mangle)]
extern "C" fn discard(_: Box<Core>) {}

#[unsafe(no_mangle)]
extern "C" fn room(core: &Core, size: usize) -> *mut u8 {
    core.room(size)
}

#[unsafe(no_mangle)]
extern "C" fn start(core: &Core, size: usize) {
    core.start(size);
}

#[unsafe(no_mangle)]
extern "C" fn command(core: &Core, now: f64, size: usize) -> Taken {
    core.command(now, size)
}

#[cfg(feature = "bridge")]
#[unsafe(no_mangle)]
extern "C" fn message(
    core: &Core,
    now: f64,
    slot: u32,
    generation: u32,
    size: usize,
    must: bool,
) -> Taken {
    core.socket_message(now, (slot, generation), size, must)
}

/// The only way to calls: what nothing else needs is in a module of its own
/// (`scripts/lib/split.mjs`).
#[cfg(all(feature = "bridge", not(feature = "third-party")))]
#[unsafe(no_mangle)]
extern "C" fn calls(core: &Core, now: f64) {
    core.make_calls(now);
}

#[unsafe(no_mangle)]
extern "C" fn deadline(core: &Core) -> f64 {
    core.deadline()
}

#[unsafe(no_mangle)]
extern "C" fn poll(core: &Core) -> *const u32 {
    core.poll()
}
