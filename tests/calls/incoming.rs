//! Calls that come in: CANCEL and its races, lost ACKs, reliable 180, requests
//! that are refused.

use crate::rig::{CONTACT, Peer, Rig, SDP};
use graceline::call::{Cause, Event};
use graceline::sip::Name;

/// A call that rings, its caller and its id.
fn ringing(rig: &mut Rig) -> (Peer, u32) {
    let mut peer = Peer::caller(1);
    let invite = peer.request("INVITE", "Supported: timer\r\n", SDP);
    rig.receive(&invite);
    peer.learn(&rig.answer(180));
    (peer, call_of(rig))
}

fn call_of(rig: &mut Rig) -> u32 {
    let heard = rig.heard();
    let call = heard.iter().find_map(|event| match event {
        Event::Incoming { call, .. } => Some(*call),
        _ => None,
    });
    call.unwrap_or_else(|| panic!("no call: {heard:?}"))
}

fn accept(rig: &mut Rig, call: u32) -> u32 {
    rig.operate(|calls, now, op| calls.answer(now, op, call, Vec::new()))
}

#[test]
fn an_answered_call_is_acknowledged_late() {
    let mut rig = Rig::new();
    let (mut peer, call) = ringing(&mut rig);
    let op = accept(&mut rig, call);
    rig.settle();
    let accepted = rig.answer(200);
    assert_eq!(rig.settled(), [(op, None)]);
    assert!(accepted.header(Name::Contact).is_some());
    assert!(accepted.has_option(Name::Supported, "timer"));
    // The ACK is lost, and the 2xx comes again at growing intervals.
    rig.wait(3_600);
    for _ in 0..3 {
        rig.answer(200);
    }
    rig.silence();
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    rig.wait(30_000);
    rig.silence();
    let bye = peer.request("BYE", "", "");
    rig.receive(&bye);
    rig.answer(200);
    assert_eq!(rig.ended(), [Cause::Remote]);
    rig.over();
}

#[test]
fn without_any_ack_the_call_ends_after_32_seconds() {
    let mut rig = Rig::new();
    let (peer, call) = ringing(&mut rig);
    accept(&mut rig, call);
    rig.wait(31_900);
    assert_eq!(rig.ended(), []);
    for _ in 0..11 {
        rig.answer(200);
    }
    rig.wait(200);
    rig.request("BYE");
    assert_eq!(rig.ended(), [Cause::Failed]);
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    rig.silence();
    rig.over();
}

