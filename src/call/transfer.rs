//! Transfers (RFC 3515, RFC 3891, RFC 3892, RFC 4488, RFC 5589): those that we
//! ask for, and those that the far end asks us for.

use super::target::{escaped_value, request_uri};
use super::{Call, Calls, Cause, Event, Job, Line, Phase, refusal, shown_uri};
use crate::dialog::Dialog;
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::sip::{Message, Name, NameAddr, Uri, reason_phrase, sanitize_text};
use crate::text::{concat, cut, decimal, number, pieces, unescaped};
use crate::time::{Duration, Instant};
use crate::transaction::LONG_TIMEOUT;

/// How long their call to the target may ring.
const PATIENCE: Duration = Duration::from_secs(240);

/// A transfer that we asked for.
pub(super) struct Transfer {
    op: u32,
    /// Number of the REFER.
    refer: u32,
    /// The far end does it.
    accepted: bool,
    /// No news by then is no success.
    pub until: Instant,
}

impl Calls {
    /// `transfer`: the far end shall call `target` instead of us.
    pub fn transfer(&mut self, now: Instant, op: u32, id: u32, target: &str) {
        let target = request_uri(target, &self.line.account);
        if let Some((call, line)) = self.operate(now, op, id) {
            match target {
                Some(uri) => call.refer(line, op, concat(&["<", &uri, ">"])),
                None => line.fail(op, Situation::BadTarget),
            }
        }
    }

    /// `transferTo`: the far end shall take our place in call `other`.
    pub fn transfer_to(&mut self, now: Instant, op: u32, id: u32, other: u32) {
        let other = self.list.iter().find(|call| call.id == other);
        let other = other.filter(|call| call.is_established() && call.id != id);
        let refer_to = other.map(|call| call.replacing());
        if let Some((call, line)) = self.operate(now, op, id) {
            match refer_to {
                Some(refer_to) => call.refer(line, op, refer_to),
                None => line.fail(op, Situation::OtherNotConnected),
            }
        }
    }

    /// The app does not want to follow a [`Event::Refer`].
    pub fn refuse_refer(&mut self, now: Instant, refer: u32) {
        self.line.now = now;
        if let Some(report) = self.take_referral(refer) {
            report.send(&mut self.line, 603, "Decline");
        }
    }

    /// The REFER that the app answers.
    pub(super) fn take_referral(&mut self, refer: u32) -> Option<Referral> {
        self.list.iter_mut().find_map(|call| {
            let asked = &mut call.referral;
            asked.take_if(|referral| referral.number == refer)
        })
    }
}

/// What the far end asked us to do, and where to tell what came of it.
pub(super) struct Referral {
    number: u32,
    /// The call that it came in.
    call: u32,
    dialog: Dialog,
    event: &'static str,
    event_id: String,
    /// No NOTIFY is wanted (RFC 4488).
    silent: bool,
    pub target: String,
    /// Replaces and Referred-By of the call to be made.
    pub headers: Vec<(String, String)>,
    /// The app has to decide by then.
    pub until: Instant,
}

impl Referral {
    /// NOTIFY with a status line as news (RFC 3515 §2.4.5).
    fn send(&self, line: &mut Line, status: u16, reason: &str) {
        if self.silent {
            return;
        }
        let mut notify = self.dialog.request("NOTIFY");
        notify.header("Event", &concat(&[self.event, &self.event_id]));
        let state = match status {
            ..200 => "active;expires=240",
            _ => "terminated;reason=noresource",
        };
        notify.header("Subscription-State", state);
        let status = decimal(status.into());
        let news = concat(&["SIP/2.0 ", &status, " ", reason, "\r\n"]);
        notify.content = Some(("message/sipfrag;version=2.0".to_owned(), news));
        line.send(self.call, Job::Notify, notify);
    }
}

impl Call {
    fn transfer(&mut self) -> Option<&mut Transfer> {
        self.established()?.transfer.as_mut()
    }

    fn take_transfer(&mut self) -> Option<Transfer> {
        self.established()?.transfer.take()
    }

