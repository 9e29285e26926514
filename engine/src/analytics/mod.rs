//! Figures made from summaries. One file per formula; no clock, no I/O, no threads.
//!
//! [`Analytics`] keeps the sums that bucket summaries are merged into; every other file computes
//! one figure from it. Money and counts are exact; floats are used for ranks, shares and scores
//! alone. What needs single rows (which goods share an invoice, the invoices of one customer) is
//! handed rows by the caller.

mod actions;
mod by_day;
mod cohorts;
mod concentration;
mod customer_page;
mod customers;
mod delta;
mod derived;
mod export;
mod filter;
mod geography;
mod insights;
mod kpis;
mod month;
mod months;
mod order_grid;
mod pages;
mod product_page;
mod products;
mod rank;
mod report;
mod returns;
mod revenue;
mod rfm;
mod seen;
mod segments;
mod settings;
mod spans;
mod state;
mod status;
mod tables;
mod text;
mod together;

pub use actions::{ActionRule, ActionTable, ActionTableError, NextAction};
pub use cohorts::{Cohort, CohortCell, cohorts};
pub use concentration::{Concentration, concentration};
pub use customer_page::{
    CustomerCountry, CustomerHead, CustomerMonth, CustomerPage, CustomerProduct,
};
pub use customers::{
    CustomerFigures, CustomerList, CustomerPick, CustomerQuery, CustomerSort, Direction,
    customer_figures, customers,
};
pub use delta::delta;
pub use derived::{country_rows, customer_rows, product_rows};
pub use export::{Cell, Column, Origin, Stamp, Table, Unit, neutral};
pub use filter::{Basis, Filter, NonProducts, Regions, Scope};
pub use geography::{CountryFigures, MarketCategory, RegionFigures, by_country, by_region};
pub use insights::{Insight, InsightLink};
pub use kpis::{Kpis, average_order_value, tidy, totals};
pub use month::{Month, Week};
pub use months::Months;
pub use order_grid::{GridBreaks, GridCell, OrderGrid, order_grid};
pub use pages::{InvoiceFigures, PageCancellations, PageRows};
pub use product_page::{
    LargestCancelled, ProductCountry, ProductDescription, ProductMonth, ProductPage, ProductRows,
};
pub use products::{ProductFigures, by_product, is_product};
pub use report::{HourFigures, RegionPeriods, Report, SegmentFigures};
pub use returns::{Returns, returns};
pub use revenue::{Coverage, Period, by_day, by_month, by_week, coverage};
pub use rfm::{Breaks, CustomerScore, Rfm, RfmError, ValueSegment, Weights};
pub use segments::{NamedSegment, SegmentGrid, SegmentGridError};
pub use settings::{Settings, SettingsError};
pub use spans::{SpanCorrections, SpanningInvoice, SpanningPart};
pub use state::{Analytics, CountryShare, Customer, CustomerTotals, DayTotals};
pub use status::{Status, StatusLimits};
pub use tables::{Panel, customers_table, panel_table, products_table, together_table};
pub use text::{render_text, render_together};
pub use together::{Baskets, Pair, PairFloor, PairedProduct, Partner, Together, TogetherQuery};

#[cfg(test)]
mod tests;
