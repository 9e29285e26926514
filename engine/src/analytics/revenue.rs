//! Sales by day, ISO week and month, with periods marked that are not complete in the data.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::filter::Filter;
use super::kpis::{share, tidy};
use super::month::{Month, Week};
use super::state::{Analytics, less};
use crate::model::{Day, Tally};

/// Whether the data covers a period from its first to its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// It does.
    Complete,
    /// The data, or the filter, begins after its first or ends before its last day.
    Partial,
}

/// Sales of one period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Period<P> {
    /// Which.
    pub period: P,
    /// Lines.
    pub lines: u64,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// Sales, GBP, exact.
    pub amount: Decimal,
    /// Whether the period is not complete in the data.
    pub partial: bool,
    /// Change of the amount against the period before, as a share (0.1 for 10 % more). `None`
    /// where one of the two is partial or there is none before.
    pub growth: Option<f64>,
}

/// Sales by month, ascending; months without sales are not listed.
pub fn by_month(analytics: &Analytics, filter: &Filter) -> Vec<Period<Month>> {
    let before = |month: Month| Month::of(Day(month.first_day().0 - 1));
    let ends = |month: Month| (month.first_day(), month.last_day());
    periods(analytics, filter, Month::of, ends, before)
}

/// Sales by ISO week, ascending; weeks without sales are not listed.
pub fn by_week(analytics: &Analytics, filter: &Filter) -> Vec<Period<Week>> {
    let before = |week: Week| Week::of(Day(week.first_day().0 - 1));
    let ends = |week: Week| (week.first_day(), week.last_day());
    periods(analytics, filter, Week::of, ends, before)
}

/// Sales by day, ascending; days without sales are not listed. A day is always complete.
pub fn by_day(analytics: &Analytics, filter: &Filter) -> Vec<Period<Day>> {
    periods(analytics, filter, |d| d, |d| (d, d), |d| Day(d.0 - 1))
}

/// Whether the data, cut by the filters, covers the days `first` to `last`.
pub fn coverage(analytics: &Analytics, filter: &Filter, first: Day, last: Day) -> Coverage {
    let Some((mut begins, mut ends)) = analytics.data_days() else {
        return Coverage::Partial;
    };
    for filter in [analytics.filter(), filter] {
        begins = filter.from.map_or(begins, |from| from.max(begins));
        ends = filter.to.map_or(ends, |to| to.min(ends));
    }
    if begins <= first && last <= ends {
        Coverage::Complete
    } else {
        Coverage::Partial
    }
}

fn periods<P: Ord + Copy>(
    analytics: &Analytics,
    filter: &Filter,
    of: impl Fn(Day) -> P,
    ends: impl Fn(P) -> (Day, Day),
    before: impl Fn(P) -> P,
) -> Vec<Period<P>> {
    let scope = analytics.scope(filter);
    let mut days: BTreeMap<Day, Tally> = BTreeMap::new();
    for (country, day, totals) in analytics.sales() {
        if scope.holds(country, day) {
            days.entry(day).or_default().merge(&totals.all);
        }
    }
    let mut sums: BTreeMap<P, Tally> = BTreeMap::new();
    for (day, tally) in days {
        sums.entry(of(day)).or_default().merge(&tally);
    }
    let surplus = analytics.surplus(&scope, |part| [of(part.key.day)]);
    let complete: BTreeMap<P, Decimal> = sums
        .iter()
        .filter(|(period, _)| {
            let (first, last) = ends(**period);
            coverage(analytics, filter, first, last) == Coverage::Complete
        })
        .map(|(period, tally)| (*period, tally.amount))
        .collect();
    sums.iter()
        .map(|(&period, tally)| Period {
            period,
            lines: tally.lines,
            invoices: less(tally.invoices, surplus.get(&period)),
            items: tally.items,
            amount: tidy(tally.amount),
            partial: !complete.contains_key(&period),
            growth: complete
                .get(&period)
                .zip(complete.get(&before(period)))
                .and_then(|(now, then)| growth(*now, *then)),
        })
        .collect()
}

/// Change from `then` to `now` as a share of `then`; `None` when there was nothing.
pub(super) fn growth(now: Decimal, then: Decimal) -> Option<f64> {
    (!then.is_zero()).then(|| share(now - then, then))
}
