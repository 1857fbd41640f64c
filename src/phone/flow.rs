//! What happens on the flows: WebSockets are opened, kept alive, lost and opened
//! again, and bring messages.

use super::flows::State;
use super::registering::REGISTER;
use super::{Level, Output, Phone};
use crate::flow::FlowId;
use crate::pool::{Beat, Habit, Health, Heartbeat};
use crate::prelude::*;
use crate::sip::{Framing, Keepalive, Message, ParseError};
use crate::text::concat;
use crate::time::{Duration, Instant};

/// Time for a WebSocket to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(8);
/// The same while there is a call: an attempt that was made on the network that
/// is just vanishing must not use up the 12 s.
const OPEN_TIMEOUT_IN_CALL: Duration = Duration::from_secs(3);
/// Times that each address may fail before a pending login gives up.
const MAX_FAILURES: u32 = 3;
/// How long a connection must live before the registration goes back to it, and
/// before its loss is the first one again: a server that comes and goes must not
/// take the registration along each time, nor be connected to without a pause,
/// whatever it says in between.
const STEADY: u64 = 30_000;

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
        self.flows.note_open();
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
                self.trace(false, id, data);
                self.arrival = id;
                if message.is_request() {
                    self.handle_request(now, id, &message);
                    // They change nothing that outlives the page.
                    let passing = matches!(message.method(), "OPTIONS" | "MESSAGE");
                    if passing && !self.is_in_call() {
                        return self.go_on(now);
                    }
                } else {
                    self.handle_answer(now, &message);
                }
            }
            // RFC 5626 §4.4.1: a ping is answered with a pong.
            Err(ParseError::Keepalive(Keepalive::Ping)) => {
                self.write(id, b"\r\n".to_vec());
                return self.go_on(now);
            }
            Err(ParseError::Keepalive(Keepalive::Pong)) => {
                heartbeat.pong(now);
                flow.habit = Habit::Pongs;
                return self.go_on(now);
            }
            Err(problem) => {
                self.arrival = id;
                self.drop_message(problem.as_str());
            }
        }
        self.settle(now);
    }

    /// The message at hand is of no use. Whoever waits for an answer is told why
    /// there was none.
    pub(super) fn drop_message(&mut self, why: &'static str) {
        self.ignored += 1;
        let waiting = self.transactions.note_dropped(self.arrival, why);
        let (level, text) = match waiting {
            Some(method) => {
                let parts = [
                    "dropped a message while ",
                    method,
                    " waits for its answer: ",
                    why,
                ];
                (Level::Warn, concat(&parts))
            }
            None => (Level::Debug, concat(&["dropped a message: ", why])),
        };
        self.log(level, &text);
        let register = self.transactions.is_pending(&REGISTER);
        if let Some(login) = self.login.as_mut().filter(|_| register) {
            login.dropped = Some(why);
        }
    }

    /// Connects what is to be connected, and brings the registration home.
    pub(super) fn keep_flows(&mut self, now: Instant) {
        let login = self.login.is_some() || self.awaits_control();
        // A call stays where it is as long as it can.
        let settled = !login && self.registration.is_settled() && !self.is_in_call();
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
            self.registration.flow_up(now, self.flows.home_slot());
        }
        let further = |flow: &FlowId| (Some(*flow) != self.flows.adopted).then_some(flow.slot);
        let further: Vec<u32> = self.flows.open.iter().filter_map(further).collect();
        self.registration.set_further_flows(now, &further);
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
            self.close_flow(now, home);
            self.open_flow(now, home.slot as usize);
        }
    }

    /// Closes every socket on purpose.
    pub(super) fn close_flows(&mut self, now: Instant) {
        for slot in 0..self.flows.all.len() {
            self.close_flow(now, self.flows.id(slot));
        }
        for flow in &mut self.flows.all {
            flow.failures = 0;
        }
        self.flows.home = None;
        self.flows.rest();
        self.place_usages(now);
    }

    fn close_flow(&mut self, now: Instant, id: FlowId) {
        if let Some(flow) = self.flows.get(id) {
            flow.state = State::Closed;
            self.flows.note_open();
            self.suspend_usages(now, id);
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
        self.flows.note_open();
        self.suspend_usages(now, id);
        let was_home = self.flows.adopted.take_if(|home| *home == id).is_some();
        if was_home {
            self.authenticator.interrupted();
            self.asked = None;
            self.held = None;
        }
        let leaving = self.registration.is_leaving();
        // The app waits for a removal that is sent once more: not for a pause that grew
        // in an outage before.
        if was_home && leaving {
            self.flows.retry_now(now);
        }
        // Addresses that take turns are never all closed: who only wants to leave waits
        // until each was lost, and could not be had again.
        let hopeless = self.flows.all.iter().all(|flow| match flow.state {
            State::Closed => true,
            State::Opening { .. } => leaving && flow.failures > 1,
            State::Open { .. } => false,
        });
        if was_home || hopeless {
            self.registration.flow_down();
        }
        let limit = MAX_FAILURES * self.flows.all.len() as u32;
        if let Some(login) = &mut self.login {
            login.failures += 1;
            if login.failures >= limit && hopeless {
                self.login_could_not_connect(now);
            }
        } else if hopeless {
            self.control_failing(limit);
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
}
