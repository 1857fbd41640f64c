//! What is to happen at a time, in the order in which it was put there.

use graceline::time::Instant;
use std::collections::BTreeMap;

pub struct Queue<T> {
    entries: BTreeMap<(Instant, u64), T>,
    /// Of all entries so far.
    count: u64,
}

impl<T> Queue<T> {
    pub fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            count: 0,
        }
    }

    pub fn put(&mut self, at: Instant, what: T) {
        self.count += 1;
        self.entries.insert((at, self.count), what);
    }

    /// When the first of them is due.
    pub fn next_time(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }

    /// The first, if it is due.
    pub fn pop(&mut self, now: Instant) -> Option<T> {
        let due = self.next_time().is_some_and(|at| at <= now);
        due.then(|| self.entries.pop_first())?.map(|(_, what)| what)
    }

    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.entries.retain(|_, what| keep(what));
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
