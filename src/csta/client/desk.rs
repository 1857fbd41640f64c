//! What is known of the desk phone itself.

use super::Client;
use super::pending::{Job, MOST_ASKED, Pending, Setting};
use super::verbs::Wanted;
use crate::csta::device::is_number;
use crate::csta::{
    DeviceEvent, Features, ForwardListItem, ForwardingType, Party, other_appearance, same_number,
};
use crate::prelude::*;
use crate::time::Instant;

/// The desk phone, as far as the gateway tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desk {
    /// Whether it can be used.
    pub state: DeskState,
    /// Why it is in this state, if that was told.
    pub reason: Option<String>,
    /// What happens at it is told, and the switch takes requests.
    pub monitored: bool,
    /// The device of the line that the gateway chose, if it says so.
    pub device: Option<String>,
    /// Services and events on offer.
    pub features: Features,
    /// Whether it rings for nobody. `None`: not told.
    pub do_not_disturb: Option<bool>,
    /// Whether messages wait. `None`: not told.
    pub message_waiting: Option<bool>,
    /// Where calls are forwarded to. `None`: not told.
    pub forwarding: Option<Vec<Forwarding>>,
}

/// Whether the desk phone can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeskState {
    /// It can.
    InService,
    /// It, or the switch, is out of service.
    OutOfService,
    /// There is no session, or not yet all of it.
    #[default]
    RecoveryPending,
}

impl DeskState {
    /// The state's name in the JavaScript API.
    pub fn as_str(self) -> &'static str {
        match self {
            DeskState::InService => "eInService",
            DeskState::OutOfService => "eOutOfService",
            DeskState::RecoveryPending => "eRecoveryPending",
        }
    }
}

/// One rule of forwarding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// When it applies.
    pub kind: ForwardingType,
    /// Whether it is in force.
    pub active: bool,
    /// Where to.
    pub to: Option<String>,
    /// After so many seconds.
    pub seconds: Option<u32>,
}

impl Forwarding {
    pub(super) fn of(item: ForwardListItem) -> Option<Self> {
        Some(Self {
            kind: ForwardingType::of(item.kind.as_deref())?,
            active: item.active,
            to: item.to,
            seconds: item.seconds,
        })
    }
}

impl Client {
    pub(super) fn device_event(&mut self, now: Instant, event: DeviceEvent) {
        match event {
            DeviceEvent::DigitsGenerated { .. } => {}
            DeviceEvent::Forwarding {
                kind,
                active,
                to,
                seconds,
                ..
            } => {
                self.setting_is_told(now, Setting::Forwarding);
                if let Some(kind) = ForwardingType::of(kind.as_deref()) {
                    self.forwarding_is(Forwarding {
                        kind,
                        active,
                        to,
                        seconds,
                    });
                }
            }
            DeviceEvent::DoNotDisturb { on, .. } => {
                self.setting_is_told(now, Setting::DoNotDisturb);
                self.desk.do_not_disturb = Some(on);
            }
            DeviceEvent::MessageWaiting { on, .. } => {
                self.setting_is_told(now, Setting::MessageWaiting);
                self.desk.message_waiting = Some(on);
            }
            DeviceEvent::OutOfService { device, cause } => {
                if self.is_about_us(device.as_ref()) {
                    self.out_of_service(cause);
                }
            }
            DeviceEvent::BackInService { device, .. } => {
                if self.is_about_us(device.as_ref()) && self.system_up {
                    self.in_service();
                    self.take_snapshot(now);
                }
            }
        }
    }

    /// What is asked meanwhile may be answered with what was before.
    fn setting_is_told(&mut self, now: Instant, setting: Setting) {
        let asks = |pending: &Pending| matches!(pending.job, Job::Setting(it, _) if it == setting);
        if let Some(at) = self.pending.iter().position(asks)
            && let Job::Setting(_, before) = self.pending.remove(at).job
            && before < MOST_ASKED
        {
            self.ask_for_setting(now, setting, before + 1);
        }
        for pending in &mut self.pending {
            if let Job::Command(_, wanted) = &mut pending.job
                && wanted.sets() == Some(setting)
            {
                *wanted = Wanted::Nothing;
            }
        }
    }

    pub(super) fn forwarding_is(&mut self, rule: Forwarding) {
        let rules = self.desk.forwarding.get_or_insert_default();
        match rules.iter_mut().find(|known| known.kind == rule.kind) {
            Some(known) => *known = rule,
            None => rules.push(rule),
        }
    }

    /// Another device of the line may be gone, or back, without any matter to us.
    fn is_about_us(&self, device: Option<&Party>) -> bool {
        let device = device.and_then(Party::device);
        device.is_none_or(|device| {
            let other_line = is_number(device) && !same_number(&self.own, device);
            !other_line && !other_appearance(&self.own, device)
        })
    }

    pub(super) fn out_of_service(&mut self, reason: Option<String>) {
        self.desk.state = DeskState::OutOfService;
        self.desk.reason = reason.filter(|reason| !reason.is_empty());
    }

    pub(super) fn in_service(&mut self) {
        self.desk.state = DeskState::InService;
        self.desk.reason = None;
    }

    pub(super) fn recovering(&mut self) {
        self.desk.state = DeskState::RecoveryPending;
        self.desk.reason = None;
    }
}
