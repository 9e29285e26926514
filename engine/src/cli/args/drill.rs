//! Options of `drill`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct DrillArgs {
    /// Name of the scenario
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: String,
    /// Lines per second that flow meanwhile
    #[arg(long, value_name = "LINES")]
    pub(crate) rate: Option<u64>,
    /// Seconds that the fault lasts
    #[arg(long, value_name = "SECONDS")]
    pub(crate) duration: Option<u64>,
    /// Write the measured result as a self-contained page
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
}
