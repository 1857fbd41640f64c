//! What the app hears of the registration. Order: status, then the event.

use super::{Event, Fault, Level, Phone, Registered, Status};
use crate::call::dropped_meanwhile;
use crate::prelude::*;
use crate::registration::{Failure, Holder, Outcome, Refusal, RegistrationType};
use crate::text::{concat, decimal};
use crate::time::Instant;
use crate::usage::Cause;

impl Phone {
    pub(super) fn handle_outcome(&mut self, now: Instant, outcome: Outcome) {
        match outcome {
            Outcome::Registered => self.registered_again(),
            Outcome::Refused(refusal) => self.refused(refusal),
            Outcome::Failed(failure) => self.failed(failure),
            Outcome::Ousted(ousting) => {
                self.end_usages(
                    now,
                    Cause::ConnectionTerminated,
                    super::commands::TAKEN_OVER,
                );
                self.terminated(ousting.reason, ousting.by);
            }
            Outcome::Recovering if self.status == Status::Ready => {
                self.set_status(Status::RecoveryPending);
            }
            Outcome::Recovering => {}
            Outcome::Unregistered => {
                self.memory.held_until = None;
                self.set_status(Status::Idle);
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
            self.emit(Event::Registered(login.attempt, registered));
        }
        // A naive phone is told of nothing: it steals the line back when it next
        // refreshes, not at the news.
        if self.config.registration_type == RegistrationType::Normal {
            return;
        }
        self.watch_registrations();
    }

    fn refused(&mut self, refusal: Refusal) {
        let message = "Another client is logged in with this device. \
                       Ask the user, then call registerPhone({ forceRegistration: true }).";
        let fault = Fault {
            code: "eDeviceAlreadyRegistered",
            message: with_left(message, refusal.left),
            status: refusal.status,
            reason: refusal.reason,
            elsewhere: Some(refusal.holder),
        };
        self.login_failed(fault);
    }

    fn failed(&mut self, failure: Failure) {
        if failure.code == "eCredentialsRejected" {
            self.authenticator.reset();
        }
        let advice = match failure.code {
            "eCredentialsRejected" => "Check user name and password.",
            "eDeviceLimitReached" => {
                "Log out on another device, or ask the administrator for more."
            }
            "eInternal" => "Please report this.",
            _ => "Check the address, or ask the administrator of the telephone system.",
        };
        let status = Some(failure.status).filter(|status| *status != 0);
        let told = match status {
            Some(status) => concat(&[" (", &decimal(status.into()), ")"]),
            None => String::new(),
        };
        let fault = Fault {
            code: failure.code,
            message: with_left(
                &concat(&["The login failed: ", &failure.reason, &told, ". ", advice]),
                failure.left,
            ),
            status,
            reason: Some(failure.reason),
            elsewhere: None,
        };
        self.login_failed(fault);
    }

    /// Ends the pending login, or, without one, tells of the lost registration.
    fn login_failed(&mut self, fault: Fault) {
        self.set_status(Status::Idle);
        match self.login.take() {
            Some(login) => self.emit(Event::Failed(login.attempt, fault)),
            None => self.emit(Event::Error(fault)),
        }
    }

    pub(super) fn terminated(&mut self, reason: &'static str, by: Holder) {
        self.memory.held_until = None;
        self.set_status(Status::ConnectionTerminated);
        self.emit(Event::Terminated { reason, by });
    }

    pub(super) fn registration_failed(
        &mut self,
        now: Instant,
        code: &'static str,
        status: u16,
        reason: &str,
    ) {
        if self.end_leaving(now) {
            return;
        }
        self.give_up_requests();
        self.registration.fail(code, status, reason);
    }

    pub(super) fn credentials_rejected(&mut self, now: Instant, reason: &str) {
        self.give_up_requests();
        if self.end_leaving(now) {
            return;
        }
        self.registration.credentials_refused(reason);
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
        let dropped = self.login.as_ref().and_then(|login| login.dropped);
        let message = match dropped {
            Some(why) => dropped_meanwhile("The server did not answer the login in time.", why),
            None => "The server did not answer the login in time. Try again, or ask the \
                     administrator whether the registrar is running."
                .to_owned(),
        };
        self.login_failed(Fault {
            code: "eTimeout",
            message: with_left(&message, left),
            ..Fault::default()
        });
    }

    pub(super) fn login_could_not_connect(&mut self, now: Instant) {
        let left = self.give_up_login(now);
        let message = "No connection to the server could be opened. Check the network and the \
                       address in connections.";
        self.login_failed(Fault {
            code: "eCouldNotConnect",
            message: with_left(message, left),
            ..Fault::default()
        });
    }

    pub(super) fn set_status(&mut self, status: Status) {
        let registered: Option<Registered> = self.registered().filter(|_| status == Status::Ready);
        if self.status != status {
            self.status = status;
            self.emit(Event::Status(status, registered));
        }
    }
}

/// What an error says, with the binding that could not be removed.
fn with_left(message: &str, left: Option<String>) -> String {
    match left {
        Some(contact) => concat(&[
            message,
            " The registrar may still list this phone, as ",
            &contact,
            ", until that binding lapses.",
        ]),
        None => message.to_owned(),
    }
}
