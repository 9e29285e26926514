//! The store on Apache Cassandra: three data centres of one cluster, spoken to in CQL.
//!
//! * One session with connections to all nodes; a request goes through the data centre that it
//!   names and no other ([`session`]).
//! * Lines are upserts in batches of one bucket, summaries are absolute values that name what they
//!   count ([`write`], [`summary`]). No counters, no lightweight transactions, no deletes, no NULL.
//! * [`Store::applied`] tells nothing: what need not be read again is what was committed.
//! * A level that is met is all that the driver says: a receipt names the fewest data centres that
//!   meet it, and nothing is told when the last one has a write.
//! * The other data centres get a write from the coordinator, or a hint for it, which Cassandra
//!   keeps and hands over by itself ([`health`] shows how many files of them wait).
//!
//! Works with Apache Cassandra 5.0. `ScyllaDB` speaks the same protocol; it has no `system_views`,
//! so hints, disks and witnesses are unknown there.

mod check;
mod clocks;
mod compare;
mod config;
mod convert;
mod core;
mod derived;
mod errors;
mod health;
mod limit;
mod meter;
mod notes;
mod read;
mod rejects;
mod repair;
mod scan;
mod schema;
mod session;
mod settle;
mod statements;
mod summary;
#[cfg(test)]
mod tests;
mod views;
mod write;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

pub use self::check::{ClusterCheck, Rights};
pub use self::schema::{Made, SetupStep};
#[cfg(test)]
pub(crate) use self::tests::Lab as TestKeyspace;

use self::config::Options;
use self::core::Core;
use super::faults::FaultControl;
use crate::config::Settings;
use crate::model::{BucketKey, Catalog, ConsistencyLevel, Dc, StoredLine, Summary};
use crate::ports::{
    BucketRows, BucketScope, Clock, Comparison, DerivedRows, Fault, Flush, FlushSpan, Note,
    PendingWrite, ReadSource, RejectQuery, RejectRow, RepairReport, Settled, Store, StoreError,
    StoreHealth, WriteReceipt,
};

/// Threads that talk to the nodes: encoding and sending is what they do, and it is little.
const WORKERS: usize = 2;
/// How long closing waits for what is in flight. It ends by its own time-outs before.
const CLOSE_PATIENCE: Duration = Duration::from_secs(30);

/// The store of live mode.
pub struct CassandraStore {
    core: Arc<Core>,
    faults: Arc<FaultControl>,
    handle: Handle,
    runtime: Mutex<Option<Runtime>>,
    sampler: JoinHandle<()>,
}

impl std::fmt::Debug for CassandraStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CassandraStore")
            .field("keyspace", &self.core.keyspace)
            .field("connected", &self.core.link.connected())
            .finish_non_exhaustive()
    }
}

fn runtime() -> Result<Runtime, StoreError> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("cassandra")
        .enable_all()
        .build()
        .map_err(|error| StoreError::Unreachable {
            what: format!("its threads could not be started: {error}"),
        })
}

/// Makes keyspace and tables where they are missing. It may be run again at any time, and checks
/// the names of the data centres before it writes anything.
pub fn setup(settings: &Settings) -> Result<Vec<SetupStep>, StoreError> {
    let options = Options::of(settings)?;
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let session = session::connect(&options).await?;
        schema::set_up(&session, &options).await
    });
    runtime.shutdown_background();
    done
}

impl CassandraStore {
    /// Connects to the cluster that the settings name. The keyspace must be there ([`setup`]), and
    /// at least one node that answers; data centres that are gone are connected to when they are
    /// back.
    pub fn connect(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        faults: Arc<FaultControl>,
    ) -> Result<Self, StoreError> {
        let options = Options::of(settings)?;
        let runtime = runtime()?;
        let handle = runtime.handle().clone();
        let core = handle.block_on(async {
            let session = session::connect(&options).await?;
            Core::open(session, &options, clock).await
        });
        let core = match core {
            Ok(core) => Arc::new(core),
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let asking = Arc::clone(&core);
        let sampler = handle.spawn(async move {
            let mut every = tokio::time::interval(health::SAMPLE_EVERY);
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                health::sample(&asking).await;
            }
        });
        Ok(Self {
            core,
            faults,
            handle,
            runtime: Mutex::new(Some(runtime)),
            sampler,
        })
    }

