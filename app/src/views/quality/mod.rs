//! Rows that were set aside, as the page about them shows them.

mod mend;
mod reasons;

use retail_engine::flow::{LoadRecord, RejectStatus, RejectView};
use retail_engine::model::{LoadId, Reason};

pub use self::mend::{
    again, becomes, blocked, columns, fix_args, fix_words, gain, plan_lines, rows_words,
};
pub use self::reasons::{
    ReasonRow, ReasonTable, Summary, month_name, reason_column, reason_name, reasons,
};

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
    use retail_engine::model::{Reject, RowNo};
    use retail_engine::ports::RejectRow;

    use super::*;

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
    fn the_command_that_exports_names_load_and_reason() {
        let args = export_args(Some(LoadId(7)), Some(Reason::BadDate), "a.csv");
        assert_eq!(
            args.join(" "),
            "rejects --load L-0007 --reason bad_date --export a.csv"
        );
    }
}
