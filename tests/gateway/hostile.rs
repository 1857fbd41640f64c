//! Clients and switches that make no sense, or too much of it.

use crate::rig::{Rig, at, incoming};
use graceline::csta::{Content, Request};
use graceline::gateway::{
    Answer, CallState, CallView, Device, DeviceView, ForwardingType, Gateway, LinkMessage, Remote,
    Rule,
};
use graceline_kit::message::respond;
use graceline_kit::world::gateway_config;

fn view(id: &str) -> CallView {
    incoming(id, CallState::Ringing)
}

#[test]
fn documents_that_are_none_are_answered_with_an_error() {
    let mut rig = Rig::new();
    let mut peer = rig.monitored("2001");
    let huge = format!("<?xml version=\"1.0\"?><a>{}</a>", "x".repeat(70_000));
    let deep = format!("<?xml version=\"1.0\"?>{}", "<a>".repeat(500));
    for body in [
        "<?xml version=\"1.0\"?><HoldCall/>",
        "<?xml version=\"1.0\"?><Teleport/>",
        "<?xml version=\"1.0\"?><HoldCallResponse/>",
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><HoldCall/>",
        &huge,
        &deep,
    ] {
        let text = peer.request("INFO", "", body);
        rig.put(&text);
        let answer = rig.document();
        assert!(
            matches!(&answer, Content::Failure(failure) if failure.value == "generic"),
            "{answer:?}"
        );
    }
    rig.service(&mut peer, Request::GetCSTAFeatures { line: None });
}

#[test]
fn views_that_make_no_sense_are_counted_and_forgotten() {
    let mut rig = Rig::new();
    rig.monitored("2001");
    let long = "9".repeat(129);
    let bad = [
        view(""),
        view(&long),
        view("a\nb"),
        CallView {
            remote: Remote::Number(long.clone()),
            ..view("a")
        },
        CallView {
            parties: vec!["2002".to_owned(); 65],
            ..view("a")
        },
        CallView {
            cause: Some(String::new()),
            ..view("a")
        },
    ];
    for view in bad {
        rig.shows(0, &at("2001", "SEP01"), view);
    }
    let rule = Rule {
        kind: ForwardingType::Busy,
        active: true,
        to: Some(long),
        seconds: None,
    };
    let device = DeviceView {
        in_service: true,
        forwarding: Some(vec![rule]),
        ..DeviceView::default()
    };
    rig.says(0, LinkMessage::Device(at("2001", "SEP01"), device));
    let id = rig.nodes[0].connection.expect("a connection");
    rig.gateway.handle_nonsense(rig.now, id);
    rig.run();
    rig.silence();
    assert_eq!(rig.gateway.counters().nonsense, 8);
    assert!(
        rig.log
            .iter()
            .any(|line| line.contains("a call that makes no sense"))
    );
}

#[test]
fn an_appearance_has_no_more_calls_than_can_be_told() {
    let mut rig = Rig::new();
    let mut peer = rig.monitored("2001");
    for number in 0..150 {
        rig.shows(0, &at("2001", "SEP01"), view(&format!("c{number}")));
        rig.told();
    }
    let device = "tel:2001".to_owned();
    rig.send(&mut peer, Request::SnapshotDevice { device });
    let answer = rig.sent();
    let text = str::from_utf8(answer.body()).expect("text");
    assert_eq!(text.matches("<snapshotDeviceResponseInfo>").count(), 100);
    assert!(matches!(crate::rig::content(&answer), Content::Response(_)));
}

#[test]
fn a_client_that_takes_no_events_starts_anew() {
    let mut rig = Rig::new();
    rig.monitored("2001");
    let mut under_way = 0;
    for number in 0..300 {
        rig.shows(0, &at("2001", "SEP01"), view("c"));
        let ended = CallView {
            state: CallState::Ended,
            ..view("c")
        };
        rig.shows(0, &at("2001", "SEP01"), ended);
        if number == 0 {
            assert_eq!(rig.sessions()[0], 1);
        }
    }
    loop {
        let message = rig.sent();
        match message.method() {
            "INFO" => under_way += 1,
            method => {
                assert_eq!(method, "BYE");
                break;
            }
        }
    }
    // The others wait until it is answered: what is overtaken would be lost.
    assert_eq!(under_way, 1);
    assert_eq!(rig.sessions()[0], 0);
    rig.silence();
}

/// What it has missed it finds in the snapshot of its next session.
#[test]
fn a_client_that_refuses_an_event_starts_anew() {
    let mut rig = Rig::new();
    rig.monitored("2001");
    rig.shows(0, &at("2001", "SEP01"), view("c"));
    let event = rig.sent();
    rig.put(&respond(&event, 500, "", "", ""));
    rig.bye();
    assert_eq!(rig.sessions()[0], 0);
}

#[test]
fn answers_to_nothing_change_nothing() {
    let mut rig = Rig::new();
    rig.monitored("2001");
    for id in [0, 1, 77, u32::MAX] {
        rig.says(
            0,
            LinkMessage::Answer {
                id,
                result: Ok(Answer::default()),
            },
        );
    }
    rig.silence();
    assert_eq!(rig.states()[0], "up");
    assert_eq!(rig.gateway.counters().nonsense, 4);
}

#[test]
fn what_is_no_sip_and_what_is_for_nobody_harms_nobody() {
    let mut rig = Rig::new();
    rig.open("2001");
    for text in [
        "",
        "\0",
        "INVITE",
        "INVITE sip:cti@x SIP/2.0\r\n\r\n",
        "SIP/2.0 200 OK\r\nCSeq: 1 INFO\r\n\r\n",
        "ACK sip:cti@x SIP/2.0\r\nVia: SIP/2.0/WS a;branch=z9hG4bK1\r\n\r\n",
    ] {
        rig.put(text);
    }
    assert_eq!(rig.sessions()[0], 1);
}

/// They would break out of a Contact.
#[test]
fn names_of_more_than_one_line_are_refused_at_the_start() {
    for (device, description, partition) in [
        ("A\r\nContact: <sip:x@y>", "", ""),
        ("A", "one\r\ntwo", ""),
        ("A", "", "one\ntwo"),
    ] {
        let mut config = gateway_config(0, 1);
        let device = Device {
            device: device.to_owned(),
            description: Some(description.to_owned()),
            partition: Some(partition.to_owned()),
            exclusive: false,
        };
        config.lines.insert("2001".to_owned(), vec![device]);
        let error = Gateway::new(config, [0; 32]).err().expect("an error");
        assert_eq!(error.option, "lines");
    }
}
