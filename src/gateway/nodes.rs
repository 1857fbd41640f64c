//! The connections to the switch: all are made at the start, each is watched by
//! heartbeats, and one that is lost is tried again with growing pauses. Each time it is
//! back is a new epoch: what belonged to the one before does not go on.

use super::link::{Appearance, LinkRequest, Members};
use super::watch::Watches;
use crate::pool::reconnect_delay;
use crate::prelude::*;
use crate::rand::Random;
use crate::time::{Duration, Instant, earliest};
use alloc::collections::BTreeMap;

/// How long a switch may take to say hello.
const HELLO: Duration = Duration::from_secs(10);
/// How long it may take to answer: a client waits for 32 s (RFC 3261, timer F).
const ANSWER: Duration = Duration::from_secs(10);
/// Heartbeats without an answer after which it is down.
const MISSES: u32 = 3;
/// A connection that lasted for so long starts with short pauses again.
const STEADY: Duration = Duration::from_secs(60);

/// Names one connection to one address: what an older one says is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId {
    /// Position in the list.
    pub node: usize,
    /// Which connection to it, counted from 1: the epoch.
    pub epoch: u32,
}

/// ```text
///  Down ──retry──► Connecting ──hello──► Up
///   ▲                  │ closed, late     │ closed, heartbeats missed
///   └──────────────────┴──────────────────┘
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Tried again at this time.
    Down(Instant),
    /// The switch has to say hello by this time.
    Connecting(Instant),
    /// There.
    Up(Up),
}

/// What holds while a connection is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Up {
    /// What the switch performs.
    pub features: Vec<String>,
    since: Instant,
    heartbeat_at: Instant,
    misses: u32,
}

/// What a request was sent for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose<S> {
    /// To see whether it is there.
    Heartbeat,
    /// To know an appearance.
    Monitor(Appearance),
    /// To know it no more.
    Unmonitor,
    /// For a session.
    Service(S),
}

/// Something for the owner to do.
pub enum Action<S> {
    /// Connect.
    Connect(NodeId),
    /// Drop the connection.
    Disconnect(NodeId),
    /// Send this.
    Send(NodeId, LinkRequest),
    /// It is there.
    Up(NodeId),
    /// It was there, and is no longer.
    Down(NodeId, String),
    /// It could not be reached; told once.
    Unreachable(NodeId, String),
    /// The switch has not answered in time, or is gone.
    Unanswered(NodeId, Purpose<S>),
}

struct Pending<S> {
    purpose: Purpose<S>,
    until: Instant,
}

/// One address of the switch.
struct Node<S> {
    state: State,
    epoch: u32,
    failures: u32,
    pending: BTreeMap<u32, Pending<S>>,
    requests: u32,
    watches: Watches,
}

/// All of them.
pub struct Nodes<S> {
    list: Vec<Node<S>>,
    heartbeat: Duration,
    /// Where the search for the next one begins.
    cursor: usize,
    random: Random,
    actions: Vec<Action<S>>,
}

impl<S> Nodes<S> {
    /// So many, none of them connected.
    pub fn new(count: usize, heartbeat: Duration, random: Random) -> Self {
        let node = |_| Node {
            state: State::Down(Instant::default()),
            epoch: 0,
            failures: 0,
            pending: BTreeMap::new(),
            requests: 0,
            watches: Watches::default(),
        };
        Self {
            list: (0..count).map(node).collect(),
            heartbeat,
            cursor: 0,
            random,
            actions: Vec::new(),
        }
    }

    /// What is to be done.
    pub fn take_actions(&mut self) -> Vec<Action<S>> {
        core::mem::take(&mut self.actions)
    }

    /// States, in the order of the list.
    pub fn states(&self) -> impl Iterator<Item = &State> {
        self.list.iter().map(|node| &node.state)
    }

    /// Whether this connection is up.
    pub fn is_up(&self, id: NodeId) -> bool {
        self.features(id).is_some()
    }

    /// What the switch performs, while this connection is up.
    pub fn features(&self, id: NodeId) -> Option<&[String]> {
        let node = self
            .list
            .get(id.node)
            .filter(|node| node.epoch == id.epoch)?;
        match &node.state {
            State::Up(up) => Some(&up.features),
            _ => None,
        }
    }

    /// What is known of appearances there, while this connection is up.
    pub fn watches(&mut self, id: NodeId) -> Option<&mut Watches> {
        if !self.is_up(id) {
            return None;
        }
        self.list.get_mut(id.node).map(|node| &mut node.watches)
    }

    /// The connection that is to serve a new session: those that are up by turns.
    pub fn choose(&mut self) -> Option<NodeId> {
        let count = self.list.len();
        for step in 0..count {
            let node = (self.cursor + step) % count;
            let Some(found) = self.list.get(node) else {
                continue;
            };
            if let State::Up(_) = found.state {
                self.cursor = node + 1;
                let epoch = found.epoch;
                return Some(NodeId { node, epoch });
            }
        }
        None
    }

    /// When the first of those that are down is tried again; `None`: one is being tried.
    pub fn next_try(&self) -> Option<Instant> {
        let mut next = None;
        for node in &self.list {
            match node.state {
                State::Down(at) => next = earliest(&[next, Some(at)]),
                _ => return None,
            }
        }
        next
    }

