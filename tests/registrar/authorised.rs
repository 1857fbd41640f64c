//! REGISTER and calls where devices are authorised, beyond what the table of devices says.

use crate::devices::{Play, spelt_out, summary};
use crate::support::{Client, START, World, body, users};
use graceline::registrar::{Config, SharedSlot};
use graceline::sip::{Algorithm, Framing, Message, Name};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use sha2::Sha256;

const HOUR: u64 = 3600;

/// Credentials of a device that are good until the end of that hour; their password is
/// their name.
fn give(play: &mut Play, name: &str, device: &str, hour: u64) -> Value {
    let a1 = format!("{name}:example.com:{name}");
    let args = json!({
        "name": name,
        "device": device,
        "ha1": format!("{:x}", Md5::digest(&a1)),
        "ha1_sha256": format!("{:X}", Sha256::digest(&a1)),
        "until": (START + hour * HOUR) * 1000,
    });
    play.call("2001", "credential_set", &args)
}

/// What a REGISTER meets that is signed with them.
fn sign_in(play: &mut Play, name: &'static str, more: &str) -> String {
    let mut client = Client::new(&mut play.world, "2001");
    client.login = name.to_owned();
    client.password = name;
    let contact = format!("<sip:{name}@{name}>{more}");
    summary(&client.register(&mut play.world, &[&spelt_out(&contact)]))
}

#[test]
fn credentials_of_a_device_name_it() {
    let mut play = Play::new(SharedSlot::Ask);
    play.ask("authorise id=p instance={a} class=mobile");
    play.ask("authorise id=q instance={b} class=mobile");
    assert_eq!(give(&mut play, "n0", "p", 1), json!({ "ok": null }));
    assert_eq!(give(&mut play, "n0", "q", 1), json!({ "refused": "taken" }));
    assert_eq!(
        give(&mut play, "n1", "x", 1),
        json!({ "refused": "unknown" })
    );
    assert_eq!(sign_in(&mut play, "n0", ""), "200");
    assert_eq!(play.devices(), "p* q");
    assert_eq!(sign_in(&mut play, "n0", ";+sip.instance=\"<{a}>\""), "200");
    assert_eq!(
        sign_in(&mut play, "n0", ";+sip.instance=\"<{b}>\""),
        "403 device"
    );
    assert_eq!(play.devices(), "p* q");
    // By MD5, too; wrong ones are challenged again.
    let mut config = play.world.registrar.config().clone();
    config.algorithms = vec![Algorithm::Sha256];
    play.world.registrar.configure(play.world.now, config);
    assert_eq!(sign_in(&mut play, "n0", ""), "200");
    play.call("2001", "credentials_drop", &json!({ "device": "p" }));
    assert_eq!(sign_in(&mut play, "n0", ""), "404");
}

#[test]
fn four_credentials_of_a_device_are_good_at_once() {
    let mut play = Play::new(SharedSlot::Ask);
    play.ask("authorise id=p instance={a} class=mobile");
    for (name, hour) in [("n0", 9), ("n1", 1), ("n2", 4), ("n3", 3), ("n4", 5)] {
        give(&mut play, name, "p", hour);
    }
    let all = |play: &mut Play| {
        let answers = ["n0", "n1", "n2", "n3", "n4"].map(|name| sign_in(play, name, ""));
        answers.join(", ")
    };
    // Of five, the one that ends first is gone.
    assert_eq!(all(&mut play), "200, 404, 200, 200, 200");
    play.world.pass(3 * HOUR);
    assert_eq!(all(&mut play), "200, 404, 200, 404, 200");
    // Of a device that is cut off they tell who is refused; of one that is gone for an hour.
    play.ask("revoke id=p");
    assert_eq!(
        give(&mut play, "n5", "p", 9),
        json!({ "refused": "revoked" })
    );
    let refused = "403 device, 404, 403 device, 404, 403 device";
    assert_eq!(all(&mut play), refused);
    play.ask("forget id=p");
    assert_eq!(all(&mut play), refused);
    play.world.pass(HOUR);
    assert_eq!(all(&mut play), "404, 404, 404, 404, 404");
}

