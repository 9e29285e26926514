//! At rest: the data centres, the library of drills, acts by hand, reports.

use eframe::egui::{Layout, Rect, Stroke, Ui, vec2};
use retail_engine::failover::Manual;
use retail_engine::failover::drill::Scenario;
use retail_engine::model::{Dc, Region};

use super::row::row_ui;
use super::running::{body_ui, proof_rows_ui};
use super::{Ask, State, Tab};
use crate::actions::Action;
use crate::pages::{Cx, Page, title_ui};
use crate::theme::{self, Icon, Type, size};
use crate::views::failover::dcs::{self, DcCard, LeftOver};
use crate::views::failover::plan;
use crate::views::format;
use crate::views::overview::short;
use crate::widgets::{
    self, Align, Btn, Line, Look, Panel, Split, Status, badge, bar, segmented, split_columns,
    split_rows, status_icon,
};

const CARDS: f32 = 158.0;
const SIDE: f32 = 400.0;

/// Draws the page at rest.
pub(super) fn idle_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) -> Ask {
    let mut ask = Ask::Nothing;
    title_ui(
        ui,
        Page::Failover.title(),
        "Did we survive, how long, and can we prove it?",
        |ui| {
            if Btn::primary("Plan a drill\u{2026}")
                .icon(Icon::Play)
                .clicked(ui)
                && let Some(first) = plan::library().into_iter().next()
            {
                ask = Ask::Plan(first);
            }
            let busy = state.hand.is_comparing() || state.hand.is_repairing();
            let why = busy.then_some("the data centres are being read");
            let repair = Btn::new("Repair\u{2026}").changes();
            if repair.blocked(why).clicked(ui) {
                ask = Ask::Repair;
            }
            if Btn::new("Verify").blocked(why).clicked(ui) {
                state.hand.verify(cx);
            }
            if Btn::new("Presenter")
                .key("F11")
                .look(Look::Quiet)
                .clicked(ui)
            {
                cx.acts.push(Action::TogglePresenter);
            }
        },
    );
    let banner = banner(cx);
    body_ui(ui, |ui, room| {
        let mut room = room;
        if let Some(banner) = banner {
            let rows = match &banner {
                Banner::Faults(faults) => faults.len(),
                Banner::LeftOver(..) | Banner::Mode(..) => 1,
            };
            let height = 8.0 + 26.0 * rows as f32;
            let at = Rect::from_min_size(room.min, vec2(room.width(), height));
            banner_ui(ui, at, &banner, state, cx);
            room.min.y += height + size::GAP;
        }
        let [cards, rest] = split_rows(room, [Split::Points(CARDS), Split::Share(1.0)]);
        cards_ui(ui, cards, cx, &mut ask);
        let [left, right] = split_columns(rest, [Split::Share(1.0), Split::Points(SIDE)]);
        match state.tab {
            Tab::Drills => library_ui(ui, left, state, &mut ask, cx),
            Tab::Lens => {
                let mut tab = state.tab;
                state
                    .lens
                    .panel_ui(ui, left, cx, |ui| tabs_ui(ui, &mut tab));
                state.tab = tab;
            }
        }
        let by_hand = (rest.height() * 0.6).min(262.0);
        let [hand, reports] = split_rows(right, [Split::Points(by_hand), Split::Share(1.0)]);
        hand_ui(ui, hand, state, cx);
        Panel::titled("Reports")
            .note("of drills that are over, newest first")
            .show(ui, reports, |ui| state.reports.list_ui(ui, cx));
    });
    ask
}

/// What needs somebody first.
enum Banner {
    Faults(Vec<dcs::FaultRow>),
    LeftOver(String, bool),
    Mode(Status, String),
}

fn banner(cx: &Cx<'_>) -> Option<Banner> {
    let faults = dcs::faults(cx.snapshot);
    if !faults.is_empty() {
        return Some(Banner::Faults(faults));
    }
    if let Some((status, text)) = dcs::write_mode(cx.snapshot) {
        return Some(Banner::Mode(status, text));
    }
    match dcs::left_over(cx.snapshot, cx.link.events()) {
        LeftOver::None => None,
        LeftOver::Waiting(evidence) => Some(Banner::LeftOver(
            format!("Faults left over from the last run: {evidence}"),
            true,
        )),
        LeftOver::Cleared(faults) => Some(Banner::LeftOver(
            format!(
                "{faults} faults were left over from the last run and were cleaned up at the start"
            ),
            false,
        )),
    }
}

