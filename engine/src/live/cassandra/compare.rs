//! Comparison: every row of every data centre, each read on its own.
//!
//! A data centre is read in ranges of tokens, a few at a time; each bucket comes in one piece.
//! What is kept of a bucket is its digest and a hash of its summary, some 50 bytes.

use std::sync::Arc;

use rust_decimal::Decimal;
use rustc_hash::FxHashMap;
use scylla::response::PagingState;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::convert::{day_from_cql, shard_from_cql};
use super::core::Core;
use super::read::{KeyedRow, line_of, sort_lines};
use super::session::{Target, unreadable};
use super::summary::{self, fingerprint};
use crate::model::recompute::summarise;
use crate::model::{BucketKey, Dc, LineTable, PerDc, RowsDigest, StoredLine};
use crate::ports::{BucketScope, Comparison, Held, ReadSource, StoreError, compared};

/// Ranges of tokens of a table: each some thousand rows of a year's sales, and a request that
/// fails repeats little.
const RANGES: u32 = 48;
/// Ranges of one data centre that are read at a time.
const RANGES_AT_A_TIME: usize = 2;

/// One bucket as it was read.
struct Bucket {
    key: BucketKey,
    digest: RowsDigest,
    amount: Decimal,
    /// Whether its summary says the same as its rows.
    agrees: bool,
}

/// See [`crate::ports::Store::compare`].
pub(super) async fn run(core: &Arc<Core>) -> Result<Comparison, StoreError> {
    core.check_open()?;
    let held = read_all(core).await?;
    let now = core.clock.monotonic();
    let mut last = core.compared.lock();
    for (dc, held) in held.iter() {
        if let Ok(held) = held {
            last[dc] = Some((now, held.sales));
        }
    }
    drop(last);
    Ok(compared(&held))
}

/// What each data centre holds, or why it is not known.
pub(super) async fn read_all(core: &Arc<Core>) -> Result<PerDc<Result<Held, String>>, StoreError> {
    let connected = core.link.connected();
    let mut reading = JoinSet::new();
    for dc in connected.iter() {
        let core = Arc::clone(core);
        reading.spawn(async move { (dc, read_dc(&core, dc).await) });
    }
    let mut held = PerDc::from_fn(|_| Err("the data centre does not answer".to_owned()));
    while let Some(done) = reading.join_next().await {
        let (dc, found) = done.map_err(|error| StoreError::Replica {
            dc: Dc::Europe,
            what: format!("the comparison ended without a result: {error}"),
        })?;
        held[dc] = match found {
            Ok(found) => Ok(found),
            Err(error @ (StoreError::Unreadable { .. } | StoreError::Refused { .. })) => {
                return Err(error);
            }
            Err(error) => Err(error.to_string()),
        };
    }
    Ok(held)
}

/// Reads all of one data centre.
async fn read_dc(core: &Arc<Core>, dc: Dc) -> Result<Held, StoreError> {
    let target = core.link.target(ReadSource::Alone(dc));
    let mut held = Held::default();
    for table in LineTable::ALL {
        let summaries = Arc::new(fingerprints(core, table, target).await?);
        let mut seen = 0;
        let turns = Arc::new(Semaphore::new(RANGES_AT_A_TIME));
        let mut reading = JoinSet::new();
        for (from, to) in ranges() {
            let turn = Arc::clone(&turns).acquire_owned().await;
            let turn = turn.map_err(|_closed| StoreError::Closed)?;
            let (core, of_rows) = (Arc::clone(core), Arc::clone(&summaries));
            reading.spawn(async move {
                let found = read_range(&core, table, (from, to), target, &of_rows).await;
                drop(turn);
                found
            });
            while let Some(done) = reading.try_join_next() {
                seen += take(&mut held, ended(dc, done)?, &summaries);
            }
        }
        while let Some(done) = reading.join_next().await {
            seen += take(&mut held, ended(dc, done)?, &summaries);
        }
        // A summary without any row of its own.
        if seen < summaries.len() {
            let without = summaries
                .keys()
                .filter(|key| !held.buckets.contains_key(key));
            held.drift.extend(without.copied());
        }
    }
    held.drift.sort_unstable();
    Ok(held)
}

fn ended<T>(
    dc: Dc,
    done: Result<Result<T, StoreError>, tokio::task::JoinError>,
) -> Result<T, StoreError> {
    done.unwrap_or_else(|error| {
        Err(StoreError::Replica {
            dc,
            what: format!("the comparison ended without a result: {error}"),
        })
    })
}

