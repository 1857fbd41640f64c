//! Subscriptions to what the registrar tells of its users (RFC 6665): which event packages
//! there are, who may watch whom, and the NOTIFYs.
//!
//! Documents say all that there is, but for those of `reg`: what is told again is told only
//! if it differs, and not before the watcher has answered the NOTIFY before. So nobody is
//! flooded by who changes all the time.

use super::auth::Gate;
use super::bindings::Change;
use super::config::{CONTROLLER, Dialect};
use super::notify::{About, own_contact};
use super::register::Target;
use super::reply::Refusal;
use super::{ConnectionId, Registrar};
use crate::sip::{Message, Name, Writer};
use crate::time::{Duration, Instant};

/// Subscriptions over one connection: those to the users that one person has on a screen.
const MOST: usize = 300;

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Package {
    /// Bindings of one's own (RFC 3680).
    Reg,
    /// How available somebody of the same domain is (RFC 3856).
    Presence,
    /// Calls of one's other devices (RFC 4235).
    Dialog,
    /// What waits in one's mailbox (RFC 3842).
    MessageSummary,
}

use Package::{Dialog, MessageSummary, Presence, Reg};

impl Package {
    const ALL: [Package; 4] = [Reg, Presence, Dialog, MessageSummary];

    pub fn name(self) -> &'static str {
        match self {
            Reg => "reg",
            Presence => "presence",
            Dialog => "dialog",
            MessageSummary => "message-summary",
        }
    }

    /// The package that an Event header names.
    pub fn of(message: &Message) -> Option<Self> {
        let event = message.header(Name::Event).unwrap_or_default();
        let name = event.split(';').next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Reg => "application/reginfo+xml",
            Presence => "application/pidf+xml",
            Dialog => "application/dialog-info+xml",
            MessageSummary => "application/simple-message-summary",
        }
    }

    /// Default and longest duration in seconds: RFC 3680 §4.4, RFC 3856 §6.4, RFC 4235
    /// §3.4, RFC 3842 §3.4.
    fn duration(self) -> u32 {
        match self {
            Reg => 3761,
            _ => 3600,
        }
    }
}

/// Somebody who watches an address-of-record.
pub(super) struct Subscription {
    pub id: u64,
    package: Package,
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
    /// The document that was told last.
    told: String,
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
        let package = Package::of(request).filter(|package| self.offers(*package));
        let package = package.ok_or_else(|| self.no_such_event())?;
        let mut accepted = request.values(Name::Accept).peekable();
        let suits = |value: &str| {
            let media_type = value.split(';').next().unwrap_or_default().trim();
            [package.media_type(), "application/*", "*/*"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(media_type))
        };
        if accepted.peek().is_some() && !accepted.any(suits) {
            let mut refusal = Refusal::new(406, "Not Acceptable");
            let accept = package.media_type().to_owned();
            refusal.headers.push(("Accept", accept));
            return Err(refusal);
        }
        let seconds = request.expires().unwrap_or(u32::MAX);
        let seconds = seconds.min(package.duration());
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
                let watched = self.watched(connection, request, package)?;
                let own = self.subscriptions.iter();
                let own = own.filter(|one| one.connection == connection).count();
                if self.subscriptions.len() >= self.config.limits.subscriptions || own >= MOST {
                    return Err(Refusal::new(503, "Too Many Subscriptions"));
                }
                let target = target
                    .clone()
                    .ok_or_else(|| Refusal::bad("Missing Contact"))?;
                self.next_subscription += 1;
                let subscription =
                    self.new_subscription(connection, request, package, watched, target);
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

    /// Whom the sender wants to watch, if it may: itself; the presence of all of its domain;
    /// who makes calls for desk phones, what those do by themselves.
    fn watched(
        &mut self,
        connection: ConnectionId,
        request: &Message,
        package: Package,
    ) -> Result<Target, Refusal> {
        let (sender, login) = self.subscriber(connection, request)?;
        let watched = Target::parse(request.request_uri());
        let controls = login == CONTROLLER && matches!(package, Reg | Dialog);
        if package != Presence && !controls {
            return watched
                .filter(|watched| watched.user == login)
                .ok_or_else(|| Refusal::new(403, "Not Your Address-Of-Record"));
        }
        let same = |watched: &Target| watched.domain.eq_ignore_ascii_case(&sender.domain);
        let watched = watched.filter(same);
        let watched = watched.ok_or_else(|| Refusal::new(403, "Not Of Your Domain"))?;
        let user = self.login(&watched.user).map(str::to_owned);
        let user = user.ok_or_else(|| Refusal::new(404, "Not Found"))?;
        Ok(Target { user, ..watched })
    }

