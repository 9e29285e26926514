//! Sales over time as columns: names of periods, units, what is partial, which days a click sets.

use std::fmt::Display;

use chrono::{Datelike, NaiveDate};
use retail_engine::analytics::{Month, Period, RegionPeriods, Report, Week};
use retail_engine::model::{Day, Region};
use rust_decimal::Decimal;

use super::super::format;
use super::choices::Grain;
use super::position;
use crate::widgets::columns::Period as Column;

/// From so many pounds on, columns are in thousands.
const THOUSANDS_FROM: Decimal = Decimal::from_parts(20_000, 0, 0, false, 0);

/// One chart of columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Columns {
    /// The columns.
    pub columns: Vec<Column>,
    /// First and last day of each.
    pub days: Vec<(Day, Day)>,
    /// The unit in words.
    pub unit: &'static str,
}

/// Columns by month, week and day.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grains {
    months: Columns,
    weeks: Columns,
    days: Columns,
}

impl Grains {
    /// Those of a length.
    pub const fn of(&self, grain: Grain) -> &Columns {
        match grain {
            Grain::Month => &self.months,
            Grain::Week => &self.weeks,
            Grain::Day => &self.days,
        }
    }
}

/// All charts over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PeriodCharts {
    /// Of everything.
    pub total: Grains,
    /// Of each region with sales.
    pub regions: Vec<(Region, Grains)>,
}

impl PeriodCharts {
    /// Of a report.
    pub fn of(report: &Report) -> Self {
        let covered = covered(report);
        let region = |of: &RegionPeriods| {
            let grains = grains(&of.months, &of.weeks, &of.days, covered);
            (of.region, grains)
        };
        Self {
            total: grains(&report.months, &report.weeks, &report.days, covered),
            regions: report.region_periods.iter().map(region).collect(),
        }
    }
}

/// First and last day of the data, cut by the filter.
pub fn covered(report: &Report) -> Option<(Day, Day)> {
    let (first, last) = report.data_days?;
    let from = report.filter.from.map_or(first, |from| from.max(first));
    let to = report.filter.to.map_or(last, |to| to.min(last));
    Some((from, to))
}

fn grains(
    months: &[Period<Month>],
    weeks: &[Period<Week>],
    days: &[Period<Day>],
    covered: Option<(Day, Day)>,
) -> Grains {
    let month = |m: Month| (m.first_day(), m.last_day());
    let week = |w: Week| (w.first_day(), w.last_day());
    Grains {
        months: columns(months, month, month_name, covered),
        weeks: columns(weeks, week, |w, _| short(w.first_day().date()), covered),
        days: columns(days, |d| (d, d), |d, _| short(d.date()), covered),
    }
}

/// The place of a period: its ends carry the year, and so does each January.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    End,
    Inside,
}

fn month_name(month: Month, place: Place) -> String {
    let date = month.first_day().date();
    if place == Place::End || date.month() == 1 {
        date.format("%b %y").to_string()
    } else {
        date.format("%b").to_string()
    }
}

fn short(date: NaiveDate) -> String {
    date.format("%-d %b").to_string()
}

fn columns<P: Copy + Display>(
    periods: &[Period<P>],
    ends: impl Fn(P) -> (Day, Day),
    name: impl Fn(P, Place) -> String,
    covered: Option<(Day, Day)>,
) -> Columns {
    let most = periods.iter().map(|p| p.amount).max().unwrap_or_default();
    let thousands = most >= THOUSANDS_FROM;
    let scale = Decimal::from(if thousands { 1_000 } else { 1 });
    let best = periods.iter().filter(|p| !p.partial);
    let best = best.map(|p| p.amount).max();
    let last = periods.len().saturating_sub(1);
    let column = |(place, period): (usize, &Period<P>)| {
        let at = if place == 0 || place == last {
            Place::End
        } else {
            Place::Inside
        };
        let until = period
            .partial
            .then(|| partial(ends(period.period), covered));
        let value = (period.amount / scale).round();
        Column {
            label: name(period.period, at),
            value: position(period.amount / scale),
            text: format::decimal(value.normalize()),
            tip: tip(period, until.as_deref()),
            strong: periods.len() > 2 && !period.partial && Some(period.amount) == best,
            partial: until,
        }
    };
    Columns {
        columns: periods.iter().enumerate().map(column).collect(),
        days: periods.iter().map(|p| ends(p.period)).collect(),
        unit: if thousands {
            "\u{a3} thousand"
        } else {
            "\u{a3}"
        },
    }
}

