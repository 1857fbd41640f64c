//! What is made of the rows: `js/core/seam.d.ts` and `js/desk/seam.d.ts`, by which `js/`
//! is checked, and `tests/js/support/seam.json`, by which the tests' doubles of the phone's
//! core are judged.

use super::{Row, commands, desk, options, outputs, shapes, watching};
use crate::prelude::*;
use std::fs;

/// The files from the top of the crate, and what they must hold.
fn files() -> [(&'static str, String); 3] {
    [
        ("js/core/seam.d.ts", declarations()),
        ("js/desk/seam.d.ts", declarations_of_desk()),
        ("tests/js/support/seam.json", list()),
    ]
}

/// With SEAM=write in the environment the files are made anew.
#[test]
fn what_is_made_of_the_rows_is_up_to_date() {
    for (file, wanted) in files() {
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var("SEAM").is_ok_and(|what| what == "write") {
            fs::write(&path, &wanted).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == wanted,
            "{file} is not what src/bridge/protocol says: \
             SEAM=write cargo test --locked --lib seam"
        );
    }
}

/// What `js/core/core.js` adds: messages cross as they are, and what the core does not
/// take is told as an event.
const MESSAGE: &str = "  /** A WebSocket message. */\n  \
    socketMessage: [slot: number, generation: number, data: unknown];\n";
const SEND: &str = "  /** A message to be sent. */\n  \
    send: { slot: number; generation: number; data: string };\n";
const REFUSED: &str = "  /** It was no command, or a number in it was none. */\n  \
    refused: { command: string; number: unknown };\n";

const FIRST: &str = "// Made of src/bridge/protocol: SEAM=write cargo test --locked --lib seam\n\n";

fn declarations() -> String {
    let mut text = FIRST.to_owned();
    let commands = commands::PHONE.iter().chain(commands::CALLS);
    text += &commands_in(commands.chain(watching::COMMANDS), MESSAGE);
    let shapes = options::ROWS.iter().chain(shapes::ROWS);
    text += &shapes_in(shapes.chain(watching::ROWS));
    text += &outputs_in(
        "What the host has to do.",
        "Outputs",
        outputs::HOST.iter(),
        SEND,
    );
    let events = outputs::EVENTS.iter().chain(outputs::CALLS);
    let events = events.chain(watching::EVENTS);
    text += &outputs_in("What the app hears.", "Events", events, REFUSED);
    text + "\nexport type Event = { [N in keyof Events]: { name: N } & Events[N] }[keyof Events];\n\
            export type Output =\n  \
            | { [T in keyof Outputs]: { type: T } & Outputs[T] }[keyof Outputs]\n  \
            | ({ type: \"event\" } & Event);\n"
}

fn declarations_of_desk() -> String {
    let mut text = FIRST.to_owned();
    text += &commands_in(desk::COMMANDS.iter(), "");
    text += &shapes_in(desk::ROWS.iter());
    text += &outputs_in("What it says.", "Events", desk::EVENTS.iter(), REFUSED);
    text + "\nexport type Event = { [N in keyof Events]: { name: N } & Events[N] }[keyof Events];\n"
}

fn commands_in<'a>(rows: impl Iterator<Item = &'a Row>, more: &str) -> String {
    let mut text = String::from(
        "/** What the core is told, and what each command takes. */\n\
         export interface Commands {\n",
    );
    for row in rows {
        let fields = row.fields.iter().map(|(name, kind)| {
            let (kind, optional) = type_of(kind);
            assert!(!optional, "{name}");
            format!("{name}: {kind}")
        });
        let fields: Vec<String> = fields.collect();
        text += &format!("{}  {}: [{}];\n", docs(row), row.name, fields.join(", "));
    }
    text + more + "}\n"
}

fn shapes_in<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
    let mut text = String::new();
    for row in rows {
        text += &format!("\nexport interface {} {{\n", row.name);
        for (name, kind) in row.fields {
            text += &format!("  {};\n", property(row, name, kind));
        }
        text += "}\n";
    }
    text
}

