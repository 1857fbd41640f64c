//! Requests for somebody else: who may send them, and where they go
//! (RFC 3261 §16.3 to §16.6).
//!
//! A dialog's route set holds one Record-Route with a *flow token* that names
//! both connections (RFC 5626 §5.3), so that requests inside the dialog find the
//! other side whatever its Contact says, and from whichever side they come.

use super::auth::Gate;
use super::bindings::Entry;
use super::config::{CONTROLLER, Dialect, SERVERS, VOICEMAIL};
use super::course::Course;
use super::forward::{self, Identity, Passage};
use super::messages::Kept;
use super::policy::same_uri;
use super::public_ids::target;
use super::register::{Target, unescape};
use super::relay::{ACCEPTED, Branch, End, Outcome, Relay};
use super::reply::Refusal;
use super::ringing::Choice;
use super::subscriptions::Package;
use super::unheard::Hearing;
use super::waking::Woken;
use super::{ALLOW, ConnectionId, HOST, Registrar};
use crate::sip::{Message, Name, NameAddr, Uri, unquote};

/// Start of the user part of temporary GRUUs.
const TEMP_GRUU: &str = "tgruu-";

/// Requests that make dialogs, and so record their route.
const DIALOG_MAKERS: [&str; 3] = ["INVITE", "SUBSCRIBE", "REFER"];

/// A request that may pass: where it comes from and goes to.
pub(super) struct Passed {
    pub from: End,
    pub hops: Vec<Hop>,
    /// Of a call, what decides where it rings.
    pub choice: Option<Choice>,
    pub woken: Option<Woken>,
    /// Of a message, whether it is kept for somebody.
    pub kept: Option<Kept>,
    /// Of a call, who has sent it on.
    pub course: Course,
}

/// A request that its sender may send.
enum Admitted {
    /// Within a dialog: where it goes.
    Inside(Box<Passed>),
    /// Outside of them: where it comes from.
    Outside(End),
}

/// One place that a request goes to.
pub(super) struct Hop {
    pub to: End,
    pub uri: String,
}

impl Hop {
    /// To a binding, if its connection is open.
    pub fn to(entry: &Entry) -> Option<Self> {
        Some(Self {
            to: End {
                connection: entry.flow?,
                binding: Some(entry.id),
            },
            uri: entry.shown.clone(),
        })
    }
}

impl Registrar {
    pub(super) fn handle_proxied(&mut self, connection: ConnectionId, request: Message) {
        match request.method() {
            "CANCEL" => return self.handle_cancel(connection, &request),
            "ACK" if self.absorbs_ack(connection, &request) => return,
            _ => {}
        }
        match self.let_pass(connection, &request) {
            Ok(Admitted::Inside(passed)) => self.relay(request, *passed),
            Ok(Admitted::Outside(from)) => self.pass_on(from, request),
            Err(refusal) => self.refuse(connection, &request, &refusal),
        }
    }

    /// Passes a request outside of dialogs on.
    fn pass_on(&mut self, from: End, request: Message) {
        if request.method() == "INVITE" {
            return match self.is_star_code(&request) {
                true => self.toggle_rings(from, &request),
                false => self.handle_call(from, request),
            };
        }
        match self.destinations(from, &request) {
            Ok(passed) => self.relay(request, passed),
            Err(refusal) => self.refuse(from.connection, &request, &refusal),
        }
    }

    /// Whether its sender may send `request`.
    fn let_pass(
        &mut self,
        connection: ConnectionId,
        request: &Message,
    ) -> Result<Admitted, Refusal> {
        if max_forwards(request) == 0 {
            return Err(Refusal::new(483, "Too Many Hops"));
        }
        let wanted: Vec<&str> = request.values(Name::ProxyRequire).collect();
        if !wanted.is_empty() {
            return Err(Refusal::unsupported(&wanted));
        }
        if !self.makes_room() {
            let busy = Refusal::new(503, "Too Many Requests Under Way");
            return Err(busy);
        }
        if let Some((from, to)) = self.dialog_ends(connection, request) {
            let uri = request.request_uri().to_owned();
            return Ok(Admitted::Inside(Box::new(Passed {
                from,
                hops: vec![Hop { to, uri }],
                choice: None,
                woken: None,
                kept: None,
                course: Course::default(),
            })));
        }
        let from = self.originator(connection, request)?;
        match self.tells_of_ours(from, request) {
            true => Err(Refusal::new(403, "Not Yours To Tell")),
            false => Ok(Admitted::Outside(from)),
        }
    }

