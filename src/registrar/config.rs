//! What kind of registrar this is: policies, dialects, users, limits, faults.

use crate::sip::Algorithm;
use crate::time::Duration;
use std::collections::{BTreeMap, VecDeque};

/// What happens when a second client registers a device that is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The second client is refused until it forces; the first is then told.
    #[default]
    Graceful,
    /// The second client takes over, and the first is told.
    Duplicate,
    /// The second client takes over silently, or, with a [`Dialect`], both are
    /// registered: the registrar knows nothing of devices.
    Normal,
}

/// How contacts are matched, stored and listed: the manner of a registrar that
/// people run. Counts only with [`Policy::Normal`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// By the book: matches by URI, lists every parameter.
    #[default]
    Rfc3261,
    /// Lists `received`, GRUUs, `+sip.instance` and `reg-id`, drops other Contact
    /// parameters, keeps the bindings of a closed socket.
    Kamailio,
    /// Lists bare URIs, rewrites the first Contact of a REGISTER, and so lets no
    /// socket name the contact of another one. A second Contact is bound as it
    /// stands and cannot be reached. Bindings go with their socket.
    Asterisk,
    /// Lists URIs with `received`, and no other parameter. A removal makes no room
    /// within its own REGISTER, and is done even where the rest of it is refused.
    /// A nonce serves once, for 30 s.
    Opensips,
    /// FreeSWITCH as it comes: one binding a user, which the next login replaces
    /// in silence. Reads the first Contact of a REGISTER only, lists bare URIs, and
    /// answers a wrong password with 403. Bindings go with their socket.
    Freeswitch,
    /// FreeSWITCH with `multiple-registrations=contact`: as above, but bindings
    /// stand side by side, a socket can name none but its own, and `Contact: *`
    /// has no effect.
    FreeswitchMulti,
}

/// A way in which an ousted client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Telling {
    /// NOTIFY `Event: service-control` with `action=reset` over its connection.
    ServiceControl,
    /// NOTIFY `Event: reg` (RFC 3680) to those who subscribed.
    RegEvent,
    /// Its WebSocket is closed.
    Close,
    /// Its next REGISTER is refused with the conflict answer. Policy `graceful`
    /// always does this; with `duplicate` it stops an ousted client, known by its
    /// Call-ID, from taking the device back by a mere refresh.
    Refresh,
}

/// All four ways, in the order in which they are used.
pub const ALL_TELLINGS: [Telling; 4] = [
    Telling::ServiceControl,
    Telling::RegEvent,
    Telling::Close,
    Telling::Refresh,
];

/// What a second login in the slot that browsers and programs on computers share meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SharedSlot {
    /// The question whether to force: as [`Policy::Graceful`].
    #[default]
    Ask,
    /// It gets in, and the first one is told: as [`Policy::Duplicate`].
    Override,
}

/// Accounts of servers, which are no person's and have no devices.
pub(super) const SERVERS: [&str; 3] = ["cti", CONTROLLER, VOICEMAIL];

/// The one that says what waits in mailboxes.
pub(super) const VOICEMAIL: &str = "voicemail";

/// The one that makes calls for desk phones. It says in From for whom one is.
pub(super) const CONTROLLER: &str = "controller";

/// Somebody who may register. The name under which it stands in
/// [`Config::users`] is the user part of its address-of-record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Digest password.
    pub password: String,
    /// Digest username, where it differs from the user part.
    pub auth_user: Option<String>,
    /// Bearer token (RFC 8898) that lets the user in as well, if
    /// [`Config::authz_server`] is set.
    pub token: Option<String>,
    /// Whether its devices must be authorised. `None`: as [`Config::devices`] says,
    /// and not for the accounts of servers: `cti`, `controller`, `voicemail`.
    pub devices: Option<bool>,
    /// Whether it rings where the facts say, rather than at every binding. `None`: if
    /// its devices must be authorised.
    pub unique: Option<bool>,
    /// What a second login in its shared slot meets. `None`: as
    /// [`Config::shared_slot`] says.
    pub shared_slot: Option<SharedSlot>,
}

impl User {
    /// A user whose digest username is its name.
    pub fn with_password(password: impl Into<String>) -> Self {
        Self {
            password: password.into(),
            ..Self::default()
        }
    }
}

