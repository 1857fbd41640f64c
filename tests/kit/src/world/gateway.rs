//! CTI gateways among the clients: what they have to say to a switch is for the owner of
//! the world to carry.

use super::{Client, ClientId, World};
use graceline::gateway::{Config, Gateway, Output};
use graceline::time::Instant;

/// The gateway of this number, user `cti` with it, with so many connections to a switch.
pub fn gateway_config(number: usize, connections: usize) -> Config {
    let instance = format!("urn:uuid:00000000-0000-4000-9000-{number:0>12}");
    let mut login = crate::account(&instance);
    login.user = format!("cti{number}");
    Config::new(login, connections)
}

impl Client {
    pub(super) fn is_gateway(&self) -> bool {
        self.gateway.is_some()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.gateway {
            Some(gateway) => gateway.poll_timeout(),
            None => self.phone.poll_timeout(),
        }
    }
}

impl World {
    /// A gateway, which starts at once.
    pub fn gateway(&mut self, config: Config) -> ClientId {
        let login = config.login.clone();
        let name = login.user.clone();
        let id = self.client_with(&name, |config| *config = login);
        self.start_gateway(id, config);
        id
    }

    /// Its process ends without a word, and another one begins.
    pub fn restart_gateway(&mut self, id: ClientId, config: Config) {
        self.drop_sockets(id);
        let client = &mut self.clients[id];
        client.loads += 1;
        client.inbox.clear();
        self.start_gateway(id, config);
    }

    fn start_gateway(&mut self, id: ClientId, config: Config) {
        let mut seed = [self.seed; 32];
        seed[0] = id as u8;
        seed[1] = self.clients[id].loads as u8;
        let gateway = Gateway::new(config, seed).expect("the options of the tests are good");
        self.clients[id].gateway = Some(Box::new(gateway));
        self.act_gateway(id, Gateway::start);
    }

    pub fn act_gateway(&mut self, id: ClientId, action: impl FnOnce(&mut Gateway, Instant)) {
        let now = self.now;
        let gateway = self.clients[id].gateway.as_mut();
        action(gateway.expect("a gateway"), now);
        while let Some(output) = self.gateway_of(id).poll_output() {
            match output {
                Output::Open {
                    slot, generation, ..
                } => self.open_socket(self.socket(id, slot, generation)),
                Output::Send {
                    slot,
                    generation,
                    data,
                } => self.sends(id, slot, generation, data),
                Output::CloseSocket { slot, generation } => {
                    self.drop_socket(self.socket(id, slot, generation));
                }
                Output::Log { message, .. } | Output::Trace { message, .. } => {
                    assert!(!message.contains("secret"), "a password in the log");
                }
                output => self.of_gateways.push((id, output)),
            }
        }
    }

    pub fn gateway_of(&mut self, id: ClientId) -> &mut Gateway {
        self.clients[id].gateway.as_mut().expect("a gateway")
    }
}
