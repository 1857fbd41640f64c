//! What happens inside a call: holds that cross, refusals that roll back, BYEs
//! that cross, requests out of order.

use crate::rig::{CONTACT, Peer, Rig, SDP};
use graceline::call::{Cause, Event, Shown};
use graceline::sip::Name;

const HELD: Shown = Shown::Held {
    local: true,
    remote: false,
};

fn hold(rig: &mut Rig, hold: bool) -> u32 {
    rig.operate(|calls, now, op| calls.hold(now, op, 1, hold))
}

#[test]
fn glare_where_the_call_id_is_ours() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let op = hold(&mut rig, true);
    rig.settle();
    let ours = rig.request("INVITE");
    // Theirs comes while ours is under way.
    let theirs = peer.request("INVITE", "", SDP);
    rig.receive(&theirs);
    rig.answer(491);
    rig.reply(&ours, 491, "", "", "");
    rig.request("ACK");
    rig.wait(2_050);
    rig.silence();
    assert_eq!(rig.settled(), []);
    // Their second attempt is earlier than ours.
    let theirs = peer.request("INVITE", "", SDP);
    rig.receive(&theirs);
    rig.answer(100);
    rig.settle();
    // We want to hold, and say so at once: no further exchange is needed.
    let accepted = rig.answer(200);
    let body = String::from_utf8_lossy(accepted.body()).into_owned();
    assert!(body.contains("a=sendonly"), "{body}");
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    assert_eq!(rig.settled(), [(op, None)]);
    rig.wait(5_000);
    rig.silence();
    rig.hangup(1);
    rig.over();
}

