//! Judging a sample: data centres by their witnesses, findings, alerts, and the health of the
//! whole. The judgements themselves are pure and live in `watch` and `failover`; here is what they
//! need from one moment to the next.

use std::collections::VecDeque;
use std::time::Duration;

use super::analyse;
use super::consume;
use super::counters::get;
use super::produce;
use super::runtime::Runtime;
use crate::failover::hints::{Fuse, HintFuse, HintState};
use crate::handle::{DcView, QueueView, Snapshot};
use crate::ledger::Ledger;
use crate::model::{Dc, LoadId, PerDc, PerRegion, Reading, Region, Topic};
use crate::ports::{StoreHealth, WitnessView};
use crate::telemetry::{EventKind, Queue};
use crate::watch::alert_state::{Alert, AlertChange};
use crate::watch::alerts::{Measured, Signal};
use crate::watch::findings::{
    Finding, Limits, Observed, ObservedDc, ObservedDisk, ObservedRegion, Repair, find,
};
use crate::watch::health::{DcVerdict, judge_all};
use crate::watch::lag::Lag;
use crate::watch::overall::{Health, Parts, overall};
use crate::watch::rates::Hop;
use crate::watch::verdict::Verdict;

/// An ERROR event lowers health for so long.
const ERROR_WINDOW: Duration = Duration::from_mins(1);
/// Failed writes are counted over this.
const WRITE_WINDOW: Duration = Duration::from_mins(1);
/// Rows set aside are counted over this, as the exported rule does.
const REJECT_WINDOW: Duration = Duration::from_mins(5);
/// Between two points that windows are made of, and between two looks at the disk and the ledger.
const TICK: Duration = Duration::from_secs(1);

/// What a sample comes to.
pub(crate) struct Judged {
    pub(crate) health: Health,
    pub(crate) dcs: PerDc<DcView>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) queues: Vec<QueueView>,
    /// Lines that the ledger of the newest ended load misses; `None` while it cannot be said.
    pub(crate) ledger_gap: Option<u64>,
}

/// Counters at one moment.
#[derive(Clone, Copy)]
struct Tick {
    at: Duration,
    writes: PerDc<u64>,
    write_errors: PerDc<u64>,
    read: u64,
    set_aside: u64,
}

/// Since when a queue has been full with nothing leaving it.
#[derive(Clone, Copy, Default)]
struct Stuck {
    passed: u64,
    since: Option<Duration>,
}

/// What judging remembers.
#[derive(Default)]
pub(crate) struct Judge {
    /// Of the last five minutes, oldest first.
    ticks: VecDeque<Tick>,
    stuck: [Stuck; Queue::ALL.len()],
    /// Hints at the last tick, and how many a second were handed over when they last fell.
    hints: PerDc<u64>,
    drain_per_sec: PerDc<Option<u64>>,
    disk_used: Option<f64>,
    ledger_gap: Option<u64>,
}

impl Judge {
    /// Judges a sample whose measurements are in place.
    pub(crate) fn judge(&mut self, runtime: &Runtime, sample: &Snapshot) -> Judged {
        let now = sample.uptime;
        let due = |tick: &Tick| now.saturating_sub(tick.at) >= TICK;
        if self.ticks.back().is_none_or(due) {
            self.tick(runtime, sample);
        }
        let from = sample.at - ERROR_WINDOW;
        let (errors, errors_by_dc) = runtime.events.errors_since(from);
        let verdicts = sample.store.as_ref().map_or_else(
            || PerDc([DcVerdict::Unknown; 3]),
            |store| judge_all(store, &errors_by_dc),
        );
        let dcs = PerDc::from_fn(|dc| DcView {
            verdict: verdicts[dc],
            seen_by: seen_by(sample.store.as_ref().map(|store| &store.witnesses), dc),
            errors: errors_by_dc[dc],
            hints: sample.store.as_ref().map(|store| {
                let hints = HintState::of(&store.dcs[dc], self.drain_per_sec[dc]);
                HintFuse::judge(dc, hints, runtime.settings.store.hint_window)
            }),
            disk_used: match self.disk_used {
                Some(share) if verdicts[dc] != DcVerdict::Down => Reading::Known(share),
                Some(_) => Reading::Unknown("the data centre is down".into()),
                None => Reading::Unknown("the system does not say".into()),
            },
        });
        let regions = PerRegion::from_fn(|region| sample.regions[region].verdict);
        let queues = queues(runtime);
        let observed = self.observed(runtime, sample, &dcs, &queues);
        let limits = Limits {
            hint_window: runtime.settings.alerts.hint_window_share,
            disk: runtime.settings.alerts.disk_share,
            rejects: runtime.settings.alerts.reject_share,
            ..Limits::default()
        };
        let (alerts, changes) = runtime.alerts_of(&self.measured(sample, &dcs));
        self.tell_open_ledger(runtime, sample, &changes);
        Judged {
            health: overall(&Parts {
                dcs: verdicts,
                regions,
                ledger_gap: self.ledger_gap,
                errors,
            }),
            findings: find(&observed, &limits),
            dcs,
            alerts,
            queues,
            ledger_gap: self.ledger_gap,
        }
    }

