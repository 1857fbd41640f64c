//! What clients ask for: answered from what is known, or asked of the switch.

use crate::rig::{Manner, Rig, at, view};
use graceline::csta::{
    ConnectionId, Content, DeviceEvent, Document, Event, Failure, ForwardingType, Request,
    Response, Snapshot,
};
use graceline::gateway::{CallState, CallView, DeviceView, LinkMessage, Rule};
use graceline_kit::message::Peer;

/// A client that monitors 2001, where there are two calls.
fn two_calls() -> (Rig, Peer) {
    let mut rig = Rig::new();
    for (id, state) in [("h", CallState::Held), ("a", CallState::Connected)] {
        rig.nodes[0].calls.push(CallView {
            incoming: id == "h",
            ..view(id, state)
        });
    }
    let peer = rig.monitored("2001");
    rig.asked(0);
    (rig, peer)
}

/// Between INVITE and monitor nobody is told anything.
#[test]
fn a_phone_that_has_gone_before_it_is_monitored_is_told_of() {
    let mut rig = Rig::new();
    let mut peer = rig.open("2001");
    let gone = DeviceView::default();
    rig.says(0, LinkMessage::Device(at("2001", "SEP01"), gone));
    rig.silence();
    let device = "tel:2001".to_owned();
    let answer = rig.service(&mut peer, Request::MonitorStart { device });
    assert!(matches!(
        answer,
        Content::Response(Response::MonitorStart { .. })
    ));
    assert!(matches!(
        rig.told().as_slice(),
        [Content::Event {
            event: Event::Device(DeviceEvent::OutOfService { .. }),
            ..
        }]
    ));
}

fn call(id: &str) -> ConnectionId {
    ConnectionId::new(id, "tel:2001")
}

