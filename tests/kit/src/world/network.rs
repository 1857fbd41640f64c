//! The network: sockets with two ends, and what is under way on them.
//!
//! Each socket has a latency of its own and keeps its order; sockets among
//! each other do not. A client may have several, keyed by slot and generation.

use super::{ClientId, World};
use crate::handler::Outcome;
use graceline::registrar::ConnectionId;
use graceline::time::Duration;

/// One way through the network, in milliseconds, unless a client has its own.
pub const LATENCY: u64 = 10;

/// What the network does to connections that exist or are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    #[default]
    Up,
    /// Everything is lost without a sign. A socket that lost something stays
    /// half-open: TCP leaves no gaps.
    Silent,
    /// New sockets fail at once.
    Refusing,
}

/// A socket as its client names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketId {
    pub client: ClientId,
    /// The page load that opened it: callbacks of an earlier page are lost.
    pub load: u32,
    pub slot: u32,
    pub generation: u32,
}

/// The client's end.
pub(super) struct Socket {
    latency: u64,
    connection: Option<ConnectionId>,
    /// It has lost something: nothing gets through any more.
    dead: bool,
}

/// The registrar's end.
pub(super) struct Link {
    pub socket: SocketId,
    latency: u64,
}

/// What is under way.
pub(super) enum Wire {
    Connect(SocketId),
    Opened(SocketId),
    ToServer(ConnectionId, Vec<u8>),
    ToClient(SocketId, Vec<u8>),
    CloseAtServer(ConnectionId),
    CloseAtClient(SocketId),
    /// The media handler of a client is done with the wish of a call.
    Media(ClientId, u32, u32, Outcome),
}

/// What a socket says.
enum News {
    Opened,
    Said(Vec<u8>),
    Closed,
}

impl Wire {
    /// Whom it reaches, if it is a client.
    fn client(&self) -> Option<ClientId> {
        match self {
            Wire::Opened(id) | Wire::ToClient(id, _) | Wire::CloseAtClient(id) => Some(id.client),
            Wire::Media(id, ..) => Some(*id),
            Wire::Connect(_) | Wire::ToServer(..) | Wire::CloseAtServer(_) => None,
        }
    }
}

impl World {
    // Faults.

    /// The sockets of a client are cut; both ends see it.
    pub fn cut(&mut self, id: ClientId) {
        self.cut_where(id, |_| true);
    }

    fn cut_where(&mut self, id: ClientId, which: impl Fn(&SocketId) -> bool) {
        for socket in self.sockets_of(id).into_iter().filter(which) {
            self.drop_socket(socket);
            self.put(LATENCY, Wire::CloseAtClient(socket));
        }
    }

    /// The client sees its sockets closed; the registrar does not.
    pub fn cut_unseen_by_server(&mut self, id: ClientId) {
        for socket in self.sockets_of(id) {
            self.sockets.remove(&socket);
            self.put(LATENCY, Wire::CloseAtClient(socket));
        }
    }

    /// The registrar sees the client's sockets closed; the client does not.
    pub fn cut_unseen_by_client(&mut self, id: ClientId) {
        for socket in self.sockets_of(id) {
            let socket = self.sockets.get_mut(&socket);
            if let Some(connection) = socket.and_then(|socket| socket.connection) {
                self.put(LATENCY, Wire::CloseAtServer(connection));
            }
        }
    }

    /// The registrar's ends are gone, and what is under way from and to them.
    pub(super) fn lose_what_is_under_way(&mut self) {
        self.connections.clear();
        let stays = |wire: &Wire| matches!(wire, Wire::Connect(_) | Wire::CloseAtClient(_));
        self.wire.retain(stays);
    }

    fn sockets_of(&self, id: ClientId) -> Vec<SocketId> {
        let sockets = self.sockets.keys().filter(|socket| socket.client == id);
        sockets.copied().collect()
    }

    /// A node of the registrar dies: its sockets are gone, new ones fail.
    pub fn kill_node(&mut self, slot: u32) {
        self.nodes[slot as usize] = Network::Refusing;
        for id in 0..self.clients.len() {
            self.cut_where(id, |socket| socket.slot == slot);
        }
    }

    fn node(&self, id: SocketId) -> Network {
        self.nodes[id.slot as usize]
    }

    /// The addresses that a client has an open connection to.
    pub fn sockets(&self, id: ClientId) -> Vec<u32> {
        let mine =
            |(socket, end): &(&SocketId, &Socket)| socket.client == id && end.connection.is_some();
        let open = self.sockets.iter().filter(mine);
        open.map(|(socket, _)| socket.slot).collect()
    }

    // What clients do with sockets.

    pub(super) fn open_socket(&mut self, id: SocketId) {
        let client = &mut self.clients[id.client];
        client.opens += 1;
        let latency = client.latency;
        let delay = latency + client.slow_open;
        let socket = Socket {
            latency,
            connection: None,
            dead: false,
        };
        self.sockets.insert(id, socket);
        self.put(delay, Wire::Connect(id));
    }

    pub(super) fn send(&mut self, id: SocketId, data: Vec<u8>) {
        if self.gets_through(id)
            && !self.stopped_at_edge(id, &data)
            && let Some(socket) = self.sockets.get(&id)
            && let Some(connection) = socket.connection
        {
            let latency = socket.latency + self.detour(&data);
            self.put(latency, Wire::ToServer(connection, data));
        }
    }

