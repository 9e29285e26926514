//! Headline figures, sales over time, places, hours, growth.

use eframe::egui::{
    Align2, CornerRadius, CursorIcon, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2,
    vec2,
};
use retail_engine::analytics::CustomerPick;
use retail_engine::model::Region;

use super::panels::{Act, View};
use crate::theme::{self, Type, Weight, size};
use crate::views::analytics::choices::Division;
use crate::views::analytics::periods::Columns;
use crate::views::analytics::tiles::Tile;
use crate::views::format;
use crate::widgets::bars::{BarColumns, bar_rows};
use crate::widgets::columns::{ColumnChart, Drawn, column_chart};
use crate::widgets::heat::{Clicks, HeatMap, Names, heat_map};
use crate::widgets::{self, Line, rect_ui};

/// Height of a row of regions and countries.
const PLACE: f32 = 21.0;

/// The first tile has the longest figure.
const TILES: [f32; 5] = [1.35, 1.0, 1.0, 1.0, 1.15];
/// Height of a tile.
const TILE: f32 = 84.0;

/// How many tiles stand side by side.
fn tiles_in_a_row(width: f32) -> usize {
    if width >= 900.0 {
        TILES.len()
    } else if width >= 500.0 {
        2
    } else {
        1
    }
}

/// Height of the headline figures in a room of `width`.
pub(super) fn tiles_height(width: f32) -> f32 {
    TILES.len().div_ceil(tiles_in_a_row(width)) as f32 * TILE
}

/// Draws headline figures over `rect`; the customers behind the one that was clicked.
pub(super) fn tiles_ui(ui: &mut Ui, rect: Rect, tiles: &[Tile; 5]) -> Option<CustomerPick> {
    widgets::surface(ui, rect);
    let colors = theme::colors(ui);
    let line = Stroke::new(1.0, colors.line);
    let side = tiles_in_a_row(rect.width());
    let height = rect.height() / TILES.len().div_ceil(side) as f32;
    let mut y = rect.top();
    let mut picked = None;
    for (tiles, shares) in tiles.chunks(side).zip(TILES.chunks(side)) {
        if y > rect.top() {
            ui.painter().hline(rect.x_range(), y, line);
        }
        let all: f32 = shares.iter().sum();
        let mut x = rect.left();
        for (tile, share) in tiles.iter().zip(shares) {
            let width = rect.width() * share / all;
            let at = Rect::from_min_size(pos2(x, y), vec2(width, height));
            if x > rect.left() {
                ui.painter().vline(x, at.y_range(), line);
            }
            x += width;
            if tile_ui(ui, at, tile) {
                picked.clone_from(&tile.leads);
            }
        }
        y += height;
    }
    picked
}

fn tile_ui(ui: &mut Ui, at: Rect, tile: &Tile) -> bool {
    let colors = theme::colors(ui);
    let (sense, role) = match tile.leads {
        Some(_) => (Sense::click(), Role::Button),
        None => (Sense::hover(), Role::Label),
    };
    let response = ui.interact(at, ui.scope_id().with(tile.title), sense);
    if tile.leads.is_some() && (response.hovered() || response.has_focus()) {
        let fill = at.shrink(1.0);
        ui.painter().rect_filled(fill, 0.0, colors.raised);
    }
    widgets::focus_inside(ui, &response, at.shrink(1.0), 0);
    rect_ui(ui, at.shrink2(vec2(size::PANEL_PAD, 9.0)), |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        Line::table(tile.title).color(colors.muted).show(ui);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            Line::kpi(&tile.value).show(ui);
            if !tile.unit.is_empty() {
                Line::table(tile.unit).color(colors.muted).show(ui);
            }
        });
        Line::table(&tile.note).color(colors.muted).show(ui);
    });
    let label = format!("{}: {} {}", tile.title, tile.value, tile.unit);
    response.widget_info(|| WidgetInfo::labeled(role, true, label.trim_end()));
    let response = response.on_hover_text(&tile.tip);
    if tile.leads.is_none() {
        return false;
    }
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    response.clicked()
}

/// Draws headline figures that are waited for.
pub(super) fn tiles_waiting_ui(ui: &mut Ui, rect: Rect, waited: std::time::Duration) {
    widgets::surface(ui, rect);
    let colors = theme::colors(ui);
    rect_ui(ui, rect.shrink2(vec2(size::PANEL_PAD, 9.0)), |ui| {
        Line::table("Revenue").color(colors.muted).show(ui);
        ui.add_space(10.0);
        let (bar, _) = ui.allocate_exact_size(vec2(180.0, 4.0), Sense::hover());
        ui.painter()
            .rect_filled(bar, CornerRadius::same(1), colors.grid);
        let run = (waited.as_secs_f32() * 0.8).fract();
        let left = bar.left() + bar.width() * 0.7 * run;
        let part = Rect::from_min_size(pos2(left, bar.top()), vec2(bar.width() * 0.3, 4.0));
        ui.painter()
            .rect_filled(part, CornerRadius::same(1), colors.muted);
        if waited.as_secs() >= 2 {
            ui.add_space(6.0);
            let text = format!("waiting for the figures, {}", format::age(waited));
            Line::table(text).color(colors.muted).show(ui);
        }
    });
}

