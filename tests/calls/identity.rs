//! Who is shown: at the start of a call, when somebody else gets into it, and when
//! somebody only says so.

use crate::rig::{CONTACT, Peer, Rig, SDP};
use graceline::call::{Event, Party};
use graceline::phone::Config;
use graceline::registration::Profile;

const ADA: &str = "P-Asserted-Identity: \"Ada\" <sip:2003@example.com>\r\n";
const BOB: &str = "P-Asserted-Identity: \"Bob\" <sip:2002@example.com>\r\n";

fn trusting(config: &mut Config) {
    config.trust_asserted_identity = Some(true);
}

/// Whom the app was told of: at the start, and by name later.
fn told(rig: &mut Rig) -> Vec<(String, String)> {
    let shown = |party: &Party| (party.display_name.clone(), party.uri.clone());
    let told = |event: &Event| match event {
        Event::Incoming { from, .. } | Event::Message { from, .. } => Some(shown(from)),
        Event::Remote { remote, .. } => Some(shown(remote)),
        _ => None,
    };
    rig.heard().iter().filter_map(told).collect()
}

fn party(name: &str, uri: &str) -> Vec<(String, String)> {
    vec![(name.into(), uri.into())]
}

/// Call 2, which is connected.
fn answered(rig: &mut Rig, headers: &str) -> Peer {
    let mut peer = Peer::caller(1);
    rig.receive(&peer.request("INVITE", headers, SDP));
    peer.learn(&rig.answer(180));
    rig.operate(|calls, now, op| calls.answer(now, op, 2, Vec::new()));
    rig.settle();
    rig.answer(200);
    rig.receive(&peer.numbered("ACK", peer.cseq, "", ""));
    rig.settle();
    peer
}

fn reinvited(rig: &mut Rig, peer: &mut Peer, headers: &str) {
    rig.receive(&peer.request("INVITE", headers, SDP));
    rig.answer(100);
    rig.settle();
    rig.answer(200);
    rig.receive(&peer.numbered("ACK", peer.cseq, "", ""));
    rig.settle();
}

