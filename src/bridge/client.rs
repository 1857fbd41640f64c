//! The boundary of the phone: one text in for a command, one out for what is to
//! be done. It never calls JavaScript; the host in `js/core/host.js` drives sockets and
//! timers and drains [`Core::poll`] after every call. Names and forms are those
//! of `js/core/core.js`. The bridge is not API.

use super::json::Json;
use super::record::Record;
use crate::hash::sha256;
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
    phone: RefCell<Phone>,
}

#[wasm_bindgen]
impl Core {
    /// A phone that opens nothing. `options` are names and values; `seed` is at
    /// least 32 bytes from the platform's cryptographic generator.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &[u8], seed: &[u8]) -> Core {
        let options = Record::of(options);
        let mut phone = Phone::with_checked(config(options), sha256(seed));
        for contact in options.all("ignoreBindings") {
            phone.ignore_binding(contact.to_owned());
        }
        Core {
            phone: RefCell::new(phone),
        }
    }

    /// A command of the app or of the host: its name, then what it takes.
    pub fn command(&self, now: f64, command: &[u8]) {
        let now = at(now);
        let mut fields = Record::of(command);
        let mut phone = self.phone.borrow_mut();
        match fields.text() {
            // attempt, force
            "register" => phone.register(now, fields.number(), fields.flag()),
            "unregister" => phone.unregister(now),
            // The pending login is given up.
            "abort" => phone.abort(now),
            "close" => phone.close(now),
            // pagehide, and pageshow from the back-forward cache
            "leave" => phone.leave(now),
            "resume" => phone.resume(now),
            // Woken up, online, visible.
            "look" => phone.look(now),
            // Another tab took over.
            "silence" => phone.silence(now),
            // id, then { username?, password } or { token } or nothing
            "credentials" => {
                let id = fields.number();
                let token = fields.get_owned("token").map(Credentials::Token);
                let password = fields.get_owned("password");
                let password = password.map(|password| Credentials::Password {
                    username: fields.get_owned("username"),
                    password,
                });
                phone.credentials(now, id, token.or(password));
            }
            // slot, generation, protocol
            "socketOpened" => {
                phone.handle_open(now, fields.number(), fields.number(), fields.text());
            }
            // slot, generation
            "socketClosed" => phone.handle_close(now, fields.number(), fields.number()),
            "wake" => phone.handle_timeout(now),
            name => phone.with_calls(now, |calls| {
                super::calls::command(calls, now, name, fields);
            }),
        }
    }

    /// One WebSocket message.
    #[wasm_bindgen(js_name = socketMessage)]
    pub fn socket_message(&self, now: f64, slot: u32, generation: u32, data: &[u8]) {
        self.phone
            .borrow_mut()
            .handle_message(at(now), slot, generation, data);
    }

    /// When to wake, in host milliseconds; Infinity if never.
    pub fn deadline(&self) -> f64 {
        let deadline = self.phone.borrow().poll_timeout();
        deadline.map_or(f64::INFINITY, |at| at.millis() as f64)
    }

    /// What the host has to do, in this order, as a JSON list; nothing if there is
    /// nothing.
    pub fn poll(&self) -> Option<String> {
        let mut phone = self.phone.borrow_mut();
        let mut output = Some(phone.poll_output()?);
        let mut json = Json::new();
        json.raw("", "[");
        while let Some(next) = output {
            json.raw("", "{");
            write(&mut json, next, phone.config());
            json.close('}');
            output = phone.poll_output();
        }
        json.close(']');
        Some(json.done())
    }
}

fn write(json: &mut Json, output: Output, config: &Config) {
    match output {
        Output::Open {
            slot,
            generation,
            url,
        } => {
            json.text("type", "open");
            socket(json, slot, generation).text("url", &url);
        }
        Output::Send {
            slot,
            generation,
            data,
        } => {
            json.text("type", "send");
            // All that a phone writes is text.
            let text = str::from_utf8(&data).unwrap_or_default();
            socket(json, slot, generation).text("data", text);
        }
        Output::CloseSocket { slot, generation } => {
            json.text("type", "closeSocket");
            socket(json, slot, generation);
        }
        Output::Store(value) => {
            json.text("type", "store");
            json.text("value", &value);
        }
        Output::Log { level, message } => {
            json.text("type", "log");
            json.text("level", level.as_str()).text("message", &message);
        }
        Output::Trace {
            sent,
            slot,
            message,
        } => {
            json.text("type", "trace");
            json.text("direction", if sent { "sent" } else { "received" })
                .number("slot", slot.into())
                .text("message", &message);
        }
        Output::Event(event) => {
            json.text("type", "event");
            write_event(json, event, config);
        }
    }
}

fn socket(json: &mut Json, slot: u32, generation: u32) -> &mut Json {
    json.number("slot", slot.into())
        .number("generation", generation.into())
}

