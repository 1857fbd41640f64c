//! The boundary of the phone. What goes in is put into a buffer of the core's: a
//! SIP message as it came, or a command as `record.rs` reads it. What comes out is
//! one thing at a time: a message to be sent as it is, or JSON. It never calls
//! JavaScript; `js/core/core.js` is the other side, `protocol/` says what crosses.
//! The bridge is not API.

use super::buffers::{Buffers, at, millis};
use super::json::Json;
use super::protocol;
use super::record::Record;
use crate::hash::sha256;
use crate::phone::{Output, Phone};
use core::cell::RefCell;
use core::ptr::null;

/// Legs that one gateway controls: a thousand calls.
#[cfg(feature = "third-party")]
const CONTROLLED: usize = 2000;

/// One phone. Nothing yet: what it is made of goes in like everything else.
#[derive(Default)]
pub struct Core {
    phone: RefCell<Option<Phone>>,
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
        let mut phone = Phone::with_checked(config, seed);
        for contact in ignored {
            phone.ignore_binding(contact);
        }
        #[cfg(feature = "third-party")]
        phone.allow_calls(CONTROLLED);
        *self.phone.borrow_mut() = Some(phone);
    }

    /// The command of `size` bytes that was put there. `false`: it is none, or a
    /// number in it is none.
    pub fn command(&self, now: f64, size: usize) -> bool {
        let input = self.buffers.input(size);
        let record = Record::of(&input);
        let name = record.text();
        let mut phone = self.phone.borrow_mut();
        phone
            .as_mut()
            .is_some_and(|phone| protocol::obey(phone, at(now), name, &record))
    }

    /// The WebSocket message of `size` bytes that was put there.
    pub fn socket_message(&self, now: f64, slot: u32, generation: u32, size: usize) {
        let data = self.buffers.input(size);
        if let Some(phone) = self.phone.borrow_mut().as_mut() {
            phone.handle_message(at(now), slot, generation, &data);
        }
    }

    /// When to wake, in host milliseconds; Infinity if never.
    pub fn deadline(&self) -> f64 {
        let phone = self.phone.borrow();
        millis(phone.as_ref().and_then(Phone::poll_timeout))
    }

    /// Where four numbers tell of the next thing to be done, until the next call; null
    /// if there is none: its place and size, and the slot and generation of the socket if it
    /// is a message. It begins with a brace if it is JSON, and no SIP message does.
    pub fn poll(&self) -> *const u32 {
        let mut phone = self.phone.borrow_mut();
        let Some(phone) = phone.as_mut() else {
            return null();
        };
        match phone.poll_output() {
            None => self.buffers.nothing(),
            Some(Output::Send {
                slot,
                generation,
                data,
            }) => self.buffers.output(data, [slot, generation]),
            Some(output) => {
                let mut json = Json::new();
                json.raw("", "{");
                protocol::write(&mut json, output, phone.config());
                json.close('}');
                self.buffers.output(json.done().into_bytes(), [0, 0])
            }
        }
    }
}
