//! Calls that come in (RFC 3261 §8.2.2.2, §9.2, §13.3; RFC 3262; RFC 3891).

use super::target::request_uri;
use super::{Call, Calls, Cause, Event, Line, Phase, Reply, Told, party, sdp, shown_headers};
use crate::dialog::{Dialog, record_routes, timer, values};
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::sip::{Message, Name, Params, sanitize_text, unquote};
use crate::text::{concat, cut, decimal, number, pieces};
use crate::time::{Duration, Instant};
use crate::transaction::{LONG_TIMEOUT, Resend};

/// How long a call rings at most: as long as proxies let it (timer C).
const RINGING: Duration = Duration::from_secs(180);
/// The bodies of an INVITE.
pub(super) const BODIES: &str = "application/sdp, multipart/mixed";
/// INVITEs remembered to see when one comes by two ways.
const MAX_SEEN: usize = 32;

/// What there is of a call only until it is answered.
pub(super) struct Incoming {
    /// How long it rings.
    pub until: Instant,
    /// The call that this one takes the place of.
    pub replaces: Option<u32>,
    /// Further headers of our 2xx.
    pub headers: Vec<(String, String)>,
}

impl Calls {
    /// `answer`: accept an incoming call.
    pub fn answer(&mut self, now: Instant, op: u32, id: u32, headers: Vec<(String, String)>) {
        if let Some((call, line)) = self.operate(now, op, id) {
            if !matches!(call.phase, Phase::Ringing(..)) {
                return line.fail(op, Situation::NotRinging);
            }
            if let Phase::Ringing(mut incoming, invite) = core::mem::take(&mut call.phase) {
                incoming.headers.extend(headers);
                call.phase = Phase::Answering(incoming, Some(op));
                call.ask_answer(line, invite);
            }
        }
    }

    /// `reject`: refuse an incoming call with `status`, 400 to 699.
    pub fn reject(&mut self, now: Instant, op: u32, id: u32, status: u16, reason: Option<&str>) {
        if let Some((call, line)) = self.operate(now, op, id) {
            if !matches!(call.phase, Phase::Ringing(..) | Phase::Answering(..)) {
                return line.fail(op, Situation::NotRinging);
            }
            let status = status.clamp(400, 699);
            call.leave(line, status, reason);
            call.end_as(line, Cause::Local, Situation::Refused, Some(status));
            line.done(op);
        }
    }

    /// `deflect`: the caller shall call `target` instead (RFC 3261 §21.3.3).
    pub fn deflect(&mut self, now: Instant, op: u32, id: u32, target: &str) {
        let target = request_uri(target, &self.line.account);
        if let Some((call, line)) = self.operate(now, op, id) {
            let Some(uri) = target else {
                return line.fail(op, Situation::BadTarget);
            };
            if !matches!(call.phase, Phase::Ringing(..) | Phase::Answering(..)) {
                return line.fail(op, Situation::NotRinging);
            }
            if let Some(asked) = call.asked() {
                let contact = concat(&["<", &uri, ">"]);
                line.reply(call.reply(asked, 302).with("Contact", &contact));
            }
            call.end_as(line, Cause::Local, Situation::Refused, Some(302));
            line.done(op);
        }
    }

    /// An INVITE outside of dialogs.
    pub(super) fn handle_invite(&mut self, invite: &Message) {
        if let Some(refusal) = self.ring(invite) {
            self.line.reply(refusal);
        }
    }

    /// Makes the call, or tells why not.
    fn ring(&mut self, invite: &Message) -> Option<Reply> {
        let refusal = |status| Some(Reply::new(invite, status));
        if self.line.is_merged(invite) {
            return refusal(482);
        }
        if !invite.body().is_empty() && sdp(invite).is_none()
            || invite.header(Name::ContentEncoding).is_some()
        {
            return Some(Reply::new(invite, 415).with("Accept", BODIES));
        }
        if !takes_sdp(invite) {
            return refusal(406);
        }
        if timer::is_too_brief(invite) {
            let min = decimal(timer::MIN.into());
            return Some(Reply::new(invite, 422).with("Min-SE", &min));
        }
        let replaces = match self.replaced(invite) {
            Ok(replaces) => replaces,
            Err(status) => return refusal(status),
        };
        if self.are_full() {
            return refusal(486);
        }
        let line = &mut self.line;
        line.last_incoming = line.last_incoming.wrapping_add(2);
        let id = line.last_incoming;
        let dialog = Dialog::of_request(invite, line.random.hex::<8>());
        let flow = line.flows.arrival;
        let contact = line.contact(flow, &dialog);
        let seconds = invite.expires().map_or(RINGING, |seconds| {
            Duration::from_secs(seconds.into()).min(RINGING)
        });
        let incoming = Incoming {
            until: line.now + seconds,
            replaces,
            headers: record_routes(invite),
        };
        let phase = Phase::Ringing(Box::new(incoming), Box::new(invite.clone()));
        let mut call = Call::new(id, phase, dialog, contact, flow);
        let has_offer = sdp(invite).is_some();
        let told = Told::by(invite, line.account.trusts_identity);
        call.meet(&told);
        line.event(Event::Incoming {
            call: id,
            from: told.party,
            to: party(invite.header(Name::To).unwrap_or_default()).uri,
            has_offer,
            headers: shown_headers(invite),
            replaces,
        });
        call.learn(line, invite);
        if replaces.is_none() {
            call.ringing(line, invite, has_offer);
        }
        self.list.push(call);
        None
    }

