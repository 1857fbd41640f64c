//! The subscription to our own registrations: RFC 3680 over RFC 6665. It tells
//! at once what a look would show later. One dialog, refreshed before it ends;
//! a registrar that does not offer the package is not asked again.

use crate::dialog::remote_target;
use crate::prelude::*;
use crate::rand::Random;
use crate::sip::{Element, Message, Name, NameAddr, Uri};
use crate::text::{concat, decimal, number};
use crate::time::{Duration, Instant};
use crate::transaction::Request;

/// Seconds asked for, refreshed at half of them: a notifier that lost its state
/// while the connection to a proxy before it lives on is found out by that. The
/// default of RFC 3680 §4.4, about an hour, would leave us trusting it for long.
const EXPIRES: u32 = 600;
/// A shorter time than this many seconds is not heeded: it would be a storm.
const LEAST: u32 = 10;
/// Before another try where the server had a passing fault.
const RETRY: Duration = Duration::from_secs(60);

/// ```text
///  Off ──start──► Asking ──2xx/NOTIFY──► Active ──refresh──► Active
///   ▲               │ error                │ terminated, flow lost
///   └───────────────┴──────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off { retry_at: Option<Instant> },
    Asking,
    Active { refresh_at: Instant },
}

/// What a NOTIFY told of our registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Not part of our subscription: answer 481 and forget it.
    Unknown,
    /// Out of order or nothing of interest.
    Nothing,
    /// Something changed that is not our own doing, as far as one can tell.
    Changed,
    /// Our contact was removed and may come back after so many seconds.
    Probation(u32),
    /// Our contact was removed and must not come back.
    Rejected,
}

/// The subscriber.
pub struct Subscription {
    state: State,
    unsupported: bool,
    aor: String,
    contact: String,
    call_id: String,
    from_tag: String,
    to_tag: Option<String>,
    target: Option<String>,
    route: Vec<String>,
    last_cseq: Option<u32>,
    version: Option<u64>,
    /// Our contact stood in the last full document.
    listed: bool,
}

impl Subscription {
    /// No subscription yet to `aor`; `host` makes the Contact. `unsupported`:
    /// the registrar is known not to offer the package.
    pub fn new(aor: String, host: &str, unsupported: bool, random: &mut Random) -> Self {
        Self {
            state: State::Off { retry_at: None },
            unsupported,
            aor,
            // A random user part: dialogs never show the claim.
            contact: concat(&["<sip:", &random.hex::<6>(), "@", host, ";transport=ws>"]),
            call_id: String::new(),
            from_tag: String::new(),
            to_tag: None,
            target: None,
            route: Vec::new(),
            last_cseq: None,
            version: None,
            listed: true,
        }
    }

    /// Whether the registrar does not offer the package.
    pub fn is_unsupported(&self) -> bool {
        self.unsupported
    }

