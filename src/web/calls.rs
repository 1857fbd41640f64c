//! The boundary of the calls: commands of the app, the media handler's answers,
//! and what both are told.

use super::Core;
use super::client::at;
use super::object::{Build, Reader, array_of_pairs};
use crate::call::{CallOptions, Calls, Event, Party, Want};
use crate::prelude::*;
use crate::time::Instant;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Core {
    /// Starts an outgoing call with this new odd id. `options`:
    /// `{ extraHeaders?, anonymous?, replaces?, refer? }`.
    pub fn call(&self, now: f64, call: u32, target: &str, options: &JsValue) {
        let read = Reader(options);
        let options = CallOptions {
            headers: array_of_pairs(&read.get("extraHeaders")),
            anonymous: read.flag("anonymous"),
            replaces: read.text("replaces"),
            refer: read.number("refer").map(|refer| refer as u32),
        };
        self.calls(now, |calls, now| calls.call(now, call, target, options));
    }

    /// Accepts an incoming call. `options`: `{ extraHeaders? }`.
    pub fn answer(&self, now: f64, op: u32, call: u32, options: &JsValue) {
        let headers = array_of_pairs(&Reader(options).get("extraHeaders"));
        self.calls(now, |calls, now| calls.answer(now, op, call, headers));
    }

    /// Refuses an incoming call.
    pub fn reject(&self, now: f64, op: u32, call: u32, status: u16, reason: Option<String>) {
        let reason = reason.as_deref();
        self.calls(now, |calls, now| {
            calls.reject(now, op, call, status, reason)
        });
    }

    /// Ends a call, whatever its state.
    pub fn hangup(&self, now: f64, op: u32, call: u32) {
        self.calls(now, |calls, now| calls.hangup(now, op, call));
    }

    /// Puts the far end on hold.
    pub fn hold(&self, now: f64, op: u32, call: u32) {
        self.calls(now, |calls, now| calls.hold(now, op, call, true));
    }

    /// Takes it back.
    #[wasm_bindgen(js_name = resumeCall)]
    pub fn resume_call(&self, now: f64, op: u32, call: u32) {
        self.calls(now, |calls, now| calls.hold(now, op, call, false));
    }

    /// A new offer is to be made.
    pub fn renegotiate(&self, now: f64, op: u32, call: u32, options: &JsValue) {
        let restart = Reader(options).flag("iceRestart");
        self.calls(now, |calls, now| calls.renegotiate(now, op, call, restart));
    }

    /// Blind transfer.
    pub fn transfer(&self, now: f64, op: u32, call: u32, target: &str) {
        self.calls(now, |calls, now| calls.transfer(now, op, call, target));
    }

    /// Attended transfer.
    #[wasm_bindgen(js_name = transferTo)]
    pub fn transfer_to(&self, now: f64, op: u32, call: u32, other: u32) {
        self.calls(now, |calls, now| calls.transfer_to(now, op, call, other));
    }

    /// Does not follow a `refer` event.
    #[wasm_bindgen(js_name = refuseRefer)]
    pub fn refuse_refer(&self, now: f64, refer: u32) {
        self.calls(now, |calls, now| calls.refuse_refer(now, refer));
    }

    /// INFO in the call's dialog.
    pub fn info(&self, now: f64, op: u32, call: u32, content_type: &str, body: &str) {
        let content = (content_type.to_owned(), body.to_owned());
        self.calls(now, |calls, now| calls.info(now, op, call, content));
    }

    /// MESSAGE outside of calls.
    pub fn message(&self, now: f64, op: u32, target: &str, content_type: &str, body: &str) {
        let content = (content_type.to_owned(), body.to_owned());
        self.calls(now, |calls, now| calls.message(now, op, target, content));
    }

    /// The handler made the description that `request` asked for.
    #[wasm_bindgen(js_name = mediaReady)]
    pub fn media_ready(&self, now: f64, call: u32, request: u32, sdp: &str) {
        let sdp = sdp.to_owned();
        self.calls(now, |calls, now| calls.media_ready(now, call, request, sdp));
    }

    /// The handler did what `request` asked for.
    #[wasm_bindgen(js_name = mediaDone)]
    pub fn media_done(&self, now: f64, call: u32, request: u32) {
        self.calls(now, |calls, now| calls.media_done(now, call, request));
    }

    /// The handler could not.
    #[wasm_bindgen(js_name = mediaFailed)]
    pub fn media_failed(&self, now: f64, call: u32, request: u32, message: &str) {
        self.calls(now, |calls, now| {
            calls.media_failed(now, call, request, message);
        });
    }

    /// Local candidates, as an `application/trickle-ice-sdpfrag`.
    pub fn candidates(&self, now: f64, call: u32, fragment: &str) {
        let fragment = fragment.to_owned();
        self.calls(now, |calls, now| calls.candidates(now, call, fragment));
    }

    /// Media of this call arrive no more.
    #[wasm_bindgen(js_name = mediaLost)]
    pub fn media_lost(&self, now: f64, call: u32) {
        self.calls(now, |calls, now| calls.media_lost(now, call));
    }

    fn calls(&self, now: f64, action: impl FnOnce(&mut Calls, Instant)) {
        let now = at(now);
        let mut phone = self.phone.borrow_mut();
        phone.with_calls(now, |calls| action(calls, now));
    }
}

