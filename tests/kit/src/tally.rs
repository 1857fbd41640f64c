//! Counts of what a run has seen, by category and name.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<(&'static str, String), u64>);

impl Tally {
    pub fn count(&mut self, category: &'static str, name: impl Into<String>) {
        self.add(category, name, 1);
    }

    pub fn add(&mut self, category: &'static str, name: impl Into<String>, number: u64) {
        *self.0.entry((category, name.into())).or_default() += number;
    }

    pub fn merge(&mut self, other: Tally) {
        for ((category, name), number) in other.0 {
            self.add(category, name, number);
        }
    }

    pub fn get(&self, category: &'static str, name: &str) -> u64 {
        let key = (category, name.to_owned());
        self.0.get(&key).copied().unwrap_or_default()
    }
}

/// One line for each category.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut current = "";
        for ((category, name), number) in &self.0 {
            if *category == current {
                write!(f, ", {name} {number}")?;
            } else {
                let end = if current.is_empty() { "" } else { "\n" };
                write!(f, "{end}{category}: {name} {number}")?;
                current = category;
            }
        }
        writeln!(f)
    }
}
