//! The objects in what comes out.

use super::tables::shapes;
use crate::bridge::json::Json;
use crate::call::{Answer, CallInfo, Party};
use crate::fault::{Fault, Situation};
use crate::phone::{Config, Registered};
use crate::prelude::*;
use crate::registration::{Holder, Profile};
use crate::sip::Element;
use crate::text::decimal;

shapes! {
    Party as party, party_part(party, &Party) {
        uri: text = &party.uri,
        displayName: text = &party.display_name,
    }

    Holder as holder, holder_part(holder, &Holder) {
        instanceId: option = holder.instance_id.as_deref(),
        userAgent: option = holder.user_agent.as_deref(),
        contact: option = holder.contact.as_deref(),
        since: millis = holder.since.map(|since| since.saturating_mul(1000)),
    }

    Registration as registration, registration_part((registered, config), (&Registered, &Config)) {
        user: text = &config.user,
        domain: text = &config.domain,
        device: text = &config.device,
        instanceId: text = &config.instance_id,
        mode: text = "SoftPhone",
        connection: text = &registered.connection,
        expires: number = registered.expires,
        forceRegistration: flag = registered.forced,
        profile: option = registered.profile.map(|profile| match profile {
            Profile::Cisco => "cisco",
            Profile::Generic => "generic",
        }),
        conflictDetection: text = match registered.detects_conflicts {
            true => "full",
            false => "none",
        },
    }

    // What went wrong, without the words for it: js/errors has them.
    Fault as fault, fault_part(fault, &Fault) {
        at: number = fault.at as u32,
        reason: option = fault.said.as_deref(),
        status: amount = fault.status.map(u32::from),
        dropped: option = fault.dropped,
        left: option = fault.left.as_deref(),
    }

    // At an end, what was the matter; the words alone, where they are the far end's.
    Ending as ending, ending_part(fault, Option<&Fault>) {
        at: amount = fault.map(|fault| fault.at).filter(is_ours).map(|at| at as u32),
        reason: option = fault.and_then(|fault| fault.said.as_deref()),
        status: amount = fault.and_then(|fault| fault.status).map(u32::from),
        dropped: option = fault.and_then(|fault| fault.dropped),
    }

    // Status 0: nobody answered.
    SessionAnswer as answer, answer_part(answer, &Answer) {
        status: number = answer.status.into(),
        reason: text = &answer.reason,
        contentType: text = &answer.content_type,
        body: text = &answer.body,
        retryAfter: amount = answer.retry_after,
        expires: amount = answer.expires,
    }

    // Of an XML document, by local names.
    Element as element, element_part(element, &Element) {
        name: text = &element.name,
        attributes: pairs = &element.attributes,
        children: elements = &element.children,
        text: text = &element.text,
    }
}

fn is_ours(at: &Situation) -> bool {
    *at != Situation::Refused
}

impl Json {
    pub(super) fn millis(&mut self, name: &str, millis: Option<u64>) {
        if let Some(millis) = millis {
            self.raw(name, &decimal(millis));
        }
    }

    pub(super) fn optional_holder(&mut self, name: &str, holder: Option<&Holder>) {
        if let Some(holder) = holder {
            self.holder(name, holder);
        }
    }

    pub(super) fn optional_fault(&mut self, name: &str, fault: Option<&Fault>) {
        if let Some(fault) = fault {
            self.fault(name, fault);
        }
    }

    pub(super) fn registration_or_null(
        &mut self,
        name: &str,
        (registered, config): (Option<&Registered>, &Config),
    ) {
        match registered {
            Some(registered) => self.registration(name, (registered, config)),
            None => self.raw(name, "null"),
        };
    }

    /// What is no XML that we read is left out.
    pub(super) fn document(&mut self, name: &str, body: &[u8]) {
        if let Ok(root) = Element::parse(body) {
            self.element(name, &root);
        }
    }

    pub(super) fn elements(&mut self, name: &str, elements: &[Element]) {
        self.raw(name, "[");
        for element in elements {
            self.element("", element);
        }
        self.close(']');
    }

    /// `[[name, value], …]`.
    pub(super) fn pairs(&mut self, name: &str, pairs: &[(String, String)]) {
        self.raw(name, "[");
        for (name, value) in pairs {
            self.raw("", "[").text("", name).text("", value).close(']');
        }
        self.close(']');
    }

    /// Its names come from the network; one without a value is `true`.
    pub(super) fn call_info(&mut self, name: &str, info: &CallInfo) {
        self.raw(name, "{");
        for (name, value) in info.iter() {
            match value {
                Some(value) => self.text(name, value),
                None => self.flag(name, true),
            };
        }
        self.close('}');
    }
}
