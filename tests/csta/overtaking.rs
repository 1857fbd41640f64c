//! Events that come before the answer that caused them, or tell less than they
//! might.

use crate::notation::whole;
use crate::rig::Rig;
use graceline::csta::SystemStatus;
use graceline::csta::client::Verb;

/// A client that has asked for a call to 5177, with the answer in hand and the
/// events not delivered.
fn making(rig: &mut Rig) -> (u32, u32, String) {
    let op = rig.ask(Verb::Make {
        to: "5177".to_owned(),
    });
    let (number, document) = rig.drain().remove(0);
    let body = rig.switch.answers(&document);
    (op, number, body)
}

#[test]
fn events_of_a_call_that_is_made_wait_for_its_name() {
    let mut rig = Rig::connected();
    let (_, number, body) = making(&mut rig);
    rig.deliver_events();
    rig.drain();
    assert_eq!(rig.take_story(), ["1 calling tel:5177"]);
    rig.answer(number, 200, &body);
    rig.run();
    assert_eq!(rig.take_story(), ["op 1 ok", "1 ringing tel:5177"]);
    rig.check_calls();
}

/// Meanwhile somebody dials by hand: that is another call.
#[test]
fn a_call_made_by_hand_is_not_taken_for_ours() {
    let mut rig = Rig::connected();
    let op = rig.ask(Verb::Make {
        to: "5177".to_owned(),
    });
    let (number, document) = rig.drain().remove(0);
    rig.switch.lifts_and_dials("tel:5188");
    rig.deliver_events();
    let body = rig.switch.answers(&document);
    rig.deliver_events();
    rig.answer(number, 200, &body);
    rig.run();
    rig.check_calls();
    assert_eq!(rig.calls[&1].op, Some(op));
    assert_eq!(rig.calls[&2].op, None);
    assert_eq!(rig.calls[&2].remote.device(), Some("tel:5188"));
}

/// A snapshot lists the call that is being made before its name is known.
#[test]
fn a_snapshot_shows_no_call_twice_that_is_being_made() {
    let mut rig = Rig::connected();
    let (_, number, body) = making(&mut rig);
    rig.switch.events.clear();
    rig.tell(&crate::switch::system_is(SystemStatus::MessagesLost));
    rig.run();
    assert_eq!(rig.calls.len(), 1);
    rig.answer(number, 200, &body);
    rig.run();
    assert_eq!(
        rig.take_story(),
        ["1 calling tel:5177", "op 1 ok", "1 ringing tel:5177"]
    );
    rig.check_calls();
}

/// An incoming call waits for nothing.
#[test]
fn a_call_that_comes_meanwhile_is_told_at_once() {
    let mut rig = Rig::connected();
    rig.ask(Verb::Make {
        to: "5177".to_owned(),
    });
    rig.drain();
    rig.switch.rings("tel:5188");
    rig.deliver_events();
    rig.drain();
    assert_eq!(
        rig.take_story(),
        ["1 calling tel:5177", "2 incoming tel:5188"]
    );
}

/// It ends before its answer is here.
#[test]
fn a_call_may_be_over_before_it_is_named() {
    let mut rig = Rig::connected();
    let (op, number, body) = making(&mut rig);
    let id = rig.switch.calls[0].id.clone();
    rig.switch.far_clears(&id, "callRejected");
    rig.deliver_events();
    rig.answer(number, 200, &body);
    rig.run();
    assert_eq!(rig.settled[&op], Ok(()));
    assert_eq!(
        rig.story.last().expect("a line"),
        "1 ended rejected callRejected"
    );
    rig.check_calls();
}

/// Refused, though the phone dials: that is somebody's hand.
#[test]
fn events_of_a_call_that_is_refused_are_anothers() {
    let mut rig = Rig::connected();
    let op = rig.ask(Verb::Make {
        to: "404".to_owned(),
    });
    let (number, document) = rig.drain().remove(0);
    rig.switch.lifts_and_dials("tel:5188");
    rig.deliver_events();
    let body = rig.switch.answers(&document);
    rig.answer(number, 200, &body);
    rig.run();
    assert!(rig.settled[&op].is_err());
    rig.check_calls();
    assert_eq!(rig.calls[&2].op, None);
}

/// An empty answer, and no response ever: the events name the call.
#[test]
fn a_call_is_named_by_its_events_where_nothing_else_does() {
    let mut rig = Rig::connected();
    let (op, number, _) = making(&mut rig);
    rig.answer(number, 200, "");
    rig.deliver_events();
    rig.drain();
    assert!(!rig.settled.contains_key(&op));
    assert_eq!(rig.wait().as_secs(), 5);
    rig.run();
    assert_eq!(rig.settled[&op], Ok(()));
    rig.check_calls();
    assert_eq!(rig.does(Verb::Clear(1)), Ok(()));
    rig.check_calls();

    // No events either: nothing is known of a call.
    let mut rig = Rig::connected();
    let op = rig.ask(Verb::Make {
        to: "5177".to_owned(),
    });
    let (number, _) = rig.drain().remove(0);
    rig.answer(number, 200, "");
    rig.wait();
    rig.run();
    assert_eq!(rig.settled[&op], Ok(()));
    assert!(rig.calls.is_empty());
}

