//! What the app and its page ask of the phone, each a mutation of its own.

use super::registering::REGISTER;
use super::usage::Purpose;
use super::{Event, Login, Phone, Status};
use crate::fault::Situation;
use crate::pool::Pacer;
use crate::prelude::*;
use crate::registration::Outcome;
use crate::time::Instant;
use crate::transaction::Credentials;
use crate::usage::Cause;

impl Phone {
    /// `registerPhone`. Answered by [`Event::Registered`] or [`Event::Failed`]
    /// with the same `attempt`. A pending login is superseded silently.
    pub fn register(&mut self, now: Instant, attempt: u32, force: bool) {
        if self.closing {
            return;
        }
        if let Some(registered) = self.registered().filter(|_| self.status == Status::Ready) {
            return self.emit(Event::Registered(attempt, registered));
        }
        self.give_up_requests();
        // What the app asks for is not the server's doing.
        self.pacer = Pacer::default();
        self.away = None;
        if self.memory.held_until.is_none_or(|until| until <= now) {
            self.memory.abandoned.clear();
        }
        let deadline = now + self.config.timeout;
        self.login = Some(Login {
            attempt,
            deadline,
            failures: 0,
            silences: 0,
            connected: false,
            dropped: None,
        });
        self.set_status(Status::Registering);
        self.registration.login(now, force, deadline);
        self.settle(now);
    }

    /// `unregisterPhone`. Answered by [`Event::Unregistered`].
    pub fn unregister(&mut self, now: Instant) {
        self.login = None;
        self.away = None;
        self.give_up_requests();
        self.pacer = Pacer::default();
        self.control = None;
        self.end_usages(now, Cause::Local, Situation::LoggedOut);
        self.registration.unregister();
        self.flows.retry_now(now);
        self.settle(now);
    }

    /// The app gave the pending login up: what may be bound is removed.
    pub fn abort(&mut self, now: Instant) {
        if self.login.take().is_some() {
            self.give_up_login(now);
            self.set_idle();
            self.settle(now);
        }
    }

    /// `close`. Answered by [`Event::Closed`], after which nothing happens.
    pub fn close(&mut self, now: Instant) {
        self.closing = true;
        self.unregister(now);
    }

    /// The page goes away (`pagehide`): one un-REGISTER from the kept nonce, and
    /// the socket is closed. There is no time for more.
    pub fn leave(&mut self, now: Instant) {
        let leaving = self.registration.is_leaving();
        let registered = self.registration.is_active() && !leaving;
        self.away = (registered || self.controls()).then_some(registered);
        self.login = None;
        self.give_up_requests();
        // With a call the binding stays, for the page that comes back.
        let in_call = self.is_in_call();
        self.memory.abandoned.clear();
        if let Some(calls) = self.usages.calls.get_mut() {
            self.memory.abandoned = calls.to_pick_up();
            calls.abandon_all(now, Situation::PageLeft);
        }
        self.perform_usages(now);
        self.remember();
        let removals = self.registration.deregister();
        if self.flows.home().is_some() && !in_call {
            for register in removals {
                self.memory.held_until = None;
                self.send_deregistration(now, register);
            }
        }
        self.drop_transactions(now);
        self.close_flows(now);
        if leaving {
            return self.handle_outcome(now, Outcome::Unregistered);
        }
        self.set_status(Status::Idle);
    }

    /// The page came back from the back-forward cache (`pageshow`, persisted).
    pub fn resume(&mut self, now: Instant) {
        if let Some(registered) = self.away.take() {
            self.set_status(Status::RecoveryPending);
            if registered {
                self.registration.resume(now);
            }
            self.settle(now);
        }
    }

    /// The device woke up, came online or into view: look now rather than when
    /// the timer comes.
    pub fn look(&mut self, now: Instant) {
        self.flows.ask_now(now);
        self.flows.retry_now(now);
        if self.flows.home().is_some() {
            self.registration.look(now);
        }
        self.handle_timeout(now);
    }

    /// Another tab of this browser speaks for this client now: ousted without a
    /// word to the network.
    pub fn silence(&mut self, now: Instant) {
        self.give_up_requests();
        self.login = None;
        self.away = None;
        self.end_usages(now, Cause::ConnectionTerminated, Situation::TakenOver);
        self.close_flows(now);
        if self.end_leaving(now) {
            return;
        }
        self.registration.forget();
        self.terminated("sameBrowser", crate::registration::Holder::default());
        self.settle(now);
    }

    /// A contact that is no rival although `conflictScope` is `user`.
    pub fn ignore_binding(&mut self, contact: String) {
        self.registration.ignore(contact);
    }

    /// The app's answer to [`Event::Credentials`]; `None`: it has none.
    pub fn credentials(&mut self, now: Instant, id: u32, answer: Option<Credentials>) {
        self.supply(now, id, answer.ok_or(Situation::NoCredentials));
    }

    /// The same, or why there are none: [`Situation::NoCredentials`], or that the device
    /// may not log in any more, [`Situation::NotAuthorised`].
    pub fn supply(&mut self, now: Instant, id: u32, answer: Result<Credentials, Situation>) {
        let Some(asked) = self.asked.take_if(|asked| asked.id == id) else {
            return;
        };
        if let Some(login) = &mut self.login {
            login.deadline = login.deadline + (now - asked.since);
        }
        let supplied = answer.and_then(|credentials| {
            match self.authenticator.supply(&asked.ask.realm, credentials) {
                true => Ok(()),
                false => Err(Situation::NoCredentials),
            }
        });
        for purpose in asked.purposes {
            let Err(at) = supplied else {
                self.resend(now, purpose, None);
                continue;
            };
            self.transactions.end(&purpose);
            match purpose {
                Purpose::Calls(key) => {
                    let calls = self.usages.calls.get_mut();
                    _ = calls.map(|calls| calls.unauthorised(now, key.of));
                }
                _ => self.credentials_rejected(now, at),
            }
        }
        self.settle(now);
    }

    /// What the app answered for this realm is about to end: from now on this is shown.
    pub fn renew_credentials(&mut self, realm: &str, credentials: Credentials) {
        self.authenticator.supply(realm, credentials);
    }

    /// Requests of a login that was given up or superseded are not waited for.
    pub(super) fn give_up_requests(&mut self) {
        self.asked = None;
        self.held = None;
        if self.transactions.is_pending(&REGISTER) {
            self.authenticator.interrupted();
        }
        self.transactions.end(&REGISTER);
    }

    /// What may be bound of a login that is given up is removed, without
    /// waiting for the answer; its user part, because that may be in vain.
    pub(super) fn give_up_login(&mut self, now: Instant) -> Option<String> {
        self.give_up_requests();
        let left = self.registration.left_behind();
        for register in self.registration.deregister() {
            self.send_deregistration(now, register);
        }
        left
    }
}
