//! The plan of a replay: per partition now, after, and the lines between.
//!
//! Moving back reads lines again, which changes nothing that is stored (writes are idempotent).
//! Moving forward leaves lines unread: that loses them for the store, and needs a name typed.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{CommittedOffset, LoadId, Offset, TopicPartition};
use crate::ports::PartitionOffsets;

/// What is known of a partition when a plan is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionNow {
    /// What can be read.
    pub offsets: PartitionOffsets,
    /// Where the group stands; `None` when it never committed, and so would begin at the start.
    pub committed: Option<CommittedOffset>,
}

impl PartitionNow {
    /// Where the group would read next.
    const fn position(&self) -> u64 {
        match self.committed {
            Some(committed) => committed.0,
            None => self.offsets.begin.0,
        }
    }
}

/// Where to set a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// To the oldest line that can be read.
    Earliest,
    /// To the end.
    Latest,
    /// To the first line appended at a time or later.
    Time(DateTime<Utc>),
    /// Back by lines, in each partition.
    Back(u64),
    /// Forward by lines, in each partition.
    Forward(u64),
    /// To an offset per partition; partitions without one stay.
    Absolute(BTreeMap<TopicPartition, Offset>),
    /// To where a load began.
    LoadStart(LoadId),
}

/// Answers what a plan has to look up in the log.
pub trait Lookup {
    /// First offset appended at `at` or later; the end when there is none, `None` when unknown.
    fn offset_at(&self, partition: TopicPartition, at: DateTime<Utc>) -> Option<Offset>;

    /// First offset of a load; `None` when the load wrote nothing there or is not known.
    fn load_start(&self, partition: TopicPartition, load: LoadId) -> Option<Offset>;
}

/// Something to know about a partition of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanNote {
    /// The place lies before the oldest line, which is taken instead.
    ClampedToBegin,
    /// The place lies past the end, which is taken instead.
    ClampedToEnd,
    /// The group never committed: it counts as standing at the oldest line.
    NeverCommitted,
    /// The group stands before the oldest line: what lay between is gone.
    LostToRetention,
    /// The strategy says nothing about this partition: it stays.
    NotNamed,
}

/// What reading a line again costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Bytes of a line in the log, on average.
    pub bytes_per_line: u64,
    /// Lines that a consumer reads and writes in a second; `None` when not measured.
    pub lines_per_sec: Option<f64>,
}

/// One partition of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRow {
    /// The partition.
    pub partition: TopicPartition,
    /// The committed offset when the plan was made.
    pub now: Option<CommittedOffset>,
    /// The offset that the group gets; equal to `now` when nothing is committed.
    pub after: Option<CommittedOffset>,
    /// Lines that are read a second time.
    pub read_again: u64,
    /// Lines that are never read.
    pub skipped: u64,
    /// What to know.
    pub notes: Vec<PlanNote>,
}

/// A plan, ready for review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Per partition, sorted.
    pub rows: Vec<PlanRow>,
    /// Lines read again, in all.
    pub read_again: u64,
    /// Lines never read, in all.
    pub skipped: u64,
    /// Bytes read again, estimated.
    pub bytes: u64,
    /// How long reading again takes; `None` when no rate is known.
    pub takes: Option<Duration>,
}

/// What a person must do before a plan may be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// Nothing would change.
    NothingToDo,
    /// Confirm the numbers.
    Numbers,
    /// Type the name of the group: lines will not be read.
    TypedName,
}

/// Why a reviewed plan is not applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanChanged {
    /// The group committed since.
    #[error("{partition}: the group moved from {} to {} since the plan was made", offset(*.planned), offset(*.found))]
    Moved {
        /// Where.
        partition: TopicPartition,
        /// In the plan.
        planned: Option<CommittedOffset>,
        /// Now.
        found: Option<CommittedOffset>,
    },
    /// The target can no longer be read.
    #[error("{partition}: offset {} is no longer between {} and {}", .target.0, .offsets.begin.0, .offsets.end.0)]
    OutOfRange {
        /// Where.
        partition: TopicPartition,
        /// In the plan.
        target: CommittedOffset,
        /// What can be read now.
        offsets: PartitionOffsets,
    },
    /// The partition is gone.
    #[error("{partition} is not there any more")]
    Gone {
        /// Which.
        partition: TopicPartition,
    },
}

impl PlanChanged {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Moved { .. } => "pause the group's consumers, then make the plan again",
            Self::OutOfRange { .. } | Self::Gone { .. } => "make the plan again",
        }
    }
}

fn offset(committed: Option<CommittedOffset>) -> String {
    committed.map_or_else(|| "no commit".to_owned(), |at| at.0.to_string())
}

/// The state of a group's partitions.
pub type GroupNow = BTreeMap<TopicPartition, PartitionNow>;

impl Plan {
    /// Plans a strategy for a group.
    pub fn make(strategy: &Strategy, group: &GroupNow, lookup: &dyn Lookup, cost: Cost) -> Self {
        let rows = group
            .iter()
            .map(|(partition, now)| row(*partition, now, target(strategy, *partition, now, lookup)))
            .collect();
        Self::of_rows(rows, cost)
    }

