//! Calls that the phone makes: forks, CANCEL and its races, reliable provisional
//! answers, redirections, challenges.

use crate::rig::{CONTACT, Peer, Rig, SDP};
use graceline::call::{CallOptions, Cause, Event, FollowRedirects, Shown};
use graceline::phone::{Fault, Phone, Situation};
use graceline::sip::Name;

const RELIABLE: &str = "Require: 100rel\r\nRSeq: 7\r\n";

#[test]
fn the_invite_says_what_the_phone_can_do() {
    let mut rig = Rig::new();
    let options = CallOptions {
        headers: vec![("X-Ticket".into(), "42".into())],
        ..CallOptions::default()
    };
    let invite = rig.call_with(1, "tel:+49-30-1234", options);
    assert_eq!(invite.request_uri(), "sip:+49301234@example.com;user=phone");
    assert_eq!(invite.header_named("X-Ticket"), Some("42"));
    for tag in ["100rel", "timer", "replaces", "trickle-ice"] {
        assert!(invite.has_option(Name::Supported, tag), "{tag}");
    }
    assert!(invite.has_option(Name::Allow, "UPDATE"));
    assert_eq!(invite.header(Name::SessionExpires), Some("1800"));
    let contact = invite.header(Name::Contact).expect("a Contact");
    let claim = rig.phone.contact_user().expect("a claim");
    assert!(!contact.contains(&claim), "far ends never see the claim");
    assert!(!contact.contains("2001"), "{contact}");
    rig.hangup(1);
    rig.over();
}

#[test]
fn an_anonymous_call_tells_nobody_but_the_registrar() {
    let mut rig = Rig::new();
    let options = CallOptions {
        anonymous: true,
        ..CallOptions::default()
    };
    let invite = rig.call_with(1, "2002", options);
    let from = invite.from().expect("a From");
    assert_eq!(from.uri, "sip:anonymous@anonymous.invalid");
    assert_eq!(invite.header_named("Privacy"), Some("id"));
    let preferred = invite.header_named("P-Preferred-Identity");
    assert_eq!(preferred, Some("<sip:2001@example.com>"));
}

#[test]
fn every_further_2xx_is_acknowledged_and_ended() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    for tag in ["a", "b", "c"] {
        rig.reply(&invite, 180, tag, CONTACT, "");
    }
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    assert_eq!(rig.request("ACK").to_tag(), Some("b"));
    rig.reply(&invite, 200, "a", CONTACT, SDP);
    assert_eq!(rig.request("ACK").to_tag(), Some("a"));
    let bye = rig.request("BYE");
    assert_eq!(bye.to_tag(), Some("a"));
    // One that never rang, and a repetition of the one that was ended.
    rig.reply(&invite, 200, "d", CONTACT, SDP);
    assert_eq!(rig.request("ACK").to_tag(), Some("d"));
    assert_eq!(rig.request("BYE").to_tag(), Some("d"));
    rig.reply(&invite, 200, "a", CONTACT, SDP);
    assert_eq!(rig.request("ACK").to_tag(), Some("a"));
    rig.silence();
    // The chosen one did not get its ACK.
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    assert_eq!(rig.request("ACK").to_tag(), Some("b"));
    rig.settle();
    rig.silence();
    let states = rig.states();
    assert_eq!(states, [Shown::Calling, Shown::Ringing, Shown::Connected]);
    rig.hangup(1);
    assert_eq!(rig.request("BYE").to_tag(), Some("b"));
    rig.over();
}

#[test]
fn a_hang_up_before_any_answer_cancels_at_the_first() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.hangup(1);
    assert_eq!(rig.ended(), [Cause::Local]);
    rig.silence();
    rig.reply(&invite, 100, "", "", "");
    let cancel = rig.request("CANCEL");
    assert_eq!(cancel.request_uri(), invite.request_uri());
    assert_eq!(cancel.header(Name::Via), invite.header(Name::Via));
    assert_eq!(cancel.header(Name::To), invite.header(Name::To));
    assert_eq!(
        cancel.cseq().map(|cseq| cseq.number),
        invite.cseq().map(|cseq| cseq.number)
    );
    rig.reply(&invite, 180, "b", CONTACT, "");
    rig.silence();
    rig.reply(&cancel, 200, "x", "", "");
    rig.reply(&invite, 487, "b", "", "");
    let ack = rig.request("ACK");
    assert_eq!(ack.header(Name::Via), invite.header(Name::Via));
    rig.silence();
    assert_eq!(rig.ended(), []);
    rig.over();
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 180, "b", CONTACT, "");
    rig.hangup(1);
    let cancel = rig.request("CANCEL");
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    rig.request("ACK");
    let bye = rig.request("BYE");
    rig.reply(&cancel, 481, "x", "", "");
    rig.reply(&bye, 200, "", "", "");
    // Retransmitted, because the ACK was lost.
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    rig.request("ACK");
    rig.silence();
    assert_eq!(rig.ended(), [Cause::Local]);
    rig.over();
}

