//! What is in this file, and what will happen to it? Four steps: open, check, load, ledger.

mod check;
mod files;
mod happen;
mod head;
mod ledger;
mod open;
mod preview;
mod reading;
mod routing;
mod run;

use std::path::PathBuf;

use eframe::egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, vec2};
use retail_engine::clean::{Rule, Rules, Switch};
use retail_engine::handle::Command;

use super::Cx;
use crate::actions::Action;
use crate::files::{Choosing, Chosen, no_dialog};
use crate::widgets::{self, Split, split_columns, split_rows};

use check::Check;
use files::Waiting;
use head::Step;
use ledger::Ledgers;
use routing::Routes;
use run::Run;

pub(crate) use ledger::picture_of_ledger;
pub(crate) use run::cancel_lines;

/// Below this width the panels of the check stand one below the other.
const STACKED: f32 = 900.0;

/// What can be taken back.
#[derive(Debug, Clone, Copy)]
enum Undo {
    /// The rules as they were.
    Rules(Rules),
    /// The last change of the routing map.
    Route,
}

/// What the page remembers.
#[derive(Default)]
pub struct State {
    step: Step,
    choosing: Option<Choosing>,
    check: Option<Check>,
    waiting: Waiting,
    /// Read from the data directory when they are first needed.
    rules: Option<Rules>,
    undo: Vec<Undo>,
    routes: Routes,
    run: Run,
    ledgers: Ledgers,
}

impl State {
    /// Takes answers that have come; once per frame, whatever page is shown.
    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        if let Some(choosing) = &self.choosing {
            match choosing.poll(cx.ctx) {
                Chosen::Waiting => {}
                Chosen::Nothing => self.choosing = None,
                Chosen::File(path) => {
                    self.choosing = None;
                    cx.acts.push(Action::Open(path));
                }
                Chosen::NoDialog => {
                    self.choosing = None;
                    no_dialog(cx.notices);
                }
            }
        }
        if self.routes.refresh(cx) {
            let map = self.routes.map();
            if let Some(check) = &mut self.check {
                check.count(map);
                check.preview_again(cx);
            }
        }
        if let Some(check) = &mut self.check {
            check.refresh(cx, self.routes.map());
        }
        if let Some(ended) = self.run.refresh(cx) {
            self.ended(ended, cx);
        }
        self.ledgers.refresh(cx);
        self.go_on(cx);
    }

    /// A load that was begun here is over.
    fn ended(&mut self, ended: run::Ended, cx: &Cx<'_>) {
        match ended {
            run::Ended::Load(end) => {
                if !end.ledger.is_closed() {
                    self.waiting.ask_again();
                }
                self.ledgers.ended(end);
                self.step = Step::Ledger;
                self.check = None;
            }
            run::Ended::Failed => {
                self.waiting.ask_again();
                self.step = Step::Load;
            }
            run::Ended::Newest => {
                self.ledgers
                    .show(cx.snapshot.loads.last().map(|load| load.id));
                self.step = Step::Ledger;
            }
        }
    }

    /// Where all waiting files are to be loaded: opens the next, and loads what is ready.
    fn go_on(&mut self, cx: &mut Cx<'_>) {
        if !self.waiting.loads_all() || self.run.is_running() || cx.snapshot.load.is_some() {
            return;
        }
        match &self.check {
            None => match self.waiting.next() {
                Some(file) => self.begin(file, cx),
                None => self.waiting.ask_again(),
            },
            Some(check) if check.is_reading() || check.is_counting() => {}
            Some(check) => {
                if check.blocked(cx).is_none() {
                    self.load(cx);
                } else {
                    // A person must look at this one.
                    self.waiting.ask_again();
                    self.step = Step::Check;
                }
            }
        }
    }

    fn begin(&mut self, file: PathBuf, cx: &mut Cx<'_>) {
        let rules = self.rules(cx);
        self.routes.ask(cx);
        self.check = Some(Check::begin(file, rules, cx));
        self.step = Step::Check;
    }

    /// The rules of this data directory.
    fn rules(&mut self, cx: &mut Cx<'_>) -> Rules {
        if let Some(rules) = self.rules {
            return rules;
        }
        let rules = files::rules(cx);
        self.rules = Some(rules);
        rules
    }

    /// Switches a rule, and keeps that.
    fn switch(&mut self, rule: Rule, to: Switch, cx: &mut Cx<'_>) {
        let before = self.rules(cx);
        self.undo.push(Undo::Rules(before));
        self.put_rules(before.with(rule, to), cx);
    }

    fn put_rules(&mut self, rules: Rules, cx: &mut Cx<'_>) {
        self.rules = Some(rules);
        files::keep_rules(&rules, cx);
        if let Some(check) = &mut self.check {
            check.rules = rules;
            check.count(self.routes.map());
            check.preview_again(cx);
        }
    }

    /// Begins the load of the file that is checked.
    fn load(&mut self, cx: &mut Cx<'_>) {
        let Some(check) = &self.check else { return };
        if check.blocked(cx).is_some() {
            return;
        }
        let rate = check.rate().ok().flatten();
        cx.link.send(Command::SetRate(rate));
        self.run.begin(check.load(), rate, check.expected(), cx);
        self.step = Step::Load;
    }

    /// Carries out an act that this page knows.
    pub fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        match action {
            Action::OpenDialog => {
                let kinds = ["csv", "gz", "txt", "tsv"];
                let choosing = cx.files.open(cx.ctx, "Open a CSV of invoices", &kinds);
                self.choosing = Some(choosing);
            }
            Action::Open(path) => {
                // Files dropped together come in one frame: the first is shown, the others wait.
                let pass = cx.ctx.cumulative_pass_nr();
                if self.waiting.came_with(pass) {
                    self.waiting.push(path.clone());
                } else {
                    self.begin(path.clone(), cx);
                }
            }
            Action::Undo => match self.undo.pop() {
                Some(Undo::Rules(rules)) => self.put_rules(rules, cx),
                Some(Undo::Route) => self.routes.undo(cx),
                None => cx
                    .notices
                    .done("Nothing is there to be taken back".to_owned()),
            },
            Action::ShowLoad(id) => {
                self.ledgers.show(Some(*id));
                let running = cx.snapshot.load.as_ref().map(|load| load.record.id);
                self.step = if running == Some(*id) {
                    Step::Load
                } else {
                    Step::Ledger
                };
            }
            Action::Export if self.step == Step::Ledger => self.ledgers.save_csv(cx),
            Action::Export => {
                let remedy = "choose a load under Open, and save its ledger".to_owned();
                let what = "this step has nothing to save".to_owned();
                cx.notices.push(what, Some(remedy));
            }
            _ => {}
        }
    }

    /// The step that is shown: what runs is shown even if it was begun elsewhere.
    fn shown(&self) -> Step {
        match self.step {
            Step::Check if self.check.is_none() => Step::Open,
            step => step,
        }
    }
}

