//! Comparing and repairing when the failover asks for it, away from those who cannot wait.

use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::routes::{Ask, Routes, standings};
use crate::failover::Standing;
use crate::model::Dc;
use crate::ports::Store;
use crate::telemetry::{EventKind, EventLog};

/// Does what the failover asks for.
pub(crate) struct Comparer {
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// Told what was found.
    pub(crate) routes: Arc<Routes>,
    /// Told of repairs.
    pub(crate) events: EventLog,
    /// What is asked for.
    pub(crate) asks: Receiver<Ask>,
}

impl Comparer {
    /// Runs until it is told to end.
    pub(crate) fn run(&self) {
        for ask in &self.asks {
            match ask {
                Ask::Compare(dc) => self.compare(dc),
                Ask::Repair(dc) => {
                    self.repair();
                    self.compare(dc);
                }
                Ask::End => return,
            }
        }
    }

    fn repair(&self) {
        match self.store.repair() {
            Ok(done) => {
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
        if health.dcs[dc].hints > 0 {
            self.routes.compared(dc, Standing::Unequal);
            return;
        }
        match self.store.compare() {
            Ok(comparison) => {
                let found = standings(&comparison);
                self.routes.compared(dc, found[dc]);
            }
            Err(error) => tracing::debug!(%error, "a comparison did not finish"),
        }
    }
}
