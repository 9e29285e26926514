//! Why rows were set aside, and what the ledger says of them.

use std::time::Duration;

use eframe::egui::{Align as Side, CornerRadius, Layout, Rect, Sense, Stroke, Ui, vec2};
use retail_engine::model::Reason;

use super::data::Totals;
use crate::theme::{self, Icon, size};
use crate::views::format;
use crate::views::quality::{ReasonRow, ReasonTable, Summary};
use crate::widgets::{
    self, ColumnSpec, Line, Split, Status, bar, rect_ui, sparkline, split_columns, table,
};

/// Width of what the ledger says.
const LEDGER: f32 = 326.0;
/// Width of the same where the page is narrow.
const LEDGER_NARROW: f32 = 256.0;
/// Below this width of the table the months are left out.
const MONTHS_FROM: f32 = 720.0;
/// Below this width the names of columns are left out too.
const NAMES_FROM: f32 = 520.0;
/// Below this width the bars are left out too.
const BARS_FROM: f32 = 560.0;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Reason,
    Column,
    Rows,
    Share,
    Bar,
    Worth,
    Months,
}

/// Draws the table and the ledger; the reason that was chosen.
pub(super) fn reasons_ui(
    ui: &mut Ui,
    rect: Rect,
    totals: &Totals,
    summary: &Summary,
    is_running: bool,
    chosen: Option<Reason>,
) -> Option<Reason> {
    widgets::surface(ui, rect);
    let ledger = if rect.width() < 900.0 {
        LEDGER_NARROW
    } else {
        LEDGER
    };
    let [left, right] = split_columns(rect, [Split::Share(1.0), Split::Points(ledger)]);
    let colors = theme::colors(ui);
    let stroke = Stroke::new(1.0, colors.line);
    ui.painter()
        .vline(right.left() - size::GAP, rect.y_range(), stroke);
    let mut clicked = None;
    let inside = left.shrink2(vec2(size::PANEL_PAD, 8.0));
    rect_ui(ui, inside, |ui| {
        if let Some(trouble) = &totals.trouble {
            widgets::error_state(ui, &trouble.message, trouble.remedy.as_deref());
        } else if totals.version.is_none() {
            loading_ui(ui, totals.waiting());
        } else {
            clicked = table_ui(ui, &totals.table, chosen);
        }
    });
    let inside = right
        .shrink2(vec2(2.0, 10.0))
        .with_max_x(right.right() - size::PANEL_PAD);
    rect_ui(ui, inside, |ui| ledger_ui(ui, totals, summary, is_running));
    clicked
}

/// A thin bar that moves, and after two seconds what is waited for.
pub(super) fn loading_ui(ui: &mut Ui, waiting: Option<Duration>) {
    let Some(waits) = waiting else {
        return;
    };
    let colors = theme::colors(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(120.0, 14.0), Sense::hover());
    let track = Rect::from_center_size(rect.center(), vec2(120.0, 3.0));
    ui.painter()
        .rect_filled(track, CornerRadius::same(1), colors.grid);
    let at = (waits.as_secs_f32() * 0.8).fract();
    let left = track.left() + at * (track.width() - 36.0);
    let part = Rect::from_min_size(eframe::egui::pos2(left, track.top()), vec2(36.0, 3.0));
    ui.painter()
        .rect_filled(part, CornerRadius::same(1), colors.bar);
    if waits > Duration::from_secs(2) {
        let text = format!("Reading the rows set aside, {}", format::age(waits));
        Line::table(text).color(colors.muted).show(ui);
    }
}

fn table_ui(ui: &mut Ui, reasons: &ReasonTable, chosen: Option<Reason>) -> Option<Reason> {
    let width = ui.available_width();
    let months = match &reasons.span {
        Some((first, last)) if first == last => format!("By month, {first}"),
        Some((first, last)) => format!("By month, {first} to {last}"),
        None => "By month".to_owned(),
    };
    let mut columns = vec![(Cell::Reason, ColumnSpec::rest("Reason"))];
    if width >= NAMES_FROM {
        columns.push((Cell::Column, ColumnSpec::text("Column", 84.0)));
    }
    columns.push((Cell::Rows, ColumnSpec::number("Rows", 64.0)));
    columns.push((Cell::Share, ColumnSpec::number("Of read", 56.0)));
    if width >= BARS_FROM {
        columns.push((Cell::Bar, ColumnSpec::text("", 108.0)));
    }
    columns.push((Cell::Worth, ColumnSpec::number("Worth \u{a3}", 104.0)));
    if width >= MONTHS_FROM {
        columns.push((Cell::Months, ColumnSpec::text(&months, 176.0)));
    }
    let specs: Vec<ColumnSpec<'_>> = columns.iter().map(|(_, spec)| *spec).collect();
    let selected = reasons
        .rows
        .iter()
        .position(|row| Some(row.reason) == chosen);
    let all = reasons.rows.len();
    super::rows::rows_style(ui);
    let clicked = table(
        ui,
        "reasons",
        &specs,
        all + 1,
        size::ROW_DENSE,
        selected,
        |ui, place, column| {
            let cell = columns.get(column).map_or(Cell::Reason, |(cell, _)| *cell);
            match reasons.rows.get(place) {
                Some(row) => cell_ui(ui, row, cell),
                None => all_ui(ui, reasons, cell),
            }
        },
    );
    clicked
        .and_then(|place| reasons.rows.get(place))
        .map(|row| row.reason)
}

