//! The embedded log: [`ports::Log`](crate::ports::Log) over files of this process.
//!
//! All partitions of all topics share one sequence of *groups*, written to segment files one
//! after the other, because a sync costs milliseconds whatever it is for: what several producers
//! queue meanwhile is written together and made durable by one `fdatasync`. A group is there as a
//! whole or not at all; offsets, committed positions and load marks lie in it beside the records,
//! so that nothing has to be kept consistent across files.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`format`] | the bytes: headers, tables, checksums |
//! | [`segment`] | one file: reading and checking at a place |
//! | [`checkpoint`] | where opening may start, so that it does not read the history |
//! | [`recovery`] | opening: torn ends are cut, damage is named |
//! | [`state`] | what the threads share; the sparse index; the latest batches in memory |
//! | [`writer`] | the only thread that writes |
//! | [`reader`] | fetching and looking up |
//!
//! Opening reads the groups since the last checkpoint, at most about one segment after a crash.
//! Memory: the index, about 1/2500 of the log, and the latest batches up to
//! [`LogOptions::tail_bytes`].
//!
//! What it is not: it is not replicated, and one process has it open at a time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::{Condvar, Mutex};

use crate::model::{CommittedOffset, Offset, Topic, TopicPartition};
use crate::ports::{
    Append, AppendReceipt, Clock, Disk, DiskLock, Fault, FetchedBatch, LoadMark, Log, LogActivity,
    LogError, PartitionOffsets, PendingAppend,
};

mod checkpoint;
mod format;
mod reader;
mod recovery;
mod segment;
mod slots;
mod state;
#[cfg(test)]
mod tests;
mod writer;

pub use slots::PARTITIONS_MAX;

use segment::io_error;
use slots::{Slots, topic_index};
use state::{Life, Shared, State, Tail};
use writer::{Command, Writer};

/// Appends that wait for the writer. It takes all of them at once, so that two would do to keep
/// it busy; a few more let small producers share a sync. Each may hold some megabytes.
const QUEUE_CAPACITY: usize = 4;

/// How a log is made and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// Partitions of each regional topic, 1 to [`PARTITIONS_MAX`] (else the nearest of these).
    /// Fixed when the log is made: a log that is there keeps what it has.
    pub partitions_per_topic: u16,
    /// Length at which a segment is left for a new one. Retention drops whole segments.
    pub segment_bytes: u64,
    /// Bytes of the latest batches kept in memory for consumers that are at the end.
    pub tail_bytes: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            partitions_per_topic: 3,
            segment_bytes: 64 * 1024 * 1024,
            tail_bytes: 4 * 1024 * 1024,
        }
    }
}

/// What a log has and does, for health and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogStats {
    /// Bytes of all segments.
    pub bytes_on_disk: u64,
    /// How many segments there are.
    pub segments: usize,
    /// Groups written since the log was opened.
    pub groups_total: u64,
    /// `fdatasync` calls on segments since the log was opened, for groups and for repairs.
    pub syncs_total: u64,
    /// Appends that wait for the writer.
    pub queue_depth: usize,
    /// How many may wait.
    pub queue_capacity: usize,
}

/// The log in a folder. Closed when dropped; [`Log::close`] also says whether that went well.
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    queue: Sender<Command>,
    running: Mutex<Option<Running>>,
}

/// What ends with the log.
struct Running {
    thread: JoinHandle<()>,
    _lock: Box<dyn DiskLock>,
}

