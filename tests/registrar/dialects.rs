//! The manners of Kamailio, Asterisk and OpenSIPS: the table of what was seen on
//! the wire, row by row.

use crate::support::{Client, World, instance, listed, users};
use graceline::registrar::{Config, Dialect, Policy};
use graceline::sip::Name;

const A: &str = "sip:A-x1@aaaa.invalid;transport=ws;x-device=A";
const B: &str = "sip:B-x2@bbbb.invalid;transport=ws;x-device=B";

fn of(dialect: Dialect) -> Config {
    Config {
        policy: Policy::Normal,
        dialect: Some(dialect),
        ..users()
    }
}

fn full(uri: &str, digit: char) -> String {
    let device = "+u.sip!devicename.ccm.cisco.com=\"CSF\"";
    format!("<{uri}>;{};{device};reg-id=1;expires=120", instance(digit))
}

fn gone(uri: &str) -> String {
    format!("<{uri}>;expires=0")
}

const ALL: [Dialect; 4] = [
    Dialect::Rfc3261,
    Dialect::Kamailio,
    Dialect::Asterisk,
    Dialect::Opensips,
];

#[test]
fn what_comes_back_of_a_contact() {
    for dialect in ALL {
        let mut world = World::new(of(dialect));
        let mut a = Client::registered(&mut world, "2001", &full(A, 'a'));
        world.pass(10);
        let listed = listed(&a.register(&mut world, &[]));
        assert_eq!(listed.len(), 1, "{dialect:?}");
        let line = &listed[0];
        assert!(line.starts_with(&format!("<{A}>;")), "{dialect:?}: {line}");
        let has = |text: &str| line.contains(text);
        // Asterisk tells one second less than it granted.
        let left = if dialect == Dialect::Asterisk {
            ";expires=109"
        } else {
            ";expires=110"
        };
        assert!(has(left), "{dialect:?}: {line}");
        let rfc = dialect == Dialect::Rfc3261;
        let kamailio = dialect == Dialect::Kamailio;
        let opensips = dialect == Dialect::Opensips;
        assert_eq!(has("+u.sip!devicename"), rfc, "{line}");
        assert_eq!(
            has("+sip.instance=\"<urn:uuid:aaaa"),
            rfc || kamailio,
            "{line}"
        );
        assert_eq!(has(";reg-id=1"), rfc || kamailio, "{line}");
        assert_eq!(
            has(";pub-gruu=\"sip:2001@example.com;gr=urn:uuid:aaaa"),
            rfc || kamailio,
            "{line}"
        );
        assert_eq!(has(";temp-gruu=\"sip:tgruu-"), kamailio, "{line}");
        assert_eq!(has(";received=\"sip:127."), kamailio || opensips, "{line}");
    }
}

#[test]
fn several_contacts_come_in_one_line_or_in_several() {
    for (dialect, lines) in ALL.into_iter().zip([2, 1, 2, 1]) {
        let mut world = World::new(of(dialect));
        Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut b = Client::new(&mut world, "2001");
        let answer = b.register(&mut world, &[&full(B, 'b')]);
        assert_eq!(listed(&answer).len(), 2, "{dialect:?}: side by side");
        assert_eq!(answer.lines(Name::Contact).count(), lines, "{dialect:?}");
    }
}

#[test]
fn removing_the_contact_of_another_socket() {
    for dialect in ALL {
        for with_instance in [false, true] {
            let mut world = World::new(of(dialect));
            Client::registered(&mut world, "2001", &full(A, 'a'));
            let mut b = Client::new(&mut world, "2001");
            let removal = if with_instance {
                full(A, 'a').replace("expires=120", "expires=0")
            } else {
                gone(A)
            };
            let answer = b.register(&mut world, &[&removal]);
            assert_eq!(answer.status(), 200, "{dialect:?}");
            let stays = dialect == Dialect::Asterisk;
            assert_eq!(
                listed(&answer).len(),
                usize::from(stays),
                "{dialect:?} {with_instance}"
            );
        }
    }
}

#[test]
fn a_takeover_in_one_request_with_the_removal_first() {
    for dialect in ALL {
        let mut world = World::new(of(dialect));
        Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut b = Client::new(&mut world, "2001");
        let answer = b.register(&mut world, &[&gone(A), &full(B, 'b')]);
        assert_eq!(answer.status(), 200);
        let expected = if dialect == Dialect::Asterisk {
            vec![A, B]
        } else {
            vec![B]
        };
        let mut contacts = world.contacts("2001");
        contacts.sort();
        assert_eq!(contacts, expected, "{dialect:?}");
    }
}

