//! The boundary of the phone: plain objects in, plain objects out. It never
//! calls JavaScript; the host in `js/host.js` drives sockets and timers and
//! drains [`Core::poll`] after every call. The bridge is not API.

use super::object::{Build, Reader, array_of_pairs};
use crate::phone::{Config, Event, Fault, Output, Phone, Registered};
use crate::pool::{Distribution, Watch};
use crate::prelude::*;
use crate::registration::{ConflictScope, Holder, Profile, RegistrationType};
use crate::text::concat;
use crate::time::{Duration, Instant};
use crate::transaction::Credentials;
use core::cell::RefCell;
use wasm_bindgen::prelude::*;

/// One phone.
#[wasm_bindgen]
pub struct Core {
    pub(super) phone: RefCell<Phone>,
}

#[wasm_bindgen]
impl Core {
    /// A phone that opens nothing. Throws `{ code: "eInvalidArgument", option,
    /// message }`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, seed: &[u8]) -> Result<Core, JsValue> {
        let config = config(options);
        let seed: [u8; 32] = seed
            .try_into()
            .map_err(|_| JsValue::from_str("seed of 32 bytes"))?;
        match Phone::new(config, seed) {
            Ok(phone) => Ok(Core {
                phone: RefCell::new(phone),
            }),
            Err(error) => Err(Build::new()
                .text("code", "eInvalidArgument")
                .text("option", error.option)
                .text("message", &concat(&[error.option, ": ", error.problem]))
                .done()),
        }
    }

    /// `registerPhone`.
    pub fn register(&self, now: f64, attempt: u32, force: bool) {
        self.phone.borrow_mut().register(at(now), attempt, force);
    }

    /// `unregisterPhone`.
    pub fn unregister(&self, now: f64) {
        self.phone.borrow_mut().unregister(at(now));
    }

    /// Gives the pending login up.
    pub fn abort(&self, now: f64) {
        self.phone.borrow_mut().abort(at(now));
    }

    /// `close`.
    pub fn close(&self, now: f64) {
        self.phone.borrow_mut().close(at(now));
    }

    /// `pagehide`.
    pub fn leave(&self, now: f64) {
        self.phone.borrow_mut().leave(at(now));
    }

    /// `pageshow` of a page from the back-forward cache.
    pub fn resume(&self, now: f64) {
        self.phone.borrow_mut().resume(at(now));
    }

    /// Woken up, online, visible.
    pub fn look(&self, now: f64) {
        self.phone.borrow_mut().look(at(now));
    }

    /// Another tab took over.
    pub fn silence(&self, now: f64) {
        self.phone.borrow_mut().silence(at(now));
    }

    /// A contact that is no rival.
    #[wasm_bindgen(js_name = ignoreBinding)]
    pub fn ignore_binding(&self, contact: &str) {
        self.phone.borrow_mut().ignore_binding(contact.to_owned());
    }

    /// The answer to a `credentials` event: `{ username?, password }`,
    /// `{ token }` or null.
    pub fn credentials(&self, now: f64, id: u32, answer: &JsValue) {
        let answer = Reader(answer);
        let token = answer.text("token").map(Credentials::Token);
        let password = answer
            .text("password")
            .map(|password| Credentials::Password {
                username: answer.text("username"),
                password,
            });
        self.phone
            .borrow_mut()
            .credentials(at(now), id, token.or(password));
    }

    /// The socket is open.
    #[wasm_bindgen(js_name = socketOpened)]
    pub fn socket_opened(&self, now: f64, slot: u32, generation: u32, protocol: &str) {
        self.phone
            .borrow_mut()
            .handle_open(at(now), slot, generation, protocol);
    }

    /// One WebSocket message: text or bytes.
    #[wasm_bindgen(js_name = socketMessage)]
    pub fn socket_message(&self, now: f64, slot: u32, generation: u32, data: &JsValue) {
        let data = super::object::bytes(data);
        self.phone
            .borrow_mut()
            .handle_message(at(now), slot, generation, &data);
    }

    /// The socket is closed, or did not open.
    #[wasm_bindgen(js_name = socketClosed)]
    pub fn socket_closed(&self, now: f64, slot: u32, generation: u32) {
        self.phone
            .borrow_mut()
            .handle_close(at(now), slot, generation);
    }

    /// The timer is due.
    pub fn wake(&self, now: f64) {
        self.phone.borrow_mut().handle_timeout(at(now));
    }

    /// When to wake, in host milliseconds.
    pub fn deadline(&self) -> Option<f64> {
        self.phone
            .borrow()
            .poll_timeout()
            .map(|at| at.millis() as f64)
    }

    /// The next thing for the host to do.
    pub fn poll(&self) -> JsValue {
        let output = self.phone.borrow_mut().poll_output();
        output.map_or(JsValue::UNDEFINED, |output| self.output(output))
    }

    fn output(&self, output: Output) -> JsValue {
        let socket = |kind, slot, generation| {
            Build::of(kind)
                .number("slot", slot)
                .number("generation", generation)
        };
        match output {
            Output::Open {
                slot,
                generation,
                url,
            } => socket("open", slot, generation).text("url", &url).done(),
            Output::Send {
                slot,
                generation,
                data,
            } => socket("send", slot, generation).data("data", &data).done(),
            Output::CloseSocket { slot, generation } => {
                socket("closeSocket", slot, generation).done()
            }
            Output::Store(value) => Build::of("store").text("value", &value).done(),
            Output::Log { level, message } => Build::of("log")
                .text("level", level.as_str())
                .text("message", &message)
                .done(),
            Output::Trace {
                sent,
                slot,
                message,
            } => Build::of("trace")
                .text("direction", if sent { "sent" } else { "received" })
                .number("slot", slot)
                .text("message", &message)
                .done(),
            Output::Event(event) => self.event(event),
        }
    }

    fn event(&self, event: Event) -> JsValue {
        let named = |name| Build::of("event").text("name", name);
        match event {
            Event::Status(status, registered) => named("status")
                .text("status", status.as_str())
                .value("registration", self.registration(registered))
                .done(),
            Event::Registered(attempt, registered) => named("registered")
                .number("attempt", attempt)
                .value("registration", self.registration(Some(registered)))
                .done(),
            Event::Failed(attempt, error) => {
                self.fault(named("failed").number("attempt", attempt), error)
            }
            Event::Error(error) => self.fault(named("error"), error),
            Event::Terminated { reason, by } => named("terminated")
                .text("reason", reason)
                .value("by", holder(&by))
                .done(),
            Event::Call(event) => super::calls::event(event),
            Event::Abandoned(call) => named("abandoned")
                .value("remote", super::calls::party(&call.remote))
                .text("replaces", &call.replaces)
                .done(),
            Event::Unregistered => named("unregistered").done(),
            Event::Closed => named("closed").done(),
            Event::Credentials {
                id,
                scheme,
                realm,
                authz_server,
                scope,
            } => named("credentials")
                .number("id", id)
                .text("scheme", scheme)
                .text("realm", &realm)
                .option("authzServer", authz_server.as_deref())
                .option("scope", scope.as_deref())
                .done(),
        }
    }

    fn fault(&self, event: Build, error: Fault) -> JsValue {
        let event = event
            .text("code", error.code)
            .text("message", &error.message)
            .option("reason", error.reason.as_deref());
        let event = match error.status {
            Some(status) => event.number("status", status.into()),
            None => event,
        };
        match &error.elsewhere {
            Some(elsewhere) => event
                .text("device", &self.phone.borrow().config().device)
                .value("elsewhere", holder(elsewhere))
                .done(),
            None => event.done(),
        }
    }

    fn registration(&self, registered: Option<Registered>) -> JsValue {
        let Some(registered) = registered else {
            return JsValue::NULL;
        };
        let phone = self.phone.borrow();
        let config = phone.config();
        Build::new()
            .text("user", &config.user)
            .text("domain", &config.domain)
            .text("device", &config.device)
            .text("instanceId", &config.instance_id)
            .text("mode", "SoftPhone")
            .text("connection", &registered.connection)
            .number("expires", registered.expires)
            .value("forceRegistration", registered.forced.into())
            .option(
                "profile",
                registered.profile.map(|profile| match profile {
                    Profile::Cisco => "cisco",
                    Profile::Generic => "generic",
                }),
            )
            .text(
                "conflictDetection",
                if registered.detects_conflicts {
                    "full"
                } else {
                    "none"
                },
            )
            .done()
    }
}

