//! The calls of a phone: numbers them, and brings to each what the core says of it.

use super::call::{Call, Facts};
use super::error::Error;
use super::event::Event;
use super::phone::Inner;
use super::terms::{CallEvent, CallOptions};
use crate::call;
use crate::fault::Fault;
use crate::phone::Phone as Machine;
use crate::prelude::*;
use crate::time::Instant;
use alloc::collections::BTreeMap;
use alloc::rc::Weak;
use core::cell::{Cell, RefCell};
use core::pin::Pin;
use futures_channel::oneshot;
use wasm_bindgen_futures::spawn_local;

/// What an operation comes to.
pub(super) type Done = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

pub(super) struct Calls {
    phone: Weak<Inner>,
    list: RefCell<BTreeMap<u32, Call>>,
    /// Outgoing calls have odd numbers, incoming ones get even ones from the core.
    last: Cell<u32>,
    /// Operations that are under way.
    asked: RefCell<BTreeMap<u32, oneshot::Sender<Result<(), Fault>>>>,
    last_op: Cell<u32>,
}

impl Calls {
    pub fn new(phone: Weak<Inner>) -> Self {
        Self {
            phone,
            list: RefCell::default(),
            last: Cell::new(0),
            asked: RefCell::default(),
            last_op: Cell::new(0),
        }
    }

    pub fn list(&self) -> Vec<Call> {
        self.list.borrow().values().cloned().collect()
    }

    fn get(&self, id: u32) -> Option<Call> {
        self.list.borrow().get(&id).cloned()
    }

    /// `refer`: the request of a far end that it answers.
    pub fn call(&self, target: &str, options: CallOptions, refer: Option<u32>) -> Call {
        let id = self.last.get() | 1;
        self.last.set(id + 1);
        let more = options.for_core(refer);
        let facts = Facts {
            id,
            incoming: false,
            to: String::new(),
            headers: Vec::new(),
            remote: call::Party {
                uri: target.to_owned(),
                display_name: String::new(),
            },
        };
        let call = Call::new(facts, options, self.phone.clone());
        self.list.borrow_mut().insert(id, call.clone());
        let (phone, target) = (self.phone.clone(), target.to_owned());
        // What becomes of it is heard after the app has the call in hand.
        spawn_local(async move {
            let Some(phone) = phone.upgrade() else { return };
            if phone.host().is_none() {
                return phone
                    .calls
                    .end(id, call::Cause::Failed, Some(Error::NeverRegistered));
            }
            phone.tell(move |machine, now| machine.call(now, id, &target, more));
        });
        call
    }

    /// An operation, which the core settles; `command` is given its number.
    pub fn ask<I>(&self, command: impl FnOnce(u32) -> I) -> Done
    where
        I: FnOnce(&mut Machine, Instant) + 'static,
    {
        let op = self.last_op.get() + 1;
        self.last_op.set(op);
        let (waiter, done) = oneshot::channel();
        self.asked.borrow_mut().insert(op, waiter);
        match self.phone.upgrade().filter(|phone| phone.host().is_some()) {
            Some(phone) => phone.tell(command(op)),
            None => _ = self.asked.borrow_mut().remove(&op),
        }
        Box::pin(async move {
            match done.await {
                Ok(outcome) => outcome.map_err(Error::Fault),
                Err(_) => Err(Error::NeverRegistered),
            }
        })
    }

    pub fn heard(&self, event: call::Event) {
        use call::Event as Said;
        match event {
            Said::Incoming {
                call: id,
                from: remote,
                to,
                headers,
                replaces,
                ..
            } => self.ring(
                Facts {
                    id,
                    incoming: true,
                    to,
                    headers,
                    remote,
                },
                replaces,
            ),
            Said::Done { op, error, .. } => {
                let waiter = self.asked.borrow_mut().remove(&op);
                if let Some(waiter) = waiter {
                    _ = waiter.send(error.map_or(Ok(()), Err));
                }
            }
            Said::Refer {
                call,
                refer,
                target,
                ..
            } => self.follow(call, refer, &target),
            Said::Message {
                from,
                content_type,
                body,
                ..
            } => self.tell(&Event::Message {
                from,
                content_type,
                body,
            }),
            Said::Ended { call, cause, fault } => {
                self.end(call, cause, fault.map(Error::Fault));
            }
            Said::State { call, state, early } => self.with(call, |it| it.become_(state, early)),
            Said::Remote { call, remote } => self.with(call, |it| it.is_with(remote)),
            Said::Media {
                call,
                request,
                want,
                hold,
                trickle,
                ..
            } => self.with(call, |it| it.serve(request, want, hold, trickle)),
            Said::Candidates { call, fragment } => {
                self.with(call, |it| it.add_candidates(fragment));
            }
            Said::Info {
                call,
                content_type,
                body,
            } => self.with(call, |it| it.tell(&CallEvent::Info { content_type, body })),
            Said::Transferred {
                call,
                status,
                reason,
            } => self.with(call, |it| it.tell(&CallEvent::Transfer { status, reason })),
            _ => {}
        }
    }

    /// Something of the far end's comes.
    pub fn track(&self, id: u32) {
        self.with(id, |call| call.tell(&CallEvent::Track));
    }

    /// A handler needs a new agreement; if it comes to nothing the core knows.
    pub fn renegotiate(&self, id: u32) {
        drop(self.ask(move |op| {
            move |machine: &mut Machine, now| {
                machine.with_calls(now, |calls| calls.renegotiate(now, op, id, false));
            }
        }));
    }

    /// The core is gone.
    pub fn drop_all(&self) {
        let calls = self.list.take();
        for call in calls.values() {
            call.end(call::Cause::Local, Some(Error::Closed));
        }
        self.asked.borrow_mut().clear();
    }

    pub fn end(&self, id: u32, cause: call::Cause, error: Option<Error>) {
        let call = self.list.borrow_mut().remove(&id);
        if let Some(call) = call {
            call.end(cause, error);
        }
    }

    fn with(&self, id: u32, act: impl FnOnce(&Call)) {
        if let Some(call) = self.get(id) {
            act(&call);
        }
    }

    fn tell(&self, event: &Event) {
        if let Some(phone) = self.phone.upgrade() {
            phone.listeners.tell(event);
        }
    }

    fn ring(&self, facts: Facts, replaces: Option<u32>) {
        let id = facts.id;
        let replaced = replaces.and_then(|id| self.get(id));
        let options = replaced.as_ref().map(Call::options).unwrap_or_default();
        let call = Call::new(facts, options, self.phone.clone());
        self.list.borrow_mut().insert(id, call.clone());
        self.tell(&Event::Incoming(call.clone()));
        // RFC 3891 §3: who replaces a call that is in progress does not ring.
        if replaced.is_some() {
            spawn_local(async move {
                let options = call.options();
                _ = call.answer(options).await;
            });
        }
    }

    /// RFC 3515: the far end of a call asks us to call somebody else.
    fn follow(&self, id: u32, refer: u32, target: &str) {
        let Some((from, phone)) = self.get(id).zip(self.phone.upgrade()) else {
            return;
        };
        let call = self.call(target, from.options(), Some(refer));
        phone.listeners.tell(&Event::Transferred { from, call });
    }
}
