//! The REGISTER requests that a registration asks for.

use super::listing::{Binding, Kind};
use super::{Claim, Goal, Profile, Registration, RegistrationType, Settings, Step};
use crate::prelude::*;
use crate::sip::quote;
use crate::text::{concat, decimal};
use crate::time::Instant;

/// Expires asked for in the generic profile: short, so that a client that
/// cannot be told looks soon.
const EXPIRES_GENERIC: u32 = 120;
/// Expires that Cisco's clients ask for; the registrar shortens it.
const EXPIRES_CISCO: u32 = 3600;
/// Cisco's Contact parameter for the device name.
const DEVICE_PARAM: &str = "+u.sip!devicename.ccm.cisco.com";
/// The instance of a Cisco-form login that claims nothing.
const ZERO_INSTANCE: &str = "urn:uuid:00000000-0000-0000-0000-000000000000";

/// Earlier claims of ours that are removed after a login: those of its rounds, and of
/// a page or two before.
const MAX_SWEPT: usize = 4;

/// The Contact value that takes `uri` off the list.
pub(super) fn removal_of(uri: &str) -> String {
    concat(&["<", uri, ">;expires=0"])
}

/// What a REGISTER is to say. The owner adds the transaction, the credentials
/// and the headers that are the same for every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    /// Request-URI, where a redirection named another one.
    pub target: Option<String>,
    /// Contact header values in order; none for a query.
    pub contacts: Vec<String>,
    /// `Expires` header.
    pub expires: Option<u32>,
    /// `Supported` header.
    pub supported: String,
    /// `Reason` header: Cisco's alarm, on the first REGISTER of a login.
    pub reason: Option<String>,
    /// Whether a new Call-ID is to be used (forced logins on a new connection).
    pub new_call_id: bool,
}

impl Registration {
    /// A REGISTER without Contact whose answer is not for this machine.
    pub fn plain(&self) -> Register {
        self.request()
    }

    /// A REGISTER without Contact (RFC 3261 §10.2.3).
    pub(super) fn query(&mut self) {
        self.step = Step::Query;
        self.send(self.request());
    }

