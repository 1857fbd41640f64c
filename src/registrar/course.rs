//! The way of a call from user to user: who has sent it on, and what those who get it are
//! told of that (Diversion, RFC 5806; History-Info, RFC 7044).

use super::forward;
use super::proxy::max_forwards;
use super::reply::Refusal;
use crate::sip::Message;

/// How often a call may be sent on: as often as people could still follow.
const MAX_DIVERSIONS: usize = 5;

/// Headers that tell of diversions: the server's alone to write.
const DIVERSIONS: [&str; 2] = ["Diversion", "History-Info"];

/// `invite` without what its sender says of diversions.
pub(super) fn undiverted(invite: Message) -> Message {
    let told = DIVERSIONS.map(|name| (name, String::new()));
    let says = |name: &str| {
        DIVERSIONS
            .iter()
            .any(|ours| ours.eq_ignore_ascii_case(name))
    };
    let says = invite.all_headers().any(|(name, _)| says(name));
    match says {
        true => forward::rewritten(&invite, invite.request_uri(), &told),
        false => invite,
    }
}

/// Why a call is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Always,
    Busy,
    NoAnswer,
    Offline,
    /// No rule, but a device of who is called has it so.
    Deflection,
}

impl Why {
    /// In Diversion.
    fn reason(self) -> &'static str {
        match self {
            Why::Always => "unconditional",
            Why::Busy => "user-busy",
            Why::NoAnswer => "no-answer",
            Why::Offline => "unavailable",
            Why::Deflection => "deflection",
        }
    }

    /// In History-Info and in the URI that it goes to (RFC 4458 §2).
    fn cause(self) -> u16 {
        match self {
            Why::Always => 302,
            Why::Busy => 486,
            Why::NoAnswer => 408,
            Why::Offline => 404,
            Why::Deflection => 487,
        }
    }
}

/// Where a call was before.
#[derive(Clone)]
struct Diversion {
    user: String,
    /// The address that it had there.
    uri: String,
    why: Why,
}

/// Who has sent a call on, the first first.
#[derive(Clone, Default)]
pub(super) struct Course(Vec<Diversion>);

impl Course {
    /// Sends `invite` on from `user` to `target`, which is of `heir` if that is a user.
    /// Nobody gets a call twice.
    pub fn divert(
        &mut self,
        invite: &Message,
        user: &str,
        why: Why,
        target: &str,
        heir: Option<&str>,
    ) -> Result<Message, Refusal> {
        let been = |heir: &str| heir == user || self.0.iter().any(|one| one.user == heir);
        if self.0.len() >= MAX_DIVERSIONS || heir.is_some_and(been) {
            return Err(Refusal::new(482, "Loop Detected"));
        }
        let hops = max_forwards(invite);
        if hops <= 1 {
            return Err(Refusal::new(483, "Too Many Hops"));
        }
        self.0.push(Diversion {
            user: user.to_owned(),
            uri: bare(invite.request_uri()).to_owned(),
            why,
        });
        let headers = [
            ("Max-Forwards", (hops - 1).to_string()),
            ("Diversion", self.diversion()),
            ("History-Info", self.history(target)),
        ];
        Ok(forward::rewritten(invite, target, &headers))
    }

    pub fn is_diverted(&self) -> bool {
        !self.0.is_empty()
    }

    /// RFC 5806 §4: who has sent it on, the last first.
    fn diversion(&self) -> String {
        let told = |one: &Diversion| format!("<{}>;reason={}", one.uri, one.why.reason());
        let list: Vec<String> = self.0.iter().rev().map(told).collect();
        list.join(", ")
    }

    /// RFC 7044 §5: where it was and why it did not stay, and where it is now.
    fn history(&self, target: &str) -> String {
        let mut list = Vec::new();
        let mut index = String::from("1");
        let mut came = String::new();
        for one in &self.0 {
            let cause = one.why.cause();
            list.push(format!(
                "<{}{came}?Reason=SIP%3Bcause%3D{cause}>;index={index}{}",
                one.uri,
                mapped(&index),
            ));
            came = format!(";cause={cause}");
            index += ".1";
        }
        list.push(format!(
            "<{}{came}>;index={index}{}",
            bare(target),
            mapped(&index)
        ));
        list.join(", ")
    }
}

/// Of an entry that another was mapped to: which one (RFC 7044 §5, "mp").
fn mapped(index: &str) -> String {
    let before = index.strip_suffix(".1");
    before.map_or_else(String::new, |before| format!(";mp={before}"))
}

/// A URI without parameters and headers.
fn bare(uri: &str) -> &str {
    // A user part may hold semicolons.
    let user = uri.find('@').unwrap_or(0);
    let end = uri.get(user..).and_then(|host| host.find([';', '?']));
    end.and_then(|end| uri.get(..user + end)).unwrap_or(uri)
}
