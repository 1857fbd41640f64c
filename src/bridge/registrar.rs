//! The boundary of the test registrar: plain objects in, plain objects out. Its
//! host is JavaScript in Node, with the sockets of `ws`. The bridge is not API.

use super::given::{Given, invalid};
use super::object::{Build, Reader, array, array_of_pairs, bytes};
use crate::registrar::{
    CannedAnswer, Config, ConnectionId, Dialect, Direction, Event, Faults, Level, Output, Policy,
    Registrar, SharedSlot, Telling, User, Wake,
};
use crate::sip::Algorithm;
use crate::time::{Duration, Instant};
use js_sys::{Array, Object};
use std::cell::RefCell;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::*;

/// One registrar.
#[wasm_bindgen]
pub struct RegistrarCore {
    registrar: RefCell<Registrar>,
}

#[wasm_bindgen]
impl RegistrarCore {
    /// A registrar without bindings. Throws `{ option, complaint }`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, seed: &[u8], now: f64) -> Result<RegistrarCore, JsValue> {
        let config = config(Config::default(), options)?;
        let seed = seed
            .try_into()
            .map_err(|_| invalid("seed", "must be 32 bytes"))?;
        let mut registrar = Registrar::new(config, seed);
        registrar.handle_timeout(at(now));
        Ok(Self {
            registrar: RefCell::new(registrar),
        })
    }

    /// A connection was made. Numbers are never used twice.
    pub fn opened(&self, now: f64, connection: ConnectionId) {
        let mut registrar = self.registrar.borrow_mut();
        registrar.handle_opened(at(now), connection);
    }

    /// One WebSocket message: text or bytes.
    pub fn received(&self, now: f64, connection: ConnectionId, data: &JsValue) {
        let mut registrar = self.registrar.borrow_mut();
        registrar.handle_message(at(now), connection, &bytes(data));
    }

    /// A connection is gone.
    pub fn closed(&self, now: f64, connection: ConnectionId) {
        let mut registrar = self.registrar.borrow_mut();
        registrar.handle_closed(at(now), connection);
    }

    /// The timer is due.
    pub fn wake(&self, now: f64) {
        self.registrar.borrow_mut().handle_timeout(at(now));
    }

    /// When to wake, in host milliseconds.
    pub fn deadline(&self) -> Option<f64> {
        let deadline = self.registrar.borrow().poll_timeout();
        deadline.map(|at| at.millis() as f64)
    }

    /// The next thing for the host to do.
    pub fn poll(&self) -> JsValue {
        let next = self.registrar.borrow_mut().poll_output();
        next.map_or(JsValue::UNDEFINED, output)
    }

    /// The live bindings of a user: `[{ device, instanceId?, contact, userAgent,
    /// expires, since }]`.
    pub fn bindings(&self, now: f64, user: &str) -> Array {
        let bindings = self.registrar.borrow().bindings_at(at(now), user);
        let object = |binding: &crate::registrar::Binding| {
            Build::new()
                .text("device", &binding.device)
                .option("instanceId", binding.instance_id.as_deref())
                .text("contact", &binding.contact)
                .text("userAgent", &binding.user_agent)
                .value("expires", (binding.expires as f64).into())
                .value("since", (binding.since as f64).into())
                .done()
        };
        bindings.iter().map(object).collect()
    }

    /// Asks, or changes, a fact about a user. `args` and the reply are JSON: `{"ok":…}`
    /// or `{"refused":CODE,…}`.
    pub fn account(&self, now: f64, verb: &str, user: &str, args: &str) -> String {
        let mut registrar = self.registrar.borrow_mut();
        registrar.account(at(now), user, verb, args)
    }

    /// Changes the options that are given, and keeps the others. Another policy
    /// or dialect clears the bindings. Throws as the constructor does.
    pub fn configure(&self, now: f64, options: &JsValue) -> Result<(), JsValue> {
        let mut registrar = self.registrar.borrow_mut();
        let config = config(registrar.config().clone(), options)?;
        registrar.configure(at(now), config);
        Ok(())
    }

    /// Loses all state but the connections, as after a restart.
    pub fn forget(&self, now: f64) {
        let mut registrar = self.registrar.borrow_mut();
        registrar.handle_timeout(at(now));
        registrar.forget();
    }

    /// What was counted: `{ received, malformed, strays, sent }`.
    pub fn counters(&self) -> JsValue {
        let counters = self.registrar.borrow().counters();
        Build::new()
            .value("received", (counters.received as f64).into())
            .value("malformed", (counters.malformed as f64).into())
            .value("strays", (counters.strays as f64).into())
            .value("sent", (counters.sent as f64).into())
            .done()
    }
}

