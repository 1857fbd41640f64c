//! What becomes of calls: views of them, one at each appearance that is in one. Two
//! phones of the switch that talk to each other have views of the same name.

use super::{Done, Refused, Switch};
use graceline::gateway::{Appearance, CallState, CallView, LinkMessage, Remote};

use CallState::{Alerting, Connected, Dialling, Ended, Failed, Held, Ringing};

pub(super) fn number(text: &str) -> Remote {
    Remote::Number(text.to_owned())
}

impl Switch {
    pub(super) fn new_name(&mut self) -> String {
        self.count += 1;
        format!("k{}", self.count)
    }

    /// A number outside that nobody had before.
    pub(super) fn new_number(&mut self) -> String {
        self.count += 1;
        format!("7{:0>4}", self.count)
    }

    fn blank(id: String, state: CallState, remote: Remote) -> CallView {
        CallView {
            id,
            state,
            incoming: state == Ringing,
            remote,
            parties: Vec::new(),
            cause: None,
            from: Vec::new(),
            by_local: false,
            to: None,
            elsewhere: None,
            name: None,
            can: None,
        }
    }

    /// A call of the phone, if it is in one of these states.
    pub(super) fn view(
        &self,
        at: &Appearance,
        id: &str,
        states: &[CallState],
    ) -> Result<CallView, Refused> {
        let phone = self.phones.get(at).ok_or("invalidDeviceID")?;
        let call = phone.calls.iter().find(|call| call.id == id);
        let call = call.ok_or("invalidConnectionID")?;
        match states.contains(&call.state) || states.is_empty() {
            true => Ok(call.clone()),
            false => Err("invalidConnectionState"),
        }
    }

    /// The call is like this from now on, and everybody hears of it.
    pub(super) fn show(&mut self, at: &Appearance, view: CallView) {
        let Some(phone) = self.phones.get_mut(at) else {
            return;
        };
        let over = |call: &CallView| view.from.contains(&call.id) && call.id != view.id;
        phone.calls.retain(|call| !over(call));
        let kept = CallView {
            from: Vec::new(),
            ..view.clone()
        };
        let place = phone.calls.iter().position(|call| call.id == view.id);
        match place {
            Some(place) if view.state == Ended => drop(phone.calls.remove(place)),
            Some(place) => phone.calls[place] = kept,
            None if view.state == Ended => {}
            None => phone.calls.push(kept),
        }
        self.tell(at, &LinkMessage::Call(at.clone(), view));
    }

    /// The same, in another state.
    pub(super) fn turn(&mut self, at: &Appearance, call: &CallView, state: CallState, why: &str) {
        let cause = Some(why.to_owned()).filter(|why| !why.is_empty());
        let call = call.clone();
        self.show(
            at,
            CallView {
                state,
                cause,
                ..call
            },
        );
    }

    /// The others that have the call.
    pub(super) fn others(&self, at: &Appearance, id: &str) -> Vec<(Appearance, CallView)> {
        let others = self.phones.iter().filter(|(other, _)| *other != at);
        let call = others.flat_map(|(at, phone)| phone.calls.iter().map(move |call| (at, call)));
        let call = call.filter(|(_, call)| call.id == id);
        call.map(|(at, call)| (at.clone(), call.clone())).collect()
    }

    fn is_free(&self, at: &Appearance) -> Result<(), Refused> {
        let phone = self.phones.get(at).ok_or("invalidDeviceID")?;
        let busy = |state| matches!(state, Dialling | Alerting | Connected);
        match phone.calls.iter().any(|call| busy(call.state)) {
            true => Err("connectedCallExists"),
            false => Ok(()),
        }
    }

    fn dialable(at: &Appearance, to: &str) -> Result<(), Refused> {
        let known = !to.starts_with("404") && to != at.line;
        known.then_some(()).ok_or("invalidCalledDeviceID")
    }

    pub(super) fn make(&mut self, at: &Appearance, to: &str) -> Done {
        Self::dialable(at, to)?;
        self.is_free(at)?;
        let id = self.new_name();
        let call = Self::blank(id.clone(), Dialling, number(to));
        self.show(at, call.clone());
        let is_line = self.phones.keys().any(|other| other.line == to);
        let rings = match is_line {
            true => self.ring(at, to, &id),
            false => !to.starts_with("486"),
        };
        if rings {
            self.turn(at, &call, Alerting, "");
        } else {
            self.turn(at, &call, Failed, "busy");
            self.turn(at, &call, Ended, "busy");
        }
        Ok(Some(id))
    }

