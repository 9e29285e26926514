//! The command line: verbs, the options of all of them, and help that teaches. The options of one
//! verb are in a file of its own.

use std::path::PathBuf;
use std::str::FromStr;

use crate::config::{FlagValue, Sources};
use crate::model::{LoadId, Reason, Region, Topic};
use clap::{Args, Parser, Subcommand};

use crate::cli::output::Format;

mod bench;
mod consume;
mod drill;
mod figures;
pub(crate) mod fix;
mod lab;
mod load;
mod reading;
mod rejects;
mod repair;
mod replay;
pub(crate) mod route;
mod setup;

use fix::FixArgs;
use route::RouteArgs;

pub(crate) use bench::BenchArgs;
pub(crate) use consume::{ConsumeArgs, LastingArgs};
pub(crate) use drill::DrillArgs;
pub(crate) use figures::{
    ExportArgs, ExportFormat, ExportTable, FigureTable, ReportArgs, RowTable,
};
pub(crate) use lab::{LabAct, LabArgs, UpArgs};
pub(crate) use load::{CleaningArgs, LoadArgs, PaceArgs, ProduceArgs};
pub(crate) use reading::{DateOrder, DecimalMark, Delimiter, Encoding, PreviewArgs, ReadingArgs};
pub(crate) use rejects::RejectsArgs;
pub(crate) use repair::RepairArgs;
pub(crate) use replay::{ReplayArgs, ReplayTo};
pub(crate) use setup::SetupArgs;

const EXAMPLES: &str = "\
Examples:
  retail-engine load assets/Online_Retail.csv.gz    the whole pipeline on one file
  retail-engine report                              what the data says
  retail-engine drill --scenario europe-down        lose a data centre, and get it back
  retail-engine verify                              prove that all data centres hold the same
  retail-engine setup --list-settings               every setting with range and default

Exit codes: 0 done, 1 failed, 2 usage or settings, 3 input refused,
4 ended, but a ledger does not close or a comparison is not equal.";

/// Clean, route, stream, store and analyse a retailer's invoices over three data centres.
#[derive(Debug, Parser)]
#[command(name = "retail-engine", version, about, after_help = EXAMPLES, propagate_version = true)]
#[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options of every verb.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// Where data is kept [default: the platform's place for program data]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Settings file [default: retail.toml in the data directory]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub(crate) config: Option<PathBuf>,
    /// A named set of settings: embedded, lab, docker, one of the settings file's own, or a file
    /// [default: `RETAIL_PROFILE`, or none]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Everywhere")]
    pub(crate) profile: Option<String>,
    /// Override one setting, as in `--set flow.flush_lines=5000`; may be repeated
    #[arg(
        long,
        global = true,
        value_name = "KEY=VALUE",
        help_heading = "Everywhere"
    )]
    pub(crate) set: Vec<KeyValue>,
    /// Print one JSON object on stdout at the end
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// Tell more; twice for details
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub(crate) verbose: u8,
    /// Tell less; twice for nothing
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "verbose", help_heading = "Everywhere")]
    pub(crate) quiet: u8,
}

impl GlobalArgs {
    /// How results are printed.
    pub(crate) const fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            Format::Human
        }
    }

    /// Steps by which the terminal's log level moves.
    pub(crate) fn verbosity(&self) -> i8 {
        let count = |n: u8| i8::try_from(n).unwrap_or(i8::MAX);
        count(self.verbose) - count(self.quiet)
    }

    /// The sources of settings, with `extra` flags of the verb on top.
    pub(crate) fn sources(&self, extra: Vec<FlagValue>) -> Sources {
        let mut sources = Sources::of_process();
        sources.config.clone_from(&self.config);
        sources.profile.clone_from(&self.profile);
        sources.flags = self
            .set
            .iter()
            .map(|pair| flag("--set", &pair.key, pair.value.clone()))
            .collect();
        if let Some(dir) = &self.data_dir {
            let dir = dir.to_string_lossy().into_owned();
            sources.flags.push(flag("--data-dir", "data_dir", dir));
        }
        sources.flags.extend(extra);
        sources
    }
}

fn flag(flag: &str, key: &str, value: String) -> FlagValue {
    FlagValue {
        key: key.to_owned(),
        value,
        flag: flag.to_owned(),
    }
}

