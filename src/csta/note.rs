//! What a gateway of ours tells of a call where the standard has no place for it.

use super::field::{Field, Value, Xml, record};
use crate::prelude::*;
use crate::sip::Element;
use crate::text::pieces;

record! {
    /// Private data of an event, or of a call in a snapshot.
    pub struct Note {
        /// The far end's name.
        name: Option<String> = "cti:displayName",
        /// The services that can be asked for in this call, with blanks between them.
        /// None: what the features offer.
        services: Option<String> = "cti:services",
    }
}

impl Note {
    /// Where it stands.
    pub(super) const PATH: &str = "extensions/privateData/private";

    /// Whether a service can be asked for, as far as this says.
    pub fn permits(&self, service: &str) -> bool {
        let is_it = |one: &str| one.eq_ignore_ascii_case(service);
        let permits = |services: &str| pieces(services, b' ').any(is_it);
        self.services.as_deref().is_none_or(permits)
    }
}
