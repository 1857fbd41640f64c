//! A call whose flow is lost, or whose far end moves.

use crate::rig::{CONTACT, Peer, Rig, SDP};
use graceline::call::Cause;

/// Where the call's next request goes: it is the BYE.
fn target(rig: &mut Rig) -> String {
    rig.hangup(1);
    let bye = rig.request("BYE");
    rig.over();
    bye.request_uri().to_owned()
}

/// RFC 3261 §12.2.2: a re-INVITE is a target refresh, and so is its 2xx.
#[test]
fn the_target_follows_their_reinvite_and_their_answer_to_ours() {
    const MOVED: &str = "sip:moved@far.invalid;transport=ws";
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let theirs = peer.request("INVITE", "", SDP);
    rig.receive(&theirs.replace("sip:far@far.invalid;transport=ws", MOVED));
    rig.answer(100);
    rig.settle();
    rig.answer(200);
    rig.receive(&peer.numbered("ACK", peer.cseq, "", ""));
    assert_eq!(target(&mut rig), MOVED);

    let mut rig = Rig::new();
    rig.connected();
    rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    rig.settle();
    let ours = rig.request("INVITE");
    rig.reply(&ours, 200, "", &format!("Contact: <{MOVED}>\r\n"), SDP);
    assert_eq!(rig.request("ACK").request_uri(), MOVED);
    rig.settle();
    assert_eq!(target(&mut rig), MOVED);
}

/// Both sides lost their flow, so that each re-INVITE goes where nobody is: it is
/// the one whose Call-ID it is that insists, but not for ever.
#[test]
fn who_made_the_call_id_yields_after_two_seconds() {
    let mut rig = Rig::new();
    rig.connected();
    rig.lose_socket();
    let mut waited = 0;
    while !rig.told().contains("restart: true") {
        rig.wait(100);
        waited += 100;
        assert!(waited < 10_000, "{}", rig.told());
    }
    rig.settle();
    let ours = rig.request("INVITE");
    let mut peer = Peer::of(&ours);
    let theirs = peer.request("INVITE", "", SDP);
    rig.receive(&theirs);
    rig.answer(491);
    rig.wait(2_000);
    let theirs = peer.request("INVITE", "", SDP);
    rig.receive(&theirs);
    rig.settle();
    rig.answer(100);
    rig.answer(200);
    rig.receive(&peer.numbered("ACK", peer.cseq, "", ""));
    rig.wait(20_000);
    rig.silence();
    assert_eq!(rig.ended(), []);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

/// Their offer goes with the flow that the answer would have taken.
#[test]
fn a_flow_lost_while_their_offer_is_answered_takes_the_offer_with_it() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let theirs = peer.request("INVITE", "", &SDP.replace("sendrecv", "sendonly"));
    rig.receive(&theirs);
    rig.answer(100);
    rig.lose_socket();
    rig.settle();
    assert_eq!(rig.media.directions(1), ("sendrecv", "sendrecv"));
    rig.wait(5_000);
    let ours = rig.request("INVITE");
    rig.reply(&ours, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.wait(20_000);
    rig.silence();
    assert_eq!(rig.heard(), []);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

/// A new path was asked for beside a change of hold that was taken back.
#[test]
fn a_restart_that_met_a_glare_is_asked_for_again_whatever_becomes_of_the_hold() {
    let mut rig = Rig::new();
    rig.connected();
    let hold = |rig: &mut Rig, hold| rig.operate(|calls, now, op| calls.hold(now, op, 1, hold));
    let restarts = |rig: &Rig| rig.told().matches("restart: true").count();
    let held = SDP.replace("sendrecv", "recvonly");
    hold(&mut rig, true);
    rig.settle();
    let ours = rig.request("INVITE");
    hold(&mut rig, false);
    rig.operate(|calls, now, op| calls.renegotiate(now, op, 1, true));
    rig.reply(&ours, 200, "", CONTACT, &held);
    rig.request("ACK");
    rig.settle();
    let ours = rig.request("INVITE");
    assert_eq!(restarts(&rig), 1);
    hold(&mut rig, true);
    rig.reply(&ours, 491, "", "", "");
    rig.request("ACK");
    rig.wait(4_500);
    let ours = rig.request("INVITE");
    assert_eq!(restarts(&rig), 2);
    rig.reply(&ours, 200, "", CONTACT, &held);
    rig.request("ACK");
    rig.settle();
    assert!(rig.settled().iter().all(|(_, error)| error.is_none()));
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

/// The far end's proxy has found another way to us: ours back is the same.
#[test]
fn what_follows_goes_by_the_flow_that_the_far_end_used_last() {
    let mut rig = Rig::with(|config| {
        config.connections = vec!["ws://127.0.0.1/".into(), "ws://127.0.0.2/".into()];
    });
    let mut peer = rig.connected();
    let slot = |rig: &Rig| rig.sent.last().expect("a request").socket.0;
    let other = 1 - slot(&rig);
    rig.receive_by((other, 1), &peer.request("OPTIONS", "", ""));
    rig.answer(200);
    rig.hangup(1);
    let bye = rig.request("BYE");
    assert_eq!(slot(&rig), other);
    rig.reply(&bye, 200, "", "", "");
    rig.over();
}

/// The server sends it again to the device that came back while its user's others ring.
#[test]
fn what_rang_on_a_lost_flow_may_ring_on_the_next() {
    let mut rig = Rig::new();
    let invite = Peer::caller(1).request("INVITE", "", SDP);
    rig.receive(&invite);
    rig.answer(180);
    rig.lose_socket();
    assert_eq!(rig.ended(), [Cause::Failed]);
    let registered = rig.registrations().len();
    rig.wait(5_000);
    assert!(rig.registrations().len() > registered);
    rig.receive(&invite);
    rig.answer(180);
    // By two ways at once it is one call all the same.
    rig.receive(&invite.replace("branch=", "branch=z9hG4bKother"));
    rig.answer(482);
    assert_eq!(rig.ended(), []);
}
