//! The page of one product code: its figures, and what its lines say. Over all data, whatever the
//! filter.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::Serialize;

use super::kpis::{share, tidy};
use super::month::Month;
use super::pages::{PageCancellations, PageRows, sums_by};
use super::products::ProductFigures;
use super::together::{Partner, partners};
use crate::model::{BucketKey, Catalog, CustomerId, InvoiceTime, StockId, StoredLine};

/// Partners listed.
const PARTNERS: usize = 20;

/// What a product was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductDescription {
    /// The text; may be empty.
    pub description: CompactString,
    /// Lines with it.
    pub lines: u64,
    /// GBP, exact.
    pub amount: Decimal,
}

/// Sales and prices of a product in one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductMonth {
    /// Which.
    pub month: Month,
    /// Lines.
    pub lines: u64,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// GBP, exact.
    pub amount: Decimal,
    /// Lowest price for one piece, GBP.
    pub price_min: Decimal,
    /// Median price over the lines; of an even number of lines the lower of the middle two, so
    /// that it is a price that was asked.
    pub price_median: Decimal,
    /// Highest price.
    pub price_max: Decimal,
}

/// Sales of a product in one country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductCountry {
    /// Its name.
    pub country: CompactString,
    /// Lines.
    pub lines: u64,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// GBP, exact.
    pub amount: Decimal,
}

/// The largest line of a product, when it was cancelled later: a cancelled line of the same
/// customer, of as many pieces at the same price, at the same time or after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LargestCancelled {
    /// Its invoice.
    pub invoice_no: CompactString,
    /// When it was sold.
    pub at: InvoiceTime,
    /// Pieces.
    pub items: i64,
    /// GBP, exact.
    pub amount: Decimal,
    /// Share of the product's sales that rests on it, 0 to 1.
    pub share: f64,
    /// The cancellation.
    pub cancelled_by: CompactString,
    /// When it was cancelled.
    pub cancelled_at: InvoiceTime,
}

/// Everything about one product code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProductPage {
    /// Its figures.
    pub figures: ProductFigures,
    /// Distinct customers.
    pub customers: u64,
    /// Lines without a customer.
    pub lines_without_customer: u64,
    /// What it was called, on most lines first.
    pub descriptions: Vec<ProductDescription>,
    /// Months with sales, ascending, with their prices.
    pub months: Vec<ProductMonth>,
    /// Countries, the largest first.
    pub countries: Vec<ProductCountry>,
    /// What it was bought together with, at most twenty, in the most invoices first.
    pub together: Vec<Partner>,
    /// What of it was cancelled. It is not taken off the figures.
    pub cancelled: PageCancellations,
    /// Its largest line, when that was cancelled later.
    pub largest_cancelled: Option<LargestCancelled>,
}

/// Lines of a product, and the product codes of each invoice that holds it, by the invoice's
/// fingerprint.
#[derive(Debug, Clone, Default)]
pub struct ProductRows {
    /// Its lines.
    pub rows: PageRows,
    /// The baskets.
    pub baskets: BTreeMap<u64, BTreeSet<StockId>>,
}

impl ProductPage {
    /// Puts a page together from rows; `products` has the figures of all codes. `None` when the
    /// code is not among them.
    pub fn build(
        stock: StockId,
        products: &[ProductFigures],
        catalog: &Catalog,
        of: &ProductRows,
    ) -> Option<Self> {
        let figures = products.iter().find(|product| product.stock == stock)?;
        let rows = &of.rows;
        let customers: BTreeSet<Option<CustomerId>> =
            rows.sales.iter().map(|(_, line)| line.customer).collect();
        let anonymous = rows.sales.iter().filter(|(_, l)| l.customer.is_none());
        Some(Self {
            customers: customers.iter().flatten().count() as u64,
            lines_without_customer: anonymous.count() as u64,
            descriptions: descriptions(rows, catalog),
            months: months(rows),
            countries: countries(rows, catalog),
            together: partners(stock, &of.baskets, products, PARTNERS),
            cancelled: PageCancellations::of(&rows.cancelled, catalog),
            largest_cancelled: largest_cancelled(rows),
            figures: figures.clone(),
        })
    }
}

