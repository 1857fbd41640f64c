//! The bindings that a registrar lists, and what each of them is to us.

use super::claim::{Claim, Identity, cisco_tags};
use crate::prelude::*;
use crate::sip::{Message, Name, NameAddr, Params, Uri, sanitize_text, unquote};
use crate::text::{cut, pieces, unescaped};

/// Which bindings of the user count as rivals (option `conflictScope`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "browser",
    derive(serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub enum ConflictScope {
    /// Those of the same device.
    #[default]
    Device,
    /// Every binding that is not our own, desk phones included.
    User,
}

/// What a listed binding is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The binding of this login.
    Own,
    /// Left behind by this instance: an earlier page load or an earlier claim.
    Ghost,
    /// Another client that holds what we want.
    Rival,
    /// Another device of the user: none of our business.
    Other,
}

/// One Contact of a 200 to REGISTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What it is to us.
    pub kind: Kind,
    /// The Contact URI, to the letter.
    pub uri: String,
    /// The claim in its user part, if it is in our form.
    pub claim: Option<Claim>,
    /// `+sip.instance`, without brackets and quotes.
    pub instance: Option<String>,
    /// `pub-gruu` (RFC 5627 §4.2).
    pub pub_gruu: Option<String>,
    /// Seconds left.
    pub expires: Option<u32>,
    /// Whether another socket may name it in a REGISTER: it came back with
    /// `received` or `+sip.instance` (Kamailio, OpenSIPS). A bare one (Asterisk)
    /// cannot be named.
    pub nameable: bool,
}

/// Who asks, and what counts as a rival to them.
pub struct Viewpoint<'a> {
    /// Our own identity.
    pub identity: &'a Identity,
    /// User part of the Contact of this login, if there is one.
    pub own_user: Option<&'a str>,
    /// Our instance id.
    pub instance_id: &'a str,
    /// Our device name.
    pub device: &'a str,
    /// Which bindings are rivals.
    pub scope: ConflictScope,
    /// Contact URIs that the app told us to ignore.
    pub ignored: &'a [String],
}

/// Every live binding that `answer` lists, and how many values were passed over.
pub fn bindings(answer: &Message, viewpoint: &Viewpoint<'_>) -> (Vec<Binding>, usize) {
    let mut list: Vec<Binding> = Vec::new();
    let mut skipped = 0;
    let mut contacts = answer.contacts().list;
    for value in answer.values(Name::Contact).filter(|value| *value != "*") {
        // A bracket that is never closed swallows, too.
        let whole = |contact: NameAddr<'_>| cut(contact.uri, b'<').is_none();
        if !NameAddr::read(value).is_some_and(whole) {
            skipped += 1;
            contacts.extend(swallowed(value));
        }
    }
    for contact in &contacts {
        let binding = Binding::read(contact, viewpoint);
        // Asterisk lists the same visible URI twice while an old socket of ours
        // is still open there: one binding to us.
        if binding.expires != Some(0) && !list.iter().any(|known| known.uri == binding.uri) {
            list.push(binding);
        }
    }
    // A border element may have rewritten the URI; our instance is what is left then.
    let is_own = |binding: &Binding| binding.kind == Kind::Own;
    if viewpoint.own_user.is_some() && !list.iter().any(is_own) {
        let ours = list.iter_mut().filter(|binding| {
            let instance = binding.instance.as_deref();
            binding.claim.is_none() && instance.is_some_and(|it| viewpoint.is_instance(it))
        });
        ours.for_each(|binding| binding.kind = Kind::Own);
    }
    (list, skipped)
}

/// What stands in brackets in a value that cannot be read: a quote that is never
/// closed, or a bracket, has swallowed what follows it, our own Contact perhaps.
fn swallowed(value: &str) -> impl Iterator<Item = NameAddr<'_>> {
    pieces(value, b'<').skip(1).filter_map(|piece| {
        let (uri, params) = cut(piece, b'>')?;
        let params = cut(params, b',').map_or(params, |(params, _)| params);
        Some(NameAddr {
            display_name: None,
            uri,
            params: Params::parse(params).unwrap_or_default(),
        })
    })
}

