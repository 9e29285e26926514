//! The tables that other programs read: one row per customer, product and country, absolute
//! values. Money is decimal text; days are `YYYY-MM-DD`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::filter::NonProducts;
use super::geography::by_country;
use super::products::by_product;
use super::rfm::Rfm;
use super::settings::Settings;
use super::state::{Analytics, CustomerTotals};
use crate::model::{Day, Region};
use crate::ports::DerivedRows;

/// `customer_analytics`. A customer of several countries has one row, with the country (and its
/// region) where he spent the most; of equals the first by name.
pub fn customer_rows(analytics: &Analytics, settings: &Settings) -> DerivedRows {
    let rfm = Rfm::of(analytics, settings);
    let homes = Homes::of(analytics);
    let mut rows = BTreeMap::new();
    for (score, customer) in rfm.customers.iter().zip(analytics.customers()) {
        let segment = settings.grid.segments().get(score.named);
        let segment = segment.map_or("", |s| s.name.as_str());
        let rule = settings.actions.rule(score.status, segment);
        let next = rule.map(|r| r.fill(score.invoices, score.recency_days, score.amount));
        let (country, region) = homes.of_customer(customer.totals);
        let row = CustomerRow {
            customer_id: &score.customer,
            region: region.map(Region::slug),
            last_purchase_date: score.last.day(),
            total_purchases: score.invoices,
            total_amount: score.amount,
            country,
            first_purchase_date: score.first.day(),
            items: score.items,
            lines: customer.totals.tally.lines,
            recency_days: score.recency_days,
            recency_score: score.scores[0],
            frequency_score: score.scores[1],
            monetary_score: score.scores[2],
            value_score: score.value_score,
            segment,
            value_segment: score.value.name(),
            status: score.status.name(),
            next_action: next.as_ref().map(|n| n.action.as_str()),
            next_action_reason: next.as_ref().map(|n| n.reason.as_str()),
        };
        rows.insert(score.customer.to_string(), text(&row));
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

/// Names and regions of the countries, by id.
struct Homes(Vec<(String, Option<Region>)>);

impl Homes {
    fn of(analytics: &Analytics) -> Self {
        let names = analytics.catalog().countries();
        let region = |id| analytics.region_of(crate::model::CountryId(id));
        let homes = names.iter().zip(0_u16..);
        Self(
            homes
                .map(|(name, id)| (name.to_string(), region(id)))
                .collect(),
        )
    }

    fn of_customer(&self, totals: &CustomerTotals) -> (&str, Option<Region>) {
        let homes = totals.countries.iter().filter_map(|(id, share)| {
            let (name, region) = self.0.get(usize::from(id.0))?;
            Some((share.amount, Reverse(name.as_str()), *region))
        });
        let most = homes.max_by_key(|(amount, name, _)| (*amount, *name));
        most.map_or(("", None), |(_, Reverse(name), region)| (name, region))
    }
}
