//! Clients with a flaw, to see whether the checker of the sessions bites.

use super::{Client, ClientId, World};
use graceline::phone::{Event, Phone};
use graceline::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Registers again after it was ousted.
    ComesBack,
    /// Takes it back by force when it was ousted.
    FightsBack,
    /// Sees no rival, and so ignores a force.
    SeesNoRival,
    /// Its promises do not settle.
    NeverSettles,
    /// Its promises settle twice.
    SettlesTwice,
    /// Looks again as soon as it was answered.
    LooksWithoutEnd,
    /// Takes the device over although it was not told to.
    AlwaysForces,
    /// Is another client after every reload.
    ForgetsItself,
}

/// An attempt that no app asked for.
const OWN_WILL: u32 = u32::MAX;

impl Client {
    /// What the flaw makes of a `registerPhone`.
    pub(super) fn forces(&self, force: bool) -> bool {
        force || self.flaw == Some(Flaw::AlwaysForces)
    }

    /// What the flaw makes of a message from the registrar.
    pub(super) fn overhear(&self, data: Vec<u8>) -> Vec<u8> {
        if self.flaw != Some(Flaw::SeesNoRival) {
            return data;
        }
        let text = String::from_utf8_lossy(&data);
        let foreign = |line: &&str| {
            let contact = line.to_ascii_lowercase().starts_with("contact:");
            contact
                && !self
                    .identities
                    .iter()
                    .any(|known| line.contains(&known.tag))
        };
        let kept: Vec<&str> = text.split("\r\n").filter(|line| !foreign(line)).collect();
        kept.join("\r\n").into_bytes()
    }
}

impl World {
    /// What the flaw makes of an event: how often the app hears of it.
    pub(super) fn distort(&mut self, id: ClientId, event: &Event) -> usize {
        let settles = matches!(event, Event::Registered(..) | Event::Failed(..));
        match self.clients[id].flaw {
            Some(Flaw::NeverSettles) if settles => 0,
            Some(Flaw::SettlesTwice) if settles => 2,
            _ => 1,
        }
    }

    /// What a client with a flaw does by itself after every input.
    pub(super) fn do_wrong(&mut self, id: ClientId, news: &[Event]) {
        let Some(flaw) = self.clients[id].flaw else {
            return;
        };
        let ousted = news
            .iter()
            .any(|event| matches!(event, Event::Terminated { .. }));
        let wrong: Option<fn(&mut Phone, Instant)> = match flaw {
            Flaw::ComesBack if ousted => Some(|phone, now| phone.register(now, OWN_WILL, false)),
            Flaw::FightsBack if ousted => Some(|phone, now| phone.register(now, OWN_WILL, true)),
            Flaw::LooksWithoutEnd => Some(|phone, now| phone.look(now)),
            _ => None,
        };
        if let Some(wrong) = wrong {
            wrong(&mut self.clients[id].phone, self.now);
            self.drain_client(id);
        }
    }

    /// The identity of a client after `loads` page loads.
    pub(super) fn instance_after(&self, id: ClientId, loads: u32) -> Option<String> {
        let forgets = self.clients[id].flaw == Some(Flaw::ForgetsItself);
        forgets.then(|| super::instance_id(id, loads))
    }
}
