//! Sessions, switches and phones that go and come back.

use crate::notation::whole;
use crate::rig::Rig;
use crate::switch::{failure, system_is, write};
use graceline::csta::client::{DeskState, Verb};
use graceline::csta::{
    Content, DeviceEvent, Notice, Response, Snapshot, SnapshotCall, SystemStatus,
};

fn make(to: &str) -> Verb {
    Verb::Make { to: to.to_owned() }
}

/// Two calls: one made, on hold, and an incoming one, answered.
fn with_two_calls() -> Rig {
    let mut rig = Rig::connected();
    rig.does(make("5111")).expect("a call");
    let id = rig.switch.calls[0].id.clone();
    rig.switch.far_answers(&id);
    rig.run();
    rig.does(Verb::Hold(1)).expect("on hold");
    let id = rig.switch.rings("tel:5122");
    rig.switch.hands_answer(&id);
    rig.run();
    rig.check_calls();
    rig.take_story();
    rig
}

#[test]
fn calls_outlive_a_lost_session() {
    let mut rig = with_two_calls();
    rig.lose();
    assert_eq!(rig.take_story(), ["desk eRecoveryPending"]);
    // Known still, but nothing can be done with them.
    assert!(rig.calls.values().all(|call| call.can.is_empty()));
    let fault = rig.does(Verb::Retrieve(1)).expect_err("no session");
    assert_eq!(fault.code.as_str(), "eOutOfService");
    rig.take_story();
    rig.connect();
    assert_eq!(rig.take_story(), ["desk eInService"]);
    rig.check_calls();
    assert_eq!(rig.does(Verb::Alternate(1, 2)), Ok(()));
    rig.check_calls();
}

#[test]
fn what_happened_meanwhile_is_made_up_for() {
    let mut rig = with_two_calls();
    rig.lose();
    rig.take_story();
    let first = rig.switch.calls[0].id.clone();
    rig.switch.hands_retrieve(&first);
    let second = rig.switch.calls[1].id.clone();
    rig.switch.far_clears(&second, "normalClearing");
    rig.switch.rings("tel:5133");
    rig.connect();
    assert_eq!(
        rig.take_story(),
        [
            "2 ended failed lost while the connection was away",
            "1 connected tel:5111",
            "3 incoming tel:5133",
            "desk eInService",
        ]
    );
    rig.check_calls();
    assert!(rig.calls[&3].incoming);
}

/// A switch that was restarted has new names for its calls: they are known by
/// their parties.
#[test]
fn calls_are_known_by_their_parties_under_new_names() {
    let mut rig = with_two_calls();
    rig.lose();
    rig.take_story();
    rig.switch.renames();
    rig.connect();
    assert_eq!(rig.take_story(), ["desk eInService"]);
    rig.check_calls();
    assert_eq!(
        rig.does(Verb::Retrieve(1)).map_err(|fault| fault.said),
        Ok(())
    );
    rig.check_calls();
}

/// Of two calls with the same party the state decides.
#[test]
fn calls_with_one_party_are_told_apart_by_their_state() {
    let mut rig = Rig::connected();
    for _ in 0..2 {
        let id = rig.switch.rings("tel:5111");
        rig.switch.hands_answer(&id);
        rig.run();
        if rig.calls.len() == 1 {
            rig.does(Verb::Hold(1)).expect("on hold");
        }
    }
    rig.lose();
    rig.switch.renames();
    rig.switch.calls.reverse();
    rig.connect();
    rig.check_calls();
    assert_eq!(rig.calls[&1].state.as_str(), "held");
    assert_eq!(rig.calls[&2].state.as_str(), "connected");
}

#[test]
fn a_switch_without_snapshots_loses_the_calls() {
    let mut rig = with_two_calls();
    rig.lose();
    rig.take_story();
    let mut features = rig.desk.features.clone();
    features.remove("SnapshotDevice");
    rig.switch.features = Some(features);
    rig.connect();
    let lost = "ended failed lost while the connection was away";
    assert_eq!(
        rig.take_story(),
        [
            format!("1 {lost}"),
            format!("2 {lost}"),
            "desk eInService".to_owned()
        ]
    );
    // The next event of one shows it again.
    let first = rig.switch.calls[0].id.clone();
    rig.switch.hands_retrieve(&first);
    rig.run();
    assert_eq!(rig.calls.len(), 1);
}

