//! From what was watched to the events of a timeline, and the comparison at the end.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::DateTime;

use super::course::{Window, counts, first_success, longest_stall, moves, phase};
use super::traffic::Seen;
use super::{Runtime, SETTLE, Watched};
use crate::failover::Now;
use crate::failover::drill::{DrillEvent, DrillStep, DrillTimeline, Lost, Replicas};
use crate::failover::report::Series;
use crate::model::{Dc, PerDc, Reading, Region, RowsDigest};
use crate::ports::{Comparison, ReadSource, StoreError};

/// Data centres that make a quorum of the three.
pub(super) const QUORUM: usize = 2;

impl Runtime {
    /// Tells when the regions that were hit left, and when they worked again: for more than one,
    /// the slowest.
    pub(super) fn tell_moves(&self, timeline: &mut DrillTimeline, seen: &Seen, window: Window) {
        let moves = moves(&self.routes.transitions(window.from), window);
        let predicted = timeline.result().prediction.routes;
        let hit: Vec<Region> = predicted
            .iter()
            .filter(|route| route.taken_over_by.is_some())
            .map(|route| route.region)
            .collect();
        let hit = if hit.is_empty() {
            let has_left = |region: &Region| moves[*region].is_some();
            Region::ALL.into_iter().filter(has_left).collect()
        } else {
            hit
        };
        let steps = [
            DrillStep::Detected,
            DrillStep::FailedOver,
            DrillStep::FirstSuccess,
        ];
        if hit.is_empty() {
            for step in steps {
                let why = "no region had to leave its home".to_owned();
                timeline.record(DrillEvent::WillNotCome(step, why), self.moment());
            }
            return;
        }
        let all: Option<Vec<_>> = hit.iter().map(|region| moves[*region]).collect();
        let Some(all) = all else {
            for step in steps {
                let why = "a region that was hit stayed at home until the fault ended".to_owned();
                timeline.record(DrillEvent::WillNotCome(step, why), self.moment());
            }
            return;
        };
        let detected = all.iter().map(|m| m.detected).max_by_key(|e| e.since_start);
        let settled = all.iter().map(|m| m.settled).max_by_key(|e| e.since_start);
        for (step, event) in [
            (DrillStep::Detected, detected),
            (DrillStep::FailedOver, settled),
        ] {
            if let Some(event) = event {
                let at = Now {
                    since_start: event.since_start,
                    wall: event.at,
                };
                timeline.record(DrillEvent::Reached(step), at);
            }
        }
        let successes: Option<Vec<_>> = hit
            .iter()
            .zip(&all)
            .map(|(region, moved)| {
                first_success(&seen.requests, *region, moved.settled.since_start)
            })
            .collect();
        let step = DrillStep::FirstSuccess;
        if let Some(at) = successes.and_then(|times| times.into_iter().max()) {
            timeline.record(DrillEvent::Reached(step), self.at(at));
        } else {
            let why = "no write of the region was acknowledged after it had moved".to_owned();
            timeline.record(DrillEvent::WillNotCome(step, why), self.moment());
        }
    }

    /// The moment of an earlier reading of the engine's clock.
    fn at(&self, since_start: Duration) -> Now {
        let now = self.moment();
        let ago = now.since_start.saturating_sub(since_start);
        let ago = chrono::Duration::from_std(ago).unwrap_or_default();
        Now {
            since_start,
            wall: now
                .wall
                .checked_sub_signed(ago)
                .unwrap_or(DateTime::UNIX_EPOCH),
        }
    }

    /// Compares everything, at every data centre alone; what each holds, if that could be read.
    pub(super) fn compare_all(
        &self,
        timeline: &mut DrillTimeline,
        watched: &mut Watched,
        seen: &Seen,
        prefix: &str,
    ) -> Option<PerDc<Reading<RowsDigest>>> {
        self.store.settle(SETTLE);
        self.analytics.settle();
        let compared = self.store.compare().and_then(|comparison| {
            let readable = self.readable(&comparison, seen, prefix)?;
            Ok((comparison, readable))
        });
        let now = self.moment();
        match compared {
            Ok((comparison, read)) => {
                let replicas = if comparison.converged() {
                    watched.reach(DrillStep::DigestsEqual, now);
                    Replicas::Equal
                } else {
                    Replicas::NotEqual
                };
                let event = DrillEvent::Compared {
                    acknowledged: read.acknowledged,
                    readable: read.readable,
                    lost: read.lost,
                    replicas,
                };
                timeline.record(event, now);
                Some(comparison.stored)
            }
            Err(error) => {
                let why = format!("the replicas could not be compared: {error}");
                let event = DrillEvent::WillNotCome(DrillStep::DigestsEqual, why);
                timeline.record(event, now);
                None
            }
        }
    }

    /// Lines and probes that were acknowledged at QUORUM, and of those the ones that a read at
    /// QUORUM finds. What one data centre alone has not (a node that was killed may lose its last
    /// writes, and gets rows back by repair, probes never) is not lost; whether all three are equal
    /// is a figure of its own.
    fn readable(
        &self,
        comparison: &Comparison,
        seen: &Seen,
        prefix: &str,
    ) -> Result<Read, StoreError> {
        let mut kept = PerDc::from_fn(|_| BTreeSet::new());
        for dc in Dc::ALL {
            let notes = self.store.notes(prefix, ReadSource::Alone(dc))?;
            kept[dc] = notes.into_iter().map(|note| note.name).collect();
        }
        let probes = &seen.acknowledged;
        let missing: Vec<_> = probes
            .iter()
            .filter(|name| !is_at_quorum(&kept, name))
            .collect();
        let lines = self.analytics.lines();
        let stored = lines_at_quorum(&comparison.stored).min(lines);
        let mut lost = if stored < lines {
            self.lost_lines()
        } else {
            Vec::new()
        };
        let room = Lost::MOST.saturating_sub(lost.len());
        let named = missing.iter().take(room).map(|name| Lost::Probe {
            name: (**name).clone(),
        });
        lost.extend(named);
        Ok(Read {
            acknowledged: probes.len() as u64 + lines,
            readable: (probes.len() - missing.len()) as u64 + stored,
            lost,
        })
    }
}