pub(super) fn at(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}

fn holder(holder: &Holder) -> JsValue {
    let built = Build::new()
        .option("instanceId", holder.instance_id.as_deref())
        .option("userAgent", holder.user_agent.as_deref())
        .option("contact", holder.contact.as_deref());
    match holder.since {
        Some(since) => built.value("since", (since as f64 * 1000.0).into()).done(),
        None => built.done(),
    }
}

fn config(options: &JsValue) -> Config {
    let read = Reader(options);
    let text = |name| read.text(name).unwrap_or_default();
    let timeout = read.number("timeout").map(|millis| millis as u64);
    Config {
        connections: read.texts("connections"),
        watch: match text("watch").as_str() {
            "inUse" => Watch::InUse,
            _ => Watch::All,
        },
        distribution: match text("distribution").as_str() {
            "priority" => Distribution::Priority,
            _ => Distribution::RoundRobin,
        },
        heartbeat: read
            .number("heartbeat")
            .map_or(Config::HEARTBEAT, |seconds| {
                Duration::from_secs(seconds as u64)
            }),
        user: text("user"),
        domain: text("domain"),
        auth_user: read.text("authUser"),
        password: read.text("password"),
        ha1: read.text("ha1"),
        has_credentials: read.flag("hasCredentials"),
        loopback: read.flag("loopback"),
        device: read.text("device").unwrap_or_else(|| text("user")),
        instance_id: text("instanceId"),
        display_name: read.text("displayName"),
        profile: match text("profile").as_str() {
            "cisco" => Some(Profile::Cisco),
            "generic" => Some(Profile::Generic),
            _ => None,
        },
        conflict_scope: match text("conflictScope").as_str() {
            "user" => ConflictScope::User,
            _ => ConflictScope::Device,
        },
        registration_type: match text("registrationType").as_str() {
            "duplicate" => RegistrationType::Duplicate,
            "normal" => RegistrationType::Normal,
            _ => RegistrationType::Graceful,
        },
        expires: read.number("expires").map(|seconds| seconds as u32),
        timeout: timeout.map_or(Config::TIMEOUT, Duration::from_millis),
        user_agent: read
            .text("userAgent")
            .unwrap_or_else(|| Config::USER_AGENT.to_owned()),
        extra_headers: array_of_pairs(&read.get("extraHeaders")),
        force_may_remove_others: read.flag("forceMayRemoveOthers"),
        refuse_md5: read.flag("refuseMd5"),
        trace: read.flag("trace"),
        memory: read.text("memory"),
    }
}
