//! Carrying out replays: what the pure plan needs to know, and moving a group that is running.
//!
//! A plan is applied as it was reviewed or not at all. The consumers of this engine are held
//! meanwhile: they finish what is in flight, so that the committed offsets stand still, and go on
//! from the new ones. Another process cannot have them, because it would need the same data
//! directory.

mod sample;

use std::time::Duration;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::gate::Pass;
use super::generation::write_note;
use super::runtime::Runtime;
use crate::model::{CommittedOffset, LoadId, Offset, Partition, Topic, TopicPartition};
use crate::ports::{LogError, StoreError};
use crate::replay::plan::{Cost, GroupNow, Lookup, PartitionNow, Plan, PlanChanged, Strategy};
use crate::telemetry::EventKind;
use crate::watch::rates::Hop;

pub use sample::{InStore, PlanSample, SampleError, SampledLine};

/// Between two looks at what is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long consumers may take to finish what is in flight: a failover may lie in between.
const HELD_WITHIN: Duration = Duration::from_secs(20);
/// Bytes read from a partition to learn how long a line is.
const SAMPLE_BYTES: usize = 1 << 16;
/// Name of the note that holds the plan applied last.
const LAST_REPLAY: &str = "last-replay";

/// What to plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRequest {
    /// The topic whose group is moved.
    pub topic: Topic,
    /// One partition of it only.
    pub partition: Option<Partition>,
    /// Where to.
    pub strategy: Strategy,
}

/// Why a replay was not planned or not carried out.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The group is not as it was when the plan was reviewed. Nothing was moved.
    #[error(transparent)]
    Changed(#[from] PlanChanged),
    /// There is no such partition.
    #[error("{topic} has no partition {}", .partition.0)]
    NoPartition {
        /// The topic.
        topic: Topic,
        /// What was asked for.
        partition: Partition,
    },
    /// There is no such load.
    #[error("there is no load {0}")]
    NoLoad(LoadId),
    /// The consumers did not finish what was in flight. Nothing was moved.
    #[error("the consumers still have lines in flight after {} s", .after.as_secs())]
    StillBusy {
        /// How long was waited.
        after: Duration,
    },
    /// The log has other offsets than those that were written.
    #[error("{partition}: offset {wanted} was committed, and {found:?} is there")]
    NotKept {
        /// Where.
        partition: TopicPartition,
        /// What was written.
        wanted: u64,
        /// What was read back.
        found: Option<u64>,
    },
    /// The plan could not be kept for undoing it, or read back. Nothing was moved.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan that is kept cannot be read.
    #[error("the plan that was applied last cannot be read: {0}")]
    Kept(#[from] serde_json::Error),
    /// Nothing was replayed, or it was undone already.
    #[error("there is no replay to undo")]
    NothingToUndo,
    /// The engine is closing. Nothing was moved.
    #[error("the engine is closing")]
    Closing,
}

impl ReplayError {
    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Log(error) => error.remedy(),
            Self::Changed(error) => error.remedy(),
            Self::NoPartition { .. } => "partitions are counted from 0; see status",
            Self::NoLoad(_) => "see status for the loads that there are",
            Self::StillBusy { .. } => {
                "bring the data centres back that do not answer, then try again"
            }
            Self::NotKept { .. } => "make the plan again and look at it before it is applied",
            Self::Store(error) => error.remedy(),
            Self::Kept(_) | Self::NothingToUndo => "plan a replay to the offsets that you want",
            Self::Closing => "open the engine again",
        }
    }
}

/// Holds the consumers for as long as it lives; they stay held when they were before.
struct Held<'a> {
    runtime: &'a Runtime,
    was_paused: bool,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.was_paused {
            self.runtime.consuming.resume();
        }
    }
}

impl Lookup for Runtime {
    fn offset_at(&self, partition: TopicPartition, at: DateTime<Utc>) -> Option<Offset> {
        self.log.offset_at(partition, at).ok()
    }

