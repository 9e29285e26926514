//! The figures of a drill: how long, how much was lost, predicted and observed.

use eframe::egui::{Rect, Sense, Stroke, Ui, pos2, vec2};
use retail_engine::failover::predict::{Access, CellKey};

use super::row::row_ui;
use crate::theme::{self, Type, size};
use crate::views::failover::card::{Card, Cell, Rpo, Rto, Stage};
use crate::views::failover::plan;
use crate::views::format;
use crate::views::overview::short;
use crate::widgets::{self, Align, Line, rect_ui, segmented, status_icon};

/// Height of the strip.
pub(super) const HEIGHT: f32 = 190.0;

/// What the table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Detail {
    /// A few rows.
    #[default]
    Summary,
    /// Each kind of request.
    Requests,
}

/// Draws the strip; `detail` is what the table shows.
pub(super) fn hero_ui(ui: &mut Ui, rect: Rect, card: &Card, detail: &mut Detail) {
    widgets::surface(ui, rect);
    let colors = theme::colors(ui);
    let side = (rect.width() * 0.19).clamp(190.0, 228.0);
    for x in [rect.left() + side, rect.left() + 2.0 * side] {
        ui.painter()
            .vline(x, rect.y_range(), Stroke::new(1.0, colors.line));
    }
    let part = |from: f32, to: f32| {
        Rect::from_min_max(
            pos2(from + size::PANEL_PAD, rect.top() + 11.0),
            pos2(to - size::PANEL_PAD, rect.bottom() - 8.0),
        )
    };
    let (a, b) = (rect.left() + side, rect.left() + 2.0 * side);
    rect_ui(ui, part(rect.left(), a), |ui| rto_ui(ui, card));
    rect_ui(ui, part(a, b), |ui| rpo_ui(ui, card));
    rect_ui(ui, part(b, rect.right()), |ui| table_ui(ui, card, detail));
}

fn big_ui(ui: &mut Ui, value: &str, unit: &str) {
    let muted = theme::colors(ui).muted;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        Line::new(value, Type::Hero).semibold().show(ui);
        if !unit.is_empty() {
            ui.with_layout(
                eframe::egui::Layout::bottom_up(eframe::egui::Align::Min),
                |ui| {
                    ui.add_space(9.0);
                    Line::new(unit, Type::Title).color(muted).show(ui);
                },
            );
        }
    });
}

fn seconds(ms: u64) -> String {
    if ms < 100_000 {
        format!("{}.{:02}", ms / 1_000, ms % 1_000 / 10)
    } else {
        format!("{}", ms / 1_000)
    }
}

pub(super) fn rto_ui(ui: &mut Ui, card: &Card) {
    let muted = theme::colors(ui).muted;
    ui.spacing_mut().item_spacing.y = 2.0;
    Line::table("Time to recover (RTO)").color(muted).show(ui);
    let note = match &card.rto {
        Rto::Waiting => {
            big_ui(ui, "\u{2026}", "");
            card.stage.name().to_owned()
        }
        Rto::Counting(ms) => {
            big_ui(ui, &seconds(*ms), "s");
            "counting until the first success".to_owned()
        }
        Rto::Reached(ms) => {
            big_ui(ui, &seconds(*ms), "s");
            "fault to first success".to_owned()
        }
        Rto::None(why) => {
            big_ui(ui, "none", "");
            why.clone()
        }
    };
    Line::table(note).color(muted).wrapped().show(ui);
    if let Some(split) = card.split {
        ui.add_space(4.0);
        split_ui(ui, split);
    }
    ui.add_space(4.0);
    Line::caption(format!("longest stall {}", card.stall))
        .color(muted)
        .show(ui);
}

/// The parts of a time that was measured to the millisecond; the unit once, where it is one.
fn parts(split: [u64; 3]) -> String {
    let is_short = split.iter().all(|ms| *ms < 1_000);
    let (each, last) = if is_short { ("", " ms") } else { (" ms", "") };
    let [detect, decide, write] = split.map(|ms| match ms {
        0 => format!("<1{each}"),
        1..1_000 => format!("{ms}{each}"),
        _ => format!("{} s", seconds(ms)),
    });
    format!("detect {detect} \u{b7} decide {decide} \u{b7} write {write}{last}")
}

