//! What the engine needs from outside, as traits. Their documentation is the contract; the
//! embedded adapters fulfil it within the process, the live ones over Kafka and Cassandra.

mod clock;
mod comparison;
mod disk;
mod fault;
mod log;
#[cfg(test)]
pub(crate) mod log_contract;
mod store;
#[cfg(test)]
pub(crate) mod store_contract;

pub(crate) use comparison::{Held, compared};

#[cfg(test)]
pub(crate) use clock::AheadClock;
pub use clock::{Clock, Entropy, SystemClock, SystemEntropy};
pub use disk::{Disk, DiskFile, DiskLock};
pub use fault::{Fault, Outcome};
pub use log::{
    Access, Append, AppendReceipt, Assignment, Atomicity, FetchedBatch, LoadMark, Log, LogActivity,
    LogError, PartitionOffsets, PendingAppend, RecordBatch,
};
pub use store::{
    Backlog, BucketRows, BucketScope, BucketWrite, Compactions, Comparison, DcHealth, DcState,
    DerivedRows, Flush, FlushSpan, Note, PendingWrite, ReadSource, RejectQuery, RejectRow,
    RepairReport, Settled, Store, StoreError, StoreHealth, UnequalBucket, WitnessView,
    WriteReceipt, WriteTimestamp,
};