    /// Whether notifications arrive: the registrar sent the full state.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Active { .. }) && self.version.is_some()
    }

    /// Opens the subscription, unless there is one or it is of no use.
    pub fn start(&mut self, random: &mut Random) -> Option<Request> {
        if self.unsupported || !matches!(self.state, State::Off { .. }) {
            return None;
        }
        self.state = State::Asking;
        self.call_id = random.hex::<16>();
        self.from_tag = random.hex::<8>();
        self.to_tag = None;
        self.target = None;
        self.route.clear();
        self.last_cseq = None;
        self.version = None;
        self.listed = true;
        Some(self.subscribe())
    }

    fn subscribe(&self) -> Request {
        let tag = match &self.to_tag {
            Some(tag) => concat(&[";tag=", tag]),
            None => String::new(),
        };
        let mut headers = vec![
            ("Event".to_owned(), "reg".to_owned()),
            ("Accept".to_owned(), "application/reginfo+xml".to_owned()),
            ("Contact".to_owned(), self.contact.clone()),
            ("Expires".to_owned(), decimal(EXPIRES.into())),
        ];
        headers.extend(
            self.route
                .iter()
                .map(|route| ("Route".to_owned(), route.clone())),
        );
        Request {
            method: "SUBSCRIBE",
            uri: self.target.clone().unwrap_or_else(|| self.aor.clone()),
            from: concat(&["<", &self.aor, ">;tag=", &self.from_tag]),
            to: concat(&["<", &self.aor, ">", &tag]),
            call_id: self.call_id.clone(),
            headers,
            content: None,
        }
    }

    /// The flow is gone, or nothing is registered any more.
    pub fn stop(&mut self) {
        self.state = State::Off { retry_at: None };
        self.version = None;
    }

    /// Takes the final answer to the SUBSCRIBE.
    pub fn handle_answer(&mut self, now: Instant, answer: &Message) {
        match answer.status() {
            200..300 => {
                self.to_tag = answer.to_tag().map(str::to_owned);
                if self.target.is_none() {
                    self.target = remote_target(answer);
                    self.route = answer
                        .values(Name::RecordRoute)
                        .map(str::to_owned)
                        .collect();
                    self.route.reverse();
                }
                self.extend(now, answer.expires().unwrap_or(EXPIRES));
            }
            // The dialog is gone; a new one may be opened.
            481 => {
                self.state = State::Off {
                    retry_at: Some(now + RETRY),
                }
            }
            500..600 => {
                self.state = State::Off {
                    retry_at: Some(now + RETRY),
                }
            }
            _ => {
                self.unsupported = true;
                self.stop();
            }
        }
    }

    /// No answer came.
    pub fn handle_timeout_of_answer(&mut self, now: Instant) {
        self.state = State::Off {
            retry_at: Some(now + RETRY),
        };
    }

    fn extend(&mut self, now: Instant, seconds: u32) {
        let half = Duration::from_millis(u64::from(seconds.max(LEAST)) * 500);
        self.state = State::Active {
            refresh_at: now + half,
        };
    }

    /// Takes a NOTIFY for `Event: reg`. `own` is the user part of our Contact.
    pub fn handle_notify(&mut self, now: Instant, notify: &Message, own: &str) -> News {
        let ours = !matches!(self.state, State::Off { .. })
            && notify.call_id() == self.call_id
            && notify.to_tag() == Some(&self.from_tag)
            && notify.from_tag().is_some()
            // The first NOTIFY may overtake the 200, which has the same tag.
            && (self.to_tag.is_none() || notify.from_tag() == self.to_tag.as_deref());
        if !ours {
            return News::Unknown;
        }
        let number = notify.cseq().map(|cseq| cseq.number);
        if number.is_none() || number <= self.last_cseq {
            return News::Nothing;
        }
        self.last_cseq = number;
        self.to_tag = notify.from_tag().map(str::to_owned);
        let first = self.version.is_none();
        let document = Element::parse(notify.body()).ok();
        let news = document.and_then(|document| self.read(&document, own, first));
        self.read_state(now, notify);
        news.unwrap_or(News::Nothing)
    }

    fn read_state(&mut self, now: Instant, notify: &Message) {
        // Subscription-State has the form of a name-addr's parameters.
        let value = notify.header(Name::SubscriptionState).unwrap_or("active");
        let state = concat(&["<sip:state.invalid>;state=", value]);
        let Some(state) = NameAddr::parse(&state) else {
            return;
        };
        let number = |name| state.params.get(name).and_then(seconds);
        let text = |name| {
            state
                .params
                .get(name)
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        if text("state") == "terminated" {
            match text("reason").as_str() {
                "rejected" | "noresource" | "invariant" => {
                    self.unsupported = true;
                    self.stop();
                }
                _ => {
                    let wait = number("retry-after").map_or(RETRY, |seconds| {
                        Duration::from_secs(u64::from(seconds.clamp(LEAST, 3600)))
                    });
                    self.state = State::Off {
                        retry_at: Some(now + wait),
                    };
                }
            }
        } else if let Some(seconds) = number("expires") {
            self.extend(now, seconds);
        }
    }

    /// Reads a `reginfo` document (RFC 3680 §5): of all that it tells, the few
    /// things that matter here.
    fn read(&mut self, document: &Element, own: &str, first: bool) -> Option<News> {
        let version = number(document.attribute("version")?);
        if document.name != "reginfo" || version.is_none() || version <= self.version {
            return None;
        }
        self.version = version;
        let mut news = News::Nothing;
        let mut listed = false;
        for contact in document
            .children_named("registration")
            .flat_map(|registration| registration.children_named("contact"))
        {
            let uri = contact.child("uri").map_or("", |uri| uri.text.trim_ascii());
            let user = Uri::parse(uri).and_then(|uri| uri.user);
            let ours = user == Some(own);
            let gone = contact.attribute("state") == Some("terminated");
            listed |= ours && !gone;
            match contact.attribute("event").unwrap_or_default() {
                "rejected" if ours && gone => return Some(News::Rejected),
                "probation" if ours && gone => {
                    let seconds = contact.attribute("retry-after").and_then(seconds);
                    return Some(News::Probation(seconds.unwrap_or(60)));
                }
                _ if ours && gone => news = News::Changed,
                // The first document describes what our own login just saw.
                "registered" | "created" if !ours && !gone && !first => news = News::Changed,
                _ => {}
            }
        }
        if document.attribute("state") == Some("full") {
            // Taken over before the subscription stood. Told once: there may be
            // servers that never list us by our own name.
            if self.listed && !listed {
                news = News::Changed;
            }
            self.listed = listed;
        }
        Some(news)
    }

    /// When [`Subscription::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Off { retry_at } => retry_at,
            State::Asking => None,
            State::Active { refresh_at } => Some(refresh_at),
        }
    }

    /// Refreshes, or tries again, when that is due.
    pub fn handle_timeout(&mut self, now: Instant, random: &mut Random) -> Option<Request> {
        match self.state {
            State::Off { retry_at: Some(at) } if at <= now => self.start(random),
            State::Active { refresh_at } if refresh_at <= now => {
                self.state = State::Active {
                    refresh_at: now + RETRY,
                };
                Some(self.subscribe())
            }
            _ => None,
        }
    }
}

fn seconds(text: &str) -> Option<u32> {
    number(text).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}
