//! The public surface: commands in, snapshots and events out.
//!
//! An [`Engine`] owns its threads. A program sends [`Command`]s, reads the newest [`Snapshot`]
//! (an immutable value, replaced a few times a second) and drains events. Nothing here blocks
//! but [`Answer::wait`] and [`Engine::close`].

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};
use crossbeam_channel::{Receiver, Sender, bounded};
use serde::Serialize;
use thiserror::Error;

use crate::analytics::{
    CustomerList, CustomerPage, CustomerQuery, Filter, GridBreaks, OrderGrid, ProductFigures,
    ProductPage, Report, Together, TogetherQuery,
};
use crate::clean::Rules;
use crate::config::{Mode, Settings};
use crate::failover::hints::HintFuse;
use crate::failover::lease::{FaultLease, LeaseId};
use crate::failover::predict::Prediction;
use crate::failover::{Manual, Refusal, RouteState, WriteMode};
use crate::flow::{
    AnalyseError, BrowseCost, BrowseError, BrowseRequest, CheckError, CheckRequest, CheckView,
    Delay, DrillError, DrillOutcome, DrillRecord, DrillRequest, DrillView, Extent, FaultError, Fix,
    FixEffect, FixId, FixRule, JournalError, LoadEnd, LoadError, LoadRecord, LoadRequest,
    MessagePage, QuarantineError, RebuildError, ReingestPlan, Reingested, RejectFilter, RejectPage,
    ReplayError, ReplayRequest, Roles, RouteChange, RouteError, RoutingView, Runtime, spawn,
};
use crate::intake::{CheckReport, IntakeError, Preview, ReadProgress};
use crate::ledger::Ledger;
use crate::model::{
    BucketKey, Catalog, CommittedOffset, Dc, EndOffset, Offset, PerDc, PerRegion, Reading, Region,
    StoredLine, TopicPartition,
};
use crate::ports::{
    BucketScope, Comparison, DcState, DerivedRows, Fault, RejectQuery, RejectRow, RepairReport,
    StoreError, StoreHealth,
};
use crate::replay::plan::Plan;
use crate::telemetry::{Cursor, Drained, Queue};
use crate::watch::alert_state::{Alert, AlertId};
use crate::watch::alerts::Rule;
use crate::watch::findings::Finding;
use crate::watch::health::DcVerdict;
use crate::watch::history::History;
use crate::watch::lag::{Drain, Lag, LagTotal, UnknownLag};
use crate::watch::overall::Health;
use crate::watch::rates::{HopCounters, HopRates};
use crate::watch::verdict::{Trend, Verdict};

pub use crate::wire::OpenError;

/// Commands that may wait. A person sends a few; a program that sends more waits.
const COMMANDS: usize = 64;

/// Where the answer to a command goes.
#[derive(Debug)]
pub struct Reply<T> {
    answer: Sender<T>,
    /// Gone when nobody waits any more.
    asked: Weak<()>,
}

impl<T> Reply<T> {
    fn send(self, value: T) {
        if self.answer.send(value).is_err() {
            tracing::debug!("nobody waits for this answer any more");
        }
    }

    /// Whether somebody still waits.
    fn is_wanted(&self) -> bool {
        self.asked.strong_count() > 0
    }
}

/// The answer to a command, on its way. Dropping it gives it up: what is computed for it alone
/// ends.
#[derive(Debug)]
pub struct Answer<T> {
    answer: Receiver<T>,
    /// Kept while somebody waits.
    _asked: Arc<()>,
}

/// The engine ended before it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the engine has ended")]
pub struct EngineGone;

impl<T> Answer<T> {
    /// Waits for the answer.
    pub fn wait(&self) -> Result<T, EngineGone> {
        self.answer.recv().map_err(|_gone| EngineGone)
    }

    /// Waits for the answer, for a time; `None` when it is not there by then.
    pub fn wait_for(&self, time: Duration) -> Option<Result<T, EngineGone>> {
        match self.answer.recv_timeout(time) {
            Ok(value) => Some(Ok(value)),
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => None,
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Some(Err(EngineGone)),
        }
    }
}

