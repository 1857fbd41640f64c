//! The effect of one REGISTER on the bindings: RFC 3261 §10.3 steps 6 and 7,
//! with what the policies and dialects make of them.
//!
//! All of it happens on a draft, which is committed as a whole or not at all.

use super::ConnectionId;
use super::bindings::{Cause, Change, Entry};
use super::config::{Config, Dialect, Policy, Telling};
use super::devices::Member;
use super::dialect::Named;
use super::policy::{self, Client, Device, same_uri};
use super::reply::Refusal;
use crate::sip::{Message, Name, NameAddr, Uri};
use crate::time::{Duration, Instant};

/// Who registers what: the parts of an accepted REGISTER that every binding shares.
pub(super) struct Login<'a> {
    pub config: &'a Config,
    pub request: &'a Message,
    pub connection: ConnectionId,
    pub now: Instant,
    pub user: &'a str,
    pub domain: &'a str,
    pub aor: &'a str,
    /// The device that it is, where devices are authorised.
    pub member: Option<&'a Member>,
    pub policy: Policy,
    pub cseq: u32,
    /// Whether this Call-ID belongs to a client that was ousted.
    pub outcast: bool,
    /// Set if the user's takeovers are used up: seconds until the next one.
    pub force_again_in: Option<u64>,
}

/// One Contact of the REGISTER, understood.
struct Asked {
    uri: String,
    stored: String,
    params: Vec<(String, Option<String>)>,
    contact_user: String,
    instance: Option<String>,
    identity: Option<String>,
    device: Device,
    routable: bool,
    /// Seconds to be granted; 0 removes.
    expires: u32,
}

/// The bindings as they will be.
pub(super) struct Draft<'a> {
    login: &'a Login<'a>,
    pub entries: Vec<Entry>,
    pub changes: Vec<Change>,
    /// Bindings that this REGISTER made or refreshed.
    pub touched: Vec<u64>,
    /// Whether the device was taken from another client.
    pub took_over: bool,
    next_id: u64,
    grew: bool,
    /// Bindings that were removed at their own request.
    freed: usize,
    /// Whether a binding was dropped for want of room, and nothing said.
    pub short: bool,
}

impl<'a> Draft<'a> {
    /// A draft that starts from `entries`; new ones are numbered from `next_id`.
    pub fn new(login: &'a Login<'a>, entries: &[Entry], next_id: u64) -> Self {
        Self {
            login,
            entries: entries.to_vec(),
            changes: Vec::new(),
            touched: Vec::new(),
            took_over: false,
            next_id,
            grew: false,
            freed: 0,
            short: false,
        }
    }

    /// The first number not used.
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// `Contact: *` with `Expires: 0`.
    pub fn remove_all(&mut self) -> Result<(), Refusal> {
        let login = self.login;
        if !login.config.manner().knows_wildcard() {
            return Ok(());
        }
        let going = |entry: &Entry| !login.guards_others() || login.is_own(entry);
        if self
            .entries
            .iter()
            .any(|entry| going(entry) && login.is_late(entry))
        {
            return Err(Refusal::out_of_order());
        }
        self.remove(|entry| going(entry), Cause::Unregistered, false);
        Ok(())
    }

