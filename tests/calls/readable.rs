//! Messages that are not in order, and what is needed of them all the same.

use crate::rig::{CONTACT, Peer, Rig, SDP, respond};
use graceline::call::{Cause, Event, Shown};
use graceline::phone::Situation;
use graceline::sip::{Message, Name};

/// `text` with the header line `name` replaced by these lines.
fn with_line(text: &str, name: &str, lines: &str) -> String {
    let old = text.split("\r\n").find(|line| line.starts_with(name));
    text.replacen(old.expect("the header is there"), lines, 1)
}

fn branch(request: &Message) -> &str {
    request.branch().expect("the phone writes branches")
}

/// Sends a MESSAGE; the request, and the operation.
fn message(rig: &mut Rig) -> (Message, u32) {
    let content = ("text/plain".to_owned(), "hi".to_owned());
    let op = rig.operate(|calls, now, op| calls.message(now, op, "2002", content));
    (rig.request("MESSAGE"), op)
}

#[test]
fn an_answer_is_known_by_branch_and_cseq_whatever_else_is_wrong() {
    let mut rig = Rig::new();
    for (name, lines) in [
        ("From", "From: Bell, Ada <sip:2001@example.com>;tag=x"),
        ("From", "From: <sip:@example.com>"),
        ("From", "From: \"Ada <sip:2001@example.com>"),
        ("From", "From:"),
        ("From", "From: <sip:a@b>\r\nFrom: <sip:c@d>"),
        ("From", "X-From: nobody"),
        ("To", "To: <sip:2002@example.com>;;tag=b"),
        ("To", "To: 2002"),
        ("Call-ID", "X-Call-ID: none"),
        ("Via", "Via: SIP/2.0/WS phone.invalid;;branch={branch};"),
        ("Via", "Via: SIP/2.0/WS  ;rport=a b;branch={branch}"),
        ("Via", "Via: SIP/2.0/WS [::1;received=\"x\";branch={branch}"),
        (
            "Content-Length",
            "Expires: 1\r\nExpires: 2\r\nMax-Forwards: x",
        ),
    ] {
        let (request, op) = message(&mut rig);
        let answer = respond(&request, 200, "b", "", "");
        let lines = lines.replace("{branch}", branch(&request));
        rig.receive(&with_line(&answer, name, &lines));
        assert_eq!(rig.settled(), [(op, None)], "{lines}");
    }
    assert!(rig.warnings.is_empty());
}

#[test]
fn a_call_is_made_by_answers_that_are_not_in_order() {
    for (name, lines) in [
        ("From", "From: Bell, Ada <sip:2001@example.com>;tag=x"),
        ("To", "To: Bell, Ada <sip:2002@example.com>;tag=b"),
        ("To", "To: <sip:2002@example.com>;;tag=b;"),
        ("Contact", "Contact: <sip:far@far.invalid;transport=ws>;"),
        ("Contact", "Contact: <sip:far@far.invalid;transport=ws;>"),
        (
            "Contact",
            "Contact: <sip:far@far.invalid;transport=ws?X-Y=z>",
        ),
        (
            "Contact",
            "Contact: Far, End <sip:far@far.invalid;transport=ws>",
        ),
    ] {
        let mut rig = Rig::new();
        let invite = rig.call("2002");
        let answer = respond(&invite, 200, "b", CONTACT, SDP);
        rig.receive(&with_line(&answer, name, lines));
        let ack = rig.request("ACK");
        assert_eq!(ack.to_tag(), Some("b"), "{lines}");
        let target = "sip:far@far.invalid;transport=ws";
        assert_eq!(ack.request_uri(), target, "{lines}");
        rig.settle();
        assert_eq!(rig.states().last(), Some(&Shown::Connected), "{lines}");
        let mut peer = Peer::of(&ack);
        rig.receive(&peer.request("BYE", "", ""));
        rig.answer(200);
    }
}

