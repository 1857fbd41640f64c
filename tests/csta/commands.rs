//! Each command by the bytes that it sends, and what may be said against it.

use crate::notation::{LINE, whole};
use crate::rig::Rig;
use crate::switch::{OWN, failure};
use graceline::csta::client::{Forwarding, Verb};
use graceline::csta::{Features, ForwardingType};

/// A connected call, and one on hold.
fn with_calls() -> Rig {
    with_calls_at(Rig::connected())
}

fn with_calls_at(mut rig: Rig) -> Rig {
    for far in ["tel:5111", "tel:5122"] {
        let id = rig.switch.rings(far);
        rig.switch.hands_answer(&id);
        if far == "tel:5111" {
            rig.switch.hands_hold(&id);
        }
        rig.run();
    }
    rig.switch.rings("tel:5133");
    rig.run();
    rig.sent.clear();
    rig.take_story();
    rig
}

/// A switch that lists what it does.
fn offering(features: Features) -> Rig {
    let mut rig = Rig::new();
    rig.switch.features = Some(features);
    rig.connect();
    rig
}

const HELD: u32 = 1;
const ACTIVE: u32 = 2;
const RINGING: u32 = 3;

fn named(call: u32) -> String {
    format!("<callID>k{call}|x</callID><deviceID>{OWN}</deviceID>")
}

fn commands() -> Vec<(Verb, String)> {
    let [held, active, ringing] = [HELD, ACTIVE, RINGING].map(named);
    let to = || "5177".to_owned();
    let one = |service: &str, field: &str, call: &str, rest: &str| {
        format!("<{service}><{field}>{call}</{field}>{rest}</{service}>")
    };
    let two = |service: &str| {
        format!(
            "<{service}><heldCall>{held}</heldCall><activeCall>{active}</activeCall></{service}>"
        )
    };
    vec![
        (
            Verb::Answer(RINGING),
            one("AnswerCall", "callToBeAnswered", &ringing, ""),
        ),
        (
            Verb::Clear(HELD),
            one("ClearConnection", "connectionToBeCleared", &held, ""),
        ),
        (
            Verb::Hold(ACTIVE),
            one("HoldCall", "callToBeHeld", &active, ""),
        ),
        (
            Verb::Retrieve(HELD),
            one("RetrieveCall", "callToBeRetrieved", &held, ""),
        ),
        (
            Verb::Consult {
                call: ACTIVE,
                to: to(),
            },
            one(
                "ConsultationCall",
                "existingCall",
                &active,
                "<consultedDevice>tel:5177</consultedDevice>",
            ),
        ),
        (Verb::Alternate(HELD, ACTIVE), two("AlternateCall")),
        (
            Verb::Reconnect(ACTIVE, HELD),
            format!(
                "<ReconnectCall><activeCall>{active}</activeCall><heldCall>{held}</heldCall></ReconnectCall>"
            ),
        ),
        (Verb::Transfer(ACTIVE, HELD), two("TransferCall")),
        (
            Verb::SingleStepTransfer {
                call: ACTIVE,
                to: "tel:+39 06".to_owned(),
            },
            one(
                "SingleStepTransferCall",
                "activeCall",
                &active,
                "<transferredTo>tel:+39 06</transferredTo>",
            ),
        ),
        (Verb::Conference(HELD, ACTIVE), two("ConferenceCall")),
        (
            Verb::Deflect {
                call: RINGING,
                to: "ana@example".to_owned(),
            },
            one(
                "DeflectCall",
                "callToBeDiverted",
                &ringing,
                "<newDestination>sip:ana@example</newDestination>",
            ),
        ),
        (
            Verb::Digits {
                call: ACTIVE,
                digits: "1*#".to_owned(),
            },
            one(
                "GenerateDigits",
                "connectionToSendDigits",
                &active,
                "<digitMode>dTMF</digitMode><charactersToSend>1*#</charactersToSend>",
            ),
        ),
        (
            Verb::Forward(Forwarding {
                kind: ForwardingType::NoAnswer,
                active: true,
                to: Some("(52) 00".to_owned()),
                seconds: Some(20),
            }),
            format!(
                "<SetForwarding><device>{LINE}</device><forwardingType>forwardNoAns</forwardingType><activateForward>true</activateForward><forwardDN>tel:5200</forwardDN><ringDuration>20</ringDuration></SetForwarding>"
            ),
        ),
        (
            Verb::DoNotDisturb(true),
            format!(
                "<SetDoNotDisturb><device>{LINE}</device><doNotDisturbOn>true</doNotDisturbOn></SetDoNotDisturb>"
            ),
        ),
        (
            Verb::MessageWaiting,
            format!(
                "<GetMessageWaitingIndicator><device>{LINE}</device></GetMessageWaitingIndicator>"
            ),
        ),
        (
            Verb::Make {
                to: "06/12.34-5".to_owned(),
            },
            one("HoldCall", "callToBeHeld", &active, ""),
        ),
    ]
}

