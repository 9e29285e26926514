//! Names on a chart: of its lines beside their ends, of its events beside their marks. Each stands on
//! a ground of its own, so that a line that passes below does not strike it through.

use std::sync::Arc;

use eframe::egui::text::LayoutJob;
use eframe::egui::{Color32, CornerRadius, Galley, Painter, Pos2, Rect, pos2, vec2};

use super::{Mark, Series, TimeChart};
use crate::theme::{self, Palette, Type, Weight};

/// Height of a name.
const LABEL: f32 = 13.0;
/// Between a mark and its name.
const GAP: f32 = 4.0;
/// The most of a chart's width that the name of an event takes.
const MARK_SHARE: f32 = 0.3;

/// The name of each line beside its last value, moved up where it would cover another.
pub(super) fn series_ui(
    painter: &Painter,
    chart: &TimeChart<'_>,
    frame: Rect,
    colors: &Palette,
    screen: impl Fn(f64, f64) -> Pos2,
) {
    let mut labels: Vec<(Pos2, &Series)> = chart
        .series
        .iter()
        .filter_map(|series| {
            let last = series.points.iter().rev();
            let (x, y) = last.clone().find_map(|(x, y)| y.map(|y| (*x, y)))?;
            Some((screen(x.min(chart.range.1), y), series))
        })
        .collect();
    labels.sort_by(|(a, _), (b, _)| b.y.total_cmp(&a.y));
    let wanted: Vec<f32> = labels.iter().map(|(at, _)| at.y - 4.0).collect();
    let places = spread(&wanted, frame.top() + LABEL);
    let font = || theme::font(Type::Caption, Weight::Medium);
    for ((at, series), y) in labels.into_iter().zip(places) {
        let text = painter.layout_no_wrap(series.name.clone(), font(), series.color);
        let x = at.x.min(frame.right()) - 6.0 - text.size().x;
        // Where the line has just begun there is no room before its end.
        let x = if x < frame.left() { at.x + 6.0 } else { x };
        on_ground(
            painter,
            pos2(x, y - text.size().y),
            text,
            series.color,
            colors,
        );
    }
}

/// What happened at each mark, at the top of the chart; left out where there is no room for it.
pub(super) fn marks_ui(
    painter: &Painter,
    marks: &[Mark],
    frame: Rect,
    colors: &Palette,
    x: impl Fn(f64) -> f32,
) {
    let mut shown: Vec<(f32, &Mark)> = marks.iter().map(|mark| (x(mark.at), mark)).collect();
    shown.retain(|(x, _)| frame.x_range().contains(*x));
    shown.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut free = frame.left();
    for (x, mark) in shown {
        let font = theme::font(Type::Caption, Weight::Regular);
        let Some(name) = &mark.name else {
            continue;
        };
        let mut job = LayoutJob::simple_singleline(name.clone(), font, mark.color);
        job.wrap.max_width = frame.width() * MARK_SHARE;
        job.wrap.max_rows = 1;
        job.wrap.break_anywhere = true;
        let text = painter.layout_job(job);
        if let Some(left) = beside(x, text.size().x, (free, frame.right())) {
            free = free.max(left + text.size().x + GAP).max(x);
            on_ground(painter, pos2(left, frame.top()), text, mark.color, colors);
        }
    }
}

/// Where a name begins that stands beside its line at `x`: to the right of it, to the left where it
/// would be cut off there, nowhere where it does not fit either.
fn beside(x: f32, width: f32, (from, to): (f32, f32)) -> Option<f32> {
    let (right, left) = (x + GAP, x - GAP - width);
    if right >= from && right + width <= to {
        Some(right)
    } else {
        (left >= from).then_some(left)
    }
}

fn on_ground(painter: &Painter, at: Pos2, text: Arc<Galley>, color: Color32, colors: &Palette) {
    let ground = Rect::from_min_size(at, text.size()).expand2(vec2(2.0, 0.0));
    painter.rect_filled(ground, CornerRadius::same(2), colors.panel);
    painter.galley(at, text, color);
}

/// Where labels stand that want to be at `wanted`, the lowest first: each a line above the one
/// before at least, and none above `top`.
fn spread(wanted: &[f32], top: f32) -> Vec<f32> {
    let mut above = f32::INFINITY;
    let mut places: Vec<f32> = wanted
        .iter()
        .map(|y| {
            above = y.min(above - LABEL);
            above
        })
        .collect();
    // From the top down, what does not fit pushes the rest.
    let mut below = top - LABEL;
    for y in places.iter_mut().rev() {
        *y = y.max(below + LABEL);
        below = *y;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_never_cover_each_other() {
        assert_eq!(spread(&[90.0, 50.0], 13.0), [90.0, 50.0]);
        assert_eq!(spread(&[90.0, 88.0, 87.0], 13.0), [90.0, 77.0, 64.0]);
        assert_eq!(spread(&[20.0, 20.0, 20.0], 13.0), [39.0, 26.0, 13.0]);
    }

    #[test]
    fn the_name_of_an_event_is_never_cut_off_at_an_edge() {
        let room = (0.0, 100.0);
        assert_eq!(beside(10.0, 40.0, room), Some(14.0));
        assert_eq!(beside(90.0, 40.0, room), Some(46.0), "to the left of it");
        assert_eq!(beside(50.0, 60.0, room), None, "no room on either side");
        // The name before it ends at 48.
        assert_eq!(beside(46.0, 20.0, (48.0, 100.0)), Some(50.0));
        assert_eq!(beside(90.0, 40.0, (48.0, 100.0)), None);
    }
}
