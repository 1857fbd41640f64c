//! Options that are given to a machine of Node, with errors that name them.

use super::object::{Build, Reader, array};
use crate::prelude::*;
use js_sys::Array;
use wasm_bindgen::prelude::*;

/// Reads options; what is `undefined` is not given, what is `null` is given as
/// nothing.
pub(super) struct Given<'a>(pub Reader<'a>);

impl Given<'_> {
    pub(super) fn has(&self, option: &str) -> bool {
        !self.0.get(option).is_undefined()
    }

    pub(super) fn name<T: Copy>(
        &self,
        option: &'static str,
        known: &[(&str, T)],
    ) -> Result<Option<T>, JsValue> {
        let value = self.0.get(option);
        if value.is_null() || value.is_undefined() {
            return Ok(None);
        }
        lookup(option, &value, known).map(Some)
    }

    pub(super) fn names<T: Copy>(
        &self,
        option: &'static str,
        known: &[(&str, T)],
    ) -> Result<Option<Vec<T>>, JsValue> {
        let value = self.0.get(option);
        if value.is_null() || value.is_undefined() {
            return Ok(None);
        }
        if !Array::is_array(&value) {
            return Err(invalid(option, "must be an array of names"));
        }
        array(&value)
            .map(|name| lookup(option, &name, known))
            .collect::<Result<Vec<T>, JsValue>>()
            .map(Some)
    }

    pub(super) fn count(&self, option: &'static str) -> Result<Option<u32>, JsValue> {
        let value = self.0.get(option);
        if value.is_null() || value.is_undefined() {
            return Ok(None);
        }
        match value.as_f64() {
            Some(number)
                if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) =>
            {
                Ok(Some(number as u32))
            }
            _ => Err(invalid(option, "must be a whole number, 0 or more")),
        }
    }
}

fn lookup<T: Copy>(
    option: &'static str,
    value: &JsValue,
    known: &[(&str, T)],
) -> Result<T, JsValue> {
    let name = value.as_string().unwrap_or_default();
    let found = known.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        invalid(option, &format!("must be one of {}", names.join(", ")))
    })
}

/// What the constructor throws.
pub(super) fn invalid(option: &str, complaint: &str) -> JsValue {
    Build::new()
        .text("option", option)
        .text("complaint", complaint)
        .done()
}
