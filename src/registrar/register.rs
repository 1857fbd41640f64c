//! REGISTER: RFC 3261 §10.3, from the gate to the answer.

use super::auth::{Gate, Known, Proof, Verdict};
use super::bindings::{Change, Entry};
use super::config::{Dialect, Policy};
use super::devices::Member;
use super::reply::Refusal;
use super::update::{Draft, Login};
use super::{ConnectionId, Registrar};
use crate::sip::{Message, Name, Uri};
use crate::time::{Duration, Instant};
use std::borrow::Cow;

/// Option tags that a REGISTER may require.
const UNDERSTOOD: [&str; 2] = ["path", "gruu"];

/// Takeovers are counted over this long.
const TAKEOVER_WINDOW: Duration = Duration::from_secs(60);

/// Call-IDs of ousted clients remembered for each user: the clients that may
/// still be around and refresh.
const MAX_OUTCASTS: usize = 32;

/// The address-of-record that a request is about.
pub(super) struct Target {
    pub user: String,
    pub domain: String,
    /// As a bare URI.
    pub aor: String,
}

impl Target {
    /// The address-of-record in `uri`, without parameters and with its user part
    /// unescaped: `%32001` is no second name for `2001`.
    pub fn parse(uri: &str) -> Option<Self> {
        let uri = Uri::parse(uri).filter(Uri::is_sip)?;
        let user = unescape(uri.user.filter(|user| !user.is_empty())?);
        let domain = uri.host.to_ascii_lowercase();
        let aor = format!("{}:{}@{domain}", uri.scheme.to_ascii_lowercase(), uri.user?);
        Some(Self {
            user: user.into_owned(),
            domain,
            aor,
        })
    }
}

/// What came of a REGISTER that was let in.
struct Outcome {
    /// Why it failed, if it did so with some of it done.
    refusal: Option<Refusal>,
    headers: Vec<(&'static str, String)>,
    changes: Vec<Change>,
    /// Whether a second final answer follows the first.
    echoed: bool,
}

impl Registrar {
    pub(super) fn handle_register(&mut self, connection: ConnectionId, request: &Message) {
        if let Some(canned) = self.config.faults.answer_register.pop_front() {
            let headers: Vec<(&str, String)> = canned
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect();
            self.answer(connection, request, canned.status, &canned.reason, &headers);
            return;
        }
        let outcome = self.admit(connection, request).and_then(|(target, proof)| {
            let member = self.member(connection, request, &target.user, &proof)?;
            let mut outcome = self.update(connection, request, &target, member.as_ref())?;
            if outcome.refusal.is_none() {
                let caps = self.note_pns(&target.user, member.as_ref(), request);
                outcome.headers.extend(caps);
            }
            outcome
                .headers
                .extend(proof.info.map(|info| ("Authentication-Info", info)));
            Ok((target, outcome))
        });
        match outcome {
            Ok((target, outcome)) => {
                match &outcome.refusal {
                    Some(refusal) => self.refuse(connection, request, refusal),
                    None => self.answer(connection, request, 200, "OK", &outcome.headers),
                }
                if outcome.echoed {
                    self.answer(connection, request, 500, "Server Internal Error", &[]);
                }
                // Whoever registers again is not to be sent away for what was.
                if self.store.all().any(|entry| entry.flow == Some(connection)) {
                    self.closing.remove(&connection);
                }
                self.publish(&target.user, &outcome.changes);
                self.ring_late(&target.user, connection);
                self.send_kept(&target.user, connection);
            }
            Err(refusal) => self.refuse(connection, request, &refusal),
        }
    }

