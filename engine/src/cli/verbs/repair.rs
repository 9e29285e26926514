//! `repair`: makes the data centres equal, and checks that they are.

use crate::flow::Roles;
use crate::handle::Command;
use serde_json::json;

use crate::cli::args::{GlobalArgs, RepairArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Output, grouped};
use crate::cli::session::Session;
use crate::cli::shapes::{stored_json, stored_text};

/// Repairs and compares.
pub(crate) fn run(args: &RepairArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let roles = if args.rebuild {
        Roles::all()
    } else {
        Roles::none()
    };
    let session = Session::open(global, Vec::new(), roles)?;
    let read_again = if args.rebuild {
        Some(session.ask(Command::Rebuild)??)
    } else {
        None
    };
    let done = session.ask(Command::Repair)??;
    let found = session.ask(Command::Verify)??;
    let mode = session.settings.mode;
    session.close()?;
    let equal = found.converged() && found.drift.is_empty();
    let value = json!({
        "mode": mode,
        "read_again": read_again,
        "repaired": done,
        "converged": found.converged(),
        "drift": found.drift.len(),
        "stored": stored_json(&found.stored),
    });
    output.result(&value, || {
        format!(
            "{} buckets compared, {} made equal, {} lines copied, {} summaries built again.\n\
             The data centres are {} now.\n\n{}",
            grouped(done.buckets_compared),
            grouped(done.buckets_repaired),
            grouped(done.lines_copied),
            grouped(done.summaries_rebuilt),
            if equal { "equal" } else { "not equal" },
            stored_text(&found.stored),
        )
    })?;
    Ok(if equal {
        Exit::Done
    } else {
        Exit::DoesNotClose
    })
}
