//! Results on stdout: a table for people, or exactly one JSON object.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use crate::clean::RulesError;
use crate::config::ConfigError;
use crate::flow::{
    AnalyseError, LoadError, QuarantineError, RebuildError, ReplayError, RouteError,
};
use crate::handle::OpenError;
use crate::intake::{ExportError, IntakeError};
use crate::lab::LabError;
use crate::ports::{LogError, StoreError};
use crate::route::RoutingError;
use crate::telemetry::LoggingError;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::cli::session::{Interrupted, NotClosed};
use crate::cli::verbs::export::ExportArgsError;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text for people.
    Human,
    /// One JSON object at the end.
    Json,
}

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
}

/// Which side a column leans on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Figures.
    Right,
}

/// A table for people.
#[derive(Debug, Default)]
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no row.
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        Self {
            columns: columns
                .iter()
                .map(|(name, a)| ((*name).to_owned(), *a))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells are empty.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// The table as text, columns two spaces apart, nothing behind the last.
    pub(crate) fn text(&self) -> String {
        let width = |at: usize, name: &str| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            widest.max(name.chars().count())
        };
        let columns: Vec<(usize, Align)> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, (name, align))| (width(at, name), *align))
            .collect();
        let header: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let mut text = String::new();
        for row in std::iter::once(&header).chain(&self.rows) {
            let cells: Vec<String> = columns
                .iter()
                .zip(row)
                .map(|((width, align), cell)| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                })
                .collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// Columns of the terminal where the shell says so, else a page that fits most.
pub(crate) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok();
    columns.and_then(|c| c.parse().ok()).unwrap_or(100)
}

/// Adds to a text.
pub(crate) fn add(text: &mut String, part: fmt::Arguments<'_>) {
    text.push_str(&part.to_string());
}

/// A count with its thousands apart.
pub(crate) fn grouped(count: u64) -> String {
    group(&count.to_string())
}

/// An amount in pounds, exact, with its thousands apart.
pub(crate) fn money(amount: Decimal) -> String {
    let text = amount.abs().to_string();
    let (whole, pence) = text.split_once('.').unwrap_or((&text, "0"));
    let sign = if amount.is_sign_negative() { "-" } else { "" };
    format!("{sign}£{}.{pence}", group(whole))
}

fn group(digits: &str) -> String {
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl Output {
    /// Output in a form.
    pub(crate) const fn new(format: Format) -> Self {
        Self { format }
    }

    /// How results are printed.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Tells something on stderr, beside the result.
    #[expect(clippy::unused_self, reason = "everything printed goes through here")]
    pub(crate) fn tell(&self, text: &str) {
        // With stderr gone there is nobody left to tell.
        drop(writeln!(io::stderr().lock(), "{text}"));
    }

    /// Prints a result: `human` makes the text, `value` is the object.
    pub(crate) fn result(
        &self,
        value: &impl Serialize,
        human: impl FnOnce() -> String,
    ) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Human => out.write_all(human().as_bytes())?,
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, value)?;
                out.write_all(b"\n")?;
            }
        }
        out.flush()
    }

    /// Tells why the program failed, on stderr; as JSON on stdout too when that was asked for.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let remedy = remedy_of(error);
        let said = said(error);
        let mut text = format!("error: {said}\n");
        if let Some(remedy) = &remedy {
            text.push_str("  help: ");
            text.push_str(remedy);
            text.push('\n');
        }
        // With stderr gone there is nobody left to tell.
        drop(io::stderr().lock().write_all(text.as_bytes()));
        if self.format == Format::Json {
            let value = serde_json::json!({"error": said, "remedy": remedy});
            drop(self.result(&value, String::new));
        }
    }
}

