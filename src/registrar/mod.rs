//! The test registrar: registrar, registration notifier and proxy in one machine.
//!
//! It does what a registrar that knows graceful registration does, or imitates
//! registrars that do not, so that clients can be tried against all of them. It
//! is sans-IO like everything here: make one mutation (`handle_…`), then drain
//! [`Registrar::poll_output`] until it returns `None`, then wait for the next
//! input or for [`Registrar::poll_timeout`].
//!
//! ```
//! use graceline::registrar::{Config, Output, Registrar};
//! use graceline::time::Instant;
//!
//! let config = Config::default().with_user("2001", "secret");
//! let mut registrar = Registrar::new(config, [7; 32]);
//! let now = Instant::from_millis(0);
//! registrar.handle_opened(now, 1);
//! registrar.handle_message(now, 1, b"\r\n\r\n");
//! let Some(Output::Send { connection, data }) = registrar.poll_output() else {
//!     unreachable!("a ping is answered");
//! };
//! assert_eq!((connection, data.as_slice()), (1, &b"\r\n"[..]));
//! ```
//!
//! It shares nothing with the client but the message layer, so that a rule
//! mistaken there is not mistaken here alike.

mod accounts;
mod auth;
mod bindings;
mod calls;
mod config;
mod course;
mod devices;
mod dialect;
mod dialog_event;
mod forward;
mod late;
mod mailbox;
mod messages;
mod notify;
mod output;
mod pns;
mod policy;
mod presence;
mod proxy;
mod public_ids;
mod records;
mod reg_event;
mod register;
mod relay;
mod reply;
mod ringing;
mod rules;
mod star_code;
mod subscriptions;
mod unheard;
mod update;
mod waking;

pub use crate::sip::Algorithm;
pub use bindings::Binding;
pub use config::{
    ALL_TELLINGS, CannedAnswer, Config, Dialect, Faults, Limits, Policy, SharedSlot, Telling, User,
};
pub use output::{Counters, Direction, Event, Level, News, Output, Wake};

use crate::account::Accounts;
use crate::rand::Random;
use crate::redact::redact;
use crate::sip::{Framing, Keepalive, Message, Name, NameAddr, ParseError, Uri, WriteError};
use crate::time::{Duration, Instant};
use auth::Authenticator;
use bindings::{Cause, Change, Entry, Store};
use calls::Calls;
use notify::{Farewell, PendingNotify};
use presence::Publication;
use relay::Relay;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use subscriptions::Subscription;

/// A WebSocket connection as the host numbers it. Numbers are never used twice.
pub type ConnectionId = u32;

/// Our name in Via, Record-Route and Contact: no connection is ever made to it.
const HOST: &str = "registrar.invalid";

const ALLOW: &str = "REGISTER, SUBSCRIBE, PUBLISH, OPTIONS, INVITE, ACK, BYE, CANCEL, MESSAGE, NOTIFY, REFER, INFO, UPDATE, PRACK";

/// How long a client may take to come back to its call on a new connection, if
/// it announced `X-cisco-sessionpersist`.
const CALL_GRACE: Duration = Duration::from_secs(12);

/// WebSocket close code for "try again later" (RFC 6455, IANA registry).
const TRY_AGAIN_LATER: u16 = 1013;

