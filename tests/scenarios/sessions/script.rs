//! A session as a script: a registrar, clients, and what happens to them. Its
//! text can be read by people, pasted into a test, and played again.

use crate::world::ClientId;
use graceline::phone;
use graceline::pool::Watch;
use graceline::registrar::{Config, Dialect, Policy, Telling};
use graceline::registration::{ConflictScope, Profile, RegistrationType};
use graceline::time::Duration;
use std::fmt::{self, Display};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Decides the randomness of all machines.
    pub seed: u8,
    pub registrar: RegistrarKind,
    pub clients: Vec<ClientKind>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistrarKind {
    pub policy: Policy,
    pub dialect: Option<Dialect>,
    pub max_contacts: Option<usize>,
    pub remove_existing: bool,
    /// Seconds.
    pub nonce_lifetime: Option<u64>,
    pub max_expires: Option<u32>,
    pub force_limit: Option<u32>,
    pub reg_event: Option<bool>,
    /// The one way in which the ousted are told; policy duplicate also refuses
    /// their refreshes, or else each of them would take the line back.
    pub tell: Option<Telling>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKind {
    pub device: String,
    pub profile: Option<Profile>,
    pub kind: RegistrationType,
    pub scope: ConflictScope,
    pub expires: Option<u32>,
    /// How many addresses of the registrar it knows, and which it connects to.
    pub addresses: usize,
    pub watch: Watch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time passes, in milliseconds.
    Wait(u64),
    To(ClientId, Deed),
    /// One way takes so many milliseconds, on sockets opened from now on.
    Latency(ClientId, u64),
    /// A WebSocket takes so many milliseconds more to open.
    SlowOpen(ClientId, u64),
    Server(Outage),
    /// One of the registrar's nodes, by its address.
    Node(usize, Fate),
}

/// What happens to one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    // By its user.
    Register,
    Force,
    Unregister,
    Abort,
    Close,
    Reload,
    Look,
    Leave,
    Resume,
    OtherTab,
    // By its machine.
    Crash,
    LoseStorage,
    Sleep,
    Wake,
    WakeTimersFirst,
    // By its network.
    Silence,
    Refuse,
    Heal,
    Cut,
    CutUnseenByServer,
    CutUnseenByClient,
}

/// What happens to the registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    Restart,
    Forget,
    Silent,
    Refusing,
    Up,
}

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Dies,
    FallsSilent,
    ComesBack,
}

type Words<T> = &'static [(&'static str, T)];

pub const DEEDS: Words<Deed> = &[
    ("register", Deed::Register),
    ("force", Deed::Force),
    ("unregister", Deed::Unregister),
    ("abort", Deed::Abort),
    ("close", Deed::Close),
    ("reload", Deed::Reload),
    ("look", Deed::Look),
    ("leave", Deed::Leave),
    ("resume", Deed::Resume),
    ("other-tab", Deed::OtherTab),
    ("crash", Deed::Crash),
    ("lose-storage", Deed::LoseStorage),
    ("sleep", Deed::Sleep),
    ("wake", Deed::Wake),
    ("wake-timers-first", Deed::WakeTimersFirst),
    ("silence", Deed::Silence),
    ("refuse", Deed::Refuse),
    ("heal", Deed::Heal),
    ("cut", Deed::Cut),
    ("cut-unseen-by-server", Deed::CutUnseenByServer),
    ("cut-unseen-by-client", Deed::CutUnseenByClient),
];

pub const OUTAGES: Words<Outage> = &[
    ("restart", Outage::Restart),
    ("forget", Outage::Forget),
    ("silent", Outage::Silent),
    ("refusing", Outage::Refusing),
    ("up", Outage::Up),
];

pub const FATES: Words<Fate> = &[
    ("dies", Fate::Dies),
    ("falls-silent", Fate::FallsSilent),
    ("comes-back", Fate::ComesBack),
];

const POLICIES: Words<Policy> = &[
    ("graceful", Policy::Graceful),
    ("duplicate", Policy::Duplicate),
    ("normal", Policy::Normal),
];

