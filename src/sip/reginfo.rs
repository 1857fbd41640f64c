//! Registration information documents (RFC 3680 §5): who is registered, and
//! what became of whom.

use super::text::number;
use super::xml::{Element, XmlError, escape_xml};
use crate::prelude::*;

/// The body of a NOTIFY of the event package `reg`: `application/reginfo+xml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegInfo {
    /// Rises by one with each NOTIFY of a subscription, from 0. A lower or
    /// equal one is to be ignored, a gap asks for a refresh (RFC 3680 §5.1).
    pub version: u32,
    /// Full state, which replaces everything known; else only what changed.
    pub full: bool,
    /// One for each address-of-record.
    pub registrations: Vec<Registration>,
}

/// One address-of-record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// Address-of-record.
    pub aor: String,
    /// Stays the same from one document to the next.
    pub id: String,
    /// Of the address-of-record as a whole.
    pub state: RegState,
    /// Its contacts; a partial document names the changed ones only.
    pub contacts: Vec<RegContact>,
}

/// State of an address-of-record (RFC 3680 §4.7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegState {
    /// Nobody is registered, or never was.
    #[default]
    Init,
    /// There are contacts.
    Active,
    /// The last contact went.
    Terminated,
}

/// State of a contact (RFC 3680 §4.7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContactState {
    /// Bound.
    #[default]
    Active,
    /// Removed.
    Terminated,
}

/// One contact of an address-of-record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegContact {
    /// Stays the same from one document to the next.
    pub id: String,
    /// Bound or removed.
    pub state: ContactState,
    /// What put it there: `registered`, `created`, `refreshed`, `shortened`,
    /// `expired`, `deactivated`, `probation`, `unregistered` or `rejected`.
    pub event: String,
    /// The Contact URI.
    pub uri: String,
    /// Seconds left.
    pub expires: Option<u32>,
    /// With `probation`: seconds to stay away.
    pub retry_after: Option<u32>,
    /// Call-ID of the last REGISTER.
    pub call_id: Option<String>,
    /// CSeq number of the last REGISTER.
    pub cseq: Option<u32>,
    /// Contact parameters that the document has no place of its own for, such
    /// as `+sip.instance`, with raw values.
    pub unknown: Vec<(String, String)>,
}

/// Why a document is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegInfoError {
    /// Not XML that we read.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// XML, but something else, or an attribute missing.
    #[error("the registration information has no valid {0}")]
    Missing(&'static str),
}

use RegInfoError::Missing;

impl RegInfo {
    /// Reads a document. Elements and attributes that are not known are
    /// ignored (RFC 3680 §5.4).
    pub fn parse(document: &[u8]) -> Result<RegInfo, RegInfoError> {
        let root = Element::parse(document)?;
        if root.name != "reginfo" {
            return Err(Missing("reginfo"));
        }
        let version = root
            .attribute("version")
            .and_then(number)
            .ok_or(Missing("version"))?;
        let full = match root.attribute("state") {
            Some("full") => true,
            Some("partial") => false,
            _ => return Err(Missing("state")),
        };
        let mut registrations = Vec::new();
        for element in root.children_named("registration") {
            registrations.push(registration(element)?);
        }
        Ok(RegInfo {
            version,
            full,
            registrations,
        })
    }

    /// Writes the document.
    pub fn to_xml(&self) -> String {
        let mut xml = String::from(
            "<?xml version=\"1.0\"?>\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\"",
        );
        attribute(&mut xml, "version", &self.version.to_string());
        attribute(
            &mut xml,
            "state",
            if self.full { "full" } else { "partial" },
        );
        xml.push_str(">\n");
        for registration in &self.registrations {
            xml.push_str("  <registration");
            attribute(&mut xml, "aor", &registration.aor);
            attribute(&mut xml, "id", &registration.id);
            attribute(
                &mut xml,
                "state",
                match registration.state {
                    RegState::Init => "init",
                    RegState::Active => "active",
                    RegState::Terminated => "terminated",
                },
            );
            xml.push_str(">\n");
            registration
                .contacts
                .iter()
                .for_each(|contact| write_contact(&mut xml, contact));
            xml.push_str("  </registration>\n");
        }
        xml.push_str("</reginfo>\n");
        xml
    }
}

fn registration(element: &Element) -> Result<Registration, RegInfoError> {
    let state = match element.attribute("state") {
        Some("init") => RegState::Init,
        Some("active") => RegState::Active,
        Some("terminated") => RegState::Terminated,
        _ => return Err(Missing("registration state")),
    };
    let mut contacts = Vec::new();
    for element in element.children_named("contact") {
        contacts.push(contact(element)?);
    }
    Ok(Registration {
        aor: owned(element, "aor").ok_or(Missing("aor"))?,
        id: owned(element, "id").ok_or(Missing("registration id"))?,
        state,
        contacts,
    })
}