    /// Whether `request` is a NOTIFY that nobody subscribed to, about what we tell
    /// ourselves: phones believe it (RFC 3842 is often told so). The voicemail service may.
    fn tells_of_ours(&self, from: End, request: &Message) -> bool {
        let package = Package::of(request).filter(|package| self.offers(*package));
        let entry = from.binding.and_then(|id| self.store.get(id));
        let service = entry.is_some_and(|entry| entry.user == VOICEMAIL);
        let own = service && package == Some(Package::MessageSummary);
        request.method() == "NOTIFY" && package.is_some() && !own
    }

    /// The sender of a request outside our dialogs: whoever has a binding on this
    /// connection, or proves to be who From says. Where devices are authorised, a
    /// proof is not enough: one that is cut off may know the password.
    fn originator(&mut self, connection: ConnectionId, request: &Message) -> Result<End, Refusal> {
        let sender = request
            .from()
            .and_then(|from| Target::parse(from.uri))
            .ok_or_else(|| Refusal::bad("From Names No Address-Of-Record"))?;
        if !self.config.serves(&sender.domain) {
            return Err(Refusal::new(403, "Not Your Address-Of-Record"));
        }
        let login = self.login(&sender.user).unwrap_or(&sender.user).to_owned();
        let speaks_for = match request.method() {
            "INVITE" => self.store.of(CONTROLLER),
            _ => &[],
        };
        let mut on_flow = self.store.of(&login).iter().chain(speaks_for);
        if let Some(entry) = on_flow.find(|entry| entry.flow == Some(connection)) {
            return Ok(End {
                connection,
                binding: Some(entry.id),
            });
        }
        let realm = self.realm(&sender.domain);
        let proof = self.authenticate(connection, Gate::Proxy, &realm, request)?;
        if proof.user != login {
            return Err(Refusal::new(403, "Not Your Address-Of-Record"));
        }
        let member = self.member(connection, request, &login, &proof)?;
        if member.is_some() && !is_for_server(request) {
            return Err(Refusal::new(403, "Register First"));
        }
        Ok(End {
            connection,
            binding: None,
        })
    }

    /// The bindings that a Request-URI outside a dialog reaches.
    pub(super) fn hops(&self, request: &Message) -> Result<Vec<Hop>, Refusal> {
        let uri = &*target(request);
        let parsed = Uri::parse(uri)
            .filter(Uri::is_sip)
            .ok_or_else(|| Refusal::new(416, "Unsupported URI Scheme"))?;
        let found = if parsed.params.has("gr") {
            self.of_gruu(&parsed)?
        } else {
            match self.of_contact(uri) {
                found if !found.is_empty() => found,
                _ => self.ringing(self.of_user(&parsed)?, request.method()),
            }
        };
        // RFC 5626 §5.3: one flow of each instance.
        let newer = |entry: &Entry, other: &Entry| {
            let same = other.instance.is_some() && other.instance == entry.instance;
            same && other.flow.is_some() && other.id > entry.id
        };
        let outdone = |entry: &Entry| found.iter().any(|other| newer(entry, other));
        let hops: Vec<Hop> = found
            .iter()
            .filter(|entry| !self.config.outbound || !outdone(entry))
            .filter_map(|entry| Hop::to(entry))
            .collect();
        if hops.is_empty() {
            return Err(Refusal::new(480, "Temporarily Unavailable"));
        }
        Ok(hops)
    }

    /// RFC 5627 §5.1: the one instance, 480 if it is not registered.
    pub(super) fn of_gruu(&self, uri: &Uri<'_>) -> Result<Vec<&Entry>, Refusal> {
        let user = unescape(uri.user.unwrap_or_default());
        if user.starts_with(TEMP_GRUU) {
            let found = self
                .store
                .all()
                .find(|entry| self.temp_gruu_user(entry) == user);
            return Ok(found.into_iter().collect());
        }
        let instance = unescape(uri.params.get("gr").unwrap_or_default());
        let named = |entry: &&Entry| {
            let own = entry.instance.as_deref();
            own.is_some_and(|own| own.eq_ignore_ascii_case(&unquote(&instance)))
        };
        Ok(self
            .of_user(uri)?
            .into_iter()
            .find(named)
            .into_iter()
            .collect())
    }

    /// A Request-URI may be a Contact that somebody learnt. Asterisk, being no
    /// proxy, knows no such thing.
    pub(super) fn of_contact(&self, uri: &str) -> Vec<&Entry> {
        if self.config.manner() == Dialect::Asterisk {
            return Vec::new();
        }
        let entry = self.store.all().find(|entry| same_uri(&entry.shown, uri));
        entry.into_iter().collect()
    }

