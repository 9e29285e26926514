//! Customers with all their figures: one row each, picked, sorted and cut.

use std::cmp::{Ordering, Reverse};
use std::ops::RangeInclusive;

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::actions::NextAction;
use super::filter::Filter;
use super::kpis::tidy;
use super::month::Month;
use super::months::Months;
use super::rfm::{Rfm, ValueSegment};
use super::settings::Settings;
use super::state::{Analytics, CustomerTotals};
use super::status::Status;
use crate::model::{CountryId, CustomerId, Day, InvoiceTime, Region};

/// Everything that is known of a customer without his lines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerFigures {
    /// His id, for looking up his lines.
    #[serde(skip)]
    pub id: CustomerId,
    /// His number.
    pub customer: CompactString,
    /// The country where he spent the most; of equals the first by name.
    pub country: CompactString,
    /// Its region; `None` when it is no longer on the routing map.
    pub region: Option<Region>,
    /// First purchase.
    pub first: InvoiceTime,
    /// Last purchase.
    pub last: InvoiceTime,
    /// Days from the last purchase to the reference date.
    pub recency_days: u32,
    /// Distinct invoices.
    pub invoices: u64,
    /// Lines.
    pub lines: u64,
    /// Pieces.
    pub items: i64,
    /// Sales, GBP, exact.
    pub amount: Decimal,
    /// Scores of recency, frequency and sales, 1 to 5, 5 is best.
    pub scores: [u8; 3],
    /// Weighted rank shares, 0 to 1.
    pub value_score: f64,
    /// Named segment.
    pub segment: String,
    /// Quarter by value score.
    pub value: ValueSegment,
    /// How he stands.
    pub status: Status,
    /// What to do, and why; `None` when no action fits.
    pub next: Option<NextAction>,
}

/// Figures of all customers, by id.
pub fn customer_figures(analytics: &Analytics, settings: &Settings) -> Vec<CustomerFigures> {
    let rfm = Rfm::of(analytics, settings);
    let homes = Homes::of(analytics);
    let scored = rfm.customers.into_iter().zip(analytics.customers());
    let figures = scored.map(|(score, customer)| {
        let segment = settings.grid.segments().get(score.named);
        let segment = segment.map_or("", |s| s.name.as_str());
        let rule = settings.actions.rule(score.status, segment);
        let (country, region) = homes.of_customer(customer.totals);
        CustomerFigures {
            id: score.id,
            customer: score.customer,
            country: country.into(),
            region,
            first: score.first,
            last: score.last,
            recency_days: score.recency_days,
            invoices: score.invoices,
            lines: customer.totals.tally.lines,
            items: score.items,
            amount: score.amount,
            scores: score.scores,
            value_score: score.value_score,
            segment: segment.to_owned(),
            value: score.value,
            status: score.status,
            next: rule.map(|r| r.fill(score.invoices, score.recency_days, score.amount)),
        }
    });
    figures.collect()
}

/// Which customers are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CustomerPick {
    /// All.
    #[default]
    All,
    /// A quarter by value score.
    Value(ValueSegment),
    /// A named segment.
    Segment(String),
    /// A status.
    Status(Status),
    /// A cell of the grid of scores.
    Scores {
        /// Recency score, 1 to 5.
        recency: u8,
        /// Frequency score, 1 to 5.
        frequency: u8,
    },
    /// A cell of the grid of days and orders: see [`super::GridBreaks::days`].
    Between {
        /// Days since the last purchase.
        days: RangeInclusive<u32>,
        /// Distinct invoices.
        orders: RangeInclusive<u64>,
    },
    /// Those of a cohort who bought in a month: all of it where that is the first one.
    Cohort {
        /// Month of the first purchase.
        first: Month,
        /// Month of a purchase.
        bought: Month,
    },
}

