//! What a comparison, a repair and the lens found, as words.

use retail_engine::flow::{Lens, LensCell};
use retail_engine::model::{Dc, PerDc, Reading, RowsDigest};
use retail_engine::ports::{Comparison, RepairReport, StoreHealth};
use rust_decimal::Decimal;

use crate::views::format;
use crate::widgets::Status;

/// One data centre in a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Which.
    pub dc: Dc,
    /// Its lines.
    pub lines: Reading<u64>,
    /// Their amount.
    pub amount: Reading<Decimal>,
    /// The digest over its rows.
    pub digest: String,
}

/// A comparison of the three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whether they are equal.
    pub status: Status,
    /// The same in words.
    pub text: String,
    /// Each data centre.
    pub stored: PerDc<Stored>,
    /// Buckets that differ.
    pub unequal: usize,
    /// Summaries that differ from their rows.
    pub drift: usize,
    /// Buckets that at least one has.
    pub buckets: u64,
}

/// The digest of rows, short enough to be compared by eye.
pub fn digest(rows: &RowsDigest) -> String {
    let hex = format!("{:016x}{:016x}", rows.sum, rows.mix);
    let (head, tail) = (hex.get(..8), hex.get(hex.len().saturating_sub(4)..));
    format!("{}\u{2026}{}", head.unwrap_or(""), tail.unwrap_or(""))
}

/// A comparison, as words.
pub fn verified(comparison: &Comparison) -> Verified {
    let unread: Vec<Dc> = comparison
        .stored
        .iter()
        .filter(|(_, rows)| rows.known().is_none())
        .map(|(dc, _)| dc)
        .collect();
    let unequal = comparison.unequal.len();
    let (status, text) = if unequal > 0 {
        let buckets = format::count(unequal as u64);
        let of = format::count(comparison.buckets);
        (
            Status::Critical,
            format!("{buckets} of {of} buckets differ"),
        )
    } else if let Some(dc) = unread.first() {
        (Status::Unknown, format!("{} cannot be read", dc.name()))
    } else if comparison.drift.is_empty() {
        (
            Status::Ok,
            "all 3 data centres hold the same rows".to_owned(),
        )
    } else {
        let drift = format::count(comparison.drift.len() as u64);
        (
            Status::Warn,
            format!("{drift} summaries differ from their rows"),
        )
    };
    Verified {
        status,
        text,
        stored: PerDc::from_fn(|dc| Stored {
            dc,
            lines: comparison.stored[dc].clone().map(|rows| rows.lines),
            amount: comparison.amounts[dc].clone(),
            digest: comparison.stored[dc]
                .known()
                .map_or_else(|| "Unknown".to_owned(), digest),
        }),
        unequal,
        drift: comparison.drift.len(),
        buckets: comparison.buckets,
    }
}

/// What a repair would do, before it does.
pub fn repair_plan(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    let most = comparison
        .stored
        .iter()
        .filter_map(|(_, rows)| rows.known().map(|rows| rows.lines))
        .max()
        .unwrap_or(0);
    lines.push(format!(
        "{} of {} buckets differ; {} summaries differ from their rows.",
        format::count(comparison.unequal.len() as u64),
        format::count(comparison.buckets),
        format::count(comparison.drift.len() as u64),
    ));
    for dc in Dc::ALL {
        lines.push(match comparison.stored[dc].known() {
            Some(rows) => format!(
                "{}: {} lines, {} behind the most.",
                dc.name(),
                format::count(rows.lines),
                format::count(most.saturating_sub(rows.lines))
            ),
            None => format!("{} cannot be read now and is left out.", dc.name()),
        });
    }
    lines.push(
        "Rows are only added: each bucket gets the union of what the data centres have.".into(),
    );
    lines
}

/// The button of a repair.
pub fn repair_act(compared: &Verified) -> String {
    match (compared.unequal as u64, compared.drift as u64) {
        (0, 0) => "Repair".to_owned(),
        (0, drift) => format!("Write {} summaries again", format::count(drift)),
        (buckets, _) => format!("Repair {} buckets", format::count(buckets)),
    }
}

