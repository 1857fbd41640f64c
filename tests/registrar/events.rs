//! The registration event package: RFC 3680 on RFC 6665.

use crate::support::{Client, DEVICE, FORCED, World, instance, users};
use graceline::registrar::{Config, Dialect, Policy};
use graceline::sip::{ContactState, Message, Name, RegInfo, RegState};

const A: &str = "<sip:a@a.invalid;transport=ws>";
const SUBSCRIBE: &str = "Event: reg;id=7\r\nContact: <sip:w@w.invalid;transport=ws>\r\n";

const OFFERED: &str = "reg, presence, dialog, message-summary";

fn plain() -> World {
    let dialect = Some(Dialect::Rfc3261);
    World::new(Config {
        policy: Policy::Normal,
        dialect,
        ..users()
    })
}

fn watch(world: &mut World, client: &mut Client, headers: &str) -> (Message, Message) {
    let answer = client.ask(world, "SUBSCRIBE", "sip:2001@example.com", headers);
    assert_eq!(answer.status(), 200, "{}", answer.reason());
    let notify = world.next(client.connection);
    (answer, notify)
}

/// SUBSCRIBE inside the dialog that `answer` has made.
fn again(world: &mut World, client: &mut Client, answer: &Message, headers: &str) -> Message {
    client.cseq += 1;
    let to = answer.header(Name::To).unwrap();
    let text = client.text("SUBSCRIBE", "sip:registrar@registrar.invalid", to, headers);
    world.send(client.connection, text);
    world.next(client.connection)
}

fn document(notify: &Message) -> RegInfo {
    assert_eq!(notify.method(), "NOTIFY");
    assert_eq!(
        notify.header(Name::ContentType),
        Some("application/reginfo+xml")
    );
    RegInfo::parse(notify.body()).expect("a proper document")
}

fn number(notify: &Message) -> u32 {
    notify.cseq().unwrap().number
}

#[test]
fn a_subscriber_gets_the_full_state_at_once_and_then_the_changes() {
    let mut world = plain();
    let mut a = Client::registered(
        &mut world,
        "2001",
        &format!("{A};{};{DEVICE}", instance('a')),
    );
    let (answer, notify) = watch(&mut world, &mut a, SUBSCRIBE);
    assert_eq!(answer.header(Name::Expires), Some("3761"));
    assert!(answer.header(Name::Contact).is_some());
    assert_eq!(notify.request_uri(), "sip:w@w.invalid;transport=ws");
    assert_eq!(notify.header(Name::Event), Some("reg;id=7"));
    assert_eq!(
        notify.header(Name::SubscriptionState),
        Some("active;expires=3761")
    );
    assert_eq!(notify.from_tag(), answer.to_tag());
    assert_eq!(notify.to_tag(), answer.from_tag());
    assert_eq!(notify.call_id(), answer.call_id());
    notify.validate().expect("a proper request");
    let full = document(&notify);
    assert_eq!((full.version, full.full), (0, true));
    assert_eq!(full.registrations[0].aor, "sip:2001@example.com");
    assert_eq!(full.registrations[0].state, RegState::Active);
    let contact = &full.registrations[0].contacts[0];
    assert_eq!(contact.uri, "sip:a@a.invalid;transport=ws");
    assert_eq!(contact.call_id.as_deref(), Some(a.call_id.as_str()));
    let urn = "<urn:uuid:aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa>";
    let unknown = [
        ("+sip.instance".to_owned(), urn.to_owned()),
        (
            "+u.sip!devicename.ccm.cisco.com".to_owned(),
            "CSF".to_owned(),
        ),
    ];
    assert_eq!(contact.unknown, unknown);
    world.reply(a.connection, &notify, "200 OK", "");

    let b = Client::registered(&mut world, "2001", "<sip:b@b.invalid>");
    let second = world.next(a.connection);
    let partial = document(&second);
    assert_eq!((partial.version, partial.full), (1, false));
    assert_eq!(number(&second), number(&notify) + 1);
    let changed = &partial.registrations[0].contacts;
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (changed[0].uri.as_str(), changed[0].event.as_str()),
        ("sip:b@b.invalid", "registered")
    );
    assert_eq!(partial.registrations[0].id, full.registrations[0].id);
    assert_ne!(changed[0].id, contact.id);

    world.disconnect(b.connection);
    let third = document(&world.next(a.connection));
    assert_eq!(third.registrations[0].contacts[0].event, "deactivated");
    assert_eq!(
        third.registrations[0].contacts[0].state,
        ContactState::Terminated
    );
    assert_eq!(third.registrations[0].contacts[0].id, changed[0].id);
    assert_eq!(third.version, 2);
}