pub(super) fn event(event: Event) -> JsValue {
    let named = |name, call| Build::of("event").text("name", name).number("call", call);
    match event {
        Event::Incoming {
            call,
            from,
            to,
            has_offer,
            headers,
            replaces,
        } => {
            let built = named("incoming", call)
                .value("from", party(&from))
                .text("to", &to)
                .value("hasOffer", has_offer.into())
                .value("headers", pairs(&headers));
            match replaces {
                Some(replaces) => built.number("replaces", replaces).done(),
                None => built.done(),
            }
        }
        Event::State {
            call,
            state,
            early,
            remote,
        } => {
            let built = named("callState", call)
                .text("state", state.as_str())
                .option("heldBy", state.held_by())
                .value("early", early.into());
            match remote {
                Some(remote) => built.value("remote", party(&remote)).done(),
                None => built.done(),
            }
        }
        Event::Media {
            call,
            request,
            want,
            hold,
            initial,
            trickle,
        } => {
            let built = named("media", call)
                .number("request", request)
                .value("hold", hold.into())
                .value("initial", initial.into())
                .value("trickle", trickle.into());
            match want {
                Want::Offer { restart } => {
                    built.text("want", "offer").value("restart", restart.into())
                }
                Want::Answer(sdp) => built.text("want", "answer").text("sdp", &sdp),
                Want::Apply(sdp) => described(built, "answer", &sdp),
                Want::ApplyEarly(sdp) => described(built, "pranswer", &sdp),
                Want::Rollback => built.text("want", "rollback"),
                Want::End => built.text("want", "end"),
            }
            .done()
        }
        Event::Candidates { call, fragment } => {
            named("candidates", call).text("sdpfrag", &fragment).done()
        }
        Event::Info {
            call,
            content_type,
            body,
        } => named("info", call)
            .text("contentType", &content_type)
            .text("body", &body)
            .done(),
        Event::Refer {
            call,
            refer,
            target,
            referred_by,
        } => named("refer", call)
            .number("refer", refer)
            .text("target", &target)
            .option("referredBy", referred_by.as_deref())
            .done(),
        Event::Transferred {
            call,
            status,
            reason,
        } => named("transferred", call)
            .number("status", status.into())
            .text("reason", &reason)
            .done(),
        Event::Ended {
            call,
            cause,
            status,
            reason,
        } => with_status(named("callEnded", call), status)
            .text("cause", cause.as_str())
            .text("reason", &reason)
            .done(),
        Event::Done { op, error } => {
            let built = Build::of("event").text("name", "done").number("op", op);
            match error {
                Some(error) => {
                    let told = Build::new()
                        .text("code", error.code)
                        .text("message", &error.message)
                        .option("reason", error.reason.as_deref());
                    built
                        .value("error", with_status(told, error.status).done())
                        .done()
                }
                None => built.done(),
            }
        }
        Event::CallInfo { call, info } => {
            let told = info
                .iter()
                .fold(Build::new(), |told, (name, value)| match value {
                    Some(value) => told.text(name, value),
                    None => told.value(name, JsValue::TRUE),
                });
            named("callInfo", call)
                .value("callInfo", told.done())
                .done()
        }
        Event::Message {
            from,
            content_type,
            body,
            headers,
        } => Build::of("event")
            .text("name", "messageReceived")
            .value("from", party(&from))
            .text("contentType", &content_type)
            .text("body", &body)
            .value("headers", pairs(&headers))
            .done(),
    }
}

fn described(built: Build, kind: &str, sdp: &str) -> Build {
    built
        .text("want", "apply")
        .text("sdpType", kind)
        .text("sdp", sdp)
}

fn with_status(built: Build, status: Option<u16>) -> Build {
    match status {
        Some(status) => built.number("status", status.into()),
        None => built,
    }
}

pub(super) fn party(party: &Party) -> JsValue {
    Build::new()
        .text("uri", &party.uri)
        .text("displayName", &party.display_name)
        .done()
}

/// `[[name, value], …]`.
fn pairs(pairs: &[(String, String)]) -> JsValue {
    Build::list(pairs.iter().map(|(name, value)| {
        Build::list(
            [name, value]
                .map(|text| JsValue::from_str(text))
                .into_iter(),
        )
    }))
}
