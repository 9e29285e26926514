//! `load`: the whole pipeline on one file, to a closed ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::analytics::{render_text, tidy};
use crate::clean::{self, Rules};
use crate::config::{ErrorLimit, Mode};
use crate::flow::{LoadEnd, LoadRecord, LoadRequest, LoadState, Resume, Roles, Until};
use crate::handle::{Command, Snapshot};
use crate::intake::{self, ReadOptions};
use crate::ledger::Gap;
use crate::model::ReasonCounts;
use crate::route::RoutingMap;
use anyhow::Context;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use crate::cli::args::{
    CleaningArgs, DateOrder, DecimalMark, Delimiter, Encoding, GlobalArgs, LoadArgs, PaceArgs,
    ReadingArgs,
};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Format, Output, Table, add, grouped};
use crate::cli::progress::{Place, Progress};
use crate::cli::session::{self, Session};
use crate::cli::shapes::{stored_json, stored_text};
use crate::cli::{memory, output};

/// What is known of a load at its end. The names of its fields are part of the contract.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    mode: Mode,
    load_id: String,
    file: String,
    state: LoadState,
    resumed_after: Option<u64>,
    read: u64,
    clean: u64,
    new: u64,
    already_there: u64,
    set_aside: ReasonCounts,
    amount: Decimal,
    regions: BTreeMap<&'static str, RegionOutcome>,
    stored: BTreeMap<&'static str, Value>,
    lag: u64,
    closed: bool,
    gaps: Vec<Gap>,
    seconds: f64,
    lines_per_second: f64,
    peak_memory_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct RegionOutcome {
    lines: u64,
    amount: Decimal,
}

impl Outcome {
    /// The outcome of a load that ended.
    pub(crate) fn of(mode: Mode, end: &LoadEnd) -> Self {
        let ledger = &end.ledger;
        let intake = &ledger.intake;
        let per_region = intake.per_region();
        let seconds = end.took.as_secs_f64();
        let read_now = intake.read - end.resumed_after.unwrap_or(0);
        Self {
            mode,
            load_id: end.record.id.to_string(),
            file: end.record.file.display().to_string(),
            state: end.record.state.clone(),
            resumed_after: end.resumed_after,
            read: intake.read,
            clean: intake.clean,
            new: ledger.new_lines(),
            already_there: ledger.already_there(),
            set_aside: intake.set_aside,
            amount: tidy(intake.amount()),
            regions: per_region
                .iter()
                .map(|(region, sums)| {
                    let (lines, amount) = (sums.lines, tidy(sums.amount));
                    (region.slug(), RegionOutcome { lines, amount })
                })
                .collect(),
            stored: stored_json(&end.stored),
            lag: ledger.produced.saturating_sub(ledger.written),
            closed: ledger.is_closed(),
            gaps: ledger.gaps(),
            seconds,
            lines_per_second: read_now as f64 / seconds.max(f64::EPSILON),
            peak_memory_bytes: memory::peak_bytes(),
        }
    }

    /// The lag, where more is in the log than this load.
    pub(crate) const fn with_lag(mut self, lag: u64) -> Self {
        self.lag = lag;
        self
    }

    /// The ledger for people.
    pub(crate) fn text(&self, end: &LoadEnd) -> String {
        let mut table = Table::new(&[("LEDGER", Align::Left), ("ROWS", Align::Right)]);
        let mut row = |name: String, rows| table.row([name, grouped(rows)]);
        row("read".into(), self.read);
        for (reason, rows) in self.set_aside.iter() {
            row(format!("  set aside: {reason}"), rows);
        }
        row("  clean".into(), self.clean);
        for (region, sums) in &self.regions {
            let amount = output::money(sums.amount);
            row(format!("    {region}, {amount}"), sums.lines);
        }
        row("in the log".into(), end.ledger.produced);
        row("written to the data centres".into(), end.ledger.written);
        row("  new".into(), self.new);
        row("  there already".into(), self.already_there);
        let mut text = table.text();
        let closed = if self.closed { "closes" } else { "is open" };
        add(
            &mut text,
            format_args!(
                "The ledger {closed}. Sales {}, lag {} lines.\n",
                output::money(self.amount),
                self.lag,
            ),
        );
        for gap in &self.gaps {
            add(
                &mut text,
                format_args!("  gap between {}: {}\n", gap.between, gap.lines),
            );
        }
        add(
            &mut text,
            format_args!(
                "Load {} took {:.2} s, {:.0} rows/s.\n\n",
                self.load_id, self.seconds, self.lines_per_second,
            ),
        );
        text.push_str(&stored_text(&end.stored));
        text
    }
}

