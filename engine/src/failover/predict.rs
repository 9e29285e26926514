//! What faults will break, said before they are started, and how good the prediction was.
//!
//! The model: a data centre *coordinates* unless it is down or does not answer in time, and a
//! replica *acknowledges* a request through a coordinator when it works and the link between the
//! two does. A level is met when [`ConsistencyLevel::satisfied_by`] says so of those replicas.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use crate::model::{ConsistencyLevel, Dc, DcSet, PerRegion, Region};
use crate::ports::Fault;

/// Reading or writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Writing lines.
    Write,
    /// Reading them.
    Read,
}

impl Access {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Write, Self::Read];
}

/// What becomes of requests of one region at one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// They go on.
    Works,
    /// They fail until the region is served from elsewhere, then go on.
    WorksAfterFailover,
    /// They fail until the fault ends.
    Fails,
}

impl Fate {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::WorksAfterFailover => "works after failover",
            Self::Fails => "fails",
        }
    }
}

/// Which requests a cell is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CellKey {
    /// Of this region.
    pub region: Region,
    /// Reads or writes.
    pub access: Access,
    /// At this level.
    pub level: ConsistencyLevel,
}

/// One predicted cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictedCell {
    /// Which requests.
    #[serde(flatten)]
    pub key: CellKey,
    /// What becomes of them.
    pub fate: Fate,
}

/// Who serves a region during the faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictedRoute {
    /// The region.
    pub region: Region,
    /// The data centre that takes over; `None` when it stays at home.
    pub taken_over_by: Option<Dc>,
    /// Longest time until that is noticed, milliseconds; `None` when it stays.
    pub detect_within_ms: Option<u64>,
}

/// Whether lines flow through the log meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// They do.
    GoesOn,
    /// The log refuses: reading a file waits, nothing is lost.
    Waits,
}

/// What a set of faults is expected to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// The faults.
    pub faults: Vec<Fault>,
    /// Per region, access and level, each once.
    pub cells: Vec<PredictedCell>,
    /// Per region.
    pub routes: Vec<PredictedRoute>,
    /// Data centres for which hints pile up.
    pub hints_for: Vec<Dc>,
    /// Whether lines flow.
    pub flow: Flow,
}

/// Times of the store that a prediction rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// After which a request counts as failed.
    pub request_timeout: Duration,
    /// Between two requests of a region.
    pub request_gap: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(1),
            request_gap: Duration::from_millis(50),
        }
    }
}

/// How a data centre fares under faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Working {
    Yes,
    Refuses,
    Silent,
}

fn working(dc: Dc, faults: &[Fault], timings: Timings) -> Working {
    let mut worst = Working::Yes;
    for fault in faults {
        match *fault {
            Fault::DcDown { dc: hit } if hit == dc => return Working::Refuses,
            Fault::DcPaused { dc: hit } if hit == dc => worst = Working::Silent,
            Fault::DcSlow { dc: hit, delay_ms }
                if hit == dc && Duration::from_millis(delay_ms) >= timings.request_timeout =>
            {
                worst = Working::Silent;
            }
            Fault::DcDown { .. }
            | Fault::DcPaused { .. }
            | Fault::DcSlow { .. }
            | Fault::LinkCut { .. }
            | Fault::DiskFull { .. }
            | Fault::LogDown => {}
        }
    }
    worst
}

fn linked(a: Dc, b: Dc, faults: &[Fault]) -> bool {
    let cut = |fault: &Fault| match *fault {
        Fault::LinkCut { a: x, b: y } => (x, y) == (a, b) || (y, x) == (a, b),
        Fault::DcDown { .. }
        | Fault::DcPaused { .. }
        | Fault::DcSlow { .. }
        | Fault::DiskFull { .. }
        | Fault::LogDown => false,
    };
    !faults.iter().any(cut)
}

/// Replicas that acknowledge a request through `via`; `None` when `via` does not coordinate.
fn acking(via: Dc, access: Access, faults: &[Fault], timings: Timings) -> Option<DcSet> {
    if working(via, faults, timings) != Working::Yes {
        return None;
    }
    let acks = |dc: &Dc| {
        let full = access == Access::Write && faults.contains(&Fault::DiskFull { dc: *dc });
        working(*dc, faults, timings) == Working::Yes && linked(via, *dc, faults) && !full
    };
    Some(Dc::ALL.into_iter().filter(acks).collect())
}

