//! How sessions are opened: who may, which device, one client at a time.

use crate::rig::{Manner, Rig, device, status};
use graceline::csta::{Content, Response, SystemStatus};
use graceline::gateway::{Device, DeviceView, Event};
use graceline::sip::{Message, Name};
use graceline_kit::message::Peer;

fn invited(rig: &mut Rig, user: &str, line: &str) -> u16 {
    rig.invite(user, line, "").0.status()
}

fn contacts(answer: &Message) -> Vec<&str> {
    answer.lines(Name::Contact).collect()
}

#[test]
fn each_user_controls_the_line_of_the_same_name() {
    let mut rig = Rig::new();
    for line in [
        "tel:2001",
        "sip:2001@example.com",
        "2001",
        "tel:2001;phone-context=dialstring",
    ] {
        let (answer, _) = rig.invite("2001", line, "");
        assert_eq!(answer.status(), 200, "{line}");
        let Content::Response(Response::RequestSystemStatus { status, device }) =
            crate::rig::content(&answer)
        else {
            panic!("no status");
        };
        assert_eq!(
            (status, device.as_deref()),
            (SystemStatus::Normal, Some("SEP01"))
        );
    }
    assert_eq!(invited(&mut rig, "2001", "tel:2003"), 403);
    assert_eq!(invited(&mut rig, "2009", "tel:2009"), 403);
}

#[test]
fn who_may_can_be_said() {
    let mut rig = Rig::with(|config| {
        let lines = ["2003", "2001", "2007"].map(str::to_owned);
        config.may = Some([("ana".to_owned(), lines.to_vec())].into());
    });
    assert_eq!(invited(&mut rig, "ana", "tel:2001"), 200);
    assert_eq!(invited(&mut rig, "ana", "tel:2002"), 403);
    assert_eq!(invited(&mut rig, "2001", "tel:2001"), 403);
    // It may, but there is no such line.
    assert_eq!(invited(&mut rig, "ana", "tel:2007"), 404);
}

#[test]
fn who_asks_is_what_the_server_asserts_and_never_a_bare_from() {
    let mut rig = Rig::new();
    let body = status("tel:2001");
    let mut ask = |headers: &str| {
        let peer = rig.ask_with("2001", &body, headers);
        rig.answered(peer).0.status()
    };
    assert_eq!(ask(""), 403);
    assert_eq!(ask("P-Asserted-Identity: <sip:2003@example.com>\r\n"), 403);
    assert_eq!(
        ask("P-Asserted-Identity: <sip:2001@elsewhere.example>\r\n"),
        403
    );
    assert_eq!(ask("P-Asserted-Identity: <tel:2001>\r\n"), 403);
    assert_eq!(
        ask("P-Asserted-Identity: \"2001\" <sip:2001@EXAMPLE.com>\r\n"),
        200
    );

    let mut rig = Rig::with(|config| config.trust_from = true);
    let peer = rig.ask_with("2001", &body, "");
    assert_eq!(rig.answered(peer).0.status(), 200);
    // What the server asserts goes before.
    let asserted = "P-Asserted-Identity: <sip:2003@example.com>\r\n";
    let peer = rig.ask_with("2001", &body, asserted);
    assert_eq!(rig.answered(peer).0.status(), 403);
}

#[test]
fn a_line_with_several_devices_is_answered_with_all_of_them() {
    let mut rig = Rig::with(|config| {
        let told = Device {
            description: Some("Ana's \"desk\"".to_owned()),
            partition: Some("internal".to_owned()),
            ..device("SEP03")
        };
        config
            .lines
            .insert("2002".to_owned(), vec![device("SEP02"), told]);
    });
    let (answer, _) = rig.invite("2002", "tel:2002", "");
    assert_eq!(answer.status(), 300);
    assert_eq!(
        contacts(&answer),
        [
            "<sip:cti@example.com>;line=\"2002\";device=\"SEP02\";description=\"\";\
             partition=\"\";inservice=true",
            "<sip:cti@example.com>;line=\"2002\";device=\"SEP03\";\
             description=\"Ana's \\\"desk\\\"\";partition=\"internal\";inservice=true",
        ]
    );
    // Nobody looks any more.
    assert_eq!(
        rig.asked(0),
        ["monitor", "monitor", "unmonitor", "unmonitor"]
    );
    assert_eq!(invited(&mut rig, "2002", "tel:2002;device=sep03"), 200);
    assert_eq!(
        invited(&mut rig, "2002", "tel:2002;partition=internal"),
        200
    );
    assert_eq!(
        invited(&mut rig, "2002", "tel:2002;device=SEP02;partition=internal"),
        404
    );
    assert_eq!(invited(&mut rig, "2002", "tel:2002;device=SEP01"), 404);
}

