//! Randomised sessions: clients, registrars, users and faults drawn from a
//! seed, the invariants of graceful registration checked after every action.
//!
//! `GRACELINE_SESSIONS=100000 cargo test --release --test scenarios sessions`
//! is the long run; `GRACELINE_SEED=n` runs one session and prints it.

use crate::conflict::{DIALECTS, plain};
use crate::world::{ClientId, Network, World, registrar_config};
use graceline::phone::{Event, Phone, Status};
use graceline::rand::Random;
use graceline::registrar::{Config, Policy};
use graceline::time::{Duration, Instant};

const DEFAULT_SESSIONS: u64 = 600;
/// A registerPhone settles within its timeout; late timers may add to it.
const SETTLES_WITHIN: Duration = Duration::from_secs(32);

/// What one client's user did and saw.
#[derive(Clone, Default)]
struct Model {
    /// The pending attempt, and when it began.
    pending: Option<(u32, Instant)>,
    /// REGISTERs sent when it was told that it is ousted.
    ousted_at: Option<usize>,
    /// Slept during the pending attempt.
    slept: bool,
}

struct Session {
    world: World,
    models: Vec<Model>,
    /// Who forced last, if nothing happened since that may have cost the line.
    last_force: Option<ClientId>,
    /// When somebody logged in on the device last.
    last_login: Instant,
    alone: bool,
    /// The registrar lets every login take over: that of a client which slept
    /// until its binding lapsed, too.
    last_wins: bool,
    random: Random,
}

impl Session {
    fn new(seed: u64) -> Self {
        let mut bytes = [0x5a; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut random = Random::from_seed(bytes);
        let config = match random.below(7) {
            0 | 1 => registrar_config(),
            2 => Config {
                policy: Policy::Duplicate,
                ..registrar_config()
            },
            n => plain(DIALECTS[(n - 3) as usize]),
        };
        let last_wins = config.policy == Policy::Duplicate;
        let mut world = World::new(random.below(256) as u8, config);
        let clients = 1 + random.below(4) as usize;
        for n in 0..clients {
            world.client(&format!("c{n}"));
        }
        let other = random.below(3) == 0;
        if other {
            world.client_with("other", |config| config.device = "OTHER".into());
        }
        let models = vec![Model::default(); clients + usize::from(other)];
        Session {
            world,
            models,
            last_force: None,
            last_login: Instant::default(),
            alone: clients == 1,
            last_wins,
            random,
        }
    }

    fn same_device(&self) -> impl Iterator<Item = ClientId> + use<'_> {
        (0..self.models.len()).filter(|&id| self.world.clients[id].name != "other")
    }

    fn action(&mut self) {
        let id = self.random.below(self.models.len() as u64) as usize;
        let asleep = self.world.clients[id].asleep;
        match self.random.below(20) {
            _ if asleep => {
                self.world.wake(id);
                self.models[id].slept = true;
            }
            0..=4 => self.register(id, false),
            5..=8 => self.register(id, true),
            9 => self.give_up(id, Phone::unregister),
            10 => self.give_up(id, Phone::abort),
            11 => {
                let leave = self.random.below(2) == 0;
                self.models[id] = Model::default();
                self.world.reload(id, leave);
                self.lost(id);
                self.register(id, false);
            }
            12 | 13 => {
                // Most registrars free the line of a closed socket at once, and
                // somebody may come in before this client is back.
                self.lost(id);
                self.world.cut(id);
            }
            14 => {
                self.world.clients[id].network = Network::Silent;
                self.lost(id);
            }
            15 => {
                self.world.clients[id].network = Network::Refusing;
                self.world.cut(id);
                self.lost(id);
            }
            16 => {
                for client in &mut self.world.clients {
                    client.network = Network::Up;
                }
            }
            17 => {
                self.world.clients[id].asleep = true;
                self.models[id].slept = true;
                self.lost(id);
            }
            18 => {
                self.world.restart_registrar();
                self.last_force = None;
            }
            _ => {
                self.give_up(id, Phone::leave);
                let resume = self.random.below(2) == 0;
                if resume {
                    self.world.act(id, Phone::resume);
                }
            }
        }
        self.check();
    }

    fn lost(&mut self, id: ClientId) {
        if self.last_force == Some(id) {
            self.last_force = None;
        }
    }

    fn register(&mut self, id: ClientId, force: bool) {
        self.models[id].ousted_at = None;
        let attempt = self.world.register(id, force);
        self.models[id].pending = Some((attempt, self.world.now));
        self.models[id].slept = false;
        if self.world.clients[id].name != "other" && force {
            // Until it settles, nobody can tell who comes last.
            self.last_force = None;
        }
    }

    fn give_up(&mut self, id: ClientId, how: impl FnOnce(&mut Phone, Instant)) {
        if self.models[id].pending.take().is_some() {
            // A takeover that was done and given up at once cost somebody the line.
            self.last_login = self.world.now;
            self.last_force = None;
        }
        self.lost(id);
        self.world.act(id, how);
    }

