//! A button that says what is chosen, and opens the place where it is changed.

use eframe::egui::{
    CornerRadius, CursorIcon, Id, Popup, PopupCloseBehavior, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

use super::button::ring;
use crate::theme::{self, Icon, Type, Weight, size};

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
    ui.painter().text(
        rect.right_center() - vec2(14.0, 0.0),
        eframe::egui::Align2::CENTER_CENTER,
        char::from(Icon::ChevronDown),
        theme::icon_font(12.0),
        colors.muted,
    );
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, true, what);
        info.current_text_value = Some(chosen.to_owned());
        info
    });
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    Popup::menu(&response)
        .id(Id::unique(("drop", what)))
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(open);
}