    /// Our own Contact, after the `removals`: Kamailio refuses the other order
    /// when only one contact is allowed.
    pub(super) fn register(&mut self, now: Instant, removals: Vec<String>) {
        self.claim_device(now);
        self.asked_at = now;
        self.step = Step::Register;
        let cisco = self.profile == Some(Profile::Cisco);
        let asked = self.expires();
        let login = matches!(self.goal, Goal::Login(_));
        let forced = login && self.forced();
        let number = self.outbound.home_number();
        let uri = self.own_uri(number.unwrap_or(1));
        self.fresh = !self.exposed.contains(&uri);
        if self.fresh {
            self.exposed.push(uri);
        }
        let own = self.own_contact(number);
        let device = &self.settings.device;
        let alarm = |number, last| {
            // The alarm's blank-separated form has no quoting of its own.
            let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ';');
            let name = device.chars().map(|c| if plain(c) { c } else { '_' });
            concat(&[
                "SIP;cause=200;text=\"cisco-alarm:",
                number,
                " Name=",
                &name.collect::<String>(),
                " ActiveLoad=Graceline InactiveLoad=Graceline Last=",
                last,
                "\"",
            ])
        };
        let mut request = self.request();
        request.contacts = removals;
        request.contacts.push(own);
        request.expires = Some(asked);
        // A forced login tells so in Cisco's words on any registrar: one that
        // refuses by itself may be behind an explicit `generic`.
        if login && (cisco || forced) && self.settings.kind != RegistrationType::Normal {
            request.reason = Some(match forced {
                true => alarm("111", "Application-Requested-Destroy"),
                false => alarm("25", "initialized"),
            });
            request.new_call_id = forced && cisco;
        }
        self.send(request);
    }

    /// Our Contact, with this `reg-id` (RFC 5626 §4.2), which Cisco's form has not.
    pub(super) fn own_contact(&self, number: Option<u32>) -> String {
        let cisco = self.profile == Some(Profile::Cisco);
        let forced = matches!(self.goal, Goal::Login(_)) && self.forced();
        let instance = match cisco && !forced {
            true => ZERO_INSTANCE,
            false => &self.settings.instance_id,
        };
        let mut own = concat(&[
            "<",
            &self.own_uri(number.unwrap_or(1)),
            ">;+sip.instance=\"<",
            instance,
            ">\";",
            DEVICE_PARAM,
            "=",
            &quote(&self.settings.device),
            ";expires=",
            &decimal(self.expires().into()),
        ]);
        if let Some(number) = number.filter(|_| !cisco) {
            own.push_str(";reg-id=");
            own.push_str(&decimal(number.into()));
        }
        own
    }

    /// Takes those of `list` off that can be named, by their exact URI. Where they
    /// cannot, our own Contact stands alone: the first one is all that counts there,
    /// and Asterisk would bind a second one so that no call reaches it.
    pub(super) fn removals(list: &[Binding], kinds: &[Kind]) -> Vec<String> {
        list.iter()
            .filter(|binding| binding.nameable && kinds.contains(&binding.kind))
            .map(|binding| removal_of(&binding.uri))
            .collect()
    }

    /// The removal of our own Contacts, by their bare URIs: with `+sip.instance`
    /// Kamailio would take a late one for the reloaded page's binding.
    pub(super) fn removal(&self) -> Register {
        let home = self.outbound.home_number().unwrap_or(1);
        let numbers = self.outbound.bound().chain([home]);
        Register {
            contacts: numbers.map(|n| removal_of(&self.own_uri(n))).collect(),
            expires: Some(0),
            ..self.request()
        }
    }

    /// The removal of what may be bound: of the Contact in use, with those of its
    /// further flows, or of one that an earlier try of this login has left.
    pub(super) fn next_removal(&self) -> Option<Register> {
        let uri = self.exposed.last()?;
        let own = self.own_uri(self.outbound.home_number().unwrap_or(1));
        Some(match *uri == own {
            true => self.removal(),
            false => Register {
                contacts: vec![removal_of(uri)],
                ..self.removal()
            },
        })
    }

    /// An earlier claim of ours that is still listed goes by a REGISTER of its own;
    /// once, whatever comes of it. One that is later than ours is no ghost.
    pub(super) fn sweep(&mut self, list: &[Binding]) {
        let Some(own) = self
            .stay
            .claim
            .as_ref()
            .filter(|_| self.stay.swept.len() < MAX_SWEPT)
        else {
            return;
        };
        let stale = |binding: &&Binding| {
            let claim = binding.claim.as_ref();
            binding.kind == Kind::Ghost
                && claim.is_some_and(|claim| !claim.beats(own))
                && !self.stay.swept.contains(&binding.uri)
        };
        if let Some(ghost) = list.iter().find(stale) {
            let removal = Register {
                contacts: vec![removal_of(&ghost.uri)],
                ..self.removal()
            };
            self.stay.swept.push(ghost.uri.clone());
            self.step = Step::Sweep;
            self.send(removal);
        }
    }

    pub(super) fn send_removal(&mut self) {
        self.step = Step::Unregister;
        let removal = self.next_removal();
        self.send(removal.unwrap_or_else(|| self.removal()));
    }

    /// `Contact: *` (RFC 3261 §10.2.2).
    pub(super) fn clear(&mut self) {
        self.progress.cleared = true;
        self.step = Step::Clear;
        self.send(Register {
            contacts: vec!["*".into()],
            expires: Some(0),
            ..self.request()
        });
    }

    pub(super) fn request(&self) -> Register {
        let tags = match self.settings.kind {
            RegistrationType::Graceful => ", X-cisco-graceful-reg, X-cisco-duplicate-reg",
            RegistrationType::Duplicate => ", X-cisco-duplicate-reg",
            RegistrationType::Normal => "",
        };
        let outbound = match self.outbound.home_number() {
            Some(_) if self.profile != Some(Profile::Cisco) => ", outbound",
            _ => "",
        };
        Register {
            target: self.progress.target.clone(),
            supported: concat(&[
                "path, gruu",
                outbound,
                tags,
                ", X-cisco-sessionpersist, X-cisco-callinfo",
            ]),
            ..Register::default()
        }
    }

    /// Makes the claim of this login when its first Contact is sent, so that the
    /// registrar's clock is known by then and the listed claims can be topped.
    fn claim_device(&mut self, now: Instant) {
        if self.stay.claim.is_some() {
            return;
        }
        let seconds = now
            .seconds()
            .saturating_add_signed(self.clock_offset.unwrap_or(0));
        let forced = self.forced();
        // A force tops every claim that it saw; any login tops its own ghosts.
        let topped = self
            .progress
            .listed
            .iter()
            .filter(|binding| forced || binding.kind == Kind::Ghost);
        let highest = topped.filter_map(|binding| binding.claim.as_ref());
        let highest = highest.map(|claim| claim.since.saturating_add(1)).max();
        let since = seconds.max(highest.unwrap_or(0));
        let since = since.min(Claim::MAX_SINCE);
        self.stay.claim = Some(Claim {
            identity: self.identity.clone(),
            since,
            forced,
        });
    }

    /// User part of our Contact: the claim, or, on a registrar that refuses by
    /// itself, one that stays the same for this instance.
    pub(super) fn user_part(&self) -> String {
        match (&self.stay.claim, self.profile) {
            (Some(claim), profile) if profile != Some(Profile::Cisco) => claim.user_part(),
            _ => concat(&[&self.identity.device, &self.identity.instance]),
        }
    }

    /// Our Contact URI on the flow with this `reg-id`. Flows differ by the host,
    /// so that each of them can be named.
    pub(super) fn own_uri(&self, number: u32) -> String {
        let flow = match number {
            1 => String::new(),
            number => concat(&["f", &decimal(number.into()), "-"]),
        };
        let user = self.user_part();
        concat(&["sip:", &user, "@", &flow, &self.host, ";transport=ws"])
    }

    /// Seconds to ask for.
    pub(super) fn expires(&self) -> u32 {
        let Settings { expires, .. } = self.settings;
        self.asked_expires
            .or(expires)
            .unwrap_or(match self.profile {
                Some(Profile::Cisco) => EXPIRES_CISCO,
                _ => EXPIRES_GENERIC,
            })
    }
}
