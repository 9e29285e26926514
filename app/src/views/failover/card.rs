//! The card of a drill, running or over: the same figures from the same events, so that the page
//! of a drill that runs becomes its report without another word.

use std::time::Duration;

use chrono::{DateTime, Utc};
use retail_engine::failover::drill::{DrillResult, DrillStep, Scenario};
use retail_engine::failover::predict::{CellKey, CellState, CellVerdict, Fate, Prediction};
use retail_engine::failover::report::Setting;
use retail_engine::flow::{DrillOutcome, DrillPhase, DrillView, RtoSoFar, StepState};
use retail_engine::handle::Snapshot;
use retail_engine::model::Dc;
use retail_engine::ports::Fault;

use super::rows::{rows, score};
use crate::views::format;
use crate::views::overview::short;
use crate::widgets::Status;

/// How far a drill is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The stream begins to flow.
    Preparing,
    /// The faults are in force.
    Fault,
    /// Everything comes back.
    Returning,
    /// Every replica is read.
    Comparing,
    /// It is over.
    Done,
}

impl Stage {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preparing => "the stream begins to flow",
            Self::Fault => "the fault is in force",
            Self::Returning => "coming back",
            Self::Comparing => "reading and comparing every replica",
            Self::Done => "over",
        }
    }
}

/// The recovery time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rto {
    /// The fault has not begun.
    Waiting,
    /// It runs, milliseconds.
    Counting(u64),
    /// It is over, milliseconds.
    Reached(u64),
    /// There is none, and why.
    None(String),
}

/// Lines lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rpo {
    /// Acknowledged, and seen in no data centre so far.
    SoFar {
        /// Missing.
        missing: u64,
        /// Of so many.
        of: u64,
    },
    /// By comparing every row.
    Proven(u64),
    /// Not known, and why.
    Unknown(String),
}

/// How a prediction came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As predicted.
    AsPredicted,
    /// Nothing has been made of it.
    NotTested,
    /// It may still come either way.
    Pending,
    /// Otherwise.
    Differs,
}

impl Verdict {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsPredicted => "as predicted",
            Self::NotTested => "not tested",
            Self::Pending => "pending",
            Self::Differs => "differs",
        }
    }

    /// How it stands.
    pub const fn status(self) -> Status {
        match self {
            Self::AsPredicted => Status::Ok,
            Self::NotTested => Status::Unknown,
            Self::Pending => Status::Stale,
            Self::Differs => Status::Critical,
        }
    }
}

/// One kind of request: region, access and level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Which.
    pub key: CellKey,
    /// What was predicted.
    pub fate: Fate,
    /// Requests that ended well during the fault.
    pub ok: u64,
    /// Requests that failed during it.
    pub failed: u64,
    /// How that compares.
    pub verdict: Verdict,
}

/// What was predicted of something and what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Of what.
    pub what: String,
    /// Before.
    pub predicted: String,
    /// After.
    pub observed: String,
    /// How they compare.
    pub verdict: Verdict,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Reached.
    Reached,
    /// Reached: it is the fault itself.
    Fault,
    /// It may come.
    Pending,
    /// It will not come.
    WillNotCome,
}

/// A step of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub step: DrillStep,
    /// Its number, from 0.
    pub number: usize,
    /// How it stands.
    pub mark: Mark,
    /// In words.
    pub name: String,
    /// Time after the fault.
    pub time: String,
    /// When, or why not.
    pub detail: String,
    /// When, for the charts.
    pub at: Option<DateTime<Utc>>,
}

/// A drill, as a page shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its title.
    pub title: String,
    /// What fails and for how long.
    pub sentence: String,
    /// What a spectator should see.
    pub expect: &'static str,
    /// How far it is.
    pub stage: Stage,
    /// The data centres are inside this process.
    pub simulated: bool,
    /// Ended by hand, and when.
    pub cancelled: Option<String>,
    /// Until the faults end by plan.
    pub left: Option<Duration>,
    /// Since the fault began.
    pub since_fault: Option<Duration>,
    /// The recovery time.
    pub rto: Rto,
    /// Its parts: to detect, to decide, to write; milliseconds.
    pub split: Option<[u64; 3]>,
    /// Lines lost.
    pub rpo: Rpo,
    /// Which, a line each, where that is known; then how many more.
    pub lost: Vec<String>,
    /// What each data centre shows, in words.
    pub shows: Vec<(Dc, String)>,
    /// Predicted, then observed.
    pub rows: Vec<Row>,
    /// The same for each kind of request.
    pub cells: Vec<Cell>,
    /// How many came as predicted.
    pub score: String,
    /// The nine steps.
    pub steps: Vec<Step>,
    /// Longest time without an acknowledged write.
    pub stall: String,
    /// Most hints that waited at once.
    pub hints_peak: String,
    /// Reads and writes that ended well and that failed, over all.
    pub requests: (u64, u64),
    /// The data centre that is hit first.
    pub hit: Option<Dc>,
}