    /// Every Contact in turn.
    pub fn apply(&mut self, contacts: &[NameAddr<'_>]) -> Result<(), Refusal> {
        let most = if self.login.config.manner().reads_first_only() {
            1
        } else {
            contacts.len()
        };
        let mut asked = Vec::new();
        for (index, contact) in contacts.iter().take(most).enumerate() {
            asked.push(self.login.read(contact, index == 0)?);
        }
        let imitated = self.login.config.imitated();
        for (index, contact) in asked.iter().enumerate() {
            if contact.expires == 0 {
                self.remove_one(contact)?;
            } else if imitated.is_some() {
                if imitated.is_some_and(Dialect::keeps_one) {
                    let other = |entry: &Entry| !same_uri(&entry.stored, &contact.stored);
                    self.remove(other, Cause::Unregistered, false);
                }
                let known = self.find(contact).map(|entry| entry.call_id.clone());
                self.bind(contact)?;
                // Seen on Kamailio: once it has moved the own URI to a new Call-ID,
                // the other Contacts are passed over in silence.
                let moved = known.is_some_and(|known| known != self.login.request.call_id());
                if imitated == Some(Dialect::Kamailio) && index == 0 && moved {
                    break;
                }
            } else {
                self.settle_rivals(contact)?;
                self.replace_ghosts(contact, &asked)?;
                self.bind(contact)?;
            }
            if matches!(imitated, Some(Dialect::Kamailio | Dialect::Opensips)) {
                // They count as they go: an own contact before the removal is one
                // too many under `max_contacts=1`.
                self.limit()?;
            }
        }
        self.limit()
    }

    /// Clears the device of other clients, or refuses.
    fn settle_rivals(&mut self, asked: &Asked) -> Result<(), Refusal> {
        let login = self.login;
        let client = login.client(asked);
        let is_rival = |entry: &Entry| entry.device.is(&asked.device) && !client.owns(entry);
        let Some(holder) = self.entries.iter().find(|entry| is_rival(entry)) else {
            return Ok(());
        };
        let forced = asked.identity.is_some() && policy::asks_for_force(login.request);
        let banned = login.outcast && login.config.tells(login.user, Telling::Refresh);
        let refused = match login.policy {
            Policy::Graceful => !forced,
            Policy::Duplicate => !forced && banned,
            Policy::Normal => false,
        };
        if refused {
            return Err(Refusal::conflict(holder));
        }
        let told = login.policy != Policy::Normal;
        if told {
            if let Some(seconds) = login.force_again_in {
                return Err(Refusal::too_many_takeovers(seconds));
            }
            self.took_over = true;
        }
        self.remove(is_rival, Cause::Unregistered, told);
        Ok(())
    }

    /// Drops what this client has left behind on its device, keeping one entry
    /// for it to move into.
    fn replace_ghosts(&mut self, asked: &Asked, all: &[Asked]) -> Result<(), Refusal> {
        let login = self.login;
        let client = login.client(asked);
        let named = |entry: &Entry| all.iter().any(|one| same_uri(&one.stored, &entry.stored));
        let is_ghost =
            |entry: &Entry| entry.device.is(&asked.device) && client.owns(entry) && !named(entry);
        if self
            .entries
            .iter()
            .any(|entry| is_ghost(entry) && login.is_late(entry))
        {
            return Err(Refusal::out_of_order());
        }
        if self.find(asked).is_none() {
            let ghost = self.entries.iter_mut().find(|entry| is_ghost(entry));
            if let Some(ghost) = ghost {
                let mut left = ghost.clone();
                left.cseq = login.cseq;
                ghost.stored.clone_from(&asked.stored);
                // To those who watch, the old contact is gone and a new one came.
                if left.shown != asked.uri {
                    self.changes.push(Change::new(left, Cause::Unregistered));
                }
            }
        }
        self.remove(is_ghost, Cause::Unregistered, false);
        Ok(())
    }

    /// Makes or refreshes the binding.
    fn bind(&mut self, asked: &Asked) -> Result<(), Refusal> {
        let login = self.login;
        let now = login.now;
        let known = self.position(asked);
        let old = known.and_then(|index| self.entries.get(index));
        if old.is_some_and(|old| self.is_late(old, asked)) {
            return Err(Refusal::out_of_order());
        }
        let id = old.map_or(self.next_id, |old| old.id);
        let moved = old.is_some_and(|old| old.shown != asked.uri);
        // A Cisco client refreshes with zeros what it forced with its own id.
        let kept = |own: &Option<String>, old: Option<&Option<String>>| {
            own.clone().or_else(|| old.cloned().flatten())
        };
        let entry = Entry {
            id,
            user: login.user.to_owned(),
            aor: login.aor.to_owned(),
            stored: asked.stored.clone(),
            shown: asked.uri.clone(),
            params: asked.params.clone(),
            contact_user: asked.contact_user.clone(),
            device: asked.device.clone(),
            instance: kept(&asked.instance, old.map(|old| &old.instance)),
            identity: kept(&asked.identity, old.map(|old| &old.identity)),
            flow: asked.routable.then_some(login.connection),
            source: login.connection,
            call_id: login.request.call_id().to_owned(),
            cseq: login.cseq,
            user_agent: login
                .request
                .header(Name::UserAgent)
                .map(crate::sip::sanitize_text)
                .unwrap_or_default(),
            persists: login
                .request
                .has_option(Name::Supported, "X-cisco-sessionpersist"),
            until: now + Duration::from_secs(asked.expires.into()),
            held_until: None,
            since: old.map_or(now, |old| old.since),
        };
        self.touched.push(id);
        let cause = match known {
            Some(_) if !moved => Cause::Refreshed,
            _ => Cause::Registered,
        };
        self.changes.push(Change::new(entry.clone(), cause));
        match known.and_then(|index| self.entries.get_mut(index)) {
            Some(place) => *place = entry,
            None => {
                self.entries.push(entry);
                self.next_id += 1;
                self.grew = true;
            }
        }
        Ok(())
    }

    fn remove_one(&mut self, asked: &Asked) -> Result<(), Refusal> {
        let login = self.login;
        if login.config.manner().keeps_one() {
            self.remove(|_| true, Cause::Unregistered, false);
            return Ok(());
        }
        let Some(entry) = self.find(asked) else {
            // Nothing to remove is no error (RFC 3261 §10.3).
            return Ok(());
        };
        let same_instance = (asked.instance.as_ref().zip(entry.instance.as_ref()))
            .is_some_and(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs));
        if login.guards_others() && !login.is_own(entry) && !same_instance {
            return Ok(());
        }
        if self.is_late(entry, asked) {
            return Err(Refusal::out_of_order());
        }
        let id = entry.id;
        self.remove(|entry| entry.id == id, Cause::Unregistered, false);
        self.freed += 1;
        Ok(())
    }

