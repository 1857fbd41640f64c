//! Transfers: what the target and the far end may do to them.

use crate::rig::{CONTACT, Peer, Rig, SDP, done};
use graceline::call::{CallOptions, Cause, Event};
use graceline::sip::Name;

fn transfer(rig: &mut Rig) -> u32 {
    rig.operate(|calls, now, op| calls.transfer(now, op, 1, "2003"))
}

fn notify(peer: &mut Peer, state: &str, news: &str) -> String {
    let headers = format!("Event: refer\r\nSubscription-State: {state}\r\n");
    peer.request("NOTIFY", &headers, news)
}

#[test]
fn a_transfer_succeeds_and_the_call_ends() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let op = transfer(&mut rig);
    let refer = rig.request("REFER");
    assert_eq!(refer.header(Name::ReferTo), Some("<sip:2003@example.com>"));
    assert_eq!(
        refer.header(Name::ReferredBy),
        Some("<sip:2001@example.com>")
    );
    rig.reply(&refer, 202, "", CONTACT, "");
    rig.silence();
    for (state, news) in [
        ("active;expires=60", "SIP/2.0 100 Trying"),
        ("active;expires=60", "SIP/2.0 180 Ringing"),
    ] {
        rig.receive(&notify(&mut peer, state, news));
        rig.answer(200);
    }
    rig.wait(60_000);
    assert!(done(&rig.heard()).is_empty(), "it may ring for long");
    rig.receive(&notify(
        &mut peer,
        "terminated;reason=noresource",
        "SIP/2.0 200 OK",
    ));
    rig.answer(200);
    rig.request("BYE");
    let heard = rig.heard();
    assert!(matches!(&heard[0], Event::Transferred { status: 200, .. }));
    assert_eq!(done(&heard), [(op, None)]);
    assert!(matches!(
        heard.last(),
        Some(Event::Ended {
            cause: Cause::Local,
            ..
        })
    ));
    rig.over();
}

#[test]
fn a_target_that_refuses_gives_the_call_back() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let op = transfer(&mut rig);
    let refer = rig.request("REFER");
    rig.reply(&refer, 202, "", CONTACT, "");
    rig.receive(&notify(
        &mut peer,
        "terminated;reason=noresource",
        "SIP/2.0 486 Busy Here",
    ));
    rig.answer(200);
    let heard = rig.heard();
    assert_eq!(done(&heard), [(op, Some("eCallFailed"))]);
    let status = |event: &Event| match event {
        Event::Done {
            error: Some(error), ..
        } => error.status,
        _ => None,
    };
    assert_eq!(heard.iter().find_map(status), Some(486));
    assert_eq!(rig.ended(), []);
    // A second attempt is a new one.
    let op = transfer(&mut rig);
    let refer = rig.request("REFER");
    rig.reply(&refer, 603, "", "", "");
    assert_eq!(rig.settled(), [(op, Some("eCallFailed"))]);
    rig.receive(&notify(&mut peer, "active", "SIP/2.0 100 Trying"));
    rig.answer(481);
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_far_end_that_tells_nothing() {
    // No NOTIFY at all; one that ends without news; none at all wanted.
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let op = transfer(&mut rig);
    let refer = rig.request("REFER");
    rig.reply(&refer, 202, "", CONTACT, "");
    rig.wait(33_000);
    assert_eq!(rig.settled(), [(op, Some("eTimeout"))]);
    let op = transfer(&mut rig);
    let refer = rig.request("REFER");
    rig.reply(&refer, 202, "", CONTACT, "");
    rig.receive(&notify(&mut peer, "terminated", ""));
    rig.answer(200);
    assert_eq!(rig.settled(), [(op, Some("eCallFailed"))]);
    let op = transfer(&mut rig);
    let refer = rig.request("REFER");
    rig.reply(&refer, 202, "", "Refer-Sub: false\r\n", "");
    rig.request("BYE");
    let heard = rig.heard();
    assert_eq!(done(&heard), [(op, None)]);
    rig.over();
}

#[test]
fn a_far_end_whose_every_notify_is_the_last_one() {
    // As SIP.js does.
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let op = transfer(&mut rig);
    let refer = rig.request("REFER");
    rig.reply(&refer, 202, "", CONTACT, "");
    for news in ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing"] {
        rig.receive(&notify(&mut peer, "terminated", news));
        rig.answer(200);
    }
    rig.wait(60_000);
    assert!(done(&rig.heard()).is_empty(), "it may ring for long");
    rig.receive(&notify(&mut peer, "terminated", "SIP/2.0 200 OK"));
    rig.answer(200);
    rig.request("BYE");
    assert_eq!(done(&rig.heard()), [(op, None)]);
    rig.over();
}

