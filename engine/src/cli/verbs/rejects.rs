//! `rejects`: the rows that were set aside, on screen or as a CSV that loads again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Seek as _, Write as _};
use std::path::Path;

use crate::config::Mode;
use crate::flow::{RejectsCsv, Roles};
use crate::intake::RowLayout;
use crate::model::{LoadId, ReasonCounts};
use crate::ports::{RejectQuery, RejectRow};
use anyhow::Context;
use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::cli::args::{GlobalArgs, RejectsArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Format, Output, Table, add, grouped};
use crate::cli::session::Session;

/// Rows that a person is shown; `--export` and `--json` have all of them.
const SHOWN: usize = 40;

/// The rows as JSON. The names of its fields are part of the contract, as is their order: how many
/// there are stands before the first.
#[derive(Debug, Serialize)]
struct Listed<R> {
    mode: Mode,
    count: u64,
    set_aside: ReasonCounts,
    rows: R,
}

/// Rows on their way to the JSON, on disk: what stands before them is known after the last, and
/// there may be more of them than memory has room for.
#[derive(Debug)]
struct Spool(BufWriter<File>);

impl Spool {
    /// With no row, in a folder; its file has no name, and is gone however the program ends.
    fn create(folder: &Path) -> anyhow::Result<Self> {
        let file = tempfile::tempfile_in(folder);
        let file = file.with_context(|| format!("no room for the rows: {}", folder.display()))?;
        Ok(Self(BufWriter::new(file)))
    }

    fn put(&mut self, rows: &[RejectRow]) -> anyhow::Result<()> {
        for row in rows {
            serde_json::to_writer(&mut self.0, row)?;
            self.0.write_all(b"\n")?;
        }
        // Looking at the rows needs all of them in the file.
        Ok(self.0.flush()?)
    }
}

impl Serialize for Spool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = self.0.get_ref();
        file.rewind().map_err(S::Error::custom)?;
        let mut rows = serializer.serialize_seq(None)?;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(S::Error::custom)?;
            let row: RejectRow = serde_json::from_str(&line).map_err(S::Error::custom)?;
            rows.serialize_element(&row)?;
        }
        rows.end()
    }
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
    let mut found = Found::new(output.format(), &session.settings.data_dir)?;
    session.visit_rejects(query, |piece| found.put(piece))?;
    let mode = session.settings.mode;
    session.close()?;
    let Found { first, counts, all } = found;
    let listed = Listed {
        mode,
        count: counts.total(),
        set_aside: counts,
        rows: all,
    };
    output.result(&listed, || text(&first, &counts))?;
    Ok(())
}

/// What was found, in memory that does not grow with it.
#[derive(Debug)]
struct Found {
    /// As many as a person is shown.
    first: Vec<RejectRow>,
    counts: ReasonCounts,
    /// All of them, where a program reads them.
    all: Option<Spool>,
}

impl Found {
    fn new(format: Format, folder: &Path) -> anyhow::Result<Self> {
        let all = match format {
            Format::Human => None,
            Format::Json => Some(Spool::create(folder)?),
        };
        Ok(Self {
            first: Vec::new(),
            counts: ReasonCounts::default(),
            all,
        })
    }

    fn put(&mut self, piece: Vec<RejectRow>) -> anyhow::Result<()> {
        count(&mut self.counts, &piece);
        if let Some(all) = &mut self.all {
            all.put(&piece)?;
        }
        let room = SHOWN - self.first.len();
        self.first.extend(piece.into_iter().take(room));
        Ok(())
    }
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

    fn row(number: u64) -> RejectRow {
        RejectRow {
            load: LoadId(1 + number / 7),
            reject: Reject {
                row: RowNo(number),
                line: number + 1,
                byte: 80,
                column: number.is_multiple_of(2).then(|| "Quantity".to_owned()),
                reason: Reason::Cancellation,
                message: "a \u{e9}".to_owned(),
                raw: format!("raw {number},\"x\ny\",\u{fffd}"),
            },
        }
    }

    #[test]
    fn json_of_many_pieces_is_the_one_of_all_rows_at_once_and_leaves_no_file() {
        for of_all in [0, 1, 2 * SHOWN as u64 + 5] {
            let rows: Vec<_> = (1..=of_all).map(row).collect();
            let mut counts = ReasonCounts::default();
            count(&mut counts, &rows);
            let whole = serde_json::to_string_pretty(&Listed {
                mode: Mode::Embedded,
                count: of_all,
                set_aside: counts,
                rows: &rows,
            });
            let folder = tempfile::tempdir().unwrap();
            let mut found = Found::new(Format::Json, folder.path()).unwrap();
            for piece in rows.chunks(2) {
                found.put(piece.to_vec()).unwrap();
                assert!(found.first.len() <= SHOWN, "memory is bounded");
            }
            assert_eq!(found.counts, counts);
            let files = || std::fs::read_dir(folder.path()).unwrap().count();
            let listed = Listed {
                mode: Mode::Embedded,
                count: found.counts.total(),
                set_aside: found.counts,
                rows: found.all,
            };
            // Twice, as it may be looked at from the beginning again.
            for _ in 0..2 {
                let pieces = serde_json::to_string_pretty(&listed).unwrap();
                assert_eq!(&pieces, whole.as_ref().unwrap());
            }
            drop(listed);
            assert_eq!(files(), 0);
        }
    }

    #[test]
    fn the_first_rows_are_shown_and_all_are_counted() {
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
