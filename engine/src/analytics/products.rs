//! Sales by product code, and which codes are no products.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::Serialize;

use super::filter::NonProducts;
use super::kpis::{share, tidy};
use super::state::{Analytics, less};
use crate::model::{StockId, Tally};

/// Codes of postage, fees, adjustments and samples in the data.
const NON_PRODUCTS: [&str; 12] = [
    "POST",
    "DOT",
    "M",
    "m",
    "D",
    "C2",
    "S",
    "B",
    "CRUK",
    "PADS",
    "BANK CHARGES",
    "AMAZONFEE",
];

/// Gift vouchers: `gift_0001_40` and so on.
const NON_PRODUCT_PREFIX: &str = "gift_0001_";

/// Whether a code stands for something that is sold as a product.
pub fn is_product(stock_code: &str) -> bool {
    !NON_PRODUCTS.contains(&stock_code) && !stock_code.starts_with(NON_PRODUCT_PREFIX)
}

/// Figures of one product code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProductFigures {
    /// Its id, for looking up its rows.
    #[serde(skip)]
    pub stock: StockId,
    /// The code.
    pub stock_code: CompactString,
    /// What it was called on most lines; of equals the first by alphabet.
    pub description: CompactString,
    /// Whether it is a product and not postage or a fee.
    pub is_product: bool,
    /// Lines.
    pub lines: u64,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// Sales, GBP, exact.
    pub amount: Decimal,
    /// Share of all sales, 0 to 1.
    pub share: f64,
    /// Value of its cancelled lines, GBP, exact; positive. Near the amount, the sales came to
    /// nothing.
    pub cancelled: Decimal,
}

/// All product codes with sales, largest first, equal ones by code.
pub fn by_product(analytics: &Analytics, non_products: NonProducts) -> Vec<ProductFigures> {
    let names = analytics.catalog().products();
    let mut codes: BTreeMap<StockId, (Tally, usize)> = BTreeMap::new();
    let tallies = analytics.product_tallies();
    for (index, (tally, name)) in tallies.iter().zip(&names).enumerate() {
        // On a net basis a code that was only cancelled has an amount and no line.
        if tally.lines == 0 && tally.amount.is_zero() {
            continue;
        }
        let (sum, best) = codes.entry(name.stock).or_insert((Tally::default(), index));
        super::delta::add(sum, tally);
        let known = (tallies[*best].lines, Reverse(&names[*best].description));
        if known < (tally.lines, Reverse(&name.description)) {
            *best = index;
        }
    }
    let mut cancelled: BTreeMap<StockId, Decimal> = BTreeMap::new();
    for (tally, name) in analytics.cancelled_tallies().iter().zip(&names) {
        *cancelled.entry(name.stock).or_default() -= tally.amount;
    }
    let surplus = analytics.product_surplus();
    let total: Decimal = codes.values().map(|(tally, _)| tally.amount).sum();
    let mut rows: Vec<ProductFigures> = codes
        .into_iter()
        .map(|(stock, (tally, best))| ProductFigures {
            stock,
            stock_code: names[best].stock_code.clone(),
            description: names[best].description.clone(),
            is_product: is_product(&names[best].stock_code),
            lines: tally.lines,
            invoices: less(tally.invoices, surplus.get(&stock)),
            items: tally.items,
            amount: tidy(tally.amount),
            share: share(tally.amount, total),
            cancelled: tidy(cancelled.get(&stock).copied().unwrap_or_default()),
        })
        .filter(|row| row.is_product || non_products == NonProducts::Show)
        .collect();
    rows.sort_by(|a, b| {
        let by_amount = b.amount.cmp(&a.amount);
        by_amount.then_with(|| a.stock_code.cmp(&b.stock_code))
    });
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postage_and_fees_are_no_products() {
        for code in ["POST", "DOT", "M", "m", "BANK CHARGES", "gift_0001_40"] {
            assert!(!is_product(code), "{code}");
        }
        for code in ["85123A", "22423", "DCGS0003", "POSTER", "gift_0002"] {
            assert!(is_product(code), "{code}");
        }
    }
}
