//! How the tests write documents down.

use graceline::csta::{ConnectionId, Content, Document, ED3, Party};
use std::collections::BTreeSet;

pub const LINE: &str = "tel:5101;phone-context=dialstring";

pub fn connection(call: &str) -> ConnectionId {
    ConnectionId::new(call, LINE)
}

pub fn party(number: &str) -> Option<Party> {
    Some(Party::Device(number.to_owned()))
}

pub fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The whole document that `inner`, written without its namespace, stands for.
pub fn whole(inner: &str) -> String {
    let end = inner.find(['>', '/']).expect("a start tag");
    let (root, rest) = inner.split_at_checked(end).expect("a start tag");
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root} xmlns=\"{ED3}\"{rest}")
}

pub fn read(document: &str) -> Content {
    match Document::parse(document.as_bytes()) {
        Ok(document) => document.content,
        Err(error) => panic!("{error}: {document}"),
    }
}

/// Each text is what the content is written as, and is read as it. White space
/// between elements is there for the reader of the test.
pub fn check_both_ways(rows: &[(&str, Content)]) {
    for (written, content) in rows {
        let lines: Vec<&str> = written.lines().map(str::trim).collect();
        let written = whole(&lines.concat());
        assert_eq!(Document::new(content.clone()).to_xml(), written);
        assert_eq!(read(&written), *content);
    }
}

/// No name of the family is without a row.
pub fn check_complete(rows: &[(&str, Content)], names: &[&str]) {
    let root = |row: &str| {
        let end = row.find(['>', '/']).expect("a start tag");
        row[1..end].to_owned()
    };
    let tested: BTreeSet<String> = rows.iter().map(|(row, _)| root(row)).collect();
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !tested.contains(**name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
