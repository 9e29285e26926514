//! Sales over time as tables.

use super::super::export::{Cell, Column, Table, Unit};
use super::super::report::{RegionPeriods, Report};
use super::super::revenue::Period;
use super::{Panel, table};

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

pub(super) fn periods<P: std::fmt::Display>(
    panel: Panel,
    name: &'static str,
    unit: Unit,
    periods: &[Period<P>],
) -> Table {
    let columns = [
        (name, unit),
        ("lines", Unit::Count),
        ("invoices", Unit::Count),
        ("items", Unit::Count),
        ("amount", Unit::Gbp),
        ("partial", Unit::Flag),
        ("growth", Unit::Share),
    ];
    let rows = periods.iter().map(|p| {
        row![
            p.period.to_string().as_str(),
            p.lines,
            p.invoices,
            p.items,
            p.amount,
            p.partial,
            p.growth,
        ]
    });
    table(panel.name(), panel.title(), columns, rows)
}

pub(super) fn by_region<P: std::fmt::Display>(
    report: &Report,
    panel: Panel,
    name: &'static str,
    unit: Unit,
    of: impl Fn(&RegionPeriods) -> &Vec<Period<P>>,
) -> Table {
    let region = Column {
        name: "region",
        unit: Unit::Text,
    };
    let mut table = periods::<P>(panel, name, unit, &[]);
    table.columns.insert(0, region);
    for region in &report.region_periods {
        let rows = periods(panel, name, unit, of(region)).rows;
        table.rows.extend(rows.into_iter().map(|mut row| {
            row.insert(0, Cell::from(region.region.slug()));
            row
        }));
    }
    table
}

pub(super) fn hours(report: &Report) -> Table {
    let columns = [
        ("weekday", Unit::Text),
        ("hour", Unit::Count),
        ("lines", Unit::Count),
        ("items", Unit::Count),
        ("amount", Unit::Gbp),
    ];
    let rows = report.hours.iter().map(|h| {
        let weekday = WEEKDAYS.get(usize::from(h.weekday)).copied();
        row![weekday, i64::from(h.hour), h.lines, h.items, h.amount]
    });
    table(Panel::Hours.name(), Panel::Hours.title(), columns, rows)
}
