//! Alerts, worst first: each can be acknowledged and muted.

use std::time::Duration;

use eframe::egui::{Align, Layout, ScrollArea, Ui};
use retail_engine::handle::Command;
use retail_engine::watch::alert_state::AlertId;

use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::theme::{self, size};
use crate::views::events::{AlertRow, alert};
use crate::widgets::{self, Btn, Line};

/// How long a mute lasts.
const MUTE: Duration = Duration::from_hours(1);
/// Alerts seen without scrolling.
const SEEN: f32 = 3.0;

/// What was asked for here.
#[derive(Default)]
pub(super) struct State {
    /// Acknowledgements under way.
    asked: Vec<(Pending<bool>, ActId)>,
    /// Mutes that can be taken back, oldest first, with what each alert is about.
    muted: Vec<(AlertId, String)>,
}

impl State {
    /// Takes answers that have come.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.asked.retain_mut(|(pending, act)| {
            pending.poll(cx.ctx);
            let outcome = match (pending.take(), &pending) {
                (Some(true), _) => Outcome::Done("acknowledged".to_owned()),
                (Some(false), _) => Outcome::Done("it was off by then".to_owned()),
                (None, Pending::Gone(gone)) => Outcome::Failed(gone.to_string()),
                (None, _) => return true,
            };
            cx.runbook.end(*act, outcome);
            false
        });
    }

    fn acknowledge(&mut self, id: AlertId, what: &str, cx: &mut Cx<'_>) {
        let said = format!("Acknowledge the alert \u{201c}{what}\u{201d}");
        let act = cx.runbook.begin(cx.snapshot.at, said, None);
        let pending = cx.link.ask(|reply| Command::AcknowledgeAlert(id, reply));
        self.asked.push((pending, act));
    }

    fn mute(&mut self, id: AlertId, words: &AlertRow, cx: &mut Cx<'_>) {
        let lasts = if words.is_muted {
            self.muted.retain(|(muted, _)| *muted != id);
            Duration::ZERO
        } else {
            self.muted.push((id.clone(), words.what.clone()));
            MUTE
        };
        set_mute(id, &words.what, lasts, cx);
    }

    /// Takes the last mute back; whether there was one.
    pub(super) fn undo(&mut self, cx: &mut Cx<'_>) -> bool {
        let Some((id, what)) = self.muted.pop() else {
            return false;
        };
        cx.notices
            .done(format!("\u{201c}{what}\u{201d} is not muted any more"));
        set_mute(id, &what, Duration::ZERO, cx);
        true
    }
}

/// Mutes an alert for so long; for no time at all, it is heard again.
fn set_mute(id: AlertId, what: &str, lasts: Duration, cx: &mut Cx<'_>) {
    let said = if lasts.is_zero() {
        format!("End the mute of \u{201c}{what}\u{201d}")
    } else {
        format!("Mute \u{201c}{what}\u{201d} for 1 h")
    };
    cx.link.send(Command::MuteAlert(id, lasts));
    let act = cx.runbook.begin(cx.snapshot.at, said, None);
    cx.runbook.end(act, Outcome::Done("done".to_owned()));
}

/// Draws them; nothing where there is none.
pub(super) fn alerts_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    let snapshot = std::sync::Arc::clone(cx.snapshot);
    if snapshot.alerts.is_empty() {
        return;
    }
    let row = size::ROW + 2.0;
    ScrollArea::vertical()
        .id_salt("alerts")
        .max_height(row * SEEN)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for known in &snapshot.alerts {
                let words = alert(known);
                match alert_ui(ui, &words) {
                    Some(Asked::Acknowledge) => {
                        state.acknowledge(known.id.clone(), &words.what, cx);
                    }
                    Some(Asked::Mute) => state.mute(known.id.clone(), &words, cx),
                    None => {}
                }
            }
        });
    ui.add_space(4.0);
}

enum Asked {
    Acknowledge,
    Mute,
}

fn alert_ui(ui: &mut Ui, words: &AlertRow) -> Option<Asked> {
    let colors = theme::colors(ui);
    let mut asked = None;
    eframe::egui::Frame::new()
        .fill(words.status.tint(colors))
        .corner_radius(size::RADIUS)
        .inner_margin(eframe::egui::Margin::symmetric(8, 2))
        .show(ui, |ui| {
            ui.allocate_ui_with_layout(
                eframe::egui::vec2(ui.available_width(), size::CONTROL_SMALL),
                Layout::right_to_left(Align::Center),
                |ui| {
                    let mute = if words.is_muted {
                        "End mute"
                    } else {
                        "Mute 1 h"
                    };
                    let label = format!("{mute}: {}", words.what);
                    if Btn::new(mute).label(&label).small().changes().clicked(ui) {
                        asked = Some(Asked::Mute);
                    }
                    let blocked = (!words.is_new).then_some(words.phase.as_str());
                    let label = format!("Acknowledge: {}", words.what);
                    let acknowledge = Btn::new("Acknowledge").label(&label).small().changes();
                    if acknowledge.blocked(blocked).clicked(ui) {
                        asked = Some(Asked::Acknowledge);
                    }
                    Line::caption(&words.phase).color(colors.muted).show(ui);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        widgets::status_icon(ui, words.status);
                        Line::table(&words.what).medium().show(ui);
                        Line::table(&words.evidence).color(colors.muted).show(ui);
                    });
                },
            );
        });
    asked
}
