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
  retail-engine fix whole --load L-0001 --row 9 --to '536365,85123A,HEART,6,2010-12-01 08:26,2.55,17850,France'
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
    /// Mend one row as a whole, also one that cannot be cut into fields
    Whole(WholeArgs),
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
pub(crate) struct WholeArgs {
    /// The load that set the row aside
    #[arg(long, value_parser = load_id)]
    pub(crate) load: LoadId,
    /// Its data row, as `rejects --json` has it
    #[arg(long, value_parser = row_no)]
    pub(crate) row: RowNo,
    /// What it is to say: its eight fields as a line of CSV, in the order of the data set
    #[arg(long, value_parser = fields, allow_hyphen_values = true)]
    pub(crate) to: Fields,
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

/// The fields of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Box<[String; 8]>);

fn fields(text: &str) -> Result<Fields, String> {
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = reader.into_records();
    let row = rows.next().transpose().map_err(|error| error.to_string())?;
    let fields: Vec<String> = row.iter().flatten().map(str::to_owned).collect();
    if rows.next().is_some() {
        return Err("one line".to_owned());
    }
    <[String; 8]>::try_from(fields)
        .map(|fields| Fields(Box::new(fields)))
        .map_err(|fields| format!("8 fields, not {}", fields.len()))
}

fn row_no(text: &str) -> Result<RowNo, &'static str> {
    text.parse().map(RowNo).map_err(|_digits| "a row number")
}

fn fix_id(text: &str) -> Result<FixId, &'static str> {
    text.parse().map(FixId).map_err(|_digits| "a fix number")
}
