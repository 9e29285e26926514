//! What a consumer knows of the buckets it owns: which lines are there, and their summary.
//!
//! A bucket is read from the store once when it is cold and then kept while it is in use. Each
//! new line is judged against it; lines that are there already change nothing. The summary of
//! the new lines alone (the delta) goes to the analytics, the summary of the whole bucket to the
//! store.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::model::{
    BucketKey, Catalog, CustomerPart, HourPart, LineId, ProductId, ProductPart, StockId,
    StoredLine, Summary, Tally,
};
use crate::ports::BucketRows;

/// One bucket, as its owner knows it.
#[derive(Debug, Default)]
pub(super) struct BucketState {
    ids: FxHashSet<LineId>,
    /// What was met once, so that invoices count once: by bucket, customer, product and hour.
    met: FxHashSet<u64>,
    summary: Arc<Summary>,
    /// Number of the last flush that wrote it.
    last_flush: u64,
    /// The stored summary is not that of the stored rows: a crash came between the two.
    stale: bool,
}

impl BucketState {
    /// The bucket as the store holds it. The summary is made from the rows, whatever the stored
    /// one says; it is written again when the two differ, or when it is of an older generation.
    pub(super) fn of_rows(
        rows: BucketRows,
        generation: u64,
        scratch: &mut Scratch,
        stock_of: &mut StockIds,
    ) -> Self {
        let mut state = Self::default();
        let stored = rows.summary.map(|s| s.digest).unwrap_or_default();
        state.add(rows.lines, scratch, stock_of);
        let old = state.len() > 0 && rows.timestamp.0 < generation;
        state.stale = old || stored != state.summary.digest;
        state
    }

    /// Whether the stored summary must be written again; answers yes once.
    pub(super) const fn take_stale(&mut self) -> bool {
        std::mem::replace(&mut self.stale, false)
    }

    /// Lines in the bucket.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The summary of all lines.
    pub(super) fn summary(&self) -> &Arc<Summary> {
        &self.summary
    }

    /// Takes in lines and returns those that were not there, with their own summary.
    pub(super) fn add(
        &mut self,
        lines: Vec<StoredLine>,
        scratch: &mut Scratch,
        stock_of: &mut StockIds,
    ) -> (Vec<StoredLine>, Summary) {
        let mut fresh = lines;
        self.ids.reserve(fresh.len());
        // At least once for each line: as a product of its invoice.
        self.met.reserve(fresh.len());
        fresh.retain(|line| self.ids.insert(line.line_id));
        let delta = scratch.summarise(&fresh, &mut self.met, stock_of);
        if self.summary.tally.lines == 0 {
            self.summary = Arc::new(delta.clone());
        } else if delta.tally.lines > 0 {
            Arc::make_mut(&mut self.summary).merge(&delta);
        }
        (fresh, delta)
    }
}

/// The stock id of each product id, looked up in the catalog once.
#[derive(Debug)]
pub(super) struct StockIds {
    catalog: Arc<Catalog>,
    known: Vec<Option<StockId>>,
}

impl StockIds {
    pub(super) const fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            catalog,
            known: Vec::new(),
        }
    }

    fn get(&mut self, product: ProductId) -> StockId {
        let index = product.0 as usize;
        if let Some(Some(stock)) = self.known.get(index) {
            return *stock;
        }
        // A product of another catalog cannot come here: ids are made by this one.
        let stock = self
            .catalog
            .product_name(product)
            .map_or(StockId(u32::MAX), |name| name.stock);
        if self.known.len() <= index {
            self.known.resize(index + 1, None);
        }
        if let Some(slot) = self.known.get_mut(index) {
            *slot = Some(stock);
        }
        stock
    }
}

/// Buffers for summarising, kept from bucket to bucket.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    products: FxHashMap<ProductId, usize>,
}

/// Seeds that keep the kinds of things met apart.
const BY_CUSTOMER: u64 = 1 << 32;
const BY_PRODUCT: u64 = 2 << 32;
const BY_HOUR: u64 = 3 << 32;

