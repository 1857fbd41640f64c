//! Plays a script, and checks after every step of the world what must hold.

use super::expectation::Expectations;
use super::script::{ClientKind, DEEDS, Deed, FATES, Fate, OUTAGES, Outage, Script, Step, word};
use crate::tally::Tally;
use crate::world::{ClientId, Flaw, Network, World};
use graceline::phone::{Event, Fault, Phone, Status};
use graceline::registrar::{Policy, Telling};
use graceline::registration::{ConflictScope, RegistrationType};
use graceline::time::{Duration, Instant};

/// A registerPhone settles within its timeout of 30 s.
const SETTLES_WITHIN: Duration = Duration::from_secs(31);
/// How long two clients of a device may believe to be registered while the
/// network is quiet: until the next look, and the answer to it.
const TWO_AT_ONCE: Duration = Duration::from_secs(65);
/// As above, where the registrar forgot those who had subscribed, and kept their
/// connections: until the subscription is refreshed and the next look is due.
const TWO_AFTER_FORGETTING: Duration = Duration::from_secs(300 + 65);
/// After this, what the dead have left behind has lapsed: the longest time that
/// a script's registrars grant, and the slowest way back.
const QUIET: Duration = Duration::from_secs(180 + 80);
/// How long the quiet is watched.
const WATCHED: Duration = Duration::from_secs(240);
/// Claims count seconds: of two logins this close, of which the later one could not
/// see the earlier one, the tags decide (docs/registration.md, known limits).
const SAME_SECOND: Duration = Duration::from_secs(2);
/// REGISTERs that a deed may cost all clients of the device together.
const PER_DEED: f64 = 16.0;
/// Unused REGISTERs are not saved up beyond this.
const SAVED: f64 = 60.0;

/// What did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of the invariant, as in the documentation of this module's parent.
    pub invariant: u8,
    /// Which part of it.
    pub rule: &'static str,
    pub detail: String,
}

pub type Holds = Result<(), Violation>;

pub fn violated(invariant: u8, rule: &'static str, detail: impl Into<String>) -> Holds {
    Err(Violation {
        invariant,
        rule,
        detail: detail.into(),
    })
}

/// A pending `registerPhone`.
struct Pending {
    attempt: u32,
    since: Instant,
    /// Milliseconds that the client was awake.
    waited: u64,
    forced: bool,
    /// It may take the device from another client.
    takes_over: bool,
    /// Something stands in its way: a fault, or another login.
    disturbed: bool,
}

/// What one client's user did and saw.
#[derive(Default)]
struct Model {
    pending: Option<Pending>,
    /// How long it has been unregistering, in milliseconds awake.
    leaving: Option<u64>,
    /// REGISTERs sent when it was told that it is ousted.
    ousted: Option<usize>,
    /// Logged in, and since when.
    since: Instant,
    /// A fault, since it logged in.
    faulted: bool,
    /// The page is in the back-forward cache.
    away: bool,
    closed: bool,
    status: Status,
    /// When a binding of somebody else on its device was seen last.
    rival_seen: Option<Instant>,
    /// Since when there has been one without a gap.
    rival_since: Option<Instant>,
}

pub struct Session<'a> {
    script: &'a Script,
    pub world: World,
    models: Vec<Model>,
    /// Clients that are rivals of each other.
    groups: Vec<Vec<ClientId>>,
    expected: Expectations,
    /// REGISTERs in a second that refreshes and their looks may cost a client.
    refreshes: f64,
    /// REGISTERs that may still be sent, and those that were counted.
    allowance: f64,
    counted: usize,
    /// The registrar lost its state, but no connections.
    forgot: bool,
    /// When something was done last.
    disturbed: Instant,
    /// Since when each group has had two clients that believe to be registered.
    doubles: Vec<Option<Instant>>,
    pub tally: Tally,
}

