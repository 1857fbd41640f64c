//! The targets of the fuzzer with inputs that a fixed seed makes, and with the
//! inputs that the fuzzer once found.

use crate::corpus;
use crate::targets::{TARGETS, Target, control, csta, gateway, phone};
use graceline::phone::Status;
use graceline::rand::Random;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn target(name: &str) -> &'static Target {
    let target = TARGETS.iter().find(|target| target.name == name);
    target.unwrap_or_else(|| panic!("{name} is no target"))
}

/// Runs the target with its first inputs as they are, and with `count` changed ones.
fn fuzz(name: &str, count: usize) {
    let target = target(name);
    let torture = [corpus::rfc4475(), corpus::rfc5118()].concat();
    let inputs = target.inputs(torture.iter().map(|message| &*message.bytes));
    for input in &inputs {
        check(target, input);
    }
    let mut random = Random::from_seed([7; 32]);
    for _ in 0..count {
        check(target, &changed(&inputs, &mut random));
    }
}

fn check(target: &Target, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        panic!("{} fails with \"{}\"", target.name, input.escape_ascii());
    }
}

/// One of the inputs with one to eight changes.
fn changed(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    const NASTY: &[u8] = b"\0\r\n \t\"\\<>;,:=@%?*{}[]-09azAZ\x1e\x7f\x80\xc3\xff";
    let mut below = |bound: usize| random.below(bound as u64) as usize;
    let mut input = inputs[below(inputs.len())].clone();
    for _ in 0..=below(8) {
        let at = below(input.len() + 1);
        let end = (at + below(20)).min(input.len());
        match below(6) {
            0 => drop(input.splice(at..end, [])),
            1 => drop(input.splice(at..at, [NASTY[below(NASTY.len())]])),
            2 => drop(input.splice(at..end, [NASTY[below(NASTY.len())]])),
            3 => {
                let piece = input[at..end].repeat(1 + below(40));
                drop(input.splice(at..end, piece));
            }
            4 => {
                let piece = input[at..end].to_vec();
                let to = below(input.len() + 1);
                drop(input.splice(to..to, piece));
            }
            // The end of another one.
            _ => {
                let other = &inputs[below(inputs.len())];
                input.truncate(at);
                input.extend(&other[below(other.len() + 1)..]);
            }
        }
    }
    input
}

#[test]
fn parse() {
    fuzz("parse", 4000);
}

#[test]
fn round_trip() {
    fuzz("round_trip", 4000);
}

#[test]
fn challenge() {
    fuzz("challenge", 1000);
}

#[test]
fn reginfo() {
    fuzz("reginfo", 4000);
}

#[test]
fn dialog_info() {
    fuzz("dialog_info", 4000);
}

#[test]
fn phone() {
    fuzz("phone", 1500);
}

#[test]
fn registrar() {
    fuzz("registrar", 1000);
}

#[test]
fn csta() {
    fuzz("csta", 4000);
}

#[test]
fn control() {
    fuzz("control", 3000);
}

#[test]
fn gateway() {
    fuzz("gateway", 1500);
}

/// Inputs as long as a head may be, of the pieces that headers are made of. What
/// read them in quadratic time would take minutes here.
#[test]
fn large_inputs_are_read_at_once() {
    let pieces = [
        ",",
        ";",
        ";a",
        ";a=b",
        "a=b, ",
        "<sip:a@b>, ",
        "\"",
        "\\\"",
        "<",
        "%41",
        "&a=b",
        "\r\n a",
    ];
    let headers = [
        "Contact: <sip:a@b",
        "Via: SIP/2.0/WS a",
        "Authorization: Digest a=b",
        "Require: a",
    ];
    for header in headers {
        for piece in pieces {
            let request = format!(
                "REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/WS x\r\nFrom: <sip:1@b>;tag=1\r\n\
                 To: <sip:1@b>\r\nCall-ID: a\r\nCSeq: 1 REGISTER\r\nAuthorization: Bearer 1\r\n\
                 {header}{}\r\n\r\n",
                piece.repeat(60_000 / piece.len()),
            );
            let answer = request.replace("REGISTER sip:b SIP/2.0", "401 Unauthorized");
            let answer = answer.replace("\r\nAuthorization", "\r\nWWW-Authenticate");
            check(target("parse"), request.as_bytes());
            check(target("registrar"), request.as_bytes());
            check(target("phone"), format!("r\x1eo\x1e{answer}").as_bytes());
        }
    }
}

/// The scripts must get as far as they say, or nothing behind that is tried.
#[test]
fn the_scripts_of_the_phone_log_in_and_call() {
    let (registered, _) = phone::play(phone::LOG_IN.as_bytes());
    assert_eq!(registered.status(), Status::Ready);
    for script in phone::SEEDS.iter().filter(|script| script.starts_with('q')) {
        let (_, connected) = phone::play(script.as_bytes());
        assert!(connected > 0, "{}", script.escape_default());
    }
}

#[test]
fn the_scripts_of_desk_phones_get_as_far() {
    let script = control::SEEDS[0].as_bytes();
    assert_eq!(control::play(script), (true, 1));
    let counted = gateway::play(gateway::SEEDS[0].as_bytes());
    assert_eq!((counted.opened, counted.requests), (1, 1));
    assert!(counted.events > 0, "{counted:?}");
}

// What the fuzzer found.

#[test]
fn no_address_is_tried_again_while_an_un_register_is_awaited() {
    // The login times out, the second address is given up in the same moment, and
    // its pause ends before the un-REGISTER is answered.
    let input = "r\x1eo\x1e200 OK\r\nContact: <sip:other@b.invalid>;expires=60\x1e200 OK\x1ef\x1e\
                 200 OK\x1et90000\x1ew\x1ew";
    phone::run(input.as_bytes());
}

#[test]
fn a_realm_that_cannot_be_sent_back_is_not_answered() {
    let input = "r\x1eo\x1e401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"\0\", nonce=\"n\"";
    phone::run(input.as_bytes());
    let stored = "m graceline 1\nnonce\twww\t\0r\tn\t\tSHA-256;auth\t7\x1er\x1eo";
    phone::run(stored.as_bytes());
}

#[test]
fn a_contact_that_is_no_address_is_not_sent_to() {
    for contact in [
        "sip:far@^ar.invalid",
        "sip:far@far.invalid?Route=%3Csip:x%3E",
        "far",
    ] {
        let input = format!("q\x1eyc2002\x1e200 OK\r\nContact: <{contact}>\r\n\r\n{{SDP}}\x1eye");
        phone::run(input.as_bytes());
    }
}

#[test]
fn what_a_document_cannot_say_again_is_not_read() {
    let failure =
        |inside: &str| csta::run(format!("<CSTAErrorCode>{inside}</CSTAErrorCode>").as_bytes());
    // Ends of lines, and other characters that are not written as they are.
    failure("<operation>a\r\nb\rc</operation>");
    failure("<operation>a&#13;b&#13;</operation>");
    failure("<operation><![CDATA[a\r\nb]]>\x01 c</operation>");
    // Names that are none without their prefixes.
    failure("<a:b:c>d</a:b:c>");
    failure("<a:>b</a:>");
    failure("<a:1>b</a:1>");
}
