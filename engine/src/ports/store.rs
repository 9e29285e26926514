//! The store: three data centres with one replica each, written and read at a consistency level.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fault::{Fault, Outcome};
use crate::model::{
    BucketKey, Catalog, ConsistencyLevel, Day, Dc, DcSet, LineTable, LoadId, PerDc, Reading,
    Reason, Reject, RowNo, RowsDigest, StoredLine, Summary, TopicPartition,
};

/// Orders writes to the same summary: the generation's base plus the offset that the write is
/// complete to. The larger one wins, whoever writes later.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WriteTimestamp(pub u64);

/// Offsets of a partition that a flush holds: `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlushSpan {
    /// The partition.
    pub partition: TopicPartition,
    /// First offset.
    pub from: u64,
    /// One past the last offset.
    pub to: u64,
}

/// New rows of a bucket and the bucket's summary with them.
#[derive(Debug, Clone)]
pub struct BucketWrite {
    /// The bucket.
    pub key: BucketKey,
    /// Rows to add. Rows that are there already may be among them: writing is an upsert.
    pub lines: Vec<StoredLine>,
    /// The whole bucket's summary, an absolute value.
    pub summary: Arc<Summary>,
    /// Orders this summary among others of the bucket.
    pub timestamp: WriteTimestamp,
}

/// A row of the quarantine table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectRow {
    /// The load that set it aside. With the row number the key: writing it twice is one row.
    pub load: LoadId,
    /// The row.
    #[serde(flatten)]
    pub reject: Reject,
}

/// A named value that is written together with a flush; the later one wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its name, such as `load/7/europe-transactions-0`.
    pub name: String,
    /// Its value, unread by the store.
    pub value: Bytes,
}

/// What a consumer writes in one go. It counts as written when all of it is.
#[derive(Debug, Clone, Default)]
pub struct Flush {
    /// What of the log it holds. Applying the same span twice changes nothing.
    pub spans: Vec<FlushSpan>,
    /// Buckets, each once.
    pub buckets: Vec<BucketWrite>,
    /// Rows set aside.
    pub rejects: Vec<RejectRow>,
    /// Named values.
    pub notes: Vec<Note>,
}

/// How a write ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteReceipt {
    /// Data centres that had acknowledged when the level was met. Where the store only says that
    /// it was met, the fewest that meet it: the coordinator's own first.
    pub acked: DcSet,
    /// From submitting to the level being met.
    pub latency: Duration,
}

/// A write on its way.
pub trait PendingWrite: Send {
    /// Waits until the level is met or cannot be met in time.
    fn wait(self: Box<Self>) -> Result<WriteReceipt, StoreError>;

    /// Whether `wait` would return at once.
    fn is_done(&self) -> bool;

    /// Calls `tell` when all three data centres have it durably, from any thread, at once if they
    /// have it already. It is dropped uncalled when one of them gets it later in another way, or
    /// where an adapter cannot know.
    fn when_everywhere(&self, tell: Box<dyn FnOnce() + Send>) {
        drop(tell);
    }
}

/// Rows and summary of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketRows {
    /// Rows, each once, by `line_id`.
    pub lines: Vec<StoredLine>,
    /// The newest summary, if one was written.
    pub summary: Option<Summary>,
    /// Timestamp of that summary.
    pub timestamp: WriteTimestamp,
}

/// Where a read is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadSource {
    /// By one data centre alone, whatever it has: for comparing, and for what a reader there sees.
    Alone(Dc),
    /// By a coordinator in `via`, merged from as many replicas as the level asks for. What one of
    /// the asked replicas lacks is written to it before the answer (read repair).
    Level {
        /// Data centre of the coordinator.
        via: Dc,
        /// How many replicas must answer.
        level: ConsistencyLevel,
    },
}

/// Which buckets a scan visits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketScope {
    /// Sales or returns.
    pub table: LineTable,
    /// Countries by name; empty for all.
    pub countries: Vec<String>,
    /// First day, if limited.
    pub from: Option<Day>,
    /// Last day, if limited.
    pub to: Option<Day>,
}

impl BucketScope {
    /// All buckets of a table.
    pub const fn all(table: LineTable) -> Self {
        Self {
            table,
            countries: Vec::new(),
            from: None,
            to: None,
        }
    }

