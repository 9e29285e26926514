//! A drill while it runs, as a page shows it: the steps so far, the prediction row by row, the
//! probes level by level. Computed from the same events as the result, by the same functions.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::Serialize;

use super::course::Window;
use super::telling::{tell_requests, tell_watched};
use super::traffic::Seen;
use super::{Runtime, Watched};
use crate::config::Mode;
use crate::failover::Now;
use crate::failover::drill::{DrillStep, DrillTimeline, LevelWrites, Scenario};
use crate::failover::predict::{CellState, ObservedCell, PredictedCell, Prediction, state_so_far};
use crate::failover::report::Setting;

/// How far a drill is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillPhase {
    /// Probes and the load begin to flow.
    Preparing,
    /// The faults are in force.
    Fault,
    /// The faults are over; data centres return, hints drain, regions go home.
    Returning,
    /// Every replica is read and compared.
    Comparing,
}

/// A step of a drill that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum StepState {
    /// It may still come.
    Pending,
    /// It came.
    Reached {
        /// When.
        at: DateTime<Utc>,
        /// Milliseconds after the fault started.
        after_fault_ms: u64,
    },
    /// It will not come in this drill.
    WillNotCome {
        /// Why.
        why: String,
    },
}

/// Time from the fault to the first acknowledged write of the hit region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum RtoSoFar {
    /// The fault has not begun.
    NotStarted,
    /// It runs.
    Counting {
        /// Milliseconds so far.
        ms: u64,
    },
    /// It is over.
    Reached {
        /// Milliseconds.
        ms: u64,
    },
    /// There is none in this drill.
    WillNotCome {
        /// Why.
        why: String,
    },
}

/// One row of the prediction beside what was seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CellView {
    /// What was predicted.
    #[serde(flatten)]
    pub predicted: PredictedCell,
    /// Requests that ended well during the fault.
    pub ok: u64,
    /// Requests that failed during it.
    pub failed: u64,
    /// How that compares so far.
    pub state: CellState,
}

/// A drill that runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrillView {
    /// Simulated or live.
    pub setting: Setting,
    /// What fails, for how long, and what a spectator should see.
    pub scenario: Scenario,
    /// What was predicted before it began.
    pub prediction: Prediction,
    /// How far it is.
    pub phase: DrillPhase,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// Since then.
    pub elapsed: Duration,
    /// Since the fault started.
    pub since_fault: Option<Duration>,
    /// Until the faults end by plan; `None` before and after them.
    pub fault_left: Option<Duration>,
    /// The nine steps, in order.
    pub steps: Vec<(DrillStep, StepState)>,
    /// The recovery time.
    pub rto: RtoSoFar,
    /// The prediction, row by row.
    pub cells: Vec<CellView>,
    /// Writes during the fault, by level.
    pub writes: Vec<LevelWrites>,
    /// Longest time without an acknowledged write so far, milliseconds.
    pub longest_stall_ms: Option<u64>,
    /// Most hints that waited at once so far.
    pub hints_peak: u64,
    /// In which phase it was cancelled, if it was.
    pub cancelled: Option<DrillPhase>,
}

/// The drill that runs, if one does.
#[derive(Default)]
pub(crate) struct Drills(Mutex<Option<Live>>);

/// What is known of a drill that runs.
pub(super) struct Live {
    pub(super) scenario: Scenario,
    pub(super) prediction: Prediction,
    pub(super) began: Now,
    pub(super) phase: DrillPhase,
    pub(super) from: Option<Now>,
    pub(super) to: Option<Now>,
    pub(super) watched: Watched,
    pub(super) seen: Arc<Mutex<Seen>>,
    pub(super) cancelled: Option<DrillPhase>,
}

/// Clears the place of the drill when it ends, however it ends.
pub(super) struct Place<'a>(&'a Drills);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.0.lock() = None;
    }
}

impl Drills {
    pub(super) fn begin(&self, live: Live) -> Place<'_> {
        *self.0.lock() = Some(live);
        Place(self)
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut Live)) {
        if let Some(live) = self.0.lock().as_mut() {
            change(live);
        }
    }

    /// Ends the faults of the drill that runs, or its waiting for the return; the name of its
    /// scenario, `None` when none runs.
    pub(crate) fn cancel(&self) -> Option<&'static str> {
        let mut live = self.0.lock();
        let live = live.as_mut()?;
        live.cancelled.get_or_insert(live.phase);
        Some(live.scenario.name)
    }

    pub(super) fn cancelled(&self) -> Option<DrillPhase> {
        self.0.lock().as_ref().and_then(|live| live.cancelled)
    }
}

