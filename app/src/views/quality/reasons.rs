//! Why rows were set aside: what a reason is called, the table of all reasons, what the ledger says.

use std::collections::BTreeMap;

use retail_engine::flow::ReasonTotal;
use retail_engine::ledger::Intake;
use retail_engine::model::Reason;
use rust_decimal::Decimal;

use crate::views::format;

/// What a reason is called.
pub const fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::BadEncoding => "Not text in this encoding",
        Reason::ControlChar => "Control character",
        Reason::TrailingNuls => "File cut off",
        Reason::UnclosedQuote => "Quote not closed",
        Reason::FieldTooLong => "Field too long",
        Reason::RecordTooLong => "Row too long",
        Reason::Ragged => "Wrong number of fields",
        Reason::HeaderRepeat => "Header once more",
        Reason::Blank => "Blank line",
        Reason::MissingField => "Field empty",
        Reason::BadQuantity => "Quantity not a number",
        Reason::QuantityOutOfRange => "Quantity out of range",
        Reason::BadPrice => "Price not a number",
        Reason::PriceOutOfRange => "Price out of range",
        Reason::BadDate => "Not a date",
        Reason::AmbiguousDate => "Date in another order",
        Reason::BadCustomer => "Not a customer number",
        Reason::UnroutableCountry => "Unknown country",
        Reason::Cancellation => "Cancellation",
        Reason::NonpositiveQuantity => "Quantity 0 or less",
        Reason::NonpositivePrice => "Price 0 or less",
        Reason::NoCustomer => "No customer number",
        Reason::Duplicate => "Exact copy of another line",
    }
}

/// The column that a reason looks at.
pub const fn reason_column(reason: Reason) -> &'static str {
    match reason {
        Reason::BadEncoding
        | Reason::ControlChar
        | Reason::TrailingNuls
        | Reason::UnclosedQuote
        | Reason::RecordTooLong
        | Reason::Ragged
        | Reason::HeaderRepeat
        | Reason::Blank => "row",
        Reason::FieldTooLong | Reason::MissingField => "any",
        Reason::Duplicate => "all",
        Reason::BadQuantity | Reason::QuantityOutOfRange | Reason::NonpositiveQuantity => {
            "Quantity"
        }
        Reason::BadPrice | Reason::PriceOutOfRange | Reason::NonpositivePrice => "UnitPrice",
        Reason::BadDate | Reason::AmbiguousDate => "InvoiceDate",
        Reason::BadCustomer | Reason::NoCustomer => "CustomerID",
        Reason::UnroutableCountry => "Country",
        Reason::Cancellation => "InvoiceNo",
    }
}

/// A line of the table of reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct ReasonRow {
    /// The reason.
    pub reason: Reason,
    /// Its name.
    pub name: &'static str,
    /// The column that it looks at.
    pub column: &'static str,
    /// Rows.
    pub rows: u64,
    /// Their share of all that were read.
    pub share: String,
    /// Their share of the largest reason, 0 to 1.
    pub bar: f32,
    /// What they are worth.
    pub worth: String,
    /// Rows by month, from the first month of any reason to the last.
    pub months: Vec<Option<f64>>,
    /// The same in words, for those who cannot see the line.
    pub months_text: String,
}

/// The table of reasons, with the line below it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReasonTable {
    /// Most rows first.
    pub rows: Vec<ReasonRow>,
    /// Rows of all reasons.
    pub total: u64,
    /// Their share of all that were read.
    pub share: String,
    /// What they are worth.
    pub worth: String,
    /// The months, such as `2010-12`.
    pub months: Vec<String>,
    /// First and last month in words.
    pub span: Option<(String, String)>,
    /// Whether the first months of a year are on the axis, so that a line says something.
    pub undated: u64,
}

/// The table of reasons out of `read` rows.
pub fn reasons(totals: &[ReasonTotal], read: u64) -> ReasonTable {
    let months = months(totals);
    let most = totals.iter().map(|total| total.rows).max().unwrap_or(0);
    let share =
        |rows| format::share(rows, read).map_or_else(|| "Unknown".to_owned(), format::percent);
    let mut rows: Vec<ReasonRow> = totals
        .iter()
        .map(|total| ReasonRow {
            reason: total.reason,
            name: reason_name(total.reason),
            column: reason_column(total.reason),
            rows: total.rows,
            share: share(total.rows),
            bar: format::share(total.rows, most).map_or(0.0, narrow),
            worth: worth(total.amount),
            months: months
                .iter()
                .map(|month| Some(total.by_month.get(month).copied().unwrap_or(0) as f64))
                .collect(),
            months_text: in_months(&total.by_month),
        })
        .collect();
    rows.sort_by(|a, b| b.rows.cmp(&a.rows).then(a.reason.cmp(&b.reason)));
    let total = totals.iter().map(|total| total.rows).sum();
    let dated: u64 = totals
        .iter()
        .flat_map(|total| total.by_month.values())
        .sum();
    let worth: Decimal = totals.iter().map(|total| total.amount).sum();
    ReasonTable {
        rows,
        total,
        share: share(total),
        worth: self::worth(worth),
        span: months
            .first()
            .zip(months.last())
            .map(|(first, last)| (month_name(first), month_name(last))),
        months,
        undated: total - dated.min(total),
    }
}

/// Money with the places that prices have, so that a column of it is aligned; exact.
fn worth(amount: Decimal) -> String {
    format::decimal(placed(amount))
}

