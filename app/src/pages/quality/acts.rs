//! What is done about rows: fixes on record, regions for countries, the re-ingest, and taking
//! back.

use std::collections::BTreeSet;
use std::sync::Arc;

use retail_engine::clean::Rules;
use retail_engine::flow::{
    Fix, FixId, FixRule, LoadEnd, QuarantineError, ReingestPlan, Reingested, RouteChange,
    RouteError, RoutingView,
};
use retail_engine::handle::Command;
use retail_engine::model::{LoadId, Region};
use retail_engine::route::RoutingMap;

use crate::link::Pending;
use crate::notices::Notices;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::views::load::args as load;
use crate::views::{format, quality};
use crate::widgets::{Confirm, Decision};

/// Something that Ctrl+Z takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Fix(FixId),
    Route,
}

/// An act under way.
enum Doing {
    Add(Pending<Result<Fix, QuarantineError>>, ActId),
    Undo(Pending<Result<Fix, QuarantineError>>, ActId),
    Assign(Pending<Result<RouteChange, RouteError>>, ActId),
    Unassign(Pending<Result<RouteChange, RouteError>>, ActId),
    Reingest(Box<Pending<Result<LoadEnd, QuarantineError>>>, ActId),
}

impl Doing {
    /// The act, if no answer will come.
    const fn not_carried_out(&self) -> Option<ActId> {
        let (is_over, act) = match self {
            Self::Add(pending, act) | Self::Undo(pending, act) => (is_over(pending), *act),
            Self::Assign(pending, act) | Self::Unassign(pending, act) => (is_over(pending), *act),
            Self::Reingest(pending, act) => (is_over(pending), *act),
        };
        if is_over { Some(act) } else { None }
    }
}

const fn is_over<T>(pending: &Pending<T>) -> bool {
    matches!(pending, Pending::Idle | Pending::Gone(_))
}

/// What is done and was done.
pub(super) struct Acts {
    /// `None` if those that are built in cannot be read, which is told.
    rules: Option<Rules>,
    /// The rules of the load that is looked at, where they are known.
    of_load: Option<Rules>,
    /// Fixes that are not produced, oldest first.
    pub(super) fixes: Vec<Fix>,
    asked_fixes: Pending<Vec<Fix>>,
    reingested: Vec<Reingested>,
    asked_reingested: Pending<Vec<Reingested>>,
    /// Loads that there were when that was asked.
    loads: usize,
    routing: Option<Arc<RoutingMap>>,
    asked_routing: Pending<RoutingView>,
    is_started: bool,
    doing: Vec<Doing>,
    done: Vec<Done>,
    planning: Pending<Result<ReingestPlan, QuarantineError>>,
    plan: Option<(ReingestPlan, Vec<String>)>,
    typed: String,
    /// Counted up by everything that changes rows or what fixes do.
    pub(super) edits: u64,
    /// Counted up when the routing map changes.
    pub(super) routes: u64,
}

impl Default for Acts {
    fn default() -> Self {
        Self {
            rules: None,
            of_load: None,
            fixes: Vec::new(),
            asked_fixes: Pending::Idle,
            reingested: Vec::new(),
            asked_reingested: Pending::Idle,
            loads: 0,
            routing: None,
            asked_routing: Pending::Idle,
            is_started: false,
            doing: Vec::new(),
            done: Vec::new(),
            planning: Pending::Idle,
            plan: None,
            typed: String::new(),
            edits: 0,
            routes: 0,
        }
    }
}

impl Acts {
    /// The rules that mended rows are read by: those of the load that set them aside, or those
    /// that are built in where several loads are looked at.
    pub(super) fn rules(&self) -> Option<Rules> {
        self.of_load.or(self.rules)
    }

    /// Says by which rules the load was read that is looked at.
    pub(super) const fn read_by(&mut self, rules: Option<Rules>) {
        self.of_load = rules;
    }

    /// The routing map, once it is known.
    pub(super) fn routing(&self) -> Option<Arc<RoutingMap>> {
        self.routing.clone()
    }

    /// Whether a load was made of mended rows.
    pub(super) fn is_mended_load(&self, load: LoadId) -> bool {
        self.reingested.iter().any(|done| done.load == load)
    }

    /// Loads that were made of mended rows.
    pub(super) fn mended_loads(&self) -> BTreeSet<LoadId> {
        self.reingested.iter().map(|done| done.load).collect()
    }

