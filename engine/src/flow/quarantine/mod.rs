//! Rows that were set aside: looked at, mended, and sent through the pipeline once more.
//!
//! The raw text is never changed. A fix is data in a journal (`fixes.jsonl` in the data
//! directory); it can be taken back until it is produced. Re-ingesting writes the mended rows to
//! a file and loads it like any other, through the same reader, cleaner and router, with a
//! ledger of its own.

mod export;
mod fixes;
mod page;
mod reingest;

use std::path::Path;

use parking_lot::Mutex;
use thiserror::Error;

use self::fixes::{Entry, FixBoard};
use super::journal::{Journal, JournalError};
use super::loads::LoadError;
use super::runtime::Runtime;
use crate::intake::{ExportError, IntakeError, RowLayout};
use crate::model::LoadId;
use crate::ports::{RejectQuery, RejectRow, StoreError};
use crate::telemetry::EventKind;

pub use export::{RejectsCsv, write_rejects};
pub use fixes::{ATTEMPTS_MAX, Fix, FixId, FixRule, Produced, Reingested, RejectKey, RejectStatus};
pub use page::{ReasonTotal, RejectFilter, RejectPage, RejectView, ValueCount};
pub use reingest::{FixEffect, ReingestPlan};

/// The journal in the data directory.
const JOURNAL: &str = "fixes.jsonl";
/// Rows read from the store at a time.
const CHUNK_ROWS: usize = 50_000;

/// Why rows that were set aside could not be shown or mended.
#[derive(Debug, Error)]
pub enum QuarantineError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list of fixes.
    #[error("the list of fixes: {0}")]
    Journal(#[from] JournalError),
    /// The mended rows cannot be read.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The mended rows cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The file of mended rows cannot be written.
    #[error("the mended rows cannot be written: {0}")]
    File(#[from] std::io::Error),
    /// The load of the mended rows.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// There is no such fix, or it is produced already.
    #[error("fix {} is not pending: it was taken back, or its lines are produced", .0.0)]
    NotPending(FixId),
    /// No row is mended.
    #[error("no pending fix is about a row that can be sent again")]
    NothingToDo,
    /// Something was fixed, taken back or loaded after the plan was made.
    #[error("the fixes or the rows have changed since the plan was made")]
    PlanIsOld,
    /// The load ended before all rows were in the log.
    #[error("{0} ended before all of its rows were in the log; the fixes stay pending")]
    NotWhole(LoadId),
}

impl QuarantineError {
    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Store(error) => error.remedy().into(),
            Self::Journal(error) => error.remedy().into(),
            Self::File(_) => JournalError::ROOM.into(),
            Self::Intake(error) => error.remedy().into(),
            Self::Export(error) => error.remedy().into(),
            Self::Load(error) => error.remedy(),
            Self::NotPending(_) => "nothing to do; lines that are produced stay".into(),
            Self::NothingToDo => "add a fix first".into(),
            Self::PlanIsOld => "make the plan again and look at it".into(),
            Self::NotWhole(_) => "re-ingest again: nothing doubles".into(),
        }
    }
}

/// The fixes of a data directory.
pub(crate) struct QuarantineDesk {
    inner: Mutex<(Journal, FixBoard)>,
}

impl QuarantineDesk {
    /// Reads the journal.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, JournalError> {
        let (journal, entries) = Journal::open(&data_dir.join(JOURNAL))?;
        let mut board = FixBoard::default();
        for entry in entries {
            board.heed(entry);
        }
        Ok(Self {
            inner: Mutex::new((journal, board)),
        })
    }

    fn board(&self) -> FixBoard {
        self.inner.lock().1.clone()
    }

    fn record(&self, entry: Entry) -> Result<(), QuarantineError> {
        let mut inner = self.inner.lock();
        inner.0.append(&entry)?;
        inner.1.heed(entry);
        Ok(())
    }
}

impl Runtime {
    /// The fixes that are not produced, oldest first.
    pub(crate) fn fixes(&self) -> Vec<Fix> {
        self.quarantine.board().pending().cloned().collect()
    }

    /// The loads that were made of mended rows, oldest first.
    pub(crate) fn reingested(&self) -> Vec<Reingested> {
        self.quarantine.board().done().to_vec()
    }

    /// Puts a fix on record; it changes nothing before it is produced.
    pub(crate) fn add_fix(&self, rule: FixRule) -> Result<Fix, QuarantineError> {
        let mut inner = self.quarantine.inner.lock();
        let (journal, board) = &mut *inner;
        let fix = board.next(rule, self.clock.now());
        let entry = Entry::Fixed(fix.clone());
        journal.append(&entry)?;
        board.heed(entry);
        drop(inner);
        let (before, after) = in_words(&fix.rule);
        self.tell_fix(&fix, before, after);
        Ok(fix)
    }

