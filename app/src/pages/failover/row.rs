//! A row of cells at fixed shares of its width: for tables of a few lines that never scroll.

use eframe::egui::{Align, Layout, Rect, Sense, Ui, UiBuilder, pos2, vec2};

use crate::widgets::Align as Side;

/// Draws a row of `height` points. Each column ends at its share of the width, 0 to 1.
pub(super) fn row_ui(
    ui: &mut Ui,
    height: f32,
    columns: &[(f32, Side)],
    mut cell: impl FnMut(&mut Ui, usize),
) -> Rect {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let mut x = rect.left();
    for (place, (stop, side)) in columns.iter().enumerate() {
        let end = rect.left() + rect.width() * stop;
        let last = place + 1 == columns.len();
        let gap = if last { 0.0 } else { 6.0 };
        let at = Rect::from_min_max(pos2(x, rect.top()), pos2(end - gap, rect.bottom()));
        x = end;
        let layout = match side {
            Side::Left => Layout::left_to_right(Align::Center),
            Side::Right => Layout::right_to_left(Align::Center),
        };
        ui.scope_builder(UiBuilder::new().max_rect(at).layout(layout), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.set_clip_rect(at.expand(2.0).intersect(ui.clip_rect()));
            cell(ui, place);
        });
    }
    rect
}