impl Runtime {
    /// Whether the data centres are real.
    pub(super) const fn setting(&self) -> Setting {
        match self.settings.mode {
            Mode::Embedded => Setting::Simulated,
            Mode::Live => Setting::Live,
        }
    }

    /// The drill that runs, as far as it is.
    pub(crate) fn drill_view(&self) -> Option<DrillView> {
        let now = self.moment();
        let guard = self.drills.0.lock();
        let live = guard.as_ref()?;
        let mut timeline = DrillTimeline::new(live.scenario.clone(), live.prediction.clone());
        if let Some(from) = live.from {
            let to = live.to.unwrap_or(now);
            let window = Window {
                from: from.since_start,
                to: to.since_start,
            };
            let seen = live.seen.lock();
            self.tell_moves(&mut timeline, &seen, window);
            tell_requests(&mut timeline, &seen, window, now.since_start, to, self);
        }
        tell_watched(&mut timeline, &live.watched, now);
        let result = timeline.result();
        let since_fault = live
            .from
            .map(|from| now.since_start.saturating_sub(from.since_start));
        let steps: Vec<_> = result
            .steps
            .iter()
            .map(|step| {
                let state = match (step.at, step.after_fault_ms, &step.missing) {
                    (Some(at), Some(after_fault_ms), _) => {
                        StepState::Reached { at, after_fault_ms }
                    }
                    (_, _, Some(why))
                        if timeline.is_given_up(step.step) && is_final(step.step, live.phase) =>
                    {
                        StepState::WillNotCome { why: why.clone() }
                    }
                    _ => StepState::Pending,
                };
                (step.step, state)
            })
            .collect();
        Some(DrillView {
            setting: self.setting(),
            phase: live.phase,
            began_at: live.began.wall,
            elapsed: now.since_start.saturating_sub(live.began.since_start),
            since_fault,
            fault_left: (live.phase == DrillPhase::Fault).then(|| {
                live.scenario
                    .lasts
                    .saturating_sub(since_fault.unwrap_or_default())
            }),
            rto: rto(&steps, since_fault),
            steps,
            cells: cells(&live.prediction, &result.observed),
            writes: result.writes,
            longest_stall_ms: result.longest_stall_ms,
            hints_peak: live.watched.hints_peak,
            cancelled: live.cancelled,
            scenario: live.scenario.clone(),
            prediction: live.prediction.clone(),
        })
    }
}

/// Whether what was not seen until this phase will not be seen after it.
const fn is_final(step: DrillStep, phase: DrillPhase) -> bool {
    match step {
        DrillStep::FaultStarted
        | DrillStep::FaultEnded
        | DrillStep::Detected
        | DrillStep::FailedOver
        | DrillStep::FirstSuccess => {
            matches!(phase, DrillPhase::Returning | DrillPhase::Comparing)
        }
        DrillStep::Returned
        | DrillStep::HintsDrained
        | DrillStep::DigestsEqual
        | DrillStep::Home => matches!(phase, DrillPhase::Comparing),
    }
}

fn rto(steps: &[(DrillStep, StepState)], since_fault: Option<Duration>) -> RtoSoFar {
    let Some(since_fault) = since_fault else {
        return RtoSoFar::NotStarted;
    };
    match steps
        .iter()
        .find(|(step, _)| *step == DrillStep::FirstSuccess)
    {
        Some((_, StepState::Reached { after_fault_ms, .. })) => RtoSoFar::Reached {
            ms: *after_fault_ms,
        },
        Some((_, StepState::WillNotCome { why })) => RtoSoFar::WillNotCome { why: why.clone() },
        Some((_, StepState::Pending)) | None => RtoSoFar::Counting {
            ms: u64::try_from(since_fault.as_millis()).unwrap_or(u64::MAX),
        },
    }
}

fn cells(prediction: &Prediction, observed: &[ObservedCell]) -> Vec<CellView> {
    let view = |predicted: &PredictedCell| {
        let seen = observed.iter().find(|seen| seen.key == predicted.key);
        CellView {
            predicted: *predicted,
            ok: seen.map_or(0, |seen| seen.ok),
            failed: seen.map_or(0, |seen| seen.failed + seen.failed_after_switch),
            state: state_so_far(*predicted, seen),
        }
    };
    prediction.cells.iter().map(view).collect()
}