/// A failure in a message of its own is that of the oldest request which was
/// answered with nothing.
#[test]
fn a_failure_may_come_in_a_message_of_its_own() {
    let mut rig = Rig::connected();
    let op = rig.ask(Verb::DoNotDisturb(true));
    let (number, _) = rig.drain().remove(0);
    let refusal = crate::switch::failure("operation", "valueOutOfRange");
    rig.tell(&refusal);
    rig.drain();
    assert!(!rig.settled.contains_key(&op));
    rig.answer(number, 200, "");
    rig.tell(&refusal);
    rig.drain();
    let fault = rig.settled[&op].clone().expect_err("refused");
    assert_eq!(fault.code.as_str(), "eInvalidArgument");
    assert_eq!(rig.client.poll_timeout(), None);
}

fn event(root: &str, inner: &str) -> String {
    whole(&format!(
        "<{root}><monitorCrossRefID>m1</monitorCrossRefID>{inner}</{root}>"
    ))
}

fn device(name: &str, number: &str) -> String {
    format!("<{name}><deviceIdentifier>{number}</deviceIdentifier></{name}>")
}

/// Without localConnectionInfo the state follows from what happened to whom.
#[test]
fn states_follow_from_events_that_do_not_tell_them() {
    let mut rig = Rig::connected();
    let own = "<callID>a|1</callID><deviceID>tel:5101</deviceID>";
    let far = "<callID>a|1</callID><deviceID>tel:5111</deviceID>";
    let parties = device("callingDevice", "sip:5111@x") + &device("calledDevice", "5101");
    for (root, inner) in [
        (
            "DeliveredEvent",
            format!(
                "<connection>{own}</connection>{}{parties}",
                device("alertingDevice", "5101")
            ),
        ),
        (
            "EstablishedEvent",
            format!(
                "<establishedConnection>{own}</establishedConnection>{}{parties}",
                device("answeringDevice", "5101")
            ),
        ),
        // The far end holds us: that is no hold of ours.
        (
            "HeldEvent",
            format!(
                "<heldConnection>{far}</heldConnection>{}",
                device("holdingDevice", "tel:5111")
            ),
        ),
        (
            "RetrievedEvent",
            format!(
                "<retrievedConnection>{far}</retrievedConnection>{}",
                device("retrievingDevice", "tel:5111")
            ),
        ),
        (
            "HeldEvent",
            format!(
                "<heldConnection>{own}</heldConnection>{}",
                device("holdingDevice", "tel:5101")
            ),
        ),
        (
            "RetrievedEvent",
            format!("<retrievedConnection>{own}</retrievedConnection>"),
        ),
        // The far end has left; the call is over when ours is.
        (
            "ConnectionClearedEvent",
            format!(
                "<droppedConnection>{far}</droppedConnection>{}",
                device("releasingDevice", "tel:5111")
            ),
        ),
        (
            "ConnectionClearedEvent",
            format!(
                "<droppedConnection>{own}</droppedConnection>{}",
                device("releasingDevice", "tel:5111")
            ),
        ),
    ] {
        rig.tell(&event(root, &inner));
        rig.run();
    }
    assert_eq!(
        rig.take_story(),
        [
            "1 incoming sip:5111@x",
            "1 connected sip:5111@x",
            "1 held sip:5111@x",
            "1 connected sip:5111@x",
            "1 ended remote normal",
        ]
    );
}

#[test]
fn an_outgoing_call_is_known_by_who_calls() {
    let mut rig = Rig::connected();
    // Names the far device's connection, as the standard has it.
    let far = "<callID>a</callID><deviceID>tel:5111</deviceID>";
    let parties = device("callingDevice", "tel:5101;x=y") + &device("calledDevice", "tel:5111");
    rig.tell(&event(
        "DeliveredEvent",
        &format!(
            "<connection>{far}</connection>{}{parties}",
            device("alertingDevice", "tel:5111")
        ),
    ));
    rig.tell(&event(
        "NetworkReachedEvent",
        "<outboundConnection><callID>a</callID></outboundConnection>",
    ));
    rig.tell(&event(
        "EstablishedEvent",
        &format!(
            "<establishedConnection>{far}</establishedConnection>{}",
            device("answeringDevice", "tel:5111")
        ),
    ));
    rig.run();
    assert_eq!(
        rig.take_story(),
        ["1 ringing tel:5111", "1 connected tel:5111"]
    );
    // It is ours that is put on hold.
    rig.ask(Verb::Hold(1));
    let sent = rig.drain();
    assert!(
        sent[0]
            .1
            .contains("<callID>a</callID><deviceID>tel:5101;phone-context=dialstring</deviceID>")
    );
    rig.tell(&event(
        "CallClearedEvent",
        "<clearedCall><callID>a</callID></clearedCall>",
    ));
    rig.drain();
    assert_eq!(rig.story, ["1 ended remote normal"]);
}

