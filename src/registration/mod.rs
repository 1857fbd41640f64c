//! One login of one device at one registrar: query, login, force, refresh,
//! being ousted, leaving (RFC 3261 §10.2; the graceful rules on top of it).
//!
//! The machine knows nothing of sockets, transactions and credentials: it asks
//! for a REGISTER ([`Action::Send`]), is given the final answer, and reports an
//! [`Outcome`]. While the flow to the server is down it rests.

mod answers;
mod claim;
mod ending;
mod failures;
mod goal;
mod judge;
mod listing;
mod looks;
mod outbound;
mod request;
mod terms;
mod watch;

use crate::fault::Fault;
use crate::prelude::*;
pub use claim::{Claim, Identity};
pub use listing::{ConflictScope, Holder, is_zero_instance};
pub use request::Register;
pub use terms::{Action, Ousting, Outcome, Profile, Refusal, RegistrationType, Settings};

use crate::queue::take_first;
use crate::rand::Random;
use crate::text::concat;
use crate::time::{Duration, Instant};
use goal::{Goal, Login, Progress, Stay};
use outbound::Outbound;

/// How long after a reload a refusal may be due to our own ghost.
const GHOST_PATIENCE: Duration = Duration::from_secs(10);

/// After so many queries that nobody answers, each on a connection of its own, a login
/// does without.
const SILENT_QUERIES: u8 = 2;

/// What is under way. One REGISTER at a time (RFC 3261 §10.2).
///
/// ```text
///            ┌──────────────┐ no rival  ┌──────────┐ 200, judged
///  login ───►│    Query     ├──────────►│ Register ├───────────► Rest ─┐
///            └──┬────▲──────┘           └──┬────▲──┘               ▲   │ look,
///        rival, │    │ Pause      rival in │    │ own again        │   │ refresh
///        forced ▼    │ (0–2 s)   first 200 ▼    │                  └───┘
///            ┌───────┴──────┐           ┌───────┴──┐
///            │    Clear     │           │ Withdraw │
///            └──────────────┘           └──────────┘
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing is under way.
    Rest,
    /// A REGISTER without Contact lists the bindings.
    Query,
    /// A REGISTER with our Contact, removals before it.
    Register,
    /// `Contact: *`.
    Clear,
    /// What may be bound of us is taken back, before what follows.
    Withdraw { then: Then },
    /// Wait, then go on with [`Step::Query`] or [`Step::Register`].
    Pause { until: Instant },
    /// We are registered, and an earlier claim of ours is removed.
    Sweep,
    /// Our own Contact is removed because the app asked for it.
    Unregister,
}

impl Step {
    /// Whether it takes back what may be bound, and nothing else.
    fn removes(&self) -> bool {
        matches!(self, Step::Withdraw { .. })
    }
}

/// What follows when nothing of us is bound any more.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Then {
    /// Another try, a little later.
    Again,
    Refuse(Refusal),
    Fail(Fault),
    /// Told at this time at the latest, whatever becomes of the removal.
    Oust(Ousting, Instant),
}

/// The registration machine. See the module's documentation.
pub struct Registration {
    settings: Settings,
    identity: Identity,
    host: String,
    profile: Option<Profile>,
    goal: Goal,
    step: Step,
    stay: Stay,
    progress: Progress,
    flow: bool,
    outbound: Outbound,
    /// Somebody (reg-event) tells us of changes: no need to look before a refresh.
    watched: bool,
    /// What it told.
    pub(crate) watch: watch::Watch,
    doubtful: bool,
    only_own_seen: bool,
    /// The registrar asks which device it is: a query does not say, nor does Cisco's form.
    pub shows_instance: bool,
    /// It asked for the first time in the answer at hand.
    unshown: bool,
    /// Contacts of the last list that could not be read.
    skipped: usize,
    /// A login here replaces another one in silence.
    pub replaces: bool,
    /// URIs of ours that may be bound: sent, and neither refused nor removed since.
    exposed: Vec<String>,
    /// The REGISTER under way added the last one of them.
    fresh: bool,
    /// Those that the registrar did not let us remove.
    stuck: Vec<String>,
    /// Contacts of the REGISTER that was sent last.
    sent: Vec<String>,
    ignored: Vec<String>,
    asked_expires: Option<u32>,
    /// When the binding was asked for last: it lives from then on.
    asked_at: Instant,
    /// Registrar's clock minus ours in seconds, where it sends a Date.
    clock_offset: Option<i64>,
    held_until: Option<Instant>,
    random: Random,
    actions: Vec<Action>,
}

