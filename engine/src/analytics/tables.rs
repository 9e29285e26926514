//! Every panel as a table: one place from which its CSV and JSON are made, and its table twin on a
//! screen.

use super::customers::CustomerList;
use super::export::{Cell, Column, Table, Unit};
use super::geography::MarketCategory;
use super::products::ProductFigures;
use super::report::{Report, SegmentFigures};
use super::together::Together;
use crate::model::Region;

/// A panel whose figures are in a [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panel {
    /// Headline figures, and returns.
    Kpis,
    /// Sales by month.
    Months,
    /// Sales by ISO week.
    Weeks,
    /// Sales by day.
    Days,
    /// Sales of each region by month.
    RegionMonths,
    /// Sales of each region by ISO week.
    RegionWeeks,
    /// Sales of each region by day.
    RegionDays,
    /// Sales by hour of the week.
    Hours,
    /// Sales by region.
    Regions,
    /// Sales by country.
    Countries,
    /// Countries compared.
    Markets,
    /// Customers by value, named segment and status.
    Segments,
    /// Customers by recency and frequency score.
    RfmGrid,
    /// Customers by days since the last purchase and orders.
    OrderGrid,
    /// Retention.
    Cohorts,
    /// Shares of the few.
    Concentration,
    /// Sentences.
    Insights,
}

impl Panel {
    /// All, in the order of a page.
    pub const ALL: [Self; 17] = [
        Self::Kpis,
        Self::Months,
        Self::Weeks,
        Self::Days,
        Self::RegionMonths,
        Self::RegionWeeks,
        Self::RegionDays,
        Self::Hours,
        Self::Regions,
        Self::Countries,
        Self::Markets,
        Self::Segments,
        Self::RfmGrid,
        Self::OrderGrid,
        Self::Cohorts,
        Self::Concentration,
        Self::Insights,
    ];

    /// Its name in commands and file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kpis => "kpis",
            Self::Months => "months",
            Self::Weeks => "weeks",
            Self::Days => "days",
            Self::RegionMonths => "region_months",
            Self::RegionWeeks => "region_weeks",
            Self::RegionDays => "region_days",
            Self::Hours => "hours",
            Self::Regions => "regions",
            Self::Countries => "countries",
            Self::Markets => "markets",
            Self::Segments => "segments",
            Self::RfmGrid => "rfm_grid",
            Self::OrderGrid => "order_grid",
            Self::Cohorts => "cohorts",
            Self::Concentration => "concentration",
            Self::Insights => "insights",
        }
    }

    /// Its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Kpis => "Headline figures",
            Self::Months => "Revenue by month",
            Self::Weeks => "Revenue by week",
            Self::Days => "Revenue by day",
            Self::RegionMonths => "Revenue by region and month",
            Self::RegionWeeks => "Revenue by region and week",
            Self::RegionDays => "Revenue by region and day",
            Self::Hours => "Revenue by hour of the week",
            Self::Regions => "Regions",
            Self::Countries => "Countries",
            Self::Markets => "Market categories",
            Self::Segments => "Customer segments",
            Self::RfmGrid => "Customers by recency and frequency score",
            Self::OrderGrid => "Customers by days since the last purchase and orders",
            Self::Cohorts => "Customers who came back",
            Self::Concentration => "Concentration of sales",
            Self::Insights => "What stands out",
        }
    }
}

/// Cells of a row.
macro_rules! row {
    ($($cell:expr),* $(,)?) => { vec![$(Cell::from($cell)),*] };
}

mod periods;

use periods::{by_region, hours, periods};

