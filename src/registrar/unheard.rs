//! Devices that are registered and answer nothing to a call: their connection has died
//! without a sign. After a while such a one counts as away, and is woken as those are, once
//! a call; it may come back over another connection, which the call then rings at, or answer
//! after all.

use super::Registrar;
use super::relay::{Branch, Relay};
use super::waking::CALL_WAITS;
use crate::account::DeviceId;
use crate::time::{Duration, Instant};

/// Without even a 100 for so long a device counts as away, as in `deploy/kamailio`. A phone
/// that is there answers at once.
const SILENCE: Duration = Duration::from_secs(10);

/// Whether a device has answered an INVITE in any way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    Heard,
    /// It has time until then.
    Awaited(Instant),
    Silent,
}

impl Hearing {
    pub fn begins(now: Instant) -> Self {
        Self::Awaited(now + SILENCE)
    }
}

impl Relay {
    /// Whether nobody of those that it is for is there.
    pub fn is_unheard(&self) -> bool {
        let mut ringing = self.ringing().iter();
        ringing.all(|branch| branch.outcome.is_none() && branch.hearing == Hearing::Silent)
    }

    /// When devices of those that it is for count as away.
    pub fn unheard_at(&self) -> impl Iterator<Item = Instant> + '_ {
        let open = self.may_be_joined();
        let ringing = self.ringing().iter().filter(move |_| open);
        ringing.filter_map(|branch| match branch.hearing {
            Hearing::Awaited(until) if branch.is_open() => Some(until),
            _ => None,
        })
    }

    /// Notes which devices count as away by now: their branches.
    fn fall_silent(&mut self, now: Instant) -> Vec<&Branch> {
        let due = |branch: &&mut Branch| match branch.hearing {
            Hearing::Awaited(until) => until <= now && branch.is_open(),
            _ => false,
        };
        let branches = self.branches.get_mut(self.stage..).unwrap_or_default();
        let silent = branches.iter_mut().filter(due).map(|branch| {
            branch.hearing = Hearing::Silent;
            &*branch
        });
        silent.collect()
    }
}

impl Branch {
    fn is_open(&self) -> bool {
        self.outcome.is_none() && !self.cancelled
    }
}

impl Registrar {
    /// Wakes those that a call rings at and that do not answer.
    pub(super) fn wake_unheard(&mut self) {
        for index in 0..self.relays.len() {
            let relay = self.relays.get_mut(index);
            let Some(relay) = relay.filter(|relay| relay.may_be_joined()) else {
                continue;
            };
            let silent = relay.fall_silent(self.now);
            let ends: Vec<_> = silent.into_iter().map(|branch| branch.to).collect();
            let unheard: Vec<(String, DeviceId)> = ends
                .into_iter()
                .filter_map(|end| {
                    let entry = self.store.get(end.binding?)?;
                    // Who is back is rung over the other connection.
                    let entry = (entry.flow == Some(end.connection)).then_some(entry)?;
                    let known = self.config.knows_devices_of(&entry.user);
                    let device = self.device_of(entry).filter(|_| known)?;
                    let wakes = device.is_authorised() && device.push.is_some();
                    wakes.then(|| (entry.user.clone(), device.id.clone()))
                })
                .collect();
            self.wake_silent(index, unheard);
        }
    }

    /// Wakes these for a call. If nobody else is there it waits for the first of them.
    fn wake_silent(&mut self, relay: usize, unheard: Vec<(String, DeviceId)>) {
        let user = unheard.first().map(|(user, _)| user.clone());
        let rung = self.relays.get(relay).zip(user);
        let Some((rung, user)) = rung else { return };
        let Some(mut news) = self.woken(&rung.request, user) else {
            return;
        };
        news.unheard = unheard.into_iter().map(|(_, id)| id).collect();
        self.wake(&news);
        let now = self.now;
        let Some(rung) = self.relays.get_mut(relay) else {
            return;
        };
        match &mut rung.woken {
            Some(woken) => woken.unheard.append(&mut news.unheard),
            none => *none = Some(news),
        }
        if rung.is_waiting() {
            rung.until = now + CALL_WAITS;
            let (from, invite) = (rung.from.connection, rung.request.clone());
            self.answer(from, &invite, 182, "Queued", &[]);
        }
    }
}
