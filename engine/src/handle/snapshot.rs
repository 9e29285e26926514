//! The engine at one moment, in the words of a screen.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::config::Mode;
use crate::failover::hints::HintFuse;
use crate::failover::lease::FaultLease;
use crate::failover::{RouteState, WriteMode};
use crate::flow::{CheckView, Delay, DrillView, LoadRecord};
use crate::intake::ReadProgress;
use crate::ledger::Ledger;
use crate::model::{
    CommittedOffset, Dc, EndOffset, Offset, PerDc, PerRegion, Reading, Topic, TopicPartition,
};
use crate::ports::{DcState, StoreHealth};
use crate::telemetry::Queue;
use crate::watch::alert_state::Alert;
use crate::watch::findings::Finding;
use crate::watch::health::DcVerdict;
use crate::watch::lag::{Drain, Lag, LagTotal, UnknownLag};
use crate::watch::overall::Health;
use crate::watch::rates::{HopCounters, HopRates};
use crate::watch::verdict::{Trend, Verdict};

/// One partition in a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartitionView {
    /// The partition.
    pub partition: TopicPartition,
    /// Oldest offset that can be read; `None` when the log does not answer.
    pub begin: Option<Offset>,
    /// Next offset to be written.
    pub end: Option<EndOffset>,
    /// Next offset that its group will read; `None` when it never committed.
    pub committed: Option<CommittedOffset>,
    /// How far the group is behind.
    pub lag: Lag,
}

impl PartitionView {
    /// Lines that left the log before its group consumed them: 0 as long as retention heeds the
    /// groups. `None` when the log does not answer.
    pub fn lost_to_retention(&self) -> Option<u64> {
        let begin = self.begin?.0;
        Some(
            self.committed
                .map_or(begin, |at| begin.saturating_sub(at.0)),
        )
    }
}

/// What a consumer does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ConsumerState {
    /// It reads what comes.
    Reading,
    /// It finishes what is in flight and then waits, as it was told.
    Held,
    /// It ended before it should.
    Ended {
        /// Why.
        why: String,
    },
}

/// The consumer of a topic in a snapshot. This engine has one for each topic that it reads; a
/// topic that it does not read has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsumerView {
    /// What it reads: all partitions of this.
    pub topic: Topic,
    /// What it does.
    #[serde(flatten)]
    pub state: ConsumerState,
}

/// One region in a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionView {
    /// State of its route.
    pub route: RouteState,
    /// Data centre that its requests go through.
    pub serving: Dc,
    /// How long until it may go home.
    pub hold_down_left: Option<Duration>,
    /// Lag over its partitions; the age is that of the oldest unread line.
    pub lag: Lag,
    /// How its consumer does.
    pub verdict: Verdict,
    /// The way its lag goes.
    pub trend: Trend,
    /// When its slowest partition will have caught up.
    pub drain: Drain,
    /// Lines per second acknowledged by the log, over the last two seconds.
    pub produced_per_sec: Option<f64>,
    /// Lines per second acknowledged by the store, over the last two seconds.
    pub written_per_sec: Option<f64>,
    /// Lines acknowledged by the store since the engine was opened.
    pub written: u64,
    /// Of those, lines that were not there before.
    pub new: u64,
    /// Flushes that had to be sent again.
    pub retries: u64,
    /// Lines that are in one data centre only.
    pub held_back: u64,
}

/// One data centre in a snapshot, as it is judged; what was measured is in [`Snapshot::store`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DcView {
    /// What its witnesses say together.
    pub verdict: DcVerdict,
    /// What each data centre says of it; one that is down says unknown.
    pub seen_by: PerDc<DcState>,
    /// ERROR events about it in the last minute.
    pub errors: u64,
    /// What waits for it, how much of the hint window has passed, and what to do; `None` before
    /// the first sample.
    pub hints: Option<HintFuse>,
    /// Part of its disk in use, 0 to 1.
    pub disk_used: Reading<f64>,
}

impl DcView {
    /// Before anything was measured.
    pub(crate) fn unknown() -> Self {
        Self {
            verdict: DcVerdict::Unknown,
            seen_by: PerDc([DcState::Unknown; 3]),
            errors: 0,
            hints: None,
            disk_used: Reading::Unknown("nothing was measured yet".into()),
        }
    }
}

/// One queue in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueView {
    /// Which.
    pub queue: Queue,
    /// What waits in it: groups of lines, flushes, or messages.
    pub entries: Reading<u64>,
    /// How many may wait; then the stage before it waits too.
    pub capacity: u64,
}

