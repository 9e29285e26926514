//! Options of `consume` and `analytics`: what is read, and for how long.

use crate::model::Region;
use clap::Args;

use super::region;

#[derive(Debug, Args)]
pub(crate) struct ConsumeArgs {
    /// One region only [default: all three]
    #[arg(long, value_parser = region)]
    pub(crate) region: Option<Region>,
    #[command(flatten)]
    pub(crate) lasting: LastingArgs,
}

/// How long a verb goes on.
#[derive(Debug, Args)]
pub(crate) struct LastingArgs {
    /// Go on with what comes later, until Ctrl+C or a signal to end
    #[arg(long)]
    pub(crate) follow: bool,
}
