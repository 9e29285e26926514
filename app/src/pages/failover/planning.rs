//! A drill before it begins: what fails, for how long, under which stream; and what that is
//! expected to do, said before it is started.

use eframe::egui::{Align, Layout, Rect, Ui, vec2};
use retail_engine::failover::drill::Scenario;
use retail_engine::failover::predict::Prediction;
use retail_engine::handle::Command;
use retail_engine::model::Dc;
use retail_engine::ports::Fault;

use super::State;
use super::hero::grid_ui;
use super::permit::Permit;
use super::running::body_ui;
use crate::files::{Choosing, Chosen, no_dialog};
use crate::link::Pending;
use crate::pages::{Cx, Page, title_ui};
use crate::theme::{self, Icon, Type, size};
use crate::views::failover::plan::{self, Draft, Kind, Stream};
use crate::widgets::{
    self, Btn, Confirm, Decision, Line, Look, Panel, Split, Status, TextField, segmented, select,
    split_columns, split_rows, status_icon,
};

/// A drill as it is being put together.
pub(super) struct Plan {
    /// What is asked for.
    pub(super) draft: Draft,
    kind: Kind,
    dc: Dc,
    other: Dc,
    asked_for: Option<Vec<Fault>>,
    asked: Pending<Prediction>,
    prediction: Option<Prediction>,
    choosing: Option<Choosing>,
    confirm: Option<Start>,
    typed: String,
}

/// What of a plan is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Drill,
    FaultsOnly,
}

/// What a person chose on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    None,
    Start(Start),
    Leave,
}

impl Plan {
    /// From a scenario.
    pub(super) fn of(scenario: Scenario, cx: &Cx<'_>) -> Self {
        let is_empty = cx.snapshot.lines == 0 && cx.snapshot.loads.is_empty();
        let stream = if is_empty {
            Stream::Sample
        } else {
            Stream::Probes
        };
        Self {
            draft: Draft::of(scenario, stream),
            kind: Kind::Down,
            dc: Dc::Europe,
            other: Dc::Americas,
            asked_for: None,
            asked: Pending::Idle,
            prediction: None,
            choosing: None,
            confirm: None,
            typed: String::new(),
        }
    }

    /// Takes what has come, and asks for a prediction of what was changed.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        if self.asked_for.as_ref() != Some(&self.draft.faults) {
            let faults = self.draft.faults.clone();
            self.asked_for = Some(faults.clone());
            self.prediction = None;
            self.asked = cx.link.ask(|reply| Command::Predict(faults, reply));
        }
        self.asked.poll(cx.ctx);
        if let Some(prediction) = self.asked.take() {
            self.prediction = Some(prediction);
        }
        if let Some(choosing) = &self.choosing {
            match choosing.poll(cx.ctx) {
                Chosen::Waiting => {}
                Chosen::File(path) => {
                    self.draft.stream = Stream::File(path);
                    self.choosing = None;
                }
                Chosen::Nothing => self.choosing = None,
                Chosen::NoDialog => {
                    self.choosing = None;
                    no_dialog(cx.notices);
                }
            }
        }
    }

    /// Whether its confirmation is open.
    pub(super) const fn is_asking(&self) -> bool {
        self.confirm.is_some()
    }

    /// Why it cannot be started now. Faults alone add no line and measure nothing, so they may
    /// begin during a load and beside others.
    fn blocked(&self, start: Start, cx: &Cx<'_>) -> Option<String> {
        if let Some(why) = Permit::of(cx).refusal() {
            return Some(why.to_owned());
        }
        let missing = match start {
            Start::Drill => self.draft.request().err(),
            Start::FaultsOnly => self.draft.faults_alone().err(),
        };
        if missing.is_some() {
            return missing;
        }
        if self.prediction.is_none() {
            return Some("the prediction is not there yet".to_owned());
        }
        if start == Start::FaultsOnly {
            return None;
        }
        if let Some(lease) = cx.snapshot.faults.first() {
            return Some(format!("{} is in force: end it first", lease.fault));
        }
        cx.snapshot
            .load
            .as_ref()
            .filter(|_| self.draft.stream != Stream::Probes)
            .map(|_| "a load runs: wait for its end, or drill with probes only".to_owned())
    }

    /// Asks whether it is started. A name that was typed before does not stand for it.
    fn ask(&mut self, start: Start) {
        self.confirm = Some(start);
        self.typed.clear();
    }
}