#[test]
fn a_hash_that_is_none_is_refused() {
    let mut play = Play::new(SharedSlot::Ask);
    play.ask("authorise id=p instance={a} class=mobile");
    let args = json!({
        "name": "n", "device": "p", "until": 0, "ha1": "0", "ha1_sha256": "0".repeat(64),
    });
    assert_eq!(
        play.call("2001", "credential_set", &args)["refused"],
        "invalid"
    );
}

fn registered(play: &mut Play, words: &str) -> u32 {
    assert_eq!(play.register(words).status(), 200, "{words}");
    let (name, _) = words.split_once(' ').unwrap();
    play.clients[name].connection
}

#[test]
fn servers_that_know_devices_say_so_and_others_do_not() {
    let says = |world: &mut World| {
        let mut client = Client::new(world, "2001");
        let text = client.request("REGISTER", "sip:example.com", "");
        world.send(client.connection, text);
        let unauthorised = world.next(client.connection);
        let answer = client.register(world, &[]);
        let tag = "X-graceline-devices";
        [unauthorised, answer].map(|answer| answer.has_option(Name::Supported, tag))
    };
    let mut play = Play::new(SharedSlot::Ask);
    assert_eq!(says(&mut play.world), [true; 2]);
    assert_eq!(says(&mut World::new(users())), [false; 2]);
    let mut one = users();
    one.users.get_mut("2002").unwrap().devices = Some(true);
    assert_eq!(says(&mut World::new(one)), [true; 2]);
}

#[test]
fn devices_are_asked_for_by_user_and_never_of_a_server() {
    let mut config = Config {
        devices: true,
        ..users()
    }
    .with_user("cti", "other");
    config.users.get_mut("2002").unwrap().devices = Some(false);
    let mut world = World::new(config);
    for (user, status) in [("2001", 403), ("2002", 200), ("cti", 200)] {
        let mut client = Client::new(&mut world, user);
        assert_eq!(
            client.register(&mut world, &["<sip:a@a>"]).status(),
            status,
            "{user}"
        );
    }
}

#[test]
fn who_is_cut_off_is_told_and_its_connection_ends() {
    let mut play = Play::new(SharedSlot::Ask);
    play.ask("authorise id=p instance={a} class=mobile");
    play.ask("authorise id=q instance={b} class=mobile");
    let cut = registered(&mut play, "a instance={a}");
    let other = registered(&mut play, "b instance={b}");
    play.ask("revoke id=p");
    assert_eq!(play.world.closed, [(cut, 4003)]);
    assert!(play.world.is_silent(other));
    // Who watches its registration reads why, and then the connection ends.
    let client = play.clients.get_mut("b").unwrap();
    let subscribe = "Event: reg\r\nContact: <sip:b@b>\r\n";
    let answer = client.ask(
        &mut play.world,
        "SUBSCRIBE",
        "sip:2001@example.com",
        subscribe,
    );
    assert_eq!(answer.status(), 200);
    while play.world.raw(other).is_some() {}
    play.ask("forget id=q");
    let notify = body(&play.world.next(other));
    assert!(notify.contains("event=\"rejected\""), "{notify}");
    assert_eq!(play.world.closed.len(), 1);
    play.world.pass(1);
    assert_eq!(play.world.closed, [(cut, 4003), (other, 4003)]);
}

#[test]
fn one_instance_is_shown_and_once() {
    let mut play = Play::new(SharedSlot::Ask);
    play.ask("authorise id=p instance={a} class=mobile");
    for twice in ["shows={a} shows={a}", "shows={a},{b}", "shows={a}>,<{a}"] {
        assert_eq!(
            summary(&play.register(&format!("a {twice}"))),
            "400",
            "{twice}"
        );
    }
    assert_eq!(play.devices(), "p");
}

