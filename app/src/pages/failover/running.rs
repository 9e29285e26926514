//! A drill that runs, and the same page when it is over.

use eframe::egui::{Align2, CornerRadius, Id, Popup, Rect, Stroke, Ui, pos2, vec2};
use retail_engine::model::{Dc, Region};

use super::drill::{Done, Drill, window};
use super::hero::{self, Detail, hero_ui};
use super::map::map_ui;
use super::reports::{self, Take};
use super::row::row_ui;
use super::timeline::{hints_ui, timeline_ui, witnesses_ui};
use super::{Ask, State};
use crate::pages::{Cx, Page, title_ui};
use crate::theme::{self, Icon, Type, Weight, size};
use crate::views::charts::{self, Window, seconds};
use crate::views::failover::card::{Card, Mark, Stage};
use crate::views::failover::compared::Verified;
use crate::views::failover::map::Map;
use crate::views::format;
use crate::widgets::chart::{Mark as Line2, TimeChart, time_chart};
use crate::widgets::{
    self, Align, Btn, Line, Panel, Split, Status, badge, least_ui, rect_ui, split_columns,
    split_rows,
};

/// Smallest room that the page is drawn in; what is smaller scrolls.
const LEAST: [f32; 2] = [960.0, 540.0];
/// Room of the axis of a chart.
const AXIS: f32 = 52.0;
/// Width of the number of a step above its line, with the gap to the next.
const FLAG: f32 = 14.0;
/// Shown before the fault and after it is planned to end, seconds.
const AHEAD_SECS: i64 = 8;

/// Draws the page of the drill that runs.
pub(super) fn running_ui(ui: &mut Ui, card: &Card, state: &mut State, cx: &mut Cx<'_>) -> Ask {
    let mut ask = Ask::Nothing;
    let sentence = format!("Drill \u{b7} {} \u{b7} {}", card.title, card.stage.name());
    title_ui(ui, Page::Failover.title(), &sentence, |ui| {
        let why = (card.stage > Stage::Fault).then_some("the fault is over already");
        let back = Btn::primary("Bring back now")
            .icon(Icon::Undo2)
            .blocked(why);
        if back.clicked(ui) {
            ask = Ask::BringBack;
        }
        Btn::new("Export report\u{2026}")
            .blocked(Some("there is a report when the drill is over"))
            .show(ui);
        if card.simulated {
            badge(ui, Status::Neutral, "Simulated");
        }
    });
    let left = chrono::TimeDelta::from_std(card.left.unwrap_or_default()).unwrap_or_default();
    let ahead = match card.stage {
        Stage::Preparing | Stage::Fault => left + chrono::TimeDelta::seconds(AHEAD_SECS),
        _ => chrono::TimeDelta::seconds(2),
    };
    let began = cx
        .snapshot
        .drill
        .as_ref()
        .map_or(cx.snapshot.at, |d| d.began_at);
    let shown = window(began, cx.snapshot.at + ahead);
    let hit = card.hit.unwrap_or(Dc::Europe);
    body_ui(ui, |ui, room| {
        let [top, rest] = split_rows(room, [Split::Points(hero::HEIGHT), Split::Share(1.0)]);
        hero_ui(ui, top, card, &mut state.detail);
        let [left, right] = split_columns(rest, [Split::Share(1.0), Split::Points(388.0)]);
        let [map, chart] = split_rows(left, [Split::Share(0.46), Split::Share(0.54)]);
        map_ui(ui, map, &Map::of(cx.snapshot));
        charts_ui(ui, chart, card, &state.drill, shown, cx);
        if side_ui(ui, right, card, hit, cx) {
            ask = Ask::Repair;
        }
    });
    ask
}

