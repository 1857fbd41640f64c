//! A gateway between SIP clients and the nodes of a switch, all of which the test plays,
//! in virtual time.

use graceline::csta::{Content, Document, Request};
use graceline::gateway::{
    Answer, Appearance, CallState, CallView, Config, Device, DeviceView, Event, Gateway,
    LinkMessage, LinkRequest, Member, NodeId, Output, Remote,
};
use graceline::sip::{Framing, Message, Name};
use graceline::time::{Duration, Instant};
use graceline_kit::message::{Peer, respond};
use graceline_kit::{START, UUID, account};
use std::collections::VecDeque;

pub const NODES: usize = 8;
/// A switch that does everything.
pub const FEATURES: [&str; 15] = [
    "MakeCall",
    "AnswerCall",
    "ClearConnection",
    "HoldCall",
    "RetrieveCall",
    "ConsultationCall",
    "AlternateCall",
    "ReconnectCall",
    "TransferCall",
    "ConferenceCall",
    "SingleStepTransferCall",
    "DeflectCall",
    "GenerateDigits",
    "SetForwarding",
    "SetDoNotDisturb",
];

/// What a switch does with connections and requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Accepts and answers.
    There,
    /// Refuses connections.
    Away,
    /// Accepts, says hello, and then nothing.
    Silent,
    /// Accepts, and says nothing at all.
    Mute,
    /// Answers all but services: the test does.
    Slow,
}

/// One address of the switch.
pub struct Node {
    pub manner: Manner,
    pub connection: Option<NodeId>,
    /// Times of attempts to connect.
    pub attempts: Vec<Instant>,
    /// Requests that came, heartbeats aside.
    pub requests: Vec<LinkRequest>,
    pub heartbeats: Vec<Instant>,
    pub features: Vec<&'static str>,
    pub device: DeviceView,
    pub calls: Vec<CallView>,
    /// How services are refused, if they are.
    pub refuses: Option<&'static str>,
}

pub struct Rig {
    pub gateway: Gateway,
    pub now: Instant,
    pub nodes: Vec<Node>,
    pub events: Vec<Event>,
    pub log: Vec<String>,
    socket: Option<(u32, u32)>,
    /// The SIP server accepts connections.
    pub server: bool,
    pub registers: usize,
    sent: VecDeque<Message>,
    callers: u32,
    own_contact: bool,
}

pub fn device(name: &str) -> Device {
    Device {
        device: name.to_owned(),
        ..Device::default()
    }
}

fn in_service() -> DeviceView {
    DeviceView {
        in_service: true,
        ..DeviceView::default()
    }
}

impl Rig {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(adapt: impl FnOnce(&mut Config)) -> Self {
        let mut rig = Self::made(adapt);
        rig.start();
        rig
    }

    /// Not started yet.
    pub fn made(adapt: impl FnOnce(&mut Config)) -> Self {
        let mut login = account(UUID);
        login.user = "cti".to_owned();
        let mut config = Config::new(login, NODES);
        for (line, devices) in [
            ("2001", &["SEP01"][..]),
            ("2002", &["SEP02", "SEP03"][..]),
            ("2003", &["SEP04"][..]),
        ] {
            let devices = devices.iter().map(|name| device(name)).collect();
            config.lines.insert(line.to_owned(), devices);
        }
        adapt(&mut config);
        let node = |_| Node {
            manner: Manner::There,
            connection: None,
            attempts: Vec::new(),
            requests: Vec::new(),
            heartbeats: Vec::new(),
            features: FEATURES.to_vec(),
            device: in_service(),
            calls: Vec::new(),
            refuses: None,
        };
        Self {
            nodes: (0..config.connections).map(node).collect(),
            gateway: Gateway::new(config, [7; 32]).expect("a configuration"),
            now: START,
            events: Vec::new(),
            log: Vec::new(),
            socket: None,
            server: true,
            registers: 0,
            sent: VecDeque::new(),
            callers: 0,
            own_contact: false,
        }
    }

    pub fn start(&mut self) {
        self.gateway.start(self.now);
        self.run();
    }

