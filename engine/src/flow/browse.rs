//! Messages of a partition, as they stand in the log. Looking never commits and moves nobody.

use chrono::{DateTime, Utc};
use serde::Serialize;
use thiserror::Error;

use super::runtime::Runtime;
use crate::codec::varint::DecodeError;
use crate::codec::{quarantine, record};
use crate::model::{Line, LoadId, Offset, Reject, RowNo, Topic, TopicPartition};
use crate::ports::{FetchedBatch, LogError, PartitionOffsets};

/// Bytes asked of the log at a time; it gives one batch more where that is larger.
const FETCH_BYTES: usize = 256 << 10;

/// Where browsing begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrowseFrom {
    /// At the oldest message.
    Oldest,
    /// At an offset.
    Offset(Offset),
    /// At the first message appended at a time or later.
    Time(DateTime<Utc>),
    /// So many messages before the end.
    Last(u64),
}

/// Which messages are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowseRequest {
    /// The partition.
    pub partition: TopicPartition,
    /// Where to begin.
    pub from: BrowseFrom,
    /// Messages to read at most, whether they match or not.
    pub scan: u64,
    /// Messages to return at most.
    pub limit: usize,
    /// Only messages with this text in a field, in any ASCII case.
    pub contains: Option<String>,
}

/// What running a request would read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BrowseCost {
    /// First offset.
    pub from: Offset,
    /// Messages.
    pub records: u64,
    /// Bytes, about: by the size of the batch at the first offset; 0 when there is nothing.
    pub bytes_about: u64,
    /// What the partition holds.
    #[serde(skip)]
    pub offsets: PartitionOffsets,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "content")]
pub enum MessageContent {
    /// A clean line.
    Line {
        /// The line.
        line: Line,
        /// Which of the identical lines of its invoice, from 0.
        occurrence: u32,
        /// Its id, in hexadecimal digits.
        line_id: String,
        /// Its data row in the file.
        row: RowNo,
    },
    /// A row that was set aside.
    Reject(Reject),
    /// Bytes that are not what this program writes.
    Unreadable {
        /// Why.
        why: String,
    },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its offset.
    pub offset: Offset,
    /// When its batch was appended.
    pub appended_at: DateTime<Utc>,
    /// The load that it belongs to.
    pub load: LoadId,
    /// Bytes of its value.
    pub bytes: u64,
    /// What it says.
    #[serde(flatten)]
    pub content: MessageContent,
}

/// Messages of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessagePage {
    /// Those that match, by offset.
    pub messages: Vec<Message>,
    /// Messages that were read.
    pub scanned: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Where to go on.
    pub next: Offset,
    /// What the partition holds.
    #[serde(skip)]
    pub offsets: PartitionOffsets,
}

/// Why a partition was not read.
#[derive(Debug, Error)]
pub enum BrowseError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A batch cannot be taken apart into records.
    #[error("{partition}, the batch at offset {offset}: {cause}", offset = .offset.0)]
    Batch {
        /// The partition.
        partition: TopicPartition,
        /// First offset of the batch.
        offset: Offset,
        /// What does not fit.
        cause: DecodeError,
    },
}

