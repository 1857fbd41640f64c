//! The claim that a generic-profile Contact carries in its user part.
//!
//! Asterisk and OpenSIPS echo no Contact parameter at all, so what every client
//! must know of every binding stands in the one thing that all registrars echo:
//! the user part of the Contact URI. The form is fixed and versioned, because
//! releases must recognise each other:
//!
//! ```text
//! g1-DDDDDDDDDDDD-IIIIIIIIIIII-LLLLLLLL-CCCCCCCCCCx
//!    device tag   instance tag load     claim     u unforced, f forced
//! ```
//!
//! Tags are hashes: a far end that sees the Contact learns no names from it.

use crate::hash::sha256;
use crate::prelude::*;
use crate::text::{concat, hex, hex_number, pieces};

/// Version prefix of the Contact user part.
const PREFIX: &str = "g1";

/// Who a client is, as told by the tags of its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Hash of address-of-record and device name: 12 hexadecimal digits.
    pub device: String,
    /// Hash of address-of-record and instance id: 12 hexadecimal digits.
    pub instance: String,
    /// New for every page load: 8 hexadecimal digits.
    pub load: String,
}

impl Identity {
    /// The identity of `instance_id` on `device`, for the address-of-record
    /// `user@domain`.
    pub fn new(user: &str, domain: &str, device: &str, instance_id: &str, load: String) -> Self {
        let aor = concat(&[user, "@", domain]).to_ascii_lowercase();
        Self {
            device: tag("device", &aor, device),
            instance: tag("instance", &aor, &instance_id.to_ascii_lowercase()),
            load,
        }
    }
}

/// Device and instance tag of a Contact in Cisco's form, which carries no claim.
pub fn cisco_tags(user: &str) -> Option<(&str, &str)> {
    hexadecimal(user, 24)?.split_at_checked(12)
}

/// 48 bits of a hash: enough to tell the handful of clients of one user apart.
fn tag(kind: &str, aor: &str, name: &str) -> String {
    let hash = sha256(concat(&[kind, "\n", aor, "\n", name]).as_bytes());
    hex(hash.get(..6).unwrap_or_default())
}

/// What a binding claims: who it is, since when, and whether by force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose claim it is.
    pub identity: Identity,
    /// Time of the login in Unix seconds; a force takes at least one more than
    /// every claim that it saw.
    pub since: u64,
    /// Whether the login was forced.
    pub forced: bool,
}

impl Claim {
    /// Largest claim that fits the ten digits on the wire.
    pub const MAX_SINCE: u64 = 0xff_ffff_ffff;

    /// Reads the user part of a Contact URI; `None` if it is not in our form.
    pub fn parse(user: &str) -> Option<Self> {
        let mut parts = pieces(user, b'-');
        if parts.next()? != PREFIX {
            return None;
        }
        let device = hexadecimal(parts.next()?, 12)?;
        let instance = hexadecimal(parts.next()?, 12)?;
        let load = hexadecimal(parts.next()?, 8)?;
        let last = parts.next()?;
        if parts.next().is_some() {
            return None;
        }
        let (digits, forced) = match last.strip_suffix('f') {
            // `f` is a hexadecimal digit too: only an 11th character is a flag.
            Some(digits) if last.len() == 11 => (digits, true),
            _ => (last.strip_suffix('u')?, false),
        };
        Some(Self {
            identity: Identity {
                device: device.to_owned(),
                instance: instance.to_owned(),
                load: load.to_owned(),
            },
            since: hex_number(hexadecimal(digits, 10)?)?,
            forced,
        })
    }

    /// The user part of the Contact URI.
    pub fn user_part(&self) -> String {
        let Identity {
            device,
            instance,
            load,
        } = &self.identity;
        let since = self.since.min(Self::MAX_SINCE);
        let [_, _, _, digits @ ..] = since.to_be_bytes();
        let flag = if self.forced { "f" } else { "u" };
        let tags = [PREFIX, "-", device, "-", instance, "-", load, "-"];
        concat(&[&concat(&tags), &hex(&digits), flag])
    }

    /// Whether this claim is the later one. Of two of the same second a forced one
    /// is, and else the larger instance tag wins, so that both sides come to the
    /// same result.
    pub fn beats(&self, other: &Claim) -> bool {
        let rank = |claim: &Claim| (claim.since, claim.forced);
        match rank(self).cmp(&rank(other)) {
            core::cmp::Ordering::Equal => self.identity.instance > other.identity.instance,
            order => order.is_gt(),
        }
    }
}

fn hexadecimal(text: &str, digits: usize) -> Option<&str> {
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == digits && text.bytes().all(lower_hex)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(instance_id: &str, since: u64, forced: bool) -> Claim {
        let identity = Identity::new("2001", "example.com", "CSF", instance_id, "00c0ffee".into());
        Claim {
            identity,
            since,
            forced,
        }
    }

    #[test]
    fn a_claim_survives_the_wire() {
        for forced in [false, true] {
            for since in [0, 0xf, 1_795_000_000, Claim::MAX_SINCE] {
                let claim = claim("urn:uuid:1", since, forced);
                assert_eq!(Claim::parse(&claim.user_part()), Some(claim));
            }
        }
    }

    #[test]
    fn what_is_not_ours_is_no_claim() {
        let good = claim("urn:uuid:1", 7, true).user_part();
        for bad in [
            "",
            "2001",
            "g1",
            &good.replace("g1-", "g2-"),
            &good.to_uppercase(),
            &format!("{good}f"),
            &format!("{good}-x"),
            &good.replace("00c0ffee", "00c0ffe"),
            &good.replace("00c0ffee", "00c0ff€e"),
        ] {
            assert_eq!(Claim::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_later_claim_wins_and_a_draw_is_decided_alike_on_both_sides() {
        let (a, b) = (claim("urn:uuid:1", 7, false), claim("urn:uuid:2", 8, false));
        assert!(b.beats(&a) && !a.beats(&b));
        let (a, b) = (claim("urn:uuid:1", 7, false), claim("urn:uuid:2", 7, true));
        assert!(b.beats(&a) && !a.beats(&b));
        let (a, b) = (claim("urn:uuid:1", 7, false), claim("urn:uuid:2", 7, false));
        assert!(a.beats(&b) != b.beats(&a));
        let larger = a.identity.instance > b.identity.instance;
        assert_eq!(a.beats(&b), larger);
    }

    #[test]
    fn an_address_is_the_same_in_either_case_of_letters() {
        let of = |user, domain, instance| {
            let identity = Identity::new(user, domain, "CSF", instance, String::new());
            (identity.device, identity.instance)
        };
        let plain = of("user", "example.com", "urn:uuid:a");
        assert_eq!(of("User", "EXAMPLE.com", "urn:UUID:A"), plain);
    }
}