    /// Whether the scope holds a day.
    pub fn holds_day(&self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

/// Which rejects are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RejectQuery {
    /// Of one load only.
    pub load: Option<LoadId>,
    /// For one reason only.
    pub reason: Option<Reason>,
    /// One data row of each load only.
    pub row: Option<RowNo>,
    /// Rows to pass over first.
    pub skip: usize,
    /// Rows to return at most; `None` for all.
    pub limit: Option<usize>,
}

/// Derived tables that other programs read, each row an absolute value with a key of its own.
/// Values are JSON objects as text, one per row, by key: `customer_analytics` by customer and so
/// on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedRows {
    /// Name of the table: `customer_analytics`, `product_analytics` or `country_metrics`.
    pub table: String,
    /// Rows by key. Rows that are no longer here are gone after the write.
    pub rows: BTreeMap<String, String>,
}

/// A bucket that is not the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnequalBucket {
    /// The bucket.
    pub key: BucketKey,
    /// What each data centre has; `None` for one that could not be read.
    pub digests: PerDc<Option<RowsDigest>>,
}

/// What the data centres hold, each read on its own, rows and not summaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Sales of each data centre: digest over its rows; unknown for one that cannot be read.
    pub stored: PerDc<Reading<RowsDigest>>,
    /// Amount of the sales of each data centre.
    pub amounts: PerDc<Reading<Decimal>>,
    /// Buckets, sales and returns, that at least one data centre has.
    pub buckets: u64,
    /// Buckets that differ between the data centres that could be read.
    pub unequal: Vec<UnequalBucket>,
    /// Buckets whose summary differs from their own rows, with the data centre.
    pub drift: Vec<(Dc, BucketKey)>,
}

impl Comparison {
    /// Whether all three were read and hold the same rows.
    pub fn converged(&self) -> bool {
        self.unequal.is_empty() && self.stored.iter().all(|(_, r)| r.known().is_some())
    }
}

/// What a repair did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RepairReport {
    /// Buckets compared.
    pub buckets_compared: u64,
    /// Buckets that were made equal.
    pub buckets_repaired: u64,
    /// Rows that were copied to a data centre that lacked them.
    pub lines_copied: u64,
    /// Summaries that were written again from their rows.
    pub summaries_rebuilt: u64,
}

/// What one observer says of a data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DcState {
    /// Answers in time.
    Up,
    /// Failed its last requests, not for long enough to be called down.
    Suspect,
    /// Refuses, or has not answered for the detection time.
    Down,
    /// Nobody has asked, or the observer itself is down.
    Unknown,
}

/// How each data centre sees each: `views[observer][subject]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WitnessView {
    /// The matrix.
    pub views: PerDc<PerDc<DcState>>,
}

/// How far a data centre is with merging the files of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Compactions {
    /// Merges that run.
    pub running: u64,
    /// What is left for them.
    pub backlog: Backlog,
}

/// What waits to be merged: a database tells one or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Backlog {
    /// Tasks that wait for a thread.
    Tasks(u64),
    /// Files that were written out and not merged yet. A few always are.
    Files(u64),
}

/// Measurements of one data centre since the last call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DcHealth {
    /// Rows of sales applied here, known from the applied flushes.
    pub rows: Reading<RowsDigest>,
    /// Bytes on its disk.
    pub disk_bytes: Reading<u64>,
    /// How far it is with merging its files.
    pub compactions: Reading<Compactions>,
    /// Writes that this replica applied since it was opened.
    pub writes: u64,
    /// Writes that failed or timed out at this replica since it was opened.
    pub write_errors: u64,
    /// Median time of the last writes to this replica, from being sent to its acknowledgement,
    /// microseconds.
    pub write_p50_us: Reading<u64>,
    /// 99th percentile of the same.
    pub write_p99_us: Reading<u64>,
    /// Hints that wait for this data centre, at any other. Cassandra only tells how many files of
    /// hints there are: then it is files. Unknown while not every node that answers tells its own.
    pub hints: Reading<u64>,
    /// Bytes of those; unknown where the store does not tell.
    pub hint_bytes: Reading<u64>,
    /// Age of the oldest hint that waits for this data centre, while the window runs at whose end
    /// it is dropped; `None` while it does not, because somebody reaches the data centre.
    pub oldest_hint: Option<Duration>,
    /// Hints were dropped after the window: only a repair makes this replica whole.
    pub repair_needed: bool,
}

/// Health of the store at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreHealth {
    /// Per data centre.
    pub dcs: PerDc<DcHealth>,
    /// Who sees whom.
    pub witnesses: WitnessView,
}