/// A setting and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyValue {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for KeyValue {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
        Ok(Self {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make topics, keyspace and tables; safe to repeat
    Setup(SetupArgs),
    /// Load a CSV: read, clean, route, stream, store, and close the ledger
    Load(LoadArgs),
    /// Only the first half of a load: from the file into the topics
    Produce(ProduceArgs),
    /// Only the second half: from the topics into the data centres
    Consume(ConsumeArgs),
    /// Keep the tables for other programs up to date
    Analytics(LastingArgs),
    /// Show what a file says and how it would be read; stores nothing
    Preview(PreviewArgs),
    /// Browse the rows that were set aside, or save them to be mended
    Rejects(RejectsArgs),
    /// Mend rows that were set aside, and send them again
    Fix(FixArgs),
    /// Say which region a country belongs to
    Route(RouteArgs),
    /// Move a consumer group and consume again; shows the plan first
    Replay(ReplayArgs),
    /// Run a failover as a script, and measure it
    Drill(DrillArgs),
    /// Compare every row of every data centre
    Verify,
    /// Make data centres equal again
    Repair(RepairArgs),
    /// Sales, customers and products in figures
    Report(ReportArgs),
    /// Lag, health and traffic of the moment
    Status,
    /// Write a table as CSV or JSON
    Export(ExportArgs),
    /// Measure this machine
    Bench(BenchArgs),
    /// Real Kafka and Cassandra on this machine, started, broken and mended
    Lab(LabArgs),
}

#[cfg(test)]
impl Verb {
    /// The verb as typed.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Setup(_) => "setup",
            Self::Load(_) => "load",
            Self::Produce(_) => "produce",
            Self::Consume(_) => "consume",
            Self::Analytics(_) => "analytics",
            Self::Preview(_) => "preview",
            Self::Rejects(_) => "rejects",
            Self::Fix(_) => "fix",
            Self::Route(_) => "route",
            Self::Replay(_) => "replay",
            Self::Drill(_) => "drill",
            Self::Verify => "verify",
            Self::Repair(_) => "repair",
            Self::Report(_) => "report",
            Self::Status => "status",
            Self::Export(_) => "export",
            Self::Bench(_) => "bench",
            Self::Lab(_) => "lab",
        }
    }
}

fn region(text: &str) -> Result<Region, &'static str> {
    Region::parse(text).ok_or("one of europe, americas, asiapacific")
}

fn topic(text: &str) -> Result<Topic, String> {
    let names = Topic::ALL.map(Topic::name).join(", ");
    Topic::parse(text).ok_or_else(|| format!("one of {names}"))
}

fn load_id(text: &str) -> Result<LoadId, &'static str> {
    LoadId::parse(text).ok_or("a load such as L-0001")
}

fn reason(text: &str) -> Result<Reason, String> {
    let names = Reason::ALL.map(Reason::slug).join(", ");
    Reason::parse(text).ok_or_else(|| format!("one of {names}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("retail-engine").chain(line.split_whitespace()))
    }

    #[test]
    fn the_definitions_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_is_known_by_its_name() {
        for line in [
            "setup --list-settings",
            "setup --profile docker",
            "setup --check --json",
            "load a.csv --rate 5 --max-rejects 2.5% --delimiter semicolon --json",
            "produce --input a.csv",
            "consume --region Europe",
            "consume --quarantine --follow",
            "analytics",
            "preview a.csv --rows 5 --decimal comma",
            "rejects --load L-0001 --reason bad_date --export out.csv",
            "fix row --load L-0001 --row 7 --column Quantity --to -1",
            "fix alike --reason unroutable_country --column Country --from Mars --to France",
            "fix undo 3",
            "fix whole --load L-0001 --row 7 --to 1,\"2,3\",4,-5,6,7,8,9",
            "route assign Narnia americas",
            "route undo --json",
            "fix send --dry-run",
            "replay --region europe --to -5 --dry-run",
            "replay --undo --yes",
            "drill --scenario europe-down --report out.html",
            "verify",
            "repair",
            "report --from 2010-12-01 --country EIRE --net --together",
            "status --data-dir d -vv",
            "export customer_analytics --format csv --out c.csv",
            "export customers --segment Champions --net --format json --out c.json",
            "bench --smoke",
            "lab up --first-address 127.0.1.1 --commitlog-sync group --home d",
            "lab up --secured",
            "lab kill europe",
            "lab nodetool Europe_DC repair -full retail",
        ] {
            let cli = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(line.starts_with(cli.verb.name()));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "",
            "load",
            "setup --check --template",
            "consume --region mars",
            "consume --region europe --quarantine",
            "replay --to earliest",
            "replay --region europe",
            "replay --undo --to earliest",
            "replay --undo --region europe",
            "replay --region europe --topic quarantine --to earliest",
            "replay --region europe --to yesterday",
            "replay --region europe --to earliest --yes --dry-run",
            "preview a.csv --rows 0",
            "load a.csv --max-rejects 101%",
            "rejects --reason ugly",
            "route assign Narnia mars",
            "fix whole --load L-0001 --row 7 --to 1,2,3,4,5,6,7",
            "fix whole --load L-0001 --row 7 --to 1,2,3,4,5,6,7,8,9",
            "status -v -q",
        ] {
            assert!(parse(line).is_err(), "{line:?} was taken");
        }
    }

    #[test]
    fn options_become_settings_and_keep_their_names() {
        let cli = parse("load a.csv --rate 5 --max-rejects 7 --set log.partitions=6 --data-dir d");
        let cli = cli.unwrap();
        let Verb::Load(load) = &cli.verb else {
            panic!("{:?}", cli.verb);
        };
        let sources = cli.global.sources(load.pace.flags(&load.cleaning));
        let given: Vec<_> = sources
            .flags
            .iter()
            .map(|f| (f.flag.as_str(), f.key.as_str(), f.value.as_str()))
            .collect();
        assert_eq!(
            given,
            [
                ("--set", "log.partitions", "6"),
                ("--data-dir", "data_dir", "d"),
                ("--rate", "flow.rate_limit_lines", "5"),
                ("--max-rejects", "flow.error_limit", "7"),
            ]
        );
        assert_eq!(parse("status -vv").unwrap().global.verbosity(), 2);
        assert_eq!(parse("status -q").unwrap().global.verbosity(), -1);
    }
}
