//! Randomised sessions: many seeds, each played on its own, on all processors.

use crate::tally::Tally;
use std::cell::Cell;
use std::fmt::{self, Debug, Display};
use std::io::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};

/// So many sessions that fail are enough.
const FAILURES: usize = 8;
/// For so many sessions there is one more, whose seed is drawn from the commit.
const TO_ONE_OF_THE_COMMIT: u64 = 8;

/// What did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of the invariant, as the documentation of the sessions has it.
    pub invariant: u8,
    /// Which part of it.
    pub rule: &'static str,
    pub detail: String,
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            invariant,
            rule,
            detail,
        } = self;
        write!(f, "invariant {invariant}: {rule} ({detail})")
    }
}

pub type Holds = Result<(), Violation>;

pub fn violated(invariant: u8, rule: &'static str, detail: impl Into<String>) -> Holds {
    Err(Violation {
        invariant,
        rule,
        detail: detail.into(),
    })
}

thread_local! {
    static EXPECTS_PANIC: Cell<bool> = const { Cell::new(false) };
}

/// A panic is a violation like others; it is told at the end, once.
pub fn quietly(run: impl FnOnce() -> Holds) -> Holds {
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
        violated(0, "a panic", text.unwrap_or_default())
    })
}

/// A number in the environment.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Past the test harness, which keeps the output of what passes to itself.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Seeds beyond those of any long run, from the id of the commit; none where there is
/// no git, as in a tarball.
fn seeds_of_commit(number: u64) -> Option<Range<u64>> {
    let head = Command::new("git").args(["rev-parse", "HEAD"]).output();
    let id = String::from_utf8(head.ok()?.stdout).ok()?;
    let first = u64::from_str_radix(id.get(..8)?, 16).ok()? << 24;
    Some(first..first + number)
}

/// Plays so many sessions, and some whose seeds are drawn from the commit; panics with
/// the `report` of the first that fails.
pub fn play_all<R: Display>(
    sessions: u64,
    play: impl Fn(u64, &mut Tally) -> Holds + Sync,
    report: impl Fn(u64, &Violation) -> R,
) -> Tally {
    let mut tally = Tally::default();
    let of_commit = seeds_of_commit(sessions / TO_ONE_OF_THE_COMMIT);
    for seeds in [Some(0..sessions), of_commit].into_iter().flatten() {
        say(&format!("sessions of the seeds {seeds:?}"));
        let (played, failures) = play_many(seeds, &play);
        if let Some((seed, violation)) = failures.first() {
            let report = report(*seed, violation);
            let others: Vec<u64> = failures.iter().skip(1).map(|(seed, _)| *seed).collect();
            panic!("GRACELINE_SEED={seed}: {report}\nothers that fail: {others:?}");
        }
        tally.merge(played);
    }
    say(&format!("\n{tally}"));
    tally
}

/// Plays the sessions of all `seeds`, on all processors, until some have failed.
fn play_many(
    seeds: Range<u64>,
    play: &(impl Fn(u64, &mut Tally) -> Holds + Sync),
) -> (Tally, Vec<(u64, Violation)>) {
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
                say(&format!("{begun} sessions begun"));
            }
            if let Err(violation) = play(seed, &mut tally) {
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

/// Deeds drawn from a seed, of which any may be left out.
pub trait Script: Clone + Debug {
    type Deed: Clone;

    fn draw(seed: u64) -> Self;

    fn deeds(&mut self) -> &mut Vec<Self::Deed>;

    fn play(&self, tally: &mut Tally) -> Holds;

    /// Plays it once more, and tells what happens.
    fn story(&self) -> Vec<String>;

    /// The script, made short, and what it does.
    fn report(&self, violation: &Violation) -> String {
        let with = |deeds: &[Self::Deed]| {
            let mut script = self.clone();
            *script.deeds() = deeds.to_vec();
            script
        };
        let fails = |deeds: &[Self::Deed]| {
            let outcome = with(deeds).play(&mut Tally::default());
            outcome.is_err_and(|other| other.rule == violation.rule)
        };
        let script = with(&shortest(self.clone().deeds(), fails));
        let story = excerpt(&script.story());
        format!("{violation}\n{script:#?}\n{story}")
    }
}

/// Plays the session of `GRACELINE_SEED` alone, and tells it if it fails; or as many as
/// `GRACELINE_SESSIONS` says: these are to have come across all of `expected`.
pub fn play_scripts<S: Script>(sessions: u64, expected: &[(&'static str, &str)]) {
    if let Some(seed) = number("GRACELINE_SEED") {
        let script = S::draw(seed);
        if let Err(violation) = script.play(&mut Tally::default()) {
            panic!("{}", script.report(&violation));
        }
        return;
    }
    let tally = play_all(
        number("GRACELINE_SESSIONS").unwrap_or(sessions),
        |seed, tally| S::draw(seed).play(tally),
        |seed, violation| S::draw(seed).report(violation),
    );
    for (category, name) in expected {
        let seen = tally.get(category, name) > 0;
        assert!(seen, "{category}: {name} never seen");
    }
}

/// Lines of a transcript that are printed.
const TOLD: usize = 160;

/// The first and the last lines of what was played.
pub fn excerpt(lines: &[String]) -> String {
    match lines.len().checked_sub(TOLD) {
        Some(more) if more > 0 => {
            let (first, last) = (&lines[..TOLD / 2], &lines[lines.len() - TOLD / 2..]);
            let left_out = format!("          … {more} lines …");
            [first, &[left_out], last].concat().join("\n")
        }
        _ => lines.join("\n"),
    }
}

/// The list without all that `fails` does not need: large pieces first, then smaller
/// ones.
pub fn shortest<T: Clone>(list: &[T], fails: impl Fn(&[T]) -> bool) -> Vec<T> {
    let mut best = list.to_vec();
    let mut size = best.len().max(1);
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            let mut candidate = best.clone();
            let end = (at + size).min(best.len());
            candidate.splice(at..end, []);
            match fails(&candidate) {
                true => best = candidate,
                false => at += size,
            }
        }
        size /= 2;
    }
    best
}
