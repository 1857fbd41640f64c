//! Requests from the network. Only what arrives on the registered flow counts,
//! and a hint is only a reason to look.

#[cfg(feature = "events")]
use super::Event;
use super::inspect::{EVENTS, inspect};
use super::{Phone, Status};
use crate::flow::{ALLOW, FlowId, SUPPORTED};
use crate::prelude::*;
use crate::sip::{Message, Name, Writer, reason_phrase};
#[cfg(feature = "events")]
use crate::subscription;
use crate::text::{cut, pieces};
use crate::time::Instant;
use crate::usage::{Arrival, Reply};

impl Phone {
    pub(super) fn handle_request(&mut self, now: Instant, flow: FlowId, request: &Message) {
        if let Err(invalid) = request.check_use() {
            self.ignored += 1;
            // It goes back where it came from, so a malformed Via is good enough.
            if request.method() != "ACK" && request.header(Name::Via).is_some() {
                let reason = Some(invalid.reason.to_owned());
                let reply = Reply::new(request, invalid.status);
                self.reply(flow, &Reply { reason, ..reply });
            }
            return;
        }
        if let Some(refusal) = inspect(request, self.accept()) {
            let reply = Reply::new(request, refusal.status);
            return self.reply(flow, &reply.with(refusal.header.as_str(), &refusal.value));
        }
        let home = self.flows.home() == Some(flow);
        let ready = home && self.status == Status::Ready && self.registration.is_bound();
        let bound = ready || self.registration.follows(flow.slot);
        if self.taken(now, request, Arrival { flow, home, bound }) {
            return self.perform_usages(now);
        }
        let inside = request.to_tag().is_some();
        match request.method() {
            "ACK" => {}
            "OPTIONS" if !inside => {
                let look = request.header(Name::XGraceline) == Some("look");
                if look && request.call_id() != self.last_hint {
                    self.registration.hint(now);
                }
                let reply = Reply::new(request, 200);
                self.reply(flow, &reply.with("Accept", self.accept()));
            }
            "NOTIFY" => self.handle_notify(now, flow, request),
            _ if inside => self.answer(flow, request, 481),
            "INVITE" | "MESSAGE" => self.answer(flow, request, 480),
            // Whoever is in no call with us cannot make us call.
            "REFER" => self.answer(flow, request, 603),
            "BYE" | "CANCEL" | "INFO" | "UPDATE" | "PRACK" => self.answer(flow, request, 481),
            _ => self.answer(flow, request, 405),
        }
    }

    /// A NOTIFY of no subscription of ours: what is taken unasked goes by its package.
    fn handle_notify(&mut self, now: Instant, flow: FlowId, notify: &Message) {
        let is = |package| notify.event_package().eq_ignore_ascii_case(package);
        let home = self.flows.home() == Some(flow);
        let unasked = notify.to_tag().is_none();
        if is("service-control") && home {
            self.handle_service_control(now, flow, notify);
        } else if is("message-summary") && unasked {
            // Many servers send it.
            self.answer(flow, notify, 200);
            #[cfg(feature = "events")]
            if home {
                self.emit(Event::Subscription(subscription::Event::notified(
                    0, notify,
                )));
            }
        } else if unasked && !["service-control", "reg", "refer"].into_iter().any(is) {
            let reply = Reply::new(notify, 489);
            self.reply(flow, &reply.with("Allow-Events", EVENTS));
        } else {
            self.answer(flow, notify, 481);
        }
    }

    /// Cisco's unsolicited NOTIFY. `RegisterCallId` must be ours: 128 random
    /// bits that only the registrar knows.
    fn handle_service_control(&mut self, now: Instant, flow: FlowId, notify: &Message) {
        let body = str::from_utf8(notify.body()).unwrap_or_default();
        let line = |name: &str| {
            pieces(body, b'\n').find_map(|line| {
                let (key, value) = cut(line.trim_ascii(), b'=')?;
                let value = value.trim_ascii();
                let value = value.strip_prefix('{').unwrap_or(value);
                let value = value.strip_suffix('}').unwrap_or(value);
                key.eq_ignore_ascii_case(name).then_some(value)
            })
        };
        let action = line("action").unwrap_or_default();
        if line("RegisterCallId") != Some(&self.call_id) {
            return self.answer(flow, notify, 400);
        }
        self.answer(flow, notify, 200);
        if action == "reset" || action == "restart" {
            self.registration.hint(now);
        }
    }

    fn answer(&mut self, flow: FlowId, request: &Message, status: u16) {
        self.reply(flow, &Reply::new(request, status));
    }

    /// Writes an answer.
    pub(super) fn reply(&mut self, flow: FlowId, reply: &Reply) {
        let Reply {
            request, status, ..
        } = reply;
        let random = self.random.hex::<4>();
        let tag = reply.tag.as_ref().unwrap_or(&random);
        // A 100 makes no dialog.
        let tag = (*status > 100).then_some(tag.as_str());
        let phrase = reason_phrase(*status);
        let reason = reply.reason.as_deref().unwrap_or(phrase);
        let mut writer = Writer::response(request, *status, reason, tag);
        if *status == 405 || request.method() == "OPTIONS" {
            writer.header("Allow", ALLOW);
            writer.header("Supported", SUPPORTED);
        }
        for (name, value) in reply.headers.iter().chain(&self.common) {
            writer.header(name.as_str(), value);
        }
        if let Some((kind, body)) = &reply.content {
            writer.body(kind, body.as_bytes());
        }
        self.put(flow, writer.finish());
    }
}
