//! The data centres: state as seen by the witnesses, time of writes, lines, hints.

use eframe::egui::{
    Align, CornerRadius, CursorIcon, Layout, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use crate::actions::Action;
use crate::pages::{Cx, Page};
use crate::theme::{self, Type, size};
use crate::views::format;
use crate::views::overview::{self, DcRow};
use crate::widgets::{self, Line, Panel};

pub(super) fn dcs_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let rows = overview::dcs(cx.snapshot);
    Panel::titled("Data centres").show_with(
        ui,
        rect,
        |ui| {
            let muted = theme::colors(ui).muted;
            let seen = overview::witnesses(cx.snapshot);
            let note = format!("as seen by {seen} of 3 witnesses");
            Line::caption(note).color(muted).show(ui);
        },
        |ui| {
            let muted = theme::colors(ui).muted;
            let width = ui.available_width();
            let stops = [0.0, 0.34, 0.66, 0.88, 1.0];
            ui.spacing_mut().item_spacing.y = 2.0;
            row_ui(ui, width, stops, |ui, column| {
                let titles = [
                    "Data centre",
                    "State",
                    "p99 write",
                    "Lines visible",
                    "Hints",
                ];
                Line::caption(titles[column]).color(muted).show(ui);
            });
            for (_, row) in rows.iter() {
                if row_button_ui(ui, width, row) {
                    cx.acts.push(Action::Go(Page::Failover));
                }
                row_ui(ui, width, stops, |ui, column| match column {
                    0 => {
                        widgets::dc_label(ui, row.dc, Line::table(row.dc.name()).medium());
                    }
                    1 => {
                        widgets::status_icon(ui, row.state.0);
                        let shown = Line::table(row.state.1).show(ui);
                        if let Some(why) = &row.seen {
                            shown.on_hover_text(why);
                        }
                    }
                    2 => {
                        widgets::reading(ui, &row.p99, Type::Table, |time| format::millis(*time));
                    }
                    3 => {
                        widgets::reading(ui, &row.lines, Type::Table, |lines| {
                            format::count(*lines)
                        });
                    }
                    _ => {
                        widgets::reading(ui, &row.hints, Type::Table, |hints| {
                            format::count(*hints)
                        });
                    }
                });
            }
        },
    );
}

/// What lies under a row: leads to its page by pointer and keyboard.
fn row_button_ui(ui: &Ui, width: f32, row: &DcRow) -> bool {
    let colors = theme::colors(ui);
    let at = Rect::from_min_size(ui.cursor().min, vec2(width, 21.0)).expand2(vec2(4.0, 0.0));
    let id = ui.scope_id().with(("dc", row.dc.name()));
    let response = ui
        .interact(at, id, Sense::click())
        .on_hover_cursor(CursorIcon::PointingHand);
    let radius = CornerRadius::same(size::RADIUS);
    if response.hovered() {
        ui.painter().rect_filled(at, radius, colors.raised);
    }
    widgets::focus_inside(ui, &response, at, radius);
    let label = format!("{}: {}", row.dc.name(), row.state.1);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    response.clicked()
}

/// A row of five cells: two from the left, three that end at their stop.
fn row_ui(ui: &mut Ui, width: f32, stops: [f32; 5], mut cell: impl FnMut(&mut Ui, usize)) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, 21.0), Sense::hover());
    for (column, stop) in stops.into_iter().enumerate() {
        let x = rect.left() + rect.width() * stop;
        let (at, layout) = if column < 2 {
            let end = rect.left() + rect.width() * stops[column + 1];
            let at = Rect::from_min_max(pos2(x, rect.top()), pos2(end - 4.0, rect.bottom()));
            (at, Layout::left_to_right(Align::Center))
        } else {
            let begin = rect.left() + rect.width() * stops[column - 1];
            let begin = if column == 2 { begin + 40.0 } else { begin };
            let at = Rect::from_min_max(pos2(begin, rect.top()), pos2(x, rect.bottom()));
            (at, Layout::right_to_left(Align::Center))
        };
        ui.scope_builder(
            eframe::egui::UiBuilder::new().max_rect(at).layout(layout),
            |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                cell(ui, column);
            },
        );
    }
}