/// A step: when it was reached and how long after the fault, or why not.
pub(super) type Seen = (DrillStep, Option<(DateTime<Utc>, u64)>, Option<String>);

/// What the two sources have in common.
pub(super) struct Source<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) prediction: &'a Prediction,
    pub(super) cells: Vec<Cell>,
    pub(super) steps: Vec<Seen>,
    pub(super) rpo: Rpo,
    pub(super) lost: Vec<String>,
    pub(super) stage: Stage,
    pub(super) stall_ms: Option<u64>,
    pub(super) hints_peak: Option<u64>,
}

impl Card {
    /// Of a drill that runs.
    pub fn of_view(view: &DrillView, snapshot: &Snapshot) -> Self {
        let cells = view
            .cells
            .iter()
            .map(|cell| Cell {
                key: cell.predicted.key,
                fate: cell.predicted.fate,
                ok: cell.ok,
                failed: cell.failed,
                verdict: match cell.state {
                    CellState::Pending => Verdict::Pending,
                    CellState::AsPredicted => Verdict::AsPredicted,
                    CellState::Differs => Verdict::Differs,
                },
            })
            .collect();
        let steps = view
            .steps
            .iter()
            .map(|(step, state)| match state {
                StepState::Pending => (*step, None, None),
                StepState::Reached { at, after_fault_ms } => {
                    (*step, Some((*at, *after_fault_ms)), None)
                }
                StepState::WillNotCome { why } => (*step, None, Some(why.clone())),
            })
            .collect();
        let stage = match view.phase {
            DrillPhase::Preparing => Stage::Preparing,
            DrillPhase::Fault => Stage::Fault,
            DrillPhase::Returning => Stage::Returning,
            DrillPhase::Comparing => Stage::Comparing,
        };
        let source = Source {
            scenario: &view.scenario,
            prediction: &view.prediction,
            cells,
            steps,
            rpo: so_far(snapshot),
            lost: Vec::new(),
            stage,
            stall_ms: view.longest_stall_ms,
            hints_peak: Some(view.hints_peak),
        };
        let rto = match &view.rto {
            RtoSoFar::NotStarted => Rto::Waiting,
            RtoSoFar::Counting { ms } => Rto::Counting(*ms),
            RtoSoFar::Reached { ms } => Rto::Reached(*ms),
            RtoSoFar::WillNotCome { why } => Rto::None(why.clone()),
        };
        Self {
            simulated: view.setting == Setting::Simulated,
            cancelled: view.cancelled.map(|_| "ended by hand".to_owned()),
            left: view.fault_left,
            since_fault: view.since_fault,
            shows: shows(snapshot),
            ..Self::of(source, rto)
        }
    }

    /// Of a drill that is over.
    pub fn of_outcome(outcome: &DrillOutcome) -> Self {
        let result = &outcome.report.result;
        let cells = result
            .prediction
            .cells
            .iter()
            .map(|predicted| {
                let seen = result
                    .observed
                    .iter()
                    .find(|seen| seen.key == predicted.key);
                let verdict = result
                    .score
                    .cells
                    .iter()
                    .find(|(key, _)| *key == predicted.key);
                Cell {
                    key: predicted.key,
                    fate: predicted.fate,
                    ok: seen.map_or(0, |seen| seen.ok),
                    failed: seen.map_or(0, |seen| seen.failed + seen.failed_after_switch),
                    verdict: match verdict.map(|(_, verdict)| *verdict) {
                        Some(CellVerdict::AsPredicted) => Verdict::AsPredicted,
                        Some(CellVerdict::Differs) => Verdict::Differs,
                        Some(CellVerdict::NotTested) | None => Verdict::NotTested,
                    },
                }
            })
            .collect();
        let steps = result
            .steps
            .iter()
            .map(|step| {
                let reached = step.at.zip(step.after_fault_ms);
                (step.step, reached, step.missing.clone())
            })
            .collect();
        let why_not = |step: DrillStep| {
            let known = result.steps.iter().find(|known| known.step == step);
            known
                .and_then(|known| known.missing.clone())
                .unwrap_or_else(|| "it was not seen".to_owned())
        };
        let rto = result
            .rto_ms
            .map_or_else(|| Rto::None(why_not(DrillStep::FirstSuccess)), Rto::Reached);
        let rpo = result.rpo_lines.map_or_else(
            || Rpo::Unknown(why_not(DrillStep::DigestsEqual)),
            Rpo::Proven,
        );
        let source = Source {
            scenario: &result.scenario,
            prediction: &result.prediction,
            cells,
            steps,
            rpo,
            lost: lost(result),
            stage: Stage::Done,
            stall_ms: result.longest_stall_ms,
            hints_peak: result.hints_peak,
        };
        Self {
            simulated: outcome.report.setting == Setting::Simulated,
            cancelled: result
                .cancelled_after_ms
                .map(|ms| format!("ended by hand after {}", time(ms))),
            ..Self::of(source, rto)
        }
    }