/// What of a period the data covers.
fn partial((first, last): (Day, Day), covered: Option<(Day, Day)>) -> String {
    let Some((begin, end)) = covered else {
        return "partial".to_owned();
    };
    match (begin > first, end < last) {
        (true, true) => format!("{} to {}", short(begin.date()), short(end.date())),
        (true, false) => format!("from {}", short(begin.date())),
        (false, true) => format!("to {}", short(end.date())),
        (false, false) => "partial".to_owned(),
    }
}

fn tip<P: Display>(period: &Period<P>, until: Option<&str>) -> String {
    let mut text = format!(
        "{}: {}, {} lines, {} invoices",
        period.period,
        format::money(period.amount),
        format::count(period.lines),
        format::count(period.invoices)
    );
    if let Some(until) = until {
        text.push_str(", partial, ");
        text.push_str(until);
    }
    if let Some(growth) = period.growth {
        text.push_str(", ");
        text.push_str(&change(growth));
        text.push_str(" against the one before");
    }
    text
}

/// A change with its sign: `+9.1 %`.
pub fn change(share: f64) -> String {
    let text = format::percent(share.abs());
    if share < 0.0 {
        format!("\u{2212}{text}")
    } else {
        format!("+{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::from_date(text.parse().unwrap())
    }

    fn month(at: &str, amount: i64, partial: bool) -> Period<Month> {
        Period {
            period: Month::of(day(at)),
            lines: 3,
            invoices: 2,
            items: 9,
            amount: Decimal::from(amount),
            partial,
            growth: None,
        }
    }

    #[test]
    fn months_are_named_scaled_and_the_partial_says_its_last_day() {
        let months = [
            month("2010-12-01", 823_746, false),
            month("2011-01-01", 691_364, false),
            month("2011-11-01", 1_508_530, false),
            month("2011-12-01", 638_792, true),
        ];
        let covered = Some((day("2010-12-01"), day("2011-12-09")));
        let grains = grains(&months, &[], &[], covered);
        let shown = grains.of(Grain::Month);
        let labels: Vec<&str> = shown.columns.iter().map(|c| c.label.as_str()).collect();
        assert_eq!(labels, ["Dec 10", "Jan 11", "Nov", "Dec 11"]);
        assert_eq!(shown.unit, "\u{a3} thousand");
        assert_eq!(shown.columns[2].text, "1\u{2009}509");
        assert!(shown.columns[2].strong && !shown.columns[3].strong);
        assert_eq!(shown.columns[3].partial.as_deref(), Some("to 9 Dec"));
        assert_eq!(shown.days[1], (day("2011-01-01"), day("2011-01-31")));
        assert!(
            shown.columns[3]
                .tip
                .starts_with("2011-12: \u{a3}638\u{2009}792, 3 lines")
        );
    }

    #[test]
    fn small_amounts_stay_pounds_and_changes_have_a_sign() {
        let months = [month("2011-01-01", 900, true)];
        let covered = Some((day("2011-01-05"), day("2011-01-20")));
        let grains = grains(&months, &[], &[], covered);
        let shown = grains.of(Grain::Month);
        assert_eq!(
            (shown.unit, shown.columns[0].text.as_str()),
            ("\u{a3}", "900")
        );
        assert_eq!(shown.columns[0].partial.as_deref(), Some("5 Jan to 20 Jan"));
        assert_eq!(change(0.091), "+9.1 %");
        assert_eq!(change(-0.5), "\u{2212}50.0 %");
    }
}
