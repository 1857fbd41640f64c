//! A world in virtual time: one registrar at some addresses, some clients, a
//! network between them. One clock; every run is decided by the seed and by
//! what is done to it.

pub mod attacker;
mod calls;
mod edge;
mod flaw;
mod gateway;
mod network;
mod wire;

pub use flaw::Flaw;
pub use gateway::gateway_config;
pub use network::Network;

use crate::handler::Handler;
use crate::queue::Queue;
use crate::tally::Tally;
use crate::{START, account};
use graceline::gateway::{self as cti, Gateway};
use graceline::phone::{Config, Event, Fault, Output, Phone, Status};
use graceline::rand::Random;
use graceline::registrar::{self, Binding, ConnectionId, Registrar};
use graceline::registration::Identity;
use graceline::time::{Duration, Instant};
use network::{LATENCY, Link, Socket, SocketId, Wire};
use std::collections::BTreeMap;

/// What the media handler takes, in milliseconds.
const MEDIA: u64 = 7;
/// More steps than this at one instant are a loop without end.
const STEPS_AT_ONCE: u32 = 20_000;

pub type ClientId = usize;

pub struct Client {
    pub name: String,
    config: Config,
    /// By which its bindings are known; also those of earlier pages.
    identities: Vec<Known>,
    pub phone: Phone,
    /// A CTI gateway has one, and leaves its phone alone.
    gateway: Option<Box<Gateway>>,
    pub network: Network,
    /// One way through the network, for sockets opened from now on.
    pub latency: u64,
    /// What a WebSocket takes to open besides, in milliseconds.
    pub slow_open: u64,
    /// Events since they were last taken.
    pub events: Vec<Event>,
    /// REGISTERs sent since the start.
    pub registers: usize,
    /// Sockets opened since the start.
    pub opens: usize,
    pub stored: Option<String>,
    attempts: u32,
    loads: u32,
    /// Timers do not fire while the machine sleeps; what arrives waits.
    pub asleep: bool,
    inbox: Vec<Wire>,
    pub media: Handler,
    pub flaw: Option<Flaw>,
}

pub struct World {
    pub now: Instant,
    pub registrar: Registrar,
    registrar_config: registrar::Config,
    restarts: u8,
    /// Whether bindings changed since this was last cleared.
    pub bindings_changed: bool,
    pub clients: Vec<Client>,
    wire: Queue<Wire>,
    sockets: BTreeMap<SocketId, Socket>,
    connections: BTreeMap<ConnectionId, Link>,
    next_connection: ConnectionId,
    seed: u8,
    /// Without it neither transcript nor list of what was sent is written.
    pub telling: bool,
    pub transcript: Vec<String>,
    /// First lines of what clients sent, with the address.
    pub sent: Vec<(ClientId, u32, String)>,
    /// Events of all clients in order, with the REGISTERs sent before.
    pub log: Vec<(ClientId, usize, Event)>,
    /// Who was to be told something by push, until it is taken.
    pub wakes: Vec<registrar::Wake>,
    /// What gateways have put out, sockets and the log aside.
    pub of_gateways: Vec<(ClientId, cti::Output)>,
    /// What was seen on the wire.
    pub tally: Tally,
    /// WebSocket messages that arrived, both ways.
    pub messages: usize,
    /// The registrar's nodes, one behind each address of a client. They share
    /// their bindings.
    pub nodes: [Network; 8],
    /// Clients claim to be somebody else, and ask for credentials.
    pub lying: bool,
    /// What belongs to an INFO overtakes, and is overtaken, on its way to the registrar.
    pub overtaking: bool,
    random: Random,
    lost_flows: Vec<edge::LostFlow>,
    steps: u32,
}

pub fn registrar_config() -> registrar::Config {
    registrar::Config {
        domain: Some("example.com".into()),
        ..registrar::Config::default()
    }
    .with_user("2001", "secret")
    .with_user("2002", "secret")
}

/// By what a client is known at the registrar.
#[derive(PartialEq)]
struct Known {
    instance_id: String,
    /// Of its claims.
    tag: String,
}

impl Known {
    fn of(config: &Config) -> Self {
        let Config {
            user,
            domain,
            device,
            instance_id,
            ..
        } = config;
        Self {
            instance_id: instance_id.clone(),
            tag: Identity::new(user, domain, device, instance_id, String::new()).instance,
        }
    }

    fn owns(&self, binding: &Binding) -> bool {
        binding.instance_id.as_ref() == Some(&self.instance_id)
            || binding.contact.contains(&self.tag)
    }
}

/// The instance of a client, another one after its storage was lost.
fn instance_id(id: ClientId, storage: u32) -> String {
    format!(
        "urn:uuid:00000000-0000-4000-{storage:0>4x}-{:0>12x}",
        id + 1
    )
}

