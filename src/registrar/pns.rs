//! How a device is woken that says so when it registers (RFC 8599): an alternative to what
//! it says to the account service. It holds until the device says otherwise, or logs out:
//! with its connection the binding goes, and the device sleeps.

use super::Registrar;
use super::devices::Member;
use super::register::unescape;
use crate::account::Pns;
use crate::sip::{Message, NameAddr, Uri};

impl Registrar {
    /// Notes what a REGISTER that was granted says of it. What is offered goes into the
    /// answer: the service that the device names, or, where it names none, all (§4.1.2).
    pub(super) fn note_pns(
        &mut self,
        user: &str,
        member: Option<&Member>,
        request: &Message,
    ) -> Vec<(&'static str, String)> {
        let contacts = request.contacts();
        let Some(member) = member.filter(|_| !self.config.pns.is_empty()) else {
            return Vec::new();
        };
        if contacts.list.is_empty() && !contacts.star {
            return Vec::new();
        }
        let adds = |contact: &&NameAddr<'_>| contact.expires().or(request.expires()) != Some(0);
        let added = contacts.list.iter().find(adds);
        let uri = added.and_then(|contact| Uri::parse(contact.uri));
        let provider = uri.as_ref().and_then(|uri| provider_of(uri));
        let pns = uri.as_ref().and_then(pns_of);
        let offered = &self.config.pns;
        let pns = pns.filter(|pns| offered.iter().any(|known| **known == *pns.provider));
        let told = match (&pns, provider.as_deref()) {
            (Some(pns), _) => vec![pns.provider.to_string()],
            (None, Some("")) => offered.clone(),
            (None, _) => Vec::new(),
        };
        self.accounts.set_pns(self.now, user, &member.instance, pns);
        let caps = told
            .iter()
            .map(|name| ("Feature-Caps", format!("*;+sip.pns=\"{name}\"")));
        caps.collect()
    }
}

/// The service that a Contact names, in lower case; empty if it asks which there are.
fn provider_of(uri: &Uri<'_>) -> Option<String> {
    let named = uri.params.get("pn-provider").unwrap_or_default();
    let asks = uri.params.has("pn-provider");
    asks.then(|| unescape(named).to_ascii_lowercase())
}

/// What a Contact says, if that is whole and of bounded size.
fn pns_of(uri: &Uri<'_>) -> Option<Pns> {
    let value = |name| {
        uri.params
            .get(name)
            .map(|value| unescape(value).into_owned())
    };
    let plain = |value: &String| value.bytes().all(|byte| byte.is_ascii_graphic());
    let param = value("pn-param").filter(|param| !param.is_empty());
    if !param.iter().all(plain) {
        return None;
    }
    Some(Pns {
        provider: provider_of(uri)?.try_into().ok()?,
        prid: value("pn-prid").filter(plain)?.try_into().ok()?,
        param: param.map(TryInto::try_into).transpose().ok()?,
    })
}
