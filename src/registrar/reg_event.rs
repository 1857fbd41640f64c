//! The registration event package: RFC 3680, on RFC 6665.
//!
//! Users may watch their own address-of-record. Changes are told at once, not
//! every 5 seconds at most as RFC 3680 §4.10 recommends for crowds of watchers:
//! to be told at once is what this is for.

use super::auth::Gate;
use super::bindings::{Cause, Change, Entry};
use super::notify::own_contact;
use super::policy::DEVICE_PARAM;
use super::register::Target;
use super::reply::Refusal;
use super::{ConnectionId, Registrar};
use crate::sip::{
    ContactState, Message, Name, RegContact, RegInfo, RegState, Registration, Writer, unquote,
};
use crate::time::{Duration, Instant};

/// Default and longest duration of a subscription in seconds (RFC 3680 §4.4).
const DURATION: u32 = 3761;

const MEDIA_TYPE: &str = "application/reginfo+xml";

/// Somebody who watches an address-of-record.
pub(super) struct Subscription {
    pub id: u64,
    user: String,
    aor: String,
    pub connection: ConnectionId,
    call_id: String,
    /// Our To tag, their From tag.
    tags: (String, String),
    /// From and To of our NOTIFYs.
    from: String,
    to: String,
    target: String,
    routes: Vec<String>,
    /// Value of the Event header, `id` included.
    event: String,
    /// Number of the last SUBSCRIBE.
    heard: u32,
    /// Number of the last NOTIFY.
    cseq: u32,
    version: u32,
    pub until: Instant,
}

impl Registrar {
    /// SUBSCRIBE to an address-of-record of ours, or in a dialog with us.
    pub(super) fn handle_subscribe(&mut self, connection: ConnectionId, request: &Message) {
        if let Err(refusal) = self.subscribe(connection, request) {
            self.refuse(connection, request, &refusal);
        }
    }

    /// Whether `request` is in the dialog of a subscription.
    pub(super) fn is_subscribed(&self, request: &Message) -> bool {
        self.subscription_of(request).is_some()
    }

    fn subscribe(&mut self, connection: ConnectionId, request: &Message) -> Result<(), Refusal> {
        let event = request.header(Name::Event).unwrap_or_default();
        let package = event.split(';').next().unwrap_or_default().trim();
        if package != "reg" || !self.config.offers_reg_event() {
            let (status, reason) = self.config.manner().no_such_event();
            let mut refusal = Refusal::new(status, reason);
            if self.config.offers_reg_event() {
                refusal.headers.push(("Allow-Events", "reg".to_owned()));
            }
            return Err(refusal);
        }
        let mut accepted = request.values(Name::Accept).peekable();
        let suits = |value: &str| {
            let media_type = value.split(';').next().unwrap_or_default().trim();
            [MEDIA_TYPE, "application/*", "*/*"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(media_type))
        };
        if accepted.peek().is_some() && !accepted.any(suits) {
            let mut refusal = Refusal::new(406, "Not Acceptable");
            refusal.headers.push(("Accept", MEDIA_TYPE.to_owned()));
            return Err(refusal);
        }
        let seconds = request.expires().unwrap_or(DURATION).min(DURATION);
        let until = self.now + Duration::from_secs(seconds.into());
        let cseq = request.cseq().map_or(0, |cseq| cseq.number);
        let contacts = request.contacts();
        let target = contacts.list.first().map(|contact| contact.uri.to_owned());
        let index = match self.subscription_of(request) {
            Some(index) => index,
            None if request.to_tag().is_some() => {
                return Err(Refusal::new(481, "Subscription Does Not Exist"));
            }
            None => {
                let watched = self.watched(connection, request)?;
                if self.subscriptions.len() >= self.config.limits.subscriptions {
                    return Err(Refusal::new(503, "Too Many Subscriptions"));
                }
                let target = target
                    .clone()
                    .ok_or_else(|| Refusal::bad("Missing Contact"))?;
                self.next_subscription += 1;
                let subscription = self.new_subscription(connection, request, watched, target);
                self.subscriptions.push(subscription);
                self.subscriptions.len() - 1
            }
        };
        let Some(subscription) = self.subscriptions.get_mut(index) else {
            return Ok(());
        };
        if cseq <= subscription.heard {
            return Err(Refusal::new(500, "CSeq Out Of Order"));
        }
        subscription.heard = cseq;
        subscription.until = until;
        subscription.connection = connection;
        if let Some(target) = target {
            subscription.target = target;
        }
        let id = subscription.id;
        let tag = subscription.tags.0.clone();
        let headers = [("Expires", seconds.to_string()), ("Contact", own_contact())];
        self.answer_tagged(connection, request, 200, "OK", &headers, Some(&tag));
        let ends = (seconds == 0).then_some("timeout");
        self.notify_one(id, None, ends);
        Ok(())
    }

    /// Whose bindings the sender wants to watch, if they are its own.
    fn watched(&mut self, connection: ConnectionId, request: &Message) -> Result<Target, Refusal> {
        let sender = request.from().and_then(|from| Target::parse(from.uri));
        let sender = sender.ok_or_else(|| Refusal::bad("From Names No Address-Of-Record"))?;
        let mut on_flow = self.store.of(&sender.user).iter();
        if !on_flow.any(|entry| entry.flow == Some(connection)) {
            let realm = self.realm(&sender.domain);
            let proof = self.authenticate(connection, Gate::Server, &realm, request)?;
            if proof.user != sender.user {
                return Err(Refusal::new(403, "Not Your Address-Of-Record"));
            }
            self.member(connection, request, &sender.user, &proof)?;
        }
        Target::parse(request.request_uri())
            .filter(|watched| watched.user == sender.user)
            .ok_or_else(|| Refusal::new(403, "Not Your Address-Of-Record"))
    }

