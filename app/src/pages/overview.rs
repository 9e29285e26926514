//! Is everything flowing, and is every row accounted for?

use std::time::Duration;

use eframe::egui::{Align, Align2, CornerRadius, Layout, Rect, Sense, Stroke, Ui, pos2, vec2};
use retail_engine::model::{Dc, Reading, Region};
use retail_engine::watch::findings::{ActionId, Finding, Severity};

use super::{Cx, first_run, title_ui};
use crate::actions::Action;
use crate::pages::Page;
use crate::theme::{self, Type, Weight, size};
use crate::views::charts::{self, Window};
use crate::views::format;
use crate::views::overview::{self, RegionCard, StripCell, short};
use crate::widgets::chart::{TimeChart, time_chart};
use crate::widgets::{self, Btn, Line, Panel, Split, Status, rect_ui, split_columns, split_rows};

/// What the page remembers.
#[derive(Debug, Default)]
pub struct State {}

impl State {
    /// Carries out an act that this page knows.
    pub fn act(&mut self, _action: &Action, _cx: &mut Cx<'_>) {}
}

/// Draws the page.
pub fn overview_ui(ui: &mut Ui, _state: &mut State, cx: &mut Cx<'_>) {
    let nothing = cx.snapshot.loads.is_empty() && cx.snapshot.lines == 0;
    if nothing {
        let sentence = "Nothing is loaded yet. Nothing needs to be installed.";
        title_ui(ui, "Overview", sentence, |_| {});
        first_run::first_run_ui(ui, cx);
        return;
    }
    title_ui(
        ui,
        "Overview",
        "Is everything flowing, and is every row accounted for?",
        |ui| {
            if Btn::primary("Open CSV\u{2026}").key("Ctrl O").clicked(ui) {
                cx.acts.push(Action::OpenDialog);
            }
            if Btn::new("Export ledger").clicked(ui) {
                cx.acts.push(Action::Export);
            }
        },
    );
    let room = ui.available_rect_before_wrap();
    let [strip, cards, rest] = split_rows(
        room,
        [
            Split::Points(106.0),
            Split::Points(126.0),
            Split::Share(1.0),
        ],
    );
    strip_ui(ui, strip, cx);
    cards_ui(ui, cards, cx);
    let [left, right] = split_columns(rest, [Split::Share(1.0), Split::Points(388.0)]);
    charts_ui(ui, left, cx);
    side_ui(ui, right, cx);
}

fn strip_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    widgets::surface(ui, rect);
    let Some(cells) = overview::strip(cx.snapshot) else {
        rect_ui(ui, rect.shrink(12.0), |ui| {
            widgets::empty_state(ui, "No load has run in this data directory yet.", None);
        });
        return;
    };
    let colors = theme::colors(ui);
    let width = rect.width() / 5.0;
    let pages = [
        Page::Load,
        Page::Quality,
        Page::Topics,
        Page::Topics,
        Page::Failover,
    ];
    for (place, (cell, page)) in cells.iter().zip(pages).enumerate() {
        let x = rect.left() + width * place as f32;
        let at = Rect::from_min_size(pos2(x, rect.top()), vec2(width, rect.height()));
        if place > 0 {
            ui.painter()
                .vline(x, at.y_range(), Stroke::new(1.0, colors.line));
            let tip = pos2(x + 3.0, at.top() + 32.0);
            let notch = [tip - vec2(4.0, 6.0), tip, tip - vec2(4.0, -6.0)];
            ui.painter()
                .line(notch.to_vec(), Stroke::new(1.0, colors.line_strong));
        }
        if strip_cell_ui(ui, at, cell) {
            cx.acts.push(Action::Go(page));
        }
    }
}

fn strip_cell_ui(ui: &mut Ui, rect: Rect, cell: &StripCell) -> bool {
    let colors = theme::colors(ui);
    let response = ui.interact(rect, ui.scope_id().with(cell.title), Sense::click());
    rect_ui(ui, rect.shrink2(vec2(size::PANEL_PAD, 9.0)), |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        Line::table(cell.title).color(colors.muted).show(ui);
        Line::kpi(&cell.value).show(ui);
        Line::table(&cell.notes[0]).color(colors.muted).show(ui);
        let color = match cell.status {
            Status::Neutral => colors.muted,
            status => status.color(colors),
        };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            if cell.status != Status::Neutral && !cell.notes[1].is_empty() {
                widgets::status_icon(ui, cell.status);
            }
            Line::table(&cell.notes[1]).color(color).show(ui);
        });
    });
    let label = format!("{}: {}", cell.title, cell.value);
    response.widget_info(|| {
        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, true, &label)
    });
    response.clicked()
}

