//! Every panel as a table: its cells are what the columns say, and its sums are those of the page.

use rust_decimal::Decimal;

use super::fixture::{buckets, sample, whole};
use crate::analytics::{
    Baskets, Cell, CustomerQuery, Filter, NonProducts, Origin, Panel, Report, Settings, Stamp,
    Table, TogetherQuery, Unit, by_product, customers, customers_table, panel_table,
    products_table, together_table,
};
use crate::model::LineTable;

fn all_tables() -> Vec<Table> {
    let settings = Settings::standard().unwrap();
    let report = Report::build(whole(), &settings);
    let mut tables: Vec<Table> = Panel::ALL.map(|panel| panel_table(&report, panel)).into();
    tables.push(products_table(&by_product(whole(), NonProducts::Show)));
    let list = customers(whole(), &settings, &CustomerQuery::default());
    tables.push(customers_table(&list));
    let mut baskets = Baskets::new(whole(), &TogetherQuery::default());
    for rows in buckets(whole().catalog(), LineTable::Transactions, &sample().sales).values() {
        baskets.add(rows);
    }
    tables.push(together_table(&baskets.finish()));
    tables
}

fn fits(unit: Unit, cell: &Cell) -> bool {
    match cell {
        Cell::Empty => true,
        Cell::Text(_) => matches!(unit, Unit::Text | Unit::Day | Unit::Time),
        Cell::Count(_) => matches!(unit, Unit::Count | Unit::Days),
        Cell::Money(_) => unit == Unit::Gbp,
        Cell::Share(_) => matches!(unit, Unit::Share | Unit::Number),
        Cell::Flag(_) => unit == Unit::Flag,
    }
}

#[test]
fn every_cell_is_what_its_column_says_and_csv_and_json_hold_the_same() {
    let stamp = Stamp {
        mode: "embedded".into(),
        origin: Origin::Simulated,
        filter: Filter::default(),
        reference_date: whole().reference_date(),
    };
    for table in all_tables() {
        assert!(!table.rows.is_empty(), "{}", table.name);
        for row in &table.rows {
            assert_eq!(row.len(), table.columns.len(), "{}", table.name);
            for (column, cell) in table.columns.iter().zip(row) {
                assert!(
                    fits(column.unit, cell),
                    "{} {}: {cell:?}",
                    table.name,
                    column.name
                );
            }
        }
        let csv = table.to_csv(&stamp).unwrap();
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.comment(Some(b'#')).from_reader(csv.as_bytes());
        let header = reader.headers().unwrap().clone();
        let json = table.to_json(&stamp);
        assert_eq!(json["reference_date"], "2011-12-10");
        let rows = json["rows"].as_array().unwrap();
        assert_eq!(rows.len(), table.rows.len());
        for (record, object) in reader.records().zip(rows) {
            for (name, cell) in header.iter().zip(&record.unwrap()) {
                let value = &object[name];
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                let text = if value.is_null() { String::new() } else { text };
                // A float is written shorter in one form than in the other.
                let same = cell == text || cell.parse::<f64>().ok() == value.as_f64();
                assert!(same, "{} {name}: {cell} and {value}", table.name);
            }
        }
    }
}

/// The exact sum of a column of money.
fn sum(table: &Table, column: &str) -> Decimal {
    let at = table.columns.iter().position(|c| c.name == column).unwrap();
    let money = |row: &Vec<Cell>| match row[at] {
        Cell::Money(amount) => amount,
        _ => Decimal::ZERO,
    };
    table.rows.iter().map(money).sum()
}

#[test]
fn tables_add_up_to_sales() {
    let sales: Decimal = "10660634.504".parse().unwrap();
    for table in all_tables() {
        match table.name {
            "months" | "weeks" | "days" | "region_months" | "region_weeks" | "region_days"
            | "hours" | "regions" | "countries" | "products" => {
                assert_eq!(sum(&table, "amount"), sales, "{}", table.name);
            }
            "kpis" => assert_eq!(sum(&table, "sales"), sales),
            "customers" | "order_grid" => {
                let anonymous: Decimal = sample()
                    .sales
                    .iter()
                    .filter(|line| line.customer.is_none())
                    .map(|line| line.as_ref().amount())
                    .sum();
                assert_eq!(sum(&table, "amount") + anonymous, sales, "{}", table.name);
            }
            _ => {}
        }
    }
}
