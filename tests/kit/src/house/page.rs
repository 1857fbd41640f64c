//! A page that controls a desk phone: the phone in it carries documents between the
//! gateway and the machine that understands them, as `js/desk` does.

use super::{Flaw, House};
use crate::world::ClientId;
use graceline::call::{Answer, Asked, Document, Event as Heard};
use graceline::csta::client::{CallView, Verb};
use graceline::csta::control::{Control, Ending, Output};
use graceline::phone::{Event, Phone, Status};
use graceline::time::Duration;
use std::collections::BTreeMap;

pub type PageId = usize;

/// How long it may take until a desk phone is controlled.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Numbers of attempts to be connected, which are none of those to register.
const ATTEMPTS: u32 = 1 << 31;

pub struct Page {
    pub client: ClientId,
    bound: bool,
    /// Its INVITEs name the device.
    chosen: bool,
    /// Its next INVITE tells another page to go.
    forces: bool,
    /// How many devices it was offered to choose from.
    pub offered: usize,
    pub control: Control,
    line: String,
    device: String,
    gateway: String,
    /// The session that was opened last.
    session: Option<u32>,
    sessions: u32,
    /// Requests of the machine, by their INFOs.
    requests: BTreeMap<u32, u32>,
    infos: u32,
    ops: u32,
    loads: u8,
    /// What the app heard since this was last taken.
    pub heard: Vec<Output>,
    /// Documents of its gateway so far.
    documents: u32,
    /// The calls that it has shown.
    pub(super) shown: BTreeMap<u32, CallView>,
    /// INVITEs so far.
    pub invites: usize,
    /// What the user was told or asked beside the desk phone.
    pub disturbances: Vec<Event>,
}

fn document(body: String) -> Document {
    Document {
        content_type: "application/csta+xml".into(),
        body,
        disposition: "signal;handling=required".into(),
    }
}

impl House {
    /// A page of the user of this line, who controls this device of it.
    /// `bound`: the phone in it is registered until then. `chosen`: he has said which
    /// device it is, and does not wait to be asked.
    pub fn page(
        &mut self,
        (line, device): (&str, &str),
        gateway: usize,
        bound: bool,
        chosen: bool,
    ) -> PageId {
        let number = self.pages.len();
        let client = self.world.client_with(&format!("page{number}"), |config| {
            config.user = line.into();
            config.device = format!("WEB{number}");
        });
        let mut page = Page {
            client,
            bound,
            chosen,
            forces: false,
            offered: 0,
            control: Control::new("", [0; 32]),
            line: line.into(),
            device: device.into(),
            gateway: format!("sip:cti{gateway}@example.com"),
            session: None,
            sessions: 0,
            requests: BTreeMap::new(),
            infos: 0,
            ops: 0,
            loads: 0,
            heard: Vec::new(),
            documents: 0,
            shown: BTreeMap::new(),
            invites: 0,
            disturbances: Vec::new(),
        };
        page.control = page.fresh();
        self.pages.push(page);
        self.begin(number);
        number
    }

    fn begin(&mut self, page: PageId) {
        let Page { client, bound, .. } = self.pages[page];
        match bound && self.world.status(client) != Status::Ready {
            true => drop(self.world.register(client, false)),
            false => self.hold_flow(page),
        }
        let up = self.world.status(client) == Status::Ready;
        self.control(page, |control, now| {
            control.handle_flow(now, up);
            control.connect(now, TIMEOUT);
        });
        self.carry();
    }

    /// The phone stays connected, whatever becomes of its binding.
    fn hold_flow(&mut self, id: PageId) {
        let page = &self.pages[id];
        let attempt = ATTEMPTS + u32::from(page.loads);
        self.world
            .act(page.client, |phone, now| phone.control(now, attempt));
    }

    /// The page is loaded again, after a word or without.
    pub fn reload(&mut self, id: PageId, leaves: bool) {
        let client = self.pages[id].client;
        if leaves {
            self.control(id, Control::leave);
        }
        self.world.reload(client, leaves);
        self.world.log.retain(|(other, ..)| *other != client);
        let page = &mut self.pages[id];
        page.loads += 1;
        page.control = page.fresh();
        page.session = None;
        page.requests.clear();
        page.heard.clear();
        self.begin(id);
    }

    /// The user tries once more, after it came to nothing.
    pub fn try_again(&mut self, id: PageId) {
        let page = &mut self.pages[id];
        page.loads += 1;
        page.control = page.fresh();
        page.session = None;
        self.begin(id);
    }

    /// The user wants the phone, whoever has it.
    pub fn force(&mut self, id: PageId) {
        self.pages[id].forces = true;
        self.try_again(id);
    }

    /// A command of the app; its number.
    pub fn command(&mut self, id: PageId, verb: Verb) -> u32 {
        self.pages[id].ops += 1;
        let op = self.pages[id].ops;
        self.control(id, |control, now| control.handle_command(now, op, verb));
        self.carry();
        op
    }

    pub(super) fn fire(&mut self, id: PageId) {
        let page = &self.pages[id];
        let due = page.control.poll_timeout();
        let asleep = self.world.clients[page.client].asleep;
        if !asleep && due.is_some_and(|at| at <= self.world.now) {
            self.control(id, Control::handle_timeout);
            let after = self.pages[id].control.poll_timeout();
            assert!(after.is_none() || after != due, "a timer does not move");
        }
    }

