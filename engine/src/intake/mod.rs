//! Bytes to rows: encoding, delimiter, header, dates.
//!
//! One streaming reader, [`LineReader`], for `.csv` and `.csv.gz`. The preview ([`preview`]), the
//! count beforehand ([`check`]) and the load all read through it, so what is shown is what is
//! loaded. Every physical line of a file comes out as part of exactly one row, clean or set
//! aside; only a file as a whole can be an [`IntakeError`].
//!
//! The way of a byte: `source` (file, gunzip) -> `text` (transcoding) -> `split` (rows, fields)
//! -> `lines` (types, rules, routes, identity). `open` reads the head once, decides from it how
//! the file is read (`encoding`, `header`, dates), and hands the same bytes on to the load.
//!
//! Not here: what a field means (`clean`), where a country goes (`route`), queues and threads.

mod check;
mod encoding;
mod error;
mod export;
mod find;
mod header;
mod lines;
mod mend;
mod open;
mod options;
mod plan;
mod preview;
mod quoted;
mod reject;
mod scan;
mod source;
mod split;
#[cfg(test)]
mod tests;
mod text;

pub use check::{
    CheckReport, CheckTotals, CountryCount, DateEvidence, RuleEffect, check, check_watched,
};
pub use error::{ForeignKind, IntakeError};
pub(crate) use export::with_point;
pub use export::{EXTRA_COLUMNS, ExportError, RowLayout, row_fields, write_rejects_csv};
pub use find::{FileRow, find_row};
pub use lines::{CleanLine, LineReader, ReadProgress, ReadRow, SetAside};
pub use mend::{RowParts, field_spans, write_rows_csv};
pub use options::{Column, Delimiter, Limits, ReadOptions, TextEncoding};
pub use plan::{Basis, Decision, HeaderCell, ReadPlan, Warning, WarningCode};
pub use preview::{Preview, PreviewOutcome, PreviewRow, preview};
pub use reject::RAW_BYTES_MAX;
pub use source::{Fingerprint, Packing};
