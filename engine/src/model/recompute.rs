//! The summary of a bucket from its rows, and whether a stored one agrees with it.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::catalog::{Catalog, CustomerId, ProductId, StockId};
use super::line::StoredLine;
use super::summary::{CustomerPart, HourPart, ProductPart, Summary, Tally};

/// The summary of rows, each given once.
///
/// An invoice counts once per product code, under the description of the earliest of its rows
/// (time, then identity), so the same rows in any order give the same summary.
pub fn summarise(lines: &[StoredLine], catalog: &Catalog) -> Summary {
    let mut sorted: Vec<&StoredLine> = lines.iter().collect();
    sorted.sort_by_key(|line| (line.invoice_time, line.line_id));
    let mut summary = Summary::default();
    let mut invoices = BTreeSet::new();
    let mut hours: BTreeMap<u8, Tally> = BTreeMap::new();
    let mut customers: BTreeMap<Option<CustomerId>, CustomerPart> = BTreeMap::new();
    let mut products: BTreeMap<ProductId, Tally> = BTreeMap::new();
    let mut of_hour: FxHashSet<(u8, u64)> = FxHashSet::default();
    let mut of_customer: FxHashSet<(Option<CustomerId>, u64)> = FxHashSet::default();
    let mut of_stock: FxHashSet<(Option<StockId>, u64)> = FxHashSet::default();
    for line in sorted {
        let invoice = xxh3_64(line.invoice_no.as_bytes());
        let is_new = invoices.insert(invoice);
        count(&mut summary.tally, line, is_new);
        summary.digest.add(line.line_id);
        let at = line.invoice_time;
        let (first, last) = summary.span.unwrap_or((at, at));
        summary.span = Some((first.min(at), last.max(at)));
        let is_new = of_hour.insert((at.hour(), invoice));
        count(hours.entry(at.hour()).or_default(), line, is_new);
        let part = customers
            .entry(line.customer)
            .or_insert_with(|| CustomerPart {
                customer: line.customer,
                tally: Tally::default(),
                first: at,
                last: at,
            });
        part.first = part.first.min(at);
        part.last = part.last.max(at);
        let is_new = of_customer.insert((line.customer, invoice));
        count(&mut part.tally, line, is_new);
        let stock = catalog.product_name(line.product).map(|name| name.stock);
        let is_new = of_stock.insert((stock, invoice));
        count(products.entry(line.product).or_default(), line, is_new);
    }
    summary.invoices = invoices.into_iter().collect();
    summary.hours = hours
        .into_iter()
        .map(|(hour, tally)| HourPart { hour, tally })
        .collect();
    summary.customers = customers.into_values().collect();
    summary.products = products
        .into_iter()
        .map(|(product, tally)| ProductPart { product, tally })
        .collect();
    summary
}

fn count(tally: &mut Tally, line: &StoredLine, is_new_invoice: bool) {
    tally.lines += 1;
    tally.invoices += u64::from(is_new_invoice);
    tally.items += i64::from(line.quantity);
    tally.amount += line.amount();
}

/// Whether two summaries say the same of the same rows.
///
/// Under which description of a product code an invoice is counted depends on the order in
/// which its lines came; the sum over the descriptions does not.
pub fn agree(a: &Summary, b: &Summary, catalog: &Catalog) -> bool {
    a.digest == b.digest
        && a.tally == b.tally
        && a.span == b.span
        && a.invoices == b.invoices
        && a.customers == b.customers
        && a.hours == b.hours
        && descriptions(a) == descriptions(b)
        && codes(a, catalog) == codes(b, catalog)
}

fn descriptions(summary: &Summary) -> Vec<(ProductId, Tally)> {
    let products = summary.products.iter();
    products
        .map(|p| (p.product, without_invoices(p.tally)))
        .collect()
}

fn codes(summary: &Summary, catalog: &Catalog) -> BTreeMap<Option<StockId>, u64> {
    let mut codes = BTreeMap::new();
    for part in &summary.products {
        let stock = catalog.product_name(part.product).map(|name| name.stock);
        *codes.entry(stock).or_default() += part.tally.invoices;
    }
    codes
}

const fn without_invoices(tally: Tally) -> Tally {
    Tally {
        invoices: 0,
        ..tally
    }
}
