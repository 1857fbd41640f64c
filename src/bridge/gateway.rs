//! The boundary of the CTI gateway: plain objects in, plain objects out. Its host is
//! JavaScript in Node (`server/gateway`). The bridge is not API.

use super::given::{Given, invalid};
use super::object::{Build, Reader, array, bytes};
use super::record::Record;
use crate::gateway::{
    Answer, Appearance, CallState, CallView, Config, Device, DeviceView, Event, Gateway,
    LinkMessage, LinkRequest, Member, NodeId, Output, RULES, Remote, Rule, WhenDown, fits,
};
use crate::prelude::*;
use crate::time::{Duration, Instant};
use alloc::collections::BTreeMap;
use core::cell::RefCell;
use js_sys::Object;
use wasm_bindgen::prelude::*;

/// One gateway.
#[wasm_bindgen]
pub struct GatewayCore {
    gateway: RefCell<Gateway>,
}

#[wasm_bindgen]
impl GatewayCore {
    /// A gateway that does nothing yet: `login` is the record that a phone is made of.
    /// Throws `{ option, complaint }`.
    #[wasm_bindgen(constructor)]
    pub fn new(login: &[u8], options: &JsValue, seed: &[u8]) -> Result<GatewayCore, JsValue> {
        let config = config(login, options)?;
        let seed = seed
            .try_into()
            .map_err(|_| invalid("seed", "must be 32 bytes"))?;
        let gateway =
            Gateway::new(config, seed).map_err(|error| invalid(error.option, error.problem))?;
        Ok(Self {
            gateway: RefCell::new(gateway),
        })
    }

    /// Connects to all that there is.
    pub fn start(&self, now: f64) {
        self.gateway.borrow_mut().start(at(now));
    }

    /// Answered by the event `stopped`.
    pub fn stop(&self, now: f64) {
        self.gateway.borrow_mut().stop(at(now));
    }

    /// A socket to the SIP server is open.
    #[wasm_bindgen(js_name = socketOpened)]
    pub fn socket_opened(&self, now: f64, slot: u32, generation: u32, protocol: &str) {
        let mut gateway = self.gateway.borrow_mut();
        gateway.handle_open(at(now), slot, generation, protocol);
    }

    /// One WebSocket message: text or bytes.
    #[wasm_bindgen(js_name = socketMessage)]
    pub fn socket_message(&self, now: f64, slot: u32, generation: u32, data: &JsValue) {
        let mut gateway = self.gateway.borrow_mut();
        gateway.handle_message(at(now), slot, generation, &bytes(data));
    }

    /// It is closed.
    #[wasm_bindgen(js_name = socketClosed)]
    pub fn socket_closed(&self, now: f64, slot: u32, generation: u32) {
        let mut gateway = self.gateway.borrow_mut();
        gateway.handle_close(at(now), slot, generation);
    }

    /// The switch says something, as `docs/cti-link.md` has it.
    pub fn link(&self, now: f64, node: u32, epoch: u32, message: &JsValue) {
        let id = id(node, epoch);
        let mut gateway = self.gateway.borrow_mut();
        match link_message(message) {
            Some(message) => gateway.handle_link(at(now), id, message),
            None => gateway.handle_nonsense(at(now), id),
        }
    }

    /// A connection to the switch is gone.
    #[wasm_bindgen(js_name = linkClosed)]
    pub fn link_closed(&self, now: f64, node: u32, epoch: u32, reason: &str) {
        let mut gateway = self.gateway.borrow_mut();
        gateway.handle_link_closed(at(now), id(node, epoch), reason);
    }

    /// The timer is due.
    pub fn wake(&self, now: f64) {
        self.gateway.borrow_mut().handle_timeout(at(now));
    }

    /// When to wake, in host milliseconds.
    pub fn deadline(&self) -> Option<f64> {
        let deadline = self.gateway.borrow().poll_timeout();
        deadline.map(|at| at.millis() as f64)
    }

    /// The next thing for the host to do.
    pub fn poll(&self) -> JsValue {
        let next = self.gateway.borrow_mut().poll_output();
        next.map_or(JsValue::UNDEFINED, output)
    }

    /// `[{ state, sessions }]`, in the order of the list.
    pub fn connections(&self) -> js_sys::Array {
        let connections = self.gateway.borrow().connections();
        let object = |one: &crate::gateway::Connection| {
            Build::new()
                .text("state", one.state)
                .number("sessions", one.sessions as u32)
                .done()
        };
        connections.iter().map(object).collect()
    }

