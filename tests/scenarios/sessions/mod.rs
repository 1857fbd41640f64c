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
//!
//! 7. A login that fails leaves nothing bound, or its error names what.
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
use script::Script;
use session::{Session, Violation};
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Mutex;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

/// Lines of a transcript that are printed.
const TOLD: usize = 160;

/// So many sessions that fail are enough.
const FAILURES: usize = 8;

const DEFAULT_SESSIONS: u64 = 2_400;
/// For so many sessions there is one more, whose seed is drawn from the commit.
const TO_ONE_OF_THE_COMMIT: u64 = 8;

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
    let lines = session.world.transcript;
    match lines.len().checked_sub(TOLD) {
        Some(more) if more > 0 => {
            let (first, last) = (&lines[..TOLD / 2], &lines[lines.len() - TOLD / 2..]);
            let left_out = format!("          … {more} lines …");
            [first, &[left_out], last].concat().join("\n")
        }
        _ => lines.join("\n"),
    }
}

thread_local! {
    static EXPECTS_PANIC: Cell<bool> = const { Cell::new(false) };
}

/// A panic is a violation like others; it is told at the end, once.
fn quietly(run: impl FnOnce() -> Result<(), Violation>) -> Result<(), Violation> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !EXPECTS_PANIC.get() {
                usual(info);
            }
        }));
    });
    EXPECTS_PANIC.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    EXPECTS_PANIC.set(false);
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        session::violated(0, "a panic", text.unwrap_or_default())
    })
}

/// Makes the script of a failure short, and tells all that is needed to see it
/// again.
fn report(script: &Script, flaw: Option<Flaw>, violation: &Violation) -> String {
    let (script, violation) = shortest(script, flaw, violation);
    let Violation {
        invariant,
        rule,
        detail,
    } = violation;
    let story = transcript(&script, flaw);
    format!("invariant {invariant}: {rule} ({detail})\n\n{story}\n\n{script}")
}

fn shortest(script: &Script, flaw: Option<Flaw>, violation: &Violation) -> (Script, Violation) {
    let failure = |script: &Script| play(script, flaw, &mut Tally::default()).err();
    let alike =
        |other: Violation| (other.invariant, other.rule) == (violation.invariant, violation.rule);
    let script = shrink::shrink(script, |script| failure(script).is_some_and(alike));
    let violation = failure(&script).unwrap_or_else(|| violation.clone());
    (script, violation)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
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
    let mut tally = Tally::default();
    let of_commit = seeds_of_commit(sessions / TO_ONE_OF_THE_COMMIT);
    for seeds in [Some(0..sessions), of_commit].into_iter().flatten() {
        coverage::say(&format!("sessions of the seeds {seeds:?}"));
        let (played, failures) = play_many(seeds);
        if let Some((seed, violation)) = failures.first() {
            let report = report(&draw::draw(*seed), None, violation);
            let others: Vec<u64> = failures.iter().skip(1).map(|(seed, _)| *seed).collect();
            panic!("GRACELINE_SEED={seed}: {report}\nothers that fail: {others:?}");
        }
        tally.merge(played);
    }
    coverage::tell(&tally);
    if sessions >= DEFAULT_SESSIONS {
        coverage::assert_nothing_is_missing(&tally);
    }
}

/// Seeds beyond those of any long run, from the id of the commit; none where there is
/// no git, as in a tarball.
fn seeds_of_commit(number: u64) -> Option<Range<u64>> {
    let head = Command::new("git").args(["rev-parse", "HEAD"]).output();
    let id = String::from_utf8(head.ok()?.stdout).ok()?;
    let first = u64::from_str_radix(id.get(..8)?, 16).ok()? << 24;
    Some(first..first + number)
}

/// Plays the sessions of all `seeds`, on all processors, until some have failed.
fn play_many(seeds: Range<u64>) -> (Tally, Vec<(u64, Violation)>) {
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new(Vec::new());
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return tally;
            }
            let begun = seed - seeds.start + 1;
            if begun.is_multiple_of(5_000) {
                coverage::say(&format!("{begun} sessions begun"));
            }
            if let Err(violation) = play(&draw::draw(seed), None, &mut tally) {
                let mut found = found.lock().expect("no panic in here");
                found.push((seed, violation));
                if found.len() >= FAILURES {
                    next.store(seeds.end, Ordering::Relaxed);
                }
            }
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            tally.merge(worker.join().expect("no panic in here"));
        }
    });
    (tally, found.into_inner().expect("no panic in here"))
}
