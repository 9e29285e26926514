//! Columns or a line over periods: the axis begins at zero, a period that is not complete is
//! hatched and says where it ends, and each period can be clicked.

use eframe::egui::{
    Align2, Color32, CursorIcon, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke,
    StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::button::focus_inside;
use super::paint::hatch;
use crate::theme::{self, Palette, Type, Weight};

/// Room of the numbers of the axis at least, and what stands between them and the columns.
const AXIS_MIN: f32 = 30.0;
const AXIS_GAP: f32 = 8.0;
/// Room of the names of the periods.
const FOOT: f32 = 19.0;
/// Height of a line that is written over the highest value.
const HEAD: f32 = 15.0;
/// Between two numbers of the axis at least.
const TICK: f32 = 26.0;
/// A column is no wider.
const COLUMN_MAX: f32 = 56.0;
/// With more periods the keyboard would be lost among them; the table holds them.
const REACHED_BY_KEYS: usize = 60;

/// One period.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    /// Below it.
    pub label: String,
    /// How high it is. A position only; what is exact stands in the texts.
    pub value: f64,
    /// Above it, where there is room.
    pub text: String,
    /// Exactly, under the pointer and for those who cannot see it.
    pub tip: String,
    /// Not complete: until when it goes.
    pub partial: Option<String>,
    /// The one that stands out.
    pub strong: bool,
}

/// How the values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// A column each.
    Bars,
    /// Points, joined.
    Line,
}

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct ColumnChart<'a> {
    /// Its name for those who cannot see it.
    pub name: &'a str,
    /// The periods, ascending.
    pub periods: &'a [Period],
    /// Columns or a line.
    pub drawn: Drawn,
    /// Its colour; `None` where colour says nothing.
    pub color: Option<Color32>,
    /// A number of the axis in words.
    pub tick: fn(f64) -> String,
    /// Whether the names of the periods stand below.
    pub names: bool,
}

/// Where things stand.
struct Frame {
    plot: Rect,
    slot: f32,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Frame {
    /// `axis` says how wide the numbers of the axis are.
    fn of(room: Rect, chart: &ColumnChart<'_>, axis: impl Fn(&str) -> f32) -> Self {
        let values = || chart.periods.iter().map(|period| period.value);
        let (low, high) = (
            values().fold(0.0, f64::min),
            values().fold(0.0, f64::max).max(1e-9),
        );
        let foot = if chart.names { FOOT } else { 4.0 };
        let partial = chart.periods.iter().any(|period| period.partial.is_some());
        let head = if partial && room.height() > 150.0 {
            HEAD * 2.0
        } else {
            HEAD
        };
        let height = room.height() - head - foot;
        let ticks = ticks(low, high, height);
        let widest = ticks.iter().map(|tick| axis(&(chart.tick)(*tick)));
        let left = widest.fold(AXIS_MIN, f32::max) + AXIS_GAP;
        let plot = Rect::from_min_max(
            pos2(room.left() + left, room.top() + head),
            pos2(room.right() - 2.0, room.bottom() - foot),
        );
        Self {
            plot,
            slot: plot.width() / chart.periods.len().max(1) as f32,
            low,
            high,
            ticks,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a position on the screen")]
    fn y(&self, value: f64) -> f32 {
        let share = (value - self.low) / (self.high - self.low);
        self.plot.bottom() - share as f32 * self.plot.height()
    }

    fn x(&self, place: usize) -> f32 {
        self.plot.left() + self.slot * (place as f32 + 0.5)
    }

    fn room(&self, place: usize) -> Rect {
        let left = self.plot.left() + self.slot * place as f32;
        Rect::from_min_max(
            pos2(left, self.plot.top() - HEAD),
            pos2(left + self.slot, self.plot.bottom()),
        )
    }
}

/// Draws it; the period that was clicked.
pub fn column_chart(ui: &mut Ui, chart: &ColumnChart<'_>, size: Vec2) -> Option<usize> {
    let (room, whole) = ui.allocate_exact_size(size, Sense::hover());
    let colors = theme::colors(ui);
    let frame = Frame::of(room, chart, |text| {
        let font = theme::font(Type::Caption, Weight::Regular);
        let text = ui
            .painter()
            .layout_no_wrap(text.to_owned(), font, colors.muted);
        text.size().x
    });
    axis(ui.painter(), chart, &frame, colors);
    let mut clicked = None;
    for (place, period) in chart.periods.iter().enumerate() {
        let response = period_ui(ui, &whole, chart, &frame, place, period);
        if response.clicked() {
            clicked = Some(place);
        }
    }
    match chart.drawn {
        Drawn::Bars => bars(ui.painter(), chart, &frame, colors),
        Drawn::Line => line(ui.painter(), chart, &frame, colors),
    }
    labels(ui.painter(), chart, &frame, colors);
    whole.widget_info(|| WidgetInfo::labeled(Role::Image, true, chart.name));
    clicked
}

fn period_ui(
    ui: &Ui,
    whole: &Response,
    chart: &ColumnChart<'_>,
    frame: &Frame,
    place: usize,
    period: &Period,
) -> Response {
    let sense = if chart.periods.len() > REACHED_BY_KEYS {
        Sense::CLICK
    } else {
        Sense::click()
    };
    let room = frame.room(place);
    let response = ui.interact(room, whole.id.with(place), sense);
    let colors = theme::colors(ui);
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(room, 2.0, colors.raised);
    }
    focus_inside(ui, &response, room, 2);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &period.tip));
    response
        .on_hover_cursor(CursorIcon::PointingHand)
        .on_hover_text(&period.tip)
}

