//! One registered phone, and a far end that is played by the test.

use crate::heard::{ends, of_calls, states};
use crate::rig::{self, Act, Asked, Heard, MEDIA};
use crate::{UUID, account};
use graceline::call::{CallOptions, Calls, Cause, Event, Shown};
use graceline::phone::{self, Config, Phone, Status};
use graceline::sip::{DigestResponse, Message, Name, Secret};
use graceline::time::Instant;
use std::ops::{Deref, DerefMut};

pub use crate::heard::settled as done;
pub use crate::message::{Peer, SDP, respond};

/// How the registrar answers.
#[derive(Clone, Copy)]
struct Registrar {
    challenge: &'static str,
    /// The password that it proves to know.
    proof: Option<&'static str>,
    /// Further headers of its answers.
    headers: &'static str,
}

/// Challenges, and believes whoever answers.
const PLAIN: Registrar = Registrar {
    challenge: CHALLENGE,
    proof: None,
    headers: "",
};

impl Registrar {
    fn answer(self, heard: &Heard<'_>) -> Vec<Act> {
        let Heard::Request(asked) = heard else {
            return Vec::new();
        };
        match asked.message.method() {
            "REGISTER" if !is_accepted(asked) => {
                let challenge = self.challenge;
                rig::answer(format!("401 Unauthorized\nWWW-Authenticate: {challenge}"))
            }
            "REGISTER" => {
                let own = asked.message.header(Name::Contact);
                let contact = own.map_or_else(String::new, |own| format!("\nContact: {own}"));
                let info = self.proof.map_or_else(String::new, |password| {
                    let own = asked.message.header(Name::Authorization);
                    let own = own.and_then(DigestResponse::parse).expect("a digest");
                    let rspauth = own.rspauth(Secret::Password(password), b"");
                    let cnonce = own.cnonce.expect("a cnonce");
                    format!(
                        "\nAuthentication-Info: qop=auth, rspauth=\"{rspauth}\", \
                         cnonce=\"{cnonce}\", nc=00000001"
                    )
                });
                let headers = self.headers;
                rig::answer(format!("200 OK{contact}{info}\n{headers}"))
            }
            "SUBSCRIBE" => rig::answer("489 Bad Event"),
            _ => Vec::new(),
        }
    }
}

/// A REGISTER that the registrar takes.
fn is_accepted(asked: &Asked) -> bool {
    asked.is("REGISTER") && asked.message.header(Name::Authorization).is_some()
}

/// A [`rig::Rig`] whose server answers registrations and subscriptions at once,
/// and leaves the rest to the test.
pub struct Rig {
    rig: rig::Rig,
    ops: u32,
}

impl Deref for Rig {
    type Target = rig::Rig;

    fn deref(&self) -> &rig::Rig {
        &self.rig
    }
}

impl DerefMut for Rig {
    fn deref_mut(&mut self) -> &mut rig::Rig {
        &mut self.rig
    }
}

impl Rig {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(adapt: impl FnOnce(&mut Config)) -> Self {
        Self::made(PLAIN, adapt).ready()
    }

    /// Registered where this is asked for.
    pub fn challenged_by(challenge: &'static str) -> Self {
        Self::made(Registrar { challenge, ..PLAIN }, |_| {}).ready()
    }

    /// Registered by answers that bear these headers, too, a line each.
    pub fn announcing(headers: &'static str, adapt: impl FnOnce(&mut Config)) -> Self {
        Self::made(Registrar { headers, ..PLAIN }, adapt).ready()
    }

    /// After a login to a registrar that proves to know this password.
    pub fn of_registrar(password: &'static str) -> Self {
        let proof = Some(password);
        Self::made(Registrar { proof, ..PLAIN }, |_| {})
    }

    fn ready(mut self) -> Self {
        assert_eq!(self.phone.status(), Status::Ready, "{}", self.told());
        self.events.clear();
        self
    }

    fn made(registrar: Registrar, adapt: impl FnOnce(&mut Config)) -> Self {
        let mut config = account(UUID);
        adapt(&mut config);
        let rig = rig::Rig::made(config, 0, move |heard| registrar.answer(heard));
        let mut rig = Self { rig, ops: 100 };
        rig.register(false);
        rig
    }

    /// REGISTERs that were accepted.
    pub fn registrations(&self) -> Vec<&Message> {
        let accepted = self.rig.sent.iter().filter(|asked| is_accepted(asked));
        accepted.map(|asked| &asked.message).collect()
    }

    /// Lets the media handler do what it was asked for.
    pub fn settle(&mut self) {
        self.wait(4 * MEDIA);
    }

    // The far end.

    pub fn receive(&mut self, text: &str) {
        self.receive_bytes(text.as_bytes());
    }

    pub fn receive_bytes(&mut self, data: &[u8]) {
        let socket = self.socket;
        self.receive_bytes_by(socket, data);
    }

    /// What the phone sent next.
    pub fn sent(&mut self) -> Message {
        match self.unanswered.pop_front() {
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
        if let Some(message) = self.unanswered.pop_front() {
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
        let socket = self.socket;
        self.lose(socket);
    }

    // The app.

    /// The page is left.
    pub fn leave(&mut self) {
        self.act(Phone::leave);
    }

    pub fn calls(&mut self, action: impl FnOnce(&mut Calls, Instant)) {
        self.act(|phone, now| phone.with_calls(now, |calls| action(calls, now)));
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
        self.act(|phone, now| phone.call(now, call, target, options));
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
        of_calls(std::mem::take(&mut self.events))
    }

    /// Codes of the logins that failed.
    pub fn faults(&mut self) -> Vec<&'static str> {
        let events = std::mem::take(&mut self.events).into_iter();
        events
            .filter_map(|event| match event {
                phone::Event::Failed(_, fault, _) => Some(fault.code().as_str()),
                _ => None,
            })
            .collect()
    }

    pub fn states(&mut self) -> Vec<Shown> {
        states(&self.heard())
    }

    /// How calls ended.
    pub fn ended(&mut self) -> Vec<Cause> {
        let ends = ends(&self.heard()).into_iter();
        ends.map(|(_, cause)| cause).collect()
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

/// The registrar's.
pub const CHALLENGE: &str = "Digest realm=\"example.com\", nonce=\"n\", qop=\"auth\"";

pub const CONTACT: &str = "Contact: <sip:far@far.invalid;transport=ws>\r\n\
                           Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, REFER, NOTIFY\r\n";
