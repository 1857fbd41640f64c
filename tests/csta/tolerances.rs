//! What switches of the field write otherwise than the standard says, each with
//! its bytes.

use crate::notation::{connection, party, read, whole};
use graceline::csta::{
    CallEvent, CallEventKind, CallStates, ConnectionId, ConnectionState, Content, Document, ED3,
    Event, Party, Request, Response, Snapshot,
};

fn call_event(document: &str) -> CallEvent {
    match read(document) {
        Content::Event {
            event: Event::Call(event),
            ..
        } => event,
        other => panic!("{other:?}"),
    }
}

/// Of a held call, whose connection is written so.
fn held(connection: &str) -> CallEvent {
    call_event(&whole(&format!(
        "<HeldEvent><monitorCrossRefID>1</monitorCrossRefID>{connection}</HeldEvent>"
    )))
}

#[test]
fn any_namespace_and_prefix_is_read_and_answered_in() {
    for (document, namespace) in [
        (
            "<GetDoNotDisturb xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed4\"><device>5101</device></GetDoNotDisturb>",
            "http://www.ecma-international.org/standards/ecma-323/csta/ed4",
        ),
        (
            "<csta:GetDoNotDisturb xmlns:csta='http://www.ecma-international.org/standards/ecma-323/csta/ed3/priv5'><csta:device>5101</csta:device></csta:GetDoNotDisturb>",
            "http://www.ecma-international.org/standards/ecma-323/csta/ed3/priv5",
        ),
        // A phone's, without its hyphen.
        (
            "<GetDoNotDisturb xmlns=\"http://www.ecmainternational.org/standards/ecma-323/csta/ed5\"><device>5101</device></GetDoNotDisturb>",
            "http://www.ecmainternational.org/standards/ecma-323/csta/ed5",
        ),
        (
            "<a:GetDoNotDisturb xmlns:x=\"urn:x\" xmlns:a=\"http://www.ecma-international.org/standards/ecma-323/csta/ed6\"><a:device>5101</a:device></a:GetDoNotDisturb>",
            "http://www.ecma-international.org/standards/ecma-323/csta/ed6",
        ),
        (
            "<GetDoNotDisturb><device>5101</device></GetDoNotDisturb>",
            ED3,
        ),
        (
            "<GetDoNotDisturb xmlns='urn:other'><device>5101</device></GetDoNotDisturb>",
            ED3,
        ),
    ] {
        let read = Document::parse(document.as_bytes()).expect(document);
        let request = Request::GetDoNotDisturb {
            device: "5101".to_owned(),
        };
        assert_eq!(read.content, Content::Request(request), "{document}");
        assert_eq!(read.namespace, namespace);
        let answer = Document {
            content: Content::Response(Response::GetDoNotDisturb { on: true }),
            ..read
        };
        assert!(answer.to_xml().contains(&format!(" xmlns=\"{namespace}\"")));
    }
    // One that is no name of an edition is not echoed.
    let long = format!("<x xmlns='{}/ecma-323/'/>", "y".repeat(200));
    assert_eq!(
        Document::parse(long.as_bytes()).expect("XML").namespace,
        ED3
    );
}

#[test]
fn unknown_elements_and_attributes_are_ignored() {
    let event = call_event(&whole(
        "<HeldEvent><v:new xmlns:v=\"urn:v\"><deep><callID>no</callID></deep></v:new>\
         <monitorCrossRefID>1</monitorCrossRefID>\
         <heldConnection typeOfNumber=\"other\"><callID>k9</callID><more/>\
         <deviceID typeOfNumber=\"deviceID\" mediaClass=\"Voice\">tel:5101;phone-context=dialstring</deviceID>\
         </heldConnection><correlatorData>ab</correlatorData><cause>normal</cause>\
         <servicesPermitted/></HeldEvent>",
    ));
    assert_eq!(event.connection, Some(connection("k9")));
}

#[test]
fn a_connection_is_read_in_either_order_and_spelling_and_in_part() {
    let both = ConnectionId::new("k9", "5101");
    for (inner, expected) in [
        ("<callID>k9</callID><deviceID>5101</deviceID>", both.clone()),
        ("<deviceID>5101</deviceID><callID>k9</callID>", both.clone()),
        ("<callId>k9</callId><deviceId>5101</deviceId>", both),
        ("<callID>k9</callID>", ConnectionId::new("k9", "")),
        ("<deviceID>5101</deviceID>", ConnectionId::new("", "5101")),
    ] {
        let event = held(&format!("<heldConnection>{inner}</heldConnection>"));
        assert_eq!(event.connection, Some(expected), "{inner}");
    }
    assert_eq!(held("<heldConnection/>").connection, None);
    // Part of one is written as it was.
    let request = Content::Request(Request::HoldCall {
        call: ConnectionId::new("k9", ""),
    });
    let written = Document::new(request).to_xml();
    let inner = "<callToBeHeld><callID>k9</callID></callToBeHeld>";
    assert!(written.contains(inner), "{written}");
}

