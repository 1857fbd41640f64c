//! Keeps a desk phone under control: one session with the gateway after the other,
//! and in each the [`Client`]. The first must succeed in time; from then on nothing
//! is asked of the user, whatever is lost.
//!
//! ```text
//!  Idle ──connect──► Opening ──opened──► Up
//!                      ▲  │               │
//!                      │  └─not, or lost──┤──refused for good──► Over
//!                      └────── Pausing ◄──┘
//! ```
//!
//! The host opens and closes sessions as it is told, each under a Call-ID of its
//! own, and brings in what comes of the one that was opened last.

use super::Code;
use super::client::{CallView, Client, Desk, DeskState, EndCause, Fault, Output as Told, Verb};
use crate::pool::reconnect_delay;
use crate::prelude::*;
use crate::queue::take_first;
use crate::rand::Random;
use crate::text::mentions;
use crate::time::{Duration, Instant, earliest};

/// How a gateway words it that another client controls the device, as a registrar
/// does in its Warning.
const CONFLICT: &str = "active for another client";

/// How long a gateway may take to accept or refuse: as long as to answer anything. A
/// provisional answer of a proxy would have us wait for minutes (RFC 3261, timer C).
const OPENING: Duration = Duration::from_secs(32);

/// Something for the host to do, or for the app to hear, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a session with the gateway, with this body. It is repeated by what
    /// refreshes the session.
    Open {
        /// RequestSystemStatus.
        body: String,
    },
    /// End the session.
    Close,
    /// Send this inside of the session, and hand in its answer with the number.
    Request {
        /// Rises by one with each.
        number: u32,
        /// The body.
        document: String,
    },
    /// The desk phone is as this says from now on.
    Desk(Desk),
    /// There is a new call, or it has changed.
    Call(CallView),
    /// The call is over.
    Ended {
        /// Which.
        call: u32,
        /// Whose doing it is.
        cause: EndCause,
        /// CSTA's word for it, or a phrase of ours.
        reason: String,
    },
    /// What became of a command. Once for each.
    Settled {
        /// Which.
        op: u32,
        /// Whether it was done.
        result: Result<(), Fault>,
    },
    /// The desk phone is monitored for the first time.
    Controlled,
    /// It is not controlled, and nothing follows.
    Failed(Fault),
    /// Another client took the control over, and nothing follows.
    Ousted {
        /// What was said.
        reason: String,
    },
}

/// Why a session ended, or was not opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending<'a> {
    /// Of the answer that ended it; 0 if none did.
    pub status: u16,
    /// Reason phrase, Warning or Reason.
    pub reason: &'a str,
    /// Seconds, of its Retry-After.
    pub retry_after: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Opening { until: Instant },
    Up,
    Pausing { until: Instant },
    Over,
}

/// Control of one desk phone.
pub struct Control {
    client: Client,
    phase: Phase,
    /// Until when it must be monitored for the first time. None: it was.
    deadline: Option<Instant>,
    /// Sessions that came to nothing, one after the other.
    failures: u32,
    /// Whether there is a flow to the server.
    flow: bool,
    /// The gateway said that there is no way to the phone.
    unavailable: bool,
    random: Random,
    outputs: Vec<Output>,
}

impl Control {
    /// Of this line, named as [`Client::new`] has it.
    pub fn new(line: &str, seed: [u8; 32]) -> Self {
        Self {
            client: Client::new(line),
            phase: Phase::Idle,
            deadline: None,
            failures: 0,
            flow: true,
            unavailable: false,
            random: Random::from_seed(seed),
            outputs: Vec::new(),
        }
    }

    /// Begins, once there is a flow.
    pub fn connect(&mut self, now: Instant, timeout: Duration) {
        if self.phase == Phase::Idle {
            self.deadline = Some(now + timeout);
            self.open(now);
        }
    }