/// The error with its causes. A cause that its effect has quoted already is not said twice.
fn said(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

/// How to mend it, for the errors that know.
fn remedy_of(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(remedy_of_cause)
}

fn remedy_of_cause(cause: &(dyn Error + 'static)) -> Option<String> {
    /// The remedy of a cause, if it is an error of this type.
    fn of<E: Error + 'static>(
        cause: &(dyn Error + 'static),
        remedy: impl FnOnce(&E) -> String,
    ) -> Option<String> {
        cause.downcast_ref().map(remedy)
    }
    of(cause, ConfigError::remedy)
        .or_else(|| of(cause, OpenError::remedy))
        .or_else(|| of(cause, LoadError::remedy))
        .or_else(|| of(cause, QuarantineError::remedy))
        .or_else(|| of(cause, RebuildError::remedy))
        .or_else(|| of(cause, |e: &ReplayError| e.remedy().to_owned()))
        .or_else(|| of(cause, |e: &RouteError| e.remedy().to_owned()))
        .or_else(|| of(cause, |e: &ExportArgsError| e.remedy().to_owned()))
        .or_else(|| of(cause, LabError::remedy))
        .or_else(|| of(cause, |e: &IntakeError| e.remedy().to_owned()))
        .or_else(|| of(cause, |e: &RulesError| e.remedy().to_owned()))
        .or_else(|| of(cause, |e: &RoutingError| e.remedy().to_owned()))
        .or_else(|| of(cause, |e: &ExportError| e.remedy().to_owned()))
        .or_else(|| of(cause, |e: &LoggingError| e.remedy().to_owned()))
        .or_else(|| of(cause, |e: &LogError| e.remedy().to_owned()))
        .or_else(|| of(cause, |e: &StoreError| e.remedy().to_owned()))
        .or_else(|| {
            of(cause, |e: &AnalyseError| match e {
                AnalyseError::Store(error) => error.remedy().to_owned(),
                AnalyseError::Ended => "look into the log files, and start again".to_owned(),
                AnalyseError::GivenUp => "ask again".to_owned(),
            })
        })
        .or_else(|| of(cause, |_: &Interrupted| Interrupted::remedy().to_owned()))
        .or_else(|| of(cause, |_: &NotClosed| NotClosed::remedy().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::FixId;
    use crate::model::{Partition, Topic};

    #[test]
    fn a_table_aligns_text_left_and_figures_right() {
        let mut table = Table::new(&[("region", Align::Left), ("lines", Align::Right)]);
        table.row(["Europe".to_owned(), "526735".to_owned()]);
        table.row(["Asia-Pacific".to_owned(), "2501".to_owned()]);
        assert_eq!(
            table.text(),
            "region         lines\nEurope        526735\nAsia-Pacific    2501\n"
        );
    }

    #[test]
    fn counts_and_amounts_have_their_thousands_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(money(Decimal::new(-1_234_500, 3)), "-£1,234.500");
        assert_eq!(money(Decimal::new(5, 3)), "£0.005");
    }

    #[test]
    fn an_error_of_each_verb_comes_with_its_remedy() {
        let missing = || ReplayError::NoPartition {
            topic: Topic::Quarantine,
            partition: Partition(99),
        };
        for (error, expect) in [
            (anyhow::Error::from(missing()), "counted from 0"),
            (ReplayError::NothingToUndo.into(), "plan a replay"),
            (RebuildError::from(missing()).into(), "counted from 0"),
            (QuarantineError::NothingToDo.into(), "add a fix"),
            (QuarantineError::NotPending(FixId(99)).into(), "nothing to"),
            (RouteError::Loading.into(), "wait for the end"),
            (ExportArgsError::SegmentOfOthers.into(), "leave --segment"),
        ] {
            let remedy = remedy_of(&error).unwrap_or_default();
            assert!(remedy.contains(expect), "{error}: {remedy:?}");
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = io::Error::other("no room");
        let error = anyhow::Error::from(cause).context("saving failed (no room)");
        assert_eq!(said(&error), "saving failed (no room)");
        assert_eq!(
            said(&error.context("a.csv")),
            "a.csv: saving failed (no room)"
        );
    }
}
