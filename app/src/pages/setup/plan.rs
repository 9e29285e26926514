//! What is there against what is needed, and applying the difference. Nothing is ever dropped.

use eframe::egui::{Align, Layout, Ui};
use retail_engine::analytics::Report;
use retail_engine::flow::{AnalyseError, QuarantineError, RejectFilter, RejectPage};
use retail_engine::handle::Command;
use retail_engine::model::Reading;
use retail_engine::ports::{DerivedRows, StoreError};

use super::code_ui;
use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::theme::{self, Icon, size};
use crate::views::setup::plan::{self, Counted, DERIVED, PlanRow, PlanStep};
use crate::widgets::{
    self, Btn, ColumnSpec, Confirm, Decision, Line, Panel, Split, segmented, split_rows, table,
    text_cell,
};

/// What the panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shown {
    /// The objects.
    #[default]
    Steps,
    /// The commands that do the same.
    Commands,
}

/// What the tab remembers.
#[derive(Default)]
pub(super) struct State {
    shown: Shown,
    asked: bool,
    tables: [Pending<Result<DerivedRows, StoreError>>; 3],
    rejects: Pending<Result<RejectPage, QuarantineError>>,
    report: Pending<Result<Report, AnalyseError>>,
    counted: Option<Counted>,
    confirming: bool,
    typed: String,
    applying: Pending<Result<(), AnalyseError>>,
    act: Option<ActId>,
}

impl State {
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        for table in &mut self.tables {
            table.poll(cx.ctx);
        }
        self.rejects.poll(cx.ctx);
        self.report.poll(cx.ctx);
        self.count();
        self.applying.poll(cx.ctx);
        if let Some(applied) = self.applying.take() {
            let outcome = match applied {
                Ok(()) => {
                    cx.notices.done("The plan is applied".to_owned());
                    Outcome::Done("derived tables written".to_owned())
                }
                Err(error) => {
                    let told = error.to_string();
                    cx.notices
                        .push(told.clone(), Some("apply the plan again".to_owned()));
                    Outcome::Failed(told)
                }
            };
            if let Some(act) = self.act.take() {
                cx.runbook.end(act, outcome);
            }
            self.ask(cx);
        }
    }

    /// Asks for what the snapshot does not say.
    fn ask(&mut self, cx: &Cx<'_>) {
        self.asked = true;
        self.tables =
            DERIVED.map(|name| cx.link.ask(|reply| Command::Table(name.to_owned(), reply)));
        let filter = RejectFilter {
            limit: 1,
            ..RejectFilter::default()
        };
        let ask = |reply| Command::RejectPage(Box::new(filter), reply);
        self.rejects = cx.link.ask(ask);
        self.report = cx.link.ask(|reply| Command::Report(Box::default(), reply));
    }

    /// Counts once all answers are there.
    fn count(&mut self) {
        let [a, b, c] = &self.tables;
        let (Some(a), Some(b), Some(c)) = (a.ready(), b.ready(), c.ready()) else {
            return;
        };
        let (Some(rejects), Some(report)) = (self.rejects.ready(), self.report.ready()) else {
            return;
        };
        let rows = |table: &Result<DerivedRows, StoreError>| match table {
            Ok(table) => Ok(table.rows.len() as u64),
            Err(error) => Err(error.to_string()),
        };
        let set_aside = match rejects {
            Ok(page) => Ok(page.total),
            Err(error) => Err(error.to_string()),
        };
        self.counted = Some(Counted {
            derived: [rows(a), rows(b), rows(c)],
            returns: match report {
                Ok(report) => Ok(report.returns.lines),
                Err(error) => Err(error.to_string()),
            },
            set_aside,
        });
        self.tables = Default::default();
        self.rejects = Pending::Idle;
        self.report = Pending::Idle;
    }

    fn rows(&self, cx: &Cx<'_>) -> Vec<PlanRow> {
        plan::rows(cx.snapshot, cx.settings, self.counted.as_ref())
    }

    /// Asks whether the plan is applied. A name that was typed for another does not stand for it.
    fn open_question(&mut self) {
        self.confirming = true;
        self.typed.clear();
    }

    /// The acts of the title row, from the right.
    pub(super) fn acts_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let create = to_create(&self.rows(cx));
        let text = match create {
            0 => "Apply".to_owned(),
            many => format!("Apply {many} steps\u{2026}"),
        };
        let why = match (create, self.applying.waiting().is_some()) {
            (_, true) => Some("it is being applied"),
            (0, false) => Some("nothing is missing"),
            (_, false) => None,
        };
        if Btn::primary(&text).changes().blocked(why).clicked(ui) {
            self.open_question();
        }
        let waiting = self.rejects.waiting().is_some();
        let why = waiting.then_some("it is being counted");
        if Btn::new("Check again")
            .icon(Icon::RefreshCw)
            .blocked(why)
            .clicked(ui)
        {
            self.ask(cx);
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if !self.asked {
            self.ask(cx);
        }
        let rows = self.rows(cx);
        let room = ui.available_rect_before_wrap();
        let [all] = split_rows(room, [Split::Share(1.0)]);
        let shown = self.shown;
        let mut chosen = shown;
        Panel::titled("Plan")
            .note("what is there against what is needed")
            .show_with(
                ui,
                all,
                |ui| {
                    let choices = [(Shown::Steps, "Steps"), (Shown::Commands, "Commands")];
                    if let Some(other) = segmented(ui, "Plan as", &choices, shown) {
                        chosen = other;
                    }
                },
                |ui| match shown {
                    Shown::Steps => steps_ui(ui, &rows),
                    Shown::Commands => {
                        let text = plan::commands(cx.settings);
                        if Btn::new("Copy").icon(Icon::Copy).small().clicked(ui) {
                            ui.ctx().copy_text(text.clone());
                        }
                        ui.add_space(6.0);
                        code_ui(ui, "plan", &text);
                    }
                },
            );
        self.shown = chosen;
        self.confirm_ui(&rows, cx);
    }

    fn confirm_ui(&mut self, rows: &[PlanRow], cx: &mut Cx<'_>) {
        if !self.confirming {
            return;
        }
        let create = rows.iter().filter(|row| row.step == PlanStep::Create);
        let mut lines: Vec<String> = create
            .map(|row| format!("Create: {}", row.object))
            .collect();
        let count = lines.len();
        lines.push("Only what is missing is made. Nothing is dropped or widened.".to_owned());
        lines.push("Derived tables can be written again at any time.".to_owned());
        let act = format!("Apply {count} steps");
        let confirm = Confirm {
            title: "Apply the plan?",
            lines: &lines,
            act: &act,
            name: None,
            blocked: (count == 0).then_some("nothing is missing any more"),
        };
        match confirm.show(cx.ctx, &mut self.typed) {
            Decision::Open => {}
            Decision::Cancel => self.confirming = false,
            Decision::Act => {
                self.confirming = false;
                self.applying = cx.link.ask(Command::Materialise);
                let args = vec!["analytics".to_owned()];
                let what = "Apply the plan of setup";
                self.act = Some(cx.runbook.begin(cx.snapshot.at, what, Some(args)));
            }
        }
    }
}

