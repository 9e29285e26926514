//! Rows of a name, a bar and its number: shares compared. A bar too long for the scale of the
//! others is broken where everybody sees it.

use eframe::egui::{
    Align2, Color32, CornerRadius, CursorIcon, Painter, Rect, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};
use retail_engine::model::Region;

use super::marker::marker;
use super::paint::hatch;
use crate::theme::{self, Palette, Type, Weight};

/// Height of a bar.
const BAR: f32 = 8.0;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct BarRow {
    /// Its name.
    pub name: String,
    /// The region that it is, by shape and colour.
    pub region: Option<Region>,
    /// Length of its bar, 0 to 1.
    pub share: f32,
    /// The bar is cut: longer than the scale.
    pub broken: bool,
    /// Its number.
    pub value: String,
    /// After it, quietly.
    pub note: String,
    /// Exactly, under the pointer.
    pub tip: String,
    /// The one that is filtered by.
    pub chosen: bool,
}

/// Widths of what stands beside the bars.
#[derive(Debug, Clone, Copy)]
pub struct BarColumns {
    /// The names.
    pub name: f32,
    /// The numbers.
    pub value: f32,
    /// What follows them.
    pub note: f32,
}

/// Draws rows of `height` points; the row that was clicked. `name` says what the rows are.
pub fn bar_rows(
    ui: &mut Ui,
    name: &str,
    rows: &[BarRow],
    columns: BarColumns,
    height: f32,
) -> Option<usize> {
    let mut clicked = None;
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    for (place, row) in rows.iter().enumerate() {
        let (rect, whole) =
            ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
        let response = ui.interact(rect, whole.id.with((name, place)), Sense::click());
        let painter = ui.painter();
        if row.chosen || response.hovered() || response.has_focus() {
            painter.rect_filled(rect.expand2(vec2(4.0, 0.0)), 2.0, colors.raised);
        }
        if response.has_focus() {
            let ring = Stroke::new(2.0, colors.focus);
            let around = rect.expand2(vec2(4.0, 0.0));
            painter.rect_stroke(around, 2.0, ring, StrokeKind::Inside);
        }
        row_ui(painter, rect, row, columns, colors);
        let label = format!("{name}: {}", row.name);
        response.widget_info(|| {
            let mut info = WidgetInfo::selected(Role::Button, true, row.chosen, &label);
            info.current_text_value = Some(format!("{}, {}", row.value, row.note));
            info
        });
        let response = response.on_hover_cursor(CursorIcon::PointingHand);
        if response.on_hover_text(&row.tip).clicked() {
            clicked = Some(place);
        }
    }
    clicked
}

fn row_ui(painter: &Painter, rect: Rect, row: &BarRow, columns: BarColumns, colors: &Palette) {
    let y = rect.center().y;
    let font = |weight| theme::font(Type::Table, weight);
    let (mut x, weight) = (
        rect.left(),
        if row.region.is_some() || row.chosen {
            Weight::SemiBold
        } else {
            Weight::Regular
        },
    );
    if let Some(region) = row.region {
        marker(
            painter,
            pos2(x + 5.0, y),
            region.home(),
            colors.region(region),
        );
        x += 16.0;
    }
    let names = Rect::from_min_max(
        rect.min,
        pos2(rect.left() + columns.name - 6.0, rect.bottom()),
    );
    painter
        .with_clip_rect(names.intersect(painter.clip_rect()))
        .text(
            pos2(x, y),
            Align2::LEFT_CENTER,
            &row.name,
            font(weight),
            colors.text,
        );
    let right = rect.right() - columns.note;
    painter.text(
        rect.right_center(),
        Align2::RIGHT_CENTER,
        &row.note,
        font(Weight::Regular),
        colors.muted,
    );
    painter.text(
        pos2(right, y),
        Align2::RIGHT_CENTER,
        &row.value,
        font(Weight::Regular),
        colors.text,
    );
    let track = Rect::from_min_max(
        pos2(rect.left() + columns.name, y - BAR / 2.0),
        pos2(right - columns.value, y + BAR / 2.0),
    );
    let fill = row
        .region
        .map_or(colors.bar, |region| colors.region(region));
    bar(painter, track, row, fill);
}

fn bar(painter: &Painter, track: Rect, row: &BarRow, fill: Color32) {
    if track.width() < 4.0 {
        return;
    }
    let radius = CornerRadius::same(1);
    let until = |share: f32| track.left() + track.width() * share;
    let part = |from: f32, to: f32| Rect::from_x_y_ranges(until(from)..=until(to), track.y_range());
    if row.broken {
        painter.rect_filled(part(0.0, 0.74), radius, fill);
        hatch(painter, part(0.77, 0.87), 4.0, fill);
        painter.rect_filled(part(0.9, 1.0), radius, fill);
    } else if row.share > 0.0 {
        let mut drawn = part(0.0, row.share.min(1.0));
        drawn.max.x = drawn.max.x.max(drawn.min.x + 1.5);
        painter.rect_filled(drawn, radius, fill);
    }
}
