//! The loads of this data directory, newest first.

use retail_engine::flow::{LoadRecord, LoadState};
use retail_engine::handle::Snapshot;
use retail_engine::model::{LoadId, Reading};

use crate::views::format;
use crate::views::ledger::{self, Balance};
use crate::widgets::Status;

/// A load in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastLoad {
    /// Which.
    pub id: LoadId,
    /// Its file, without the folder.
    pub file: String,
    /// Rows read.
    pub rows: u64,
    /// Lines that it added to the store.
    pub new: Reading<u64>,
    /// Rows set aside.
    pub aside: u64,
    /// How it ended, in a word.
    pub ended: (Status, &'static str),
    /// When it began.
    pub began: String,
}

/// All loads, newest first.
pub fn past(snapshot: &Snapshot) -> Vec<PastLoad> {
    let all = &snapshot.loads;
    let mut rows: Vec<PastLoad> = all
        .iter()
        .enumerate()
        .map(|(place, record)| {
            let next = all.get(place + 1);
            // A load begins when everything before it is written, so the next one counted what
            // this one added.
            let new = match (next, &snapshot.ledger) {
                (Some(next), _) => {
                    Reading::Known(next.lines_before.saturating_sub(record.lines_before))
                }
                (None, Some(ledger)) => Reading::Known(ledger.new_lines()),
                (None, None) => Reading::Unknown("its ledger is not there yet".to_owned()),
            };
            PastLoad {
                id: record.id,
                file: file_name(record),
                rows: record.intake.read,
                new,
                aside: record.intake.set_aside.total(),
                ended: ended(record, next.is_none(), snapshot),
                began: format::clock(record.started_at),
            }
        })
        .collect();
    rows.reverse();
    rows
}

/// Its file, without the folder.
pub fn file_name(record: &LoadRecord) -> String {
    let name = record.file.file_name();
    name.map_or_else(
        || record.file.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn ended(record: &LoadRecord, newest: bool, snapshot: &Snapshot) -> (Status, &'static str) {
    let running = snapshot.load.as_ref().map(|load| load.record.id);
    if running == Some(record.id) {
        return (Status::Neutral, "running");
    }
    match &record.state {
        LoadState::Reading => (Status::Warn, "not finished"),
        LoadState::Cancelled => (Status::Warn, "cancelled"),
        LoadState::Stopped(_) => (Status::Warn, "stopped"),
        LoadState::Failed(_) => (Status::Critical, "failed"),
        LoadState::Produced if record.intake.clean == 0 => (Status::Warn, "nothing produced"),
        LoadState::Produced if newest => match ledger::balance(snapshot) {
            Some(Balance::Closed) => (Status::Ok, "closed"),
            Some(Balance::Moving) => (Status::Neutral, "writing"),
            Some(Balance::NotCompared) => (Status::Unknown, "not compared"),
            Some(Balance::Gap(_)) => (Status::Critical, "gap"),
            Some(Balance::Unknown) | None => (Status::Unknown, "Unknown"),
        },
        // Its ledger is not read, and the data centres hold lines of later loads by now.
        LoadState::Produced => (Status::Unknown, "not compared"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::ledger::tests::{ended, ended_with};

    #[test]
    fn only_the_newest_load_is_closed_as_only_its_ledger_is_read() {
        let words = |snapshot: &Snapshot| -> Vec<_> {
            let rows = past(snapshot).into_iter();
            rows.map(|row| row.ended).collect()
        };
        let mut snapshot = ended();
        let mut next = snapshot.loads[0].clone();
        next.id = LoadId(2);
        next.lines_before = 10;
        snapshot.loads.push(next);
        let (closed, unread) = ((Status::Ok, "closed"), (Status::Unknown, "not compared"));
        assert_eq!(words(&snapshot), [closed, unread]);
        let open = ended_with(|ledger| ledger.lines_now = 9);
        assert_eq!(words(&open), [(Status::Critical, "gap")]);
    }
}
