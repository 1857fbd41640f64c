//! What the app, its media handler and the host tell the phone.

use super::tables::commands;
use crate::call::{Calls, Document};
use crate::phone::Phone;
use crate::time::Instant;

commands! {
    PHONE, obey(phone: Phone, now, record),
    else name => {
        let mut obeyed = false;
        phone.with_calls(now, |calls| obeyed = obey_call(calls, now, name, record));
        obeyed
    },

    /// Answered by `registered` or `failed` with this attempt.
    register(attempt: number, force: flag) => phone.register(now, attempt, force);
    /// Answered by `unregistered`.
    unregister() => phone.unregister(now);
    /// Connected without a binding, for sessions. Answered by `controlled` or `failed`
    /// with this attempt. `register` and `unregister` end it.
    control(attempt: number) => phone.control(now, attempt);
    /// The binding of a phone that controls is removed.
    unbind() => phone.unbind(now);
    /// The pending login is given up.
    abort() => phone.abort(now);
    /// Answered by `closed`.
    close() => phone.close(now);
    /// pagehide.
    leave() => phone.leave(now);
    /// pageshow from the back-forward cache.
    resume() => phone.resume(now);
    /// Woken up, online, visible.
    look() => phone.look(now);
    /// Another tab took over.
    silence() => phone.silence(now);
    /// The answer to the event of this name and number.
    credentials(id: number, answer: credentials) => phone.supply(now, id, answer);
    /// Unasked: what was answered for this realm is about to end.
    renewCredentials(realm: text, answer: credentials) =>
        _ = answer.map(|answer| phone.renew_credentials(realm, answer));
    /// To a state of the target's, who may be ourselves. The number is new, and not 0.
    subscribe(subscription: number, package: owned, accept: owned, target: text) =>
        phone.subscribe(now, subscription, package, accept, target);
    unsubscribe(subscription: number) =>
        phone.with_subscriptions(now, |all| all.unsubscribe(subscription));
    socketOpened(slot: number, generation: number, protocol: text) =>
        phone.handle_open(now, slot, generation, protocol);
    socketClosed(slot: number, generation: number) =>
        phone.handle_close(now, slot, generation);
    /// The deadline has come.
    wake() => phone.handle_timeout(now);
}

commands! {
    CALLS, obey_call(calls: Calls, now, record),
    else _ => false,

    /// The number is a new odd one.
    call(call: number, target: text, options: call_options) =>
        calls.call(now, call, target, options);
    /// Calls are to outlive this host: what another one needs comes as events `dialog`.
    handOver() => calls.hand_over();
    /// Goes on with a call of a host that is gone. The number is a new odd one.
    adopt(call: number, dialog: text) => calls.adopt(now, call, dialog);
    /// An INVITE with a document. The number is a new odd one. Answered by
    /// `sessionOpened` or `sessionEnded`.
    openSession(
        session: number,
        target: text,
        contentType: owned,
        body: owned,
        disposition: owned,
        options: answer_options
    ) => calls.start_session(
        now,
        session,
        target,
        Document { content_type: contentType, body, disposition },
        options,
    );
    answer(op: number, call: number, options: answer_options) =>
        calls.answer(now, op, call, options);
    reject(op: number, call: number, status: status) =>
        calls.reject(now, op, call, status, None);
    /// The caller shall call the target instead.
    deflect(op: number, call: number, target: text) =>
        calls.deflect(now, op, call, target);
    hangup(op: number, call: number) => calls.hangup(now, op, call);
    hold(op: number, call: number) => calls.hold(now, op, call, true);
    resumeCall(op: number, call: number) => calls.hold(now, op, call, false);
    /// A new offer is to be made.
    renegotiate(op: number, call: number, options: offer_options) =>
        calls.renegotiate(now, op, call, options);
    /// A blind transfer.
    transfer(op: number, call: number, target: text) =>
        calls.transfer(now, op, call, target);
    /// An attended one.
    transferTo(op: number, call: number, other: number) =>
        calls.transfer_to(now, op, call, other);
    /// The event of this name is not followed.
    refuseRefer(refer: number) => calls.refuse_refer(now, refer);
    /// INFO in the call's dialog.
    info(op: number, call: number, contentType: owned, body: owned) =>
        calls.info(now, op, call, (contentType, body));
    /// MESSAGE outside of calls; from the login where there is no public id.
    message(op: number, target: text, contentType: owned, body: owned, publicId: text) =>
        calls.message_as(now, op, publicId, target, (contentType, body));
    /// PUBLISH of a state of ours (RFC 3903), whose Event and condition are among the
    /// options; a refresh has no body.
    publish(op: number, contentType: owned, body: owned, options: answer_options) =>
        calls.publish(now, op, (contentType, body), options);
    /// The media handler made the description asked for.
    mediaReady(call: number, request: number, sdp: owned) =>
        calls.media_ready(now, call, request, sdp);
    /// It did what was asked for.
    mediaDone(call: number, request: number) => calls.media_done(now, call, request);
    /// It could not.
    mediaFailed(call: number, request: number) => calls.media_failed(now, call, request);
    /// Local ones, as `application/trickle-ice-sdpfrag`.
    candidates(call: number, sdpfrag: owned) => calls.candidates(now, call, sdpfrag);
    /// Its media arrive no more.
    mediaLost(call: number) => calls.media_lost(now, call);
    /// The media say that it is over.
    fail(call: number, reason: text) => calls.fail(now, call, reason);
    /// INFO in a session. Answered by `sessionDone`.
    sessionInfo(
        op: number,
        session: number,
        contentType: owned,
        body: owned,
        disposition: owned
    ) => calls.session_info(
        now,
        op,
        session,
        Document { content_type: contentType, body, disposition },
    );
    closeSession(session: number) => calls.close_session(now, session);
}
