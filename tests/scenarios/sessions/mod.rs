//! Randomised sessions: a script of clients, users and faults is drawn from a
//! seed and played; after every step of the world the invariants of graceful
//! registration are checked.
//!
//! 1. Never two live registrations of one device, once the network is quiet; in
//!    between for a bounded time.
//! 2. After `eConnectionTerminated` a client sends no REGISTER until its app calls
//!    `registerPhone`.
//! 3. Every `registerPhone` settles, in bounded time, exactly once.
//! 4. No ping-pong: what was done costs a bounded number of REGISTERs beyond the
//!    refreshes.
//! 5. When all is quiet, the last successful force is the one registered, unless it
//!    logged out or lapsed. What is not forced takes nothing over.
//! 6. A phone's own ghost never locks its user out, while its storage survives: a
//!    login that nobody and nothing stands against succeeds.
//! 7. A login that fails leaves nothing bound, or its error names what.
//! 8. A client leaves to one that knows nothing of claims only what it took from it by
//!    force, and what that one has taken back.
//!
//! Panics count as violations, too. A failure prints the seed and a script made as
//! short as it goes: put it into `regressions`.
//!
//! `GRACELINE_SESSIONS=100000 cargo test --test scenarios sessions`
//! is the long run; `GRACELINE_SEED=n` plays one session and prints it. Some seeds are
//! drawn from the commit, so that every commit plays sessions that none has played
//! before; which ones is printed.

mod coverage;
mod draw;
mod expectation;
mod flaws;
mod regressions;
mod script;
mod session;
mod shrink;

use crate::tally::Tally;
use crate::world::Flaw;
use graceline_kit::sessions::{Violation, excerpt, number, play_all, quietly};
use script::Script;
use session::Session;

const DEFAULT_SESSIONS: u64 = 2_400;

/// Plays `script` from its start.
fn play(script: &Script, flaw: Option<Flaw>, tally: &mut Tally) -> Result<(), Violation> {
    let mut session = Session::new(script, flaw);
    session.world.telling = false;
    let outcome = quietly(|| session.play());
    if outcome.is_ok() {
        tally.merge(std::mem::take(&mut session.tally));
        tally.merge(std::mem::take(&mut session.world.tally));
        coverage::note_setting(script, tally);
    }
    outcome
}

/// What is played, as the transcript tells it.
fn transcript(script: &Script, flaw: Option<Flaw>) -> String {
    let mut session = Session::new(script, flaw);
    let _ = quietly(|| session.play());
    excerpt(&session.world.transcript)
}

/// Makes the script of a failure short, and tells all that is needed to see it
/// again.
fn report(script: &Script, flaw: Option<Flaw>, violation: &Violation) -> String {
    let (script, violation) = shortest(script, flaw, violation);
    let story = transcript(&script, flaw);
    format!("{violation}\n\n{story}\n\n{script}")
}

fn shortest(script: &Script, flaw: Option<Flaw>, violation: &Violation) -> (Script, Violation) {
    let failure = |script: &Script| play(script, flaw, &mut Tally::default()).err();
    let alike =
        |other: Violation| (other.invariant, other.rule) == (violation.invariant, violation.rule);
    let script = shrink::shrink(script, |script| failure(script).is_some_and(alike));
    let violation = failure(&script).unwrap_or_else(|| violation.clone());
    (script, violation)
}

#[test]
fn the_invariants_hold_in_randomised_sessions() {
    if let Some(seed) = number("GRACELINE_SEED") {
        let script = draw::draw(seed);
        println!("{}\n\n{script}", transcript(&script, None));
        if let Err(violation) = play(&script, None, &mut Tally::default()) {
            panic!("seed {seed}: {}", report(&script, None, &violation));
        }
        return;
    }
    let sessions = number("GRACELINE_SESSIONS").unwrap_or(DEFAULT_SESSIONS);
    let tally = play_all(
        sessions,
        |seed, tally| play(&draw::draw(seed), None, tally),
        |seed, violation| report(&draw::draw(seed), None, violation),
    );
    if sessions >= DEFAULT_SESSIONS {
        coverage::assert_nothing_is_missing(&tally);
    }
}
