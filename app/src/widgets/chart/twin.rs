//! The table twin of a chart over time: the same samples, newest first, each value in words. The
//! key T turns the chart under the pointer, or the one that has the keyboard, into it and back.

use std::collections::BTreeSet;

use eframe::egui::{Context, Id, Key, Memory, Rect, Response, Sense, Ui, UiBuilder, vec2};

use super::{TimeChart, rows};
use crate::theme::size;
use crate::views::format;
use crate::widgets::{ColumnSpec, is_covered, table, text_cell, without_menus};

/// Room of a time.
const TIME: f32 = 90.0;
/// Room of a value.
const NUMBER: f32 = 96.0;

/// Whether the pointer or the keyboard is in a room.
pub fn is_meant(ui: &Ui, room: Rect) -> bool {
    let focused = ui.memory(Memory::focused);
    let focused = focused.and_then(|id| ui.ctx().read_response(id));
    ui.rect_contains_pointer(room) || focused.is_some_and(|it| room.contains(it.rect.center()))
}

/// Whether the key of the twin was pressed, and no field takes letters.
pub fn twin_key(ui: &Ui) -> bool {
    !ui.ctx().text_edit_focused()
        && !is_covered(ui.ctx())
        && ui.input(|input| input.modifiers.is_none() && input.key_pressed(Key::T))
}

fn id() -> Id {
    Id::unique("charts as tables")
}

/// Whether a chart is shown as its table.
pub fn is_table(ctx: &Context, name: &str) -> bool {
    ctx.data(|data| data.get_temp::<BTreeSet<String>>(id()))
        .is_some_and(|tables| tables.contains(name))
}

/// Turns a chart into its table, or back, where the key was pressed for it.
pub(super) fn turn(ui: &Ui, name: &str, room: Rect) {
    if !twin_key(ui) || !is_meant(ui, room) {
        return;
    }
    ui.data_mut(|data| {
        let tables = data.get_temp_mut_or_default::<BTreeSet<String>>(id());
        if !tables.remove(name) {
            tables.insert(name.to_owned());
        }
    });
    ui.ctx().request_repaint();
}

/// Draws the table, as high as the chart would be.
pub(super) fn table_ui(ui: &mut Ui, chart: &TimeChart<'_>, height: f32) -> Response {
    let room = Rect::from_min_size(
        ui.next_widget_position(),
        vec2(ui.available_width(), height),
    );
    let response = ui.allocate_rect(room, Sense::hover());
    let rows = rows(&chart.series, chart.range);
    let mut columns = vec![ColumnSpec::text("Time", TIME)];
    let lines = chart.series.iter();
    columns.extend(lines.map(|line| ColumnSpec::number(&line.name, NUMBER)));
    let name = format!("Table of {}", chart.name);
    let cell = |ui: &mut Ui, row: usize, column: usize| {
        // Newest first.
        let place = rows.len().checked_sub(row + 1);
        let Some((at, values)) = place.and_then(|place| rows.get(place)) else {
            return;
        };
        let Some(line) = column.checked_sub(1) else {
            text_cell(ui, format::clock(*at));
            return;
        };
        match values.get(line).copied().flatten() {
            Some(value) => text_cell(ui, (chart.value)(value)),
            None => text_cell(ui, "Unknown"),
        }
    };
    let inside = UiBuilder::new().max_rect(room).id_salt(chart.name);
    let mut inside = ui.new_child(inside);
    // The menu is that of the chart: it takes out the samples themselves.
    without_menus(|| {
        let (count, row) = (rows.len(), size::ROW_DENSE);
        table(&mut inside, &name, &columns, count, row, None, cell)
    });
    response
}
