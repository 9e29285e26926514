//! Time to visible: how long a probe written in one data centre takes until each other reads it.

use eframe::egui::{Align2, CornerRadius, Rect, Sense, Ui, pos2, vec2};
use retail_engine::model::{Dc, Reading};

use crate::pages::Cx;
use crate::theme::{self, Type, Weight};
use crate::views::format;
use crate::views::overview::{self, short};
use crate::widgets::{self, Panel};

pub(super) fn canary_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>) {
    let cells = overview::canary(cx.snapshot);
    Panel::titled("Time to visible")
        .note("p99, one probe per second")
        .show(ui, rect, |ui| {
            let colors = theme::colors(ui);
            ui.spacing_mut().item_spacing.y = 2.0;
            let width = ui.available_width();
            let side = 66.0;
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
                    let (reading, share) = &cells[via][at];
                    let room = column(row, place);
                    let (text, fill, color) = match reading {
                        Reading::Known(time) => {
                            let (fill, text) = colors.heat(share * 0.6);
                            (format::millis(*time), fill, text)
                        }
                        Reading::Stale { value, .. } => {
                            (format::millis(*value), colors.unknown_tint, colors.unknown)
                        }
                        Reading::Unknown(_) => {
                            ("Unknown".to_owned(), colors.unknown_tint, colors.unknown)
                        }
                    };
                    ui.painter().rect_filled(room, CornerRadius::same(1), fill);
                    ui.painter().text(
                        room.right_center() - vec2(6.0, 0.0),
                        Align2::RIGHT_CENTER,
                        &text,
                        theme::font(Type::Table, Weight::Regular),
                        color,
                    );
                    let response = ui.interact(
                        room,
                        ui.scope_id().with((via.name(), at.name())),
                        Sense::hover(),
                    );
                    let label = format!("Written in {}, read in {}: {text}", via.name(), at.name());
                    response.widget_info(|| {
                        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Label, true, &label)
                    });
                }
            }
        });
}
