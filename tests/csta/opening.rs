//! What a session begins with, and what may be wrong with it.

use crate::notation::{LINE, whole};
use crate::rig::{Order, Rig};
use crate::switch::{failure, system_is, write};
use graceline::csta::client::{DeskState, Forwarding, Verb};
use graceline::csta::{
    Content, DeviceEvent, Features, ForwardListItem, ForwardingType, Request, Response,
    SystemStatus,
};

/// Names of the roots that were sent.
fn sent(rig: &Rig) -> Vec<String> {
    let root = |document: &String| {
        let (_, root) = document.split_once("?>\n<").expect("a declaration");
        root.split_once(' ').expect("a namespace").0.to_owned()
    };
    rig.sent.iter().map(root).collect()
}

/// A client that has asked for the monitor; the number of that request.
fn at_monitor() -> (Rig, u32) {
    let mut rig = Rig::new();
    rig.client.handle_session(rig.now, b"");
    let asked = rig.drain();
    let body = rig.switch.answers(&asked[0].1);
    rig.answer(asked[0].0, 200, &body);
    let asked = rig.drain();
    assert_eq!(sent(&rig), ["GetCSTAFeatures", "MonitorStart"]);
    (rig, asked[0].0)
}

#[test]
fn a_session_begins_with_features_monitor_calls_and_settings() {
    let mut rig = Rig::new();
    assert_eq!(
        rig.client.system_status(),
        whole(&format!(
            "<RequestSystemStatus><extensions><privateData><private><lcs:line \
             xmlns:lcs=\"http://schemas.microsoft.com/Lcs/2005/04/RCCExtension\">{LINE}</lcs:line>\
             </private></privateData></extensions></RequestSystemStatus>"
        ))
    );
    rig.switch.do_not_disturb = true;
    rig.switch.forwarding = vec![
        ForwardListItem {
            kind: Some("forwardNoAnsInt".to_owned()),
            active: true,
            to: Some("tel:5200".to_owned()),
            seconds: Some(20),
            ..ForwardListItem::default()
        },
        ForwardListItem {
            kind: Some("forwardDND".to_owned()),
            ..ForwardListItem::default()
        },
    ];
    rig.connect();
    assert_eq!(
        sent(&rig),
        [
            "GetCSTAFeatures",
            "MonitorStart",
            "SnapshotDevice",
            "GetForwarding",
            "GetDoNotDisturb",
            "GetMessageWaitingIndicator",
        ]
    );
    assert_eq!(rig.take_story(), ["desk eInService"]);
    assert!(rig.desk.monitored);
    assert_eq!(rig.desk.do_not_disturb, Some(true));
    assert_eq!(rig.desk.message_waiting, Some(false));
    let rule = Forwarding {
        kind: ForwardingType::NoAnswer,
        active: true,
        to: Some("tel:5200".to_owned()),
        seconds: Some(20),
    };
    assert_eq!(rig.desk.forwarding, Some(vec![rule]));
    // No list of features: all that we know.
    assert!(
        Request::NAMES
            .iter()
            .all(|name| rig.desk.features.offers(name))
    );
    assert_eq!(rig.client.poll_timeout(), None);
}

#[test]
fn what_the_features_omit_is_not_asked_for() {
    let mut rig = Rig::new();
    rig.switch.features = Some(Features::new([
        "makeCall",
        "ClearConnection",
        "GetDoNotDisturb",
    ]));
    rig.connect();
    assert_eq!(
        sent(&rig),
        ["GetCSTAFeatures", "MonitorStart", "GetDoNotDisturb"]
    );
    assert!(rig.desk.monitored);
    assert_eq!(rig.desk.forwarding, None);
    assert_eq!(rig.desk.message_waiting, None);
    let fault = rig.does(Verb::DoNotDisturb(true)).expect_err("not offered");
    assert_eq!(fault.code.as_str(), "eNotSupported");
}

