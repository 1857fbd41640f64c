//! Where calls go by the rules of who is called: the table that `deploy/kamailio` plays,
//! too (`tests/rules/calls.txt`), and what it does not say.

use crate::calls::inside;
use crate::devices::{self, assert_answer, pairs};
use crate::rules::each_case;
use crate::support::{Client, World, users};
use graceline::registrar::{Config, SharedSlot};
use graceline::sip::{Framing, Message, Name};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const TABLE: &str = include_str!("../rules/calls.txt");

const USERS: [&str; 9] = [
    "2001",
    "2002",
    "2003",
    "2004",
    "2005",
    "2006",
    "2007",
    "2008",
    "voicemail",
];

#[test]
fn the_table_of_calls() {
    each_case(TABLE, |rows| {
        let mut rows = rows.lines().filter(|row| !row.trim().is_empty()).peekable();
        let away = rows.next_if(|row| row.starts_with("  "));
        let away = away.map_or("", |row| row.trim().trim_start_matches("away="));
        let mut play = Play::new(away);
        for row in rows {
            play.row(row);
        }
        play.is_over();
    });
}

/// Phones of one registrar; 2001 calls.
pub struct Play {
    pub world: World,
    pub phones: BTreeMap<&'static str, Client>,
    /// INVITEs that ring, by whose phone it is.
    pub ringing: BTreeMap<&'static str, Message>,
    /// Route and number of the phone that has answered.
    answered: Option<(String, u32)>,
    /// What 2001 has heard, and what phones have done.
    heard: Vec<String>,
    did: Vec<String>,
    /// The last INVITE that 2001 has sent.
    invite: String,
}

impl Play {
    pub fn new(away: &str) -> Self {
        Self::configured(away, |_| ())
    }

    /// At a registrar that is another one in something.
    pub fn configured(away: &str, change: impl FnOnce(&mut Config)) -> Self {
        let named = |config: Config, name: &&str| config.with_user(*name, "other");
        let mut config = USERS.iter().skip(2).fold(users(), named);
        for user in config.users.values_mut() {
            user.unique = Some(true);
        }
        change(&mut config);
        let mut world = World::new(config);
        let there = USERS.iter().filter(|user| **user != away);
        let phones = there.map(|user| {
            let contact = format!("<sip:{user}@{user}.invalid>");
            (*user, Client::registered(&mut world, user, &contact))
        });
        Self {
            phones: phones.collect(),
            world,
            ringing: BTreeMap::new(),
            answered: None,
            heard: Vec::new(),
            did: Vec::new(),
            invite: String::new(),
        }
    }

    fn row(&mut self, row: &str) {
        let mut cells = row.split('|').map(str::trim);
        let mut next = || cells.next().unwrap_or_default();
        let (step, heard, did) = (next(), next(), next());
        let words: Vec<&str> = step.split_whitespace().collect();
        if let Some(user) = words[0].strip_suffix(":history") {
            return assert_answer(&self.ask(user, "history", "{}"), heard, row);
        }
        self.step(&words);
        self.hear();
        let (now_heard, now_did) = self.take();
        assert_eq!(
            (now_heard.as_str(), now_did.as_str()),
            (heard, did),
            "{row}"
        );
    }

    /// What 2001 has heard since this was asked last, and what phones have done.
    pub fn take(&mut self) -> (String, String) {
        let heard = std::mem::take(&mut self.heard).join(" ");
        (heard, std::mem::take(&mut self.did).join(" "))
    }

    pub fn step(&mut self, words: &[&str]) {
        match *words {
            ["RULES", user, ref rules @ ..] => {
                let rules: Map<String, Value> = pairs(&rules.join(" ")).collect();
                let reply = self.ask(user, "rules_set", &Value::Object(rules).to_string());
                assert!(reply["ok"].is_object(), "{reply}");
            }
            ["CALL", user] => self.call(&format!("sip:{user}@example.com"), ""),
            ["CANCEL"] => {
                let cancel = self.invite.replacen("INVITE", "CANCEL", 1);
                let cancel = cancel.replace(" INVITE\r\n", " CANCEL\r\n");
                self.world.send(self.phones["2001"].connection, cancel);
            }
            ["BYE"] => {
                let (route, callee) = self.answered.take().expect("an answered call");
                let caller = self.phones.get_mut("2001").unwrap();
                let bye = inside(caller, "BYE", &route, callee);
                self.world.send(caller.connection, bye);
            }
            ["LOST", user] => {
                self.ringing.remove(user);
                let phone = self.phones.remove(user).unwrap();
                self.world.disconnect(phone.connection);
            }
            [wait] => {
                let seconds = wait.strip_prefix("wait=").unwrap();
                self.world.pass(seconds.parse().unwrap());
            }
            [user, code, ref contact @ ..] => {
                let contact = contact.iter().map(|uri| format!("Contact: <{uri}>\r\n"));
                let contact: String = contact.collect();
                let connection = self.phones[user].connection;
                let invite = self.ringing[user].clone();
                if code >= "200" {
                    self.ringing.remove(user);
                }
                self.world
                    .reply(connection, &invite, &format!("{code} So"), &contact);
            }
            ref other => assert!(other.is_empty(), "{other:?}"),
        }
    }

