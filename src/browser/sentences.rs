//! Facts in words for people.

mod catalogue;

use crate::fault::Fault;
use crate::prelude::*;

type Values<'a> = [(&'a str, &'a str)];

/// The sentence of this name, with the remedy.
pub(super) fn tell(name: &str, values: &Values<'_>) -> String {
    let mut all = catalogue::SENTENCES.iter();
    let Some((_, happened, remedy)) = all.find(|(known, ..)| *known == name) else {
        return name.to_owned();
    };
    let happened = fill(happened, values);
    match remedy.is_empty() {
        true => happened,
        false => format!("{happened} {}", fill(remedy, values)),
    }
}

/// The sentence of a fault.
pub(super) fn of(fault: &Fault) -> String {
    let status = fault.status.map(|status| status.to_string());
    let values = [
        ("status", status.as_deref()),
        ("reason", fault.said.as_deref()),
        ("dropped", fault.dropped),
        ("left", fault.left.as_deref()),
    ];
    let given = |(name, value): (_, Option<_>)| Some((name, value?));
    let values: Vec<_> = values.into_iter().filter_map(given).collect();
    let said = tell(fault.at.as_str(), &values);
    match fault.left {
        Some(_) => format!("{said} {}", tell("left", &values)),
        None => said,
    }
}

/// `{name}` stands for a value, `[…]` is left out where its value is missing.
fn fill(template: &str, values: &Values<'_>) -> String {
    let Some((before, rest)) = template.split_once('[') else {
        return replaced(template, values);
    };
    let (part, after) = rest.split_once(']').unwrap_or((rest, ""));
    let (_, name) = part.split_once('{').unwrap_or_default();
    let name = name.split('}').next().unwrap_or_default();
    let part = match value_of(name, values).is_empty() {
        true => String::new(),
        false => replaced(part, values),
    };
    replaced(before, values) + &part + &fill(after, values)
}

/// A full stop that a value ends with gives way to ours.
fn replaced(template: &str, values: &Values<'_>) -> String {
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        let value = value_of(name, values);
        let value = value.strip_suffix('.').unwrap_or(value);
        text += value;
        let ends = value.ends_with(['!', '?', '…']);
        text += rest.strip_prefix('.').filter(|_| ends).unwrap_or(rest);
    }
    text
}

fn value_of<'a>(name: &str, values: &Values<'a>) -> &'a str {
    let found = values.iter().find(|(known, _)| *known == name);
    found.map_or("", |(_, value)| value)
}