/// The three questions are asked at once: one that is overtaken by another is refused
/// with 500 (RFC 3261 §12.2.2), and asked again, though not for ever.
#[test]
fn a_question_that_was_overtaken_is_asked_again() {
    for (refusals, known) in [(3, Some(true)), (4, None)] {
        let mut rig = Rig::new();
        rig.switch.do_not_disturb = true;
        rig.client.handle_session(rig.now, b"");
        let mut refused = 0;
        loop {
            let asked = rig.drain();
            if asked.is_empty() {
                break;
            }
            for (number, document) in asked {
                let is_it = document.contains("<GetDoNotDisturb");
                if is_it && refused < refusals {
                    refused += 1;
                    rig.answer(number, 500, "");
                } else {
                    let body = rig.switch.answers(&document);
                    rig.answer(number, 200, &body);
                }
            }
        }
        assert_eq!(rig.desk.do_not_disturb, known, "{refusals}");
        assert!(rig.desk.monitored);
    }
}

/// An event may be newer than the answer that comes after it.
#[test]
fn what_an_event_tells_is_not_overridden_by_an_older_answer() {
    let mut rig = Rig::connected();
    let op = rig.ask(Verb::DoNotDisturb(true));
    let asked = rig.drain();
    // It is set, and set back by hand.
    let answer = rig.switch.answers(&asked[0].1);
    rig.switch.do_not_disturb = false;
    rig.switch.tell_device(DeviceEvent::DoNotDisturb {
        device: None,
        on: false,
    });
    rig.deliver_events();
    rig.answer(asked[0].0, 200, &answer);
    rig.run();
    assert_eq!(rig.settled[&op], Ok(()));
    assert_eq!(rig.desk.do_not_disturb, Some(false));
}

#[test]
fn a_gateway_without_features_offers_all() {
    let refusals = [
        (200, failure("operation", "serviceNotSupported")),
        (500, String::new()),
        (200, "<odd/>".to_owned()),
    ];
    for (status, body) in refusals {
        let mut rig = Rig::new();
        rig.client.handle_session(rig.now, b"");
        let asked = rig.drain();
        rig.answer(asked[0].0, status, &body);
        rig.drain();
        assert_eq!(rig.desk.state, DeskState::RecoveryPending);
        assert!(rig.desk.features.offers("MakeCall"));
        assert_eq!(sent(&rig).last().map(String::as_str), Some("MonitorStart"));
    }
}

#[test]
fn a_switch_that_is_not_normal_is_waited_for() {
    let mut rig = Rig::new();
    rig.switch.node_is_up = false;
    rig.connect();
    assert_eq!(rig.take_story(), ["desk eOutOfService disabled"]);
    assert_eq!(rig.desk.state, DeskState::OutOfService);
    assert!(sent(&rig).is_empty());
    // It says that it is, and another session finds it so.
    rig.tell(&system_is(SystemStatus::Normal));
    rig.run();
    assert_eq!(rig.take_story(), ["reopen", "desk eRecoveryPending"]);
    rig.switch.node_is_up = true;
    rig.connect();
    assert!(rig.desk.monitored);

    // It says nothing.
    let mut rig = Rig::new();
    rig.switch.node_is_up = false;
    rig.connect();
    assert_eq!(rig.wait().as_secs(), 30);
    rig.run();
    assert_eq!(rig.reopened, 1);
}

#[test]
fn what_a_session_is_accepted_with_is_taken_tolerantly() {
    for body in [
        "",
        "\r\n",
        "<RequestSystemStatusResponse><systemStatus>NORMAL</systemStatus></RequestSystemStatusResponse>",
    ] {
        let mut rig = Rig::new();
        rig.client.handle_session(rig.now, body.as_bytes());
        rig.run();
        assert!(rig.desk.monitored, "{body}");
    }
    for (body, line) in [
        (
            failure("operation", "privilegeViolationSpecifiedDevice"),
            "refused eServerRejected privilegeViolationSpecifiedDevice",
        ),
        (
            failure("systemResourceAvailability", "deviceOutOfService"),
            "desk eOutOfService deviceOutOfService",
        ),
        (
            "<x/>".to_owned(),
            "refused eServerRejected no status of the system",
        ),
        (
            "<x".to_owned(),
            "refused eServerRejected the XML is malformed",
        ),
    ] {
        let mut rig = Rig::new();
        rig.client.handle_session(rig.now, body.as_bytes());
        rig.run();
        assert_eq!(rig.take_story(), [line]);
    }
}

