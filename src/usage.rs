//! The contract of a usage: what the phone does for its account by requests and
//! answers of one kind. Calls are one.
//!
//! A usage is a machine that knows nothing of sockets, transactions, credentials
//! and of other usages. It is given answers, requests, the flows there are and the
//! time, and asks its owner to send and to answer ([`Action`]). A new kind of
//! request is a module that implements [`Usage`] and a line of `phone::usage`.

use crate::fault::Situation;
use crate::flow::FlowId;
use crate::prelude::*;
use crate::rand::Random;
use crate::sip::{Message, Name, sanitize_text};
use crate::text::{concat, decimal};
use crate::time::Instant;
use crate::transaction::{Reach, Request};

/// Names one client transaction of a usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<J> {
    /// The call, or whatever the usage has many of; 0: of none.
    pub of: u32,
    /// What its request is for.
    pub job: J,
    /// Tells it from others of that job.
    pub number: u32,
}

/// Something for the owner of a usage to do, in this order.
pub enum Action<J, E> {
    /// Send this; every answer comes back with the key.
    Send(Key<J>, Request),
    /// Acknowledge the 2xx to the INVITE of this key; last, the CSeq number of
    /// that INVITE.
    Ack(Key<J>, Request, u32),
    /// Cancel the INVITE of this key, when that is possible.
    Cancel(Key<J>),
    /// Answer a request.
    Reply(Reply),
    /// Another host sent what came before: our requests with this Call-ID have numbers above
    /// this one.
    Count(String, u32),
    /// Make sure that the registration still stands: a flow may be lost.
    Look,
    /// Tell the app.
    Event(E),
}

/// Where a request came in.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The flow that it came by.
    pub flow: FlowId,
    /// It is that of the registration.
    pub home: bool,
    /// The registrar sends what is for our address by it (RFC 5626 §5.3).
    pub bound: bool,
}

/// What the phone asks of a usage.
pub trait Usage: Sized {
    /// What its requests are for.
    type Job: Copy + PartialEq;
    /// What it tells.
    type Event;
    /// Whether it sends INVITEs, and so ACK and CANCEL.
    const INVITES: bool = false;

    /// With nothing to do yet.
    fn new(account: &Account, random: Random) -> Self;

    /// The next thing to do.
    fn poll_action(&mut self) -> Option<Action<Self::Job, Self::Event>>;

    /// Takes an answer, provisional ones included.
    fn handle_answer(&mut self, now: Instant, key: Key<Self::Job>, answer: &Message);

    /// Nobody answered in time, or the request could not be sent; `dropped`: what
    /// came meanwhile was of no use, for this reason.
    fn unanswered(&mut self, now: Instant, key: Key<Self::Job>, dropped: Option<&'static str>);

    /// Takes a request, ACK and CANCEL included, if it is for this usage.
    fn handle_request(&mut self, _now: Instant, _request: &Message, _at: Arrival) -> bool {
        false
    }

    /// Which flows are open, in order of priority, and on which of them the phone
    /// is registered.
    fn flows_changed(&mut self, _now: Instant, _open: &[FlowId], _home: Option<FlowId>) {}

    /// The registrar has said more of the account.
    fn account_changed(&mut self, _account: &Account) {}

    /// The flow that requests of this one go by, and answers; `None`: there is none
    /// at the moment.
    fn flow(&self, of: u32) -> Option<FlowId>;

    /// Fires what is due.
    fn handle_timeout(&mut self, now: Instant);

    /// When [`Usage::handle_timeout`] is due.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The phone is logged out: ends everything, with a word to the network.
    fn end_all(&mut self, now: Instant, cause: Cause, at: Situation);

    /// Forgets what is over and has no transaction that is `pending`.
    fn tidy(&mut self, _pending: impl Fn(u32) -> bool) {}

    /// Who answers such a request, and so who may challenge it.
    fn reach(_job: Self::Job) -> Reach {
        Reach::Others
    }

    /// Whether a challenge to it is answered.
    fn answers_challenge(&self, _key: Key<Self::Job>) -> bool {
        true
    }

    /// Whether it waits for another flow when its own is lost, and goes on there.
    fn outlives_flow(_job: Self::Job) -> bool {
        false
    }

    /// Whether the socket of a phone that logs out stays for its answer.
    fn lingers(_job: Self::Job) -> bool {
        true
    }
}

/// An answer to a request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Whose flow it goes by, as in [`Key`]; `None`: the one that the request came by.
    pub of: Option<u32>,
    /// What is answered.
    pub request: Message,
    /// Status.
    pub status: u16,
    /// Reason phrase, if not the usual one.
    pub reason: Option<String>,
    /// Tag for a To that has none; `None`: any.
    pub tag: Option<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Content-Type and body.
    pub content: Option<(String, String)>,
}