fn banner_ui(ui: &mut Ui, rect: Rect, banner: &Banner, state: &mut State, cx: &mut Cx<'_>) {
    let colors = theme::colors(ui);
    let (status, text) = match banner {
        Banner::Faults(faults) => {
            faults_ui(ui, rect, faults, state, cx);
            return;
        }
        Banner::LeftOver(text, true) => (Status::Warn, text.clone()),
        Banner::LeftOver(text, false) => (Status::Neutral, text.clone()),
        Banner::Mode(status, text) => (*status, text.clone()),
    };
    ui.painter().rect_filled(
        rect,
        eframe::egui::CornerRadius::same(4),
        status.tint(colors),
    );
    widgets::rect_ui(ui, rect.shrink2(vec2(12.0, 4.0)), |ui| {
        ui.with_layout(Layout::right_to_left(eframe::egui::Align::Center), |ui| {
            if matches!(banner, Banner::LeftOver(_, true))
                && Btn::new("Clean up").small().clicked(ui)
            {
                cx.acts.push(Action::EndAllFaults);
            }
            ui.with_layout(Layout::left_to_right(eframe::egui::Align::Center), |ui| {
                status_icon(ui, status);
                Line::table(&text).medium().show(ui).on_hover_text(&text);
            });
        });
    });
}

/// The faults in force, each with its end.
fn faults_ui(
    ui: &mut Ui,
    rect: Rect,
    faults: &[dcs::FaultRow],
    state: &mut State,
    cx: &mut Cx<'_>,
) {
    let colors = theme::colors(ui);
    ui.painter().rect_filled(
        rect,
        eframe::egui::CornerRadius::same(4),
        colors.critical_tint,
    );
    widgets::rect_ui(ui, rect.shrink2(vec2(12.0, 4.0)), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for fault in faults {
            let columns = [(0.7, Align::Left), (1.0, Align::Right)];
            row_ui(ui, 26.0, &columns, |ui, column| {
                if column == 0 {
                    status_icon(ui, Status::Critical);
                    Line::table(&fault.text).medium().show(ui);
                    let more = format!("{} \u{b7} begun by {}", fault.id, fault.by);
                    Line::table(more).color(colors.muted).show(ui);
                } else {
                    let label = format!("End {}", fault.id);
                    if Btn::new("End").label(&label).small().clicked(ui) {
                        state.hand.end_fault(fault.id, &fault.text, cx);
                    }
                    Line::table(&fault.left).color(colors.critical).show(ui);
                }
            });
        }
    });
}

fn cards_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>, ask: &mut Ask) {
    let window = cx.settings.store.hint_window;
    let cards = dcs::cards(cx.snapshot, window);
    let rects = split_columns(rect, [Split::Share(1.0); 3]);
    for (dc, at) in Dc::ALL.into_iter().zip(rects) {
        if card_ui(ui, at, &cards[dc]) {
            *ask = Ask::Repair;
        }
    }
}

