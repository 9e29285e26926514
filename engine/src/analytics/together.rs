//! Products bought together: pairs of product codes by the distinct invoices that hold both.
//!
//! With `n` invoices in all, `n(a)` that hold `a` and `n(ab)` that hold both:
//! support = n(ab) / n, confidence of a to b = n(ab) / n(a), lift = n(ab) n / (n(a) n(b)).
//!
//! Codes that are no products (postage, fees) are in no pair; `n` counts every invoice of the
//! filter. A pair is in no more invoices than either of its products (a priori), so only products
//! that reach the floor by themselves are counted in pairs, at four bytes a pair.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use compact_str::CompactString;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::filter::{Filter, NonProducts};
use super::products::{ProductFigures, by_product};
use super::state::Analytics;
use crate::model::{ProductName, StockId, StoredLine};

/// Products that are counted in pairs at most: 32 MB of counts. Where more reach the floor, it is
/// raised, and the answer says to what.
const PRODUCTS_MAX: usize = 4_000;

/// From how many invoices on a pair is told. Both must be met.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairFloor {
    /// Invoices that hold both.
    pub invoices: u64,
    /// Share of all invoices that hold both, 0 to 1.
    pub support: f64,
}

impl Default for PairFloor {
    /// One invoice in two hundred, and never fewer than ten: below, a lift is chance.
    fn default() -> Self {
        Self {
            invoices: 10,
            support: 0.005,
        }
    }
}

impl PairFloor {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float that is negative or no number becomes 0"
    )]
    fn of(self, invoices: u64) -> u64 {
        let by_support = (self.support * invoices as f64).ceil() as u64;
        self.invoices.max(by_support).max(1)
    }
}

/// Which pairs are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TogetherQuery {
    /// Which lines.
    pub filter: Filter,
    /// From where on a pair is told.
    pub floor: PairFloor,
    /// Pairs to return at most, those in the most invoices.
    pub limit: usize,
}

impl Default for TogetherQuery {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            floor: PairFloor::default(),
            limit: 1_000,
        }
    }
}

/// One product of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairedProduct {
    /// Its code.
    pub stock_code: CompactString,
    /// What it was called on most lines.
    pub description: CompactString,
    /// Distinct invoices that hold it.
    pub invoices: u64,
}

/// Two products that were bought together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The one whose code sorts first.
    pub a: PairedProduct,
    /// The other.
    pub b: PairedProduct,
    /// Distinct invoices that hold both.
    pub invoices: u64,
    /// Of all invoices, 0 to 1.
    pub support: f64,
    /// Of the invoices that hold `a`, those that hold `b`, 0 to 1.
    pub confidence_a_to_b: f64,
    /// Of the invoices that hold `b`, those that hold `a`, 0 to 1.
    pub confidence_b_to_a: f64,
    /// How many times more often than if they had nothing to do with each other.
    pub lift: f64,
}

/// Products bought together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Together {
    /// Which lines.
    pub filter: Filter,
    /// Distinct invoices of these lines.
    pub invoices: u64,
    /// In how many invoices a pair must be to be told.
    pub floor_invoices: u64,
    /// Products that are in so many.
    pub products: u64,
    /// Pairs that are in so many, listed or not.
    pub pairs_found: u64,
    /// Pairs in the most invoices first, equal ones by their codes.
    pub pairs: Vec<Pair>,
}

/// Counts pairs while the lines go by, bucket after bucket.
#[derive(Debug)]
pub struct Baskets {
    filter: Filter,
    limit: usize,
    floor: u64,
    /// Products that can be in a pair, by code: a product's place here is its number below.
    products: Vec<ProductFigures>,
    /// By product id, the product's number.
    numbers: Vec<Option<u32>>,
    /// Invoices by product.
    counts: Vec<u64>,
    /// Invoices by pair: those of product `b` with each `a` before it lie at `b (b - 1) / 2 + a`.
    pairs: Vec<u32>,
    invoices: u64,
    /// Invoices in several buckets, counted from the start and passed over in the lines.
    spanning: BTreeSet<u64>,
    basket: Vec<(u64, u32)>,
}

impl Baskets {
    /// No line yet. `analytics` has the figures of the lines that will go by: it says which
    /// products can be in a pair, and knows the invoices that lie in several buckets.
    pub fn new(analytics: &Analytics, query: &TogetherQuery) -> Self {
        let all = super::kpis::totals(analytics, &Filter::default()).all;
        let mut floor = query.floor.of(all.invoices);
        let mut products = by_product(analytics, NonProducts::Hide);
        let mut reached: Vec<u64> = products.iter().map(|p| p.invoices).collect();
        reached.sort_unstable_by_key(|invoices| Reverse(*invoices));
        if let Some(first_left_out) = reached.get(PRODUCTS_MAX) {
            floor = floor.max(first_left_out + 1);
        }
        products.retain(|product| product.invoices >= floor);
        products.sort_by(|a, b| a.stock_code.cmp(&b.stock_code));
        let by_stock: BTreeMap<StockId, u32> = products.iter().map(|p| p.stock).zip(0..).collect();
        let number = |name: &Arc<ProductName>| by_stock.get(&name.stock).copied();
        let spanning = analytics.spanning_baskets();
        let mut baskets = Self {
            filter: query.filter.clone(),
            limit: query.limit,
            floor,
            numbers: analytics.catalog().products().iter().map(number).collect(),
            counts: vec![0; products.len()],
            pairs: vec![0; products.len() * products.len().saturating_sub(1) / 2],
            products,
            invoices: 0,
            spanning: spanning.keys().copied().collect(),
            basket: Vec::new(),
        };
        for stock in spanning.into_values() {
            let numbers = stock
                .iter()
                .filter_map(|stock| by_stock.get(stock).copied());
            let mut numbers: Vec<u32> = numbers.collect();
            numbers.sort_unstable();
            baskets.count(&numbers);
        }
        baskets
    }

