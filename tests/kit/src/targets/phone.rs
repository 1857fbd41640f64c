//! The client machine: commands of the app, time, sockets, and whatever comes
//! through them.

use super::calls::Calls;
use super::script::{answer, fill, line, pause, steps};
use graceline::phone::{Config, Event, Output, Phone};
use graceline::sip::{Framing, Message, Name, ParseError, keepalive};
use graceline::time::{Duration, Instant};
use graceline::transaction::Credentials;

/// Stands for [`LOGIN`].
pub const LOG_IN: &str = "q\x1e";
/// A login, before which nobody listens to messages.
const LOGIN: &str = "r\x1eo\x1e401 Unauthorized\r\nSupported: X-cisco-graceful-reg\r\n\
    WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\x1e\
    200 OK\r\nSupported: X-cisco-graceful-reg\r\nContact: <{contact}>;expires=120\x1e";
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
    c=IN IP4 0.0.0.0\r\na=sendrecv\r\n";

/// Inputs to start from. A step is a message if it does not begin with a small
/// letter or a digit. Digits: an answer to the request sent last. `n`: a NOTIFY of
/// the subscription. `d`: a request in the dialog of the call. `y`: a command of
/// [`Calls::command`]. The other letters are those of [`Run::step`]; a `1` behind `o` and `x` means the second address.
pub const SEEDS: &[&str] = &[
    // A login in the Cisco form, a refresh, a takeover.
    "r\x1eo\x1e401 Unauthorized\r\nSupported: X-cisco-graceful-reg\r\nWWW-Authenticate: Digest realm=\"r\", \
     nonce=\"n\", qop=\"auth\"\x1e200 OK\r\nSupported: X-cisco-graceful-reg\r\nContact: <{contact}>;expires=120\x1ew\x1e200 OK\r\nExpires: 60\r\n\
     Contact: <{contact}>\x1eNOTIFY sip:a SIP/2.0\r\nVia: SIP/2.0/WS b\r\nFrom: <sip:b>;tag=1\r\nTo: <sip:a>\r\n\
     Call-ID: x\r\nCSeq: 1 NOTIFY\r\nEvent: service-control\r\nContent-Type: text/plain\r\n\r\naction=reset\r\n\
     RegisterCallId={{call-id}}\x1ew\x1e403 Forbidden\r\nWarning: 399 a \"Registration is active for another client\"",
    // A login in the generic form past a rival, by force, with reg-event.
    "r\x1eo\x1e200 OK\r\nContact: <sip:other@b.invalid;transport=ws>;+sip.instance=\"<urn:uuid:2>\";expires=60;\
     received=\"sip:192.0.2.1;transport=ws\"\x1e200 OK\x1ef\x1e200 OK\r\nContact: <sip:{rival}@b.invalid>;expires=60, \
     <{contact}>;expires=60;pub-gruu=\"sip:a@b;gr=1\"\x1e200 OK\r\nContact: <{contact}>;expires=3600\x1ew\x1e\
     200 OK\r\nContact: <sip:notifier@b>\r\nExpires: 600\x1enEvent: reg\r\nSubscription-State: active;expires=60\r\n\r\n\
     <reginfo version=\"0\" state=\"full\"><registration><contact state=\"terminated\" event=\"unregistered\">\
     <uri>{contact}</uri></contact></registration></reginfo>\x1et90000\x1ew\x1ew\x1eu\x1e200 OK",
    // A ghost of our own, removed with the login.
    "r\x1eo\x1e200 OK\r\nContact: <sip:{ghost}@b.invalid;transport=ws>;expires=60;received=\"sip:192.0.2.1\"\x1e\
     200 OK\r\nContact: <{contact}>;expires=60, <sip:{ghost}@b.invalid;transport=ws>;expires=9\x1ew\x1e200 OK\r\n\
     Contact: <sip:{rival}@b.invalid>;expires=60\x1ew\x1ew",
    // A call out, held, and ended there.
    "q\x1eyc2002\x1e180 Ringing\x1e200 OK\r\nContact: <sip:far@far.invalid>\r\nAllow: UPDATE\r\n\
     Content-Type: application/sdp\r\n\r\n{SDP}\x1eyh\x1e200 OK\r\nContent-Type: application/sdp\r\n\r\n{SDP}\x1edBYE",
    // A call in, answered, transferred, and ended here.
    "q\x1eINVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/WS far;branch=z9hG4bKi\r\nFrom: \"Bob\" <sip:far@b>;tag=f\r\n\
     To: <sip:a@b>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\nContact: <sip:far@far.invalid>\r\nSupported: 100rel, timer, \
     replaces\r\nSession-Expires: 90;refresher=uac\r\nContent-Type: application/sdp\r\n\r\n{SDP}\x1edPRACK\r\n\
     RAck: {rseq} 1 INVITE\x1eya\x1edACK\x1edUPDATE\r\nContent-Type: application/sdp\r\n\r\n{SDP}\x1edREFER\r\n\
     Refer-To: <sip:c@b?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>\x1eyf\x1eytsip:d@b\x1e202 Accepted\x1edNOTIFY\r\n\
     Event: refer\r\nSubscription-State: terminated\r\nContent-Type: message/sipfrag\r\n\r\nSIP/2.0 200 OK\x1eye",
    // Forks, a reliable answer, a redirection, and a call that gets lost.
    "q\x1eyc2002\x1e183 Progress\r\nRequire: 100rel\r\nRSeq: 1\r\nContact: <sip:f@f.invalid>\r\n\
     Content-Type: application/sdp\r\n\r\n{SDP}\x1e200 OK\x1e302 There\r\nContact: <sip:g@b.invalid>;q=0.5, <tel:1>\x1e\
     200 OK\r\nContact: <sip:g@f.invalid>\r\nRecord-Route: <sip:p.invalid;lr>, <sip:q.invalid>\r\n\
     Content-Type: application/sdp\r\n\r\n{SDP}\x1ex0\x1ew\x1eo0\x1e200 OK\x1eyl\x1ew\x1ew\x1ey\x1et90000",
    // An offer in the answer; a glare; candidates; a cancelled call.
    "q\x1eINVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/WS far;branch=z9hG4bKi\r\nFrom: <sip:far@b>;tag=f\r\nTo: <sip:a@b>\
     \r\nCall-ID: i\r\nCSeq: 1 INVITE\r\nContact: <sip:far@far.invalid>\r\nSupported: trickle-ice\r\nAnswer-Mode: Auto\
     \r\nCall-Info: <urn:x-cisco-remotecc:callinfo>;security=encrypted;gci=1-2\r\n\r\n\x1eya\x1edACK\r\n\
     Content-Type: application/sdp\r\n\r\n{SDP}\x1eyh\x1edINVITE\r\nContact: <sip:far@far.invalid>\r\n\r\n\x1e\
     491 Pending\x1ew\x1edINFO\r\nInfo-Package: trickle-ice\r\nContent-Type: application/trickle-ice-sdpfrag\r\n\r\n\
     a=candidate:1 1 UDP 1 192.0.2.1 1 typ host\x1eyx a=x\x1edCANCEL\x1eyisignal=1\x1eymsip:c@b\x1e202 OK\x1ew",
    // Everything that can go wrong with the flow.
    "r\x1ew\x1eo\x1ex\x1ew\x1eo\x1e503 Busy\r\nRetry-After: 5\x1ew\x1e423 Interval Too Brief\r\nMin-Expires: 90\x1e\r\n\r\n\
     \x1e100 Trying\x1e407 Proxy\r\nProxy-Authenticate: Bearer realm=\"x\"\x1egt\x1e200 OK\r\nContact: *\x1el\x1eb\x1ek\x1es",
    "m graceline 1\nprofile\tcisco\nheld\t1767225700000\nnonce\twww\tr\tn\t\tSHA-256;auth\t7\x1er\x1eo\x1e403 Forbidden\
     \r\nWarning: 399 a \"Registration is active for another client\"\r\nX-Graceline-Holder: instance=1\x1ew\x1ea\x1ec",
    // Both addresses, and the registration moves from one to the other.
    "r\x1eo1\x1eo0\x1e401 Unauthorized\r\nSupported: X-cisco-graceful-reg\r\nWWW-Authenticate: Digest realm=\"r\", \
     nonce=\"n\"\x1e200 OK\r\nFlow-Timer: 30\r\nContact: <{contact}>;expires=120\x1ex0\x1e200 OK\r\n\
     Contact: <{contact}>;expires=120\x1ew\x1eo0\x1e\r\n\r\n\x1e\r\n\x1ew\x1ew\x1et90000\x1e200 OK",
    "r\x1eo\x1e404 Not Found\x1er\x1eo\x1e600 No\x1er\x1eo\x1e301 There\r\nContact: <sip:x@y>\x1et8000\x1et8000\x1ec",
];

