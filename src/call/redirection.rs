//! Redirections (RFC 3261 §8.1.3.4): whom the far end may have us call instead.

use super::outgoing::{MAX_FORKS, MAX_TRIES};
use super::target::request_uri;
use super::{Call, Cause, Event, FollowRedirects, Line, Phase, refusal, shown_uri};
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::sip::{Message, Uri};

impl Call {
    /// Whether the far end may have us call `uri` without the app.
    pub(super) fn follows(&self, line: &Line, uri: &str) -> bool {
        match self.follow_redirects {
            FollowRedirects::Domain => is_within(uri, &line.account.domain),
            FollowRedirects::All => true,
            FollowRedirects::None => false,
        }
    }

    /// RFC 3261 §8.1.3.4: the contacts by their q, one after the other. The app is
    /// told of all that can be called; what is not followed is for it to call.
    pub(super) fn redirected(&mut self, line: &mut Line, answer: &Message) {
        let mut contacts: Vec<(u32, &str)> = Vec::new();
        for contact in answer.contacts().list {
            let q = contact.params.get("q").map_or(1000, thousandths);
            let at = contacts.iter().position(|(other, _)| *other < q);
            let at = at.unwrap_or(contacts.len());
            // Headers in it would write our requests (RFC 3261 §19.1.5).
            let uri = Uri::request_part(contact.uri);
            if let Some(uri) = uri.filter(|_| contacts.len() < MAX_FORKS) {
                contacts.insert(at, (q, uri));
            }
        }
        let mut wanted = Vec::new();
        let mut foreign = None;
        for (_, uri) in contacts {
            let shown = shown_uri(uri);
            if shown.is_empty() {
                continue;
            }
            let target = request_uri(uri, &line.account);
            let target = target.filter(|_| self.follows(line, uri));
            line.event(Event::Redirect {
                call: self.id,
                uri: shown.clone(),
                followed: target.is_some(),
            });
            match target {
                Some(target) => wanted.push(target),
                None => foreign = foreign.or(Some(shown)),
            }
        }
        let Phase::Calling(outgoing) = &mut self.phase else {
            return;
        };
        outgoing.redirects.splice(0..0, wanted);
        match foreign.filter(|_| outgoing.redirects.is_empty()) {
            Some(uri) => {
                let fault = Fault::answered(Situation::Redirected, answer.status(), uri);
                self.end(line, Cause::Failed, Some(fault));
            }
            None => self.try_next(line, answer),
        }
    }

    pub(super) fn try_next(&mut self, line: &mut Line, answer: &Message) {
        let Phase::Calling(outgoing) = &mut self.phase else {
            return;
        };
        outgoing.tried += 1;
        if outgoing.redirects.is_empty() || outgoing.tried > MAX_TRIES {
            return self.end(line, Cause::Failed, Some(refusal(answer)));
        }
        self.dialog.target = outgoing.redirects.remove(0);
        self.again(line);
    }
}

/// Whether a request for `uri` stays within `domain`, as far as can be told.
fn is_within(uri: &str, domain: &str) -> bool {
    let uri = Uri::parse(uri).filter(Uri::is_sip);
    uri.is_some_and(|uri| uri.host.eq_ignore_ascii_case(domain) && !uri.params.has("maddr"))
}

/// A q value in thousandths.
fn thousandths(q: &str) -> u32 {
    let mut digits = q.bytes().filter(u8::is_ascii_digit);
    let mut value = 0;
    for _ in 0..4 {
        let digit = digits.next().map_or(0, |digit| digit - b'0');
        value = value * 10 + u32::from(digit);
    }
    value
}
