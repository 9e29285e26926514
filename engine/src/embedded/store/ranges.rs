//! Sets of numbers that are mostly one run: which writes a replica has applied.

use std::collections::BTreeMap;

use crate::codec::varint::{self, DecodeError, Reader};
use crate::model::{Partition, Region, Topic, TopicPartition};
use crate::ports::FlushSpan;

/// A set of numbers as half-open runs, neither touching nor overlapping.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds `from..to`.
    pub(super) fn add(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let (mut from, mut to) = (from, to);
        // Every run that touches the new one becomes part of it; runs end in order too.
        while let Some((&start, &end)) = self.0.range(..=to).next_back() {
            if end < from {
                break;
            }
            from = from.min(start);
            to = to.max(end);
            self.0.remove(&start);
        }
        self.0.insert(from, to);
    }

    /// Adds all of another set.
    pub(super) fn merge(&mut self, other: &Self) {
        for (from, to) in other.iter() {
            self.add(from, to);
        }
    }

    /// Whether there is no number in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all numbers of another set are in this one.
    pub(super) fn contains_all(&self, other: &Self) -> bool {
        self.intersection(other) == *other
    }

    /// The runs in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|(from, to)| (*from, *to))
    }

    /// One past the largest number; 0 for none.
    pub(super) fn end(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(_, to)| *to)
    }

    /// The numbers that are in both sets.
    #[must_use]
    pub(super) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for (from, to) in self.iter() {
            for (other_from, other_to) in other.iter() {
                both.add(from.max(other_from), to.min(other_to));
            }
        }
        both
    }

    /// Appends the set to a buffer.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        varint::put_u64(out, self.0.len() as u64);
        for (from, to) in self.iter() {
            varint::put_u64(out, from);
            varint::put_u64(out, to - from);
        }
    }

    /// Reads a set.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut ranges = Self::default();
        for _ in 0..reader.count()? {
            let from = reader.u64()?;
            let to = from.checked_add(reader.u64()?);
            ranges.add(from, to.ok_or(DecodeError("a range is too long"))?);
        }
        Ok(ranges)
    }
}

/// Offsets of the log per partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Spans(BTreeMap<TopicPartition, Ranges>);

impl Spans {
    /// Adds a span.
    pub(super) fn add(&mut self, span: &FlushSpan) {
        let ranges = self.0.entry(span.partition).or_default();
        ranges.add(span.from, span.to);
    }

    /// Adds all of another set.
    pub(super) fn merge(&mut self, other: &Self) {
        for (partition, ranges) in &other.0 {
            self.0.entry(*partition).or_default().merge(ranges);
        }
    }

    /// The offsets that are in both sets.
    #[must_use]
    pub(super) fn intersection(&self, other: &Self) -> Self {
        let both = self.0.iter().filter_map(|(partition, ranges)| {
            let other = other.0.get(partition)?;
            Some((*partition, ranges.intersection(other)))
        });
        Self(both.collect())
    }

    /// The spans in order.
    pub(super) fn to_vec(&self) -> Vec<FlushSpan> {
        let partitions = self.0.iter();
        let spans = partitions.flat_map(|(partition, ranges)| {
            ranges.iter().map(|(from, to)| FlushSpan {
                partition: *partition,
                from,
                to,
            })
        });
        spans.collect()
    }

    /// Appends the set to a buffer.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        varint::put_u64(out, self.0.len() as u64);
        for (partition, ranges) in &self.0 {
            put_partition(out, *partition);
            ranges.put(out);
        }
    }

    /// Reads a set.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut spans = Self::default();
        for _ in 0..reader.count()? {
            let partition = read_partition(reader)?;
            let ranges = Ranges::read(reader)?;
            spans.0.entry(partition).or_default().merge(&ranges);
        }
        Ok(spans)
    }
}

/// Appends a partition of a topic.
pub(super) fn put_partition(out: &mut Vec<u8>, partition: TopicPartition) {
    out.push(match partition.topic {
        Topic::Lines(Region::Europe) => 0,
        Topic::Lines(Region::Americas) => 1,
        Topic::Lines(Region::AsiaPacific) => 2,
        Topic::Quarantine => 3,
    });
    varint::put_u64(out, u64::from(partition.partition.0));
}

/// Reads a partition of a topic.
pub(super) fn read_partition(reader: &mut Reader<'_>) -> Result<TopicPartition, DecodeError> {
    let topic = match reader.u8()? {
        0 => Topic::Lines(Region::Europe),
        1 => Topic::Lines(Region::Americas),
        2 => Topic::Lines(Region::AsiaPacific),
        3 => Topic::Quarantine,
        _ => return Err(DecodeError("a topic is not known")),
    };
    let partition = u16::try_from(reader.u64()?)
        .map_err(|_wide| DecodeError("a partition has more than 16 bits"))?;
    Ok(TopicPartition {
        topic,
        partition: Partition(partition),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn numbers(ranges: &Ranges) -> BTreeSet<u64> {
        ranges.iter().flat_map(|(from, to)| from..to).collect()
    }

    proptest! {
        #[test]
        fn ranges_are_the_set_of_their_numbers(
            left in proptest::collection::vec((0_u64..60, 0_u64..9), 0..12),
            right in proptest::collection::vec((0_u64..60, 0_u64..9), 0..12),
        ) {
            let [a, b] = [left, right].map(|runs| {
                let mut ranges = Ranges::default();
                let mut set = BTreeSet::new();
                for (from, len) in runs {
                    ranges.add(from, from + len);
                    set.extend(from..from + len);
                }
                (ranges, set)
            });
            prop_assert_eq!(&numbers(&a.0), &a.1);
            let runs: Vec<_> = a.0.iter().collect();
            prop_assert!(runs.windows(2).all(|w| w[0].1 < w[1].0), "runs touch: {:?}", runs);
            let both: BTreeSet<_> = a.1.intersection(&b.1).copied().collect();
            prop_assert_eq!(numbers(&a.0.intersection(&b.0)), both);
            prop_assert_eq!(a.0.contains_all(&b.0), a.1.is_superset(&b.1));
            let mut out = Vec::new();
            a.0.put(&mut out);
            prop_assert_eq!(Ranges::read(&mut Reader::new(&out)), Ok(a.0));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _read: Result<_, _> = Spans::read(&mut Reader::new(&bytes));
        }
    }
}
