//! One login of one device at one registrar: query, login, force, refresh,
//! being ousted, leaving (RFC 3261 §10.2; the graceful rules on top of it).
//!
//! The machine knows nothing of sockets, transactions and credentials: it asks
//! for a REGISTER ([`Action::Send`]), is given the final answer, and reports an
//! [`Outcome`]. While the flow to the server is down it rests.

mod answers;
mod claim;
mod failures;
mod judge;
mod listing;
mod looks;
mod request;
mod spares;
mod terms;

use crate::prelude::*;
pub use claim::{Claim, Identity};
pub use listing::{ConflictScope, Holder, is_zero_instance};
pub use request::Register;
pub use terms::{Action, Failure, Ousting, Outcome, Profile, Refusal, RegistrationType, Settings};

use crate::queue::take_first;
use crate::rand::Random;
use crate::text::concat;
use crate::time::{Duration, Instant};
use listing::{Binding, user_of};
use request::removal_of;
use spares::Spares;

/// How long whoever is ousted waits for the answer to his farewell before he is told:
/// a digest round trip, and no call that somebody else is to have.
const OUST_PATIENCE: Duration = Duration::from_secs(1);

/// After so many queries that nobody answers, each on a connection of its own, a login
/// does without.
const SILENT_QUERIES: u8 = 2;

/// What the client is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// Nothing: not logged in.
    Idle,
    /// A login asked for by the app, or (`resumed`) by a page that came back.
    Login { forced: bool, resumed: bool },
    /// Keep the binding that the login got.
    Keep,
    /// Remove the binding.
    Leave,
}

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

/// What follows when nothing of us is bound any more.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Then {
    /// Another try, a little later.
    Again,
    Refuse(Refusal),
    Fail(Failure),
    /// Told at this time at the latest, whatever becomes of the removal.
    Oust(Ousting, Instant),
}

/// A binding that the registrar confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    granted: u32,
    refresh_at: Instant,
    lapses_at: Instant,
    /// When to look, where nobody tells of changes.
    look_at: Option<Instant>,
}