    fn new_subscription(
        &mut self,
        connection: ConnectionId,
        request: &Message,
        watched: Target,
        target: String,
    ) -> Subscription {
        let tag = self.random.hex::<8>();
        let header = |name| request.header(name).unwrap_or_default().to_owned();
        Subscription {
            id: self.next_subscription,
            user: watched.user,
            aor: watched.aor,
            connection,
            call_id: request.call_id().to_owned(),
            from: format!("{};tag={tag}", header(Name::To)),
            tags: (tag, request.from_tag().unwrap_or_default().to_owned()),
            to: header(Name::From),
            target,
            routes: request
                .values(Name::RecordRoute)
                .map(str::to_owned)
                .collect(),
            event: header(Name::Event),
            heard: 0,
            cseq: 0,
            version: 0,
            until: self.now,
        }
    }

    fn subscription_of(&self, request: &Message) -> Option<usize> {
        let (ours, theirs) = (request.to_tag()?, request.from_tag()?);
        self.subscriptions.iter().position(|subscription| {
            let (local, remote) = &subscription.tags;
            subscription.call_id == request.call_id() && local == ours && remote == theirs
        })
    }

    /// Tells everybody who watches `user` what has changed.
    pub(super) fn notify_watchers(&mut self, user: &str, changes: &[Change]) {
        for id in self.watchers(|subscription| subscription.user == user) {
            self.notify_one(id, Some(changes), None);
        }
    }

    /// Ends the subscriptions whose time is up.
    pub(super) fn expire_subscriptions(&mut self) {
        let now = self.now;
        for id in self.watchers(|subscription| subscription.until <= now) {
            self.notify_one(id, None, Some("timeout"));
        }
    }

    /// Ends all subscriptions because there is nothing to watch any more.
    pub(super) fn end_subscriptions(&mut self) {
        for id in self.watchers(|_| true) {
            self.notify_one(id, None, Some("noresource"));
        }
    }

    fn watchers(&self, which: impl Fn(&Subscription) -> bool) -> Vec<u64> {
        let chosen = self.subscriptions.iter().filter(|one| which(one));
        chosen.map(|subscription| subscription.id).collect()
    }

    /// Sends one NOTIFY: the changes, or the full state; with `ends`, the last one.
    fn notify_one(&mut self, id: u64, changes: Option<&[Change]>, ends: Option<&str>) {
        let now = self.now;
        let Some(index) = self.subscriptions.iter().position(|one| one.id == id) else {
            return;
        };
        let Some(subscription) = self.subscriptions.get_mut(index) else {
            return;
        };
        let bound = self.store.of(&subscription.user);
        let contact_id = |entry: &Entry| self.auth.mac(&format!("{}\n{}", entry.id, entry.shown));
        let contacts: Vec<RegContact> = match changes {
            Some(changes) => changes
                .iter()
                .map(|change| contact(&change.entry, change.cause, contact_id(&change.entry), now))
                .collect(),
            None => bound
                .iter()
                .map(|entry| contact(entry, Cause::Registered, contact_id(entry), now))
                .collect(),
        };
        let state = match (bound.is_empty(), changes) {
            (false, _) => RegState::Active,
            (true, None) => RegState::Init,
            (true, Some(_)) => RegState::Terminated,
        };
        let document = RegInfo {
            version: subscription.version,
            full: changes.is_none(),
            registrations: vec![Registration {
                aor: subscription.aor.clone(),
                id: self.auth.mac(&subscription.aor),
                state,
                contacts,
            }],
        };
        subscription.version += 1;
        subscription.cseq += 1;
        let state = match ends {
            Some(reason) => format!("terminated;reason={reason}"),
            None => {
                let left = (subscription.until - now).as_millis().div_ceil(1000);
                format!("active;expires={left}")
            }
        };
        let mut notify = Writer::request("NOTIFY", &subscription.target);
        for route in &subscription.routes {
            notify.header(Name::Route, route);
        }
        notify
            .header(Name::From, &subscription.from)
            .header(Name::To, &subscription.to)
            .header(Name::CallId, &subscription.call_id)
            .header(Name::CSeq, &format!("{} NOTIFY", subscription.cseq))
            .header(Name::Contact, &own_contact())
            .header(Name::Event, &subscription.event)
            .header(Name::SubscriptionState, &state)
            .body(MEDIA_TYPE, document.to_xml().as_bytes());
        let connection = subscription.connection;
        if ends.is_some() {
            self.subscriptions.remove(index);
        }
        self.send_own(connection, notify, Some(id));
    }
}

fn contact(entry: &Entry, cause: Cause, id: String, now: Instant) -> RegContact {
    let gone = cause.is_gone();
    let unknown = ["+sip.instance", DEVICE_PARAM]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), unquote(entry.param(name)?).into_owned())))
        .collect();
    RegContact {
        id,
        state: if gone {
            ContactState::Terminated
        } else {
            ContactState::Active
        },
        event: cause.event().to_owned(),
        uri: entry.shown.clone(),
        expires: (!gone)
            .then(|| u32::try_from(entry.seconds_left(now)).ok())
            .flatten(),
        retry_after: None,
        call_id: Some(entry.call_id.clone()),
        cseq: Some(entry.cseq),
        unknown,
    }
}
