//! What goes in and out of the sessions.

use crate::fault::Situation;
use crate::prelude::*;
use crate::sip::{Message, lenient_text};
use crate::usage::{Cause, failure, shown_headers};

/// Content-Type and body.
pub type Content = (String, String);

/// What a request of a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The INVITE that makes it.
    Invite,
    /// The one that refreshes it (RFC 4028).
    Refresh,
    /// INFO; the number is its `op`.
    Info,
    /// BYE. Its answer changes nothing.
    Bye,
}

/// A final answer of the far end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Reason phrase, cleaned.
    pub reason: String,
    /// All headers but credentials.
    pub headers: Vec<(String, String)>,
    /// Its body, if it has one.
    pub content: Option<Content>,
}

/// What the owner hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The far end has accepted.
    Opened {
        /// Session.
        of: u32,
        /// Its answer.
        answer: Answer,
    },
    /// The session was refreshed with the body that made it.
    Refreshed {
        /// Session.
        of: u32,
        /// The far end's answer.
        answer: Answer,
    },
    /// INFO came in.
    Info {
        /// Session.
        of: u32,
        /// What it says.
        content: Content,
    },
    /// An INFO of ours is answered.
    Done {
        /// The operation.
        op: u32,
        /// `None`: nobody answered, or there is no such session.
        answer: Option<Answer>,
    },
    /// It is over.
    Ended {
        /// Session.
        of: u32,
        /// Why.
        cause: Cause,
        /// The answer that ended it, if one did.
        answer: Option<Answer>,
        /// What was the matter, if it is not the answer that says so.
        at: Option<Situation>,
    },
}

impl Answer {
    pub(super) fn of(answer: &Message) -> Self {
        Self {
            status: answer.status(),
            reason: failure(answer),
            headers: shown_headers(answer),
            content: content(answer),
        }
    }
}

/// The body, if there is one.
pub(super) fn content(message: &Message) -> Option<Content> {
    let media_type = message.media_type().to_owned();
    let body = lenient_text(message.body());
    (!body.is_empty()).then_some((media_type, body))
}
