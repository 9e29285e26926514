//! A row that was set aside, taken apart: where its fields lie, what they say, and how a mended
//! row is written so that the reader of the load takes it.

use std::ops::Range;

use crate::clean::{DecimalMark, parse_date, parse_price, parse_quantity, trim};
use crate::model::{InvoiceTime, Reject};
use rust_decimal::Decimal;

use super::export::{ExportError, RowLayout, row_fields};
use super::options::Column;

/// A rejected row as a page about it needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowParts {
    /// The eight columns in the usual order, a date that could be read with its year first;
    /// `None` for a row that cannot be cut into the fields of its header.
    pub fields: Option<[String; 8]>,
    /// Bytes of [`Reject::raw`] that hold the field at fault, quotes included.
    pub at_fault: Option<Range<usize>>,
    /// What the field at fault says.
    pub value: Option<String>,
    /// When the invoice was written, if that could be read.
    pub time: Option<InvoiceTime>,
    /// Quantity times price in GBP, if both could be read.
    pub amount: Option<Decimal>,
}

impl RowParts {
    /// Takes a row apart the way its file was cut.
    pub fn of(reject: &Reject, layout: &RowLayout) -> Self {
        let column = reject.column.as_deref().and_then(Column::of_name);
        let spans = field_spans(&reject.raw, layout.delimiter.byte());
        let at_fault = column
            .filter(|_| spans.len() == layout.columns.len())
            .and_then(|column| layout.columns.iter().position(|c| *c == Some(column)))
            .and_then(|place| spans.get(place).cloned());
        let Some(fields) = row_fields(&reject.raw, layout) else {
            return Self {
                at_fault,
                ..Self::default()
            };
        };
        let field = |column: Column| trim(fields[column as usize].as_bytes());
        let date = parse_date(field(Column::InvoiceDate), layout.date_order);
        // A number that can be read has a point by now.
        let quantity = parse_quantity(field(Column::Quantity), DecimalMark::Point).ok();
        let price = parse_price(field(Column::UnitPrice), DecimalMark::Point).ok();
        Self {
            at_fault,
            value: column.map(|column| fields[column as usize].clone()),
            time: date.ok().map(|reading| reading.time),
            amount: quantity
                .zip(price)
                .map(|(quantity, price)| price * Decimal::from(quantity)),
            fields: Some(fields),
        }
    }
}

/// Where the fields of one row lie, quotes included. A quote that is never closed runs to the end.
pub fn field_spans(raw: &str, delimiter: u8) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let (mut start, mut is_quoted) = (0, false);
    for (at, byte) in raw.bytes().enumerate() {
        if byte == b'"' && (is_quoted || at == start) {
            // A doubled quote closes and opens again at once.
            is_quoted = !is_quoted;
        } else if byte == b'"' && raw.as_bytes().get(start) == Some(&b'"') {
            is_quoted = true;
        } else if byte == delimiter && !is_quoted {
            spans.push(start..at);
            start = at + 1;
        }
    }
    spans.push(start..raw.len());
    spans
}

/// Rows of eight columns as a CSV with the usual header.
pub fn write_rows_csv(rows: &[[String; 8]]) -> Result<Vec<u8>, ExportError> {
    let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
    out.write_record(Column::ALL.map(Column::name))?;
    for row in rows {
        out.write_record(row)?;
    }
    out.into_inner()
        .map_err(|error| ExportError::from(csv::Error::from(error.into_error())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reason, RowNo};

    fn reject(column: Option<Column>, raw: &str) -> Reject {
        Reject {
            row: RowNo(1),
            line: 2,
            byte: 80,
            column: column.map(|column| column.name().to_owned()),
            reason: Reason::BadPrice,
            message: String::new(),
            raw: raw.to_owned(),
        }
    }

    #[test]
    fn fields_lie_between_the_delimiters_that_no_quote_holds() {
        for (raw, expected) in [
            ("a,b,,c", vec!["a", "b", "", "c"]),
            (r#""a,b",c"#, vec![r#""a,b""#, "c"]),
            (r#""a ""x"", b",c"#, vec![r#""a ""x"", b""#, "c"]),
            (r#"12" plate,c"#, vec![r#"12" plate"#, "c"]),
            (r#"a,"b,c"#, vec!["a", r#""b,c"#]),
            ("", vec![""]),
        ] {
            let spans = field_spans(raw, b',');
            let found: Vec<&str> = spans
                .into_iter()
                .map(|span| raw.get(span).unwrap())
                .collect();
            assert_eq!(found, expected, "{raw}");
        }
    }

    #[test]
    fn a_row_shows_its_field_at_fault_its_month_and_its_worth() {
        let raw = r#"1,A,"x, y",3,12/1/2010 8:26,1.5O,17850,France"#;
        let parts = RowParts::of(&reject(Some(Column::UnitPrice), raw), &RowLayout::default());
        assert_eq!(raw.get(parts.at_fault.unwrap()), Some("1.5O"));
        assert_eq!(parts.value.as_deref(), Some("1.5O"));
        assert_eq!(parts.time.unwrap().to_string(), "2010-12-01 08:26:00");
        assert_eq!(parts.amount, None);
        let raw = "1,A,x,3,12/1/2010 8:26,1.5,17850,Narnia";
        let parts = RowParts::of(&reject(Some(Column::Country), raw), &RowLayout::default());
        assert_eq!(parts.amount, Some(Decimal::new(45, 1)));
        let ragged = RowParts::of(&reject(None, "1,A"), &RowLayout::default());
        assert_eq!(ragged, RowParts::default());
    }
}
