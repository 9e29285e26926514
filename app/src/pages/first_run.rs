//! Nothing is loaded yet: a place to drop a file, and three ways to begin.

use eframe::egui::{Align, Layout, Rect, Sense, Ui, vec2};
use retail_engine::config::Mode;

use super::Cx;
use crate::actions::Action;
use crate::pages::Page;
use crate::theme::{self, Icon, Type, size};
use crate::views::format;
use crate::widgets::{self, Btn, Line, Panel, Split, Status, rect_ui, split_columns, split_rows};

/// Draws the page below its title.
pub fn first_run_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let room = ui.available_rect_before_wrap();
    let [drop, cards, ready] = split_rows(
        room,
        [Split::Share(1.0), Split::Points(132.0), Split::Points(40.0)],
    );
    drop_ui(ui, drop, cx);
    cards_ui(ui, cards, cx);
    ready_ui(ui, ready, cx);
}

fn drop_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let colors = theme::colors(ui);
    let hovering = ui.input(|input| !input.raw.hovered_files.is_empty());
    let border = if hovering {
        colors.text
    } else {
        colors.line_strong
    };
    widgets::dashed_rect(ui.painter(), rect, border);
    rect_ui(ui, rect, |ui| {
        ui.with_layout(Layout::top_down(Align::Center), |ui| {
            ui.add_space((rect.height() / 2.0 - 92.0).max(8.0));
            let (at, _) = ui.allocate_exact_size(vec2(32.0, 32.0), Sense::hover());
            ui.painter().text(
                at.center(),
                eframe::egui::Align2::CENTER_CENTER,
                char::from(Icon::FileText),
                theme::icon_font(30.0),
                colors.muted,
            );
            ui.add_space(10.0);
            Line::new("Drop a CSV of invoices here", Type::Title).semibold().show(ui);
            ui.add_space(6.0);
            widgets::line(
                ui,
                "UTF-8, Latin-1 or UTF-16; comma, semicolon or tab; any date order. It is checked before anything is loaded.",
            );
            ui.add_space(10.0);
            if Btn::primary("Open CSV\u{2026}").key("Ctrl O").clicked(ui) {
                cx.acts.push(Action::OpenDialog);
            }
            ui.add_space(6.0);
            Line::caption("then one more click: Load").color(colors.muted).show(ui);
        });
    });
}

fn cards_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let cards = [
        (
            "Try the sample",
            "Online Retail: 541\u{2009}909 rows of a gift wholesaler, December 2010 to December 2011. Ships with the console.",
            "Check the sample",
            Icon::Play,
            Action::OpenSample,
        ),
        (
            "See a failover",
            "Takes a data centre down while lines flow, brings it back and proves that no row was lost.",
            "Choose a drill",
            Icon::Play,
            Action::Go(Page::Failover),
        ),
        (
            "Connect a cluster",
            "Apache Kafka and Apache Cassandra or ScyllaDB. Setup shows what a connection needs.",
            "Open setup",
            Icon::SlidersHorizontal,
            Action::Go(Page::Setup),
        ),
    ];
    let rects = split_columns(rect, [Split::Share(1.0); 3]);
    for ((title, text, act, icon, action), rect) in cards.into_iter().zip(rects) {
        let clicked = Panel::titled(title).show(ui, rect, |ui| {
            let muted = theme::colors(ui).muted;
            Line::table(text).color(muted).wrapped().show(ui);
            ui.add_space(6.0);
            Btn::new(act).icon(icon).clicked(ui)
        });
        if clicked {
            cx.acts.push(action);
        }
    }
}

fn ready_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>) {
    widgets::surface(ui, rect);
    let inner = rect.shrink2(vec2(size::PANEL_PAD, 0.0));
    rect_ui(ui, inner, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let muted = theme::colors(ui).muted;
            let (ready, note) = match cx.settings.mode {
                Mode::Embedded => (
                    "Ready on this machine",
                    "Data centres are simulated in embedded mode; the files on disk are real.",
                ),
                Mode::Live => (
                    "Connected",
                    "Lines are kept by Kafka and Cassandra; journals of this console lie here.",
                ),
            };
            Line::table(note).color(muted).show(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                Line::table(ready).medium().show(ui);
                let partitions = cx.snapshot.partitions.len();
                let mut said = Vec::new();
                if partitions > 0 {
                    said.push(format!("log, {partitions} partitions"));
                }
                if let Some(opened) = cx.link.opened_in() {
                    said.push(format!(
                        "3 data centres, opened in {}",
                        format::duration(opened)
                    ));
                }
                said.push(cx.settings.data_dir.display().to_string());
                for text in said {
                    ui.add_space(10.0);
                    widgets::status_icon(ui, Status::Ok);
                    Line::table(text).show(ui);
                }
            });
        });
    });
}