/// Draws the page; the plan stays until it is started or left.
pub(super) fn planning_ui(ui: &mut Ui, mut plan: Plan, state: &mut State, cx: &mut Cx<'_>) {
    let mut choice = Choice::None;
    let blocked = plan.blocked(Start::Drill, cx);
    let only_blocked = plan.blocked(Start::FaultsOnly, cx);
    let sentence = format!("Plan \u{b7} {}", plan.draft.title());
    title_ui(ui, Page::Failover.title(), &sentence, |ui| {
        let start = Btn::primary("Start drill\u{2026}")
            .icon(Icon::Play)
            .changes()
            .blocked(blocked.as_deref());
        if start.clicked(ui) {
            plan.ask(Start::Drill);
        }
        let only = Btn::new("Start the faults only\u{2026}")
            .hint("no stream, no measurement; each ends by itself")
            .changes()
            .blocked(only_blocked.as_deref());
        if only.clicked(ui) {
            plan.ask(Start::FaultsOnly);
        }
        if Btn::new("Back").key("Esc").look(Look::Quiet).clicked(ui) {
            choice = Choice::Leave;
        }
    });
    body_ui(ui, |ui, room| {
        let [left, right] = split_columns(room, [Split::Points(400.0), Split::Share(1.0)]);
        let [what, how] = split_rows(left, [Split::Points(300.0), Split::Points(236.0)]);
        faults_ui(ui, what, &mut plan);
        stream_ui(ui, how, &mut plan, blocked.as_deref(), cx);
        let [grid, effect] = split_rows(right, [Split::Points(236.0), Split::Points(300.0)]);
        grid_panel_ui(ui, grid, plan.prediction.as_ref());
        effect_ui(ui, effect, &plan);
    });
    if let Some(start) = plan.confirm {
        let blocked = match start {
            Start::Drill => blocked,
            Start::FaultsOnly => only_blocked,
        };
        match confirm_ui(ui, &mut plan, start, blocked.as_deref(), cx) {
            Decision::Open => {}
            Decision::Cancel => plan.confirm = None,
            Decision::Act => choice = Choice::Start(start),
        }
    }
    match choice {
        Choice::None => state.plan = Some(plan),
        Choice::Leave => {}
        Choice::Start(start) => {
            plan.confirm = None;
            if !begin(&plan, start, state, cx) {
                state.plan = Some(plan);
            }
        }
    }
}

/// What is asked before anything begins.
fn confirm_ui(
    ui: &Ui,
    plan: &mut Plan,
    start: Start,
    blocked: Option<&str>,
    cx: &Cx<'_>,
) -> Decision {
    let (draft, prediction) = (&plan.draft, plan.prediction.as_ref());
    let seconds = draft.duration().map_or(0, |time| time.as_secs());
    let (title, lines, act) = match start {
        Start::Drill => (
            format!("{}?", draft.title()),
            draft.lines(prediction),
            format!("Start, {seconds} s"),
        ),
        Start::FaultsOnly => {
            let faults = match draft.faults.len() {
                1 => "1 fault".to_owned(),
                many => format!("{many} faults"),
            };
            (
                format!("{}, without a drill?", draft.title()),
                draft.fault_lines(prediction),
                format!("Start {faults}, {seconds} s"),
            )
        }
    };
    let confirm = Confirm {
        title: &title,
        lines: &lines,
        act: &act,
        name: Permit::of(cx).name(),
        blocked,
    };
    confirm.show(ui.ctx(), &mut plan.typed)
}

/// Starts a plan; whether that was done.
fn begin(plan: &Plan, start: Start, state: &mut State, cx: &mut Cx<'_>) -> bool {
    match start {
        Start::Drill => state.drill.start(&plan.draft, cx),
        Start::FaultsOnly => {
            let Ok(lasts) = plan.draft.faults_alone() else {
                return false;
            };
            state.hand.start_faults(&plan.draft.faults, lasts, cx);
            true
        }
    }
}

