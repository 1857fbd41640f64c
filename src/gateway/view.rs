//! What a session can see, and what comes of its requests by that: an answer, or
//! something to ask the switch.

use super::events::{device_of, far_end, note};
use super::failure::failure;
use super::link::{CallState, CallView, Member, Members, RULES, Remote, fits};
use super::session::Session;
use super::watch::Known;
use crate::csta::{
    CallParty, CallStates, ConnectionId, Failure, Features, ForwardListItem, ForwardingType, Party,
    Request, Response, Snapshot, SnapshotCall, number_of, same_number,
};
use crate::prelude::*;
use crate::text::decimal;

/// What the gateway does by itself.
pub(super) const OWN_FEATURES: [&str; 6] = [
    "RequestSystemStatus",
    "GetCSTAFeatures",
    "MonitorStart",
    "MonitorStop",
    "SnapshotDevice",
    "SnapshotCall",
];

/// Events that clients may hear.
const EVENTS: [&str; 15] = [
    "ServiceInitiatedEvent",
    "OriginatedEvent",
    "DeliveredEvent",
    "EstablishedEvent",
    "HeldEvent",
    "RetrievedEvent",
    "ConnectionClearedEvent",
    "TransferedEvent",
    "ConferencedEvent",
    "DivertedEvent",
    "FailedEvent",
    "ForwardingEvent",
    "DoNotDisturbEvent",
    "OutOfServiceEvent",
    "BackInServiceEvent",
];

/// What comes of a request at once.
pub(super) enum Outcome {
    Answer(Response),
    Ask(&'static str, Members),
}

pub(super) fn cross_ref(of: u32) -> String {
    format!("m{}", decimal(of.into()))
}

/// What a session can see.
pub(super) struct View<'a> {
    pub of: u32,
    pub session: &'a Session,
    pub known: &'a Known,
    pub offered: &'a [String],
}

