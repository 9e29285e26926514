//! The first rows of the file, as they would be loaded.

use eframe::egui::{Align, Key, Layout, Modifiers, Rect, Sense, Ui};
use egui_extras::{Column, TableBuilder};

use super::check::Check;
use crate::theme::{self, Type, size};
use crate::views::format;
use crate::views::load::preview::{Goes, PreviewView, Row, Tab};
use crate::views::load::reasons;
use crate::widgets::{self, Line, Panel, Status, header_cell, segmented};

/// Title, width, whether it holds numbers; `None` takes what is left.
const COLUMNS: [(&str, Option<f32>, bool); 8] = [
    ("Line", Some(46.0), true),
    ("Invoice", Some(58.0), false),
    ("Code", Some(58.0), false),
    ("Description", None, false),
    ("Qty", Some(40.0), true),
    ("Price", Some(46.0), true),
    ("Customer", Some(58.0), true),
    ("Goes to", Some(132.0), false),
];
/// The foot with the row that is chosen.
const FOOT: f32 = 26.0;

/// The panel.
pub(super) fn preview_ui(ui: &mut Ui, rect: Rect, check: &mut Check) {
    let Some(Ok(head)) = &check.head else {
        Panel::titled("Preview").show(ui, rect, |ui| {
            widgets::empty_state(ui, "Reading the beginning of the file\u{2026}", None);
        });
        return;
    };
    let view = &head.rows;
    let note = if check.is_reading() {
        "reading again\u{2026}".to_owned()
    } else if view.whole {
        format!("all {} rows", format::count(view.rows.len() as u64))
    } else {
        format!("first {} rows", format::count(view.rows.len() as u64))
    };
    let tab_text = |name: &str, tab| format!("{name} {}", format::count(view.len(tab) as u64));
    let tabs = [
        (Tab::All, tab_text("All", Tab::All)),
        (Tab::Cleaned, tab_text("Cleaned", Tab::Cleaned)),
        (Tab::SetAside, tab_text("Set aside", Tab::SetAside)),
        (Tab::Raw, "Raw text".to_owned()),
    ];
    let tabs: Vec<(Tab, &str)> = tabs
        .iter()
        .map(|(tab, text)| (*tab, text.as_str()))
        .collect();
    let mut tab = check.tab;
    let mut picked_tab = None;
    let mut selected = check.selected;
    let mut scroll_to = check.scroll_to.take();
    let f3 = !widgets::is_covered(ui.ctx())
        && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::F3));
    if f3 && let Some(next) = view.next_aside(tab, selected) {
        selected = Some(next);
        scroll_to = Some(next);
    }
    Panel::titled("Preview").note(&note).show_with(
        ui,
        rect,
        |ui| {
            picked_tab = segmented(ui, "Rows", &tabs, tab);
        },
        |ui| {
            let room = ui.available_rect_before_wrap();
            let table = Rect::from_min_max(room.min, room.max - eframe::egui::vec2(0.0, FOOT));
            let foot =
                Rect::from_min_max(eframe::egui::pos2(room.left(), table.bottom()), room.max);
            widgets::rect_ui(ui, table, |ui| {
                if view.len(tab) == 0 {
                    widgets::empty_state(ui, "No row of these is of this kind.", None);
                } else if let Some(row) = table_ui(ui, view, tab, selected, scroll_to) {
                    selected = Some(row);
                }
            });
            foot_ui(ui, foot, view, tab, selected);
        },
    );
    if let Some(picked) = picked_tab {
        tab = picked;
        selected = None;
    }
    check.tab = tab;
    check.selected = selected;
}

fn foot_ui(ui: &mut Ui, rect: Rect, view: &PreviewView, tab: Tab, selected: Option<usize>) {
    let colors = theme::colors(ui);
    let stroke = eframe::egui::Stroke::new(1.0, colors.line);
    ui.painter().hline(rect.x_range(), rect.top() + 2.0, stroke);
    let inner = Rect::from_min_max(rect.min + eframe::egui::vec2(0.0, 5.0), rect.max);
    widgets::rect_ui(ui, inner, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            Line::caption("F3 next set aside")
                .color(colors.muted)
                .show(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let row = selected
                    .and_then(|row| view.place(tab, row))
                    .and_then(|place| view.rows.get(place));
                let (text, color) = match row {
                    Some(row) => (row.detail.as_str(), colors.text),
                    None => (view.summary.as_str(), colors.muted),
                };
                Line::caption(text)
                    .color(color)
                    .show(ui)
                    .on_hover_text(text);
            });
        });
    });
}