/// What the phone writes is in order, whatever it has read: the rig insists on it.
#[test]
fn what_is_echoed_in_requests_is_written_anew() {
    for (to, tag) in [
        ("To: <sip:2002@example.com>;;tag=b", Some("b")),
        ("To: Bell, Ada <sip:2002@example.com?x=y>;tag=b", Some("b")),
        ("To: <sip:2002@example.com>;tag=b c", None),
        ("To: 2002", None),
        ("To: \"Ada <sip:2002@example.com>;tag=b", None),
    ] {
        let mut rig = Rig::new();
        let invite = rig.call("2002");
        let refused = respond(&invite, 486, "b", "", "");
        rig.receive(&with_line(&refused, "To", to));
        assert_eq!(rig.request("ACK").to_tag(), tag, "{to}");
        assert_eq!(rig.ended(), [Cause::Rejected]);

        let mut rig = Rig::new();
        let invite = rig.call("2002");
        let accepted = respond(&invite, 200, "b", CONTACT, SDP);
        rig.receive(&with_line(&accepted, "To", to));
        assert_eq!(rig.request("ACK").to_tag(), tag, "{to}");
        rig.settle();
        rig.hangup(1);
        assert_eq!(rig.request("BYE").to_tag(), tag, "{to}");
    }
}

#[test]
fn what_was_dropped_while_somebody_waited_is_named() {
    for (name, lines, why) in [
        ("Via", "Via: SIP/2.0/WS a\r\nVia: SIP/2.0/WS b", "Two Vias"),
        ("Via", "X-Via: none", "Missing Via"),
        (
            "Via",
            "Via: SIP/2.0/WS a;branch=z9hG4bKother",
            "another Via branch",
        ),
        ("CSeq", "CSeq: MESSAGE", "Malformed CSeq"),
        ("Content-Length", "Content-Length: 9", "Content-Length"),
        ("SIP/2.0", "SIP/2.0 700 Done", "status line"),
        ("SIP/2.0", "SIP/3.0 200 OK", "Version"),
        ("SIP/2.0", "{\"error\": true}", "status line"),
        ("From", "X-Y: z\nFrom: <sip:a@b>", "CR LF"),
    ] {
        let mut rig = Rig::new();
        let (request, op) = message(&mut rig);
        let answer = with_line(&respond(&request, 200, "b", "", ""), name, lines);
        rig.receive(&answer);
        rig.receive(&answer);
        assert_eq!(rig.warnings.len(), 1, "once is enough: {lines}");
        assert!(rig.warnings[0].contains(why), "{}", rig.warnings[0]);
        assert!(rig.warnings[0].contains("MESSAGE"));
        rig.wait(33_000);
        let heard = rig.heard();
        let [
            Event::Done {
                op: done,
                error: Some(problem),
                ..
            },
        ] = &heard[..]
        else {
            panic!("{heard:?}");
        };
        assert_eq!((*done, problem.code().as_str()), (op, "eTimeout"));
        let told = problem.dropped.expect("why");
        assert!(told.contains(why), "{told}");
        // Nobody waits any more.
        rig.receive(&answer);
        assert_eq!(rig.warnings.len(), 1);
    }
}

#[test]
fn a_call_that_nobody_answers_names_what_was_dropped() {
    let mut rig = Rig::new();
    let invite = rig.call("2002");
    let answer = respond(&invite, 200, "b", CONTACT, SDP);
    rig.receive(&with_line(&answer, "CSeq", "CSeq: x INVITE"));
    rig.wait(33_000);
    let heard = rig.heard();
    let fault = heard.iter().find_map(|event| match event {
        Event::Ended { fault, .. } => fault.as_ref(),
        _ => None,
    });
    let fault = fault.expect("the call ends");
    let told = (fault.at, fault.status, fault.dropped);
    let why = Some("Missing or Malformed CSeq");
    assert_eq!(told, (Situation::Unanswered, Some(408), why));
}

