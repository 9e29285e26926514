//! What a plan would change in the store, shown by a sample of the lines that it moves over: each
//! as the log has it, against what is stored of it now.
//!
//! A line's id is made of its content, so a stored line with the same id is the same line: what
//! can differ is only whether it is stored. Reading a line again stores it where it is missing;
//! a line that is passed over stays out if it is not stored yet. Nothing is written here.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use crate::flow::browse::{BrowseError, BrowseFrom, BrowseRequest, Message, MessageContent};
use crate::flow::runtime::Runtime;
use crate::model::{BucketKey, Line, LineTable, Offset, Shard, TopicPartition};
use crate::ports::{ReadSource, RejectQuery, StoreError};
use crate::replay::plan::{Plan, PlanRow};

/// Places of a partition's span that are looked at, spread evenly over it.
const PLACES: u64 = 4;
/// Lines that are looked at in each place.
const LINES_EACH: u64 = 5;

/// Whether a line is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InStore {
    /// It is stored, as the log has it.
    Stored,
    /// It is not.
    Missing,
}

/// A line whose standing a plan changes, or leaves as it should not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SampledLine {
    /// Where in the log.
    pub partition: TopicPartition,
    /// Its offset.
    pub offset: Offset,
    /// What it says, in a few words.
    pub says: String,
    /// Before the plan is applied.
    pub before: InStore,
    /// After everything was read again.
    pub after: InStore,
}

/// A sample of the lines that a plan moves over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PlanSample {
    /// Lines that were looked at.
    pub looked_at: u64,
    /// Of those, the ones that are stored before and after.
    pub same: u64,
    /// The others.
    pub differ: Vec<SampledLine>,
}

/// Why no sample was taken.
#[derive(Debug, Error)]
pub enum SampleError {
    /// The log could not be read.
    #[error(transparent)]
    Browse(#[from] BrowseError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Buckets that were read: the ids of their lines.
type Known = BTreeMap<BucketKey, Vec<String>>;

impl Runtime {
    /// Looks at a few of the lines that a plan moves over.
    pub(crate) fn sample_plan(&self, plan: &Plan) -> Result<PlanSample, SampleError> {
        let mut sample = PlanSample::default();
        let mut known = Known::new();
        for row in &plan.rows {
            let again = row.read_again > 0;
            for message in self.moved_over(row)? {
                let Some(is_stored) = self.is_stored(&message, &mut known)? else {
                    continue; // Not a line: what it is stays unknown.
                };
                sample.looked_at += 1;
                if is_stored {
                    sample.same += 1;
                    continue;
                }
                sample.differ.push(SampledLine {
                    partition: row.partition,
                    offset: message.offset,
                    says: says(&message.content),
                    before: InStore::Missing,
                    after: if again {
                        InStore::Stored
                    } else {
                        InStore::Missing
                    },
                });
            }
        }
        Ok(sample)
    }

    /// A few messages between where a partition's group stands and where it will.
    fn moved_over(&self, row: &PlanRow) -> Result<Vec<Message>, BrowseError> {
        let (Some(after), lines) = (row.after, row.read_again.max(row.skipped)) else {
            return Ok(Vec::new());
        };
        let from = if row.read_again > 0 {
            after.0
        } else {
            after.0.saturating_sub(row.skipped)
        };
        let to = from + lines;
        let step = (lines / PLACES).max(LINES_EACH);
        let mut messages = Vec::new();
        let mut at = from;
        while at < to {
            let scan = LINES_EACH.min(to - at);
            let request = BrowseRequest {
                partition: row.partition,
                from: BrowseFrom::Offset(Offset(at)),
                scan,
                limit: usize::try_from(scan).unwrap_or(usize::MAX),
                filter: None,
            };
            messages.extend(self.browse(&request)?.messages);
            at += step;
        }
        Ok(messages)
    }

    fn is_stored(&self, message: &Message, known: &mut Known) -> Result<Option<bool>, StoreError> {
        let from = self.routes.read_anywhere();
        match &message.content {
            MessageContent::Line { line, line_id, .. } => {
                self.is_line_stored(line, line_id, from, known).map(Some)
            }
            MessageContent::Reject(reject) => {
                let query = RejectQuery {
                    load: Some(message.load),
                    row: Some(reject.row),
                    limit: Some(1),
                    ..RejectQuery::default()
                };
                Ok(Some(!self.store.rejects(&query, from)?.is_empty()))
            }
            MessageContent::Unreadable { .. } => Ok(None),
        }
    }

    fn is_line_stored(
        &self,
        line: &Line,
        line_id: &str,
        from: ReadSource,
        known: &mut Known,
    ) -> Result<bool, StoreError> {
        let Some(country) = self.store.catalog().find_country(&line.country) else {
            return Ok(false); // A country that no stored line has.
        };
        let key = BucketKey {
            table: LineTable::Transactions,
            country,
            day: line.invoice_time.day(),
            shard: Shard::of_invoice(&line.invoice_no),
        };
        if let Some(ids) = known.get(&key) {
            return Ok(ids.iter().any(|id| id == line_id));
        }
        let rows = self.store.read_bucket(key, from)?;
        let ids: Vec<String> = rows
            .lines
            .iter()
            .map(|line| format!("{:016x}", line.line_id.0))
            .collect();
        let is_there = ids.iter().any(|id| id == line_id);
        known.insert(key, ids);
        Ok(is_there)
    }
}

fn says(content: &MessageContent) -> String {
    match content {
        MessageContent::Line { line, .. } => format!(
            "{} {} {} \u{d7} {}",
            line.invoice_no, line.stock_code, line.quantity, line.unit_price
        ),
        MessageContent::Reject(reject) => {
            format!("{} of line {}", reject.reason.slug(), reject.line)
        }
        MessageContent::Unreadable { why } => why.clone(),
    }
}
