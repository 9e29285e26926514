//! Cohorts: the month of a customer's first purchase, and who of them buys again in later months.

use std::collections::BTreeMap;

use serde::Serialize;

use super::filter::Filter;
use super::month::Month;
use super::revenue::{Coverage, coverage};
use super::state::Analytics;

/// Customers of a cohort who bought in one month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CohortCell {
    /// Months after the first purchase, 0 for its own month.
    pub months_after: i32,
    /// Customers of the cohort who bought in that month.
    pub customers: u64,
    /// Of all customers of the cohort, 0 to 1.
    pub share: f64,
    /// Whether that month is not complete in the data.
    pub partial: bool,
}

/// The customers who bought first in the same month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cohort {
    /// Month of the first purchase.
    pub month: Month,
    /// How many they are.
    pub customers: u64,
    /// Months from the first to the last with a sale of any cohort, ascending, none left out.
    pub cells: Vec<CohortCell>,
}

/// The retention matrix, by month of first purchase.
pub fn cohorts(analytics: &Analytics) -> Vec<Cohort> {
    let mut active: BTreeMap<Month, BTreeMap<Month, u64>> = BTreeMap::new();
    for customer in analytics.customers() {
        let months = &customer.totals.months;
        if let Some(first) = months.first() {
            let row = active.entry(first).or_default();
            for month in months.iter() {
                *row.entry(month).or_default() += 1;
            }
        }
    }
    let is_partial = |month: Month| {
        let (first, last) = (month.first_day(), month.last_day());
        coverage(analytics, &Filter::default(), first, last) == Coverage::Partial
    };
    let last = analytics.span().map(|(_, last)| Month::of(last.day()));
    let row = |(&month, counts): (&Month, &BTreeMap<Month, u64>)| {
        let size = counts.get(&month).copied().unwrap_or(0);
        let cell = |at: Month| {
            let customers = counts.get(&at).copied().unwrap_or(0);
            CohortCell {
                months_after: at.since(month),
                customers,
                share: customers as f64 / size.max(1) as f64,
                partial: is_partial(at),
            }
        };
        let months = std::iter::successors(Some(month), |m| Some(m.next()));
        let until = last.unwrap_or(month);
        Cohort {
            month,
            customers: size,
            cells: months.take_while(|m| *m <= until).map(cell).collect(),
        }
    };
    active.iter().map(row).collect()
}