const START: u64 = 1_767_225_600_000;
const PASSWORD: &str = "correct horse";

/// Runs the script in `data`.
pub fn run(data: &[u8]) {
    play(data);
}

/// The same; the phone as it is left, and how many calls were connected.
pub fn play(data: &[u8]) -> (Phone, u32) {
    let mut run = Run::new(None);
    for step in steps(data) {
        run.step(step);
        run.drain(data);
    }
    (run.phone, run.calls.connected)
}

struct Run {
    phone: Phone,
    now: Instant,
    /// Generation of the socket to each address, and the address that speaks.
    generations: [u32; 2],
    slot: u32,
    /// Requests that were not answered yet, and where they were sent.
    asked: Vec<(u32, Message)>,
    /// The Contact registered last.
    contact: String,
    /// The SUBSCRIBE sent last.
    subscribe: Option<Message>,
    attempts: u32,
    questions: u32,
    notifies: u32,
    calls: Calls,
    /// When REGISTERs were sent, and commands of the app given.
    registers: Vec<Instant>,
    commands: Vec<Instant>,
}

/// REGISTERs in a minute for each command of the app (docs/connections.md).
const REGISTERS: usize = 64;

impl Run {
    fn new(memory: Option<String>) -> Self {
        let mut config = Config::new(
            "wss://b.invalid/",
            "a",
            "b.invalid",
            "urn:uuid:00000000-0000-4000-8000-000000000001",
        );
        config.connections.push("wss://c.invalid/".into());
        config.password = Some(PASSWORD.into());
        config.has_credentials = true;
        config.trace = true;
        config.memory = memory;
        Self {
            phone: Phone::new(config, [1; 32]).expect("the options are good"),
            now: Instant::from_millis(START),
            generations: [0; 2],
            slot: 0,
            asked: Vec::new(),
            contact: String::new(),
            subscribe: None,
            attempts: 0,
            questions: 0,
            notifies: 0,
            calls: Calls::default(),
            registers: Vec::new(),
            commands: Vec::new(),
        }
    }

