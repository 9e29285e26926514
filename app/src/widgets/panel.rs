//! A panel: title, note, something at the right, and what is in it.

use eframe::egui::{Align, CornerRadius, Layout, Rect, Stroke, StrokeKind, Ui, vec2};

use super::button::Btn;
use super::layout::rect_ui;
use super::text::{self, Line};
use crate::theme::{self, Icon, size};

/// A panel on its surface.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    title: Option<&'a str>,
    note: Option<&'a str>,
}

impl<'a> Panel<'a> {
    /// With a title.
    pub const fn titled(title: &'a str) -> Self {
        Self {
            title: Some(title),
            note: None,
        }
    }

    /// Without one.
    pub const fn bare() -> Self {
        Self {
            title: None,
            note: None,
        }
    }

    /// With a note after the title.
    #[must_use]
    pub const fn note(mut self, note: &'a str) -> Self {
        self.note = Some(note);
        self
    }

    /// Draws it over `rect`.
    pub fn show<R>(self, ui: &mut Ui, rect: Rect, add: impl FnOnce(&mut Ui) -> R) -> R {
        self.show_with(ui, rect, |_| {}, add)
    }

    /// Draws it over `rect`; `side` draws at the right of the title, from the right.
    pub fn show_with<R>(
        self,
        ui: &mut Ui,
        rect: Rect,
        side: impl FnOnce(&mut Ui),
        add: impl FnOnce(&mut Ui) -> R,
    ) -> R {
        surface(ui, rect);
        rect_ui(ui, rect.shrink2(vec2(size::PANEL_PAD, 11.0)), |ui| {
            if let Some(title) = self.title {
                self.head(ui, title, side);
            }
            add(ui)
        })
    }

    fn head(self, ui: &mut Ui, title: &str, side: impl FnOnce(&mut Ui)) {
        let width = ui.available_width();
        ui.allocate_ui_with_layout(
            vec2(width, size::CONTROL_SMALL),
            Layout::right_to_left(Align::Center),
            |ui| {
                side(ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    Line::body(title).semibold().show(ui);
                    if let Some(note) = self.note {
                        let muted = theme::colors(ui).muted;
                        Line::table(note).color(muted).show(ui);
                    }
                });
            },
        );
        ui.add_space(4.0);
    }
}

/// The surface of a panel.
pub(crate) fn surface(ui: &Ui, rect: Rect) {
    let colors = theme::colors(ui);
    ui.painter().rect(
        rect,
        CornerRadius::same(size::RADIUS_PANEL),
        colors.panel,
        Stroke::new(1.0, colors.line),
        StrokeKind::Inside,
    );
}

/// Why there is nothing, and the one act that changes it; whether that was clicked.
pub fn empty_state(ui: &mut Ui, why: &str, act: Option<&str>) -> bool {
    let mut clicked = false;
    let room = ui.available_size();
    ui.allocate_ui_with_layout(room, Layout::top_down(Align::Center), |ui| {
        ui.add_space((room.y / 2.0 - 26.0).max(4.0));
        let muted = theme::colors(ui).muted;
        Line::body(why).color(muted).wrapped().show(ui);
        ui.add_space(6.0);
        if let Some(act) = act {
            clicked = Btn::new(act).clicked(ui);
        }
    });
    clicked
}

/// Cause, object and next step of an error, with a way to copy it.
pub fn error_state(ui: &mut Ui, message: &str, remedy: Option<&str>) {
    let colors = theme::colors(ui);
    eframe::egui::Frame::new()
        .fill(colors.critical_tint)
        .corner_radius(CornerRadius::same(size::RADIUS))
        .inner_margin(10)
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                text::icon(ui, Icon::OctagonX, colors.critical);
                Line::body(message).medium().wrapped().show(ui);
            });
            if let Some(remedy) = remedy {
                Line::table(remedy).color(colors.muted).wrapped().show(ui);
            }
            ui.add_space(4.0);
            if Btn::new("Copy").icon(Icon::Copy).small().clicked(ui) {
                let text = remedy.map_or_else(
                    || message.to_owned(),
                    |remedy| format!("{message}\n{remedy}"),
                );
                ui.ctx().copy_text(text);
            }
        });
}