    /// What a REFER needs to make somebody take our place in this call: their
    /// view of the dialog (RFC 3891 §3). A Contact that is no GRUU may lead
    /// nowhere from elsewhere; their address then does, and only the phone that
    /// has the dialog accepts.
    fn replacing(&self) -> String {
        let dialog = &self.dialog;
        let gruu = Uri::parse(&dialog.target).is_some_and(|uri| uri.params.has("gr"));
        let remote = NameAddr::uri_in(&dialog.remote);
        let target = if gruu { &dialog.target } else { remote };
        let value = [
            &dialog.call_id,
            ";to-tag=",
            &dialog.remote_tag,
            ";from-tag=",
            &dialog.local_tag,
        ];
        let value = escaped_value(&concat(&value));
        concat(&["<", target, "?Replaces=", &value, ">"])
    }

    fn refer(&mut self, line: &mut Line, op: u32, refer_to: String) {
        let Phase::Established(established) = &mut self.phase else {
            return line.fail(op, Situation::NotConnected);
        };
        if established.transfer.is_some() {
            return line.fail(op, Situation::Transferring);
        }
        let mut refer = self.dialog.request("REFER");
        refer.header("Contact", &self.contact);
        refer.header("Refer-To", &refer_to);
        let referred_by = concat(&["<", self.dialog.own_uri(), ">"]);
        refer.header("Referred-By", &referred_by);
        let refer = line.send(self.id, Job::Refer, refer);
        let until = line.now + PATIENCE;
        established.transfer = Some(Transfer {
            op,
            refer,
            accepted: false,
            until,
        });
    }

    pub(super) fn refer_answered(&mut self, line: &mut Line, number: u32, answer: &Message) {
        let Some(transfer) = self.transfer() else {
            return;
        };
        if transfer.refer != number {
            return;
        }
        match answer.status() {
            200..300 if answer.header(Name::ReferSub) == Some("false") => {
                // They will not tell what comes of it (RFC 4488).
                self.transferred(line);
            }
            200..300 => {
                transfer.accepted = true;
                transfer.until = line.now + LONG_TIMEOUT;
            }
            _ => self.transfer_failed(line, refusal(answer)),
        }
    }

    /// NOTIFY of the REFER that we sent.
    pub(super) fn notified(&mut self, line: &mut Line, notify: &Message) {
        let event = notify.header(Name::Event).unwrap_or_default();
        let package = cut(event, b';').map_or(event, |(package, _)| package.trim_ascii());
        let Some(transfer) = self.transfer() else {
            return self.respond(line, notify, 481);
        };
        if !package.eq_ignore_ascii_case("refer") {
            return self.respond_with(line, notify, 489, "Allow-Events", "refer");
        }
        transfer.accepted = true;
        transfer.until = line.now + PATIENCE;
        self.respond(line, notify, 200);
        let state = notify.header(Name::SubscriptionState).unwrap_or_default();
        let over = state
            .get(..10)
            .is_some_and(|state| state.eq_ignore_ascii_case("terminated"));
        let body = str::from_utf8(notify.body()).unwrap_or_default();
        let news = status_line(body);
        if let Some((status, reason)) = news {
            let reason = sanitize_text(reason);
            line.event(Event::Transferred {
                call: self.id,
                status,
                reason,
            });
        }
        match news {
            Some((200..300, _)) => self.transferred(line),
            Some((status @ 300.., reason)) => {
                let said = sanitize_text(reason);
                let fault = Fault::answered(Situation::Refused, status, said);
                self.transfer_failed(line, fault);
            }
            // With news of progress it is not over: SIP.js calls every NOTIFY the last one.
            None if over => {
                self.transfer_failed(line, Fault::new(Situation::TransferUntold));
            }
            _ => {}
        }
    }

    /// The transfer succeeded: we leave (RFC 5589 §6.1).
    fn transferred(&mut self, line: &mut Line) {
        if let Some(transfer) = self.take_transfer() {
            line.done(transfer.op);
        }
        self.leave(line, 487, None);
        self.end_as(line, Cause::Local, Situation::Transferred, None);
    }

    /// The far end leaves. Whoever has accepted a transfer, and told nothing bad of
    /// it, leaves for its sake: many exchanges say no more than that (RFC 5589 §6.1
    /// has us say BYE).
    pub(super) fn left(&mut self, line: &mut Line) {
        if self.transfer().is_some_and(|transfer| transfer.accepted)
            && let Some(transfer) = self.take_transfer()
        {
            line.done(transfer.op);
        }
    }

    pub(super) fn transfer_failed(&mut self, line: &mut Line, fault: Fault) {
        if let Some(transfer) = self.take_transfer() {
            line.refused(transfer.op, fault);
        }
    }

