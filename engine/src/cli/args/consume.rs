//! Options of `consume` and `analytics`: what is read, and for how long.

use crate::model::{Region, Topic};
use clap::Args;

use super::region;

#[derive(Debug, Args)]
pub(crate) struct ConsumeArgs {
    /// One region only [default: all three, and what was set aside]
    #[arg(long, value_parser = region)]
    pub(crate) region: Option<Region>,
    /// Only what was set aside, cancellations included
    #[arg(long, conflicts_with = "region")]
    pub(crate) quarantine: bool,
    #[command(flatten)]
    pub(crate) lasting: LastingArgs,
}

impl ConsumeArgs {
    /// What is consumed.
    pub(crate) fn topics(&self) -> Vec<Topic> {
        match self.region {
            Some(region) => vec![Topic::Lines(region)],
            None if self.quarantine => vec![Topic::Quarantine],
            None => Topic::ALL.to_vec(),
        }
    }
}

/// How long a verb goes on.
#[derive(Debug, Args)]
pub(crate) struct LastingArgs {
    /// Go on with what comes later, until Ctrl+C or a signal to end
    #[arg(long)]
    pub(crate) follow: bool,
}
