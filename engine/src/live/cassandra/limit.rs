//! How many requests may be in flight: as many as the nodes answer soon.
//!
//! A fixed number is wrong on every machine but one. Too many wait in the nodes' queues until
//! their time is up, and all of that work is done again; so the number follows the answers: each
//! round of quick ones adds a request, a slow one takes an eighth away (additive increase,
//! multiplicative decrease, as TCP does it).

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ports::{Clock, StoreError};

/// Requests in flight at most: a node always has work then while answers travel.
const MOST: usize = 128;
/// And at least: two for each node.
const FEWEST: usize = 6;
/// With how many it begins.
const FIRST: usize = 48;
/// An answer is slow when it takes this part of the time that it has.
const SLOW_PART: u32 = 4;

/// Leave for requests.
pub(super) struct Limit {
    clock: Arc<dyn Clock>,
    permits: Arc<Semaphore>,
    slow: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests that may be in flight.
    now: usize,
    /// Permits that must not be given out again.
    owed: usize,
    /// Quick answers since it grew.
    quick: usize,
    /// When it shrank: answers to requests that were sent before say nothing new.
    shrunk_at: Duration,
}

/// Leave for one request; given back when it is answered.
pub(super) struct Leave {
    limit: Arc<Limit>,
    permit: Option<OwnedSemaphorePermit>,
    begun: Duration,
}

impl Limit {
    /// For requests that have `timeout` to be answered.
    pub(super) fn new(clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        Self {
            clock,
            permits: Arc::new(Semaphore::new(FIRST)),
            slow: timeout / SLOW_PART,
            state: Mutex::new(State {
                now: FIRST,
                owed: 0,
                quick: 0,
                shrunk_at: Duration::ZERO,
            }),
        }
    }

    /// Waits for leave.
    pub(super) async fn leave(self: &Arc<Self>) -> Result<Leave, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_closed| StoreError::Closed)?;
        Ok(Leave {
            limit: Arc::clone(self),
            permit: Some(permit),
            begun: self.clock.monotonic(),
        })
    }

    /// Takes leave back, and learns from how long the answer took.
    fn returned(&self, permit: OwnedSemaphorePermit, begun: Duration) {
        let now = self.clock.monotonic();
        let mut state = self.state.lock();
        if state.owed > 0 {
            state.owed -= 1;
            permit.forget();
        }
        if now.saturating_sub(begun) < self.slow {
            state.quick += 1;
            if state.quick >= state.now && state.now < MOST {
                state.quick = 0;
                state.now += 1;
                self.permits.add_permits(1);
            }
        } else if begun >= state.shrunk_at {
            let fewer = (state.now * 7 / 8).max(FEWEST);
            state.owed += state.now.saturating_sub(fewer);
            state.now = fewer.min(state.now);
            state.quick = 0;
            state.shrunk_at = now;
        }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.limit.returned(permit, self.begun);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use chrono::{DateTime, Utc};

    use super::*;

    #[derive(Default)]
    struct HandClock(AtomicU64);

    impl Clock for HandClock {
        fn now(&self) -> DateTime<Utc> {
            DateTime::default()
        }

        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::Relaxed))
        }

        fn sleep(&self, duration: Duration) {
            let ms = u64::try_from(duration.as_millis()).unwrap();
            self.0.fetch_add(ms, Ordering::Relaxed);
        }
    }

    /// Sends as many as may be sent, again and again, each round taking `ms`.
    fn rounds(limit: &Arc<Limit>, clock: &HandClock, rounds: usize, ms: u64) -> usize {
        let mut sent = 0;
        for _ in 0..rounds {
            let mut leaves = Vec::new();
            while let Ok(permit) = Arc::clone(&limit.permits).try_acquire_owned() {
                leaves.push(Leave {
                    limit: Arc::clone(limit),
                    permit: Some(permit),
                    begun: clock.monotonic(),
                });
            }
            sent = leaves.len();
            clock.sleep(Duration::from_millis(ms));
        }
        sent
    }

    #[test]
    fn it_grows_while_answers_are_quick_and_shrinks_when_they_are_slow() {
        let clock = Arc::new(HandClock::default());
        let limit = Arc::new(Limit::new(
            Arc::clone(&clock) as Arc<dyn Clock>,
            Duration::from_secs(1),
        ));
        assert_eq!(rounds(&limit, &clock, 1, 10), FIRST);
        assert_eq!(rounds(&limit, &clock, 500, 10), MOST);
        assert_eq!(rounds(&limit, &clock, 2, 300), MOST - MOST / 8);
        assert_eq!(rounds(&limit, &clock, 200, 300), FEWEST);
        assert!(rounds(&limit, &clock, 3, 10) > FEWEST);
    }
}
