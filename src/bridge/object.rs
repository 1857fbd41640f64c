//! Reading and building the plain objects that cross the boundary of the test
//! registrar.

use crate::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type Object;
    #[wasm_bindgen(constructor)]
    fn new() -> Object;
    #[wasm_bindgen(method, structural, indexing_getter)]
    fn get(this: &Object, name: &str) -> JsValue;
    #[wasm_bindgen(method, structural, indexing_getter)]
    fn at(this: &Object, index: u32) -> JsValue;
    #[wasm_bindgen(method, structural, indexing_setter)]
    fn set(this: &Object, name: &str, value: &JsValue);
    #[wasm_bindgen(method, structural, indexing_setter)]
    fn set_text(this: &Object, name: &str, value: &str);
    #[wasm_bindgen(method, structural, indexing_setter)]
    fn set_number(this: &Object, name: &str, value: f64);

    #[wasm_bindgen(js_namespace = Array, js_name = isArray)]
    fn is_array(value: &JsValue) -> bool;

    type Uint8Array;
    #[wasm_bindgen(constructor)]
    fn copy_of(bytes: &[u8]) -> Uint8Array;
    #[wasm_bindgen(method)]
    fn slice(this: &Uint8Array) -> Vec<u8>;
}

/// Reads the properties of an object; what is missing or of another type is
/// absent. The JavaScript side has checked it all before.
pub(super) struct Reader<'a>(pub &'a JsValue);

impl Reader<'_> {
    pub(super) fn get(&self, name: &str) -> JsValue {
        if !self.0.is_object() {
            return JsValue::UNDEFINED;
        }
        self.0.unchecked_ref::<Object>().get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).as_string()
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.get(name).as_f64()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).is_truthy()
    }
}

/// The elements of an array; of anything else, none.
pub(super) fn array(value: &JsValue) -> impl Iterator<Item = JsValue> {
    let length = match is_array(value) {
        true => Reader(value).number("length").unwrap_or(0.0) as u32,
        false => 0,
    };
    (0..length).map(|index| value.unchecked_ref::<Object>().at(index))
}

/// `[[name, value], …]`.
pub(super) fn array_of_pairs(value: &JsValue) -> Vec<(String, String)> {
    let pair = |pair: JsValue| {
        let mut texts = array(&pair).filter_map(|text| text.as_string());
        Some((texts.next()?, texts.next()?))
    };
    array(value).filter_map(pair).collect()
}

/// The bytes of a WebSocket message, text or binary.
pub(super) fn bytes(data: &JsValue) -> Vec<u8> {
    match data.as_string() {
        Some(text) => text.into_bytes(),
        None => data
            .dyn_ref::<Uint8Array>()
            .map(Uint8Array::slice)
            .unwrap_or_default(),
    }
}

/// Builds an object.
pub(super) struct Build(Object);

impl Build {
    pub(super) fn new() -> Self {
        Self(Object::new())
    }

    /// An object with a `type`.
    pub(super) fn of(kind: &str) -> Self {
        Self::new().text("type", kind)
    }

    pub(super) fn value(self, name: &str, value: JsValue) -> Self {
        self.0.set(name, &value);
        self
    }

    pub(super) fn text(self, name: &str, text: &str) -> Self {
        self.0.set_text(name, text);
        self
    }

    pub(super) fn option(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    pub(super) fn number(self, name: &str, number: u32) -> Self {
        self.0.set_number(name, number.into());
        self
    }

    /// A message: text where it is UTF-8, else bytes (RFC 7118 §4.2).
    pub(super) fn data(self, name: &str, data: &[u8]) -> Self {
        match core::str::from_utf8(data) {
            Ok(text) => self.text(name, text),
            Err(_) => self.value(name, Uint8Array::copy_of(data).into()),
        }
    }

    pub(super) fn done(self) -> JsValue {
        self.0.into()
    }
}
