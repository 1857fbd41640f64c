//! The table of messages (`tests/rules/messages.txt`), which the functions of `deploy/kamailio`
//! play, too; and what a kept message looks like.

use crate::devices::{Play, duration, spelt_out, summary};
use crate::rules::each_case;
use crate::support::{Client, users};
use graceline::registrar::Config;
use graceline::sip::{Framing, Message, Name};
use serde_json::json;

const TABLE: &str = include_str!("../rules/messages.txt");
const TO: &str = "sip:2001@example.com";

/// 2001 and 2002, of whom the first has devices that are authorised.
pub fn household() -> Config {
    let mut config = users();
    config.users.get_mut("2001").unwrap().devices = Some(true);
    config
}

/// A household, and 2002, who writes.
struct Scene {
    play: Play,
    writer: Client,
}

impl Scene {
    fn new() -> Self {
        let mut play = Play::of(household());
        let writer = Client::registered(&mut play.world, "2002", "<sip:z@z>");
        Self { play, writer }
    }

    fn authorise(&mut self, digits: &[&str]) {
        for digit in digits {
            let row = format!("authorise id={digit} instance={{{digit}}} class=mobile");
            self.row(&row);
        }
    }

    fn row(&mut self, row: &str) {
        let mut cells = row.split(" | ").map(|cell| spelt_out(cell.trim()));
        let mut next = || cells.next().unwrap_or_default();
        let (question, answer, comes) = (next(), next(), next());
        let mut sent = Vec::new();
        if let Some(time) = question.strip_prefix("wait=") {
            self.refresh();
            self.play.world.pass(duration(time).as_millis() / 1000);
            self.refresh();
        } else if let Some(name) = question.strip_prefix("LOST ") {
            let client = self.play.clients.remove(name).unwrap();
            self.play.world.disconnect(client.connection);
        } else if let Some(devices) = question.strip_prefix("devices=") {
            let mut config = household();
            config.users.get_mut("2001").unwrap().devices = Some(devices == "on");
            let world = &mut self.play.world;
            world.registrar.configure(world.now, config);
        } else if let Some(words) = question.strip_prefix("MESSAGE ") {
            assert_eq!(self.message(words), answer, "{row}");
        } else if let Some(words) = question.strip_prefix("REGISTER ") {
            let silent = words.ends_with(" silent");
            let words = words.trim_end_matches(" silent");
            assert_eq!(summary(&self.play.register(words)), answer, "{row}");
            let name = words.split(' ').next().unwrap();
            sent = self.heard(name, !silent);
        } else {
            let reply = self.play.ask(&question);
            assert_eq!(reply["refused"], json!(null), "{row}");
        }
        assert_eq!(sent, texts(&comes), "{row}");
    }

    /// The writer stays registered over the days.
    fn refresh(&mut self) {
        let answer = self.writer.register(&mut self.play.world, &["<sip:z@z>"]);
        assert_eq!(answer.status(), 200);
    }

    /// What 2002 writes, and where it goes, or what 2002 is answered.
    fn message(&mut self, words: &str) -> String {
        let (text, words) = words.split_once(' ').unwrap_or((words, ""));
        let (mut uri, mut kind, mut times) = (TO.to_owned(), "text/plain", 1);
        let mut silent = "";
        for word in words.split_whitespace() {
            match word.split_once('=').unwrap() {
                ("type", value) => kind = value,
                ("to", urn) => uri = format!("{TO};gr={urn}"),
                ("times", count) => times = count.parse().unwrap(),
                ("silent", name) => silent = name,
                _ => assert!(word.is_empty(), "{word}"),
            }
        }
        let mut answer = String::new();
        for number in 1..=times {
            let text = match times {
                1 => text.to_owned(),
                _ => format!("{text}{number}"),
            };
            answer = self.write(&uri, kind, &text, silent);
        }
        answer
    }

