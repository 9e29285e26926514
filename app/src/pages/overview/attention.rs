//! What needs somebody, worst first: evidence, next step, one button.

use eframe::egui::{Align, Layout, Rect, Ui};
use retail_engine::watch::findings::{ActionId, Finding, Severity};

use crate::actions::Action;
use crate::pages::{Cx, Page};
use crate::theme;
use crate::widgets::{self, Btn, Line, Panel, Status};

/// Draws the panel; the act of the finding whose button was clicked.
pub(super) fn attention_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) -> Option<ActionId> {
    let mut chosen = None;
    let findings = &cx.snapshot.findings;
    let count = findings.len().to_string();
    Panel::titled("Needs attention").show_with(
        ui,
        rect,
        |ui| {
            let muted = theme::colors(ui).muted;
            if !findings.is_empty() {
                Line::caption("worst first").color(muted).show(ui);
                widgets::badge(ui, Status::Warn, &count);
            }
        },
        |ui| {
            if findings.is_empty() {
                widgets::empty_state(ui, "Nothing needs you.", None);
                return;
            }
            eframe::egui::ScrollArea::vertical()
                .id_salt("attention")
                .show(ui, |ui| {
                    for finding in findings {
                        if finding_ui(ui, finding) {
                            chosen = Some(finding.action);
                        }
                        ui.add_space(6.0);
                    }
                });
        },
    );
    chosen
}

/// One finding; whether its button was clicked.
fn finding_ui(ui: &mut Ui, finding: &Finding) -> bool {
    let colors = theme::colors(ui);
    let status = match finding.severity {
        Severity::Critical => Status::Critical,
        Severity::Warning => Status::Warn,
    };
    let mut clicked = false;
    ui.horizontal_top(|ui| {
        widgets::status_icon(ui, status);
        let act = label_of(finding.action);
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            let label = format!("{act}: {}", finding.what);
            let mut button = Btn::new(act).label(&label).small();
            if finding.action == ActionId::Repair {
                button = button.changes();
            }
            clicked = button.clicked(ui);
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                Line::table(&finding.what).medium().wrapped().show(ui);
                Line::table(&finding.evidence)
                    .color(colors.muted)
                    .wrapped()
                    .show(ui);
                Line::caption(finding.next_step)
                    .color(colors.muted)
                    .wrapped()
                    .show(ui);
            });
        });
    });
    clicked
}

/// What the button says.
const fn label_of(action: ActionId) -> &'static str {
    match action {
        ActionId::ShowLedgerGap => "Show ledger",
        ActionId::Repair => "Repair\u{2026}",
        ActionId::ShowWitnesses | ActionId::OpenFailover | ActionId::OpenTopics => "Show",
        ActionId::OpenEvents => "Events",
        ActionId::OpenQuality => "See rows",
        ActionId::ClearLeftOver => "Clean up",
    }
}

/// The page on which a finding is acted upon.
pub fn page_of(action: ActionId) -> Option<Page> {
    match act_of(action) {
        Some(Action::Go(page)) => Some(page),
        _ => None,
    }
}

/// Where the button leads; `None` for what this page does itself.
pub(super) const fn act_of(action: ActionId) -> Option<Action> {
    match action {
        ActionId::ShowLedgerGap => Some(Action::Go(Page::Load)),
        ActionId::Repair => None,
        ActionId::ShowWitnesses | ActionId::OpenFailover => Some(Action::Go(Page::Failover)),
        ActionId::OpenTopics => Some(Action::Go(Page::Topics)),
        ActionId::OpenEvents => Some(Action::ToggleEvents),
        ActionId::OpenQuality => Some(Action::Go(Page::Quality)),
        ActionId::ClearLeftOver => Some(Action::EndAllFaults),
    }
}
