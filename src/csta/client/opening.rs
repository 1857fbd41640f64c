//! What a new session begins with: features, monitor, calls, settings. What the
//! features omit is not asked for.

use super::Client;
use super::output::Fault;
use super::pending::{Job, Setting};
use super::session::Stage;
use crate::csta::{Code, Failure, Features, Request};
use crate::prelude::*;
use crate::time::{Duration, Instant};

/// The first pause before a monitor is tried again; it doubles.
const PAUSE: Duration = Duration::from_secs(5);
/// After so many doublings it grows no more: 80 s.
const DOUBLINGS: u32 = 4;

impl Client {
    pub(super) fn open(&mut self, now: Instant) {
        self.stage = Stage::Features;
        let request = Request::GetCSTAFeatures {
            line: Some(self.line.clone()),
        };
        self.ask(now, request, Job::Features);
    }

    /// None: the gateway does not say, so that everything may be tried.
    pub(super) fn features_are(&mut self, now: Instant, features: Option<Features>) {
        let features = features.unwrap_or_default();
        self.consults = features.offers("ConsultationCall");
        self.desk.features = features.or_all();
        self.start_monitor(now);
    }

    pub(super) fn start_monitor(&mut self, now: Instant) {
        self.stage = Stage::Monitor { retry_at: None };
        let device = self.line.clone();
        self.ask(now, Request::MonitorStart { device }, Job::Monitor);
    }

    pub(super) fn monitored(&mut self, now: Instant, cross_ref: String) {
        self.refusals = 0;
        self.stage = Stage::Snapshot;
        self.monitor = Some(cross_ref.clone());
        if self.system_up {
            self.recovering();
        }
        self.take_snapshot(now);
        for (named, event) in core::mem::take(&mut self.early) {
            if named == cross_ref {
                self.happened(now, event);
            }
        }
    }

    /// Refused for now, or for good.
    pub(super) fn not_monitored(&mut self, now: Instant, fault: Fault, failure: Option<&Failure>) {
        let passing = failure.is_some_and(|failure| {
            ["resourceBusy", "networkBusy"]
                .iter()
                .any(|busy| failure.is(busy))
                || failure.value.ends_with("LimitExceeded")
        });
        if !passing && !matches!(fault.code, Code::OutOfService | Code::Timeout) {
            return self.refuse(fault);
        }
        self.out_of_service(Some(fault.said));
        self.retry_monitor(now);
    }

    /// The monitor ended, though the session goes on.
    pub(super) fn monitor_is_gone(&mut self, now: Instant) {
        self.monitor = None;
        self.taking = None;
        self.pending
            .retain(|pending| !matches!(pending.job, Job::Snapshot | Job::Parties(..)));
        self.recovering();
        self.retry_monitor(now);
    }

    fn retry_monitor(&mut self, now: Instant) {
        let pause = PAUSE * (1 << self.refusals.min(DOUBLINGS));
        self.refusals = self.refusals.saturating_add(1);
        self.stage = Stage::Monitor {
            retry_at: Some(now + pause),
        };
    }

    /// The calls are known.
    pub(super) fn opened(&mut self, now: Instant) {
        self.stage = Stage::Open;
        if self.system_up && self.desk.state == super::DeskState::RecoveryPending {
            self.in_service();
        }
        for setting in [
            Setting::Forwarding,
            Setting::DoNotDisturb,
            Setting::MessageWaiting,
        ] {
            self.ask_for_setting(now, setting, 0);
        }
    }

    pub(super) fn ask_for_setting(&mut self, now: Instant, setting: Setting, before: u32) {
        let device = self.line.clone();
        let request = match setting {
            Setting::Forwarding => Request::GetForwarding { device },
            Setting::DoNotDisturb => Request::GetDoNotDisturb { device },
            Setting::MessageWaiting => Request::GetMessageWaitingIndicator { device },
        };
        if self.features().offers(request.name()) {
            self.ask(now, request, Job::Setting(setting, before));
        }
    }
}
