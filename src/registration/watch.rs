//! The registrar's own word on our registrations (reg-event, RFC 3680): it tells at once
//! what a look would show later. A registrar that does not offer it is not asked again.

use super::Registration;
use crate::sip::{Element, Uri};
use crate::text::number;
use crate::time::{Duration, Instant};

/// What a document told of our registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// Out of order or nothing of interest.
    Nothing,
    /// Something changed that is not our own doing, as far as one can tell.
    Changed,
    /// Our contact was removed and may come back after so many seconds.
    Probation(u32),
    /// Our contact was removed and must not come back.
    Rejected,
}

/// What the documents have told so far.
#[derive(Debug, Default)]
pub struct Watch {
    /// The registrar does not offer the package.
    pub unsupported: bool,
    /// Of the last document; `None`: none has come yet.
    version: Option<u64>,
    /// Our contact did not stand in the last full document.
    missing: bool,
}

impl Registration {
    /// A document of the subscription came.
    pub fn notified(&mut self, now: Instant, document: &[u8]) {
        let own = self.contact_user().unwrap_or_default();
        let document = Element::parse(document).ok();
        let news = document.and_then(|document| self.watch.read(&document, &own));
        self.watch_confirmed();
        match news.unwrap_or(News::Nothing) {
            News::Changed => self.hint(now),
            News::Probation(seconds) => {
                self.probation(now + Duration::from_secs(seconds.into()));
            }
            News::Rejected => self.rejected(now),
            News::Nothing => {}
        }
    }

    /// The subscription stands: changes are told, once there was a document.
    pub fn watch_confirmed(&mut self) {
        let live = self.watch.version.is_some();
        self.set_watched(live);
    }

    /// The subscription does not stand any more.
    pub fn watch_lapsed(&mut self, refused: bool) {
        self.watch = Watch {
            unsupported: refused,
            ..Watch::default()
        };
        self.set_watched(false);
    }
}

impl Watch {
    /// Reads a `reginfo` document (RFC 3680 §5): of all that it tells, the few
    /// things that matter here.
    fn read(&mut self, document: &Element, own: &str) -> Option<News> {
        let version = number(document.attribute("version")?);
        if document.name != "reginfo" || version.is_none() || version <= self.version {
            return None;
        }
        let first = self.version.is_none();
        self.version = version;
        let mut news = News::Nothing;
        let mut listed = false;
        for contact in document
            .children_named("registration")
            .flat_map(|registration| registration.children_named("contact"))
        {
            let uri = contact.child("uri").map_or("", |uri| uri.text.trim_ascii());
            let user = Uri::parse(uri).and_then(|uri| uri.user);
            let ours = user == Some(own);
            let gone = contact.attribute("state") == Some("terminated");
            listed |= ours && !gone;
            match contact.attribute("event").unwrap_or_default() {
                "rejected" if ours && gone => return Some(News::Rejected),
                "probation" if ours && gone => {
                    let seconds = contact.attribute("retry-after").and_then(number);
                    let seconds = seconds.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
                    return Some(News::Probation(seconds.unwrap_or(60)));
                }
                _ if ours && gone => news = News::Changed,
                // The first document describes what our own login just saw.
                "registered" | "created" if !ours && !gone && !first => news = News::Changed,
                _ => {}
            }
        }
        if document.attribute("state") == Some("full") {
            // Taken over before the subscription stood. Told once: there may be
            // servers that never list us by our own name.
            if !self.missing && !listed {
                news = News::Changed;
            }
            self.missing = !listed;
        }
        Some(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(version: &str, state: &str, contacts: &[[&str; 4]]) -> String {
        let contact = |[user, state, event, more]: &[&str; 4]| {
            format!(
                "<contact state=\"{state}\" event=\"{event}\" {more}>\
                 <uri>sip:{user}@h.invalid</uri></contact>"
            )
        };
        let contacts: String = contacts.iter().map(contact).collect();
        format!(
            "<reginfo version=\"{version}\" state=\"{state}\"><registration aor=\"sip:a@b\" \
             id=\"1\" state=\"active\">{contacts}</registration></reginfo>"
        )
    }

    fn read(watch: &mut Watch, text: &str) -> Option<News> {
        watch.read(&Element::parse(text.as_bytes()).expect("XML"), "me")
    }

    const ME: [&str; 4] = ["me", "active", "registered", ""];
    const RIVAL: [&str; 4] = ["other", "active", "registered", ""];

    #[test]
    fn what_a_document_tells() {
        let gone = |event| ["me", "terminated", event, ""];
        let probation = ["me", "terminated", "probation", "retry-after=\"7\""];
        let table: [(&[[&str; 4]], News); 11] = [
            (&[ME], News::Nothing),
            (&[RIVAL], News::Changed),
            (&[["other", "active", "created", ""]], News::Changed),
            (&[["other", "active", "refreshed", ""]], News::Nothing),
            (&[["other", "terminated", "expired", ""]], News::Nothing),
            (&[gone("unregistered")], News::Changed),
            (&[gone("deactivated")], News::Changed),
            (&[gone("rejected")], News::Rejected),
            (&[["other", "terminated", "rejected", ""]], News::Nothing),
            (&[gone("probation")], News::Probation(60)),
            (&[RIVAL, probation], News::Probation(7)),
        ];
        for (contacts, news) in table {
            let mut watch = Watch::default();
            assert_eq!(
                read(&mut watch, &document("0", "full", &[ME])),
                Some(News::Nothing)
            );
            let text = document("1", "partial", contacts);
            assert_eq!(read(&mut watch, &text), Some(news), "{text}");
        }
    }

    #[test]
    fn the_first_document_describes_what_the_login_saw() {
        let mut watch = Watch::default();
        assert_eq!(
            read(&mut watch, &document("4", "full", &[ME, RIVAL])),
            Some(News::Nothing)
        );
        // Unless we are not in it, which is told once.
        let mut watch = Watch::default();
        assert_eq!(
            read(&mut watch, &document("4", "full", &[RIVAL])),
            Some(News::Changed)
        );
        assert_eq!(
            read(
                &mut watch,
                &document("5", "full", &[["other", "active", "refreshed", ""]])
            ),
            Some(News::Nothing)
        );
        assert_eq!(
            read(&mut watch, &document("6", "full", &[ME])),
            Some(News::Nothing)
        );
        assert_eq!(
            read(&mut watch, &document("7", "full", &[])),
            Some(News::Changed)
        );
    }

    #[test]
    fn an_old_version_or_something_else_tells_nothing() {
        let mut watch = Watch::default();
        assert_eq!(
            read(&mut watch, &document("4", "full", &[ME])),
            Some(News::Nothing)
        );
        for text in [
            document("4", "partial", &[RIVAL]),
            document("3", "partial", &[RIVAL]),
            document("x", "partial", &[RIVAL]),
            document("5", "partial", &[RIVAL]).replace("reginfo", "presence"),
            "<reginfo/>".to_owned(),
        ] {
            assert_eq!(read(&mut watch, &text), None, "{text}");
        }
        assert_eq!(
            read(&mut watch, &document("5", "partial", &[RIVAL])),
            Some(News::Changed)
        );
    }
}
