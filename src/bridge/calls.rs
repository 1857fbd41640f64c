//! The boundary of the calls: commands of the app, the media handler's answers,
//! and what both are told.

use super::json::Json;
use super::record::Record;
use crate::call::{CallOptions, Calls, Event, FollowRedirects, Party, Want};
use crate::prelude::*;
use crate::time::Instant;

/// A command. `op` is the number under which [`Event::Done`] answers it.
pub(super) fn command(calls: &mut Calls, now: Instant, name: &str, mut fields: Record<'_>) {
    // op or call, and what follows it in most: call, request, refer
    let first = fields.number();
    match name {
        // call, which is a new odd number, target, then { extraHeaders?,
        // anonymous?, replaces?, refer?, followRedirects? }
        "call" => {
            let target = fields.text();
            let options = CallOptions {
                headers: fields.headers(),
                anonymous: fields.has("anonymous"),
                replaces: fields.get_owned("replaces"),
                refer: fields.get_number("refer").map(|refer| refer as u32),
                follow_redirects: match fields.get("followRedirects") {
                    Some("all") => FollowRedirects::All,
                    Some("none") => FollowRedirects::None,
                    _ => FollowRedirects::Domain,
                },
            };
            calls.call(now, first, target, options);
        }
        // op, call, then { extraHeaders? }
        "answer" => calls.answer(now, first, fields.number(), fields.headers()),
        // op, call, status, reason
        "reject" => {
            let (call, status, reason) = (fields.number(), fields.number() as u16, fields.text());
            let reason = Some(reason).filter(|reason| !reason.is_empty());
            calls.reject(now, first, call, status, reason);
        }
        // op, call
        "hangup" => calls.hangup(now, first, fields.number()),
        "hold" => calls.hold(now, first, fields.number(), true),
        "resumeCall" => calls.hold(now, first, fields.number(), false),
        // op, call, then { iceRestart? }: a new offer is to be made.
        "renegotiate" => calls.renegotiate(now, first, fields.number(), fields.has("iceRestart")),
        // op, call, target: a blind transfer
        "transfer" => calls.transfer(now, first, fields.number(), fields.text()),
        // op, call, other call: an attended one
        "transferTo" => calls.transfer_to(now, first, fields.number(), fields.number()),
        // refer: an event of this name is not followed.
        "refuseRefer" => calls.refuse_refer(now, first),
        // op, call, content type, body: INFO in the call's dialog
        "info" => calls.info(
            now,
            first,
            fields.number(),
            (fields.owned(), fields.owned()),
        ),
        // op, target, content type, body: MESSAGE outside of calls
        "message" => {
            let target = fields.text();
            calls.message(now, first, target, (fields.owned(), fields.owned()));
        }
        // call, request, SDP: the handler made the description asked for.
        "mediaReady" => calls.media_ready(now, first, fields.number(), fields.owned()),
        // call, request: it did what was asked for.
        "mediaDone" => calls.media_done(now, first, fields.number()),
        // call, request, message: it could not.
        "mediaFailed" => calls.media_failed(now, first, fields.number(), fields.text()),
        // call, application/trickle-ice-sdpfrag: local candidates
        "candidates" => calls.candidates(now, first, fields.owned()),
        // call: its media arrive no more.
        "mediaLost" => calls.media_lost(now, first),
        // call, reason: the media say that it is over.
        "fail" => calls.fail(now, first, fields.text()),
        _ => {}
    }
}

