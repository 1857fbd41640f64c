//! The registrar machine: connections, time, and whatever comes through them.

use super::script::{answer, fill, number, pause, steps};
use graceline::registrar::{Config, Dialect, Output, Policy, Registrar, User};
use graceline::sip::{Framing, Message, ParseError};
use graceline::time::Instant;

/// Inputs to start from. A digit first: the connection that a message comes from;
/// without one it is the first. `a`: an answer to what the registrar sent last.
/// The other letters are those of [`Run::step`].
pub const SEEDS: &[&str] = &[
    // Two clients of one device, and a force.
    "1REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\nFrom: <sip:1@b>;tag=1\r\nTo: <sip:1@b>\r\n\
     Call-ID: a\r\nCSeq: 1 REGISTER\r\nAuthorization: Bearer 1\r\nContact: <sip:d1@x.invalid;transport=ws>;\
     +u.sip!devicename.ccm.cisco.com=\"D\";+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=60\r\n\
     Supported: path, gruu, X-cisco-graceful-reg\r\n\r\n\x1e2REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/WS y;branch=z9hG4bK2\
     \r\nFrom: <sip:1@b>;tag=2\r\nTo: <sip:1@b>\r\nCall-ID: b\r\nCSeq: 1 REGISTER\r\nAuthorization: Bearer 1\r\n\
     Contact: <sip:d2@y.invalid;transport=ws>;+u.sip!devicename.ccm.cisco.com=\"D\";+sip.instance=\"<urn:uuid:2>\"\r\n\
     Reason: SIP;cause=200;text=\"cisco-alarm:111 Name=D\"\r\n\r\n\x1et61000\x1ew\x1ed1",
    // A subscription, a query, everything removed.
    "1SUBSCRIBE sip:1@b SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK3\r\nFrom: <sip:1@b>;tag=1\r\nTo: <sip:1@b>\r\n\
     Call-ID: s\r\nCSeq: 1 SUBSCRIBE\r\nAuthorization: Bearer 1\r\nContact: <sip:x.invalid>\r\nEvent: reg\r\nExpires: 60\
     \r\nAccept: application/reginfo+xml\r\n\r\n\x1ea200 OK\x1e1REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/WS x\r\n\
     From: <sip:1@b>;tag=1\r\nTo: <sip:1@b>\r\nCall-ID: q\r\nCSeq: 1 REGISTER\r\nAuthorization: Bearer 1\r\n\r\n\x1e\
     1REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/WS x\r\nFrom: <sip:1@b>;tag=1\r\nTo: <sip:1@b>\r\nCall-ID: q\r\n\
     CSeq: 2 REGISTER\r\nAuthorization: Bearer 1\r\nContact: *\r\nExpires: 0\r\n\r\n",
    // A call between two users, in each dialect.
    "k\x1e1REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/WS x\r\nFrom: <sip:1@b>;tag=1\r\nTo: <sip:1@b>\r\nCall-ID: a\r\n\
     CSeq: 1 REGISTER\r\nAuthorization: Bearer 1\r\nContact: <sip:d1@x.invalid>;expires=60\r\n\r\n\x1e2REGISTER sip:b \
     SIP/2.0\r\nVia: SIP/2.0/WS y\r\nFrom: <sip:2@b>;tag=2\r\nTo: <sip:2@b>\r\nCall-ID: b\r\nCSeq: 1 REGISTER\r\n\
     Authorization: Bearer 2\r\nContact: <sip:d2@y.invalid>;expires=60\r\n\r\n\x1e1INVITE sip:2@b SIP/2.0\r\n\
     Via: SIP/2.0/WS x;branch=z9hG4bKi\r\nFrom: <sip:1@b>;tag=i\r\nTo: <sip:2@b>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\n\
     Contact: <sip:d1@x.invalid>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n\r\nv=0\x1ea180 Ringing\x1e\
     1CANCEL sip:2@b SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bKi\r\nFrom: <sip:1@b>;tag=i\r\nTo: <sip:2@b>\r\n\
     Call-ID: i\r\nCSeq: 1 CANCEL\r\n\r\n\x1ea200 OK\r\nContact: <sip:d2@y.invalid>\x1ex2\x1eo2\x1ew",
];

const START: u64 = 1_767_225_600_000;

/// Runs the script in `data`.
pub fn run(data: &[u8]) {
    let mut run = Run::new();
    for step in steps(data) {
        run.step(step);
        run.drain();
    }
}

