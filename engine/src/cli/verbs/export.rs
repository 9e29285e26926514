//! `export`: a table as a file, CSV or JSON. Text that a spreadsheet would take for a formula is
//! neutralised; `rejects --export` is the way to a file that loads again unchanged.
//!
//! Tables of lines and those for other programs are written row by row: CSV with a header, JSON
//! as an array. Tables of figures come from the one place where panels become tables, with a
//! stamp that says what they are about.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::analytics::{
    CustomerPick, CustomerQuery, Filter, Origin, Report, Stamp, Table, TogetherQuery,
    customers_table, neutral, panel_table, products_table, together_table,
};
use crate::config::Mode;
use crate::flow::Roles;
use crate::handle::Command;
use crate::model::{BucketKey, Catalog, LineTable, StoredLine};
use crate::ports::{BucketScope, RejectQuery};
use anyhow::{Context, bail};
use crossbeam_channel::{Receiver, bounded};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::cli::args::{ExportArgs, ExportFormat, ExportTable, FigureTable, GlobalArgs, RowTable};
use crate::cli::exit::Exit;
use crate::cli::output::{Output, grouped};
use crate::cli::session::Session;

/// Buckets on their way from the store to the file: enough that neither waits for the other.
const BUCKETS_IN_FLIGHT: usize = 64;

/// Pairs in a file at most; a table of a million rows is what a spreadsheet opens.
const PAIRS_MAX: usize = 1_000_000;

const LINE_COLUMNS: [&str; 8] = [
    "invoice_no",
    "stock_code",
    "description",
    "quantity",
    "invoice_date",
    "unit_price",
    "customer_id",
    "country",
];

/// Options of `export` that do not fit its table.
#[derive(Debug, Error)]
pub(crate) enum ExportArgsError {
    /// A filter for rows as they are stored.
    #[error("this table holds everything: a filter applies to tables of figures")]
    FilterOfRows,
    /// A segment for another table than the one of customers.
    #[error("a segment applies to the table customers")]
    SegmentOfOthers,
    /// A segment that there is not.
    #[error("no segment is called {name:?}; there are {}", known.join(", "))]
    UnknownSegment {
        /// As written.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
}

impl ExportArgsError {
    /// What a person can do about it.
    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::FilterOfRows => {
                "leave the filter out, or export a table of figures; `export --help` lists them"
            }
            Self::SegmentOfOthers => "leave --segment out, or export the table customers",
            Self::UnknownSegment { .. } => "name one of those, spelt as it is here",
        }
    }
}

/// Writes a table to a file.
pub(crate) fn run(args: &ExportArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let is_rows = matches!(args.table, ExportTable::Rows(_));
    if is_rows && args.filter.filter() != Filter::default() {
        return Err(ExportArgsError::FilterOfRows.into());
    }
    let customers = ExportTable::Figures(FigureTable::Customers);
    if args.segment.is_some() && args.table != customers {
        return Err(ExportArgsError::SegmentOfOthers.into());
    }
    let session = Session::open(global, Vec::new(), Roles::none())?;
    let part = args.out.with_extension("part");
    let rows = write(args, &session, &part)
        .and_then(|rows| {
            fs::rename(&part, &args.out)?;
            Ok(rows)
        })
        .with_context(|| format!("the table could not be saved as {}", args.out.display()))?;
    let mode = session.settings.mode;
    session.close()?;
    let file = args.out.display().to_string();
    output.result(&json!({ "mode": mode, "rows": rows, "file": file }), || {
        format!("{} rows saved as {file}\n", grouped(rows))
    })?;
    Ok(Exit::Done)
}

fn write(args: &ExportArgs, session: &Session, path: &Path) -> anyhow::Result<u64> {
    let mut file = BufWriter::new(File::create(path)?);
    let table = match args.table {
        ExportTable::Rows(table) => {
            let mut sink = Sink::new(file, args.format);
            match table {
                RowTable::Lines(table) => lines(session, table, &mut sink)?,
                RowTable::Derived(table) => derived(session, table, &mut sink)?,
                RowTable::Rejects => rejects(session, &mut sink)?,
            }
            return sink.end();
        }
        ExportTable::Figures(table) => table,
    };
    let (table, stamp) = figures(table, args, session)?;
    match args.format {
        ExportFormat::Csv => file.write_all(table.to_csv(&stamp)?.as_bytes())?,
        ExportFormat::Json => {
            serde_json::to_writer_pretty(&mut file, &table.to_json(&stamp))?;
            file.write_all(b"\n")?;
        }
    }
    file.flush()?;
    Ok(table.rows.len() as u64)
}

/// A table of figures under the filter, and its stamp.
fn figures(
    table: FigureTable,
    args: &ExportArgs,
    session: &Session,
) -> anyhow::Result<(Table, Stamp)> {
    let filter = args.filter.filter();
    let report = session.ask(|reply| Command::Report(Box::new(filter.clone()), reply))??;
    let stamp = Stamp {
        mode: session.settings.mode.slug().to_owned(),
        origin: match session.settings.mode {
            Mode::Embedded => Origin::Simulated,
            Mode::Live => Origin::Cluster,
        },
        filter: filter.clone(),
        reference_date: report.reference_date,
    };
    let table = match table {
        FigureTable::Products => {
            let filter = Box::new(filter);
            products_table(&session.ask(|reply| Command::Products(filter, reply))??)
        }
        FigureTable::Customers => {
            let query = Box::new(CustomerQuery {
                filter,
                pick: pick(args, &report)?,
                ..CustomerQuery::default()
            });
            customers_table(&session.ask(|reply| Command::Customers(query, reply))??)
        }
        FigureTable::Together => {
            let query = Box::new(TogetherQuery {
                filter,
                limit: PAIRS_MAX,
                ..TogetherQuery::default()
            });
            together_table(&session.ask(|reply| Command::Together(query, reply))??)
        }
        FigureTable::Panel(panel) => panel_table(&report, panel),
    };
    Ok((table, stamp))
}