fn axis(painter: &Painter, chart: &ColumnChart<'_>, frame: &Frame, colors: &Palette) {
    for at in frame.ticks.iter().copied() {
        let y = frame.y(at).round();
        let color = if at == 0.0 {
            colors.line_strong
        } else {
            colors.grid
        };
        painter.hline(frame.plot.x_range(), y, Stroke::new(1.0, color));
        painter.text(
            pos2(frame.plot.left() - AXIS_GAP, y),
            Align2::RIGHT_CENTER,
            (chart.tick)(at),
            theme::font(Type::Caption, Weight::Regular),
            colors.muted,
        );
    }
}

/// Round numbers from `low` to `high`, 0 among them, at most one for each [`TICK`] of `height`.
fn ticks(low: f64, high: f64, height: f32) -> Vec<f64> {
    let wanted = f64::from(height / TICK).clamp(1.0, 3.5);
    let step = tick_step((high - low) / wanted);
    let below = (-low / step).floor().max(0.0);
    let above = (high / step).floor().max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a handful, by the choice of the step"
    )]
    let (below, above) = (below as i32, above as i32);
    (-below..=above).map(|n| f64::from(n) * step).collect()
}

/// A round distance, not below `wanted`.
fn tick_step(wanted: f64) -> f64 {
    let power = 10_f64.powf(wanted.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= wanted)
        .unwrap_or(power * 10.0)
}

fn bars(painter: &Painter, chart: &ColumnChart<'_>, frame: &Frame, colors: &Palette) {
    let width = (frame.slot * 0.68).clamp(1.0, COLUMN_MAX);
    for (place, period) in chart.periods.iter().enumerate() {
        let (y, zero) = (frame.y(period.value), frame.y(0.0));
        let x = frame.x(place);
        let bar = Rect::from_min_max(
            pos2(x - width / 2.0, y.min(zero)),
            pos2(x + width / 2.0, y.max(zero)),
        );
        let color = chart.color.unwrap_or(colors.bar);
        if period.partial.is_some() && width > 4.0 {
            hatch(painter, bar, 6.0, color);
            painter.rect_stroke(bar, 0.0, Stroke::new(1.0, color), StrokeKind::Inside);
        } else {
            let strong = period.strong && chart.color.is_none();
            let fill = if strong { colors.text } else { color };
            painter.rect_filled(bar, 0.0, fill);
        }
    }
}