#[test]
fn a_star_lists_even_a_single_device_and_says_whether_it_is_there() {
    let mut rig = Rig::new();
    for node in &mut rig.nodes {
        node.device = DeviceView::default();
    }
    let (answer, _) = rig.invite("2001", "tel:2001;device=*", "");
    assert_eq!(answer.status(), 300);
    let [contact] = contacts(&answer)[..] else {
        panic!("not one");
    };
    assert!(contact.ends_with(";inservice=false"), "{contact}");
}

#[test]
fn a_phone_that_is_not_there_is_480_and_one_that_the_switch_does_not_know_404() {
    let mut rig = Rig::new();
    rig.nodes[0].device = DeviceView::default();
    assert_eq!(invited(&mut rig, "2001", "tel:2001"), 480);
    rig.nodes[1].manner = Manner::Silent;
    let peer = rig.ask("2001", "tel:2001", "");
    rig.silence();
    let request = rig.nodes[1].requests.remove(0);
    let id = rig.nodes[1].connection.expect("a connection");
    rig.answer_link(id, request.id, Err("invalidDeviceID".to_owned()));
    rig.run();
    assert_eq!(rig.answered(peer).0.status(), 404);
    // A switch that does not answer is not waited for longer than a client waits.
    rig.nodes[2].manner = Manner::Silent;
    let peer = rig.ask("2001", "tel:2001", "");
    rig.pass(10);
    assert_eq!(rig.answered(peer).0.status(), 480);
}

const TAKEN_OVER: &str = "SIP;cause=410;text=\"Registration is active for another client\"";

/// An INVITE for line 2001 that says which client of the user it comes from.
fn client(rig: &mut Rig, user: &str, instance: char, more: &str) -> Peer {
    let instance = graceline_kit::registrar::instance(instance);
    let asserted = format!("P-Asserted-Identity: <sip:{user}@example.com>\r\n");
    let contact = format!("Contact: <sip:a@a.invalid;transport=ws>;{instance}\r\n");
    rig.callers_own_contact(true);
    rig.ask_with(
        user,
        &status("tel:2001"),
        &format!("{asserted}{contact}{more}"),
    )
}

#[test]
fn two_clients_control_one_phone_unless_it_is_exclusive() {
    let mut rig = Rig::new();
    rig.open("2001");
    rig.open("2001");

    let mut rig = Rig::with(|config| {
        let exclusive = Device {
            exclusive: true,
            ..device("SEP01")
        };
        config.lines.insert("2001".to_owned(), vec![exclusive]);
        let may = ["2001", "2003"].map(|user| (user.to_owned(), vec!["2001".to_owned()]));
        config.may = Some(may.into());
    });
    let peer = client(&mut rig, "2001", 'a', "");
    assert_eq!(rig.answered(peer).0.status(), 200);
    let peer = client(&mut rig, "2001", 'b', "");
    let refused = rig.answered(peer).0;
    assert_eq!(refused.status(), 403);
    assert_eq!(
        refused.header(Name::Warning),
        Some("399 graceline \"Registration is active for another client\"")
    );
    rig.silence();

    // One that forces: the other is told why.
    let peer = client(&mut rig, "2001", 'b', "X-Graceline: force\r\n");
    assert_eq!(rig.bye().as_deref(), Some(TAKEN_OVER));
    assert_eq!(rig.answered(peer).0.status(), 200);

    // Its own ghost is in nobody's way, however the instance is written.
    let peer = client(&mut rig, "2001", 'B', "");
    rig.bye();
    assert_eq!(rig.answered(peer).0.status(), 200);
    assert_eq!(rig.sessions().iter().sum::<usize>(), 1);

    // Whose client it is the server says: another user's is another one.
    let peer = client(&mut rig, "2003", 'b', "");
    assert_eq!(rig.answered(peer).0.status(), 403);
    rig.silence();
}