/// Draws the page of a drill that is over.
pub(super) fn done_ui(
    ui: &mut Ui,
    done: &Done,
    detail: &mut Detail,
    drill: &Drill,
    cx: &mut Cx<'_>,
) -> Ask {
    let mut ask = Ask::Nothing;
    let card = &done.card;
    let how = card
        .cancelled
        .as_deref()
        .map_or_else(String::new, |how| format!(" \u{b7} {how}"));
    let sentence = format!("Drill \u{b7} {} \u{b7} {}{how}", card.title, card.sentence);
    title_ui(ui, Page::Failover.title(), &sentence, |ui| {
        if Btn::primary("Close").key("Esc").clicked(ui) {
            ask = Ask::Close;
        }
        if let Some(take) = take_ui(ui) {
            reports::save(done, take, cx);
        }
        if Btn::new("Drill again\u{2026}").clicked(ui) {
            ask = Ask::Again;
        }
        if card.simulated {
            badge(ui, Status::Neutral, "Simulated");
        }
    });
    body_ui(ui, |ui, room| {
        let [verdict, top, rest] = split_rows(
            room,
            [
                Split::Points(44.0),
                Split::Points(hero::HEIGHT),
                Split::Share(1.0),
            ],
        );
        verdict_ui(ui, verdict, done);
        hero_ui(ui, top, card, detail);
        let is_low = ui.ctx().content_rect().height() < size::LOW;
        let (left, steps, proof) = if is_low {
            let [left, proof, steps] = split_columns(
                rest,
                [
                    Split::Share(1.0),
                    Split::Points(270.0),
                    Split::Points(380.0),
                ],
            );
            (left, steps, proof)
        } else {
            let [left, right] = split_columns(rest, [Split::Share(1.0), Split::Points(388.0)]);
            let [steps, proof] = split_rows(right, [Split::Share(1.0), Split::Points(138.0)]);
            (left, steps, proof)
        };
        charts_ui(ui, left, card, drill, done.window, cx);
        timeline_ui(ui, steps, card);
        proof_ui(ui, proof, drill.verified.as_ref(), drill.is_proving());
    });
    ask
}

/// The menu of the report.
fn take_ui(ui: &mut Ui) -> Option<Take> {
    let button = Btn::new("Export report\u{2026}")
        .icon(Icon::Download)
        .show(ui);
    let mut chosen = None;
    Popup::menu(&button)
        .id(Id::unique("export report"))
        .width(200.0)
        .show(|ui| {
            for take in Take::ALL {
                if ui.button(take.name()).clicked() {
                    chosen = Some(take);
                    ui.close();
                }
            }
        });
    chosen
}

/// Draws over the room that is left, or scrolls.
pub(super) fn body_ui(ui: &mut Ui, draw: impl FnOnce(&mut Ui, Rect)) {
    least_ui(ui, LEAST, draw);
}

fn verdict_ui(ui: &mut Ui, rect: Rect, done: &Done) {
    let colors = theme::colors(ui);
    let card = &done.card;
    let closed = done
        .outcome
        .ledger
        .as_ref()
        .map(retail_engine::ledger::Ledger::is_closed);
    let (status, words) = match (card.is_proven(), done.outcome.is_whole()) {
        (Some(true), true) => (
            Status::Ok,
            "Survived: no line lost, all three data centres equal",
        ),
        (Some(true), false) => (Status::Critical, "No line lost, but the ledger has a gap"),
        (Some(false), _) => (
            Status::Critical,
            "Not survived: lines are lost or the data centres differ",
        ),
        (None, _) => (
            Status::Unknown,
            "Unknown: the replicas could not be compared",
        ),
    };
    let ledger = match (closed, &done.outcome.ledger) {
        (Some(closed), Some(ledger)) => format!(
            "the load meanwhile: {} lines written, ledger {}",
            format::count(ledger.written),
            if closed { "closed" } else { "open" }
        ),
        _ => "only probes flowed".to_owned(),
    };
    let painter = ui.painter();
    painter.rect(
        rect,
        CornerRadius::same(size::RADIUS_PANEL),
        status.tint(colors),
        Stroke::new(1.0, colors.line),
        eframe::egui::StrokeKind::Inside,
    );
    rect_ui(ui, rect.shrink2(vec2(size::PANEL_PAD, 9.0)), |ui| {
        row_ui(
            ui,
            26.0,
            &[(0.6, Align::Left), (1.0, Align::Right)],
            |ui, column| {
                if column == 0 {
                    widgets::status_icon(ui, status);
                    Line::new(words, Type::Section)
                        .semibold()
                        .color(status.color(colors))
                        .show(ui);
                } else {
                    let at = format::clock(done.at);
                    Line::table(format!("{ledger} \u{b7} over at {at}"))
                        .color(colors.muted)
                        .show(ui);
                }
            },
        );
    });
}

