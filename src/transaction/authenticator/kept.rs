//! What the authenticator keeps over a page load: nonces with their counts.

use super::{Authenticator, MAX_SPACES, Scheme, Space};
use crate::prelude::*;
use crate::sip::{Algorithm, DigestChallenge, Qop};
use crate::text::{concat, decimal, number};

impl Authenticator {
    /// What may be kept over a page load: realms and nonces with their counts.
    /// Never a password, an HA1 or a token.
    pub fn remember(&self, mut keep: impl FnMut([&str; 6])) {
        for space in self.spaces.iter().filter(|space| space.used) {
            let Scheme::Digest {
                challenge,
                nc,
                given: None,
                ..
            } = &space.scheme
            else {
                continue;
            };
            if challenge.nonce.is_empty() {
                continue;
            }
            let qop = if challenge.qop.auth { ";auth" } else { "" };
            let fields = [
                if space.proxy { "proxy" } else { "www" },
                &challenge.realm,
                &challenge.nonce,
                challenge.opaque.as_deref().unwrap_or_default(),
                &concat(&[challenge.algorithm.name(), qop]),
                &decimal((*nc).into()),
            ];
            // What a line of the store cannot hold is not kept.
            if fields.iter().all(|field| is_plain(field)) {
                keep(fields);
            }
        }
    }

    /// Takes back what [`Authenticator::remember`] gave. A nonce of before may
    /// have expired: its refusal says nothing of the password.
    pub fn recall(&mut self, fields: &[&str]) {
        let [proxy, realm, nonce, opaque, algorithm, nc] = fields else {
            return;
        };
        // A store can be edited.
        if !fields.iter().all(|field| is_plain(field)) {
            return;
        }
        let (algorithm, auth) = match algorithm.strip_suffix(";auth") {
            Some(algorithm) => (algorithm, true),
            None => (*algorithm, false),
        };
        let (Some(algorithm), Some(nc)) = (Algorithm::from_name(algorithm), number(nc)) else {
            return;
        };
        let Ok(nc) = u32::try_from(nc) else { return };
        let challenge = DigestChallenge {
            realm: (*realm).to_owned(),
            nonce: (*nonce).to_owned(),
            opaque: (!opaque.is_empty()).then(|| (*opaque).to_owned()),
            algorithm,
            qop: Qop {
                auth,
                auth_int: false,
            },
            stale: false,
        };
        let scheme = Scheme::Digest {
            challenge,
            nc,
            given: None,
            sent: None,
        };
        if self.spaces.len() < MAX_SPACES {
            self.spaces.push(Space {
                proxy: *proxy == "proxy",
                scheme,
                used: true,
                proven: true,
                doubts: 0,
            });
        }
    }
}

fn is_plain(field: &str) -> bool {
    !field.bytes().any(|byte| byte.is_ascii_control())
}