/// Many exchanges say no more of a transfer than that they leave.
#[test]
fn whoever_accepts_a_transfer_and_leaves_has_done_it() {
    let trying = ["SIP/2.0 100 Trying"];
    let ringing = ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing"];
    for (status, news) in [
        (202, &[][..]),
        (200, &[]),
        (202, &trying),
        (202, &ringing),
        // A NOTIFY that overtakes the 202 accepts as well.
        (0, &trying),
    ] {
        let mut rig = Rig::new();
        let mut peer = rig.connected();
        let op = transfer(&mut rig);
        let refer = rig.request("REFER");
        if status > 0 {
            rig.reply(&refer, status, "", CONTACT, "");
        }
        for news in news {
            rig.receive(&notify(&mut peer, "active;expires=60", news));
            rig.answer(200);
        }
        rig.receive(&peer.request("BYE", "", ""));
        rig.answer(200);
        let heard = rig.heard();
        assert_eq!(done(&heard), [(op, None)], "{status} {news:?}");
        assert!(matches!(
            heard.last(),
            Some(Event::Ended {
                cause: Cause::Remote,
                ..
            })
        ));
        rig.reply(&refer, 202, "", CONTACT, "");
        rig.over();
    }
    // After bad news the BYE is no success.
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let op = transfer(&mut rig);
    let refer = rig.request("REFER");
    rig.reply(&refer, 202, "", CONTACT, "");
    rig.receive(&notify(&mut peer, "terminated", "SIP/2.0 486 Busy Here"));
    rig.answer(200);
    rig.receive(&peer.request("BYE", "", ""));
    rig.answer(200);
    assert_eq!(rig.settled(), [(op, Some("eCallFailed"))]);
    rig.over();
}

#[test]
fn hanging_up_during_a_transfer_settles_it() {
    for remote in [false, true] {
        let mut rig = Rig::new();
        let mut peer = rig.connected();
        let op = transfer(&mut rig);
        let refer = rig.request("REFER");
        let early = rig.operate(|calls, now, op| calls.transfer(now, op, 1, "2004"));
        assert_eq!(
            rig.settled(),
            [(early, Some("eInvalidState"))],
            "one at a time"
        );
        if remote {
            // Nothing was accepted yet.
            let bye = peer.request("BYE", "", "");
            rig.receive(&bye);
            rig.answer(200);
        } else {
            rig.hangup(1);
            rig.request("BYE");
        }
        rig.reply(&refer, 202, "", CONTACT, "");
        let heard = rig.heard();
        assert_eq!(done(&heard)[0], (op, Some("eCallFailed")));
        // News come too late.
        rig.receive(&notify(&mut peer, "terminated", "SIP/2.0 200 OK"));
        rig.answer(481);
        rig.over();
    }
}

#[test]
fn an_attended_transfer_names_the_other_dialog_as_its_far_end_sees_it() {
    let mut rig = Rig::new();
    rig.connected();
    let invite = rig.call_with(3, "2003", CallOptions::default());
    rig.reply(&invite, 200, "other", CONTACT, SDP);
    let other = rig.request("ACK");
    rig.settle();
    let op = rig.operate(|calls, now, op| calls.transfer_to(now, op, 1, 3));
    let refer = rig.request("REFER");
    let to = refer.header(Name::ReferTo).expect("a Refer-To");
    let tag = other.from_tag().expect("a tag");
    let replaces = format!("{}%3bto-tag%3dother%3bfrom-tag%3d{tag}", other.call_id());
    // Their Contact is no GRUU: the address leads to all their devices.
    assert_eq!(to, format!("<sip:2003@example.com?Replaces={replaces}>"));
    rig.reply(&refer, 202, "", CONTACT, "");
    let lone = rig.operate(|calls, now, op| calls.transfer_to(now, op, 3, 3));
    let heard = rig.heard();
    assert!(done(&heard).contains(&(lone, Some("eInvalidState"))));
    assert!(!done(&heard).iter().any(|(settled, _)| *settled == op));
}

