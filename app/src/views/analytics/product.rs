//! The page of a product.

use retail_engine::analytics::{Cell, Column, ProductPage, Table, Unit};

use super::super::format;
use super::counted;
use super::tiles::Tile;

/// The headline figures of a product.
pub fn tiles(page: &ProductPage) -> [Tile; 5] {
    let of = &page.figures;
    let back = &page.cancelled;
    let prices = page.months.iter();
    let least = prices
        .clone()
        .map(|m| m.price_min)
        .min()
        .unwrap_or_default();
    let most = prices.map(|m| m.price_max).max().unwrap_or_default();
    [
        Tile {
            title: "Sales",
            value: format::money(of.amount),
            unit: "",
            leads: None,
            note: format!("{} of all sales", format::percent(of.share)),
            tip: format!("Exact: {}", format::money(of.amount)),
        },
        Tile {
            title: "Units",
            value: format::signed(of.items),
            unit: "",
            leads: None,
            note: format!(
                "{}, {}",
                counted(of.lines, "line"),
                counted(of.invoices, "invoice")
            ),
            tip: "Pieces sold".to_owned(),
        },
        Tile {
            title: "Customers",
            value: format::count(page.customers),
            unit: "",
            leads: None,
            note: format!(
                "{} without one",
                counted(page.lines_without_customer, "line")
            ),
            tip: "Distinct customer numbers".to_owned(),
        },
        Tile {
            title: "Price",
            value: if least == most {
                format::money(least)
            } else {
                format!("{} to {}", format::money(least), format::money(most))
            },
            unit: "",
            leads: None,
            note: "for one, least to most".to_owned(),
            tip: "Over all lines".to_owned(),
        },
        Tile {
            title: "Cancelled",
            value: format::money(back.amount),
            unit: "",
            leads: None,
            note: format!(
                "{}, {} units",
                counted(back.lines, "line"),
                format::signed(back.items)
            ),
            tip: "Not taken off the sales".to_owned(),
        },
    ]
}

fn table<const N: usize>(
    name: &'static str,
    title: &'static str,
    columns: [(&'static str, Unit); N],
    rows: impl Iterator<Item = Vec<Cell>>,
) -> Table {
    Table {
        name,
        title,
        columns: columns.map(|(name, unit)| Column { name, unit }).into(),
        rows: rows.collect(),
    }
}

/// Months, countries and partners as tables.
pub fn tables(page: &ProductPage) -> Vec<Table> {
    let months = page.months.iter().map(|of| {
        vec![
            Cell::from(of.month.to_string().as_str()),
            of.lines.into(),
            of.invoices.into(),
            of.items.into(),
            of.amount.into(),
            of.price_min.into(),
            of.price_median.into(),
            of.price_max.into(),
        ]
    });
    let countries = page.countries.iter().map(|of| {
        vec![
            Cell::from(of.country.as_str()),
            of.lines.into(),
            of.invoices.into(),
            of.items.into(),
            of.amount.into(),
        ]
    });
    let together = page.together.iter().map(|of| {
        vec![
            Cell::from(of.stock_code.as_str()),
            of.description.as_str().into(),
            of.invoices.into(),
            of.confidence.into(),
        ]
    });
    let sums = [
        ("lines", Unit::Count),
        ("invoices", Unit::Count),
        ("items", Unit::Count),
        ("amount", Unit::Gbp),
    ];
    let [lines, invoices, items, amount] = sums;
    let prices = [
        ("price_min", Unit::Gbp),
        ("price_median", Unit::Gbp),
        ("price_max", Unit::Gbp),
    ];
    let [least, median, most] = prices;
    let month = ("month", Unit::Text);
    let country = ("country", Unit::Text);
    vec![
        table(
            "product_months",
            "Months of a product",
            [month, lines, invoices, items, amount, least, median, most],
            months,
        ),
        table(
            "product_countries",
            "Countries of a product",
            [country, lines, invoices, items, amount],
            countries,
        ),
        table(
            "product_together",
            "Bought together with a product",
            [
                ("stock_code", Unit::Text),
                ("description", Unit::Text),
                invoices,
                ("confidence", Unit::Share),
            ],
            together,
        ),
    ]
}