fn write_event(json: &mut Json, event: Event, config: &Config) {
    match event {
        Event::Status(status, registered) => {
            json.text("name", "status");
            json.text("status", status.as_str());
            match registered {
                Some(registered) => registration(json, &registered, config),
                None => _ = json.raw("registration", "null"),
            }
        }
        Event::Registered(attempt, registered) => {
            json.text("name", "registered");
            json.number("attempt", attempt.into());
            registration(json, &registered, config);
        }
        Event::Failed(attempt, error) => {
            json.text("name", "failed");
            json.number("attempt", attempt.into());
            fault(json, &error, config);
        }
        Event::Error(error) => {
            json.text("name", "error");
            fault(json, &error, config);
        }
        Event::Terminated { reason, by } => {
            json.text("name", "terminated");
            json.text("reason", reason);
            holder(json, "by", &by);
        }
        Event::Call(event) => super::calls::write(json, event),
        Event::Abandoned(call) => {
            json.text("name", "abandoned");
            super::calls::party(json, "remote", &call.remote);
            json.text("replaces", &call.replaces);
        }
        Event::Unregistered => _ = json.text("name", "unregistered"),
        Event::Closed => _ = json.text("name", "closed"),
        Event::Credentials {
            id,
            scheme,
            realm,
            authz_server,
            scope,
        } => {
            json.text("name", "credentials");
            json.number("id", id.into())
                .text("scheme", scheme)
                .text("realm", &realm)
                .option("authzServer", authz_server.as_deref())
                .option("scope", scope.as_deref());
        }
    }
}

fn fault(json: &mut Json, error: &Fault, config: &Config) {
    json.text("code", error.code)
        .text("message", &error.message)
        .option("reason", error.reason.as_deref());
    super::calls::status(json, error.status);
    if let Some(elsewhere) = &error.elsewhere {
        json.text("device", &config.device);
        holder(json, "elsewhere", elsewhere);
    }
}

fn registration(json: &mut Json, registered: &Registered, config: &Config) {
    let profile = registered.profile.map(|profile| match profile {
        Profile::Cisco => "cisco",
        Profile::Generic => "generic",
    });
    let detection = match registered.detects_conflicts {
        true => "full",
        false => "none",
    };
    json.raw("registration", "{")
        .text("user", &config.user)
        .text("domain", &config.domain)
        .text("device", &config.device)
        .text("instanceId", &config.instance_id)
        .text("mode", "SoftPhone")
        .text("connection", &registered.connection)
        .number("expires", registered.expires.into())
        .flag("forceRegistration", registered.forced)
        .option("profile", profile)
        .text("conflictDetection", detection)
        .close('}');
}

fn at(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}

fn holder(json: &mut Json, name: &str, holder: &Holder) {
    json.raw(name, "{")
        .option("instanceId", holder.instance_id.as_deref())
        .option("userAgent", holder.user_agent.as_deref())
        .option("contact", holder.contact.as_deref());
    if let Some(since) = holder.since {
        json.number("since", since.saturating_mul(1000));
    }
    json.close('}');
}

fn config(options: Record<'_>) -> Config {
    let text = |name| options.get_owned(name).unwrap_or_default();
    let option = |name| options.get_owned(name);
    let is = |name, value| options.get(name) == Some(value);
    Config {
        connections: options.all("connections").map(str::to_owned).collect(),
        watch: match is("watch", "inUse") {
            true => Watch::InUse,
            false => Watch::All,
        },
        distribution: match is("distribution", "priority") {
            true => Distribution::Priority,
            false => Distribution::RoundRobin,
        },
        heartbeat: options
            .get_number("heartbeat")
            .map_or(Config::HEARTBEAT, Duration::from_secs),
        user: text("user"),
        domain: text("domain"),
        auth_user: option("authUser"),
        password: option("password"),
        ha1: option("ha1"),
        has_credentials: options.has("hasCredentials"),
        loopback: options.has("loopback"),
        device: text("device"),
        instance_id: text("instanceId"),
        display_name: option("displayName"),
        profile: match options.get("profile") {
            Some("cisco") => Some(Profile::Cisco),
            Some("generic") => Some(Profile::Generic),
            _ => None,
        },
        conflict_scope: match is("conflictScope", "user") {
            true => ConflictScope::User,
            false => ConflictScope::Device,
        },
        registration_type: match options.get("registrationType") {
            Some("duplicate") => RegistrationType::Duplicate,
            Some("normal") => RegistrationType::Normal,
            _ => RegistrationType::Graceful,
        },
        expires: options.get_number("expires").map(|seconds| seconds as u32),
        timeout: options
            .get_number("timeout")
            .map_or(Config::TIMEOUT, Duration::from_millis),
        user_agent: option("userAgent").unwrap_or_else(|| match options.get("platform") {
            Some(platform) => concat(&[Config::USER_AGENT, " (", platform, ")"]),
            None => Config::USER_AGENT.to_owned(),
        }),
        extra_headers: options.headers(),
        force_may_remove_others: options.has("forceMayRemoveOthers"),
        refuse_md5: options.has("refuseMd5"),
        trust_asserted_identity: match options.get("trustAssertedIdentity") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        },
        trace: options.has("trace"),
        memory: option("memory"),
    }
}
