//! Calls whose far end is asked for its offer (RFC 3261 §13.2.1, RFC 3725).

use crate::rig::{CONTACT, Peer, Rig, SDP, done};
use graceline::call::{CallOptions, Cause, Event, Shown};
use graceline::sip::{Message, Name};

const HELD: Shown = Shown::Held {
    local: false,
    remote: true,
};

fn asking() -> (Rig, Message) {
    let mut rig = Rig::new();
    rig.media.asks = true;
    let invite = rig.call("2002");
    (rig, invite)
}

/// Call 1, whose offer the far end made.
fn connected() -> (Rig, Peer) {
    let (mut rig, invite) = asking();
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    rig.settle();
    let ack = rig.request("ACK");
    assert_eq!(rig.states(), [Shown::Calling, Shown::Connected]);
    (rig, Peer::of(&ack))
}

fn bears_answer(ack: &Message) -> bool {
    ack.header(Name::ContentType) == Some("application/sdp") && ack.body().starts_with(b"v=0")
}

#[test]
fn the_ack_bears_the_answer_also_when_the_2xx_comes_again() {
    let (mut rig, invite) = asking();
    assert!(invite.body().is_empty());
    assert_eq!(invite.header(Name::ContentType), None);
    // The first reliable answer would have to bear the offer.
    assert!(!invite.has_option(Name::Supported, "100rel"));
    assert!(invite.has_option(Name::Supported, "timer"));
    rig.reply(&invite, 183, "b", CONTACT, SDP);
    rig.settle();
    assert_eq!(rig.states(), [Shown::Calling], "no answer to us");
    for _ in 0..2 {
        rig.reply(&invite, 200, "b", CONTACT, SDP);
    }
    rig.silence();
    rig.settle();
    let first = rig.request("ACK");
    assert!(bears_answer(&first));
    rig.silence();
    assert_eq!(rig.states(), [Shown::Connected]);
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    let second = rig.request("ACK");
    assert_eq!(second.body(), first.body());
    assert_eq!(
        second.cseq().map(|cseq| cseq.number),
        invite.cseq().map(|cseq| cseq.number)
    );
    // Another fork, which nobody waits for.
    rig.reply(&invite, 200, "c", CONTACT, SDP);
    assert!(rig.request("ACK").body().is_empty());
    assert_eq!(rig.request("BYE").to_tag(), Some("c"));
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn inside_a_call_their_new_offer_counts() {
    let (mut rig, _) = connected();
    for (offer, shown) in [("inactive", HELD), ("sendrecv", Shown::Connected)] {
        let op = rig.operate(|calls, now, op| calls.renegotiate(now, op, 1, false));
        rig.settle();
        let ours = rig.request("INVITE");
        assert!(ours.body().is_empty());
        for _ in 0..2 {
            rig.reply(&ours, 200, "", CONTACT, &SDP.replace("sendrecv", offer));
        }
        rig.silence();
        rig.settle();
        assert!(bears_answer(&rig.request("ACK")));
        rig.reply(&ours, 200, "", CONTACT, SDP);
        assert!(bears_answer(&rig.request("ACK")));
        let heard = rig.heard();
        assert_eq!(done(&heard), [(op, None)]);
        assert!(
            heard.contains(&Event::State {
                call: 1,
                state: shown,
                early: false
            }),
            "{heard:?}"
        );
        assert_eq!(rig.media.directions(1), (offer, offer));
    }
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn who_controls_calls_of_others_has_as_many_as_it_says() {
    let mut rig = Rig::new();
    rig.calls(|calls, _| calls.allow(12));
    for call in 0..12 {
        rig.call_with(2 * call + 1, "2002", CallOptions::default());
    }
    rig.act(|phone, now| phone.call(now, 99, "2002", CallOptions::default()));
    assert_eq!(rig.ended(), [Cause::Failed]);
}

#[test]
fn an_offer_of_ours_may_follow() {
    let (mut rig, _) = connected();
    rig.media.asks = false;
    let op = rig.operate(|calls, now, op| calls.renegotiate(now, op, 1, false));
    rig.settle();
    let ours = rig.request("INVITE");
    assert!(ours.body().starts_with(b"v=0"));
    rig.reply(&ours, 200, "", CONTACT, SDP);
    assert!(rig.request("ACK").body().is_empty());
    rig.settle();
    assert_eq!(rig.settled(), [(op, None)]);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn who_cannot_answer_acknowledges_and_ends_the_call() {
    for inside in [false, true] {
        let (mut rig, mut invite) = asking();
        if inside {
            (rig, _) = connected();
            rig.operate(|calls, now, op| calls.renegotiate(now, op, 1, false));
            rig.settle();
            invite = rig.request("INVITE");
        }
        rig.media.patience = Some(0);
        rig.reply(&invite, 200, "b", CONTACT, SDP);
        rig.settle();
        assert!(rig.request("ACK").body().is_empty());
        rig.request("BYE");
        assert_eq!(rig.ended().last(), Some(&Cause::Failed));
        rig.over();
    }
}

#[test]
fn a_hang_up_while_the_answer_is_made_acknowledges_first() {
    let (mut rig, invite) = asking();
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    rig.hangup(1);
    let ack = rig.request("ACK");
    rig.request("BYE");
    rig.settle();
    rig.silence();
    assert_eq!(rig.ended(), [Cause::Local]);
    // The ACK was lost.
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    assert_eq!(rig.request("ACK").to_tag(), ack.to_tag());
    rig.over();
}

#[test]
fn their_bye_while_the_answer_is_made_leaves_nothing_unacknowledged() {
    let (mut rig, invite) = asking();
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    let mut peer = Peer::of(&invite);
    peer.from += ";tag=b";
    let bye = peer.request("BYE", "", "");
    rig.receive(&bye);
    rig.answer(200);
    rig.request("ACK");
    rig.settle();
    rig.silence();
    assert_eq!(rig.ended(), [Cause::Remote]);
    rig.over();
}

#[test]
fn a_2xx_without_an_offer_makes_no_call_and_changes_none() {
    let (mut rig, invite) = asking();
    rig.reply(&invite, 200, "b", CONTACT, "");
    assert!(rig.request("ACK").body().is_empty());
    rig.request("BYE");
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();

    let (mut rig, _) = connected();
    let op = rig.operate(|calls, now, op| calls.renegotiate(now, op, 1, false));
    rig.settle();
    let ours = rig.request("INVITE");
    rig.media.asks = false;
    rig.reply(&ours, 200, "", CONTACT, "");
    assert!(rig.request("ACK").body().is_empty());
    rig.settle();
    assert_eq!(rig.settled(), [(op, Some("eCallFailed"))]);
    let ours = rig.request("INVITE");
    rig.reply(&ours, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}

#[test]
fn a_glare_is_waited_out_and_asked_again() {
    let (mut rig, mut peer) = connected();
    let op = rig.operate(|calls, now, op| calls.renegotiate(now, op, 1, false));
    rig.settle();
    let ours = rig.request("INVITE");
    let theirs = peer.request("INVITE", "", SDP);
    rig.receive(&theirs);
    rig.answer(491);
    rig.reply(&ours, 491, "", "", "");
    rig.request("ACK");
    rig.wait(5_000);
    let ours = rig.request("INVITE");
    assert!(ours.body().is_empty());
    rig.reply(&ours, 200, "", CONTACT, SDP);
    rig.settle();
    assert!(bears_answer(&rig.request("ACK")));
    assert_eq!(rig.settled(), [(op, None)]);
    rig.hangup(1);
    rig.request("BYE");
    rig.over();
}
