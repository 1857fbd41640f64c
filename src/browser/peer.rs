//! The default media handler: an `RTCPeerConnection` for a call, as `js/media` has it.

mod ice;

use super::devices::{capture, failure, settled, text, tracks};
use super::media::{DescriptionWanted, Media, MediaContext, MediaError, MediaTask, Muted};
use super::sdp::{fingerprint, holding, in_role, is_open, other, role_in};
use super::turn::Turns;
use crate::prelude::*;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use futures_channel::oneshot;
use gloo_timers::callback::Timeout;
use wasm_bindgen::prelude::*;
use web_sys::{
    MediaStream, MediaStreamTrack, RtcBundlePolicy, RtcConfiguration, RtcOfferOptions,
    RtcPeerConnection, RtcPeerConnectionIceEvent, RtcPeerConnectionState, RtcRtpSender,
    RtcRtpTransceiver, RtcRtpTransceiverDirection as Direction, RtcSdpType,
    RtcSessionDescriptionInit, RtcSignalingState, RtcStatsReport, RtcTrackEvent,
};

/// A connection that is disturbed for this long (ms) is looked for anew.
const DISTURBANCE: u32 = 3000;

/// What is wanted of a kind, in bits.
const RECEIVE: u8 = 1;
const BOTH: u8 = 3;

pub(super) struct Peer {
    this: Weak<Peer>,
    context: MediaContext,
    turns: Turns,
    stream: RefCell<Option<MediaStream>>,
    /// Tracks that we opened, which are ours to stop.
    own: RefCell<Vec<MediaStreamTrack>>,
    remote: RefCell<Option<MediaStream>>,
    muted: Cell<Muted>,
    connection: RefCell<Option<Connection>>,
    /// Senders that have been given what we send.
    attached: RefCell<Vec<RtcRtpSender>>,
    /// Whether we hold, as it is wanted, and as it was agreed on last.
    hold: Cell<bool>,
    held: Cell<bool>,
    /// The last agreement was made by our answer.
    answered: Cell<bool>,
    /// Candidates go their own way, after the description.
    trickles: Cell<bool>,
    gathered: RefCell<Option<oneshot::Sender<()>>>,
    batch: RefCell<Option<Timeout>>,
    disturbed: RefCell<Option<Timeout>>,
    closed: Cell<bool>,
}

struct Connection {
    peer: RtcPeerConnection,
    _track: Closure<dyn Fn(RtcTrackEvent)>,
    _candidate: Closure<dyn Fn(RtcPeerConnectionIceEvent)>,
    _state: Closure<dyn Fn()>,
}

impl Peer {
    pub fn of_call(context: MediaContext) -> Rc<dyn Media> {
        Rc::new_cyclic(|this: &Weak<Self>| Self {
            this: this.clone(),
            context,
            turns: Turns::default(),
            stream: RefCell::default(),
            own: RefCell::default(),
            remote: RefCell::default(),
            muted: Cell::default(),
            connection: RefCell::default(),
            attached: RefCell::default(),
            hold: Cell::new(false),
            held: Cell::new(false),
            answered: Cell::new(false),
            trickles: Cell::new(false),
            gathered: RefCell::default(),
            batch: RefCell::default(),
            disturbed: RefCell::default(),
            closed: Cell::new(false),
        })
    }

