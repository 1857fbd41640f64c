//! Dialog information documents (RFC 4235): which calls somebody is in.

use crate::prelude::*;
use crate::sip::{Element, XmlError};
use crate::text::number;

/// Most dialogs of one document, and of one table: more than the phones of one user
/// have calls, and few enough to be compared with each other.
pub const MAX_DIALOGS: usize = 256;

/// The body of a NOTIFY of the event package `dialog`: `application/dialog-info+xml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DialogInfo {
    /// Rises by one with each NOTIFY of a subscription.
    pub version: u32,
    /// All dialogs of the entity; else only those that changed.
    pub full: bool,
    /// Whose dialogs these are: a URI.
    pub entity: String,
    /// In the order of the document.
    pub dialogs: Vec<Dialog>,
}

/// One dialog, or what may become some (RFC 4235 §4.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialog {
    /// Stays the same from one document to the next.
    pub id: String,
    /// Call-ID.
    pub call_id: Option<String>,
    /// The entity's tag.
    pub local_tag: Option<String>,
    /// The other's.
    pub remote_tag: Option<String>,
    /// Who sent the INVITE, where that is known.
    pub direction: Option<Direction>,
    /// Where it is.
    pub state: DialogState,
    /// What brought it there: `cancelled`, `rejected`, `replaced`, `local-bye`,
    /// `remote-bye`, `error` or `timeout`, if anything is said.
    pub event: Option<String>,
    /// The status code that brought it there.
    pub code: Option<u16>,
    /// The entity's end.
    pub local: Participant,
    /// The other.
    pub remote: Participant,
}

/// Which end sent the INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The entity.
    Initiator,
    /// The other one.
    Recipient,
}

/// State of a dialog (RFC 4235 §3.7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DialogState {
    /// The INVITE was sent.
    #[default]
    Trying,
    /// It was answered 1xx without a tag.
    Proceeding,
    /// It was answered 1xx with a tag.
    Early,
    /// It was answered 2xx.
    Confirmed,
    /// It is over, or came to nothing.
    Terminated,
}

/// One end of a dialog (RFC 4235 §4.1.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// Its URI, as From or To have it; empty where it is not told.
    pub identity: String,
    /// The name that goes with it.
    pub display: Option<String>,
    /// Its Contact's URI.
    pub target: Option<String>,
    /// Parameters of that Contact, such as `+sip.instance` and `+sip.rendering`.
    pub params: Vec<(String, String)>,
}

/// Why a document is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialogInfoError {
    /// Not XML that we read.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// XML, but something else, or a part missing.
    #[error("the dialog information has no valid {0}")]
    Missing(&'static str),
    /// More dialogs than anybody is in.
    #[error("the dialog information has more than 256 dialogs")]
    TooMany,
}

use DialogInfoError::{Missing, TooMany};