#[test]
fn every_command_sends_its_request_and_settles() {
    for (verb, request) in commands() {
        let mut rig = with_calls();
        assert_eq!(rig.does(verb.clone()), Ok(()), "{verb:?}");
        assert_eq!(rig.sent[0], whole(&request));
        rig.check_calls();
    }
    // A call is made once there is room for it.
    let mut rig = with_calls();
    rig.does(Verb::Make {
        to: "06/12.34-5".to_owned(),
    })
    .expect("a call");
    let make = format!(
        "<MakeCall><callingDevice>{LINE}</callingDevice><calledDirectoryNumber>tel:0612345\
         </calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate></MakeCall>"
    );
    assert_eq!(rig.sent[1], whole(&make));
}

#[test]
fn a_call_beside_a_connected_one_is_a_consultation_where_the_gateway_says_so() {
    let make = || Verb::Make { to: "5177".into() };
    let all = Features::all();
    let names = || all.names().filter(|name| *name != "ConsultationCall");
    for (features, expected) in [
        (Features::all(), &["ConsultationCall"][..]),
        (Features::new(names()), &["HoldCall", "MakeCall"][..]),
    ] {
        let mut rig = with_calls_at(offering(features));
        assert_eq!(rig.does(make()), Ok(()));
        for (sent, expected) in rig.sent.iter().zip(expected) {
            assert!(sent.contains(&format!("<{expected} ")), "{sent}");
        }
        assert_eq!(rig.sent.len(), expected.len());
        rig.check_calls();
    }
    // Refused, the call that there is goes on.
    let mut rig = with_calls_at(offering(Features::all()));
    let op = rig.ask(make());
    let number = rig.drain()[0].0;
    rig.answer(
        number,
        200,
        &failure("stateIncompatibility", "invalidObjectState"),
    );
    rig.run();
    let fault = rig.settled[&op].clone().expect_err("refused");
    assert_eq!(fault.code.as_str(), "eInvalidState");
    rig.check_calls();
}

/// What every value of the sheet does to a command: it settles with the value's
/// code, and the calls are as they were.
#[test]
fn every_command_may_be_refused() {
    for (verb, _) in commands() {
        for (status, body, code) in [
            (
                200,
                failure("stateIncompatibility", "invalidObjectState"),
                "eInvalidState",
            ),
            (
                200,
                failure("operation", "parameterNotSupported"),
                "eNotSupported",
            ),
            (200, failure("vendor", "odd"), "eServerRejected"),
            (
                200,
                failure("systemResourceAvailability", "resourceOutOfService"),
                "eOutOfService",
            ),
            (200, whole("<MonitorStopResponse/>"), "eServerRejected"),
            (200, "<broken".to_owned(), "eServerRejected"),
            (503, String::new(), "eOutOfService"),
        ] {
            let mut rig = with_calls();
            let op = rig.ask(verb.clone());
            let number = rig.drain()[0].0;
            rig.answer(number, status, &body);
            // Answers to nothing.
            rig.answer(number, 200, &body);
            rig.answer(number + 7, 481, "");
            rig.tell(&body);
            rig.run();
            let fault = rig.settled[&op].clone().expect_err("refused");
            assert_eq!(fault.code.as_str(), code, "{verb:?}");
            rig.check_calls();
            assert_eq!(rig.client.poll_timeout(), None);
        }
    }
}