    /// Work that ends with the call.
    fn task<T: 'static, F>(&self, work: impl FnOnce(Rc<Self>) -> F + 'static) -> MediaTask<T>
    where
        F: Future<Output = Result<T, MediaError>> + 'static,
    {
        let this = self.this.clone();
        Box::pin(async move {
            let this = this
                .upgrade()
                .ok_or(MediaError::new("the call has ended"))?;
            work(this).await
        })
    }

    // ---- what we send

    async fn opened(&self) -> Result<(), MediaError> {
        let _turn = self.turns.next().await;
        if self.stream.borrow().is_some() {
            return Ok(());
        }
        let options = &self.context.options;
        let stream = match &options.stream {
            Some(stream) => stream.clone(),
            None if options.audio || options.video => {
                let stream = capture(options.audio, options.video).await?;
                self.own.replace(tracks(&stream));
                stream
            }
            None => MediaStream::new().map_err(failure)?,
        };
        // The user may decide long after the call has ended.
        if self.closed.get() {
            self.stop();
            return Err(MediaError::new("the call has ended"));
        }
        self.stream.replace(Some(stream));
        self.set_muted(self.muted.get());
        Ok(())
    }

    fn stop(&self) {
        for track in self.own.take() {
            track.stop();
        }
    }

    fn track(&self, kind: &str) -> Option<MediaStreamTrack> {
        let stream = self.stream.borrow();
        let all = stream.as_ref().map(tracks).unwrap_or_default();
        all.into_iter().find(|track| track.kind() == kind)
    }

    // ---- the connection

    fn connect(&self) -> Result<RtcPeerConnection, MediaError> {
        if let Some(connection) = &*self.connection.borrow() {
            return Ok(connection.peer.clone());
        }
        if self.closed.get() {
            return Err(MediaError::new("the call has ended"));
        }
        let configuration = RtcConfiguration::new();
        let servers = serde_wasm_bindgen::to_value(&self.context.ice_servers);
        configuration.set_ice_servers(&servers.unwrap_or_default());
        // Not more: gateways to desk phones know no BUNDLE.
        configuration.set_bundle_policy(RtcBundlePolicy::Balanced);
        let peer = RtcPeerConnection::new_with_configuration(&configuration).map_err(failure)?;
        let to = self.this.clone();
        let track = Closure::<dyn Fn(RtcTrackEvent)>::new(move |event: RtcTrackEvent| {
            if let Some(this) = to.upgrade() {
                this.receive(&event.track());
            }
        });
        let to = self.this.clone();
        let candidate = Closure::<dyn Fn(RtcPeerConnectionIceEvent)>::new(
            move |event: RtcPeerConnectionIceEvent| {
                if let Some(this) = to.upgrade() {
                    this.found(event.candidate().map(|it| it.candidate()).as_deref());
                }
            },
        );
        let to = self.this.clone();
        let state = Closure::<dyn Fn()>::new(move || {
            if let Some(this) = to.upgrade() {
                this.watch();
            }
        });
        peer.set_ontrack(Some(track.as_ref().unchecked_ref()));
        peer.set_onicecandidate(Some(candidate.as_ref().unchecked_ref()));
        peer.set_onconnectionstatechange(Some(state.as_ref().unchecked_ref()));
        *self.connection.borrow_mut() = Some(Connection {
            peer: peer.clone(),
            _track: track,
            _candidate: candidate,
            _state: state,
        });
        Ok(peer)
    }

    fn peer(&self) -> Option<RtcPeerConnection> {
        let connection = self.connection.borrow();
        connection.as_ref().map(|it| it.peer.clone())
    }

    fn receive(&self, track: &MediaStreamTrack) {
        let stream = self.remote.borrow().clone();
        let Some(stream) = stream.or_else(|| MediaStream::new().ok()) else {
            return;
        };
        if !tracks(&stream).contains(track) {
            stream.add_track(track);
            self.remote.replace(Some(stream));
            self.context.teller.track();
        }
    }

    fn watch(&self) {
        self.disturbed.take();
        let teller = &self.context.teller;
        match self.peer().map(|peer| peer.connection_state()) {
            Some(RtcPeerConnectionState::Failed) => teller.lost(),
            Some(RtcPeerConnectionState::Disconnected) => {
                teller.disturbed();
                let teller = teller.clone();
                let lost = Timeout::new(DISTURBANCE, move || teller.lost());
                self.disturbed.replace(Some(lost));
            }
            _ => {}
        }
    }

    // ---- descriptions

    /// Our part in DTLS, while that goes on: as long as it is with the same far end
    /// (RFC 8842 §4).
    fn role(&self, peer: &RtcPeerConnection, sdp: &str) -> Option<String> {
        let local = peer.current_local_description().map(|it| it.sdp());
        let remote = peer.current_remote_description().map(|it| it.sdp());
        let (local, remote) = (local.unwrap_or_default(), remote.unwrap_or_default());
        let theirs = fingerprint(sdp);
        if theirs.is_some() && theirs != fingerprint(&remote) {
            return None;
        }
        let ours = role_in(&local).or_else(|| role_in(&remote).map(other));
        ours.map(str::to_owned)
    }

    /// Gives every kind that we send a sender, and has at least the sound agreed on.
    fn attach(&self, peer: &RtcPeerConnection) {
        let stream = self.stream.borrow().clone();
        for (track, stream) in stream.iter().flat_map(|it| {
            let own = tracks(it).into_iter();
            own.map(move |track| (track, it))
        }) {
            let sender = transceiver(peer, &track.kind()).map(|it| it.sender());
            let mut attached = self.attached.borrow_mut();
            if !sender.is_some_and(|sender| attached.contains(&sender)) {
                attached.push(peer.add_track_0(&track, stream));
            }
        }
        if transceiver(peer, "audio").is_none() {
            peer.add_transceiver_with_str("audio");
        }
    }

    /// `deaf`: whether to receive nothing from now on. An offer to hold may be refused,
    /// and Chromium's rollback leaves a receiver off: there the far end's answer does it.
    async fn direct(&self, peer: &RtcPeerConnection, deaf: bool) -> Result<(), MediaError> {
        for kind in ["audio", "video"] {
            let Some(transceiver) = transceiver(peer, kind) else {
                continue;
            };
            let track = self.track(kind);
            let mut wanted = if track.is_some() { BOTH } else { RECEIVE };
            if deaf {
                wanted &= !RECEIVE;
            }
            transceiver.set_direction(match wanted {
                BOTH => Direction::Sendrecv,
                RECEIVE => Direction::Recvonly,
                0 => Direction::Inactive,
                _ => Direction::Sendonly,
            });
            let sent = track.filter(|_| !self.hold.get());
            settled(transceiver.sender().replace_track(sent.as_ref())).await?;
        }
        Ok(())
    }

    async fn describe(
        &self,
        peer: &RtcPeerConnection,
        kind: RtcSdpType,
        sdp: &str,
        trickle: bool,
    ) -> Result<String, MediaError> {
        self.trickles.set(false);
        settled(peer.set_local_description(&description(kind, sdp))).await?;
        if !trickle {
            self.gather(peer).await;
        }
        self.trickles.set(true);
        let local = peer.local_description();
        Ok(local.map(|it| it.sdp()).unwrap_or_default())
    }

    async fn make_offer(&self, how: DescriptionWanted) -> Result<String, MediaError> {
        self.opened().await?;
        let peer = self.connect()?;
        self.answered.set(false);
        self.hold.set(how.hold);
        self.attach(&peer);
        self.direct(&peer, false).await?;
        let options = RtcOfferOptions::new();
        options.set_ice_restart(how.ice_restart);
        let offer = settled(peer.create_offer_with_rtc_offer_options(&options)).await?;
        let sdp = self
            .describe(&peer, RtcSdpType::Offer, &sdp_of(&offer), how.trickle)
            .await?;
        // We keep the part that we play in DTLS, which goes on through every offer and an
        // ICE restart, too: who is left the choice may choose anew, and browsers refuse
        // that.
        let said = match self.role(&peer, "") {
            Some(role) => in_role(&sdp, &role),
            None => sdp,
        };
        Ok(if how.hold { holding(&said) } else { said })
    }

    async fn make_answer(
        &self,
        offer: String,
        how: DescriptionWanted,
    ) -> Result<String, MediaError> {
        self.opened().await?;
        let peer = self.connect()?;
        self.hold.set(how.hold);
        let role = self.role(&peer, &offer);
        let theirs = match &role {
            Some(_) => in_role(&offer, "actpass"),
            None => offer.clone(),
        };
        let taken = peer.set_remote_description(&description(RtcSdpType::Offer, &theirs));
        settled(taken).await?;
        self.attach(&peer);
        self.direct(&peer, how.hold).await?;
        let answer = sdp_of(&settled(peer.create_answer()).await?);
        let answer = match &role {
            Some(role) => in_role(&answer, role),
            None => answer,
        };
        if is_open(&offer, "audio") && !is_open(&answer, "audio") {
            return Err(MediaError {
                name: "noCodec",
                ..MediaError::new("")
            });
        }
        let local = self
            .describe(&peer, RtcSdpType::Answer, &answer, how.trickle)
            .await?;
        self.held.set(how.hold);
        self.answered.set(true);
        // Who names its part again, be it not the one agreed on, gets the other one.
        Ok(match role_in(&offer) {
            Some(theirs) => in_role(&local, other(theirs)),
            None => local,
        })
    }

    async fn take_answer(&self, answer: String, early: bool) -> Result<(), MediaError> {
        let peer = self.connect()?;
        let said = match self.role(&peer, &answer) {
            Some(role) => in_role(&answer, other(&role)),
            None => answer,
        };
        let kind = if early {
            RtcSdpType::Pranswer
        } else {
            RtcSdpType::Answer
        };
        let taken = settled(peer.set_remote_description(&description(kind, &said))).await;
        // Firefox takes none of the early ones: there the far end is heard once it has
        // answered.
        if early {
            return Ok(());
        }
        taken?;
        self.held.set(self.hold.get());
        Ok(())
    }

    async fn go_back(&self) -> Result<(), MediaError> {
        let peer = self.connect()?;
        let nothing = description(RtcSdpType::Rollback, "");
        match peer.signaling_state() {
            RtcSignalingState::HaveLocalOffer | RtcSignalingState::HaveLocalPranswer => {
                settled(peer.set_local_description(&nothing)).await?;
            }
            RtcSignalingState::HaveRemoteOffer | RtcSignalingState::HaveRemotePranswer => {
                settled(peer.set_remote_description(&nothing)).await?;
            }
            _ => {}
        }
        self.hold.set(self.held.get());
        self.direct(&peer, false).await?;
        // A connection that has failed within says so when it is asked for something.
        settled(peer.create_offer()).await?;
        // What was answered is agreed on here, and came to nothing there.
        if self.answered.replace(false) {
            self.context.teller.renegotiate();
        }
        Ok(())
    }
}

