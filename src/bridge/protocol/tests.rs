use super::{Row, commands, obey, write};
use crate::bridge::json::Json;
use crate::bridge::record::Record;
use crate::phone::{Output, Phone, Status};
use crate::prelude::*;
use crate::time::Instant;

const OPTIONS: &str = "connections\0wss://a.example/\0connections\0wss://b.example/\0\
    user\x002001\0domain\0example.com\0device\0D\0timeout\x0030000\0trace\0true\0\
    extraHeaders\0X-A:b:c\0instanceId\0urn:uuid:00000000-0000-4000-8000-000000000001";

fn phone() -> Phone {
    let (config, _) = Record::of(OPTIONS.as_bytes()).phone_options();
    Phone::new(config, [7; 32]).unwrap()
}

/// Whether the phone takes the fields as a command.
fn takes(phone: &mut Phone, fields: &[&str]) -> bool {
    let text = fields.join("\0");
    let record = Record::of(text.as_bytes());
    obey(phone, Instant::from_millis(1), record.text(), &record)
}

fn outputs(phone: &mut Phone) -> Vec<String> {
    let next = || {
        let output = phone.poll_output()?;
        let mut json = Json::new();
        json.raw("", "{");
        write(&mut json, output, phone.config());
        json.close('}');
        Some(json.done())
    };
    core::iter::from_fn(next).collect()
}

/// A command with something of the right kind in every field.
fn sample(row: &Row) -> Vec<&'static str> {
    let kinds = row.fields.iter().map(|(_, kind)| *kind);
    let fields = kinds.map(|kind| match kind {
        "number" => "7",
        "status" => "486",
        _ => "sip",
    });
    core::iter::once(row.name).chain(fields).collect()
}

fn rows() -> impl Iterator<Item = &'static Row> {
    commands::PHONE.iter().chain(commands::CALLS)
}

#[test]
fn every_command_is_taken() {
    for row in rows() {
        assert!(takes(&mut phone(), &sample(row)), "{}", row.name);
    }
}

#[test]
fn what_is_no_command_is_refused_and_does_nothing() {
    for fields in [
        &[""][..],
        &["Register", "1", ""],
        &["handle_open"],
        &["sip"],
    ] {
        let mut phone = phone();
        assert!(!takes(&mut phone, fields), "{fields:?}");
        let said = outputs(&mut phone).join("\n");
        assert!(!said.contains("event"), "{fields:?}: {said}");
    }
}

#[test]
fn a_number_that_is_none_is_refused_and_does_nothing() {
    for row in rows() {
        for (at, (field, kind)) in row.fields.iter().enumerate() {
            if !["number", "status"].contains(kind) {
                continue;
            }
            for none in ["", "x", "-1", "1.5", "1e3", "NaN", "4294967296"] {
                let mut phone = phone();
                let mut fields = sample(row);
                fields[at + 1] = none;
                assert!(!takes(&mut phone, &fields), "{}: {field} {none}", row.name);
                assert_eq!(phone.status(), Status::Idle);
            }
        }
    }
    let mut phone = phone();
    let refer = ["call", "1", "sip:b@example.com", "refer"];
    assert!(!takes(&mut phone, &[&refer[..], &["x"]].concat()));
    assert!(!takes(&mut phone, &["reject", "1", "2", "65536"]));
    assert!(takes(&mut phone, &[&refer[..], &["3"]].concat()));
}

