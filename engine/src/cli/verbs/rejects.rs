//! `rejects`: the rows that were set aside, on screen or as a CSV that loads again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use crate::config::Mode;
use crate::flow::{RejectsCsv, Roles};
use crate::intake::RowLayout;
use crate::model::{LoadId, ReasonCounts};
use crate::ports::{RejectQuery, RejectRow};
use anyhow::Context;
use serde::Serialize;
use serde_json::json;

use crate::cli::args::{GlobalArgs, RejectsArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Format, Output, Table, add, grouped};
use crate::cli::session::Session;

/// Rows that a person is shown; `--export` and `--json` have all of them.
const SHOWN: usize = 40;

/// The rows as JSON. The names of its fields are part of the contract.
#[derive(Debug, Serialize)]
struct Listed<'r> {
    mode: Mode,
    count: u64,
    set_aside: ReasonCounts,
    rows: &'r [RejectRow],
}

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
    match &args.export {
        Some(path) => export(session, query, path, output)?,
        None => list(session, query, output)?,
    }
    Ok(Exit::Done)
}

fn list(session: Session, query: RejectQuery, output: &Output) -> anyhow::Result<()> {
    let wanted = match output.format() {
        Format::Human => SHOWN,
        Format::Json => usize::MAX,
    };
    let mut rows = Vec::new();
    let mut counts = ReasonCounts::default();
    session.visit_rejects(query, |piece| {
        count(&mut counts, &piece);
        let room = wanted - rows.len();
        rows.extend(piece.into_iter().take(room));
        Ok(())
    })?;
    let listed = Listed {
        mode: session.settings.mode,
        count: counts.total(),
        set_aside: counts,
        rows: &rows,
    };
    session.close()?;
    output.result(&listed, || text(&rows, &counts))?;
    Ok(())
}

fn export(
    session: Session,
    query: RejectQuery,
    path: &Path,
    output: &Output,
) -> anyhow::Result<()> {
    let mut counts = ReasonCounts::default();
    let exported = save(path, &session, query, &mut counts)
        .with_context(|| format!("the rejects could not be saved as {}", path.display()))?;
    let value = json!({
        "mode": session.settings.mode,
        "exported": exported,
        "set_aside": counts,
        "file": path.display().to_string(),
    });
    session.close()?;
    output.result(&value, || {
        let (count, path) = (grouped(exported), path.display());
        format!("{count} rows saved as {path}; mend them there and load that file\n")
    })?;
    Ok(())
}

fn count(counts: &mut ReasonCounts, rows: &[RejectRow]) {
    for row in rows {
        counts.add(row.reject.reason);
    }
}

/// The first rows for people; `counts` is of all of them.
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
    for row in rows {
        list.row([
            row.load.to_string(),
            row.reject.line.to_string(),
            row.reject.reason.to_string(),
            row.reject.raw.clone(),
        ]);
    }
    let mut text = by_reason.text() + "\n" + &list.text();
    let more = counts.total().saturating_sub(rows.len() as u64);
    if more > 0 {
        let more = grouped(more);
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
    session: &Session,
    query: RejectQuery,
    counts: &mut ReasonCounts,
) -> anyhow::Result<u64> {
    let layouts: BTreeMap<LoadId, RowLayout> = session
        .fresh_snapshot()?
        .loads
        .iter()
        .map(|load| (load.id, load.layout.clone()))
        .collect();
    let part = path.with_extension("part");
    let mut csv = RejectsCsv::new(BufWriter::new(File::create(&part)?), &layouts);
    session.visit_rejects(query, |rows| {
        count(counts, &rows);
        Ok(csv.put(rows)?)
    })?;
    let (rows, out) = csv.end()?;
    out.into_inner()?.sync_all()?;
    fs::rename(&part, path)?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reason, Reject, RowNo};

    #[test]
    fn the_first_rows_are_shown_and_all_are_counted() {
        let row = |number| RejectRow {
            load: LoadId(1),
            reject: Reject {
                row: RowNo(number),
                line: number + 1,
                byte: 80,
                column: None,
                reason: Reason::Cancellation,
                message: String::new(),
                raw: format!("raw {number}"),
            },
        };
        let rows: Vec<_> = (1..=SHOWN as u64).map(row).collect();
        let mut counts = ReasonCounts::default();
        count(&mut counts, &rows);
        assert!(!text(&rows, &counts).contains("more"));
        for _ in 0..2 {
            count(&mut counts, &rows);
        }
        let text = text(&rows, &counts);
        assert_eq!(text.matches("raw ").count(), SHOWN, "{text}");
        assert!(text.ends_with("and 80 more; --export FILE saves all of them\n"));
        assert!(text.contains("120"), "{text}");
    }
}
