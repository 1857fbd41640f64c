//! The rules of the pool (the seed's), each on eight nodes: all connected, heartbeat,
//! round robin, sticky, returned, a new epoch.

use crate::rig::{Manner, NODES, Rig};
use graceline::csta::{Content, Notice, Request, Response, SystemStatus};
use graceline::gateway::{Event, WhenDown};
use graceline::sip::Name;
use graceline::time::Duration;

fn make_call() -> Request {
    Request::MakeCall {
        from: "tel:2001".to_owned(),
        to: "tel:2003".to_owned(),
        originate: None,
    }
}

fn returned(answer: &Content) -> bool {
    matches!(answer, Content::Failure(failure)
        if failure.category == "systemResourceAvailability"
            && failure.value == "networkOutOfService")
}

fn says(told: &[Content], wanted: SystemStatus) -> bool {
    matches!(told, [Content::Notice(Notice::SystemStatus { status, .. })] if *status == wanted)
}

#[test]
fn all_addresses_are_connected_at_the_start() {
    let rig = Rig::new();
    assert_eq!(rig.states(), ["up"; NODES]);
    assert!(rig.nodes.iter().all(|node| node.attempts == [rig.now]));
    let up = |event: &&Event| matches!(event, Event::Node { down: None, .. });
    assert_eq!(rig.events.iter().filter(up).count(), NODES);
}

#[test]
fn each_is_asked_every_thirty_seconds_and_down_after_three_misses() {
    let mut rig = Rig::new();
    rig.pass(29);
    assert!(rig.nodes.iter().all(|node| node.heartbeats.is_empty()));
    rig.pass(271);
    assert!(rig.nodes.iter().all(|node| node.heartbeats.len() == 10));

    rig.nodes[3].manner = Manner::Silent;
    let before = rig.nodes[3].heartbeats.len();
    rig.pass(119);
    assert_eq!(rig.states(), ["up"; NODES]);
    assert_eq!(rig.nodes[3].heartbeats.len() - before, 3);
    rig.nodes[3].manner = Manner::Away;
    rig.pass(1);
    let mut states = ["up"; NODES];
    states[3] = "down";
    assert_eq!(rig.states(), states);
    let reason = rig.events.iter().find_map(|event| match event {
        Event::Node {
            node: 3,
            down: Some(down),
        } => Some(down.as_str()),
        _ => None,
    });
    assert_eq!(reason, Some("the switch answers no heartbeat"));
}

#[test]
fn an_answer_makes_up_for_two_misses() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.nodes[0].manner = Manner::Silent;
        rig.pass(60);
        rig.nodes[0].manner = Manner::There;
        rig.pass(30);
    }
    assert_eq!(rig.states(), ["up"; NODES]);
}

#[test]
fn the_heartbeat_can_be_set() {
    let mut rig = Rig::with(|config| config.heartbeat = Duration::from_secs(1));
    rig.pass(10);
    assert_eq!(rig.nodes[7].heartbeats.len(), 10);
}

#[test]
fn a_switch_that_does_not_say_hello_is_down() {
    let mut rig = Rig::made(|_| {});
    rig.nodes[1].manner = Manner::Mute;
    rig.start();
    assert_eq!(rig.states()[1], "connecting");
    rig.pass(10);
    assert_eq!(rig.states()[1], "down");
}

#[test]
fn new_sessions_go_round_in_the_order_of_the_list() {
    let mut rig = Rig::with(|config| {
        let lines = (3000..3800).map(|line: u32| line.to_string());
        for line in lines {
            config.lines.insert(line, vec![crate::rig::device("SEP")]);
        }
    });
    let mut order = Vec::new();
    for line in 3000..3800 {
        let before = rig.sessions();
        rig.open(&line.to_string());
        let after = rig.sessions();
        order.extend((0..NODES).filter(|node| after[*node] > before[*node]));
    }
    assert_eq!(rig.sessions(), [100; NODES]);
    assert!(
        order
            .chunks(NODES)
            .all(|turn| turn == [0, 1, 2, 3, 4, 5, 6, 7])
    );
}

#[test]
fn what_is_down_is_passed_over() {
    let mut rig = Rig::new();
    rig.lose(2);
    rig.lose(5);
    let mut served = Vec::new();
    for _ in 0..6 {
        let mut peer = rig.open("2001");
        served.push(rig.serving());
        let bye = peer.request("BYE", "", "");
        rig.put(&bye);
        assert_eq!(rig.sent().status(), 200);
    }
    assert_eq!(served, [0, 1, 3, 4, 6, 7]);
}

