//! The headline figures.

use retail_engine::analytics::{Basis, CustomerPick, Report};

use super::super::format;

/// One headline figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// What it is.
    pub title: &'static str,
    /// The figure, exact where it is money or a count.
    pub value: String,
    /// Its unit, if it needs one.
    pub unit: &'static str,
    /// The customers that it counts.
    pub leads: Option<CustomerPick>,
    /// What stands below it.
    pub note: String,
    /// Exactly, under the pointer.
    pub tip: String,
}

/// The five headline figures of a report.
pub fn tiles(report: &Report) -> [Tile; 5] {
    let (kpis, returns) = (&report.kpis, &report.returns);
    let net = format::money(returns.net_sales);
    let gross = format::money(returns.net_sales + returns.amount);
    let (title, note) = match report.filter.basis {
        Basis::Gross => ("Revenue", format!("net of cancellations {net}")),
        Basis::Net => ("Revenue, net", format!("before cancellations {gross}")),
    };
    let average = kpis.average_order_value.map_or_else(
        || "no invoice".to_owned(),
        |average| format!("{} each on average", format::money(average)),
    );
    let per =
        |value: Option<f64>| value.map_or("Unknown".to_owned(), |value| format!("{value:.1}"));
    let without = format::share(kpis.lines_without_customer, kpis.lines);
    [
        Tile {
            title,
            value: format::money(kpis.sales),
            unit: "",
            leads: None,
            note,
            tip: format!(
                "Sum of quantity times price over {} lines, exact: {}. Before cancellations {gross}, cancelled {}, net {net}.",
                format::count(kpis.lines),
                format::money(kpis.sales),
                format::money(returns.amount),
            ),
        },
        Tile {
            title: "Invoices",
            value: format::count(kpis.invoices),
            unit: "",
            leads: None,
            note: average,
            tip: format!(
                "Distinct invoice numbers. {} units and {} lines each on average.",
                per(kpis.items_per_invoice),
                per(kpis.lines_per_invoice),
            ),
        },
        Tile {
            title: "Lines",
            value: format::count(kpis.lines),
            unit: "",
            leads: None,
            note: format!("{} units", format::signed(kpis.items)),
            tip: format!(
                "Clean lines; what was set aside is not among them. {} product codes.",
                format::count(kpis.products)
            ),
        },
        Tile {
            title: "Customers",
            value: format::count(kpis.customers),
            unit: "",
            leads: Some(CustomerPick::All),
            note: format!("in {} countries", report.countries.len()),
            tip: "Distinct customer numbers. Lines without one are in sales, not in customer figures."
                .to_owned(),
        },
        Tile {
            title: "Without customer",
            value: without.map_or("0".to_owned(), |share| format!("{:.1}", share * 100.0)),
            unit: "% of lines",
            leads: None,
            note: format!(
                "{} \u{b7} {}",
                format::count(kpis.lines_without_customer),
                format::money(kpis.sales_without_customer)
            ),
            tip: format!(
                "{} of {} lines name no customer, worth {}.",
                format::count(kpis.lines_without_customer),
                format::count(kpis.lines),
                format::money(kpis.sales_without_customer)
            ),
        },
    ]
}