#[test]
fn every_way_of_going_has_its_event() {
    let mut world = plain();
    let mut watcher = Client::registered(&mut world, "2001", "<sip:w@w.invalid>");
    watch(&mut world, &mut watcher, SUBSCRIBE);
    let mut a = Client::registered(&mut world, "2001", &format!("{A};expires=60"));
    assert_eq!(
        document(&world.next(watcher.connection)).registrations[0].contacts[0].event,
        "registered"
    );
    a.register(&mut world, &[&format!("{A};expires=60")]);
    assert_eq!(
        document(&world.next(watcher.connection)).registrations[0].contacts[0].event,
        "refreshed"
    );
    a.register(&mut world, &[&format!("{A};expires=0")]);
    assert_eq!(
        document(&world.next(watcher.connection)).registrations[0].contacts[0].event,
        "unregistered"
    );
    a.register(&mut world, &[&format!("{A};expires=20")]);
    world.next(watcher.connection);
    world.pass(20);
    assert_eq!(
        document(&world.next(watcher.connection)).registrations[0].contacts[0].event,
        "expired"
    );
    assert!(world.is_silent(watcher.connection));
}

#[test]
fn a_takeover_is_told_as_unregistered_together_with_who_came() {
    let mut world = World::new(users());
    let device = format!("{};{DEVICE}", instance('a'));
    let mut a = Client::registered(&mut world, "2001", &format!("{A};{device}"));
    watch(&mut world, &mut a, SUBSCRIBE);
    let mut b = Client::new(&mut world, "2001");
    b.headers = FORCED.into();
    b.register(
        &mut world,
        &[&format!("<sip:b@b.invalid>;{};{DEVICE}", instance('b'))],
    );
    let told = document(&world.next(a.connection));
    let contacts = &told.registrations[0].contacts;
    let events: Vec<(&str, &str)> = contacts
        .iter()
        .map(|one| (one.uri.as_str(), one.event.as_str()))
        .collect();
    assert_eq!(
        events,
        [
            ("sip:a@a.invalid;transport=ws", "unregistered"),
            ("sip:b@b.invalid", "registered")
        ]
    );
}

#[test]
fn a_subscription_is_refreshed_ended_and_expires() {
    let mut world = plain();
    let mut a = Client::registered(&mut world, "2001", &format!("{A};expires=3600"));
    let (answer, first) = watch(&mut world, &mut a, &format!("{SUBSCRIBE}Expires: 100\r\n"));
    assert_eq!(answer.header(Name::Expires), Some("100"));
    world.reply(a.connection, &first, "200 OK", "");
    world.pass(60);
    let refreshed = again(
        &mut world,
        &mut a,
        &answer,
        &format!("{SUBSCRIBE}Expires: 100\r\n"),
    );
    assert_eq!(
        (refreshed.status(), refreshed.to_tag()),
        (200, answer.to_tag())
    );
    let notify = world.next(a.connection);
    assert!(document(&notify).full);
    world.reply(a.connection, &notify, "200 OK", "");
    world.pass(99);
    assert!(world.is_silent(a.connection));
    world.pass(1);
    let last = world.next(a.connection);
    assert_eq!(
        last.header(Name::SubscriptionState),
        Some("terminated;reason=timeout")
    );
    assert_eq!(number(&last), 3);
    let late = again(&mut world, &mut a, &answer, SUBSCRIBE);
    assert_eq!(late.status(), 481);

    let (answer, notify) = watch(&mut world, &mut a, SUBSCRIBE);
    world.reply(a.connection, &notify, "200 OK", "");
    let bye = again(
        &mut world,
        &mut a,
        &answer,
        &format!("{SUBSCRIBE}Expires: 0\r\n"),
    );
    assert_eq!(bye.status(), 200);
    let last = world.next(a.connection);
    assert_eq!(
        last.header(Name::SubscriptionState),
        Some("terminated;reason=timeout")
    );
    a.register(&mut world, &[A]);
    assert!(world.is_silent(a.connection));
}