    /// The plan that sets the group back to where it stood before `applied`. Partitions that had
    /// no commit then stay where they are: a commit cannot be taken back.
    pub fn undo(applied: &Self, group: &GroupNow, cost: Cost) -> Self {
        let moved = applied.rows.iter().filter(|row| row.now != row.after);
        let saved: BTreeMap<_, _> = moved.map(|row| (row.partition, row.now)).collect();
        let rows = group
            .iter()
            .map(|(partition, now)| {
                // A group that had not committed yet had everything before it, and a commit cannot
                // be taken back: the oldest offset says the same.
                let target = saved
                    .get(partition)
                    .map(|at| at.map_or(now.offsets.begin.0, |at| at.0));
                row(*partition, now, target.map(i128::from))
            })
            .collect();
        Self::of_rows(rows, cost)
    }

    fn of_rows(rows: Vec<PlanRow>, cost: Cost) -> Self {
        let sum = |of: fn(&PlanRow) -> u64| rows.iter().map(of).fold(0_u64, u64::saturating_add);
        let read_again = sum(|row| row.read_again);
        let takes = match cost.lines_per_sec {
            Some(rate) if rate > 0.0 => Duration::try_from_secs_f64(read_again as f64 / rate).ok(),
            Some(_) | None => None,
        };
        Self {
            read_again,
            skipped: sum(|row| row.skipped),
            bytes: read_again.saturating_mul(cost.bytes_per_line),
            takes,
            rows,
        }
    }

    /// What a person must do before it may be applied.
    pub fn confirmation(&self) -> Confirmation {
        if self.skipped > 0 {
            Confirmation::TypedName
        } else if self.rows.iter().all(|row| row.now == row.after) {
            Confirmation::NothingToDo
        } else {
            Confirmation::Numbers
        }
    }

    /// The commits that carry the plan out: exactly the reviewed numbers.
    pub fn commits(&self) -> Vec<(TopicPartition, CommittedOffset)> {
        self.rows
            .iter()
            .filter(|row| row.now != row.after)
            .filter_map(|row| Some((row.partition, row.after?)))
            .collect()
    }

    /// Whether the plan is still about the group as it is. New lines at the end change nothing.
    pub fn check_unchanged(&self, current: &GroupNow) -> Result<(), PlanChanged> {
        for row in &self.rows {
            let partition = row.partition;
            let Some(now) = current.get(&partition) else {
                return Err(PlanChanged::Gone { partition });
            };
            if now.committed != row.now {
                return Err(PlanChanged::Moved {
                    partition,
                    planned: row.now,
                    found: now.committed,
                });
            }
            let Some(target) = row.after.filter(|_| row.after != row.now) else {
                continue;
            };
            let offsets = now.offsets;
            if target.0 < offsets.begin.0 || target.0 > offsets.end.0 {
                return Err(PlanChanged::OutOfRange {
                    partition,
                    target,
                    offsets,
                });
            }
        }
        Ok(())
    }
}

/// Where a strategy would set a partition, not yet clamped; `None` where it says nothing.
fn target(
    strategy: &Strategy,
    partition: TopicPartition,
    now: &PartitionNow,
    lookup: &dyn Lookup,
) -> Option<i128> {
    let position = i128::from(now.position());
    match strategy {
        Strategy::Earliest => Some(i128::from(now.offsets.begin.0)),
        Strategy::Latest => Some(i128::from(now.offsets.end.0)),
        Strategy::Time(at) => lookup.offset_at(partition, *at).map(|o| i128::from(o.0)),
        Strategy::Back(lines) => Some(position - i128::from(*lines)),
        Strategy::Forward(lines) => Some(position + i128::from(*lines)),
        Strategy::Absolute(offsets) => offsets.get(&partition).map(|o| i128::from(o.0)),
        Strategy::LoadStart(load) => lookup.load_start(partition, *load).map(|o| i128::from(o.0)),
    }
}

fn row(partition: TopicPartition, now: &PartitionNow, target: Option<i128>) -> PlanRow {
    let (begin, end) = (now.offsets.begin.0, now.offsets.end.0);
    let mut notes = Vec::new();
    if now.committed.is_none() {
        notes.push(PlanNote::NeverCommitted);
    }
    if now.position() < begin {
        notes.push(PlanNote::LostToRetention);
    }
    let Some(target) = target else {
        notes.push(PlanNote::NotNamed);
        return PlanRow {
            partition,
            now: now.committed,
            after: now.committed,
            read_again: 0,
            skipped: 0,
            notes,
        };
    };
    if target < i128::from(begin) {
        notes.push(PlanNote::ClampedToBegin);
    } else if target > i128::from(end) {
        notes.push(PlanNote::ClampedToEnd);
    }
    let after = u64::try_from(target.max(0))
        .unwrap_or(u64::MAX)
        .clamp(begin, end.max(begin));
    // Only lines that can be read count: what retention took was neither read nor skipped here.
    let from = now.position().clamp(begin, end.max(begin));
    PlanRow {
        partition,
        now: now.committed,
        after: Some(CommittedOffset(after)),
        read_again: from.saturating_sub(after),
        skipped: after.saturating_sub(from),
        notes,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
