//! Options of `replay`.

use std::path::PathBuf;
use std::str::FromStr;

use crate::model::{LoadId, Region, Topic};
use chrono::{DateTime, Utc};
use clap::Args;

use super::{region, topic};

const REPLAY_EXAMPLES: &str = "\
Where to:
  earliest, latest           the ends of what is kept
  2026-01-31T08:00:00Z       the first record appended at or after that time
  +500, -500                 forward or back from where the group is
  12000                      that offset
  file:PATH                  offsets of each partition, from a file
  load:L-0001                the first record of that load

Examples:
  retail-engine replay --region europe --to earliest --dry-run
  retail-engine replay --topic americas-transactions --to -500 --yes
  retail-engine replay --undo --dry-run

Nothing is moved before the plan was seen; a replay changes no figure, for every write is
idempotent.";

#[derive(Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["region", "topic", "undo"])))]
pub(crate) struct ReplayArgs {
    /// The region whose group moves
    #[arg(long, value_parser = region)]
    pub(crate) region: Option<Region>,
    /// The topic whose group moves
    #[arg(long, value_parser = topic)]
    pub(crate) topic: Option<Topic>,
    /// Back to where the group stood before the last replay
    #[arg(long)]
    pub(crate) undo: bool,
    /// One partition only [default: all]
    #[arg(long, conflicts_with = "undo")]
    pub(crate) partition: Option<u16>,
    /// Where to; see below
    #[arg(
        long,
        value_name = "WHERE",
        allow_hyphen_values = true,
        required_unless_present = "undo",
        conflicts_with = "undo"
    )]
    pub(crate) to: Option<ReplayTo>,
    /// Show the plan and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Apply the plan without asking
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}

/// Where a replay moves to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReplayTo {
    Earliest,
    Latest,
    Time(DateTime<Utc>),
    Forward(u64),
    Back(u64),
    Offset(u64),
    File(PathBuf),
    Load(LoadId),
}

impl FromStr for ReplayTo {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "one of earliest, latest, a time such as 2026-01-31T08:00:00Z, \
                                +N, -N, an offset, file:PATH, load:L-0001";
        let number = |digits: &str| digits.parse().map_err(|_not_a_number| EXPECTED);
        match text {
            "earliest" => return Ok(Self::Earliest),
            "latest" => return Ok(Self::Latest),
            _ => {}
        }
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Self::File(path.into()));
        }
        if let Some(load) = text.strip_prefix("load:") {
            return LoadId::parse(load).map(Self::Load).ok_or(EXPECTED);
        }
        if let Some(digits) = text.strip_prefix('+') {
            return number(digits).map(Self::Forward);
        }
        if let Some(digits) = text.strip_prefix('-') {
            return number(digits).map(Self::Back);
        }
        match text.parse::<DateTime<Utc>>() {
            Ok(time) => Ok(Self::Time(time)),
            Err(_not_a_time) => number(text).map(Self::Offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_goes_where_it_is_told() {
        for (text, expect) in [
            ("earliest", ReplayTo::Earliest),
            ("latest", ReplayTo::Latest),
            ("+5", ReplayTo::Forward(5)),
            ("-5", ReplayTo::Back(5)),
            ("5", ReplayTo::Offset(5)),
            ("file:a/b", ReplayTo::File("a/b".into())),
            ("load:L-0007", ReplayTo::Load(LoadId(7))),
            (
                "2026-01-31T08:00:00+01:00",
                ReplayTo::Time("2026-01-31T07:00:00Z".parse().unwrap()),
            ),
        ] {
            assert_eq!(text.parse(), Ok(expect));
        }
    }
}