#[test]
fn the_chosen_device_is_told_and_tells_appearances_apart() {
    let mut rig = Rig::new();
    let greeting = write(Content::Response(Response::RequestSystemStatus {
        status: SystemStatus::Normal,
        device: Some("SEP01".to_owned()),
    }));
    rig.client.handle_session(rig.now, greeting.as_bytes());
    rig.run();
    assert_eq!(rig.desk.device.as_deref(), Some("SEP01"));
    rig.take_story();
    let id = rig.switch.rings("tel:5111");
    rig.run();
    // Answered at the line's other phone.
    let answered = whole(&format!(
        "<EstablishedEvent><monitorCrossRefID>m1</monitorCrossRefID><establishedConnection>\
         <callID>{id}</callID><deviceID>tel:5101;device=SEP02</deviceID></establishedConnection>\
         <answeringDevice><deviceIdentifier>tel:5101;device=SEP02</deviceIdentifier></answeringDevice>\
         </EstablishedEvent>"
    ));
    rig.tell(&answered);
    // Its going out of service is none of ours.
    rig.tell(&whole(
        "<OutOfServiceEvent><monitorCrossRefID>m1</monitorCrossRefID><device>\
         <deviceIdentifier>tel:5101;device=SEP02</deviceIdentifier></device></OutOfServiceEvent>",
    ));
    rig.run();
    assert_eq!(
        rig.take_story(),
        ["1 incoming tel:5111", "1 ended answeredElsewhere normal"]
    );
}

#[test]
fn a_monitor_is_refused_for_good_or_for_now() {
    for (status, body, line) in [
        (
            200,
            failure("operation", "invalidDeviceID"),
            "refused eServerRejected invalidDeviceID",
        ),
        (
            200,
            failure("operation", "serviceNotSupported"),
            "refused eNotSupported serviceNotSupported",
        ),
        (403, String::new(), "refused eServerRejected"),
        (501, String::new(), "refused eNotSupported"),
    ] {
        let (mut rig, number) = at_monitor();
        rig.answer(number, status, &body);
        rig.drain();
        assert_eq!(rig.take_story(), [line]);
        assert_eq!(rig.client.poll_timeout(), None);
    }
    for value in [
        "overallMonitorLimitExceeded",
        "objectMonitorLimitExceeded",
        "performanceLimitExceeded",
        "resourceBusy",
        "deviceOutOfService",
    ] {
        let (mut rig, mut number) = at_monitor();
        // No tight loop.
        for seconds in [5, 10, 20, 40, 80, 80] {
            rig.answer(number, 200, &failure("systemResourceAvailability", value));
            assert!(rig.drain().is_empty());
            assert_eq!(rig.wait().as_secs(), seconds);
            number = rig.drain()[0].0;
        }
        assert_eq!(rig.take_story(), [format!("desk eOutOfService {value}")]);
        rig.answer(number, 200, &whole("<MonitorStartResponse><monitorCrossRefID>m9</monitorCrossRefID></MonitorStartResponse>"));
        rig.run();
        assert!(rig.desk.monitored);
        assert_eq!(rig.desk.state, DeskState::InService);
    }
}

#[test]
fn events_may_come_before_the_monitor_is_named() {
    let (mut rig, number) = at_monitor();
    rig.switch.cross_ref = "m7".to_owned();
    rig.switch.rings("tel:5111");
    rig.switch.cross_ref = "other".to_owned();
    rig.switch.rings("tel:5222");
    rig.deliver_events();
    assert!(rig.drain().is_empty());
    assert!(rig.take_story().is_empty());
    rig.switch.calls.pop();
    rig.answer(number, 200, &whole("<MonitorStartResponse><monitorCrossRefID>m7</monitorCrossRefID></MonitorStartResponse>"));
    rig.run();
    assert_eq!(rig.take_story(), ["1 incoming tel:5111", "desk eInService"]);
    rig.check_calls();
}