fn at(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}

fn output(output: Output) -> JsValue {
    match output {
        Output::Send { connection, data } => Build::of("send")
            .number("connection", connection)
            .data("data", &data)
            .done(),
        Output::Close {
            connection,
            code,
            reason,
        } => Build::of("close")
            .number("connection", connection)
            .number("code", code.into())
            .text("reason", reason)
            .done(),
        Output::Event(Event::BindingsChanged { user }) => Build::of("event")
            .text("name", "bindings")
            .text("user", &user)
            .done(),
        Output::Event(Event::AccountChanged { user, kind, id }) => Build::of("event")
            .text("name", "account")
            .text("user", &user)
            .text("kind", kind.as_str())
            .option("id", id.as_deref())
            .done(),
        Output::Event(Event::Wake(wake)) => told(wake),
        Output::Log { level, message } => Build::of("log")
            .text(
                "level",
                match level {
                    Level::Debug => "debug",
                    Level::Info => "info",
                    Level::Warn => "warn",
                },
            )
            .text("message", &message)
            .done(),
        Output::Trace {
            direction,
            connection,
            message,
        } => Build::of("trace")
            .text(
                "direction",
                match direction {
                    Direction::Sent => "sent",
                    Direction::Received => "received",
                },
            )
            .number("connection", connection)
            .text("message", &message)
            .done(),
    }
}

/// `{ user, devices, unheard, kind, key, from: { uri, displayName }, at, answered? }`.
fn told(
    Wake {
        user,
        devices,
        unheard,
        news,
    }: Wake,
) -> JsValue {
    let from = Build::new()
        .text("uri", &news.uri)
        .text("displayName", &news.display_name)
        .done();
    let ids = |list: Vec<String>| -> JsValue {
        let list: Array = list.iter().map(|id| JsValue::from_str(id)).collect();
        list.into()
    };
    let told = Build::of("event")
        .text("name", "wake")
        .text("user", &user)
        .value("devices", ids(devices))
        .value("unheard", ids(unheard))
        .text("kind", news.kind)
        .text("key", &news.key)
        .value("from", from)
        .value("at", (news.at as f64).into());
    match news.answered {
        Some(answered) => told.value("answered", answered.into()).done(),
        None => told.done(),
    }
}

/// `base` with the options that are given.
fn config(base: Config, options: &JsValue) -> Result<Config, JsValue> {
    let read = Given(Reader(options));
    let mut config = base;
    if let Some(policy) = read.name("policy", POLICIES)? {
        config.policy = policy;
    }
    if read.has("dialect") {
        config.dialect = read.name("dialect", DIALECTS)?;
    }
    if read.has("domain") {
        config.domain = read.0.text("domain").filter(|domain| !domain.is_empty());
    }
    if read.has("users") {
        config.users = users(&read.0.get("users"))?;
    }
    if let Some(devices) = read.name("devices", SWITCH)? {
        config.devices = devices;
    }
    if let Some(slot) = read.name("sharedSlot", SHARED_SLOT)? {
        config.shared_slot = slot;
    }
    if read.has("pushServices") {
        let names = read.0.get("pushServices");
        config.pns = array(&names).filter_map(|name| name.as_string()).collect();
    }
    if read.has("starCode") {
        config.star_code = read.0.text("starCode").filter(|code| !code.is_empty());
    }
    if read.has("tellOusted") {
        let names = read.names("tellOusted", TELLINGS)?;
        config.tell_ousted = names;
    }
    if let Some(algorithms) = read.names("algorithms", ALGORITHMS)? {
        config.algorithms = algorithms;
    }
    if read.has("authzServer") {
        config.authz_server = read.0.text("authzServer");
    }
    if config.algorithms.is_empty() && config.authz_server.is_none() {
        return Err(invalid(
            "algorithms",
            "must not be empty without authzServer",
        ));
    }
    if read.has("regEvent") {
        config.reg_event = read.0.get("regEvent").as_bool();
    }
    if read.has("removeExisting") {
        config.remove_existing = read.0.flag("removeExisting");
    }
    if read.has("outbound") {
        config.outbound = read.0.flag("outbound");
    }
    if read.has("nextNonce") {
        config.next_nonce = read.0.flag("nextNonce");
    }
    if read.has("maxContacts") {
        config.max_contacts = read.count("maxContacts")?.map(|count| count as usize);
    }
    if let Some(seconds) = read.count("nonceLifetime")? {
        config.nonce_lifetime = Some(Duration::from_secs(seconds.into()));
    }
    if let Some(seconds) = read.count("minExpires")? {
        config.min_expires = seconds;
    }
    if read.has("maxExpires") {
        config.max_expires = read.count("maxExpires")?;
    }
    if let Some(seconds) = read.count("defaultExpires")? {
        config.default_expires = seconds;
    }
    if read.has("forceLimit") {
        config.force_limit = read.count("forceLimit")?;
    }
    if read.has("faults") {
        config.faults = faults(&read.0.get("faults"))?;
    }
    Ok(config)
}

