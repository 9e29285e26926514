//! The palette: every act and page by a few letters of its name.

use eframe::egui::{
    Align, Context, Key, Layout, Modal, Modifiers, Response, ScrollArea, Sense, Ui, vec2,
};
use retail_engine::handle::Snapshot;

use crate::actions::{Action, Entry, entries, places};
use crate::theme::{self, size};
use crate::widgets::{Line, TextField};

/// What was typed, and which entry is chosen.
#[derive(Debug, Default)]
pub struct PaletteState {
    typed: String,
    chosen: usize,
}

/// Entries that match what was typed, the best first: words that begin with it, then letters in
/// this order anywhere.
pub fn matching(all: Vec<Entry>, typed: &str) -> Vec<Entry> {
    let typed = typed.trim().to_lowercase();
    let mut found: Vec<(u8, Entry)> = all
        .into_iter()
        .filter_map(|entry| rank(&entry.label.to_lowercase(), &typed).map(|rank| (rank, entry)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, entry)| entry).collect()
}

fn rank(label: &str, typed: &str) -> Option<u8> {
    if label.starts_with(typed) {
        return Some(0);
    }
    if label.split_whitespace().any(|word| word.starts_with(typed)) {
        return Some(1);
    }
    let mut letters = label.chars();
    let in_order = typed
        .chars()
        .all(|wanted| letters.any(|letter| letter == wanted));
    in_order.then_some(2)
}

/// What became of the palette in this frame.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// Still open.
    Open,
    /// Closed without a choice.
    Closed,
    /// This was chosen.
    Chosen(Action),
}

/// Draws the palette over everything.
pub fn palette_ui(ctx: &Context, state: &mut PaletteState, snapshot: Option<&Snapshot>) -> Outcome {
    let mut outcome = Outcome::Open;
    let modal = Modal::new(eframe::egui::Id::unique("palette")).show(ctx, |ui| {
        ui.set_width(460.0);
        let mut all = entries();
        all.extend(places(snapshot));
        let found = matching(all, &state.typed);
        let last = found.len().saturating_sub(1);
        let (down, up, enter) = ui.input_mut(|input| {
            (
                input.consume_key(Modifiers::NONE, Key::ArrowDown),
                input.consume_key(Modifiers::NONE, Key::ArrowUp),
                input.consume_key(Modifiers::NONE, Key::Enter),
            )
        });
        state.chosen = match (down, up) {
            (true, _) => (state.chosen + 1).min(last),
            (_, true) => state.chosen.saturating_sub(1),
            _ => state.chosen.min(last),
        };
        let response = TextField::new("Find")
            .hint("Find a page, an act, a region, a load, a setting")
            .width(ui.available_width() - 8.0)
            .show(ui, &mut state.typed);
        if response.changed() {
            state.chosen = 0;
        }
        response.request_focus();
        ui.add_space(6.0);
        ScrollArea::vertical().max_height(340.0).show(ui, |ui| {
            if found.is_empty() {
                let muted = theme::colors(ui).muted;
                Line::body("Nothing has that name.").color(muted).show(ui);
            }
            for (place, entry) in found.iter().enumerate() {
                let chosen = place == state.chosen;
                let response = entry_ui(ui, entry, chosen);
                if chosen && (down || up) {
                    response.scroll_to_me(None);
                }
                if response.clicked() || (enter && chosen) {
                    outcome = Outcome::Chosen(entry.action.clone());
                }
            }
        });
    });
    if outcome == Outcome::Open && modal.should_close() {
        outcome = Outcome::Closed;
    }
    outcome
}

fn entry_ui(ui: &mut Ui, entry: &Entry, chosen: bool) -> Response {
    let colors = theme::colors(ui);
    let room = vec2(ui.available_width(), size::ROW);
    let (rect, response) = ui.allocate_exact_size(room, Sense::click());
    if chosen || response.hovered() {
        ui.painter().rect_filled(rect, size::RADIUS, colors.raised);
    }
    let inner = rect.shrink2(vec2(8.0, 0.0));
    let builder = eframe::egui::UiBuilder::new()
        .max_rect(inner)
        .layout(Layout::right_to_left(Align::Center));
    ui.scope_builder(builder, |ui| {
        if let Some(key) = entry.key {
            let key = ui.ctx().format_shortcut(&key);
            Line::caption(key).color(colors.faint).show(ui);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            Line::body(entry.label.clone()).show(ui);
        });
    });
    response.widget_info(|| {
        eframe::egui::WidgetInfo::selected(
            eframe::egui::Role::ListBoxOption,
            true,
            chosen,
            format!("Run: {}", entry.label),
        )
    });
    response
}

#[cfg(test)]
mod tests {
    use retail_engine::model::Region;

    use super::*;

    #[test]
    fn names_are_found_by_their_beginning_and_by_their_letters() {
        let labels = |typed: &str| {
            let found = matching(entries(), typed).into_iter();
            found
                .map(|entry| entry.label.into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(labels("fail")[0], "Failover");
        assert_eq!(labels("sample")[0], "Check the sample");
        assert!(labels("eaf").iter().any(|label| label == "End all faults"));
        let region = matching(places(None), "asia").swap_remove(0);
        assert_eq!(region.action, Action::ShowRegion(Region::AsiaPacific));
        assert!(labels("qqqq").is_empty());
        assert_eq!(labels("").len(), entries().len());
    }
}
