//! The page of one customer: his figures, and what his lines say. Over all data, whatever the
//! filter: his totals are not one region's business.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use compact_str::CompactString;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use super::customers::CustomerFigures;
use super::filter::Regions;
use super::kpis::tidy;
use super::month::Month;
use super::pages::{InvoiceFigures, PageCancellations, PageRows, invoices, sums_by};
use crate::model::{Catalog, Day, Region};

/// Products listed.
const PRODUCTS: usize = 20;

/// What a customer bought in one country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerCountry {
    /// Its name.
    pub country: CompactString,
    /// Its region; `None` when it is no longer on the routing map.
    pub region: Option<Region>,
    /// Distinct invoices.
    pub invoices: u64,
    /// Lines.
    pub lines: u64,
    /// Pieces.
    pub items: i64,
    /// GBP, exact.
    pub amount: Decimal,
}

/// What a customer bought in one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerMonth {
    /// Which.
    pub month: Month,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// GBP, exact.
    pub amount: Decimal,
}

/// What a customer bought of one product code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerProduct {
    /// The code.
    pub stock_code: CompactString,
    /// What it was called last.
    pub description: CompactString,
    /// Whether it is a product and not postage or a fee.
    pub is_product: bool,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// GBP, exact.
    pub amount: Decimal,
}

/// Everything about one customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerPage {
    /// His figures: scores, segment, status, what to do.
    pub figures: CustomerFigures,
    /// Who is in his segment, in words.
    pub segment_meaning: String,
    /// The day from which recency counts.
    pub reference_date: Option<Day>,
    /// GBP per invoice, to the penny.
    pub average_order_value: Option<Decimal>,
    /// Where he bought, the most first.
    pub countries: Vec<CustomerCountry>,
    /// Months with a purchase, ascending.
    pub months: Vec<CustomerMonth>,
    /// What he spent the most on, at most twenty.
    pub products: Vec<CustomerProduct>,
    /// Every invoice, the newest first.
    pub invoices: Vec<InvoiceFigures>,
    /// What he cancelled. It is not taken off the figures.
    pub cancelled: PageCancellations,
}

/// The figures of a customer that his page begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerHead {
    /// His figures.
    pub figures: CustomerFigures,
    /// Who is in his segment, in words.
    pub segment_meaning: String,
    /// The day from which recency counts.
    pub reference_date: Option<Day>,
    /// The routing map.
    pub regions: Regions,
}

impl CustomerPage {
    /// Puts a page together from figures and the customer's lines.
    pub fn build(head: CustomerHead, catalog: &Catalog, rows: &PageRows) -> Self {
        let invoices = invoices(&rows.sales, catalog);
        let amount: Decimal = invoices.iter().map(|invoice| invoice.amount).sum();
        let average = amount.checked_div(Decimal::from(invoices.len()));
        Self {
            figures: head.figures,
            segment_meaning: head.segment_meaning,
            reference_date: head.reference_date,
            average_order_value: average.map(|average| {
                let round = RoundingStrategy::MidpointAwayFromZero;
                let mut average = average.round_dp_with_strategy(2, round);
                average.rescale(2);
                average
            }),
            countries: countries(rows, catalog, &head.regions),
            months: months(rows),
            products: products(rows, catalog),
            invoices,
            cancelled: PageCancellations::of(&rows.cancelled, catalog),
        }
    }
}

fn countries(rows: &PageRows, catalog: &Catalog, regions: &Regions) -> Vec<CustomerCountry> {
    let sums = sums_by(&rows.sales, |bucket, _| bucket.country);
    let mut countries: Vec<CustomerCountry> = sums
        .into_iter()
        .map(|(id, sums)| {
            let country = catalog.country_name(id).unwrap_or_default();
            CustomerCountry {
                region: regions.of(&country),
                country,
                invoices: sums.invoices.len() as u64,
                lines: sums.lines,
                items: sums.items,
                amount: tidy(sums.amount),
            }
        })
        .collect();
    countries.sort_by(|a, b| {
        let by_amount = b.amount.cmp(&a.amount);
        by_amount.then_with(|| a.country.cmp(&b.country))
    });
    countries
}

fn months(rows: &PageRows) -> Vec<CustomerMonth> {
    sums_by(&rows.sales, |bucket, _| Month::of(bucket.day))
        .into_iter()
        .map(|(month, sums)| CustomerMonth {
            month,
            invoices: sums.invoices.len() as u64,
            items: sums.items,
            amount: tidy(sums.amount),
        })
        .collect()
}

fn products(rows: &PageRows, catalog: &Catalog) -> Vec<CustomerProduct> {
    let names = catalog.products();
    let name = |id: crate::model::ProductId| names.get(id.0 as usize);
    let sums = sums_by(&rows.sales, |_, line| name(line.product).map(|n| n.stock));
    let mut latest = BTreeMap::new();
    for (_, line) in &rows.sales {
        if let Some(name) = name(line.product) {
            let seen = (line.invoice_time, &name.description, name);
            let known = latest.entry(name.stock).or_insert(seen);
            if (known.0, known.1) < (seen.0, seen.1) {
                *known = seen;
            }
        }
    }
    let mut products: Vec<CustomerProduct> = sums
        .into_iter()
        .filter_map(|(stock, sums)| {
            let (_, _, name) = latest.get(&stock?)?;
            Some(CustomerProduct {
                stock_code: name.stock_code.clone(),
                description: name.description.clone(),
                is_product: super::is_product(&name.stock_code),
                invoices: sums.invoices.len() as u64,
                items: sums.items,
                amount: tidy(sums.amount),
            })
        })
        .collect();
    products.sort_by_key(|p| (Reverse(p.amount), p.stock_code.clone()));
    products.truncate(PRODUCTS);
    products
}