    /// Steps 1 to 5: who it is, and whether they may.
    fn admit(
        &mut self,
        connection: ConnectionId,
        request: &Message,
    ) -> Result<(Target, Proof), Refusal> {
        let unknown: Vec<&str> = request
            .values(Name::Require)
            .filter(|tag| {
                !UNDERSTOOD
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(tag))
            })
            .collect();
        if !unknown.is_empty() {
            return Err(Refusal::unsupported(&unknown));
        }
        let target = request
            .to()
            .and_then(|to| Target::parse(to.uri))
            .ok_or_else(|| Refusal::bad("To Names No Address-Of-Record"))?;
        let realm = self.realm(&target.domain);
        let proof = self.authenticate(connection, Gate::Server, &realm, request)?;
        if proof.user != target.user {
            return Err(Refusal::new(403, "Not Your Address-Of-Record"));
        }
        let served =
            Uri::parse(request.request_uri()).is_some_and(|uri| self.config.serves(uri.host));
        if !served || !self.config.serves(&target.domain) {
            return Err(Refusal::new(404, "Not Found"));
        }
        Ok((target, proof))
    }

    /// The digest realm for a client that names `domain`.
    pub(super) fn realm(&self, domain: &str) -> String {
        self.config.domain.as_deref().unwrap_or(domain).to_owned()
    }

    /// Who `request` proves to be from. The error is the challenge or refusal to send.
    pub(super) fn authenticate(
        &mut self,
        connection: ConnectionId,
        gate: Gate,
        realm: &str,
        request: &Message,
    ) -> Result<Proof, Refusal> {
        let now = self.now;
        let known = Known {
            config: &self.config,
            accounts: &self.accounts,
        };
        let verdict = self
            .auth
            .judge(known, gate, realm, request, now, &mut self.random);
        match verdict {
            Verdict::Accepted(proof) => Ok(proof),
            Verdict::Wrong if self.config.manner().forbids_wrong_passwords() => {
                Err(Refusal::new(403, "Forbidden"))
            }
            Verdict::Challenge { .. } | Verdict::Wrong => {
                let stale = verdict == Verdict::Challenge { stale: true };
                // Seen on Kamailio: an outdated nonce is not said to be stale.
                let told = stale && self.config.imitated() != Some(Dialect::Kamailio);
                let values = self
                    .auth
                    .challenges(&self.config, realm, told, now, &mut self.random);
                let (status, reason) = gate.status();
                let mut refusal = Refusal::new(status, reason);
                let name = gate.challenge_header().as_str();
                refusal.headers = values.into_iter().map(|value| (name, value)).collect();
                Err(refusal)
            }
            Verdict::Unknown => {
                self.log(
                    super::Level::Warn,
                    format!("connection {connection} signed in as a user that does not exist"),
                );
                Err(Refusal::new(404, "Not Found"))
            }
            Verdict::Mismatch => Err(Refusal::bad("Digest Is For Another Request-URI")),
        }
    }

