//! Products, returns, concentration, markets, sentences.

use eframe::egui::{Align, Layout, ScrollArea, Sense, Ui, vec2};
use retail_engine::analytics::{InsightLink, MarketCategory};

use super::figures::Pairs;
use super::panels::{Act, PanelId, View};
use crate::theme::{self, size};
use crate::views::analytics::cancelled_words;
use crate::views::format;
use crate::widgets::{self, ColumnSpec, Line, Status, link, table, text_cell};

/// Draws the products.
pub(super) fn products_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let rows: Vec<_> = view.listed().collect();
    let marked = rows.iter().any(|p| view.marks.contains_key(&*p.stock_code));
    let foot = if marked { 18.0 } else { 0.0 };
    let columns = [
        ColumnSpec::text("Code", 50.0),
        ColumnSpec::rest("Description"),
        ColumnSpec::number("Units", 46.0),
        ColumnSpec::number("Lines", 38.0),
        ColumnSpec::number("Revenue \u{a3}", 78.0),
    ];
    let room = vec2(ui.available_width(), ui.available_height() - foot);
    let mut clicked = None;
    ui.allocate_ui(room, |ui| {
        ui.set_min_height(room.y);
        let row = table(
            ui,
            "products",
            &columns,
            rows.len(),
            size::ROW_DENSE,
            None,
            |ui, row, column| {
                let Some(product) = rows.get(row) else { return };
                match column {
                    0 => {
                        let code = &product.stock_code;
                        if link(ui, code, &format!("Product {code}")).clicked() {
                            clicked = Some(row);
                        }
                    }
                    1 => {
                        if let Some(line) = view.marks.get(&*product.stock_code) {
                            widgets::status_icon(ui, Status::Warn)
                                .on_hover_text(cancelled_words(line));
                        }
                        if product.is_product {
                            text_cell(ui, &*product.description);
                        } else {
                            let text = format!("{} (no product)", product.description);
                            let muted = theme::colors(ui).muted;
                            Line::table(text).color(muted).show(ui);
                        }
                    }
                    2 => text_cell(ui, format::signed(product.items)),
                    3 => text_cell(ui, format::count(product.lines)),
                    _ => text_cell(ui, format::decimal(product.amount)),
                }
            },
        );
        clicked = clicked.or(row);
    });
    if marked {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            widgets::status_icon(ui, Status::Warn);
            let muted = theme::colors(ui).muted;
            Line::caption("rests on one line that was cancelled later")
                .color(muted)
                .show(ui);
        });
    }
    let product = rows.get(clicked?)?;
    Some(Act::Product(product.stock_code.to_string()))
}

/// Draws what was cancelled.
pub(super) fn returns_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let returns = &view.shown.report.returns;
    let rate = |rate: Option<f64>| rate.map_or("no lines".to_owned(), format::percent);
    let length = |rate: Option<f64>| {
        #[expect(clippy::cast_possible_truncation, reason = "a length on the screen")]
        let length = rate.unwrap_or_default() as f32;
        length
    };
    share_ui(
        ui,
        "Of the value",
        length(returns.rate_by_amount),
        &rate(returns.rate_by_amount),
    );
    share_ui(
        ui,
        "Of the lines",
        length(returns.rate_by_lines),
        &rate(returns.rate_by_lines),
    );
    for (name, value) in [
        ("Cancelled", format::money(returns.amount)),
        (
            "Lines and units",
            format!(
                "{} \u{b7} {}",
                format::count(returns.lines),
                format::signed(returns.items)
            ),
        ),
        ("Net of cancellations", format::money(returns.net_sales)),
    ] {
        pair_ui(ui, name, &value);
    }
    None
}

fn pair_ui(ui: &mut Ui, name: &str, value: &str) {
    ui.horizontal(|ui| {
        ui.set_height(18.0);
        let muted = theme::colors(ui).muted;
        Line::table(name).color(muted).show(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            Line::table(value).show(ui)
        });
    });
}

/// Draws in a cell of `width`, whatever is in it.
fn cell_ui(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) {
    let size = vec2(width, 18.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.set_max_width(width);
        add(ui);
    });
}

/// A share as a bar with its words.
fn share_ui(ui: &mut Ui, name: &str, share: f32, text: &str) {
    ui.horizontal(|ui| {
        ui.set_height(18.0);
        let colors = theme::colors(ui);
        cell_ui(ui, 128.0, |ui| {
            Line::table(name).color(colors.muted).show(ui);
        });
        let width = (ui.available_width() - 66.0).max(20.0);
        let (track, _) = ui.allocate_exact_size(vec2(width, 8.0), Sense::hover());
        widgets::bar(ui.painter(), track, share, colors.bar, colors.grid);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            Line::table(text).medium().show(ui)
        });
    });
}

/// Draws how much comes from few.
pub(super) fn few_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    for few in &view.shown.few {
        share_ui(ui, few.of, few.share, &few.text);
    }
    None
}

