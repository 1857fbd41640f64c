//! REGISTER by the book: RFC 3261 §10.3.

use crate::support::{Client, START, World, instance, listed, users};
use graceline::registrar::{Config, Dialect, Policy};
use graceline::sip::Name;

fn plain() -> Config {
    Config {
        policy: Policy::Normal,
        dialect: Some(Dialect::Rfc3261),
        ..users()
    }
}

const A: &str = "<sip:a@a.invalid;transport=ws>";
const B: &str = "<sip:b@b.invalid;transport=ws>";

#[test]
fn a_binding_is_made_listed_refreshed_and_removed() {
    let mut world = World::new(plain());
    let mut client = Client::new(&mut world, "2001");
    client.headers = "User-Agent: Tester/1\r\nExpires: 60\r\n".into();
    let contact = format!(
        "{A};{};+u.sip!devicename.ccm.cisco.com=\"CSF\";q=0.5",
        instance('a')
    );
    let answer = client.register(&mut world, &[&contact]);
    assert_eq!((answer.status(), answer.reason()), (200, "OK"));
    let urn = "urn:uuid:aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
    assert_eq!(
        listed(&answer),
        [format!(
            "{contact};expires=60;pub-gruu=\"sip:2001@example.com;gr={urn}\""
        )]
    );
    assert_eq!(
        answer.header(Name::Date),
        Some("Tue, 10 Nov 2026 12:00:00 GMT")
    );
    assert_eq!(answer.header(Name::Supported), None, "no policy, no tag");
    let bindings = world.registrar.bindings("2001");
    assert_eq!(bindings.len(), 1);
    assert_eq!(bindings[0].device, "CSF");
    assert_eq!(bindings[0].instance_id.as_deref(), Some(urn));
    assert_eq!(bindings[0].contact, "sip:a@a.invalid;transport=ws");
    assert_eq!(bindings[0].user_agent, "Tester/1");
    assert_eq!((bindings[0].expires, bindings[0].since), (60, START * 1000));

    world.pass(20);
    assert_eq!(world.registrar.bindings("2001")[0].expires, 40);
    let query = client.register(&mut world, &[]);
    assert!(
        listed(&query)[0].contains(";expires=40"),
        "{:?}",
        listed(&query)
    );
    client.register(&mut world, &[&contact]);
    let refreshed = world.registrar.bindings("2001");
    assert_eq!(
        (refreshed[0].expires, refreshed[0].since),
        (60, START * 1000)
    );

    let answer = client.register(&mut world, &[&format!("{A};expires=0")]);
    assert_eq!((answer.status(), listed(&answer)), (200, vec![]));
    assert!(world.registrar.bindings("2001").is_empty());
    assert_eq!(world.changed, ["2001"; 3]);
}

#[test]
fn a_binding_expires() {
    let mut world = World::new(plain());
    Client::registered(&mut world, "2001", &format!("{A};expires=30"));
    world.pass(29);
    assert_eq!(world.contacts("2001").len(), 1);
    world.changed.clear();
    world.pass(1);
    assert_eq!(world.contacts("2001"), [""; 0]);
    assert_eq!(world.changed, ["2001"]);
    assert_eq!(
        world.registrar.poll_timeout(),
        None,
        "nothing is left behind"
    );
}

#[test]
fn several_contacts_live_side_by_side_and_go_together() {
    let mut world = World::new(plain());
    let mut client = Client::registered(&mut world, "2001", A);
    let answer = client.register(&mut world, &[&format!("{A}, {B};expires=100")]);
    assert_eq!(listed(&answer).len(), 2);
    assert_eq!(answer.lines(Name::Contact).count(), 2, "a line for each");
    client.headers = "Expires: 0\r\n".into();
    let answer = client.register(&mut world, &["*"]);
    assert_eq!((answer.status(), listed(&answer).len()), (200, 0));
}

#[test]
fn one_client_removes_the_contact_of_another_by_uri_in_either_order() {
    for order in [[0, 1], [1, 0]] {
        let mut world = World::new(plain());
        Client::registered(&mut world, "2001", &format!("{A};{}", instance('a')));
        let mut other = Client::new(&mut world, "2001");
        let removal = format!("{A};expires=0");
        let contacts = [removal.as_str(), B];
        let answer = other.register(&mut world, &order.map(|index| contacts[index]));
        assert_eq!(answer.status(), 200);
        assert_eq!(world.contacts("2001"), ["sip:b@b.invalid;transport=ws"]);
    }
}

#[test]
fn lifetimes_are_granted_within_bounds() {
    let config = Config {
        min_expires: 60,
        max_expires: Some(600),
        default_expires: 300,
        ..plain()
    };
    let mut world = World::new(config);
    let mut client = Client::new(&mut world, "2001");
    let answer = client.register(&mut world, &[&format!("{A};expires=59")]);
    assert_eq!((answer.status(), answer.min_expires()), (423, Some(60)));
    assert!(world.contacts("2001").is_empty());
    for (asked, granted) in [(";expires=60", 60), (";expires=7200", 600), ("", 300)] {
        let answer = client.register(&mut world, &[&format!("{A}{asked}")]);
        assert!(
            listed(&answer)[0].ends_with(&format!("expires={granted}")),
            "{asked}"
        );
    }
}

