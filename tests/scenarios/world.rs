//! A world in virtual time: one registrar, some clients, a network between
//! them. One clock; every run is decided by the seed.

use crate::handler::{Handler, Outcome};
use graceline::phone::{Config, Event, Fault, Output, Phone, Status};
use graceline::registrar::{self, Registrar};
use graceline::time::{Duration, Instant};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// What the media handler takes, in milliseconds.
const MEDIA: u64 = 7;
/// One way through the network, in milliseconds.
const LATENCY: u64 = 10;
/// 2026-01-01, so that claims look like real ones.
const START: u64 = 1_767_225_600_000;

pub type ClientId = usize;
type Connection = u32;

/// What is under way in the network.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wire {
    Connect(ClientId, u32, u32),
    ToServer(Connection, Vec<u8>),
    ToClient(Connection, Vec<u8>),
    CloseAtServer(Connection),
    CloseAtClient(ClientId, u32, u32),
    /// The media handler of a client is done.
    Media(ClientId, u32, u32, Outcome),
}

/// What the network does to connections that exist or are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    #[default]
    Up,
    /// Everything is lost without a sign: a half-open socket.
    Silent,
    /// New sockets fail at once.
    Refusing,
}

struct Socket {
    generation: u32,
    connection: Option<Connection>,
}

pub struct Client {
    pub name: String,
    config: Config,
    pub phone: Phone,
    /// The current socket of each address.
    sockets: BTreeMap<u32, Socket>,
    pub network: Network,
    /// Events since they were last taken.
    pub events: Vec<Event>,
    /// REGISTERs sent since the start.
    pub registers: usize,
    /// Sockets opened since the start.
    pub opens: usize,
    pub stored: Option<String>,
    attempts: u32,
    loads: u8,
    /// Timers do not fire while the machine sleeps.
    pub asleep: bool,
    pub media: Handler,
}

pub struct World {
    pub now: Instant,
    pub registrar: Registrar,
    registrar_config: registrar::Config,
    pub clients: Vec<Client>,
    wire: BinaryHeap<Reverse<(u64, u64, Wire)>>,
    sequence: u64,
    connections: BTreeMap<Connection, (ClientId, u32, u32)>,
    next_connection: Connection,
    seed: u8,
    pub transcript: Vec<String>,
    /// First lines of what clients sent, with the address.
    pub sent: Vec<(ClientId, u32, String)>,
    /// WebSocket messages that arrived, both ways.
    pub messages: usize,
    /// Events of all clients in order, with the REGISTERs sent before.
    pub log: Vec<(ClientId, usize, Event)>,
    /// The registrar's nodes, one behind each address of a client. They share
    /// their bindings.
    pub nodes: [Network; 8],
}

pub fn registrar_config() -> registrar::Config {
    registrar::Config {
        domain: Some("example.com".into()),
        ..registrar::Config::default()
    }
    .with_user("2001", "secret")
    .with_user("2002", "secret")
}

impl World {
    pub fn new(seed: u8, config: registrar::Config) -> Self {
        Self {
            now: Instant::from_millis(START),
            registrar: Registrar::new(config.clone(), [seed; 32]),
            registrar_config: config,
            clients: Vec::new(),
            wire: BinaryHeap::new(),
            sequence: 0,
            connections: BTreeMap::new(),
            next_connection: 0,
            seed,
            transcript: Vec::new(),
            sent: Vec::new(),
            messages: 0,
            log: Vec::new(),
            nodes: [Network::Up; 8],
        }
    }

    /// A client of user 2001 on device CSF.
    pub fn client(&mut self, name: &str) -> ClientId {
        self.client_with(name, |_| {})
    }

    pub fn client_with(&mut self, name: &str, adapt: impl FnOnce(&mut Config)) -> ClientId {
        let uuid = format!(
            "urn:uuid:00000000-0000-4000-8000-{:0>12x}",
            self.clients.len() + 1
        );
        let mut config = Config::new("ws://127.0.0.1/", "2001", "example.com", &uuid);
        config.password = Some("secret".into());
        config.device = "CSF".into();
        adapt(&mut config);
        let id = self.clients.len();
        let phone = self.load(&config, id, 0);
        self.clients.push(Client {
            name: name.into(),
            phone,
            config,
            sockets: BTreeMap::new(),
            network: Network::Up,
            events: Vec::new(),
            registers: 0,
            opens: 0,
            stored: None,
            attempts: 0,
            loads: 0,
            asleep: false,
            media: Handler::default(),
        });
        id
    }

    fn load(&self, config: &Config, id: ClientId, load: u8) -> Phone {
        let mut seed = [self.seed; 32];
        seed[0] = id as u8;
        seed[1] = load;
        Phone::new(config.clone(), seed).expect("the options of the tests are good")
    }

