//! A switch with one desk phone, as its gateway speaks CSTA: scripted far ends,
//! and hands at the phone.

use crate::notation::LINE;
use graceline::csta::{
    CallEvent, CallEventKind as Kind, CallParty, CallStates, ConnectionId, ConnectionList,
    ConnectionListItem, ConnectionState as State, Content, DeviceEvent, Document, Event, Failure,
    Features, ForwardListItem, Notice, Party, Request, Response, Snapshot, SnapshotCall,
    SystemStatus,
};

/// A shorter name of the line than it was given, as some gateways answer.
pub const OWN: &str = "tel:5101";

#[derive(Clone, Debug)]
pub struct Line {
    pub id: String,
    pub far: Vec<String>,
    pub own: State,
    pub there: State,
    pub incoming: bool,
}

pub struct Switch {
    pub calls: Vec<Line>,
    /// None: it does not say.
    pub features: Option<Features>,
    pub cross_ref: String,
    pub node_is_up: bool,
    pub do_not_disturb: bool,
    pub forwarding: Vec<ForwardListItem>,
    /// Events that were not sent yet.
    pub events: Vec<String>,
    count: u32,
    monitors: u32,
}

fn party(device: &str) -> Option<Party> {
    Some(Party::Device(device.to_owned()))
}

pub fn write(content: Content) -> String {
    Document::new(content).to_xml()
}

pub fn failure(category: &str, value: &str) -> String {
    write(Content::Failure(Failure::new(category, value)))
}

pub fn system_is(status: SystemStatus) -> String {
    write(Content::Notice(Notice::SystemStatus {
        register: None,
        status,
    }))
}

impl Switch {
    pub fn new() -> Self {
        Self {
            calls: Vec::new(),
            features: None,
            cross_ref: String::new(),
            node_is_up: true,
            do_not_disturb: false,
            forwarding: Vec::new(),
            events: Vec::new(),
            count: 0,
            monitors: 0,
        }
    }

    pub fn greeting(&self) -> String {
        let status = if self.node_is_up {
            SystemStatus::Normal
        } else {
            SystemStatus::Disabled
        };
        write(Content::Response(Response::RequestSystemStatus {
            status,
            device: None,
        }))
    }

    fn tell(&mut self, event: Event) {
        // Nobody is told without a monitor.
        if !self.cross_ref.is_empty() {
            let cross_ref = self.cross_ref.clone();
            self.events.push(write(Content::Event { cross_ref, event }));
        }
    }

    pub fn tell_device(&mut self, event: DeviceEvent) {
        self.tell(Event::Device(event));
    }

    /// An event of our own connection, done by us.
    fn tell_own(&mut self, kind: Kind, id: &str, local: State, cause: &str) {
        self.tell_call(kind, id, OWN, local, cause);
    }

    fn tell_call(&mut self, kind: Kind, id: &str, by: &str, local: State, cause: &str) {
        let line = self.calls.iter().find(|line| line.id == id).cloned();
        let mut event = CallEvent::new(kind);
        event.connection = Some(ConnectionId::new(id, OWN));
        event.by = party(by);
        event.local = Some(local);
        event.cause = cause.to_owned();
        if let Some(line) = line
            && matches!(
                kind,
                Kind::Originated | Kind::Delivered | Kind::Established | Kind::Failed
            )
        {
            let far = line.far.first().map_or("", String::as_str);
            let (calling, called) = if line.incoming {
                (far, OWN)
            } else {
                (OWN, far)
            };
            event.calling = party(calling);
            event.called = party(called);
            if kind == Kind::Originated {
                event.by = None;
            }
            if kind == Kind::Delivered && !line.incoming {
                // As the standard has it: of the far device.
                event.connection = Some(ConnectionId::new(id, far));
            }
        }
        self.tell(Event::Call(event));
    }

    fn line(&mut self, id: &str) -> &mut Line {
        let mut lines = self.calls.iter_mut();
        lines
            .find(|line| line.id == id)
            .expect("a call of this name")
    }

    fn place(&mut self, far: &str, own: State, there: State, incoming: bool) -> String {
        self.count += 1;
        let id = format!("k{}|x", self.count);
        self.calls.push(Line {
            id: id.clone(),
            far: vec![far.to_owned()],
            own,
            there,
            incoming,
        });
        id
    }

    // Far ends and hands.