#[test]
fn commands_settle_when_the_session_is_lost() {
    let mut rig = with_two_calls();
    let hold = rig.ask(Verb::Hold(2));
    let dnd = rig.ask(Verb::DoNotDisturb(true));
    let make = rig.ask(make("5133"));
    let early = rig.ask(Verb::Clear(3));
    rig.drain();
    rig.lose();
    for op in [hold, dnd, make, early] {
        let fault = rig.settled[&op].clone().expect_err("no answer");
        assert_eq!(fault.code.as_str(), "eOutOfService");
    }
    assert_eq!(rig.calls.len(), 2);
    rig.connect();
    rig.check_calls();
}

/// RFC 5057: some statuses end the session, others the request alone.
#[test]
fn statuses_end_a_session_or_a_request() {
    for status in [
        404, 408, 410, 430, 480, 481, 482, 483, 484, 485, 489, 502, 604,
    ] {
        let mut rig = with_two_calls();
        let op = rig.ask(Verb::Hold(2));
        let number = rig.drain()[0].0;
        rig.answer(number, status, "");
        rig.drain();
        let fault = rig.settled[&op].clone().expect_err("refused");
        assert_eq!(fault.code.as_str(), "eOutOfService", "{status}");
        assert_eq!(rig.reopened, 1, "{status}");
        assert_eq!(rig.calls.len(), 2);
        rig.connect();
        rig.check_calls();
    }
    for (status, code) in [
        (400, "eServerRejected"),
        (403, "eServerRejected"),
        (405, "eNotSupported"),
        (415, "eNotSupported"),
        (488, "eNotSupported"),
        (500, "eServerRejected"),
        (501, "eNotSupported"),
        (503, "eOutOfService"),
        (504, "eTimeout"),
        (603, "eServerRejected"),
    ] {
        let mut rig = with_two_calls();
        let op = rig.ask(Verb::Hold(2));
        let number = rig.drain()[0].0;
        rig.answer(number, status, "");
        rig.run();
        let fault = rig.settled[&op].clone().expect_err("refused");
        assert_eq!((fault.code.as_str(), fault.status), (code, Some(status)));
        assert_eq!(rig.reopened, 0);
        assert!(rig.desk.monitored);
        rig.check_calls();
    }
    // With a reason of CSTA's, that is what counts.
    let mut rig = with_two_calls();
    let op = rig.ask(Verb::Hold(2));
    let number = rig.drain()[0].0;
    rig.answer(
        number,
        480,
        &failure("stateIncompatibility", "noActiveCall"),
    );
    rig.drain();
    let fault = rig.settled[&op].clone().expect_err("refused");
    assert_eq!(
        (fault.code.as_str(), fault.said.as_str()),
        ("eInvalidState", "noActiveCall")
    );
    assert_eq!(rig.reopened, 0);
}

#[test]
fn a_request_without_an_answer_ends_the_session() {
    let mut rig = with_two_calls();
    let op = rig.ask(Verb::Hold(2));
    rig.drain();
    assert_eq!(rig.wait().as_secs(), 40);
    rig.drain();
    assert!(rig.settled[&op].is_err());
    assert_eq!(rig.reopened, 1);
}

