//! What the phone has for the host to do, and for the app to hear.

use super::tables::outputs;
use crate::call::{self, Asked, Want};
use crate::phone::{Config, Event, Output};
use crate::prelude::*;
use crate::subscription;

outputs! {
    HOST, write(json, output: Output, config) names "type",
    else {
        Output::Event(event) => {
            json.text("type", "event");
            write_event(json, event, config);
        },
        // Crosses as it is.
        Output::Send { .. } => {},
    },

    /// A WebSocket with the subprotocol `sip` is wanted.
    Output::Open { slot, generation, url } => open {
        slot: number = slot,
        generation: number = generation,
        url: text = &url,
    }
    Output::CloseSocket { slot, generation } => closeSocket {
        slot: number = slot,
        generation: number = generation,
    }
    /// To be kept, and given back as the option `memory`.
    Output::Store(value) => store {
        value: text = &value,
    }
    Output::Log { level, message } => log {
        level: text = level.as_str(),
        message: text = &message,
    }
    /// A message that was `sent` or `received`, without secrets.
    Output::Trace { sent, slot, message } => trace {
        direction: text = if sent { "sent" } else { "received" },
        slot: number = slot,
        message: text = &message,
    }
}

outputs! {
    EVENTS, write_event(json, event: Event, config) names "name",
    else {
        Event::Call(event) => write_call(json, event),
        // No page accepts sessions.
        #[cfg(feature = "gateway")]
        Event::Accepted(_) => {},
        // The first document says it.
        Event::Subscription(subscription::Event::Confirmed { .. }) => {},
        // No page can ask for them yet.
        #[cfg(feature = "publications")]
        Event::Publication(_) => {},
    },

    Event::Status(status, registered) => status {
        status: text = status.as_str(),
        registration: registration_or_null = (registered.as_ref(), config),
    }
    Event::Registered(attempt, registered) => registered(attempt) {
        registration: registration = (&registered, config),
    }
    Event::Failed(attempt, fault, holder) => failed(attempt) {
        device: option = holder.as_ref().map(|_| config.device.as_str()),
        elsewhere: optional_holder = holder.as_ref(),
        ..fault_part = &fault
    }
    /// Something went wrong outside a promise.
    Event::Error(fault) => error {
        ..fault_part = &fault
    }
    /// Connected, be it without a binding: the status is `eReady`, without a registration.
    Event::Controlled(attempt) => controlled(attempt) {}
    /// Another client took the device over.
    Event::Terminated { reason, by } => terminated {
        reason: text = reason,
        by: holder = &by,
    }
    /// A call of an earlier page load may be picked up.
    Event::Abandoned(call) => abandoned {
        remote: party = &call.remote,
        replaces: text = &call.replaces,
    }
    Event::Unregistered => unregistered {}
    /// Nothing follows.
    Event::Closed => closed {}
    /// What a document says, as a tree if it is XML. Of 0, a NOTIFY that nobody asked for.
    Event::Subscription(subscription::Event::Notified { of: subscription, body, .. }) => notified(subscription) {
        body: text = str::from_utf8(&body).unwrap_or_default(),
        document: document = &body,
    }
    /// It does not stand any more, or not for a while.
    Event::Subscription(subscription::Event::Lapsed { of: subscription, .. }) => lapsed(subscription) {}
    /// To be answered by the command of this name.
    Event::Credentials { id, scheme, realm, authz_server, scope } => credentials(id) {
        scheme: text = scheme,
        realm: text = &realm,
        authzServer: option = authz_server.as_deref(),
        scope: option = scope.as_deref(),
    }
}

