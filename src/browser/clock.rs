//! The time of the page, as `js/core/clock.js` has it.

use crate::time::Instant;
use core::cell::Cell;
use js_sys::Date;

/// Wall and running clock may differ by this much (ms) before one is corrected.
const TOLERANCE: f64 = 1000.0;

/// Milliseconds since the Unix epoch that never run backwards and do not lose the time
/// a machine spent asleep: `performance.now()` may stand still then, `Date.now()` may be
/// set by anyone. Whichever of the two has advanced further is believed.
pub(super) struct Clock {
    ran: Cell<f64>,
    wall: Cell<f64>,
    base: Cell<f64>,
    last: Cell<f64>,
}

impl Clock {
    pub fn new() -> Self {
        let wall = Date::now();
        Self {
            ran: Cell::new(running()),
            wall: Cell::new(wall),
            base: Cell::new(wall),
            last: Cell::new(wall),
        }
    }

    pub fn now(&self) -> Instant {
        let elapsed = running() - self.ran.get();
        let passed = Date::now() - self.wall.get();
        let mut now = self.base.get() + elapsed;
        if (passed - elapsed).abs() > TOLERANCE {
            now = self.base.get() + elapsed.max(passed);
            // Anchored anew only here: adding up the larger of two small rounded steps
            // at every reading would make the clock run fast.
            self.base.set(now);
            self.ran.set(self.ran.get() + elapsed);
            self.wall.set(self.wall.get() + passed);
        }
        let now = now.floor().max(self.last.get());
        self.last.set(now);
        Instant::from_millis(now as u64)
    }
}

/// Milliseconds since the page began.
fn running() -> f64 {
    let performance = web_sys::window().and_then(|window| window.performance());
    performance.map_or_else(Date::now, |performance| performance.now())
}