#[test]
fn a_2xx_without_any_provisional_answer_after_the_hang_up() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.hangup(1);
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    rig.request("ACK");
    rig.request("BYE");
    rig.silence();
    assert_eq!(rig.ended(), [Cause::Local]);
    rig.over();
}

#[test]
fn a_hang_up_before_the_offer_is_made_sends_nothing() {
    let mut rig = Rig::new();
    rig.act(|phone, now| phone.call(now, 1, "2002", CallOptions::default()));
    rig.hangup(1);
    rig.settle();
    rig.silence();
    assert_eq!(rig.ended(), [Cause::Local]);
    rig.over();
}

#[test]
fn it_rings_for_minutes_and_nobody_answers_for_32_seconds() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 180, "b", CONTACT, "");
    rig.wait(600_000);
    assert_eq!(rig.ended(), []);
    rig.reply(&invite, 486, "b", "", "");
    rig.request("ACK");
    assert_eq!(rig.ended(), [Cause::Rejected]);
    rig.over();

    let mut rig = Rig::new();
    rig.call("2002");
    rig.wait(31_000);
    assert_eq!(rig.ended(), []);
    rig.wait(2_000);
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn reliable_answers_are_pracked_in_their_own_dialog_and_in_order() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 183, "a", &format!("{CONTACT}{RELIABLE}"), SDP);
    let prack = rig.request("PRACK");
    let cseq = invite.cseq().expect("a CSeq").number;
    let rack = format!("7 {cseq} INVITE");
    assert_eq!(prack.header(Name::RAck), Some(&*rack));
    assert_eq!(prack.to_tag(), Some("a"));
    assert_eq!(prack.request_uri(), "sip:far@far.invalid;transport=ws");
    // Again, and one too far: neither is acknowledged.
    rig.reply(&invite, 183, "a", &format!("{CONTACT}{RELIABLE}"), SDP);
    let ninth = format!("{CONTACT}Require: 100rel\r\nRSeq: 9\r\n");
    rig.reply(&invite, 180, "a", &ninth, "");
    rig.silence();
    // Another fork counts for itself.
    rig.reply(&invite, 180, "b", &format!("{CONTACT}{RELIABLE}"), "");
    assert_eq!(rig.request("PRACK").to_tag(), Some("b"));
    let eighth = format!("{CONTACT}Require: 100rel\r\nRSeq: 8\r\n");
    rig.reply(&invite, 180, "a", &eighth, "");
    assert_eq!(rig.request("PRACK").to_tag(), Some("a"));
    rig.settle();
    let heard = rig.heard();
    let early = |event: &Event| matches!(event, Event::State { early: true, .. });
    assert!(heard.iter().any(early), "{heard:?}");
    // The answer was given reliably: the 2xx says nothing of it.
    rig.reply(&invite, 200, "a", CONTACT, "");
    rig.request("ACK");
    rig.settle();
    assert_eq!(rig.states(), [Shown::Connected]);
    assert_eq!(rig.media.directions(1), ("sendrecv", "sendrecv"));
    rig.hangup(1);
    rig.over();
}

#[test]
fn early_media_of_one_fork_give_way_to_the_answer_of_another() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 183, "a", CONTACT, SDP);
    rig.reply(&invite, 183, "b", CONTACT, SDP);
    rig.settle();
    rig.reply(
        &invite,
        200,
        "b",
        CONTACT,
        &SDP.replace("sendrecv", "sendonly"),
    );
    rig.request("ACK");
    rig.settle();
    assert_eq!(rig.media.directions(1), ("sendrecv", "sendonly"));
    rig.hangup(1);
    rig.over();
}

