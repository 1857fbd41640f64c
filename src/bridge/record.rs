//! Reading what the host hands in: one text of fields with NUL between them, as
//! `js/core/core.js` writes it. No field holds a NUL.

use crate::prelude::*;
use crate::text::{cut, number};
use core::cell::Cell;

/// The fields that are still to be read.
pub(super) struct Record<'a> {
    rest: Cell<&'a str>,
    misfit: Cell<bool>,
}

impl<'a> Record<'a> {
    /// Bytes, because the glue that wasm-bindgen makes for texts is large.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self {
            rest: Cell::new(str::from_utf8(bytes).unwrap_or_default()),
            misfit: Cell::new(false),
        }
    }

    /// Something was read as a number that is none.
    pub(super) fn misfits(&self) -> bool {
        self.misfit.get()
    }

    /// The next field; empty if there is none.
    pub(super) fn text(&self) -> &'a str {
        let rest = self.rest.get();
        let (field, rest) = cut(rest, 0).unwrap_or((rest, ""));
        self.rest.set(rest);
        field
    }

    pub(super) fn owned(&self) -> String {
        self.text().to_owned()
    }

    pub(super) fn number(&self) -> u32 {
        self.whole(self.text()).unwrap_or_default()
    }

    /// A SIP status.
    pub(super) fn status(&self) -> u16 {
        self.whole(self.text()).unwrap_or_default()
    }

    pub(super) fn flag(&self) -> bool {
        !self.text().is_empty()
    }

    // What follows may be an object: names and values to the end. What is false,
    // null or undefined is not among them.

    /// Every value of the property `name`.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let mut all = Vec::new();
        for value in self.values(name) {
            all.push(value.to_owned());
        }
        all
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.values(name).next()
    }

    pub(super) fn get_owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    pub(super) fn get_number(&self, name: &str) -> Option<u32> {
        self.get(name).and_then(|text| self.whole(text))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Pairs, each as `name:value`.
    pub(super) fn pairs(&self, name: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for value in self.values(name) {
            if let Some((name, value)) = cut(value, b':') {
                pairs.push((name.to_owned(), value.to_owned()));
            }
        }
        pairs
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let rest = Record {
            rest: self.rest.clone(),
            misfit: Cell::default(),
        };
        core::iter::from_fn(move || {
            while !rest.rest.get().is_empty() {
                let (found, value) = (rest.text(), rest.text());
                if found == name {
                    return Some(value);
                }
            }
            None
        })
    }

    fn whole<T: TryFrom<u64>>(&self, text: &str) -> Option<T> {
        let number = number(text).and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            self.misfit.set(true);
        }
        number
    }
}
