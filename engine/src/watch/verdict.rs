//! What a course of samples says about a consumer: fine, falling behind, stuck, gone.
//!
//! Single samples lie: a commit comes in jumps, a measurement fails. So every verdict rests on
//! the window as a whole: differences are counted over its steps, levels are compared as medians of
//! its older and its newer half, and one odd sample flips neither.

use serde::Serialize;

/// One measurement of one group, offsets summed over its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// End of the log.
    pub end: u64,
    /// Committed offset; `None` where it could not be read.
    pub committed: Option<u64>,
    /// Whether somebody reads.
    pub consumer: Consumer,
}

/// Whether a group has a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Consumer {
    /// It has.
    Present,
    /// It has none.
    Absent,
}

/// The judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// At the end, or getting nearer.
    Ok,
    /// Consuming, but slower than lines come in.
    Growing,
    /// A consumer is there, lines wait, and nothing is committed.
    Stalled,
    /// Lines wait, and nobody reads.
    Stopped,
    /// The group was moved back, for a replay.
    Rewound,
    /// Too few samples to say.
    Unknown,
}

impl Verdict {
    /// On screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Growing => "Growing",
            Self::Stalled => "Stalled",
            Self::Stopped => "Stopped",
            Self::Rewound => "Rewound",
            Self::Unknown => "Unknown",
        }
    }
}

/// The way a lag goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// Up.
    Rising,
    /// Down.
    Falling,
    /// Neither, by more than a twentieth.
    Steady,
    /// Too few samples.
    Unknown,
}

impl Trend {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Rising => "falling behind",
            Self::Falling => "catching up",
            Self::Steady => "steady",
            Self::Unknown => "too few samples",
        }
    }
}

/// Fewer readable samples than this say nothing.
const MIN_SAMPLES: usize = 5;
/// A lag below this is a batch in flight, lines.
const IN_FLIGHT: u64 = 1_000;

/// A sample whose committed offset is known.
#[derive(Clone, Copy)]
struct Point {
    end: u64,
    committed: u64,
}

impl Point {
    const fn lag(self) -> u64 {
        self.end.saturating_sub(self.committed)
    }
}

fn points(window: &[Sample]) -> Vec<Point> {
    window
        .iter()
        .filter_map(|s| {
            Some(Point {
                end: s.end,
                committed: s.committed?,
            })
        })
        .collect()
}

/// Judges a window of samples, oldest first, taken at equal intervals.
pub fn judge(window: &[Sample]) -> Verdict {
    let points = points(window);
    // A minority of failed reads is tolerated; with more the present is not known.
    if points.len() < MIN_SAMPLES || points.len() * 2 <= window.len() {
        return Verdict::Unknown;
    }
    let (old, new) = halves(&points);
    let committed = |half: &[Point]| median(half.iter().map(|p| p.committed));
    let absent = window
        .iter()
        .filter(|s| s.consumer == Consumer::Absent)
        .count();
    let waiting = median(new.iter().map(|p| p.lag())) > 0;
    if moved_back(&points) {
        Verdict::Rewound
    } else if waiting && absent * 2 > window.len() {
        Verdict::Stopped
    } else if waiting && committed(old) == committed(new) {
        Verdict::Stalled
    } else if trend_of(&points) == Trend::Rising && median(new.iter().map(|p| p.lag())) >= IN_FLIGHT
    {
        Verdict::Growing
    } else {
        Verdict::Ok
    }
}

/// The way the lag goes over a window.
pub fn trend(window: &[Sample]) -> Trend {
    trend_of(&points(window))
}

fn trend_of(points: &[Point]) -> Trend {
    if points.len() < MIN_SAMPLES {
        return Trend::Unknown;
    }
    let (old, new) = halves(points);
    let lag = |half: &[Point]| median(half.iter().map(|p| p.lag()));
    let (before, after) = (lag(old), lag(new));
    let margin = before.max(after) / 20;
    if after > before + margin {
        Trend::Rising
    } else if before > after + margin {
        Trend::Falling
    } else {
        Trend::Steady
    }
}