/// The machine.
pub struct Registrar {
    config: Config,
    random: Random,
    now: Instant,
    auth: Authenticator,
    connections: BTreeSet<ConnectionId>,
    store: Store,
    accounts: Accounts,
    next_binding: u64,
    subscriptions: Vec<Subscription>,
    next_subscription: u64,
    publications: Vec<Publication>,
    /// When each user has changed what others see.
    changes: BTreeMap<String, VecDeque<Instant>>,
    /// Something changed that subscribers may want to know.
    stale: bool,
    notifies: Vec<PendingNotify>,
    relays: Vec<Relay>,
    calls: Calls,
    /// Connections of clients that were sent away, and when they are closed.
    closing: BTreeMap<ConnectionId, (Instant, Farewell)>,
    /// When each user was taken over.
    takeovers: BTreeMap<String, VecDeque<Instant>>,
    /// Call-IDs of each user's ousted clients.
    outcasts: BTreeMap<String, VecDeque<String>>,
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl Registrar {
    /// A registrar without bindings. The seed decides all its randomness; hosts
    /// take it from the platform's cryptographic generator.
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let mut random = Random::from_seed(seed);
        Self {
            auth: Authenticator::new(&mut random),
            config,
            random,
            now: Instant::default(),
            connections: BTreeSet::new(),
            store: Store::default(),
            accounts: Accounts::default(),
            next_binding: 1,
            subscriptions: Vec::new(),
            next_subscription: 0,
            publications: Vec::new(),
            changes: BTreeMap::new(),
            stale: false,
            notifies: Vec::new(),
            relays: Vec::new(),
            calls: Calls::default(),
            closing: BTreeMap::new(),
            takeovers: BTreeMap::new(),
            outcasts: BTreeMap::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// A WebSocket connection was made.
    pub fn handle_opened(&mut self, now: Instant, connection: ConnectionId) {
        self.advance(now);
        if self.connections.len() >= self.config.limits.connections {
            self.close(connection, TRY_AGAIN_LATER, "Too many connections");
            return;
        }
        self.connections.insert(connection);
    }

    /// A WebSocket message came: one SIP message or a keepalive (RFC 7118 §5).
    pub fn handle_message(&mut self, now: Instant, connection: ConnectionId, data: &[u8]) {
        self.advance(now);
        if self.config.faults.silent {
            return;
        }
        if !self.connections.contains(&connection) {
            self.counters.strays += 1;
            return;
        }
        let parsed = Message::parse(data, Framing::Frame);
        if let Err(ParseError::Keepalive(kind)) = parsed {
            if kind == Keepalive::Ping && self.config.manner().answers_pings() {
                self.push_send(connection, b"\r\n".to_vec());
            }
            return;
        }
        self.counters.received += 1;
        self.trace(Direction::Received, connection, data);
        if self.config.faults.drop_requests > 0 {
            self.config.faults.drop_requests -= 1;
            return;
        }
        match parsed {
            Ok(message) if message.is_request() => self.handle_request(connection, message, data),
            Ok(message) => self.handle_answer(connection, &message),
            Err(error) => {
                self.counters.malformed += 1;
                let what = format!("connection {connection} sent something else than SIP: {error}");
                self.log(Level::Warn, what);
            }
        }
    }

    /// A WebSocket connection is gone. Its bindings go with it at once, so that a
    /// closed page frees the line; except while its client is in a call that it
    /// may come back to, and except with dialects that do not care.
    pub fn handle_closed(&mut self, now: Instant, connection: ConnectionId) {
        self.advance(now);
        self.drop_connection(connection);
    }

    /// Does what is due. Coming late, or for nothing, is fine.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    /// The next thing for the host to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.tell_watchers();
        self.outputs.pop_front()
    }

    /// When [`Registrar::handle_timeout`] is to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let entries = self.store.all().map(Entry::deadline);
        let subscriptions = self.subscriptions.iter().map(|one| one.until);
        let notifies = self.notifies.iter().map(PendingNotify::until);
        let rings_until = |relay| self.rings_until(relay);
        let rings = self.relays.iter().filter_map(rings_until);
        let relays = self.relays.iter().map(|relay| relay.until).chain(rings);
        let unheard = self.relays.iter().flat_map(Relay::unheard_at);
        let publications = self.publications.iter().map(|one| one.until);
        let closing = self.closing.values().map(|(at, _)| *at);
        entries
            .chain(subscriptions)
            .chain(publications)
            .chain(notifies)
            .chain(relays)
            .chain(unheard)
            .chain(closing)
            .chain(self.accounts.calls_until())
            .min()
    }

    /// The live bindings of `user` at the last instant that the machine was told.
    pub fn bindings(&self, user: &str) -> Vec<Binding> {
        self.bindings_at(self.now, user)
    }