impl Runtime {
    /// What a request would read, from the offsets and one batch.
    pub(crate) fn browse_cost(&self, request: &BrowseRequest) -> Result<BrowseCost, BrowseError> {
        let (from, offsets) = self.browse_from(request)?;
        let records = offsets.end.0.saturating_sub(from.0).min(request.scan);
        let mut bytes_about = 0;
        if records > 0
            && let Some(first) = self.log.fetch(request.partition, from, 1)?.first()
        {
            let batch = &first.batch;
            let per_record = batch.bytes.len() as f64 / f64::from(batch.records.max(1));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an estimate, far below 2^63 and not negative"
            )]
            let about = (per_record * records as f64) as u64;
            bytes_about = about;
        }
        Ok(BrowseCost {
            from,
            records,
            bytes_about,
            offsets,
        })
    }

    /// Reads messages.
    pub(crate) fn browse(&self, request: &BrowseRequest) -> Result<MessagePage, BrowseError> {
        let (from, offsets) = self.browse_from(request)?;
        let end = offsets.end.0.min(from.0.saturating_add(request.scan));
        let mut page = MessagePage {
            messages: Vec::new(),
            scanned: 0,
            bytes: 0,
            next: from,
            offsets,
        };
        while page.next.0 < end && page.messages.len() < request.limit {
            let batches = self.log.fetch(request.partition, page.next, FETCH_BYTES)?;
            if batches.is_empty() {
                break;
            }
            for batch in &batches {
                page.take(request, batch, end)?;
            }
        }
        Ok(page)
    }

    fn browse_from(
        &self,
        request: &BrowseRequest,
    ) -> Result<(Offset, PartitionOffsets), BrowseError> {
        let partition = request.partition;
        let offsets = self.log.offsets(partition)?;
        let (begin, end) = (offsets.begin.0, offsets.end.0);
        let from = match request.from {
            BrowseFrom::Oldest => begin,
            BrowseFrom::Offset(Offset(offset)) => offset.clamp(begin, end),
            BrowseFrom::Time(at) => self.log.offset_at(partition, at)?.0,
            BrowseFrom::Last(count) => end.saturating_sub(count).max(begin),
        };
        Ok((Offset(from), offsets))
    }
}

impl MessagePage {
    /// Takes the records of a batch from `next` on, as many as are wanted.
    fn take(
        &mut self,
        request: &BrowseRequest,
        fetched: &FetchedBatch,
        end: u64,
    ) -> Result<(), BrowseError> {
        let records = record::Records::new(&fetched.batch.bytes);
        for (offset, value) in (fetched.base_offset.0..end).zip(records) {
            let value = value.map_err(|cause| BrowseError::Batch {
                partition: request.partition,
                offset: fetched.base_offset,
                cause,
            })?;
            if offset < self.next.0 {
                continue;
            }
            if self.messages.len() >= request.limit {
                return Ok(());
            }
            self.next = Offset(offset + 1);
            self.scanned += 1;
            self.bytes += value.len() as u64;
            let message = Message {
                offset: Offset(offset),
                appended_at: fetched.appended_at,
                load: fetched.batch.load,
                bytes: value.len() as u64,
                content: content(request.partition.topic, value),
            };
            if request
                .contains
                .as_ref()
                .is_none_or(|text| message.content.contains(text))
            {
                self.messages.push(message);
            }
        }
        Ok(())
    }
}

fn content(topic: Topic, value: &[u8]) -> MessageContent {
    let read = match topic {
        Topic::Lines(_) => record::read_line(value).map(|record| MessageContent::Line {
            line: record.line.to_owned(),
            occurrence: record.occurrence,
            line_id: format!("{:016x}", record.line_id.0),
            row: record.row,
        }),
        Topic::Quarantine => {
            quarantine::read_reject(value).map(|(reject, _)| MessageContent::Reject(reject))
        }
    };
    read.unwrap_or_else(|error| MessageContent::Unreadable {
        why: error.to_string(),
    })
}

impl MessageContent {
    /// Whether a field holds a text, in any ASCII case.
    fn contains(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let holds = |field: &str| field.to_ascii_lowercase().contains(&text);
        match self {
            Self::Line { line, .. } => {
                holds(&line.invoice_no)
                    || holds(&line.stock_code)
                    || holds(&line.description)
                    || holds(&line.country)
                    || line.customer.as_deref().is_some_and(holds)
                    || holds(&line.quantity.to_string())
                    || holds(&line.unit_price.to_string())
                    || holds(&line.invoice_time.to_string())
            }
            Self::Reject(reject) => holds(&reject.raw) || holds(reject.reason.slug()),
            Self::Unreadable { .. } => false,
        }
    }
}