/// With three places at least: prices have up to three.
pub(super) fn placed(mut amount: Decimal) -> Decimal {
    if amount.scale() < 3 {
        amount.rescale(3);
    }
    amount
}

#[expect(clippy::cast_possible_truncation, reason = "a share of 0 to 1")]
const fn narrow(share: f64) -> f32 {
    share as f32
}

fn in_months(by_month: &BTreeMap<String, u64>) -> String {
    if by_month.is_empty() {
        return "no date can be read".to_owned();
    }
    let parts: Vec<String> = by_month
        .iter()
        .map(|(month, rows)| format!("{} {}", month_name(month), format::count(*rows)))
        .collect();
    parts.join(", ")
}

/// All months from the first to the last that has rows.
fn months(totals: &[ReasonTotal]) -> Vec<String> {
    let named = || totals.iter().flat_map(|total| total.by_month.keys());
    let (Some(first), Some(last)) = (named().min(), named().max()) else {
        return Vec::new();
    };
    // A broken date of another century must not make an axis of a thousand months.
    let most = 120;
    let mut months = vec![first.clone()];
    while months.len() < most
        && let Some(month) = months.last().and_then(|month| next_month(month))
        && month <= *last
    {
        months.push(month);
    }
    months
}

fn next_month(month: &str) -> Option<String> {
    let (year, month) = month.split_once('-')?;
    let (year, month): (i32, u32) = (year.parse().ok()?, month.parse().ok()?);
    Some(if month >= 12 {
        format!("{:04}-01", year + 1)
    } else {
        format!("{year:04}-{:02}", month + 1)
    })
}

/// `Dec 10` for `2010-12`.
pub fn month_name(month: &str) -> String {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let named = month.split_once('-').and_then(|(year, number)| {
        let number: usize = number.parse().ok()?;
        let name = NAMES.get(number.checked_sub(1)?)?;
        Some(format!("{name} {}", year.get(year.len() - 2..)?))
    });
    named.unwrap_or_else(|| month.to_owned())
}

/// What the ledger says of the rows that were set aside.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Rows read.
    pub read: u64,
    /// Rows set aside, by the ledger.
    pub set_aside: u64,
    /// Of those, left out by choice.
    pub filtered: u64,
    /// Of those, wrong.
    pub rejected: u64,
    /// Rows that became lines.
    pub clean: u64,
}

impl Summary {
    /// Of one load or of several.
    pub fn of<'a>(intakes: impl IntoIterator<Item = &'a Intake>) -> Self {
        let mut sum = Self::default();
        for intake in intakes {
            sum.read += intake.read;
            sum.clean += intake.clean;
            for (reason, rows) in intake.set_aside.iter() {
                sum.set_aside += rows;
                if reason.is_rejection() {
                    sum.rejected += rows;
                } else {
                    sum.filtered += rows;
                }
            }
        }
        sum
    }

    /// Rows that are in no place: 0 when the sheet balances.
    pub const fn gap(&self) -> u64 {
        self.read.abs_diff(self.set_aside + self.clean)
    }

    /// Share of the rows set aside.
    pub fn share(&self) -> Option<f64> {
        format::share(self.set_aside, self.read)
    }

    /// Share of the filtered among those that were set aside, 0 to 1.
    pub fn filtered_share(&self) -> f32 {
        format::share(self.filtered, self.set_aside).map_or(0.0, narrow)
    }
}

#[cfg(test)]
mod tests {
    use retail_engine::model::Region;

    use super::*;

    fn total(reason: Reason, rows: u64, months: &[(&str, u64)]) -> ReasonTotal {
        ReasonTotal {
            reason,
            rows,
            amount: Decimal::new(1_500, 3),
            by_month: months.iter().map(|(m, n)| ((*m).to_owned(), *n)).collect(),
        }
    }

    #[test]
    fn reasons_come_by_their_rows_and_add_up() {
        let table = reasons(
            &[
                total(Reason::BadPrice, 3, &[("2010-11", 2)]),
                total(Reason::Cancellation, 7, &[("2011-01", 7)]),
            ],
            1_000,
        );
        assert_eq!(table.total, 10);
        assert_eq!(table.share, "1.0 %");
        assert_eq!(table.worth, "3.000");
        assert_eq!(table.rows[0].name, "Cancellation");
        assert_eq!(table.months, ["2010-11", "2010-12", "2011-01"]);
        assert_eq!(table.rows[1].months, [Some(2.0), Some(0.0), Some(0.0)]);
        assert_eq!(table.undated, 1);
        assert_eq!(table.span.unwrap(), ("Nov 10".into(), "Jan 11".into()));
        assert_eq!(reasons(&[], 0).share, "Unknown");
    }

    #[test]
    fn a_summary_keeps_what_is_wrong_from_what_was_left_out() {
        let mut intake = Intake::default();
        for _ in 0..5 {
            intake.add_set_aside(Reason::Cancellation);
        }
        intake.add_set_aside(Reason::BadDate);
        intake.add_clean(Region::Europe, Decimal::ONE);
        let sum = Summary::of([&intake, &intake]);
        assert_eq!((sum.read, sum.set_aside, sum.clean), (14, 12, 2));
        assert_eq!((sum.filtered, sum.rejected, sum.gap()), (10, 2, 0));
        intake.read += 3;
        assert_eq!(Summary::of([&intake]).gap(), 3);
    }

    #[test]
    fn months_are_named() {
        assert_eq!(month_name("2010-12"), "Dec 10");
        assert_eq!(month_name("x"), "x");
    }
}
