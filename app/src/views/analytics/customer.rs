//! The page of a customer.

use chrono::Datelike;
use retail_engine::analytics::{
    Cell, Column as TableColumn, CustomerPage, InvoiceFigures, Month, Table, Unit,
};
use retail_engine::model::Region;
use rust_decimal::Decimal;

use super::super::format;
use super::tiles::Tile;
use super::{counted, position};
use crate::widgets::columns::Period as Column;

/// The headline figures of a customer.
pub fn tiles(page: &CustomerPage) -> [Tile; 5] {
    let of = &page.figures;
    let average = page
        .average_order_value
        .map_or("Unknown".to_owned(), format::money);
    let day = page
        .reference_date
        .map_or("Unknown".to_owned(), |day| day.to_string());
    let [recency, frequency, monetary] = of.scores;
    [
        Tile {
            title: "Sales",
            value: format::money(of.amount),
            unit: "",
            leads: None,
            note: format!("{average} each order"),
            tip: format!("Over all regions, exact: {}", format::money(of.amount)),
        },
        Tile {
            title: "Orders",
            value: format::count(of.invoices),
            unit: "",
            leads: None,
            note: format!(
                "{}, {} units",
                counted(of.lines, "line"),
                format::signed(of.items)
            ),
            tip: "Distinct invoices".to_owned(),
        },
        Tile {
            title: "Last purchase",
            value: format::count(of.recency_days.into()),
            unit: if of.recency_days == 1 {
                "day before"
            } else {
                "days before"
            },
            leads: None,
            note: day,
            tip: format!("Last {}, first {}", of.last, of.first),
        },
        Tile {
            title: "Segment",
            value: of.segment.clone(),
            unit: "",
            leads: None,
            note: page.segment_meaning.clone(),
            tip: format!("Recency score {recency}, frequency score {frequency}"),
        },
        Tile {
            title: "Value",
            value: of.value.name().to_owned(),
            unit: "",
            leads: None,
            note: format!(
                "{} \u{b7} R {recency}, F {frequency}, M {monetary}",
                of.status.name()
            ),
            tip: format!("Value score {:.3} of 1", of.value_score),
        },
    ]
}

/// One month as a column: what it is, an amount.
pub fn columns(months: impl IntoIterator<Item = (Month, Decimal, u64)>) -> Vec<Column> {
    let months: Vec<_> = months.into_iter().collect();
    let by_month: std::collections::BTreeMap<Month, (Decimal, u64)> = months
        .iter()
        .map(|(m, amount, orders)| (*m, (*amount, *orders)))
        .collect();
    let (Some((first, ..)), Some((last, ..))) = (months.first(), months.last()) else {
        return Vec::new();
    };
    let all = std::iter::successors(Some(*first), |month| Some(month.next()));
    all.take_while(|month| month <= last)
        .enumerate()
        .map(|(place, month)| {
            let (amount, orders) = by_month.get(&month).copied().unwrap_or_default();
            let date = month.first_day().date();
            let form = if place == 0 || date.month() == 1 {
                "%b %y"
            } else {
                "%b"
            };
            Column {
                label: date.format(form).to_string(),
                value: position(amount),
                text: if amount.is_zero() {
                    String::new()
                } else {
                    format::decimal(amount.round().normalize())
                },
                tip: format!(
                    "{month}: {}, {} invoices",
                    format::money(amount),
                    format::count(orders)
                ),
                partial: None,
                strong: false,
            }
        })
        .collect()
}

/// One country of a customer, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: Option<Region>,
    /// What was bought there.
    pub text: String,
    /// For how much.
    pub amount: String,
}

/// Where a customer bought.
pub fn places(page: &CustomerPage) -> Vec<Place> {
    let place = |of: &retail_engine::analytics::CustomerCountry| Place {
        name: of.country.to_string(),
        region: of.region,
        text: format!(
            "{}, {}",
            counted(of.invoices, "order"),
            counted(of.lines, "line")
        ),
        amount: format::money(of.amount),
    };
    page.countries.iter().map(place).collect()
}

/// Sales and cancellations, the newest first.
pub fn invoices(page: &CustomerPage) -> Vec<(InvoiceFigures, Kind)> {
    let sales = page.invoices.iter().map(|i| (i.clone(), Kind::Sale));
    let back = page
        .cancelled
        .invoices
        .iter()
        .map(|i| (i.clone(), Kind::Cancelled));
    let mut all: Vec<_> = sales.chain(back).collect();
    all.sort_by(|(a, _), (b, _)| {
        b.at.cmp(&a.at)
            .then_with(|| a.invoice_no.cmp(&b.invoice_no))
    });
    all
}

/// The invoices as a table.
pub fn invoices_table(invoices: &[(InvoiceFigures, Kind)]) -> Table {
    let columns = [
        ("invoice_no", Unit::Text),
        ("time", Unit::Time),
        ("kind", Unit::Text),
        ("countries", Unit::Text),
        ("lines", Unit::Count),
        ("items", Unit::Count),
        ("amount", Unit::Gbp),
    ];
    let row = |(of, kind): &(InvoiceFigures, Kind)| {
        let kind = match kind {
            Kind::Sale => "sale",
            Kind::Cancelled => "cancellation",
        };
        vec![
            Cell::from(of.invoice_no.as_str()),
            of.at.into(),
            kind.into(),
            of.countries.join(", ").as_str().into(),
            of.lines.into(),
            of.items.into(),
            of.amount.into(),
        ]
    };
    Table {
        name: "invoices",
        title: "Invoices of a customer",
        columns: columns
            .map(|(name, unit)| TableColumn { name, unit })
            .into(),
        rows: invoices.iter().map(row).collect(),
    }
}

/// What an invoice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sold.
    Sale,
    /// Taken back; not taken off the figures.
    Cancelled,
}
