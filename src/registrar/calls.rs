//! The calls that were relayed and have not ended: all that the registrar must
//! know of calls to keep the binding of a client that lost its connection in one.

use crate::sip::Message;

/// Dialogs from the 2xx to the BYE.
#[derive(Default)]
pub(super) struct Calls {
    list: Vec<Call>,
}

struct Call {
    call_id: String,
    /// Both tags, sorted: either side may hang up.
    tags: [String; 2],
    /// Bindings of the two sides, where they have one.
    sides: [Option<u64>; 2],
}

impl Calls {
    /// Notes that an INVITE was answered with `accepted`. Above `limit` calls the
    /// oldest is forgotten: it then merely is not kept when a connection drops.
    pub fn begin(&mut self, accepted: &Message, sides: [Option<u64>; 2], limit: usize) {
        let Some(tags) = tags(accepted) else { return };
        if self.position(accepted.call_id(), &tags).is_some() {
            return;
        }
        if self.list.len() >= limit.max(1) {
            self.list.remove(0);
        }
        self.list.push(Call {
            call_id: accepted.call_id().to_owned(),
            tags,
            sides,
        });
    }

    /// Notes a BYE.
    pub fn end(&mut self, bye: &Message) {
        let found = tags(bye).and_then(|tags| self.position(bye.call_id(), &tags));
        if let Some(index) = found {
            self.list.remove(index);
        }
    }

    /// Whether the client of `binding` is in a call.
    pub fn involve(&self, binding: u64) -> bool {
        self.list
            .iter()
            .any(|call| call.sides.contains(&Some(binding)))
    }

    /// Forgets the calls of which neither side is registered any more.
    pub fn forget_unless(&mut self, mut is_bound: impl FnMut(u64) -> bool) {
        self.list
            .retain(|call| call.sides.into_iter().flatten().any(&mut is_bound));
    }

    fn position(&self, call_id: &str, tags: &[String; 2]) -> Option<usize> {
        self.list
            .iter()
            .position(|call| call.call_id == call_id && call.tags == *tags)
    }
}

fn tags(message: &Message) -> Option<[String; 2]> {
    let mut tags = [message.from_tag()?.to_owned(), message.to_tag()?.to_owned()];
    tags.sort();
    Some(tags)
}
