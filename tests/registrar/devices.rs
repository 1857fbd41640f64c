//! The table of facts (`tests/rules/devices.txt`), which the functions of `deploy/kamailio`
//! play, too.

use graceline::account::{Accounts, Output};
use graceline::time::{Duration, Instant};
use serde_json::{Map, Value, json};

use crate::support::START;

const TABLE: &str = include_str!("../rules/devices.txt");

#[test]
fn the_table_of_facts() {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let text: String = lines.map(|line| format!("\n{line}")).collect();
    let mut cases = 0;
    for case in text.split("\n== ").skip(1) {
        let (name, rows) = case.split_once('\n').unwrap();
        println!("{name}");
        let mut play = Play::default();
        for row in rows.lines().filter(|row| !row.trim().is_empty()) {
            play.row(row);
        }
        cases += 1;
    }
    assert!(cases > 10, "{cases} cases");
}

struct Play {
    accounts: Accounts,
    now: Instant,
}

impl Default for Play {
    fn default() -> Self {
        Self {
            accounts: Accounts::default(),
            now: Instant::from_millis(START * 1000),
        }
    }
}

impl Play {
    fn row(&mut self, row: &str) {
        let mut cells = row.split('|').map(str::trim);
        let mut next = || cells.next().unwrap_or_default();
        let (question, answer, devices) = (next(), next(), next());
        match question.strip_prefix("wait=") {
            Some(time) => self.now = self.now + duration(time),
            None => {
                let reply = self.ask(question);
                assert_answer(&reply, &spelt_out(answer), row);
            }
        }
        assert_eq!(self.devices(), devices, "{row}");
    }

    fn ask(&mut self, question: &str) -> Value {
        let question = spelt_out(question);
        let (verb, words) = question.split_once(' ').unwrap_or((&question, ""));
        let (user, verb) = verb.split_once(':').unwrap_or(("2001", verb));
        let mut args: Map<String, Value> = pairs(words).collect();
        if matches!(verb, "authorise" | "restore") {
            let usual = || json!({ "mobile": 2, "deskphone": 1 });
            args.entry("limits").or_insert_with(usual);
        }
        if let Some(id) = args.get("id").cloned().filter(|_| verb == "authorise") {
            args.entry("name").or_insert(id);
        }
        self.call(user, verb, &Value::Object(args))
    }

    fn call(&mut self, user: &str, verb: &str, args: &Value) -> Value {
        let reply = self.accounts.call(self.now, user, verb, &args.to_string());
        serde_json::from_str(&reply).unwrap()
    }

    fn devices(&mut self) -> String {
        let list = self.call("2001", "devices", &json!({}));
        let marked = |device: &Value| {
            let id = device["id"].as_str().unwrap();
            let revoked = if device["state"] == "revoked" {
                "!"
            } else {
                ""
            };
            let registered = if device["registered"] == true {
                "*"
            } else {
                ""
            };
            format!("{id}{revoked}{registered}")
        };
        let list: Vec<String> = list["ok"].as_array().unwrap().iter().map(marked).collect();
        list.join(" ")
    }
}

fn duration(time: &str) -> Duration {
    let (number, unit) = match time.strip_suffix('d') {
        Some(days) => (days, 24 * 3600),
        None => (time, 1),
    };
    Duration::from_secs(number.parse::<u64>().unwrap() * unit)
}

/// `name=value` words, each value JSON or else a text.
fn pairs(words: &str) -> impl Iterator<Item = (String, Value)> {
    words.split_whitespace().map(|word| {
        let (name, value) = word.split_once('=').unwrap_or((word, "null"));
        let text = || Value::String(value.to_owned());
        let value = serde_json::from_str(value).unwrap_or_else(|_| text());
        (name.to_owned(), value)
    })
}

fn assert_answer(reply: &Value, expected: &str, row: &str) {
    let Some(refusal) = expected.strip_prefix("refused ") else {
        let value = &reply["ok"];
        match serde_json::from_str::<Value>(expected) {
            Ok(whole) => assert_eq!(reply, &json!({ "ok": whole }), "{row}"),
            Err(_) => assert_parts(reply, value, expected, row),
        }
        return;
    };
    let (code, parts) = refusal.split_once(' ').unwrap_or((refusal, ""));
    assert_eq!(reply["refused"], code, "{row}\n{reply}");
    assert_parts(reply, reply, parts, row);
}

fn assert_parts(reply: &Value, value: &Value, parts: &str, row: &str) {
    for (path, expected) in pairs(parts) {
        let found = value.pointer(&format!("/{}", path.replace('.', "/")));
        assert_eq!(found, Some(&expected), "{row}\n{path} of {reply}");
    }
}