    pub(super) fn transfer_timeout(&mut self, line: &mut Line) {
        let now = line.now;
        if self
            .transfer()
            .is_some_and(|transfer| transfer.until <= now)
        {
            self.transfer_failed(line, Fault::new(Situation::TransferSilent));
        }
        if let Some(referral) = self.referral.take_if(|referral| referral.until <= now) {
            referral.send(line, 603, "Decline");
        }
    }

    /// REFER: the app is asked. Only who talks with us may ask, and only for what a
    /// redirection could ask for.
    pub(super) fn referred(&mut self, line: &mut Line, request: &Message) {
        let mut targets = request.lines(Name::ReferTo);
        let (target, more) = (targets.next(), targets.next());
        let address = target.filter(|_| more.is_none()).and_then(NameAddr::parse);
        let Some(address) = address else {
            return self.respond(line, request, 400);
        };
        let (uri, headers) = cut(address.uri, b'?').unwrap_or((address.uri, ""));
        let method = Uri::parse(uri).and_then(|uri| uri.params.get("method"));
        let target = request_uri(uri, &line.account);
        let Some(target) = target.filter(|_| method.is_none_or(|method| method == "INVITE")) else {
            return self.respond(line, request, 603);
        };
        if !self.is_established() || self.referral.is_some() {
            return self.respond(line, request, 491);
        }
        let mut wanted = Vec::new();
        for header in pieces(headers, b'&') {
            if let Some((name, value)) = cut(header, b'=')
                && name.eq_ignore_ascii_case("Replaces")
            {
                wanted.push(("Replaces".to_owned(), unescaped(value)));
                wanted.push(("Require".to_owned(), "replaces".to_owned()));
            }
        }
        // A call that must take another's place costs nobody anything; a new one may.
        if wanted.is_empty() && !self.follows(line, uri) {
            line.event(Event::Redirect {
                call: self.id,
                uri: shown_uri(uri),
                followed: false,
            });
            return self.respond(line, request, 603);
        }
        let silent = request.header(Name::ReferSub) == Some("false");
        let mut reply = self.reply(request, 202).with("Contact", &self.contact);
        if silent {
            reply = reply.with("Refer-Sub", "false");
        }
        line.reply(reply);
        let referred_by = request.header(Name::ReferredBy).map(str::to_owned);
        if let Some(referred_by) = &referred_by {
            wanted.push(("Referred-By".to_owned(), referred_by.clone()));
        }
        // The first REFER of a dialog needs no id (RFC 3515 §2.4.6).
        let refers = self.established().map_or(0, |established| {
            established.refers += 1;
            established.refers
        });
        let (event, event_id) = match refers {
            1 => ("refer", String::new()),
            _ => {
                let number = request.cseq().map_or(0, |cseq| cseq.number);
                ("refer;id=", decimal(number.into()))
            }
        };
        let referral = Referral {
            number: line.number(),
            call: self.id,
            dialog: self.dialog.clone(),
            event,
            event_id,
            silent,
            target: target.clone(),
            headers: wanted,
            until: line.now + LONG_TIMEOUT,
        };
        referral.send(line, 100, "Trying");
        line.event(Event::Refer {
            call: self.id,
            refer: referral.number,
            target,
            referred_by: referred_by.map(|value| super::party(&value).uri),
        });
        self.referral = Some(referral);
    }

    /// Tells whoever asked for this call that it came to nothing, or is over.
    pub(super) fn report_end(&mut self, line: &mut Line, fault: Option<&Fault>) {
        let status = fault.and_then(|fault| fault.status).unwrap_or(487);
        let said = fault.and_then(|fault| fault.said.as_deref());
        self.report(line, status, said.unwrap_or(reason_phrase(status)));
    }

    /// Tells whoever asked for this call what became of it.
    pub(super) fn report(&mut self, line: &mut Line, status: u16, reason: &str) {
        if let Some(referral) = &self.reports_to {
            referral.send(line, status, reason);
            if status >= 200 {
                self.reports_to = None;
            }
        }
    }
}

/// The status line that a sipfrag (RFC 3420) begins with.
fn status_line(body: &str) -> Option<(u16, &str)> {
    let first = pieces(body, b'\n').next()?.trim_ascii();
    let (version, rest) = cut(first, b' ')?;
    let (status, reason) = cut(rest, b' ').unwrap_or((rest, ""));
    let status = number(status)?;
    let valid = version.eq_ignore_ascii_case("SIP/2.0") && (100..700).contains(&status);
    valid.then_some((status as u16, reason))
}