fn cards_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let history = cx.history();
    let window = Window::ending(cx.snapshot.at, Duration::from_mins(2));
    let cards = overview::cards(cx.snapshot);
    let rects = split_columns(rect, [Split::Share(1.0); 3]);
    for (region, at) in Region::ALL.into_iter().zip(rects) {
        let lag = charts::region_lag(&history, window, region);
        if card_ui(ui, at, &cards[region], &lag) {
            cx.acts.push(Action::Go(Page::Topics));
        }
    }
}

fn card_ui(ui: &mut Ui, rect: Rect, card: &RegionCard, lag: &[Option<f64>]) -> bool {
    let colors = theme::colors(ui);
    let response = ui.interact(
        rect,
        ui.scope_id().with(("region", card.region.slug())),
        Sense::click(),
    );
    Panel::bare().show(ui, rect, |ui| {
        ui.horizontal(|ui| {
            let name = Line::body(card.region.name()).semibold();
            widgets::region_label(ui, card.region, name);
            Line::body(&card.home).color(colors.muted).show(ui);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                widgets::badge(ui, card.verdict.0, &card.verdict.1);
            });
        });
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            figure_ui(ui, "Lag", &card.lag, |lines| format::count(*lines), "lines");
            ui.add_space(18.0);
            figure_ui(
                ui,
                "Age of next line",
                &card.age,
                |age| format::age(*age),
                "",
            );
            let room = ui.available_size();
            let width = room.x.clamp(0.0, 100.0);
            if width > 40.0 {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let (at, _) = ui.allocate_exact_size(vec2(width, 34.0), Sense::hover());
                    let line = colors.region(card.region);
                    widgets::sparkline(ui.painter(), at, lag, line, colors.grid);
                });
            }
        });
        ui.add_space(2.0);
        ui.horizontal(|ui| {
            Line::table(&card.written).color(colors.muted).show(ui);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                Line::table(&card.drain).color(colors.muted).show(ui);
                ui.add_space(8.0);
                Line::table(&card.rate).color(colors.muted).show(ui);
            });
        });
    });
    let label = format!("{}, {}", card.region.name(), card.verdict.1);
    response.widget_info(|| {
        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, true, &label)
    });
    response.clicked()
}

fn figure_ui<T>(
    ui: &mut Ui,
    label: &str,
    reading: &Reading<T>,
    show: impl Fn(&T) -> String,
    unit: &str,
) {
    let muted = theme::colors(ui).muted;
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        Line::table(label).color(muted).show(ui);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            widgets::reading(ui, reading, Type::Kpi, show);
            if !matches!(reading, Reading::Unknown(_)) {
                Line::body(unit).color(muted).show(ui);
            }
        });
    });
}

fn charts_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let history = cx.history();
    let window = cx.window();
    let colors = theme::colors(ui);
    let spans = charts::bands(cx.link.events(), cx.snapshot, window);
    let marks = charts::marks(cx.link.events(), window, colors);
    Panel::titled("Throughput")
        .note("rows/s, 1 s samples")
        .show_with(
            ui,
            rect,
            |ui| cx.range_ui(ui),
            |ui| {
                let room = ui.available_height();
                let upper = (room - 26.0) * 0.56;
                let chart = TimeChart {
                    name: "Throughput",
                    group: "overview",
                    range: window.seconds(),
                    series: charts::throughput(&history, window, colors),
                    bands: spans.clone(),
                    marks: marks.clone(),
                    time_axis: false,
                    value: format::significant,
                };
                time_chart(ui, &chart, upper);
                ui.horizontal(|ui| {
                    Line::body("Lag").semibold().show(ui);
                    widgets::line(ui, "lines not yet committed");
                });
                let chart = TimeChart {
                    name: "Lag",
                    group: "overview",
                    range: window.seconds(),
                    series: charts::lag(&history, window, colors),
                    bands: spans,
                    marks,
                    time_axis: true,
                    value: format::significant,
                };
                let left = ui.available_height();
                time_chart(ui, &chart, left);
            },
        );
}

