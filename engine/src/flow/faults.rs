//! Starting and ending faults: the board of leases, its journal on disk, and the adapters that
//! heed them.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use thiserror::Error;

use super::journal::{JournalError, Lines};
use crate::failover::lease::{FaultBoard, FaultLease, JournalEntry, LeaseId};
use crate::ports::{Clock, Fault, Log, Store};
use crate::telemetry::{EventKind, EventLog};

/// Name of the journal in the data directory.
const JOURNAL: &str = "faults.jsonl";

/// Why a fault was not started.
#[derive(Debug, Error)]
pub enum FaultError {
    /// The journal cannot be read or written: a fault that is not on record is not started.
    #[error("the journal of faults: {0}")]
    Journal(#[from] JournalError),
    /// The servers cannot be broken like this, or not at all.
    #[error("{fault} is not started: {why}")]
    Refused {
        /// What was asked for.
        fault: Fault,
        /// Why, in a sentence.
        why: String,
    },
}

impl FaultError {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Journal { .. } => "check the disk of the data directory",
            Self::Refused { .. } => "choose another fault, or a profile of a lab",
        }
    }
}

/// Whether these servers can be broken like this; the first fault that is refused is the error.
pub(crate) fn allowed(
    faults: &[Fault],
    log: &dyn Log,
    store: &dyn Store,
) -> Result<(), FaultError> {
    for fault in faults {
        if let Some(why) = log.refuses(fault).or_else(|| store.refuses(fault)) {
            return Err(FaultError::Refused { fault: *fault, why });
        }
    }
    Ok(())
}

/// The faults of this engine.
pub(crate) struct FaultDesk {
    inner: Mutex<Inner>,
    clock: Arc<dyn Clock>,
    events: EventLog,
}

struct Inner {
    board: FaultBoard,
    journal: Lines,
}

impl FaultDesk {
    /// Reads the journal; faults that an earlier process left behind are told and cleared. They
    /// were in force inside that process only, so clearing them is a line in the journal.
    pub(crate) fn open(
        dir: &Path,
        clock: Arc<dyn Clock>,
        events: EventLog,
    ) -> Result<Self, JournalError> {
        let path = dir.join(JOURNAL);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(JournalError::new(error, &path)),
        };
        let replayed = FaultBoard::replay(&text);
        let desk = Self {
            inner: Mutex::new(Inner {
                board: replayed.board,
                journal: Lines::open(&path, replayed.keep_bytes)?,
            }),
            clock,
            events,
        };
        let mut inner = desk.inner.lock();
        let cleared = inner.board.clear_left_over(desk.clock.now());
        inner.write(&cleared)?;
        drop(inner);
        if !cleared.is_empty() {
            let faults = cleared.len() as u64;
            desk.events.emit(EventKind::FaultsCleared { faults });
        }
        Ok(desk)
    }

    /// Starts a fault that ends by itself after `lasts`.
    pub(crate) fn start(
        &self,
        fault: Fault,
        lasts: Duration,
        by: &str,
        log: &dyn Log,
        store: &dyn Store,
    ) -> Result<FaultLease, FaultError> {
        allowed(&[fault], log, store)?;
        let mut inner = self.inner.lock();
        let mut board = inner.board.clone();
        let entry = board.start(fault, self.clock.now(), lasts, by);
        inner.write(std::slice::from_ref(&entry))?;
        inner.board = board;
        apply(&inner.board, log, store);
        let lease_secs = lasts.as_secs();
        self.events
            .emit(EventKind::FaultStarted { fault, lease_secs });
        match entry {
            JournalEntry::Started(lease) => Ok(lease),
            JournalEntry::Ended { .. } => {
                let mixed_up = io::Error::other("a start was recorded as an end");
                Err(inner.journal.failed(mixed_up).into())
            }
        }
    }

    /// Ends one fault; `false` when it is over already.
    pub(crate) fn end(&self, id: LeaseId, log: &dyn Log, store: &dyn Store) -> bool {
        self.ended(log, store, |board, now| {
            board.end(id, now).into_iter().collect()
        }) > 0
    }

    /// Ends every fault; how many there were.
    pub(crate) fn end_all(&self, log: &dyn Log, store: &dyn Store) -> usize {
        self.ended(log, store, FaultBoard::end_all)
    }

    /// Ends the faults whose time is over.
    pub(crate) fn expire(&self, log: &dyn Log, store: &dyn Store) {
        self.ended(log, store, FaultBoard::expire);
    }

    /// The faults in force.
    pub(crate) fn active(&self) -> Vec<FaultLease> {
        self.inner.lock().board.active().cloned().collect()
    }

    /// Faults that an earlier process left and that are not cleared.
    pub(crate) fn left_over(&self) -> usize {
        self.inner.lock().board.left_over().count()
    }

    fn ended(
        &self,
        log: &dyn Log,
        store: &dyn Store,
        change: impl FnOnce(&mut FaultBoard, chrono::DateTime<chrono::Utc>) -> Vec<JournalEntry>,
    ) -> usize {
        let mut inner = self.inner.lock();
        let before = inner.board.faults();
        let entries = change(&mut inner.board, self.clock.now());
        if entries.is_empty() {
            return 0;
        }
        // The effect is removed first: a fault must end even when the disk takes no line.
        apply(&inner.board, log, store);
        if let Err(error) = inner.write(&entries) {
            tracing::warn!(%error, "the end of a fault is not on record");
        }
        let after = inner.board.faults();
        for fault in before.into_iter().filter(|fault| !after.contains(fault)) {
            self.events.emit(EventKind::FaultEnded { fault });
        }
        entries.len()
    }
}

fn apply(board: &FaultBoard, log: &dyn Log, store: &dyn Store) {
    let faults = board.faults();
    log.set_faults(&faults);
    store.set_faults(&faults);
}

impl Inner {
    /// Makes entries durable.
    fn write(&mut self, entries: &[JournalEntry]) -> Result<(), JournalError> {
        if entries.is_empty() {
            return Ok(());
        }
        let lines: String = entries
            .iter()
            .map(JournalEntry::to_line)
            .collect::<Result<_, _>>()
            .map_err(|error| self.journal.failed(io::Error::other(error)))?;
        self.journal.add(&lines)
    }
}
