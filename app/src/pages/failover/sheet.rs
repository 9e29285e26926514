//! The report of a drill as a picture, drawn without a window by the pieces of the page.

use eframe::egui::{Theme, Ui, vec2};

use super::hero::{self, Detail, hero_ui};
use super::timeline::timeline_ui;
use crate::picture::{self, Sheet};
use crate::views::failover::card::Card;
use crate::widgets::{Panel, Split, split_rows};

/// Size of the picture in points, without its head.
const SIZE: [f32; 2] = [1_080.0, 690.0];

/// The card as the bytes of a PNG.
pub(super) fn png(card: &Card, theme: Theme) -> Result<Vec<u8>, String> {
    let mode = if card.simulated { "Simulated. " } else { "" };
    let how = card.cancelled.as_deref().unwrap_or("not ended by hand");
    let sheet = Sheet {
        title: format!("Failover drill: {}", card.title),
        stamp: vec![
            format!("{mode}{}; {how}", card.sentence),
            format!("Expected: {}", card.expect),
        ],
        size: vec2(SIZE[0], SIZE[1]),
        theme,
    };
    picture::png(&picture::panel(&sheet, |ui| sheet_ui(ui, card)))
}

fn sheet_ui(ui: &mut Ui, card: &Card) {
    let [top, requests, steps] = split_rows(
        ui.max_rect(),
        [
            Split::Points(hero::HEIGHT),
            Split::Points(190.0),
            Split::Share(1.0),
        ],
    );
    let mut detail = Detail::Summary;
    hero_ui(ui, top, card, &mut detail);
    Panel::titled("Requests during the fault, ok/failed").show(ui, requests, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        hero::requests_ui(ui, card);
    });
    timeline_ui(ui, steps, card);
}