    fn step(&mut self, step: &[u8]) {
        let now = self.now;
        let (letter, rest) = step.split_first().expect("no step is empty");
        if matches!(letter, b'o' | b'p' | b'x') {
            self.slot = u32::from(rest.first() == Some(&b'1'));
        }
        let (slot, generation) = self.socket();
        if letter.is_ascii_lowercase() {
            self.commands.push(now);
        }
        let phone = &mut self.phone;
        match letter {
            b'r' | b'f' => {
                self.attempts += 1;
                phone.register(now, self.attempts, *letter == b'f');
            }
            b'q' => {
                for step in steps(LOGIN.as_bytes()) {
                    self.step(step);
                    self.drain(step);
                }
            }
            b'u' => phone.unregister(now),
            b'a' => phone.abort(now),
            b'c' => phone.close(now),
            b'l' => phone.leave(now),
            b'b' => phone.resume(now),
            b'k' => phone.look(now),
            b's' => phone.silence(now),
            b'i' => phone.ignore_binding(String::from_utf8_lossy(rest).into_owned()),
            b'g' => {
                let answer = match rest.first() {
                    Some(b't') => Some(Credentials::Token("token".into())),
                    Some(b'p') => Some(Credentials::Password {
                        username: None,
                        password: PASSWORD.into(),
                    }),
                    _ => None,
                };
                phone.credentials(now, self.questions, answer);
            }
            b'm' => *self = Run::new(Some(String::from_utf8_lossy(rest).trim().into())),
            b'o' => phone.handle_open(now, slot, generation, "sip"),
            b'p' => phone.handle_open(now, slot, generation, &String::from_utf8_lossy(rest)),
            b'x' => phone.handle_close(now, slot, generation),
            b't' => {
                self.now = now + pause(rest);
                phone.handle_timeout(self.now);
            }
            b'w' => self.wait(),
            b'n' => self.notify(rest),
            b'y' => self.calls.command(phone, now, rest),
            b'd' => {
                let request = self.calls.request(rest);
                self.hear(&self.fill(&request));
            }
            b'0'..=b'9' => {
                let text = self.fill(step);
                if let Some((slot, request)) = self.asked.last() {
                    self.slot = *slot;
                    let answer = answer(request, &text);
                    if *letter != b'1' {
                        self.asked.pop();
                    }
                    self.hear(&answer);
                }
            }
            _ => self.hear(&self.fill(step)),
        }
    }

    /// Until the next deadline, which must not come again at once.
    fn wait(&mut self) {
        if let Some(deadline) = self.phone.poll_timeout() {
            self.now = self.now.max(deadline);
            self.phone.handle_timeout(self.now);
            let next = self.phone.poll_timeout();
            let moved = next.is_none_or(|next| next > deadline);
            assert!(moved, "a timer stands still: {deadline:?}, {next:?}");
        }
    }

