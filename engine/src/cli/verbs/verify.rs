//! `verify`: reads every row of every data centre, each on its own, and compares.

use std::collections::BTreeMap;

use crate::analytics::tidy;
use crate::flow::Roles;
use crate::handle::Command;
use crate::model::PerDc;
use crate::ports::Comparison;
use serde_json::{Value, json};

use crate::cli::args::GlobalArgs;
use crate::cli::exit::Exit;
use crate::cli::output::{Output, add, grouped};
use crate::cli::session::Session;
use crate::cli::shapes::{reading_json, stored_json, stored_text};

/// Differing buckets that are listed; more are only counted.
const LISTED: usize = 100;

/// Compares the data centres.
pub(crate) fn run(global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let session = Session::open(global, Vec::new(), Roles::none())?;
    let found = session.ask(Command::Verify)??;
    let mode = session.settings.mode;
    session.close()?;
    let value = json!({
        "mode": mode,
        "converged": found.converged(),
        "buckets": found.buckets,
        "stored": stored_json(&found.stored),
        "amounts": amounts(&found),
        "unequal": found.unequal.len(),
        "unequal_buckets": unequal(&found),
        "drift": found.drift.len(),
    });
    output.result(&value, || text(&found))?;
    Ok(if found.converged() && found.drift.is_empty() {
        Exit::Done
    } else {
        Exit::DoesNotClose
    })
}

fn amounts(found: &Comparison) -> BTreeMap<&'static str, Value> {
    let amounts = found.amounts.iter();
    amounts
        .map(|(dc, amount)| (dc.name(), reading_json(&amount.clone().map(tidy))))
        .collect()
}

fn unequal(found: &Comparison) -> Vec<Value> {
    let digests = |digests: &PerDc<Option<_>>| -> BTreeMap<&'static str, Value> {
        let each = digests.iter();
        each.map(|(dc, digest)| (dc.name(), json!(digest)))
            .collect()
    };
    let listed = found.unequal.iter().take(LISTED);
    listed
        .map(|bucket| {
            json!({ "bucket": bucket.key.to_string(), "digests": digests(&bucket.digests) })
        })
        .collect()
}

fn text(found: &Comparison) -> String {
    let mut text = stored_text(&found.stored);
    let buckets = grouped(found.buckets);
    let verdict = if found.converged() {
        format!("\nAll data centres hold the same rows, compared over {buckets} buckets.\n")
    } else {
        let unequal = found.unequal.len();
        format!(
            "\nThe data centres differ in {unequal} of {buckets} buckets, or one cannot be read.\n  \
             help: retail-engine repair makes them equal\n"
        )
    };
    text.push_str(&verdict);
    for bucket in found.unequal.iter().take(10) {
        add(&mut text, format_args!("  differs: {}\n", bucket.key));
    }
    if found.drift.is_empty() {
        text.push_str("Every summary agrees with its rows.\n");
    } else {
        add(
            &mut text,
            format_args!(
                "{} summaries differ from their rows.\n  help: retail-engine repair builds them again\n",
                found.drift.len()
            ),
        );
    }
    text
}
