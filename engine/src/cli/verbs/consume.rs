//! `consume`: from the topics into the data centres, until nothing is left.

use std::collections::BTreeMap;

use crate::flow::{Roles, Tables};
use crate::handle::{Command, PartitionView, Snapshot};
use crate::model::{PerDc, Reading, Region, RowsDigest, Topic};
use serde_json::json;

use crate::cli::args::{ConsumeArgs, GlobalArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Output, add, grouped};
use crate::cli::session::Session;
use crate::cli::shapes::{stored_json, stored_text};

/// Consumes what is in the log.
pub(crate) fn run(
    args: &ConsumeArgs,
    global: &GlobalArgs,
    output: &Output,
) -> anyhow::Result<Exit> {
    let topics = args.topics();
    let roles = Roles {
        consume: topics.clone(),
        tables: Tables::LeftToOthers,
        ..Roles::all()
    };
    let session = Session::open(global, Vec::new(), roles)?;
    let began = session.elapsed();
    if args.lasting.follow {
        session.run_until_interrupted()?;
    } else {
        session.ask(Command::Drain)??;
    }
    session.ask_in_the_end(Command::Materialise)??;
    let seconds = session.elapsed().saturating_sub(began).as_secs_f64();
    let snapshot = session.fresh_snapshot()?;
    let mode = session.settings.mode;
    session.close()?;
    let wanted = |region: &Region| topics.contains(&Topic::Lines(*region));
    let regions: BTreeMap<_, _> = Region::ALL
        .into_iter()
        .filter(wanted)
        .map(|region| {
            let view = &snapshot.regions[region];
            let value = json!({
                "written": view.written,
                "new": view.new,
                "lag": view.lag.known(),
            });
            (region.slug(), value)
        })
        .collect();
    let of_topics = |view: &&PartitionView| topics.contains(&view.partition.topic);
    let lags = snapshot.partitions.iter().filter(of_topics);
    let lag: Option<u64> = lags.map(|view| view.lag.known()).sum();
    let stored = stored(&snapshot);
    let value = json!({
        "mode": mode,
        "regions": regions,
        "lag": lag,
        "stored": stored_json(&stored),
        "seconds": seconds,
    });
    output.result(&value, || {
        let mut text = String::new();
        for region in Region::ALL.into_iter().filter(wanted) {
            let view = &snapshot.regions[region];
            let (written, new) = (grouped(view.written), grouped(view.new));
            add(
                &mut text,
                format_args!("{region}: {written} lines written, {new} new\n"),
            );
        }
        let lag = lag.map_or_else(|| "Unknown".to_owned(), grouped);
        add(
            &mut text,
            format_args!("Lag {lag} lines, {seconds:.2} s\n\n"),
        );
        text.push_str(&stored_text(&stored));
        text
    })?;
    Ok(if lag == Some(0) {
        Exit::Done
    } else {
        Exit::DoesNotClose
    })
}

/// What the data centres hold, by a snapshot.
pub(crate) fn stored(snapshot: &Snapshot) -> PerDc<Reading<RowsDigest>> {
    PerDc::from_fn(|dc| match &snapshot.store {
        Some(store) => store.dcs[dc].rows.clone(),
        None => Reading::Unknown("nothing was measured yet".to_owned()),
    })
}
