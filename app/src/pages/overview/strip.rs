//! The ledger of the newest load as a strip: each cell leads to the page with its rows.

use eframe::egui::{CursorIcon, Rect, Sense, Stroke, Ui, pos2, vec2};

use super::act_of_load;
use crate::actions::Action;
use crate::pages::{Cx, Page};
use crate::theme::{self, size};
use crate::views::overview::{self, StripCell};
use crate::widgets::{self, Line, Status, rect_ui};

pub(super) fn strip_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    widgets::surface(ui, rect);
    let Some(cells) = overview::strip(cx.snapshot) else {
        rect_ui(ui, rect.shrink(12.0), |ui| {
            widgets::empty_state(ui, "No load has run in this data directory yet.", None);
        });
        return;
    };
    let colors = theme::colors(ui);
    let width = rect.width() / 5.0;
    // What was read, produced and written stands line by line in the ledger of its load.
    let load = act_of_load(cx.snapshot);
    let acts = [
        load.clone(),
        Action::Go(Page::Quality),
        load.clone(),
        load,
        Action::Go(Page::Failover),
    ];
    for (place, (cell, act)) in cells.iter().zip(acts).enumerate() {
        let x = rect.left() + width * place as f32;
        let at = Rect::from_min_size(pos2(x, rect.top()), vec2(width, rect.height()));
        if place > 0 {
            ui.painter()
                .vline(x, at.y_range(), Stroke::new(1.0, colors.line));
            let tip = pos2(x + 3.0, at.top() + 32.0);
            let notch = [tip - vec2(4.0, 6.0), tip, tip - vec2(4.0, -6.0)];
            ui.painter()
                .line(notch.to_vec(), Stroke::new(1.0, colors.line_strong));
        }
        if strip_cell_ui(ui, at, cell) {
            cx.acts.push(act);
        }
    }
}

fn strip_cell_ui(ui: &mut Ui, rect: Rect, cell: &StripCell) -> bool {
    let colors = theme::colors(ui);
    let response = ui.interact(rect, ui.scope_id().with(cell.title), Sense::click());
    widgets::focus_inside(ui, &response, rect.shrink(1.0), size::RADIUS_PANEL);
    rect_ui(ui, rect.shrink2(vec2(size::PANEL_PAD, 9.0)), |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        Line::table(cell.title).color(colors.muted).show(ui);
        let value = if cell.status == Status::Critical {
            colors.critical
        } else {
            colors.text
        };
        Line::kpi(&cell.value).color(value).show(ui);
        Line::table(&cell.notes[0]).color(colors.muted).show(ui);
        let color = match cell.status {
            Status::Neutral => colors.muted,
            status => status.color(colors),
        };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            if cell.status != Status::Neutral && !cell.notes[1].is_empty() {
                widgets::status_icon(ui, cell.status);
            }
            Line::table(&cell.notes[1]).color(color).show(ui);
        });
    });
    let label = format!("{}: {}", cell.title, cell.value);
    response.widget_info(|| {
        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, true, &label)
    });
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}