    // What users do.

    pub fn register(&mut self, id: ClientId, force: bool) -> u32 {
        self.clients[id].attempts += 1;
        let attempt = self.clients[id].attempts;
        self.act(id, |phone, now| phone.register(now, attempt, force));
        attempt
    }

    pub fn act(&mut self, id: ClientId, action: impl FnOnce(&mut Phone, Instant)) {
        action(&mut self.clients[id].phone, self.now);
        self.drain_client(id);
    }

    /// The page is closed without a word and loaded again, with its storage.
    pub fn reload(&mut self, id: ClientId, leave: bool) {
        if leave {
            self.act(id, Phone::leave);
        }
        self.drop_sockets(id, |_| true);
        let client = &mut self.clients[id];
        client.loads += 1;
        client.media = Handler::default();
        client.config.memory = client.stored.clone();
        let (config, load) = (client.config.clone(), client.loads);
        let phone = self.load(&config, id, load);
        self.clients[id].phone = phone;
    }

    /// The client's sockets are cut; both ends see it.
    pub fn cut(&mut self, id: ClientId) {
        self.cut_where(id, |_| true);
    }

    /// A node of the registrar dies: its sockets are gone, new ones fail.
    pub fn kill_node(&mut self, slot: u32) {
        self.nodes[slot as usize] = Network::Refusing;
        for id in 0..self.clients.len() {
            self.cut_where(id, |of| of == slot);
        }
    }

    fn cut_where(&mut self, id: ClientId, which: impl Fn(u32) -> bool) {
        for (slot, socket) in self.drop_sockets(id, which) {
            self.put(LATENCY, Wire::CloseAtClient(id, slot, socket.generation));
        }
    }

    fn drop_sockets(&mut self, id: ClientId, which: impl Fn(u32) -> bool) -> BTreeMap<u32, Socket> {
        let sockets = std::mem::take(&mut self.clients[id].sockets);
        let (dropped, kept) = sockets.into_iter().partition(|(slot, _)| which(*slot));
        self.clients[id].sockets = kept;
        let dropped: BTreeMap<u32, Socket> = dropped;
        for socket in dropped.values() {
            if let Some(connection) = socket.connection {
                self.connections.remove(&connection);
                if self.clients[id].network != Network::Silent {
                    self.put(LATENCY, Wire::CloseAtServer(connection));
                }
            }
        }
        dropped
    }

    /// The registrar restarts: sockets and bindings are gone.
    pub fn restart_registrar(&mut self) {
        self.registrar = Registrar::new(self.registrar_config.clone(), [self.seed ^ 0x55; 32]);
        for id in 0..self.clients.len() {
            self.cut(id);
        }
        self.wire.retain(|Reverse((_, _, wire))| {
            !matches!(
                wire,
                Wire::ToServer(..) | Wire::CloseAtServer(..) | Wire::ToClient(..)
            )
        });
    }

