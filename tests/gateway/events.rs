//! Views of the switch, and the events that clients hear of them: a line each.

use crate::rig::{Rig, at, incoming, view};
use graceline::csta::{
    CallEvent, ConnectionId, Content, DeviceEvent, Event, ForwardingType, Party, Request, Response,
    Snapshot,
};
use graceline::gateway::{CallState, CallView, DeviceView, LinkMessage, Remote, Rule};
use graceline_kit::message::Peer;

/// A client that monitors 2001 on SEP01.
struct Story {
    rig: Rig,
    peer: Peer,
}

fn named(connection: Option<&ConnectionId>) -> String {
    connection.map_or(String::new(), |it| format!("{} at {}", it.call, it.device))
}

fn party(party: Option<&Party>) -> &str {
    match party {
        Some(Party::Device(device)) => device,
        Some(Party::Restricted) => "restricted",
        Some(_) => "unknown",
        None => "-",
    }
}

fn line(event: &CallEvent) -> String {
    let mut line = format!(
        "{:?} {} by {} local {}",
        event.kind,
        named(event.connection.as_ref()),
        party(event.by.as_ref()),
        event.local.map_or("-", |state| state.as_str()),
    );
    if event.calling.is_some() {
        let (calling, called) = (party(event.calling.as_ref()), party(event.called.as_ref()));
        line += &format!(", {calling} calls {called}");
    }
    if let Some(secondary) = &event.secondary {
        line += &format!(", with {}", secondary.call);
    }
    if event.to.is_some() {
        line += &format!(", to {}", party(event.to.as_ref()));
    }
    if event.cause != "normal" {
        line += &format!(", {}", event.cause);
    }
    for item in event.connections.iter().flat_map(|list| &list.items) {
        line += &format!(", now {}", named(item.new.as_ref()));
    }
    line
}

impl Story {
    fn new() -> Self {
        let mut rig = Rig::new();
        let peer = rig.monitored("2001");
        Self { rig, peer }
    }

    /// The events that a view causes.
    fn shows(&mut self, view: CallView) -> Vec<String> {
        self.rig.shows(0, &at("2001", "SEP01"), view);
        let told = self.rig.told().into_iter();
        told.map(|content| match content {
            Content::Event {
                event: Event::Call(event),
                cross_ref,
            } => {
                assert_eq!(cross_ref, "m1");
                line(&event)
            }
            other => panic!("{other:?}"),
        })
        .collect()
    }

    fn device(&mut self, view: DeviceView) -> Vec<Event> {
        self.rig
            .says(0, LinkMessage::Device(at("2001", "SEP01"), view));
        let told = self.rig.told().into_iter();
        told.map(|content| match content {
            Content::Event { event, .. } => event,
            other => panic!("{other:?}"),
        })
        .collect()
    }

    /// Calls of a snapshot: name and state.
    fn snapshot(&mut self) -> Vec<String> {
        let device = "tel:2001".to_owned();
        let answer = self
            .rig
            .service(&mut self.peer, Request::SnapshotDevice { device });
        let Content::Response(Response::SnapshotDevice {
            calls: Snapshot::Here(calls),
        }) = answer
        else {
            panic!("{answer:?}");
        };
        let call = |call: &graceline::csta::SnapshotCall| {
            let state = |state: Option<graceline::csta::ConnectionState>| {
                state.map_or("-", |state| state.as_str())
            };
            format!(
                "{} {} {} {}",
                named(Some(&call.connection)),
                state(call.states.own),
                state(call.states.other),
                party(call.endpoint.as_ref()),
            )
        };
        calls.iter().map(call).collect()
    }
}

#[test]
fn an_outgoing_call_from_the_handset_to_the_end() {
    let mut story = Story::new();
    let unknown = CallView {
        remote: Remote::NotKnown,
        ..view("c1", CallState::Initiated)
    };
    assert_eq!(
        story.shows(unknown),
        ["ServiceInitiated c1 at tel:2001 by tel:2001 local initiated"]
    );
    assert_eq!(
        story.shows(view("c1", CallState::Dialling)),
        ["Originated c1 at tel:2001 by - local connected, tel:2001 calls tel:2003"]
    );
    assert_eq!(
        story.shows(view("c1", CallState::Alerting)),
        ["Delivered c1 at tel:2003 by tel:2003 local connected, tel:2001 calls tel:2003"]
    );
    assert_eq!(
        story.shows(view("c1", CallState::Connected)),
        ["Established c1 at tel:2003 by tel:2003 local connected, tel:2001 calls tel:2003"]
    );
    assert_eq!(
        story.shows(view("c1", CallState::Held)),
        ["Held c1 at tel:2001 by tel:2001 local hold"]
    );
    assert_eq!(story.snapshot(), ["c1 at tel:2001 hold connected tel:2003"]);
    assert_eq!(
        story.shows(view("c1", CallState::Connected)),
        ["Retrieved c1 at tel:2001 by tel:2001 local connected"]
    );
    let ended = CallView {
        cause: Some("normalClearing".to_owned()),
        ..view("c1", CallState::Ended)
    };
    assert_eq!(
        story.shows(ended),
        ["ConnectionCleared c1 at tel:2001 by tel:2003 local null, normalClearing"]
    );
    assert!(story.snapshot().is_empty());
}