struct Run {
    registrar: Registrar,
    now: Instant,
    /// What the registrar sent last, and where to.
    sent: Option<(u32, Message)>,
}

fn config() -> Config {
    let mut config = Config {
        domain: Some("b".into()),
        authz_server: Some("https://b/".into()),
        next_nonce: true,
        max_contacts: Some(3),
        force_limit: Some(2),
        ..Config::default()
    };
    for name in ["1", "2"] {
        let user = User {
            token: Some(name.into()),
            ..User::with_password("password")
        };
        config.users.insert(name.into(), user);
    }
    config
}

impl Run {
    fn new() -> Self {
        let mut registrar = Registrar::new(config(), [1; 32]);
        let now = Instant::from_millis(START);
        for connection in 1..=3 {
            registrar.handle_opened(now, connection);
        }
        Self {
            registrar,
            now,
            sent: None,
        }
    }

    fn step(&mut self, step: &[u8]) {
        let (letter, rest) = step.split_first().expect("no step is empty");
        let connection = number(rest).0 as u32;
        match letter {
            b'o' => self.registrar.handle_opened(self.now, connection),
            b'x' => self.registrar.handle_closed(self.now, connection),
            b't' => {
                self.now = self.now + pause(rest);
                self.registrar.handle_timeout(self.now);
            }
            b'w' => self.wait(),
            b'f' => self.registrar.forget(),
            b'g' => self.configure(Policy::Graceful, None),
            b'd' => self.configure(Policy::Duplicate, None),
            b'n' => self.configure(Policy::Normal, None),
            b'k' => self.configure(Policy::Normal, Some(Dialect::Kamailio)),
            b's' => self.configure(Policy::Normal, Some(Dialect::Asterisk)),
            b'p' => self.configure(Policy::Normal, Some(Dialect::Opensips)),
            b'h' => self.configure(Policy::Normal, Some(Dialect::Freeswitch)),
            b'm' => self.configure(Policy::Normal, Some(Dialect::FreeswitchMulti)),
            b'a' => {
                if let Some((connection, request)) = self.sent.take() {
                    let text = self.fill(rest);
                    self.hear(connection, &answer(&request, &text));
                }
            }
            b'0'..=b'9' => {
                let text = self.fill(rest);
                self.hear(u32::from(letter - b'0'), &text);
            }
            _ => self.hear(1, &self.fill(step)),
        }
    }

    fn configure(&mut self, policy: Policy, dialect: Option<Dialect>) {
        let config = Config {
            policy,
            dialect,
            ..config()
        };
        self.registrar.configure(self.now, config);
    }

    /// Until the next deadline, which must not come again at once.
    fn wait(&mut self) {
        if let Some(deadline) = self.registrar.poll_timeout() {
            self.now = self.now.max(deadline);
            self.registrar.handle_timeout(self.now);
            let next = self.registrar.poll_timeout();
            let moved = next.is_none_or(|next| next > deadline);
            assert!(moved, "a timer stands still: {deadline:?}, {next:?}");
        }
    }

    fn hear(&mut self, connection: u32, message: &[u8]) {
        self.registrar.handle_message(self.now, connection, message);
    }

    /// The Request-URI of what was sent last is a route or a GRUU of the registrar.
    fn fill(&self, text: &[u8]) -> Vec<u8> {
        let sent = self.sent.as_ref().map(|(_, message)| message);
        let value = |read: fn(&Message) -> Option<&str>| sent.and_then(read).unwrap_or_default();
        let route = value(|sent| sent.header(graceline::sip::Name::RecordRoute));
        let tag = value(Message::from_tag);
        fill(text, &[("{route}", route), ("{tag}", tag)])
    }

    fn drain(&mut self) {
        for count in 0.. {
            assert!(count < 2000, "an input leads to no end of outputs");
            let Some(output) = self.registrar.poll_output() else {
                break;
            };
            if let Output::Send { connection, data } = output {
                if data == b"\r\n" {
                    continue;
                }
                let message = match Message::parse(&data, Framing::Frame) {
                    // A long request makes a longer answer.
                    Err(ParseError::HeadTooLarge) => continue,
                    message => message.expect("the registrar speaks SIP"),
                };
                if message.is_request() {
                    self.sent = Some((connection, message));
                }
            }
        }
        for user in ["1", "2"] {
            assert!(
                self.registrar.bindings(user).len() <= 3,
                "more than allowed"
            );
        }
    }
}