#[test]
fn a_service_that_is_not_supported_after_all_is_hidden() {
    let mut rig = with_calls();
    assert!(rig.calls[&ACTIVE].can.contains(&"HoldCall"));
    rig.ask(Verb::Hold(ACTIVE));
    let number = rig.drain()[0].0;
    rig.answer(number, 200, &failure("operation", "serviceNotSupported"));
    rig.run();
    assert!(!rig.desk.features.offers("HoldCall"));
    assert!(!rig.calls[&ACTIVE].can.contains(&"HoldCall"));
    let fault = rig.does(Verb::Hold(ACTIVE)).expect_err("hidden");
    assert_eq!(fault.code.as_str(), "eNotSupported");
    assert!(rig.sent.len() == 1);
}

#[test]
fn the_needs_of_services_are_checked_here() {
    let wrong = |verb: Verb, code: &str| {
        let mut rig = with_calls();
        let fault = rig.does(verb.clone()).expect_err("not now");
        assert_eq!(fault.code.as_str(), code, "{verb:?}");
        assert!(rig.sent.is_empty(), "{verb:?}");
        rig.check_calls();
    };
    let to = || "5177".to_owned();
    for verb in [
        Verb::Answer(ACTIVE),
        Verb::Answer(HELD),
        Verb::Hold(HELD),
        Verb::Hold(RINGING),
        Verb::Retrieve(ACTIVE),
        Verb::Consult {
            call: HELD,
            to: to(),
        },
        Verb::SingleStepTransfer {
            call: HELD,
            to: to(),
        },
        Verb::Digits {
            call: HELD,
            digits: "1".to_owned(),
        },
        Verb::Deflect {
            call: ACTIVE,
            to: to(),
        },
        Verb::Transfer(ACTIVE, RINGING),
        Verb::Conference(ACTIVE, ACTIVE),
        Verb::Alternate(HELD, RINGING),
        Verb::Reconnect(HELD, 9),
        Verb::Clear(9),
        Verb::Hold(9),
    ] {
        wrong(verb, "eInvalidState");
    }
    for verb in [
        Verb::Make { to: " ".to_owned() },
        Verb::Make {
            to: "()".to_owned(),
        },
        Verb::Consult {
            call: ACTIVE,
            to: String::new(),
        },
        Verb::Digits {
            call: ACTIVE,
            digits: String::new(),
        },
    ] {
        wrong(verb, "eInvalidArgument");
    }
}

#[test]
fn what_can_be_done_is_told_with_each_call() {
    let mut rig = with_calls();
    let can = |rig: &Rig, call: u32| rig.calls[&call].can.clone();
    let pair = [
        "AlternateCall",
        "ReconnectCall",
        "TransferCall",
        "ConferenceCall",
    ];
    assert_eq!(
        can(&rig, RINGING),
        ["AnswerCall", "DeflectCall", "ClearConnection"]
    );
    assert_eq!(
        can(&rig, HELD),
        [&["ClearConnection", "RetrieveCall"], &pair[..]].concat()
    );
    assert_eq!(
        can(&rig, ACTIVE),
        [
            &[
                "ClearConnection",
                "HoldCall",
                "ConsultationCall",
                "SingleStepTransferCall",
                "GenerateDigits"
            ],
            &pair[..]
        ]
        .concat()
    );
    // The other call's end is told with this one.
    rig.does(Verb::Clear(HELD)).expect("an end");
    assert!(!can(&rig, ACTIVE).contains(&"TransferCall"));

    let mut rig = Rig::new();
    rig.switch.features = Some(Features::new(["ClearConnection", "SnapshotDevice"]));
    rig.switch.rings("tel:5111");
    rig.connect();
    assert_eq!(can(&rig, 1), ["ClearConnection"]);
}

