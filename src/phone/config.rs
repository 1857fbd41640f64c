//! What a phone is made with.

use crate::pool::{Distribution, Watch};
use crate::prelude::*;
use crate::registration::{ConflictScope, Profile, RegistrationType};
use crate::sip::{is_line, is_token};
use crate::time::Duration;

/// Options of a phone, as `PhoneOptions` of the JavaScript API names them.
#[derive(Clone)]
pub struct Config {
    /// `ws://` or `wss://` URLs, 1 to 8, in priority order.
    pub connections: Vec<String>,
    /// Which of them are connected.
    pub watch: Watch,
    /// How new sessions are spread over them.
    pub distribution: Distribution,
    /// Longest silence before a server is asked whether it is there.
    pub heartbeat: Duration,
    /// User part of the address-of-record.
    pub user: String,
    /// Host part of the address-of-record.
    pub domain: String,
    /// Digest username where it differs from `user`.
    pub auth_user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// HA1 instead of a password.
    pub ha1: Option<String>,
    /// Whether the app can be asked for credentials.
    pub has_credentials: bool,
    /// Whether every connection is a loopback one: a token may then go without TLS.
    pub loopback: bool,
    /// Device name.
    pub device: String,
    /// `urn:uuid:…`.
    pub instance_id: String,
    /// Display name.
    pub display_name: Option<String>,
    /// Profile, or `None` for `auto`.
    pub profile: Option<Profile>,
    /// Which bindings are rivals.
    pub conflict_scope: ConflictScope,
    /// Registration type.
    pub registration_type: RegistrationType,
    /// Seconds asked for.
    pub expires: Option<u32>,
    /// Bound of a `registerPhone`; the app's own time in its `credentials`
    /// callback is not counted.
    pub timeout: Duration,
    /// `User-Agent`.
    pub user_agent: String,
    /// Further headers for REGISTER.
    pub extra_headers: Vec<(String, String)>,
    /// A force may remove bindings of other devices where nothing else helps.
    pub force_may_remove_others: bool,
    /// MD5 challenges are passed over.
    pub refuse_md5: bool,
    /// Whether the server vouches for the identities in its messages; `None`: where
    /// it says so.
    pub trust_asserted_identity: Option<bool>,
    /// Whether [`super::Output::Trace`] is produced.
    pub trace: bool,
    /// What an earlier [`super::Output::Store`] gave.
    pub memory: Option<String>,
}

/// An option that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{option}: {problem}")]
pub struct ConfigError {
    /// Name of the option, as in the JavaScript API.
    pub option: &'static str,
    /// What is wrong with it, and what to do.
    pub problem: &'static str,
}

impl Config {
    /// Default of [`Config::timeout`].
    pub const TIMEOUT: Duration = Duration::from_secs(30);
    /// Default of [`Config::heartbeat`]: proxies in between close what is idle
    /// for a minute.
    pub const HEARTBEAT: Duration = Duration::from_secs(30);
    /// Default of [`Config::user_agent`].
    pub const USER_AGENT: &str = core::concat!("Graceline/", env!("CARGO_PKG_VERSION"));

    /// A configuration with every default, for `user@domain` at `connection`.
    pub fn new(connection: &str, user: &str, domain: &str, instance_id: &str) -> Self {
        Self {
            connections: vec![connection.to_owned()],
            watch: Watch::default(),
            distribution: Distribution::default(),
            heartbeat: Self::HEARTBEAT,
            user: user.to_owned(),
            domain: domain.to_owned(),
            auth_user: None,
            password: None,
            ha1: None,
            has_credentials: false,
            loopback: false,
            device: user.to_owned(),
            instance_id: instance_id.to_owned(),
            display_name: None,
            profile: None,
            conflict_scope: ConflictScope::default(),
            registration_type: RegistrationType::default(),
            expires: None,
            timeout: Self::TIMEOUT,
            user_agent: Self::USER_AGENT.to_owned(),
            extra_headers: Vec::new(),
            force_may_remove_others: false,
            refuse_md5: false,
            trust_asserted_identity: None,
            trace: false,
            memory: None,
        }
    }

    /// Checks what would otherwise only be noticed when a message is written.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |option, problem| Err(ConfigError { option, problem });
        let texts = [
            ("user", Some(&self.user)),
            ("domain", Some(&self.domain)),
            ("authUser", self.auth_user.as_ref()),
            ("password", self.password.as_ref()),
            ("ha1", self.ha1.as_ref()),
            ("device", Some(&self.device)),
            ("instanceId", Some(&self.instance_id)),
            ("displayName", self.display_name.as_ref()),
            ("userAgent", Some(&self.user_agent)),
        ];
        for (option, text) in texts {
            if text.is_some_and(|text| !is_line(text)) {
                return fail(option, "must not contain a line break or NUL");
            }
        }
        for (name, value) in &self.extra_headers {
            if !is_token(name) || !is_line(value) {
                return fail(
                    "extraHeaders",
                    "needs header names, and values without line breaks",
                );
            }
        }
        if !is_made_of(&self.user, b"-_.!~*'()&=+$,;?/%") {
            return fail(
                "user",
                "must be the user part of a SIP address; escape other characters with %",
            );
        }
        if !is_made_of(&self.domain, b"-_.[]:") {
            return fail("domain", "must be a host name or an IP address");
        }
        let uuid = self
            .instance_id
            .strip_prefix("urn:uuid:")
            .unwrap_or_default();
        if !is_made_of(uuid, b"-._:") {
            return fail("instanceId", "must have the form urn:uuid:…");
        }
        if crate::registration::is_zero_instance(&self.instance_id) {
            return fail(
                "instanceId",
                "must not be all zeros: that names no instance",
            );
        }
        if !(1..=8).contains(&self.connections.len()) {
            return fail("connections", "needs 1 to 8 URLs");
        }
        let web_socket = |url: &String| url.starts_with("ws://") || url.starts_with("wss://");
        if !self.connections.iter().all(web_socket) {
            return fail("connections", "must be ws:// or wss:// URLs");
        }
        Ok(())
    }
}

/// Is `text` made of ASCII letters, digits and `marks`, and not empty?
fn is_made_of(text: &str, marks: &[u8]) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}
