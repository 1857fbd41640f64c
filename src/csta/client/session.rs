//! The session: up, lost, up again, and how the switch behind it is.
//!
//! ```text
//!  Away ──session──► Features ──► Monitor ──► Snapshot ──► Open
//!   ▲ │                             │ ▲ refused for now      │
//!   │ └─not normal──► Waiting       └─┘                      │
//!   └──────────────────── lost ──────────────────────────────┘
//! ```

use super::Client;
use super::output::{Fault, Output};
use crate::csta::{Code, Content, Document, Response, SystemStatus};
use crate::prelude::*;
use crate::time::{Duration, Instant};

/// How long a switch may take to become normal before another session is tried.
const BECOMING_NORMAL: Duration = Duration::from_secs(30);

/// How far the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none.
    Away,
    /// The switch is not normal yet.
    Waiting { until: Instant },
    /// Asked for the features.
    Features,
    /// Asked for the monitor, or about to.
    Monitor { retry_at: Option<Instant> },
    /// Asked for the calls.
    Snapshot,
    /// All is known, and told.
    Open,
}

impl Stage {
    pub(super) fn due(self) -> Option<Instant> {
        match self {
            Stage::Waiting { until } => Some(until),
            Stage::Monitor { retry_at } => retry_at,
            _ => None,
        }
    }
}

impl Client {
    /// A session is up; `answer` is the body that the gateway accepted it with.
    pub fn handle_session(&mut self, now: Instant, answer: &[u8]) {
        if !matches!(self.stage, Stage::Away) {
            self.lose();
        }
        self.desk.reason = None;
        self.system_up = true;
        match opened(answer) {
            Ok((status, device)) => {
                self.choose(device);
                if status == SystemStatus::Normal {
                    self.open(now);
                } else {
                    self.stage = Stage::Waiting {
                        until: now + BECOMING_NORMAL,
                    };
                    self.out_of_service(Some(status.as_str().to_owned()));
                }
            }
            Err(fault) if fault.code == Code::OutOfService => {
                self.stage = Stage::Waiting {
                    until: now + BECOMING_NORMAL,
                };
                self.out_of_service(Some(fault.said));
            }
            Err(fault) => self.refuse(fault),
        }
        self.publish();
    }

    /// The session was refreshed; its answer says how the switch is.
    pub fn handle_refreshed(&mut self, now: Instant, answer: &[u8]) {
        if let Ok((status, _)) = opened(answer) {
            self.system_is(now, status);
            self.publish();
        }
    }

    /// The session is lost: its flow, by a BYE, by an answer that ends it.
    pub fn handle_lost(&mut self, _now: Instant) {
        self.lose();
        self.publish();
    }

    /// Monitors and names of connections are void without a session. The calls
    /// may well go on: they are kept until the next one tells.
    pub(super) fn lose(&mut self) {
        self.monitor = None;
        self.leave();
        self.settle_all(&Fault::new(
            Code::OutOfService,
            "the connection to the gateway is lost",
        ));
        self.recovering();
    }

    /// Forgets what belongs to the session alone.
    pub(super) fn leave(&mut self) {
        self.stage = Stage::Away;
        self.refusals = 0;
        self.early = Vec::new();
        self.overtaking = Vec::new();
        self.taking = None;
        self.desk.monitored = false;
    }

    pub(super) fn reopen(&mut self) {
        self.lose();
        self.outputs.push(Output::Reopen);
    }

    pub(super) fn refuse(&mut self, fault: Fault) {
        self.lose();
        self.outputs.push(Output::Refused(fault));
    }

    /// Can the app's commands be sent?
    pub(super) fn is_usable(&self) -> bool {
        matches!(self.stage, Stage::Open)
            && self.system_up
            && self.desk.state == super::DeskState::InService
    }

    /// The switch says how it is.
    pub(super) fn system_is(&mut self, now: Instant, status: SystemStatus) {
        match status {
            SystemStatus::Normal if matches!(self.stage, Stage::Waiting { .. }) => self.reopen(),
            SystemStatus::Normal if !self.system_up => {
                // The monitor may have survived, or a new session is due.
                if self.monitor.is_none() {
                    return self.reopen();
                }
                self.system_up = true;
                self.in_service();
                self.take_snapshot(now);
            }
            SystemStatus::MessagesLost if matches!(self.stage, Stage::Open) => {
                self.take_snapshot(now);
            }
            SystemStatus::Disabled | SystemStatus::Initializing => {
                self.system_up = false;
                self.out_of_service(Some(status.as_str().to_owned()));
            }
            _ => {}
        }
    }

    pub(super) fn stage_is_due(&mut self, now: Instant) {
        if self.stage.due().is_none_or(|due| due > now) {
            return;
        }
        match self.stage {
            Stage::Waiting { .. } => self.reopen(),
            Stage::Monitor { .. } => self.start_monitor(now),
            _ => {}
        }
    }
}

/// What a session was accepted with. Nothing said is nothing wrong.
fn opened(answer: &[u8]) -> Result<(SystemStatus, Option<String>), Fault> {
    if answer.trim_ascii().is_empty() {
        return Ok((SystemStatus::Normal, None));
    }
    match Document::parse(answer).map(|document| document.content) {
        Ok(Content::Response(Response::RequestSystemStatus { status, device })) => {
            Ok((status, device))
        }
        Ok(Content::Failure(failure)) => Err(Fault::of(&failure)),
        Ok(_) => Err(Fault::new(Code::ServerRejected, "no status of the system")),
        Err(error) => Err(Fault::new(Code::ServerRejected, &error.to_string())),
    }
}