#[test]
fn a_client_that_comes_back_takes_the_place_of_its_ghost() {
    let mut rig = Rig::new();
    for _ in 0..31 {
        rig.open("2001");
    }
    let peer = client(&mut rig, "2001", 'a', "");
    assert_eq!(rig.answered(peer).0.status(), 200);
    // There is no room for anybody else, but for it there is.
    assert_eq!(invited(&mut rig, "2001", "tel:2001"), 503);
    for _ in 0..3 {
        let peer = client(&mut rig, "2001", 'a', "");
        // A copy of its profile would hear it, and stay away.
        assert_eq!(rig.bye().as_deref(), Some(TAKEN_OVER));
        assert_eq!(rig.answered(peer).0.status(), 200);
    }
    assert_eq!(rig.sessions().iter().sum::<usize>(), 32);
    let peer = client(&mut rig, "2001", 'b', "");
    assert_eq!(rig.answered(peer).0.status(), 503);
    // Those that still look count all the same.
    let mut rig = Rig::new();
    for node in &mut rig.nodes {
        node.manner = Manner::Silent;
    }
    for _ in 0..32 {
        client(&mut rig, "2001", 'a', "");
        rig.silence();
    }
    let peer = client(&mut rig, "2001", 'a', "");
    assert_eq!(rig.answered(peer).0.status(), 503);
}

#[test]
fn what_is_no_session_of_ours_is_refused() {
    let mut rig = Rig::new();
    let asserted = "P-Asserted-Identity: <sip:2001@example.com>\r\n";
    let mut ask = |body: &str| {
        let peer = rig.ask_with("2001", body, asserted);
        let answer = rig.answered(peer).0;
        (
            answer.status(),
            answer.header(Name::Accept).map(str::to_owned),
        )
    };
    let accept = |(status, accept): (u16, Option<String>)| {
        (
            status,
            accept.is_some_and(|it| it.contains("application/csta+xml")),
        )
    };
    assert_eq!(accept(ask(graceline_kit::message::SDP)), (415, true));
    assert_eq!(accept(ask("")), (415, true));
    assert_eq!(ask("<?xml version=\"1.0\"?><MonitorStop/>").0, 400);
    assert_eq!(ask("<?xml version=\"1.0\"?><!DOCTYPE a><a/>").0, 400);
    assert_eq!(ask("<?xml version=\"1.0\"?><RequestSystemStatus").0, 400);
    assert_eq!(rig.gateway.counters().refused, 5);
}

#[test]
fn there_is_room_for_so_many_sessions_and_for_so_many_of_one_user() {
    let mut rig = Rig::with(|config| config.max_sessions = 2);
    rig.open("2001");
    let mut second = rig.open("2003");
    let (answer, _) = rig.invite("2001", "tel:2001", "");
    assert_eq!((answer.status(), answer.retry_after()), (503, Some(60)));
    let bye = second.request("BYE", "", "");
    rig.put(&bye);
    rig.sent();
    rig.open("2001");

    let mut rig = Rig::new();
    for _ in 0..32 {
        rig.open("2001");
    }
    assert_eq!(invited(&mut rig, "2001", "tel:2001"), 503);
    assert_eq!(invited(&mut rig, "2003", "tel:2003"), 200);
}

#[test]
fn what_happens_is_told_to_whoever_runs_it() {
    let mut rig = Rig::new();
    rig.events.clear();
    let mut peer = rig.open("2001");
    invited(&mut rig, "2001", "tel:2003");
    let bye = peer.request("BYE", "", "");
    rig.put(&bye);
    rig.sent();
    assert_eq!(
        rig.events,
        [
            Event::SessionOpened {
                session: 1,
                user: "2001".to_owned(),
                line: "2001".to_owned(),
                device: "SEP01".to_owned(),
                node: 0,
            },
            Event::SessionRefused {
                status: 403,
                user: String::new(),
            },
            Event::SessionClosed {
                session: 1,
                reason: "ended by the client",
            },
        ]
    );
}