fn failure(answer: Content) -> Failure {
    match answer {
        Content::Failure(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// Category and value of a refusal.
fn refused(answer: Content) -> (String, String) {
    let failure = failure(answer);
    (failure.category, failure.value)
}

fn pair(category: &str, value: &str) -> (String, String) {
    (category.to_owned(), value.to_owned())
}

fn make(to: &str) -> Request {
    Request::MakeCall {
        from: "tel:2001;phone-context=dialstring".to_owned(),
        to: to.to_owned(),
        originate: Some("doNotPrompt".to_owned()),
    }
}

#[test]
fn each_service_is_asked_of_the_switch_and_answered_by_its_name() {
    let (mut rig, mut peer) = two_calls();
    let own = "tel:2001".to_owned();
    let cases = [
        (make("tel:+39-06(1)"), "makeCall to=+39061"),
        (make("sip:ana@example.com"), "makeCall to=ana"),
        (Request::AnswerCall { call: call("a") }, "answerCall call=a"),
        (
            Request::ClearConnection { call: call("a") },
            "clearConnection call=a",
        ),
        (Request::HoldCall { call: call("a") }, "holdCall call=a"),
        (
            Request::RetrieveCall { call: call("h") },
            "retrieveCall call=h",
        ),
        (
            Request::ConsultationCall {
                call: call("a"),
                to: "tel:2002".to_owned(),
            },
            "consultationCall call=a to=2002",
        ),
        (
            Request::AlternateCall {
                held: call("h"),
                active: call("a"),
            },
            "alternateCall held=h active=a",
        ),
        (
            Request::ReconnectCall {
                held: call("h"),
                active: call("a"),
            },
            "reconnectCall held=h active=a",
        ),
        (
            Request::TransferCall {
                held: call("h"),
                active: call("a"),
            },
            "transferCall held=h active=a",
        ),
        (
            Request::ConferenceCall {
                held: call("h"),
                active: call("a"),
            },
            "conferenceCall held=h active=a",
        ),
        (
            Request::SingleStepTransferCall {
                active: call("a"),
                to: "2002".to_owned(),
            },
            "singleStepTransferCall call=a to=2002",
        ),
        (
            Request::DeflectCall {
                call: call("a"),
                to: "tel:2002".to_owned(),
            },
            "deflectCall call=a to=2002",
        ),
        (
            Request::GenerateDigits {
                call: call("a"),
                mode: None,
                digits: "12#".to_owned(),
            },
            "generateDigits call=a digits=12#",
        ),
        (
            Request::SetForwarding {
                device: own.clone(),
                kind: Some("forwardNoAnsInt".to_owned()),
                active: true,
                to: Some("tel:2002".to_owned()),
                rings: None,
                seconds: Some(20),
            },
            "setForwarding type=noAnswer active=true to=2002 seconds=20",
        ),
        (
            Request::SetForwarding {
                device: own.clone(),
                kind: None,
                active: false,
                to: None,
                rings: None,
                seconds: None,
            },
            "setForwarding type=immediate active=false",
        ),
        (
            Request::SetDoNotDisturb {
                device: own,
                on: true,
            },
            "setDoNotDisturb on=true",
        ),
    ];
    for (request, asked) in cases {
        let name = request.name();
        let answer = rig.service(&mut peer, request);
        let Content::Response(response) = &answer else {
            panic!("{name}: {answer:?}");
        };
        assert_eq!(response.name(), format!("{name}Response"));
        assert_eq!(rig.asked(0), [asked], "{name}");
        let made = match response {
            Response::MakeCall { call }
            | Response::ConsultationCall { call }
            | Response::ConferenceCall { call, .. } => call.clone(),
            _ => continue,
        };
        let made = made.expect("a call");
        assert!(made.call.starts_with("made"), "{made:?}");
        assert_eq!(made.device, "tel:2001");
    }
}

#[test]
fn the_snapshots_are_of_what_the_switch_told() {
    let (mut rig, mut peer) = two_calls();
    let answer = rig.service(&mut peer, Request::SnapshotCall { call: call("h") });
    let Content::Response(Response::SnapshotCall {
        parties: Snapshot::Here(parties),
        calling,
        called,
    }) = answer
    else {
        panic!("{answer:?}");
    };
    let device = |party: Option<&graceline::csta::Party>| {
        party
            .and_then(|party| party.device())
            .unwrap_or_default()
            .to_owned()
    };
    let list: Vec<String> = parties
        .iter()
        .map(|one| device(Some(&one.device)))
        .collect();
    assert_eq!(list, ["tel:2001", "tel:2003"]);
    assert_eq!(
        (device(calling.as_ref()), device(called.as_ref())),
        ("tel:2003".to_owned(), "tel:2001".to_owned())
    );
    assert!(rig.asked(0).is_empty());
}

#[test]
fn features_are_those_of_the_switch_and_our_own() {
    let mut rig = Rig::made(|_| {});
    rig.nodes[0].features = vec!["makecall", "ClearConnection", "Teleport"];
    rig.nodes[0].device.message_waiting = Some(true);
    rig.start();
    let mut peer = rig.open("2001");
    let answer = rig.service(&mut peer, Request::GetCSTAFeatures { line: None });
    let Content::Response(Response::GetCSTAFeatures { features }) = answer else {
        panic!("{answer:?}");
    };
    let services: Vec<&str> = features
        .names()
        .filter(|name| !name.ends_with("Event"))
        .collect();
    assert_eq!(
        services,
        [
            "ClearConnection",
            "GetCSTAFeatures",
            "GetMessageWaitingIndicator",
            "MakeCall",
            "MonitorStart",
            "MonitorStop",
            "RequestSystemStatus",
            "SnapshotCall",
            "SnapshotDevice",
        ]
    );
    assert!(features.offers("MessageWaitingEvent"));
    let answer = rig.service(&mut peer, Request::HoldCall { call: call("a") });
    assert_eq!(refused(answer), pair("operation", "serviceNotSupported"));
    let device = "tel:2001".to_owned();
    for request in [
        Request::GetForwarding {
            device: device.clone(),
        },
        Request::GetDoNotDisturb {
            device: device.clone(),
        },
    ] {
        let answer = rig.service(&mut peer, request);
        assert_eq!(refused(answer), pair("operation", "serviceNotSupported"));
    }
    let answer = rig.service(&mut peer, Request::GetMessageWaitingIndicator { device });
    assert!(matches!(
        answer,
        Content::Response(Response::GetMessageWaitingIndicator { on: true })
    ));
}

#[test]
fn what_the_phone_is_set_to_is_known() {
    let mut rig = Rig::made(|_| {});
    rig.nodes[0].device = DeviceView {
        in_service: true,
        do_not_disturb: Some(true),
        message_waiting: None,
        forwarding: Some(vec![Rule {
            kind: ForwardingType::Busy,
            active: true,
            to: Some("2002".to_owned()),
            seconds: None,
        }]),
    };
    rig.start();
    let mut peer = rig.open("2001");
    let device = "tel:2001".to_owned();
    let answer = rig.service(
        &mut peer,
        Request::GetForwarding {
            device: device.clone(),
        },
    );
    let Content::Response(Response::GetForwarding { rules }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(rules.len(), 1);
    assert_eq!(
        (
            rules[0].kind.as_deref(),
            rules[0].active,
            rules[0].to.as_deref()
        ),
        (Some("forwardBusy"), true, Some("tel:2002"))
    );
    let answer = rig.service(&mut peer, Request::GetDoNotDisturb { device });
    assert!(matches!(
        answer,
        Content::Response(Response::GetDoNotDisturb { on: true })
    ));
}

#[test]
fn errors_of_the_switch_are_told_with_their_category() {
    let (mut rig, mut peer) = two_calls();
    for (error, category) in [
        ("invalidCalledDeviceID", "operation"),
        ("invalidConnectionState", "stateIncompatibility"),
        ("resourceBusy", "systemResourceAvailability"),
        (
            "outstandingReqLimitExceeded",
            "subscribedResourceAvailability",
        ),
        ("performanceLimitExceeded", "performanceManagement"),
        ("somethingOfTheirs", "operation"),
    ] {
        rig.nodes[0].refuses = Some(error);
        let answer = rig.service(&mut peer, make("2003"));
        assert_eq!(refused(answer), pair(category, error));
    }
    rig.nodes[0].refuses = Some("\u{1}");
    let answer = rig.service(&mut peer, make("2003"));
    assert_eq!(refused(answer), pair("operation", "generic"));
    assert_eq!(rig.gateway.counters().failed, 7);
}

#[test]
fn what_does_not_fit_is_refused_before_the_switch_hears_of_it() {
    let (mut rig, mut peer) = two_calls();
    let other = || "tel:2003".to_owned();
    let cases = [
        (Request::MonitorStart { device: other() }, "invalidDeviceID"),
        (
            Request::SnapshotDevice { device: other() },
            "invalidDeviceID",
        ),
        (
            Request::MonitorStop {
                cross_ref: "m77".to_owned(),
            },
            "invalidMonitorCrossRefID",
        ),
        (
            Request::MakeCall {
                from: other(),
                to: "2002".to_owned(),
                originate: None,
            },
            "invalidCallingDeviceID",
        ),
        (make("tel:"), "invalidCalledDeviceID"),
        (Request::HoldCall { call: call("x") }, "invalidConnectionID"),
        (
            Request::TransferCall {
                held: call("h"),
                active: call("x"),
            },
            "invalidConnectionID",
        ),
        (
            Request::SetDoNotDisturb {
                device: other(),
                on: true,
            },
            "invalidDeviceID",
        ),
        (
            Request::SetForwarding {
                device: "tel:2001".to_owned(),
                kind: Some("forwardDND".to_owned()),
                active: true,
                to: None,
                rings: None,
                seconds: None,
            },
            "parameterNotSupported",
        ),
    ];
    for (request, value) in cases {
        let name = request.name();
        let answer = rig.service(&mut peer, request);
        assert_eq!(refused(answer), pair("operation", value), "{name}");
    }
    assert!(rig.asked(0).is_empty());
}

#[test]
fn a_switch_that_does_not_answer_in_time_is_out_of_service_to_who_asked() {
    let (mut rig, mut peer) = two_calls();
    rig.nodes[0].manner = Manner::Slow;
    rig.send(&mut peer, make("2003"));
    rig.pass(9);
    rig.silence();
    rig.pass(1);
    let answer = rig.document();
    assert_eq!(
        refused(answer),
        pair("systemResourceAvailability", "resourceOutOfService")
    );
    // What it says later is an answer to nothing.
    let request = rig.nodes[0].requests.remove(0);
    let id = rig.nodes[0].connection.expect("a connection");
    rig.answer_link(id, request.id, Ok(Default::default()));
    rig.run();
    rig.silence();
    assert_eq!(rig.gateway.counters().nonsense, 1);
}

#[test]
fn a_client_asks_for_so_much_at_once() {
    let (mut rig, mut peer) = two_calls();
    rig.nodes[0].manner = Manner::Slow;
    for _ in 0..16 {
        rig.send(&mut peer, make("2003"));
    }
    rig.silence();
    let answer = rig.service(&mut peer, make("2003"));
    assert_eq!(
        refused(answer),
        pair(
            "subscribedResourceAvailability",
            "outstandingReqLimitExceeded"
        )
    );
    let id = rig.nodes[0].connection.expect("a connection");
    let request = rig.nodes[0].requests.remove(0);
    rig.answer_link(id, request.id, Ok(Default::default()));
    rig.run();
    rig.document();
    rig.send(&mut peer, make("2003"));
    rig.silence();
}

#[test]
fn an_answer_is_in_the_namespace_of_the_request_and_events_in_that_of_the_session() {
    let ed5 = "http://www.ecma-international.org/standards/ecma-323/csta/ed5";
    let mut rig = Rig::new();
    let mut peer = rig.monitored("2001");
    let body = format!("<?xml version=\"1.0\"?>\n<GetCSTAFeatures xmlns=\"{ed5}\"/>");
    let text = peer.request("INFO", "", &body);
    rig.put(&text);
    let answer = rig.sent();
    let document = Document::parse(answer.body()).expect("a document");
    assert_eq!(document.namespace, ed5);
    rig.lose(0);
    let info = rig.sent();
    let document = Document::parse(info.body()).expect("a document");
    assert_eq!(document.namespace, graceline::csta::ED3);
    rig.reply(&info, 200);
}

#[test]
fn two_clients_of_one_phone_share_what_the_switch_tells() {
    let mut rig = Rig::with(|config| config.connections = 1);
    let mut first = rig.monitored("2001");
    rig.monitored("2001");
    assert_eq!(rig.asked(0), ["monitor"]);
    rig.shows(0, &at("2001", "SEP01"), view("c", CallState::Ringing));
    assert_eq!(rig.told().len(), 2);
    let bye = first.request("BYE", "", "");
    rig.put(&bye);
    rig.sent();
    assert!(rig.asked(0).is_empty());
}

#[test]
fn a_document_in_iso_8859_1_is_read() {
    let mut rig = Rig::new();
    let mut peer = rig.monitored("2001");
    let to = "sip:j\u{fc}rgen@example.com".to_owned();
    let from = "tel:2001".to_owned();
    let request = Request::MakeCall {
        from,
        to,
        originate: None,
    };
    for declared in ["UTF-8", "ISO-8859-1"] {
        let body = Document::new(Content::Request(request.clone())).to_xml();
        let body = body.replace("UTF-8", declared);
        let info = peer.request("INFO", "", &body);
        let (length, shorter) = (body.len(), body.chars().count());
        let info = info.replace(
            &format!("Content-Length: {length}"),
            &format!("Content-Length: {shorter}"),
        );
        let info: Vec<u8> = info.chars().map(|letter| letter as u8).collect();
        rig.put_bytes(&info);
        assert!(matches!(rig.document(), Content::Response(_)), "{declared}");
        assert_eq!(
            rig.asked(0).last().map(String::as_str),
            Some("makeCall to=j\u{fc}rgen"),
        );
    }
}
