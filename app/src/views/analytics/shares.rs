//! Growth from month to month, shares of the few, segments as rows.

use retail_engine::analytics::{
    CustomerPick, Report, SegmentFigures, SegmentGrid, Status, ValueSegment,
};

use super::super::format;
use super::periods::change;

/// One month against the one before.
#[derive(Debug, Clone, PartialEq)]
pub struct Growth {
    /// The month.
    pub month: String,
    /// Its sales, exact.
    pub amount: String,
    /// The change; the reason where there is none.
    pub change: String,
    /// Length and way of its bar, -1 to 1.
    pub length: Option<f32>,
}

/// Months against those before, ascending.
pub fn growth(report: &Report) -> Vec<Growth> {
    let changes = || report.months.iter().filter_map(|month| month.growth);
    let most = changes().map(f64::abs).fold(0.01, f64::max);
    let row = |(place, month): (usize, &retail_engine::analytics::Period<_>)| Growth {
        month: format!("{}", month.period),
        amount: format::money(month.amount),
        change: match month.growth {
            Some(growth) => change(growth),
            None if month.partial => "partial".to_owned(),
            None if place == 0 => "the first".to_owned(),
            None => "after a partial".to_owned(),
        },
        #[expect(clippy::cast_possible_truncation, reason = "a length on the screen")]
        length: month.growth.map(|growth| (growth / most) as f32),
    };
    report.months.iter().enumerate().map(row).collect()
}

/// How much of the sales comes from few.
#[derive(Debug, Clone, PartialEq)]
pub struct Few {
    /// Who they are.
    pub of: &'static str,
    /// Their share, 0 to 1.
    pub share: f32,
    /// In words.
    pub text: String,
}

/// Shares of the few.
pub fn few(report: &Report) -> [Few; 3] {
    let few = |of, share: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "a length on the screen")]
        let length = share as f32;
        Few {
            of,
            share: length,
            text: format::percent(share),
        }
    };
    let shares = &report.concentration;
    [
        few("Top 3 countries", shares.top_3_countries),
        few("Top 10 customers", shares.top_10_customers),
        few("Top 20 % of products", shares.top_fifth_of_products),
    ]
}

/// A segment with the way to its customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// Its customers.
    pub customers: String,
    /// Their sales, exact.
    pub amount: String,
    /// Share of the sales to known customers.
    pub share: String,
    /// Who is in it, in words.
    pub meaning: Option<String>,
    /// Which customers they are.
    pub pick: CustomerPick,
}

fn segment(of: &SegmentFigures, pick: CustomerPick) -> Segment {
    Segment {
        name: of.name.clone(),
        customers: format::count(of.customers),
        amount: format::decimal(of.amount),
        share: format::percent(of.share),
        meaning: None,
        pick,
    }
}

/// The named segments, most sales first.
pub fn named(report: &Report) -> Vec<Segment> {
    let mut all: Vec<&SegmentFigures> = report.named_segments.iter().collect();
    all.sort_by_key(|segment| std::cmp::Reverse(segment.amount));
    let grid = SegmentGrid::standard().ok();
    let meaning = |name: &str| {
        let segments = grid.as_ref()?.segments();
        let of = segments.iter().find(|segment| segment.name == name)?;
        Some(format!(
            "Recency score {}, frequency score {}: {}",
            scores(of.recency),
            scores(of.frequency),
            of.meaning
        ))
    };
    let row = |s: &SegmentFigures| Segment {
        meaning: meaning(&s.name),
        ..segment(s, CustomerPick::Segment(s.name.clone()))
    };
    all.into_iter().map(row).collect()
}

fn scores([low, high]: [u8; 2]) -> String {
    if low == high {
        low.to_string()
    } else {
        format!("{low} to {high}")
    }
}

/// The quarters by value, the best first.
pub fn values(report: &Report) -> Vec<Segment> {
    let all = report.segments.iter().zip(ValueSegment::ALL);
    let rows = all.map(|(s, value)| segment(s, CustomerPick::Value(value)));
    rows.rev().collect()
}

/// By status, the best first.
pub fn statuses(report: &Report) -> Vec<Segment> {
    let all = report.statuses.iter().zip(Status::ALL);
    all.map(|(s, status)| segment(s, CustomerPick::Status(status)))
        .collect()
}
