//! The balance sheet of a load: each line with its check.

use std::time::Duration;

use retail_engine::config::Mode;
use retail_engine::flow::{LoadRecord, LoadState};
use retail_engine::ledger::Ledger;
use retail_engine::model::{Dc, Reading, Topic};
use rust_decimal::Decimal;
use serde_json::json;

use super::{past, reasons};
use crate::views::format;
use crate::widgets::Status;

/// Whether a line is a total or a part of the one above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A total.
    Total,
    /// A part of it.
    Part,
}

/// A line of the sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetRow {
    /// What is counted.
    pub label: String,
    /// Total or part.
    pub level: Level,
    /// How many.
    pub rows: Reading<i64>,
    /// What they are worth, where that is counted.
    pub worth: Option<Decimal>,
    /// What it was compared with.
    pub check: Option<(Status, String)>,
}

/// The sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The verdict: status, sentence.
    pub verdict: (Status, String),
    /// Load, file, times.
    pub note: String,
    /// What to do, where something is to be done.
    pub remedy: Option<String>,
    /// Whether loading the file again helps.
    pub again: bool,
    /// The lines.
    pub rows: Vec<SheetRow>,
}

/// The sheet of a load. `running` while it is not over.
pub fn sheet(record: &LoadRecord, ledger: &Ledger, running: bool) -> Sheet {
    let gap: u64 = ledger
        .gaps()
        .iter()
        .map(|gap| gap.lines.unsigned_abs())
        .sum();
    let (verdict, remedy) = verdict(record, ledger, gap, running);
    let end = record.produced_at.map_or_else(String::new, |at| {
        format!(" \u{b7} all in the log at {}", format::clock(at))
    });
    Sheet {
        note: format!(
            "{} \u{b7} {} \u{b7} began {}{end} \u{b7} gap {}",
            record.id,
            past::file_name(record),
            format::clock(record.started_at),
            format::count(gap),
        ),
        again: !running && !matches!(record.state, LoadState::Produced),
        verdict,
        remedy,
        rows: rows(ledger, gap),
    }
}

fn verdict(
    record: &LoadRecord,
    ledger: &Ledger,
    gap: u64,
    running: bool,
) -> ((Status, String), Option<String>) {
    let read = format::count(record.intake.read);
    let again = |text: &str| Some(text.to_owned());
    match &record.state {
        _ if running => (
            (Status::Neutral, "The load is still running.".to_owned()),
            None,
        ),
        LoadState::Failed(why) => (
            (
                Status::Critical,
                format!("The load failed{}: {why}", at_line(record)),
            ),
            again(
                record
                    .input_remedy
                    .as_deref()
                    .unwrap_or("Mend what it names and load the file again: nothing doubles."),
            ),
        ),
        LoadState::Stopped(why) => (
            (Status::Warn, format!("The load was stopped: {why}.")),
            again("Mend the file, or allow more rejected rows, and load again to go on."),
        ),
        LoadState::Cancelled => (
            (
                Status::Warn,
                format!("The load was cancelled after {read} rows."),
            ),
            again("What is stored stays. Load the file again to go on; nothing doubles."),
        ),
        LoadState::Reading => (
            (
                Status::Warn,
                format!("The load was cut off after {read} rows."),
            ),
            again("Load the file again to go on; nothing doubles."),
        ),
        LoadState::Produced => (ended(record, ledger, gap), None),
    }
}

/// The line that could not be read, where that is why a load failed.
fn at_line(record: &LoadRecord) -> String {
    let line = record.input_line.map(format::count);
    line.map_or_else(String::new, |line| format!(" at line {line}"))
}

fn ended(record: &LoadRecord, ledger: &Ledger, gap: u64) -> (Status, String) {
    let read = format::count(record.intake.read);
    if ledger.produced == 0 {
        return (
            Status::Warn,
            format!("Nothing was loaded: all {read} rows were set aside."),
        );
    }
    if gap > 0 && ledger.written < ledger.produced {
        let flight = format::count(ledger.produced - ledger.written);
        return (
            Status::Neutral,
            format!("Still being written: {flight} lines in flight."),
        );
    }
    if gap > 0 {
        return (
            Status::Critical,
            format!("The ledger has a gap of {} lines.", format::count(gap)),
        );
    }
    if let Some(doubt) = doubt(ledger) {
        return doubt;
    }
    if ledger.new_lines() == 0 {
        let there = format::count(ledger.already_there());
        return (
            Status::Ok,
            format!("The ledger closes: 0 new lines. All {there} lines were stored before."),
        );
    }
    (
        Status::Ok,
        format!("The ledger closes. Every one of {read} rows is accounted for."),
    )
}

