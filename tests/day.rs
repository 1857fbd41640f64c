//! A day in virtual time: refreshes, takeovers and network switches, with the
//! same memory in use at its end as after its first three hours.
//!
//! A test of its own, because its allocator counts.

#![allow(unsafe_code)] // an allocator is made of it
#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

use graceline::phone::{Phone, Status};
use graceline::registrar::{Config, Dialect, Policy};
use graceline::time::Duration;
use graceline_kit::world::{ClientId, World, registrar_config};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

static BLOCKS: AtomicIsize = AtomicIsize::new(0);
static BYTES: AtomicIsize = AtomicIsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(blocks: isize, bytes: isize) {
    BLOCKS.fetch_add(blocks, Ordering::Relaxed);
    BYTES.fetch_add(bytes, Ordering::Relaxed);
}

// SAFETY: all is done by the system's allocator; here it is only counted. (The
// default `realloc` goes through both.)
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-1, -(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

/// What a moment of rest holds on to.
#[derive(Debug, PartialEq)]
struct Held {
    blocks: isize,
    bytes: isize,
    /// Open sockets of all clients, and machines that wait for a time.
    sockets: usize,
    timers: usize,
}

fn held(world: &mut World) -> Held {
    world.log = Vec::new();
    for client in &mut world.clients {
        client.events = Vec::new();
    }
    let everybody = 0..world.clients.len();
    let sockets = everybody.map(|id| world.sockets(id).len()).sum();
    let timers = world.clients.iter();
    let timers = timers.filter(|client| client.phone.poll_timeout().is_some());
    Held {
        sockets,
        timers: timers.count(),
        blocks: BLOCKS.load(Ordering::Relaxed),
        bytes: BYTES.load(Ordering::Relaxed),
    }
}

/// Takes the device over, and waits until the other client knows.
fn take_over(world: &mut World, id: ClientId, other: ClientId) {
    assert_eq!(world.login(id, true), None);
    world.until("ousted", |world| {
        world.status(other) == Status::ConnectionTerminated
    });
}

/// An hour in which `times` things of each kind happen; the first client holds
/// the device at its end.
fn hour(world: &mut World, first: ClientId, second: ClientId, times: u32) {
    let end = world.now + Duration::from_secs(3600);
    for round in 0..times {
        take_over(world, second, first);
        world.run(Duration::from_secs(20));
        take_over(world, first, second);
        // Another network: the sockets are gone, and new ones are made.
        world.cut(first);
        world.act(first, Phone::look);
        world.until("back", |world| world.status(first) == Status::Ready);
        if round % 4 == 0 {
            world.restart_registrar();
            world.until("noticed", |world| world.status(first) != Status::Ready);
            world.until("back", |world| world.status(first) == Status::Ready);
        }
        if round % 3 == 0 {
            world.reload(second, true);
        }
    }
    assert!(world.now < end, "the hour is long enough");
    while world.step(end) {}
    assert_eq!(world.status(first), Status::Ready);
}

fn day(name: &str, config: Config, addresses: usize) {
    let mut world = World::new(1, config);
    world.telling = false;
    let [first, second] = ["first", "second"].map(|name| {
        world.client_with(name, |config| {
            let url = |n| format!("ws://127.0.0.{n}/");
            config.connections = (1..=addresses).map(url).collect();
        })
    });
    assert_eq!(world.login(first, false), None);
    // Until all that has a limit has reached it: a phone knows the last numbers of
    // 64 Call-IDs, a registrar 32 of those whom it ousted.
    for times in [40, 40, 4] {
        hour(&mut world, first, second, times);
    }
    let before = held(&mut world);
    for _ in 4..=24 {
        hour(&mut world, first, second, 4);
    }
    let after = held(&mut world);
    println!("{name}: {before:?} after 3 h, {after:?} after 24 h");
    assert_eq!(after.sockets, before.sockets, "{name}");
    assert_eq!(after.timers, before.timers, "{name}");
    // Counters grow by a digit, and what is under way differs; one block lost in an
    // hour would be 21, one in a refresh 1,500.
    assert!(after.blocks - before.blocks <= 8, "{name}");
    assert!(after.bytes - before.bytes <= 512, "{name}");
}

#[test]
fn a_day_ends_with_the_memory_it_began_with() {
    let plain = |dialect| Config {
        policy: Policy::Normal,
        dialect: Some(dialect),
        ..registrar_config()
    };
    day("graceful", registrar_config(), 1);
    day("graceful, three addresses", registrar_config(), 3);
    day("rfc3261", plain(Dialect::Rfc3261), 1);
    day("kamailio", plain(Dialect::Kamailio), 1);
    day("asterisk", plain(Dialect::Asterisk), 1);
}
