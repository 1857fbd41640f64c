//! Sessions: INVITE and INFO with bodies that the phone does not read.

use crate::{body, header};
use graceline::call::Cause;
use graceline::phone::{Event as Told, Phone, Situation};
use graceline::session::{Content, Event, Sessions};
use graceline::sip::{Message, Name};
use graceline_kit::calls::{CHALLENGE, Peer, Rig};

const KIND: &str = "application/made-up+xml";
const ACCEPTED: &str = "Contact: <sip:gate@gate.invalid;transport=ws>\r\n\
                        Session-Expires: 600;refresher=uac\r\n\
                        Content-Type: application/made-up+xml\r\n";

fn content(text: &str) -> Content {
    (KIND.to_owned(), text.to_owned())
}

fn act(rig: &mut Rig, action: impl FnOnce(&mut Sessions)) {
    rig.act(|phone, now| phone.with_sessions(now, action));
}

fn open(rig: &mut Rig, text: &str, more: Vec<(String, String)>) {
    let gate = "sip:gate@example.com";
    rig.act(|phone, now| phone.open_session(now, 5, gate, content(text), more));
}

fn heard(rig: &mut Rig) -> Vec<Event> {
    let events = std::mem::take(&mut rig.events).into_iter();
    let own = |event| match event {
        Told::Session(event) => Some(event),
        _ => None,
    };
    events.filter_map(own).collect()
}

/// Answers with a body of the made-up kind.
fn reply(rig: &mut Rig, request: &Message, status: u16, headers: &str, text: &str) {
    let plain = graceline_kit::calls::respond(request, status, "g", headers, "");
    let head = plain.trim_end_matches("Content-Length: 0\r\n\r\n");
    rig.receive(&format!(
        "{head}Content-Length: {}\r\n\r\n{text}",
        text.len()
    ));
}

fn ask(rig: &mut Rig) -> Message {
    let more = vec![("X-Made-Up".to_owned(), "1".to_owned())];
    open(rig, "<hello/>", more);
    rig.request("INVITE")
}

