//! Logins that cross each other on the wire: who is to hold the device, and who hears of it.

use super::holds;

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

/// A force may have come in after one that crossed it, though that began after a third was
/// given up.
#[test]
fn of_a_force_that_crossed_one_given_up_nothing_can_be_told() {
    holds(
        "registrar normal freeswitch
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful
         force 2
         wait 30
         force 1
         crash 2
         wait 20
         force 2",
    );
}
