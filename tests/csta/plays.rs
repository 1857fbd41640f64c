//! Whole calls, in each order in which answers and events may come.

use crate::notation::{LINE, whole};
use crate::rig::{Order, Rig};
use graceline::csta::Code;
use graceline::csta::client::Verb;

const ORDERS: [Order; 3] = [Order::AnswerFirst, Order::EventsFirst, Order::Separately];

fn connected(order: Order) -> Rig {
    let mut rig = Rig::connected();
    rig.order = order;
    rig
}

fn make(to: &str) -> Verb {
    Verb::Make { to: to.to_owned() }
}

/// The lines of a story that are about calls, without repetition of settling.
fn of_calls(rig: &mut Rig) -> Vec<String> {
    let mut story = rig.take_story();
    story.retain(|line| !line.starts_with("op "));
    story
}

#[test]
fn a_call_is_made_held_retrieved_and_cleared() {
    for order in ORDERS {
        let mut rig = connected(order);
        assert_eq!(rig.does(make("(51) 77")), Ok(()));
        let id = rig.switch.calls[0].id.clone();
        rig.switch.far_answers(&id);
        rig.run();
        assert_eq!(
            rig.does(Verb::Digits {
                call: 1,
                digits: "12#".to_owned()
            }),
            Ok(())
        );
        assert_eq!(rig.does(Verb::Hold(1)), Ok(()));
        assert_eq!(rig.does(Verb::Retrieve(1)), Ok(()));
        rig.check_calls();
        assert_eq!(rig.does(Verb::Clear(1)), Ok(()));
        assert_eq!(
            of_calls(&mut rig),
            [
                "1 calling tel:5177",
                "1 ringing tel:5177",
                "1 connected tel:5177",
                "1 held tel:5177",
                "1 connected tel:5177",
                "1 ended local hung up",
            ],
            "{order:?}"
        );
        rig.check_calls();
        assert_eq!(rig.client.poll_timeout(), None);
    }
}

#[test]
fn an_incoming_call_is_answered_and_its_caller_leaves() {
    for order in ORDERS {
        let mut rig = connected(order);
        let id = rig.switch.rings("tel:+3906555");
        rig.run();
        assert!(rig.calls[&1].incoming);
        assert_eq!(rig.calls[&1].op, None);
        assert_eq!(rig.does(Verb::Answer(1)), Ok(()));
        rig.switch.far_clears(&id, "normalClearing");
        rig.run();
        assert_eq!(
            of_calls(&mut rig),
            [
                "1 incoming tel:+3906555",
                "1 connected tel:+3906555",
                "1 ended remote normalClearing",
            ]
        );
    }
}

#[test]
fn a_consultation_ends_in_a_transfer() {
    for order in ORDERS {
        let mut rig = connected(order);
        rig.switch.rings("tel:+3906555");
        rig.run();
        rig.does(Verb::Answer(1)).expect("an answer");
        let to = "5177".to_owned();
        assert_eq!(rig.does(Verb::Consult { call: 1, to }), Ok(()));
        let id = rig.switch.calls[1].id.clone();
        rig.switch.far_answers(&id);
        rig.run();
        rig.check_calls();
        assert_eq!(rig.calls[&2].op, Some(2));
        assert!(rig.calls[&1].can.contains(&"TransferCall"));
        assert!(rig.calls[&2].can.contains(&"TransferCall"));
        assert_eq!(rig.does(Verb::Transfer(2, 1)), Ok(()));
        let story = of_calls(&mut rig);
        assert_eq!(
            story[story.len() - 2..],
            ["1 ended local transferred", "2 ended local transferred"],
            "{order:?} {story:?}"
        );
        rig.check_calls();
    }
}

#[test]
fn calls_alternate_and_the_first_is_gone_back_to() {
    for order in ORDERS {
        let mut rig = connected(order);
        rig.does(make("5111")).expect("a call");
        // The call that is there is put on hold for the other.
        rig.does(make("5122")).expect("another");
        rig.check_calls();
        assert_eq!(rig.does(Verb::Alternate(1, 2)), Ok(()));
        rig.check_calls();
        assert_eq!(rig.calls[&2].state.as_str(), "held");
        assert_eq!(rig.does(Verb::Reconnect(2, 1)), Ok(()));
        rig.check_calls();
        assert_eq!(rig.calls.keys().copied().collect::<Vec<_>>(), [2]);
    }
}

#[test]
fn a_conference_goes_on_as_the_first_call() {
    for order in ORDERS {
        for keep in [1, 2] {
            let mut rig = connected(order);
            rig.does(make("5111")).expect("a call");
            let to = "5122".to_owned();
            rig.does(Verb::Consult { call: 1, to }).expect("another");
            for at in [0, 1] {
                let id = rig.switch.calls[at].id.clone();
                rig.switch.far_answers(&id);
            }
            rig.run();
            rig.take_story();
            assert_eq!(rig.does(Verb::Conference(keep, 3 - keep)), Ok(()));
            rig.check_calls();
            let story = of_calls(&mut rig);
            let ended = format!("{} ended local joined the conference", 3 - keep);
            assert!(story.contains(&ended), "{story:?}");
            // It is under its new name that it is held.
            assert_eq!(rig.does(Verb::Hold(keep)), Ok(()));
            rig.check_calls();
            assert_eq!(rig.does(Verb::Clear(keep)), Ok(()));
            rig.check_calls();
        }
    }
}

