//! What the console does where there is no display: the demonstration, in words. The sample is
//! loaded, Europe is lost while it flows once more, and what is stored is compared and reported.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use retail_engine::analytics::render_text;
use retail_engine::clean::Rules;
use retail_engine::config::{ErrorLimit, Settings};
use retail_engine::flow::{DrillOutcome, DrillRequest, LoadEnd, LoadRequest, Resume, Roles, Until};
use retail_engine::handle::{Answer, Command, Engine};
use retail_engine::intake::ReadOptions;
use retail_engine::model::Dc;
use retail_engine::watch::rates::Hop;

use crate::sample;
use crate::views::format;

/// The drill of the demonstration.
const SCENARIO: &str = "europe-down";
/// Lines per second while Europe is lost: some ten seconds of the sample, longer than the fault.
const RATE: u64 = 50_000;
/// Between two lines of progress.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Columns of the report.
const WIDTH: usize = 100;

/// Whether there is something to open a window on.
pub fn has_display() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let is_set =
        |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Runs the demonstration and tells it to `out`. Fails where a ledger does not close, a line is
/// lost, or the data centres differ at the end.
pub fn demonstrate(settings: Settings, out: &mut dyn Write) -> anyhow::Result<()> {
    let data_dir = settings.data_dir.clone();
    writeln!(
        out,
        "Embedded mode; the data centres are simulated. Data: {}",
        data_dir.display()
    )?;
    let engine = Engine::open(settings, Roles::all())?;
    let file = sample::unpack(&data_dir)?;
    let end = load(&engine, file.clone(), out)?;
    tell_load(&end, out)?;
    let outcome = drill(&engine, file, out)?;
    tell_drill(&outcome, out)?;
    writeln!(out, "\n3. Every row of every data centre, compared")?;
    let comparison = engine.ask(Command::Verify).wait()??;
    for dc in Dc::ALL {
        let (stored, amount) = (&comparison.stored[dc], &comparison.amounts[dc]);
        let lines = stored.known().map(|digest| format::count(digest.lines));
        let amount = amount.known().map(|amount| format::money(*amount));
        let unknown = || "Unknown".to_owned();
        writeln!(
            out,
            "   {:<16}{:>12} lines  {}",
            dc.name(),
            lines.unwrap_or_else(unknown),
            amount.unwrap_or_else(unknown),
        )?;
    }
    ensure!(
        comparison.converged() && comparison.drift.is_empty(),
        "the data centres differ in {} buckets, and {} summaries from their rows: run `retail-engine repair`",
        comparison.unequal.len(),
        comparison.drift.len(),
    );
    writeln!(
        out,
        "   equal, in {} buckets",
        format::count(comparison.buckets)
    )?;
    writeln!(out, "\n4. What the data says\n")?;
    let report = engine.ask(|reply| Command::Report(Box::default(), reply));
    writeln!(out, "{}", render_text(&report.wait()??, WIDTH))?;
    let failures = engine.close();
    ensure!(
        failures.is_empty(),
        "while closing: {}",
        failures.join("; ")
    );
    Ok(())
}

fn load(engine: &Engine, file: PathBuf, out: &mut dyn Write) -> anyhow::Result<LoadEnd> {
    writeln!(out, "\n1. Load the sample")?;
    let request = LoadRequest {
        file,
        options: ReadOptions::default(),
        rules: Rules::builtin()?,
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let answer = engine.ask(|reply| Command::Load(Box::new(request), reply));
    Ok(wait(engine, &answer, out)??)
}

fn tell_load(end: &LoadEnd, out: &mut dyn Write) -> anyhow::Result<()> {
    let ledger = &end.ledger;
    let rate = ledger.intake.read as f64 / end.took.as_secs_f64().max(1e-9);
    writeln!(
        out,
        "   {} rows read, {} set aside, {} written, {} of them new; {} in {}",
        format::count(ledger.intake.read),
        format::count(ledger.intake.set_aside.total()),
        format::count(ledger.written),
        format::count(ledger.new_lines()),
        format::rate(rate, "rows"),
        format::duration(end.took),
    )?;
    ensure!(
        ledger.is_closed(),
        "the ledger does not close: {:?}",
        ledger.gaps()
    );
    writeln!(out, "   the ledger closes")?;
    Ok(())
}

fn drill(engine: &Engine, file: PathBuf, out: &mut dyn Write) -> anyhow::Result<DrillOutcome> {
    writeln!(
        out,
        "\n2. Lose Europe while the same lines flow again: each must count once"
    )?;
    let request = DrillRequest {
        scenario: SCENARIO.to_owned(),
        faults: Vec::new(),
        rate: Some(RATE),
        duration: None,
        file: Some(file),
    };
    let answer = engine.ask(|reply| Command::Drill(Box::new(request), reply));
    Ok(wait(engine, &answer, out)??)
}

fn tell_drill(outcome: &DrillOutcome, out: &mut dyn Write) -> anyhow::Result<()> {
    let result = &outcome.report.result;
    let millis =
        |value: Option<u64>| value.map_or_else(|| "not seen".to_owned(), |ms| format!("{ms} ms"));
    let lost = result
        .rpo_lines
        .map_or_else(|| "unknown".to_owned(), format::count);
    writeln!(
        out,
        "   detected after {}, recovered after {}",
        millis(result.detected_ms),
        millis(result.rto_ms)
    )?;
    writeln!(
        out,
        "   lines lost: {lost}; longest stall {}",
        millis(result.longest_stall_ms)
    )?;
    if let Some(ledger) = &outcome.ledger {
        writeln!(
            out,
            "   {} written again, {} new",
            format::count(ledger.written),
            format::count(ledger.new_lines()),
        )?;
    }
    ensure!(
        outcome.is_whole(),
        "the drill did not end whole: lines were lost, or replicas differ"
    );
    writeln!(out, "   nothing was lost, and the replicas are equal")?;
    Ok(())
}

/// Waits for an answer, and tells once a second how far the lines are.
fn wait<T>(engine: &Engine, answer: &Answer<T>, out: &mut dyn Write) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(value) = answer.wait_for(TELL_EVERY) {
            return value.context("the engine ended before it answered");
        }
        let snapshot = engine.snapshot();
        let written = snapshot.counters.passed(Hop::Write);
        let time = format::duration(begun.elapsed());
        let written = format::count(written);
        writeln!(
            out,
            "   {time}: {written} lines written since the start, health {:?}",
            snapshot.health
        )?;
    }
}