    /// Who asks, as From has it, and who that logs in as: whoever has a binding on this
    /// connection, or proves it.
    pub(super) fn subscriber(
        &mut self,
        connection: ConnectionId,
        request: &Message,
    ) -> Result<(Target, String), Refusal> {
        let sender = request.from().and_then(|from| Target::parse(from.uri));
        let sender = sender.ok_or_else(|| Refusal::bad("From Names No Address-Of-Record"))?;
        let login = self.login(&sender.user).unwrap_or(&sender.user).to_owned();
        let mut on_flow = self.store.of(&login).iter();
        if !on_flow.any(|entry| entry.flow == Some(connection)) {
            let realm = self.realm(&sender.domain);
            let proof = self.authenticate(connection, Gate::Server, &realm, request)?;
            if proof.user != login {
                return Err(Refusal::new(403, "Not Your Address-Of-Record"));
            }
            self.member(connection, request, &login, &proof)?;
        }
        Ok((sender, login))
    }

    /// Whether it can be subscribed to. What imitates a registrar that people run has
    /// `reg` at most.
    pub(super) fn offers(&self, package: Package) -> bool {
        match package {
            Reg => self.config.offers_reg_event(),
            _ => self.config.manner() == Dialect::Rfc3261,
        }
    }

    /// The value of Allow-Events; `None`: nothing can be.
    pub(super) fn allow_events(&self) -> Option<String> {
        let offered = Package::ALL.into_iter().filter(|one| self.offers(*one));
        let names: Vec<&str> = offered.map(Package::name).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    pub(super) fn no_such_event(&self) -> Refusal {
        let (status, reason) = self.config.manner().no_such_event();
        let mut refusal = Refusal::new(status, reason);
        let allowed = self.allow_events().map(|names| ("Allow-Events", names));
        refusal.headers.extend(allowed);
        refusal
    }

    fn new_subscription(
        &mut self,
        connection: ConnectionId,
        request: &Message,
        package: Package,
        watched: Target,
        target: String,
    ) -> Subscription {
        let tag = self.random.hex::<8>();
        let header = |name| request.header(name).unwrap_or_default().to_owned();
        Subscription {
            id: self.next_subscription,
            package,
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
            told: String::new(),
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
        for id in self.watchers(|one| one.package == Reg && one.user == user) {
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

    /// Tells those who watch what has changed.
    pub(super) fn tell_watchers(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        self.expire_publications();
        for id in self.watchers(|one| one.package != Reg) {
            let one = self.subscriptions.iter().find(|one| one.id == id);
            let news = one.is_some_and(|one| {
                let waits = self.notifies.iter().any(|notify| notify.is_of(id));
                !waits && self.document(one, 0, None) != one.told
            });
            if news {
                self.notify_one(id, None, None);
            }
        }
    }

    /// Ends the subscriptions to what is not offered any more.
    pub(super) fn end_subscriptions(&mut self) {
        let offered = Package::ALL.map(|package| (package, self.offers(package)));
        let ended = |one: &Subscription| offered.contains(&(one.package, false));
        for id in self.watchers(ended) {
            self.notify_one(id, None, Some("noresource"));
        }
    }

    fn watchers(&self, which: impl Fn(&Subscription) -> bool) -> Vec<u64> {
        let chosen = self.subscriptions.iter().filter(|one| which(one));
        chosen.map(|subscription| subscription.id).collect()
    }

    /// What a subscription is told: the changes, or the full state.
    fn document(&self, one: &Subscription, version: u32, changes: Option<&[Change]>) -> String {
        match one.package {
            Reg => self.reg_document(&one.user, &one.aor, version, changes),
            Presence => self.presence_document(&one.user, &one.aor),
            Dialog => self.dialog_document(&one.user, &one.aor, version, one.connection),
            MessageSummary => self.message_summary(&one.user, &one.aor),
        }
    }

    /// Sends one NOTIFY: the changes, or the full state; with `ends`, the last one.
    fn notify_one(&mut self, id: u64, changes: Option<&[Change]>, ends: Option<&str>) {
        let now = self.now;
        let Some(index) = self.subscriptions.iter().position(|one| one.id == id) else {
            return;
        };
        let Some(one) = self.subscriptions.get(index) else {
            return;
        };
        let document = self.document(one, one.version, changes);
        let told = self.document(one, 0, None);
        let Some(subscription) = self.subscriptions.get_mut(index) else {
            return;
        };
        subscription.told = told;
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
            .body(subscription.package.media_type(), document.as_bytes());
        let connection = subscription.connection;
        if ends.is_some() {
            self.subscriptions.remove(index);
        }
        self.send_own(connection, notify, About::Subscription(id));
    }
}