/// What is said of a ledger without a gap where not every data centre says what it has now. Lines
/// are never taken out: one that had all of them when it was compared has them still.
fn doubt(ledger: &Ledger) -> Option<(Status, String)> {
    let has_all = ledger.visible.iter().filter_map(|(_, lines)| {
        let (lines, age) = lines.newest()?;
        (*lines == ledger.lines_now).then_some(age)
    });
    let ages: Vec<Duration> = has_all.collect();
    let known = ages.len();
    if known < Dc::ALL.len() {
        let text =
            format!("The ledger closes as far as is known: {known} of 3 data centres known.");
        return Some((Status::Warn, text));
    }
    let age = ages.into_iter().max().filter(|age| !age.is_zero())?;
    let text = format!(
        "The ledger closes, as the data centres were compared {} ago.",
        format::age(age)
    );
    Some((Status::Stale, text))
}

fn rows(ledger: &Ledger, gap: u64) -> Vec<SheetRow> {
    let intake = &ledger.intake;
    let mut rows = vec![total("Read from the file", intake.read, None, None)];
    for (reason, count) in intake.set_aside.iter() {
        let label = format!("{}: {}", reasons::kind(reason), reasons::reason(reason));
        rows.push(part(label, -signed(count), None));
    }
    let clean = intake.read.saturating_sub(intake.set_aside.total());
    let amount = Some(intake.amount());
    rows.push(total(
        "Produced",
        ledger.produced,
        amount,
        Some(equal(clean, ledger.produced)),
    ));
    for (region, sums) in intake.per_region().iter() {
        let name = Topic::Lines(region).name();
        rows.push(part(name.to_owned(), signed(sums.lines), Some(sums.amount)));
    }
    let flight = |from: u64, to: u64, word: &str| {
        let open = signed(from) - signed(to);
        let status = match open {
            0 => Status::Ok,
            open if open > 0 => Status::Neutral,
            _ => Status::Critical,
        };
        Some((status, format!("{word} {}", format::signed(open))))
    };
    rows.push(total(
        "Consumed",
        ledger.consumed,
        None,
        flight(ledger.produced, ledger.consumed, "in flight"),
    ));
    let new = format!(
        "new {}, there before {}",
        format::count(ledger.new_lines()),
        format::count(ledger.already_there())
    );
    let written = flight(ledger.consumed, ledger.written, "in flight");
    rows.push(total(
        "Written",
        ledger.written,
        None,
        written.map(|(status, open)| match status {
            Status::Ok => (status, new),
            _ => (status, open),
        }),
    ));
    rows.push(total(
        "Set aside, kept in quarantine",
        ledger.quarantine_written,
        None,
        Some(equal(intake.set_aside.total(), ledger.quarantine_written)),
    ));
    rows.push(visible(ledger));
    rows.push(SheetRow {
        label: "Gap".to_owned(),
        level: Level::Total,
        rows: Reading::Known(signed(gap)),
        worth: None,
        check: Some(if gap == 0 {
            match doubt(ledger) {
                None => (Status::Ok, "none".to_owned()),
                Some((status, _)) => (status, "none as far as is known".to_owned()),
            }
        } else {
            let places: Vec<String> = ledger
                .gaps()
                .iter()
                .map(|gap| format!("{} {}", gap.between, format::signed(gap.lines)))
                .collect();
            (Status::Critical, places.join("; "))
        }),
    });
    rows
}

/// Lines that every data centre shows, of all that are stored.
fn visible(ledger: &Ledger) -> SheetRow {
    let mut known = Vec::new();
    let mut why = None;
    for (dc, reading) in ledger.visible.iter() {
        match reading {
            Reading::Known(lines) => known.push(*lines),
            Reading::Stale { .. } => why = Some(format!("{} is stale", dc.name())),
            Reading::Unknown(reason) => why = Some(reason.clone()),
        }
    }
    let least = known.iter().min().copied();
    let (rows, check) = match (why, least) {
        (None, Some(least)) => (
            Reading::Known(signed(least)),
            equal(ledger.lines_now, least),
        ),
        (why, _) => {
            let why = why.unwrap_or_else(|| "nothing was measured".to_owned());
            let text = format!("{} of 3 known: {why}", known.len());
            (Reading::Unknown(why), (Status::Unknown, text))
        }
    };
    SheetRow {
        label: "Visible in all 3 data centres, of all loads".to_owned(),
        level: Level::Total,
        rows,
        worth: None,
        check: Some(check),
    }
}

