//! The table of devices (`tests/rules/devices.txt`), which the functions of `deploy/kamailio`
//! play, too.

use crate::rules::{each_case, is_told};
use crate::support::{Client, FORCED, START, World, instance as digit_instance, users};
use graceline::registrar::{Config, SharedSlot};
use graceline::sip::{Message, Name};
use graceline::time::Duration;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const TABLE: &str = include_str!("../rules/devices.txt");
const TARGETS: &str = include_str!("../rules/targets.txt");

#[test]
fn the_table_of_devices() {
    each_case(TABLE, |rows| {
        let mut rows = rows.lines().filter(|row| !row.trim().is_empty()).peekable();
        let overrides = rows.next_if(|row| row.trim() == "slot=override").is_some();
        let mut play = Play::new(match overrides {
            true => SharedSlot::Override,
            false => SharedSlot::Ask,
        });
        for row in rows {
            play.row(row);
        }
    });
}

/// A registrar that knows devices, and who speaks to it.
pub struct Play {
    pub world: World,
    pub clients: BTreeMap<String, Client>,
}

impl Play {
    pub fn new(shared_slot: SharedSlot) -> Self {
        Self::of(Config {
            devices: true,
            shared_slot,
            pns: ["apns", "webpush"].map(str::to_owned).to_vec(),
            ..users()
        })
    }

    pub fn of(config: Config) -> Self {
        Self {
            world: World::new(config),
            clients: BTreeMap::new(),
        }
    }

    fn row(&mut self, row: &str) {
        let mut cells = row.split('|').map(str::trim);
        let mut next = || cells.next().unwrap_or_default();
        let (question, answer, devices, told) = (next(), next(), next(), next());
        if let Some(time) = question.strip_prefix("wait=") {
            self.world.pass(duration(time).as_millis() / 1000);
        } else if let Some(name) = question.strip_prefix("LOST ") {
            let client = self.clients.remove(name).unwrap();
            self.world.disconnect(client.connection);
        } else if let Some(words) = question.strip_prefix("REGISTER ") {
            assert_eq!(summary(&self.register(words)), answer, "{row}");
        } else {
            let reply = self.ask(question);
            assert_answer(&reply, &spelt_out(answer), row);
        }
        assert_eq!(self.devices(), devices, "{row}");
        let clients = self.clients.iter();
        let ousted = clients.filter(|(_, client)| is_told(&mut self.world, client));
        let ousted: Vec<&str> = ousted.map(|(name, _)| name.as_str()).collect();
        assert_eq!(ousted.join(" "), told, "{row}");
    }

    pub fn register(&mut self, words: &str) -> Message {
        let words = spelt_out(words);
        let (name, words) = words.split_once(' ').unwrap_or((&words, ""));
        let closed = |client: &Client| {
            let mut closed = self.world.closed.iter();
            closed.any(|(connection, _)| *connection == client.connection)
        };
        self.clients.retain(|_, client| !closed(client));
        let client = self.clients.entry(name.to_owned()).or_insert_with(|| {
            let mut client = Client::new(&mut self.world, "2001");
            client.call_id = format!("call of {name}");
            client
        });
        client.headers.clear();
        let pushed = words.split_whitespace();
        let pushed = pushed.filter(|word| word.starts_with("pn-"));
        let pushed: String = pushed.map(|word| format!(";{word}")).collect();
        let mut contacts = vec![format!("<sip:{name}@{name}{pushed}>")];
        for word in words.split_whitespace() {
            let (word, value) = word.split_once('=').unwrap_or((word, ""));
            match word {
                "instance" => contacts[0] += &format!(";+sip.instance=\"<{value}>\""),
                "shows" => client.headers += &format!("X-Graceline-Instance: <{value}>\r\n"),
                "force" => client.headers += FORCED,
                "also" => contacts.push(format!("<sip:{value}@{value}>;expires=0")),
                "expires" => client.headers += &format!("Expires: {value}\r\n"),
                "all" => contacts = vec!["*".to_owned()],
                "query" => contacts.clear(),
                _ if word.starts_with("pn-") => {}
                _ => assert!(word.is_empty(), "{word}"),
            }
        }
        let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
        client.register(&mut self.world, &contacts)
    }

