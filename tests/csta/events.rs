//! Every event by its bytes, in both directions.

use crate::notation::{check_both_ways, check_complete, connection, party, read, text, whole};
use graceline::csta::{
    CallEvent, CallEventKind, ConnectionId, ConnectionList, ConnectionListItem, ConnectionState,
    Content, DeviceEvent, Document, Event, Note, Party,
};

const K11: &str = "<callID>k11</callID><deviceID>tel:5101;phone-context=dialstring</deviceID>";
const OWN: &str = "<deviceIdentifier>tel:5101</deviceIdentifier>";
const FAR: &str = "<deviceIdentifier>tel:+3906555</deviceIdentifier>";

fn call_rows() -> Vec<(String, CallEvent)> {
    use CallEventKind as Kind;
    let event = |kind, local, cause: &str| {
        let mut event = CallEvent::new(kind);
        event.connection = Some(connection("k11"));
        event.local = local;
        event.cause = cause.to_owned();
        event
    };
    let row = |root: &str, inner: &str, end: &str| {
        format!("<{root}><monitorCrossRefID>m-3c</monitorCrossRefID>{inner}{end}</{root}>")
    };
    let end = |local: &str, cause: &str| {
        format!("<localConnectionInfo>{local}</localConnectionInfo><cause>{cause}</cause>")
    };
    let connected = Some(ConnectionState::Connected);
    let none = Some(ConnectionState::Null);
    let merged = |kind, cause| {
        let mut event = event(kind, connected, cause);
        event.secondary = Some(connection("k12"));
        event.connections = Some(ConnectionList {
            items: vec![ConnectionListItem {
                new: Some(ConnectionId::new("k13", "tel:5177")),
                old: None,
                endpoint: party("tel:5177"),
            }],
        });
        event
    };
    let list = |name: &str| {
        format!(
            "<{name}><connectionListItem><newConnection><callID>k13</callID>\
             <deviceID>tel:5177</deviceID></newConnection><endpoint>\
             <deviceIdentifier>tel:5177</deviceIdentifier></endpoint></connectionListItem></{name}>"
        )
    };
    let secondary = "<secondaryOldCall><callID>k12</callID>\
                     <deviceID>tel:5101;phone-context=dialstring</deviceID></secondaryOldCall>";
    vec![
        (
            row(
                "ServiceInitiatedEvent",
                &format!(
                    "<initiatedConnection>{K11}</initiatedConnection><initiatingDevice>{OWN}</initiatingDevice>"
                ),
                &end("initiated", "makeCall"),
            ),
            CallEvent {
                by: party("tel:5101"),
                ..event(
                    Kind::ServiceInitiated,
                    Some(ConnectionState::Initiated),
                    "makeCall",
                )
            },
        ),
        (
            row(
                "OriginatedEvent",
                &format!(
                    "<originatedConnection>{K11}</originatedConnection><callingDevice>{OWN}</callingDevice><calledDevice>{FAR}</calledDevice>"
                ),
                &end("connected", "newCall"),
            ),
            CallEvent {
                calling: party("tel:5101"),
                called: party("tel:+3906555"),
                ..event(Kind::Originated, connected, "newCall")
            },
        ),
        (
            row(
                "DeliveredEvent",
                &format!(
                    "<connection>{K11}</connection><alertingDevice>{OWN}</alertingDevice><callingDevice>{FAR}</callingDevice><calledDevice>{OWN}</calledDevice><lastRedirectionDevice><notRequired/></lastRedirectionDevice>"
                ),
                &end("alerting", "normal"),
            ),
            CallEvent {
                by: party("tel:5101"),
                calling: party("tel:+3906555"),
                called: party("tel:5101"),
                last_redirection: Some(Party::NotRequired),
                ..event(Kind::Delivered, Some(ConnectionState::Alerting), "normal")
            },
        ),
        (
            row(
                "EstablishedEvent",
                &format!(
                    "<establishedConnection>{K11}</establishedConnection><answeringDevice>{OWN}</answeringDevice><callingDevice><restricted/></callingDevice><calledDevice>{OWN}</calledDevice><lastRedirectionDevice><notSpecified/></lastRedirectionDevice>"
                ),
                &end("connected", "normal"),
            ),
            CallEvent {
                by: party("tel:5101"),
                calling: Some(Party::Restricted),
                called: party("tel:5101"),
                last_redirection: Some(Party::NotSpecified),
                ..event(Kind::Established, connected, "normal")
            },
        ),
        (
            row(
                "HeldEvent",
                &format!(
                    "<heldConnection>{K11}</heldConnection><holdingDevice>{OWN}</holdingDevice>"
                ),
                &end("hold", "consultation"),
            ),
            CallEvent {
                by: party("tel:5101"),
                ..event(Kind::Held, Some(ConnectionState::Hold), "consultation")
            },
        ),
        (
            row(
                "RetrievedEvent",
                &format!(
                    "<retrievedConnection>{K11}</retrievedConnection><retrievingDevice>{OWN}</retrievingDevice>"
                ),
                &end("connected", "alternate"),
            ),
            CallEvent {
                by: party("tel:5101"),
                ..event(Kind::Retrieved, connected, "alternate")
            },
        ),
        (
            row(
                "ConnectionClearedEvent",
                &format!(
                    "<droppedConnection>{K11}</droppedConnection><releasingDevice>{FAR}</releasingDevice>"
                ),
                &end("null", "normalClearing"),
            ),
            CallEvent {
                by: party("tel:+3906555"),
                ..event(Kind::ConnectionCleared, none, "normalClearing")
            },
        ),
        (
            row(
                "CallClearedEvent",
                &format!("<clearedCall>{K11}</clearedCall>"),
                "<cause>normal</cause>",
            ),
            event(Kind::CallCleared, None, "normal"),
        ),
        (
            row(
                "TransferedEvent",
                &format!(
                    "<primaryOldCall>{K11}</primaryOldCall>{secondary}<transferringDevice>{FAR}</transferringDevice><transferredToDevice><deviceIdentifier>tel:5177</deviceIdentifier></transferredToDevice>{}",
                    list("transferredConnections")
                ),
                &end("connected", "transfer"),
            ),
            CallEvent {
                by: party("tel:+3906555"),
                to: party("tel:5177"),
                ..merged(Kind::Transfered, "transfer")
            },
        ),
        (
            row(
                "ConferencedEvent",
                &format!(
                    "<primaryOldCall>{K11}</primaryOldCall>{secondary}<conferencingDevice>{OWN}</conferencingDevice><addedParty><deviceIdentifier>tel:5177</deviceIdentifier></addedParty>{}",
                    list("conferenceConnections")
                ),
                &end("connected", "conference"),
            ),
            CallEvent {
                by: party("tel:5101"),
                to: party("tel:5177"),
                ..merged(Kind::Conferenced, "conference")
            },
        ),
        (
            row(
                "DivertedEvent",
                &format!(
                    "<connection>{K11}</connection><divertingDevice>{OWN}</divertingDevice><newDestination><deviceIdentifier>tel:5177</deviceIdentifier></newDestination>"
                ),
                &end("null", "redirected"),
            ),
            CallEvent {
                by: party("tel:5101"),
                to: party("tel:5177"),
                ..event(Kind::Diverted, none, "redirected")
            },
        ),
        (
            row(
                "FailedEvent",
                &format!(
                    "<failedConnection>{K11}</failedConnection><failingDevice>{FAR}</failingDevice><callingDevice>{OWN}</callingDevice><calledDevice>{FAR}</calledDevice>"
                ),
                &end("fail", "busy"),
            ),
            CallEvent {
                by: party("tel:+3906555"),
                calling: party("tel:5101"),
                called: party("tel:+3906555"),
                ..event(Kind::Failed, Some(ConnectionState::Fail), "busy")
            },
        ),
        (
            row(
                "NetworkReachedEvent",
                &format!(
                    "<outboundConnection>{K11}</outboundConnection><networkInterfaceUsed><deviceIdentifier>trunk7</deviceIdentifier></networkInterfaceUsed><callingDevice>{OWN}</callingDevice><calledDevice>{FAR}</calledDevice>"
                ),
                &end("connected", "normal"),
            ),
            CallEvent {
                by: party("trunk7"),
                calling: party("tel:5101"),
                called: party("tel:+3906555"),
                ..event(Kind::NetworkReached, connected, "normal")
            },
        ),
    ]
}

