//! A card for each region: lag in lines and in age, verdict, rate, drain time.

use std::time::Duration;

use eframe::egui::{Align, CursorIcon, Layout, Rect, Sense, Ui, vec2};
use retail_engine::model::{Reading, Region};

use crate::actions::Action;
use crate::pages::Cx;
use crate::theme::{self, Type, size};
use crate::views::charts::{self, Window};
use crate::views::format;
use crate::views::overview::{self, RegionCard};
use crate::widgets::{self, Line, Panel, Split, split_columns};

pub(super) fn cards_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let history = cx.history();
    let window = Window::ending(cx.snapshot.at, Duration::from_mins(2));
    let cards = overview::cards(cx.snapshot);
    let rects = split_columns(rect, [Split::Share(1.0); 3]);
    for (region, at) in Region::ALL.into_iter().zip(rects) {
        let lag = charts::region_lag(&history, window, region);
        if card_ui(ui, at, &cards[region], &lag) {
            cx.acts.push(Action::ShowRegion(region));
        }
    }
}

fn card_ui(ui: &mut Ui, rect: Rect, card: &RegionCard, lag: &[Option<f64>]) -> bool {
    let colors = theme::colors(ui);
    let response = ui.interact(
        rect,
        ui.scope_id().with(("region", card.region.slug())),
        Sense::click(),
    );
    Panel::bare().show(ui, rect, |ui| {
        ui.horizontal(|ui| {
            let name = Line::body(card.region.name()).semibold();
            widgets::region_label(ui, card.region, name);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let badge = widgets::badge(ui, card.verdict.0, &card.verdict.1);
                if let Some(why) = &card.why {
                    badge.on_hover_text(why);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    Line::body(&card.home).color(colors.muted).show(ui);
                });
            });
        });
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            figure_ui(ui, "Lag", &card.lag, |lines| format::count(*lines), "lines");
            ui.add_space(18.0);
            figure_ui(
                ui,
                "Age of next line",
                &card.age,
                |age| format::age(*age),
                "",
            );
            let room = ui.available_size();
            let width = room.x.clamp(0.0, 100.0);
            if width > 40.0 {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let (at, _) = ui.allocate_exact_size(vec2(width, 34.0), Sense::hover());
                    let line = colors.region(card.region);
                    widgets::sparkline(ui.painter(), at, lag, line, colors.grid);
                });
            }
        });
        ui.add_space(2.0);
        ui.horizontal(|ui| {
            Line::table(&card.rates)
                .color(colors.muted)
                .show(ui)
                .on_hover_text(&card.written);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if let Some(why) = &card.why {
                    Line::table(why).color(colors.unknown).show(ui);
                } else {
                    Line::table(&card.drain).color(colors.muted).show(ui);
                }
            });
        });
    });
    widgets::focus_inside(ui, &response, rect.shrink(1.0), size::RADIUS_PANEL);
    let label = card.label();
    response.widget_info(|| {
        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, true, &label)
    });
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

fn figure_ui<T>(
    ui: &mut Ui,
    label: &str,
    reading: &Reading<T>,
    show: impl Fn(&T) -> String,
    unit: &str,
) {
    let muted = theme::colors(ui).muted;
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        Line::table(label).color(muted).show(ui);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            widgets::reading(ui, reading, Type::Kpi, show);
            if !matches!(reading, Reading::Unknown(_)) {
                Line::body(unit).color(muted).show(ui);
            }
        });
    });
}