    /// The invariants that hold at every moment.
    fn check(&mut self) {
        for (id, registers, event) in std::mem::take(&mut self.world.log) {
            self.check_event(id, registers, event);
        }
        for id in 0..self.models.len() {
            self.world.take_events(id);
            let client = &self.world.clients[id];
            let model = &self.models[id];
            if let Some(registers) = model.ousted_at {
                assert_eq!(
                    client.registers, registers,
                    "2: {} sent a REGISTER after it was ousted",
                    client.name
                );
            }
            if let Some((_, since)) = model.pending {
                let overdue = self.world.now - since > SETTLES_WITHIN && !model.slept;
                assert!(
                    !overdue,
                    "3: the registerPhone of {} does not settle",
                    client.name
                );
            }
        }
    }

    fn check_event(&mut self, id: ClientId, registers: usize, event: Event) {
        let name = self.world.clients[id].name.clone();
        let on_device = name != "other";
        match event {
            Event::Registered(attempt, registered) => {
                let pending = self.models[id].pending.take();
                assert_eq!(
                    pending.map(|pending| pending.0),
                    Some(attempt),
                    "3: {name} settled twice, or out of turn"
                );
                // One that was registered already says so at once: no takeover.
                let took_over = pending.is_some_and(|(_, since)| since < self.world.now);
                // Claims count seconds: within the same one the tags decide.
                let distinct = self.world.now - self.last_login > Duration::from_secs(4);
                if on_device && took_over {
                    self.last_login = self.world.now;
                    self.last_force = Some(id).filter(|_| registered.forced && distinct);
                }
            }
            Event::Failed(attempt, fault) => {
                let pending = self.models[id].pending.take().map(|(attempt, _)| attempt);
                assert_eq!(
                    pending,
                    Some(attempt),
                    "3: {name} settled twice, or out of turn"
                );
                let locked_out = fault.code == "eDeviceAlreadyRegistered";
                assert!(
                    !(self.alone && on_device && locked_out),
                    "6: {name} was locked out by its own ghost"
                );
            }
            Event::Terminated { .. } => {
                assert_eq!(
                    self.models[id].ousted_at.replace(registers),
                    None,
                    "ousted twice"
                );
                assert!(
                    !(self.alone && on_device),
                    "6: {name} was ousted by its own ghost"
                );
            }
            _ => {}
        }
    }

    /// The invariants that hold once all is quiet.
    fn check_quiet(&mut self) {
        for id in 0..self.models.len() {
            self.world.clients[id].network = Network::Up;
            self.world.wake(id);
        }
        // Stale bindings of the dead lapse within the longest time granted.
        for _ in 0..70 {
            self.world.run(Duration::from_secs(10));
            self.check();
        }
        let before: usize = self
            .world
            .clients
            .iter()
            .map(|client| client.registers)
            .sum();
        self.world.run(Duration::from_secs(600));
        self.check();
        let after: usize = self
            .world
            .clients
            .iter()
            .map(|client| client.registers)
            .sum();
        let ready = |world: &World, id: ClientId| world.status(id) == Status::Ready;
        let everybody = (0..self.models.len())
            .filter(|&id| ready(&self.world, id))
            .count();
        // Two round trips per refresh, one refresh every 20 s at the most.
        assert!(
            after - before <= everybody * 62,
            "4: {} REGISTERs in ten quiet minutes",
            after - before
        );

        let holders = self.world.holders();
        assert!(holders.len() <= 1, "1: {holders:?} all hold the device");
        let on_line: Vec<String> = self
            .same_device()
            .filter(|&id| ready(&self.world, id))
            .map(|id| self.world.clients[id].name.clone())
            .collect();
        assert_eq!(
            on_line, holders,
            "1: who believes to be registered is who is registered"
        );
        if let Some(id) = self.last_force.filter(|_| !self.last_wins) {
            assert_eq!(
                holders,
                [self.world.clients[id].name.clone()],
                "5: the last force holds the device"
            );
        }
    }

    fn run(&mut self) {
        for _ in 0..8 + self.random.below(25) {
            self.action();
            let pause = match self.random.below(4) {
                0 => self.random.below(60),
                1 => self.random.below(2_000),
                2 => self.random.below(30_000),
                _ => self.random.below(200_000),
            };
            // In small steps, so that the checks see every moment.
            let end = self.world.now + Duration::from_millis(pause);
            while self.world.now < end {
                let step = (end - self.world.now).min(Duration::from_secs(2));
                self.world.run(step);
                self.check();
            }
        }
        self.check_quiet();
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_invariants_hold_in_randomised_sessions() {
    let seeds = match number("GRACELINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("GRACELINE_SESSIONS").unwrap_or(DEFAULT_SESSIONS),
    };
    for seed in seeds {
        let mut session = Session::new(seed);
        let run = std::panic::AssertUnwindSafe(|| session.run());
        if std::panic::catch_unwind(run).is_err() {
            let transcript = session.world.transcript.join("\n");
            panic!("GRACELINE_SEED={seed} failed:\n{transcript}");
        }
    }
}
