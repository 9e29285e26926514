//! Fixes in words: what they change, what mended rows become, what a re-ingest says first.

use retail_engine::flow::{FixEffect, FixRule, ReingestPlan, RejectKey, RejectStatus};
use retail_engine::intake::Column;
use retail_engine::model::Region;
use rust_decimal::Decimal;

use super::reasons::{placed, reason_name};
use crate::views::format;

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

/// The arguments of the program that put the same fix on record.
pub fn fix_args(rule: &FixRule) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let of_row = |form: &str, row: &RejectKey| -> Vec<String> {
        let (load, row) = (row.load.to_string(), row.row.0.to_string());
        words(&["fix", form, "--load", &load, "--row", &row])
    };
    match rule {
        FixRule::Field { row, column, to } => {
            let mut args = of_row("row", row);
            args.extend(["--column", column.name(), "--to", to].map(str::to_owned));
            args
        }
        FixRule::Row { row, fields } => {
            let mut args = of_row("whole", row);
            args.extend(["--to".to_owned(), csv_line(fields)]);
            args
        }
        FixRule::Alike {
            load,
            reason,
            column,
            from,
            to,
        } => {
            let mut args: Vec<String> = words(&["fix", "alike", "--reason", reason.slug()]);
            if let Some(load) = load {
                args.extend(["--load".to_owned(), load.to_string()]);
            }
            let rest = ["--column", column.name(), "--from", from, "--to", to];
            args.extend(rest.map(str::to_owned));
            args
        }
    }
}

/// The fields of a row as a line of CSV.
fn csv_line(fields: &[String; 8]) -> String {
    let mut line = csv::Writer::from_writer(Vec::new());
    // Eight texts into memory: nothing there can fail.
    let _infallible = line.write_record(fields);
    let bytes = line.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes)
        .trim_end_matches('\n')
        .to_owned()
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

#[cfg(test)]
mod tests {
    use retail_engine::flow::FixId;
    use retail_engine::model::{LoadId, PerRegion, Reason, ReasonCounts, RowNo};

    use super::super::standing;
    use super::*;

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
            fix_args(&alike).join(" "),
            "fix alike --reason unroutable_country --column Country --from Narnia --to "
        );
        let row = FixRule::Row {
            row: RejectKey {
                load: LoadId(1),
                row: RowNo(7),
            },
            fields: Box::new(["1", "2", "a \"b\", c", "-4", "", "6", "7", "8"].map(str::to_owned)),
        };
        assert_eq!(
            fix_args(&row).join(" "),
            "fix whole --load L-0001 --row 7 --to 1,2,\"a \"\"b\"\", c\",-4,,6,7,8"
        );
        assert_eq!(
            fix_args(&field).join(" "),
            "fix row --load L-0001 --row 1234 --column UnitPrice --to 1.5"
        );
        assert_eq!(
            fix_words(&alike),
            "All Country \u{201c}Narnia\u{201d}: empty"
        );
    }
}