#[test]
fn what_waits_for_a_monitor_is_bounded() {
    let (mut rig, number) = at_monitor();
    rig.switch.cross_ref = "m7".to_owned();
    for _ in 0..1000 {
        let id = rig.switch.rings("tel:5111");
        rig.switch.hands_clear(&id);
    }
    rig.deliver_events();
    rig.answer(number, 200, &whole("<MonitorStartResponse><monitorCrossRefID>m7</monitorCrossRefID></MonitorStartResponse>"));
    rig.run();
    // Half of the 64 were calls that came, half their ends.
    let ended = rig.story.iter().filter(|line| line.contains("ended"));
    assert_eq!(ended.count(), 32);
    rig.check_calls();
}

#[test]
fn events_of_unknown_monitors_are_dropped() {
    let mut rig = Rig::connected();
    rig.switch.cross_ref = "other".to_owned();
    rig.switch.rings("tel:5111");
    rig.run();
    assert!(rig.take_story().is_empty());
}

/// Two clients of one line may have one name for their monitors.
#[test]
fn a_monitor_may_have_the_name_of_the_last() {
    let mut rig = Rig::connected();
    for _ in 0..2 {
        rig.lose();
        rig.client.handle_session(rig.now, b"");
        for root in ["GetCSTAFeatures", "MonitorStart"] {
            let (number, document) = rig.drain().remove(0);
            assert!(document.contains(root));
            let body = if root == "MonitorStart" {
                whole(
                    "<MonitorStartResponse><monitorCrossRefID>0</monitorCrossRefID></MonitorStartResponse>",
                )
            } else {
                whole("<GetCSTAFeaturesResponse/>")
            };
            rig.answer(number, 200, &body);
        }
        rig.switch.cross_ref = "0".to_owned();
        rig.run();
        assert!(rig.desk.monitored);
    }
}

/// The switch ends the monitor, or has forgotten it: it is started again.
#[test]
fn a_monitor_that_ends_is_started_again() {
    let mut rig = Rig::connected();
    rig.switch.rings("tel:5111");
    rig.run();
    rig.tell(&whole(
        "<MonitorStop><monitorCrossRefID>m1</monitorCrossRefID></MonitorStop>",
    ));
    assert!(rig.drain().is_empty());
    assert_eq!(rig.desk.state, DeskState::RecoveryPending);
    assert_eq!(rig.wait().as_secs(), 5);
    rig.run();
    assert!(rig.desk.monitored);
    rig.check_calls();
    // Another's is none of ours.
    rig.tell(&whole(
        "<MonitorStop><monitorCrossRefID>m1</monitorCrossRefID></MonitorStop>",
    ));
    rig.run();
    assert!(rig.desk.monitored);

    let op = rig.ask(Verb::DoNotDisturb(true));
    let number = rig.drain()[0].0;
    rig.answer(
        number,
        200,
        &failure("operation", "invalidMonitorCrossRefID"),
    );
    rig.drain();
    assert!(rig.settled[&op].is_err());
    rig.wait();
    rig.run();
    assert!(rig.desk.monitored);
}

#[test]
fn what_the_phone_is_set_to_is_told() {
    let mut rig = Rig::connected();
    rig.order = Order::EventsFirst;
    assert_eq!(rig.does(Verb::DoNotDisturb(true)), Ok(()));
    assert_eq!(rig.desk.do_not_disturb, Some(true));
    let rule = Forwarding {
        kind: ForwardingType::Busy,
        active: true,
        to: Some("tel:5200".to_owned()),
        seconds: None,
    };
    assert_eq!(rig.does(Verb::Forward(rule.clone())), Ok(()));
    assert_eq!(rig.desk.forwarding, Some(vec![rule]));
    rig.switch.tell_device(DeviceEvent::MessageWaiting {
        device: None,
        on: true,
    });
    rig.switch.tell_device(DeviceEvent::Forwarding {
        device: None,
        kind: None,
        active: true,
        to: Some("tel:5300".to_owned()),
        default: None,
        rings: None,
        seconds: None,
    });
    rig.run();
    assert_eq!(rig.desk.message_waiting, Some(true));
    let kinds: Vec<_> = rig
        .desk
        .forwarding
        .iter()
        .flatten()
        .map(|rule| rule.kind)
        .collect();
    assert_eq!(kinds, [ForwardingType::Busy, ForwardingType::Immediate]);
    assert_eq!(rig.does(Verb::MessageWaiting), Ok(()));
    assert_eq!(rig.desk.message_waiting, Some(false));
}
