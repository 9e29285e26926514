//! Drills: a scripted failure under traffic, measured from what happened and nothing else.
//!
//! The order is: predict, start traffic, start the faults, watch, end the faults, watch the
//! return, stop the traffic, compare every replica, and hold the prediction against the result.
//! Faults and traffic end with the drill however it ends: both are held by values that end them
//! when they are dropped.

mod archive;
mod course;
mod live;
mod lost;
mod telling;
#[cfg(test)]
mod tests;
mod traffic;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;

pub use self::archive::DrillRecord;
use self::course::Window;
pub(crate) use self::live::Drills;
use self::live::Live;
pub use self::live::{CellView, DrillPhase, DrillView, RtoSoFar, StepState};
use self::telling::{series, tell_requests, tell_watched};
use self::traffic::{PACE, Traffic};
use super::faults::{FaultError, allowed};
use super::gate::Pass;
use super::load::LoadRecord;
use super::loads::{LoadEnd, LoadError, LoadRequest, Resume, Until};
use super::runtime::Runtime;
use crate::clean::Rules;
use crate::config::ErrorLimit;
use crate::failover::drill::{DrillStep, DrillTimeline, Scenario, scenario, scenarios};
use crate::failover::lease::LeaseId;
use crate::failover::machine::Reach;
use crate::failover::predict::{Prediction, Timings, predict};
use crate::failover::report::Report;
use crate::failover::{Now, RouteState, Standing};
use crate::intake::ReadOptions;
use crate::ledger::Ledger;
use crate::model::{Dc, Region};
use crate::ports::{Fault, Settled};
use crate::telemetry::EventKind;

/// Rows that flow in a drill on an empty data directory: the first 10,000 of the real file.
const SAMPLE: &[u8] = include_bytes!("../../../assets/Online_Retail_first_10k.csv");
/// Lines per second that flow when nothing else is asked for.
const RATE: u64 = 800;
/// How long the faults last when nothing else is asked for.
const LASTS: Duration = Duration::from_secs(4);
/// A lease outlives its drill's own end of the fault by this, in case the drill is cut off.
const LEASE_MARGIN: Duration = Duration::from_secs(2);
/// Between two looks at the store and the routes.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Between two points of a course.
const POINT_EVERY: Duration = Duration::from_millis(100);
/// How long the traffic may take to get going.
const FLOWING_WITHIN: Duration = Duration::from_secs(10);
/// How long the way home may take beyond hold-down and repair, once the data centre is back.
const RETURN_MARGIN: Duration = Duration::from_secs(20);
/// How long a data centre may take to come back: a real node starts within half a minute, and
/// within minutes on a machine that is busy.
const RESTART: Duration = Duration::from_mins(4);
/// How long the replicas may take to have everything after the traffic has ended.
const SETTLE: Duration = Duration::from_secs(20);

/// What to drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillRequest {
    /// Name of the scenario; not looked at when faults are given.
    pub scenario: String,
    /// Faults of one's own instead of a scenario's; empty for the scenario's.
    pub faults: Vec<Fault>,
    /// Lines per second of the load that flows meanwhile; 800 when not given.
    pub rate: Option<u64>,
    /// How long the faults last; 4 s when not given.
    pub duration: Option<Duration>,
    /// A file to load meanwhile. Without one, sample rows flow when nothing is stored yet, and
    /// only probes otherwise: a drill adds no sample to real data.
    pub file: Option<PathBuf>,
}

/// What came of a drill.
#[derive(Debug, Clone, PartialEq)]
pub struct DrillOutcome {
    /// What was measured.
    pub report: Report,
    /// Balance sheet of the load that flowed, if one did.
    pub ledger: Option<Ledger>,
}

impl DrillOutcome {
    /// Whether nothing was lost, the replicas are equal, and the ledger closes.
    pub fn is_whole(&self) -> bool {
        let result = &self.report.result;
        result.rpo_lines == Some(0)
            && result.converged == Some(true)
            && self.ledger.as_ref().is_none_or(Ledger::is_closed)
    }
}

/// Why a drill was not run to its end.
#[derive(Debug, Error)]
pub enum DrillError {
    /// There is no such scenario.
    #[error("there is no scenario {name:?}; there are {}", names().join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// Another drill runs.
    #[error("a drill is running")]
    Busy,
    /// Faults are in force, or regions away from home: the measurement would be about those too.
    #[error("a drill needs all regions at home and no fault in force; {0}")]
    NotQuiet(String),
    /// The traffic did not get going.
    #[error("not every region and level has had a write acknowledged after {} s", .after.as_secs())]
    NotFlowing {
        /// How long was waited.
        after: Duration,
    },
    /// A fault was not started.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// The load that flows failed.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The sample cannot be written, or its rules cannot be read.
    #[error("the sample cannot be prepared: {0}")]
    Sample(String),
    /// A thread cannot be started.
    #[error("{0}")]
    Thread(String),
    /// It was cancelled before its faults began.
    #[error("the drill was cancelled before its faults began")]
    Cancelled,
    /// The engine is closing; the faults have ended.
    #[error("the engine is closing")]
    Closing,
}

