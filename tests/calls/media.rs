//! The media handler fails, at every step.

use crate::rig::{CONTACT, Peer, Rig, SDP, done};
use graceline::call::{CallOptions, Cause, Event};

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
    rig.calls(|calls, now| calls.call(now, 1, "2002", CallOptions::default()));
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

#[test]
fn a_handler_that_never_answers_does_not_keep_a_call_alive() {
    let mut rig = Rig::new();
    rig.media_works = false;
    rig.calls(|calls, now| calls.call(now, 1, "2002", CallOptions::default()));
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
