//! `bench`: measures this machine: reading alone, a whole load, the report, opening again.
//!
//! Everything happens in a directory for temporary files that is removed at the end. Each figure
//! is one run, not the best of many.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::clean::Rules;
use crate::config::Settings;
use crate::flow::{LoadRequest, Resume, Roles, Until, measure_log};
use crate::handle::{Command, Engine};
use crate::intake::{LineReader, ReadOptions};
use crate::model::Reading;
use crate::ports::{Clock, SystemClock};
use crate::route::RoutingMap;
use crate::wire;
use anyhow::{Context, ensure};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::cli::args::{BenchArgs, GlobalArgs};
use crate::cli::exit::Exit;
use crate::cli::memory;
use crate::cli::output::{Align, Output, Table, grouped};
use crate::cli::session::{self, Session};

/// The first rows of the data set, for a run without a file.
const SAMPLE: &[u8] = include_bytes!("../../../../assets/Online_Retail_first_10k.csv");

/// The whole data set, in a checkout of the project.
const FULL_FILE: &str = "assets/Online_Retail.csv.gz";

/// One figure.
struct Figure {
    what: &'static str,
    key: &'static str,
    rows: Option<u64>,
    took: Duration,
}

/// A directory that is removed at the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = ?self.0, "a directory of the benchmark is left behind");
        }
    }
}

/// Measures.
pub(crate) fn run(args: &BenchArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let clock = SystemClock::default();
    let name = format!("retail-bench-{}", std::process::id());
    let scratch = Scratch(std::env::temp_dir().join(name));
    fs::create_dir_all(&scratch.0)?;
    let (plain, packed) = inputs(args, &scratch.0)?;
    if args.rest {
        return at_rest(args, global, output, &scratch.0, packed);
    }
    if args.log {
        return log_alone(global, output, &scratch.0, &packed);
    }
    let mut figures = vec![
        read_alone("read and clean, CSV", "read_csv", &plain, &clock)?,
        read_alone("read and clean, CSV.gz", "read_gz", &packed, &clock)?,
    ];
    let settings = Settings {
        data_dir: scratch.0.join("data"),
        ..session::settings(global, Vec::new())?
    };
    let closed = engine(&settings, global, packed, &clock, &mut figures)?;
    let value = json!({
        "mode": settings.mode,
        "sample": args.smoke,
        "figures": figures.iter().map(json_of).collect::<Value>(),
        "closed": closed,
        "peak_memory_bytes": memory::peak_bytes(),
    });
    output.result(&value, || text(&figures))?;
    Ok(if closed {
        Exit::Done
    } else {
        Exit::DoesNotClose
    })
}

/// Produces into the log and reads it back. In live mode the topics have names of their own and
/// stay, for the tools of the brokers to read them too.
fn log_alone(
    global: &GlobalArgs,
    output: &Output,
    dir: &Path,
    packed: &Path,
) -> anyhow::Result<Exit> {
    let settings = Settings {
        data_dir: dir.join("data"),
        ..session::settings(global, Vec::new())?
    };
    let name = format!("bench-{}", std::process::id());
    let log = wire::open_log(&settings, &name)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let (rules, routing) = (Rules::builtin()?, Arc::new(RoutingMap::builtin()?));
    let found = measure_log(&log, &clock, &settings, packed, &rules, &routing)?;
    log.close()?;
    let figure = |what, key, took| Figure {
        what,
        key,
        rows: Some(found.records),
        took,
    };
    let figures = [
        figure(
            "read, clean and produce, CSV.gz",
            "produce",
            found.producing,
        ),
        figure("read back from the log", "fetch", found.reading),
    ];
    let value = json!({
        "mode": settings.mode,
        "topics": name,
        "bytes": found.bytes,
        "figures": figures.iter().map(json_of).collect::<Value>(),
    });
    output.result(&value, || text(&figures))?;
    Ok(Exit::Done)
}

/// The input as plain text and packed.
fn inputs(args: &BenchArgs, dir: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let (plain, packed) = (dir.join("input.csv"), dir.join("input.csv.gz"));
    let mut out = BufWriter::new(File::create(&plain)?);
    if args.smoke {
        out.write_all(SAMPLE)?;
    } else {
        let path = args.input.as_deref().unwrap_or(Path::new(FULL_FILE));
        let file = File::open(path)
            .with_context(|| format!("{} cannot be opened; name a file with --input, or take the built-in sample with --smoke", path.display()))?;
        let mut file: Box<dyn Read> = if path.extension().is_some_and(|e| e == "gz") {
            Box::new(MultiGzDecoder::new(BufReader::new(file)))
        } else {
            Box::new(BufReader::new(file))
        };
        std::io::copy(&mut file, &mut out)?;
    }
    out.into_inner()?.sync_all()?;
    let mut gz = GzEncoder::new(
        BufWriter::new(File::create(&packed)?),
        Compression::default(),
    );
    std::io::copy(&mut BufReader::new(File::open(&plain)?), &mut gz)?;
    gz.finish()?.into_inner()?.sync_all()?;
    Ok((plain, packed))
}

