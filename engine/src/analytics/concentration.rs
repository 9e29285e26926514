//! How much of the sales comes from few.

use rust_decimal::Decimal;
use serde::Serialize;

use super::geography::CountryFigures;
use super::kpis::share;
use super::products::ProductFigures;
use super::rfm::CustomerScore;

/// Countries, customers, and one in so many products that count as the top.
const TOP_COUNTRIES: usize = 3;
const TOP_CUSTOMERS: usize = 10;
const TOP_PRODUCTS_ONE_IN: usize = 5;

/// Shares of all sales, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Concentration {
    /// Of the three largest countries.
    pub top_3_countries: f64,
    /// Of the ten largest customers.
    pub top_10_customers: f64,
    /// Of the largest fifth of the product codes, rounded up.
    pub top_fifth_of_products: f64,
}

/// Concentration of sales. Countries and products come sorted by sales; customers in any order.
pub fn concentration(
    sales: Decimal,
    countries: &[CountryFigures],
    customers: &[CustomerScore],
    products: &[ProductFigures],
) -> Concentration {
    let mut spent: Vec<Decimal> = customers.iter().map(|c| c.amount).collect();
    spent.sort_unstable_by(|a, b| b.cmp(a));
    let top_products = products.len().div_ceil(TOP_PRODUCTS_ONE_IN);
    let sum = |amounts: &mut dyn Iterator<Item = Decimal>| share(amounts.sum(), sales);
    Concentration {
        top_3_countries: sum(&mut countries.iter().take(TOP_COUNTRIES).map(|c| c.amount)),
        top_10_customers: sum(&mut spent.into_iter().take(TOP_CUSTOMERS)),
        top_fifth_of_products: sum(&mut products.iter().take(top_products).map(|p| p.amount)),
    }
}
