//! Devices that register while a call rings for their user: it rings there, too, as
//! long as nobody has answered.

use super::bindings::Entry;
use super::proxy::Hop;
use super::public_ids::target;
use super::relay::{RINGING, Relay};
use super::{ConnectionId, Registrar};
use crate::sip::Uri;

/// Copies of one INVITE: as many as Kamailio can send of one, so that a client that
/// registers again and again does not make ever more of them.
const MAX_BRANCHES: usize = 30;

impl Registrar {
    /// A client of `user` has registered on `connection`.
    pub(super) fn ring_late(&mut self, user: &str, connection: ConnectionId) {
        for index in 0..self.relays.len() {
            let mut bound = self.store.of(user).iter();
            let entry = bound.find(|entry| entry.flow == Some(connection));
            let relay = self.relays.get(index);
            let Some((entry, relay)) = entry.zip(relay).filter(|(e, r)| self.joins(r, e)) else {
                continue;
            };
            let Some(hop) = Hop::to(entry) else {
                continue;
            };
            let (from, request) = (relay.from, relay.request.clone());
            let device = self.device_of(entry).map(|device| device.id.clone());
            let branch = self.branch(from, &request, hop);
            let now = self.now;
            if let Some(relay) = self.relays.get_mut(index) {
                if relay.is_waiting() {
                    relay.until = now + RINGING;
                    relay.rings_since = Some(now);
                }
                if let Some(woken) = &mut relay.woken {
                    woken.unheard.retain(|id| Some(id) != device.as_ref());
                }
                relay.branches.push(branch);
            }
        }
    }

    /// Whether a call rings at a client that was not there when it came. One that has lost
    /// its connection has lost the call with it, and hears of it anew.
    fn joins(&self, relay: &Relay, entry: &Entry) -> bool {
        let mut branches = relay.ringing().iter();
        if !relay.may_be_joined()
            || relay.branches.len() >= MAX_BRANCHES
            || branches.any(|branch| Some(branch.to.connection) == entry.flow)
        {
            return false;
        }
        let uri = target(&relay.request);
        let meant = self.meant_by(&uri);
        if meant.is_none_or(|(login, _)| login != entry.user) {
            return false;
        }
        match Uri::parse(&uri).filter(|uri| uri.params.has("gr")) {
            Some(gruu) => {
                let own = self.of_gruu(&gruu).unwrap_or_default();
                own.iter().any(|own| own.id == entry.id)
            }
            None => {
                let choice = relay.choice.as_ref();
                choice.is_none_or(|choice| self.is_chosen(choice, entry))
            }
        }
    }
}
