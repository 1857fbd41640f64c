//! What a phone is made with.

use super::media::{IceServer, MediaFactory};
use crate::phone::{Config, ConfigError};
use crate::pool::{Distribution, Watch};
use crate::prelude::*;
use crate::registration::{ConflictScope, Profile, RegistrationType};
use crate::time::Duration;
use serde::{Deserialize, Deserializer};
use web_sys::Url;

/// Options of a phone: what they mean, the JavaScript API tells, whose names they have
/// when they are read by serde (`authUser`). An unknown name is an error there.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// `ws://` or `wss://` URLs, 1 to 8, in priority order; `ws://` for loopback hosts
    /// unless [`Options::allow_insecure`]. For serde also one as text.
    #[serde(deserialize_with = "one_or_many")]
    pub connections: Vec<String>,
    /// User part of the address-of-record.
    pub user: String,
    /// Host part of the address-of-record.
    pub domain: String,
    /// Digest username where it differs from `user`.
    #[serde(default)]
    pub auth_user: Option<String>,
    /// Password.
    #[serde(default)]
    pub password: Option<String>,
    /// HA1 instead of a password.
    #[serde(default)]
    pub ha1: Option<String>,
    /// Device name; `None`: that of the user.
    #[serde(default)]
    pub device: Option<String>,
    /// `urn:uuid:…`; `None`: a random one, kept in this browser for user and device.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// Display name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// How conflict and force are spoken to the registrar; `None`: it is found out.
    #[serde(default)]
    pub profile: Option<Profile>,
    /// Which bindings are rivals.
    #[serde(default)]
    pub conflict_scope: ConflictScope,
    /// How a second login of the device is treated.
    #[serde(default)]
    pub registration_type: RegistrationType,
    /// Seconds asked for; the registrar's answer wins.
    #[serde(default)]
    pub expires: Option<u32>,
    /// Milliseconds that a login may take.
    #[serde(default)]
    pub timeout: Option<u32>,
    /// Longest silence, in seconds, before a server is asked whether it is there.
    #[serde(default)]
    pub heartbeat: Option<u32>,
    /// Which of the connections are held.
    #[serde(default)]
    pub watch: Watch,
    /// How new calls are spread over them.
    #[serde(default)]
    pub distribution: Distribution,
    /// `User-Agent`; `None`: Graceline, its version, browser and system.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// Further headers for REGISTER.
    #[serde(default)]
    pub extra_headers: Vec<(String, String)>,
    /// A force may remove bindings of other devices where nothing else helps.
    #[serde(default)]
    pub force_may_remove_others: bool,
    /// Contacts that are no rivals although the scope is the user.
    #[serde(default)]
    pub ignore_bindings: Vec<String>,
    /// MD5 challenges are passed over.
    #[serde(default)]
    pub refuse_md5: bool,
    /// Whether the server vouches for the identities in its messages; `None`: where it
    /// says so.
    #[serde(default)]
    pub trust_asserted_identity: Option<bool>,
    /// Whether anything is kept in `localStorage`.
    #[serde(default = "yes")]
    pub storage: bool,
    /// Whether the phone tells of every message.
    #[serde(default)]
    pub trace: bool,
    /// STUN and TURN servers.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
    /// Makes the media handler of a call; `None`: one with an `RTCPeerConnection`.
    #[serde(skip)]
    pub media: Option<MediaFactory>,
    /// Whether `ws://` may lead to other hosts.
    #[serde(default)]
    pub allow_insecure: bool,
}

fn yes() -> bool {
    true
}

/// JavaScript takes one connection without a list, too.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Connections {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Connections::deserialize(deserializer)? {
        Connections::One(url) => vec![url],
        Connections::Many(urls) => urls,
    })
}

