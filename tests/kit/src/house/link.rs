//! The links between gateways and the switch: TCP, so that each keeps its order.

use super::{Flaw, House};
use crate::world::{ClientId, Network};
use graceline::gateway::{LinkMessage, LinkRequest, NodeId};
use graceline::time::Duration;

/// One connection of a gateway.
pub type Line = (ClientId, NodeId);

/// An address of the switch.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub network: Network,
    /// One way, of connections from now on, in milliseconds.
    pub latency: u64,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            network: Network::Up,
            latency: 3,
        }
    }
}

/// What is under way.
pub(super) enum Way {
    Connect(Line),
    ToSwitch(Line, LinkRequest),
    ToGateway(Line, LinkMessage),
    CloseAtSwitch(Line),
    CloseAtGateway(Line),
}

impl House {
    fn node(&self, line: Line) -> Node {
        self.nodes[line.1.node]
    }

    /// Sends something that a connection keeps in order.
    fn put(&mut self, line: Line, way: Way) {
        let latency = self.links.get(&line).copied();
        let latency = latency.unwrap_or_else(|| self.node(line).latency);
        let at = self.world.now + Duration::from_millis(latency);
        self.way.put(at, way);
    }

    pub(super) fn connect(&mut self, line: Line) {
        self.put(line, Way::Connect(line));
    }

    /// The gateway has closed it.
    pub(super) fn disconnect(&mut self, line: Line) {
        self.put(line, Way::CloseAtSwitch(line));
        self.links.remove(&line);
    }

    pub(super) fn ask(&mut self, line: Line, request: LinkRequest) {
        if self.flaw == Some(Flaw::KeepsMonitors) && request.service == "unmonitor" {
            return;
        }
        self.pass(line, Way::ToSwitch(line, request));
    }

    pub(super) fn send_said(&mut self) {
        for (line, message) in self.switch.take_said() {
            self.pass(line, Way::ToGateway(line, message));
        }
    }

    /// What a silent node loses stays lost, with all that would have come after it.
    fn pass(&mut self, line: Line, way: Way) {
        if self.node(line).network == Network::Silent {
            self.links.remove(&line);
        } else if self.links.contains_key(&line) {
            self.put(line, way);
        }
    }

    pub(super) fn deliver(&mut self, way: Way) {
        match way {
            Way::Connect(line) => match self.node(line).network {
                Network::Up => {
                    let latency = self.node(line).latency;
                    self.links.insert(line, latency);
                    self.switch.connected(line);
                }
                Network::Refusing => self.put(line, Way::CloseAtGateway(line)),
                Network::Silent => {}
            },
            Way::ToSwitch(line, request) => self.switch.asked(line, &request),
            Way::ToGateway(line, message) if self.links.contains_key(&line) => {
                self.world.act_gateway(line.0, |gateway, now| {
                    gateway.handle_link(now, line.1, message);
                });
            }
            Way::ToGateway(..) => {}
            Way::CloseAtSwitch(line) => self.switch.closed(line),
            Way::CloseAtGateway(line) => {
                self.links.remove(&line);
                self.world.act_gateway(line.0, |gateway, now| {
                    gateway.handle_link_closed(now, line.1, "closed");
                });
            }
        }
    }

    /// The links of a gateway that is gone.
    pub(super) fn drop_links_of(&mut self, gateway: ClientId) {
        for line in self.lines(|line| line.0 == gateway) {
            self.disconnect(line);
        }
        // Its successor counts from the start.
        let old = |way: &Way| match way {
            Way::Connect(line) | Way::ToGateway(line, _) | Way::CloseAtGateway(line) => {
                line.0 == gateway
            }
            _ => false,
        };
        self.way.retain(|way| !old(way));
    }

    fn lines(&self, which: impl Fn(&Line) -> bool) -> Vec<Line> {
        self.links.keys().copied().filter(which).collect()
    }

    /// A node closes its connections.
    pub fn cut_node(&mut self, node: usize) {
        for line in self.lines(|line| line.1.node == node) {
            self.switch.closed(line);
            self.put(line, Way::CloseAtGateway(line));
            self.links.remove(&line);
        }
    }
}
