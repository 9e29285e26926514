//! Repair: what the data centres do not hold alike is written again, everywhere.
//!
//! A node that was just brought back is refused by the others until they believe it, so repair
//! begins when they do ([`knit`]). Rows are upserts, so the union of what the data centres hold is
//! written at ALL (or at what those that can be reached allow). A summary that no longer fits is
//! made from the rows and wins by its round ([`super::summary::Round`]). Everything else - rejects,
//! notes, derived tables - is read at the same level, which makes Cassandra write to each replica
//! what it lacks.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::compare::read_all;
use super::core::Core;
use super::read::{More, sort_lines};
use super::session::Target;
use super::settle::knit;
use super::summary::{Round, Stored, fingerprint};
use crate::model::recompute::summarise;
use crate::model::{BucketKey, ConsistencyLevel, Dc, DcSet, StoredLine};
use crate::ports::{BucketWrite, ReadSource, RepairReport, StoreError, WriteTimestamp};

/// What one data centre holds of a bucket.
struct Copy {
    lines: Vec<StoredLine>,
    summary: Option<Stored>,
}

/// See [`crate::ports::Store::repair`].
pub(super) async fn run(core: &Arc<Core>) -> Result<RepairReport, StoreError> {
    core.check_open()?;
    knit(core).await;
    let held = read_all(core).await?;
    let reachable: DcSet = Dc::ALL.into_iter().filter(|dc| held[*dc].is_ok()).collect();
    let Some(via) = reachable.iter().next() else {
        return Err(StoreError::Unreachable {
            what: "no data centre could be read".to_owned(),
        });
    };
    let target = Target::at(
        via,
        match reachable.len() {
            1 => ConsistencyLevel::One,
            2 => ConsistencyLevel::Quorum,
            _ => ConsistencyLevel::All,
        },
    );
    let mut report = RepairReport::default();
    let mut all = BTreeSet::new();
    let mut wanting = BTreeSet::new();
    for (_, held) in held.iter() {
        let Ok(held) = held else { continue };
        all.extend(held.buckets.keys().copied());
        wanting.extend(held.drift.iter().copied());
    }
    for key in &all {
        let mut digests = held.iter().filter_map(|(_, held)| {
            let held = held.as_ref().ok()?;
            Some(held.buckets.get(key).copied().unwrap_or_default())
        });
        let first = digests.next();
        if digests.any(|digest| Some(digest) != first) {
            wanting.insert(*key);
        }
    }
    report.buckets_compared = all.len() as u64;
    drop(held);
    for key in wanting {
        bucket(core, key, reachable, target, &mut report).await?;
    }
    the_rest(core, target).await?;
    if reachable == DcSet::ALL {
        *core.repair_needed.lock() = DcSet::NONE;
    }
    Ok(report)
}

/// Makes one bucket equal.
async fn bucket(
    core: &Arc<Core>,
    key: BucketKey,
    reachable: DcSet,
    target: Target,
    report: &mut RepairReport,
) -> Result<(), StoreError> {
    let mut copies = Vec::new();
    for dc in reachable.iter() {
        let alone = core.link.target(ReadSource::Alone(dc));
        copies.push(Copy {
            lines: core.lines_of(key, alone).await?,
            // One that cannot be read is one that is missing.
            summary: match core.summary_of(key, alone).await {
                Err(StoreError::Unreadable { .. }) => None,
                other => other?,
            },
        });
    }
    let (missing, all) = union(&copies);
    report.lines_copied += missing.copies;
    let right = summarise(&all, &core.catalog);
    let wanted = fingerprint(&right, &core.catalog);
    let newest = copies
        .iter()
        .filter_map(|copy| copy.summary.as_ref())
        .map(|stored| (stored.timestamp, stored.round))
        .max();
    let fits = |stored: &Stored| fingerprint(&stored.summary, &core.catalog) == wanted;
    let fitting = copies
        .iter()
        .filter_map(|copy| copy.summary.as_ref())
        .find(|stored| newest == Some((stored.timestamp, stored.round)) && fits(stored));
    let (summary, timestamp, round) = match (fitting, newest) {
        (Some(stored), _) => (stored.summary.clone(), stored.timestamp, stored.round),
        (None, Some((timestamp, round))) => (right, timestamp, round.next()),
        (None, None) => (right, WriteTimestamp::default(), Round::default()),
    };
    report.summaries_rebuilt += u64::from(fitting.is_none());
    report.buckets_repaired += 1;
    let write = BucketWrite {
        key,
        lines: missing.lines,
        summary: Arc::new(summary),
        timestamp,
    };
    core.write_bucket(&write, round, target).await
}

/// Rows that not all copies have, and how many are missing over all copies.
struct Missing {
    lines: Vec<StoredLine>,
    copies: u64,
}

fn union(copies: &[Copy]) -> (Missing, Vec<StoredLine>) {
    let mut all: Vec<StoredLine> = copies
        .iter()
        .flat_map(|copy| copy.lines.iter().cloned())
        .collect();
    sort_lines(&mut all);
    let lacks = |copy: &Copy, line: &StoredLine| {
        let found = copy
            .lines
            .binary_search_by_key(&line.line_id, |l| l.line_id);
        found.is_err()
    };
    let missing = all
        .iter()
        .filter(|line| copies.iter().any(|copy| lacks(copy, line)));
    let lines = missing.cloned().collect();
    let copies = copies
        .iter()
        .map(|copy| (all.len() - copy.lines.len()) as u64)
        .sum();
    (Missing { lines, copies }, all)
}

/// Reads what is not lines at a level, which repairs it.
async fn the_rest(core: &Arc<Core>, target: Target) -> Result<(), StoreError> {
    let from = ReadSource::Level {
        via: target.via,
        level: target.level,
    };
    core.touch_rejects(from).await?;
    core.notes("", from).await?;
    for table in core.derived_names(core.link.target(from)).await? {
        core.read_derived(&table, from).await?;
    }
    for dc in Dc::ALL {
        let statement = core.link.aimed(&core.statements.probe, target);
        core.pages(&statement, (dc.name(),), target, |_page| Ok(More::Yes))
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::store::testing::{Shop, numbered};

    #[test]
    fn what_one_copy_lacks_is_written_and_counted_once_for_each_copy() {
        let shop = Shop::default();
        let copy = |numbers: &[u8]| {
            let specs: Vec<_> = numbers.iter().map(|n| numbered(*n)).collect();
            let mut lines = shop.lines(shop.bucket(0), &specs);
            sort_lines(&mut lines);
            Copy {
                lines,
                summary: None,
            }
        };
        let (missing, all) = union(&[copy(&[0, 1, 2]), copy(&[0, 3]), copy(&[0, 1])]);
        assert_eq!(all.len(), 4);
        assert_eq!(missing.lines.len(), 3, "the one that all have is left out");
        assert_eq!(missing.copies, 1 + 2 + 2);
    }
}