/// Whether the running load goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadPace {
    /// It does.
    Running,
    /// A person holds it.
    Paused,
    /// It was told to end, and finishes what is in flight.
    Ending,
}

/// The running load in a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadView {
    /// The load, as far as the log has it.
    pub record: LoadRecord,
    /// Whether it goes on.
    pub pace: LoadPace,
    /// Its balance sheet now.
    pub ledger: Ledger,
    /// Since it began.
    pub elapsed: Duration,
    /// How far its file is read.
    #[serde(skip)]
    pub read: ReadProgress,
}

/// The engine at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// Embedded or live.
    pub mode: Mode,
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// Since the engine was opened.
    pub uptime: Duration,
    /// Health of the whole: as good as its worst part.
    pub health: Health,
    /// The data centres as they are judged.
    pub dcs: PerDc<DcView>,
    /// What needs somebody, worst first.
    pub findings: Vec<Finding>,
    /// Alerts whose threshold is passed, worst first.
    pub alerts: Vec<Alert>,
    /// The queues, in the order of the flow.
    pub queues: Vec<QueueView>,
    /// How long lines are under way, from being read till all three data centres have them.
    pub visible: Reading<Delay>,
    /// Lines of sales in the figures.
    pub lines: u64,
    /// The running load.
    pub load: Option<LoadView>,
    /// All loads, oldest first.
    pub loads: Vec<LoadRecord>,
    /// The balance sheet of the newest of them, running or over.
    pub ledger: Option<Ledger>,
    /// Lag over the regions.
    pub lag: LagTotal,
    /// The regions.
    pub regions: PerRegion<RegionView>,
    /// How writes are done.
    pub write_mode: WriteMode,
    /// The partitions.
    pub partitions: Vec<PartitionView>,
    /// The consumers of this engine.
    pub consumers: Vec<ConsumerView>,
    /// Rows at each hop since the engine was opened.
    pub counters: HopCounters,
    /// Rows per second at each hop, over the last two seconds.
    pub rates: Option<HopRates>,
    /// Lines per second that loads are held to; `None` where nothing limits them.
    pub rate_limit: Option<u64>,
    /// The data centres; `None` before the first sample.
    pub store: Option<StoreHealth>,
    /// How long a probe takes from each data centre to each: `canary[via][at]`.
    pub canary: PerDc<PerDc<Reading<Delay>>>,
    /// Faults in force.
    pub faults: Vec<FaultLease>,
    /// What workers said that ended before they should.
    pub workers_failed: Vec<String>,
    /// Port of the metrics, if they are served.
    pub monitoring_port: Option<u16>,
    /// The check of a whole file that runs.
    pub check: Option<CheckView>,
    /// The drill that runs.
    pub drill: Option<DrillView>,
}

impl Snapshot {
    /// Before anything was measured: everything in it is unknown or empty.
    pub fn starting(mode: Mode, at: DateTime<Utc>) -> Self {
        let unknown = Lag::Unknown(UnknownLag::NotMeasured);
        Self {
            mode,
            at,
            uptime: Duration::ZERO,
            health: Health::Unknown,
            dcs: PerDc::from_fn(|_| DcView::unknown()),
            findings: Vec::new(),
            alerts: Vec::new(),
            queues: Vec::new(),
            visible: Reading::Unknown("nothing was measured yet".into()),
            lines: 0,
            load: None,
            loads: Vec::new(),
            ledger: None,
            lag: LagTotal::over([unknown; 3]),
            regions: PerRegion::from_fn(|region| RegionView {
                route: RouteState::Home,
                serving: region.home(),
                hold_down_left: None,
                lag: unknown,
                verdict: Verdict::Unknown,
                trend: Trend::Unknown,
                drain: Drain::Unknown,
                produced_per_sec: None,
                written_per_sec: None,
                written: 0,
                new: 0,
                retries: 0,
                held_back: 0,
            }),
            write_mode: WriteMode::Full,
            partitions: Vec::new(),
            consumers: Vec::new(),
            counters: HopCounters::default(),
            rates: None,
            rate_limit: None,
            store: None,
            canary: PerDc::from_fn(|_| {
                PerDc::from_fn(|_| Reading::Unknown("nothing was measured yet".into()))
            }),
            faults: Vec::new(),
            workers_failed: Vec::new(),
            monitoring_port: None,
            check: None,
            drill: None,
        }
    }
}
