//! What happens to the page, as `js/phone/lifecycle.js` follows it.

use crate::prelude::*;
use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use web_sys::{EventTarget, PageTransitionEvent};

/// Something that happened.
#[derive(Clone, Copy)]
pub(super) enum Turn {
    /// The page goes away, perhaps for good: to be acted on before returning.
    Leave,
    /// It is back from the back-forward cache.
    Resume,
    /// The world may have changed: network back, tab shown.
    Look,
}

/// One listener, until it is dropped.
struct Listening {
    target: EventTarget,
    name: &'static str,
    closure: Closure<dyn Fn(web_sys::Event)>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let listener = self.closure.as_ref().unchecked_ref();
        let target = &self.target;
        _ = target.remove_event_listener_with_callback(self.name, listener);
    }
}

/// Follows the page until it is dropped.
pub(super) struct Following {
    _listeners: Vec<Listening>,
}

impl Following {
    pub fn new(turn: impl Fn(Turn) + Clone + 'static) -> Self {
        let Some(window) = web_sys::window() else {
            return Self {
                _listeners: Vec::new(),
            };
        };
        let document = window.document();
        // Chromium alone tells of a change from one network to another.
        let connection = Reflect::get(&window.navigator(), &"connection".into());
        let connection = connection.ok().and_then(|it| it.dyn_into().ok());
        let page: &EventTarget = &window;
        let targets = [
            (Some(page.clone()), "pagehide"),
            (Some(page.clone()), "pageshow"),
            (Some(page.clone()), "online"),
            (Some(page.clone()), "offline"),
            (connection, "change"),
            (document.map(EventTarget::from), "visibilitychange"),
        ];
        let listen = |(target, name): (Option<EventTarget>, _)| {
            let turn = turn.clone();
            let heard = move |event: web_sys::Event| {
                if let Some(what) = read(name, &event) {
                    turn(what);
                }
            };
            let closure = Closure::<dyn Fn(web_sys::Event)>::new(heard);
            let target = target?;
            let listener = closure.as_ref().unchecked_ref();
            target
                .add_event_listener_with_callback(name, listener)
                .ok()?;
            Some(Listening {
                target,
                name,
                closure,
            })
        };
        Self {
            _listeners: targets.into_iter().filter_map(listen).collect(),
        }
    }
}

fn read(name: &str, event: &web_sys::Event) -> Option<Turn> {
    match name {
        "pagehide" => Some(Turn::Leave),
        "pageshow" => {
            let event: &PageTransitionEvent = event.dyn_ref()?;
            event.persisted().then_some(Turn::Resume)
        }
        "visibilitychange" => {
            let document = web_sys::window()?.document()?;
            (!document.hidden()).then_some(Turn::Look)
        }
        _ => Some(Turn::Look),
    }
}
