//! Requests of others to a phone: what counts depends on where and when they come.

use crate::rig::{Act, Asked, Heard, Rig, answer};
use graceline::phone::Status;
use graceline_kit::message::Head;

fn request(method: &str, number: u32, headers: &str, body: &str) -> String {
    let head = Head {
        method,
        uri: "sip:2001@phone.invalid",
        via: ("far.invalid", &format!("{method}{number}")),
        from: "<sip:2002@example.com>;tag=far",
        to: "<sip:2001@example.com>",
        call_id: &format!("far{number}"),
        cseq: number,
    };
    let contact = "Contact: <sip:far@far.invalid;transport=ws>\r\n";
    head.write(&format!("{contact}{headers}"), body)
}

/// Cisco's word that the device was logged in elsewhere.
fn reset(call_id: &str) -> String {
    let headers = "Event: service-control\r\nSubscription-State: active\r\n";
    let body = format!("action=reset\r\nRegisterCallId={{{call_id}}}\r\n");
    request("NOTIFY", 7, headers, &body)
}

fn willing(asked: &Asked) -> Vec<Act> {
    match asked.message.method() {
        "REGISTER" if asked.number == 1 => answer("200 OK"),
        "REGISTER" => answer("200 OK\nContact: <{own}>;expires=600"),
        "SUBSCRIBE" => answer("489 Bad Event"),
        _ => answer("200 OK"),
    }
}

fn two_addresses() -> Rig {
    let mut rig = Rig::with(
        |config| config.connections = vec!["ws://127.0.0.1/".into(), "ws://127.0.0.2/".into()],
        |heard| match heard {
            Heard::Request(asked) => willing(asked),
            Heard::Opened => Vec::new(),
        },
    );
    assert_eq!(rig.login(false), None);
    // It looks once more, soon, and then once a minute.
    rig.seconds(20);
    rig
}

#[test]
fn a_phone_that_is_not_registered_takes_no_call() {
    let mut rig = Rig::answering(|_| vec![Act::Send(1_000_000, String::new())]);
    rig.register(false);
    rig.wait(100);
    assert_eq!(rig.status(), Status::Registering);
    rig.receive_by(rig.socket, &request("INVITE", 1, "", ""));
    assert_eq!(rig.answers(), [480]);
}

#[test]
fn a_reset_counts_from_the_registrar_alone() {
    let mut rig = two_addresses();
    let register = rig.registers();
    let call_id = register.last().expect("one").message.call_id().to_owned();
    let home = register.last().expect("one").socket;
    let other = rig.opens.iter().find(|(_, slot)| *slot != home.0);
    let other = (other.expect("two").1, 1);
    let known = rig.registers().len();

    rig.receive_by(home, &reset("0123456789abcdef"));
    assert_eq!(rig.answers(), [400], "a Call-ID that is not ours");
    rig.receive_by(other, &reset(&call_id));
    assert_eq!(rig.answers(), [481], "by another flow");
    rig.seconds(5);
    assert_eq!(rig.registers().len(), known, "{}", rig.told());

    rig.receive_by(home, &reset(&call_id));
    assert_eq!(rig.answers(), [200]);
    rig.seconds(5);
    assert!(rig.registers().len() > known, "it looks");
}

#[test]
fn a_malformed_ack_is_answered_by_nothing() {
    let mut rig = two_addresses();
    let malformed = |method| request(method, 9, "", "").replace("CSeq: 9 ", "CSeq: x ");
    let home = rig.registers().last().expect("one").socket;
    rig.echoes = true;
    rig.receive_by(home, &malformed("ACK"));
    assert_eq!(rig.answers(), [0; 0]);
    rig.receive_by(home, &malformed("OPTIONS"));
    assert_eq!(rig.answers(), [400]);
}
