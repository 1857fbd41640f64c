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
enum Support {
    /// Not asked yet, or it did not say: one binding, which moves.
    #[default]
    Unknown,
    /// It said `Require: outbound`.
    Supported,
    /// It said 439: there is something between that cannot.
    Refused,
}

/// The binding of one further flow.
struct Further {
    slot: u32,
    bound: bool,
    /// When to refresh it, or to try again; `None` while it is being asked for.
    due: Option<Instant>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Outbound {
    support: Support,
    /// The slot that has number 1: the home at the first login.
    first: u32,
    /// The slot of the home.
    home: u32,
    /// The home was a further flow before, and bound as such.
    followed: bool,
    list: Vec<Further>,
}

impl Outbound {
    /// The `reg-id` of a slot. While nothing is known of the registrar there is
    /// one, so that a binding that moves replaces the one before.
    fn number(&self, slot: u32) -> u32 {
        match self.support {
            Support::Supported if slot != self.first => slot + 2,
            _ => 1,
        }
    }

    /// The `reg-id` of the home; `None`: without.
    pub fn home_number(&self) -> Option<u32> {
        (self.support != Support::Refused).then(|| self.number(self.home))
    }

    pub fn home_at(&mut self, slot: u32) {
        self.home = slot;
        self.followed = self.has(slot);
        self.list.retain(|flow| flow.slot != slot);
    }

    /// The numbers of the bindings that stand besides the home's.
    pub fn bound(&self) -> impl Iterator<Item = u32> {
        let bound = self.list.iter().filter(|flow| flow.bound);
        bound.map(|flow| self.number(flow.slot))
    }

    pub fn forget(&mut self) {
        self.list.clear();
        self.followed = false;
    }

    /// Whether a further flow of this slot is bound.
    fn has(&self, slot: u32) -> bool {
        let mut list = self.list.iter();
        list.any(|flow| flow.bound && flow.slot == slot)
    }

    /// Learns from a 200 to the home's REGISTER.
    pub fn observe(&mut self, answer: &Message) {
        let supported = answer.has_option(Name::Require, "outbound");
        if supported && self.support == Support::Unknown {
            self.support = Support::Supported;
            self.first = self.home;
        }
    }

    /// 439 (RFC 5626 §11.6). `true`: worth another try without.
    pub fn refused(&mut self) -> bool {
        let first = self.support != Support::Refused;
        self.support = Support::Refused;
        first
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let mut next = None;
        for flow in &self.list {
            next = earliest(&[next, flow.due]);
        }
        next
    }
}

impl Registration {
    /// The slots of the open connections besides the home's.
    pub fn set_further_flows(&mut self, now: Instant, slots: &[u32]) {
        let confirmed = self.is_confirmed();
        let outbound = &mut self.outbound;
        outbound.list.retain(|flow| slots.contains(&flow.slot));
        let wanted = outbound.support == Support::Supported
            && confirmed
            && self.profile != Some(Profile::Cisco);
        if !wanted {
            return;
        }
        for slot in slots {
            let list = &mut self.outbound.list;
            if !list.iter().any(|flow| flow.slot == *slot) {
                list.push(Further {
                    slot: *slot,
                    bound: false,
                    due: Some(now),
                });
            }
        }
        self.register_further_flows(now);
    }

    /// Whether the connection of this slot is bound as a further flow, or was when
    /// it became the home.
    pub fn follows(&self, slot: u32) -> bool {
        let outbound = &self.outbound;
        self.is_bound() && (outbound.has(slot) || outbound.followed && outbound.home == slot)
    }

    /// Sends what is due.
    pub(super) fn register_further_flows(&mut self, now: Instant) {
        let due = |flow: &&mut Further| flow.due.is_some_and(|due| due <= now);
        while self.kept().is_some()
            && let Some(flow) = self.outbound.list.iter_mut().find(due)
        {
            flow.due = None;
            let slot = flow.slot;
            let mut register = self.request();
            let number = self.outbound.number(slot);
            register.contacts.push(self.own_contact(Some(number)));
            register.expires = Some(self.expires());
            self.actions.push(Action::SendOn(slot, register));
        }
    }

    /// Takes the final answer to a further flow's REGISTER. What the list says
    /// of rivals is for the home's to judge.
    pub fn handle_further_answer(&mut self, now: Instant, slot: u32, answer: &Message) {
        let number = self.outbound.number(slot);
        let uri = self.own_uri(number);
        let contacts = answer.contacts();
        let own = contacts.list.iter().find(|contact| contact.uri == uri);
        let granted = own.and_then(|own| own.expires()).or(answer.expires());
        let ok = (200..300).contains(&answer.status());
        let mut list = self.outbound.list.iter_mut();
        if let Some(flow) = list.find(|flow| flow.slot == slot) {
            flow.bound = ok;
            let after = granted.filter(|_| ok).map_or(RETRY, refresh_after);
            let after = after.max(LEAST);
            flow.due = Some(now + after);
        }
    }

    /// Nobody answered it.
    pub fn further_unanswered(&mut self, now: Instant, slot: u32) {
        let mut list = self.outbound.list.iter_mut();
        if let Some(flow) = list.find(|flow| flow.slot == slot) {
            flow.due = Some(now + RETRY);
        }
    }
}
