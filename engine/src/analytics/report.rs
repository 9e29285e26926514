//! All figures of a page in one value, for the console, the terminal and JSON.
//!
//! What mode the engine runs in and what of it is simulated is for the caller to say.

use std::collections::BTreeMap;

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::Serialize;

use super::cohorts::{Cohort, cohorts};
use super::concentration::{Concentration, concentration};
use super::filter::{Basis, Filter, NonProducts};
use super::geography::{CountryFigures, RegionFigures, by_country, by_region};
use super::insights::{Insight, insights};
use super::kpis::{Kpis, share, tidy};
use super::month::{Month, Week};
use super::order_grid::{GridBreaks, OrderGrid, order_grid};
use super::products::{ProductFigures, by_product};
use super::returns::{Returns, returns};
use super::revenue::{Period, by_day, by_month, by_week};
use super::rfm::{CustomerScore, Rfm, ValueSegment};
use super::settings::Settings;
use super::state::Analytics;
use super::status::Status;
use crate::model::{Day, Region};

/// Customers of one segment, whichever way they are divided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentFigures {
    /// Its name.
    pub name: String,
    /// Customers.
    pub customers: u64,
    /// Their sales, GBP, exact.
    pub amount: Decimal,
    /// Share of the sales to known customers, 0 to 1.
    pub share: f64,
}

/// Sales in one hour of the week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HourFigures {
    /// 0 for Monday to 6.
    pub weekday: u8,
    /// 0 to 23.
    pub hour: u8,
    /// Lines.
    pub lines: u64,
    /// Pieces.
    pub items: i64,
    /// Sales, GBP, exact.
    pub amount: Decimal,
}

/// Sales of one region by month, ISO week and day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionPeriods {
    /// Which.
    pub region: Region,
    /// By month.
    pub months: Vec<Period<Month>>,
    /// By ISO week.
    pub weeks: Vec<Period<Week>>,
    /// By day.
    pub days: Vec<Period<Day>>,
}

/// Everything that is shown about a set of lines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Which lines the figures are about.
    pub filter: Filter,
    /// Headline figures.
    pub kpis: Kpis,
    /// First and last day of the data.
    pub data_days: Option<(Day, Day)>,
    /// The day from which recency counts.
    pub reference_date: Option<Day>,
    /// Sales by month.
    pub months: Vec<Period<Month>>,
    /// Sales by ISO week.
    pub weeks: Vec<Period<Week>>,
    /// Sales by day.
    pub days: Vec<Period<Day>>,
    /// Sales by region.
    pub regions: Vec<RegionFigures>,
    /// Sales by period of each region with sales, in the order of [`Region::ALL`].
    pub region_periods: Vec<RegionPeriods>,
    /// Sales by country, largest first.
    pub countries: Vec<CountryFigures>,
    /// The largest products.
    pub products: Vec<ProductFigures>,
    /// Quarters by value score, lowest first.
    pub segments: Vec<SegmentFigures>,
    /// Named segments, in the order of the grid.
    pub named_segments: Vec<SegmentFigures>,
    /// Customers by status.
    pub statuses: Vec<SegmentFigures>,
    /// Customers by recency score (row 0 is score 1) and frequency score.
    pub rfm_grid: [[u64; 5]; 5],
    /// Customers by days since the last purchase and orders.
    pub order_grid: OrderGrid,
    /// Distinct customers.
    pub customers: u64,
    /// Hours of the week with sales.
    pub hours: Vec<HourFigures>,
    /// Cancelled lines.
    pub returns: Returns,
    /// Shares of the few.
    pub concentration: Concentration,
    /// Retention by month of first purchase.
    pub cohorts: Vec<Cohort>,
    /// Sentences, each with its number.
    pub insights: Vec<Insight>,
    /// What to know before trusting a figure.
    pub warnings: Vec<String>,
}

impl Report {
    /// All figures of the lines in `analytics`.
    pub fn build(analytics: &Analytics, settings: &Settings) -> Self {
        let rfm = Rfm::of(analytics, settings);
        let kpis = Kpis::of(analytics);
        let countries = by_country(analytics);
        let all_products = by_product(analytics, NonProducts::Show);
        let concentration = concentration(kpis.sales, &countries, &rfm.customers, &all_products);
        let hidden = analytics.filter().non_products == NonProducts::Hide;
        let listed = all_products.into_iter().filter(|p| p.is_product || !hidden);
        let mut report = Self {
            filter: analytics.filter().clone(),
            data_days: analytics.data_days(),
            reference_date: rfm.reference,
            months: by_month(analytics, &Filter::default()),
            weeks: by_week(analytics, &Filter::default()),
            days: by_day(analytics, &Filter::default()),
            regions: by_region(analytics),
            region_periods: region_periods(analytics),
            products: listed.take(settings.top_products).collect(),
            segments: value_segments(&rfm),
            named_segments: named_segments(&rfm, settings),
            statuses: statuses(&rfm),
            rfm_grid: rfm_grid(&rfm),
            order_grid: order_grid(&rfm.customers, GridBreaks::default()),
            customers: kpis.customers,
            hours: hours(analytics),
            returns: returns(analytics, &Filter::default()),
            cohorts: cohorts(analytics),
            warnings: warnings(analytics, &rfm),
            insights: Vec::new(),
            kpis,
            countries,
            concentration,
        };
        report.insights = insights(&report);
        report
    }
}

