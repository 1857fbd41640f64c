//! Public ids: others reach a user by them, and see the user by them, but by no other's.

use crate::calls::inside;
use crate::proxy::{ALICE, BOB, TO_BOB, pair, relayed, world};
use crate::support::{Client, START, World, digest, instance};
use graceline::account::Accounts;
use graceline::sip::{Algorithm, Message, Name};
use graceline::time::Instant;

const TABLE: &str = include_str!("../rules/public-ids.txt");
const HASH: &str = "c1";

/// Adds a number or name to `user`, confirmed or not.
fn add(world: &mut World, user: &str, id: &str, confirmed: bool) {
    let code = r#""code_hash":"c1""#;
    let until = START * 1000 + 600_000;
    let kind = if id.starts_with(char::is_alphabetic) {
        "name"
    } else {
        "tel"
    };
    let args = format!(r#"{{"id":"{id}","kind":"{kind}",{code},"until":{until}}}"#);
    let added = ask(world, user, "public_id_add", &args);
    assert!(added.starts_with(r#"{"ok""#), "{added}");
    if confirmed && kind == "tel" {
        let args = format!(r#"{{"id":"{id}","code_hash":"{HASH}"}}"#);
        let done = ask(world, user, "public_id_confirm", &args);
        assert!(done.contains(r#""confirmed":true"#), "{done}");
    }
}

fn ask(world: &mut World, user: &str, verb: &str, args: &str) -> String {
    let now = world.now;
    let reply = world.registrar.account(now, user, verb, args);
    world.drain();
    reply
}

fn asserted(message: &Message) -> Vec<&str> {
    message.values(Name::PAssertedIdentity).collect()
}

/// A request of `client` from another address than its own.
fn from(client: &mut Client, method: &str, to: &str, uri: &str, headers: &str) -> String {
    let text = client.request(method, to, headers);
    let own = format!("From: <sip:{}@example.com>", client.user);
    assert!(text.contains(&own), "{text}");
    text.replace(&own, &format!("From: <{uri}>"))
}

#[test]
fn the_table_of_ids() {
    let rows = TABLE.lines().filter(|row| row.starts_with('"'));
    let mut count = 0;
    for row in rows {
        let (given, expected) = row.rsplit_once('|').unwrap();
        let given = given.trim();
        let args = format!(r#"{{"id":{given},"kind":"tel","code_hash":"c","until":9}}"#);
        let reply =
            Accounts::default().call(Instant::from_millis(1), "2001", "public_id_add", &args);
        let reply: serde_json::Value = serde_json::from_str(&reply).unwrap();
        match expected.trim() {
            "-" => assert_eq!(reply["refused"], "invalid", "{row}"),
            id => assert_eq!(reply["ok"]["id"], id, "{row}"),
        }
        count += 1;
    }
    assert!(count > 30, "{count} rows");
}

#[test]
fn a_user_is_reached_by_each_confirmed_id() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    add(&mut world, "2002", "+39333111222", true);
    add(&mut world, "2002", "Marco", true);
    for uri in [
        "sip:+39333111222@example.com",
        "sip:+39-333-111.222@example.com;user=phone",
        "sip:%2B39333111222@example.com",
        "tel:+39333111222",
        "TEL:+39-(333)-111.222;x=y",
        "tel:2002",
        "sip:MARCO@EXAMPLE.com",
    ] {
        for method in ["INVITE", "MESSAGE"] {
            let text = alice.request(method, uri, "");
            world.send(alice.connection, text);
            let copy = world.next(bob.connection);
            assert_eq!(copy.method(), method, "{uri}");
            world.reply(bob.connection, &copy, "200 OK", "");
            while world.raw(alice.connection).is_some() {}
        }
    }
    for (uri, status) in [
        ("sip:+39333111222@elsewhere.example", 404),
        ("sip:+39333111223@example.com", 404),
        ("sip:mario@example.com", 404),
        ("tel:+39333111223", 404),
        ("tel:marco", 416),
        ("tel:2002%40evil.example", 416),
        ("tel:", 400),
    ] {
        let text = alice.request("MESSAGE", uri, "");
        world.send(alice.connection, text);
        assert_eq!(world.next(alice.connection).status(), status, "{uri}");
    }
}

#[test]
fn an_id_reaches_its_user_only_when_confirmed_and_until_removed() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    let message = |world: &mut World, alice: &mut Client| {
        let text = alice.request("MESSAGE", "sip:+39333111222@example.com", "");
        world.send(alice.connection, text);
    };
    add(&mut world, "2002", "+39333111222", false);
    message(&mut world, &mut alice);
    assert_eq!(world.next(alice.connection).status(), 404);
    ask(
        &mut world,
        "2002",
        "public_id_confirm",
        r#"{"id":"+39333111222","code_hash":"c1"}"#,
    );
    message(&mut world, &mut alice);
    assert_eq!(world.next(bob.connection).method(), "MESSAGE");
    ask(
        &mut world,
        "2002",
        "public_id_remove",
        r#"{"id":"+39-333-111-222"}"#,
    );
    message(&mut world, &mut alice);
    assert_eq!(world.next(alice.connection).status(), 404);
}

#[test]
fn a_device_that_registers_late_is_rung_under_the_id() {
    for uri in ["sip:marco@example.com", "tel:2002"] {
        let mut world = world();
        let mut alice = Client::registered(&mut world, "2001", ALICE);
        let bob = Client::registered(&mut world, "2002", BOB);
        add(&mut world, "2002", "marco", true);
        let text = alice.request("INVITE", uri, "");
        world.send(alice.connection, text);
        assert_eq!(world.next(bob.connection).method(), "INVITE");
        let contact = "<sip:two@two.invalid>;+u.sip!devicename.ccm.cisco.com=\"TWO\"";
        let two = Client::registered(&mut world, "2002", contact);
        assert_eq!(world.next(two.connection).method(), "INVITE", "{uri}");
    }
}

#[test]
fn a_user_is_shown_by_the_id_of_from_or_of_the_preferred_identity() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    add(&mut world, "2001", "+39333111222", true);
    add(&mut world, "2001", "ada", true);
    let number = ["<sip:+39333111222@example.com>"];
    let text = from(
        &mut alice,
        "MESSAGE",
        TO_BOB,
        "sip:+39-333-111222@example.com",
        "",
    );
    world.send(alice.connection, text);
    assert_eq!(asserted(&world.next(bob.connection)), number);
    for preferred in [
        "<sip:+39333111222@example.com;user=phone>",
        "<tel:+39-333-111-222>",
    ] {
        let header = format!("p-preferred-identity: {preferred}\r\n");
        let copy = relayed(&mut world, &mut alice, &bob, "MESSAGE", &header);
        assert_eq!(asserted(&copy), number, "{preferred}");
        assert!(
            !copy
                .all_headers()
                .any(|(name, _)| name.eq_ignore_ascii_case("p-preferred-identity"))
        );
        let text = from(
            &mut alice,
            "MESSAGE",
            TO_BOB,
            "sip:ada@example.com",
            &header,
        );
        world.send(alice.connection, text);
        assert_eq!(asserted(&world.next(bob.connection)), number, "{preferred}");
    }
}

#[test]
fn an_id_that_is_not_ones_own_is_neither_called_from_nor_asserted() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    add(&mut world, "2002", "+39333111222", true);
    add(&mut world, "2002", "marco", true);
    add(&mut world, "2001", "+39333000000", false);
    // Without credentials at hand.
    alice.uses(None);
    let foreign = [
        "+39333111222",
        "marco",
        "+39333000000",
        "nobody",
        "2002",
        "m%D0%B0rco",
    ];
    for id in foreign {
        let uri = format!("sip:{id}@example.com");
        for domain in ["example.com", "elsewhere.example"] {
            let header = format!(
                "P-Preferred-Identity: <sip:{id}@{domain}>\r\nP-Asserted-Identity: <{uri}>\r\n"
            );
            let copy = relayed(&mut world, &mut alice, &bob, "MESSAGE", &header);
            assert_eq!(asserted(&copy), ["<sip:2001@example.com>"], "{id}");
        }
        // The challenge is the same for all: nobody learns which exist.
        let text = from(&mut alice, "MESSAGE", TO_BOB, &uri, "");
        world.send(alice.connection, text);
        assert_eq!(world.next(alice.connection).status(), 407, "{id}");
        assert!(world.is_silent(bob.connection));
    }
}

#[test]
fn a_gateway_is_told_the_login() {
    let mut users = crate::support::users();
    let gateway = graceline::registrar::User::with_password("other");
    users.users.insert("cti".to_owned(), gateway);
    let mut world = World::new(users);
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    let cti = Client::registered(&mut world, "cti", BOB);
    add(&mut world, "2001", "2005", true);
    let header = "P-Preferred-Identity: <tel:2005>\r\n";
    let text = from(
        &mut alice,
        "INVITE",
        "sip:cti@example.com",
        "sip:2005@example.com",
        header,
    );
    world.send(alice.connection, text);
    assert_eq!(
        asserted(&world.next(cti.connection)),
        ["<sip:2001@example.com>"]
    );
}

#[test]
fn an_answer_is_by_the_id_that_was_called_or_one_that_the_device_prefers() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    add(&mut world, "2002", "marco", true);
    add(&mut world, "2002", "+39333111222", true);
    let answered = |world: &mut World, alice: &mut Client, to: &str, header: &str| {
        let text = alice.request("MESSAGE", to, "");
        world.send(alice.connection, text);
        let copy = world.next(bob.connection);
        world.reply(bob.connection, &copy, "200 OK", header);
        let answer = world.next(alice.connection);
        asserted(&answer).join(" ")
    };
    let marco = "<sip:marco@example.com>";
    assert_eq!(
        answered(&mut world, &mut alice, "sip:marco@example.com", ""),
        marco
    );
    let preferred = "P-Preferred-Identity: <tel:+39333111222>\r\n";
    assert_eq!(
        answered(&mut world, &mut alice, TO_BOB, preferred),
        "<sip:+39333111222@example.com>"
    );
    let forged = "P-Preferred-Identity: <sip:2001@example.com>\r\n";
    assert_eq!(
        answered(&mut world, &mut alice, "sip:marco@example.com", forged),
        marco
    );
}

#[test]
fn an_answer_to_what_was_asked_of_a_contact_does_not_tell_whose_that_is() {
    let mut world = world();
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    let bob = Client::registered(&mut world, "2002", &format!("{BOB};{}", instance('b')));
    let gruu = "sip:2002@example.com;gr=urn:uuid:bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
    for (to, name) in [
        (gruu, "<sip:2002@example.com>"),
        ("sip:bob@bob.invalid;transport=ws", ""),
    ] {
        let text = alice.request("OPTIONS", to, "");
        world.send(alice.connection, text);
        let copy = world.next(bob.connection);
        world.reply(bob.connection, &copy, "200 OK", "");
        let answer = world.next(alice.connection);
        assert_eq!(asserted(&answer).join(" "), name, "{to}");
    }
}

#[test]
fn who_has_no_binding_proves_to_be_the_user_of_the_id() {
    let mut world = world();
    let bob = Client::registered(&mut world, "2002", BOB);
    add(&mut world, "2001", "ada", true);
    add(&mut world, "2002", "marco", true);
    let mut page = Client::new(&mut world, "2001");
    let asked = |world: &mut World, page: &mut Client, id: &str| {
        let uri = format!("sip:{id}@example.com");
        let text = from(page, "MESSAGE", TO_BOB, &uri, "");
        world.send(page.connection, text);
    };
    asked(&mut world, &mut page, "ada");
    let challenge = world.next(page.connection);
    page.uses(digest(&challenge, Algorithm::Sha256));
    asked(&mut world, &mut page, "ada");
    assert_eq!(
        asserted(&world.next(bob.connection)),
        ["<sip:ada@example.com>"]
    );
    asked(&mut world, &mut page, "marco");
    assert_eq!(world.next(page.connection).status(), 403);
}

/// A caller chooses To: were the callee asserted by it, the caller would learn whose id it is.
#[test]
fn within_a_call_an_id_is_asserted_only_if_its_user_prefers_it() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    add(&mut world, "2001", "ada", true);
    let text = from(&mut alice, "INVITE", TO_BOB, "sip:ada@example.com", "");
    world.send(alice.connection, text);
    let invite = world.next(bob.connection);
    assert_eq!(asserted(&invite), ["<sip:ada@example.com>"]);
    world.next(alice.connection);
    world.reply(bob.connection, &invite, "200 OK", "");
    let accepted = world.next(alice.connection);
    let route = accepted.header(Name::RecordRoute).unwrap().to_owned();
    let named = |name: &str, text: String| {
        text.replace(
            "<sip:2001@example.com>",
            &format!("<sip:{name}@example.com>"),
        )
    };
    for (name, preferred, expected) in [
        ("2001", "", "<sip:2001@example.com>"),
        ("ada", "", ""),
        ("ada", "ada", "<sip:ada@example.com>"),
        ("marco", "marco", ""),
    ] {
        let text = inside(&mut alice, "INFO", &route, bob.connection);
        let header = format!("P-Preferred-Identity: <sip:{preferred}@example.com>\r\nCall-ID:");
        let text = named(name, text).replacen("Call-ID:", &header, 1);
        world.send(alice.connection, text);
        let info = world.next(bob.connection);
        assert_eq!(asserted(&info).join(" "), expected, "{name} {preferred}");
    }
}