    /// Why nothing can be sent again now.
    pub(super) fn reingest_blocked(&self) -> Option<&'static str> {
        if self.is_reingesting() {
            Some("mended rows are being sent")
        } else if self.planning.waiting().is_some() {
            Some("the plan is being made")
        } else if self.fixes.is_empty() {
            Some("nothing is fixed yet")
        } else {
            None
        }
    }

    /// Whether mended rows are on their way.
    pub(super) fn is_reingesting(&self) -> bool {
        let mut doing = self.doing.iter();
        doing.any(|doing| matches!(doing, Doing::Reingest(..)))
    }

    /// Takes answers that have come.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        if !self.is_started {
            self.is_started = true;
            match Rules::builtin() {
                Ok(rules) => self.rules = Some(rules),
                Err(error) => cx.notices.push(error.to_string(), None),
            }
            self.ask_all(cx);
        }
        // A new load may be one of mended rows, sent from anywhere.
        if self.loads != cx.snapshot.loads.len() {
            self.loads = cx.snapshot.loads.len();
            self.asked_reingested = cx.link.ask(Command::Reingested);
        }
        self.asked_fixes.poll(cx.ctx);
        if let Some(fixes) = self.asked_fixes.take() {
            self.fixes = fixes;
        }
        self.asked_reingested.poll(cx.ctx);
        if let Some(done) = self.asked_reingested.take() {
            self.reingested = done;
        }
        self.asked_routing.poll(cx.ctx);
        if let Some(view) = self.asked_routing.take() {
            let version = self.routing.as_ref().map(|map| map.version());
            if version.is_some_and(|version| version != view.map.version()) {
                self.routes += 1;
            }
            self.routing = Some(view.map);
        }
        self.planning.poll(cx.ctx);
        match self.planning.take() {
            None => {}
            Some(Ok(plan)) => {
                let lines = quality::plan_lines(&plan);
                self.plan = Some((plan, lines));
                // A name that was typed for the plan before does not stand for this one.
                self.typed.clear();
            }
            Some(Err(error)) => tell(cx.notices, &error),
        }
        for doing in std::mem::take(&mut self.doing) {
            if let Some(act) = doing.not_carried_out() {
                // It was refused, which is told, or the engine is gone.
                let why = "it was not carried out".to_owned();
                cx.runbook.end(act, Outcome::Failed(why));
            } else {
                self.step(doing, cx);
            }
        }
    }

    fn ask_all(&mut self, cx: &Cx<'_>) {
        self.asked_fixes = cx.link.ask(Command::Fixes);
        self.asked_reingested = cx.link.ask(Command::Reingested);
        self.asked_routing = cx.link.ask(Command::Routing);
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        self.edits += 1;
        self.ask_all(cx);
    }

    fn step(&mut self, doing: Doing, cx: &mut Cx<'_>) {
        match doing {
            Doing::Add(mut pending, act) => {
                pending.poll(cx.ctx);
                match pending.take() {
                    None => self.doing.push(Doing::Add(pending, act)),
                    Some(Ok(fix)) => {
                        self.done.push(Done::Fix(fix.id));
                        let told = format!("fix {} is on record", fix.id.0);
                        cx.runbook.end(act, Outcome::Done(told));
                        self.changed(cx);
                    }
                    Some(Err(error)) => fail(cx, act, &error),
                }
            }
            Doing::Undo(mut pending, act) => {
                pending.poll(cx.ctx);
                match pending.take() {
                    None => self.doing.push(Doing::Undo(pending, act)),
                    Some(Ok(fix)) => {
                        self.done.retain(|done| *done != Done::Fix(fix.id));
                        let words = quality::fix_words(&fix.rule);
                        cx.notices.done(format!("Taken back: {words}"));
                        let told = format!("fix {} is taken back", fix.id.0);
                        cx.runbook.end(act, Outcome::Done(told));
                        self.changed(cx);
                    }
                    Some(Err(error)) => fail(cx, act, &error),
                }
            }
            Doing::Assign(mut pending, act) => {
                pending.poll(cx.ctx);
                match pending.take() {
                    None => self.doing.push(Doing::Assign(pending, act)),
                    Some(answer) => self.routed(answer, Route::Assigned, act, cx),
                }
            }
            Doing::Unassign(mut pending, act) => {
                pending.poll(cx.ctx);
                match pending.take() {
                    None => self.doing.push(Doing::Unassign(pending, act)),
                    Some(answer) => self.routed(answer, Route::TakenBack, act, cx),
                }
            }
            Doing::Reingest(mut pending, act) => {
                pending.poll(cx.ctx);
                match pending.take() {
                    None => self.doing.push(Doing::Reingest(pending, act)),
                    Some(Ok(end)) => {
                        self.done.retain(|done| !matches!(done, Done::Fix(_)));
                        reingested(&end, act, cx);
                        self.changed(cx);
                    }
                    Some(Err(error)) => {
                        fail(cx, act, &error);
                        self.changed(cx);
                    }
                }
            }
        }
    }

    fn routed(
        &mut self,
        answer: Result<RouteChange, RouteError>,
        route: Route,
        act: ActId,
        cx: &mut Cx<'_>,
    ) {
        let change = match answer {
            Ok(change) => change,
            Err(error) => {
                let remedy = Some(error.remedy().to_owned());
                cx.notices.push(error.to_string(), remedy);
                cx.runbook.end(act, Outcome::Failed(error.to_string()));
                return;
            }
        };
        let told = match change.to {
            Some(region) => format!(
                "{} goes to {} in loads from now on",
                change.country,
                region.name()
            ),
            None => format!("{} is on no region again", change.country),
        };
        match route {
            Route::Assigned => self.done.push(Done::Route),
            Route::TakenBack => {}
        }
        cx.notices.done(told.clone());
        cx.runbook.end(act, Outcome::Done(told));
        self.routes += 1;
        self.ask_all(cx);
    }

    /// Puts a fix on record.
    pub(super) fn add(&mut self, rule: FixRule, rows: u64, cx: &mut Cx<'_>) {
        let (words, rows) = (quality::fix_words(&rule), quality::rows_words(rows));
        let what = format!("Fix {rows}: {words}");
        let args = quality::fix_args(&rule);
        let act = cx.runbook.begin(cx.snapshot.at, what, Some(args));
        let pending = cx.link.ask(|reply| Command::AddFix(Box::new(rule), reply));
        self.doing.push(Doing::Add(pending, act));
    }

    /// Takes a fix back.
    pub(super) fn undo_fix(&mut self, id: FixId, cx: &mut Cx<'_>) {
        let known = self.fixes.iter().find(|fix| fix.id == id);
        let words = known.map_or_else(String::new, |fix| quality::fix_words(&fix.rule));
        let what = format!("Take back fix {}: {words}", id.0);
        let args = ["fix", "undo", &id.0.to_string()].map(str::to_owned);
        let act = cx.runbook.begin(cx.snapshot.at, what, Some(args.into()));
        let pending = cx.link.ask(|reply| Command::UndoFix(id, reply));
        self.doing.push(Doing::Undo(pending, act));
    }

    /// Gives a country a region.
    pub(super) fn assign(&mut self, country: &str, region: Region, cx: &mut Cx<'_>) {
        let what = format!("Route {country} to {}", region.name());
        let args = load::assign_args(country, region);
        let act = cx.runbook.begin(cx.snapshot.at, what, Some(args));
        let country = country.to_owned();
        let pending = cx.link.ask(|reply| Command::AssignCountry {
            country,
            region,
            reply,
        });
        self.doing.push(Doing::Assign(pending, act));
    }

    /// Takes the last act back that can be.
    pub(super) fn undo(&mut self, cx: &mut Cx<'_>) {
        match self.done.pop() {
            Some(Done::Fix(id)) => self.undo_fix(id, cx),
            Some(Done::Route) => {
                let what = "Take back the last change of the routing map";
                let args = load::UNDO_ROUTING.map(str::to_owned);
                let act = cx.runbook.begin(cx.snapshot.at, what, Some(args.into()));
                let pending = cx.link.ask(Command::UndoRouting);
                self.doing.push(Doing::Unassign(pending, act));
            }
            // After a restart: what is on record can be taken back all the same.
            None => match self.fixes.last().map(|fix| fix.id) {
                Some(id) => self.undo_fix(id, cx),
                None => cx.notices.done(
                    "Nothing here can be taken back: lines that are produced stay".to_owned(),
                ),
            },
        }
    }

    /// Makes the plan that is shown before mended rows are sent.
    pub(super) fn plan(&mut self, cx: &Cx<'_>) {
        if let Some(rules) = self.rules() {
            self.planning = cx.link.ask(|reply| Command::PlanReingest(rules, reply));
        }
    }

    /// Asks whether the plan is carried out.
    pub(super) fn confirm_ui(&mut self, cx: &mut Cx<'_>) {
        let Some((plan, lines)) = &self.plan else {
            return;
        };
        let rows = quality::rows_words(plan.effect.rows);
        let act = format!("Re-ingest {rows}");
        let busy = cx.snapshot.load.is_some().then_some("a load is running");
        let confirm = Confirm {
            title: "Send mended rows again?",
            lines,
            act: &act,
            name: None,
            blocked: busy,
        };
        match confirm.show(cx.ctx, &mut self.typed) {
            Decision::Open => {}
            Decision::Cancel => self.plan = None,
            Decision::Act => {
                if let Some((plan, _)) = self.plan.take() {
                    let args = ["fix", "send"].map(str::to_owned);
                    let act = cx.runbook.begin(cx.snapshot.at, act, Some(args.into()));
                    let plan = Box::new(plan);
                    let pending = cx.link.ask(|reply| Command::Reingest(plan, reply));
                    self.doing.push(Doing::Reingest(Box::new(pending), act));
                }
            }
        }
    }
}

