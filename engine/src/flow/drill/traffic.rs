//! Probe traffic of a drill: small writes and reads of every region at every level, the way the
//! product makes them.
//!
//! A request goes through the data centre that serves its region at that moment, and is sent
//! again when it fails, as a consumer does with a flush. It counts as failed when its time budget
//! is over or the fault ends before it was acknowledged. Each region and level has a thread of its
//! own, so that one that waits holds up no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::super::gate::{Gate, Pass};
use super::super::runtime::{Runtime, spawn};
use super::DrillError;
use crate::failover::predict::{Access, CellKey};
use crate::model::{ConsistencyLevel, Dc, Region};
use crate::ports::{Flush, Note, ReadSource, StoreError};

/// Between two requests of the same region and level.
pub(super) const PACE: Duration = Duration::from_millis(100);
/// Before a failed request is sent again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// How long a request is sent again: longer than noticing and leaving a silent data centre takes
/// by default, shorter than a fault.
const BUDGET: Duration = Duration::from_secs(3);

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Acknowledged, or answered.
    Ok,
    /// Given up.
    Failed,
}

/// Whether a write is what the consumers of its region wait for too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It is a write at the level of the region's route.
    Route,
    /// It is a read, or at another level.
    Probe,
}

/// A request that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    /// Which.
    pub(super) key: CellKey,
    /// When it was sent first.
    pub(super) began: Duration,
    /// When it was sent last.
    pub(super) sent: Duration,
    /// When it ended.
    pub(super) ended: Duration,
    /// Attempts that failed.
    pub(super) failed_attempts: u32,
    /// How it ended.
    pub(super) end: End,
    /// Whether the product waits for the same.
    pub(super) weight: Weight,
}

/// What the traffic has seen.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    /// Requests, in the order in which they ended.
    pub(super) requests: Vec<Request>,
    /// Names of the notes that were acknowledged at QUORUM.
    pub(super) acknowledged: Vec<String>,
}

/// Traffic that runs until it is dropped or stopped.
pub(super) struct Traffic {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    runtime: Arc<Runtime>,
    gate: Gate,
    is_fault_over: AtomicBool,
    prefix: String,
    seen: Arc<Mutex<Seen>>,
}

impl Traffic {
    /// Starts the traffic. Its notes have names that begin with `prefix`.
    pub(super) fn start(runtime: &Arc<Runtime>, prefix: String) -> Result<Self, DrillError> {
        let mut traffic = Self {
            shared: Arc::new(Shared {
                runtime: Arc::clone(runtime),
                gate: Gate::default(),
                is_fault_over: AtomicBool::new(false),
                prefix,
                seen: Arc::default(),
            }),
            threads: Vec::new(),
        };
        for region in Region::ALL {
            for level in ConsistencyLevel::ALL {
                let shared = Arc::clone(&traffic.shared);
                let name = format!("drill-{}-{level}", region.slug());
                let thread = spawn(&name, move || shared.run(region, level))
                    .map_err(|error| DrillError::Thread(error.to_string()))?;
                traffic.threads.push(thread);
            }
        }
        Ok(traffic)
    }

    /// Whether every region and level has had a write acknowledged.
    pub(super) fn is_flowing(&self) -> bool {
        let seen = self.shared.seen.lock();
        Region::ALL.into_iter().all(|region| {
            ConsistencyLevel::ALL.into_iter().all(|level| {
                let key = CellKey {
                    region,
                    access: Access::Write,
                    level,
                };
                seen.requests
                    .iter()
                    .any(|r| r.key == key && r.end == End::Ok)
            })
        })
    }

    /// What the traffic sees, while it runs.
    pub(super) fn seen(&self) -> Arc<Mutex<Seen>> {
        Arc::clone(&self.shared.seen)
    }

    /// Tells that the fault is over: what failed until now has failed.
    pub(super) fn fault_over(&self) {
        self.shared.is_fault_over.store(true, Ordering::Release);
    }

    /// Ends the traffic and returns what it saw.
    pub(super) fn stop(mut self) -> Seen {
        self.join();
        self.shared.seen.lock().clone()
    }

    fn join(&mut self) {
        self.shared.gate.stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of a drill ended with a panic");
            }
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.join();
    }
}

impl Shared {
    fn run(&self, region: Region, level: ConsistencyLevel) {
        let key = |access| CellKey {
            region,
            access,
            level,
        };
        let prefix = format!("{}{}/{level}", self.prefix, region.slug());
        let mut newest = None;
        for number in 0_u64.. {
            let name = format!("{prefix}/{number}");
            let flush = Flush {
                notes: vec![Note {
                    name: name.clone(),
                    value: Bytes::copy_from_slice(&number.to_le_bytes()),
                }],
                ..Flush::default()
            };
            let store = &self.runtime.store;
            let write = self.request(key(Access::Write), |via| {
                store.submit(&flush, via, level)?.wait().map(drop)
            });
            if write == End::Ok {
                newest = Some(name.clone());
                if level == ConsistencyLevel::Quorum {
                    self.seen.lock().acknowledged.push(name);
                }
            }
            if let Some(name) = &newest {
                self.request(key(Access::Read), |via| {
                    let from = ReadSource::Level { via, level };
                    store.note(name, from).map(drop)
                });
            }
            if self.gate.wait(PACE) == Pass::Stop {
                return;
            }
        }
    }

    /// Sends a request until it succeeds or is given up.
    fn request(&self, key: CellKey, send: impl Fn(Dc) -> Result<(), StoreError>) -> End {
        let (clock, routes) = (&self.runtime.clock, &self.runtime.routes);
        let began = clock.monotonic();
        let began_in_fault = !self.is_fault_over.load(Ordering::Acquire);
        let mut failed_attempts = 0;
        loop {
            let route = routes.of(key.region);
            let weight = if key.access == Access::Write && route.level == Some(key.level) {
                Weight::Route
            } else {
                Weight::Probe
            };
            let last_sent = clock.monotonic();
            let answer = send(route.via);
            let ended = clock.monotonic();
            if weight == Weight::Route {
                // Requests at other levels fail where the product's own would not.
                match &answer {
                    Ok(()) => {
                        routes.succeeded(key.region, route.via, ended.saturating_sub(last_sent));
                    }
                    Err(error) => routes.failed(key.region, route.via, error),
                }
            }
            let end = if answer.is_ok() {
                Some(End::Ok)
            } else {
                failed_attempts += 1;
                let is_over = began_in_fault && self.is_fault_over.load(Ordering::Acquire);
                let is_late = ended.saturating_sub(began) >= BUDGET;
                let is_stopped = self.gate.wait(RETRY_PAUSE) == Pass::Stop;
                (is_over || is_late || is_stopped).then_some(End::Failed)
            };
            if let Some(end) = end {
                self.seen.lock().requests.push(Request {
                    key,
                    began,
                    sent: last_sent,
                    ended,
                    failed_attempts,
                    end,
                    weight,
                });
                return end;
            }
        }
    }
}