#[test]
fn asterisk_stores_an_own_contact_in_second_place_once_more_and_unroutable() {
    let mut world = World::new(of(Dialect::Asterisk));
    let mut caller = Client::registered(&mut world, "2002", "<sip:c@c.invalid>");
    let mut b = Client::registered(&mut world, "2001", &full(B, 'b'));
    b.register(&mut world, &[&gone(A), &full(B, 'b')]);
    assert_eq!(world.contacts("2001"), [B, B]);
    let text = caller.request("MESSAGE", "sip:2001@example.com", "");
    world.send(caller.connection, text);
    assert_eq!(world.next(b.connection).method(), "MESSAGE");
    assert!(
        world.is_silent(b.connection),
        "one copy only: the other leads nowhere"
    );
    // The removal, in first place, is rewritten and so finds the first binding.
    b.register(&mut world, &[&gone(B)]);
    assert_eq!(world.contacts("2001"), [B]);
    b.headers = "Expires: 0\r\n".into();
    b.register(&mut world, &["*"]);
    assert!(world.contacts("2001").is_empty());
}

#[test]
fn own_contact_first() {
    for (dialect, limit, status, left) in [
        (Dialect::Kamailio, None, 200, vec![B]),
        (Dialect::Kamailio, Some(1), 503, vec![A]),
        (Dialect::Opensips, Some(1), 200, vec![B]),
        (Dialect::Rfc3261, Some(1), 200, vec![B]),
        (Dialect::Asterisk, None, 200, vec![A, B]),
    ] {
        let mut world = World::new(Config {
            max_contacts: limit,
            ..of(dialect)
        });
        Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut b = Client::new(&mut world, "2001");
        let answer = b.register(&mut world, &[&full(B, 'b'), &gone(A)]);
        assert_eq!(answer.status(), status, "{dialect:?} {limit:?}");
        let mut contacts = world.contacts("2001");
        contacts.sort();
        assert_eq!(contacts, left, "{dialect:?} {limit:?}");
    }
}

#[test]
fn kamailio_skips_the_removal_when_the_own_uri_is_bound_under_another_call_id() {
    let mut world = World::new(of(Dialect::Kamailio));
    Client::registered(&mut world, "2001", &full(A, 'a'));
    let mut b = Client::registered(&mut world, "2001", &full(B, 'b'));
    b.call_id = "another".into();
    let answer = b.register(&mut world, &[&full(B, 'b'), &gone(A)]);
    assert_eq!((answer.status(), listed(&answer).len()), (200, 2));
    let answer = b.register(&mut world, &[&full(B, 'b'), &gone(A)]);
    assert_eq!(listed(&answer).len(), 1, "under the same one it works");
}

#[test]
fn a_wildcard_removes_everything_everywhere() {
    for dialect in ALL {
        let mut world = World::new(of(dialect));
        Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut b = Client::new(&mut world, "2001");
        b.headers = "Expires: 0\r\n".into();
        let answer = b.register(&mut world, &["*"]);
        assert_eq!(
            (answer.status(), answer.header(Name::Expires)),
            (200, Some("0"))
        );
        assert!(world.contacts("2001").is_empty(), "{dialect:?}");
    }
}

#[test]
fn a_blind_refresh_steals_the_line_back() {
    for dialect in ALL {
        let mut world = World::new(of(dialect));
        let mut a = Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut b = Client::new(&mut world, "2001");
        b.headers = "Expires: 0\r\n".into();
        b.register(&mut world, &["*"]);
        b.headers.clear();
        b.register(&mut world, &[&full(B, 'b')]);
        let answer = a.register(&mut world, &[&full(A, 'a')]);
        assert_eq!(listed(&answer).len(), 2, "{dialect:?}");
    }
}

#[test]
fn the_same_contact_from_a_new_socket() {
    for dialect in ALL {
        let mut world = World::new(of(dialect));
        let old = Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut new = Client::new(&mut world, "2001");
        let answer = new.register(&mut world, &[&full(A, 'a')]);
        if dialect != Dialect::Asterisk {
            assert_eq!(listed(&answer).len(), 1, "{dialect:?}");
            continue;
        }
        // Two bindings that look alike; unregistering takes the own one only.
        assert_eq!(world.contacts("2001"), [A, A]);
        new.register(&mut world, &[&gone(A)]);
        assert_eq!(world.contacts("2001"), [A]);
        world.disconnect(old.connection);
        assert!(world.contacts("2001").is_empty());
    }
}

