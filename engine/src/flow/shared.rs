//! Figures of a log that other processes consume too: what they follow, and when the summaries
//! are read again.
//!
//! Every line that is written is behind a committed offset, so that nothing has changed while the
//! groups stand where they stood.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::roles::{Roles, Tables};
use crate::model::{Topic, TopicPartition};
use crate::ports::{Access, Log, LogError};

/// Reading all summaries may take one part of the time in so many.
const DUTY: u32 = 5;
/// How long consumers that have joined may take to get all partitions, where nobody else is.
const WHOLE_WITHIN: Duration = Duration::from_secs(8);
/// How long nothing may change until a part counts as all that this process gets.
const SETTLED_AFTER: Duration = Duration::from_millis(1_500);
/// Longest wait between two looks at what was given.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What figures follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// What the consumers of this process acknowledge: they are the only ones.
    Deltas,
    /// The summaries in the store, read again when groups have moved: other processes consume
    /// too, and tell nobody.
    Summaries,
}

/// Where all groups stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums(u64);

/// How figures go with a log that is shared.
pub(super) struct Sharing {
    log: Arc<dyn Log>,
    /// What figures follow.
    pub(super) follow: Follow,
    /// Who writes the tables.
    pub(super) tables: Tables,
    /// Where the groups stood before the summaries were read last.
    seen: Option<Sums>,
    /// When they were read last, and how long that took.
    last: Option<(Duration, Duration)>,
}

impl Sharing {
    /// Of a process with some roles; `None` for a log of its own. Joins the groups of its topics,
    /// and waits until they have shared out their partitions.
    pub(super) fn of(log: &Arc<dyn Log>, roles: &Roles) -> Result<Option<Self>, LogError> {
        if log.access() == Access::Own {
            return Ok(None);
        }
        for topic in &roles.consume {
            log.join(*topic)?;
        }
        let consumes_all = Topic::ALL.iter().all(|topic| roles.consume.contains(topic));
        let is_whole = is_whole(log.as_ref(), &roles.consume)?;
        let follow = if consumes_all && is_whole {
            Follow::Deltas
        } else {
            Follow::Summaries
        };
        Ok(Some(Self {
            log: Arc::clone(log),
            follow,
            tables: if consumes_all {
                Tables::Written
            } else {
                roles.tables
            },
            seen: None,
            last: None,
        }))
    }

    /// Where the groups stand now; `None` while the log does not say.
    pub(super) fn sums(&self) -> Option<Sums> {
        let mut sum = 0;
        for topic in Topic::ALL {
            for number in 0..self.log.partitions(topic) {
                let committed = self.log.committed(TopicPartition::new(topic, number));
                sum += committed.ok()?.map_or(0, |at| at.0);
            }
        }
        Some(Sums(sum))
    }

    /// Whether the groups have moved since the summaries were read.
    pub(super) fn moved(&self) -> bool {
        self.sums().is_some_and(|now| self.seen != Some(now))
    }

    /// Whether it is time to read again, when nobody waits for it.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.last
            .is_none_or(|(at, took)| now.saturating_sub(at) >= took * DUTY)
    }

    /// The summaries were read, and the groups had stood at `sums` before.
    pub(super) const fn read(&mut self, sums: Sums, now: Duration, took: Duration) {
        self.seen = Some(sums);
        self.last = Some((now, took));
    }
}

/// Whether this process gets every partition of some topics.
fn is_whole(log: &dyn Log, topics: &[Topic]) -> Result<bool, LogError> {
    let deadline = Instant::now() + WHOLE_WITHIN;
    for topic in topics {
        let all = usize::from(log.partitions(*topic));
        let mut seen = log.wait_for_append(*topic, 0, Duration::ZERO);
        let mut changed = (0, Instant::now());
        loop {
            let given = log.assignment(*topic)?;
            if given.partitions.len() >= all {
                break;
            }
            let now = Instant::now();
            if given.epoch != changed.0 {
                changed = (given.epoch, now);
            }
            // A group that has other members has shared out what it has after a moment.
            let is_settled = given.epoch > 0 && now >= changed.1 + SETTLED_AFTER;
            if is_settled || now >= deadline {
                return Ok(false);
            }
            // The log rings for partitions too.
            seen = log.wait_for_append(*topic, seen, LOOK_EVERY);
        }
    }
    Ok(true)
}
