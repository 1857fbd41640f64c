//! The test registrar, and clients that speak SIP by hand.

use crate::message::{Head, respond_with};
use graceline::registrar::{Config, Direction, Event, Output, Registrar, Wake};
use graceline::sip::{
    Algorithm, Challenge, DigestChallenge, Framing, Message, Name, Secret, challenges,
    digest_authorization,
};
use graceline::time::{Duration, Instant};
use std::collections::{BTreeMap, VecDeque};

/// 10 November 2026, noon: the Date that answers carry.
pub const START: u64 = 1_794_312_000;

/// A registrar and everything that it hands out.
pub struct World {
    pub registrar: Registrar,
    pub now: Instant,
    inbox: BTreeMap<u32, VecDeque<Vec<u8>>>,
    pub closed: Vec<(u32, u16)>,
    pub changed: Vec<String>,
    /// Facts that were told to have changed: `USER KIND`.
    pub account_news: Vec<String>,
    /// Who was to be told something by push.
    pub wakes: Vec<Wake>,
    pub traces: Vec<(Direction, u32, String)>,
    pub logs: Vec<String>,
    connections: u32,
}

pub fn users() -> Config {
    Config {
        domain: Some("example.com".into()),
        ..Config::default()
    }
    .with_user("2001", "secret")
    .with_user("2002", "other")
}

impl World {
    pub fn new(config: Config) -> Self {
        let mut world = Self {
            registrar: Registrar::new(config, [7; 32]),
            now: Instant::from_millis(START * 1000),
            inbox: BTreeMap::new(),
            closed: Vec::new(),
            changed: Vec::new(),
            account_news: Vec::new(),
            wakes: Vec::new(),
            traces: Vec::new(),
            logs: Vec::new(),
            connections: 0,
        };
        world.registrar.handle_timeout(world.now);
        world
    }

    pub fn connect(&mut self) -> u32 {
        self.connections += 1;
        self.registrar.handle_opened(self.now, self.connections);
        self.drain();
        self.connections
    }

    pub fn disconnect(&mut self, connection: u32) {
        self.registrar.handle_closed(self.now, connection);
        self.drain();
    }

    pub fn send(&mut self, connection: u32, data: impl AsRef<[u8]>) {
        self.registrar
            .handle_message(self.now, connection, data.as_ref());
        self.drain();
    }

    /// Lets time pass, stopping at every deadline of the registrar.
    pub fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(at) = self.registrar.poll_timeout().filter(|&at| at <= end) {
            assert!(at >= self.now, "a deadline that was due was not met");
            self.now = at;
            self.registrar.handle_timeout(at);
            self.drain();
            assert_ne!(
                self.registrar.poll_timeout(),
                Some(at),
                "a deadline that stays"
            );
        }
        self.now = end;
        self.registrar.handle_timeout(end);
        self.drain();
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.registrar.poll_output() {
            match output {
                Output::Send { connection, data } => {
                    self.inbox.entry(connection).or_default().push_back(data);
                }
                Output::Close {
                    connection, code, ..
                } => self.closed.push((connection, code)),
                Output::Event(Event::BindingsChanged { user }) => self.changed.push(user),
                Output::Event(Event::AccountChanged { user, kind, .. }) => {
                    self.account_news.push(format!("{user} {}", kind.as_str()));
                }
                Output::Event(Event::Wake(wake)) => self.wakes.push(wake),
                Output::Trace {
                    direction,
                    connection,
                    message,
                } => {
                    self.traces.push((direction, connection, message));
                }
                Output::Log { message, .. } => self.logs.push(message),
            }
        }
    }

    /// The next raw message for `connection`, if there is one.
    pub fn raw(&mut self, connection: u32) -> Option<Vec<u8>> {
        self.inbox.get_mut(&connection)?.pop_front()
    }

    /// The next message for `connection`.
    pub fn next(&mut self, connection: u32) -> Message {
        let data = self.raw(connection).expect("a message");
        Message::parse(&data, Framing::Frame).expect("the registrar speaks SIP")
    }

    pub fn is_silent(&mut self, connection: u32) -> bool {
        self.raw(connection).is_none()
    }

    /// Contact URIs bound for `user`.
    pub fn contacts(&self, user: &str) -> Vec<String> {
        let bindings = self.registrar.bindings(user);
        bindings
            .into_iter()
            .map(|binding| binding.contact)
            .collect()
    }

    /// Answers a request that was received, with a To tag.
    pub fn reply(&mut self, connection: u32, request: &Message, status: &str, headers: &str) {
        let answer = respond_with(request, status, &format!("t{connection}"), headers, "");
        self.send(connection, answer);
    }
}

/// A client: one connection, one registration.
pub struct Client {
    pub connection: u32,
    pub user: &'static str,
    pub password: &'static str,
    /// Digest username.
    pub login: String,
    pub call_id: String,
    pub cseq: u32,
    /// Further header lines of every REGISTER.
    pub headers: String,
    challenge: Option<DigestChallenge>,
    count: u32,
}