#[test]
fn a_call_that_is_gone_already_is_cleared() {
    for value in [
        "noConnectionToClear",
        "invalidConnectionID",
        "invalidCallID",
    ] {
        let mut rig = with_calls();
        let op = rig.ask(Verb::Clear(HELD));
        let number = rig.drain()[0].0;
        rig.answer(number, 200, &failure("stateIncompatibility", value));
        rig.drain();
        assert_eq!(rig.settled[&op], Ok(()));
        assert!(!rig.calls.contains_key(&HELD));
    }
    // What is set already is set.
    let mut rig = with_calls();
    let op = rig.ask(Verb::DoNotDisturb(true));
    let number = rig.drain()[0].0;
    rig.answer(number, 200, &failure("operation", "featureAlreadySet"));
    rig.drain();
    assert_eq!(rig.settled[&op], Ok(()));
    assert_eq!(rig.desk.do_not_disturb, Some(true));
}

#[test]
fn a_hold_that_is_refused_ends_the_new_call_alone() {
    let mut rig = with_calls();
    let op = rig.ask(Verb::Make {
        to: "5177".to_owned(),
    });
    let number = rig.drain()[0].0;
    rig.answer(
        number,
        200,
        &failure("stateIncompatibility", "invalidConnectionState"),
    );
    rig.run();
    assert_eq!(
        rig.take_story(),
        [
            "4 calling tel:5177".to_owned(),
            format!("op {op} eInvalidState invalidConnectionState"),
            "4 ended failed invalidConnectionState".to_owned(),
        ]
    );
    rig.check_calls();
}

/// Hung up before the switch has a name for the call.
#[test]
fn a_call_is_given_up_while_it_is_made() {
    let mut rig = Rig::connected();
    let make = rig.ask(Verb::Make {
        to: "5177".to_owned(),
    });
    let clear = rig.ask(Verb::Clear(1));
    let again = rig.ask(Verb::Clear(1));
    let hold = rig.ask(Verb::Hold(1));
    let sent = rig.drain();
    assert_eq!(sent.len(), 1);
    for op in [again, hold] {
        let fault = rig.settled[&op].clone().expect_err("not now");
        assert_eq!(fault.code.as_str(), "eInvalidState");
    }
    let body = rig.switch.answers(&sent[0].1);
    rig.answer(sent[0].0, 200, &body);
    rig.run();
    assert_eq!(
        (&rig.settled[&make], &rig.settled[&clear]),
        (&Ok(()), &Ok(()))
    );
    assert_eq!(rig.story.last().expect("a line"), "1 ended local hung up");
    rig.check_calls();

    // Before there is room for it: it is not made.
    let mut rig = with_calls();
    let make = rig.ask(Verb::Make {
        to: "5177".to_owned(),
    });
    let clear = rig.ask(Verb::Clear(4));
    rig.run();
    assert_eq!(rig.settled[&clear], Ok(()));
    assert!(rig.settled[&make].is_err());
    assert!(
        rig.sent
            .iter()
            .all(|document| !document.contains("<MakeCall"))
    );
    rig.check_calls();

    // It is refused: there is nothing to clear.
    let mut rig = Rig::connected();
    let make = rig.ask(Verb::Make {
        to: "404".to_owned(),
    });
    let clear = rig.ask(Verb::Clear(1));
    rig.run();
    assert!(rig.settled[&make].is_err());
    assert_eq!(rig.settled[&clear], Ok(()));
    assert!(rig.calls.is_empty());
}

#[test]
fn requests_and_calls_are_bounded() {
    let mut rig = with_calls();
    let ops: Vec<_> = (0..100)
        .map(|_| rig.ask(Verb::DoNotDisturb(true)))
        .collect();
    let sent = rig.drain();
    assert_eq!(sent.len(), 64);
    assert_eq!(
        ops.iter().filter(|op| rig.settled.contains_key(op)).count(),
        36
    );
    for (number, _) in sent {
        rig.answer(number, 200, &whole("<SetDoNotDisturbResponse/>"));
    }
    rig.run();
    assert!(ops.iter().all(|op| rig.settled.contains_key(op)));

    let mut rig = Rig::connected();
    for number in 0..100 {
        rig.switch.rings(&format!("tel:{number}"));
    }
    rig.run();
    assert_eq!(rig.calls.len(), 64);
}
