//! Calls between clients, and what a call in progress does to a binding.

use crate::proxy::{ALICE, BOB, TO_BOB, pair, relayed, world};
use crate::support::{Client, DEVICE, FORCED, World, digest, instance, users};
use graceline::sip::{Algorithm, Name};

/// A call from `alice` to `bob`; their Record-Route.
fn call(world: &mut World, alice: &mut Client, bob: &Client) -> String {
    let invite = relayed(
        world,
        alice,
        bob,
        "INVITE",
        "Contact: <sip:alice@alice.invalid>\r\n",
    );
    assert_eq!(world.next(alice.connection).status(), 100);
    world.reply(
        bob.connection,
        &invite,
        "200 OK",
        "Contact: <sip:bob@bob.invalid>\r\n",
    );
    let accepted = world.next(alice.connection);
    assert_eq!(accepted.status(), 200);
    let route = accepted
        .header(Name::RecordRoute)
        .expect("record-routed")
        .to_owned();
    let ack = inside(alice, "ACK", &route, bob.connection);
    world.send(alice.connection, ack);
    assert_eq!(world.next(bob.connection).method(), "ACK");
    route
}

/// A request in the dialog that `call` made, from its caller.
pub fn inside(alice: &mut Client, method: &str, route: &str, bob: u32) -> String {
    alice.cseq += 1;
    let headers = format!("Route: {route}\r\n");
    let to = format!("<{TO_BOB}>;tag=t{bob}");
    alice.text(method, "sip:bob@bob.invalid", &to, &headers)
}

/// A request in that dialog, from its callee.
fn from_callee(bob: &Client, alice: &Client, method: &str, route: &str) -> String {
    let Client { connection, .. } = bob;
    format!(
        "{method} sip:alice@alice.invalid SIP/2.0\r\n\
         Via: SIP/2.0/WS bob.invalid;branch=z9hG4bKfromcallee{method}\r\n\
         From: <{TO_BOB}>;tag=t{connection}\r\nTo: <sip:2001@example.com>;tag=f{}\r\n\
         Call-ID: {}\r\nCSeq: 9 {method}\r\nRoute: {route}\r\nContent-Length: 0\r\n\r\n",
        alice.connection, alice.call_id
    )
}

#[test]
fn a_call_is_made_talks_both_ways_and_ends() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    let invite = relayed(&mut world, &mut alice, &bob, "INVITE", "");
    assert_eq!(world.next(alice.connection).status(), 100);
    assert_eq!(invite.values(Name::RecordRoute).count(), 1);
    world.reply(bob.connection, &invite, "100 Trying", "");
    assert!(world.is_silent(alice.connection), "100 goes one hop");
    world.reply(bob.connection, &invite, "180 Ringing", "");
    assert_eq!(world.next(alice.connection).status(), 180);
    world.reply(bob.connection, &invite, "200 OK", "");
    let accepted = world.next(alice.connection);
    let route = accepted.header(Name::RecordRoute).unwrap().to_owned();
    world.reply(bob.connection, &invite, "200 OK", "");
    assert_eq!(
        world.next(alice.connection).status(),
        200,
        "again, for want of an ACK"
    );
    let ack = inside(&mut alice, "ACK", &route, bob.connection);
    world.send(alice.connection, ack);
    let ack = world.next(bob.connection);
    assert_eq!(
        (ack.method(), ack.request_uri()),
        ("ACK", "sip:bob@bob.invalid")
    );
    assert_eq!(ack.header(Name::Route), None, "the route was ours");
    world.send(bob.connection, from_callee(&bob, &alice, "INFO", &route));
    let info = world.next(alice.connection);
    assert_eq!(info.method(), "INFO");
    world.reply(alice.connection, &info, "200 OK", "");
    assert_eq!(world.next(bob.connection).status(), 200);
    let bye = inside(&mut alice, "BYE", &route, bob.connection);
    world.send(alice.connection, bye);
    assert_eq!(world.next(bob.connection).method(), "BYE");
}

#[test]
fn a_route_is_good_for_its_two_sides_only() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    let route = call(&mut world, &mut alice, &bob);
    let mut thief = Client::new(&mut world, "2001");
    thief.call_id.clone_from(&alice.call_id);
    let text = inside(&mut thief, "BYE", &route, bob.connection);
    world.send(thief.connection, text);
    assert_eq!(world.next(thief.connection).status(), 407);
    let forged = route.replacen("1-", "2-", 1);
    let text = inside(&mut thief, "BYE", &forged, bob.connection);
    world.send(thief.connection, text);
    assert_eq!(world.next(thief.connection).status(), 407);
    assert!(world.is_silent(bob.connection));
}

