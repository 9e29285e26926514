//! Fixes that are on record and not produced.

use eframe::egui::{Align, Layout, Rect, ScrollArea, Ui, pos2, vec2};

use super::acts::Acts;
use crate::pages::Cx;
use crate::theme::size;
use crate::views::{format, quality};
use crate::widgets::{Btn, Line, Look, Panel};

/// Height of a fix.
const ROW: f32 = 24.0;
/// Fixes shown without scrolling.
const SHOWN: usize = 3;

/// Draws the list at the foot of `rect`, if there is one; the room that is left above.
pub(super) fn pending_ui(ui: &mut Ui, rect: Rect, acts: &mut Acts, cx: &mut Cx<'_>) -> Rect {
    let count = acts.fixes.len();
    if count == 0 {
        return rect;
    }
    let rows = count.min(SHOWN) as f32;
    let height = 22.0 + 26.0 + rows * ROW;
    let at = Rect::from_min_max(pos2(rect.left(), rect.bottom() - height), rect.max);
    let note = match count {
        1 => "1 fix, can be taken back until it is produced".to_owned(),
        count => format!("{count} fixes, can be taken back until they are produced"),
    };
    let mut undo = None;
    Panel::titled("To re-ingest")
        .note(&note)
        .show(ui, at, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ScrollArea::vertical()
                .id_salt("fixes")
                .max_height(rows * ROW)
                .show(ui, |ui| {
                    for fix in acts.fixes.iter().rev() {
                        let room = vec2(ui.available_width(), ROW);
                        ui.allocate_ui_with_layout(
                            room,
                            Layout::right_to_left(Align::Center),
                            |ui| {
                                let label = format!("Undo fix {}", fix.id.0);
                                let button = Btn::new("Undo")
                                    .changes()
                                    .label(&label)
                                    .look(Look::Quiet)
                                    .small();
                                if button.clicked(ui) {
                                    undo = Some(fix.id);
                                }
                                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                                    let words = quality::fix_words(&fix.rule);
                                    let at = format::clock(fix.at);
                                    Line::table(words).show(ui).on_hover_text(at);
                                });
                            },
                        );
                    }
                });
        });
    if let Some(id) = undo {
        acts.undo_fix(id, cx);
    }
    Rect::from_min_max(rect.min, pos2(rect.right(), at.top() - size::GAP))
}
