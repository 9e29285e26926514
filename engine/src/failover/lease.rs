//! Faults as leases: each ends by itself, and a journal remembers those that a crash left behind.
//!
//! Writing the journal is the caller's business, and comes *before* the fault takes effect: a
//! fault that nobody recorded could not be cleared after a crash.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ports::Fault;

/// One lease, counted up over all runs of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(pub u64);

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F-{:03}", self.0)
    }
}

/// A fault with its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultLease {
    /// Its number.
    pub id: LeaseId,
    /// The fault.
    pub fault: Fault,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
    /// Who or what began it, such as `drill europe-down`.
    pub started_by: String,
}

/// Why a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its time was over.
    Expired,
    /// Somebody ended it.
    ByHand,
    /// All faults were ended at once.
    EndAll,
    /// It was found in the journal of a run that did not end it.
    LeftOver,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum JournalEntry {
    /// A lease began.
    Started(FaultLease),
    /// A lease ended.
    Ended {
        /// Which.
        id: LeaseId,
        /// When.
        at: DateTime<Utc>,
        /// Why.
        why: EndReason,
    },
}

impl JournalEntry {
    /// The line to append, newline included.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        let mut line = serde_json::to_string(self)?;
        line.push('\n');
        Ok(line)
    }
}

/// The faults in force, and those that an earlier run left behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaultBoard {
    active: BTreeMap<LeaseId, FaultLease>,
    left_over: BTreeMap<LeaseId, FaultLease>,
    last_id: u64,
}

/// A journal as read back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// The board: leases without an end are left over, none is active.
    pub board: FaultBoard,
    /// Bytes to keep: what follows is a line that a crash cut off.
    pub keep_bytes: usize,
    /// Whole lines that could not be understood, from 1. They are skipped.
    pub bad_lines: Vec<usize>,
}

impl FaultBoard {
    /// Begins a lease. The entry must be durable before the fault is put in force.
    pub fn start(
        &mut self,
        fault: Fault,
        now: DateTime<Utc>,
        lasts: Duration,
        started_by: &str,
    ) -> JournalEntry {
        self.last_id += 1;
        let lasts = chrono::Duration::from_std(lasts).unwrap_or(chrono::Duration::MAX);
        let lease = FaultLease {
            id: LeaseId(self.last_id),
            fault,
            started_at: now,
            ends_at: now
                .checked_add_signed(lasts)
                .unwrap_or(DateTime::<Utc>::MAX_UTC),
            started_by: started_by.to_owned(),
        };
        self.active.insert(lease.id, lease.clone());
        JournalEntry::Started(lease)
    }

    /// Ends one lease, active or left over; `None` when there is no such lease.
    pub fn end(&mut self, id: LeaseId, at: DateTime<Utc>) -> Option<JournalEntry> {
        let why = if self.active.remove(&id).is_some() {
            EndReason::ByHand
        } else {
            self.left_over.remove(&id)?;
            EndReason::LeftOver
        };
        Some(JournalEntry::Ended { id, at, why })
    }

    /// Ends every fault, left-over ones included. The board is empty afterwards.
    pub fn end_all(&mut self, at: DateTime<Utc>) -> Vec<JournalEntry> {
        let active = std::mem::take(&mut self.active).into_keys();
        let mut entries: Vec<_> = active.map(|id| ended(id, at, EndReason::EndAll)).collect();
        entries.extend(self.clear_left_over(at));
        entries
    }

    /// Ends the leases whose time is over.
    pub fn expire(&mut self, now: DateTime<Utc>) -> Vec<JournalEntry> {
        let over: Vec<LeaseId> = self
            .active
            .values()
            .filter(|lease| lease.ends_at <= now)
            .map(|lease| lease.id)
            .collect();
        self.active.retain(|id, _| !over.contains(id));
        over.into_iter()
            .map(|id| ended(id, now, EndReason::Expired))
            .collect()
    }

    /// Ends what an earlier run left behind, after its effect was removed.
    pub fn clear_left_over(&mut self, at: DateTime<Utc>) -> Vec<JournalEntry> {
        std::mem::take(&mut self.left_over)
            .into_keys()
            .map(|id| ended(id, at, EndReason::LeftOver))
            .collect()
    }

    /// The leases in force, oldest first.
    pub fn active(&self) -> impl Iterator<Item = &FaultLease> {
        self.active.values()
    }

    /// The leases that an earlier run left behind, oldest first.
    pub fn left_over(&self) -> impl Iterator<Item = &FaultLease> {
        self.left_over.values()
    }

