//! Authentication, the server's side: digest (RFC 3261 §22, RFC 7616, RFC 8760)
//! and, if wanted, tokens (RFC 8898).

use super::config::Config;
use crate::account::{Accounts, DeviceId};
use crate::rand::{Random, hex};
use crate::sip::{Algorithm, DigestResponse, Message, Name, Secret, Uri, quote, unquote};
use crate::time::Instant;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Who challenges: a registrar or notifier (401), or a proxy (407).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Server,
    Proxy,
}

impl Gate {
    pub(super) fn status(self) -> (u16, &'static str) {
        match self {
            Gate::Server => (401, "Unauthorized"),
            Gate::Proxy => (407, "Proxy Authentication Required"),
        }
    }

    pub(super) fn challenge_header(self) -> Name {
        match self {
            Gate::Server => Name::WwwAuthenticate,
            Gate::Proxy => Name::ProxyAuthenticate,
        }
    }

    fn credentials_header(self) -> Name {
        match self {
            Gate::Server => Name::Authorization,
            Gate::Proxy => Name::ProxyAuthorization,
        }
    }
}

/// What became of a request's credentials.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are good.
    Accepted(Proof),
    /// There are none, or outdated ones.
    Challenge { stale: bool },
    /// They answer a challenge that is still good, wrongly.
    Wrong,
    /// They name nobody we know.
    Unknown,
    /// They were made for another request (RFC 7616 §3.4.6).
    Mismatch,
}

/// Who credentials are of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Proof {
    pub user: String,
    /// The device, if they are its own.
    pub device: Option<DeviceId>,
    /// Value of the Authentication-Info header.
    pub info: Option<String>,
}

/// Where credentials are looked up.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub config: &'a Config,
    pub accounts: &'a Accounts,
}

/// The owner of a digest username.
struct Owner<'a> {
    user: &'a str,
    device: Option<&'a DeviceId>,
    /// `None`: nothing is kept that such a response could be checked with.
    secret: Option<Secret<'a>>,
}

impl<'a> Known<'a> {
    fn owner(self, now: Instant, response: &DigestResponse) -> Option<Owner<'a>> {
        let login = response.username.as_str();
        if let Some((user, entry)) = self.config.user_by_login(login) {
            return Some(Owner {
                user,
                device: None,
                secret: Some(Secret::Password(&entry.password)),
            });
        }
        let own = self.accounts.credential(now, login)?;
        Some(Owner {
            user: &own.user,
            device: Some(&own.device),
            secret: match response.algorithm {
                Algorithm::Md5 | Algorithm::Md5Sess => Some(Secret::Ha1(&own.ha1)),
                Algorithm::Sha256 | Algorithm::Sha256Sess => Some(Secret::Ha1(&own.ha1_sha256)),
                Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => None,
            },
        })
    }
}

/// Issues nonces and judges responses. Nonces carry their own proof, so that
/// challenging strangers costs no memory; only a nonce that somebody has
/// authenticated with is remembered, for its count.
pub(super) struct Authenticator {
    secret: [u8; 32],
    used: BTreeMap<String, Used>,
}

struct Used {
    count: u32,
    until: Instant,
}

/// Above this many remembered nonces, expired ones are looked for and dropped.
const SWEEP_ABOVE: usize = 1024;