    /// Everything that follows now.
    pub fn run(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            match output {
                Output::Open {
                    slot, generation, ..
                } => {
                    if self.server {
                        self.socket = Some((slot, generation));
                        self.gateway.handle_open(self.now, slot, generation, "sip");
                    } else {
                        self.gateway.handle_close(self.now, slot, generation);
                    }
                }
                Output::Send { data, .. } => self.sip(&data),
                Output::CloseSocket { .. } => self.socket = None,
                Output::Connect(id) => self.connect(id),
                Output::Disconnect(id) => {
                    let node = &mut self.nodes[id.node];
                    node.connection.take_if(|known| *known == id);
                }
                Output::Link(id, request) => self.link(id, request),
                Output::Event(event) => self.events.push(event),
                Output::Log { message, .. } => self.log.push(message),
                Output::Trace { .. } => {}
            }
        }
    }

    /// Time passes.
    pub fn pass(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        loop {
            let due = self.gateway.poll_timeout().filter(|due| *due <= until);
            self.now = due.unwrap_or(until).max(self.now);
            self.gateway.handle_timeout(self.now);
            self.run();
            if due.is_none() {
                return;
            }
        }
    }

    // The SIP server and its clients.

    fn sip(&mut self, data: &[u8]) {
        let Ok(message) = Message::parse(data, Framing::Frame) else {
            // A keepalive.
            return self.put("\r\n");
        };
        match message.method() {
            "REGISTER" => {
                self.registers += 1;
                let contact = message.header(Name::Contact).unwrap_or_default();
                let contact = match contact {
                    "" => String::new(),
                    own => format!("Contact: {own}\r\nExpires: 600\r\n"),
                };
                let answer = respond(&message, 200, "r", &contact, "");
                self.put(&answer);
            }
            "SUBSCRIBE" => {
                let answer = respond(&message, 489, "r", "", "");
                self.put(&answer);
            }
            "OPTIONS" => {
                let answer = respond(&message, 200, "r", "", "");
                self.put(&answer);
            }
            _ => self.sent.push_back(message),
        }
    }

    pub fn put(&mut self, text: &str) {
        self.put_bytes(text.as_bytes());
    }

    pub fn put_bytes(&mut self, data: &[u8]) {
        let (slot, generation) = self.socket.expect("a socket");
        self.gateway
            .handle_message(self.now, slot, generation, data);
        self.run();
    }

    pub fn lose_socket(&mut self) {
        let (slot, generation) = self.socket.take().expect("a socket");
        self.gateway.handle_close(self.now, slot, generation);
        self.run();
    }

    /// What the gateway sent next.
    pub fn sent(&mut self) -> Message {
        match self.sent.pop_front() {
            Some(message) => message,
            None => panic!("nothing was sent; {:#?}", self.events),
        }
    }

    /// The same, if there is anything.
    pub fn take_sent(&mut self) -> Option<Message> {
        self.sent.pop_front()
    }

    pub fn silence(&mut self) {
        if let Some(message) = self.sent.pop_front() {
            panic!("unexpected: {}", message.head());
        }
    }

    pub fn reply(&mut self, request: &Message, status: u16) {
        let answer = respond(request, status, "c", "", "");
        self.put(&answer);
    }

    /// An INVITE; its answer, and the dialog that it may have made.
    pub fn invite(&mut self, user: &str, line: &str, headers: &str) -> (Message, Peer) {
        let peer = self.ask(user, line, headers);
        self.answered(peer)
    }

    /// An INVITE that the server vouches for.
    pub fn ask(&mut self, user: &str, line: &str, headers: &str) -> Peer {
        let asserted = format!("P-Asserted-Identity: <sip:{user}@example.com>\r\n");
        self.ask_with(user, &status(line), &format!("{asserted}{headers}"))
    }

    /// Of an INVITE whose headers have a Contact.
    pub fn callers_own_contact(&mut self, own: bool) {
        self.own_contact = own;
    }

    pub fn ask_with(&mut self, user: &str, body: &str, headers: &str) -> Peer {
        self.callers += 1;
        let mut peer = Peer::caller(self.callers);
        peer.target = "sip:cti@gateway.invalid".to_owned();
        peer.from = format!("<sip:{user}@example.com>;tag=t{}", self.callers);
        peer.to = "<sip:cti@example.com>".to_owned();
        let mut text = peer.numbered("INVITE", peer.cseq, headers, body);
        if std::mem::take(&mut self.own_contact) {
            text = text.replacen("Contact: <sip:far@far.invalid;transport=ws>\r\n", "", 1);
        }
        self.put(&text);
        peer
    }

    pub fn answered(&mut self, mut peer: Peer) -> (Message, Peer) {
        let answer = self.sent();
        assert!(answer.status() >= 200, "{}", answer.head());
        peer.learn(&answer);
        // The ACK goes where the answer says, which is where all the rest goes.
        let ack = peer.numbered("ACK", peer.cseq, "", "");
        self.put(&ack);
        (answer, peer)
    }

    /// A session of this user for the own line.
    pub fn open(&mut self, user: &str) -> Peer {
        let (answer, peer) = self.invite(user, &format!("tel:{user}"), "");
        assert_eq!(answer.status(), 200, "{}", answer.head());
        peer
    }

    /// A session with a monitor.
    pub fn monitored(&mut self, user: &str) -> Peer {
        let mut peer = self.open(user);
        let device = format!("tel:{user}");
        let answer = self.service(&mut peer, Request::MonitorStart { device });
        assert!(
            matches!(answer, Content::Response(_)),
            "no monitor: {answer:?}"
        );
        peer
    }

    /// Sends a service, and does not look for its answer.
    pub fn send(&mut self, peer: &mut Peer, request: Request) {
        let body = Document::new(Content::Request(request)).to_xml();
        let text = peer.request("INFO", "", &body);
        self.put(&text);
    }

    /// What a service is answered with.
    pub fn service(&mut self, peer: &mut Peer, request: Request) -> Content {
        self.send(peer, request);
        self.document()
    }

    /// The document in the next message, an answer with 200.
    pub fn document(&mut self) -> Content {
        let answer = self.sent();
        assert_eq!(answer.status(), 200, "{}", answer.head());
        content(&answer)
    }

    /// Documents that the gateway tells unasked; each is taken.
    pub fn told(&mut self) -> Vec<Content> {
        let mut told = Vec::new();
        while self
            .sent
            .front()
            .is_some_and(|message| message.method() == "INFO")
        {
            let info = self.sent();
            told.push(content(&info));
            self.reply(&info, 200);
        }
        told
    }

    /// The next message is a BYE, which is answered; its Reason.
    pub fn bye(&mut self) -> Option<String> {
        let bye = self.sent();
        assert_eq!(bye.method(), "BYE", "{}", bye.head());
        self.reply(&bye, 200);
        bye.header(Name::Reason).map(str::to_owned)
    }

    // The switch.

    fn connect(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.node];
        node.attempts.push(self.now);
        if node.manner == Manner::Away {
            return self
                .gateway
                .handle_link_closed(self.now, id, "connection refused");
        }
        node.connection = Some(id);
        if node.manner != Manner::Mute {
            let features = node.features.iter().map(|name| (*name).to_owned());
            let hello = LinkMessage::Hello {
                version: 1,
                name: "Test".to_owned(),
                features: features.collect(),
            };
            self.gateway.handle_link(self.now, id, hello);
        }
    }

    fn link(&mut self, id: NodeId, request: LinkRequest) {
        let node = &mut self.nodes[id.node];
        assert_eq!(node.connection, Some(id), "asked by an older connection");
        let number = request.id;
        let silent = matches!(node.manner, Manner::Silent | Manner::Mute);
        let mut answer = Answer::default();
        let mut answers = !silent;
        match request.service {
            "heartbeat" => node.heartbeats.push(self.now),
            "monitor" => {
                answer.device = Some(node.device.clone());
                answer.calls.clone_from(&node.calls);
            }
            "unmonitor" => {}
            "makeCall" | "consultationCall" | "conferenceCall" => {
                answer.call = Some(format!("made{number}"));
                answers &= node.manner != Manner::Slow;
            }
            _ => answers &= node.manner != Manner::Slow,
        }
        let is_service = !matches!(request.service, "heartbeat" | "monitor" | "unmonitor");
        let refused = node.refuses.filter(|_| is_service).map(str::to_owned);
        if request.service != "heartbeat" {
            node.requests.push(request);
        }
        if answers {
            let result = refused.map_or(Ok(answer), Err);
            self.answer_link(id, number, result);
        }
    }

    pub fn answer_link(&mut self, id: NodeId, number: u32, result: Result<Answer, String>) {
        let message = LinkMessage::Answer { id: number, result };
        self.gateway.handle_link(self.now, id, message);
    }

    /// A node says something.
    pub fn says(&mut self, node: usize, message: LinkMessage) {
        let id = self.nodes[node].connection.expect("a connection");
        self.gateway.handle_link(self.now, id, message);
        self.run();
    }

    pub fn shows(&mut self, node: usize, at: &Appearance, view: CallView) {
        self.says(node, LinkMessage::Call(at.clone(), view));
    }

    /// A node is lost, and not to be had.
    pub fn lose(&mut self, node: usize) {
        let lost = &mut self.nodes[node];
        lost.manner = Manner::Away;
        let id = lost.connection.take().expect("a connection");
        self.gateway
            .handle_link_closed(self.now, id, "the switch has closed the connection");
        self.run();
    }

    /// It is to be had again, and found.
    pub fn restore(&mut self, node: usize) {
        self.nodes[node].manner = Manner::There;
        let mut waited = 0;
        while self.nodes[node].connection.is_none() {
            assert!(waited < 60, "nobody tries node {node}");
            waited += 1;
            self.pass(1);
        }
    }

    /// Which node serves how many sessions.
    pub fn sessions(&self) -> Vec<usize> {
        let connections = self.gateway.connections();
        connections.iter().map(|one| one.sessions).collect()
    }

    pub fn states(&self) -> Vec<&'static str> {
        let connections = self.gateway.connections();
        connections.iter().map(|one| one.state).collect()
    }

    /// The node that serves the only session.
    pub fn serving(&self) -> usize {
        let sessions = self.sessions();
        assert_eq!(sessions.iter().sum::<usize>(), 1, "{sessions:?}");
        sessions.iter().position(|count| *count == 1).expect("one")
    }

    /// Services that a node was asked for: name, and members as text.
    pub fn asked(&mut self, node: usize) -> Vec<String> {
        let requests = std::mem::take(&mut self.nodes[node].requests);
        requests.iter().map(shown).collect()
    }
}