    // Time.

    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(at) = self.next_time().filter(|at| *at <= end) {
            self.step_to(at);
        }
        self.now = end;
    }

    /// Runs until `done`, at most ten minutes.
    pub fn until(&mut self, what: &str, done: impl Fn(&World) -> bool) {
        let end = self.now + Duration::from_secs(600);
        while !done(self) {
            match self.next_time().filter(|at| *at <= end) {
                Some(at) => self.step_to(at),
                None => panic!("never {what}\n{}", self.transcript.join("\n")),
            }
        }
    }

    fn next_time(&self) -> Option<Instant> {
        let wire = self
            .wire
            .peek()
            .map(|Reverse((at, ..))| Instant::from_millis(*at));
        let awake = self.clients.iter().filter(|client| !client.asleep);
        let phones = awake.filter_map(|client| client.phone.poll_timeout());
        phones
            .chain(wire)
            .chain(self.registrar.poll_timeout())
            .min()
    }

    fn step_to(&mut self, at: Instant) {
        self.now = self.now.max(at);
        let due = |at: u64| at <= self.now.millis();
        if self.wire.peek().is_some_and(|Reverse((at, ..))| due(*at)) {
            let Some(Reverse((_, _, wire))) = self.wire.pop() else {
                return;
            };
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
            let client = &self.clients[id];
            if !client.asleep && client.phone.poll_timeout().is_some_and(|at| at <= self.now) {
                let before = client.phone.poll_timeout();
                self.act(id, Phone::handle_timeout);
                let after = self.clients[id].phone.poll_timeout();
                assert!(
                    after.is_none() || after != before,
                    "{}: a timer does not move",
                    self.clients[id].name
                );
            }
        }
    }

    /// A machine wakes up: its timers are late.
    pub fn wake(&mut self, id: ClientId) {
        self.clients[id].asleep = false;
    }

    // The network.

    fn put(&mut self, delay: u64, wire: Wire) {
        self.sequence += 1;
        self.wire
            .push(Reverse((self.now.millis() + delay, self.sequence, wire)));
    }

    fn deliver(&mut self, wire: Wire) {
        match wire {
            Wire::Connect(id, slot, generation) => {
                let client = &mut self.clients[id];
                let socket = client.sockets.get_mut(&slot);
                let Some(socket) = socket.filter(|s| s.generation == generation) else {
                    return;
                };
                let node = self.nodes[slot as usize];
                if client.network == Network::Silent || node == Network::Silent {
                    return;
                }
                if client.network == Network::Refusing || node == Network::Refusing {
                    client.sockets.remove(&slot);
                    return self.act(id, |phone, now| phone.handle_close(now, slot, generation));
                }
                self.next_connection += 1;
                let connection = self.next_connection;
                socket.connection = Some(connection);
                self.connections.insert(connection, (id, slot, generation));
                self.registrar.handle_opened(self.now, connection);
                self.drain_registrar();
                self.act(id, |phone, now| {
                    phone.handle_open(now, slot, generation, "sip")
                });
            }
            Wire::ToServer(connection, data) => {
                self.messages += 1;
                if self.node_of(connection) == Network::Up {
                    self.registrar.handle_message(self.now, connection, &data);
                    self.drain_registrar();
                }
            }
            Wire::ToClient(connection, data) => {
                let Some(&(id, slot, generation)) = self.connections.get(&connection) else {
                    return;
                };
                if self.clients[id].network != Network::Silent && !self.clients[id].asleep {
                    self.messages += 1;
                    self.act(id, |phone, now| {
                        phone.handle_message(now, slot, generation, &data)
                    });
                } else if self.clients[id].asleep {
                    self.put(1000, Wire::ToClient(connection, data));
                }
            }
            Wire::CloseAtServer(connection) => {
                self.registrar.handle_closed(self.now, connection);
                self.drain_registrar();
            }
            Wire::Media(id, call, request, outcome) => self.act(id, |phone, now| {
                phone.with_calls(now, |calls| outcome.tell(calls, now, call, request));
            }),
            Wire::CloseAtClient(id, slot, generation) => {
                self.act(id, |phone, now| phone.handle_close(now, slot, generation));
            }
        }
    }

    fn drain_client(&mut self, id: ClientId) {
        while let Some(output) = self.clients[id].phone.poll_output() {
            match output {
                Output::Open {
                    slot, generation, ..
                } => {
                    let socket = Socket {
                        generation,
                        connection: None,
                    };
                    self.clients[id].sockets.insert(slot, socket);
                    self.clients[id].opens += 1;
                    self.put(LATENCY, Wire::Connect(id, slot, generation));
                }
                Output::Send {
                    slot,
                    generation,
                    data,
                } => {
                    self.count(id, slot, &data);
                    let socket = self.clients[id].sockets.get(&slot);
                    let connection = socket
                        .filter(|s| s.generation == generation)
                        .and_then(|s| s.connection);
                    let heard = self.clients[id].network != Network::Silent;
                    if let Some(connection) = connection.filter(|_| heard) {
                        self.put(LATENCY, Wire::ToServer(connection, data));
                    }
                }
                Output::CloseSocket { slot, generation } => {
                    let socket = self.clients[id].sockets.get(&slot);
                    if socket.is_some_and(|s| s.generation == generation) {
                        self.drop_sockets(id, |of| of == slot);
                    }
                }
                Output::Store(text) => {
                    assert!(!text.contains("secret"), "a password in the store");
                    self.clients[id].stored = Some(text);
                }
                Output::Event(event) => {
                    let name = self.clients[id].name.clone();
                    self.note(format!("{name}: {}", describe(&event)));
                    if let Event::Call(event) = &event
                        && let Some((call, request, outcome)) = self.clients[id].media.handle(event)
                    {
                        self.put(MEDIA, Wire::Media(id, call, request, outcome));
                    }
                    let registers = self.clients[id].registers;
                    self.log.push((id, registers, event.clone()));
                    self.clients[id].events.push(event);
                }
                Output::Log { message, .. } => {
                    assert!(!message.contains("secret"), "a password in the log");
                }
                Output::Trace { .. } => {}
            }
        }
    }

    fn count(&mut self, id: ClientId, slot: u32, data: &[u8]) {
        let text = String::from_utf8_lossy(data);
        let line = text.lines().next().unwrap_or_default();
        self.sent.push((id, slot, line.to_owned()));
        if text.starts_with("REGISTER") {
            self.clients[id].registers += 1;
        }
        let contacts = text
            .lines()
            .filter_map(|line| line.strip_prefix("Contact: "))
            .map(|value| {
                let uri = value.split(['>', ';']).next().unwrap_or_default();
                let gone = if value.contains("expires=0") {
                    " (removed)"
                } else {
                    ""
                };
                format!("{uri}>{gone}")
            });
        let contacts = contacts.collect::<Vec<_>>().join(", ");
        let name = &self.clients[id].name;
        self.note(format!("{name} → {line} {contacts}"));
    }

    fn drain_registrar(&mut self) {
        while let Some(output) = self.registrar.poll_output() {
            match output {
                registrar::Output::Send { connection, data } => {
                    let text = String::from_utf8_lossy(&data);
                    let line = text.lines().next().unwrap_or_default().to_owned();
                    let who = self
                        .connections
                        .get(&connection)
                        .map_or(usize::MAX, |known| known.0);
                    let name = self
                        .clients
                        .get(who)
                        .map_or("nobody", |client| &client.name)
                        .to_owned();
                    self.note(format!("{name} ← {line}"));
                    if self.node_of(connection) != Network::Silent {
                        self.put(LATENCY, Wire::ToClient(connection, data));
                    }
                }
                registrar::Output::Close { connection, .. } => {
                    if let Some((id, slot, generation)) = self.connections.remove(&connection) {
                        let sockets = &mut self.clients[id].sockets;
                        sockets.retain(|_, socket| socket.connection != Some(connection));
                        if self.clients[id].network != Network::Silent {
                            self.put(LATENCY, Wire::CloseAtClient(id, slot, generation));
                        }
                    }
                    self.put(LATENCY, Wire::CloseAtServer(connection));
                }
                _ => {}
            }
        }
    }

    fn node_of(&self, connection: Connection) -> Network {
        let known = self.connections.get(&connection);
        known.map_or(Network::Up, |(_, slot, _)| self.nodes[*slot as usize])
    }

    fn note(&mut self, line: String) {
        let seconds = (self.now.millis() - START) as f64 / 1000.0;
        self.transcript.push(format!("{seconds:9.3} {line}"));
    }

    // Questions.

    /// The addresses that a client has an open connection to.
    pub fn sockets(&self, id: ClientId) -> Vec<u32> {
        let sockets = self.clients[id].sockets.iter();
        let open = sockets.filter(|(_, socket)| socket.connection.is_some());
        open.map(|(slot, _)| *slot).collect()
    }

    /// Whether the app heard that a call ended.
    pub fn ended(&self, id: ClientId) -> bool {
        let ended =
            |event: &Event| matches!(event, Event::Call(graceline::call::Event::Ended { .. }));
        self.clients[id].events.iter().any(ended)
    }

    pub fn status(&self, id: ClientId) -> Status {
        self.clients[id].phone.status()
    }

    /// Instances bound for user 2001 on device CSF, as client names.
    pub fn holders(&self) -> Vec<String> {
        let bindings = self.registrar.bindings("2001");
        let on_device = bindings.iter().filter(|binding| binding.device == "CSF");
        on_device
            .map(|binding| self.name_of(&binding.contact, binding.instance_id.as_deref()))
            .collect()
    }

    fn name_of(&self, contact: &str, instance: Option<&str>) -> String {
        let owner = self.clients.iter().find(|client| {
            instance == Some(client.config.instance_id.as_str())
                || client
                    .phone
                    .contact_user()
                    .is_some_and(|user| contact.contains(&user))
        });
        owner.map_or_else(|| contact.to_owned(), |client| client.name.clone())
    }

    /// Takes what has happened to a client.
    pub fn take_events(&mut self, id: ClientId) -> Vec<Event> {
        std::mem::take(&mut self.clients[id].events)
    }

    pub fn settled(&self, id: ClientId) -> bool {
        self.clients[id].events.iter().any(|event| {
            matches!(event, Event::Registered(attempt, _) | Event::Failed(attempt, _)
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
                Event::Failed(_, fault) => Some(fault.clone()),
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
        Event::Failed(_, fault) => format!("failed {}: {}", fault.code, fault.message),
        Event::Terminated { reason, .. } => format!("terminated ({reason})"),
        Event::Error(fault) => format!("error {}", fault.code),
        Event::Call(event) => format!("{event:?}").chars().take(120).collect(),
        other => format!("{other:?}")
            .split([' ', '('])
            .next()
            .unwrap_or_default()
            .into(),
    }
}