fn read_alone(
    what: &'static str,
    key: &'static str,
    path: &Path,
    clock: &SystemClock,
) -> anyhow::Result<Figure> {
    let (rules, routing) = (Rules::builtin()?, Arc::new(RoutingMap::builtin()?));
    let began = clock.monotonic();
    let mut reader = LineReader::open(path, &ReadOptions::default(), &rules, &routing)?;
    let mut rows = 0;
    while reader.next()?.is_some() {
        rows += 1;
    }
    Ok(Figure {
        what,
        key,
        rows: Some(rows),
        took: clock.monotonic().saturating_sub(began),
    })
}

/// A load, a report, and opening again. Whether the ledger closed.
fn engine(
    settings: &Settings,
    global: &GlobalArgs,
    file: PathBuf,
    clock: &SystemClock,
    figures: &mut Vec<Figure>,
) -> anyhow::Result<bool> {
    let session = Session::of(settings.clone(), global.verbosity(), Roles::all())?;
    let request = LoadRequest {
        file,
        options: ReadOptions::default(),
        rules: Rules::builtin()?,
        limit: settings.flow.error_limit,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let end = session.ask(|reply| Command::Load(Box::new(request), reply))??;
    figures.push(Figure {
        what: "whole load, CSV.gz to closed ledger",
        key: "load",
        rows: Some(end.ledger.intake.read),
        took: end.took,
    });
    let mut timed = |what, key, work: &mut dyn FnMut() -> anyhow::Result<()>| {
        let began = clock.monotonic();
        work()?;
        let took = clock.monotonic().saturating_sub(began);
        figures.push(Figure {
            what,
            key,
            rows: None,
            took,
        });
        anyhow::Ok(())
    };
    timed("report", "report", &mut || {
        session.ask(|reply| Command::Report(Box::default(), reply))??;
        Ok(())
    })?;
    session.close()?;
    let mut reopened = None;
    timed("open again", "open", &mut || {
        reopened = Some(Engine::open(settings.clone(), Roles::none())?);
        Ok(())
    })?;
    let failures = reopened.map(Engine::close).unwrap_or_default();
    ensure!(
        failures.is_empty(),
        "while closing: {}",
        failures.join("; ")
    );
    Ok(end.ledger.is_closed())
}

/// Loads slowly for a time, and prints how long lines were under way.
fn at_rest(
    args: &BenchArgs,
    global: &GlobalArgs,
    output: &Output,
    dir: &Path,
    file: PathBuf,
) -> anyhow::Result<Exit> {
    let mut settings = Settings {
        data_dir: dir.join("data"),
        ..session::settings(global, Vec::new())?
    };
    settings.flow.rate_limit = Some(args.rate);
    let session = Session::of(settings.clone(), global.verbosity(), Roles::all())?;
    let request = LoadRequest {
        file,
        options: ReadOptions::default(),
        rules: Rules::builtin()?,
        limit: settings.flow.error_limit,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let began = session.elapsed();
    let lasts = Duration::from_secs(args.seconds);
    let mut newest = None;
    let mut rows = 0;
    let end = session.ask_and_watch(
        |reply| Command::Load(Box::new(request), reply),
        |snapshot| {
            if let Reading::Known(delay) = &snapshot.visible {
                newest = Some(*delay);
            }
            rows = snapshot.load.as_ref().map_or(rows, |load| load.read.rows);
            if session.elapsed().saturating_sub(began) >= lasts {
                session.engine.send(Command::CancelLoad)?;
            }
            Ok(())
        },
    )?;
    session.close()?;
    // Cut off in the middle, as it should be, the load is an error for the one who waits for it.
    if let Err(error) = &end {
        tracing::debug!(%error, "the load was ended");
    }
    let delay = newest.context("no line came through: is the file longer than the time?")?;
    let (p50, p99) = (delay.p50_us as f64 / 1e3, delay.p99_us as f64 / 1e3);
    let value = json!({
        "mode": settings.mode,
        "rate": args.rate,
        "seconds": args.seconds,
        "rows": rows,
        "groups": delay.samples,
        "visible_p50_ms": p50,
        "visible_p99_ms": p99,
    });
    output.result(&value, || {
        format!(
            "{} rows at {} a second, from reading to visible in all three data centres:\n\
             half within {p50:.1} ms, 99 of 100 within {p99:.1} ms ({} groups of lines).\n",
            grouped(rows),
            grouped(args.rate),
            grouped(delay.samples as u64),
        )
    })?;
    Ok(Exit::Done)
}

fn rows_per_second(figure: &Figure) -> Option<f64> {
    let seconds = figure.took.as_secs_f64().max(f64::EPSILON);
    figure.rows.map(|rows| rows as f64 / seconds)
}

fn json_of(figure: &Figure) -> Value {
    json!({
        "name": figure.key,
        "rows": figure.rows,
        "seconds": figure.took.as_secs_f64(),
        "rows_per_second": rows_per_second(figure),
    })
}

fn text(figures: &[Figure]) -> String {
    let mut table = Table::new(&[
        ("WHAT", Align::Left),
        ("ROWS", Align::Right),
        ("SECONDS", Align::Right),
        ("ROWS/S", Align::Right),
    ]);
    for figure in figures {
        table.row([
            figure.what.to_owned(),
            figure.rows.map(grouped).unwrap_or_default(),
            format!("{:.3}", figure.took.as_secs_f64()),
            rows_per_second(figure).map_or_else(String::new, |rate| format!("{rate:.0}")),
        ]);
    }
    table.text()
}