impl Media for Peer {
    fn open(&self) -> MediaTask<()> {
        self.task(|this| async move { this.opened().await })
    }

    fn offer(&self, how: DescriptionWanted) -> MediaTask<String> {
        self.task(move |this| async move { this.make_offer(how).await })
    }

    fn answer(&self, offer: String, how: DescriptionWanted) -> MediaTask<String> {
        self.task(move |this| async move { this.make_answer(offer, how).await })
    }

    fn apply(&self, answer: String, early: bool) -> MediaTask<()> {
        self.task(move |this| async move { this.take_answer(answer, early).await })
    }

    fn rollback(&self) -> MediaTask<()> {
        self.task(|this| async move { this.go_back().await })
    }

    fn add_candidates(&self, fragment: String) -> MediaTask<()> {
        self.task(move |this| async move { this.take_candidates(fragment).await })
    }

    fn set_muted(&self, muted: Muted) {
        self.muted.set(muted);
        for track in self.stream.borrow().iter().flat_map(tracks) {
            let silent = match track.kind().as_str() {
                "audio" => muted.audio,
                _ => muted.video,
            };
            track.set_enabled(!silent);
        }
    }

    fn local_stream(&self) -> Option<MediaStream> {
        self.stream.borrow().clone()
    }

    fn remote_stream(&self) -> Option<MediaStream> {
        self.remote.borrow().clone()
    }

    fn stats(&self) -> MediaTask<RtcStatsReport> {
        self.task(|this| async move {
            let report = settled(this.connect()?.get_stats()).await?;
            Ok(report.unchecked_into())
        })
    }

    fn close(&self) {
        self.closed.set(true);
        self.batch.take();
        self.disturbed.take();
        self.gathered.take();
        self.stop();
        if let Some(Connection { peer, .. }) = self.connection.take() {
            peer.set_ontrack(None);
            peer.set_onicecandidate(None);
            peer.set_onconnectionstatechange(None);
            peer.close();
        }
    }
}

fn transceiver(peer: &RtcPeerConnection, kind: &str) -> Option<RtcRtpTransceiver> {
    let all = peer.get_transceivers();
    let mut all = all.iter().map(RtcRtpTransceiver::unchecked_from_js);
    all.find(|it| it.receiver().track().kind() == kind && it.direction() != Direction::Stopped)
}

fn description(kind: RtcSdpType, sdp: &str) -> RtcSessionDescriptionInit {
    let description = RtcSessionDescriptionInit::new(kind);
    description.set_sdp(sdp);
    description
}

fn sdp_of(description: &JsValue) -> String {
    text(description, "sdp")
}