fn line(painter: &Painter, chart: &ColumnChart<'_>, frame: &Frame, colors: &Palette) {
    let at = |place: usize, period: &Period| pos2(frame.x(place), frame.y(period.value));
    let points: Vec<(Pos2, &Period)> = chart
        .periods
        .iter()
        .enumerate()
        .map(|(place, period)| (at(place, period), period))
        .collect();
    let stroke = Stroke::new(1.5, chart.color.unwrap_or(colors.text));
    for pair in points.windows(2) {
        if let [(from, a), (to, b)] = pair {
            if a.partial.is_some() || b.partial.is_some() {
                painter.extend(Shape::dashed_line(&[*from, *to], stroke, 4.0, 3.0));
            } else {
                painter.line_segment([*from, *to], stroke);
            }
        }
    }
    if chart.periods.len() <= REACHED_BY_KEYS {
        for (at, period) in points {
            if period.partial.is_some() {
                painter.circle(at, 3.0, colors.panel, stroke);
            } else {
                painter.circle_filled(at, 3.0, stroke.color);
            }
        }
    }
}

fn labels(painter: &Painter, chart: &ColumnChart<'_>, frame: &Frame, colors: &Palette) {
    let font = |weight| theme::font(Type::Caption, weight);
    let laid =
        |text: &str, weight, color| painter.layout_no_wrap(text.to_owned(), font(weight), color);
    let widest = chart
        .periods
        .iter()
        .map(|period| laid(&period.label, Weight::Regular, colors.muted).size().x)
        .fold(1.0, f32::max);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few, and at least one"
    )]
    let every = ((widest + 8.0) / frame.slot).ceil().max(1.0) as usize;
    for (place, period) in chart.periods.iter().enumerate() {
        let x = frame.x(place);
        if chart.names && place % every == 0 {
            let label = laid(&period.label, Weight::Regular, colors.muted);
            let half = label.size().x / 2.0;
            let x = x.min(frame.plot.right() + 2.0 - half);
            painter.galley(
                pos2(x - half, frame.plot.bottom() + 4.0),
                label,
                colors.muted,
            );
        }
        let (weight, color) = if period.strong {
            (Weight::SemiBold, colors.text)
        } else {
            (Weight::Regular, colors.muted)
        };
        let text = laid(&period.text, weight, color);
        if text.size().x > frame.slot {
            continue;
        }
        let y = frame.y(period.value).min(frame.y(0.0)) - text.size().y - 3.0;
        if let Some(until) = &period.partial {
            let until = laid(until, Weight::Regular, colors.muted);
            let half = until.size().x / 2.0;
            // The words may hang over the next column, where that is lower.
            if half < frame.slot * 0.9 {
                let x = x.clamp(frame.plot.left() + half, frame.plot.right() - half);
                painter.galley(pos2(x - half, y - until.size().y), until, colors.muted);
            }
        }
        let at = vec2(x - text.size().x / 2.0, y).to_pos2();
        painter.galley(at, text, color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_round_numbers_stand_on_the_axis() {
        for (low, high, height, expect) in [
            (0.0, 1_508.5, 250.0, &[0.0, 500.0, 1_000.0, 1_500.0][..]),
            (0.0, 9.0, 250.0, &[0.0, 5.0]),
            (0.0, 700.0, 30.0, &[0.0]),
            (-100.0, 100.0, 250.0, &[-100.0, 0.0, 100.0]),
        ] {
            assert_eq!(ticks(low, high, height), expect, "{low} to {high}");
        }
    }

    #[test]
    fn the_axis_begins_at_zero_or_below_it() {
        let period = |value| Period {
            label: String::new(),
            value,
            text: String::new(),
            tip: String::new(),
            partial: None,
            strong: false,
        };
        let room = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 200.0));
        let frame = |values: &[f64]| {
            let periods: Vec<Period> = values.iter().copied().map(period).collect();
            let chart = ColumnChart {
                name: "",
                periods: &periods,
                drawn: Drawn::Bars,
                color: None,
                tick: |value| value.to_string(),
                names: true,
            };
            Frame::of(room, &chart, |text| text.len() as f32 * 10.0)
        };
        let above = frame(&[500.0, 900.0]);
        assert!((above.y(0.0) - above.plot.bottom()).abs() < 1e-3);
        assert!((above.y(900.0) - above.plot.top()).abs() < 1e-3);
        let both = frame(&[-100.0, 100.0]);
        assert!(both.y(0.0) < both.plot.bottom());
        let wide = frame(&[1_000_000.0]);
        assert!(wide.plot.left() > above.plot.left());
    }
}