/// Takes buckets in; how many of them have a summary.
fn take(held: &mut Held, buckets: Vec<Bucket>, summaries: &FxHashMap<BucketKey, u64>) -> usize {
    let mut with_summary = 0;
    for bucket in buckets {
        if bucket.key.table == LineTable::Transactions {
            held.sales.merge(&bucket.digest);
            held.amount += bucket.amount;
        }
        if !bucket.agrees {
            held.drift.push(bucket.key);
        }
        with_summary += usize::from(summaries.contains_key(&bucket.key));
        held.buckets.insert(bucket.key, bucket.digest);
    }
    with_summary
}

/// A hash of each summary of a kind.
async fn fingerprints(
    core: &Arc<Core>,
    table: LineTable,
    target: Target,
) -> Result<FxHashMap<BucketKey, u64>, StoreError> {
    let scope = BucketScope::all(table);
    let mut all = FxHashMap::default();
    for month in core.months(&scope, target).await? {
        for (key, bytes) in core.summaries_of(&scope, month, target).await? {
            // One that cannot be read agrees with nothing.
            let hash = summary::read(&bytes, &core.catalog)
                .map_or(0, |stored| fingerprint(&stored.summary, &core.catalog));
            all.insert(key, hash);
        }
    }
    Ok(all)
}

/// All tokens, in ranges without a gap: first and last of each.
fn ranges() -> impl Iterator<Item = (i64, i64)> {
    let width = (u64::MAX / u64::from(RANGES)) + 1;
    (0..u64::from(RANGES)).map(move |n| {
        let from = width * n;
        let to = from.saturating_add(width - 1);
        // Tokens are signed: the smallest is half of all below 0.
        let signed = |n: u64| n.cast_signed() ^ i64::MIN;
        (signed(from), signed(to))
    })
}

async fn read_range(
    core: &Core,
    table: LineTable,
    range: (i64, i64),
    target: Target,
    summaries: &FxHashMap<BucketKey, u64>,
) -> Result<Vec<Bucket>, StoreError> {
    let statement = core.link.aimed(&core.statements.of(table).of_range, target);
    let mut found = Vec::new();
    let mut current: Option<(BucketKey, Vec<StoredLine>)> = None;
    let mut state = PagingState::start();
    loop {
        let (page, next) = core.link.page(&statement, range, state, target).await?;
        let rows = page.rows::<KeyedRow<'_>>();
        for row in rows.map_err(|error| unreadable(target.via, &error))? {
            let row = row.map_err(|error| unreadable(target.via, &error))?;
            let (key, line) =
                bucket_and_line(core, table, &row).map_err(|what| unreadable(target.via, &what))?;
            match &mut current {
                Some((open, lines)) if *open == key => lines.push(line),
                _ => {
                    if let Some((key, lines)) = current.take() {
                        found.push(judged(core, key, lines, summaries));
                    }
                    current = Some((key, vec![line]));
                }
            }
        }
        match next {
            Some(next) => state = next,
            None => break,
        }
    }
    if let Some((key, lines)) = current {
        found.push(judged(core, key, lines, summaries));
    }
    Ok(found)
}

fn bucket_and_line(
    core: &Core,
    table: LineTable,
    row: &KeyedRow<'_>,
) -> Result<(BucketKey, StoredLine), String> {
    let line = line_of(&row.line, row.country, &core.catalog)?;
    let shard = row.shard;
    let key = BucketKey {
        table,
        country: core.catalog.country(row.country),
        day: day_from_cql(row.day),
        shard: shard_from_cql(shard).ok_or_else(|| format!("there is no shard {shard}"))?,
    };
    Ok((key, line))
}

fn judged(
    core: &Core,
    key: BucketKey,
    mut lines: Vec<StoredLine>,
    summaries: &FxHashMap<BucketKey, u64>,
) -> Bucket {
    sort_lines(&mut lines);
    let mut digest = RowsDigest::default();
    for line in &lines {
        digest.add(line.line_id);
    }
    let right = fingerprint(&summarise(&lines, &core.catalog), &core.catalog);
    Bucket {
        key,
        digest,
        amount: lines.iter().map(StoredLine::amount).sum(),
        agrees: summaries.get(&key) == Some(&right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_hold_each_token_once() {
        let all: Vec<_> = ranges().collect();
        assert_eq!(all.first().unwrap().0, i64::MIN);
        assert_eq!(all.last().unwrap().1, i64::MAX);
        for pair in all.windows(2) {
            assert_eq!(pair[0].1 + 1, pair[1].0);
        }
    }
}