impl View<'_> {
    /// What comes of a request.
    pub fn serve(&self, request: &Request) -> Result<Outcome, Failure> {
        let own = self.session.own();
        let text = |name, value: &str| (name, Member::Text(value.to_owned()));
        Ok(match request {
            Request::RequestSystemStatus { .. } => return Err(failure("generic")),
            Request::GetCSTAFeatures { .. } => Outcome::Answer(Response::GetCSTAFeatures {
                features: self.features(),
            }),
            Request::MonitorStart { device } => {
                self.own_device(device, "invalidDeviceID")?;
                Outcome::Answer(Response::MonitorStart {
                    cross_ref: cross_ref(self.of),
                })
            }
            Request::MonitorStop { cross_ref } => {
                if self.session.cross_ref.as_ref() != Some(cross_ref) {
                    return Err(failure("invalidMonitorCrossRefID"));
                }
                Outcome::Answer(Response::MonitorStop {})
            }
            Request::SnapshotDevice { device } => {
                self.own_device(device, "invalidDeviceID")?;
                let item = |call: &CallView| SnapshotCall {
                    connection: ConnectionId::new(&call.id, &own),
                    endpoint: Some(far_end(&call.remote)),
                    states: CallStates {
                        own: Some(call.state.own()),
                        other: Some(call.state.other()),
                    },
                    note: note(call),
                };
                Outcome::Answer(Response::SnapshotDevice {
                    calls: Snapshot::Here(self.known.calls.iter().map(item).collect()),
                })
            }
            Request::SnapshotCall { call } => self.snapshot_call(self.call(call)?),
            Request::MakeCall { from, to, .. } => {
                self.own_device(from, "invalidCallingDeviceID")?;
                let to = number(to, "invalidCalledDeviceID")?;
                Outcome::Ask("makeCall", vec![text("to", &to)])
            }
            Request::AnswerCall { call } => self.of_call("answerCall", call)?,
            Request::ClearConnection { call } => self.of_call("clearConnection", call)?,
            Request::HoldCall { call } => self.of_call("holdCall", call)?,
            Request::RetrieveCall { call } => self.of_call("retrieveCall", call)?,
            Request::ConsultationCall { call, to } => {
                let to = number(to, "invalidCalledDeviceID")?;
                self.of_call_to("consultationCall", call, ("to", to))?
            }
            Request::SingleStepTransferCall { active, to } => {
                let to = number(to, "invalidDestination")?;
                self.of_call_to("singleStepTransferCall", active, ("to", to))?
            }
            Request::DeflectCall { call, to } => {
                let to = number(to, "invalidDestination")?;
                self.of_call_to("deflectCall", call, ("to", to))?
            }
            Request::GenerateDigits { call, digits, .. } => {
                self.of_call_to("generateDigits", call, ("digits", digits.clone()))?
            }
            Request::AlternateCall { held, active } => {
                self.of_two("alternateCall", held, active)?
            }
            Request::ReconnectCall { active, held } => {
                self.of_two("reconnectCall", held, active)?
            }
            Request::TransferCall { held, active } => self.of_two("transferCall", held, active)?,
            Request::ConferenceCall { held, active } => {
                self.of_two("conferenceCall", held, active)?
            }
            Request::SetForwarding {
                device,
                kind,
                active,
                to,
                seconds,
                ..
            } => {
                self.own_device(device, "invalidDeviceID")?;
                let kind = ForwardingType::of(kind.as_deref());
                let kind = kind.ok_or_else(|| failure("parameterNotSupported"))?;
                let mut names = RULES.iter();
                let name = names.find(|(_, known)| *known == kind);
                let name = name.map_or("immediate", |(name, _)| name);
                let mut members = vec![text("type", name), ("active", Member::Flag(*active))];
                if let Some(to) = to {
                    members.push(text("to", &number(to, "invalidForwardingDestination")?));
                }
                if let Some(seconds) = seconds {
                    members.push(("seconds", Member::Number(*seconds)));
                }
                Outcome::Ask("setForwarding", members)
            }
            Request::SetDoNotDisturb { device, on } => {
                self.own_device(device, "invalidDeviceID")?;
                Outcome::Ask("setDoNotDisturb", vec![("on", Member::Flag(*on))])
            }
            Request::GetForwarding { .. } => {
                let rules = self.known.device.forwarding.as_ref();
                let rules = rules.ok_or_else(|| failure("serviceNotSupported"))?;
                let item = |rule: &super::link::Rule| ForwardListItem {
                    kind: Some(rule.kind.as_str().to_owned()),
                    active: rule.active,
                    to: rule.to.as_deref().map(device_of),
                    default: None,
                    seconds: rule.seconds,
                    rings: None,
                };
                Outcome::Answer(Response::GetForwarding {
                    rules: rules.iter().map(item).collect(),
                })
            }
            Request::GetDoNotDisturb { .. } => {
                let on = self.known.device.do_not_disturb;
                let on = on.ok_or_else(|| failure("serviceNotSupported"))?;
                Outcome::Answer(Response::GetDoNotDisturb { on })
            }
            Request::GetMessageWaitingIndicator { .. } => {
                let on = self.known.device.message_waiting;
                let on = on.ok_or_else(|| failure("serviceNotSupported"))?;
                Outcome::Answer(Response::GetMessageWaitingIndicator { on })
            }
        })
    }

    fn features(&self) -> Features {
        let device = &self.known.device;
        let told = [
            ("GetForwarding", device.forwarding.is_some()),
            ("GetDoNotDisturb", device.do_not_disturb.is_some()),
            (
                "GetMessageWaitingIndicator",
                device.message_waiting.is_some(),
            ),
        ];
        let told = told.iter().filter(|(_, told)| *told).map(|(name, _)| *name);
        let waiting = device.message_waiting.map(|_| "MessageWaitingEvent");
        let is_service = |name: &&str| {
            let mut services = Request::NAMES.iter();
            services.any(|service| service.eq_ignore_ascii_case(name))
        };
        let offered = self.offered.iter().map(String::as_str).filter(is_service);
        Features::new(
            OWN_FEATURES
                .into_iter()
                .chain(offered)
                .chain(told)
                .chain(EVENTS)
                .chain(waiting),
        )
    }

    fn own_device(&self, device: &str, error: &str) -> Result<(), Failure> {
        let ours = same_number(device, &self.session.asker.text)
            || number_of(device) == self.session.asker.line;
        ours.then_some(()).ok_or_else(|| failure(error))
    }

    fn call(&self, named: &ConnectionId) -> Result<&CallView, Failure> {
        let mut calls = self.known.calls.iter();
        let call = calls.find(|call| call.id == named.call);
        call.ok_or_else(|| failure("invalidConnectionID"))
    }

    fn of_call(&self, service: &'static str, call: &ConnectionId) -> Result<Outcome, Failure> {
        let id = self.call(call)?.id.clone();
        Ok(Outcome::Ask(service, vec![("call", Member::Text(id))]))
    }

    fn of_call_to(
        &self,
        service: &'static str,
        call: &ConnectionId,
        (name, value): (&'static str, String),
    ) -> Result<Outcome, Failure> {
        let call = ("call", Member::Text(self.call(call)?.id.clone()));
        Ok(Outcome::Ask(
            service,
            vec![call, (name, Member::Text(value))],
        ))
    }

    fn of_two(
        &self,
        service: &'static str,
        held: &ConnectionId,
        active: &ConnectionId,
    ) -> Result<Outcome, Failure> {
        let id = |call| Ok(Member::Text(self.call(call)?.id.clone()));
        Ok(Outcome::Ask(
            service,
            vec![("held", id(held)?), ("active", id(active)?)],
        ))
    }

    fn snapshot_call(&self, call: &CallView) -> Outcome {
        let own = self.session.own();
        let member = |device: Party, state| CallParty {
            connection: device
                .device()
                .map(|device| ConnectionId::new(&call.id, device)),
            device,
            state: Some(state),
        };
        let own_party = Party::Device(own.clone());
        let far = far_end(&call.remote);
        let mut parties = vec![member(own_party.clone(), call.state.own())];
        if call.parties.len() > 1 {
            for number in &call.parties {
                parties.push(member(Party::Device(device_of(number)), call.state.other()));
            }
        } else if call.remote != Remote::NotKnown || call.state != CallState::Initiated {
            parties.push(member(far.clone(), call.state.other()));
        }
        let (calling, called) = match call.incoming {
            true => (far, own_party),
            false => (own_party, far),
        };
        Outcome::Answer(Response::SnapshotCall {
            parties: Snapshot::Here(parties),
            calling: Some(calling),
            called: Some(called),
        })
    }
}

/// What the switch is to dial.
fn number(device: &str, error: &str) -> Result<String, Failure> {
    let number = number_of(device);
    match fits(&number) {
        true => Ok(number),
        false => Err(failure(error)),
    }
}