#[test]
fn glare_waits_between_two_and_four_seconds() {
    let mut rig = Rig::new();
    rig.connected();
    let op = hold(&mut rig, true);
    rig.settle();
    for _ in 0..3 {
        let ours = rig.request("INVITE");
        rig.reply(&ours, 491, "", "", "");
        rig.request("ACK");
        rig.wait(2_090);
        rig.silence();
        rig.wait(2_000);
    }
    let ours = rig.request("INVITE");
    rig.reply(
        &ours,
        200,
        "",
        CONTACT,
        &SDP.replace("sendrecv", "recvonly"),
    );
    rig.request("ACK");
    rig.settle();
    let heard = rig.heard();
    assert_eq!(crate::rig::done(&heard), [(op, None)]);
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_callee_yields_sooner() {
    let mut rig = Rig::new();
    let mut peer = Peer::caller(1);
    let invite = peer.request("INVITE", "", SDP);
    rig.receive(&invite);
    peer.learn(&rig.answer(180));
    rig.operate(|calls, now, op| calls.answer(now, op, 2, Vec::new()));
    rig.settle();
    rig.answer(200);
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    rig.operate(|calls, now, op| calls.hold(now, op, 2, true));
    rig.settle();
    let ours = rig.request("INVITE");
    rig.reply(&ours, 491, "", "", "");
    rig.request("ACK");
    rig.wait(2_100);
    rig.request("INVITE");
    rig.hangup(2);
    rig.over();
}

#[test]
fn a_refused_hold_changes_nothing() {
    for status in [400, 403, 488, 500, 603] {
        let mut rig = Rig::new();
        rig.connected();
        let op = hold(&mut rig, true);
        rig.settle();
        let ours = rig.request("INVITE");
        rig.reply(&ours, status, "", "", "");
        rig.request("ACK");
        rig.settle();
        let heard = rig.heard();
        assert_eq!(crate::rig::done(&heard), [(op, Some("eCallFailed"))]);
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(rig.media.directions(1), ("sendrecv", "sendrecv"));
        rig.silence();
        rig.hangup(1);
        rig.request("BYE");
        rig.over();
    }
}

/// Answers our re-INVITE that a flow on its way is lost (RFC 5626 §5.3.1).
fn flow_failed(rig: &mut Rig) {
    let ours = rig.request("INVITE");
    rig.reply(&ours, 430, "", "", "");
    rig.request("ACK");
    rig.settle();
}

#[test]
fn a_flow_that_failed_is_given_time_and_the_registration_looked_at() {
    let mut rig = Rig::new();
    rig.connected();
    let known = rig.registrations().len();
    let op = hold(&mut rig, true);
    rig.settle();
    for _ in 0..3 {
        flow_failed(&mut rig);
        rig.silence();
        rig.wait(1000);
    }
    // A look, and the refresh that follows it.
    assert_eq!(rig.registrations().len(), known + 2, "once");
    let ours = rig.request("INVITE");
    rig.reply(&ours, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    assert_eq!(rig.settled(), [(op, None)]);
    assert_eq!(rig.media.directions(1).0, "sendonly");
    // The next one is another matter, and has its own time.
    hold(&mut rig, false);
    rig.settle();
    flow_failed(&mut rig);
    assert_eq!(rig.registrations().len(), known + 4);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_flow_that_does_not_come_back_costs_the_change_and_not_the_call() {
    let mut rig = Rig::new();
    rig.connected();
    let op = hold(&mut rig, true);
    rig.settle();
    let began = rig.now;
    let mut heard = rig.heard();
    while heard.is_empty() {
        flow_failed(&mut rig);
        heard = rig.heard();
        if heard.is_empty() {
            rig.wait(1000);
        }
    }
    let seconds = (rig.now - began).as_millis() / 1000;
    assert!((12..14).contains(&seconds), "{seconds}");
    let refused = matches!(
        &heard[..],
        [Event::Done { op: settled, error: Some(error), .. }]
            if *settled == op && error.code().as_str() == "eCallFailed" && error.status == Some(430)
    );
    assert!(refused, "{heard:?}");
    rig.wait(5000);
    rig.silence();
    assert_eq!(rig.media.directions(1), ("sendrecv", "sendrecv"));
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_restart_of_ice_is_one_after_a_failed_flow_and_a_glare_too() {
    for (status, headers) in [(430, ""), (491, ""), (422, "Min-SE: 3600\r\n")] {
        let mut rig = Rig::new();
        rig.connected();
        let op = rig.operate(|calls, now, op| calls.renegotiate(now, op, 1, true));
        rig.settle();
        let ours = rig.request("INVITE");
        let restarts = |rig: &Rig| rig.told().matches("restart: true").count();
        assert_eq!(restarts(&rig), 1);
        rig.reply(&ours, status, "", headers, "");
        rig.request("ACK");
        rig.wait(4500);
        let ours = rig.request("INVITE");
        assert_eq!(restarts(&rig), 2, "{status}");
        rig.reply(&ours, 200, "", CONTACT, SDP);
        rig.request("ACK");
        rig.settle();
        assert_eq!(rig.settled(), [(op, None)]);
        rig.hangup(1);
        rig.over();
    }
}

#[test]
fn other_requests_take_a_failed_flow_for_a_refusal() {
    let mut rig = Rig::new();
    rig.connected();
    let info = rig.operate(|calls, now, op| {
        calls.info(now, op, 1, ("text/plain".into(), "x".into()));
    });
    let request = rig.request("INFO");
    rig.reply(&request, 430, "", "", "");
    let refer = rig.operate(|calls, now, op| calls.transfer(now, op, 1, "2003"));
    let request = rig.request("REFER");
    rig.reply(&request, 430, "", "", "");
    assert_eq!(
        rig.settled(),
        [(info, Some("eCallFailed")), (refer, Some("eCallFailed"))]
    );
    rig.silence();
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_far_end_that_forgot_the_call_ends_it() {
    for status in [408, 481] {
        let mut rig = Rig::new();
        rig.connected();
        let op = hold(&mut rig, true);
        rig.settle();
        let ours = rig.request("INVITE");
        rig.reply(&ours, status, "", "", "");
        rig.request("ACK");
        rig.request("BYE");
        let heard = rig.heard();
        assert_eq!(crate::rig::done(&heard), [(op, Some("eCallFailed"))]);
        assert!(matches!(
            heard.last(),
            Some(Event::Ended {
                cause: Cause::Failed,
                ..
            })
        ));
        rig.over();
    }
}

#[test]
fn hold_and_resume_at_once_settle_both() {
    let mut rig = Rig::new();
    rig.connected();
    let first = hold(&mut rig, true);
    let second = hold(&mut rig, false);
    rig.settle();
    // The offer to hold was being made already: it is brought to its end.
    let ours = rig.request("INVITE");
    rig.reply(
        &ours,
        200,
        "",
        CONTACT,
        &SDP.replace("sendrecv", "recvonly"),
    );
    rig.request("ACK");
    rig.settle();
    let ours = rig.request("INVITE");
    rig.reply(&ours, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    let heard = rig.heard();
    assert_eq!(crate::rig::done(&heard), [(first, None), (second, None)]);
    let states: Vec<_> = heard
        .iter()
        .filter_map(|event| match event {
            Event::State { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [HELD, Shown::Connected]);
    // What is so already needs no message.
    let third = hold(&mut rig, false);
    assert_eq!(rig.settled(), [(third, None)]);
    rig.silence();
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_bye_against_our_reinvite() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let op = hold(&mut rig, true);
    rig.settle();
    let ours = rig.request("INVITE");
    let bye = peer.request("BYE", "", "");
    rig.receive(&bye);
    rig.answer(200);
    let heard = rig.heard();
    assert_eq!(crate::rig::done(&heard), [(op, Some("eCallFailed"))]);
    assert!(matches!(
        heard.last(),
        Some(Event::Ended {
            cause: Cause::Remote,
            ..
        })
    ));
    // The answer comes all the same, and wants an ACK.
    rig.reply(&ours, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    rig.silence();
    rig.over();
}

#[test]
fn our_bye_against_their_reinvite() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let theirs = peer.request("INVITE", "", SDP);
    rig.receive(&theirs);
    rig.answer(100);
    rig.hangup(1);
    rig.answer(487);
    rig.request("BYE");
    let again = peer.request("INVITE", "", SDP);
    rig.receive(&again);
    rig.answer(481);
    // Their BYE crosses ours.
    let bye = peer.request("BYE", "", "");
    rig.receive(&bye);
    rig.answer(200);
    assert_eq!(rig.ended(), [Cause::Local]);
    rig.over();
}

#[test]
fn their_reinvite_is_cancelled_and_rolled_back() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let theirs = peer.request("INVITE", "", &SDP.replace("sendrecv", "sendonly"));
    rig.receive(&theirs);
    rig.answer(100);
    let cancel = peer.numbered("CANCEL", peer.cseq, "", "");
    rig.receive(&cancel);
    rig.answer(200);
    rig.answer(487);
    rig.settle();
    assert_eq!(rig.heard(), []);
    assert_eq!(rig.media.directions(1), ("sendrecv", "sendrecv"));
    let op = hold(&mut rig, true);
    rig.settle();
    rig.request("INVITE");
    rig.hangup(1);
    assert_eq!(rig.settled()[0], (op, Some("eCallFailed")));
    rig.over();
}

#[test]
fn requests_wait_their_turn() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    // Two of theirs at once: the second comes later.
    let first = peer.request("INVITE", "", SDP);
    rig.receive(&first);
    rig.answer(100);
    let second = peer.request("UPDATE", "", SDP);
    rig.receive(&second);
    assert!(rig.answer(500).header(Name::RetryAfter).is_some());
    rig.settle();
    rig.answer(200);
    // An old one.
    let old = peer.numbered("INFO", peer.cseq - 1, "", "");
    rig.receive(&old);
    rig.answer(500);
    let ack = peer.numbered("ACK", peer.cseq - 1, "", "");
    rig.receive(&ack);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn an_offer_that_comes_while_our_answer_is_taken_is_not_lost() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    let ack = rig.request("ACK");
    let mut peer = Peer::of(&ack);
    let theirs = peer.request("INVITE", "", &SDP.replace("sendrecv", "sendonly"));
    rig.receive(&theirs);
    rig.settle();
    rig.answer(100);
    rig.answer(200);
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    let remote = Shown::Held {
        local: false,
        remote: true,
    };
    assert_eq!(rig.states().last(), Some(&remote));
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_reinvite_without_offer_gets_ours() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let theirs = peer.request("INVITE", "", "");
    rig.receive(&theirs);
    rig.answer(100);
    rig.settle();
    assert!(!rig.answer(200).body().is_empty());
    // Ours is out: an UPDATE of theirs would be a glare.
    let update = peer.request("UPDATE", "", SDP);
    rig.receive(&update);
    rig.answer(491);
    let ack = peer.numbered(
        "ACK",
        peer.cseq - 1,
        "",
        &SDP.replace("sendrecv", "sendonly"),
    );
    rig.receive(&ack);
    rig.settle();
    let remote = Shown::Held {
        local: false,
        remote: true,
    };
    assert_eq!(rig.states(), [remote]);

    // Without an answer in the ACK nothing has changed.
    let theirs = peer.request("INVITE", "", "");
    rig.receive(&theirs);
    rig.answer(100);
    rig.settle();
    rig.answer(200);
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    rig.settle();
    assert_eq!(rig.heard(), []);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_reinvite_whose_2xx_nobody_acknowledges_ends_the_call() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let theirs = peer.request("INVITE", "", SDP);
    rig.receive(&theirs);
    rig.wait(32_100);
    rig.answer(100);
    for _ in 0..11 {
        rig.answer(200);
    }
    rig.request("BYE");
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn the_far_end_may_count_from_zero() {
    for method in ["BYE", "INFO", "UPDATE"] {
        let mut rig = Rig::new();
        let peer = rig.connected();
        rig.receive(&peer.numbered(method, 0, "", ""));
        rig.answer(200);
        // And not from there again.
        rig.receive(&peer.numbered("INFO", 0, "", ""));
        rig.answer(500);
        rig.receive(&peer.numbered("OPTIONS", 1, "", ""));
        rig.answer(if method == "BYE" { 481 } else { 200 });
    }
}

#[test]
fn the_target_follows_the_far_end() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let update = peer
        .request("UPDATE", "", "")
        .replace("sip:far@far.invalid", "sip:moved@far.invalid");
    rig.receive(&update);
    rig.answer(200);
    rig.hangup(1);
    let bye = rig.request("BYE");
    assert_eq!(bye.request_uri(), "sip:moved@far.invalid;transport=ws");
    rig.over();
}

#[test]
fn info_goes_both_ways() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let dtmf = || {
        (
            "application/dtmf-relay".to_owned(),
            "Signal=5\r\nDuration=160".to_owned(),
        )
    };
    let op = rig.operate(|calls, now, op| calls.info(now, op, 1, dtmf()));
    let info = rig.request("INFO");
    assert_eq!(
        info.header(Name::ContentType),
        Some("application/dtmf-relay")
    );
    rig.reply(&info, 200, "", "", "");
    assert_eq!(rig.settled(), [(op, None)]);
    // 405 to INFO hurts INFO alone (RFC 5057).
    let op = rig.operate(|calls, now, op| calls.info(now, op, 1, dtmf()));
    let info = rig.request("INFO");
    rig.reply(&info, 405, "", "", "");
    let heard = rig.heard();
    assert_eq!(crate::rig::done(&heard), [(op, Some("eCallFailed"))]);
    assert_eq!(heard.len(), 1);

    let info = peer.request("INFO", "", "SIP/2.0 100 x");
    rig.receive(&info);
    rig.answer(200);
    let heard = rig.heard();
    assert!(matches!(&heard[0], Event::Info { body, .. } if body == "SIP/2.0 100 x"));
    let package = peer.request("INFO", "Info-Package: foo\r\n", "");
    rig.receive(&package);
    assert_eq!(
        rig.answer(469).header_named("Recv-Info"),
        Some("trickle-ice")
    );
    rig.hangup(1);
    rig.over();
}

#[test]
fn candidates_trickle_where_the_far_end_takes_them() {
    let mut rig = Rig::new();
    rig.connected();
    rig.calls(|calls, now| calls.candidates(now, 1, "a=candidate".into()));
    rig.silence();
    rig.hangup(1);

    let mut rig = Rig::new();
    let invite = rig.call("2002");
    let trickle = format!("{CONTACT}Supported: trickle-ice\r\n");
    rig.reply(&invite, 200, "b", &trickle, SDP);
    let mut peer = Peer::of(&rig.request("ACK"));
    rig.settle();
    rig.calls(|calls, now| calls.candidates(now, 1, "a=candidate".into()));
    let info = rig.request("INFO");
    assert_eq!(info.header(Name::InfoPackage), Some("trickle-ice"));
    assert_eq!(
        info.header(Name::ContentType),
        Some("application/trickle-ice-sdpfrag")
    );
    // While it is under way only the newest waits.
    for fragment in ["a=second", "a=third"] {
        rig.calls(|calls, now| calls.candidates(now, 1, fragment.into()));
    }
    rig.silence();
    rig.reply(&info, 200, "", "", "");
    let info = rig.request("INFO");
    assert_eq!(info.body(), b"a=third");
    rig.reply(&info, 200, "", "", "");
    rig.silence();
    let theirs = peer
        .request("INFO", "Info-Package: trickle-ice\r\n", "SIP/2.0 a=mid:0")
        .replace(
            "message/sipfrag;version=2.0",
            "application/trickle-ice-sdpfrag",
        );
    rig.receive(&theirs);
    rig.answer(200);
    let heard = rig.heard();
    let came = |event: &Event| matches!(event, Event::Candidates { .. });
    assert!(heard.iter().any(came), "{heard:?}");
    rig.hangup(1);
    rig.over();
}

#[test]
fn operations_on_calls_that_are_not_there_are_answered() {
    let mut rig = Rig::new();
    let content = || ("a/b".to_owned(), String::new());
    let ops = [
        rig.operate(|calls, now, op| calls.hold(now, op, 7, true)),
        rig.operate(|calls, now, op| calls.hangup(now, op, 7)),
        rig.operate(|calls, now, op| calls.answer(now, op, 7, Vec::new())),
        rig.operate(|calls, now, op| calls.reject(now, op, 7, 486, None)),
        rig.operate(|calls, now, op| calls.renegotiate(now, op, 7, true)),
        rig.operate(|calls, now, op| calls.transfer(now, op, 7, "2003")),
        rig.operate(|calls, now, op| calls.transfer_to(now, op, 7, 9)),
        rig.operate(|calls, now, op| calls.info(now, op, 7, content())),
    ];
    let expected: Vec<_> = ops
        .into_iter()
        .map(|op| (op, Some("eInvalidState")))
        .collect();
    assert_eq!(rig.settled(), expected);
    // Before it is connected, most of it is too early.
    rig.call("2002");
    let early = rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    let heard = rig.heard();
    assert_eq!(crate::rig::done(&heard), [(early, Some("eInvalidState"))]);
}
