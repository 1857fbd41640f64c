//! What a program says and hears of calls and sessions has names that it can write.

use graceline::prelude::*;
use graceline::publication::{self, Publications};
use graceline::subscription::{self, Lapse, Subscriptions, Topic};
use graceline_library::{drain, phone};

/// What ends without a registration, and why.
fn end(event: &Event) -> Option<(Cause, Situation)> {
    match event {
        Event::Call(CallEvent::Ended { cause, fault, .. }) => Some((*cause, fault.as_ref()?.at)),
        Event::Call(CallEvent::SessionEnded {
            cause,
            fault,
            answer,
            ..
        }) => {
            let answer: &Answer = answer;
            assert_eq!(answer.status, 0);
            Some((*cause, fault.as_ref()?.at))
        }
        Event::Subscription(event) => match event {
            subscription::Event::Lapsed { why, .. } => {
                let why: Lapse = *why;
                panic!("nothing stood: {why:?}")
            }
            event => panic!("from whom? {event:?}"),
        },
        Event::Publication(event) => {
            let event: &publication::Event = event;
            panic!("from whom? {event:?}")
        }
        _ => None,
    }
}

#[test]
fn without_a_registration_there_is_no_call_and_no_session() {
    let now = Instant::from_millis(1_700_000_000_000);
    let mut phone = phone([1; 32]).expect("a good configuration");
    let hello = Document {
        content_type: "text/plain".to_owned(),
        body: "hello".to_owned(),
        ..Document::default()
    };
    phone.call(now, 1, "2002", CallOptions::default());
    phone.start_session(now, 3, "sip:2002@example.com", hello.clone(), Vec::new());
    phone.with_calls(now, |calls: &mut Calls| calls.hangup(now, 7, 1));
    phone.with_calls(now, |calls: &mut Calls| {
        calls.session_info(now, 8, 3, hello)
    });
    phone.with_subscriptions(now, |all: &mut Subscriptions| {
        all.subscribe(1, Topic::default());
    });
    phone.with_publications(now, |all: &mut Publications| {
        all.publish(now, 1, publication::Document::default());
    });
    let events: Vec<Event> = drain(&mut phone)
        .into_iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        })
        .collect();
    let unregistered = (Cause::Failed, Situation::NotRegistered);
    let ends: Vec<_> = events.iter().filter_map(end).collect();
    assert_eq!(ends, [unregistered; 2]);
    let over = |event: &Event| {
        matches!(event, Event::Call(CallEvent::Done { op: 7, error: Some(fault), .. })
            if fault.code() == Code::InvalidState)
    };
    assert!(events.iter().any(over), "{events:?}");
    let nobody = CallEvent::SessionAnswered {
        asked: Asked::Info,
        number: 8,
        answer: Answer::default(),
    };
    assert!(events.contains(&Event::Call(nobody)), "{events:?}");
}
