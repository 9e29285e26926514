//! What the first rows become: the reader of the load, over the head of a file.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::clean::Rules;
use crate::model::{Line, ReasonCounts, Region, Reject, RowNo};
use crate::route::RoutingMap;

use super::error::IntakeError;
use super::lines::{LineReader, ReadRow};
use super::options::ReadOptions;
use super::plan::ReadPlan;

/// One row of a preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewRow {
    /// Data row, from 1.
    pub row: RowNo,
    /// Physical line on which it begins, from 1.
    pub line: u64,
    /// As it stands in the file, transcoded to UTF-8; cut after 4,096 bytes.
    pub raw: String,
    /// What becomes of it.
    pub outcome: PreviewOutcome,
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewOutcome {
    /// It flows to a region.
    Clean {
        /// As it will be stored.
        line: Line,
        /// Where to.
        region: Region,
    },
    /// It does not.
    SetAside(Reject),
}

/// The first rows of a file and how it will be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Encoding, delimiter, dates, header and warnings.
    pub plan: ReadPlan,
    /// The first rows.
    pub rows: Vec<PreviewRow>,
    /// Rows of the head, shown or not.
    pub head_rows: u64,
    /// Of those, clean.
    pub head_clean: u64,
    /// Of those, set aside, by reason.
    pub head_set_aside: ReasonCounts,
    /// Whether the head is the whole file, and the counts final.
    pub whole_file: bool,
}

/// Reads the head of a file and shows its first `rows` rows.
pub fn preview(
    path: &Path,
    options: &ReadOptions,
    rules: &Rules,
    routing: &Arc<RoutingMap>,
    rows: usize,
) -> Result<Preview, IntakeError> {
    let mut reader = LineReader::open(path, options, rules, routing)?;
    let mut shown = Vec::new();
    let (mut head_rows, mut head_clean) = (0, 0);
    let mut head_set_aside = ReasonCounts::default();
    let whole_file = loop {
        let in_head = reader.in_head();
        let Some(read) = (if in_head || reader.at_end() {
            reader.next()?
        } else {
            None
        }) else {
            break reader.at_end();
        };
        head_rows += 1;
        let (row, outcome) = match read {
            ReadRow::Clean(clean) => {
                head_clean += 1;
                if shown.len() >= rows {
                    continue;
                }
                let line = clean.record.line.to_owned();
                let region = clean.region;
                (clean.record.row, PreviewOutcome::Clean { line, region })
            }
            ReadRow::SetAside(aside) => {
                head_set_aside.add(aside.reject.reason);
                (aside.reject.row, PreviewOutcome::SetAside(aside.reject))
            }
        };
        if shown.len() < rows {
            let (line, raw) = reader.last_raw();
            shown.push(PreviewRow {
                row,
                line,
                raw,
                outcome,
            });
        }
    };
    Ok(Preview {
        plan: reader.plan().clone(),
        rows: shown,
        head_rows,
        head_clean,
        head_set_aside,
        whole_file,
    })
}
