//! A login, with the test registrar at the other end, in virtual time: public names
//! alone.

use graceline::prelude::*;
use graceline::registrar::{self, Registrar, User};
use graceline_library::{drain, phone};

/// Both machines, and the socket between them.
struct World {
    now: Instant,
    phone: Phone,
    registrar: Registrar,
    events: Vec<Event>,
}

impl World {
    fn new(password: &str) -> Self {
        let mut config = registrar::Config::default();
        let user = User::with_password(password);
        config.users.insert("2001".to_owned(), user);
        Self {
            now: Instant::from_millis(1_700_000_000_000),
            phone: phone([1; 32]).expect("a good configuration"),
            registrar: Registrar::new(config, [2; 32]),
            events: Vec::new(),
        }
    }

    /// Until neither has anything to say.
    fn settle(&mut self) {
        loop {
            let outputs = drain(&mut self.phone);
            let answers: Vec<_> = core::iter::from_fn(|| self.registrar.poll_output()).collect();
            if outputs.is_empty() && answers.is_empty() {
                return;
            }
            for output in outputs {
                self.perform(output);
            }
            for answer in answers {
                if let registrar::Output::Send { data, .. } = answer {
                    self.phone.handle_message(self.now, 0, 1, &data);
                }
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Open {
                slot, generation, ..
            } => {
                self.registrar.handle_opened(self.now, 1);
                self.phone.handle_open(self.now, slot, generation, "sip");
            }
            Output::Send { data, .. } => self.registrar.handle_message(self.now, 1, &data),
            Output::Event(event) => self.events.push(event),
            _ => {}
        }
    }

    /// Lives for a while.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.settle();
            let due = [self.phone.poll_timeout(), self.registrar.poll_timeout()];
            let Some(due) = due.into_iter().flatten().min().filter(|due| *due <= end) else {
                break;
            };
            self.now = self.now.max(due);
            self.phone.handle_timeout(self.now);
            self.registrar.handle_timeout(self.now);
        }
        self.now = end;
    }
}

#[test]
fn it_registers_stays_and_leaves() {
    let mut world = World::new("secret");
    world.phone.register(world.now, 1, false);
    world.run(Duration::from_secs(3600));
    let registered = |event: &Event| matches!(event, Event::Registered(1, _));
    assert!(world.events.iter().any(registered), "{:?}", world.events);
    assert_eq!(world.phone.status(), Status::Ready);
    assert_eq!(world.registrar.bindings("2001").len(), 1);
    world.phone.unregister(world.now);
    world.run(Duration::from_secs(5));
    assert_eq!(world.registrar.bindings("2001").len(), 0);
    assert_eq!(world.events.last(), Some(&Event::Unregistered));
}

#[test]
fn what_goes_wrong_is_an_error() {
    let mut world = World::new("another");
    world.phone.register(world.now, 1, false);
    world.run(Duration::from_secs(60));
    let fault = world.events.iter().find_map(|event| match event {
        Event::Failed(1, fault, _) => Some(fault.clone()),
        _ => None,
    });
    let fault: Box<dyn core::error::Error> = fault.expect("it failed").into();
    assert!(
        fault.to_string().contains("eCredentialsRejected"),
        "{fault}"
    );
    let config = Config::new("http://example.com/", "2001", "example.com", "urn:uuid:1");
    let refused: ConfigError = config.check().expect_err("no WebSocket");
    assert_eq!(refused.option, "connections");
}