fn outputs_in<'a>(
    what: &str,
    table: &str,
    rows: impl Iterator<Item = &'a Row>,
    more: &str,
) -> String {
    let mut text = format!("\n/** {what} */\nexport interface {table} {{\n");
    for row in rows {
        let fields = row.fields.iter();
        let fields = fields.map(|(name, kind)| property(row, name, kind));
        let fields: Vec<String> = fields.collect();
        let own = (!fields.is_empty()).then(|| format!("{{ {} }}", fields.join("; ")));
        let part = (!row.part.is_empty()).then(|| shape(row.part).to_owned());
        let all: Vec<String> = own.into_iter().chain(part).collect();
        let all = if all.is_empty() {
            "{}".to_owned()
        } else {
            all.join(" & ")
        };
        text += &format!("{}  {}: {all};\n", docs(row), row.name);
    }
    text + more + "}\n"
}

fn list() -> String {
    let properties = |row: &Row| {
        let part = shapes::ROWS.iter().find(|shape| part_of(shape) == row.part);
        let fields = row.fields.iter().map(|field| (row, field));
        let more = part.into_iter().flat_map(|part| {
            let fields = part.fields.iter();
            fields.map(move |field| (part, field))
        });
        let fields = fields.chain(more).map(|(row, (name, kind))| {
            let (kind, optional) = type_of(kind);
            let optional = if optional || is_option(row) { "?" } else { "" };
            format!("\"{name}\": \"{kind}{optional}\"")
        });
        format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
    };
    let table = |name: &str, rows: &[&[Row]], fields: &dyn Fn(&Row) -> String| {
        let rows = rows.iter().copied().flatten();
        let rows = rows.map(|row| format!("    \"{}\": {}", row.name, fields(row)));
        let rows = rows.collect::<Vec<_>>().join(",\n");
        format!("  \"{name}\": {{\n{rows}\n  }}")
    };
    let tables = [
        table("commands", &[commands::PHONE, commands::CALLS], &properties),
        table("shapes", &[options::ROWS, shapes::ROWS], &properties),
        table("outputs", &[outputs::HOST], &properties),
        table("events", &[outputs::EVENTS, outputs::CALLS], &properties),
    ];
    format!("{{\n{}\n}}\n", tables.join(",\n"))
}

fn docs(row: &Row) -> String {
    match row.docs {
        [] => String::new(),
        docs => format!("  /**{} */\n", docs.join("\n   *")),
    }
}

fn property(row: &Row, name: &str, kind: &str) -> String {
    let (kind, optional) = type_of(kind);
    let optional = if optional || is_option(row) { "?" } else { "" };
    format!("{name}{optional}: {kind}")
}

/// Every property of these may be missing.
fn is_option(row: &Row) -> bool {
    options::ROWS.iter().any(|option| option.name == row.name)
}

fn part_of(shape: &Row) -> String {
    format!("{}_part", shape.part)
}

fn shape(part: &str) -> &'static str {
    let mut found = shapes::ROWS.iter().chain(desk::ROWS);
    found.find(|shape| part_of(shape) == part).unwrap().name
}

/// The type of a kind, and whether it may be missing.
fn type_of(kind: &str) -> (&'static str, bool) {
    match kind {
        "number" | "status" | "get_number" => ("number", false),
        "text" | "owned" | "get" | "get_owned" => ("string", false),
        "flag" | "has" => ("boolean", false),
        "all" => ("string[]", false),
        "pairs" => ("[string, string][]", false),
        "option" => ("string", true),
        "amount" | "millis" => ("number", true),
        "call_info" => ("Record<string, string | true>", false),
        "registration_or_null" => ("Registration | null", false),
        "optional_holder" => ("Holder", true),
        "optional_fault" => ("Fault", true),
        "optional_failure" => ("Failure", true),
        "texts" => ("string[]", false),
        "maybe" => ("boolean", true),
        "document" => ("Element", true),
        "elements" => ("Element[]", false),
        "rules" => ("Rule[]", true),
        "dialogs" => ("WatchedDialog[]", false),
        reader => {
            let mut rows = options::ROWS.iter().chain(shapes::ROWS);
            let row = rows.find(|row| row.part == reader);
            let row = row.unwrap_or_else(|| panic!("of which type is {reader}?"));
            (row.name, false)
        }
    }
}
