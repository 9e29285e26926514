//! The drawer of events: alerts that need somebody, all events, newest first, and what was done.

mod alerts;
mod done;

use eframe::egui::{Align, Layout, Ui};
use retail_engine::telemetry::{Event, EventLevel};

use crate::pages::Cx;
use crate::prefs::layout::DrawerTab;
use crate::taken;
use crate::theme::{self, Icon, size};
use crate::views::{events as words, format};
use crate::widgets::chart::{pin, pinned};
use crate::widgets::{
    self, Btn, ColumnSpec, Line, Take, TextField, segmented, status_icon, table, text_cell,
};

/// What the drawer remembers while it is open.
#[derive(Default)]
pub struct EventsState {
    /// The newest event when the list was held; later ones are counted only.
    held: Option<u64>,
    alerts: alerts::State,
}

impl EventsState {
    /// Takes the last mute back; whether there was one.
    pub fn undo(&mut self, cx: &mut Cx<'_>) -> bool {
        self.alerts.undo(cx)
    }
}

/// Draws the drawer; whether it is to be closed.
pub fn events_ui(ui: &mut Ui, state: &mut EventsState, cx: &mut Cx<'_>) -> bool {
    state.alerts.refresh(cx);
    let events = cx.link.events();
    let layout = &cx.prefs.layout.events;
    let (needle, level) = (layout.search.to_lowercase(), layout.level);
    let held = state.held;
    let shown: Vec<&Event> = events
        .iter()
        .rev()
        .filter(|event| held.is_none_or(|held| event.seq <= held))
        .filter(|event| level.is_none_or(|least| event.level >= least))
        .filter(|event| needle.is_empty() || event.text.to_lowercase().contains(&needle))
        .collect();
    let close = head_ui(ui, state, &shown, cx);
    ui.add_space(4.0);
    alerts::alerts_ui(ui, &mut state.alerts, cx);
    match cx.prefs.layout.events.tab {
        DrawerTab::Events => list_ui(ui, &shown, cx),
        DrawerTab::Done => done::done_ui(ui, cx),
    }
    close
}

fn head_ui(ui: &mut Ui, state: &mut EventsState, shown: &[&Event], cx: &mut Cx<'_>) -> bool {
    let mut close = widgets::escaped(ui.ctx());
    ui.horizontal(|ui| {
        ui.set_min_height(size::CONTROL);
        let layout = &mut cx.prefs.layout.events;
        let tabs = [
            (DrawerTab::Events, "Events"),
            (DrawerTab::Done, "What was done"),
        ];
        if let Some(tab) = segmented(ui, "Drawer", &tabs, layout.tab) {
            layout.tab = tab;
        }
        if layout.tab == DrawerTab::Events {
            TextField::new("Search events")
                .finds()
                .hint("Search events")
                .width(170.0)
                .show(ui, &mut layout.search);
            let levels = [
                (None, "All"),
                (Some(EventLevel::Warn), "Warnings"),
                (Some(EventLevel::Error), "Errors"),
            ];
            if let Some(level) = segmented(ui, "Level", &levels, layout.level) {
                layout.level = level;
            }
            hold_ui(ui, state, cx.link.events());
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let x = Btn::new("").icon(Icon::X).label("Close events").small();
            close |= x.clicked(ui);
            match cx.prefs.layout.events.tab {
                DrawerTab::Events => events_acts_ui(ui, shown, cx),
                DrawerTab::Done => done::acts_ui(ui, cx),
            }
        });
    });
    close
}

/// Holds the list; says how many came meanwhile.
fn hold_ui(ui: &mut Ui, state: &mut EventsState, events: &[Event]) {
    let newest = events.last().map_or(0, |event| event.seq);
    let Some(held) = state.held else {
        let hold = Btn::new("Pause")
            .icon(Icon::Pause)
            .label("Pause events")
            .small();
        if hold.clicked(ui) {
            state.held = Some(newest);
        }
        return;
    };
    let go_on = Btn::new("Go on")
        .icon(Icon::Play)
        .label("Let events go on")
        .small();
    if go_on.clicked(ui) {
        state.held = None;
    }
    let came = events
        .iter()
        .rev()
        .take_while(|event| event.seq > held)
        .count();
    let warn = theme::colors(ui).warn;
    let words = format!("paused, {} came meanwhile", format::count(came as u64));
    Line::caption(words).color(warn).show(ui);
}

fn events_acts_ui(ui: &mut Ui, shown: &[&Event], cx: &mut Cx<'_>) {
    let save = Btn::new("Save\u{2026}")
        .icon(Icon::Download)
        .label("Save events\u{2026}")
        .small();
    if save.clicked(ui) {
        taken::take(cx, words::table(shown, Take::Csv));
    }
    let copy = Btn::new("Copy")
        .icon(Icon::Copy)
        .label("Copy events")
        .small();
    if copy.clicked(ui) {
        taken::take(cx, words::table(shown, Take::Copy));
    }
    let count = format!("{} of {}", shown.len(), cx.link.events().len());
    let muted = theme::colors(ui).muted;
    Line::caption(count).color(muted).show(ui);
}

fn list_ui(ui: &mut Ui, shown: &[&Event], cx: &mut Cx<'_>) {
    if shown.is_empty() {
        widgets::empty_state(ui, "No event matches.", None);
        return;
    }
    let columns = [
        ColumnSpec::text("Time", 90.0),
        ColumnSpec::text("Level", 90.0),
        ColumnSpec::text("Source", 90.0),
        ColumnSpec::rest("What happened"),
        ColumnSpec::number("Times", 60.0),
    ];
    let at = pinned(ui.ctx());
    let selected = at.and_then(|at| shown.iter().position(|event| event.at == at));
    let clicked = table(
        ui,
        "events",
        &columns,
        shown.len(),
        size::ROW_DENSE,
        selected,
        |ui, row, column| {
            let Some(event) = shown.get(row) else {
                return;
            };
            match column {
                0 => text_cell(ui, format::clock_tenths(event.at)),
                1 => {
                    let (status, word) = words::level(event.level);
                    status_icon(ui, status);
                    text_cell(ui, word);
                }
                2 => text_cell(ui, words::source(event.source)),
                3 => text_cell(ui, &event.text),
                _ if event.repeats > 1 => text_cell(ui, format::count(event.repeats)),
                _ => {}
            }
        },
    );
    if let Some(event) = clicked.and_then(|row| shown.get(row)) {
        point_at(event, at == Some(event.at), cx);
    }
}

/// Puts the crosshair of all charts at an event, and widens their range until it is seen; takes it
/// away where it was.
fn point_at(event: &Event, is_there: bool, cx: &mut Cx<'_>) {
    if is_there {
        pin(cx.ctx, None);
        return;
    }
    pin(cx.ctx, Some(event.at));
    if let Some(range) = words::range_to(event.at, cx.snapshot.at) {
        cx.prefs.layout.range_secs = cx.prefs.layout.range_secs.max(range);
    } else {
        let told = "The event is older than the hour that the charts show";
        cx.notices.done(told.to_owned());
    }
}