impl Scratch {
    fn summarise(
        &mut self,
        lines: &[StoredLine],
        met: &mut FxHashSet<u64>,
        stock_of: &mut StockIds,
    ) -> Summary {
        let mut sum = Summary::default();
        self.products.clear();
        let mut invoice = 0;
        let mut before: Option<&StoredLine> = None;
        for line in lines {
            let at = line.invoice_time;
            let hour = at.hour();
            let customer = line.customer;
            // The lines of an invoice follow each other, and nearly all of them say of it what
            // the one before said: that was met.
            let same = before.filter(|before| before.invoice_no == line.invoice_no);
            let same_hour = same.is_some_and(|before| before.invoice_time.hour() == hour);
            let same_customer = same.is_some_and(|before| before.customer == customer);
            before = Some(line);
            if same.is_none() {
                invoice = xxh3_64(line.invoice_no.as_bytes());
            }
            let mut first_of = |met_before: bool, kind: u64| {
                let of = || xxh3_64_with_seed(&invoice.to_le_bytes(), kind);
                u64::from(!met_before && met.insert(of()))
            };
            let tally = Tally {
                lines: 1,
                invoices: 0,
                items: i64::from(line.quantity),
                amount: line.amount(),
            };
            let with = |invoices| Tally { invoices, ..tally };

            let new_invoice = first_of(same.is_some(), 0);
            sum.tally.merge(&with(new_invoice));
            if new_invoice == 1 {
                sum.invoices.push(invoice);
            }
            sum.span = Some(sum.span.map_or((at, at), |(a, b)| (a.min(at), b.max(at))));
            sum.digest.add(line.line_id);

            let by_hour = with(first_of(same_hour, BY_HOUR | u64::from(hour)));
            match sum.hours.iter_mut().rfind(|p| p.hour == hour) {
                Some(part) => part.tally.merge(&by_hour),
                None => sum.hours.push(HourPart {
                    hour,
                    tally: by_hour,
                }),
            }

            let place = customer.map_or(0, |c| u64::from(c.0) + 1);
            let by_customer = with(first_of(same_customer, BY_CUSTOMER + place));
            // The lines of an invoice follow each other, so the part is the last one mostly.
            match sum.customers.iter_mut().rfind(|p| p.customer == customer) {
                Some(part) => {
                    part.tally.merge(&by_customer);
                    part.first = part.first.min(at);
                    part.last = part.last.max(at);
                }
                None => sum.customers.push(CustomerPart {
                    customer,
                    tally: by_customer,
                    first: at,
                    last: at,
                }),
            }

            let stock = stock_of.get(line.product);
            let by_product = with(first_of(false, BY_PRODUCT + u64::from(stock.0)));
            let next = sum.products.len();
            let index = *self.products.entry(line.product).or_insert(next);
            match sum.products.get_mut(index) {
                Some(part) => part.tally.merge(&by_product),
                None => sum.products.push(ProductPart {
                    product: line.product,
                    tally: by_product,
                }),
            }
        }
        sum.hours.sort_unstable_by_key(|p| p.hour);
        sum.customers.sort_unstable_by_key(|p| p.customer);
        sum.products.sort_unstable_by_key(|p| p.product);
        sum.invoices.sort_unstable();
        sum
    }
}

/// The buckets in use, bounded by the lines they hold.
#[derive(Debug)]
pub(super) struct BucketCache {
    buckets: FxHashMap<BucketKey, BucketState>,
    lines: usize,
    capacity_lines: usize,
}

impl BucketCache {
    /// A cache of about `capacity_lines` lines, some 50 bytes each.
    pub(super) fn new(capacity_lines: usize) -> Self {
        Self {
            buckets: FxHashMap::default(),
            lines: 0,
            capacity_lines,
        }
    }

    /// Whether the bucket is here.
    pub(super) fn contains(&self, key: BucketKey) -> bool {
        self.buckets.contains_key(&key)
    }

    /// Takes in a bucket that was cold.
    pub(super) fn insert(&mut self, key: BucketKey, state: BucketState) {
        self.lines += state.len();
        if let Some(old) = self.buckets.insert(key, state) {
            self.lines -= old.len();
        }
    }

    /// Changes a bucket for flush number `flush`; `None` when it is not here.
    pub(super) fn change<T>(
        &mut self,
        key: BucketKey,
        flush: u64,
        change: impl FnOnce(&mut BucketState) -> T,
    ) -> Option<T> {
        let state = self.buckets.get_mut(&key)?;
        let before = state.len();
        let result = change(state);
        state.last_flush = flush;
        self.lines += state.len() - before;
        Some(result)
    }

    /// Drops the buckets not used longest, down to half the capacity, when it is exceeded. A
    /// bucket stays until the flush that last wrote it is applied: read again before, it would
    /// lack those lines.
    pub(super) fn evict(&mut self, applied_flush: u64) {
        if self.lines <= self.capacity_lines {
            return;
        }
        let mut ages: Vec<_> = self
            .buckets
            .iter()
            .filter(|(_, state)| state.last_flush <= applied_flush)
            .map(|(key, state)| (state.last_flush, *key, state.len()))
            .collect();
        ages.sort_unstable();
        for (_, key, len) in ages {
            if self.lines <= self.capacity_lines / 2 {
                break;
            }
            self.buckets.remove(&key);
            self.lines -= len;
        }
        self.buckets.shrink_to(self.buckets.len() * 2);
    }

    /// Forgets everything: another consumer may have written since.
    pub(super) fn clear(&mut self) {
        self.buckets.clear();
        self.lines = 0;
    }
}

#[cfg(test)]
mod tests {
    use compact_str::CompactString;
    use rust_decimal::Decimal;