/// A refresh is a look and a REGISTER, no more often than every 20 s, or in half
/// the time that is granted where that is less; both are challenged where nonces
/// do not live that long. A naive client makes others look at every refresh.
fn refreshes(script: &Script) -> f64 {
    let asked = script.clients.iter().filter_map(|client| client.expires);
    let shortest = asked.chain(script.registrar.max_expires).min();
    let half = shortest.map_or(20, |granted| granted / 2);
    let naive = |client: &ClientKind| client.kind == RegistrationType::Normal;
    let challenged = script.registrar.nonce_lifetime.is_some();
    let doubled = [challenged, script.clients.iter().any(naive)];
    let each = doubled
        .iter()
        .filter(|doubled| **doubled)
        .fold(2, |each, _| each * 2);
    f64::from(each) / f64::from(half.min(20))
}

fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

impl<'a> Session<'a> {
    pub fn new(script: &'a Script, flaw: Option<Flaw>) -> Self {
        let mut world = World::new(script.seed, script.registrar.config());
        for (id, kind) in script.clients.iter().enumerate() {
            let id = world.client_with(&format!("c{id}"), |config| kind.adapt(config));
            world.clients[id].flaw = flaw.filter(|_| id == 0);
        }
        let mut groups: Vec<Vec<ClientId>> = Vec::new();
        for (id, kind) in script.clients.iter().enumerate() {
            let by_user = kind.scope == ConflictScope::User;
            let group = groups.iter_mut().find(|group| {
                let first = &script.clients[group[0]];
                by_user && first.scope == kind.scope || first.device == kind.device
            });
            match group {
                Some(group) => group.push(id),
                None => groups.push(vec![id]),
            }
        }
        let last_wins = script.registrar.policy == Policy::Duplicate;
        let refuses_by_itself = script.registrar.policy != Policy::Normal;
        Self {
            models: script.clients.iter().map(|_| Model::default()).collect(),
            expected: Expectations::new(groups.len(), last_wins, refuses_by_itself),
            doubles: vec![None; groups.len()],
            groups,
            refreshes: refreshes(script),
            allowance: SAVED,
            counted: 0,
            forgot: false,
            disturbed: world.now,
            tally: Tally::default(),
            script,
            world,
        }
    }

    /// Plays the whole script, and what follows when all is quiet.
    pub fn play(&mut self) -> Holds {
        for step in &self.script.steps {
            self.world.note(|_| format!("— {step}"));
            match *step {
                Step::Wait(millis) => self.pass(Duration::from_millis(millis))?,
                Step::To(id, deed) if id < self.models.len() => self.deed(id, deed)?,
                Step::To(..) => {}
                Step::Latency(id, millis) => self.world.clients[id].latency = millis,
                Step::SlowOpen(id, millis) => self.world.clients[id].slow_open = millis,
                Step::Server(outage) => self.outage(outage)?,
                Step::Node(node, fate) => self.node(node, fate)?,
            }
        }
        self.end()
    }

    fn group(&self, id: ClientId) -> usize {
        let with = |group: &Vec<ClientId>| group.contains(&id);
        self.groups.iter().position(with).unwrap_or_default()
    }

    /// Whether all clients of the group play by the rules.
    fn is_graceful(&self, group: usize) -> bool {
        let naive = |id: &ClientId| self.script.clients[*id].kind == RegistrationType::Normal;
        !self.groups[group].iter().any(naive)
    }

    // Deeds.

    fn deed(&mut self, id: ClientId, deed: Deed) -> Holds {
        let model = &self.models[id];
        let client = &self.world.clients[id];
        let by_user = matches!(
            deed,
            Deed::Register
                | Deed::Force
                | Deed::Unregister
                | Deed::Abort
                | Deed::Close
                | Deed::Look
                | Deed::Leave
                | Deed::OtherTab
        );
        let waking = matches!(deed, Deed::Wake | Deed::WakeTimersFirst);
        let impossible = client.asleep && (by_user || deed == Deed::Resume)
            || by_user && (model.away || model.closed)
            || deed == Deed::Resume && !model.away
            || waking && !client.asleep;
        if impossible {
            return Ok(());
        }
        let status = self.world.status(id).as_str();
        let name = word(DEEDS, &deed);
        self.tally.count("deeds", name);
        self.tally
            .count("deed in status", format!("{name}/{status}"));
        self.disturb();
        self.perform(id, deed);
        self.check()
    }