/// Why a repair has nothing to do; `None` where it has. A data centre that is marked as in need of
/// one is told so until it was repaired, whatever a comparison says.
pub fn nothing_to_repair(
    comparison: &Comparison,
    health: Option<&StoreHealth>,
) -> Option<&'static str> {
    let is_marked = health.is_some_and(|health| health.dcs.iter().any(|(_, dc)| dc.repair_needed));
    let is_equal = comparison.unequal.is_empty() && comparison.drift.is_empty();
    (is_equal && !is_marked).then_some("no bucket differs: there is nothing to repair")
}

/// What a repair did.
pub fn repaired(report: &RepairReport) -> String {
    format!(
        "{} of {} buckets made equal, {} rows copied, {} summaries written again",
        format::count(report.buckets_repaired),
        format::count(report.buckets_compared),
        format::count(report.lines_copied),
        format::count(report.summaries_rebuilt),
    )
}

/// One row of the lens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LensLine {
    /// The country, month or bucket.
    pub name: String,
    /// Lines and amount of each data centre.
    pub cells: PerDc<LensText>,
    /// Two of them differ.
    pub differs: bool,
}

/// What one data centre has, as words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LensText {
    /// Lines.
    pub lines: String,
    /// Amount.
    pub amount: String,
    /// It is not what most have.
    pub is_odd: bool,
}

/// The rows of the lens, those that differ first.
pub fn lens_lines(lens: &Lens) -> Vec<LensLine> {
    let mut lines: Vec<LensLine> = lens
        .rows
        .iter()
        .map(|row| {
            let differs = row.differs();
            let majority = row.majority();
            LensLine {
                name: row.name.clone(),
                cells: PerDc::from_fn(|dc| text(row.cells[dc], differs, majority)),
                differs,
            }
        })
        .collect();
    lines.sort_by_key(|line| !line.differs);
    lines
}

fn text(cell: Option<LensCell>, differs: bool, majority: Option<LensCell>) -> LensText {
    match cell {
        None => LensText {
            lines: "Unknown".to_owned(),
            amount: String::new(),
            is_odd: false,
        },
        Some(cell) => LensText {
            lines: format::count(cell.rows.lines),
            amount: format::money(cell.amount),
            is_odd: differs && majority != Some(cell),
        },
    }
}

/// What the lens says as a whole.
pub fn lens_verdict(lens: &Lens) -> (Status, String) {
    let differing = lens.differing();
    let unread = lens
        .totals
        .iter()
        .filter(|(_, total)| total.known().is_none())
        .count();
    match (differing, unread) {
        (0, 0) => (Status::Ok, "3 of 3 answers are the same".to_owned()),
        (0, unread) => (
            Status::Unknown,
            format!("{} of 3 could be read, and agree", 3 - unread),
        ),
        (rows, _) => (
            Status::Critical,
            format!("{} rows differ", format::count(rows as u64)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use retail_engine::flow::{LensGroup, LensQuery, LensRow};

    use super::*;

    fn cell(lines: u64) -> LensCell {
        LensCell {
            rows: RowsDigest {
                lines,
                sum: lines,
                mix: 0,
            },
            amount: Decimal::from(lines),
        }
    }

    #[test]
    fn what_differs_comes_first_and_the_odd_one_is_marked() {
        let row = |name: &str, cells: [Option<u64>; 3]| LensRow {
            name: name.into(),
            cells: PerDc(cells.map(|lines| lines.map(cell))),
        };
        let lens = Lens {
            query: LensQuery {
                group: LensGroup::Country,
                countries: Vec::new(),
            },
            rows: vec![
                row("A", [Some(2), Some(2), Some(2)]),
                row("B", [Some(1), Some(2), Some(2)]),
            ],
            totals: PerDc([3, 4, 4].map(|lines| Reading::Known(cell(lines)))),
        };
        let lines = lens_lines(&lens);
        assert_eq!(lines[0].name, "B");
        assert!(lines[0].cells[Dc::Europe].is_odd);
        assert!(!lines[0].cells[Dc::Americas].is_odd);
        assert!(!lines[1].differs);
        assert_eq!(
            lens_verdict(&lens),
            (Status::Critical, "1 rows differ".into())
        );
    }
}
