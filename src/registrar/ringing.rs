//! Where a call to a user rings, where the facts about the user say so.

use super::Registrar;
use super::bindings::Entry;
use crate::account::{Class, Rings};

/// What decides where a call rings. It is made when the call comes, and holds for those who
/// register later, too: what is chosen while it rings is for the next call.
pub(super) struct Choice {
    rings: Rings,
    /// Whether desk phones ring where nobody has chosen: nobody else was there.
    desks: bool,
}

impl Registrar {
    /// What decides where a call to `user` rings now; nothing, where it rings at every
    /// binding.
    pub(super) fn choice(&self, user: &str) -> Option<Choice> {
        let others = |entry: &Entry| entry.flow.is_some() && !self.is_desk(entry);
        self.config.is_unique(user).then(|| Choice {
            rings: self.accounts.rings(user),
            desks: !self.store.of(user).iter().any(others),
        })
    }

    /// Whether a call rings at `entry`. What is of no device that is known always does.
    pub(super) fn is_chosen(&self, choice: &Choice, entry: &Entry) -> bool {
        match &choice.rings {
            Rings::At(ids) => {
                let device = self.device_of(entry);
                device.is_none_or(|device| ids.contains(&device.id))
            }
            Rings::Auto(_) => choice.desks || !self.is_desk(entry),
        }
    }

    fn is_desk(&self, entry: &Entry) -> bool {
        let device = self.device_of(entry);
        device.is_some_and(|device| device.class == Class::Deskphone)
    }

    /// Those of a user's `bindings` that a request with this method goes to. Calls go
    /// where it rings; all else, messages among it, to every device.
    pub(super) fn ringing<'a>(&self, mut bindings: Vec<&'a Entry>, method: &str) -> Vec<&'a Entry> {
        let user = bindings.first().map(|entry| entry.user.as_str());
        let user = user.filter(|_| method == "INVITE");
        if let Some(choice) = user.and_then(|user| self.choice(user)) {
            bindings.retain(|entry| self.is_chosen(&choice, entry));
        }
        bindings
    }
}
