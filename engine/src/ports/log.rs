//! The log: regional topics with partitions, appended to durably, read by consumer groups.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use thiserror::Error;

use super::fault::{Fault, Outcome};
use crate::model::{CommittedOffset, EndOffset, LoadId, Offset, Topic, TopicPartition};

/// Records of one load for one partition, encoded one after the other.
///
/// The bytes are those of [`crate::codec::record`]: each record is a length and a value, and the
/// value begins with the key (invoice number), so that an adapter can take a batch apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordBatch {
    /// The load that the records belong to.
    pub load: LoadId,
    /// How many records there are, at least 1.
    pub records: u32,
    /// The records.
    pub bytes: Bytes,
}

/// Where a load stands, as its producer wants to find it after a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadMark {
    /// The load.
    pub load: LoadId,
    /// What the producer wrote, unread by the log.
    pub payload: Bytes,
}

/// What is appended together: durable as a whole or not there at all after a crash.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Append {
    /// Batches; a partition may occur more than once and keeps the order.
    pub batches: Vec<(TopicPartition, RecordBatch)>,
    /// Replaces the mark of its load.
    pub mark: Option<LoadMark>,
}

/// What an append got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppendReceipt {
    /// First offset of each batch, in the order of the batches.
    pub base_offsets: Vec<Offset>,
}

/// An append on its way.
pub trait PendingAppend: Send {
    /// Waits until the append is durable, or has failed.
    fn wait(self: Box<Self>) -> Result<AppendReceipt, LogError>;
}

/// A batch as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedBatch {
    /// Offset of its first record. A fetch may begin in the middle of a batch; the batch is given
    /// whole and the reader skips what lies before the offset it asked for.
    pub base_offset: Offset,
    /// Wall clock of the append.
    pub appended_at: DateTime<Utc>,
    /// The records.
    pub batch: RecordBatch,
}

/// The ends of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionOffsets {
    /// The oldest offset that can still be read.
    pub begin: Offset,
    /// The offset that the next record will get.
    pub end: EndOffset,
}

/// What a log does, as far as it knows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogActivity {
    /// Syncs to its disk since it was opened; `None` for a log on another machine.
    pub syncs: Option<u64>,
    /// Appends that wait for it; `None` where it does not say.
    pub queued: Option<u64>,
    /// How many may wait.
    pub capacity: Option<u64>,
    /// Mean time of a request to another machine; `None` for a log within the process.
    pub round_trip: Option<Duration>,
    /// How often partitions were given to this process or taken from it; `None` where all are its
    /// own for ever.
    pub rebalances: Option<u64>,
}

/// What an append leaves behind when its process dies before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomicity {
    /// All of it or nothing.
    Appends,
    /// In each partition a beginning of its records, which may be all or none of them, and never
    /// its mark.
    Records,
}

/// Who reads and writes a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// This process alone.
    Own,
    /// Other processes too.
    Shared,
}

/// Which partitions of a topic this process is to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assignment {
    /// Grows with each change.
    pub epoch: u64,
    /// The partitions, each with the epoch since which it is to be read without a break.
    pub partitions: BTreeMap<u16, u64>,
}

/// Regional topics with partitions.
///
/// * An append is acknowledged when it is durable: embedded after `fdatasync`, Kafka by all
///   in-sync replicas.
/// * Offsets of a partition have no gaps. Order within a partition is the order of appending.
/// * A crash loses nothing that was acknowledged. What it shows of an append that was not
///   acknowledged, [`Log::atomicity`] says.
/// * A topic's partitions are shared out among the processes that have joined its consumer group.
///   Only the owner of a partition may commit it, and whoever lost one is told at the next commit
///   ([`LogError::NotOwned`]). A group that nobody has joined is idle, and anybody may set where
///   it stands.
/// * Committed offsets survive a clean close. After a crash they may be older than the last
///   commit, never newer.
/// * All methods may be called from any thread. None waits for the network or a disk longer than
///   its documented time-out.
pub trait Log: Send + Sync {
    /// Partitions of a topic, at least 1.
    fn partitions(&self, topic: Topic) -> u16;

