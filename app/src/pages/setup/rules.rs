//! The alert rules in force, and their export to Prometheus.

use eframe::egui::Ui;
use retail_engine::watch::alerts::{Rule, to_prometheus};

use crate::pages::Cx;
use crate::theme::{self, Icon, size};
use crate::views::setup::rules::{self, RuleRow};
use crate::widgets::{self, Btn, ColumnSpec, Line, Panel, table, text_cell};

/// Name that is proposed for the rule file.
const FILE: &str = "retail-alerts.yml";

fn in_force(cx: &Cx<'_>) -> Vec<Rule> {
    cx.link
        .engine()
        .map(|engine| engine.alert_rules().to_vec())
        .unwrap_or_default()
}

/// Saves the rules as a rule file of Prometheus.
pub(super) fn save(cx: &mut Cx<'_>) {
    let text = to_prometheus(&in_force(cx));
    cx.files.save(cx.ctx, FILE, move || Ok(text.into_bytes()));
}

/// The acts of the title row, from the right.
pub(super) fn acts_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    if Btn::new("Save rule file\u{2026}")
        .icon(Icon::Download)
        .clicked(ui)
    {
        save(cx);
    }
    if Btn::new("Copy for Prometheus").icon(Icon::Copy).clicked(ui) {
        ui.ctx().copy_text(to_prometheus(&in_force(cx)));
        cx.notices.done("The rules are on the clipboard".to_owned());
    }
}

/// Draws the tab.
pub(super) fn rules_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let rows = rules::rows(&in_force(cx), cx.snapshot);
    let room = ui.available_rect_before_wrap();
    Panel::titled("Alert rules")
        .note("a threshold that is passed for a time")
        .show_with(
            ui,
            room,
            |ui| {
                let muted = theme::colors(ui).muted;
                let note = "thresholds are settings: see the tab Settings, alerts.*";
                Line::caption(note).color(muted).show(ui);
            },
            |ui| {
                let columns = [
                    ColumnSpec::text("Rule", 168.0),
                    ColumnSpec::text("Now", 190.0),
                    ColumnSpec::text("When", 230.0),
                    ColumnSpec::text("How long", 90.0),
                    ColumnSpec::text("Level", 90.0),
                    ColumnSpec::rest("What it means"),
                ];
                table(
                    ui,
                    "rules",
                    &columns,
                    rows.len(),
                    size::ROW,
                    None,
                    |ui, row, column| {
                        if let Some(row) = rows.get(row) {
                            cell_ui(ui, row, column);
                        }
                    },
                );
            },
        );
}

fn cell_ui(ui: &mut Ui, row: &RuleRow, column: usize) {
    let muted = theme::colors(ui).muted;
    match column {
        0 => {
            Line::table(&row.name).medium().show(ui);
        }
        1 => {
            widgets::status_icon(ui, row.now.0);
            let shown = Line::table(&row.now.1).show(ui);
            shown.on_hover_text(&row.now.1);
        }
        2 => {
            let shown = Line::table(&row.condition).show(ui);
            if let Some(setting) = row.setting {
                shown.on_hover_text(format!("Set by {setting}"));
            }
        }
        3 => text_cell(ui, &row.lasts),
        4 => {
            widgets::status_icon(ui, row.level.0);
            text_cell(ui, row.level.1);
        }
        _ => {
            Line::table(&row.summary).color(muted).show(ui);
        }
    }
}
