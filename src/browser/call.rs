//! One call as an app sees it.

use super::error::Error;
use super::event::{Events, Listeners};
use super::media::{DescriptionWanted, Media, MediaContext, MediaError, MediaTeller, Muted};
use super::peer::Peer;
use super::phone::Inner;
use super::stats::{self, Stat};
use super::terms::{CallEvent, CallOptions, CallState};
use super::turn::Turns;
use crate::call::{Calls, Cause, Party, Shown, Want};
use crate::prelude::*;
use crate::time::Instant;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use wasm_bindgen_futures::spawn_local;
use web_sys::MediaStream;

/// What is known of a call when it begins.
pub(super) struct Facts {
    pub id: u32,
    pub incoming: bool,
    pub to: String,
    pub headers: Vec<(String, String)>,
    pub remote: Party,
}

/// One call. Clones are handles of the same one, which does not end with them.
#[derive(Clone)]
pub struct Call {
    inner: Rc<Content>,
}

struct Content {
    phone: Weak<Inner>,
    facts: Facts,
    remote: RefCell<Party>,
    state: Cell<CallState>,
    options: RefCell<CallOptions>,
    listeners: Listeners<CallEvent>,
    media: RefCell<Option<Rc<dyn Media>>>,
    muted: Cell<Muted>,
    /// What the media handler is asked for is done in order.
    turns: Turns,
    /// What went wrong with the media last.
    failure: RefCell<Option<MediaError>>,
}

