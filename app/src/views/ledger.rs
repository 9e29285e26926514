//! A ledger as a table and as JSON: to be checked by others, line by line.

use std::fmt::Write as _;

use retail_engine::config::Mode;
use retail_engine::handle::Snapshot;
use retail_engine::ledger::Ledger;
use retail_engine::model::{Dc, Reading, Reason, Region};
use serde_json::json;

/// Name that is proposed for a file, without its ending.
pub fn file_name(snapshot: &Snapshot) -> String {
    let load = snapshot.loads.last();
    load.map_or_else(|| "ledger".to_owned(), |load| format!("ledger-{}", load.id))
}

/// The lines of the sheet: what, how many, and the worth where it has one.
pub fn rows(ledger: &Ledger) -> Vec<(String, String, String)> {
    let row = |what: &str, lines: u64| (what.to_owned(), lines.to_string(), String::new());
    let intake = &ledger.intake;
    let mut rows = vec![row("read", intake.read)];
    for reason in Reason::ALL {
        let aside = intake.set_aside.get(reason);
        if aside > 0 {
            rows.push(row(&format!("set aside: {}", reason.slug()), aside));
        }
    }
    rows.push((
        "clean".to_owned(),
        intake.clean.to_string(),
        intake.amount().to_string(),
    ));
    let regions = intake.per_region();
    for region in Region::ALL {
        let of = regions[region];
        let what = format!("clean: {}", region.name());
        rows.push((what, of.lines.to_string(), of.amount.to_string()));
    }
    rows.extend([
        row("produced", ledger.produced),
        row("set aside and produced", ledger.quarantine_produced),
        row("consumed", ledger.consumed),
        row("written", ledger.written),
        row("set aside and written", ledger.quarantine_written),
        row("stored before", ledger.lines_before),
        row("stored now", ledger.lines_now),
        row("new", ledger.new_lines()),
        row("already there", ledger.already_there()),
    ]);
    for dc in Dc::ALL {
        let lines = match &ledger.visible[dc] {
            Reading::Known(lines) => lines.to_string(),
            Reading::Stale { value, age } => format!("{value} ({} s ago)", age.as_secs()),
            Reading::Unknown(why) => format!("Unknown: {why}"),
        };
        rows.push((format!("visible in {}", dc.name()), lines, String::new()));
    }
    for gap in ledger.gaps() {
        rows.push((
            format!("gap between {}", gap.between),
            gap.lines.to_string(),
            String::new(),
        ));
    }
    rows
}

/// As CSV, with the load and the mode in its first columns.
pub fn csv(snapshot: &Snapshot, ledger: &Ledger) -> String {
    let load = snapshot.loads.last();
    let load = load.map_or_else(String::new, |load| load.id.to_string());
    let mode = mode(snapshot);
    let mut text = "load,mode,what,lines,amount_gbp\n".to_owned();
    for (what, lines, amount) in rows(ledger) {
        let cells = [&load, &mode.to_owned(), &what, &lines, &amount].map(|cell| field(cell));
        let _infallible = writeln!(text, "{}", cells.join(","));
    }
    text
}

/// As JSON, with the load, the time and the mode.
pub fn json(snapshot: &Snapshot, ledger: &Ledger) -> String {
    let load = snapshot.loads.last();
    let value = json!({
        "load": load.map(|load| load.id.to_string()),
        "file": load.map(|load| load.file.display().to_string()),
        "at": snapshot.at.to_rfc3339(),
        "mode": mode(snapshot),
        "closed": ledger.is_closed(),
        "ledger": ledger,
        "gaps": ledger.gaps().iter().map(|gap| {
            json!({ "between": gap.between, "lines": gap.lines })
        }).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

const fn mode(snapshot: &Snapshot) -> &'static str {
    match snapshot.mode {
        Mode::Embedded => "embedded (data centres simulated)",
        Mode::Live => "live",
    }
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
