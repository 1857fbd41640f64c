//! What happens when a second client wants a device: the three policies. Who gets it, the table of
//! rules says (`rules.rs`); here is what is said and told, and by what it is known.

use crate::support::{Client, DEVICE, FORCED, START, World, instance, listed, users};
use graceline::registrar::{Config, Policy, Telling};
use graceline::sip::{Message, Name};

pub const ZERO: &str = "+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-000000000000>\"";

/// A contact whose user part tells the client, on device CSF.
pub fn contact(name: &str, instance: &str) -> String {
    format!("<sip:{name}@{name}.invalid;transport=ws>;{instance};{DEVICE}")
}

pub fn graceful() -> World {
    World::new(users())
}

pub fn client(world: &mut World, name: &str) -> Client {
    let mut client = Client::registered(world, "2001", &contact(name, ZERO));
    client.headers = "User-Agent: Rival/2\r\n".into();
    client
}

/// A second client that forces its way in with instance `digit`.
pub fn forced(world: &mut World, name: &str, digit: char) -> Client {
    let mut client = Client::new(world, "2001");
    client.headers = FORCED.into();
    let answer = client.register(world, &[&contact(name, &instance(digit))]);
    assert_eq!(answer.status(), 200, "{}", answer.reason());
    client
}

#[test]
fn every_answer_to_register_tells_the_policy() {
    for (policy, tag) in [
        (Policy::Graceful, Some("X-cisco-graceful-reg")),
        (Policy::Duplicate, Some("X-cisco-duplicate-reg")),
        (Policy::Normal, None),
    ] {
        let tags = |answer: &Message| -> Vec<String> {
            let tags = answer.values(Name::Supported);
            tags.map(str::to_owned).collect()
        };
        // It vouches for who calls, too.
        let expected: Vec<&str> = tag.into_iter().chain(["X-graceline-asserted-id"]).collect();
        let mut world = World::new(Config { policy, ..users() });
        let mut client = Client::new(&mut world, "2001");
        let text = client.request("REGISTER", "sip:example.com", "");
        world.send(client.connection, text);
        let challenge = world.next(client.connection);
        assert_eq!(challenge.status(), 401);
        assert_eq!(tags(&challenge), expected);
        let answer = client.register(&mut world, &[&contact("a", ZERO)]);
        assert_eq!(answer.status(), 200);
        assert_eq!(tags(&answer), expected);
    }
}

#[test]
fn graceful_refuses_the_second_client_and_names_the_holder() {
    let mut world = graceful();
    let mut holder = Client::new(&mut world, "2001");
    holder.headers = "User-Agent: Holder \"x\"/1\r\n".into();
    holder.register(&mut world, &[&contact("a", &instance('a'))]);
    world.pass(30);
    let mut second = Client::new(&mut world, "2001");
    let answer = second.register(&mut world, &[&contact("b", &instance('b'))]);
    assert_eq!((answer.status(), answer.reason()), (403, "Forbidden"));
    assert_eq!(
        answer.header(Name::Warning),
        Some("399 graceline \"Registration is active for another client\"")
    );
    let expected = format!(
        "\"urn:uuid:aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa\";contact=\"a\";since={START};\
         agent=\"Holder x/1\""
    );
    assert_eq!(
        answer.header_named("X-Graceline-Holder"),
        Some(expected.as_str())
    );
    assert_eq!(listed(&answer), [""; 0]);
    assert_eq!(world.contacts("2001"), ["sip:a@a.invalid;transport=ws"]);
    assert!(world.is_silent(holder.connection), "nobody is disturbed");
}

#[test]
fn graceful_knows_a_device_by_name_or_by_tag() {
    let hash = sha256_hex("device\n2001@example.com\nCSF");
    let tag = hash.get(..12).unwrap();
    let tagged = format!("<sip:g1-{tag}-111111111111-22222222-0000000001u@b.invalid>");
    let mut world = graceful();
    client(&mut world, "a");
    let mut second = Client::new(&mut world, "2001");
    assert_eq!(second.register(&mut world, &[&tagged]).status(), 403);
    let other = tagged.replace(tag, "0123456789ab");
    assert_eq!(
        second.register(&mut world, &[&other]).status(),
        200,
        "another device"
    );
    let devices: Vec<String> = world
        .registrar
        .bindings("2001")
        .into_iter()
        .map(|binding| binding.device)
        .collect();
    assert_eq!(devices, ["CSF", "0123456789ab"]);
}

fn sha256_hex(text: &str) -> String {
    graceline::sip::Algorithm::Sha256.hash_hex(text.as_bytes())
}

#[test]
fn force_takes_an_own_instance_and_the_alarm_and_not_less() {
    let cases = [
        (instance('b'), "", 403),
        (ZERO.to_owned(), FORCED, 403),
        (
            instance('b'),
            "Reason: SIP;cause=200;text=\"cisco-alarm:25 Last=initialized\"\r\n",
            403,
        ),
        (instance('b'), FORCED, 200),
        (
            instance('b'),
            "Reason: SIP;cause=200;text=\"cisco-alarm:111 Name=CSF\"\r\n",
            200,
        ),
    ];
    for (instance, headers, status) in cases {
        let mut world = graceful();
        client(&mut world, "a");
        let mut second = Client::new(&mut world, "2001");
        second.headers = headers.into();
        let answer = second.register(&mut world, &[&contact("b", &instance)]);
        assert_eq!(answer.status(), status, "{instance} {headers}");
        let holder = if status == 200 { "b" } else { "a" };
        assert_eq!(
            world.contacts("2001"),
            [format!("sip:{holder}@{holder}.invalid;transport=ws")]
        );
    }
}

