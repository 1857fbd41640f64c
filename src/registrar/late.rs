//! Devices that register while a call rings for their user: it rings there, too, as
//! long as nobody has answered.

use super::Registrar;
use super::proxy::Hop;
use super::relay::{RINGING, Relay};

/// Copies of one INVITE: as many as Kamailio can send of one, so that a client that
/// registers again and again does not make ever more of them.
const MAX_BRANCHES: usize = 30;

impl Registrar {
    /// A client of `user` has registered.
    pub(super) fn ring_late(&mut self, user: &str) {
        for index in 0..self.relays.len() {
            let named = |relay: &Relay| {
                let callee = self.meant_by(relay.request.request_uri());
                callee.is_some_and(|(login, _)| login == user)
            };
            let rings = |relay: &&Relay| relay.may_be_joined() && named(relay);
            let Some(relay) = self.relays.get(index).filter(rings) else {
                continue;
            };
            let (from, request) = (relay.from, relay.request.clone());
            for hop in self.hops(&request).unwrap_or_default() {
                if self.rings_at(index, &hop) {
                    continue;
                }
                let branch = self.branch(from, &request, hop);
                let now = self.now;
                if let Some(relay) = self.relays.get_mut(index) {
                    if relay.is_waiting() && relay.is_invite() {
                        relay.until = now + RINGING;
                    }
                    relay.branches.push(branch);
                }
            }
        }
    }

    /// Whether the client at `hop` has heard of the call, or could not. One that has
    /// lost its connection has lost the call with it, and hears of it anew.
    fn rings_at(&self, relay: usize, hop: &Hop) -> bool {
        self.relays.get(relay).is_none_or(|relay| {
            let here = |connection| connection == hop.to.connection;
            let mut branches = relay.branches.iter();
            relay.branches.len() >= MAX_BRANCHES || branches.any(|one| here(one.to.connection))
        })
    }
}
