//! Rows at each hop since the engine was opened. Written by the workers once per batch, read by
//! the sampler.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{PerRegion, Region};

/// Counters of one region.
#[derive(Debug, Default)]
pub(crate) struct RegionCounters {
    /// Clean lines acknowledged by the log.
    pub(crate) produced: AtomicU64,
    /// Lines fetched from the log.
    pub(crate) consumed: AtomicU64,
    /// Lines acknowledged by the store, those that were there already among them.
    pub(crate) written: AtomicU64,
    /// Lines that were not there before.
    pub(crate) new: AtomicU64,
    /// Flushes acknowledged by the store.
    pub(crate) flushes: AtomicU64,
    /// Flushes that had to be sent again.
    pub(crate) retries: AtomicU64,
    /// Lines acknowledged by one data centre only, their offsets held back.
    pub(crate) held_back: AtomicU64,
    /// Flushes on their way now.
    pub(crate) in_flight: AtomicU64,
}

/// Counters of the whole flow.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Data rows read from files.
    pub(crate) read: AtomicU64,
    /// Rows that became clean lines.
    pub(crate) clean: AtomicU64,
    /// Rows set aside.
    pub(crate) set_aside: AtomicU64,
    /// Rows set aside and acknowledged by the store.
    pub(crate) quarantined: AtomicU64,
    /// Groups of lines on their way into the log now.
    pub(crate) appending: AtomicU64,
    regions: PerRegion<RegionCounters>,
}

impl Counters {
    /// Counters of a region.
    pub(crate) fn region(&self, region: Region) -> &RegionCounters {
        &self.regions[region]
    }

    /// Sum of one counter over the regions.
    pub(crate) fn sum(&self, of: impl Fn(&RegionCounters) -> &AtomicU64) -> u64 {
        self.regions.iter().map(|(_, c)| get(of(c))).sum()
    }
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// Sets a counter that says how many there are now.
pub(crate) fn set(counter: &AtomicU64, n: usize) {
    counter.store(n as u64, Ordering::Relaxed);
}

/// Reads a counter.
pub(crate) fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
