//! A call to several devices: answered at one, declined at one or for all, and devices
//! that register while it rings.

use crate::proxy::{ALICE, BOB, TO_BOB, pair, relayed, world};
use crate::support::{Client, World, instance};
use graceline::sip::{Message, Name};

/// A device of the callee.
fn device(world: &mut World, name: &str) -> Client {
    let contact = format!("<sip:{name}@{name}.invalid>;+u.sip!devicename.ccm.cisco.com=\"{name}\"");
    Client::registered(world, "2002", &contact)
}

/// The INVITE that a device that registered late gets after the answer to its REGISTER.
fn rings(world: &mut World, client: &Client) -> Message {
    let invite = world.next(client.connection);
    assert_eq!(invite.method(), "INVITE");
    invite
}

#[test]
fn all_devices_ring_until_one_answers() {
    let mut world = world();
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    let on =
        |uri: &str, device: &str| format!("{uri};+u.sip!devicename.ccm.cisco.com=\"{device}\"");
    let one = Client::registered(&mut world, "2002", &on(BOB, "ONE"));
    let two = Client::registered(&mut world, "2002", &on("<sip:two@two.invalid>", "TWO"));
    let three = Client::registered(
        &mut world,
        "2002",
        &on("<sip:three@three.invalid>", "THREE"),
    );
    let at_one = relayed(&mut world, &mut alice, &one, "INVITE", "");
    let at_two = world.next(two.connection);
    world.next(three.connection);
    world.next(alice.connection);
    assert_ne!(
        at_one.top_via().unwrap().branch(),
        at_two.top_via().unwrap().branch()
    );
    world.reply(one.connection, &at_one, "486 Busy Here", "");
    assert_eq!(world.next(one.connection).method(), "ACK");
    assert!(world.is_silent(alice.connection), "the others still ring");
    world.reply(two.connection, &at_two, "200 OK", "");
    assert_eq!(world.next(alice.connection).status(), 200);
    let cancel = world.next(three.connection);
    assert_eq!(cancel.method(), "CANCEL");
    assert_eq!(
        cancel.header(Name::Reason),
        Some("SIP;cause=200;text=\"Call completed elsewhere\"")
    );
    assert!(world.is_silent(one.connection));
}

#[test]
fn of_several_failures_the_best_is_passed_on() {
    for (first, second, best) in [
        ("486", "404", 486),
        ("404", "603", 603),
        ("500", "408", 408),
        // Somebody is there; there is something that the caller can do.
        ("480", "486", 486),
        ("486", "415", 415),
        ("404", "407", 407),
        ("401", "600", 600),
    ] {
        let mut world = world();
        let mut alice = Client::registered(&mut world, "2001", ALICE);
        let one = Client::registered(&mut world, "2002", BOB);
        let two = "<sip:two@two.invalid>;+u.sip!devicename.ccm.cisco.com=\"TWO\"";
        let two = Client::registered(&mut world, "2002", two);
        let at_one = relayed(&mut world, &mut alice, &one, "MESSAGE", "");
        let at_two = world.next(two.connection);
        world.reply(one.connection, &at_one, &format!("{first} First"), "");
        assert!(world.is_silent(alice.connection));
        world.reply(two.connection, &at_two, &format!("{second} Second"), "");
        assert_eq!(world.next(alice.connection).status(), best);
        assert!(world.is_silent(alice.connection));
    }
}

#[test]
fn declined_for_all_devices_the_others_are_told_so() {
    let mut world = world();
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    let one = Client::registered(&mut world, "2002", BOB);
    let two = "<sip:two@two.invalid>;+u.sip!devicename.ccm.cisco.com=\"TWO\"";
    let two = Client::registered(&mut world, "2002", two);
    let at_one = relayed(&mut world, &mut alice, &one, "INVITE", "");
    let at_two = world.next(two.connection);
    world.next(alice.connection);
    world.reply(one.connection, &at_one, "603 Decline", "");
    assert_eq!(world.next(one.connection).method(), "ACK");
    let cancel = world.next(two.connection);
    assert_eq!(
        (cancel.method(), cancel.header(Name::Reason)),
        (
            "CANCEL",
            Some("SIP;cause=603;text=\"Declined for all devices\"")
        )
    );
    assert!(world.is_silent(alice.connection));
    world.reply(two.connection, &at_two, "487 Request Terminated", "");
    assert_eq!(world.next(alice.connection).status(), 603);
}