/// The node behind the gateway goes: the session stays, requests are returned.
#[test]
fn a_node_that_is_away_is_waited_for() {
    let mut rig = with_two_calls();
    rig.tell(&system_is(SystemStatus::Disabled));
    rig.run();
    assert_eq!(rig.take_story(), ["desk eOutOfService disabled"]);
    assert!(!rig.desk.monitored);
    assert!(rig.calls.values().all(|call| call.can.is_empty()));
    let fault = rig.does(make("5133")).expect_err("no switch");
    assert_eq!(fault.code.as_str(), "eOutOfService");
    assert_eq!(rig.calls.len(), 2);
    rig.take_story();
    // Back with the monitor alive: the calls are compared.
    let id = rig.switch.calls[1].id.clone();
    rig.switch.calls.retain(|line| line.id != id);
    rig.tell(&system_is(SystemStatus::Normal));
    rig.run();
    assert_eq!(rig.reopened, 0);
    assert!(rig.desk.monitored);
    rig.check_calls();
    // A refresh of the session asks for nothing more where nothing has changed.
    rig.sent.clear();
    let greeting = rig.switch.greeting();
    rig.client.handle_refreshed(rig.now, greeting.as_bytes());
    rig.run();
    assert_eq!(rig.sent, [""; 0]);
    // It tells, too.
    for (status, monitored) in [
        ("disabled", false),
        ("normal", true),
        ("overloadReached", true),
        ("partiallyDisabled", true),
    ] {
        let body = whole(&format!(
            "<RequestSystemStatusResponse><systemStatus>{status}</systemStatus></RequestSystemStatusResponse>"
        ));
        rig.client.handle_refreshed(rig.now, body.as_bytes());
        rig.run();
        assert_eq!(rig.desk.monitored, monitored, "{status}");
    }
    rig.client.handle_refreshed(rig.now, b"<odd");
    assert!(rig.desk.monitored);
}

/// The node noticed by a request before the gateway has told.
#[test]
fn a_request_that_the_node_cannot_serve_is_returned() {
    let mut rig = with_two_calls();
    rig.switch.node_is_up = false;
    let fault = rig.does(Verb::Retrieve(1)).expect_err("connected already");
    assert_eq!(
        (fault.code.as_str(), fault.said.as_str()),
        ("eOutOfService", "networkOutOfService")
    );
    assert!(rig.desk.monitored);
}

#[test]
fn lost_messages_are_made_up_for() {
    let mut rig = with_two_calls();
    rig.switch.cross_ref.clear();
    let id = rig.switch.calls[1].id.clone();
    rig.switch.far_clears(&id, "normalClearing");
    rig.switch.cross_ref = "m1".to_owned();
    rig.tell(&system_is(SystemStatus::MessagesLost));
    rig.run();
    rig.check_calls();
}

#[test]
fn a_phone_out_of_service_is_told_and_comes_back() {
    let mut rig = with_two_calls();
    rig.switch.tell_device(DeviceEvent::OutOfService {
        device: None,
        cause: Some("maintenance".to_owned()),
    });
    rig.run();
    assert_eq!(rig.take_story(), ["desk eOutOfService maintenance"]);
    // It is the phone, not the way to it.
    assert!(rig.desk.monitored);
    assert!(rig.does(make("5133")).is_err());
    rig.switch.calls.clear();
    rig.take_story();
    rig.switch.tell_device(DeviceEvent::BackInService {
        device: None,
        cause: None,
    });
    rig.run();
    assert_eq!(rig.desk.state, DeskState::InService);
    rig.check_calls();

    // A refusal says it as well; a call that comes says that it is over.
    let op = rig.ask(make("5133"));
    let number = rig.drain()[0].0;
    rig.answer(
        number,
        200,
        &failure("systemResourceAvailability", "deviceOutOfService"),
    );
    rig.run();
    assert!(rig.settled[&op].is_err());
    assert_eq!(rig.desk.state, DeskState::OutOfService);
    rig.switch.rings("tel:5111");
    rig.run();
    assert_eq!(rig.desk.state, DeskState::InService);
}

/// A client that is at its snapshot, with its answer in hand.
fn at_snapshot(rig: &mut Rig) -> (u32, String) {
    rig.lose();
    rig.client.handle_session(rig.now, b"");
    for _ in 0..2 {
        let (number, document) = rig.drain().remove(0);
        let body = rig.switch.answers(&document);
        rig.answer(number, 200, &body);
    }
    let (number, document) = rig.drain().remove(0);
    assert!(document.contains("SnapshotDevice"));
    let body = rig.switch.answers(&document);
    (number, body)
}