fn table_ui(
    ui: &mut Ui,
    view: &PreviewView,
    tab: Tab,
    selected: Option<usize>,
    scroll_to: Option<usize>,
) -> Option<usize> {
    let room = ui.available_height();
    let rows = view.len(tab);
    let raw = tab == Tab::Raw;
    ui.spacing_mut().item_spacing = eframe::egui::vec2(8.0, 0.0);
    let mut builder = TableBuilder::new(ui)
        .id_salt(("preview", raw))
        .striped(false)
        .sense(Sense::click())
        .auto_shrink([false, true])
        .min_scrolled_height(size::ROW)
        .max_scroll_height((room - 26.0).max(size::ROW))
        .cell_layout(Layout::left_to_right(Align::Center));
    if raw {
        builder = builder
            .column(Column::exact(52.0).clip(true))
            .column(Column::remainder().clip(true));
    } else {
        for (_, width, _) in COLUMNS {
            builder = builder.column(match width {
                Some(width) => Column::exact(width).clip(true),
                None => Column::remainder().clip(true).at_least(60.0),
            });
        }
    }
    if let Some(row) = scroll_to {
        builder = builder.scroll_to_row(row, Some(Align::Center));
    }
    let mut clicked = None;
    builder
        .header(24.0, |mut header| {
            if raw {
                header.col(|ui| right_ui(ui, |ui| header_cell(ui, "Line")));
                header.col(|ui| header_cell(ui, "Text of the file"));
                return;
            }
            for (title, _, number) in COLUMNS {
                header.col(|ui| {
                    if number {
                        right_ui(ui, |ui| header_cell(ui, title));
                    } else {
                        header_cell(ui, title);
                    }
                });
            }
        })
        .body(|body| {
            body.rows(size::ROW_DENSE, rows, |mut row| {
                let index = row.index();
                row.set_selected(selected == Some(index));
                let place = view.place(tab, index);
                let Some(shown) = place.and_then(|place| view.rows.get(place)) else {
                    return;
                };
                let columns = if raw { 2 } else { COLUMNS.len() };
                for column in 0..columns {
                    row.col(|ui| {
                        ground_ui(ui, shown, selected == Some(index));
                        if raw && column == 1 {
                            raw_ui(ui, shown);
                        } else {
                            cell_ui(ui, shown, column);
                        }
                    });
                }
                if row.response().clicked() {
                    clicked = Some(index);
                }
            });
        });
    clicked
}

/// The tint of a row that is set aside, and the rule below each.
fn ground_ui(ui: &Ui, row: &Row, selected: bool) {
    let colors = theme::colors(ui);
    let rect = ui.max_rect();
    let wide = rect.expand2(eframe::egui::vec2(4.0, 0.0));
    if matches!(row.goes, Goes::Aside(_)) && !selected {
        let painter = ui
            .painter()
            .with_clip_rect(wide.intersect(ui.ctx().content_rect()));
        painter.rect_filled(wide, 0.0, colors.warn_tint);
    }
    let stroke = eframe::egui::Stroke::new(1.0, colors.grid);
    ui.painter().hline(wide.x_range(), rect.bottom(), stroke);
}

fn raw_ui(ui: &mut Ui, row: &Row) {
    Line::new(&row.raw, Type::Table).mono().show(ui);
}

fn cell_ui(ui: &mut Ui, row: &Row, column: usize) {
    let colors = theme::colors(ui);
    match column {
        0 => right_ui(ui, |ui| {
            Line::table(&row.line).color(colors.muted).show(ui);
        }),
        7 => match row.goes {
            Goes::To(region) => {
                widgets::region_label(ui, region, Line::table(region.name()));
            }
            Goes::Aside(reason) => {
                ui.spacing_mut().item_spacing.x = 4.0;
                widgets::status_icon(ui, Status::Warn);
                let word = reasons::capital(reasons::reason(reason));
                Line::table(word).color(colors.warn).show(ui);
            }
        },
        column => {
            let text = row.cells.get(column - 1).map_or("", String::as_str);
            if COLUMNS.get(column).is_some_and(|(_, _, number)| *number) {
                right_ui(ui, |ui| {
                    Line::table(text).show(ui);
                });
            } else {
                Line::table(text).show(ui);
            }
        }
    }
}

fn right_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::right_to_left(Align::Center), add);
}