    fn load_start(&self, partition: TopicPartition, load: LoadId) -> Option<Offset> {
        let record = self.loads.all().into_iter().find(|l| l.id == load)?;
        let from = record.from.iter().find(|(p, _)| *p == partition)?;
        Some(Offset(from.1.0))
    }
}

impl Runtime {
    /// Plans a replay.
    pub(crate) fn plan_replay(&self, request: &ReplayRequest) -> Result<Plan, ReplayError> {
        if let Strategy::LoadStart(load) = &request.strategy
            && !self.loads.all().iter().any(|known| known.id == *load)
        {
            return Err(ReplayError::NoLoad(*load));
        }
        let count = self.log.partitions(request.topic);
        if let Some(partition) = request.partition.filter(|p| p.0 >= count) {
            let topic = request.topic;
            return Err(ReplayError::NoPartition { topic, partition });
        }
        if self.consuming.is_paused() {
            // What is in flight would move the group and make the plan worthless.
            self.wait_held()?;
        }
        let partitions: Vec<_> = (0..count)
            .filter(|n| request.partition.is_none_or(|only| only.0 == *n))
            .map(|n| TopicPartition::new(request.topic, n))
            .collect();
        let group = self.group_now(&partitions)?;
        let cost = self.replay_cost(&group);
        Ok(Plan::make(&request.strategy, &group, self, cost))
    }

    /// Carries a plan out.
    pub(crate) fn apply_replay(&self, plan: &Plan) -> Result<(), ReplayError> {
        let _held = self.hold_consumers()?;
        let partitions: Vec<_> = plan.rows.iter().map(|row| row.partition).collect();
        plan.check_unchanged(&self.group_now(&partitions)?)?;
        let commits = plan.commits();
        if commits.is_empty() {
            return Ok(());
        }
        // Kept before anything moves. Undoing a plan that was not applied after all sets the group
        // where it stands.
        self.keep_last(Some(plan))?;
        self.log.commit(&commits)?;
        self.move_consumers(&commits);
        self.read_back(&commits)?;
        for row in plan.rows.iter().filter(|row| row.now != row.after) {
            if let Some(to) = row.after {
                self.events.emit(EventKind::Replayed {
                    partition: row.partition,
                    from: row.now.map_or(0, |at| at.0),
                    to: to.0,
                });
            }
        }
        Ok(())
    }

    /// Plans to set the group back to where it stood before the last replay; moves nothing.
    pub(crate) fn plan_undo(&self) -> Result<Plan, ReplayError> {
        if self.consuming.is_paused() {
            self.wait_held()?;
        }
        let applied = self.last_replay()?.ok_or(ReplayError::NothingToUndo)?;
        let partitions: Vec<_> = applied.rows.iter().map(|row| row.partition).collect();
        let group = self.group_now(&partitions)?;
        Ok(Plan::undo(&applied, &group, self.replay_cost(&group)))
    }

    /// Sets the group back to where it stood before the last replay.
    pub(crate) fn undo_replay(&self) -> Result<Plan, ReplayError> {
        // Held from here on: a group that reads on between planning and applying would refuse.
        let _held = self.hold_consumers()?;
        let plan = self.plan_undo()?;
        self.apply_replay(&plan)?;
        self.keep_last(None)?;
        Ok(plan)
    }

    /// The replay that was applied last, in this process or an earlier one.
    fn last_replay(&self) -> Result<Option<Plan>, ReplayError> {
        let note = self.store.note(LAST_REPLAY, self.routes.read_anywhere())?;
        let kept = note.filter(|value| !value.is_empty());
        Ok(kept
            .map(|value| serde_json::from_slice(&value))
            .transpose()?)
    }

    /// Keeps a plan for undoing it; `None` when there is nothing to undo any more.
    fn keep_last(&self, plan: Option<&Plan>) -> Result<(), ReplayError> {
        let value = plan
            .map(serde_json::to_vec)
            .transpose()?
            .unwrap_or_default();
        let (via, level) = self.routes.anywhere();
        write_note(self.store.as_ref(), LAST_REPLAY, value.into(), via, level)?;
        Ok(())
    }

