//! Small drawings: hatch, dashes, bars, sparklines.

use eframe::egui::{Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

/// Diagonal lines inside `rect`: no data, partial, simulated.
pub fn hatch(painter: &Painter, rect: Rect, step: f32, color: Color32) {
    let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    let stroke = Stroke::new(1.0, color);
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        painter.line_segment(
            [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())],
            stroke,
        );
        x += step;
    }
}

/// A border of dashes.
pub fn dashed_rect(painter: &Painter, rect: Rect, color: Color32) {
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    painter.extend(Shape::dashed_line(
        &corners,
        Stroke::new(1.0, color),
        4.0,
        3.0,
    ));
}

/// A bar on its track, filled from the left to `share` of 0 to 1.
pub fn bar(painter: &Painter, rect: Rect, share: f32, fill: Color32, track: Color32) {
    let radius = CornerRadius::same(1);
    painter.rect_filled(rect, radius, track);
    let width = rect.width() * share.clamp(0.0, 1.0);
    if width > 0.0 {
        let filled = Rect::from_min_size(rect.min, vec2(width.max(1.0), rect.height()));
        painter.rect_filled(filled, radius, fill);
    }
}

/// The last values as a line from 0; `None` is a gap.
pub fn sparkline(
    painter: &Painter,
    rect: Rect,
    values: &[Option<f64>],
    color: Color32,
    base: Color32,
) {
    painter.hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, base));
    let most = values.iter().flatten().copied().fold(1.0, f64::max);
    let last = values.len().saturating_sub(1).max(1) as f32;
    let mut run: Vec<Pos2> = Vec::with_capacity(values.len());
    let stroke = Stroke::new(1.5, color);
    for (place, value) in values.iter().enumerate() {
        match value {
            Some(value) => {
                let x = rect.left() + rect.width() * place as f32 / last;
                #[expect(clippy::cast_possible_truncation, reason = "a share of 0 to 1")]
                let share = (value / most) as f32;
                run.push(pos2(x, rect.bottom() - 1.0 - share * (rect.height() - 3.0)));
            }
            None => painter.extend(line_of(&mut run, stroke)),
        }
    }
    painter.extend(line_of(&mut run, stroke));
}

fn line_of(run: &mut Vec<Pos2>, stroke: Stroke) -> Option<Shape> {
    let points = std::mem::take(run);
    (points.len() > 1).then(|| Shape::line(points, stroke))
}
