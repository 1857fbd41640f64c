//! What crosses a boundary lies in memory of the module's own: what goes in is put
//! there by the host, what comes out is read there.

use crate::prelude::*;
use crate::time::Instant;
use core::cell::{Cell, Ref, RefCell};
use core::ptr::null;

/// Both directions.
#[derive(Default)]
pub(super) struct Buffers {
    input: RefCell<Vec<u8>>,
    output: RefCell<Vec<u8>>,
    /// Where `output` stands, its size, and two numbers that go with it.
    place: Cell<[u32; 4]>,
}

impl Buffers {
    /// Where to put what goes in, at most `size` bytes. Memory may have moved.
    pub(super) fn room(&self, size: usize) -> *mut u8 {
        let mut input = self.input.borrow_mut();
        if input.len() < size {
            input.resize(size, 0);
        }
        input.as_mut_ptr()
    }

    /// The `size` bytes that were put there.
    pub(super) fn input(&self, size: usize) -> Ref<'_, [u8]> {
        Ref::map(self.input.borrow(), |input| {
            input.get(..size).unwrap_or_default()
        })
    }

    /// Keeps what comes out until the next one; where four numbers tell of it.
    pub(super) fn output(&self, output: Vec<u8>, about: [u32; 2]) -> *const u32 {
        let [first, second] = about;
        let place = [output.as_ptr() as u32, output.len() as u32, first, second];
        *self.output.borrow_mut() = output;
        self.place.set(place);
        self.place.as_ptr().cast()
    }

    /// Nothing comes out. What did is kept no longer.
    pub(super) fn nothing(&self) -> *const u32 {
        self.output.take();
        null()
    }
}

/// The host's milliseconds.
pub(super) fn at(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}

/// The same for the host; Infinity if never.
pub(super) fn millis(deadline: Option<Instant>) -> f64 {
    deadline.map_or(f64::INFINITY, |at| at.millis() as f64)
}
