//! What the client is after, and what is known only while it is after that: it comes and
//! goes with the state that it stands in.

use super::Registration;
use super::claim::Claim;
use super::judge::Removal;
use super::listing::Binding;
use crate::fault::Fault;
use crate::prelude::*;
use crate::time::Instant;

/// What the client is after.
///
/// ```text
///           login, resume           200, judged
///  ┌──────┐─────────────►┌─────────┐───────────►┌────────┐◄─┐ looks, refreshes,
///  │ Idle │              │  Login  │            │  Keep  │  │ comes back
///  └──────┘◄─────────────└────┬────┘◄───────────└─┬────┬─┘──┘
///   ▲   ▲  refused, failed    │     login, resume │    │
///   │   │                     │ unregister        │    │
///   │   │ removed, or      ┌──▼──────┐            │    │
///   │   └──────────────────│  Leave  │◄───────────┘    │
///   │     nobody answers   └─────────┘                 │
///   └──────────────────────────────────────────────────┘
///     ousted, failed; from everywhere: the page is left, another tab speaks
/// ```
pub(super) enum Goal {
    /// Nothing: not logged in.
    Idle,
    /// To be bound.
    Login(Login),
    /// Keep the binding that the login got.
    Keep(Kept),
    /// Remove the binding.
    Leave(Leaving),
}

/// A login asked for by the app, or (`resumed`) by a page that came back.
#[derive(Default)]
pub(super) struct Login {
    pub forced: bool,
    pub resumed: bool,
    /// Bounds the waiting for `Retry-After`.
    pub deadline: Option<Instant>,
    /// Until when it is repeated if its refusal may be due to our own ghost.
    pub ghost_until: Option<Instant>,
}

/// A registration that stands, or that is to stand again.
pub(super) struct Kept {
    pub bound: Bound,
    /// The flow was lost, or the binding lapsed, since it was last confirmed.
    pub unconfirmed: bool,
    /// Since when somebody is listed who may be a newcomer that leaves at once.
    pub doubted: Option<Instant>,
    /// Our place was lost to another device on a flow that stands, or to a rival with an
    /// older claim, and we took it back.
    took_back: bool,
}

/// A binding that the registrar confirmed.
pub(super) struct Bound {
    pub granted: u32,
    pub refresh_at: Instant,
    pub lapses_at: Instant,
    /// When to look, where nobody tells of changes.
    pub look_at: Option<Instant>,
}

/// The removal of the binding.
#[derive(Default)]
pub(super) struct Leaving {
    /// It was sent, and lost with its flow.
    pub repeated: bool,
}

/// What is known from a login on until its registration ends.
#[derive(Default)]
pub(super) struct Stay {
    pub claim: Option<Claim>,
    /// Times at which a look is due, whoever else tells, earliest first.
    pub looks: Vec<Instant>,
    pub last_burst: Option<Instant>,
    /// Untagged contacts that a force of ours removed.
    pub removed: Vec<String>,
    /// Earlier claims of ours whose removal was asked for.
    pub swept: Vec<String>,
    /// A rival that claims nothing stayed though this login was forced.
    pub beside: bool,
    pub query_refused: bool,
    /// Queries since the last answered one that nobody answered.
    pub silent_queries: u8,
    /// The registrar announced that it refuses by itself, and did not keep to it.
    pub contradicted: bool,
}

/// How far a login, or a look and its refresh, has come.
#[derive(Default)]
pub(super) struct Progress {
    pub rounds: u8,
    pub server_errors: u8,
    pub redirects: u8,
    /// Whom to ask since the last redirection.
    pub target: Option<String>,
    /// `Contact: *` was sent.
    pub cleared: bool,
    pub removal: Option<Removal>,
    /// What the last look showed, for the refusal after a limit answer.
    pub listed: Vec<Binding>,
    pub pending_limit: Option<Fault>,
}

impl Kept {
    pub fn new(bound: Bound) -> Self {
        Self {
            bound,
            unconfirmed: false,
            doubted: None,
            took_back: false,
        }
    }

    /// Whether the place is to be taken back for a second time running.
    pub fn takes_back_again(&mut self) -> bool {
        self.took_back = !self.took_back;
        !self.took_back
    }
}

impl Progress {
    /// It has got where it wanted. A registrar that was named by another one stays.
    pub fn succeed(&mut self) {
        *self = Self {
            target: self.target.take(),
            ..Self::default()
        };
    }
}

impl Registration {
    pub(super) fn kept(&self) -> Option<&Kept> {
        match &self.goal {
            Goal::Keep(kept) => Some(kept),
            _ => None,
        }
    }

    pub(super) fn kept_mut(&mut self) -> Option<&mut Kept> {
        match &mut self.goal {
            Goal::Keep(kept) => Some(kept),
            _ => None,
        }
    }

    /// Whether a registration stands, as far as anybody knows.
    pub(super) fn is_confirmed(&self) -> bool {
        self.kept().is_some_and(|kept| !kept.unconfirmed)
    }

    pub(super) fn unconfirm(&mut self) {
        if let Some(kept) = self.kept_mut() {
            kept.unconfirmed = true;
        }
    }
}
