//! Where a call to a user rings, where the facts about the user say so.

use super::Registrar;
use super::bindings::Entry;
use crate::account::{Class, Rings};

impl Registrar {
    /// Those of a user's `bindings` that a request with this method goes to. Calls go
    /// where it rings; all else, messages among it, to every device.
    pub(super) fn ringing<'a>(&self, bindings: Vec<&'a Entry>, method: &str) -> Vec<&'a Entry> {
        let user = bindings.first().map(|entry| entry.user.as_str());
        let Some(user) = user.filter(|user| method == "INVITE" && self.config.is_unique(user))
        else {
            return bindings;
        };
        let is_desk = |entry: &&Entry| {
            let device = self.device_of(entry);
            device.is_some_and(|device| device.class == Class::Deskphone)
        };
        match self.accounts.rings(user) {
            Rings::At(ids) => {
                let chosen = |entry: &&Entry| {
                    let device = self.device_of(entry);
                    device.is_some_and(|device| ids.contains(&device.id))
                };
                bindings.into_iter().filter(chosen).collect()
            }
            Rings::Auto(_) => {
                let (desk, mut others): (Vec<_>, Vec<_>) = bindings.into_iter().partition(is_desk);
                others.retain(|entry| entry.flow.is_some());
                if others.is_empty() { desk } else { others }
            }
        }
    }
}