    fn write(&mut self, uri: &str, kind: &str, body: &str, silent: &str) -> String {
        let message = self.writer.message(uri, "", kind, body);
        self.play.world.send(self.writer.connection, message);
        let names: Vec<String> = self.play.clients.keys().cloned().collect();
        let there: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| self.heard(name, *name != silent) == [body])
            .collect();
        let answer = self.play.world.next(self.writer.connection);
        match there.is_empty() {
            true => answer.status().to_string(),
            false => format!("to {}", there.join(" ")),
        }
    }

    /// The texts that a client has been sent, each of which it may answer.
    fn heard(&mut self, name: &str, answers: bool) -> Vec<String> {
        let connection = self.play.clients[name].connection;
        let mut texts = Vec::new();
        while let Some(data) = self.play.world.raw(connection) {
            let message = Message::parse(&data, Framing::Frame).unwrap();
            if message.is_request() && message.method() == "MESSAGE" {
                texts.push(String::from_utf8(message.body().to_vec()).unwrap());
                if answers {
                    self.play.world.reply(connection, &message, "200 OK", "");
                }
            }
        }
        texts
    }
}

/// The texts in a cell.
fn texts(cell: &str) -> Vec<String> {
    let words = cell.split_whitespace();
    let all = words.map(|word| match word.split_once("..") {
        None => vec![word.to_owned()],
        Some((first, last)) => {
            let number = |text: &str| text.trim_matches('n').parse::<u32>().unwrap();
            let range = number(first)..=number(last);
            range.map(|number| format!("n{number}")).collect()
        }
    });
    all.flatten().collect()
}

#[test]
fn the_table_of_messages() {
    each_case(TABLE, |rows| {
        let mut scene = Scene::new();
        for row in rows.lines().filter(|row| !row.trim().is_empty()) {
            scene.row(row);
        }
    });
}

/// 2001 with devices a and b, and 2002, who writes.
fn two_devices() -> Scene {
    let mut scene = Scene::new();
    scene.authorise(&["a", "b"]);
    scene
}

impl Scene {
    /// A device registers; what it is sent then.
    fn kept_for(&mut self, name: &str) -> Vec<Message> {
        let words = format!("{name} instance={{{name}}}");
        assert_eq!(self.play.register(&words).status(), 200);
        let connection = self.play.clients[name].connection;
        std::iter::from_fn(|| self.play.world.raw(connection))
            .map(|data| Message::parse(&data, Framing::Frame).unwrap())
            .collect()
    }

    /// The status that 2002 hears of what it writes to both devices.
    fn status(&mut self) -> Option<u16> {
        let data = self.play.world.raw(self.writer.connection)?;
        Some(Message::parse(&data, Framing::Frame).unwrap().status())
    }

    fn send(&mut self, uri: &str, headers: &str, body: &str) {
        let kind = "text/plain;charset=utf-8";
        let message = self.writer.message(uri, headers, kind, body);
        self.play.world.send(self.writer.connection, message);
    }
}

#[test]
fn it_says_who_wrote_it_and_when() {
    let mut scene = two_devices();
    scene.send(TO, "", "first \"\u{fc}\"\r\nline 2");
    assert_eq!(scene.status(), Some(202));
    scene.send(TO, "Privacy: user;id\r\n", "second");
    let date = "Tue, 10 Nov 2026 12:00:00 GMT";
    scene.play.world.pass(3);
    let kept = scene.kept_for("a");
    assert_eq!(kept.len(), 2);
    let (first, second) = (&kept[0], &kept[1]);
    assert_eq!(first.request_uri(), "sip:a@a");
    assert_eq!(first.from().unwrap().uri, "sip:2002@example.com");
    assert!(first.from_tag().is_some());
    assert_eq!(first.header(Name::To), Some("<sip:2001@example.com>"));
    assert_eq!(first.header(Name::Date), Some(date));
    let kind = "text/plain;charset=utf-8";
    assert_eq!(first.header(Name::ContentType), Some(kind));
    let text = std::str::from_utf8(first.body()).unwrap();
    assert_eq!(text, "first \"\u{fc}\"\r\nline 2");
    let asserted = first.header(Name::PAssertedIdentity);
    assert_eq!(asserted, Some("<sip:2002@example.com>"));
    assert_eq!(second.header(Name::PAssertedIdentity), None);
    assert_ne!(first.call_id(), second.call_id());
}