fn split_ui(ui: &mut Ui, split: [u64; 3]) {
    let colors = theme::colors(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    let whole = split.iter().sum::<u64>().max(1) as f32;
    let mut x = rect.left();
    for (part, color) in split.iter().zip([colors.text, colors.bar, colors.bar_dim]) {
        let width = rect.width() * *part as f32 / whole;
        if width > 0.0 {
            let at = Rect::from_min_size(pos2(x, rect.top()), vec2((width - 1.0).max(1.0), 6.0));
            ui.painter().rect_filled(at, 0.0, color);
        }
        x += width;
    }
    Line::caption(parts(split))
        .color(colors.muted)
        .wrapped()
        .show(ui);
}

pub(super) fn rpo_ui(ui: &mut Ui, card: &Card) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 2.0;
    let title = match card.rpo {
        Rpo::Proven(_) => "Lines lost (RPO)",
        Rpo::SoFar { .. } | Rpo::Unknown(_) => "Lines lost so far (RPO)",
    };
    Line::table(title).color(colors.muted).show(ui);
    match &card.rpo {
        Rpo::SoFar { missing, of } => {
            big_ui(ui, &format::count(*missing), "");
            let of = format::count(*of);
            Line::table(format!("of {of}; proof is pending: step 7"))
                .color(colors.muted)
                .wrapped()
                .show(ui);
        }
        Rpo::Proven(lines) => {
            big_ui(ui, &format::count(*lines), "");
            ui.horizontal(|ui| {
                let (status, text) = match (card.is_proven(), lines) {
                    (Some(true), _) => (widgets::Status::Ok, "proven: every row compared"),
                    (_, 1..) => (widgets::Status::Critical, "acknowledged and not readable"),
                    (_, 0) => (widgets::Status::Critical, "the replicas are not equal"),
                };
                status_icon(ui, status);
                Line::table(text).color(status.color(colors)).show(ui);
            });
            lost_ui(ui, &card.lost);
        }
        Rpo::Unknown(why) => {
            Line::new("Unknown", Type::Kpi)
                .medium()
                .color(colors.unknown)
                .show(ui);
            Line::table(why).color(colors.muted).wrapped().show(ui);
        }
    }
    ui.add_space(2.0);
    for (dc, text) in &card.shows {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            let muted = Line::caption(text).color(colors.muted);
            widgets::dc_label(ui, *dc, muted);
        });
    }
    if card.stage == Stage::Done {
        let (ok, failed) = card.requests;
        for text in [
            format!("most hints at once {}", card.hints_peak),
            format!(
                "requests in the fault: {} ok, {} failed",
                format::count(ok),
                format::count(failed)
            ),
        ] {
            Line::caption(text).color(colors.muted).show(ui);
        }
    }
}

/// What was lost, a few lines high: the rest scrolls.
fn lost_ui(ui: &mut Ui, lost: &[String]) {
    if lost.is_empty() {
        return;
    }
    let critical = theme::colors(ui).critical;
    eframe::egui::ScrollArea::vertical()
        .id_salt("lost")
        .max_height(48.0)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            for name in lost {
                Line::caption(name).color(critical).wrapped().show(ui);
            }
        });
}

fn table_ui(ui: &mut Ui, card: &Card, detail: &mut Detail) {
    let muted = theme::colors(ui).muted;
    let width = ui.available_width();
    ui.allocate_ui_with_layout(
        vec2(width, size::CONTROL_SMALL),
        eframe::egui::Layout::right_to_left(eframe::egui::Align::Center),
        |ui| {
            let choices = [
                (Detail::Summary, "Summary"),
                (Detail::Requests, "Every request"),
            ];
            if let Some(chosen) = segmented(ui, "Prediction", &choices, *detail) {
                *detail = chosen;
            }
            Line::table(&card.score).color(muted).show(ui);
            ui.with_layout(
                eframe::egui::Layout::left_to_right(eframe::egui::Align::Center),
                |ui| {
                    Line::body("Predicted, then observed").semibold().show(ui);
                },
            );
        },
    );
    ui.add_space(3.0);
    ui.spacing_mut().item_spacing.y = 0.0;
    match detail {
        Detail::Summary => rows_ui(ui, card),
        Detail::Requests => requests_ui(ui, card),
    }
}

