//! Positions in the log: partition, offset, and what they mean for whom.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::region::Topic;

/// A partition of a topic, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(pub u16);

/// One partition of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Topic,
    /// The partition in it.
    pub partition: Partition,
}

impl TopicPartition {
    /// Partition `partition` of `topic`.
    pub const fn new(topic: Topic, partition: u16) -> Self {
        Self {
            topic,
            partition: Partition(partition),
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition.0)
    }
}

/// The position of one record in its partition, from 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Offset(pub u64);

/// The offset that the next record of a partition will get.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EndOffset(pub u64);

/// The next offset that a consumer group will read: everything before it is done.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct CommittedOffset(pub u64);

impl EndOffset {
    /// Records between `committed` and this end; `None` when the group is past the end, which
    /// happens when a log was cut or made again.
    pub const fn lines_since(self, committed: CommittedOffset) -> Option<u64> {
        self.0.checked_sub(committed.0)
    }
}
