//! A table of products: a code that leads to the page of the product, what it is called, and
//! figures of it.

use eframe::egui::Ui;

use super::panels::Act;
use crate::theme::size;
use crate::widgets::{ColumnSpec, link, table, text_cell};

/// A product in the table.
pub(super) struct Coded<'a> {
    /// Its code.
    pub code: &'a str,
    /// What it is called.
    pub description: &'a str,
}

/// Draws `rows` products of which `of` knows code and description, and `figure` the text in each
/// of the columns `figures`; the product that was clicked.
pub(super) fn coded_ui<'a>(
    ui: &mut Ui,
    id: &str,
    figures: &[ColumnSpec<'_>],
    rows: usize,
    of: impl Fn(usize) -> Option<Coded<'a>>,
    figure: impl Fn(usize, usize) -> String,
) -> Option<Act> {
    let mut columns = vec![
        ColumnSpec::text("Code", 66.0),
        ColumnSpec::rest("Description"),
    ];
    columns.extend_from_slice(figures);
    let mut clicked = None;
    let row = table(
        ui,
        id,
        &columns,
        rows,
        size::ROW_DENSE,
        None,
        |ui, row, column| {
            let Some(product) = of(row) else { return };
            match column.checked_sub(2) {
                Some(column) => text_cell(ui, figure(row, column)),
                None if column == 0 => {
                    let label = format!("Product {}", product.code);
                    if link(ui, product.code, &label).clicked() {
                        clicked = Some(row);
                    }
                }
                None => text_cell(ui, product.description),
            }
        },
    );
    let product = of(clicked.or(row)?)?;
    Some(Act::Product(product.code.to_owned()))
}
