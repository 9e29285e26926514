//! Charts over time: gaps stay gaps, y begins at zero, faults are spans, events are lines, and all
//! charts of a page share one range and one crosshair.

mod labels;
mod twin;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use eframe::egui::{
    Align2, Color32, Context, Id, Rect, Response, Role, Stroke, Ui, Vec2b, WidgetInfo, pos2, vec2,
};
use egui_plot::{GridMark, Line, LineStyle, Plot, PlotBounds, PlotPoint, Span, VLine};

pub use self::twin::{is_meant, is_table, twin_key};
use super::export_menu::Take;
use super::paint::hatch;
use super::take_out::{self, TakenOut};
use crate::theme::{self, Type, Weight};
use crate::views::format;

/// How a line is drawn, so that colour is not alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stroke2 {
    /// Solid.
    Solid,
    /// Dashed.
    Dashed,
    /// Dotted.
    Dotted,
}

/// One line of a chart.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name, drawn beside its end.
    pub name: String,
    /// Its colour.
    pub color: Color32,
    /// How it is drawn.
    pub stroke: Stroke2,
    /// Whether the area below is tinted.
    pub filled: bool,
    /// Seconds since 1970 and value; `None` is a gap.
    pub points: Vec<(f64, Option<f64>)>,
}

/// A time with something to say.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Seconds since 1970.
    pub at: f64,
    /// Its flag on the top chart.
    pub flag: String,
    /// What happened.
    pub text: String,
    /// The same in a few words, beside its line; none where its flag says enough.
    pub name: Option<String>,
    /// Its colour.
    pub color: Color32,
}

/// A time that lasted: a fault.
#[derive(Debug, Clone)]
pub struct Band {
    /// Its name.
    pub name: String,
    /// First second since 1970.
    pub from: f64,
    /// Last second since 1970; later than now while it lasts.
    pub to: f64,
}

/// What a chart shows.
#[derive(Debug, Clone)]
pub struct TimeChart<'a> {
    /// Its id, and its name for those who cannot see it.
    pub name: &'a str,
    /// Shared by the charts that share range and crosshair.
    pub group: &'a str,
    /// First and last second.
    pub range: (f64, f64),
    /// Its lines.
    pub series: Vec<Series>,
    /// Faults.
    pub bands: Vec<Band>,
    /// Events.
    pub marks: Vec<Mark>,
    /// Whether it has the time axis: the lowest of the page has.
    pub time_axis: bool,
    /// A value in words.
    pub value: fn(f64) -> String,
}

/// Puts the crosshair of all charts at a time, until another is chosen; `None` takes it away.
pub fn pin(ctx: &Context, at: Option<DateTime<Utc>>) {
    ctx.data_mut(|data| match at {
        Some(at) => {
            data.insert_temp(pin_id(), at);
        }
        None => data.remove::<DateTime<Utc>>(pin_id()),
    });
}

/// Where [`pin`] put the crosshair.
pub fn pinned(ctx: &Context) -> Option<DateTime<Utc>> {
    ctx.data(|data| data.get_temp(pin_id()))
}

fn pin_id() -> Id {
    Id::unique("pinned time")
}

/// The crosshair that was put at a time, with the time beside it.
fn pin_ui(ui: &Ui, frame: Rect, (from, to): (f64, f64), x: impl Fn(f64) -> f32) {
    let Some(at) = pinned(ui.ctx()).map(|at| at.timestamp_micros() as f64 / 1e6) else {
        return;
    };
    if !(from..=to).contains(&at) {
        return;
    }
    let colors = theme::colors(ui);
    let x = x(at);
    let painter = ui.painter();
    painter.vline(x, frame.y_range(), Stroke::new(1.5, colors.focus));
    let (align, at_x) = if x > frame.center().x {
        (Align2::RIGHT_TOP, x - 4.0)
    } else {
        (Align2::LEFT_TOP, x + 4.0)
    };
    painter.text(
        pos2(at_x, frame.top()),
        align,
        format::clock(moment(at)),
        theme::font(Type::Caption, Weight::Medium),
        colors.text,
    );
}

/// Width of the labels of the upright axis.
const Y_LABELS: f32 = 52.0;
/// Width of a time under the other.
const TIME_LABEL: f32 = 56.0;

