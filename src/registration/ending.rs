//! How a login, a registration or the leaving of it ends: what may be bound is removed,
//! then it is told.

use super::goal::{Leaving, Login};
use super::listing::{Holder, user_of};
use super::request::removal_of;
use super::{Action, Goal, Ousting, Outcome, Refusal, Register, Registration};
use super::{Stay, Step, Then};
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::time::{Duration, Instant};

/// How long whoever is ousted waits for the answer to his un-REGISTER before he is told:
/// a digest round trip, and no call that somebody else is to have.
const OUST_PATIENCE: Duration = Duration::from_secs(1);

impl Registration {
    /// Removes the binding, if there may be one. Answered by
    /// [`Outcome::Unregistered`].
    pub fn unregister(&mut self) {
        self.goal = Goal::Leave(Leaving::default());
        if self.exposed.is_empty() {
            self.left();
        } else if self.flow {
            self.send_removal();
        }
        // Else when the flow is up again, or with the next failure to get one.
    }

    /// The un-REGISTER of a page that is going away, if it may be bound; one more for
    /// each earlier try of a login that may be.
    pub fn deregister(&mut self) -> Vec<Register> {
        let mut registers = Vec::new();
        while let Some(register) = self.next_removal() {
            self.exposed.pop();
            registers.push(register);
        }
        self.forget();
        registers
    }

    /// User parts of Contacts of ours that may be bound.
    pub fn left_behind(&self) -> Option<String> {
        let mut left = String::new();
        for uri in self.stuck.iter().chain(&self.exposed) {
            if !left.is_empty() {
                left.push_str(", ");
            }
            left.push_str(&user_of(uri));
        }
        (!left.is_empty()).then_some(left)
    }

    /// Stops without a word: another tab speaks for this client now.
    pub fn forget(&mut self) {
        self.goal = Goal::Idle;
        self.restart_login();
        self.stay = Stay::default();
        self.exposed.clear();
        self.stuck.clear();
        self.actions.clear();
        self.outbound.forget();
    }

    /// The registrar said by reg-event that this contact must not come back. One that
    /// knows devices says by its next answer whether it means this one.
    pub fn rejected(&mut self, now: Instant) {
        if self.shows_instance {
            self.hint(now);
        } else if self.kept().is_some() {
            self.fail(Fault::new(Situation::Removed));
        }
    }

    pub(super) fn left(&mut self) {
        self.forget();
        self.held_until = None;
        self.actions.push(Action::Outcome(Outcome::Unregistered));
    }

    /// The login, or the keeping, has failed. Nothing of it stays bound that can be
    /// removed; then it is told.
    pub fn fail(&mut self, fault: Fault) {
        // Nothing of it is bound any more, and no word of it is heard.
        if fault.at == Situation::NotAuthorised {
            self.exposed.clear();
        }
        match self.step {
            // The removal itself fails.
            Step::Withdraw { .. } => self.end_with(Then::Fail(fault)),
            _ => self.withdraw(Then::Fail(fault)),
        }
    }

    /// The credentials were refused, and with them the REGISTER that is under way.
    pub fn credentials_refused(&mut self, at: Situation) {
        self.not_bound();
        self.fail(Fault::with_status(at, 401));
    }

    /// The REGISTER under way was refused: its Contact is not bound by it.
    pub(super) fn not_bound(&mut self) {
        if core::mem::take(&mut self.fresh) {
            self.exposed.pop();
        }
    }

    /// Takes back what may be bound, and goes on with `then`.
    pub(super) fn withdraw(&mut self, then: Then) {
        match self.next_removal() {
            Some(removal) => {
                self.step = Step::Withdraw { then };
                self.send(removal);
            }
            None => self.end_with(then),
        }
    }

    /// A removal was answered: the next one, or what follows.
    pub(super) fn withdrawn(&mut self, now: Instant, then: Then) {
        let sent = core::mem::take(&mut self.sent);
        let tried = |uri: &mut String| sent.contains(&removal_of(uri));
        self.stuck.extend(self.exposed.extract_if(.., tried));
        match then {
            Then::Again if self.exposed.is_empty() => {
                self.stay.claim = None;
                let wait = Duration::from_millis(self.random.below(2000));
                self.pause(now + wait);
            }
            then => self.withdraw(then),
        }
    }

    pub(super) fn end_with(&mut self, then: Then) {
        let left = self.left_behind();
        let resumed = matches!(self.goal, Goal::Login(Login { resumed: true, .. }));
        self.forget();
        self.actions.push(Action::Outcome(match then {
            Then::Fail(fault) => Outcome::Failed(Fault { left, ..fault }),
            Then::Oust(ousting, _) => Outcome::Ousted(ousting),
            Then::Refuse(refusal) if resumed => Outcome::Ousted(Ousting {
                reason: "takenOver",
                by: refusal.holder,
            }),
            Then::Refuse(mut refusal) => {
                refusal.fault.left = left;
                Outcome::Refused(refusal)
            }
            Then::Again => return,
        }));
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.withdraw(Then::Refuse(refusal));
    }

    /// The end of being registered: our contact is taken off the list first,
    /// where it is still on it, because nothing may be sent afterwards.
    pub(super) fn oust(
        &mut self,
        now: Instant,
        reason: &'static str,
        by: Holder,
        still_listed: bool,
    ) {
        if !still_listed {
            self.exposed.clear();
        }
        self.held_until = None;
        let until = now + OUST_PATIENCE;
        self.withdraw(Then::Oust(Ousting { reason, by }, until));
    }
}