#[test]
fn an_update_may_come_before_the_answer() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    // Too early: our offer has no answer yet.
    rig.reply(&invite, 180, "a", CONTACT, "");
    let mut peer = Peer::of(&invite);
    peer.from += ";tag=a";
    let update = peer.request("UPDATE", "", SDP);
    rig.receive(&update);
    rig.answer(491);
    // Without an offer it only refreshes the target.
    let update = peer.request("UPDATE", "", "");
    rig.receive(&update);
    rig.answer(200);
    rig.reply(&invite, 183, "a", &format!("{CONTACT}{RELIABLE}"), SDP);
    rig.request("PRACK");
    rig.settle();
    let update = peer.request("UPDATE", "", &SDP.replace("sendrecv", "sendonly"));
    rig.receive(&update);
    rig.settle();
    let answer = rig.answer(200);
    assert!(!answer.body().is_empty());
    assert_eq!(rig.media.directions(1), ("recvonly", "sendonly"));
    rig.reply(&invite, 200, "a", CONTACT, "");
    rig.request("ACK");
    rig.settle();
    rig.silence();
    assert_eq!(rig.states().last(), Some(&Shown::Connected));
    rig.hangup(1);
    rig.over();
}

#[test]
fn an_update_of_one_fork_and_the_answer_of_another() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 183, "a", &format!("{CONTACT}{RELIABLE}"), SDP);
    rig.request("PRACK");
    let mut peer = Peer::of(&invite);
    peer.from += ";tag=a";
    let update = peer.request("UPDATE", "", SDP);
    rig.receive(&update);
    rig.settle();
    rig.answer(200);
    // Media follow the wrong fork: they are agreed upon anew.
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    let reinvite = rig.request("INVITE");
    assert_eq!(reinvite.to_tag(), Some("b"));
    rig.reply(&reinvite, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    rig.silence();
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_redirection_is_followed_by_q_and_not_for_ever() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    let contacts = "Contact: <sip:low@example.com;;>;q=0.3;\r\n\
                    Contact: <sip:high@example.com;user=phone?Route=%3Csip:x%3E>;q=0.8\r\n\
                    Contact: <mailto:x@example.com>\r\n";
    rig.reply(&invite, 302, "r", contacts, "");
    rig.request("ACK");
    let second = rig.request("INVITE");
    assert_eq!(second.request_uri(), "sip:high@example.com;user=phone");
    assert!(second.header(Name::Route).is_none());
    assert_eq!(second.call_id(), invite.call_id());
    assert_eq!(second.header(Name::To), invite.header(Name::To));
    assert!(second.cseq().map(|c| c.number) > invite.cseq().map(|c| c.number));
    rig.reply(&second, 486, "x", "", "");
    rig.request("ACK");
    let third = rig.request("INVITE");
    assert_eq!(third.request_uri(), "sip:low@example.com");
    let mut invite = third;
    let mut followed = 0;
    loop {
        rig.reply(&invite, 302, "r", "Contact: <sip:loop@example.com>\r\n", "");
        rig.request("ACK");
        if rig.ended() == [Cause::Failed] {
            break;
        }
        followed += 1;
        invite = rig.request("INVITE");
    }
    assert!(followed <= 5, "{followed}");
    rig.over();
}

/// Whom and whether it is tried, of every redirection.
fn redirections(events: &[Event]) -> Vec<(&str, bool)> {
    let mut told = Vec::new();
    for event in events {
        if let Event::Redirect { uri, followed, .. } = event {
            told.push((&**uri, *followed));
        }
    }
    told
}