    fn of_user(&self, uri: &Uri<'_>) -> Result<Vec<&Entry>, Refusal> {
        let user = unescape(uri.user.unwrap_or_default());
        let login = self.login(&user).filter(|_| self.config.serves(uri.host));
        let login = login.ok_or_else(|| Refusal::new(404, "Not Found"))?;
        Ok(self.store.of(login).iter().collect())
    }

    /// Sends a copy to every hop and remembers to wait for the answers.
    pub(super) fn relay(&mut self, request: Message, mut passed: Passed) {
        let from = passed.from;
        let method = request.method();
        self.calls.note(&request);
        self.record_ended();
        if let Some(woken) = &passed.woken {
            self.wake(woken);
        }
        let hops = std::mem::take(&mut passed.hops);
        let told = match method {
            "INVITE" if hops.is_empty() => Some((182, "Queued")),
            "INVITE" => Some((100, "Trying")),
            _ => (passed.kept.is_some() && hops.is_empty()).then_some(ACCEPTED),
        };
        if let Some((status, reason)) = told {
            self.answer(from.connection, &request, status, reason, &[]);
        }
        let branches = hops
            .into_iter()
            .map(|hop| self.branch(from, &request, hop))
            .collect();
        if method != "ACK" && told != Some(ACCEPTED) {
            if passed.course.is_diverted() {
                self.say_diverted(from, &request);
            }
            let relay = Relay::new(request, passed, branches, self.now);
            self.relays.push(relay);
            self.settle();
        }
    }

    /// Sends a copy of `request` to one place.
    pub(super) fn branch(&mut self, from: End, request: &Message, hop: Hop) -> Branch {
        let Hop { to, uri } = hop;
        let pop_route = request.values(Name::Route).next().is_some();
        let sender = self.shown_in_request(from, request);
        let id = format!("z9hG4bK{}", self.random.hex::<12>());
        let records = DIALOG_MAKERS.contains(&request.method());
        let record_route = records.then(|| self.record_route(from, to));
        let copy = forward::request(
            request,
            &Passage {
                uri: &uri,
                branch: &id,
                record_route: record_route.as_deref(),
                max_forwards: max_forwards(request) - 1,
                pop_route,
                identity: self.identity(sender.as_deref()),
            },
        );
        let open = self.connections.contains(&to.connection);
        self.send(to.connection, copy);
        Branch {
            id,
            to,
            uri,
            routes: request
                .values(Name::Route)
                .skip(pop_route.into())
                .map(str::to_owned)
                .collect(),
            hearing: Hearing::begins(self.now),
            rang: false,
            cancelled: false,
            tag: None,
            outcome: (!open).then_some(Outcome::Lost),
        }
    }

    /// The address-of-record behind `end`, if that has a binding.
    pub(super) fn address_of(&self, end: End) -> Option<String> {
        let entry = self.store.get(end.binding?)?;
        Some(entry.aor.clone())
    }

