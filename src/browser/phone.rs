//! The phone as an app sees it.

use super::call::Call;
use super::calls::Calls;
use super::error::Error;
use super::event::{Event, Events, Listeners, Registration};
use super::host::Host;
use super::lifecycle::{Following, Turn};
use super::login::{Login, Outcome};
use super::options::Options;
use super::platform::random;
use super::store::Store;
use super::tab::Tab;
use super::terms::CallOptions;
use crate::phone::{self, Level, Output, Phone as Machine, Registered, Status};
use crate::prelude::*;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use core::pin::Pin;
use core::task::{Context, Poll};
use futures_channel::oneshot;
use wasm_bindgen_futures::spawn_local;

/// A phone of one user. Clones are handles of the same phone, which goes with the last of
/// them.
#[derive(Clone)]
pub struct Phone {
    inner: Rc<Inner>,
}

impl Phone {
    /// A phone that is logged out, and opens nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Option`]: an option cannot be used; it is named.
    pub fn new(options: Options) -> Result<Self, Error> {
        let options = options.checked()?;
        let store = Rc::new(Store::new(&options));
        options.config(&store.instance_id, None).check()?;
        let inner = Rc::new_cyclic(|this| Inner::new(this, options, store));
        Ok(Self { inner })
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.inner.status.get()
    }

    /// The current registration.
    pub fn registration(&self) -> Option<Registration> {
        self.inner.registration.borrow().clone()
    }

    /// What this client is known by, among those of the same user and device.
    pub fn instance_id(&self) -> &str {
        &self.inner.store.instance_id
    }

    /// What happens from now on. Each call gives a stream of its own.
    pub fn events(&self) -> Events {
        self.inner.listeners.join()
    }

    /// Registers. While that is done already it returns at once; calls that overlap share
    /// one attempt, and a forced one takes the place of an unforced one. With
    /// `force`, every other client of the device is logged out; without, nothing is taken
    /// over. Dropped before it is done, it is given up.
    ///
    /// # Errors
    ///
    /// `DeviceAlreadyRegistered`: another client holds the device, and nothing was taken
    /// over. The others as in the JavaScript API.
    pub async fn register(&self, force: bool) -> Outcome {
        self.inner.register(force).await
    }

    /// Calls `target`: a number, `user@host`, or a sip or tel URI. Returns at once; what
    /// becomes of it the call tells.
    pub fn call(&self, target: &str, options: CallOptions) -> Call {
        self.inner.calls.call(target, options, None)
    }

    /// The calls that have not ended, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.inner.calls.list()
    }

    /// Sends a text outside of calls.
    ///
    /// # Errors
    ///
    /// It did not arrive, or not for certain.
    pub async fn message(&self, target: &str, body: &str) -> Result<(), Error> {
        let (target, body) = (target.to_owned(), body.to_owned());
        let content = ("text/plain".to_owned(), body);
        let send = |op| {
            move |machine: &mut Machine, now| {
                machine.with_calls(now, |calls| calls.message(now, op, &target, content));
            }
        };
        self.inner.calls.ask(send).await
    }

    /// Logs out. Returns once the registrar agreed, or could not be reached in time.
    pub async fn unregister(&self) {
        self.inner.unregister().await;
    }

    /// Logs out, closes what is open, and ends the streams of events. The phone is of no
    /// more use then.
    pub async fn close(&self) {
        self.inner.close().await;
    }
}

/// What a command waits for.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Unregistered,
    Closed,
}

pub(super) struct Inner {
    this: Weak<Inner>,
    pub options: Options,
    store: Rc<Store>,
    tab: Rc<Tab>,
    /// From the first login on.
    host: RefCell<Option<Rc<Host>>>,
    following: RefCell<Option<Following>>,
    login: Login,
    pub calls: Calls,
    status: Cell<Status>,
    registration: RefCell<Option<Registration>>,
    pub listeners: Listeners,
    waiting: RefCell<Vec<(Ending, oneshot::Sender<()>)>>,
    /// The page was left with a registration, to come back to.
    away: Cell<bool>,
    closed: Cell<bool>,
}

impl Inner {
    fn new(this: &Weak<Self>, options: Options, store: Rc<Store>) -> Self {
        let phone = this.clone();
        let tab = Tab::new(store.shared_as.clone(), move || {
            if let Some(phone) = phone.upgrade() {
                phone.tell(|machine, now| machine.silence(now));
            }
        });
        Self {
            this: this.clone(),
            options,
            store,
            tab,
            host: RefCell::default(),
            following: RefCell::default(),
            login: Login::default(),
            calls: Calls::new(this.clone()),
            status: Cell::default(),
            registration: RefCell::default(),
            listeners: Listeners::default(),
            waiting: RefCell::default(),
            away: Cell::new(false),
            closed: Cell::new(false),
        }
    }

