//! The flows: one WebSocket for each address of the server, opened, kept alive,
//! lost and opened again. The registration has its home on one of them.

use super::{Level, Output, Phone, Purpose};
use crate::pool::{self, Beat, Candidate, FlowId, Habit, Health, Heartbeat, Pace, Watch};
use crate::prelude::*;
use crate::rand::Random;
use crate::sip::{Framing, Keepalive, Message, ParseError};
use crate::text::concat;
use crate::time::{Duration, Instant, earliest};

/// Time for a WebSocket to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(8);
/// The same while there is a call: an attempt that was made on the network that
/// is just vanishing must not use up the 12 s.
const OPEN_TIMEOUT_IN_CALL: Duration = Duration::from_secs(3);
/// Times that each address may fail before a pending login gives up.
const MAX_FAILURES: u32 = 3;
/// What an address of higher priority may be slower by than another one, at the
/// first connecting, and still get the registration.
const HEAD_START: Duration = Duration::from_millis(500);
/// How long a connection must live before the registration goes back to it: a
/// server that comes and goes must not take the registration along each time.
const STEADY: u64 = 30_000;
/// Time for the answer of a peer that is asked because something happened here:
/// the machine woke up, the network changed.
const URGENT: Duration = Duration::from_secs(4);
/// Time for the answer to a heartbeat. RFC 5626 §4.4.1 gives it 10 s; a person
/// is looking at the page.
const PATIENCE: Duration = Duration::from_secs(8);
/// While there is a call: a connection that died has to be noticed, and replaced,
/// within 12 s.
const CALL_PACE: Pace = Pace {
    interval: Duration::from_secs(4),
    patience: Duration::from_secs(3),
};
/// A shorter Flow-Timer is not believed: it would keep us busy with nothing else.
const MIN_FLOW_TIMER: u64 = 5;

/// ```text
///            open            opened
///  Closed ─────────► Opening ───────► Open
///    ▲  └◄─retry_at──── │ failed        │ lost, or dead
///    └──────────────────┴───────────────┘
/// ```
#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Closed,
    Opening {
        deadline: Instant,
    },
    Open {
        heartbeat: Heartbeat,
        steady_at: Instant,
    },
}

/// The connection to one address.
#[derive(Default)]
struct Flow {
    state: State,
    generation: u32,
    failures: u32,
    retry_at: Option<Instant>,
    habit: Habit,
}

