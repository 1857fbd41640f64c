//! Who asks for credentials, and who gets them: the registrar and its proxy, and a
//! far end that passes for them.

use crate::rig::{CHALLENGE, CONTACT, Peer, Rig, SDP};
use graceline::call::{Cause, Event};
use graceline::phone::{Fault, Status};
use graceline::sip::{Algorithm, DigestResponse, Message, Name};

const STRONG: &str = "Digest realm=\"example.com\", nonce=\"own\", algorithm=SHA-256, qop=\"auth\"";

/// What a far end asks that would like to guess the password, or to call as us.
const BAITS: [(u16, &str); 7] = [
    (
        407,
        "Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"bait\"",
    ),
    (
        407,
        "Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"bait\", qop=\"auth\"",
    ),
    (
        407,
        "Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"bait\", algorithm=SHA-256",
    ),
    (
        401,
        "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"bait\", algorithm=MD5-sess, qop=\"auth\"",
    ),
    (
        401,
        "WWW-Authenticate: Digest realm=\"evil\", nonce=\"bait\", algorithm=SHA-256, qop=\"auth\"",
    ),
    (401, "WWW-Authenticate: Bearer realm=\"example.com\""),
    (401, "X-Nothing: to answer"),
];

fn credentials(request: &Message) -> Vec<DigestResponse> {
    [Name::Authorization, Name::ProxyAuthorization]
        .into_iter()
        .flat_map(|name| request.lines(name))
        .map(|value| DigestResponse::parse(value).expect("a digest"))
        .collect()
}

#[test]
fn only_realms_of_the_registrar_are_answered() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    let evil = "Proxy-Authenticate: Digest realm=\"evil\", nonce=\"n\", qop=\"auth\"\r\n";
    rig.reply(&invite, 407, "r", evil, "");
    rig.request("ACK");
    rig.silence();
    let heard = rig.heard();
    let failed = |event: &Event| {
        matches!(
            event,
            Event::Ended {
                fault: Some(Fault {
                    status: Some(407),
                    ..
                }),
                cause: Cause::Failed,
                ..
            }
        )
    };
    assert!(heard.iter().any(failed), "{heard:?}");
    rig.over();
}

#[test]
fn a_proxy_of_the_registrar_is_answered_and_its_credentials_repeated() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    assert_eq!(invite.header(Name::Authorization), None, "not for far ends");
    assert_eq!(invite.header(Name::ProxyAuthorization), None);
    let challenge = format!("Proxy-Authenticate: {CHALLENGE}\r\n");
    rig.reply(&invite, 407, "r", &challenge, "");
    let ack = rig.request("ACK");
    assert_eq!(ack.header(Name::Via), invite.header(Name::Via));
    let again = rig.request("INVITE");
    assert_eq!(again.body(), invite.body());
    let credentials = again.header(Name::ProxyAuthorization).expect("credentials");
    rig.reply(&again, 180, "b", CONTACT, "");
    rig.reply(&again, 200, "b", CONTACT, SDP);
    let ack = rig.request("ACK");
    assert_eq!(ack.header(Name::ProxyAuthorization), Some(credentials));
    rig.settle();
    // The nonce was for the INVITE: a proxy that asks each request is answered each.
    rig.hangup(1);
    let bye = rig.request("BYE");
    assert_eq!(bye.header(Name::ProxyAuthorization), None);
    assert_eq!(bye.header(Name::Authorization), None);
    rig.reply(&bye, 407, "", &challenge.replace("\"n\"", "\"n2\""), "");
    let bye = rig.request("BYE");
    assert!(bye.header(Name::ProxyAuthorization).is_some());
    rig.reply(&bye, 200, "", "", "");
    rig.over();
}

