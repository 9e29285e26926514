//! Options of `load`, and of `produce`, which is its first half.

use std::path::PathBuf;

use crate::config::{ErrorLimit, FlagValue};
use clap::Args;

use super::{ReadingArgs, flag};

/// What a load does with the rows that it reads.
#[derive(Debug, Args)]
pub(crate) struct CleaningArgs {
    /// Cleaning rules, from a file [default: the built-in rules]
    #[arg(long, value_name = "FILE", help_heading = "Cleaning and routing")]
    pub(crate) rules: Option<PathBuf>,
    /// Countries and their regions, from a file [default: the built-in map]
    #[arg(long, value_name = "FILE", help_heading = "Cleaning and routing")]
    pub(crate) routing: Option<PathBuf>,
    /// Stop when more rows than this are rejected: 500, 2.5%, or none
    #[arg(
        long,
        value_name = "COUNT|PERCENT",
        help_heading = "Cleaning and routing"
    )]
    pub(crate) max_rejects: Option<ErrorLimit>,
}

/// How fast a load goes and what it shows.
#[derive(Debug, Args)]
pub(crate) struct PaceArgs {
    /// Lines per second at most [default: as fast as it goes]
    #[arg(long, value_name = "LINES", help_heading = "Pace")]
    pub(crate) rate: Option<u64>,
    /// Begin at the first row, even where an earlier load of the file was cut off. Rows that are
    /// stored already are found again and not counted twice
    #[arg(long, help_heading = "Pace")]
    pub(crate) no_resume: bool,
    /// No progress line
    #[arg(long, help_heading = "Pace")]
    pub(crate) no_progress: bool,
}

impl PaceArgs {
    /// The settings that these options and the limit of rejects stand for.
    pub(crate) fn flags(&self, cleaning: &CleaningArgs) -> Vec<FlagValue> {
        let rate = self
            .rate
            .map(|rate| flag("--rate", "flow.rate_limit_lines", rate.to_string()));
        let limit = cleaning
            .max_rejects
            .map(|limit| flag("--max-rejects", "flow.error_limit", limit.to_string()));
        rate.into_iter().chain(limit).collect()
    }
}

const LOAD_EXAMPLES: &str = "\
Examples:
  retail-engine load sales.csv
  retail-engine load sales.csv.gz --max-rejects 1% --json
  retail-engine load export.csv --delimiter semicolon --date-order day-first

A load that was cut off goes on where it stopped when the same file is loaded again.
Loading a file twice stores nothing twice: the second time says 0 new lines.";

#[derive(Debug, Args)]
#[command(after_help = LOAD_EXAMPLES)]
pub(crate) struct LoadArgs {
    /// A .csv or .csv.gz file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) cleaning: CleaningArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ProduceArgs {
    /// A .csv or .csv.gz file
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) cleaning: CleaningArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}
