//! Randomised sessions: users change their rules, call each other's numbers, answer, refuse,
//! lose their connection, give up. Whatever happens, each call has one record for each who
//! had part in it, who answers is heard, and in the end nothing rings.

use crate::call_rules::Play;
use crate::support::Client;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const SESSIONS: u64 = 300;
const CALLED: [&str; 5] = ["2002", "2003", "2004", "2005", "2999"];
const TARGETS: [&str; 11] = [
    "null",
    "\"2002\"",
    "\"2003\"",
    "\"2004\"",
    "\"2005\"",
    "\"2001\"",
    "\"2999\"",
    "\"voicemail\"",
    "\"voicemail\"",
    "\"voicemail\"",
    "\"sip:2002@example.com\"",
];
const REFUSALS: [&str; 7] = ["486", "600", "603", "480", "408", "503", "404"];

/// A sequence that looks like chance, and is the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound as u64).unwrap()
    }

    fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

#[test]
fn whatever_happens_each_call_has_one_record_and_an_end() {
    let mut results = BTreeMap::new();
    for seed in 1..=SESSIONS {
        session(seed, &mut results);
    }
    // Chance has come everywhere.
    for result in [
        "answered",
        "missed",
        "declined",
        "busy",
        "forwarded",
        "voicemail",
        "cancelled",
        "failed",
    ] {
        assert!(
            results.get(result).is_some_and(|count| *count > 3),
            "{result}: {results:?}"
        );
    }
}

fn session(seed: u64, results: &mut BTreeMap<String, usize>) {
    let mut dice = Dice(seed);
    let mut play = Play::new("");
    let mut dialled = Vec::new();
    for _ in 0..6 {
        for _ in 0..dice.below(3) {
            change_rules(&mut play, &mut dice);
        }
        let callee = dice.one_of(&CALLED);
        dialled.push(callee);
        call(&mut play, &mut dice, callee, seed);
        come_back(&mut play);
    }
    // Nobody waits for anything any more.
    play.step(&["wait=200"]);
    play.hear();
    assert!(
        play.ringing.is_empty(),
        "seed {seed}: {:?}",
        play.ringing.keys()
    );
    judge(&mut play, &dialled, seed, results);
}

fn change_rules(play: &mut Play, dice: &mut Dice) {
    let user = dice.one_of(&CALLED[..4]);
    let target = dice.one_of(&TARGETS);
    let rule = match dice.below(5) {
        0 => format!("always={target}"),
        1 => format!("busy={target}"),
        2 => format!("offline={target}"),
        3 if target == "null" => "noAnswer=null".to_owned(),
        3 => format!(
            "noAnswer={{\"to\":{target},\"seconds\":{}}}",
            5 + dice.below(20)
        ),
        _ => format!("doNotDisturb={}", dice.below(2) == 0),
    };
    play.step(&["RULES", user, &rule]);
}

/// A call from its INVITE to its end, with what chance puts between.
fn call(play: &mut Play, dice: &mut Dice, callee: &'static str, seed: u64) {
    let rules = play.ask(callee, "rules", "{}");
    let closed = rules["ok"]["doNotDisturb"] == true || !rules["ok"]["always"].is_null();
    play.step(&["CALL", callee]);
    play.hear();
    let (mut heard, did) = play.take();
    assert!(
        !closed || !did.split(' ').any(|user| user == callee),
        "seed {seed}: {callee} rings"
    );
    while !is_over(&heard) {
        let ringing: Vec<&'static str> = play.ringing.keys().copied().collect();
        match (dice.below(8), ringing.first()) {
            (0, _) => play.step(&["CANCEL"]),
            (1, Some(&user)) if user != "2001" => play.step(&["LOST", user]),
            (2, Some(user)) => play.step(&[user, "200"]),
            (3 | 4, Some(user)) => {
                let refusal = dice.one_of(&REFUSALS);
                play.step(&[user, refusal]);
            }
            (5, Some(user)) => play.step(&[user, "180"]),
            (6, _) => change_rules(play, dice),
            _ => play.step(&[&format!("wait={}", 1 + dice.below(30))]),
        }
        play.hear();
        heard = play.take().0;
    }
    let accepted = heard.split(' ').filter(|status| *status == "200").count();
    assert!(accepted <= 1, "seed {seed}");
    if accepted == 1 {
        play.step(&["BYE"]);
        play.hear();
    }
}

fn is_over(heard: &str) -> bool {
    heard.split(' ').any(|status| status >= "200")
}

/// Who has lost their connection logs in again.
fn come_back(play: &mut Play) {
    for user in CALLED.into_iter().filter(|user| *user != "2999") {
        if !play.phones.contains_key(user) {
            let contact = format!("<sip:{user}@{user}.invalid>");
            let client = Client::registered(&mut play.world, user, &contact);
            play.phones.insert(user, client);
        }
    }
}

fn judge(play: &mut Play, dialled: &[&str], seed: u64, results: &mut BTreeMap<String, usize>) {
    for user in ["2001", "2002", "2003", "2004", "2005", "voicemail"] {
        let calls = play.ask(user, "history", "{}");
        let calls = calls["ok"].as_array().unwrap();
        let ids: BTreeSet<String> = calls.iter().map(|call| call["id"].to_string()).collect();
        assert_eq!(
            ids.len(),
            calls.len(),
            "seed {seed}: {user} has one record a call"
        );
        for call in calls {
            let result = call["result"].as_str().unwrap().to_owned();
            *results.entry(result).or_default() += 1;
            assert!(call["end"].as_u64() >= call["start"].as_u64());
        }
        let of = |number: &str| {
            let uri = Value::from(format!("sip:{number}@example.com"));
            calls.iter().filter(|call| call["to"]["uri"] == uri).count()
        };
        let times = dialled.iter().filter(|number| **number == user).count();
        match user {
            "2001" => assert_eq!(calls.len(), dialled.len(), "seed {seed}"),
            "voicemail" => assert!(calls.is_empty(), "seed {seed}"),
            user => assert_eq!(of(user), times, "seed {seed}: calls of {user}"),
        }
    }
}