impl Reply {
    /// With nothing but the status.
    pub fn new(request: &Message, status: u16) -> Self {
        Self {
            of: None,
            request: request.clone(),
            status,
            reason: None,
            tag: None,
            headers: Vec::new(),
            content: None,
        }
    }

    /// Adds a header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Why a call, or a session, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// We hung up.
    Local,
    /// They hung up.
    Remote,
    /// They did not want it; of an incoming call, another device of ours did not, for
    /// all of them.
    Rejected,
    /// It could not be made, or broke.
    Failed,
    /// The caller gave up before it was answered.
    Cancelled,
    /// Another device of ours answered (RFC 3326).
    AnsweredElsewhere,
    /// Another client took the device over.
    ConnectionTerminated,
}

impl Cause {
    /// The name in the JavaScript API.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Local => "local",
            Cause::Remote => "remote",
            Cause::Rejected => "rejected",
            Cause::Failed => "failed",
            Cause::Cancelled => "cancelled",
            Cause::AnsweredElsewhere => "answeredElsewhere",
            Cause::ConnectionTerminated => "eConnectionTerminated",
        }
    }
}

/// The account that a phone speaks for.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Our display name in quotes, with a blank, or nothing.
    pub name: String,
    /// `sip:user@domain`.
    pub aor: String,
    /// Host part of plain numbers.
    pub domain: String,
    /// Host part of Contacts without a GRUU.
    pub host: String,
    /// Which client of the account it is: `urn:uuid:…`.
    pub instance: String,
    /// Public GRUU (RFC 5627).
    pub gruu: Option<String>,
    /// Service-Route of the registrar (RFC 3608).
    pub routes: Vec<String>,
    /// What the server's messages tell of the far end, and of the call, is believed:
    /// clients cannot write it themselves (RFC 3325 §4: the trust domain).
    pub trusts_identity: bool,
}

impl Account {
    /// Our address as From and To of requests show it, without a tag.
    pub fn address(&self) -> String {
        self.shown_as(&self.aor)
    }

    /// The same with another URI.
    pub fn shown_as(&self, uri: &str) -> String {
        concat(&[&self.name, "<", uri, ">"])
    }

    /// The Contact of a dialog: the public GRUU, which leads to the flow of the
    /// registration (`home`), else a random one. Far ends never see the claim that the
    /// registered Contact carries.
    pub fn contact(&self, home: bool, random: &mut Random) -> String {
        match self.gruu.as_ref().filter(|_| home) {
            Some(gruu) => concat(&["<", gruu, ">"]),
            None => {
                let user = random.hex::<6>();
                concat(&["<sip:", &user, "@", &self.host, ";transport=ws>"])
            }
        }
    }

    /// The Contact of a session, for a server of ours to know its client by (RFC 5626
    /// §4.1). The far ends of calls need not know that.
    pub fn named_contact(&self, contact: &str) -> String {
        concat(&[contact, ";+sip.instance=\"<", &self.instance, ">\""])
    }
}

/// All headers but credentials.
pub(crate) fn shown_headers(message: &Message) -> Vec<(String, String)> {
    let hidden = |name| matches!(name, Name::Authorization | Name::ProxyAuthorization);
    message
        .all_headers()
        .filter(|(name, _)| !hidden(Name::from_text(name)))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What a failure means to people.
pub(crate) fn failure(answer: &Message) -> String {
    let status = decimal(answer.status().into());
    match answer.reason() {
        "" => status,
        reason => sanitize_text(reason),
    }
}
