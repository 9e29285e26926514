//! Rows that were set aside as a CSV that loads again once they are mended.
//!
//! The eight columns come first, then columns that the reader ignores. Fields are exactly as in
//! the original file, a leading `=` included: neutralising it would change the data that is to
//! be loaded again. The exceptions are a date and a number that could be read: they are written with
//! the year first and a decimal point, because a few rows alone may no longer show the order of day
//! and month, or the mark.
//!
//! A row that cannot be cut into the fields of its header has its eight columns left empty, so
//! that it can never be loaded by mistake, and stands whole in the column `raw`.

use std::io::Write;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::clean::{DateOrder, DecimalMark, parse_date, parse_price, parse_quantity, trim};
use crate::model::Reject;

use super::options::{Column, Delimiter};
use super::plan::ReadPlan;
use super::reject::RAW_BYTES_MAX;

/// The columns after the eight.
pub const EXTRA_COLUMNS: [&str; 7] = [
    "reject_reason",
    "reject_line",
    "reject_row",
    "reject_byte",
    "reject_column",
    "reject_message",
    "reject_raw",
];

/// How the rows of a file are cut: what is needed to take a rejected row apart again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowLayout {
    /// What lies between fields.
    pub delimiter: Delimiter,
    /// The order of day and month.
    pub date_order: DateOrder,
    /// What stands before the decimals of a price; a point in what was written before it could be
    /// anything else.
    #[serde(default)]
    pub decimal: DecimalMark,
    /// Which column each field is, in the order of the file.
    pub columns: Vec<Option<Column>>,
}

impl RowLayout {
    /// The layout of a file.
    pub fn of(plan: &ReadPlan) -> Self {
        Self {
            delimiter: plan.delimiter.value,
            date_order: plan.date_order.value,
            decimal: plan.decimal.value,
            columns: plan.header.iter().map(|cell| cell.column).collect(),
        }
    }
}

impl Default for RowLayout {
    /// The data set's own.
    fn default() -> Self {
        Self {
            delimiter: Delimiter::Comma,
            date_order: DateOrder::MonthFirst,
            decimal: DecimalMark::Point,
            columns: Column::ALL.into_iter().map(Some).collect(),
        }
    }
}

/// A file of rejects that could not be written.
#[derive(Debug, Error)]
#[error("the rejects could not be written: {0}")]
pub struct ExportError(#[from] csv::Error);

impl ExportError {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        "Check that the disk has room and the folder may be written to, and export again."
    }
}

/// Writes rows that were set aside; returns how many.
pub fn write_rejects_csv(
    writer: impl Write,
    layout: &RowLayout,
    rows: impl IntoIterator<Item = Reject>,
) -> Result<u64, ExportError> {
    let mut out = csv::WriterBuilder::new().from_writer(writer);
    let names = Column::ALL.map(Column::name);
    out.write_record(names.iter().chain(&EXTRA_COLUMNS))?;
    let mut count = 0;
    for reject in rows {
        let fields = row_fields(&reject.raw, layout).unwrap_or_default();
        for field in &fields {
            out.write_field(field)?;
        }
        for extra in [
            reject.reason.slug(),
            &reject.line.to_string(),
            &reject.row.0.to_string(),
            &reject.byte.to_string(),
            reject.column.as_deref().unwrap_or_default(),
            &reject.message,
            &reject.raw,
        ] {
            out.write_field(extra)?;
        }
        out.write_record(None::<&[u8]>)?;
        count += 1;
    }
    out.flush().map_err(csv::Error::from)?;
    Ok(count)
}

/// A quantity or a price that can be read and has a decimal comma, with a point.
pub(crate) fn with_point(column: Column, number: &str, mark: DecimalMark) -> Option<String> {
    let field = trim(number.as_bytes());
    let is_read = match column {
        Column::Quantity => parse_quantity(field, mark).is_ok(),
        Column::UnitPrice => parse_price(field, mark).is_ok(),
        _ => false,
    };
    is_read.then(|| mark.with_point(number)).flatten()
}

/// The eight columns of a row, in the usual order, a date that can be read with its year first, a
/// number that can be read with a decimal point; `None` if the row is not whole.
pub fn row_fields(raw: &str, layout: &RowLayout) -> Option<[String; 8]> {
    if raw.len() + 4 > RAW_BYTES_MAX {
        return None;
    }
    let quoted = raw
        .split(char::from(layout.delimiter.byte()))
        .any(|field| field.starts_with('"'));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(layout.delimiter.byte())
        .quoting(quoted)
        .from_reader(raw.as_bytes());
    let mut rows = reader.records();
    let row = rows.next()?.ok()?;
    // An open quote swallows the end without an error: what was cut must give the row back.
    let closed = !quoted || raw.matches('"').count().is_multiple_of(2);
    if row.len() != layout.columns.len() || rows.next().is_some() || !closed {
        return None;
    }
    let mut fields: [String; 8] = Default::default();
    for (field, column) in row.iter().zip(&layout.columns) {
        if let Some(column) = column {
            field.clone_into(&mut fields[*column as usize]);
        }
    }
    let date = &mut fields[Column::InvoiceDate as usize];
    if let Ok(reading) = parse_date(trim(date.as_bytes()), layout.date_order) {
        *date = reading.time.to_string();
    }
    for column in [Column::Quantity, Column::UnitPrice] {
        let number = &mut fields[column as usize];
        if let Some(pointed) = with_point(column, number, layout.decimal) {
            *number = pointed;
        }
    }
    Some(fields)
}