fn equal(expected: u64, found: u64) -> (Status, String) {
    match signed(expected) - signed(found) {
        0 => (Status::Ok, "equal".to_owned()),
        open if open > 0 => (
            Status::Warn,
            format!("{} not there yet", format::signed(open)),
        ),
        open => (
            Status::Critical,
            format!("{} too many", format::signed(-open)),
        ),
    }
}

/// Counts of lines are far below 2^63.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn total(
    label: &str,
    rows: u64,
    worth: Option<Decimal>,
    check: Option<(Status, String)>,
) -> SheetRow {
    SheetRow {
        label: label.to_owned(),
        level: Level::Total,
        rows: Reading::Known(signed(rows)),
        worth,
        check,
    }
}

fn part(label: String, rows: i64, worth: Option<Decimal>) -> SheetRow {
    SheetRow {
        label,
        level: Level::Part,
        rows: Reading::Known(rows),
        worth,
        check: None,
    }
}

/// Embedded or live, as each export says.
pub const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Embedded => "Embedded, SIMULATED",
        Mode::Live => "Live",
    }
}

impl SheetRow {
    /// How many, as text without grouping.
    fn plain(&self) -> String {
        match &self.rows {
            Reading::Known(rows) | Reading::Stale { value: rows, .. } => rows.to_string(),
            Reading::Unknown(_) => "Unknown".to_owned(),
        }
    }

    fn check_text(&self) -> &str {
        self.check.as_ref().map_or("", |(_, text)| text.as_str())
    }
}

impl Sheet {
    /// As CSV, or with tabs for the clipboard.
    pub fn csv(&self, delimiter: char, mode: Mode) -> String {
        let field = |text: &str| {
            if text.contains([delimiter, '"', '\n']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.to_owned()
            }
        };
        let line = |fields: [&str; 4]| {
            let fields: Vec<String> = fields.iter().map(|text| field(text)).collect();
            format!("{}\n", fields.join(&delimiter.to_string()))
        };
        let mut text = line(["line", "rows", "worth_gbp", "check"]);
        for row in &self.rows {
            let worth = row
                .worth
                .map_or_else(String::new, |worth| worth.to_string());
            text += &line([&row.label, &row.plain(), &worth, row.check_text()]);
        }
        text += &line(["Load", &self.note, "", ""]);
        text += &line(["Mode", self::mode(mode), "", ""]);
        text
    }

