//! A registration that stands: what it makes of what it sees, and when it looks.

use crate::rig::{Act, Asked, Heard, Rig, accept, answer, terminations};
use crate::rivals::rival;
use graceline::phone::{Config, Event, Status};
use graceline::registration::{Claim, ConflictScope};
use graceline_kit::world::{World, registrar_config};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Contacts of others, for the test to change.
type Others = Rc<RefCell<Vec<String>>>;

/// Listed so, a contact can be named by another connection.
const NAMEABLE: &str = ";received=\"sip:192.0.2.1:5060\"";
const NAIVE: &str = "sip:jssip@j.invalid;transport=ws";

/// A rig at a registrar that lists its own Contact and `others`, who can be removed.
fn beside(adapt: impl FnOnce(&mut Config), granted: u32) -> (Rig, Others) {
    let others = Others::default();
    let listed = others.clone();
    let mut own = None;
    let rig = Rig::with(adapt, move |heard| {
        let Heard::Request(asked) = heard else {
            return Vec::new();
        };
        if !asked.is("REGISTER") {
            return answer("405 Method Not Allowed");
        }
        if asked.binds() {
            own = Some(asked.own());
        } else if asked.removes() {
            own = None;
        }
        let contacts = asked.contacts();
        let mut listed = listed.borrow_mut();
        listed.retain(|uri| !contacts.contains(&format!("<{uri}>;expires=0")));
        let list = own.iter().chain(listed.iter());
        let list: Vec<String> = list
            .map(|uri| format!("<{uri}>;expires={granted}{NAMEABLE}"))
            .collect();
        accept(&list.iter().map(String::as_str).collect::<Vec<_>>())
    });
    (rig, others)
}

/// A later claim that is not forced may be a newcomer's, who leaves at once.
#[test]
fn a_later_claim_that_stays_is_believed_within_five_seconds() {
    let (mut rig, others) = beside(|_| {}, 119);
    assert_eq!(rig.login(false), None);
    rig.seconds(48);
    others.borrow_mut().push(rival(Claim::MAX_SINCE, false));
    // Not by the look at once, nor by the refresh that follows it.
    rig.seconds(2);
    assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
    rig.seconds(5);
    assert_eq!(terminations(&rig), ["takenOver"], "{}", rig.told());
}

#[test]
fn newcomers_that_leave_do_not_add_up() {
    let (mut rig, others) = beside(|_| {}, 119);
    assert_eq!(rig.login(false), None);
    for _ in 0..4 {
        rig.seconds(40);
        others.borrow_mut().push(rival(Claim::MAX_SINCE, false));
        let seen = rig.registers().len();
        while rig.registers().len() == seen {
            rig.wait(100);
        }
        rig.wait(100);
        others.borrow_mut().clear();
        assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
    }
    rig.seconds(60);
    assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
}

/// Whoever is told to leave is off the list before he tells it, by one REGISTER.
#[test]
fn whoever_is_ousted_and_still_listed_removes_itself_once() {
    let (mut rig, others) = beside(|_| {}, 119);
    assert_eq!(rig.login(false), None);
    others.borrow_mut().push(rival(Claim::MAX_SINCE, true));
    rig.seconds(120);
    assert_eq!(terminations(&rig), ["takenOver"], "{}", rig.told());
    let removals = rig.registers().into_iter().filter(|asked| asked.removes());
    assert_eq!(removals.count(), 1, "{}", rig.told());
    assert!(rig.registers().last().is_some_and(|last| last.removes()));
}

/// Every contact of the user is a rival, and can be removed.
fn forced_past_a_naive_phone() -> (Rig, Others) {
    let scope = |config: &mut Config| config.conflict_scope = ConflictScope::User;
    let (mut rig, others) = beside(scope, 119);
    others.borrow_mut().push(NAIVE.to_owned());
    assert_eq!(rig.login(true), None, "{}", rig.told());
    assert!(others.borrow().is_empty(), "{}", rig.told());
    (rig, others)
}

#[test]
fn a_naive_phone_that_comes_back_is_fought_no_further() {
    let (mut rig, others) = forced_past_a_naive_phone();
    others.borrow_mut().push(NAIVE.to_owned());
    rig.seconds(60);
    assert_eq!(terminations(&rig), ["rivalReturned"], "{}", rig.told());
}

