//! Sessions: calls without media, which carry documents (CSTA) for somebody else to
//! read. The INVITE bears the first one, and each refresh repeats it (RFC 4028); INFO
//! both ways bears the others (RFC 6086 calls that legacy usage).
//!
//! A session stays on the flow that it was made on, and ends with it.

use super::exchange::Signalling;
use super::{Call, Calls, Cause, Event, Job, Line, Phase};
use crate::dialog::{ends_usage, timer::interval, values};
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::sip::{Message, Name, lenient_text, sanitize_text};
use crate::time::Instant;
use crate::transaction::Request;

/// A document to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Content-Type.
    pub content_type: String,
    /// Text.
    pub body: String,
    /// Content-Disposition.
    pub disposition: String,
}

/// What the far end answers; the default: nobody did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status; 0: there was none.
    pub status: u16,
    /// Reason phrase, cleaned.
    pub reason: String,
    /// Content-Type; empty without a body.
    pub content_type: String,
    /// Body.
    pub body: String,
    /// How long the session stands without a refresh, in seconds (RFC 4028); `None`:
    /// for ever.
    pub expires: Option<u32>,
    /// Retry-After in seconds.
    pub retry_after: Option<u32>,
    /// Contacts, each as it stands there with its parameters.
    pub contacts: Vec<String>,
}

/// What is asked in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To open it.
    Open,
    /// To refresh it, by the document that opened it.
    Refresh,
    /// INFO.
    Info,
}

/// What a session has, and no other call.
pub(super) struct Documents {
    first: Document,
    /// Operations whose INFO is not answered.
    pub asked: Vec<u32>,
    /// The answer that ended it.
    pub last: Answer,
}

impl Calls {
    /// Opens session `id`, a new number as that of a call, to `target` with its first
    /// document and further `headers`.
    pub fn start_session(
        &mut self,
        now: Instant,
        id: u32,
        target: &str,
        first: Document,
        headers: Vec<(String, String)>,
    ) {
        if self.knows(id) {
            return;
        }
        self.line.now = now;
        let place = self.place(target);
        let line = &mut self.line;
        let (uri, flow) = match place {
            Ok(place) => place,
            Err(at) => {
                return line.event(Event::SessionEnded {
                    session: id,
                    cause: Cause::Failed,
                    fault: Some(Fault::new(at)),
                    answer: Answer::default(),
                });
            }
        };
        let from = line.account.address();
        let half = line.half(&from, uri);
        let contact = line.contact(flow, &half);
        let contact = line.account.named_contact(&contact);
        let mut call = Call::new(id, Phase::calling(headers), half, contact, flow);
        call.documents = Some(Box::new(Documents {
            first,
            asked: Vec::new(),
            last: Answer::default(),
        }));
        call.invite(line);
        self.list.push(call);
    }

    /// Sends INFO in a session; answered by [`Event::SessionAnswered`].
    pub fn session_info(&mut self, now: Instant, op: u32, id: u32, document: Document) {
        self.line.now = now;
        let Self { list, line, .. } = self;
        let open = |call: &&mut Call| call.id == id && call.is_established();
        match list
            .iter_mut()
            .find(open)
            .map(|call| (&call.dialog, &mut call.documents))
        {
            Some((dialog, Some(documents))) => {
                documents.asked.push(op);
                let mut info = dialog.request("INFO");
                document.put(&mut info);
                line.send_numbered(id, Job::Document, op, info);
            }
            _ => line.answered(op, Answer::default()),
        }
    }

    /// Whether it is one.
    #[inline(never)]
    pub(crate) fn is_session(&self, id: u32) -> bool {
        let mut sessions = self.list.iter().filter(|call| call.is_session());
        sessions.any(|call| call.id == id)
    }

    /// The app has no credentials for it.
    #[inline(never)]
    pub(crate) fn unauthorised(&mut self, now: Instant, id: u32) {
        self.line.now = now;
        let Self { list, line, .. } = self;
        if let Some(call) = list.iter_mut().find(|call| call.id == id) {
            call.end_as(line, Cause::Failed, Situation::NoCredentials, Some(401));
        }
    }

    /// Ends a session.
    pub fn close_session(&mut self, now: Instant, id: u32) {
        self.line.now = now;
        let Self { list, line, .. } = self;
        let session = |call: &&mut Call| call.id == id && call.is_session() && !call.is_over();
        if let Some(call) = list.iter_mut().find(session) {
            call.leave(line, 480, None);
            call.end(line, Cause::Local, None);
        }
    }

    /// An INFO of a session is answered, or never will be.
    pub(super) fn session_answered(&mut self, id: u32, op: u32, answer: Answer) {
        let Self { list, line, .. } = self;
        let status = answer.status;
        line.answered(op, answer);
        let Some(call) = list.iter_mut().find(|call| call.id == id) else {
            return;
        };
        if let Some(documents) = &mut call.documents {
            documents.asked.retain(|asked| *asked != op);
        }
        if (status == 0 || ends_usage(status)) && !call.is_over() {
            call.broken(line, status.max(408));
        }
    }
}

impl Line {
    fn answered(&mut self, op: u32, answer: Answer) {
        self.event(Event::SessionAnswered {
            asked: Asked::Info,
            number: op,
            answer,
        });
    }
}

impl Call {
    pub(super) fn is_session(&self) -> bool {
        self.documents.is_some()
    }

    /// Puts into our INVITE what it bears: the document of a session, or our offer.
    pub(super) fn put_content(&self, invite: &mut Request, offer: &str) {
        match &self.documents {
            Some(documents) => documents.first.clone().put(invite),
            None => invite.content = Some(("application/sdp".to_owned(), offer.to_owned())),
        }
    }

    /// The far end accepts the session, or its refresh.
    pub(super) fn session_accepted(&mut self, line: &mut Line, asked: Asked, answer: &Message) {
        self.exchange.state = Signalling::Stable;
        line.event(Event::SessionAnswered {
            asked,
            number: self.id,
            answer: Answer::of(answer),
        });
    }

    /// What an INVITE within its dialog is for.
    pub(super) fn renewal(&self) -> Job {
        match self.is_session() {
            true => Job::Refresh,
            false => Job::Reinvite,
        }
    }

    /// Its flow is lost, and every answer with it.
    pub(super) fn session_lost(&mut self, line: &mut Line) {
        if let Some(documents) = &mut self.documents {
            for op in core::mem::take(&mut documents.asked) {
                line.answered(op, Answer::default());
            }
            self.end_as(line, Cause::Failed, Situation::FlowLost, None);
        }
    }
}

impl Document {
    fn put(self, request: &mut Request) {
        request.header("Content-Disposition", &self.disposition);
        request.content = Some((self.content_type, self.body));
    }
}

impl Answer {
    pub(super) fn of(answer: &Message) -> Self {
        Self {
            status: answer.status(),
            reason: sanitize_text(answer.reason()),
            content_type: answer.media_type().to_owned(),
            body: lenient_text(answer.body()),
            retry_after: answer.retry_after(),
            expires: interval(answer),
            contacts: values(answer, Name::Contact),
        }
    }
}
