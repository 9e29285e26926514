//! The sampler: a few times a second it measures, judges, tells the metrics, and publishes a
//! snapshot.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::counters::get;
use super::gate::Pass;
use super::judge::Judge;
use super::runtime::Runtime;
use super::tell::Told;
use crate::failover::Standing;
use crate::handle::{
    ConsumerState, ConsumerView, DcView, LoadView, PartitionView, RegionView, Snapshot,
};
use crate::model::{
    CommittedOffset, Offset, PerDc, PerRegion, Reading, Region, Topic, TopicPartition,
};
use crate::ports::{PartitionOffsets, StoreHealth};
use crate::watch::history::{DcPoint, Point, RegionPoint};
use crate::watch::lag::{self, Drain, Lag, LagTotal, PartitionLag, UnknownLag};
use crate::watch::overall::Health;
use crate::watch::rates::{Hop, HopCounters, HopRates};
use crate::watch::verdict::{self, Consumer, Sample};

/// Between two snapshots.
const INTERVAL: Duration = Duration::from_millis(250);
/// Samples that rates are taken over: two seconds.
const RATE_SAMPLES: usize = 8;
/// Between two points of the history.
const POINT_EVERY: Duration = Duration::from_secs(1);
/// Samples that a verdict is made from: fifteen seconds.
const VERDICT_SAMPLES: usize = 60;

/// Ends faults when their time is over and lets the routes know that time passes, until the engine
/// stops. The sampler cannot do it: it waits for servers that do not answer, which is when faults
/// must end and routes change.
pub(crate) fn keep_time(runtime: &Runtime) {
    while runtime.running.wait(INTERVAL) == Pass::Go {
        let (log, store) = (runtime.log.as_ref(), runtime.store.as_ref());
        runtime.faults.expire(log, store);
        runtime.routes.tick();
    }
}

/// Measures until the engine stops.
pub(crate) struct Sampler {
    runtime: Arc<Runtime>,
    past: VecDeque<Past>,
    windows: PerRegion<VecDeque<Sample>>,
    /// When the newest point of the history was made, and from what.
    point: Option<(Past, PerDc<u64>)>,
    judge: Judge,
    told: Told,
}

/// Counters at one moment.
#[derive(Clone)]
struct Past {
    at: Duration,
    hops: HopCounters,
    /// Lines produced and written.
    regions: PerRegion<(u64, u64)>,
    /// Lag of each partition.
    lags: Vec<Option<u64>>,
}

impl Sampler {
    /// A sampler that has measured nothing yet.
    pub(crate) fn new(runtime: Arc<Runtime>) -> Self {
        Self {
            runtime,
            past: VecDeque::new(),
            windows: PerRegion::from_fn(|_| VecDeque::new()),
            point: None,
            judge: Judge::default(),
            told: Told::default(),
        }
    }

    /// Runs until the engine stops; one last snapshot then.
    pub(crate) fn run(mut self) {
        loop {
            let pass = self.runtime.running.wait(INTERVAL);
            let runtime = Arc::clone(&self.runtime);
            let mut snapshot = self.sample();
            let judged = self.judge.judge(&runtime, &snapshot);
            let gap = judged.ledger_gap;
            snapshot.health = judged.health;
            snapshot.dcs = judged.dcs;
            snapshot.findings = judged.findings;
            snapshot.alerts = judged.alerts;
            snapshot.queues = judged.queues;
            self.told.tell(&runtime, &snapshot, gap);
            self.remember(&snapshot);
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
        if self.past.len() > RATE_SAMPLES {
            self.past.pop_front();
        }
        let present = self.present(now, counters, &partitions);
        self.past.push_back(present.clone());
        let before = self.past.front().unwrap_or(&present).clone();
        let window = now.saturating_sub(before.at);
        let rates = HopRates::between(&before.hops, &counters, window);
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
                drain: drain_of(&partitions, region, &before, now),
                produced_per_sec: rate_of(&before, &present, |past| past.regions[region].0),
                written_per_sec: rate_of(&before, &present, |past| past.regions[region].1),
                written: get(&counters.written),
                new: get(&counters.new),
                retries: get(&counters.retries),
                held_back: get(&counters.held_back),
            }
        });
        let load = runtime.loads.current().map(|current| LoadView {
            pace: runtime.loads.pace(),
            ledger: runtime.ledger(&current.record),
            elapsed: now.saturating_sub(current.began),
            read: current.read,
            record: current.record,
        });
        let store = runtime.store.health();
        settle_ways(&runtime, &partitions, &store, now);
        for (dc, health) in store.dcs.iter() {
            if health.repair_needed {
                runtime.routes.compared(dc, Standing::RepairNeeded);
            }
        }
        let loads = runtime.loads.all();
        Snapshot {
            health: Health::Unknown,
            dcs: PerDc::from_fn(|_| DcView::unknown()),
            findings: Vec::new(),
            alerts: Vec::new(),
            queues: Vec::new(),
            visible: runtime.ways.view(now),
            mode: runtime.settings.mode,
            at: runtime.clock.now(),
            uptime: now,
            lines: runtime.analytics.lines(),
            load,
            ledger: loads.last().map(|newest| runtime.ledger(newest)),
            loads,
            lag: LagTotal::over(regions.iter().map(|(_, region)| region.lag)),
            regions,
            write_mode: view.machine.write_mode(),
            partitions,
            consumers: consumers(&runtime),
            counters,
            rate_limit: runtime.rate.get(),
            rates,
            store: Some(store),
            canary: runtime.canary.view(now, runtime.roles.watch),
            faults: runtime.faults.active(),
            workers_failed: runtime
                .consumers
                .iter()
                .filter_map(|c| c.failed.lock().clone())
                .collect(),
            monitoring_port: runtime.monitoring_port(),
            check: runtime.checks.view(now),
            drill: runtime.drill_view(),
        }
    }

    fn present(&self, at: Duration, hops: HopCounters, partitions: &[PartitionView]) -> Past {
        Past {
            at,
            hops,
            regions: PerRegion::from_fn(|region| {
                let counters = self.runtime.counters.region(region);
                (get(&counters.produced), get(&counters.written))
            }),
            lags: partitions.iter().map(|view| view.lag.known()).collect(),
        }
    }

    /// Adds a point to the history, once a second.
    fn remember(&mut self, snapshot: &Snapshot) {
        let Some(present) = self.past.back().cloned() else {
            return;
        };
        let writes = PerDc::from_fn(|dc| snapshot.store.as_ref().map_or(0, |s| s.dcs[dc].writes));
        let Some((before, written)) = &self.point else {
            self.point = Some((present, writes));
            return;
        };
        let window = present.at.saturating_sub(before.at);
        // The next sample would be further from a second than this one.
        if window + INTERVAL / 2 < POINT_EVERY {
            return;
        }
        let rates = HopRates::between(&before.hops, &present.hops, window);
        let point = Point {
            at: snapshot.at,
            hops: rates.map_or([None; Hop::ALL.len()], |rates| rates.per_sec),
            regions: PerRegion::from_fn(|region| RegionPoint {
                lag_lines: snapshot.regions[region].lag.known(),
                lag_age_ms: age_ms(snapshot.regions[region].lag),
                produced_per_sec: rate_of(before, &present, |past| past.regions[region].0),
                written_per_sec: rate_of(before, &present, |past| past.regions[region].1),
            }),
            dcs: PerDc::from_fn(|dc| {
                let Some(health) = snapshot.store.as_ref().map(|store| &store.dcs[dc]) else {
                    return DcPoint::default();
                };
                let moved = health.writes > written[dc];
                let of = |time: &Reading<u64>| time.known().copied().filter(|_| moved);
                DcPoint {
                    write_p50_us: of(&health.write_p50_us),
                    write_p99_us: of(&health.write_p99_us),
                    hints: health.hints.known().copied(),
                    lines: health.rows.known().map(|rows| rows.lines),
                }
            }),
            partition_lags: present.lags.clone().into_boxed_slice(),
        };
        let history = self.runtime.history.load().with(point);
        self.runtime.history.store(Arc::new(history));
        self.point = Some((present, writes));
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
}