    /// Takes a fix back that is not produced.
    pub(crate) fn undo_fix(&self, id: FixId) -> Result<Fix, QuarantineError> {
        let mut inner = self.quarantine.inner.lock();
        let (journal, board) = &mut *inner;
        let Some(fix) = board.pending().find(|fix| fix.id == id).cloned() else {
            return Err(QuarantineError::NotPending(id));
        };
        let entry = Entry::Undone(id);
        journal.append(&entry)?;
        board.heed(entry);
        drop(inner);
        let (before, after) = in_words(&fix.rule);
        self.tell_fix(&fix, after, before);
        Ok(fix)
    }

    fn tell_fix(&self, fix: &Fix, before: String, after: String) {
        self.events.emit(EventKind::Edited {
            what: format!("fix {}", fix.id.0),
            before,
            after,
        });
    }

    /// Where a row stands, and how often it was set aside again after it was mended.
    pub(crate) fn standing_of(&self, row: &RejectRow, layout: &RowLayout) -> (RejectStatus, u32) {
        let board = self.quarantine.board();
        (
            board.status(row, layout),
            board.attempts(RejectKey::of(row)),
        )
    }

    /// How the rows of a load are cut.
    fn layout_of(&self, load: LoadId) -> RowLayout {
        let known = self.loads.all();
        let record = known.into_iter().find(|record| record.id == load);
        record.map(|record| record.layout).unwrap_or_default()
    }

    /// Visits rows that were set aside, with the way their file is cut, in pieces that bound the
    /// memory.
    fn visit_rejects(
        &self,
        load: Option<LoadId>,
        mut visit: impl FnMut(RejectRow, &RowLayout),
    ) -> Result<(), StoreError> {
        let query = RejectQuery {
            load,
            ..RejectQuery::default()
        };
        let mut layout: Option<(LoadId, RowLayout)> = None;
        let ask = |piece: &RejectQuery| self.rejects(piece);
        visit_pieces(query, ask, |rows| {
            for row in rows {
                let load = row.load;
                let (_, layout) = match &mut layout {
                    Some(known) if known.0 == load => known,
                    other => other.insert((load, self.layout_of(load))),
                };
                visit(row, layout);
            }
            Ok(())
        })
    }
}

/// Visits all rows that a query asks for, in order, in pieces that bound the memory: `ask`
/// answers a query that has a limit.
pub(crate) fn visit_pieces<E>(
    mut query: RejectQuery,
    mut ask: impl FnMut(&RejectQuery) -> Result<Vec<RejectRow>, E>,
    mut visit: impl FnMut(Vec<RejectRow>) -> Result<(), E>,
) -> Result<(), E> {
    query.limit = Some(CHUNK_ROWS);
    loop {
        let rows = ask(&query)?;
        let count = rows.len();
        visit(rows)?;
        if count < CHUNK_ROWS {
            return Ok(());
        }
        query.skip += count;
    }
}

/// What a fix finds and what it leaves.
fn in_words(rule: &FixRule) -> (String, String) {
    let at = |key: &RejectKey| format!("{}, row {}", key.load, key.row.0);
    match rule {
        FixRule::Field { row, column, to } => {
            let before = format!("{} of {} as in the file", column.name(), at(row));
            (before, format!("{to:?}"))
        }
        FixRule::Row { row, fields } => (
            format!("{} as in the file", at(row)),
            format!("{:?}", fields.join(", ")),
        ),
        FixRule::Alike {
            column, from, to, ..
        } => (format!("{} {from:?}", column.name()), format!("{to:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reason, Reject, RowNo};

    fn row(number: usize) -> RejectRow {
        RejectRow {
            load: LoadId(1),
            reject: Reject {
                row: RowNo(number as u64),
                line: 2,
                byte: 80,
                column: None,
                reason: Reason::Cancellation,
                message: String::new(),
                raw: String::new(),
            },
        }
    }

    #[test]
    fn pieces_have_every_row_once_in_order_and_none_is_large() {
        for (skip, all) in [
            (0, 0),
            (0, 1),
            (3, CHUNK_ROWS),
            (0, 2 * CHUNK_ROWS),
            (7, 2 * CHUNK_ROWS + 9),
        ] {
            let query = RejectQuery {
                skip,
                ..RejectQuery::default()
            };
            let ask = |piece: &RejectQuery| {
                let end = all.min(piece.skip + piece.limit.unwrap());
                Ok::<_, StoreError>((piece.skip..end).map(row).collect())
            };
            let mut met = skip;
            visit_pieces(query, ask, |rows| {
                assert!(rows.len() <= CHUNK_ROWS);
                for found in rows {
                    assert_eq!(found.reject.row, RowNo(met as u64));
                    met += 1;
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(met, all, "after {skip} of {all}");
        }
    }
}