    fn perform(&mut self, id: ClientId, deed: Deed) {
        match deed {
            Deed::Register => self.register(id, false),
            Deed::Force => self.register(id, true),
            Deed::Unregister => {
                self.give_up(id);
                self.models[id].leaving.get_or_insert_default();
                self.world.act(id, Phone::unregister);
            }
            Deed::Abort => {
                if self.models[id].pending.is_some() {
                    self.give_up(id);
                }
                self.world.act(id, Phone::abort);
            }
            Deed::Close => {
                self.give_up(id);
                self.models[id].closed = true;
                self.models[id].leaving.get_or_insert_default();
                self.world.act(id, Phone::close);
            }
            Deed::Reload | Deed::Crash | Deed::LoseStorage => {
                self.give_up(id);
                let seen = &self.models[id];
                self.models[id] = Model {
                    rival_seen: seen.rival_seen,
                    rival_since: seen.rival_since,
                    ..Model::default()
                };
                match deed {
                    Deed::LoseStorage => self.world.reload_without_storage(id),
                    _ => self.world.reload(id, deed == Deed::Reload),
                }
                // The old page hears nothing any more.
                self.world.log.clear();
                // What was its own may be a stranger's now.
                self.world.clients[id].asleep = false;
                self.world.bindings_changed = true;
            }
            Deed::Look => self.world.act(id, Phone::look),
            Deed::Leave => {
                self.give_up(id);
                self.models[id].away = true;
                self.world.act(id, Phone::leave);
            }
            Deed::Resume => {
                // It may find anything, as after a fault.
                self.fault(id);
                self.models[id].away = false;
                self.models[id].since = self.world.now;
                self.world.act(id, Phone::resume);
            }
            Deed::OtherTab => {
                // It is ousted once, and is told so however often.
                self.give_up(id);
                self.models[id].ousted = None;
                self.models[id].rival_seen = Some(self.world.now);
                self.world.act(id, Phone::silence);
            }
            Deed::Sleep => {
                self.fault(id);
                self.world.clients[id].asleep = true;
            }
            Deed::Wake => self.world.wake(id),
            Deed::WakeTimersFirst => self.world.wake_timers_first(id),
            Deed::Silence => {
                self.fault(id);
                self.world.clients[id].network = Network::Silent;
            }
            Deed::Refuse => {
                self.fault(id);
                self.world.clients[id].network = Network::Refusing;
            }
            Deed::Heal => self.world.clients[id].network = Network::Up,
            Deed::Cut => {
                self.fault(id);
                self.world.cut(id);
            }
            Deed::CutUnseenByServer => {
                self.fault(id);
                self.world.cut_unseen_by_server(id);
            }
            Deed::CutUnseenByClient => {
                self.fault(id);
                self.world.cut_unseen_by_client(id);
            }
        }
    }

    fn outage(&mut self, outage: Outage) -> Holds {
        self.tally.count("outages", word(OUTAGES, &outage));
        self.disturb();
        if outage != Outage::Up {
            (0..self.models.len()).for_each(|id| self.fault(id));
        }
        match outage {
            Outage::Restart => self.world.restart_registrar(),
            Outage::Forget => {
                self.forgot = true;
                self.world.forget();
            }
            Outage::Silent => self.world.nodes.fill(Network::Silent),
            Outage::Refusing => self.world.nodes.fill(Network::Refusing),
            Outage::Up => self.world.nodes.fill(Network::Up),
        }
        self.check()
    }

    fn node(&mut self, node: usize, fate: Fate) -> Holds {
        self.tally.count("nodes", word(FATES, &fate));
        self.disturb();
        if fate != Fate::ComesBack {
            (0..self.models.len()).for_each(|id| self.fault(id));
        }
        match fate {
            Fate::Dies => self.world.kill_node(node as u32),
            Fate::FallsSilent => self.world.nodes[node] = Network::Silent,
            Fate::ComesBack => self.world.nodes[node] = Network::Up,
        }
        self.check()
    }

