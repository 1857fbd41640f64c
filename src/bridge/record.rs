//! Reading what the host hands in: one text of fields with NUL between them, as
//! `js/core/core.js` writes it. It has checked them all, and no field holds a NUL.

use crate::prelude::*;
use crate::text::{cut, number};

/// The fields that are still to be read.
#[derive(Clone, Copy)]
pub(super) struct Record<'a>(&'a str);

impl<'a> Record<'a> {
    /// Bytes, because the glue that wasm-bindgen makes for texts is large.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(str::from_utf8(bytes).unwrap_or_default())
    }

    /// The next field; empty if there is none.
    pub(super) fn text(&mut self) -> &'a str {
        let (field, rest) = cut(self.0, 0).unwrap_or((self.0, ""));
        self.0 = rest;
        field
    }

    pub(super) fn owned(&mut self) -> String {
        self.text().to_owned()
    }

    pub(super) fn number(&mut self) -> u32 {
        number(self.text()).unwrap_or_default() as u32
    }

    pub(super) fn flag(&mut self) -> bool {
        !self.text().is_empty()
    }

    /// The properties of an object, which are names and values to the end: every
    /// value of `name`.
    pub(super) fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        let mut rest = self;
        core::iter::from_fn(move || {
            while !rest.0.is_empty() {
                let (found, value) = (rest.text(), rest.text());
                if found == name {
                    return Some(value);
                }
            }
            None
        })
    }

    /// The value of a property; what is false, null or undefined is none.
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn get_owned(self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    pub(super) fn get_number(self, name: &str) -> Option<u64> {
        self.get(name).and_then(number)
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// `extraHeaders`, each as `name:value`.
    pub(super) fn headers(self) -> Vec<(String, String)> {
        self.all("extraHeaders")
            .filter_map(|header| cut(header, b':'))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}
