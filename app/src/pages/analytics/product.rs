//! The page of one product.

use std::sync::Arc;

use eframe::egui::{Rect, Ui, vec2};
use retail_engine::analytics::{Filter, ProductPage};
use retail_engine::handle::Command;

use super::asked::Asked;
use super::coded::{Coded, coded_ui};
use super::customer::months_ui;
use super::exports::{self, Out};
use super::panels::Act;
use super::sales;
use crate::pages::Cx;
use crate::theme::size;
use crate::views::analytics::tiles::Tile;
use crate::views::analytics::{cancelled_words, counted, customer, product as view};
use crate::views::format;
use crate::widgets::columns::Period;
use crate::widgets::{
    self, ColumnSpec, Line, Panel, Split, Status, Take, split_columns, split_rows, table, text_cell,
};

/// Lower than this the page scrolls.
const LOW: f32 = 560.0;

/// What is shown, made once per answer.
#[derive(Default)]
pub(super) struct State {
    asked: Asked<String, Option<Box<ProductPage>>>,
    made: u64,
    shown: Option<Arc<Rows>>,
}

struct Rows {
    code: String,
    tiles: [Tile; 5],
    warning: Option<String>,
    months: Vec<Period>,
    page: ProductPage,
}

impl State {
    /// Asks and takes; once per frame while it is shown.
    pub(super) fn refresh(&mut self, cx: &Cx<'_>, code: &str) {
        self.asked.poll(cx.ctx);
        let link = cx.link;
        self.asked
            .want(&code.to_owned(), cx.snapshot.lines, cx.ctx, |code| {
                link.ask(|reply| Command::ProductPage(code, reply))
            });
        if self.asked.answers() != self.made {
            self.made = self.asked.answers();
            let newest = self.asked.newest();
            self.shown =
                newest.and_then(|(code, page)| Some(Arc::new(rows(code, page.as_ref().as_ref()?))));
        }
    }

    /// What it is called.
    pub(super) fn description(&self, code: &str) -> String {
        let shown = self.shown.as_ref().filter(|shown| shown.code == code);
        shown.map_or_else(String::new, |shown| {
            let others = shown.page.descriptions.len().saturating_sub(1);
            let name = &shown.page.figures.description;
            if others == 0 {
                name.to_string()
            } else {
                format!("{name}; {others} other names")
            }
        })
    }
}

fn rows(code: &str, page: &ProductPage) -> Rows {
    Rows {
        code: code.to_owned(),
        tiles: view::tiles(page),
        warning: page.largest_cancelled.as_ref().map(cancelled_words),
        months: customer::columns(page.months.iter().map(|m| (m.month, m.amount, m.invoices))),
        page: page.clone(),
    }
}

/// Takes the page out: its months, countries and partners, or its picture.
pub(super) fn export(take: Take, state: &State, cx: &mut Cx<'_>, code: &str) {
    let shown = state.shown.as_ref().filter(|shown| shown.code == code);
    if let Some(rows) = shown.map(Arc::clone) {
        let out = Out {
            title: format!("Product {code}"),
            name: format!("product-{code}"),
            filter: Filter::default(),
            reference_date: None,
            size: vec2(1_200.0, 700.0),
            args: None,
        };
        let tables = view::tables(&rows.page);
        exports::take(cx, take, out, tables, move |ui| {
            let room = ui.max_rect();
            page_ui(ui, room, &rows);
        });
    }
}

/// Draws the page.
pub(super) fn product_ui(ui: &mut Ui, state: &State, code: &str) -> Option<Act> {
    if let Some(failure) = state.asked.failure() {
        widgets::error_state(ui, &failure.message, failure.remedy.as_deref());
        return None;
    }
    let Some(rows) = state.shown.as_ref().filter(|shown| shown.code == code) else {
        let why = match state.asked.about(&code.to_owned()) {
            Some(_) => "This code has no sales.",
            None => "Reading the product\u{2026}",
        };
        widgets::empty_state(ui, why, None);
        return None;
    };
    super::low_ui(ui, LOW, |ui, room| page_ui(ui, room, rows))
}