    /// The call that an INVITE with Replaces takes the place of (RFC 3891 §3).
    fn replaced(&self, invite: &Message) -> Result<Option<u32>, u16> {
        let Some(value) = invite.header(Name::Replaces) else {
            return Ok(None);
        };
        let mut params = pieces(value, b';');
        let call_id = params.next().unwrap_or_default().trim_ascii();
        let (mut to_tag, mut from_tag, mut early_only) = ("", "", false);
        for param in params {
            let (name, value) = cut(param, b'=').unwrap_or((param, ""));
            let name = name.trim_ascii();
            match value.trim_ascii() {
                tag if name.eq_ignore_ascii_case("to-tag") => to_tag = tag,
                tag if name.eq_ignore_ascii_case("from-tag") => from_tag = tag,
                _ => early_only |= name.eq_ignore_ascii_case("early-only"),
            }
        }
        let matches = |dialog: &Dialog| {
            dialog.call_id == call_id && dialog.local_tag == to_tag && dialog.remote_tag == from_tag
        };
        let calls = self.list.iter().filter(|call| !call.is_session());
        let found = calls.into_iter().find(|call| {
            matches(&call.dialog) || call.forks.iter().any(|fork| matches(&fork.dialog))
        });
        let Some(call) = found else {
            return Err(481);
        };
        match call.phase {
            Phase::Over => Err(603),
            Phase::Established(_) if early_only => Err(486),
            Phase::Established(_) | Phase::Calling(_) => Ok(Some(call.id)),
            // An early dialog that they made is theirs to end.
            Phase::Ringing(..) | Phase::Answering(..) => Err(481),
        }
    }

    /// The call was replaced by another that is connected now.
    pub(super) fn replace(&mut self, id: u32) {
        if let Some((call, line)) = self.live(id) {
            call.leave(line, 487, None);
            call.end_as(line, Cause::Remote, Situation::Replaced, None);
        }
    }

    /// CANCEL (RFC 3261 §9.2): it matters only to what is not answered yet.
    pub(super) fn handle_cancel(&mut self, cancel: &Message) {
        let Self { list, line, .. } = self;
        let same = |request: &Message| {
            request.call_id() == cancel.call_id()
                && request.cseq().map(|cseq| cseq.number) == cancel.cseq().map(|cseq| cseq.number)
                && request.branch() == cancel.branch()
        };
        let asked = |call: &&mut Call| call.asked().is_some_and(same);
        if let Some(call) = list.iter_mut().find(asked) {
            call.respond(line, cancel, 200);
            return call.cancelled(line, cancel);
        }
        let answered = list.iter_mut().find_map(|call| {
            let sent = call.unacknowledged.as_ref()?;
            same(&sent.1.request).then(|| call.reply(cancel, 200))
        });
        line.reply(answered.unwrap_or_else(|| Reply::new(cancel, 481)));
    }
}

impl Line {
    /// Whether `invite` came before, by another way (RFC 3261 §8.2.2.2).
    fn is_merged(&mut self, invite: &Message) -> bool {
        let key = merge_key(invite);
        if self.seen.iter().any(|(_, seen)| *seen == key) {
            return true;
        }
        if self.seen.len() >= MAX_SEEN {
            self.seen.remove(0);
        }
        self.seen.push((self.now + LONG_TIMEOUT, key));
        false
    }

    /// The flow of `invite` was lost: where it still rings it may come by another one.
    pub(super) fn forget(&mut self, invite: &Message) {
        let key = merge_key(invite);
        self.seen.retain(|(_, seen)| *seen != key);
    }
}

