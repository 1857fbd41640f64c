//! Transfers, conferences, and calls that are sent on: far ends change, and names.

use super::calls::number;
use super::{Done, Refused, Switch};
use graceline::gateway::{Appearance, CallState, CallView, Remote};

use CallState::{Connected, Ended, Ringing};

fn numbers(remote: &Remote) -> Vec<String> {
    match remote {
        Remote::Number(number) => vec![number.clone()],
        _ => Vec::new(),
    }
}

impl Switch {
    /// Two calls that can become one: between two, and with three different phones.
    fn joined(&self, at: &Appearance, pair: (&str, &str)) -> Result<(CallView, CallView), Refused> {
        let (held, active) = self.pair(at, pair)?;
        let known = |call: &CallView| matches!(call.remote, Remote::Number(_));
        let plain = |call: &CallView| call.parties.is_empty() && known(call);
        let apart = held.remote != active.remote;
        match apart && plain(&held) && plain(&active) {
            true => Ok((held, active)),
            false => Err("resourceBusy"),
        }
    }

    /// The call goes on under this name, which may be another one.
    fn renamed(view: CallView, id: &str) -> CallView {
        let from = match view.id == id {
            true => Vec::new(),
            false => vec![view.id.clone()],
        };
        let id = id.to_owned();
        CallView { id, from, ..view }
    }

    pub(super) fn transfer(&mut self, at: &Appearance, pair: (&str, &str)) -> Done {
        let (held, active) = self.joined(at, pair)?;
        let (one, other) = (self.others(at, &held.id), self.others(at, &active.id));
        // Two phones of ours need one name for what is one call from now on.
        let new = match !one.is_empty() && !other.is_empty() || self.random.below(2) == 0 {
            true => Some(self.new_name()),
            false => None,
        };
        let ended = CallView {
            state: Ended,
            cause: Some("transfer".to_owned()),
            by_local: true,
            from: vec![held.id.clone()],
            to: numbers(&active.remote).pop(),
            ..active.clone()
        };
        self.show(at, ended);
        let far = one.into_iter().map(|end| (end, &active.remote));
        let near = other.into_iter().map(|end| (end, &held.remote));
        for ((end, view), remote) in far.chain(near) {
            let id = new.clone().unwrap_or_else(|| view.id.clone());
            let view = CallView {
                remote: remote.clone(),
                cause: Some("transfer".to_owned()),
                ..Self::renamed(view, &id)
            };
            self.show(&end, view);
        }
        Ok(None)
    }

    pub(super) fn confer(&mut self, at: &Appearance, pair: (&str, &str)) -> Done {
        let (held, active) = self.joined(at, pair)?;
        let (one, other) = (self.others(at, &held.id), self.others(at, &active.id));
        let id = match self.random.below(3) {
            0 => held.id.clone(),
            1 => active.id.clone(),
            _ => self.new_name(),
        };
        let both = [numbers(&held.remote), numbers(&active.remote)].concat();
        let old = [&held.id, &active.id];
        let from = old.into_iter().filter(|old| **old != id).cloned();
        let conference = CallView {
            state: Connected,
            cause: Some("conference".to_owned()),
            parties: both,
            from: from.collect(),
            id: id.clone(),
            ..held.clone()
        };
        self.show(at, conference);
        let far = one.into_iter().map(|end| (end, &active.remote));
        let near = other.into_iter().map(|end| (end, &held.remote));
        for ((end, view), third) in far.chain(near) {
            let view = CallView {
                parties: [vec![at.line.clone()], numbers(third)].concat(),
                cause: Some("conference".to_owned()),
                ..Self::renamed(view, &id)
            };
            self.show(&end, view);
        }
        Ok(Some(id))
    }

    /// A single-step transfer. A phone of ours rings for the far end, under the name that
    /// the call has.
    pub(super) fn send_on(&mut self, at: &Appearance, id: &str, to: &str) -> Done {
        let call = self.view(at, id, &[Connected])?;
        let is_inside = self.phones.keys().any(|phone| phone.line == to);
        let is_in_it = to == at.line || call.remote == number(to);
        if !call.parties.is_empty()
            || is_in_it
            || is_inside && !self.ring_for(to, id, call.remote.clone())
        {
            return Err("invalidDestination");
        }
        self.goes(at, call, to, "singleStepTransfer");
        Ok(None)
    }

    pub(super) fn deflect(&mut self, at: &Appearance, id: &str, to: &str) -> Done {
        let call = self.view(at, id, &[Ringing])?;
        if self.phones.keys().any(|phone| phone.line == to) {
            return Err("invalidDestination");
        }
        self.goes(at, call, to, "redirected");
        Ok(None)
    }

    /// The far end is put through to somebody else.
    fn goes(&mut self, at: &Appearance, call: CallView, to: &str, why: &str) {
        let (id, cause) = (call.id.clone(), Some(why.to_owned()));
        let ended = |view: CallView| CallView {
            state: Ended,
            cause: cause.clone(),
            to: Some(to.to_owned()),
            ..view
        };
        let here = ended(call);
        self.show(
            at,
            CallView {
                by_local: true,
                ..here
            },
        );
        for (end, view) in self.others(at, &id) {
            let view = match view.state {
                // It rings for whom was sent on.
                Ringing if end.line == to => continue,
                // It rang there, too.
                Ringing => ended(view),
                _ => CallView {
                    remote: number(to),
                    cause: cause.clone(),
                    ..view
                },
            };
            self.show(&end, view);
        }
    }
}