/// Three data centres.
///
/// * A flush is an upsert: applying it twice, or after later flushes, leaves the same rows, and
///   the summary with the largest timestamp. Until it is acknowledged a replica may hold a part of
///   it, but no summary before the rows that it counts; where [`Store::applied`] tells spans, a
///   replica holds all of a flush or nothing.
/// * `submit` is acknowledged when the level is met by durable replicas. The other replicas get
///   the write too, or a durable hint is kept for them at the coordinator, for the hint window.
/// * A request goes through a coordinator in the data centre `via`. When that is down or paused
///   the request fails; choosing another is the caller's business.
/// * Nothing is ever deleted from a bucket.
/// * All methods may be called from any thread.
pub trait Store: Send + Sync {
    /// The names behind the ids in rows and summaries.
    fn catalog(&self) -> &Arc<Catalog>;

    /// Writes a flush at a level. Waits while too many writes are in flight.
    fn submit(
        &self,
        flush: &Flush,
        via: Dc,
        level: ConsistencyLevel,
    ) -> Result<Box<dyn PendingWrite>, StoreError>;

    /// Rows and summary of one bucket. An empty value for a bucket that is not there.
    fn read_bucket(&self, key: BucketKey, from: ReadSource) -> Result<BucketRows, StoreError>;

    /// Visits the summaries in scope, sorted by key.
    fn scan_summaries(
        &self,
        scope: &BucketScope,
        from: ReadSource,
        visit: &mut dyn FnMut(BucketKey, Summary),
    ) -> Result<(), StoreError>;

    /// Visits the buckets in scope with their rows, sorted by key.
    fn scan_rows(
        &self,
        scope: &BucketScope,
        from: ReadSource,
        visit: &mut dyn FnMut(BucketKey, Vec<StoredLine>),
    ) -> Result<(), StoreError>;

    /// Spans of the log that are applied durably at QUORUM, merged: what a consumer need not read
    /// again. Empty where an adapter does not keep them.
    fn applied(&self) -> Result<Vec<FlushSpan>, StoreError>;

    /// Rows set aside, by load and row number.
    fn rejects(&self, query: &RejectQuery, from: ReadSource) -> Result<Vec<RejectRow>, StoreError>;

    /// The value of a note; `None` when it was never written.
    fn note(&self, name: &str, from: ReadSource) -> Result<Option<Bytes>, StoreError>;

    /// Notes whose name begins with `prefix`, sorted by name.
    fn notes(&self, prefix: &str, from: ReadSource) -> Result<Vec<Note>, StoreError>;

    /// Replaces derived tables, each as a whole, at a level. A reader that comes meanwhile may see
    /// rows of both.
    fn write_derived(
        &self,
        tables: &[DerivedRows],
        via: Dc,
        level: ConsistencyLevel,
    ) -> Result<WriteReceipt, StoreError>;

    /// A derived table; empty when it was never written.
    fn read_derived(&self, table: &str, from: ReadSource) -> Result<DerivedRows, StoreError>;

    /// Reads every row of every data centre on its own and compares.
    fn compare(&self) -> Result<Comparison, StoreError>;

    /// Makes the data centres that can be reached equal: buckets that differ get the union of the
    /// rows, summaries that differ from their rows are rebuilt from them. Also clears
    /// `repair_needed` where all three took part.
    fn repair(&self) -> Result<RepairReport, StoreError>;

    /// State and measurements.
    fn health(&self) -> StoreHealth;

    /// Writes a probe through `via` at ONE; it replicates like any other write.
    fn write_probe(&self, via: Dc, id: u64) -> Result<(), StoreError>;

    /// The newest probe written through `via` that `at` has, by itself.
    fn read_probe(&self, via: Dc, at: Dc) -> Result<Option<u64>, StoreError>;

    /// Why a fault that concerns this adapter cannot be started; `None` when it can, or when it
    /// does not concern it.
    fn refuses(&self, _fault: &Fault) -> Option<String> {
        None
    }

    /// Replaces the faults in force; the adapter heeds those that concern it.
    fn set_faults(&self, faults: &[Fault]);

    /// Waits until writes in flight are applied and no hint waits for a replica that is up, or
    /// `timeout` passes. Whether it got there.
    fn settle(&self, timeout: Duration) -> Settled;

    /// Applies what is in flight and ends the adapter's threads.
    fn close(&self) -> Result<(), StoreError>;
}

/// Whether the replicas have taken all that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// All of it.
    Yes,
    /// Some is still in flight or hinted.
    NotYet,
}

