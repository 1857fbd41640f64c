//! Every request by its bytes, in both directions.

use crate::notation::{LINE, check_both_ways, check_complete, connection, text};
use graceline::csta::{
    CallStates, ConnectionState, Content, Notice, Request, SnapshotCall, SystemStatus,
};

const LCS: &str = r#"<extensions><privateData><private><lcs:line xmlns:lcs="http://schemas.microsoft.com/Lcs/2005/04/RCCExtension">tel:5101;phone-context=dialstring</lcs:line></private></privateData></extensions>"#;
const K9: &str = "<callID>k9</callID><deviceID>tel:5101;phone-context=dialstring</deviceID>";
const K10: &str = "<callID>k10</callID><deviceID>tel:5101;phone-context=dialstring</deviceID>";

fn rows() -> Vec<(String, Request)> {
    let line = || LINE.to_owned();
    let call = || connection("k9");
    let other = || connection("k10");
    let device = |name: &str| format!("<{name}><device>{LINE}</device></{name}>");
    let of_call = |name: &str, field: &str| format!("<{name}><{field}>{K9}</{field}></{name}>");
    let two = |name: &str, first: &str, second: &str| {
        format!("<{name}><{first}>{K9}</{first}><{second}>{K10}</{second}></{name}>")
    };
    vec![
        (
            format!("<RequestSystemStatus>{LCS}</RequestSystemStatus>"),
            Request::RequestSystemStatus { line: text(LINE) },
        ),
        (
            format!("<GetCSTAFeatures>{LCS}</GetCSTAFeatures>"),
            Request::GetCSTAFeatures { line: text(LINE) },
        ),
        (
            format!(
                "<MonitorStart><monitorObject><deviceObject>{LINE}</deviceObject>\
                 </monitorObject></MonitorStart>"
            ),
            Request::MonitorStart { device: line() },
        ),
        (
            "<MonitorStop><monitorCrossRefID>m-3c</monitorCrossRefID></MonitorStop>".to_owned(),
            Request::MonitorStop {
                cross_ref: "m-3c".to_owned(),
            },
        ),
        (
            format!("<SnapshotDevice><snapshotObject>{LINE}</snapshotObject></SnapshotDevice>"),
            Request::SnapshotDevice { device: line() },
        ),
        (
            of_call("SnapshotCall", "snapshotObject"),
            Request::SnapshotCall { call: call() },
        ),
        (
            format!(
                "<MakeCall><callingDevice>{LINE}</callingDevice>\
                 <calledDirectoryNumber>tel:+390612345</calledDirectoryNumber>\
                 <autoOriginate>doNotPrompt</autoOriginate></MakeCall>"
            ),
            Request::MakeCall {
                from: line(),
                to: "tel:+390612345".to_owned(),
                originate: text("doNotPrompt"),
            },
        ),
        (
            of_call("AnswerCall", "callToBeAnswered"),
            Request::AnswerCall { call: call() },
        ),
        (
            of_call("ClearConnection", "connectionToBeCleared"),
            Request::ClearConnection { call: call() },
        ),
        (
            of_call("HoldCall", "callToBeHeld"),
            Request::HoldCall { call: call() },
        ),
        (
            of_call("RetrieveCall", "callToBeRetrieved"),
            Request::RetrieveCall { call: call() },
        ),
        (
            format!(
                "<ConsultationCall><existingCall>{K9}</existingCall>\
                 <consultedDevice>tel:5177</consultedDevice></ConsultationCall>"
            ),
            Request::ConsultationCall {
                call: call(),
                to: "tel:5177".to_owned(),
            },
        ),
        (
            two("AlternateCall", "heldCall", "activeCall"),
            Request::AlternateCall {
                held: call(),
                active: other(),
            },
        ),
        (
            two("ReconnectCall", "activeCall", "heldCall"),
            Request::ReconnectCall {
                active: call(),
                held: other(),
            },
        ),
        (
            two("TransferCall", "heldCall", "activeCall"),
            Request::TransferCall {
                held: call(),
                active: other(),
            },
        ),
        (
            format!(
                "<SingleStepTransferCall><activeCall>{K9}</activeCall>\
                 <transferredTo>tel:5177</transferredTo></SingleStepTransferCall>"
            ),
            Request::SingleStepTransferCall {
                active: call(),
                to: "tel:5177".to_owned(),
            },
        ),
        (
            two("ConferenceCall", "heldCall", "activeCall"),
            Request::ConferenceCall {
                held: call(),
                active: other(),
            },
        ),
        (
            format!(
                "<DeflectCall><callToBeDiverted>{K9}</callToBeDiverted>\
                 <newDestination>tel:5177</newDestination></DeflectCall>"
            ),
            Request::DeflectCall {
                call: call(),
                to: "tel:5177".to_owned(),
            },
        ),
        (
            format!(
                "<GenerateDigits><connectionToSendDigits>{K9}</connectionToSendDigits>\
                 <digitMode>dTMF</digitMode><charactersToSend>12#</charactersToSend></GenerateDigits>"
            ),
            Request::GenerateDigits {
                call: call(),
                mode: text("dTMF"),
                digits: "12#".to_owned(),
            },
        ),
        (
            "<SetForwarding><device>tel:5101</device><forwardingType>forwardNoAns</forwardingType>\
             <activateForward>true</activateForward><forwardDN>tel:5200</forwardDN>\
             <ringCount>4</ringCount></SetForwarding>"
                .to_owned(),
            Request::SetForwarding {
                device: "tel:5101".to_owned(),
                kind: text("forwardNoAns"),
                active: true,
                to: text("tel:5200"),
                rings: Some(4),
                seconds: None,
            },
        ),
        (
            device("GetForwarding"),
            Request::GetForwarding { device: line() },
        ),
        (
            "<SetDoNotDisturb><device>tel:5101</device><doNotDisturbOn>false</doNotDisturbOn>\
             </SetDoNotDisturb>"
                .to_owned(),
            Request::SetDoNotDisturb {
                device: "tel:5101".to_owned(),
                on: false,
            },
        ),
        (
            device("GetDoNotDisturb"),
            Request::GetDoNotDisturb { device: line() },
        ),
        (
            device("GetMessageWaitingIndicator"),
            Request::GetMessageWaitingIndicator { device: line() },
        ),
    ]
}

