//! A state of ours that is published (RFC 3903): one request at a time, whoever keeps it.

use crate::rig::Rig;
use graceline::call::{Calls, Event};
use graceline::sip::Name;
use graceline::time::Instant;

fn publish(body: &str, headers: &[(&str, &str)]) -> impl FnOnce(&mut Calls, Instant, u32) {
    let content = ("application/pidf+xml".to_owned(), body.to_owned());
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let headers = headers.collect();
    move |calls, now, op| calls.publish(now, op, content, headers)
}

#[test]
fn it_goes_to_our_own_address_and_is_done_with_its_tag_and_time() {
    let mut rig = Rig::new();
    let about = [("Event", "presence"), ("Expires", "600")];
    let op = rig.operate(publish("<presence/>", &about));
    let request = rig.request("PUBLISH");
    assert_eq!(request.request_uri(), "sip:2001@example.com");
    assert!(
        request
            .to()
            .is_some_and(|to| to.uri == "sip:2001@example.com")
    );
    assert_eq!(request.header(Name::Event), Some("presence"));
    assert_eq!(request.expires(), Some(600));
    assert_eq!(request.media_type(), "application/pidf+xml");
    assert_eq!(request.body(), b"<presence/>");
    rig.reply(&request, 200, "s", "SIP-ETag: e1\r\nExpires: 300\r\n", "");
    let done = Event::Done {
        op,
        error: None,
        etag: Some("e1".into()),
        expires: Some(300),
    };
    assert_eq!(rig.heard(), [done]);
}

#[test]
fn a_refresh_has_a_condition_and_no_document_and_may_fail() {
    let mut rig = Rig::new();
    let about = [("Event", "presence"), ("SIP-If-Match", "e1")];
    let op = rig.operate(publish("", &about));
    let request = rig.request("PUBLISH");
    assert_eq!(request.header_named("SIP-If-Match"), Some("e1"));
    assert_eq!(request.media_type(), "");
    assert_eq!(request.body(), b"");
    rig.reply(&request, 412, "s", "", "");
    let heard = rig.heard();
    let failed = |event: &Event| {
        let Event::Done {
            op: done, error, ..
        } = event
        else {
            return false;
        };
        *done == op
            && error
                .as_ref()
                .is_some_and(|error| error.status == Some(412))
    };
    assert!(heard.iter().any(failed), "{heard:?}");

    let op = rig.operate(publish("", &about));
    rig.request("PUBLISH");
    rig.wait(33_000);
    assert_eq!(rig.settled(), [(op, Some("eTimeout"))]);
}

#[test]
fn what_would_break_the_request_is_not_sent() {
    let mut rig = Rig::new();
    let about = [("Event", "presence\r\nX-Evil: 1")];
    let op = rig.operate(publish("x", &about));
    assert!(matches!(rig.settled()[..], [(done, Some(_))] if done == op));
}
