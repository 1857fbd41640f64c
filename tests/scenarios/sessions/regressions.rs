//! What randomised sessions found once, as scripts that were made short.

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

/// The force came between the login and the subscription: the first document, which
/// did not list the phone, told it nothing.
#[test]
fn taken_over_before_the_subscription_stands() {
    holds(
        "registrar duplicate plain max-expires=300 tell=reg-event
         client CSF auto graceful
         client CSF auto graceful
         register 0
         force 1",
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

/// Where there is room for one contact only, the winner pushed the rival out before
/// it could be told, and was pushed out in turn.
#[test]
fn the_rival_is_told_before_it_is_pushed_out() {
    holds(
        "registrar normal asterisk max-contacts=1 remove-existing=yes
         client CSF auto graceful
         client CSF auto graceful expires=300
         force 0
         wait 20
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

/// The answer to the login was read after a sleep of hours, and the binding was
/// thought to live from then on.
#[test]
fn a_binding_lives_from_when_it_was_asked_for() {
    holds(
        "registrar normal kamailio
         client CSF auto graceful
         client CSF auto graceful
         force 0
         force 1
         wait 200
         leave 1
         force 0
         wait 40
         sleep 0
         wait 140000
         resume 1",
    );
}

/// An unforced login came in while a force with a slow clock was under way. The force
/// found it listed with a higher claim, was content, and lost the device soon after.
#[test]
fn a_force_tops_what_it_finds_beside_itself() {
    holds(
        "registrar normal opensips
         client CSF auto graceful addresses=2
         client CSF auto graceful addresses=2
         wait 380
         latency 1 2000
         node 0 falls-silent
         force 1
         wait 8100
         register 0
         wait 10",
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

/// A force that came in while the one before was away for a moment, and within the
/// same second: claims cannot tell which was later, and both are content with either.
#[test]
fn two_forces_of_one_second_may_get_in_either_order() {
    holds(
        "registrar normal rfc3261
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto duplicate
         force 1
         wait 70
         cut 1
         register 2",
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

/// A rival that looked between `Contact: *` and the winner's own Contact came back and
/// pushed the winner out, who noticed only at the next look.
#[test]
fn who_cleared_the_list_looks_again() {
    holds(
        "seed 215
         registrar normal asterisk max-contacts=1 remove-existing=yes
         client CSF auto graceful
         client CSF auto graceful
         force 1
         wait 100
         force 0
         wait 2000
         crash 1
         register 1",
    );
}

/// Over a slow link both looked, saw themselves, and registered in step with each
/// other: each pushed the other out, for ever.
#[test]
fn two_on_slow_links_do_not_push_each_other_out_in_step() {
    holds(
        "registrar normal plain
         client CSF auto graceful
         client CSF auto graceful expires=15
         register 0
         latency 0 2000
         register 1
         wait 19000
         force 0
         wait 900
         latency 1 2000
         cut 1",
    );
}

/// A naive client and one that plays by the rules push each other out at every refresh,
/// before the eyes of a third that watches: that must not cost more and more.
#[test]
fn who_is_pushed_out_again_and_again_does_not_look_without_end() {
    holds(
        "registrar normal plain max-expires=60
         client CSF auto graceful
         client OTHER auto graceful
         client CSF auto normal
         register 2
         force 0
         register 1
         wait 100000",
    );
}

/// Three logins at once, the first of which hears late that it was in: whom the second
/// one lost to may have been the third.
#[test]
fn of_three_logins_at_once_any_but_the_ousted_one_may_be_the_last() {
    holds(
        "registrar duplicate plain
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful
         latency 1 300
         register 1
         wait 1160
         register 0
         force 2",
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

/// A force was given up for a polite login after it had been sent: it came in all the
/// same, after another force of the same moment.
#[test]
fn a_force_that_was_given_up_may_still_be_the_last() {
    holds(
        "registrar graceful plain
         client CSF auto graceful
         client CSF auto graceful
         force 0
         force 1
         wait 40
         register 1",
    );
}

/// A polite login crossed a force: neither could see the other, and its claim was the
/// later one.
#[test]
fn a_login_that_crosses_a_force_may_win() {
    holds(
        "registrar normal plain
         client CSF auto graceful addresses=2
         client CSF auto graceful addresses=2
         wait 15
         node 0 falls-silent
         wait 142420
         force 0
         wait 17
         register 1
         wait 10",
    );
}

/// A registrar that keeps one binding a user and says so to nobody let both of two forces
/// in. They refreshed in step, so that each replaced the other's again; the one that had
/// to leave heard of it at its second look.
#[test]
fn of_two_forces_in_step_the_loser_hears_at_its_next_look() {
    holds(
        "registrar normal freeswitch
         client CSF auto graceful
         client CSF auto duplicate
         client CSF auto graceful
         register 1
         force 2",
    );
}

/// The same, not quite in step: the loser looked, and saw itself, just before the winner
/// found out.
#[test]
fn of_two_forces_the_later_claim_is_asserted_at_once() {
    holds(
        "seed 118
         registrar normal freeswitch
         client CSF auto graceful
         client CSF auto duplicate expires=180
         client CSF auto graceful
         wait 26
         register 1
         wait 18
         force 2",
    );
}

/// Nor are two that asked politely any later.
#[test]
fn of_two_polite_logins_in_step_the_loser_hears_at_its_next_look() {
    holds(
        "registrar normal freeswitch
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful
         register 1
         register 2",
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

/// Whoever was refused removed what it had bound before, though that was not listed any
/// more: where a user has one binding, that took the holder's away.
#[test]
fn whoever_is_refused_removes_nobody_else() {
    holds(
        "registrar normal freeswitch
         client CSF auto graceful
         client CSF auto graceful
         force 0
         wait 10470
         force 1
         cut 0
         wait 10
         register 0
         wait 500
         register 0",
    );
}

/// A polite login began while the winner was away from a registrar that had lost it, and
/// came in just after it was back: neither saw the other.
#[test]
fn a_login_that_crosses_the_winners_way_back_may_win() {
    holds(
        "seed 95
         registrar normal freeswitch
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful
         force 1
         wait 800
         register 3
         wait 10
         server restart",
    );
    holds(
        "seed 198
         registrar normal freeswitch reg-event=yes
         client CSF auto graceful
         client CSF auto graceful
         force 1
         wait 100
         cut-unseen-by-server 1
         wait 300
         cut-unseen-by-server 1
         wait 130000
         server restart
         wait 20
         register 0",
    );
}

/// Who had forced slept before it heard that it was in, and another one came in politely
/// when its binding had lapsed.
#[test]
fn a_force_that_is_heard_of_hours_later_is_not_the_last() {
    holds(
        "registrar normal freeswitch
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful
         force 1
         wait 1000
         slow-open 1 100
         server restart
         force 0
         wait 500
         force 1
         wait 160
         sleep 1
         wait 160000
         register 2
         wait 3000
         cut 2",
    );
}

/// A registrar that accepts a removal and keeps the binding: the error names it.
#[test]
fn a_removal_without_effect_is_told() {
    holds(
        "registrar normal freeswitch-multi max-contacts=1
         client CSF auto graceful
         register 0
         latency 0 2000
         wait 30
         crash 0
         register 0
         wait 9000
         latency 0 10
         cut 0",
    );
}

/// Where a user has one binding, a page that is left before it has seen that it was
/// replaced takes away whoever replaced it (docs/registration.md, known limits).
#[test]
fn a_page_that_is_left_unaware_may_take_the_winner_with_it() {
    for script in ["reload 0\nregister 0", "leave 0\nresume 0"] {
        holds(&format!(
            "registrar normal freeswitch
             client CSF auto graceful
             client CSF auto graceful
             register 0
             force 1
             wait 1000
             {script}"
        ));
    }
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