    /// Runs a request to its end.
    fn run<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.core.check_open()?;
        self.handle.block_on(work)
    }
}

impl Store for CassandraStore {
    fn catalog(&self) -> &Arc<Catalog> {
        &self.core.catalog
    }

    fn submit(
        &self,
        flush: &Flush,
        via: Dc,
        level: ConsistencyLevel,
    ) -> Result<Box<dyn PendingWrite>, StoreError> {
        write::submit(&self.core, &self.handle, flush, via, level)
    }

    fn read_bucket(&self, key: BucketKey, from: ReadSource) -> Result<BucketRows, StoreError> {
        self.run(self.core.read_bucket(key, from))
    }

    fn scan_summaries(
        &self,
        scope: &BucketScope,
        from: ReadSource,
        visit: &mut dyn FnMut(BucketKey, Summary),
    ) -> Result<(), StoreError> {
        scan::summaries(&self.core, &self.handle, scope, from, visit)
    }

    fn scan_rows(
        &self,
        scope: &BucketScope,
        from: ReadSource,
        visit: &mut dyn FnMut(BucketKey, Vec<StoredLine>),
    ) -> Result<(), StoreError> {
        scan::rows(&self.core, &self.handle, scope, from, visit)
    }

    fn applied(&self) -> Result<Vec<FlushSpan>, StoreError> {
        self.core.check_open()?;
        Ok(Vec::new())
    }

    fn rejects(&self, query: &RejectQuery, from: ReadSource) -> Result<Vec<RejectRow>, StoreError> {
        self.run(self.core.rejects(query, from))
    }

    fn note(&self, name: &str, from: ReadSource) -> Result<Option<Bytes>, StoreError> {
        self.run(self.core.note(name, from))
    }

    fn notes(&self, prefix: &str, from: ReadSource) -> Result<Vec<Note>, StoreError> {
        self.run(self.core.notes(prefix, from))
    }

    fn write_derived(
        &self,
        tables: &[DerivedRows],
        via: Dc,
        level: ConsistencyLevel,
    ) -> Result<WriteReceipt, StoreError> {
        self.run(self.core.write_derived(tables, via, level))
    }

    fn read_derived(&self, table: &str, from: ReadSource) -> Result<DerivedRows, StoreError> {
        self.run(self.core.read_derived(table, from))
    }

    fn compare(&self) -> Result<Comparison, StoreError> {
        self.run(compare::run(&self.core))
    }

    fn repair(&self) -> Result<RepairReport, StoreError> {
        self.run(repair::run(&self.core))
    }

    fn health(&self) -> StoreHealth {
        health::health(&self.core)
    }

    fn write_probe(&self, via: Dc, id: u64) -> Result<(), StoreError> {
        self.run(self.core.write_probe(via, id))
    }

    fn read_probe(&self, via: Dc, at: Dc) -> Result<Option<u64>, StoreError> {
        self.run(self.core.read_probe(via, at))
    }

    fn refuses(&self, fault: &Fault) -> Option<String> {
        match fault {
            // The log is asked about its broker.
            Fault::LogDown => None,
            _ => self.faults.refusal(fault),
        }
    }

    fn set_faults(&self, faults: &[Fault]) {
        self.faults.set(faults);
    }

    fn settle(&self, timeout: Duration) -> Settled {
        self.handle.block_on(settle::settle(&self.core, timeout))
    }

    fn close(&self) -> Result<(), StoreError> {
        if !self.core.shut() {
            return Ok(());
        }
        self.sampler.abort();
        self.handle
            .block_on(settle::drained(&self.core, CLOSE_PATIENCE));
        if let Some(runtime) = self.runtime.lock().take() {
            runtime.shutdown_background();
        }
        Ok(())
    }
}

impl Drop for CassandraStore {
    fn drop(&mut self) {
        // Dropping a runtime waits for it, which a thread of another runtime may not do.
        if let Some(runtime) = self.runtime.lock().take() {
            runtime.shutdown_background();
        }
    }
}
