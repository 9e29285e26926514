//! One replica: a database, and the thread that alone writes to it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use parking_lot::Mutex;

use crate::model::{Catalog, Dc, DcSet};
use crate::ports::{Clock, StoreError};

use super::faults::Network;
use super::hints::{HintLedger, hint_key, hint_value};
use super::kv::{Batch, Kv, Table};
use super::payload::Payload;
use super::state::{Applied, ReplicaState, StateError};

/// Requests that wait for a replica. More than the writes in flight and the heartbeats of a
/// detection time, so that only a replica that stands still ever has it full; its writes become
/// hints then.
pub(super) const QUEUE: usize = 64;

/// Write times remembered for the percentiles.
const RECENT: usize = 512;

/// Why a replica did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It takes no requests.
    Down,
    /// Its disk takes no more.
    DiskFull,
    /// Its database failed.
    Failed(String),
}

/// Called once with the answer. Dropped uncalled when there will never be one.
pub(super) type Reply = Box<dyn FnOnce(Result<(), Refusal>) + Send>;

/// What a replica can be asked to do.
pub(super) enum Work {
    /// Apply a write, and keep it for others that are known to be down.
    Apply {
        /// The write.
        payload: Arc<Payload>,
        /// For whom it is kept.
        hints: DcSet,
    },
    /// Keep a write for another.
    KeepHint {
        /// For whom.
        target: Dc,
        /// The write.
        payload: Arc<Payload>,
    },
    /// Take hints away.
    DropHints {
        /// Whose.
        keys: Vec<Bytes>,
    },
    /// Note for which replicas hints were dropped.
    NoteRepair(DcSet),
    /// Answer.
    Ping,
    /// End the thread.
    Stop,
}

/// A request with who wants to know.
pub(super) struct Request {
    /// What to do.
    pub(super) work: Work,
    /// Gets the answer.
    pub(super) reply: Reply,
}

/// What others may know of a replica.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// What it has applied durably.
    pub(super) applied: Applied,
    /// Replicas of which it noted that hints were dropped.
    pub(super) repair_needed: DcSet,
    /// Why its database takes no more requests.
    pub(super) failed: Option<String>,
    /// Writes applied since it was opened.
    pub(super) writes: u64,
    /// Writes that failed or timed out since it was opened.
    pub(super) write_errors: u64,
    /// Microseconds from sending the last writes to their acknowledgement, the latest last.
    pub(super) recent_us: VecDeque<u64>,
}

impl Status {
    /// A write was acknowledged this long after it was sent.
    pub(super) fn acknowledged_after(&mut self, time: Duration) {
        if self.recent_us.len() >= RECENT {
            self.recent_us.pop_front();
        }
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.recent_us.push_back(micros);
    }
}

/// One replica, as its users see it.
pub(super) struct Replica {
    /// Where it is.
    pub(super) dc: Dc,
    /// Its database.
    pub(super) kv: Arc<dyn Kv>,
    /// Its folder, for messages.
    pub(super) path: PathBuf,
    queue: Sender<Request>,
    waiting: AtomicUsize,
    served: AtomicU64,
    status: Mutex<Status>,
}

/// What the thread of a replica works with.
pub(super) struct Surroundings {
    /// The faults in force.
    pub(super) network: Arc<Network>,
    /// The names behind ids.
    pub(super) catalog: Arc<Catalog>,
    /// Time.
    pub(super) clock: Arc<dyn Clock>,
    /// What hints are kept where.
    pub(super) ledger: Arc<HintLedger>,
}

impl Replica {
    /// A replica over a database, and the receiver for its thread.
    pub(super) fn new(
        dc: Dc,
        kv: Arc<dyn Kv>,
        path: PathBuf,
        state: &ReplicaState,
    ) -> (Self, Receiver<Request>) {
        let (queue, requests) = crossbeam_channel::bounded(QUEUE);
        let status = Status {
            applied: state.applied.clone(),
            repair_needed: state.repair_needed,
            ..Status::default()
        };
        let replica = Self {
            dc,
            kv,
            path,
            queue,
            waiting: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            status: Mutex::new(status),
        };
        (replica, requests)
    }