/// A time below the axis of a chart that is `width` points wide. One that would stand across a corner is left
/// out: at the left it runs into the zero of the other axis, at the right it is cut off.
fn time_mark(at: f64, (from, to): (f64, f64), width: f32) -> String {
    let inside = (width - Y_LABELS).max(1.0);
    let corner = f64::from(TIME_LABEL / 2.0 / inside) * (to - from);
    if at < from + corner || at > to - corner {
        String::new()
    } else {
        format::clock(moment(at))
    }
}

/// Draws it over the room that is left, `height` points high; as a table of its samples where a
/// person turned it into one.
pub fn time_chart(ui: &mut Ui, chart: &TimeChart<'_>, height: f32) -> Response {
    let response = if twin::is_table(ui.ctx(), chart.name) {
        twin::table_ui(ui, chart, height)
    } else {
        drawn_ui(ui, chart, height)
    };
    twin::turn(ui, chart.name, response.rect);
    menu_ui(ui, response.rect, chart);
    response
}

fn drawn_ui(ui: &mut Ui, chart: &TimeChart<'_>, height: f32) -> Response {
    let colors = theme::colors(ui);
    let top = top_of(chart);
    let (from, to) = chart.range;
    let value = chart.value;
    let (group, width) = (Id::unique(chart.group), ui.available_width());
    let drawn = ui.scope(|ui| {
        ui.visuals_mut().override_text_color = Some(colors.muted);
        ui.style_mut().text_styles.insert(
            eframe::egui::TextStyle::Body,
            theme::font(Type::Caption, Weight::Regular),
        );
        Plot::new(chart.name)
            .height(height)
            .show_background(false)
            .show_axes(Vec2b::new(chart.time_axis, true))
            .show_grid(Vec2b::new(false, true))
            .grid_color(colors.grid)
            .grid_fade(0.0)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .allow_double_click_reset(false)
            .set_margin_fraction(vec2(0.0, 0.0))
            .link_cursor(group, Vec2b::new(true, false))
            .cursor_color(colors.line_strong)
            .y_axis_min_width(Y_LABELS)
            .y_grid_spacer(move |_| y_marks(top))
            .x_grid_spacer(move |_| x_marks(from, to))
            .x_axis_formatter(move |mark, _| time_mark(mark.value, (from, to), width))
            .y_axis_formatter(move |mark, _| value(mark.value))
            .label_formatter(move |hover| match hover {
                egui_plot::HoverPosition::NearDataPoint {
                    plot_name,
                    position,
                    ..
                } => Some(format!(
                    "{plot_name}\n{}\n{}",
                    value(position.y),
                    clock_utc(position.x)
                )),
                egui_plot::HoverPosition::Elsewhere { position } => Some(clock_utc(position.x)),
            })
            .show(ui, |plot| {
                plot.set_plot_bounds(PlotBounds::from_min_max([from, 0.0], [to, top]));
                for band in &chart.bands {
                    plot.span(
                        Span::new("", band.from.max(from)..=band.to.min(to))
                            .fill(colors.fault_span)
                            .border(Stroke::new(1.0, colors.critical)),
                    );
                }
                for mark in &chart.marks {
                    plot.vline(VLine::new(&mark.flag, mark.at).color(mark.color).width(1.0));
                }
                for series in &chart.series {
                    for run in runs(&series.points, from, to) {
                        plot.line(line_of(series, run));
                    }
                }
            })
    });
    let inner = drawn.inner;
    let painter = ui.painter();
    let frame = *inner.transform.frame();
    painter.hline(
        frame.x_range(),
        frame.bottom(),
        Stroke::new(1.0, colors.line_strong),
    );
    let screen = |x: f64, y: f64| inner.transform.position_from_point(&PlotPoint::new(x, y));
    for (begin, end) in gaps(&chart.series, from, to) {
        let rect = eframe::egui::Rect::from_min_max(
            pos2(screen(begin, 0.0).x, frame.top()),
            pos2(screen(end, 0.0).x, frame.bottom()),
        );
        if rect.width() > 2.0 {
            hatch(painter, rect, 6.0, colors.line_strong);
        }
    }
    if is_top(ui.ctx(), chart) {
        labels::marks_ui(painter, &chart.marks, frame, colors, |at| screen(at, 0.0).x);
    }
    labels::series_ui(painter, chart, frame, colors, screen);
    pin_ui(ui, frame, chart.range, |at| screen(at, 0.0).x);
    let time = |x: f32| inner.transform.value_from_position(pos2(x, frame.top())).x;
    brush_ui(ui, &inner.response, frame, time);
    let label = said(chart);
    inner
        .response
        .widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
    inner.response
}