fn side_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let low = ui.ctx().content_rect().height() < size::LOW;
    if low {
        let [dcs, attention] = split_rows(rect, [Split::Points(142.0), Split::Share(1.0)]);
        dcs_ui(ui, dcs, cx);
        attention_ui(ui, attention, cx);
        return;
    }
    let [dcs, canary, attention] = split_rows(
        rect,
        [
            Split::Points(142.0),
            Split::Points(142.0),
            Split::Share(1.0),
        ],
    );
    dcs_ui(ui, dcs, cx);
    canary_ui(ui, canary, cx);
    attention_ui(ui, attention, cx);
}

fn dcs_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let rows = overview::dcs(cx.snapshot);
    Panel::titled("Data centres").show_with(
        ui,
        rect,
        |ui| {
            if Btn::new("Failover")
                .look(widgets::Look::Quiet)
                .small()
                .clicked(ui)
            {
                cx.acts.push(Action::Go(Page::Failover));
            }
        },
        |ui| {
            let muted = theme::colors(ui).muted;
            let width = ui.available_width();
            let stops = [0.0, 0.34, 0.66, 0.88, 1.0];
            ui.spacing_mut().item_spacing.y = 2.0;
            row_ui(ui, width, stops, |ui, column| {
                let titles = [
                    "Data centre",
                    "State",
                    "p99 write",
                    "Lines visible",
                    "Hints",
                ];
                Line::caption(titles[column]).color(muted).show(ui);
            });
            for (_, row) in rows.iter() {
                row_ui(ui, width, stops, |ui, column| match column {
                    0 => {
                        widgets::dc_label(ui, row.dc, Line::table(row.dc.name()).medium());
                    }
                    1 => {
                        widgets::status_icon(ui, row.state.0);
                        Line::table(row.state.1).show(ui);
                    }
                    2 => {
                        widgets::reading(ui, &row.p99, Type::Table, |time| format::millis(*time));
                    }
                    3 => {
                        widgets::reading(ui, &row.lines, Type::Table, |lines| {
                            format::count(*lines)
                        });
                    }
                    _ => {
                        widgets::reading(ui, &row.hints, Type::Table, |hints| {
                            format::count(*hints)
                        });
                    }
                });
            }
        },
    );
}

/// A row of five cells: two from the left, three that end at their stop.
fn row_ui(ui: &mut Ui, width: f32, stops: [f32; 5], mut cell: impl FnMut(&mut Ui, usize)) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, 21.0), Sense::hover());
    for (column, stop) in stops.into_iter().enumerate() {
        let x = rect.left() + rect.width() * stop;
        let (at, layout) = if column < 2 {
            let end = rect.left() + rect.width() * stops[column + 1];
            let at = Rect::from_min_max(pos2(x, rect.top()), pos2(end - 4.0, rect.bottom()));
            (at, Layout::left_to_right(Align::Center))
        } else {
            let begin = rect.left() + rect.width() * stops[column - 1];
            let begin = if column == 2 { begin + 40.0 } else { begin };
            let at = Rect::from_min_max(pos2(begin, rect.top()), pos2(x, rect.bottom()));
            (at, Layout::right_to_left(Align::Center))
        };
        ui.scope_builder(
            eframe::egui::UiBuilder::new().max_rect(at).layout(layout),
            |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                cell(ui, column);
            },
        );
    }
}

