//! Candidates: ours, within the description or after it, and those of the far end.

use super::Peer;
use crate::browser::media::MediaError;
use crate::browser::sdp::{candidates_in, fragment_of};
use crate::prelude::*;
use futures_channel::oneshot;
use gloo_timers::callback::Timeout;
use js_sys::Reflect;
use wasm_bindgen_futures::JsFuture;
use web_sys::{RtcIceCandidateInit, RtcIceGatheringState, RtcPeerConnection};

/// How long (ms) a description waits for its candidates where the far end takes them in
/// no other way. Some addresses never answer; whoever waits for them lets people wait for
/// their call.
const GATHERING: u32 = 1500;
/// Candidates that come within this time (ms) travel together.
const BATCH: u32 = 20;
impl Peer {
    /// Until a description holds the candidates that it needs: all of them, or one
    /// through the best kind of server there is, or those that were in time.
    pub(super) async fn gather(&self, peer: &RtcPeerConnection) {
        let local = peer.local_description().map(|it| it.sdp());
        // After an ICE restart Firefox says for a while that the gathering before is
        // complete.
        let some = local.is_some_and(|sdp| sdp.contains("\na=candidate:"));
        if some && peer.ice_gathering_state() == RtcIceGatheringState::Complete {
            return;
        }
        let (done, enough) = oneshot::channel();
        self.gathered.replace(Some(done));
        let this = self.this.clone();
        let _deadline = Timeout::new(GATHERING, move || {
            if let Some(this) = this.upgrade() {
                this.gathered.take();
            }
        });
        _ = enough.await;
    }

    /// `None`: there will be no more.
    pub(super) fn found(&self, candidate: Option<&str>) {
        let servers = self.context.ice_servers.iter();
        let relayed = servers
            .flat_map(|server| &server.urls)
            .any(|url| url.starts_with("turn"));
        let best = if relayed { " typ relay" } else { " typ srflx" };
        if candidate.is_none_or(|candidate| candidate.contains(best)) {
            // Dropped, it is settled.
            self.gathered.take();
        }
        self.batch.take();
        // A description that is not out yet will hold them.
        if !self.trickles.get() {
            return;
        }
        let (this, end) = (self.this.clone(), candidate.is_none());
        let report = move || {
            let Some(this) = this.upgrade() else { return };
            let local = this.peer().and_then(|peer| peer.local_description());
            if let Some(fragment) = local.and_then(|it| fragment_of(&it.sdp(), end)) {
                this.context.teller.candidates(fragment);
            }
        };
        let wait = if end { 0 } else { BATCH };
        self.batch.replace(Some(Timeout::new(wait, report)));
    }

    pub(super) async fn take_candidates(&self, fragment: String) -> Result<(), MediaError> {
        let peer = self.connect()?;
        for found in candidates_in(&fragment) {
            let candidate = RtcIceCandidateInit::new(found.candidate);
            match found.mid {
                Some(mid) => candidate.set_sdp_mid(Some(mid)),
                None => candidate.set_sdp_m_line_index(Some(found.index)),
            }
            if let Some(ufrag) = found.ufrag {
                _ = Reflect::set(&candidate, &"usernameFragment".into(), &ufrag.into());
            }
            let taken = peer.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&candidate));
            // Of a generation that is past, or malformed: the others may do.
            _ = JsFuture::from(taken).await;
        }
        Ok(())
    }
}
