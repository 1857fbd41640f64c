//! The checker bites: a client with a flaw is caught, by the invariant that it
//! breaks.

use super::script::Script;
use super::{draw, play, shortest};
use crate::tally::Tally;
use crate::world::Flaw;

/// Sessions in which a flaw must have shown.
const SESSIONS: u64 = 200;

/// Some session in which a client has `flaw` breaks `invariant`, and a short script
/// shows it.
fn is_caught(flaw: Flaw, invariant: u8) {
    let caught = (0..SESSIONS).find_map(|seed| {
        let script = draw::draw(seed);
        let violation = play(&script, Some(flaw), &mut Tally::default()).err()?;
        (violation.invariant == invariant).then_some((script, violation))
    });
    let (script, violation) = caught.unwrap_or_else(|| panic!("{flaw:?} is never caught"));
    let (short, violation) = shortest(&script, Some(flaw), &violation);
    assert_eq!(violation.invariant, invariant, "{flaw:?}: {violation:?}");
    assert!(
        short.steps.len() <= 12,
        "{flaw:?} is not made short:\n{short}"
    );
    assert_eq!(play(&short, None, &mut Tally::default()), Ok(()), "{short}");
}

#[test]
fn two_registrations_are_noticed() {
    is_caught(Flaw::SeesNoRival, 1);
}

#[test]
fn whoever_registers_again_after_it_was_ousted_is_noticed() {
    is_caught(Flaw::ComesBack, 2);
    is_caught(Flaw::FightsBack, 2);
}

#[test]
fn promises_that_do_not_settle_or_settle_twice_are_noticed() {
    is_caught(Flaw::NeverSettles, 3);
    is_caught(Flaw::SettlesTwice, 3);
}

/// The phone's own pacing holds a flood down: it takes minutes to add up, and thousands
/// of looks. To look for it among drawn sessions, which last for hours, is slow.
#[test]
fn a_flood_of_registers_is_noticed() {
    let script = Script::read(
        "registrar normal plain reg-event=no
         client CSF auto graceful
         register 0
         wait 400000",
    );
    let with = |flaw| play(&script, flaw, &mut Tally::default());
    let violation = with(Some(Flaw::LooksWithoutEnd)).expect_err("a flood");
    assert_eq!(violation.invariant, 4, "{violation:?}");
    assert_eq!(with(None), Ok(()));
}

#[test]
fn a_login_that_takes_over_unasked_is_noticed() {
    is_caught(Flaw::AlwaysForces, 5);
}

#[test]
fn a_client_kept_out_by_its_own_ghost_is_noticed() {
    is_caught(Flaw::ForgetsItself, 6);
}
