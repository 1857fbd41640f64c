//! Devices that sleep: who is woken for a call or a message, what waits for them, and when
//! they hear that it rings no more.

use crate::devices::Play;
use crate::support::{Client, users};
use graceline::registrar::Wake;
use graceline::sip::{Framing, Message, Name};
use serde_json::json;

const TO: &str = "sip:2001@example.com";

/// 2001 with devices a and b, which can be woken, c, which cannot, and d, which is cut off;
/// and 2002, who is registered.
fn scene() -> (Play, Client) {
    let mut config = users();
    config.users.get_mut("2001").unwrap().devices = Some(true);
    let mut play = Play::of(config);
    for id in ["a", "b", "c", "d"] {
        let limits = "limits={\"mobile\":4,\"deskphone\":0}";
        play.ask(&format!(
            "authorise id={id} instance={{{id}}} class=mobile {limits}"
        ));
        let push = json!({ "endpoint": "https://push.test/", "p256dh": "k", "auth": "s" });
        if id != "c" {
            play.call("2001", "push_set", &json!({ "id": id, "push": push }));
        }
    }
    play.ask("revoke id=d");
    let caller = Client::registered(&mut play.world, "2002", "<sip:z@z>");
    (play, caller)
}

fn register(play: &mut Play, name: &str) -> u32 {
    let answer = play.register(&format!("{name} instance={{{name}}}"));
    assert_eq!(answer.status(), 200);
    play.clients[name].connection
}

/// A device registers over another connection: nobody has noticed that the first is dead.
fn come_back(play: &mut Play, name: &str) -> u32 {
    let connection = play.world.connect();
    play.clients.get_mut(name).unwrap().connection = connection;
    register(play, name)
}

/// 2002 sends a request to a URI; the statuses that come back at once.
fn send(play: &mut Play, caller: &mut Client, method: &str, uri: &str) -> Vec<u16> {
    let text = caller.request(method, uri, "");
    play.world.send(caller.connection, text);
    answers(play, caller)
}

fn answers(play: &mut Play, caller: &Client) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some(data) = play.world.raw(caller.connection) {
        let message = Message::parse(&data, Framing::Frame).unwrap();
        statuses.push(message.status());
    }
    statuses
}

/// What was to be told by push since this was asked last.
fn wakes(play: &mut Play) -> Vec<String> {
    let wakes = std::mem::take(&mut play.world.wakes);
    let told = |Wake {
                    user,
                    devices,
                    unheard,
                    news,
                }: Wake| {
        let answered = news.answered.map_or("", |answered| match answered {
            true => " answered",
            false => " missed",
        });
        let mark = |id: &String| if unheard.contains(id) { "?" } else { "" };
        let devices: Vec<String> = devices.iter().map(|id| mark(id).to_owned() + id).collect();
        format!("{user} {} {}{answered}", devices.join(","), news.kind)
    };
    wakes.into_iter().map(told).collect()
}

#[test]
fn who_has_named_a_push_service_at_register_is_woken_and_rings() {
    let mut config = users();
    config.users.get_mut("2001").unwrap().devices = Some(true);
    config.pns = vec!["apns".to_owned()];
    let mut play = Play::of(config);
    play.ask("authorise id=a instance={a} class=mobile");
    let mut caller = Client::registered(&mut play.world, "2002", "<sip:z@z>");
    let words = "a instance={a} pn-provider=apns pn-prid=t0ken";
    assert_eq!(play.register(words).status(), 200);
    assert_eq!(send(&mut play, &mut caller, "INVITE", TO), [100]);
    assert_eq!(wakes(&mut play), [] as [&str; 0]);
    let away = play.clients.remove("a").unwrap();
    play.world.disconnect(away.connection);
    answers(&mut play, &caller);
    let other = caller
        .request("INVITE", TO, "")
        .replace("Call-ID: ", "Call-ID: x");
    play.world.send(caller.connection, other);
    assert_eq!(answers(&mut play, &caller), [182]);
    assert_eq!(wakes(&mut play), ["2001 a call"]);
    play.register(words);
    let connection = play.clients["a"].connection;
    assert_eq!(play.world.next(connection).method(), "INVITE");
}

#[test]
fn a_call_waits_for_the_first_device_and_rings_at_all_that_come() {
    let (mut play, mut caller) = scene();
    assert_eq!(send(&mut play, &mut caller, "INVITE", TO), [182]);
    let news = play.world.wakes[0].news.clone();
    assert_eq!(news.uri, "sip:2002@example.com");
    assert_eq!(news.key.len(), 40);
    assert_eq!(news.at, play.world.now.millis());
    assert_eq!(wakes(&mut play), ["2001 a,b call"]);
    play.world.pass(30);
    let first = register(&mut play, "a");
    let invite = play.world.next(first);
    assert_eq!(invite.method(), "INVITE");
    // It rings now, and as long as any other call.
    play.world.reply(first, &invite, "180 Ringing", "");
    play.world.pass(60);
    let second = register(&mut play, "b");
    assert_eq!(play.world.next(second).method(), "INVITE");
    play.world.reply(first, &invite, "200 OK", "");
    assert_eq!(answers(&mut play, &caller), [180, 200]);
    let cancel = play.world.next(second);
    assert!(cancel.header(Name::Reason).unwrap().contains("cause=200"));
    assert_eq!(wakes(&mut play), ["2001 a,b withdraw answered"]);
}