#[test]
fn what_is_missing_in_between_is_told_too() {
    let mut story = Story::new();
    let kinds = |lines: Vec<String>| -> Vec<String> {
        let kind = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        lines.iter().map(kind).collect()
    };
    let cases: [(CallView, &[&str]); 5] = [
        (
            view("a", CallState::Connected),
            &["ServiceInitiated", "Originated", "Established"],
        ),
        (
            view("b", CallState::Alerting),
            &["ServiceInitiated", "Originated", "Delivered"],
        ),
        (
            incoming("c", CallState::Connected),
            &["Delivered", "Established"],
        ),
        (
            incoming("d", CallState::Held),
            &["Delivered", "Established", "Held"],
        ),
        (
            CallView {
                cause: Some("busy".to_owned()),
                ..view("e", CallState::Failed)
            },
            &["ServiceInitiated", "Originated", "Failed"],
        ),
    ];
    for (view, expected) in cases {
        assert_eq!(kinds(story.shows(view)), expected);
    }
    assert_eq!(story.snapshot().len(), 5);
}

#[test]
fn an_incoming_call_is_answered_here_or_elsewhere_or_goes_away() {
    let mut story = Story::new();
    let rings = "by tel:2001 local alerting, tel:2003 calls tel:2001";
    for id in ["a", "b", "c", "d"] {
        assert_eq!(
            story.shows(incoming(id, CallState::Ringing)),
            [format!("Delivered {id} at tel:2001 {rings}")]
        );
    }
    assert_eq!(
        story.shows(incoming("a", CallState::Connected)),
        ["Established a at tel:2001 by tel:2001 local connected, tel:2003 calls tel:2001"]
    );
    let elsewhere = CallView {
        cause: Some("callPickup".to_owned()),
        elsewhere: Some("SEP09".to_owned()),
        ..incoming("b", CallState::Ended)
    };
    assert_eq!(
        story.shows(elsewhere),
        [
            "Established b at tel:2001;device=SEP09 by tel:2001;device=SEP09 local null, \
          tel:2003 calls tel:2001, callPickup"
        ]
    );
    let deflected = CallView {
        cause: Some("redirected".to_owned()),
        by_local: true,
        to: Some("2002".to_owned()),
        ..incoming("c", CallState::Ended)
    };
    assert_eq!(
        story.shows(deflected),
        ["Diverted c at tel:2001 by tel:2001 local null, to tel:2002, redirected"]
    );
    let rejected = CallView {
        by_local: true,
        ..incoming("d", CallState::Ended)
    };
    assert_eq!(
        story.shows(rejected),
        ["ConnectionCleared d at tel:2001 by tel:2001 local null"]
    );
}

/// With a call on hold and another one.
fn two_calls() -> Story {
    let mut story = Story::new();
    story.shows(view("h", CallState::Held));
    let second = Remote::Number("2002".to_owned());
    story.shows(CallView {
        remote: second,
        ..view("a", CallState::Connected)
    });
    story
}

#[test]
fn a_transfer_is_one_event_at_the_phone_that_transfers() {
    let mut story = two_calls();
    let left = CallView {
        cause: Some("transfer".to_owned()),
        from: vec!["h".to_owned()],
        by_local: true,
        to: Some("2002".to_owned()),
        ..view("a", CallState::Ended)
    };
    assert_eq!(
        story.shows(left),
        ["Transfered h at tel:2001 by tel:2001 local null, with a, to tel:2002, transfer"]
    );
    assert!(story.snapshot().is_empty());

    let mut story = Story::new();
    story.shows(view("c", CallState::Connected));
    let left = CallView {
        cause: Some("singleStepTransfer".to_owned()),
        by_local: true,
        to: Some("2002".to_owned()),
        ..view("c", CallState::Ended)
    };
    assert_eq!(
        story.shows(left),
        ["Transfered c at tel:2001 by tel:2001 local null, to tel:2002, singleStepTransfer"]
    );
}