    /// Steps 6 to 8: the update and what to answer.
    fn update(
        &mut self,
        connection: ConnectionId,
        request: &Message,
        target: &Target,
        member: Option<&Member>,
    ) -> Result<Outcome, Refusal> {
        let contacts = request.contacts();
        if contacts.malformed > 0 {
            return Err(Refusal::bad("Malformed Contact"));
        }
        if contacts.list.len() > self.config.limits.contacts {
            return Err(Refusal::bad("Too Many Contacts In One Request"));
        }
        let wildcard = contacts.star;
        if wildcard && (!contacts.list.is_empty() || request.expires() != Some(0)) {
            return Err(Refusal::bad(
                "Wildcard Contact Needs Expires 0 And No Other",
            ));
        }
        let user = target.user.as_str();
        let outcasts = self.outcasts.get(user);
        let login = Login {
            config: &self.config,
            request,
            connection,
            now: self.now,
            user,
            domain: &target.domain,
            aor: &target.aor,
            member,
            policy: self.config.policy_of(user),
            cseq: request.cseq().map_or(0, |cseq| cseq.number),
            outcast: outcasts.is_some_and(|known| known.iter().any(|id| id == request.call_id())),
            force_again_in: self.force_again_in(user),
        };
        let mut draft = Draft::new(&login, self.store.of(user), self.next_binding);
        let refusal = if wildcard {
            draft.remove_all()
        } else {
            draft.apply(&contacts.list)
        }
        .err();
        let manner = self.config.manner();
        let refusal = match refusal {
            Some(refusal) if !manner.does_by_halves() => return Err(refusal),
            refusal => refusal,
        };
        let listed: Vec<&Entry> = draft
            .entries
            .iter()
            .filter(|entry| match login.policy {
                // As Cisco's registrar has it: everybody sees only their own.
                Policy::Graceful | Policy::Duplicate => {
                    draft.touched.contains(&entry.id) || login.is_own(entry)
                }
                Policy::Normal => true,
            })
            .collect();
        let temp_gruu = |entry: &Entry| self.temp_gruu(entry);
        let mut headers: Vec<(&'static str, String)> = manner
            .listing(&listed, temp_gruu, self.now)
            .into_iter()
            .map(|line| ("Contact", line))
            .collect();
        let granted = listed
            .iter()
            .map(|entry| entry.seconds_left(self.now))
            .max();
        match granted {
            _ if wildcard && manner.knows_wildcard() => headers.push(("Expires", "0".to_owned())),
            Some(granted) if login.policy != Policy::Normal => {
                headers.push(("Expires", granted.to_string()));
            }
            _ => {}
        }
        let flow = |entry: &&Entry| draft.touched.contains(&entry.id);
        if self.config.outbound
            && request.has_option(Name::Supported, "outbound")
            && listed
                .iter()
                .copied()
                .any(|entry| flow(&entry) && entry.param("reg-id").is_some())
        {
            // RFC 5626 §6.
            headers.push(("Require", "outbound".to_owned()));
        }
        self.next_binding = draft.next_id();
        let Draft {
            entries,
            changes,
            touched,
            took_over,
            short,
            ..
        } = draft;
        self.store.replace(user, entries);
        if took_over {
            self.note_takeover(user);
        }
        let winner = (!touched.is_empty()).then(|| request.call_id());
        self.note_outcasts(user, &changes, winner);
        Ok(Outcome {
            refusal,
            headers,
            changes,
            // Seen on OpenSIPS, whose script answers once more.
            echoed: short,
        })
    }

    /// Seconds until `user` may be taken over again, if not now.
    fn force_again_in(&self, user: &str) -> Option<u64> {
        let limit = usize::try_from(self.config.force_limit?).ok()?;
        let recent: Vec<&Instant> = self
            .takeovers
            .get(user)?
            .iter()
            .filter(|&&at| at + TAKEOVER_WINDOW > self.now)
            .collect();
        if recent.len() < limit {
            return None;
        }
        let first_to_go = recent.len().checked_sub(limit.max(1))?;
        let free_at = **recent.get(first_to_go)? + TAKEOVER_WINDOW;
        Some((free_at - self.now).as_millis().div_ceil(1000).max(1))
    }

    fn note_takeover(&mut self, user: &str) {
        let now = self.now;
        let times = self.takeovers.entry(user.to_owned()).or_default();
        times.retain(|&at| at + TAKEOVER_WINDOW > now);
        times.push_back(now);
    }

    fn note_outcasts(&mut self, user: &str, changes: &[Change], winner: Option<&str>) {
        let outcasts = self.outcasts.entry(user.to_owned()).or_default();
        outcasts.retain(|call_id| Some(call_id.as_str()) != winner);
        for change in changes.iter().filter(|change| change.ousted) {
            outcasts.push_back(change.entry.call_id.clone());
        }
        while outcasts.len() > MAX_OUTCASTS {
            outcasts.pop_front();
        }
        if outcasts.is_empty() {
            self.outcasts.remove(user);
        }
    }
}

/// `text` with its %-escapes resolved; as it is where they make no UTF-8.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let escaped = (byte == b'%')
            .then(|| hex_digit(ahead.next()).zip(hex_digit(ahead.next())))
            .flatten();
        match escaped {
            Some((high, low)) => {
                out.push(high * 16 + low);
                bytes = ahead;
            }
            None => out.push(byte),
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn hex_digit(byte: Option<u8>) -> Option<u8> {
    char::from(byte?)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