fn merge_key(invite: &Message) -> String {
    let number = invite.cseq().map_or(0, |cseq| cseq.number);
    let tag = invite.from_tag().unwrap_or_default();
    concat(&[invite.call_id(), "\n", tag, "\n", &decimal(number.into())])
}

impl Call {
    /// 180, reliably if the caller insists. A reliable one for an INVITE without
    /// an offer would have to make the offer (RFC 3261 §13.2.1), and so use the
    /// microphone before anybody answered: then there is none.
    fn ringing(&mut self, line: &mut Line, invite: &Message, has_offer: bool) {
        let reliable = invite.has_option(Name::Require, "100rel");
        if reliable && !has_offer {
            return self.respond(line, invite, 100);
        }
        let contact = self.contact.clone();
        let mut reply = self.reply(invite, 180).with("Contact", &contact);
        reply.headers.extend(record_routes(invite));
        if reliable {
            self.rseq = 1 + line.random.below(1 << 16) as u32;
            reply = reply
                .with("Require", "100rel")
                .with("RSeq", &decimal(self.rseq.into()));
            self.resend(line, &reply);
        }
        line.reply(reply);
    }

    /// Sends `reply` again and again from now on.
    pub(super) fn resend(&mut self, line: &Line, reply: &Reply) {
        self.unacknowledged = Some(Box::new((Resend::new(line.now), reply.clone())));
    }

    /// PRACK for our 180 (RFC 3262 §3).
    pub(super) fn pracked(&mut self, line: &mut Line, prack: &Message) {
        let rack = prack.header(Name::RAck).unwrap_or_default();
        let mut parts = pieces(rack, b' ').filter(|part| !part.is_empty());
        let rseq = parts.next().and_then(number);
        if self.rseq == 0 || rseq != Some(self.rseq.into()) {
            return self.respond(line, prack, 481);
        }
        let provisional = |sent: &mut Box<(_, Reply)>| sent.1.status < 200;
        self.unacknowledged.take_if(provisional);
        // The INVITE's offer is not answered yet: no room for another.
        let status = if sdp(prack).is_some() { 488 } else { 200 };
        self.respond(line, prack, status);
    }

    /// Their INVITE was cancelled.
    fn cancelled(&mut self, line: &mut Line, cancel: &Message) {
        self.leave_asked(line);
        if self.is_established() {
            return self.roll_back(line);
        }
        let (cause, text) = cancel_reason(cancel);
        let fault = Fault::answered(Situation::Refused, 487, text);
        self.end(line, cause, Some(fault));
    }

    /// What is pending of theirs ends with 487.
    pub(super) fn leave_asked(&mut self, line: &mut Line) {
        let queued = self.exchange.queued().and_then(Option::take);
        for request in [self.asked(), queued.as_deref()].into_iter().flatten() {
            self.respond(line, request, 487);
        }
    }
}

/// Why it was cancelled (RFC 3326). Another device that answered is told by SIP
/// 200, or, by some exchanges, by Q.850's 26; one that declined for all, by SIP 6xx.
pub(super) fn cancel_reason(request: &Message) -> (Cause, String) {
    let mut text = String::new();
    let mut cause = Cause::Cancelled;
    for value in values(request, Name::Reason) {
        let protocol = cut(&value, b';').map_or(&*value, |(protocol, _)| protocol.trim_ascii());
        let protocol = protocol.to_ascii_lowercase();
        let params = Params::read(&value);
        let param = |name| params.get(name).map(unquote).unwrap_or_default();
        match (&*protocol, number(&param("cause"))) {
            ("sip", Some(200)) | ("q.850", Some(26)) => cause = Cause::AnsweredElsewhere,
            ("sip", Some(600..700)) => cause = Cause::Rejected,
            _ => {}
        }
        if text.is_empty() {
            text = sanitize_text(&param("text"));
        }
    }
    (cause, text)
}

/// Whether the caller takes the answer that we can give (RFC 3261 §20.1).
fn takes_sdp(invite: &Message) -> bool {
    let mut accepted = invite.values(Name::Accept).peekable();
    let range = |value| cut(value, b';').map_or(value, |(range, _)| range.trim_ascii());
    accepted.peek().is_none()
        || accepted.map(range).any(|range| {
            let sdp = ["application/sdp", "application/*", "*/*"];
            sdp.iter().any(|sdp| range.eq_ignore_ascii_case(sdp))
        })
}
