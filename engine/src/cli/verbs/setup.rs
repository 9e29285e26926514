//! `setup`: makes topics and tables, and lists what there is to set.

use std::io::{self, Write};

use crate::config::{SETTINGS, template};
use crate::flow::Roles;
use crate::handle::PartitionView;
use crate::model::{Dc, Topic};
use serde_json::json;

use super::analytics::TABLES;
use crate::cli::args::{GlobalArgs, SetupArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table};
use crate::cli::session::{self, Session};
use crate::wire;

/// Tables of rows; the derived ones come with the analytics.
const STORED: [&str; 3] = ["transactions", "returns", "quarantine"];

/// Prints the settings, as a list or as a file to start from.
pub(crate) fn list(args: &SetupArgs, output: &Output) -> anyhow::Result<Exit> {
    if args.template {
        io::stdout().lock().write_all(template().as_bytes())?;
        return Ok(Exit::Done);
    }
    let settings: Vec<_> = SETTINGS
        .iter()
        .map(|doc| {
            json!({
                "key": doc.key,
                "variable": doc.env,
                "default": doc.default,
                "expected": doc.kind.expected(),
                "secret": doc.is_secret(),
                "help": doc.help,
            })
        })
        .collect();
    output.result(&json!({ "settings": settings }), human)?;
    Ok(Exit::Done)
}

fn human() -> String {
    let mut table = Table::new(&[
        ("SETTING", Align::Left),
        ("VARIABLE", Align::Left),
        ("DEFAULT", Align::Left),
        ("MUST BE", Align::Left),
    ]);
    for doc in SETTINGS {
        table.row([
            doc.key.to_owned(),
            doc.env.to_owned(),
            doc.default.to_owned(),
            doc.kind.expected(),
        ]);
    }
    table.text()
}

/// Makes what is missing, and prints what is there.
pub(crate) fn run(global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let settings = session::settings(global, Vec::new())?;
    wire::setup(&settings)?;
    let session = Session::of(settings, global.verbosity(), Roles::none())?;
    let snapshot = session.fresh_snapshot()?;
    let data_dir = session.settings.data_dir.display().to_string();
    session.close()?;
    let partitions = |topic: Topic| {
        let of_topic = |view: &&PartitionView| view.partition.topic == topic;
        snapshot.partitions.iter().filter(of_topic).count()
    };
    let topics: Vec<_> = Topic::ALL
        .into_iter()
        .map(|topic| (topic.name(), partitions(topic), topic.group()))
        .collect();
    let stored = STORED.into_iter().chain(TABLES);
    let value = json!({
        "mode": snapshot.mode,
        "data_dir": data_dir,
        "topics": topics
            .iter()
            .map(|(name, partitions, group)| {
                json!({ "name": name, "partitions": partitions, "group": group })
            })
            .collect::<Vec<_>>(),
        "data_centres": Dc::ALL.map(Dc::name),
        "tables": stored.clone().collect::<Vec<_>>(),
    });
    output.result(&value, || {
        let mut table = Table::new(&[
            ("TOPIC", Align::Left),
            ("PARTITIONS", Align::Right),
            ("CONSUMER GROUP", Align::Left),
        ]);
        for (name, partitions, group) in &topics {
            table.row([
                (*name).to_owned(),
                partitions.to_string(),
                (*group).to_owned(),
            ]);
        }
        format!(
            "Mode {}, data in {data_dir}\n\n{}\nData centres: {}\nTables: {}\n",
            snapshot.mode.slug(),
            table.text(),
            Dc::ALL.map(Dc::name).join(", "),
            stored.collect::<Vec<_>>().join(", "),
        )
    })?;
    Ok(Exit::Done)
}
