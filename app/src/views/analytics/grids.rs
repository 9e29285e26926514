//! Heat maps: customers by days and orders, by scores, retention, hours of the week.

use std::ops::RangeInclusive;

use retail_engine::analytics::{Cohort, CustomerPick, Month, OrderGrid, Report};
use rust_decimal::Decimal;

use super::super::format;
use super::position;
use crate::widgets::heat::{HeatCell, HeatRow};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A heat map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grid {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<HeatRow>,
    /// The customers behind each cell and what they are called, where there is a way to them.
    pub picks: Vec<Vec<Pick>>,
    /// Those behind each row.
    pub row_picks: Vec<Pick>,
}

/// Customers, and what they are called.
pub type Pick = (CustomerPick, String);

/// A range as a person writes it: `1`, `4–6`, `7 +`.
fn range<T: Copy + PartialEq + ToString>(range: &RangeInclusive<T>, open: T) -> String {
    let (from, to) = (*range.start(), *range.end());
    if to == open {
        format!("{} +", from.to_string())
    } else if from == to {
        from.to_string()
    } else {
        format!("{}\u{2013}{}", from.to_string(), to.to_string())
    }
}

/// Shade of a count: the root, so that small ones can be told apart.
#[expect(clippy::cast_possible_truncation, reason = "a shade")]
fn shade(part: u64, most: u64) -> f32 {
    (part as f64 / most.max(1) as f64).sqrt() as f32
}

/// Customers by days since the last purchase and orders.
pub fn orders(grid: &OrderGrid) -> Grid {
    let (days, orders) = (grid.breaks.days(), grid.breaks.orders());
    let cells = grid.rows.iter().flatten();
    let most = cells.map(|cell| cell.customers).max().unwrap_or(0);
    // No order is no customer: the first column begins at one.
    let orders: Vec<RangeInclusive<u64>> = orders
        .into_iter()
        .map(|range| (*range.start()).max(1)..=*range.end())
        .collect();
    let mut rows = Vec::new();
    let mut picks = Vec::new();
    for (days, cells) in days.iter().zip(&grid.rows) {
        let since = range(days, u32::MAX);
        let mut row = HeatRow {
            label: since.clone(),
            ..HeatRow::default()
        };
        let mut line = Vec::new();
        for (orders, cell) in orders.iter().zip(cells) {
            let times = range(orders, u64::MAX);
            let words = format!("{since} days since the last purchase, {times} orders");
            row.cells.push(Some(HeatCell {
                text: format::count(cell.customers),
                strength: shade(cell.customers, most),
                tip: format!(
                    "{words}: {} customers, {}",
                    format::count(cell.customers),
                    format::money(cell.amount)
                ),
                partial: false,
            }));
            let pick = CustomerPick::Between {
                days: days.clone(),
                orders: orders.clone(),
            };
            line.push((pick, words));
        }
        rows.push(row);
        picks.push(line);
    }
    Grid {
        columns: orders.iter().map(|o| range(o, u64::MAX)).collect(),
        rows,
        picks,
        row_picks: Vec::new(),
    }
}

/// Customers by recency and frequency score, the best recency first.
pub fn scores(grid: &[[u64; 5]; 5]) -> Grid {
    let most = grid.iter().flatten().copied().max().unwrap_or(0);
    let mut rows = Vec::new();
    let mut picks = Vec::new();
    for (recency, counts) in (1_u8..).zip(grid).collect::<Vec<_>>().into_iter().rev() {
        let cell = |(frequency, customers): (u8, &u64)| {
            Some(HeatCell {
                text: format::count(*customers),
                strength: shade(*customers, most),
                tip: format!(
                    "Recency score {recency}, frequency score {frequency}: {} customers",
                    format::count(*customers)
                ),
                partial: false,
            })
        };
        rows.push(HeatRow {
            label: format!("R {recency}"),
            cells: (1_u8..).zip(counts).map(cell).collect(),
            ..HeatRow::default()
        });
        let pick = |frequency| {
            let pick = CustomerPick::Scores { recency, frequency };
            (
                pick,
                format!("Recency score {recency}, frequency score {frequency}"),
            )
        };
        picks.push((1..=5).map(pick).collect());
    }
    Grid {
        columns: (1..=5).map(|score| format!("F {score}")).collect(),
        rows,
        picks,
        row_picks: Vec::new(),
    }
}

/// Customers who came back, by months after their first purchase.
pub fn cohorts(report: &Report) -> Grid {
    let later = report
        .cohorts
        .iter()
        .map(|c| c.cells.len())
        .max()
        .unwrap_or(0);
    let shares = || {
        let cells = report.cohorts.iter().flat_map(|c| c.cells.iter().skip(1));
        cells.filter(|cell| !cell.partial).map(|cell| cell.share)
    };
    let most = shares().fold(0.01, f64::max);
    let row = |(place, cohort): (usize, &Cohort)| cohort_row(place, cohort, later, most);
    Grid {
        columns: (1..later.max(1))
            .map(|k| {
                if k == 1 {
                    "+1".to_owned()
                } else {
                    k.to_string()
                }
            })
            .collect(),
        rows: report.cohorts.iter().enumerate().map(row).collect(),
        picks: report.cohorts.iter().map(again_picks).collect(),
        row_picks: report.cohorts.iter().map(cohort_pick).collect(),
    }
}

/// All who bought first in that month.
fn cohort_pick(cohort: &Cohort) -> Pick {
    let pick = CustomerPick::Cohort {
        first: cohort.month,
        bought: cohort.month,
    };
    (pick, format!("first bought {}", cohort.month))
}

