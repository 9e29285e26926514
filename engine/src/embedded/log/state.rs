//! What the threads share: the published state of the log, and how a reader finds its place.
//!
//! The lock is held for look-ups and for publishing, never while the disk is read or written.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::model::{EndOffset, Offset, Topic, TopicPartition};
use crate::ports::{FetchedBatch, LogError, PartitionOffsets};

use super::format::{Carried, IndexEntry};
use super::segment::{Segment, SegmentState};
use super::slots::Slots;

/// How often one who waits for the writer looks whether it still lives.
const LIFE_LOOK: Duration = Duration::from_millis(100);

/// Whether the log can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    Open,
    Closed,
    /// The writer thread ended by a panic.
    Failed,
}

/// Everything that is acknowledged, and the positions of the groups.
pub(super) struct State {
    pub(super) life: Life,
    pub(super) carried: Carried,
    /// The committed positions that a crash would leave, by slot.
    pub(super) durable_committed: Vec<Option<u64>>,
    /// The furthest committed positions that a crash might leave, by slot: further than the
    /// durable ones while a write of them is under way, or has failed and is not cut back yet.
    pub(super) furthest_committed: Vec<Option<u64>>,
    /// By number, without a gap; the last one is written to.
    pub(super) segments: VecDeque<SegmentState>,
    pub(super) tail: Tail,
    /// Counts appends per topic, in the order of [`Topic::ALL`]; never 0 when the topic has
    /// records.
    pub(super) appends: [u64; Topic::ALL.len()],
}

/// A stretch of a segment that a reader walks from its beginning.
pub(super) struct Span {
    pub(super) segment: Arc<Segment>,
    pub(super) start: u64,
    pub(super) limit: u64,
    /// End of the asked partition behind the stretch.
    pub(super) end_behind: u64,
}

impl State {
    pub(super) fn begin(&self, slot: usize) -> u64 {
        self.segments
            .front()
            .and_then(|segment| segment.first_ends().get(slot).copied())
            .unwrap_or(0)
    }

    pub(super) fn offsets(&self, slot: usize) -> PartitionOffsets {
        PartitionOffsets {
            begin: Offset(self.begin(slot)),
            end: EndOffset(self.carried.ends[slot]),
        }
    }

    /// Fails unless `offset` is between begin and end of the partition, both included.
    pub(super) fn check_range(
        &self,
        partition: TopicPartition,
        slot: usize,
        offset: u64,
    ) -> Result<(), LogError> {
        let offsets = self.offsets(slot);
        if offset < offsets.begin.0 || offset > offsets.end.0 {
            return Err(LogError::OutOfRange {
                partition,
                offset: Offset(offset),
                offsets,
            });
        }
        Ok(())
    }

    /// The stretch with the record at `offset`, which must be between begin and end, end excluded.
    pub(super) fn span_of(&self, slot: usize, offset: u64) -> Option<Span> {
        let before = |ends: &[u64]| ends[slot] <= offset;
        let segment = self
            .segments
            .partition_point(|segment| before(segment.first_ends()))
            .checked_sub(1)?;
        let entry = self.segments[segment]
            .index
            .partition_point(|entry| before(&entry.ends))
            .checked_sub(1)?;
        Some(self.span(slot, segment, entry))
    }

    /// The first stretch that has records of the partition at `offset` or later, and a group
    /// appended at `at_ms` or later.
    pub(super) fn span_since(&self, slot: usize, offset: u64, at_ms: i64) -> Option<Span> {
        let segment = self
            .segments
            .partition_point(|segment| segment.first_ends()[slot] <= offset)
            .saturating_sub(1);
        (segment..self.segments.len())
            .flat_map(|segment| {
                (0..self.segments[segment].index.len()).map(move |entry| (segment, entry))
            })
            .filter(|(segment, entry)| {
                self.segments[*segment].index[*entry].latest_ms >= at_ms
                    && self.ends_behind(*segment, *entry)[slot] > offset
            })
            .map(|(segment, entry)| self.span(slot, segment, entry))
            .next()
    }

    fn span(&self, slot: usize, segment: usize, entry: usize) -> Span {
        let state = &self.segments[segment];
        Span {
            segment: Arc::clone(&state.segment),
            start: state.index[entry].position,
            limit: state
                .index
                .get(entry + 1)
                .map_or(state.end, |next: &IndexEntry| next.position),
            end_behind: self.ends_behind(segment, entry)[slot],
        }
    }

