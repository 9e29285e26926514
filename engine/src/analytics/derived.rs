//! The tables that other programs read: one row per customer, product and country, absolute
//! values. Money is decimal text; days are `YYYY-MM-DD`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::customers::customer_figures;
use super::filter::NonProducts;
use super::geography::by_country;
use super::products::by_product;
use super::settings::Settings;
use super::state::Analytics;
use crate::model::{Day, Region};
use crate::ports::DerivedRows;

/// `customer_analytics`. A customer of several countries has one row, with the country (and its
/// region) where he spent the most; of equals the first by name.
pub fn customer_rows(analytics: &Analytics, settings: &Settings) -> DerivedRows {
    let mut rows = BTreeMap::new();
    for customer in customer_figures(analytics, settings) {
        let row = CustomerRow {
            customer_id: &customer.customer,
            region: customer.region.map(Region::slug),
            last_purchase_date: customer.last.day(),
            total_purchases: customer.invoices,
            total_amount: customer.amount,
            country: &customer.country,
            first_purchase_date: customer.first.day(),
            items: customer.items,
            lines: customer.lines,
            recency_days: customer.recency_days,
            recency_score: customer.scores[0],
            frequency_score: customer.scores[1],
            monetary_score: customer.scores[2],
            value_score: customer.value_score,
            segment: &customer.segment,
            value_segment: customer.value.name(),
            status: customer.status.name(),
            next_action: customer.next.as_ref().map(|n| n.action.as_str()),
            next_action_reason: customer.next.as_ref().map(|n| n.reason.as_str()),
        };
        rows.insert(customer.customer.to_string(), text(&row));
    }
    table("customer_analytics", rows)
}

/// `product_analytics`, by product code; codes that are no products are marked.
pub fn product_rows(analytics: &Analytics) -> DerivedRows {
    let rows = by_product(analytics, NonProducts::Show)
        .into_iter()
        .map(|product| {
            let row = ProductRow {
                stock_code: &product.stock_code,
                description: &product.description,
                is_product: product.is_product,
                lines: product.lines,
                total_purchases: product.invoices,
                items: product.items,
                total_amount: product.amount,
                share: product.share,
            };
            (product.stock_code.to_string(), text(&row))
        });
    table("product_analytics", rows.collect())
}

/// `country_metrics`, by country.
pub fn country_rows(analytics: &Analytics) -> DerivedRows {
    let rows = by_country(analytics).into_iter().map(|country| {
        let row = CountryRow {
            country: &country.country,
            region: country.region.map(Region::slug),
            lines: country.lines,
            total_purchases: country.invoices,
            items: country.items,
            total_amount: country.amount,
            customers: country.customers,
            share: country.share,
            average_order_value: country.average_order_value,
            growth: country.growth,
            market_category: country.market.map(super::geography::MarketCategory::name),
        };
        (country.country.to_string(), text(&row))
    });
    table("country_metrics", rows.collect())
}

/// A row as JSON text. Rows hold text and numbers only, which cannot fail to be written.
fn text(row: &impl Serialize) -> String {
    serde_json::to_string(row).unwrap_or_default()
}

#[derive(Serialize)]
struct CustomerRow<'a> {
    customer_id: &'a str,
    region: Option<&'a str>,
    last_purchase_date: Day,
    total_purchases: u64,
    total_amount: Decimal,
    country: &'a str,
    first_purchase_date: Day,
    items: i64,
    lines: u64,
    recency_days: u32,
    recency_score: u8,
    frequency_score: u8,
    monetary_score: u8,
    value_score: f64,
    segment: &'a str,
    value_segment: &'a str,
    status: &'a str,
    next_action: Option<&'a str>,
    next_action_reason: Option<&'a str>,
}

#[derive(Serialize)]
struct ProductRow<'a> {
    stock_code: &'a str,
    description: &'a str,
    is_product: bool,
    lines: u64,
    total_purchases: u64,
    items: i64,
    total_amount: Decimal,
    share: f64,
}

#[derive(Serialize)]
struct CountryRow<'a> {
    country: &'a str,
    region: Option<&'a str>,
    lines: u64,
    total_purchases: u64,
    items: i64,
    total_amount: Decimal,
    customers: u64,
    share: f64,
    average_order_value: Option<Decimal>,
    growth: Option<f64>,
    market_category: Option<&'a str>,
}

fn table(name: &str, rows: BTreeMap<String, String>) -> DerivedRows {
    DerivedRows {
        table: name.to_owned(),
        rows,
    }
}