    /// Once a second: what windows are made of, and what is too dear to measure more often.
    fn tick(&mut self, runtime: &Runtime, sample: &Snapshot) {
        let now = sample.uptime;
        if let Some(store) = &sample.store {
            let before = self.ticks.back().map(|tick| tick.at);
            self.note_drain(store, before.map(|at| now.saturating_sub(at)));
            self.ticks.push_back(Tick {
                at: now,
                writes: PerDc::from_fn(|dc| store.dcs[dc].writes),
                write_errors: PerDc::from_fn(|dc| store.dcs[dc].write_errors),
                read: sample.counters.passed(Hop::Read),
                set_aside: sample.counters.set_aside,
            });
        }
        while self.ticks.len() > 1
            && self
                .ticks
                .get(1)
                .is_some_and(|tick| now.saturating_sub(tick.at) >= REJECT_WINDOW)
        {
            self.ticks.pop_front();
        }
        self.disk_used = disk_used(runtime);
        self.ledger_gap = ledger_gap(runtime, sample);
    }

    fn note_drain(&mut self, store: &StoreHealth, since: Option<Duration>) {
        for (dc, health) in store.dcs.iter() {
            let Some(hints) = health.hints.known().copied() else {
                continue;
            };
            let gone = self.hints[dc].saturating_sub(hints);
            let millis = u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
            if let (1.., Some(rate)) = (gone, (gone * 1_000).checked_div(millis)) {
                self.drain_per_sec[dc] = Some(rate.max(1));
            }
            self.hints[dc] = hints;
        }
    }

    /// The first and the last tick of a window; `None` when there are not two.
    fn window(&self, length: Duration) -> Option<(&Tick, &Tick)> {
        let last = self.ticks.back()?;
        let first = self
            .ticks
            .iter()
            .find(|tick| last.at.saturating_sub(tick.at) <= length)?;
        (first.at < last.at).then_some((first, last))
    }

    /// Failed writes at a data centre in the window: per second, and as a part of all.
    fn write_errors(&self, dc: Dc) -> (Option<f64>, Option<f64>) {
        let Some((first, last)) = self.window(WRITE_WINDOW) else {
            return (None, None);
        };
        let failed = (last.write_errors[dc] - first.write_errors[dc]) as f64;
        let done = (last.writes[dc] - first.writes[dc]) as f64;
        let seconds = last.at.saturating_sub(first.at).as_secs_f64();
        let all = failed + done;
        (Some(failed / seconds), (all > 0.0).then(|| failed / all))
    }

    /// Part of the rows read in the window that were set aside; `None` when none was read.
    fn reject_share(&self) -> Option<f64> {
        let (first, last) = self.window(REJECT_WINDOW)?;
        let read = last.read - first.read;
        let set_aside = last.set_aside - first.set_aside;
        (read > 0).then(|| set_aside as f64 / read as f64)
    }

