//! How available users are: the event package `presence` (RFC 3856), in documents of RFC
//! 3863 with the activities of RFC 4480. It follows from facts; what a user says by hand is
//! one, kept with the account, or published by a device for as long as that is bound (RFC
//! 3903).

use super::config::VOICEMAIL;
use super::register::Target;
use super::reply::Refusal;
use super::subscriptions::Package;
use super::{ConnectionId, Registrar};
use crate::account::{Manual, Presence};
use crate::sip::{Element, Message, Uri, escape_xml};
use crate::time::{Duration, Instant};

/// Longest time that a state is kept without a refresh, in seconds, and the default
/// (RFC 3903 §6).
const LONGEST: u32 = 3600;

/// States of one user that are kept at a time: those of more devices than anybody has.
const MOST: usize = 16;

/// Changes of one user in [`WINDOW`]: each is told to everybody who watches.
const CHANGES: usize = 20;
const WINDOW: Duration = Duration::from_secs(10);

/// Longest remark of a user, in characters.
const NOTE: usize = 128;

/// A state that a device has published.
pub(super) struct Publication {
    etag: String,
    user: String,
    /// Its device, if that is bound.
    binding: Option<u64>,
    manual: Manual,
    pub until: Instant,
}

/// What others see.
#[derive(Clone, Copy)]
enum Shown {
    Available,
    /// Not to be disturbed.
    Busy,
    OnThePhone,
    Away,
    Offline,
}

impl Shown {
    /// The activity of RFC 4480 §3.2 that says it.
    fn activity(self) -> Option<&'static str> {
        match self {
            Shown::Busy => Some("busy"),
            Shown::OnThePhone => Some("on-the-phone"),
            Shown::Away => Some("away"),
            Shown::Available | Shown::Offline => None,
        }
    }
}