/// Whoever is called could have us call a number that costs, or a host of his own.
#[test]
fn a_redirection_to_elsewhere_is_told_and_not_followed() {
    for (contact, uri) in [
        ("<tel:+19005550100>", "tel:+19005550100"),
        ("<sip:2003@evil.example>", "sip:2003@evil.example"),
        ("<sip:2003@sub.example.com>", "sip:2003@sub.example.com"),
        ("<sip:2003@example.com.evil>", "sip:2003@example.com.evil"),
        (
            "<sip:example.com@evil.example>",
            "sip:example.com@evil.example",
        ),
        (
            "<sip:2003@example.com;maddr=192.0.2.1>",
            "sip:2003@example.com;maddr=192.0.2.1",
        ),
        ("sips:u:pw@host.example", "sips:u@host.example"),
        ("<sip:2003@host.example?Route=x>", "sip:2003@host.example"),
    ] {
        let mut rig = Rig::new();
        let invite = rig.call("2002");
        rig.reply(&invite, 302, "r", &format!("Contact: {contact}\r\n"), "");
        rig.request("ACK");
        rig.silence();
        let heard = rig.heard();
        assert_eq!(redirections(&heard), [(uri, false)], "{contact}");
        let Some(Event::Ended {
            cause: Cause::Failed,
            fault: Some(fault),
            ..
        }) = heard.last()
        else {
            panic!("{heard:?}");
        };
        let redirected = Fault::answered(Situation::Redirected, 302, uri.into());
        assert_eq!(*fault, redirected);
        rig.over();
    }
    for contact in ["<javascript:alert(1)>", "<https://example.com/>", "*"] {
        let mut rig = Rig::new();
        let invite = rig.call("2002");
        rig.reply(&invite, 302, "r", &format!("Contact: {contact}\r\n"), "");
        rig.request("ACK");
        rig.silence();
        let heard = rig.heard();
        assert_eq!(redirections(&heard), [], "{contact}");
        assert!(matches!(heard.last(), Some(Event::Ended { .. })));
    }
}

#[test]
fn a_redirection_within_the_domain_is_followed() {
    for contact in [
        "<sip:2003@example.com>",
        "<SIP:2003@EXAMPLE.com;user=phone>",
        "<sips:2003@example.com:5061>",
        "<sip:2003:secret@example.com>",
        "<sip:2003@example.com?Subject=x>",
    ] {
        let mut rig = Rig::new();
        let invite = rig.call("2002");
        rig.reply(&invite, 302, "r", &format!("Contact: {contact}\r\n"), "");
        rig.request("ACK");
        let again = rig.request("INVITE");
        let uri = again.request_uri();
        assert!(uri.contains("2003") && !uri.contains("secret"), "{uri}");
        assert!(!uri.contains('?'), "{uri}");
        let heard = rig.heard();
        assert!(matches!(redirections(&heard)[..], [(_, true)]), "{heard:?}");
        rig.hangup(1);
        rig.reply(&again, 487, "r", "", "");
        rig.request("ACK");
        rig.over();
    }
}

#[test]
fn the_app_says_which_redirections_are_followed() {
    let contacts = "Contact: <sip:2003@example.com>;q=0.9, <sip:2004@far.example>;q=0.1\r\n";
    for (wish, followed) in [
        (FollowRedirects::Domain, [true, false]),
        (FollowRedirects::All, [true, true]),
        (FollowRedirects::None, [false, false]),
    ] {
        let mut rig = Rig::new();
        let options = CallOptions {
            follow_redirects: wish,
            ..CallOptions::default()
        };
        let mut invite = rig.call_with(1, "2002", options);
        rig.reply(&invite, 300, "r", contacts, "");
        rig.request("ACK");
        let heard = rig.heard();
        let expected = ["sip:2003@example.com", "sip:2004@far.example"];
        let expected: Vec<_> = expected.into_iter().zip(followed).collect();
        assert_eq!(redirections(&heard), expected, "{wish:?}");
        for (uri, _) in expected.iter().filter(|(_, followed)| *followed) {
            invite = rig.request("INVITE");
            assert_eq!(invite.request_uri(), *uri);
            rig.reply(&invite, 486, "r", "", "");
            rig.request("ACK");
        }
        rig.silence();
        rig.over();
    }
}

