//! Reports of drills that are over: the list, opening and saving them.

use std::path::Path;

use eframe::egui::{OpenUrl, Ui};
use retail_engine::flow::{DrillRecord, JournalError};
use retail_engine::handle::Command;

use super::drill::Done;
use super::row::row_ui;
use super::sheet;
use crate::link::Pending;
use crate::pages::Cx;
use crate::theme;
use crate::views::failover::card::time;
use crate::views::format;
use crate::widgets::{Align, Btn, Line, Look, Status, empty_state, status_icon};

/// The reports.
#[derive(Default)]
pub(super) struct Reports {
    asked: Pending<Result<Vec<DrillRecord>, JournalError>>,
    kept: Option<Vec<DrillRecord>>,
}

impl Reports {
    /// Asks for the list anew.
    pub(super) fn reload(&mut self, cx: &Cx<'_>) {
        self.asked = cx.link.ask(Command::DrillRecords);
    }

    /// Takes what has come.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        if self.kept.is_none() && self.asked.waiting().is_none() {
            self.reload(cx);
        }
        self.asked.poll(cx.ctx);
        match self.asked.take() {
            Some(Ok(records)) => self.kept = Some(records),
            Some(Err(error)) => {
                self.kept.get_or_insert_default();
                cx.notices
                    .push(format!("the list of drills cannot be read: {error}"), None);
            }
            None => {}
        }
    }

    /// Draws the list, newest first.
    pub(super) fn list_ui(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(kept) = &self.kept else {
            empty_state(ui, "Reading the list\u{2026}", None);
            return;
        };
        if kept.is_empty() {
            empty_state(ui, "No drill has run in this data directory yet.", None);
            return;
        }
        eframe::egui::ScrollArea::vertical()
            .id_salt("reports")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                for record in kept.iter().rev() {
                    record_ui(ui, record, cx);
                }
            });
    }
}

fn record_ui(ui: &mut Ui, record: &DrillRecord, cx: &mut Cx<'_>) {
    let muted = theme::colors(ui).muted;
    let (status, verdict) = verdict(record);
    let columns = [
        (0.06, Align::Left),
        (0.66, Align::Left),
        (1.0, Align::Right),
    ];
    let when = format::clock(record.at);
    row_ui(ui, 40.0, &columns, |ui, column| match column {
        0 => {
            status_icon(ui, status);
        }
        1 => {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.add_space(3.0);
                Line::table(&record.title).medium().show(ui);
                Line::caption(format!("{when} \u{b7} {verdict}"))
                    .color(muted)
                    .show(ui);
            });
        }
        _ => {
            let name = |what: &str| format!("{what} of {} at {when}", record.title);
            let json = name("Save JSON");
            if Btn::new("JSON\u{2026}").label(&json).small().clicked(ui) {
                save_copy(cx, &record.json);
            }
            let html = name("Save HTML");
            if Btn::new("HTML\u{2026}").label(&html).small().clicked(ui) {
                save_copy(cx, &record.html);
            }
            let open = name("Open report");
            if Btn::new("Open")
                .label(&open)
                .look(Look::Quiet)
                .small()
                .clicked(ui)
            {
                open_page(cx, &record.html);
            }
        }
    });
}

/// A record in a line.
fn verdict(record: &DrillRecord) -> (Status, String) {
    let rto = record
        .rto_ms
        .map_or_else(|| "no RTO".to_owned(), |ms| format!("RTO {}", time(ms)));
    let lost = match record.rpo_lines {
        Some(lines) => format!("{} lost", format::count(lines)),
        None => "lost Unknown".to_owned(),
    };
    let equal = match record.converged {
        Some(true) => "equal",
        Some(false) => "not equal",
        None => "not compared",
    };
    let status = match (record.rpo_lines, record.converged) {
        (Some(0), Some(true)) => Status::Ok,
        (Some(_), Some(_)) => Status::Critical,
        _ => Status::Unknown,
    };
    (status, format!("{rto} \u{b7} {lost} \u{b7} {equal}"))
}

fn open_page(cx: &Cx<'_>, path: &Path) {
    let url = format!("file://{}", path.display());
    cx.ctx.open_url(OpenUrl::new_tab(url));
}

fn save_copy(cx: &mut Cx<'_>, path: &Path) {
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let path = path.to_owned();
    cx.files.save(cx.ctx, &name, move || {
        std::fs::read(&path).map_err(|error| format!("{error}: {}", path.display()))
    });
}

/// As what the report of a drill is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// A page that needs nothing else.
    Html,
    /// Every figure.
    Json,
    /// Every figure, step and sample, a row each.
    Csv,
    /// A picture.
    Png,
}

impl Take {
    /// All, as the menu lists them.
    pub(super) const ALL: [Self; 4] = [Self::Html, Self::Json, Self::Csv, Self::Png];

    /// In the menu.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Html => "Save report as HTML\u{2026}",
            Self::Json => "Save report as JSON\u{2026}",
            Self::Csv => "Save report as CSV\u{2026}",
            Self::Png => "Save report as picture\u{2026}",
        }
    }
}

/// Saves the report of a drill.
pub(super) fn save(done: &Done, take: Take, cx: &mut Cx<'_>) {
    let outcome = std::sync::Arc::clone(&done.outcome);
    let stem = format!(
        "drill-{}-{}",
        done.card.title.to_lowercase().replace(' ', "-"),
        done.at.format("%Y%m%dT%H%M%S")
    );
    match take {
        Take::Html => cx.files.save(cx.ctx, &format!("{stem}.html"), move || {
            Ok(outcome.report.to_html().into_bytes())
        }),
        Take::Json => cx.files.save(cx.ctx, &format!("{stem}.json"), move || {
            let json = outcome
                .report
                .to_json()
                .map_err(|error| error.to_string())?;
            Ok(json.into_bytes())
        }),
        Take::Csv => cx.files.save(cx.ctx, &format!("{stem}.csv"), move || {
            let csv = outcome.report.to_csv().map_err(|error| error.to_string())?;
            Ok(csv.into_bytes())
        }),
        Take::Png => {
            let card = done.card.clone();
            let theme = cx.ctx.theme();
            cx.files.save(cx.ctx, &format!("{stem}.png"), move || {
                sheet::png(&card, theme)
            });
        }
    }
}