#[test]
fn a_call_rings_whatever_form_its_addresses_have() {
    for (name, lines) in [
        ("From", "From: <sip:@example.com>;tag=c"),
        ("From", "From: Bell, Ada <sip:2002@example.com>;tag=c"),
        ("From", "From: \"Bell\", Ada <sip:2002@example.com>;tag=c"),
        ("From", "From: < sip:2002@example.com >;tag=c"),
        ("From", "From: <sip:2002@example.com;x=\"y\">;;tag=c;"),
        ("From", "From: <sip:2002 5@example.com>;tag=c"),
        ("From", "From: \"A\0a\" <sip:2002@example.com>;tag=c"),
        ("To", "To: Bell, Ada <sip:2001@example.com>"),
        ("To", "To: <sip:@example.com>"),
        ("Contact", "Contact: <sip:far@far.invalid;transport=ws>;"),
        ("Contact", "Contact: <sip:far@far.invalid;transport=ws;;>"),
        ("Contact", "Contact: <sip:far@far.invalid;info=\"x\">"),
        ("Contact", "Contact: <sip:far@far.invalid"),
        ("Contact", "Contact: *"),
        ("Contact", "X-Contact: none"),
        ("Via", "Via: SIP/2.0/WS ;;branch=z9hG4bKx"),
        ("Via", "Via: SIP/2.0/WS a;branch=z9hG4bKx, SIP/2.0/WS"),
        ("Max-Forwards", "Max-Forwards: many"),
        ("Max-Forwards", "Max-Forwards: 70\r\nMax-Forwards: 69"),
        ("Max-Forwards", "Expires: x\r\nExpires: y"),
    ] {
        let mut rig = Rig::new();
        rig.echoes = true;
        let mut peer = Peer::caller(1);
        let invite = with_line(&peer.request("INVITE", "", SDP), name, lines);
        rig.receive(&invite);
        let ringing = rig.answer(180);
        let asked = Message::parse(invite.as_bytes(), graceline::sip::Framing::Frame).unwrap();
        assert_eq!(ringing.header(Name::From), asked.header(Name::From));
        let vias = |message: &Message| message.lines(Name::Via).map(str::to_owned).collect();
        let (copied, sent): (Vec<String>, Vec<String>) = (vias(&ringing), vias(&asked));
        assert_eq!(copied, sent, "{lines}");
        // In its dialog the far end is understood, and we can hang up.
        let call = rig.heard().iter().find_map(|event| match event {
            Event::Incoming { call, .. } => Some(*call),
            _ => None,
        });
        let call = call.expect("the app hears of it");
        rig.operate(|calls, now, op| calls.answer(now, op, call, Vec::new()));
        rig.settle();
        peer.learn(&rig.answer(200));
        let ack = peer.numbered("ACK", peer.cseq, "", "");
        let own = |text: String| match name {
            "From" => with_line(&text, name, lines),
            _ => text,
        };
        rig.receive(&own(ack));
        rig.receive(&own(peer.request("OPTIONS", "", "")));
        rig.answer(200);
        rig.hangup(call);
        let bye = rig.request("BYE");
        assert_eq!(bye.to_tag(), ringing.from_tag(), "{lines}");
    }
}

#[test]
fn a_request_must_say_what_it_belongs_to() {
    for (name, lines, reason) in [
        ("From", "From: \"Ada <sip:2002@example.com>;tag=c", "From"),
        ("From", "From: Bell, Ada <sip:2002@example.com>", "From"),
        ("From", "From: Ada;tag=c", "From"),
        (
            "From",
            "From: <sip:a@b>;tag=c\r\nf: <sip:a@b>;tag=d",
            "Repeated From",
        ),
        ("To", "To: \"Ada <sip:2001@example.com>;tag=c", "To"),
        ("To", "To: <sip:a@b>\r\nTo: <sip:a@b>;tag=d", "Repeated To"),
        ("Call-ID", "X-Call-ID: none", "Call-ID"),
        ("Call-ID", "Call-ID: a\r\ni: b", "Repeated Call-ID"),
        ("CSeq", "CSeq: INVITE", "CSeq"),
        ("CSeq", "CSeq: 1 BYE", "CSeq Method Mismatch"),
        ("Content-Length", "Content-Length: 99999", "Content-Length"),
        ("Content-Length", "Content-Length: -1", "Content-Length"),
    ] {
        let mut rig = Rig::new();
        rig.echoes = true;
        let invite = Peer::caller(1).request("INVITE", "", SDP);
        rig.receive(&with_line(&invite, name, lines));
        let refused = rig.answer(400);
        assert!(refused.reason().contains(reason), "{}", refused.reason());
        assert!(rig.heard().is_empty());
    }
}