fn to_create(rows: &[PlanRow]) -> usize {
    rows.iter()
        .filter(|row| row.step == PlanStep::Create)
        .count()
}

fn steps_ui(ui: &mut Ui, rows: &[PlanRow]) {
    let foot = 26.0;
    let room = eframe::egui::vec2(ui.available_width(), ui.available_height() - foot);
    ui.allocate_ui(room, |ui| {
        let columns = [
            ColumnSpec::text("Object", 250.0),
            ColumnSpec::text("There", 250.0),
            ColumnSpec::rest("Needed"),
            ColumnSpec::number("Step", 110.0),
        ];
        table(
            ui,
            "plan",
            &columns,
            rows.len(),
            size::ROW,
            None,
            |ui, row, column| {
                let Some(row) = rows.get(row) else {
                    return;
                };
                cell_ui(ui, row, column);
            },
        );
    });
    ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
        let muted = theme::colors(ui).muted;
        Line::table(plan::summary(rows)).color(muted).show(ui);
    });
}

fn cell_ui(ui: &mut Ui, row: &PlanRow, column: usize) {
    let colors = theme::colors(ui);
    let (status, word) = row.step.words();
    match column {
        0 => {
            widgets::status_icon(ui, status);
            text_cell(ui, &row.object);
        }
        1 => match &row.there {
            Reading::Known(text) => text_cell(ui, text),
            Reading::Stale { value, .. } => {
                Line::table(value).color(colors.muted).show(ui);
            }
            Reading::Unknown(why) => {
                let text = format!("Unknown: {why}");
                Line::table(text).color(colors.unknown).show(ui);
            }
        },
        2 => {
            Line::table(&row.needed)
                .color(colors.muted)
                .show(ui)
                .on_hover_text(&row.needed);
        }
        _ => {
            let color = match row.step {
                PlanStep::Create | PlanStep::Decide => colors.text,
                PlanStep::Unchanged | PlanStep::Unknown => colors.muted,
            };
            Line::table(word).medium().color(color).show(ui);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_typed_does_not_stand_for_the_next_plan() {
        let mut state = State {
            typed: "shop".to_owned(),
            ..State::default()
        };
        state.open_question();
        assert!(
            state.confirming && state.typed.is_empty(),
            "{}",
            state.typed
        );
    }
}