    /// Counts the lines of one bucket. An invoice lies in one bucket, but for those that are
    /// known to lie in several.
    pub fn add(&mut self, lines: &[StoredLine]) {
        let mut basket = std::mem::take(&mut self.basket);
        basket.clear();
        for line in lines {
            let number = self.numbers.get(line.product.0 as usize);
            let number = number.copied().flatten().unwrap_or(u32::MAX);
            basket.push((xxh3_64(line.invoice_no.as_bytes()), number));
        }
        basket.sort_unstable();
        basket.dedup();
        let mut numbers = Vec::new();
        for invoice in basket.chunk_by(|a, b| a.0 == b.0) {
            if invoice
                .first()
                .is_some_and(|(i, _)| self.spanning.contains(i))
            {
                continue;
            }
            numbers.clear();
            numbers.extend(invoice.iter().map(|(_, number)| *number));
            // Products without a number sort last, and were made one.
            if numbers.last() == Some(&u32::MAX) {
                numbers.pop();
            }
            self.count(&numbers);
        }
        self.basket = basket;
    }

    /// Counts an invoice with these products, ascending, each once.
    fn count(&mut self, numbers: &[u32]) {
        self.invoices += 1;
        for (place, b) in numbers.iter().enumerate() {
            let b = *b as usize;
            self.counts[b] += 1;
            let row = pair_at(0, b);
            for a in &numbers[..place] {
                self.pairs[row + *a as usize] += 1;
            }
        }
    }

    /// The pairs that reach the floor.
    pub fn finish(self) -> Together {
        let mut found = 0_u64;
        let mut best = BinaryHeap::new();
        for b in 0..self.products.len() {
            for a in 0..b {
                let invoices = self.pairs[pair_at(a, b)];
                if u64::from(invoices) < self.floor {
                    continue;
                }
                found += 1;
                // The worst is on top, to be thrown out.
                best.push((Reverse(invoices), a, b));
                if best.len() > self.limit {
                    best.pop();
                }
            }
        }
        let pairs = best.into_sorted_vec();
        Together {
            invoices: self.invoices,
            floor_invoices: self.floor,
            products: self.products.len() as u64,
            pairs_found: found,
            pairs: pairs
                .into_iter()
                .map(|(Reverse(invoices), a, b)| self.pair(a, b, u64::from(invoices)))
                .collect(),
            filter: self.filter,
        }
    }

    fn pair(&self, a: usize, b: usize, invoices: u64) -> Pair {
        let product = |number: usize| PairedProduct {
            stock_code: self.products[number].stock_code.clone(),
            description: self.products[number].description.clone(),
            invoices: self.counts[number],
        };
        let (both, all) = (invoices as f64, self.invoices as f64);
        let (of_a, of_b) = (self.counts[a] as f64, self.counts[b] as f64);
        Pair {
            a: product(a),
            b: product(b),
            invoices,
            support: both / all,
            confidence_a_to_b: both / of_a,
            confidence_b_to_a: both / of_b,
            lift: both * all / (of_a * of_b),
        }
    }
}

/// Where the count of a pair lies; `a` before `b`.
const fn pair_at(a: usize, b: usize) -> usize {
    b * b.saturating_sub(1) / 2 + a
}

/// A product that was bought together with another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Partner {
    /// Its code.
    pub stock_code: CompactString,
    /// What it was called on most lines.
    pub description: CompactString,
    /// Distinct invoices that hold both.
    pub invoices: u64,
    /// Of the invoices of the first product, 0 to 1.
    pub confidence: f64,
}

/// Partners of one product, those in the most invoices first, equal ones by code. `baskets` holds
/// the product codes of each invoice that holds the product; `products` has the figures of all.
pub(super) fn partners(
    stock: StockId,
    baskets: &BTreeMap<u64, BTreeSet<StockId>>,
    products: &[ProductFigures],
    limit: usize,
) -> Vec<Partner> {
    let mut counts: BTreeMap<StockId, u64> = BTreeMap::new();
    for other in baskets.values().flatten() {
        *counts.entry(*other).or_default() += 1;
    }
    let others = products.iter().filter(|p| p.stock != stock && p.is_product);
    let bought = others.filter_map(|product| Some((product, *counts.get(&product.stock)?)));
    let mut partners: Vec<Partner> = bought
        .map(|(product, invoices)| Partner {
            stock_code: product.stock_code.clone(),
            description: product.description.clone(),
            invoices,
            confidence: invoices as f64 / baskets.len() as f64,
        })
        .collect();
    partners.sort_by(|a, b| {
        let by_invoices = b.invoices.cmp(&a.invoices);
        by_invoices.then_with(|| a.stock_code.cmp(&b.stock_code))
    });
    partners.truncate(limit);
    partners
}