/// For those who cannot see it: the last value of each line.
fn said(chart: &TimeChart<'_>) -> String {
    let last = chart.series.iter().map(|series| {
        let last = series.points.last().and_then(|(_, y)| *y);
        let last = last.map_or_else(|| "unknown".to_owned(), chart.value);
        format!("{} {last}", series.name)
    });
    let last: Vec<String> = last.collect();
    format!("{}: {}", chart.name, last.join(", "))
}

/// Whether a chart is the first of its group in this frame: what happened is named there once.
fn is_top(ctx: &Context, chart: &TimeChart<'_>) -> bool {
    let pass = ctx.cumulative_pass_nr();
    let id = Id::unique(("top chart of", chart.group));
    ctx.data_mut(|data| {
        let top: &mut Option<(u64, String)> = data.get_temp_mut_or_default(id);
        match top {
            Some((at, name)) if *at == pass => name == chart.name,
            _ => {
                *top = Some((pass, chart.name.to_owned()));
                true
            }
        }
    })
}

/// A chart by itself, to be drawn as a picture.
#[derive(Debug, Clone)]
pub struct Picture {
    name: String,
    range: (f64, f64),
    series: Vec<Series>,
    bands: Vec<Band>,
    marks: Vec<Mark>,
    value: fn(f64) -> String,
}

impl Picture {
    fn of(chart: &TimeChart<'_>) -> Self {
        Self {
            name: chart.name.to_owned(),
            range: chart.range,
            series: chart.series.clone(),
            bands: chart.bands.clone(),
            marks: chart.marks.clone(),
            value: chart.value,
        }
    }

    /// Draws it over the room that is left.
    pub fn draw(&self, ui: &mut Ui) {
        let chart = TimeChart {
            name: &self.name,
            group: "picture",
            range: self.range,
            series: self.series.clone(),
            bands: self.bands.clone(),
            marks: self.marks.clone(),
            time_axis: true,
            value: self.value,
        };
        let height = ui.available_height();
        time_chart(ui, &chart, height);
    }
}

/// A right click takes the chart out: its samples, or its picture.
fn menu_ui(ui: &Ui, room: Rect, chart: &TimeChart<'_>) {
    let takes = [Take::Copy, Take::Csv, Take::Json, Take::Png];
    if !take_out::has_menu() {
        return;
    }
    let Some(take) = take_out::context_menu(ui, room, chart.name, &takes) else {
        return;
    };
    let names = chart.series.iter().map(|series| series.name.clone());
    let out = TakenOut {
        take,
        title: chart.name.to_owned(),
        columns: std::iter::once("time".to_owned()).chain(names).collect(),
        rows: samples(&chart.series, chart.range),
        picture: Some(Picture::of(chart)),
    };
    take_out::hand_over(ui.ctx(), out);
}

/// The values of the lines at a time, in their order; `None` where one was not measured.
type Sample = (DateTime<Utc>, Vec<Option<f64>>);

/// The samples in the range, one for each time, oldest first.
fn rows(series: &[Series], (from, to): (f64, f64)) -> Vec<Sample> {
    let mut rows: BTreeMap<DateTime<Utc>, Vec<Option<f64>>> = BTreeMap::new();
    for (place, one) in series.iter().enumerate() {
        for (at, value) in &one.points {
            if !(from..=to).contains(at) {
                continue;
            }
            let row = rows.entry(moment(*at));
            let row = row.or_insert_with(|| vec![None; series.len()]);
            if let Some(cell) = row.get_mut(place) {
                *cell = value.or(*cell);
            }
        }
    }
    rows.into_iter().collect()
}

/// The samples as text: the time in UTC, then the value of each line, exactly; nothing where it
/// was not measured.
fn samples(series: &[Series], range: (f64, f64)) -> Vec<Vec<String>> {
    let row = |(at, values): Sample| {
        let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let values = values.into_iter();
        let values = values.map(|value| value.map_or_else(String::new, |value| value.to_string()));
        std::iter::once(at).chain(values).collect()
    };
    rows(series, range).into_iter().map(row).collect()
}