    /// Hands in a request without waiting; gives it back when the queue is full or the thread
    /// has ended.
    pub(super) fn ask(&self, request: Request) -> Result<(), Request> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        self.queue.try_send(request).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            match error {
                TrySendError::Full(request) | TrySendError::Disconnected(request) => request,
            }
        })
    }

    /// Ends the thread after the requests before.
    pub(super) fn stop(&self) {
        let request = Request {
            work: Work::Stop,
            reply: Box::new(|_| {}),
        };
        // An error says that the thread has ended already.
        drop(self.queue.send(request));
    }

    /// Whether it has nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }

    /// Requests of any kind that it has answered since it was opened.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Acquire)
    }

    /// Whether its database failed.
    pub(super) fn has_failed(&self) -> bool {
        self.status.lock().failed.is_some()
    }

    /// Looks at what is known.
    pub(super) fn status<T>(&self, look: impl FnOnce(&mut Status) -> T) -> T {
        look(&mut self.status.lock())
    }

    /// The error of bytes or a database that cannot be read.
    pub(super) fn error(&self, error: impl Into<StateError>) -> StoreError {
        state_error(self.dc, &self.path, error.into())
    }

    /// Works until it is told to stop. Never panics; a panic of the work is a failed replica.
    pub(super) fn run(
        &self,
        mut state: ReplicaState,
        requests: &Receiver<Request>,
        with: &Surroundings,
    ) {
        for Request { work, reply } in requests {
            if matches!(work, Work::Stop) {
                break;
            }
            with.network.wait_while_paused(self.dc, &*with.clock, None);
            if let Some(delay) = with.network.delay(self.dc) {
                with.clock.sleep(delay);
            }
            let answer = self.answer(&mut state, &work, with);
            reply(answer);
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            self.served.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn answer(
        &self,
        state: &mut ReplicaState,
        work: &Work,
        with: &Surroundings,
    ) -> Result<(), Refusal> {
        if with.network.is_down(self.dc) {
            return Err(Refusal::Down);
        }
        if let Some(why) = self.status(|status| status.failed.clone()) {
            return Err(Refusal::Failed(why));
        }
        if matches!(work, Work::Ping | Work::Stop) {
            return Ok(());
        }
        if with.network.is_disk_full(self.dc) {
            return Err(Refusal::DiskFull);
        }
        let done = catch_unwind(AssertUnwindSafe(|| self.work(state, work, with)));
        let failed = match done {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic_text(&*panic)),
        };
        if let Some(why) = failed {
            tracing::error!(dc = %self.dc, %why, "the replica failed");
            self.status(|status| status.failed = Some(why.clone()));
            return Err(Refusal::Failed(why));
        }
        if matches!(work, Work::Apply { .. }) {
            self.status(|status| status.writes += 1);
        }
        Ok(())
    }

    fn work(
        &self,
        state: &mut ReplicaState,
        work: &Work,
        with: &Surroundings,
    ) -> Result<(), StateError> {
        let now_ms = with.clock.now().timestamp_millis();
        match work {
            Work::Apply { payload, hints } => {
                let view = self.kv.view();
                let mut batch = state.plan(&*view, &with.catalog, payload)?;
                drop(view);
                let kept = put_hints(&mut batch, *hints, payload, now_ms);
                self.commit(state, batch)?;
                for (target, bytes) in kept {
                    with.ledger.kept(self.dc, target, bytes, now_ms);
                }
            }
            Work::KeepHint { target, payload } => {
                let mut batch = Batch::default();
                state.plan_entries(&mut batch, &with.catalog, payload.entries)?;
                let kept = put_hints(&mut batch, DcSet::NONE.with(*target), payload, now_ms);
                self.commit(state, batch)?;
                for (target, bytes) in kept {
                    with.ledger.kept(self.dc, target, bytes, now_ms);
                }
            }
            Work::DropHints { keys } => {
                let mut batch = Batch::default();
                for key in keys {
                    batch.delete(Table::Hints, key.clone());
                }
                self.commit(state, batch)?;
            }
            Work::NoteRepair(needed) => {
                let batch = state.repair_batch(*needed);
                self.commit(state, batch)?;
            }
            Work::Ping | Work::Stop => {}
        }
        self.status(|status| {
            if status.applied != state.applied {
                status.applied.clone_from(&state.applied);
            }
            status.repair_needed = state.repair_needed;
        });
        Ok(())
    }

    fn commit(&self, state: &mut ReplicaState, mut batch: Batch) -> Result<(), StateError> {
        if batch.changes.is_empty() {
            return Ok(());
        }
        state.mark(&mut batch);
        Ok(self.kv.commit(batch)?)
    }
}

fn put_hints(batch: &mut Batch, targets: DcSet, payload: &Payload, now_ms: i64) -> Vec<(Dc, u64)> {
    if targets.is_empty() {
        return Vec::new();
    }
    let value = hint_value(now_ms, payload);
    let kept = targets.iter().map(|target| {
        batch.put(Table::Hints, hint_key(target, payload), value.clone());
        (target, value.len() as u64)
    });
    kept.collect()
}

/// What a reader is told of a database that cannot be read.
pub(super) fn state_error(dc: Dc, path: &std::path::Path, error: StateError) -> StoreError {
    match error {
        StateError::Kv(error) => StoreError::Replica {
            dc,
            what: error.to_string(),
        },
        StateError::Decode(error) => StoreError::Damaged {
            dc,
            what: error.to_string(),
            path: path.to_owned(),
        },
        StateError::NewerFormat(found) => StoreError::NewerFormat {
            dc,
            found,
            known: super::state::FORMAT,
            path: path.to_owned(),
        },
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}