#[test]
fn whom_an_earlier_login_removed_may_stand_beside_the_next() {
    let (mut rig, others) = forced_past_a_naive_phone();
    rig.act(graceline::phone::Phone::unregister);
    rig.seconds(1);
    assert_eq!(rig.login(false), None, "{}", rig.told());
    others.borrow_mut().push(NAIVE.to_owned());
    rig.seconds(120);
    assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
}

/// The machine slept, or the network did, between the answer and the reading of it.
#[test]
fn a_binding_lives_from_when_it_was_asked_for() {
    let mut rig = Rig::answering(|asked| match (asked.is("REGISTER"), asked.binds()) {
        (true, true) => vec![Act::Answer(
            7_000,
            format!("200 OK\nContact: <{{own}}>;expires=40{NAMEABLE}"),
        )],
        (true, false) => answer("200 OK"),
        _ => answer("405 Method Not Allowed"),
    });
    assert_eq!(rig.login(false), None, "{}", rig.told());
    rig.seconds(30);
    let registers = rig.registers();
    let [_, bound, next, ..] = &registers[..] else {
        panic!("{}", rig.told());
    };
    assert_eq!((next.at - bound.at).as_secs(), 20, "{}", rig.told());
}

/// Each time the registrar has lost it, and has it again when asked.
#[test]
fn gaps_that_lie_far_apart_do_not_add_up() {
    let gap = Rc::new(Cell::new(false));
    let lost = gap.clone();
    let mut rig = Rig::answering(move |asked| match (asked.is("REGISTER"), asked.binds()) {
        (true, true) if lost.take() => accept(&["<sip:x@y>"]),
        (true, true) => accept(&["<{own}>;expires=120"]),
        (true, false) => accept(&["<sip:x@y>"]),
        _ => answer("405 Method Not Allowed"),
    });
    assert_eq!(rig.login(false), None, "{}", rig.told());
    for _ in 0..6 {
        gap.set(true);
        rig.seconds(60);
        assert!(!gap.get(), "{}", rig.told());
        assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
    }
    let error = |event: &Event| matches!(event, Event::Error(_));
    assert!(!rig.events.iter().any(error), "{}", rig.told());
}

/// Where nobody tells of changes, however much time is granted.
#[test]
fn a_long_grant_is_looked_at_every_minute() {
    let (mut rig, _) = beside(|config| config.expires = Some(3600), 3600);
    assert_eq!(rig.login(false), None);
    let before = rig.registers().len();
    rig.seconds(605);
    assert_eq!(rig.registers().len() - before, 10, "{}", rig.told());
}

/// Where reg-event tells of changes a look would tell nothing.
#[test]
fn a_long_grant_that_is_watched_is_not_looked_at() {
    let mut world = World::new(
        1,
        graceline::registrar::Config {
            policy: graceline::registrar::Policy::Normal,
            reg_event: Some(true),
            ..registrar_config()
        },
    );
    let alice = world.client_with("alice", |config| config.expires = Some(3600));
    assert_eq!(world.login(alice, false), None);
    let before = world.clients[alice].registers;
    world.run(graceline::time::Duration::from_secs(1700));
    let told = || world.transcript.join("\n");
    assert_eq!(world.clients[alice].registers, before, "{}", told());
}

/// `Retry-After: 0` is no invitation to a storm.
#[test]
fn a_registration_that_is_refused_for_now_is_refreshed_no_sooner_than_after_ten_seconds() {
    let refused = |asked: &Asked| asked.is("REGISTER") && asked.number > 2;
    let mut rig = Rig::answering(move |asked| match asked.is("REGISTER") {
        true if refused(asked) => answer("503 Busy\nRetry-After: 0"),
        true if asked.binds() => accept(&["<{own}>;expires=1200"]),
        true => answer("200 OK"),
        false => answer("405 Method Not Allowed"),
    });
    assert_eq!(rig.login(false), None);
    rig.seconds(1000);
    let times: Vec<_> = rig.registers().iter().map(|asked| asked.at).collect();
    let refused = times.get(2..).unwrap_or_default();
    assert!(refused.len() > 20, "{}", rig.told());
    for pair in refused.windows(2) {
        assert!((pair[1] - pair[0]).as_secs() >= 10, "{}", rig.told());
    }
}
