//! What is counted in instructions, under callgrind: parsing, writing, and a
//! phone's part of a register cycle and of answering requests. `npm run instructions` runs this and
//! compares; alone it only does the work.

// It runs on messages of ours: what fails here is a mistake here.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use graceline::phone::{Config, Event, Output, Phone};
use graceline::registrar::{self, Registrar};
use graceline::sip::{Framing, Message, Name, Uri, Writer};
use graceline::time::Instant;
use std::collections::VecDeque;
use std::hint::black_box;

const REFRESHES: usize = 20;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("parse") => parse(),
        Some("write") => write(),
        Some("cycle") => cycle(),
        Some("requests") => requests(),
        // cargo runs every bench target with `--bench`.
        _ => eprintln!("usage: instructions parse | write | cycle | requests"),
    }
}

/// Callgrind counts what happens in here (`--toggle-collect`).
#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    work()
}

fn messages() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/messages");
    let entries = std::fs::read_dir(folder).expect("benches/messages");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a message"))
        .collect()
}

/// Every message parsed, validated, and its typed values read.
fn parse() {
    let messages = messages();
    counted(|| {
        for bytes in &messages {
            let message = Message::parse(black_box(bytes), Framing::Frame).expect("a message");
            black_box(message.validate()).expect("a valid message");
            black_box((message.from_tag(), message.to_tag()));
            black_box((message.cseq(), message.call_id(), message.top_via()));
            for contact in message.contacts().list {
                black_box((Uri::parse(contact.uri), contact.expires()));
            }
        }
    });
}

/// A REGISTER, and the answer to every request.
fn write() {
    let messages = messages();
    let parse = |bytes: &Vec<u8>| Message::parse(bytes, Framing::Frame).expect("a message");
    let parsed: Vec<Message> = messages.iter().map(parse).collect();
    counted(|| {
        let mut writer = Writer::request("REGISTER", "sip:example.com");
        for (name, value) in parsed[0].all_headers() {
            writer.header(name, value);
        }
        black_box(writer.finish()).expect("it can be written");
        for request in parsed.iter().filter(|message| message.is_request()) {
            let answer = Writer::response(request, 200, "OK", Some("a1b2"))
                .header(Name::Allow, "OPTIONS, NOTIFY")
                .header(Name::UserAgent, "Graceline")
                .finish();
            black_box(answer).expect("it can be written");
        }
    });
}

/// Login, refreshes, logout at the test registrar. The phone's part is counted.
fn cycle() {
    let mut world = World::new();
    world.phone(|phone, now| phone.register(now, 1, false));
    world.until(|world| world.registered);
    while world.refreshes < REFRESHES {
        let due = world
            .phone
            .poll_timeout()
            .expect("a registered phone refreshes");
        world.now = world.now.max(due);
        world.phone(Phone::handle_timeout);
    }
    world.phone(Phone::unregister);
    world.until(|world| world.unregistered);
}

/// A registered phone answers OPTIONS.
fn requests() {
    let mut world = World::new();
    world.phone(|phone, now| phone.register(now, 1, false));
    world.until(|world| world.registered);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/messages/options.sip");
    let options = std::fs::read(path).expect("a message");
    let (slot, generation) = world.socket.expect("a socket");
    for _ in 0..20 {
        let (phone, now) = (&mut world.phone, world.now);
        let answer = counted(|| {
            phone.handle_message(now, slot, generation, &options);
            phone.poll_output()
        });
        assert!(matches!(answer, Some(Output::Send { .. })));
        while world.phone.poll_output().is_some() {}
    }
}

/// A phone and its registrar, without a network between them.
struct World {
    now: Instant,
    phone: Phone,
    registrar: Registrar,
    socket: Option<(u32, u32)>,
    refreshes: usize,
    registered: bool,
    unregistered: bool,
}

impl World {
    fn new() -> Self {
        let uuid = "urn:uuid:00000000-0000-4000-8000-000000000001";
        let mut config = Config::new("ws://127.0.0.1/", "2001", "example.com", uuid);
        config.password = Some("secret".into());
        let known = registrar::Config::default().with_user("2001", "secret");
        Self {
            now: Instant::from_millis(1_767_225_600_000),
            phone: Phone::new(config, [1; 32]).expect("good options"),
            registrar: Registrar::new(known, [2; 32]),
            socket: None,
            refreshes: 0,
            registered: false,
            unregistered: false,
        }
    }

    fn until(&mut self, done: fn(&World) -> bool) {
        while !done(self) {
            let due = self
                .phone
                .poll_timeout()
                .expect("the phone waits for nothing");
            self.now = self.now.max(due);
            self.phone(Phone::handle_timeout);
        }
    }

    /// Lets the phone act, and both answer until nobody has anything to say.
    fn phone(&mut self, act: impl FnOnce(&mut Phone, Instant)) {
        counted(|| act(&mut self.phone, self.now));
        let mut to_registrar = VecDeque::new();
        loop {
            while let Some(output) = counted(|| self.phone.poll_output()) {
                match output {
                    Output::Open {
                        slot, generation, ..
                    } => {
                        self.socket = Some((slot, generation));
                        self.registrar.handle_opened(self.now, 1);
                        let phone = &mut self.phone;
                        counted(|| phone.handle_open(self.now, slot, generation, "sip"));
                    }
                    Output::Send { data, .. } => to_registrar.push_back(data),
                    Output::Event(Event::Registered(..)) => self.registered = true,
                    Output::Event(Event::Unregistered) => self.unregistered = true,
                    _ => {}
                }
            }
            if let Some(data) = to_registrar.pop_front() {
                self.refreshes += usize::from(data.starts_with(b"REGISTER"));
                self.registrar.handle_message(self.now, 1, &data);
            }
            let mut quiet = to_registrar.is_empty();
            while let Some(output) = self.registrar.poll_output() {
                let (registrar::Output::Send { data, .. }, Some((slot, generation))) =
                    (output, self.socket)
                else {
                    continue;
                };
                quiet = false;
                let phone = &mut self.phone;
                counted(|| phone.handle_message(self.now, slot, generation, &data));
            }
            if quiet {
                return;
            }
        }
    }
}
