//! What flows: as charts over time, as a map, or as a table of seconds.

use eframe::egui::{Align2, Rect, Response, Ui};
use retail_engine::watch::history::Point;
use retail_engine::watch::rates::Hop;

use super::pipeline::pipeline_ui;
use crate::pages::Cx;
use crate::prefs::layout::{FlowView, HopsShown};
use crate::theme::{self, Type, Weight, size};
use crate::views::charts;
use crate::views::format;
use crate::widgets::chart::{Series, TimeChart, is_table, time_chart};
use crate::widgets::{self, ColumnSpec, Line, Panel, segmented, table, text_cell};

/// Draws the panel.
pub(super) fn flow_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let shown = cx.prefs.layout.flow;
    let (title, note) = match shown {
        FlowView::Chart => ("Throughput", "rows/s, 1 s samples"),
        FlowView::Map => ("Pipeline", "from the file to the data centres"),
        FlowView::Table => ("Throughput", "rows/s and lag, by second"),
    };
    let mut chosen = (shown, cx.prefs.layout.hops);
    surface_ui(
        ui,
        rect,
        title,
        note,
        cx,
        &mut chosen,
        |ui, cx| match shown {
            FlowView::Chart => charts_ui(ui, cx),
            FlowView::Map => pipeline_ui(ui, cx),
            FlowView::Table => table_ui(ui, cx),
        },
    );
    (cx.prefs.layout.flow, cx.prefs.layout.hops) = chosen;
}

/// The panel with its choices at the right.
fn surface_ui(
    ui: &mut Ui,
    rect: Rect,
    title: &str,
    note: &str,
    cx: &mut Cx<'_>,
    chosen: &mut (FlowView, HopsShown),
    add: impl FnOnce(&mut Ui, &mut Cx<'_>),
) {
    let cell = std::cell::RefCell::new(cx);
    Panel::titled(title).note(note).show_with(
        ui,
        rect,
        |ui| {
            let views = [
                (FlowView::Chart, "Chart"),
                (FlowView::Map, "Map"),
                (FlowView::Table, "Table"),
            ];
            if let Some(view) = segmented(ui, "Flow as", &views, chosen.0) {
                chosen.0 = view;
            }
            if chosen.0 != FlowView::Map {
                cell.borrow_mut().range_ui(ui);
            }
            if chosen.0 == FlowView::Chart {
                let hops = [(HopsShown::Ends, "2 hops"), (HopsShown::All, "5 hops")];
                if let Some(hops) = segmented(ui, "Hops", &hops, chosen.1) {
                    chosen.1 = hops;
                }
            }
        },
        |ui| add(ui, &mut cell.borrow_mut()),
    );
}

fn charts_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let history = cx.history();
    let window = cx.window();
    if history.since(window.from).next().is_none() {
        let why = "Nothing was measured in this time: the engine samples once a second.";
        widgets::empty_state(ui, why, None);
        return;
    }
    let colors = theme::colors(ui);
    let bands = charts::bands(cx.link.events(), cx.snapshot, window);
    let marks = charts::marks(cx.link.events(), window, colors);
    let room = ui.available_height();
    let upper = (room - 34.0) * 0.56;
    let series = match cx.prefs.layout.hops {
        HopsShown::Ends => charts::throughput(&history, window, colors),
        HopsShown::All => charts::hops(&history, window, colors),
    };
    let still = is_still(&series);
    let chart = TimeChart {
        name: "Throughput",
        group: "overview",
        range: window.seconds(),
        series,
        bands: bands.clone(),
        marks: marks.clone(),
        time_axis: false,
        value: format::significant,
    };
    let drawn = time_chart(ui, &chart, upper);
    if still && !is_table(ui.ctx(), chart.name) {
        note_ui(ui, &drawn, "no row moved in a sampled second");
    }
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        Line::body("Lag").semibold().show(ui);
        widgets::line(ui, "lines not yet committed");
        let total = &cx.snapshot.lag;
        let said = match total.lines {
            Some(lines) if total.is_complete() => format!("{} in all", format::count(lines)),
            _ => format!("{} of {} known", total.known, total.of),
        };
        widgets::line(ui, said);
    });
    let series = charts::lag(&history, window, colors);
    let still = is_still(&series);
    let chart = TimeChart {
        name: "Lag",
        group: "overview",
        range: window.seconds(),
        series,
        bands,
        marks,
        time_axis: true,
        value: format::whole,
    };
    ui.add_space(4.0);
    let left = ui.available_height();
    let drawn = time_chart(ui, &chart, left);
    if still && !is_table(ui.ctx(), chart.name) {
        note_ui(ui, &drawn, "no line waited at any sample");
    }
}

/// Whether every known value is 0.
fn is_still(series: &[Series]) -> bool {
    series
        .iter()
        .flat_map(|series| &series.points)
        .all(|(_, value)| value.is_none_or(|value| value < 0.5))
}

/// Says in a chart why its lines lie on its floor.
fn note_ui(ui: &Ui, chart: &Response, text: &str) {
    ui.painter().text(
        chart.rect.center(),
        Align2::CENTER_CENTER,
        text,
        theme::font(Type::Table, Weight::Regular),
        theme::colors(ui).muted,
    );
}

/// The same as figures, newest second first.
fn table_ui(ui: &mut Ui, cx: &Cx<'_>) {
    let history = cx.history();
    let window = cx.window();
    let points: Vec<&Point> = history
        .since(window.from)
        .filter(|point| point.at <= window.to)
        .collect();
    if points.is_empty() {
        let why = "Nothing was measured in this time: the engine samples once a second.";
        widgets::empty_state(ui, why, None);
        return;
    }
    let columns = [
        ColumnSpec::text("Second", 96.0),
        ColumnSpec::number("Read", 72.0),
        ColumnSpec::number("Clean", 72.0),
        ColumnSpec::number("Produce", 72.0),
        ColumnSpec::number("Consume", 72.0),
        ColumnSpec::number("Write", 72.0),
        ColumnSpec::number("Lag EU", 72.0),
        ColumnSpec::number("Lag AM", 72.0),
        ColumnSpec::number("Lag AP", 72.0),
    ];
    let height = size::ROW_DENSE;
    table(
        ui,
        "flow",
        &columns,
        points.len(),
        height,
        None,
        |ui, row, column| {
            // Newest first.
            let Some(point) = points
                .len()
                .checked_sub(row + 1)
                .and_then(|at| points.get(at))
            else {
                return;
            };
            let hops = Hop::ALL.len();
            match column {
                0 => text_cell(ui, format::clock(point.at)),
                column if column <= hops => {
                    let rate = point.hops.get(column - 1).copied().flatten();
                    value_ui(ui, rate.map(format::significant));
                }
                column => {
                    if let Some((_, region)) = point.regions.iter().nth(column - hops - 1) {
                        value_ui(ui, region.lag_lines.map(format::count));
                    }
                }
            }
        },
    );
}

fn value_ui(ui: &mut Ui, value: Option<String>) {
    if let Some(text) = value {
        text_cell(ui, text);
    } else {
        let unknown = theme::colors(ui).unknown;
        Line::table("Unknown").color(unknown).show(ui);
    }
}
