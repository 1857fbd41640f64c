//! The right of one tab to be the phone, as `js/phone/tabs.js` has it, by the same lock:
//! tabs of a browser profile share the instance id, so for the registrar they are one
//! client, and must settle among themselves who speaks.

use super::turn::Turns;
use crate::prelude::*;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use futures_channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

/// How long (ms) a polite tab waits for the holder: a page being reloaded or pushed out
/// of the back-forward cache lets go a moment after its successor asks.
const PATIENCE: u32 = 300;

// web-sys has these for nightly builds alone.
#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, options: &Object, granted: &Function) -> Promise;

    #[wasm_bindgen(method)]
    fn query(this: &LockManager) -> Promise;
}

pub(super) struct Tab {
    /// `None`: nobody to share with, every request is granted.
    name: Option<String>,
    /// Another tab took it by force.
    stolen: Box<dyn Fn()>,
    held: Cell<bool>,
    /// Gives it back.
    free: RefCell<Option<Function>>,
    /// Settles when it was given back.
    freed: RefCell<Option<oneshot::Receiver<()>>>,
    turns: Turns,
}

impl Tab {
    pub fn new(name: Option<String>, stolen: impl Fn() + 'static) -> Rc<Self> {
        Rc::new(Self {
            name,
            stolen: Box::new(stolen),
            held: Cell::new(false),
            free: RefCell::new(None),
            freed: RefCell::new(None),
            turns: Turns::default(),
        })
    }

    /// Whether this tab may speak; `force` takes it from whoever has it.
    pub async fn acquire(self: &Rc<Self>, force: bool) -> bool {
        let _turn = self.turns.next().await;
        if !self.held.get() {
            let taken = self.take(force).await;
            self.held.set(taken);
        }
        self.held.get()
    }

    /// Returns when another tab can have it.
    pub async fn release(&self) {
        let _turn = self.turns.next().await;
        self.let_go();
        let freed = self.freed.take();
        if let Some(freed) = freed {
            _ = freed.await;
        }
    }

    /// There is no time to wait.
    pub fn let_go(&self) {
        if self.held.replace(false)
            && let Some(free) = self.free.take()
        {
            _ = free.call0(&JsValue::UNDEFINED);
        }
    }

    async fn take(self: &Rc<Self>, force: bool) -> bool {
        let (Some(name), Some(locks)) = (self.name.clone(), locks()) else {
            return true;
        };
        let Ok(patience) = AbortController::new() else {
            return true;
        };
        let options = Object::new();
        let (key, value): (_, JsValue) = match force {
            true => ("steal", true.into()),
            false => ("signal", patience.signal().into()),
        };
        _ = Reflect::set(&options, &key.into(), &value);
        let (decide, decided) = oneshot::channel();
        let decide = Rc::new(Cell::new(Some(decide)));
        let (freeing, freed) = oneshot::channel();
        *self.freed.borrow_mut() = Some(freed);
        let granted = {
            let (this, decide) = (Rc::downgrade(self), decide.clone());
            Closure::once(move |_lock: JsValue| {
                if let Some(decide) = decide.take() {
                    _ = decide.send(true);
                }
                // Held until this promise is resolved.
                Promise::new(&mut |resolve, _| {
                    if let Some(this) = this.upgrade() {
                        *this.free.borrow_mut() = Some(resolve);
                    }
                })
            })
        };
        let callback = granted.as_ref().unchecked_ref();
        let done = locks.request(&name, &options, callback);
        let (this, undecided) = (Rc::downgrade(self), decide.clone());
        spawn_local(async move {
            let outcome = JsFuture::from(done).await;
            drop((granted, freeing));
            let Err(error) = outcome else { return };
            match (undecided.take(), this.upgrade()) {
                // The wait is over, or the page may not use locks at all (an opaque
                // origin): then nobody else does.
                (Some(decide), _) => _ = decide.send(!is_over(&error)),
                // Granted before: stolen now.
                (None, Some(this)) => this.lose(),
                (None, None) => {}
            }
        });
        if !force {
            spawn_local(wait(name, locks, patience, decide));
        }
        decided.await.unwrap_or(true)
    }

    fn lose(&self) {
        if self.held.replace(false) {
            (self.stolen)();
        }
    }
}

/// Ends the patience of a tab once somebody holds what it asks for. A browser that is
/// busy grants late what nobody holds: that is no refusal.
async fn wait(
    name: String,
    locks: LockManager,
    patience: AbortController,
    decide: Rc<Cell<Option<oneshot::Sender<bool>>>>,
) {
    loop {
        TimeoutFuture::new(PATIENCE).await;
        let pending = decide.take();
        if pending.is_none() {
            return;
        }
        decide.set(pending);
        let state = JsFuture::from(locks.query()).await.unwrap_or_default();
        let held = Reflect::get(&state, &"held".into()).unwrap_or_default();
        let is_ours = |lock: JsValue| {
            let its = Reflect::get(&lock, &"name".into()).unwrap_or_default();
            its.as_string().as_ref() == Some(&name)
        };
        if Array::from(&held).iter().any(is_ours) {
            return patience.abort();
        }
    }
}

fn is_over(error: &JsValue) -> bool {
    let name = Reflect::get(error, &"name".into()).unwrap_or_default();
    matches!(
        name.as_string().as_deref(),
        Some("AbortError" | "TimeoutError")
    )
}

/// Pages of plain http have none.
fn locks() -> Option<LockManager> {
    let navigator = web_sys::window()?.navigator();
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    locks.is_object().then(|| locks.unchecked_into())
}
