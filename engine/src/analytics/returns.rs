//! Returns: cancelled lines against sales.

use rust_decimal::Decimal;
use serde::Serialize;

use super::filter::{Basis, Filter};
use super::kpis::{share, tidy, totals};
use super::state::Analytics;

/// What was cancelled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Returns {
    /// Cancelled lines.
    pub lines: u64,
    /// Pieces that came back.
    pub items: i64,
    /// Value of the cancelled lines, GBP, exact; positive.
    pub amount: Decimal,
    /// Sales less the cancelled value, GBP, exact.
    pub net_sales: Decimal,
    /// Cancelled value / (sales + cancelled value); `None` where both are 0.
    pub rate_by_amount: Option<f64>,
    /// Cancelled lines / (lines + cancelled lines); `None` without lines.
    pub rate_by_lines: Option<f64>,
}

/// Returns of the countries and days that pass a filter.
pub fn returns(analytics: &Analytics, filter: &Filter) -> Returns {
    let scope = analytics.scope(filter);
    let (mut lines, mut items, mut amount) = (0_u64, 0_i64, Decimal::ZERO);
    for (country, day, tally) in analytics.returns() {
        if scope.holds(country, day) {
            lines += tally.lines;
            items -= tally.items;
            amount -= tally.amount;
        }
    }
    let sales = totals(analytics, filter).all;
    // On a net basis the cancelled value is off the sales already.
    let gross = match analytics.filter().basis {
        Basis::Gross => sales.amount,
        Basis::Net => sales.amount + amount,
    };
    let (all_lines, all_value) = (sales.lines + lines, gross + amount);
    Returns {
        lines,
        items,
        amount: tidy(amount),
        net_sales: tidy(gross - amount),
        rate_by_amount: (!all_value.is_zero()).then(|| share(amount, all_value)),
        rate_by_lines: (all_lines > 0).then(|| lines as f64 / all_lines as f64),
    }
}
