//! What goes through a call without changing it: INFO (RFC 6086) with what the app
//! says or with ICE candidates (RFC 8840); and MESSAGE (RFC 3428), which needs none.

use super::origin::origin;
use super::target::request_uri;
use super::{Call, Calls, Event, Job, Line, Phase, Reply, Told, shown_headers};
use crate::fault::Situation;
use crate::prelude::*;
use crate::sip::{Message, Name, lenient_text};
use crate::time::Instant;

/// Our candidates: one INFO at a time. Each fragment holds what the ones before did
/// (RFC 8840 §4.2), so only the newest waits.
#[derive(Default)]
pub(super) enum Trickle {
    #[default]
    Idle,
    /// An INFO is under way, and this comes next.
    UnderWay(Option<String>),
}

impl Calls {
    /// `message`: MESSAGE outside of calls (RFC 3428).
    pub fn message(&mut self, now: Instant, op: u32, target: &str, content: (String, String)) {
        self.message_as(now, op, "", target, content);
    }

    /// The same from one of the user's public ids, if any.
    pub fn message_as(
        &mut self,
        now: Instant,
        op: u32,
        public_id: &str,
        target: &str,
        content: (String, String),
    ) {
        self.line.now = now;
        let line = &mut self.line;
        if line.flows.home.is_none() {
            return line.fail(op, Situation::NotRegistered);
        }
        let Some(uri) = request_uri(target, &line.account) else {
            return line.fail(op, Situation::BadTarget);
        };
        let mut headers = Vec::new();
        let from = origin(&line.account, public_id, false, &mut headers);
        let mut request = line.half(&from, uri).request("MESSAGE");
        request.headers.append(&mut headers);
        request.content = Some(content);
        line.send_numbered(0, Job::Message, op, request);
    }

    /// `publish`: a state of ours, told to the server (RFC 3903). `headers` say of which
    /// event package, for how long, and which state it changes or renews.
    pub fn publish(
        &mut self,
        now: Instant,
        op: u32,
        content: (String, String),
        headers: Vec<(String, String)>,
    ) {
        self.line.now = now;
        let line = &mut self.line;
        if line.flows.home.is_none() {
            return line.fail(op, Situation::NotRegistered);
        }
        let (from, uri) = (line.account.address(), line.account.aor.clone());
        let mut request = line.half(&from, uri).request("PUBLISH");
        request.headers.extend(headers);
        request.content = Some(content).filter(|(_, body)| !body.is_empty());
        line.send_numbered(0, Job::Message, op, request);
    }

    /// `info`: INFO in the call's dialog.
    pub fn info(&mut self, now: Instant, op: u32, id: u32, content: (String, String)) {
        if let Some((call, line)) = self.operate(now, op, id) {
            if !call.is_established() {
                return line.fail(op, Situation::NotConnected);
            }
            let mut request = call.dialog.request("INFO");
            request.content = Some(content);
            line.send_numbered(id, Job::Info, op, request);
        }
    }

    /// MESSAGE outside of dialogs.
    pub(super) fn handle_message(&mut self, message: &Message) {
        let reply = self.line.read_message(message);
        self.line.reply(reply);
    }

    /// Candidates of our side, for a far end that takes them later (RFC 8840).
    pub fn candidates(&mut self, now: Instant, id: u32, fragment: String) {
        self.line.now = now;
        if let Some((call, line)) = self.live(id)
            && call.peer.trickle
        {
            call.trickle(line, fragment);
        }
    }
}

impl Line {
    /// Shows a MESSAGE to the app. RFC 3428 §7 allows it in a call's dialog, too.
    pub(super) fn read_message(&mut self, message: &Message) -> Reply {
        let Some((content_type, body)) = text_body(message) else {
            return Reply::new(message, 415).with("Accept", "text/plain");
        };
        self.event(Event::Message {
            from: Told::by(message, self.account.trusts_identity).party,
            content_type,
            body,
            headers: shown_headers(message),
        });
        Reply::new(message, 200)
    }
}

impl Call {
    pub(super) fn informed(&mut self, line: &mut Line, request: &Message) {
        let package = request.header(Name::InfoPackage);
        if package.is_some_and(|package| !package.eq_ignore_ascii_case("trickle-ice")) {
            // RFC 6086 §4.2.2.
            return self.respond_with(line, request, 469, "Recv-Info", "trickle-ice");
        }
        let content = match self.is_session() {
            true => Some((
                request.media_type().to_owned(),
                lenient_text(request.body()),
            )),
            false => text_body(request),
        };
        let Some((content_type, body)) = content else {
            return self.respond_with(line, request, 415, "Accept", "text/plain");
        };
        self.respond(line, request, 200);
        let call = self.id;
        line.event(match package {
            Some(_) => Event::Candidates {
                call,
                fragment: body,
            },
            None if self.is_session() => Event::SessionInfo {
                session: call,
                content_type,
                body,
            },
            None => Event::Info {
                call,
                content_type,
                body,
            },
        });
    }

    fn trickle(&mut self, line: &mut Line, fragment: String) {
        let Phase::Established(established) = &mut self.phase else {
            return;
        };
        if let Trickle::UnderWay(next) = &mut established.trickle {
            *next = Some(fragment);
            return;
        }
        established.trickle = Trickle::UnderWay(None);
        let mut info = self.dialog.request("INFO");
        info.header("Info-Package", "trickle-ice");
        info.header("Content-Disposition", "Info-Package");
        info.content = Some(("application/trickle-ice-sdpfrag".to_owned(), fragment));
        line.send(self.id, Job::Candidates, info);
    }

    /// The INFO with candidates is answered, or never will be.
    pub(super) fn trickled(&mut self, line: &mut Line) {
        if let Some(established) = self.established()
            && let Trickle::UnderWay(Some(fragment)) = core::mem::take(&mut established.trickle)
        {
            self.trickle(line, fragment);
        }
    }
}

/// Whether a MESSAGE's body is text.
fn text_body(message: &Message) -> Option<(String, String)> {
    let body = str::from_utf8(message.body()).ok()?;
    Some((message.media_type().to_owned(), body.to_owned()))
}
