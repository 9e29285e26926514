//! Options of the verbs that show and export figures.

use std::path::PathBuf;

use crate::analytics::{Basis, Filter, NonProducts, Panel};
use crate::model::{Day, LineTable, Region};
use chrono::NaiveDate;
use clap::{Args, ValueEnum};

use super::region;

/// Which lines figures are about.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// First day, such as 2010-12-01
    #[arg(long, value_name = "DAY", help_heading = "Which sales")]
    pub(crate) from: Option<NaiveDate>,
    /// Last day
    #[arg(long, value_name = "DAY", help_heading = "Which sales")]
    pub(crate) to: Option<NaiveDate>,
    /// One region only
    #[arg(long, value_parser = region, help_heading = "Which sales")]
    pub(crate) region: Option<Region>,
    /// One country only; may be repeated
    #[arg(long, help_heading = "Which sales")]
    pub(crate) country: Vec<String>,
    /// Take cancelled lines off
    #[arg(long, help_heading = "Which sales")]
    pub(crate) net: bool,
    /// Leave postage and fees out of lists of products
    #[arg(long, help_heading = "Which sales")]
    pub(crate) products_only: bool,
}

impl FilterArgs {
    /// The filter that the options stand for.
    pub(crate) fn filter(&self) -> Filter {
        Filter {
            from: self.from.map(Day::from_date),
            to: self.to.map(Day::from_date),
            regions: self.region.into_iter().collect(),
            countries: self.country.clone(),
            non_products: if self.products_only {
                NonProducts::Hide
            } else {
                NonProducts::Show
            },
            basis: if self.net { Basis::Net } else { Basis::Gross },
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Also which products are bought together; reads every line
    #[arg(long)]
    pub(crate) together: bool,
}

const EXPORT_TABLES: &str = "\
Tables:
  of lines      transactions, returns, rejects
  for programs  customer_analytics, product_analytics, country_metrics
  of figures    kpis, months, weeks, days, region_months, region_weeks, region_days, hours, regions,
                countries, markets, products, segments, customers, rfm_grid, order_grid, cohorts,
                concentration, insights, together

Tables of figures obey the filter, and say at their top which it is.

Examples:
  retail-engine export transactions --format csv --out lines.csv
  retail-engine export customers --segment Champions --format csv --out champions.csv
  retail-engine export together --country Germany --format json --out pairs.json";

#[derive(Debug, Args)]
#[command(after_help = EXPORT_TABLES)]
pub(crate) struct ExportArgs {
    /// The table; see below
    #[arg(value_parser = export_table)]
    pub(crate) table: ExportTable,
    /// Its form
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Customers of one named segment only, such as Champions
    #[arg(long, value_name = "NAME", help_heading = "Which customers")]
    pub(crate) segment: Option<String>,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExportTable {
    /// Rows as they are stored: all of them.
    Rows(RowTable),
    /// Figures about the lines of a filter.
    Figures(FigureTable),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowTable {
    Lines(LineTable),
    Rejects,
    Derived(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FigureTable {
    Panel(Panel),
    Products,
    Customers,
    Together,
}

impl ExportTable {
    fn named() -> impl Iterator<Item = (&'static str, Self)> {
        let rows = [
            ("transactions", RowTable::Lines(LineTable::Transactions)),
            ("returns", RowTable::Lines(LineTable::Returns)),
            ("rejects", RowTable::Rejects),
        ];
        let derived = ["customer_analytics", "product_analytics", "country_metrics"];
        let derived = derived.map(|name| (name, RowTable::Derived(name)));
        let figures = [
            ("products", FigureTable::Products),
            ("customers", FigureTable::Customers),
            ("together", FigureTable::Together),
        ];
        let panels = Panel::ALL.map(|panel| (panel.name(), FigureTable::Panel(panel)));
        let rows = rows.into_iter().chain(derived);
        let figures = figures.into_iter().chain(panels);
        rows.map(|(name, table)| (name, Self::Rows(table)))
            .chain(figures.map(|(name, table)| (name, Self::Figures(table))))
    }
}

fn export_table(text: &str) -> Result<ExportTable, String> {
    let known = ExportTable::named().find(|(name, _)| *name == text);
    known.map(|(_, table)| table).ok_or_else(|| {
        let names: Vec<&str> = ExportTable::named().map(|(name, _)| name).collect();
        format!("one of {}", names.join(", "))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Csv,
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_known_by_its_name_and_told_in_the_help() {
        for (name, table) in ExportTable::named() {
            assert_eq!(export_table(name), Ok(table));
            assert!(EXPORT_TABLES.contains(name), "{name}");
        }
        assert!(export_table("tea").unwrap_err().contains("customers"));
    }
}