/// Narrower than this is a click, not a brush.
const BRUSH_MIN: f32 = 6.0;

fn brush_id() -> Id {
    Id::unique("brush")
}

/// The time that was brushed on any chart, in seconds since 1970: all charts show it.
pub fn brush(ctx: &Context) -> Option<(f64, f64)> {
    ctx.data(|data| data.get_temp(brush_id()))
}

/// Shows the newest time again.
pub fn clear_brush(ctx: &Context) {
    ctx.data_mut(|data| data.remove::<(f64, f64)>(brush_id()));
}

/// Dragging over a chart chooses its time.
fn brush_ui(ui: &Ui, chart: &Response, frame: Rect, time: impl Fn(f32) -> f64) {
    let begun = chart.id.with("brushed from");
    if chart.drag_started()
        && let Some(at) = ui.input(|input| input.pointer.press_origin())
    {
        ui.data_mut(|data| data.insert_temp(begun, at.x));
    }
    let from: Option<f32> = ui.data(|data| data.get_temp(begun));
    let (Some(from), Some(at)) = (from, ui.input(|input| input.pointer.latest_pos())) else {
        return;
    };
    let hold = |x: f32| x.clamp(frame.left(), frame.right());
    let (left, right) = (hold(from.min(at.x)), hold(from.max(at.x)));
    if chart.dragged() {
        let colors = theme::colors(ui);
        let rect = Rect::from_min_max(pos2(left, frame.top()), pos2(right, frame.bottom()));
        let stroke = Stroke::new(1.0, colors.text);
        ui.painter()
            .rect_stroke(rect, 0.0, stroke, eframe::egui::StrokeKind::Inside);
    }
    if chart.drag_stopped() {
        ui.data_mut(|data| {
            data.remove::<f32>(begun);
            if right - left >= BRUSH_MIN {
                data.insert_temp(brush_id(), (time(left), time(right)));
            }
        });
    }
}

/// Highest value shown: a round number above all values.
fn top_of(chart: &TimeChart<'_>) -> f64 {
    let (from, to) = chart.range;
    let most = chart
        .series
        .iter()
        .flat_map(|series| &series.points)
        .filter(|(x, _)| (from..=to).contains(x))
        .filter_map(|(_, y)| *y)
        .fold(0.0, f64::max);
    round_above(most)
}

