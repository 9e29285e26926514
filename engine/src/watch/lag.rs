//! Lag of a consumer group: lines not yet consumed, and the age of the oldest of them.
//!
//! `committed` is the next offset to read, as in Kafka: lag = end - committed, without + 1.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::model::{CommittedOffset, EndOffset, PerRegion, Region};

/// Why a lag is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownLag {
    /// The group never committed here.
    NeverCommitted,
    /// The group is past the end: the log was cut or made again.
    CommittedPastEnd,
    /// The log does not answer.
    LogUnreachable,
    /// Nothing was measured yet.
    NotMeasured,
}

impl fmt::Display for UnknownLag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverCommitted => "the group never committed",
            Self::CommittedPastEnd => "the group is past the end of the log",
            Self::LogUnreachable => "the log does not answer",
            Self::NotMeasured => "not measured yet",
        })
    }
}

/// Lines not yet consumed. `Unknown` is a value of its own and never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    /// Measured within the sample interval.
    Known {
        /// Lines.
        lines: u64,
        /// Age of the oldest unread line; 0 when there is none, `None` when not looked up.
        age: Option<Duration>,
    },
    /// The last measurement, and how old it is.
    Stale {
        /// Lines, then.
        lines: u64,
        /// Time since it was measured.
        since: Duration,
    },
    /// Not known, and why.
    Unknown(UnknownLag),
}

impl Lag {
    /// Lag from the two ends; `committed` is `None` for a group that never committed.
    pub const fn between(end: EndOffset, committed: Option<CommittedOffset>) -> Self {
        let Some(committed) = committed else {
            return Self::Unknown(UnknownLag::NeverCommitted);
        };
        match end.lines_since(committed) {
            Some(0) => Self::Known {
                lines: 0,
                age: Some(Duration::ZERO),
            },
            Some(lines) => Self::Known { lines, age: None },
            // A truncated log moves the end back; saturating to 0 would hide it.
            None => Self::Unknown(UnknownLag::CommittedPastEnd),
        }
    }

    /// The same lag with the age of the oldest unread line, as looked up.
    #[must_use]
    pub const fn aged(self, oldest: Duration) -> Self {
        match self {
            Self::Known { lines, .. } if lines > 0 => Self::Known {
                lines,
                age: Some(oldest),
            },
            Self::Known { .. } | Self::Stale { .. } | Self::Unknown(_) => self,
        }
    }

    /// What is left of a measurement after `since`: stale after three missed samples.
    #[must_use]
    pub fn after(self, since: Duration, sample_interval: Duration) -> Self {
        match self {
            Self::Known { lines, .. } if since > sample_interval * 3 => {
                Self::Stale { lines, since }
            }
            Self::Known { .. } | Self::Stale { .. } | Self::Unknown(_) => self,
        }
    }

    /// Lines, if measured just now.
    pub const fn known(self) -> Option<u64> {
        match self {
            Self::Known { lines, .. } => Some(lines),
            Self::Stale { .. } | Self::Unknown(_) => None,
        }
    }
}

/// A sum of which some parts may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LagTotal {
    /// Sum of the known parts; `None` when none is known.
    pub lines: Option<u64>,
    /// Parts known.
    pub known: usize,
    /// Parts in all.
    pub of: usize,
}

impl LagTotal {
    /// Sums up.
    pub fn over(parts: impl IntoIterator<Item = Lag>) -> Self {
        let mut total = Self {
            lines: None,
            known: 0,
            of: 0,
        };
        for lag in parts {
            total.of += 1;
            if let Some(lines) = lag.known() {
                total.known += 1;
                total.lines = Some(total.lines.unwrap_or(0).saturating_add(lines));
            }
        }
        total
    }

    /// Whether nothing is missing.
    pub const fn is_complete(&self) -> bool {
        self.known == self.of
    }

    /// The total as one lag: known only when every part is.
    pub fn as_lag(&self) -> Lag {
        match self.lines {
            // Where nothing waits, nothing is old: that is known, and is no missing value.
            Some(lines) if self.is_complete() => Lag::Known {
                lines,
                age: (lines == 0).then_some(Duration::ZERO),
            },
            Some(_) | None => Lag::Unknown(UnknownLag::NotMeasured),
        }
    }
}

impl fmt::Display for LagTotal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lines {
            Some(lines) if self.is_complete() => write!(f, "{lines} lines"),
            Some(lines) => write!(f, "{lines} lines in {} of {} known", self.known, self.of),
            None => write!(f, "Unknown: 0 of {} known", self.of),
        }
    }
}