#[test]
fn misspelt_names_are_read() {
    for root in ["TransferedEvent", "TransferredEvent", "transferredevent"] {
        let event = call_event(&whole(&format!(
            "<{root}><monitorCrossRefID>1</monitorCrossRefID><primaryOldCall><callID>k9</callID></primaryOldCall></{root}>"
        )));
        assert_eq!(event.kind, CallEventKind::Transfered);
        assert_eq!(event.connection, Some(ConnectionId::new("k9", "")));
    }
    for name in ["numberDialed", "numberdialed", "deviceIdentifier"] {
        let event = call_event(&whole(&format!(
            "<DeliveredEvent><lastRedirectionDevice><{name}>5199</{name}></lastRedirectionDevice></DeliveredEvent>"
        )));
        assert_eq!(event.last_redirection, party("5199"), "{name}");
    }
    for name in ["conferenceCall", "conferencedCall"] {
        let response = read(&whole(&format!(
            "<ConferenceCallResponse><{name}><callID>k9</callID></{name}></ConferenceCallResponse>"
        )));
        let expected = Response::ConferenceCall {
            call: Some(ConnectionId::new("k9", "")),
            connections: None,
        };
        assert_eq!(response, Content::Response(expected), "{name}");
    }
    for name in ["monitorCrossRefID", "crossRefIdentifier"] {
        let response = read(&whole(&format!(
            "<MonitorStartResponse><{name}>7</{name}></MonitorStartResponse>"
        )));
        let expected = Response::MonitorStart {
            cross_ref: "7".to_owned(),
        };
        assert_eq!(response, Content::Response(expected), "{name}");
    }
}

#[test]
fn a_destination_may_stand_in_an_element_of_its_own() {
    for destination in ["tel:5177", " <device>tel:5177</device> "] {
        let document = whole(&format!(
            "<DeflectCall><callToBeDiverted><callID>k9</callID></callToBeDiverted>\
             <newDestination>{destination}</newDestination></DeflectCall>"
        ));
        let request = Request::DeflectCall {
            call: ConnectionId::new("k9", ""),
            to: "tel:5177".to_owned(),
        };
        assert_eq!(read(&document), Content::Request(request));
    }
}

#[test]
fn parties_may_be_unknown_hidden_or_bare() {
    for (inner, expected) in [
        (
            "<deviceIdentifier>sip:5101;tel=1</deviceIdentifier>",
            party("sip:5101;tel=1").unwrap(),
        ),
        ("<deviceIdentifier/>", Party::NotKnown),
        ("<notKnown/>", Party::NotKnown),
        ("<restricted/>", Party::Restricted),
        ("", Party::NotKnown),
        ("5101", party("5101").unwrap()),
    ] {
        let event = call_event(&whole(&format!(
            "<DeliveredEvent><callingDevice>{inner}</callingDevice></DeliveredEvent>"
        )));
        assert_eq!(event.calling, Some(expected), "{inner}");
    }
}

#[test]
fn missing_optional_parts_never_fail_an_event() {
    for root in [
        "ServiceInitiatedEvent",
        "OriginatedEvent",
        "DeliveredEvent",
        "EstablishedEvent",
        "HeldEvent",
        "RetrievedEvent",
        "ConnectionClearedEvent",
        "CallClearedEvent",
        "TransferedEvent",
        "ConferencedEvent",
        "DivertedEvent",
        "FailedEvent",
        "NetworkReachedEvent",
    ] {
        let event = call_event(&whole(&format!("<{root}/>")));
        assert_eq!(event, CallEvent::new(event.kind), "{root}");
        assert_eq!(event.cause, "normal");
    }
}

#[test]
fn unknown_words_break_nothing() {
    let event = held("<localConnectionInfo>bridged</localConnectionInfo><cause>vendor77</cause>");
    assert_eq!((event.local, event.cause.as_str()), (None, "vendor77"));
    let event = held("<localConnectionInfo> HOLD </localConnectionInfo>");
    assert_eq!(event.local, Some(ConnectionState::Hold));
    assert_eq!(
        read(&whole("<CallInformationEvent/>")),
        Content::Unknown("CallInformationEvent".to_owned())
    );
}

