//! The CTI gateway: clients open sessions with it to control desk phones (uaCSTA over
//! SIP), and it asks a telephone system over a link (`docs/cti-link.md`).
//!
//! It is a client of the SIP server like any other, a [`Phone`] that accepts sessions,
//! and has the verbs of the phone: make one mutation (`handle_…`), drain
//! [`Gateway::poll_output`], wait until [`Gateway::poll_timeout`].
//!
//! | file | what it does |
//! |---|---|
//! | `asker.rs` | who asks for a session, and for which line |
//! | `opening.rs` | the choice of connection and device; 200, 300 or a refusal |
//! | `serving.rs` | what clients ask for |
//! | `view.rs` | what one of them can see, and what comes of its request by that |
//! | `telling.rs` | what the switch tells, and what clients hear of it |
//! | `events.rs` | events out of the views that the switch tells |
//! | `nodes.rs` | the connections to the switch: heartbeat, choice, epochs |
//! | `watch.rs` | appearances that are monitored there |
//! | `session.rs` | one client's session |
//! | `link.rs` | what goes over the link |

mod asker;
mod config;
mod events;
mod failure;
mod link;
mod nodes;
mod opening;
mod output;
mod serving;
mod session;
mod telling;
mod view;
mod watch;

pub use crate::csta::ForwardingType;
pub use config::{Config, Device, WhenDown};
pub use link::{
    Answer, Appearance, CallState, CallView, DeviceView, LinkMessage, LinkRequest, Member, RULES,
    Remote, Rule, fits,
};
pub use nodes::NodeId;
pub use output::{Counters, Event, Output};

use crate::csta::{Content, Document};
use crate::phone::{self, ConfigError, Level, Phone};
use crate::pool::reconnect_delay;
use crate::prelude::*;
use crate::rand::Random;
use crate::session::{Accepted, Event as Told};
use crate::time::{Instant, earliest};
use alloc::collections::{BTreeMap, VecDeque};
use nodes::{Action, Nodes, State};
use serving::Service;
use session::{Session, Stage};

/// Type of the documents.
const CSTA: &str = "application/csta+xml";

/// How a connection to the switch is, for whoever runs the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `connecting`, `up` or `down`.
    pub state: &'static str,
    /// Sessions that it serves.
    pub sessions: usize,
}

/// The gateway.
pub struct Gateway {
    config: Config,
    phone: Phone,
    nodes: Nodes<Service>,
    sessions: BTreeMap<u32, Session>,
    random: Random,
    /// Logins so far, and those in vain, one after the other.
    attempts: u32,
    failures: u32,
    /// When the next one is due.
    login_at: Option<Instant>,
    stopping: bool,
    counters: Counters,
    outputs: VecDeque<Output>,
}

impl Gateway {
    /// One that does nothing yet. `seed` comes from the platform's cryptographic
    /// generator.
    pub fn new(config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.check()?;
        let mut random = Random::from_seed(seed);
        let phone = Phone::new(config.login.clone(), random.bytes())?;
        let own = Random::from_seed(random.bytes());
        Ok(Self {
            phone,
            nodes: Nodes::new(config.connections, config.heartbeat, own),
            sessions: BTreeMap::new(),
            random,
            attempts: 0,
            failures: 0,
            login_at: None,
            stopping: false,
            counters: Counters::default(),
            outputs: VecDeque::new(),
            config,
        })
    }

    /// Connects to the SIP server and to all addresses of the switch.
    pub fn start(&mut self, now: Instant) {
        self.phone.with_accepted(now, Accepted::listen);
        self.login_at = Some(now);
        self.handle_timeout(now);
    }

    /// Ends all sessions and leaves. Answered by [`Event::Stopped`].
    pub fn stop(&mut self, now: Instant) {
        self.stopping = true;
        self.login_at = None;
        for (session, _) in core::mem::take(&mut self.sessions) {
            let reason = "the gateway stops";
            self.event(Event::SessionClosed { session, reason });
        }
        self.nodes.stop();
        self.phone.close(now);
        self.go_on(now);
    }

    /// A socket to the SIP server is open.
    pub fn handle_open(&mut self, now: Instant, slot: u32, generation: u32, protocol: &str) {
        self.phone.handle_open(now, slot, generation, protocol);
        self.go_on(now);
    }

    /// It is closed.
    pub fn handle_close(&mut self, now: Instant, slot: u32, generation: u32) {
        self.phone.handle_close(now, slot, generation);
        self.go_on(now);
    }

    /// A message came by it.
    pub fn handle_message(&mut self, now: Instant, slot: u32, generation: u32, data: &[u8]) {
        self.phone.handle_message(now, slot, generation, data);
        self.go_on(now);
    }

    /// The switch says something.
    pub fn handle_link(&mut self, now: Instant, id: NodeId, message: LinkMessage) {
        self.link_says(now, id, message);
        self.go_on(now);
    }

    /// What came over the link was no message.
    pub fn handle_nonsense(&mut self, now: Instant, id: NodeId) {
        self.nonsense(id, "a message that makes no sense");
        self.go_on(now);
    }

    /// A connection to the switch is gone, or could not be made.
    pub fn handle_link_closed(&mut self, now: Instant, id: NodeId, reason: &str) {
        self.nodes.closed(now, id, reason);
        self.go_on(now);
    }

