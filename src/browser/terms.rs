//! What there is to say of a call.

use super::error::Error;
use crate::call::{self, Cause, FollowRedirects, Party, Shown};
use crate::prelude::*;
use web_sys::MediaStream;

/// What a call is to have.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// Whether the microphone is opened.
    pub audio: bool,
    /// Whether the camera is opened.
    pub video: bool,
    /// What is sent instead; it stays the app's.
    pub stream: Option<MediaStream>,
    /// Further headers of the INVITE, or of the answer.
    pub extra_headers: Vec<(String, String)>,
    /// One of the user's public ids: who the callee is told calls.
    pub public_id: Option<String>,
    /// Which redirections are followed.
    pub follow_redirects: FollowRedirects,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            audio: true,
            video: false,
            stream: None,
            extra_headers: Vec::new(),
            public_id: None,
            follow_redirects: FollowRedirects::default(),
        }
    }
}

impl CallOptions {
    pub(super) fn for_core(&self, refer: Option<u32>) -> call::CallOptions {
        call::CallOptions {
            headers: self.extra_headers.clone(),
            public_id: self.public_id.clone(),
            refer,
            follow_redirects: self.follow_redirects,
            ..call::CallOptions::default()
        }
    }
}

/// State of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// It rings here.
    Incoming,
    /// It is on its way.
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
    /// It is over.
    Ended,
}

impl CallState {
    /// The name in the JavaScript API.
    pub fn as_str(self) -> &'static str {
        match self {
            CallState::Incoming => "incoming",
            CallState::Calling => "calling",
            CallState::Ringing => "ringing",
            CallState::Connected => "connected",
            CallState::Held { .. } => "held",
            CallState::Ended => "ended",
        }
    }

    pub(super) fn talks(self) -> bool {
        matches!(self, CallState::Connected | CallState::Held { .. })
    }
}

impl From<Shown> for CallState {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Calling => CallState::Calling,
            Shown::Ringing => CallState::Ringing,
            Shown::Connected => CallState::Connected,
            Shown::Held { local, remote } => CallState::Held { local, remote },
        }
    }
}

/// Something that happens in a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CallEvent {
    /// The state changed.
    State {
        /// It is this now.
        state: CallState,
        /// Media flow before the answer.
        early: bool,
    },
    /// Something of the far end's comes: see [`super::Call::remote_stream`].
    Track,
    /// Somebody else is at the other end, or it is known better who.
    Remote(Party),
    /// INFO came in.
    Info {
        /// Content-Type.
        content_type: String,
        /// Body.
        body: String,
    },
    /// Progress of the transfer that we asked for.
    Transfer {
        /// Status of their call.
        status: u16,
        /// Its reason phrase.
        reason: String,
    },
    /// Its media failed, outside of what the app has asked for.
    Error(Error),
    /// It is over; nothing follows.
    Ended {
        /// Why.
        cause: Cause,
        /// What was the matter, or what the far end said.
        error: Option<Error>,
    },
}
