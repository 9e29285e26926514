//! Records of the log, as a passport looks for them: what they hold, and where they lie.

use std::ops::ControlFlow;

use super::{LogPlace, PassportError};
use crate::codec::varint::DecodeError;
use crate::codec::{quarantine, record};
use crate::model::{Line, LineId, LoadId, Offset, Reason, Reject, RowNo, Topic, TopicPartition};
use crate::ports::FetchedBatch;

/// A record that was found.
pub(super) struct Found {
    pub(super) load: LoadId,
    pub(super) log: LogPlace,
    pub(super) content: Content,
}

/// What a record holds.
pub(super) enum Content {
    Line {
        line: Line,
        occurrence: u32,
        line_id: LineId,
        row: RowNo,
    },
    Reject {
        reject: Reject,
        /// The line of a cancellation.
        line: Option<(Line, LineId)>,
    },
}

impl Content {
    pub(super) const fn row(&self) -> RowNo {
        match self {
            Self::Line { row, .. } => *row,
            Self::Reject { reject, .. } => reject.row,
        }
    }

    pub(super) const fn line_id(&self) -> Option<LineId> {
        match self {
            Self::Line { line_id, .. } => Some(*line_id),
            Self::Reject { line, .. } => match line {
                Some((_, line_id)) => Some(*line_id),
                None => None,
            },
        }
    }
}

pub(super) fn values_of(
    partition: TopicPartition,
    batch: &FetchedBatch,
) -> Result<Vec<&[u8]>, PassportError> {
    record::Records::new(&batch.batch.bytes)
        .map(|value| value.map_err(|cause| damaged(partition, batch, cause)))
        .collect()
}

pub(super) const fn damaged(
    partition: TopicPartition,
    batch: &FetchedBatch,
    cause: DecodeError,
) -> PassportError {
    PassportError::Batch {
        partition,
        offset: batch.base_offset,
        cause,
    }
}

pub(super) fn row_of(topic: Topic, value: &[u8]) -> Result<RowNo, DecodeError> {
    content_of(topic, value).map(|content| content.row())
}

/// The first record from an offset on that is the one that is looked for.
pub(super) fn scan(
    partition: TopicPartition,
    batch: &FetchedBatch,
    values: &[&[u8]],
    from: u64,
    is_it: &dyn Fn(&Found) -> bool,
) -> Result<Option<Found>, PassportError> {
    let looked = (batch.base_offset.0..)
        .zip(values)
        .filter(|(offset, _)| *offset >= from)
        .try_for_each(|(offset, value)| {
            let content = match content_of(partition.topic, value) {
                Ok(content) => content,
                Err(cause) => return ControlFlow::Break(Err(damaged(partition, batch, cause))),
            };
            let found = Found {
                load: batch.batch.load,
                log: LogPlace {
                    partition,
                    offset: Offset(offset),
                    appended_at: batch.appended_at,
                    bytes: value.len() as u64,
                },
                content,
            };
            if is_it(&found) {
                ControlFlow::Break(Ok(found))
            } else {
                ControlFlow::Continue(())
            }
        });
    match looked {
        ControlFlow::Break(found) => found.map(Some),
        ControlFlow::Continue(()) => Ok(None),
    }
}

pub(super) fn content_of(topic: Topic, value: &[u8]) -> Result<Content, DecodeError> {
    match topic {
        Topic::Lines(_) => record::read_line(value).map(|record| Content::Line {
            line: record.line.to_owned(),
            occurrence: record.occurrence,
            line_id: record.line_id,
            row: record.row,
        }),
        Topic::Quarantine => quarantine::read_reject(value).map(|(reject, line)| {
            let line = line.filter(|_| reject.reason == Reason::Cancellation);
            Content::Reject {
                line: line.map(|record| (record.line.to_owned(), record.line_id)),
                reject,
            }
        }),
    }
}