/// Those of a cohort who bought in each of the months after.
fn again_picks(cohort: &Cohort) -> Vec<Pick> {
    let months = std::iter::successors(Some(cohort.month.next()), |month| Some(month.next()));
    let later = cohort.cells.iter().skip(1).zip(months);
    let pick = |(_, bought): (_, Month)| {
        let pick = CustomerPick::Cohort {
            first: cohort.month,
            bought,
        };
        let words = format!("first bought {}, and in {bought}", cohort.month);
        (pick, words)
    };
    later.map(pick).collect()
}

fn cohort_row(place: usize, cohort: &Cohort, later: usize, most: f64) -> HeatRow {
    let date = cohort.month.first_day().date();
    let january = chrono::Datelike::month(&date) == 1;
    let form = if place == 0 || january { "%b %y" } else { "%b" };
    let mut cells: Vec<Option<HeatCell>> = cohort
        .cells
        .iter()
        .skip(1)
        .map(|cell| {
            #[expect(clippy::cast_possible_truncation, reason = "a shade")]
            let strength = (cell.share / most) as f32;
            let partial = if cell.partial {
                ", a month not complete in the data"
            } else {
                ""
            };
            Some(HeatCell {
                text: format!("{:.0}", cell.share * 100.0),
                strength,
                tip: format!(
                    "First bought {}, {} customers: {} of them bought {} months later, {}{partial}",
                    cohort.month,
                    format::count(cohort.customers),
                    format::count(cell.customers),
                    cell.months_after,
                    format::percent(cell.share),
                ),
                partial: cell.partial,
            })
        })
        .collect();
    cells.resize(later.saturating_sub(1), None);
    HeatRow {
        label: date.format(form).to_string(),
        note: format::count(cohort.customers),
        tip: format!(
            "First bought {}: {} customers",
            cohort.month,
            format::count(cohort.customers)
        ),
        cells,
    }
}

/// Sales by hour of the week.
pub fn hours(report: &Report) -> Grid {
    let hours = || report.hours.iter().map(|hour| hour.hour);
    let (Some(first), Some(last)) = (hours().min(), hours().max()) else {
        return Grid::default();
    };
    let most = report.hours.iter().map(|hour| hour.amount).max();
    let most = most.unwrap_or_default();
    let mut rows: Vec<HeatRow> = WEEKDAYS
        .iter()
        .map(|day| HeatRow {
            label: (*day).to_owned(),
            cells: vec![None; usize::from(last - first) + 1],
            ..HeatRow::default()
        })
        .collect();
    for hour in &report.hours {
        let day = WEEKDAYS.get(usize::from(hour.weekday)).copied();
        let cell = rows
            .get_mut(usize::from(hour.weekday))
            .and_then(|row| row.cells.get_mut(usize::from(hour.hour - first)));
        if let (Some(day), Some(cell)) = (day, cell) {
            *cell = Some(HeatCell {
                text: thousands(hour.amount),
                strength: super::length(hour.amount.max(Decimal::ZERO), most),
                tip: format!(
                    "{day} {:02}:00 to {:02}:59: {}, {} lines, {} units",
                    hour.hour,
                    hour.hour,
                    format::money(hour.amount),
                    format::count(hour.lines),
                    format::signed(hour.items)
                ),
                partial: false,
            });
        }
    }
    Grid {
        columns: (first..=last).map(|hour| hour.to_string()).collect(),
        rows,
        picks: Vec::new(),
        row_picks: Vec::new(),
    }
}

/// Thousands of pounds, so that they fit into a cell.
fn thousands(amount: Decimal) -> String {
    let thousands = position(amount) / 1_000.0;
    if thousands > 0.0 && thousands < 0.05 {
        return "<0.1".to_owned();
    }
    if thousands < 9.5 {
        format!("{thousands:.1}")
    } else {
        format!("{thousands:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use retail_engine::analytics::{GridBreaks, GridCell};

    #[test]
    fn cells_of_days_and_orders_lead_to_their_customers() {
        let breaks = GridBreaks::new(vec![13], vec![1, 6]).unwrap();
        let cell = |customers| GridCell {
            customers,
            amount: Decimal::from(10),
        };
        let grid = orders(&OrderGrid {
            breaks,
            rows: vec![
                vec![cell(4), cell(1), cell(0)],
                vec![cell(16), cell(2), cell(3)],
            ],
        });
        assert_eq!(grid.columns, ["1", "2\u{2013}6", "7 +"]);
        assert_eq!(grid.rows[1].label, "14 +");
        let best = grid.rows[0].cells[0].as_ref().unwrap();
        assert_eq!(best.text, "4");
        assert!((best.strength - 0.5).abs() < 1e-6);
        let (pick, words) = &grid.picks[1][2];
        assert_eq!(
            *pick,
            CustomerPick::Between {
                days: 14..=u32::MAX,
                orders: 7..=u64::MAX
            }
        );
        assert_eq!(words, "14 + days since the last purchase, 7 + orders");
    }

    #[test]
    fn the_best_recency_stands_first() {
        let mut counts = [[0; 5]; 5];
        counts[4][0] = 7;
        let grid = scores(&counts);
        assert_eq!(grid.rows[0].label, "R 5");
        assert_eq!(grid.rows[0].cells[0].as_ref().unwrap().text, "7");
        let (pick, _) = &grid.picks[0][0];
        let expect = CustomerPick::Scores {
            recency: 5,
            frequency: 1,
        };
        assert_eq!(*pick, expect);
    }
}