    /// What it takes longer, in milliseconds.
    fn detour(&mut self, data: &[u8]) -> u64 {
        let is_info = |line: &[u8]| line.starts_with(b"CSeq:") && line.ends_with(b"INFO\r");
        let mut lines = data.split(|byte| *byte == b'\n');
        match self.overtaking && lines.any(is_info) {
            true => self.random.below(200),
            false => 0,
        }
    }

    /// The client's end is gone.
    pub(super) fn drop_socket(&mut self, id: SocketId) {
        let told = self.gets_through(id);
        if let Some(socket) = self.sockets.remove(&id)
            && let Some(connection) = socket.connection.filter(|_| told)
        {
            self.put(socket.latency, Wire::CloseAtServer(connection));
        }
    }

    /// Whether something can pass on a socket now.
    fn gets_through(&mut self, id: SocketId) -> bool {
        let ways = [self.clients[id.client].network, self.node(id)];
        match self.sockets.get_mut(&id) {
            Some(socket) => {
                socket.dead |= ways.contains(&Network::Silent);
                !socket.dead
            }
            None => false,
        }
    }

    pub(super) fn drop_sockets(&mut self, id: ClientId) {
        for socket in self.sockets_of(id) {
            self.drop_socket(socket);
        }
    }

    // What the registrar does with connections.

    pub(super) fn send_to_client(&mut self, connection: ConnectionId, data: Vec<u8>) {
        if let Some(link) = self.connections.get(&connection) {
            let (socket, latency) = (link.socket, link.latency);
            if self.gets_through(socket) {
                self.put(latency, Wire::ToClient(socket, data));
            }
        }
    }

    pub(super) fn close_by_server(&mut self, connection: ConnectionId) {
        if let Some(link) = self.connections.remove(&connection) {
            self.put(link.latency, Wire::CloseAtClient(link.socket));
        }
    }

    /// Name of the client behind a connection.
    pub(super) fn peer(&self, connection: ConnectionId) -> &str {
        let link = self.connections.get(&connection);
        link.map_or("nobody", |link| &self.clients[link.socket.client].name)
    }

    // The way.

    pub(super) fn put(&mut self, delay: u64, wire: Wire) {
        let at = self.now + Duration::from_millis(delay);
        self.wire.put(at, wire);
    }

    pub(super) fn deliver(&mut self, wire: Wire) {
        if let Some(client) = wire.client() {
            let client = &mut self.clients[client];
            if client.asleep {
                return client.inbox.push(wire);
            }
        }
        match wire {
            Wire::Connect(id) => self.open_connection(id),
            Wire::Opened(id) => {
                if self.sockets.contains_key(&id) {
                    self.tell(id, &News::Opened);
                }
            }
            Wire::ToServer(connection, data) => {
                self.messages += 1;
                let Some(id) = self.connections.get(&connection).map(|link| link.socket) else {
                    return;
                };
                // What a client sent before it closed the socket still arrives.
                let closed = !self.sockets.contains_key(&id);
                if closed && self.node(id) != Network::Silent || self.gets_through(id) {
                    self.registrar.handle_message(self.now, connection, &data);
                    self.drain_registrar();
                }
            }
            Wire::ToClient(id, data) => {
                if self.gets_through(id) {
                    self.messages += 1;
                    let data = self.clients[id.client].overhear(data);
                    self.tell(id, &News::Said(data));
                }
            }
            Wire::CloseAtServer(connection) => {
                self.connections.remove(&connection);
                self.registrar.handle_closed(self.now, connection);
                self.drain_registrar();
            }
            Wire::Media(id, call, request, outcome) => self.act(id, |phone, now| {
                phone.with_calls(now, |calls| outcome.tell(calls, now, call, request));
            }),
            // Late ones of a socket that the client has dropped come, too.
            Wire::CloseAtClient(id) => {
                if self.sockets.contains_key(&id) && !self.gets_through(id) {
                    return;
                }
                self.sockets.remove(&id);
                self.tell(id, &News::Closed);
            }
        }
    }

    fn open_connection(&mut self, id: SocketId) {
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        let ways = [self.clients[id.client].network, self.node(id)];
        if ways.contains(&Network::Silent) {
            return;
        }
        if ways.contains(&Network::Refusing) {
            return self.deliver(Wire::CloseAtClient(id));
        }
        self.next_connection += 1;
        let connection = self.next_connection;
        let latency = socket.latency;
        self.connections.insert(
            connection,
            Link {
                socket: id,
                latency,
            },
        );
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.connection = Some(connection);
        }
        self.registrar.handle_opened(self.now, connection);
        self.drain_registrar();
        self.deliver(Wire::Opened(id));
    }

    /// Brings what a socket says; to the page that opened it only.
    fn tell(&mut self, id: SocketId, news: &News) {
        if self.clients[id.client].loads != id.load {
            return;
        }
        let (slot, generation) = (id.slot, id.generation);
        match self.clients[id.client].is_gateway() {
            true => self.act_gateway(id.client, |gateway, now| match news {
                News::Opened => gateway.handle_open(now, slot, generation, "sip"),
                News::Said(data) => gateway.handle_message(now, slot, generation, data),
                News::Closed => gateway.handle_close(now, slot, generation),
            }),
            false => self.act(id.client, |phone, now| match news {
                News::Opened => phone.handle_open(now, slot, generation, "sip"),
                News::Said(data) => phone.handle_message(now, slot, generation, data),
                News::Closed => phone.handle_close(now, slot, generation),
            }),
        }
    }
}
