//! The calls that were relayed and have not ended: what the registrar must know of calls
//! to keep the binding of a client that lost its connection in one, and to end those of a
//! device that is cut off.

use super::bindings::Entry;
use super::relay::End;
use super::{ConnectionId, Registrar};
use crate::sip::{Message, Name, NameAddr, Writer};

/// Dialogs from the 2xx to the BYE.
#[derive(Default)]
pub(super) struct Calls {
    list: Vec<Call>,
}

struct Call {
    call_id: String,
    /// Caller and callee.
    sides: [Side; 2],
}

/// One of the two in a call.
struct Side {
    end: End,
    tag: String,
    /// From, or To, with the tag.
    address: String,
    /// Contact URI, or the address where it has said none.
    target: String,
    /// Number of its last request.
    cseq: u32,
}

impl Side {
    fn is_of(&self, binding: u64) -> bool {
        self.end.binding == Some(binding)
    }
}

impl Calls {
    /// Notes that `invite` was answered with `accepted`. Above `limit` calls the oldest
    /// is forgotten: it then merely is not kept when a connection drops.
    pub fn begin(&mut self, invite: &Message, accepted: &Message, ends: [End; 2], limit: usize) {
        if self.position(accepted).is_some() {
            return;
        }
        let side = |end, message: &Message, name, tag: Option<&str>, cseq| {
            let address = accepted.header(name)?;
            let contact = message.contacts().list.first().map(|contact| contact.uri);
            let target = contact.or_else(|| Some(NameAddr::parse(address)?.uri));
            Some(Side {
                end,
                tag: tag?.to_owned(),
                address: address.to_owned(),
                target: target?.to_owned(),
                cseq,
            })
        };
        let [caller, callee] = ends;
        let number = invite.cseq().map_or(0, |cseq| cseq.number);
        let caller = side(caller, invite, Name::From, accepted.from_tag(), number);
        let callee = side(callee, accepted, Name::To, accepted.to_tag(), 0);
        let Some(sides) = caller.zip(callee) else {
            return;
        };
        if self.list.len() >= limit.max(1) {
            self.list.remove(0);
        }
        self.list.push(Call {
            call_id: accepted.call_id().to_owned(),
            sides: sides.into(),
        });
    }

    /// Notes a request that passes: a BYE ends its call.
    pub fn note(&mut self, request: &Message) {
        let Some(at) = self.position(request) else {
            return;
        };
        if request.method() == "BYE" {
            self.list.remove(at);
            return;
        }
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let sides = self.list.get_mut(at).map(|call| &mut call.sides);
        for side in sides.into_iter().flatten() {
            if request.from_tag() == Some(&side.tag) {
                side.cseq = side.cseq.max(number);
            }
        }
    }

    /// Whether the client of `binding` is in a call.
    pub fn involve(&self, binding: u64) -> bool {
        let mut sides = self.list.iter().flat_map(|call| &call.sides);
        sides.any(|side| side.is_of(binding))
    }

    /// Forgets the calls of which neither side is registered any more.
    pub fn forget_unless(&mut self, is_bound: impl Fn(u64) -> bool) {
        let bound = |side: &Side| side.end.binding.is_some_and(&is_bound);
        self.list.retain(|call| call.sides.iter().any(bound));
    }

    /// The call that `message` is of: either side may speak.
    fn position(&self, message: &Message) -> Option<usize> {
        let (one, other) = (message.from_tag()?, message.to_tag()?);
        self.list.iter().position(|call| {
            let [a, b] = &call.sides;
            let tags = (a.tag.as_str(), b.tag.as_str());
            call.call_id == message.call_id() && (tags == (one, other) || tags == (other, one))
        })
    }
}

impl Registrar {
    /// Ends the calls of a binding that is gone, for both sides: a client that is cut off
    /// need not do it.
    pub(super) fn end_calls_of(&mut self, gone: &Entry) {
        let ended = |call: &mut Call| call.sides.iter().any(|side| side.is_of(gone.id));
        let ended: Vec<Call> = self.calls.list.extract_if(.., ended).collect();
        for Call { call_id, sides } in ended {
            let [a, b] = &sides;
            for (from, to) in [(a, b), (b, a)] {
                let connection = match gone.flow.filter(|_| to.is_of(gone.id)) {
                    Some(flow) => flow,
                    None => self.current(to.end).connection,
                };
                self.send_bye(connection, &call_id, from, to);
            }
        }
    }

    /// A BYE to one side of a call, as the other one would send it.
    fn send_bye(&mut self, connection: ConnectionId, call_id: &str, from: &Side, to: &Side) {
        let mut bye = Writer::request("BYE", &to.target);
        bye.header(Name::From, &from.address)
            .header(Name::To, &to.address)
            .header(Name::CallId, call_id)
            .header(Name::CSeq, &format!("{} BYE", from.cseq.saturating_add(1)))
            .header(Name::Reason, "SIP;cause=403;text=\"Device not authorised\"");
        self.send_own(connection, bye, None);
    }
}
