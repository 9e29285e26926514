//! Where a consumer stands: told by it, read by the ledger, moved by replays and rebuilds.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// In place of an offset: this consumer does not read the partition. No log grows so far.
const ELSEWHERE: u64 = u64::MAX;

/// Where a consumer stands, shared with those who watch or move it.
#[derive(Debug)]
pub(crate) struct Position {
    /// Next offset to fetch, per partition; [`ELSEWHERE`] where another process reads.
    fetched: Vec<AtomicU64>,
    /// Offsets to go to before anything else is read.
    moved: Mutex<Option<Vec<Option<u64>>>>,
    /// Base of write timestamps: raised when summaries are to be written anew.
    generation: AtomicU64,
}

impl Position {
    /// Of a topic with `partitions` partitions.
    pub(crate) fn new(partitions: u16, generation: u64) -> Self {
        Self {
            fetched: (0..partitions).map(|_| AtomicU64::new(0)).collect(),
            moved: Mutex::new(None),
            generation: AtomicU64::new(generation),
        }
    }

    /// Next offset to fetch of each partition; `None` for those that it does not read.
    pub(crate) fn fetched(&self) -> Vec<Option<u64>> {
        self.fetched
            .iter()
            .map(|at| Some(at.load(Ordering::Acquire)).filter(|at| *at != ELSEWHERE))
            .collect()
    }

    /// Tells the consumer to go on from `offsets`, with what it remembers forgotten.
    pub(crate) fn move_to(&self, offsets: Vec<Option<u64>>) {
        *self.moved.lock() = Some(offsets);
    }

    /// Raises the base of write timestamps.
    pub(crate) fn set_generation(&self, generation: u64) {
        self.generation.fetch_max(generation, Ordering::AcqRel);
    }

    /// Says where the consumer stands.
    pub(super) fn set(&self, partition: usize, offset: u64) {
        if let Some(at) = self.fetched.get(partition) {
            at.store(offset, Ordering::Release);
        }
    }

    /// Says that the consumer does not read a partition.
    pub(super) fn leave(&self, partition: usize) {
        self.set(partition, ELSEWHERE);
    }

    /// Whether the consumer is to go elsewhere.
    pub(super) fn is_moved(&self) -> bool {
        self.moved.lock().is_some()
    }

    /// Where the consumer is to go; once.
    pub(super) fn take_move(&self) -> Option<Vec<Option<u64>>> {
        self.moved.lock().take()
    }

    /// Base of write timestamps.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}
