//! Registrars that keep one binding a user, or have no room for one more, or do not remove
//! what they are asked to.

use super::holds;

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

/// Two were replaced in silence, and whoever replaced them had gone when they looked: the
/// first one took the empty place, the other one the place of that one, which heard of it
/// at its next look.
#[test]
fn of_two_that_were_replaced_by_one_who_left_the_later_one_stays() {
    holds(
        "registrar normal asterisk
         client CSF auto duplicate
         client CSF auto graceful
         client CSF auto graceful
         register 1
         wait 4100
         force 2
         wait 4900
         register 0
         wait 70
         close 0",
    );
    let one_a_user = |steps: &str| {
        holds(&format!(
            "registrar normal freeswitch
             client CSF auto graceful
             client CSF auto graceful
             client CSF auto graceful
             {steps}"
        ));
    };
    one_a_user("register 2\nwait 6000\nforce 0\nwait 5000\nforce 1\nwait 90\nleave 1");
    one_a_user(
        "force 1\nwait 5000\nforce 0\nwait 7000\nforce 2\nwait 5000\ncut-unseen-by-client 2",
    );
}

/// Another device came back a moment before each look of the one that was to leave, and
/// pushed the winner out: it saw itself alone, for ever.
#[test]
fn a_device_does_not_hide_the_winner_of_another_in_step() {
    holds(
        "seed 199
         registrar normal freeswitch-multi max-contacts=2 remove-existing=yes
         client OTHER auto graceful
         client CSF auto graceful expires=15
         client CSF auto graceful
         register 0
         force 2
         force 1
         wait 100
         server restart",
    );
}

/// The winner moved to another address, where its contact is one more to Asterisk: whom it
/// had taken over had not looked yet, and there was no room.
#[test]
fn who_moves_where_there_is_no_room_beside_the_loser_may_lose_the_line() {
    holds(
        "seed 55
         registrar normal asterisk max-contacts=2
         client CSF auto graceful
         client CSF auto graceful
         client CSF auto graceful addresses=2
         force 0
         wait 71000
         register 2
         wait 50
         force 2
         wait 1500
         refuse 2
         cut 2
         wait 200000",
    );
}
