//! Strangers cannot fill the memory: not by many messages, and not by a number.

#![allow(unsafe_code)] // an allocator is made of it

use crate::corpus;
use crate::line::Line;
use crate::targets::TARGETS;
use graceline::registrar::{Config, Limits, Registrar, User};
use graceline::time::{Duration, Instant};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread holds, and the most that it asked for at once.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all is done by the system's allocator; here it is only counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.with(|held| held.set(held.get() + layout.size() as isize));
        LARGEST.with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.with(|held| held.set(held.get() - layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Rounds of different messages; as much must be held after all of them as after a
/// third, by when every list that has a bound has reached it.
fn flood(mut round: impl FnMut(u64)) {
    const ROUNDS: u64 = 300;
    let mut early = 0;
    for number in 0..ROUNDS {
        round(number);
        if number == ROUNDS / 3 {
            early = HELD.get();
        }
    }
    let grown = HELD.get() - early;
    assert!(grown < 2048, "{grown} bytes more are held");
}

/// The torture messages with another Call-ID, tag and branch in each round.
fn fresh(number: u64) -> impl Iterator<Item = Vec<u8>> {
    let torture = [corpus::rfc4475(), corpus::rfc5118()].concat();
    torture.into_iter().map(move |message| {
        let mut text = String::from_utf8_lossy(&message.bytes).into_owned();
        for part in ["Call-ID: ", "branch=z9hG4bK", "tag="] {
            text = text.replace(part, &format!("{part}{number}x"));
        }
        text.into_bytes()
    })
}

#[test]
fn many_messages_leave_nothing_in_a_phone() {
    let mut line = Line::registered();
    flood(|number| {
        for message in fresh(number) {
            line.receive(&message);
        }
    });
    line.check_alive();
}

#[test]
fn many_messages_leave_nothing_in_the_registrar() {
    // Limits that are soon reached, and a user who may do everything.
    let limits = Limits {
        bindings: 4,
        subscriptions: 4,
        relays: 4,
        ..Limits::default()
    };
    let mut config = Config {
        authz_server: Some("https://example.com/".into()),
        limits,
        ..Config::default()
    };
    for user in ["user", "j.user", "watson"] {
        let token = User {
            token: Some(user.into()),
            ..User::default()
        };
        config.users.insert(user.into(), token);
    }
    let mut registrar = Registrar::new(config, [1; 32]);
    let mut now = Instant::from_millis(0);
    flood(|number| {
        // Calls are listed for 90 days: they have come and gone after a third.
        now = now + Duration::from_secs(24 * 3600);
        let connection = number as u32;
        registrar.handle_opened(now, connection);
        for message in fresh(number) {
            for token in ["none", "user", "j.user", "watson"] {
                let text = String::from_utf8_lossy(&message);
                let header = format!("\r\nAuthorization: Bearer {token}\r\n");
                let message = text.replacen("\r\n", &header, 1);
                registrar.handle_message(now, connection, message.as_bytes());
                while registrar.poll_output().is_some() {}
            }
        }
        // A few stay.
        if number > 8 {
            registrar.handle_closed(now, connection);
            while registrar.poll_output().is_some() {}
        }
    });
}

#[test]
fn no_number_of_a_stranger_reserves_memory() {
    let torture = [corpus::rfc4475(), corpus::rfc5118()].concat();
    for target in TARGETS {
        for input in target.inputs(torture.iter().map(|message| &*message.bytes)) {
            LARGEST.set(0);
            (target.run)(&input);
            let largest = LARGEST.get();
            assert!(
                largest < 100_000,
                "{}: {largest} bytes at once",
                target.name
            );
        }
    }
}