    fn of(source: Source<'_>, rto: Rto) -> Self {
        let faults: Vec<String> = source
            .scenario
            .faults
            .iter()
            .map(Fault::to_string)
            .collect();
        let steps: Vec<Step> = source
            .steps
            .iter()
            .enumerate()
            .map(|(number, (step, reached, why))| {
                step_row(number, *step, *reached, why.as_deref(), &faults)
            })
            .collect();
        let ms_of = |wanted: DrillStep| {
            let found = source.steps.iter().find(|(step, ..)| *step == wanted)?;
            found.1.map(|(_, ms)| ms)
        };
        let split = match (
            ms_of(DrillStep::Detected),
            ms_of(DrillStep::FailedOver),
            ms_of(DrillStep::FirstSuccess),
        ) {
            (Some(detected), Some(moved), Some(success)) => Some([
                detected,
                moved.saturating_sub(detected),
                success.saturating_sub(moved),
            ]),
            _ => None,
        };
        let requests = source
            .cells
            .iter()
            .fold((0, 0), |sum, cell| (sum.0 + cell.ok, sum.1 + cell.failed));
        Self {
            title: source.scenario.title.to_owned(),
            sentence: format!(
                "{} for {}",
                faults.join(", "),
                super::dcs::span(source.scenario.lasts)
            ),
            expect: source.scenario.expect,
            stage: source.stage,
            simulated: true,
            cancelled: None,
            left: None,
            since_fault: None,
            rto,
            split,
            rows: rows(&source, ms_of(DrillStep::Detected)),
            rpo: source.rpo.clone(),
            lost: source.lost.clone(),
            shows: Vec::new(),
            score: score(&source.cells),
            steps,
            stall: source.stall_ms.map_or_else(|| "Unknown".to_owned(), time),
            hints_peak: source
                .hints_peak
                .map_or_else(|| "Unknown".to_owned(), format::count),
            requests,
            hit: hit(source.prediction, source.scenario),
            cells: source.cells,
        }
    }

    /// Whether nothing was lost and the replicas are equal; `None` until that is proven.
    pub fn is_proven(&self) -> Option<bool> {
        let equal = self
            .steps
            .iter()
            .any(|step| step.step == DrillStep::DigestsEqual && step.mark == Mark::Reached);
        match self.rpo {
            Rpo::Proven(lost) => Some(lost == 0 && equal),
            Rpo::SoFar { .. } | Rpo::Unknown(_) => None,
        }
    }

    /// The cell of a kind of request.
    pub fn cell(&self, key: CellKey) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.key == key)
    }
}

/// What was lost, by name as far as it is known, and the number of the others.
fn lost(result: &DrillResult) -> Vec<String> {
    let mut names: Vec<String> = result.lost.iter().map(ToString::to_string).collect();
    let more = result
        .rpo_lines
        .unwrap_or(0)
        .saturating_sub(names.len() as u64);
    if more > 0 {
        names.push(format!("and {} more", format::count(more)));
    }
    names
}

/// Milliseconds as a time.
pub fn time(ms: u64) -> String {
    format::duration(Duration::from_millis(ms))
}

fn hit(prediction: &Prediction, scenario: &Scenario) -> Option<Dc> {
    let by_fault = scenario.faults.iter().find_map(|fault| match *fault {
        Fault::DcDown { dc }
        | Fault::DcPaused { dc }
        | Fault::DcSlow { dc, .. }
        | Fault::DiskFull { dc } => Some(dc),
        Fault::LinkCut { a, .. } => Some(a),
        Fault::LogDown => None,
    });
    by_fault.or_else(|| prediction.hints_for.first().copied())
}