    /// Asks the switch. `false`: it is not there.
    pub fn ask(
        &mut self,
        now: Instant,
        id: NodeId,
        purpose: Purpose<S>,
        at: Option<Appearance>,
        (service, members): (&'static str, Members),
    ) -> bool {
        if !self.is_up(id) {
            return false;
        }
        let Some(node) = self.list.get_mut(id.node) else {
            return false;
        };
        node.requests += 1;
        let until = now + ANSWER;
        node.pending
            .insert(node.requests, Pending { purpose, until });
        let request = LinkRequest {
            id: node.requests,
            service,
            at,
            members,
        };
        self.actions.push(Action::Send(id, request));
        true
    }

    /// What the answer of this number is to. An answer to nothing changes nothing.
    pub fn answered(&mut self, id: NodeId, request: u32) -> Option<Purpose<S>> {
        let node = self.list.get_mut(id.node)?;
        if node.epoch != id.epoch {
            return None;
        }
        let pending = node.pending.remove(&request)?;
        if let (Purpose::Heartbeat, State::Up(up)) = (&pending.purpose, &mut node.state) {
            up.misses = 0;
        }
        Some(pending.purpose)
    }

    /// The switch is there.
    pub fn greeted(&mut self, now: Instant, id: NodeId, features: Vec<String>) {
        let heartbeat_at = now + self.heartbeat;
        let Some(node) = self.list.get_mut(id.node) else {
            return;
        };
        if node.epoch == id.epoch
            && let State::Connecting(_) = node.state
        {
            node.state = State::Up(Up {
                features,
                since: now,
                heartbeat_at,
                misses: 0,
            });
            self.actions.push(Action::Up(id));
        }
    }

    /// The connection is gone.
    pub fn closed(&mut self, now: Instant, id: NodeId, reason: &str) {
        let Some(node) = self.list.get_mut(id.node) else {
            return;
        };
        if node.epoch != id.epoch || matches!(node.state, State::Down(_)) {
            return;
        }
        let was_up = matches!(node.state, State::Up(_));
        let steady = matches!(&node.state, State::Up(up) if now - up.since >= STEADY);
        node.failures = if steady { 1 } else { node.failures + 1 };
        let pause = reconnect_delay(node.failures, &mut self.random);
        node.state = State::Down(now + pause);
        node.watches = Watches::default();
        for pending in core::mem::take(&mut node.pending).into_values() {
            self.actions.push(Action::Unanswered(id, pending.purpose));
        }
        let reason = reason.to_owned();
        if was_up {
            self.actions.push(Action::Down(id, reason));
        } else if node.failures == 1 {
            self.actions.push(Action::Unreachable(id, reason));
        }
    }

    /// Drops a connection that is no good.
    pub fn drop(&mut self, now: Instant, id: NodeId, reason: &str) {
        self.actions.push(Action::Disconnect(id));
        self.closed(now, id, reason);
    }

    /// Drops all of them.
    pub fn stop(&mut self) {
        for (node, one) in self.list.iter_mut().enumerate() {
            if !matches!(one.state, State::Down(_)) {
                let epoch = one.epoch;
                self.actions
                    .push(Action::Disconnect(NodeId { node, epoch }));
            }
            one.state = State::Down(NEVER);
        }
    }

    /// Fires what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for node in 0..self.list.len() {
            self.node_is_due(now, node);
        }
    }

    fn node_is_due(&mut self, now: Instant, node: usize) {
        let heartbeat = self.heartbeat;
        let Some(one) = self.list.get_mut(node) else {
            return;
        };
        let epoch = one.epoch;
        let id = NodeId { node, epoch };
        let late = |(id, pending): (&u32, &Pending<S>)| (pending.until <= now).then_some(*id);
        let late: Vec<u32> = one.pending.iter().filter_map(late).collect();
        for request in late {
            if let Some(pending) = one.pending.remove(&request) {
                self.actions.push(Action::Unanswered(id, pending.purpose));
            }
        }
        match &mut one.state {
            State::Down(at) if *at <= now => {
                one.epoch += 1;
                one.requests = 0;
                one.state = State::Connecting(now + HELLO);
                let epoch = one.epoch;
                self.actions.push(Action::Connect(NodeId { node, epoch }));
            }
            State::Connecting(until) if *until <= now => {
                self.drop(now, id, "the switch does not say hello");
            }
            State::Up(up) if up.heartbeat_at <= now => {
                // Each that goes out counts as missed until it is answered.
                if up.misses >= MISSES {
                    return self.drop(now, id, "the switch answers no heartbeat");
                }
                up.misses += 1;
                up.heartbeat_at = now + heartbeat;
                let nothing = ("heartbeat", Members::new());
                self.ask(now, id, Purpose::Heartbeat, None, nothing);
            }
            _ => {}
        }
    }

    /// When that is.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let mut due = None;
        for node in &self.list {
            let state = match &node.state {
                State::Down(NEVER) => None,
                State::Down(at) | State::Connecting(at) => Some(*at),
                State::Up(up) => Some(up.heartbeat_at),
            };
            let pending = node.pending.values().map(|pending| pending.until).min();
            due = earliest(&[due, state, pending]);
        }
        due
    }
}

/// Of a gateway that has stopped.
const NEVER: Instant = Instant::from_millis(u64::MAX);
