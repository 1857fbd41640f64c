//! What users are told of each other and of themselves: presence (RFC 3856), dialogs (RFC
//! 4235), the mailbox (RFC 3842); and what they may publish (RFC 3903).

use crate::support::{Client, World, body, users};
use graceline::documents::dialog_info::{Dialog, DialogInfo, DialogState, Direction};
use graceline::registrar::{Config, Dialect, Policy};
use graceline::sip::{Element, Message, Name};

const ALICE: &str = "<sip:a@a.invalid;transport=ws>";
const BOB: &str = "<sip:b@b.invalid;transport=ws>";

fn subscribe(package: &str) -> String {
    format!("Event: {package}\r\nContact: <sip:w@w.invalid;transport=ws>\r\n")
}

/// Watches; the first document.
fn watch(world: &mut World, client: &mut Client, package: &str, whom: &str) -> String {
    let uri = format!("sip:{whom}@example.com");
    let answer = client.ask(world, "SUBSCRIBE", &uri, &subscribe(package));
    assert_eq!(answer.status(), 200, "{}", answer.reason());
    told(world, client)
}

/// The next NOTIFY, which is answered; its document.
fn told(world: &mut World, client: &Client) -> String {
    let notify = world.next(client.connection);
    assert_eq!(notify.method(), "NOTIFY");
    world.reply(client.connection, &notify, "200 OK", "");
    body(&notify)
}

/// Basic state, activity, note.
fn shown(document: &str) -> (String, Option<String>, Option<String>) {
    let root = Element::parse(document.as_bytes()).expect("a proper document");
    let basic = root.child("tuple").unwrap().child("status").unwrap();
    let activities = root
        .child("person")
        .and_then(|person| person.child("activities"));
    (
        basic.child("basic").unwrap().text.clone(),
        activities.map(|all| all.children[0].name.clone()),
        root.child("note").map(|note| note.text.clone()),
    )
}

fn is(document: &str, basic: &str, activity: Option<&str>) {
    let (found, does, _) = shown(document);
    assert_eq!((found.as_str(), does.as_deref()), (basic, activity));
}

fn pidf(basic: &str, more: &str) -> String {
    format!(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:x@y\"><tuple id=\"t\">\
         <status><basic>{basic}</basic></status></tuple>{more}</presence>"
    )
}

fn busy() -> String {
    pidf("open", "<person><activities><busy/></activities></person>")
}

/// PUBLISH; the answer.
fn publish(
    world: &mut World,
    client: &mut Client,
    whom: &str,
    headers: &str,
    document: &str,
) -> Message {
    let uri = format!("sip:{whom}@example.com");
    let text = client.request("PUBLISH", &uri, headers);
    let empty = "Content-Length: 0\r\n\r\n";
    assert!(text.ends_with(empty));
    let length = format!("Content-Length: {}\r\n\r\n{document}", document.len());
    world.send(client.connection, text.replace(empty, &length));
    world.next(client.connection)
}

fn presence(more: &str) -> String {
    format!("Event: presence\r\nContent-Type: application/pidf+xml\r\n{more}")
}

fn etag(answer: &Message) -> String {
    assert_eq!(answer.status(), 200, "{}", answer.reason());
    answer.header_named("SIP-ETag").unwrap().to_owned()
}

/// Alice and Bob, registered.
fn pair() -> (World, Client, Client) {
    let mut world = World::new(users());
    let alice = Client::registered(&mut world, "2001", ALICE);
    let bob = Client::registered(&mut world, "2002", BOB);
    (world, alice, bob)
}

#[test]
fn presence_follows_from_registration() {
    let mut world = World::new(users());
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    is(
        &watch(&mut world, &mut alice, "presence", "2002"),
        "closed",
        None,
    );
    let bob = Client::registered(&mut world, "2002", BOB);
    is(&told(&mut world, &alice), "open", None);
    world.disconnect(bob.connection);
    is(&told(&mut world, &alice), "closed", None);
}