/// Draws the page.
pub fn load_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    let step = state.shown();
    head::head_ui(ui, state, step, cx);
    let room = ui.available_rect_before_wrap();
    match step {
        Step::Open => open::open_ui(ui, room, state, cx),
        Step::Check => check_ui(ui, room, state, cx),
        Step::Load => run::run_ui(ui, room, state, cx),
        Step::Ledger => ledger::ledger_ui(ui, room, state, cx),
    }
    state
        .routes
        .dialog_ui(state.check.as_ref(), &mut state.undo, cx);
}

fn check_ui(ui: &mut Ui, room: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let [bar, rest] = split_rows(room, [Split::Points(40.0), Split::Share(1.0)]);
    head::file_bar_ui(ui, bar, state, cx);
    let Some(check) = &mut state.check else {
        return;
    };
    if let Some(Err(refused)) = &check.head {
        let refused = refused.clone();
        reading::refused_ui(ui, rest, check, &refused, cx);
        return;
    }
    if rest.width() < STACKED {
        stacked_ui(ui, rest, state, cx);
        return;
    }
    let columns = [
        Split::Points(256.0),
        Split::Share(1.0),
        Split::Points(292.0),
    ];
    let [left, middle, right] = split_columns(rest, columns);
    reading::reading_ui(ui, left, check, cx);
    preview::preview_ui(ui, middle, check);
    happen::happen_ui(ui, right, state, cx);
}

/// One panel below the other, for narrow windows and large text.
fn stacked_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ScrollArea::vertical().id_salt("check").show(ui, |ui| {
            let width = ui.available_width();
            let panel = |ui: &mut Ui, height: f32| {
                let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
                ui.add_space(8.0);
                rect
            };
            let Some(check) = &mut state.check else {
                return;
            };
            let rect = panel(ui, 320.0);
            preview::preview_ui(ui, rect, check);
            let rect = panel(ui, 540.0);
            reading::reading_ui(ui, rect, check, cx);
            let rect = panel(ui, 660.0);
            happen::happen_ui(ui, rect, state, cx);
        });
    });
}

/// Draws inside a rect that is allocated already, and leaves the cursor below it.
fn inside(ui: &mut Ui, rect: Rect, layout: Layout, add: impl FnOnce(&mut Ui)) {
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout));
    add(&mut child);
}

/// A label at the left and a value at the right, of one height.
fn pair_ui(ui: &mut Ui, label: widgets::Line, value: widgets::Line) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    inside(ui, rect, Layout::right_to_left(Align::Center), |ui| {
        value.show(ui);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| label.show(ui));
    });
}