impl DialogInfo {
    /// Reads a document. Elements and attributes that are not known are ignored.
    pub fn parse(document: &[u8]) -> Result<DialogInfo, DialogInfoError> {
        let root = Element::parse(document)?;
        if root.name != "dialog-info" {
            return Err(Missing("dialog-info"));
        }
        let full = match root.attribute("state") {
            Some("full") => true,
            Some("partial") => false,
            _ => return Err(Missing("state")),
        };
        if root.children_named("dialog").count() > MAX_DIALOGS {
            return Err(TooMany);
        }
        Ok(DialogInfo {
            version: small(&root, "version").ok_or(Missing("version"))?,
            full,
            entity: owned(&root, "entity").ok_or(Missing("entity"))?,
            dialogs: root
                .children_named("dialog")
                .map(dialog)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Dialog {
    /// The entity has it on hold: what comes in it is neither seen nor heard
    /// (`+sip.rendering`, RFC 4235 §5.2).
    pub fn is_held(&self) -> bool {
        let mut params = self.local.params.iter();
        params.any(|(name, value)| name == "+sip.rendering" && value == "no")
    }
}

impl DialogState {
    /// As the document has it.
    pub fn as_str(self) -> &'static str {
        let found = STATES.iter().find(|(_, state)| *state == self);
        found.map_or("trying", |(name, _)| name)
    }
}

const STATES: [(&str, DialogState); 5] = [
    ("trying", DialogState::Trying),
    ("proceeding", DialogState::Proceeding),
    ("early", DialogState::Early),
    ("confirmed", DialogState::Confirmed),
    ("terminated", DialogState::Terminated),
];

fn dialog(element: &Element) -> Result<Dialog, DialogInfoError> {
    let state = element.child("state").ok_or(Missing("dialog state"))?;
    let written = state.text.trim_ascii();
    // Kamailio writes "Trying".
    let known = STATES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(written));
    Ok(Dialog {
        id: owned(element, "id").ok_or(Missing("dialog id"))?,
        call_id: owned(element, "call-id"),
        local_tag: owned(element, "local-tag"),
        remote_tag: owned(element, "remote-tag"),
        direction: match element.attribute("direction") {
            Some("initiator") => Some(Direction::Initiator),
            Some("recipient") => Some(Direction::Recipient),
            _ => None,
        },
        state: known.ok_or(Missing("dialog state"))?.1,
        event: owned(state, "event"),
        code: small(state, "code"),
        local: participant(element.child("local")),
        remote: participant(element.child("remote")),
    })
}

fn participant(element: Option<&Element>) -> Participant {
    let child = |name| element.and_then(|element| element.child(name));
    let identity = child("identity");
    let target = child("target");
    let params = target
        .iter()
        .flat_map(|target| target.children_named("param"))
        .filter_map(|param| Some((owned(param, "pname")?, owned(param, "pval")?)));
    Participant {
        identity: identity.map_or(String::new(), |uri| uri.text.trim_ascii().to_owned()),
        display: identity.and_then(|uri| owned(uri, "display")),
        target: target.and_then(|target| owned(target, "uri")),
        params: params.collect(),
    }
}

fn owned(element: &Element, attribute: &str) -> Option<String> {
    element.attribute(attribute).map(str::to_owned)
}

/// A number that fits; one that does not is none.
fn small<N: TryFrom<u64>>(element: &Element, attribute: &str) -> Option<N> {
    let number = number(element.attribute(attribute)?)?;
    N::try_from(number).ok()
}

/// What became of a document that a table was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The table is up to date.
    Wholly,
    /// Something may be missing: ask for full state, by refreshing the subscription.
    WithGap,
    /// It was older than what is known.
    Not,
}

/// The dialogs of one entity as the documents of a subscription tell them, one after
/// the other (RFC 4235 §4.3).
#[derive(Clone, Debug, Default)]
pub struct Dialogs {
    /// Of the last document, until the subscription is a new one.
    version: Option<u32>,
    list: Vec<Dialog>,
}

impl Dialogs {
    /// All that are known. Those that are over stay until the next document.
    pub fn list(&self) -> &[Dialog] {
        &self.list
    }

    /// The subscription is another one, which counts from anew. What is known stays until
    /// its full state comes, with which it begins.
    pub fn renew(&mut self) {
        self.version = None;
    }

    /// Takes a NOTIFY without a document: for a new subscription a notifier that knows
    /// of nothing has none. Within one it says nothing.
    pub fn take_nothing(&mut self) -> Taken {
        if self.version.is_some() {
            return Taken::Not;
        }
        self.list.clear();
        Taken::Wholly
    }

