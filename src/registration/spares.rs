//! Further flows (RFC 5626): where the registrar supports outbound, each open
//! connection gets a binding of its own, told from the others by its `reg-id`.
//! Calls then come by another one the moment that the first is lost. The
//! registration proper lives on one of them, its home; these follow it.

use super::looks::refresh_after;
use super::{Action, Profile, Registration};
use crate::prelude::*;
use crate::sip::{Message, Name};
use crate::time::{Duration, Instant, earliest};

/// Before a flow that the registrar did not want is offered again.
const RETRY: Duration = Duration::from_secs(60);

/// A further flow is not refreshed more often, whatever was granted.
const LEAST: Duration = Duration::from_secs(10);

/// Whether the registrar keeps flows apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Outbound {
    /// Not asked yet, or it did not say: one binding, which moves.
    #[default]
    Unknown,
    /// It said `Require: outbound`.
    Supported,
    /// It said 439: there is something between that cannot.
    Refused,
}

/// The binding of one further flow.
struct Spare {
    slot: u32,
    bound: bool,
    /// When to refresh it, or to try again; `None` while it is being asked for.
    due: Option<Instant>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Spares {
    outbound: Outbound,
    /// The slot that has number 1: the home at the first login.
    first: u32,
    /// The slot of the home.
    home: u32,
    /// The home was a further flow before, and bound as such.
    followed: bool,
    list: Vec<Spare>,
}

impl Spares {
    /// The `reg-id` of a slot. While nothing is known of the registrar there is
    /// one, so that a binding that moves replaces the one before.
    fn number(&self, slot: u32) -> u32 {
        match self.outbound {
            Outbound::Supported if slot != self.first => slot + 2,
            _ => 1,
        }
    }

    /// The `reg-id` of the home; `None`: without.
    pub fn home_number(&self) -> Option<u32> {
        (self.outbound != Outbound::Refused).then(|| self.number(self.home))
    }

    pub fn home_at(&mut self, slot: u32) {
        self.home = slot;
        self.followed = self.has(slot);
        self.list.retain(|spare| spare.slot != slot);
    }

    /// The numbers of the bindings that stand besides the home's.
    pub fn bound(&self) -> impl Iterator<Item = u32> {
        let bound = self.list.iter().filter(|spare| spare.bound);
        bound.map(|spare| self.number(spare.slot))
    }

    pub fn forget(&mut self) {
        self.list.clear();
        self.followed = false;
    }

    /// Whether a further flow of this slot is bound.
    fn has(&self, slot: u32) -> bool {
        let mut list = self.list.iter();
        list.any(|spare| spare.bound && spare.slot == slot)
    }

    /// Learns from a 200 to the home's REGISTER.
    pub fn observe(&mut self, answer: &Message) {
        let supported = answer.has_option(Name::Require, "outbound");
        if supported && self.outbound == Outbound::Unknown {
            self.outbound = Outbound::Supported;
            self.first = self.home;
        }
    }

    /// 439 (RFC 5626 §11.6). `true`: worth another try without.
    pub fn refused(&mut self) -> bool {
        let first = self.outbound != Outbound::Refused;
        self.outbound = Outbound::Refused;
        first
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let mut next = None;
        for spare in &self.list {
            next = earliest(&[next, spare.due]);
        }
        next
    }
}

impl Registration {
    /// The slots of the open connections besides the home's.
    pub fn set_spares(&mut self, now: Instant, slots: &[u32]) {
        let confirmed = self.is_confirmed();
        let spares = &mut self.spares;
        spares.list.retain(|spare| slots.contains(&spare.slot));
        let wanted = spares.outbound == Outbound::Supported
            && confirmed
            && self.profile != Some(Profile::Cisco);
        if !wanted {
            return;
        }
        for slot in slots {
            let spares = &mut self.spares.list;
            if !spares.iter().any(|spare| spare.slot == *slot) {
                spares.push(Spare {
                    slot: *slot,
                    bound: false,
                    due: Some(now),
                });
            }
        }
        self.register_spares(now);
    }

    /// Whether the connection of this slot is bound as a further flow, or was when
    /// it became the home.
    pub fn follows(&self, slot: u32) -> bool {
        let spares = &self.spares;
        self.is_bound() && (spares.has(slot) || spares.followed && spares.home == slot)
    }

    /// Sends what is due.
    pub(super) fn register_spares(&mut self, now: Instant) {
        let due = |spare: &&mut Spare| spare.due.is_some_and(|due| due <= now);
        while self.kept().is_some()
            && let Some(spare) = self.spares.list.iter_mut().find(due)
        {
            spare.due = None;
            let slot = spare.slot;
            let mut register = self.request();
            let number = self.spares.number(slot);
            register.contacts.push(self.own_contact(Some(number)));
            register.expires = Some(self.expires());
            self.actions.push(Action::SendOn(slot, register));
        }
    }

    /// Takes the final answer to a further flow's REGISTER. What the list says
    /// of rivals is for the home's to judge.
    pub fn handle_spare_answer(&mut self, now: Instant, slot: u32, answer: &Message) {
        let number = self.spares.number(slot);
        let uri = self.own_uri(number);
        let contacts = answer.contacts();
        let own = contacts.list.iter().find(|contact| contact.uri == uri);
        let granted = own.and_then(|own| own.expires()).or(answer.expires());
        let ok = (200..300).contains(&answer.status());
        let mut list = self.spares.list.iter_mut();
        if let Some(spare) = list.find(|spare| spare.slot == slot) {
            spare.bound = ok;
            let after = granted.filter(|_| ok).map_or(RETRY, refresh_after);
            let after = after.max(LEAST);
            spare.due = Some(now + after);
        }
    }

    /// Nobody answered it.
    pub fn spare_unanswered(&mut self, now: Instant, slot: u32) {
        let mut list = self.spares.list.iter_mut();
        if let Some(spare) = list.find(|spare| spare.slot == slot) {
            spare.due = Some(now + RETRY);
        }
    }
}