    /// What was counted since the start.
    pub fn counters(&self) -> JsValue {
        let counters = self.gateway.borrow().counters();
        let all = [
            ("opened", counters.opened),
            ("refused", counters.refused),
            ("requests", counters.requests),
            ("returned", counters.returned),
            ("failed", counters.failed),
            ("events", counters.events),
            ("nonsense", counters.nonsense),
        ];
        let add =
            |built: Build, (name, count): (&str, u64)| built.value(name, (count as f64).into());
        all.into_iter().fold(Build::new(), add).done()
    }
}

fn at(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}

fn id(node: u32, epoch: u32) -> NodeId {
    let node = node as usize;
    NodeId { node, epoch }
}

fn output(output: Output) -> JsValue {
    let socket = |kind, slot: u32, generation: u32| {
        let built = Build::of(kind);
        built.number("slot", slot).number("generation", generation)
    };
    let of_node = |name, id: NodeId| {
        let built = Build::of("event").text("name", name);
        built
            .number("node", id.node as u32)
            .number("epoch", id.epoch)
    };
    match output {
        Output::Open {
            slot,
            generation,
            url,
        } => socket("open", slot, generation).text("url", &url),
        Output::Send {
            slot,
            generation,
            data,
        } => socket("send", slot, generation).data("data", &data),
        Output::CloseSocket { slot, generation } => socket("closeSocket", slot, generation),
        Output::Connect(id) => of_node("connect", id),
        Output::Disconnect(id) => of_node("disconnect", id),
        Output::Link(id, request) => of_node("link", id).value("request", link_request(request)),
        Output::Event(event) => told(event),
        Output::Log { level, message } => Build::of("log")
            .text("level", level.as_str())
            .text("message", &message),
        Output::Trace {
            sent,
            slot,
            message,
        } => Build::of("trace")
            .value("sent", sent.into())
            .number("slot", slot)
            .text("message", &message),
    }
    .done()
}

fn told(event: Event) -> Build {
    let named = |name| Build::of("event").text("name", name);
    match event {
        Event::Registered { connection } => named("registered").text("connection", &connection),
        Event::NotRegistered(fault) => {
            let built = named("notRegistered")
                .number("at", fault.at as u32)
                .option("reason", fault.said.as_deref());
            match fault.status {
                Some(status) => built.number("status", status.into()),
                None => built,
            }
        }
        Event::Node { node, down } => named("node")
            .number("node", node as u32)
            .option("down", down.as_deref()),
        Event::SessionOpened {
            session,
            user,
            line,
            device,
            node,
        } => named("sessionOpened")
            .number("session", session)
            .text("user", &user)
            .text("line", &line)
            .text("device", &device)
            .number("node", node as u32),
        Event::SessionRefused { status, user } => named("sessionRefused")
            .number("status", status.into())
            .text("user", &user),
        Event::SessionClosed { session, reason } => named("sessionClosed")
            .number("session", session)
            .text("reason", reason),
        Event::Stopped => named("stopped"),
    }
}

fn link_request(request: LinkRequest) -> JsValue {
    let mut built = Build::new()
        .number("id", request.id)
        .text("service", request.service);
    if let Some(at) = &request.at {
        built = built.text("line", &at.line).text("device", &at.device);
    }
    for (name, member) in &request.members {
        built = match member {
            Member::Text(text) => built.text(name, text),
            Member::Flag(flag) => built.value(name, (*flag).into()),
            Member::Number(number) => built.number(name, *number),
        };
    }
    built.done()
}

/// `None`: it is no message of the link.
fn link_message(value: &JsValue) -> Option<LinkMessage> {
    let read = Reader(value);
    if let Some(version) = read.number("hello") {
        return Some(LinkMessage::Hello {
            version: version as u32,
            name: read.text("name").unwrap_or_default(),
            features: texts(&read.get("features")),
        });
    }
    if let Some(id) = read.number("id") {
        let result = match read.text("error") {
            Some(error) => Err(error),
            None => Ok(answer(&read.get("result"))?),
        };
        let id = id as u32;
        return Some(LinkMessage::Answer { id, result });
    }
    let call = read.get("call");
    if call.is_object() {
        return Some(LinkMessage::Call(appearance(&call)?, call_view(&call)?));
    }
    let device = read.get("device");
    Some(LinkMessage::Device(
        appearance(&device)?,
        device_view(&device)?,
    ))
}

