//! Which device of its user it is that sends a request, where devices are authorised.
//!
//! A device shows itself by the `+sip.instance` of its Contact, or, if that holds zeros as
//! Cisco's clients write them, by `X-Graceline-Instance`. Who has signed in with the
//! credentials of a device need not show it; nor need who is bound on this connection.

use super::auth::Proof;
use super::bindings::{Cause, Entry};
use super::policy;
use super::reply::Refusal;
use super::{ConnectionId, Registrar};
use crate::account::{Class, Device};
use crate::sip::{Message, NameAddr};
use std::collections::BTreeSet;

/// In which clients show their instance to registrars that announce [`KNOWS_DEVICES`].
const INSTANCE: &str = "X-Graceline-Instance";

/// Option tag of registrars that want to know which device it is.
pub(super) const KNOWS_DEVICES: &str = "X-graceline-devices";

/// The device that sends a request: one that is authorised.
pub(super) struct Member {
    /// In lower case.
    pub instance: String,
    class: Class,
}

impl Member {
    /// What rivalry goes by: browsers and programs on computers have one slot, others
    /// have each their own.
    pub fn tag(&self) -> &str {
        match self.class.shares_slot() {
            true => "slot",
            false => &self.instance,
        }
    }
}

impl Registrar {
    /// The device of `user` that sends `request`; `None` where nobody asks. The error
    /// is the refusal of one that is not authorised.
    pub(super) fn member(
        &mut self,
        connection: ConnectionId,
        request: &Message,
        user: &str,
        proof: &Proof,
    ) -> Result<Option<Member>, Refusal> {
        let asked = self.config.knows_devices_of(user);
        if !asked && proof.device.is_none() {
            return Ok(None);
        }
        self.accounts.forget_idle(self.now, user);
        self.tell_account_news();
        let shown = shown(request)?;
        let device = match (&proof.device, &shown) {
            (Some(id), _) => {
                let own = self.accounts.device_by_id(user, id);
                own.filter(|own| shown.as_ref().is_none_or(|shown| own.instance.is(shown)))
            }
            (None, Some(shown)) => self.accounts.device(user, shown),
            (None, None) => {
                let mut bound = self.store.of(user).iter();
                let here = bound.find(|entry| entry.flow == Some(connection));
                here.and_then(|entry| self.device_of(entry))
            }
        };
        match device.filter(|device| device.is_authorised()) {
            Some(device) => Ok(asked.then(|| Member {
                instance: device.instance.to_string(),
                class: device.class,
            })),
            None => Err(Refusal::not_authorised()),
        }
    }

    /// The device that a binding is of, revoked or not.
    pub(super) fn device_of(&self, entry: &Entry) -> Option<&Device> {
        self.accounts
            .device(&entry.user, entry.identity.as_deref()?)
    }

    /// Ends the bindings of devices that are not authorised, or not any more.
    pub(super) fn bar_strangers(&mut self) {
        let Self {
            config, accounts, ..
        } = self;
        let is_member = |entry: &Entry| {
            let identity = entry.identity.as_deref();
            let device = identity.and_then(|identity| accounts.device(&entry.user, identity));
            device.is_some_and(Device::is_authorised)
        };
        let barred = self
            .store
            .take(|entry| config.knows_devices_of(&entry.user) && !is_member(entry));
        for gone in &barred {
            self.end_calls_of(gone);
        }
        self.publish_gone(barred, Cause::Rejected);
    }
}

/// The instance that `request` shows, in lower case: in its Contacts, or beside them.
fn shown(request: &Message) -> Result<Option<String>, Refusal> {
    let named = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case(INSTANCE);
    let mut headers = request.all_headers().filter(named);
    let header = headers.next().map(|(_, value)| value.trim());
    let twice = headers.next().is_some() || header.is_some_and(|value| value.contains(','));
    let header = header.map(|value| value.trim_start_matches('<').trim_end_matches('>'));
    let contacts = request.contacts().list;
    let instance = |contact: &NameAddr<'_>| policy::urn(contact.params.get("+sip.instance")?);
    let mut shown: BTreeSet<String> = contacts
        .iter()
        .filter_map(instance)
        .chain(header.map(str::to_owned))
        .map(|instance| instance.to_ascii_lowercase())
        .collect();
    if twice || shown.len() > 1 {
        return Err(Refusal::bad("More Than One Instance"));
    }
    Ok(shown.pop_first())
}
