//! The embedded store: three durable replicas in the process, one per data centre.
//!
//! What it is: an implementation of [`crate::ports::Store`] that behaves, at every consistency
//! level and under every fault that a drill can start, as a cluster of three data centres with
//! one replica each would. What it is not: a network. Faults are simulated where requests would
//! cross it ([`faults`]); hints, repair, time-outs and durability are real.
//!
//! * A write is **encoded once and written three times**: the caller's thread makes one buffer
//!   ([`payload`], [`block`]), each replica's own thread ([`replica`]) puts slices of it into one
//!   atomic durable batch ([`state`]).
//! * Every write has a number. A replica keeps the set of numbers that it has applied in the same
//!   batch as the data, so applying twice changes nothing, and equal sets mean equal data. Sets
//!   that differ when the store is opened are made equal before anybody reads.
//! * Rows are only ever added. A bucket is its blocks, merged by identity; of summaries the one
//!   with the largest timestamp stays.
//! * What a replica misses is kept as a hint at the coordinator ([`keeper`]), for the hint
//!   window; after that a repair ([`repair`]) is needed.
//!
//! Deliberately absent: deletion of rows, a commit log beside the database's own, and any lock
//! that is held while waiting for a replica.

mod block;
mod compare;
mod core;
mod faults;
mod health;
mod heart;
mod hints;
mod keeper;
mod kv;
mod kv_fjall;
mod merge;
mod payload;
mod ranges;
mod reading;
mod rejects;
mod repair;
mod replica;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod witness;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::model::{
    BucketKey, Catalog, CatalogEntry, ConsistencyLevel, Dc, DcSet, PerDc, StoredLine, Summary,
};
use crate::ports::{
    BucketRows, BucketScope, Clock, Comparison, DerivedRows, Fault, Flush, FlushSpan, Note,
    PendingWrite, ReadSource, RejectQuery, RejectRow, RepairReport, Settled, Store, StoreError,
    StoreHealth, WriteReceipt,
};

use self::core::{Bell, Core};
use faults::{CLOCK_SLICE, Network};
use health::DiskSamples;
use hints::HintLedger;
use kv::{Kv, MemKv};
use kv_fjall::{FjallKv, OpenError};
use payload::{Payload, note_key, probe_key};
use replica::{Replica, Request, Surroundings};
use state::ReplicaState;
use witness::Witnesses;
use write::Pending;

/// How a store behaves.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// How long a request waits for its answers.
    pub request_timeout: Duration,
    /// How long hints are kept for a replica that is away.
    pub hint_window: Duration,
    /// Writes that have not met their level; `submit` waits beyond. Each holds the bytes of its
    /// flush. Writes that wait for a silent replica after that are limited by its queue.
    pub writes_in_flight: usize,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// Silence after which a data centre is called down.
    pub down_after: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(1),
            hint_window: Duration::from_hours(3),
            writes_in_flight: 8,
            heartbeat: Duration::from_millis(250),
            down_after: Duration::from_millis(1_500),
        }
    }
}

/// The databases of a store in memory. It outlives the store, so that a simulation can end one
/// store and open the next over what was durable.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisks(PerDc<MemKv>);

impl MemoryDisks {
    /// A copy as of now, unmoved by the store that goes on: what a machine finds after it was
    /// switched off at this moment.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self(PerDc::from_fn(|dc| self.0[dc].copied()))
    }

    /// The same disks with a new, empty one in place of one that was lost.
    #[must_use]
    pub fn with_lost(&self, lost: Dc) -> Self {
        let mut disks = self.clone();
        disks.0[lost] = MemKv::default();
        disks
    }
}