fn met(key: CellKey, via: Dc, faults: &[Fault], timings: Timings) -> bool {
    acking(via, key.access, faults, timings).is_some_and(|acked| key.level.satisfied_by(acked, via))
}

/// Where a region ends up: the first place, home first, that meets QUORUM; where none does, the
/// first that coordinates at all.
fn place(region: Region, faults: &[Fault], timings: Timings, policy: &Policy) -> Dc {
    let [first, second] = policy.preference[region];
    let places = [region.home(), first, second];
    let quorum = CellKey {
        region,
        access: Access::Write,
        level: ConsistencyLevel::Quorum,
    };
    places
        .into_iter()
        .find(|via| met(quorum, *via, faults, timings))
        .or_else(|| {
            places
                .into_iter()
                .find(|via| working(*via, faults, timings) == Working::Yes)
        })
        .unwrap_or(region.home())
}

/// What these faults will do.
pub fn predict(faults: &[Fault], timings: Timings, policy: &Policy) -> Prediction {
    let places = PerRegion::from_fn(|region| place(region, faults, timings, policy));
    let cell = |key: CellKey| PredictedCell {
        key,
        fate: if met(key, key.region.home(), faults, timings) {
            Fate::Works
        } else if met(key, places[key.region], faults, timings) {
            Fate::WorksAfterFailover
        } else {
            Fate::Fails
        },
    };
    Prediction {
        faults: faults.to_vec(),
        cells: all_cells().map(cell).collect(),
        routes: Region::ALL
            .map(|region| route(region, places[region], faults, timings, policy))
            .to_vec(),
        hints_for: hinted(places, faults, timings),
        flow: if faults.contains(&Fault::LogDown) {
            Flow::Waits
        } else {
            Flow::GoesOn
        },
    }
}

/// Every cell, in the order in which they are shown.
pub fn all_cells() -> impl Iterator<Item = CellKey> {
    Region::ALL.into_iter().flat_map(|region| {
        Access::ALL.into_iter().flat_map(move |access| {
            ConsistencyLevel::ALL.into_iter().map(move |level| CellKey {
                region,
                access,
                level,
            })
        })
    })
}

fn route(
    region: Region,
    place: Dc,
    faults: &[Fault],
    timings: Timings,
    policy: &Policy,
) -> PredictedRoute {
    let moves = place != region.home();
    let within = match working(region.home(), faults, timings) {
        Working::Refuses => timings.request_gap * policy.refusals,
        Working::Silent | Working::Yes => timings.request_timeout + policy.detect_after,
    };
    PredictedRoute {
        region,
        taken_over_by: moves.then_some(place),
        detect_within_ms: moves.then(|| u64::try_from(within.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// Data centres that miss writes which some coordinator takes.
fn hinted(places: PerRegion<Dc>, faults: &[Fault], timings: Timings) -> Vec<Dc> {
    let missed = |dc: &Dc| {
        places.iter().any(|(_, via)| {
            acking(*via, Access::Write, faults, timings).is_some_and(|acked| !acked.contains(*dc))
        })
    };
    Dc::ALL.into_iter().filter(missed).collect()
}

/// Requests of one cell during a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedCell {
    /// Which requests.
    #[serde(flatten)]
    pub key: CellKey,
    /// Ended well.
    pub ok: u64,
    /// Failed before the region was served from elsewhere, or at all when it was not.
    pub failed: u64,
    /// Failed after it was.
    pub failed_after_switch: u64,
}

/// What came of one predicted cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellVerdict {
    /// It came so.
    AsPredicted,
    /// It did not.
    Differs,
    /// No such request was made.
    NotTested,
}

/// How good a prediction was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionScore {
    /// Per predicted cell, in its order.
    pub cells: Vec<(CellKey, CellVerdict)>,
    /// Part of the tested cells that came as predicted, 0 to 1; `None` when none was tested.
    pub share: Option<f64>,
}

impl PredictionScore {
    /// Cells with a verdict.
    pub fn count(&self, verdict: CellVerdict) -> usize {
        self.cells.iter().filter(|(_, v)| *v == verdict).count()
    }
}

/// Holds a prediction against what was observed.
pub fn score(prediction: &Prediction, observed: &[ObservedCell]) -> PredictionScore {
    let cells: Vec<_> = prediction
        .cells
        .iter()
        .map(|cell| (cell.key, verdict(*cell, observed)))
        .collect();
    let mut score = PredictionScore { cells, share: None };
    let good = score.count(CellVerdict::AsPredicted);
    let tested = good + score.count(CellVerdict::Differs);
    score.share = (tested > 0).then(|| good as f64 / tested as f64);
    score
}

fn verdict(cell: PredictedCell, observed: &[ObservedCell]) -> CellVerdict {
    let (mut ok, mut failed, mut late) = (0, 0, 0);
    for seen in observed.iter().filter(|seen| seen.key == cell.key) {
        ok += seen.ok;
        failed += seen.failed;
        late += seen.failed_after_switch;
    }
    if ok + failed + late == 0 {
        return CellVerdict::NotTested;
    }
    let came = match cell.fate {
        Fate::Works => failed + late == 0,
        // Failures before the switch are part of the prediction, those after it are not.
        Fate::WorksAfterFailover => ok > 0 && late == 0,
        Fate::Fails => ok == 0,
    };
    if came {
        CellVerdict::AsPredicted
    } else {
        CellVerdict::Differs
    }
}

/// How a predicted cell stands while its fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellState {
    /// Nothing that ended so far says it.
    Pending,
    /// It goes as predicted.
    AsPredicted,
    /// It does not.
    Differs,
}

