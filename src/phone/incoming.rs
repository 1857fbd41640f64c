//! Requests from the network. Only what arrives on the registered flow counts,
//! and a hint is only a reason to look.

use super::inspect::{ACCEPT, Refusal, SUPPORTED, inspect};
use super::requests::ALLOW;
use super::{Level, Phone};
use crate::pool::FlowId;
use crate::sip::{Message, Name, Writer};
use crate::subscription::News;
use crate::text::{concat, cut, pieces};
use crate::time::{Duration, Instant};

impl Phone {
    pub(super) fn handle_request(&mut self, now: Instant, flow: FlowId, request: &Message) {
        if let Err(invalid) = request.validate() {
            self.ignored += 1;
            // It goes back where it came from, so a malformed Via is good enough.
            if request.method() != "ACK" && request.header(Name::Via).is_some() {
                self.answer(flow, request, invalid.status, invalid.reason);
            }
            return;
        }
        if let Some(refusal) = inspect(request) {
            let Refusal { status, reason, .. } = refusal;
            let told = [(refusal.header, refusal.value.as_str())];
            return self.answer_with(flow, request, status, reason, &told);
        }
        match request.method() {
            "ACK" => {}
            "OPTIONS" => {
                if request
                    .header(Name::XGraceline)
                    .is_some_and(|hint| hint == "look")
                {
                    self.registration.hint(now);
                }
                let told = [(Name::Accept, ACCEPT)];
                self.answer_with(flow, request, 200, "OK", &told);
            }
            "NOTIFY" => self.handle_notify(now, flow, request),
            // Nothing that could be in a dialog or be cancelled exists here.
            _ if request.to_tag().is_some() => {
                self.answer(flow, request, 481, "Call/Transaction Does Not Exist");
            }
            "CANCEL" => self.answer(flow, request, 481, "Call/Transaction Does Not Exist"),
            _ => self.answer(flow, request, 405, "Method Not Allowed"),
        }
    }

    fn handle_notify(&mut self, now: Instant, flow: FlowId, notify: &Message) {
        if self.flows.home() != Some(flow) {
            return self.answer(flow, notify, 481, "Subscription Does Not Exist");
        }
        let event = notify.header(Name::Event).unwrap_or_default();
        let package = cut(event, b';').map_or(event, |(package, _)| package.trim_ascii());
        if package.eq_ignore_ascii_case("service-control") {
            self.handle_service_control(now, flow, notify);
        } else if package.eq_ignore_ascii_case("reg") {
            self.handle_reg_event(now, flow, notify);
        } else {
            self.answer(flow, notify, 481, "Subscription Does Not Exist");
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
            return self.answer(flow, notify, 400, "Bad Request");
        }
        self.answer(flow, notify, 200, "OK");
        if action == "reset" || action == "restart" {
            self.registration.hint(now);
        }
    }

    fn handle_reg_event(&mut self, now: Instant, flow: FlowId, notify: &Message) {
        let own = self.registration.contact_user().unwrap_or_default();
        let news = self.subscription.handle_notify(now, notify, &own);
        if news == News::Unknown {
            return self.answer(flow, notify, 481, "Subscription Does Not Exist");
        }
        self.answer(flow, notify, 200, "OK");
        self.registration.set_watched(self.subscription.is_live());
        match news {
            News::Changed => self.registration.hint(now),
            News::Probation(seconds) => {
                self.registration
                    .probation(now + Duration::from_secs(seconds.into()));
            }
            News::Rejected => self.registration.rejected(),
            News::Nothing | News::Unknown => {}
        }
    }

    fn answer(&mut self, flow: FlowId, request: &Message, status: u16, reason: &str) {
        self.answer_with(flow, request, status, reason, &[]);
    }

    fn answer_with(
        &mut self,
        flow: FlowId,
        request: &Message,
        status: u16,
        reason: &str,
        headers: &[(Name, &str)],
    ) {
        let tag = self.random.hex::<4>();
        let tag = request.to_tag().is_none().then_some(tag.as_str());
        let mut writer = Writer::response(request, status, reason, tag);
        if matches!(status, 200 | 405) && request.method() != "NOTIFY" {
            writer.header("Allow", ALLOW);
            writer.header("Supported", SUPPORTED);
        }
        for (name, value) in headers {
            writer.header(name, value);
        }
        for (name, value) in &self.common {
            writer.header(name.as_str(), value);
        }
        match writer.finish() {
            Ok(bytes) => {
                self.trace(true, flow, &bytes);
                self.write(flow, bytes);
            }
            Err(problem) => {
                let text = concat(&["a request could not be answered: ", &problem.message()]);
                self.log(Level::Debug, &text);
            }
        }
    }
}
