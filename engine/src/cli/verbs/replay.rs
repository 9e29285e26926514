//! `replay`: move a consumer group and consume again, after the plan was seen.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};

use crate::flow::{Begin, ReplayRequest, Roles};
use crate::handle::{Command, Engine};
use crate::model::{Offset, Partition, Topic, TopicPartition};
use crate::replay::file;
use crate::replay::plan::{Confirmation, Plan, Strategy};
use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::cli::args::{GlobalArgs, ReplayArgs, ReplayTo};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table};

/// Plans a replay, shows it, and carries it out when that was asked for.
pub(crate) fn run(args: &ReplayArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let settings = global.sources(Vec::new()).load()?.settings;
    let partitions = settings.log.partitions;
    let roles = if args.dry_run {
        Roles::none()
    } else {
        // Held while the plan is looked at: it is refused when the group moves meanwhile.
        Roles {
            begin: Begin::Held,
            ..Roles::all()
        }
    };
    let engine = Engine::open(settings, roles)?;
    let plan = match request(args, partitions)? {
        Some(request) => {
            let ask = |reply| Command::PlanReplay(Box::new(request), reply);
            engine.ask(ask).wait()??
        }
        None => engine.ask(Command::PlanUndo).wait()??,
    };
    let Some(topic) = plan.rows.first().map(|row| row.partition.topic) else {
        bail!("the plan names no partition");
    };
    if args.dry_run {
        output.result(&value(&plan, topic, None), || human(&plan, topic))?;
        return Ok(Exit::Done);
    }
    if !args.yes && !is_confirmed(&plan, topic)? {
        bail!("nothing was moved");
    }
    if args.undo {
        // The group is held, so this is the plan that was looked at.
        engine.ask(Command::UndoReplay).wait()??;
    } else {
        let ask = |reply| Command::ApplyReplay(Box::new(plan.clone()), reply);
        engine.ask(ask).wait()??;
    }
    engine.send(Command::ResumeConsumers)?;
    engine.ask(Command::Drain).wait()??;
    output.result(&value(&plan, topic, Some(0)), || {
        format!(
            "{}\nMoved, and everything is consumed again\n",
            human(&plan, topic)
        )
    })?;
    Ok(Exit::Done)
}

/// What to plan; `None` for undoing the last replay.
fn request(args: &ReplayArgs, partitions: u16) -> anyhow::Result<Option<ReplayRequest>> {
    let Some(to) = &args.to else {
        return Ok(None);
    };
    let topic = match (args.topic, args.region) {
        (Some(topic), _) => topic,
        (None, Some(region)) => Topic::Lines(region),
        (None, None) => bail!("name a region or a topic"),
    };
    Ok(Some(ReplayRequest {
        topic,
        partition: args.partition.map(Partition),
        strategy: strategy(to, topic, partitions)?,
    }))
}

fn strategy(to: &ReplayTo, topic: Topic, partitions: u16) -> anyhow::Result<Strategy> {
    Ok(match to {
        ReplayTo::Earliest => Strategy::Earliest,
        ReplayTo::Latest => Strategy::Latest,
        ReplayTo::Time(at) => Strategy::Time(*at),
        ReplayTo::Forward(lines) => Strategy::Forward(*lines),
        ReplayTo::Back(lines) => Strategy::Back(*lines),
        ReplayTo::Load(load) => Strategy::LoadStart(*load),
        ReplayTo::Offset(offset) => {
            let everywhere: BTreeMap<_, _> = (0..partitions)
                .map(|n| (TopicPartition::new(topic, n), Offset(*offset)))
                .collect();
            Strategy::Absolute(everywhere)
        }
        ReplayTo::File(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("the offsets cannot be read: {}", path.display()))?;
            let offsets = file::parse(&text).map_err(|error| {
                let remedy = error.remedy();
                anyhow::Error::new(error).context(format!("{} ({remedy})", path.display()))
            })?;
            Strategy::Absolute(offsets)
        }
    })
}

/// Asks on the terminal. Where there is none, nobody can have seen the plan.
fn is_confirmed(plan: &Plan, topic: Topic) -> anyhow::Result<bool> {
    let expected = match plan.confirmation() {
        Confirmation::NothingToDo => return Ok(true),
        Confirmation::Numbers => "yes",
        Confirmation::TypedName => topic.group(),
    };
    if !io::stdin().is_terminal() {
        bail!("a replay needs a person to confirm it; look at it with --dry-run, then add --yes");
    }
    let mut err = io::stderr().lock();
    writeln!(err, "{}", human(plan, topic))?;
    if plan.skipped > 0 {
        writeln!(err, "{} lines will never be stored.", plan.skipped)?;
    }
    write!(err, "Type {expected} to go on: ")?;
    err.flush()?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    Ok(typed.trim() == expected)
}

fn value(plan: &Plan, topic: Topic, lag: Option<u64>) -> Value {
    let rows: Vec<Value> = plan
        .rows
        .iter()
        .map(|row| {
            json!({
                "partition": row.partition.to_string(),
                "now": row.now,
                "after": row.after,
                "read_again": row.read_again,
                "skipped": row.skipped,
                "notes": row.notes,
            })
        })
        .collect();
    json!({
        "group": topic.group(),
        "applied": lag.is_some(),
        "partitions": rows,
        "read_again": plan.read_again,
        "skipped": plan.skipped,
        "bytes": plan.bytes,
        "takes_secs": plan.takes.map(|takes| takes.as_secs_f64()),
        "confirmation": plan.confirmation(),
        "lag": lag,
    })
}

fn human(plan: &Plan, topic: Topic) -> String {
    let mut table = Table::new(&[
        ("PARTITION", Align::Left),
        ("NOW", Align::Right),
        ("AFTER", Align::Right),
        ("READ AGAIN", Align::Right),
        ("SKIPPED", Align::Right),
    ]);
    for row in &plan.rows {
        let offset = |at: Option<u64>| at.map_or_else(|| "none".to_owned(), |at| at.to_string());
        table.row([
            row.partition.to_string(),
            offset(row.now.map(|at| at.0)),
            offset(row.after.map(|at| at.0)),
            row.read_again.to_string(),
            row.skipped.to_string(),
        ]);
    }
    format!(
        "Group {}: {} lines are read again, {} are skipped\n{}",
        topic.group(),
        plan.read_again,
        plan.skipped,
        table.text()
    )
}