fn page_ui(ui: &mut Ui, room: Rect, rows: &Rows) -> Option<Act> {
    let [tiles, rest] = split_rows(room, [Split::Points(84.0), Split::Share(1.0)]);
    sales::tiles_ui(ui, tiles, &rows.tiles);
    let rest = match &rows.warning {
        Some(warning) => {
            let [at, rest] = split_rows(rest, [Split::Points(32.0), Split::Share(1.0)]);
            warning_ui(ui, at, warning);
            rest
        }
        None => rest,
    };
    let [left, right] = split_columns(rest, [Split::Share(1.0), Split::Share(1.0)]);
    let [months, prices] = split_rows(left, [Split::Share(1.0), Split::Share(1.0)]);
    let [countries, together] = split_rows(right, [Split::Share(1.0), Split::Share(1.0)]);
    months_ui(ui, months, &rows.months);
    prices_ui(ui, prices, &rows.page);
    countries_ui(ui, countries, &rows.page);
    together_ui(ui, together, &rows.page)
}

fn warning_ui(ui: &mut Ui, rect: Rect, warning: &str) {
    widgets::surface(ui, rect);
    widgets::rect_ui(ui, rect.shrink2(vec2(size::PANEL_PAD, 6.0)), |ui| {
        ui.horizontal(|ui| {
            widgets::status_icon(ui, Status::Warn);
            Line::table(warning).show(ui);
        });
    });
}

/// A dense table of plain cells: what a row says in a column.
fn text_table<T>(
    ui: &mut Ui,
    id: &str,
    columns: &[ColumnSpec<'_>],
    all: &[T],
    text: impl Fn(&T, usize) -> String,
) {
    let cell = |ui: &mut Ui, row: usize, column| {
        if let Some(of) = all.get(row) {
            text_cell(ui, text(of, column));
        }
    };
    table(ui, id, columns, all.len(), size::ROW_DENSE, None, cell);
}

fn prices_ui(ui: &mut Ui, rect: Rect, page: &ProductPage) {
    Panel::titled("Months and prices")
        .note("\u{a3} for one")
        .show(ui, rect, |ui| {
            let columns = [
                ColumnSpec::rest("Month"),
                ColumnSpec::number("Units", 62.0),
                ColumnSpec::number("Lines", 50.0),
                ColumnSpec::number("Sales \u{a3}", 92.0),
                ColumnSpec::number("Least", 62.0),
                ColumnSpec::number("Median", 62.0),
                ColumnSpec::number("Most", 62.0),
            ];
            text_table(
                ui,
                "prices",
                &columns,
                &page.months,
                |of, column| match column {
                    0 => of.month.to_string(),
                    1 => format::signed(of.items),
                    2 => format::count(of.lines),
                    3 => format::decimal(of.amount),
                    4 => format::decimal(of.price_min),
                    5 => format::decimal(of.price_median),
                    _ => format::decimal(of.price_max),
                },
            );
        });
}

fn countries_ui(ui: &mut Ui, rect: Rect, page: &ProductPage) {
    let note = format!("{} with sales", page.countries.len());
    Panel::titled("Countries").note(&note).show(ui, rect, |ui| {
        let columns = [
            ColumnSpec::rest("Country"),
            ColumnSpec::number("Invoices", 66.0),
            ColumnSpec::number("Lines", 56.0),
            ColumnSpec::number("Units", 66.0),
            ColumnSpec::number("Sales \u{a3}", 96.0),
        ];
        let all = &page.countries;
        text_table(
            ui,
            "product countries",
            &columns,
            all,
            |of, column| match column {
                0 => of.country.to_string(),
                1 => format::count(of.invoices),
                2 => format::count(of.lines),
                3 => format::signed(of.items),
                _ => format::decimal(of.amount),
            },
        );
    });
}

fn together_ui(ui: &mut Ui, rect: Rect, page: &ProductPage) -> Option<Act> {
    let of_all = format!("of {} with it", counted(page.figures.invoices, "invoice"));
    Panel::titled("Bought together")
        .note(&of_all)
        .show(ui, rect, |ui| {
            if page.together.is_empty() {
                widgets::empty_state(ui, "No other product is on its invoices.", None);
                return None;
            }
            let figures = [
                ColumnSpec::number("Invoices", 66.0),
                ColumnSpec::number("Of them", 60.0),
            ];
            let all = &page.together;
            let coded = |row: usize| {
                let of = all.get(row)?;
                Some(Coded {
                    code: &of.stock_code,
                    description: &of.description,
                })
            };
            coded_ui(ui, "together", &figures, all.len(), coded, |row, column| {
                all.get(row).map_or_else(String::new, |of| match column {
                    0 => format::count(of.invoices),
                    _ => format::percent(of.confidence),
                })
            })
        })
}