    /// What becomes of the identities in a message of this sender.
    pub(super) fn identity<'a>(&self, sender: Option<&'a str>) -> Identity<'a> {
        match self.config.asserts_identity() {
            true => Identity::Asserted(sender),
            false => Identity::AsSent,
        }
    }

    fn record_route(&self, from: End, to: End) -> String {
        let side = |end: End| {
            let entry = end.binding.and_then(|id| self.store.get(id));
            let user = entry.map_or(String::new(), |entry| self.user_token(end, entry));
            let binding = end.binding.unwrap_or_default();
            format!("{}-{binding}-{user}", end.connection)
        };
        let sides = format!("{}-{}", side(from), side(to));
        let mac = self.auth.mac(&sides);
        format!("<sip:{sides}-{mac}@{HOST};transport=ws;lr>")
    }

    /// The two sides of the dialog whose flow token heads the route, seen from
    /// `connection`; `None` if there is none, or it is not theirs.
    fn dialog_ends(&self, connection: ConnectionId, request: &Message) -> Option<(End, End)> {
        let route = NameAddr::parse(request.values(Name::Route).next()?)?;
        let token = Uri::parse(route.uri)?.user?;
        let (sides, mac) = token.rsplit_once('-')?;
        (self.auth.mac(sides) == mac).then_some(())?;
        let mut parts = sides.split('-');
        let mut side = || {
            let mut number = || parts.next()?.parse::<u64>().ok();
            let connection = ConnectionId::try_from(number()?).ok()?;
            let binding = number().filter(|&id| id != 0);
            let end = self.current(End {
                connection,
                binding,
            });
            Some((end, parts.next()?))
        };
        let (a, b) = (side()?, side()?);
        let is_here = |(end, _): (End, &str)| end.connection == connection;
        match connection {
            _ if is_here(a) => Some((a.0, b.0)),
            _ if is_here(b) => Some((b.0, a.0)),
            _ => match self.back(a, connection) {
                Some(end) => Some((end, b.0)),
                None => Some((self.back(b, connection)?, a.0)),
            },
        }
    }

    /// An end whose binding went with its connection, if its user is registered anew on
    /// this one: who loses a flow ends by another what it had on it.
    fn back(&self, (end, user): (End, &str), connection: ConnectionId) -> Option<End> {
        if self.store.get(end.binding?).is_some() {
            return None;
        }
        let mut here = self.store.all();
        let is_back =
            |entry: &&Entry| entry.flow == Some(connection) && self.user_token(end, entry) == user;
        let entry = here.find(is_back)?;
        Some(End {
            connection,
            binding: Some(entry.id),
        })
    }

    /// Whose side of a dialog it is, for a flow token: the other side may know the user by
    /// another name, and does not learn the login from it.
    fn user_token(&self, end: End, entry: &Entry) -> String {
        let End {
            connection,
            binding,
        } = end;
        let user = &entry.user;
        self.auth.mac(&format!("{connection}\n{binding:?}\n{user}"))
    }

    /// Where that side is now.
    pub(super) fn current(&self, end: End) -> End {
        let flow = end
            .binding
            .and_then(|id| self.store.get(id))
            .and_then(|entry| entry.flow);
        End {
            connection: flow.unwrap_or(end.connection),
            ..end
        }
    }

    /// A GRUU that tells nothing of its owner; it dies with the binding.
    pub(super) fn temp_gruu(&self, entry: &Entry) -> String {
        let host = entry.aor.rsplit_once('@').map_or("", |(_, host)| host);
        format!("sip:{}@{host};gr", self.temp_gruu_user(entry))
    }

    fn temp_gruu_user(&self, entry: &Entry) -> String {
        let mac = self.auth.mac(&format!("{}\n{}", entry.id, entry.call_id));
        format!("{TEMP_GRUU}{mac}")
    }

    /// An OPTIONS to somebody behind a registrar that is no proxy: it answers by
    /// itself. Seen on Asterisk: even a heartbeat is asked who it is.
    pub(super) fn handle_options(&mut self, connection: ConnectionId, request: &Message) {
        if self.config.manner() == Dialect::Asterisk {
            let sender = request.from().and_then(|from| Target::parse(from.uri));
            let domain = sender.map_or_else(String::new, |sender| sender.domain);
            let realm = self.realm(&domain);
            if let Err(refusal) = self.authenticate(connection, Gate::Server, &realm, request) {
                self.refuse(connection, request, &refusal);
                return;
            }
        }
        self.handle_own(connection, request);
    }

    /// A request for the registrar itself, not for a user of it.
    pub(super) fn handle_own(&mut self, connection: ConnectionId, request: &Message) {
        match request.method() {
            _ if request.to_tag().is_some() => {
                let reason = "Call/Transaction Does Not Exist";
                self.answer(connection, request, 481, reason, &[]);
            }
            "OPTIONS" => {
                let mut headers = vec![("Allow", ALLOW.to_owned())];
                let allowed = self.allow_events().map(|names| ("Allow-Events", names));
                headers.extend(allowed);
                self.answer(connection, request, 200, "OK", &headers);
            }
            _ => {
                let allow = [("Allow", ALLOW.to_owned())];
                self.answer(connection, request, 405, "Method Not Allowed", &allow);
            }
        }
    }
}

/// Whether `request` goes to an account of a server, such as the CTI gateway: a device
/// may ask there without being registered.
fn is_for_server(request: &Message) -> bool {
    let uri = Uri::parse(request.request_uri());
    let user = uri.and_then(|uri| uri.user).map(unescape);
    user.is_some_and(|user| SERVERS.contains(&user.as_ref()))
}

/// Hops left; 70 if the request does not say.
pub(super) fn max_forwards(request: &Message) -> u32 {
    request
        .header(Name::MaxForwards)
        .and_then(|value| value.parse().ok())
        .unwrap_or(70)
        .min(255)
}