#[test]
fn a_closed_socket() {
    for (dialect, left) in ALL.into_iter().zip([0, 1, 0, 1]) {
        let mut world = World::new(of(dialect));
        let mut caller = Client::registered(&mut world, "2002", "<sip:c@c.invalid>");
        let a = Client::registered(&mut world, "2001", &full(A, 'a'));
        world.disconnect(a.connection);
        assert_eq!(world.contacts("2001").len(), left, "{dialect:?}");
        let answer = caller.ask(&mut world, "MESSAGE", "sip:2001@example.com", "");
        assert_eq!(
            answer.status(),
            480,
            "{dialect:?}: it cannot be reached either way"
        );
        let mut other = Client::new(&mut world, "2001");
        let line = listed(&other.register(&mut world, &[])).join("");
        assert_eq!(line.contains("received="), left == 1, "{line}");
        world.pass(120);
        assert_eq!(
            world.contacts("2001").len(),
            0,
            "{dialect:?}: until it expires"
        );
    }
}

#[test]
fn more_contacts_than_allowed() {
    for (dialect, status) in ALL.into_iter().zip([503, 503, 403, 503]) {
        let mut world = World::new(Config {
            max_contacts: Some(1),
            ..of(dialect)
        });
        Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut b = Client::new(&mut world, "2001");
        let answer = b.register(&mut world, &[&full(B, 'b')]);
        assert_eq!(answer.status(), status, "{dialect:?}");
        assert_eq!(
            answer.header(Name::PRegistrarError).is_some(),
            status == 503
        );
        assert_eq!(
            answer.header(Name::Warning),
            None,
            "no conflict, as far as it knows"
        );
        let config = Config {
            remove_existing: true,
            ..world.registrar.config().clone()
        };
        world.registrar.configure(world.now, config);
        assert_eq!(b.register(&mut world, &[&full(B, 'b')]).status(), 200);
        assert_eq!(world.contacts("2001"), [B], "{dialect:?}");
    }
}

#[test]
fn kamailio_takes_all_zero_instances_for_one_client() {
    for dialect in ALL {
        let mut world = World::new(of(dialect));
        Client::registered(&mut world, "2001", &full(A, '0'));
        let mut b = Client::new(&mut world, "2001");
        let answer = b.register(&mut world, &[&full(B, '0')]);
        let expected = if dialect == Dialect::Kamailio { 1 } else { 2 };
        assert_eq!(listed(&answer).len(), expected, "{dialect:?}");
    }
}

#[test]
fn kamailio_ignores_the_order_of_requests_that_name_an_instance() {
    for (dialect, status) in ALL.into_iter().zip([500, 200, 200, 500]) {
        let mut world = World::new(of(dialect));
        let mut a = Client::registered(&mut world, "2001", &full(A, 'a'));
        let late = full(A, 'a').replace("expires=120", "expires=0");
        a.cseq = 0;
        assert_eq!(
            a.register(&mut world, &[&late]).status(),
            status,
            "{dialect:?}"
        );
        assert_eq!(
            world.contacts("2001").len(),
            usize::from(status == 500),
            "{dialect:?}"
        );
    }
}

#[test]
fn kamailio_does_not_call_an_outdated_nonce_stale() {
    use crate::support::digest;
    use graceline::sip::Algorithm;
    let mut config = of(Dialect::Kamailio);
    config.nonce_lifetime = graceline::time::Duration::from_secs(5);
    let mut world = World::new(config);
    let mut a = Client::registered(&mut world, "2001", &full(A, 'a'));
    world.pass(5);
    let text = a.request("REGISTER", "sip:example.com", "");
    world.send(a.connection, text);
    let answer = world.next(a.connection);
    assert_eq!(answer.status(), 401);
    assert!(!digest(&answer, Algorithm::Sha256).unwrap().stale);
}

#[test]
fn only_those_who_know_it_offer_the_registration_event() {
    let subscribe = "Event: reg\r\nContact: <sip:a@a.invalid>\r\n";
    for (dialect, status) in ALL.into_iter().zip([200, 489, 489, 489]) {
        for offered in [None, Some(true), Some(false)] {
            let mut world = World::new(Config {
                reg_event: offered,
                ..of(dialect)
            });
            let mut a = Client::registered(&mut world, "2001", &full(A, 'a'));
            let answer = a.ask(&mut world, "SUBSCRIBE", "sip:2001@example.com", subscribe);
            let expected = offered.map_or(status, |offered| if offered { 200 } else { 489 });
            assert_eq!(answer.status(), expected, "{dialect:?} {offered:?}");
        }
    }
}