    fn observed(
        &mut self,
        runtime: &Runtime,
        sample: &Snapshot,
        dcs: &PerDc<DcView>,
        queues: &[QueueView],
    ) -> Observed {
        let compared = *runtime.last_compared.lock();
        Observed {
            dcs: PerDc::from_fn(|dc| {
                let view = &dcs[dc];
                ObservedDc {
                    verdict: view.verdict,
                    hints: view
                        .hints
                        .as_ref()
                        .and_then(|fuse| fuse.pending)
                        .unwrap_or(0),
                    hint_window_used: view.hints.as_ref().map(window_used),
                    repair: match view.hints.as_ref().map(|fuse| fuse.fuse) {
                        Some(Fuse::RepairNeeded) => Repair::Needed,
                        Some(Fuse::Quiet | Fuse::Burning { .. }) | None => Repair::NotNeeded,
                    },
                    write_error_share: self.write_errors(dc).1,
                }
            }),
            regions: PerRegion::from_fn(|region| ObservedRegion {
                lag: sample.regions[region].lag,
                verdict: sample.regions[region].verdict,
            }),
            disk: self.disk_used.map(|used| ObservedDisk {
                folder: runtime.settings.data_dir.display().to_string(),
                used,
            }),
            ledger_gap: self.ledger_gap,
            drifted_buckets: compared.map(|found| found.drifted),
            unequal_buckets: compared.map(|found| found.unequal),
            reject_share: self.reject_share(),
            queue_full_for: self.stuck_for(runtime, sample, queues),
            faults_left_over: runtime.faults.left_over(),
        }
    }

    /// How long a queue has been full with nothing leaving it, of the one that has been for
    /// longest.
    fn stuck_for(
        &mut self,
        runtime: &Runtime,
        sample: &Snapshot,
        queues: &[QueueView],
    ) -> Duration {
        let now = sample.uptime;
        let times = self.stuck.iter_mut().zip(queues).map(|(stuck, view)| {
            let passed = match view.queue {
                Queue::Read => sample.counters.passed(Hop::Produce),
                Queue::Write(region) => sample.regions[region].written,
                Queue::Analytics => runtime.analytics.handled(),
            };
            let is_full = view.entries.known().is_some_and(|n| *n >= view.capacity);
            if !is_full || passed != stuck.passed {
                stuck.since = None;
            }
            if is_full {
                stuck.since.get_or_insert(now);
            }
            stuck.passed = passed;
            stuck
                .since
                .map_or(Duration::ZERO, |at| now.saturating_sub(at))
        });
        times.max().unwrap_or_default()
    }

    /// The signals that alert rules watch.
    fn measured(&self, sample: &Snapshot, dcs: &PerDc<DcView>) -> Vec<Measured> {
        let mut all = Vec::new();
        let mut add = |signal, label: &str, value| {
            all.push(Measured {
                signal,
                label: label.to_owned(),
                value,
            });
        };
        for (region, view) in sample.regions.iter() {
            let lines = view.lag.known().map(|lines| lines as f64);
            add(Signal::LagLines, region.slug(), lines);
            let age = match view.lag {
                Lag::Known { age, .. } => age.map(|age| age.as_secs_f64()),
                Lag::Stale { .. } | Lag::Unknown(_) => None,
            };
            add(Signal::LagAge, region.slug(), age);
            add(
                Signal::ConsumerStalled,
                region.slug(),
                stalled(view.verdict),
            );
        }
        for (dc, view) in dcs.iter() {
            let up = match view.verdict {
                DcVerdict::Up | DcVerdict::UpWithErrors => Some(1.0),
                DcVerdict::Suspect | DcVerdict::Disputed => Some(0.5),
                DcVerdict::Down => Some(0.0),
                DcVerdict::Unknown => None,
            };
            add(Signal::DcUp, dc.name(), up);
            let window = view.hints.as_ref().map(window_used);
            add(Signal::HintWindow, dc.name(), window);
            add(Signal::WriteErrors, dc.name(), self.write_errors(dc).0);
        }
        // One disk, whatever is on it.
        add(Signal::DiskUsed, "", self.disk_used);
        let rejects = self.reject_share().unwrap_or(0.0);
        add(Signal::RejectShare, "", Some(rejects));
        let gap = self.ledger_gap.map(|lines| lines as f64);
        add(Signal::LedgerGap, "", gap);
        let failed = sample.workers_failed.len() as f64;
        add(Signal::WorkersFailed, "", Some(failed));
        all
    }

