//! Every response by its bytes, in both directions.

use crate::notation::{check_both_ways, check_complete, connection, party, read, text, whole};
use graceline::csta::{
    CallParty, CallStates, ConnectionId, ConnectionList, ConnectionListItem, ConnectionState,
    Content, Features, ForwardListItem, Party, Request, Response, Snapshot, SnapshotCall,
    SystemStatus,
};

const K9: &str = "<callID>k9</callID><deviceID>tel:5101;phone-context=dialstring</deviceID>";

fn rows() -> Vec<(String, Response)> {
    let call = || Some(connection("k9"));
    let connections = || {
        Some(ConnectionList {
            items: vec![
                ConnectionListItem {
                    new: Some(ConnectionId::new("k11", "tel:5177")),
                    old: Some(ConnectionId::new("k10", "tel:5177")),
                    endpoint: party("tel:5177"),
                },
                ConnectionListItem::default(),
            ],
        })
    };
    let list = "<connections><connectionListItem><newConnection><callID>k11</callID>\
                <deviceID>tel:5177</deviceID></newConnection><oldConnection><callID>k10</callID>\
                <deviceID>tel:5177</deviceID></oldConnection><endpoint>\
                <deviceIdentifier>tel:5177</deviceIdentifier></endpoint></connectionListItem>\
                <connectionListItem/></connections>";
    let with_call = |name: &str, field: &str, rest: &str| {
        format!("<{name}><{field}>{K9}</{field}>{rest}</{name}>")
    };
    let mut rows = vec![
        (
            "<RequestSystemStatusResponse><systemStatus>normal</systemStatus><extensions>\
             <privateData><private><cti:device xmlns:cti=\"urn:graceline:cti\">SEP01</cti:device>\
             </private></privateData></extensions></RequestSystemStatusResponse>"
                .to_owned(),
            Response::RequestSystemStatus {
                status: SystemStatus::Normal,
                device: text("SEP01"),
            },
        ),
        (
            "<GetCSTAFeaturesResponse><supportedServices><HoldCall/><MakeCall/></supportedServices>\
             <supportedEvents><HeldEvent/></supportedEvents></GetCSTAFeaturesResponse>"
                .to_owned(),
            Response::GetCSTAFeatures {
                features: Features::new(["MakeCall", "HoldCall", "HeldEvent"]),
            },
        ),
        (
            "<MonitorStartResponse><monitorCrossRefID>m-3c</monitorCrossRefID>\
             </MonitorStartResponse>"
                .to_owned(),
            Response::MonitorStart {
                cross_ref: "m-3c".to_owned(),
            },
        ),
        (
            format!(
                "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData>\
                 <snapshotDeviceResponseInfo><connectionIdentifier>{K9}</connectionIdentifier>\
                 <endpointDevice><deviceIdentifier>tel:5177</deviceIdentifier></endpointDevice>\
                 <localCallState><compoundCallState>\
                 <localConnectionState>connected</localConnectionState>\
                 <localConnectionState>alerting</localConnectionState>\
                 </compoundCallState></localCallState></snapshotDeviceResponseInfo>\
                 </snapshotData></crossRefIDorSnapshotData></SnapshotDeviceResponse>"
            ),
            Response::SnapshotDevice {
                calls: Snapshot::Here(vec![SnapshotCall {
                    connection: connection("k9"),
                    endpoint: party("tel:5177"),
                    states: CallStates {
                        own: Some(ConnectionState::Connected),
                        other: Some(ConnectionState::Alerting),
                    },
                    note: None,
                }]),
            },
        ),
        (
            "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData/>\
             </crossRefIDorSnapshotData></SnapshotDeviceResponse>"
                .to_owned(),
            Response::SnapshotDevice {
                calls: Snapshot::Here(Vec::new()),
            },
        ),
        (
            "<SnapshotDeviceResponse><crossRefIDorSnapshotData>\
             <serviceCrossRefID>s1</serviceCrossRefID></crossRefIDorSnapshotData>\
             </SnapshotDeviceResponse>"
                .to_owned(),
            Response::SnapshotDevice {
                calls: Snapshot::Later("s1".to_owned()),
            },
        ),
        (
            format!(
                "<SnapshotCallResponse><crossRefIDorSnapshotData><snapshotData>\
                 <snapshotCallResponseInfo><deviceOnCall><restricted/></deviceOnCall>\
                 <callIdentifier>{K9}</callIdentifier>\
                 <localConnectionState>hold</localConnectionState></snapshotCallResponseInfo>\
                 </snapshotData></crossRefIDorSnapshotData><callingDevice>\
                 <deviceIdentifier>tel:5101</deviceIdentifier></callingDevice>\
                 <calledDevice><notKnown/></calledDevice></SnapshotCallResponse>"
            ),
            Response::SnapshotCall {
                parties: Snapshot::Here(vec![CallParty {
                    device: Party::Restricted,
                    connection: call(),
                    state: Some(ConnectionState::Hold),
                }]),
                calling: party("tel:5101"),
                called: Some(Party::NotKnown),
            },
        ),
        (
            with_call("MakeCallResponse", "callingDevice", ""),
            Response::MakeCall { call: call() },
        ),
        (
            with_call("ConsultationCallResponse", "initiatedCall", ""),
            Response::ConsultationCall { call: call() },
        ),
        (
            with_call("TransferCallResponse", "transferredCall", list),
            Response::TransferCall {
                call: call(),
                connections: connections(),
            },
        ),
        (
            with_call("SingleStepTransferCallResponse", "transferredCall", ""),
            Response::SingleStepTransferCall {
                call: call(),
                connections: None,
            },
        ),
        (
            with_call("ConferenceCallResponse", "conferenceCall", list),
            Response::ConferenceCall {
                call: call(),
                connections: connections(),
            },
        ),
        (
            "<GetForwardingResponse><forwardingList><forwardListItem>\
             <forwardingType>forwardBusy</forwardingType><forwardStatus>true</forwardStatus>\
             <forwardDN>tel:5200</forwardDN><forwardDefault>false</forwardDefault>\
             <ringDuration>20</ringDuration><ringCount>4</ringCount></forwardListItem>\
             <forwardListItem><forwardStatus>false</forwardStatus></forwardListItem>\
             </forwardingList></GetForwardingResponse>"
                .to_owned(),
            Response::GetForwarding {
                rules: vec![
                    ForwardListItem {
                        kind: text("forwardBusy"),
                        active: true,
                        to: text("tel:5200"),
                        default: Some(false),
                        seconds: Some(20),
                        rings: Some(4),
                    },
                    ForwardListItem::default(),
                ],
            },
        ),
        (
            "<GetDoNotDisturbResponse><doNotDisturbOn>true</doNotDisturbOn>\
             </GetDoNotDisturbResponse>"
                .to_owned(),
            Response::GetDoNotDisturb { on: true },
        ),
        (
            "<GetMessageWaitingIndicatorResponse><messageWaitingOn>false</messageWaitingOn>\
             </GetMessageWaitingIndicatorResponse>"
                .to_owned(),
            Response::GetMessageWaitingIndicator { on: false },
        ),
    ];
    for done in [
        Response::MonitorStop {},
        Response::AnswerCall {},
        Response::ClearConnection {},
        Response::HoldCall {},
        Response::RetrieveCall {},
        Response::AlternateCall {},
        Response::ReconnectCall {},
        Response::DeflectCall {},
        Response::GenerateDigits {},
        Response::SetForwarding {},
        Response::SetDoNotDisturb {},
    ] {
        rows.push((format!("<{}/>", done.name()), done));
    }
    rows
}