/// A gateway's, to a page that drives a desk phone, and so has no binding.
#[test]
fn who_has_lost_its_flow_ends_by_another_one_what_it_had_on_it() {
    let mut world = World::new(users().with_user("2003", "other"));
    let (mut alice, mut bob) = pair(&mut world);
    let route = call(&mut world, &mut alice, &bob);
    let talk = bob.call_id.clone();
    bob.call_id = format!("register-{}", bob.connection);
    bob.register(&mut world, &[&format!("{BOB};expires=0")]);
    bob.call_id = talk;
    world.disconnect(alice.connection);
    assert_eq!(world.contacts("2001").len(), 0);
    // Somebody else shows the same route.
    let thief = Client::registered(&mut world, "2003", "<sip:t@t.invalid>");
    let bye = inside(&mut alice, "BYE", &route, bob.connection);
    world.send(thief.connection, bye);
    assert!(world.is_silent(bob.connection));
    let back = Client::registered(&mut world, "2001", "<sip:back@back.invalid>");
    let bye = inside(&mut alice, "BYE", &route, bob.connection);
    world.send(back.connection, bye);
    assert_eq!(world.next(bob.connection).method(), "BYE");
}

const PERSISTS: &str = "Supported: X-cisco-sessionpersist\r\n";

/// A call between `2001`, which may come back, and `2002`, under policy graceful.
fn persistent_call(world: &mut World, headers: &str) -> (Client, Client, String) {
    let mut alice = Client::new(world, "2001");
    alice.headers = headers.into();
    let contact = format!("{ALICE};{};{DEVICE}", instance('a'));
    assert_eq!(alice.register(world, &[&contact]).status(), 200);
    let bob = Client::registered(world, "2002", BOB);
    let route = call(world, &mut alice, &bob);
    (alice, bob, route)
}

#[test]
fn a_call_keeps_the_binding_for_twelve_seconds() {
    let mut world = World::new(users());
    let (mut alice, bob, route) = persistent_call(&mut world, PERSISTS);
    world.disconnect(alice.connection);
    assert_eq!(world.contacts("2001").len(), 1);
    // Another client is refused meanwhile.
    let mut rival = Client::new(&mut world, "2001");
    let contact = format!("<sip:r@r.invalid>;{};{DEVICE}", instance('b'));
    assert_eq!(rival.register(&mut world, &[&contact]).status(), 403);
    world.pass(11);
    // The same client comes back elsewhere, and the call finds it there.
    let mut back = Client::new(&mut world, "2001");
    back.headers = PERSISTS.into();
    let contact = format!("<sip:back@back.invalid>;{};{DEVICE}", instance('a'));
    assert_eq!(back.register(&mut world, &[&contact]).status(), 200);
    world.send(bob.connection, from_callee(&bob, &alice, "INFO", &route));
    assert_eq!(world.next(back.connection).method(), "INFO");
    let bye = inside(&mut alice, "BYE", &route, bob.connection);
    world.send(back.connection, bye);
    assert_eq!(world.next(bob.connection).method(), "BYE");
    world.pass(30);
    assert_eq!(world.contacts("2001"), ["sip:back@back.invalid"]);
    world.disconnect(back.connection);
    assert!(world.contacts("2001").is_empty(), "no call, no grace");
}

#[test]
fn who_does_not_come_back_in_time_is_gone() {
    let mut world = World::new(users());
    let (alice, ..) = persistent_call(&mut world, PERSISTS);
    world.disconnect(alice.connection);
    world.pass(11);
    assert_eq!(world.contacts("2001").len(), 1);
    world.pass(1);
    assert_eq!(world.contacts("2001").len(), 0);
}

