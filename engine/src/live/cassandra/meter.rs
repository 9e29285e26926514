//! Measurements of our own requests through one data centre.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::model::Reading;

/// Writes whose times are kept: some seconds of a load, and more than a percentile needs.
const RECENT: usize = 1_024;

/// Counts and times of writes.
#[derive(Debug, Default)]
pub(super) struct Meter {
    writes: AtomicU64,
    errors: AtomicU64,
    recent_us: Mutex<VecDeque<u64>>,
}

impl Meter {
    /// A write was acknowledged.
    pub(super) fn succeeded(&self, took: Duration) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let mut recent = self.recent_us.lock();
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// A write failed, or its end is not known.
    pub(super) fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Median and 99th percentile of the last writes, microseconds.
    pub(super) fn percentiles(&self) -> [Reading<u64>; 2] {
        let mut sorted: Vec<u64> = self.recent_us.lock().iter().copied().collect();
        sorted.sort_unstable();
        [50, 99].map(|percent| percentile(&sorted, percent))
    }
}

/// Nearest rank: the smallest value that at least `percent` of all are not above.
fn percentile(sorted: &[u64], percent: usize) -> Reading<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    match sorted.get(rank.saturating_sub(1)) {
        Some(value) => Reading::Known(*value),
        None => Reading::Unknown("nothing was written yet".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_writes_are_what_is_measured() {
        let meter = Meter::default();
        assert!(meter.percentiles()[0].known().is_none());
        for _ in 0..RECENT {
            meter.succeeded(Duration::from_secs(1));
        }
        for us in 1..=RECENT as u64 {
            meter.succeeded(Duration::from_micros(us));
        }
        meter.failed();
        assert_eq!((meter.writes(), meter.errors()), (2 * RECENT as u64, 1));
        assert_eq!(
            meter.percentiles(),
            [Reading::Known(512), Reading::Known(1_014)]
        );
    }
}