#[test]
fn who_is_transferred_keeps_the_call_under_its_old_name_or_a_new_one() {
    let mut story = Story::new();
    story.shows(view("c", CallState::Connected));
    let other = Remote::Number("2002".to_owned());
    let moved = CallView {
        cause: Some("transfer".to_owned()),
        from: vec!["c".to_owned()],
        remote: other.clone(),
        ..view("n", CallState::Connected)
    };
    assert_eq!(
        story.shows(moved),
        [
            "Transfered c at tel:2001 by tel:2003 local connected, to tel:2002, transfer, \
          now n at tel:2001, now n at tel:2002"
        ]
    );
    assert_eq!(
        story.snapshot(),
        ["n at tel:2001 connected connected tel:2002"]
    );

    let mut story = Story::new();
    story.shows(view("c", CallState::Connected));
    let rings = CallView {
        cause: Some("singleStepTransfer".to_owned()),
        remote: other,
        ..view("c", CallState::Alerting)
    };
    let told = story.shows(rings);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("Transfered c at tel:2001 by tel:2003 local connected"));
    assert!(told[1].starts_with("Delivered c at tel:2002 by tel:2002"));
}

#[test]
fn a_conference_is_one_call_with_all_who_come_and_go() {
    let mut story = two_calls();
    let conference = CallView {
        cause: Some("conference".to_owned()),
        from: vec!["h".to_owned()],
        parties: vec!["2002".to_owned(), "2003".to_owned()],
        remote: Remote::Number("2002".to_owned()),
        ..view("a", CallState::Connected)
    };
    assert_eq!(
        story.shows(conference.clone()),
        [
            "Conferenced h at tel:2001 by - local connected, with a, to tel:2003, conference, \
          now a at tel:2001, now a at tel:2002, now a at tel:2003"
        ]
    );
    let more = CallView {
        from: Vec::new(),
        parties: ["2002", "2003", "2004"].map(str::to_owned).to_vec(),
        ..conference.clone()
    };
    assert_eq!(
        story.shows(more),
        [
            "Established a at tel:2004 by tel:2004 local connected, tel:2001 calls tel:2002, \
          conference"
        ]
    );
    let two = CallView {
        from: Vec::new(),
        parties: Vec::new(),
        cause: None,
        remote: Remote::Number("2004".to_owned()),
        ..conference
    };
    assert_eq!(
        story.shows(two),
        [
            "ConnectionCleared a at tel:2002 by tel:2002 local connected",
            "ConnectionCleared a at tel:2003 by tel:2003 local connected",
        ]
    );
}

#[test]
fn a_call_that_is_sent_on_rings_at_another_number() {
    let mut story = Story::new();
    story.shows(view("c", CallState::Alerting));
    let elsewhere = CallView {
        remote: Remote::Number("2002".to_owned()),
        ..view("c", CallState::Alerting)
    };
    assert_eq!(
        story.shows(elsewhere),
        ["Delivered c at tel:2002 by tel:2002 local connected, tel:2001 calls tel:2002"]
    );
}

#[test]
fn numbers_are_shown_as_they_can_be_dialled() {
    let mut story = Story::new();
    for (remote, shown) in [
        (Remote::Number("+39 06".to_owned()), "+39 06"),
        (Remote::Number("*43#".to_owned()), "tel:*43#"),
        (
            Remote::Number("ana@example.com".to_owned()),
            "ana@example.com",
        ),
        (Remote::Restricted, "restricted"),
        (Remote::NotKnown, "unknown"),
    ] {
        let id = format!("c{shown}");
        let told = story.shows(CallView {
            remote,
            ..incoming(&id, CallState::Ringing)
        });
        assert!(
            told[0].contains(&format!(", {shown} calls tel:2001")),
            "{told:?}"
        );
    }
}

#[test]
fn the_same_view_twice_is_told_once() {
    let mut story = Story::new();
    assert_eq!(story.shows(incoming("c", CallState::Ringing)).len(), 1);
    assert!(story.shows(incoming("c", CallState::Ringing)).is_empty());
    assert!(
        story
            .shows(incoming("unknown", CallState::Ended))
            .is_empty()
    );
}

