//! The flows: one connection for each address of the server, and on which of them
//! the registration has its home. What happens on them is in `flow`.

use super::Config;
use crate::flow::FlowId;
use crate::pool::{self, Candidate, Habit, Health, Heartbeat, Pace, Watch};
use crate::prelude::*;
use crate::rand::Random;
use crate::time::{Duration, Instant, earliest};

/// What an address of higher priority may be slower by than another one, at the
/// first connecting, and still get the registration.
const HEAD_START: Duration = Duration::from_millis(500);
/// Time for the answer of a peer that is asked because something happened here:
/// the machine woke up, the network changed.
const URGENT: Duration = Duration::from_secs(4);
/// The same while there is a call: nobody is heard until a connection that went
/// with its network is replaced, and one replaced for nothing costs no audio.
const URGENT_IN_CALL: Duration = Duration::from_secs(1);
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
pub(super) enum State {
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
pub(super) struct Flow {
    pub(super) state: State,
    pub(super) generation: u32,
    pub(super) failures: u32,
    pub(super) retry_at: Option<Instant>,
    pub(super) habit: Habit,
}

impl Flow {
    pub(super) fn health(&self, now: Instant) -> Health {
        match self.state {
            State::Open { .. } => Health::Open,
            State::Opening { .. } => Health::Opening,
            State::Closed if self.retry_at.is_none_or(|at| at <= now) => Health::Idle,
            State::Closed => Health::Resting,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    pub(super) fn heartbeat(&mut self) -> Option<&mut Heartbeat> {
        match &mut self.state {
            State::Open { heartbeat, .. } => Some(heartbeat),
            _ => None,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Closed => self.retry_at,
            State::Opening { deadline } => Some(*deadline),
            State::Open { heartbeat, .. } => Some(heartbeat.poll_timeout()),
        }
    }

    /// Closed, to be tried again after a pause that grows, but not while there is
    /// a call to be saved.
    pub(super) fn fail(&mut self, now: Instant, in_call: bool, random: &mut Random) {
        if matches!(self.state, State::Open { steady_at, .. } if steady_at <= now) {
            self.failures = 0;
        }
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
    pub(super) all: Vec<Flow>,
    /// Those that are open, in order of priority.
    pub(super) open: Vec<FlowId>,
    pub(super) watch: Watch,
    /// Where the registration is, or tries to get.
    pub(super) home: Option<usize>,
    /// The flow that the registration was told of.
    pub(super) adopted: Option<FlowId>,
    /// Until then an address of higher priority is waited for.
    head_start: Option<Instant>,
    /// When the registration may go back to an address of higher priority.
    back_at: Option<Instant>,
    /// Longest silence before a server is asked.
    interval: Duration,
    pub(super) in_call: bool,
}

impl Flows {
    pub(super) fn new(config: &Config) -> Self {
        let mut all = Vec::new();
        all.resize_with(config.connections.len(), Flow::default);
        Self {
            all,
            open: Vec::new(),
            watch: config.watch,
            home: None,
            adopted: None,
            head_start: None,
            back_at: None,
            interval: config.heartbeat,
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
        let patience = match self.in_call {
            true => URGENT_IN_CALL,
            false => URGENT,
        };
        for flow in &mut self.all {
            if let Some(heartbeat) = flow.heartbeat() {
                heartbeat.ask_now(now, patience);
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

    pub(super) fn pace(&self) -> Pace {
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

    /// One was opened, or closed.
    pub(super) fn note_open(&mut self) {
        let slots = 0..self.all.len();
        let open = |slot: &usize| {
            let flow = self.all.get(*slot);
            flow.is_some_and(|flow| matches!(flow.state, State::Open { .. }))
        };
        self.open = slots.filter(open).map(|slot| self.id(slot)).collect();
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
    pub(super) fn wants(&self, slot: usize) -> bool {
        self.watch == Watch::All || self.home.is_none_or(|home| slot <= home)
    }

    /// The open or opening flow of this name.
    pub(super) fn get(&mut self, id: FlowId) -> Option<&mut Flow> {
        let flow = self.all.get_mut(id.slot as usize)?;
        (!flow.is_closed() && flow.generation == id.generation).then_some(flow)
    }

    pub(super) fn id(&self, slot: usize) -> FlowId {
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

    pub(super) fn open_home(&self) -> Option<FlowId> {
        let slot = self.home?;
        let flow = self.all.get(slot)?;
        matches!(flow.state, State::Open { .. }).then(|| self.id(slot))
    }

    /// Chooses where the registration belongs. `settled`: nothing would be
    /// disturbed by moving it; `login`: the app waits for it.
    pub(super) fn choose_home(&mut self, now: Instant, settled: bool, login: bool) {
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