#[test]
fn the_grace_needs_a_call_in_progress_and_the_announcement() {
    // Not announced.
    let mut world = World::new(users());
    let (alice, ..) = persistent_call(&mut world, "");
    world.disconnect(alice.connection);
    assert_eq!(world.contacts("2001").len(), 0);
    // The other side has hung up.
    let mut world = World::new(users());
    let (alice, bob, route) = persistent_call(&mut world, PERSISTS);
    world.send(bob.connection, from_callee(&bob, &alice, "BYE", &route));
    world.disconnect(alice.connection);
    assert_eq!(world.contacts("2001").len(), 0);
    // Still ringing.
    let mut world = World::new(users());
    let mut alice = Client::new(&mut world, "2001");
    alice.headers = PERSISTS.into();
    alice.register(&mut world, &[ALICE]);
    let bob = Client::registered(&mut world, "2002", BOB);
    relayed(&mut world, &mut alice, &bob, "INVITE", "");
    world.disconnect(alice.connection);
    assert_eq!(world.contacts("2001").len(), 0);
    // Unregistering frees at once, call or not.
    let mut world = World::new(users());
    let (mut alice, ..) = persistent_call(&mut world, PERSISTS);
    alice.call_id = format!("call-{}", alice.connection);
    alice.register(&mut world, &[&format!("{ALICE};expires=0")]);
    assert_eq!(world.contacts("2001").len(), 0);
}

#[test]
fn an_ousted_client_may_still_hang_up() {
    let mut world = World::new(users());
    let (mut alice, bob, route) = persistent_call(&mut world, "");
    let mut winner = Client::new(&mut world, "2001");
    winner.headers = FORCED.into();
    let contact = format!("<sip:b@b.invalid>;{};{DEVICE}", instance('b'));
    assert_eq!(winner.register(&mut world, &[&contact]).status(), 200);
    assert_eq!(world.next(alice.connection).method(), "NOTIFY");
    let bye = inside(&mut alice, "BYE", &route, bob.connection);
    world.send(alice.connection, bye);
    assert_eq!(world.next(bob.connection).method(), "BYE");
}

/// DeskPhone mode: the page rings nowhere, and reaches the gateway all the same.
#[test]
fn who_has_no_binding_proves_itself_and_is_reached_in_its_session() {
    let mut world = world();
    let gateway = Client::registered(&mut world, "2002", BOB);
    let mut page = Client::new(&mut world, "2001");
    let text = page.request("INVITE", TO_BOB, "");
    world.send(page.connection, text);
    let challenge = world.next(page.connection);
    assert_eq!(challenge.status(), 407);
    let realm = challenge.lines(Name::ProxyAuthenticate).next();
    assert!(realm.is_some_and(|it| it.contains("realm=\"example.com\"")));
    assert!(world.is_silent(gateway.connection));
    page.uses(digest(&challenge, Algorithm::Md5));

    let lies = "P-Asserted-Identity: <sip:2002@example.com>\r\n\
                Contact: <sip:page@page.invalid>\r\n";
    let invite = relayed(&mut world, &mut page, &gateway, "INVITE", lies);
    let asserted: Vec<&str> = invite.values(Name::PAssertedIdentity).collect();
    assert_eq!(asserted, ["<sip:2001@example.com>"]);
    assert_eq!(world.next(page.connection).status(), 100);
    let contact = "Contact: <sip:bob@bob.invalid>\r\n";
    world.reply(gateway.connection, &invite, "200 OK", contact);
    let accepted = world.next(page.connection);
    let route = accepted
        .header(Name::RecordRoute)
        .expect("a route")
        .to_owned();
    let info = inside(&mut page, "INFO", &route, gateway.connection);
    world.send(page.connection, info);
    assert_eq!(world.next(gateway.connection).method(), "INFO");
    let event = from_callee(&gateway, &page, "INFO", &route);
    world.send(gateway.connection, event);
    assert_eq!(world.next(page.connection).method(), "INFO");
}

#[test]
fn a_session_outlives_the_binding_that_it_was_opened_with() {
    let mut world = world();
    let (mut page, gateway) = pair(&mut world);
    let route = call(&mut world, &mut page, &gateway);
    let unbound = page.register(
        &mut world,
        &["<sip:alice@alice.invalid;transport=ws>;expires=0"],
    );
    assert_eq!(unbound.status(), 200);
    assert_eq!(world.contacts("2001"), Vec::<String>::new());
    let info = inside(&mut page, "INFO", &route, gateway.connection);
    world.send(page.connection, info);
    assert_eq!(world.next(gateway.connection).method(), "INFO");
    let event = from_callee(&gateway, &page, "INFO", &route);
    world.send(gateway.connection, event);
    assert_eq!(world.next(page.connection).method(), "INFO");
}