/// The consumers of this engine, one for each topic that it reads.
fn consumers(runtime: &Runtime) -> Vec<ConsumerView> {
    let is_held = runtime.consuming.is_paused();
    let views = runtime.consumers.iter().map(|consumer| ConsumerView {
        topic: consumer.topic,
        state: match consumer.failed.lock().clone() {
            Some(why) => ConsumerState::Ended { why },
            None if is_held => ConsumerState::Held,
            None => ConsumerState::Reading,
        },
    });
    views.collect()
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

/// Lines per second between two moments; `None` for an empty window.
fn rate_of(before: &Past, now: &Past, of: impl Fn(&Past) -> u64) -> Option<f64> {
    let seconds = now.at.saturating_sub(before.at).as_secs_f64();
    let lines = of(now).checked_sub(of(before))?;
    (seconds > 0.0).then(|| lines as f64 / seconds)
}

/// When the last partition of a region will have caught up, as its lag went since `before`.
fn drain_of(partitions: &[PartitionView], region: Region, before: &Past, now: Duration) -> Drain {
    let seconds = now.saturating_sub(before.at).as_secs_f64();
    let of_region = partitions
        .iter()
        .zip(&before.lags)
        .filter_map(|(view, then)| {
            if view.partition.topic != Topic::Lines(region) {
                return None;
            }
            let less = |then: u64| then as f64 - view.lag.known().unwrap_or(then) as f64;
            Some(match then {
                Some(then) if seconds > 0.0 => PartitionLag {
                    lag: view.lag,
                    net_rate: less(*then) / seconds,
                },
                // Without two measurements there is no rate.
                _ => PartitionLag {
                    lag: match view.lag.known() {
                        Some(0) => view.lag,
                        Some(_) | None => Lag::Unknown(UnknownLag::NotMeasured),
                    },
                    net_rate: 0.0,
                },
            })
        });
    lag::drain(&of_region.collect::<Vec<_>>())
}

fn age_ms(lag: Lag) -> Option<u64> {
    match lag {
        Lag::Known { age, .. } => age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        Lag::Stale { .. } | Lag::Unknown(_) => None,
    }
}

/// When all three data centres hold the same and nothing waits, all that is committed is visible:
/// this ends the ways of lines that one of them got later than with their flush.
fn settle_ways(
    runtime: &Runtime,
    partitions: &[PartitionView],
    store: &StoreHealth,
    now: Duration,
) {
    let rows = store.dcs.iter().map(|(_, dc)| match dc.hints {
        Reading::Known(0) => dc.rows.known(),
        _ => None,
    });
    let [Some(a), Some(b), Some(c)] = *rows.collect::<Vec<_>>() else {
        return;
    };
    if a != b || b != c {
        return;
    }
    for view in partitions {
        if let (Topic::Lines(_), Some(committed)) = (view.partition.topic, view.committed) {
            runtime.ways.settled(view.partition, committed.0, now);
        }
    }
}