fn card_ui(ui: &mut Ui, rect: Rect, card: &DcCard) -> bool {
    let colors = theme::colors(ui);
    let mut repair = false;
    Panel::bare().show(ui, rect, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            widgets::dc_label(ui, card.dc, Line::body(card.dc.name()).semibold());
            Line::table(&card.serves).color(colors.muted).show(ui);
            ui.with_layout(Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                badge(ui, card.state.0, card.state.1);
            });
        });
        ui.add_space(3.0);
        let columns = [
            (0.3, Align::Left),
            (0.53, Align::Left),
            (0.76, Align::Left),
            (1.0, Align::Left),
        ];
        row_ui(ui, 15.0, &columns, |ui, column| {
            let title = ["Lines", "p50 write", "p99 write", "On disk"][column];
            Line::caption(title).color(colors.muted).show(ui);
        });
        row_ui(ui, 22.0, &columns, |ui, column| match column {
            0 => {
                widgets::reading(ui, &card.lines, Type::Section, |n| format::count(*n));
            }
            1 => {
                widgets::reading(ui, &card.latency[0], Type::Section, |t| format::millis(*t));
            }
            2 => {
                widgets::reading(ui, &card.latency[1], Type::Section, |t| format::millis(*t));
            }
            _ => {
                widgets::reading(ui, &card.disk, Type::Section, |n| format::bytes(*n));
            }
        });
        work_ui(ui, card);
        ui.add_space(2.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            Line::caption("seen by").color(colors.muted).show(ui);
            for (witness, (status, word)) in card.seen_by.iter() {
                status_icon(ui, *status);
                Line::caption(format!("{} {word}", short(witness))).show(ui);
                ui.add_space(4.0);
            }
        });
        ui.add_space(3.0);
        let (at, _) = ui.allocate_exact_size(
            vec2(ui.available_width(), 4.0),
            eframe::egui::Sense::hover(),
        );
        let fill = match card.hints.status {
            Status::Critical => colors.critical,
            Status::Warn => colors.warn,
            _ => colors.text,
        };
        bar(ui.painter(), at, card.hints.used, fill, colors.grid);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            let waiting = match card.hints.waiting.known() {
                Some(1) => format!("1 hint, {}", card.hints.left),
                Some(hints) => format!("{} hints, {}", format::count(*hints), card.hints.left),
                None => "hints Unknown".to_owned(),
            };
            if card.hints.needs_repair {
                status_icon(ui, Status::Critical);
                Line::caption("Repair needed")
                    .color(colors.critical)
                    .show(ui);
            }
            let label = format!("Repair {}", card.dc.name());
            ui.with_layout(Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                if card.hints.needs_repair {
                    let button = Btn::new("Repair\u{2026}").label(&label).small();
                    repair = button.changes().clicked(ui);
                }
                ui.with_layout(Layout::left_to_right(eframe::egui::Align::Center), |ui| {
                    Line::caption(waiting)
                        .color(colors.muted)
                        .show(ui)
                        .on_hover_text(&card.hints.advice);
                });
            });
        });
    });
    repair
}

/// What a data centre has to do: writes that it took, files that it merges.
fn work_ui(ui: &mut Ui, card: &DcCard) {
    let muted = theme::colors(ui).muted;
    let columns = [(0.4, Align::Left), (1.0, Align::Left)];
    row_ui(ui, 18.0, &columns, |ui, column| {
        ui.spacing_mut().item_spacing.x = 5.0;
        let (title, figure) = match column {
            0 => ("Writes", &card.writes),
            _ => ("Compactions", &card.compactions),
        };
        Line::caption(title).color(muted).show(ui);
        widgets::reading(ui, figure, Type::Caption, Clone::clone);
    });
}

fn tabs_ui(ui: &mut Ui, tab: &mut Tab) {
    let choices = [(Tab::Drills, "Drills"), (Tab::Lens, "Three-DC lens")];
    if let Some(chosen) = segmented(ui, "Show", &choices, *tab) {
        *tab = chosen;
    }
}

fn library_ui(ui: &mut Ui, rect: Rect, state: &mut State, ask: &mut Ask, cx: &Cx<'_>) {
    let library = plan::library();
    let mut tab = state.tab;
    let busy = if state.drill.is_asked() {
        Some("a drill runs")
    } else if !cx.snapshot.faults.is_empty() {
        Some("a fault is in force: end it first")
    } else {
        None
    };
    Panel::titled("Drills")
        .note("a scripted failure under traffic, measured")
        .show_with(
            ui,
            rect,
            |ui| tabs_ui(ui, &mut tab),
            |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                let rows = library.len().max(1) as f32;
                // Whole points: nine fractions of one too many make a scroll bar.
                let height = (ui.available_height() / rows).floor().clamp(32.0, 58.0);
                eframe::egui::ScrollArea::vertical()
                    .id_salt("library")
                    .auto_shrink([false, false])
                    .show(ui, |ui| {
                        for scenario in library {
                            scenario_ui(ui, scenario, height, busy, ask);
                        }
                    });
            },
        );
    state.tab = tab;
}