    pub fn ask(&mut self, question: &str) -> Value {
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

    pub fn call(&mut self, user: &str, verb: &str, args: &Value) -> Value {
        self.reply(user, verb, &args.to_string())
    }

    fn reply(&mut self, user: &str, verb: &str, args: &str) -> Value {
        let World { registrar, now, .. } = &mut self.world;
        let reply = registrar.account(*now, user, verb, args);
        self.world.drain();
        serde_json::from_str(&reply).unwrap()
    }

    pub fn devices(&mut self) -> String {
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

/// An answer to REGISTER as the table has it.
pub fn summary(answer: &Message) -> String {
    let mut said = answer.status().to_string();
    let warning = answer.header(Name::Warning).unwrap_or_default();
    if warning.ends_with("\"Device not authorised\"") {
        said += " device";
    }
    if let Some(holder) = answer.header_named("X-Graceline-Holder") {
        let (_, rest) = holder.split_once("contact=\"").unwrap();
        said += &format!(" taken {}", rest.split('"').next().unwrap());
    }
    for caps in answer
        .all_headers()
        .filter(|(name, _)| *name == "Feature-Caps")
    {
        let (_, service) = caps.1.split_once("*;+sip.pns=\"").unwrap();
        said += &format!(" pns {}", service.trim_end_matches('"'));
    }
    said
}

pub fn duration(time: &str) -> Duration {
    let unit = time.trim_start_matches(|char: char| char.is_ascii_digit());
    let number = time.strip_suffix(unit).unwrap();
    let unit = match unit {
        "d" => 24 * 3600,
        "h" => 3600,
        _ => 1,
    };
    Duration::from_secs(number.parse::<u64>().unwrap() * unit)
}

/// `name=value` words, each value JSON or else a text.
pub fn pairs(words: &str) -> impl Iterator<Item = (String, Value)> {
    words.split_whitespace().map(|word| {
        let (name, value) = word.split_once('=').unwrap_or((word, "null"));
        let text = || Value::String(value.to_owned());
        let value = serde_json::from_str(value).unwrap_or_else(|_| text());
        (name.to_owned(), value)
    })
}

pub fn assert_answer(reply: &Value, expected: &str, row: &str) {
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
        let length = || Value::from(value.as_array().unwrap().len());
        let found = value.pointer(&format!("/{}", path.replace('.', "/")));
        let found = match path.as_str() {
            "length" => Some(length()),
            _ => found.cloned(),
        };
        assert_eq!(found, Some(expected), "{row}\n{path} of {reply}");
    }
}

/// `text` with its shorthands written out.
pub fn spelt_out(text: &str) -> String {
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
    let text = digit_instance(digit);
    let (_, urn) = text.split_once('<').unwrap();
    urn.trim_end_matches(">\"").to_owned()
}

/// `text` with each run of digits between `open` and `close` replaced.
fn replaced(text: &str, open: char, close: Option<char>, by: impl Fn(&str) -> String) -> String {
    let mut parts = text.split(open);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|char: char| char.is_ascii_digit());
        let digits = part.strip_suffix(rest).unwrap();
        if digits.is_empty() {
            out.push(open);
            out += part;
            continue;
        }
        out += &by(digits);
        out += match close {
            Some(close) => rest.strip_prefix(close).unwrap(),
            None => rest,
        };
    }
    out
}

#[test]
fn the_table_of_targets() {
    let mut play = Play::new(SharedSlot::Ask);
    let rows = TARGETS.lines().filter(|row| row.starts_with('"'));
    let mut count = 0;
    for row in rows {
        let (given, kept) = row.rsplit_once('|').unwrap();
        let reply = play.reply("2001", "rules_set", &format!(r#"{{"busy":{given}}}"#));
        match kept.trim() {
            "-" => assert_eq!(reply["refused"], "invalid", "{row}"),
            kept => assert_eq!(reply["ok"]["busy"], kept, "{row}"),
        }
        count += 1;
    }
    assert!(count > 50, "{count} rows");
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
    let mut play = Play::new(SharedSlot::Ask);
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
    let mut play = Play::new(SharedSlot::Ask);
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
    play.world.pass(1);
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
    let mut play = Play::new(SharedSlot::Ask);
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
    let mut play = Play::new(SharedSlot::Ask);
    for (args, complaint) in [
        ("{", "EOF while parsing"),
        ("[]", "invalid"),
        ("{\"id\":\"p\",\"nmae\":\"x\"}", "unknown field `nmae`"),
        (
            "{\"id\":\"p q\",\"name\":\"x\"}",
            "1 to 64 bytes without spaces",
        ),
    ] {
        let reply = play.reply("2001", "rename", args);
        assert_eq!(reply["refused"], "invalid");
        let said = reply["complaint"].as_str().unwrap();
        assert!(said.contains(complaint), "{args}: {said}");
    }
}

fn news(play: &mut Play) -> String {
    let news = std::mem::take(&mut play.world.account_news);
    news.join(", ")
}

#[test]
fn what_changes_is_told() {
    let mut play = Play::new(SharedSlot::Ask);
    play.ask("authorise id=p instance={a} class=mobile");
    assert_eq!(news(&mut play), "2001 devices");
    play.ask("rings_set ids=[\"p\"]");
    assert_eq!(news(&mut play), "2001 ringsOn");
    play.ask("rings_set ids=[\"p\"]");
    assert_eq!(news(&mut play), "");
    play.register("a instance={a}");
    assert_eq!(news(&mut play), "2001 devices");
    // A refresh is none.
    play.register("a instance={a}");
    assert_eq!(news(&mut play), "");
    play.ask("push_set id=p push={\"endpoint\":\"https://a.b\",\"p256dh\":\"B\",\"auth\":\"s\"}");
    assert_eq!(news(&mut play), "2001 push");
    play.ask("public_id_add id=marco kind=name");
    assert_eq!(news(&mut play), "2001 publicIds");
    play.ask("revoke id=p");
    assert_eq!(news(&mut play), "2001 ringsOn, 2001 devices");
    play.ask("rules_set busy=\"2002\" doNotDisturb=true");
    assert_eq!(news(&mut play), "2001 presence, 2001 rules");
    play.ask("rules_set busy=\"2002\"");
    assert_eq!(news(&mut play), "");
    play.ask("rules_set busy=null");
    assert_eq!(news(&mut play), "2001 rules");
    for _ in 0..2 {
        play.ask("presence_manual_set state=away");
        play.ask("mailbox_set new=1 old=0");
    }
    assert_eq!(news(&mut play), "2001 presence, 2001 voicemail");
    play.ask("devices");
    assert_eq!(news(&mut play), "");
}