#[test]
fn who_registers_while_it_rings_rings_too_and_may_answer() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    let first = relayed(&mut world, &mut alice, &bob, "INVITE", "");
    world.next(alice.connection);
    let other = Client::registered(&mut world, "2001", "<sip:x@x.invalid>");
    assert!(world.is_silent(other.connection), "another user's");

    let mut late = device(&mut world, "late");
    let invite = rings(&mut world, &late);
    assert_eq!(invite.request_uri(), "sip:late@late.invalid");
    assert_eq!(invite.call_id(), first.call_id());
    let branch = |invite: &Message| invite.top_via().unwrap().branch().unwrap().to_owned();
    assert_ne!(branch(&invite), branch(&first));
    // Nobody rings twice: neither who refreshes, nor who was there.
    late.register(&mut world, &["<sip:late@late.invalid>"]);
    assert!(world.is_silent(late.connection));
    assert!(world.is_silent(bob.connection));

    world.reply(late.connection, &invite, "200 OK", "");
    assert_eq!(world.next(alice.connection).status(), 200);
    let cancel = world.next(bob.connection);
    assert_eq!(
        (cancel.method(), cancel.header(Name::Reason)),
        (
            "CANCEL",
            Some("SIP;cause=200;text=\"Call completed elsewhere\"")
        )
    );
    let too_late = device(&mut world, "later");
    assert!(world.is_silent(too_late.connection), "it was answered");
}

#[test]
fn nobody_joins_a_call_that_is_over() {
    for status in ["486 Busy Here", "603 Decline", "CANCEL"] {
        let mut world = world();
        let (mut alice, bob) = pair(&mut world);
        let second = device(&mut world, "second");
        let invite = relayed(&mut world, &mut alice, &bob, "INVITE", "");
        rings(&mut world, &second);
        world.next(alice.connection);
        if status == "CANCEL" {
            let text = alice.text("CANCEL", TO_BOB, &format!("<{TO_BOB}>"), "");
            world.send(alice.connection, text);
        } else {
            world.reply(bob.connection, &invite, status, "");
        }
        let late = device(&mut world, "late");
        // One who is busy does not speak for the others.
        if status.starts_with("486") {
            rings(&mut world, &late);
        }
        assert!(world.is_silent(late.connection), "{status}");
    }
}

#[test]
fn a_device_that_comes_back_rings_again() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    let lost = device(&mut world, "lost");
    relayed(&mut world, &mut alice, &bob, "INVITE", "");
    rings(&mut world, &lost);
    world.next(alice.connection);
    world.disconnect(lost.connection);
    let back = device(&mut world, "lost");
    let invite = rings(&mut world, &back);
    world.reply(back.connection, &invite, "200 OK", "");
    assert_eq!(world.next(alice.connection).status(), 200);
}

#[test]
fn a_call_to_one_instance_is_joined_by_that_alone() {
    let mut world = world();
    let (mut alice, _) = pair(&mut world);
    let at = |digit| format!("<sip:{digit}@{digit}.invalid>;{}", instance(digit));
    let one = Client::registered(&mut world, "2002", &at('b'));
    let gruu = "sip:2002@example.com;gr=urn:uuid:bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
    let text = alice.request("INVITE", gruu, "");
    world.send(alice.connection, text);
    rings(&mut world, &one);
    let other = Client::registered(&mut world, "2002", &at('c'));
    assert!(world.is_silent(other.connection));
}

#[test]
fn clients_without_end_make_no_branches_without_end() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    relayed(&mut world, &mut alice, &bob, "INVITE", "");
    let rang = (0..40)
        .filter(|_| {
            let client = device(&mut world, "churn");
            let rings = !world.is_silent(client.connection);
            world.disconnect(client.connection);
            rings
        })
        .count();
    assert_eq!(rang, 29);
}
