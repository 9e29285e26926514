//! Sales by region and by country: share, average order, growth, category of the market.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::filter::{Filter, Scope};
use super::kpis::{average_order_value, per_invoice, share, tidy};
use super::month::Month;
use super::rank::{Ranks, quarter, quartile_cuts};
use super::revenue::{Coverage, coverage, growth};
use super::state::{Analytics, less};
use crate::model::{CountryId, Region, Tally};

/// How a country compares with the others, by quartile of its market score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketCategory {
    /// The best quarter.
    Leading,
    /// The second quarter.
    Performing,
    /// The third quarter.
    Developing,
    /// The last quarter.
    Underperforming,
}

impl MarketCategory {
    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leading => "Leading",
            Self::Performing => "Performing",
            Self::Developing => "Developing",
            Self::Underperforming => "Underperforming",
        }
    }
}

/// What the market score is made of: share of sales, average order value, items per invoice,
/// each by its share of rank.
const MARKET_WEIGHTS: [f64; 3] = [0.4, 0.3, 0.3];

/// With fewer countries the quarters say nothing.
const MARKET_COUNTRIES_MIN: usize = 4;

/// Figures of one country.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CountryFigures {
    /// Its name.
    pub country: CompactString,
    /// Its region; `None` when it is no longer on the routing map.
    pub region: Option<Region>,
    /// Lines.
    pub lines: u64,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// Sales, GBP, exact.
    pub amount: Decimal,
    /// Distinct customers who bought there.
    pub customers: u64,
    /// Share of all sales, 0 to 1.
    pub share: f64,
    /// GBP per invoice.
    pub average_order_value: Option<Decimal>,
    /// Pieces per invoice.
    pub items_per_invoice: Option<f64>,
    /// Change from the last but one to the last complete month, as a share.
    pub growth: Option<f64>,
    /// Compared with the other countries; `None` with fewer than four of them.
    pub market: Option<MarketCategory>,
}

/// Figures of one region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionFigures {
    /// Which.
    pub region: Region,
    /// Countries with sales.
    pub countries: u64,
    /// Lines.
    pub lines: u64,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// Sales, GBP, exact.
    pub amount: Decimal,
    /// Distinct customers; one who buys in two regions is in both.
    pub customers: u64,
    /// Share of all sales, 0 to 1.
    pub share: f64,
    /// GBP per invoice.
    pub average_order_value: Option<Decimal>,
    /// Change from the last but one to the last complete month, as a share.
    pub growth: Option<f64>,
}

/// Countries by sales, largest first, equal ones by name.
pub fn by_country(analytics: &Analytics) -> Vec<CountryFigures> {
    let grouped = grouped(analytics, Some);
    let total: Decimal = grouped.values().map(|g| g.tally.amount).sum();
    let mut rows: Vec<CountryFigures> = grouped
        .iter()
        .map(|(id, group)| CountryFigures {
            country: analytics.country_name(*id),
            region: analytics.region_of(*id),
            lines: group.tally.lines,
            invoices: group.tally.invoices,
            items: group.tally.items,
            amount: tidy(group.tally.amount),
            customers: group.customers,
            share: share(group.tally.amount, total),
            average_order_value: average_order_value(&group.tally),
            items_per_invoice: per_invoice(group.tally.items as f64, &group.tally),
            growth: group.growth,
            market: None,
        })
        .collect();
    rows.sort_by(|a, b| {
        b.amount
            .cmp(&a.amount)
            .then_with(|| a.country.cmp(&b.country))
    });
    for (row, market) in market_categories(&rows).into_iter().enumerate() {
        rows[row].market = Some(market);
    }
    rows
}

/// The regions with sales, in the order of [`Region::ALL`].
pub fn by_region(analytics: &Analytics) -> Vec<RegionFigures> {
    let countries: BTreeSet<CountryId> = analytics.sales().map(|(country, ..)| country).collect();
    let regions: BTreeMap<CountryId, Region> = countries
        .iter()
        .filter_map(|id| Some((*id, analytics.region_of(*id)?)))
        .collect();
    let grouped = grouped(analytics, |country| regions.get(&country).copied());
    let total: Decimal = analytics.sales().map(|(.., day)| day.all.amount).sum();
    grouped
        .iter()
        .map(|(region, group)| RegionFigures {
            region: *region,
            countries: regions.values().filter(|r| *r == region).count() as u64,
            lines: group.tally.lines,
            invoices: group.tally.invoices,
            items: group.tally.items,
            amount: tidy(group.tally.amount),
            customers: group.customers,
            share: share(group.tally.amount, total),
            average_order_value: average_order_value(&group.tally),
            growth: group.growth,
        })
        .collect()
}

