//! Drills: scripted failures with a measured result.
//!
//! A [`DrillTimeline`] is told what happened, each time with its moment, and the [`DrillResult`]
//! is computed from that alone. What was not seen has no figure but a reason: never 0.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::predict::{Access, CellKey, ObservedCell, Prediction, PredictionScore, score};
use super::state::Now;
use crate::model::{ConsistencyLevel, Dc, LineId, Offset, TopicPartition};
use crate::ports::Fault;

/// A scripted failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scenario {
    /// Its name in commands.
    pub name: &'static str,
    /// In words.
    pub title: &'static str,
    /// What fails.
    pub faults: Vec<Fault>,
    /// For how long.
    #[serde(serialize_with = "as_millis")]
    pub lasts: Duration,
    /// What a spectator should see.
    pub expect: &'static str,
}

fn as_millis<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(millis(*duration))
}

/// Long enough to detect, move and write for a while; short enough to watch.
const LASTS: Duration = Duration::from_secs(12);
/// A delay above the request time-out of 1 s.
const SLOW_MS: u64 = 1_500;

/// All scenarios, in the order in which they are offered.
pub fn scenarios() -> Vec<Scenario> {
    let moves = "its region is served from another data centre; no line is lost";
    let stays = "no region moves; QUORUM goes on";
    let one = |name, title, fault, expect| Scenario {
        name,
        title,
        faults: vec![fault],
        lasts: LASTS,
        expect,
    };
    let (a, b) = (Dc::Europe, Dc::Americas);
    let delay_ms = SLOW_MS;
    vec![
        one("europe-down", "Lose Europe", Fault::DcDown { dc: a }, moves),
        one(
            "americas-down",
            "Lose the Americas",
            Fault::DcDown { dc: b },
            moves,
        ),
        one(
            "asiapacific-down",
            "Lose Asia-Pacific",
            Fault::DcDown {
                dc: Dc::AsiaPacific,
            },
            moves,
        ),
        one(
            "europe-paused",
            "Europe stops answering",
            Fault::DcPaused { dc: a },
            "noticed by time-outs only; then its region is served from another data centre",
        ),
        one(
            "link-cut",
            "Cut the link between Europe and the Americas",
            Fault::LinkCut { a, b },
            stays,
        ),
        Scenario {
            name: "two-down",
            title: "Lose Europe and the Americas",
            faults: vec![Fault::DcDown { dc: a }, Fault::DcDown { dc: b }],
            lasts: LASTS,
            expect: "writes go on in one data centre, and offsets are held back until two are up",
        },
        one(
            "europe-slow",
            "Slow Europe",
            Fault::DcSlow { dc: a, delay_ms },
            moves,
        ),
        one(
            "disk-full",
            "Fill the disk of Europe",
            Fault::DiskFull { dc: a },
            "no region moves; writes at QUORUM go on, ALL and EACH_QUORUM fail",
        ),
        one(
            "log-down",
            "Lose the log",
            Fault::LogDown,
            "reading waits and goes on by itself; nothing is lost",
        ),
    ]
}

/// The scenario of a name.
pub fn scenario(name: &str) -> Option<Scenario> {
    scenarios().into_iter().find(|s| s.name == name)
}

/// What a drill goes through, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillStep {
    /// The fault was put in force.
    FaultStarted,
    /// A region's requests failed long enough.
    Detected,
    /// The region was routed elsewhere.
    FailedOver,
    /// The first write of the hit region was acknowledged after that.
    FirstSuccess,
    /// The fault was removed.
    FaultEnded,
    /// The data centre answered again.
    Returned,
    /// No hint waited for it any more.
    HintsDrained,
    /// All replicas were compared and equal.
    DigestsEqual,
    /// Every region was served from home.
    Home,
}

impl DrillStep {
    /// All steps, in order.
    pub const ALL: [Self; 9] = [
        Self::FaultStarted,
        Self::Detected,
        Self::FailedOver,
        Self::FirstSuccess,
        Self::FaultEnded,
        Self::Returned,
        Self::HintsDrained,
        Self::DigestsEqual,
        Self::Home,
    ];

    /// On screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FaultStarted => "Fault started",
            Self::Detected => "Detected",
            Self::FailedOver => "Failed over",
            Self::FirstSuccess => "First success",
            Self::FaultEnded => "Fault ended",
            Self::Returned => "Returned",
            Self::HintsDrained => "Hints drained",
            Self::DigestsEqual => "Replicas equal",
            Self::Home => "Home",
        }
    }
}

