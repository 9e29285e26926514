//! `fix`: mend rows that were set aside, and send them through the pipeline once more.

use crate::clean::Rules;
use crate::flow::{Fix, FixEffect, FixRule, Reingested, RejectKey, Roles};
use crate::handle::Command;
use serde_json::json;

use crate::cli::args::GlobalArgs;
use crate::cli::args::fix::{FixAct, FixArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table, add, grouped, money};
use crate::cli::session::Session;

/// Carries one act out.
pub(crate) fn run(args: &FixArgs, global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let roles = match args.act {
        FixAct::Send { dry_run: false } => Roles::all(),
        _ => Roles::none(),
    };
    let session = Session::open(global, Vec::new(), roles)?;
    let exit = match &args.act {
        FixAct::Row(row) => {
            let key = RejectKey {
                load: row.load,
                row: row.row,
            };
            let rule = FixRule::Field {
                row: key,
                column: row.column,
                to: row.to.clone(),
            };
            put(&session, rule, output)?
        }
        FixAct::Whole(whole) => {
            let rule = FixRule::Row {
                row: RejectKey {
                    load: whole.load,
                    row: whole.row,
                },
                fields: whole.to.0.clone(),
            };
            put(&session, rule, output)?
        }
        FixAct::Alike(alike) => {
            let rule = FixRule::Alike {
                load: alike.load,
                reason: alike.reason,
                column: alike.column,
                from: alike.from.clone(),
                to: alike.to.clone(),
            };
            put(&session, rule, output)?
        }
        FixAct::List => list(&session, output)?,
        FixAct::Undo { fix } => {
            let undone = session.ask(|reply| Command::UndoFix(*fix, reply))??;
            let value = json!({ "mode": session.settings.mode, "undone": undone });
            output.result(&value, || format!("Fix {} is taken back.\n", undone.id.0))?;
            Exit::Done
        }
        FixAct::Send { dry_run } => send(&session, *dry_run, output)?,
    };
    session.close()?;
    Ok(exit)
}

/// Records a fix, after saying what it does.
fn put(session: &Session, rule: FixRule, output: &Output) -> anyhow::Result<Exit> {
    let rules = Rules::builtin()?;
    let effect =
        session.ask(|reply| Command::FixEffect(Box::new(rule.clone()), rules, reply))??;
    if effect.rows == 0 {
        let value = json!({ "mode": session.settings.mode, "fix": null, "effect": effect });
        output.result(&value, || {
            "No row is about that; nothing was recorded.\n".to_owned()
        })?;
        return Ok(Exit::Failed);
    }
    let fix = session.ask(|reply| Command::AddFix(Box::new(rule), reply))??;
    let value = json!({ "mode": session.settings.mode, "fix": fix, "effect": effect });
    output.result(&value, || {
        format!("Fix {} is recorded. {}", fix.id.0, said(&effect))
    })?;
    Ok(Exit::Done)
}

fn send(session: &Session, dry_run: bool, output: &Output) -> anyhow::Result<Exit> {
    let rules = Rules::builtin()?;
    let plan = session.ask(|reply| Command::PlanReingest(rules, reply))??;
    let mode = session.settings.mode;
    if dry_run {
        let value = json!({ "mode": mode, "sent": false, "plan": plan });
        output.result(&value, || said(&plan.effect))?;
        return Ok(Exit::Done);
    }
    let effect = plan.effect.clone();
    let end = session.ask(|reply| Command::Reingest(Box::new(plan), reply))??;
    let closed = end.ledger.is_closed();
    let value = json!({
        "mode": mode,
        "sent": true,
        "load_id": end.record.id.to_string(),
        "effect": effect,
        "new": end.ledger.new_lines(),
        "closed": closed,
    });
    output.result(&value, || {
        format!(
            "{}{} lines of load {} are new; its ledger {}.\n",
            said(&effect),
            grouped(end.ledger.new_lines()),
            end.record.id,
            if closed { "closes" } else { "does not close" },
        )
    })?;
    Ok(if closed {
        Exit::Done
    } else {
        Exit::DoesNotClose
    })
}

fn list(session: &Session, output: &Output) -> anyhow::Result<Exit> {
    let pending = session.ask(Command::Fixes)?;
    let sent = session.ask(Command::Reingested)?;
    let value = json!({ "mode": session.settings.mode, "pending": pending, "sent": sent });
    output.result(&value, || listed(&pending, &sent))?;
    Ok(Exit::Done)
}

fn listed(pending: &[Fix], sent: &[Reingested]) -> String {
    let mut text = String::new();
    if pending.is_empty() {
        add(&mut text, format_args!("No fix waits to be sent.\n"));
    } else {
        let mut table = Table::new(&[("FIX", Align::Right), ("WHAT", Align::Left)]);
        for fix in pending {
            table.row([fix.id.0.to_string(), rule_said(&fix.rule)]);
        }
        text += &table.text();
    }
    for done in sent {
        add(
            &mut text,
            format_args!(
                "{} fixes were sent as load {}: {} rows\n",
                done.fixes.len(),
                done.load,
                done.rows.len()
            ),
        );
    }
    text
}

/// A fix in words.
fn rule_said(rule: &FixRule) -> String {
    match rule {
        FixRule::Field { row, column, to } => format!(
            "{} of row {} of {}: {to:?}",
            column.name(),
            row.row.0,
            row.load
        ),
        FixRule::Row { row, .. } => format!("row {} of {} as a whole", row.row.0, row.load),
        FixRule::Alike {
            load,
            reason,
            column,
            from,
            to,
        } => {
            let of = load.map(|load| format!(" of {load}")).unwrap_or_default();
            let column = column.name();
            format!("{column} of all rows{of} set aside as {reason}: {from:?} to {to:?}")
        }
    }
}

/// What becomes of mended rows, in words.
fn said(effect: &FixEffect) -> String {
    let mut text = format!(
        "{} rows are mended: {} are new lines worth {}, {} are stored already.\n",
        grouped(effect.rows),
        grouped(effect.clean),
        money(effect.amount),
        grouped(effect.copies),
    );
    for (reason, rows) in effect.set_aside.iter() {
        add(
            &mut text,
            format_args!("{} are set aside again: {reason}\n", grouped(rows)),
        );
    }
    text
}
