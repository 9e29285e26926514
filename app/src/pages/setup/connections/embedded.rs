//! What runs in this process.

use eframe::egui::{Rect, Ui};
use retail_engine::config::Mode;
use retail_engine::model::Dc;

use super::super::field_ui;
use crate::pages::Cx;
use crate::theme;
use crate::views::format;
use crate::views::overview::dc_state;
use crate::widgets::{self, Line, Panel, Status};

/// What runs, or would run: facts, each measured.
pub(super) fn embedded_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>) {
    let runs = cx.settings.mode == Mode::Embedded;
    Panel::titled("Embedded").note("log, data centres and figures inside this process").show_with(
        ui,
        rect,
        |ui| {
            let (status, word) = if runs {
                (Status::Ok, "In use")
            } else {
                (Status::Neutral, "Not in use")
            };
            widgets::badge(ui, status, word);
        },
        |ui| {
            let mut facts: Vec<Fact> = vec![(
                "Data directory",
                Status::Ok,
                cx.settings.data_dir.display().to_string(),
            )];
            let file = cx.start.config_file.as_ref();
            facts.push((
                "Settings file",
                Status::Neutral,
                file.map_or_else(
                    || "none; the defaults, the environment and the command line".to_owned(),
                    |path| path.display().to_string(),
                ),
            ));
            if runs {
                facts.extend(measured(cx));
            }
            ui.spacing_mut().item_spacing.y = 0.0;
            for (label, status, text) in facts {
                field_ui(ui, label, 120.0, |ui| {
                    widgets::status_icon(ui, status);
                    Line::table(text).show(ui);
                });
            }
            ui.add_space(10.0);
            let muted = theme::colors(ui).muted;
            Line::table(
                "The three data centres are replicas of one process and are marked Simulated everywhere. \
                 The files on disk are real. Nothing has to be connected.",
            )
            .color(muted)
            .wrapped()
            .show(ui);
        },
    );
}

/// What it is about, how it stands, and what was found.
type Fact = (&'static str, Status, String);

/// What is known of the engine that runs.
fn measured(cx: &Cx<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(time) = cx.link.opened_in() {
        facts.push(("Opened in", Status::Ok, format::duration(time)));
    }
    let partitions = cx.snapshot.partitions.len();
    facts.push(if partitions == 0 {
        (
            "Log",
            Status::Unknown,
            "Unknown: not sampled yet".to_owned(),
        )
    } else {
        (
            "Log",
            Status::Ok,
            format!("{partitions} partitions in 4 topics"),
        )
    });
    for dc in Dc::ALL {
        let (status, word) = dc_state(cx.snapshot.dcs[dc].verdict);
        facts.push((dc.name(), status, word.to_owned()));
    }
    facts.push(match cx.snapshot.monitoring_port {
        Some(port) => (
            "Metrics",
            Status::Ok,
            format!("http://127.0.0.1:{port}/metrics"),
        ),
        None => ("Metrics", Status::Neutral, "not served".to_owned()),
    });
    facts
}