impl World {
    pub fn new(seed: u8, config: registrar::Config) -> Self {
        Self {
            now: START,
            registrar: Registrar::new(config.clone(), [seed; 32]),
            registrar_config: config,
            restarts: 0,
            bindings_changed: false,
            clients: Vec::new(),
            wire: Queue::new(),
            sockets: BTreeMap::new(),
            connections: BTreeMap::new(),
            next_connection: 0,
            seed,
            telling: true,
            transcript: Vec::new(),
            sent: Vec::new(),
            log: Vec::new(),
            wakes: Vec::new(),
            of_gateways: Vec::new(),
            tally: Tally::default(),
            messages: 0,
            nodes: [Network::Up; 8],
            lying: false,
            overtaking: false,
            random: Random::from_seed([seed ^ 0x77; 32]),
            lost_flows: Vec::new(),
            steps: 0,
        }
    }

    /// A client of user 2001 on device CSF.
    pub fn client(&mut self, name: &str) -> ClientId {
        self.client_with(name, |_| {})
    }

    pub fn client_with(&mut self, name: &str, adapt: impl FnOnce(&mut Config)) -> ClientId {
        let id = self.clients.len();
        let mut config = account(&instance_id(id, 0x8000));
        config.device = "CSF".into();
        adapt(&mut config);
        let phone = self.load(&config, id, 0);
        self.clients.push(Client {
            name: name.into(),
            phone,
            gateway: None,
            identities: vec![Known::of(&config)],
            config,
            network: Network::Up,
            latency: LATENCY,
            slow_open: 0,
            events: Vec::new(),
            registers: 0,
            opens: 0,
            stored: None,
            attempts: 0,
            loads: 0,
            asleep: false,
            inbox: Vec::new(),
            media: Handler::default(),
            flaw: None,
        });
        id
    }

    fn load(&self, config: &Config, id: ClientId, load: u32) -> Phone {
        let mut seed = [self.seed; 32];
        seed[0] = id as u8;
        seed[1] = load as u8;
        Phone::new(config.clone(), seed).expect("the options of the tests are good")
    }

    // What users do.

    pub fn register(&mut self, id: ClientId, force: bool) -> u32 {
        let client = &mut self.clients[id];
        client.attempts += 1;
        let (attempt, force) = (client.attempts, client.forces(force));
        self.act(id, |phone, now| phone.register(now, attempt, force));
        attempt
    }

    pub fn act(&mut self, id: ClientId, action: impl FnOnce(&mut Phone, Instant)) {
        action(&mut self.clients[id].phone, self.now);
        let before = self.clients[id].events.len();
        self.drain_client(id);
        if self.clients[id].flaw.is_some() {
            let news = self.clients[id].events.get(before..).unwrap_or_default();
            let news = news.to_vec();
            self.do_wrong(id, &news);
        }
    }

    /// The page is closed, after a word to the registrar or without, and loaded
    /// again with its storage.
    pub fn reload(&mut self, id: ClientId, leave: bool) {
        if leave {
            self.act(id, Phone::leave);
        }
        let loads = self.clients[id].loads + 1;
        let instance = self.instance_after(id, loads);
        let stored = self.clients[id].stored.clone();
        self.load_again(id, instance, stored);
    }

    /// As [`World::reload`], without a word, and the storage is lost: another
    /// client, as far as anybody can tell.
    pub fn reload_without_storage(&mut self, id: ClientId) {
        let instance = instance_id(id, self.clients[id].loads + 1);
        self.clients[id].identities.clear();
        self.load_again(id, Some(instance), None);
    }

    fn load_again(&mut self, id: ClientId, instance: Option<String>, memory: Option<String>) {
        self.drop_sockets(id);
        let client = &mut self.clients[id];
        client.loads += 1;
        client.inbox.clear();
        client.media = Handler::default();
        client.config.memory.clone_from(&memory);
        client.stored = memory;
        if let Some(instance) = instance {
            client.config.instance_id = instance;
        }
        let known = Known::of(&client.config);
        if client.identities.last() != Some(&known) {
            client.identities.push(known);
        }
        let (config, load) = (client.config.clone(), client.loads);
        let phone = self.load(&config, id, load);
        self.clients[id].phone = phone;
    }

    /// The registrar restarts: sockets and bindings are gone.
    pub fn restart_registrar(&mut self) {
        self.restarts += 1;
        let seed = [self.seed ^ 0x55 ^ self.restarts; 32];
        self.registrar = Registrar::new(self.registrar_config.clone(), seed);
        self.bindings_changed = true;
        self.lose_what_is_under_way();
        for id in 0..self.clients.len() {
            self.cut(id);
        }
    }