#[test]
fn switched_on_it_sends_strangers_away() {
    let mut world = World::new(users());
    let client = Client::registered(&mut world, "2001", "<sip:a@a>");
    let config = Config {
        devices: true,
        ..users()
    };
    world.registrar.configure(world.now, config);
    world.drain();
    assert_eq!(world.contacts("2001"), [""; 0]);
    assert_eq!(world.closed, [(client.connection, 4003)]);
}

#[test]
fn only_a_registered_device_calls_or_writes() {
    let mut play = Play::new(SharedSlot::Ask);
    play.ask("authorise id=p instance={a} class=mobile");
    play.ask("authorise id=q instance={b} class=mobile");
    registered(&mut play, "b instance={b}");
    let shown = spelt_out("Contact: <sip:a@a>;+sip.instance=\"<{a}>\"\r\n");
    let try_all = |play: &mut Play, uri: &str, headers: &str| {
        let mut client = Client::new(&mut play.world, "2001");
        let headers = format!("Event: reg\r\n{headers}");
        ["INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE"]
            .map(|method| summary(&client.ask(&mut play.world, method, uri, &headers)))
    };
    let own = "sip:2001@example.com";
    assert_eq!(try_all(&mut play, own, ""), ["403 device"; 4]);
    let stranger = spelt_out("X-Graceline-Instance: <{c}>\r\n");
    assert_eq!(try_all(&mut play, own, &stranger), ["403 device"; 4]);
    let [invite, message, options, subscribe] = try_all(&mut play, own, &shown);
    // Watching its own registration is no call.
    assert_eq!([invite, message, options], ["403"; 3]);
    assert_eq!(subscribe, "200");
}

#[test]
fn a_device_reaches_the_gateway_without_being_registered() {
    let config = Config {
        devices: true,
        ..users()
    };
    let mut play = Play::of(config.with_user("cti", "other"));
    play.ask("authorise id=p instance={a} class=mobile");
    Client::registered(&mut play.world, "cti", "<sip:cti@g>");
    let invite = |play: &mut Play, name: &'static str, instance: &str| {
        let mut client = Client::new(&mut play.world, "2001");
        (client.login, client.password) = (name.to_owned(), name);
        let contact = spelt_out(&format!("Contact: <sip:a@a>{instance}\r\n"));
        let text = client.request("INVITE", "sip:cti@example.com", &contact);
        play.world.send(client.connection, text);
        let challenge = play.world.next(client.connection);
        client.uses(crate::support::digest(&challenge, Algorithm::Sha256));
        let text = client.request("INVITE", "sip:cti@example.com", &contact);
        play.world.send(client.connection, text);
        summary(&play.world.next(client.connection))
    };
    give(&mut play, "own", "p", 1);
    assert_eq!(invite(&mut play, "own", ""), "100");
    assert_eq!(
        invite(&mut play, "own", ";+sip.instance=\"<{b}>\""),
        "403 device"
    );
    play.ask("revoke id=p");
    assert_eq!(invite(&mut play, "own", ""), "403 device");
}

/// Whom an INVITE (or another request) of 2002 reaches of the clients.
fn reached(play: &mut Play, method: &str) -> String {
    let mut caller = Client::registered(&mut play.world, "2002", "<sip:z@z>");
    let text = caller.request(method, "sip:2001@example.com", "");
    play.world.send(caller.connection, text);
    let mut reached = Vec::new();
    for (name, client) in &play.clients {
        while let Some(data) = play.world.raw(client.connection) {
            let message = Message::parse(&data, Framing::Frame).unwrap();
            if message.method() == method {
                reached.push(name.as_str());
            }
        }
    }
    let reached = reached.join(" ");
    play.world.disconnect(caller.connection);
    reached
}

