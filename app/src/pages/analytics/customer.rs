//! The page of one customer.

use std::sync::Arc;

use eframe::egui::{Layout, Rect, Ui, vec2};
use retail_engine::analytics::{CustomerPage, Filter, InvoiceFigures};
use retail_engine::handle::Command;

use super::asked::Asked;
use super::coded::{Coded, coded_ui};
use super::exports::{self, Out};
use super::panels::Act;
use super::sales;
use crate::pages::Cx;
use crate::theme::{self, Icon, size};
use crate::views::analytics::customer::{self as view, Kind, Place};
use crate::views::analytics::tiles::Tile;
use crate::views::format;
use crate::widgets::columns::{ColumnChart, Drawn, Period, column_chart};
use crate::widgets::{
    self, ColumnSpec, Line, Panel, Split, Take, split_columns, split_rows, table, text_cell,
};

/// Lower than this the page scrolls.
const LOW: f32 = 560.0;

/// What is shown, made once per answer.
#[derive(Default)]
pub(super) struct State {
    asked: Asked<String, Option<Box<CustomerPage>>>,
    made: u64,
    shown: Option<Arc<Rows>>,
}

struct Rows {
    number: String,
    tiles: [Tile; 5],
    action: Option<(String, String)>,
    months: Vec<Period>,
    places: Vec<Place>,
    invoices: Vec<(InvoiceFigures, Kind)>,
    page: CustomerPage,
}

impl State {
    /// Asks anew.
    pub(super) fn forget(&mut self) {
        self.asked.forget();
    }

    /// Asks and takes; once per frame while it is shown.
    pub(super) fn refresh(&mut self, cx: &Cx<'_>, number: &str) {
        self.asked.poll(cx.ctx);
        let link = cx.link;
        self.asked
            .want(&number.to_owned(), cx.snapshot.lines, cx.ctx, |number| {
                link.ask(|reply| Command::CustomerPage(number, reply))
            });
        if self.asked.answers() != self.made {
            self.made = self.asked.answers();
            let newest = self.asked.newest();
            self.shown = newest
                .and_then(|(number, page)| Some(Arc::new(rows(number, page.as_ref().as_ref()?))));
        }
    }
}

fn rows(number: &str, page: &CustomerPage) -> Rows {
    let next = page.figures.next.as_ref();
    Rows {
        number: number.to_owned(),
        tiles: view::tiles(page),
        action: next.map(|next| (next.action.clone(), next.reason.clone())),
        months: view::columns(page.months.iter().map(|m| (m.month, m.amount, m.invoices))),
        places: view::places(page),
        invoices: view::invoices(page),
        page: page.clone(),
    }
}

/// Takes the page out: its invoices, or its picture.
pub(super) fn export(take: Take, state: &State, cx: &mut Cx<'_>, number: &str) {
    let shown = state.shown.as_ref().filter(|shown| shown.number == number);
    if let Some(rows) = shown.map(Arc::clone) {
        let out = Out {
            title: format!("Customer {number}"),
            name: format!("customer-{number}"),
            filter: Filter::default(),
            reference_date: rows.page.reference_date,
            size: vec2(1_200.0, 700.0),
            args: None,
        };
        let table = view::invoices_table(&rows.invoices);
        exports::take(cx, take, out, vec![table], move |ui| {
            let room = ui.max_rect();
            page_ui(ui, room, &rows);
        });
    }
}

/// Draws the page.
pub(super) fn customer_ui(ui: &mut Ui, state: &State, number: &str) -> Option<Act> {
    if let Some(failure) = state.asked.failure() {
        widgets::error_state(ui, &failure.message, failure.remedy.as_deref());
        return None;
    }
    let shown = state.shown.as_ref().filter(|shown| shown.number == number);
    let Some(rows) = shown else {
        let why = match state.asked.about(&number.to_owned()) {
            Some(_) => "This customer has bought nothing.",
            None => "Reading the customer\u{2026}",
        };
        widgets::empty_state(ui, why, None);
        return None;
    };
    super::low_ui(ui, LOW, |ui, room| page_ui(ui, room, rows))
}

fn page_ui(ui: &mut Ui, room: Rect, rows: &Rows) -> Option<Act> {
    let [tiles, action, rest] = split_rows(
        room,
        [Split::Points(84.0), Split::Points(54.0), Split::Share(1.0)],
    );
    sales::tiles_ui(ui, tiles, &rows.tiles);
    action_ui(ui, action, rows);
    let [left, right] = split_columns(rest, [Split::Share(1.0), Split::Share(1.0)]);
    let places = 46.0 + 24.0 * rows.places.len().min(4) as f32;
    let [invoices, places] = split_rows(left, [Split::Share(1.0), Split::Points(places)]);
    let [months, products] = split_rows(right, [Split::Share(1.0), Split::Share(1.1)]);
    invoices_ui(ui, invoices, rows);
    places_ui(ui, places, rows);
    months_ui(ui, months, &rows.months);
    products_ui(ui, products, rows)
}

