//! The checker bites: a page or a gateway with a flaw is caught, by the invariant that it
//! breaks.

use super::{draw, play, shortened};
use crate::tally::Tally;
use graceline_kit::house::Flaw;

/// Sessions in which a flaw must have shown.
const SESSIONS: u64 = 100;

fn is_caught(flaw: Flaw, invariant: u8) {
    let caught = (0..SESSIONS).find_map(|seed| {
        let script = draw::draw(seed);
        let violation = play(&script, Some(flaw), &mut Tally::default()).err()?;
        (violation.invariant == invariant).then_some((script, violation))
    });
    let (script, violation) = caught.unwrap_or_else(|| panic!("{flaw:?} is never caught"));
    let (short, violation) = shortened(&script, Some(flaw), &violation);
    assert_eq!(violation.invariant, invariant, "{flaw:?}: {violation:?}");
    assert!(
        short.steps.len() <= 16,
        "{flaw:?} is not made short:\n{short}"
    );
    assert_eq!(play(&short, None, &mut Tally::default()), Ok(()), "{short}");
}

#[test]
fn commands_that_do_not_settle_or_settle_twice_are_noticed() {
    is_caught(Flaw::NeverSettles, 1);
    is_caught(Flaw::SettlesTwice, 1);
}

#[test]
fn a_page_that_misses_events_is_noticed() {
    is_caught(Flaw::MissesEvents, 2);
}

#[test]
fn a_session_that_moves_to_another_node_is_noticed() {
    is_caught(Flaw::MovesSessions, 3);
}

#[test]
fn calls_that_are_shown_twice_or_after_their_end_are_noticed() {
    is_caught(Flaw::ShowsTwice, 4);
    is_caught(Flaw::ShowsTheDead, 4);
}

#[test]
fn a_page_that_does_not_come_back_is_noticed() {
    is_caught(Flaw::GivesUp, 6);
    is_caught(Flaw::StaysAway, 6);
}

#[test]
fn monitors_that_are_left_are_noticed() {
    is_caught(Flaw::KeepsMonitors, 7);
}