/// Whether requests were made before or after the hit region was served from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before, or it never was.
    BeforeSwitch,
    /// After.
    AfterSwitch,
}

/// A write that was acknowledged, and that no read at QUORUM finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Lost {
    /// A line, and where the log has it.
    Line {
        /// Which.
        #[serde(serialize_with = "as_text")]
        line_id: LineId,
        /// Its partition.
        partition: TopicPartition,
        /// Its offset.
        offset: Offset,
    },
    /// A probe of the drill.
    Probe {
        /// Its name.
        name: String,
    },
}

impl Lost {
    /// How many are named at most: enough to see what they have in common.
    pub const MOST: usize = 50;

    /// The line, if it is one.
    pub const fn line_id(&self) -> Option<LineId> {
        match self {
            Self::Line { line_id, .. } => Some(*line_id),
            Self::Probe { .. } => None,
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line {
                line_id,
                partition,
                offset,
            } => write!(f, "line {line_id} at {partition} offset {}", offset.0),
            Self::Probe { name } => write!(f, "probe {name}"),
        }
    }
}

fn as_text<S: serde::Serializer>(text: &impl fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(text)
}

/// What a timeline is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DrillEvent {
    /// A step was reached. Only its first time counts.
    Reached(DrillStep),
    /// A step will not come, and why.
    WillNotCome(DrillStep, String),
    /// Requests ended.
    Requests {
        /// Which.
        key: CellKey,
        /// When.
        phase: Phase,
        /// Ended well.
        ok: u64,
        /// Failed.
        failed: u64,
    },
    /// No write was acknowledged for this long.
    Stalled(Duration),
    /// Hints waiting, over all data centres.
    Hints(u64),
    /// All rows were compared after the fault.
    Compared {
        /// Lines acknowledged by then.
        acknowledged: u64,
        /// Of those, readable.
        readable: u64,
        /// The first of the others, as far as they are known by name.
        lost: Vec<Lost>,
        /// Whether all replicas were read and equal.
        replicas: Replicas,
    },
}

/// How the replicas compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replicas {
    /// All read, all equal.
    Equal,
    /// They differ, or one could not be read.
    NotEqual,
}

/// What the comparison after a fault found.
#[derive(Debug, Clone)]
struct Compared {
    acknowledged: u64,
    readable: u64,
    lost: Vec<Lost>,
    replicas: Replicas,
}

/// What happened in a drill, as it happens.
#[derive(Debug, Clone)]
pub struct DrillTimeline {
    scenario: Scenario,
    prediction: Prediction,
    reached: BTreeMap<DrillStep, Now>,
    missing: BTreeMap<DrillStep, String>,
    cells: BTreeMap<CellKey, ObservedCell>,
    longest_stall: Option<Duration>,
    hints_peak: Option<u64>,
    compared: Option<Compared>,
    cancelled_after: Option<Duration>,
}

impl DrillTimeline {
    /// A timeline before its fault. The prediction was made before it, too.
    pub fn new(scenario: Scenario, prediction: Prediction) -> Self {
        Self {
            scenario,
            prediction,
            reached: BTreeMap::new(),
            missing: BTreeMap::new(),
            cells: BTreeMap::new(),
            longest_stall: None,
            hints_peak: None,
            compared: None,
            cancelled_after: None,
        }
    }

    /// Records that the faults were ended by hand, so long after they had started.
    pub const fn cancelled_after(&mut self, time: Duration) {
        self.cancelled_after = Some(time);
    }

    /// Whether a step was said not to come.
    pub fn is_given_up(&self, step: DrillStep) -> bool {
        self.missing.contains_key(&step)
    }

    /// Records an event.
    pub fn record(&mut self, event: DrillEvent, now: Now) {
        match event {
            DrillEvent::Reached(step) => {
                self.reached.entry(step).or_insert(now);
            }
            DrillEvent::WillNotCome(step, why) => {
                self.missing.insert(step, why);
            }
            DrillEvent::Requests {
                key,
                phase,
                ok,
                failed,
            } => self.count(key, phase, ok, failed),
            DrillEvent::Stalled(time) => self.longest_stall = self.longest_stall.max(Some(time)),
            DrillEvent::Hints(pending) => self.hints_peak = self.hints_peak.max(Some(pending)),
            DrillEvent::Compared {
                acknowledged,
                readable,
                lost,
                replicas,
            } => {
                self.compared = Some(Compared {
                    acknowledged,
                    readable,
                    lost,
                    replicas,
                });
            }
        }
    }

