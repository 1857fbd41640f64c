//! The names of header fields, with their compact forms (RFC 3261 §7.3.3).

/// Where a name has no compact form: a byte that no text contains.
const NONE: u8 = 0xff;

macro_rules! names {
    ($($name:ident $text:literal $compact:expr,)*) => {
        /// A header field that the code asks for by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(clippy::enum_variant_names)] // the names are SIP's
        pub enum Name {
            $(#[doc = concat!("`", $text, "`")] $name,)*
            /// Any other: ask with [`Message::header_named`](super::Message::header_named).
            Other,
        }

        /// Name, full text, compact form (or NONE).
        const KNOWN: &[(Name, &str, u8)] = &[$((Name::$name, $text, $compact),)*];
    };
}

names! {
    Accept "Accept" NONE,
    AcceptContact "Accept-Contact" b'a',
    AcceptEncoding "Accept-Encoding" NONE,
    Allow "Allow" NONE,
    AllowEvents "Allow-Events" b'u',
    AuthenticationInfo "Authentication-Info" NONE,
    Authorization "Authorization" NONE,
    CallId "Call-ID" b'i',
    CallInfo "Call-Info" NONE,
    Contact "Contact" b'm',
    ContentDisposition "Content-Disposition" NONE,
    ContentEncoding "Content-Encoding" b'e',
    ContentLength "Content-Length" b'l',
    ContentType "Content-Type" b'c',
    CSeq "CSeq" NONE,
    Date "Date" NONE,
    Event "Event" b'o',
    Expires "Expires" NONE,
    FeatureCaps "Feature-Caps" NONE,
    FlowTimer "Flow-Timer" NONE,
    From "From" b'f',
    InfoPackage "Info-Package" NONE,
    MaxForwards "Max-Forwards" NONE,
    MinExpires "Min-Expires" NONE,
    MinSe "Min-SE" NONE,
    PAssertedIdentity "P-Asserted-Identity" NONE,
    PAssociatedUri "P-Associated-URI" NONE,
    PRegistrarError "P-Registrar-Error" NONE,
    Path "Path" NONE,
    Privacy "Privacy" NONE,
    ProxyAuthenticate "Proxy-Authenticate" NONE,
    ProxyAuthorization "Proxy-Authorization" NONE,
    ProxyRequire "Proxy-Require" NONE,
    RAck "RAck" NONE,
    RSeq "RSeq" NONE,
    Reason "Reason" NONE,
    RecordRoute "Record-Route" NONE,
    ReferSub "Refer-Sub" NONE,
    ReferTo "Refer-To" b'r',
    ReferredBy "Referred-By" b'b',
    RemotePartyId "Remote-Party-ID" NONE,
    Replaces "Replaces" NONE,
    Require "Require" NONE,
    RetryAfter "Retry-After" NONE,
    Route "Route" NONE,
    Server "Server" NONE,
    ServiceRoute "Service-Route" NONE,
    SessionExpires "Session-Expires" b'x',
    SipEtag "SIP-ETag" NONE,
    Subject "Subject" b's',
    SubscriptionState "Subscription-State" NONE,
    Supported "Supported" b'k',
    To "To" b't',
    Unsupported "Unsupported" NONE,
    UserAgent "User-Agent" NONE,
    Via "Via" b'v',
    Warning "Warning" NONE,
    WwwAuthenticate "WWW-Authenticate" NONE,
    XGraceline "X-Graceline" NONE,
    XGracelineHolder "X-Graceline-Holder" NONE,
}

// A set of names is 64 bits (`validate.rs`).
const _: () = assert!(KNOWN.len() < 64);

impl Name {
    /// The full name as the RFCs spell it; empty for [`Name::Other`].
    pub fn as_str(self) -> &'static str {
        KNOWN.get(self as usize).map_or("", |(_, text, _)| text)
    }

    /// The name that `text` spells, in any case, in full or compact.
    pub fn from_text(text: &str) -> Name {
        let (Some(first), Some(last)) = (text.bytes().next(), text.bytes().next_back()) else {
            return Name::Other;
        };
        if text.len() == 1 {
            let first = first.to_ascii_lowercase();
            let found = KNOWN.iter().find(|(_, _, compact)| *compact == first);
            return found.map_or(Name::Other, |(name, ..)| *name);
        }
        let mut slot = slot_of(text.len(), first, last);
        while let Some(index) = SLOTS.get(slot).and_then(|entry| entry.checked_sub(1)) {
            match KNOWN.get(usize::from(index)) {
                Some((name, known, _)) if known.eq_ignore_ascii_case(text) => return *name,
                _ => slot = (slot + 1) % SLOTS.len(),
            }
        }
        Name::Other
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// An open hash table made by the compiler: entry of [`KNOWN`] plus one, or 0.
/// A message is mostly header names, so looking one up must be cheap.
const SLOTS: [u8; 128] = slots();

#[allow(clippy::indexing_slicing)] // runs in the compiler: a bad index would not build
const fn slots() -> [u8; 128] {
    let mut slots = [0; 128];
    let mut index = 0;
    while index < KNOWN.len() {
        let text = KNOWN[index].1.as_bytes();
        let mut slot = slot_of(text.len(), text[0], text[text.len() - 1]);
        while slots[slot] != 0 {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = index as u8 + 1;
        index += 1;
    }
    slots
}

const fn slot_of(len: usize, first: u8, last: u8) -> usize {
    (len * 21 + (first | 0x20) as usize * 3 + (last | 0x20) as usize) % 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case_and_in_its_compact_form() {
        for (name, text, compact) in KNOWN {
            assert_eq!(name.as_str(), *text);
            assert_eq!(Name::from_text(text), *name);
            assert_eq!(Name::from_text(&text.to_uppercase()), *name);
            assert_eq!(Name::from_text(&text.to_lowercase()), *name);
            if *compact != NONE {
                let compact = char::from(*compact).to_string();
                assert_eq!(Name::from_text(&compact), *name);
                assert_eq!(Name::from_text(&compact.to_uppercase()), *name);
            }
        }
    }

    #[test]
    fn other_names_are_other() {
        for text in [
            "",
            "q",
            "X-Foo",
            "Content Length",
            "Contac",
            "C%6Fntact",
            "ä",
            "\0",
        ] {
            assert_eq!(Name::from_text(text), Name::Other, "{text}");
        }
    }
}
