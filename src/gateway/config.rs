//! What a gateway is made with.

use super::link::fits;
use crate::phone::{self, ConfigError};
use crate::prelude::*;
use crate::time::Duration;
use alloc::collections::BTreeMap;

/// Options of a gateway, as `startGateway` names them.
#[derive(Clone)]
pub struct Config {
    /// The account at the SIP server.
    pub login: phone::Config,
    /// How many addresses the switch has, 1 to 8, in order of priority.
    pub connections: usize,
    /// The devices of each line.
    pub lines: BTreeMap<String, Vec<Device>>,
    /// Who may control which lines; `None`: each user the line of the same name.
    pub may: Option<BTreeMap<String, Vec<String>>>,
    /// Who asks is what From says, though anybody can write that.
    pub trust_from: bool,
    /// What becomes of a session whose connection is down.
    pub when_node_is_down: WhenDown,
    /// Between two heartbeats.
    pub heartbeat: Duration,
    /// Most sessions at once.
    pub max_sessions: usize,
}

/// A device of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub device: String,
    /// For people.
    pub description: Option<String>,
    /// Of the number, where the switch has several.
    pub partition: Option<String>,
    /// One client at a time controls it.
    pub exclusive: bool,
}

/// What becomes of a session whose connection to the switch is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenDown {
    /// It stays, and waits for it.
    #[default]
    Wait,
    /// It is ended, so that the client's new INVITE finds another connection.
    Move,
}

impl Config {
    /// Default of [`Config::heartbeat`].
    pub const HEARTBEAT: Duration = Duration::from_secs(30);
    /// Default of [`Config::max_sessions`]: more than there are telephones behind one
    /// switch, and some hundred megabytes at most.
    pub const MAX_SESSIONS: usize = 20_000;

    /// With every default.
    pub fn new(login: phone::Config, connections: usize) -> Self {
        Self {
            login,
            connections,
            lines: BTreeMap::new(),
            may: None,
            trust_from: false,
            when_node_is_down: WhenDown::default(),
            heartbeat: Self::HEARTBEAT,
            max_sessions: Self::MAX_SESSIONS,
        }
    }

    /// Checks what the login's own check does not see.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |option, problem| Err(ConfigError { option, problem });
        if !(1..=8).contains(&self.connections) {
            return fail("connections", "needs 1 to 8 addresses of the switch");
        }
        if !(1..=600).contains(&self.heartbeat.as_secs()) {
            return fail("heartbeat", "must be 1 to 600 seconds");
        }
        // They go into the Contacts of a 300.
        let is_line = |text: &Option<String>| {
            let mut letters = text.iter().flat_map(|text| text.chars());
            !letters.any(char::is_control)
        };
        let sound = |device: &Device| {
            fits(&device.device) && is_line(&device.description) && is_line(&device.partition)
        };
        let names = |devices: &Vec<Device>| !devices.is_empty() && devices.iter().all(sound);
        if !self.lines.keys().all(|line| fits(line)) || !self.lines.values().all(names) {
            return fail("lines", "must name the devices of each line");
        }
        Ok(())
    }

    /// Lines that a user may control, the own first.
    pub fn lines_of(&self, user: &str) -> Vec<&str> {
        match &self.may {
            Some(may) => {
                let lines = may.get(user).map_or(&[][..], Vec::as_slice);
                lines.iter().map(String::as_str).collect()
            }
            None => {
                let own = self.lines.get_key_value(user);
                own.map(|(line, _)| line.as_str()).into_iter().collect()
            }
        }
    }
}