    /// Takes what a document says.
    pub fn take(&mut self, document: DialogInfo) -> Taken {
        let gap = match self.version {
            Some(version) if document.version < version => return Taken::Not,
            // Full state lacks nothing, also where a notifier does not count.
            _ if document.full => false,
            Some(version) if document.version == version => return Taken::Not,
            Some(version) => document.version - version > 1,
            None => true,
        };
        self.version = Some(document.version);
        self.list
            .retain(|dialog| !document.full && dialog.state != DialogState::Terminated);
        let mut full = false;
        for dialog in document.dialogs {
            match self.list.iter().position(|known| known.id == dialog.id) {
                Some(at) => drop(self.list.splice(at..=at, [dialog])),
                None if self.list.len() < MAX_DIALOGS => self.list.push(dialog),
                None => full = true,
            }
        }
        if gap || full {
            Taken::WithGap
        } else {
            Taken::Wholly
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DialogInfo, DialogInfoError> {
        DialogInfo::parse(text.as_bytes())
    }

    fn one(version: u32, state: &str, dialogs: &[(&str, &str)]) -> DialogInfo {
        let dialogs = dialogs
            .iter()
            .map(|(id, state)| format!("<dialog id='{id}'><state>{state}</state></dialog>"));
        read(&format!(
            "<dialog-info version='{version}' state='{state}' entity='sip:a@b'>{}</dialog-info>",
            dialogs.collect::<String>()
        ))
        .unwrap()
    }

    fn known(table: &Dialogs) -> Vec<(&str, &str)> {
        let list = table.list().iter();
        list.map(|dialog| (dialog.id.as_str(), dialog.state.as_str()))
            .collect()
    }

    /// In the shape of RFC 4235 §4.2 and §6: all that a phone of the field says.
    #[test]
    fn documents_are_read() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <d:dialog-info xmlns:d="urn:ietf:params:xml:ns:dialog-info" xmlns:v="urn:vendor"
                version="7" state="partial" entity="sip:alice@example.com">
              <d:dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774"
                  remote-tag="456887766" direction="recipient">
                <d:state event="replaced" code="200"> confirmed
                </d:state>
                <d:duration>145</d:duration>
                <d:replaces call-id="x" local-tag="y" remote-tag="z"/>
                <d:local>
                  <d:identity display="Alice &lt;1&gt;"> sip:alice@example.com </d:identity>
                  <d:target uri="sip:alice@pc33.example.com">
                    <d:param pname="+sip.rendering" pval="no"/>
                    <d:param pname="+sip.instance" pval="&quot;&lt;urn:uuid:1&gt;&quot;"/>
                    <d:param pname="isfocus"/>
                  </d:target>
                  <d:cseq>5</d:cseq>
                </d:local>
                <d:remote>
                  <d:identity>sip:bob@example.org</d:identity>
                  <d:session-description type="application/sdp">v=0</d:session-description>
                </d:remote>
                <v:lamp>red</v:lamp>
              </d:dialog>
              <d:dialog id=""><d:state>trying</d:state></d:dialog>
            </d:dialog-info>"#;
        let info = read(text).unwrap();
        assert_eq!(
            (info.version, info.full, info.entity.as_str()),
            (7, false, "sip:alice@example.com")
        );
        let [dialog, bare] = &info.dialogs[..] else {
            panic!("{info:?}");
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            *dialog,
            Dialog {
                id: "as7d900as8".into(),
                call_id: Some("a84b4c76e66710".into()),
                local_tag: Some("1928301774".into()),
                remote_tag: Some("456887766".into()),
                direction: Some(Direction::Recipient),
                state: DialogState::Confirmed,
                event: Some("replaced".into()),
                code: Some(200),
                local: Participant {
                    identity: "sip:alice@example.com".into(),
                    display: Some("Alice <1>".into()),
                    target: Some("sip:alice@pc33.example.com".into()),
                    params: vec![
                        pair("+sip.rendering", "no"),
                        pair("+sip.instance", "\"<urn:uuid:1>\""),
                    ],
                },
                remote: Participant {
                    identity: "sip:bob@example.org".into(),
                    ..Participant::default()
                },
            }
        );
        assert!(dialog.is_held());
        assert_eq!(*bare, Dialog::default());
        assert!(!bare.is_held());
    }

    /// What Kamailio 5.6.3 with pua_dialoginfo and presence_dialoginfo has sent.
    #[test]
    fn what_kamailio_tells_is_read() {
        let text = "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
             version=\"2\" state=\"full\" entity=\"sip:2001@example.test\">\n  <dialog \
             id=\"padi-6b0e1f57-2a1d-1\" call-id=\"60660ed0dac55d55\" direction=\"initiator\">\n    \
             <state>Trying</state>\n    <remote>\n      \
             <identity>sip:2002@example.test;transport=udp</identity>\n      \
             <target uri=\"sip:2002@example.test;transport=udp\"/>\n    </remote>\n    <local>\n      \
             <identity>sip:2001@example.test</identity>\n      \
             <target uri=\"sip:2001@example.test\"/>\n    </local>\n  </dialog>\n</dialog-info>\n";
        let info = read(text).unwrap();
        let dialog = &info.dialogs[0];
        assert_eq!(
            (dialog.state, dialog.direction),
            (DialogState::Trying, Some(Direction::Initiator))
        );
        assert_eq!(
            dialog.remote.identity,
            "sip:2002@example.test;transport=udp"
        );
        let empty = "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" \
             state=\"full\" entity=\"sip:2001@example.com\"/>";
        assert_eq!(read(empty).unwrap().dialogs, []);
    }

    #[test]
    fn other_documents_are_refused_with_a_reason() {
        let root = |inside: &str| {
            format!("<dialog-info version='1' state='full' entity='a'>{inside}</dialog-info>")
        };
        for (text, missing) in [
            ("<presence/>".to_owned(), "dialog-info"),
            (
                "<dialog-info state='full' entity='a'/>".to_owned(),
                "version",
            ),
            (
                "<dialog-info version='4294967296' state='full' entity='a'/>".to_owned(),
                "version",
            ),
            ("<dialog-info version='1' entity='a'/>".to_owned(), "state"),
            (
                "<dialog-info version='1' state='full'/>".to_owned(),
                "entity",
            ),
            (root("<dialog id='1'/>"), "dialog state"),
            (
                root("<dialog id='1'><state>asleep</state></dialog>"),
                "dialog state",
            ),
            (root("<dialog><state>early</state></dialog>"), "dialog id"),
        ] {
            assert_eq!(read(&text), Err(Missing(missing)), "{text}");
        }
        for (text, error) in [
            ("<dialog-info", XmlError::Malformed),
            (
                "<!DOCTYPE a [<!ENTITY b 'c'>]><dialog-info/>",
                XmlError::Forbidden,
            ),
            ("<dialog-info entity='&b;'/>", XmlError::Forbidden),
        ] {
            assert_eq!(read(text), Err(DialogInfoError::Xml(error)), "{text}");
        }
        let dialog = "<dialog id='1'><state>early</state></dialog>";
        assert!(read(&root(&dialog.repeat(MAX_DIALOGS))).is_ok());
        assert_eq!(read(&root(&dialog.repeat(MAX_DIALOGS + 1))), Err(TooMany));
    }

    #[test]
    fn a_table_is_what_the_documents_say_together() {
        let mut table = Dialogs::default();
        assert_eq!(table.take(one(3, "full", &[("a", "early")])), Taken::Wholly);
        assert_eq!(
            table.take(one(4, "partial", &[("b", "trying")])),
            Taken::Wholly
        );
        assert_eq!(known(&table), [("a", "early"), ("b", "trying")]);
        // One that is over is told once.
        assert_eq!(
            table.take(one(5, "partial", &[("a", "terminated")])),
            Taken::Wholly
        );
        assert_eq!(known(&table), [("a", "terminated"), ("b", "trying")]);
        assert_eq!(
            table.take(one(6, "partial", &[("b", "early")])),
            Taken::Wholly
        );
        assert_eq!(known(&table), [("b", "early")]);
        // What full state does not name is over.
        assert_eq!(
            table.take(one(7, "full", &[("c", "confirmed")])),
            Taken::Wholly
        );
        assert_eq!(known(&table), [("c", "confirmed")]);
    }

    #[test]
    fn old_documents_are_not_taken_and_gaps_are_told() {
        let mut table = Dialogs::default();
        table.take(one(3, "full", &[("a", "early")]));
        for old in [
            one(2, "full", &[]),
            one(3, "partial", &[("a", "confirmed")]),
        ] {
            assert_eq!(table.take(old), Taken::Not);
        }
        assert_eq!(known(&table), [("a", "early")]);
        assert_eq!(
            table.take(one(5, "partial", &[("b", "early")])),
            Taken::WithGap
        );
        assert_eq!(known(&table), [("a", "early"), ("b", "early")]);
        assert_eq!(table.take(one(9, "full", &[])), Taken::Wholly);
        // A notifier that does not count.
        assert_eq!(table.take(one(9, "full", &[("c", "early")])), Taken::Wholly);
        assert_eq!(known(&table), [("c", "early")]);
    }

    #[test]
    fn another_subscription_counts_from_anew() {
        let mut table = Dialogs::default();
        table.take(one(9, "full", &[("a", "early"), ("b", "early")]));
        table.renew();
        assert_eq!(known(&table).len(), 2);
        assert_eq!(
            table.take(one(0, "full", &[("a", "confirmed")])),
            Taken::Wholly
        );
        assert_eq!(known(&table), [("a", "confirmed")]);
        // Kamailio has no document for who is in no call.
        assert_eq!(table.take_nothing(), Taken::Not);
        table.renew();
        assert_eq!(table.take_nothing(), Taken::Wholly);
        assert_eq!(known(&table), []);
        // It begins with full state (RFC 4235 §3.7); one that does not is asked for it.
        table.renew();
        assert_eq!(
            table.take(one(0, "partial", &[("b", "early")])),
            Taken::WithGap
        );
    }

    #[test]
    fn a_table_does_not_grow_without_bound() {
        let mut table = Dialogs::default();
        for version in 0..=MAX_DIALOGS as u32 {
            let id = version.to_string();
            let taken = table.take(one(version, "partial", &[(&id, "early")]));
            let all = (1..MAX_DIALOGS as u32).contains(&version);
            assert_eq!(taken == Taken::Wholly, all, "{version}");
        }
        assert_eq!(table.list().len(), MAX_DIALOGS);
        // Twice the same is once the same.
        table.take(one(1000, "full", &[("a", "early"), ("a", "terminated")]));
        assert_eq!(known(&table), [("a", "terminated")]);
    }
}