    fn register(&mut self, id: ClientId, force: bool) {
        let kind = self.script.clients[id].kind;
        let forced = force || kind == RegistrationType::Duplicate;
        let takes_over = forced || self.script.registrar.policy == Policy::Duplicate;
        let group = self.group(id);
        self.abandon(id);
        for &other in &self.groups[group] {
            if let Some(other) = &mut self.models[other].pending {
                other.disturbed = true;
            }
        }
        let others = self.groups[group]
            .iter()
            .any(|&other| other != id && self.models[other].pending.is_some());
        let client = &self.world.clients[id];
        let slow = client.latency > 100 || client.slow_open > 1_000;
        let reachable = client.network == Network::Up && self.world.nodes == [Network::Up; 8];
        let idle = matches!(
            self.world.status(id),
            Status::Idle | Status::ConnectionTerminated
        );
        let already = self.world.status(id) == Status::Ready;
        if takes_over && !already {
            self.expected.contest(group);
        }
        // The promise of an unregister settles in JavaScript, when it is superseded.
        self.models[id].leaving = None;
        self.models[id].ousted = None;
        if !already {
            self.models[id].since = self.world.now;
            self.models[id].faulted = false;
        }
        let attempt = self.world.register(id, force);
        self.models[id].pending = Some(Pending {
            attempt,
            since: self.world.now,
            waited: 0,
            forced,
            takes_over,
            disturbed: others || slow || !reachable || !idle,
        });
    }

    /// The client gives up what it has, and what it is about to get.
    fn give_up(&mut self, id: ClientId) {
        self.abandon(id);
        let group = self.group(id);
        self.expected.gives_up(group, id);
    }

    /// Nobody waits for the pending login any more. It may have taken over.
    fn abandon(&mut self, id: ClientId) {
        let pending = self.models[id].pending.take();
        if pending.is_some_and(|pending| pending.takes_over) {
            let group = self.group(id);
            self.expected.contest(group);
        }
    }

    /// Something happens to the client's network or machine.
    fn fault(&mut self, id: ClientId) {
        self.models[id].faulted = true;
        if let Some(pending) = &mut self.models[id].pending {
            pending.disturbed = true;
        }
        let group = self.group(id);
        let rivals = self.rivals(group, id).next().is_some();
        self.expected.expose(group, id, rivals);
    }

    /// The others of the group that are registered, or believe so.
    fn rivals(&self, group: usize, id: ClientId) -> impl Iterator<Item = ClientId> {
        let active = move |other: &ClientId| {
            let status = self.world.status(*other);
            *other != id && !matches!(status, Status::Idle | Status::ConnectionTerminated)
        };
        self.groups[group].iter().copied().filter(active)
    }

    fn disturb(&mut self) {
        self.disturbed = self.world.now;
        self.allowance = (self.allowance + PER_DEED).min(SAVED);
    }

    // Time.

    fn pass(&mut self, duration: Duration) -> Holds {
        let end = self.world.now + duration;
        loop {
            let before = self.world.now;
            let more = self.world.step(end);
            self.age(self.world.now - before);
            self.check()?;
            if !more {
                return Ok(());
            }
        }
    }

    fn age(&mut self, elapsed: Duration) {
        let clients = self.models.len() as f64;
        let refreshes = seconds(elapsed) * self.refreshes * clients;
        self.allowance = (self.allowance + refreshes).min(SAVED);
        for (model, client) in self.models.iter_mut().zip(&self.world.clients) {
            if client.asleep {
                continue;
            }
            if let Some(pending) = &mut model.pending {
                pending.waited += elapsed.as_millis();
            }
            if let Some(leaving) = &mut model.leaving {
                *leaving += elapsed.as_millis();
            }
        }
    }

    // What holds at every moment.

