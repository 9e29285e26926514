//! Which lines a drill lost: those that the log has, whose group has passed them, and that fewer
//! data centres hold than a quorum.
//!
//! Counts say whether any is lost; only then is everything read, to name them.

use rustc_hash::FxHashMap;

use super::super::runtime::Runtime;
use super::telling::QUORUM;
use crate::codec::record;
use crate::failover::drill::Lost;
use crate::model::{Dc, LineId, LineTable, Offset, Topic, TopicPartition};
use crate::ports::{BucketScope, FetchedBatch, LogError, ReadSource};

/// Bytes of the log that are asked for at once.
const FETCH_BYTES: usize = 1 << 20;

/// In how many data centres a line is.
pub(super) type Copies = FxHashMap<LineId, usize>;

impl Runtime {
    /// The first lines that are lost, in the order of the log, at most [`Lost::MOST`]. What cannot
    /// be read is left out: the count tells that there are more.
    pub(super) fn lost_lines(&self) -> Vec<Lost> {
        self.lost_of(&self.copies(), Lost::MOST)
    }

    /// Every line that a data centre holds, each read on its own. One that cannot be read holds
    /// none that can be read, here as in the count.
    pub(super) fn copies(&self) -> Copies {
        let scope = BucketScope::all(LineTable::Transactions);
        let mut copies = Copies::default();
        for dc in Dc::ALL {
            let scanned = self
                .store
                .scan_rows(&scope, ReadSource::Alone(dc), &mut |_, lines| {
                    for line in lines {
                        *copies.entry(line.line_id).or_default() += 1;
                    }
                });
            if let Err(error) = scanned {
                tracing::warn!(%error, %dc, "its lines cannot be read");
            }
        }
        copies
    }

    /// The first lines of the log with too few copies, at most `most`.
    pub(super) fn lost_of(&self, copies: &Copies, most: usize) -> Vec<Lost> {
        let mut lost = Vec::new();
        for partition in self.partitions() {
            if matches!(partition.topic, Topic::Quarantine) {
                continue;
            }
            if let Err(error) = self.lost_in(partition, copies, most, &mut lost) {
                tracing::warn!(%error, %partition, "its lines that are lost are not named");
            }
        }
        lost
    }

    fn lost_in(
        &self,
        partition: TopicPartition,
        copies: &Copies,
        most: usize,
        lost: &mut Vec<Lost>,
    ) -> Result<(), LogError> {
        let Some(end) = self.log.committed(partition)? else {
            return Ok(());
        };
        let mut at = self.log.offsets(partition)?.begin.0;
        while at < end.0 {
            let batches = self.log.fetch(partition, Offset(at), FETCH_BYTES)?;
            let Some(newest) = batches.last() else {
                return Ok(());
            };
            let next = newest.base_offset.0 + u64::from(newest.batch.records);
            let missing = batches
                .iter()
                .flat_map(lines_of)
                .filter(|(offset, _)| (at..end.0).contains(offset))
                .filter(|(_, line_id)| copies.get(line_id).is_none_or(|count| *count < QUORUM));
            for (offset, line_id) in missing {
                if lost.len() >= most {
                    return Ok(());
                }
                let line = Lost::Line {
                    line_id,
                    partition,
                    offset: Offset(offset),
                };
                // A file that is loaded twice is in the log twice.
                if !lost.iter().any(|known| known.line_id() == Some(line_id)) {
                    lost.push(line);
                }
            }
            at = next.max(at + 1);
        }
        Ok(())
    }
}

/// The lines of a batch, with their offsets. A record that is damaged has no id to be named by.
fn lines_of(fetched: &FetchedBatch) -> impl Iterator<Item = (u64, LineId)> + '_ {
    (fetched.base_offset.0..)
        .zip(record::Records::new(&fetched.batch.bytes))
        .filter_map(|(offset, value)| {
            let line = record::read_line(value.ok()?).ok()?;
            Some((offset, line.line_id))
        })
}