/// A round number of which a quarter is round too, above `value`, and at least 4.
pub fn round_above(value: f64) -> f64 {
    if value < 4.0 {
        return 4.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    // Below 10 a quarter must be whole.
    let steps: &[f64] = if power < 10.0 {
        &[8.0, 12.0]
    } else {
        &[1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 12.0]
    };
    steps
        .iter()
        .map(|step| step * power)
        .find(|top| *top >= value * 1.000_1)
        .unwrap_or(power * 12.0)
}

fn y_marks(top: f64) -> Vec<GridMark> {
    (0..=4)
        .map(|step| GridMark {
            value: top * f64::from(step) / 4.0,
            step_size: top / 4.0,
        })
        .collect()
}

fn x_marks(from: f64, to: f64) -> Vec<GridMark> {
    const STEPS: [f64; 9] = [5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 3_600.0];
    let wanted = (to - from) / 5.0;
    let step = STEPS
        .into_iter()
        .find(|step| *step >= wanted)
        .unwrap_or(7_200.0);
    let mut marks = Vec::new();
    let mut at = (from / step).ceil() * step;
    while at <= to {
        marks.push(GridMark {
            value: at,
            step_size: step,
        });
        at += step;
    }
    marks
}

fn line_of<'a>(series: &Series, run: Vec<[f64; 2]>) -> Line<'a> {
    let line = Line::new(series.name.clone(), run)
        .color(series.color)
        .width(1.5)
        .style(match series.stroke {
            Stroke2::Solid => LineStyle::Solid,
            Stroke2::Dashed => LineStyle::Dashed { length: 6.0 },
            Stroke2::Dotted => LineStyle::Dotted { spacing: 4.0 },
        });
    if series.filled {
        line.fill(0.0).fill_alpha(0.14)
    } else {
        line
    }
}

/// The runs of known points inside the range.
fn runs(points: &[(f64, Option<f64>)], from: f64, to: f64) -> Vec<Vec<[f64; 2]>> {
    let mut runs = Vec::new();
    let mut run = Vec::new();
    for (x, y) in points {
        match y {
            Some(y) if (from..=to).contains(x) => run.push([*x, *y]),
            _ if run.is_empty() => {}
            _ => runs.push(std::mem::take(&mut run)),
        }
    }
    if !run.is_empty() {
        runs.push(run);
    }
    runs
}

/// Where no line of the chart has a value, between its first and its last sample.
fn gaps(series: &[Series], from: f64, to: f64) -> Vec<(f64, f64)> {
    let Some(first) = series.first() else {
        return Vec::new();
    };
    let mut gaps = Vec::new();
    let mut since: Option<f64> = None;
    let mut before = None;
    for (place, (x, _)) in first.points.iter().enumerate() {
        if !(from..=to).contains(x) {
            continue;
        }
        let known = series
            .iter()
            .any(|series| series.points.get(place).is_some_and(|(_, y)| y.is_some()));
        match (known, since) {
            (false, None) => since = Some(before.unwrap_or(*x)),
            (true, Some(begin)) => {
                gaps.push((begin, *x));
                since = None;
            }
            _ => {}
        }
        before = Some(*x);
    }
    if let (Some(begin), Some(end)) = (since, before) {
        gaps.push((begin, end));
    }
    gaps
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds since 1970 fit for the next billion years"
)]
fn moment(seconds: f64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis((seconds * 1_000.0) as i64).unwrap_or_default()
}

/// Under the pointer: as chosen, and always in UTC as well.
fn clock_utc(seconds: f64) -> String {
    let at = moment(seconds);
    let chosen = format::clock(at);
    format!("{chosen} (UTC {})", at.format("%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[Option<f64>]) -> Series {
        Series {
            name: "a".into(),
            color: Color32::WHITE,
            stroke: Stroke2::Solid,
            filled: false,
            points: values
                .iter()
                .enumerate()
                .map(|(x, y)| (x as f64, *y))
                .collect(),
        }
    }

    #[test]
    fn a_gap_breaks_the_line_and_is_found() {
        let one = series(&[Some(1.0), None, None, Some(2.0), Some(3.0)]);
        assert_eq!(
            runs(&one.points, 0.0, 9.0),
            [vec![[0.0, 1.0]], vec![[3.0, 2.0], [4.0, 3.0]]]
        );
        assert_eq!(gaps(std::slice::from_ref(&one), 0.0, 9.0), [(0.0, 3.0)]);
        let other = series(&[Some(1.0); 5]);
        assert!(gaps(&[one, other], 0.0, 9.0).is_empty());
    }

    #[test]
    fn samples_are_taken_out_exactly_and_a_gap_is_not_zero() {
        let one = series(&[Some(0.1), None, Some(2.0)]);
        let other = series(&[Some(5.0)]);
        assert_eq!(
            samples(&[one, other], (0.0, 1.0)),
            [
                ["1970-01-01T00:00:00.000Z", "0.1", "5"],
                ["1970-01-01T00:00:01.000Z", "", ""]
            ]
        );
    }

    #[test]
    fn a_time_is_not_written_across_a_corner() {
        let range = (1_000.0, 1_060.0);
        assert_eq!(time_mark(1_000.0, range, 600.0), "");
        assert_eq!(time_mark(1_060.0, range, 600.0), "");
        assert_eq!(
            time_mark(1_020.0, range, 600.0),
            format::clock(moment(1_020.0))
        );
        // What has little room has it for fewer.
        assert_eq!(time_mark(1_020.0, range, 60.0), "");
    }

    #[test]
    fn the_axis_ends_at_a_round_number_above_all_values() {
        for (value, top) in [
            (0.0, 4.0),
            (3.9, 4.0),
            (4.0, 8.0),
            (8_740.0, 12_000.0),
            (1_001.0, 1_200.0),
            (52_000.0, 60_000.0),
        ] {
            assert!((round_above(value) - top).abs() < 1e-6, "{value}");
        }
    }
}