/// Bounds that keep a bad peer from filling the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections; further ones are closed with code 1013. Default 1000:
    /// more than a test needs, few enough to be scanned linearly.
    pub connections: usize,
    /// Bindings of one address-of-record, whatever [`Config::max_contacts`] says.
    /// Default 64: ten times what people own.
    pub bindings: usize,
    /// Contacts in one REGISTER. Default 32: a removal ladder names what a listing
    /// showed, and nobody lists more.
    pub contacts: usize,
    /// Registration event subscriptions. Default 1000: one for each connection.
    pub subscriptions: usize,
    /// Relayed requests that wait for their answer, and relayed calls, each.
    /// Default 1000.
    pub relays: usize,
    /// Bytes of one message. Default 65 536: no SIP message that a browser sends
    /// comes near, and the parser need not see more.
    pub message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            bindings: 64,
            contacts: 32,
            subscriptions: 1000,
            relays: 1000,
            message: 65_536,
        }
    }
}

/// An answer laid down by a test in place of the registrar's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CannedAnswer {
    /// Status code, 100 to 699.
    pub status: u16,
    /// Reason phrase.
    pub reason: String,
    /// Further header lines: name and value.
    pub headers: Vec<(String, String)>,
}

/// Test knobs that make the registrar misbehave. All off by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The next so many SIP requests are lost before they are looked at.
    pub drop_requests: u32,
    /// The next so many answers of the registrar itself are lost: what they
    /// answer has taken effect.
    pub drop_answers: u32,
    /// Answers for the next REGISTERs, in order; those have no effect.
    pub answer_register: VecDeque<CannedAnswer>,
    /// While set, nothing is read and nothing is sent, timers run on.
    pub silent: bool,
}

