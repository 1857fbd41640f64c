//! A media handler that has no media: it makes and takes descriptions as an
//! RTCPeerConnection would, and insists on being asked in the right order.

use graceline::call::{Calls, Event, Want};
use graceline::time::Instant;
use std::collections::BTreeMap;

/// What the handler makes of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ready(String),
    Done,
    Failed,
}

impl Outcome {
    pub fn tell(self, calls: &mut Calls, now: Instant, call: u32, request: u32) {
        match self {
            Outcome::Ready(sdp) => calls.media_ready(now, call, request, sdp),
            Outcome::Done => calls.media_done(now, call, request),
            Outcome::Failed => calls.media_failed(now, call, request),
        }
    }
}

/// The states of W3C's RTCSignalingState.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Signalling {
    #[default]
    Stable,
    LocalOffer,
    RemotePranswer,
}

#[derive(Default)]
struct Peer {
    state: Signalling,
    version: u32,
    ended: bool,
    /// Directions agreed last, ours first.
    directions: (String, String),
    before: (String, String),
}

/// All calls of one phone.
#[derive(Default)]
pub struct Handler {
    peers: BTreeMap<u32, Peer>,
    /// How many wishes are still granted; `None`: all.
    pub patience: Option<u32>,
    /// Has nothing to send.
    pub mute: bool,
    /// Asks for offers instead of making them.
    pub asks: bool,
}

impl Handler {
    /// What comes of `event`, if it is a wish that is to be answered.
    pub fn handle(&mut self, event: &Event) -> Option<(u32, u32, Outcome)> {
        let Event::Media {
            call,
            request,
            want,
            hold,
            ..
        } = event
        else {
            return None;
        };
        let peer = self.peers.entry(*call).or_default();
        if self.asks && matches!(want, Want::Offer { .. }) {
            return Some((*call, *request, Outcome::Ready(String::new())));
        }
        assert!(!peer.ended, "a wish after the end: {want:?}");
        if *want == Want::End {
            peer.ended = true;
            return None;
        }
        if let Some(patience) = &mut self.patience {
            if *patience == 0 {
                return Some((*call, *request, Outcome::Failed));
            }
            *patience -= 1;
        }
        Some((*call, *request, peer.grant(want, *hold, self.mute)))
    }

    /// Direction of our side and of theirs in the last agreement.
    pub fn directions(&self, call: u32) -> (&str, &str) {
        let peer = &self.peers[&call];
        (&peer.directions.0, &peer.directions.1)
    }

    /// Calls whose media were not released.
    pub fn unreleased(&self) -> usize {
        self.peers.values().filter(|peer| !peer.ended).count()
    }
}

impl Peer {
    fn grant(&mut self, want: &Want, hold: bool, mute: bool) -> Outcome {
        match want {
            Want::Offer { .. } => {
                assert_eq!(self.state, Signalling::Stable, "an offer");
                self.state = Signalling::LocalOffer;
                let direction = match (hold, mute) {
                    (false, false) => "sendrecv",
                    (true, false) => "sendonly",
                    (false, true) => "recvonly",
                    (true, true) => "inactive",
                };
                self.before = self.directions.clone();
                self.directions.0 = direction.into();
                Outcome::Ready(self.describe(direction))
            }
            Want::Answer(offer) => {
                assert_eq!(self.state, Signalling::Stable, "an answer");
                self.before = self.directions.clone();
                let theirs = direction(offer);
                let sends = matches!(theirs, "sendrecv" | "recvonly");
                let takes = matches!(theirs, "sendrecv" | "sendonly") && !hold;
                let ours = match (sends, takes) {
                    (true, true) => "sendrecv",
                    (true, false) => "sendonly",
                    (false, true) => "recvonly",
                    (false, false) => "inactive",
                };
                self.directions = (ours.into(), theirs.into());
                Outcome::Ready(self.describe(ours))
            }
            Want::Apply(answer) => {
                assert_ne!(self.state, Signalling::Stable, "an answer to nothing");
                self.state = Signalling::Stable;
                self.directions.1 = direction(answer).into();
                Outcome::Done
            }
            Want::ApplyEarly(answer) => {
                assert_ne!(self.state, Signalling::Stable, "an early answer to nothing");
                self.state = Signalling::RemotePranswer;
                self.directions.1 = direction(answer).into();
                Outcome::Done
            }
            Want::Rollback => {
                self.state = Signalling::Stable;
                self.directions = self.before.clone();
                Outcome::Done
            }
            Want::End => Outcome::Done,
        }
    }

    fn describe(&mut self, direction: &str) -> String {
        self.version += 1;
        let version = self.version;
        format!(
            "v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na={direction}\r\n"
        )
    }
}

fn direction(sdp: &str) -> &str {
    sdp.lines()
        .filter_map(|line| line.strip_prefix("a="))
        .find(|line| ["sendrecv", "sendonly", "recvonly", "inactive"].contains(line))
        .unwrap_or("sendrecv")
}
