//! The manners of Kamailio, Asterisk, OpenSIPS and FreeSWITCH: the table of what
//! was seen on the wire, row by row.

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

const ALL: [Dialect; 6] = [
    Dialect::Rfc3261,
    Dialect::Kamailio,
    Dialect::Asterisk,
    Dialect::Opensips,
    Dialect::Freeswitch,
    Dialect::FreeswitchMulti,
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
    for (dialect, lines) in ALL.into_iter().zip([2, 1, 2, 1, 1, 2]) {
        let mut world = World::new(of(dialect));
        Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut b = Client::new(&mut world, "2001");
        let answer = b.register(&mut world, &[&full(B, 'b')]);
        let one = dialect == Dialect::Freeswitch;
        assert_eq!(
            listed(&answer).len(),
            if one { 1 } else { 2 },
            "{dialect:?}"
        );
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
            let stays = matches!(dialect, Dialect::Asterisk | Dialect::FreeswitchMulti);
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
        let expected = match dialect {
            Dialect::Asterisk => vec![A, B],
            // Only the removal is read: it empties the user's one place, or names
            // what this socket has not.
            Dialect::Freeswitch => vec![],
            Dialect::FreeswitchMulti => vec![A],
            _ => vec![B],
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

/// A page that is reloaded while the server still has its old socket: its ghost is
/// removed first, its own Contact comes second.
#[test]
fn on_asterisk_what_stands_in_second_place_hears_of_no_call() {
    let mut world = World::new(of(Dialect::Asterisk));
    let mut caller = Client::registered(&mut world, "2002", "<sip:c@c.invalid>");
    let old = Client::registered(&mut world, "2001", &full(A, 'a'));
    let mut new = Client::new(&mut world, "2001");
    let answer = new.register(&mut world, &[&gone(A), &full(B, 'b')]);
    assert!(listed(&answer).iter().any(|line| line.contains(B)), "bound");
    world.disconnect(old.connection);
    assert_eq!(world.contacts("2001"), [B]);
    let invite = "Contact: <sip:c@c.invalid>\r\n";
    let answer = caller.ask(&mut world, "INVITE", "sip:2001@example.com", invite);
    assert_eq!(answer.status(), 480);
    assert!(world.is_silent(new.connection));
    // Alone it is rewritten, and rings.
    new.register(&mut world, &[&full(B, 'b')]);
    let text = caller.request("INVITE", "sip:2001@example.com", invite);
    world.send(caller.connection, text);
    assert_eq!(world.next(new.connection).method(), "INVITE");
    assert!(
        world.is_silent(new.connection),
        "the dead one leads nowhere"
    );
}

#[test]
fn opensips_frees_no_place_within_a_register_and_does_the_rest() {
    let mut world = World::new(Config {
        max_contacts: Some(1),
        ..of(Dialect::Opensips)
    });
    Client::registered(&mut world, "2001", &full(A, 'a'));
    let mut b = Client::new(&mut world, "2001");
    let refused = b.register(&mut world, &[&gone(A), &full(B, 'b')]);
    assert_eq!(refused.status(), 503);
    assert_eq!(
        refused.header(Name::PRegistrarError),
        Some("Too many registered contacts")
    );
    let echo = world.next(b.connection);
    assert_eq!((echo.status(), echo.cseq()), (500, refused.cseq()));
    assert!(world.contacts("2001").is_empty(), "the removal is done");
    assert_eq!(b.register(&mut world, &[&full(B, 'b')]).status(), 200);
    assert_eq!(world.contacts("2001"), [B]);
}

#[test]
fn opensips_that_makes_room_says_200_and_leaves_the_own_contact_out() {
    let mut world = World::new(Config {
        max_contacts: Some(1),
        remove_existing: true,
        ..of(Dialect::Opensips)
    });
    Client::registered(&mut world, "2001", &full(A, 'a'));
    let mut b = Client::new(&mut world, "2001");
    let answer = b.register(&mut world, &[&gone(A), &full(B, 'b')]);
    assert_eq!((answer.status(), listed(&answer).len()), (200, 0));
    let echo = world.next(b.connection);
    assert_eq!((echo.status(), echo.cseq()), (500, answer.cseq()));
    assert!(world.contacts("2001").is_empty());
    b.register(&mut world, &[&full(B, 'b')]);
    assert_eq!(world.contacts("2001"), [B], "alone it gets in");
    assert!(world.is_silent(b.connection));
}

#[test]
fn an_opensips_nonce_serves_once_and_for_half_a_minute() {
    use crate::support::digest;
    use graceline::sip::Algorithm;
    let mut world = World::new(of(Dialect::Opensips));
    let mut a = Client::registered(&mut world, "2001", &full(A, 'a'));
    let again = |a: &mut Client, world: &mut World| {
        let text = a.request("REGISTER", "sip:example.com", "");
        world.send(a.connection, text);
        world.next(a.connection)
    };
    let refused = again(&mut a, &mut world);
    let fresh = digest(&refused, Algorithm::Sha256).unwrap();
    assert_eq!((refused.status(), fresh.stale), (401, true));
    a.uses(Some(fresh));
    world.pass(30);
    let refused = again(&mut a, &mut world);
    let fresh = digest(&refused, Algorithm::Sha256).unwrap();
    assert_eq!((refused.status(), fresh.stale), (401, true));
    a.uses(Some(fresh));
    world.pass(29);
    assert_eq!(again(&mut a, &mut world).status(), 200);
}

#[test]
fn freeswitch_reads_the_first_contact_and_the_expires_header() {
    for (dialect, left) in [
        (Dialect::Freeswitch, vec![A]),
        (Dialect::FreeswitchMulti, vec![A, A]),
    ] {
        let mut world = World::new(of(dialect));
        let old = Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut new = Client::new(&mut world, "2001");
        new.headers = "Expires: 120\r\n".into();
        // The removal of a ghost binds it anew, to the socket that wants it gone.
        let answer = new.register(&mut world, &[&gone(A), &full(B, 'b')]);
        assert_eq!(answer.status(), 200);
        assert_eq!(world.contacts("2001"), left, "{dialect:?}");
        world.disconnect(old.connection);
        assert_eq!(world.contacts("2001"), [A], "{dialect:?}");
        // By a REGISTER with that Contact alone it goes.
        new.headers.clear();
        let answer = new.register(&mut world, &[&gone(A)]);
        assert_eq!(listed(&answer).len(), 0, "{dialect:?}");
    }
}

#[test]
fn on_freeswitch_as_it_comes_any_removal_takes_the_one_binding() {
    for removal in [gone(A), gone(B), "*".to_owned()] {
        let mut world = World::new(of(Dialect::Freeswitch));
        let mut a = Client::registered(&mut world, "2001", &full(A, 'a'));
        Client::registered(&mut world, "2001", &full(B, 'b'));
        assert_eq!(world.contacts("2001"), [B], "replaced in silence");
        a.headers = "Expires: 0\r\n".into();
        a.register(&mut world, &[&removal]);
        assert!(world.contacts("2001").is_empty(), "{removal}");
    }
}

#[test]
fn a_wrong_password() {
    for (dialect, status) in ALL.into_iter().zip([401, 401, 401, 401, 403, 403]) {
        let mut world = World::new(of(dialect));
        let mut a = Client::new(&mut world, "2001");
        a.password = "wrong";
        let answer = a.register(&mut world, &[&full(A, 'a')]);
        assert_eq!(answer.status(), status, "{dialect:?}");
        assert_eq!(answer.header(Name::Warning), None);
    }
}

#[test]
fn who_answers_an_options_to_a_user() {
    // 407 of a proxy, for who is not registered; 401 of Asterisk, for everybody.
    for (dialect, routed) in ALL.into_iter().zip([true, true, false, true, false, false]) {
        let mut world = World::new(of(dialect));
        let mut a = Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut b = Client::registered(&mut world, "2002", "<sip:b@b.invalid>");
        b.uses(None);
        let text = b.request("OPTIONS", "sip:2001@example.com", "");
        world.send(b.connection, text);
        assert_eq!(!world.is_silent(a.connection), routed, "{dialect:?}");
        if !routed {
            let asks = dialect == Dialect::Asterisk;
            let status = world.next(b.connection).status();
            assert_eq!(status, if asks { 401 } else { 200 }, "{dialect:?}");
        }
        let heartbeat = a.request("OPTIONS", "sip:example.com", "");
        world.send(a.connection, heartbeat);
        assert!(!world.is_silent(a.connection));
    }
}

#[test]
fn asterisk_answers_no_ping() {
    for dialect in ALL {
        let mut world = World::new(of(dialect));
        let connection = world.connect();
        world.send(connection, "\r\n\r\n");
        let mute = dialect == Dialect::Asterisk;
        assert_eq!(world.is_silent(connection), mute, "{dialect:?}");
    }
}

#[test]
fn own_contact_first() {
    for (dialect, limit, status, left) in [
        (Dialect::Kamailio, None, 200, vec![B]),
        (Dialect::Kamailio, Some(1), 503, vec![A]),
        (Dialect::Opensips, None, 200, vec![B]),
        (Dialect::Opensips, Some(1), 503, vec![A]),
        (Dialect::Rfc3261, Some(1), 200, vec![B]),
        (Dialect::Asterisk, None, 200, vec![A, B]),
        (Dialect::Freeswitch, None, 200, vec![B]),
        (Dialect::FreeswitchMulti, None, 200, vec![A, B]),
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
        assert_eq!(answer.status(), 200);
        if dialect == Dialect::FreeswitchMulti {
            // It says 200, and lists what it did not remove.
            assert_eq!(answer.header(Name::Expires), None);
            assert_eq!(listed(&answer).len(), 1);
            continue;
        }
        assert_eq!(answer.header(Name::Expires), Some("0"));
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
        let one = dialect == Dialect::Freeswitch;
        assert_eq!(
            listed(&answer).len(),
            if one { 1 } else { 2 },
            "{dialect:?}"
        );
    }
}

#[test]
fn the_same_contact_from_a_new_socket() {
    for dialect in ALL {
        let mut world = World::new(of(dialect));
        let old = Client::registered(&mut world, "2001", &full(A, 'a'));
        let mut new = Client::new(&mut world, "2001");
        let answer = new.register(&mut world, &[&full(A, 'a')]);
        if !matches!(dialect, Dialect::Asterisk | Dialect::FreeswitchMulti) {
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
    for (dialect, left) in ALL.into_iter().zip([0, 1, 0, 1, 0, 0]) {
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
    // FreeSWITCH was not seen with a limit: with one binding a user it needs none.
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
        while world.raw(b.connection).is_some() {}
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
        let one = matches!(dialect, Dialect::Kamailio | Dialect::Freeswitch);
        let expected = if one { 1 } else { 2 };
        assert_eq!(listed(&answer).len(), expected, "{dialect:?}");
    }
}

#[test]
fn kamailio_ignores_the_order_of_requests_that_name_an_instance() {
    for (dialect, status) in ALL.into_iter().zip([500, 200, 200, 500, 200, 200]) {
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
    config.nonce_lifetime = Some(graceline::time::Duration::from_secs(5));
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
    for (dialect, status) in ALL.into_iter().zip([200, 489, 489, 489, 405, 405]) {
        for offered in [None, Some(true), Some(false)] {
            let mut world = World::new(Config {
                reg_event: offered,
                ..of(dialect)
            });
            let mut a = Client::registered(&mut world, "2001", &full(A, 'a'));
            let answer = a.ask(&mut world, "SUBSCRIBE", "sip:2001@example.com", subscribe);
            let refused = if status == 405 { 405 } else { 489 };
            let expected = offered.map_or(status, |offered| if offered { 200 } else { refused });
            assert_eq!(answer.status(), expected, "{dialect:?} {offered:?}");
        }
    }
}