    /// The bindings of `user` that are live at `now`.
    pub fn bindings_at(&self, now: Instant, user: &str) -> Vec<Binding> {
        let now = now.max(self.now);
        let live = |entry: &&Entry| entry.deadline() > now;
        let entries = self.store.of(user).iter().filter(live);
        entries.map(|entry| entry.to_binding(now)).collect()
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Changes the configuration at run time. Another policy or dialect, or a
    /// user who is gone, clears the bindings made under the old one: those
    /// clients are told (`deactivated`) if they watch.
    pub fn configure(&mut self, now: Instant, config: Config) {
        self.advance(now);
        let another = (config.policy, config.imitated(), &config.domain)
            != (
                self.config.policy,
                self.config.imitated(),
                &self.config.domain,
            );
        self.config = config;
        let users = &self.config.users;
        let cleared = self
            .store
            .take(|entry| another || !users.contains_key(&entry.user));
        self.publish_gone(cleared, Cause::Deactivated);
        let users = &self.config.users;
        self.accounts.retain(|user| users.contains_key(user));
        self.bar_strangers();
        self.end_subscriptions();
        if another {
            self.takeovers.clear();
            self.outcasts.clear();
        }
    }

    /// The test knobs, to be turned at any time.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.config.faults
    }

    /// Forgets everything but the connections and the facts about users, as a
    /// registrar does that was restarted and has a database for those alone. Nobody
    /// is told.
    pub fn forget(&mut self) {
        let bound = |user: &&String| !self.store.of(user).is_empty();
        let users: Vec<String> = self.config.users.keys().filter(bound).cloned().collect();
        self.auth = Authenticator::new(&mut self.random);
        self.store = Store::default();
        for user in users {
            self.note_bindings(&user);
        }
        self.subscriptions.clear();
        self.publications.clear();
        self.changes.clear();
        self.notifies.clear();
        self.relays.clear();
        self.calls = Calls::default();
        self.accounts.doubt_calls(self.now);
        self.closing.clear();
        self.takeovers.clear();
        self.outcasts.clear();
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn handle_request(&mut self, connection: ConnectionId, request: Message, data: &[u8]) {
        if data.len() > self.config.limits.message {
            self.counters.malformed += 1;
            self.answer(connection, &request, 513, "Message Too Large", &[]);
            return;
        }
        if let Err(invalid) = request.validate() {
            self.counters.malformed += 1;
            // Without a Via there is nowhere to answer to; a malformed one is good
            // enough for the way back over the same connection.
            if request.header(Name::Via).is_some() {
                self.answer(connection, &request, invalid.status, invalid.reason, &[]);
            }
            return;
        }
        match request.method() {
            "REGISTER" => self.handle_register(connection, &request),
            "SUBSCRIBE" if self.is_for_notifier(&request) => {
                self.handle_subscribe(connection, &request);
            }
            "PUBLISH" if self.is_for_compositor(&request) => {
                self.handle_publish(connection, &request);
            }
            "OPTIONS" if self.config.manner().answers_options() && request.to_tag().is_none() => {
                self.handle_options(connection, &request);
            }
            _ if self.is_for_us(&request) => self.handle_own(connection, &request),
            _ => self.handle_proxied(connection, request),
        }
    }

    fn handle_answer(&mut self, connection: ConnectionId, answer: &Message) {
        if self.handle_notify_answer(connection, answer) {
            return;
        }
        let complete = answer.cseq().is_some() && answer.from().is_some() && answer.to().is_some();
        if !complete || answer.call_id().is_empty() {
            self.counters.malformed += 1;
            return;
        }
        self.handle_relayed_answer(connection, answer);
    }

    /// A SUBSCRIBE is for the notifier if it is in a dialog with it, or goes to an
    /// address-of-record rather than to a device of it.
    fn is_for_notifier(&self, request: &Message) -> bool {
        if self.is_subscribed(request) {
            return true;
        }
        let routed = request.values(Name::Route).next().is_some_and(|route| {
            NameAddr::parse(route)
                .and_then(|route| Uri::parse(route.uri))
                .is_some_and(|uri| uri.user.is_some())
        });
        let to_user = |uri: Uri<'_>| {
            let user = register::unescape(uri.user.unwrap_or_default());
            let known = self.login(&user).is_some();
            known && self.config.serves(uri.host) && !uri.params.has("gr")
        };
        !routed && Uri::parse(request.request_uri()).is_some_and(to_user)
    }

