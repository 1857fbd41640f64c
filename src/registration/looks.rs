//! When the registration looks who is bound, and when it refreshes: by the clock,
//! and after hints, which cause looks and nothing else.

use super::{Action, Goal, Outcome, Registration, RegistrationType, Step, Then};
use crate::prelude::*;
use crate::time::{Duration, Instant, earliest};

/// Looks that follow one hint: the rival's REGISTER may still be on its way.
pub(super) const LOOKS_AFTER_HINT: [u64; 3] = [0, 1, 4];
/// Hints within this time of the last burst cause no further looks.
const HINT_PAUSE: Duration = Duration::from_secs(10);
/// A binding is looked at no less often than this where nobody tells us.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_secs(60);

impl Registration {
    /// Somebody says that the binding changed. Believed only after a look; one
    /// that is never ousted has nothing to look for.
    pub fn hint(&mut self, now: Instant) {
        if self.settings.kind == RegistrationType::Normal {
            return;
        }
        if let Some(last) = self.last_burst.filter(|last| now - *last < HINT_PAUSE) {
            // Hints may be many; the looks they cause are not.
            let next = last + HINT_PAUSE;
            if !self.looks.contains(&next) {
                self.look_at(next);
            }
            return;
        }
        self.last_burst = Some(now);
        for seconds in LOOKS_AFTER_HINT {
            self.look_at(now + Duration::from_secs(seconds));
        }
        self.handle_timeout(now);
    }

    /// Looks at the binding now (woken up, back online, asked by the app).
    pub fn look(&mut self, now: Instant) {
        self.looks.insert(0, now);
        self.handle_timeout(now);
    }

    /// Waits before the next look: a reg-event said `probation`.
    pub fn probation(&mut self, until: Instant) {
        if self.goal == Goal::Keep && matches!(self.step, Step::Rest) {
            self.step = Step::Pause { until };
        }
    }

    /// Whether reg-event notifications are arriving.
    pub fn set_watched(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// Fires what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.flow {
            return;
        }
        self.register_spares(now);
        // What could not be refreshed in time is not there any more.
        if self.lapse_due().is_some_and(|lapses_at| lapses_at <= now) {
            self.unconfirmed = true;
            self.actions.push(Action::Outcome(Outcome::Recovering));
        }
        match self.step {
            Step::Withdraw {
                then: Then::Oust(_, until),
            } if until <= now => {
                if let Step::Withdraw { then } = core::mem::replace(&mut self.step, Step::Rest) {
                    self.end_with(then);
                }
            }
            Step::Pause { until } if until <= now => {
                self.step = Step::Rest;
                match self.goal {
                    Goal::Keep => self.look_now(now),
                    Goal::Login { .. } => self.first_step(now),
                    Goal::Idle | Goal::Leave => {}
                }
            }
            Step::Rest if self.goal == Goal::Keep => {
                let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
                let look = is_due(self.look_due());
                self.looks.retain(|at| *at > now);
                if look {
                    self.look_now(now);
                } else if is_due(self.bound.as_ref().map(|bound| bound.refresh_at)) {
                    self.refresh(now);
                }
            }
            _ => {}
        }
    }

    /// When [`Registration::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let home = match self.step {
            _ if !self.flow => return None,
            Step::Pause { until }
            | Step::Withdraw {
                then: Then::Oust(_, until),
            } => Some(until),
            Step::Rest if self.goal == Goal::Keep => {
                let refresh = self.bound.as_ref().map(|bound| bound.refresh_at);
                earliest(&[self.look_due(), refresh])
            }
            _ => None,
        };
        let spares = self.spares.poll_timeout();
        let spares = spares.filter(|_| self.goal == Goal::Keep);
        earliest(&[home, spares, self.lapse_due()])
    }

    /// When to look next, by the clock or after a hint.
    fn look_due(&self) -> Option<Instant> {
        let unwatched = self.bound.as_ref().filter(|_| !self.watched);
        let planned = unwatched.and_then(|bound| bound.look_at);
        earliest(&[self.looks.first().copied(), planned])
    }

    /// When a binding that counts as confirmed lapses.
    fn lapse_due(&self) -> Option<Instant> {
        let bound = self.bound.as_ref()?;
        let counts = self.goal == Goal::Keep && !self.unconfirmed;
        counts.then_some(bound.lapses_at)
    }

    /// Looks at the list, or, where the registrar refuses by itself, refreshes.
    pub(super) fn look_now(&mut self, now: Instant) {
        if !matches!(self.step, Step::Rest) {
            self.looks.insert(0, now);
        } else {
            self.first_step(now);
        }
    }

    /// Plans a look.
    pub(super) fn look_at(&mut self, at: Instant) {
        let later = self.looks.partition_point(|planned| *planned <= at);
        self.looks.insert(later, at);
    }

    pub(super) fn refresh(&mut self, now: Instant) {
        if self.watched && !self.unconfirmed {
            self.register(now, Vec::new());
        } else {
            self.first_step(now);
        }
    }

    pub(super) fn pause(&mut self, until: Instant) {
        self.step = Step::Pause { until };
    }
}