#[test]
fn it_comes_under_the_name_and_id_that_its_sender_gave() {
    let mut scene = two_devices();
    let ids = [("2001", "ada"), ("2002", "marco")];
    for (user, id) in ids {
        let args = json!({ "id": id, "kind": "name" });
        let reply = scene.play.call(user, "public_id_add", &args);
        assert_eq!(reply["ok"]["confirmed"], true);
    }
    let kind = "text/plain";
    let ada = "sip:ada@example.com";
    let message = scene.writer.message(ada, "", kind, "hello");
    let named = message.replace(
        "From: <sip:2002@example.com>",
        "From: \"Ma \\\" rco\" <sip:marco@example.com>",
    );
    assert_ne!(named, message);
    scene.play.world.send(scene.writer.connection, named);
    assert_eq!(scene.status(), Some(202));
    let message = scene.kept_for("a").remove(0);
    let from = message.from().unwrap();
    assert_eq!(from.display_name.as_deref(), Some("Ma \" rco"));
    assert_eq!(from.uri, "sip:marco@example.com");
    let asserted = message.header(Name::PAssertedIdentity);
    assert_eq!(asserted, Some("<sip:marco@example.com>"));
    assert_eq!(message.header(Name::To), Some("<sip:2001@example.com>"));
}

#[test]
fn what_a_device_refuses_is_gone_and_what_it_fails_at_is_not() {
    for (status, again) in [
        ("200 OK", 0),
        ("202 Accepted", 0),
        ("302 Moved", 0),
        ("415 Unsupported Media Type", 0),
        ("603 Decline", 0),
        ("408 Request Timeout", 1),
        ("480 Temporarily Unavailable", 1),
        ("500 Server Internal Error", 1),
        ("503 Service Unavailable", 1),
    ] {
        let mut scene = two_devices();
        scene.send(TO, "", "hello");
        let message = scene.kept_for("a").remove(0);
        let connection = scene.play.clients["a"].connection;
        scene.play.world.reply(connection, &message, status, "");
        scene.play.clients.remove("a");
        scene.play.world.disconnect(connection);
        assert_eq!(scene.kept_for("a").len(), again, "{status}");
        assert_eq!(scene.kept_for("b").len(), 1, "the other has it yet to hear");
    }
}

#[test]
fn whom_those_that_are_there_fail_hears_that_it_is_kept() {
    type Failing = fn(&mut Scene, u32, &Message);
    let ways: [(&str, Failing); 4] = [
        ("busy", |scene, there, message| {
            scene.play.world.reply(there, message, "486 Busy Here", "");
        }),
        ("no", |scene, there, message| {
            scene.play.world.reply(there, message, "603 Decline", "");
        }),
        ("lost", |scene, there, _| scene.play.world.disconnect(there)),
        ("silent", |scene, _, _| scene.play.world.pass(10)),
    ];
    for (how, fail) in ways {
        let mut scene = two_devices();
        assert!(scene.kept_for("a").is_empty());
        let there = scene.play.clients["a"].connection;
        scene.send(TO, "", "hello");
        let message = scene.play.world.next(there);
        assert_eq!(scene.status(), None, "{how}");
        fail(&mut scene, there, &message);
        assert_eq!(scene.status(), Some(202), "{how}");
        assert_eq!(scene.kept_for("b").len(), 1, "{how}");
        scene.play.world.pass(60);
        assert_eq!(scene.status(), None, "{how}");
    }
}

#[test]
fn it_outlives_a_restart() {
    let mut scene = two_devices();
    scene.send(TO, "", "hello");
    scene.play.world.registrar.forget();
    assert_eq!(scene.kept_for("a").len(), 1);
}

#[test]
fn users_that_are_removed_leave_no_messages() {
    let mut scene = two_devices();
    scene.send(TO, "", "hello");
    let world = &mut scene.play.world;
    let without = Config {
        domain: Some("example.com".into()),
        ..Config::default()
    };
    world.registrar.configure(world.now, without);
    world.registrar.configure(world.now, household());
    scene.authorise(&["a", "b"]);
    assert!(scene.kept_for("a").is_empty());
}