#[test]
fn the_device_is_told_where_it_changes() {
    let mut story = Story::new();
    let there = DeviceView {
        in_service: true,
        ..DeviceView::default()
    };
    let quiet = DeviceView {
        do_not_disturb: Some(true),
        ..there.clone()
    };
    assert!(matches!(
        &story.device(quiet.clone())[..],
        [Event::Device(DeviceEvent::DoNotDisturb { on: true, .. })]
    ));
    assert!(story.device(quiet.clone()).is_empty());
    let rule = |active| Rule {
        kind: ForwardingType::NoAnswer,
        active,
        to: Some("2003".to_owned()),
        seconds: Some(20),
    };
    let forwarded = DeviceView {
        message_waiting: Some(true),
        forwarding: Some(vec![rule(true)]),
        ..quiet.clone()
    };
    let told = story.device(forwarded);
    let [
        Event::Device(DeviceEvent::MessageWaiting { on: true, .. }),
        Event::Device(DeviceEvent::Forwarding {
            kind,
            active: true,
            to,
            seconds: Some(20),
            ..
        }),
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!(
        (kind.as_deref(), to.as_deref()),
        (Some("forwardNoAns"), Some("tel:2003"))
    );
    // A rule that is taken out is no longer in force.
    let gone = DeviceView {
        forwarding: Some(Vec::new()),
        message_waiting: Some(true),
        ..quiet
    };
    assert!(matches!(
        &story.device(gone)[..],
        [Event::Device(DeviceEvent::Forwarding { active: false, .. })]
    ));
}

#[test]
fn a_device_that_goes_is_out_of_its_calls() {
    let mut story = Story::new();
    story.shows(view("c", CallState::Connected));
    let told = story.device(DeviceView::default());
    let [
        Event::Call(cleared),
        Event::Device(DeviceEvent::OutOfService { .. }),
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert!(line(cleared).starts_with("ConnectionCleared c at tel:2001"));
    assert!(story.snapshot().is_empty());
    let make = Request::MakeCall {
        from: "tel:2001".to_owned(),
        to: "tel:2003".to_owned(),
        originate: None,
    };
    let answer = story.rig.service(&mut story.peer, make);
    assert!(matches!(answer, Content::Failure(failure) if failure.value == "deviceOutOfService"));
    let there = DeviceView {
        in_service: true,
        ..DeviceView::default()
    };
    assert!(matches!(
        &story.device(there)[..],
        [Event::Device(DeviceEvent::BackInService { .. })]
    ));
}

#[test]
fn nothing_is_told_without_a_monitor_nor_of_other_appearances() {
    let mut story = Story::new();
    let mut other = story.rig.open("2003");
    story
        .rig
        .shows(1, &at("2003", "SEP04"), view("c", CallState::Alerting));
    story.rig.silence();
    story
        .rig
        .shows(0, &at("2001", "SEP77"), view("c", CallState::Alerting));
    story
        .rig
        .shows(0, &at("2003", "SEP04"), view("c", CallState::Alerting));
    story.rig.silence();
    let device = "tel:2003".to_owned();
    let answer = story
        .rig
        .service(&mut other, Request::SnapshotDevice { device });
    let Content::Response(Response::SnapshotDevice {
        calls: Snapshot::Here(calls),
    }) = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!(calls.len(), 1);
    let stop = Request::MonitorStop {
        cross_ref: "m1".to_owned(),
    };
    story.rig.service(&mut story.peer, stop);
    assert!(story.shows(view("c", CallState::Alerting)).is_empty());
}

#[test]
fn names_and_what_a_call_can_do_are_told_with_it() {
    let mut story = Story::new();
    let named = CallView {
        name: Some("Ann".to_owned()),
        can: Some(vec!["ClearConnection".to_owned()]),
        ..incoming("c1", CallState::Ringing)
    };
    story.rig.shows(0, &at("2001", "SEP01"), named);
    let told = story.rig.told();
    let [
        Content::Event {
            event: Event::Call(event),
            ..
        },
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    let note = event.note.clone().expect("a note");
    assert_eq!(note.name.as_deref(), Some("Ann"));
    assert_eq!(
        note.services.as_deref(),
        Some("SnapshotCall ClearConnection")
    );
    let device = "tel:2001".to_owned();
    let answer = story
        .rig
        .service(&mut story.peer, Request::SnapshotDevice { device });
    let Content::Response(Response::SnapshotDevice {
        calls: Snapshot::Here(calls),
    }) = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!(calls[0].note, Some(note));
    // Of others nothing more is told.
    story
        .rig
        .shows(0, &at("2001", "SEP01"), view("c2", CallState::Initiated));
    assert!(story.rig.told().iter().all(|content| matches!(
        content,
        Content::Event { event: Event::Call(event), .. } if event.note.is_none()
    )));
}