impl DrillError {
    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unknown { .. } => "choose one of those".into(),
            Self::Busy => "wait for its end".into(),
            Self::NotQuiet(_) => "end all faults and wait until all regions are at home".into(),
            Self::NotFlowing { .. } => "look at the state of the data centres first".into(),
            Self::Fault(error) => error.remedy().into(),
            Self::Sample(_) => "check the disk of the data directory".into(),
            Self::Load(error) => error.remedy(),
            Self::Thread(_) => "end other programs, then try again".into(),
            Self::Cancelled => "start it again".into(),
            Self::Closing => "open the engine again".into(),
        }
    }
}

/// The scenario that a request asks for.
fn scenario_of(request: &DrillRequest) -> Result<Scenario, DrillError> {
    let lasts = request.duration.unwrap_or(LASTS);
    if !request.faults.is_empty() {
        return Ok(Scenario {
            name: "custom",
            title: "Chosen faults",
            faults: request.faults.clone(),
            lasts,
            expect: "what the prediction says",
        });
    }
    let Some(scenario) = scenario(&request.scenario) else {
        let name = request.scenario.clone();
        return Err(DrillError::Unknown { name });
    };
    Ok(Scenario { lasts, ..scenario })
}

/// Names of all scenarios.
fn names() -> Vec<&'static str> {
    scenarios().iter().map(|scenario| scenario.name).collect()
}

/// Faults of a drill; they end when it is dropped.
struct Faults<'a> {
    runtime: &'a Runtime,
    leases: Vec<LeaseId>,
}

impl<'a> Faults<'a> {
    fn start(runtime: &'a Runtime, scenario: &Scenario) -> Result<Self, DrillError> {
        let mut faults = Self {
            runtime,
            leases: Vec::new(),
        };
        let lasts = scenario.lasts + LEASE_MARGIN;
        let by = format!("drill {}", scenario.name);
        let (log, store) = (runtime.log.as_ref(), runtime.store.as_ref());
        for fault in &scenario.faults {
            let lease = runtime.faults.start(*fault, lasts, &by, log, store)?;
            faults.leases.push(lease.id);
        }
        Ok(faults)
    }
}

impl Drop for Faults<'_> {
    fn drop(&mut self) {
        let (log, store) = (self.runtime.log.as_ref(), self.runtime.store.as_ref());
        for lease in self.leases.drain(..) {
            self.runtime.faults.end(lease, log, store);
        }
    }
}

/// The load that flows; the limit of the rate is as before when it is dropped.
struct Flowing<'a> {
    runtime: &'a Runtime,
    rate_before: Option<u64>,
    thread: Option<JoinHandle<Result<LoadEnd, LoadError>>>,
    sample: Option<PathBuf>,
}

impl Flowing<'_> {
    /// Lets the rest of the load through and waits for its end.
    fn finish(mut self) -> Result<Option<LoadRecord>, DrillError> {
        self.runtime.rate.set(None);
        let Some(thread) = self.thread.take() else {
            return Ok(None);
        };
        let end = thread
            .join()
            .map_err(|_panic| DrillError::Thread("the load ended with a panic".into()))??;
        if let Some(sample) = &self.sample
            && let Err(error) = std::fs::remove_file(sample)
        {
            tracing::debug!(%error, "the sample stays");
        }
        Ok(Some(end.record))
    }
}

impl Drop for Flowing<'_> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.runtime.loads.gate().into_iter().for_each(|g| g.stop());
            if !matches!(thread.join(), Ok(Ok(_))) {
                tracing::debug!("the load of a drill did not end well");
            }
        }
        self.runtime.rate.set(self.rate_before);
    }
}

/// What is watched while a drill runs.
#[derive(Default, Clone)]
struct Watched {
    /// Data centres that were known to be down.
    down: Vec<Dc>,
    hints_peak: u64,
    hints: Vec<(Duration, Option<u64>)>,
    written: Vec<(Duration, u64)>,
    steps: Vec<(DrillStep, Now)>,
}

impl Watched {
    fn reach(&mut self, step: DrillStep, now: Now) {
        if !self.has(step) {
            self.steps.push((step, now));
        }
    }

    fn has(&self, step: DrillStep) -> bool {
        self.when(step).is_some()
    }

    fn when(&self, step: DrillStep) -> Option<Now> {
        let known = self.steps.iter().find(|(known, _)| *known == step);
        known.map(|(_, now)| *now)
    }
}

