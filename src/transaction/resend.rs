//! What is sent again and again until it is acknowledged, on every transport: a
//! 2xx to INVITE until its ACK (RFC 3261 §13.3.1.4), a reliable provisional
//! answer until its PRACK (RFC 3262 §3).

use super::LONG_TIMEOUT;
use crate::time::{Duration, Instant};

/// Timer T1.
const T1: Duration = Duration::from_millis(500);
/// Timer T2.
const T2: Duration = Duration::from_secs(4);

/// The clock of one such answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resend {
    at: Instant,
    interval: Duration,
    until: Instant,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// Send it again.
    Again,
    /// Nobody acknowledges it.
    GiveUp,
}

impl Resend {
    /// It was sent at `now` for the first time.
    pub fn new(now: Instant) -> Self {
        Self {
            at: now + T1,
            interval: T1,
            until: now + LONG_TIMEOUT,
        }
    }

    /// When [`Resend::due`] is to be asked.
    pub fn poll_timeout(&self) -> Instant {
        self.at.min(self.until)
    }

    /// What is to be done at `now`.
    pub fn due(&mut self, now: Instant) -> Due {
        if self.until <= now {
            return Due::GiveUp;
        }
        if self.at > now {
            return Due::Nothing;
        }
        self.interval = (self.interval * 2).min(T2);
        self.at = now + self.interval;
        Due::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_double_up_to_t2_and_end_after_32_seconds() {
        let start = Instant::from_millis(0);
        let mut resend = Resend::new(start);
        let mut sent = Vec::new();
        loop {
            let at = resend.poll_timeout();
            match resend.due(at) {
                Due::Again => sent.push(at.millis()),
                Due::GiveUp => break assert_eq!(at.millis(), 32_000),
                Due::Nothing => panic!("a deadline at which nothing is due"),
            }
        }
        assert_eq!(sent[..5], [500, 1500, 3500, 7500, 11500]);
        assert_eq!(sent.len(), 10);
    }
}
