//! Tables as CSV and JSON that are safe to open in a spreadsheet, each stamped with what its
//! figures are about.
//!
//! A text cell that begins like a formula (`= + - @`, tab, carriage return) gets a quote in front,
//! so that a spreadsheet shows it instead of running it. Numbers are left alone, and money is
//! written exactly.
//!
//! CSV begins with lines `# key: value` (the stamp), then the header. JSON is one object with the
//! stamp, the columns with their types and units, and the rows.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::filter::Filter;
use crate::model::{Day, InvoiceTime};

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
    /// Yes or no.
    Flag(bool),
    /// Nothing.
    Empty,
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Text.
    Text,
    /// A calendar day, `YYYY-MM-DD`.
    Day,
    /// A time, `YYYY-MM-DD HH:MM:SS`.
    Time,
    /// How many.
    Count,
    /// Days.
    Days,
    /// Money, GBP.
    Gbp,
    /// A share: 0.1 is 10 %.
    Share,
    /// A number without a unit.
    Number,
    /// Yes or no.
    Flag,
}

impl Unit {
    /// The type of the cells in JSON.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Day => "date",
            Self::Time => "datetime",
            Self::Count | Self::Days => "integer",
            Self::Gbp => "decimal",
            Self::Share | Self::Number => "number",
            Self::Flag => "boolean",
        }
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in headers.
    pub name: &'static str,
    /// What its cells are.
    pub unit: Unit,
}

/// A table to be exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name in commands and file names.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows, each with a cell per column.
    pub rows: Vec<Vec<Cell>>,
}

/// Whether the data centres behind the figures are real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// They are parts of one process.
    Simulated,
    /// They are a cluster.
    Cluster,
}

/// What is said of every export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Mode of the engine.
    pub mode: String,
    /// Where the lines lie.
    pub origin: Origin,
    /// Which lines the figures are about.
    pub filter: Filter,
    /// The day from which recency counts.
    pub reference_date: Option<Day>,
}

impl Table {
    /// CSV, comma-separated, UTF-8: the stamp, a header, the rows.
    pub fn to_csv(&self, stamp: &Stamp) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(self.preamble(stamp).into_bytes());
        writer.write_record(self.columns.iter().map(|column| column.name))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::text))?;
        }
        let bytes = writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn preamble(&self, stamp: &Stamp) -> String {
        let day = stamp.reference_date.map(|day| day.to_string());
        let simulated = match stamp.origin {
            Origin::Simulated => "; Simulated data centres",
            Origin::Cluster => "",
        };
        let lines = [
            ("table", self.title.to_owned()),
            ("mode", format!("{}{simulated}", stamp.mode)),
            ("filter", stamp.filter.words()),
            ("reference date", day.unwrap_or_else(|| "none".to_owned())),
        ];
        let line = |(key, value): (&str, String)| {
            // A country may be called anything; it must not begin a row of the table.
            format!("# {key}: {}\n", value.replace(['\n', '\r'], " "))
        };
        lines.map(line).concat()
    }

    /// A JSON object: the stamp, the columns, and an object per row.
    pub fn to_json(&self, stamp: &Stamp) -> Value {
        let object = |row: &Vec<Cell>| {
            let names = self.columns.iter().map(|column| column.name.to_owned());
            Value::Object(names.zip(row.iter().map(Cell::json)).collect::<Map<_, _>>())
        };
        let columns = self.columns.iter().map(|column| {
            json!({ "name": column.name, "type": column.unit.kind(), "unit": column.unit })
        });
        json!({
            "table": self.name,
            "title": self.title,
            "mode": stamp.mode,
            "simulated": stamp.origin == Origin::Simulated,
            "filter": stamp.filter,
            "reference_date": stamp.reference_date,
            "columns": columns.collect::<Vec<_>>(),
            "rows": self.rows.iter().map(object).collect::<Vec<_>>(),
        })
    }
}

impl Cell {
    /// The cell as text, exact and neutralised.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => neutral(text),
            Self::Count(count) => count.to_string(),
            Self::Money(amount) => amount.to_string(),
            Self::Share(share) => share.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Empty => String::new(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(_) | Self::Money(_) => Value::String(self.text()),
            Self::Count(count) => Value::from(*count),
            Self::Share(share) => Value::from(*share),
            Self::Flag(flag) => Value::from(*flag),
            Self::Empty => Value::Null,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        // Nothing that is counted comes near.
        Self::Count(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<i64> for Cell {
    fn from(count: i64) -> Self {
        Self::Count(count)
    }
}

impl From<Decimal> for Cell {
    fn from(amount: Decimal) -> Self {
        Self::Money(amount)
    }
}

impl From<f64> for Cell {
    fn from(share: f64) -> Self {
        Self::Share(share)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Day> for Cell {
    fn from(day: Day) -> Self {
        Self::Text(day.to_string())
    }
}

impl From<InvoiceTime> for Cell {
    fn from(at: InvoiceTime) -> Self {
        Self::Text(at.to_string())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
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

    fn stamp() -> Stamp {
        Stamp {
            mode: "embedded".into(),
            origin: Origin::Simulated,
            filter: Filter {
                countries: vec!["EIRE".into(), "A\nB".into()],
                ..Filter::default()
            },
            reference_date: Some(Day(15_318)),
        }
    }

    fn table() -> Table {
        let columns = [
            ("name", Unit::Text),
            ("items", Unit::Count),
            ("amount", Unit::Gbp),
        ];
        Table {
            name: "names",
            title: "Names",
            columns: columns.map(|(name, unit)| Column { name, unit }).into(),
            rows: ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "a=1"]
                .map(|t| vec![t.into(), (-5_i64).into(), Decimal::new(-150, 2).into()])
                .into(),
        }
    }

    #[test]
    fn text_that_looks_like_a_formula_is_neutralised_and_numbers_are_not() {
        let text = table().to_csv(&stamp()).unwrap();
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.comment(Some(b'#')).from_reader(text.as_bytes());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let names: Vec<&str> = rows.iter().map(|r| r.get(0).unwrap()).collect();
        assert_eq!(names, ["'=1+1", "'+a", "'-a", "'@a", "'\ta", "'\ra", "a=1"]);
        assert!(rows.iter().all(|r| &r[1] == "-5" && &r[2] == "-1.50"));
        let json = table().to_json(&stamp());
        assert_eq!(json["rows"][0]["name"], "'=1+1");
        assert_eq!(json["rows"][0]["items"], -5);
        assert_eq!(json["rows"][0]["amount"], "-1.50");
    }

    #[test]
    fn every_export_says_what_it_is_about() {
        let text = table().to_csv(&stamp()).unwrap();
        let head: Vec<&str> = text.lines().take(5).collect();
        assert_eq!(
            head,
            [
                "# table: Names",
                "# mode: embedded; Simulated data centres",
                "# filter: all days; EIRE, A B; gross",
                "# reference date: 2011-12-10",
                "name,items,amount",
            ]
        );
        let json = table().to_json(&stamp());
        assert_eq!(json["simulated"], true);
        assert_eq!(json["reference_date"], "2011-12-10");
        assert_eq!(json["filter"]["countries"][0], "EIRE");
        assert_eq!(
            json["columns"][2],
            json!({"name": "amount", "type": "decimal", "unit": "gbp"})
        );
        let real = Stamp {
            origin: Origin::Cluster,
            ..stamp()
        };
        assert!(!table().to_csv(&real).unwrap().contains("Simulated"));
    }
}
