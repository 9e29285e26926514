//! Canaries: once a second a probe row is written through each data centre, and the time is taken
//! until each of the others has it. The same writes tell the failover which data centres answer.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::gate::{Gate, Pass};
use super::roles::Watch;
use super::routes::Routes;
use crate::failover::ProbeOutcome;
use crate::model::{Dc, PerDc, Reading};
use crate::ports::{Clock, Entropy, Store};

/// Between two probes through the same data centre.
const INTERVAL: Duration = Duration::from_secs(1);
/// Between two probes of a data centre that did not answer: its return is worth noticing soon.
const INTERVAL_DOWN: Duration = Duration::from_millis(250);
/// Between two looks for a probe that has not arrived.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// When looking for a probe ends; the next one may arrive.
const LOOK_FOR: Duration = Duration::from_secs(2);
/// Delays kept per pair, five minutes of them.
const KEPT: usize = 300;

/// Delays of one pair, the newest last.
#[derive(Debug, Default)]
struct Pair {
    delays: std::collections::VecDeque<Duration>,
    newest_at: Option<Duration>,
}

/// Median and 99th percentile of the last measured times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Delay {
    /// Half of them took at most this time, microseconds.
    pub p50_us: u64,
    /// 99 of 100 took at most this time, microseconds.
    pub p99_us: u64,
    /// How many were measured.
    pub samples: usize,
}

impl Delay {
    /// Percentiles of measured times; `None` when there is none.
    pub(crate) fn of(times: &std::collections::VecDeque<Duration>) -> Option<Self> {
        let mut sorted: Vec<_> = times.iter().map(Duration::as_micros).collect();
        sorted.sort_unstable();
        let at = |share: usize| {
            let rank = (sorted.len() * share).div_ceil(100).max(1);
            let micros = sorted.get(rank - 1).copied().unwrap_or_default();
            u64::try_from(micros).unwrap_or(u64::MAX)
        };
        (!sorted.is_empty()).then(|| Self {
            p50_us: at(50),
            p99_us: at(99),
            samples: sorted.len(),
        })
    }
}

/// The 3x3 matrix: `pairs[via][at]`.
#[derive(Debug, Default)]
pub(crate) struct Canary {
    pairs: Mutex<PerDc<PerDc<Pair>>>,
}

impl Canary {
    fn add(&self, via: Dc, at: Dc, delay: Duration, now: Duration) {
        let mut pairs = self.pairs.lock();
        let pair = &mut pairs[via][at];
        if pair.delays.len() == KEPT {
            pair.delays.pop_front();
        }
        pair.delays.push_back(delay);
        pair.newest_at = Some(now);
    }

    /// The delays of each pair; stale after three missed probes, unknown where none is sent.
    pub(crate) fn view(&self, now: Duration, watch: Watch) -> PerDc<PerDc<Reading<Delay>>> {
        if watch == Watch::Off {
            let none = || Reading::Unknown("this program sends no probes".into());
            return PerDc::from_fn(|_| PerDc::from_fn(|_| none()));
        }
        let pairs = self.pairs.lock();
        PerDc::from_fn(|via| PerDc::from_fn(|at| pairs[via][at].reading(now)))
    }
}

impl Pair {
    fn reading(&self, now: Duration) -> Reading<Delay> {
        let (Some(newest_at), Some(value)) = (self.newest_at, Delay::of(&self.delays)) else {
            return Reading::Unknown("no probe has arrived yet".into());
        };
        let age = now.saturating_sub(newest_at);
        if age > INTERVAL * 3 {
            Reading::Stale { value, age }
        } else {
            Reading::Known(value)
        }
    }
}

/// Probes through one data centre until the gate stops it.
pub(crate) struct Prober {
    /// The data centre.
    pub(crate) via: Dc,
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Told which data centres answer.
    pub(crate) routes: Arc<Routes>,
    /// Where delays go.
    pub(crate) canary: Arc<Canary>,
    /// Randomness, so that the probers of three data centres do not run in step.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Stop.
    pub(crate) gate: Arc<Gate>,
}

impl Prober {
    /// Runs until the gate stops it.
    pub(crate) fn run(&self) {
        let mut pause = INTERVAL;
        let mut id = u64::try_from(self.clock.now().timestamp_micros()).unwrap_or(0);
        while self.gate.wait(self.jittered(pause)) == Pass::Go {
            id += 1;
            let began = self.clock.monotonic();
            let written = self.store.write_probe(self.via, id);
            let outcome = match written {
                Ok(()) => ProbeOutcome::Answered,
                Err(_) => ProbeOutcome::Failed,
            };
            self.routes.probed(self.via, outcome);
            pause = match outcome {
                ProbeOutcome::Answered => {
                    self.watch(id, began);
                    INTERVAL
                }
                ProbeOutcome::Failed => INTERVAL_DOWN,
            };
        }
    }

    /// A pause between 90 % and 110 % of `pause`.
    fn jittered(&self, pause: Duration) -> Duration {
        let percent = 90 + self.entropy.next_u64() % 21;
        // Below 111, so it fits.
        pause * u32::try_from(percent).unwrap_or(100) / 100
    }

    /// Looks for probe `id` everywhere until it is there.
    fn watch(&self, id: u64, began: Duration) {
        let mut missing: Vec<Dc> = Dc::ALL.to_vec();
        while !missing.is_empty() {
            missing.retain(|at| {
                let arrived = self
                    .store
                    .read_probe(self.via, *at)
                    .is_ok_and(|newest| newest.is_some_and(|newest| newest >= id));
                if arrived {
                    let now = self.clock.monotonic();
                    let delay = now.saturating_sub(began);
                    self.canary.add(self.via, *at, delay, now);
                }
                !arrived
            });
            let over = self.clock.monotonic().saturating_sub(began) > LOOK_FOR;
            if missing.is_empty() || over || self.gate.wait(LOOK_EVERY) == Pass::Stop {
                return;
            }
        }
    }
}
