//! The table of calls (`tests/rules/history.txt`), which the functions of `deploy/kamailio`
//! play, too.

use crate::devices::{assert_answer, duration, pairs, spelt_out};
use crate::rules::each_case;
use crate::support::START;
use graceline::account::{Accounts, Address, Begun, CallKey, Kind, Outcome, Output, Party, Word};
use graceline::time::Instant;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const TABLE: &str = include_str!("../rules/history.txt");

#[test]
fn the_table_of_calls() {
    each_case(TABLE, |rows| {
        let mut play = Play::default();
        for row in rows.lines().filter(|row| !row.trim().is_empty()) {
            play.row(row);
        }
    });
}

struct Play {
    accounts: Accounts,
    now: Instant,
    /// Ids of calls by their names.
    ids: BTreeMap<String, String>,
}

impl Default for Play {
    fn default() -> Self {
        Self {
            accounts: Accounts::default(),
            now: Instant::from_millis(START * 1000),
            ids: BTreeMap::new(),
        }
    }
}

impl Play {
    fn row(&mut self, row: &str) {
        let mut cells = row.split('|').map(str::trim);
        let mut next = || cells.next().unwrap_or_default();
        let (step, answer, told) = (next(), next(), next());
        let words: Vec<&str> = step.split_whitespace().collect();
        if !self.step(&words) {
            let reply = self.ask(step);
            assert_answer(&reply, &self.named(answer), row);
        }
        assert_eq!(self.told(words.get(1)), told, "{row}");
    }

    /// What is heard of a call; or it is no such step.
    fn step(&mut self, words: &[&str]) -> bool {
        let now = self.now;
        let accounts = &mut self.accounts;
        match *words {
            ["CALL", call, from, to, ref takes @ ..] => accounts.call_began(
                now,
                Begun {
                    key: key(call),
                    caller: party(from),
                    from: address(from),
                    to: address(to),
                    callee: party(to).map(|callee| callee.user),
                    replaces: takes.first().map(|takes| replaced(takes)),
                },
            ),
            ["RINGS", call, at] => {
                let Party { user, device } = party(at).unwrap();
                accounts.call_rings(now, &key(call), &user, &device.unwrap());
            }
            ["FORWARDS", call, user, to] => {
                let heir = party(to).filter(|_| to != "voicemail");
                accounts.call_forwarded(now, &key(call), user, to, heir.map(|heir| heir.user));
            }
            ["ANSWERS", call, tag, ref at @ ..] => {
                let by = at.first().and_then(|at| party(at));
                accounts.call_answered(now, &key(call), tag, by);
            }
            ["FAILS", call, outcome, ref to @ ..] => {
                let outcome = match outcome {
                    "busy" => Outcome::Busy,
                    "declined" => Outcome::Declined,
                    "undisturbed" => Outcome::NotDisturbed,
                    "cancelled" => Outcome::Cancelled,
                    "otherwise" => Outcome::AskedOtherwise,
                    "redirected" => Outcome::Redirected(to[0].to_owned()),
                    _ => Outcome::Failed,
                };
                accounts.call_failed(now, &key(call), outcome);
            }
            ["ENDS", call, tag] => accounts.call_hung_up(now, &key(call), tag),
            ["SWEEP"] => accounts.sweep_calls(now),
            [wait] if wait.starts_with("wait=") => {
                self.now = now + duration(wait.trim_start_matches("wait="));
            }
            _ => return false,
        }
        true
    }

    fn ask(&mut self, step: &str) -> Value {
        let (asked, words) = step.split_once(' ').unwrap_or((step, ""));
        let (user, verb) = asked.split_once(':').unwrap();
        let args: Map<String, Value> = pairs(&self.named(words)).collect();
        let args = Value::Object(args).to_string();
        let reply = self.accounts.call(self.now, user, verb, &args);
        serde_json::from_str(&reply).unwrap()
    }

    /// Ids instead of names of calls.
    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, id) in &self.ids {
            text = text.replace(&format!("<{name}>"), id);
        }
        spelt_out(&text)
    }

    fn told(&mut self, call: Option<&&str>) -> String {
        let mut users = Vec::new();
        while let Some(output) = self.accounts.poll_output() {
            if let Output::Changed { user, kind, id } = output {
                assert_eq!(kind, Kind::History);
                users.push(user);
                let name = call.map_or("", |name| name).to_owned();
                self.ids.entry(name).or_insert(id.unwrap());
            }
        }
        users.sort_unstable();
        users.join(" ")
    }
}

fn key(call: &str) -> CallKey {
    CallKey {
        call_id: format!("call-{call}"),
        tag: format!("tag-{call}"),
    }
}

/// `user/device`, or `user`; numbers of nobody begin with 0.
fn party(text: &str) -> Option<Party> {
    let (user, device) = match text.split_once('/') {
        Some((user, device)) => (user, Some(device)),
        None => (text, None),
    };
    (!user.starts_with('0')).then(|| Party {
        user: user.to_owned(),
        device: device.map(|id| Word::try_from(id.to_owned()).unwrap()),
    })
}

fn address(text: &str) -> Address {
    let user = text.split('/').next().unwrap();
    Address::new(&format!("sip:{user}@example.com"), "")
}

fn replaced(takes: &str) -> (String, [String; 2]) {
    let takes = takes.trim_start_matches("takes=");
    let (call, tag) = takes.split_once('/').unwrap_or((takes, "none"));
    let CallKey { call_id, tag: own } = key(call);
    (call_id, [tag.to_owned(), own])
}
