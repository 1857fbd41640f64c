//! Appearances that are monitored at one connection: the views that the switch gave
//! last, and the sessions that they are for.

use super::link::{Answer, Appearance, CallState, CallView, DeviceView, MOST_CALLS};
use crate::prelude::*;
use alloc::collections::BTreeMap;

/// One appearance.
#[derive(Debug, Default)]
pub struct Watch {
    /// Sessions that it is for.
    pub sessions: Vec<u32>,
    /// `None`: the switch has not answered yet.
    known: Option<Known>,
}

/// What the switch says of it.
#[derive(Debug, Default)]
pub struct Known {
    /// The device.
    pub device: DeviceView,
    /// Its calls, oldest first.
    pub calls: Vec<CallView>,
    /// Why it is not monitored, if the switch has refused: a CSTA error.
    pub refused: Option<String>,
}

/// Something that changed, as it was and as it is.
#[derive(Debug)]
pub enum Change {
    /// A call.
    Call(Box<(Option<CallView>, CallView)>),
    /// The device.
    Device(DeviceView, DeviceView),
}

/// All of them.
#[derive(Debug, Default)]
pub struct Watches {
    list: BTreeMap<Appearance, Watch>,
}

impl Watches {
    /// What is known of an appearance.
    pub fn known(&self, at: &Appearance) -> Option<&Known> {
        self.list.get(at)?.known.as_ref()
    }

    /// For whom it is.
    pub fn sessions(&self, at: &Appearance) -> &[u32] {
        self.list.get(at).map_or(&[], |watch| &watch.sessions)
    }

    /// A session wants to know it. `true`: the switch is to be asked.
    pub fn want(&mut self, at: &Appearance, session: u32) -> bool {
        let is_new = !self.list.contains_key(at);
        let watch = self.list.entry(at.clone()).or_default();
        if !watch.sessions.contains(&session) {
            watch.sessions.push(session);
        }
        is_new
    }

    /// A session is over. `true`: the switch is not to tell any more.
    pub fn leave(&mut self, at: &Appearance, session: u32) -> bool {
        let Some(watch) = self.list.get_mut(at) else {
            return false;
        };
        watch.sessions.retain(|one| *one != session);
        watch.sessions.is_empty() && self.list.remove(at).is_some()
    }

    /// The switch has answered that it is monitored, or why not.
    pub fn monitored(&mut self, at: &Appearance, result: Result<Answer, String>) {
        let Some(watch) = self.list.get_mut(at) else {
            return;
        };
        watch.known = Some(match result {
            Ok(answer) => {
                let mut calls = answer.calls;
                calls.retain(|call| call.is_sound() && call.state != CallState::Ended);
                calls.truncate(MOST_CALLS);
                let device = answer.device.filter(DeviceView::is_sound);
                Known {
                    device: device.unwrap_or_default(),
                    calls,
                    refused: None,
                }
            }
            Err(refused) => Known {
                refused: Some(refused),
                ..Known::default()
            },
        });
    }

    /// The switch tells how a call is. Nothing comes of it where that is not new, or
    /// nobody asked.
    pub fn call(&mut self, at: &Appearance, view: CallView) -> Option<Change> {
        let known = self.list.get_mut(at)?.known.as_mut()?;
        // What it takes the place of is over with it.
        let replaced = |call: &CallView| view.from.contains(&call.id) && call.id != view.id;
        let before = known.calls.iter().find(|call| call.id == view.id).cloned();
        let before_too = known.calls.iter().find(|call| replaced(call)).cloned();
        known.calls.retain(|call| !replaced(call));
        if before.as_ref() == Some(&view) {
            return None;
        }
        let before = before.or(before_too);
        let place = known.calls.iter().position(|call| call.id == view.id);
        match (place, view.state) {
            (Some(place), CallState::Ended) => {
                known.calls.remove(place);
            }
            // It is over, and nobody knew of it.
            (None, CallState::Ended) if before.is_none() => return None,
            (None, CallState::Ended) => {}
            (None, _) if known.calls.len() >= MOST_CALLS => return None,
            (None, _) => known.calls.push(view.clone()),
            (Some(place), _) => {
                if let Some(call) = known.calls.get_mut(place) {
                    call.clone_from(&view);
                }
            }
        }
        Some(Change::Call(Box::new((before, view))))
    }

    /// The switch tells how a device is. One that is not there has no calls.
    pub fn device(&mut self, at: &Appearance, view: DeviceView) -> Vec<Change> {
        let known = self.list.get_mut(at).and_then(|watch| watch.known.as_mut());
        let Some(known) = known.filter(|known| known.device != view) else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        if !view.in_service {
            for call in core::mem::take(&mut known.calls) {
                let mut ended = call.clone();
                ended.state = CallState::Ended;
                ended.cause = Some("destOutOfOrder".to_owned());
                ended.from.clear();
                changes.push(Change::Call(Box::new((Some(call), ended))));
            }
        }
        let before = core::mem::replace(&mut known.device, view.clone());
        known.refused = None;
        changes.push(Change::Device(before, view));
        changes
    }
}