/// `text` with its shorthands written out.
fn spelt_out(text: &str) -> String {
    let mut text = text.to_owned();
    for digit in "0123456789abcdef".chars() {
        let small = urn(digit);
        let capital = urn(digit.to_ascii_uppercase());
        text = text.replace(&format!("{{{digit}}}"), &small);
        text = text.replace(&format!("{{{}}}", digit.to_ascii_uppercase()), &capital);
    }
    let letters = |digits: &str| "x".repeat(digits.parse().unwrap());
    text = replaced(&text, '<', Some('>'), letters);
    let millis = |digits: &str| (START * 1000 + 1000 * digits.parse::<u64>().unwrap()).to_string();
    replaced(&text, '@', None, millis)
}

fn urn(digit: char) -> String {
    let run = |count| digit.to_string().repeat(count);
    let (a, b, c) = (run(8), run(4), run(12));
    format!("urn:uuid:{a}-{b}-{b}-{b}-{c}")
}

/// `text` with each run of digits between `open` and `close` replaced.
fn replaced(text: &str, open: char, close: Option<char>, by: impl Fn(&str) -> String) -> String {
    let mut parts = text.split(open);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|char: char| char.is_ascii_digit());
        out += &by(part.strip_suffix(rest).unwrap());
        out += match close {
            Some(close) => rest.strip_prefix(close).unwrap(),
            None => rest,
        };
    }
    out
}

fn authorise(number: usize) -> Value {
    json!({
        "id": format!("d{number}"),
        "instance": format!("urn:uuid:00000000-0000-4000-8000-{number:012x}"),
        "class": "mobile",
        "name": "Phone",
        "limits": { "mobile": 4, "deskphone": 4 },
    })
}

#[test]
fn of_fifty_that_ask_at_once_as_many_get_in_as_may() {
    let mut play = Play::default();
    let replies = (0..50).map(|number| play.call("2001", "authorise", &authorise(number)));
    let replies: Vec<Value> = replies.collect();
    let added = replies.iter().filter(|reply| reply["ok"]["added"] == true);
    assert_eq!(added.count(), 4);
    let refused = |reply: &&Value| reply["refused"] == "limit" && reply["limit"] == 4;
    assert_eq!(replies.iter().filter(refused).count(), 46);
    assert_eq!(play.devices(), "d0 d1 d2 d3");
}

#[test]
fn no_user_has_more_than_64_devices_whatever_the_limit() {
    let mut play = Play::default();
    let ask = |play: &mut Play, number: usize| {
        let mut args = authorise(number);
        args["limits"]["mobile"] = json!(1000);
        play.call("2001", "authorise", &args)
    };
    for number in 0..64 {
        assert_eq!(ask(&mut play, number)["ok"]["added"], true, "{number}");
    }
    let refused = ask(&mut play, 64);
    assert_eq!(
        (&refused["refused"], &refused["limit"]),
        (&json!("limit"), &json!(64))
    );
    assert_eq!(refused["devices"].as_array().unwrap().len(), 64);
    // One that is revoked makes room, the one revoked longest ago.
    play.call("2001", "revoke", &json!({ "id": "d9" }));
    play.now = play.now + Duration::from_secs(1);
    play.call("2001", "revoke", &json!({ "id": "d5" }));
    assert_eq!(ask(&mut play, 64)["ok"]["added"], true);
    let left = play.devices();
    let left: Vec<&str> = left.split(' ').collect();
    assert_eq!(
        (left.len(), left.contains(&"d5!"), left.contains(&"d9!")),
        (64, true, false)
    );
}

#[test]
fn no_user_has_more_than_32_public_ids() {
    let mut play = Play::default();
    for number in 0..32 {
        let args = json!({ "id": format!("n{number}"), "kind": "name" });
        assert_eq!(
            play.call("2001", "public_id_add", &args)["ok"]["confirmed"],
            true
        );
    }
    let args = json!({ "id": "n32", "kind": "name" });
    let refused = play.call("2001", "public_id_add", &args);
    assert_eq!(refused, json!({ "refused": "limit", "limit": 32 }));
}

#[test]
fn a_refusal_of_what_is_not_understood_says_what_is_wrong() {
    let mut play = Play::default();
    for (args, complaint) in [
        ("{", "EOF while parsing"),
        ("[]", "invalid"),
        ("{\"id\":\"p\",\"nmae\":\"x\"}", "unknown field `nmae`"),
        (
            "{\"id\":\"p q\",\"name\":\"x\"}",
            "1 to 64 bytes without spaces",
        ),
    ] {
        let reply = play.accounts.call(play.now, "2001", "rename", args);
        let reply: Value = serde_json::from_str(&reply).unwrap();
        assert_eq!(reply["refused"], "invalid");
        let said = reply["complaint"].as_str().unwrap();
        assert!(said.contains(complaint), "{args}: {said}");
    }
}

fn outputs(play: &mut Play) -> Vec<String> {
    let mut said = Vec::new();
    while let Some(output) = play.accounts.poll_output() {
        said.push(match output {
            Output::Changed { user, kind } => format!("{user} {}", kind.as_str()),
            Output::Barred { user, instance } => format!("{user} bars {instance}"),
        });
    }
    said
}

