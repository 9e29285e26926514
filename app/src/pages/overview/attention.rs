//! What needs somebody, worst first: evidence, next step, one button.

use eframe::egui::{Align, Layout, Rect, Ui};
use retail_engine::handle::Snapshot;
use retail_engine::model::Region;
use retail_engine::watch::findings::{ActionId, Finding, Severity};

use super::act_of_load;
use crate::actions::Action;
use crate::pages::{Cx, Page};
use crate::theme;
use crate::widgets::{self, Btn, Line, Panel, Status};

/// Draws the panel; the finding whose button was clicked.
pub(super) fn attention_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) -> Option<Finding> {
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
                            chosen = Some(finding.clone());
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
pub const fn page_of(action: ActionId) -> Option<Page> {
    match action {
        ActionId::ShowLedgerGap => Some(Page::Load),
        ActionId::ShowWitnesses | ActionId::OpenFailover => Some(Page::Failover),
        ActionId::OpenTopics => Some(Page::Topics),
        ActionId::OpenQuality => Some(Page::Quality),
        ActionId::Repair | ActionId::OpenEvents | ActionId::ClearLeftOver => None,
    }
}

/// Where the button leads: to the load or region that the finding is about, where it is about one;
/// `None` for what this page does itself.
pub(super) fn act_of(finding: &Finding, snapshot: &Snapshot) -> Option<Action> {
    match finding.action {
        // The ledger that is watched is that of the newest load.
        ActionId::ShowLedgerGap => Some(act_of_load(snapshot)),
        ActionId::OpenTopics => Some(match region_of(finding) {
            Some(region) => Action::ShowRegion(region),
            None => Action::Go(Page::Topics),
        }),
        ActionId::OpenEvents => Some(Action::ShowAlerts),
        ActionId::ClearLeftOver => Some(Action::EndAllFaults),
        ActionId::ShowWitnesses
        | ActionId::OpenFailover
        | ActionId::OpenQuality
        | ActionId::Repair => page_of(finding.action).map(Action::Go),
    }
}

/// The region that a finding names as its place.
fn region_of(finding: &Finding) -> Option<Region> {
    let mut all = Region::ALL.into_iter();
    all.find(|region| region.name() == finding.place)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use retail_engine::config::Mode;
    use retail_engine::watch::findings::FindingKind;

    use super::*;

    fn finding(action: ActionId, place: &str) -> Finding {
        Finding {
            severity: Severity::Warning,
            kind: FindingKind::LagGrowing,
            place: place.to_owned(),
            what: String::new(),
            evidence: String::new(),
            next_step: "",
            action,
        }
    }

    #[test]
    fn a_finding_leads_to_the_region_it_names() {
        let snapshot = Snapshot::starting(Mode::Embedded, DateTime::UNIX_EPOCH);
        for region in Region::ALL {
            let named = finding(ActionId::OpenTopics, region.name());
            let act = act_of(&named, &snapshot);
            assert_eq!(act, Some(Action::ShowRegion(region)));
        }
        let nowhere = finding(ActionId::OpenTopics, "");
        assert_eq!(act_of(&nowhere, &snapshot), Some(Action::Go(Page::Topics)));
        let gap = finding(ActionId::ShowLedgerGap, "");
        assert_eq!(act_of(&gap, &snapshot), Some(Action::Go(Page::Load)));
        let repair = finding(ActionId::Repair, "Europe_DC");
        assert_eq!(act_of(&repair, &snapshot), None);
    }
}
