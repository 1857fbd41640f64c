//! Sessions as SIP sees them: timers, CANCEL, lost flows, order.

use crate::rig::{Manner, Rig, at, status, view};
use graceline::csta::Request;
use graceline::gateway::{CallState, Event};
use graceline::sip::Name;

const TIMER: &str = "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n";

fn features() -> Request {
    Request::GetCSTAFeatures { line: None }
}

#[test]
fn a_client_that_knows_session_timers_refreshes_or_is_gone() {
    let mut rig = Rig::new();
    let (answer, mut peer) = rig.invite("2001", "tel:2001", TIMER);
    // Less than it asked for: a gateway that is started anew is noticed so much sooner.
    assert_eq!(
        answer.header(Name::SessionExpires),
        Some("300;refresher=uac")
    );
    assert!(answer.has_option(Name::Require, "timer"));
    rig.pass(200);
    let refresh = peer.request("INVITE", TIMER, &status("tel:2001"));
    rig.put(&refresh);
    rig.document();
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.put(&ack);
    rig.pass(200);
    rig.silence();
    let update = peer.request("UPDATE", TIMER, "");
    rig.put(&update);
    assert_eq!(rig.sent().status(), 200);
    rig.pass(260);
    rig.silence();
    rig.pass(20);
    rig.bye();
    assert_eq!(rig.sessions().iter().sum::<usize>(), 0);
}

/// A proxy on the way may want longer ones (RFC 4028 §9), and the client shorter ones.
#[test]
fn the_interval_is_within_what_others_want() {
    let mut rig = Rig::new();
    for (wanted, granted) in [
        (
            "Session-Expires: 1800\r\nMin-SE: 500\r\n",
            "500;refresher=uac",
        ),
        ("Session-Expires: 120\r\n", "120;refresher=uac"),
    ] {
        let headers = format!("Supported: timer\r\n{wanted}");
        let (answer, _) = rig.invite("2001", "tel:2001", &headers);
        assert_eq!(answer.header(Name::SessionExpires), Some(granted));
    }
}

/// Without it the client's ACK does not find the gateway behind its proxy.
#[test]
fn the_route_is_told_to_the_client() {
    let mut rig = Rig::new();
    let route = "Record-Route: <sip:a.example.com;lr>\r\nRecord-Route: <sip:b.example.com;lr>\r\n";
    let (answer, _) = rig.invite("2001", "tel:2001", route);
    let routes: Vec<_> = answer.values(Name::RecordRoute).collect();
    assert_eq!(routes, ["<sip:a.example.com;lr>", "<sip:b.example.com;lr>"]);
}

#[test]
fn a_client_that_knows_none_is_not_timed() {
    let mut rig = Rig::new();
    for headers in [
        "",
        "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n",
    ] {
        let (answer, _) = rig.invite("2001", "tel:2001", headers);
        assert_eq!(answer.header(Name::SessionExpires), None);
    }
    rig.pass(4000);
    rig.silence();
}

#[test]
fn too_brief_an_interval_is_refused() {
    let mut rig = Rig::new();
    let brief = "Supported: timer\r\nSession-Expires: 30\r\n";
    let (answer, _) = rig.invite("2001", "tel:2001", brief);
    assert_eq!(
        (answer.status(), answer.header(Name::MinSe)),
        (422, Some("90"))
    );
    let mut peer = rig.open("2001");
    let refresh = peer.request("INVITE", brief, "");
    rig.put(&refresh);
    assert_eq!(rig.sent().status(), 422);
}

#[test]
fn an_invite_that_waits_can_be_cancelled() {
    let mut rig = Rig::new();
    rig.nodes[0].manner = Manner::Silent;
    let peer = rig.ask("2001", "tel:2001", "");
    rig.silence();
    let stranger = peer.numbered("CANCEL", peer.cseq + 1, "", "");
    rig.put(&stranger);
    assert_eq!(rig.sent().status(), 481);
    let cancel = peer.numbered("CANCEL", peer.cseq, "", "");
    rig.put(&cancel);
    let answers = [rig.sent(), rig.sent()].map(|answer| answer.status());
    assert_eq!(answers, [200, 487]);
    assert_eq!(rig.sessions().iter().sum::<usize>(), 0);
    // What comes of the switch now is of no use.
    rig.pass(30);
    rig.silence();
}

