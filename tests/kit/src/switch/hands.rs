//! What happens at phones and far ends without a word of a gateway.

use super::Switch;
use super::calls::number;
use graceline::gateway::{Appearance, CallState, CallView, Remote};

use CallState::{Alerting, Connected, Ended, Held, Ringing};

/// Something that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    // At the phone.
    Dials,
    DialsInside,
    Answers,
    Clears,
    Holds,
    Retrieves,
    Transfers,
    Confers,
    Unplugs,
    Plugs,
    ToggleDoNotDisturb,
    // At the far end, outside.
    FarRings,
    FarRingsUnknown,
    FarAnswers,
    FarClears,
    FarSendsOn,
    MessageWaits,
}

impl Switch {
    /// Somebody does something with the phone, or with one of its calls; `pick` says
    /// which. `false`: there is nothing to do it with.
    pub fn hand(&mut self, at: &Appearance, hand: Hand, pick: u64) -> bool {
        let Some(phone) = self.phones.get(at) else {
            return false;
        };
        let there = phone.device.in_service;
        match hand {
            Hand::Plugs => self.plug(at, !there),
            Hand::Unplugs => self.unplug(at),
            _ if !there => false,
            Hand::Dials => {
                let to = self.new_number();
                self.make(at, &to).is_ok()
            }
            Hand::DialsInside => {
                let lines: Vec<_> = self.phones.keys().map(|phone| phone.line.clone()).collect();
                let line = lines[pick as usize % lines.len()].clone();
                self.make(at, &line).is_ok()
            }
            Hand::FarRings | Hand::FarRingsUnknown => {
                let from = match hand {
                    Hand::FarRings => number(&self.new_number()),
                    _ => Remote::Restricted,
                };
                let id = self.new_name();
                self.ring_for(&at.line, &id, from)
            }
            Hand::ToggleDoNotDisturb => self
                .change(at, |device| {
                    device.do_not_disturb = device.do_not_disturb.map(|on| !on);
                })
                .is_ok(),
            Hand::MessageWaits => self
                .change(at, |device| {
                    device.message_waiting = device.message_waiting.map(|on| !on);
                })
                .is_ok(),
            Hand::Transfers | Hand::Confers => self.joins(at, hand),
            hand => self.of_call(at, hand, pick),
        }
    }

    fn plug(&mut self, at: &Appearance, out: bool) -> bool {
        out && self.change(at, |device| device.in_service = true).is_ok()
    }

    fn unplug(&mut self, at: &Appearance) -> bool {
        let calls = self.phones.get(at).map(|phone| phone.calls.clone());
        let done = self.change(at, |device| device.in_service = false).is_ok();
        if let Some(phone) = self.phones.get_mut(at) {
            phone.calls.clear();
        }
        for call in calls.unwrap_or_default() {
            self.left(at, &call);
        }
        done
    }

    fn joins(&mut self, at: &Appearance, hand: Hand) -> bool {
        let calls = self.phones.get(at).map(|phone| phone.calls.clone());
        let calls = calls.unwrap_or_default();
        let one = |state| calls.iter().find(|call| call.state == state);
        let (Some(held), Some(active)) = (one(Held), one(Connected)) else {
            return false;
        };
        let pair = (held.id.as_str(), active.id.as_str());
        let done = match hand {
            Hand::Transfers => self.transfer(at, pair),
            _ => self.confer(at, pair),
        };
        done.is_ok()
    }

    fn of_call(&mut self, at: &Appearance, hand: Hand, pick: u64) -> bool {
        let states: &[CallState] = match hand {
            Hand::Answers => &[Ringing],
            Hand::Holds | Hand::FarSendsOn => &[Connected],
            Hand::Retrieves => &[Held],
            Hand::FarAnswers => &[Alerting],
            _ => &[Alerting, Ringing, Connected, Held],
        };
        let Some(phone) = self.phones.get(at) else {
            return false;
        };
        let fit = phone.calls.iter();
        let fit: Vec<_> = fit.filter(|call| states.contains(&call.state)).collect();
        let Some(call) = fit.get(pick as usize % fit.len().max(1)) else {
            return false;
        };
        let (id, call) = (call.id.clone(), (*call).clone());
        let outside = self.is_outside(at, &call);
        match hand {
            Hand::Answers => self.answer(at, &id).is_ok(),
            Hand::Clears => self.clear(at, &id).is_ok(),
            Hand::Holds => self.hold(at, &id).is_ok(),
            Hand::Retrieves => self.retrieve(at, &id).is_ok(),
            _ if !outside => false,
            Hand::FarAnswers => {
                self.turn(at, &call, Connected, "");
                true
            }
            Hand::FarClears => {
                for (other, view) in self.others(at, &id) {
                    self.turn(&other, &view, Ended, "normalClearing");
                }
                self.turn(at, &call, Ended, "normalClearing");
                true
            }
            // The far end puts us through to somebody else.
            _ => {
                let to = self.new_number();
                let mut view = CallView {
                    remote: number(&to),
                    cause: Some("transfer".to_owned()),
                    ..call
                };
                if self.random.below(2) == 0 {
                    view.from = vec![std::mem::replace(&mut view.id, self.new_name())];
                }
                self.show(at, view);
                true
            }
        }
    }

    /// Is the far end outside, so that it can do something by itself?
    fn is_outside(&self, at: &Appearance, call: &CallView) -> bool {
        let others = self.others(at, &call.id);
        let rings = |view: &CallView| view.state == Ringing;
        let same_line = |(_, view): &(Appearance, CallView)| rings(call) && rings(view);
        call.parties.is_empty() && others.iter().all(same_line)
    }

    /// The whole switch starts anew: its calls go on, under other names.
    pub fn restart(&mut self) {
        let mut names = std::collections::BTreeMap::new();
        for phone in self.phones.values() {
            for call in &phone.calls {
                names.entry(call.id.clone()).or_insert(String::new());
            }
        }
        for new in names.values_mut() {
            *new = self.new_name();
        }
        for phone in self.phones.values_mut() {
            for call in &mut phone.calls {
                call.id.clone_from(&names[&call.id]);
            }
        }
        self.monitors.clear();
        self.said.clear();
    }
}