    /// 2001 calls an address.
    pub fn call(&mut self, uri: &str, headers: &str) {
        let caller = self.phones.get_mut("2001").unwrap();
        caller.call_id += "+";
        self.invite = caller.request("INVITE", uri, headers);
        self.world.send(caller.connection, &self.invite);
    }

    /// Reads what the registrar has sent, and does what phones do then.
    pub fn hear(&mut self) {
        let connections: Vec<_> = self
            .phones
            .iter()
            .map(|(user, phone)| (*user, phone.connection))
            .collect();
        let mut again = true;
        while std::mem::take(&mut again) {
            for (user, connection) in &connections {
                while let Some(data) = self.world.raw(*connection) {
                    let message = Message::parse(&data, Framing::Frame).unwrap();
                    again = true;
                    match message.is_request() {
                        true => self.asked(user, *connection, message),
                        false => self.told(*connection, &message),
                    }
                }
            }
        }
        self.did.sort_unstable();
    }

    fn asked(&mut self, user: &'static str, connection: u32, request: Message) {
        match request.method() {
            "INVITE" => {
                self.did.push(user.to_owned());
                assert!(self.ringing.insert(user, request).is_none(), "{user} rings");
            }
            "CANCEL" => {
                self.world.reply(connection, &request, "200 OK", "");
                if let Some(invite) = self.ringing.remove(user) {
                    self.did.push(format!("-{user}"));
                    self.world
                        .reply(connection, &invite, "487 Request Terminated", "");
                }
            }
            "BYE" => self.world.reply(connection, &request, "200 OK", ""),
            _ => {}
        }
    }

    fn told(&mut self, connection: u32, answer: &Message) {
        let is_invite = answer.cseq().is_some_and(|cseq| cseq.method == "INVITE");
        let status = answer.status();
        if !is_invite || status == 100 {
            return;
        }
        self.heard.push(status.to_string());
        if status >= 300 {
            let ack = self.invite.replacen("INVITE", "ACK", 1);
            let ack = ack.replace(" INVITE\r\n", " ACK\r\n");
            self.world.send(connection, ack);
        } else if status >= 200 {
            let route = answer.header(Name::RecordRoute).unwrap().to_owned();
            let callee = answer.to_tag().unwrap().trim_start_matches('t');
            self.answered = Some((route, callee.parse().unwrap()));
        }
    }

    pub fn ask(&mut self, user: &str, verb: &str, args: &str) -> Value {
        let World { registrar, now, .. } = &mut self.world;
        let reply = registrar.account(*now, user, verb, args);
        self.world.drain();
        serde_json::from_str(&reply).unwrap()
    }

    /// Nothing rings any more, and who had part in a call has one record of it.
    pub fn is_over(&mut self) {
        assert!(self.ringing.is_empty(), "somebody rings");
        for user in USERS {
            let calls = self.ask(user, "history", "{}");
            let calls = calls["ok"].as_array().unwrap();
            let most = usize::from(user != "voicemail");
            assert!(calls.len() <= most, "{user}: {calls:?}");
        }
        let told = std::mem::take(&mut self.world.account_news);
        let told = |user: &str| {
            told.iter()
                .filter(|news| **news == format!("{user} history"))
                .count()
        };
        assert_eq!(told("2001"), 1);
    }
}

/// What `name` headers of the INVITE that rings at `user` say.
pub fn said(play: &Play, user: &str, name: &str) -> String {
    let headers = play.ringing[user].all_headers();
    let named = headers.filter(|(header, _)| *header == name);
    named
        .map(|(_, value)| value)
        .collect::<Vec<_>>()
        .join("; and ")
}

