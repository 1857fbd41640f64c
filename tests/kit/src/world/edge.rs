//! An edge proxy (RFC 5626) before a node that knows a client's flow no more,
//! although the socket is there: requests that come by it are answered 430.

use super::network::SocketId;
use super::{ClientId, LATENCY, World};
use graceline::sip::{Framing, Message, Writer};

/// A flow that the edge has lost.
pub(super) struct LostFlow {
    client: ClientId,
    slot: u32,
    /// Sockets up to this one; those that are opened later are flows of their own.
    generation: u32,
}

impl World {
    /// The edge loses the flow that a client has to an address.
    pub fn lose_flow(&mut self, client: ClientId, slot: u32) {
        let sockets = self.sockets.keys();
        let mine = sockets.filter(|socket| socket.client == client && socket.slot == slot);
        let generation = mine.map(|socket| socket.generation).max();
        self.lose_flows(client, slot, generation.expect("a socket"));
    }

    /// The edge loses every flow of a client to an address, for good.
    pub fn lose_every_flow(&mut self, client: ClientId, slot: u32) {
        self.lose_flows(client, slot, u32::MAX);
    }

    fn lose_flows(&mut self, client: ClientId, slot: u32, generation: u32) {
        self.lost_flows.push(LostFlow {
            client,
            slot,
            generation,
        });
    }

    pub fn mend_edge(&mut self) {
        self.lost_flows.clear();
    }

    /// Whether the edge keeps what a client sent from the registrar. It answers.
    pub(super) fn stopped_at_edge(&mut self, id: SocketId, data: &[u8]) -> bool {
        let lost = self.lost_flows.iter().any(|lost| {
            (lost.client, lost.slot) == (id.client, id.slot) && id.generation <= lost.generation
        });
        let request = Message::parse(data, Framing::Frame).ok();
        let Some(request) = request.filter(|message| lost && message.is_request()) else {
            return false;
        };
        if request.method() != "ACK" {
            let mut answer = Writer::response(&request, 430, "Flow Failed", Some("edge"));
            let answer = answer.finish().expect("good SIP");
            self.put(2 * LATENCY, super::Wire::ToClient(id, answer));
        }
        true
    }
}
