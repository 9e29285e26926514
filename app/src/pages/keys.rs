//! What the keys do.

use eframe::egui::{Context, Grid, Modal};

use crate::actions::entries;
use crate::theme;
use crate::widgets::Line;

/// Draws the list over the page; whether it stays open.
pub fn keys_ui(ctx: &Context) -> bool {
    let modal = Modal::new(eframe::egui::Id::unique("keys")).show(ctx, |ui| {
        ui.set_width(360.0);
        Line::body("Keys").semibold().show(ui);
        ui.add_space(8.0);
        let muted = theme::colors(ui).muted;
        Grid::new("keys").spacing([24.0, 6.0]).show(ui, |ui| {
            for entry in entries() {
                let Some(key) = entry.key else {
                    continue;
                };
                Line::table(ui.ctx().format_shortcut(&key))
                    .color(muted)
                    .show(ui);
                Line::table(entry.label.clone()).show(ui);
                ui.end_row();
            }
        });
    });
    !modal.should_close()
}
