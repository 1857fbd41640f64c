//! Randomised sessions of desk phones: pages that control them, gateways, a switch with
//! several nodes, people at both ends, and faults of each, drawn from a seed. After
//! every step of the world, and once all is quiet:
//!
//! 1. Every command settles, in bounded time, exactly once.
//! 2. When all is quiet a page's calls are those of its desk phone, by their parties
//!    and states, and so is what it knows of the phone itself.
//! 3. A session never moves to another node, or another epoch of its own.
//! 4. No call is shown twice, and none after its end.
//! 5. Nothing is asked of the user, and nothing is given up.
//! 6. When all is quiet a phone is monitored, and in service exactly if it is there.
//! 7. When everybody has left, nothing is left: no session, no monitor.
//!
//! `GRACELINE_DESK_SESSIONS=100000 cargo test --test scenarios desk_sessions` is the
//! long run; `GRACELINE_SEED=n` plays one session and prints it.

mod coverage;
mod draw;
mod flaws;
mod regressions;
mod script;
mod session;

use crate::tally::Tally;
use graceline_kit::house::Flaw;
use graceline_kit::sessions::{Holds, Violation, excerpt, number, play_all, quietly, shortest};
use script::Script;
use session::Session;

const DEFAULT_SESSIONS: u64 = 400;

fn play(script: &Script, flaw: Option<Flaw>, tally: &mut Tally) -> Holds {
    let mut session = Session::new(script, flaw);
    session.house.world.telling = false;
    let outcome = quietly(|| session.play());
    if outcome.is_ok() {
        tally.merge(session.tally);
        coverage::note_setting(script, tally);
    }
    outcome
}

/// Makes the script of a failure short, and tells what is needed to see it again.
fn report(script: &Script, flaw: Option<Flaw>, violation: &Violation) -> String {
    let (script, violation) = shortened(script, flaw, violation);
    let story = transcript(&script, flaw);
    format!("{violation}\n\n{story}\n\n{script}")
}

fn shortened(script: &Script, flaw: Option<Flaw>, violation: &Violation) -> (Script, Violation) {
    let failure = |script: &Script| play(script, flaw, &mut Tally::default()).err();
    let fails = |script: &Script| {
        let alike = |other: Violation| {
            (other.invariant, other.rule) == (violation.invariant, violation.rule)
        };
        failure(script).is_some_and(alike)
    };
    let steps = shortest(&script.steps, |steps| fails(&script.with(steps)));
    let script = script.with(&steps);
    let violation = failure(&script).unwrap_or_else(|| violation.clone());
    (script, violation)
}

fn transcript(script: &Script, flaw: Option<Flaw>) -> String {
    let mut session = Session::new(script, flaw);
    let _ = quietly(|| session.play());
    excerpt(&session.house.world.transcript)
}

#[test]
fn the_invariants_of_desk_phones_hold() {
    if let Some(seed) = number("GRACELINE_SEED") {
        let script = draw::draw(seed);
        println!("{}\n\n{script}", transcript(&script, None));
        if let Err(violation) = play(&script, None, &mut Tally::default()) {
            panic!("seed {seed}: {}", report(&script, None, &violation));
        }
        return;
    }
    let sessions = number("GRACELINE_DESK_SESSIONS").unwrap_or(DEFAULT_SESSIONS);
    let tally = play_all(
        sessions,
        |seed, tally| play(&draw::draw(seed), None, tally),
        |seed, violation| report(&draw::draw(seed), None, violation),
    );
    if sessions >= DEFAULT_SESSIONS {
        coverage::assert_nothing_is_missing(&tally);
    }
}
