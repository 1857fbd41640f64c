//! What clients ask for: answered from what is known, or asked of the switch.

use super::Gateway;
use super::failure::{failure, returned};
use super::link::{Answer, Members, fits};
use super::nodes::Purpose;
use super::output::Counters;
use super::session::Stage;
use super::view::{OWN_FEATURES, Outcome, View, cross_ref};
use crate::csta::{ConnectionId, Content, Document, Failure, Request, Response};
use crate::prelude::*;
use crate::time::Instant;

/// Services of one session that the switch has not answered; more are refused.
const MOST_ASKED: usize = 16;

/// A service that the switch was asked for: who waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    session: u32,
    number: u32,
    namespace: String,
    own: String,
    name: &'static str,
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