/// Lag of all regions.
pub fn over_regions(lags: &PerRegion<Lag>) -> LagTotal {
    LagTotal::over(Region::ALL.map(|region| lags[region]))
}

/// When the last partition will have caught up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drain {
    /// There is nothing to drain.
    CaughtUp,
    /// In this time, by the slowest partition.
    In(Duration),
    /// Never, as long as it goes on like this.
    NeverAtThisRate,
    /// A lag is not known.
    Unknown,
}

/// Lag of one partition with the rate at which it shrinks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PartitionLag {
    /// The lag.
    pub lag: Lag,
    /// Lines per second consumed less lines per second produced.
    pub net_rate: f64,
}

/// Time until all are at the end: that of the slowest.
pub fn drain(partitions: &[PartitionLag]) -> Drain {
    let mut slowest = Duration::ZERO;
    let mut unknown = partitions.is_empty();
    let mut never = false;
    for partition in partitions {
        match partition.lag.known() {
            None => unknown = true,
            Some(0) => {}
            Some(lines) => match time_for(lines, partition.net_rate) {
                Some(time) => slowest = slowest.max(time),
                None => never = true,
            },
        }
    }
    match (never, unknown) {
        // One that never drains settles it, whatever the unknown ones do.
        (true, _) => Drain::NeverAtThisRate,
        (false, true) => Drain::Unknown,
        (false, false) if slowest.is_zero() => Drain::CaughtUp,
        (false, false) => Drain::In(slowest),
    }
}

/// `None` for a rate that gets nowhere.
fn time_for(lines: u64, rate: f64) -> Option<Duration> {
    if rate > 0.0 {
        Duration::try_from_secs_f64(lines as f64 / rate).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn known(lines: u64) -> Lag {
        Lag::Known { lines, age: None }
    }

    #[test]
    fn lag_is_the_end_less_the_committed_offset() {
        let lag = |end, at| Lag::between(EndOffset(end), Some(CommittedOffset(at)));
        assert_eq!(lag(10, 4).known(), Some(6));
        assert_eq!(lag(10, 10).known(), Some(0));
        assert_eq!(lag(0, 0).known(), Some(0));
        assert_eq!(lag(9, 10), Lag::Unknown(UnknownLag::CommittedPastEnd));
        assert_eq!(
            Lag::between(EndOffset(9), None),
            Lag::Unknown(UnknownLag::NeverCommitted)
        );
    }

    #[test]
    fn a_total_with_one_unknown_region_says_two_of_three() {
        let lags = PerRegion([known(5), Lag::Unknown(UnknownLag::LogUnreachable), known(7)]);
        let total = over_regions(&lags);
        assert_eq!(total.to_string(), "12 lines in 2 of 3 known");
        assert_eq!(total.as_lag().known(), None);
        let none = LagTotal::over([Lag::Unknown(UnknownLag::NotMeasured); 3]);
        assert_eq!(
            (none.lines, none.to_string().as_str()),
            (None, "Unknown: 0 of 3 known")
        );
        assert_eq!(LagTotal::over([known(5); 3]).to_string(), "15 lines");
    }

    #[test]
    fn a_measurement_is_stale_after_three_missed_samples() {
        let second = Duration::from_secs(1);
        assert_eq!(known(5).after(second * 3, second), known(5));
        let stale = known(5).after(second * 4, second);
        assert_eq!(stale.known(), None);
        assert!(matches!(stale, Lag::Stale { lines: 5, .. }));
    }

    #[test]
    fn the_slowest_partition_decides_when_the_lag_is_gone() {
        let part = |lag, net_rate| PartitionLag { lag, net_rate };
        let unknown = Lag::Unknown(UnknownLag::NotMeasured);
        let cases = [
            (vec![part(known(0), 0.0)], Drain::CaughtUp),
            (
                vec![part(known(100), 10.0), part(known(30), 1.0)],
                Drain::In(Duration::from_secs(30)),
            ),
            (vec![part(known(1), 0.0)], Drain::NeverAtThisRate),
            (vec![part(known(1), f64::NAN)], Drain::NeverAtThisRate),
            (
                vec![part(known(1), 1.0), part(unknown, 9.0)],
                Drain::Unknown,
            ),
            (
                vec![part(known(1), -1.0), part(unknown, 9.0)],
                Drain::NeverAtThisRate,
            ),
            (vec![], Drain::Unknown),
        ];
        for (partitions, expect) in cases {
            assert_eq!(drain(&partitions), expect, "{partitions:?}");
        }
    }
}
