//! Comparing and repairing when the failover asks for it, away from those who cannot wait.

use std::sync::Arc;

use crossbeam_channel::Receiver;
use parking_lot::Mutex;

use super::routes::{Ask, Routes, standings};
use crate::failover::Standing;
use crate::model::Dc;
use crate::ports::{Comparison, Store};
use crate::telemetry::{EventKind, EventLog};

/// What the last comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Buckets that differ between data centres.
    pub(crate) unequal: u64,
    /// Buckets whose summary differs from their rows.
    pub(crate) drifted: u64,
}

/// The last comparison; `None` before the first, and after a repair.
pub(crate) type LastCompared = Arc<Mutex<Option<Compared>>>;

impl Compared {
    /// What a comparison found.
    pub(crate) const fn of(comparison: &Comparison) -> Self {
        Self {
            unequal: comparison.unequal.len() as u64,
            drifted: comparison.drift.len() as u64,
        }
    }
}

/// Does what the failover asks for.
pub(crate) struct Comparer {
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// Told what was found.
    pub(crate) routes: Arc<Routes>,
    /// Told of repairs.
    pub(crate) events: EventLog,
    /// Where what was found is kept.
    pub(crate) last: LastCompared,
    /// What is asked for.
    pub(crate) asks: Receiver<Ask>,
}

impl Comparer {
    /// Runs until it is told to end.
    pub(crate) fn run(&self) {
        for ask in &self.asks {
            if ask == Ask::End {
                return;
            }
            self.step(ask);
        }
    }

    /// Does one thing that was asked for.
    pub(super) fn step(&self, ask: Ask) {
        match ask {
            Ask::Compare(dc) => self.compare(dc),
            Ask::Repair(dc) => {
                self.repair();
                self.compare(dc);
            }
            Ask::End => {}
        }
    }

    fn repair(&self) {
        match self.store.repair() {
            Ok(done) => {
                *self.last.lock() = None;
                self.events.emit(EventKind::Repaired {
                    buckets: done.buckets_repaired,
                    lines: done.lines_copied,
                });
            }
            Err(error) => tracing::warn!(%error, "a repair did not finish"),
        }
    }

    fn compare(&self, dc: Dc) {
        let health = self.store.health();
        if health.dcs[dc].repair_needed {
            self.routes.compared(dc, Standing::RepairNeeded);
            return;
        }
        // Hints on their way say it without reading a row.
        if health.dcs[dc].hints.known().is_some_and(|n| *n > 0) {
            self.routes.compared(dc, Standing::Unequal);
            return;
        }
        match self.store.compare() {
            Ok(comparison) => {
                *self.last.lock() = Some(Compared::of(&comparison));
                let found = standings(&comparison);
                self.routes.compared(dc, found[dc]);
            }
            Err(error) => tracing::debug!(%error, "a comparison did not finish"),
        }
    }
}