#[test]
fn events_are_newer_than_a_snapshot_that_they_overtake() {
    let mut rig = with_two_calls();
    let (number, snapshot) = at_snapshot(&mut rig);
    // On the way here: one call ends, one is retrieved, one comes.
    let [first, second] = [0, 1].map(|at| rig.switch.calls[at].id.clone());
    rig.switch.far_clears(&second, "normalClearing");
    rig.switch.hands_retrieve(&first);
    rig.switch.rings("tel:5133");
    rig.deliver_events();
    rig.take_story();
    rig.answer(number, 200, &snapshot);
    rig.run();
    assert_eq!(
        rig.take_story(),
        [
            "2 ended remote normalClearing",
            "1 connected tel:5111",
            "3 incoming tel:5133",
            "desk eInService"
        ]
    );
    rig.check_calls();
}

#[test]
fn a_snapshot_with_one_call_twice_shows_it_once() {
    let mut rig = Rig::connected();
    let id = rig.switch.rings("tel:5111");
    let (number, snapshot) = at_snapshot(&mut rig);
    let from = snapshot
        .find("<snapshotDeviceResponseInfo>")
        .expect("an item");
    let to = snapshot.find("</snapshotData>").expect("the end");
    let item = &snapshot[from..to];
    let twice = snapshot.replace(item, &format!("{item}{item}<snapshotDeviceResponseInfo/>"));
    rig.answer(number, 200, &twice);
    rig.run();
    rig.check_calls();
    rig.switch.far_clears(&id, "normalClearing");
    rig.run();
    rig.check_calls();
}

#[test]
fn a_snapshot_may_come_later_and_in_parts() {
    let part = |calls: Vec<SnapshotCall>, reference: &str, last| {
        write(Content::Notice(Notice::SnapshotDeviceData {
            reference: reference.to_owned(),
            last,
            calls,
        }))
    };
    for ahead in [false, true] {
        let mut rig = with_two_calls();
        let (number, snapshot) = at_snapshot(&mut rig);
        let parsed = graceline::csta::Document::parse(snapshot.as_bytes()).expect("a snapshot");
        let Content::Response(Response::SnapshotDevice {
            calls: Snapshot::Here(calls),
        }) = parsed.content
        else {
            panic!("{snapshot}");
        };
        let later = write(Content::Response(Response::SnapshotDevice {
            calls: Snapshot::Later("s1".to_owned()),
        }));
        if !ahead {
            rig.answer(number, 200, &later);
        }
        rig.tell(&part(vec![calls[0].clone()], "s1", false));
        rig.tell(&part(Vec::new(), "s2", true));
        rig.tell(&part(vec![calls[1].clone()], "s1", true));
        if ahead {
            rig.answer(number, 200, &later);
        }
        rig.run();
        assert!(rig.desk.monitored);
        rig.check_calls();
        assert_eq!(rig.client.poll_timeout(), None);
    }
    // It does not come.
    let mut rig = with_two_calls();
    let (number, _) = at_snapshot(&mut rig);
    let later = write(Content::Response(Response::SnapshotDevice {
        calls: Snapshot::Later("s1".to_owned()),
    }));
    rig.answer(number, 200, &later);
    rig.drain();
    assert_eq!(rig.wait().as_secs(), 10);
    rig.run();
    assert!(rig.desk.monitored);
    assert!(rig.calls.is_empty());
}

#[test]
fn a_phone_is_left_to_itself() {
    let mut rig = with_two_calls();
    let hold = rig.ask(Verb::Hold(2));
    let make = rig.ask(make("5133"));
    rig.drain();
    rig.take_story();
    rig.client.close(rig.now);
    let sent = rig.drain();
    assert!(sent[0].1.contains("<MonitorStop"));
    for op in [hold, make] {
        let fault = rig.settled[&op].clone().expect_err("given up");
        assert_eq!(fault.code.as_str(), "eAborted");
    }
    let left = rig
        .story
        .iter()
        .filter(|line| line.ends_with("ended local left to the desk phone"));
    assert_eq!(left.count(), 3);
    assert!(rig.calls.is_empty());
    assert_eq!(rig.desk.state, DeskState::RecoveryPending);
    rig.answer(sent[0].0, 200, &whole("<MonitorStopResponse/>"));
    assert_eq!(rig.client.poll_output(), None);
    assert_eq!(rig.client.poll_timeout(), None);
}