impl Registrar {
    /// Whether `request` publishes a state of a user to us.
    pub(super) fn is_for_compositor(&self, request: &Message) -> bool {
        let known = |uri: Uri<'_>| {
            let target = Target::parse(request.request_uri());
            let user = target.is_some_and(|target| self.login(&target.user).is_some());
            user && self.config.serves(uri.host)
        };
        self.offers(Package::Presence)
            && request.to_tag().is_none()
            && Uri::parse(request.request_uri()).is_some_and(known)
    }

    pub(super) fn handle_publish(&mut self, connection: ConnectionId, request: &Message) {
        match self.publish_state(connection, request) {
            Ok((etag, seconds)) => {
                let headers = [("SIP-ETag", etag), ("Expires", seconds.to_string())];
                self.answer(connection, request, 200, "OK", &headers);
            }
            Err(refusal) => self.refuse(connection, request, &refusal),
        }
    }

    /// RFC 3903 §6: the entity tag, and the seconds that the state is kept.
    fn publish_state(
        &mut self,
        connection: ConnectionId,
        request: &Message,
    ) -> Result<(String, u32), Refusal> {
        let package = Package::of(request).filter(|package| self.offers(*package));
        let (_, login) = self.subscriber(connection, request)?;
        let target = Target::parse(request.request_uri());
        let target = target.ok_or_else(|| Refusal::new(404, "Not Found"))?;
        let user = self.login(&target.user).unwrap_or_default().to_owned();
        let seconds = request.expires().unwrap_or(LONGEST).min(LONGEST);
        match package {
            Some(Package::Presence) if user == login => {
                self.publish_presence(connection, request, user, seconds)
            }
            Some(Package::MessageSummary) if login == VOICEMAIL => {
                typed(request, Package::MessageSummary)?;
                self.take_summary(&user, request.body())?;
                Ok((self.random.hex::<8>(), seconds))
            }
            Some(Package::Presence | Package::MessageSummary) => {
                Err(Refusal::new(403, "Not Yours To Publish"))
            }
            _ => Err(self.no_such_event()),
        }
    }

    fn publish_presence(
        &mut self,
        connection: ConnectionId,
        request: &Message,
        user: String,
        seconds: u32,
    ) -> Result<(String, u32), Refusal> {
        let condition = request.header_named("SIP-If-Match").map(str::to_owned);
        let mut kept = self.publications.iter();
        let own = |one: &Publication| one.user == user && Some(&one.etag) == condition.as_ref();
        let at = kept.position(own);
        if condition.is_some() && at.is_none() {
            return Err(Refusal::new(412, "Conditional Request Failed"));
        }
        let manual = match (request.body().is_empty(), at) {
            (true, None) => return Err(Refusal::bad("Missing Body")),
            (true, Some(_)) => None,
            (false, _) => {
                typed(request, Package::Presence)?;
                let document = Element::parse(request.body());
                let said = document.ok().and_then(|document| read(&document));
                Some(said.ok_or_else(|| Refusal::bad("No Presence Document"))?)
            }
        };
        if manual.is_some() && seconds > 0 {
            self.count_change(&user)?;
        }
        let former = at.map(|at| self.publications.remove(at));
        let etag = self.random.hex::<8>();
        self.stale = true;
        let Some(manual) = manual
            .or_else(|| Some(former?.manual))
            .filter(|_| seconds > 0)
        else {
            return Ok((etag, 0));
        };
        let own = |one: &&Publication| one.user == user;
        if self.publications.iter().filter(own).count() >= MOST {
            let oldest = self.publications.iter().position(|one| one.user == user);
            oldest.map(|oldest| self.publications.remove(oldest));
        }
        let mut bound = self.store.of(&user).iter();
        let entry = bound.find(|entry| entry.flow == Some(connection));
        self.publications.push(Publication {
            etag: etag.clone(),
            binding: entry.map(|entry| entry.id),
            user,
            manual,
            until: self.now + Duration::from_secs(seconds.into()),
        });
        Ok((etag, seconds))
    }

    /// Whether `user` may change again.
    fn count_change(&mut self, user: &str) -> Result<(), Refusal> {
        let now = self.now;
        let changes = self.changes.entry(user.to_owned()).or_default();
        changes.retain(|&at| at + WINDOW > now);
        if changes.len() >= CHANGES {
            return Err(Refusal::too_many_changes(WINDOW.as_millis() / 1000));
        }
        changes.push_back(now);
        Ok(())
    }

    /// Forgets what is not refreshed, and what a device has said that is gone.
    pub(super) fn expire_publications(&mut self) {
        let (now, store) = (self.now, &self.store);
        let lasts = |one: &Publication| {
            let bound = one.binding.is_none_or(|id| store.get(id).is_some());
            one.until > now && bound
        };
        let before = self.publications.len();
        self.publications.retain(lasts);
        self.stale |= self.publications.len() != before;
    }

    /// What `user` says by hand: what was published last, or else what is kept.
    fn said(&self, user: &str) -> Manual {
        let own = |one: &&Publication| one.user == user;
        let published = self.publications.iter().rev().find(own);
        let published = published.map(|one| one.manual.clone());
        published.unwrap_or_else(|| self.accounts.manual(user))
    }

    /// The document about `user`.
    pub(super) fn presence_document(&self, user: &str, aor: &str) -> String {
        let Manual { state, note } = self.said(user);
        let disturbed = self.accounts.rules(user).do_not_disturb;
        let shown = match state {
            Some(Presence::Offline) => Shown::Offline,
            Some(Presence::Busy) => Shown::Busy,
            _ if disturbed => Shown::Busy,
            _ if self.is_on_the_phone(user) => Shown::OnThePhone,
            Some(Presence::Away) => Shown::Away,
            _ if self.store.of(user).is_empty() => Shown::Offline,
            _ => Shown::Available,
        };
        let basic = match shown {
            Shown::Offline => "closed",
            _ => "open",
        };
        let note = note.map_or_else(String::new, |note| {
            format!("  <note>{}</note>\n", escape_xml(&note))
        });
        let person = shown.activity().map_or_else(String::new, |activity| {
            format!(
                "  <dm:person id=\"person\"><rpid:activities><rpid:{activity}/>\
                 </rpid:activities></dm:person>\n"
            )
        });
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
             xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
             xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"{}\">\n  \
             <tuple id=\"user\"><status><basic>{basic}</basic></status></tuple>\n\
             {note}{person}</presence>\n",
            escape_xml(aor)
        )
    }
}

fn typed(request: &Message, package: Package) -> Result<(), Refusal> {
    if request
        .media_type()
        .eq_ignore_ascii_case(package.media_type())
    {
        return Ok(());
    }
    let mut refusal = Refusal::new(415, "Unsupported Media Type");
    let accept = package.media_type().to_owned();
    refusal.headers.push(("Accept", accept));
    Err(refusal)
}

/// What a document says by hand: that somebody is busy, away, or not there. `None`: it is
/// no presence document.
fn read(document: &Element) -> Option<Manual> {
    (document.name == "presence").then_some(())?;
    let tuple = document.child("tuple");
    let basic = tuple
        .and_then(|tuple| tuple.child("status")?.child("basic"))
        .map(|basic| basic.text.trim());
    let person = document.child("person");
    let activities = person.and_then(|person| person.child("activities"));
    let does = |name: &str| activities.is_some_and(|all| all.child(name).is_some());
    let state = match basic {
        Some("closed") => Presence::Offline,
        _ if does("busy") || does("on-the-phone") => Presence::Busy,
        _ if does("away") => Presence::Away,
        _ => Presence::Available,
    };
    let parts = [Some(document), tuple, person].into_iter().flatten();
    let note = parts.filter_map(|part| part.child("note")).next();
    let note: String = note
        .map_or("", |note| note.text.trim())
        .chars()
        .take(NOTE)
        .collect();
    Some(Manual {
        state: Some(state),
        note: note.try_into().ok(),
    })
}
