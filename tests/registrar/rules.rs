//! The table of rules (`tests/rules/register.txt`), which the policy of `deploy/kamailio` plays, too
//! (`tests/kamailio/rules.test.mjs`).

use crate::support::{Client, FORCED, START, World, instance, listed, users};
use graceline::registrar::{Config, Policy};
use graceline::sip::{Framing, Message, Name};
use std::collections::BTreeMap;

const TABLE: &str = include_str!("../rules/register.txt");

#[test]
fn the_table_of_rules() {
    each_case(TABLE, play);
}

/// Plays the cases of a table: each begins with "== ", a line with "#" says nothing.
pub fn each_case(table: &str, play: impl Fn(&str)) {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let text: String = lines.map(|line| format!("\n{line}")).collect();
    let mut cases = 0;
    for case in text.split("\n== ").skip(1) {
        let (name, rows) = case.split_once('\n').unwrap();
        println!("{name}");
        play(rows);
        cases += 1;
    }
    assert!(cases > 10, "{cases} cases");
}

/// The words of a cell: `name=value`, or a name alone.
fn words(cell: &str) -> BTreeMap<&str, &str> {
    let pairs = cell.split_whitespace();
    pairs
        .map(|word| word.split_once('=').unwrap_or((word, "")))
        .collect()
}

fn play(rows: &str) {
    let mut rows = rows.lines().filter(|row| !row.trim().is_empty()).peekable();
    let settings = rows
        .next_if(|row| row.starts_with("  "))
        .map(words)
        .unwrap_or_default();
    let policies = BTreeMap::from([
        ("graceful", Policy::Graceful),
        ("duplicate", Policy::Duplicate),
        ("normal", Policy::Normal),
    ]);
    let number = |name: &str| settings.get(name).map(|value| value.parse().unwrap());
    let mut world = World::new(Config {
        policy: policies[settings.get("policy").unwrap_or(&"graceful")],
        max_contacts: number("limit"),
        force_limit: number("forces").map(|limit| u32::try_from(limit).unwrap()),
        max_expires: Some(120),
        ..users()
    });
    let mut clients = BTreeMap::new();
    for (cseq, row) in (1000..).zip(rows) {
        step(&mut world, &mut clients, row, cseq);
    }
}

fn step<'a>(world: &mut World, clients: &mut BTreeMap<&'a str, Client>, row: &'a str, cseq: u32) {
    let mut cells = row
        .split(" | ")
        .map(|cell| cell.trim_end_matches(" |").trim());
    let mut next = || cells.next().unwrap_or_default();
    let (who, says, contact, expected, bound, told) =
        (next(), words(next()), next(), next(), next(), next());
    if says.contains_key("lost") {
        world.disconnect(clients[who].connection);
    } else if let Some(seconds) = says.get("wait") {
        world.pass(seconds.parse().unwrap());
    } else {
        let client = clients.entry(who).or_insert_with(|| challenged(world, who));
        let answer = register(world, client, &says, contact, cseq);
        assert_eq!(summary(&answer), expected, "{row}");
    }
    assert_eq!(bound_now(world), sorted(bound.split(' ')), "{row}");
    let ousted = clients.iter().filter(|(_, client)| is_told(world, client));
    let ousted: Vec<&str> = ousted.map(|(name, _)| *name).collect();
    assert_eq!(ousted.join(" "), told, "{row}");
}

/// A client that need not be challenged any more.
fn challenged(world: &mut World, name: &str) -> Client {
    let mut client = Client::new(world, "2001");
    client.call_id = format!("call of {name}");
    client.headers = format!("User-Agent: {name}\r\n");
    assert_eq!(client.register(world, &[]).status(), 200);
    client
}

fn register(
    world: &mut World,
    client: &mut Client,
    says: &BTreeMap<&str, &str>,
    contact: &str,
    cseq: u32,
) -> Message {
    let own = (client.call_id.clone(), client.headers.clone());
    if let Some(name) = says.get("call") {
        client.call_id = format!("call of {name}");
    }
    client.cseq = says
        .get("cseq")
        .map_or(cseq, |number| number.parse().unwrap())
        - 1;
    if let Some(seconds) = says.get("expires") {
        client.headers += &format!("Expires: {seconds}\r\n");
    }
    if says.contains_key("force") {
        client.headers += FORCED;
    }
    if says.contains_key("alarm25") {
        client.headers += "Reason: SIP;cause=200;text=\"cisco-alarm:25 Last=initialized\"\r\n";
    }
    let contact = written_out(contact);
    let contacts: &[&str] = if contact.is_empty() { &[] } else { &[&contact] };
    let answer = client.register(world, contacts);
    (client.call_id, client.headers) = own;
    answer
}

/// A Contact with its shorthands written out. A digit in capitals is the same instance, written
/// otherwise.
fn written_out(cell: &str) -> String {
    let mut text = cell
        .replace('[', "+u.sip!devicename.ccm.cisco.com=\"")
        .replace(']', "\"");
    for digit in "0123456789abcdef".chars() {
        let small = instance(digit);
        let group = digit.to_string().repeat(4);
        let capital = small.replace(&group, &group.to_uppercase());
        text = text.replace(&format!("{{{digit}}}"), &small);
        text = text.replace(&format!("{{{}}}", digit.to_ascii_uppercase()), &capital);
    }
    text
}

fn host(uri: &str) -> &str {
    let uri = uri.trim_start_matches('<').trim_start_matches("sip:");
    uri.split_once('@').map_or(uri, |(_, host)| host)
}

fn sorted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

/// An answer as the table has it.
fn summary(answer: &Message) -> String {
    let mut said = Vec::new();
    if answer.status() == 200 {
        for contact in listed(answer) {
            let (uri, params) = contact.split_once('>').unwrap();
            let (_, seconds) = params.split_once("expires=").unwrap();
            let seconds = seconds.split(';').next().unwrap();
            said.push(format!("{}:{seconds}", host(uri)));
        }
    }
    if let Some(holder) = answer.header_named("X-Graceline-Holder") {
        let (_, rest) = holder.split_once("contact=\"").unwrap();
        let (user, rest) = rest.split_once("\";since=").unwrap();
        let since: u64 = rest.split(';').next().unwrap().parse().unwrap();
        said.push(format!("{user}@{}", since - START));
    }
    if answer.header(Name::PRegistrarError).is_some() {
        said.push("full".into());
    }
    let seconds = [Name::MinExpires, Name::RetryAfter];
    let seconds = seconds.into_iter().filter_map(|name| answer.header(name));
    said.extend(seconds.map(str::to_owned));
    let rest = sorted(said.iter().map(String::as_str));
    format!("{} {rest}", answer.status()).trim_end().to_owned()
}

fn bound_now(world: &World) -> String {
    let list = world.registrar.bindings("2001").into_iter();
    let names: Vec<String> = list
        .map(|binding| {
            let digit = binding.instance_id.and_then(|urn| urn.chars().last());
            let instance = digit
                .map(|digit| format!("{{{digit}}}"))
                .unwrap_or_default();
            format!("{}{instance}[{}]", host(&binding.contact), binding.device)
        })
        .collect();
    sorted(names.iter().map(String::as_str))
}

/// Whether a client was sent Cisco's reset since it was last looked at.
pub fn is_told(world: &mut World, client: &Client) -> bool {
    let mut told = false;
    while let Some(data) = world.raw(client.connection) {
        let message = Message::parse(&data, Framing::Frame).unwrap();
        told |= message.header(Name::Event) == Some("service-control");
    }
    told
}