/// Which way a country went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Assigned,
    TakenBack,
}

fn reingested(end: &LoadEnd, act: ActId, cx: &mut Cx<'_>) {
    let ledger = &end.ledger;
    let aside = ledger.intake.set_aside.total();
    let mut told = format!(
        "{}: {} new lines, {} there already, {} set aside again",
        end.record.id,
        format::count(ledger.new_lines()),
        format::count(ledger.already_there()),
        format::count(aside),
    );
    if ledger.is_closed() {
        told.push_str("; ledger closed");
        cx.notices.done(told.clone());
        cx.runbook.end(act, Outcome::Done(told));
        return;
    }
    let gaps: Vec<String> = ledger
        .gaps()
        .iter()
        .map(|gap| format!("{} between {}", format::signed(gap.lines), gap.between))
        .collect();
    told = format!("{told}; the ledger does not close: {}", gaps.join(", "));
    let remedy = "wait until all data centres are up, then look at the ledger on the page Load";
    cx.notices.push(told.clone(), Some(remedy.to_owned()));
    cx.runbook.end(act, Outcome::Failed(told));
}

fn tell(notices: &mut Notices, error: &QuarantineError) {
    notices.push(error.to_string(), Some(error.remedy()));
}

fn fail(cx: &mut Cx<'_>, act: ActId, error: &QuarantineError) {
    tell(cx.notices, error);
    cx.runbook.end(act, Outcome::Failed(error.to_string()));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use retail_engine::flow::RejectKey;
    use retail_engine::intake::Column;
    use retail_engine::model::RowNo;

    use super::*;
    use crate::app::tests::{rows, with_cx};

    #[test]
    fn a_name_that_was_typed_does_not_stand_for_the_next_re_ingest() {
        with_cx(|cx| {
            let dir = tempfile::tempdir().unwrap();
            let bad = "536366,22633,HAND WARMER,2,2010-12-13 08:28:00,1.85,17850,Narnia\n";
            let request = Box::new(rows(dir.path(), 1, bad));
            let engine = cx.link.engine().unwrap();
            let loaded = engine.ask(|reply| Command::Load(request, reply));
            let load = loaded.wait().unwrap().unwrap().record.id;
            let fix = FixRule::Field {
                row: RejectKey {
                    load,
                    row: RowNo(2),
                },
                column: Column::Country,
                to: "France".to_owned(),
            };
            let added = engine.ask(|reply| Command::AddFix(Box::new(fix), reply));
            added.wait().unwrap().unwrap();
            let mut acts = Acts {
                typed: "shop".to_owned(),
                rules: Some(Rules::builtin().unwrap()),
                ..Acts::default()
            };
            acts.plan(cx);
            let begun = Instant::now();
            while acts.plan.is_none() && begun.elapsed() < Duration::from_mins(1) {
                acts.refresh(cx);
                std::thread::sleep(Duration::from_millis(5));
            }
            assert!(
                acts.plan.is_some() && acts.typed.is_empty(),
                "{}",
                acts.typed
            );
        });
    }
}
