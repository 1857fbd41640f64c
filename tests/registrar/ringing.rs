//! Who joins a call that rings: decided when it comes, as in `deploy/kamailio`
//! (`tests/kamailio/joining.test.mjs`).

use crate::devices::Play;
use crate::messages::household;
use crate::support::Client;
use graceline::sip::{Framing, Message, Name};

const TO: &str = "sip:2001@example.com";

/// 2001 with a browser a, a mobile phone b and desk phones c and d.
fn scene() -> (Play, Client) {
    let mut play = Play::of(household());
    let kinds = [
        ("a", "web"),
        ("b", "mobile"),
        ("c", "deskphone"),
        ("d", "deskphone"),
    ];
    for (digit, class) in kinds {
        let limits = "limits={\"mobile\":4,\"deskphone\":4}";
        let reply = play.ask(&format!(
            "authorise id={digit} instance={{{digit}}} class={class} {limits}"
        ));
        assert_eq!(reply["ok"]["added"], true);
    }
    let caller = Client::registered(&mut play.world, "2002", "<sip:z@z>");
    (play, caller)
}

fn register(play: &mut Play, name: &str) {
    let answer = play.register(&format!("{name} instance={{{name}}}"));
    assert_eq!(answer.status(), 200);
}

fn call(play: &mut Play, caller: &mut Client) {
    let text = caller.request("INVITE", TO, "");
    play.world.send(caller.connection, text);
}

/// The requests that a client has got since it was asked.
fn got(play: &mut Play, name: &str) -> Vec<Message> {
    let connection = play.clients[name].connection;
    std::iter::from_fn(|| play.world.raw(connection))
        .map(|data| Message::parse(&data, Framing::Frame).unwrap())
        .filter(Message::is_request)
        .collect()
}

fn rings(play: &mut Play, name: &str) -> bool {
    let got = got(play, name);
    got.iter().any(|request| request.method() == "INVITE")
}

#[test]
fn of_devices_those_join_that_might_ring_when_the_call_came() {
    for (chosen, first, joined) in [
        ("auto", "a", "b"),
        ("auto", "c", "abd"),
        (r#"["a","d"]"#, "a", "d"),
        (r#"["c"]"#, "c", ""),
    ] {
        let (mut play, mut caller) = scene();
        play.ask(&format!("rings_set ids={chosen}"));
        register(&mut play, first);
        call(&mut play, &mut caller);
        assert!(rings(&mut play, first));
        // What is chosen while it rings is for the next call.
        play.ask("rings_set ids=auto");
        for name in ["a", "b", "c", "d"] {
            register(&mut play, name);
            let rings = rings(&mut play, name);
            assert_eq!(rings, joined.contains(name), "{chosen}, {first}: {name}");
        }
    }
}

#[test]
fn while_nobody_is_there_a_call_that_waits_is_joined_by_whoever_comes() {
    let (mut play, mut caller) = scene();
    play.ask("push_set id=b push={\"endpoint\":\"https://a.b\",\"p256dh\":\"B\",\"auth\":\"s\"}");
    call(&mut play, &mut caller);
    for name in ["d", "b"] {
        register(&mut play, name);
        assert!(rings(&mut play, name), "{name}");
    }
}

#[test]
fn a_choice_made_while_it_rings_brings_nobody_in() {
    let (mut play, mut caller) = scene();
    play.ask(r#"rings_set ids=["a"]"#);
    for name in ["a", "b", "c"] {
        register(&mut play, name);
    }
    call(&mut play, &mut caller);
    assert!(rings(&mut play, "a"));
    play.ask(r#"rings_set ids=["b","d"]"#);
    for name in ["b", "c", "d"] {
        register(&mut play, name);
        assert!(!rings(&mut play, name), "{name}");
    }
}

#[test]
fn a_desk_phone_does_not_join_when_the_one_that_rang_is_lost() {
    let (mut play, mut caller) = scene();
    register(&mut play, "b");
    register(&mut play, "d");
    call(&mut play, &mut caller);
    assert!(rings(&mut play, "b") && !rings(&mut play, "d"));
    let lost = play.clients["b"].connection;
    play.world.disconnect(lost);
    register(&mut play, "c");
    assert!(!rings(&mut play, "c"));
}

#[test]
fn who_joined_at_the_moment_of_the_answer_is_told_once() {
    let (mut play, mut caller) = scene();
    register(&mut play, "a");
    call(&mut play, &mut caller);
    let invite = got(&mut play, "a").remove(0);
    register(&mut play, "b");
    let first = play.clients["a"].connection;
    play.world.reply(first, &invite, "200 OK", "");
    let told = got(&mut play, "b");
    let told: Vec<&str> = told.iter().map(Message::method).collect();
    assert_eq!(told, ["INVITE", "CANCEL"]);
    // A refresh, or another connection, brings no call that was answered.
    register(&mut play, "b");
    assert!(got(&mut play, "b").is_empty());
    let lost = play.clients.remove("b").unwrap();
    play.world.disconnect(lost.connection);
    register(&mut play, "b");
    assert!(got(&mut play, "b").is_empty());
}

#[test]
fn who_answers_as_the_call_is_answered_elsewhere_makes_a_dialog_that_the_caller_ends() {
    let (mut play, mut caller) = scene();
    register(&mut play, "a");
    call(&mut play, &mut caller);
    let first = got(&mut play, "a").remove(0);
    register(&mut play, "b");
    let second = got(&mut play, "b").remove(0);
    for (name, invite) in [("a", &first), ("b", &second)] {
        let connection = play.clients[name].connection;
        play.world.reply(connection, invite, "200 OK", "");
    }
    let answers = std::iter::from_fn(|| play.world.raw(caller.connection));
    let answers: Vec<Message> = answers
        .map(|data| Message::parse(&data, Framing::Frame).unwrap())
        .filter(|answer| answer.status() == 200)
        .collect();
    // Each 2xx reaches the caller (RFC 3261 §16.7 step 5), with a tag of its own.
    assert_eq!(answers.len(), 2);
    assert_ne!(answers[0].to_tag(), answers[1].to_tag());
    let cancels = got(&mut play, "b");
    let reason = cancels[0].header(Name::Reason).unwrap();
    assert_eq!(cancels.len(), 1);
    assert!(reason.contains("cause=200"), "{reason}");
}