#[derive(Default)]
struct Group {
    tally: Tally,
    months: BTreeMap<Month, Decimal>,
    customers: u64,
    growth: Option<f64>,
}

/// Sums, distinct customers and growth by a grouping of the countries.
fn grouped<K: Ord + Copy>(
    analytics: &Analytics,
    group_of: impl Fn(CountryId) -> Option<K>,
) -> BTreeMap<K, Group> {
    let mut groups: BTreeMap<K, Group> = BTreeMap::new();
    for (country, day, totals) in analytics.sales() {
        if let Some(key) = group_of(country) {
            let group = groups.entry(key).or_default();
            group.tally.merge(&totals.all);
            *group.months.entry(Month::of(day)).or_default() += totals.all.amount;
        }
    }
    let surplus = analytics.surplus(&Scope::default(), |part| group_of(part.key.country));
    let latest = latest_complete_months(analytics);
    for (key, group) in &mut groups {
        group.tally.invoices = less(group.tally.invoices, surplus.get(key));
        group.growth = latest.and_then(|(then, now)| {
            let amount = |month| group.months.get(&month).copied().unwrap_or_default();
            growth(amount(now), amount(then))
        });
    }
    for customer in analytics.customers() {
        let countries = customer.totals.countries.iter();
        let bought = countries.filter(|(_, share)| share.lines > 0);
        let keys: BTreeSet<K> = bought.filter_map(|(id, _)| group_of(*id)).collect();
        for key in keys {
            if let Some(group) = groups.get_mut(&key) {
                group.customers += 1;
            }
        }
    }
    groups
}

/// The last two months that are complete in the data, the earlier first.
fn latest_complete_months(analytics: &Analytics) -> Option<(Month, Month)> {
    let (_, last) = analytics.data_days()?;
    let last = analytics.filter().to.map_or(last, |to| to.min(last));
    let complete = |month: Month| {
        let (first, last) = (month.first_day(), month.last_day());
        coverage(analytics, &Filter::default(), first, last) == Coverage::Complete
    };
    let before = |month: Month| Month::of(crate::model::Day(month.first_day().0 - 1));
    let mut now = Month::of(last);
    if !complete(now) {
        now = before(now);
    }
    let then = before(now);
    (complete(now) && complete(then)).then_some((then, now))
}

/// The category of each row; empty with fewer than four rows.
fn market_categories(rows: &[CountryFigures]) -> Vec<MarketCategory> {
    if rows.len() < MARKET_COUNTRIES_MIN {
        return Vec::new();
    }
    let amounts: Vec<Decimal> = rows.iter().map(|r| r.amount).collect();
    let orders: Vec<Decimal> = rows
        .iter()
        .map(|r| r.average_order_value.unwrap_or_default())
        .collect();
    let items: Vec<Decimal> = rows
        .iter()
        .map(|r| {
            let per = Decimal::from(r.items).checked_div(Decimal::from(r.invoices));
            per.unwrap_or_default()
        })
        .collect();
    let ranks = [Ranks::of(&amounts), Ranks::of(&orders), Ranks::of(&items)];
    let scores: Vec<f64> = (0..rows.len())
        .map(|row| {
            let parts = ranks.iter().zip(MARKET_WEIGHTS);
            parts.map(|(ranks, weight)| weight * ranks.share(row)).sum()
        })
        .collect();
    let Some(cuts) = quartile_cuts(&scores) else {
        return Vec::new();
    };
    scores
        .iter()
        .map(|score| match quarter(*score, &cuts) {
            0 => MarketCategory::Underperforming,
            1 => MarketCategory::Developing,
            2 => MarketCategory::Performing,
            _ => MarketCategory::Leading,
        })
        .collect()
}