#[test]
fn an_answer_is_sent_until_it_is_acknowledged() {
    let mut rig = Rig::new();
    let mut peer = rig.ask("2001", "tel:2001", "");
    let answer = rig.sent();
    rig.pass(1);
    assert_eq!(rig.sent().status(), 200);
    peer.learn(&answer);
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.put(&ack);
    rig.pass(60);
    rig.silence();

    rig.ask("2001", "tel:2001", "");
    rig.pass(40);
    let mut last = rig.sent();
    while last.status() == 200 {
        last = rig.sent();
    }
    assert_eq!(last.method(), "BYE");
    rig.silence();
}

#[test]
fn an_invite_that_comes_twice_is_one_session() {
    let mut rig = Rig::new();
    let mut peer = rig.ask("2001", "tel:2001", "");
    let answer = rig.sent();
    peer.learn(&answer);
    let mut again = peer.clone();
    again.to = "<sip:cti@example.com>".to_owned();
    let asserted = "P-Asserted-Identity: <sip:2001@example.com>\r\n";
    let text = again.numbered("INVITE", again.cseq, asserted, &status("tel:2001"));
    rig.put(&text);
    assert_eq!(rig.sent().status(), 482);
}

#[test]
fn requests_come_in_order_and_strangers_are_answered_481() {
    let mut rig = Rig::new();
    let mut peer = rig.open("2001");
    rig.service(&mut peer, features());
    let old = peer.numbered("INFO", peer.cseq, "", "");
    rig.put(&old);
    assert_eq!(rig.sent().status(), 500);
    let mut stranger = peer.clone();
    stranger.call_id = "another".to_owned();
    rig.send(&mut stranger, features());
    assert_eq!(rig.sent().status(), 481);
    let refer = peer.request("REFER", "", "");
    rig.put(&refer);
    assert_eq!(rig.sent().status(), 405);
    let options = peer.request("OPTIONS", "", "");
    rig.put(&options);
    assert_eq!(rig.sent().status(), 200);
}

#[test]
fn who_lost_the_flow_is_told_on_the_next_one() {
    let mut rig = Rig::new();
    let mut peer = rig.monitored("2001");
    rig.lose_socket();
    assert!(matches!(
        rig.events.last(),
        Some(Event::SessionClosed { .. })
    ));
    rig.pass(5);
    rig.bye();
    rig.silence();
    rig.send(&mut peer, features());
    assert_eq!(rig.sent().status(), 481);
    rig.monitored("2001");
}

#[test]
fn a_client_that_answers_481_to_an_event_is_forgotten() {
    let mut rig = Rig::new();
    rig.monitored("2001");
    rig.lose(0);
    let info = rig.sent();
    assert_eq!(info.method(), "INFO");
    assert_eq!(
        info.header(Name::ContentDisposition),
        Some("signal;handling=required")
    );
    rig.reply(&info, 481);
    rig.bye();
    assert_eq!(rig.sessions().iter().sum::<usize>(), 0);
    rig.silence();
}

/// Its Call-ID is taken until nothing more can come, and free from then on.
#[test]
fn a_session_is_remembered_until_its_bye_is_answered_or_lost() {
    for is_lost in [false, true] {
        let mut rig = Rig::new();
        let mut again = rig.monitored("2001");
        again.to = "<sip:cti@example.com>".to_owned();
        let mut invite = |rig: &mut Rig| {
            let asserted = "P-Asserted-Identity: <sip:2001@example.com>\r\n";
            let text = again.request("INVITE", asserted, &status("tel:2001"));
            rig.put(&text);
            rig.sent().status()
        };
        let call = view("c1", CallState::Initiated);
        rig.shows(0, &at("2001", "SEP01"), call);
        let event = rig.sent();
        rig.reply(&event, 500);
        let bye = rig.sent();
        assert_eq!(bye.method(), "BYE");
        assert_eq!(invite(&mut rig), 482);
        match is_lost {
            true => {
                rig.lose_socket();
                rig.pass(5);
            }
            false => rig.reply(&bye, 200),
        }
        assert_eq!(invite(&mut rig), 200);
    }
}

#[test]
fn a_client_that_answers_no_event_is_forgotten() {
    let mut rig = Rig::new();
    rig.monitored("2001");
    rig.lose(0);
    assert_eq!(rig.sent().method(), "INFO");
    rig.pass(40);
    rig.bye();
    assert_eq!(rig.sessions().iter().sum::<usize>(), 0);
}

#[test]
fn messages_are_refused_where_nobody_reads_them() {
    let mut rig = Rig::new();
    let mut peer = graceline_kit::message::Peer::caller(99);
    let message = peer.request("MESSAGE", "", "");
    rig.put(&message);
    assert_eq!(rig.sent().status(), 405);
}
