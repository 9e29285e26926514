//! Time to visible: how long a probe written in one data centre takes until each other reads it.

use eframe::egui::{Align2, CornerRadius, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use retail_engine::model::{Dc, Reading};

use crate::pages::Cx;
use crate::theme::{self, Type, Weight};
use crate::views::format;
use crate::views::overview::{self, CanaryCell, short};
use crate::widgets::{self, Panel};

pub(super) fn canary_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>) {
    let cells = overview::canary(cx.snapshot);
    Panel::titled("Time to visible")
        .note("p50 and p99, one probe per second")
        .show(ui, rect, |ui| {
            let colors = theme::colors(ui);
            ui.spacing_mut().item_spacing.y = 2.0;
            let width = ui.available_width();
            let side = 74.0;
            let (head, _) = ui.allocate_exact_size(vec2(width, 18.0), Sense::hover());
            ui.painter().text(
                head.left_center(),
                Align2::LEFT_CENTER,
                "written in \u{2192} read in",
                theme::font(Type::Caption, Weight::Regular),
                colors.muted,
            );
            let column = |rect: Rect, place: usize| {
                let left = rect.right() - (side + 6.0) * (3 - place) as f32 + 6.0;
                Rect::from_min_size(pos2(left, rect.top()), vec2(side, rect.height()))
            };
            for (place, at) in Dc::ALL.into_iter().enumerate() {
                let room = column(head, place);
                widgets::marker(
                    ui.painter(),
                    room.left_center() + vec2(side / 2.0 - 12.0, 0.0),
                    at,
                    colors.dc(at),
                );
                ui.painter().text(
                    room.left_center() + vec2(side / 2.0 - 2.0, 0.0),
                    Align2::LEFT_CENTER,
                    short(at),
                    theme::font(Type::Caption, Weight::Regular),
                    colors.muted,
                );
            }
            for via in Dc::ALL {
                let (row, _) = ui.allocate_exact_size(vec2(width, 21.0), Sense::hover());
                widgets::marker(
                    ui.painter(),
                    row.left_center() + vec2(5.0, 0.0),
                    via,
                    colors.dc(via),
                );
                ui.painter().text(
                    row.left_center() + vec2(17.0, 0.0),
                    Align2::LEFT_CENTER,
                    via.name(),
                    theme::font(Type::Table, Weight::Medium),
                    colors.text,
                );
                for (place, at) in Dc::ALL.into_iter().enumerate() {
                    cell_ui(ui, column(row, place), &cells[via][at]);
                }
            }
        });
}

/// One cell: the median small, the 99th percentile large.
fn cell_ui(ui: &Ui, room: Rect, cell: &CanaryCell) {
    let colors = theme::colors(ui);
    let (fill, color) = match &cell.times {
        Reading::Known(_) => colors.heat(cell.share * 0.6),
        Reading::Stale { .. } | Reading::Unknown(_) => (colors.unknown_tint, colors.unknown),
    };
    let painter = ui.painter();
    painter.rect_filled(room, CornerRadius::same(1), fill);
    let large = match cell.times.newest() {
        Some(([p50, p99], _)) => {
            painter.text(
                room.left_center() + vec2(4.0, 0.0),
                Align2::LEFT_CENTER,
                format::millis(*p50).trim_end_matches(" ms"),
                theme::font(Type::Caption, Weight::Regular),
                color,
            );
            format::millis(*p99)
        }
        None => "Unknown".to_owned(),
    };
    painter.text(
        room.right_center() - vec2(4.0, 0.0),
        Align2::RIGHT_CENTER,
        large,
        theme::font(Type::Table, Weight::Regular),
        color,
    );
    let id = ui.scope_id().with((cell.via.name(), cell.at.name()));
    let response = ui.interact(room, id, Sense::hover());
    let label = cell.label();
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &label));
    response.on_hover_text(cell.says());
}