#[test]
fn who_is_there_is_not_woken_and_nobody_who_would_not_ring() {
    let (mut play, mut caller) = scene();
    let there = register(&mut play, "a");
    assert_eq!(send(&mut play, &mut caller, "INVITE", TO), [100]);
    assert_eq!(play.world.next(there).method(), "INVITE");
    assert_eq!(wakes(&mut play), ["2001 b call"]);
    play.ask("rings_set ids=[\"a\",\"c\"]");
    send(&mut play, &mut caller, "INVITE", TO);
    assert_eq!(wakes(&mut play), [""; 0]);
    let gruu = |digit: &str| {
        let uuid = [8, 4, 4, 4, 12].map(|count| digit.repeat(count)).join("-");
        format!("{TO};gr=urn:uuid:{uuid}")
    };
    assert_eq!(send(&mut play, &mut caller, "INVITE", &gruu("b")), [182]);
    assert_eq!(wakes(&mut play), ["2001 b call"]);
    for nobody in [gruu("c"), gruu("d"), gruu("e"), "sip:2001@a.test".into()] {
        let statuses = send(&mut play, &mut caller, "INVITE", &nobody);
        assert!(matches!(statuses[..], [404 | 480]), "{nobody}");
    }
    send(&mut play, &mut caller, "OPTIONS", TO);
    assert_eq!(wakes(&mut play), [""; 0]);
    // Who is not known here wakes nobody.
    let mut stranger = Client::new(&mut play.world, "2002");
    assert_eq!(send(&mut play, &mut stranger, "INVITE", &gruu("b")), [407]);
    assert_eq!(wakes(&mut play), [""; 0]);
}

#[test]
fn a_call_that_rings_no_more_is_withdrawn_once() {
    type Ending = fn(&mut Play, &mut Client, u32, &Message);
    let endings: [(&str, &[u16], Ending); 6] = [
        ("answered", &[200], |play, _, callee, invite| {
            play.world.reply(callee, invite, "200 OK", "");
        }),
        ("answered", &[603], |play, _, callee, invite| {
            play.world.reply(callee, invite, "603 Decline", "");
        }),
        ("missed", &[486], |play, _, callee, invite| {
            play.world.reply(callee, invite, "486 Busy Here", "");
        }),
        ("missed", &[200, 487], |play, caller, callee, invite| {
            let text = caller.text("CANCEL", TO, &format!("<{TO}>"), "");
            play.world.send(caller.connection, text);
            play.world
                .reply(callee, invite, "487 Request Terminated", "");
        }),
        ("missed", &[180, 408], |play, _, callee, invite| {
            play.world.reply(callee, invite, "180 Ringing", "");
            play.world.pass(190);
        }),
        ("missed", &[], |play, caller, _, _| {
            play.world.disconnect(caller.connection);
        }),
    ];
    for (how, statuses, end) in endings {
        let (mut play, mut caller) = scene();
        let callee = register(&mut play, "a");
        send(&mut play, &mut caller, "INVITE", TO);
        let invite = play.world.next(callee);
        let key = play.world.wakes[0].news.key.clone();
        assert_eq!(wakes(&mut play), ["2001 b call"]);
        end(&mut play, &mut caller, callee, &invite);
        assert_eq!(answers(&mut play, &caller), statuses);
        assert_eq!(play.world.wakes[0].news.key, key);
        assert_eq!(wakes(&mut play), [format!("2001 b withdraw {how}")]);
        play.world.pass(200);
        assert_eq!(wakes(&mut play), [""; 0]);
    }
}

#[test]
fn a_call_that_waits_may_be_given_up() {
    let (mut play, mut caller) = scene();
    send(&mut play, &mut caller, "INVITE", TO);
    let text = caller.text("CANCEL", TO, &format!("<{TO}>"), "");
    play.world.send(caller.connection, text);
    assert_eq!(answers(&mut play, &caller), [200, 487]);
    assert_eq!(
        wakes(&mut play),
        ["2001 a,b call", "2001 a,b withdraw missed"]
    );
    let late = register(&mut play, "a");
    assert!(play.world.is_silent(late));

    let (mut play, mut caller) = scene();
    send(&mut play, &mut caller, "INVITE", TO);
    play.world.pass(44);
    assert_eq!(answers(&mut play, &caller), [0; 0]);
    play.world.pass(1);
    assert_eq!(answers(&mut play, &caller), [480]);
    assert_eq!(
        wakes(&mut play),
        ["2001 a,b call", "2001 a,b withdraw missed"]
    );
    let late = register(&mut play, "a");
    assert!(play.world.is_silent(late));
}