#[test]
fn snapshots_have_several_ways_to_tell_a_state() {
    let states = |inner: &str| {
        let document = whole(&format!(
            "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData>\
             <snapshotDeviceResponseInfo><connectionIdentifier><callID>a</callID></connectionIdentifier>\
             <localCallState>{inner}</localCallState></snapshotDeviceResponseInfo>\
             </snapshotData></crossRefIDorSnapshotData></SnapshotDeviceResponse>"
        ));
        match read(&document) {
            Content::Response(Response::SnapshotDevice {
                calls: Snapshot::Here(calls),
            }) => calls[0].states,
            other => panic!("{other:?}"),
        }
    };
    use ConnectionState::{Alerting, Connected, Fail, Hold, Initiated, Null, Queued};
    for (word, own, other) in [
        ("callNull", Null, Null),
        ("callPending", Initiated, Null),
        ("callOriginated", Connected, Null),
        ("callDelivered", Connected, Alerting),
        ("callDeliveredHeld", Hold, Alerting),
        ("callReceived", Alerting, Connected),
        ("callEstablished", Connected, Connected),
        ("callEstablishedHeld", Hold, Connected),
        ("callReceivedOnHold", Alerting, Hold),
        ("callEstablishedOnHold", Connected, Hold),
        ("callQueued", Connected, Queued),
        ("callQueuedHeld", Hold, Queued),
        ("callFailed", Connected, Fail),
        ("callFailedHeld", Hold, Fail),
        ("callBlocked", Null, Fail),
    ] {
        let read = states(&format!("<simpleCallState>{word}</simpleCallState>"));
        let expected = CallStates {
            own: Some(own),
            other: Some(other),
        };
        assert_eq!(read, expected, "{word}");
    }
    let none = CallStates::default();
    for inner in [
        "<unknown/>",
        "",
        "<simpleCallState>odd</simpleCallState>",
        "<compoundCallState/>",
    ] {
        assert_eq!(states(inner), none, "{inner}");
    }
}

/// One item that cannot be read takes none of the others with it.
#[test]
fn a_broken_item_spoils_no_list() {
    let document = whole(
        "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData>\
         <snapshotDeviceResponseInfo/><snapshotDeviceResponseInfo><connectionIdentifier>\
         <callID>a</callID></connectionIdentifier><localCallState><unknown/></localCallState>\
         </snapshotDeviceResponseInfo></snapshotData></crossRefIDorSnapshotData>\
         </SnapshotDeviceResponse>",
    );
    match read(&document) {
        Content::Response(Response::SnapshotDevice {
            calls: Snapshot::Here(calls),
        }) => assert_eq!(calls.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_id_is_never_read() {
    let event = held("<heldConnection><callID> a|b&amp;c=7;d </callID></heldConnection>");
    let call = event.connection.expect("a connection");
    assert_eq!(call.call, "a|b&c=7;d");
    let written = Document::new(Content::Request(Request::HoldCall { call })).to_xml();
    assert!(written.contains("<callID>a|b&amp;c=7;d</callID>"));
}

#[test]
fn both_encodings_are_read_and_a_declaration_may_be_missing() {
    let party_in = |document: &[u8]| match Document::parse(document).expect("a document").content {
        Content::Event {
            event: Event::Call(event),
            ..
        } => event.calling,
        other => panic!("{other:?}"),
    };
    let inner = |name: &[u8]| {
        [
            b"<DeliveredEvent><callingDevice><deviceIdentifier>sip:",
            name,
            b"@x</deviceIdentifier></callingDevice></DeliveredEvent>",
        ]
        .concat()
    };
    let declared = |encoding: &str, name: &[u8]| {
        let declaration = format!("<?xml version='1.0' encoding={encoding}?>\r\n");
        [declaration.as_bytes(), &inner(name)].concat()
    };
    let expected = party("sip:Jürgen@x");
    let utf8 = "Jürgen".as_bytes();
    let latin1 = b"J\xfcrgen";
    assert_eq!(party_in(&inner(utf8)), expected);
    assert_eq!(
        party_in(&[b"\xef\xbb\xbf", &inner(utf8)[..]].concat()),
        expected
    );
    assert_eq!(
        party_in(&declared("\"UTF-8\" standalone='yes'", utf8)),
        expected
    );
    assert_eq!(party_in(&declared("'ISO-8859-1'", latin1)), expected);
    assert_eq!(party_in(&declared("\"iso-8859-1\"", latin1)), expected);
    // Some say ISO-8859-1 in each document and write names as they have them.
    assert_eq!(party_in(&declared("\"ISO-8859-1\"", utf8)), expected);
}