/// Loads a file.
pub(crate) fn run(args: &LoadArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let flags = args.pace.flags(&args.cleaning);
    let settings = session::settings(global, flags)?;
    let prepared = Prepared::of(&args.cleaning)?;
    let limit = settings.flow.error_limit;
    let session = Session::of(settings, global.verbosity(), Roles::all())?;
    prepared.put_in_force(&session)?;
    let request = prepared.request(&args.file, &args.reading, &args.pace, limit, Until::Closed);
    let end = carry_out(&session, request, &args.pace, global)?;
    let mode = session.settings.mode;
    let outcome = Outcome::of(mode, &end);
    let page = match output.format() {
        // What went wrong is the news then, not the figures.
        Format::Human if !matches!(end.record.state, LoadState::Failed(_)) => {
            let report = session.ask(|reply| Command::Report(Box::default(), reply))??;
            render_text(&report, output::width())
        }
        Format::Human | Format::Json => String::new(),
    };
    let closed = session.close();
    output.result(&outcome, || {
        let mode = match mode {
            Mode::Embedded => "Embedded mode: the data centres are simulated inside this process.",
            Mode::Live => "Live mode: Apache Kafka and Apache Cassandra.",
        };
        format!("{}\n{page}\n{mode}\n", outcome.text(&end))
    })?;
    let exit = exit_of(&end, Until::Closed, output);
    closed.map(|()| exit)
}

/// How a load that was carried out so far ends the program.
pub(crate) fn exit_of(end: &LoadEnd, until: Until, output: &Output) -> Exit {
    match &end.record.state {
        LoadState::Stopped(why) => {
            output.tell(&format!(
                "the load was stopped: {why}\n  help: mend the file, or allow more with --max-rejects"
            ));
            Exit::InputRefused
        }
        LoadState::Failed(why) => {
            let (exit, remedy) = after_failure(&end.record);
            output.tell(&format!("the load failed: {why}\n  help: {remedy}"));
            exit
        }
        LoadState::Cancelled => Exit::Failed,
        LoadState::Reading | LoadState::Produced => {
            let is_done = match until {
                // Without consumers here the ledger cannot close yet, and lag says so.
                Until::Produced => end.ledger.is_produced(),
                Until::Closed => end.ledger.is_closed(),
            };
            if is_done {
                Exit::Done
            } else {
                Exit::DoesNotClose
            }
        }
    }
}

/// How a load that failed ends the program, and what a person can do about it. A file that turns
/// out to be damaged half-way is refused like one that is damaged at its beginning.
fn after_failure(record: &LoadRecord) -> (Exit, &str) {
    match &record.input_remedy {
        Some(remedy) => (Exit::InputRefused, remedy),
        None => (
            Exit::Failed,
            "mend what it names and load the file again; nothing doubles",
        ),
    }
}

/// What is read before the engine is opened.
pub(crate) struct Prepared {
    rules: Rules,
    /// The map to put in force, if one is given.
    routing: Option<RoutingMap>,
}

impl Prepared {
    /// Reads the rules, and the routing map that is given.
    pub(crate) fn of(cleaning: &CleaningArgs) -> anyhow::Result<Self> {
        let rules = match &cleaning.rules {
            Some(path) => Rules::load(path)?,
            None => Rules::builtin()?,
        };
        let routing = cleaning.routing.as_deref().map(RoutingMap::load);
        Ok(Self {
            rules,
            routing: routing.transpose()?,
        })
    }

    /// Puts the routing map that is given in force. The engine does it, because it knows which
    /// countries have lines and so must stay where they are.
    pub(crate) fn put_in_force(&self, session: &Session) -> anyhow::Result<()> {
        if let Some(map) = self.routing.clone() {
            session.ask(|reply| Command::SetRouting(Box::new(map), reply))??;
        }
        Ok(())
    }

    /// The request for a load.
    pub(crate) fn request(
        self,
        file: &Path,
        reading: &ReadingArgs,
        pace: &PaceArgs,
        limit: ErrorLimit,
        until: Until,
    ) -> LoadRequest {
        LoadRequest {
            file: file.to_path_buf(),
            options: read_options(reading),
            rules: self.rules,
            limit,
            until,
            resume: if pace.no_resume {
                Resume::FromStart
            } else {
                Resume::WhereItStood
            },
        }
    }
}

