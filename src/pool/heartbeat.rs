//! Is the connection alive? A WebSocket whose peer vanished stays open for
//! minutes; pages can send no WebSocket pings, so SIP's own are used (RFC 5626
//! §4.4.1), or an OPTIONS where the server does not answer those.

use crate::rand::Random;
use crate::time::{Duration, Instant};

/// How often to ask and how long to wait for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Longest silence of the peer. It is asked after 80 to 100 % of it, so that
    /// the clients of one server do not ask in step (RFC 5626 §4.4.1).
    pub interval: Duration,
    /// Time for the answer; RFC 5626 §4.4.1 gives it 10 s.
    pub patience: Duration,
}

/// How this server treats a ping. Learned once and kept over reconnections: not
/// every server knows RFC 5626, and one that does not may drop the ping without
/// a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Habit {
    /// Not known yet: a ping without a pong proves nothing.
    #[default]
    Unknown,
    /// Answers pings.
    Pongs,
    /// Does not, but answers OPTIONS.
    Mute,
}

/// What to do for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Send two line breaks.
    Ping,
    /// Send an OPTIONS. Any answer will do.
    Options,
    /// Nobody is there any more: give the connection up.
    Dead,
}

/// ```text
///            interval           patience
///  Quiet ───────────────► Asked ──────────► Dead, or the other question
///    ▲   ask_now            │
///    └──────────────────────┘ anything is heard
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Quiet { until: Instant },
    Asked { question: Beat, until: Instant },
}

/// The heartbeat of one open connection.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    habit: Habit,
    pace: Pace,
    /// 80 to 100, drawn for each connection.
    percent: u32,
    state: State,
    /// Answered at least one question on this connection.
    proven: bool,
    /// A ping went without an answer.
    unheard: bool,
    /// The answer's timer was late before: the peer had its fresh chance.
    late: bool,
    /// How long the next answer may take, if not as long as usual.
    urgent: Option<Duration>,
}

/// A timer this late was late because we slept, not the peer.
const OVERSLEPT: Duration = Duration::from_secs(2);

impl Heartbeat {
    /// Of a connection that has just opened.
    pub fn new(now: Instant, habit: Habit, pace: Pace, random: &mut Random) -> Self {
        let percent = 80 + random.below(21) as u32;
        Self {
            habit,
            pace,
            percent,
            state: State::Quiet {
                until: now + pace.interval * percent / 100,
            },
            proven: false,
            unheard: false,
            late: false,
            urgent: None,
        }
    }

    /// What was learned of the server.
    pub fn habit(&self) -> Habit {
        self.habit
    }

    /// Whether the peer has answered a question on this connection.
    pub fn is_proven(&self) -> bool {
        self.proven
    }