fn answer(value: &JsValue) -> Option<Answer> {
    let read = Reader(value);
    let (device, calls) = (read.get("device"), read.get("calls"));
    let device = match device.is_object() {
        true => Some(device_view(&device)?),
        false => None,
    };
    let calls = array(&calls).map(|call| call_view(&call));
    Some(Answer {
        call: read.text("call"),
        device,
        calls: calls.collect::<Option<_>>()?,
    })
}

fn appearance(value: &JsValue) -> Option<Appearance> {
    let read = Reader(value);
    Some(Appearance {
        line: read.text("line")?,
        device: read.text("device")?,
    })
}

fn call_view(value: &JsValue) -> Option<CallView> {
    let read = Reader(value);
    let state = read.text("state")?;
    let mut states = CallState::NAMES.iter();
    let (_, state) = states.find(|(name, _)| *name == state)?;
    let remote = read.get("remote");
    let remote = Reader(&remote);
    Some(CallView {
        id: read.text("id")?,
        state: *state,
        incoming: read.text("direction").as_deref() == Some("incoming"),
        remote: match remote.text("number").filter(|number| !number.is_empty()) {
            Some(number) => Remote::Number(number),
            None if remote.flag("restricted") => Remote::Restricted,
            None => Remote::NotKnown,
        },
        parties: texts(&read.get("parties")),
        cause: read.text("cause"),
        from: texts(&read.get("from")),
        by_local: read.text("by").as_deref() == Some("local"),
        to: read.text("to"),
        elsewhere: read.text("elsewhere"),
        // One that cannot be shown is none.
        name: remote.text("name").filter(|name| fits(name)),
        can: Some(read.get("can"))
            .filter(JsValue::is_object)
            .map(|can| texts(&can)),
    })
}

fn device_view(value: &JsValue) -> Option<DeviceView> {
    let read = Reader(value);
    let forwarding = read.get("forwarding");
    let rules = array(&forwarding).map(|rule| rule_of(&rule));
    let rules = rules.collect::<Option<Vec<_>>>()?;
    Some(DeviceView {
        in_service: read.get("inService").as_bool()?,
        do_not_disturb: read.get("doNotDisturb").as_bool(),
        message_waiting: read.get("messageWaiting").as_bool(),
        forwarding: forwarding.is_object().then_some(rules),
    })
}

fn rule_of(value: &JsValue) -> Option<Rule> {
    let read = Reader(value);
    let kind = read.text("type")?;
    let (_, kind) = RULES.iter().find(|(name, _)| *name == kind)?;
    Some(Rule {
        kind: *kind,
        active: read.get("active").as_bool()?,
        to: read.text("to"),
        seconds: read.number("seconds").map(|seconds| seconds as u32),
    })
}

fn texts(value: &JsValue) -> Vec<String> {
    array(value).filter_map(|text| text.as_string()).collect()
}

const WHEN_DOWN: &[(&str, WhenDown)] = &[("wait", WhenDown::Wait), ("move", WhenDown::Move)];

fn config(login: &[u8], options: &JsValue) -> Result<Config, JsValue> {
    let (login, _) = Record::of(login).phone_options();
    let read = Given(Reader(options));
    let connections = array(&read.0.get("connections")).count();
    let mut config = Config::new(login, connections);
    config.lines = by_name(&read.0.get("lines"), |devices| {
        array(devices).map(|device| device_of(&device)).collect()
    });
    if read.has("may") {
        config.may = Some(by_name(&read.0.get("may"), texts));
    }
    config.trust_from = read.0.flag("trustFrom");
    if let Some(when) = read.name("whenNodeIsDown", WHEN_DOWN)? {
        config.when_node_is_down = when;
    }
    if let Some(seconds) = read.count("heartbeat")? {
        config.heartbeat = Duration::from_secs(seconds.into());
    }
    if let Some(count) = read.count("maxSessions")? {
        config.max_sessions = count as usize;
    }
    Ok(config)
}

fn device_of(value: &JsValue) -> Device {
    let read = Reader(value);
    Device {
        device: read.text("device").unwrap_or_default(),
        description: read.text("description"),
        partition: read.text("partition"),
        exclusive: read.flag("exclusive"),
    }
}

fn by_name<T>(value: &JsValue, read: impl Fn(&JsValue) -> T) -> BTreeMap<String, T> {
    let Some(object) = value.dyn_ref::<Object>() else {
        return BTreeMap::new();
    };
    let entry = |entry: JsValue| {
        let mut parts = array(&entry);
        Some((parts.next()?.as_string()?, read(&parts.next()?)))
    };
    Object::entries(object).iter().filter_map(entry).collect()
}