/// Draws what a comparison found: the digest of each data centre.
pub(super) fn proof_ui(ui: &mut Ui, rect: Rect, verified: Option<&Verified>, reading: bool) {
    Panel::titled("Each read on its own").show_with(
        ui,
        rect,
        |ui| {
            if let Some(verified) = verified {
                let word = if verified.status == Status::Ok {
                    "equal"
                } else {
                    "look"
                };
                badge(ui, verified.status, word);
            }
        },
        |ui| match verified {
            Some(verified) => proof_rows_ui(ui, verified),
            None if reading => {
                widgets::line(ui, "Reading every row of every data centre\u{2026}");
            }
            None => {
                widgets::line(ui, "Not compared since the console was opened.");
            }
        },
    );
}

/// The same without a panel.
pub(super) fn proof_rows_ui(ui: &mut Ui, verified: &Verified) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let columns = [
        (0.36, Align::Left),
        (0.56, Align::Right),
        (1.0, Align::Right),
    ];
    for (dc, stored) in verified.stored.iter() {
        row_ui(ui, 22.0, &columns, |ui, column| match column {
            0 => {
                widgets::dc_label(ui, dc, Line::table(dc.name()).medium());
            }
            1 => {
                widgets::reading(ui, &stored.lines, Type::Table, |n| format::count(*n));
            }
            _ => {
                Line::table(&stored.digest)
                    .mono()
                    .color(colors.muted)
                    .show(ui);
            }
        });
    }
    Line::caption(&verified.text)
        .color(verified.status.color(colors))
        .show(ui);
}

fn side_ui(ui: &mut Ui, rect: Rect, card: &Card, hit: Dc, cx: &Cx<'_>) -> bool {
    let keep = cx.settings.store.hint_window;
    if ui.ctx().content_rect().height() < size::LOW {
        let [steps, hints] = split_rows(rect, [Split::Share(1.0), Split::Points(144.0)]);
        timeline_ui(ui, steps, card);
        return hints_ui(ui, hints, hit, keep, cx);
    }
    let [steps, hints, witnesses] = split_rows(
        rect,
        [
            Split::Share(1.0),
            Split::Points(146.0),
            Split::Points(132.0),
        ],
    );
    timeline_ui(ui, steps, card);
    let repair = hints_ui(ui, hints, hit, keep, cx);
    witnesses_ui(ui, witnesses, cx);
    repair
}

/// The courses of a drill, the fault as a span, its steps as numbered lines.
pub(super) fn charts_ui(
    ui: &mut Ui,
    rect: Rect,
    card: &Card,
    drill: &Drill,
    shown: Window,
    cx: &Cx<'_>,
) {
    let colors = theme::colors(ui);
    let bands = charts::bands(cx.link.events(), cx.snapshot, shown);
    let marks: Vec<Line2> = card
        .steps
        .iter()
        .filter_map(|step| {
            Some(Line2 {
                at: seconds(step.at?),
                flag: step.number.to_string(),
                text: step.name.clone(),
                name: None,
                color: if step.mark == Mark::Fault {
                    colors.critical
                } else {
                    colors.muted
                },
            })
        })
        .collect();
    let flowing = Region::ALL
        .into_iter()
        .filter_map(|region| {
            let rate = cx.snapshot.regions[region].written_per_sec?;
            (rate > 0.5).then(|| format!("{} {}", region.name(), format::rate(rate, "rows")))
        })
        .collect::<Vec<_>>();
    let note = if flowing.is_empty() || card.stage == Stage::Done {
        "markers are the numbered steps".to_owned()
    } else {
        flowing.join(" \u{b7} ")
    };
    Panel::titled("Writes applied")
        .note("per second, by each data centre")
        .show_with(
            ui,
            rect,
            |ui| {
                let muted = theme::colors(ui).muted;
                Line::caption(note).color(muted).show(ui);
            },
            |ui| {
                ui.add_space(10.0);
                let upper = ((ui.available_height() - 32.0) * 0.6).max(40.0);
                let top = ui.cursor().top();
                let chart = TimeChart {
                    name: "Writes applied",
                    group: "failover",
                    range: shown.seconds(),
                    series: drill.course.applied(shown, colors),
                    bands: bands.clone(),
                    marks: marks.clone(),
                    time_axis: false,
                    value: format::significant,
                };
                let frame = ui.available_rect_before_wrap();
                time_chart(ui, &chart, upper);
                flags_ui(ui, &marks, frame, top, shown);
                not_yet_ui(ui, frame, top, shown, card, cx);
                ui.add_space(4.0);
                ui.horizontal(|ui| {
                    Line::body("Failed requests").semibold().show(ui);
                    widgets::line(ui, "per second, of the drill's probes");
                });
                let chart = TimeChart {
                    name: "Failed requests",
                    group: "failover",
                    range: shown.seconds(),
                    series: drill.course.failed(shown, colors),
                    bands,
                    marks,
                    time_axis: true,
                    value: format::significant,
                };
                ui.add_space(4.0);
                let left = ui.available_height().max(30.0);
                time_chart(ui, &chart, left);
            },
        );
}