pub const FORCED: &str = "Reason: SIP;cause=200;text=\"cisco-alarm:111 Name=CSF ActiveLoad=G \
                          InactiveLoad=G Last=Application-Requested-Destroy\"\r\n";

/// `+sip.instance` with a UUID made of one digit.
pub fn instance(digit: char) -> String {
    let run = |count| digit.to_string().repeat(count);
    let (a, b, c) = (run(8), run(4), run(12));
    format!("+sip.instance=\"<urn:uuid:{a}-{b}-{b}-{b}-{c}>\"")
}

pub const DEVICE: &str = "+u.sip!devicename.ccm.cisco.com=\"CSF\"";

impl Client {
    pub fn new(world: &mut World, user: &'static str) -> Self {
        let connection = world.connect();
        Self {
            connection,
            user,
            password: if user == "2001" { "secret" } else { "other" },
            login: user.to_owned(),
            call_id: format!("call-{connection}"),
            cseq: 0,
            headers: String::new(),
            challenge: None,
            count: 0,
        }
    }

    /// Sends a request with these header lines, and again with credentials if it
    /// is challenged; the final answer. 100 is skipped.
    pub fn ask(&mut self, world: &mut World, method: &str, uri: &str, headers: &str) -> Message {
        let answer = self.try_once(world, method, uri, headers);
        if !matches!(answer.status(), 401 | 407) {
            return answer;
        }
        self.challenge = digest(&answer, Algorithm::Sha256);
        self.count = 0;
        self.try_once(world, method, uri, headers)
    }

    fn try_once(&mut self, world: &mut World, method: &str, uri: &str, headers: &str) -> Message {
        let text = self.request(method, uri, headers);
        world.send(self.connection, text);
        loop {
            let answer = world.next(self.connection);
            if answer.status() != 100 {
                return answer;
            }
        }
    }

    /// The text of a request outside a dialog, with credentials if a nonce is known.
    pub fn request(&mut self, method: &str, uri: &str, headers: &str) -> String {
        self.cseq += 1;
        let authorization = self
            .challenge
            .as_ref()
            .map_or_else(String::new, |challenge| {
                self.count += 1;
                let secret = Secret::Password(self.password);
                let value = digest_authorization(
                    challenge,
                    &self.login,
                    secret,
                    method,
                    uri,
                    self.count,
                    "c0",
                    b"",
                );
                let name = if method == "REGISTER" || method == "SUBSCRIBE" {
                    ""
                } else {
                    "Proxy-"
                };
                format!("{name}Authorization: {value}\r\n")
            });
        let to = if method == "REGISTER" {
            format!("<sip:{}@example.com>", self.user)
        } else {
            format!("<{uri}>")
        };
        self.text(method, uri, &to, &format!("{authorization}{headers}"))
    }

    /// The text of a MESSAGE with this Content-Type.
    pub fn message(&mut self, uri: &str, headers: &str, kind: &str, body: &str) -> String {
        let headers = format!("{headers}Content-Type: {kind}\r\n");
        let empty = self.request("MESSAGE", uri, &headers);
        let head = empty.strip_suffix("Content-Length: 0\r\n\r\n");
        let head = head.expect("a request without a body");
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
    }

    /// The text of a request with this To.
    pub fn text(&self, method: &str, uri: &str, to: &str, headers: &str) -> String {
        let Self {
            connection,
            user,
            call_id,
            cseq,
            ..
        } = self;
        let head = Head {
            method,
            uri,
            via: (
                &format!("c{connection}.invalid"),
                &format!("c{connection}n{cseq}"),
            ),
            from: &format!("<sip:{user}@example.com>;tag=f{connection}"),
            to,
            call_id,
            cseq: *cseq,
        };
        head.write(headers, "")
    }

    /// REGISTER with these Contact values, each in a line of its own.
    pub fn register(&mut self, world: &mut World, contacts: &[&str]) -> Message {
        let lines: String = contacts
            .iter()
            .map(|contact| format!("Contact: {contact}\r\n"))
            .collect();
        let headers = format!("{lines}{}", self.headers);
        self.ask(world, "REGISTER", "sip:example.com", &headers)
    }

    /// A client that has registered `contact`.
    pub fn registered(world: &mut World, user: &'static str, contact: &str) -> Self {
        let mut client = Self::new(world, user);
        let answer = client.register(world, &[contact]);
        assert_eq!(answer.status(), 200, "{}", answer.reason());
        client
    }

    pub fn uses(&mut self, challenge: Option<DigestChallenge>) {
        self.challenge = challenge;
        self.count = 0;
    }

    pub fn set_count(&mut self, count: u32) {
        self.count = count;
    }
}

/// The challenge of `answer` for an algorithm.
pub fn digest(answer: &Message, wanted: Algorithm) -> Option<DigestChallenge> {
    challenges(answer)
        .into_iter()
        .find_map(|(_, challenge)| match challenge {
            Challenge::Digest(digest) if digest.algorithm == wanted => Some(digest),
            _ => None,
        })
}

/// The Contact values of an answer.
pub fn listed(answer: &Message) -> Vec<String> {
    answer.values(Name::Contact).map(str::to_owned).collect()
}

/// The text of a body.
pub fn body(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap()
}