/// The registration machine. See the module's documentation.
pub struct Registration {
    settings: Settings,
    identity: Identity,
    host: String,
    claim: Option<Claim>,
    profile: Option<Profile>,
    goal: Goal,
    step: Step,
    flow: bool,
    spares: Spares,
    bound: Option<Bound>,
    /// The flow was lost since the binding was last confirmed.
    unconfirmed: bool,
    /// Times at which a look is due, whoever else tells, earliest first.
    looks: Vec<Instant>,
    last_burst: Option<Instant>,
    /// Somebody (reg-event) tells us of changes: no need to look before a refresh.
    watched: bool,
    /// Since when somebody is listed who may be a newcomer that leaves at once.
    doubted: Option<Instant>,
    /// A rival with an older claim had taken our place, and we took it back.
    took_back: bool,
    rounds: u8,
    server_errors: u8,
    redirects: u8,
    cleared: bool,
    rung: Option<judge::Rung>,
    /// What the last look showed, for the refusal after a limit answer.
    listed: Vec<Binding>,
    pending_limit: Option<Failure>,
    query_refused: bool,
    /// Queries since the last answered one that nobody answered.
    silent_queries: u8,
    doubtful: bool,
    /// The registrar announced in this login that it refuses by itself, and did not
    /// keep to it.
    contradicted: bool,
    only_own_seen: bool,
    /// Contacts of the last list that could not be read.
    skipped: usize,
    /// Untagged contacts that a force of ours removed.
    removed: Vec<String>,
    /// A rival that claims nothing stayed though this login was forced.
    beside: bool,
    /// A login here replaces another one in silence.
    pub replaces: bool,
    /// Earlier claims of ours whose removal was asked for.
    swept: Vec<String>,
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
    target: Option<String>,
    /// Registrar's clock minus ours in seconds, where it sends a Date.
    clock_offset: Option<i64>,
    /// Until when a login is repeated whose refusal may be our own ghost.
    ghost_until: Option<Instant>,
    held_until: Option<Instant>,
    login_deadline: Option<Instant>,
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
            claim: None,
            goal: Goal::Idle,
            step: Step::Rest,
            flow: false,
            spares: Spares::default(),
            bound: None,
            unconfirmed: false,
            looks: Vec::new(),
            last_burst: None,
            watched: false,
            doubted: None,
            took_back: false,
            rounds: 0,
            server_errors: 0,
            redirects: 0,
            cleared: false,
            rung: None,
            listed: Vec::new(),
            pending_limit: None,
            query_refused: false,
            silent_queries: 0,
            doubtful: false,
            contradicted: false,
            only_own_seen: true,
            skipped: 0,
            removed: Vec::new(),
            beside: false,
            replaces: false,
            swept: Vec::new(),
            exposed: Vec::new(),
            fresh: false,
            stuck: Vec::new(),
            sent: Vec::new(),
            ignored: Vec::new(),
            asked_expires: None,
            asked_at: Instant::default(),
            target: None,
            clock_offset: None,
            ghost_until: None,
            held_until,
            login_deadline: None,
            random,
            actions: Vec::new(),
        }
    }

    /// Starts a login. `deadline` bounds the waiting for `Retry-After`.
    pub fn login(&mut self, now: Instant, forced: bool, deadline: Instant) {
        let forced = forced || self.settings.kind == RegistrationType::Duplicate;
        self.begin(
            now,
            Goal::Login {
                forced,
                resumed: false,
            },
            Some(deadline),
        );
    }

    /// The page came back from the back-forward cache: log in again, politely;
    /// a rival means that we were ousted meanwhile.
    pub fn resume(&mut self, now: Instant) {
        self.begin(
            now,
            Goal::Login {
                forced: false,
                resumed: true,
            },
            None,
        );
    }

    fn begin(&mut self, now: Instant, goal: Goal, deadline: Option<Instant>) {
        self.goal = goal;
        self.bound = None;
        self.claim = None;
        self.removed.clear();
        self.swept.clear();
        self.last_burst = None;
        self.looks.clear();
        self.doubted = None;
        self.took_back = false;
        self.contradicted = false;
        self.beside = false;
        self.query_refused = false;
        self.silent_queries = 0;
        self.login_deadline = deadline;
        self.ghost_until = self
            .held_until
            .filter(|until| *until > now)
            .map(|_| now + Duration::from_secs(10));
        self.restart_login();
        // Cisco's clients force on a new connection (see the reference of the
        // wire form); the flow that comes up then starts the login.
        let fresh = self.profile == Some(Profile::Cisco) && self.forced();
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
        self.rounds = 0;
        self.server_errors = 0;
        self.redirects = 0;
        self.cleared = false;
        self.rung = None;
        self.pending_limit = None;
        self.target = None;
    }

    /// Removes the binding, if there may be one. Answered by
    /// [`Outcome::Unregistered`].
    pub fn unregister(&mut self) {
        self.goal = Goal::Leave;
        self.rounds = 0;
        self.looks.clear();
        if self.exposed.is_empty() {
            self.left();
        } else if self.flow {
            self.send_removal();
        }
        // Else when the flow is up again, or with the next failure to get one.
    }

    /// The un-REGISTER of a page that is going away, if it may be bound; one more for
    /// each earlier try of a login that may be.
    pub fn farewell(&mut self) -> Vec<Register> {
        let mut registers = Vec::new();
        while let Some(register) = self.next_removal() {
            self.exposed.pop();
            registers.push(register);
        }
        self.forget();
        registers
    }

    /// User parts of Contacts of ours that may be bound.
    pub fn left_behind(&self) -> Option<String> {
        let mut left = String::new();
        for uri in self.stuck.iter().chain(&self.exposed) {
            if !left.is_empty() {
                left.push_str(" and ");
            }
            left.push_str(&user_of(uri));
        }
        (!left.is_empty()).then_some(left)
    }

    /// Stops without a word: another tab speaks for this client now.
    pub fn forget(&mut self) {
        self.goal = Goal::Idle;
        self.step = Step::Rest;
        self.bound = None;
        self.claim = None;
        self.looks.clear();
        self.exposed.clear();
        self.stuck.clear();
        self.actions.clear();
        self.spares.forget();
    }

    /// The flow to the server is up: that of address number `slot`.
    pub fn flow_up(&mut self, now: Instant, slot: u32) {
        self.flow = true;
        self.spares.home_at(slot);
        match self.goal {
            Goal::Idle => {}
            Goal::Login { .. } => {
                self.restart_login();
                self.first_step(now);
            }
            Goal::Keep => {
                self.unconfirmed = true;
                self.look_now(now);
            }
            Goal::Leave => self.send_removal(),
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
        match self.goal {
            Goal::Keep => {
                self.unconfirmed = true;
                self.actions.push(Action::Outcome(Outcome::Recovering));
            }
            // The removal may have been lost with the flow: once more.
            Goal::Leave if leaving && self.rounds == 0 => self.rounds = 1,
            // Nobody is left to ask; the binding lapses by itself.
            Goal::Leave => self.left(),
            Goal::Idle | Goal::Login { .. } => {}
        }
    }

    /// Whether the request answered next shows credentials that no answer has
    /// accepted yet.
    pub fn set_doubtful(&mut self, doubtful: bool) {
        self.doubtful = doubtful;
    }

    /// The registrar said by reg-event that this contact must not come back.
    pub fn rejected(&mut self) {
        if self.goal == Goal::Keep {
            let text = "the registrar removed this phone and forbids its return";
            self.fail("eServerRejected", 0, text);
        }
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
        self.bound.as_ref().map_or(0, |bound| bound.granted)
    }

    /// When the binding lapses unless it is refreshed.
    pub fn lapses_at(&self) -> Option<Instant> {
        self.bound.as_ref().map(|bound| bound.lapses_at)
    }

    /// The profile in use, once known.
    pub fn profile(&self) -> Option<Profile> {
        self.profile
    }

    /// Whether this login was forced.
    pub fn forced(&self) -> bool {
        match self.goal {
            Goal::Login { forced, .. } => forced,
            _ => self.claim.as_ref().is_some_and(|claim| claim.forced),
        }
    }

    /// Whether the registrar ever showed another binding or let itself be asked:
    /// where it does not, a rival cannot be seen.
    pub fn detects_conflicts(&self) -> bool {
        let unlisted = self.query_refused || self.silent_queries >= SILENT_QUERIES;
        let listed = !(unlisted && self.only_own_seen);
        !self.beside && (listed || self.profile == Some(Profile::Cisco))
    }

    /// Why conflicts are not seen, or not settled.
    pub fn why_no_conflicts(&self) -> &'static str {
        match self.beside {
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
        self.goal != Goal::Idle
    }

    /// Whether the removal of the binding is going on.
    pub fn is_leaving(&self) -> bool {
        self.goal == Goal::Leave
    }

    /// Whether the binding is confirmed and kept.
    pub fn is_bound(&self) -> bool {
        self.goal == Goal::Keep && self.bound.is_some()
    }

    /// Whether the binding is confirmed and nothing is under way: the moment to
    /// move it to another flow.
    pub fn is_settled(&self) -> bool {
        self.is_bound() && !self.unconfirmed && matches!(self.step, Step::Rest)
    }

    /// The Contact user part in use: requests for anybody else are not for us.
    pub fn contact_user(&self) -> Option<String> {
        self.claim.is_some().then(|| self.user_part())
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
            Goal::Keep => SILENT_QUERIES + 1,
            _ => SILENT_QUERIES,
        };
        !self.query_refused && self.silent_queries < enough
    }

    fn left(&mut self) {
        self.forget();
        self.held_until = None;
        self.actions.push(Action::Outcome(Outcome::Unregistered));
    }

    /// The login, or the keeping, has failed. Nothing of it stays bound that can be
    /// removed; then it is told.
    pub fn fail(&mut self, code: &'static str, status: u16, reason: &str) {
        let failure = Failure {
            code,
            status,
            reason: crate::sip::sanitize_text(reason),
            left: None,
        };
        match self.step {
            // The removal itself fails.
            Step::Withdraw { .. } => self.end_with(Then::Fail(failure)),
            _ => self.withdraw(Then::Fail(failure)),
        }
    }

    /// The credentials were refused, and with them the REGISTER that is under way.
    pub fn credentials_refused(&mut self, reason: &str) {
        self.not_bound();
        self.fail("eCredentialsRejected", 401, reason);
    }

    /// The REGISTER under way was refused: its Contact is not bound by it.
    fn not_bound(&mut self) {
        if core::mem::take(&mut self.fresh) {
            self.exposed.pop();
        }
    }

    /// Takes back what may be bound, and goes on with `then`.
    fn withdraw(&mut self, then: Then) {
        match self.next_removal() {
            Some(removal) => {
                self.step = Step::Withdraw { then };
                self.send(removal);
            }
            None => self.end_with(then),
        }
    }

    /// A removal was answered: the next one, or what follows.
    fn withdrawn(&mut self, now: Instant, ok: bool, then: Then) {
        if !ok {
            let sent = core::mem::take(&mut self.sent);
            let tried = |uri: &mut String| sent.contains(&removal_of(uri));
            self.stuck.extend(self.exposed.extract_if(.., tried));
        }
        match then {
            Then::Again if self.exposed.is_empty() => {
                self.claim = None;
                let wait = Duration::from_millis(self.random.below(2000));
                self.pause(now + wait);
            }
            then => self.withdraw(then),
        }
    }

    fn end_with(&mut self, then: Then) {
        let left = self.left_behind();
        let resumed = matches!(self.goal, Goal::Login { resumed: true, .. });
        self.forget();
        self.actions.push(Action::Outcome(match then {
            Then::Fail(failure) => Outcome::Failed(Failure { left, ..failure }),
            Then::Oust(ousting, _) => Outcome::Ousted(ousting),
            Then::Refuse(refusal) if resumed => Outcome::Ousted(Ousting {
                reason: "takenOver",
                by: refusal.holder,
            }),
            Then::Refuse(refusal) => Outcome::Refused(Refusal { left, ..refusal }),
            Then::Again => return,
        }));
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.withdraw(Then::Refuse(refusal));
    }

    /// The end of being registered: our contact is taken off the list first,
    /// where it is still on it, because nothing may be sent afterwards.
    fn oust(&mut self, now: Instant, reason: &'static str, by: Holder, still_listed: bool) {
        if !still_listed {
            self.exposed.clear();
        }
        self.held_until = None;
        let until = now + OUST_PATIENCE;
        self.withdraw(Then::Oust(Ousting { reason, by }, until));
    }
}
