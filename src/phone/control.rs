//! Connected without a binding: who drives a desk phone is not to ring himself, and
//! reaches the gateway all the same. Flows are opened and come back as those of a
//! registration do, and nothing is sent to the registrar.

use super::usage::Purpose;
use super::{Event, Fault, Phone, Situation, Status};
use crate::call::Job;
use crate::sip::Message;
use crate::time::Instant;
use crate::transaction::Reach;
use crate::usage::{Cause, Usage};

/// The app wants to be connected.
pub(super) struct Control {
    /// It waits for that, until then.
    attempt: Option<u32>,
    pub(super) until: Instant,
    /// Sockets that were opened in vain meanwhile.
    failures: u32,
}

impl Phone {
    /// Connects, without a binding where there is none. Answered by
    /// [`Event::Controlled`] or [`Event::Failed`] with the same `attempt`.
    pub fn control(&mut self, now: Instant, attempt: u32) {
        if !self.closing {
            self.away = None;
            self.control = Some(Control {
                attempt: Some(attempt),
                until: now + self.config.timeout,
                failures: 0,
            });
            self.settle(now);
        }
    }

    /// Removes the binding of a phone that controls, which stays connected.
    pub fn unbind(&mut self, now: Instant) {
        if self.control.is_some() {
            self.login = None;
            self.give_up_requests();
            let subscriptions = &mut self.usages.subscriptions;
            subscriptions.end_all(now, Cause::Local, Situation::LoggedOut);
            // It leads to the binding.
            self.account.gruu = None;
            self.tell_account();
            self.registration.unregister();
            self.settle(now);
        }
    }

    /// Whether flows are kept.
    pub(super) fn controls(&self) -> bool {
        self.control.is_some() && self.away.is_none()
    }

    /// Whether the app waits to be connected.
    pub(super) fn awaits_control(&self) -> bool {
        let control = self.control.as_ref();
        control.is_some_and(|control| control.attempt.is_some())
    }

    /// The status of a phone that is not registered is that of its flow.
    pub(super) fn show_control(&mut self) {
        if !self.controls() {
            return;
        }
        if !self.registration.is_active() || self.registration.is_leaving() {
            self.set_status(match self.flows.home() {
                Some(_) => Status::Ready,
                None if self.awaits_control() => Status::Registering,
                None => Status::RecoveryPending,
            });
        }
        if self.status == Status::Ready
            && let Some(control) = &mut self.control
            && let Some(attempt) = control.attempt.take()
        {
            self.emit(Event::Controlled(attempt));
        }
    }

    /// A socket could not be opened, or was lost, and there is no other. So many times
    /// each of them is tried.
    pub(super) fn control_failing(&mut self, limit: u32) {
        if let Some(control) = self.control.as_mut().filter(|it| it.attempt.is_some()) {
            control.failures += 1;
            if control.failures >= limit {
                self.control_failed();
            }
        }
    }

    /// Whoever waits to be connected has waited for long enough.
    pub(super) fn control_failed(&mut self) {
        if let Some(Control {
            attempt: Some(attempt),
            ..
        }) = self.control.take()
        {
            if !self.registration.is_active() {
                self.set_status(Status::Idle);
            }
            let fault = Fault::new(Situation::NoConnection);
            self.emit(Event::Failed(attempt, fault, None));
        }
    }

    /// Who answers `purpose`. Where no REGISTER has taught the realm of our own domain, an
    /// INVITE that opens a session may.
    pub(super) fn reach(&self, purpose: Purpose, answer: &Message) -> Option<Reach> {
        let first =
            self.opens_session(purpose) && self.authenticator.is_first(answer, &self.config.domain);
        match first {
            true => Some(Reach::Registrar),
            false => purpose.reach(),
        }
    }

    /// Whether it is the INVITE of a session, of a phone that controls.
    pub(super) fn opens_session(&self, purpose: Purpose) -> bool {
        matches!(purpose, Purpose::Calls(key) if key.job == Job::Invite
            && self.control.is_some() && self.usages.calls.get().is_some_and(|calls| calls.is_session(key.of)))
    }
}