#[test]
fn presence_is_for_those_of_the_domain() {
    let mut world = World::new(Config {
        domain: None,
        ..users()
    });
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    for (whom, status) in [
        ("sip:2002@example.com", 200),
        ("sip:2002@elsewhere.com", 403),
    ] {
        let answer = alice.ask(&mut world, "SUBSCRIBE", whom, &subscribe("presence"));
        assert_eq!(answer.status(), status, "{whom}");
        while world.raw(alice.connection).is_some() {}
    }
    // Nobody who has not shown who it is.
    let mut stranger = Client::new(&mut world, "2001");
    stranger.uses(None);
    let text = stranger.request("SUBSCRIBE", "sip:2002@example.com", &subscribe("presence"));
    world.send(stranger.connection, text);
    assert_eq!(world.next(stranger.connection).status(), 401);
}

#[test]
fn dialogs_and_mailbox_are_their_owners() {
    let (mut world, mut alice, _) = pair();
    for package in ["dialog", "message-summary"] {
        let uri = "sip:2002@example.com";
        let answer = alice.ask(&mut world, "SUBSCRIBE", uri, &subscribe(package));
        assert_eq!(answer.status(), 403, "{package}");
    }
    let answer = alice.ask(
        &mut world,
        "SUBSCRIBE",
        "sip:2001@example.com",
        &subscribe("weather"),
    );
    assert_eq!(answer.status(), 489);
    assert_eq!(
        answer.header(Name::AllowEvents),
        Some("reg, presence, dialog, message-summary")
    );
}

#[test]
fn a_registrar_that_imitates_another_offers_none_of_it() {
    let mut world = World::new(Config {
        policy: Policy::Normal,
        dialect: Some(Dialect::Kamailio),
        ..users()
    });
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    let answer = alice.ask(
        &mut world,
        "SUBSCRIBE",
        "sip:2002@example.com",
        &subscribe("presence"),
    );
    assert!(answer.status() >= 400);
}

#[test]
fn what_is_published_is_seen_changed_refreshed_and_taken_back() {
    let (mut world, mut alice, mut bob) = pair();
    is(
        &watch(&mut world, &mut alice, "presence", "2002"),
        "open",
        None,
    );
    let away = pidf(
        "open",
        "<note>out &amp; about</note><person><activities><away/></activities></person>",
    );
    let first = etag(&publish(&mut world, &mut bob, "2002", &presence(""), &away));
    let document = told(&mut world, &alice);
    is(&document, "open", Some("away"));
    assert_eq!(shown(&document).2.as_deref(), Some("out & about"));

    let named = |etag: &str| presence(&format!("SIP-If-Match: {etag}\r\n"));
    let second = etag(&publish(
        &mut world,
        &mut bob,
        "2002",
        &named(&first),
        &busy(),
    ));
    assert_ne!(first, second);
    is(&told(&mut world, &alice), "open", Some("busy"));
    let stale = publish(&mut world, &mut bob, "2002", &named(&first), &busy());
    assert_eq!(stale.status(), 412);

    let brief = presence(&format!("SIP-If-Match: {second}\r\nExpires: 60\r\n"));
    let third = publish(&mut world, &mut bob, "2002", &brief, "");
    assert_eq!(third.expires(), Some(60));
    assert!(world.is_silent(alice.connection), "nothing has changed");
    let ends = presence(&format!("SIP-If-Match: {}\r\nExpires: 0\r\n", etag(&third)));
    assert_eq!(
        publish(&mut world, &mut bob, "2002", &ends, "").status(),
        200
    );
    is(&told(&mut world, &alice), "open", None);
}

#[test]
fn what_is_published_ends_with_its_time_and_with_its_device() {
    let (mut world, mut alice, mut bob) = pair();
    watch(&mut world, &mut alice, "presence", "2002");
    etag(&publish(
        &mut world,
        &mut bob,
        "2002",
        &presence("Expires: 20\r\n"),
        &busy(),
    ));
    is(&told(&mut world, &alice), "open", Some("busy"));
    world.pass(21);
    is(&told(&mut world, &alice), "open", None);
    etag(&publish(
        &mut world,
        &mut bob,
        "2002",
        &presence(""),
        &busy(),
    ));
    is(&told(&mut world, &alice), "open", Some("busy"));
    world.disconnect(bob.connection);
    is(&told(&mut world, &alice), "closed", None);
}