/// The same of a message with something in it.
fn write(play: &mut Play, writer: &mut Client, body: &str) -> Vec<u16> {
    let text = writer.message(TO, "", "text/plain", body);
    play.world.send(writer.connection, text);
    answers(play, writer)
}

#[test]
fn a_message_wakes_all_that_sleep_and_is_kept_for_them() {
    let (mut play, mut caller) = scene();
    play.ask("rings_set ids=[\"c\"]");
    assert_eq!(write(&mut play, &mut caller, "hello"), [202]);
    assert_eq!(wakes(&mut play), ["2001 a,b message"]);
    let first = register(&mut play, "a");
    let message = play.world.next(first);
    assert_eq!(message.method(), "MESSAGE");
    play.world.reply(first, &message, "200 OK", "");
    assert_eq!(answers(&mut play, &caller), [0; 0]);
    // Who is there has it; who sleeps hears of it.
    assert_eq!(write(&mut play, &mut caller, "hello"), [0; 0]);
    assert_eq!(play.world.next(first).method(), "MESSAGE");
    assert_eq!(wakes(&mut play), ["2001 b message"]);
    // Nobody is woken for what is not kept.
    play.world.disconnect(first);
    assert_eq!(answers(&mut play, &caller), [202]);
    assert_eq!(write(&mut play, &mut caller, ""), [480]);
    assert_eq!(wakes(&mut play), [""; 0]);
}

#[test]
fn a_call_to_a_public_id_wakes_its_user() {
    let (mut play, mut caller) = scene();
    play.call(
        "2001",
        "public_id_add",
        &json!({ "id": "ada", "kind": "name" }),
    );
    let ada = "sip:Ada@example.com";
    assert_eq!(send(&mut play, &mut caller, "INVITE", ada), [182]);
    assert_eq!(wakes(&mut play), ["2001 a,b call"]);
    let first = register(&mut play, "a");
    assert_eq!(play.world.next(first).method(), "INVITE");
}

/// 2001 with device a, whose connection answers nothing to the call that 2002 makes.
fn unheard() -> (Play, Client) {
    let (mut play, mut caller) = scene();
    let there = register(&mut play, "a");
    assert_eq!(send(&mut play, &mut caller, "INVITE", TO), [100]);
    assert_eq!(play.world.next(there).method(), "INVITE");
    assert_eq!(wakes(&mut play), ["2001 b call"]);
    play.world.pass(9);
    assert_eq!(wakes(&mut play), [""; 0]);
    (play, caller)
}

#[test]
fn who_answers_nothing_is_woken_once_and_rings_where_it_comes_back() {
    let (mut play, caller) = unheard();
    play.world.pass(1);
    assert_eq!(answers(&mut play, &caller), [182]);
    assert_eq!(wakes(&mut play), ["2001 ?a call"]);
    play.world.pass(30);
    assert_eq!(wakes(&mut play), [""; 0]);
    let back = come_back(&mut play, "a");
    let invite = play.world.next(back);
    assert_eq!(invite.method(), "INVITE");
    play.world.reply(back, &invite, "200 OK", "");
    assert_eq!(answers(&mut play, &caller), [200]);
    // It is told nothing more.
    assert_eq!(wakes(&mut play), ["2001 b withdraw answered"]);
}

#[test]
fn who_answers_nothing_and_does_not_come_is_told_that_it_missed_the_call() {
    let (mut play, caller) = unheard();
    play.world.pass(1);
    play.world.pass(45);
    assert_eq!(answers(&mut play, &caller), [182, 408]);
    let told = ["2001 ?a call", "2001 b,?a withdraw missed"];
    assert_eq!(wakes(&mut play), told);
}

#[test]
fn who_answers_anything_or_is_back_is_there() {
    for trying in [true, false] {
        let (mut play, mut caller) = scene();
        let there = register(&mut play, "a");
        send(&mut play, &mut caller, "INVITE", TO);
        let invite = play.world.next(there);
        if trying {
            play.world.reply(there, &invite, "100 Trying", "");
        } else {
            let back = come_back(&mut play, "a");
            let invite = play.world.next(back);
            play.world.reply(back, &invite, "180 Ringing", "");
        }
        play.world.pass(60);
        assert_eq!(wakes(&mut play), ["2001 b call"], "{trying}");
    }
}

#[test]
fn while_others_ring_a_call_does_not_wait_for_who_answers_nothing() {
    let (mut play, mut caller) = scene();
    let silent = register(&mut play, "a");
    let rings = register(&mut play, "c");
    send(&mut play, &mut caller, "INVITE", TO);
    play.world.next(silent);
    let invite = play.world.next(rings);
    play.world.reply(rings, &invite, "180 Ringing", "");
    play.world.pass(60);
    assert_eq!(answers(&mut play, &caller), [180]);
    assert_eq!(wakes(&mut play), ["2001 b call", "2001 ?a call"]);
    let text = caller.text("CANCEL", TO, &format!("<{TO}>"), "");
    play.world.send(caller.connection, text);
    assert_eq!(wakes(&mut play), ["2001 b,?a withdraw missed"]);
}
