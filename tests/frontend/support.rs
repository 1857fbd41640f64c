//! Phones, and what they tell.

use graceline::browser::{Event, Events, Options, Phone, Status};
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Where `scripts/lib/web.mjs` has the browser find the registrar.
pub const REGISTRAR: &str = "ws://registrar.localhost/";

/// For a user of the test's own: tests share the registrar.
pub fn options(user: &str) -> Options {
    let mut options = Options::new(REGISTRAR, user, "example.com");
    options.password = Some("secret".to_owned());
    options
}

pub fn phone(user: &str) -> Phone {
    Phone::new(options(user)).unwrap()
}

/// The same device in another browser: nothing is kept, so the instance is another one.
pub fn rival(user: &str) -> Phone {
    let mut options = options(user);
    options.storage = false;
    Phone::new(options).unwrap()
}

/// What comes, up to the one that is looked for.
pub async fn until<T>(events: &mut Events, wanted: impl Fn(&Event) -> Option<T>) -> T {
    while let Some(event) = events.next().await {
        if let Some(found) = wanted(&event) {
            return found;
        }
    }
    panic!("the phone has gone");
}

pub async fn until_status(events: &mut Events, wanted: Status) {
    let is = |event: &Event| match event {
        Event::Status { status, .. } if *status == wanted => Some(()),
        _ => None,
    };
    until(events, is).await;
}

/// How it was logged out: reason and sentence.
pub async fn until_terminated(events: &mut Events) -> (&'static str, String) {
    let is = |event: &Event| match event {
        Event::ConnectionTerminated {
            reason, message, ..
        } => Some((*reason, message.clone())),
        _ => None,
    };
    until(events, is).await
}

/// Runs the body of an async function of JavaScript, to which the npm package is
/// `graceline`, as it is served beside the registrar.
pub async fn javascript(body: &str) -> JsValue {
    let body = format!(
        "return (async () => {{
           const graceline = await import('http://package.localhost/js/index.js');
           {body}
         }})()"
    );
    let run = Function::new_no_args(&body);
    let promise: Promise = run.call0(&JsValue::UNDEFINED).unwrap().unchecked_into();
    JsFuture::from(promise).await.unwrap()
}
