//! A number that a device dials to say whether it rings: by hand, for a phone without a
//! page.

use super::Registrar;
use super::register::unescape;
use super::relay::End;
use crate::account::{Party, Rings};
use crate::sip::{Message, Uri};

impl Registrar {
    /// Whether `invite` dials the star code.
    pub(super) fn is_star_code(&self, invite: &Message) -> bool {
        let uri = Uri::parse(invite.request_uri());
        uri.filter(|uri| self.config.serves(uri.host))
            .and_then(|uri| uri.user)
            .is_some_and(|user| self.config.star_code.as_deref() == Some(&*unescape(user)))
    }

    /// Takes the caller's device into the set of those that ring, or out of it. What is so
    /// now is the reason of the answer, which phones show: the call itself is over.
    pub(super) fn toggle_rings(&mut self, from: End, invite: &Message) {
        let device = match self.party(from) {
            Some(Party {
                user,
                device: Some(device),
            }) if self.config.is_unique(&user) => Some((user, device)),
            _ => None,
        };
        let (status, reason) = match device {
            None => (403, "No Device Of One Number"),
            Some((user, device)) => {
                let rings = self.accounts.toggle_rings(self.now, &user, &device);
                self.tell_account_news();
                (480, said(&rings, &device))
            }
        };
        self.answer(from.connection, invite, status, reason, &[]);
    }
}

fn said(rings: &Rings, device: &str) -> &'static str {
    match rings {
        Rings::Auto(_) => "It Rings Where You Are Logged In",
        Rings::At(ids) if !ids.iter().any(|id| **id == *device) => "This Device Rings No More",
        Rings::At(ids) if ids.len() == 1 => "This Device Rings, No Other",
        Rings::At(_) => "This Device Rings, Too",
    }
}
