//! Beside a drill: its nine steps, the hints that are kept, who sees whom.

use std::time::Duration;

use chrono::{DateTime, Utc};
use eframe::egui::{CornerRadius, CursorIcon, Rect, Role, Sense, Stroke, Ui, WidgetInfo, vec2};
use retail_engine::model::Dc;

use super::row::row_ui;
use crate::pages::Cx;
use crate::theme::{self, Icon, size};
use crate::views::failover::card::{Card, Mark, Stage, Step};
use crate::views::failover::dcs::{self, HintLine};
use crate::views::format;
use crate::views::overview::short;
use crate::widgets::chart::{pin, pinned};
use crate::widgets::{self, Align, Btn, Line, Panel, Status, badge, bar, status_icon};

/// Where the crosshair of the charts was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crosshair {
    /// At the time of this step.
    Here,
    /// At another time, or nowhere.
    Elsewhere,
}

/// Draws the steps.
pub(super) fn timeline_ui(ui: &mut Ui, rect: Rect, card: &Card) {
    let now = match (card.stage, card.since_fault) {
        (Stage::Done, _) => "over".to_owned(),
        (_, Some(since)) => format!("now +{}", format::duration(since)),
        (stage, None) => stage.name().to_owned(),
    };
    Panel::titled("Timeline").show_with(
        ui,
        rect,
        |ui| {
            let muted = theme::colors(ui).muted;
            Line::table(now).color(muted).show(ui);
        },
        |ui| steps_ui(ui, card),
    );
}

/// Draws the steps without a panel.
pub(super) fn steps_ui(ui: &mut Ui, card: &Card) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let rows = card.steps.len().max(1) as f32;
    let height = (ui.available_height() / rows).clamp(19.0, 28.0);
    let columns = [
        (0.065, Align::Left),
        (0.235, Align::Right),
        (0.285, Align::Left),
        (0.73, Align::Left),
        (1.0, Align::Right),
    ];
    let pinned = pinned(ui.ctx());
    for step in &card.steps {
        if let Some(at) = step.at {
            let place = if pinned == Some(at) {
                Crosshair::Here
            } else {
                Crosshair::Elsewhere
            };
            step_button_ui(ui, step, height, at, place);
        }
        let (icon, color) = match step.mark {
            Mark::Reached => (Icon::Check, colors.ok),
            Mark::Fault => (Icon::Zap, colors.critical),
            Mark::Pending => (Icon::Clock, colors.muted),
            Mark::WillNotCome => (Icon::Minus, colors.faint),
        };
        let is_there = matches!(step.mark, Mark::Reached | Mark::Fault);
        let text = if is_there { colors.text } else { colors.muted };
        row_ui(ui, height, &columns, |ui, column| match column {
            0 => {
                widgets::icon(ui, icon, color);
            }
            1 => {
                Line::table(&step.time).medium().color(text).show(ui);
            }
            2 => {
                Line::table(step.number.to_string())
                    .color(colors.muted)
                    .show(ui);
            }
            3 => {
                let line = Line::table(&step.name).color(text);
                let line = if is_there { line.medium() } else { line };
                line.show(ui).on_hover_text(&step.name);
            }
            _ => {
                Line::caption(&step.detail)
                    .color(colors.muted)
                    .show(ui)
                    .on_hover_text(&step.detail);
            }
        });
    }
}

/// What lies under a step that was reached: puts the crosshair of all charts at its time, or takes
/// it away where it is there.
fn step_button_ui(ui: &Ui, step: &Step, height: f32, at: DateTime<Utc>, place: Crosshair) {
    let colors = theme::colors(ui);
    let room = vec2(ui.available_width(), height);
    let rect = Rect::from_min_size(ui.cursor().min, room).expand2(vec2(4.0, 0.0));
    let response = ui
        .interact(
            rect,
            ui.scope_id().with(("step", step.number)),
            Sense::click(),
        )
        .on_hover_cursor(CursorIcon::PointingHand);
    let radius = CornerRadius::same(size::RADIUS);
    if response.hovered() || place == Crosshair::Here {
        ui.painter().rect_filled(rect, radius, colors.raised);
    }
    widgets::focus_inside(ui, &response, rect, radius);
    let label = format!("Crosshair at {}, {} {}", step.name, step.time, step.detail);
    let is_here = place == Crosshair::Here;
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_here, &label));
    if response.clicked() {
        pin(ui.ctx(), (!is_here).then_some(at));
    }
}

