//! Messages of a partition, as they stand in the log. Looking never commits and moves nobody.

use std::borrow::Cow;

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

/// A field of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BrowseField {
    /// Whichever of those below a message has.
    Any,
    /// The invoice of a line.
    Invoice,
    /// The product code of a line.
    StockCode,
    /// What the product of a line was called.
    Description,
    /// The pieces of a line.
    Quantity,
    /// When the invoice of a line was written.
    InvoiceTime,
    /// The price of a line.
    UnitPrice,
    /// Who bought; a line without a customer does not have it.
    Customer,
    /// The country of a line.
    Country,
    /// Why a row was set aside.
    Reason,
    /// The column at fault; a row that is wrong as a whole does not have it.
    Column,
    /// A row that was set aside, as it stands in its file.
    RawText,
}

impl BrowseField {
    /// The fields of the lines, in the order of their columns.
    const LINE: [Self; 8] = [
        Self::Invoice,
        Self::StockCode,
        Self::Description,
        Self::Quantity,
        Self::InvoiceTime,
        Self::UnitPrice,
        Self::Customer,
        Self::Country,
    ];
    /// The fields of the rows that were set aside.
    const REJECT: [Self; 3] = [Self::Reason, Self::Column, Self::RawText];

    /// The fields that the messages of a topic have, without [`BrowseField::Any`].
    pub const fn of(topic: Topic) -> &'static [Self] {
        match topic {
            Topic::Lines(_) => &Self::LINE,
            Topic::Quarantine => &Self::REJECT,
        }
    }
}

