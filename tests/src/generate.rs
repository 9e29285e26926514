//! Files of any length, made from the real one: each copy has its dates shifted by a year and its
//! invoice numbers changed, so that no line of one copy is a line of another.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;

use crate::naive::{self, Row};

/// Days between two copies; more than the real file spans.
const DAYS_PER_COPY: u64 = 378;

/// Writes `copies` copies of the rows of `source` to `target`, plain CSV with a header.
pub fn copies(source: &Path, target: &Path, copies: u32) -> Result<()> {
    let rows = naive::rows(source)?;
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(target)?);
    writeln!(
        out,
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    )?;
    for copy in 0..copies {
        for row in &rows {
            write_row(&mut out, row, copy)?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Writes rows as plain CSV with a header.
pub fn write_rows<'r>(target: &Path, rows: impl IntoIterator<Item = &'r Row>) -> Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(target)?);
    writeln!(
        out,
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    )?;
    for row in rows {
        write_row(&mut out, row, 0)?;
    }
    out.flush()?;
    Ok(())
}

fn write_row(out: &mut impl Write, row: &Row, copy: u32) -> Result<()> {
    for (index, column) in row.columns.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        match index {
            0 if copy > 0 => write!(out, "{}", invoice(column, copy))?,
            4 if copy > 0 => write!(out, "{}", date(column, copy))?,
            _ if column.contains([',', '"']) => {
                write!(out, "\"{}\"", column.replace('"', "\"\""))?;
            }
            _ => out.write_all(column.as_bytes())?,
        }
    }
    out.write_all(b"\r\n")?;
    Ok(())
}

/// A cancellation stays one: the copy goes behind the number.
fn invoice(number: &str, copy: u32) -> String {
    format!("{number}-{copy}")
}

/// `M/D/YYYY H:MM`, shifted.
fn date(text: &str, copy: u32) -> String {
    let shifted = chrono::NaiveDateTime::parse_from_str(text, "%m/%d/%Y %H:%M")
        .ok()
        .and_then(|at| at.checked_add_days(chrono::Days::new(DAYS_PER_COPY * u64::from(copy))));
    shifted.map_or_else(
        || text.to_owned(),
        |at| at.format("%-m/%-d/%Y %-H:%M").to_string(),
    )
}