fn scenario_ui(ui: &mut Ui, scenario: Scenario, height: f32, busy: Option<&str>, ask: &mut Ask) {
    let colors = theme::colors(ui);
    let faults: Vec<String> = scenario.faults.iter().map(ToString::to_string).collect();
    let mut chosen = false;
    let columns = [(0.85, Align::Left), (1.0, Align::Right)];
    let at = row_ui(ui, height, &columns, |ui, column| {
        if column == 0 {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.add_space((height - 32.0) / 2.0);
                ui.horizontal(|ui| {
                    Line::body(scenario.title).medium().show(ui);
                    Line::table(faults.join(", ")).color(colors.muted).show(ui);
                });
                Line::caption(scenario.expect).color(colors.muted).show(ui);
            });
        } else {
            let label = format!("Drill: {}", scenario.title);
            chosen = Btn::new("Plan\u{2026}")
                .label(&label)
                .small()
                .blocked(busy)
                .clicked(ui);
        }
    });
    ui.painter()
        .hline(at.x_range(), at.bottom(), Stroke::new(1.0, colors.grid));
    if chosen {
        *ask = Ask::Plan(scenario);
    }
}

fn hand_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let routes = dcs::routes(cx.snapshot);
    Panel::titled("By hand")
        .note("fail a region over, or back")
        .show(ui, rect, |ui| {
            let colors = theme::colors(ui);
            ui.spacing_mut().item_spacing.y = 1.0;
            for (region, route) in routes.iter() {
                let columns = [(0.6, Align::Left), (1.0, Align::Right)];
                row_ui(ui, 38.0, &columns, |ui, column| {
                    if column == 0 {
                        ui.vertical(|ui| {
                            ui.spacing_mut().item_spacing.y = 0.0;
                            ui.add_space(2.0);
                            ui.horizontal(|ui| {
                                widgets::region_label(
                                    ui,
                                    region,
                                    Line::table(region.name()).medium(),
                                );
                                Line::caption(&route.rate).color(colors.muted).show(ui);
                            });
                            let color = match route.state.0 {
                                Status::Ok => colors.muted,
                                status => status.color(colors),
                            };
                            Line::caption(&route.state.1)
                                .color(color)
                                .show(ui)
                                .on_hover_text(&route.state.1);
                        });
                    } else {
                        moves_ui(ui, region, route.serving, route.is_away, state, cx);
                    }
                });
            }
            ui.add_space(4.0);
            if state.hand.is_repairing() {
                widgets::line(ui, "Repairing: comparing buckets and copying rows\u{2026}");
            } else if state.hand.is_comparing() {
                widgets::line(ui, "Reading every row of every data centre\u{2026}");
            } else if let Some((at, verified)) = &state.hand.verified {
                let repaired = state.hand.repaired.as_ref().map(|(_, text)| text.as_str());
                Line::caption(match repaired {
                    Some(text) => format!("Repaired: {text}"),
                    None => format!("Read and compared at {}", format::clock(*at)),
                })
                .color(colors.muted)
                .show(ui);
                proof_rows_ui(ui, verified);
            } else {
                widgets::line(ui, "Verify reads each data centre on its own and compares.");
            }
        });
}

fn moves_ui(
    ui: &mut Ui,
    region: Region,
    serving: Dc,
    is_away: bool,
    state: &mut State,
    cx: &Cx<'_>,
) {
    if is_away {
        let label = format!("Fail {} back", region.name());
        if Btn::new("Fail back\u{2026}")
            .label(&label)
            .small()
            .changes()
            .clicked(ui)
        {
            state.hand.ask_move(region, Manual::FailBack, cx);
        }
        return;
    }
    let others: Vec<Dc> = region.home().others().collect();
    for dc in others.into_iter().rev() {
        let down = format!("{} is down", dc.name());
        let is_down = cx.snapshot.dcs[dc].verdict == retail_engine::watch::health::DcVerdict::Down;
        let there = format!("already served from {}", dc.name());
        let why = if is_down {
            Some(down.as_str())
        } else if serving == dc {
            Some(there.as_str())
        } else {
            None
        };
        let label = format!("Fail {} over to {}", region.name(), dc.name());
        let text = format!("to {}\u{2026}", short(dc));
        if Btn::new(&text)
            .label(&label)
            .small()
            .changes()
            .blocked(why)
            .clicked(ui)
        {
            state.hand.ask_move(region, Manual::FailOver(dc), cx);
        }
    }
}
