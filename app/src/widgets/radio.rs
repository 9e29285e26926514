//! One of several ways, each a line of its own.

use eframe::egui::{
    Align2, CornerRadius, CursorIcon, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    vec2,
};

use super::button::ring;
use crate::theme::{self, Type, Weight, size};

/// A choice with its circle, over the width that is left less `keep` points at the right.
pub fn radio(ui: &mut Ui, text: &str, on: bool, keep: f32) -> Response {
    let colors = theme::colors(ui);
    let width = (ui.available_width() - keep).max(60.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::CONTROL), Sense::click());
    let center = rect.left_center() + vec2(7.0, 0.0);
    let border = if on || response.hovered() {
        colors.text
    } else {
        colors.line_strong
    };
    let painter = ui.painter().with_clip_rect(rect.expand(3.0));
    painter.circle_stroke(center, 6.0, Stroke::new(1.0, border));
    if on {
        painter.circle_filled(center, 3.5, colors.text);
    }
    painter.text(
        rect.left_center() + vec2(24.0, 0.0),
        Align2::LEFT_CENTER,
        text,
        theme::font(
            Type::Table,
            if on { Weight::Medium } else { Weight::Regular },
        ),
        colors.text,
    );
    if response.has_focus() {
        ring(ui, rect, colors);
    }
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, text));
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// A sentence on the tint of a status, with its icon: what to know before going on.
pub fn notice_line(ui: &mut Ui, status: super::Status, text: &str) {
    let colors = theme::colors(ui);
    eframe::egui::Frame::new()
        .fill(status.tint(colors))
        .corner_radius(CornerRadius::same(size::RADIUS))
        .inner_margin(8)
        .show(ui, |ui| {
            ui.horizontal_top(|ui| {
                super::status_icon(ui, status);
                super::Line::table(text).wrapped().show(ui);
            });
        });
}

/// How far something is: a bar over the width that is left, with its words for those who cannot
/// see it.
pub fn progress_bar(ui: &mut Ui, share: f32, words: &str) {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 8.0), Sense::hover());
    super::bar(ui.painter(), rect, share, colors.bar, colors.grid);
    ui.painter().rect_stroke(
        rect,
        CornerRadius::same(1),
        Stroke::new(1.0, colors.line),
        StrokeKind::Inside,
    );
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, words));
}
