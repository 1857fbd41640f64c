//! The flow: the WebSocket to the server, opened, lost and opened again.

use super::{Level, Output, Phone, Purpose};
use crate::pool::reconnect_delay;
use crate::prelude::*;
use crate::rand::Random;
use crate::sip::{Framing, Keepalive, Message, ParseError};
use crate::text::concat;
use crate::time::{Duration, Instant};

/// Time for a WebSocket to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(8);
/// Sockets that may fail before a pending login gives up.
const MAX_FAILURES: u32 = 3;

/// ```text
///            open            opened
///  Closed ─────────► Opening ───────► Open
///    ▲  └◄─retry_at──── │ failed        │ lost
///    └──────────────────┴───────────────┘
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Opening {
        deadline: Instant,
    },
    Open,
}

/// One flow. A slot is the position of its address; the generation counts its
/// sockets, so that late callbacks of a replaced socket are ignored.
#[derive(Default)]
pub(super) struct Flow {
    state: State,
    slot: u32,
    generation: u32,
    failures: u32,
    retry_at: Option<Instant>,
}

impl Flow {
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub(super) fn url<'a>(&self, connections: &'a [String]) -> &'a str {
        connections
            .get(self.slot as usize)
            .map_or("", String::as_str)
    }

    /// The next attempt need not wait any longer.
    pub(super) fn retry_now(&mut self, now: Instant) {
        self.retry_at = Some(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Closed => self.retry_at,
            State::Opening { deadline } => Some(deadline),
            State::Open => None,
        }
    }

    fn is_current(&self, slot: u32, generation: u32) -> bool {
        self.state != State::Closed && (slot, generation) == (self.slot, self.generation)
    }

    fn failed(&mut self, now: Instant, random: &mut Random) {
        self.state = State::Closed;
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now + reconnect_delay(self.failures, random));
    }
}

impl Phone {
    /// The host's socket is open; `protocol` is what the server chose.
    pub fn handle_open(&mut self, now: Instant, slot: u32, generation: u32, protocol: &str) {
        if !self.flow.is_current(slot, generation) || self.flow.is_open() {
            return;
        }
        // RFC 7118 §4: a server that does not speak SIP on it is the wrong one.
        if !protocol.eq_ignore_ascii_case("sip") {
            self.log(
                Level::Warn,
                "the server did not accept the WebSocket subprotocol sip",
            );
            return self.lose_flow(now);
        }
        self.flow.state = State::Open;
        self.flow.retry_at = None;
        if let Some(login) = &mut self.login {
            login.connected = true;
        }
        self.registration.flow_up(now);
        self.settle(now);
    }

    /// The host's socket is closed, or could not be opened.
    pub fn handle_close(&mut self, now: Instant, slot: u32, generation: u32) {
        if self.flow.is_current(slot, generation) {
            self.flow_lost(now);
        }
    }

    /// One WebSocket message came in.
    pub fn handle_message(&mut self, now: Instant, slot: u32, generation: u32, data: &[u8]) {
        if !self.flow.is_current(slot, generation) || !self.flow.is_open() {
            return;
        }
        match Message::parse(data, Framing::Frame) {
            Ok(message) => {
                self.flow.failures = 0;
                self.trace(false, data);
                if message.is_request() {
                    self.handle_request(now, &message);
                } else {
                    self.handle_answer(now, &message);
                }
                self.settle(now);
            }
            // RFC 5626 §4.4.1: a ping is answered with a pong.
            Err(ParseError::Keepalive(Keepalive::Ping)) => self.write(b"\r\n".to_vec()),
            Err(ParseError::Keepalive(Keepalive::Pong)) => {}
            Err(problem) => {
                self.ignored += 1;
                let text = concat(&["ignored a message that is no SIP: ", problem.as_str()]);
                self.log(Level::Debug, &text);
            }
        }
    }

    pub(super) fn open_flow(&mut self, now: Instant) {
        let due = self.flow.retry_at.is_none_or(|at| at <= now);
        if self.flow.state == State::Closed && due {
            let flow = &mut self.flow;
            flow.state = State::Opening {
                deadline: now + OPEN_TIMEOUT,
            };
            flow.generation += 1;
            flow.retry_at = None;
            let (slot, generation) = (flow.slot, flow.generation);
            let url = flow.url(&self.config.connections).to_owned();
            self.outputs.push(Output::Open {
                slot,
                generation,
                url,
            });
        }
    }

    /// Closes the socket on purpose.
    pub(super) fn close_flow(&mut self) {
        let Flow {
            state,
            slot,
            generation,
            ..
        } = self.flow;
        self.flow.retry_at = None;
        self.flow.failures = 0;
        if state != State::Closed {
            self.flow.state = State::Closed;
            self.subscription.stop();
            self.outputs.push(Output::CloseSocket { slot, generation });
        }
    }

    /// Gives up a socket that is of no use, and takes another one.
    pub(super) fn lose_flow(&mut self, now: Instant) {
        let Flow {
            slot, generation, ..
        } = self.flow;
        self.outputs.push(Output::CloseSocket { slot, generation });
        self.flow_lost(now);
    }

    fn flow_lost(&mut self, now: Instant) {
        self.flow.failed(now, &mut self.random);
        self.transactions.clear();
        self.authenticator.interrupted();
        self.asked = None;
        self.subscription.stop();
        self.registration.flow_down();
        if let Some(login) = &mut self.login {
            login.failures += 1;
            if login.failures >= MAX_FAILURES {
                self.login_could_not_connect(now);
            }
        }
        self.settle(now);
    }

    pub(super) fn handle_flow_timeout(&mut self, now: Instant) {
        match self.flow.state {
            State::Opening { deadline } if deadline <= now => {
                self.log(Level::Warn, "the server did not open the WebSocket in time");
                self.lose_flow(now);
            }
            _ => {}
        }
    }

    /// Writes one WebSocket message.
    pub(super) fn write(&mut self, data: Vec<u8>) {
        let Flow {
            slot, generation, ..
        } = self.flow;
        self.outputs.push(Output::Send {
            slot,
            generation,
            data,
        });
    }

    pub(super) fn trace(&mut self, sent: bool, data: &[u8]) {
        if self.config.trace {
            let message = crate::redact::redact(data);
            self.outputs.push(Output::Trace {
                sent,
                slot: self.flow.slot,
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
                self.lose_flow(now);
            }
            Purpose::Subscribe => self.subscription.handle_timeout_of_answer(now),
            Purpose::Farewell | Purpose::Hint => {}
        }
    }
}