fn rows_ui(ui: &mut Ui, card: &Card) {
    let colors = theme::colors(ui);
    let columns = [
        (0.29, Align::Left),
        (0.58, Align::Left),
        (0.81, Align::Left),
        (1.0, Align::Right),
    ];
    row_ui(ui, 20.0, &columns, |ui, column| {
        let title = ["What", "Predicted", "Observed", "Verdict"][column];
        Line::caption(title).color(colors.muted).show(ui);
    });
    for row in &card.rows {
        let at = row_ui(ui, 23.0, &columns, |ui, column| match column {
            0 => {
                Line::table(&row.what).show(ui);
            }
            1 => {
                Line::table(&row.predicted)
                    .show(ui)
                    .on_hover_text(&row.predicted);
            }
            2 => {
                Line::table(&row.observed).semibold().show(ui);
            }
            _ => {
                let status = row.verdict.status();
                Line::table(row.verdict.name())
                    .color(status.color(colors))
                    .show(ui);
                status_icon(ui, status);
            }
        });
        ui.painter()
            .hline(at.x_range(), at.top(), Stroke::new(1.0, colors.grid));
    }
}

/// Each region's writes and reads at each level.
pub(super) fn requests_ui(ui: &mut Ui, card: &Card) {
    grid_ui(ui, 19.0, "ok/failed", |ui, key| {
        let Some(cell) = card.cell(key) else {
            return;
        };
        request_ui(ui, cell);
    });
}

fn request_ui(ui: &mut Ui, cell: &Cell) {
    let status = cell.verdict.status();
    let response = status_icon(ui, status);
    let counts = format!("{}/{}", format::count(cell.ok), format::count(cell.failed));
    let word = plan::fate(cell.fate).1;
    let said = format!(
        "{} {} at {}: predicted {word}; {} ok, {} failed: {}",
        cell.key.region.name(),
        plan::access(cell.key.access),
        cell.key.level,
        cell.ok,
        cell.failed,
        cell.verdict.name()
    );
    let text = Line::caption(counts).show(ui);
    response.union(text).on_hover_text(said);
}

/// A grid of regions and levels, writes first, with rows of `height` points.
pub(super) fn grid_ui(
    ui: &mut Ui,
    height: f32,
    corner: &str,
    mut cell: impl FnMut(&mut Ui, CellKey),
) {
    let colors = theme::colors(ui);
    let columns = [
        (0.17, Align::Left),
        (0.335, Align::Left),
        (0.5, Align::Left),
        (0.67, Align::Left),
        (0.835, Align::Left),
        (1.0, Align::Left),
    ];
    row_ui(ui, 20.0, &columns, |ui, column| {
        let level = column.checked_sub(1).and_then(|at| plan::LEVELS.get(at));
        let title = level.map_or(corner, |level| level.name());
        Line::caption(title).color(colors.muted).show(ui);
    });
    for (region, access) in plan::grid_rows() {
        let at = row_ui(ui, height, &columns, |ui, column| {
            let level = column.checked_sub(1).and_then(|at| plan::LEVELS.get(at));
            if let Some(level) = level.copied() {
                let key = CellKey {
                    region,
                    access,
                    level,
                };
                cell(ui, key);
            } else {
                let what = format!("{} {}", short(region.home()), plan::access(access));
                widgets::region_label(ui, region, Line::table(what));
            }
        });
        let strong = access == Access::Read && region.home() == retail_engine::model::Dc::Europe;
        let line = if strong {
            colors.line_strong
        } else {
            colors.grid
        };
        ui.painter()
            .hline(at.x_range(), at.top(), Stroke::new(1.0, line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_time_name_their_unit_once_where_it_is_one() {
        let short = "detect 54 \u{b7} decide <1 \u{b7} write 41 ms";
        assert_eq!(parts([54, 0, 41]), short);
        let long = "detect 2.10 s \u{b7} decide <1 ms \u{b7} write 41 ms";
        assert_eq!(parts([2_100, 0, 41]), long);
    }
}
