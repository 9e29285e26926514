//! Text that leads somewhere.

use eframe::egui::{CursorIcon, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};

use super::button::ring;
use super::take_out::hear;
use crate::theme::{self, Type, Weight};

/// Draws it underlined, in the size of tables; `label` says where it leads.
pub fn link(ui: &mut Ui, text: &str, label: &str) -> Response {
    if hear(text) {
        return ui.allocate_response(Vec2::ZERO, Sense::hover());
    }
    let colors = theme::colors(ui);
    let font = theme::font(Type::Table, Weight::Medium);
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, colors.text);
    let width = galley.size().x.min(ui.available_width());
    let size = vec2(width, galley.size().y);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.galley(rect.min, galley, colors.text);
    let line = if response.hovered() {
        colors.text
    } else {
        colors.line_strong
    };
    painter.hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, line));
    if response.has_focus() {
        ring(ui, rect, colors);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, label));
    response.on_hover_cursor(CursorIcon::PointingHand)
}