    pub fn host(&self) -> Option<Rc<Host>> {
        self.host.borrow().clone()
    }

    pub fn tell(&self, input: impl FnOnce(&mut Machine, crate::time::Instant) + 'static) {
        if let Some(host) = self.host() {
            host.tell(input);
        }
    }

    // ---- logging in

    async fn register(&self, force: bool) -> Outcome {
        if self.closed.get() {
            return Err(Error::Closed);
        }
        let registered = self.registration.borrow().clone();
        if let Some(registered) = registered.filter(|_| !self.awaits(Ending::Unregistered)) {
            return Ok(registered);
        }
        let (outcome, new) = self.login.join(force);
        if let (Some(id), Some(phone)) = (new, self.this.upgrade()) {
            spawn_local(async move { phone.begin(id, force).await });
        }
        let phone = self.this.clone();
        Waiter { phone, outcome }.await
    }

    async fn begin(&self, id: u32, force: bool) {
        if self.awaits(Ending::Unregistered) {
            _ = self.awaited(Ending::Unregistered).await;
        }
        if !self.login.is_current(id) {
            return;
        }
        if self.host().is_none() || self.is_out() {
            self.set_status(Status::Registering, None);
        }
        let mine = self.tab.acquire(force).await;
        if !self.login.is_current(id) {
            return self.release_if_out();
        }
        if !mine {
            return self.fail(Error::DeviceHeldHere);
        }
        if let Err(error) = self.open() {
            return self.fail(error);
        }
        self.login.begin();
        self.tell(move |machine, now| machine.register(now, id, force));
    }

    /// The memory is read under the lock: the nonce count in it is ours alone.
    fn open(&self) -> Result<(), Error> {
        if self.host().is_some() {
            return Ok(());
        }
        let memory = self.store.memory();
        let config = self.options.config(&self.store.instance_id, memory);
        let mut machine = Machine::new(config, random())?;
        for contact in &self.options.ignore_bindings {
            machine.ignore_binding(contact.clone());
        }
        let host = Host::new(machine, self.store.clone(), self.this.clone());
        *self.host.borrow_mut() = Some(host);
        let phone = self.this.clone();
        let following = Following::new(move |turn| {
            if let Some(phone) = phone.upgrade() {
                phone.turned(turn);
            }
        });
        *self.following.borrow_mut() = Some(following);
        Ok(())
    }

    /// The attempt that is under way came to nothing.
    fn fail(&self, error: Error) {
        if let Some(begun) = self.login.cancel(&error) {
            self.not_registered(begun);
        }
    }

    fn not_registered(&self, begun: bool) {
        match begun {
            true => self.release_if_out(),
            false => self.stand(),
        }
    }

    /// What the page may not do now it may not do later: nobody is kept waiting.
    pub fn forbidden(&self, url: &str, error: Error) {
        self.listeners.tell(&Event::Log {
            level: Level::Warn,
            message: error.to_string(),
        });
        if self.login.forbid(url, &self.options.connections) && self.login.is_pending() {
            self.tell(|machine, now| machine.abort(now));
            self.fail(error);
        }
    }

    /// Nobody waits for the attempt any more.
    fn abandon(&self) {
        match self.login.abandon() {
            Some(true) => self.tell(|machine, now| machine.abort(now)),
            Some(false) => self.not_registered(false),
            None => {}
        }
    }

    // ---- leaving

    async fn unregister(&self) {
        let first = !self.awaits(Ending::Unregistered);
        let done = self.awaited(Ending::Unregistered);
        if !self.closed.get() {
            self.login.cancel(&Error::Unregistering);
            if first {
                self.tell(|machine, now| machine.unregister(now));
            }
        }
        _ = done.await;
        self.stand();
        self.tab.release().await;
    }

    async fn close(&self) {
        let done = self.awaited(Ending::Closed);
        if !self.closed.replace(true) {
            self.login.cancel(&Error::Closing);
            self.following.take();
            self.tell(|machine, now| machine.close(now));
        }
        _ = done.await;
        self.host.take();
        self.calls.drop_all();
        self.set_status(Status::Idle, None);
        self.listeners.leave();
        self.tab.release().await;
    }

    fn awaits(&self, ending: Ending) -> bool {
        let waiting = self.waiting.borrow();
        waiting.iter().any(|(awaited, _)| *awaited == ending)
    }

    /// Settles with the ending; at once where there is nothing to end. Asked for before
    /// the command, which may be done on the spot.
    fn awaited(&self, ending: Ending) -> oneshot::Receiver<()> {
        let (waiter, done) = oneshot::channel();
        if self.host().is_some() {
            self.waiting.borrow_mut().push((ending, waiter));
        }
        done
    }

    fn settle(&self, ending: Ending) {
        let mut waiting = self.waiting.borrow_mut();
        // Dropped, they are settled.
        waiting.retain(|(awaited, _)| *awaited != ending);
    }

