//! The sampler: a few times a second it measures, judges, tells the metrics, and publishes a
//! snapshot.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::counters::get;
use super::gate::Pass;
use super::runtime::Runtime;
use crate::handle::{LoadView, PartitionView, RegionView, Snapshot};
use crate::model::{
    CommittedOffset, Dc, Offset, PerDc, PerRegion, Reading, Reason, ReasonCounts, Region, Topic,
    TopicPartition,
};
use crate::ports::{DcState, PartitionOffsets};
use crate::telemetry::EventKind;
use crate::watch::lag::{Lag, LagTotal, UnknownLag};
use crate::watch::rates::{Hop, HopCounters, HopRates};
use crate::watch::verdict::{self, Consumer, Sample};

/// Between two snapshots.
const INTERVAL: Duration = Duration::from_millis(250);
/// Samples that rates are taken over: two seconds.
const RATE_SAMPLES: usize = 8;
/// Samples that a verdict is made from: fifteen seconds.
const VERDICT_SAMPLES: usize = 60;

/// Measures until the engine stops.
pub(crate) struct Sampler {
    runtime: Arc<Runtime>,
    counters: VecDeque<(Duration, HopCounters)>,
    windows: PerRegion<VecDeque<Sample>>,
    states: PerDc<DcState>,
    told: Told,
}

/// What the counters of the metrics have been told.
#[derive(Default)]
struct Told {
    hops: [u64; 5],
    new: PerRegion<u64>,
    rejects: ReasonCounts,
    rejects_of: Option<crate::model::LoadId>,
}

impl Sampler {
    /// A sampler that has measured nothing yet.
    pub(crate) fn new(runtime: Arc<Runtime>) -> Self {
        Self {
            runtime,
            counters: VecDeque::new(),
            windows: PerRegion::from_fn(|_| VecDeque::new()),
            states: PerDc([DcState::Unknown; 3]),
            told: Told::default(),
        }
    }

    /// Runs until the engine stops; one last snapshot then.
    pub(crate) fn run(mut self) {
        loop {
            let pass = self.runtime.running.wait(INTERVAL);
            let runtime = Arc::clone(&self.runtime);
            runtime
                .faults
                .expire(runtime.log.as_ref(), runtime.store.as_ref());
            runtime.routes.tick();
            let snapshot = self.sample();
            self.tell(&snapshot);
            runtime.snapshot.store(Arc::new(snapshot));
            runtime.wake();
            if pass == Pass::Stop {
                return;
            }
        }
    }

    fn sample(&mut self) -> Snapshot {
        let runtime = Arc::clone(&self.runtime);
        let now = runtime.clock.monotonic();
        let partitions: Vec<_> = runtime
            .partitions()
            .map(|partition| self.partition(partition))
            .collect();
        let counters = self.count(&partitions);
        if self.counters.len() > RATE_SAMPLES {
            self.counters.pop_front();
        }
        self.counters.push_back((now, counters));
        let rates = self.counters.front().and_then(|(then, before)| {
            HopRates::between(before, &counters, now.saturating_sub(*then))
        });
        let view = runtime.routes.view();
        for region in Region::ALL {
            self.note(&partitions, region);
        }
        let regions = PerRegion::from_fn(|region| {
            let window: Vec<_> = self.windows[region].iter().copied().collect();
            let counters = runtime.counters.region(region);
            RegionView {
                route: view.machine.state(region),
                serving: view.machine.serving(region),
                hold_down_left: view.hold_down_left[region],
                lag: lag_of(&partitions, region),
                verdict: verdict::judge(&window),
                trend: verdict::trend(&window),
                written: get(&counters.written),
                new: get(&counters.new),
                retries: get(&counters.retries),
                held_back: get(&counters.held_back),
            }
        });
        let load = runtime.loads.current().map(|current| LoadView {
            ledger: runtime.ledger(&current.record),
            elapsed: now.saturating_sub(current.began),
            read: current.read,
            record: current.record,
        });
        Snapshot {
            mode: runtime.settings.mode,
            at: runtime.clock.now(),
            uptime: now,
            lines: runtime.analytics.lines(),
            load,
            loads: runtime.loads.all(),
            lag: LagTotal::over(regions.iter().map(|(_, region)| region.lag)),
            regions,
            write_mode: view.machine.write_mode(),
            partitions,
            counters,
            rates,
            store: Some(runtime.store.health()),
            canary: runtime.canary.view(now),
            faults: runtime.faults.active(),
            workers_failed: runtime
                .consumers
                .iter()
                .filter_map(|c| c.failed.lock().clone())
                .collect(),
            monitoring_port: runtime.monitoring_port(),
        }
    }

    fn partition(&self, partition: TopicPartition) -> PartitionView {
        let log = self.runtime.log.as_ref();
        let ends = log.offsets(partition);
        let committed = log.committed(partition);
        let lag = match (&ends, &committed) {
            (Ok(PartitionOffsets { begin, end }), Ok(committed)) => {
                // A group that has not committed yet has everything from the oldest record on
                // before it.
                let at = committed.unwrap_or(CommittedOffset(begin.0));
                let oldest = log.appended_at(partition, Offset(at.0)).ok().flatten();
                let wall = self.runtime.clock.now();
                let age = oldest.and_then(|oldest| (wall - oldest).to_std().ok());
                Lag::between(*end, Some(at)).aged(age.unwrap_or_default())
            }
            (Err(_), _) | (_, Err(_)) => Lag::Unknown(UnknownLag::NotMeasured),
        };
        PartitionView {
            partition,
            begin: ends.as_ref().ok().map(|ends| ends.begin),
            end: ends.as_ref().ok().map(|ends| ends.end),
            committed: committed.ok().flatten(),
            lag,
        }
    }

