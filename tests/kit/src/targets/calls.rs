//! The calls of the client machine: what the app asks for, a media handler that
//! insists on being asked in the right order, and the dialog with the far end.

use super::script::number;
use crate::handler::Handler;
use graceline::call::{CallOptions, Event, MAX_CALLS, Shown};
use graceline::phone::Phone;
use graceline::sip::Message;
use graceline::time::Instant;

#[derive(Default)]
pub struct Calls {
    handler: Handler,
    /// The call that commands are about: the last one.
    id: u32,
    /// Ids of calls and operations so far.
    placed: u32,
    operations: u32,
    /// A REFER that the app was told of.
    refer: u32,
    /// Call-ID, our tag and theirs in the dialog of the INVITE seen last, and the
    /// number of that INVITE.
    dialog: (String, String, String, u32),
    sequence: u32,
    /// Calls that were connected, or connected again.
    pub connected: u32,
    /// RSeq of our last reliable answer (RFC 3262).
    pub rseq: String,
}

impl Calls {
    /// What the app asks for: a letter, and what it needs.
    pub fn command(&mut self, phone: &mut Phone, now: Instant, command: &[u8]) {
        let Some((letter, rest)) = command.split_first() else {
            return;
        };
        let text = String::from_utf8_lossy(rest).into_owned();
        self.operations += 1;
        let (op, id) = (self.operations, self.id);
        match letter {
            b'c' | b'f' => {
                self.placed += 1;
                self.id = self.placed * 2 + 1;
                let id = self.id;
                let options = CallOptions {
                    refer: (*letter == b'f').then_some(self.refer),
                    ..CallOptions::default()
                };
                phone.call(now, id, &text, options);
            }
            b'a' => phone.with_calls(now, |calls| calls.answer(now, op, id, Vec::new())),
            b'r' => {
                let status = u16::try_from(number(rest).0).unwrap_or(u16::MAX);
                phone.with_calls(now, |calls| calls.reject(now, op, id, status, None));
            }
            b'e' => phone.with_calls(now, |calls| calls.hangup(now, op, id)),
            b'h' => phone.with_calls(now, |calls| calls.hold(now, op, id, true)),
            b'u' => phone.with_calls(now, |calls| calls.hold(now, op, id, false)),
            b'n' => phone.with_calls(now, |calls| calls.renegotiate(now, op, id, true)),
            b'l' => phone.with_calls(now, |calls| calls.media_lost(now, id)),
            b't' => phone.with_calls(now, |calls| calls.transfer(now, op, id, &text)),
            b'o' => {
                let other = u32::try_from(number(rest).0).unwrap_or_default();
                phone.with_calls(now, |calls| calls.transfer_to(now, op, id, other));
            }
            b'd' => {
                let refer = self.refer;
                phone.with_calls(now, |calls| calls.refuse_refer(now, refer));
            }
            b'i' => {
                let content = ("application/dtmf-relay".into(), text);
                phone.with_calls(now, |calls| calls.info(now, op, id, content));
            }
            b'm' => {
                let content = ("text/plain".into(), "hello".into());
                phone.with_calls(now, |calls| calls.message(now, op, &text, content));
            }
            b'x' => phone.with_calls(now, |calls| calls.candidates(now, id, text)),
            // Another one of the calls; what the handler still does.
            b's' => self.id = u32::try_from(number(rest).0).unwrap_or_default(),
            b'p' => self.handler.patience = u32::try_from(number(rest).0).ok(),
            _ => {}
        }
    }

    /// Takes an event; the media handler does as it is told.
    pub fn heard(&mut self, phone: &mut Phone, now: Instant, event: &Event) {
        match event {
            Event::Incoming { from, to, .. } => {
                check_shown(&from.uri);
                check_shown(to);
            }
            Event::Remote { remote, .. } => check_shown(&remote.uri),
            Event::Message { from, .. } => check_shown(&from.uri),
            Event::Redirect { uri, .. } => check_shown(uri),
            _ => {}
        }
        match event {
            Event::Incoming { call, .. } => self.id = *call,
            Event::Refer { refer, .. } => self.refer = *refer,
            Event::State {
                state: Shown::Connected,
                ..
            } => self.connected += 1,
            _ => {}
        }
        if let Some((call, request, outcome)) = self.handler.handle(event) {
            assert!(
                phone.calls_left() <= 2 * MAX_CALLS + 1,
                "calls are not forgotten"
            );
            phone.with_calls(now, |calls| outcome.tell(calls, now, call, request));
        }
    }

    /// Notes the dialog that a message of the phone makes, or may make.
    pub fn said(&mut self, message: &Message) {
        let Some(cseq) = message.cseq().filter(|cseq| cseq.method == "INVITE") else {
            return;
        };
        if let Some(rseq) = message.header_named("RSeq") {
            self.rseq = rseq.into();
        }
        let (from, to) = (message.from_tag(), message.to_tag());
        let (ours, theirs) = match message.is_request() {
            true => (from, to.or(Some("remote"))),
            false => (to, from),
        };
        self.dialog = (
            message.call_id().into(),
            ours.unwrap_or_default().into(),
            theirs.unwrap_or_default().into(),
            cseq.number,
        );
    }

    /// A request of the far end in the dialog; `text` is the method in a line, and
    /// what follows CSeq.
    pub fn request(&mut self, text: &[u8]) -> Vec<u8> {
        let (method, rest) = super::script::line(text);
        let method = String::from_utf8_lossy(method);
        let (call_id, ours, theirs, invite) = &self.dialog;
        self.sequence += 1;
        let number = match &*method {
            "ACK" | "CANCEL" => *invite,
            _ => 100 + self.sequence,
        };
        let head = format!(
            "{method} sip:a SIP/2.0\r\nVia: SIP/2.0/WS far;branch=z9hG4bK{number}{method}\r\n\
             From: <sip:far@b>;tag={theirs}\r\nTo: <sip:a@b>;tag={ours}\r\nCall-ID: {call_id}\r\n\
             CSeq: {number} {method}\r\n"
        );
        let end: &[u8] = match rest.windows(4).any(|end| end == b"\r\n\r\n") {
            true => b"",
            false if rest.is_empty() => b"\r\n",
            false => b"\r\n\r\n",
        };
        [head.as_bytes(), rest, end].concat()
    }
}

/// An address is none, or one that can be called, and bears no password.
fn check_shown(uri: &str) {
    let (scheme, rest) = uri.split_once(':').unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    assert!(
        uri.is_empty() || ["sip", "sips", "tel"].contains(&&*scheme),
        "{uri}"
    );
    let user = rest.split_once('@').filter(|_| scheme != "tel");
    assert!(user.is_none_or(|(user, _)| !user.contains(':')), "{uri}");
}