/// The store. Dropping it closes it.
pub struct EmbeddedStore {
    core: Arc<Core>,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    keepers: Vec<JoinHandle<()>>,
    replicas: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("options", &self.core.options)
            .finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// Opens the store in a folder with one folder per data centre; makes what is not there. A
    /// replica that is missing or behind is made whole from the others before this returns.
    pub fn open(
        dir: &Path,
        clock: Arc<dyn Clock>,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let mut opened = Vec::with_capacity(3);
        thread::scope(|scope| {
            let opening = Dc::ALL.map(|dc| {
                let path = dir.join(dc.name());
                // Making a database waits for the disk some hundred times; three wait at once.
                let thread = thread::Builder::new().name(format!("open-{dc}"));
                (
                    dc,
                    path.clone(),
                    thread.spawn_scoped(scope, move || FjallKv::open(&path)),
                )
            });
            for (dc, path, thread) in opening {
                let kv = match thread.map(thread::ScopedJoinHandle::join) {
                    Ok(Ok(kv)) => kv,
                    Ok(Err(_panic)) => Err(OpenError::Failed(
                        "opening ended without a result".to_owned(),
                    )),
                    Err(error) => Err(OpenError::Failed(error.to_string())),
                };
                opened.push((dc, path, kv));
            }
        });
        let mut disks = Vec::with_capacity(3);
        for (dc, path, kv) in opened {
            match kv {
                Ok(kv) => disks.push((path, Arc::new(kv) as Arc<dyn Kv>)),
                Err(error) => return Err(open_error(dc, path, error)),
            }
        }
        Self::over(disks, clock, options)
    }

    /// A store in memory, for simulation and tests.
    pub fn in_memory(
        disks: &MemoryDisks,
        clock: Arc<dyn Clock>,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let disks = Dc::ALL.map(|dc| {
            let kv: Arc<dyn Kv> = Arc::new(disks.0[dc].clone());
            (PathBuf::from(dc.name()), kv)
        });
        Self::over(disks.into(), clock, options)
    }

    /// A store over databases, in the order of [`Dc::ALL`].
    fn over(
        disks: Vec<(PathBuf, Arc<dyn Kv>)>,
        clock: Arc<dyn Clock>,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let mut loaded = Vec::with_capacity(3);
        for (dc, (path, kv)) in Dc::ALL.into_iter().zip(disks) {
            let read = ReplicaState::load(&*kv.view());
            let (state, entries) = read.map_err(|error| replica::state_error(dc, &path, error))?;
            loaded.push(Loaded {
                dc,
                path,
                kv,
                state,
                entries,
            });
        }
        let catalog = Arc::new(common_catalog(&loaded)?);
        let mut next_number = 1;
        let mut repair_needed = DcSet::NONE;
        for replica in &loaded {
            next_number = next_number.max(replica.state.applied.numbers.end());
            repair_needed = replica
                .state
                .repair_needed
                .iter()
                .fold(repair_needed, DcSet::with);
        }
        let network = Arc::new(Network::default());
        let ledger = Arc::new(HintLedger::default());
        let mut replicas = Vec::with_capacity(3);
        let mut starting = Vec::with_capacity(3);
        for Loaded {
            dc,
            path,
            kv,
            state,
            ..
        } in loaded
        {
            let (replica, requests) = Replica::new(dc, kv, path, &state);
            let replica = Arc::new(replica);
            starting.push((Arc::clone(&replica), state, requests));
            replicas.push(replica);
        }
        let replicas: [Arc<Replica>; 3] = match replicas.try_into() {
            Ok(replicas) => replicas,
            Err(_) => return Err(StoreError::Closed),
        };
        let replicas = PerDc(replicas);
        let last_hint = keeper::count_hints(&replicas, &ledger)
            .map_err(|(dc, error)| replicas[dc].error(error))?;
        let core = Arc::new(Core {
            witnesses: Witnesses::new(options.heartbeat * 2, options.down_after),
            catalog,
            clock,
            options,
            network,
            ledger,
            replicas,
            next_number: AtomicU64::new(next_number.max(last_hint)),
            writes: Mutex::default(),
            settled: parking_lot::Condvar::new(),
            past_window: Mutex::default(),
            repair_needed: Mutex::new(repair_needed),
            keeper: Bell::default(),
            heart: Bell::default(),
            disks: DiskSamples::default(),
            closed: false.into(),
            repairing: Mutex::default(),
        });
        let store = Self {
            core,
            threads: Mutex::default(),
        };
        for (replica, state, requests) in starting {
            store.start_replica(replica, state, requests)?;
        }
        store.equalise()?;
        heart::beat(&store.core);
        store.start("store-hints", keeper::run)?;
        store.start("store-witness", heart::run)?;
        Ok(store)
    }