#[test]
fn a_server_that_challenges_each_request_is_answered_each_time() {
    let mut rig = Rig::new();
    let www = |nonce: &str| {
        let challenge = CHALLENGE.replace("\"n\"", &format!("\"{nonce}\""));
        format!("WWW-Authenticate: {challenge}\r\n")
    };
    let invite = rig.call("2002");
    rig.reply(&invite, 401, "r", &www("n2"), "");
    rig.request("ACK");
    let again = rig.request("INVITE");
    assert!(again.header(Name::Authorization).is_some());
    // Meanwhile another request is challenged: no wrong password.
    let content = ("text/plain".to_owned(), "x".to_owned());
    let op = rig.operate(|calls, now, op| calls.message(now, op, "2003", content));
    let message = rig.request("MESSAGE");
    assert_eq!(message.header(Name::Authorization), None);
    rig.reply(&message, 401, "r", &www("n3"), "");
    let message = rig.request("MESSAGE");
    assert!(message.header(Name::Authorization).is_some());
    rig.reply(&message, 200, "r", "", "");
    assert_eq!(rig.settled(), [(op, None)]);
    // One that challenges for ever is not answered for ever.
    let mut asked = again;
    let mut answered = 0;
    loop {
        rig.reply(&asked, 401, "r", &www(&format!("m{answered}")), "");
        rig.request("ACK");
        if rig.ended() == [Cause::Failed] {
            break;
        }
        answered += 1;
        asked = rig.request("INVITE");
    }
    assert!(answered < 5, "{answered}");
    rig.silence();
    rig.over();
}

#[test]
fn a_cancel_bears_no_credentials_and_a_challenge_after_it_ends_the_call() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 100, "", "", "");
    rig.hangup(1);
    let cancel = rig.request("CANCEL");
    assert_eq!(cancel.header(Name::ProxyAuthorization), None);
    let challenge = format!("Proxy-Authenticate: {CHALLENGE}\r\n");
    rig.reply(&invite, 407, "r", &challenge, "");
    rig.request("ACK");
    rig.silence();
    rig.over();
}

#[test]
fn a_callee_gets_no_digest_that_is_weaker_than_the_registrars() {
    for (status, bait) in BAITS {
        let mut rig = Rig::challenged_by(STRONG);
        let invite = rig.call("2002");
        assert_eq!(credentials(&invite), []);
        rig.reply(&invite, status, "evil", &format!("{bait}\r\n"), "");
        rig.request("ACK");
        rig.silence();
        assert_eq!(rig.ended(), [Cause::Failed], "{bait}");
        rig.over();
    }
}

/// The realm, the algorithm and qop of the registrar, as anybody can read them: that
/// is what a proxy of ours asks, too. What it gets is good for this call alone.
#[test]
fn nothing_is_kept_of_what_a_callee_asks() {
    let mut rig = Rig::challenged_by(STRONG);
    let bait = format!("Proxy-Authenticate: {}\r\n", STRONG.replace("own", "bait"));
    let invite = rig.call("2002");
    rig.reply(&invite, 407, "evil", &bait, "");
    rig.request("ACK");
    let again = rig.request("INVITE");
    let [digest] = &credentials(&again)[..] else {
        panic!("a proxy of ours would be answered");
    };
    assert_eq!(
        (&*digest.nonce, digest.algorithm, digest.qop.as_deref()),
        ("bait", Algorithm::Sha256, Some("auth"))
    );
    assert_eq!(digest.uri, again.request_uri());
    let info = "Authentication-Info: nextnonce=\"bait2\"\r\n";
    rig.reply(&again, 200, "evil", &format!("{CONTACT}{info}"), SDP);
    rig.request("ACK");
    rig.settle();
    rig.hangup(1);
    let bye = rig.request("BYE");
    assert_eq!(credentials(&bye), []);
    rig.reply(&bye, 200, "", "", "");
    // The next callee is offered nothing.
    let other = rig.call_with(3, "2003", graceline::call::CallOptions::default());
    assert_eq!(credentials(&other), []);
    rig.reply(&other, 486, "x", info, "");
    rig.request("ACK");
    // And the registrar is answered with its own nonce, whose count goes on.
    let before = rig.registrations().len();
    rig.wait(120_000);
    assert!(rig.registrations().len() > before, "it refreshes");
    let own: Vec<_> = rig
        .registrations()
        .into_iter()
        .flat_map(credentials)
        .collect();
    assert!(own.iter().all(|digest| digest.nonce == "own"));
    assert!(own.is_sorted_by(|a, b| a.nc < b.nc), "{own:?}");
    rig.over();
}

#[test]
fn a_challenge_to_a_redirected_call_is_answered_anew() {
    let mut rig = Rig::challenged_by(STRONG);
    let challenge = format!("Proxy-Authenticate: {}\r\n", STRONG.replace("own", "p"));
    let invite = rig.call("2002");
    rig.reply(&invite, 407, "p", &challenge, "");
    rig.request("ACK");
    let again = rig.request("INVITE");
    rig.reply(&again, 302, "p", "Contact: <sip:2003@example.com>\r\n", "");
    rig.request("ACK");
    let other = rig.request("INVITE");
    assert_eq!(other.request_uri(), "sip:2003@example.com");
    assert_eq!(credentials(&other), []);
    rig.hangup(1);
    rig.reply(&other, 486, "p", "", "");
    rig.request("ACK");
    rig.over();
}

