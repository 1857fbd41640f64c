//! The media handler fails, at every step.

use crate::rig::{CONTACT, Peer, Rig, SDP, done, respond};
use graceline::call::{CallOptions, Cause, Event, Shown};
use graceline::phone::{Fault, Situation};

fn failed(rig: &mut Rig) {
    let heard = rig.heard();
    assert!(
        matches!(
            heard.last(),
            Some(Event::Ended {
                cause: Cause::Failed,
                ..
            })
        ),
        "{heard:?}"
    );
}

#[test]
fn the_first_offer() {
    let mut rig = Rig::new();
    rig.media.patience = Some(0);
    rig.act(|phone, now| phone.call(now, 1, "2002", CallOptions::default()));
    rig.settle();
    rig.silence();
    failed(&mut rig);
    rig.over();
}

#[test]
fn taking_the_first_answer() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.media.patience = Some(0);
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    rig.request("BYE");
    failed(&mut rig);
    rig.over();
}

#[test]
fn making_the_answer() {
    for body in [SDP, ""] {
        let mut rig = Rig::new();
        rig.media.patience = Some(0);
        let invite = Peer::caller(1).request("INVITE", "", body);
        rig.receive(&invite);
        rig.answer(180);
        let op = rig.operate(|calls, now, op| calls.answer(now, op, 2, Vec::new()));
        rig.settle();
        rig.answer(488);
        let heard = rig.heard();
        assert_eq!(done(&heard), [(op, Some("eMediaFailed"))]);
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
fn a_new_offer_is_given_up_and_the_call_goes_on() {
    let mut rig = Rig::new();
    rig.connected();
    rig.media.patience = Some(0);
    let op = rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    rig.media.patience = None;
    rig.settle();
    let heard = rig.heard();
    assert_eq!(done(&heard), [(op, Some("eMediaFailed"))]);
    rig.settle();
    rig.silence();
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn the_answer_to_their_new_offer() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    rig.media.patience = Some(0);
    let theirs = peer.request("INVITE", "", SDP);
    rig.receive(&theirs);
    rig.answer(100);
    rig.media.patience = None;
    rig.settle();
    rig.answer(488);
    rig.settle();
    assert_eq!(rig.heard(), []);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn taking_the_answer_to_a_new_offer_and_the_way_back() {
    for steps in [1, 2] {
        let mut rig = Rig::new();
        rig.connected();
        rig.media.patience = Some(steps);
        rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
        rig.settle();
        let ours = rig.request("INVITE");
        match steps {
            1 => rig.reply(&ours, 200, "", CONTACT, SDP),
            _ => {
                rig.media.patience = Some(0);
                rig.reply(&ours, 488, "", "", "");
            }
        }
        rig.request("ACK");
        rig.settle();
        rig.request("BYE");
        failed(&mut rig);
        rig.over();
    }
}

/// The answer to a hold that the handler cannot take.
fn a_hold_with_a_wrong_answer(rig: &mut Rig) {
    let op = rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    rig.settle();
    let ours = rig.request("INVITE");
    rig.media.patience = Some(0);
    rig.reply(
        &ours,
        200,
        "",
        CONTACT,
        &SDP.replace("sendrecv", "inactive"),
    );
    rig.media.patience = None;
    rig.request("ACK");
    rig.settle();
    let heard = rig.heard();
    assert_eq!(done(&heard), [(op, Some("eMediaFailed"))]);
    assert_eq!(heard.len(), 1, "nobody holds: {heard:?}");
    assert_eq!(rig.media.directions(1), ("sendrecv", "sendrecv"));
}

#[test]
fn after_an_answer_that_cannot_be_taken_both_go_back() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    a_hold_with_a_wrong_answer(&mut rig);
    let ours = rig.request("INVITE");
    let body = String::from_utf8_lossy(ours.body()).into_owned();
    assert!(body.contains("a=sendrecv"), "as agreed before: {body}");
    rig.reply(&ours, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    rig.silence();
    assert_eq!(rig.heard(), []);

    // Their offers and ours work as before.
    let theirs = peer.request("INVITE", "", &SDP.replace("sendrecv", "sendonly"));
    rig.receive(&theirs);
    rig.answer(100);
    rig.settle();
    rig.answer(200);
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    let remote = Shown::Held {
        local: false,
        remote: true,
    };
    assert_eq!(rig.states(), [remote]);
    let op = rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    rig.settle();
    let ours = rig.request("INVITE");
    rig.reply(
        &ours,
        200,
        "",
        CONTACT,
        &SDP.replace("sendrecv", "inactive"),
    );
    rig.request("ACK");
    rig.settle();
    assert_eq!(rig.settled(), [(op, None)]);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_far_end_that_never_answers_rightly_keeps_its_call_and_is_not_asked_for_ever() {
    let mut rig = Rig::new();
    rig.connected();
    for _ in 0..2 {
        a_hold_with_a_wrong_answer(&mut rig);
        let ours = rig.request("INVITE");
        rig.media.patience = Some(0);
        rig.reply(&ours, 200, "", CONTACT, SDP);
        rig.media.patience = None;
        rig.request("ACK");
        rig.wait(60_000);
        rig.silence();
        assert_eq!(rig.heard(), []);
    }
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_2xx_without_an_answer_changes_nothing() {
    let mut rig = Rig::new();
    rig.connected();
    let op = rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    rig.settle();
    let ours = rig.request("INVITE");
    rig.reply(&ours, 200, "", CONTACT, "");
    rig.request("ACK");
    rig.settle();
    let heard = rig.heard();
    assert_eq!(done(&heard), [(op, Some("eCallFailed"))]);
    assert_eq!(heard.len(), 1, "{heard:?}");
    let ours = rig.request("INVITE");
    rig.reply(&ours, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_refused_stream_is_a_hold_and_what_an_inactive_offer_is_answered_is_none() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let refused = SDP.replace("audio 9", "audio 0");
    let remote = Shown::Held {
        local: false,
        remote: true,
    };
    for (body, shown) in [(&*refused, remote), (SDP, Shown::Connected)] {
        let theirs = peer.request("INVITE", "", body);
        rig.receive(&theirs);
        rig.answer(100);
        rig.settle();
        rig.answer(200);
        let ack = peer.numbered("ACK", peer.cseq, "", "");
        rig.receive(&ack);
        assert_eq!(rig.states(), [shown]);
    }
    // We offer to hold with nothing to send: the answer can be but inactive.
    rig.media.mute = true;
    rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    rig.settle();
    let ours = rig.request("INVITE");
    rig.reply(
        &ours,
        200,
        "",
        CONTACT,
        &SDP.replace("sendrecv", "inactive"),
    );
    rig.request("ACK");
    rig.settle();
    let local = Shown::Held {
        local: true,
        remote: false,
    };
    assert_eq!(rig.states(), [local]);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_call_that_falls_silent_ends_and_says_for_how_long() {
    let mut rig = Rig::new();
    rig.connected();
    rig.calls(|calls, now| calls.fail(now, 1, "20"));
    rig.request("BYE");
    let heard = rig.heard();
    let Some(Event::Ended {
        cause: Cause::Failed,
        fault: Some(fault),
        ..
    }) = heard.last()
    else {
        panic!("{heard:?}");
    };
    let told = (fault.at, fault.said.as_deref());
    assert_eq!(told, (Situation::NothingHeard, Some("20")));
    rig.over();
}

#[test]
fn a_refused_change_says_what_the_far_end_said() {
    let mut rig = Rig::new();
    rig.connected();
    let op = rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    rig.settle();
    let ours = rig.request("INVITE");
    let answer = respond(&ours, 488, "", "", "").replace("Whatever", "Not here.");
    rig.receive(&answer);
    rig.request("ACK");
    rig.settle();
    let heard = rig.heard();
    let Some(Event::Done {
        op: done,
        error: Some(error),
        ..
    }) = heard.first()
    else {
        panic!("{heard:?}");
    };
    assert_eq!(*done, op);
    let refused = Fault::answered(Situation::Refused, 488, "Not here.".into());
    assert_eq!(*error, refused);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_handler_that_never_answers_does_not_keep_a_call_alive() {
    let mut rig = Rig::new();
    rig.media_works = false;
    rig.act(|phone, now| phone.call(now, 1, "2002", CallOptions::default()));
    let op = rig.hangup(1);
    assert_eq!(rig.settled()[0], (op, None));
    let mut peer = Peer::caller(1);
    let invite = peer.request("INVITE", "", SDP);
    rig.receive(&invite);
    rig.answer(180);
    let op = rig.operate(|calls, now, op| calls.answer(now, op, 2, Vec::new()));
    rig.wait(200_000);
    rig.answer(480);
    let heard = rig.heard();
    assert_eq!(done(&heard), [(op, Some("eCallFailed"))]);
    rig.over();
}
