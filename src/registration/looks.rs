//! When the registration looks who is bound, and when it refreshes: by the clock,
//! and after hints, which cause looks and nothing else.

use super::goal::Kept;
use super::{Action, Goal, Outcome, Profile, Registration, RegistrationType, Step, Then};
use crate::prelude::*;
use crate::time::{Duration, Instant, earliest};

/// Looks that follow one hint: the rival's REGISTER may still be on its way.
const LOOKS_AFTER_HINT: [u64; 3] = [0, 1, 4];
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
        if let Some(last) = self.stay.last_burst.filter(|last| now - *last < HINT_PAUSE) {
            // Hints may be many; the looks they cause are not.
            let next = last + HINT_PAUSE;
            if !self.stay.looks.contains(&next) {
                self.look_at(next);
            }
            return;
        }
        self.stay.last_burst = Some(now);
        for seconds in LOOKS_AFTER_HINT {
            self.look_at(now + Duration::from_secs(seconds));
        }
        self.handle_timeout(now);
    }

    /// Looks at the binding now (woken up, back online, asked by the app).
    pub fn look(&mut self, now: Instant) {
        self.stay.looks.insert(0, now);
        self.handle_timeout(now);
    }

    /// Waits before the next look: a reg-event said `probation`.
    pub fn probation(&mut self, until: Instant) {
        if self.kept().is_some() && matches!(self.step, Step::Rest) {
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
        self.register_further_flows(now);
        // What could not be refreshed in time is not there any more.
        if self.lapse_due().is_some_and(|lapses_at| lapses_at <= now) {
            self.unconfirm();
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
                    Goal::Keep(_) => self.look_now(now),
                    Goal::Login(_) => self.first_step(now),
                    Goal::Idle | Goal::Leave(_) => {}
                }
            }
            Step::Rest if self.kept().is_some() => {
                let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
                let look = is_due(self.look_due());
                self.stay.looks.retain(|at| *at > now);
                if look {
                    self.look_now(now);
                } else if is_due(self.kept().map(|kept| kept.bound.refresh_at)) {
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
            Step::Rest if self.kept().is_some() => {
                let refresh = self.kept().map(|kept| kept.bound.refresh_at);
                earliest(&[self.look_due(), refresh])
            }
            _ => None,
        };
        let further = self.outbound.poll_timeout();
        let further = further.filter(|_| self.kept().is_some());
        earliest(&[home, further, self.lapse_due()])
    }

    /// When to look next, by the clock or after a hint.
    fn look_due(&self) -> Option<Instant> {
        let unwatched = self.kept().filter(|_| !self.watched);
        let planned = unwatched.and_then(|kept| kept.bound.look_at);
        earliest(&[self.stay.looks.first().copied(), planned])
    }

    /// When a binding that counts as confirmed lapses.
    fn lapse_due(&self) -> Option<Instant> {
        let confirmed = self.kept().filter(|kept| !kept.unconfirmed);
        confirmed.map(|kept| kept.bound.lapses_at)
    }

    /// Looks at the list, or, where the registrar refuses by itself, refreshes.
    pub(super) fn look_now(&mut self, now: Instant) {
        if !matches!(self.step, Step::Rest) {
            self.stay.looks.insert(0, now);
        } else {
            self.first_step(now);
        }
    }

    /// Plans a look.
    pub(super) fn look_at(&mut self, at: Instant) {
        let later = self.stay.looks.partition_point(|planned| *planned <= at);
        self.stay.looks.insert(later, at);
    }

    pub(super) fn refresh(&mut self, now: Instant) {
        if self.watched && self.is_confirmed() {
            self.register(now, Vec::new());
        } else {
            self.first_step(now);
        }
    }

    pub(super) fn pause(&mut self, until: Instant) {
        self.step = Step::Pause { until };
    }

    /// Where nobody tells of changes, the binding is looked at after this time.
    pub(super) fn plan_look(&mut self, next: Instant) {
        let generic = self.profile != Some(Profile::Cisco);
        let graceful = self.settings.kind != RegistrationType::Normal;
        if let Some(Kept { bound, .. }) = self.kept_mut() {
            let sooner = bound.refresh_at > next;
            bound.look_at = Some(next).filter(|_| sooner && generic && graceful);
        }
    }

    pub(super) fn look_again_soon(&mut self, now: Instant) {
        for seconds in LOOKS_AFTER_HINT.into_iter().skip(1) {
            self.look_at(now + Duration::from_secs(seconds));
        }
    }
}

/// Half the time, or 70 s before the end, whichever is sooner: a hidden tab
/// wakes once a minute. Not below 20 s, unless the binding itself is as short.
pub(super) fn refresh_after(granted: u32) -> Duration {
    let half = granted / 2;
    let seconds = if granted <= 40 {
        half
    } else {
        half.min(granted.saturating_sub(70)).max(20)
    };
    Duration::from_millis(u64::from(seconds.max(1)) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refreshes_come_early_enough_for_a_hidden_tab_and_never_too_often() {
        let seconds = |granted| refresh_after(granted).as_secs();
        assert_eq!(seconds(120), 50);
        assert_eq!(seconds(3600), 1800);
        assert_eq!(seconds(100), 30);
        assert_eq!(seconds(60), 20);
        assert_eq!(seconds(10), 5);
        assert_eq!(seconds(1), 1);
    }
}
