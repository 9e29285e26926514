//! Rows that were set aside, as the page about them shows them.

use std::collections::BTreeMap;

use retail_engine::flow::{
    FixEffect, FixRule, LoadRecord, ReasonTotal, ReingestPlan, RejectStatus, RejectView,
};
use retail_engine::intake::Column;
use retail_engine::ledger::Intake;
use retail_engine::model::{LoadId, Reason, Region};
use rust_decimal::Decimal;

use super::format;

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
fn placed(mut amount: Decimal) -> Decimal {
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

/// How a load is called where one is chosen.
pub fn load_name(load: &LoadRecord) -> String {
    let file = load.file.file_name().unwrap_or_default().to_string_lossy();
    format!("{} {file}", load.id)
}

/// What is wrong with a row, without what to do about it.
pub fn defect(view: &RejectView) -> &str {
    let message = &view.row.reject.message;
    message.split(';').next().unwrap_or(message).trim()
}

/// What to do about a row, in words.
pub fn advice(view: &RejectView) -> String {
    let message = &view.row.reject.message;
    let advice = message.split_once(';').map_or("", |(_, advice)| advice);
    match advice.trim() {
        "" => match view.row.reject.reason {
            Reason::TrailingNuls => "Export the file again.".to_owned(),
            _ => "Correct the field, or leave the row as it is.".to_owned(),
        },
        advice => sentence(advice),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .map(|letter| letter.to_uppercase().collect())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// Where a row stands, in few words; `None` while nobody has mended it.
pub fn standing(status: &RejectStatus) -> Option<String> {
    match status {
        RejectStatus::Open => None,
        RejectStatus::FixPending { fixes } => Some(match fixes.as_slice() {
            [_] => "fix pending".to_owned(),
            fixes => format!("{} fixes pending", fixes.len()),
        }),
        RejectStatus::Reingested { load } => Some(format!("flowed in {load}")),
        RejectStatus::Parked { attempts } => Some(format!("parked after {attempts} attempts")),
    }
}

/// The raw text in three parts, the field at fault in the middle, with what cannot be seen written
/// out.
pub fn marked_raw(view: &RejectView) -> [String; 3] {
    let raw = &view.row.reject.raw;
    let fault = view.at_fault.clone().unwrap_or(raw.len()..raw.len());
    let part = |range| visible(raw.get(range).unwrap_or_default());
    [
        part(0..fault.start.min(raw.len())),
        part(fault.clone()),
        part(fault.end.min(raw.len())..raw.len()),
    ]
}

/// Text with control characters written out.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

/// A fix in words.
pub fn fix_words(rule: &FixRule) -> String {
    let text = |text: &str| {
        if text.is_empty() {
            "empty".to_owned()
        } else {
            format!("\u{201c}{text}\u{201d}")
        }
    };
    match rule {
        FixRule::Field { row, column, to } => {
            let (load, row) = (row.load, format::count(row.row.0));
            format!("{load} row {row}: {} {}", column.name(), text(to))
        }
        FixRule::Row { row, .. } => {
            let (load, row) = (row.load, format::count(row.row.0));
            format!("{load} row {row}: all fields")
        }
        FixRule::Alike {
            column, from, to, ..
        } if from == to => format!("All {} {}: as it is", column.name(), text(from)),
        FixRule::Alike {
            column, from, to, ..
        } => {
            format!("All {} {}: {}", column.name(), text(from), text(to))
        }
    }
}

/// What mended rows become, in words.
pub fn becomes(effect: &FixEffect) -> String {
    let mut parts = Vec::new();
    if effect.clean > 0 || effect.rows == 0 || effect.set_aside.total() == 0 {
        parts.push(format!("{} clean", format::count(effect.clean)));
    }
    match effect.copies {
        0 => {}
        1 => parts.push("1 exact copy".to_owned()),
        copies => parts.push(format!("{} exact copies", format::count(copies))),
    }
    match effect.set_aside.total() {
        0 => {}
        rows => parts.push(format!("{} set aside again", format::count(rows))),
    }
    parts.join(", ")
}

/// Why rows would be set aside again.
pub fn again(effect: &FixEffect) -> Option<String> {
    let parts: Vec<String> = effect
        .set_aside
        .iter()
        .map(|(reason, rows)| format!("{} {}", format::count(rows), reason_name(reason)))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Money that comes to the sales.
pub fn gain(amount: Decimal) -> String {
    let amount = placed(amount);
    if amount.is_sign_negative() {
        format::money(amount)
    } else {
        format!("+{}", format::money(amount))
    }
}

/// Rows, with the word.
pub fn rows_words(rows: u64) -> String {
    if rows == 1 {
        "1 row".to_owned()
    } else {
        format!("{} rows", format::count(rows))
    }
}

/// What a re-ingest says before it is done.
pub fn plan_lines(plan: &ReingestPlan) -> Vec<String> {
    let effect = &plan.effect;
    let fixes = match plan.fixes.len() {
        1 => "1 fix".to_owned(),
        fixes => format!("{fixes} fixes"),
    };
    let mut lines = vec![
        format!("{fixes}, {} sent again.", rows_words(effect.rows)),
        format!("They become: {}.", becomes(effect)),
    ];
    if let Some(again) = again(effect) {
        lines.push(format!("Set aside again: {again}."));
    }
    lines.push(format!("Sales change by {}.", gain(effect.amount)));
    let regions: Vec<String> = Region::ALL
        .into_iter()
        .filter(|region| effect.by_region[*region] > 0)
        .map(|region| {
            let lines = format::count(effect.by_region[region]);
            format!("{} {lines}", region.name())
        })
        .collect();
    if !regions.is_empty() {
        lines.push(format!("New lines by region: {}.", regions.join(", ")));
    }
    lines.push("It runs as a load of its own, with its own ledger.".to_owned());
    lines.push(
        "Lines that are produced stay: neither the fixes nor the lines can be taken back after \
         this."
            .to_owned(),
    );
    lines
}

/// Why a fix cannot be added; `None` when it can.
pub fn blocked(effect: Option<&FixEffect>, status: &RejectStatus) -> Option<&'static str> {
    match status {
        RejectStatus::Reingested { .. } => return Some("this row flowed already"),
        RejectStatus::Parked { .. } => {
            return Some("parked: it was set aside again 3 times; look at its source");
        }
        RejectStatus::Open | RejectStatus::FixPending { .. } => {}
    }
    match effect {
        None => Some("waits for what it would do"),
        Some(effect) if effect.rows == 0 => Some("it is about no row that can be sent again"),
        Some(effect) if effect.clean + effect.copies == 0 => Some("no row would be clean"),
        Some(_) => None,
    }
}

/// A column by its place in a list of choices.
pub fn columns() -> Vec<(Column, String)> {
    Column::ALL
        .into_iter()
        .map(|column| (column, column.name().to_owned()))
        .collect()
}

/// The arguments of `retail-engine` that save rejects.
pub fn export_args(load: Option<LoadId>, reason: Option<Reason>, file: &str) -> Vec<String> {
    let mut args = vec!["rejects".to_owned()];
    if let Some(load) = load {
        args.extend(["--load".to_owned(), load.to_string()]);
    }
    if let Some(reason) = reason {
        args.extend(["--reason".to_owned(), reason.slug().to_owned()]);
    }
    args.extend(["--export".to_owned(), file.to_owned()]);
    args
}

#[cfg(test)]
mod tests {
    use retail_engine::flow::{FixId, RejectKey};
    use retail_engine::model::{PerRegion, ReasonCounts, Reject, RowNo};
    use retail_engine::ports::RejectRow;

    use super::*;

    fn total(reason: Reason, rows: u64, months: &[(&str, u64)]) -> ReasonTotal {
        ReasonTotal {
            reason,
            rows,
            amount: Decimal::new(1_500, 3),
            by_month: months.iter().map(|(m, n)| ((*m).to_owned(), *n)).collect(),
        }
    }

    fn view(message: &str, raw: &str, at_fault: Option<std::ops::Range<usize>>) -> RejectView {
        RejectView {
            row: RejectRow {
                load: LoadId(1),
                reject: Reject {
                    row: RowNo(1),
                    line: 2,
                    byte: 0,
                    column: None,
                    reason: Reason::BadPrice,
                    message: message.into(),
                    raw: raw.into(),
                },
            },
            fields: None,
            at_fault,
            value: None,
            amount: None,
            status: RejectStatus::Open,
            attempts: 0,
        }
    }

    fn effect(clean: u64, copies: u64, aside: u64) -> FixEffect {
        let mut set_aside = ReasonCounts::default();
        set_aside.add_many(Reason::NonpositivePrice, aside);
        FixEffect {
            rows: clean + copies + aside,
            clean,
            copies,
            amount: Decimal::new(4_740_940, 3),
            by_region: PerRegion([clean, 0, 0]),
            set_aside,
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
    fn a_row_says_what_is_wrong_and_what_to_do() {
        let row = view("\"x\" is not a price; write it like 2.55", "a,x\0,b", None);
        assert_eq!(defect(&row), "\"x\" is not a price");
        assert_eq!(advice(&row), "Write it like 2.55.");
        assert_eq!(
            marked_raw(&row),
            [r"a,x\u{0},b".to_owned(), String::new(), String::new()]
        );
        let row = view("broken", "a,x,b", Some(2..3));
        assert_eq!(marked_raw(&row), ["a,", "x", ",b"]);
        assert!(advice(&row).starts_with("Correct the field"));
    }

    #[test]
    fn an_effect_is_told_with_what_would_be_set_aside_again() {
        assert_eq!(becomes(&effect(442, 4, 0)), "442 clean, 4 exact copies");
        assert_eq!(becomes(&effect(0, 1, 2)), "1 exact copy, 2 set aside again");
        assert_eq!(again(&effect(0, 0, 2)).unwrap(), "2 Price 0 or less");
        assert_eq!(gain(Decimal::new(4_740_940, 3)), "+£4\u{2009}740.940");
        let open = RejectStatus::Open;
        assert_eq!(blocked(Some(&effect(1, 0, 0)), &open), None);
        assert!(blocked(Some(&effect(0, 0, 2)), &open).is_some());
        assert!(blocked(None, &open).is_some());
        let parked = RejectStatus::Parked { attempts: 3 };
        assert!(blocked(Some(&effect(1, 0, 0)), &parked).is_some());
        assert_eq!(standing(&parked).unwrap(), "parked after 3 attempts");
        let pending = RejectStatus::FixPending {
            fixes: vec![FixId(1)],
        };
        assert_eq!(standing(&pending).unwrap(), "fix pending");
    }

    #[test]
    fn a_fix_is_named_by_what_it_changes() {
        let row = RejectKey {
            load: LoadId(1),
            row: RowNo(1_234),
        };
        let field = FixRule::Field {
            row,
            column: Column::UnitPrice,
            to: "1.5".into(),
        };
        assert_eq!(
            fix_words(&field),
            "L-0001 row 1\u{2009}234: UnitPrice \u{201c}1.5\u{201d}"
        );
        let alike = FixRule::Alike {
            load: None,
            reason: Reason::UnroutableCountry,
            column: Column::Country,
            from: "Narnia".into(),
            to: String::new(),
        };
        assert_eq!(
            fix_words(&alike),
            "All Country \u{201c}Narnia\u{201d}: empty"
        );
    }

    #[test]
    fn the_command_that_exports_names_load_and_reason() {
        let args = export_args(Some(LoadId(7)), Some(Reason::BadDate), "a.csv");
        assert_eq!(
            args.join(" "),
            "rejects --load L-0007 --reason bad_date --export a.csv"
        );
    }

    #[test]
    fn months_are_named() {
        assert_eq!(month_name("2010-12"), "Dec 10");
        assert_eq!(month_name("x"), "x");
    }
}