#[test]
fn a_poll_gets_one_notify() {
    let mut world = plain();
    let mut a = Client::new(&mut world, "2001");
    let (_, notify) = watch(&mut world, &mut a, &format!("{SUBSCRIBE}Expires: 0\r\n"));
    assert_eq!(
        notify.header(Name::SubscriptionState),
        Some("terminated;reason=timeout")
    );
    let state = document(&notify);
    assert_eq!(
        (
            state.registrations[0].state,
            state.registrations[0].contacts.len()
        ),
        (RegState::Init, 0)
    );
    a.register(&mut world, &[A]);
    assert!(world.is_silent(a.connection));
}

#[test]
fn subscribing_needs_credentials_or_a_registered_connection() {
    let mut world = plain();
    let mut stranger = Client::new(&mut world, "2001");
    let text = stranger.request("SUBSCRIBE", "sip:2001@example.com", SUBSCRIBE);
    world.send(stranger.connection, text);
    assert_eq!(world.next(stranger.connection).status(), 401);
    watch(&mut world, &mut stranger, SUBSCRIBE);
    let mut other = Client::new(&mut world, "2002");
    let answer = other.ask(&mut world, "SUBSCRIBE", "sip:2001@example.com", SUBSCRIBE);
    assert_eq!(answer.status(), 403, "only one's own");
}

#[test]
fn a_subscriber_that_answers_481_or_never_is_dropped() {
    for answered in [true, false] {
        let mut world = plain();
        let mut a = Client::registered(&mut world, "2001", &format!("{A};expires=3600"));
        let (_, notify) = watch(&mut world, &mut a, SUBSCRIBE);
        if answered {
            world.reply(a.connection, &notify, "481 Subscription Does Not Exist", "");
        } else {
            world.pass(32);
        }
        Client::registered(&mut world, "2001", "<sip:b@b.invalid>");
        assert!(world.is_silent(a.connection), "{answered}");
    }
}

#[test]
fn other_packages_types_and_omissions_are_refused() {
    let mut world = plain();
    let mut a = Client::registered(&mut world, "2001", A);
    let contact = "Contact: <sip:w@w.invalid>\r\n";
    for (headers, status, name, value) in [
        (
            format!("Event: weather\r\n{contact}"),
            489,
            Name::AllowEvents,
            Some(OFFERED),
        ),
        (contact.to_owned(), 489, Name::AllowEvents, Some(OFFERED)),
        (
            format!("Event: reg\r\nAccept: application/pidf+xml\r\n{contact}"),
            406,
            Name::Accept,
            Some("application/reginfo+xml"),
        ),
        ("Event: reg\r\n".to_owned(), 400, Name::AllowEvents, None),
    ] {
        let answer = a.ask(&mut world, "SUBSCRIBE", "sip:2001@example.com", &headers);
        assert_eq!(answer.status(), status, "{headers}");
        assert_eq!(answer.header(name), value, "{headers}");
    }
    assert!(world.is_silent(a.connection));
}

#[test]
fn a_closed_connection_takes_its_subscriptions_with_it() {
    let mut world = plain();
    let mut a = Client::new(&mut world, "2001");
    watch(&mut world, &mut a, SUBSCRIBE);
    world.disconnect(a.connection);
    assert_eq!(world.registrar.poll_timeout(), None);
}

#[test]
fn a_change_of_manner_ends_subscriptions() {
    let mut world = plain();
    let mut a = Client::registered(&mut world, "2001", A);
    watch(&mut world, &mut a, SUBSCRIBE);
    let dialect = Some(Dialect::Kamailio);
    let config = Config {
        dialect,
        ..world.registrar.config().clone()
    };
    world.registrar.configure(world.now, config);
    world.drain();
    let told = world.next(a.connection);
    assert_eq!(
        document(&told).registrations[0].contacts[0].event,
        "deactivated"
    );
    let last = world.next(a.connection);
    assert_eq!(
        last.header(Name::SubscriptionState),
        Some("terminated;reason=noresource")
    );
}