/// How the registrar behaves. `..Config::default()` fills in the rest.
#[derive(Clone, Debug)]
pub struct Config {
    /// What a second login of a device means. Default graceful.
    pub policy: Policy,
    /// With policy normal: whom to imitate. `None`: the later login of a device
    /// silently replaces the earlier one, answers are those of RFC 3261.
    pub dialect: Option<Dialect>,
    /// The users by user part.
    pub users: BTreeMap<String, User>,
    /// The only domain served, also the digest realm. `None`: every domain is
    /// accepted, and the realm is the domain that the client names.
    pub domain: Option<String>,
    /// Whether only devices may register that are authorised: see
    /// [`crate::account`]. What a second login means then goes by devices, whatever
    /// [`Config::policy`] says; a [`Dialect`] knows nothing but who is authorised.
    pub devices: bool,
    /// What a second login in the shared slot meets.
    pub shared_slot: SharedSlot,
    /// Push notification services by which devices are woken that name them at REGISTER
    /// (RFC 8599), in lower case: somebody has to push, see [`Event::Wake`](super::Event).
    pub pns: Vec<String>,
    /// What a device dials to be taken into the set of those that ring, or out of it.
    pub star_code: Option<String>,
    /// How ousted clients are told. `None`: in every way that applies.
    pub tell_ousted: Option<Vec<Telling>>,
    /// Whether `Event: reg` can be subscribed to. `None`: yes, except with the
    /// dialects of registrars that people run, and not if `tell_ousted` is given
    /// and leaves it out.
    pub reg_event: Option<bool>,
    /// Bindings an address-of-record may have. `None`: no limit but
    /// [`Limits::bindings`].
    pub max_contacts: Option<usize>,
    /// Whether the oldest binding makes room when `max_contacts` is reached,
    /// rather than the new one being refused.
    pub remove_existing: bool,
    /// Whether the flows of a client are kept apart (RFC 5626): bindings with an
    /// instance and a `reg-id` of their own, of which the newest that is open gets
    /// what comes for the user. For dialect Kamailio, whose bindings go by these.
    pub outbound: bool,
    /// Digest algorithms challenged, the preferred one first (RFC 8760 §2.4).
    /// None: no digest, tokens only.
    pub algorithms: Vec<Algorithm>,
    /// Where clients get tokens: if given, a Bearer challenge that names it follows
    /// the digest ones (RFC 8898 §2.1.1).
    pub authz_server: Option<String>,
    /// How long a nonce is good. `None`: one hour, so that refreshes and the
    /// un-REGISTER of a closed page need one round trip; 30 s with the dialect of
    /// OpenSIPS.
    pub nonce_lifetime: Option<Duration>,
    /// Whether answers carry a fresh nonce in Authentication-Info (RFC 7616 §3.5).
    pub next_nonce: bool,
    /// Shortest lifetime granted, in seconds; shorter wishes get a 423. Default 10.
    pub min_expires: u32,
    /// Longest lifetime granted, in seconds. `None`: 120 for policies graceful and
    /// duplicate, as Cisco's registrar grants, and 3600 for policy normal.
    pub max_expires: Option<u32>,
    /// Lifetime granted to those who ask for none, in seconds. Default 3600,
    /// cut to `max_expires`.
    pub default_expires: u32,
    /// Takeovers allowed per minute and address-of-record; more get a 503 with
    /// Retry-After. `None`: no limit.
    pub force_limit: Option<u32>,
    /// Test knobs.
    pub faults: Faults,
    /// Bounds on memory.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            dialect: None,
            users: BTreeMap::new(),
            domain: None,
            devices: false,
            shared_slot: SharedSlot::default(),
            pns: Vec::new(),
            star_code: Some("*987".to_owned()),
            tell_ousted: None,
            reg_event: None,
            max_contacts: None,
            remove_existing: false,
            outbound: false,
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            authz_server: None,
            nonce_lifetime: None,
            next_nonce: false,
            min_expires: 10,
            max_expires: None,
            default_expires: 3600,
            force_limit: None,
            faults: Faults::default(),
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Adds a user; to be chained.
    pub fn with_user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.users
            .insert(name.into(), User::with_password(password));
        self
    }

    /// The dialect imitated, if any: only policy normal has one.
    pub(super) fn imitated(&self) -> Option<Dialect> {
        self.dialect.filter(|_| self.policy == Policy::Normal)
    }

    /// The manner in which contacts are treated.
    pub(super) fn manner(&self) -> Dialect {
        self.imitated().unwrap_or_default()
    }

    /// Whether the registrar vouches for who calls, and tells its clients so.
    pub(super) fn asserts_identity(&self) -> bool {
        self.imitated().is_none()
    }

    /// Whether the devices of `user` must be authorised.
    pub(super) fn knows_devices_of(&self, user: &str) -> bool {
        let own = self.users.get(user).and_then(|user| user.devices);
        own.unwrap_or(self.devices && !SERVERS.contains(&user))
    }

    /// Whether the devices of anybody must be.
    pub(super) fn knows_devices(&self) -> bool {
        self.devices || self.users.keys().any(|user| self.knows_devices_of(user))
    }

    /// Whether `user` rings where the facts say.
    pub(super) fn is_unique(&self, user: &str) -> bool {
        let own = self.users.get(user).and_then(|user| user.unique);
        own.unwrap_or_else(|| self.knows_devices_of(user))
    }

    /// What a second login of a device of `user` means.
    pub(super) fn policy_of(&self, user: &str) -> Policy {
        if !self.knows_devices_of(user) || self.imitated().is_some() {
            return self.policy;
        }
        let own = self.users.get(user).and_then(|user| user.shared_slot);
        match own.unwrap_or(self.shared_slot) {
            SharedSlot::Ask => Policy::Graceful,
            SharedSlot::Override => Policy::Duplicate,
        }
    }

    /// Whether ousted clients of `user` are told in this way.
    pub(super) fn tells(&self, user: &str, telling: Telling) -> bool {
        self.policy_of(user) != Policy::Normal
            && self
                .tell_ousted
                .as_ref()
                .is_none_or(|list| list.contains(&telling))
    }

    /// Whether `Event: reg` is offered.
    pub(super) fn offers_reg_event(&self) -> bool {
        let listed = |list: &Vec<Telling>| list.contains(&Telling::RegEvent);
        self.reg_event.unwrap_or(
            self.manner() == Dialect::Rfc3261 && self.tell_ousted.as_ref().is_none_or(listed),
        )
    }

    /// How long a nonce is good.
    pub(super) fn nonce_lifetime(&self) -> Duration {
        let usual = Duration::from_secs(match self.manner() {
            Dialect::Opensips => 30,
            _ => 3600,
        });
        self.nonce_lifetime.unwrap_or(usual)
    }

    /// Longest lifetime granted to `user`, in seconds.
    pub(super) fn longest(&self, user: &str) -> u32 {
        self.max_expires.unwrap_or(match self.policy_of(user) {
            Policy::Graceful | Policy::Duplicate => 120,
            Policy::Normal => 3600,
        })
    }

    /// Whether `host` is a domain served here.
    pub(super) fn serves(&self, host: &str) -> bool {
        self.domain
            .as_ref()
            .is_none_or(|domain| domain.eq_ignore_ascii_case(host))
    }

    /// The user with this digest username: its name and the entry.
    pub(super) fn user_by_login(&self, login: &str) -> Option<(&str, &User)> {
        let named = |(name, user): &(&String, &User)| {
            user.auth_user.as_deref().unwrap_or(name.as_str()) == login
        };
        self.users
            .iter()
            .find(named)
            .map(|(name, user)| (name.as_str(), user))
    }
}
