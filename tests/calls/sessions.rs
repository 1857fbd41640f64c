//! Sessions: calls without media, whose documents the phone does not read.

use crate::rig::{CHALLENGE, Peer, Rig, SDP, respond};
use graceline::call::{Answer, Asked, Cause, Document, Event};
use graceline::phone::{Phone, Situation};
use graceline::sip::{Message, Name};
use graceline_kit::UUID;

const KIND: &str = "application/made-up+xml";
const GATE: &str = "sip:gate@example.com";
const SIGNAL: &str = "signal;handling=required";
const ROUTE: &str = "<sip:edge.example.com;lr>";
const ACCEPTED: &str = "Record-Route: <sip:edge.example.com;lr>\r\n\
                        Contact: <sip:gate@gate.invalid;transport=ws>\r\n\
                        Session-Expires: 600;refresher=uac\r\n\
                        Supported: replaces, timer\r\n\
                        Content-Type: application/made-up+xml\r\n";
const OFFERS: &str = "Session-Expires: 600;refresher=uac\r\nSupported: timer\r\n";

fn document(body: &str) -> Document {
    Document {
        content_type: KIND.to_owned(),
        body: body.to_owned(),
        disposition: SIGNAL.to_owned(),
    }
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let mut headers = message.all_headers();
    let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

fn body(message: &Message) -> &str {
    std::str::from_utf8(message.body()).expect("text")
}

/// That a request bears this document.
fn bears(request: &Message, text: &str) {
    assert_eq!(body(request), text);
    assert_eq!(request.header(Name::ContentType), Some(KIND));
    assert_eq!(header(request, "Content-Disposition"), Some(SIGNAL));
}

/// The message with a body of the made-up kind.
fn with_body(message: &str, text: &str) -> String {
    let head = message.trim_end_matches("Content-Length: 0\r\n\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{text}", text.len())
}

fn reply(rig: &mut Rig, request: &Message, status: u16, headers: &str, text: &str) {
    let plain = respond(request, status, "g", headers, "");
    rig.receive(&with_body(&plain, text));
}

fn news(peer: &mut Peer, text: &str) -> String {
    let kind = format!("Content-Type: {KIND}\r\n");
    with_body(&peer.request("INFO", &kind, ""), text)
}

fn ask(rig: &mut Rig) -> Message {
    let more = vec![("X-Made-Up".to_owned(), "1".to_owned())];
    rig.act(|phone, now| phone.start_session(now, 5, GATE, document("<hello/>"), more));
    rig.request("INVITE")
}

/// Session 5, open.
fn opened(rig: &mut Rig) -> Peer {
    opened_by(rig, ACCEPTED)
}

fn opened_by(rig: &mut Rig, headers: &str) -> Peer {
    let invite = ask(rig);
    reply(rig, &invite, 200, headers, "<welcome/>");
    let ack = rig.request("ACK");
    let answer = answered(&rig.heard(), Asked::Open, 5);
    assert_eq!((&*answer.content_type, &*answer.body), (KIND, "<welcome/>"));
    Peer::of(&ack)
}

fn inform(rig: &mut Rig, op: u32) -> Message {
    informs(rig, op);
    rig.request("INFO")
}

fn informs(rig: &mut Rig, op: u32) {
    rig.calls(|calls, now| calls.session_info(now, op, 5, document("<ask/>")));
}

fn close(rig: &mut Rig) {
    rig.calls(|calls, now| calls.close_session(now, 5));
}

/// The only event: what the far end answers.
fn answered(events: &[Event], wanted: Asked, of: u32) -> Answer {
    match events {
        [
            Event::SessionAnswered {
                asked,
                number,
                answer,
            },
        ] if (*asked, *number) == (wanted, of) => answer.clone(),
        other => panic!("{other:?}"),
    }
}

fn nobody(op: u32) -> Event {
    Event::SessionAnswered {
        asked: Asked::Info,
        number: op,
        answer: Answer::default(),
    }
}

/// The only event: the end.
fn ended(events: &[Event]) -> (Cause, Option<Situation>, Option<u16>) {
    match events {
        [
            Event::SessionEnded {
                session: 5,
                cause,
                fault,
                ..
            },
        ] => (
            *cause,
            fault.as_ref().map(|fault| fault.at),
            fault.as_ref().and_then(|fault| fault.status),
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn documents_go_both_ways_in_requests_and_answers() {
    let mut rig = Rig::new();
    let invite = ask(&mut rig);
    bears(&invite, "<hello/>");
    assert_eq!(header(&invite, "X-Made-Up"), Some("1"));
    let contact = invite.header(Name::Contact).expect("a Contact");
    let named = format!(";+sip.instance=\"<{UUID}>\"");
    assert!(contact.ends_with(&named), "{contact}");
    rig.reply(&invite, 100, "", "", "");
    rig.reply(&invite, 180, "g", "", "");
    assert_eq!(rig.heard(), []);
    reply(&mut rig, &invite, 200, ACCEPTED, "<welcome/>");
    let mut peer = Peer::of(&rig.request("ACK"));
    rig.heard();

    let info = inform(&mut rig, 9);
    bears(&info, "<ask/>");
    let kind = format!("Content-Type: {KIND}\r\n");
    reply(&mut rig, &info, 200, &kind, "<said/>");
    let answer = answered(&rig.heard(), Asked::Info, 9);
    assert_eq!((answer.status, &*answer.body), (200, "<said/>"));

    rig.receive(&news(&mut peer, "<news/>"));
    assert_eq!(body(&rig.answer(200)), "");
    let told = Event::SessionInfo {
        session: 5,
        content_type: KIND.to_owned(),
        body: "<news/>".to_owned(),
    };
    assert_eq!(rig.heard(), [told]);

    rig.receive(&peer.request("BYE", "", ""));
    rig.answer(200);
    assert_eq!(ended(&rig.heard()).0, Cause::Remote);
    rig.receive(&news(&mut peer, "<news/>"));
    rig.answer(481);
    rig.silence();
}

#[test]
fn a_document_in_iso_8859_1_is_read_both_in_requests_and_answers() {
    let mut rig = Rig::new();
    let mut peer = opened(&mut rig);
    let latin1 = |message: &str| -> Vec<u8> {
        let message = message.replace("Content-Length: 11", "Content-Length: 10");
        message.chars().map(|letter| letter as u8).collect()
    };
    rig.receive_bytes(&latin1(&news(&mut peer, "<news>\u{fc}</>")));
    rig.answer(200);
    match &rig.heard()[..] {
        [Event::SessionInfo { body, .. }] => assert_eq!(body, "<news>\u{fc}</>"),
        other => panic!("{other:?}"),
    }
    let info = inform(&mut rig, 9);
    let kind = format!("Content-Type: {KIND}; charset=iso-8859-1\r\n");
    let plain = respond(&info, 200, "g", &kind, "");
    rig.receive_bytes(&latin1(&with_body(&plain, "<said>\u{fc}</>")));
    let answer = answered(&rig.heard(), Asked::Info, 9);
    assert_eq!((answer.status, &*answer.body), (200, "<said>\u{fc}</>"));
}

#[test]
fn what_comes_too_late_is_refused_so_that_all_is_heard_in_order() {
    let mut rig = Rig::new();
    let mut peer = opened(&mut rig);
    let [early, late] = ["<early/>", "<late/>"].map(|text| news(&mut peer, text));
    rig.receive(&late);
    rig.answer(200);
    rig.receive(&early);
    rig.answer(500);
    assert_eq!(rig.heard().len(), 1);
}

#[test]
fn an_answer_that_comes_again_is_acknowledged_and_another_fork_sent_away() {
    let mut rig = Rig::new();
    let invite = ask(&mut rig);
    reply(&mut rig, &invite, 200, ACCEPTED, "<welcome/>");
    let first = rig.request("ACK");
    reply(&mut rig, &invite, 200, ACCEPTED, "<welcome/>");
    assert_eq!(rig.request("ACK").header(Name::To), first.header(Name::To));
    rig.silence();
    rig.reply(&invite, 200, "h", ACCEPTED, "");
    let other = rig.request("ACK");
    assert_ne!(other.header(Name::To), first.header(Name::To));
    assert_eq!(rig.request("BYE").header(Name::To), other.header(Name::To));
    answered(&rig.heard(), Asked::Open, 5);
}

#[test]
fn it_is_refreshed_with_its_document_and_ends_when_that_is_in_vain() {
    let mut rig = Rig::new();
    opened(&mut rig);
    rig.seconds(299);
    rig.silence();
    rig.seconds(1);
    let refresh = rig.request("INVITE");
    bears(&refresh, "<hello/>");
    let expires = header(&refresh, "Session-Expires");
    assert_eq!(expires, Some("600;refresher=uac"));
    reply(&mut rig, &refresh, 200, ACCEPTED, "<well/>");
    rig.request("ACK");
    let answer = answered(&rig.heard(), Asked::Refresh, 5);
    assert_eq!(answer.body, "<well/>");
    // Sent again, because the ACK was late.
    reply(&mut rig, &refresh, 200, ACCEPTED, "<well/>");
    rig.request("ACK");
    assert_eq!(rig.heard(), []);

    rig.seconds(300);
    let refresh = rig.request("INVITE");
    rig.reply(&refresh, 503, "g", "", "");
    rig.request("ACK");
    rig.seconds(10);
    let refresh = rig.request("INVITE");
    rig.reply(&refresh, 481, "g", "", "");
    rig.request("ACK");
    assert_eq!(rig.request("BYE").header(Name::Route), Some(ROUTE));
    assert_eq!(
        ended(&rig.heard()),
        (Cause::Failed, Some(Situation::Forgotten), Some(481))
    );
}

/// What is not there any more is not waited for: the statuses of RFC 5057 §5.1.
#[test]
fn a_session_whose_far_end_is_unavailable_is_over() {
    for status in [404, 410, 430, 480, 502, 604] {
        let mut rig = Rig::new();
        opened(&mut rig);
        rig.seconds(300);
        let refresh = rig.request("INVITE");
        rig.reply(&refresh, status, "g", "", "");
        rig.request("ACK");
        rig.request("BYE");
        assert_eq!(
            ended(&rig.heard()),
            (Cause::Failed, Some(Situation::Forgotten), Some(status))
        );
    }
}

#[test]
fn an_interval_that_is_too_small_is_raised() {
    let mut rig = Rig::new();
    let invite = ask(&mut rig);
    rig.reply(&invite, 422, "g", "Min-SE: 3600\r\n", "");
    rig.request("ACK");
    let again = rig.request("INVITE");
    bears(&again, "<hello/>");
    assert_eq!(header(&again, "Session-Expires"), Some("3600"));
    reply(&mut rig, &again, 200, ACCEPTED, "<welcome/>");
    rig.request("ACK");
    answered(&rig.heard(), Asked::Open, 5);
}

#[test]
fn both_refresh_at_once() {
    let mut rig = Rig::new();
    let mut peer = opened(&mut rig);
    rig.seconds(300);
    let ours = rig.request("INVITE");
    rig.receive(&peer.request("INVITE", "", ""));
    rig.answer(491);
    rig.reply(&ours, 491, "g", "", "");
    rig.request("ACK");
    rig.receive(&peer.request("INVITE", "", ""));
    rig.answer(200);
    rig.receive(&peer.numbered("ACK", peer.cseq, "", ""));
    rig.seconds(60);
    assert_eq!(rig.heard(), []);
    rig.silence();
}

#[test]
fn a_far_end_that_refreshes_is_answered_and_one_that_does_not_is_gone() {
    let mut rig = Rig::new();
    let theirs = ACCEPTED.replace("refresher=uac", "refresher=uas");
    let mut peer = opened_by(&mut rig, &theirs);
    rig.seconds(300);
    rig.receive(&peer.request("INVITE", OFFERS, ""));
    let answer = rig.answer(200);
    let expires = header(&answer, "Session-Expires");
    assert_eq!((expires, body(&answer)), (Some("600;refresher=uac"), ""));
    rig.seconds(1);
    rig.answer(200);
    rig.receive(&peer.numbered("ACK", peer.cseq, "", ""));
    rig.seconds(100);
    rig.silence();
    rig.receive(&peer.request("UPDATE", OFFERS, ""));
    rig.answer(200);
    let brief = "Session-Expires: 30\r\nSupported: timer\r\n";
    rig.receive(&peer.request("UPDATE", brief, ""));
    assert_eq!(header(&rig.answer(422), "Min-SE"), Some("90"));
    rig.seconds(567);
    rig.silence();
    rig.seconds(2);
    rig.request("BYE");
    assert_eq!(
        ended(&rig.heard()),
        (Cause::Failed, Some(Situation::NotRefreshed), Some(408))
    );
}

#[test]
fn one_whose_refresh_is_not_acknowledged_ends() {
    let mut rig = Rig::new();
    let mut peer = opened(&mut rig);
    rig.receive(&peer.request("INVITE", OFFERS, ""));
    rig.seconds(33);
    // Sent again from T1 to T2 apart, for 32 s.
    for _ in 0..11 {
        rig.answer(200);
    }
    rig.request("BYE");
    assert_eq!(
        ended(&rig.heard()),
        (Cause::Failed, Some(Situation::Unacknowledged), Some(408))
    );
}

#[test]
fn an_info_that_is_refused_leaves_the_session_and_one_to_nothing_ends_it() {
    let mut rig = Rig::new();
    opened(&mut rig);
    for (op, status) in [(1, 503), (2, 403)] {
        let info = inform(&mut rig, op);
        rig.reply(&info, status, "", "Retry-After: 7\r\n", "");
        let answer = answered(&rig.heard(), Asked::Info, op);
        assert_eq!((answer.status, answer.retry_after), (status, Some(7)));
    }
    let info = inform(&mut rig, 3);
    rig.reply(&info, 481, "", "", "");
    let events = rig.heard();
    assert_eq!(answered(&events[..1], Asked::Info, 3).status, 481);
    assert_eq!(ended(&events[1..]).2, Some(481));
    rig.request("BYE");
    informs(&mut rig, 4);
    assert_eq!(rig.heard(), [nobody(4)]);
    rig.silence();
}

#[test]
fn an_info_that_nobody_answers_ends_it_and_says_so() {
    let mut rig = Rig::new();
    opened(&mut rig);
    inform(&mut rig, 1);
    rig.seconds(33);
    let events = rig.heard();
    assert_eq!(events[0], nobody(1));
    assert_eq!(ended(&events[1..]).0, Cause::Failed);
    rig.request("BYE");
}

#[test]
fn a_refusal_is_told_with_all_that_it_says() {
    const ONE: &str = "<sip:gate@example.com>;line=\"2001\";device=\"SEP01\";description=\"a, b\"";
    const OTHER: &str = "<sip:other@example.com>;inservice=false";
    for status in [300, 302, 503] {
        let mut rig = Rig::new();
        let invite = ask(&mut rig);
        let headers = format!("Contact: {ONE}, {OTHER}\r\nRetry-After: 9\r\n");
        rig.reply(&invite, status, "g", &headers, "");
        rig.request("ACK");
        let events = rig.heard();
        let (_, at, told) = ended(&events);
        assert_eq!((at, told), (Some(Situation::Refused), Some(status)));
        let [Event::SessionEnded { answer, .. }] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(answer.contacts, [ONE, OTHER]);
        assert_eq!(answer.retry_after, Some(9));
        rig.over();
    }
}

#[test]
fn why_it_is_refused_or_ended_is_told_in_the_words_of_the_far_end() {
    let said = |events: &[Event]| match events {
        [Event::SessionEnded { fault, .. }] => fault.as_ref()?.said.clone(),
        other => panic!("{other:?}"),
    };
    let mut rig = Rig::new();
    let invite = ask(&mut rig);
    let warning = "Warning: 399 gate \"Somebody else \\\"is\\\" there\"\r\n";
    rig.reply(&invite, 403, "g", warning, "");
    rig.request("ACK");
    assert_eq!(
        said(&rig.heard()).as_deref(),
        Some("Somebody else \"is\" there")
    );

    let mut rig = Rig::new();
    let mut peer = opened(&mut rig);
    let reason = "Reason: SIP;cause=410;text=\"Somebody else came\"\r\n";
    rig.receive(&peer.request("BYE", reason, ""));
    rig.answer(200);
    assert_eq!(said(&rig.heard()).as_deref(), Some("Somebody else came"));
}

#[test]
fn challenges_are_answered_but_not_over_a_target_that_the_far_end_chose() {
    let mut rig = Rig::new();
    let challenge = format!("Proxy-Authenticate: {CHALLENGE}\r\n");
    let invite = ask(&mut rig);
    rig.reply(&invite, 407, "p", &challenge, "");
    rig.request("ACK");
    let again = rig.request("INVITE");
    assert!(again.header(Name::ProxyAuthorization).is_some());
    bears(&again, "<hello/>");
    reply(&mut rig, &again, 200, ACCEPTED, "");
    rig.request("ACK");
    rig.seconds(300);
    let refresh = rig.request("INVITE");
    let challenge = format!("WWW-Authenticate: {CHALLENGE}\r\n");
    rig.reply(&refresh, 401, "g", &challenge, "");
    rig.request("ACK");
    rig.silence();
}

#[test]
fn whoever_closes_it_cancels_or_says_bye_even_if_the_answer_crosses() {
    let mut rig = Rig::new();
    opened(&mut rig);
    close(&mut rig);
    let bye = rig.request("BYE");
    rig.reply(&bye, 200, "g", "", "");
    assert_eq!(ended(&rig.heard()).0, Cause::Local);
    rig.over();

    let invite = ask(&mut rig);
    close(&mut rig);
    rig.silence();
    rig.reply(&invite, 100, "", "", "");
    rig.request("CANCEL");
    reply(&mut rig, &invite, 200, ACCEPTED, "<welcome/>");
    rig.request("ACK");
    rig.request("BYE");
    assert_eq!(ended(&rig.heard()).0, Cause::Local);
    rig.over();
}

#[test]
fn it_ends_with_its_flow_and_nothing_of_it_goes_by_another() {
    let mut rig = Rig::new();
    opened(&mut rig);
    rig.seconds(300);
    rig.request("INVITE");
    inform(&mut rig, 8);
    rig.lose_socket();
    let events = rig.heard();
    assert_eq!(events[0], nobody(8));
    assert_eq!(
        ended(&events[1..]),
        (Cause::Failed, Some(Situation::FlowLost), None)
    );
    rig.seconds(20);
    rig.silence();
    assert_eq!(rig.heard(), []);
    rig.over();
}

#[test]
fn an_info_that_waits_is_answered_once_though_its_session_is_over() {
    let mut rig = Rig::new();
    let mut peer = opened(&mut rig);
    inform(&mut rig, 8);
    rig.receive(&peer.request("BYE", "", ""));
    rig.answer(200);
    assert_eq!(ended(&rig.heard()).0, Cause::Remote);
    rig.lose_socket();
    assert_eq!(rig.heard(), [nobody(8)]);
    rig.over();
}

#[test]
fn it_ends_with_the_login_and_needs_one() {
    let mut rig = Rig::new();
    opened(&mut rig);
    rig.act(Phone::unregister);
    rig.request("BYE");
    assert_eq!(ended(&rig.heard()).0, Cause::Local);
    rig.over();
    let hello = document("<hello/>");
    rig.act(|phone, now| phone.start_session(now, 5, GATE, hello, Vec::new()));
    assert_eq!(
        ended(&rig.heard()),
        (Cause::Failed, Some(Situation::NotRegistered), None)
    );
}

#[test]
fn it_is_no_call() {
    let mut rig = Rig::new();
    let mut peer = opened(&mut rig);
    let refer = "Refer-To: <sip:2003@example.com>\r\n";
    rig.receive(&peer.request("REFER", refer, ""));
    rig.answer(405);
    let held = rig.operate(|calls, now, op| calls.hold(now, op, 5, true));
    assert_eq!(rig.settled(), [(held, Some("eInvalidState"))]);
    // Nobody takes its place, and the page that is left picks nothing up.
    let (_, tag) = peer.to.split_once(";tag=").expect("a tag");
    let replaces = format!("Replaces: {};to-tag={tag};from-tag=g\r\n", peer.call_id);
    let invite = Peer::caller(1).request("INVITE", &replaces, SDP);
    rig.receive(&invite);
    rig.answer(481);
    rig.leave();
    rig.request("BYE");
    assert_eq!(ended(&rig.heard()).0, Cause::Local);
}