    /// Adds a sample to the window of a region.
    fn note(&mut self, partitions: &[PartitionView], region: Region) {
        let of_region = || {
            partitions
                .iter()
                .filter(|view| view.partition.topic == Topic::Lines(region))
        };
        let Some(end) = of_region().map(|v| v.end.map(|e| e.0)).sum::<Option<u64>>() else {
            return;
        };
        let consumes = self.runtime.consumers.iter().any(|consumer| {
            consumer.topic == Topic::Lines(region) && consumer.failed.lock().is_none()
        });
        let window = &mut self.windows[region];
        if window.len() == VERDICT_SAMPLES {
            window.pop_front();
        }
        window.push_back(Sample {
            end,
            committed: of_region().map(end_of_known).sum(),
            consumer: if consumes {
                Consumer::Present
            } else {
                Consumer::Absent
            },
        });
    }

    fn count(&self, partitions: &[PartitionView]) -> HopCounters {
        let counters = &self.runtime.counters;
        let queued = partitions
            .iter()
            .filter(|view| view.partition.topic != Topic::Quarantine)
            .filter_map(|view| view.lag.known())
            .sum::<u64>();
        let passed = [
            get(&counters.read),
            get(&counters.clean),
            counters.sum(|c| &c.produced),
            counters.sum(|c| &c.consumed),
            counters.sum(|c| &c.written),
        ];
        let [_, clean, produced, consumed, written] = passed;
        let in_flight = consumed.saturating_sub(written);
        HopCounters {
            passed,
            queued: [
                0,
                clean.saturating_sub(produced),
                queued.saturating_sub(in_flight),
                in_flight,
            ],
            set_aside: get(&counters.set_aside),
        }
    }

    /// Tells the metrics and, of data centres that changed, the events.
    fn tell(&mut self, snapshot: &Snapshot) {
        let metrics = Arc::clone(&self.runtime.metrics);
        for (hop, (told, now)) in Hop::ALL
            .into_iter()
            .zip(self.told.hops.iter_mut().zip(snapshot.counters.passed))
        {
            metrics.add_lines(hop, now.saturating_sub(*told));
            *told = now;
        }
        for region in Region::ALL {
            let new = snapshot.regions[region].new;
            let told = &mut self.told.new[region];
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
        self.tell_rejects(snapshot);
        self.tell_data_centres(snapshot);
    }

    fn tell_rejects(&mut self, snapshot: &Snapshot) {
        let newest = snapshot.load.as_ref().map(|load| &load.record);
        let Some(record) = newest.or(snapshot.loads.last()) else {
            return;
        };
        // The rejects of loads before this process began are not of this process's counters.
        if self.told.rejects_of != Some(record.id) {
            let began_here = record.started_at >= snapshot.at - snapshot.uptime;
            self.told.rejects = if began_here {
                ReasonCounts::default()
            } else {
                record.intake.set_aside
            };
            self.told.rejects_of = Some(record.id);
        }
        for reason in Reason::ALL {
            let now = record.intake.set_aside.get(reason);
            let told = self.told.rejects.get(reason);
            self.runtime
                .metrics
                .add_rejects(reason, now.saturating_sub(told));
        }
        self.told.rejects = record.intake.set_aside;
    }

    fn tell_data_centres(&mut self, snapshot: &Snapshot) {
        let Some(store) = &snapshot.store else {
            return;
        };
        let metrics = &self.runtime.metrics;
        for dc in Dc::ALL {
            let health = &store.dcs[dc];
            metrics.set_hints(dc, &Reading::Known(health.hints));
            metrics.set_disk_bytes(dc, &health.disk_bytes);
            let state = state_of(&store.witnesses.views, dc);
            metrics.set_dc_state(dc, state);
            if self.states[dc] != state {
                let first = self.states[dc] == DcState::Unknown && state == DcState::Up;
                self.states[dc] = state;
                if !first {
                    self.runtime.events.emit(EventKind::DcChanged { dc, state });
                }
            }
        }
        let gap = snapshot.load.as_ref().map(|load| &load.ledger);
        if let Some(ledger) = gap {
            let lines = ledger
                .gaps()
                .iter()
                .map(|gap| gap.lines.unsigned_abs())
                .sum();
            metrics.set_ledger_gap(&Reading::Known(lines));
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

/// Where the group of a partition stands, if that is known: at the beginning before its first
/// commit.
fn end_of_known(view: &PartitionView) -> Option<u64> {
    let lag = view.lag.known()?;
    Some(view.end?.0.saturating_sub(lag))
}

/// Lag of a region: the sum of the lines, the age of the oldest.
fn lag_of(partitions: &[PartitionView], region: Region) -> Lag {
    let parts = || {
        partitions
            .iter()
            .filter(|view| view.partition.topic == Topic::Lines(region))
            .map(|view| view.lag)
    };
    let oldest = parts().filter_map(|lag| match lag {
        Lag::Known { age, .. } => age,
        Lag::Stale { .. } | Lag::Unknown(_) => None,
    });
    LagTotal::over(parts())
        .as_lag()
        .aged(oldest.max().unwrap_or_default())
}
