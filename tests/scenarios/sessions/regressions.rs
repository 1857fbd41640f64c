//! What randomised sessions found once, as scripts that were made short.

mod crossing;
mod room;

use super::script::Script;
use super::{play, report};
use crate::tally::Tally;

fn holds(text: &str) {
    let script = Script::read(text);
    if let Err(violation) = play(&script, None, &mut Tally::default()) {
        panic!("{}", report(&script, None, &violation));
    }
}

#[test]
fn a_script_can_be_read_as_it_was_written() {
    for seed in 0..50 {
        let script = super::draw::draw(seed);
        assert_eq!(Script::read(&script.to_string()), script);
    }
}

/// The hint that makes rivals look came back from the fork of the address-of-record,
/// was followed, and sent again, without end.
#[test]
fn a_hint_of_ones_own_is_no_hint() {
    holds(
        "registrar normal asterisk
         client CSF auto normal
         client CSF auto graceful
         register 0
         wait 70
         server forget
         register 1",
    );
}

/// The registrar forgot a subscriber whose connection lived on: for half an hour it
/// refreshed without looking, and took the line from the winner each time.
#[test]
fn a_notifier_that_forgot_its_subscriber_is_found_out() {
    holds(
        "registrar normal plain
         client CSF auto graceful
         client CSF auto graceful
         force 0
         wait 90
         server forget
         force 1",
    );
}

/// Two clients that pushed each other out refreshed in step, each at the moment in
/// which the other one came back: neither saw the other for ever.
#[test]
fn two_that_refresh_in_step_see_each_other() {
    holds(
        "registrar normal plain reg-event=no
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto duplicate
         register 4
         wait 1
         force 3",
    );
}

/// Whoever slept through a NOTIFY is not subscribed any more, and went on as if it
/// were: it refreshed without a look, and pushed the winner out each time.
#[test]
fn a_subscription_may_not_outlive_a_sleep() {
    holds(
        "registrar normal plain
         client CSF auto graceful
         client CSF auto graceful
         client OTHER auto graceful
         register 0
         wait 70
         sleep 0
         force 2
         force 1
         wait 90
         sleep 1
         wait 140000",
    );
}

/// The answer to a login that was given up never came; the next one used its nonce,
/// which had died meanwhile, and was told that the password is wrong.
#[test]
fn a_login_that_was_given_up_leaves_no_doubt_of_the_password() {
    holds(
        "registrar normal kamailio nonce-lifetime=60
         client CSF auto graceful
         force 0
         wait 30
         sleep 0
         wait 90000
         wake-timers-first 0
         force 0",
    );
}

/// A binding in its last second, which Asterisk lists as none, is nobody's any more.
#[test]
fn a_binding_about_to_lapse_keeps_nobody_out() {
    holds(
        "registrar normal asterisk max-expires=15
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful addresses=2 watch=in-use
         node 0 falls-silent
         force 2
         wait 34000
         silence 2
         wait 1500
         register 0
         wait 10",
    );
}

/// One that registers without looking learnt from the challenge that the registrar
/// speaks Cisco's form, and bound itself in the other: its next login came in as a
/// stranger.
#[test]
fn a_login_without_a_look_is_of_one_form() {
    holds(
        "registrar graceful plain
         client CSF auto normal
         force 0
         wait 10000
         server silent
         wait 35000
         register 0",
    );
}

/// Of three addresses that open too slowly one was always being opened, and a logout
/// waited for ever.
#[test]
fn a_logout_ends_though_some_address_is_always_being_tried() {
    holds(
        "registrar normal plain
         client CSF auto graceful addresses=3
         register 0
         cut 0
         wait 200
         slow-open 0 9000
         cut 0
         wait 1000
         unregister 0
         wait 40000",
    );
}

/// The removal was on its way when another address failed once more: its answer was
/// taken for nobody's.
#[test]
fn a_logout_under_way_does_not_care_for_other_addresses() {
    holds(
        "registrar normal plain
         client CSF auto graceful addresses=2
         force 0
         wait 70
         node 1 dies
         node 0 dies
         wait 300
         node 0 comes-back
         unregister 0
         wait 10",
    );
}

/// The registrar lost its nonces while it was being answered, and its next challenge was
/// read after a sleep, when it had expired: twice refused, with the right password.
#[test]
fn a_password_that_was_right_survives_two_refusals() {
    holds(
        "registrar normal kamailio nonce-lifetime=60
         client CSF auto graceful addresses=2 watch=in-use
         register 0
         wait 80000
         cut-unseen-by-server 0
         wait 40
         server forget
         sleep 0
         wait 90000",
    );
}

/// While the registrar was away it answered no query, and one that got in all the same
/// asked for no list from then on: every refresh took the line back.
#[test]
fn an_outage_makes_nobody_blind() {
    holds(
        "registrar normal freeswitch
         client CSF auto graceful
         client CSF auto graceful addresses=2
         force 0
         force 1
         wait 10
         server silent
         wait 10000",
    );
}

/// Look and refresh, each challenged, take longer than the registrar grants.
#[test]
fn a_link_that_is_too_slow_for_the_grant_keeps_trying() {
    holds(
        "registrar normal asterisk nonce-lifetime=10 max-expires=15
         client CSF auto graceful
         force 0
         latency 0 2000
         cut 0
         wait 155000",
    );
    holds(
        "registrar normal opensips
         client CSF auto graceful expires=15
         server forget
         latency 0 2000
         force 0",
    );
}
