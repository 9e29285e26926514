//! The command line: verbs, their options, and help that teaches.

use std::path::PathBuf;
use std::str::FromStr;

use crate::config::{ErrorLimit, FlagValue, Sources};
use crate::intake::Column;
use crate::model::{LoadId, Reason, Region, Topic};
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::output::Format;

mod figures;
pub(crate) mod fix;
mod lab;

use fix::FixArgs;

pub(crate) use figures::{
    ExportArgs, ExportFormat, ExportTable, FigureTable, ReportArgs, RowTable,
};
pub(crate) use lab::{LabAct, LabArgs, UpArgs};

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

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// Also write every summary anew from the log
    #[arg(long)]
    pub(crate) rebuild: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// List every setting: key, variable, default, range, meaning
    #[arg(long)]
    pub(crate) list_settings: bool,
    /// Print a settings file with every default
    #[arg(long, conflicts_with = "list_settings")]
    pub(crate) template: bool,
}

impl SetupArgs {
    /// Whether settings are to be shown, and nothing made.
    pub(crate) const fn lists(&self) -> bool {
        self.list_settings || self.template
    }
}

/// How a file is to be read, where the detection is to be overruled.
#[derive(Debug, Args)]
pub(crate) struct ReadingArgs {
    /// Field separator
    #[arg(long, value_enum, help_heading = "Reading the file")]
    pub(crate) delimiter: Option<Delimiter>,
    /// Text encoding
    #[arg(long, value_enum, help_heading = "Reading the file")]
    pub(crate) encoding: Option<Encoding>,
    /// Order of day and month in dates such as 01/12/2010
    #[arg(long, value_enum, help_heading = "Reading the file")]
    pub(crate) date_order: Option<DateOrder>,
    /// A column whose name in the file is not recognised, as in `UnitPrice=Preis`; may be repeated
    #[arg(
        long = "column",
        value_name = "COLUMN=NAME",
        value_parser = column,
        help_heading = "Reading the file"
    )]
    pub(crate) columns: Vec<(Column, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Delimiter {
    Comma,
    Semicolon,
    Tab,
    Pipe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "utf-16le")]
    Utf16Le,
    #[value(name = "utf-16be")]
    Utf16Be,
    #[value(name = "windows-1252", alias = "latin-1")]
    Windows1252,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DateOrder {
    #[value(name = "day-first")]
    Day,
    #[value(name = "month-first")]
    Month,
}

/// What a load does with the rows that it reads.
#[derive(Debug, Args)]
pub(crate) struct CleaningArgs {
    /// Cleaning rules, from a file [default: the built-in rules]
    #[arg(long, value_name = "FILE", help_heading = "Cleaning and routing")]
    pub(crate) rules: Option<PathBuf>,
    /// Countries and their regions, from a file [default: the built-in map]
    #[arg(long, value_name = "FILE", help_heading = "Cleaning and routing")]
    pub(crate) routing: Option<PathBuf>,
    /// Stop when more rows than this are rejected: 500, 2.5%, or none
    #[arg(
        long,
        value_name = "COUNT|PERCENT",
        help_heading = "Cleaning and routing"
    )]
    pub(crate) max_rejects: Option<ErrorLimit>,
}

/// How fast a load goes and what it shows.
#[derive(Debug, Args)]
pub(crate) struct PaceArgs {
    /// Lines per second at most [default: as fast as it goes]
    #[arg(long, value_name = "LINES", help_heading = "Pace")]
    pub(crate) rate: Option<u64>,
    /// Begin at the first row, even where an earlier load of the file was cut off. Rows that are
    /// stored already are found again and not counted twice
    #[arg(long, help_heading = "Pace")]
    pub(crate) no_resume: bool,
    /// No progress line
    #[arg(long, help_heading = "Pace")]
    pub(crate) no_progress: bool,
}

impl PaceArgs {
    /// The settings that these options and the limit of rejects stand for.
    pub(crate) fn flags(&self, cleaning: &CleaningArgs) -> Vec<FlagValue> {
        let rate = self
            .rate
            .map(|rate| flag("--rate", "flow.rate_limit_lines", rate.to_string()));
        let limit = cleaning
            .max_rejects
            .map(|limit| flag("--max-rejects", "flow.error_limit", limit.to_string()));
        rate.into_iter().chain(limit).collect()
    }
}

const LOAD_EXAMPLES: &str = "\
Examples:
  retail-engine load sales.csv
  retail-engine load sales.csv.gz --max-rejects 1% --json
  retail-engine load export.csv --delimiter semicolon --date-order day-first

A load that was cut off goes on where it stopped when the same file is loaded again.
Loading a file twice stores nothing twice: the second time says 0 new lines.";

#[derive(Debug, Args)]
#[command(after_help = LOAD_EXAMPLES)]
pub(crate) struct LoadArgs {
    /// A .csv or .csv.gz file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) cleaning: CleaningArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ProduceArgs {
    /// A .csv or .csv.gz file
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) cleaning: CleaningArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}

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

#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// A .csv or .csv.gz file
    pub(crate) file: PathBuf,
    /// Rows to show
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rows: u32,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

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

fn region(text: &str) -> Result<Region, &'static str> {
    Region::parse(text).ok_or("one of europe, americas, asiapacific")
}

fn column(text: &str) -> Result<(Column, String), String> {
    let names = Column::ALL.map(Column::name).join(", ");
    text.split_once('=')
        .and_then(|(column, name)| Some((Column::of_name(column)?, name.to_owned())))
        .ok_or_else(|| format!("one of {names}, then = and its name in the file"))
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
            "load a.csv --rate 5 --max-rejects 2.5% --delimiter semicolon --json",
            "produce --input a.csv",
            "consume --region Europe",
            "analytics",
            "preview a.csv --rows 5",
            "rejects --load L-0001 --reason bad_date --export out.csv",
            "fix row --load L-0001 --row 7 --column Quantity --to -1",
            "fix alike --reason unroutable_country --column Country --from Mars --to France",
            "fix undo 3",
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
            "consume --region mars",
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
            "status -v -q",
        ] {
            assert!(parse(line).is_err(), "{line:?} was taken");
        }
    }

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
