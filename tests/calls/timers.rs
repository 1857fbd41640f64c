//! Session timers, and what becomes of calls when the socket is lost or the
//! phone loses its registration.

use crate::rig::{CONTACT, Peer, Rig, SDP};
use graceline::call::{Cause, Event};
use graceline::phone::Phone;
use graceline::sip::Name;

/// Connected, and the far end said this of the timer.
fn connected(rig: &mut Rig, headers: &str) -> Peer {
    let invite = rig.call("2002");
    rig.reply(&invite, 200, "b", headers, SDP);
    let ack = rig.request("ACK");
    rig.settle();
    rig.heard();
    Peer::of(&ack)
}

#[test]
fn we_refresh_by_update_at_half_time() {
    let mut rig = Rig::new();
    connected(
        &mut rig,
        &format!("{CONTACT}Session-Expires: 200;refresher=uac\r\n"),
    );
    for _ in 0..3 {
        rig.wait(99_000);
        rig.silence();
        rig.wait(1_500);
        let update = rig.request("UPDATE");
        assert_eq!(
            update.header(Name::SessionExpires),
            Some("200;refresher=uac")
        );
        assert!(update.body().is_empty());
        rig.reply(
            &update,
            200,
            "",
            "Session-Expires: 200;refresher=uac\r\n",
            "",
        );
    }
    assert_eq!(rig.ended(), []);
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_refresh_that_met_a_failed_flow_has_the_registration_looked_at_and_comes_again() {
    let mut rig = Rig::new();
    connected(
        &mut rig,
        &format!("{CONTACT}Session-Expires: 200;refresher=uac\r\n"),
    );
    rig.wait(100_500);
    let update = rig.request("UPDATE");
    let known = rig.registrations().len();
    rig.reply(&update, 430, "", "", "");
    assert_eq!(rig.registrations().len(), known + 2);
    rig.wait(11_000);
    rig.request("UPDATE");
    assert_eq!(rig.ended(), []);
}

#[test]
fn we_refresh_by_reinvite_where_update_is_unknown() {
    let mut rig = Rig::new();
    let contact = "Contact: <sip:far@far.invalid>\r\nAllow: INVITE, BYE\r\n";
    connected(
        &mut rig,
        &format!("{contact}Session-Expires: 200;refresher=uac\r\n"),
    );
    rig.wait(101_000);
    let reinvite = rig.request("INVITE");
    assert_eq!(
        reinvite.header(Name::SessionExpires),
        Some("200;refresher=uac")
    );
    rig.reply(
        &reinvite,
        200,
        "",
        &format!("{contact}Session-Expires: 200;refresher=uac\r\n"),
        SDP,
    );
    rig.request("ACK");
    rig.wait(101_000);
    rig.request("INVITE");
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_refresh_that_nobody_answers_ends_the_call() {
    let mut rig = Rig::new();
    connected(&mut rig, &format!("{CONTACT}Session-Expires: 200\r\n"));
    rig.wait(100_500);
    rig.request("UPDATE");
    rig.wait(33_000);
    rig.request("BYE");
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn a_refresh_that_is_refused_is_tried_again_until_the_end() {
    let mut rig = Rig::new();
    connected(&mut rig, &format!("{CONTACT}Session-Expires: 200\r\n"));
    rig.wait(100_500);
    let mut tries = 0;
    while rig.ended() != [Cause::Failed] {
        let update = rig.request("UPDATE");
        rig.reply(&update, 500, "", "", "");
        tries += 1;
        rig.wait(10_000);
    }
    rig.request("BYE");
    assert!((3..20).contains(&tries), "{tries}");
    rig.over();
}

#[test]
fn who_refreshes_is_read_without_regard_to_case() {
    for refresher in [
        "refresher=UAS",
        "Refresher = uas",
        "x=\"a;refresher=uac\";refresher=Uas",
        "refresher=\"uas\"",
    ] {
        let mut rig = Rig::new();
        let peer = format!("{CONTACT}Session-Expires: 200 ; {refresher}\r\n");
        connected(&mut rig, &peer);
        rig.wait(150_000);
        rig.silence();
        rig.wait(20_000);
        rig.request("BYE");
        assert_eq!(rig.ended(), [Cause::Failed], "{refresher}");
    }
}

#[test]
fn a_far_end_that_does_not_refresh_has_vanished() {
    let mut rig = Rig::new();
    let mut peer = connected(
        &mut rig,
        &format!("{CONTACT}Session-Expires: 200;refresher=uas\r\n"),
    );
    rig.wait(120_000);
    let update = peer.request(
        "UPDATE",
        "Supported: timer\r\nSession-Expires: 200;refresher=uac\r\n",
        "",
    );
    rig.receive(&update);
    let answer = rig.answer(200);
    assert_eq!(
        answer.header(Name::SessionExpires),
        Some("200;refresher=uac")
    );
    assert!(answer.has_option(Name::Require, "timer"));
    // 200 s less 32 s.
    rig.wait(167_000);
    assert_eq!(rig.ended(), []);
    rig.wait(1_500);
    rig.request("BYE");
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn without_a_timer_a_call_lasts() {
    let mut rig = Rig::new();
    connected(&mut rig, CONTACT);
    rig.wait(10_000_000);
    rig.silence();
    assert_eq!(rig.ended(), []);
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_caller_that_knows_no_timer_is_refreshed_by_us() {
    let mut rig = Rig::new();
    let mut peer = Peer::caller(1);
    let invite = peer.request("INVITE", "Allow: INVITE, UPDATE\r\n", SDP);
    rig.receive(&invite);
    peer.learn(&rig.answer(180));
    rig.operate(|calls, now, op| calls.answer(now, op, 2, Vec::new()));
    rig.settle();
    let answer = rig.answer(200);
    assert_eq!(
        answer.header(Name::SessionExpires),
        Some("1800;refresher=uas")
    );
    assert!(!answer.has_option(Name::Require, "timer"));
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    rig.wait(901_000);
    let update = rig.request("UPDATE");
    assert_eq!(
        update.header(Name::SessionExpires),
        Some("1800;refresher=uac")
    );
    rig.hangup(2);
    rig.over();
}

#[test]
fn a_call_waits_for_the_socket_and_goes_on() {
    let mut rig = Rig::new();
    rig.connected();
    rig.lose_socket();
    // Asked for while there is no socket.
    let op = rig.operate(|calls, now, op| {
        calls.info(now, op, 1, ("a/b".into(), "x".into()));
    });
    rig.wait(5_000);
    // The far end hears where we are now, and what was asked for.
    let mut said = [rig.sent(), rig.sent()];
    said.sort_by_key(|message| message.method().to_owned());
    let [info, reinvite] = said;
    assert_eq!((info.method(), reinvite.method()), ("INFO", "INVITE"));
    rig.reply(&info, 200, "", "", "");
    rig.reply(&reinvite, 200, "", CONTACT, SDP);
    rig.request("ACK");
    let heard = rig.heard();
    assert_eq!(crate::rig::done(&heard), [(op, None)]);
    assert_eq!(heard.len(), 1, "{heard:?}");
    rig.wait(30_000);
    assert_eq!(rig.ended(), []);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

/// RFC 3261 §9.1: an INVITE that is not answered within 64·T1 of its CANCEL is over.
#[test]
fn a_cancelled_invite_without_an_answer_ends() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 180, "b", CONTACT, "");
    rig.hangup(1);
    let cancel = rig.request("CANCEL");
    rig.reply(&cancel, 200, "b", "", "");
    rig.over();
}

/// It goes out again on every flow, which is no answer to a challenge.
#[test]
fn a_request_that_loses_flow_after_flow_is_still_sent() {
    let mut rig = Rig::new();
    rig.connected();
    let op = rig.hangup(1);
    for _ in 0..5 {
        rig.request("BYE");
        rig.lose_socket();
        rig.wait(11_000);
    }
    let bye = rig.request("BYE");
    rig.reply(&bye, 200, "", "", "");
    assert_eq!(rig.settled(), [(op, None)]);
    rig.over();
}

#[test]
fn logging_out_hangs_up() {
    let mut rig = Rig::new();
    rig.connected();
    let invite = Peer::caller(1).request("INVITE", "", SDP);
    rig.receive(&invite);
    rig.answer(180);
    rig.act(Phone::unregister);
    rig.request("BYE");
    rig.answer(480);
    assert_eq!(rig.ended(), [Cause::Local, Cause::Local]);
    rig.over();
}

#[test]
fn another_tab_takes_over_in_every_state() {
    let mut rig = Rig::new();
    rig.connected();
    // Being made, on its way, ringing there, ringing here, being answered.
    rig.media_works = false;
    let options = graceline::call::CallOptions::default;
    rig.act(|phone, now| phone.call(now, 3, "2003", options()));
    rig.media_works = true;
    rig.call_with(5, "2004", options());
    let ringing = rig.call_with(7, "2005", options());
    rig.reply(&ringing, 180, "r", CONTACT, "");
    for number in [1, 2] {
        let invite = Peer::caller(number).request("INVITE", "", SDP);
        rig.receive(&invite);
        rig.answer(180);
    }
    rig.operate(|calls, now, op| calls.answer(now, op, 4, Vec::new()));
    rig.heard();
    rig.act(Phone::silence);
    let mut said: Vec<_> = (0..4)
        .map(|_| {
            let message = rig.sent();
            (message.method().to_owned(), message.status())
        })
        .collect();
    said.sort();
    let word = |method: &str, status| (method.to_owned(), status);
    let expected = [
        word("", 480),
        word("", 480),
        word("BYE", 0),
        word("CANCEL", 0),
    ];
    assert_eq!(said, expected);
    rig.silence();
    let heard = rig.heard();
    let ended = heard.iter().filter(|event| {
        matches!(
            event,
            Event::Ended {
                cause: Cause::ConnectionTerminated,
                ..
            }
        )
    });
    assert_eq!(ended.count(), 6, "{heard:?}");
    rig.over();
}

#[test]
fn a_far_end_cannot_make_us_refresh_all_the_time() {
    for interval in [0, 1, 89] {
        let mut rig = Rig::new();
        connected(
            &mut rig,
            &format!("{CONTACT}Session-Expires: {interval};refresher=uac\r\n"),
        );
        rig.wait(44_000);
        rig.silence();
        rig.wait(1_500);
        rig.request("UPDATE");
        rig.hangup(1);
        rig.over();
    }
}

#[test]
fn a_page_that_is_left_hangs_up_unless_the_far_end_can_wait_for_it() {
    for (supported, waits) in [
        ("Supported: timer, replaces\r\n", true),
        ("Supported: timer\r\n", false),
        ("", false),
    ] {
        let mut rig = Rig::new();
        connected(&mut rig, &format!("{CONTACT}{supported}"));
        rig.leave();
        let stored = rig.stored.clone().unwrap_or_default();
        assert_eq!(stored.contains("\ncall\t"), waits, "{stored}");
        if !waits {
            rig.request("BYE");
        }
        rig.silence();
        assert_eq!(rig.ended(), [Cause::Local]);
    }
}

/// RFC 4028 §7.2: the far end wants the timer no more.
#[test]
fn an_answer_that_says_nothing_of_the_timer_stops_it() {
    let mut rig = Rig::new();
    connected(
        &mut rig,
        &format!("{CONTACT}Session-Expires: 200;refresher=uac\r\n"),
    );
    rig.wait(100_500);
    let update = rig.request("UPDATE");
    rig.reply(&update, 200, "", CONTACT, "");
    rig.wait(1_000_000);
    rig.silence();
    assert_eq!(rig.ended(), []);
    rig.hangup(1);
    rig.over();
}