/// Draws sales over time.
pub(super) fn revenue_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let grain = view.choices.grain;
    let drawn = if view.choices.line {
        Drawn::Line
    } else {
        Drawn::Bars
    };
    let periods = &view.shown.periods;
    let room = ui.available_size();
    match view.choices.division {
        Division::Total => {
            let columns = periods.total.of(grain);
            chart_ui(ui, "Revenue", columns, drawn, (None, true), room)
        }
        Division::Regions => {
            let count = periods.regions.len().max(1) as f32;
            // The last one has the names of the periods for all of them.
            let height = ((room.y - 19.0) / count - 28.0).max(30.0);
            let mut act = None;
            for (region, grains) in &periods.regions {
                let columns = grains.of(grain);
                ui.horizontal(|ui| {
                    ui.set_height(20.0);
                    widgets::region_label(ui, *region, Line::table(region.name()).semibold());
                    let muted = theme::colors(ui).muted;
                    Line::caption(columns.unit).color(muted).show(ui);
                });
                let last = periods
                    .regions
                    .last()
                    .is_some_and(|(last, _)| last == region);
                let size = vec2(room.x, if last { height + 15.0 } else { height });
                let chosen = chart_ui(
                    ui,
                    region.name(),
                    columns,
                    drawn,
                    (Some(*region), last),
                    size,
                );
                act = act.or(chosen);
            }
            act
        }
    }
}

fn chart_ui(
    ui: &mut Ui,
    name: &str,
    columns: &Columns,
    drawn: Drawn,
    (region, names): (Option<Region>, bool),
    size: eframe::egui::Vec2,
) -> Option<Act> {
    let colors = theme::colors(ui);
    let chart = ColumnChart {
        name,
        periods: &columns.columns,
        drawn,
        color: region.map(|region| colors.region(region)),
        tick: format::significant,
        names,
    };
    let place = column_chart(ui, &chart, size)?;
    let (from, to) = columns.days.get(place)?;
    Some(Act::Days(*from, *to))
}

/// Draws regions and countries.
pub(super) fn places_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let places = &view.shown.places;
    let columns = BarColumns {
        name: 108.0,
        value: 106.0,
        note: 46.0,
    };
    let (regions, rows) = &places.regions;
    let region = bar_rows(ui, "Region", rows, columns, PLACE);
    ui.add_space(4.0);
    let colors = theme::colors(ui);
    let (rule, _) = ui.allocate_exact_size(vec2(ui.available_width(), 5.0), Sense::hover());
    let stroke = Stroke::new(1.0, colors.line);
    ui.painter().hline(rule.x_range(), rule.top(), stroke);
    let foot = if places.cut.is_some() { 18.0 } else { 0.0 };
    // Whole rows, so that none is cut where the list goes on.
    let height = ((ui.available_height() - foot) / PLACE).floor().max(1.0) * PLACE;
    let mut country = None;
    let (names, rows) = &places.countries;
    ScrollArea::vertical()
        .id_salt("countries")
        .max_height(height)
        .auto_shrink([false, false])
        .show(ui, |ui| {
            country = bar_rows(ui, "Country", rows, columns, PLACE);
        });
    if let Some(cut) = &places.cut {
        Line::caption(cut).color(colors.muted).show(ui);
    }
    let region = region.and_then(|place| regions.get(place).copied());
    let country = country.and_then(|place| names.get(place).cloned());
    region.map(Act::Region).or(country.map(Act::Country))
}

/// Draws sales by hour of the week.
pub(super) fn hours_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let grid = &view.shown.hours;
    let map = HeatMap {
        name: "Revenue by hour of the week",
        columns: &grid.columns,
        corner: "hour",
        names: Names::Above,
        rows: &grid.rows,
        side: 44.0,
        clicks: Clicks::Nothing,
    };
    let room = ui.available_size();
    heat_map(ui, &map, room);
    None
}

/// Draws months against the months before.
pub(super) fn growth_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let colors = theme::colors(ui);
    let rows = &view.shown.growth;
    let room = ui.available_rect_before_wrap();
    let height = (room.height() / rows.len().max(1) as f32).clamp(15.0, 22.0);
    ScrollArea::vertical().id_salt("growth").show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for row in rows {
            let (rect, response) =
                ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
            let painter = ui.painter();
            let font = |weight| theme::font(Type::Table, weight);
            let y = rect.center().y;
            let text = |x: f32, align, text: &str, color| {
                painter.text(pos2(x, y), align, text, font(Weight::Regular), color);
            };
            text(rect.left(), Align2::LEFT_CENTER, &row.month, colors.muted);
            text(
                rect.left() + 172.0,
                Align2::RIGHT_CENTER,
                &row.amount,
                colors.text,
            );
            let track = Rect::from_min_max(
                pos2(rect.left() + 184.0, y - 4.0),
                pos2(rect.right() - 92.0, y + 4.0),
            );
            let zero = track.center().x;
            painter.vline(zero, rect.y_range(), Stroke::new(1.0, colors.line_strong));
            if let Some(length) = row.length {
                let end = zero + track.width() / 2.0 * length;
                let bar = Rect::from_x_y_ranges(zero.min(end)..=zero.max(end), track.y_range());
                let fill = if length < 0.0 {
                    colors.bar_dim
                } else {
                    colors.bar
                };
                painter.rect_filled(bar, CornerRadius::same(1), fill);
            }
            let color = if row.length.is_some() {
                colors.text
            } else {
                colors.faint
            };
            text(rect.right(), Align2::RIGHT_CENTER, &row.change, color);
            let label = format!("{}: {}, {}", row.month, row.amount, row.change);
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &label));
        }
    });
    None
}