#[test]
fn a_callee_that_hangs_up_at_once_waits_for_the_ack() {
    let mut rig = Rig::new();
    let (peer, call) = ringing(&mut rig);
    accept(&mut rig, call);
    rig.settle();
    rig.answer(200);
    rig.hangup(call);
    assert_eq!(rig.ended(), [Cause::Local]);
    rig.silence();
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_cancel_while_the_answer_is_made_wins() {
    let mut rig = Rig::new();
    let (peer, call) = ringing(&mut rig);
    let op = accept(&mut rig, call);
    let mut cancelling = peer.clone();
    cancelling.to = "<sip:2001@example.com>".into();
    let cancel = cancelling.numbered("CANCEL", peer.cseq, "", "");
    rig.receive(&cancel);
    assert_eq!(rig.answer(200).cseq().expect("a CSeq").method, "CANCEL");
    assert_eq!(rig.answer(487).cseq().expect("a CSeq").method, "INVITE");
    let heard = rig.heard();
    assert_eq!(crate::rig::done(&heard), [(op, Some("eCallFailed"))]);
    let last = heard.last().expect("an end");
    assert!(
        matches!(
            last,
            Event::Ended {
                cause: Cause::Cancelled,
                ..
            }
        ),
        "{heard:?}"
    );
    // The handler comes too late.
    rig.settle();
    rig.silence();
    rig.over();
}

#[test]
fn a_cancel_after_the_2xx_changes_nothing() {
    let mut rig = Rig::new();
    let (peer, call) = ringing(&mut rig);
    accept(&mut rig, call);
    rig.settle();
    rig.answer(200);
    let mut cancelling = peer.clone();
    cancelling.to = "<sip:2001@example.com>".into();
    let cancel = cancelling.numbered("CANCEL", peer.cseq, "", "");
    rig.receive(&cancel);
    assert_eq!(rig.answer(200).cseq().expect("a CSeq").method, "CANCEL");
    assert_eq!(rig.ended(), []);
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    rig.receive(&cancel);
    rig.answer(481);
    rig.hangup(call);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_cancel_tells_what_another_device_did() {
    for (reason, cause) in [
        ("", Cause::Cancelled),
        (
            "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n",
            Cause::AnsweredElsewhere,
        ),
        (
            "Reason: Q.850;cause=16, SIP ;cause=200\r\n",
            Cause::AnsweredElsewhere,
        ),
        ("Reason: Q.850;cause=26\r\n", Cause::AnsweredElsewhere),
        (
            "Reason: SIP ; cause = 200 ; text=\"Call completed elsewhere\"\r\n",
            Cause::AnsweredElsewhere,
        ),
        (
            "Reason: q.850 ;text=\"a; cause=16, b\"; Cause=\"26\"\r\n",
            Cause::AnsweredElsewhere,
        ),
        (
            "Reason: SIP;cause=487;text=\"x;cause=200\"\r\n",
            Cause::Cancelled,
        ),
        ("Reason: Q.850;cause=200\r\n", Cause::Cancelled),
        ("Reason: Q.850;cause=603\r\n", Cause::Cancelled),
        (
            "Reason: SIP;cause=600;text=\"Busy Everywhere\"\r\n",
            Cause::Rejected,
        ),
        ("Reason: SIP;cause=603\r\n", Cause::Rejected),
        ("Reason: SIP;cause=700\r\n", Cause::Cancelled),
    ] {
        let mut rig = Rig::new();
        let (peer, _) = ringing(&mut rig);
        let cancel = peer.numbered("CANCEL", peer.cseq, reason, "");
        rig.receive(&cancel);
        rig.answer(200);
        rig.answer(487);
        assert_eq!(rig.ended(), [cause], "{reason}");
        rig.over();
    }
}

#[test]
fn a_cancel_of_something_else_is_unknown() {
    let mut rig = Rig::new();
    let (peer, _) = ringing(&mut rig);
    let cancel = peer.numbered("CANCEL", peer.cseq + 1, "", "");
    rig.receive(&cancel);
    rig.answer(481);
    assert_eq!(rig.ended(), []);
}

#[test]
fn the_ways_to_refuse() {
    for status in [480, 486, 488, 600, 603] {
        let mut rig = Rig::new();
        let (_, call) = ringing(&mut rig);
        let op = rig.operate(|calls, now, op| calls.reject(now, op, call, status, Some("No")));
        assert_eq!(rig.answer(status).reason(), "No");
        let heard = rig.heard();
        assert_eq!(crate::rig::done(&heard), [(op, None)]);
        rig.over();
    }
    let mut rig = Rig::new();
    let (_, call) = ringing(&mut rig);
    rig.hangup(call);
    assert_eq!(rig.answer(486).reason(), "Busy Here");
    assert_eq!(rig.ended(), [Cause::Local]);
    // Afterwards there is nothing to be done with it.
    let op = accept(&mut rig, call);
    assert_eq!(rig.settled(), [(op, Some("eInvalidState"))]);
    rig.over();
}

#[test]
fn a_call_that_rings_can_be_sent_elsewhere() {
    for (target, contact) in [
        ("2003", "<sip:2003@example.com>"),
        ("sip:bob@example.net", "<sip:bob@example.net>"),
    ] {
        let mut rig = Rig::new();
        let (_, call) = ringing(&mut rig);
        let op = rig.operate(|calls, now, op| calls.deflect(now, op, call, target));
        assert_eq!(rig.answer(302).header(Name::Contact), Some(contact));
        assert_eq!(crate::rig::done(&rig.heard()), [(op, None)]);
        rig.over();
    }
    let mut rig = Rig::new();
    let (_, call) = ringing(&mut rig);
    let op = rig.operate(|calls, now, op| calls.deflect(now, op, call, "http://nowhere/"));
    assert_eq!(rig.settled(), [(op, Some("eInvalidArgument"))]);
    // It rings on; once it is answered it is too late.
    accept(&mut rig, call);
    rig.settle();
    rig.answer(200);
    let op = rig.operate(|calls, now, op| calls.deflect(now, op, call, "2003"));
    let done = rig.settled();
    assert!(done.contains(&(op, Some("eInvalidState"))), "{done:?}");
}

#[test]
fn nobody_answers_for_three_minutes_or_as_long_as_the_caller_says() {
    for (headers, seconds) in [("", 180), ("Expires: 20\r\n", 20)] {
        let mut rig = Rig::new();
        let invite = Peer::caller(1).request("INVITE", headers, SDP);
        rig.receive(&invite);
        rig.answer(180);
        rig.wait(seconds * 1000 - 100);
        assert_eq!(rig.ended(), []);
        rig.wait(200);
        rig.answer(480);
        assert_eq!(rig.ended(), [Cause::Cancelled]);
        rig.over();
    }
}

#[test]
fn a_180_is_reliable_where_the_caller_insists() {
    let mut rig = Rig::new();
    let mut peer = Peer::caller(1);
    let invite = peer.request("INVITE", "Require: 100rel\r\n", SDP);
    rig.receive(&invite);
    let ringing = rig.answer(180);
    assert!(ringing.has_option(Name::Require, "100rel"));
    let rseq = ringing.header(Name::RSeq).expect("an RSeq").to_owned();
    peer.learn(&ringing);
    rig.wait(1_600);
    rig.answer(180);
    rig.answer(180);
    let number = peer.cseq;
    let wrong = peer.request("PRACK", &format!("RAck: 1 {number} INVITE\r\n"), "");
    rig.receive(&wrong);
    rig.answer(481);
    let prack = peer.request("PRACK", &format!("RAck: {rseq} {number} INVITE\r\n"), "");
    rig.receive(&prack);
    rig.answer(200);
    rig.wait(20_000);
    rig.silence();
    let call = call_of(&mut rig);
    accept(&mut rig, call);
    rig.settle();
    rig.answer(200);
    let ack = peer.numbered("ACK", number, "", "");
    rig.receive(&ack);
    rig.hangup(call);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_180_that_nobody_pracks_ends_the_call() {
    let mut rig = Rig::new();
    let invite = Peer::caller(1).request("INVITE", "Require: 100rel\r\n", SDP);
    rig.receive(&invite);
    rig.wait(31_900);
    for _ in 0..11 {
        rig.answer(180);
    }
    rig.wait(200);
    rig.answer(504);
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn an_invite_without_offer_gets_ours_with_the_answer() {
    let mut rig = Rig::new();
    let mut peer = Peer::caller(1);
    let invite = peer.request("INVITE", "", "");
    rig.receive(&invite);
    rig.answer(180);
    let call = call_of(&mut rig);
    accept(&mut rig, call);
    rig.settle();
    let accepted = rig.answer(200);
    assert!(!accepted.body().is_empty());
    peer.learn(&accepted);
    let ack = peer.numbered("ACK", peer.cseq, "", &SDP.replace("sendrecv", "recvonly"));
    rig.receive(&ack);
    rig.settle();
    assert_eq!(rig.media.directions(call), ("sendrecv", "recvonly"));
    rig.hangup(call);
    rig.request("BYE");
    rig.over();

    // With Require: 100rel a 180 would have to hold the offer: there is none.
    let mut rig = Rig::new();
    let invite = Peer::caller(1).request("INVITE", "Require: 100rel\r\n", "");
    rig.receive(&invite);
    rig.answer(100);
    let call = call_of(&mut rig);
    accept(&mut rig, call);
    rig.settle();
    let mut peer = Peer::caller(1);
    peer.learn(&rig.answer(200));
    // An ACK without the answer: no session.
    let ack = peer.numbered("ACK", 2, "", "");
    rig.receive(&ack);
    rig.request("BYE");
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn an_invite_by_two_ways_is_one_call() {
    let mut rig = Rig::new();
    let mut peer = Peer::caller(1);
    let invite = peer.request("INVITE", "", SDP);
    rig.receive(&invite);
    rig.answer(180);
    rig.receive(&invite.replace("z9hG4bK", "z9hG4bKother"));
    rig.answer(482);
    call_of(&mut rig);
    rig.wait(100_000);
    rig.silence();
}

#[test]
fn what_the_phone_cannot_do_is_said() {
    let mut rig = Rig::new();
    let mut number = 0;
    let mut status = |headers: &str, body: &str| {
        number += 1;
        let invite = Peer::caller(number).request("INVITE", headers, body);
        rig.receive(&invite);
        let answer = rig.sent();
        if answer.status() == 180 {
            let call = call_of(&mut rig);
            rig.hangup(call);
            rig.answer(486);
        }
        answer
    };
    let answer = status("Require: resource-priority\r\n", SDP);
    assert_eq!(
        (answer.status(), answer.header(Name::Unsupported)),
        (420, Some("resource-priority"))
    );
    assert_eq!(status("Require: timer, replaces\r\n", SDP).status(), 180);
    assert_eq!(status("", "SIP/2.0 200 no description").status(), 415);
    let brief = status("Supported: timer\r\nSession-Expires: 60\r\n", SDP);
    assert_eq!(
        (brief.status(), brief.header(Name::MinSe)),
        (422, Some("90"))
    );
    assert_eq!(status("Accept: text/plain\r\n", SDP).status(), 406);
    assert_eq!(status("Accept: text/plain, */*\r\n", SDP).status(), 180);
    assert_eq!(
        status("Replaces: x;to-tag=1;from-tag=2\r\n", SDP).status(),
        481
    );
}

#[test]
fn requests_for_no_call_are_unknown() {
    let mut rig = Rig::new();
    let mut peer = Peer::caller(1);
    peer.to += ";tag=nobody";
    for method in [
        "INVITE", "BYE", "INFO", "UPDATE", "PRACK", "REFER", "NOTIFY",
    ] {
        let request = peer.request(method, "Event: refer\r\n", "");
        rig.receive(&request);
        rig.answer(481);
    }
    let ack = peer.request("ACK", "", "");
    rig.receive(&ack);
    rig.silence();
    // Without a tag some are just as lost.
    let mut peer = Peer::caller(2);
    for (method, status) in [
        ("BYE", 481),
        ("REFER", 603),
        ("OPTIONS", 200),
        ("PUBLISH", 405),
    ] {
        let request = peer.request(method, "Refer-To: <sip:9@example.com>\r\n", "");
        rig.receive(&request);
        let answer = rig.answer(status);
        if status == 200 {
            assert!(answer.has_option(Name::Allow, "INVITE"));
            assert!(answer.has_option(Name::Accept, "application/sdp"));
            assert!(answer.has_option(Name::Supported, "replaces"));
        }
    }
    assert_eq!(rig.heard(), []);
}

#[test]
fn a_notify_is_judged_by_its_event_before_its_body() {
    let mut rig = Rig::new();
    for (event, kind, status) in [
        ("message-summary", "application/simple-message-summary", 200),
        ("Message-Summary ;id=1", "text/x-odd", 200),
        ("message-summary", "", 200),
        ("keep-alive", "", 489),
        ("check-sync;reboot=true", "application/x-odd", 489),
        ("dialog", "application/dialog-info+xml", 489),
        ("", "", 489),
        ("reg", "application/reginfo+xml", 481),
        ("reg", "application/x-odd", 415),
        ("refer", "message/sipfrag", 481),
    ] {
        let headers = format!("Event: {event}\r\nSubscription-State: active\r\n");
        let body = if kind.is_empty() {
            ""
        } else {
            "Messages-Waiting: yes\r\n"
        };
        let notify = Peer::caller(1).request("NOTIFY", &headers, body);
        rig.receive(&notify.replace("message/sipfrag;version=2.0", kind));
        let answer = rig.answer(status);
        let known = answer.has_option(Name::AllowEvents, "message-summary");
        assert_eq!(known, status == 489, "{event}");
    }
    // Within a subscription that nobody has it is as lost as any other.
    let mut peer = Peer::caller(2);
    peer.to += ";tag=nobody";
    rig.receive(&peer.request("NOTIFY", "Event: message-summary\r\n", ""));
    rig.answer(481);
    assert_eq!(rig.heard(), []);
}

#[test]
fn names_are_fit_to_be_shown() {
    let mut rig = Rig::with(|config| config.trust_asserted_identity = Some(true));
    let mut peer = Peer::caller(1);
    peer.from = "\"A\u{202e}<b>\\\"x\\\" \u{7}\" <sip:2002@example.com>;tag=1".into();
    let asserted = "P-Asserted-Identity: \"The Real One\" <sip:2003@example.com>\r\n";
    let invite = peer.request("INVITE", "Authorization: Digest secret\r\n", SDP);
    rig.receive(&invite);
    peer.call_id = "second".into();
    let invite = peer.request("INVITE", asserted, SDP);
    rig.receive(&invite);
    let heard = rig.heard();
    let callers: Vec<_> = heard
        .iter()
        .filter_map(|event| match event {
            Event::Incoming { from, headers, .. } => {
                let secret = |(_, value): &(String, String)| value.contains("secret");
                assert!(!headers.iter().any(secret));
                Some((&*from.display_name, &*from.uri))
            }
            _ => None,
        })
        .collect();
    assert_eq!(callers[0], ("A<b>\"x\" ", "sip:2002@example.com"));
    assert_eq!(callers[1], ("The Real One", "sip:2003@example.com"));
}

/// A request with the To tag of a dialog that nobody has is of nobody's concern,
/// whatever it brings (RFC 3261 §12.2.2).
#[test]
fn requests_of_unknown_dialogs_are_refused() {
    let mut rig = Rig::new();
    let mut stranger = Peer::caller(1);
    stranger.to += ";tag=stranger";
    for method in [
        "MESSAGE", "INFO", "NOTIFY", "REFER", "OPTIONS", "BYE", "UPDATE", "INVITE", "PUBLISH",
    ] {
        let body = if method == "INVITE" { SDP } else { "text" };
        let request = stranger.request(method, "", body);
        let request = request.replace("message/sipfrag;version=2.0", "text/plain");
        rig.receive(&request);
        rig.answer(481);
        assert_eq!(rig.heard(), [], "{method}");
    }
}

#[test]
fn a_message_may_come_within_a_call() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let message = peer.request("MESSAGE", "", "hello");
    let message = message.replace("message/sipfrag;version=2.0", "text/plain");
    rig.receive(&message);
    rig.answer(200);
    assert!(matches!(&rig.heard()[..], [Event::Message { body, .. }] if body == "hello"));
    let before = message.replace("CSeq: 101", "CSeq: 99");
    rig.receive(&before);
    rig.answer(500);
    assert_eq!(rig.heard(), []);
    rig.hangup(1);
    rig.over();
}

#[test]
fn messages_come_and_go() {
    let mut rig = Rig::new();
    let text = Peer::caller(1)
        .request("MESSAGE", "", "SIP/2.0 200 hello")
        .replace("message/sipfrag;version=2.0", "text/plain;charset=utf-8");
    rig.receive(&text);
    rig.answer(200);
    let heard = rig.heard();
    let Event::Message {
        from,
        content_type,
        body,
        ..
    } = &heard[0]
    else {
        panic!("{heard:?}");
    };
    assert_eq!(from.uri, "sip:2002@example.com");
    assert_eq!(
        (&**content_type, &**body),
        ("text/plain", "SIP/2.0 200 hello")
    );

    let content = || ("text/plain".to_owned(), "hi\r\nBye".to_owned());
    let op = rig.operate(|calls, now, op| calls.message(now, op, "2002", content()));
    let message = rig.request("MESSAGE");
    assert_eq!(message.body(), b"hi\r\nBye");
    rig.reply(&message, 202, "x", "", "");
    assert_eq!(rig.settled(), [(op, None)]);
    let op = rig.operate(|calls, now, op| calls.message(now, op, "2002", content()));
    let message = rig.request("MESSAGE");
    rig.reply(&message, 404, "x", "", "");
    assert_eq!(rig.settled(), [(op, Some("eCallFailed"))]);
    let op = rig.operate(|calls, now, op| calls.message(now, op, "2002", content()));
    rig.request("MESSAGE");
    rig.wait(33_000);
    assert_eq!(rig.settled(), [(op, Some("eTimeout"))]);
    let op = rig.operate(|calls, now, op| calls.message(now, op, "", content()));
    assert_eq!(rig.settled(), [(op, Some("eInvalidArgument"))]);
}

/// RFC 3261 §9.2: it belongs to the transaction of its branch.
#[test]
fn a_cancel_of_another_branch_cancels_nothing() {
    let mut rig = Rig::new();
    let (mut peer, call) = ringing(&mut rig);
    peer.to = "<sip:2001@example.com>".into();
    let cancel = peer.numbered("CANCEL", peer.cseq, "", "");
    rig.receive(&cancel.replace("z9hG4bK", "z9hG4bKother"));
    assert_eq!(rig.answer(481).cseq().expect("a CSeq").method, "CANCEL");
    assert_eq!(rig.ended(), []);
    rig.receive(&cancel);
    rig.answer(200);
    rig.answer(487);
    assert_eq!(rig.ended(), [Cause::Cancelled]);
    let op = accept(&mut rig, call);
    assert_eq!(rig.settled(), [(op, Some("eInvalidState"))]);
    rig.over();
}

/// RFC 3261 §14.1: no INVITE of ours while theirs is not through.
#[test]
fn a_hold_waits_for_the_ack() {
    let mut rig = Rig::new();
    let (peer, call) = ringing(&mut rig);
    accept(&mut rig, call);
    rig.settle();
    rig.answer(200);
    let op = rig.operate(|calls, now, op| calls.hold(now, op, call, true));
    rig.settle();
    rig.silence();
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    rig.settle();
    let ours = rig.request("INVITE");
    let held = SDP.replace("sendrecv", "recvonly");
    rig.reply(&ours, 200, "", CONTACT, &held);
    rig.request("ACK");
    rig.settle();
    assert_eq!(rig.settled().last(), Some(&(op, None)));
    rig.hangup(call);
    rig.request("BYE");
    rig.over();
}
