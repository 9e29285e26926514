//! What is in this file, and what will happen to it?

use eframe::egui::Ui;

use super::{Cx, Page, title_ui};
use crate::actions::Action;

/// What the page remembers.
#[derive(Default)]
pub struct State {}

impl State {
    /// Takes answers that have come; once per frame, whatever page is shown.
    pub fn refresh(&mut self, _cx: &mut Cx<'_>) {}

    /// Carries out an act that this page knows.
    pub fn act(&mut self, _action: &Action, _cx: &mut Cx<'_>) {}
}

/// Draws the page.
pub fn load_ui(ui: &mut Ui, _state: &mut State, _cx: &mut Cx<'_>) {
    title_ui(
        ui,
        Page::Load.title(),
        "What is in this file, and what will happen to it?",
        |_| {},
    );
}