    use super::*;
    use crate::model::{CountryId, CustomerId, Day, InvoiceTime, LineTable, Shard};

    fn line(catalog: &Catalog, invoice: &str, stock: &str, n: u64) -> StoredLine {
        StoredLine {
            invoice_no: CompactString::from(invoice),
            product: catalog.product(stock, "THING"),
            customer: Some(CustomerId(0)),
            quantity: 2,
            invoice_time: InvoiceTime(i64::try_from(n).unwrap() * 60),
            unit_price: Decimal::new(255, 2),
            occurrence: 0,
            line_id: LineId(n),
        }
    }

    #[test]
    fn a_line_that_is_there_already_changes_nothing() {
        let catalog = Arc::new(Catalog::default());
        let mut stock_of = StockIds::new(Arc::clone(&catalog));
        let mut scratch = Scratch::default();
        let mut state = BucketState::default();
        let lines: Vec<_> = (0..4)
            .map(|n| line(&catalog, if n < 2 { "1" } else { "2" }, "A", n))
            .collect();
        let (fresh, delta) = state.add(lines.clone(), &mut scratch, &mut stock_of);
        assert_eq!(fresh.len(), 4);
        assert_eq!(delta.tally.invoices, 2);
        assert_eq!(delta.products[0].tally.invoices, 2);
        let before = Arc::clone(state.summary());
        let (fresh, delta) = state.add(lines, &mut scratch, &mut stock_of);
        assert!(fresh.is_empty());
        assert_eq!(delta, Summary::default());
        assert_eq!(*state.summary(), before);
    }

    #[test]
    fn the_summary_is_the_same_in_one_step_and_in_many() {
        let catalog = Arc::new(Catalog::default());
        let mut stock_of = StockIds::new(Arc::clone(&catalog));
        let mut scratch = Scratch::default();
        let lines: Vec<_> = (0..40)
            .map(|n| {
                let invoice = (n % 5).to_string();
                let stock = (n % 7).to_string();
                line(&catalog, &invoice, &stock, n)
            })
            .collect();
        let mut whole = BucketState::default();
        whole.add(lines.clone(), &mut scratch, &mut stock_of);
        let mut parts = BucketState::default();
        let mut merged = Summary::default();
        for chunk in lines.chunks(3) {
            let (_, delta) = parts.add(chunk.to_vec(), &mut scratch, &mut stock_of);
            merged.merge(&delta);
        }
        assert_eq!(whole.summary(), parts.summary());
        assert_eq!(**whole.summary(), merged);
    }

    /// Lines of an invoice that follow each other take a shorter way than those that do not.
    #[test]
    fn the_order_of_the_lines_does_not_matter() {
        let catalog = Arc::new(Catalog::default());
        let mut stock_of = StockIds::new(Arc::clone(&catalog));
        let mut scratch = Scratch::default();
        let in_a_row: Vec<_> = (0_u32..60)
            .map(|n| StoredLine {
                customer: (n % 4 > 0).then_some(CustomerId(u32::from(n % 6 > 3))),
                invoice_time: InvoiceTime(i64::from(n % 5 / 2) * 3_600),
                ..line(
                    &catalog,
                    &(n / 10).to_string(),
                    &(n % 3).to_string(),
                    n.into(),
                )
            })
            .collect::<Vec<_>>();
        let scattered: Vec<_> = (0..60).map(|n| in_a_row[n * 17 % 60].clone()).collect();
        let [one, other] = [in_a_row, scattered].map(|lines| {
            let mut state = BucketState::default();
            state.add(lines, &mut scratch, &mut stock_of);
            state.summary
        });
        assert_eq!(one.tally.invoices, 6);
        assert_eq!(one.tally, other.tally);
        assert_eq!(one.hours, other.hours);
        assert_eq!(one.customers, other.customers);
    }

    #[test]
    fn a_bucket_leaves_only_when_its_last_flush_is_applied() {
        let catalog = Arc::new(Catalog::default());
        let mut stock_of = StockIds::new(Arc::clone(&catalog));
        let mut scratch = Scratch::default();
        let mut cache = BucketCache::new(10);
        let key = |n| BucketKey {
            table: LineTable::Transactions,
            country: CountryId(0),
            day: Day(n),
            shard: Shard(0),
        };
        for n in 0..4 {
            let lines = (0..5).map(|i| line(&catalog, "1", "A", i)).collect();
            let flush = u64::try_from(n).unwrap() + 1;
            cache.insert(key(n), BucketState::default());
            cache.change(key(n), flush, |b| {
                b.add(lines, &mut scratch, &mut stock_of);
            });
        }
        cache.evict(0);
        assert_eq!(cache.lines, 20, "nothing is applied yet");
        cache.evict(3);
        let kept: Vec<_> = cache.buckets.keys().map(|k| k.day.0).collect();
        assert_eq!(kept, [3], "only the flush in flight stays, and it fits");
    }
}