fn routing_file(data_dir: &Path) -> PathBuf {
    data_dir.join("routing.toml")
}

/// The routing map of a data directory, or the one that is built in.
pub(crate) fn routing_in_force(data_dir: &Path) -> anyhow::Result<RoutingMap> {
    let edited = routing_file(data_dir);
    Ok(if edited.exists() {
        RoutingMap::load(&edited)?
    } else {
        RoutingMap::builtin()?
    })
}

/// How a file is read, as far as the command line says.
pub(crate) fn read_options(args: &ReadingArgs) -> ReadOptions {
    ReadOptions {
        encoding: args.encoding.map(|encoding| match encoding {
            Encoding::Utf8 => intake::TextEncoding::Utf8,
            Encoding::Utf16Le => intake::TextEncoding::Utf16Le,
            Encoding::Utf16Be => intake::TextEncoding::Utf16Be,
            Encoding::Windows1252 => intake::TextEncoding::Windows1252,
        }),
        delimiter: args.delimiter.map(|delimiter| match delimiter {
            Delimiter::Comma => intake::Delimiter::Comma,
            Delimiter::Semicolon => intake::Delimiter::Semicolon,
            Delimiter::Tab => intake::Delimiter::Tab,
            Delimiter::Pipe => intake::Delimiter::Pipe,
        }),
        date_order: args.date_order.map(|order| match order {
            DateOrder::Day => clean::DateOrder::DayFirst,
            DateOrder::Month => clean::DateOrder::MonthFirst,
        }),
        decimal: args.decimal.map(|mark| match mark {
            DecimalMark::Point => clean::DecimalMark::Point,
            DecimalMark::Comma => clean::DecimalMark::Comma,
        }),
        columns: args.columns.iter().cloned().collect(),
        ..ReadOptions::default()
    }
}

/// Sends the load and draws its progress until it ends.
pub(crate) fn carry_out(
    session: &Session,
    request: LoadRequest,
    pace: &PaceArgs,
    global: &GlobalArgs,
) -> anyhow::Result<LoadEnd> {
    let file = request.file.display().to_string();
    let mut progress = Progress::on_stderr(session.elapsed());
    let shows = !global.json && !pace.no_progress && global.quiet == 0;
    let answered = session.ask_and_watch(
        |reply| Command::Load(Box::new(request), reply),
        |snapshot| {
            if let (true, Some(place)) = (shows, place(snapshot)) {
                progress.draw(place, session.elapsed())?;
            }
            Ok(())
        },
    );
    progress.clear()?;
    answered?.with_context(|| file)
}

fn place(snapshot: &Snapshot) -> Option<Place> {
    let load = snapshot.load.as_ref()?;
    let ledger = &load.ledger;
    let in_all_three = || {
        let lines = ledger
            .visible
            .iter()
            .map(|(_, lines)| lines.known().copied());
        let fewest = lines.collect::<Option<Vec<_>>>()?.into_iter().min()?;
        Some(fewest.saturating_sub(ledger.lines_before))
    };
    Some(Place {
        passed: [
            Some(load.read.rows.max(ledger.intake.read)),
            Some(ledger.intake.clean),
            Some(ledger.produced),
            Some(ledger.consumed),
            Some(ledger.written),
            in_all_three(),
        ],
        set_aside: ledger.intake.set_aside.total(),
        bytes: load.read.bytes,
        bytes_total: load.read.total_bytes,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::Intake;

    #[test]
    fn a_load_whose_file_was_damaged_refuses_the_input_and_older_marks_are_still_read() {
        let mut mark = json!({
            "id": 1,
            "file": "a.csv.gz",
            "fingerprint": "",
            "reading": 0,
            "started_at": "2011-12-09T12:50:00Z",
            "produced_at": null,
            "state": { "failed": "the gzip file is damaged" },
            "intake": Intake::default(),
            "lines_before": 0,
            "from": [],
            "to": null,
        });
        let record: LoadRecord = serde_json::from_value(mark.clone()).unwrap();
        let (exit, remedy) = after_failure(&record);
        assert_eq!(exit, Exit::Failed);
        assert!(remedy.starts_with("mend what it names"), "{remedy}");
        mark["input_remedy"] = json!("Download it again.");
        let record: LoadRecord = serde_json::from_value(mark).unwrap();
        let after = (Exit::InputRefused, "Download it again.");
        assert_eq!(after_failure(&record), after);
    }
}
