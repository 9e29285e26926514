//! The figures of the sales as a page shows them: engine values to words, rows and positions.
//! Pure; made once when an answer arrives, not once per frame.

pub mod choices;
pub mod customer;
pub mod grids;
pub mod periods;
pub mod places;
pub mod product;
pub mod shares;
pub mod tiles;

use std::sync::Arc;

use retail_engine::analytics::{OrderGrid, ProductFigures, Report};
use retail_engine::handle::Snapshot;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::format;
use crate::widgets::Status;

use self::grids::Grid;
use self::periods::PeriodCharts;
use self::places::Places;
use self::shares::{Few, Growth, Segment};
use self::tiles::Tile;

/// Everything that the page of the sales shows about one filter.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The answer of the engine.
    pub report: Arc<Report>,
    /// All product codes, largest first.
    pub products: Arc<Vec<ProductFigures>>,
    /// Headline figures.
    pub tiles: [Tile; 5],
    /// Sales over time.
    pub periods: PeriodCharts,
    /// Regions and countries.
    pub places: Places,
    /// Customers by days and orders.
    pub orders: Grid,
    /// Customers by named segment.
    pub named: Vec<Segment>,
    /// Customers by value.
    pub values: Vec<Segment>,
    /// Customers by status.
    pub statuses: Vec<Segment>,
    /// Customers by scores.
    pub scores: Grid,
    /// Retention.
    pub cohorts: Grid,
    /// Hours of the week.
    pub hours: Grid,
    /// Month over month.
    pub growth: Vec<Growth>,
    /// Shares of the few.
    pub few: [Few; 3],
}

impl Shown {
    /// Of an answer; `grid` replaces the grid of the report where a person set its limits.
    pub fn of(mut report: Report, products: Vec<ProductFigures>, grid: Option<OrderGrid>) -> Self {
        if let Some(grid) = grid {
            report.order_grid = grid;
        }
        Self {
            tiles: tiles::tiles(&report),
            periods: PeriodCharts::of(&report),
            places: Places::of(&report),
            orders: grids::orders(&report.order_grid),
            named: shares::named(&report),
            values: shares::values(&report),
            statuses: shares::statuses(&report),
            scores: grids::scores(&report.rfm_grid),
            cohorts: grids::cohorts(&report),
            hours: grids::hours(&report),
            growth: shares::growth(&report),
            few: shares::few(&report),
            products: Arc::new(products),
            report: Arc::new(report),
        }
    }

    /// Whether the filter lets nothing pass.
    pub fn is_empty(&self) -> bool {
        self.report.kpis.lines == 0 && self.report.returns.lines == 0
    }

    /// Lines of codes that are no products, which lists of products leave out.
    pub fn lines_of_charges(&self) -> u64 {
        let charges = self.products.iter().filter(|p| !p.is_product);
        charges.map(|p| p.lines).sum()
    }
}

/// How far the data go, in words; a badge while they still come.
pub fn data_words(snapshot: &Snapshot) -> (Option<Status>, String) {
    if let Some(load) = &snapshot.load {
        let share = if load.record.produced_at.is_some() {
            format::share(load.ledger.written, load.ledger.produced)
        } else {
            format::share(load.read.bytes, load.read.total_bytes)
        };
        let share = share.map_or_else(String::new, |share| {
            format!(", {}", format::percent(share.min(1.0)))
        });
        return (Some(Status::Stale), format!("still loading{share}"));
    }
    match snapshot.lag.as_lag().known() {
        Some(0) => {}
        Some(lines) => {
            let lines = format::count(lines);
            return (
                Some(Status::Stale),
                format!("still reading, {lines} lines to go"),
            );
        }
        None => return (Some(Status::Unknown), "lag unknown".to_owned()),
    }
    let last = snapshot.loads.last().map(|load| load.id.to_string());
    (
        None,
        last.map_or("Data without a load".to_owned(), |id| {
            format!("Data up to {id}")
        }),
    )
}

/// A count with its noun: `1 line`, `2 lines`.
pub fn counted(count: u64, noun: &str) -> String {
    let many = if count == 1 { "" } else { "s" };
    format!("{} {noun}{many}", format::count(count))
}

/// An amount as a position on the screen; never shown as a number.
pub fn position(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or_default()
}

/// A share of two amounts as a length.
#[expect(clippy::cast_possible_truncation, reason = "a length on the screen")]
pub fn length(part: Decimal, whole: Decimal) -> f32 {
    let share = part.checked_div(whole).unwrap_or_default();
    position(share) as f32
}

/// How a product's sales came to nothing, in words, if its largest line was cancelled.
pub fn cancelled_words(of: &retail_engine::analytics::LargestCancelled) -> String {
    let after = of.cancelled_at.datetime() - of.at.datetime();
    let after = after.to_std().unwrap_or_default();
    format!(
        "{} of its sales rest on one line, invoice {}: {} pieces, {}, cancelled after {} by {}",
        format::percent(of.share),
        of.invoice_no,
        format::signed(of.items),
        format::money(of.amount),
        format::age(after),
        of.cancelled_by,
    )
}
