//! The row that is chosen: what it says, what can be done, and the way that it went.

use std::time::Duration;

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Align, Context, CornerRadius, Frame, Label, Layout, Rect, ScrollArea, Stroke, Ui, vec2,
};
use retail_engine::flow::{
    ATTEMPTS_MAX, Passport, PassportError, PassportQuery, RejectKey, RejectStatus, RejectView,
};
use retail_engine::handle::Command;
use retail_engine::model::LoadId;

use super::State;
use super::fix::{self, widgets_rule};
use super::rows::status_of;
use crate::actions::Action;
use crate::link::{Link, Pending};
use crate::pages::Cx;
use crate::theme::{self, Type, size};
use crate::views::passport::{Hop, hops};
use crate::views::{format, quality};
use crate::widgets::{self, Btn, Line, Look, rect_ui};

/// Height of the acts below.
const ACTS: f32 = 34.0;

/// The way of the row that is shown.
#[derive(Default)]
pub(super) struct Way {
    asked: Option<(RejectKey, u64)>,
    pending: Pending<Result<Box<Passport>, PassportError>>,
    hops: Vec<Hop>,
    trouble: Option<String>,
}

impl Way {
    pub(super) fn refresh(&mut self, ctx: &Context) {
        self.pending.poll(ctx);
        match self.pending.take() {
            None => {}
            Some(Ok(passport)) => {
                self.hops = hops(&passport);
                self.trouble = None;
            }
            Some(Err(error)) => {
                self.hops.clear();
                self.trouble = Some(format!("{error}; {}", error.remedy()));
            }
        }
    }

    /// Asks for the way of a row, again after something was done.
    pub(super) fn ask(&mut self, link: &Link, view: &RejectView, edits: u64) {
        let key = RejectKey::of(&view.row);
        if self.asked == Some((key, edits)) {
            return;
        }
        if self.asked.map(|(asked, _)| asked) != Some(key) {
            self.hops.clear();
        }
        let query = PassportQuery::Row {
            load: key.load,
            row: key.row,
        };
        self.pending = link.ask(|reply| Command::Passport(query, reply));
        self.trouble = None;
        self.asked = Some((key, edits));
    }
}

/// Draws the panel of the row.
pub(super) fn row_ui(
    ui: &mut Ui,
    rect: Rect,
    state: &mut State,
    scope: Option<LoadId>,
    cx: &mut Cx<'_>,
) {
    widgets::surface(ui, rect);
    let inside = rect.shrink2(vec2(size::PANEL_PAD, 10.0));
    let Some((_, view)) = state.chosen.clone() else {
        rect_ui(ui, inside, |ui| match state.rows.total {
            Some(_) => {
                widgets::empty_state(ui, "Choose a row to see it and to mend it.", None);
            }
            None => super::reasons::loading_ui(ui, state.rows.waiting()),
        });
        return;
    };
    let body = inside.with_max_y(inside.bottom() - ACTS);
    rect_ui(ui, body, |ui| {
        head_ui(ui, &view);
        ScrollArea::vertical()
            .id_salt("row")
            .auto_shrink([false, false])
            .show(ui, |ui| body_ui(ui, state, &view, scope, cx));
    });
    let acts = inside.with_min_y(body.bottom() + 4.0);
    rect_ui(ui, acts, |ui| {
        if let Some(draft) = &mut state.draft {
            fix::fix_acts_ui(ui, draft, &view, scope, &mut state.acts, cx);
        }
    });
}

fn head_ui(ui: &mut Ui, view: &RejectView) {
    let reject = &view.row.reject;
    let room = vec2(ui.available_width(), size::CONTROL_SMALL + 2.0);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        let muted = theme::colors(ui).muted;
        let attempts = format!("attempt {} of {ATTEMPTS_MAX}", view.attempts);
        Line::caption(attempts).color(muted).show(ui);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let line = format!("Line {}", format::count(reject.line));
            Line::body(line).semibold().show(ui);
            let name = quality::standing(&view.status);
            let name = name
                .as_deref()
                .unwrap_or_else(|| quality::reason_name(reject.reason));
            widgets::badge(ui, status_of(view), name);
        });
    });
}

