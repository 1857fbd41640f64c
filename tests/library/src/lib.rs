//! A web app without std, in Rust: its own allocator and panic handler, and a phone.
//! A second one of either does not link.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::vec::Vec;
use graceline::prelude::*;

/// A phone for 2001@example.com at one server.
pub fn phone(seed: [u8; 32]) -> Result<Phone, ConfigError> {
    let instance = "urn:uuid:6b1ea9c3-3f1d-4c0b-9c1e-5d3c1a2b4c5d";
    let mut config = Config::new("wss://sip.example.com/", "2001", "example.com", instance);
    config.password = Some("secret".into());
    Phone::new(config, seed)
}

/// What is to be done now.
pub fn drain(phone: &mut Phone) -> Vec<Output> {
    core::iter::from_fn(|| phone.poll_output()).collect()
}

#[cfg(target_arch = "wasm32")]
mod app {
    use core::alloc::{GlobalAlloc, Layout};
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use graceline::prelude::*;

    /// Hands out and never takes back.
    struct Bump([u8; SIZE]);

    const SIZE: usize = 1 << 20;
    static USED: AtomicUsize = AtomicUsize::new(0);

    #[global_allocator]
    static ALLOCATOR: Bump = Bump([0; SIZE]);

    // SAFETY: no byte is handed out twice, and there are no threads.
    unsafe impl GlobalAlloc for Bump {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let begin = self.0.as_ptr() as usize;
            let at = (begin + USED.load(Relaxed)).next_multiple_of(layout.align());
            let end = at + layout.size() - begin;
            if end > SIZE {
                return core::ptr::null_mut();
            }
            USED.store(end, Relaxed);
            at as *mut u8
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        core::arch::wasm32::unreachable()
    }

    /// How many sockets a login opens at once.
    #[unsafe(no_mangle)]
    extern "C" fn sockets_of_a_login() -> usize {
        let Ok(mut phone) = super::phone([7; 32]) else {
            return 0;
        };
        phone.register(Instant::from_millis(0), 1, false);
        let opens = |output: &Output| matches!(output, Output::Open { .. });
        super::drain(&mut phone).into_iter().filter(opens).count()
    }

    /// Bytes that this allocator, and no other, has handed out.
    #[unsafe(no_mangle)]
    extern "C" fn bytes_handed_out() -> usize {
        USED.load(Relaxed)
    }
}
