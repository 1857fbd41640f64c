//! Who is the same client, what is the same device, who forces.
//!
//! These rules are what the policies `graceful`, `duplicate` and plain `normal`
//! know beyond RFC 3261. They hold for every client, so that leaving out a
//! parameter is no way around them.

use super::ConnectionId;
use super::bindings::{Entry, param};
use crate::rand::hex;
use crate::sip::{Message, Name, Uri, sanitize_text, unquote};
use sha2::{Digest, Sha256};

/// Contact parameter in which Cisco's clients tell their device name.
pub(super) const DEVICE_PARAM: &str = "+u.sip!devicename.ccm.cisco.com";

/// Text of the Warning that marks a conflict.
const CONFLICT: &str = "Registration is active for another client";

/// The device that a binding is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// What is shown to people.
    pub name: String,
    /// What is compared: some clients tell their device by a hash only.
    tag: String,
}

impl Device {
    /// The device of a Contact of `user@domain`: what it names, else the tag in
    /// a contact user of the form `g1-DEVICETAG-…`, else the user itself.
    pub fn of(
        user: &str,
        domain: &str,
        params: &[(String, Option<String>)],
        contact_user: &str,
    ) -> Self {
        let named = |name: &str| Self {
            name: name.to_owned(),
            tag: device_tag(user, domain, name),
        };
        let param = param(params, DEVICE_PARAM).map(unquote);
        if let Some(name) = param.filter(|name| !name.is_empty()) {
            return named(&sanitize_text(&name));
        }
        let own = named(user);
        match tag_in(contact_user) {
            Some(tag) if tag != own.tag => Self {
                name: tag.to_owned(),
                tag: tag.to_owned(),
            },
            _ => own,
        }
    }

    /// The same device, told from others by what its authorisation says.
    pub fn tagged(self, tag: &str) -> Self {
        let tag = tag.to_owned();
        Self { tag, ..self }
    }

    pub fn is(&self, other: &Device) -> bool {
        self.tag == other.tag
    }
}

fn device_tag(user: &str, domain: &str, device: &str) -> String {
    let aor = format!("{user}@{domain}").to_ascii_lowercase();
    let hash = Sha256::digest(format!("device\n{aor}\n{device}"));
    hex(hash.get(..6).unwrap_or_default())
}

fn tag_in(contact_user: &str) -> Option<&str> {
    let (tag, _) = contact_user.strip_prefix("g1-")?.split_once('-')?;
    (tag.len() == 12 && tag.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(tag)
}

/// The instance id in Contact parameters, without quotes and brackets. Zeros
/// count as none: Cisco's clients send them to say that they claim nothing.
pub(super) fn instance(params: &[(String, Option<String>)]) -> Option<String> {
    urn(param(params, "+sip.instance")?)
}

/// The same, from the value of `+sip.instance`.
pub(super) fn urn(value: &str) -> Option<String> {
    let value = unquote(value);
    let urn = value.trim().trim_start_matches('<').trim_end_matches('>');
    let id = urn.rsplit(':').next().unwrap_or_default();
    let zero = id.bytes().all(|byte| matches!(byte, b'0' | b'-'));
    (!zero).then(|| sanitize_text(urn))
}

/// What a REGISTER tells of the client that a Contact is for.
pub(super) struct Client<'a> {
    pub identity: Option<&'a str>,
    /// The stored form of the Contact URI.
    pub uri: &'a str,
    pub contact_user: &'a str,
    pub connection: ConnectionId,
}

impl Client<'_> {
    /// Whether `entry` is a binding of this very client: equal identities, else an
    /// equal contact, else the same connection. Two different instances are two
    /// clients wherever their contacts point; and a contact user that is just the
    /// user of the address-of-record identifies nobody, as every desk phone has it.
    pub fn owns(&self, entry: &Entry) -> bool {
        let by_identity = match (self.identity, &entry.identity) {
            (Some(ours), Some(theirs)) => ours.eq_ignore_ascii_case(theirs),
            _ => {
                let telling = !self.contact_user.is_empty() && self.contact_user != entry.user;
                (telling && self.contact_user == entry.contact_user)
                    || same_uri(self.uri, &entry.stored)
            }
        };
        by_identity || entry.flow == Some(self.connection)
    }
}

/// Equality of URIs as RFC 3261 §19.1.4 has it; of what is no URI, by letter.
pub(super) fn same_uri(a: &str, b: &str) -> bool {
    match (Uri::parse(a), Uri::parse(b)) {
        (Some(a), Some(b)) => a.equivalent(&b),
        _ => a == b,
    }
}

/// Whether a REGISTER asks for a takeover: it comes after the application had
/// the last registration destroyed. (The other half, an own instance id, is in
/// the Contact.)
pub(super) fn asks_for_force(request: &Message) -> bool {
    let mut reasons = request.lines(Name::Reason);
    reasons.any(|reason| {
        reason.contains("cisco-alarm:111") || reason.contains("Last=Application-Requested-Destroy")
    })
}

/// The headers of the 403 that refuses a device held by `holder`.
pub(super) fn conflict_headers(holder: &Entry) -> Vec<(&'static str, String)> {
    // Names the holder, so that a client can tell a rival from a remnant of
    // itself. The contact's user part only: its host is nobody's business.
    let holder_value = format!(
        "\"{}\";contact=\"{}\";since={};agent=\"{}\"",
        plain(holder.identity.as_deref().unwrap_or_default()),
        plain(&holder.contact_user),
        holder.since.seconds(),
        plain(&holder.user_agent),
    );
    vec![
        ("Warning", format!("399 graceline \"{CONFLICT}\"")),
        ("X-Graceline-Holder", holder_value),
    ]
}

/// Text that stands inside quotes without escapes.
fn plain(text: &str) -> String {
    sanitize_text(text).replace(['"', '\\'], "")
}
