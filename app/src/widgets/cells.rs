//! Tables: fixed rows, drawn only where they are seen.

use eframe::egui::{Align as EguiAlign, Layout, Rect, Sense, Ui, pos2};
use egui_extras::{Column, TableBuilder};

use super::export_menu::Take;
use super::take_out::{self, TakenOut};
use super::text::Line;
use crate::theme;

/// Where the content of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct ColumnSpec<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its width in points; `None` for a share of what is left.
    pub width: Option<f32>,
    /// Where its content stands.
    pub align: Align,
}

impl<'a> ColumnSpec<'a> {
    /// A column of text.
    pub const fn text(title: &'a str, width: f32) -> Self {
        Self {
            title,
            width: Some(width),
            align: Align::Left,
        }
    }

    /// A column of numbers.
    pub const fn number(title: &'a str, width: f32) -> Self {
        Self {
            title,
            width: Some(width),
            align: Align::Right,
        }
    }

    /// A column of text that takes what is left.
    pub const fn rest(title: &'a str) -> Self {
        Self {
            title,
            width: None,
            align: Align::Left,
        }
    }
}

/// The title of a column.
pub fn header_cell(ui: &mut Ui, title: &str) {
    let muted = theme::colors(ui).muted;
    Line::caption(title).color(muted).show(ui);
}

/// The text of a cell.
pub fn text_cell(ui: &mut Ui, text: impl Into<String>) {
    Line::table(text).show(ui);
}

/// A table of `rows` rows of `height` points; `cell` draws the cell of a row and a column.
/// Returns the row that was clicked.
pub fn table(
    ui: &mut Ui,
    id: &str,
    columns: &[ColumnSpec<'_>],
    rows: usize,
    height: f32,
    selected: Option<usize>,
    mut cell: impl FnMut(&mut Ui, usize, usize),
) -> Option<usize> {
    let room = ui.available_height();
    let top = ui.cursor().min;
    let mut clicked = None;
    let rule = theme::colors(ui).grid;
    // Rows touch: the rule between them is what parts them.
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut builder = TableBuilder::new(ui)
        .id_salt(id)
        .striped(false)
        .sense(Sense::click())
        .auto_shrink([false, true])
        .min_scrolled_height(height)
        .max_scroll_height((room - 28.0).max(height))
        .cell_layout(Layout::left_to_right(EguiAlign::Center));
    for column in columns {
        builder = builder.column(match column.width {
            Some(width) => Column::exact(width).clip(true),
            None => Column::remainder().clip(true).at_least(40.0),
        });
    }
    builder
        .header(24.0, |mut header| {
            for column in columns {
                header.col(|ui| aligned(ui, column.align, |ui| header_cell(ui, column.title)));
            }
        })
        .body(|body| {
            body.rows(height, rows, |mut row| {
                let index = row.index();
                row.set_selected(selected == Some(index));
                for (place, column) in columns.iter().enumerate() {
                    row.col(|ui| {
                        let rect = ui.max_rect();
                        let stroke = eframe::egui::Stroke::new(1.0, rule);
                        ui.painter()
                            .hline(rect.x_range().expand(4.0), rect.bottom(), stroke);
                        aligned(ui, column.align, |ui| cell(ui, index, place));
                    });
                }
                if row.response().clicked() {
                    clicked = Some(index);
                }
            });
        });
    let whole = Rect::from_min_max(top, pos2(ui.max_rect().right(), ui.min_rect().bottom()));
    menu_ui(ui, whole, id, columns, rows, cell);
    clicked
}

/// A right click takes the table out as it stands.
fn menu_ui(
    ui: &mut Ui,
    whole: Rect,
    id: &str,
    columns: &[ColumnSpec<'_>],
    rows: usize,
    cell: impl FnMut(&mut Ui, usize, usize),
) {
    if !take_out::has_menu() {
        return;
    }
    let takes = [Take::Copy, Take::Csv, Take::Json];
    let Some(take) = take_out::context_menu(ui, whole, id, &takes) else {
        return;
    };
    let (columns, rows) = take_out::read_table(ui, columns, rows, cell);
    let out = TakenOut {
        take,
        title: id.to_owned(),
        columns,
        rows,
        picture: None,
    };
    take_out::hand_over(ui.ctx(), out);
}

fn aligned(ui: &mut Ui, align: Align, add: impl FnOnce(&mut Ui)) {
    match align {
        Align::Left => add(ui),
        Align::Right => {
            ui.with_layout(Layout::right_to_left(EguiAlign::Center), add);
        }
    }
}