impl Options {
    /// Every default, for `user@domain` at `connection`.
    pub fn new(connection: &str, user: &str, domain: &str) -> Self {
        Self {
            connections: vec![connection.to_owned()],
            user: user.to_owned(),
            domain: domain.to_owned(),
            auth_user: None,
            password: None,
            ha1: None,
            device: None,
            instance_id: None,
            display_name: None,
            profile: None,
            conflict_scope: ConflictScope::default(),
            registration_type: RegistrationType::default(),
            expires: None,
            timeout: None,
            heartbeat: None,
            watch: Watch::default(),
            distribution: Distribution::default(),
            user_agent: None,
            extra_headers: Vec::new(),
            force_may_remove_others: false,
            ignore_bindings: Vec::new(),
            refuse_md5: false,
            trust_asserted_identity: None,
            storage: true,
            trace: false,
            ice_servers: Vec::new(),
            media: None,
            allow_insecure: false,
        }
    }

    /// Checked, as far as that can be done here; the rest is the core's to check.
    pub(super) fn checked(mut self) -> Result<Self, ConfigError> {
        for url in &mut self.connections {
            *url = connection(url, self.allow_insecure)?;
        }
        Ok(self)
    }

    /// The device's name.
    pub(super) fn device(&self) -> &str {
        self.device.as_ref().unwrap_or(&self.user)
    }

    /// What the core is made with.
    pub(super) fn config(&self, instance_id: &str, memory: Option<String>) -> Config {
        let agent = || format!("{} ({})", Config::USER_AGENT, super::platform::platform());
        let user_agent = self.user_agent.clone().unwrap_or_else(agent);
        Config {
            connections: self.connections.clone(),
            watch: self.watch,
            distribution: self.distribution,
            heartbeat: self.heartbeat.map_or(Config::HEARTBEAT, |seconds| {
                Duration::from_secs(seconds.into())
            }),
            auth_user: self.auth_user.clone(),
            password: self.password.clone(),
            ha1: self.ha1.clone(),
            device: self.device().to_owned(),
            display_name: self.display_name.clone(),
            profile: self.profile,
            conflict_scope: self.conflict_scope,
            registration_type: self.registration_type,
            expires: self.expires,
            timeout: self.timeout.map_or(Config::TIMEOUT, |millis| {
                Duration::from_millis(millis.into())
            }),
            user_agent,
            extra_headers: self.extra_headers.clone(),
            force_may_remove_others: self.force_may_remove_others,
            refuse_md5: self.refuse_md5,
            trust_asserted_identity: self.trust_asserted_identity,
            trace: self.trace,
            memory,
            ..Config::new("", &self.user, &self.domain, instance_id)
        }
    }
}

/// As the browser's parser sees it: the password of a URL, say, is hidden from others.
fn connection(text: &str, allow_insecure: bool) -> Result<String, ConfigError> {
    let fail = |problem| {
        Err(ConfigError {
            option: "connections",
            problem,
        })
    };
    let url = Url::new(text).ok();
    let Some(url) = url.filter(|url| matches!(url.protocol().as_str(), "ws:" | "wss:")) else {
        return fail("must be ws:// or wss:// URLs");
    };
    if !url.username().is_empty() || !url.password().is_empty() {
        return fail("must not carry a user name or password in a URL: use authUser and password");
    }
    if !url.hash().is_empty() {
        return fail("must not carry a #fragment");
    }
    if url.protocol() == "ws:" && !allow_insecure && !is_loopback(&url.hostname()) {
        return fail(
            "must use wss:// (ws:// is for loopback hosts; allowInsecure: true permits it elsewhere)",
        );
    }
    Ok(url.href())
}

/// 127/8, \[::1\], localhost. The parser has written addresses as such.
fn is_loopback(host: &str) -> bool {
    let numbers = host.split('.').filter(|part| part.parse::<u8>().is_ok());
    host == "[::1]"
        || host == "localhost"
        || host.ends_with(".localhost")
        || (host.starts_with("127.") && numbers.count() == 4)
}
