//! Options of `repair`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// Also write every summary anew from the log
    #[arg(long)]
    pub(crate) rebuild: bool,
}
