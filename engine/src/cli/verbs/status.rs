//! `status`: lag, health and traffic of the moment.

use std::collections::BTreeMap;

use crate::flow::Roles;
use crate::handle::Snapshot;
use crate::model::{Dc, Reading, Region};
use crate::watch::overall::Health;
use serde_json::{Value, json};

use super::consume::stored;
use crate::cli::args::GlobalArgs;
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table, add, grouped};
use crate::cli::session::Session;
use crate::cli::shapes::{reading_json, stored_json, stored_text};

/// Pairs of samples that are waited for: a verdict on a consumer needs five.
const SAMPLES: usize = 4;

/// Prints one snapshot.
pub(crate) fn run(global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let session = Session::open(global, Vec::new(), Roles::none())?;
    let mut snapshot = session.fresh_snapshot()?;
    for _ in 0..SAMPLES {
        if snapshot.health != Health::Unknown {
            break;
        }
        snapshot = session.fresh_snapshot()?;
    }
    session.close()?;
    output.result(&value(&snapshot), || text(&snapshot))?;
    Ok(Exit::Done)
}

fn value(snapshot: &Snapshot) -> Value {
    // The sum over known regions alone would look smaller than the truth.
    let lag = snapshot.lag.lines.filter(|_| snapshot.lag.is_complete());
    let routes: BTreeMap<_, _> = Region::ALL
        .into_iter()
        .map(|region| {
            let view = &snapshot.regions[region];
            let value = json!({
                "route": view.route,
                "serving": view.serving,
                "lag": view.lag.known(),
                "verdict": view.verdict,
                "held_back": view.held_back,
            });
            (region.slug(), value)
        })
        .collect();
    let dcs: Option<BTreeMap<_, _>> = snapshot.store.as_ref().map(|store| {
        let of = |dc: Dc| {
            let health = &store.dcs[dc];
            json!({
                "disk_bytes": reading_json(&health.disk_bytes),
                "compactions": reading_json(&health.compactions),
                "hints": reading_json(&health.hints),
                "repair_needed": health.repair_needed,
                "verdict": snapshot.dcs[dc].verdict,
                "seen_by": snapshot.dcs[dc].seen_by,
                "hint_window": snapshot.dcs[dc].hints,
            })
        };
        Dc::ALL.into_iter().map(|dc| (dc.name(), of(dc))).collect()
    });
    json!({
        "mode": snapshot.mode,
        "at": snapshot.at,
        "health": snapshot.health,
        "findings": snapshot.findings,
        "alerts": snapshot.alerts,
        "lag": lag,
        "lines": snapshot.lines,
        "loads": snapshot.loads,
        "routes": routes,
        "stored": stored_json(&stored(snapshot)),
        "data_centres": dcs,
        "partitions": snapshot.partitions,
        "faults": snapshot.faults,
        "workers_failed": snapshot.workers_failed,
    })
}

fn text(snapshot: &Snapshot) -> String {
    let mut text = format!(
        "{}. Mode {}, {} lines of sales, lag {}\n\n",
        snapshot.health.name(),
        snapshot.mode.slug(),
        grouped(snapshot.lines),
        snapshot.lag,
    );
    text.push_str(&stored_text(&stored(snapshot)));
    text.push('\n');
    let mut routes = Table::new(&[
        ("REGION", Align::Left),
        ("SERVED BY", Align::Left),
        ("ITS HOME", Align::Left),
        ("LAG", Align::Right),
        ("HINTS FOR ITS HOME", Align::Right),
        ("DISK OF ITS HOME", Align::Right),
    ]);
    for region in Region::ALL {
        let view = &snapshot.regions[region];
        let lag = view.lag.known().map_or_else(|| "Unknown".into(), grouped);
        let home = snapshot
            .store
            .as_ref()
            .map(|store| &store.dcs[region.home()]);
        let unknown = || "Unknown".to_owned();
        let disk = home.and_then(|dc| match &dc.disk_bytes {
            Reading::Known(bytes) => Some(format!("{} kB", grouped(bytes / 1_000))),
            Reading::Stale { .. } | Reading::Unknown(_) => None,
        });
        routes.row([
            region.to_string(),
            view.serving.to_string(),
            snapshot.dcs[region.home()].verdict.name().to_owned(),
            lag,
            home.and_then(|dc| dc.hints.known())
                .map_or_else(unknown, |hints| grouped(*hints)),
            disk.unwrap_or_else(unknown),
        ]);
    }
    text.push_str(&routes.text());
    text.push('\n');
    for finding in &snapshot.findings {
        let (what, evidence, next) = (&finding.what, &finding.evidence, finding.next_step);
        add(&mut text, format_args!("{what} ({evidence}): {next}\n"));
    }
    let mut loads = Table::new(&[
        ("LOAD", Align::Left),
        ("READ", Align::Right),
        ("CLEAN", Align::Right),
        ("SET ASIDE", Align::Right),
        ("STATE", Align::Left),
        ("FILE", Align::Left),
    ]);
    for load in &snapshot.loads {
        loads.row([
            load.id.to_string(),
            grouped(load.intake.read),
            grouped(load.intake.clean),
            grouped(load.intake.set_aside.total()),
            state(&load.state),
            load.file.display().to_string(),
        ]);
    }
    text + &loads.text()
}

fn state(state: &crate::flow::LoadState) -> String {
    use crate::flow::LoadState;
    match state {
        LoadState::Reading => "unfinished".into(),
        LoadState::Produced => "ended".into(),
        LoadState::Cancelled => "cut off; goes on when loaded again".into(),
        LoadState::Stopped(why) => format!("stopped: {why}"),
        LoadState::Failed(why) => format!("failed: {why}"),
    }
}