    /// Whether the Request-URI names the registrar itself.
    fn is_for_us(&self, request: &Message) -> bool {
        let routed = request.values(Name::Route).next().is_some();
        Uri::parse(request.request_uri()).is_some_and(|uri| {
            let nobody = uri.user.is_none_or(str::is_empty);
            !routed && (uri.host == HOST || nobody && self.config.serves(uri.host))
        })
    }

    /// Brings the clock to `now` and does what was due until then.
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        let now = self.now;
        let expired = self.store.take(|entry| entry.until <= now);
        self.publish_gone(expired, Cause::Expired);
        let not_back = self.store.take(|entry| entry.deadline() <= now);
        self.publish_gone(not_back, Cause::Deactivated);
        self.expire_publications();
        self.expire_subscriptions();
        self.expire_notifies();
        self.expire_relays();
        self.close_sent_away();
        self.accounts.sweep_calls(now);
        self.tell_account_news();
    }

    fn drop_connection(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
        self.closing.remove(&connection);
        self.subscriptions
            .retain(|one| one.connection != connection);
        self.notifies.retain(|one| one.connection() != connection);
        self.lose_relays(connection);
        let drops = self.config.manner().drops_on_close();
        let calls = &self.calls;
        let holds = self.config.manner() == Dialect::Rfc3261;
        let comes_back = |entry: &Entry| holds && entry.persists && calls.involve(entry.id);
        let gone = self
            .store
            .take(|entry| entry.source == connection && drops && !comes_back(entry));
        let held_until = drops.then(|| self.now + CALL_GRACE);
        self.store.update(|entry| {
            if entry.flow == Some(connection) {
                entry.flow = None;
                entry.held_until = held_until;
            }
        });
        self.publish_gone(gone, Cause::Deactivated);
    }

    /// Tells of bindings that went, user by user.
    fn publish_gone(&mut self, gone: Vec<Entry>, cause: Cause) {
        let mut by_user: BTreeMap<String, Vec<Change>> = BTreeMap::new();
        for entry in gone {
            let changes = by_user.entry(entry.user.clone()).or_default();
            changes.push(Change::new(entry, cause));
        }
        for (user, changes) in by_user {
            self.publish(&user, &changes);
        }
    }

    fn close(&mut self, connection: ConnectionId, code: u16, reason: &'static str) {
        self.outputs.push_back(Output::Close {
            connection,
            code,
            reason,
        });
        self.drop_connection(connection);
    }

    /// Sends a message of our own making.
    fn send_written(&mut self, connection: ConnectionId, written: Result<Vec<u8>, WriteError>) {
        match written {
            Ok(data) => self.send(connection, data),
            Err(error) => self.log(Level::Warn, format!("an answer was not sent: {error}")),
        }
    }

    fn send(&mut self, connection: ConnectionId, data: Vec<u8>) {
        if self.config.faults.silent || !self.connections.contains(&connection) {
            return;
        }
        self.counters.sent += 1;
        self.trace(Direction::Sent, connection, &data);
        self.push_send(connection, data);
    }

    fn push_send(&mut self, connection: ConnectionId, data: Vec<u8>) {
        self.outputs.push_back(Output::Send { connection, data });
    }

    fn trace(&mut self, direction: Direction, connection: ConnectionId, data: &[u8]) {
        let message = redact(data);
        self.outputs.push_back(Output::Trace {
            direction,
            connection,
            message,
        });
    }

    fn log(&mut self, level: Level, message: String) {
        self.outputs.push_back(Output::Log { level, message });
    }
}
