//! The login that is under way, and who waits for it. Calls that overlap share one
//! attempt; a forced one takes the place of an unforced one.

use super::error::Error;
use super::event::Registration;
use crate::prelude::*;
use alloc::collections::BTreeSet;
use core::cell::{Cell, RefCell};
use futures_channel::oneshot;

pub(super) type Outcome = Result<Registration, Error>;

/// One piece of work on behalf of one or more calls of `register`.
struct Attempt {
    id: u32,
    force: bool,
    /// Whether the core knows of it.
    begun: bool,
    waiters: Vec<oneshot::Sender<Outcome>>,
}

#[derive(Default)]
pub(super) struct Login {
    attempt: RefCell<Option<Attempt>>,
    last: Cell<u32>,
    /// Connections that the browser does not permit.
    forbidden: RefCell<BTreeSet<String>>,
}

impl Login {
    /// What a call of `register` waits for; with the number of the attempt, if it is new.
    pub fn join(&self, force: bool) -> (oneshot::Receiver<Outcome>, Option<u32>) {
        let unforced = |attempt: &Attempt| force && !attempt.force;
        if self.attempt.borrow().as_ref().is_some_and(unforced) {
            self.cancel(&Error::Superseded);
        }
        let mut attempt = self.attempt.borrow_mut();
        let new = attempt.is_none();
        let attempt = attempt.get_or_insert_with(|| {
            self.last.set(self.last.get() + 1);
            Attempt {
                id: self.last.get(),
                force,
                begun: false,
                waiters: Vec::new(),
            }
        });
        let (waiter, outcome) = oneshot::channel();
        attempt.waiters.push(waiter);
        (outcome, new.then_some(attempt.id))
    }

    pub fn is_pending(&self) -> bool {
        self.attempt.borrow().is_some()
    }

    pub fn is_current(&self, id: u32) -> bool {
        let attempt = self.attempt.borrow();
        attempt.as_ref().is_some_and(|attempt| attempt.id == id)
    }

    /// The number of the attempt that the core knows of.
    pub fn begun(&self) -> Option<u32> {
        let attempt = self.attempt.borrow();
        let begun = attempt.as_ref().filter(|attempt| attempt.begun);
        begun.map(|attempt| attempt.id)
    }

    /// The core hears of the attempt now.
    pub fn begin(&self) {
        self.forbidden.borrow_mut().clear();
        if let Some(attempt) = &mut *self.attempt.borrow_mut() {
            attempt.begun = true;
        }
    }

    /// Ends the attempt, if there is one: whether the core knew of it. What the core is
    /// doing for it is ended by what comes next.
    pub fn cancel(&self, error: &Error) -> Option<bool> {
        self.settle(Err(error.clone()))
    }

    /// The same, for whatever became of it.
    pub fn settle(&self, outcome: Outcome) -> Option<bool> {
        let attempt = self.attempt.take()?;
        for waiter in attempt.waiters {
            _ = waiter.send(outcome.clone());
        }
        Some(attempt.begun)
    }

    /// Ends the attempt if nobody waits for it any more: whether the core knew of it.
    pub fn abandon(&self) -> Option<bool> {
        let mut attempt = self.attempt.borrow_mut();
        let forgotten = |attempt: &mut Attempt| {
            let mut waiters = attempt.waiters.iter();
            waiters.all(oneshot::Sender::is_canceled)
        };
        Some(attempt.take_if(forgotten)?.begun)
    }

    /// Whether no connection is left that the browser permits.
    pub fn forbid(&self, url: &str, connections: &[String]) -> bool {
        let mut forbidden = self.forbidden.borrow_mut();
        forbidden.insert(url.to_owned());
        connections.iter().all(|url| forbidden.contains(url))
    }
}