    /// The registrar restarts, but for what its database has: the facts about users.
    pub fn restart_with_facts(&mut self) {
        self.forget();
        self.lose_what_is_under_way();
        for id in 0..self.clients.len() {
            self.cut(id);
        }
    }

    /// The registrar forgets all bindings, and keeps its sockets.
    pub fn forget(&mut self) {
        self.registrar.forget();
        self.drain_registrar();
    }

    /// Asks, or changes, a fact about user 2001; the arguments and the reply are JSON.
    pub fn account(&mut self, verb: &str, args: &str) -> String {
        let reply = self.registrar.account(self.now, "2001", verb, args);
        self.drain_registrar();
        reply
    }

    pub fn instance(&self, id: ClientId) -> &str {
        &self.clients[id].config.instance_id
    }

    // Time.

    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.step(end) {}
    }

    /// Does the next thing that is due until `end`; `false`: nothing, and it is
    /// `end` now.
    pub fn step(&mut self, end: Instant) -> bool {
        match self.next_time().filter(|at| *at <= end) {
            Some(at) => {
                self.step_to(at);
                true
            }
            None => {
                self.now = self.now.max(end);
                false
            }
        }
    }

    /// Runs until `done`, at most ten minutes.
    pub fn until(&mut self, what: &str, done: impl Fn(&World) -> bool) {
        let end = self.now + Duration::from_secs(600);
        while !done(self) {
            let transcript = |world: &World| world.transcript.join("\n");
            assert!(self.step(end), "never {what}\n{}", transcript(self));
        }
    }

    fn next_time(&self) -> Option<Instant> {
        let awake = self.clients.iter().filter(|client| !client.asleep);
        let clients = awake.filter_map(Client::poll_timeout);
        clients
            .chain(self.wire.next_time())
            .chain(self.registrar.poll_timeout())
            .min()
    }

    fn step_to(&mut self, at: Instant) {
        self.steps = if at > self.now { 0 } else { self.steps + 1 };
        assert!(self.steps < STEPS_AT_ONCE, "time does not go on");
        self.now = self.now.max(at);
        if let Some(wire) = self.wire.pop(self.now) {
            return self.deliver(wire);
        }
        if self
            .registrar
            .poll_timeout()
            .is_some_and(|at| at <= self.now)
        {
            self.registrar.handle_timeout(self.now);
            return self.drain_registrar();
        }
        for id in 0..self.clients.len() {
            if !self.clients[id].asleep {
                self.fire(id);
            }
        }
    }

    /// Fires the timer of a client if it is due.
    fn fire(&mut self, id: ClientId) {
        let before = self.clients[id].poll_timeout();
        if before.is_some_and(|at| at <= self.now) {
            match self.clients[id].gateway {
                Some(_) => self.act_gateway(id, Gateway::handle_timeout),
                None => self.act(id, Phone::handle_timeout),
            }
            let after = self.clients[id].poll_timeout();
            assert!(
                after.is_none() || after != before,
                "{}: a timer does not move",
                self.clients[id].name
            );
        }
    }

    /// A machine wakes up: its timers are late, and what has arrived meanwhile
    /// comes at once.
    pub fn wake(&mut self, id: ClientId) {
        self.clients[id].asleep = false;
        for wire in std::mem::take(&mut self.clients[id].inbox) {
            self.put(0, wire);
        }
    }

    /// As [`World::wake`], but the timers come before the news.
    pub fn wake_timers_first(&mut self, id: ClientId) {
        self.clients[id].asleep = false;
        self.fire(id);
        self.wake(id);
    }

    fn drain_client(&mut self, id: ClientId) {
        while let Some(output) = self.clients[id].phone.poll_output() {
            match output {
                Output::Open {
                    slot, generation, ..
                } => self.open_socket(self.socket(id, slot, generation)),
                Output::Send {
                    slot,
                    generation,
                    data,
                } => self.sends(id, slot, generation, data),
                Output::CloseSocket { slot, generation } => {
                    self.drop_socket(self.socket(id, slot, generation));
                }
                Output::Store(text) => {
                    assert!(!text.contains("secret"), "a password in the store");
                    self.clients[id].stored = Some(text);
                }
                Output::Event(event) => {
                    self.note(|world| {
                        let name = &world.clients[id].name;
                        format!("{name}: {}", describe(&event))
                    });
                    if let Event::Call(event) = &event
                        && let Some((call, request, outcome)) = self.clients[id].media.handle(event)
                    {
                        self.put(MEDIA, Wire::Media(id, call, request, outcome));
                    }
                    for _ in 0..self.distort(id, &event) {
                        let registers = self.clients[id].registers;
                        self.log.push((id, registers, event.clone()));
                        self.clients[id].events.push(event.clone());
                    }
                }
                Output::Log { message, .. } => {
                    assert!(!message.contains("secret"), "a password in the log");
                }
                Output::Trace { .. } => {}
            }
        }
    }

    /// A socket of the page that is loaded.
    fn socket(&self, client: ClientId, slot: u32, generation: u32) -> SocketId {
        let load = self.clients[client].loads;
        SocketId {
            client,
            load,
            slot,
            generation,
        }
    }

    fn sends(&mut self, id: ClientId, slot: u32, generation: u32, data: Vec<u8>) {
        self.note_sent(id, slot, &data);
        self.check_credentials(&data);
        let data = self.forged(data);
        self.send(self.socket(id, slot, generation), data);
    }

    fn drain_registrar(&mut self) {
        while let Some(output) = self.registrar.poll_output() {
            match output {
                registrar::Output::Send { connection, data } => {
                    let data = self.baited(data);
                    self.note_answered(connection, &data);
                    self.send_to_client(connection, data);
                }
                registrar::Output::Close { connection, .. } => self.close_by_server(connection),
                registrar::Output::Event(registrar::Event::BindingsChanged { .. }) => {
                    self.bindings_changed = true;
                }
                registrar::Output::Event(registrar::Event::Wake(wake)) => self.wakes.push(wake),
                _ => {}
            }
        }
    }

    pub fn note(&mut self, line: impl FnOnce(&World) -> String) {
        if self.telling {
            let seconds = (self.now.millis() - START.millis()) as f64 / 1000.0;
            let line = line(self);
            self.transcript.push(format!("{seconds:9.3} {line}"));
        }
    }

    // Questions.

    /// Whether the app heard that a call ended.
    pub fn ended(&self, id: ClientId) -> bool {
        let ended =
            |event: &Event| matches!(event, Event::Call(graceline::call::Event::Ended { .. }));
        self.clients[id].events.iter().any(ended)
    }

    pub fn status(&self, id: ClientId) -> Status {
        self.clients[id].phone.status()
    }

    pub fn device(&self, id: ClientId) -> &str {
        &self.clients[id].config.device
    }

    /// Instances bound for user 2001 on device CSF, as client names.
    pub fn holders(&self) -> Vec<String> {
        let bindings = self.registrar.bindings("2001");
        let on_device = bindings.iter().filter(|binding| binding.device == "CSF");
        on_device.map(|binding| self.name_of(binding)).collect()
    }

    fn name_of(&self, binding: &Binding) -> String {
        let speaks = |client: &&Client| {
            let user = client.phone.contact_user();
            user.is_some_and(|user| binding.contact.contains(&user))
        };
        let owner = self.clients.iter().find(speaks);
        let owner = owner.or_else(|| Some(&self.clients[self.owner(binding)?]));
        owner.map_or_else(|| binding.contact.clone(), |client| client.name.clone())
    }

    /// Whose binding it is: of this page or of an earlier one. Nobody's, if its
    /// storage was lost since.
    pub fn owner(&self, binding: &Binding) -> Option<ClientId> {
        self.clients
            .iter()
            .position(|client| client.identities.iter().any(|known| known.owns(binding)))
    }

    /// Takes what has happened to a client.
    pub fn take_events(&mut self, id: ClientId) -> Vec<Event> {
        std::mem::take(&mut self.clients[id].events)
    }

    pub fn settled(&self, id: ClientId) -> bool {
        self.clients[id].events.iter().any(|event| {
            matches!(event, Event::Registered(attempt, _) | Event::Failed(attempt, _, _)
                if *attempt == self.clients[id].attempts)
        })
    }

    /// Registers and waits; the error, if it was one.
    pub fn login(&mut self, id: ClientId, force: bool) -> Option<Fault> {
        self.take_events(id);
        self.register(id, force);
        self.until("settled", |world| world.settled(id));
        self.clients[id]
            .events
            .iter()
            .find_map(|event| match event {
                Event::Failed(_, fault, _) => Some(fault.clone()),
                _ => None,
            })
    }

    pub fn terminations(&self, id: ClientId) -> usize {
        let terminated = |event: &&Event| matches!(event, Event::Terminated { .. });
        self.clients[id].events.iter().filter(terminated).count()
    }
}

fn describe(event: &Event) -> String {
    match event {
        Event::Status(status, _) => format!("status {}", status.as_str()),
        Event::Registered(..) => "registered".into(),
        Event::Failed(_, fault, _) => format!("failed {fault}"),
        Event::Terminated { reason, .. } => format!("terminated ({reason})"),
        Event::Error(fault) => format!("error {}", fault.code().as_str()),
        Event::Call(event) => format!("{event:?}").chars().take(120).collect(),
        other => format!("{other:?}")
            .split([' ', '('])
            .next()
            .unwrap_or_default()
            .into(),
    }
}