    pub fn rings(&mut self, far: &str) -> String {
        let id = self.place(far, State::Alerting, State::Connected, true);
        self.tell_own(Kind::Delivered, &id, State::Alerting, "newCall");
        id
    }

    pub fn far_answers(&mut self, id: &str) {
        let line = self.line(id);
        line.there = State::Connected;
        let (far, own) = (line.far[0].clone(), line.own);
        self.tell_call(Kind::Established, id, &far, own, "normal");
    }

    pub fn far_clears(&mut self, id: &str, cause: &str) {
        let far = self.line(id).far[0].clone();
        self.tell_call(Kind::ConnectionCleared, id, &far, State::Null, cause);
        self.calls.retain(|line| line.id != id);
    }

    /// Who is at the far end sends us on to somebody else.
    pub fn far_transfers(&mut self, id: &str, to: &str) -> String {
        self.count += 1;
        let new = format!("k{}|x", self.count);
        let line = self.line(id);
        let far = std::mem::replace(&mut line.far, vec![to.to_owned()]);
        let own = line.own;
        line.id = new.clone();
        let mut event = CallEvent::new(Kind::Transfered);
        event.connection = Some(ConnectionId::new(id, OWN));
        event.by = party(&far[0]);
        event.to = party(to);
        event.local = Some(own);
        event.cause = "transfer".to_owned();
        event.connections = Some(self.list(&new, &[OWN, to]));
        self.tell(Event::Call(event));
        new
    }

    pub fn lifts_and_dials(&mut self, to: &str) -> String {
        let id = self.place(to, State::Initiated, State::Null, false);
        self.dials(&id);
        id
    }

    pub fn hands_answer(&mut self, id: &str) {
        self.line(id).own = State::Connected;
        self.tell_own(Kind::Established, id, State::Connected, "normal");
    }

    pub fn hands_hold(&mut self, id: &str) {
        self.line(id).own = State::Hold;
        self.tell_own(Kind::Held, id, State::Hold, "keyOperation");
    }

    pub fn hands_retrieve(&mut self, id: &str) {
        self.line(id).own = State::Connected;
        self.tell_own(Kind::Retrieved, id, State::Connected, "keyOperation");
    }

    pub fn hands_clear(&mut self, id: &str) {
        self.tell_own(Kind::ConnectionCleared, id, State::Null, "normalClearing");
        self.calls.retain(|line| line.id != id);
    }

    /// The switch starts anew: the calls go on under other names.
    pub fn renames(&mut self) {
        for line in &mut self.calls {
            self.count += 1;
            line.id = format!("n{}|x", self.count);
        }
    }

    fn dials(&mut self, id: &str) {
        self.tell_own(Kind::ServiceInitiated, id, State::Initiated, "makeCall");
        let line = self.line(id);
        line.own = State::Connected;
        let far = line.far[0].clone();
        self.tell_own(Kind::Originated, id, State::Connected, "newCall");
        if far.contains("486") {
            self.tell_call(Kind::Failed, id, &far, State::Fail, "busy");
            self.tell_own(Kind::ConnectionCleared, id, State::Null, "normalClearing");
            self.calls.retain(|line| line.id != id);
        } else {
            self.line(id).there = State::Alerting;
            self.tell_call(Kind::Delivered, id, &far, State::Connected, "newCall");
        }
    }

    fn list(&self, call: &str, devices: &[&str]) -> ConnectionList {
        let item = |device: &&str| ConnectionListItem {
            new: Some(ConnectionId::new(call, device)),
            old: None,
            endpoint: party(device),
        };
        ConnectionList {
            items: devices.iter().map(item).collect(),
        }
    }

    // Services.

    /// The body of the answer to a document. What it causes is among the events.
    pub fn answers(&mut self, document: &str) -> String {
        let Ok(Document {
            content: Content::Request(request),
            ..
        }) = Document::parse(document.as_bytes())
        else {
            panic!("no request: {document}");
        };
        match self.serves(request) {
            Ok(response) => write(Content::Response(response)),
            Err((category, value)) => failure(category, value),
        }
    }

    fn own(
        &mut self,
        call: &ConnectionId,
        needs: &[State],
    ) -> Result<String, (&'static str, &'static str)> {
        if !self.node_is_up {
            return Err(("systemResourceAvailability", "networkOutOfService"));
        }
        assert!(call.device == OWN || call.device == LINE, "{call:?}");
        let line = self.calls.iter().find(|line| line.id == call.call);
        let Some(line) = line else {
            return Err(("operation", "invalidConnectionID"));
        };
        if !needs.is_empty() && !needs.contains(&line.own) {
            return Err(("stateIncompatibility", "invalidConnectionState"));
        }
        Ok(line.id.clone())
    }

