//! Errors that were not closed yet: cause, object, next step; and what was just done.

use eframe::egui::{Align, CornerRadius, Frame, Layout, Ui};

use crate::notices::{Kind, Notices};
use crate::theme::{self, Icon, size};
use crate::widgets::{self, Btn, Line};

/// Most of them that are drawn; the rest is counted.
const SHOWN: usize = 3;

/// Draws them, the newest first.
pub fn notices_ui(ui: &mut Ui, notices: &mut Notices) {
    let colors = theme::colors(ui);
    let all = notices.all();
    let mut close = None;
    for (place, notice) in all.iter().enumerate().rev().take(SHOWN) {
        let (icon, color, tint, x) = match notice.kind {
            Kind::Error => (
                Icon::OctagonX,
                colors.critical,
                colors.critical_tint,
                "Close error",
            ),
            Kind::Done => (Icon::Check, colors.ok, colors.ok_tint, "Close note"),
        };
        Frame::new()
            .fill(tint)
            .corner_radius(CornerRadius::same(size::RADIUS))
            .inner_margin(8)
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    widgets::icon(ui, icon, color);
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let x = Btn::new("").icon(Icon::X).label(x).small();
                        if x.clicked(ui) {
                            close = Some(place);
                        }
                        if Btn::new("Copy").small().clicked(ui) {
                            let remedy = notice.remedy.as_deref().unwrap_or_default();
                            ui.ctx().copy_text(format!("{}\n{remedy}", notice.message));
                        }
                        if notice.repeats > 1 {
                            Line::caption(format!("\u{d7} {}", notice.repeats))
                                .color(color)
                                .show(ui);
                        }
                        ui.with_layout(Layout::top_down(Align::Min), |ui| {
                            Line::body(&notice.message).medium().wrapped().show(ui);
                            if let Some(remedy) = &notice.remedy {
                                Line::table(remedy).color(colors.muted).wrapped().show(ui);
                            }
                        });
                    });
                });
            });
        ui.add_space(4.0);
    }
    if all.len() > SHOWN {
        let more = format!("and {} more", all.len() - SHOWN);
        widgets::line(ui, more);
    }
    if let Some(place) = close {
        notices.close(place);
    }
}
