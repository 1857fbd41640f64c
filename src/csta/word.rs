//! What stands in documents as one word of a known list.

use super::field::{Value, Xml, word_of};
use crate::sip::Element;

/// An enumeration with the words that it is written as; read in any case.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $Enum:ident { $($(#[$doc:meta])* $Variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Enum { $($(#[$doc])* $Variant,)* }

        impl $Enum {
            /// As documents have it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $word,)* }
            }
        }

        impl Value for $Enum {
            fn read(element: &Element) -> Option<Self> {
                let word = word_of(element);
                $(if word.eq_ignore_ascii_case($word) {
                    return Some(Self::$Variant);
                })*
                None
            }

            fn write(&self, xml: &mut Xml) {
                xml.text(self.as_str());
            }
        }
    };
}

words! {
    /// How a connection stands (ECMA-269 §6.1.5): a connection is one device's
    /// part in one call.
    pub enum ConnectionState {
        /// There is none.
        Null = "null",
        /// Off the hook, or asked to be: dialling.
        Initiated = "initiated",
        /// Ringing, or asked to answer.
        Alerting = "alerting",
        /// Takes part.
        Connected = "connected",
        /// Takes part, but has put the call on hold.
        Hold = "hold",
        /// Waits in a queue.
        Queued = "queued",
        /// Could not go on: busy, for example.
        Fail = "fail",
    }
}

words! {
    /// How the switching function is (ECMA-269 §12.2).
    pub enum SystemStatus {
        /// Starting.
        Initializing = "initializing",
        /// Takes requests again.
        Enabled = "enabled",
        /// All is well.
        Normal = "normal",
        /// Events may have been lost.
        MessagesLost = "messagesLost",
        /// Takes no requests.
        Disabled = "disabled",
        /// Soon overloaded.
        OverloadImminent = "overloadImminent",
        /// Overloaded.
        OverloadReached = "overloadReached",
        /// No longer overloaded.
        OverloadRelieved = "overloadRelieved",
        /// Some of it takes no requests.
        PartiallyDisabled = "partiallyDisabled",
    }
}
