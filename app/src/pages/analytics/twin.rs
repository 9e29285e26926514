//! The table twin of a panel: the same figures, exact.

use eframe::egui::Ui;
use retail_engine::analytics::{Cell, Table, Unit};

use crate::theme::size;
use crate::views::format;
use crate::widgets::{ColumnSpec, table, text_cell};

/// Room of a column of numbers.
const NUMBER: f32 = 92.0;
/// Room of a column of text beside others.
const TEXT: f32 = 110.0;

/// Draws a table of the engine.
pub(super) fn twin_ui(ui: &mut Ui, name: &str, of: &Table) {
    let titles: Vec<String> = of.columns.iter().map(|c| title(c.name)).collect();
    let widest = of.columns.iter().position(|c| c.unit == Unit::Text);
    let columns: Vec<ColumnSpec<'_>> = of
        .columns
        .iter()
        .zip(&titles)
        .enumerate()
        .map(|(place, (column, title))| match column.unit {
            Unit::Text if Some(place) == widest => ColumnSpec::rest(title),
            Unit::Text | Unit::Day | Unit::Time | Unit::Flag => ColumnSpec::text(title, TEXT),
            _ => ColumnSpec::number(title, NUMBER),
        })
        .collect();
    let room = ui.available_size();
    let least: f32 = columns.iter().map(|c| c.width.unwrap_or(TEXT) + 8.0).sum();
    eframe::egui::ScrollArea::horizontal()
        .id_salt(("twin", name))
        .show(ui, |ui| {
            ui.set_max_width(least.max(room.x));
            ui.set_max_height(room.y);
            table(
                ui,
                name,
                &columns,
                of.rows.len(),
                size::ROW_DENSE,
                None,
                |ui, row, place| {
                    let cell = of.rows.get(row).and_then(|row| row.get(place));
                    let unit = of.columns.get(place).map(|column| column.unit);
                    if let (Some(cell), Some(unit)) = (cell, unit) {
                        text_cell(ui, shown(cell, unit));
                    }
                },
            );
        });
}

fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

fn shown(cell: &Cell, unit: Unit) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Count(count) => format::signed(*count),
        Cell::Money(amount) => format::decimal(*amount),
        Cell::Share(share) if unit == Unit::Share => format::percent(*share),
        Cell::Share(number) => format!("{number:.2}"),
        Cell::Flag(true) => "yes".to_owned(),
        Cell::Flag(false) => "no".to_owned(),
        Cell::Empty => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_exact_and_titles_are_words() {
        assert_eq!(title("average_order_value"), "Average order value");
        let money = Cell::Money("1234.500".parse().unwrap());
        assert_eq!(shown(&money, Unit::Gbp), "1\u{2009}234.500");
        assert_eq!(shown(&Cell::Share(-0.1), Unit::Share), "-10.0 %");
        assert_eq!(shown(&Cell::Share(1.5), Unit::Number), "1.50");
        assert_eq!(shown(&Cell::Empty, Unit::Gbp), "");
    }
}