/// The Request-URI inside a dialog is the Contact that the far end chose.
#[test]
fn no_digest_is_made_over_a_target_of_the_far_ends_choice() {
    let mut rig = Rig::challenged_by(STRONG);
    let invite = rig.call("2002");
    let contact = "Contact: <sip:+19005550100@example.com>\r\n";
    rig.reply(&invite, 200, "evil", contact, SDP);
    rig.request("ACK");
    rig.settle();
    let bait = format!("Proxy-Authenticate: {}\r\n", STRONG.replace("own", "bait"));
    let hold = rig.operate(|calls, now, op| calls.hold(now, op, 1, true));
    rig.settle();
    let reinvite = rig.request("INVITE");
    assert_eq!(reinvite.request_uri(), "sip:+19005550100@example.com");
    rig.reply(&reinvite, 407, "", &bait, "");
    rig.request("ACK");
    rig.settle();
    rig.silence();
    assert_eq!(rig.settled(), [(hold, Some("eCallFailed"))]);
    let refer = rig.operate(|calls, now, op| calls.transfer(now, op, 1, "2003"));
    let asked = rig.request("REFER");
    rig.reply(&asked, 407, "", &bait, "");
    rig.silence();
    assert_eq!(rig.settled(), [(refer, Some("eCallFailed"))]);
    // What is nothing without its dialog may be asked for.
    rig.hangup(1);
    let bye = rig.request("BYE");
    rig.reply(&bye, 407, "", &bait, "");
    assert_eq!(credentials(&rig.request("BYE")).len(), 1);
    rig.over();
}

#[test]
fn inside_a_call_the_registrars_realm_and_strength_count_as_well() {
    for (status, bait) in BAITS {
        for incoming in [false, true] {
            let mut rig = Rig::challenged_by(STRONG);
            let call = if incoming {
                let mut caller = Peer::caller(1);
                rig.receive(&caller.request("INVITE", "", SDP));
                caller.learn(&rig.answer(180));
                rig.operate(|calls, now, op| calls.answer(now, op, 2, Vec::new()));
                rig.settle();
                rig.answer(200);
                rig.receive(&caller.numbered("ACK", caller.cseq, "", ""));
                2
            } else {
                rig.connected();
                1
            };
            rig.hangup(call);
            let bye = rig.request("BYE");
            assert_eq!(credentials(&bye), []);
            rig.reply(&bye, status, "", &format!("{bait}\r\n"), "");
            rig.silence();
            rig.over();
        }
    }
}

/// A message goes to somebody else, too.
#[test]
fn a_message_is_challenged_like_a_call() {
    let mut rig = Rig::challenged_by(STRONG);
    let content = || ("text/plain".to_owned(), "x".to_owned());
    for (status, bait) in BAITS {
        let op = rig.operate(|calls, now, op| calls.message(now, op, "2002", content()));
        let message = rig.request("MESSAGE");
        assert_eq!(credentials(&message), []);
        rig.reply(&message, status, "evil", &format!("{bait}\r\n"), "");
        rig.silence();
        assert_eq!(rig.settled(), [(op, Some("eCallFailed"))]);
    }
    // Each time anew, even after a nonce that has expired meanwhile.
    for nonce in ["p1", "p2"] {
        let op = rig.operate(|calls, now, op| calls.message(now, op, "2002", content()));
        let message = rig.request("MESSAGE");
        let challenge = STRONG.replace("own", nonce);
        rig.reply(
            &message,
            407,
            "p",
            &format!("Proxy-Authenticate: {challenge}\r\n"),
            "",
        );
        let message = rig.request("MESSAGE");
        assert_eq!(credentials(&message)[0].nonce, nonce);
        rig.reply(&message, 200, "p", "", "");
        assert_eq!(rig.settled(), [(op, None)]);
    }
}

#[test]
fn a_registrar_that_does_not_know_the_password_is_not_believed() {
    assert_eq!(Rig::of_registrar("secret").phone.status(), Status::Ready);
    let mut rig = Rig::of_registrar("other");
    assert_eq!(rig.phone.status(), Status::Idle);
    assert_eq!(rig.faults(), ["eServerRejected"]);
}
