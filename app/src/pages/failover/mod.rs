//! Did we survive, how long, and can we prove it?
//!
//! One page, four states: at rest, a drill that is planned, one that runs, one that is over. And
//! the presenter, who goes through it scene by scene.

mod course;
mod drill;
mod hand;
mod hero;
mod idle;
mod lens;
mod map;
mod permit;
mod planning;
mod presenter;
mod reports;
mod row;
mod running;
mod sheet;
mod timeline;

use eframe::egui::Ui;
use retail_engine::failover::drill::{Scenario, scenario};

use self::drill::Drill;
use self::hand::Hand;
use self::hero::Detail;
use self::lens::LensState;
use self::planning::Plan;
use self::presenter::Presenter;
use self::reports::Reports;
use super::{Cx, Page};
use crate::actions::Action;
use crate::views::failover::Card;
use crate::widgets;

/// What the left of the page shows at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Tab {
    /// The library of drills.
    #[default]
    Drills,
    /// The three-DC lens.
    Lens,
}

/// What a person asked of the page while it was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ask {
    Nothing,
    /// Put a drill together.
    Plan(Scenario),
    /// End the faults of the drill.
    BringBack,
    /// Plan a repair.
    Repair,
    /// Close the drill that is over.
    Close,
    /// Plan the same drill again.
    Again,
}

/// What the page remembers.
#[derive(Default)]
pub struct State {
    tab: Tab,
    detail: Detail,
    plan: Option<Plan>,
    drill: Drill,
    reports: Reports,
    hand: Hand,
    lens: LensState,
    presenter: Option<Presenter>,
}

impl State {
    /// Takes answers that have come; once per frame, whatever page is shown.
    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        if self.drill.refresh(cx) {
            self.reports.reload(cx);
        }
        self.reports.refresh(cx);
        self.hand.refresh(cx);
        self.lens.refresh(cx);
        if let Some(plan) = &mut self.plan {
            plan.refresh(cx);
        }
        presenter::refresh(self, cx);
    }

    /// Carries out an act that this page knows.
    pub fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        match action {
            Action::TogglePresenter => {
                self.presenter = match self.presenter.take() {
                    Some(_) => {
                        presenter::leave(cx);
                        None
                    }
                    None => Some(Presenter::new(cx)),
                };
            }
            Action::Export => {
                if let Some(done) = &self.drill.done {
                    reports::save(done, reports::Take::Html, cx);
                } else {
                    let remedy = "run a drill, or save one of the reports below".to_owned();
                    let what = "there is no drill on this page to export".to_owned();
                    cx.notices.push(what, Some(remedy));
                }
            }
            _ => {}
        }
    }

    fn heed(&mut self, ask: Ask, cx: &mut Cx<'_>) {
        match ask {
            Ask::Nothing => {}
            Ask::Plan(scenario) => self.plan = Some(Plan::of(scenario, cx)),
            Ask::BringBack => self.drill.bring_back(cx),
            Ask::Repair => self.hand.plan_repair(cx),
            Ask::Close => self.drill.done = None,
            Ask::Again => {
                if let Some(done) = self.drill.done.take() {
                    let ran = done.outcome.report.result.scenario.clone();
                    let known = scenario(ran.name).unwrap_or(ran);
                    self.plan = Some(Plan::of(known, cx));
                }
            }
        }
    }
}

/// Draws the page.
pub fn failover_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    let snapshot = std::sync::Arc::clone(cx.snapshot);
    if let Some(show) = state.presenter.take() {
        presenter::presenter_ui(ui, show, state, cx);
    } else if let Some(view) = &snapshot.drill {
        let card = Card::of_view(view, &snapshot);
        let ask = running::running_ui(ui, &card, state, cx);
        state.heed(ask, cx);
    } else if state.drill.is_asked() {
        super::title_ui(ui, Page::Failover.title(), "Drill \u{b7} it begins", |_| {});
        widgets::empty_state(ui, "The stream begins to flow\u{2026}", None);
    } else if let Some(done) = state.drill.done.take() {
        let mut detail = state.detail;
        let mut ask = running::done_ui(ui, &done, &mut detail, &state.drill, cx);
        state.detail = detail;
        state.drill.done = Some(done);
        if ask == Ask::Nothing && widgets::escaped(ui.ctx()) {
            ask = Ask::Close;
        }
        state.heed(ask, cx);
    } else if let Some(plan) = state.plan.take() {
        if !plan.is_asking() && widgets::escaped(ui.ctx()) {
            return;
        }
        planning::planning_ui(ui, plan, state, cx);
    } else {
        let ask = idle::idle_ui(ui, state, cx);
        state.heed(ask, cx);
    }
    state.hand.question_ui(ui, cx);
}
