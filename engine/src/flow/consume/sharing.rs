//! Which partitions a consumer reads, and where it begins in them.

use super::Worker;
use super::failure::{ConsumeError, Failure};
use crate::model::{CommittedOffset, TopicPartition};
use crate::ports::LogError;

/// Whether what the store has applied already need not be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    Skip,
    ReadAgain,
}

impl Worker {
    /// Reads what it is to read from now on. Partitions that went are flushed first, as far as
    /// they can be; those that came, or that were away meanwhile, begin at the committed offset.
    pub(super) fn follow_assignment(&mut self) -> Result<(), ConsumeError> {
        let topic = self.ctx.topic;
        if self.epoch == Some(self.ctx.log.assignment_epoch(topic)) {
            return Ok(());
        }
        self.drain()?;
        let assignment = self.retry(|w| w.ctx.log.assignment(topic).map_err(Failure::Log))?;
        self.ctx.log.released(topic, assignment.epoch);
        self.epoch = Some(assignment.epoch);
        let owned = assignment.partitions;
        let before = std::mem::replace(&mut self.owned, owned);
        let stays = |partition: &u16, since: &u64| self.owned.get(partition) == Some(since);
        if before
            .iter()
            .any(|(partition, since)| !stays(partition, since))
        {
            // Its buckets may be another's by now.
            self.cache.clear();
        }
        let new = |(partition, since): &(&u16, &u64)| before.get(*partition) != Some(*since);
        let came = self.owned.iter().filter(new);
        let came: Vec<_> = came.map(|(partition, _)| usize::from(*partition)).collect();
        for gone in before.keys().filter(|p| !self.owned.contains_key(p)) {
            self.ctx.position.leave(usize::from(*gone));
        }
        if self.owned.len() < self.next.len() {
            self.ctx.deltas.shared();
        }
        self.start_at_committed(&came, Applied::Skip)
    }

    /// Partitions that are read here.
    pub(super) fn owned(&self) -> Vec<usize> {
        self.owned.keys().map(|p| usize::from(*p)).collect()
    }

    /// Sets the positions to the committed offsets, or past them to what is applied already: a
    /// crash may come between a flush and its commit.
    pub(super) fn start_at_committed(
        &mut self,
        partitions: &[usize],
        applied: Applied,
    ) -> Result<(), ConsumeError> {
        let spans = match applied {
            Applied::Skip => self.retry(|w| {
                let via = w.ctx.routes.of(w.region).via;
                let applied = w.ctx.store.applied();
                applied.map_err(|error| Failure::Store(via, error))
            })?,
            Applied::ReadAgain => Vec::new(),
        };
        let mut commits = Vec::new();
        for &index in partitions {
            let partition = self.partition(index);
            let committed = self.retry(|w| w.ctx.log.committed(partition).map_err(Failure::Log))?;
            let ends = self.retry(|w| w.ctx.log.offsets(partition).map_err(Failure::Log))?;
            let mut at = committed.map_or(0, |c| c.0);
            if at < ends.begin.0 {
                // This log drops nothing that was not consumed; another one may.
                let lost = ends.begin.0 - at;
                tracing::error!(%partition, lost, "lines were dropped before they were consumed");
                at = ends.begin.0;
            }
            let safe = spans
                .iter()
                .filter(|s| s.partition == partition && s.from <= at && at < s.to)
                .map(|s| s.to)
                .max();
            if let Some(safe) = safe {
                at = safe.min(ends.end.0);
                commits.push((partition, CommittedOffset(at)));
            }
            if let Some(next) = self.next.get_mut(index) {
                *next = at;
            }
            self.ctx.position.set(index, at);
        }
        self.commit(commits)
    }

    /// Commits. A partition that is another process's by now is left to it: it goes on from what
    /// was committed before, and finds the lines that are there already.
    pub(super) fn commit(
        &mut self,
        mut commits: Vec<(TopicPartition, CommittedOffset)>,
    ) -> Result<(), ConsumeError> {
        while !commits.is_empty() {
            let lost = self.retry(|w| match w.ctx.log.commit(&commits) {
                Ok(()) => Ok(None),
                Err(LogError::NotOwned(partition)) => Ok(Some(partition)),
                Err(error) => Err(Failure::Log(error)),
            })?;
            let Some(lost) = lost else {
                return Ok(());
            };
            tracing::info!(partition = %lost, "not committed: it is read by another process now");
            commits.retain(|(partition, _)| *partition != lost);
        }
        Ok(())
    }
}