    fn start_replica(
        &self,
        replica: Arc<Replica>,
        state: ReplicaState,
        requests: crossbeam_channel::Receiver<Request>,
    ) -> Result<(), StoreError> {
        let dc = replica.dc;
        let with = Surroundings {
            network: Arc::clone(&self.core.network),
            catalog: Arc::clone(&self.core.catalog),
            clock: Arc::clone(&self.core.clock),
            ledger: Arc::clone(&self.core.ledger),
        };
        let thread = thread::Builder::new()
            .name(format!("store-{dc}"))
            .spawn(move || replica.run(state, &requests, &with))
            .map_err(|error| StoreError::Replica {
                dc,
                what: error.to_string(),
            })?;
        self.threads.lock().replicas.push(thread);
        Ok(())
    }

    fn start(&self, name: &str, run: fn(&Arc<Core>)) -> Result<(), StoreError> {
        let core = Arc::clone(&self.core);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&core))
            .map_err(|error| StoreError::Replica {
                dc: Dc::Europe,
                what: error.to_string(),
            })?;
        self.threads.lock().keepers.push(thread);
        Ok(())
    }

    /// Brings the replicas to the same state: hints first, then whatever they still differ in.
    /// A consumer judges duplicates by what it reads, so this must come before it.
    fn equalise(&self) -> Result<(), StoreError> {
        for target in Dc::ALL {
            for holder in target.others() {
                let more = || {
                    keeper::hand_over(&self.core, holder, target)
                        .map_err(|error| self.core.replicas[holder].error(error))
                };
                while self.core.ledger.queue(holder, target).count > 0 && more()? {}
            }
        }
        let numbers = Dc::ALL
            .map(|dc| self.core.replicas[dc].status(|status| status.applied.numbers.clone()));
        let [first, others @ ..] = numbers;
        if others.iter().any(|other| *other != first) {
            let report = repair::run(&self.core)?;
            tracing::info!(?report, "replicas were made equal");
        }
        Ok(())
    }

    fn shut(&self) -> Result<(), StoreError> {
        if self.core.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // A fault must not keep the process from ending.
        self.core.network.set(&[]);
        self.core.keeper.ring();
        self.core.heart.ring();
        let threads = std::mem::take(&mut *self.threads.lock());
        let mut ended = Ok(());
        for thread in threads.keepers {
            ended = ended.and(thread.join());
        }
        for (_, replica) in self.core.replicas.iter() {
            replica.stop();
        }
        for thread in threads.replicas {
            ended = ended.and(thread.join());
        }
        ended.map_err(|_panic| StoreError::Replica {
            dc: Dc::Europe,
            what: "a thread of the store ended by a panic".to_owned(),
        })
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        if let Err(error) = self.shut() {
            tracing::error!(%error, "the store did not close cleanly");
        }
    }
}

/// A replica before its thread is started.
struct Loaded {
    dc: Dc,
    path: PathBuf,
    kv: Arc<dyn Kv>,
    state: ReplicaState,
    entries: Vec<CatalogEntry>,
}

/// The names of the replica that has most; those of the others must be their beginning.
fn common_catalog(loaded: &[Loaded]) -> Result<Catalog, StoreError> {
    let longest = loaded.iter().max_by_key(|replica| replica.entries.len());
    let longest = longest.map_or(&[][..], |replica| &replica.entries);
    for replica in loaded {
        if !longest.starts_with(&replica.entries) {
            return Err(StoreError::Damaged {
                dc: replica.dc,
                what: "its catalog is not the beginning of the others'".to_owned(),
                path: replica.path.clone(),
            });
        }
    }
    Ok(Catalog::from_entries(longest.iter().cloned()))
}

fn open_error(dc: Dc, path: PathBuf, error: OpenError) -> StoreError {
    match error {
        OpenError::InUse => StoreError::InUse { path },
        OpenError::Damaged(what) => StoreError::Damaged { dc, what, path },
        OpenError::Failed(what) => StoreError::Replica { dc, what },
    }
}

impl Store for EmbeddedStore {
    fn catalog(&self) -> &Arc<Catalog> {
        &self.core.catalog
    }

    fn submit(
        &self,
        flush: &Flush,
        via: Dc,
        level: ConsistencyLevel,
    ) -> Result<Box<dyn PendingWrite>, StoreError> {
        let encode = |number| Payload::of_flush(number, flush, &self.core.catalog);
        let write = self.core.submit(via, level, encode)?;
        Ok(Box::new(Pending(write)))
    }

    fn read_bucket(&self, key: BucketKey, from: ReadSource) -> Result<BucketRows, StoreError> {
        self.core.read_bucket(key, from)
    }

