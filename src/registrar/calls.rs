//! The calls that were relayed and have not ended: what the registrar must know of calls
//! to keep the binding of a client that lost its connection in one, and to end those of a
//! device that is cut off.

use super::bindings::Entry;
use super::dialog_event::Leg;
use super::notify::About;
use super::relay::End;
use super::{ConnectionId, Registrar};
use crate::account::CallKey;
use crate::sip::{Message, Name, NameAddr, Writer};

/// Dialogs from the 2xx to the BYE.
#[derive(Default)]
pub(super) struct Calls {
    list: Vec<Call>,
    /// Those that are over, until somebody has taken note.
    ended: Vec<Call>,
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

impl Call {
    fn leg<'a>(&'a self, local: &'a Side, remote: &'a Side, initiator: bool) -> Leg<'a> {
        Leg {
            call_id: &self.call_id,
            initiator,
            confirmed: true,
            local_tag: &local.tag,
            remote_tag: Some(&remote.tag),
            local: local.end,
            remote: Some(remote.end),
            address: &remote.address,
        }
    }
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
            self.ended.push(self.list.remove(0));
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
            self.ended.push(self.list.remove(at));
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

    /// The calls as each of their sides has them.
    pub fn legs(&self) -> impl Iterator<Item = Leg<'_>> {
        self.list.iter().flat_map(|call| {
            let [caller, callee] = &call.sides;
            [
                call.leg(caller, callee, true),
                call.leg(callee, caller, false),
            ]
        })
    }

    /// Whether the client of `binding` is in a call.
    pub fn involve(&self, binding: u64) -> bool {
        let mut sides = self.list.iter().flat_map(|call| &call.sides);
        sides.any(|side| side.is_of(binding))
    }

    /// Forgets the calls of which neither side is registered any more.
    pub fn forget_unless(&mut self, is_bound: impl Fn(u64) -> bool) {
        let bound = |side: &Side| side.end.binding.is_some_and(&is_bound);
        let gone = |call: &mut Call| !call.sides.iter().any(bound);
        self.ended.extend(self.list.extract_if(.., gone));
    }

    /// Whether the dialog of `message` is under way.
    pub fn is_known(&self, message: &Message) -> bool {
        self.position(message).is_some()
    }

    /// The dialogs that are over since this was asked last: the call that each was of,
    /// and the tag of who had answered.
    pub fn take_ended(&mut self) -> Vec<(CallKey, String)> {
        let ended = std::mem::take(&mut self.ended).into_iter();
        let named = ended.map(|Call { call_id, sides }| {
            let [tag, callee] = sides.map(|side| side.tag);
            (CallKey { call_id, tag }, callee)
        });
        named.collect()
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
        for call in ended {
            let [a, b] = &call.sides;
            for (from, to) in [(a, b), (b, a)] {
                let connection = match gone.flow.filter(|_| to.is_of(gone.id)) {
                    Some(flow) => flow,
                    None => self.current(to.end).connection,
                };
                self.send_bye(connection, &call.call_id, from, to);
            }
            self.calls.ended.push(call);
        }
        self.record_ended();
    }

    /// A BYE to one side of a call, as the other one would send it.
    fn send_bye(&mut self, connection: ConnectionId, call_id: &str, from: &Side, to: &Side) {
        let mut bye = Writer::request("BYE", &to.target);
        bye.header(Name::From, &from.address)
            .header(Name::To, &to.address)
            .header(Name::CallId, call_id)
            .header(Name::CSeq, &format!("{} BYE", from.cseq.saturating_add(1)))
            .header(Name::Reason, "SIP;cause=403;text=\"Device not authorised\"");
        self.send_own(connection, bye, About::Nothing);
    }
}
