//! A page of rows that were set aside, with the totals around it.

use std::collections::BTreeMap;
use std::ops::Range;

use rust_decimal::Decimal;
use serde::Serialize;

use super::QuarantineError;
use super::fixes::{RejectKey, RejectStatus};
use crate::flow::runtime::Runtime;
use crate::intake::RowParts;
use crate::model::{LoadId, Reason};
use crate::ports::RejectRow;

/// Values listed as chips; the rest is counted.
const VALUES_MAX: usize = 50;

/// Which rows are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectFilter {
    /// Of one load; without it, of all but those that were made of mended rows.
    pub load: Option<LoadId>,
    /// For one reason.
    pub reason: Option<Reason>,
    /// With this text in the column at fault.
    pub value: Option<String>,
    /// Of one month, such as `2010-12`.
    pub month: Option<String>,
    /// With this in the raw text, in any ASCII case.
    pub text: Option<String>,
    /// Rows to pass over first.
    pub skip: usize,
    /// Rows to return at most.
    pub limit: usize,
}

impl Default for RejectFilter {
    fn default() -> Self {
        Self {
            load: None,
            reason: None,
            value: None,
            month: None,
            text: None,
            skip: 0,
            limit: 100,
        }
    }
}

/// A row of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectView {
    /// The row, its raw text as in the file.
    #[serde(flatten)]
    pub row: RejectRow,
    /// Its eight columns, if it can be cut into them.
    pub fields: Option<[String; 8]>,
    /// Bytes of the raw text that hold the field at fault.
    pub at_fault: Option<Range<usize>>,
    /// What that field says.
    pub value: Option<String>,
    /// Quantity times price in GBP, if both can be read.
    pub amount: Option<Decimal>,
    /// Where it stands.
    pub status: RejectStatus,
    /// How often it was set aside again after it was mended.
    pub attempts: u32,
}

/// Rows of one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonTotal {
    /// The reason.
    pub reason: Reason,
    /// All rows.
    pub rows: u64,
    /// What they are worth in GBP, as far as that can be read.
    pub amount: Decimal,
    /// Rows by month, such as `2010-12`; rows whose date cannot be read are under no month.
    pub by_month: BTreeMap<String, u64>,
}

/// Rows that say the same in the column at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueCount {
    /// What they say.
    pub value: String,
    /// How many.
    pub rows: u64,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectPage {
    /// The rows, by load and row number.
    pub rows: Vec<RejectView>,
    /// Rows that the whole filter lets through, on this page or not.
    pub total: u64,
    /// By reason, of the load or of all, whatever else the filter says.
    pub reasons: Vec<ReasonTotal>,
    /// Values of the column at fault, most frequent first, of the load and the reason.
    pub values: Vec<ValueCount>,
    /// Rows whose value is not among those that are listed.
    pub rows_of_other_values: u64,
}

impl Runtime {
    /// A page of rows that were set aside, and the totals around it.
    pub(crate) fn reject_page(&self, filter: &RejectFilter) -> Result<RejectPage, QuarantineError> {
        let board = self.quarantine.board();
        let mut rows = Vec::new();
        let mut total = 0;
        let mut reasons: BTreeMap<Reason, ReasonTotal> = BTreeMap::new();
        let mut values: BTreeMap<String, u64> = BTreeMap::new();
        self.visit_rejects(filter.load, |row, layout| {
            if filter.load.is_none() && board.is_reingest(row.load) {
                return;
            }
            let parts = RowParts::of(&row.reject, layout);
            let month = parts.time.map(|time| {
                let (year, month) = time.day().month();
                format!("{year:04}-{month:02}")
            });
            let reason = row.reject.reason;
            let sums = reasons.entry(reason).or_insert_with(|| ReasonTotal {
                reason,
                rows: 0,
                amount: Decimal::ZERO,
                by_month: BTreeMap::new(),
            });
            sums.rows += 1;
            sums.amount += parts.amount.unwrap_or_default();
            if let Some(month) = &month {
                *sums.by_month.entry(month.clone()).or_default() += 1;
            }
            if filter.reason.is_some_and(|wanted| wanted != reason) {
                return;
            }
            if let Some(value) = &parts.value {
                *values.entry(value.clone()).or_default() += 1;
            }
            let is_other = |wanted: &Option<String>, found: &Option<String>| {
                wanted.is_some() && wanted != found
            };
            if is_other(&filter.value, &parts.value) || is_other(&filter.month, &month) {
                return;
            }
            if filter
                .text
                .as_ref()
                .is_some_and(|text| !holds(&row.reject.raw, text))
            {
                return;
            }
            total += 1;
            if total > filter.skip && rows.len() < filter.limit {
                rows.push(RejectView {
                    status: board.status(&row, layout),
                    attempts: board.attempts(RejectKey::of(&row)),
                    fields: parts.fields,
                    at_fault: parts.at_fault,
                    value: parts.value,
                    amount: parts.amount,
                    row,
                });
            }
        })?;
        let (values, rows_of_other_values) = most_frequent(values);
        Ok(RejectPage {
            rows,
            total: total as u64,
            reasons: reasons.into_values().collect(),
            values,
            rows_of_other_values,
        })
    }
}

/// Whether a text holds another, in any ASCII case.
fn holds(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    wanted.is_empty()
        || text
            .windows(wanted.len())
            .any(|part| part.eq_ignore_ascii_case(wanted))
}

fn most_frequent(values: BTreeMap<String, u64>) -> (Vec<ValueCount>, u64) {
    let mut counts: Vec<ValueCount> = values
        .into_iter()
        .map(|(value, rows)| ValueCount { value, rows })
        .collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.rows));
    let rest = counts.split_off(counts.len().min(VALUES_MAX));
    (counts, rest.iter().map(|count| count.rows).sum())
}