fn contact(element: &Element) -> Result<RegContact, RegInfoError> {
    let state = match element.attribute("state") {
        Some("active") => ContactState::Active,
        Some("terminated") => ContactState::Terminated,
        _ => return Err(Missing("contact state")),
    };
    let uri = element.child("uri").ok_or(Missing("contact uri"))?;
    let unknown = element
        .children_named("unknown-param")
        .filter_map(|param| Some((owned(param, "name")?, param.text.trim_ascii().to_owned())));
    let seconds = |name| element.attribute(name).and_then(number);
    Ok(RegContact {
        id: owned(element, "id").ok_or(Missing("contact id"))?,
        state,
        event: owned(element, "event").ok_or(Missing("contact event"))?,
        uri: uri.text.trim_ascii().to_owned(),
        expires: seconds("expires"),
        retry_after: seconds("retry-after"),
        call_id: owned(element, "callid"),
        cseq: seconds("cseq"),
        unknown: unknown.collect(),
    })
}

fn owned(element: &Element, attribute: &str) -> Option<String> {
    element.attribute(attribute).map(str::to_owned)
}

fn write_contact(xml: &mut String, contact: &RegContact) {
    xml.push_str("    <contact");
    attribute(xml, "id", &contact.id);
    attribute(
        xml,
        "state",
        match contact.state {
            ContactState::Active => "active",
            ContactState::Terminated => "terminated",
        },
    );
    attribute(xml, "event", &contact.event);
    for (name, value) in [
        ("expires", contact.expires),
        ("retry-after", contact.retry_after),
        ("cseq", contact.cseq),
    ] {
        if let Some(value) = value {
            attribute(xml, name, &value.to_string());
        }
    }
    if let Some(call_id) = &contact.call_id {
        attribute(xml, "callid", call_id);
    }
    xml.push_str(">\n      <uri>");
    xml.push_str(&escape_xml(&contact.uri));
    xml.push_str("</uri>\n");
    for (name, value) in &contact.unknown {
        xml.push_str("      <unknown-param");
        attribute(xml, "name", name);
        xml.push('>');
        xml.push_str(&escape_xml(value));
        xml.push_str("</unknown-param>\n");
    }
    xml.push_str("    </contact>\n");
}

fn attribute(xml: &mut String, name: &str, value: &str) {
    for part in [" ", name, "=\"", &escape_xml(value), "\""] {
        xml.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let info = RegInfo {
            version: 7,
            full: false,
            registrations: vec![Registration {
                aor: "sip:ann@example.com".into(),
                id: "r1".into(),
                state: RegState::Active,
                contacts: vec![
                    RegContact {
                        id: "c1".into(),
                        state: ContactState::Terminated,
                        event: "probation".into(),
                        uri: "sip:a\"<b>&'@c.invalid;transport=ws".into(),
                        expires: Some(0),
                        retry_after: Some(30),
                        call_id: Some("x@y".into()),
                        cseq: Some(9),
                        unknown: vec![("+sip.instance".into(), "\"<urn:uuid:1>\"".into())],
                    },
                    RegContact::default(),
                ],
            }],
        };
        assert_eq!(RegInfo::parse(info.to_xml().as_bytes()), Ok(info));
    }

    /// The example of RFC 3680 §5.3 in shape: prefixes and unknown elements.
    #[test]
    fn documents_of_others_are_read() {
        let text = r#"<?xml version="1.0"?>
            <r:reginfo xmlns:r="urn:ietf:params:xml:ns:reginfo" xmlns:gr="urn:ietf:params:xml:ns:gruuinfo"
                version="0" state="full">
              <r:registration aor="sip:joe@example.com" id="as9" state="active">
                <r:contact id="76" state="active" event="registered" duration-registered="7322" q="0.8">
                  <r:uri>
                    sip:joe@pc887.example.com
                  </r:uri>
                  <r:display-name>Joe</r:display-name>
                  <r:unknown-param name="+sip.instance">"&lt;urn:uuid:f&gt;"</r:unknown-param>
                  <gr:pub-gruu uri="sip:joe@example.com;gr=urn:uuid:f"/>
                </r:contact>
              </r:registration>
              <r:registration aor="sip:b@example.com" id="as10" state="init"/>
            </r:reginfo>"#;
        let info = RegInfo::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (info.version, info.full, info.registrations.len()),
            (0, true, 2)
        );
        let contact = &info.registrations[0].contacts[0];
        assert_eq!(
            (contact.uri.as_str(), contact.event.as_str()),
            ("sip:joe@pc887.example.com", "registered")
        );
        assert_eq!(
            contact.unknown,
            [("+sip.instance".to_owned(), "\"<urn:uuid:f>\"".to_owned())]
        );
        assert_eq!((contact.expires, contact.cseq), (None, None));
    }

    #[test]
    fn other_documents_are_refused_with_a_reason() {
        for (text, missing) in [
            ("<a/>", "reginfo"),
            ("<reginfo state='full'/>", "version"),
            ("<reginfo version='-1' state='full'/>", "version"),
            ("<reginfo version='1'/>", "state"),
            (
                "<reginfo version='1' state='full'><registration aor='a' id='b'/></reginfo>",
                "registration state",
            ),
            (
                "<reginfo version='1' state='full'><registration id='b' state='init'/></reginfo>",
                "aor",
            ),
            (
                "<reginfo version='1' state='full'><registration aor='a' id='b' state='active'>\
                 <contact id='1' state='active' event='registered'/></registration></reginfo>",
                "contact uri",
            ),
        ] {
            assert_eq!(
                RegInfo::parse(text.as_bytes()),
                Err(Missing(missing)),
                "{text}"
            );
        }
        assert_eq!(
            RegInfo::parse(b"<a"),
            Err(RegInfoError::Xml(XmlError::Malformed))
        );
    }
}