    fn check(&mut self) -> Holds {
        if std::mem::take(&mut self.world.bindings_changed) {
            self.look_for_rivals();
        }
        for (id, registers, event) in std::mem::take(&mut self.world.log) {
            self.check_event(id, registers, event)?;
        }
        self.check_registers()?;
        for id in 0..self.models.len() {
            self.world.clients[id].events.clear();
            self.check_client(id)?;
        }
        (0..self.groups.len()).try_for_each(|group| self.check_double(group))
    }

    /// What the registrar has at this moment.
    fn look_for_rivals(&mut self) {
        let now = self.world.now;
        for id in 0..self.models.len() {
            let rival = self.has_rival(id, 0);
            let model = &mut self.models[id];
            if rival {
                model.rival_since.get_or_insert(now);
            } else if model.rival_since.take().is_some() {
                model.rival_seen = Some(now);
            }
        }
    }

    /// Whether somebody else has a binding on the client's device, with more than
    /// so many seconds left.
    fn has_rival(&self, id: ClientId, seconds: u64) -> bool {
        let client = &self.script.clients[id];
        let bindings = self.world.registrar.bindings("2001");
        bindings.iter().any(|binding| {
            let concerned = client.scope == ConflictScope::User || binding.device == client.device;
            concerned && binding.expires > seconds && self.world.owner(binding) != Some(id)
        })
    }

    /// Whether somebody else had a binding on the client's device since `since`.
    fn rival_since(&self, id: ClientId, since: Instant) -> bool {
        let model = &self.models[id];
        model.rival_since.is_some() || model.rival_seen.is_some_and(|seen| seen >= since)
    }

    fn check_registers(&mut self) -> Holds {
        let sent: usize = self.world.clients.iter().map(|c| c.registers).sum();
        self.allowance -= (sent - self.counted) as f64;
        self.counted = sent;
        if self.allowance < 0.0 {
            return violated(4, "REGISTERs without end", format!("{sent} until now"));
        }
        Ok(())
    }

    fn check_client(&mut self, id: ClientId) -> Holds {
        let client = &self.world.clients[id];
        let model = &self.models[id];
        let name = client.name.as_str();
        if model.ousted.is_some_and(|then| then != client.registers) {
            return violated(2, "a REGISTER after eConnectionTerminated", name);
        }
        let late = |waited: u64| waited > SETTLES_WITHIN.as_millis();
        if model.pending.as_ref().is_some_and(|p| late(p.waited)) {
            return violated(3, "a registerPhone that does not settle", name);
        }
        if model.leaving.is_some_and(late) {
            return violated(3, "an unregisterPhone that does not settle", name);
        }
        Ok(())
    }

    fn check_double(&mut self, group: usize) -> Holds {
        if !self.is_graceful(group) {
            return Ok(());
        }
        let registered = |id: &&ClientId| {
            let client = &self.world.clients[**id];
            let reachable = client.network == Network::Up && !client.asleep;
            reachable && self.world.status(**id) == Status::Ready
        };
        let many = self.groups[group].iter().filter(registered).count() > 1;
        let quiet = self.world.nodes == [Network::Up; 8];
        if !many || !quiet {
            self.doubles[group] = None;
            return Ok(());
        }
        let since = *self.doubles[group].get_or_insert(self.world.now);
        let since = since.max(self.disturbed);
        let bound = match self.forgot {
            true => TWO_AFTER_FORGETTING,
            false => self.two_at_once(),
        };
        if self.world.now - since > bound {
            return violated(1, "two clients that go on as registered", "");
        }
        Ok(())
    }

    /// A registrar that tells by refusing the next refresh tells when that comes.
    fn two_at_once(&self) -> Duration {
        let kind = &self.script.registrar;
        let half = kind.max_expires.unwrap_or_default() / 2;
        match kind.tell {
            Some(Telling::Refresh) => TWO_AT_ONCE.max(Duration::from_secs((half + 15).into())),
            _ => TWO_AT_ONCE,
        }
    }

