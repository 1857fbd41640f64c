//! How an ousted client learns of it.

use crate::policies::{ZERO, client, contact, forced, graceful};
use crate::support::{Client, FORCED, World, body, instance, users};
use graceline::registrar::{ALL_TELLINGS, Config, Telling};
use graceline::sip::Name;

#[test]
fn the_ousted_client_is_told_in_every_way_and_then_disconnected() {
    let mut world = graceful();
    let mut a = client(&mut world, "a");
    world.changed.clear();
    let b = forced(&mut world, "b", 'b');
    assert!(
        world.is_silent(b.connection),
        "the winner hears nothing but its 200"
    );
    assert_eq!(world.changed, ["2001"]);
    let notify = world.next(a.connection);
    assert_eq!(notify.method(), "NOTIFY");
    assert_eq!(notify.request_uri(), "sip:a@a.invalid;transport=ws");
    assert_eq!(notify.header(Name::Event), Some("service-control"));
    assert_eq!(notify.header(Name::SubscriptionState), Some("active"));
    assert_eq!(notify.header(Name::ContentType), Some("text/plain"));
    assert_eq!(notify.to_tag(), None);
    notify.validate().expect("a proper request");
    let text = body(&notify);
    assert!(text.starts_with("action=reset\r\n"), "{text}");
    assert!(
        text.contains(&format!("RegisterCallId={{{}}}\r\n", a.call_id)),
        "{text}"
    );
    for stamp in ["Config", "Dialplan", "Softkey"] {
        assert!(
            text.contains(&format!("{stamp}VersionStamp={{0000")),
            "{text}"
        );
    }
    world.reply(a.connection, &notify, "200 OK", "");
    // It looks for itself, and is refused.
    let answer = a.register(&mut world, &[&contact("a", ZERO)]);
    assert_eq!(answer.status(), 403);
    assert!(
        answer
            .header_named("X-Graceline-Holder")
            .unwrap()
            .contains("urn:uuid:bbbb")
    );
    assert_eq!(world.closed, []);
    world.pass(1);
    assert_eq!(world.closed, [(a.connection, 4001)]);
    world.disconnect(a.connection);
    assert_eq!(world.contacts("2001"), ["sip:b@b.invalid;transport=ws"]);
}

#[test]
fn each_way_of_telling_can_be_chosen() {
    for telling in ALL_TELLINGS {
        let mut world = World::new(Config {
            tell_ousted: Some(vec![telling]),
            ..users()
        });
        let mut a = client(&mut world, "a");
        let offered = a
            .ask(&mut world, "SUBSCRIBE", "sip:2001@example.com", SUBSCRIBE)
            .status();
        assert_eq!(offered == 200, telling == Telling::RegEvent, "{telling:?}");
        while world.raw(a.connection).is_some() {}
        forced(&mut world, "b", 'b');
        let closed_at_once = !world.closed.is_empty();
        assert_eq!(closed_at_once, telling == Telling::Close, "{telling:?}");
        match telling {
            Telling::ServiceControl => {
                assert_eq!(
                    world.next(a.connection).header(Name::Event),
                    Some("service-control")
                );
            }
            Telling::RegEvent => {
                assert_eq!(world.next(a.connection).header(Name::Event), Some("reg"));
            }
            Telling::Close => continue,
            Telling::Refresh => {}
        }
        assert!(world.is_silent(a.connection), "{telling:?}");
        assert_eq!(
            a.register(&mut world, &[&contact("a", ZERO)]).status(),
            403,
            "{telling:?}"
        );
        world.pass(60);
        assert_eq!(world.closed, [], "{telling:?}");
    }
}

pub const SUBSCRIBE: &str =
    "Event: reg\r\nContact: <sip:a@a.invalid;transport=ws>\r\nAccept: application/reginfo+xml\r\n";

#[test]
fn whoever_comes_back_before_the_close_is_not_disconnected() {
    let mut world = graceful();
    let mut a = client(&mut world, "a");
    let b = forced(&mut world, "b", 'b');
    a.headers = FORCED.into();
    assert_eq!(world.next(a.connection).method(), "NOTIFY");
    let answer = a.register(&mut world, &[&contact("a", &instance('a'))]);
    assert_eq!(answer.status(), 200, "forced back over the same connection");
    world.pass(2);
    assert_eq!(world.closed, [(b.connection, 4001)]);
    assert_eq!(world.contacts("2001"), ["sip:a@a.invalid;transport=ws"]);
}

#[test]
fn a_connection_with_other_bindings_stays_open() {
    let mut world = graceful();
    let a = client(&mut world, "a");
    let mut desk = Client::new(&mut world, "2001");
    desk.connection = a.connection;
    let other = "<sip:d@d.invalid>;+u.sip!devicename.ccm.cisco.com=\"DESK\"";
    assert_eq!(desk.register(&mut world, &[other]).status(), 200);
    forced(&mut world, "b", 'b');
    world.pass(10);
    assert_eq!(world.closed, []);
}

#[test]
fn takeovers_are_limited_by_the_minute() {
    let mut world = World::new(Config {
        force_limit: Some(2),
        ..users()
    });
    client(&mut world, "a");
    forced(&mut world, "b", 'b');
    world.pass(10);
    forced(&mut world, "c", 'c');
    world.pass(10);
    let mut d = Client::new(&mut world, "2001");
    d.headers = FORCED.into();
    let answer = d.register(&mut world, &[&contact("d", &instance('d'))]);
    assert_eq!((answer.status(), answer.retry_after()), (503, Some(40)));
    assert_eq!(world.contacts("2001"), ["sip:c@c.invalid;transport=ws"]);
    // Logging in where nobody is costs nothing.
    let mut other = Client::new(&mut world, "2002");
    other.headers = FORCED.into();
    assert_eq!(
        other
            .register(&mut world, &[&contact("o", &instance('e'))])
            .status(),
        200
    );
    world.pass(40);
    assert_eq!(
        d.register(&mut world, &[&contact("d", &instance('d'))])
            .status(),
        200
    );
}