impl EmbeddedLog {
    /// Opens the log in the folder `dir`, made with its parents when it is not there.
    ///
    /// Cuts the torn end that a crash may have left. Fails with [`LogError::InUse`],
    /// [`LogError::Damaged`], [`LogError::NewerFormat`] or [`LogError::Io`], and then has changed
    /// nothing that is acknowledged.
    pub fn open(
        dir: &Path,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        options: LogOptions,
    ) -> Result<Self, LogError> {
        disk.create_dir_all(dir)
            .map_err(io_error("cannot make the folder of the log", dir))?;
        let lock = disk.lock(dir).map_err(|source| {
            if source.kind() == std::io::ErrorKind::WouldBlock {
                LogError::InUse {
                    path: dir.to_owned(),
                }
            } else {
                io_error("cannot lock the folder of the log", dir)(source)
            }
        })?;
        let wanted = options.partitions_per_topic.clamp(1, PARTITIONS_MAX);
        let wanted = Slots::new(wanted).ok_or(LogError::Closed)?;
        let found = recovery::recover(disk.as_ref(), dir, wanted)?;
        let mut appends = [0; Topic::ALL.len()];
        for (slot, end) in found.carried.ends.iter().enumerate() {
            if *end > 0 {
                appends[found.slots.topic_of(slot)] = 1;
            }
        }
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            slots: found.slots,
            state: Mutex::new(State {
                life: Life::Open,
                durable_committed: found.carried.committed.clone(),
                furthest_committed: found.carried.committed.clone(),
                carried: found.carried,
                segments: found.segments,
                tail: Tail::new(found.slots, options.tail_bytes),
                appends,
            }),
            appended: Condvar::new(),
            down: AtomicBool::new(false),
            writer_ended: AtomicBool::new(false),
            syncs: AtomicU64::new(0),
            groups: AtomicU64::new(0),
        });
        let (queue, commands) = bounded(QUEUE_CAPACITY);
        let writer = Writer::new(
            Arc::clone(&shared),
            disk,
            clock,
            &options,
            commands,
            found.next_sequence,
        );
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(io_error("cannot start the thread that writes the log", dir))?;
        Ok(Self {
            shared,
            queue,
            running: Mutex::new(Some(Running {
                thread,
                _lock: lock,
            })),
        })
    }

    /// What the log has and does at this moment.
    pub fn stats(&self) -> LogStats {
        let state = self.shared.state.lock();
        LogStats {
            bytes_on_disk: state.segments.iter().map(|segment| segment.end).sum(),
            segments: state.segments.len(),
            groups_total: self.shared.groups.load(Ordering::Relaxed),
            syncs_total: self.shared.syncs.load(Ordering::Relaxed),
            queue_depth: self.queue.len(),
            queue_capacity: QUEUE_CAPACITY,
        }
    }

    /// Queues a command and waits for its answer.
    fn ask<T>(&self, command: impl FnOnce(writer::Reply<T>) -> Command) -> Result<T, LogError> {
        let (reply, answer) = bounded(1);
        if self.queue.send(command(reply)).is_err() {
            return Err(self.shared.no_answer());
        }
        self.shared.answer(&answer)
    }
}

/// An append that the writer has not acknowledged yet.
struct Pending {
    shared: Arc<Shared>,
    answer: Receiver<Result<AppendReceipt, LogError>>,
}

impl PendingAppend for Pending {
    fn wait(self: Box<Self>) -> Result<AppendReceipt, LogError> {
        self.shared.answer(&self.answer)
    }
}

impl Log for EmbeddedLog {
    fn partitions(&self, topic: Topic) -> u16 {
        self.shared.slots.partitions(topic)
    }

    fn submit(&self, append: Append) -> Result<Box<dyn PendingAppend>, LogError> {
        drop(self.shared.usable()?);
        for (partition, _) in &append.batches {
            self.shared.slot(*partition)?;
        }
        let (reply, answer) = bounded(1);
        if self.queue.send(Command::Append(append, reply)).is_err() {
            return Err(self.shared.no_answer());
        }
        Ok(Box::new(Pending {
            shared: Arc::clone(&self.shared),
            answer,
        }))
    }

