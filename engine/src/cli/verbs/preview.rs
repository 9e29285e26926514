//! `preview`: what a file says and how it would be read, by the reader of the load.

use std::sync::Arc;

use crate::clean::Rules;
use crate::intake::{Decision, Preview, PreviewOutcome, PreviewRow, preview};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::load::{read_options, routing_in_force};
use crate::cli::args::{GlobalArgs, PreviewArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table, add, grouped};
use crate::cli::session;

use anyhow::Context;

/// Shows the first rows of a file.
pub(crate) fn run(
    args: &PreviewArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<Exit> {
    let settings = session::settings(global, Vec::new())?;
    let routing = Arc::new(routing_in_force(&settings.data_dir)?);
    let options = read_options(&args.reading);
    let rules = Rules::builtin()?;
    let shown = preview(&args.file, &options, &rules, &routing, args.rows as usize)
        .with_context(|| args.file.display().to_string())?;
    output.result(&value(&shown), || text(&shown))?;
    Ok(Exit::Done)
}

fn value(shown: &Preview) -> Value {
    let plan = &shown.plan;
    let header: Map<String, Value> = plan
        .header
        .iter()
        .map(|cell| {
            let column = cell.column.map(crate::intake::Column::name);
            (cell.name.clone(), json!(column))
        })
        .collect();
    json!({
        "packing": plan.packing,
        "encoding": plan.encoding.value.name(),
        "delimiter": char::from(plan.delimiter.value.byte()).to_string(),
        "date_format": plan.date_order.value.name(),
        "decimal": plan.decimal.value.name(),
        "header": header,
        "basis": {
            "encoding": why(&plan.encoding),
            "delimiter": why(&plan.delimiter),
            "date_format": why(&plan.date_order),
            "decimal": why(&plan.decimal),
        },
        "rows": shown.rows,
        "warnings": plan.warnings,
        "head_rows": shown.head_rows,
        "head_clean": shown.head_clean,
        "head_set_aside": shown.head_set_aside,
        "whole_file": shown.whole_file,
    })
}

fn why<T: Serialize>(decision: &Decision<T>) -> Value {
    json!({ "basis": decision.basis, "evidence": decision.evidence })
}

fn text(shown: &Preview) -> String {
    let plan = &shown.plan;
    let mut text = format!(
        "Encoding   {}: {}\nDelimiter  {}: {}\nDates      {}: {}\nDecimals   {}: {}\n",
        plan.encoding.value.name(),
        plan.encoding.evidence,
        plan.delimiter.value.name(),
        plan.delimiter.evidence,
        plan.date_order.value.name(),
        plan.date_order.evidence,
        plan.decimal.value.name(),
        plan.decimal.evidence,
    );
    let mut header = Table::new(&[
        ("COLUMN OF THE FILE", Align::Left),
        ("READ AS", Align::Left),
    ]);
    for cell in &plan.header {
        let column = cell.column.map_or("not used", |column| column.name());
        header.row([cell.name.clone(), column.to_owned()]);
    }
    text.push('\n');
    text.push_str(&header.text());
    text.push('\n');
    text.push_str(&rows(&shown.rows));
    let scope = if shown.whole_file {
        "The whole file"
    } else {
        "The beginning of the file"
    };
    add(
        &mut text,
        format_args!(
            "\n{scope}: {} rows, {} clean, {} set aside\n",
            grouped(shown.head_rows),
            grouped(shown.head_clean),
            grouped(shown.head_set_aside.total()),
        ),
    );
    for (reason, rows) in shown.head_set_aside.iter() {
        add(&mut text, format_args!("  {reason}: {}\n", grouped(rows)));
    }
    for warning in &plan.warnings {
        add(&mut text, format_args!("warning: {}\n", warning.message));
    }
    text
}

fn rows(rows: &[PreviewRow]) -> String {
    let mut table = Table::new(&[
        ("ROW", Align::Right),
        ("GOES TO", Align::Left),
        ("INVOICE", Align::Left),
        ("CODE", Align::Left),
        ("QUANTITY", Align::Right),
        ("PRICE", Align::Right),
        ("TIME", Align::Left),
        ("CUSTOMER", Align::Left),
        ("COUNTRY", Align::Left),
    ]);
    let mut aside = String::new();
    for row in rows {
        match &row.outcome {
            PreviewOutcome::Clean { line, region } => table.row([
                row.row.0.to_string(),
                region.to_string(),
                line.invoice_no.to_string(),
                line.stock_code.to_string(),
                line.quantity.to_string(),
                line.unit_price.to_string(),
                line.invoice_time.to_string(),
                line.customer.as_deref().unwrap_or("-").to_owned(),
                line.country.to_string(),
            ]),
            PreviewOutcome::SetAside(reject) => {
                let (line, reason) = (reject.line, reject.reason);
                add(
                    &mut aside,
                    format_args!("set aside, line {line}, {reason}: {}\n", reject.raw),
                );
            }
        }
    }
    table.text() + &aside
}
