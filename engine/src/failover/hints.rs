//! The hint fuse: how long the writes kept for a lost data centre are still enough.
//!
//! Hints are kept for a window only, counted from the first write that the data centre missed.
//! Past it they are dropped, and only a repair (comparing and copying) makes the replica whole.

use std::time::Duration;

use serde::Serialize;

use crate::model::Dc;
use crate::ports::DcHealth;

/// What is known of the hints that wait for one data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HintState {
    /// Hints waiting; `None` where not every node tells its own.
    pub pending: Option<u64>,
    /// Age of the oldest one.
    pub oldest: Option<Duration>,
    /// The store dropped some already.
    pub dropped: Dropped,
    /// Hints handed over per second, as last measured; `None` when none was ever measured.
    pub drain_per_sec: Option<u64>,
}

/// Whether hints were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// None.
    No,
    /// Some: a repair is needed whatever else holds.
    Some,
}

impl HintState {
    /// From the store's own measurements.
    pub fn of(health: &DcHealth, drain_per_sec: Option<u64>) -> Self {
        Self {
            pending: health.hints.known().copied(),
            oldest: health.oldest_hint,
            dropped: if health.repair_needed {
                Dropped::Some
            } else {
                Dropped::No
            },
            drain_per_sec,
        }
    }
}

/// How far the fuse has burnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "fuse")]
pub enum Fuse {
    /// Nothing waits, as far as it is known.
    Quiet,
    /// Hints wait and are enough until the window ends.
    Burning {
        /// Until the window ends.
        left: Duration,
        /// Part of the window that has passed, per cent, 0 to 100.
        used_percent: u8,
    },
    /// The window has passed, or hints were dropped.
    RepairNeeded,
}

/// The fuse of one data centre, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HintFuse {
    /// The data centre that the hints wait for.
    pub dc: Dc,
    /// Hints waiting; `None` where that is not known.
    pub pending: Option<u64>,
    /// How far it has burnt.
    pub fuse: Fuse,
    /// How long handing them over would take from its return on; `None` when no rate is known.
    pub drain: Option<Duration>,
    /// What to do, in words.
    pub advice: String,
}

impl HintFuse {
    /// Judges the hints for a data centre against the window for which they are kept.
    pub fn judge(dc: Dc, hints: HintState, window: Duration) -> Self {
        let fuse = burn(hints, window);
        let drain = drain_time(hints);
        Self {
            dc,
            pending: hints.pending,
            fuse,
            drain,
            advice: match (fuse, hints.pending) {
                (Fuse::Quiet, None) => format!("whether hints wait for {dc} is not known"),
                _ => advice(dc, fuse, drain),
            },
        }
    }
}

fn burn(hints: HintState, window: Duration) -> Fuse {
    let age = hints.oldest.unwrap_or_default();
    if hints.dropped == Dropped::Some {
        return Fuse::RepairNeeded;
    }
    match (hints.pending, hints.oldest) {
        (Some(0), _) | (None, None) => return Fuse::Quiet,
        // An old one that is known burns, however many there are.
        (Some(1..), _) | (None, Some(_)) => {}
    }
    match window.checked_sub(age) {
        None => Fuse::RepairNeeded,
        Some(left) => Fuse::Burning {
            left,
            used_percent: percent(age, window),
        },
    }
}

fn percent(part: Duration, whole: Duration) -> u8 {
    let share = (part.as_millis() * 100)
        .checked_div(whole.as_millis())
        .unwrap_or(100);
    u8::try_from(share).unwrap_or(100).min(100)
}

/// Rounded up: a second too many is a better promise than one too few.
fn drain_time(hints: HintState) -> Option<Duration> {
    let rate = hints.drain_per_sec.filter(|rate| *rate > 0)?;
    Some(Duration::from_secs(hints.pending?.div_ceil(rate)))
}

fn advice(dc: Dc, fuse: Fuse, drain: Option<Duration>) -> String {
    let drain = drain.map_or_else(
        || "how long handing them over takes is not known yet".to_owned(),
        |time| format!("handing them over takes some {} s", time.as_secs()),
    );
    match fuse {
        Fuse::Quiet => format!("nothing waits for {dc}"),
        Fuse::Burning { left, .. } => format!(
            "bring {dc} back within {} s and it becomes whole by itself; {drain}",
            left.as_secs()
        ),
        Fuse::RepairNeeded => format!(
            "hints for {dc} are no longer complete: bring it back, then run repair before its region goes home"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_hours(3);

    fn judge(pending: u64, age: Duration, dropped: Dropped) -> HintFuse {
        let hints = HintState {
            pending: Some(pending),
            oldest: (pending > 0).then_some(age),
            dropped,
            drain_per_sec: Some(1_000),
        };
        HintFuse::judge(Dc::Europe, hints, WINDOW)
    }

    #[test]
    fn the_advice_changes_one_second_after_the_window() {
        let second = Duration::from_secs(1);
        let before = judge(10, WINDOW, Dropped::No);
        let after = judge(10, WINDOW + second, Dropped::No);
        assert!(matches!(before.fuse, Fuse::Burning { left, used_percent: 100 } if left.is_zero()));
        assert_eq!(after.fuse, Fuse::RepairNeeded);
        assert!(before.advice.contains("by itself"), "{}", before.advice);
        assert!(after.advice.contains("run repair"), "{}", after.advice);
    }

    #[test]
    fn the_countdown_and_the_drain_are_what_the_numbers_say() {
        let fuse = judge(2_500, Duration::from_hours(1), Dropped::No);
        assert_eq!(
            fuse.fuse,
            Fuse::Burning {
                left: Duration::from_hours(2),
                used_percent: 33
            }
        );
        assert_eq!(fuse.drain, Some(Duration::from_secs(3)));
    }

    #[test]
    fn dropped_hints_need_a_repair_although_nothing_waits() {
        assert_eq!(judge(0, Duration::ZERO, Dropped::No).fuse, Fuse::Quiet);
        assert_eq!(
            judge(0, Duration::ZERO, Dropped::Some).fuse,
            Fuse::RepairNeeded
        );
    }

    #[test]
    fn hints_that_are_not_told_are_not_none() {
        let untold = |oldest| HintState {
            pending: None,
            oldest,
            dropped: Dropped::No,
            drain_per_sec: Some(1_000),
        };
        let fuse = HintFuse::judge(Dc::Europe, untold(None), WINDOW);
        assert_eq!((fuse.pending, fuse.drain), (None, None));
        assert!(fuse.advice.contains("not known"), "{}", fuse.advice);
        let old = WINDOW + Duration::from_secs(1);
        let fuse = HintFuse::judge(Dc::Europe, untold(Some(old)), WINDOW);
        assert_eq!(fuse.fuse, Fuse::RepairNeeded);
    }

    #[test]
    fn an_unmeasured_rate_predicts_nothing() {
        for rate in [None, Some(0)] {
            let hints = HintState {
                pending: Some(5),
                oldest: None,
                dropped: Dropped::No,
                drain_per_sec: rate,
            };
            let fuse = HintFuse::judge(Dc::Americas, hints, WINDOW);
            assert_eq!(fuse.drain, None);
            assert!(fuse.advice.contains("not known"));
        }
    }
}
