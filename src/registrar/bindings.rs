//! The bindings of every address-of-record, and how they changed.

use super::ConnectionId;
use super::policy::Device;
use crate::time::Instant;
use std::collections::BTreeMap;

/// A binding as told to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Device name; the device tag where the client only tells that.
    pub device: String,
    /// `urn:uuid:…`; `None` if the client names none, or only zeros.
    pub instance_id: Option<String>,
    /// The Contact URI as the client gave it.
    pub contact: String,
    /// The User-Agent header, empty if there was none.
    pub user_agent: String,
    /// Seconds left.
    pub expires: u64,
    /// When this client logged in: milliseconds of the host's clock, which
    /// counts from the Unix epoch. Refreshes do not change it.
    pub since: u64,
}

/// A binding as the registrar keeps it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Never used twice. A client that comes back keeps it, so that the tokens
    /// in its calls' route sets stay good.
    pub id: u64,
    pub user: String,
    /// The address-of-record as a URI.
    pub aor: String,
    /// The Contact URI as stored, which decides what matches it.
    pub stored: String,
    /// The Contact URI as the client gave it, which is what is listed.
    pub shown: String,
    /// Contact header parameters without `expires`; values as on the wire.
    pub params: Vec<(String, Option<String>)>,
    pub contact_user: String,
    pub device: Device,
    pub instance: Option<String>,
    /// What tells the client from others: the instance of its device where devices
    /// are authorised, else `instance`.
    pub identity: Option<String>,
    /// The connection it can be reached on; `None` once that has closed, or if
    /// the registrar spoilt the address.
    pub flow: Option<ConnectionId>,
    /// The connection it was registered over last, open or not.
    pub source: ConnectionId,
    pub call_id: String,
    pub cseq: u32,
    pub user_agent: String,
    /// Whether the client announced `X-cisco-sessionpersist`.
    pub persists: bool,
    pub until: Instant,
    /// Set while a lost connection may still come back for its call.
    pub held_until: Option<Instant>,
    pub since: Instant,
}

impl Entry {
    /// The raw value of a Contact header parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        param(&self.params, name)
    }

    pub fn seconds_left(&self, now: Instant) -> u64 {
        (self.until - now).as_millis().div_ceil(1000)
    }

    /// When it must go if nothing happens.
    pub fn deadline(&self) -> Instant {
        self.held_until
            .map_or(self.until, |held| held.min(self.until))
    }

    pub fn to_binding(&self, now: Instant) -> Binding {
        Binding {
            device: self.device.name.clone(),
            instance_id: self.instance.clone(),
            contact: self.shown.clone(),
            user_agent: self.user_agent.clone(),
            expires: self.seconds_left(now),
            since: self.since.millis(),
        }
    }
}

/// Looks a raw Contact header parameter up.
pub(super) fn param<'a>(params: &'a [(String, Option<String>)], name: &str) -> Option<&'a str> {
    params
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .and_then(|(_, value)| value.as_deref())
}

/// Why a binding came, changed or went: the `event` of RFC 3680 §5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Registered,
    Refreshed,
    /// Removed by a REGISTER, be it the client's own or the one that ousted it.
    Unregistered,
    Expired,
    /// Removed by the registrar; the client is welcome to come back.
    Deactivated,
    /// Removed by the registrar; the client must not come back.
    Rejected,
}

impl Cause {
    pub fn event(self) -> &'static str {
        match self {
            Cause::Registered => "registered",
            Cause::Refreshed => "refreshed",
            Cause::Unregistered => "unregistered",
            Cause::Expired => "expired",
            Cause::Deactivated => "deactivated",
            Cause::Rejected => "rejected",
        }
    }

    pub fn is_gone(self) -> bool {
        !matches!(self, Cause::Registered | Cause::Refreshed)
    }
}

/// One binding that came, changed or went.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub entry: Entry,
    pub cause: Cause,
    /// Another client took its device, and it is to be told.
    pub ousted: bool,
}

impl Change {
    pub fn new(entry: Entry, cause: Cause) -> Self {
        Self {
            entry,
            cause,
            ousted: false,
        }
    }
}

/// All bindings by user.
#[derive(Default)]
pub(super) struct Store {
    users: BTreeMap<String, Vec<Entry>>,
}

impl Store {
    pub fn of(&self, user: &str) -> &[Entry] {
        self.users.get(user).map_or(&[], Vec::as_slice)
    }

    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.users.values().flatten()
    }

    pub fn get(&self, id: u64) -> Option<&Entry> {
        self.all().find(|entry| entry.id == id)
    }

    pub fn replace(&mut self, user: &str, entries: Vec<Entry>) {
        if entries.is_empty() {
            self.users.remove(user);
        } else {
            self.users.insert(user.to_owned(), entries);
        }
    }

    pub fn update(&mut self, mut change: impl FnMut(&mut Entry)) {
        self.users.values_mut().flatten().for_each(&mut change);
    }

    /// Removes and returns what `goes` says.
    pub fn take(&mut self, mut goes: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        let mut taken = Vec::new();
        self.users.retain(|_, entries| {
            taken.extend(entries.extract_if(.., |entry| goes(entry)));
            !entries.is_empty()
        });
        taken
    }
}
