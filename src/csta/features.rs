//! Which services and events a gateway offers. The layout of the lists differs
//! between switches: names may be elements or words in them, so all names are
//! one set.

use super::field::{Value, Xml};
use super::request::Request;
use crate::prelude::*;
use crate::sip::Element;

/// Most names kept.
const MOST: usize = 256;
/// Longest name kept.
const LONGEST: usize = 64;

/// A set of names in alphabetical order, compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    names: Vec<String>,
}

impl Features {
    /// Of these names.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut features = Self::default();
        for name in names {
            features.add(name);
        }
        features
    }

    /// All services that we know.
    pub fn all() -> Self {
        Self::new(Request::NAMES.iter().copied())
    }

    /// The names. Those of services that we know are spelled as CSTA has them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Is this among them?
    pub fn offers(&self, name: &str) -> bool {
        self.names().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Takes it out.
    pub fn remove(&mut self, name: &str) {
        self.names.retain(|known| !known.eq_ignore_ascii_case(name));
    }

    /// These, or all services where none is listed: a switch that says nothing of
    /// its services says no to a request.
    pub fn or_all(self) -> Self {
        if Request::NAMES.iter().any(|name| self.offers(name)) {
            return self;
        }
        let mut all = Self::all();
        for name in self.names() {
            all.add(name);
        }
        all
    }

    fn add(&mut self, name: &str) {
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.len() <= LONGEST;
        // The name of a list that is empty is no feature.
        let lists = ["Services", "Events", "List"];
        let is_list = lists.iter().any(|list| name.ends_with(list));
        if is_name && !is_list && self.names.len() < MOST && !self.offers(name) {
            let mut services = Request::NAMES.iter();
            let service = services.find(|service| service.eq_ignore_ascii_case(name));
            let name = service.map_or(name, |service| service).to_owned();
            let at = self.names.partition_point(|known| *known < name);
            self.names.insert(at, name);
        }
    }

    /// The names that stand in the lists within an element.
    fn collect(&mut self, element: &Element) {
        for child in &element.children {
            let text = child.text.trim_ascii();
            let says = |word: &str| text.eq_ignore_ascii_case(word);
            if child.name.eq_ignore_ascii_case("extensions") || says("false") || says("0") {
                continue;
            }
            if !child.children.is_empty() {
                self.collect(child);
            } else if text.is_empty() || says("true") || says("1") {
                self.add(&child.name);
            } else {
                for word in text.split_ascii_whitespace() {
                    self.add(word);
                }
            }
        }
    }
}

impl Value for Features {
    fn read(element: &Element) -> Option<Self> {
        let mut features = Self::default();
        features.collect(element);
        Some(features)
    }

    fn write(&self, xml: &mut Xml) {
        let is_event = |name: &&str| name.ends_with("Event");
        let list = |xml: &mut Xml, list, wanted: bool| {
            xml.element(list, |xml| {
                for name in self.names().filter(|name| is_event(name) == wanted) {
                    xml.element(name, |_| {});
                }
            });
        };
        list(xml, "supportedServices", false);
        list(xml, "supportedEvents", true);
    }
}