    fn count(&mut self, key: CellKey, phase: Phase, ok: u64, failed: u64) {
        let cell = self.cells.entry(key).or_insert(ObservedCell {
            key,
            ok: 0,
            failed: 0,
            failed_after_switch: 0,
        });
        cell.ok += ok;
        match phase {
            Phase::BeforeSwitch => cell.failed += failed,
            Phase::AfterSwitch => cell.failed_after_switch += failed,
        }
    }

    /// Whether a step was reached.
    pub fn has(&self, step: DrillStep) -> bool {
        self.reached.contains_key(&step)
    }

    /// The result so far.
    pub fn result(&self) -> DrillResult {
        let observed: Vec<ObservedCell> = self.cells.values().copied().collect();
        let compared = self.compared.as_ref();
        DrillResult {
            scenario: self.scenario.clone(),
            cancelled_after_ms: self.cancelled_after.map(millis),
            detected_ms: self.after_fault(DrillStep::Detected),
            rto_ms: self.after_fault(DrillStep::FirstSuccess),
            rpo_lines: compared.map(|found| found.acknowledged.saturating_sub(found.readable)),
            lost: compared.map_or_else(Vec::new, |found| found.lost.clone()),
            writes: by_level(&observed),
            longest_stall_ms: self.longest_stall.map(millis),
            hints_peak: self.hints_peak,
            converged: compared.map(|found| found.replicas == Replicas::Equal),
            score: score(&self.prediction, &observed),
            prediction: self.prediction.clone(),
            observed,
            steps: DrillStep::ALL.map(|step| self.step(step)).to_vec(),
        }
    }

    fn after_fault(&self, step: DrillStep) -> Option<u64> {
        let start = self.reached.get(&DrillStep::FaultStarted)?;
        let end = self.reached.get(&step)?;
        end.since_start.checked_sub(start.since_start).map(millis)
    }

    fn step(&self, step: DrillStep) -> StepResult {
        let reached = self.reached.get(&step);
        let why = || {
            self.missing
                .get(&step)
                .cloned()
                .unwrap_or_else(|| "not seen before the drill ended".to_owned())
        };
        StepResult {
            step,
            at: reached.map(|now| now.wall),
            after_fault_ms: self.after_fault(step),
            missing: reached.is_none().then(why),
        }
    }
}

/// A step of a drill that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepResult {
    /// The step.
    pub step: DrillStep,
    /// When it was reached.
    pub at: Option<DateTime<Utc>>,
    /// Milliseconds after the fault started.
    pub after_fault_ms: Option<u64>,
    /// Why it was not reached.
    pub missing: Option<String>,
}

/// Writes of all regions at one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LevelWrites {
    /// The level.
    pub level: ConsistencyLevel,
    /// Acknowledged.
    pub ok: u64,
    /// Failed.
    pub failed: u64,
}

/// What a drill measured. `None` was not seen; the steps say why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrillResult {
    /// What was done.
    pub scenario: Scenario,
    /// After how long the faults were ended by hand, milliseconds; `None` when they lasted their
    /// time.
    pub cancelled_after_ms: Option<u64>,
    /// Fault to detection, milliseconds.
    pub detected_ms: Option<u64>,
    /// Recovery time: fault to the first acknowledged write of the hit region, milliseconds.
    pub rto_ms: Option<u64>,
    /// Recovery point: lines acknowledged and not readable afterwards, by comparison.
    pub rpo_lines: Option<u64>,
    /// The first of those, at most [`Lost::MOST`], as far as they are known by name.
    pub lost: Vec<Lost>,
    /// Writes per level; levels that were not tried are left out.
    pub writes: Vec<LevelWrites>,
    /// Longest time without an acknowledged write, milliseconds.
    pub longest_stall_ms: Option<u64>,
    /// Most hints that waited at once.
    pub hints_peak: Option<u64>,
    /// Whether all replicas were equal at the end.
    pub converged: Option<bool>,
    /// What was expected.
    pub prediction: Prediction,
    /// How good that was.
    pub score: PredictionScore,
    /// Requests per region, access and level.
    pub observed: Vec<ObservedCell>,
    /// The nine steps.
    pub steps: Vec<StepResult>,
}

