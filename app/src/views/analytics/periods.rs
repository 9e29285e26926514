//! Sales over time as columns: names of periods, units, what is partial, which days a click sets.

use std::collections::BTreeMap;
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

/// A period that another follows.
trait Follow: Copy + Ord + Display {
    /// The one that a day lies in.
    fn of(day: Day) -> Self;
    /// Its first and last day.
    fn ends(self) -> (Day, Day);
}

impl Follow for Month {
    fn of(day: Day) -> Self {
        Self::of(day)
    }

    fn ends(self) -> (Day, Day) {
        (self.first_day(), self.last_day())
    }
}

impl Follow for Week {
    fn of(day: Day) -> Self {
        Self::of(day)
    }

    fn ends(self) -> (Day, Day) {
        (self.first_day(), self.last_day())
    }
}

impl Follow for Day {
    fn of(day: Day) -> Self {
        day
    }

    fn ends(self) -> (Day, Day) {
        (self, self)
    }
}

/// All periods of the days that the data cover, those without sales among them: a chart that left
/// them out would draw distant days side by side.
fn whole<P: Follow>(periods: &[Period<P>], covered: Option<(Day, Day)>) -> Vec<Period<P>> {
    let Some((first, last)) = covered else {
        return periods.to_vec();
    };
    if first > last {
        return periods.to_vec();
    }
    let known: BTreeMap<P, &Period<P>> = periods.iter().map(|p| (p.period, p)).collect();
    let all = std::iter::successors(Some(P::of(first)), |p| Some(P::of(Day(p.ends().1.0 + 1))));
    all.take_while(|period| *period <= P::of(last))
        .map(|period| match known.get(&period) {
            Some(known) => (*known).clone(),
            None => Period {
                period,
                lines: 0,
                invoices: 0,
                items: 0,
                amount: Decimal::new(0, 3),
                partial: period.ends().0 < first || last < period.ends().1,
                growth: None,
            },
        })
        .collect()
}

fn grains(
    months: &[Period<Month>],
    weeks: &[Period<Week>],
    days: &[Period<Day>],
    covered: Option<(Day, Day)>,
) -> Grains {
    Grains {
        months: columns(months, month_name, covered),
        weeks: columns(weeks, |w, _| short(w.first_day().date()), covered),
        days: columns(days, |d, _| short(d.date()), covered),
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

fn columns<P: Follow>(
    periods: &[Period<P>],
    name: impl Fn(P, Place) -> String,
    covered: Option<(Day, Day)>,
) -> Columns {
    let periods = whole(periods, covered);
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
            .then(|| partial(period.period.ends(), covered));
        let value = (period.amount / scale).round();
        Column {
            label: name(period.period, at),
            value: position(period.amount / scale),
            text: if period.lines == 0 && period.amount.is_zero() {
                String::new()
            } else {
                format::decimal(value.normalize())
            },
            tip: tip(period, until.as_deref()),
            strong: periods.len() > 2 && !period.partial && Some(period.amount) == best,
            partial: until,
        }
    };
    Columns {
        columns: periods.iter().enumerate().map(column).collect(),
        days: periods.iter().map(|p| p.period.ends()).collect(),
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
        assert_eq!(labels.len(), 13);
        assert_eq!(labels[..3], ["Dec 10", "Jan 11", "Feb"]);
        assert_eq!(labels[11..], ["Nov", "Dec 11"]);
        assert_eq!(shown.unit, "\u{a3} thousand");
        assert_eq!(shown.columns[11].text, "1\u{2009}509");
        assert!(shown.columns[11].strong && !shown.columns[12].strong);
        assert_eq!(shown.columns[12].partial.as_deref(), Some("to 9 Dec"));
        assert_eq!(shown.days[1], (day("2011-01-01"), day("2011-01-31")));
        let tip = &shown.columns[12].tip;
        assert!(
            tip.starts_with("2011-12: \u{a3}638\u{2009}792, 3 lines"),
            "{tip}"
        );
        let february = &shown.columns[2];
        assert_eq!(february.text, "");
        assert_eq!(february.tip, "2011-02: \u{a3}0.000, 0 lines, 0 invoices");
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
