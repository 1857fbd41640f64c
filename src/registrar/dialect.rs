//! How registrars treat Contacts: what matches, what is stored, what is listed.
//!
//! `Rfc3261` follows §10.3 to the letter. The others do what was seen on the wire
//! of Kamailio 5.6, Asterisk 22, OpenSIPS 4.1 and FreeSWITCH 1.11.

use super::ConnectionId;
use super::bindings::{Entry, param};
use super::config::Dialect;
use super::policy::same_uri;
use crate::sip::{Uri, quote};
use crate::time::Instant;

/// URI parameter in which Asterisk remembers what it overwrote.
const ORIGINAL_HOST: &str = "x-ast-orig-host";

/// A Contact of a REGISTER, as far as matching needs it.
pub(super) struct Named<'a> {
    /// The stored form of its URI.
    pub stored: &'a str,
    /// The connection that names it.
    pub source: ConnectionId,
    pub params: &'a [(String, Option<String>)],
}

impl Dialect {
    /// The form in which a Contact URI is stored. `first`: whether it is the
    /// first of its REGISTER, which is the only one that Asterisk rewrites.
    pub(super) fn stored(self, uri: &str, first: bool, connection: ConnectionId) -> String {
        match Uri::parse(uri) {
            Some(parsed) if self == Dialect::Asterisk && first && parsed.is_sip() => {
                rewritten(&parsed, connection)
            }
            _ => uri.to_owned(),
        }
    }

    /// Whether requests can reach a Contact: Asterisk stores a second one with
    /// the `.invalid` host of a WebSocket client, which leads nowhere.
    pub(super) fn routable(self, uri: &str, first: bool) -> bool {
        let invalid = || Uri::parse(uri).is_some_and(|uri| uri.host.ends_with(".invalid"));
        self != Dialect::Asterisk || first || !invalid()
    }

    /// Whether `entry` is the binding that a Contact names.
    pub(super) fn matches(self, entry: &Entry, named: &Named<'_>) -> bool {
        if let (Dialect::Kamailio, Some(instance)) = (self, param(named.params, "+sip.instance")) {
            // By instance and flow alone, even if all zeros.
            return entry.param("+sip.instance") == Some(instance)
                && entry.param("reg-id") == param(named.params, "reg-id");
        }
        // FreeSWITCH keeps the sender's address beside the URI.
        let named_by_owner = self != Dialect::FreeswitchMulti || entry.source == named.source;
        named_by_owner && same_uri(&entry.stored, named.stored)
    }

    /// Whether no more than the first Contact of a REGISTER is read.
    pub(super) fn reads_first_only(self) -> bool {
        matches!(self, Dialect::Freeswitch | Dialect::FreeswitchMulti)
    }

    /// Whether the Expires header outweighs the parameter of the Contact.
    pub(super) fn prefers_expires_header(self) -> bool {
        matches!(self, Dialect::Freeswitch | Dialect::FreeswitchMulti)
    }

    /// Whether a user has one binding, whatever its URI: any other one replaces
    /// it, and any removal removes it.
    pub(super) fn keeps_one(self) -> bool {
        self == Dialect::Freeswitch
    }

    /// Whether `Contact: *` has an effect.
    pub(super) fn knows_wildcard(self) -> bool {
        self != Dialect::FreeswitchMulti
    }

    /// Whether what a REGISTER did before it failed stays done.
    pub(super) fn does_by_halves(self) -> bool {
        self == Dialect::Opensips
    }

    /// Whether a closed socket takes its bindings with it.
    pub(super) fn drops_on_close(self) -> bool {
        !matches!(self, Dialect::Kamailio | Dialect::Opensips)
    }

    /// Whether a nonce is good for one request, whatever its count.
    pub(super) fn takes_nonces_once(self) -> bool {
        self == Dialect::Opensips
    }

    /// Whether a wrong password is answered 403, rather than challenged again.
    pub(super) fn forbids_wrong_passwords(self) -> bool {
        matches!(self, Dialect::Freeswitch | Dialect::FreeswitchMulti)
    }

    /// Whether a CRLF ping is answered (RFC 5626 §4.4.1).
    pub(super) fn answers_pings(self) -> bool {
        self != Dialect::Asterisk
    }

    /// Whether it is the other end of every OPTIONS, rather than a proxy that
    /// passes on those for its users.
    pub(super) fn answers_options(self) -> bool {
        matches!(
            self,
            Dialect::Asterisk | Dialect::Freeswitch | Dialect::FreeswitchMulti
        )
    }

