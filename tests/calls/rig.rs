//! One registered phone, a clock, and a far end that is played by the test.

use crate::handler::{Handler, Outcome};
use graceline::call::{CallOptions, Calls, Cause, Event, Shown};
use graceline::phone::{self, Config, Output, Phone, Status};
use graceline::sip::{DigestResponse, Framing, Message, Name, Secret};
use graceline::time::{Duration, Instant};
use std::collections::VecDeque;

/// What the media handler takes, in milliseconds.
const MEDIA: u64 = 5;

/// A description that talks both ways.
pub const SDP: &str = "v=0\r\no=- 9 9 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
                       m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendrecv\r\n";

/// How the registrar answers.
struct Registrar {
    challenge: &'static str,
    /// The password that it proves to know.
    proof: Option<&'static str>,
    /// Further headers of its answers.
    headers: &'static str,
}

impl Default for Registrar {
    fn default() -> Self {
        Self {
            challenge: CHALLENGE,
            proof: None,
            headers: "",
        }
    }
}

pub struct Rig {
    pub phone: Phone,
    pub now: Instant,
    pub media: Handler,
    /// Whether the handler answers; if not, it is busy for ever.
    pub media_works: bool,
    sent: VecDeque<Message>,
    events: Vec<phone::Event>,
    wishes: VecDeque<(Instant, u32, u32, Outcome)>,
    socket: (u32, u32),
    ops: u32,
    registrar: Registrar,
    /// REGISTERs that were accepted.
    pub registrations: Vec<Message>,
    /// What outlives the page.
    pub stored: String,
    pub transcript: Vec<String>,
    /// The far end's requests are malformed, and so is what answers echo of them.
    pub echoes: bool,
    /// Log entries of severity `warn`.
    pub warnings: Vec<String>,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(adapt: impl FnOnce(&mut Config)) -> Self {
        Self::made(Registrar::default(), adapt).ready()
    }

    /// Registered where this is asked for.
    pub fn challenged_by(challenge: &'static str) -> Self {
        let registrar = Registrar {
            challenge,
            ..Registrar::default()
        };
        Self::made(registrar, |_| {}).ready()
    }

    /// Registered by answers that bear these headers, too.
    pub fn announcing(headers: &'static str, adapt: impl FnOnce(&mut Config)) -> Self {
        Self::made(
            Registrar {
                headers,
                ..Registrar::default()
            },
            adapt,
        )
        .ready()
    }

    /// After a login to a registrar that proves to know this password.
    pub fn of_registrar(password: &'static str) -> Self {
        let registrar = Registrar {
            proof: Some(password),
            ..Registrar::default()
        };
        Self::made(registrar, |_| {})
    }

    fn ready(mut self) -> Self {
        assert_eq!(self.phone.status(), Status::Ready, "{}", self.told());
        self.events.clear();
        self
    }

    fn made(registrar: Registrar, adapt: impl FnOnce(&mut Config)) -> Self {
        let uuid = "urn:uuid:00000000-0000-4000-8000-000000000001";
        let mut config = Config::new("ws://127.0.0.1/", "2001", "example.com", uuid);
        config.password = Some("secret".into());
        adapt(&mut config);
        let phone = Phone::new(config, [9; 32]).expect("good options");
        let mut rig = Self {
            phone,
            now: Instant::from_millis(1_767_225_600_000),
            media: Handler::default(),
            media_works: true,
            sent: VecDeque::new(),
            events: Vec::new(),
            wishes: VecDeque::new(),
            socket: (0, 0),
            ops: 100,
            registrar,
            registrations: Vec::new(),
            stored: String::new(),
            transcript: Vec::new(),
            echoes: false,
            warnings: Vec::new(),
        };
        rig.phone.register(rig.now, 1, false);
        rig.drain();
        rig
    }

    pub fn told(&self) -> String {
        self.transcript.join("\n")
    }

    // Time.