/// Why the store did not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The coordinator's data centre refuses.
    #[error("{dc} does not take requests")]
    CoordinatorDown {
        /// Where the request was sent.
        dc: Dc,
    },
    /// The coordinator knows that too few replicas are up; nothing was written.
    #[error("{level} cannot be met through {via}: only {alive:?} are up")]
    Unavailable {
        /// The level asked for.
        level: ConsistencyLevel,
        /// Data centre of the coordinator.
        via: Dc,
        /// Replicas that it can reach.
        alive: DcSet,
    },
    /// Too few replicas acknowledged in time; the write may be there or arrive later.
    #[error("{level} was not met through {via} in {} ms: {acked:?} acknowledged", .after.as_millis())]
    WriteTimeout {
        /// The level asked for.
        level: ConsistencyLevel,
        /// Data centre of the coordinator.
        via: Dc,
        /// Replicas that acknowledged, as far as the store names them.
        acked: DcSet,
        /// How long it waited.
        after: Duration,
    },
    /// Too few replicas answered in time.
    #[error("no answer at {level} through {via} in {} ms", .after.as_millis())]
    ReadTimeout {
        /// The level asked for.
        level: ConsistencyLevel,
        /// Data centre of the coordinator.
        via: Dc,
        /// How long it waited.
        after: Duration,
    },
    /// The disk of a replica takes no more.
    #[error("the disk of {dc} is full")]
    DiskFull {
        /// The replica.
        dc: Dc,
    },
    /// Another process has the store open.
    #[error("the data directory is in use by another process: {path:?}")]
    InUse {
        /// The lock or folder.
        path: PathBuf,
    },
    /// What is stored cannot be read.
    #[error("{dc} is damaged: {what}, in {path:?}")]
    Damaged {
        /// The replica.
        dc: Dc,
        /// What does not fit.
        what: String,
        /// Its folder.
        path: PathBuf,
    },
    /// Written by a newer version of this program.
    #[error("format {found} of {dc} is newer than this program can read ({known}), in {path:?}")]
    NewerFormat {
        /// The replica.
        dc: Dc,
        /// Version found.
        found: u32,
        /// Newest version known.
        known: u32,
        /// Its folder.
        path: PathBuf,
    },
    /// The database under a replica failed.
    #[error("{dc}: {what}")]
    Replica {
        /// The replica.
        dc: Dc,
        /// What the database said.
        what: String,
    },
    /// No node of any data centre can be reached.
    #[error("no Cassandra node can be reached: {what}")]
    Unreachable {
        /// What was tried and what came of it.
        what: String,
    },
    /// The database refuses, and would refuse again: an account, a right, a schema, a name.
    #[error("{what}")]
    Refused {
        /// Who refused what, and why.
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Rows or summaries of a data centre are not what was written.
    #[error("{what}, read through {dc}")]
    Unreadable {
        /// Where they were read.
        dc: Dc,
        /// What does not fit.
        what: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// What the caller may do.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::CoordinatorDown { .. }
            | Self::Unavailable { .. }
            | Self::DiskFull { .. }
            | Self::Unreachable { .. } => Outcome::Retry,
            Self::WriteTimeout { .. } | Self::ReadTimeout { .. } | Self::Replica { .. } => {
                Outcome::Unknown
            }
            Self::InUse { .. }
            | Self::Damaged { .. }
            | Self::NewerFormat { .. }
            | Self::Refused { .. }
            | Self::Unreadable { .. }
            | Self::Closed => Outcome::Fatal,
        }
    }

    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::CoordinatorDown { .. } => "wait for the failover, or bring the data centre back",
            Self::Unavailable { .. } => "bring a data centre back, or use a weaker level",
            Self::WriteTimeout { .. } | Self::ReadTimeout { .. } => {
                "look at the data centre's health; the same request may be sent again"
            }
            Self::DiskFull { .. } => "free space on the disk; writes go on by themselves then",
            Self::InUse { .. } => {
                "end the other process, or choose another directory with --data-dir"
            }
            Self::Damaged { .. } => {
                "remove that folder; the replica is made again from the other two by repair"
            }
            Self::NewerFormat { .. } => "use the newer program, or another data directory",
            Self::Replica { .. } => "check the disk, then start again; repair makes it whole",
            Self::Unreachable { .. } => {
                "start the nodes, or correct live.cassandra_contact_points; the connection test \
                 names the step that fails"
            }
            Self::Refused { remedy, .. } => remedy,
            Self::Unreadable { .. } => {
                "look which program wrote there; remove the rows named, then load the file again"
            }
            Self::Closed => "open the engine again",
        }
    }
}