impl Runtime {
    /// Runs a drill to its end.
    pub(crate) fn drill(
        self: &Arc<Self>,
        request: &DrillRequest,
    ) -> Result<DrillOutcome, DrillError> {
        let scenario = scenario_of(request)?;
        let Some(_alone) = self.drilling.try_lock() else {
            return Err(DrillError::Busy);
        };
        self.check_quiet()?;
        // Before anything flows: rows of a drill that cannot be are there to stay.
        allowed(&scenario.faults, self.log.as_ref(), self.store.as_ref())?;
        let prediction = self.predict(&scenario.faults);
        let mut timeline = DrillTimeline::new(scenario.clone(), prediction.clone());

        let mut watched = Watched::default();
        let prefix = format!("drill/{}/", self.clock.now().timestamp_micros());
        let flowing = self.start_flowing(request)?;
        let traffic = Traffic::start(self, prefix.clone())?;
        let place = self.drills.begin(Live {
            scenario: scenario.clone(),
            prediction,
            began: self.moment(),
            phase: DrillPhase::Preparing,
            from: None,
            to: None,
            watched: Watched::default(),
            seen: traffic.seen(),
            cancelled: None,
        });
        self.wait_flowing(&traffic)?;
        let faults = Faults::start(self, &scenario)?;
        let from = self.moment();
        watched.reach(DrillStep::FaultStarted, from);
        self.drills.update(|live| {
            live.phase = DrillPhase::Fault;
            live.from = Some(from);
        });
        self.watch_fault(&mut watched, from, scenario.lasts)?;
        drop(faults);
        let to = self.moment();
        watched.reach(DrillStep::FaultEnded, to);
        self.drills.update(|live| {
            live.phase = DrillPhase::Returning;
            live.to = Some(to);
        });
        if self.drills.cancelled().is_some() {
            timeline.cancelled_after(to.since_start.saturating_sub(from.since_start));
        }
        traffic.fault_over();
        self.watch_return(&mut watched, to)?;
        let end = self.clock.monotonic();
        self.drills
            .update(|live| live.phase = DrillPhase::Comparing);
        let seen = traffic.stop();
        let load = flowing.finish()?;

        let window = Window {
            from: from.since_start,
            to: to.since_start,
        };
        self.tell_moves(&mut timeline, &seen, window);
        tell_requests(&mut timeline, &seen, window, end, to, self);
        let stored = self.compare_all(&mut timeline, &mut watched, &seen, &prefix);
        tell_watched(&mut timeline, &watched, to);
        let report = Report {
            setting: self.setting(),
            result: timeline.result(),
            series: series(&watched, window.from),
        };
        // Read last: what a data centre and the figures got late is part of the balance too.
        self.analytics.settle();
        if self.store.settle(SETTLE) == Settled::NotYet {
            tracing::info!("a data centre has not settled by the end of the drill");
        }
        let ledger = load.map(|record| self.ledger_at_end(&record, stored));
        let outcome = DrillOutcome { report, ledger };
        self.archive(&outcome);
        drop(place);
        Ok(outcome)
    }

    /// What faults will do here, said before they are started.
    pub(crate) fn predict(&self, faults: &[Fault]) -> Prediction {
        let timings = Timings {
            request_timeout: self.settings.store.request_timeout,
            request_gap: PACE,
        };
        predict(faults, timings, self.routes.policy())
    }

    /// Ends the faults of the drill that runs, or its waiting for the return; `false` when none
    /// runs. What was measured until then is compared and reported as always.
    pub(crate) fn cancel_drill(&self) -> bool {
        let Some(scenario) = self.drills.cancel() else {
            return false;
        };
        let scenario = scenario.to_owned();
        self.events.emit(EventKind::DrillCancelled { scenario });
        true
    }

    fn moment(&self) -> Now {
        Now {
            since_start: self.clock.monotonic(),
            wall: self.clock.now(),
        }
    }

    fn check_quiet(&self) -> Result<(), DrillError> {
        if let Some(lease) = self.faults.active().first() {
            return Err(DrillError::NotQuiet(format!("{} is", lease.fault)));
        }
        let machine = self.routes.view().machine;
        match Region::ALL
            .into_iter()
            .find(|region| machine.state(*region) != RouteState::Home)
        {
            Some(region) => {
                let state = machine.state(region);
                Err(DrillError::NotQuiet(format!("{region} is {state}")))
            }
            None => Ok(()),
        }
    }