#[test]
fn who_gets_a_diverted_call_is_told_by_whom_and_why() {
    let mut play = Play::new("2003");
    play.step(&["RULES", "2002", "busy=\"2003\""]);
    play.step(&["RULES", "2003", "offline=voicemail"]);
    play.call(
        "sip:2002@example.com;transport=ws",
        "Diversion: <sip:liar@example.com>\r\nHISTORY-INFO: <sip:liar@example.com>;index=1\r\n",
    );
    play.hear();
    assert_eq!(said(&play, "2002", "Diversion"), "");
    assert_eq!(said(&play, "2002", "History-Info"), "");
    play.step(&["2002", "486"]);
    play.hear();
    assert_eq!(
        said(&play, "voicemail", "Diversion"),
        "<sip:2003@example.com>;reason=unavailable, <sip:2002@example.com>;reason=user-busy"
    );
    assert_eq!(
        said(&play, "voicemail", "History-Info"),
        "<sip:2002@example.com?Reason=SIP%3Bcause%3D486>;index=1, \
         <sip:2003@example.com;cause=486?Reason=SIP%3Bcause%3D404>;index=1.1;mp=1, \
         <sip:voicemail@example.com;cause=404>;index=1.1.1;mp=1.1"
    );
    let invite = &play.ringing["voicemail"];
    assert_eq!(invite.from().unwrap().uri, "sip:2001@example.com");
    assert_eq!(
        invite.to().unwrap().uri,
        "sip:2002@example.com;transport=ws"
    );
    assert_eq!(invite.header(Name::MaxForwards), Some("67"));
    assert_eq!(
        invite.header(Name::PAssertedIdentity),
        Some("<sip:2001@example.com>")
    );
}

#[test]
fn a_call_that_may_not_go_so_far_is_sent_on_no_further() {
    let mut play = Play::new("");
    play.step(&["RULES", "2002", "always=\"2003\""]);
    let caller = play.phones.get_mut("2001").unwrap();
    let invite = caller.request("INVITE", "sip:2002@example.com", "");
    let invite = invite.replacen("Max-Forwards: 70", "Max-Forwards: 1", 1);
    play.world.send(caller.connection, invite);
    play.hear();
    assert_eq!(play.take().0, "483");
}

#[test]
fn a_late_answer_of_who_rings_no_more_is_taken() {
    let mut play = Play::new("");
    play.step(&["RULES", "2002", "noAnswer={\"to\":\"2003\",\"seconds\":5}"]);
    play.step(&["CALL", "2002"]);
    play.hear();
    let invite = play.ringing["2002"].clone();
    play.world.pass(5);
    let phone = play.phones["2002"].connection;
    play.world.reply(phone, &invite, "200 OK", "");
    play.ringing.remove("2002");
    play.hear();
    assert_eq!(play.take(), ("181 200".into(), "-2003 2002 2003".into()));
    play.step(&["BYE"]);
    play.hear();
    let history = play.ask("2002", "history", "{}");
    assert_eq!(history["ok"][0]["result"], "answered");
}

#[test]
fn a_caller_who_is_gone_rings_nowhere_and_has_a_record() {
    for status in ["180", ""] {
        let mut play = Play::new("");
        play.step(&["CALL", "2002"]);
        play.hear();
        if !status.is_empty() {
            play.step(&["2002", status]);
        }
        play.step(&["LOST", "2001"]);
        play.hear();
        assert!(play.take().1.contains("-2002"));
        assert_eq!(
            play.ask("2001", "history", "{}")["ok"][0]["result"],
            "cancelled"
        );
        assert_eq!(
            play.ask("2002", "history", "{}")["ok"][0]["result"],
            "missed"
        );
    }
}

#[test]
fn a_call_whose_parties_are_gone_is_over_and_so_is_one_of_a_registrar_that_forgot_it() {
    let ended = |play: &mut Play| play.ask("2002", "history", "{}")["ok"][0]["end"].as_u64();
    let mut play = Play::new("");
    play.step(&["CALL", "2002"]);
    play.hear();
    play.step(&["2002", "200"]);
    play.hear();
    play.step(&["LOST", "2001"]);
    assert_eq!(ended(&mut play), None);
    play.step(&["LOST", "2002"]);
    assert_eq!(ended(&mut play), Some(play.world.now.millis()));
    let mut play = Play::new("");
    play.step(&["CALL", "2002"]);
    play.hear();
    play.step(&["2002", "200"]);
    play.hear();
    play.world.registrar.forget();
    play.world.pass(11);
    assert_eq!(ended(&mut play), None);
    play.world.pass(1);
    assert_eq!(ended(&mut play), Some(play.world.now.millis()));
}

/// 2001 with a page w and a desk phone d, both logged in; and 2002.
pub fn one_number() -> (devices::Play, Client) {
    let mut play = devices::Play::new(SharedSlot::Ask);
    for (id, instance, class) in [("w", 'a', "web"), ("d", 'd', "deskphone")] {
        play.ask(&format!(
            "authorise id={id} instance={{{instance}}} class={class}"
        ));
        let answer = play.register(&format!("{id} instance={{{instance}}}"));
        assert_eq!(answer.status(), 200);
    }
    let World { registrar, now, .. } = &mut play.world;
    let mut config = registrar.config().clone();
    config.users.get_mut("2002").unwrap().devices = Some(false);
    registrar.configure(*now, config);
    let caller = Client::registered(&mut play.world, "2002", "<sip:z@z>");
    (play, caller)
}