fn shown(request: &LinkRequest) -> String {
    let mut text = request.service.to_owned();
    for (name, member) in &request.members {
        let value = match member {
            Member::Text(text) => text.clone(),
            Member::Flag(flag) => flag.to_string(),
            Member::Number(number) => number.to_string(),
        };
        text += &format!(" {name}={value}");
    }
    text
}

pub fn content(message: &Message) -> Content {
    let document = Document::parse(message.body());
    document.expect("a document").content
}

/// RequestSystemStatus for a line.
pub fn status(line: &str) -> String {
    let line = Some(line.to_owned());
    Document::new(Content::Request(Request::RequestSystemStatus { line })).to_xml()
}

pub fn at(line: &str, device: &str) -> Appearance {
    Appearance {
        line: line.to_owned(),
        device: device.to_owned(),
    }
}

/// A call to 2003.
pub fn view(id: &str, state: CallState) -> CallView {
    CallView {
        id: id.to_owned(),
        state,
        incoming: false,
        remote: Remote::Number("2003".to_owned()),
        parties: Vec::new(),
        cause: None,
        from: Vec::new(),
        by_local: false,
        to: None,
        elsewhere: None,
        name: None,
        can: None,
    }
}

/// A call from there.
pub fn incoming(id: &str, state: CallState) -> CallView {
    CallView {
        incoming: true,
        ..view(id, state)
    }
}