    /// Makes room, or refuses, if there are too many bindings now.
    fn limit(&mut self) -> Result<(), Refusal> {
        let config = self.login.config;
        let most = config
            .max_contacts
            .unwrap_or(usize::MAX)
            .min(config.limits.bindings);
        // Seen on OpenSIPS: a place that the same REGISTER has freed stays taken.
        let halves = config.manner().does_by_halves();
        let held = if halves { self.freed } else { 0 };
        while self.grew && self.entries.len() + held > most {
            let touched = &self.touched;
            let oldest = self
                .entries
                .iter()
                .filter(|entry| !touched.contains(&entry.id))
                .min_by_key(|entry| (entry.until, entry.id))
                .map(|entry| entry.id);
            match oldest {
                Some(id) if config.remove_existing => {
                    self.remove(|entry| entry.id == id, Cause::Deactivated, false);
                }
                _ if halves => {
                    self.entries.pop();
                    self.changes.pop();
                    self.touched.pop();
                    self.grew = false;
                    self.short = true;
                    if !config.remove_existing {
                        return Err(Refusal::too_many_contacts(config.manner()));
                    }
                }
                _ => return Err(Refusal::too_many_contacts(config.manner())),
            }
        }
        Ok(())
    }

    fn remove(&mut self, mut goes: impl FnMut(&Entry) -> bool, cause: Cause, ousted: bool) {
        for mut entry in self.entries.extract_if(.., |entry| goes(entry)) {
            if !ousted {
                entry.cseq = self.login.cseq;
            }
            self.changes.push(Change {
                entry,
                cause,
                ousted,
            });
        }
    }

    fn find(&self, asked: &Asked) -> Option<&Entry> {
        self.position(asked)
            .and_then(|index| self.entries.get(index))
    }

    fn position(&self, asked: &Asked) -> Option<usize> {
        let named = Named {
            stored: &asked.stored,
            source: self.login.connection,
            params: &asked.params,
        };
        let manner = self.login.config.manner();
        self.entries
            .iter()
            .position(|entry| manner.matches(entry, &named))
    }

    fn is_late(&self, entry: &Entry, asked: &Asked) -> bool {
        let checked = self.login.config.manner().checks_order(&asked.params);
        checked && !self.touched.contains(&entry.id) && self.login.is_late(entry)
    }
}

impl Login<'_> {
    fn read(&self, contact: &NameAddr<'_>, first: bool) -> Result<Asked, Refusal> {
        let uri =
            Uri::parse(contact.uri).ok_or_else(|| Refusal::bad("A Contact URI cannot be read"))?;
        let manner = self.config.manner();
        let params: Vec<(String, Option<String>)> = contact
            .params
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("expires"))
            .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
            .collect();
        let contact_user = uri.user.unwrap_or_default();
        let device = Device::of(self.user, self.domain, &params, contact_user);
        let instance = policy::instance(&params);
        Ok(Asked {
            uri: contact.uri.to_owned(),
            stored: manner.stored(contact.uri, first, self.connection),
            contact_user: contact_user.to_owned(),
            identity: match self.member {
                Some(member) => Some(member.instance.clone()),
                None => instance.clone(),
            },
            instance,
            device: match self.member {
                Some(member) => device.tagged(member.tag()),
                None => device,
            },
            routable: manner.routable(contact.uri, first),
            expires: self.granted(contact)?,
            params,
        })
    }

    /// Seconds granted to a Contact (RFC 3261 §10.3 step 6). What cannot be read
    /// counts as not said.
    fn granted(&self, contact: &NameAddr<'_>) -> Result<u32, Refusal> {
        let (own, common) = (contact.expires(), self.request.expires());
        let wish = if self.config.manner().prefers_expires_header() {
            common.or(own)
        } else {
            own.or(common)
        };
        match wish.unwrap_or(self.config.default_expires) {
            0 => Ok(0),
            wish if wish < self.config.min_expires => {
                Err(Refusal::too_brief(self.config.min_expires))
            }
            wish => Ok(wish.min(self.config.longest(self.user)).max(1)),
        }
    }

    fn client<'a>(&self, asked: &'a Asked) -> Client<'a> {
        Client {
            identity: asked.identity.as_deref(),
            uri: &asked.stored,
            contact_user: &asked.contact_user,
            connection: self.connection,
        }
    }

    /// Whether a client may only remove bindings of its own. Else removing would
    /// be a way around asking for force.
    fn guards_others(&self) -> bool {
        self.policy != Policy::Normal
    }

    /// Whether `entry` belongs to the sender, by what every REGISTER shows.
    pub fn is_own(&self, entry: &Entry) -> bool {
        let same_device = |member: &Member| entry.identity.as_ref() == Some(&member.instance);
        entry.flow == Some(self.connection)
            || entry.call_id == self.request.call_id()
            || self.member.is_some_and(same_device)
    }

    fn is_late(&self, entry: &Entry) -> bool {
        entry.call_id == self.request.call_id() && self.cseq <= entry.cseq
    }
}