    fn check_event(&mut self, id: ClientId, registers: usize, event: Event) -> Holds {
        let name = self.world.clients[id].name.clone();
        match event {
            Event::Status(status, _) => {
                let before = std::mem::replace(&mut self.models[id].status, status);
                let change = format!("{}→{}", before.as_str(), status.as_str());
                self.tally.count("changes of status", change);
                if status == Status::Ready {
                    let group = self.group(id);
                    let since = self.models[id].since;
                    self.expected.is_back(group, id, since);
                }
            }
            Event::Registered(attempt, registered) => {
                self.tally.count(
                    "events",
                    match registered.forced {
                        true => "registered (forced)",
                        false => "registered",
                    },
                );
                let pending = self.settled(id, attempt)?;
                self.check_registered(id, &pending)?;
            }
            Event::Failed(attempt, fault) => {
                self.tally.count("events", format!("failed {}", fault.code));
                let pending = self.settled(id, attempt)?;
                self.check_failed(id, &pending, &fault)?;
            }
            Event::Terminated { reason, .. } => {
                self.tally.count("events", format!("terminated {reason}"));
                if self.models[id].ousted.replace(registers).is_some() {
                    return violated(2, "ousted twice", name);
                }
                if !self.rival_since(id, self.models[id].since) {
                    return violated(6, "ousted by its own ghost", name);
                }
                let group = self.group(id);
                let pending = self.groups[group]
                    .iter()
                    .any(|&other| self.models[other].pending.is_some());
                self.expected.ousted(group, id, pending);
            }
            Event::Unregistered => {
                self.tally.count("events", "unregistered");
                if self.models[id].leaving.take().is_none() && !self.models[id].away {
                    return violated(3, "an unregisterPhone that settles twice", name);
                }
            }
            Event::Closed => self.tally.count("events", "closed"),
            Event::Error(fault) => {
                self.tally.count("events", format!("error {}", fault.code));
                let group = self.group(id);
                self.expected.gives_up(group, id);
                let limited = self.script.registrar.max_contacts.is_some();
                let excused = self.models[id].faulted && fault.code != "eCredentialsRejected";
                if !excused && !limited {
                    return violated(6, "a registration lost without a cause", fault.message);
                }
            }
            Event::Credentials { .. } | Event::Call(_) | Event::Abandoned(_) => {}
        }
        Ok(())
    }

    fn settled(&mut self, id: ClientId, attempt: u32) -> Result<Pending, Violation> {
        let pending = self.models[id].pending.take();
        pending
            .filter(|pending| pending.attempt == attempt)
            .ok_or_else(|| Violation {
                invariant: 3,
                rule: "a registerPhone that settles twice, or out of turn",
                detail: self.world.clients[id].name.clone(),
            })
    }

    fn check_registered(&mut self, id: ClientId, pending: &Pending) -> Holds {
        // One that was registered already says so at once: no takeover.
        if pending.since == self.world.now {
            return Ok(());
        }
        let group = self.group(id);
        let rival_since = self.models[id].rival_since;
        // Asterisk lists a second less than it grants: the last one counts as none.
        let beside =
            rival_since.is_some_and(|since| since <= pending.since) && self.has_rival(id, 1);
        if !pending.takes_over && beside && self.is_graceful(group) {
            let name = self.world.clients[id].name.as_str();
            return violated(5, "an unforced login beside another client", name);
        }
        let now = self.world.now;
        if pending.takes_over {
            let stale = self
                .rivals(group, id)
                .any(|rival| self.models[rival].faulted);
            self.expected
                .took_over(group, id, pending.since, now, stale);
            let close = |rival: ClientId| {
                let rival = &self.models[rival];
                rival.faulted && now - rival.since <= SAME_SECOND
            };
            if self.rivals(group, id).any(close) {
                self.expected.contest(group);
            }
            if self.models[id].faulted {
                // What it holds may have lapsed before it heard of it.
                self.expected.expose(group, id, false);
            }
        } else {
            self.expected.logged_in(group, id);
        }
        Ok(())
    }

