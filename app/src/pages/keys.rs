//! What the keys do.

use eframe::egui::{Context, Grid, Modal};

use crate::actions::entries;
use crate::theme;
use crate::widgets::Line;

/// Keys that act where they are meant, and are no act of the whole window.
const OF_PLACES: [(&str, &str); 6] = [
    ("T", "Chart under the pointer as a table, and back"),
    ("\u{2191} \u{2193}", "Row before or after, on Quality"),
    ("F3", "Next row that is set aside, on Load"),
    ("Page Down, Page Up, Home", "Scenes of the presenter"),
    ("Shift+F10", "Menu of what has the keyboard"),
    ("Esc", "Close, or go back"),
];

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
            for (key, label) in OF_PLACES {
                Line::table(key).color(muted).show(ui);
                Line::table(label).show(ui);
                ui.end_row();
            }
        });
    });
    !modal.should_close()
}