    fn turned(&self, turn: Turn) {
        match turn {
            Turn::Look => self.tell(|machine, now| machine.look(now)),
            Turn::Leave => {
                self.away.set(!self.is_out());
                self.tell(|machine, now| machine.leave(now));
                self.tab.let_go();
                self.release();
            }
            Turn::Resume if self.away.replace(false) => {
                if let Some(phone) = self.this.upgrade() {
                    spawn_local(async move { phone.resume().await });
                }
            }
            Turn::Resume => {}
        }
    }

    /// Another tab may have become the phone meanwhile.
    async fn resume(&self) {
        let mine = self.tab.acquire(false).await;
        match self.login.begun() {
            // The core forgot it on leaving. Asked anew, and politely.
            Some(id) if mine => self.tell(move |machine, now| machine.register(now, id, false)),
            Some(_) => self.fail(Error::DeviceHeldHere),
            None if mine => self.tell(|machine, now| machine.resume(now)),
            None => self.tell(|machine, now| machine.silence(now)),
        }
    }

    // ---- what the core says

    pub fn heard(&self, output: Output) {
        match output {
            Output::Event(event) => self.happened(event),
            Output::Log { level, message } => self.listeners.tell(&Event::Log { level, message }),
            Output::Trace { sent, message, .. } => {
                self.listeners.tell(&Event::Sip { sent, message });
            }
            // The host's.
            Output::Open { .. }
            | Output::Send { .. }
            | Output::CloseSocket { .. }
            | Output::Store(_) => {}
        }
    }

    fn happened(&self, event: phone::Event) {
        match event {
            phone::Event::Status(status, registered) => {
                self.set_status(status, registered.map(|it| self.described(it)));
                self.release_if_out();
            }
            phone::Event::Registered(attempt, registered) if self.login.is_current(attempt) => {
                let registration = self.described(registered);
                self.login.settle(Ok(registration));
            }
            phone::Event::Failed(attempt, fault, holder) if self.login.is_current(attempt) => {
                self.fail(match holder {
                    Some(elsewhere) => Error::DeviceAlreadyRegistered { fault, elsewhere },
                    None => Error::Fault(fault),
                });
            }
            phone::Event::Terminated { reason, by } => {
                // Nobody may be left waiting for a registration that was pending.
                if self.login.begun().is_some() {
                    self.login.cancel(&Error::DeviceHeldHere);
                }
                self.listeners.tell(&Event::terminated(reason, by));
                self.release_if_out();
            }
            phone::Event::Unregistered => self.settle(Ending::Unregistered),
            phone::Event::Closed => self.settle(Ending::Closed),
            phone::Event::Error(fault) => {
                self.listeners.tell(&Event::Error(Error::Fault(fault)));
            }
            phone::Event::Call(event) => self.calls.heard(event),
            _ => {}
        }
    }

    fn described(&self, registered: Registered) -> Registration {
        let config = self.options.config(&self.store.instance_id, None);
        Registration::new(registered, &config)
    }

    // ---- status

    fn set_status(&self, status: Status, registration: Option<Registration>) {
        let before = self.registration.replace(registration.clone());
        let same = self.status.replace(status) == status;
        if !(same && before.is_none() && registration.is_none()) {
            self.listeners.tell(&Event::Status {
                status,
                registration,
            });
        }
    }

    /// Out: not registered, and not about to be.
    fn is_out(&self) -> bool {
        matches!(
            self.status.get(),
            Status::Idle | Status::ConnectionTerminated | Status::DeviceNotAuthorised
        )
    }

    /// Nothing is under way: undoes what an attempt set of which the core had not heard.
    fn stand(&self) {
        if self.status.get() == Status::Registering {
            self.set_status(Status::Idle, None);
        }
        self.release_if_out();
    }

    fn release_if_out(&self) {
        if !self.login.is_pending() && self.is_out() {
            self.release();
        }
    }

    fn release(&self) {
        let tab = self.tab.clone();
        spawn_local(async move { tab.release().await });
    }
}

impl Drop for Inner {
    /// What a page does that goes away: one request that takes the binding back, and no
    /// time for more.
    fn drop(&mut self) {
        self.tell(|machine, now| machine.leave(now));
        self.calls.drop_all();
        self.tab.let_go();
    }
}

/// One call of `register`. Dropped, it is given up.
struct Waiter {
    phone: Weak<Inner>,
    outcome: oneshot::Receiver<Outcome>,
}

impl Future for Waiter {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let outcome = Pin::new(&mut self.outcome).poll(context);
        outcome.map(|settled| settled.unwrap_or(Err(Error::Closed)))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.outcome.close();
        if let Some(phone) = self.phone.upgrade() {
            phone.abandon();
        }
    }
}