    fn check_failed(&mut self, id: ClientId, pending: &Pending, fault: &Fault) -> Holds {
        let group = self.group(id);
        match pending.takes_over {
            true => self.expected.contest(group),
            false => self.expected.gives_up(group, id),
        }
        let registrar = &self.script.registrar;
        let told = format!("{}: {}", self.world.clients[id].name, fault.message);
        let refused = fault.code == "eDeviceAlreadyRegistered";
        if refused && !self.rival_since(id, pending.since) {
            return violated(6, "locked out by its own ghost", told);
        }
        // A registrar that restarts between challenge and answer refuses both.
        let rejected = fault.code == "eCredentialsRejected" && !pending.disturbed;
        if rejected || fault.code == "eInternal" {
            return violated(6, "a login that failed without a cause", told);
        }
        let limited = registrar.max_contacts.is_some() || registrar.force_limit.is_some();
        // Policy duplicate lets everybody in but whom it ousted.
        let rivals = refused && !pending.forced;
        if !pending.disturbed && !limited && !rivals && self.is_graceful(group) {
            return violated(
                6,
                "a login that failed though nothing stood against it",
                told,
            );
        }
        Ok(())
    }

    // What holds once all is quiet.

    fn end(&mut self) -> Holds {
        self.world.note(|_| "— all is quiet".into());
        self.world.nodes.fill(Network::Up);
        self.disturb();
        for id in 0..self.models.len() {
            let client = &mut self.world.clients[id];
            client.network = Network::Up;
            client.slow_open = 0;
            if client.asleep {
                self.world.wake(id);
            }
        }
        self.pass(match self.forgot {
            true => QUIET.max(TWO_AFTER_FORGETTING),
            false => QUIET,
        })?;
        let before = self.counted;
        self.pass(WATCHED)?;
        let sent = self.counted - before;
        self.check_quiet(sent)
    }

    fn check_quiet(&mut self, sent: usize) -> Holds {
        let with = |wanted: &[Status]| -> Vec<ClientId> {
            let everybody = 0..self.models.len();
            everybody
                .filter(|&id| wanted.contains(&self.world.status(id)))
                .collect()
        };
        let ready = with(&[Status::Ready]);
        let under_way = with(&[Status::Registering, Status::RecoveryPending]);
        let refreshes = seconds(WATCHED) * self.refreshes * 1.1;
        let active = ready.len() + under_way.len();
        if sent as f64 > active as f64 * refreshes {
            let detail = format!("{sent} in {WATCHED:?} of quiet");
            return violated(4, "REGISTERs without end", detail);
        }
        let bindings = self.world.registrar.bindings("2001");
        let owners: Vec<Option<ClientId>> = bindings
            .iter()
            .map(|binding| self.world.owner(binding))
            .collect();
        if owners.contains(&None) {
            return violated(1, "a binding that is nobody's", format!("{bindings:?}"));
        }
        for (number, group) in self.groups.iter().enumerate() {
            if !self.is_graceful(number) {
                continue;
            }
            let in_group = |id: &ClientId| group.contains(id);
            let holders: Vec<ClientId> =
                owners.iter().flatten().copied().filter(in_group).collect();
            if holders.len() > 1 {
                let detail = format!("clients {holders:?}");
                return violated(1, "two registrations of a device", detail);
            }
            if let Some(id) = group.iter().find(|id| under_way.contains(id)) {
                return violated(6, "a client that does not come back", format!("{id}"));
            }
            let ready: Vec<ClientId> = ready.iter().copied().filter(in_group).collect();
            if ready != holders {
                let detail = format!("{ready:?} are ready, {holders:?} are registered");
                return violated(1, "who believes to be registered is not", detail);
            }
            let expected = self.expected.of(number);
            if !expected.is_empty() && !holders.iter().any(|id| expected.contains(id)) {
                let detail = format!("clients {holders:?} instead of {expected:?}");
                return violated(5, "the last force does not hold the device", detail);
            }
            let outcome = match holders.first() {
                None => "free at the end",
                Some(_) if !expected.is_empty() => "held by the last force",
                Some(_) => "held",
            };
            self.tally.count("devices", outcome);
        }
        Ok(())
    }
}
