//! Options of `rejects`.

use std::path::PathBuf;

use crate::model::{LoadId, Reason};
use clap::Args;

use super::{load_id, reason};

#[derive(Debug, Args)]
pub(crate) struct RejectsArgs {
    /// Of one load only, such as L-0001
    #[arg(long, value_parser = load_id)]
    pub(crate) load: Option<LoadId>,
    /// For one reason only, such as `bad_date`
    #[arg(long, value_parser = reason)]
    pub(crate) reason: Option<Reason>,
    /// Save them as a CSV that loads again after mending
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
}