/// Which messages match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowseFilter {
    /// Where the text must be. A message that does not have the field never matches.
    pub field: BrowseField,
    /// The text, in any ASCII case.
    pub contains: String,
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
    /// Only messages that match.
    pub filter: Option<BrowseFilter>,
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
                .filter
                .as_ref()
                .is_none_or(|filter| message.content.matches(filter))
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
    fn matches(&self, filter: &BrowseFilter) -> bool {
        let text = filter.contains.to_ascii_lowercase();
        let holds = |field: &BrowseField| {
            self.field(*field).is_some_and(|value| {
                let value = value.to_ascii_lowercase();
                // A reason is written with spaces where people read it.
                value.contains(&text)
                    || (*field == BrowseField::Reason && value.replace('_', " ").contains(&text))
            })
        };
        match (filter.field, self) {
            (BrowseField::Any, Self::Line { .. }) => BrowseField::LINE.iter().any(holds),
            (BrowseField::Any, Self::Reject(_)) => BrowseField::REJECT.iter().any(holds),
            (field, _) => holds(&field),
        }
    }

    /// A field as text; none where this does not have it.
    fn field(&self, field: BrowseField) -> Option<Cow<'_, str>> {
        match self {
            Self::Line { line, .. } => match field {
                BrowseField::Invoice => Some(line.invoice_no.as_str().into()),
                BrowseField::StockCode => Some(line.stock_code.as_str().into()),
                BrowseField::Description => Some(line.description.as_str().into()),
                BrowseField::Quantity => Some(line.quantity.to_string().into()),
                BrowseField::InvoiceTime => Some(line.invoice_time.to_string().into()),
                BrowseField::UnitPrice => Some(line.unit_price.to_string().into()),
                BrowseField::Customer => line.customer.as_deref().map(Into::into),
                BrowseField::Country => Some(line.country.as_str().into()),
                BrowseField::Any
                | BrowseField::Reason
                | BrowseField::Column
                | BrowseField::RawText => None,
            },
            Self::Reject(reject) => match field {
                BrowseField::Reason => Some(reject.reason.slug().into()),
                BrowseField::Column => reject.column.as_deref().map(Into::into),
                BrowseField::RawText => Some(reject.raw.as_str().into()),
                BrowseField::Any
                | BrowseField::Invoice
                | BrowseField::StockCode
                | BrowseField::Description
                | BrowseField::Quantity
                | BrowseField::InvoiceTime
                | BrowseField::UnitPrice
                | BrowseField::Customer
                | BrowseField::Country => None,
            },
            Self::Unreadable { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::flow::tests::{ROWS, answer, load, open, watch, write};
    use crate::handle::{Command, Engine};
    use crate::model::Region;

    /// The field as it stands in the JSON of a message: found without the code under test.
    fn plain(message: &Message, field: BrowseField) -> Option<String> {
        let json = serde_json::to_value(message).unwrap();
        let (is_line, name) = match field {
            BrowseField::Any => unreachable!("no field of its own"),
            BrowseField::Invoice => (true, "invoice_no"),
            BrowseField::StockCode => (true, "stock_code"),
            BrowseField::Description => (true, "description"),
            BrowseField::Quantity => (true, "quantity"),
            BrowseField::InvoiceTime => (true, "invoice_time"),
            BrowseField::UnitPrice => (true, "unit_price"),
            BrowseField::Customer => (true, "customer"),
            BrowseField::Country => (true, "country"),
            BrowseField::Reason => (false, "reason"),
            BrowseField::Column => (false, "column"),
            BrowseField::RawText => (false, "raw"),
        };
        let object = if is_line { json.get("line")? } else { &json };
        match object.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.to_lowercase()),
            // The physical line of a reject has the name that the line of a message has.
            other => Some(other.to_string()),
        }
    }

    fn browse(
        engine: &Engine,
        partition: TopicPartition,
        filter: Option<BrowseFilter>,
    ) -> Vec<Message> {
        let request = BrowseRequest {
            partition,
            from: BrowseFrom::Oldest,
            scan: 1_000,
            limit: 1_000,
            filter,
        };
        let page = answer(&engine.ask(|reply| Command::Browse(Box::new(request), reply)));
        page.unwrap().messages
    }

    #[test]
    fn browsing_by_a_field_finds_what_a_plain_search_of_all_messages_finds() {
        let more = "8,17850X,france box,26,12/1/2010 8:26,17.85,,France\n\
                    9,B,narnia,8,12/1/2011 17:50,2.6,1,Spain\n";
        let dir = tempfile::tempdir().unwrap();
        let engine = open(&dir.path().join("data"));
        load(
            &engine,
            &write(dir.path(), "a.csv", &format!("{ROWS}{more}")),
        );
        watch(&engine, "the log has all", |snapshot| {
            snapshot
                .partitions
                .iter()
                .filter_map(|p| p.end)
                .map(|end| end.0)
                .sum::<u64>()
                == 10
        });
        let fields = [BrowseField::LINE.as_slice(), &BrowseField::REJECT].concat();
        let mut found = 0;
        let mut missed = 0;
        let snapshot = engine.snapshot();
        for topic in [Topic::Lines(Region::Europe), Topic::Quarantine] {
            let all: Vec<_> = snapshot
                .partitions
                .iter()
                .map(|view| view.partition)
                .filter(|partition| partition.topic == topic)
                .map(|partition| (partition, browse(&engine, partition, None)))
                .collect();
            for text in [
                "17850",
                "FRANCE",
                "26",
                "8",
                "narnia",
                "bad_price",
                "a",
                "1.5",
                "",
            ] {
                let holds = |message: &Message, field| {
                    plain(message, field).is_some_and(|value| value.contains(&text.to_lowercase()))
                };
                let any = |message: &Message| fields.iter().any(|f| holds(message, *f));
                for field in fields.iter().copied().chain([BrowseField::Any]) {
                    for (partition, messages) in &all {
                        let wanted = |message: &&Message| match field {
                            BrowseField::Any => any(message),
                            field => holds(message, field),
                        };
                        let expect: Vec<_> = messages.iter().filter(wanted).cloned().collect();
                        let filter = BrowseFilter {
                            field,
                            contains: text.to_owned(),
                        };
                        found += expect.len();
                        missed += messages.iter().filter(|m| any(m)).count() - expect.len();
                        let filtered = browse(&engine, *partition, Some(filter));
                        assert_eq!(filtered, expect, "{text:?} in {field:?} of {partition}");
                    }
                }
            }
        }
        assert!(
            found > 50 && missed > 50,
            "{found} found, {missed} only in other fields"
        );
    }

    #[test]
    fn browsing_finds_a_reason_as_people_read_it() {
        let reject = MessageContent::Reject(Reject {
            row: RowNo(1),
            line: 2,
            byte: 0,
            column: None,
            reason: crate::model::Reason::BadPrice,
            message: String::new(),
            raw: "bad date".to_owned(),
        });
        let by = |field, contains: &str| {
            let contains = contains.to_owned();
            reject.matches(&BrowseFilter { field, contains })
        };
        assert!(by(BrowseField::Reason, "Bad price") && by(BrowseField::Reason, "bad_pr"));
        assert!(!by(BrowseField::Reason, "bad date") && by(BrowseField::Any, "bad date"));
    }
}
