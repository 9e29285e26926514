//! Options of the verbs that read a file, and of `preview`, which does no more.

use std::path::PathBuf;

use crate::intake::Column;
use clap::{Args, ValueEnum};

/// How a file is to be read, where the detection is to be overruled.
#[derive(Debug, Args)]
pub(crate) struct ReadingArgs {
    /// Field separator
    #[arg(long, value_enum, help_heading = "Reading the file")]
    pub(crate) delimiter: Option<Delimiter>,
    /// Text encoding
    #[arg(long, value_enum, help_heading = "Reading the file")]
    pub(crate) encoding: Option<Encoding>,
    /// Order of day and month in dates such as 01/12/2010
    #[arg(long, value_enum, help_heading = "Reading the file")]
    pub(crate) date_order: Option<DateOrder>,
    /// What stands before the decimals of a price
    #[arg(long, value_enum, help_heading = "Reading the file")]
    pub(crate) decimal: Option<DecimalMark>,
    /// A column whose name in the file is not recognised, as in `UnitPrice=Preis`; may be repeated
    #[arg(
        long = "column",
        value_name = "COLUMN=NAME",
        value_parser = column,
        help_heading = "Reading the file"
    )]
    pub(crate) columns: Vec<(Column, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Delimiter {
    Comma,
    Semicolon,
    Tab,
    Pipe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "utf-16le")]
    Utf16Le,
    #[value(name = "utf-16be")]
    Utf16Be,
    #[value(name = "windows-1252", alias = "latin-1")]
    Windows1252,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DateOrder {
    #[value(name = "day-first")]
    Day,
    #[value(name = "month-first")]
    Month,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecimalMark {
    Point,
    Comma,
}

#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// A .csv or .csv.gz file
    pub(crate) file: PathBuf,
    /// Rows to show
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rows: u32,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

fn column(text: &str) -> Result<(Column, String), String> {
    let names = Column::ALL.map(Column::name).join(", ");
    text.split_once('=')
        .and_then(|(column, name)| Some((Column::of_name(column)?, name.to_owned())))
        .ok_or_else(|| format!("one of {names}, then = and its name in the file"))
}
