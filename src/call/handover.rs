//! Calls that outlive their host: what another host of this phone, which registers anew,
//! needs to go on with a call that is connected. That is a text which the app keeps, and
//! which tells no secret. It grows old with each agreement; the number of our last request
//! is not in it, so that not each of them does.

use super::exchange::Agreed;
use super::{Action, Call, Calls, Event, Phase, Shown, party};
use crate::dialog::Dialog;
use crate::fault::{Fault, Situation};
use crate::flow::FLOW_GRACE;
use crate::prelude::*;
use crate::text::{decimal, number, pieces};
use crate::time::Instant;
use crate::usage::Cause;

/// How many requests of a dialog a host leaves to those before it. The far end wants numbers
/// that grow, and may miss some (RFC 3261 §12.2.2).
const NUMBERS: u32 = 1 << 16;

impl Calls {
    /// From now on the app is told what another host needs.
    pub fn hand_over(&mut self) {
        self.line.hands_over = true;
    }

    /// Goes on with a call of a host that is gone: under this number, which is a new odd
    /// one, by what that host told last. As when its flow is lost, the far end hears of us
    /// by a re-INVITE on the next one.
    pub fn adopt(&mut self, now: Instant, id: u32, text: &str) {
        self.line.now = now;
        let Some((mut call, before)) = Call::adopted(now, id, text).filter(|_| !self.are_full())
        else {
            return self.line.event(Event::Ended {
                call: id,
                cause: Cause::Failed,
                fault: Some(Fault::new(Situation::CallOver)),
            });
        };
        let line = &mut self.line;
        let call_id = call.dialog.call_id.clone();
        line.actions.push(Action::Count(call_id, before));
        call.flow = line.flows.home;
        if call.flow.is_some() {
            call.flow_up(line);
        }
        self.list.push(call);
    }

    /// Tells what is new of what another host needs.
    pub(super) fn tell_dialogs(&mut self) {
        let Self { list, line, .. } = self;
        if !line.hands_over {
            return;
        }
        for call in list.iter_mut() {
            if let Some(dialog) = call.written().filter(|text| *text != call.handed_over) {
                call.handed_over.clone_from(&dialog);
                let call = call.id;
                line.event(Event::Dialog { call, dialog });
            }
        }
    }
}

impl Call {
    /// Lines, as no part of a message has any. `None`: it is not connected.
    fn written(&self) -> Option<String> {
        let agreed = self.exchange.agreed?;
        if !self.is_established() {
            return None;
        }
        let mut text = decimal(self.host.into());
        text.push('\n');
        for flag in [self.ours, agreed.here, agreed.there] {
            text.push(if flag { '1' } else { '0' });
        }
        let dialog = &self.dialog;
        let lines = [
            &dialog.call_id,
            &dialog.local,
            &dialog.local_tag,
            &dialog.remote,
            &dialog.remote_tag,
            &dialog.target,
            &self.contact,
        ];
        for line in lines.into_iter().chain(&dialog.route) {
            text.push('\n');
            text.push_str(line);
        }
        Some(text)
    }

    /// The call that [`Call::written`] wrote, and the number that our requests are above.
    fn adopted(now: Instant, id: u32, text: &str) -> Option<(Self, u32)> {
        let mut lines = pieces(text, b'\n');
        let host = u32::try_from(number(lines.next()?)?).ok()?.checked_add(1)?;
        let [ours, here, there] = *lines.next()?.as_bytes() else {
            return None;
        };
        let mut lines = lines.map(str::to_owned);
        let [
            call_id,
            local,
            local_tag,
            remote,
            remote_tag,
            target,
            contact,
        ] = core::array::from_fn(|_| lines.next().unwrap_or_default());
        if contact.is_empty() {
            return None;
        }
        let dialog = Dialog {
            call_id,
            local,
            local_tag,
            remote,
            remote_tag,
            target,
            route: lines.collect(),
            // Whatever they sent before us, the next one is higher.
            remote_cseq: None,
        };
        let mut call = Self::new(
            id,
            Phase::established(),
            dialog,
            contact,
            Default::default(),
        );
        call.ours = ours == b'1';
        call.host = host;
        call.remote = party(&call.dialog.remote);
        call.remote_own = call.remote.clone();
        let (here, there) = (here == b'1', there == b'1');
        let exchange = &mut call.exchange;
        exchange.agreed = Some(Agreed {
            here,
            there,
            disputed: false,
        });
        (exchange.want_hold, exchange.holding) = (here, here);
        let state = match here || there {
            true => Shown::Held {
                local: here,
                remote: there,
            },
            false => Shown::Connected,
        };
        // The app knows it from before.
        call.shown = (state, false);
        call.established()?.lost_until = Some(now + FLOW_GRACE);
        Some((call, host.checked_mul(NUMBERS)?))
    }
}