#[test]
fn everybody_sees_only_their_own_contact() {
    let mut world = graceful();
    let mut a = client(&mut world, "a");
    let mut desk = Client::new(&mut world, "2001");
    let desk_contact = "<sip:d@d.invalid>;+u.sip!devicename.ccm.cisco.com=\"DESK\"";
    let answer = desk.register(&mut world, &[desk_contact]);
    assert_eq!(listed(&answer).len(), 1, "{:?}", listed(&answer));
    assert!(listed(&answer)[0].starts_with("<sip:d@d.invalid>"));
    let mut stranger = Client::new(&mut world, "2001");
    let answer = stranger.register(&mut world, &[]);
    assert_eq!((answer.status(), listed(&answer).len()), (200, 0));
    assert_eq!(listed(&a.register(&mut world, &[])).len(), 1);
    assert_eq!(
        world.registrar.bindings("2001").len(),
        2,
        "devices live side by side"
    );
}

#[test]
fn a_device_limit_counts_devices() {
    let mut world = World::new(Config {
        max_contacts: Some(1),
        ..users()
    });
    let mut a = client(&mut world, "a");
    let mut desk = Client::new(&mut world, "2001");
    let other = "<sip:d@d.invalid>;+u.sip!devicename.ccm.cisco.com=\"DESK\"";
    let answer = desk.register(&mut world, &[other]);
    assert_eq!(answer.status(), 503);
    assert!(answer.header(Name::PRegistrarError).is_some());
    assert_eq!(
        a.register(&mut world, &[&contact("a2", ZERO)]).status(),
        200,
        "its own ghost"
    );
    forced(&mut world, "b", 'b');
}

#[test]
fn duplicate_lets_the_second_in_and_keeps_the_first_out() {
    let mut world = World::new(Config {
        policy: Policy::Duplicate,
        ..users()
    });
    let mut a = client(&mut world, "a");
    let mut b = Client::registered(&mut world, "2001", &contact("b", ZERO));
    assert_eq!(world.contacts("2001"), ["sip:b@b.invalid;transport=ws"]);
    assert_eq!(
        world.next(a.connection).header(Name::Event),
        Some("service-control")
    );
    let answer = a.register(&mut world, &[&contact("a", ZERO)]);
    assert_eq!(
        answer.status(),
        403,
        "a refresh does not take the device back"
    );
    a.register(&mut world, &[]);
    assert_eq!(
        a.register(&mut world, &[&contact("a", ZERO)]).status(),
        403,
        "nor after a query"
    );
    a.call_id = "a-new-login".into();
    assert_eq!(a.register(&mut world, &[&contact("a", ZERO)]).status(), 200);
    assert_eq!(
        world.next(b.connection).header(Name::Event),
        Some("service-control")
    );
    assert_eq!(b.register(&mut world, &[&contact("b", ZERO)]).status(), 403);
    // Once the device is free, everybody may have it.
    world.disconnect(a.connection);
    assert_eq!(b.register(&mut world, &[&contact("b", ZERO)]).status(), 200);
}

#[test]
fn duplicate_without_the_refresh_telling_lets_refreshes_fight() {
    let tell_ousted = Some(vec![Telling::ServiceControl]);
    let mut world = World::new(Config {
        policy: Policy::Duplicate,
        tell_ousted,
        ..users()
    });
    let mut a = client(&mut world, "a");
    Client::registered(&mut world, "2001", &contact("b", ZERO));
    world.next(a.connection);
    assert_eq!(a.register(&mut world, &[&contact("a", ZERO)]).status(), 200);
}

#[test]
fn normal_shows_the_ping_pong_of_naive_clients() {
    let mut world = World::new(Config {
        policy: Policy::Normal,
        ..users()
    });
    let mut a = Client::registered(&mut world, "2001", "<sip:a@a.invalid>");
    let mut b = Client::new(&mut world, "2001");
    for _ in 0..3 {
        let answer = b.register(&mut world, &["<sip:b@b.invalid>"]);
        assert_eq!(listed(&answer).len(), 1);
        assert_eq!(world.contacts("2001"), ["sip:b@b.invalid"]);
        a.register(&mut world, &["<sip:a@a.invalid>"]);
        assert_eq!(world.contacts("2001"), ["sip:a@a.invalid"]);
    }
    assert!(
        world.is_silent(a.connection) && world.is_silent(b.connection),
        "nobody is told"
    );
    assert_eq!(world.closed, []);
    // Another device is another matter, and is listed to everybody.
    let answer = b.register(
        &mut world,
        &["<sip:b@b.invalid>;+u.sip!devicename.ccm.cisco.com=\"D\""],
    );
    assert_eq!(listed(&answer).len(), 2);
}

#[test]
fn another_policy_at_run_time_clears_the_bindings() {
    let mut world = graceful();
    let mut a = client(&mut world, "a");
    world.changed.clear();
    let same = world.registrar.config().clone();
    world.registrar.configure(
        world.now,
        Config {
            force_limit: Some(1),
            ..same.clone()
        },
    );
    world.drain();
    assert_eq!(
        world.contacts("2001").len(),
        1,
        "nothing that matters has changed"
    );
    world.registrar.configure(
        world.now,
        Config {
            policy: Policy::Normal,
            ..same
        },
    );
    world.drain();
    assert_eq!(world.contacts("2001").len(), 0);
    assert_eq!(world.changed, ["2001"]);
    let answer = a.register(&mut world, &[&contact("a", ZERO)]);
    assert_eq!(answer.status(), 200);
    assert!(!answer.has_option(Name::Supported, "X-cisco-graceful-reg"));
    let mut fewer = world.registrar.config().clone();
    fewer.users.remove("2001");
    world.registrar.configure(world.now, fewer);
    world.drain();
    assert_eq!(
        world.contacts("2001").len(),
        0,
        "a user who is gone has no bindings"
    );
}
