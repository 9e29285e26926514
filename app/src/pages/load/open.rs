//! A place to drop a file, the files opened last, and the loads so far.

use eframe::egui::{Align, Align2, Layout, Rect, ScrollArea, Sense, Ui, vec2};

use super::State;
use super::head::Step;
use crate::actions::Action;
use crate::pages::Cx;
use crate::theme::{self, Icon, Type, size};
use crate::views::format;
use crate::views::load::past::{self, PastLoad};
use crate::widgets::{
    self, Btn, ColumnSpec, Line, Look, Panel, Split, Status, rect_ui, split_columns, split_rows,
    table, text_cell,
};

/// The step.
pub(super) fn open_ui(ui: &mut Ui, room: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let [upper, lower] = split_rows(room, [Split::Points(236.0), Split::Share(1.0)]);
    let recent = if upper.width() < 760.0 { 240.0 } else { 380.0 };
    let [drop, files] = split_columns(upper, [Split::Share(1.0), Split::Points(recent)]);
    drop_ui(ui, drop, cx);
    recent_ui(ui, files, cx);
    past_ui(ui, lower, state, cx);
}

fn drop_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let colors = theme::colors(ui);
    let over = ui.input(|input| input.raw.hovered_files.len());
    let border = if over > 0 {
        colors.text
    } else {
        colors.line_strong
    };
    if over > 0 {
        ui.painter()
            .rect_filled(rect, f32::from(size::RADIUS_PANEL), colors.raised);
    }
    widgets::dashed_rect(ui.painter(), rect, border);
    rect_ui(ui, rect.shrink(8.0), |ui| {
        ui.with_layout(Layout::top_down(Align::Center), |ui| {
            ui.add_space((rect.height() / 2.0 - 88.0).max(4.0));
            let (at, _) = ui.allocate_exact_size(vec2(30.0, 30.0), Sense::hover());
            ui.painter().text(
                at.center(),
                Align2::CENTER_CENTER,
                char::from(Icon::FileText),
                theme::icon_font(28.0),
                colors.muted,
            );
            ui.add_space(6.0);
            let text = match over {
                0 => "Drop CSV files of invoices here".to_owned(),
                1 => "Let go to check the file".to_owned(),
                files => format!("Let go to check {files} files, one load each"),
            };
            Line::new(text, Type::Section).semibold().show(ui);
            ui.add_space(4.0);
            let note = ".csv, .csv.gz \u{b7} UTF-8, Latin-1, UTF-16 \u{b7} comma, semicolon, tab \u{b7} checked before anything is loaded";
            Line::table(note).color(colors.muted).wrapped().show(ui);
            ui.add_space(8.0);
            if Btn::new("Choose a file\u{2026}").icon(Icon::Upload).clicked(ui) {
                cx.acts.push(Action::OpenDialog);
            }
        });
    });
}

fn recent_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let mut opens_sample = false;
    Panel::titled("Opened last").show_with(
        ui,
        rect,
        |ui| {
            let sample = Btn::new("Check the sample").icon(Icon::Play).small();
            let hint = "541 909 rows of a gift wholesaler; ships with the console";
            if sample.hint(hint).clicked(ui) {
                opens_sample = true;
            }
        },
        |ui| {
            if cx.prefs.recent.is_empty() {
                widgets::empty_state(ui, "No file was opened here yet.", None);
                return;
            }
            ScrollArea::vertical().id_salt("recent").show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                for path in &cx.prefs.recent {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    let place = path
                        .parent()
                        .map_or_else(String::new, |at| at.display().to_string());
                    let label = format!("Open {}", path.display());
                    ui.horizontal(|ui| {
                        let open = Btn::new(&name)
                            .icon(Icon::FileText)
                            .look(Look::Quiet)
                            .small();
                        if open.label(&label).clicked(ui) {
                            cx.acts.push(Action::Open(path.clone()));
                        }
                        let muted = theme::colors(ui).muted;
                        Line::caption(place).color(muted).show(ui);
                    });
                }
            });
        },
    );
    if opens_sample {
        cx.acts.push(Action::OpenSample);
    }
}

fn past_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let loads = past::past(cx.snapshot);
    let note = format!(
        "{} in this data directory",
        format::count(loads.len() as u64)
    );
    let clicked = Panel::titled("Loads").note(&note).show(ui, rect, |ui| {
        if loads.is_empty() {
            widgets::empty_state(ui, "Nothing was loaded into this data directory yet.", None);
            return None;
        }
        let columns = [
            ColumnSpec::text("Load", 76.0),
            ColumnSpec::rest("File"),
            ColumnSpec::number("Rows", 96.0),
            ColumnSpec::number("New lines", 96.0),
            ColumnSpec::number("Set aside", 96.0),
            ColumnSpec::text("", 14.0),
            ColumnSpec::text("Ledger", 130.0),
            ColumnSpec::text("Began", 120.0),
        ];
        let rows = loads.len();
        table(
            ui,
            "loads",
            &columns,
            rows,
            size::ROW,
            None,
            |ui, row, column| {
                if let Some(load) = loads.get(row) {
                    past_cell_ui(ui, load, column);
                }
            },
        )
    });
    if let Some(load) = clicked.and_then(|row| loads.get(row)) {
        let running = cx.snapshot.load.as_ref().map(|load| load.record.id);
        if running == Some(load.id) {
            state.step = Step::Load;
        } else {
            state.ledgers.show(Some(load.id));
            state.step = Step::Ledger;
        }
    }
}

fn past_cell_ui(ui: &mut Ui, load: &PastLoad, column: usize) {
    match column {
        0 => {
            Line::table(load.id.to_string()).medium().show(ui);
        }
        1 => text_cell(ui, &load.file),
        2 => text_cell(ui, format::count(load.rows)),
        3 => {
            widgets::reading(ui, &load.new, Type::Table, |new| format::count(*new));
        }
        4 => text_cell(ui, format::count(load.aside)),
        6 => {
            let (status, word) = load.ended;
            ui.spacing_mut().item_spacing.x = 6.0;
            if status != Status::Neutral {
                widgets::status_icon(ui, status);
            }
            text_cell(ui, word);
        }
        7 => text_cell(ui, &load.began),
        _ => {}
    }
}