#[test]
fn hidden_and_unknown_callers_are_told_as_such() {
    for (party, told) in [
        ("<restricted/>", "restricted"),
        ("<notKnown/>", "unknown"),
        ("<deviceIdentifier/>", "unknown"),
    ] {
        let mut rig = Rig::connected();
        rig.tell(&event(
            "DeliveredEvent",
            &format!("<connection><callID>a</callID></connection><callingDevice>{party}</callingDevice><localConnectionInfo>alerting</localConnectionInfo>"),
        ));
        rig.run();
        assert_eq!(rig.take_story(), [format!("1 incoming {told}")]);
    }
}

/// A gateway that tells of other lines.
#[test]
fn events_of_other_lines_are_ignored() {
    let mut rig = Rig::connected();
    let other = "<callID>a</callID><deviceID>tel:6001</deviceID>";
    let parties = device("callingDevice", "tel:6002") + &device("calledDevice", "tel:6001");
    for local in ["", "<localConnectionInfo>alerting</localConnectionInfo>"] {
        rig.tell(&event(
            "DeliveredEvent",
            &format!(
                "<connection>{other}</connection>{}{parties}{local}",
                device("alertingDevice", "tel:6001")
            ),
        ));
        rig.tell(&event(
            "EstablishedEvent",
            &format!("<establishedConnection>{other}</establishedConnection>{parties}{local}"),
        ));
        rig.tell(&event(
            "ConnectionClearedEvent",
            &format!("<droppedConnection>{other}</droppedConnection>{local}"),
        ));
        rig.tell(&event(
            "TransferedEvent",
            &format!("<primaryOldCall>{other}</primaryOldCall>"),
        ));
        rig.tell(&event(
            "ConferencedEvent",
            &format!("<primaryOldCall>{other}</primaryOldCall>"),
        ));
    }
    for root in ["HeldEvent", "DeliveredEvent", "OddEvent"] {
        rig.tell(&event(root, ""));
    }
    rig.tell("no document");
    rig.run();
    assert!(rig.take_story().is_empty());
}

/// A name may be used again after its call is over.
#[test]
fn names_of_calls_are_used_again() {
    let mut rig = Rig::connected();
    let own = "<callID>1</callID><deviceID>tel:5101</deviceID>";
    for far in ["tel:5111", "tel:5122"] {
        rig.tell(&event("DeliveredEvent", &format!("<connection>{own}</connection>{}<localConnectionInfo>alerting</localConnectionInfo>", device("callingDevice", far))));
        rig.tell(&event("ConnectionClearedEvent", &format!("<droppedConnection>{own}</droppedConnection><localConnectionInfo>null</localConnectionInfo>")));
    }
    rig.run();
    assert_eq!(
        rig.take_story(),
        [
            "1 incoming tel:5111",
            "1 ended cancelled normal",
            "2 incoming tel:5122",
            "2 ended cancelled normal"
        ]
    );
}

/// A blind transfer that fails comes back: it rings again.
#[test]
fn a_transfer_that_fails_comes_back() {
    let mut rig = Rig::connected();
    let id = rig.switch.rings("tel:5111");
    rig.switch.hands_answer(&id);
    rig.run();
    let to = "5122".to_owned();
    let line = rig.switch.calls[0].clone();
    rig.does(Verb::SingleStepTransfer { call: 1, to })
        .expect("sent");
    assert!(rig.calls.is_empty());
    rig.switch.calls.push(line);
    rig.take_story();
    rig.tell(&event(
        "DeliveredEvent",
        &format!("<connection><callID>{id}</callID><deviceID>tel:5101</deviceID></connection>{}<localConnectionInfo>alerting</localConnectionInfo><cause>recall</cause>", device("callingDevice", "tel:5111")),
    ));
    rig.run();
    assert_eq!(rig.take_story(), ["2 incoming tel:5111"]);
    assert_eq!(rig.calls[&2].cause, "recall");
}

/// Somebody leaves a conference, somebody joins.
#[test]
fn parties_of_a_conference_come_and_go() {
    let mut rig = Rig::connected();
    rig.does(Verb::Make {
        to: "5111".to_owned(),
    })
    .expect("a call");
    rig.does(Verb::Make {
        to: "5122".to_owned(),
    })
    .expect("another");
    rig.does(Verb::Conference(1, 2)).expect("a conference");
    let id = rig.switch.calls[0].id.clone();
    let named = format!("<callID>{id}</callID><deviceID>tel:5111</deviceID>");
    let connected = "<localConnectionInfo>connected</localConnectionInfo>";
    rig.take_story();
    rig.tell(&event(
        "ConnectionClearedEvent",
        &format!(
            "<droppedConnection>{named}</droppedConnection>{}{connected}",
            device("releasingDevice", "tel:5111")
        ),
    ));
    rig.tell(&event(
        "EstablishedEvent",
        &format!(
            "<establishedConnection>{named}</establishedConnection>{}{connected}",
            device("answeringDevice", "tel:5133")
        ),
    ));
    rig.run();
    assert_eq!(
        rig.take_story(),
        [
            "1 connected tel:5122 with tel:5122",
            "1 connected tel:5122 with tel:5122+tel:5133"
        ]
    );
}