fn cell_ui(ui: &mut Ui, row: &ReasonRow, cell: Cell) {
    let colors = theme::colors(ui);
    let (icon, color) = if row.reason.is_rejection() {
        (Icon::TriangleAlert, colors.warn)
    } else {
        (Icon::Funnel, colors.muted)
    };
    match cell {
        Cell::Reason => {
            ui.spacing_mut().item_spacing.x = 6.0;
            widgets::icon(ui, icon, color);
            Line::table(row.name).medium().show(ui);
        }
        Cell::Column => {
            Line::table(row.column).color(colors.muted).show(ui);
        }
        Cell::Rows => {
            Line::table(format::count(row.rows)).show(ui);
        }
        Cell::Share => {
            Line::table(&row.share).color(colors.muted).show(ui);
        }
        Cell::Bar => {
            let (rect, _) = ui.allocate_exact_size(vec2(104.0, 14.0), Sense::hover());
            let rect = Rect::from_center_size(rect.center(), vec2(96.0, 7.0));
            let fill = if row.reason.is_rejection() {
                colors.warn
            } else {
                colors.bar
            };
            bar(
                ui.painter(),
                rect,
                row.bar,
                fill,
                eframe::egui::Color32::TRANSPARENT,
            );
        }
        Cell::Worth => {
            Line::table(&row.worth).show(ui);
        }
        Cell::Months if widgets::hear(&row.months_text) => {}
        Cell::Months => {
            let (rect, response) = ui.allocate_exact_size(vec2(150.0, 18.0), Sense::hover());
            if row.months.len() > 1 {
                let line = if row.reason.is_rejection() {
                    colors.warn
                } else {
                    colors.bar
                };
                let inner = rect.shrink2(vec2(0.0, 2.0));
                sparkline(ui.painter(), inner, &row.months, line, colors.grid);
            } else {
                // One month makes no line.
                ui.painter().text(
                    rect.left_center(),
                    eframe::egui::Align2::LEFT_CENTER,
                    &row.months_text,
                    theme::font(theme::Type::Caption, theme::Weight::Regular),
                    colors.muted,
                );
            }
            let label = format!("{} by month: {}", row.name, row.months_text);
            response.widget_info(|| {
                eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Label, true, &label)
            });
            response.on_hover_text(&row.months_text);
        }
    }
}

fn all_ui(ui: &mut Ui, reasons: &ReasonTable, cell: Cell) {
    let text = match cell {
        Cell::Reason => "All".to_owned(),
        Cell::Rows => format::count(reasons.total),
        Cell::Share => reasons.share.clone(),
        Cell::Worth => reasons.worth.clone(),
        Cell::Column | Cell::Bar | Cell::Months => return,
    };
    Line::table(text).semibold().show(ui);
}

/// What the ledger says, and whether the table adds up to it.
fn ledger_ui(ui: &mut Ui, totals: &Totals, summary: &Summary, is_running: bool) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 3.0;
    let read = format!("Set aside, of {} rows read", format::count(summary.read));
    Line::table(read).color(colors.muted).show(ui);
    ui.horizontal(|ui| {
        Line::kpi(format::count(summary.set_aside)).show(ui);
        if let Some(share) = summary.share() {
            let share = format::percent(share);
            Line::body(share).color(colors.muted).show(ui);
        }
    });
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, 10.0), Sense::hover());
    let bar = Rect::from_center_size(rect.center(), vec2(width, 8.0));
    let radius = CornerRadius::same(1);
    if summary.set_aside == 0 {
        ui.painter().rect_filled(bar, radius, colors.grid);
    } else {
        let middle = bar.left() + bar.width() * summary.filtered_share();
        ui.painter().rect_filled(
            bar.with_max_x((middle - 1.0).max(bar.left())),
            radius,
            colors.bar,
        );
        ui.painter().rect_filled(
            bar.with_min_x((middle + 1.0).min(bar.right())),
            radius,
            colors.warn,
        );
    }
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        widgets::icon(ui, Icon::Funnel, colors.muted);
        let filtered = format!("{} filtered by rule", format::count(summary.filtered));
        Line::table(filtered).show(ui);
        ui.with_layout(Layout::right_to_left(Side::Center), |ui| {
            let rejected = format!("{} rejected", format::count(summary.rejected));
            Line::table(rejected).show(ui);
            widgets::icon(ui, Icon::TriangleAlert, colors.warn);
        });
    });
    super::fix::widgets_rule(ui);
    balance_ui(ui, totals, summary, is_running);
}

fn balance_ui(ui: &mut Ui, totals: &Totals, summary: &Summary, is_running: bool) {
    let colors = theme::colors(ui);
    let counted = totals.version.map(|_| totals.table.total);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        let sum = format!(
            "{} \u{2212} {} = {} produced",
            format::count(summary.read),
            format::count(summary.set_aside),
            format::count(summary.clean),
        );
        Line::table(sum).color(colors.muted).show(ui);
        let status = match (summary.gap(), is_running) {
            (0, _) => Status::Ok,
            (_, true) => Status::Neutral,
            (_, false) => Status::Critical,
        };
        widgets::status_icon(ui, status).on_hover_text(match status {
            Status::Ok => "It balances",
            Status::Neutral => "The load is running",
            _ => "The sheet does not balance",
        });
    });
    match counted {
        Some(counted) if counted != summary.set_aside => {
            let text = format!(
                "{} of {} are in the quarantine{}",
                format::count(counted),
                format::count(summary.set_aside),
                if is_running { " so far" } else { "" },
            );
            ui.horizontal(|ui| {
                let status = if is_running {
                    Status::Neutral
                } else {
                    Status::Warn
                };
                widgets::status_icon(ui, status);
                Line::table(text).show(ui);
            });
        }
        _ => {
            let text = "Each row counts once, under its first reason";
            Line::table(text).color(colors.muted).show(ui);
        }
    }
}