    fn pair(
        &mut self,
        held: &ConnectionId,
        active: &ConnectionId,
    ) -> Result<(String, String), (&'static str, &'static str)> {
        Ok((
            self.own(held, &[State::Hold])?,
            self.own(active, &[State::Connected])?,
        ))
    }

    fn serves(&mut self, request: Request) -> Result<Response, (&'static str, &'static str)> {
        let is_offered = |features: &Features| features.offers(request.name());
        let always = ["MonitorStart", "MonitorStop", "GetCSTAFeatures"].contains(&request.name());
        if !always && !self.features.as_ref().is_none_or(is_offered) {
            return Err(("operation", "serviceNotSupported"));
        }
        Ok(match request {
            Request::RequestSystemStatus { .. } => panic!("it opens a session"),
            Request::GetCSTAFeatures { line } => {
                assert_eq!(line.as_deref(), Some(LINE));
                Response::GetCSTAFeatures {
                    features: self.features.clone().unwrap_or_default(),
                }
            }
            Request::MonitorStart { device } => {
                assert_eq!(device, LINE);
                self.monitors += 1;
                self.cross_ref = format!("m{}", self.monitors);
                Response::MonitorStart {
                    cross_ref: self.cross_ref.clone(),
                }
            }
            Request::MonitorStop { .. } => {
                self.cross_ref.clear();
                Response::MonitorStop {}
            }
            Request::SnapshotDevice { .. } => {
                let item = |line: &Line| SnapshotCall {
                    connection: ConnectionId::new(&line.id, OWN),
                    endpoint: None,
                    states: CallStates {
                        own: Some(line.own),
                        other: Some(line.there),
                    },
                    note: None,
                };
                Response::SnapshotDevice {
                    calls: Snapshot::Here(self.calls.iter().map(item).collect()),
                }
            }
            Request::SnapshotCall { call } => {
                let id = self.own(&call, &[])?;
                let line = self.line(&id).clone();
                let member = |device: &str, state| CallParty {
                    device: Party::Device(device.to_owned()),
                    connection: Some(ConnectionId::new(&id, device)),
                    state: Some(state),
                };
                let mut parties = vec![member(OWN, line.own)];
                parties.extend(line.far.iter().map(|far| member(far, line.there)));
                let far = party(&line.far[0]);
                let (calling, called) = if line.incoming {
                    (far, party(OWN))
                } else {
                    (party(OWN), far)
                };
                Response::SnapshotCall {
                    parties: Snapshot::Here(parties),
                    calling,
                    called,
                }
            }
            Request::MakeCall { from, to, .. } => {
                assert_eq!(from, LINE);
                if !self.node_is_up {
                    return Err(("systemResourceAvailability", "networkOutOfService"));
                }
                if to.contains("404") {
                    return Err(("operation", "invalidCalledDeviceID"));
                }
                let id = self.place(&to, State::Initiated, State::Null, false);
                self.dials(&id);
                Response::MakeCall {
                    call: Some(ConnectionId::new(&id, OWN)),
                }
            }
            Request::AnswerCall { call } => {
                let id = self.own(&call, &[State::Alerting])?;
                self.hands_answer(&id);
                Response::AnswerCall {}
            }
            Request::ClearConnection { call } => {
                let id = self.own(&call, &[])?;
                self.hands_clear(&id);
                Response::ClearConnection {}
            }
            Request::HoldCall { call } => {
                let id = self.own(&call, &[State::Connected])?;
                self.hands_hold(&id);
                Response::HoldCall {}
            }
            Request::RetrieveCall { call } => {
                let id = self.own(&call, &[State::Hold])?;
                self.hands_retrieve(&id);
                Response::RetrieveCall {}
            }
            Request::ConsultationCall { call, to } => {
                let id = self.own(&call, &[State::Connected])?;
                self.line(&id).own = State::Hold;
                self.tell_own(Kind::Held, &id, State::Hold, "consultation");
                let new = self.place(&to, State::Initiated, State::Null, false);
                self.dials(&new);
                Response::ConsultationCall {
                    call: Some(ConnectionId::new(&new, OWN)),
                }
            }
            Request::AlternateCall { held, active } => {
                let (held, active) = self.pair(&held, &active)?;
                self.line(&active).own = State::Hold;
                self.tell_own(Kind::Held, &active, State::Hold, "alternate");
                self.line(&held).own = State::Connected;
                self.tell_own(Kind::Retrieved, &held, State::Connected, "alternate");
                Response::AlternateCall {}
            }
            Request::ReconnectCall { active, held } => {
                let (held, active) = self.pair(&held, &active)?;
                self.hands_clear(&active);
                self.hands_retrieve(&held);
                Response::ReconnectCall {}
            }
            Request::TransferCall { held, active } => {
                let (held, active) = self.pair(&held, &active)?;
                self.leaves(&held, Some(&active), "transfer");
                Response::TransferCall {
                    call: None,
                    connections: None,
                }
            }
            Request::SingleStepTransferCall { active, .. } => {
                let id = self.own(&active, &[State::Connected])?;
                self.leaves(&id, None, "singleStepTransfer");
                Response::SingleStepTransferCall {
                    call: None,
                    connections: None,
                }
            }
            Request::ConferenceCall { held, active } => {
                let (held, active) = self.pair(&held, &active)?;
                let joined = [&held, &active]
                    .map(|id| self.line(id).far.clone())
                    .concat();
                self.calls
                    .retain(|line| line.id != held && line.id != active);
                let new = self.place(&joined[0], State::Connected, State::Connected, false);
                self.line(&new).far = joined.clone();
                let mut event = CallEvent::new(Kind::Conferenced);
                event.connection = Some(ConnectionId::new(&held, OWN));
                event.secondary = Some(ConnectionId::new(&active, OWN));
                event.by = party(OWN);
                event.to = party(&joined[1]);
                event.local = Some(State::Connected);
                event.cause = "conference".to_owned();
                let mut devices = vec![OWN];
                devices.extend(joined.iter().map(String::as_str));
                event.connections = Some(self.list(&new, &devices));
                self.tell(Event::Call(event));
                Response::ConferenceCall {
                    call: Some(ConnectionId::new(&new, OWN)),
                    connections: None,
                }
            }
            Request::DeflectCall { call, to } => {
                let id = self.own(&call, &[State::Alerting])?;
                let mut event = CallEvent::new(Kind::Diverted);
                event.connection = Some(call);
                event.by = party(OWN);
                event.to = party(&to);
                event.local = Some(State::Null);
                event.cause = "redirected".to_owned();
                self.tell(Event::Call(event));
                self.calls.retain(|line| line.id != id);
                Response::DeflectCall {}
            }
            Request::GenerateDigits { call, .. } => {
                self.own(&call, &[State::Connected])?;
                Response::GenerateDigits {}
            }
            Request::SetForwarding {
                kind,
                active,
                to,
                seconds,
                ..
            } => {
                self.tell_device(DeviceEvent::Forwarding {
                    device: party(OWN),
                    kind,
                    active,
                    to,
                    default: None,
                    rings: None,
                    seconds,
                });
                Response::SetForwarding {}
            }
            Request::GetForwarding { .. } => Response::GetForwarding {
                rules: self.forwarding.clone(),
            },
            Request::SetDoNotDisturb { on, .. } => {
                self.do_not_disturb = on;
                self.tell_device(DeviceEvent::DoNotDisturb {
                    device: party(OWN),
                    on,
                });
                Response::SetDoNotDisturb {}
            }
            Request::GetDoNotDisturb { .. } => Response::GetDoNotDisturb {
                on: self.do_not_disturb,
            },
            Request::GetMessageWaitingIndicator { .. } => {
                Response::GetMessageWaitingIndicator { on: false }
            }
        })
    }

    fn leaves(&mut self, first: &str, second: Option<&str>, cause: &str) {
        let mut event = CallEvent::new(Kind::Transfered);
        event.connection = Some(ConnectionId::new(first, OWN));
        event.secondary = second.map(|second| ConnectionId::new(second, OWN));
        event.by = party(OWN);
        event.local = Some(State::Null);
        event.cause = cause.to_owned();
        // Some send one item, and nothing in it.
        event.connections = Some(ConnectionList {
            items: vec![ConnectionListItem::default()],
        });
        self.tell(Event::Call(event));
        let left = |line: &Line| line.id == first || Some(line.id.as_str()) == second;
        self.calls.retain(|line| !left(line));
    }
}