/// A REFER of theirs; what the app is asked.
fn referred(rig: &mut Rig, peer: &mut Peer, headers: &str) -> u32 {
    let refer = peer.request("REFER", headers, "");
    rig.receive(&refer);
    rig.answer(202);
    let heard = rig.heard();
    let refer = heard.iter().find_map(|event| match event {
        Event::Refer {
            refer,
            target,
            referred_by,
            ..
        } => {
            assert_eq!(target, "sip:2003@example.com");
            assert_eq!(referred_by.as_deref(), Some("sip:2002@example.com"));
            Some(*refer)
        }
        _ => None,
    });
    refer.unwrap_or_else(|| panic!("{heard:?}"))
}

const REFER: &str = "Refer-To: <sip:2003@example.com?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n\
                     Referred-By: <sip:2002@example.com>\r\n";

fn news(rig: &mut Rig) -> (String, String) {
    let notify = rig.request("NOTIFY");
    let event = notify.header(Name::Event).expect("an Event").to_owned();
    assert!(event.starts_with("refer"));
    let body = String::from_utf8_lossy(notify.body()).trim().to_owned();
    let state = notify.header(Name::SubscriptionState).expect("a state");
    rig.reply(&notify, 200, "", "", "");
    (body, state.split(';').next().expect("a word").to_owned())
}

fn told(body: &str, state: &str) -> (String, String) {
    (body.into(), state.into())
}

#[test]
fn we_are_transferred_and_tell_how_it_goes() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let refer = referred(&mut rig, &mut peer, REFER);
    assert_eq!(news(&mut rig), told("SIP/2.0 100 Trying", "active"));
    let options = CallOptions {
        refer: Some(refer),
        ..CallOptions::default()
    };
    let invite = rig.call_with(3, "ignored", options);
    assert_eq!(invite.request_uri(), "sip:2003@example.com");
    assert_eq!(
        invite.header(Name::Replaces),
        Some("x@y;to-tag=1;from-tag=2")
    );
    assert_eq!(
        invite.header(Name::ReferredBy),
        Some("<sip:2002@example.com>")
    );
    rig.reply(&invite, 180, "t", CONTACT, "");
    assert_eq!(news(&mut rig), told("SIP/2.0 180 Ringing", "active"));
    rig.reply(&invite, 200, "t", CONTACT, SDP);
    rig.request("ACK");
    assert_eq!(news(&mut rig), told("SIP/2.0 200 OK", "terminated"));
    let bye = peer.request("BYE", "", "");
    rig.receive(&bye);
    rig.answer(200);
    rig.settle();
    assert_eq!(rig.ended(), [Cause::Remote]);
    rig.hangup(3);
    rig.over();
}

#[test]
fn nobody_has_us_call_out_of_the_domain_by_a_transfer() {
    for (target, shown) in [
        ("tel:+19005550100", "tel:+19005550100"),
        (
            "sip:+19005550100@carrier.example",
            "sip:+19005550100@carrier.example",
        ),
        (
            "sip:1@example.com;maddr=192.0.2.1",
            "sip:1@example.com;maddr=192.0.2.1",
        ),
    ] {
        let mut rig = Rig::new();
        let mut peer = rig.connected();
        let refer = peer.request("REFER", &format!("Refer-To: <{target}>\r\n"), "");
        rig.receive(&refer);
        rig.answer(603);
        let heard = rig.heard();
        let told = heard.iter().any(|event| match event {
            Event::Refer { .. } => panic!("{heard:?}"),
            Event::Redirect { uri, followed, .. } => uri == shown && !followed,
            _ => false,
        });
        assert!(told, "{heard:?}");
        rig.hangup(1);
    }
    // Who is to take another's place in a call may be anywhere: its device is.
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let to = "Refer-To: <sip:x@device.invalid?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n";
    let refer = peer.request("REFER", to, "");
    rig.receive(&refer);
    rig.answer(202);
}

