//! One phone, a clock, and a server that is played by the test.

use graceline::phone::{Config, Event, Fault, Level, Output, Phone, Status};
use graceline::sip::{Framing, Message, Name, Writer};
use graceline::time::{Duration, Instant};
use std::collections::BTreeMap;

/// One way through the network, in milliseconds.
const LATENCY: u64 = 5;
/// 2026-01-01, so that claims look like real ones.
const START: u64 = 1_767_225_600_000;

pub const UUID: &str = "urn:uuid:00000000-0000-4000-8000-000000000001";

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

enum Due {
    Open(u32, u32),
    Hear(u32, u32, Vec<u8>),
    Close(u32, u32),
}

pub struct Rig {
    pub phone: Phone,
    pub now: Instant,
    server: Box<Server>,
    due: BTreeMap<(Instant, u64), Due>,
    sequence: u64,
    attempts: u32,
    /// Everything that the phone sent.
    pub sent: Vec<Asked>,
    /// When which address was connected to.
    pub opens: Vec<(Instant, u32)>,
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
        let mut config = Config::new("ws://127.0.0.1/", "2001", "example.com", UUID);
        config.password = Some("secret".into());
        config.device = "CSF".into();
        adapt(&mut config);
        Self {
            phone: Phone::new(config.clone(), [7; 32]).expect("good options"),
            now: Instant::from_millis(START),
            server: Box::new(server),
            due: BTreeMap::new(),
            sequence: 0,
            attempts: 0,
            sent: Vec::new(),
            opens: Vec::new(),
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
                Event::Failed(number, fault) if *number == attempt => Some(Some(fault.clone())),
                _ => None,
            });
            if let Some(outcome) = settled {
                return outcome;
            }
            self.wait(1);
        }
        panic!("the login does not end\n{}", self.told());
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
            let news = self.due.keys().next().map(|(at, _)| *at);
            let timer = self.phone.poll_timeout();
            let next = [news, timer].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if news.is_some_and(|at| at <= self.now) {
                self.deliver();
            } else {
                self.act(Phone::handle_timeout);
                let after = self.phone.poll_timeout();
                assert!(after != timer, "a timer stands still\n{}", self.told());
            }
        }
        self.now = end;
    }

    pub fn seconds(&mut self, seconds: u64) {
        self.wait(seconds * 1000);
    }

    fn note(&mut self, line: impl std::fmt::Display) {
        let seconds = (self.now.millis() - START) as f64 / 1000.0;
        self.transcript.push(format!("{seconds:9.3} {line}"));
    }

    fn put(&mut self, delay: u64, due: Due) {
        self.sequence += 1;
        let at = self.now + Duration::from_millis(delay);
        self.due.insert((at, self.sequence), due);
    }

    fn deliver(&mut self) {
        let Some((_, due)) = self.due.pop_first() else {
            return;
        };
        match due {
            Due::Open(slot, generation) => {
                self.act(|phone, now| phone.handle_open(now, slot, generation, "sip"));
                let acts = (self.server)(&Heard::Opened);
                self.perform((slot, generation), None, acts);
            }
            Due::Hear(slot, generation, data) => {
                let text = String::from_utf8_lossy(&data).into_owned();
                self.note(format_args!(
                    "← {}",
                    text.lines().next().unwrap_or_default()
                ));
                self.act(|phone, now| phone.handle_message(now, slot, generation, &data));
            }
            Due::Close(slot, generation) => {
                self.note(format_args!("← closed {slot}"));
                self.act(|phone, now| phone.handle_close(now, slot, generation));
            }
        }
    }

    fn perform(&mut self, socket: (u32, u32), asked: Option<&Asked>, acts: Vec<Act>) {
        let (slot, generation) = socket;
        for act in acts {
            match act {
                Act::Answer(delay, text) => {
                    let asked = asked.expect("a request to answer");
                    let data = asked.answered(&text);
                    self.put(LATENCY + delay, Due::Hear(slot, generation, data));
                }
                Act::Send(delay, text) => {
                    let text = asked.map_or(text.clone(), |asked| asked.fill(&text));
                    let data = text.replace('\n', "\r\n").into_bytes();
                    self.put(LATENCY + delay, Due::Hear(slot, generation, data));
                }
                Act::Close(delay) => self.put(LATENCY + delay, Due::Close(slot, generation)),
            }
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
                    self.put(2 * LATENCY, Due::Open(slot, generation));
                }
                Output::Send {
                    slot,
                    generation,
                    data,
                } => self.take((slot, generation), &data),
                Output::CloseSocket { .. } => {}
                Output::Store(memory) => self.stored = Some(memory),
                Output::Event(event) => {
                    self.note(format_args!("        {event:?}"));
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

    fn take(&mut self, socket: (u32, u32), data: &[u8]) {
        let Ok(message) = Message::parse(data, Framing::Frame) else {
            return;
        };
        if !message.is_request() {
            return;
        }
        let method = message.method().to_owned();
        let before = self.sent.iter().filter(|asked| asked.is(&method)).count();
        let asked = Asked {
            at: self.now,
            number: before + 1,
            message,
        };
        let contacts = asked.contacts().join(", ");
        self.note(format_args!("→ {method} {contacts}"));
        let acts = (self.server)(&Heard::Request(&asked));
        self.perform(socket, Some(&asked), acts);
        self.sent.push(asked);
    }
}