/// Draws the countries compared.
pub(super) fn markets_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let rows = &view.shown.report.countries;
    if rows.iter().all(|country| country.market.is_none()) {
        let why = "Fewer than four countries: quarters would say nothing.";
        widgets::empty_state(ui, why, None);
        return None;
    }
    let columns = [
        ColumnSpec::rest("Country"),
        ColumnSpec::text("Category", 112.0),
        ColumnSpec::number("Share", 56.0),
        ColumnSpec::number("Each order \u{a3}", 84.0),
        ColumnSpec::number("Units an order", 88.0),
        ColumnSpec::number("Last month", 76.0),
    ];
    let mut clicked = None;
    let row = table(
        ui,
        "markets",
        &columns,
        rows.len(),
        size::ROW_DENSE,
        None,
        |ui, row, column| {
            let Some(country) = rows.get(row) else { return };
            match column {
                0 => {
                    let label = format!("Market: {}", country.country);
                    if link(ui, &country.country, &label).clicked() {
                        clicked = Some(row);
                    }
                }
                1 => text_cell(ui, country.market.map_or("", MarketCategory::name)),
                2 => text_cell(ui, format::percent(country.share)),
                3 => text_cell(
                    ui,
                    country
                        .average_order_value
                        .map_or(String::new(), format::decimal),
                ),
                4 => text_cell(
                    ui,
                    country
                        .items_per_invoice
                        .map_or(String::new(), |n| format!("{n:.1}")),
                ),
                _ => {
                    let change = crate::views::analytics::periods::change;
                    text_cell(
                        ui,
                        country.growth.map_or("no change known".to_owned(), change),
                    );
                }
            }
        },
    );
    let country = rows.get(clicked.or(row)?)?;
    Some(Act::Country(country.country.to_string()))
}

/// Draws the products bought together, or the button that counts them.
pub(super) fn together_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let pairs = match &view.pairs {
        Pairs::Known(pairs) => pairs,
        Pairs::Counting => {
            widgets::empty_state(ui, "Reading every line of the filter\u{2026}", None);
            return None;
        }
        Pairs::Unasked => {
            let why =
                "Pairs are counted when asked for: every line of the filter is read for them.";
            return widgets::empty_state(ui, why, Some("Count pairs")).then_some(Act::Pairs);
        }
    };
    if pairs.pairs.is_empty() {
        let why = format!(
            "No two products are together in {} or more invoices.",
            format::count(pairs.floor_invoices)
        );
        widgets::empty_state(ui, &why, None);
        return None;
    }
    let columns = [
        ColumnSpec::text("Code", 60.0),
        ColumnSpec::rest("Product"),
        ColumnSpec::text("Code", 60.0),
        ColumnSpec::rest("With"),
        ColumnSpec::number("Invoices", 60.0),
        ColumnSpec::number("Of the first", 74.0),
        ColumnSpec::number("Of the other", 76.0),
        ColumnSpec::number("Lift", 52.0),
    ];
    let rows = &pairs.pairs;
    let mut product = None;
    table(
        ui,
        "pairs",
        &columns,
        rows.len(),
        size::ROW_DENSE,
        None,
        |ui, row, column| {
            let Some(pair) = rows.get(row) else { return };
            match column {
                0 | 2 => {
                    let of = if column == 0 { &pair.a } else { &pair.b };
                    let code = &of.stock_code;
                    if link(ui, code, &format!("Pair {}: product {code}", row + 1)).clicked() {
                        product = Some(code.to_string());
                    }
                }
                1 => text_cell(ui, &*pair.a.description),
                3 => text_cell(ui, &*pair.b.description),
                4 => text_cell(ui, format::count(pair.invoices)),
                5 => text_cell(ui, format::percent(pair.confidence_a_to_b)),
                6 => text_cell(ui, format::percent(pair.confidence_b_to_a)),
                _ => text_cell(ui, format!("{:.1}", pair.lift)),
            }
        },
    );
    product.map(Act::Product)
}

/// Where an insight leads.
const fn panel_of(link: InsightLink) -> PanelId {
    match link {
        InsightLink::Months => PanelId::Revenue,
        InsightLink::Countries => PanelId::Places,
        InsightLink::Products => PanelId::Products,
        InsightLink::Segments => PanelId::Segments,
        InsightLink::Returns => PanelId::Returns,
        InsightLink::Customers => PanelId::Kpis,
    }
}

/// Draws what stands out.
pub(super) fn insights_ui(ui: &mut Ui, view: &View) -> Option<Act> {
    let insights = &view.shown.report.insights;
    let mut act = None;
    ScrollArea::vertical().id_salt("insights").show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 7.0;
        for insight in insights {
            ui.horizontal_top(|ui| {
                let colors = theme::colors(ui);
                let room = ui.available_width();
                cell_ui(ui, 104.0, |ui| {
                    Line::body(&insight.figure).semibold().show(ui);
                });
                let text = room - 104.0 - 64.0;
                ui.allocate_ui(vec2(text, 18.0), |ui| {
                    ui.set_min_width(text);
                    ui.set_max_width(text);
                    Line::table(&insight.text)
                        .color(colors.muted)
                        .wrapped()
                        .show(ui);
                });
                if link(ui, "Show", &format!("Show: {}", insight.text)).clicked() {
                    act = Some(Act::See(panel_of(insight.link)));
                }
            });
        }
    });
    act
}
