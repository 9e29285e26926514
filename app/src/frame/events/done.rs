//! What was done: each act with its result and the command that does the same.

use eframe::egui::Ui;

use crate::pages::Cx;
use crate::runbook::Runbook;
use crate::theme::{self, Icon, size};
use crate::views::{events as words, format};
use crate::widgets::{self, Btn, ColumnSpec, Line, status_icon, table, text_cell};

fn script(cx: &Cx<'_>) -> String {
    cx.runbook
        .script(&cx.settings.data_dir.display().to_string())
}

/// The acts of this list, drawn from the right.
pub(super) fn acts_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let none = cx.runbook.acts().is_empty();
    let blocked = none.then_some("nothing was done yet");
    let save = Btn::new("Export script\u{2026}")
        .icon(Icon::Download)
        .small();
    if save.blocked(blocked).clicked(ui) {
        let script = script(cx);
        cx.files
            .save(cx.ctx, "runbook.sh", move || Ok(script.into_bytes()));
    }
    let copy = Btn::new("Copy")
        .icon(Icon::Copy)
        .label("Copy script")
        .small();
    if copy.blocked(blocked).clicked(ui) {
        ui.ctx().copy_text(script(cx));
    }
    let muted = theme::colors(ui).muted;
    let count = match cx.runbook.acts().len() {
        1 => "1 act".to_owned(),
        many => format!("{} acts", format::count(many as u64)),
    };
    Line::caption(count).color(muted).show(ui);
}

/// Draws them, newest first.
pub(super) fn done_ui(ui: &mut Ui, cx: &Cx<'_>) {
    let acts = cx.runbook.acts();
    if acts.is_empty() {
        widgets::empty_state(ui, "Nothing was done in this console yet.", None);
        return;
    }
    let columns = [
        ColumnSpec::text("Time", 70.0),
        ColumnSpec::text("What was done", 250.0),
        ColumnSpec::text("Result", 280.0),
        ColumnSpec::rest("The same as a command"),
    ];
    table(
        ui,
        "runbook",
        &columns,
        acts.len(),
        size::ROW_DENSE,
        None,
        |ui, row, column| {
            let Some(act) = acts.get(acts.len().saturating_sub(row + 1)) else {
                return;
            };
            match (column, Runbook::command(act)) {
                (0, _) => text_cell(ui, format::clock(act.at)),
                (1, _) => text_cell(ui, &act.what),
                (2, _) => {
                    let (status, said) = words::outcome(&act.outcome);
                    status_icon(ui, status);
                    Line::table(&said).show(ui).on_hover_text(&said);
                }
                (_, Some(command)) => {
                    Line::table(&command)
                        .mono()
                        .show(ui)
                        .on_hover_text(&command);
                }
                (_, None) => {
                    let muted = theme::colors(ui).muted;
                    Line::table("no command does this").color(muted).show(ui);
                }
            }
        },
    );
}
