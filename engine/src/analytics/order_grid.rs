//! Customers by days since the last purchase and by orders, between limits that a person sets.

use std::ops::RangeInclusive;

use rust_decimal::Decimal;
use serde::Serialize;

use super::kpis::tidy;
use super::rfm::{CustomerScore, RfmError};

/// Limits on a dimension at most: more cells are no picture.
const LIMITS_MAX: usize = 9;

/// Where one row or column of the grid ends and the next begins. A value equal to a limit belongs
/// below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GridBreaks {
    days: Vec<u32>,
    orders: Vec<u64>,
}

impl Default for GridBreaks {
    /// Days near the fifths of the sample; orders that tell apart the third of its customers who
    /// bought once, which fifths cannot.
    fn default() -> Self {
        Self {
            days: vec![13, 33, 72, 180],
            orders: vec![1, 2, 3, 6],
        }
    }
}

impl GridBreaks {
    /// Limits that ascend, up to nine of each.
    pub fn new(days: Vec<u32>, orders: Vec<u64>) -> Result<Self, RfmError> {
        let days_fit = days.len() <= LIMITS_MAX && days.is_sorted_by(|a, b| a < b);
        let orders_fit = orders.len() <= LIMITS_MAX && orders.is_sorted_by(|a, b| a < b);
        for (dimension, fits) in [("days", days_fit), ("orders", orders_fit)] {
            if !fits {
                return Err(RfmError::Breaks { dimension });
            }
        }
        Ok(Self { days, orders })
    }

    /// Ranges of days since the last purchase, one for each row, the latest customers first.
    pub fn days(&self) -> Vec<RangeInclusive<u32>> {
        let from = std::iter::once(0).chain(self.days.iter().map(|limit| limit + 1));
        let to = self.days.iter().copied().chain([u32::MAX]);
        from.zip(to).map(|(from, to)| from..=to).collect()
    }

    /// Ranges of orders, one for each column, the fewest first.
    pub fn orders(&self) -> Vec<RangeInclusive<u64>> {
        let from = std::iter::once(0).chain(self.orders.iter().map(|limit| limit + 1));
        let to = self.orders.iter().copied().chain([u64::MAX]);
        from.zip(to).map(|(from, to)| from..=to).collect()
    }
}

/// The customers of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct GridCell {
    /// How many they are.
    pub customers: u64,
    /// Their sales, GBP, exact.
    pub amount: Decimal,
}

/// Customers by days since the last purchase (rows, latest first) and orders (columns, fewest
/// first).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderGrid {
    /// Where the rows and columns end.
    pub breaks: GridBreaks,
    /// A row for each range of days, in it a cell for each range of orders.
    pub rows: Vec<Vec<GridCell>>,
}

/// Puts customers into the grid.
pub fn order_grid(customers: &[CustomerScore], breaks: GridBreaks) -> OrderGrid {
    let columns = breaks.orders.len() + 1;
    let mut rows = vec![vec![GridCell::default(); columns]; breaks.days.len() + 1];
    for customer in customers {
        let row = breaks.days.partition_point(|d| *d < customer.recency_days);
        let column = breaks.orders.partition_point(|o| *o < customer.invoices);
        let cell = &mut rows[row][column];
        cell.customers += 1;
        cell.amount += customer.amount;
    }
    for cell in rows.iter_mut().flatten() {
        cell.amount = tidy(cell.amount);
    }
    OrderGrid { breaks, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_make_ranges_without_gaps_and_are_refused_when_they_fall() {
        let breaks = GridBreaks::new(vec![13, 33], vec![1]).unwrap();
        assert_eq!(breaks.days(), [0..=13, 14..=33, 34..=u32::MAX]);
        assert_eq!(breaks.orders(), [0..=1, 2..=u64::MAX]);
        let one = GridBreaks::new(vec![], vec![]).unwrap();
        assert_eq!((one.days().len(), one.orders().len()), (1, 1));
        assert!(GridBreaks::new(vec![13, 13], vec![]).is_err());
        assert!(GridBreaks::new(vec![], (0..10).collect()).is_err());
    }
}
