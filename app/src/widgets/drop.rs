//! A button that says what is chosen, and opens the place where it is changed.

use eframe::egui::{
    CornerRadius, CursorIcon, Id, Popup, PopupCloseBehavior, Sense, Stroke, StrokeKind, Ui, pos2,
    vec2,
};

use super::button::{opens_menu, ring};
use crate::theme::{self, Type, Weight, size};

/// Widest text of a choice.
const TEXT_MAX: f32 = 190.0;

/// Draws the button: what it is, quietly, and what is chosen. `open` draws what it opens, which
/// stays until a click beside it, Esc, or [`Ui::close`].
pub fn drop_down(ui: &mut Ui, what: &str, chosen: &str, open: impl FnOnce(&mut Ui)) {
    let colors = theme::colors(ui);
    let laid = |text: &str, weight, color| {
        let font = theme::font(Type::Table, weight);
        ui.painter().layout_no_wrap(text.to_owned(), font, color)
    };
    let name = laid(what, Weight::Regular, colors.muted);
    let value = laid(chosen, Weight::Medium, colors.text);
    let text = value.size().x.min(TEXT_MAX);
    let width = 10.0 + name.size().x + 6.0 + text + 26.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::CONTROL), Sense::click());
    let border = if response.hovered() {
        colors.text
    } else {
        colors.line_strong
    };
    let radius = CornerRadius::same(size::RADIUS);
    let stroke = Stroke::new(1.0, border);
    ui.painter()
        .rect_stroke(rect, radius, stroke, StrokeKind::Inside);
    if response.has_focus() {
        ring(ui, rect, colors);
    }
    let x = rect.left() + 10.0 + name.size().x + 6.0;
    let y = |height: f32| rect.center().y - height / 2.0;
    let at = pos2(rect.left() + 10.0, y(name.size().y));
    let inner = ui.painter().with_clip_rect(rect.with_max_x(x + text));
    ui.painter().galley(at, name, colors.muted);
    let at = pos2(x, y(value.size().y));
    inner.galley(at, value, colors.text);
    opens_menu(ui, rect, &response, what, chosen);
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    Popup::menu(&response)
        .id(Id::unique(("drop", what)))
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(open);
}
