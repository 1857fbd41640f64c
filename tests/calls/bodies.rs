//! Descriptions in bodies of several parts (RFC 5621).

use crate::rig::{CONTACT, Peer, Rig, SDP, respond};
use graceline::call::{Event, Shown};
use graceline::sip::Name;

/// `message` whose description is one part of two.
fn mixed(message: &str) -> String {
    let (head, sdp) = message.split_once("\r\n\r\n").expect("a head");
    let body = format!(
        "--b1\r\nContent-Type: application/ISUP;version=itu-t92+\r\n\r\n\u{1}\u{7f}\r\n\
         --b1\r\nContent-Disposition: session\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b1--\r\n"
    );
    let lines = head.split("\r\n").map(|line| match line {
        line if line.starts_with("Content-Type") => {
            "Content-Type: multipart/mixed; boundary=\"b1\"".to_owned()
        }
        line if line.starts_with("Content-Length") => format!("Content-Length: {}", body.len()),
        line => line.to_owned(),
    });
    let head = lines.collect::<Vec<_>>().join("\r\n");
    format!("{head}\r\n\r\n{body}")
}

#[test]
fn an_answer_may_bring_its_description_among_other_parts() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.receive(&mixed(&respond(&invite, 183, "b", CONTACT, SDP)));
    rig.settle();
    let early = rig
        .heard()
        .into_iter()
        .any(|event| matches!(event, Event::State { early: true, .. }));
    assert!(early, "{}", rig.told());
    rig.receive(&mixed(&respond(&invite, 200, "b", CONTACT, SDP)));
    let ack = rig.request("ACK");
    rig.settle();
    assert_eq!(rig.states().last(), Some(&Shown::Connected));
    // A re-INVITE is read by the same eyes.
    let mut peer = Peer::of(&ack);
    rig.receive(&mixed(&peer.request("INVITE", "", SDP)));
    rig.answer(100);
    rig.settle();
    let accepted = rig.answer(200);
    assert_eq!(accepted.header(Name::ContentType), Some("application/sdp"));
}

#[test]
fn a_call_may_bring_its_offer_among_other_parts() {
    let mut rig = Rig::new();
    let mut peer = Peer::caller(1);
    rig.receive(&mixed(&peer.request("INVITE", "", SDP)));
    peer.learn(&rig.answer(180));
    let heard = rig.heard();
    let [
        Event::Incoming {
            call,
            has_offer: true,
            ..
        },
        ..,
    ] = &heard[..]
    else {
        panic!("{heard:?}");
    };
    let call = *call;
    rig.operate(|calls, now, op| calls.answer(now, op, call, Vec::new()));
    rig.settle();
    rig.answer(200);
    rig.receive(&peer.numbered("ACK", peer.cseq, "", ""));
    assert_eq!(rig.states().last(), Some(&Shown::Connected));
}

#[test]
fn an_ack_may_bring_its_answer_among_other_parts() {
    let mut rig = Rig::new();
    let mut peer = Peer::caller(1);
    rig.receive(&peer.request("INVITE", "", ""));
    peer.learn(&rig.answer(180));
    let heard = rig.heard();
    let [Event::Incoming { call, .. }, ..] = &heard[..] else {
        panic!("{heard:?}");
    };
    let call = *call;
    rig.operate(|calls, now, op| calls.answer(now, op, call, Vec::new()));
    rig.settle();
    rig.answer(200);
    rig.receive(&mixed(&peer.numbered("ACK", peer.cseq, "", SDP)));
    rig.settle();
    assert_eq!(rig.states().last(), Some(&Shown::Connected));
    assert!(rig.ended().is_empty());
}

#[test]
fn parts_without_a_description_are_none() {
    let mut rig = Rig::new();
    let invite = mixed(&Peer::caller(1).request("INVITE", "", SDP));
    rig.receive(&invite.replace("application/sdp", "application/xyz"));
    let refused = rig.answer(415);
    assert!(refused.has_option(Name::Accept, "multipart/mixed"));
    assert!(rig.heard().is_empty());
}