impl Registration {
    /// A machine that is logged out. `remembered` is the profile found at an
    /// earlier login; `held_until` the time until which this instance may still
    /// be bound from an earlier page load.
    pub fn new(
        settings: Settings,
        remembered: Option<Profile>,
        held_until: Option<Instant>,
        mut random: Random,
    ) -> Self {
        let load = random.hex::<4>();
        let Settings {
            user,
            domain,
            device,
            instance_id,
            ..
        } = &settings;
        let identity = Identity::new(user, domain, device, instance_id, load);
        let host = concat(&[&random.hex::<6>(), ".invalid"]);
        Self {
            profile: settings.profile.or(remembered),
            settings,
            identity,
            host,
            goal: Goal::Idle,
            step: Step::Rest,
            stay: Stay::default(),
            progress: Progress::default(),
            flow: false,
            outbound: Outbound::default(),
            watched: false,
            watch: watch::Watch::default(),
            doubtful: false,
            only_own_seen: true,
            shows_instance: false,
            unshown: false,
            skipped: 0,
            replaces: false,
            exposed: Vec::new(),
            fresh: false,
            stuck: Vec::new(),
            sent: Vec::new(),
            ignored: Vec::new(),
            asked_expires: None,
            asked_at: Instant::default(),
            clock_offset: None,
            held_until,
            random,
            actions: Vec::new(),
        }
    }

    /// Starts a login. `deadline` bounds the waiting for `Retry-After`.
    pub fn login(&mut self, now: Instant, forced: bool, deadline: Instant) {
        self.begin(
            now,
            Login {
                forced: forced || self.settings.kind == RegistrationType::Duplicate,
                deadline: Some(deadline),
                ..Login::default()
            },
        );
    }

    /// The page came back from the back-forward cache: log in again, politely;
    /// a rival means that we were ousted meanwhile.
    pub fn resume(&mut self, now: Instant) {
        self.begin(
            now,
            Login {
                resumed: true,
                ..Login::default()
            },
        );
    }

    fn begin(&mut self, now: Instant, login: Login) {
        let held = self.held_until.is_some_and(|until| until > now);
        let forced = login.forced;
        self.goal = Goal::Login(Login {
            ghost_until: held.then(|| now + GHOST_PATIENCE),
            ..login
        });
        self.stay = Stay::default();
        self.restart_login();
        // Cisco's clients force on a new connection (see the reference of the
        // wire form); the flow that comes up then starts the login.
        let fresh = self.profile == Some(Profile::Cisco) && forced;
        if fresh && self.flow {
            self.flow = false;
            self.actions.push(Action::Reconnect);
        } else if self.flow {
            self.first_step(now);
        }
    }

    /// Forgets the progress of a login, not the login itself.
    fn restart_login(&mut self) {
        self.step = Step::Rest;
        self.progress = Progress::default();
    }

    /// The flow to the server is up: that of address number `slot`.
    pub fn flow_up(&mut self, now: Instant, slot: u32) {
        self.flow = true;
        self.outbound.home_at(slot);
        match self.goal {
            Goal::Idle => {}
            Goal::Login(_) => {
                self.restart_login();
                self.first_step(now);
            }
            Goal::Keep(_) => {
                self.unconfirm();
                self.look_now(now);
            }
            Goal::Leave(_) => self.send_removal(),
        }
    }

