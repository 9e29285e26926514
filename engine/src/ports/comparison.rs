//! The judgment of a comparison: one for every adapter, so that "equal" means the same in all.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::store::{Comparison, UnequalBucket};
use crate::model::{BucketKey, PerDc, Reading, RowsDigest};

/// What one data centre holds, as it was read on its own.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Digest over the rows of each bucket, sales and returns.
    pub(crate) buckets: BTreeMap<BucketKey, RowsDigest>,
    /// Digest over all sales.
    pub(crate) sales: RowsDigest,
    /// Amount of all sales.
    pub(crate) amount: Decimal,
    /// Buckets whose summary differs from their own rows.
    pub(crate) drift: Vec<BucketKey>,
}

/// Compares what the data centres hold; of one that could not be read, why.
pub(crate) fn compared(held: &PerDc<Result<Held, String>>) -> Comparison {
    let mut all: BTreeMap<BucketKey, PerDc<Option<RowsDigest>>> = BTreeMap::new();
    // A bucket that a data centre does not have is empty there.
    let none = PerDc::from_fn(|dc| held[dc].as_ref().ok().map(|_| RowsDigest::default()));
    for (dc, held) in held.iter() {
        for (bucket, digest) in held.iter().flat_map(|held| &held.buckets) {
            all.entry(*bucket).or_insert(none)[dc] = Some(*digest);
        }
    }
    let unequal = all.iter().filter(|(_, digests)| {
        let mut known = digests.iter().filter_map(|(_, digest)| *digest);
        let first = known.next();
        known.any(|digest| Some(digest) != first)
    });
    let drift = held.iter().flat_map(|(dc, held)| {
        let buckets = held.iter().flat_map(|held| &held.drift);
        buckets.map(move |bucket| (dc, *bucket))
    });
    Comparison {
        stored: PerDc::from_fn(|dc| reading(&held[dc], |held| held.sales)),
        amounts: PerDc::from_fn(|dc| reading(&held[dc], |held| held.amount)),
        buckets: all.len() as u64,
        unequal: unequal
            .map(|(key, digests)| UnequalBucket {
                key: *key,
                digests: *digests,
            })
            .collect(),
        drift: drift.collect(),
    }
}

fn reading<T>(held: &Result<Held, String>, of: impl FnOnce(&Held) -> T) -> Reading<T> {
    match held {
        Ok(held) => Reading::Known(of(held)),
        Err(why) => Reading::Unknown(why.clone()),
    }
}