fn table<const N: usize>(
    name: &'static str,
    title: &'static str,
    columns: [(&'static str, Unit); N],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> Table {
    Table {
        name,
        title,
        columns: columns.map(|(name, unit)| Column { name, unit }).into(),
        rows: rows.into_iter().collect(),
    }
}

/// A panel of a report as a table.
pub fn panel_table(report: &Report, panel: Panel) -> Table {
    match panel {
        Panel::Kpis => kpis(report),
        Panel::Months => periods(panel, "month", Unit::Text, &report.months),
        Panel::Weeks => periods(panel, "week", Unit::Text, &report.weeks),
        Panel::Days => periods(panel, "day", Unit::Day, &report.days),
        Panel::RegionMonths => by_region(report, panel, "month", Unit::Text, |r| &r.months),
        Panel::RegionWeeks => by_region(report, panel, "week", Unit::Text, |r| &r.weeks),
        Panel::RegionDays => by_region(report, panel, "day", Unit::Day, |r| &r.days),
        Panel::Hours => hours(report),
        Panel::Regions => regions(report),
        Panel::Countries => countries(report),
        Panel::Markets => markets(report),
        Panel::Segments => segments(report),
        Panel::RfmGrid => rfm_grid(report),
        Panel::OrderGrid => order_grid(report),
        Panel::Cohorts => cohorts(report),
        Panel::Concentration => concentration(report),
        Panel::Insights => insights(report),
    }
}

fn kpis(report: &Report) -> Table {
    let (kpis, returns) = (&report.kpis, &report.returns);
    let columns = [
        ("sales", Unit::Gbp),
        ("lines", Unit::Count),
        ("invoices", Unit::Count),
        ("items", Unit::Count),
        ("average_order_value", Unit::Gbp),
        ("items_per_invoice", Unit::Number),
        ("lines_per_invoice", Unit::Number),
        ("customers", Unit::Count),
        ("products", Unit::Count),
        ("lines_without_customer", Unit::Count),
        ("sales_without_customer", Unit::Gbp),
        ("cancelled_lines", Unit::Count),
        ("cancelled_items", Unit::Count),
        ("cancelled_amount", Unit::Gbp),
        ("net_sales", Unit::Gbp),
        ("return_rate_by_amount", Unit::Share),
        ("return_rate_by_lines", Unit::Share),
    ];
    let row = row![
        kpis.sales,
        kpis.lines,
        kpis.invoices,
        kpis.items,
        kpis.average_order_value,
        kpis.items_per_invoice,
        kpis.lines_per_invoice,
        kpis.customers,
        kpis.products,
        kpis.lines_without_customer,
        kpis.sales_without_customer,
        returns.lines,
        returns.items,
        returns.amount,
        returns.net_sales,
        returns.rate_by_amount,
        returns.rate_by_lines,
    ];
    table(Panel::Kpis.name(), Panel::Kpis.title(), columns, [row])
}

fn regions(report: &Report) -> Table {
    let columns = [
        ("region", Unit::Text),
        ("countries", Unit::Count),
        ("lines", Unit::Count),
        ("invoices", Unit::Count),
        ("items", Unit::Count),
        ("amount", Unit::Gbp),
        ("customers", Unit::Count),
        ("share", Unit::Share),
        ("average_order_value", Unit::Gbp),
        ("growth", Unit::Share),
    ];
    let rows = report.regions.iter().map(|r| {
        row![
            r.region.slug(),
            r.countries,
            r.lines,
            r.invoices,
            r.items,
            r.amount,
            r.customers,
            r.share,
            r.average_order_value,
            r.growth,
        ]
    });
    table(Panel::Regions.name(), Panel::Regions.title(), columns, rows)
}

fn countries(report: &Report) -> Table {
    let columns = [
        ("country", Unit::Text),
        ("region", Unit::Text),
        ("lines", Unit::Count),
        ("invoices", Unit::Count),
        ("items", Unit::Count),
        ("amount", Unit::Gbp),
        ("customers", Unit::Count),
        ("share", Unit::Share),
        ("average_order_value", Unit::Gbp),
        ("growth", Unit::Share),
    ];
    let rows = report.countries.iter().map(|c| {
        row![
            c.country.as_str(),
            c.region.map(Region::slug),
            c.lines,
            c.invoices,
            c.items,
            c.amount,
            c.customers,
            c.share,
            c.average_order_value,
            c.growth,
        ]
    });
    let panel = Panel::Countries;
    table(panel.name(), panel.title(), columns, rows)
}

fn markets(report: &Report) -> Table {
    let columns = [
        ("country", Unit::Text),
        ("category", Unit::Text),
        ("share", Unit::Share),
        ("average_order_value", Unit::Gbp),
        ("items_per_invoice", Unit::Number),
    ];
    let rows = report.countries.iter().map(|c| {
        row![
            c.country.as_str(),
            c.market.map(MarketCategory::name),
            c.share,
            c.average_order_value,
            c.items_per_invoice,
        ]
    });
    table(Panel::Markets.name(), Panel::Markets.title(), columns, rows)
}

fn segments(report: &Report) -> Table {
    let columns = [
        ("division", Unit::Text),
        ("segment", Unit::Text),
        ("customers", Unit::Count),
        ("amount", Unit::Gbp),
        ("share", Unit::Share),
    ];
    let divisions: [(&str, &[SegmentFigures]); 3] = [
        ("value", &report.segments),
        ("segment", &report.named_segments),
        ("status", &report.statuses),
    ];
    let rows = divisions.into_iter().flat_map(|(division, segments)| {
        let row = move |s: &SegmentFigures| {
            row![division, s.name.as_str(), s.customers, s.amount, s.share]
        };
        segments.iter().map(row)
    });
    let panel = Panel::Segments;
    table(panel.name(), panel.title(), columns, rows)
}

fn rfm_grid(report: &Report) -> Table {
    let columns = [
        ("recency_score", Unit::Count),
        ("frequency_score", Unit::Count),
        ("customers", Unit::Count),
    ];
    let rows = (1_i64..).zip(&report.rfm_grid).flat_map(|(recency, row)| {
        let cells = (1_i64..).zip(row);
        cells.map(move |(frequency, customers)| row![recency, frequency, *customers])
    });
    table(Panel::RfmGrid.name(), Panel::RfmGrid.title(), columns, rows)
}

fn order_grid(report: &Report) -> Table {
    let columns = [
        ("days_from", Unit::Days),
        ("days_to", Unit::Days),
        ("orders_from", Unit::Count),
        ("orders_to", Unit::Count),
        ("customers", Unit::Count),
        ("amount", Unit::Gbp),
    ];
    let grid = &report.order_grid;
    let orders = grid.breaks.orders();
    let mut rows = Vec::new();
    for (days, cells) in grid.breaks.days().into_iter().zip(&grid.rows) {
        for (orders, cell) in orders.iter().zip(cells) {
            // The last row and column have no end.
            let days_to = (*days.end() < u32::MAX).then_some(i64::from(*days.end()));
            let orders_to = (*orders.end() < u64::MAX).then_some(*orders.end());
            rows.push(row![
                i64::from(*days.start()),
                days_to,
                *orders.start(),
                orders_to,
                cell.customers,
                cell.amount,
            ]);
        }
    }
    let panel = Panel::OrderGrid;
    table(panel.name(), panel.title(), columns, rows)
}

fn cohorts(report: &Report) -> Table {
    let columns = [
        ("cohort", Unit::Text),
        ("cohort_customers", Unit::Count),
        ("months_after", Unit::Count),
        ("customers", Unit::Count),
        ("share", Unit::Share),
        ("partial", Unit::Flag),
    ];
    let rows = report.cohorts.iter().flat_map(|cohort| {
        let month = cohort.month.to_string();
        cohort.cells.iter().map(move |cell| {
            row![
                month.as_str(),
                cohort.customers,
                i64::from(cell.months_after),
                cell.customers,
                cell.share,
                cell.partial,
            ]
        })
    });
    table(Panel::Cohorts.name(), Panel::Cohorts.title(), columns, rows)
}

fn concentration(report: &Report) -> Table {
    let few = &report.concentration;
    let rows = [
        row!["3 largest countries", few.top_3_countries],
        row!["10 largest customers", few.top_10_customers],
        row!["largest fifth of the products", few.top_fifth_of_products],
    ];
    let panel = Panel::Concentration;
    let columns = [("of", Unit::Text), ("share", Unit::Share)];
    table(panel.name(), panel.title(), columns, rows)
}

fn insights(report: &Report) -> Table {
    let columns = [
        ("insight", Unit::Text),
        ("figure", Unit::Text),
        ("comparison", Unit::Text),
    ];
    let rows = report
        .insights
        .iter()
        .map(|i| row![i.text.as_str(), i.figure.as_str(), i.comparison.as_str()]);
    let panel = Panel::Insights;
    table(panel.name(), panel.title(), columns, rows)
}

/// Product codes as a table.
pub fn products_table(products: &[ProductFigures]) -> Table {
    let columns = [
        ("stock_code", Unit::Text),
        ("description", Unit::Text),
        ("is_product", Unit::Flag),
        ("lines", Unit::Count),
        ("invoices", Unit::Count),
        ("items", Unit::Count),
        ("amount", Unit::Gbp),
        ("share", Unit::Share),
        ("cancelled_amount", Unit::Gbp),
    ];
    let rows = products.iter().map(|p| {
        row![
            p.stock_code.as_str(),
            p.description.as_str(),
            p.is_product,
            p.lines,
            p.invoices,
            p.items,
            p.amount,
            p.share,
            p.cancelled,
        ]
    });
    table("products", "Products", columns, rows)
}

/// Customers as a table.
pub fn customers_table(list: &CustomerList) -> Table {
    let columns = [
        ("customer_id", Unit::Text),
        ("country", Unit::Text),
        ("region", Unit::Text),
        ("first_purchase", Unit::Time),
        ("last_purchase", Unit::Time),
        ("recency_days", Unit::Days),
        ("invoices", Unit::Count),
        ("lines", Unit::Count),
        ("items", Unit::Count),
        ("amount", Unit::Gbp),
        ("recency_score", Unit::Count),
        ("frequency_score", Unit::Count),
        ("monetary_score", Unit::Count),
        ("value_score", Unit::Number),
        ("value_segment", Unit::Text),
        ("segment", Unit::Text),
        ("status", Unit::Text),
        ("next_action", Unit::Text),
        ("next_action_reason", Unit::Text),
    ];
    let rows = list.rows.iter().map(|c| {
        let [recency, frequency, monetary] = c.scores.map(i64::from);
        row![
            c.customer.as_str(),
            c.country.as_str(),
            c.region.map(Region::slug),
            c.first,
            c.last,
            i64::from(c.recency_days),
            c.invoices,
            c.lines,
            c.items,
            c.amount,
            recency,
            frequency,
            monetary,
            c.value_score,
            c.value.name(),
            c.segment.as_str(),
            c.status.name(),
            c.next.as_ref().map(|next| next.action.as_str()),
            c.next.as_ref().map(|next| next.reason.as_str()),
        ]
    });
    table("customers", "Customers", columns, rows)
}

/// Products bought together as a table.
pub fn together_table(together: &Together) -> Table {
    let columns = [
        ("stock_code_a", Unit::Text),
        ("description_a", Unit::Text),
        ("stock_code_b", Unit::Text),
        ("description_b", Unit::Text),
        ("invoices_a", Unit::Count),
        ("invoices_b", Unit::Count),
        ("invoices", Unit::Count),
        ("support", Unit::Share),
        ("confidence_a_to_b", Unit::Share),
        ("confidence_b_to_a", Unit::Share),
        ("lift", Unit::Number),
    ];
    let rows = together.pairs.iter().map(|pair| {
        row![
            pair.a.stock_code.as_str(),
            pair.a.description.as_str(),
            pair.b.stock_code.as_str(),
            pair.b.description.as_str(),
            pair.a.invoices,
            pair.b.invoices,
            pair.invoices,
            pair.support,
            pair.confidence_a_to_b,
            pair.confidence_b_to_a,
            pair.lift,
        ]
    });
    table("together", "Products bought together", columns, rows)
}