    /// Lets `millis` pass.
    pub fn wait(&mut self, millis: u64) {
        self.drain();
        let end = self.now + Duration::from_millis(millis);
        loop {
            let wish = self.wishes.front().map(|wish| wish.0);
            let timer = self.phone.poll_timeout();
            let next = [wish, timer].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if wish.is_some_and(|at| at <= self.now) {
                if let Some((_, call, request, outcome)) = self.wishes.pop_front() {
                    self.calls(|calls, now| outcome.tell(calls, now, call, request));
                }
            } else {
                self.phone.handle_timeout(self.now);
                self.drain();
                let after = self.phone.poll_timeout();
                assert!(after.is_none_or(|at| at > self.now), "a timer stands still");
            }
        }
        self.now = end;
    }

    /// Lets the media handler do what it was asked for.
    pub fn settle(&mut self) {
        self.wait(4 * MEDIA);
    }

    fn drain(&mut self) {
        while let Some(output) = self.phone.poll_output() {
            match output {
                Output::Open {
                    slot, generation, ..
                } => {
                    self.socket = (slot, generation);
                    self.phone.handle_open(self.now, slot, generation, "sip");
                }
                Output::Send { data, .. } => self.take(&data),
                Output::Store(memory) => self.stored = memory,
                Output::Log {
                    level: phone::Level::Warn,
                    message,
                } => self.warnings.push(message),
                Output::Event(event) => {
                    if let phone::Event::Call(call) = &event {
                        self.transcript.push(format!("        {call:?}"));
                        if let Some((call, request, outcome)) = self.media.handle(call)
                            && self.media_works
                        {
                            let at = self.now + Duration::from_millis(MEDIA);
                            self.wishes.push_back((at, call, request, outcome));
                        }
                    }
                    self.events.push(event);
                }
                _ => {}
            }
        }
    }

    /// The registrar answers what is for it; the rest is for the test.
    fn take(&mut self, data: &[u8]) {
        if data == b"\r\n\r\n" {
            return self.receive("\r\n");
        }
        let message = Message::parse(data, Framing::Frame).expect("the phone writes SIP");
        if message.is_request() || !self.echoes {
            message.validate().expect("the phone writes good SIP");
        }
        match message.method() {
            "REGISTER" if message.header(Name::Authorization).is_none() => {
                let challenge = format!("WWW-Authenticate: {}\r\n", self.registrar.challenge);
                let answer = respond(&message, 401, "registrar", &challenge, "");
                self.receive(&answer);
            }
            "REGISTER" => {
                let contact = message
                    .header(Name::Contact)
                    .map_or_else(String::new, |own| format!("Contact: {own}\r\n"));
                let info = self.registrar.proof.map_or_else(String::new, |password| {
                    let own = message.header(Name::Authorization).expect("credentials");
                    let own = DigestResponse::parse(own).expect("a digest");
                    let rspauth = own.rspauth(Secret::Password(password), b"");
                    let cnonce = own.cnonce.expect("a cnonce");
                    format!(
                        "Authentication-Info: qop=auth, rspauth=\"{rspauth}\", \
                         cnonce=\"{cnonce}\", nc=00000001\r\n"
                    )
                });
                let headers = contact + &info + self.registrar.headers;
                let answer = respond(&message, 200, "registrar", &headers, "");
                self.registrations.push(message);
                self.receive(&answer);
            }
            "SUBSCRIBE" => {
                let answer = respond(&message, 489, "registrar", "", "");
                self.receive(&answer);
            }
            _ => {
                let seconds = (self.now.millis() % 1_000_000) as f64 / 1000.0;
                let line = String::from_utf8_lossy(data);
                let line = line.lines().next().unwrap_or_default().to_owned();
                self.transcript.push(format!("{seconds:7.3} → {line}"));
                self.sent.push_back(message);
            }
        }
    }

    // The far end.

    pub fn receive(&mut self, text: &str) {
        let line = text.lines().next().unwrap_or_default().to_owned();
        let seconds = (self.now.millis() % 1_000_000) as f64 / 1000.0;
        self.transcript.push(format!("{seconds:7.3} ← {line}"));
        let (slot, generation) = self.socket;
        self.phone
            .handle_message(self.now, slot, generation, text.as_bytes());
        self.drain();
    }

