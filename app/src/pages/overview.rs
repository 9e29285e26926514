//! Is everything flowing, and is every row accounted for?

use eframe::egui::Ui;

use super::{Cx, first_run, title_ui};

/// What the page remembers.
#[derive(Debug, Default)]
pub struct State {}

/// Draws the page.
pub fn overview_ui(ui: &mut Ui, _state: &mut State, cx: &mut Cx<'_>) {
    let nothing = cx.snapshot.loads.is_empty() && cx.snapshot.lines == 0 && cx.snapshot.load.is_none();
    if nothing {
        title_ui(ui, "Overview", "Nothing is loaded yet. Nothing needs to be installed.", |_| {});
        first_run::first_run_ui(ui, cx);
    }
}
