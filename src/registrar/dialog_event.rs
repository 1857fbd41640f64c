//! The calls of a user's devices: the event package `dialog` (RFC 4235). A device is told
//! of the calls of the others: what rings at it, or is its own, it knows.

use super::relay::{Branch, End, Relay};
use super::{ConnectionId, Registrar};
use crate::sip::{Name, NameAddr, Uri, escape_xml};

/// A call of one device, seen from that.
pub(super) struct Leg<'a> {
    pub call_id: &'a str,
    /// Whether the device has called.
    pub initiator: bool,
    pub confirmed: bool,
    pub local_tag: &'a str,
    /// `None`: several devices may still answer.
    pub remote_tag: Option<&'a str>,
    pub local: End,
    pub remote: Option<End>,
    /// Who is at the other end, as From or To has it.
    pub address: &'a str,
}

impl Registrar {
    /// Whether a device of `user` is in a call, or calls somebody.
    pub(super) fn is_on_the_phone(&self, user: &str) -> bool {
        let mut legs = self.legs(user).into_iter();
        legs.any(|leg| leg.confirmed || leg.initiator)
    }

    /// The document about `user` for the device at `watcher`.
    pub(super) fn dialog_document(
        &self,
        user: &str,
        aor: &str,
        version: u32,
        watcher: ConnectionId,
    ) -> String {
        let known_there = |leg: &Leg<'_>| self.current(leg.local).connection == watcher;
        let legs = self.legs(user);
        // It rings there, too.
        let there: Vec<&str> = legs
            .iter()
            .filter(|leg| known_there(leg))
            .map(|leg| leg.call_id)
            .collect();
        let others = legs.iter().filter(|leg| !there.contains(&leg.call_id));
        let dialogs: String = others.map(|leg| self.dialog_element(leg)).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
             version=\"{version}\" state=\"full\" entity=\"{}\">\n{dialogs}</dialog-info>\n",
            escape_xml(aor)
        )
    }

    /// The calls of the devices of `user`.
    fn legs(&self, user: &str) -> Vec<Leg<'_>> {
        let is_own = |end: &End| {
            let entry = end.binding.and_then(|id| self.store.get(id));
            entry.is_some_and(|entry| entry.user == user)
        };
        let ringing = self
            .relays
            .iter()
            .filter(|relay| relay.is_invite() && relay.is_open());
        let ringing = ringing.flat_map(legs_of);
        let legs = ringing.chain(self.calls.legs());
        legs.filter(|leg| is_own(&leg.local)).collect()
    }

    fn dialog_element(&self, leg: &Leg<'_>) -> String {
        let Leg {
            call_id, local_tag, ..
        } = leg;
        let binding = leg.local.binding.unwrap_or_default();
        let entry = |end: End| self.store.get(end.binding?);
        let direction = match leg.initiator {
            true => "initiator",
            false => "recipient",
        };
        let state = match (leg.confirmed, leg.remote_tag) {
            (true, _) => "confirmed",
            (false, Some(_)) => "early",
            (false, None) => "proceeding",
        };
        let remote_tag = leg.remote_tag.map_or_else(String::new, |tag| {
            format!(" remote-tag=\"{}\"", escape_xml(tag))
        });
        let local = entry(leg.local).map_or_else(String::new, |entry| {
            let instance = entry
                .identity
                .as_deref()
                .map_or_else(String::new, |instance| {
                    let instance = escape_xml(instance);
                    format!("<param pname=\"+sip.instance\" pval=\"{instance}\"/>")
                });
            let device = self.device_of(entry).map(|device| device.name.to_string());
            let name = device.unwrap_or_else(|| entry.device.name.clone());
            format!(
                "<local><identity display=\"{}\">{}</identity>\
                 <target uri=\"{}\">{instance}</target></local>",
                escape_xml(&name),
                escape_xml(&entry.aor),
                escape_xml(&self.temp_gruu(entry)),
            )
        });
        // Who replaces the call reaches that very device by it (RFC 5627).
        let target = leg
            .remote
            .and_then(entry)
            .map_or_else(String::new, |entry| {
                format!("<target uri=\"{}\"/>", escape_xml(&self.temp_gruu(entry)))
            });
        let remote = NameAddr::parse(leg.address).map_or_else(String::new, |remote| {
            let display = remote
                .display_name
                .as_deref()
                .map_or_else(String::new, |name| {
                    format!(" display=\"{}\"", escape_xml(name))
                });
            // Of a call to one device of somebody that is whose it is, not which.
            let is_device = Uri::parse(remote.uri).is_some_and(|uri| uri.params.has("gr"));
            let known = leg.remote.and_then(entry).filter(|_| is_device);
            let uri = escape_xml(known.map_or(remote.uri, |entry| &entry.aor));
            format!("<remote><identity{display}>{uri}</identity>{target}</remote>")
        });
        let id = self.auth.mac(&format!("{call_id}\n{binding}\n{direction}"));
        format!(
            "  <dialog id=\"{id}\" call-id=\"{}\" local-tag=\"{}\"{remote_tag} \
             direction=\"{direction}\"><state>{state}</state>{local}{remote}</dialog>\n",
            escape_xml(call_id),
            escape_xml(local_tag),
        )
    }
}

/// The legs of a call that is not answered: the caller's, and one for each device that
/// rings.
fn legs_of(relay: &Relay) -> Vec<Leg<'_>> {
    let invite = &relay.request;
    let from_tag = invite.from_tag().unwrap_or_default();
    let caller = Leg {
        call_id: invite.call_id(),
        initiator: true,
        confirmed: false,
        local_tag: from_tag,
        remote_tag: None,
        local: relay.from,
        remote: None,
        address: invite.header(Name::To).unwrap_or_default(),
    };
    let rings = |branch: &&Branch| branch.outcome.is_none() && !branch.cancelled;
    let open = relay.ringing().iter().filter(rings);
    let rung = open.filter_map(|branch| {
        Some(Leg {
            initiator: false,
            local_tag: branch.tag.as_deref()?,
            remote_tag: Some(from_tag),
            local: branch.to,
            remote: Some(relay.from),
            address: invite.header(Name::From).unwrap_or_default(),
            ..caller
        })
    });
    let rung: Vec<Leg<'_>> = rung.collect();
    std::iter::once(caller).chain(rung).collect()
}