#[test]
fn policies_of_ciscos_kind_grant_two_minutes() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "2001");
    let answer = client.register(&mut world, &[&format!("{A};expires=3600")]);
    assert_eq!(answer.header(Name::Expires), Some("120"));
    assert!(listed(&answer)[0].contains("expires=120"));
}

#[test]
fn an_update_is_all_or_nothing() {
    let mut world = World::new(Config {
        min_expires: 60,
        ..plain()
    });
    let mut client = Client::registered(&mut world, "2001", A);
    let changes = world.changed.len();
    let answer = client.register(
        &mut world,
        &[&format!("{A};expires=0"), &format!("{B};expires=5")],
    );
    assert_eq!(answer.status(), 423);
    assert_eq!(world.contacts("2001"), ["sip:a@a.invalid;transport=ws"]);
    assert_eq!(world.changed.len(), changes);
}

#[test]
fn an_older_request_of_the_same_call_changes_nothing() {
    let mut world = World::new(plain());
    let mut client = Client::registered(&mut world, "2001", A);
    client.register(&mut world, &[A]);
    let (call_id, number) = (client.call_id.clone(), client.cseq);
    for contact in [format!("{A};expires=0"), A.into(), "*".into()] {
        client.cseq = number - 1;
        client.headers = if contact == "*" {
            "Expires: 0\r\n".into()
        } else {
            String::new()
        };
        assert_eq!(
            client.register(&mut world, &[&contact]).status(),
            500,
            "{contact}"
        );
        assert_eq!(world.contacts("2001").len(), 1);
    }
    // Another Call-ID has another order.
    client.call_id = format!("{call_id}-2");
    client.cseq = 0;
    client.headers.clear();
    assert_eq!(
        client
            .register(&mut world, &[&format!("{A};expires=0")])
            .status(),
        200
    );
    assert!(world.contacts("2001").is_empty());
}

#[test]
fn a_wildcard_stands_alone_and_only_removes() {
    let mut world = World::new(plain());
    let mut client = Client::registered(&mut world, "2001", A);
    for (contacts, expires) in [(vec!["*"], "60"), (vec!["*", B], "0")] {
        client.headers = format!("Expires: {expires}\r\n");
        assert_eq!(
            client.register(&mut world, &contacts).status(),
            400,
            "{contacts:?}"
        );
    }
    client.headers.clear();
    assert_eq!(
        client.register(&mut world, &["*"]).status(),
        400,
        "without Expires"
    );
    assert_eq!(world.contacts("2001").len(), 1);
}

#[test]
fn what_is_required_must_be_understood() {
    let mut world = World::new(plain());
    let mut client = Client::new(&mut world, "2001");
    client.headers = "Require: path, outbound\r\nRequire: foo\r\n".into();
    let answer = client.register(&mut world, &[A]);
    assert_eq!(answer.status(), 420);
    assert_eq!(answer.header(Name::Unsupported), Some("outbound, foo"));
}

#[test]
fn too_many_contacts_are_refused_or_push_the_oldest_out() {
    for remove_existing in [false, true] {
        let mut world = World::new(Config {
            max_contacts: Some(1),
            remove_existing,
            ..plain()
        });
        Client::registered(&mut world, "2001", A);
        world.pass(1);
        let mut other = Client::new(&mut world, "2001");
        let answer = other.register(&mut world, &[B]);
        if remove_existing {
            assert_eq!(answer.status(), 200);
            assert_eq!(world.contacts("2001"), ["sip:b@b.invalid;transport=ws"]);
        } else {
            assert_eq!(answer.status(), 503);
            assert_eq!(
                answer.header(Name::PRegistrarError),
                Some("Too many registered contacts")
            );
            assert_eq!(world.contacts("2001"), ["sip:a@a.invalid;transport=ws"]);
        }
    }
}

#[test]
fn nobody_fills_the_memory_with_contacts() {
    let mut config = plain();
    config.limits.bindings = 5;
    config.limits.contacts = 4;
    let mut world = World::new(config);
    let mut client = Client::new(&mut world, "2001");
    let names: Vec<String> = (0..6).map(|n| format!("<sip:{n}@x.invalid>")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(client.register(&mut world, &names[..5]).status(), 400);
    assert_eq!(client.register(&mut world, &names[..4]).status(), 200);
    assert_eq!(client.register(&mut world, &names[4..5]).status(), 200);
    assert_eq!(client.register(&mut world, &names[5..]).status(), 503);
    assert_eq!(world.contacts("2001").len(), 5);
}

#[test]
fn a_closed_socket_frees_its_bindings_at_once() {
    let mut world = World::new(plain());
    let client = Client::registered(&mut world, "2001", A);
    world.changed.clear();
    world.disconnect(client.connection);
    assert!(world.contacts("2001").is_empty());
    assert_eq!(world.changed, ["2001"]);
}

#[test]
fn the_same_contact_from_a_new_socket_moves_there() {
    let mut world = World::new(plain());
    let old = Client::registered(&mut world, "2001", A);
    Client::registered(&mut world, "2001", A);
    assert_eq!(world.contacts("2001").len(), 1);
    world.disconnect(old.connection);
    assert_eq!(
        world.contacts("2001").len(),
        1,
        "the old socket is not its own any more"
    );
}
