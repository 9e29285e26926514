//! Customer segments and retention.

use eframe::egui::{ScrollArea, Ui, vec2};

use super::panels::{Act, View};
use crate::theme::{self, size};
use crate::views::analytics::choices::Segments;
use crate::views::analytics::grids::Grid;
use crate::views::analytics::shares::Segment;
use crate::widgets::heat::{Clicked, Clicks, HeatMap, Names, heat_map};
use crate::widgets::{ColumnSpec, Line, link, table, text_cell};

/// Room of the words below the grid.
const WORDS: f32 = 20.0;

/// Draws the segments: a grid and the named ones below it, or lists of all divisions.
pub(super) fn segments_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let (grid, corner) = match view.choices.segments {
        Segments::Grid => (&view.shown.orders, "orders"),
        Segments::Scores => (&view.shown.scores, ""),
        Segments::List => return lists_ui(ui, view),
    };
    let room = ui.available_size();
    let height = (grid.rows.len() as f32 * 27.0 + 16.0).min(room.y * 0.56);
    let picked = grid_ui(ui, grid, corner, vec2(room.x, height));
    let mut breaks = false;
    ui.horizontal(|ui| {
        ui.set_height(WORDS);
        let muted = theme::colors(ui).muted;
        if view.choices.segments == Segments::Grid {
            breaks = link(ui, "Limits\u{2026}", "Limits of days and orders").clicked();
        }
        let day = view.shown.report.reference_date;
        let what = match view.choices.segments {
            Segments::Scores => "scores of recency and frequency",
            Segments::Grid | Segments::List => "days since the last purchase",
        };
        let day = day.map_or("no customer".to_owned(), |day| {
            format!("{what}, counted from {day}")
        });
        Line::caption(day).color(muted).show(ui);
    });
    let act = list_ui(ui, "Segment", &view.shown.named);
    picked.or(breaks.then_some(Act::Breaks)).or(act)
}

fn grid_ui(ui: &mut Ui, grid: &Grid, corner: &str, room: eframe::egui::Vec2) -> Option<Act> {
    let map = HeatMap {
        name: "Customer segments",
        columns: &grid.columns,
        corner,
        names: Names::Below,
        rows: &grid.rows,
        side: 52.0,
        clicks: Clicks::Cells,
    };
    heat_map(ui, &map, room).and_then(|clicked| customers_of(grid, clicked))
}

/// The customers behind what was clicked.
fn customers_of(grid: &Grid, clicked: Clicked) -> Option<Act> {
    let (pick, words) = match clicked {
        Clicked::Row(row) => grid.row_picks.get(row)?,
        Clicked::Cell(row, column) => grid.picks.get(row)?.get(column)?,
    };
    Some(Act::Customers(pick.clone(), words.clone()))
}

fn lists_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let shown = &view.shown;
    let lists = [
        ("Value", &shown.values),
        ("Segment", &shown.named),
        ("Status", &shown.statuses),
    ];
    let mut act = None;
    ScrollArea::vertical()
        .id_salt("segment lists")
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                if link(ui, "Weights\u{2026}", "Weights of the value score").clicked() {
                    act = Some(Act::Weights);
                }
                let [recency, frequency, monetary] =
                    view.weights.map(|weight| format!("{:.0}", weight * 100.0));
                let words = format!(
                    "value score: {recency} % recency, {frequency} % orders, {monetary} % sales"
                );
                let muted = theme::colors(ui).muted;
                Line::caption(words).color(muted).show(ui);
            });
            for (title, rows) in lists {
                let height = rows.len() as f32 * (size::ROW_DENSE + 4.0) + 30.0;
                ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
                    ui.set_min_height(height);
                    act = act.take().or(list_ui(ui, title, rows));
                });
            }
        });
    act
}

fn list_ui(ui: &mut Ui, title: &str, rows: &[Segment]) -> Option<Act> {
    let columns = [
        ColumnSpec::rest(title),
        ColumnSpec::number("Customers", 62.0),
        ColumnSpec::number("Revenue \u{a3}", 100.0),
        ColumnSpec::number("Share", 52.0),
    ];
    let mut clicked = None;
    let row = table(
        ui,
        title,
        &columns,
        rows.len(),
        size::ROW_DENSE,
        None,
        |ui, row, column| {
            let Some(segment) = rows.get(row) else { return };
            match column {
                0 => {
                    let label = format!("{title}: {}", segment.name);
                    let link = link(ui, &segment.name, &label);
                    let link = match &segment.meaning {
                        Some(meaning) => link.on_hover_text(meaning),
                        None => link,
                    };
                    if link.clicked() {
                        clicked = Some(row);
                    }
                }
                1 => text_cell(ui, &segment.customers),
                2 => text_cell(ui, &segment.amount),
                _ => {
                    let muted = theme::colors(ui).muted;
                    Line::table(&segment.share).color(muted).show(ui);
                }
            }
        },
    );
    let segment = rows.get(clicked.or(row)?)?;
    Some(Act::Customers(segment.pick.clone(), segment.name.clone()))
}

/// Draws who came back; a cohort and a cell of it lead to their customers.
pub(super) fn cohorts_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let grid = &view.shown.cohorts;
    let map = HeatMap {
        name: "Customers who came back",
        columns: &grid.columns,
        corner: "",
        names: Names::Above,
        rows: &grid.rows,
        side: 80.0,
        clicks: Clicks::CellsAndRows,
    };
    let room = ui.available_size();
    let height = (grid.rows.len() as f32 * 22.0 + 16.0).min(room.y);
    let clicked = heat_map(ui, &map, vec2(room.x, height))?;
    customers_of(grid, clicked)
}