fn halves(points: &[Point]) -> (&[Point], &[Point]) {
    points.split_at(points.len() / 2)
}

/// A step back after which the group stays back. Two samples must have been ahead of two later
/// ones, and of the later ones one may be odd: so no single sample makes or hides a step.
fn moved_back(points: &[Point]) -> bool {
    (2..points.len()).any(|at| {
        let (before, after) = points.split_at(at);
        let mut ahead: Vec<u64> = before.iter().map(|p| p.committed).collect();
        ahead.sort_unstable();
        let second_highest = ahead.iter().rev().nth(1).copied().unwrap_or(0);
        let back = after
            .iter()
            .filter(|p| p.committed < second_highest)
            .count();
        back >= 2 && back + 1 >= after.len()
    })
}

fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: u64 = 12;

    fn series(at: impl Fn(u64) -> (u64, Option<u64>), consumer: Consumer) -> Vec<Sample> {
        (0..N)
            .map(|n| {
                let (end, committed) = at(n);
                Sample {
                    end,
                    committed,
                    consumer,
                }
            })
            .collect()
    }

    fn table() -> Vec<(&'static str, Vec<Sample>, Verdict)> {
        use Consumer::{Absent, Present};
        vec![
            (
                "idle at the end",
                series(|_| (500, Some(500)), Present),
                Verdict::Ok,
            ),
            (
                "keeping up",
                series(|n| (n * 9_000, Some(n * 9_000)), Present),
                Verdict::Ok,
            ),
            (
                "catching up",
                series(|n| (200_000, Some(n * 9_000)), Present),
                Verdict::Ok,
            ),
            (
                "slower than the producer",
                series(|n| (n * 9_000, Some(n * 4_000)), Present),
                Verdict::Growing,
            ),
            (
                "committing nothing",
                series(|n| (n * 9_000, Some(7)), Present),
                Verdict::Stalled,
            ),
            (
                "committing nothing while nothing comes in",
                series(|_| (9_000, Some(7)), Present),
                Verdict::Stalled,
            ),
            (
                "nobody reads",
                series(|n| (n * 9_000, Some(7)), Absent),
                Verdict::Stopped,
            ),
            (
                "nobody needs to read",
                series(|_| (7, Some(7)), Absent),
                Verdict::Ok,
            ),
            (
                "moved back",
                series(
                    |n| (90_000, Some(if n < 6 { 90_000 } else { n * 100 })),
                    Present,
                ),
                Verdict::Rewound,
            ),
            (
                "never committed",
                series(|_| (9_000, None), Present),
                Verdict::Unknown,
            ),
            (
                "a batch in flight",
                series(|n| (n * 500 + n * 10, Some(n * 500)), Present),
                Verdict::Ok,
            ),
        ]
    }

    #[test]
    fn each_course_gets_its_verdict() {
        for (name, samples, expect) in table() {
            assert_eq!(judge(&samples), expect, "{name}");
        }
        assert_eq!(judge(&[]), Verdict::Unknown);
    }

    #[test]
    fn one_odd_sample_flips_nothing() {
        for (name, samples, expect) in table() {
            if samples.iter().all(|s| s.committed.is_none()) {
                continue; // One reading among none is not enough either, but it is not odd.
            }
            for place in 0..samples.len() {
                let good = samples[place];
                for committed in [None, Some(0), Some(good.end)] {
                    let mut odd = samples.clone();
                    odd[place] = Sample { committed, ..good };
                    assert_eq!(
                        judge(&odd),
                        expect,
                        "{name}, sample {place} = {committed:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_trend_has_words() {
        let of = |at: fn(u64) -> (u64, Option<u64>)| trend(&series(at, Consumer::Present)).words();
        assert_eq!(of(|n| (n * 9, Some(n * 4))), "falling behind");
        assert_eq!(of(|n| (200, Some(n * 9))), "catching up");
        assert_eq!(of(|_| (200, Some(100))), "steady");
        assert_eq!(of(|_| (200, None)), "too few samples");
    }
}