/// What a gateway of ours adds, and where.
#[test]
fn a_name_and_services_are_written_and_read() {
    let private = "<extensions><privateData><private>\
         <cti:displayName xmlns:cti=\"urn:graceline:cti\">Ann &lt;3&gt;</cti:displayName>\
         <cti:services xmlns:cti=\"urn:graceline:cti\">SnapshotCall HoldCall</cti:services>\
         </private></privateData></extensions>";
    let held = whole(&format!(
        "<HeldEvent><monitorCrossRefID>m-3c</monitorCrossRefID>\
         <heldConnection>{K11}</heldConnection><holdingDevice>{OWN}</holdingDevice>\
         <localConnectionInfo>hold</localConnectionInfo><cause>normal</cause>{private}</HeldEvent>"
    ));
    let content = read(&held);
    let Content::Event {
        event: Event::Call(event),
        ..
    } = &content
    else {
        panic!("{content:?}");
    };
    let note = event.note.as_ref().expect("a note");
    assert_eq!(note.name.as_deref(), Some("Ann <3>"));
    assert!(note.permits("holdcall") && !note.permits("ClearConnection"));
    assert!(Note::default().permits("ClearConnection"));
    assert_eq!(Document::new(content.clone()).to_xml(), held);
}

fn device_rows() -> Vec<(String, DeviceEvent)> {
    let row = |root: &str, inner: &str| {
        format!("<{root}><monitorCrossRefID>m-3c</monitorCrossRefID>{inner}</{root}>")
    };
    let device = "<device><deviceIdentifier>tel:5101</deviceIdentifier></device>";
    let own = || party("tel:5101");
    vec![
        (
            row(
                "DigitsGeneratedEvent",
                &format!(
                    "<connection>{K11}</connection><digitGeneratedList>12#</digitGeneratedList>"
                ),
            ),
            DeviceEvent::DigitsGenerated {
                connection: Some(connection("k11")),
                digits: text("12#"),
            },
        ),
        (
            row(
                "ForwardingEvent",
                &format!(
                    "{device}<forwardingType>forwardNoAns</forwardingType>\
                     <forwardStatus>true</forwardStatus><forwardTo>tel:5200</forwardTo>\
                     <forwardDefault>false</forwardDefault><ringCount>4</ringCount>\
                     <ringDuration>20</ringDuration>"
                ),
            ),
            DeviceEvent::Forwarding {
                device: own(),
                kind: text("forwardNoAns"),
                active: true,
                to: text("tel:5200"),
                default: Some(false),
                rings: Some(4),
                seconds: Some(20),
            },
        ),
        (
            row(
                "DoNotDisturbEvent",
                &format!("{device}<doNotDisturbOn>true</doNotDisturbOn>"),
            ),
            DeviceEvent::DoNotDisturb {
                device: own(),
                on: true,
            },
        ),
        (
            row(
                "MessageWaitingEvent",
                "<targetDevice><deviceIdentifier>tel:5101</deviceIdentifier></targetDevice>\
                 <messageWaitingOn>true</messageWaitingOn>",
            ),
            DeviceEvent::MessageWaiting {
                device: own(),
                on: true,
            },
        ),
        (
            row(
                "OutOfServiceEvent",
                &format!("{device}<cause>maintenance</cause>"),
            ),
            DeviceEvent::OutOfService {
                device: own(),
                cause: text("maintenance"),
            },
        ),
        (
            row("BackInServiceEvent", device),
            DeviceEvent::BackInService {
                device: own(),
                cause: None,
            },
        ),
    ]
}

fn content(event: Event) -> Content {
    Content::Event {
        cross_ref: "m-3c".to_owned(),
        event,
    }
}

#[test]
fn every_event_of_a_call_is_written_and_read() {
    let rows = call_rows();
    assert_eq!(rows.len(), 13);
    let rows: Vec<(&str, Content)> = rows
        .iter()
        .map(|(row, event)| (row.as_str(), content(Event::Call(event.clone()))))
        .collect();
    check_both_ways(&rows);
}

#[test]
fn every_event_of_a_device_is_written_and_read() {
    let rows = device_rows();
    let rows: Vec<(&str, Content)> = rows
        .iter()
        .map(|(row, event)| (row.as_str(), content(Event::Device(event.clone()))))
        .collect();
    check_both_ways(&rows);
    check_complete(&rows, DeviceEvent::NAMES);
}
