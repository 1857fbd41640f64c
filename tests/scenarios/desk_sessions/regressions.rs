//! Sessions that found something.

use super::script::Script;
use super::{play, transcript};
use crate::tally::Tally;

fn holds(script: &str) {
    let script = Script::read(script);
    let outcome = play(&script, None, &mut Tally::default());
    assert_eq!(outcome, Ok(()), "{}", transcript(&script, None));
}

#[test]
fn a_page_without_a_binding_controls_its_phone() {
    holds(
        "house 0 1 1
         page 0 0 alone
         wait 0 40000",
    );
}

/// Its page learns that when it refreshes the session, and what rang meanwhile is there.
#[test]
fn a_gateway_that_is_another_process_is_noticed() {
    holds(
        "house 220 1 4 moves overtaking events-first
         page 2 0 bound
         wait 0 3000
         gateway-restarts 0 0
         far-rings 3 3
         wait 0 70857",
    );
}

/// An event that was overtaken by the next one is not lost.
#[test]
fn overtaken_events_are_not_missed() {
    holds(
        "house 129 2 3 overtaking
         page 3 1 bound
         page 0 1 bound
         wait 0 5798
         calls-busy 1 1
         wait 0 59
         message-waits 0 3",
    );
}

/// The registrar forgets the INVITE to a gateway that does not answer.
#[test]
fn an_invite_that_nobody_answers_is_given_up() {
    holds(
        "house 210 2 3 moves overtaking
         page 3 1 bound
         page 1 0 alone
         wait 0 2791
         gateway-silent 0 1
         calls-busy 1 0
         wait 0 89683
         registrar-forgets 0 2",
    );
}

/// Of a conference that was made while the page was away both far ends are told.
#[test]
fn the_parties_of_a_conference_are_found_again() {
    holds(
        "house 196 2 1 moves overtaking events-first
         page 1 1 bound
         page 1 0 bound
         page 1 0 bound
         wait 0 3857
         far-rings 1 0
         wait 0 420
         answers 2 1
         wait 0 513
         consults 2 2
         wait 0 391
         far-answers 1 0
         wait 0 590
         hand-confers 1 1
         calls-inside 0 2
         far-rings 1 3
         page-crashes 1 0",
    );
}

/// It goes between the INVITE and the monitor of the page that comes back.
#[test]
fn a_phone_that_is_unplugged_meanwhile_is_out_of_service() {
    holds(
        "house 211 2 2 overtaking
         page 0 0 alone
         page 0 1 bound
         far-rings 0 2
         wait 0 1247
         clears 0 3
         wait 0 631
         page-crashes 1 0
         wait 0 384
         unplugs 0 1",
    );
}

/// The answer to a question comes after the event that changes it.
#[test]
fn an_older_answer_does_not_override_an_event() {
    holds(
        "house 107 2 3 overtaking events-first
         page 0 0 bound
         page 3 1 alone
         page 2 0 alone
         wait 0 3000
         forwards 2 1
         message-waits 0 2
         wait 0 24640
         node-cut 1 0
         wait 0 618
         far-rings-unknown 2 0
         wait 0 467
         message-waits 0 3",
    );
}

#[test]
fn whoever_stays_of_a_conference_is_the_far_end() {
    holds(
        "house 124 2 1 moves
         page 1 0 alone
         page 3 0 alone
         hand-dials-inside 1 3
         wait 0 418
         answers 1 0
         wait 0 590
         consults 1 0
         wait 0 163
         far-answers 3 3
         wait 0 448
         confers 1 3
         wait 0 212
         hand-clears 3 2
         switch-restarts 0 3",
    );
}

/// The page asks for one of other calls in the same moment.
#[test]
fn a_conference_by_hand_is_of_the_calls_that_it_names() {
    holds(
        "house 233 2 3 overtaking
         page 3 0 alone asked
         page 1 0 alone asked
         page 3 1 bound
         page 2 0 bound asked
         hand-toggles-dnd 2 0
         wait 0 27565
         far-rings 3 1
         wait 0 364
         answers 0 0
         wait 0 192
         far-sends-on 3 1
         wait 0 37213
         registrar-forgets 0 2
         wait 0 8831
         calls-inside 1 0
         wait 0 116325
         toggles-dnd 0 1
         hand-holds 3 0
         wait 0 80775
         far-rings 3 2
         wait 0 270
         answers 2 3
         wait 0 493
         consults 2 3
         wait 0 489
         far-answers 3 0
         wait 0 263
         hand-confers 3 0
         wait 0 508
         confers 2 3",
    );
}

/// While a page is away its phone calls back whoever called it.
#[test]
fn a_call_back_is_not_the_call_that_came() {
    holds(
        "house 57 2 3 moves exclusive
         page 0 1 alone
         page 3 0 bound asked
         page 0 0 bound asked
         page 3 1 bound
         far-rings 3 1
         wait 0 424
         answers 3 1
         wait 0 426
         consults-inside 3 0
         wait 0 623
         page-cut-unseen-by-client 0 0
         calls-inside 2 2
         unplugs 3 3",
    );
}