#[test]
fn what_a_user_says_by_hand_counts_in_its_place() {
    let (mut world, mut alice, _) = pair();
    watch(&mut world, &mut alice, "presence", "2002");
    let mut say = |verb: &str, args: &str, basic, activity| {
        let reply = world.registrar.account(world.now, "2002", verb, args);
        assert!(reply.starts_with("{\"ok\""), "{reply}");
        world.drain();
        is(&told(&mut world, &alice), basic, activity);
    };
    let manual = "presence_manual_set";
    say(
        manual,
        r#"{"state":"away","note":null}"#,
        "open",
        Some("away"),
    );
    say(
        "rules_set",
        r#"{"doNotDisturb":true}"#,
        "open",
        Some("busy"),
    );
    say(manual, r#"{"state":"offline","note":null}"#, "closed", None);
}

#[test]
fn nobody_publishes_for_others() {
    let (mut world, mut alice, mut bob) = pair();
    is(
        &watch(&mut world, &mut alice, "presence", "2001"),
        "open",
        None,
    );
    let theirs = publish(&mut world, &mut bob, "2001", &presence(""), &busy());
    assert_eq!(theirs.status(), 403);
    let mail = "Event: message-summary\r\nContent-Type: application/simple-message-summary\r\n";
    let lamp = publish(&mut world, &mut bob, "2001", mail, "Voice-Message: 1/0\r\n");
    assert_eq!(lamp.status(), 403);
    let uri = "sip:2001@example.com";
    let headers = "Event: message-summary\r\nSubscription-State: active\r\n";
    let notify = bob.ask(&mut world, "NOTIFY", uri, headers);
    assert_eq!(notify.status(), 403);
    assert!(world.is_silent(alice.connection));
}

#[test]
fn what_is_no_presence_document_is_refused() {
    let (mut world, _, mut bob) = pair();
    let bomb = "<!DOCTYPE p [<!ENTITY a \"aaaa\">]><presence>&a;</presence>";
    let deep = "<presence>".repeat(200);
    for (document, status) in [
        (bomb, 400),
        (deep.as_str(), 400),
        ("<reginfo/>", 400),
        ("", 400),
    ] {
        let answer = publish(&mut world, &mut bob, "2002", &presence(""), document);
        assert_eq!(answer.status(), status, "{document}");
    }
    let headers = "Event: presence\r\nContent-Type: text/plain\r\n";
    let answer = publish(&mut world, &mut bob, "2002", headers, "busy");
    assert_eq!(answer.status(), 415);
    let headers = "Event: reg\r\nContent-Type: application/reginfo+xml\r\n";
    assert_eq!(
        publish(&mut world, &mut bob, "2002", headers, "<a/>").status(),
        489
    );
}

#[test]
fn a_flood_of_changes_is_stopped_and_is_told_no_faster_than_it_is_heard() {
    let (mut world, mut alice, mut bob) = pair();
    watch(&mut world, &mut alice, "presence", "2002");
    let away = busy().replace("busy", "away");
    let mut refused = 0;
    for turn in 0..50 {
        let document = if turn % 2 == 0 { busy() } else { away.clone() };
        let answer = publish(&mut world, &mut bob, "2002", &presence(""), &document);
        if answer.status() == 503 {
            refused += 1;
            assert_eq!(answer.header(Name::RetryAfter), Some("10"));
        }
    }
    assert_eq!(refused, 30);
    // Alice has answered none: she was sent one, and then what is so now.
    let notify = world.next(alice.connection);
    is(&body(&notify), "open", Some("busy"));
    assert!(world.is_silent(alice.connection));
    world.reply(alice.connection, &notify, "200 OK", "");
    is(&told(&mut world, &alice), "open", Some("away"));
    world.pass(11);
    etag(&publish(
        &mut world,
        &mut bob,
        "2002",
        &presence(""),
        &busy(),
    ));
}

#[test]
fn the_mailbox_is_told_and_the_voicemail_service_fills_it() {
    let mut world = World::new(users().with_user("voicemail", "other"));
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    let mut service = Client::registered(&mut world, "voicemail", BOB);
    let document = watch(&mut world, &mut alice, "message-summary", "2001");
    assert_eq!(
        document,
        "Messages-Waiting: no\r\nMessage-Account: sip:2001@example.com\r\n\
         Voice-Message: 0/0 (0/0)\r\n"
    );
    let mail = "Event: message-summary\r\nContent-Type: application/simple-message-summary\r\n";
    let summary = "Messages-Waiting: yes\r\nVoice-Message: 3/1 (0/0)\r\n";
    let answer = publish(&mut world, &mut service, "2001", mail, summary);
    assert_eq!(answer.status(), 200, "{}", answer.reason());
    let document = told(&mut world, &alice);
    assert!(document.contains("Messages-Waiting: yes"), "{document}");
    assert!(document.contains("Voice-Message: 3/1"), "{document}");
    let answer = publish(
        &mut world,
        &mut service,
        "2001",
        mail,
        "Voice-Message: many",
    );
    assert_eq!(answer.status(), 400);
}

#[test]
fn one_connection_has_so_many_subscriptions() {
    let (mut world, mut alice, _) = pair();
    let mut refused = 0;
    for _ in 0..310 {
        let uri = "sip:2002@example.com";
        alice.call_id.push('x');
        let answer = alice.ask(&mut world, "SUBSCRIBE", uri, &subscribe("presence"));
        refused += u32::from(answer.status() == 503);
        while world.raw(alice.connection).is_some() {}
    }
    assert_eq!(refused, 10);
}

fn dialogs(document: &str) -> Vec<Dialog> {
    let read = DialogInfo::parse(document.as_bytes()).expect("a proper document");
    assert!(read.full);
    assert_eq!(read.entity, "sip:2001@example.com");
    read.dialogs
}

/// Who makes calls for desk phones is told what they do by themselves.
#[test]
fn the_controller_is_told_of_the_phones_of_its_domain() {
    let mut world = World::new(users().with_user("controller", "other"));
    let cti = "<sip:c@c.invalid;transport=ws>";
    let mut controller = Client::registered(&mut world, "controller", cti);
    let ask = |world: &mut World, controller: &mut Client, package, uri| {
        let answer = controller.ask(world, "SUBSCRIBE", uri, &subscribe(package));
        answer.status()
    };
    for (package, uri, status) in [
        ("message-summary", "sip:2001@example.com", 403),
        ("dialog", "sip:2001@example.org", 404),
        ("dialog", "sip:2009@example.com", 404),
    ] {
        assert_eq!(ask(&mut world, &mut controller, package, uri), status);
    }
    let reg = watch(&mut world, &mut controller, "reg", "2001");
    assert!(reg.contains("state=\"init\""), "{reg}");
    let none = dialogs(&watch(&mut world, &mut controller, "dialog", "2001"));
    assert_eq!(none, []);

    let mut alice = Client::registered(&mut world, "2001", ALICE);
    let bob = Client::registered(&mut world, "2002", BOB);
    let reg = told(&mut world, &controller);
    assert!(reg.contains("state=\"active\""), "{reg}");
    let invite = alice.request(
        "INVITE",
        "sip:2002@example.com",
        &format!("Contact: {ALICE}\r\n"),
    );
    world.send(alice.connection, invite);
    let [dialog] = &dialogs(&told(&mut world, &controller))[..] else {
        panic!("not one");
    };
    assert_eq!(dialog.direction, Some(Direction::Initiator));
    assert_eq!(dialog.remote.identity, "sip:2002@example.com");
    world.disconnect(alice.connection);
    world.disconnect(bob.connection);
    let over = [told(&mut world, &controller), told(&mut world, &controller)];
    assert!(
        over.iter()
            .any(|document| document.contains("state=\"terminated\"")),
        "{over:?}"
    );
}

#[test]
fn calls_of_other_devices_are_told_from_ringing_to_the_end() {
    let mut world = World::new(Config {
        policy: Policy::Normal,
        dialect: Some(Dialect::Rfc3261),
        ..users()
    });
    let mut web = Client::registered(&mut world, "2001", ALICE);
    let mut desk = Client::registered(&mut world, "2001", "<sip:d@d.invalid;transport=ws>");
    let mut bob = Client::registered(&mut world, "2002", BOB);
    assert_eq!(dialogs(&watch(&mut world, &mut web, "dialog", "2001")), []);
    assert_eq!(dialogs(&watch(&mut world, &mut desk, "dialog", "2001")), []);

    let invite = bob.request(
        "INVITE",
        "sip:d@d.invalid;transport=ws",
        "Contact: <sip:b@b.invalid;transport=ws>\r\n",
    );
    world.send(bob.connection, invite);
    assert_eq!(world.next(bob.connection).status(), 100);
    let ringing = world.next(desk.connection);
    assert!(world.is_silent(web.connection), "it does not ring yet");
    world.reply(desk.connection, &ringing, "180 Ringing", "");
    let early = dialogs(&told(&mut world, &web));
    assert_eq!(early.len(), 1);
    assert_eq!(early[0].state, DialogState::Early);
    assert_eq!(early[0].direction, Some(Direction::Recipient));
    assert_eq!(early[0].call_id.as_deref(), Some(bob.call_id.as_str()));
    assert_eq!(early[0].remote_tag.as_deref(), ringing.from_tag());
    assert!(early[0].local_tag.is_some());
    assert_eq!(early[0].remote.identity, "sip:2002@example.com");
    assert!(early[0].remote.target.as_ref().unwrap().contains("tgruu-"));

    let contact = "Contact: <sip:d@d.invalid;transport=ws>\r\n";
    world.reply(desk.connection, &ringing, "200 OK", contact);
    let confirmed = dialogs(&told(&mut world, &web));
    assert_eq!(confirmed[0].state, DialogState::Confirmed);
    assert_eq!(confirmed[0].id, early[0].id);
    assert_eq!(confirmed[0].local_tag, early[0].local_tag);
    assert!(world.is_silent(desk.connection), "its own it knows");
    world.disconnect(desk.connection);
    assert_eq!(dialogs(&told(&mut world, &web)), []);
}

/// One that was picked up goes to a device, by its GRUU (RFC 5627).
#[test]
fn of_a_call_to_one_device_it_is_told_whose_that_is() {
    let mut world = World::new(Config {
        policy: Policy::Normal,
        dialect: Some(Dialect::Rfc3261),
        ..users()
    });
    let mut web = Client::registered(&mut world, "2001", ALICE);
    let mut desk = Client::registered(&mut world, "2001", "<sip:d@d.invalid;transport=ws>");
    let mut bob = Client::registered(&mut world, "2002", BOB);
    dialogs(&watch(&mut world, &mut desk, "dialog", "2001"));
    let invite = bob.request(
        "INVITE",
        "sip:a@a.invalid;transport=ws",
        "Contact: <sip:b@b.invalid;transport=ws>\r\n",
    );
    world.send(bob.connection, invite);
    let ringing = world.next(web.connection);
    world.reply(web.connection, &ringing, "180 Ringing", "");
    let device = dialogs(&told(&mut world, &desk))[0].remote.target.clone();
    let device = device.expect("where it comes from");

    let contact = "Contact: <sip:a@a.invalid;transport=ws>\r\n";
    let invite = web.request("INVITE", &device, contact);
    world.send(web.connection, invite);
    // Before it, that the first rings.
    let ringing = loop {
        let message = world.next(bob.connection);
        if message.method() == "INVITE" {
            break message;
        }
    };
    world.reply(bob.connection, &ringing, "200 OK", contact);
    let calls = loop {
        let calls = dialogs(&told(&mut world, &desk));
        if calls
            .iter()
            .any(|call| call.state == DialogState::Confirmed)
        {
            break calls;
        }
    };
    let confirmed = calls
        .iter()
        .find(|call| call.state == DialogState::Confirmed);
    assert_eq!(confirmed.unwrap().remote.identity, "sip:2002@example.com");
}