#[test]
fn a_call_rings_where_the_facts_say() {
    let mut config = users();
    let user = config.users.get_mut("2001").unwrap();
    (user.devices, user.unique) = (Some(true), None);
    let mut play = Play::of(config);
    for (id, class) in [
        ("d", "deskphone"),
        ("e", "deskphone"),
        ("a", "mobile"),
        ("b", "web"),
    ] {
        let limits = "limits={\"mobile\":9,\"deskphone\":9}";
        play.ask(&format!(
            "authorise id={id} instance={{{id}}} class={class} {limits}"
        ));
    }
    let register = |play: &mut Play, name: &str| {
        registered(play, &format!("{name} instance={{{name}}}"));
    };
    register(&mut play, "d");
    register(&mut play, "e");
    // Nobody else is there: the desk phones.
    assert_eq!(reached(&mut play, "INVITE"), "d e");
    register(&mut play, "a");
    assert_eq!(reached(&mut play, "INVITE"), "a");
    register(&mut play, "b");
    assert_eq!(reached(&mut play, "INVITE"), "a b");
    assert_eq!(reached(&mut play, "MESSAGE"), "a b d e");
    // A set chosen by hand stays, whoever is there.
    play.ask("rings_set ids=[\"d\",\"b\"]");
    assert_eq!(reached(&mut play, "INVITE"), "b d");
    assert_eq!(reached(&mut play, "MESSAGE"), "a b d e");
    play.ask("revoke id=b");
    assert_eq!(reached(&mut play, "INVITE"), "d");
    play.ask("rings_set ids=[]");
    assert_eq!(reached(&mut play, "INVITE"), "");
    // Off: every binding.
    let mut config = play.world.registrar.config().clone();
    config.users.get_mut("2001").unwrap().unique = Some(false);
    play.world.registrar.configure(play.world.now, config);
    assert_eq!(reached(&mut play, "INVITE"), "a d e");
}

#[test]
fn the_calls_of_a_device_that_is_cut_off_end_for_both_sides() {
    let mut config = users();
    config.users.get_mut("2001").unwrap().devices = Some(true);
    let mut play = Play::of(config);
    play.ask("authorise id=p instance={a} class=mobile");
    let callee = registered(&mut play, "a instance={a}");
    let mut caller = Client::registered(&mut play.world, "2002", "<sip:z@z>");
    let contact = "Contact: <sip:z@z;here>\r\n";
    let text = caller.request("INVITE", "sip:2001@example.com", contact);
    play.world.send(caller.connection, text);
    let invite = play.world.next(callee);
    let contact = "Contact: <sip:a@a;there>\r\n";
    play.world.reply(callee, &invite, "200 OK", contact);
    let accepted = loop {
        let answer = play.world.next(caller.connection);
        if answer.status() == 200 {
            break answer;
        }
    };
    while play.world.raw(callee).is_some() {}
    play.ask("revoke id=p");
    let number = invite.cseq().unwrap().number;
    for (connection, uri, cseq) in [
        (caller.connection, "sip:z@z;here", 1),
        (callee, "sip:a@a;there", number + 1),
    ] {
        let bye = play.world.next(connection);
        assert_eq!((bye.method(), bye.request_uri()), ("BYE", uri));
        assert_eq!(bye.cseq().unwrap().number, cseq);
        assert_eq!(bye.call_id(), accepted.call_id());
        let tags = (accepted.from_tag(), accepted.to_tag());
        let (own, far) = (bye.to_tag(), bye.from_tag());
        assert!(tags == (own, far) || tags == (far, own));
        assert!(bye.header(Name::Reason).unwrap().contains("cause=403"));
        play.world.reply(connection, &bye, "200 OK", "");
    }
    assert_eq!(play.world.registrar.counters().strays, 0);
    // Read first, then closed.
    assert_eq!(play.world.closed, []);
    play.world.pass(1);
    assert_eq!(play.world.closed, [(callee, 4003)]);
}