fn so_far(snapshot: &Snapshot) -> Rpo {
    let of = snapshot.lines;
    let Some(store) = &snapshot.store else {
        return Rpo::Unknown("nothing was measured yet".to_owned());
    };
    let seen = store
        .dcs
        .iter()
        .filter_map(|(_, dc)| dc.rows.known().map(|rows| rows.lines))
        .max();
    seen.map_or_else(
        || Rpo::Unknown("no data centre can be read".to_owned()),
        |seen| Rpo::SoFar {
            missing: of.saturating_sub(seen),
            of,
        },
    )
}

fn shows(snapshot: &Snapshot) -> Vec<(Dc, String)> {
    let of = format::count(snapshot.lines);
    Dc::ALL
        .into_iter()
        .map(|dc| {
            let rows = snapshot.store.as_ref().map(|store| &store.dcs[dc].rows);
            let text = match rows.and_then(|rows| rows.known()) {
                Some(rows) => format!("{} shows {} of {of}", short(dc), format::count(rows.lines)),
                None => format!("{} unknown", short(dc)),
            };
            (dc, text)
        })
        .collect()
}

fn step_row(
    number: usize,
    step: DrillStep,
    reached: Option<(DateTime<Utc>, u64)>,
    why: Option<&str>,
    faults: &[String],
) -> Step {
    let name = match step {
        DrillStep::FaultStarted => format!("Fault: {}", faults.join(", ")),
        DrillStep::DigestsEqual => "Replicas equal".to_owned(),
        other => other.name().to_owned(),
    };
    let (mark, time, detail) = match (reached, why) {
        (Some((at, ms)), _) => (
            if step == DrillStep::FaultStarted {
                Mark::Fault
            } else {
                Mark::Reached
            },
            if step == DrillStep::FaultStarted {
                "0.00 s".to_owned()
            } else {
                format!("+{}", time(ms))
            },
            format::clock_tenths(at),
        ),
        (None, Some(why)) => (Mark::WillNotCome, String::new(), why.to_owned()),
        (None, None) => (Mark::Pending, String::new(), String::new()),
    };
    Step {
        step,
        number,
        mark,
        name,
        time,
        detail,
        at: reached.map(|(at, _)| at),
    }
}

#[cfg(test)]
mod tests {
    use retail_engine::failover::Now;
    use retail_engine::failover::drill::{DrillEvent, DrillTimeline, Lost, Replicas, scenario};
    use retail_engine::failover::policy::Policy;
    use retail_engine::failover::predict::{Timings, predict};
    use retail_engine::failover::report::Report;
    use retail_engine::model::{LineId, Offset, Region, Topic, TopicPartition};

    use super::*;

    #[test]
    fn a_loss_lists_what_was_lost_and_counts_the_rest() {
        let scenario = scenario("europe-down").unwrap();
        let prediction = predict(&scenario.faults, Timings::default(), &Policy::default());
        let mut timeline = DrillTimeline::new(scenario, prediction);
        let card = |timeline: &DrillTimeline| {
            Card::of_outcome(&DrillOutcome {
                report: Report {
                    setting: Setting::Simulated,
                    result: timeline.result(),
                    series: Vec::new(),
                },
                ledger: None,
            })
        };
        assert!(card(&timeline).lost.is_empty());
        let now = Now {
            since_start: Duration::ZERO,
            wall: DateTime::UNIX_EPOCH,
        };
        let compared = DrillEvent::Compared {
            acknowledged: 1_500,
            readable: 200,
            lost: vec![Lost::Line {
                line_id: LineId(0xab),
                partition: TopicPartition::new(Topic::Lines(Region::Europe), 2),
                offset: Offset(17),
            }],
            replicas: Replicas::NotEqual,
        };
        timeline.record(compared, now);
        let card = card(&timeline);
        assert_eq!(card.rpo, Rpo::Proven(1_300));
        assert_eq!(
            card.lost,
            [
                "line 00000000000000ab at europe-transactions-2 offset 17",
                "and 1\u{2009}299 more"
            ]
        );
    }

    #[test]
    fn a_step_that_will_not_come_says_why_and_has_no_time() {
        let row = step_row(
            6,
            DrillStep::HintsDrained,
            None,
            Some("no hint was kept"),
            &[],
        );
        assert_eq!(row.mark, Mark::WillNotCome);
        assert_eq!(row.time, "");
        assert_eq!(row.detail, "no hint was kept");
        let at = DateTime::UNIX_EPOCH;
        let row = step_row(3, DrillStep::FirstSuccess, Some((at, 2_940)), None, &[]);
        assert_eq!(row.time, "+2.94 s");
        assert_eq!(row.at, Some(at));
    }
}