#[test]
fn a_session_stays_on_its_connection() {
    let mut rig = Rig::new();
    let mut first = rig.monitored("2001");
    let mut second = rig.monitored("2003");
    let mut call = make_call();
    for _ in 0..10 {
        assert!(matches!(
            rig.service(&mut first, call.clone()),
            Content::Response(Response::MakeCall { .. })
        ));
    }
    if let Request::MakeCall { from, .. } = &mut call {
        *from = "tel:2003".to_owned();
    }
    rig.service(&mut second, call);
    let asked = |rig: &mut Rig, node| {
        let asked = rig.asked(node);
        asked
            .iter()
            .filter(|name| name.starts_with("makeCall"))
            .count()
    };
    let all: Vec<usize> = (0..NODES).map(|node| asked(&mut rig, node)).collect();
    assert_eq!(all, [10, 1, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn while_it_is_down_requests_are_returned_and_the_session_stays() {
    let mut rig = Rig::new();
    let mut peer = rig.monitored("2001");
    assert_eq!(rig.serving(), 0);
    rig.lose(0);
    assert!(says(&rig.told(), SystemStatus::Disabled));
    assert!(returned(&rig.service(&mut peer, make_call())));
    let device = "tel:2001".to_owned();
    assert!(returned(
        &rig.service(&mut peer, Request::SnapshotDevice { device })
    ));
    // A refresh says how it is.
    let refresh = peer.request(
        "INVITE",
        "Supported: timer\r\n",
        &crate::rig::status("tel:2001"),
    );
    rig.put(&refresh);
    let Content::Response(Response::RequestSystemStatus { status, .. }) = rig.document() else {
        panic!("no status");
    };
    assert_eq!(status, SystemStatus::Disabled);
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.put(&ack);
    rig.pass(600);
    rig.silence();
    assert_eq!(rig.sessions()[0], 1);
    assert_eq!(rig.gateway.counters().returned, 2);
}

#[test]
fn a_request_under_way_is_returned_when_the_connection_goes() {
    let mut rig = Rig::new();
    let mut peer = rig.monitored("2001");
    rig.nodes[0].manner = Manner::Slow;
    rig.send(&mut peer, make_call());
    rig.silence();
    rig.lose(0);
    assert!(returned(&rig.document()));
    assert!(says(&rig.told(), SystemStatus::Disabled));
}

#[test]
fn a_node_that_is_down_is_tried_with_growing_pauses() {
    let mut rig = Rig::new();
    rig.pass(100);
    rig.nodes[4].attempts.clear();
    let lost = rig.now;
    rig.lose(4);
    rig.pass(300);
    let times = [&[lost][..], &rig.nodes[4].attempts].concat();
    let pauses = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis());
    let pauses: Vec<u64> = pauses.collect();
    assert!(pauses[0] < 250, "{pauses:?}");
    assert!((2800..5200).contains(&pauses[3]), "{pauses:?}");
    assert!(
        pauses[7..]
            .iter()
            .all(|pause| (21_000..39_000).contains(pause))
    );
    assert!((12..20).contains(&pauses.len()), "{pauses:?}");
    // Told once, not each time.
    let down = |event: &&Event| {
        matches!(
            event,
            Event::Node {
                node: 4,
                down: Some(_)
            }
        )
    };
    assert_eq!(rig.events.iter().filter(down).count(), 1);
}

#[test]
fn back_it_is_a_new_epoch_and_the_next_invite_is_served_by_turns() {
    let mut rig = Rig::new();
    let mut peer = rig.monitored("2001");
    rig.lose(0);
    rig.told();
    rig.restore(0);
    rig.bye();
    rig.send(&mut peer, make_call());
    assert_eq!(rig.sent().status(), 481);
    assert_eq!(rig.sessions(), [0; NODES]);
    assert!(rig.events.iter().any(|event| matches!(
        event,
        Event::SessionClosed {
            reason: "the connection to the switch is a new one",
            ..
        }
    )));
    rig.monitored("2001");
    assert_eq!(rig.serving(), 1);
}

#[test]
fn a_request_that_crosses_the_bye_is_answered_481() {
    let mut rig = Rig::new();
    let mut peer = rig.monitored("2001");
    rig.lose(0);
    rig.told();
    rig.restore(0);
    let bye = rig.sent();
    assert_eq!(bye.method(), "BYE");
    rig.send(&mut peer, make_call());
    assert_eq!(rig.sent().status(), 481);
    rig.reply(&bye, 200);
    rig.silence();
}

#[test]
fn sessions_of_other_connections_go_on() {
    let mut rig = Rig::new();
    rig.monitored("2001");
    let mut other = rig.monitored("2003");
    rig.lose(0);
    rig.told();
    rig.restore(0);
    rig.bye();
    rig.silence();
    let device = "tel:2003".to_owned();
    let answer = rig.service(&mut other, Request::SnapshotDevice { device });
    assert!(matches!(answer, Content::Response(_)));
}

#[test]
fn with_move_a_session_is_ended_at_once_and_finds_another_connection() {
    let mut rig = Rig::with(|config| config.when_node_is_down = WhenDown::Move);
    rig.monitored("2001");
    rig.lose(0);
    rig.bye();
    rig.silence();
    rig.monitored("2001");
    assert_eq!(rig.serving(), 1);
}

#[test]
fn with_none_up_an_invite_is_answered_503_with_the_time_to_wait() {
    let mut rig = Rig::new();
    for node in 0..NODES {
        rig.lose(node);
    }
    rig.pass(20);
    let (answer, _) = rig.invite("2001", "tel:2001", "");
    assert_eq!(answer.status(), 503);
    let wait = answer.retry_after().expect("a Retry-After");
    assert!((1..=60).contains(&wait), "{wait}");
    rig.nodes[6].manner = Manner::There;
    rig.pass(60);
    rig.open("2001");
    assert_eq!(rig.serving(), 6);
}

#[test]
fn an_invite_whose_connection_goes_while_it_is_looked_at_is_served_by_the_next() {
    let mut rig = Rig::new();
    rig.nodes[0].manner = Manner::Silent;
    let peer = rig.ask("2001", "tel:2001", "");
    rig.silence();
    rig.lose(0);
    let (answer, _) = rig.answered(peer);
    assert_eq!(answer.status(), 200);
    assert_eq!(rig.serving(), 1);
}

#[test]
fn a_server_that_speaks_another_version_is_left() {
    let mut rig = Rig::made(|_| {});
    rig.nodes[0].manner = Manner::Mute;
    rig.start();
    let hello = graceline::gateway::LinkMessage::Hello {
        version: 2,
        name: String::new(),
        features: Vec::new(),
    };
    rig.says(0, hello);
    assert_eq!(rig.states()[0], "down");
    assert_eq!(rig.nodes[0].connection, None);
}

#[test]
fn what_an_older_connection_says_is_ignored() {
    let mut rig = Rig::new();
    let old = rig.nodes[0].connection.expect("a connection");
    rig.lose(0);
    rig.restore(0);
    rig.gateway.handle_link_closed(rig.now, old, "late");
    rig.run();
    assert_eq!(rig.states(), ["up"; NODES]);
}

#[test]
fn stopped_it_says_farewell_to_all() {
    let mut rig = Rig::new();
    rig.monitored("2001");
    rig.monitored("2003");
    rig.gateway.stop(rig.now);
    rig.run();
    for _ in 0..2 {
        assert_eq!(rig.sent().method(), "BYE");
    }
    rig.silence();
    assert!(rig.nodes.iter().all(|node| node.connection.is_none()));
    rig.pass(5);
    assert_eq!(rig.events.last(), Some(&Event::Stopped));
    let attempts: usize = rig.nodes.iter().map(|node| node.attempts.len()).sum();
    rig.pass(600);
    let later: usize = rig.nodes.iter().map(|node| node.attempts.len()).sum();
    assert_eq!(attempts, later);
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let mut rig = Rig::made(|_| {});
    rig.server = false;
    rig.start();
    rig.pass(120);
    assert!(
        rig.events
            .iter()
            .any(|event| matches!(event, Event::NotRegistered(_)))
    );
    rig.server = true;
    rig.pass(120);
    assert!(matches!(rig.events.last(), Some(Event::Registered { .. })));
    let (answer, _) = rig.invite("2001", "tel:2001", "");
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.header(Name::ContentType),
        Some("application/csta+xml")
    );
}
