//! The rows of a reason, read page by page.

use eframe::egui::{Align as Side, Layout, Rect, Ui, vec2};
use retail_engine::flow::RejectView;

use super::data::Rows;
use super::{State, reasons};
use crate::pages::Cx;
use crate::prefs::layout::RowFilter;
use crate::theme::{self, size};
use crate::views::{format, quality};
use crate::widgets::{
    self, Btn, ColumnSpec, Line, Look, Status, Take, TextField, context_menu, export_menu, rect_ui,
    select, table, without_menus,
};

/// Values offered beside each other; the others are in a menu.
const CHIPS: usize = 4;
/// Letters of a value on a chip.
const CHIP_LETTERS: usize = 26;

/// Draws the rows; a click chooses one.
pub(super) fn rows_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    widgets::surface(ui, rect);
    let Some(reason) = state.rows.filter().reason else {
        rect_ui(ui, rect.shrink(12.0), |ui| {
            reasons::loading_ui(ui, state.totals.waiting());
        });
        return;
    };
    rect_ui(ui, rect.shrink2(vec2(size::PANEL_PAD, 10.0)), |ui| {
        let mut filter = state.rows.filter().clone();
        head_ui(ui, state, &mut filter, cx);
        chips_ui(ui, state, &mut filter);
        let foot = 26.0;
        let room = ui.available_rect_before_wrap();
        let body = room.with_max_y(room.bottom() - foot);
        let mut clicked = None;
        rect_ui(ui, body, |ui| {
            clicked = without_menus(|| body_ui(ui, state));
        });
        let what = "rows of this reason";
        if context_menu(ui, body, what, &[Take::Csv]) == Some(Take::Csv) {
            state.export(filter.reason, cx);
        }
        let foot = room.with_min_y(body.bottom() + 4.0);
        rect_ui(ui, foot, |ui| foot_ui(ui, &state.rows));
        if let Some(place) = clicked {
            state.choosing = Some(place);
        }
        filter.reason = Some(reason);
        state.show(filter);
    });
}

fn head_ui(ui: &mut Ui, state: &State, filter: &mut RowFilter, cx: &mut Cx<'_>) {
    let width = ui.available_width();
    ui.allocate_ui_with_layout(
        vec2(width, size::CONTROL),
        Layout::right_to_left(Side::Center),
        |ui| {
            let narrow = width < 520.0;
            let takes = [Take::Csv];
            if export_menu(ui, "rows of this reason", &takes) == Some(Take::Csv) {
                state.export(filter.reason, cx);
            }
            let field = if narrow { 110.0 } else { 164.0 };
            TextField::new("Find in raw text")
                .finds()
                .hint("Find in raw text")
                .width(field)
                .show(ui, &mut filter.text);
            if !narrow {
                month_ui(ui, state, filter);
            }
            ui.with_layout(Layout::left_to_right(Side::Center), |ui| {
                let row = state
                    .totals
                    .table
                    .rows
                    .iter()
                    .find(|row| Some(row.reason) == filter.reason);
                let Some(row) = row else {
                    return;
                };
                Line::body(row.name).semibold().show(ui);
                let muted = theme::colors(ui).muted;
                let note = format!(
                    "{}, worth \u{a3}{}",
                    quality::rows_words(row.rows),
                    row.worth
                );
                Line::table(note).color(muted).show(ui);
            });
        },
    );
}

fn month_ui(ui: &mut Ui, state: &State, filter: &mut RowFilter) {
    let months = &state.totals.table.months;
    if months.len() < 2 {
        return;
    }
    // Place 0 stands for all of them.
    let mut choices = vec![(0, "All months".to_owned())];
    choices.extend(
        months
            .iter()
            .enumerate()
            .map(|(place, month)| (place + 1, quality::month_name(month))),
    );
    let chosen = filter
        .month
        .as_ref()
        .and_then(|month| months.iter().position(|known| known == month))
        .map_or(0, |place| place + 1);
    if let Some(place) = select(ui, "Month", &choices, Some(chosen), 108.0) {
        let place: usize = place;
        filter.month = place.checked_sub(1).and_then(|at| months.get(at)).cloned();
    }
}