impl Authenticator {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            secret: random.bytes(),
            used: BTreeMap::new(),
        }
    }

    /// The values of the challenge headers, one for each algorithm, the preferred
    /// one first, then the one for tokens.
    pub(super) fn challenges(
        &self,
        config: &Config,
        realm: &str,
        stale: bool,
        now: Instant,
        random: &mut Random,
    ) -> Vec<String> {
        let nonce = self.nonce(now, random);
        let stale = if stale { ", stale=true" } else { "" };
        let challenge = |algorithm: &crate::sip::Algorithm| {
            format!(
                "Digest realm={}, nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}",
                quote(realm),
                algorithm.name(),
            )
        };
        let bearer = config.authz_server.iter().map(|server| {
            let (realm, server) = (quote(realm), quote(server));
            format!("Bearer realm={realm}, authz_server={server}")
        });
        config
            .algorithms
            .iter()
            .map(challenge)
            .chain(bearer)
            .collect()
    }

    /// Judges the credentials of `request` for `realm`.
    pub(super) fn judge(
        &mut self,
        known: Known<'_>,
        gate: Gate,
        realm: &str,
        request: &Message,
        now: Instant,
        random: &mut Random,
    ) -> Verdict {
        let config = known.config;
        if let Some(user) = bearer(config, gate, request) {
            return Verdict::Accepted(Proof {
                user: user.to_owned(),
                ..Proof::default()
            });
        }
        let response = request
            .lines(gate.credentials_header())
            .filter_map(DigestResponse::parse)
            .find(|response| response.realm == realm);
        let Some(response) = response else {
            return Verdict::Challenge { stale: false };
        };
        if !same_uri(&response.uri, request.request_uri()) {
            return Verdict::Mismatch;
        }
        let Some(owner) = known.owner(now, &response) else {
            return Verdict::Unknown;
        };
        let offered = config.algorithms.contains(&response.algorithm);
        let right = |secret: &Secret<'_>| {
            offered && response.verify(*secret, request.method(), request.body())
        };
        let Some(secret) = owner.secret.filter(right) else {
            let good = self
                .until(&response.nonce, config)
                .is_some_and(|until| now < until);
            return if good {
                Verdict::Wrong
            } else {
                Verdict::Challenge { stale: false }
            };
        };
        // The password is right. An old, foreign or replayed nonce is no reason to
        // ask the person again (RFC 7616 §3.3, `stale`).
        if !self.spend(&response, config, now) {
            return Verdict::Challenge { stale: true };
        }
        let info = config.next_nonce.then(|| {
            let next = self.nonce(now, random);
            let mut info = format!("nextnonce=\"{next}\"");
            if let (Some(nc), Some(cnonce)) = (response.nc, &response.cnonce) {
                let rspauth = response.rspauth(secret, b"");
                info += &format!(
                    ", qop=auth, nc={nc:08x}, cnonce={}, rspauth=\"{rspauth}\"",
                    quote(cnonce)
                );
            }
            info
        });
        Verdict::Accepted(Proof {
            user: owner.user.to_owned(),
            device: owner.device.cloned(),
            info,
        })
    }

    /// A keyed hash of `text`, for tokens that must come back unchanged.
    pub(super) fn mac(&self, text: &str) -> String {
        let hash = Sha256::new()
            .chain_update(self.secret)
            .chain_update(text)
            .finalize();
        hex(hash.get(..10).unwrap_or_default())
    }

    fn nonce(&self, now: Instant, random: &mut Random) -> String {
        let stamp = format!("{:x}.{}", now.millis(), random.hex::<8>());
        let mac = self.mac(&stamp);
        format!("{stamp}.{mac}")
    }

    /// Takes the nonce count of `response`; false if nonce or count are used up.
    fn spend(&mut self, response: &DigestResponse, config: &Config, now: Instant) -> bool {
        let Some(until) = self.until(&response.nonce, config) else {
            return false;
        };
        // A response without qop (RFC 2069) has no count: its nonce is good once.
        let once = config.manner().takes_nonces_once();
        let count = response.nc.filter(|_| !once).unwrap_or(1);
        let last = self.used.get(&response.nonce).map_or(0, |used| used.count);
        if now >= until || count <= last {
            return false;
        }
        if self.used.len() > SWEEP_ABOVE {
            self.used.retain(|_, used| used.until > now);
        }
        self.used
            .insert(response.nonce.clone(), Used { count, until });
        true
    }

    /// Until when `nonce` is good; `None` if we did not issue it.
    fn until(&self, nonce: &str, config: &Config) -> Option<Instant> {
        let (stamp, mac) = nonce.rsplit_once('.')?;
        let (issued, _) = stamp.split_once('.')?;
        (self.mac(stamp) == mac).then_some(())?;
        let issued = u64::from_str_radix(issued, 16).ok()?;
        Some(Instant::from_millis(issued) + config.nonce_lifetime())
    }
}

/// The user whose token `request` carries (RFC 8898 §2.1.2; Cisco's clients write
/// `Bearer token="…"`).
fn bearer<'a>(config: &'a Config, gate: Gate, request: &Message) -> Option<&'a str> {
    config.authz_server.as_ref()?;
    let token = |line| -> Option<String> {
        let (scheme, rest) = str::split_once(line, ' ')?;
        let token = rest.trim().trim_start_matches("token=");
        scheme
            .eq_ignore_ascii_case("Bearer")
            .then(|| unquote(token).into_owned())
    };
    let mut tokens = request.lines(gate.credentials_header()).filter_map(token);
    tokens.find_map(|token| {
        let mut users = config.users.iter();
        let owner = users.find(|(_, user)| user.token.as_ref() == Some(&token))?;
        Some(owner.0.as_str())
    })
}

fn same_uri(claimed: &str, real: &str) -> bool {
    claimed == real
        || match (Uri::parse(claimed), Uri::parse(real)) {
            (Some(claimed), Some(real)) => claimed.equivalent(&real),
            _ => false,
        }
}
