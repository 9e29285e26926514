//! `rejects`: the rows that were set aside, on screen or as a CSV that loads again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use crate::flow::{Roles, write_rejects};
use crate::handle::Command;
use crate::intake::RowLayout;
use crate::model::{LoadId, ReasonCounts};
use crate::ports::{RejectQuery, RejectRow};
use anyhow::Context;
use serde_json::json;

use crate::cli::args::{GlobalArgs, RejectsArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table, add, grouped};
use crate::cli::session::Session;

/// Rows that a person is shown; `--export` and `--json` have all of them.
const SHOWN: usize = 40;

/// Shows or saves the rows.
pub(crate) fn run(
    args: &RejectsArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<Exit> {
    let session = Session::open(global, Vec::new(), Roles::none())?;
    let query = RejectQuery {
        load: args.load,
        reason: args.reason,
        ..RejectQuery::default()
    };
    let rows = session.ask(|reply| Command::Rejects(query, reply))??;
    let layouts: BTreeMap<LoadId, RowLayout> = session
        .fresh_snapshot()?
        .loads
        .iter()
        .map(|load| (load.id, load.layout.clone()))
        .collect();
    let mode = session.settings.mode;
    session.close()?;
    let mut counts = ReasonCounts::default();
    for row in &rows {
        counts.add(row.reject.reason);
    }
    if let Some(path) = &args.export {
        let count = save(path, rows, &layouts)
            .with_context(|| format!("the rejects could not be saved as {}", path.display()))?;
        let value = json!({
            "mode": mode,
            "exported": count,
            "set_aside": counts,
            "file": path.display().to_string(),
        });
        output.result(&value, || {
            let (count, path) = (grouped(count), path.display());
            format!("{count} rows saved as {path}; mend them there and load that file\n")
        })?;
        return Ok(Exit::Done);
    }
    let value = json!({ "mode": mode, "count": rows.len(), "set_aside": counts, "rows": rows });
    output.result(&value, || text(&rows, &counts))?;
    Ok(Exit::Done)
}

fn text(rows: &[RejectRow], counts: &ReasonCounts) -> String {
    let mut by_reason = Table::new(&[("REASON", Align::Left), ("ROWS", Align::Right)]);
    for (reason, rows) in counts.iter() {
        by_reason.row([reason.to_string(), grouped(rows)]);
    }
    let mut list = Table::new(&[
        ("LOAD", Align::Left),
        ("LINE", Align::Right),
        ("REASON", Align::Left),
        ("RAW TEXT", Align::Left),
    ]);
    for row in rows.iter().take(SHOWN) {
        list.row([
            row.load.to_string(),
            row.reject.line.to_string(),
            row.reject.reason.to_string(),
            row.reject.raw.clone(),
        ]);
    }
    let mut text = by_reason.text() + "\n" + &list.text();
    if let Some(more) = rows.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let more = grouped(more as u64);
        add(
            &mut text,
            format_args!("and {more} more; --export FILE saves all of them\n"),
        );
    }
    text
}

/// Writes the rows as CSV, whole beside the file first. Returns how many.
fn save(
    path: &Path,
    rows: Vec<RejectRow>,
    layouts: &BTreeMap<LoadId, RowLayout>,
) -> anyhow::Result<u64> {
    let part = path.with_extension("part");
    let mut out = BufWriter::new(File::create(&part)?);
    let count = write_rejects(&mut out, rows, layouts)?;
    out.into_inner()?.sync_all()?;
    fs::rename(&part, path)?;
    Ok(count)
}