#[test]
fn every_request_is_written_and_read() {
    let rows = rows();
    let rows: Vec<(&str, Content)> = rows
        .iter()
        .map(|(row, request)| (row.as_str(), Content::Request(request.clone())))
        .collect();
    check_both_ways(&rows);
    check_complete(&rows, Request::NAMES);
}

#[test]
fn requests_need_their_parameters() {
    for (row, request) in rows() {
        // All but the greeting and the question for features have some.
        let root = format!("<{}/>", request.name());
        let read = graceline::csta::Document::parse(root.as_bytes());
        let optional = row.contains("lcs:line");
        assert_eq!(read.is_ok(), optional, "{root}");
    }
}

#[test]
fn every_notice_is_written_and_read() {
    let calls = vec![SnapshotCall {
        connection: connection("k9"),
        endpoint: None,
        states: CallStates {
            own: Some(ConnectionState::Hold),
            other: None,
        },
        note: None,
    }];
    let rows = [
        (
            "<SystemStatus><sysStatRegisterID>r1</sysStatRegisterID>\
             <systemStatus>disabled</systemStatus></SystemStatus>",
            Content::Notice(Notice::SystemStatus {
                register: text("r1"),
                status: SystemStatus::Disabled,
            }),
        ),
        (
            "<SnapshotDeviceData><serviceCrossRefID>s1</serviceCrossRefID>\
             <lastSegment>true</lastSegment><snapshotData><snapshotDeviceResponseInfo>\
             <connectionIdentifier><callID>k9</callID>\
             <deviceID>tel:5101;phone-context=dialstring</deviceID></connectionIdentifier>\
             <localCallState><compoundCallState><localConnectionState>hold</localConnectionState>\
             </compoundCallState></localCallState></snapshotDeviceResponseInfo></snapshotData>\
             </SnapshotDeviceData>",
            Content::Notice(Notice::SnapshotDeviceData {
                reference: "s1".to_owned(),
                last: true,
                calls,
            }),
        ),
    ];
    check_both_ways(&rows);
    check_complete(&rows, Notice::NAMES);
}

#[test]
fn all_text_is_escaped() {
    let to = "tel:1<&>\"'é\u{1F600}";
    let request = Content::Request(Request::MakeCall {
        from: LINE.to_owned(),
        to: to.to_owned(),
        originate: None,
    });
    let document = graceline::csta::Document {
        namespace: "http://x/ecma-323/csta/ed5\"<".to_owned(),
        content: request.clone(),
    };
    let written = document.to_xml();
    assert!(written.contains("tel:1&lt;&amp;&gt;&quot;'é"), "{written}");
    assert_eq!(
        graceline::csta::Document::parse(written.as_bytes()),
        Ok(document)
    );
}