fn faults_ui(ui: &mut Ui, rect: Rect, plan: &mut Plan) {
    Panel::titled("What fails").show(ui, rect, |ui| {
        let colors = theme::colors(ui);
        let choices: Vec<(usize, String)> = plan::library()
            .iter()
            .enumerate()
            .map(|(place, scenario)| (place, scenario.title.to_owned()))
            .collect();
        let chosen = plan::library()
            .iter()
            .position(|scenario| scenario.faults == plan.draft.faults);
        Line::table("Scenario").color(colors.muted).show(ui);
        let width = ui.available_width();
        if let Some(place) = select(ui, "Scenario", &choices, chosen, width)
            && let Some(scenario) = plan::library().into_iter().nth(place)
        {
            plan.draft.faults.clone_from(&scenario.faults);
            plan.draft.scenario = scenario;
        }
        ui.add_space(8.0);
        Line::table("Faults").color(colors.muted).show(ui);
        if plan.draft.faults.is_empty() {
            widgets::line(ui, "None yet: add one below.");
        }
        let mut gone = None;
        for (place, fault) in plan.draft.faults.iter().enumerate() {
            ui.horizontal(|ui| {
                status_icon(ui, Status::Critical);
                let text = fault.to_string();
                Line::body(&text).show(ui);
                let label = format!("Remove {text}");
                let remove = Btn::new("")
                    .icon(Icon::X)
                    .label(&label)
                    .look(Look::Quiet)
                    .small();
                if remove.clicked(ui) {
                    gone = Some(place);
                }
            });
        }
        if let Some(place) = gone {
            plan.draft.faults.remove(place);
        }
        ui.add_space(8.0);
        Line::table("Add a fault").color(colors.muted).show(ui);
        ui.horizontal_wrapped(|ui| add_ui(ui, plan));
    });
}

fn add_ui(ui: &mut Ui, plan: &mut Plan) {
    let kinds = Kind::ALL.map(|kind| (kind, kind.name().to_owned()));
    if let Some(kind) = select(ui, "Kind", &kinds, Some(plan.kind), 96.0) {
        plan.kind = kind;
    }
    let dcs = Dc::ALL.map(|dc| (dc, dc.name().to_owned()));
    if plan.kind != Kind::Log
        && let Some(dc) = select(ui, "Data centre", &dcs, Some(plan.dc), 124.0)
    {
        plan.dc = dc;
    }
    if plan.other == plan.dc {
        plan.other = plan.dc.others().next().unwrap_or(plan.other);
    }
    if plan.kind == Kind::Link {
        let others: Vec<(Dc, String)> = plan
            .dc
            .others()
            .map(|dc| (dc, format!("to {}", dc.name())))
            .collect();
        if let Some(dc) = select(ui, "Other side", &others, Some(plan.other), 138.0) {
            plan.other = dc;
        }
    }
    let fault = plan.kind.fault(plan.dc, plan.other);
    let there = plan.draft.faults.contains(&fault);
    let why = there.then_some("it is in the list");
    if Btn::new("Add fault")
        .icon(Icon::Plus)
        .blocked(why)
        .clicked(ui)
    {
        plan.draft.faults.push(fault);
    }
}

fn stream_ui(ui: &mut Ui, rect: Rect, plan: &mut Plan, blocked: Option<&str>, cx: &Cx<'_>) {
    Panel::titled("How long, under what").show(ui, rect, |ui| {
        let colors = theme::colors(ui);
        field_row_ui(ui, |ui| {
            Line::table("Lasts").show(ui);
            TextField::new("Seconds that the fault lasts")
                .width(64.0)
                .show(ui, &mut plan.draft.lasts);
            Line::table("s, then it ends by itself")
                .color(colors.muted)
                .show(ui);
        });
        ui.add_space(4.0);
        let is_empty = cx.snapshot.lines == 0 && cx.snapshot.loads.is_empty();
        Line::table("Flows meanwhile").color(colors.muted).show(ui);
        stream_choice_ui(ui, plan, is_empty, cx);
        let note = match &plan.draft.stream {
            Stream::Sample => {
                "Nothing is stored yet, so the first 10 000 rows of the sample flow and stay."
                    .to_owned()
            }
            Stream::Probes => {
                "Small reads and writes of every region at every level; no row is added.".to_owned()
            }
            Stream::File(file) => format!(
                "{} flows; rows that are stored already count once.",
                file.display()
            ),
        };
        Line::caption(note).color(colors.muted).wrapped().show(ui);
        ui.add_space(4.0);
        field_row_ui(ui, |ui| {
            Line::table("Rate").show(ui);
            TextField::new("Lines per second")
                .width(72.0)
                .show(ui, &mut plan.draft.rate);
            Line::table("lines/s").color(colors.muted).show(ui);
        });
        if let Some(why) = blocked {
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                status_icon(ui, Status::Warn);
                Line::caption(why).wrapped().show(ui);
            });
        }
    });
}