const POLICIES: &[(&str, Policy)] = &[
    ("graceful", Policy::Graceful),
    ("duplicate", Policy::Duplicate),
    ("normal", Policy::Normal),
];

const SWITCH: &[(&str, bool)] = &[("on", true), ("off", false)];

const SHARED_SLOT: &[(&str, SharedSlot)] =
    &[("ask", SharedSlot::Ask), ("override", SharedSlot::Override)];

const DIALECTS: &[(&str, Dialect)] = &[
    ("rfc3261", Dialect::Rfc3261),
    ("kamailio", Dialect::Kamailio),
    ("asterisk", Dialect::Asterisk),
    ("opensips", Dialect::Opensips),
    ("freeswitch", Dialect::Freeswitch),
    ("freeswitch-multi", Dialect::FreeswitchMulti),
];

const TELLINGS: &[(&str, Telling)] = &[
    ("service-control", Telling::ServiceControl),
    ("reg-event", Telling::RegEvent),
    ("close", Telling::Close),
    ("refresh", Telling::Refresh),
];

const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("MD5", Algorithm::Md5),
    ("SHA-256", Algorithm::Sha256),
    ("SHA-512-256", Algorithm::Sha512_256),
];

fn users(value: &JsValue) -> Result<BTreeMap<String, User>, JsValue> {
    let object = value
        .dyn_ref::<Object>()
        .ok_or_else(|| invalid("users", "must be an object of name: { password }"))?;
    let mut users = BTreeMap::new();
    for entry in Object::entries(object) {
        let mut parts = array(&entry);
        let name = parts.next().and_then(|name| name.as_string());
        let given = parts.next().unwrap_or(JsValue::UNDEFINED);
        let details = Reader(&given);
        let (Some(name), Some(password)) = (name, details.text("password")) else {
            return Err(invalid("users", "needs a password for every user"));
        };
        let user = User {
            password,
            auth_user: details.text("authUser"),
            token: details.text("token"),
            devices: Given(Reader(&given)).name("devices", SWITCH)?,
            unique: Given(Reader(&given)).name("unique", SWITCH)?,
            shared_slot: Given(Reader(&given)).name("sharedSlot", SHARED_SLOT)?,
        };
        users.insert(name, user);
    }
    Ok(users)
}

fn faults(value: &JsValue) -> Result<Faults, JsValue> {
    let read = Given(Reader(value));
    let canned = |answer: JsValue| {
        let read = Reader(&answer);
        let status = read.number("status").unwrap_or_default() as u16;
        if !(100..=699).contains(&status) {
            return Err(invalid("faults", "answerRegister needs a status 100–699"));
        }
        Ok(CannedAnswer {
            status,
            reason: read.text("reason").unwrap_or_default(),
            headers: headers(&read.get("headers")),
        })
    };
    Ok(Faults {
        drop_requests: read.count("dropRequests")?.unwrap_or_default(),
        drop_answers: read.count("dropAnswers")?.unwrap_or_default(),
        answer_register: array(&read.0.get("answerRegister"))
            .map(canned)
            .collect::<Result<_, _>>()?,
        silent: read.0.flag("silent"),
    })
}

/// `{ name: value }` or `[[name, value], …]`.
fn headers(value: &JsValue) -> Vec<(String, String)> {
    match value.dyn_ref::<Object>() {
        Some(object) if !Array::is_array(value) => array_of_pairs(&Object::entries(object)),
        _ => array_of_pairs(value),
    }
}
