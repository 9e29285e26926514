//! The small menu of a panel: its table as text, CSV or JSON, its drawing as a picture.

use eframe::egui::{Id, Popup, Ui};

use super::button::{Btn, Look};
use crate::theme::Icon;

/// As what a panel is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Its table on the clipboard.
    Copy,
    /// Its table as CSV.
    Csv,
    /// Its table as JSON.
    Json,
    /// Its drawing as PNG.
    Png,
}

impl Take {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Copy => "Copy table",
            Self::Csv => "Save CSV\u{2026}",
            Self::Json => "Save JSON\u{2026}",
            Self::Png => "Save picture\u{2026}",
        }
    }

    /// Ending of its file.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Copy => "txt",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Png => "png",
        }
    }
}

/// Draws the button that opens the menu; what was chosen. `what` names the panel.
pub fn export_menu(ui: &mut Ui, what: &str, takes: &[Take]) -> Option<Take> {
    let label = format!("Export {what}");
    let button = Btn::new("")
        .icon(Icon::Download)
        .label(&label)
        .look(Look::Quiet)
        .small()
        .hint("Copy or save what this shows")
        .show(ui);
    let mut chosen = None;
    Popup::menu(&button)
        .id(Id::unique(("export", what)))
        .width(150.0)
        .show(|ui| chosen = choices_ui(ui, takes));
    chosen
}

/// The entries of the menu; the one that was chosen.
pub(super) fn choices_ui(ui: &mut Ui, takes: &[Take]) -> Option<Take> {
    let mut chosen = None;
    for take in takes {
        if ui.button(take.name()).clicked() {
            chosen = Some(*take);
            ui.close();
        }
    }
    chosen
}
