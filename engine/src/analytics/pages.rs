//! What the pages of a customer and of a product have in common: rows, handed over by a caller
//! who read them, and how they are put together.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::Serialize;

use super::kpis::tidy;
use crate::model::{BucketKey, Catalog, InvoiceTime, LineTable, StoredLine};

/// Lines with the bucket that they lie in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRows {
    /// Sales.
    pub sales: Vec<(BucketKey, StoredLine)>,
    /// Cancelled lines; amounts and items are negative.
    pub cancelled: Vec<(BucketKey, StoredLine)>,
}

impl PageRows {
    /// The tables that the rows come from, and where they go.
    pub fn tables(&mut self) -> [(LineTable, &mut Vec<(BucketKey, StoredLine)>); 2] {
        [
            (LineTable::Transactions, &mut self.sales),
            (LineTable::Returns, &mut self.cancelled),
        ]
    }
}

/// One invoice, as far as its lines are on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceFigures {
    /// Its number; starts with `C` for a cancellation.
    pub invoice_no: CompactString,
    /// Time of its first line.
    pub at: InvoiceTime,
    /// Its countries, by name; nearly always one.
    pub countries: Vec<CompactString>,
    /// Lines.
    pub lines: u64,
    /// Pieces; positive for a cancellation too.
    pub items: i64,
    /// GBP, exact; positive for a cancellation too.
    pub amount: Decimal,
}

/// Sums of lines, with distinct invoices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sums {
    pub(super) lines: u64,
    pub(super) items: i64,
    pub(super) amount: Decimal,
    pub(super) invoices: BTreeSet<CompactString>,
}

impl Sums {
    pub(super) fn add(&mut self, line: &StoredLine) {
        self.lines += 1;
        self.items += i64::from(line.quantity);
        self.amount += line.amount();
        if !self.invoices.contains(&line.invoice_no) {
            self.invoices.insert(line.invoice_no.clone());
        }
    }
}

/// Sums of lines by a key.
pub(super) fn sums_by<'a, K: Ord>(
    rows: impl IntoIterator<Item = &'a (BucketKey, StoredLine)>,
    key: impl Fn(BucketKey, &StoredLine) -> K,
) -> BTreeMap<K, Sums> {
    let mut sums: BTreeMap<K, Sums> = BTreeMap::new();
    for (bucket, line) in rows {
        sums.entry(key(*bucket, line)).or_default().add(line);
    }
    sums
}

/// The invoices of lines, the newest first, equal ones by number.
pub(super) fn invoices(rows: &[(BucketKey, StoredLine)], catalog: &Catalog) -> Vec<InvoiceFigures> {
    let mut first: BTreeMap<&str, (InvoiceTime, BTreeSet<CompactString>)> = BTreeMap::new();
    for (bucket, line) in rows {
        let known = (line.invoice_time, BTreeSet::new());
        let (at, countries) = first.entry(&line.invoice_no).or_insert(known);
        *at = line.invoice_time.min(*at);
        countries.extend(catalog.country_name(bucket.country));
    }
    let sums = sums_by(rows, |_, line| line.invoice_no.clone());
    let listed = first.into_iter().zip(sums.into_values());
    let mut invoices: Vec<InvoiceFigures> = listed
        .map(|((number, (at, countries)), sums)| InvoiceFigures {
            invoice_no: number.into(),
            at,
            countries: countries.into_iter().collect(),
            lines: sums.lines,
            items: sums.items.abs(),
            amount: tidy(sums.amount.abs()),
        })
        .collect();
    invoices.sort_by(|a, b| {
        let newest = b.at.cmp(&a.at);
        newest.then_with(|| a.invoice_no.cmp(&b.invoice_no))
    });
    invoices
}

/// What of the page's lines was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageCancellations {
    /// Cancelled lines.
    pub lines: u64,
    /// Pieces that came back.
    pub items: i64,
    /// GBP, exact; positive.
    pub amount: Decimal,
    /// The cancellations, the newest first.
    pub invoices: Vec<InvoiceFigures>,
}

impl PageCancellations {
    pub(super) fn of(rows: &[(BucketKey, StoredLine)], catalog: &Catalog) -> Self {
        let mut all = Sums::default();
        for (_, line) in rows {
            all.add(line);
        }
        Self {
            lines: all.lines,
            items: -all.items,
            amount: tidy(-all.amount),
            invoices: invoices(rows, catalog),
        }
    }
}