    fn scan_summaries(
        &self,
        scope: &BucketScope,
        from: ReadSource,
        visit: &mut dyn FnMut(BucketKey, Summary),
    ) -> Result<(), StoreError> {
        self.core.scan_summaries(scope, from, visit)
    }

    fn scan_rows(
        &self,
        scope: &BucketScope,
        from: ReadSource,
        visit: &mut dyn FnMut(BucketKey, Vec<StoredLine>),
    ) -> Result<(), StoreError> {
        self.core.scan_rows(scope, from, visit)
    }

    fn applied(&self) -> Result<Vec<FlushSpan>, StoreError> {
        self.core.check_open()?;
        let spans =
            Dc::ALL.map(|dc| self.core.replicas[dc].status(|status| status.applied.spans.clone()));
        let [a, b, c] = spans;
        let mut quorum = a.intersection(&b);
        quorum.merge(&a.intersection(&c));
        quorum.merge(&b.intersection(&c));
        Ok(quorum.to_vec())
    }

    fn rejects(&self, query: &RejectQuery, from: ReadSource) -> Result<Vec<RejectRow>, StoreError> {
        self.core.rejects(query, from)
    }

    fn note(&self, name: &str, from: ReadSource) -> Result<Option<Bytes>, StoreError> {
        self.core.newest_note(&note_key(name), from)
    }

    fn notes(&self, prefix: &str, from: ReadSource) -> Result<Vec<Note>, StoreError> {
        self.core.notes(prefix, from)
    }

    fn write_derived(
        &self,
        tables: &[DerivedRows],
        via: Dc,
        level: ConsistencyLevel,
    ) -> Result<WriteReceipt, StoreError> {
        let encode = |number| Payload::of_derived(number, tables);
        self.core.submit(via, level, encode)?.wait()
    }

    fn read_derived(&self, table: &str, from: ReadSource) -> Result<DerivedRows, StoreError> {
        self.core.read_derived(table, from)
    }

    fn compare(&self) -> Result<Comparison, StoreError> {
        compare::run(&self.core)
    }

    fn repair(&self) -> Result<RepairReport, StoreError> {
        self.core.check_open()?;
        repair::run(&self.core)
    }

    fn health(&self) -> StoreHealth {
        health::measure(&self.core)
    }

    fn write_probe(&self, via: Dc, id: u64) -> Result<(), StoreError> {
        let encode = |number| Payload::of_probe(number, via, id);
        let write = self.core.submit(via, ConsistencyLevel::One, encode)?;
        write.wait().map(|_receipt| ())
    }

    fn read_probe(&self, via: Dc, at: Dc) -> Result<Option<u64>, StoreError> {
        let value = self
            .core
            .newest_note(&probe_key(via), ReadSource::Alone(at))?;
        let id = value.and_then(|value| value.as_ref().try_into().ok().map(u64::from_le_bytes));
        Ok(id)
    }

    fn set_faults(&self, faults: &[Fault]) {
        self.core.network.set(faults);
        self.core.heart.ring();
        self.core.keeper.ring();
    }

    fn settle(&self, timeout: Duration) -> Settled {
        let core = &self.core;
        let deadline = core.clock.monotonic() + timeout;
        loop {
            let mut writes = core.writes.lock();
            if writes.is_empty() && is_settled(core) {
                return Settled::Yes;
            }
            let left = deadline.saturating_sub(core.clock.monotonic());
            if left.is_zero() {
                return Settled::NotYet;
            }
            core.settled.wait_for(&mut writes, left.min(CLOCK_SLICE));
        }
    }

    fn close(&self) -> Result<(), StoreError> {
        self.shut()
    }
}

/// Whether no hint waits for a replica that is up, and no replica that is up has work to do.
fn is_settled(core: &Core) -> bool {
    Dc::ALL.into_iter().all(|dc| {
        let works = |dc: Dc| {
            !core.network.is_down(dc)
                && !core.network.is_paused(dc)
                && !core.replicas[dc].has_failed()
        };
        let hinted = dc.others().any(|holder| {
            let delivery = core.network.deliver(holder, dc);
            works(holder)
                && delivery == faults::Delivery::Arrived
                && core.ledger.queue(holder, dc).count > 0
        });
        !works(dc) || core.network.is_disk_full(dc) || (!hinted && core.replicas[dc].is_idle())
    })
}
