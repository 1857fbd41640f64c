//! Servers that take their time, and servers that send the phone elsewhere.

use crate::rig::{Act, Asked, Rig, accept, answer};
use graceline::phone::Status;

/// Answers each request so much later, and says at once that it will.
fn slow(millis: u64) -> impl FnMut(&Asked) -> Vec<Act> {
    move |asked| {
        let mut acts = answer("100 Trying");
        let done = match asked.message.method() {
            "REGISTER" if asked.binds() => "200 OK\nContact: <{own}>;expires=120",
            "REGISTER" => "200 OK",
            _ => "405 Method Not Allowed",
        };
        acts.push(Act::Answer(millis, done.to_owned()));
        acts
    }
}

/// RFC 3261 §17.1.2.2: after a provisional answer a request has the rest of timer F.
#[test]
fn a_server_that_said_it_will_is_waited_for() {
    let mut rig = Rig::answering(slow(9_000));
    assert!(rig.login(false).is_none(), "{}", rig.told());
    assert_eq!(rig.opens.len(), 1, "on one connection");
    rig.seconds(600);
    assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
    assert_eq!(rig.opens.len(), 1, "{}", rig.told());
}

#[test]
fn a_login_waits_no_longer_than_its_timeout() {
    let mut rig = Rig::answering(slow(40_000));
    let begun = rig.now;
    let fault = rig.login(false).expect("it fails");
    assert_eq!(fault.code().as_str(), "eTimeout");
    let took = (rig.now - begun).as_millis();
    assert!((29_000..31_000).contains(&took), "{took}");
    assert_eq!(rig.opens.len(), 1);
}

/// 64·T1 in all, and not from each provisional answer.
#[test]
fn trying_for_ever_is_no_answer() {
    let mut registered = false;
    let mut rig = Rig::answering(move |asked| {
        if registered {
            return (0..9)
                .map(|n| Act::Answer(n * 5_000, "100 Trying".into()))
                .collect();
        }
        registered = asked.binds();
        slow(0)(asked)
    });
    assert!(rig.login(false).is_none());
    rig.act(|phone, now| phone.look(now));
    rig.seconds(31);
    assert_eq!((rig.status(), rig.opens.len()), (Status::Ready, 1));
    rig.seconds(2);
    assert_eq!(rig.opens.len(), 2, "{}", rig.told());
}

#[test]
fn silence_is_a_dead_server_after_eight_seconds() {
    let mut rig = Rig::answering(|_| Vec::new());
    rig.register(false);
    rig.seconds(7);
    assert_eq!(rig.opens.len(), 1);
    rig.seconds(3);
    assert_eq!(rig.opens.len(), 2);
}

/// RFC 3261 §10.2: no user part in the Request-URI of a REGISTER, and no headers.
#[test]
fn a_redirected_register_names_a_server() {
    for (contact, target) in [
        (
            "<sip:2001@sip2.example.com:5080;transport=ws>",
            "sip:sip2.example.com:5080;transport=ws",
        ),
        ("<sip:20%4001:pw@sip2.example.com>", "sip:sip2.example.com"),
        (
            "<sips:sip2.example.com?Route=%3Csip:x%3E&X=y>",
            "sips:sip2.example.com",
        ),
        (
            "<sip:a?b;c@sip2.example.com;lr;?X=y>;q=0.5;",
            "sip:sip2.example.com;lr",
        ),
        ("<sip:[2001:db8::1]:5060>", "sip:[2001:db8::1]:5060"),
        (
            "mailto:a@example.com, <sip:x@sip2.example.com;;>",
            "sip:sip2.example.com",
        ),
    ] {
        let mut rig = Rig::answering(move |asked| match asked.message.request_uri() {
            "sip:example.com" => answer(format!("302 Moved\nContact: {contact}")),
            _ if asked.binds() => accept(&["<{own}>;expires=120"]),
            _ => answer("200 OK"),
        });
        assert!(rig.login(false).is_none(), "{contact}\n{}", rig.told());
        let last = rig
            .registers()
            .last()
            .expect("REGISTERs")
            .message
            .request_uri();
        assert_eq!(last, target, "{contact}");
    }
}