pub const MANNERS: Words<Option<Dialect>> = &[
    ("plain", None),
    ("rfc3261", Some(Dialect::Rfc3261)),
    ("kamailio", Some(Dialect::Kamailio)),
    ("asterisk", Some(Dialect::Asterisk)),
    ("opensips", Some(Dialect::Opensips)),
    ("freeswitch", Some(Dialect::Freeswitch)),
    ("freeswitch-multi", Some(Dialect::FreeswitchMulti)),
];

const TELLINGS: Words<Telling> = &[
    ("service-control", Telling::ServiceControl),
    ("reg-event", Telling::RegEvent),
    ("close", Telling::Close),
    ("refresh", Telling::Refresh),
];

const PROFILES: Words<Option<Profile>> = &[
    ("auto", None),
    ("cisco", Some(Profile::Cisco)),
    ("generic", Some(Profile::Generic)),
];

const KINDS: Words<RegistrationType> = &[
    ("graceful", RegistrationType::Graceful),
    ("duplicate", RegistrationType::Duplicate),
    ("normal", RegistrationType::Normal),
];

pub fn word<T: PartialEq>(words: Words<T>, value: &T) -> &'static str {
    let known = words.iter().find(|(_, known)| known == value);
    known.map_or("?", |(word, _)| word)
}

fn value<T: Clone>(words: Words<T>, word: &str) -> T {
    let known = words.iter().find(|(known, _)| *known == word);
    known
        .map(|(_, value)| value.clone())
        .unwrap_or_else(|| panic!("what is {word:?}?"))
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is no number"))
}

impl RegistrarKind {
    pub fn config(&self) -> Config {
        let kind = self.clone();
        let default = crate::world::registrar_config();
        Config {
            policy: kind.policy,
            dialect: kind.dialect,
            max_contacts: kind.max_contacts,
            remove_existing: kind.remove_existing,
            nonce_lifetime: kind.nonce_lifetime.map(Duration::from_secs),
            max_expires: kind.max_expires,
            force_limit: kind.force_limit,
            reg_event: kind.reg_event,
            tell_ousted: kind.tell.map(|telling| match kind.policy {
                Policy::Duplicate => vec![telling, Telling::Refresh],
                _ => vec![telling],
            }),
            ..default
        }
    }

    pub fn policy_name(&self) -> &'static str {
        word(POLICIES, &self.policy)
    }

    pub fn manner_name(&self) -> &'static str {
        word(MANNERS, &self.dialect)
    }
}

impl ClientKind {
    pub fn adapt(&self, config: &mut phone::Config) {
        config.device.clone_from(&self.device);
        config.profile = self.profile;
        config.registration_type = self.kind;
        config.conflict_scope = self.scope;
        config.expires = self.expires;
        let url = |n| format!("ws://127.0.0.{n}/");
        config.connections = (1..=self.addresses).map(url).collect();
        config.watch = self.watch;
    }

    pub fn profile_name(&self) -> &'static str {
        word(PROFILES, &self.profile)
    }

    pub fn kind_name(&self) -> &'static str {
        word(KINDS, &self.kind)
    }
}

fn option<T: Display>(f: &mut fmt::Formatter<'_>, name: &str, value: Option<T>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {name}={value}"))
}