fn canary_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>) {
    let cells = overview::canary(cx.snapshot);
    Panel::titled("Time to visible")
        .note("p99, one probe per second")
        .show(ui, rect, |ui| {
            let colors = theme::colors(ui);
            ui.spacing_mut().item_spacing.y = 2.0;
            let width = ui.available_width();
            let side = 66.0;
            let (head, _) = ui.allocate_exact_size(vec2(width, 18.0), Sense::hover());
            ui.painter().text(
                head.left_center(),
                Align2::LEFT_CENTER,
                "written in \u{2192} read in",
                theme::font(Type::Caption, Weight::Regular),
                colors.muted,
            );
            let column = |rect: Rect, place: usize| {
                let left = rect.right() - (side + 6.0) * (3 - place) as f32 + 6.0;
                Rect::from_min_size(pos2(left, rect.top()), vec2(side, rect.height()))
            };
            for (place, at) in Dc::ALL.into_iter().enumerate() {
                let room = column(head, place);
                widgets::marker(
                    ui.painter(),
                    room.left_center() + vec2(side / 2.0 - 12.0, 0.0),
                    at,
                    colors.dc(at),
                );
                ui.painter().text(
                    room.left_center() + vec2(side / 2.0 - 2.0, 0.0),
                    Align2::LEFT_CENTER,
                    short(at),
                    theme::font(Type::Caption, Weight::Regular),
                    colors.muted,
                );
            }
            for via in Dc::ALL {
                let (row, _) = ui.allocate_exact_size(vec2(width, 21.0), Sense::hover());
                widgets::marker(
                    ui.painter(),
                    row.left_center() + vec2(5.0, 0.0),
                    via,
                    colors.dc(via),
                );
                ui.painter().text(
                    row.left_center() + vec2(17.0, 0.0),
                    Align2::LEFT_CENTER,
                    via.name(),
                    theme::font(Type::Table, Weight::Medium),
                    colors.text,
                );
                for (place, at) in Dc::ALL.into_iter().enumerate() {
                    let (reading, share) = &cells[via][at];
                    let room = column(row, place);
                    let (text, fill, color) = match reading {
                        Reading::Known(time) => {
                            let (fill, text) = colors.heat(share * 0.6);
                            (format::millis(*time), fill, text)
                        }
                        Reading::Stale { value, .. } => {
                            (format::millis(*value), colors.unknown_tint, colors.unknown)
                        }
                        Reading::Unknown(_) => {
                            ("Unknown".to_owned(), colors.unknown_tint, colors.unknown)
                        }
                    };
                    ui.painter().rect_filled(room, CornerRadius::same(1), fill);
                    ui.painter().text(
                        room.right_center() - vec2(6.0, 0.0),
                        Align2::RIGHT_CENTER,
                        &text,
                        theme::font(Type::Table, Weight::Regular),
                        color,
                    );
                    let response = ui.interact(
                        room,
                        ui.scope_id().with((via.name(), at.name())),
                        Sense::hover(),
                    );
                    let label = format!("Written in {}, read in {}: {text}", via.name(), at.name());
                    response.widget_info(|| {
                        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Label, true, &label)
                    });
                }
            }
        });
}

fn attention_ui(ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
    let findings = &cx.snapshot.findings;
    let count = findings.len().to_string();
    Panel::titled("Needs attention").show_with(
        ui,
        rect,
        |ui| {
            let muted = theme::colors(ui).muted;
            if !findings.is_empty() {
                Line::caption("worst first").color(muted).show(ui);
                widgets::badge(ui, Status::Warn, &count);
            }
        },
        |ui| {
            if findings.is_empty() {
                widgets::empty_state(ui, "Nothing needs you.", None);
                return;
            }
            eframe::egui::ScrollArea::vertical().show(ui, |ui| {
                for finding in findings {
                    if finding_ui(ui, finding) {
                        cx.acts.push(act_of(finding.action));
                    }
                    ui.add_space(6.0);
                }
            });
        },
    );
}

fn finding_ui(ui: &mut Ui, finding: &Finding) -> bool {
    let colors = theme::colors(ui);
    let status = match finding.severity {
        Severity::Critical => Status::Critical,
        Severity::Warning => Status::Warn,
    };
    let mut clicked = false;
    ui.horizontal_top(|ui| {
        widgets::status_icon(ui, status);
        let act = label_of(finding.action);
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            clicked = Btn::new(act).small().clicked(ui);
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                Line::table(&finding.what).medium().wrapped().show(ui);
                Line::table(&finding.evidence)
                    .color(colors.muted)
                    .wrapped()
                    .show(ui);
                Line::caption(finding.next_step)
                    .color(colors.muted)
                    .wrapped()
                    .show(ui);
            });
        });
    });
    clicked
}

const fn label_of(action: ActionId) -> &'static str {
    match action {
        ActionId::ShowLedgerGap => "Show ledger",
        ActionId::Repair => "Repair\u{2026}",
        ActionId::ShowWitnesses | ActionId::OpenFailover | ActionId::OpenTopics => "Show",
        ActionId::OpenEvents => "Events",
        ActionId::OpenQuality => "See rows",
        ActionId::ClearLeftOver => "Clean up",
    }
}

const fn act_of(action: ActionId) -> Action {
    match action {
        ActionId::ShowLedgerGap => Action::Go(Page::Load),
        ActionId::Repair | ActionId::ShowWitnesses | ActionId::OpenFailover => {
            Action::Go(Page::Failover)
        }
        ActionId::OpenTopics => Action::Go(Page::Topics),
        ActionId::OpenEvents => Action::ToggleEvents,
        ActionId::OpenQuality => Action::Go(Page::Quality),
        ActionId::ClearLeftOver => Action::EndAllFaults,
    }
}