/// The two ends of an answer.
fn question<T>() -> (Reply<T>, Answer<T>) {
    let (sender, answer) = bounded(1);
    let asked = Arc::new(());
    let reply = Reply {
        answer: sender,
        asked: Arc::downgrade(&asked),
    };
    let answer = Answer {
        answer,
        _asked: asked,
    };
    (reply, answer)
}

/// What a program can ask of the engine.
#[derive(Debug)]
pub enum Command {
    /// Load a file; answered when the load has ended.
    Load(Box<LoadRequest>, Reply<Result<LoadEnd, LoadError>>),
    /// Hold the running load.
    PauseLoad,
    /// Let the running load go on.
    ResumeLoad,
    /// End the running load; loading the file again goes on where it stood.
    CancelLoad,
    /// Limit the lines per second of loads; `None` for no limit.
    SetRate(Option<u64>),
    /// Hold the consumers; they finish what is in flight.
    PauseConsumers,
    /// Let the consumers go on.
    ResumeConsumers,
    /// Answered when all that is in the log is written, as far as consumers run here.
    Drain(Reply<Result<(), LoadError>>),
    /// Read every data centre on its own and compare.
    Verify(Reply<Result<Comparison, StoreError>>),
    /// Write every summary anew from the log; answers how many lines were read again.
    Rebuild(Reply<Result<u64, RebuildError>>),
    /// Make the data centres equal.
    Repair(Reply<Result<RepairReport, StoreError>>),
    /// The figures under a filter.
    Report(Box<Filter>, Reply<Result<Report, AnalyseError>>),
    /// Write the derived tables now.
    Materialise(Reply<Result<(), AnalyseError>>),
    /// A derived table.
    Table(String, Reply<Result<DerivedRows, StoreError>>),
    /// The lines in scope, bucket by bucket, sorted by bucket. A receiver that is dropped ends the
    /// sending, not the scan.
    Lines {
        /// Which.
        scope: BucketScope,
        /// Where they go; waits while it is full.
        buckets: Sender<(BucketKey, Vec<StoredLine>)>,
        /// Answered when all were sent.
        reply: Reply<Result<(), StoreError>>,
    },
    /// Rows that were set aside.
    Rejects(RejectQuery, Reply<Result<Vec<RejectRow>, StoreError>>),
    /// Start a fault that ends by itself.
    StartFault {
        /// Which.
        fault: Fault,
        /// For how long at most.
        lasts: Duration,
        /// Who starts it, for the journal.
        by: String,
        /// The lease.
        reply: Reply<Result<FaultLease, FaultError>>,
    },
    /// End one fault; answers whether it was in force.
    EndFault(LeaseId, Reply<bool>),
    /// End every fault; answers how many there were.
    EndAllFaults(Reply<usize>),
    /// Move a region by hand.
    Move {
        /// The region.
        region: Region,
        /// Where to.
        manual: Manual,
        /// Whether it was done.
        reply: Reply<Result<(), Refusal>>,
    },
    /// Say that an alert is seen to; answers whether it was still on. It is new when it comes back.
    AcknowledgeAlert(AlertId, Reply<bool>),
    /// Do not tell of an alert for a time, on or not; none ends a mute.
    MuteAlert(AlertId, Duration),
    /// Run a drill; answered when it is over.
    Drill(Box<DrillRequest>, Reply<Result<DrillOutcome, DrillError>>),
    /// Plan a replay; moves nothing.
    PlanReplay(Box<ReplayRequest>, Reply<Result<Plan, ReplayError>>),
    /// Carry a reviewed plan out, exactly, or refuse because the group has moved since. Answered
    /// when the group stands where the plan says; reading again goes on after that.
    ApplyReplay(Box<Plan>, Reply<Result<(), ReplayError>>),
    /// Plan to set the group back to where it stood before the last replay; moves nothing.
    PlanUndo(Reply<Result<Plan, ReplayError>>),
    /// Set the group back to where it stood before the last replay; answers the plan applied.
    UndoReplay(Reply<Result<Plan, ReplayError>>),
    /// Show the first rows of a file, with the routing map in force; reads its head only.
    Preview(
        Box<CheckRequest>,
        usize,
        Reply<Result<Preview, IntakeError>>,
    ),
    /// Read a whole file and count, with the routing map in force. One check runs at a time: a
    /// new one ends the one before. Its progress is [`Snapshot::check`].
    Check(
        Box<CheckRequest>,
        Reply<Result<Box<CheckReport>, CheckError>>,
    ),
    /// End the running check.
    CancelCheck,
    /// The routing map in force and its changes.
    Routing(Reply<RoutingView>),
    /// Put a country in a region, for loads that begin after this.
    AssignCountry {
        /// The country, on the map or not.
        country: String,
        /// The region.
        region: Region,
        /// The change.
        reply: Reply<Result<RouteChange, RouteError>>,
    },
    /// Take back the last change of the routing map.
    UndoRouting(Reply<Result<RouteChange, RouteError>>),
    /// A page of rows that were set aside, with totals.
    RejectPage(
        Box<RejectFilter>,
        Reply<Result<RejectPage, QuarantineError>>,
    ),
    /// The fixes that are not produced, oldest first.
    Fixes(Reply<Vec<Fix>>),
    /// The loads that were made of mended rows, oldest first.
    Reingested(Reply<Vec<Reingested>>),
    /// What a fix alone would do; changes nothing.
    FixEffect(
        Box<FixRule>,
        Rules,
        Reply<Result<FixEffect, QuarantineError>>,
    ),
    /// Put a fix on record, to be produced with [`Command::Reingest`].
    AddFix(Box<FixRule>, Reply<Result<Fix, QuarantineError>>),
    /// Take a fix back that is not produced.
    UndoFix(FixId, Reply<Result<Fix, QuarantineError>>),
    /// Plan to send the mended rows again; changes nothing.
    PlanReingest(Rules, Reply<Result<ReingestPlan, QuarantineError>>),
    /// Carry a reviewed plan out, exactly, as a load of its own; answered when it has ended.
    Reingest(Box<ReingestPlan>, Reply<Result<LoadEnd, QuarantineError>>),
    /// What browsing would read; reads one batch at most.
    BrowseCost(Box<BrowseRequest>, Reply<Result<BrowseCost, BrowseError>>),
    /// Messages of a partition. Commits nothing.
    Browse(Box<BrowseRequest>, Reply<Result<MessagePage, BrowseError>>),
    /// What faults will break here, said before they are started; starts nothing.
    Predict(Vec<Fault>, Reply<Prediction>),
    /// End the faults of the running drill, or its waiting for the return; answers whether one
    /// runs. What was measured is compared and reported as always. Its progress is
    /// [`Snapshot::drill`].
    CancelDrill(Reply<bool>),
    /// The drills that are over, oldest first, with the files of their reports.
    DrillRecords(Reply<Result<Vec<DrillRecord>, JournalError>>),
    /// Customers of a segment, of a cell of a grid, or all.
    Customers(
        Box<CustomerQuery>,
        Reply<Result<CustomerList, AnalyseError>>,
    ),
    /// Customers by days since the last purchase and by orders, between other limits than those
    /// of the report.
    OrderGrid(
        Box<Filter>,
        GridBreaks,
        Reply<Result<OrderGrid, AnalyseError>>,
    ),
    /// All product codes under a filter, largest first.
    Products(
        Box<Filter>,
        Reply<Result<Vec<ProductFigures>, AnalyseError>>,
    ),
    /// Products bought together: reads every line of the filter. Dropping the answer ends it
    /// within a month of lines.
    Together(Box<TogetherQuery>, Reply<Result<Together, AnalyseError>>),
    /// The page of a customer, by number; `None` for one without a purchase. Reads the buckets
    /// that have lines of the customer.
    CustomerPage(
        String,
        Reply<Result<Option<Box<CustomerPage>>, AnalyseError>>,
    ),
    /// The page of a product, by code; `None` for one without sales. Reads the buckets that have
    /// lines of the product.
    ProductPage(
        String,
        Reply<Result<Option<Box<ProductPage>>, AnalyseError>>,
    ),
}

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

