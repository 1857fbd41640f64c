//! An app's subscription beside the phone's own; NOTIFYs that nobody asked for.

use graceline::phone::Event as Told;
use graceline::sip::{Message, Name};
use graceline::subscription::{Event, Lapse, Topic};
use graceline_kit::calls::{Peer, Rig};
use graceline_kit::rig::{self, Heard};

fn topic(target: &str) -> Topic {
    Topic {
        package: "weather".into(),
        accept: "text/weather".into(),
        target: target.into(),
        expires: 600,
    }
}

fn heard(rig: &mut rig::Rig) -> Vec<Event> {
    let events = std::mem::take(&mut rig.events).into_iter();
    let own = |event| match event {
        Told::Subscription(event) => Some(event),
        _ => None,
    };
    events.filter_map(own).collect()
}

/// Answers weather, and nothing else.
fn server(heard: &Heard<'_>) -> Vec<rig::Act> {
    let Heard::Request(asked) = heard else {
        return Vec::new();
    };
    let weather = asked.message.header(Name::Event) == Some("weather");
    match asked.message.method() {
        "REGISTER" => {
            let own = asked.message.header(Name::Contact);
            let own = own.map_or_else(String::new, |own| format!("\nContact: {own}"));
            rig::answer(format!("200 OK{own}"))
        }
        "SUBSCRIBE" if weather => rig::answer("200 OK\nContact: <sip:n@n.invalid>\nExpires: 600"),
        "SUBSCRIBE" => rig::answer("489 Bad Event"),
        _ => Vec::new(),
    }
}

fn subscribes<'a>(rig: &'a rig::Rig, package: &str) -> Vec<&'a Message> {
    let wanted = |message: &&Message| {
        message.method() == "SUBSCRIBE" && message.header(Name::Event) == Some(package)
    };
    rig.sent
        .iter()
        .map(|asked| &asked.message)
        .filter(wanted)
        .collect()
}

#[test]
fn documents_are_handed_out_unread_and_the_end_is_told() {
    let mut rig = rig::Rig::new(server);
    assert_eq!(rig.login(false), None);
    rig.act(|phone, now| {
        phone.with_subscriptions(now, |all| all.subscribe(4, topic("sip:2002@example.com")));
    });
    rig.seconds(1);
    assert_eq!(heard(&mut rig), [Event::Confirmed { of: 4 }]);
    assert_eq!(
        subscribes(&rig, "reg").len(),
        1,
        "the phone's own was refused"
    );
    let subscribe = subscribes(&rig, "weather")[0];
    let mut peer = Peer::of(subscribe);
    peer.from += ";tag=registrar";

    let state = "Event: weather\r\nSubscription-State: active;expires=600\r\n\
                 Content-Type: text/weather\r\n";
    let text = peer.request("NOTIFY", state, "");
    let text = text.replace(
        "Content-Length: 0\r\n\r\n",
        "Content-Length: 5\r\n\r\nsunny",
    );
    rig.act(|phone, now| phone.handle_message(now, 0, 1, text.as_bytes()));
    assert_eq!(
        heard(&mut rig),
        [Event::Notified {
            of: 4,
            content_type: "text/weather".into(),
            body: b"sunny".to_vec()
        }]
    );

    let state = "Event: weather\r\nSubscription-State: terminated;reason=noresource\r\n";
    let text = peer.request("NOTIFY", state, "");
    rig.act(|phone, now| phone.handle_message(now, 0, 1, text.as_bytes()));
    let nothing = Event::Notified {
        of: 4,
        content_type: String::new(),
        body: Vec::new(),
    };
    let why = Lapse::Refused;
    assert_eq!(heard(&mut rig), [nothing, Event::Lapsed { of: 4, why }]);
    rig.seconds(4000);
    assert_eq!(subscribes(&rig, "weather").len(), 1);
    assert_eq!(subscribes(&rig, "reg").len(), 1);
}

#[test]
fn what_nobody_asked_for_goes_by_its_package() {
    let mut rig = Rig::new();
    for (package, inside, status) in [
        ("message-summary", "", 200),
        ("weather", "", 489),
        ("presence;id=1", "", 489),
        ("reg", "", 481),
        ("weather", ";tag=x", 481),
        ("message-summary", ";tag=x", 481),
    ] {
        let mut peer = Peer::caller(7);
        peer.to += inside;
        let headers = format!("Event: {package}\r\nSubscription-State: active\r\n");
        rig.receive(&peer.request("NOTIFY", &headers, ""));
        let answer = rig.answer(status);
        let allowed = answer.header(Name::AllowEvents).is_some();
        assert_eq!(allowed, status == 489, "{package}{inside}");
    }
}

#[test]
fn a_mailbox_that_nobody_asked_about_is_told() {
    let mut rig = Rig::new();
    let headers = "Event: message-summary\r\nSubscription-State: active\r\n\
                   Content-Type: application/simple-message-summary\r\n";
    let summary = "Messages-Waiting: yes\r\n";
    let empty = "Content-Length: 0\r\n\r\n";
    let text = Peer::caller(7).request("NOTIFY", headers, "");
    let length = format!("Content-Length: {}\r\n\r\n{summary}", summary.len());
    rig.receive(&text.replace(empty, &length));
    rig.answer(200);
    let told = std::mem::take(&mut rig.events);
    let expected = Told::Subscription(Event::Notified {
        of: 0,
        content_type: "application/simple-message-summary".into(),
        body: summary.into(),
    });
    assert!(told.contains(&expected), "{told:?}");
}