/// Whether an INVITE, or the end of one, came to a device.
pub fn came(play: &mut devices::Play, id: &str) -> String {
    let Some(client) = play.clients.get(id) else {
        return String::new();
    };
    let connection = client.connection;
    let mut came = String::new();
    while let Some(data) = play.world.raw(connection) {
        let message = Message::parse(&data, Framing::Frame).unwrap();
        if message.is_request() {
            came += message.method();
        }
    }
    came
}

#[test]
fn the_rule_for_no_answer_leaves_the_desk_phone_alone_while_the_page_is_there() {
    let (mut play, mut caller) = one_number();
    play.ask("rules_set noAnswer={\"to\":\"2002\",\"seconds\":10}");
    let invite = caller.request("INVITE", "sip:2001@example.com", "");
    play.world.send(caller.connection, invite);
    play.world.pass(9);
    assert_eq!(came(&mut play, "w"), "INVITE");
    play.world.pass(1);
    assert_eq!(came(&mut play, "w"), "CANCEL");
    assert_eq!(came(&mut play, "d"), "");
    assert_eq!(caller_heard(&mut play, &caller), "100 181 INVITE");
}

pub fn caller_heard(play: &mut devices::Play, caller: &Client) -> String {
    let mut heard = Vec::new();
    while let Some(data) = play.world.raw(caller.connection) {
        let message = Message::parse(&data, Framing::Frame).unwrap();
        heard.push(match message.is_request() {
            true => message.method().to_owned(),
            false => message.status().to_string(),
        });
    }
    heard.join(" ")
}

#[test]
fn the_star_code_takes_a_device_into_the_set_and_out_of_it() {
    let (mut play, mut caller) = one_number();
    let dial = |play: &mut devices::Play, id: &str| {
        let client = play.clients.get_mut(id).unwrap();
        let invite = client.request("INVITE", "sip:*987@example.com", "");
        let connection = client.connection;
        play.world.send(connection, invite);
        let answer = play.world.next(connection);
        assert_eq!(answer.status(), 480);
        let rings = play.ask("rings")["ok"].to_string();
        (answer.reason().to_owned(), rings)
    };
    let said = |reason: &str, rings: &str| (reason.to_owned(), rings.to_owned());
    assert_eq!(
        dial(&mut play, "d"),
        said("This Device Rings, No Other", r#"["d"]"#)
    );
    assert_eq!(
        dial(&mut play, "w"),
        said("This Device Rings, Too", r#"["d","w"]"#)
    );
    assert_eq!(
        dial(&mut play, "d"),
        said("This Device Rings No More", r#"["w"]"#)
    );
    assert_eq!(
        dial(&mut play, "w"),
        said("It Rings Where You Are Logged In", r#""auto""#)
    );
    assert_eq!(play.ask("history")["ok"], json!([]));
    // Nobody's set: all of a user's bindings ring.
    let invite = caller.request("INVITE", "sip:*987@example.com", "");
    play.world.send(caller.connection, invite);
    assert_eq!(caller_heard(&mut play, &caller), "403");
    let World { registrar, now, .. } = &mut play.world;
    let config = Config {
        star_code: None,
        ..registrar.config().clone()
    };
    registrar.configure(*now, config);
    let page = play.clients.get_mut("w").unwrap();
    let invite = page.request("INVITE", "sip:*987@example.com", "");
    let connection = page.connection;
    play.world.send(connection, invite);
    assert_eq!(play.world.next(connection).status(), 404);
}

#[test]
fn a_record_names_the_devices_of_its_reader() {
    let (mut play, mut caller) = one_number();
    let invite = caller.request("INVITE", "sip:2001@example.com", "");
    play.world.send(caller.connection, &invite);
    let page = play.clients["w"].connection;
    let copy = play.world.next(page);
    play.world.reply(page, &copy, "180 Ringing", "");
    play.world.reply(page, &copy, "603 Decline", "");
    let record = &play.ask("history")["ok"][0];
    assert_eq!(
        (&record["rang"], &record["result"]),
        (&json!(["w"]), &json!("declined"))
    );
    let record = &play.ask("2002:history")["ok"][0];
    assert_eq!(
        (&record["rang"], &record["result"]),
        (&json!([]), &json!("declined"))
    );
}