    fn fetch(
        &self,
        partition: TopicPartition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<FetchedBatch>, LogError> {
        reader::fetch(&self.shared, partition, from.0, max_bytes)
    }

    fn wait_for_append(&self, topic: Topic, seen: u64, timeout: Duration) -> u64 {
        let index = topic_index(topic);
        // A wait on a condition variable passes in the time of the machine, whatever the clock of
        // a simulation says.
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.shared.state.lock();
        while state.appends[index] == seen && state.life == Life::Open {
            match deadline {
                Some(deadline) => {
                    if self
                        .shared
                        .appended
                        .wait_until(&mut state, deadline)
                        .timed_out()
                    {
                        break;
                    }
                }
                None => self.shared.appended.wait(&mut state),
            }
        }
        state.appends[index]
    }

    fn wake(&self) {
        // A count that moved is what waiters look for; they find no record and go on waiting.
        let mut state = self.shared.state.lock();
        for count in &mut state.appends {
            *count += 1;
        }
        self.shared.appended.notify_all();
    }

    fn offsets(&self, partition: TopicPartition) -> Result<PartitionOffsets, LogError> {
        let slot = self.shared.slot(partition)?;
        Ok(self.shared.usable()?.offsets(slot))
    }

    fn offset_at(&self, partition: TopicPartition, at: DateTime<Utc>) -> Result<Offset, LogError> {
        reader::offset_at(&self.shared, partition, at)
    }

    fn appended_at(
        &self,
        partition: TopicPartition,
        offset: Offset,
    ) -> Result<Option<DateTime<Utc>>, LogError> {
        reader::appended_at(&self.shared, partition, offset.0)
    }

    fn committed(&self, partition: TopicPartition) -> Result<Option<CommittedOffset>, LogError> {
        let slot = self.shared.slot(partition)?;
        Ok(self.shared.usable()?.carried.committed[slot].map(CommittedOffset))
    }

    fn commit(&self, positions: &[(TopicPartition, CommittedOffset)]) -> Result<(), LogError> {
        let mut state = self.shared.usable()?;
        let mut slots = Vec::with_capacity(positions.len());
        for (partition, position) in positions {
            let slot = self.shared.slot(*partition)?;
            state.check_range(*partition, slot, position.0)?;
            slots.push((slot, position.0));
        }
        let mut back = false;
        for (slot, position) in slots {
            // What a crash would leave must not be further than what was committed last.
            back |= state.furthest_committed[slot] > Some(position);
            state.carried.committed[slot] = Some(position);
        }
        drop(state);
        if back {
            self.ask(Command::Commit)?;
        }
        Ok(())
    }

    fn marks(&self) -> Result<Vec<LoadMark>, LogError> {
        let state = self.shared.usable()?;
        let marks = state.carried.marks.iter().map(|(load, payload)| LoadMark {
            load: *load,
            payload: payload.clone(),
        });
        Ok(marks.collect())
    }

    fn drop_before(&self, before: DateTime<Utc>) -> Result<u64, LogError> {
        drop(self.shared.usable()?);
        self.ask(|reply| Command::DropBefore(before, reply))
    }

    fn activity(&self) -> LogActivity {
        LogActivity {
            round_trip: None,
            rebalances: None,
            syncs: Some(self.shared.syncs.load(Ordering::Relaxed)),
            queued: Some(self.queue.len() as u64),
            capacity: Some(QUEUE_CAPACITY as u64),
        }
    }

    fn set_faults(&self, faults: &[Fault]) {
        let down = faults.contains(&Fault::LogDown);
        self.shared.down.store(down, Ordering::Release);
    }

    fn close(&self) -> Result<(), LogError> {
        let Some(running) = self.running.lock().take() else {
            return Err(LogError::Closed);
        };
        let result = self.ask(Command::Close);
        if running.thread.join().is_err() {
            self.shared.end(Life::Failed);
            return Err(self.shared.no_answer());
        }
        result
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        match self.close() {
            Ok(()) | Err(LogError::Closed) => {}
            Err(error) => tracing::warn!(%error, "the log was not closed cleanly"),
        }
    }
}