    /// As JSON.
    pub fn json(&self, mode: Mode) -> serde_json::Value {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "line": row.label,
                    "rows": row.rows.known(),
                    "worth_gbp": row.worth,
                    "check": row.check_text(),
                })
            })
            .collect();
        json!({
            "verdict": self.verdict.1,
            "load": self.note,
            "mode": self::mode(mode),
            "ledger": rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use retail_engine::ledger::Intake;
    use retail_engine::model::{LoadId, PerDc, Reason, Region};

    use super::*;

    fn closed(clean: u64, aside: u64, before: u64) -> (LoadRecord, Ledger) {
        let mut intake = Intake::default();
        for _ in 0..clean {
            intake.add_clean(Region::Europe, Decimal::new(255, 2));
        }
        for _ in 0..aside {
            intake.add_set_aside(Reason::Cancellation);
        }
        let record = LoadRecord {
            id: LoadId(7),
            file: "/data/a.csv".into(),
            fingerprint: String::new(),
            reading: 0,
            layout: retail_engine::intake::RowLayout::default(),
            rules: None,
            started_at: DateTime::UNIX_EPOCH,
            produced_at: Some(DateTime::UNIX_EPOCH),
            state: LoadState::Produced,
            input_remedy: None,
            input_line: None,
            intake: intake.clone(),
            lines_before: before,
            from: Vec::new(),
            to: None,
        };
        let now = before.max(clean);
        let ledger = Ledger {
            intake,
            produced: clean,
            quarantine_produced: aside,
            consumed: clean,
            written: clean,
            quarantine_written: aside,
            lines_before: before,
            lines_now: now,
            visible: PerDc::from_fn(|_| Reading::Known(now)),
        };
        (record, ledger)
    }

    fn said(record: &LoadRecord, ledger: &Ledger) -> (Status, String) {
        sheet(record, ledger, false).verdict
    }

    #[test]
    fn a_closed_ledger_is_ticked_line_by_line_and_an_open_one_is_not() {
        let (record, mut ledger) = closed(10, 3, 0);
        let whole = sheet(&record, &ledger, false);
        assert_eq!(whole.verdict.0, Status::Ok);
        assert!(whole.verdict.1.contains("Every one of 13 rows"));
        let bad = |sheet: &Sheet| {
            let checks = sheet.rows.iter().filter_map(|row| row.check.as_ref());
            checks.filter(|(status, _)| *status != Status::Ok).count()
        };
        assert_eq!(bad(&whole), 0);
        ledger.written = 11;
        let open = sheet(&record, &ledger, false);
        assert_eq!(open.verdict.0, Status::Critical);
        assert!(bad(&open) >= 2);
        assert!(open.verdict.1.contains("gap of"), "{}", open.verdict.1);
        ledger.written = 4;
        assert!(said(&record, &ledger).1.contains("6 lines in flight"));
    }

    #[test]
    fn a_ledger_closes_only_as_far_as_the_data_centres_are_known() {
        let (record, mut ledger) = closed(10, 3, 0);
        ledger.visible[Dc::Americas] = Reading::Unknown("the data centre is down".to_owned());
        let (status, text) = said(&record, &ledger);
        assert_eq!(status, Status::Warn);
        assert!(text.contains("2 of 3 data centres known"), "{text}");
        let sheet = sheet(&record, &ledger, false);
        let gap = sheet.rows.last().unwrap().check.as_ref().unwrap();
        assert_ne!(gap.0, Status::Ok);
        let stale = |value| Reading::Stale {
            value,
            age: Duration::from_secs(90),
        };
        // Compared before the last lines came.
        ledger.visible[Dc::Americas] = stale(9);
        assert_eq!(said(&record, &ledger).0, Status::Warn);
        ledger.visible[Dc::Americas] = stale(10);
        let (status, text) = said(&record, &ledger);
        assert_eq!(status, Status::Stale);
        assert!(text.contains("compared 1 m 30 s ago"), "{text}");
        let (record, mut again) = closed(10, 3, 10);
        again.visible[Dc::Europe] = Reading::Unknown("down".to_owned());
        assert_eq!(said(&record, &again).0, Status::Warn);
    }

    #[test]
    fn nothing_produced_is_never_done_and_the_same_file_again_is_nothing_new() {
        let (record, ledger) = closed(0, 5, 0);
        let (status, text) = said(&record, &ledger);
        assert_eq!(status, Status::Warn);
        assert!(text.contains("Nothing was loaded: all 5 rows"), "{text}");
        let (record, ledger) = closed(10, 3, 10);
        let (status, text) = said(&record, &ledger);
        assert_eq!(status, Status::Ok);
        assert!(text.contains("0 new lines"), "{text}");
    }

    #[test]
    fn a_load_that_did_not_end_says_how_to_go_on() {
        let (mut record, ledger) = closed(10, 0, 0);
        record.state = LoadState::Cancelled;
        let sheet = sheet(&record, &ledger, false);
        assert!(sheet.again && sheet.remedy.unwrap().contains("nothing doubles"));
        assert_eq!(sheet.verdict.0, Status::Warn);
        record.state = LoadState::Failed("it is cut off".to_owned());
        let remedy = |record: &LoadRecord| super::sheet(record, &ledger, false).remedy.unwrap();
        assert!(remedy(&record).starts_with("Mend what it names"));
        record.input_remedy = Some("Download it again.".to_owned());
        assert_eq!(remedy(&record), "Download it again.");
    }

    #[test]
    fn an_export_has_every_line_and_the_mode() {
        let (record, ledger) = closed(10, 3, 0);
        let sheet = sheet(&record, &ledger, false);
        let csv = sheet.csv(',', Mode::Embedded);
        assert_eq!(csv.lines().count(), sheet.rows.len() + 3);
        assert!(csv.contains("Filtered: cancellation,-3,,\n"), "{csv}");
        assert!(csv.contains("SIMULATED"), "{csv}");
        assert_eq!(sheet.json(Mode::Live)["ledger"][0]["rows"], 13);
    }
}
