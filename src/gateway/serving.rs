//! What clients ask for: answered from what is known, or asked of the switch.

use super::Gateway;
use super::events::{device_of, far_end};
use super::failure::{failure, returned};
use super::link::{Answer, CallState, CallView, Member, Members, RULES, Remote, fits};
use super::nodes::Purpose;
use super::output::Counters;
use super::session::{Session, Stage};
use super::watch::Known;
use crate::csta::{
    CallParty, CallStates, ConnectionId, Content, Document, Failure, Features, ForwardListItem,
    ForwardingType, Party, Request, Response, Snapshot, SnapshotCall, number_of, same_number,
};
use crate::prelude::*;
use crate::text::decimal;
use crate::time::Instant;

/// Services of one session that the switch has not answered; more are refused.
const MOST_ASKED: usize = 16;

/// What the gateway does by itself.
const OWN_FEATURES: [&str; 6] = [
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

/// A service that the switch was asked for: who waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    session: u32,
    number: u32,
    namespace: String,
    own: String,
    name: &'static str,
}

/// What comes of a request at once.
enum Outcome {
    Answer(Response),
    Ask(&'static str, Members),
}

impl Gateway {
    /// An INFO, or a refresh.
    pub(super) fn asked(
        &mut self,
        now: Instant,
        of: u32,
        number: u32,
        content: Option<&(String, String)>,
    ) {
        let read = content.map(|(_, body)| Document::parse(body.as_bytes()));
        let (namespace, request) = match read {
            // A refresh may come without a document.
            None
            | Some(Ok(Document {
                content: Content::Request(Request::RequestSystemStatus { .. }),
                ..
            })) => {
                let status = self.status_of(of);
                return self.answer(now, of, number, status);
            }
            Some(Ok(Document {
                namespace,
                content: Content::Request(request),
            })) => (namespace, request),
            Some(read) => {
                let namespace = read.map_or_else(|_| String::new(), |document| document.namespace);
                let refused = failure("generic");
                return self.answer_with(now, of, number, &namespace, Err(refused));
            }
        };
        self.counters.requests += 1;
        match self.serve(of, &request) {
            Ok(Outcome::Answer(response)) => {
                self.monitors(of, &request);
                self.answer_with(now, of, number, &namespace, Ok(response));
                if let Request::MonitorStart { .. } = request {
                    self.tell_absence(now, of);
                }
            }
            Ok(Outcome::Ask(service, members)) => {
                self.pass_on(now, of, number, namespace, &request, (service, members));
            }
            Err(refused) => {
                let Counters {
                    returned: back,
                    failed,
                    ..
                } = &mut self.counters;
                *failed += 1;
                *back += u64::from(refused == returned());
                self.answer_with(now, of, number, &namespace, Err(refused));
            }
        }
    }

    fn pass_on(
        &mut self,
        now: Instant,
        of: u32,
        number: u32,
        namespace: String,
        request: &Request,
        what: (&'static str, Members),
    ) {
        let Some(session) = self.sessions.get_mut(&of) else {
            return;
        };
        session.asked += 1;
        let service = Service {
            session: of,
            number,
            namespace,
            own: session.own(),
            name: request.name(),
        };
        let (node, at) = (session.node, session.at().cloned());
        self.nodes
            .ask(now, node, Purpose::Service(service), at, what);
    }

    /// The switch has answered, or will not.
    pub(super) fn served(
        &mut self,
        now: Instant,
        service: Service,
        result: Result<Answer, Failure>,
    ) {
        if let Some(session) = self.sessions.get_mut(&service.session) {
            session.asked = session.asked.saturating_sub(1);
        }
        let result = result.map(|answer| response(&service, answer));
        self.counters.failed += u64::from(result.is_err());
        self.answer_with(
            now,
            service.session,
            service.number,
            &service.namespace,
            result,
        );
    }

    fn answer_with(
        &mut self,
        now: Instant,
        of: u32,
        number: u32,
        namespace: &str,
        result: Result<Response, Failure>,
    ) {
        let content = match result {
            Ok(response) => Content::Response(response),
            Err(failure) => Content::Failure(failure),
        };
        let namespace = match namespace {
            "" => crate::csta::ED3,
            namespace => namespace,
        };
        self.answer(now, of, number, Self::content(namespace, content));
    }

    fn answer(&mut self, now: Instant, of: u32, number: u32, content: (String, String)) {
        self.phone
            .with_accepted(now, |accepted| accepted.answer(now, of, number, content));
    }

    /// A monitor begins or ends.
    fn monitors(&mut self, of: u32, request: &Request) {
        if let Some(session) = self.sessions.get_mut(&of) {
            match request {
                Request::MonitorStart { .. } => session.cross_ref = Some(cross_ref(of)),
                Request::MonitorStop { .. } => session.cross_ref = None,
                _ => {}
            }
        }
    }

    fn serve(&mut self, of: u32, request: &Request) -> Result<Outcome, Failure> {
        let session = self.sessions.get(&of).ok_or_else(returned)?;
        let Stage::Open(at) = &session.stage else {
            return Err(returned());
        };
        let (node, at) = (session.node, at.clone());
        let offered = self.nodes.features(node).ok_or_else(returned)?.to_vec();
        let watches = self.nodes.watches(node).ok_or_else(returned)?;
        let known = watches.known(&at).ok_or_else(returned)?;
        let view = View {
            session,
            known,
            offered: &offered,
            of,
        };
        let is_own = OWN_FEATURES.contains(&request.name()) || request.name().starts_with("Get");
        if !is_own {
            if !offered
                .iter()
                .any(|name| name.eq_ignore_ascii_case(request.name()))
            {
                return Err(failure("serviceNotSupported"));
            }
            if !known.device.in_service {
                return Err(failure("deviceOutOfService"));
            }
            if session.asked >= MOST_ASKED {
                return Err(failure("outstandingReqLimitExceeded"));
            }
        }
        view.serve(request)
    }
}

fn cross_ref(of: u32) -> String {
    format!("m{}", decimal(of.into()))
}

/// What a session can see.
struct View<'a> {
    of: u32,
    session: &'a Session,
    known: &'a Known,
    offered: &'a [String],
}

impl View<'_> {
    fn serve(&self, request: &Request) -> Result<Outcome, Failure> {
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

/// The document that answers a service that the switch has done.
fn response(service: &Service, answer: Answer) -> Response {
    let call = answer.call.filter(|call| fits(call));
    let call = call.map(|call| ConnectionId::new(&call, &service.own));
    match service.name {
        "MakeCall" => Response::MakeCall { call },
        "AnswerCall" => Response::AnswerCall {},
        "ClearConnection" => Response::ClearConnection {},
        "HoldCall" => Response::HoldCall {},
        "RetrieveCall" => Response::RetrieveCall {},
        "ConsultationCall" => Response::ConsultationCall { call },
        "AlternateCall" => Response::AlternateCall {},
        "ReconnectCall" => Response::ReconnectCall {},
        "TransferCall" => Response::TransferCall {
            call,
            connections: None,
        },
        "SingleStepTransferCall" => Response::SingleStepTransferCall {
            call,
            connections: None,
        },
        "ConferenceCall" => Response::ConferenceCall {
            call,
            connections: None,
        },
        "DeflectCall" => Response::DeflectCall {},
        "GenerateDigits" => Response::GenerateDigits {},
        "SetForwarding" => Response::SetForwarding {},
        _ => Response::SetDoNotDisturb {},
    }
}