pub(super) fn write(json: &mut Json, event: Event) {
    match event {
        Event::Incoming {
            call,
            from,
            to,
            has_offer,
            headers,
            replaces,
        } => {
            named(json, "incoming", call);
            party(json, "from", &from);
            json.text("to", &to).flag("hasOffer", has_offer);
            pairs(json, &headers);
            if let Some(replaces) = replaces {
                json.number("replaces", replaces.into());
            }
        }
        Event::State { call, state, early } => {
            named(json, "callState", call);
            json.text("state", state.as_str())
                .option("heldBy", state.held_by())
                .flag("early", early);
        }
        Event::Redirect {
            call,
            uri,
            followed,
        } => {
            named(json, "redirect", call);
            json.text("uri", &uri).flag("followed", followed);
        }
        Event::Remote { call, remote } => {
            named(json, "remote", call);
            party(json, "remote", &remote);
        }
        Event::Media {
            call,
            request,
            want,
            hold,
            initial,
            trickle,
        } => {
            named(json, "media", call);
            json.number("request", request.into())
                .flag("hold", hold)
                .flag("initial", initial)
                .flag("trickle", trickle);
            let (want, kind, sdp) = match &want {
                Want::Offer { restart } => {
                    json.flag("restart", *restart);
                    ("offer", None, None)
                }
                Want::Answer(sdp) => ("answer", None, Some(sdp)),
                Want::Apply(sdp) => ("apply", Some("answer"), Some(sdp)),
                Want::ApplyEarly(sdp) => ("apply", Some("pranswer"), Some(sdp)),
                Want::Rollback => ("rollback", None, None),
                Want::End => ("end", None, None),
            };
            json.text("want", want)
                .option("sdpType", kind)
                .option("sdp", sdp.map(|sdp| sdp.as_str()));
        }
        Event::Candidates { call, fragment } => {
            named(json, "candidates", call);
            json.text("sdpfrag", &fragment);
        }
        Event::Info {
            call,
            content_type,
            body,
        } => {
            named(json, "info", call);
            json.text("contentType", &content_type).text("body", &body);
        }
        Event::Refer {
            call,
            refer,
            target,
            referred_by,
        } => {
            named(json, "refer", call);
            json.number("refer", refer.into())
                .text("target", &target)
                .option("referredBy", referred_by.as_deref());
        }
        Event::Transferred {
            call,
            status: code,
            reason,
        } => {
            named(json, "transferred", call);
            status(json, Some(code));
            json.text("reason", &reason);
        }
        Event::Ended {
            call,
            cause,
            status: code,
            reason,
        } => {
            named(json, "callEnded", call);
            status(json, code);
            json.text("cause", cause.as_str()).text("reason", &reason);
        }
        Event::Done { op, error } => {
            json.text("name", "done").number("op", op.into());
            if let Some(error) = error {
                json.raw("error", "{")
                    .text("code", error.code)
                    .text("message", &error.message)
                    .option("reason", error.reason.as_deref());
                status(json, error.status);
                json.close('}');
            }
        }
        Event::CallInfo { call, info } => {
            named(json, "callInfo", call);
            json.raw("callInfo", "{");
            for (name, value) in info.iter() {
                match value {
                    Some(value) => json.text(name, value),
                    None => json.flag(name, true),
                };
            }
            json.close('}');
        }
        Event::Message {
            from,
            content_type,
            body,
            headers,
        } => {
            json.text("name", "messageReceived");
            party(json, "from", &from);
            json.text("contentType", &content_type).text("body", &body);
            pairs(json, &headers);
        }
    }
}

fn named(json: &mut Json, name: &str, call: u32) {
    json.text("name", name).number("call", call.into());
}

pub(super) fn status(json: &mut Json, status: Option<u16>) {
    if let Some(status) = status {
        json.number("status", status.into());
    }
}

pub(super) fn party(json: &mut Json, name: &str, party: &Party) {
    json.raw(name, "{")
        .text("uri", &party.uri)
        .text("displayName", &party.display_name)
        .close('}');
}

/// `headers: [[name, value], …]`.
fn pairs(json: &mut Json, pairs: &[(String, String)]) {
    json.raw("headers", "[");
    for (name, value) in pairs {
        json.raw("", "[").text("", name).text("", value).close(']');
    }
    json.close(']');
}
