//! `drill`: a failover as a script, measured.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::failover::drill::{DrillResult, LevelWrites};
use crate::failover::report::Setting;
use crate::flow::{DrillError, DrillOutcome, DrillRequest, Roles};
use crate::handle::{Command, Engine};
use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::args::{DrillArgs, GlobalArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table};

/// Runs a drill and prints what was measured.
pub(crate) fn run(args: &DrillArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let settings = global.sources(Vec::new()).load()?.settings;
    let engine = Engine::open(settings, Roles::all())?;
    let request = DrillRequest {
        scenario: args.scenario.clone(),
        faults: Vec::new(),
        rate: args.rate,
        duration: args.duration.map(Duration::from_secs),
        file: None,
    };
    let answer = engine.ask(|reply| Command::Drill(Box::new(request), reply));
    let outcome = match answer.wait()? {
        Ok(outcome) => outcome,
        Err(error) => {
            let exit = match &error {
                DrillError::Unknown { .. } => Exit::Usage,
                _ => Exit::Failed,
            };
            let remedy = error.remedy();
            let told = anyhow::Error::new(error).context(format!("no drill was run ({remedy})"));
            output.error(&told);
            return Ok(exit);
        }
    };
    if let Some(file) = &args.report {
        fs::write(file, outcome.report.to_html())
            .with_context(|| format!("the report cannot be written: {}", file.display()))?;
    }
    output.result(&value(&outcome), || human(&outcome))?;
    Ok(if outcome.is_whole() {
        Exit::Done
    } else {
        Exit::DoesNotClose
    })
}

fn value(outcome: &DrillOutcome) -> Value {
    let result = &outcome.report.result;
    let per_level = |of: fn(&LevelWrites) -> u64| -> BTreeMap<&str, u64> {
        let writes = result.writes.iter();
        writes.map(|w| (w.level.name(), of(w))).collect()
    };
    json!({
        "scenario": result.scenario.name,
        "detected_ms": result.detected_ms,
        "rto_ms": result.rto_ms,
        "rpo_lines": result.rpo_lines,
        "lost": result.lost,
        "writes_ok": per_level(|w| w.ok),
        "writes_failed": per_level(|w| w.failed),
        "longest_stall_ms": result.longest_stall_ms,
        "hints_peak": result.hints_peak,
        "converged": result.converged,
        "prediction_score": result.score.share,
        "simulated": outcome.report.setting == Setting::Simulated,
        "ledger_closed": outcome.ledger.as_ref().map(crate::ledger::Ledger::is_closed),
        "steps": result.steps,
        "observed": result.observed,
        "prediction": result.prediction,
        "score": result.score,
    })
}

fn human(outcome: &DrillOutcome) -> String {
    let result = &outcome.report.result;
    let simulated = match outcome.report.setting {
        Setting::Simulated => " (simulated)",
        Setting::Live => "",
    };
    let mut text = format!("{}{simulated}\n\n", result.scenario.title);
    text.push_str(&figures(result));
    text.push('\n');
    text.push_str(&steps(result));
    text
}

fn figures(result: &DrillResult) -> String {
    let mut table = Table::new(&[("FIGURE", Align::Left), ("VALUE", Align::Right)]);
    let millis = |value: Option<u64>| value.map(|ms| format!("{ms} ms"));
    let unseen = || "not seen".to_owned();
    for (name, value) in [
        ("Detected after", millis(result.detected_ms)),
        ("Recovered after (RTO)", millis(result.rto_ms)),
        (
            "Lines lost (RPO)",
            result.rpo_lines.map(|lines| lines.to_string()),
        ),
        ("Longest stall", millis(result.longest_stall_ms)),
        (
            "Most hints",
            result.hints_peak.map(|hints| hints.to_string()),
        ),
        (
            "Replicas equal",
            result
                .converged
                .map(|equal| if equal { "yes" } else { "no" }.to_owned()),
        ),
        (
            "Prediction",
            result
                .score
                .share
                .map(|share| format!("{:.0} %", share * 100.0)),
        ),
    ] {
        table.row([name.to_owned(), value.unwrap_or_else(unseen)]);
    }
    for writes in &result.writes {
        let name = format!("Writes at {}", writes.level);
        let value = format!("{} ok, {} failed", writes.ok, writes.failed);
        table.row([name, value]);
    }
    table.text()
}

fn steps(result: &DrillResult) -> String {
    let mut table = Table::new(&[("STEP", Align::Left), ("AFTER THE FAULT", Align::Left)]);
    for step in &result.steps {
        let when = match (step.after_fault_ms, &step.missing) {
            (Some(ms), _) => format!("{ms} ms"),
            (None, Some(why)) => why.clone(),
            (None, None) => String::new(),
        };
        table.row([step.step.name().to_owned(), when]);
    }
    table.text()
}