    /// A NOTIFY in the dialog of the subscription; `text` is what follows CSeq.
    fn notify(&mut self, text: &[u8]) {
        let Some(subscribe) = &self.subscribe else {
            return;
        };
        self.notifies += 1;
        let (from, to) = (subscribe.header(Name::From), subscribe.header(Name::To));
        let mut message = format!(
            "NOTIFY sip:a SIP/2.0\r\nVia: SIP/2.0/WS b\r\nFrom: {};tag=remote\r\nTo: {}\r\n\
             Call-ID: {}\r\nCSeq: {} NOTIFY\r\n",
            to.unwrap_or_default(),
            from.unwrap_or_default(),
            subscribe.call_id(),
            self.notifies,
        )
        .into_bytes();
        message.extend(self.fill(text));
        self.hear(&message);
    }

    fn socket(&self) -> (u32, u32) {
        (self.slot, self.generations[self.slot as usize])
    }

    fn hear(&mut self, message: &[u8]) {
        let (slot, generation) = self.socket();
        self.phone
            .handle_message(self.now, slot, generation, message);
    }

    fn fill(&self, text: &[u8]) -> Vec<u8> {
        let user = self.phone.contact_user().unwrap_or_default();
        // Version, device, instance, load and claim: see `registration::claim`.
        let tags: Vec<&str> = user.split('-').collect();
        let (ghost, rival) = match tags.as_slice() {
            [version, device, instance, _, claim] => (
                [version, device, instance, "00000000", claim].join("-"),
                [version, device, "ffffffffffff", "00000000", claim].join("-"),
            ),
            _ => (String::new(), String::new()),
        };
        let call_id = self.asked.last().map_or("", |(_, asked)| asked.call_id());
        let values = [
            ("{contact}", self.contact.as_str()),
            ("{ghost}", &ghost),
            ("{rival}", &rival),
            ("{call-id}", call_id),
            ("{rseq}", &self.calls.rseq),
            ("{SDP}", SDP),
        ];
        fill(text, &values)
    }

    fn drain(&mut self, data: &[u8]) {
        // The input may know the password, too.
        let known = data
            .windows(PASSWORD.len())
            .any(|part| part == PASSWORD.as_bytes());
        let keeps_secrets = |text: &str| assert!(known || !text.contains(PASSWORD), "{text}");
        for count in 0.. {
            assert!(count < 200, "an input leads to no end of outputs");
            let Some(output) = self.phone.poll_output() else {
                break;
            };
            match output {
                Output::Open {
                    slot, generation, ..
                } => {
                    self.generations[slot as usize] = generation;
                    self.asked.retain(|(asked, _)| *asked != slot);
                }
                Output::Send { slot, data, .. } => self.said(slot, &data),
                Output::Store(text) => keeps_secrets(&text),
                Output::Log { message, .. } | Output::Trace { message, .. } => {
                    keeps_secrets(&message);
                }
                Output::Event(Event::Credentials { id, .. }) => self.questions = id,
                Output::Event(Event::Failed(_, fault, _) | Event::Error(fault)) => {
                    assert!(fault.code().as_str() != "eInternal", "{fault:?}");
                }
                Output::Event(Event::Call(event)) => {
                    self.calls.heard(&mut self.phone, self.now, &event);
                }
                Output::Event(_) => {}
                Output::CloseSocket { .. } => {}
            }
        }
    }

    /// No server makes a storm.
    fn note_register(&mut self) {
        let now = self.now;
        self.registers.push(now);
        let minute = |at: &Instant| now - *at < Duration::from_secs(60);
        self.registers.retain(minute);
        self.commands.retain(minute);
        let most = REGISTERS * (1 + self.commands.len());
        assert!(self.registers.len() <= most, "a storm of REGISTERs");
    }

    fn said(&mut self, slot: u32, data: &[u8]) {
        if keepalive(data).is_some() {
            return;
        }
        let message = match Message::parse(data, Framing::Frame) {
            // A long request makes a longer answer.
            Err(ParseError::HeadTooLarge) => return,
            message => message.expect("the phone speaks SIP"),
        };
        self.calls.said(&message);
        if message.is_request() {
            // The far end's Contact decides on the scheme: 416 is for its peers.
            let fault = message.validate().err().filter(|fault| fault.status != 416);
            assert!(fault.is_none(), "{fault:?} in {}", data.escape_ascii());
            let contacts = message.contacts().list;
            if message.method() == "REGISTER" {
                self.note_register();
            }
            if let Some(contact) = contacts.last().filter(|_| message.method() == "REGISTER") {
                self.contact = contact.uri.to_owned();
            }
            if message.method() == "SUBSCRIBE" {
                self.subscribe = Some(message.clone());
            }
            if message.method() != "ACK" {
                self.asked.push((slot, message));
            }
        } else {
            assert!(line(data).0.starts_with(b"SIP/2.0 "));
        }
    }
}
