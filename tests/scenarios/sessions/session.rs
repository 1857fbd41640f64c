//! Plays a script, and checks after every step of the world what must hold.

mod checks;

use super::expectation::Expectations;
use super::script::{ClientKind, DEEDS, Deed, FATES, Fate, OUTAGES, Outage, Script, Step, word};
use crate::tally::Tally;
use crate::world::{ClientId, Flaw, Network, World};
use graceline::phone::{Phone, Status};
use graceline::registrar::{Dialect, Policy};
use graceline::registration::{ConflictScope, RegistrationType};
use graceline::time::{Duration, Instant};
use graceline_kit::sessions::{Holds, Violation, violated};

/// REGISTERs that a deed may cost all clients of the device together.
const PER_DEED: f64 = 16.0;
/// Unused REGISTERs are not saved up beyond this.
const SAVED: f64 = 60.0;

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
    naive: Naive,
}

/// A group's place at the registrar.
#[derive(Default)]
struct Place {
    is_taken: bool,
    /// When somebody was bound last while nobody was.
    taken_at: Instant,
}

/// Contacts of naive clients on a client's device, since its last login began.
#[derive(Default)]
struct Naive {
    /// Bound while a force was under way.
    seen: Vec<String>,
    /// Of those, what was bound no more.
    gone: Vec<String>,
    /// Of those, one was bound again.
    back: bool,
}

impl Naive {
    /// `bound` are there; `forcing`: a force is under way.
    fn look(&mut self, bound: Vec<String>, forcing: bool) {
        self.back |= bound.iter().any(|contact| self.gone.contains(contact));
        if forcing {
            let gone = self.seen.iter().filter(|seen| !bound.contains(seen));
            self.gone.extend(gone.cloned());
            self.seen.extend(bound);
        }
    }
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
    places: Vec<Place>,
    pub tally: Tally,
}

/// A refresh is a look and a REGISTER, no more often than every 20 s, or in half
/// the time that is granted where that is less; both are challenged where nonces
/// do not live that long. Where they serve once, another one is asked for after it. A
/// naive client makes others look at every refresh.
fn refreshes(script: &Script) -> f64 {
    let asked = script.clients.iter().filter_map(|client| client.expires);
    let shortest = asked.chain(script.registrar.max_expires).min();
    let half = shortest.map_or(20, |granted| granted / 2);
    let naive = |client: &ClientKind| client.kind == RegistrationType::Normal;
    let once = script.registrar.dialect == Some(Dialect::Opensips);
    let each = match once || script.registrar.nonce_lifetime.is_some() {
        true => 4 + i32::from(once),
        false => 2,
    };
    let looked_at = 1 + i32::from(script.clients.iter().any(naive));
    f64::from(each * looked_at) / f64::from(half.min(20))
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
            places: groups.iter().map(|_| Place::default()).collect(),
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
                self.give_up(id, true);
                self.models[id].leaving.get_or_insert_default();
                self.world.act(id, Phone::unregister);
            }
            Deed::Abort => {
                if self.models[id].pending.is_some() {
                    self.give_up(id, true);
                }
                self.world.act(id, Phone::abort);
            }
            Deed::Close => {
                self.give_up(id, true);
                self.models[id].closed = true;
                self.models[id].leaving.get_or_insert_default();
                self.world.act(id, Phone::close);
            }
            Deed::Reload | Deed::Crash | Deed::LoseStorage => {
                self.give_up(id, deed == Deed::Reload);
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
                self.give_up(id, true);
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
                self.give_up(id, false);
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
            self.models[id].naive = Naive::default();
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
        self.look_for_naive(id);
    }

    /// The client gives up what it has, and what it is about to get.
    /// `removes`: it sends a removal of what it has, or believes to have.
    fn give_up(&mut self, id: ClientId, removes: bool) {
        self.abandon(id);
        let group = self.group(id);
        let one = self.script.registrar.dialect == Some(Dialect::Freeswitch);
        let bound = !matches!(
            self.world.status(id),
            Status::Idle | Status::ConnectionTerminated
        );
        self.expected.gives_up(group, id, removes && one && bound);
    }

    /// Nobody waits for the pending login any more. It may have taken over.
    fn abandon(&mut self, id: ClientId) {
        let pending = self.models[id].pending.take();
        if pending.is_some_and(|pending| pending.takes_over) {
            let group = self.group(id);
            self.expected.abandoned(group, self.world.now);
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
}