    /// Every phone of a line rings that may; `false`: there is none.
    fn ring(&mut self, from: &Appearance, line: &str, id: &str) -> bool {
        self.ring_for(line, id, number(&from.line))
    }

    pub(super) fn ring_for(&mut self, line: &str, id: &str, who: Remote) -> bool {
        let rings = |(at, phone): (&Appearance, &super::Telephone)| {
            let device = &phone.device;
            let may = device.in_service && device.do_not_disturb != Some(true);
            let room = phone.calls.len() < 6;
            (at.line == line && may && room).then(|| at.clone())
        };
        let phones: Vec<_> = self.phones.iter().filter_map(rings).collect();
        for at in &phones {
            self.show(at, Self::blank(id.to_owned(), Ringing, who.clone()));
        }
        !phones.is_empty()
    }

    pub(super) fn answer(&mut self, at: &Appearance, id: &str) -> Done {
        let call = self.view(at, id, &[])?;
        if call.state != Ringing {
            return Err("noCallToAnswer");
        }
        self.is_free(at)?;
        self.turn(at, &call, Connected, "");
        for (other, view) in self.others(at, id) {
            match view.state {
                Ringing => {
                    let ended = CallView {
                        elsewhere: Some(at.device.clone()),
                        cause: Some("callPickup".to_owned()),
                        state: Ended,
                        ..view
                    };
                    self.show(&other, ended);
                }
                _ => self.turn(&other, &view, Connected, ""),
            }
        }
        Ok(None)
    }

    pub(super) fn clear(&mut self, at: &Appearance, id: &str) -> Done {
        let call = self.view(at, id, &[])?;
        let ended = CallView {
            state: Ended,
            by_local: true,
            cause: Some("normalClearing".to_owned()),
            ..call.clone()
        };
        self.show(at, ended);
        self.left(at, &call);
        Ok(None)
    }

    /// What its end at one phone means for the others.
    pub(super) fn left(&mut self, at: &Appearance, call: &CallView) {
        let others = self.others(at, &call.id);
        let rings = |(_, view): &(Appearance, CallView)| view.state == Ringing;
        if call.state == Ringing && others.iter().any(rings) {
            return;
        }
        for (other, mut view) in others {
            if view.parties.len() > 1 {
                view.parties.retain(|party| *party != at.line);
                if let [last] = view.parties.as_slice() {
                    view.remote = number(last);
                    view.parties.clear();
                }
                let state = view.state;
                self.turn(&other, &view, state, "normalClearing");
            } else {
                self.turn(&other, &view, Ended, "normalClearing");
            }
        }
    }

    pub(super) fn hold(&mut self, at: &Appearance, id: &str) -> Done {
        let call = self.view(at, id, &[Connected])?;
        self.turn(at, &call, Held, "");
        Ok(None)
    }

    pub(super) fn retrieve(&mut self, at: &Appearance, id: &str) -> Done {
        let call = self.view(at, id, &[Held])?;
        self.is_free(at)?;
        self.turn(at, &call, Connected, "");
        Ok(None)
    }

    pub(super) fn consult(&mut self, at: &Appearance, id: &str, to: &str) -> Done {
        Self::dialable(at, to)?;
        self.hold(at, id)?;
        self.make(at, to)
    }

    pub(super) fn alternate(&mut self, at: &Appearance, pair: (&str, &str)) -> Done {
        let (held, active) = self.pair(at, pair)?;
        self.turn(at, &active, Held, "");
        self.turn(at, &held, Connected, "");
        Ok(None)
    }

    pub(super) fn reconnect(&mut self, at: &Appearance, pair: (&str, &str)) -> Done {
        let (held, active) = self.pair(at, pair)?;
        self.clear(at, &active.id)?;
        self.turn(at, &held, Connected, "");
        Ok(None)
    }

    pub(super) fn pair(
        &self,
        at: &Appearance,
        (held, active): (&str, &str),
    ) -> Result<(CallView, CallView), Refused> {
        let held = self.view(at, held, &[Held]).map_err(|_| "noHeldCall")?;
        let active = self.view(at, active, &[Connected]);
        Ok((held, active.map_err(|_| "noActiveCall")?))
    }
}
