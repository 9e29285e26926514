//! Room divided into parts, with the gap of the design between them.

use eframe::egui::{Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};

use crate::theme::size;

/// Extent of one part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Split {
    /// In points.
    Points(f32),
    /// A share of what is left, by weight.
    Share(f32),
}

fn extents(room: f32, parts: &[Split]) -> Vec<f32> {
    let gaps = size::GAP * parts.len().saturating_sub(1) as f32;
    let (mut fixed, mut weights) = (0.0, 0.0);
    for part in parts {
        match part {
            Split::Points(points) => fixed += points,
            Split::Share(weight) => weights += weight,
        }
    }
    let left = (room - gaps - fixed).max(0.0);
    parts
        .iter()
        .map(|part| match part {
            Split::Points(points) => *points,
            Split::Share(weight) => left * weight / weights,
        })
        .collect()
}

/// `room` side by side.
pub fn split_columns<const N: usize>(room: Rect, parts: [Split; N]) -> [Rect; N] {
    let mut x = room.left();
    let widths = extents(room.width(), &parts);
    std::array::from_fn(|part| {
        let width = widths.get(part).copied().unwrap_or_default();
        let rect = Rect::from_min_max(pos2(x, room.top()), pos2(x + width, room.bottom()));
        x += width + size::GAP;
        rect
    })
}

/// `room` one below the other.
pub fn split_rows<const N: usize>(room: Rect, parts: [Split; N]) -> [Rect; N] {
    let mut y = room.top();
    let heights = extents(room.height(), &parts);
    std::array::from_fn(|part| {
        let height = heights.get(part).copied().unwrap_or_default();
        let rect = Rect::from_min_max(pos2(room.left(), y), pos2(room.right(), y + height));
        y += height + size::GAP;
        rect
    })
}

/// Draws over the room that is left, or over the least room inside a scroll area where that is less.
pub fn least_ui(ui: &mut Ui, least: [f32; 2], add: impl FnOnce(&mut Ui, Rect)) {
    let room = ui.available_rect_before_wrap();
    let wanted = room.size().max(vec2(least[0], least[1]));
    if wanted == room.size() {
        add(ui, room);
        return;
    }
    // A bar that shows only under the pointer would not say that there is more.
    let usual = ui.spacing().scroll;
    let scroll = &mut ui.spacing_mut().scroll;
    (scroll.dormant_handle_opacity, scroll.floating_width) = (0.6, 6.0);
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.spacing_mut().scroll = usual;
            let (rect, _) = ui.allocate_exact_size(wanted, Sense::hover());
            add(ui, rect);
        });
    ui.spacing_mut().scroll = usual;
}

/// Draws inside `rect`, top down, and cuts off what does not fit.
pub fn rect_ui<R>(ui: &mut Ui, rect: Rect, add: impl FnOnce(&mut Ui) -> R) -> R {
    let builder = UiBuilder::new()
        .max_rect(rect)
        .layout(Layout::top_down(eframe::egui::Align::Min));
    ui.scope_builder(builder, |ui| {
        ui.set_clip_rect(rect.expand(3.0).intersect(ui.clip_rect()));
        add(ui)
    })
    .inner
}