/// Session 5, open.
fn opened(rig: &mut Rig) -> Peer {
    let invite = ask(rig);
    reply(rig, &invite, 200, ACCEPTED, "<welcome/>");
    let ack = rig.request("ACK");
    let events = heard(rig);
    let [Event::Opened { of: 5, answer }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(answer.content, Some(content("<welcome/>")));
    Peer::of(&ack)
}

fn ended(events: &[Event]) -> (Cause, Option<u16>, Option<Situation>) {
    match events {
        [
            Event::Ended {
                of: 5,
                cause,
                answer,
                at,
            },
        ] => (*cause, answer.as_ref().map(|it| it.status), *at),
        other => panic!("{other:?}"),
    }
}

#[test]
fn bodies_go_both_ways_in_requests_and_answers() {
    let mut rig = Rig::new();
    let invite = ask(&mut rig);
    assert_eq!(body(&invite), "<hello/>");
    assert_eq!(invite.header(Name::ContentType), Some(KIND));
    assert_eq!(header(&invite, "X-Made-Up"), Some("1"));
    rig.reply(&invite, 100, "", "", "");
    reply(&mut rig, &invite, 200, ACCEPTED, "<welcome/>");
    let mut peer = Peer::of(&rig.request("ACK"));
    heard(&mut rig);

    act(&mut rig, |sessions| sessions.info(9, 5, content("<ask/>")));
    let info = rig.request("INFO");
    assert_eq!(
        (body(&info), info.header(Name::ContentType)),
        ("<ask/>", Some(KIND))
    );
    reply(
        &mut rig,
        &info,
        200,
        "Content-Type: application/made-up+xml\r\n",
        "<said/>",
    );
    let events = heard(&mut rig);
    let [
        Event::Done {
            op: 9,
            answer: Some(answer),
        },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(
        (answer.status, &answer.content),
        (200, &Some(content("<said/>")))
    );

    let text = peer.request("INFO", "Content-Type: application/made-up+xml\r\n", "");
    let text = text.replace(
        "Content-Length: 0\r\n\r\n",
        "Content-Length: 6\r\n\r\n<news>",
    );
    rig.receive(&text);
    rig.answer(200);
    let news = content("<news>");
    assert_eq!(
        heard(&mut rig),
        [Event::Info {
            of: 5,
            content: news
        }]
    );

    let bye = peer.request("BYE", "", "");
    rig.receive(&bye);
    rig.answer(200);
    assert_eq!(ended(&heard(&mut rig)), (Cause::Remote, None, None));
    rig.receive(&peer.request("INFO", "", ""));
    rig.answer(481);
    rig.silence();
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
    assert_eq!(heard(&mut rig).len(), 1, "it is open");
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
    assert_eq!(heard(&mut rig), []);
}

#[test]
fn an_info_that_is_refused_leaves_the_session_and_one_to_nothing_ends_it() {
    let mut rig = Rig::new();
    opened(&mut rig);
    for (op, status, ends) in [(1, 500, false), (2, 403, false), (3, 481, true)] {
        act(&mut rig, |sessions| sessions.info(op, 5, content("<ask/>")));
        let info = rig.request("INFO");
        rig.reply(&info, status, "", "", "");
        let events = heard(&mut rig);
        let Event::Done { op: done, answer } = &events[0] else {
            panic!("{events:?}");
        };
        assert_eq!(
            (*done, answer.as_ref().map(|it| it.status)),
            (op, Some(status))
        );
        assert_eq!(events.len(), if ends { 2 } else { 1 }, "{status}");
    }
    rig.request("BYE");
    act(&mut rig, |sessions| sessions.info(4, 5, content("<ask/>")));
    assert_eq!(
        heard(&mut rig),
        [Event::Done {
            op: 4,
            answer: None
        }]
    );
    rig.silence();
}

#[test]
fn an_info_that_nobody_answers_ends_it_and_says_so() {
    let mut rig = Rig::new();
    opened(&mut rig);
    act(&mut rig, |sessions| sessions.info(1, 5, content("<ask/>")));
    rig.request("INFO");
    rig.seconds(33);
    let events = heard(&mut rig);
    assert_eq!(
        events[0],
        Event::Done {
            op: 1,
            answer: None
        }
    );
    assert_eq!(ended(&events[1..]).0, Cause::Failed);
    rig.request("BYE");
}

#[test]
fn a_refusal_is_told_with_all_that_it_says() {
    let mut rig = Rig::new();
    let invite = ask(&mut rig);
    let headers = "Contact: <sip:other@example.com>\r\nContent-Type: application/made-up+xml\r\n";
    reply(&mut rig, &invite, 300, headers, "<choose/>");
    rig.request("ACK");
    let events = heard(&mut rig);
    assert_eq!(ended(&events), (Cause::Rejected, Some(300), None));
    let [
        Event::Ended {
            answer: Some(answer),
            ..
        },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(answer.content, Some(content("<choose/>")));
    let contact = ("Contact".to_owned(), "<sip:other@example.com>".to_owned());
    assert!(answer.headers.contains(&contact));
    rig.over();
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
    assert_eq!(body(&again), "<hello/>");
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
fn it_is_refreshed_with_its_body_and_ends_when_that_is_in_vain() {
    let mut rig = Rig::new();
    opened(&mut rig);
    rig.seconds(299);
    rig.silence();
    rig.seconds(1);
    let refresh = rig.request("INVITE");
    assert_eq!(body(&refresh), "<hello/>");
    assert_eq!(
        header(&refresh, "Session-Expires"),
        Some("600;refresher=uac")
    );
    reply(&mut rig, &refresh, 200, ACCEPTED, "<well/>");
    rig.request("ACK");
    let events = heard(&mut rig);
    let [Event::Refreshed { of: 5, answer }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(answer.content, Some(content("<well/>")));
    // Sent again, because the ACK was late.
    reply(&mut rig, &refresh, 200, ACCEPTED, "<well/>");
    rig.request("ACK");
    assert_eq!(heard(&mut rig), []);

    rig.seconds(300);
    let refresh = rig.request("INVITE");
    rig.reply(&refresh, 503, "g", "", "");
    rig.request("ACK");
    rig.seconds(10);
    let refresh = rig.request("INVITE");
    rig.reply(&refresh, 481, "g", "", "");
    rig.request("ACK");
    rig.request("BYE");
    assert_eq!(ended(&heard(&mut rig)), (Cause::Failed, Some(481), None));
}

#[test]
fn a_far_end_that_refreshes_is_answered_and_one_that_does_not_is_gone() {
    let mut rig = Rig::new();
    let invite = ask(&mut rig);
    let theirs = ACCEPTED.replace("refresher=uac", "refresher=uas");
    reply(&mut rig, &invite, 200, &theirs, "");
    let mut peer = Peer::of(&rig.request("ACK"));
    heard(&mut rig);
    rig.seconds(300);
    let headers = "Session-Expires: 600;refresher=uac\r\nSupported: timer\r\n";
    rig.receive(&peer.request("INVITE", headers, ""));
    let answer = rig.answer(200);
    assert_eq!(
        header(&answer, "Session-Expires"),
        Some("600;refresher=uac")
    );
    rig.seconds(1);
    rig.answer(200);
    let ack = peer.numbered("ACK", peer.cseq, "", "");
    rig.receive(&ack);
    rig.seconds(100);
    rig.silence();
    rig.receive(&peer.request("UPDATE", headers, ""));
    rig.answer(200);
    let brief = "Session-Expires: 30\r\nSupported: timer\r\n";
    rig.receive(&peer.request("UPDATE", brief, ""));
    assert_eq!(header(&rig.answer(422), "Min-SE"), Some("90"));
    rig.seconds(567);
    rig.silence();
    rig.seconds(2);
    rig.request("BYE");
    assert_eq!(
        ended(&heard(&mut rig)),
        (Cause::Failed, None, Some(Situation::NotRefreshed))
    );
}

#[test]
fn whoever_closes_it_cancels_or_says_bye_even_if_the_answer_crosses() {
    let mut rig = Rig::new();
    opened(&mut rig);
    act(&mut rig, |sessions| sessions.close(5));
    let bye = rig.request("BYE");
    rig.reply(&bye, 200, "g", "", "");
    assert_eq!(ended(&heard(&mut rig)).0, Cause::Local);
    rig.over();

    let invite = ask(&mut rig);
    act(&mut rig, |sessions| sessions.close(5));
    rig.silence();
    rig.reply(&invite, 100, "", "", "");
    rig.request("CANCEL");
    reply(&mut rig, &invite, 200, ACCEPTED, "<welcome/>");
    rig.request("ACK");
    rig.request("BYE");
    assert_eq!(ended(&heard(&mut rig)).0, Cause::Local);
    rig.over();
}

#[test]
fn it_ends_with_its_flow_and_with_the_login() {
    let mut rig = Rig::new();
    opened(&mut rig);
    act(&mut rig, |sessions| sessions.info(8, 5, content("<ask/>")));
    rig.request("INFO");
    rig.lose_socket();
    let events = heard(&mut rig);
    assert_eq!(
        events[0],
        Event::Done {
            op: 8,
            answer: None
        }
    );
    assert_eq!(
        ended(&events[1..]),
        (Cause::Failed, None, Some(Situation::FlowLost))
    );
    rig.seconds(20);
    rig.silence();

    opened(&mut rig);
    rig.act(Phone::unregister);
    rig.request("BYE");
    assert_eq!(ended(&heard(&mut rig)).0, Cause::Local);

    open(&mut rig, "", Vec::new());
    assert_eq!(
        ended(&heard(&mut rig)),
        (Cause::Failed, None, Some(Situation::NotRegistered))
    );
}