    /// What there is to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        take_first(&mut self.outputs)
    }

    /// The flow to the server is lost, or there is one again.
    pub fn handle_flow(&mut self, now: Instant, up: bool) {
        let is_back = up && !self.flow;
        self.flow = up;
        if is_back && matches!(self.phase, Phase::Pausing { .. }) {
            self.open(now);
        }
    }

    /// The session was accepted with this body.
    pub fn handle_opened(&mut self, now: Instant, body: &[u8]) {
        if let Phase::Opening { .. } = self.phase {
            self.phase = Phase::Up;
            self.client.handle_session(now, body);
            self.pass_on(now);
        }
    }

    /// It was refreshed; this is what the gateway says of itself.
    pub fn handle_refreshed(&mut self, now: Instant, body: &[u8]) {
        if self.phase == Phase::Up {
            self.client.handle_refreshed(now, body);
            self.pass_on(now);
        }
    }

    /// A document came, inside of the session.
    pub fn handle_document(&mut self, now: Instant, body: &[u8]) {
        self.client.handle_document(now, body);
        self.pass_on(now);
    }

    /// The answer to a request; status 0 if there was none.
    pub fn handle_answer(&mut self, now: Instant, number: u32, status: u16, body: &[u8]) {
        let status = if status == 0 { 408 } else { status };
        self.client.handle_answer(now, number, status, body);
        self.pass_on(now);
    }

    /// The session is over, or was not opened.
    pub fn handle_ended(&mut self, now: Instant, ending: Ending<'_>) {
        let was_up = self.phase == Phase::Up;
        if !was_up && !matches!(self.phase, Phase::Opening { .. }) {
            return;
        }
        self.client.handle_lost(now);
        self.phase = Phase::Pausing { until: now };
        self.pass_on(now);
        let is_first = self.deadline.is_some();
        let is_held = mentions(ending.reason, CONFLICT);
        if is_held && !is_first {
            let reason = ending.reason.to_owned();
            return self.end(now, Output::Ousted { reason });
        }
        self.unavailable = ending.status == 503;
        let fault = |code| Fault {
            code,
            said: ending.reason.to_owned(),
            status: Some(ending.status).filter(|status| *status > 0),
        };
        let refused = match ending.status {
            403 if is_held => Some(Code::DeviceAlreadyRegistered),
            // A gateway that is restarted is no user of the server's meanwhile (404,
            // 480): what was granted once is asked for until it is granted again.
            _ if was_up => None,
            300..=399 | 401 | 403 | 407 => Some(Code::ServerRejected),
            480 if is_first => Some(Code::OutOfService),
            0 | 408 | 430 | 480 | 481 | 491 | 500 | 502..=504 => None,
            _ if is_first => Some(Code::ServerRejected),
            _ => None,
        };
        if let Some(code) = refused {
            return self.end(now, Output::Failed(fault(code)));
        }
        let wanted = Duration::from_secs(ending.retry_after.into());
        if self.deadline.is_some_and(|by| now + wanted >= by) {
            return self.end(now, Output::Failed(fault(Code::OutOfService)));
        }
        self.pause(now, wanted);
    }

    /// Does a command of the app, of which `op` is the number.
    pub fn handle_command(&mut self, now: Instant, op: u32, verb: Verb) {
        self.client.handle_command(now, op, verb);
        self.pass_on(now);
    }

    /// When [`Control::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let pause = match self.phase {
            Phase::Pausing { until } if self.flow => Some(until),
            Phase::Opening { until } => Some(until),
            _ => None,
        };
        earliest(&[self.deadline, pause, self.client.poll_timeout()])
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|by| by <= now) {
            let is_out = self.unavailable || self.client.state() == DeskState::OutOfService;
            let code = if is_out {
                Code::OutOfService
            } else {
                Code::Timeout
            };
            return self.end(now, Output::Failed(Fault::new(code, "")));
        }
        self.client.handle_timeout(now);
        self.pass_on(now);
        match self.phase {
            Phase::Pausing { until } if until <= now && self.flow => self.open(now),
            Phase::Opening { until } if until <= now => {
                self.outputs.push(Output::Close);
                self.pause(now, Duration::default());
            }
            _ => {}
        }
    }

    /// Leaves the desk phone to itself.
    pub fn leave(&mut self, now: Instant) {
        if matches!(
            self.phase,
            Phase::Opening { .. } | Phase::Up | Phase::Pausing { .. }
        ) {
            self.client.close(now);
            self.pass_on(now);
            if matches!(self.phase, Phase::Opening { .. } | Phase::Up) {
                self.outputs.push(Output::Close);
            }
        }
        self.phase = Phase::Over;
        self.deadline = None;
    }

    fn open(&mut self, now: Instant) {
        let until = now + OPENING;
        self.phase = Phase::Opening { until };
        let body = self.client.system_status();
        self.outputs.push(Output::Open { body });
    }

    /// A pause before the next session: what the gateway asks for, and no less than
    /// grows with each that came to nothing.
    fn pause(&mut self, now: Instant, wanted: Duration) {
        self.failures = self.failures.saturating_add(1);
        let own = reconnect_delay(self.failures, &mut self.random);
        let until = now + wanted.max(own);
        self.phase = Phase::Pausing { until };
    }

    fn end(&mut self, now: Instant, last: Output) {
        self.leave(now);
        self.outputs.push(last);
    }

    /// Passes on what the client says, and does what is meant for us.
    fn pass_on(&mut self, now: Instant) {
        while let Some(told) = self.client.poll_output() {
            let output = match told {
                Told::Send { number, document } => Output::Request { number, document },
                Told::Call(view) => Output::Call(view),
                Told::Ended {
                    call,
                    cause,
                    reason,
                } => Output::Ended {
                    call,
                    cause,
                    reason,
                },
                Told::Settled { op, result } => Output::Settled { op, result },
                Told::Desk(desk) => {
                    let is_monitored = desk.monitored;
                    self.outputs.push(Output::Desk(desk));
                    if !is_monitored {
                        continue;
                    }
                    self.failures = 0;
                    if self.deadline.take().is_none() {
                        continue;
                    }
                    Output::Controlled
                }
                Told::Reopen => {
                    self.outputs.push(Output::Close);
                    self.pause(now, Duration::default());
                    continue;
                }
                Told::Refused(fault) if self.deadline.is_some() => {
                    self.end(now, Output::Failed(fault));
                    continue;
                }
                Told::Refused(_) => {
                    self.outputs.push(Output::Close);
                    self.pause(now, Duration::default());
                    continue;
                }
            };
            self.outputs.push(output);
        }
    }
}