/// RFC 3261 §13.2.1: the first description of a dialog is the answer, and need not be
/// repeated.
#[test]
fn what_a_provisional_answer_said_the_final_one_need_not_repeat() {
    for status in [180, 183] {
        let mut rig = Rig::new();
        let invite = rig.call("2002");
        rig.reply(&invite, status, "b", CONTACT, SDP);
        rig.settle();
        rig.reply(&invite, 200, "b", CONTACT, "");
        rig.request("ACK");
        rig.settle();
        rig.silence();
        assert_eq!(rig.states().last(), Some(&Shown::Connected));
        assert_eq!(rig.media.directions(1), ("sendrecv", "sendrecv"));
        rig.hangup(1);
        rig.request("BYE");
        rig.over();
    }
    // That of another fork is none.
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 183, "a", CONTACT, SDP);
    rig.reply(&invite, 200, "b", CONTACT, "");
    rig.request("ACK");
    rig.request("BYE");
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn an_interval_that_is_too_small_is_raised() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 422, "r", "Min-SE: 3600\r\n", "");
    rig.request("ACK");
    let again = rig.request("INVITE");
    assert_eq!(again.header(Name::SessionExpires), Some("3600"));
    assert_eq!(again.header(Name::MinSe), Some("3600"));
    // A far end that is never content.
    rig.reply(&again, 422, "r", "Min-SE: 3600\r\n", "");
    rig.request("ACK");
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn bad_targets_and_unready_phones_end_at_once() {
    let mut rig = Rig::new();
    for target in ["", "mailto:a@b", "sip:a@b?Route=x"] {
        rig.act(|phone, now| phone.call(now, 1, target, CallOptions::default()));
        assert_eq!(rig.ended(), [Cause::Failed], "{target}");
    }
    rig.act(Phone::unregister);
    rig.wait(1);
    rig.act(|phone, now| phone.call(now, 3, "2002", CallOptions::default()));
    assert_eq!(rig.ended(), [Cause::Failed]);
}

#[test]
fn causes_follow_from_the_status() {
    for (status, cause) in [
        (404, Cause::Failed),
        (408, Cause::Failed),
        (480, Cause::Rejected),
        (486, Cause::Rejected),
        (487, Cause::Cancelled),
        (503, Cause::Failed),
        (600, Cause::Rejected),
        (603, Cause::Rejected),
    ] {
        let mut rig = Rig::new();
        let invite = rig.call("2002");
        rig.reply(&invite, status, "r", "", "");
        rig.request("ACK");
        assert_eq!(rig.ended(), [cause], "{status}");
        rig.over();
    }
}

#[test]
fn an_answer_without_a_description_is_no_call() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 200, "b", CONTACT, "");
    rig.request("ACK");
    rig.request("BYE");
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn a_lost_socket_ends_what_is_not_answered() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 180, "b", CONTACT, "");
    rig.lose_socket();
    assert_eq!(rig.ended(), [Cause::Failed]);
    rig.over();
}

#[test]
fn there_is_a_limit_to_calls() {
    let mut rig = Rig::new();
    for call in 0..10 {
        rig.call_with(2 * call + 1, "2002", CallOptions::default());
    }
    rig.act(|phone, now| phone.call(now, 99, "2002", CallOptions::default()));
    assert_eq!(rig.ended(), [Cause::Failed]);
    let invite = Peer::caller(1).request("INVITE", "", SDP);
    rig.receive(&invite);
    rig.answer(486);
}

#[test]
fn who_speaks_for_all_places_ends_the_call_with_targets_left() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    let contacts = "Contact: <sip:2003@example.com>, <sip:2004@example.com>;q=0.1\r\n";
    rig.reply(&invite, 302, "r", contacts, "");
    rig.request("ACK");
    let second = rig.request("INVITE");
    rig.reply(&second, 603, "s", "", "");
    rig.request("ACK");
    rig.silence();
    assert_eq!(rig.ended(), [Cause::Rejected]);
    rig.over();
}

/// A server that forks without end costs a bounded memory.
#[test]
fn eight_early_dialogs_are_kept_and_a_ninth_may_still_answer() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    for fork in 1..=9 {
        let reliable = format!("{CONTACT}{RELIABLE}");
        rig.reply(&invite, 180, &format!("t{fork}"), &reliable, "");
        if fork < 9 {
            rig.request("PRACK");
        }
    }
    rig.silence();
    rig.reply(&invite, 200, "t9", CONTACT, SDP);
    assert_eq!(rig.request("ACK").to_tag(), Some("t9"));
    rig.settle();
    assert_eq!(rig.states().last(), Some(&Shown::Connected));
    rig.hangup(1);
    assert_eq!(rig.request("BYE").to_tag(), Some("t9"));
    rig.over();
}