/// The running load in a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadView {
    /// The load, as far as the log has it.
    pub record: LoadRecord,
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
    /// Rows at each hop since the engine was opened.
    pub counters: HopCounters,
    /// Rows per second at each hop, over the last two seconds.
    pub rates: Option<HopRates>,
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
    /// Before anything was measured.
    pub(crate) fn starting(mode: Mode, at: DateTime<Utc>) -> Self {
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
            counters: HopCounters::default(),
            rates: None,
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

/// A running engine.
pub struct Engine {
    runtime: Arc<Runtime>,
    commands: Sender<Command>,
    control: Option<JoinHandle<()>>,
}

impl Engine {
    /// Opens the data directory and starts the parts that `roles` names.
    pub fn open(settings: Settings, roles: Roles) -> Result<Self, OpenError> {
        let ports = crate::wire::open(&settings)?;
        let runtime = Runtime::start(settings, ports, roles)?;
        let (commands, received) = bounded(COMMANDS);
        let shared = Arc::clone(&runtime);
        let control = spawn("control", move || control(&shared, &received))?;
        Ok(Self {
            runtime,
            commands,
            control: Some(control),
        })
    }

    /// Sends a command that has no answer.
    pub fn send(&self, command: Command) -> Result<(), EngineGone> {
        self.commands.send(command).map_err(|_gone| EngineGone)
    }

    /// Sends a command and returns its answer to come.
    pub fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Answer<T> {
        let (reply, answer) = question();
        if self.send(command(reply)).is_err() {
            tracing::debug!("the engine has ended");
        }
        answer
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.runtime.snapshot.load_full()
    }

    /// What was measured each second of the last hour. Cheap: a pointer is copied.
    pub fn history(&self) -> Arc<History> {
        self.runtime.history.load_full()
    }

    /// The alert rules in force; `watch::alerts::to_prometheus` writes them as a rule file.
    pub fn alert_rules(&self) -> &[Rule] {
        self.runtime.alerts.rules()
    }

    /// The names behind the ids of lines.
    pub fn catalog(&self) -> &Arc<Catalog> {
        self.runtime.store.catalog()
    }

    /// Events since a cursor.
    pub fn events(&self, since: Cursor) -> Drained {
        self.runtime.events.since(since)
    }

    /// Calls `wake` after each new snapshot, from a thread of the engine: it must not block.
    pub fn on_snapshot(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.runtime.set_waker(Box::new(wake));
    }

    /// Ends the engine: a running load is stopped where it stands, faults end, everything is
    /// written. Returns what went wrong meanwhile.
    pub fn close(mut self) -> Vec<String> {
        self.shut()
    }

    fn shut(&mut self) -> Vec<String> {
        let Some(control) = self.control.take() else {
            return Vec::new();
        };
        let failures = self.runtime.stop();
        let (closed, _) = bounded(0);
        self.commands = closed;
        if control.join().is_err() {
            tracing::error!("the control thread ended with a panic");
        }
        failures
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for failure in self.shut() {
            tracing::warn!(%failure, "while closing");
        }
    }
}

/// Carries out commands. What takes long runs on a thread of its own.
fn control(runtime: &Arc<Runtime>, commands: &Receiver<Command>) {
    let mut tasks: Vec<JoinHandle<()>> = Vec::new();
    for command in commands {
        tasks.retain(|task| !task.is_finished());
        if let Some(task) = start(runtime, command) {
            tasks.push(task);
        }
    }
    for task in tasks {
        if task.join().is_err() {
            tracing::error!("a task ended with a panic");
        }
    }
}

/// Carries out a command at once, or starts its task.
fn start(runtime: &Arc<Runtime>, command: Command) -> Option<JoinHandle<()>> {
    let shared = Arc::clone(runtime);
    let task = |name: &str, work: Box<dyn FnOnce() + Send>| {
        spawn(name, work)
            .inspect_err(|error| tracing::error!(%error, "a command was not carried out"))
            .ok()
    };
    match command {
        Command::PauseLoad => shared.loads.gate().into_iter().for_each(|g| g.pause()),
        Command::ResumeLoad => shared.loads.gate().into_iter().for_each(|g| g.resume()),
        Command::CancelLoad => shared.loads.gate().into_iter().for_each(|g| g.stop()),
        Command::SetRate(rate) => shared.rate.set(rate),
        Command::PauseConsumers => shared.consuming.pause(),
        Command::ResumeConsumers => shared.consuming.resume(),
        Command::AcknowledgeAlert(id, reply) => reply.send(shared.acknowledge(id)),
        Command::MuteAlert(id, lasts) => shared.mute(id, lasts),
        Command::EndFault(id, reply) => {
            let (log, store) = (shared.log.as_ref(), shared.store.as_ref());
            reply.send(shared.faults.end(id, log, store));
        }
        Command::EndAllFaults(reply) => {
            let (log, store) = (shared.log.as_ref(), shared.store.as_ref());
            reply.send(shared.faults.end_all(log, store));
        }
        Command::StartFault {
            fault,
            lasts,
            by,
            reply,
        } => {
            let (log, store) = (shared.log.as_ref(), shared.store.as_ref());
            reply.send(shared.faults.start(fault, lasts, &by, log, store));
        }
        Command::Move {
            region,
            manual,
            reply,
        } => reply.send(shared.routes.command(region, manual)),
        Command::Load(request, reply) => {
            return task("load", Box::new(move || reply.send(shared.load(&request))));
        }
        Command::Drill(request, reply) => {
            return task(
                "drill",
                Box::new(move || reply.send(shared.told_drill(&request))),
            );
        }
        Command::PlanReplay(request, reply) => {
            let work = move || reply.send(shared.plan_replay(&request));
            return task("replay", Box::new(work));
        }
        Command::ApplyReplay(plan, reply) => {
            let work = move || reply.send(shared.apply_replay(&plan));
            return task("replay", Box::new(work));
        }
        Command::PlanUndo(reply) => {
            return task("replay", Box::new(move || reply.send(shared.plan_undo())));
        }
        Command::UndoReplay(reply) => {
            return task("replay", Box::new(move || reply.send(shared.undo_replay())));
        }
        Command::Drain(reply) => {
            return task("drain", Box::new(move || reply.send(shared.drain_all())));
        }
        Command::Verify(reply) => {
            return task("verify", Box::new(move || reply.send(shared.verify())));
        }
        Command::Rebuild(reply) => {
            return task("rebuild", Box::new(move || reply.send(shared.rebuild())));
        }
        Command::Repair(reply) => {
            return task("repair", Box::new(move || reply.send(shared.repair())));
        }
        Command::Report(filter, reply) => {
            let work = move || reply.send(shared.analytics.report(*filter));
            return task("report", Box::new(work));
        }
        Command::Materialise(reply) => {
            let work = move || reply.send(shared.analytics.materialise(Extent::Always));
            return task("materialise", Box::new(work));
        }
        Command::Table(table, reply) => {
            let work = move || reply.send(shared.table(&table));
            return task("table", Box::new(work));
        }
        Command::Lines {
            scope,
            buckets,
            reply,
        } => {
            let work = move || {
                let scanned = shared.lines(&scope, &buckets);
                drop(buckets);
                reply.send(scanned);
            };
            return task("lines", Box::new(work));
        }
        Command::Rejects(query, reply) => {
            let work = move || reply.send(shared.rejects(&query));
            return task("rejects", Box::new(work));
        }
        Command::CancelCheck => shared.checks.cancel(),
        Command::Routing(reply) => reply.send(shared.routing.view()),
        Command::Fixes(reply) => reply.send(shared.fixes()),
        Command::Reingested(reply) => reply.send(shared.reingested()),
        Command::Predict(faults, reply) => reply.send(shared.predict(&faults)),
        Command::CancelDrill(reply) => reply.send(shared.cancel_drill()),
        Command::DrillRecords(reply) => reply.send(shared.drill_records()),
        Command::AddFix(rule, reply) => reply.send(shared.add_fix(*rule)),
        Command::UndoFix(id, reply) => reply.send(shared.undo_fix(id)),
        Command::Preview(request, rows, reply) => {
            let work = move || reply.send(shared.preview(&request, rows));
            return task("preview", Box::new(work));
        }
        Command::Check(request, reply) => {
            let work = move || reply.send(shared.check(&request).map(Box::new));
            return task("check", Box::new(work));
        }
        Command::AssignCountry {
            country,
            region,
            reply,
        } => {
            let work = move || reply.send(shared.assign_country(&country, region));
            return task("routing", Box::new(work));
        }
        Command::UndoRouting(reply) => {
            return task(
                "routing",
                Box::new(move || reply.send(shared.undo_routing())),
            );
        }
        Command::RejectPage(filter, reply) => {
            let work = move || reply.send(shared.reject_page(&filter));
            return task("rejects", Box::new(work));
        }
        Command::FixEffect(rule, rules, reply) => {
            let work = move || reply.send(shared.fix_effect(*rule, &rules));
            return task("fixes", Box::new(work));
        }
        Command::PlanReingest(rules, reply) => {
            let work = move || reply.send(shared.plan_reingest(&rules));
            return task("fixes", Box::new(work));
        }
        Command::Reingest(plan, reply) => {
            let work = move || reply.send(shared.reingest(&plan));
            return task("reingest", Box::new(work));
        }
        Command::BrowseCost(request, reply) => {
            let work = move || reply.send(shared.browse_cost(&request));
            return task("browse", Box::new(work));
        }
        Command::Browse(request, reply) => {
            let work = move || reply.send(shared.browse(&request));
            return task("browse", Box::new(work));
        }
        Command::Customers(query, reply) => {
            let work = move || reply.send(shared.customers(*query));
            return task("customers", Box::new(work));
        }
        Command::OrderGrid(filter, breaks, reply) => {
            let work = move || reply.send(shared.order_grid(*filter, breaks));
            return task("order-grid", Box::new(work));
        }
        Command::Products(filter, reply) => {
            let work = move || reply.send(shared.products(*filter));
            return task("products", Box::new(work));
        }
        Command::Together(query, reply) => {
            let work = move || {
                let together = shared.together(*query, &|| reply.is_wanted());
                reply.send(together);
            };
            return task("together", Box::new(work));
        }
        Command::CustomerPage(number, reply) => {
            let work = move || {
                let page = shared.customer_page(&number, &|| reply.is_wanted());
                reply.send(page.map(|page| page.map(Box::new)));
            };
            return task("customer-page", Box::new(work));
        }
        Command::ProductPage(code, reply) => {
            let work = move || {
                let page = shared.product_page(&code, &|| reply.is_wanted());
                reply.send(page.map(|page| page.map(Box::new)));
            };
            return task("product-page", Box::new(work));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_dropped_is_not_wanted_any_more() {
        let (reply, answer) = question::<u8>();
        assert!(reply.is_wanted());
        drop(answer);
        assert!(!reply.is_wanted());
        reply.send(1);
    }

    #[test]
    fn an_answer_arrives() {
        let (reply, answer) = question();
        reply.send(7);
        assert_eq!(answer.wait(), Ok(7));
        assert_eq!(answer.wait(), Err(EngineGone));
    }
}