#[test]
fn what_follows_is_told() {
    let mut play = Play::default();
    let instance = "urn:uuid:00000000-0000-4000-8000-000000000000";
    play.call("2001", "authorise", &authorise(0));
    assert_eq!(outputs(&mut play), ["2001 devices"]);
    play.call("2001", "rings_set", &json!({ "ids": ["d0"] }));
    assert_eq!(outputs(&mut play), ["2001 ringsOn"]);
    play.call("2001", "rings_set", &json!({ "ids": ["d0"] }));
    assert_eq!(outputs(&mut play), [""; 0]);
    play.accounts.handle_bindings(play.now, "2001", &[instance]);
    assert_eq!(outputs(&mut play), ["2001 devices"]);
    play.accounts.handle_bindings(play.now, "2001", &[instance]);
    assert_eq!(outputs(&mut play), [""; 0]);
    play.call("2001", "revoke", &json!({ "id": "d0" }));
    let bars = format!("2001 bars {instance}");
    assert_eq!(outputs(&mut play), [&bars, "2001 ringsOn", "2001 devices"]);
    play.call("2001", "devices", &json!({}));
    assert_eq!(outputs(&mut play), [""; 0]);
}

#[test]
fn a_registered_device_is_not_idle_and_was_seen_until_it_went() {
    let mut play = Play::default();
    let instance = "URN:UUID:00000000-0000-4000-8000-000000000000";
    play.call("2001", "authorise", &authorise(0));
    play.accounts.handle_bindings(play.now, "2001", &[instance]);
    play.now = play.now + duration("40d");
    assert_eq!(play.devices(), "d0*");
    play.accounts.handle_bindings(play.now, "2001", &[]);
    play.now = play.now + duration("30d");
    assert_eq!(play.devices(), "d0");
    play.now = play.now + duration("1");
    assert_eq!(play.devices(), "");
    outputs(&mut play);
}

fn credential(name: &str, device: &str, until: Instant) -> Value {
    json!({
        "name": name, "device": device, "until": until.millis(),
        "ha1": "0".repeat(32), "ha1_sha256": "F".repeat(64),
    })
}

#[test]
fn a_device_has_credentials_of_its_own_for_a_while() {
    let mut play = Play::default();
    let hour = Duration::from_secs(3600);
    play.call("2001", "authorise", &authorise(0));
    play.call("2001", "authorise", &authorise(1));
    let until = play.now + hour * 10;
    let ask = |play: &mut Play, name, device, until| {
        play.call("2001", "credential_set", &credential(name, device, until))
    };
    assert_eq!(ask(&mut play, "n0", "d0", until), json!({ "ok": null }));
    assert_eq!(ask(&mut play, "n0", "d0", until), json!({ "ok": null }));
    assert_eq!(
        ask(&mut play, "n0", "d1", until),
        json!({ "refused": "taken" })
    );
    assert_eq!(
        ask(&mut play, "n1", "d7", until),
        json!({ "refused": "unknown" })
    );
    let found = play.accounts.credential(play.now, "n0").unwrap();
    assert_eq!((found.user.as_str(), &*found.device), ("2001", "d0"));
    assert_eq!(&*found.ha1_sha256, "f".repeat(64));
    let mut wrong = credential("n1", "d0", until);
    wrong["ha1"] = json!("0");
    assert_eq!(
        play.call("2001", "credential_set", &wrong)["refused"],
        "invalid"
    );
    // Four at once: those that end first go.
    for number in 1..=4 {
        let until = play.now + hour * number;
        ask(
            &mut play,
            ["n1", "n2", "n3", "n4"][number as usize - 1],
            "d0",
            until,
        );
    }
    let good = |play: &Play, names: [&'static str; 5]| {
        let good = names
            .into_iter()
            .filter(|name| play.accounts.credential(play.now, name).is_some());
        good.collect::<Vec<_>>().join(" ")
    };
    let names = ["n0", "n1", "n2", "n3", "n4"];
    assert_eq!(good(&play, names), "n0 n2 n3 n4");
    play.now = play.now + hour * 2;
    assert_eq!(good(&play, names), "n0 n3 n4");
    // Of a revoked one they stay, of one that is gone for an hour: they tell who is refused.
    play.call("2001", "revoke", &json!({ "id": "d0" }));
    assert_eq!(good(&play, names), "n0 n3 n4");
    assert_eq!(
        ask(&mut play, "n5", "d0", until),
        json!({ "refused": "revoked" })
    );
    play.call("2001", "forget", &json!({ "id": "d0" }));
    assert_eq!(good(&play, names), "n0 n3 n4");
    play.now = play.now + hour;
    assert_eq!(good(&play, names), "");
    ask(&mut play, "m", "d1", until);
    play.call("2001", "credentials_drop", &json!({ "device": "d1" }));
    assert!(play.accounts.credential(play.now, "m").is_none());
}
