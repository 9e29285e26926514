//! A file counted in the plainest way there is: split at commas outside quotes, one row at a
//! time, into maps. Nothing of the engine is used, so an error in the engine cannot hide here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use rust_decimal::Decimal;

/// One row as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The eight columns, in the order of the file.
    pub columns: [String; 8],
}

impl Row {
    /// Invoice number.
    pub fn invoice(&self) -> &str {
        &self.columns[0]
    }

    /// Quantity times unit price.
    pub fn amount(&self) -> Decimal {
        let quantity: Decimal = self.columns[3].parse().unwrap_or_default();
        let price: Decimal = self.columns[5].parse().unwrap_or_default();
        quantity * price
    }

    /// Year and month of a date written `M/D/YYYY`.
    pub fn month(&self) -> String {
        let date = self.columns[4].split(' ').next().unwrap_or_default();
        let mut parts = date.split('/');
        let month = parts.next().unwrap_or_default();
        let year = parts.nth(1).unwrap_or_default();
        format!("{year:0>4}-{month:0>2}")
    }
}

/// Figures of a file under the default rules.
#[derive(Debug, Default)]
pub struct Counts {
    /// Data rows.
    pub read: u64,
    /// Rows set aside, by reason.
    pub set_aside: BTreeMap<&'static str, u64>,
    /// Clean lines.
    pub clean: u64,
    /// Their worth.
    pub amount: Decimal,
    /// Lines and worth by month.
    pub months: BTreeMap<String, (u64, Decimal)>,
    /// Lines and worth by country.
    pub countries: BTreeMap<String, (u64, Decimal)>,
    /// Worth by stock code.
    pub products: BTreeMap<String, Decimal>,
    /// Distinct invoices.
    pub invoices: BTreeSet<String>,
    /// Distinct customers.
    pub customers: BTreeSet<String>,
}

/// The rows of a file without its header.
pub fn rows(path: &Path) -> Result<Vec<Row>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let reader: Box<dyn Read> = if path.extension().is_some_and(|e| e == "gz") {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut rows = Vec::new();
    for line in BufReader::new(reader).lines().skip(1) {
        let fields = split(&line?);
        ensure!(fields.len() == 8, "a row of {} fields", fields.len());
        let mut columns = <[String; 8]>::default();
        for (column, field) in columns.iter_mut().zip(fields) {
            field.trim().clone_into(column);
        }
        rows.push(Row { columns });
    }
    Ok(rows)
}

fn split(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let doubled = quoted && c == '"' && characters.peek() == Some(&'"');
        match c {
            '"' if doubled => {
                characters.next();
                if let Some(field) = fields.last_mut() {
                    field.push('"');
                }
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => {
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields
}

/// Counts rows under the default rules.
pub fn count(rows: &[Row]) -> Counts {
    let mut counts = Counts::default();
    for row in rows {
        counts.read += 1;
        let quantity: i64 = row.columns[3].parse().unwrap_or_default();
        let price: Decimal = row.columns[5].parse().unwrap_or_default();
        let country = row.columns[7].as_str();
        let reason = if country == "Unspecified" || country == "European Community" {
            Some("unroutable_country")
        } else if row.invoice().starts_with('C') {
            Some("cancellation")
        } else if quantity <= 0 {
            Some("nonpositive_quantity")
        } else if price <= Decimal::ZERO {
            Some("nonpositive_price")
        } else {
            None
        };
        if let Some(reason) = reason {
            *counts.set_aside.entry(reason).or_default() += 1;
            continue;
        }
        let amount = row.amount();
        counts.clean += 1;
        counts.amount += amount;
        for (map, key) in [
            (&mut counts.months, row.month()),
            (&mut counts.countries, country.to_owned()),
        ] {
            let entry = map.entry(key).or_default();
            entry.0 += 1;
            entry.1 += amount;
        }
        *counts.products.entry(row.columns[1].clone()).or_default() += amount;
        counts.invoices.insert(row.invoice().to_owned());
        if !row.columns[6].is_empty() {
            counts.customers.insert(row.columns[6].clone());
        }
    }
    counts
}