/// What reading everything back found.
struct Read {
    acknowledged: u64,
    readable: u64,
    lost: Vec<Lost>,
}

/// Whether a quorum of the data centres has a probe.
fn is_at_quorum(kept: &PerDc<BTreeSet<String>>, name: &str) -> bool {
    let having = kept.iter().filter(|(_, names)| names.contains(name));
    having.count() >= QUORUM
}

/// Lines that a quorum of the data centres has. One that cannot be read has none that can be read.
fn lines_at_quorum(stored: &PerDc<Reading<RowsDigest>>) -> u64 {
    let mut lines = Dc::ALL.map(|dc| stored[dc].known().map_or(0, |digest| digest.lines));
    lines.sort_unstable_by(|a, b| b.cmp(a));
    lines[QUORUM - 1]
}

pub(super) fn tell_requests(
    timeline: &mut DrillTimeline,
    seen: &Seen,
    window: Window,
    end: Duration,
    to: Now,
    runtime: &Runtime,
) {
    let moves = moves(&runtime.routes.transitions(window.from), window);
    for ((key, is_after), (ok, failed)) in counts(&seen.requests, window, &moves) {
        let phase = phase(is_after);
        let event = DrillEvent::Requests {
            key,
            phase,
            ok,
            failed,
        };
        timeline.record(event, to);
    }
    for region in Region::ALL {
        if let Some(stall) = longest_stall(&seen.requests, region, window, end) {
            timeline.record(DrillEvent::Stalled(stall), to);
        }
    }
}

pub(super) fn tell_watched(timeline: &mut DrillTimeline, watched: &Watched, to: Now) {
    for (step, at) in &watched.steps {
        timeline.record(DrillEvent::Reached(*step), *at);
    }
    timeline.record(DrillEvent::Hints(watched.hints_peak), to);
    let absent = [
        (
            DrillStep::Returned,
            watched.down.is_empty(),
            "no data centre was away",
        ),
        (
            DrillStep::HintsDrained,
            watched.hints_peak == 0,
            "no hint was kept",
        ),
    ];
    for (step, is_absent, why) in absent {
        if is_absent {
            timeline.record(DrillEvent::WillNotCome(step, why.to_owned()), to);
        }
    }
}

/// Courses beside the timeline.
pub(super) fn series(watched: &Watched, from: Duration) -> Vec<Series> {
    let millis = |at: Duration| {
        let at = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        at - i64::try_from(from.as_millis()).unwrap_or(i64::MAX)
    };
    let hints = watched
        .hints
        .iter()
        .map(|(at, hints)| (millis(*at), hints.map(|n| n as f64)))
        .collect();
    let writes = watched
        .written
        .windows(2)
        .filter_map(|pair| match pair {
            [(then, before), (now, after)] => {
                let seconds = now.saturating_sub(*then).as_secs_f64();
                let rate = after.checked_sub(*before).map(|n| n as f64 / seconds);
                Some((millis(*now), rate.filter(|rate| rate.is_finite())))
            }
            _ => None,
        })
        .collect();
    vec![
        Series {
            name: "Writes of the busiest data centre".into(),
            unit: "writes/s".into(),
            points: writes,
        },
        Series {
            name: "Hints waiting".into(),
            unit: "hints".into(),
            points: hints,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_data_centres_have_is_not_lost() {
        let names = |all: &[&str]| all.iter().map(ToString::to_string).collect();
        let mut kept = PerDc::from_fn(|_| BTreeSet::new());
        kept[Dc::Europe] = names(&["in all"]);
        kept[Dc::Americas] = names(&["in all", "not in Europe", "in one"]);
        kept[Dc::AsiaPacific] = names(&["in all", "not in Europe"]);
        assert!(is_at_quorum(&kept, "in all") && is_at_quorum(&kept, "not in Europe"));
        assert!(!is_at_quorum(&kept, "in one") && !is_at_quorum(&kept, "nowhere"));
    }

    #[test]
    fn lines_that_one_data_centre_lacks_are_read_from_the_others() {
        let of = |lines: [Option<u64>; 3]| {
            PerDc::from_fn(|dc: Dc| {
                let place = Dc::ALL.iter().position(|known| *known == dc).unwrap();
                lines[place].map_or_else(
                    || Reading::Unknown("down".to_owned()),
                    |lines| {
                        Reading::Known(RowsDigest {
                            lines,
                            ..RowsDigest::default()
                        })
                    },
                )
            })
        };
        assert_eq!(lines_at_quorum(&of([Some(7), Some(10), Some(10)])), 10);
        assert_eq!(lines_at_quorum(&of([Some(10), Some(7), Some(6)])), 7);
        assert_eq!(lines_at_quorum(&of([None, Some(10), Some(9)])), 9);
        assert_eq!(lines_at_quorum(&of([None, None, Some(9)])), 0);
    }
}