    fn control(&mut self, id: PageId, act: impl FnOnce(&mut Control, graceline::time::Instant)) {
        act(&mut self.pages[id].control, self.world.now);
        while let Some(output) = self.pages[id].control.poll_output() {
            match output {
                Output::Open { body } => self.open(id, body),
                Output::Close => {
                    let page = &mut self.pages[id];
                    if let Some(session) = page.session.take() {
                        self.world.calls(page.client, |calls, now| {
                            calls.close_session(now, session);
                        });
                    }
                }
                Output::Request { number, document } => self.send(id, number, document),
                told => {
                    let line = format!("page{id}: {told:?}");
                    self.world.note(|_| line);
                    if let Output::Call(view) = &told {
                        self.pages[id].shown.insert(view.id, view.clone());
                    }
                    if told == Output::Controlled {
                        self.pages[id].forces = false;
                        self.world.act(self.pages[id].client, Phone::unbind);
                    }
                    let told = self.distort(told);
                    self.pages[id].heard.extend(told);
                }
            }
        }
    }

    fn open(&mut self, id: PageId, body: String) {
        let flaw = self.flaw;
        let page = &mut self.pages[id];
        if flaw == Some(Flaw::StaysAway) && page.sessions > 0 {
            return;
        }
        page.sessions += 2;
        page.invites += 1;
        let (client, number) = (page.client, page.sessions - 1);
        page.session = Some(number);
        let gateway = page.gateway.clone();
        let force = ("X-Graceline".to_owned(), "force".to_owned());
        let headers = page.forces.then_some(force).into_iter().collect();
        self.world.act(client, |phone, now| {
            phone.start_session(now, number, &gateway, document(body), headers);
        });
    }

    fn send(&mut self, id: PageId, number: u32, body: String) {
        let page = &mut self.pages[id];
        page.infos += 1;
        let (client, op) = (page.client, page.infos);
        page.requests.insert(op, number);
        let session = page.session.unwrap_or_default();
        self.world.calls(client, |calls, now| {
            calls.session_info(now, op, session, document(body));
        });
    }

    /// What the phone in the page tells.
    pub(super) fn hear(&mut self, id: PageId, event: Event) {
        let flaw = self.flaw;
        let page = &mut self.pages[id];
        let ours = |number: u32| page.session == Some(number);
        match event {
            Event::Status(status, _) => {
                let up = status == Status::Ready;
                self.control(id, |control, now| control.handle_flow(now, up));
            }
            Event::Call(Heard::SessionAnswered {
                asked: Asked::Info,
                number,
                answer,
            }) => {
                if let Some(request) = page.requests.remove(&number) {
                    let Answer { status, body, .. } = answer;
                    self.control(id, |control, now| {
                        control.handle_answer(now, request, status, body.as_bytes());
                    });
                }
            }
            Event::Call(Heard::SessionAnswered {
                asked,
                number,
                answer,
            }) if ours(number) => self.control(id, |control, now| match asked {
                Asked::Open => control.handle_opened(now, answer.body.as_bytes()),
                _ => control.handle_refreshed(now, answer.body.as_bytes()),
            }),
            Event::Call(Heard::SessionInfo { session, body, .. }) if ours(session) => {
                page.documents += 1;
                if flaw == Some(Flaw::MissesEvents) && page.documents.is_multiple_of(3) {
                    return;
                }
                self.control(id, |control, now| {
                    control.handle_document(now, body.as_bytes());
                });
            }
            Event::Call(Heard::SessionEnded {
                session,
                fault,
                answer,
                ..
            }) if ours(session) => {
                page.session = None;
                if answer.status == 300 {
                    // As the app does that is told `eDeviceNotChosen`.
                    let device = format!(";device=\"{}\"", page.device);
                    let mut offered = answer.contacts.iter();
                    assert!(offered.any(|contact| contact.contains(&device)));
                    page.offered = answer.contacts.len();
                    page.chosen = true;
                    return self.try_again(id);
                }
                if flaw == Some(Flaw::GivesUp) {
                    return self.control(id, Control::leave);
                }
                let said = fault.map(|fault| fault.to_string()).unwrap_or_default();
                self.control(id, |control, now| {
                    control.handle_ended(
                        now,
                        Ending {
                            status: answer.status,
                            reason: &said,
                            retry_after: answer.retry_after.unwrap_or_default(),
                        },
                    );
                });
            }
            Event::Registered(..) => self.hold_flow(id),
            Event::Credentials { .. } | Event::Failed(..) | Event::Terminated { .. } => {
                page.disturbances.push(event);
            }
            _ => {}
        }
    }

    /// The user is done with it.
    pub fn leave(&mut self, id: PageId) {
        self.control(id, Control::leave);
        let client = self.pages[id].client;
        self.world.act(client, Phone::unregister);
        self.carry();
    }

    pub fn is_awake(&self, id: PageId) -> bool {
        !self.world.clients[self.pages[id].client].asleep
    }
}

impl Page {
    /// A machine for a page that was just loaded.
    fn fresh(&self) -> Control {
        let Self { line, device, .. } = self;
        let mut line = format!("tel:{line};phone-context=dialstring");
        if self.chosen {
            line += &format!(";device={device}");
        }
        Control::new(&line, [self.client as u8 ^ self.loads; 32])
    }

    pub fn line(&self) -> &str {
        &self.line
    }

    pub fn device(&self) -> &str {
        &self.device
    }
}