outputs! {
    CALLS, write_call(json, event: call::Event) names "name",
    else {},

    call::Event::Incoming { call, from, to, headers, replaces, .. } => incoming(call) {
        from: party = &from,
        to: text = &to,
        headers: pairs = &headers,
        replaces: amount = replaces,
    }
    call::Event::State { call, state, early } => callState(call) {
        state: text = state.as_str(),
        heldBy: option = state.held_by(),
        early: flag = early,
    }
    /// To be kept, and given back to `adopt` by another host.
    call::Event::Dialog { call, dialog } => dialog(call) {
        dialog: text = &dialog,
    }
    call::Event::Redirect { call, uri, followed } => redirect(call) {
        uri: text = &uri,
        followed: flag = followed,
    }
    call::Event::Remote { call, remote } => remote(call) {
        remote: party = &remote,
    }
    /// The media handler is asked for an `offer`, an `answer` to `sdp`, to `apply` an
    /// `answer` or a `pranswer`, for a `rollback`, or to `end`.
    call::Event::Media { call, request, want, hold, initial, trickle } => media(call) {
        request: number = request,
        hold: flag = hold,
        initial: flag = initial,
        trickle: flag = trickle,
        restart: flag = matches!(want, Want::Offer { restart: true }),
        want: text = name_of(&want),
        sdpType: option = type_of(&want),
        sdp: option = sdp_of(&want),
    }
    call::Event::Candidates { call, fragment } => candidates(call) {
        sdpfrag: text = &fragment,
    }
    call::Event::Info { call, content_type, body } => info(call) {
        contentType: text = &content_type,
        body: text = &body,
    }
    /// The far end asks us to call somebody else: `call`, or `refuseRefer`.
    call::Event::Refer { call, refer, target, referred_by } => refer(call) {
        refer: number = refer,
        target: text = &target,
        referredBy: option = referred_by.as_deref(),
    }
    call::Event::Transferred { call, status, reason } => transferred(call) {
        status: number = status.into(),
        reason: text = &reason,
    }
    call::Event::Ended { call, cause, fault } => callEnded(call) {
        cause: text = cause.as_str(),
        ..ending_part = fault.as_ref()
    }
    call::Event::Done { op, error, etag, expires } => done(op) {
        error: optional_fault = error.as_ref(),
        etag: option = etag.as_deref(),
        expires: amount = expires,
    }
    call::Event::CallInfo { call, info } => callInfo(call) {
        callInfo: call_info = &info,
    }
    call::Event::Message { from, content_type, body, headers } => messageReceived {
        from: party = &from,
        contentType: text = &content_type,
        body: text = &body,
        headers: pairs = &headers,
    }
    call::Event::SessionAnswered { asked: Asked::Open, number: session, answer } => sessionOpened(session) {
        ..answer_part = &answer
    }
    /// By the document that opened it (RFC 4028).
    call::Event::SessionAnswered { asked: Asked::Refresh, number: session, answer } => sessionRefreshed(session) {
        ..answer_part = &answer
    }
    call::Event::SessionInfo { session, content_type, body } => sessionInfo(session) {
        contentType: text = &content_type,
        body: text = &body,
    }
    call::Event::SessionAnswered { asked: Asked::Info, number: op, answer } => sessionDone(op) {
        ..answer_part = &answer
    }
    call::Event::SessionEnded { session, cause, fault, answer } => sessionEnded(session) {
        cause: text = cause.as_str(),
        retryAfter: amount = answer.retry_after,
        contacts: texts = answer.contacts.iter().map(String::as_str),
        ..ending_part = fault.as_ref()
    }
}

fn name_of(want: &Want) -> &'static str {
    match want {
        Want::Offer { .. } => "offer",
        Want::Answer(_) => "answer",
        Want::Apply(_) | Want::ApplyEarly(_) => "apply",
        Want::Rollback => "rollback",
        Want::End => "end",
    }
}

fn type_of(want: &Want) -> Option<&'static str> {
    match want {
        Want::Apply(_) => Some("answer"),
        Want::ApplyEarly(_) => Some("pranswer"),
        _ => None,
    }
}

fn sdp_of(want: &Want) -> Option<&str> {
    match want {
        Want::Answer(sdp) | Want::Apply(sdp) | Want::ApplyEarly(sdp) => Some(sdp),
        _ => None,
    }
}
