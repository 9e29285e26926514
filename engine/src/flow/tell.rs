//! Telling a sample: the metrics that follow from it, and the events of what changed.

use super::judge::window_used;
use super::runtime::Runtime;
use crate::handle::Snapshot;
use crate::model::{Dc, LoadId, PerDc, PerRegion, Reading, Reason, ReasonCounts, Region};
use crate::ports::DcState;
use crate::telemetry::EventKind;
use crate::watch::lag::Lag;
use crate::watch::rates::Hop;
use crate::watch::verdict::Verdict;

/// What metrics and events have been told already.
pub(crate) struct Told {
    hops: [u64; Hop::ALL.len()],
    new: PerRegion<u64>,
    rejects: ReasonCounts,
    rejects_of: Option<LoadId>,
    states: PerDc<DcState>,
    write_errors: PerDc<u64>,
    repair_needed: PerDc<bool>,
    syncs: u64,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            hops: Default::default(),
            new: PerRegion::default(),
            rejects: ReasonCounts::default(),
            rejects_of: None,
            states: PerDc([DcState::Unknown; 3]),
            write_errors: PerDc::default(),
            repair_needed: PerDc::default(),
            syncs: 0,
        }
    }
}

impl Told {
    /// Tells the metrics and, of data centres that changed, the events.
    pub(crate) fn tell(&mut self, runtime: &Runtime, snapshot: &Snapshot, gap: Option<u64>) {
        let metrics = &runtime.metrics;
        for (hop, (told, now)) in Hop::ALL
            .into_iter()
            .zip(self.hops.iter_mut().zip(snapshot.counters.passed))
        {
            metrics.add_lines(hop, now.saturating_sub(*told));
            *told = now;
        }
        for region in Region::ALL {
            let new = snapshot.regions[region].new;
            let told = &mut self.new[region];
            metrics.add_new_lines(region, new.saturating_sub(*told));
            *told = new;
            let lag = &snapshot.regions[region].lag;
            let age = match lag {
                Lag::Known { age: Some(age), .. } => Reading::Known(*age),
                Lag::Known { age: None, .. } | Lag::Stale { .. } | Lag::Unknown(_) => {
                    Reading::Unknown("not measured".into())
                }
            };
            metrics.set_lag_age(region, &age);
            let stalled = match snapshot.regions[region].verdict {
                Verdict::Stalled | Verdict::Stopped => Reading::Known(1),
                Verdict::Ok | Verdict::Growing | Verdict::Rewound => Reading::Known(0),
                Verdict::Unknown => Reading::Unknown("too few samples".into()),
            };
            metrics.set_consumer_stalled(region, &stalled);
        }
        for view in &snapshot.partitions {
            let lines = match &view.lag {
                Lag::Known { lines, .. } => Reading::Known(*lines),
                Lag::Stale { lines, since } => Reading::Stale {
                    value: *lines,
                    age: *since,
                },
                Lag::Unknown(reason) => Reading::Unknown(reason.to_string()),
            };
            metrics.set_lag_lines(view.partition, &lines);
        }
        self.tell_rejects(runtime, snapshot);
        self.tell_data_centres(runtime, snapshot);
        self.tell_parts(runtime, snapshot);
        // While lines are on their way the sheet is open, and that is not a gap.
        let gap = gap.map_or_else(|| Reading::Unknown(String::new()), Reading::Known);
        metrics.set_ledger_gap(&gap);
        metrics.set_sampled_at(snapshot.at.timestamp_millis() as f64 / 1e3);
    }

    fn tell_rejects(&mut self, runtime: &Runtime, snapshot: &Snapshot) {
        let newest = snapshot.load.as_ref().map(|load| &load.record);
        let Some(record) = newest.or(snapshot.loads.last()) else {
            return;
        };
        // The rejects of loads before this process began are not of this process's counters.
        if self.rejects_of != Some(record.id) {
            let began_here = record.started_at >= snapshot.at - snapshot.uptime;
            self.rejects = if began_here {
                ReasonCounts::default()
            } else {
                record.intake.set_aside
            };
            self.rejects_of = Some(record.id);
        }
        for reason in Reason::ALL {
            let now = record.intake.set_aside.get(reason);
            let told = self.rejects.get(reason);
            runtime
                .metrics
                .add_rejects(reason, now.saturating_sub(told));
        }
        self.rejects = record.intake.set_aside;
    }

    fn tell_data_centres(&mut self, runtime: &Runtime, snapshot: &Snapshot) {
        let Some(store) = &snapshot.store else {
            return;
        };
        let metrics = &runtime.metrics;
        for dc in Dc::ALL {
            let health = &store.dcs[dc];
            metrics.set_hints(dc, &health.hints);
            metrics.set_disk_bytes(dc, &health.disk_bytes);
            let errors = &mut self.write_errors[dc];
            metrics.add_write_errors(dc, health.write_errors.saturating_sub(*errors));
            *errors = health.write_errors;
            if health.repair_needed && !self.repair_needed[dc] {
                runtime.events.emit(EventKind::RepairNeeded { dc });
            }
            self.repair_needed[dc] = health.repair_needed;
            let state = state_of(&store.witnesses.views, dc);
            metrics.set_dc_state(dc, state);
            if self.states[dc] != state {
                let first = self.states[dc] == DcState::Unknown && state == DcState::Up;
                self.states[dc] = state;
                if !first {
                    runtime.events.emit(EventKind::DcChanged { dc, state });
                }
            }
        }
    }

    /// Queues, disks, hints and workers.
    fn tell_parts(&mut self, runtime: &Runtime, snapshot: &Snapshot) {
        let metrics = &runtime.metrics;
        for view in &snapshot.queues {
            metrics.set_queue_depth(view.queue, &view.entries);
        }
        for (dc, view) in snapshot.dcs.iter() {
            let unknown = || Reading::Unknown("not measured".into());
            let used = view.hints.as_ref().map(window_used);
            metrics.set_hint_window_used(dc, &used.map_or_else(unknown, Reading::Known));
            metrics.set_disk_used(dc, &view.disk_used);
        }
        metrics.set_workers_failed(snapshot.workers_failed.len() as u64);
        if let Some(syncs) = runtime.log.activity().syncs {
            metrics.add_log_syncs(syncs.saturating_sub(self.syncs));
            self.syncs = syncs;
        }
    }
}

/// What most of the observers say of a data centre; the worse of two that differ.
fn state_of(views: &PerDc<PerDc<DcState>>, subject: Dc) -> DcState {
    let said: Vec<_> = Dc::ALL
        .into_iter()
        .map(|observer| views[observer][subject])
        .filter(|state| *state != DcState::Unknown)
        .collect();
    let count = |state| said.iter().filter(|s| **s == state).count();
    let worst_first = [DcState::Down, DcState::Suspect, DcState::Up];
    worst_first
        .into_iter()
        .find(|state| count(*state) * 2 > said.len())
        .or_else(|| worst_first.into_iter().find(|state| count(*state) > 0))
        .unwrap_or(DcState::Unknown)
}