impl Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        let kind = &self.registrar;
        write!(f, "registrar {} {}", kind.policy_name(), kind.manner_name())?;
        option(f, "max-contacts", kind.max_contacts)?;
        option(f, "remove-existing", kind.remove_existing.then_some("yes"))?;
        option(f, "nonce-lifetime", kind.nonce_lifetime)?;
        option(f, "max-expires", kind.max_expires)?;
        option(f, "force-limit", kind.force_limit)?;
        let yes_no = |yes| if yes { "yes" } else { "no" };
        option(f, "reg-event", kind.reg_event.map(yes_no))?;
        option(f, "tell", kind.tell.map(|tell| word(TELLINGS, &tell)))?;
        for client in &self.clients {
            let (profile, kind) = (client.profile_name(), client.kind_name());
            write!(f, "\nclient {} {profile} {kind}", client.device)?;
            let user = client.scope == ConflictScope::User;
            option(f, "scope", user.then_some("user"))?;
            option(f, "expires", client.expires)?;
            let several = client.addresses > 1;
            option(f, "addresses", several.then_some(client.addresses))?;
            let in_use = client.watch == Watch::InUse;
            option(f, "watch", in_use.then_some("in-use"))?;
        }
        writeln!(f)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Wait(millis) => write!(f, "wait {millis}"),
            Step::To(id, deed) => write!(f, "{} {id}", word(DEEDS, deed)),
            Step::Latency(id, millis) => write!(f, "latency {id} {millis}"),
            Step::SlowOpen(id, millis) => write!(f, "slow-open {id} {millis}"),
            Step::Server(outage) => write!(f, "server {}", word(OUTAGES, outage)),
            Step::Node(node, fate) => write!(f, "node {node} {}", word(FATES, fate)),
        }
    }
}

impl Script {
    /// Reads what was written; panics at what it does not know.
    pub fn read(text: &str) -> Self {
        let mut script = Script {
            seed: 0,
            registrar: RegistrarKind::default(),
            clients: Vec::new(),
            steps: Vec::new(),
        };
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                ["seed", seed] => script.seed = number(seed),
                ["registrar", policy, manner, options @ ..] => {
                    script.registrar.policy = value(POLICIES, policy);
                    script.registrar.dialect = value(MANNERS, manner);
                    for option in options {
                        script.registrar.read(option);
                    }
                }
                ["client", device, profile, kind, options @ ..] => {
                    let mut client = ClientKind {
                        device: (*device).into(),
                        profile: value(PROFILES, profile),
                        kind: value(KINDS, kind),
                        scope: ConflictScope::Device,
                        expires: None,
                        addresses: 1,
                        watch: Watch::All,
                    };
                    for option in options {
                        match option.split_once('=') {
                            Some(("scope", "user")) => client.scope = ConflictScope::User,
                            Some(("expires", seconds)) => client.expires = Some(number(seconds)),
                            Some(("addresses", count)) => client.addresses = number(count),
                            Some(("watch", "in-use")) => client.watch = Watch::InUse,
                            _ => panic!("what is {option:?}?"),
                        }
                    }
                    script.clients.push(client);
                }
                ["wait", millis] => script.steps.push(Step::Wait(number(millis))),
                ["latency", id, millis] => {
                    script.steps.push(Step::Latency(number(id), number(millis)));
                }
                ["slow-open", id, millis] => {
                    script
                        .steps
                        .push(Step::SlowOpen(number(id), number(millis)));
                }
                ["node", node, fate] => {
                    let step = Step::Node(number(node), value(FATES, fate));
                    script.steps.push(step);
                }
                ["server", outage] => script.steps.push(Step::Server(value(OUTAGES, outage))),
                [deed, id] => script.steps.push(Step::To(number(id), value(DEEDS, deed))),
                _ => panic!("what is {line:?}?"),
            }
        }
        script
    }
}

impl RegistrarKind {
    fn read(&mut self, option: &str) {
        match option.split_once('=') {
            Some(("max-contacts", most)) => self.max_contacts = Some(number(most)),
            Some(("remove-existing", "yes")) => self.remove_existing = true,
            Some(("nonce-lifetime", seconds)) => self.nonce_lifetime = Some(number(seconds)),
            Some(("max-expires", seconds)) => self.max_expires = Some(number(seconds)),
            Some(("force-limit", limit)) => self.force_limit = Some(number(limit)),
            Some(("reg-event", answer)) => self.reg_event = Some(answer == "yes"),
            Some(("tell", telling)) => self.tell = Some(value(TELLINGS, telling)),
            _ => panic!("what is {option:?}?"),
        }
    }
}