    /// Fires what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.login_at.take_if(|at| *at <= now).is_some() {
            self.attempts += 1;
            // Whoever has the name has it from us: an earlier run that crashed.
            self.phone.register(now, self.attempts, true);
        }
        self.phone.handle_timeout(now);
        if !self.stopping {
            self.nodes.handle_timeout(now);
        }
        self.go_on(now);
    }

    /// When [`Gateway::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(&[
            self.login_at,
            self.phone.poll_timeout(),
            self.nodes.poll_timeout(),
        ])
    }

    /// The next thing for the host to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The connections to the switch, in the order of the list.
    pub fn connections(&self) -> Vec<Connection> {
        let mut sessions = vec![0; self.config.connections];
        for session in self.sessions.values() {
            if let Some(count) = sessions.get_mut(session.node.node) {
                *count += 1;
            }
        }
        let states = self.nodes.states().map(|state| match state {
            State::Down(_) => "down",
            State::Connecting(_) => "connecting",
            State::Up(_) => "up",
        });
        let both = states.zip(sessions);
        both.map(|(state, sessions)| Connection { state, sessions })
            .collect()
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Does all that follows from what has happened.
    fn go_on(&mut self, now: Instant) {
        loop {
            let actions = self.nodes.take_actions();
            let idle = actions.is_empty();
            for action in actions {
                self.perform(now, action);
            }
            if !self.drain_phone(now) && idle {
                return;
            }
        }
    }

    fn perform(&mut self, now: Instant, action: Action<Service>) {
        match action {
            Action::Connect(id) => self.outputs.push_back(Output::Connect(id)),
            Action::Disconnect(id) => self.outputs.push_back(Output::Disconnect(id)),
            Action::Send(id, request) => self.outputs.push_back(Output::Link(id, request)),
            Action::Up(id) => self.node_is_up(now, id),
            Action::Down(id, reason) => self.node_is_down(now, id, reason),
            Action::Unreachable(NodeId { node, .. }, reason) => {
                let down = Some(reason);
                self.event(Event::Node { node, down });
            }
            Action::Unanswered(id, purpose) => self.unanswered(now, id, purpose),
        }
    }

    /// `false`: there was nothing.
    fn drain_phone(&mut self, now: Instant) -> bool {
        let outputs = self.phone.take_outputs();
        let some = !outputs.is_empty();
        for output in outputs {
            match output {
                phone::Output::Event(event) => self.phone_says(now, event),
                phone::Output::Open {
                    slot,
                    generation,
                    url,
                } => self.outputs.push_back(Output::Open {
                    slot,
                    generation,
                    url,
                }),
                phone::Output::Send {
                    slot,
                    generation,
                    data,
                } => self.outputs.push_back(Output::Send {
                    slot,
                    generation,
                    data,
                }),
                phone::Output::CloseSocket { slot, generation } => self
                    .outputs
                    .push_back(Output::CloseSocket { slot, generation }),
                // Nobody picks up calls, and a gateway logs in anew when it starts.
                phone::Output::Store(_) => {}
                phone::Output::Log { level, message } => {
                    self.outputs.push_back(Output::Log { level, message });
                }
                phone::Output::Trace {
                    sent,
                    slot,
                    message,
                } => self.outputs.push_back(Output::Trace {
                    sent,
                    slot,
                    message,
                }),
            }
        }
        some
    }

    fn phone_says(&mut self, now: Instant, event: phone::Event) {
        match event {
            phone::Event::Accepted(told) => self.told(now, told),
            phone::Event::Registered(_, registered) => {
                self.failures = 0;
                let connection = registered.connection;
                self.event(Event::Registered { connection });
            }
            phone::Event::Failed(_, fault, _) => {
                self.event(Event::NotRegistered(fault));
                self.log_in_later(now);
            }
            // Another gateway of that name: which of them is it to be? Both would take
            // the login from each other without end, so this one waits.
            phone::Event::Terminated { .. } => {
                self.log(
                    Level::Warn,
                    "another client has taken the gateway's login over".to_owned(),
                );
                self.failures = self.failures.max(8);
                self.log_in_later(now);
            }
            phone::Event::Closed => self.event(Event::Stopped),
            _ => {}
        }
    }

    fn log_in_later(&mut self, now: Instant) {
        if !self.stopping {
            self.failures = self.failures.saturating_add(1);
            // The phone has tried all addresses by itself.
            let pause = reconnect_delay(self.failures.saturating_add(1), &mut self.random);
            self.login_at = Some(now + pause);
        }
    }

    fn told(&mut self, now: Instant, told: Told) {
        match told {
            Told::Offered {
                of,
                headers,
                content,
            } => self.offered(now, of, &headers, content.as_ref()),
            Told::Asked {
                of,
                number,
                content,
            } => self.asked(now, of, number, content.as_ref()),
            Told::Done { of, status } => {
                let Some(session) = self.sessions.get_mut(&of) else {
                    return;
                };
                session.event_done();
                match status {
                    200..300 => self.send_events(now, of),
                    // It ends by itself, and has said so.
                    0 | 408 | 481 => {}
                    // It starts anew, and finds what it has missed.
                    _ => self.dismiss(now, of, "the client refuses an event", None),
                }
            }
            Told::Ended { of } => self.closed(now, of, "ended by the client"),
        }
    }

    /// Ends a session, with a word to the client.
    fn dismiss(&mut self, now: Instant, of: u32, reason: &'static str, header: Option<&str>) {
        self.phone
            .with_accepted(now, |accepted| accepted.dismiss(of, header));
        self.closed(now, of, reason);
    }

    /// A session is no more.
    fn closed(&mut self, now: Instant, of: u32, reason: &'static str) {
        if let Some(session) = self.sessions.remove(&of) {
            self.forget(now, of, &session);
            if let Stage::Open(_) = session.stage {
                let session = of;
                self.event(Event::SessionClosed { session, reason });
            }
        }
    }

    fn content(namespace: &str, content: Content) -> (String, String) {
        let document = Document {
            namespace: namespace.to_owned(),
            content,
        };
        (CSTA.to_owned(), document.to_xml())
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn log(&mut self, level: Level, message: String) {
        self.outputs.push_back(Output::Log { level, message });
    }
}
