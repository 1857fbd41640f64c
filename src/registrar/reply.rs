//! Answers of the registrar itself, and the refusals among them.

use super::bindings::Entry;
use super::config::{Dialect, Policy};
use super::devices::KNOWS_DEVICES;
use super::policy;
use super::register::Target;
use super::{ConnectionId, Registrar};
use crate::sip::{Message, Writer, format_date};

/// A request that is refused, and what the answer says.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub reason: &'static str,
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub fn new(status: u16, reason: &'static str) -> Self {
        Self {
            status,
            reason,
            headers: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn bad(reason: &'static str) -> Self {
        Self::new(400, reason)
    }

    /// RFC 3261 §10.3 step 7: the update is older than what it would change.
    pub fn out_of_order() -> Self {
        Self::new(500, "CSeq Not Higher Than The Binding's")
    }

    pub fn too_brief(min_expires: u32) -> Self {
        Self::new(423, "Interval Too Brief").with("Min-Expires", min_expires.to_string())
    }

    pub fn conflict(holder: &Entry) -> Self {
        Self {
            headers: policy::conflict_headers(holder),
            ..Self::new(403, "Forbidden")
        }
    }

    pub fn not_authorised() -> Self {
        let warning = "399 graceline \"Device not authorised\"";
        Self::new(403, "Forbidden").with("Warning", warning)
    }

    pub fn too_many_takeovers(seconds: u64) -> Self {
        Self::new(503, "Too Many Takeovers").with("Retry-After", seconds.to_string())
    }

    pub fn too_many_changes(seconds: u64) -> Self {
        Self::new(503, "Too Many Changes").with("Retry-After", seconds.to_string())
    }

    pub fn too_many_contacts(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Asterisk => Self::new(403, "Forbidden"),
            _ => Self::new(503, "Service Unavailable")
                .with("P-Registrar-Error", "Too many registered contacts"),
        }
    }

    pub fn unsupported(tags: &[&str]) -> Self {
        Self::new(420, "Bad Extension").with("Unsupported", tags.join(", "))
    }
}

impl Registrar {
    /// Answers `request`. Every answer carries the time, so that clients need not
    /// trust their own clock; answers to REGISTER tell the policy.
    pub(super) fn answer(
        &mut self,
        connection: ConnectionId,
        request: &Message,
        status: u16,
        reason: &str,
        headers: &[(&str, String)],
    ) {
        // RFC 3261 §8.2.6.2: a 100 has no tag of ours.
        let tag = (status > 100 && request.to_tag().is_none()).then(|| self.random.hex::<8>());
        self.answer_tagged(connection, request, status, reason, headers, tag.as_deref());
    }

    pub(super) fn answer_tagged(
        &mut self,
        connection: ConnectionId,
        request: &Message,
        status: u16,
        reason: &str,
        headers: &[(&str, String)],
        to_tag: Option<&str>,
    ) {
        if request.method() == "ACK" {
            return;
        }
        let mut writer = Writer::response(request, status, reason, to_tag);
        for (name, value) in headers {
            writer.header(name, value);
        }
        if request.method() == "REGISTER" {
            let target = request.to().and_then(|to| Target::parse(to.uri));
            let user = target.map(|target| target.user).unwrap_or_default();
            match self.config.policy_of(&user) {
                Policy::Graceful => {
                    writer.header("Supported", "X-cisco-graceful-reg");
                }
                Policy::Duplicate => {
                    writer.header("Supported", "X-cisco-duplicate-reg");
                }
                Policy::Normal => {}
            }
            if self.config.asserts_identity() {
                writer.header("Supported", "X-graceline-asserted-id");
            }
            if self.config.knows_devices() {
                writer.header("Supported", KNOWS_DEVICES);
            }
        }
        writer.header("Server", "Graceline test registrar");
        writer.header("Date", &format_date(self.now.seconds()));
        let answer = writer.finish();
        if self.config.faults.drop_answers > 0 {
            self.config.faults.drop_answers -= 1;
            return;
        }
        self.send_written(connection, answer);
    }

    pub(super) fn refuse(
        &mut self,
        connection: ConnectionId,
        request: &Message,
        refusal: &Refusal,
    ) {
        let Refusal {
            status,
            reason,
            headers,
        } = refusal;
        self.answer(connection, request, *status, reason, headers);
    }
}
