//! A user who is known by another name than his login (RFC 3325): who is called, or written
//! to, sees that alone.

use crate::rig::{CONTACT, Peer, SDP};
use graceline::call::CallOptions;
use graceline::sip::{Message, Name};
use graceline_kit::rig::{Heard, Rig, accept, answer};

/// A phone whose Contact in calls would be a GRUU, which is made of the login.
fn reached_by_gruu() -> Rig {
    let mut rig = Rig::with(
        |config| config.display_name = Some("Ada \"Countess\"".into()),
        |heard| match heard {
            Heard::Request(asked) if asked.binds() => {
                accept(&["<{own}>;expires=120;pub-gruu=\"sip:2001@example.com;gr=1\""])
            }
            Heard::Request(asked) if asked.is("REGISTER") => answer("200 OK"),
            Heard::Request(asked) if asked.is("SUBSCRIBE") => answer("489 Bad Event"),
            _ => Vec::new(),
        },
    );
    assert_eq!(rig.login(false), None);
    rig
}

/// The request of this method.
fn sent<'a>(rig: &'a Rig, method: &str) -> &'a Message {
    let asked = rig.sent.iter().find(|asked| asked.is(method));
    &asked.expect(method).message
}

fn call_as(rig: &mut Rig, id: Option<&str>, anonymous: bool) {
    let options = CallOptions {
        public_id: id.map(str::to_owned),
        anonymous,
        ..CallOptions::default()
    };
    rig.act(|phone, now| phone.call(now, 1, "2002", options));
    rig.wait(100);
}

/// Whether anything of it tells the login.
fn tells_login(message: &Message) -> bool {
    let mut headers = message.all_headers();
    headers.any(|(_, value)| value.contains("2001"))
}

#[test]
fn a_call_from_a_public_id_does_not_tell_the_login() {
    for (id, uri) in [
        ("+493012345", "sip:+493012345@example.com"),
        ("ada.lovelace", "sip:ada.lovelace@example.com"),
        ("mastodon:ada", "sip:mastodon%3aada@example.com"),
        ("a@b>c", "sip:a%40b%3ec@example.com"),
    ] {
        let mut rig = reached_by_gruu();
        call_as(&mut rig, Some(id), false);
        let invite = sent(&rig, "INVITE");
        let from = invite.from().expect("a From");
        assert_eq!(from.uri, uri);
        assert_eq!(from.display_name.as_deref(), Some("Ada \"Countess\""));
        let preferred = invite.header_named("P-Preferred-Identity");
        assert_eq!(preferred, Some(format!("<{uri}>").as_str()));
        assert!(!tells_login(invite), "{id}");
    }
    let mut rig = reached_by_gruu();
    call_as(&mut rig, None, false);
    assert!(tells_login(sent(&rig, "INVITE")));
}

#[test]
fn who_is_anonymous_besides_tells_the_server_alone() {
    let mut rig = reached_by_gruu();
    call_as(&mut rig, Some("ada"), true);
    let invite = sent(&rig, "INVITE");
    let from = invite.from().expect("a From");
    assert_eq!(from.uri, "sip:anonymous@anonymous.invalid");
    assert_eq!(invite.header_named("Privacy"), Some("id"));
    let preferred = invite.header_named("P-Preferred-Identity");
    assert_eq!(preferred, Some("<sip:ada@example.com>"));
}

#[test]
fn nor_does_an_anonymous_call() {
    let mut rig = reached_by_gruu();
    call_as(&mut rig, None, true);
    let invite = sent(&rig, "INVITE");
    // The server takes that one out (RFC 3325 §9.2).
    let others = invite.all_headers();
    let told = others.filter(|(_, value)| value.contains("2001"));
    let told: Vec<&str> = told.map(|(name, _)| name).collect();
    assert_eq!(told, ["P-Preferred-Identity"]);
}

#[test]
fn who_calls_an_id_does_not_learn_the_login_from_the_answer() {
    for (to, tells) in [
        ("<sip:ada@example.com>", false),
        ("<sip:20015@example.com>", false),
        ("<tel:+493012345>", false),
        ("<sip:2001@example.com>", true),
        ("\"Ada\" <sip:2001@10.0.0.5;user=phone>", true),
    ] {
        let mut rig = reached_by_gruu();
        rig.answered();
        let mut peer = Peer::caller(1);
        peer.to = to.to_owned();
        let invite = peer.request("INVITE", "", SDP);
        let socket = rig.socket;
        rig.receive_by(socket, &invite);
        rig.act(|phone, now| {
            phone.with_calls(now, |calls| calls.answer(now, 1, 2, Vec::new()));
        });
        rig.wait(1_000);
        let answers = rig.answered();
        let contacts = answers.iter().filter_map(|one| one.header(Name::Contact));
        let told: Vec<bool> = contacts.map(|value| value.contains("2001@")).collect();
        assert!(told.len() > 1, "180 and 200: {told:?}");
        assert!(told.iter().all(|told| *told == tells), "{to}");
    }
}

#[test]
fn who_is_told_to_call_somebody_else_learns_the_id_alone() {
    let mut rig = crate::rig::Rig::new();
    let options = CallOptions {
        public_id: Some("ada".to_owned()),
        ..CallOptions::default()
    };
    let invite = rig.call_with(1, "2002", options);
    rig.reply(&invite, 200, "b", CONTACT, SDP);
    rig.request("ACK");
    rig.settle();
    rig.operate(|calls, now, op| calls.transfer(now, op, 1, "2003"));
    let refer = rig.request("REFER");
    let by = refer.header(Name::ReferredBy);
    assert_eq!(by, Some("<sip:ada@example.com>"));
    assert!(!tells_login(&refer));
}

#[test]
fn a_message_from_a_public_id_neither() {
    for (id, uri, preferred) in [
        ("ada", "sip:ada@example.com", Some("<sip:ada@example.com>")),
        ("", "sip:2001@example.com", None),
    ] {
        let mut rig = reached_by_gruu();
        let content = ("text/plain".to_owned(), "hello".to_owned());
        rig.act(|phone, now| {
            phone.with_calls(now, |calls| calls.message_as(now, 1, id, "2002", content));
        });
        let message = sent(&rig, "MESSAGE");
        assert_eq!(message.from().expect("a From").uri, uri);
        assert_eq!(message.header_named("P-Preferred-Identity"), preferred);
        assert_eq!(tells_login(message), id.is_empty());
    }
}