    /// Starts the load that flows meanwhile, if there is one to be.
    fn start_flowing(self: &Arc<Self>, request: &DrillRequest) -> Result<Flowing<'_>, DrillError> {
        let mut flowing = Flowing {
            runtime: self,
            rate_before: self.rate.get(),
            thread: None,
            sample: None,
        };
        let is_empty = self.analytics.lines() == 0 && self.loads.newest().is_none();
        let file = match &request.file {
            Some(file) => file.clone(),
            None if is_empty => {
                let file = self.settings.data_dir.join("drill-sample.csv");
                std::fs::write(&file, SAMPLE)
                    .map_err(|error| DrillError::Sample(error.to_string()))?;
                flowing.sample = Some(file.clone());
                file
            }
            None => return Ok(flowing),
        };
        let rules = Rules::builtin().map_err(|error| DrillError::Sample(error.to_string()))?;
        self.rate.set(Some(request.rate.unwrap_or(RATE)));
        let load = LoadRequest {
            file,
            options: ReadOptions::default(),
            rules,
            limit: ErrorLimit::None,
            until: Until::Closed,
            resume: Resume::WhereItStood,
        };
        let runtime = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name("drill-load".into())
            .spawn(move || runtime.load(&load))
            .map_err(|error| DrillError::Thread(error.to_string()))?;
        flowing.thread = Some(thread);
        Ok(flowing)
    }

    fn wait_flowing(&self, traffic: &Traffic) -> Result<(), DrillError> {
        let began = self.clock.monotonic();
        while !traffic.is_flowing() {
            if self.drills.cancelled().is_some() {
                return Err(DrillError::Cancelled);
            }
            if self.clock.monotonic().saturating_sub(began) > FLOWING_WITHIN {
                let after = FLOWING_WITHIN;
                return Err(DrillError::NotFlowing { after });
            }
            self.look_again()?;
        }
        Ok(())
    }

    fn look_again(&self) -> Result<(), DrillError> {
        match self.running.wait(LOOK_EVERY) {
            Pass::Go if !self.consuming.is_stopped() => Ok(()),
            Pass::Go | Pass::Stop => Err(DrillError::Closing),
        }
    }

    /// Looks once; hints that wait now.
    fn look(&self, watched: &mut Watched) -> u64 {
        let now = self.clock.monotonic();
        let machine = self.routes.view().machine;
        for dc in Dc::ALL {
            if machine.reach(dc) == Reach::Down && !watched.down.contains(&dc) {
                watched.down.push(dc);
            }
        }
        let health = self.store.health();
        let told: Option<u64> = health.dcs.iter().map(|(_, dc)| dc.hints.known()).sum();
        // While it is not told, all may still wait that ever did.
        let hints = told.unwrap_or(watched.hints_peak);
        watched.hints_peak = watched.hints_peak.max(hints);
        let is_due = watched
            .hints
            .last()
            .is_none_or(|(at, _)| now.saturating_sub(*at) >= POINT_EVERY);
        if is_due {
            watched.hints.push((now, told));
            let writes = health.dcs.iter().map(|(_, dc)| dc.writes).max();
            watched.written.push((now, writes.unwrap_or(0)));
        }
        self.drills
            .update(|live| watched.clone_into(&mut live.watched));
        hints
    }

    fn watch_fault(
        &self,
        watched: &mut Watched,
        from: Now,
        lasts: Duration,
    ) -> Result<(), DrillError> {
        while self.clock.monotonic().saturating_sub(from.since_start) < lasts
            && self.drills.cancelled().is_none()
        {
            self.look(watched);
            self.look_again()?;
        }
        Ok(())
    }

    /// Watches until everything is as before, or for so long that it will not be.
    fn watch_return(&self, watched: &mut Watched, to: Now) -> Result<(), DrillError> {
        let policy = self.routes.policy();
        let limit = policy.hold_down + policy.repair_after + RETURN_MARGIN;
        loop {
            let hints = self.look(watched);
            let now = self.moment();
            let machine = self.routes.view().machine;
            if hints == 0 && watched.hints_peak > 0 {
                watched.reach(DrillStep::HintsDrained, now);
            }
            let down = watched.down.clone();
            if !down.is_empty() && down.iter().all(|dc| machine.reach(*dc) == Reach::Up) {
                watched.reach(DrillStep::Returned, now);
            }
            if watched.has(DrillStep::Returned)
                && down
                    .iter()
                    .all(|dc| machine.standing(*dc) == Standing::Equal)
            {
                watched.reach(DrillStep::DigestsEqual, now);
            }
            let is_home = Region::ALL
                .into_iter()
                .all(|region| machine.state(region) == RouteState::Home);
            let is_back = down.is_empty() || watched.has(DrillStep::Returned);
            if is_home && is_back && hints == 0 {
                watched.reach(DrillStep::Home, now);
                return Ok(());
            }
            let is_enough = self.drills.cancelled() == Some(DrillPhase::Returning);
            let (since, limit) = match watched.when(DrillStep::Returned) {
                Some(returned) => (returned, limit),
                None if down.is_empty() => (to, limit),
                None => (to, RESTART),
            };
            if is_enough || now.since_start.saturating_sub(since.since_start) > limit {
                return Ok(());
            }
            self.look_again()?;
        }
    }
}
