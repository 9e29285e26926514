//! The bar at the bottom: the last events, how old the sample is, how many events there are.

use eframe::egui::{
    Align, CornerRadius, CursorIcon, Layout, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, vec2,
};
use retail_engine::telemetry::{Event, EventLevel};

use crate::actions::Action;
use crate::theme::{self, Icon, size};
use crate::views::format;
use crate::widgets::{self, Line};

/// Draws the bar over its rect; `sampled` says how old the figures are.
pub fn event_bar_ui(ui: &mut Ui, events: &[Event], sampled: &str, acts: &mut Vec<Action>) {
    let colors = theme::colors(ui);
    let bar = ui.max_rect();
    ui.painter()
        .rect_filled(bar, CornerRadius::ZERO, colors.panel);
    ui.painter().hline(
        bar.x_range(),
        bar.top() + 0.5,
        Stroke::new(1.0, colors.line),
    );
    let response = ui
        .interact(bar, ui.scope_id().with("events"), Sense::click())
        .on_hover_cursor(CursorIcon::PointingHand);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Show events"));
    if response.clicked() {
        acts.push(Action::ToggleEvents);
    }
    let inner = bar.shrink2(vec2(size::PAGE_PAD, 0.0));
    let right = UiBuilder::new()
        .max_rect(inner)
        .layout(Layout::right_to_left(Align::Center));
    ui.scope_builder(right, |ui| {
        widgets::icon(ui, Icon::ChevronUp, colors.muted);
        let count = match events.len() {
            1 => "1 event".to_owned(),
            many => format!("{} events", format::count(many as u64)),
        };
        Line::table(count).color(colors.muted).show(ui);
        ui.add_space(8.0);
        Line::table(sampled).color(colors.muted).show(ui);
        ui.add_space(8.0);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            widgets::icon(ui, Icon::Bell, colors.muted);
            for event in events.iter().rev().take(2) {
                ui.add_space(6.0);
                event_ui(ui, event);
            }
        });
    });
}

fn event_ui(ui: &mut Ui, event: &Event) {
    let colors = theme::colors(ui);
    Line::table(format::clock_tenths(event.at))
        .color(colors.muted)
        .show(ui);
    let color = match event.level {
        EventLevel::Info => colors.text,
        EventLevel::Warn => colors.warn,
        EventLevel::Error => colors.critical,
    };
    Line::table(&event.text).color(color).show(ui);
}