/// Values of the column at fault: a click shows only the rows that say it.
fn chips_ui(ui: &mut Ui, state: &State, filter: &mut RowFilter) {
    let values = &state.rows.values;
    let width = ui.available_width();
    ui.allocate_ui_with_layout(
        vec2(width, size::CONTROL_SMALL + 4.0),
        Layout::left_to_right(Side::Center),
        |ui| {
            let muted = theme::colors(ui).muted;
            ui.spacing_mut().item_spacing.x = 6.0;
            if values.len() < 2 && filter.value.is_none() {
                let text = match values.first() {
                    Some(only) => format!("All say {}", shown(&only.value)),
                    None => "No column at fault: it is the row as a whole".to_owned(),
                };
                Line::caption(text).color(muted).show(ui);
                return;
            }
            for count in values.iter().take(CHIPS) {
                let is_on = filter.value.as_ref() == Some(&count.value);
                let text = format!("{} {}", shown(&count.value), format::count(count.rows));
                let look = if is_on { Look::Primary } else { Look::Plain };
                let label = format!("Only {}", shown(&count.value));
                let chip = Btn::new(&text).look(look).small().label(&label);
                if chip.clicked(ui) {
                    filter.value = (!is_on).then(|| count.value.clone());
                }
            }
            let more = values.len().saturating_sub(CHIPS);
            if more > 0 {
                let mut choices: Vec<(usize, String)> = vec![(0, format!("{more} more values"))];
                let others = values.iter().enumerate().skip(CHIPS);
                choices.extend(others.map(|(place, count)| {
                    let rows = format::count(count.rows);
                    (place + 1, format!("{} {rows}", shown(&count.value)))
                }));
                let chosen = values
                    .iter()
                    .position(|count| filter.value.as_ref() == Some(&count.value))
                    .filter(|place| *place >= CHIPS)
                    .map_or(0, |place| place + 1);
                if let Some(place) = select(ui, "More values", &choices, Some(chosen), 150.0) {
                    let place: usize = place;
                    let value = place.checked_sub(1).and_then(|at| values.get(at));
                    filter.value = value.map(|count| count.value.clone());
                }
            }
            if state.rows.other_values > 0 {
                let rows = format::count(state.rows.other_values);
                let text = format!("and {rows} rows of rarer values");
                Line::caption(text).color(muted).show(ui);
            }
        },
    );
}

/// A value as a few letters.
fn shown(value: &str) -> String {
    if value.is_empty() {
        return "(empty)".to_owned();
    }
    let text = quality::visible(value);
    if text.chars().count() > CHIP_LETTERS {
        let cut: String = text.chars().take(CHIP_LETTERS - 1).collect();
        format!("{cut}\u{2026}")
    } else {
        text
    }
}

fn body_ui(ui: &mut Ui, state: &mut State) -> Option<usize> {
    if let Some(trouble) = &state.rows.trouble {
        widgets::error_state(ui, &trouble.message, trouble.remedy.as_deref());
        if Btn::new("Try again").small().clicked(ui) {
            state.rows.trouble = None;
        }
        return None;
    }
    let Some(total) = state.rows.total else {
        reasons::loading_ui(ui, state.rows.waiting());
        return None;
    };
    if total == 0 {
        widgets::empty_state(ui, "No row says that.", None);
        return None;
    }
    let width = ui.available_width();
    let mut columns = vec![ColumnSpec::number("Line", 64.0)];
    let wide = width > 560.0;
    if wide {
        columns.push(ColumnSpec::text("Column", 78.0));
    }
    columns.push(ColumnSpec::text("Reason", if wide { 216.0 } else { 150.0 }));
    columns.push(ColumnSpec::rest("Raw text"));
    let selected = state.chosen.as_ref().map(|(place, _)| *place);
    let rows = &mut state.rows;
    rows_style(ui);
    table(
        ui,
        "rejects",
        &columns,
        total,
        size::ROW,
        selected,
        |ui, place, column| {
            let column = if wide || column == 0 {
                column
            } else {
                column + 1
            };
            match rows.row(place) {
                Some(view) => cell_ui(ui, view, column),
                None if column == 0 => {
                    let faint = theme::colors(ui).faint;
                    Line::table("\u{2026}").color(faint).show(ui);
                }
                None => {}
            }
        },
    )
}

fn cell_ui(ui: &mut Ui, view: &RejectView, column: usize) {
    let colors = theme::colors(ui);
    let reject = &view.row.reject;
    match column {
        0 => {
            let color = colors.muted;
            let line = format::count(reject.line);
            Line::table(line).color(color).show(ui);
        }
        1 => {
            let name = reject.column.as_deref().unwrap_or("row");
            Line::table(name).show(ui);
        }
        2 => {
            ui.spacing_mut().item_spacing.x = 5.0;
            widgets::status_icon(ui, status_of(view));
            let standing = quality::standing(&view.status);
            let text = standing.as_deref().unwrap_or_else(|| quality::defect(view));
            Line::table(text).show(ui);
        }
        _ => {
            Line::table(quality::visible(&reject.raw)).mono().show(ui);
        }
    }
}

/// Rows of a table touch each other, and the chosen one is raised.
pub(super) fn rows_style(ui: &mut Ui) {
    let raised = theme::colors(ui).raised;
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.visuals_mut().selection.bg_fill = raised;
}

/// How a row stands.
pub(super) const fn status_of(view: &RejectView) -> Status {
    use retail_engine::flow::RejectStatus as Standing;
    match &view.status {
        Standing::Open if view.row.reject.reason.is_rejection() => Status::Warn,
        Standing::Open => Status::Neutral,
        Standing::FixPending { .. } => Status::Stale,
        Standing::Reingested { .. } => Status::Ok,
        Standing::Parked { .. } => Status::Critical,
    }
}

fn foot_ui(ui: &mut Ui, rows: &Rows) {
    let muted = theme::colors(ui).muted;
    let room = vec2(ui.available_width(), 18.0);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Side::Center), |ui| {
        let keys = "\u{2191} \u{2193} choose \u{b7} P the whole path";
        Line::caption(keys).color(muted).show(ui);
        ui.with_layout(Layout::left_to_right(Side::Center), |ui| {
            if let Some(total) = rows.total {
                let text = match total {
                    1 => "1 row".to_owned(),
                    total => format!("{} rows", format::count(total as u64)),
                };
                Line::caption(text).color(muted).show(ui);
            }
        });
    });
}
