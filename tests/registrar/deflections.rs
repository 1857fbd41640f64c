//! Calls that a device of who is called sends elsewhere while it rings (RFC 3261 §21.3.3),
//! beside what `tests/rules/calls.txt` has of them.

use crate::call_rules::{Play, caller_heard, came, one_number, said};
use graceline::registrar::{Config, Dialect, Policy};
use graceline::sip::{Framing, Message, Name};

const MAILBOX: &str = "sip:voicemail@example.com";

#[test]
fn the_server_tells_by_whom_and_why() {
    let mut play = Play::new("");
    play.step(&["RULES", "2002", "busy=\"2003\""]);
    play.step(&["CALL", "2002"]);
    play.hear();
    play.step(&["2002", "486"]);
    play.hear();
    let invite = play.ringing.remove("2003").unwrap();
    let lies = "Diversion: <sip:2008@example.com>;reason=unknown\r\n";
    let contacts = format!("{lies}Contact: <{MAILBOX}>;q=0.5, <sip:2004@example.com>\r\n");
    let phone = play.phones["2003"].connection;
    play.world.reply(phone, &invite, "302 So", &contacts);
    play.hear();
    assert_eq!(
        said(&play, "voicemail", "Diversion"),
        "<sip:2003@example.com>;reason=deflection, <sip:2002@example.com>;reason=user-busy"
    );
    assert_eq!(
        said(&play, "voicemail", "History-Info"),
        "<sip:2002@example.com?Reason=SIP%3Bcause%3D486>;index=1, \
         <sip:2003@example.com;cause=486?Reason=SIP%3Bcause%3D487>;index=1.1;mp=1, \
         <sip:voicemail@example.com;cause=487>;index=1.1.1;mp=1.1"
    );
}

#[test]
fn the_other_devices_ring_no_more_and_have_missed_nothing() {
    let (mut play, mut caller) = one_number();
    play.ask("rings_set ids=[\"w\",\"d\"]");
    let invite = caller.request("INVITE", "sip:2001@example.com", "");
    play.world.send(caller.connection, invite);
    let [page, desk] = ["w", "d"].map(|id| play.clients[id].connection);
    assert_eq!(came(&mut play, "d"), "INVITE");
    let copy = play.world.next(page);
    play.world.reply(page, &copy, "180 Ringing", "");
    let contact = "Contact: <sip:2002@example.com>\r\n";
    play.world
        .reply(page, &copy, "302 Moved Temporarily", contact);
    let cancel = Message::parse(&play.world.raw(desk).unwrap(), Framing::Frame).unwrap();
    assert_eq!(cancel.method(), "CANCEL");
    assert_eq!(
        cancel.header(Name::Reason),
        Some("SIP;cause=200;text=\"Deflected at another device\"")
    );
    assert_eq!(came(&mut play, "w"), "ACK");
    assert_eq!(came(&mut play, "d"), "");
    assert_eq!(caller_heard(&mut play, &caller), "100 180 181 INVITE");
}

#[test]
fn where_devices_go_their_own_ways_the_caller_is_told() {
    let changes: [fn(&mut Config); 2] = [
        |config| config.users.get_mut("2002").unwrap().unique = None,
        |config| (config.policy, config.dialect) = (Policy::Normal, Some(Dialect::Kamailio)),
    ];
    for change in changes {
        let mut play = Play::configured("", change);
        play.step(&["CALL", "2002"]);
        play.hear();
        play.step(&["2002", "302", MAILBOX]);
        play.hear();
        assert_eq!(play.take(), ("302".into(), "2002".into()));
    }
}

#[test]
fn who_rings_no_more_sends_nothing_elsewhere() {
    // The call has gone on by a rule, another device has it, or the caller has given up.
    let mut play = Play::new("");
    play.step(&["RULES", "2002", "noAnswer={\"to\":\"2003\",\"seconds\":5}"]);
    play.step(&["CALL", "2002"]);
    play.hear();
    let invite = play.ringing.remove("2002").unwrap();
    play.world.pass(5);
    let phone = play.phones["2002"].connection;
    let late = |play: &mut Play, invite: &Message| {
        let contact = format!("Contact: <{MAILBOX}>\r\n");
        play.world.reply(phone, invite, "302 So", &contact);
        play.hear();
    };
    late(&mut play, &invite);
    assert_eq!(play.take(), ("181".into(), "2002 2003".into()));
    play.step(&["CANCEL"]);
    play.hear();
    assert_eq!(play.take(), ("487".into(), "-2003".into()));

    let mut play = Play::new("");
    play.step(&["CALL", "2002"]);
    play.hear();
    let invite = play.ringing.remove("2002").unwrap();
    play.step(&["CANCEL"]);
    late(&mut play, &invite);
    assert_eq!(play.take(), ("302".into(), "2002".into()));
    assert!(play.ringing.is_empty());
}

#[test]
fn a_device_that_is_called_as_such_answers_for_itself() {
    let mut play = Play::new("");
    play.call("sip:2002@2002.invalid", "");
    play.hear();
    play.step(&["2002", "302", MAILBOX]);
    play.hear();
    assert_eq!(play.take(), ("302".into(), "2002".into()));
}