/// The customers that are asked for; a segment that there is not is refused.
fn pick(args: &ExportArgs, report: &Report) -> anyhow::Result<CustomerPick> {
    let Some(name) = &args.segment else {
        return Ok(CustomerPick::All);
    };
    let segments = report.named_segments.iter();
    let known: Vec<String> = segments.map(|segment| segment.name.clone()).collect();
    if !known.contains(name) {
        let name = name.clone();
        return Err(ExportArgsError::UnknownSegment { name, known }.into());
    }
    Ok(CustomerPick::Segment(name.clone()))
}

fn derived(session: &Session, table: &str, sink: &mut Sink<impl Write>) -> anyhow::Result<()> {
    let rows = session.ask(|reply| Command::Table(table.to_owned(), reply))??;
    for row in rows.rows.into_values() {
        match serde_json::from_str(&row)? {
            Value::Object(row) => sink.row(&row)?,
            other => bail!("{table} has a row that is no object: {other}"),
        }
    }
    Ok(())
}

fn rejects(session: &Session, sink: &mut Sink<impl Write>) -> anyhow::Result<()> {
    session.visit_rejects(RejectQuery::default(), |rows| {
        for row in rows {
            if let Value::Object(row) = serde_json::to_value(row)? {
                sink.row(&row)?;
            }
        }
        Ok(())
    })
}

fn lines(session: &Session, table: LineTable, sink: &mut Sink<impl Write>) -> anyhow::Result<()> {
    let (buckets, scanned) = bounded(BUCKETS_IN_FLIGHT);
    let scope = BucketScope::all(table);
    let answer = session.engine.ask(|reply| Command::Lines {
        scope,
        buckets,
        reply,
    });
    put_lines(&scanned, session.engine.catalog(), sink)?;
    Ok(answer.wait()??)
}

fn put_lines(
    scanned: &Receiver<(BucketKey, Vec<StoredLine>)>,
    catalog: &Catalog,
    sink: &mut Sink<impl Write>,
) -> anyhow::Result<()> {
    for (key, lines) in scanned {
        let country = catalog.country_name(key.country).unwrap_or_default();
        for line in lines {
            let product = catalog.product_name(line.product);
            let product = product.as_deref();
            let customer = line.customer.and_then(|id| catalog.customer_name(id));
            let values = [
                json!(line.invoice_no.as_str()),
                json!(product.map(|p| p.stock_code.as_str())),
                json!(product.map(|p| p.description.as_str())),
                json!(line.quantity),
                json!(line.invoice_time),
                json!(line.unit_price),
                json!(customer.as_deref()),
                json!(country.as_str()),
            ];
            let names = LINE_COLUMNS.into_iter().map(str::to_owned);
            sink.row(&names.zip(values).collect())?;
        }
    }
    Ok(())
}

/// Rows to a file, one at a time. The first row names the columns.
struct Sink<W: Write> {
    form: Form<W>,
    rows: u64,
}

enum Form<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Json(W),
}

impl<W: Write> Sink<W> {
    fn new(out: W, format: ExportFormat) -> Self {
        let form = match format {
            ExportFormat::Csv => Form::Csv(Box::new(csv::Writer::from_writer(out))),
            ExportFormat::Json => Form::Json(out),
        };
        Self { form, rows: 0 }
    }

    fn row(&mut self, row: &Map<String, Value>) -> anyhow::Result<()> {
        match &mut self.form {
            Form::Csv(out) => {
                if self.rows == 0 {
                    out.write_record(row.keys())?;
                }
                out.write_record(row.values().map(cell))?;
            }
            Form::Json(out) => {
                out.write_all(if self.rows == 0 { b"[\n" } else { b",\n" })?;
                serde_json::to_writer(out, row)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn end(self) -> anyhow::Result<u64> {
        match self.form {
            Form::Csv(mut out) => out.flush()?,
            Form::Json(mut out) => {
                out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
                out.flush()?;
            }
        }
        Ok(self.rows)
    }
}

/// A value as a cell: text that is no number neutralised, nothing for null.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.parse::<rust_decimal::Decimal>().is_ok() => text.clone(),
        Value::String(text) => neutral(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: ExportFormat, rows: &[Value]) -> String {
        let mut out = Vec::new();
        let mut sink = Sink::new(&mut out, format);
        for row in rows {
            sink.row(row.as_object().unwrap()).unwrap();
        }
        assert_eq!(sink.end().unwrap(), rows.len() as u64);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_file_has_a_header_exact_money_and_no_formula() {
        let rows = [
            json!({"name": "=1+1", "amount": "-2.500", "country": null}),
            json!({"name": "a", "amount": "3.000", "country": "EIRE"}),
        ];
        assert_eq!(
            written(ExportFormat::Csv, &rows),
            "name,amount,country\n'=1+1,-2.500,\na,3.000,EIRE\n"
        );
        let text = written(ExportFormat::Json, &rows);
        assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap(), rows);
        assert_eq!(written(ExportFormat::Json, &[]), "[]\n");
    }
}
