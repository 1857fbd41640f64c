//! One WebSocket of the browser.

use super::host::Host;
use crate::prelude::*;
use alloc::rc::Weak;
use js_sys::{ArrayBuffer, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, MessageEvent, Url, WebSocket};

/// Position in `connections`, and generation.
pub(super) type Key = (u32, u32);

/// Closed when it is dropped; what it says after that is not heard.
pub(super) struct Socket {
    socket: WebSocket,
    _opened: Closure<dyn Fn()>,
    _message: Closure<dyn Fn(MessageEvent)>,
    _closed: Closure<dyn Fn()>,
}

/// The browser does not permit it.
pub(super) struct Forbidden {
    /// Without the path and query, which may be secret; and as a policy names it.
    pub origin: String,
    pub why: String,
}

impl Socket {
    pub fn open(url: &str, key: Key, host: &Weak<Host>) -> Result<Self, Forbidden> {
        let forbidden = |cause: &JsValue| {
            let why = Reflect::get(cause, &"message".into());
            Forbidden {
                origin: Url::new(url).map(|url| url.origin()).unwrap_or_default(),
                why: why.ok().and_then(|why| why.as_string()).unwrap_or_default(),
            }
        };
        // Firefox, where the page's policy forbids it; mixed content.
        let socket = WebSocket::new_with_str(url, "sip").map_err(|cause| forbidden(&cause))?;
        // Chromium, where the page's policy forbids it: an error follows, and no close.
        if socket.ready_state() == WebSocket::CLOSED {
            return Err(forbidden(&JsValue::NULL));
        }
        socket.set_binary_type(BinaryType::Arraybuffer);
        let (to, from) = (host.clone(), socket.clone());
        let opened = Closure::<dyn Fn()>::new(move || {
            if let Some(host) = to.upgrade() {
                host.socket_opened(key, from.protocol());
            }
        });
        let to = host.clone();
        let message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(host) = to.upgrade() {
                host.socket_message(key, bytes(&event.data()));
            }
        });
        let to = host.clone();
        let closed = Closure::<dyn Fn()>::new(move || {
            if let Some(host) = to.upgrade() {
                host.socket_closed(key);
            }
        });
        socket.set_onopen(Some(opened.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        Ok(Self {
            socket,
            _opened: opened,
            _message: message,
            _closed: closed,
        })
    }

    /// Whether it was taken.
    pub fn send(&self, data: &[u8]) -> bool {
        let text = String::from_utf8_lossy(data);
        self.socket.send_with_str(&text).is_ok()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Fails for none that was opened as these are.
        _ = self.socket.close();
    }
}

fn bytes(data: &JsValue) -> Vec<u8> {
    match data.dyn_ref::<ArrayBuffer>() {
        Some(buffer) => Uint8Array::new(buffer).to_vec(),
        None => data.as_string().unwrap_or_default().into_bytes(),
    }
}
