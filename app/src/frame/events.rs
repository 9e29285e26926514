//! The drawer of events: all of them, newest first, to be searched and copied.

use std::fmt::Write as _;

use eframe::egui::{Align, Key, Layout, TextEdit, Ui};
use retail_engine::telemetry::{Event, EventLevel};

use crate::theme::{self, Icon, size};
use crate::views::format;
use crate::widgets::{self, Btn, ColumnSpec, Line, Status, segmented, table, text_cell};

/// What the drawer remembers while it is open.
#[derive(Debug, Default)]
pub struct EventsState {
    /// Words that a shown event has.
    pub search: String,
    /// Least level that is shown.
    pub level: Option<EventLevel>,
}

/// Draws the drawer; whether it is to be closed.
pub fn events_ui(ui: &mut Ui, state: &mut EventsState, events: &[Event]) -> bool {
    let mut close = false;
    let needle = state.search.to_lowercase();
    let shown: Vec<&Event> = events
        .iter()
        .rev()
        .filter(|event| state.level.is_none_or(|least| event.level >= least))
        .filter(|event| needle.is_empty() || event.text.to_lowercase().contains(&needle))
        .collect();
    ui.horizontal(|ui| {
        Line::body("Events").semibold().show(ui);
        ui.add(
            TextEdit::singleline(&mut state.search)
                .hint_text("Search events")
                .desired_width(220.0),
        )
        .on_hover_text("Shows events with these words");
        let levels = [
            (None, "All"),
            (Some(EventLevel::Warn), "Warnings"),
            (Some(EventLevel::Error), "Errors"),
        ];
        if let Some(level) = segmented(ui, "Level", &levels, state.level) {
            state.level = level;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let x = Btn::new("").icon(Icon::X).label("Close events").small();
            close = x.clicked(ui) || ui.input(|input| input.key_pressed(Key::Escape));
            if Btn::new("Copy").icon(Icon::Copy).small().clicked(ui) {
                ui.ctx().copy_text(as_text(&shown));
            }
            let count = format!("{} of {}", shown.len(), events.len());
            let muted = theme::colors(ui).muted;
            Line::caption(count).color(muted).show(ui);
        });
    });
    ui.add_space(6.0);
    if shown.is_empty() {
        widgets::empty_state(ui, "No event matches.", None);
        return close;
    }
    let columns = [
        ColumnSpec::text("Time", 90.0),
        ColumnSpec::text("Level", 90.0),
        ColumnSpec::text("Source", 90.0),
        ColumnSpec::rest("What happened"),
        ColumnSpec::number("Times", 60.0),
    ];
    table(
        ui,
        "events",
        &columns,
        shown.len(),
        size::ROW_DENSE,
        None,
        |ui, row, column| {
            let Some(event) = shown.get(row) else {
                return;
            };
            match column {
                0 => text_cell(ui, format::clock_tenths(event.at)),
                1 => level_ui(ui, event.level),
                2 => text_cell(ui, format!("{:?}", event.source)),
                3 => text_cell(ui, &event.text),
                _ if event.repeats > 1 => text_cell(ui, format::count(event.repeats)),
                _ => {}
            }
        },
    );
    close
}

fn level_ui(ui: &mut Ui, level: EventLevel) {
    let (status, word) = match level {
        EventLevel::Info => (Status::Neutral, "Info"),
        EventLevel::Warn => (Status::Warn, "Warning"),
        EventLevel::Error => (Status::Critical, "Error"),
    };
    widgets::status_icon(ui, status);
    text_cell(ui, word);
}

fn as_text(events: &[&Event]) -> String {
    let mut text = String::new();
    for event in events {
        let at = event.at.to_rfc3339();
        let (level, source) = (event.level, event.source);
        let _written = writeln!(text, "{at}\t{level:?}\t{source:?}\t{}", event.text);
    }
    text
}
