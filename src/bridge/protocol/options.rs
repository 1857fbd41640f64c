//! The objects that commands take, and the one that a phone is made with.

use crate::bridge::record::Record;
use crate::call::{CallOptions, FollowRedirects};
use crate::fault::Situation;
use crate::phone::Config;
use crate::pool::{Distribution, Watch};
use crate::prelude::*;
use crate::registration::{ConflictScope, Profile, RegistrationType};
use crate::text::concat;
use crate::time::Duration;
use crate::transaction::Credentials;

/// `Name as reader -> type { property: kind, … } => value`. A kind is a method of
/// [`Record`] that takes a name; every property may be missing.
macro_rules! options {
    ($($shape:ident as $reader:ident -> $type:ty {
        $($name:ident: $kind:ident,)*
    } => $value:expr;)*) => {
        #[allow(non_snake_case)] // properties have the names of JavaScript
        impl Record<'_> {
            $(pub(in crate::bridge) fn $reader(&self) -> $type {
                $(let $name = self.$kind(stringify!($name));)*
                $value
            })*
        }

        #[cfg(test)]
        pub(super) const ROWS: &[super::Row] = &[$(super::Row {
            name: stringify!($shape),
            docs: &[],
            fields: &[$((stringify!($name), stringify!($kind))),*],
            part: stringify!($reader),
        }),*];
    };
}

options! {
    Answer as credentials -> Result<Credentials, Situation> {
        username: get_owned,
        password: get_owned,
        token: get_owned,
        cutOff: has,
    } => {
        let digest = password.map(|password| Credentials::Password { username, password });
        token.map(Credentials::Token).or(digest).ok_or(match cutOff {
            true => Situation::NotAuthorised,
            false => Situation::NoCredentials,
        })
    };

    CallOptions as call_options -> CallOptions {
        extraHeaders: pairs,
        publicId: get_owned,
        anonymous: has,
        replaces: get_owned,
        refer: get_number,
        followRedirects: get,
    } => CallOptions {
        headers: extraHeaders,
        public_id: publicId,
        anonymous,
        replaces,
        refer,
        follow_redirects: match followRedirects {
            Some("all") => FollowRedirects::All,
            Some("none") => FollowRedirects::None,
            _ => FollowRedirects::Domain,
        },
    };

    AnswerOptions as answer_options -> Vec<(String, String)> {
        extraHeaders: pairs,
    } => extraHeaders;

    OfferOptions as offer_options -> bool {
        iceRestart: has,
    } => iceRestart;

    PhoneOptions as phone_options -> (Config, Vec<String>) {
        connections: all,
        watch: get,
        distribution: get,
        heartbeat: get_number,
        user: get_owned,
        domain: get_owned,
        authUser: get_owned,
        password: get_owned,
        ha1: get_owned,
        hasCredentials: has,
        loopback: has,
        device: get_owned,
        instanceId: get_owned,
        displayName: get_owned,
        profile: get,
        conflictScope: get,
        registrationType: get,
        expires: get_number,
        timeout: get_number,
        userAgent: get_owned,
        platform: get,
        extraHeaders: pairs,
        forceMayRemoveOthers: has,
        refuseMd5: has,
        trustAssertedIdentity: get,
        trace: has,
        memory: get_owned,
        ignoreBindings: all,
    } => (Config {
        connections,
        watch: match watch {
            Some("inUse") => Watch::InUse,
            _ => Watch::All,
        },
        distribution: match distribution {
            Some("priority") => Distribution::Priority,
            _ => Distribution::RoundRobin,
        },
        heartbeat: heartbeat.map_or(Config::HEARTBEAT, |s| Duration::from_secs(s.into())),
        user: user.unwrap_or_default(),
        domain: domain.unwrap_or_default(),
        auth_user: authUser,
        password,
        ha1,
        has_credentials: hasCredentials,
        loopback,
        device: device.unwrap_or_default(),
        instance_id: instanceId.unwrap_or_default(),
        display_name: displayName,
        profile: match profile {
            Some("cisco") => Some(Profile::Cisco),
            Some("generic") => Some(Profile::Generic),
            _ => None,
        },
        conflict_scope: match conflictScope {
            Some("user") => ConflictScope::User,
            _ => ConflictScope::Device,
        },
        registration_type: match registrationType {
            Some("duplicate") => RegistrationType::Duplicate,
            Some("normal") => RegistrationType::Normal,
            _ => RegistrationType::Graceful,
        },
        expires,
        timeout: timeout.map_or(Config::TIMEOUT, |ms| Duration::from_millis(ms.into())),
        user_agent: userAgent.unwrap_or_else(|| match platform {
            Some(platform) => concat(&[Config::USER_AGENT, " (", platform, ")"]),
            None => Config::USER_AGENT.to_owned(),
        }),
        extra_headers: extraHeaders,
        force_may_remove_others: forceMayRemoveOthers,
        refuse_md5: refuseMd5,
        trust_asserted_identity: match trustAssertedIdentity {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        },
        trace,
        memory,
    }, ignoreBindings);
}
