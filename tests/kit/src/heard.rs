//! What an app heard of its calls.

use graceline::call::{Cause, Event, Shown};
use graceline::phone;

/// Calls' events, media aside.
pub fn of_calls(events: Vec<phone::Event>) -> Vec<Event> {
    let of_calls = |event| match event {
        phone::Event::Call(Event::Media { .. }) => None,
        phone::Event::Call(event) => Some(event),
        _ => None,
    };
    events.into_iter().filter_map(of_calls).collect()
}

/// The call that came in.
pub fn incoming(events: &[Event]) -> u32 {
    let call = events.iter().find_map(|event| match event {
        Event::Incoming { call, .. } => Some(*call),
        _ => None,
    });
    call.unwrap_or_else(|| panic!("no call: {events:?}"))
}

pub fn states(events: &[Event]) -> Vec<Shown> {
    let state = |event: &Event| match event {
        Event::State { state, .. } => Some(*state),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

/// How calls ended, and that nothing followed.
pub fn ends(events: &[Event]) -> Vec<(u32, Cause)> {
    let end = |event: &Event| match event {
        Event::Ended { call, cause, .. } => Some((*call, *cause)),
        _ => None,
    };
    events.iter().filter_map(end).collect()
}

/// Operations that are done, with the code of what went wrong.
pub fn settled(events: &[Event]) -> Vec<(u32, Option<&'static str>)> {
    let done = |event: &Event| match event {
        Event::Done { op, error, .. } => {
            Some((*op, error.as_ref().map(|error| error.code().as_str())))
        }
        _ => None,
    };
    events.iter().filter_map(done).collect()
}