/// Draws what waits for a data centre; whether a repair is asked for.
pub(super) fn hints_ui(ui: &mut Ui, rect: Rect, dc: Dc, window: Duration, cx: &Cx<'_>) -> bool {
    let hints = dcs::hints(cx.snapshot, dc, window);
    let title = format!("Hints kept for {}", dc.name());
    let mut repair = false;
    Panel::titled(&title).show_with(
        ui,
        rect,
        |ui| {
            badge(ui, hints.status, hints.word);
        },
        |ui| repair = hints_body_ui(ui, &hints, window),
    );
    repair
}

/// The same without a panel.
pub(super) fn hints_body_ui(ui: &mut Ui, hints: &HintLine, window: Duration) -> bool {
    let colors = theme::colors(ui);
    let mut repair = false;
    ui.spacing_mut().item_spacing.y = 3.0;
    ui.horizontal(|ui| {
        widgets::reading(ui, &hints.waiting, theme::Type::Kpi, |n| format::count(*n));
        Line::table("hints").color(colors.muted).show(ui);
        ui.with_layout(
            eframe::egui::Layout::right_to_left(eframe::egui::Align::Center),
            |ui| {
                if hints.needs_repair {
                    repair = Btn::new("Repair\u{2026}").small().changes().clicked(ui);
                }
            },
        );
    });
    let (at, _) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    let fill = match hints.status {
        Status::Critical => colors.critical,
        Status::Warn => colors.warn,
        _ => colors.text,
    };
    bar(ui.painter(), at, hints.used, fill, colors.grid);
    let columns = [(0.55, Align::Left), (1.0, Align::Right)];
    row_ui(ui, 17.0, &columns, |ui, column| {
        let text = if column == 0 {
            let percent = f64::from(hints.used);
            let span = dcs::span(window);
            format!("{} of the {span} window used", format::percent(percent))
        } else {
            hints.left.clone()
        };
        Line::caption(text).color(colors.muted).show(ui);
    });
    Line::caption(&hints.advice)
        .color(colors.muted)
        .wrapped()
        .show(ui);
    repair
}

/// Draws what each data centre says of each.
pub(super) fn witnesses_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>) {
    Panel::titled("Who sees whom").show_with(
        ui,
        rect,
        |ui| {
            let muted = theme::colors(ui).muted;
            Line::caption("each asks each; one that is down cannot say")
                .color(muted)
                .show(ui);
        },
        |ui| {
            let colors = theme::colors(ui);
            ui.spacing_mut().item_spacing.y = 0.0;
            let columns = [
                (0.34, Align::Left),
                (0.56, Align::Left),
                (0.78, Align::Left),
                (1.0, Align::Left),
            ];
            row_ui(ui, 20.0, &columns, |ui, column| {
                match column.checked_sub(1).and_then(|at| Dc::ALL.get(at)) {
                    Some(dc) => {
                        widgets::dc_label(ui, *dc, Line::caption(short(*dc)).color(colors.muted));
                    }
                    None => {
                        Line::caption("witness").color(colors.muted).show(ui);
                    }
                }
            });
            for witness in Dc::ALL {
                let at = row_ui(ui, 21.0, &columns, |ui, column| {
                    match column.checked_sub(1).and_then(|at| Dc::ALL.get(at)) {
                        Some(subject) => {
                            let state = cx.snapshot.dcs[*subject].seen_by[witness];
                            let (status, word) = dcs::witness(state);
                            status_icon(ui, status);
                            let said = Line::table(word);
                            let said = if status == Status::Ok {
                                said
                            } else {
                                said.color(status.color(colors))
                            };
                            said.show(ui);
                        }
                        None => {
                            Line::table(witness.name()).show(ui);
                        }
                    }
                });
                ui.painter()
                    .hline(at.x_range(), at.top(), Stroke::new(1.0, colors.grid));
            }
        },
    );
}
