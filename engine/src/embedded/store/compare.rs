//! Comparison: every row of every replica, each read on its own.

use std::sync::Arc;
use std::thread;

use rust_decimal::Decimal;

use crate::codec::summary::read_summary;
use crate::model::{BucketKey, Dc, LineTable, PerDc, RowsDigest};
use crate::ports::{Comparison, Held, StoreError, compared};

use super::core::Core;
use super::kv::Table;
use super::merge::Groups;
use super::payload::bucket_of;
use super::reading::Reader;
use super::state::StateError;
use crate::model::recompute::{agree, summarise};

/// See [`crate::ports::Store::compare`].
pub(super) fn run(core: &Arc<Core>) -> Result<Comparison, StoreError> {
    core.check_open()?;
    let mut running = Vec::new();
    for dc in Dc::ALL {
        if !core.enter(dc).is_ok_and(|answers| answers) {
            continue;
        }
        let at_core = Arc::clone(core);
        let started = thread::Builder::new()
            .name(format!("compare-{dc}"))
            .spawn(move || read_all(&at_core, dc));
        let started = started.map_err(|error| StoreError::Replica {
            dc,
            what: error.to_string(),
        })?;
        running.push((dc, started));
    }
    let mut held = PerDc::from_fn(|_| Err("the data centre does not answer".to_owned()));
    for (dc, thread) in running {
        let read = thread.join().map_err(|_panic| StoreError::Replica {
            dc,
            what: "the comparison ended without a result".to_owned(),
        })?;
        held[dc] = Ok(read.map_err(|error| core.replicas[dc].error(error))?);
    }
    Ok(compared(&held))
}

/// Reads all of one replica.
fn read_all(core: &Core, dc: Dc) -> Result<Held, StateError> {
    let reader = Reader {
        dc,
        view: core.replicas[dc].kv.view(),
    };
    let scan = |table| {
        let rows = reader.view.range(table, &[], None);
        Groups::new(vec![rows], Some(BucketKey::BYTES))
    };
    let (mut blocks, mut summaries) = (scan(Table::Blocks), scan(Table::Summaries));
    let mut held = Held::default();
    loop {
        let next = [blocks.peek(), summaries.peek()];
        let [blocks_at, summary_at] = next.map(|key| key.map_err(|(_, error)| error));
        let Some(key) = [blocks_at?, summary_at?].into_iter().flatten().min() else {
            return Ok(held);
        };
        let bucket = bucket_of(&key)?;
        let rows = blocks.take(&key).rows.pop().unwrap_or_default();
        let summary = summaries.take(&key).rows.pop().unwrap_or_default().pop();
        let lines = core.decode_bucket(bucket, None, &rows)?.lines;
        let mut digest = RowsDigest::default();
        for line in &lines {
            digest.add(line.line_id);
        }
        if bucket.table == LineTable::Transactions {
            held.sales.merge(&digest);
            held.amount += lines
                .iter()
                .map(crate::model::StoredLine::amount)
                .sum::<Decimal>();
        }
        // A damaged summary differs from its rows, too.
        let agrees = summary
            .and_then(|(_, value)| read_summary(&value).ok())
            .is_some_and(|(summary, _)| {
                summary.digest == digest
                    && agree(&summary, &summarise(&lines, &core.catalog), &core.catalog)
            });
        if !agrees {
            held.drift.push(bucket);
        }
        held.buckets.insert(bucket, digest);
    }
}