    /// The faults in force, sorted, each once: what the adapters are given.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = self.active.values().map(|lease| lease.fault).collect();
        faults.sort_unstable();
        faults.dedup();
        faults
    }

    /// Reads a journal back.
    pub fn replay(journal: &str) -> Replayed {
        let mut replayed = Replayed::default();
        for (index, line) in journal.split_inclusive('\n').enumerate() {
            let Some(text) = line.strip_suffix('\n') else {
                break; // A crash cut this one off: it was never acknowledged to anybody.
            };
            replayed.keep_bytes += line.len();
            match serde_json::from_str(text) {
                Ok(entry) => replayed.board.heed(entry),
                Err(_) if text.trim().is_empty() => {}
                Err(_) => replayed.bad_lines.push(index + 1),
            }
        }
        replayed
    }

    fn heed(&mut self, entry: JournalEntry) {
        match entry {
            JournalEntry::Started(lease) => {
                self.last_id = self.last_id.max(lease.id.0);
                self.left_over.insert(lease.id, lease);
            }
            JournalEntry::Ended { id, .. } => {
                self.left_over.remove(&id);
            }
        }
    }
}

const fn ended(id: LeaseId, at: DateTime<Utc>, why: EndReason) -> JournalEntry {
    JournalEntry::Ended { id, at, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Dc;

    const DOWN: Fault = Fault::DcDown { dc: Dc::Europe };

    fn at(seconds: u64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn five() -> (FaultBoard, Vec<JournalEntry>) {
        let faults = [
            DOWN,
            Fault::DcPaused { dc: Dc::Americas },
            Fault::DiskFull { dc: Dc::Europe },
            Fault::LogDown,
            DOWN,
        ];
        let mut board = FaultBoard::default();
        let entries = (1_u64..)
            .zip(faults)
            .map(|(n, fault)| board.start(fault, at(0), Duration::from_secs(10 * n), "test"))
            .collect();
        (board, entries)
    }

    fn text(entries: &[JournalEntry]) -> String {
        entries.iter().map(|e| e.to_line().unwrap()).collect()
    }

    #[test]
    fn five_faults_end_at_once() {
        let (mut board, mut journal) = five();
        assert_eq!(board.faults().len(), 4, "the same fault twice is one");
        let ended = board.end_all(at(1));
        assert_eq!(ended.len(), 5);
        assert_eq!(board.faults(), []);
        journal.extend(ended);
        assert_eq!(
            FaultBoard::replay(&text(&journal))
                .board
                .left_over()
                .count(),
            0
        );
    }

    #[test]
    fn a_lease_ends_by_itself_and_not_before() {
        let (mut board, _) = five();
        assert_eq!(board.expire(at(9)), []);
        assert_eq!(
            board.expire(at(10)),
            [ended(LeaseId(1), at(10), EndReason::Expired)]
        );
        assert!(board.faults().contains(&DOWN), "the second lease holds it");
        assert_eq!(board.expire(at(1_000)).len(), 4);
    }

    #[test]
    fn a_kill_amid_a_fault_leaves_it_in_the_journal_and_the_next_start_clears_it() {
        let (mut board, mut journal) = five();
        journal.extend(board.expire(at(35)));
        let mut next = FaultBoard::replay(&text(&journal)).board;
        let ids: Vec<_> = next.left_over().map(|l| l.id.0).collect();
        assert_eq!(ids, [4, 5]);
        assert_eq!(next.faults(), [], "left over is not in force here");
        journal.extend(next.clear_left_over(at(99)));
        assert_eq!(
            FaultBoard::replay(&text(&journal))
                .board
                .left_over()
                .count(),
            0
        );
        let JournalEntry::Started(lease) = next.start(DOWN, at(99), Duration::ZERO, "x") else {
            panic!("a start is recorded as one");
        };
        assert_eq!(lease.id, LeaseId(6), "numbers are not used again");
    }

    #[test]
    fn a_journal_cut_at_any_byte_reads_as_its_whole_lines() {
        let (mut board, mut journal) = five();
        journal.extend(board.end_all(at(3)));
        let text = text(&journal);
        for cut in 0..=text.len() {
            let part = text.get(..cut).unwrap();
            let whole = part.rfind('\n').map_or(0, |n| n + 1);
            let replayed = FaultBoard::replay(part);
            assert_eq!(replayed.keep_bytes, whole);
            assert_eq!(replayed.bad_lines, Vec::<usize>::new());
            assert_eq!(replayed, FaultBoard::replay(part.get(..whole).unwrap()));
        }
    }

    #[test]
    fn a_damaged_line_is_named_and_the_others_count() {
        let (_, journal) = five();
        let damaged = text(&journal).replacen(r#""event":"started","id":2"#, r#""event":"sta"#, 1);
        let replayed = FaultBoard::replay(&damaged);
        assert_eq!(replayed.bad_lines, [2]);
        assert_eq!(replayed.board.left_over().count(), 4);
    }
}