fn descriptions(rows: &PageRows, catalog: &Catalog) -> Vec<ProductDescription> {
    let sums = sums_by(&rows.sales, |_, line| line.product);
    let mut descriptions: Vec<ProductDescription> = sums
        .into_iter()
        .filter_map(|(id, sums)| {
            Some(ProductDescription {
                description: catalog.product_name(id)?.description.clone(),
                lines: sums.lines,
                amount: tidy(sums.amount),
            })
        })
        .collect();
    descriptions.sort_by(|a, b| {
        let by_lines = b.lines.cmp(&a.lines);
        by_lines.then_with(|| a.description.cmp(&b.description))
    });
    descriptions
}

fn months(rows: &PageRows) -> Vec<ProductMonth> {
    let month = |bucket: BucketKey| Month::of(bucket.day);
    let mut prices: BTreeMap<Month, Vec<Decimal>> = BTreeMap::new();
    for (bucket, line) in &rows.sales {
        prices
            .entry(month(*bucket))
            .or_default()
            .push(line.unit_price);
    }
    let sums = sums_by(&rows.sales, |bucket, _| month(bucket));
    sums.into_iter()
        .filter_map(|(month, sums)| {
            let prices = prices.get_mut(&month)?;
            prices.sort_unstable();
            let median = prices.get(prices.len().checked_sub(1)? / 2)?;
            Some(ProductMonth {
                month,
                lines: sums.lines,
                invoices: sums.invoices.len() as u64,
                items: sums.items,
                amount: tidy(sums.amount),
                price_min: tidy(*prices.first()?),
                price_median: tidy(*median),
                price_max: tidy(*prices.last()?),
            })
        })
        .collect()
}

fn countries(rows: &PageRows, catalog: &Catalog) -> Vec<ProductCountry> {
    let sums = sums_by(&rows.sales, |bucket, _| bucket.country);
    let mut countries: Vec<ProductCountry> = sums
        .into_iter()
        .map(|(id, sums)| ProductCountry {
            country: catalog.country_name(id).unwrap_or_default(),
            lines: sums.lines,
            invoices: sums.invoices.len() as u64,
            items: sums.items,
            amount: tidy(sums.amount),
        })
        .collect();
    countries.sort_by(|a, b| {
        let by_amount = b.amount.cmp(&a.amount);
        by_amount.then_with(|| a.country.cmp(&b.country))
    });
    countries
}

/// The largest line, of equals the earliest, if a later cancelled line takes it back whole.
fn largest_cancelled(rows: &PageRows) -> Option<LargestCancelled> {
    let lines = || rows.sales.iter().map(|(_, line)| line);
    let before = |line: &StoredLine| std::cmp::Reverse((line.invoice_time, line.line_id));
    let largest = lines().max_by_key(|line| (line.amount(), before(line)))?;
    let takes_back = |line: &&StoredLine| {
        line.customer == largest.customer
            && line.quantity == -largest.quantity
            && line.unit_price == largest.unit_price
            && line.invoice_time >= largest.invoice_time
    };
    let cancelled = rows.cancelled.iter().map(|(_, line)| line);
    let by = cancelled
        .filter(takes_back)
        .min_by_key(|l| (l.invoice_time, l.line_id))?;
    Some(LargestCancelled {
        invoice_no: largest.invoice_no.clone(),
        at: largest.invoice_time,
        items: i64::from(largest.quantity),
        amount: tidy(largest.amount()),
        share: share(largest.amount(), lines().map(StoredLine::amount).sum()),
        cancelled_by: by.invoice_no.clone(),
        cancelled_at: by.invoice_time,
    })
}
