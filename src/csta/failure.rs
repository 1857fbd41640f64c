//! Negative answers (ECMA-269 §11, universal failures), and what they mean to
//! an app.

use super::field::{Value, Xml, word_of};
use crate::fault::Code;
use crate::prelude::*;
use crate::sip::Element;

/// The root's name.
pub(super) const ROOT: &str = "CSTAErrorCode";

/// Why a service was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `operation`, `stateIncompatibility` …; vendors have some of their own.
    pub category: String,
    /// What of it.
    pub value: String,
}

impl Failure {
    /// Of a category.
    pub fn new(category: &str, value: &str) -> Self {
        Self {
            category: category.to_owned(),
            value: value.to_owned(),
        }
    }

    /// Is it this one?
    pub fn is(&self, value: &str) -> bool {
        self.value.eq_ignore_ascii_case(value)
    }

    /// What an app is told. By the value; by the category where the value is not
    /// known.
    pub fn code(&self) -> Code {
        let any = |values: &[&str]| values.iter().any(|value| self.is(value));
        if any(&["serviceNotSupported", "parameterNotSupported"]) {
            Code::NotSupported
        } else if any(&[
            "invalidCalledDeviceID",
            "invalidDestination",
            "invalidForwardingDestination",
            "valueOutOfRange",
        ]) {
            Code::InvalidArgument
        } else if any(&["invalidCallID", "invalidConnectionID"])
            || self.category.eq_ignore_ascii_case("stateIncompatibility")
        {
            Code::InvalidState
        } else if any(&[
            "resourceOutOfService",
            "deviceOutOfService",
            "networkOutOfService",
        ]) {
            Code::OutOfService
        } else {
            Code::ServerRejected
        }
    }
}

impl Value for Failure {
    /// The category is the first element with a text; some wrap it once more.
    fn read(element: &Element) -> Option<Self> {
        let mut category = element.children.first()?;
        while let ("", Some(inner)) = (category.text.trim_ascii(), category.children.first()) {
            category = inner;
        }
        Some(Failure::new(&category.name, word_of(category)))
    }

    fn write(&self, xml: &mut Xml) {
        xml.element(&self.category, |xml| xml.text(&self.value));
    }
}
