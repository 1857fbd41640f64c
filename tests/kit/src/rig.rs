//! One phone, a clock, and a server that is played by a function of the test.

use crate::handler::{Handler, Outcome};
use crate::queue::Queue;
use crate::{START, account};
use graceline::phone::{Config, Event, Fault, Level, Output, Phone, Status};
use graceline::sip::{Framing, Keepalive, Message, Name, Writer, keepalive};
use graceline::time::{Duration, Instant};
use std::collections::{BTreeMap, VecDeque};

pub use crate::UUID;

/// One way through the network, in milliseconds.
const LATENCY: u64 = 5;
/// What the media handler takes, in milliseconds.
pub const MEDIA: u64 = 5;

/// What the server does some time after it was spoken to.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers: status, reason and further headers, a line each. `{own}` is the
    /// URI of the request's last Contact, `{user}` its user part.
    Answer(u64, String),
    /// Sends this as it is, with `\n` for the ends of lines.
    Send(u64, String),
    /// Closes the socket.
    Close(u64),
}

/// Answers at once.
pub fn answer(text: impl Into<String>) -> Vec<Act> {
    vec![Act::Answer(0, text.into())]
}

/// Accepts with the Contacts `list`, each in a header of its own.
pub fn accept(list: &[&str]) -> Vec<Act> {
    let contacts = list.iter().map(|contact| format!("\nContact: {contact}"));
    answer(format!("200 OK{}", contacts.collect::<String>()))
}

/// What the server is told.
pub enum Heard<'a> {
    /// A socket was opened.
    Opened,
    /// A request came.
    Request(&'a Asked),
}

/// A request as the server reads it.
pub struct Asked {
    pub at: Instant,
    /// By which it came.
    pub socket: Socket,
    /// How many of its method there were, this one included.
    pub number: usize,
    pub message: Message,
}

impl Asked {
    pub fn is(&self, method: &str) -> bool {
        self.message.method() == method
    }

    /// The Contacts as they are written.
    pub fn contacts(&self) -> Vec<String> {
        let values = self.message.values(Name::Contact);
        values.map(str::to_owned).collect()
    }

    /// A REGISTER that only asks who is bound.
    pub fn is_query(&self) -> bool {
        self.is("REGISTER") && self.contacts().is_empty()
    }

    /// A REGISTER that binds the phone.
    pub fn binds(&self) -> bool {
        let stays = |one: &String| !one.ends_with("expires=0") && one != "*";
        self.is("REGISTER") && self.contacts().iter().any(stays)
    }

    /// A REGISTER that takes bindings away, and nothing else.
    pub fn removes(&self) -> bool {
        self.is("REGISTER") && !self.is_query() && !self.binds()
    }

    /// URI of the last Contact.
    pub fn own(&self) -> String {
        let contacts = self.contacts();
        let last = contacts.last().cloned().unwrap_or_default();
        let uri = last.trim_start_matches('<').split('>').next();
        uri.unwrap_or_default().to_owned()
    }

    fn fill(&self, text: &str) -> String {
        let own = self.own();
        let user = own.trim_start_matches("sip:").split('@').next();
        text.replace("{own}", &own)
            .replace("{user}", user.unwrap_or_default())
    }

    fn answered(&self, text: &str) -> Vec<u8> {
        let text = self.fill(text);
        let mut lines = text.lines();
        let (status, reason) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .expect("status and reason");
        let status = status.parse().expect("a status");
        let mut writer = Writer::response(&self.message, status, reason, Some("registrar"));
        for line in lines {
            let (name, value) = line.split_once(": ").expect("a header");
            writer.header(name, value);
        }
        writer.finish().expect("an answer that can be written")
    }
}

/// Why the phone was logged out by others.
pub fn terminations(rig: &Rig) -> Vec<&'static str> {
    let reason = |event: &Event| match event {
        Event::Terminated { reason, .. } => Some(*reason),
        _ => None,
    };
    rig.events.iter().filter_map(reason).collect()
}

