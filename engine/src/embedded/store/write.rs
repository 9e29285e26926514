//! A write on its way: who has it, who will get it, and when its level is met.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::model::{ConsistencyLevel, Dc, DcSet};
use crate::ports::{Clock, PendingWrite, StoreError, WriteReceipt};

use super::faults::CLOCK_SLICE;
use super::payload::Payload;
use super::replica::Refusal;

/// What is known of a write.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// Have it durably.
    pub(super) acked: DcSet,
    /// Said that they do not take it.
    pub(super) failed: DcSet,
    /// Of those, the ones whose disk is full.
    pub(super) disk_full: DcSet,
    /// Somebody keeps it for them, or it was given up for them.
    pub(super) hinted: DcSet,
    /// Somebody is about to keep it for them.
    pub(super) hinting: DcSet,
    /// The level was met.
    pub(super) met: Option<WriteReceipt>,
}

/// A write that was handed to the replicas.
pub(super) struct Write {
    /// Its number.
    pub(super) number: u64,
    /// Its content.
    pub(super) payload: Arc<Payload>,
    /// Data centre of the coordinator.
    pub(super) via: Dc,
    /// When a replica that has not answered counts as one that does not.
    pub(super) deadline: Duration,
    level: ConsistencyLevel,
    started: Duration,
    clock: Arc<dyn Clock>,
    progress: Mutex<Progress>,
    changed: Condvar,
    /// Who wants to know that all three have it.
    everywhere: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Write {
    /// A write that starts now.
    pub(super) fn new(
        number: u64,
        payload: Payload,
        via: Dc,
        level: ConsistencyLevel,
        clock: Arc<dyn Clock>,
        timeout: Duration,
    ) -> Self {
        let started = clock.monotonic();
        Self {
            number,
            payload: Arc::new(payload),
            via,
            deadline: started + timeout,
            level,
            started,
            clock,
            progress: Mutex::default(),
            changed: Condvar::new(),
            everywhere: Mutex::default(),
        }
    }

    /// Looks at the progress.
    pub(super) fn progress(&self) -> Progress {
        *self.progress.lock()
    }

    /// Changes the progress and wakes who waits for it.
    pub(super) fn note(&self, change: impl FnOnce(&mut Progress)) {
        let mut progress = self.progress.lock();
        change(&mut progress);
        if progress.met.is_none() && self.level.satisfied_by(progress.acked, self.via) {
            progress.met = Some(WriteReceipt {
                acked: progress.acked,
                latency: self.clock.monotonic().saturating_sub(self.started),
            });
        }
        let acked = progress.acked;
        drop(progress);
        self.changed.notify_all();
        self.tell_everywhere(acked);
    }

    fn tell_everywhere(&self, acked: DcSet) {
        if acked.len() < Dc::ALL.len() {
            return;
        }
        let tell = self.everywhere.lock().take();
        if let Some(tell) = tell {
            tell();
        }
    }

    /// How long ago it was sent.
    pub(super) fn age(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.started)
    }

    /// A replica answered.
    pub(super) fn answered(&self, dc: Dc, answer: &Result<(), Refusal>) {
        self.note(|progress| match answer {
            Ok(()) => progress.acked = progress.acked.with(dc),
            Err(refusal) => {
                progress.failed = progress.failed.with(dc);
                if *refusal == Refusal::DiskFull {
                    progress.disk_full = progress.disk_full.with(dc);
                }
            }
        });
    }

    /// Whether every replica has it or will get it.
    pub(super) fn is_settled(&self) -> bool {
        let progress = self.progress();
        Dc::ALL
            .into_iter()
            .all(|dc| progress.acked.contains(dc) || progress.hinted.contains(dc))
    }

    fn outcome(&self, progress: &Progress) -> Option<Result<WriteReceipt, StoreError>> {
        if let Some(receipt) = progress.met {
            return Some(Ok(receipt));
        }
        let now = self.clock.monotonic();
        let hopeful = Dc::ALL
            .into_iter()
            .filter(|dc| !progress.failed.contains(*dc));
        let can_be_met = self.level.satisfied_by(hopeful.collect(), self.via);
        if can_be_met && now < self.deadline {
            return None;
        }
        if let Some(dc) = progress.disk_full.iter().next()
            && !can_be_met
        {
            return Some(Err(StoreError::DiskFull { dc }));
        }
        Some(Err(StoreError::WriteTimeout {
            level: self.level,
            via: self.via,
            acked: progress.acked,
            after: now.saturating_sub(self.started),
        }))
    }

    /// Whether [`Write::wait`] would return at once.
    pub(super) fn is_decided(&self) -> bool {
        self.outcome(&self.progress()).is_some()
    }

    /// Waits until the level is met or cannot be met in time.
    pub(super) fn wait(&self) -> Result<WriteReceipt, StoreError> {
        let mut progress = self.progress.lock();
        loop {
            if let Some(outcome) = self.outcome(&progress) {
                return outcome;
            }
            let left = self.deadline.saturating_sub(self.clock.monotonic());
            self.changed.wait_for(&mut progress, left.min(CLOCK_SLICE));
        }
    }
}

/// The caller's end of a write.
pub(super) struct Pending(pub(super) Arc<Write>);

impl PendingWrite for Pending {
    fn wait(self: Box<Self>) -> Result<WriteReceipt, StoreError> {
        self.0.wait()
    }

    fn is_done(&self) -> bool {
        self.0.is_decided()
    }

    fn when_everywhere(&self, tell: Box<dyn FnOnce() + Send>) {
        *self.0.everywhere.lock() = Some(tell);
        // All may have answered before.
        self.0.tell_everywhere(self.0.progress().acked);
    }
}
