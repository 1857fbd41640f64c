//! A usage whose code may come later than the rest of the phone.

use crate::fault::Situation;
use crate::flow::FlowId;
use crate::prelude::*;
use crate::rand::Random;
use crate::sip::Message;
use crate::time::Instant;
use crate::transaction::Reach;
use crate::usage::{Account, Action, Arrival, Cause, Key, Usage};

/// A usage that is made when it is first needed: the page may load its code later than the
/// rest. Until then it does nothing.
pub struct Late<U> {
    made: Option<Box<U>>,
    /// For when it is made.
    random: Option<Random>,
    /// Somebody has needed it.
    wanted: bool,
}

impl<U: Usage> Late<U> {
    /// The usage, if it was made.
    pub fn get(&self) -> Option<&U> {
        self.made.as_deref()
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self) -> Option<&mut U> {
        self.made.as_deref_mut()
    }

    /// The usage; where it is none yet, it is wanted from now on.
    pub fn want(&mut self) -> Option<&mut U> {
        self.wanted |= self.made.is_none();
        self.made.as_deref_mut()
    }

    /// Whether it was wanted in vain since this was asked last.
    pub fn was_wanted(&mut self) -> bool {
        core::mem::take(&mut self.wanted)
    }

    /// Makes it; `None`: it is there.
    pub fn make(&mut self, account: &Account) -> Option<&mut U> {
        let made = U::new(account, self.random.take()?);
        Some(self.made.insert(Box::new(made)))
    }
}

impl<U: Usage> Usage for Late<U> {
    type Job = U::Job;
    type Event = U::Event;
    const INVITES: bool = U::INVITES;

    fn new(_account: &Account, random: Random) -> Self {
        Self {
            made: None,
            random: Some(random),
            wanted: false,
        }
    }

    fn poll_action(&mut self) -> Option<Action<U::Job, U::Event>> {
        self.made.as_mut()?.poll_action()
    }

    fn handle_answer(&mut self, now: Instant, key: Key<U::Job>, answer: &Message) {
        if let Some(made) = &mut self.made {
            made.handle_answer(now, key, answer);
        }
    }

    fn unanswered(&mut self, now: Instant, key: Key<U::Job>, dropped: Option<&'static str>) {
        if let Some(made) = &mut self.made {
            made.unanswered(now, key, dropped);
        }
    }

    fn handle_request(&mut self, now: Instant, request: &Message, at: Arrival) -> bool {
        let made = self.made.as_mut();
        made.is_some_and(|made| made.handle_request(now, request, at))
    }

    fn flows_changed(&mut self, now: Instant, open: &[FlowId], home: Option<FlowId>) {
        if let Some(made) = &mut self.made {
            made.flows_changed(now, open, home);
        }
    }

    fn account_changed(&mut self, account: &Account) {
        if let Some(made) = &mut self.made {
            made.account_changed(account);
        }
    }

    fn flow(&self, of: u32) -> Option<FlowId> {
        self.made.as_ref()?.flow(of)
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some(made) = &mut self.made {
            made.handle_timeout(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.made.as_ref()?.poll_timeout()
    }

    fn end_all(&mut self, now: Instant, cause: Cause, at: Situation) {
        if let Some(made) = &mut self.made {
            made.end_all(now, cause, at);
        }
    }

    fn tidy(&mut self, pending: impl Fn(u32) -> bool) {
        if let Some(made) = &mut self.made {
            made.tidy(pending);
        }
    }

    fn reach(job: U::Job) -> Reach {
        U::reach(job)
    }

    fn answers_challenge(&self, key: Key<U::Job>) -> bool {
        let made = self.made.as_ref();
        made.is_some_and(|made| made.answers_challenge(key))
    }

    fn outlives_flow(job: U::Job) -> bool {
        U::outlives_flow(job)
    }

    fn lingers(job: U::Job) -> bool {
        U::lingers(job)
    }
}
