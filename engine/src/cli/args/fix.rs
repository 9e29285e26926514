//! Options of `fix`.

use crate::flow::FixId;
use crate::intake::Column;
use crate::model::{LoadId, Reason, RowNo};
use clap::{Args, Subcommand};

use super::{load_id, reason};

const EXAMPLES: &str = "\
Examples:
  retail-engine fix alike --reason unroutable_country --column Country --from Unspecified --to France
  retail-engine fix row --load L-0001 --row 1415 --column Quantity --to 12
  retail-engine fix list
  retail-engine fix send --dry-run
  retail-engine fix undo 3

A fix changes no raw text: it is kept beside the data and can be taken back until it is sent.
`send` makes a file of the mended rows and loads it like any other, with a ledger of its own.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FixArgs {
    #[command(subcommand)]
    pub(crate) act: FixAct,
}

/// What is to be done with fixes.
#[derive(Debug, Subcommand)]
pub(crate) enum FixAct {
    /// Mend one field of one row
    Row(RowArgs),
    /// Mend a field of all rows that were set aside for one reason and say the same in it
    Alike(AlikeArgs),
    /// Show the fixes that are not sent yet, and what became of those that were
    List,
    /// Take back a fix that is not sent yet
    Undo {
        /// Its number
        #[arg(value_parser = fix_id)]
        fix: FixId,
    },
    /// Send the mended rows through the pipeline
    Send {
        /// Say what would become of them, and stop
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RowArgs {
    /// The load that set the row aside
    #[arg(long, value_parser = load_id)]
    pub(crate) load: LoadId,
    /// Its data row, as `rejects --json` has it
    #[arg(long, value_parser = row_no)]
    pub(crate) row: RowNo,
    /// The field, by its name in the data set
    #[arg(long, value_parser = column)]
    pub(crate) column: Column,
    /// What it is to say
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) to: String,
}

#[derive(Debug, Args)]
pub(crate) struct AlikeArgs {
    /// Of one load only
    #[arg(long, value_parser = load_id)]
    pub(crate) load: Option<LoadId>,
    /// The reason
    #[arg(long, value_parser = reason)]
    pub(crate) reason: Reason,
    /// The field, by its name in the data set
    #[arg(long, value_parser = column)]
    pub(crate) column: Column,
    /// What it says
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) from: String,
    /// What it is to say
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) to: String,
}

fn column(text: &str) -> Result<Column, String> {
    let names = Column::ALL.map(Column::name).join(", ");
    Column::of_name(text).ok_or_else(|| format!("one of {names}"))
}

fn row_no(text: &str) -> Result<RowNo, &'static str> {
    text.parse().map(RowNo).map_err(|_digits| "a row number")
}

fn fix_id(text: &str) -> Result<FixId, &'static str> {
    text.parse().map(FixId).map_err(|_digits| "a fix number")
}