#[test]
fn what_a_far_end_asserts_of_itself_is_shown_nowhere() {
    let lies = "P-Asserted-Identity: \"The CEO\" <sip:ceo@example.com>\r\n\
                Remote-Party-ID: \"The CEO\" <sip:ceo@example.com>\r\n\
                Call-Info: <urn:x-cisco-remotecc:callinfo>;security=Encrypted\r\n";
    let mut rig = Rig::new();
    let mut peer = answered(&mut rig, lies);
    reinvited(&mut rig, &mut peer, lies);
    rig.receive(&peer.request("UPDATE", lies, ""));
    rig.answer(200);
    let message = Peer::caller(7).request("MESSAGE", lies, "x");
    rig.receive(&message.replace("message/sipfrag;version=2.0", "text/plain"));
    rig.answer(200);
    let heard = rig.heard();
    let lied = |event: &Event| match event {
        Event::Incoming { from, .. } | Event::Message { from, .. } => from.uri.contains("ceo"),
        Event::Remote { .. } | Event::CallInfo { .. } => true,
        _ => false,
    };
    assert!(!heard.iter().any(lied), "{heard:?}");
    rig.hangup(2);
    // Nor of a callee.
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    rig.reply(&invite, 180, "b", &format!("{CONTACT}{lies}"), "");
    rig.reply(&invite, 200, "b", &format!("{CONTACT}{lies}"), SDP);
    rig.request("ACK");
    rig.settle();
    assert_eq!(told(&mut rig), party("", "sip:2002@example.com"));
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_registrar_is_believed_where_it_says_so_or_the_app_does() {
    let announced = "Supported: X-graceline-asserted-id\r\n";
    let cisco = "Supported: X-cisco-graceful-reg\r\n";
    for (headers, option, believed) in [
        ("", None, false),
        ("Supported: path, gruu\r\n", None, false),
        (announced, None, true),
        ("k: path, x-GRACELINE-asserted-id\r\n", None, true),
        (cisco, None, true),
        ("", Some(true), true),
        (announced, Some(false), false),
        (cisco, Some(false), false),
    ] {
        let mut rig = Rig::announcing(headers, |config| config.trust_asserted_identity = option);
        rig.receive(&Peer::caller(1).request("INVITE", ADA, SDP));
        let expected = match believed {
            true => party("Ada", "sip:2003@example.com"),
            false => party("Bob", "sip:2002@example.com"),
        };
        assert_eq!(told(&mut rig), expected, "{headers:?} {option:?}");
    }
    let mut rig = Rig::with(|config| config.profile = Some(Profile::Cisco));
    rig.receive(&Peer::caller(1).request("INVITE", ADA, SDP));
    assert_eq!(told(&mut rig), party("Ada", "sip:2003@example.com"));
}

#[test]
fn an_outgoing_call_shows_who_is_asserted_to_answer() {
    let mut rig = Rig::with(trusting);
    let invite = rig.call("2002");
    rig.reply(&invite, 180, "a", &format!("{CONTACT}{BOB}"), "");
    assert_eq!(told(&mut rig), party("Bob", "sip:2002@example.com"));
    // Another fork answers.
    rig.reply(&invite, 200, "b", &format!("{CONTACT}{ADA}"), SDP);
    rig.request("ACK");
    rig.settle();
    assert_eq!(told(&mut rig), party("Ada", "sip:2003@example.com"));
    rig.hangup(1);
    rig.over();
}

#[test]
fn the_connected_party_follows_every_target_refresh() {
    let mut rig = Rig::with(trusting);
    let mut peer = answered(&mut rig, BOB);
    assert_eq!(told(&mut rig), party("Bob", "sip:2002@example.com"));
    reinvited(&mut rig, &mut peer, ADA);
    assert_eq!(told(&mut rig), party("Ada", "sip:2003@example.com"));
    // A refresh that says the same, or nothing, tells nothing.
    reinvited(&mut rig, &mut peer, ADA);
    reinvited(&mut rig, &mut peer, "");
    rig.receive(&peer.request("UPDATE", "", ""));
    rig.answer(200);
    assert_eq!(told(&mut rig), []);
    rig.receive(&peer.request("UPDATE", BOB, ""));
    rig.answer(200);
    assert_eq!(told(&mut rig), party("Bob", "sip:2002@example.com"));
    let remote_party_id = "Remote-Party-ID: Ada <sip:2003@example.com>;party=calling\r\n";
    rig.receive(&peer.request("UPDATE", remote_party_id, ""));
    rig.answer(200);
    assert_eq!(told(&mut rig), party("Ada", "sip:2003@example.com"));
    // The answers to ours.
    for (name, identity) in [("Bob", BOB), ("Ada", ADA)] {
        rig.operate(|calls, now, op| calls.hold(now, op, 2, name == "Bob"));
        rig.settle();
        let ours = rig.request("INVITE");
        rig.reply(&ours, 200, "", &format!("{CONTACT}{identity}"), SDP);
        rig.request("ACK");
        rig.settle();
        let [(shown, _)] = &told(&mut rig)[..] else {
            panic!("nobody was told of {name}");
        };
        assert_eq!(shown, name);
    }
    rig.hangup(2);
    rig.over();
}

#[test]
fn the_answer_to_a_session_refresh_tells_it_too() {
    let mut rig = Rig::with(trusting);
    let invite = rig.call("2002");
    let timer = "Session-Expires: 100;refresher=uac\r\nRequire: timer\r\n";
    rig.reply(&invite, 200, "b", &format!("{CONTACT}{BOB}{timer}"), SDP);
    rig.request("ACK");
    rig.settle();
    told(&mut rig);
    rig.wait(50_000);
    let update = rig.request("UPDATE");
    rig.reply(&update, 200, "", &format!("{CONTACT}{ADA}{timer}"), "");
    assert_eq!(told(&mut rig), party("Ada", "sip:2003@example.com"));
    rig.hangup(1);
    rig.over();
}

/// RFC 4916: where nobody asserts anything, From tells, and an answer's To does not.
#[test]
fn a_changed_from_is_a_changed_party() {
    let mut rig = Rig::new();
    let mut peer = answered(&mut rig, "");
    told(&mut rig);
    let before = peer.from.clone();
    peer.from = before.replace("\"Bob\" <sip:2002", "\"Ada\" <sip:2003");
    reinvited(&mut rig, &mut peer, "");
    assert_eq!(told(&mut rig), party("Ada", "sip:2003@example.com"));
    rig.operate(|calls, now, op| calls.hold(now, op, 2, true));
    rig.settle();
    let ours = rig.request("INVITE");
    rig.reply(&ours, 200, "", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    reinvited(&mut rig, &mut peer, "");
    assert_eq!(told(&mut rig), []);
    peer.from = before;
    rig.receive(&peer.request("UPDATE", "", ""));
    rig.answer(200);
    assert_eq!(told(&mut rig), party("Bob", "sip:2002@example.com"));
    rig.hangup(2);
    rig.over();
}

#[test]
fn a_party_that_wants_to_be_unknown_is_nobody() {
    let mut rig = Rig::with(trusting);
    let mut peer = answered(&mut rig, BOB);
    told(&mut rig);
    let hidden = format!("{ADA}Privacy: id\r\n");
    reinvited(&mut rig, &mut peer, &hidden);
    assert_eq!(told(&mut rig), party("", ""));
    reinvited(&mut rig, &mut peer, &hidden);
    assert_eq!(told(&mut rig), []);
    reinvited(&mut rig, &mut peer, ADA);
    assert_eq!(told(&mut rig), party("Ada", "sip:2003@example.com"));
    reinvited(&mut rig, &mut peer, &hidden);
    assert_eq!(told(&mut rig), party("", ""));
    rig.hangup(2);
    rig.over();
    // Whom we called, we know.
    let mut rig = Rig::with(trusting);
    let invite = rig.call("2003");
    rig.reply(&invite, 180, "b", CONTACT, "");
    rig.reply(&invite, 200, "b", &format!("{CONTACT}{hidden}"), SDP);
    rig.request("ACK");
    rig.settle();
    assert_eq!(told(&mut rig), party("", "sip:2003@example.com"));
    rig.hangup(1);
    rig.over();
}

#[test]
fn a_ringing_call_can_change_hands() {
    let mut rig = Rig::with(trusting);
    let mut peer = Peer::caller(1);
    rig.receive(&peer.request("INVITE", BOB, SDP));
    peer.learn(&rig.answer(180));
    told(&mut rig);
    rig.receive(&peer.request("UPDATE", ADA, ""));
    rig.answer(200);
    assert_eq!(told(&mut rig), party("Ada", "sip:2003@example.com"));
    let invite = rig.call("2004");
    rig.reply(&invite, 180, "b", &format!("{CONTACT}{BOB}"), "");
    told(&mut rig);
    let mut early = Peer {
        from: format!(
            "{};tag=b",
            invite.header(graceline::sip::Name::To).expect("a To")
        ),
        ..Peer::of(&invite)
    };
    rig.receive(&early.request("UPDATE", ADA, ""));
    rig.answer(200);
    assert_eq!(told(&mut rig), party("Ada", "sip:2003@example.com"));
    rig.hangup(1);
    rig.hangup(2);
}

/// What is no address that can be called is no link for a page either.
#[test]
fn addresses_of_other_kinds_are_not_handed_to_the_app() {
    for (from, uri) in [
        ("\"x\" <javascript:alert(1)>", ""),
        ("<data:text/html,x>", ""),
        (
            "\"x\" <sip:2002:secret@example.com>",
            "sip:2002@example.com",
        ),
        ("<sips:2002:secret@example.com>", "sips:2002@example.com"),
        ("<tel:+12015550123>", "tel:+12015550123"),
    ] {
        let mut rig = Rig::new();
        let mut peer = Peer::caller(1);
        peer.from = format!("{from};tag=1");
        rig.receive(&peer.request("INVITE", "", SDP));
        let told = told(&mut rig);
        assert_eq!(told.first().map(|(_, uri)| &**uri), Some(uri), "{from}");
    }
}