    /// Whether a question waits for its answer.
    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::Asked { .. })
    }

    /// Ask more often, or less: a call came up, or ended. What the server answers
    /// is better known before it matters.
    pub fn set_pace(&mut self, now: Instant, pace: Pace) {
        if self.pace != pace {
            self.pace = pace;
            if let State::Quiet { until } = self.state {
                let next = match self.habit {
                    Habit::Unknown => now,
                    _ => self.next(now),
                };
                self.state = State::Quiet {
                    until: until.min(next),
                };
            }
        }
    }

    /// Something came from the peer: it is alive. It is asked all the same when
    /// the time comes, because the server may count on it (RFC 5626 §5.4).
    pub fn heard(&mut self, now: Instant) {
        if self.is_asking() {
            self.late = false;
            self.state = State::Quiet {
                until: self.next(now),
            };
        }
    }

    /// A single line break came from the peer.
    pub fn pong(&mut self, now: Instant) {
        self.habit = Habit::Pongs;
        self.proven = true;
        self.heard(now);
    }

    /// The answer to our OPTIONS came.
    pub fn answered(&mut self, now: Instant) {
        // A pong may still come of a server that is slow with it.
        if self.habit == Habit::Unknown && self.unheard {
            self.habit = Habit::Mute;
        }
        self.proven = true;
        self.heard(now);
    }

    /// Ask at once and wait no longer than `patience`: the machine woke up, or the
    /// network changed. There is no time to find out what the server answers:
    /// unless that is known it is asked by OPTIONS.
    pub fn ask_now(&mut self, now: Instant, patience: Duration) {
        let unknown = self.habit == Habit::Unknown;
        match &mut self.state {
            // Not if we may have slept through the answer.
            State::Asked { question, until }
                if *until > now && (!unknown || *question == Beat::Options) =>
            {
                *until = (*until).min(now + patience);
            }
            state => {
                *state = State::Quiet { until: now };
                self.urgent = Some(patience);
            }
        }
    }

    /// Fires what is due.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Beat> {
        let (State::Quiet { until } | State::Asked { until, .. }) = self.state;
        if until > now {
            return None;
        }
        let beat = match self.state {
            State::Quiet { .. } => self.question(),
            // The answer may be waiting to be read.
            State::Asked { question, .. } if now - until > OVERSLEPT && !self.late => {
                self.late = true;
                question
            }
            State::Asked {
                question: Beat::Ping,
                ..
            } if self.habit == Habit::Unknown => {
                self.unheard = true;
                Beat::Options
            }
            State::Asked { .. } => Beat::Dead,
        };
        self.state = State::Asked {
            question: beat,
            until: now + self.urgent.take().unwrap_or(self.pace.patience),
        };
        Some(beat)
    }

    /// When [`Heartbeat::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Instant {
        let (State::Quiet { until } | State::Asked { until, .. }) = self.state;
        until
    }

    fn question(&self) -> Beat {
        match self.habit {
            Habit::Mute => Beat::Options,
            Habit::Unknown if self.urgent.is_some() => Beat::Options,
            Habit::Unknown | Habit::Pongs => Beat::Ping,
        }
    }

    fn next(&self, now: Instant) -> Instant {
        now + self.pace.interval * self.percent / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        interval: Duration::from_secs(30),
        patience: Duration::from_secs(8),
    };

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    fn heartbeat(habit: Habit) -> Heartbeat {
        Heartbeat::new(at(0), habit, PACE, &mut Random::from_seed([1; 32]))
    }

    /// Fires at the next deadline.
    fn fire(heartbeat: &mut Heartbeat) -> (u64, Option<Beat>) {
        let now = heartbeat.poll_timeout();
        (now.millis(), heartbeat.handle_timeout(now))
    }

    #[test]
    fn a_silent_peer_is_asked_within_the_interval() {
        let mut heartbeat = heartbeat(Habit::Unknown);
        assert_eq!(heartbeat.handle_timeout(at(20)), None);
        let (at, beat) = fire(&mut heartbeat);
        assert!((24_000..=30_000).contains(&at));
        assert_eq!(beat, Some(Beat::Ping));
    }

    #[test]
    fn whatever_is_heard_answers_the_question_but_does_not_put_it_off() {
        let mut heartbeat = heartbeat(Habit::Pongs);
        let due = heartbeat.poll_timeout();
        heartbeat.heard(at(10));
        assert_eq!(heartbeat.poll_timeout(), due);
        assert_eq!(heartbeat.handle_timeout(due), Some(Beat::Ping));
        heartbeat.heard(due);
        assert!(heartbeat.poll_timeout() >= due + Duration::from_secs(24));
    }

    #[test]
    fn a_server_without_pongs_is_learned_and_never_dead_for_it() {
        let mut heartbeat = heartbeat(Habit::Unknown);
        assert_eq!(fire(&mut heartbeat).1, Some(Beat::Ping));
        assert_eq!(fire(&mut heartbeat).1, Some(Beat::Options));
        let now = heartbeat.poll_timeout();
        heartbeat.answered(now);
        assert_eq!(heartbeat.habit(), Habit::Mute);
        assert_eq!(fire(&mut heartbeat).1, Some(Beat::Options));
        assert_eq!(fire(&mut heartbeat).1, Some(Beat::Dead));
    }

    #[test]
    fn a_server_known_to_pong_is_dead_without() {
        let mut heartbeat = heartbeat(Habit::Unknown);
        fire(&mut heartbeat);
        let now = heartbeat.poll_timeout();
        heartbeat.pong(now);
        assert!(heartbeat.is_proven());
        let (asked, _) = fire(&mut heartbeat);
        let (dead, beat) = fire(&mut heartbeat);
        assert_eq!((beat, dead - asked), (Some(Beat::Dead), 8000));
    }

    #[test]
    fn a_late_timer_gives_the_peer_one_fresh_chance() {
        let mut heartbeat = heartbeat(Habit::Pongs);
        fire(&mut heartbeat);
        let late = heartbeat.poll_timeout() + Duration::from_secs(3600);
        assert_eq!(heartbeat.handle_timeout(late), Some(Beat::Ping));
        let later = heartbeat.poll_timeout() + Duration::from_secs(3600);
        assert_eq!(heartbeat.handle_timeout(later), Some(Beat::Dead));
    }

    #[test]
    fn each_sleep_gives_the_peer_a_fresh_chance() {
        let mut heartbeat = heartbeat(Habit::Pongs);
        for _ in 0..3 {
            fire(&mut heartbeat);
            let late = heartbeat.poll_timeout() + Duration::from_secs(3600);
            assert_eq!(heartbeat.handle_timeout(late), Some(Beat::Ping));
            heartbeat.heard(late);
        }
    }

    #[test]
    fn a_call_quickens_it_and_waking_up_asks_at_once() {
        let mut heartbeat = heartbeat(Habit::Pongs);
        let call = Pace {
            interval: Duration::from_secs(5),
            patience: Duration::from_secs(3),
        };
        heartbeat.set_pace(at(10), call);
        assert!(heartbeat.poll_timeout() <= at(15));
        heartbeat.ask_now(at(11), Duration::from_secs(9));
        assert_eq!(heartbeat.handle_timeout(at(11)), Some(Beat::Ping));
        assert_eq!(heartbeat.poll_timeout(), at(20));
        heartbeat.ask_now(at(12), Duration::from_secs(2));
        assert_eq!(heartbeat.handle_timeout(at(12)), None);
        assert_eq!(heartbeat.poll_timeout(), at(14));
        heartbeat.heard(at(13));
        assert!(heartbeat.poll_timeout() <= at(18));
    }

    #[test]
    fn in_a_hurry_an_unknown_server_gets_the_question_that_it_surely_answers() {
        let hurry = Duration::from_secs(1);
        // Whether or not a ping is under way.
        for asked in [false, true] {
            let mut heartbeat = heartbeat(Habit::Unknown);
            let mut now = at(11);
            if asked {
                now = heartbeat.poll_timeout();
                heartbeat.handle_timeout(now);
            }
            heartbeat.ask_now(now, hurry);
            assert_eq!(fire(&mut heartbeat), (now.millis(), Some(Beat::Options)));
            // Of two looks in a row the second asks nothing more.
            heartbeat.ask_now(now, hurry);
            let mut answered = heartbeat;
            let dead = (now.millis() + 1000, Some(Beat::Dead));
            assert_eq!(fire(&mut heartbeat), dead);
            // Its answer does not tell that it never answers pings.
            answered.answered(now);
            assert_eq!(answered.habit(), Habit::Unknown);
            let (asked, beat) = fire(&mut answered);
            assert_eq!(beat, Some(Beat::Ping));
            assert_eq!(answered.poll_timeout().millis(), asked + 8000);
        }
    }
}
