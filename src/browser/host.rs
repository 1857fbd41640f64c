//! Drives the machine of one phone: brings it the time, what sockets say and the app's
//! commands, and performs its outputs.

use super::clock::Clock;
use super::error::Error;
use super::phone::Inner;
use super::socket::{Forbidden, Key, Socket};
use super::store::Store;
use crate::phone::{Output, Phone as Machine};
use crate::prelude::*;
use crate::time::Instant;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use gloo_timers::callback::Timeout;

/// What setTimeout can wait at most, in ms.
const LONGEST_TIMER: u64 = 0x7fff_ffff;

type Input = Box<dyn FnOnce(&mut Machine, Instant)>;

/// The machine is never entered from within itself, and nothing of the browser's is
/// called while it is borrowed: what arrives while outputs are being performed waits its
/// turn.
pub(super) struct Host {
    this: Weak<Host>,
    phone: Weak<Inner>,
    machine: RefCell<Machine>,
    store: Rc<Store>,
    clock: Clock,
    sockets: RefCell<BTreeMap<Key, Socket>>,
    inputs: RefCell<VecDeque<Input>>,
    running: Cell<bool>,
    /// With when it comes.
    timer: RefCell<Option<(Instant, Timeout)>>,
}

impl Host {
    pub fn new(machine: Machine, store: Rc<Store>, phone: Weak<Inner>) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            this: this.clone(),
            phone,
            machine: RefCell::new(machine),
            store,
            clock: Clock::new(),
            sockets: RefCell::default(),
            inputs: RefCell::default(),
            running: Cell::new(false),
            timer: RefCell::new(None),
        })
    }

    /// Makes one mutation, now or as soon as the current one is done.
    pub fn tell(&self, input: impl FnOnce(&mut Machine, Instant) + 'static) {
        self.inputs.borrow_mut().push_back(Box::new(input));
        if self.running.replace(true) {
            return;
        }
        while let Some(input) = self.next_input() {
            input(&mut self.machine.borrow_mut(), self.clock.now());
            while let Some(output) = self.next_output() {
                self.perform(output);
            }
        }
        self.running.set(false);
        self.arm();
    }

    fn next_input(&self) -> Option<Input> {
        self.inputs.borrow_mut().pop_front()
    }

    fn next_output(&self) -> Option<Output> {
        self.machine.borrow_mut().poll_output()
    }

    fn perform(&self, output: Output) {
        match output {
            Output::Open {
                slot,
                generation,
                url,
            } => self.open((slot, generation), &url),
            Output::Send {
                slot,
                generation,
                data,
            } => {
                let key = (slot, generation);
                let sockets = self.sockets.borrow();
                let sent = sockets.get(&key).is_none_or(|socket| socket.send(&data));
                drop(sockets);
                if !sent {
                    self.socket_closed(key);
                }
            }
            Output::CloseSocket { slot, generation } => {
                let socket = self.sockets.borrow_mut().remove(&(slot, generation));
                drop(socket);
            }
            // Before any later output is acted on, and by a phone that goes, too.
            Output::Store(memory) => self.store.remember(memory),
            output => {
                if let Some(phone) = self.phone.upgrade() {
                    phone.heard(output);
                }
            }
        }
    }

    fn open(&self, key: Key, url: &str) {
        match Socket::open(url, key, &self.this) {
            Ok(socket) => _ = self.sockets.borrow_mut().insert(key, socket),
            Err(Forbidden { origin, why }) => {
                if let Some(phone) = self.phone.upgrade() {
                    phone.forbidden(url, Error::ConnectionForbidden { origin, why });
                }
                self.tell(move |machine, now| machine.handle_close(now, key.0, key.1));
            }
        }
    }

    // ---- what sockets say

    pub fn socket_opened(&self, (slot, generation): Key, protocol: String) {
        self.tell(move |machine, now| machine.handle_open(now, slot, generation, &protocol));
    }

    pub fn socket_message(&self, (slot, generation): Key, data: Vec<u8>) {
        self.tell(move |machine, now| machine.handle_message(now, slot, generation, &data));
    }

    pub fn socket_closed(&self, key: Key) {
        if self.sockets.borrow_mut().remove(&key).is_some() {
            self.tell(move |machine, now| machine.handle_close(now, key.0, key.1));
        }
    }

    // ---- time

    /// Every message puts the deadline off: a timer that comes too early is set anew
    /// then, which costs less than to do it each time.
    fn arm(&self) {
        let due = self.machine.borrow().poll_timeout();
        let mut timer = self.timer.borrow_mut();
        let Some(due) = due else {
            *timer = None;
            return;
        };
        if timer.as_ref().is_some_and(|(comes, _)| *comes <= due) {
            return;
        }
        let wait = (due - self.clock.now()).as_millis().min(LONGEST_TIMER);
        let this = self.this.clone();
        let come = move || {
            if let Some(host) = this.upgrade() {
                host.wake();
            }
        };
        *timer = Some((due, Timeout::new(u32::try_from(wait).unwrap_or(0), come)));
    }

    fn wake(&self) {
        *self.timer.borrow_mut() = None;
        let due = self.machine.borrow().poll_timeout();
        if due.is_some_and(|due| due <= self.clock.now()) {
            self.tell(|machine, now| machine.handle_timeout(now));
        } else {
            self.arm();
        }
    }
}
