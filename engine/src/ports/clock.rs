//! Time and randomness. The engine asks these and never the system, so that a whole run can be
//! repeated from a seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// The wall clock, for people and for records. It may jump.
    fn now(&self) -> DateTime<Utc>;

    /// Time since an arbitrary start, for durations. It never goes back.
    fn monotonic(&self) -> Duration;

    /// Lets `duration` pass. For pacing and for retries, never in place of waiting for a
    /// condition.
    fn sleep(&self, duration: Duration);
}

/// Where randomness comes from.
pub trait Entropy: Send + Sync {
    /// The next 64 random bits. Not for secrets.
    fn next_u64(&self) -> u64;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A `SplitMix64` sequence from a seed, or from the standard library's random hasher keys.
#[derive(Debug)]
pub struct SystemEntropy {
    state: AtomicU64,
}

impl SystemEntropy {
    /// The sequence of a seed.
    pub const fn seeded(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(seed),
        }
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self::seeded(RandomState::new().hash_one(0_u8))
    }
}

impl Entropy for SystemEntropy {
    fn next_u64(&self) -> u64 {
        // Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self
            .state
            .fetch_add(GAMMA, Ordering::Relaxed)
            .wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The clock of a machine that is ahead of the others, or behind them.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct AheadClock {
    system: SystemClock,
    ahead: chrono::TimeDelta,
}

#[cfg(test)]
impl AheadClock {
    /// Ahead by a time; behind by a negative one.
    pub(crate) fn by(ahead: chrono::TimeDelta) -> Self {
        Self {
            system: SystemClock::default(),
            ahead,
        }
    }
}

#[cfg(test)]
impl Clock for AheadClock {
    fn now(&self) -> DateTime<Utc> {
        self.system.now() + self.ahead
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        self.system.sleep(duration);
    }
}