#[test]
fn a_transfer_of_us_that_fails_is_told_too() {
    let mut rig = Rig::new();
    let mut peer = rig.connected();
    let refer = referred(&mut rig, &mut peer, REFER);
    news(&mut rig);
    let options = CallOptions {
        refer: Some(refer),
        ..CallOptions::default()
    };
    let invite = rig.call_with(3, "", options);
    rig.reply(&invite, 486, "t", "", "");
    rig.request("ACK");
    assert_eq!(news(&mut rig).0, "SIP/2.0 486 Whatever");
    // The second one in a dialog bears its number; the app does not want it.
    let refer = referred(&mut rig, &mut peer, REFER);
    let notify = rig.request("NOTIFY");
    let id = format!("refer;id={}", peer.cseq);
    assert_eq!(notify.header(Name::Event), Some(&*id));
    rig.calls(|calls, now| calls.refuse_refer(now, refer));
    assert_eq!(news(&mut rig), told("SIP/2.0 603 Decline", "terminated"));
    // Nor does it answer the third.
    referred(&mut rig, &mut peer, REFER);
    news(&mut rig);
    rig.wait(33_000);
    assert_eq!(news(&mut rig), told("SIP/2.0 603 Decline", "terminated"));
    // Whoever wants no news gets none.
    let silent = format!("{REFER}Refer-Sub: false\r\n");
    referred(&mut rig, &mut peer, &silent);
    rig.wait(33_000);
    rig.silence();
    for bad in [
        "",
        "Refer-To: x\r\n",
        "Refer-To: <sip:a@b>\r\nRefer-To: <sip:c@d>\r\n",
    ] {
        let refer = peer.request("REFER", bad, "");
        rig.receive(&refer);
        rig.answer(400);
    }
    let refer = peer.request("REFER", "Refer-To: <sip:a@b;method=BYE>\r\n", "");
    rig.receive(&refer);
    rig.answer(603);
    rig.hangup(1);
    rig.over();
}

#[test]
fn an_invite_takes_the_place_of_a_call() {
    let mut rig = Rig::new();
    let peer = rig.connected();
    let tag = |address: &str| address.rsplit_once("tag=").expect("a tag").1.to_owned();
    let (to, from) = (tag(&peer.to), tag(&peer.from));
    let replaces = |more: &str| {
        format!(
            "Replaces: {};to-tag={to};from-tag={from}{more}\r\n",
            peer.call_id
        )
    };
    let mut third = Peer::caller(7);
    let invite = third.request("INVITE", &replaces(";early-only"), SDP);
    rig.receive(&invite);
    rig.answer(486);
    let invite = third.request("INVITE", &replaces(""), SDP);
    rig.receive(&invite);
    let heard = rig.heard();
    assert!(
        matches!(
            &heard[0],
            Event::Incoming {
                call: 2,
                replaces: Some(1),
                ..
            }
        ),
        "{heard:?}"
    );
    rig.silence();
    rig.operate(|calls, now, op| calls.answer(now, op, 2, Vec::new()));
    rig.settle();
    third.learn(&rig.answer(200));
    let bye = rig.request("BYE");
    assert_eq!(bye.call_id(), peer.call_id);
    assert_eq!(rig.ended(), [Cause::Remote]);
    let ack = third.numbered("ACK", third.cseq, "", "");
    rig.receive(&ack);
    // What has ended cannot be replaced any more.
    let late = third
        .request("INVITE", &replaces(""), SDP)
        .replace(";tag=caller7", ";tag=late");
    let late = late.replacen(&third.to, "<sip:2001@example.com>", 1);
    rig.receive(&late);
    rig.answer(603);
    rig.hangup(2);
    rig.request("BYE");
    rig.over();
}

#[test]
fn an_early_call_of_ours_can_be_replaced_and_one_of_theirs_cannot() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 180, "b", CONTACT, "");
    let own = invite.from_tag().expect("a tag");
    let replaces = format!("Replaces: {};to-tag={own};from-tag=b\r\n", invite.call_id());
    let pickup = Peer::caller(3).request("INVITE", &replaces, SDP);
    rig.receive(&pickup);
    rig.operate(|calls, now, op| calls.answer(now, op, 2, Vec::new()));
    rig.settle();
    rig.answer(200);
    rig.request("CANCEL");
    assert_eq!(rig.ended(), [Cause::Remote]);

    let mut rig = Rig::new();
    let invite = Peer::caller(1).request("INVITE", "", SDP);
    rig.receive(&invite);
    let tag = rig.answer(180).to_tag().expect("a tag").to_owned();
    let replaces = format!("Replaces: call1;to-tag={tag};from-tag=caller1\r\n");
    let pickup = Peer::caller(3).request("INVITE", &replaces, SDP);
    rig.receive(&pickup);
    rig.answer(481);
}