    /// A gap that lasts is an event of its load.
    fn tell_open_ledger(&self, runtime: &Runtime, sample: &Snapshot, changes: &[AlertChange]) {
        let rule = runtime
            .alerts
            .rules()
            .iter()
            .find(|rule| rule.signal == Signal::LedgerGap);
        let fired = |change: &AlertChange| match change {
            AlertChange::Fired(id, _) => rule.is_some_and(|rule| rule.name == id.rule),
            AlertChange::Resolved(_) => false,
        };
        let load: Option<LoadId> = sample.loads.last().map(|load| load.id);
        if let (true, Some(load), Some(gap)) = (changes.iter().any(fired), load, self.ledger_gap) {
            runtime.events.emit(EventKind::LedgerOpen { load, gap });
        }
    }
}

/// 1 for a consumer that commits nothing while lines wait, else 0.
pub(crate) const fn stalled(verdict: Verdict) -> Option<f64> {
    match verdict {
        Verdict::Stalled | Verdict::Stopped => Some(1.0),
        Verdict::Ok | Verdict::Growing | Verdict::Rewound => Some(0.0),
        Verdict::Unknown => None,
    }
}

/// Part of the hint window that has passed, 0 to 1; 1 when it is over.
pub(crate) fn window_used(fuse: &HintFuse) -> f64 {
    match fuse.fuse {
        Fuse::Quiet => 0.0,
        Fuse::Burning { used_percent, .. } => f64::from(used_percent) / 100.0,
        Fuse::RepairNeeded => 1.0,
    }
}

/// What each observer says of a data centre.
fn seen_by(witnesses: Option<&WitnessView>, subject: Dc) -> PerDc<crate::ports::DcState> {
    PerDc::from_fn(|observer| {
        witnesses.map_or(crate::ports::DcState::Unknown, |witnesses| {
            witnesses.views[observer][subject]
        })
    })
}

/// The queues, in the order of [`Queue::ALL`].
fn queues(runtime: &Runtime) -> Vec<QueueView> {
    let view = |queue: Queue| {
        let (entries, capacity) = match queue {
            Queue::Read => {
                let waiting = get(&runtime.counters.appending);
                (Reading::Known(waiting), produce::IN_FLIGHT)
            }
            Queue::Write(region) => (in_flight(runtime, region), consume::IN_FLIGHT),
            Queue::Analytics => {
                let waiting = runtime.analytics.queued() as u64;
                (Reading::Known(waiting), analyse::QUEUE)
            }
        };
        QueueView {
            queue,
            entries,
            capacity: capacity as u64,
        }
    };
    Queue::ALL.map(view).into()
}

fn in_flight(runtime: &Runtime, region: Region) -> Reading<u64> {
    let topic = Topic::Lines(region);
    if runtime.consumers.iter().any(|c| c.topic == topic) {
        Reading::Known(get(&runtime.counters.region(region).in_flight))
    } else {
        Reading::Unknown("no consumer runs here".into())
    }
}

/// Part of the disk of the data directory that is in use. In embedded mode all three data centres
/// are on it; those of other machines are not known here.
fn disk_used(runtime: &Runtime) -> Option<f64> {
    if runtime.settings.mode != crate::config::Mode::Embedded {
        return None;
    }
    let stats = fs4::statvfs(&runtime.settings.data_dir).ok()?;
    let (total, free) = (stats.total_space(), stats.available_space());
    (total > 0).then(|| 1.0 - free as f64 / total as f64)
}

/// Lines that the ledger of the newest load misses. `None` while lines are on their way: while it
/// runs, while anything lags, and where a load was not read to its end.
fn ledger_gap(runtime: &Runtime, sample: &Snapshot) -> Option<u64> {
    let caught_up = sample
        .partitions
        .iter()
        .all(|partition| partition.lag.known() == Some(0));
    let load = sample.loads.last()?;
    if sample.load.is_some() || !caught_up || load.to.is_none() {
        return None;
    }
    let mut ledger: Ledger = runtime.ledger(load);
    let store = sample.store.as_ref()?;
    for (dc, health) in store.dcs.iter() {
        // What waits as a hint for it is on its way.
        match &health.hints {
            Reading::Known(0) => {}
            Reading::Known(_) | Reading::Stale { .. } => {
                ledger.visible[dc] = Reading::Unknown("hints wait for it".into());
            }
            Reading::Unknown(why) => ledger.visible[dc] = Reading::Unknown(why.clone()),
        }
    }
    Some(
        ledger
            .gaps()
            .iter()
            .map(|gap| gap.lines.unsigned_abs())
            .sum(),
    )
}
