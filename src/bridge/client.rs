//! The boundary of the phone. What goes in is put into a buffer of the core's: a
//! SIP message as it came, or a command as `record.rs` reads it. What comes out is
//! one thing at a time: a message to be sent as it is, or JSON. It never calls
//! JavaScript; `js/core/core.js` is the other side, `protocol/` says what crosses.
//! The bridge is not API.

use super::buffers::{Buffers, at, millis};
use super::json::Json;
#[cfg(not(feature = "third-party"))]
use super::protocol::obey;
#[cfg(feature = "third-party")]
use super::protocol::watching::{self, obey};
use super::protocol::write;
use super::record::Record;
#[cfg(feature = "third-party")]
use crate::controller::{Controller as Machine, Said};
use crate::hash::sha256;
#[cfg(not(feature = "third-party"))]
use crate::phone::Phone as Machine;
use crate::phone::{Output, Phone};
use core::cell::RefCell;
use core::ptr::null;

/// Legs that one gateway controls: a thousand calls.
#[cfg(feature = "third-party")]
const CONTROLLED: usize = 2000;

/// What became of what was put in.
#[repr(u32)]
pub enum Taken {
    /// It is no command, or a number in it is none.
    Not,
    /// It was done.
    Done,
    /// Nothing was done: it needs calls, whose code may be loaded later than the rest.
    /// Once they are made, it is to be put in again.
    Later,
}

/// Without them it would be answered that nobody is there.
#[cfg(not(feature = "third-party"))]
fn waits_for_calls(phone: &Machine, message: &[u8]) -> bool {
    !phone.has_calls() && (message.starts_with(b"INVITE ") || message.starts_with(b"MESSAGE "))
}

/// They are there from the start.
#[cfg(feature = "third-party")]
fn waits_for_calls(_: &Machine, _: &[u8]) -> bool {
    false
}

/// One phone. Nothing yet: what it is made of goes in like everything else.
#[derive(Default)]
pub struct Core {
    phone: RefCell<Option<Machine>>,
    buffers: Buffers,
}

impl Core {
    /// Where to put what goes in, at most `size` bytes. Memory may have moved.
    pub fn room(&self, size: usize) -> *mut u8 {
        self.buffers.room(size)
    }

    /// Makes the phone, which opens nothing, of what was put there: a field with at
    /// least 32 bytes from the platform's cryptographic generator in any form, then
    /// options as names and values.
    pub fn start(&self, size: usize) {
        let input = self.buffers.input(size);
        let record = Record::of(&input);
        let seed = sha256(record.text().as_bytes());
        let (config, ignored) = record.phone_options();
        let mut phone = Phone::without_calls(config, seed);
        for contact in ignored {
            phone.ignore_binding(contact);
        }
        #[cfg(feature = "third-party")]
        phone.make_calls(Default::default());
        #[cfg(feature = "third-party")]
        let phone = Machine::new(phone, CONTROLLED);
        *self.phone.borrow_mut() = Some(phone);
    }

    /// The command of `size` bytes that was put there.
    pub fn command(&self, now: f64, size: usize) -> Taken {
        let input = self.buffers.input(size);
        let record = Record::of(&input);
        let name = record.text();
        let mut phone = self.phone.borrow_mut();
        let Some(phone) = phone.as_mut() else {
            return Taken::Not;
        };
        let obeyed = obey(phone, at(now), name, &record);
        #[cfg(not(feature = "third-party"))]
        if phone.wanted_calls() {
            return Taken::Later;
        }
        match obeyed {
            true => Taken::Done,
            false => Taken::Not,
        }
    }

    /// The WebSocket message of `size` bytes that was put there; `must`: with or without
    /// calls.
    pub fn socket_message(
        &self,
        now: f64,
        (slot, generation): (u32, u32),
        size: usize,
        must: bool,
    ) -> Taken {
        let data = self.buffers.input(size);
        let mut phone = self.phone.borrow_mut();
        let Some(phone) = phone.as_mut() else {
            return Taken::Not;
        };
        if !must && waits_for_calls(phone, &data) {
            return Taken::Later;
        }
        phone.handle_message(at(now), slot, generation, &data);
        Taken::Done
    }

    /// From now on it has calls, if it had none.
    #[cfg(not(feature = "third-party"))]
    pub fn make_calls(&self, now: f64) {
        if let Some(phone) = self.phone.borrow_mut().as_mut() {
            phone.make_calls(at(now));
        }
    }

    /// When to wake, in host milliseconds; Infinity if never.
    pub fn deadline(&self) -> f64 {
        let phone = self.phone.borrow();
        millis(phone.as_ref().and_then(Machine::poll_timeout))
    }

    /// Where four numbers tell of the next thing to be done, until the next call; null
    /// if there is none: its place and size, and the slot and generation of the socket if it
    /// is a message. It begins with a brace if it is JSON, and no SIP message does.
    pub fn poll(&self) -> *const u32 {
        let mut phone = self.phone.borrow_mut();
        let Some(phone) = phone.as_mut() else {
            return null();
        };
        #[cfg(feature = "third-party")]
        let output = match phone.poll_output() {
            Some(Said::Phone(output)) => Some(output),
            Some(Said::Watched(watched)) => {
                let mut json = Json::new();
                json.raw("", "{").text("type", "event");
                watching::write(&mut json, watched);
                json.close('}');
                return self.buffers.output(json.done().into_bytes(), [0, 0]);
            }
            None => None,
        };
        #[cfg(not(feature = "third-party"))]
        let output = phone.poll_output();
        match output {
            None => self.buffers.nothing(),
            Some(Output::Send {
                slot,
                generation,
                data,
            }) => self.buffers.output(data, [slot, generation]),
            Some(output) => {
                let mut json = Json::new();
                json.raw("", "{");
                write(&mut json, output, phone.config());
                json.close('}');
                self.buffers.output(json.done().into_bytes(), [0, 0])
            }
        }
    }
}