    /// The flow to the server is gone, and every answer with it.
    pub fn flow_down(&mut self) {
        self.flow = false;
        self.watched = false;
        self.fresh = false;
        let step = core::mem::replace(&mut self.step, Step::Rest);
        let leaving = step == Step::Unregister;
        if let Step::Withdraw {
            then: then @ (Then::Fail(_) | Then::Oust(..)),
        } = step
        {
            return self.end_with(then);
        }
        match &mut self.goal {
            Goal::Keep(kept) => {
                kept.unconfirmed = true;
                self.actions.push(Action::Outcome(Outcome::Recovering));
            }
            // The removal may have been lost with the flow: once more.
            Goal::Leave(leave) if leaving && !leave.repeated => leave.repeated = true,
            // Nobody is left to ask; the binding lapses by itself.
            Goal::Leave(_) => self.left(),
            Goal::Idle | Goal::Login(_) => {}
        }
    }

    /// Whether the request answered next shows credentials that no answer has
    /// accepted yet.
    pub fn set_doubtful(&mut self, doubtful: bool) {
        self.doubtful = doubtful;
    }

    /// Contacts that are no rivals although `conflictScope` is `user`.
    pub fn ignore(&mut self, contact: String) {
        self.ignored.push(contact);
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        take_first(&mut self.actions)
    }

    /// Seconds granted, 0 when not registered.
    pub fn granted(&self) -> u32 {
        self.kept().map_or(0, |kept| kept.bound.granted)
    }

    /// When the binding lapses unless it is refreshed.
    pub fn lapses_at(&self) -> Option<Instant> {
        self.kept().map(|kept| kept.bound.lapses_at)
    }

    /// The profile in use, once known.
    pub fn profile(&self) -> Option<Profile> {
        self.profile
    }

    /// Whether this login was forced.
    pub fn forced(&self) -> bool {
        match &self.goal {
            Goal::Login(login) => login.forced,
            _ => self.stay.claim.as_ref().is_some_and(|claim| claim.forced),
        }
    }

    /// Whether the registrar ever showed another binding or let itself be asked:
    /// where it does not, a rival cannot be seen.
    pub fn detects_conflicts(&self) -> bool {
        let unlisted = self.stay.query_refused || self.stay.silent_queries >= SILENT_QUERIES;
        let listed = !(unlisted && self.only_own_seen);
        !self.stay.beside && (listed || self.profile == Some(Profile::Cisco))
    }

    /// Why conflicts are not seen, or not settled.
    pub fn why_no_conflicts(&self) -> &'static str {
        match self.stay.beside {
            true => {
                "another client of this device stays registered beside this phone: the registrar \
                 lets nobody remove it, and it does not understand that it was taken over"
            }
            false => {
                "this registrar lists nobody else and refuses nobody: another login of the device \
                 cannot be seen"
            }
        }
    }

    /// Whether a login, a binding or the removal of one is going on.
    pub fn is_active(&self) -> bool {
        !matches!(self.goal, Goal::Idle)
    }

    /// Whether the removal of the binding is going on.
    pub fn is_leaving(&self) -> bool {
        matches!(self.goal, Goal::Leave(_))
    }

    /// Whether the binding is confirmed and kept.
    pub fn is_bound(&self) -> bool {
        self.kept().is_some()
    }

    /// Whether the binding is confirmed and nothing is under way: the moment to
    /// move it to another flow.
    pub fn is_settled(&self) -> bool {
        self.is_confirmed() && matches!(self.step, Step::Rest)
    }

    /// The Contact user part in use: requests for anybody else are not for us.
    pub fn contact_user(&self) -> Option<String> {
        self.stay.claim.is_some().then(|| self.user_part())
    }

    fn first_step(&mut self, now: Instant) {
        let blind = self.settings.kind == RegistrationType::Normal || !self.lists();
        if self.profile == Some(Profile::Cisco) || blind {
            self.register(now, Vec::new());
        } else {
            self.query();
        }
    }

    /// Whether it is worth asking for the list. Of silence an outage may have been the
    /// cause: who got in all the same asks once more, not to be blind from then on.
    fn lists(&self) -> bool {
        let enough = match self.goal {
            Goal::Keep(_) => SILENT_QUERIES + 1,
            _ => SILENT_QUERIES,
        };
        !self.stay.query_refused && self.stay.silent_queries < enough
    }
}