    /// What the phone sent next.
    pub fn sent(&mut self) -> Message {
        match self.sent.pop_front() {
            Some(message) => message,
            None => panic!("the phone sent nothing\n{}", self.told()),
        }
    }

    /// The next request, which is this one.
    pub fn request(&mut self, method: &str) -> Message {
        let message = self.sent();
        assert_eq!(message.method(), method, "{}", self.told());
        message
    }

    /// The next answer, which is this one.
    pub fn answer(&mut self, status: u16) -> Message {
        let message = self.sent();
        assert_eq!(message.status(), status, "{}", self.told());
        message
    }

    /// The phone has sent nothing more.
    pub fn silence(&mut self) {
        if let Some(message) = self.sent.pop_front() {
            let (method, status) = (message.method(), message.status());
            panic!("unexpected: {method}{status}\n{}", self.told());
        }
    }

    /// Answers `request` as the fork `tag`.
    pub fn reply(&mut self, request: &Message, status: u16, tag: &str, headers: &str, body: &str) {
        let answer = respond(request, status, tag, headers, body);
        self.receive(&answer);
    }

    pub fn lose_socket(&mut self) {
        let (slot, generation) = self.socket;
        self.phone.handle_close(self.now, slot, generation);
        self.drain();
    }

    // The app.

    /// The page is left.
    pub fn leave(&mut self) {
        self.phone.leave(self.now);
        self.drain();
    }

    pub fn calls(&mut self, action: impl FnOnce(&mut Calls, Instant)) {
        let now = self.now;
        self.phone.with_calls(now, |calls| action(calls, now));
        self.drain();
    }

    /// An operation; its number.
    pub fn operate(&mut self, action: impl FnOnce(&mut Calls, Instant, u32)) -> u32 {
        self.ops += 1;
        let op = self.ops;
        self.calls(|calls, now| action(calls, now, op));
        op
    }

    /// Starts call 1; its INVITE.
    pub fn call(&mut self, target: &str) -> Message {
        self.call_with(1, target, CallOptions::default())
    }

    pub fn call_with(&mut self, call: u32, target: &str, options: CallOptions) -> Message {
        self.calls(|calls, now| calls.call(now, call, target, options));
        self.settle();
        self.request("INVITE")
    }

    pub fn hangup(&mut self, call: u32) -> u32 {
        self.operate(|calls, now, op| calls.hangup(now, op, call))
    }

    /// Call 1, connected to a far end that made no mistakes so far.
    pub fn connected(&mut self) -> Peer {
        let invite = self.call("2002");
        self.reply(&invite, 180, "b", CONTACT, "");
        self.reply(&invite, 200, "b", CONTACT, SDP);
        let ack = self.request("ACK");
        self.settle();
        assert_eq!(self.states().last(), Some(&Shown::Connected));
        Peer::of(&ack)
    }