/// A field with its words before and after, on one line.
fn field_row_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let room = vec2(ui.available_width(), size::CONTROL);
    ui.allocate_ui_with_layout(room, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_height(size::CONTROL);
        add(ui);
    });
}

fn stream_choice_ui(ui: &mut Ui, plan: &mut Plan, is_empty: bool, cx: &Cx<'_>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Which {
        Sample,
        Probes,
        File,
    }
    let now = match plan.draft.stream {
        Stream::Sample => Which::Sample,
        Stream::Probes => Which::Probes,
        Stream::File(_) => Which::File,
    };
    // On an empty directory the engine's drill brings its own sample, so there is no drill with
    // probes only; with data there is no drill that adds a sample to it.
    let first = if is_empty {
        (Which::Sample, "Sample rows")
    } else {
        (Which::Probes, "Probes only")
    };
    match segmented(ui, "Stream", &[first, (Which::File, "A file\u{2026}")], now) {
        Some(Which::Sample) => plan.draft.stream = Stream::Sample,
        Some(Which::Probes) => plan.draft.stream = Stream::Probes,
        Some(Which::File) => {
            let title = "A file that flows during the drill";
            plan.choosing = Some(cx.files.open(cx.ctx, title, &["csv", "gz"]));
        }
        None => {}
    }
}

fn grid_panel_ui(ui: &mut Ui, rect: Rect, prediction: Option<&Prediction>) {
    Panel::titled("Prediction")
        .note("what becomes of requests, by region and consistency level")
        .show(ui, rect, |ui| {
            let Some(prediction) = prediction else {
                widgets::empty_state(ui, "Computing\u{2026}", None);
                return;
            };
            ui.spacing_mut().item_spacing.y = 0.0;
            let colors = theme::colors(ui);
            grid_ui(ui, 28.0, "requests", |ui, key| {
                let Some(cell) = prediction.cells.iter().find(|cell| cell.key == key) else {
                    return;
                };
                let (status, word) = plan::fate(cell.fate);
                let icon = status_icon(ui, status);
                let color = if status == Status::Ok {
                    colors.text
                } else {
                    status.color(colors)
                };
                let text = Line::table(word).color(color).show(ui);
                icon.union(text).on_hover_text(format!(
                    "{} {} at {}: {}",
                    key.region.name(),
                    plan::access(key.access),
                    key.level,
                    cell.fate.name()
                ));
            });
        });
}

fn effect_ui(ui: &mut Ui, rect: Rect, plan: &Plan) {
    Panel::titled("Expected").show(ui, rect, |ui| {
        let colors = theme::colors(ui);
        let Some(prediction) = &plan.prediction else {
            return;
        };
        Line::new(plan::effect(prediction), Type::Section)
            .medium()
            .wrapped()
            .show(ui);
        ui.add_space(6.0);
        let moves = plan::moves(prediction);
        let hints: Vec<&str> = prediction.hints_for.iter().map(|dc| dc.name()).collect();
        let mut lines: Vec<String> = moves;
        lines.push(if hints.is_empty() {
            "No data centre misses a write, so no hint is kept.".to_owned()
        } else {
            format!(
                "Hints are kept for {} and handed over on return.",
                hints.join(", ")
            )
        });
        lines.push("Lines lost: 0. Proven by reading every data centre afterwards.".to_owned());
        if plan.draft.is_scenario() {
            lines.push(format!(
                "A spectator should see: {}.",
                plan.draft.scenario.expect
            ));
        }
        lines.push("Afterwards the prediction is scored against what came.".to_owned());
        for line in lines {
            Line::body(line).color(colors.muted).wrapped().show(ui);
        }
    });
}
