//! The boundary of the control of a desk phone: as that of the phone, and a module of
//! its own, which pages load when they first ask for it.

use super::buffers::{Buffers, at, millis};
use super::json::Json;
use super::protocol::desk;
use super::record::Record;
use crate::csta::control::Control;
use crate::hash::sha256;
use core::cell::RefCell;
use core::ptr::null;

/// Control of one desk phone. Nothing yet: what it is made of goes in like everything else.
#[derive(Default)]
pub struct DeskCore {
    control: RefCell<Option<Control>>,
    buffers: Buffers,
}

impl DeskCore {
    /// Where to put what goes in, at most `size` bytes. Memory may have moved.
    pub fn room(&self, size: usize) -> *mut u8 {
        self.buffers.room(size)
    }

    /// Makes it of what was put there: a field that is random, then the options.
    pub fn start(&self, size: usize) {
        let input = self.buffers.input(size);
        let record = Record::of(&input);
        let seed = sha256(record.text().as_bytes());
        let line = record.get("line").unwrap_or_default();
        *self.control.borrow_mut() = Some(Control::new(line, seed));
    }

    /// The command of `size` bytes that was put there. `false`: it is none, or a
    /// number in it is none.
    pub fn command(&self, now: f64, size: usize) -> bool {
        let input = self.buffers.input(size);
        let record = Record::of(&input);
        let name = record.text();
        let mut control = self.control.borrow_mut();
        control
            .as_mut()
            .is_some_and(|control| desk::obey(control, at(now), name, &record))
    }

    /// When to wake, in host milliseconds; Infinity if never.
    pub fn deadline(&self) -> f64 {
        let control = self.control.borrow();
        millis(control.as_ref().and_then(Control::poll_timeout))
    }

    /// Where two numbers tell of the next thing to be done, until the next call; null if
    /// there is none: its place and size. It is JSON.
    pub fn poll(&self) -> *const u32 {
        let mut control = self.control.borrow_mut();
        let Some(control) = control.as_mut() else {
            return null();
        };
        let Some(output) = control.poll_output() else {
            return self.buffers.nothing();
        };
        let mut json = Json::new();
        json.raw("", "{").text("type", "event");
        desk::write(&mut json, output);
        json.close('}');
        self.buffers.output(json.done().into_bytes(), [0, 0])
    }
}
