//! Carries out commands: at once, or on a thread of their own where they take long.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::Receiver;

use crate::flow::{Extent, Runtime, spawn};

use super::Command;

/// Carries out commands. What takes long runs on a thread of its own.
pub(super) fn control(runtime: &Arc<Runtime>, commands: &Receiver<Command>) {
    let mut tasks: Vec<JoinHandle<()>> = Vec::new();
    for command in commands {
        tasks.retain(|task| !task.is_finished());
        if let Some(task) = start(runtime, command) {
            tasks.push(task);
        }
    }
    for task in tasks {
        if task.join().is_err() {
            tracing::error!("a task ended with a panic");
        }
    }
}

/// Carries out a command at once, or starts its task.
#[expect(
    clippy::too_many_lines,
    reason = "a few lines for each command, and no more"
)]
fn start(runtime: &Arc<Runtime>, command: Command) -> Option<JoinHandle<()>> {
    let shared = Arc::clone(runtime);
    let task = |name: &str, work: Box<dyn FnOnce() + Send>| {
        spawn(name, work)
            .inspect_err(|error| tracing::error!(%error, "a command was not carried out"))
            .ok()
    };
    match command {
        Command::PauseLoad => shared.loads.gate().into_iter().for_each(|g| g.pause()),
        Command::ResumeLoad => shared.loads.gate().into_iter().for_each(|g| g.resume()),
        Command::CancelLoad => shared.loads.gate().into_iter().for_each(|g| g.stop()),
        Command::SetRate(rate) => shared.rate.set(rate),
        Command::PauseConsumers => shared.consuming.pause(),
        Command::ResumeConsumers => shared.consuming.resume(),
        Command::AcknowledgeAlert(id, reply) => reply.send(shared.acknowledge(id)),
        Command::MuteAlert(id, lasts) => shared.mute(id, lasts),
        Command::EndFault(id, reply) => {
            let (log, store) = (shared.log.as_ref(), shared.store.as_ref());
            reply.send(shared.faults.end(id, log, store));
        }
        Command::EndAllFaults(reply) => {
            let (log, store) = (shared.log.as_ref(), shared.store.as_ref());
            reply.send(shared.faults.end_all(log, store));
        }
        Command::StartFault {
            fault,
            lasts,
            by,
            reply,
        } => {
            let (log, store) = (shared.log.as_ref(), shared.store.as_ref());
            reply.send(shared.faults.start(fault, lasts, &by, log, store));
        }
        Command::Move {
            region,
            manual,
            reply,
        } => reply.send(shared.routes.command(region, manual)),
        Command::Load(request, reply) => {
            return task("load", Box::new(move || reply.send(shared.load(&request))));
        }
        Command::Drill(request, reply) => {
            return task(
                "drill",
                Box::new(move || reply.send(shared.told_drill(&request))),
            );
        }
        Command::PlanReplay(request, reply) => {
            let work = move || reply.send(shared.plan_replay(&request));
            return task("replay", Box::new(work));
        }
        Command::SamplePlan(plan, reply) => {
            let work = move || reply.send(shared.sample_plan(&plan));
            return task("sample", Box::new(work));
        }
        Command::ApplyReplay(plan, reply) => {
            let work = move || reply.send(shared.apply_replay(&plan));
            return task("replay", Box::new(work));
        }
        Command::PlanUndo(reply) => {
            return task("replay", Box::new(move || reply.send(shared.plan_undo())));
        }
        Command::UndoReplay(reply) => {
            return task("replay", Box::new(move || reply.send(shared.undo_replay())));
        }
        Command::Drain(reply) => {
            return task("drain", Box::new(move || reply.send(shared.drain_all())));
        }
        Command::Verify(reply) => {
            return task("verify", Box::new(move || reply.send(shared.verify())));
        }
        Command::Lens(query, reply) => {
            return task("lens", Box::new(move || reply.send(shared.lens(&query))));
        }
        Command::Rebuild(reply) => {
            return task("rebuild", Box::new(move || reply.send(shared.rebuild())));
        }
        Command::Repair(reply) => {
            return task("repair", Box::new(move || reply.send(shared.repair())));
        }
        Command::Report(filter, reply) => {
            let work = move || reply.send(shared.analytics.report(*filter));
            return task("report", Box::new(work));
        }
        Command::SetWeights(weights, reply) => {
            let work = move || reply.send(shared.analytics.weigh(weights));
            return task("weigh", Box::new(work));
        }
        Command::Materialise(reply) => {
            let work = move || reply.send(shared.analytics.materialise(Extent::Always));
            return task("materialise", Box::new(work));
        }
        Command::Table(table, reply) => {
            let work = move || reply.send(shared.table(&table));
            return task("table", Box::new(work));
        }
        Command::Lines {
            scope,
            buckets,
            reply,
        } => {
            let work = move || {
                let scanned = shared.lines(&scope, &buckets);
                drop(buckets);
                reply.send(scanned);
            };
            return task("lines", Box::new(work));
        }
        Command::Rejects(query, reply) => {
            let work = move || reply.send(shared.rejects(&query));
            return task("rejects", Box::new(work));
        }
        Command::Ledger(load, reply) => {
            // It asks the log about every partition, and ending a fault must not wait for that.
            let work = move || reply.send(shared.ledger_of(load).map(Box::new));
            return task("ledger", Box::new(work));
        }
        Command::CancelCheck => shared.checks.cancel(),
        Command::Routing(reply) => reply.send(shared.routing.view()),
        Command::Fixes(reply) => reply.send(shared.fixes()),
        Command::Reingested(reply) => reply.send(shared.reingested()),
        Command::Predict(faults, reply) => reply.send(shared.predict(&faults)),
        Command::CancelDrill(reply) => reply.send(shared.cancel_drill()),
        Command::DrillRecords(reply) => reply.send(shared.drill_records()),
        Command::AddFix(rule, reply) => reply.send(shared.add_fix(*rule)),
        Command::UndoFix(id, reply) => reply.send(shared.undo_fix(id)),
        Command::Preview(request, rows, reply) => {
            let work = move || reply.send(shared.preview(&request, rows));
            return task("preview", Box::new(work));
        }
        Command::Check(request, reply) => {
            let work = move || reply.send(shared.check(&request).map(Box::new));
            return task("check", Box::new(work));
        }
        Command::AssignCountry {
            country,
            region,
            reply,
        } => {
            let work = move || reply.send(shared.assign_country(&country, region));
            return task("routing", Box::new(work));
        }
        Command::UndoRouting(reply) => {
            return task(
                "routing",
                Box::new(move || reply.send(shared.undo_routing())),
            );
        }
        Command::SetRouting(map, reply) => {
            let work = move || reply.send(shared.set_routing(*map));
            return task("routing", Box::new(work));
        }
        Command::RejectPage(filter, reply) => {
            let work = move || reply.send(shared.reject_page(&filter));
            return task("rejects", Box::new(work));
        }
        Command::FixEffect(rule, rules, reply) => {
            let work = move || reply.send(shared.fix_effect(*rule, &rules));
            return task("fixes", Box::new(work));
        }
        Command::PlanReingest(rules, reply) => {
            let work = move || reply.send(shared.plan_reingest(&rules));
            return task("fixes", Box::new(work));
        }
        Command::Reingest(plan, reply) => {
            let work = move || reply.send(shared.reingest(&plan));
            return task("reingest", Box::new(work));
        }
        Command::BrowseCost(request, reply) => {
            let work = move || reply.send(shared.browse_cost(&request));
            return task("browse", Box::new(work));
        }
        Command::Browse(request, reply) => {
            let work = move || reply.send(shared.browse(&request));
            return task("browse", Box::new(work));
        }
        Command::Passport(query, reply) => {
            let work = move || {
                let passport = shared.passport(query, &|| reply.is_wanted());
                reply.send(passport.map(Box::new));
            };
            return task("passport", Box::new(work));
        }
        Command::Customers(query, reply) => {
            let work = move || reply.send(shared.customers(*query));
            return task("customers", Box::new(work));
        }
        Command::OrderGrid(filter, breaks, reply) => {
            let work = move || reply.send(shared.order_grid(*filter, breaks));
            return task("order-grid", Box::new(work));
        }
        Command::Products(filter, reply) => {
            let work = move || reply.send(shared.products(*filter));
            return task("products", Box::new(work));
        }
        Command::Together(query, reply) => {
            let work = move || {
                let together = shared.together(*query, &|| reply.is_wanted());
                reply.send(together);
            };
            return task("together", Box::new(work));
        }
        Command::CustomerPage(number, reply) => {
            let work = move || {
                let page = shared.customer_page(&number, &|| reply.is_wanted());
                reply.send(page.map(|page| page.map(Box::new)));
            };
            return task("customer-page", Box::new(work));
        }
        Command::ProductPage(code, reply) => {
            let work = move || {
                let page = shared.product_page(&code, &|| reply.is_wanted());
                reply.send(page.map(|page| page.map(Box::new)));
            };
            return task("product-page", Box::new(work));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::question;
    use super::*;
    use crate::config::Settings;
    use crate::flow::Roles;
    use crate::model::LoadId;

    #[test]
    fn a_balance_sheet_does_not_hold_up_what_comes_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::in_dir(dir.path());
        settings.monitoring.port = 0;
        let ports = crate::wire::open(&settings).unwrap();
        let runtime = Runtime::start(settings, ports, Roles::none()).unwrap();
        let (reply, answer) = question();
        let task = start(&runtime, Command::Ledger(LoadId(1), reply));
        task.expect("it has a thread of its own").join().unwrap();
        assert_eq!(answer.wait(), Ok(None), "there is no such load");
        assert_eq!(runtime.stop(), Vec::<String>::new());
    }
}