impl CustomerPick {
    /// Whether a customer is wanted who bought in `months`.
    pub fn holds(&self, customer: &CustomerFigures, months: &Months) -> bool {
        match self {
            Self::All => true,
            Self::Value(value) => customer.value == *value,
            Self::Segment(name) => customer.segment == *name,
            Self::Status(status) => customer.status == *status,
            Self::Scores { recency, frequency } => customer.scores[..2] == [*recency, *frequency],
            Self::Between { days, orders } => {
                days.contains(&customer.recency_days) && orders.contains(&customer.invoices)
            }
            Self::Cohort { first, bought } => {
                months.first() == Some(*first) && months.contains(*bought)
            }
        }
    }
}

/// What customers are sorted by. Equal ones follow by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerSort {
    /// Sales, the largest first.
    #[default]
    Amount,
    /// Days since the last purchase, the fewest first.
    Recency,
    /// Distinct invoices, the most first.
    Invoices,
    /// Value score, the highest first.
    Value,
    /// Number, as text.
    Number,
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// As the sort says.
    #[default]
    Usual,
    /// The other end.
    Reversed,
}

/// A list of customers that is asked for. The default is all of them, by sales.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerQuery {
    /// Which lines the figures are about.
    pub filter: Filter,
    /// Which customers.
    pub pick: CustomerPick,
    /// Only numbers that contain this; empty for all.
    pub containing: String,
    /// In which order.
    pub sort: CustomerSort,
    /// From which end.
    pub direction: Direction,
    /// Rows to pass over first.
    pub skip: usize,
    /// Rows to return at most; `None` for all.
    pub limit: Option<usize>,
}

/// Customers that were asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerList {
    /// Which lines the figures are about.
    pub filter: Filter,
    /// The day from which recency counts.
    pub reference_date: Option<Day>,
    /// How many fit, listed or not.
    pub customers: u64,
    /// Sales of all that fit, GBP, exact.
    pub amount: Decimal,
    /// Those listed.
    pub rows: Vec<CustomerFigures>,
}

/// The customers that a query asks for, among those of `analytics`.
pub fn customers(
    analytics: &Analytics,
    settings: &Settings,
    query: &CustomerQuery,
) -> CustomerList {
    let known = customer_figures(analytics, settings)
        .into_iter()
        .zip(analytics.customers());
    let fits = known.filter(|(row, customer)| {
        row.customer.contains(&query.containing) && query.pick.holds(row, &customer.totals.months)
    });
    let mut rows: Vec<CustomerFigures> = fits.map(|(row, _)| row).collect();
    rows.sort_by(|a, b| {
        let order = compare(query.sort, a, b);
        let order = match query.direction {
            Direction::Usual => order,
            Direction::Reversed => order.reverse(),
        };
        order.then_with(|| a.customer.cmp(&b.customer))
    });
    CustomerList {
        filter: analytics.filter().clone(),
        reference_date: analytics.reference_date(),
        customers: rows.len() as u64,
        amount: tidy(rows.iter().map(|row| row.amount).sum()),
        rows: rows
            .into_iter()
            .skip(query.skip)
            .take(query.limit.unwrap_or(usize::MAX))
            .collect(),
    }
}

fn compare(sort: CustomerSort, a: &CustomerFigures, b: &CustomerFigures) -> Ordering {
    match sort {
        CustomerSort::Amount => b.amount.cmp(&a.amount),
        CustomerSort::Recency => a.recency_days.cmp(&b.recency_days),
        CustomerSort::Invoices => b.invoices.cmp(&a.invoices),
        CustomerSort::Value => b.value_score.total_cmp(&a.value_score),
        CustomerSort::Number => a.customer.cmp(&b.customer),
    }
}

/// Names and regions of the countries, by id.
struct Homes(Vec<(CompactString, Option<Region>)>);

impl Homes {
    fn of(analytics: &Analytics) -> Self {
        let names = analytics.catalog().countries();
        let homes = names.into_iter().zip(0_u16..);
        Self(
            homes
                .map(|(name, id)| (name, analytics.region_of(CountryId(id))))
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