fn by_level(observed: &[ObservedCell]) -> Vec<LevelWrites> {
    ConsistencyLevel::ALL
        .into_iter()
        .filter_map(|level| {
            let mut cells = observed
                .iter()
                .filter(|cell| cell.key.level == level && cell.key.access == Access::Write)
                .peekable();
            cells.peek()?;
            let none = LevelWrites {
                level,
                ok: 0,
                failed: 0,
            };
            Some(cells.fold(none, |sum, cell| LevelWrites {
                level,
                ok: sum.ok + cell.ok,
                failed: sum.failed + cell.failed + cell.failed_after_switch,
            }))
        })
        .collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::policy::Policy;
    use super::super::predict::{Timings, predict};
    use super::*;
    use crate::model::Region;

    pub(in super::super) fn timeline(name: &str) -> DrillTimeline {
        let scenario = scenario(name).unwrap();
        let prediction = predict(&scenario.faults, Timings::default(), &Policy::default());
        DrillTimeline::new(scenario, prediction)
    }

    pub(in super::super) fn at(millis: u64) -> Now {
        let since_start = Duration::from_millis(millis);
        Now {
            since_start,
            wall: DateTime::UNIX_EPOCH + since_start,
        }
    }

    fn requests(level: ConsistencyLevel, phase: Phase, ok: u64, failed: u64) -> DrillEvent {
        let key = CellKey {
            region: Region::Europe,
            access: Access::Write,
            level,
        };
        DrillEvent::Requests {
            key,
            phase,
            ok,
            failed,
        }
    }

    #[test]
    fn every_figure_comes_from_events() {
        let mut timeline = timeline("europe-down");
        for (n, step) in (0..).zip(DrillStep::ALL) {
            timeline.record(DrillEvent::Reached(step), at(1_000 + n * 100));
            timeline.record(DrillEvent::Reached(step), at(90_000));
        }
        for stall in [50, 700, 90] {
            timeline.record(DrillEvent::Stalled(Duration::from_millis(stall)), at(0));
        }
        for hints in [3, 40, 0] {
            timeline.record(DrillEvent::Hints(hints), at(0));
        }
        let quorum = ConsistencyLevel::Quorum;
        let name = "drill/1/europe/QUORUM/7".to_owned();
        let probe = Lost::Probe { name };
        timeline.record(requests(quorum, Phase::BeforeSwitch, 0, 2), at(0));
        timeline.record(requests(quorum, Phase::AfterSwitch, 50, 0), at(0));
        timeline.record(
            DrillEvent::Compared {
                acknowledged: 500,
                readable: 497,
                lost: vec![probe.clone()],
                replicas: Replicas::Equal,
            },
            at(9_000),
        );
        let result = timeline.result();
        assert_eq!(result.detected_ms, Some(100));
        assert_eq!(
            result.rto_ms,
            Some(300),
            "a step counts from its first time"
        );
        assert_eq!(result.rpo_lines, Some(3));
        assert_eq!(result.lost, [probe]);
        assert_eq!(result.longest_stall_ms, Some(700));
        assert_eq!(result.hints_peak, Some(40));
        assert_eq!(result.converged, Some(true));
        assert_eq!(result.score.share, Some(1.0));
        assert_eq!(result.writes.len(), 1);
        assert_eq!((result.writes[0].ok, result.writes[0].failed), (50, 2));
        assert!(
            result
                .steps
                .iter()
                .all(|s| s.at.is_some() && s.missing.is_none())
        );
    }

    #[test]
    fn what_was_not_seen_has_a_reason_and_no_figure() {
        let mut timeline = timeline("link-cut");
        timeline.record(DrillEvent::Reached(DrillStep::FaultStarted), at(5));
        let why = "no region had to move".to_owned();
        timeline.record(
            DrillEvent::WillNotCome(DrillStep::FailedOver, why.clone()),
            at(6),
        );
        let result = timeline.result();
        assert_eq!(result.detected_ms, None);
        assert_eq!(result.rto_ms, None);
        assert_eq!(result.rpo_lines, None);
        assert_eq!(result.hints_peak, None);
        assert_eq!(result.converged, None);
        assert_eq!(result.score.share, None);
        assert_eq!(result.steps[0].after_fault_ms, Some(0));
        assert_eq!(result.steps[2].missing, Some(why));
        for step in &result.steps[1..] {
            assert_eq!(step.after_fault_ms, None);
            assert!(step.missing.is_some());
        }
    }

    #[test]
    fn scenarios_have_their_own_names_and_end() {
        let all = scenarios();
        for (place, one) in all.iter().enumerate() {
            let found = all.iter().position(|s| s.name == one.name);
            assert_eq!(found, Some(place), "{}", one.name);
            assert!(!one.faults.is_empty() && !one.lasts.is_zero());
        }
        assert_eq!(scenario("no-such"), None);
    }
}
