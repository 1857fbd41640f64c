//! What makes the sound and pictures of a call: handlers of apps, and the default one
//! (`peer`).

use super::phone::Inner;
use super::terms::CallOptions;
use crate::prelude::*;
use alloc::rc::{Rc, Weak};
use core::pin::Pin;
use serde::{Deserialize, Serialize};
use web_sys::{MediaStream, RtcStatsReport};

/// A STUN or TURN server, as `RTCIceServer` has it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct IceServer {
    /// One or more URLs.
    pub urls: Vec<String>,
    /// User name, of TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password, of TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Why media could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaError {
    /// The sentence's name in the catalogue of errors.
    pub(super) name: &'static str,
    /// Which device it is about.
    pub(super) device: &'static str,
    /// What the browser, or the handler, says.
    pub why: String,
}

impl MediaError {
    /// With what there is to say.
    pub fn new(why: &str) -> Self {
        Self {
            name: "media",
            device: "",
            why: why.to_owned(),
        }
    }
}

/// Work of a media handler.
pub type MediaTask<T> = Pin<Box<dyn Future<Output = Result<T, MediaError>>>>;

/// How a description is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct DescriptionWanted {
    /// With new ICE credentials.
    pub ice_restart: bool,
    /// It says that we hold.
    pub hold: bool,
    /// The far end takes candidates later (RFC 8840).
    pub trickle: bool,
}

/// What is not to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Muted {
    /// The microphone.
    pub audio: bool,
    /// The camera.
    pub video: bool,
}

/// The media of one call. It is asked for one description at a time, in the order that an
/// `RTCPeerConnection` allows.
pub trait Media {
    /// Opens microphone and camera, once.
    fn open(&self) -> MediaTask<()>;
    /// Makes an offer.
    fn offer(&self, how: DescriptionWanted) -> MediaTask<String>;
    /// Makes the answer to an offer.
    fn answer(&self, offer: String, how: DescriptionWanted) -> MediaTask<String>;
    /// Takes the answer to our offer; `early`: another one may follow.
    fn apply(&self, answer: String, early: bool) -> MediaTask<()>;
    /// Goes back to what was agreed on last.
    fn rollback(&self) -> MediaTask<()>;
    /// Takes candidates of the far end: `application/trickle-ice-sdpfrag` (RFC 8840).
    fn add_candidates(&self, fragment: String) -> MediaTask<()>;
    /// Sends silence, or black, or not.
    fn set_muted(&self, muted: Muted);
    /// What we send.
    fn local_stream(&self) -> Option<MediaStream>;
    /// What comes.
    fn remote_stream(&self) -> Option<MediaStream>;
    /// What the browser counts.
    fn stats(&self) -> MediaTask<RtcStatsReport>;
    /// Gives everything back.
    fn close(&self);
}

/// Makes the media handler of a call.
pub type MediaFactory = Rc<dyn Fn(MediaContext) -> Rc<dyn Media>>;

/// What a handler is made with.
#[derive(Clone)]
pub struct MediaContext {
    /// What the call is to have.
    pub options: CallOptions,
    /// Those of the phone.
    pub ice_servers: Vec<IceServer>,
    /// Whom to tell.
    pub teller: MediaTeller,
}

/// What a handler tells the phone.
#[derive(Clone)]
pub struct MediaTeller {
    pub(super) phone: Weak<Inner>,
    pub(super) call: u32,
}

impl MediaTeller {
    /// Local candidates: `application/trickle-ice-sdpfrag`.
    pub fn candidates(&self, fragment: String) {
        let id = self.call;
        self.tell(move |phone| {
            phone.tell(move |machine, now| {
                machine.with_calls(now, |calls| calls.candidates(now, id, fragment));
            });
        });
    }

    /// The connection is disturbed: perhaps the network is another one.
    pub fn disturbed(&self) {
        self.tell(|phone| phone.tell(|machine, now| machine.look(now)));
    }

    /// Media arrive no more.
    pub fn lost(&self) {
        let id = self.call;
        self.tell(move |phone| {
            phone.tell(move |machine, now| {
                machine.with_calls(now, |calls| calls.media_lost(now, id));
            });
        });
    }

    /// A new agreement is needed.
    pub fn renegotiate(&self) {
        let id = self.call;
        self.tell(move |phone| phone.calls.renegotiate(id));
    }

    /// Something of the far end's comes.
    pub fn track(&self) {
        let id = self.call;
        self.tell(move |phone| phone.calls.track(id));
    }

    fn tell(&self, what: impl FnOnce(&Inner)) {
        if let Some(phone) = self.phone.upgrade() {
            what(&phone);
        }
    }
}
