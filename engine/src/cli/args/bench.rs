//! Options of `bench`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// A short run that only shows that it works
    #[arg(long, conflicts_with = "input")]
    pub(crate) smoke: bool,
    /// The file to measure with [default: the whole data set]
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Measure instead how long lines are under way while few come in
    #[arg(long)]
    pub(crate) rest: bool,
    /// Measure instead the log alone: produce the file, cleaning included, and read it back
    #[arg(long, conflicts_with = "rest")]
    pub(crate) log: bool,
    /// With --rest: lines per second
    #[arg(long, value_name = "LINES", default_value_t = 2_000, requires = "rest")]
    pub(crate) rate: u64,
    /// With --rest: for how long
    #[arg(long, value_name = "SECONDS", default_value_t = 20, requires = "rest")]
    pub(crate) seconds: u64,
}