    /// What the app heard of calls since it was asked last, media aside.
    pub fn heard(&mut self) -> Vec<Event> {
        let events = std::mem::take(&mut self.events).into_iter();
        events
            .filter_map(|event| match event {
                phone::Event::Call(Event::Media { .. }) => None,
                phone::Event::Call(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    /// Codes of the logins that failed.
    pub fn faults(&mut self) -> Vec<&'static str> {
        let events = std::mem::take(&mut self.events).into_iter();
        events
            .filter_map(|event| match event {
                phone::Event::Failed(_, fault) => Some(fault.code),
                _ => None,
            })
            .collect()
    }

    pub fn states(&mut self) -> Vec<Shown> {
        let state = |event: &Event| match event {
            Event::State { state, .. } => Some(*state),
            _ => None,
        };
        self.heard().iter().filter_map(state).collect()
    }

    /// Checks how the operation ended, and the call with it or without.
    pub fn ended(&mut self) -> Vec<Cause> {
        let end = |event: &Event| match event {
            Event::Ended { cause, .. } => Some(*cause),
            _ => None,
        };
        self.heard().iter().filter_map(end).collect()
    }

    /// Codes of the operations that were settled.
    pub fn settled(&mut self) -> Vec<(u32, Option<&'static str>)> {
        done(&self.heard())
    }

    /// After the longest of timers nothing is left.
    pub fn over(&mut self) {
        self.wait(70_000);
        assert_eq!(self.phone.calls_left(), 0, "{}", self.told());
        assert_eq!(self.media.unreleased(), 0, "{}", self.told());
    }
}

pub fn done(events: &[Event]) -> Vec<(u32, Option<&'static str>)> {
    let done = |event: &Event| match event {
        Event::Done { op, error } => Some((*op, error.as_ref().map(|error| error.code))),
        _ => None,
    };
    events.iter().filter_map(done).collect()
}

/// The registrar's.
pub const CHALLENGE: &str = "Digest realm=\"example.com\", nonce=\"n\", qop=\"auth\"";

pub const CONTACT: &str = "Contact: <sip:far@far.invalid;transport=ws>\r\n\
                           Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, REFER, NOTIFY\r\n";

/// The answer to `request`, with a tag where there is none.
pub fn respond(request: &Message, status: u16, tag: &str, headers: &str, body: &str) -> String {
    let mut text = format!("SIP/2.0 {status} Whatever\r\n");
    for (name, value) in request.all_headers() {
        match Name::from_text(name) {
            Name::Via | Name::From | Name::CallId | Name::CSeq | Name::RecordRoute => {
                text += &format!("{name}: {value}\r\n");
            }
            Name::To if request.to_tag().is_none() && status > 100 => {
                text += &format!("To: {value};tag={tag}\r\n");
            }
            Name::To => text += &format!("To: {value}\r\n"),
            _ => {}
        }
    }
    text + headers + &content(body)
}

fn content(body: &str) -> String {
    let kind = match body {
        "" => "",
        body if body.starts_with("v=0") => "Content-Type: application/sdp\r\n",
        _ => "Content-Type: message/sipfrag;version=2.0\r\n",
    };
    format!("{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// The far end of a dialog: writes requests in it.
#[derive(Clone)]
pub struct Peer {
    pub target: String,
    pub from: String,
    pub to: String,
    pub call_id: String,
    pub cseq: u32,
}

impl Peer {
    /// The other side of the dialog that `request` of the phone belongs to.
    pub fn of(request: &Message) -> Self {
        Self {
            target: "sip:2001@phone.invalid".into(),
            from: request.header(Name::To).expect("a To").into(),
            to: request.header(Name::From).expect("a From").into(),
            call_id: request.call_id().into(),
            cseq: 100,
        }
    }

    /// A caller that the phone does not know yet.
    pub fn caller(number: u32) -> Self {
        Self {
            target: "sip:2001@phone.invalid".into(),
            from: format!("\"Bob\" <sip:2002@example.com>;tag=caller{number}"),
            to: "<sip:2001@example.com>".into(),
            call_id: format!("call{number}"),
            cseq: 1,
        }
    }

    /// The phone has answered: its tag is known.
    pub fn learn(&mut self, answer: &Message) {
        self.to = answer.header(Name::To).expect("a To").into();
    }

    pub fn request(&mut self, method: &str, headers: &str, body: &str) -> String {
        self.cseq += 1;
        self.numbered(method, self.cseq, headers, body)
    }

    /// The ACK, or the CANCEL, for the INVITE of this number.
    pub fn numbered(&self, method: &str, number: u32, headers: &str, body: &str) -> String {
        let Self {
            target,
            from,
            to,
            call_id,
            ..
        } = self;
        let branch = if method == "CANCEL" { "INVITE" } else { method };
        format!(
            "{method} {target} SIP/2.0\r\n\
             Via: SIP/2.0/WS far.invalid;branch=z9hG4bK{call_id}{branch}{number}\r\n\
             Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {number} {method}\r\nContact: <sip:far@far.invalid;transport=ws>\r\n\
             {headers}{}",
            content(body)
        )
    }
}