/// Holds a predicted cell against what was observed so far. Unlike [`score`], it waits: failures
/// before a switch may still be followed by it.
pub fn state_so_far(cell: PredictedCell, observed: Option<&ObservedCell>) -> CellState {
    let (ok, failed, late) = observed.map_or((0, 0, 0), |seen| {
        (seen.ok, seen.failed, seen.failed_after_switch)
    });
    let (is_proof, is_against) = match cell.fate {
        Fate::Works => (ok > 0, failed + late > 0),
        Fate::WorksAfterFailover => (ok > 0, late > 0),
        Fate::Fails => (failed + late > 0, ok > 0),
    };
    if is_against {
        CellState::Differs
    } else if is_proof {
        CellState::AsPredicted
    } else {
        CellState::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(faults: &[Fault]) -> Prediction {
        predict(faults, Timings::default(), &Policy::default())
    }

    fn fate(
        prediction: &Prediction,
        region: Region,
        access: Access,
        level: ConsistencyLevel,
    ) -> Fate {
        let key = CellKey {
            region,
            access,
            level,
        };
        prediction.cells.iter().find(|c| c.key == key).unwrap().fate
    }

    #[test]
    fn a_lost_data_centre_breaks_exactly_the_levels_that_cassandra_breaks() {
        for lost in Dc::ALL {
            let prediction = of(&[Fault::DcDown { dc: lost }]);
            let up = DcSet::ALL.without(lost);
            for cell in &prediction.cells {
                let home = cell.key.region.home();
                let via = if home == lost {
                    Policy::default().preference[cell.key.region][0]
                } else {
                    home
                };
                let expect = match (cell.key.level.satisfied_by(up, via), home == lost) {
                    (false, _) => Fate::Fails,
                    (true, false) => Fate::Works,
                    (true, true) => Fate::WorksAfterFailover,
                };
                assert_eq!(cell.fate, expect, "{lost} down, {:?}", cell.key);
            }
            assert_eq!(prediction.hints_for, [lost]);
        }
    }

    #[test]
    fn a_cut_link_leaves_quorum_alone_and_moves_nobody() {
        let (a, b) = (Dc::Europe, Dc::Americas);
        let prediction = of(&[Fault::LinkCut { a, b }]);
        assert!(prediction.routes.iter().all(|r| r.taken_over_by.is_none()));
        for (region, all) in [
            (Region::Europe, Fate::Fails),
            (Region::Americas, Fate::Fails),
            (Region::AsiaPacific, Fate::Works),
        ] {
            assert_eq!(
                fate(&prediction, region, Access::Write, ConsistencyLevel::All),
                all
            );
            assert_eq!(
                fate(&prediction, region, Access::Read, ConsistencyLevel::Quorum),
                Fate::Works
            );
        }
        assert_eq!(prediction.hints_for, [a, b]);
    }

    #[test]
    fn with_two_lost_only_local_levels_go_on() {
        let prediction = of(&[
            Fault::DcDown { dc: Dc::Europe },
            Fault::DcPaused { dc: Dc::Americas },
        ]);
        for region in Region::ALL {
            for level in ConsistencyLevel::ALL {
                let local = level <= ConsistencyLevel::LocalQuorum;
                let expect = match (local, region) {
                    (false, _) => Fate::Fails,
                    (true, Region::AsiaPacific) => Fate::Works,
                    (true, _) => Fate::WorksAfterFailover,
                };
                assert_eq!(fate(&prediction, region, Access::Write, level), expect);
            }
        }
    }

    #[test]
    fn a_full_disk_stops_writes_and_not_reads() {
        let prediction = of(&[Fault::DiskFull { dc: Dc::Europe }]);
        let all = ConsistencyLevel::All;
        for region in Region::ALL {
            assert_eq!(fate(&prediction, region, Access::Write, all), Fate::Fails);
            assert_eq!(fate(&prediction, region, Access::Read, all), Fate::Works);
        }
        assert_eq!(prediction.hints_for, [Dc::Europe]);
    }

    #[test]
    fn a_delay_matters_only_past_the_time_out() {
        let slow = |delay_ms| {
            of(&[Fault::DcSlow {
                dc: Dc::Europe,
                delay_ms,
            }])
        };
        assert!(slow(999).cells.iter().all(|c| c.fate == Fate::Works));
        assert_eq!(slow(1_000).routes[0].taken_over_by, Some(Dc::Americas));
        assert_eq!(slow(1_000).routes[0].detect_within_ms, Some(2_500));
    }

    #[test]
    fn a_prediction_is_scored_by_what_was_tested() {
        let prediction = of(&[Fault::DcDown { dc: Dc::Europe }]);
        assert_eq!(score(&prediction, &[]).share, None);
        let seen = |index: usize, ok, failed, failed_after_switch| ObservedCell {
            key: prediction.cells[index].key,
            ok,
            failed,
            failed_after_switch,
        };
        // ONE and QUORUM work after failover, ALL fails; Europe's writes come first.
        let good = [seen(0, 9, 2, 0), seen(2, 9, 2, 0), seen(4, 0, 9, 0)];
        let scored = score(&prediction, &good);
        assert_eq!(scored.share, Some(1.0));
        assert_eq!(scored.count(CellVerdict::NotTested), 27);
        let bad = [seen(0, 9, 2, 1), seen(4, 1, 9, 0)];
        assert_eq!(score(&prediction, &bad).share, Some(0.0));
    }

    #[test]
    fn a_cell_is_pending_until_something_ends_that_says_it() {
        let prediction = of(&[Fault::DcDown { dc: Dc::Europe }]);
        let state = |index: usize, ok, failed, failed_after_switch| {
            let cell = prediction.cells[index];
            let seen = ObservedCell {
                key: cell.key,
                ok,
                failed,
                failed_after_switch,
            };
            state_so_far(cell, Some(&seen))
        };
        // QUORUM works after failover, ALL fails.
        assert_eq!(state_so_far(prediction.cells[2], None), CellState::Pending);
        assert_eq!(state(2, 0, 3, 0), CellState::Pending);
        assert_eq!(state(2, 1, 3, 0), CellState::AsPredicted);
        assert_eq!(state(2, 1, 3, 1), CellState::Differs);
        assert_eq!(state(4, 0, 0, 0), CellState::Pending);
        assert_eq!(state(4, 0, 1, 0), CellState::AsPredicted);
        assert_eq!(state(4, 1, 1, 0), CellState::Differs);
    }

    #[test]
    fn a_prediction_survives_json() {
        let prediction = of(&[Fault::LogDown]);
        assert_eq!(prediction.flow, Flow::Waits);
        let text = serde_json::to_string(&prediction).unwrap();
        assert_eq!(
            serde_json::from_str::<Prediction>(&text).unwrap(),
            prediction
        );
    }
}
