//! Replication delay: how long a probe line written in one data centre takes to another.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::model::{Dc, PerDc};

/// Samples kept per pair: five minutes at one a second.
const CAPACITY: usize = 300;

/// Delay over the samples kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Delay {
    /// Median.
    pub p50: Duration,
    /// 99th percentile.
    pub p99: Duration,
    /// Samples that they rest on.
    pub samples: usize,
}

/// The last delays between each pair of data centres.
#[derive(Debug, Clone, Default)]
pub struct Canary {
    rings: PerDc<PerDc<VecDeque<Duration>>>,
}

impl Canary {
    /// Records how long a probe written through `from` took until `to` had it.
    pub fn record(&mut self, from: Dc, to: Dc, delay: Duration) {
        let ring = &mut self.rings[from][to];
        if ring.len() == CAPACITY {
            ring.pop_front();
        }
        ring.push_back(delay);
    }

    /// Forgets what was measured towards a data centre: after an outage the old delays say nothing.
    pub fn forget(&mut self, to: Dc) {
        for (_, row) in self.rings.iter_mut() {
            row[to].clear();
        }
    }

    /// The delay of a pair; `None` when no probe arrived yet.
    pub fn delay(&self, from: Dc, to: Dc) -> Option<Delay> {
        let mut sorted: Vec<Duration> = self.rings[from][to].iter().copied().collect();
        sorted.sort_unstable();
        Some(Delay {
            p50: percentile(&sorted, 50)?,
            p99: percentile(&sorted, 99)?,
            samples: sorted.len(),
        })
    }

    /// All pairs: `matrix[from][to]`.
    pub fn matrix(&self) -> PerDc<PerDc<Option<Delay>>> {
        PerDc::from_fn(|from| PerDc::from_fn(|to| self.delay(from, to)))
    }
}

/// Nearest rank: the smallest value that `percent` of the values do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let mut canary = Canary::default();
        for n in (1..=100).rev() {
            canary.record(Dc::Europe, Dc::Americas, ms(n));
        }
        let delay = canary.delay(Dc::Europe, Dc::Americas).unwrap();
        assert_eq!((delay.p50, delay.p99, delay.samples), (ms(50), ms(99), 100));
        assert_eq!(canary.delay(Dc::Americas, Dc::Europe), None, "one way only");
    }

    #[test]
    fn a_steady_delay_shows_as_itself_and_old_samples_go() {
        let mut canary = Canary::default();
        for _ in 0..CAPACITY {
            canary.record(Dc::Europe, Dc::Americas, ms(9_000));
        }
        for n in 0..CAPACITY as u64 {
            canary.record(Dc::Europe, Dc::Americas, ms(240 + n % 20));
        }
        let delay = canary.matrix()[Dc::Europe][Dc::Americas].unwrap();
        assert_eq!(delay.samples, CAPACITY);
        assert!(delay.p50 >= ms(225) && delay.p99 <= ms(275), "{delay:?}");
        canary.forget(Dc::Americas);
        assert_eq!(canary.delay(Dc::Europe, Dc::Americas), None);
    }
}
