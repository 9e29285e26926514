//! Tables as CSV and JSON that are safe to open in a spreadsheet.
//!
//! A text cell that begins like a formula (`= + - @`, tab, carriage return) gets a quote in front,
//! so that a spreadsheet shows it instead of running it. Numbers are left alone.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text from the data; neutralised when written.
    Text(String),
    /// A whole number.
    Count(i64),
    /// Money, exact; text in JSON.
    Money(Decimal),
    /// A share or score.
    Share(f64),
    /// Nothing.
    Empty,
}

/// A table to be exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// Rows, each with a cell per column.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// CSV with a header, comma-separated, UTF-8.
    pub fn to_csv(&self) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::text))?;
        }
        let bytes = writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A JSON array with an object per row.
    pub fn to_json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let names = self.columns.iter().map(ToString::to_string);
            Value::Object(names.zip(row.iter().map(Cell::json)).collect::<Map<_, _>>())
        };
        Value::Array(self.rows.iter().map(object).collect())
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => neutral(text),
            Self::Count(count) => count.to_string(),
            Self::Money(amount) => amount.to_string(),
            Self::Share(share) => share.to_string(),
            Self::Empty => String::new(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(_) | Self::Money(_) => Value::String(self.text()),
            Self::Count(count) => Value::from(*count),
            Self::Share(share) => Value::from(*share),
            Self::Empty => Value::Null,
        }
    }
}

/// Text that no spreadsheet takes for a formula.
pub fn neutral(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_looks_like_a_formula_is_neutralised_and_numbers_are_not() {
        let table = Table {
            columns: vec!["name", "items", "amount"],
            rows: ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "a=1"]
                .map(|t| {
                    vec![
                        Cell::Text(t.into()),
                        Cell::Count(-5),
                        Cell::Money(Decimal::new(-150, 2)),
                    ]
                })
                .into(),
        };
        let text = table.to_csv().unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let names: Vec<&str> = rows.iter().map(|r| r.get(0).unwrap()).collect();
        assert_eq!(names, ["'=1+1", "'+a", "'-a", "'@a", "'\ta", "'\ra", "a=1"]);
        assert!(rows.iter().all(|r| &r[1] == "-5" && &r[2] == "-1.50"));
        let json = table.to_json();
        assert_eq!(json[0]["name"], "'=1+1");
        assert_eq!(json[0]["items"], -5);
        assert_eq!(json[0]["amount"], "-1.50");
    }
}
