//! Invoices whose lines lie in several buckets, and what that does to counts of invoices.
//!
//! A bucket counts its invoices exactly, but an invoice that goes on after midnight, or that
//! names two countries, is in two buckets and would count twice in a sum. Such invoices are few
//! (none in most data) and are found by their fingerprints; whoever has the rows looks up where
//! their lines lie, and the surplus is taken off.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{BucketKey, CustomerId, StockId, Summary};

/// The lines of one invoice in one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanningPart {
    /// The bucket.
    pub key: BucketKey,
    /// Its customers there; `None` for lines without one.
    pub customers: Vec<Option<CustomerId>>,
    /// Its product codes there.
    pub stock: Vec<StockId>,
}

/// An invoice whose lines lie in several buckets of the same table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanningInvoice {
    /// 64-bit hash of its number, as in [`crate::model::Summary::invoices`].
    pub fingerprint: u64,
    /// Where its lines lie, each bucket once.
    pub parts: Vec<SpanningPart>,
}

/// By how much sums over buckets count invoices too often.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpanCorrections {
    invoices: BTreeMap<u64, BTreeMap<BucketKey, SpanningPart>>,
    /// Where lines of any of them lie.
    buckets: BTreeSet<BucketKey>,
}

impl SpanCorrections {
    /// Corrections for these invoices. Repeated invoices or buckets count once.
    pub fn new(invoices: impl IntoIterator<Item = SpanningInvoice>) -> Self {
        let mut known: BTreeMap<u64, BTreeMap<BucketKey, SpanningPart>> = BTreeMap::new();
        for invoice in invoices {
            let parts = known.entry(invoice.fingerprint).or_default();
            for mut part in invoice.parts {
                part.customers.sort_unstable();
                part.customers.dedup();
                part.stock.sort_unstable();
                part.stock.dedup();
                parts.insert(part.key, part);
            }
        }
        let parts = known.values().flat_map(BTreeMap::keys);
        Self {
            buckets: parts.copied().collect(),
            invoices: known,
        }
    }

    /// Whether there is nothing to correct.
    pub fn is_empty(&self) -> bool {
        self.invoices.is_empty()
    }

    /// Whether an invoice is among them.
    pub fn knows(&self, fingerprint: u64) -> bool {
        self.invoices.contains_key(&fingerprint)
    }

    /// Whether what a bucket gained may be of one of them. An invoice is named by what is gained
    /// only where the bucket had no line of it, so that any gain of its buckets counts. Loads in
    /// the order of time touch those seldom again.
    pub fn concerns(&self, key: BucketKey, gain: &Summary) -> bool {
        self.buckets.contains(&key)
            || (!self.is_empty() && gain.invoices.iter().any(|invoice| self.knows(*invoice)))
    }

    /// Where the lines of an invoice lie; `None` for one that is not among them.
    pub fn parts(&self, fingerprint: u64) -> Option<impl Iterator<Item = &SpanningPart>> {
        self.invoices.get(&fingerprint).map(BTreeMap::values)
    }

    /// For each group, how many times too often invoices count when the buckets that `holds`
    /// admits are summed: once less than the buckets of the group that an invoice is in.
    ///
    /// `groups` names the groups that a part counts in, such as its month or its customers.
    pub fn surplus<K: Ord, G: IntoIterator<Item = K>>(
        &self,
        holds: impl Fn(u64, BucketKey) -> bool,
        groups: impl Fn(&SpanningPart) -> G,
    ) -> BTreeMap<K, u64> {
        let mut surplus = BTreeMap::new();
        for (&fingerprint, parts) in &self.invoices {
            let mut times: BTreeMap<K, u64> = BTreeMap::new();
            for part in parts.values().filter(|p| holds(fingerprint, p.key)) {
                for group in groups(part) {
                    *times.entry(group).or_default() += 1;
                }
            }
            for (group, times) in times {
                if times > 1 {
                    *surplus.entry(group).or_default() += times - 1;
                }
            }
        }
        surplus
    }
}