    /// Ends of all partitions behind an entry of the index.
    fn ends_behind(&self, segment: usize, entry: usize) -> &[u64] {
        if let Some(next) = self.segments[segment].index.get(entry + 1) {
            &next.ends
        } else if let Some(next) = self.segments.get(segment + 1) {
            next.first_ends()
        } else {
            &self.carried.ends
        }
    }
}

/// The latest batches, kept so that a consumer at the end of the log does not read the file.
///
/// For each partition it has an unbroken run up to the end, possibly an empty one.
pub(super) struct Tail {
    batches: Vec<VecDeque<FetchedBatch>>,
    /// Slots of all batches, oldest first.
    order: VecDeque<usize>,
    bytes: usize,
    bytes_max: usize,
}

impl Tail {
    pub(super) fn new(slots: Slots, bytes_max: usize) -> Self {
        Self {
            batches: vec![VecDeque::new(); slots.count()],
            order: VecDeque::new(),
            bytes: 0,
            bytes_max,
        }
    }

    pub(super) fn push(&mut self, slot: usize, batch: FetchedBatch) {
        self.bytes += batch.batch.bytes.len();
        self.batches[slot].push_back(batch);
        self.order.push_back(slot);
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some(batch) = self.batches[oldest].pop_front() {
                self.bytes -= batch.batch.bytes.len();
            }
        }
    }

    /// The batches from the one with the record at `from` on; `None` when that one is not here.
    pub(super) fn since(
        &self,
        slot: usize,
        from: u64,
    ) -> Option<impl Iterator<Item = &FetchedBatch>> {
        let batches = &self.batches[slot];
        let first = batches
            .partition_point(|batch| batch.base_offset.0 <= from)
            .checked_sub(1)?;
        Some(batches.range(first..))
    }
}

/// What the handle and the writer thread share.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) slots: Slots,
    pub(super) state: Mutex<State>,
    /// Signalled when records were appended or the log ended.
    pub(super) appended: Condvar,
    /// Whether a fault says that the log is down.
    pub(super) down: AtomicBool,
    /// Whether the writer has ended: from then on nothing is answered any more.
    pub(super) writer_ended: AtomicBool,
    pub(super) syncs: AtomicU64,
    pub(super) groups: AtomicU64,
}

impl Shared {
    /// The state, when the log can be used.
    pub(super) fn usable(&self) -> Result<MutexGuard<'_, State>, LogError> {
        let state = self.state.lock();
        self.check_life(&state)?;
        if self.down.load(Ordering::Acquire) {
            return Err(LogError::Down("a fault is in force".to_owned()));
        }
        Ok(state)
    }

    pub(super) fn check_life(&self, state: &State) -> Result<(), LogError> {
        match state.life {
            Life::Open => Ok(()),
            Life::Closed => Err(LogError::Closed),
            Life::Failed => Err(self.writer_failed()),
        }
    }

    /// Waits for the writer's answer. A command that reaches the queue in the moment in which the
    /// writer ends may stay there unread, so its life is looked at too.
    pub(super) fn answer<T>(&self, answer: &Receiver<Result<T, LogError>>) -> Result<T, LogError> {
        loop {
            match answer.recv_timeout(LIFE_LOOK) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => return Err(self.no_answer()),
                Err(RecvTimeoutError::Timeout) => {
                    let ended = self.writer_ended.load(Ordering::Acquire);
                    if ended && answer.is_empty() {
                        return Err(self.no_answer());
                    }
                }
            }
        }
    }

    /// Why there is no answer from the writer thread.
    pub(super) fn no_answer(&self) -> LogError {
        match self.state.lock().life {
            Life::Closed => LogError::Closed,
            Life::Open | Life::Failed => self.writer_failed(),
        }
    }

    fn writer_failed(&self) -> LogError {
        LogError::Io {
            what: "the thread that writes the log has failed",
            source: std::io::Error::other("see the program's own log"),
            path: self.dir.clone(),
        }
    }

    pub(super) fn slot(&self, partition: TopicPartition) -> Result<usize, LogError> {
        self.slots
            .slot(partition)
            .ok_or(LogError::NoPartition(partition))
    }

    /// Ends the life of the log, unless it has ended, and wakes who waits.
    pub(super) fn end(&self, life: Life) {
        let mut state = self.state.lock();
        if state.life == Life::Open {
            state.life = life;
        }
        drop(state);
        self.appended.notify_all();
    }
}