#[expect(clippy::cast_possible_truncation, reason = "a place on the screen")]
fn x_of(at: f64, frame: Rect, shown: Window) -> f32 {
    let (from, to) = shown.seconds();
    let share = ((at - from) / (to - from).max(0.001)).clamp(0.0, 1.0);
    frame.left() + AXIS + (frame.width() - AXIS) * share as f32
}

/// The number of each step above its line, moved aside where it would cover another.
fn flags_ui(ui: &Ui, marks: &[Line2], frame: Rect, top: f32, shown: Window) {
    let colors = theme::colors(ui);
    let mut sorted: Vec<&Line2> = marks.iter().collect();
    sorted.sort_by(|a, b| a.at.total_cmp(&b.at));
    let wanted: Vec<f32> = sorted
        .iter()
        .map(|mark| x_of(mark.at, frame, shown))
        .collect();
    let places = abreast(&wanted, frame.right() - FLAG / 2.0);
    for (mark, x) in sorted.into_iter().zip(places) {
        let at = Rect::from_center_size(pos2(x, top - 6.0), vec2(13.0, 13.0));
        ui.painter()
            .rect_filled(at, CornerRadius::same(2), mark.color);
        ui.painter().text(
            at.center(),
            Align2::CENTER_CENTER,
            &mark.flag,
            theme::font(Type::Caption, Weight::SemiBold),
            colors.bg,
        );
    }
}

/// Where flags stand that want to be at `wanted`, from the left: each beside the one before at
/// least, and none beyond `right`.
fn abreast(wanted: &[f32], right: f32) -> Vec<f32> {
    let mut free = f32::NEG_INFINITY;
    let mut places: Vec<f32> = wanted
        .iter()
        .map(|x| {
            let x = x.max(free);
            free = x + FLAG;
            x
        })
        .collect();
    // From the right, what does not fit pushes the rest back.
    let mut most = right;
    for x in places.iter_mut().rev() {
        *x = x.min(most);
        most = *x - FLAG;
    }
    places
}

/// Right of now there is nothing yet, and that is said.
fn not_yet_ui(ui: &Ui, frame: Rect, top: f32, shown: Window, card: &Card, cx: &Cx<'_>) {
    if card.stage == Stage::Done {
        return;
    }
    let colors = theme::colors(ui);
    let x = x_of(seconds(cx.snapshot.at), frame, shown);
    if frame.right() - x > 50.0 {
        ui.painter().text(
            pos2(frame.right() - 8.0, top + 10.0),
            Align2::RIGHT_TOP,
            "not yet",
            theme::font(Type::Caption, Weight::Regular),
            colors.muted,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_side_by_side_and_none_is_cut_off() {
        assert_eq!(abreast(&[10.0, 50.0], 100.0), [10.0, 50.0]);
        assert_eq!(abreast(&[10.0, 11.0, 12.0], 100.0), [10.0, 24.0, 38.0]);
        assert_eq!(abreast(&[40.0, 98.0, 99.0], 100.0), [40.0, 86.0, 100.0]);
    }
}
