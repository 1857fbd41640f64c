//! What the app hears of the registration. Order: status, then the event.

use super::{Event, Level, Phone, Registered, Status};
use crate::fault::{Code, Fault, Situation};
use crate::registration::{Holder, Outcome, RegistrationType};
use crate::time::Instant;
use crate::usage::Cause;

impl Phone {
    pub(super) fn handle_outcome(&mut self, now: Instant, outcome: Outcome) {
        match outcome {
            Outcome::Registered => self.registered_again(),
            Outcome::Refused(refusal) => self.login_failed(refusal.fault, Some(refusal.holder)),
            Outcome::Failed(fault) => self.failed(now, fault),
            Outcome::Ousted(ousting) => {
                self.end_usages(now, Cause::ConnectionTerminated, Situation::TakenOver);
                self.terminated(ousting.reason, ousting.by);
            }
            Outcome::Recovering if self.status == Status::Ready => {
                self.set_status(Status::RecoveryPending);
            }
            Outcome::Recovering => {}
            Outcome::Unregistered => {
                self.memory.held_until = None;
                self.set_idle();
                if self.control.is_some() {
                    return;
                }
                self.emit(Event::Unregistered);
                if self.closing {
                    self.close_flows(now);
                    self.emit(Event::Closed);
                }
            }
        }
    }

    fn registered_again(&mut self) {
        let Some(registered) = self.registered() else {
            return;
        };
        self.set_status(Status::Ready);
        for call in core::mem::take(&mut self.memory.abandoned) {
            self.emit(Event::Abandoned(call));
        }
        if !registered.detects_conflicts {
            self.log(Level::Warn, self.registration.why_no_conflicts());
        }
        if let Some(login) = self.login.take() {
            self.control = None;
            self.emit(Event::Registered(login.attempt, registered));
        }
        // A naive phone is told of nothing: it steals the line back when it next
        // refreshes, not at the news.
        if self.config.registration_type == RegistrationType::Normal {
            return;
        }
        self.watch_registrations();
    }

    fn failed(&mut self, now: Instant, fault: Fault) {
        match fault.code() {
            Code::CredentialsRejected => self.authenticator.reset(),
            Code::DeviceNotAuthorised => {
                self.end_usages(now, Cause::Failed, fault.at);
                self.authenticator.reset();
            }
            _ => {}
        }
        self.login_failed(fault, None);
    }

    /// Ends the pending login, or, without one, tells of the lost registration.
    fn login_failed(&mut self, fault: Fault, holder: Option<Holder>) {
        let login = self.login.take();
        match fault.at {
            Situation::NotAuthorised if login.is_none() && !self.controls() => {
                self.set_status(Status::DeviceNotAuthorised);
            }
            _ => self.set_idle(),
        }
        self.emit(match login {
            Some(login) => Event::Failed(login.attempt, fault, holder),
            None => Event::Error(fault),
        });
    }

    pub(super) fn terminated(&mut self, reason: &'static str, by: Holder) {
        self.memory.held_until = None;
        self.control = None;
        self.set_status(Status::ConnectionTerminated);
        self.emit(Event::Terminated { reason, by });
    }

    pub(super) fn registration_failed(&mut self, now: Instant, fault: Fault) {
        if self.end_leaving(now) {
            return;
        }
        self.give_up_requests();
        self.registration.fail(fault);
    }

    pub(super) fn credentials_rejected(&mut self, now: Instant, at: Situation) {
        self.give_up_requests();
        if self.end_leaving(now) {
            return;
        }
        self.registration.credentials_refused(at);
    }

    /// A removal that cannot be brought to its end has ended: whoever waits for it
    /// is told. `false`: none is going on.
    pub(super) fn end_leaving(&mut self, now: Instant) -> bool {
        let leaving = self.registration.is_leaving();
        if leaving {
            self.registration.forget();
            self.handle_outcome(now, Outcome::Unregistered);
        }
        leaving
    }

    /// The pending login took too long.
    pub(super) fn login_timed_out(&mut self, now: Instant) {
        if self.login.as_ref().is_some_and(|login| !login.connected) {
            return self.login_could_not_connect(now);
        }
        let left = self.give_up_login(now);
        let fault = Fault {
            left,
            dropped: self.login.as_ref().and_then(|login| login.dropped),
            ..Fault::new(Situation::LoginUnanswered)
        };
        self.login_failed(fault, None);
    }

    pub(super) fn login_could_not_connect(&mut self, now: Instant) {
        let left = self.give_up_login(now);
        let fault = Fault::new(Situation::NoConnection);
        self.login_failed(Fault { left, ..fault }, None);
    }

    /// Nothing is registered any more.
    pub(super) fn set_idle(&mut self) {
        match self.controls() {
            true => self.show_control(),
            false => self.set_status(Status::Idle),
        }
    }

    pub(super) fn set_status(&mut self, status: Status) {
        let registered: Option<Registered> = self.registered().filter(|_| status == Status::Ready);
        if self.status != status {
            self.status = status;
            self.emit(Event::Status(status, registered));
        }
    }
}
