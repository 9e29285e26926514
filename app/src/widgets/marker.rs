//! A data centre or region by shape, colour and name.

use eframe::egui::{
    Color32, CornerRadius, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, pos2, vec2,
};
use retail_engine::model::{Dc, Region};

use super::text::Line;
use crate::theme;

/// Side of a marker.
const SIDE: f32 = 10.0;

/// Paints the shape of a data centre: circle, square, triangle.
pub fn marker(painter: &Painter, center: Pos2, dc: Dc, color: Color32) {
    let half = SIDE / 2.0;
    match dc {
        Dc::Europe => {
            painter.circle_filled(center, half, color);
        }
        Dc::Americas => {
            let square = Rect::from_center_size(center, vec2(SIDE - 1.0, SIDE - 1.0));
            painter.rect_filled(square, CornerRadius::same(1), color);
        }
        Dc::AsiaPacific => {
            let corners = vec![
                pos2(center.x, center.y - half + 0.5),
                pos2(center.x + half, center.y + half - 0.5),
                pos2(center.x - half, center.y + half - 0.5),
            ];
            painter.add(Shape::convex_polygon(corners, color, Stroke::NONE));
        }
    }
}

/// Marker and name of a data centre.
pub fn dc_label(ui: &mut Ui, dc: Dc, text: Line) -> Response {
    let color = theme::colors(ui).dc(dc);
    let (rect, _) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::hover());
    marker(ui.painter(), rect.center(), dc, color);
    text.show(ui)
}

/// Marker and name of a region.
pub fn region_label(ui: &mut Ui, region: Region, text: Line) -> Response {
    dc_label(ui, region.home(), text)
}
