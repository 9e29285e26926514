//! `analytics`: writes the tables that other programs read.

use crate::flow::{Roles, Tables};
use crate::handle::Command;
use serde_json::{Map, Value, json};

use crate::cli::args::{GlobalArgs, LastingArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table, grouped};
use crate::cli::session::Session;

/// The derived tables.
pub(crate) const TABLES: [&str; 3] = ["customer_analytics", "product_analytics", "country_metrics"];

/// Writes the tables now.
pub(crate) fn run(
    args: &LastingArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<Exit> {
    let roles = Roles {
        tables: Tables::Written,
        ..Roles::none()
    };
    let session = Session::open(global, Vec::new(), roles)?;
    if args.follow {
        session.run_until_interrupted()?;
    }
    session.ask_in_the_end(Command::Materialise)??;
    let mut rows = Vec::new();
    for table in TABLES {
        let written = session.ask_in_the_end(|reply| Command::Table(table.to_owned(), reply))??;
        rows.push((table, written.rows.len() as u64));
    }
    let mode = session.settings.mode;
    session.close()?;
    let tables: Map<String, Value> = rows
        .iter()
        .map(|(table, rows)| ((*table).to_owned(), json!({ "rows": rows })))
        .collect();
    output.result(&json!({ "mode": mode, "tables": tables }), || {
        let mut text = Table::new(&[("TABLE", Align::Left), ("ROWS", Align::Right)]);
        for (table, rows) in &rows {
            text.row([(*table).to_owned(), grouped(*rows)]);
        }
        text.text()
    })?;
    Ok(Exit::Done)
}