fn body_ui(
    ui: &mut Ui,
    state: &mut State,
    view: &RejectView,
    scope: Option<LoadId>,
    cx: &mut Cx<'_>,
) {
    ui.add_space(2.0);
    raw_ui(ui, view);
    ui.add_space(6.0);
    advice_ui(ui, view);
    ui.add_space(4.0);
    let is_over = matches!(
        view.status,
        RejectStatus::Reingested { .. } | RejectStatus::Parked { .. }
    );
    let alike = view.value.as_ref().and_then(|value| {
        let counts = state.rows.values.iter();
        counts
            .clone()
            .find(|count| count.value == *value)
            .map(|count| count.rows)
    });
    if !is_over && let Some(draft) = &mut state.draft {
        fix::fix_ui(ui, draft, view, alike, scope, &mut state.acts, cx);
        widgets_rule(ui);
    }
    way_ui(ui, &state.way, view, cx);
}

/// The raw text, the field at fault marked by colour and a line below it.
fn raw_ui(ui: &mut Ui, view: &RejectView) {
    let colors = theme::colors(ui);
    let [before, fault, after] = quality::marked_raw(view);
    let plain = TextFormat {
        font_id: theme::mono(Type::Table),
        color: colors.text,
        line_height: Some(17.0),
        ..TextFormat::default()
    };
    let marked = TextFormat {
        color: colors.warn,
        underline: Stroke::new(1.5, colors.warn),
        ..plain.clone()
    };
    let mut job = LayoutJob::default();
    job.append(&before, 0.0, plain.clone());
    // An empty field has nothing to colour: its place is shown.
    let is_empty = fault.is_empty() && view.at_fault.is_some();
    let text = if is_empty { "\u{2038}" } else { &fault };
    job.append(text, 0.0, marked);
    job.append(&after, 0.0, plain);
    job.wrap.break_anywhere = true;
    Frame::new()
        .fill(colors.bg)
        .stroke(Stroke::new(1.0, colors.line))
        .corner_radius(CornerRadius::same(size::RADIUS))
        .inner_margin(8)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ScrollArea::vertical()
                .id_salt("raw")
                .max_height(104.0)
                .show(ui, |ui| {
                    let response = ui.add(Label::new(job).wrap());
                    let raw = &view.row.reject.raw;
                    response.widget_info(|| {
                        let role = eframe::egui::Role::Label;
                        let label = format!("Raw text: {raw}");
                        eframe::egui::WidgetInfo::labeled(role, true, label)
                    });
                });
        });
}

fn advice_ui(ui: &mut Ui, view: &RejectView) {
    let colors = theme::colors(ui);
    let defect = quality::defect(view);
    Line::table(defect).medium().wrapped().show(ui);
    let advice = match view.status {
        RejectStatus::Parked { attempts } => format!(
            "It was set aside again {attempts} times and is left alone now: look at its source."
        ),
        RejectStatus::Reingested { load } => {
            format!("It was mended and flowed in {load}; nothing is left to do.")
        }
        RejectStatus::Open | RejectStatus::FixPending { .. } => quality::advice(view),
    };
    Line::table(advice).color(colors.muted).wrapped().show(ui);
}

fn way_ui(ui: &mut Ui, way: &Way, view: &RejectView, cx: &mut Cx<'_>) {
    let room = vec2(ui.available_width(), size::CONTROL_SMALL);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        let whole = Btn::new("Whole path")
            .key("P")
            .label("Whole path")
            .look(Look::Quiet)
            .small();
        if whole.clicked(ui) {
            cx.acts.push(Action::Passport(Some(PassportQuery::Row {
                load: view.row.load,
                row: view.row.reject.row,
            })));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            Line::body("Path of this row").semibold().show(ui);
        });
    });
    ui.spacing_mut().item_spacing.y = 1.0;
    if let Some(trouble) = &way.trouble {
        widgets::error_state(ui, trouble, None);
    }
    if way.hops.is_empty() && way.pending.waiting() > Some(Duration::from_millis(100)) {
        super::reasons::loading_ui(ui, way.pending.waiting());
    }
    for hop in &way.hops {
        let room = vec2(ui.available_width(), 22.0);
        ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
            let muted = theme::colors(ui).muted;
            Line::table(&hop.short)
                .color(muted)
                .show(ui)
                .on_hover_text(&hop.detail);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                widgets::status_icon(ui, hop.status);
                Line::table(hop.name).show(ui);
            });
        });
    }
}
