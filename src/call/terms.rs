//! What goes in and out of the calls.

use super::{Answer, Asked, CallInfo};
use crate::fault::Fault;
use crate::prelude::*;
use crate::usage::{self, Cause};

/// What a request of a call is for. With its call and a number it names the
/// client transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The INVITE that makes the call.
    Invite,
    /// An INVITE inside it.
    Reinvite,
    /// UPDATE, which refreshes the session (RFC 3311, RFC 4028).
    Update,
    /// PRACK (RFC 3262).
    Prack,
    /// BYE. Its answer changes nothing.
    Bye,
    /// REFER (RFC 3515).
    Refer,
    /// NOTIFY of a transfer that the far end asked for.
    Notify,
    /// INFO that the app sends; the number is its `op`.
    Info,
    /// INFO with ICE candidates (RFC 8840).
    Candidates,
    /// MESSAGE outside of calls; the number is its `op`.
    Message,
    /// The INVITE that refreshes a session.
    Refresh,
    /// INFO of a session; the number is its `op`.
    Document,
}

/// Names one of their requests. Those outside of calls are `of` 0; a number that is
/// an `op` settles it.
pub type Key = usage::Key<Job>;

/// Something for the owner to do.
pub type Action = usage::Action<Job, Event>;

/// Somebody, as told to people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Address.
    pub uri: String,
    /// Cleaned text; empty if there is none.
    pub display_name: String,
}

/// A state that the app sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// The INVITE is on its way.
    #[default]
    Calling,
    /// It rings there.
    Ringing,
    /// Two parties talk.
    Connected,
    /// One of them, or both, hold.
    Held {
        /// We do.
        local: bool,
        /// They do.
        remote: bool,
    },
}

impl Shown {
    /// The name in the JavaScript API.
    pub fn as_str(self) -> &'static str {
        match self {
            Shown::Calling => "calling",
            Shown::Ringing => "ringing",
            Shown::Connected => "connected",
            Shown::Held { .. } => "held",
        }
    }

    /// Who holds, in the JavaScript API.
    pub fn held_by(self) -> Option<&'static str> {
        match self {
            Shown::Held {
                local: true,
                remote: true,
            } => Some("both"),
            Shown::Held { local: true, .. } => Some("local"),
            Shown::Held { .. } => Some("remote"),
            _ => None,
        }
    }
}

/// What the media handler is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Make an offer: `media_ready`.
    Offer {
        /// With new ICE credentials.
        restart: bool,
    },
    /// Make the answer to this offer: `media_ready`.
    Answer(String),
    /// Take this answer: `media_done`.
    Apply(String),
    /// Take this early answer, which another may follow.
    ApplyEarly(String),
    /// Go back to what was agreed last (RFC 6141): `media_done`.
    Rollback,
    /// Release everything.
    End,
}

/// Something that the app, or its media handler, hears of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call came in and rings.
    Incoming {
        /// Call.
        call: u32,
        /// Who calls.
        from: Party,
        /// Which address they called.
        to: String,
        /// `false`: the offer will be ours.
        has_offer: bool,
        /// All headers of the INVITE but credentials.
        headers: Vec<(String, String)>,
        /// The call that it takes the place of (RFC 3891): answer it at once.
        replaces: Option<u32>,
    },
    /// The state changed.
    State {
        /// Call.
        call: u32,
        /// State.
        state: Shown,
        /// Media flow before the answer.
        early: bool,
    },
    /// What another host needs to go on with the call: see [`Calls::adopt`](super::Calls::adopt).
    Dialog {
        /// Call.
        call: u32,
        /// Lines, of no meaning to others.
        dialog: String,
    },
    /// Somebody else is at the other end, or it is known better who.
    Remote {
        /// Call.
        call: u32,
        /// Who it is.
        remote: Party,
    },
    /// The call was redirected (RFC 3261 §8.1.3.4), to one of several places perhaps.
    Redirect {
        /// Call.
        call: u32,
        /// Where to: a target for `call`.
        uri: String,
        /// Whether it is tried.
        followed: bool,
    },
    /// The media handler is asked.
    Media {
        /// Call.
        call: u32,
        /// To be given back.
        request: u32,
        /// What for.
        want: Want,
        /// Whether the description made now says that we hold.
        hold: bool,
        /// First description of the call.
        initial: bool,
        /// The far end takes candidates later (RFC 8840).
        trickle: bool,
    },
    /// What the server tells of the call has changed.
    CallInfo {
        /// Call.
        call: u32,
        /// All of it.
        info: CallInfo,
    },
    /// Candidates of the far end (RFC 8840).
    Candidates {
        /// Call.
        call: u32,
        /// `application/trickle-ice-sdpfrag`.
        fragment: String,
    },
    /// INFO came in.
    Info {
        /// Call.
        call: u32,
        /// Content-Type.
        content_type: String,
        /// Body.
        body: String,
    },
    /// The far end asks us to call somebody else in its place (RFC 3515).
    Refer {
        /// Call.
        call: u32,
        /// To be given back.
        refer: u32,
        /// Whom to call: a target for `call`.
        target: String,
        /// Who asked (RFC 3892), if it said so.
        referred_by: Option<String>,
    },
    /// Progress of the transfer that we asked for.
    Transferred {
        /// Call.
        call: u32,
        /// Status of their call.
        status: u16,
        /// Its reason phrase, cleaned.
        reason: String,
    },
    /// The call is over; its last event.
    Ended {
        /// Call.
        call: u32,
        /// Why.
        cause: Cause,
        /// What was the matter, or what the far end said.
        fault: Option<Fault>,
    },
    /// An operation is done.
    Done {
        /// Operation.
        op: u32,
        /// What went wrong.
        error: Option<Fault>,
        /// What the server calls a state that is published (RFC 3903 §11.3.1).
        etag: Option<String>,
        /// How many seconds it keeps that.
        expires: Option<u32>,
    },
    /// MESSAGE came in.
    Message {
        /// Who sent it.
        from: Party,
        /// Content-Type.
        content_type: String,
        /// Text.
        body: String,
        /// All headers but credentials.
        headers: Vec<(String, String)>,
    },
    /// The far end answers what was asked in a session.
    SessionAnswered {
        /// What that was.
        asked: Asked,
        /// Session, or, of an INFO, its operation.
        number: u32,
        /// The default: nobody did, or there is no such session.
        answer: Answer,
    },
    /// INFO came in, in a session.
    SessionInfo {
        /// Session.
        session: u32,
        /// Content-Type.
        content_type: String,
        /// Body.
        body: String,
    },
    /// A session is over; its last event.
    SessionEnded {
        /// Session.
        session: u32,
        /// Why.
        cause: Cause,
        /// What was the matter, or what the far end said.
        fault: Option<Fault>,
        /// The answer that refused it.
        answer: Answer,
    },
}

/// Which redirections of a call are followed without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FollowRedirects {
    /// Those within our own domain: whoever is called cannot make us pay for a call
    /// to somewhere else.
    #[default]
    Domain,
    /// All.
    All,
    /// None.
    None,
}

/// Options of an outgoing call.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// One of the user's public ids: who the callee is told calls, instead of the login.
    pub public_id: Option<String>,
    /// The callee is not told who calls (RFC 3323).
    pub anonymous: bool,
    /// Value of a Replaces header (RFC 3891).
    pub replaces: Option<String>,
    /// The [`Event::Refer`] that this call answers.
    pub refer: Option<u32>,
    /// Which redirections are followed.
    pub follow_redirects: FollowRedirects,
}
