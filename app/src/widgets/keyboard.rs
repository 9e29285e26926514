//! Who has the keyboard: the page, or what lies over it.

use eframe::egui::Context;

/// Whether a dialog lies over the page. Keys are for the dialog then, and none acts behind it.
pub fn is_covered(ctx: &Context) -> bool {
    ctx.memory(|memory| memory.top_modal_layer().is_some())
}
