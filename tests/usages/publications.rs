//! A state that the phone publishes: a made-up package and document (RFC 3903).

use crate::{body, header};
use graceline::phone::{Event as Told, Phone};
use graceline::publication::{Document, Event, Publications};
use graceline::sip::{Message, Name};
use graceline::time::Instant;
use graceline_kit::calls::{CHALLENGE, Rig};

fn document(text: &str) -> Document {
    Document {
        package: "mood",
        content_type: "text/mood".into(),
        body: text.into(),
        expires: 600,
    }
}

fn act(rig: &mut Rig, action: impl FnOnce(&mut Publications, Instant)) {
    rig.act(|phone, now| phone.with_publications(now, |all| action(all, now)));
}

fn publish(rig: &mut Rig, text: &str) -> Message {
    act(rig, |all, now| all.publish(now, 3, document(text)));
    rig.request("PUBLISH")
}

fn accept(rig: &mut Rig, request: &Message, etag: &str, expires: u32) {
    let headers = format!("SIP-ETag: {etag}\r\nExpires: {expires}\r\n");
    rig.reply(request, 200, "s", &headers, "");
}

fn heard(rig: &mut Rig) -> Vec<Event> {
    let events = std::mem::take(&mut rig.events).into_iter();
    let own = |event| match event {
        Told::Publication(event) => Some(event),
        _ => None,
    };
    events.filter_map(own).collect()
}

/// What the PUBLISH is: its entity tag, its time, its document.
fn seen(publish: &Message) -> (Option<&str>, Option<u32>, &str) {
    (
        header(publish, "SIP-If-Match"),
        publish.expires(),
        body(publish),
    )
}

#[test]
fn it_is_sent_challenged_refreshed_changed_and_taken_back() {
    let mut rig = Rig::new();
    let first = publish(&mut rig, "calm");
    assert_eq!(first.header(Name::Event), Some("mood"));
    assert_eq!(first.header(Name::ContentType), Some("text/mood"));
    assert!(header(&first, "To").is_some_and(|to| to.contains("sip:2001@example.com")));
    let stale = CHALLENGE.replace("nonce=\"n\"", "nonce=\"m\", stale=true");
    let challenge = format!("WWW-Authenticate: {stale}\r\n");
    rig.reply(&first, 401, "s", &challenge, "");
    let again = rig.request("PUBLISH");
    assert!(
        again
            .header(Name::Authorization)
            .is_some_and(|it| it.contains("\"m\""))
    );
    assert_eq!(seen(&again), (None, Some(600), "calm"));
    accept(&mut rig, &again, "e1", 300);
    assert_eq!(heard(&mut rig), [Event::Published { of: 3 }]);

    rig.seconds(149);
    rig.silence();
    rig.seconds(1);
    let refresh = rig.request("PUBLISH");
    assert_eq!(
        seen(&refresh),
        (Some("e1"), Some(600), ""),
        "without the document"
    );
    accept(&mut rig, &refresh, "e2", 300);

    let change = publish(&mut rig, "glad");
    assert_eq!(seen(&change), (Some("e2"), Some(600), "glad"));
    // One at a time (§4.1): what comes meanwhile waits.
    act(&mut rig, |all, now| all.publish(now, 3, document("sad")));
    rig.silence();
    accept(&mut rig, &change, "e3", 300);
    let last = rig.request("PUBLISH");
    assert_eq!(seen(&last), (Some("e3"), Some(600), "sad"));
    accept(&mut rig, &last, "e4", 300);

    act(&mut rig, |all, now| all.withdraw(now, 3));
    let removal = rig.request("PUBLISH");
    assert_eq!(seen(&removal), (Some("e4"), Some(0), ""));
    rig.reply(&removal, 200, "s", "Expires: 0\r\n", "");
    rig.seconds(700);
    rig.silence();
    assert_eq!(heard(&mut rig).len(), 3);
}

#[test]
fn what_a_refusal_makes_of_it() {
    // After how many seconds it comes again; `None`: never.
    let table = [
        (412, "", Some(0), None),
        (423, "Min-Expires: 900\r\n", Some(0), None),
        (503, "", Some(60), None),
        (408, "", Some(60), None),
        (489, "", None, Some(489)),
        (423, "", None, Some(423)),
        (423, "Min-Expires: 99999999\r\n", None, Some(423)),
        (403, "", None, Some(403)),
    ];
    for (status, headers, again, refused) in table {
        let mut rig = Rig::new();
        let first = publish(&mut rig, "calm");
        accept(&mut rig, &first, "e1", 300);
        heard(&mut rig);
        let change = publish(&mut rig, "glad");
        rig.reply(&change, status, "s", headers, "");
        let told: Vec<u16> = heard(&mut rig)
            .iter()
            .filter_map(|event| match event {
                Event::Refused { status, .. } => Some(*status),
                Event::Published { .. } => None,
            })
            .collect();
        assert_eq!(told, Vec::from_iter(refused), "{status}");
        let Some(seconds) = again else {
            rig.seconds(1000);
            rig.silence();
            continue;
        };
        if seconds > 0 {
            rig.seconds(seconds - 1);
            rig.silence();
            rig.seconds(1);
        }
        let next = rig.request("PUBLISH");
        let tag = (status != 412).then_some("e1");
        let expires = if status == 423 { 900 } else { 600 };
        assert_eq!(seen(&next), (tag, Some(expires), "glad"), "{status}");
        // A server that says so for ever is not believed.
        if matches!(status, 412 | 423) {
            rig.reply(&next, status, "s", headers, "");
            rig.seconds(1000);
            rig.silence();
        }
    }
}

#[test]
fn it_waits_for_a_flow_and_outlives_one() {
    let mut rig = Rig::new();
    let first = publish(&mut rig, "calm");
    rig.lose_socket();
    rig.seconds(5);
    let again = rig.request("PUBLISH");
    assert_eq!(first.call_id(), again.call_id());
    accept(&mut rig, &again, "e1", 600);
    rig.lose_socket();
    act(&mut rig, |all, now| all.publish(now, 3, document("glad")));
    rig.silence();
    rig.seconds(5);
    assert_eq!(
        seen(&rig.request("PUBLISH")),
        (Some("e1"), Some(600), "glad")
    );
}

#[test]
fn logging_out_takes_it_back() {
    let mut rig = Rig::new();
    let first = publish(&mut rig, "calm");
    accept(&mut rig, &first, "e1", 600);
    rig.act(Phone::unregister);
    assert_eq!(seen(&rig.request("PUBLISH")), (Some("e1"), Some(0), ""));

    let mut rig = Rig::new();
    publish(&mut rig, "calm");
    rig.act(Phone::unregister);
    rig.silence();
}