#[test]
fn every_response_is_written_and_read() {
    let rows = rows();
    let rows: Vec<(&str, Content)> = rows
        .iter()
        .map(|(row, response)| (row.as_str(), Content::Response(response.clone())))
        .collect();
    check_both_ways(&rows);
    check_complete(&rows, Response::NAMES);
}

#[test]
fn every_request_has_a_response() {
    let answers: Vec<String> = Request::NAMES
        .iter()
        .map(|name| format!("{name}Response"))
        .collect();
    assert_eq!(answers, Response::NAMES);
}

/// Nobody has seen the inner layout of the features: names of elements and words
/// are taken wherever they stand.
#[test]
fn features_are_a_set_of_names() {
    let features = |inner: &str| {
        let document = whole(&format!(
            "<GetCSTAFeaturesResponse>{inner}</GetCSTAFeaturesResponse>"
        ));
        match read(&document) {
            Content::Response(Response::GetCSTAFeatures { features }) => features,
            other => panic!("{other:?}"),
        }
    };
    for inner in [
        "<makeCall/><HOLDCALL/>",
        "<list><callControl>makeCall holdCall</callControl></list>",
        "<makeCall>true</makeCall><holdCall>1</holdCall><answerCall>false</answerCall>",
        "<a><b><c><MakeCall/></c></b></a><HoldCall/><extensions><AnswerCall/></extensions>",
    ] {
        let features = features(inner);
        let names: Vec<_> = features.names().collect();
        assert_eq!(names, ["HoldCall", "MakeCall"], "{inner}");
        assert!(features.offers("makecall") && !features.offers("AnswerCall"));
        assert!(!features.or_all().offers("AnswerCall"));
    }
    // No list of services: all that we know may be asked for.
    for inner in ["", "<supportedServices/>", "<events>heldEvent</events>"] {
        let features = features(inner).or_all();
        assert!(Request::NAMES.iter().all(|name| features.offers(name)));
    }
    // What is no name is none, and nothing grows without bound.
    let many: String = (0..1000).map(|number| format!("<x{number}/>")).collect();
    let odd = format!("<a>x&lt;y {} ok</a>{many}", "z".repeat(65));
    let features = features(&odd);
    assert_eq!(features.names().count(), 256);
    assert!(features.offers("ok") && !features.offers("x<y"));
}