impl core::fmt::Debug for Call {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Call")
            .field("id", &self.id())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Call {
    pub(super) fn new(facts: Facts, options: CallOptions, phone: Weak<Inner>) -> Self {
        let state = match facts.incoming {
            true => CallState::Incoming,
            false => CallState::Calling,
        };
        let inner = Content {
            phone,
            remote: RefCell::new(facts.remote.clone()),
            facts,
            state: Cell::new(state),
            options: RefCell::new(options),
            listeners: Listeners::default(),
            media: RefCell::default(),
            muted: Cell::default(),
            turns: Turns::default(),
            failure: RefCell::default(),
        };
        Self {
            inner: Rc::new(inner),
        }
    }

    /// Its number, among those of the phone.
    pub fn id(&self) -> u32 {
        self.inner.facts.id
    }

    /// Whether they call us.
    pub fn is_incoming(&self) -> bool {
        self.inner.facts.incoming
    }

    /// Which address they called.
    pub fn to(&self) -> &str {
        &self.inner.facts.to
    }

    /// The headers of the INVITE that came in, but credentials.
    pub fn headers(&self) -> &[(String, String)] {
        &self.inner.facts.headers
    }

    /// Who is at the other end.
    pub fn remote(&self) -> Party {
        self.inner.remote.borrow().clone()
    }

    /// The state.
    pub fn state(&self) -> CallState {
        self.inner.state.get()
    }

    /// What happens from now on. Each call of it gives a stream of its own.
    pub fn events(&self) -> Events<CallEvent> {
        self.inner.listeners.join()
    }

    /// What we send.
    pub fn local_stream(&self) -> Option<MediaStream> {
        self.media()?.local_stream()
    }

    /// What comes.
    pub fn remote_stream(&self) -> Option<MediaStream> {
        self.media()?.remote_stream()
    }

    // ---- what the app does

    /// Answers. Refused the microphone, the call still rings.
    ///
    /// # Errors
    ///
    /// It does not ring here, or there is no microphone.
    pub async fn answer(&self, options: CallOptions) -> Result<(), Error> {
        self.must_be(CallState::Incoming)?;
        let headers = options.extra_headers.clone();
        self.inner.options.replace(options);
        let media = self.open()?;
        if let Err(error) = media.open().await {
            self.release();
            return Err(error.into());
        }
        self.ask(|calls, now, op, id| calls.answer(now, op, id, headers))
            .await
    }

    /// Does not want it: with a SIP status, 486 for busy.
    ///
    /// # Errors
    ///
    /// It does not ring here.
    pub async fn reject(&self, status: u16) -> Result<(), Error> {
        self.must_be(CallState::Incoming)?;
        self.ask(move |calls, now, op, id| calls.reject(now, op, id, status, None))
            .await
    }

    /// The caller shall call `target` instead.
    ///
    /// # Errors
    ///
    /// It does not ring here.
    pub async fn deflect(&self, target: &str) -> Result<(), Error> {
        self.must_be(CallState::Incoming)?;
        let target = target.to_owned();
        self.ask(move |calls, now, op, id| calls.deflect(now, op, id, &target))
            .await
    }

    /// Ends it, in whatever state.
    ///
    /// # Errors
    ///
    /// None where it has ended.
    pub async fn hangup(&self) -> Result<(), Error> {
        if self.state() == CallState::Ended {
            return Ok(());
        }
        self.ask(|calls, now, op, id| calls.hangup(now, op, id))
            .await
    }

    /// Holds.
    ///
    /// # Errors
    ///
    /// It is not connected, or the far end does not want it.
    pub async fn hold(&self) -> Result<(), Error> {
        match self.state() {
            CallState::Held { local: true, .. } => Ok(()),
            _ => {
                self.change(|calls, now, op, id| calls.hold(now, op, id, true))
                    .await
            }
        }
    }

    /// Ends the hold.
    ///
    /// # Errors
    ///
    /// As [`Call::hold`].
    pub async fn resume(&self) -> Result<(), Error> {
        match self.state() {
            CallState::Held { local: true, .. } => {
                self.change(|calls, now, op, id| calls.hold(now, op, id, false))
                    .await
            }
            state => state
                .talks()
                .then_some(())
                .ok_or(Error::CallState(state.as_str())),
        }
    }

    /// Looks for a better way for the media.
    ///
    /// # Errors
    ///
    /// As [`Call::hold`].
    pub async fn restart_ice(&self) -> Result<(), Error> {
        self.change(|calls, now, op, id| calls.renegotiate(now, op, id, true))
            .await
    }

    /// Sends silence, or black, or not.
    pub fn set_muted(&self, muted: Muted) {
        self.inner.muted.set(muted);
        if let Some(media) = self.media() {
            media.set_muted(muted);
        }
    }

    /// What is muted.
    pub fn muted(&self) -> Muted {
        self.inner.muted.get()
    }

    /// Has the far end call somebody else.
    ///
    /// # Errors
    ///
    /// It is not connected, or the transfer did not come about.
    pub async fn transfer(&self, target: &str) -> Result<(), Error> {
        let target = target.to_owned();
        self.change(move |calls, now, op, id| calls.transfer(now, op, id, &target))
            .await
    }

    /// Joins the far ends of two calls.
    ///
    /// # Errors
    ///
    /// As [`Call::transfer`].
    pub async fn transfer_to(&self, other: &Call) -> Result<(), Error> {
        let other = other.id();
        self.change(move |calls, now, op, id| calls.transfer_to(now, op, id, other))
            .await
    }

    /// INFO in the call.
    ///
    /// # Errors
    ///
    /// It is not connected, or the far end does not take it.
    pub async fn send_info(&self, content_type: &str, body: &str) -> Result<(), Error> {
        let content = (content_type.to_owned(), body.to_owned());
        self.change(move |calls, now, op, id| calls.info(now, op, id, content))
            .await
    }

    /// What the browser counts.
    ///
    /// # Errors
    ///
    /// There are no media.
    pub async fn stats(&self) -> Result<Vec<Stat>, Error> {
        let state = self.state();
        let media = self.media().ok_or(Error::CallState(state.as_str()))?;
        Ok(stats::read(&media.stats().await?))
    }

    fn must_be(&self, wanted: CallState) -> Result<(), Error> {
        let state = self.state();
        (state == wanted)
            .then_some(())
            .ok_or(Error::CallState(state.as_str()))
    }

    /// What is possible while two parties talk.
    async fn change(
        &self,
        command: impl FnOnce(&mut Calls, Instant, u32, u32) + 'static,
    ) -> Result<(), Error> {
        let state = self.state();
        if !state.talks() {
            return Err(Error::CallState(state.as_str()));
        }
        self.ask(command).await
    }

    async fn ask(
        &self,
        command: impl FnOnce(&mut Calls, Instant, u32, u32) + 'static,
    ) -> Result<(), Error> {
        let phone = self.inner.phone.upgrade().ok_or(Error::Closed)?;
        let id = self.id();
        let done = phone.calls.ask(move |op| {
            move |machine: &mut crate::phone::Phone, now| {
                machine.with_calls(now, |calls| command(calls, now, op, id));
            }
        });
        // It does not keep the phone.
        drop(phone);
        done.await.map_err(|error| match error {
            // Of the media the core knows no more than that they failed.
            Error::Fault(fault) if fault.code() == crate::fault::Code::MediaFailed => {
                let failure = self.inner.failure.borrow().clone();
                failure.map_or(Error::Fault(fault), Error::Media)
            }
            error => error,
        })
    }

    // ---- what the core says

    pub(super) fn options(&self) -> CallOptions {
        self.inner.options.borrow().clone()
    }

    pub(super) fn tell(&self, event: &CallEvent) {
        self.inner.listeners.tell(event);
    }

    pub(super) fn become_(&self, state: Shown, early: bool) {
        self.show(state.into(), early);
    }

    fn show(&self, state: CallState, early: bool) {
        self.inner.state.set(state);
        self.tell(&CallEvent::State { state, early });
    }

    pub(super) fn is_with(&self, remote: Party) {
        self.inner.remote.replace(remote.clone());
        self.tell(&CallEvent::Remote(remote));
    }

    pub(super) fn end(&self, cause: Cause, error: Option<Error>) {
        self.release();
        self.show(CallState::Ended, false);
        self.tell(&CallEvent::Ended { cause, error });
        self.inner.listeners.leave();
    }

    // ---- its media

    fn media(&self) -> Option<Rc<dyn Media>> {
        self.inner.media.borrow().clone()
    }

    /// The handler, which is made when it is needed first.
    fn open(&self) -> Result<Rc<dyn Media>, Error> {
        if let Some(media) = self.media() {
            return Ok(media);
        }
        if self.state() == CallState::Ended {
            return Err(Error::CallState("ended"));
        }
        let phone = self.inner.phone.upgrade().ok_or(Error::Closed)?;
        let context = MediaContext {
            options: self.options(),
            ice_servers: phone.options.ice_servers.clone(),
            teller: MediaTeller {
                phone: self.inner.phone.clone(),
                call: self.id(),
            },
        };
        let media = match &phone.options.media {
            Some(make) => make(context),
            None => Peer::of_call(context),
        };
        media.set_muted(self.muted());
        *self.inner.media.borrow_mut() = Some(media.clone());
        Ok(media)
    }

    fn release(&self) {
        let media = self.inner.media.take();
        if let Some(media) = media {
            media.close();
        }
    }

    pub(super) fn serve(&self, request: u32, want: Want, hold: bool, trickle: bool) {
        if want == Want::End {
            return self.release();
        }
        let (call, turn) = (self.clone(), self.inner.turns.next());
        spawn_local(async move {
            let _turn = turn.await;
            let outcome = call.make(want, hold, trickle).await;
            let Some(phone) = call.inner.phone.upgrade() else {
                return;
            };
            let id = call.id();
            if let Err(error) = &outcome {
                call.tell(&CallEvent::Error(error.clone()));
            }
            phone.tell(move |machine, now| {
                machine.with_calls(now, |calls| match outcome {
                    Ok(Some(sdp)) => calls.media_ready(now, id, request, sdp),
                    Ok(None) => calls.media_done(now, id, request),
                    Err(_) => calls.media_failed(now, id, request),
                });
            });
        });
    }

    async fn make(&self, want: Want, hold: bool, trickle: bool) -> Result<Option<String>, Error> {
        let media = self.open()?;
        let how = DescriptionWanted {
            ice_restart: matches!(want, Want::Offer { restart: true }),
            hold,
            trickle,
        };
        let outcome = match want {
            Want::Offer { .. } => media.offer(how).await.map(Some),
            Want::Answer(sdp) => media.answer(sdp, how).await.map(Some),
            Want::Apply(sdp) => media.apply(sdp, false).await.map(|()| None),
            Want::ApplyEarly(sdp) => media.apply(sdp, true).await.map(|()| None),
            Want::Rollback => media.rollback().await.map(|()| None),
            Want::End => Ok(None),
        };
        outcome.map_err(|error| {
            self.inner.failure.replace(Some(error.clone()));
            Error::Media(error)
        })
    }

    pub(super) fn add_candidates(&self, fragment: String) {
        let (call, turn) = (self.clone(), self.inner.turns.next());
        spawn_local(async move {
            let _turn = turn.await;
            if let Ok(media) = call.open() {
                // Of a generation that is past, or malformed: the others may do.
                _ = media.add_candidates(fragment).await;
            }
        });
    }
}