#[test]
fn an_operation_is_done_whatever_became_of_it() {
    for row in rows().filter(|row| row.fields.first() == Some(&("op", "number"))) {
        let mut phone = phone();
        assert!(takes(&mut phone, &sample(row)));
        let said = outputs(&mut phone).join("\n");
        let done = ["done", "sessionDone"].map(|name| format!(r#""name":"{name}","op":7"#));
        let told = done.iter().any(|done| said.contains(done));
        assert!(told, "{}: {said}", row.name);
    }
}

#[test]
fn options_are_read_by_their_names() {
    let phone = phone();
    let config = phone.config();
    assert_eq!(config.connections, ["wss://a.example/", "wss://b.example/"]);
    assert_eq!(config.user, "2001");
    assert!(config.trace && !config.loopback);
    assert_eq!(config.extra_headers, [("X-A".to_owned(), "b:c".to_owned())]);
    assert_eq!(config.password, None);
}

#[test]
fn outputs_are_written_by_their_names() {
    let mut phone = phone();
    assert!(takes(&mut phone, &["register", "3", ""]));
    let said = outputs(&mut phone);
    let status = r#"{"type":"event","name":"status","status":"eRegistering","registration":null}"#;
    let open = r#"{"type":"open","slot":0,"generation":1,"url":"wss://a.example/"}"#;
    for wanted in [status, open] {
        assert!(said.iter().any(|said| said == wanted), "{wanted}: {said:?}");
    }
    assert!(takes(&mut phone, &["socketOpened", "0", "1", "sip"]));
    let sent = |output: &Output| matches!(output, Output::Send { .. });
    assert!(core::iter::from_fn(|| phone.poll_output()).any(|output| sent(&output)));
}

mod watching {
    use super::super::watching::{COMMANDS, obey, write};
    use super::{phone, sample};
    use crate::bridge::json::Json;
    use crate::bridge::record::Record;
    use crate::controller::{Controller, Watched};
    use crate::documents::dialog_info::{Dialog, Direction};
    use crate::prelude::*;
    use crate::time::Instant;

    fn takes(fields: &[&str]) -> bool {
        let text = fields.join("\0");
        let record = Record::of(text.as_bytes());
        let mut controller = Controller::new(phone(), 10);
        let now = Instant::from_millis(1);
        obey(&mut controller, now, record.text(), &record)
    }

    #[test]
    fn it_takes_the_commands_of_a_phone_and_its_own() {
        for row in COMMANDS.iter().chain(super::rows()) {
            assert!(takes(&sample(row)), "{}", row.name);
        }
        assert!(!takes(&["watchDialogs", "x", "sip:a@b"]));
        assert!(!takes(&["watch", "1", "sip:a@b"]));
    }

    #[test]
    fn what_is_watched_is_written_by_its_names() {
        let written = |watched| {
            let mut json = Json::new();
            json.raw("", "{");
            write(&mut json, watched);
            json.close('}');
            json.done()
        };
        let dialog = Dialog {
            id: "a".into(),
            direction: Some(Direction::Recipient),
            code: Some(486),
            ..Dialog::default()
        };
        assert_eq!(
            written(Watched::Dialogs {
                of: 3,
                dialogs: vec![(true, dialog)]
            }),
            r#"{"name":"dialogs","watch":3,"dialogs":[{"id":"a","own":true,"incoming":true,"state":"trying","status":486,"held":false,"remote":""}]}"#
        );
        assert_eq!(
            written(Watched::Registered { of: 4, any: false }),
            r#"{"name":"presence","watch":4,"registered":false}"#
        );
        assert_eq!(
            written(Watched::Refused { of: 4 }),
            r#"{"name":"unwatched","watch":4}"#
        );
    }
}

mod desk {
    use super::super::desk::{self, COMMANDS};
    use super::sample;
    use crate::bridge::json::Json;
    use crate::bridge::record::Record;
    use crate::csta::control::Control;
    use crate::prelude::*;
    use crate::time::Instant;

    fn takes(control: &mut Control, fields: &[&str]) -> bool {
        let text = fields.join("\0");
        let record = Record::of(text.as_bytes());
        desk::obey(control, Instant::from_millis(1), record.text(), &record)
    }

    fn outputs(control: &mut Control) -> Vec<String> {
        let next = || {
            let mut json = Json::new();
            json.raw("", "{").text("type", "event");
            desk::write(&mut json, control.poll_output()?);
            json.close('}');
            Some(json.done())
        };
        core::iter::from_fn(next).collect()
    }

    fn control() -> Control {
        Control::new("tel:5101", [7; 32])
    }

    #[test]
    fn every_command_is_taken_and_nothing_else() {
        for row in COMMANDS {
            assert!(takes(&mut control(), &sample(row)), "{}", row.name);
            for (at, (field, kind)) in row.fields.iter().enumerate() {
                let mut fields = sample(row);
                fields[at + 1] = "x";
                let taken = takes(&mut control(), &fields);
                let is_number = ["number", "status"].contains(kind);
                assert_eq!(taken, !is_number, "{}: {field}", row.name);
            }
        }
        for name in ["", "Make", "register", "handle_flow"] {
            assert!(!takes(&mut control(), &[name, "1", "2", "3"]), "{name}");
        }
    }

    #[test]
    fn an_operation_is_done_whatever_became_of_it() {
        let is_operation = |row: &&super::Row| row.fields.first() == Some(&("op", "number"));
        for row in COMMANDS.iter().filter(is_operation) {
            let mut control = control();
            assert!(takes(&mut control, &sample(row)));
            let said = outputs(&mut control);
            let done =
                r#"{"type":"event","name":"done","op":7,"error":{"code":"eOutOfService","reason":"#;
            assert!(said.iter().any(|said| said.starts_with(done)), "{said:?}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_its_status() {
        let mut control = control();
        assert!(takes(&mut control, &["connect", "30000"]));
        assert!(takes(&mut control, &["sessionEnded", "404", "0", "Nobody"]));
        let said = outputs(&mut control);
        let open = r#"{"type":"event","name":"open","body":"<?xml"#;
        assert!(said[0].starts_with(open), "{said:?}");
        let failed = r#"{"type":"event","name":"failed","code":"eServerRejected","reason":"Nobody","status":404}"#;
        assert_eq!(said.last().unwrap(), failed);
    }
}