fn region_periods(analytics: &Analytics) -> Vec<RegionPeriods> {
    let periods = |region| {
        let filter = Filter {
            regions: vec![region],
            ..Filter::default()
        };
        RegionPeriods {
            region,
            months: by_month(analytics, &filter),
            weeks: by_week(analytics, &filter),
            days: by_day(analytics, &filter),
        }
    };
    let all = Region::ALL.into_iter().map(periods);
    all.filter(|region| !region.days.is_empty()).collect()
}

fn warnings(analytics: &Analytics, rfm: &Rfm) -> Vec<String> {
    let mut warnings = rfm.warnings.clone();
    let uncorrected = analytics.uncorrected();
    if uncorrected > 0 {
        warnings.push(format!(
            "{uncorrected} invoices lie on several days or in several countries and count once in each"
        ));
    }
    let (customers, amount) = analytics.without_purchase();
    if analytics.filter().basis == Basis::Net && customers > 0 {
        let amount = tidy(amount);
        warnings.push(format!(
            "{customers} customers cancelled something and bought nothing in this filter: £{amount} is in sales and in no customer's figures"
        ));
    }
    warnings
}

/// Customers and sales by a division of the customers.
fn divide<K: Ord>(rfm: &Rfm, of: impl Fn(&CustomerScore) -> K) -> BTreeMap<K, (u64, Decimal)> {
    let mut groups: BTreeMap<K, (u64, Decimal)> = BTreeMap::new();
    for customer in &rfm.customers {
        let (customers, amount) = groups.entry(of(customer)).or_default();
        *customers += 1;
        *amount += customer.amount;
    }
    groups
}

fn figures<K: Ord>(
    groups: &BTreeMap<K, (u64, Decimal)>,
    names: impl IntoIterator<Item = (K, String)>,
) -> Vec<SegmentFigures> {
    let total: Decimal = groups.values().map(|(_, amount)| *amount).sum();
    let row = |(key, name)| {
        let (customers, amount) = groups.get(&key).copied().unwrap_or_default();
        SegmentFigures {
            name,
            customers,
            amount: tidy(amount),
            share: share(amount, total),
        }
    };
    names.into_iter().map(row).collect()
}

fn value_segments(rfm: &Rfm) -> Vec<SegmentFigures> {
    let names = ValueSegment::ALL.map(|s| (s, s.name().to_owned()));
    figures(&divide(rfm, |c| c.value), names)
}

fn named_segments(rfm: &Rfm, settings: &Settings) -> Vec<SegmentFigures> {
    let names = settings.grid.segments().iter().map(|s| s.name.clone());
    figures(&divide(rfm, |c| c.named), names.enumerate())
}

fn statuses(rfm: &Rfm) -> Vec<SegmentFigures> {
    let names = Status::ALL.map(|s| (s, s.name().to_owned()));
    figures(&divide(rfm, |c| c.status), names)
}

fn rfm_grid(rfm: &Rfm) -> [[u64; 5]; 5] {
    let mut grid = [[0; 5]; 5];
    for customer in &rfm.customers {
        let [recency, frequency, _] = customer.scores.map(|s| usize::from(s.clamp(1, 5) - 1));
        grid[recency][frequency] += 1;
    }
    grid
}

fn hours(analytics: &Analytics) -> Vec<HourFigures> {
    let mut rows = Vec::new();
    for (weekday, day) in (0..).zip(analytics.hours()) {
        for (hour, tally) in (0..).zip(day) {
            if tally.lines > 0 || !tally.amount.is_zero() {
                rows.push(HourFigures {
                    weekday,
                    hour,
                    lines: tally.lines,
                    items: tally.items,
                    amount: tidy(tally.amount),
                });
            }
        }
    }
    rows
}

/// A number of customers or lines with thousands separated by commas.
pub(super) fn grouped(text: &str) -> CompactString {
    let (sign, rest) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let mut out = CompactString::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}
