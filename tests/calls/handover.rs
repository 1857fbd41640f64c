//! A call goes on at another host of its phone, after the death of the one that made it.

use crate::rig::{CONTACT, Peer, Rig, SDP};
use graceline::call::{Cause, Event, Shown};
use graceline::sip::{Message, Name};

/// What the app was told last of what another host needs.
fn kept(rig: &mut Rig) -> Option<String> {
    rig.heard().into_iter().rev().find_map(|event| match event {
        Event::Dialog { dialog, .. } => Some(dialog),
        _ => None,
    })
}

fn number(request: &Message) -> u32 {
    request.cseq().map_or(0, |cseq| cseq.number)
}

/// A phone with a call, which hands over; the far end, and what is kept of the call.
fn talking() -> (Rig, Peer, String) {
    let mut rig = Rig::new();
    rig.calls(|calls, _| calls.hand_over());
    let invite = rig.call("2002");
    let routed = format!("{CONTACT}Record-Route: <sip:p1.test;lr>, <sip:p2.test;lr>\r\n");
    rig.reply(&invite, 180, "b", &routed, "");
    assert_eq!(kept(&mut rig), None, "nothing is agreed yet");
    rig.reply(&invite, 200, "b", &routed, SDP);
    let ack = rig.request("ACK");
    rig.settle();
    let dialog = kept(&mut rig).expect("what another host needs");
    (rig, Peer::of(&ack), dialog)
}

/// Another host: it knows no more than what is stored. It is registered, and adopts call 3.
fn adopts(rig: &mut Rig, dialog: &str) {
    rig.reload();
    rig.register(false);
    rig.events.clear();
    rig.calls(|calls, now| {
        calls.hand_over();
        calls.adopt(now, 3, dialog);
    });
    rig.settle();
}

#[test]
fn by_a_reinvite_in_the_same_dialog_with_a_higher_number() {
    let (mut rig, mut peer, dialog) = talking();
    rig.operate(|calls, now, op| calls.info(now, op, 1, ("text/plain".into(), "x".into())));
    let before = rig.request("INFO");
    rig.reply(&before, 200, "", "", "");
    adopts(&mut rig, &dialog);
    let invite = rig.request("INVITE");
    for name in [Name::CallId, Name::From, Name::To] {
        assert_eq!(invite.header(name), before.header(name));
    }
    let routes = |request: &Message| {
        request
            .values(Name::Route)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(routes(&invite), routes(&before));
    assert_eq!(routes(&invite), ["<sip:p2.test;lr>", "<sip:p1.test;lr>"]);
    assert_eq!(invite.request_uri(), before.request_uri());
    assert!(number(&invite) > number(&before));
    rig.reply(&invite, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    assert_eq!(rig.states(), [], "the app knows that it is connected");
    // Theirs go on, too.
    rig.receive(&peer.request("INFO", "", ""));
    rig.answer(200);
    rig.hangup(3);
    let bye = rig.request("BYE");
    assert!(number(&bye) > number(&invite));
    rig.reply(&bye, 200, "", "", "");
    assert_eq!(rig.ended(), [Cause::Local]);
    rig.wait(70_000);
    assert_eq!(rig.phone.calls_left(), 0);
}

#[test]
fn once_more_with_numbers_that_are_higher_still() {
    let (mut rig, _, dialog) = talking();
    adopts(&mut rig, &dialog);
    let first = rig.request("INVITE");
    rig.reply(&first, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    let dialog = kept(&mut rig).expect("what the third host needs");
    adopts(&mut rig, &dialog);
    assert!(number(&rig.request("INVITE")) > number(&first));
}

#[test]
fn a_call_on_hold_stays_on_hold() {
    let (mut rig, _, _) = talking();
    rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    rig.settle();
    let hold = rig.request("INVITE");
    rig.reply(
        &hold,
        200,
        "",
        CONTACT,
        &SDP.replace("sendrecv", "recvonly"),
    );
    rig.request("ACK");
    rig.settle();
    let dialog = kept(&mut rig).expect("told anew");
    adopts(&mut rig, &dialog);
    let invite = rig.request("INVITE");
    let offer = String::from_utf8_lossy(invite.body()).into_owned();
    assert!(offer.contains("a=sendonly"), "{offer}");
    rig.reply(
        &invite,
        200,
        "",
        CONTACT,
        &SDP.replace("sendrecv", "recvonly"),
    );
    rig.request("ACK");
    rig.settle();
    assert_eq!(rig.states(), [], "nothing has changed");
    rig.operate(|calls, now, op| calls.hold(now, op, 3, false));
    rig.settle();
    let resumed = rig.request("INVITE");
    rig.reply(&resumed, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    assert_eq!(rig.states(), [Shown::Connected]);
}

#[test]
fn a_far_end_that_has_hung_up_meanwhile_ends_it() {
    let (mut rig, _, dialog) = talking();
    adopts(&mut rig, &dialog);
    let invite = rig.request("INVITE");
    rig.reply(&invite, 481, "", "", "");
    rig.settle();
    assert_eq!(rig.ended(), [Cause::Failed]);
}

#[test]
fn by_a_phone_that_is_registered() {
    let (mut rig, _, dialog) = talking();
    rig.reload();
    rig.calls(|calls, now| calls.adopt(now, 3, &dialog));
    assert_eq!(rig.ended(), [Cause::Failed]);
}

/// It was kept by the app, where it may have been cut or edited.
#[test]
fn what_makes_no_sense_is_a_call_that_has_ended() {
    let (mut rig, _, dialog) = talking();
    rig.reload();
    rig.register(false);
    rig.events.clear();
    let lines: Vec<_> = dialog.lines().collect();
    for cut in 0..9 {
        let text = lines[..cut].join("\n");
        rig.calls(|calls, now| calls.adopt(now, 5, &text));
        assert_eq!(rig.ended(), [Cause::Failed], "{text}");
    }
    for host in ["", "x", "-1", "4294967295", "65535", "99999999999999999999"] {
        let text = format!("{host}\n{}", lines[1..].join("\n"));
        rig.calls(|calls, now| calls.adopt(now, 5, &text));
        assert_eq!(rig.ended(), [Cause::Failed], "{text}");
    }
    rig.silence();
    // A header of ours does not get longer by it.
    let text = dialog.replace("far.invalid", "far.invalid\r\nX: y");
    rig.calls(|calls, now| calls.adopt(now, 5, &text));
    rig.settle();
    rig.silence();
}