    /// What an append leaves behind when its process dies before it is acknowledged.
    fn atomicity(&self) -> Atomicity {
        Atomicity::Appends
    }

    /// Who reads and writes the log.
    fn access(&self) -> Access {
        Access::Own
    }

    /// Queues an append. Waits while the queue is full: that is the back-pressure on a producer.
    fn submit(&self, append: Append) -> Result<Box<dyn PendingAppend>, LogError>;

    /// Appends and waits until it is durable.
    fn append(&self, append: Append) -> Result<AppendReceipt, LogError> {
        self.submit(append)?.wait()
    }

    /// Waits until no append is on its way that its caller has given up: from here on the ends of
    /// the partitions move by what is submitted later, and by other processes.
    fn settle_appends(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// Reads batches from offset `from` on, at least one where there is one, further ones while
    /// the sum stays within `max_bytes`. Empty at the end of the partition. What a batch is, is
    /// the adapter's: records that follow each other, of one load and appended at one time.
    fn fetch(
        &self,
        partition: TopicPartition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<FetchedBatch>, LogError>;

    /// Waits until records were appended to any partition of `topic` since the last call that
    /// returned `seen`, or `timeout` passes; returns the value to pass next time. Start with 0.
    fn wait_for_append(&self, topic: Topic, seen: u64, timeout: Duration) -> u64;

    /// Ends every [`Log::wait_for_append`] that waits now, so that a consumer can be stopped.
    fn wake(&self);

    /// Begin and end of a partition.
    fn offsets(&self, partition: TopicPartition) -> Result<PartitionOffsets, LogError>;

    /// The first offset whose batch was appended at `at` or later; the end when there is none.
    fn offset_at(&self, partition: TopicPartition, at: DateTime<Utc>) -> Result<Offset, LogError>;

    /// Wall clock of the append of the record at `offset`; `None` at the end.
    fn appended_at(
        &self,
        partition: TopicPartition,
        offset: Offset,
    ) -> Result<Option<DateTime<Utc>>, LogError>;

    /// Where the topic's consumer group stands; `None` when it never committed.
    fn committed(&self, partition: TopicPartition) -> Result<Option<CommittedOffset>, LogError>;

    /// Commits positions of consumer groups, forward or back. All or none of each group; none at
    /// all when one of them is not there.
    fn commit(&self, positions: &[(TopicPartition, CommittedOffset)]) -> Result<(), LogError>;

    /// Joins the topic's consumer group. Its partitions follow by [`Log::assignment`].
    fn join(&self, topic: Topic) -> Result<(), LogError> {
        let _ = topic;
        Ok(())
    }

    /// What this process is to read of a topic now. A log within the process has no other reader.
    fn assignment(&self, topic: Topic) -> Result<Assignment, LogError> {
        Ok(Assignment {
            epoch: 0,
            partitions: (0..self.partitions(topic)).map(|n| (n, 0)).collect(),
        })
    }

    /// [`Assignment::epoch`] now, for looking often.
    fn assignment_epoch(&self, topic: Topic) -> u64 {
        let _ = topic;
        0
    }

    /// Says that nothing is in flight any more of partitions that are not in the assignment of
    /// `epoch`: everything read of them is committed, or will be read again by their new owner.
    fn released(&self, topic: Topic, epoch: u64) {
        let _ = (topic, epoch);
    }

    /// Leaves the topic's consumer group, because whoever read it here has ended: others may have
    /// its partitions at once. [`Log::join`] comes back.
    fn leave(&self, topic: Topic) {
        let _ = topic;
    }

    /// The latest mark of every load, by load id.
    fn marks(&self) -> Result<Vec<LoadMark>, LogError>;

    /// Drops whole segments whose records were all appended before `before` and are committed by
    /// their groups. Returns bytes freed; 0 also where a log does not say.
    fn drop_before(&self, before: DateTime<Utc>) -> Result<u64, LogError>;

    /// What it does, as far as it knows.
    fn activity(&self) -> LogActivity {
        LogActivity::default()
    }

    /// Why a fault that concerns this adapter cannot be started; `None` when it can, or when it
    /// does not concern it.
    fn refuses(&self, _fault: &Fault) -> Option<String> {
        None
    }

    /// Replaces the faults in force; the adapter heeds those that concern it.
    fn set_faults(&self, faults: &[Fault]);

    /// Makes committed offsets durable and ends the adapter's threads. Later calls fail with
    /// [`LogError::Closed`].
    fn close(&self) -> Result<(), LogError>;
}

/// Why the log did not do what was asked.
#[derive(Debug, Error)]
pub enum LogError {
    /// The log does not answer, or a fault says so.
    #[error("the log is down: {0}")]
    Down(String),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// No such partition.
    #[error("topic {} has no partition {}", .0.topic, .0.partition.0)]
    NoPartition(TopicPartition),
    /// Another process reads the partition now, or none does yet.
    #[error("{0} is not read by this process any more")]
    NotOwned(TopicPartition),
    /// Offsets mean something else than when they were written down.
    #[error("{topic} was deleted and made again: {what}")]
    MadeAgain {
        /// The topic.
        topic: Topic,
        /// How that shows.
        what: String,
    },
    /// The log will never do it.
    #[error("{what}")]
    Refused {
        /// Object and what happened to it.
        what: String,
        /// What a person can do about it.
        remedy: &'static str,
    },
    /// The offset is not there: dropped by retention, or past the end.
    #[error("{partition}: offset {offset} is not between {begin} and {end}", offset = .offset.0, begin = .offsets.begin.0, end = .offsets.end.0)]
    OutOfRange {
        /// The partition.
        partition: TopicPartition,
        /// What was asked for.
        offset: Offset,
        /// What is there.
        offsets: PartitionOffsets,
    },
    /// Another process has the log open.
    #[error("the data directory is in use by another process: {path:?}")]
    InUse {
        /// The lock.
        path: PathBuf,
    },
    /// Bytes in the middle of the log are not what was written.
    #[error("the log is damaged at byte {byte}: {what}, in {path:?}")]
    Damaged {
        /// What does not fit.
        what: String,
        /// Where in the file.
        byte: u64,
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer version of this program.
    #[error("format {found} is newer than this program can read ({known}), in {path:?}")]
    NewerFormat {
        /// Version in the file.
        found: u32,
        /// Newest version known.
        known: u32,
        /// The file.
        path: PathBuf,
    },
    /// The disk failed or is full.
    #[error("{what}: {source}, on {path:?}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
}

impl LogError {
    /// What the caller may do.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Down(_) => Outcome::Retry,
            Self::Io { .. } => Outcome::Unknown,
            Self::Closed
            | Self::NoPartition(_)
            | Self::NotOwned(_)
            | Self::MadeAgain { .. }
            | Self::Refused { .. }
            | Self::OutOfRange { .. }
            | Self::InUse { .. }
            | Self::Damaged { .. }
            | Self::NewerFormat { .. } => Outcome::Fatal,
        }
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Down(_) => "start Kafka again, or end the fault; nothing acknowledged is lost",
            Self::Closed => "open the engine again",
            Self::NoPartition(_) => "run setup, which makes the topics",
            Self::NotOwned(_) => {
                "nothing is lost: whoever reads it now goes on at the committed offset"
            }
            Self::MadeAgain { .. } => {
                "start the consumers again after a replay from earliest, or load the files again"
            }
            Self::Refused { remedy, .. } => remedy,
            Self::OutOfRange { .. } => "replay from earliest or latest",
            Self::InUse { .. } => {
                "end the other process, or choose another directory with --data-dir"
            }
            Self::Damaged { .. } => {
                "keep a copy of the file, then load the source files into a new data directory"
            }
            Self::NewerFormat { .. } => "use the newer program, or another data directory",
            Self::Io { .. } => "free space on the disk or check it, then start again",
        }
    }
}