impl Flow {
    fn health(&self, now: Instant) -> Health {
        match self.state {
            State::Open { .. } => Health::Open,
            State::Opening { .. } => Health::Opening,
            State::Closed if self.retry_at.is_none_or(|at| at <= now) => Health::Idle,
            State::Closed => Health::Resting,
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    fn heartbeat(&mut self) -> Option<&mut Heartbeat> {
        match &mut self.state {
            State::Open { heartbeat, .. } => Some(heartbeat),
            _ => None,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Closed => self.retry_at,
            State::Opening { deadline } => Some(*deadline),
            State::Open { heartbeat, .. } => Some(heartbeat.poll_timeout()),
        }
    }

    /// Closed, to be tried again after a pause that grows, but not while there is
    /// a call to be saved.
    fn fail(&mut self, now: Instant, in_call: bool, random: &mut Random) {
        self.state = State::Closed;
        self.failures = self.failures.saturating_add(1);
        let failures = match in_call {
            true => self.failures.min(2),
            false => self.failures,
        };
        self.retry_at = Some(now + pool::reconnect_delay(failures, random));
    }
}

/// The flows in the order of `connections`.
pub(super) struct Flows {
    all: Vec<Flow>,
    watch: Watch,
    /// Where the registration is, or tries to get.
    home: Option<usize>,
    /// The flow that the registration was told of.
    adopted: Option<FlowId>,
    /// Until then an address of higher priority is waited for.
    head_start: Option<Instant>,
    /// When the registration may go back to an address of higher priority.
    back_at: Option<Instant>,
    /// Longest silence before a server is asked.
    interval: Duration,
    in_call: bool,
}

impl Flows {
    pub(super) fn new(addresses: usize, watch: Watch, heartbeat: Duration) -> Self {
        let mut all = Vec::new();
        all.resize_with(addresses, Flow::default);
        Self {
            all,
            watch,
            home: None,
            adopted: None,
            head_start: None,
            back_at: None,
            interval: heartbeat,
            in_call: false,
        }
    }

    /// The flow that the registration runs on, if it is open.
    pub(super) fn home(&self) -> Option<FlowId> {
        self.adopted
    }

    /// Position of the address in use, or to be used next.
    pub(super) fn home_slot(&self) -> u32 {
        self.home.unwrap_or(0) as u32
    }

    /// No address need wait any longer before it is tried again.
    pub(super) fn retry_now(&mut self, now: Instant) {
        for flow in &mut self.all {
            flow.retry_at = Some(now);
        }
    }

    /// No address is tried again, and the registration stays where it is.
    pub(super) fn rest(&mut self) {
        for flow in &mut self.all {
            flow.retry_at = None;
        }
        self.head_start = None;
        self.back_at = None;
    }

    /// Something happened to the machine or its network: every peer is asked
    /// whether it is still there.
    pub(super) fn ask_now(&mut self, now: Instant) {
        for flow in &mut self.all {
            if let Some(heartbeat) = flow.heartbeat() {
                heartbeat.ask_now(now, URGENT);
            }
        }
    }

    /// The registrar drops flows that are silent for so long (RFC 5626 §4.4).
    pub(super) fn set_flow_timer(&mut self, now: Instant, seconds: u64) {
        let timer = Duration::from_secs(seconds.max(MIN_FLOW_TIMER));
        self.interval = self.interval.min(timer);
        self.set_pace(now);
    }

    /// Whether there are calls, which are lost 12 s after their connection is.
    pub(super) fn set_in_call(&mut self, now: Instant, in_call: bool) {
        if core::mem::replace(&mut self.in_call, in_call) != in_call {
            self.set_pace(now);
        }
    }

    fn pace(&self) -> Pace {
        match self.in_call {
            true => Pace {
                interval: self.interval.min(CALL_PACE.interval),
                patience: CALL_PACE.patience,
            },
            false => Pace {
                interval: self.interval,
                patience: PATIENCE,
            },
        }
    }

    fn set_pace(&mut self, now: Instant) {
        let pace = self.pace();
        for flow in &mut self.all {
            if let Some(heartbeat) = flow.heartbeat() {
                heartbeat.set_pace(now, pace);
            }
        }
    }

    /// The flows that are open, in order of priority.
    pub(super) fn open(&self) -> Vec<FlowId> {
        let slots = 0..self.all.len();
        let open = |slot: &usize| {
            let flow = self.all.get(*slot);
            flow.is_some_and(|flow| matches!(flow.state, State::Open { .. }))
        };
        slots.filter(open).map(|slot| self.id(slot)).collect()
    }

    pub(super) fn heartbeat_answered(&mut self, now: Instant, slot: u32) {
        let Some(flow) = self.all.get_mut(slot as usize) else {
            return;
        };
        if let Some(heartbeat) = flow.heartbeat() {
            heartbeat.answered(now);
            flow.habit = heartbeat.habit();
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let mut next = earliest(&[self.head_start, self.back_at]);
        for (slot, flow) in self.all.iter().enumerate() {
            if self.wants(slot) {
                next = earliest(&[next, flow.poll_timeout()]);
            }
        }
        next
    }

    /// Whether the address is to be connected: all of them, or the one in use and
    /// those of higher priority, which it would rather use.
    fn wants(&self, slot: usize) -> bool {
        self.watch == Watch::All || self.home.is_none_or(|home| slot <= home)
    }

    /// The open or opening flow of this name.
    fn get(&mut self, id: FlowId) -> Option<&mut Flow> {
        let flow = self.all.get_mut(id.slot as usize)?;
        (!flow.is_closed() && flow.generation == id.generation).then_some(flow)
    }

    fn id(&self, slot: usize) -> FlowId {
        FlowId {
            slot: slot as u32,
            generation: self.all.get(slot).map_or(0, |flow| flow.generation),
        }
    }

    fn candidates(&self, now: Instant) -> Vec<Candidate> {
        let candidate = |flow: &Flow| Candidate {
            health: flow.health(now),
            steady: matches!(&flow.state, State::Open { heartbeat, steady_at }
                if *steady_at <= now && heartbeat.is_proven()),
        };
        self.all.iter().map(candidate).collect()
    }

    fn open_home(&self) -> Option<FlowId> {
        let slot = self.home?;
        let flow = self.all.get(slot)?;
        matches!(flow.state, State::Open { .. }).then(|| self.id(slot))
    }

    /// Chooses where the registration belongs. `settled`: nothing would be
    /// disturbed by moving it; `login`: the app waits for it.
    fn choose_home(&mut self, now: Instant, settled: bool, login: bool) {
        let candidates = self.candidates(now);
        let next = pool::home(&candidates, self.home, settled);
        let chosen = next.unwrap_or(0);
        let faster = candidates
            .get(chosen)
            .is_some_and(|it| it.health == Health::Open);
        let mut preferred = self.all.iter().take(chosen);
        let preferred =
            preferred.any(|flow| matches!(flow.state, State::Opening { .. }) && flow.failures == 0);
        let first = login && self.adopted.is_none();
        let wait = first && faster && preferred;
        if wait && *self.head_start.get_or_insert(now + HEAD_START) > now {
            return;
        }
        self.head_start = None;
        self.home = next;
        // Measured anew at each step: what was steady may be gone by then.
        self.back_at = None;
        for flow in self.all.iter().take(chosen).filter(|_| settled) {
            if let State::Open { steady_at, .. } = flow.state {
                let at = Some(steady_at).filter(|at| *at > now);
                self.back_at = earliest(&[self.back_at, at]);
            }
        }
    }
}

impl Phone {
    /// The host's socket is open; `protocol` is what the server chose.
    pub fn handle_open(&mut self, now: Instant, slot: u32, generation: u32, protocol: &str) {
        let id = FlowId { slot, generation };
        let pace = self.flows.pace();
        let Some(flow) = self.flows.get(id) else {
            return;
        };
        if !matches!(flow.state, State::Opening { .. }) {
            return;
        }
        // RFC 7118 §4: a server that does not speak SIP on it is the wrong one.
        if !protocol.eq_ignore_ascii_case("sip") {
            let text = "the server did not accept the WebSocket subprotocol sip";
            self.log(Level::Warn, text);
            return self.lose_flow(now, id);
        }
        let heartbeat = Heartbeat::new(now, flow.habit, pace, &mut self.random);
        let pause = STEADY + self.random.below(STEADY);
        flow.state = State::Open {
            heartbeat,
            steady_at: now + Duration::from_millis(pause),
        };
        flow.retry_at = None;
        if let Some(login) = &mut self.login {
            login.connected = true;
        }
        self.settle(now);
    }

    /// The host's socket is closed, or could not be opened.
    pub fn handle_close(&mut self, now: Instant, slot: u32, generation: u32) {
        self.flow_lost(now, FlowId { slot, generation });
    }

    /// One WebSocket message came in.
    pub fn handle_message(&mut self, now: Instant, slot: u32, generation: u32, data: &[u8]) {
        let id = FlowId { slot, generation };
        let Some(flow) = self.flows.get(id) else {
            return;
        };
        let Some(heartbeat) = flow.heartbeat() else {
            return;
        };
        heartbeat.heard(now);
        match Message::parse(data, Framing::Frame) {
            Ok(message) => {
                flow.failures = 0;
                self.trace(false, id, data);
                self.arrival = id;
                self.calls.arrived(id);
                if message.is_request() {
                    self.handle_request(now, id, &message);
                } else {
                    self.handle_answer(now, &message);
                }
            }
            // RFC 5626 §4.4.1: a ping is answered with a pong.
            Err(ParseError::Keepalive(Keepalive::Ping)) => self.write(id, b"\r\n".to_vec()),
            Err(ParseError::Keepalive(Keepalive::Pong)) => {
                heartbeat.pong(now);
                flow.habit = Habit::Pongs;
            }
            Err(problem) => {
                self.ignored += 1;
                let text = concat(&["ignored a message that is no SIP: ", problem.as_str()]);
                self.log(Level::Debug, &text);
            }
        }
        self.settle(now);
    }

    /// Connects what is to be connected, and brings the registration home.
    pub(super) fn keep_flows(&mut self, now: Instant) {
        let login = self.login.is_some();
        // A call stays where it is as long as it can.
        let settled = !login && self.registration.is_settled() && !self.calls.are_any();
        self.flows.choose_home(now, settled, login);
        for slot in 0..self.flows.all.len() {
            if self.flows.wants(slot) {
                self.open_flow(now, slot);
            } else if settled {
                self.close_flow(now, self.flows.id(slot));
            }
        }
        let home = self.flows.open_home();
        if home.is_some() && home != self.flows.adopted {
            self.flows.adopted = home;
            // Its dialog was made on the flow before.
            self.subscription.stop();
            self.registration.flow_up(now, self.flows.home_slot());
        }
        let further = |flow: &FlowId| (Some(*flow) != self.flows.adopted).then_some(flow.slot);
        let further: Vec<u32> = self.flows.open().iter().filter_map(further).collect();
        self.registration.set_spares(now, &further);
        self.perform_actions(now);
    }

    fn open_flow(&mut self, now: Instant, slot: usize) {
        let timeout = match self.flows.in_call {
            true => OPEN_TIMEOUT_IN_CALL,
            false => OPEN_TIMEOUT,
        };
        let Some(flow) = self.flows.all.get_mut(slot) else {
            return;
        };
        if flow.health(now) != Health::Idle {
            return;
        }
        flow.state = State::Opening {
            deadline: now + timeout,
        };
        flow.generation += 1;
        flow.retry_at = None;
        let generation = flow.generation;
        let slot = slot as u32;
        let url = self.url(slot).to_owned();
        self.outputs.push(Output::Open {
            slot,
            generation,
            url,
        });
    }

    /// Takes a fresh socket to the address of the registration.
    pub(super) fn reconnect_home(&mut self, now: Instant) {
        if let Some(home) = self.flows.home() {
            self.subscription.stop();
            self.close_flow(now, home);
            self.open_flow(now, home.slot as usize);
        }
    }

    /// Closes every socket on purpose.
    pub(super) fn close_flows(&mut self, now: Instant) {
        self.subscription.stop();
        for slot in 0..self.flows.all.len() {
            self.close_flow(now, self.flows.id(slot));
        }
        for flow in &mut self.flows.all {
            flow.failures = 0;
        }
        self.flows.home = None;
        self.flows.rest();
        self.place_calls(now);
    }

    fn close_flow(&mut self, now: Instant, id: FlowId) {
        if let Some(flow) = self.flows.get(id) {
            flow.state = State::Closed;
            self.suspend_calls(now, id);
            self.flows.adopted.take_if(|adopted| *adopted == id);
            let FlowId { slot, generation } = id;
            self.outputs.push(Output::CloseSocket { slot, generation });
        }
    }

    /// Gives up a socket that is of no use.
    pub(super) fn lose_flow(&mut self, now: Instant, id: FlowId) {
        let FlowId { slot, generation } = id;
        self.outputs.push(Output::CloseSocket { slot, generation });
        self.flow_lost(now, id);
    }

    fn flow_lost(&mut self, now: Instant, id: FlowId) {
        let in_call = self.flows.in_call;
        let Some(flow) = self.flows.get(id) else {
            return;
        };
        flow.fail(now, in_call, &mut self.random);
        self.suspend_calls(now, id);
        let was_home = self.flows.adopted.take_if(|home| *home == id).is_some();
        if was_home {
            self.authenticator.interrupted();
            self.asked = None;
            self.subscription.stop();
        }
        let hopeless = self.flows.all.iter().all(Flow::is_closed);
        if was_home || hopeless {
            self.registration.flow_down();
        }
        let limit = MAX_FAILURES * self.flows.all.len() as u32;
        if let Some(login) = &mut self.login {
            login.failures += 1;
            if login.failures >= limit && hopeless {
                self.login_could_not_connect(now);
            }
        }
        self.settle(now);
    }

    pub(super) fn handle_flow_timeouts(&mut self, now: Instant) {
        for slot in 0..self.flows.all.len() {
            let id = self.flows.id(slot);
            let Some(flow) = self.flows.get(id) else {
                continue;
            };
            match &mut flow.state {
                State::Opening { deadline } if *deadline <= now => {
                    self.log(Level::Warn, "the server did not open the WebSocket in time");
                    self.lose_flow(now, id);
                }
                State::Open { heartbeat, .. } => match heartbeat.handle_timeout(now) {
                    Some(Beat::Ping) => self.write(id, b"\r\n\r\n".to_vec()),
                    Some(Beat::Options) => self.send_heartbeat(now, id),
                    Some(Beat::Dead) => {
                        self.log(Level::Warn, "the server is silent; connecting anew");
                        self.lose_flow(now, id);
                    }
                    None => {}
                },
                _ => {}
            }
        }
    }

    pub(super) fn url(&self, slot: u32) -> &str {
        let url = self.config.connections.get(slot as usize);
        url.map_or("", String::as_str)
    }

    /// Writes one WebSocket message.
    pub(super) fn write(&mut self, flow: FlowId, data: Vec<u8>) {
        let FlowId { slot, generation } = flow;
        self.outputs.push(Output::Send {
            slot,
            generation,
            data,
        });
    }

    pub(super) fn trace(&mut self, sent: bool, flow: FlowId, data: &[u8]) {
        if self.config.trace {
            let message = crate::redact::redact(data);
            let slot = flow.slot;
            self.outputs.push(Output::Trace {
                sent,
                slot,
                message,
            });
        }
    }

    /// Nobody answered a request in time.
    pub(super) fn unanswered(&mut self, now: Instant, purpose: Purpose) {
        match purpose {
            Purpose::Register => {
                self.log(Level::Warn, "the server did not answer; connecting anew");
                if let Some(login) = &mut self.login {
                    login.silences += 1;
                    if login.silences >= 2 {
                        self.login_timed_out(now);
                    }
                }
                self.registration.unanswered();
                if let Some(home) = self.flows.home() {
                    self.lose_flow(now, home);
                }
            }
            Purpose::Subscribe => self.subscription.handle_timeout_of_answer(now),
            // The heartbeat has a patience of its own.
            Purpose::Call(call, job, number) => self.calls.unanswered(now, call, job, number),
            Purpose::Spare(slot) => self.registration.spare_unanswered(now, slot),
            Purpose::Farewell | Purpose::Hint | Purpose::Heartbeat(_) => {}
        }
    }
}