    /// Pauses the consumers and waits until each has finished what it had in flight.
    fn hold_consumers(&self) -> Result<Held<'_>, ReplayError> {
        let held = Held {
            runtime: self,
            was_paused: self.consuming.is_paused(),
        };
        self.consuming.pause();
        self.wait_held()?;
        Ok(held)
    }

    fn wait_held(&self) -> Result<(), ReplayError> {
        let began = self.clock.monotonic();
        loop {
            let running = self
                .consumers
                .iter()
                .filter(|consumer| consumer.failed.lock().is_none())
                .count();
            if self.consuming.held() >= running {
                return Ok(());
            }
            if self.clock.monotonic().saturating_sub(began) > HELD_WITHIN {
                return Err(ReplayError::StillBusy { after: HELD_WITHIN });
            }
            if self.running.wait(LOOK_EVERY) == Pass::Stop || self.consuming.is_stopped() {
                return Err(ReplayError::Closing);
            }
        }
    }

    /// Tells the consumers where to go on. Partitions that do not move stay where they are.
    fn move_consumers(&self, commits: &[(TopicPartition, CommittedOffset)]) {
        for consumer in &self.consumers {
            let mut offsets = consumer.position.fetched();
            let mut is_moved = false;
            for (partition, to) in commits.iter().filter(|(p, _)| p.topic == consumer.topic) {
                if let Some(at) = offsets.get_mut(usize::from(partition.partition.0)) {
                    *at = Some(to.0);
                    is_moved = true;
                }
            }
            if is_moved {
                consumer.position.move_to(offsets);
            }
        }
    }

    fn read_back(&self, commits: &[(TopicPartition, CommittedOffset)]) -> Result<(), ReplayError> {
        for (partition, wanted) in commits {
            let found = self.log.committed(*partition)?;
            if found != Some(*wanted) {
                return Err(ReplayError::NotKept {
                    partition: *partition,
                    wanted: wanted.0,
                    found: found.map(|at| at.0),
                });
            }
        }
        Ok(())
    }

    fn group_now(&self, partitions: &[TopicPartition]) -> Result<GroupNow, ReplayError> {
        let mut group = GroupNow::new();
        for partition in partitions {
            let now = PartitionNow {
                offsets: self.log.offsets(*partition)?,
                committed: self.log.committed(*partition)?,
            };
            group.insert(*partition, now);
        }
        Ok(group)
    }

    /// What reading a line again costs: its length as in the first batch that is kept, the rate
    /// as it is now, or as it was when lines were last written.
    fn replay_cost(&self, group: &GroupNow) -> Cost {
        let mut sample = group.iter().filter_map(|(partition, now)| {
            let fetched = self.log.fetch(*partition, now.offsets.begin, SAMPLE_BYTES);
            let batch = fetched.ok()?.into_iter().next()?.batch;
            Some((batch.bytes.len() as u64).div_ceil(u64::from(batch.records.max(1))))
        });
        let written = Hop::ALL.iter().position(|hop| *hop == Hop::Write);
        let rates = self.snapshot.load().rates;
        Cost {
            bytes_per_line: sample.next().unwrap_or(0),
            lines_per_sec: rates
                .zip(written)
                .and_then(|(rates, at)| rates.per_sec.get(at).copied().flatten())
                .filter(|rate| *rate > 0.0)
                .or_else(|| self.usual_rate()),
        }
    }

    /// Lines per second in the middle one of the last hour's seconds in which lines were written.
    fn usual_rate(&self) -> Option<f64> {
        let place = Hop::ALL.iter().position(|hop| *hop == Hop::Write)?;
        let history = self.history.load();
        let mut rates: Vec<f64> = history
            .points()
            .filter_map(|point| point.hops.get(place).copied().flatten())
            .filter(|rate| *rate > 0.0)
            .collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    }
}
