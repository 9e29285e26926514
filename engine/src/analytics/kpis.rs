//! The headline figures.

use std::collections::BTreeSet;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use super::filter::Filter;
use super::state::{Analytics, DayTotals, less};
use crate::model::Tally;

/// Decimals of an amount.
const MONEY_DECIMALS: u32 = 3;

/// Headline figures of a set of lines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kpis {
    /// Sum of quantity x unit price, GBP, exact.
    pub sales: Decimal,
    /// Lines.
    pub lines: u64,
    /// Distinct invoices.
    pub invoices: u64,
    /// Pieces.
    pub items: i64,
    /// Sales / invoices, GBP, to the penny; `None` without invoices.
    pub average_order_value: Option<Decimal>,
    /// Pieces per invoice.
    pub items_per_invoice: Option<f64>,
    /// Lines per invoice.
    pub lines_per_invoice: Option<f64>,
    /// Distinct customers.
    pub customers: u64,
    /// Distinct product codes, those that are no products included.
    pub products: u64,
    /// Lines without a customer: in sales, not in customer figures.
    pub lines_without_customer: u64,
    /// Sales of those, GBP, exact.
    pub sales_without_customer: Decimal,
}

impl Kpis {
    /// The headline figures of all lines in `analytics`.
    pub fn of(analytics: &Analytics) -> Self {
        let totals = totals(analytics, &Filter::default());
        let products = analytics.catalog().products();
        let codes: BTreeSet<_> = (analytics.product_tallies().iter().zip(&products))
            .filter(|(tally, _)| tally.lines > 0)
            .map(|(_, name)| name.stock)
            .collect();
        Self {
            sales: tidy(totals.all.amount),
            lines: totals.all.lines,
            invoices: totals.all.invoices,
            items: totals.all.items,
            average_order_value: average_order_value(&totals.all),
            items_per_invoice: per_invoice(totals.all.items as f64, &totals.all),
            lines_per_invoice: per_invoice(totals.all.lines as f64, &totals.all),
            customers: analytics.customers().count() as u64,
            products: codes.len() as u64,
            lines_without_customer: totals.anonymous.lines,
            sales_without_customer: tidy(totals.anonymous.amount),
        }
    }
}

/// Sums over the countries and days that pass a filter, without building a state for it.
/// Invoices of all lines are distinct; those of the anonymous lines are summed over buckets.
pub fn totals(analytics: &Analytics, filter: &Filter) -> DayTotals {
    let scope = analytics.scope(filter);
    let mut sum = DayTotals::default();
    for (country, day, totals) in analytics.sales() {
        if scope.holds(country, day) {
            sum.all.merge(&totals.all);
            sum.anonymous.merge(&totals.anonymous);
        }
    }
    let surplus = analytics.surplus(&scope, |_| [()]);
    sum.all.invoices = less(sum.all.invoices, surplus.get(&()));
    sum
}

/// Sales / invoices to the penny, halves away from zero; `None` without invoices.
pub fn average_order_value(tally: &Tally) -> Option<Decimal> {
    let average = tally.amount.checked_div(Decimal::from(tally.invoices))?;
    let mut average = average.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    average.rescale(2);
    Some(average)
}

/// A count per invoice; `None` without invoices.
pub(super) fn per_invoice(count: f64, tally: &Tally) -> Option<f64> {
    (tally.invoices > 0).then(|| count / tally.invoices as f64)
}

/// An amount with three decimals, which the prices of the data have, or more where it needs them:
/// the same text however it was summed.
pub fn tidy(amount: Decimal) -> Decimal {
    let mut amount = amount.normalize();
    if amount.scale() < MONEY_DECIMALS {
        amount.rescale(MONEY_DECIMALS);
    }
    amount
}

/// An amount in a sentence: two decimals, or more where it needs them.
pub(super) fn pounds(amount: Decimal) -> Decimal {
    let mut amount = amount.normalize();
    if amount.scale() < 2 {
        amount.rescale(2);
    }
    amount
}

/// `part / whole` as a float for shares; 0 where the whole is 0.
pub(super) fn share(part: Decimal, whole: Decimal) -> f64 {
    use rust_decimal::prelude::ToPrimitive;
    let share = part.checked_div(whole).and_then(|s| s.to_f64());
    share.unwrap_or(0.0)
}