impl Viewpoint<'_> {
    fn is_instance(&self, instance: &str) -> bool {
        instance.eq_ignore_ascii_case(self.instance_id)
    }

    /// What a binding with this user part, instance and device name is to us. A claim
    /// of another device's is none to us where the device name is ours: the client
    /// knows our address-of-record by another domain.
    fn kind(
        &self,
        user: &str,
        claim: Option<&Claim>,
        instance: Option<&str>,
        device: Option<&str>,
    ) -> Kind {
        let own = self.identity;
        let tags = claim.map(|claim| (&*claim.identity.device, &*claim.identity.instance));
        let same_instance = instance.is_some_and(|instance| self.is_instance(instance));
        match tags.or_else(|| cisco_tags(user)) {
            _ if self.own_user == Some(user) => Kind::Own,
            Some((device, instance)) if device == own.device => match instance == own.instance {
                true => Kind::Ghost,
                false => Kind::Rival,
            },
            tags if same_instance && tags.is_none() => Kind::Ghost,
            _ if device == Some(self.device) && same_instance => Kind::Ghost,
            _ if device == Some(self.device) => Kind::Rival,
            _ if self.scope == ConflictScope::User => Kind::Rival,
            _ => Kind::Other,
        }
    }
}

/// The user part of a URI, without its escapes, be the rest of it malformed.
pub(super) fn user_of(uri: &str) -> String {
    let userinfo = cut(uri, b':').and_then(|(_, rest)| cut(rest, b'@'));
    let userinfo = userinfo.map_or("", |(userinfo, _)| userinfo);
    unescaped(cut(userinfo, b':').map_or(userinfo, |(user, _)| user))
}

impl Binding {
    fn read(contact: &NameAddr<'_>, viewpoint: &Viewpoint<'_>) -> Self {
        let user = user_of(contact.uri);
        let text = |name| {
            let value = contact.params.get(name);
            value.map(|value| unquote(value).into_owned())
        };
        let pub_gruu = text("pub-gruu");
        let gruu = pub_gruu.as_deref().and_then(Uri::parse);
        let instance = text("+sip.instance")
            .or_else(|| gruu.and_then(|gruu| gruu.params.get("gr")).map(unescaped))
            .map(|value| bare(&value).to_owned())
            .filter(|value| !is_zero_instance(value));
        let device = text("+u.sip!devicename.ccm.cisco.com");
        let claim = Claim::parse(&user);
        let kind = viewpoint.kind(
            &user,
            claim.as_ref(),
            instance.as_deref(),
            device.as_deref(),
        );
        let counts = |claim: &Claim| {
            let same_device = claim.identity.device == viewpoint.identity.device;
            same_device || device.as_deref() != Some(viewpoint.device)
        };
        // By URI, or by the user part that the app was shown as `elsewhere.contact`.
        let ignored = viewpoint
            .ignored
            .iter()
            .any(|known| known == contact.uri || *known == user);
        let listed_with = instance.is_some() || contact.params.has("received");
        Self {
            kind: if kind == Kind::Rival && ignored {
                Kind::Other
            } else {
                kind
            },
            uri: contact.uri.to_owned(),
            claim: claim.filter(counts),
            nameable: listed_with && Uri::parse(contact.uri).is_some(),
            instance,
            pub_gruu,
            expires: contact.expires(),
        }
    }

    /// What an app may be told of this binding.
    pub fn holder(&self) -> Holder {
        Holder {
            instance_id: self.instance.as_deref().map(sanitize_text),
            user_agent: None,
            contact: Some(sanitize_text(&user_of(&self.uri))).filter(|user| !user.is_empty()),
            since: self.claim.as_ref().map(|claim| claim.since),
        }
    }
}

/// An instance id without the brackets around it.
fn bare(instance: &str) -> &str {
    let instance = instance.strip_prefix('<').unwrap_or(instance);
    instance.strip_suffix('>').unwrap_or(instance)
}

/// Whether an instance id makes no claim: Cisco's clients send an all-zero one
/// when they do not force.
pub fn is_zero_instance(instance: &str) -> bool {
    let digits = instance.strip_prefix("urn:uuid:").unwrap_or(instance);
    digits.bytes().all(|byte| byte == b'0' || byte == b'-')
}

/// Who holds the device, as far as the network tells. Texts are cut and cleaned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Its instance id.
    pub instance_id: Option<String>,
    /// Its User-Agent.
    pub user_agent: Option<String>,
    /// User part of its Contact: hosts in Contacts are rewritten or made up.
    pub contact: Option<String>,
    /// When it logged in, in Unix seconds.
    pub since: Option<u64>,
}