type Server = dyn FnMut(&Heard<'_>) -> Vec<Act>;

/// Slot and generation.
pub type Socket = (u32, u32);

enum Due {
    Open(Socket),
    Hear(Socket, Vec<u8>),
    Close(Socket),
    /// The media handler is done with the wish of a call.
    Media(u32, u32, Outcome),
}

pub struct Rig {
    pub phone: Phone,
    pub now: Instant,
    server: Box<Server>,
    /// One way through the network, in milliseconds.
    latency: u64,
    due: Queue<Due>,
    attempts: u32,
    /// The one that was opened last.
    pub socket: Socket,
    /// What an address takes to open besides, in milliseconds.
    pub slow_open: BTreeMap<u32, u64>,
    pub media: Handler,
    /// Whether the handler answers; if not, it is busy for ever.
    pub media_works: bool,
    /// Every request of the phone.
    pub sent: Vec<Asked>,
    /// What the phone wrote and the server did not answer.
    pub(crate) unanswered: VecDeque<Message>,
    /// Pings of the server that were answered (RFC 5626 §3.5.1).
    pub pongs: usize,
    /// The far end's requests are malformed, and so is what answers echo of them.
    pub echoes: bool,
    /// When which address was connected to.
    pub opens: Vec<(Instant, u32)>,
    /// When which socket was closed by the phone.
    pub closes: Vec<(Instant, Socket)>,
    /// When the phone pinged (RFC 5626 §3.5.1).
    pub pings: Vec<Instant>,
    pub events: Vec<Event>,
    pub warnings: Vec<String>,
    /// What outlives the page.
    pub stored: Option<String>,
    pub transcript: Vec<String>,
    config: Config,
    loads: u8,
}

impl Rig {
    pub fn new(server: impl FnMut(&Heard<'_>) -> Vec<Act> + 'static) -> Self {
        Self::with(|_| {}, server)
    }

    /// A server that is asked about requests alone.
    pub fn answering(mut server: impl FnMut(&Asked) -> Vec<Act> + 'static) -> Self {
        Self::new(move |heard| match heard {
            Heard::Request(asked) => server(asked),
            Heard::Opened => Vec::new(),
        })
    }

    pub fn with(
        adapt: impl FnOnce(&mut Config),
        server: impl FnMut(&Heard<'_>) -> Vec<Act> + 'static,
    ) -> Self {
        let mut config = account(UUID);
        config.device = "CSF".into();
        adapt(&mut config);
        Self::made(config, LATENCY, server)
    }

    pub(crate) fn made(
        config: Config,
        latency: u64,
        server: impl FnMut(&Heard<'_>) -> Vec<Act> + 'static,
    ) -> Self {
        Self {
            phone: Phone::new(config.clone(), [7; 32]).expect("good options"),
            now: START,
            server: Box::new(server),
            latency,
            due: Queue::new(),
            attempts: 0,
            socket: (0, 0),
            slow_open: BTreeMap::new(),
            media: Handler::default(),
            media_works: true,
            sent: Vec::new(),
            unanswered: VecDeque::new(),
            pongs: 0,
            echoes: false,
            opens: Vec::new(),
            closes: Vec::new(),
            pings: Vec::new(),
            events: Vec::new(),
            warnings: Vec::new(),
            stored: None,
            transcript: Vec::new(),
            config,
            loads: 0,
        }
    }

    pub fn told(&self) -> String {
        self.transcript.join("\n")
    }

    /// The REGISTERs that were sent.
    pub fn registers(&self) -> Vec<&Asked> {
        let registers = self.sent.iter().filter(|asked| asked.is("REGISTER"));
        registers.collect()
    }

    pub fn status(&self) -> Status {
        self.phone.status()
    }

    // What users do.

    pub fn act(&mut self, action: impl FnOnce(&mut Phone, Instant)) {
        action(&mut self.phone, self.now);
        self.drain();
        while self.deliver() {}
    }

    /// Begins a login.
    pub fn register(&mut self, force: bool) {
        self.attempts += 1;
        let attempt = self.attempts;
        self.act(|phone, now| phone.register(now, attempt, force));
    }

    /// Logs in and waits for the end of it; the error, if it was one.
    pub fn login(&mut self, force: bool) -> Option<Fault> {
        self.register(force);
        let attempt = self.attempts;
        for _ in 0..120_000 {
            let settled = self.events.iter().find_map(|event| match event {
                Event::Registered(number, _) if *number == attempt => Some(None),
                Event::Failed(number, fault, _) if *number == attempt => Some(Some(fault.clone())),
                _ => None,
            });
            if let Some(outcome) = settled {
                return outcome;
            }
            self.wait(1);
        }
        panic!("the login does not end\n{}", self.told());
    }

    /// The machine sleeps: timers are late, and come before what arrived meanwhile.
    pub fn sleep(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
        self.act(Phone::handle_timeout);
    }

    /// The page is gone without a word, and loaded again with its storage.
    pub fn reload(&mut self) {
        self.loads += 1;
        self.due.clear();
        self.config.memory.clone_from(&self.stored);
        self.phone = Phone::new(self.config.clone(), [7 + self.loads; 32]).expect("good options");
    }

    // Time.

    /// Lets `millis` pass.
    pub fn wait(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            let timer = self.phone.poll_timeout();
            let next = [self.due.next_time(), timer].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if self.deliver() {
                continue;
            }
            self.act(Phone::handle_timeout);
            let after = self.phone.poll_timeout();
            let moved = after.is_none_or(|at| at > self.now);
            assert!(moved, "a timer stands still\n{}", self.told());
        }
        self.now = end;
    }

    pub fn seconds(&mut self, seconds: u64) {
        self.wait(seconds * 1000);
    }

    pub(crate) fn note(&mut self, line: impl std::fmt::Display) {
        let seconds = (self.now.millis() - START.millis()) as f64 / 1000.0;
        self.transcript.push(format!("{seconds:9.3} {line}"));
    }

    fn put(&mut self, delay: u64, due: Due) {
        self.due.put(self.now + Duration::from_millis(delay), due);
    }

    /// Does the next thing that is due; `false`: nothing is.
    fn deliver(&mut self) -> bool {
        let Some(due) = self.due.pop(self.now) else {
            return false;
        };
        match due {
            Due::Open(socket) => {
                let (slot, generation) = socket;
                self.phone.handle_open(self.now, slot, generation, "sip");
                self.drain();
                let acts = (self.server)(&Heard::Opened);
                self.perform(socket, None, acts);
            }
            Due::Hear(socket, data) => self.hear(socket, &data),
            Due::Close(socket) => self.closed(socket),
            Due::Media(call, request, outcome) => {
                let now = self.now;
                let phone = &mut self.phone;
                phone.with_calls(now, |calls| outcome.tell(calls, now, call, request));
                self.drain();
            }
        }
        true
    }

    /// A message comes by a socket.
    pub fn receive_by(&mut self, socket: Socket, text: &str) {
        self.receive_bytes_by(socket, text.as_bytes());
    }

    /// The same, of whatever it consists.
    pub fn receive_bytes_by(&mut self, socket: Socket, data: &[u8]) {
        self.hear(socket, data);
        while self.deliver() {}
    }

    /// A socket is closed by its other end.
    pub fn lose(&mut self, socket: Socket) {
        self.closed(socket);
        while self.deliver() {}
    }

    /// The answers that the phone gave since this was asked last.
    pub fn answered(&mut self) -> Vec<Message> {
        let messages = std::mem::take(&mut self.unanswered).into_iter();
        messages.filter(|message| !message.is_request()).collect()
    }

    /// And their statuses.
    pub fn answers(&mut self) -> Vec<u16> {
        self.answered().iter().map(Message::status).collect()
    }

    fn hear(&mut self, (slot, generation): Socket, data: &[u8]) {
        let text = String::from_utf8_lossy(data);
        let line = text.lines().next().unwrap_or_default();
        self.note(format_args!("← {line}"));
        self.phone.handle_message(self.now, slot, generation, data);
        self.drain();
    }

    fn closed(&mut self, (slot, generation): Socket) {
        self.note(format_args!("← closed {slot}"));
        self.phone.handle_close(self.now, slot, generation);
        self.drain();
    }

    fn perform(&mut self, socket: Socket, asked: Option<&Asked>, acts: Vec<Act>) {
        for act in acts {
            let (delay, due) = match act {
                Act::Answer(delay, text) => {
                    let asked = asked.expect("a request to answer");
                    (delay, Due::Hear(socket, asked.answered(&text)))
                }
                Act::Send(delay, text) => {
                    let text = asked.map_or(text.clone(), |asked| asked.fill(&text));
                    let data = text.replace('\n', "\r\n").into_bytes();
                    (delay, Due::Hear(socket, data))
                }
                Act::Close(delay) => (delay, Due::Close(socket)),
            };
            self.put(self.latency + delay, due);
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.phone.poll_output() {
            match output {
                Output::Open {
                    slot, generation, ..
                } => {
                    self.note(format_args!("→ open {slot}"));
                    self.opens.push((self.now, slot));
                    self.socket = (slot, generation);
                    let slow = self.slow_open.get(&slot).copied().unwrap_or_default();
                    self.put(2 * self.latency + slow, Due::Open(self.socket));
                }
                Output::Send {
                    slot,
                    generation,
                    data,
                } => self.take((slot, generation), &data),
                Output::CloseSocket { slot, generation } => {
                    self.closes.push((self.now, (slot, generation)));
                }
                Output::Store(memory) => self.stored = Some(memory),
                Output::Event(event) => {
                    self.note(format_args!("        {event:?}"));
                    if let Event::Call(call) = &event
                        && let Some((call, request, outcome)) = self.media.handle(call)
                        && self.media_works
                    {
                        self.put(MEDIA, Due::Media(call, request, outcome));
                    }
                    self.events.push(event);
                }
                Output::Log { level, message } => {
                    self.note(format_args!("        {level:?}: {message}"));
                    if level == Level::Warn {
                        self.warnings.push(message);
                    }
                }
                Output::Trace { .. } => {}
            }
        }
    }

    fn take(&mut self, socket: Socket, data: &[u8]) {
        match keepalive(data) {
            Some(Keepalive::Ping) => {
                self.pings.push(self.now);
                return self.put(self.latency, Due::Hear(socket, b"\r\n".to_vec()));
            }
            Some(Keepalive::Pong) => return self.pongs += 1,
            None => {}
        }
        let message = Message::parse(data, Framing::Frame).expect("the phone writes SIP");
        if message.is_request() || !self.echoes {
            message.validate().expect("the phone writes good SIP");
        }
        if !message.is_request() {
            self.note(format_args!("→ {}", message.status()));
            return self.unanswered.push_back(message);
        }
        let method = message.method().to_owned();
        let before = self.sent.iter().filter(|asked| asked.is(&method)).count();
        let asked = Asked {
            at: self.now,
            socket,
            number: before + 1,
            message,
        };
        let contacts = asked.contacts().join(", ");
        self.note(format_args!("→ {method} {contacts}"));
        let acts = (self.server)(&Heard::Request(&asked));
        if acts.is_empty() {
            self.unanswered.push_back(asked.message.clone());
        }
        self.perform(socket, Some(&asked), acts);
        self.sent.push(asked);
    }
}