    /// How a SUBSCRIBE is refused where no package is offered.
    pub(super) fn no_such_event(self) -> (u16, &'static str) {
        match self {
            Dialect::Freeswitch | Dialect::FreeswitchMulti => (405, "Method Not Allowed"),
            _ => (489, "Bad Event"),
        }
    }

    /// Whether a REGISTER that is not newer than the binding it names, with the
    /// same Call-ID, fails (RFC 3261 §10.3 step 7).
    pub(super) fn checks_order(self, params: &[(String, Option<String>)]) -> bool {
        match self {
            Dialect::Rfc3261 | Dialect::Opensips => true,
            Dialect::Kamailio => param(params, "+sip.instance").is_none(),
            Dialect::Asterisk | Dialect::Freeswitch | Dialect::FreeswitchMulti => false,
        }
    }

    /// The values of the Contact headers that list `entries`.
    pub(super) fn listing(
        self,
        entries: &[&Entry],
        temp_gruu: impl Fn(&Entry) -> String,
        now: Instant,
    ) -> Vec<String> {
        let mut entries = entries.to_vec();
        if self == Dialect::Asterisk {
            // Ordered by a hash there: not by age, whatever else.
            entries.sort_by(|a, b| a.stored.cmp(&b.stored));
        }
        let lines: Vec<String> = entries
            .into_iter()
            .map(|entry| self.listed(entry, &temp_gruu, now))
            .collect();
        match self {
            Dialect::Kamailio | Dialect::Opensips if lines.len() > 1 => vec![lines.join(", ")],
            _ => lines,
        }
    }

    fn listed(self, entry: &Entry, temp_gruu: impl Fn(&Entry) -> String, now: Instant) -> String {
        let mut line = format!("<{}>", entry.shown);
        let seconds = entry.seconds_left(now);
        match self {
            Dialect::Rfc3261 => {
                for (name, value) in &entry.params {
                    push_param(&mut line, name, value.as_deref());
                }
                push_param(&mut line, "expires", Some(&seconds.to_string()));
                if let Some(gruu) = public_gruu(entry) {
                    push_param(&mut line, "pub-gruu", Some(&quote(&gruu)));
                }
            }
            Dialect::Kamailio => {
                push_param(&mut line, "expires", Some(&seconds.to_string()));
                push_received(&mut line, entry);
                if let Some(gruu) = public_gruu(entry) {
                    push_param(&mut line, "pub-gruu", Some(&quote(&gruu)));
                    push_param(&mut line, "temp-gruu", Some(&quote(&temp_gruu(entry))));
                }
                for name in ["q", "+sip.instance", "reg-id"] {
                    if let Some(value) = entry.param(name) {
                        push_param(&mut line, name, Some(value));
                    }
                }
            }
            Dialect::Asterisk => {
                let seconds = seconds.saturating_sub(1).to_string();
                push_param(&mut line, "expires", Some(&seconds));
            }
            Dialect::Opensips => {
                push_param(&mut line, "expires", Some(&seconds.to_string()));
                push_received(&mut line, entry);
            }
            Dialect::Freeswitch | Dialect::FreeswitchMulti => {
                push_param(&mut line, "expires", Some(&seconds.to_string()));
            }
        }
        line
    }
}

/// The GRUU under which a binding's instance can be reached while registered.
pub(super) fn public_gruu(entry: &Entry) -> Option<String> {
    let instance = entry.instance.as_deref()?;
    Some(format!("{};gr={instance}", entry.aor))
}

fn push_param(line: &mut String, name: &str, value: Option<&str>) {
    line.push(';');
    line.push_str(name);
    if let Some(value) = value {
        line.push('=');
        line.push_str(value);
    }
}

fn push_received(line: &mut String, entry: &Entry) {
    let source = format!("\"sip:{};transport=ws\"", source_address(entry.source));
    push_param(line, "received", Some(&source));
}

/// A made-up source address, different for every connection: the machine sees
/// no real ones.
fn source_address(connection: ConnectionId) -> String {
    let [_, a, b, c] = connection.to_be_bytes();
    format!("127.{a}.{b}.{c}:5060")
}

fn rewritten(uri: &Uri<'_>, connection: ConnectionId) -> String {
    let mut text = format!("{}:", uri.scheme);
    if let Some(user) = uri.user {
        text.push_str(user);
        text.push('@');
    }
    text.push_str(&source_address(connection));
    for (name, value) in uri.params.iter() {
        push_param(&mut text, name, value);
    }
    let mut original = uri.host.to_owned();
    if let Some(port) = uri.port {
        original.push_str(&format!(":{port}"));
    }
    push_param(&mut text, ORIGINAL_HOST, Some(&original));
    text
}
