//! Which partitions there are, numbered through: a *slot* is the place of a partition in the
//! tables that the log keeps per partition.

use crate::model::{Region, Topic, TopicPartition};

/// Most partitions that a regional topic can have: one per shard.
pub const PARTITIONS_MAX: u16 = 12;

/// The partitions of a log, fixed when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slots {
    per_topic: u16,
}

impl Slots {
    /// `None` unless there are 1 to [`PARTITIONS_MAX`] partitions per regional topic.
    pub(super) const fn new(per_topic: u16) -> Option<Self> {
        if per_topic == 0 || per_topic > PARTITIONS_MAX {
            None
        } else {
            Some(Self { per_topic })
        }
    }

    /// Partitions of a regional topic.
    pub(super) const fn per_topic(self) -> u16 {
        self.per_topic
    }

    /// Partitions of any topic. Quarantine is read as a whole, so it has one.
    pub(super) const fn partitions(self, topic: Topic) -> u16 {
        match topic {
            Topic::Lines(_) => self.per_topic,
            Topic::Quarantine => 1,
        }
    }

    /// How many slots there are.
    pub(super) const fn count(self) -> usize {
        self.per_topic as usize * Region::ALL.len() + 1
    }

    /// The slot of a partition, `None` when there is no such partition.
    pub(super) fn slot(self, partition: TopicPartition) -> Option<usize> {
        if partition.partition.0 >= self.partitions(partition.topic) {
            return None;
        }
        let before = topic_index(partition.topic) * usize::from(self.per_topic);
        Some(before + usize::from(partition.partition.0))
    }

    /// Place of a slot's topic in [`Topic::ALL`].
    pub(super) fn topic_of(self, slot: usize) -> usize {
        (slot / usize::from(self.per_topic)).min(Topic::ALL.len() - 1)
    }
}

/// Place of a topic in [`Topic::ALL`].
pub(super) const fn topic_index(topic: Topic) -> usize {
    match topic {
        Topic::Lines(region) => region as usize,
        Topic::Quarantine => Region::ALL.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_a_slot_of_its_own_and_a_slot_knows_its_topic() {
        for per_topic in 1..=PARTITIONS_MAX {
            let slots = Slots::new(per_topic).unwrap();
            let mut expected = 0;
            for (index, topic) in Topic::ALL.into_iter().enumerate() {
                assert_eq!(topic_index(topic), index);
                for partition in 0..slots.partitions(topic) {
                    let slot = slots.slot(TopicPartition::new(topic, partition));
                    assert_eq!(slot, Some(expected));
                    assert_eq!(slots.topic_of(expected), index);
                    expected += 1;
                }
                let beyond = TopicPartition::new(topic, slots.partitions(topic));
                assert_eq!(slots.slot(beyond), None);
            }
            assert_eq!(slots.count(), expected);
        }
        assert_eq!(Slots::new(0), None);
        assert_eq!(Slots::new(PARTITIONS_MAX + 1), None);
    }
}