fn action_ui(ui: &mut Ui, rect: Rect, rows: &Rows) {
    widgets::surface(ui, rect);
    widgets::rect_ui(ui, rect.shrink2(vec2(size::PANEL_PAD, 8.0)), |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        let colors = theme::colors(ui);
        let (action, reason) = match &rows.action {
            Some((action, reason)) => (action.as_str(), reason.as_str()),
            None => (
                "No action fits",
                "The table of actions has none for this status and segment.",
            ),
        };
        ui.horizontal(|ui| {
            widgets::icon(ui, Icon::Lightbulb, colors.muted);
            Line::table("Next best action").color(colors.muted).show(ui);
            Line::body(action).semibold().show(ui);
        });
        Line::table(reason).color(colors.muted).show(ui);
    });
}

fn invoices_ui(ui: &mut Ui, rect: Rect, rows: &Rows) {
    let cancelled = &rows.page.cancelled;
    let note = if cancelled.lines == 0 {
        "newest first, nothing cancelled".to_owned()
    } else {
        format!(
            "newest first; cancelled {}, not taken off",
            format::money(cancelled.amount)
        )
    };
    Panel::titled("Invoices").note(&note).show(ui, rect, |ui| {
        let columns = [
            ColumnSpec::text("Invoice", 76.0),
            ColumnSpec::text("Time", 124.0),
            ColumnSpec::rest("Country"),
            ColumnSpec::number("Lines", 46.0),
            ColumnSpec::number("Units", 60.0),
            ColumnSpec::number("Amount \u{a3}", 96.0),
        ];
        let all = &rows.invoices;
        table(
            ui,
            "invoices",
            &columns,
            all.len(),
            size::ROW_DENSE,
            None,
            |ui, row, column| {
                let Some((of, kind)) = all.get(row) else {
                    return;
                };
                let text = match column {
                    0 => of.invoice_no.to_string(),
                    1 => of.at.datetime().format("%Y-%m-%d %H:%M").to_string(),
                    2 => match kind {
                        Kind::Sale => of.countries.join(", "),
                        Kind::Cancelled => "cancelled".to_owned(),
                    },
                    3 => format::count(of.lines),
                    4 => format::signed(of.items),
                    _ => format::decimal(of.amount),
                };
                match kind {
                    Kind::Sale => text_cell(ui, text),
                    Kind::Cancelled => {
                        let muted = theme::colors(ui).muted;
                        Line::table(text).color(muted).show(ui);
                    }
                }
            },
        );
    });
}

fn places_ui(ui: &mut Ui, rect: Rect, rows: &Rows) {
    Panel::titled("Over all regions")
        .note("where the orders were")
        .show(ui, rect, |ui| {
            for place in rows.places.iter().take(4) {
                ui.horizontal(|ui| {
                    ui.set_height(20.0);
                    let muted = theme::colors(ui).muted;
                    match place.region {
                        Some(region) => {
                            widgets::region_label(ui, region, Line::table(&place.name).medium());
                        }
                        None => text_cell(ui, &place.name),
                    }
                    Line::table(&place.text).color(muted).show(ui);
                    ui.with_layout(Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                        text_cell(ui, &place.amount);
                    });
                });
            }
        });
}

/// Draws sales by month.
pub(super) fn months_ui(ui: &mut Ui, rect: Rect, months: &[Period]) {
    Panel::titled("Sales by month")
        .note("\u{a3}")
        .show(ui, rect, |ui| {
            let chart = ColumnChart {
                name: "Sales by month",
                periods: months,
                drawn: Drawn::Bars,
                color: None,
                tick: format::significant,
                names: true,
            };
            let room = ui.available_size();
            column_chart(ui, &chart, room);
        });
}

fn products_ui(ui: &mut Ui, rect: Rect, rows: &Rows) -> Option<Act> {
    Panel::titled("Products")
        .note("where the money went")
        .show(ui, rect, |ui| {
            let figures = [
                ColumnSpec::number("Orders", 50.0),
                ColumnSpec::number("Units", 60.0),
                ColumnSpec::number("Amount \u{a3}", 92.0),
            ];
            let all = &rows.page.products;
            let coded = |row: usize| {
                let of = all.get(row)?;
                Some(Coded {
                    code: &of.stock_code,
                    description: &of.description,
                })
            };
            coded_ui(ui, "bought", &figures, all.len(), coded, |row, column| {
                all.get(row).map_or_else(String::new, |of| match column {
                    0 => format::count(of.invoices),
                    1 => format::signed(of.items),
                    _ => format::decimal(of.amount),
                })
            })
        })
}
