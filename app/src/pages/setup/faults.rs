//! Which faults there are, the command of each, and the leases in force.

use eframe::egui::Ui;
use retail_engine::failover::lease::LeaseId;
use retail_engine::handle::Command;

use super::code_ui;
use crate::actions::Action;
use crate::link::Pending;
use crate::pages::{Cx, Page};
use crate::runbook::{ActId, Outcome};
use crate::start::ProfileKind;
use crate::theme::{self, Icon, size};
use crate::views::setup::faults::{self, FaultRow};
use crate::widgets::{
    self, Btn, ColumnSpec, Line, Look, Panel, Split, split_columns, split_rows, table, text_cell,
};

/// What the tab remembers.
#[derive(Default)]
pub(super) struct State {
    rows: Vec<FaultRow>,
    chosen: usize,
    ending: Pending<bool>,
    act: Option<ActId>,
}

impl State {
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.ending.poll(cx.ctx);
        if let Some(was_on) = self.ending.take()
            && let Some(act) = self.act.take()
        {
            let told = if was_on { "ended" } else { "it was over" };
            cx.runbook.end(act, Outcome::Done(told.to_owned()));
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if self.rows.is_empty() {
            self.rows = faults::rows();
        }
        let room = ui.available_rect_before_wrap();
        let [left, right] = split_columns(room, [Split::Share(1.6), Split::Share(1.0)]);
        let (rows, chosen) = (&self.rows, self.chosen);
        let note = match ProfileKind::of(cx.settings) {
            ProfileKind::Embedded => "simulated; each ends by itself",
            ProfileKind::Lab => "on real servers; each ends by itself",
            ProfileKind::Prod => "none here: this profile is not marked LAB",
        };
        let clicked = Panel::titled("Faults that can be started")
            .note(note)
            .show_with(
                ui,
                left,
                |ui| {
                    if Btn::new("Open failover")
                        .look(Look::Quiet)
                        .small()
                        .clicked(ui)
                    {
                        cx.acts.push(Action::Go(Page::Failover));
                    }
                },
                |ui| {
                    let columns = [
                        ColumnSpec::text("Fault", 250.0),
                        ColumnSpec::text("What fails", 210.0),
                        ColumnSpec::rest("What to expect"),
                    ];
                    table(
                        ui,
                        "faults",
                        &columns,
                        rows.len(),
                        size::ROW,
                        Some(chosen),
                        |ui, row, column| {
                            let Some(row) = rows.get(row) else {
                                return;
                            };
                            let muted = theme::colors(ui).muted;
                            match column {
                                0 => text_cell(ui, row.title),
                                1 => {
                                    let shown = Line::table(&row.faults).show(ui);
                                    shown.on_hover_text(&row.faults);
                                }
                                _ => {
                                    let shown = Line::table(row.expect).color(muted).show(ui);
                                    shown.on_hover_text(row.expect);
                                }
                            }
                        },
                    )
                },
            );
        if let Some(row) = clicked {
            self.chosen = row;
        }
        let [leases, command, live] = split_rows(
            right,
            [
                Split::Share(1.0),
                Split::Points(210.0),
                Split::Points(118.0),
            ],
        );
        if let Some(id) = leases_ui(ui, leases, cx) {
            self.end(id, cx);
        }
        self.command_ui(ui, command, cx);
        live_ui(ui, live, ProfileKind::of(cx.settings));
    }

    fn end(&mut self, id: LeaseId, cx: &mut Cx<'_>) {
        self.ending = cx.link.ask(|reply| Command::EndFault(id, reply));
        let what = format!("End fault {id}");
        self.act = Some(cx.runbook.begin(cx.snapshot.at, what, None));
    }

    fn command_ui(&self, ui: &mut Ui, rect: eframe::egui::Rect, cx: &Cx<'_>) {
        let Some(row) = self.rows.get(self.chosen) else {
            return;
        };
        let command = row.command(&cx.settings.data_dir.display().to_string());
        Panel::titled("Without the console").note(row.title).show_with(
            ui,
            rect,
            |ui| {
                if Btn::new("Copy").icon(Icon::Copy).small().clicked(ui) {
                    ui.ctx().copy_text(command.clone());
                }
            },
            |ui| {
                let muted = theme::colors(ui).muted;
                Line::table("Close this console first: a data directory has one program at a time.")
                    .color(muted)
                    .wrapped()
                    .show(ui);
                ui.add_space(4.0);
                let text = format!(
                    "# predicts, breaks, measures, heals, proves\n{command}\n# with its report\n{command} --report drill.html"
                );
                code_ui(ui, "drill", &text);
            },
        );
    }
}

/// The faults in force; the one to be ended.
fn leases_ui(ui: &mut Ui, rect: eframe::egui::Rect, cx: &mut Cx<'_>) -> Option<LeaseId> {
    let leases = faults::leases(cx.snapshot);
    let mut ended = None;
    Panel::titled("In force").note("leases").show_with(
        ui,
        rect,
        |ui| {
            let none = leases.is_empty().then_some("no fault is in force");
            if Btn::new("End all")
                .label("End all leases")
                .small()
                .blocked(none)
                .clicked(ui)
            {
                cx.acts.push(Action::EndAllFaults);
            }
        },
        |ui| {
            if leases.is_empty() {
                widgets::empty_state(ui, "No fault is in force.", None);
                return;
            }
            let columns = [
                ColumnSpec::text("Lease", 56.0),
                ColumnSpec::rest("Fault"),
                ColumnSpec::text("By", 90.0),
                ColumnSpec::number("Left", 60.0),
                ColumnSpec::number("", 54.0),
            ];
            table(
                ui,
                "leases",
                &columns,
                leases.len(),
                size::ROW,
                None,
                |ui, row, column| {
                    let Some(row) = leases.get(row) else {
                        return;
                    };
                    match column {
                        0 => text_cell(ui, row.id.to_string()),
                        1 => text_cell(ui, &row.fault),
                        2 => text_cell(ui, &row.by),
                        3 => text_cell(ui, &row.left),
                        _ => {
                            let label = format!("End {}", row.id);
                            if Btn::new("End").label(&label).small().clicked(ui) {
                                ended = Some(row.id);
                            }
                        }
                    }
                },
            );
        },
    );
    ended
}

fn live_ui(ui: &mut Ui, rect: eframe::egui::Rect, kind: ProfileKind) {
    let text = match kind {
        ProfileKind::Embedded => {
            "Here every fault is simulated inside this process. In live mode a drill breaks real \
             servers, and only those of a profile that is marked LAB: one for this machine is on \
             Connections, under Local lab."
        }
        ProfileKind::Lab => {
            "A fault kills or pauses a real server, and what ends it starts the server again. A \
             data centre is down for as long as its node takes to come back."
        }
        ProfileKind::Prod => {
            "The servers of this profile are never broken on purpose. A drill needs a profile that \
             is marked LAB: one for this machine is on Connections, under Local lab."
        }
    };
    Panel::titled("On a cluster").show(ui, rect, |ui| {
        let muted = theme::colors(ui).muted;
        Line::table(text).color(muted).wrapped().show(ui);
    });
}