#[test]
fn a_call_that_rings_goes_elsewhere() {
    for order in ORDERS {
        let mut rig = connected(order);
        rig.switch.rings("tel:5111");
        rig.run();
        let to = "5177".to_owned();
        assert_eq!(rig.does(Verb::Deflect { call: 1, to }), Ok(()));
        assert!(rig.story.contains(&"1 ended local deflected".to_owned()));
        rig.check_calls();
    }
}

#[test]
fn a_far_end_is_sent_elsewhere() {
    for order in ORDERS {
        let mut rig = connected(order);
        rig.does(make("5111")).expect("a call");
        let to = "5122".to_owned();
        assert_eq!(rig.does(Verb::SingleStepTransfer { call: 1, to }), Ok(()));
        assert!(rig.story.contains(&"1 ended local transferred".to_owned()));
        rig.check_calls();
    }
}

#[test]
fn a_busy_far_end_and_a_wrong_number() {
    for order in ORDERS {
        let mut rig = connected(order);
        assert_eq!(rig.does(make("486")), Ok(()));
        assert_eq!(
            of_calls(&mut rig),
            ["1 calling tel:486", "1 ended rejected busy"],
            "{order:?}"
        );
        let fault = rig.does(make("404")).expect_err("a wrong number");
        assert_eq!(fault.code.as_str(), "eInvalidArgument");
        // The fault is told before the end.
        assert_eq!(
            rig.take_story(),
            [
                "2 calling tel:404",
                "op 2 eInvalidArgument invalidCalledDeviceID",
                "2 ended failed invalidCalledDeviceID"
            ]
        );
    }
}

/// Everything that is done by hand at the phone is told.
#[test]
fn what_is_done_by_hand_is_told() {
    let mut rig = Rig::connected();
    let id = rig.switch.lifts_and_dials("tel:5111");
    rig.switch.far_answers(&id);
    rig.switch.hands_hold(&id);
    rig.run();
    assert_eq!(rig.calls[&1].op, None);
    let other = rig.switch.rings("tel:5122");
    rig.switch.hands_answer(&other);
    rig.switch.hands_clear(&other);
    rig.switch.hands_retrieve(&id);
    rig.run();
    rig.switch.far_clears(&id, "normalClearing");
    let missed = rig.switch.rings("tel:5133");
    rig.switch.far_clears(&missed, "normalClearing");
    rig.run();
    assert_eq!(
        rig.take_story(),
        [
            "1 calling unknown",
            "1 calling tel:5111",
            "1 ringing tel:5111",
            "1 connected tel:5111",
            "1 held tel:5111",
            "2 incoming tel:5122",
            "2 connected tel:5122",
            "2 ended local normalClearing",
            "1 connected tel:5111",
            "1 ended remote normalClearing",
            "3 incoming tel:5133",
            "3 ended cancelled normalClearing",
        ]
    );
}

/// The far end changes, and the switch's name for the call.
#[test]
fn a_transfer_by_the_far_end_is_followed() {
    let mut rig = Rig::connected();
    let id = rig.switch.rings("tel:5111");
    rig.switch.hands_answer(&id);
    rig.switch.far_transfers(&id, "tel:5199");
    rig.run();
    assert_eq!(rig.story.last().expect("a line"), "1 connected tel:5199");
    assert_eq!(rig.does(Verb::Hold(1)), Ok(()));
    rig.check_calls();
}

/// As gateways of ours add it.
#[test]
fn a_call_has_a_name_and_does_what_is_permitted() {
    let mut rig = Rig::connected();
    let cross_ref = rig.switch.cross_ref.clone();
    let event = |root: &str, far: &str, private: &str| {
        whole(&format!(
            "<{root}><monitorCrossRefID>{cross_ref}</monitorCrossRefID>\
             <establishedConnection><callID>k7</callID><deviceID>{LINE}</deviceID>\
             </establishedConnection><callingDevice><deviceIdentifier>{far}</deviceIdentifier>\
             </callingDevice><localConnectionInfo>connected</localConnectionInfo>\
             <extensions><privateData><private>{private}</private></privateData></extensions>\
             </{root}>"
        ))
    };
    let named = "<displayName>Ann</displayName><services>SnapshotCall</services>";
    rig.tell(&event("EstablishedEvent", "tel:5177", named));
    rig.run();
    let call = rig.calls[&1].clone();
    assert_eq!(call.name, "Ann");
    assert_eq!(call.can, [""; 0]);
    for verb in [Verb::Hold(1), Verb::Clear(1)] {
        let fault = rig.does(verb).expect_err("not permitted");
        assert_eq!(fault.code, Code::NotSupported);
    }
    // The name was that of who is not there any more.
    rig.tell(&event("EstablishedEvent", "tel:5178", ""));
    rig.run();
    let call = rig.calls[&1].clone();
    assert_eq!(call.name, "");
    assert!(call.can.contains(&"HoldCall"), "{:?}", call.can);
}
