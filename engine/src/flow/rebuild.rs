//! Rebuilding every summary from the log: a new generation, and all groups from the beginning.
//!
//! Rows are upserts and stay as they are. A summary of an older generation is written anew from
//! its bucket's rows as soon as a line of the bucket comes by again, with a timestamp above all
//! of the older generation's. Cut short, a rebuild leaves old summaries beside new ones, all of
//! them right; it is begun again by asking for it again.

use std::sync::Arc;

use thiserror::Error;

use super::generation::{stored_generation, write_generation};
use super::loads::{LoadError, SETTLE};
use super::replay::{ReplayError, ReplayRequest};
use super::runtime::Runtime;
use crate::model::Topic;
use crate::ports::{Settled, StoreError};
use crate::replay::plan::Strategy;

/// Why summaries were not rebuilt.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// Other processes consume, too. They would go on with timestamps of the old generation, older
    /// than what is rebuilt. Nothing was changed.
    #[error(
        "{topic} is consumed by other processes, too: {held} of {all} partitions are read here"
    )]
    NotAlone {
        /// The topic.
        topic: Topic,
        /// Partitions that this process reads.
        held: usize,
        /// Partitions that there are.
        all: usize,
    },
    /// The new generation was not stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A group was not moved.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The lines were not all consumed again.
    #[error(transparent)]
    Consume(#[from] LoadError),
}

impl RebuildError {
    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotAlone { .. } => "end the processes that consume, then rebuild again".into(),
            Self::Store(error) => error.remedy().into(),
            Self::Replay(error) => error.remedy().into(),
            Self::Consume(error) => error.remedy(),
        }
    }
}

impl Runtime {
    /// Rebuilds all summaries whose lines are still in the log; how many lines were read again.
    pub(crate) fn rebuild(self: &Arc<Self>) -> Result<u64, RebuildError> {
        self.drain_all()?;
        self.check_alone()?;
        let generation = self.next_generation()?;
        let mut lines = 0;
        for consumer in &self.consumers {
            consumer.position.set_generation(generation);
            let request = ReplayRequest {
                topic: consumer.topic,
                partition: None,
                strategy: Strategy::Earliest,
            };
            let plan = self.plan_replay(&request)?;
            lines += plan.read_again;
            self.apply_replay(&plan)?;
        }
        self.drain_all()?;
        // QUORUM has them; whoever compares next wants all three to.
        if self.store.settle(SETTLE) == Settled::NotYet {
            tracing::warn!("not every data centre has every summary yet");
        }
        Ok(lines)
    }

    /// Whether every partition is read by this process. Asked before anything is stored.
    fn check_alone(&self) -> Result<(), RebuildError> {
        for consumer in &self.consumers {
            let topic = consumer.topic;
            let all = usize::from(self.log.partitions(topic));
            let assigned = self.log.assignment(topic).map_err(ReplayError::from)?;
            let held = assigned.partitions.len();
            if held < all {
                return Err(RebuildError::NotAlone { topic, held, all });
            }
        }
        Ok(())
    }

    /// Stores a generation above every timestamp of the one before.
    fn next_generation(&self) -> Result<u64, RebuildError> {
        let (via, level) = self.routes.anywhere();
        let before = stored_generation(self.store.as_ref())?;
        let mut end = 0;
        for partition in self.partitions() {
            let offsets = self.log.offsets(partition).map_err(ReplayError::from)?;
            end = end.max(offsets.end.0);
        }
        let last = before.saturating_add(end);
        let (store, clock) = (self.store.as_ref(), self.clock.as_ref());
        Ok(write_generation(store, clock, last, (via, level))?)
    }
}
