//! The tree of topics and partitions.

use std::time::Duration;

use eframe::egui::{Align2, CursorIcon, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use retail_engine::model::{Reading, Topic, TopicPartition};

use super::{Chosen, Cx, ROW, State};
use crate::prefs::layout::TopicsLayout;
use crate::theme::{self, Icon, Type, Weight, size};
use crate::views::format;
use crate::views::topics::tree::{Figure, Row, TopicRows, is_meant};
use crate::widgets::{self, Btn, ColumnSpec, Line, Look, Panel, Status, table};

/// Below this width the replay button is its icon.
const WIDE: f32 = 940.0;
/// Widths of the columns where there is room, and where there is little.
const LARGE: [f32; 8] = [64.0, 84.0, 72.0, 72.0, 64.0, 84.0, 190.0, 84.0];
const SMALL: [f32; 8] = [40.0, 76.0, 54.0, 54.0, 48.0, 72.0, 84.0, 24.0];
/// Width of the bar of a lag.
const BAR: f32 = 36.0;

/// A row as it is drawn.
enum Shown<'a> {
    Topic(&'a TopicRows, bool),
    Partition(TopicPartition, &'a Row),
}

/// Height that the tree asks for.
pub(super) fn height(state: &State, layout: &TopicsLayout) -> f32 {
    rows(state, layout).len() as f32 * ROW + 54.0
}

fn rows<'a>(state: &'a State, layout: &TopicsLayout) -> Vec<Shown<'a>> {
    let mut shown = Vec::new();
    for (topic, open) in state.tree.iter().zip(layout.open) {
        if !is_meant(topic.topic, &layout.filter) {
            continue;
        }
        shown.push(Shown::Topic(topic, open));
        if open {
            let partitions = topic.partitions.iter();
            shown.extend(partitions.map(|(at, row)| Shown::Partition(*at, row)));
        }
    }
    shown
}

enum Asked {
    Toggle(Topic),
    Choose(Chosen),
    Replay(Topic),
}

/// Draws it.
pub(super) fn tree_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let mut asked = None;
    Panel::bare().show(ui, rect, |ui| {
        let shown = rows(state, &cx.prefs.layout.topics);
        if shown.is_empty() {
            widgets::empty_state(ui, "No topic or group has this name.", None);
            return;
        }
        let raised = theme::colors(ui).raised;
        ui.visuals_mut().selection.bg_fill = raised;
        let wide = ui.available_width() > WIDE;
        ui.spacing_mut().item_spacing = vec2(if wide { 14.0 } else { 10.0 }, 0.0);
        let widths = if wide { LARGE } else { SMALL };
        let columns = [
            ColumnSpec::rest("Topic"),
            ColumnSpec::number("Begin", widths[0]),
            ColumnSpec::number("Committed", widths[1]),
            ColumnSpec::number("End", widths[2]),
            ColumnSpec::number("Lag, lines", widths[3]),
            ColumnSpec::text("", BAR),
            ColumnSpec::number("Lag, age", widths[4]),
            ColumnSpec::text("Consumer", widths[5]),
            ColumnSpec::text("Verdict", widths[6]),
            ColumnSpec::text("", widths[7]),
        ];
        let selected = shown.iter().position(|row| match row {
            Shown::Topic(topic, _) => state.chosen == Chosen::Topic(topic.topic),
            Shown::Partition(at, _) => state.chosen == Chosen::Partition(*at),
        });
        let clicked = table(
            ui,
            "topics",
            &columns,
            shown.len(),
            ROW,
            selected,
            |ui, row, column| {
                let Some(row) = shown.get(row) else {
                    return;
                };
                if let Some(act) = cell_ui(ui, row, column, wide) {
                    asked = Some(act);
                }
            },
        );
        if let (None, Some(row)) = (&asked, clicked.and_then(|row| shown.get(row))) {
            asked = Some(Asked::Choose(match row {
                Shown::Topic(topic, _) => Chosen::Topic(topic.topic),
                Shown::Partition(at, _) => Chosen::Partition(*at),
            }));
        }
    });
    match asked {
        Some(Asked::Toggle(topic)) => {
            let open = &mut cx.prefs.layout.topics.open;
            for (known, open) in Topic::ALL.into_iter().zip(open) {
                if known == topic {
                    *open = !*open;
                }
            }
        }
        Some(Asked::Choose(chosen)) => state.choose(chosen),
        Some(Asked::Replay(topic)) => state.plan_replay(topic, cx),
        None => {}
    }
}

fn cell_ui(ui: &mut Ui, shown: &Shown<'_>, column: usize, wide: bool) -> Option<Asked> {
    let (row, strong) = match shown {
        Shown::Topic(topic, _) => (&topic.row, true),
        Shown::Partition(_, row) => (*row, false),
    };
    match column {
        0 => return name_ui(ui, shown),
        1 => figure_ui(ui, &row.begin, strong),
        2 => figure_ui(ui, &row.committed, strong),
        3 => figure_ui(ui, &row.end, strong),
        4 => figure_ui(ui, &row.lag, strong),
        5 if !strong => {
            let colors = theme::colors(ui);
            let (rect, _) = ui.allocate_exact_size(vec2(BAR, 6.0), Sense::hover());
            widgets::bar(ui.painter(), rect, row.share, colors.bar, colors.grid);
        }
        6 => age_ui(ui, &row.age, strong),
        7 if strong => status_ui(ui, &row.consumer, matches!(row.consumer.0, Status::Ok)),
        7 if row.consumer.0 != Status::Ok => {
            let muted = theme::colors(ui).muted;
            Line::table(&row.consumer.1).color(muted).show(ui);
        }
        8 => {
            if let Some(verdict) = &row.verdict {
                status_ui(ui, verdict, verdict.0 == Status::Neutral);
            }
        }
        9 => {
            if let Shown::Topic(topic, _) = shown {
                let label = format!("Replay {}\u{2026}", topic.topic.name());
                let text = if wide { "Replay\u{2026}" } else { "" };
                let replay = Btn::new(text)
                    .icon(Icon::RotateCcw)
                    .look(Look::Quiet)
                    .small()
                    .label(&label)
                    .hint(
                        "Plan to move the group of this topic; nothing moves before it is reviewed",
                    );
                return replay.clicked(ui).then_some(Asked::Replay(topic.topic));
            }
        }
        _ => {}
    }
    None
}

/// Name of a topic with its arrow, or of a partition: the part of a row that the keyboard reaches.
fn name_ui(ui: &mut Ui, shown: &Shown<'_>) -> Option<Asked> {
    let colors = theme::colors(ui);
    let rect = ui.available_rect_before_wrap();
    match shown {
        Shown::Topic(topic, open) => {
            let arrow = if *open {
                Icon::ChevronDown
            } else {
                Icon::ChevronRight
            };
            let at = Rect::from_min_size(rect.min, vec2(18.0, rect.height()));
            let name = topic.topic.name();
            let toggle = ui
                .interact(at, ui.scope_id().with(("toggle", name)), Sense::click())
                .on_hover_cursor(CursorIcon::PointingHand);
            ui.painter().text(
                at.center(),
                Align2::CENTER_CENTER,
                char::from(arrow),
                theme::icon_font(14.0),
                colors.muted,
            );
            let verb = if *open { "Fold" } else { "Unfold" };
            toggle.widget_info(|| {
                WidgetInfo::selected(Role::Button, true, *open, format!("{verb} {name}"))
            });
            let mut x = at.right() + 6.0;
            if let Topic::Lines(region) = topic.topic {
                let center = pos2(x + 5.0, rect.center().y);
                widgets::marker(ui.painter(), center, region.home(), colors.region(region));
                x += 18.0;
            }
            let left = Rect::from_min_max(pos2(x, rect.top()), rect.max);
            let chosen = choice_ui(ui, left, name, &format!("Show {name}"), true);
            if toggle.clicked() || chosen.double_clicked() {
                return Some(Asked::Toggle(topic.topic));
            }
            chosen
                .clicked()
                .then_some(Asked::Choose(Chosen::Topic(topic.topic)))
        }
        Shown::Partition(at, _) => {
            let number = at.partition.0;
            let left = Rect::from_min_max(pos2(rect.left() + 30.0, rect.top()), rect.max);
            let label = format!("Show {} partition {number}", at.topic.name());
            let text = format!("partition {number}");
            choice_ui(ui, left, &text, &label, false)
                .clicked()
                .then_some(Asked::Choose(Chosen::Partition(*at)))
        }
    }
}

fn choice_ui(
    ui: &mut Ui,
    rect: Rect,
    text: &str,
    label: &str,
    strong: bool,
) -> eframe::egui::Response {
    let response = ui.interact(rect, ui.scope_id().with(label), Sense::click());
    let builder = UiBuilder::new()
        .max_rect(rect)
        .layout(eframe::egui::Layout::left_to_right(
            eframe::egui::Align::Center,
        ));
    let muted = theme::colors(ui).muted;
    ui.scope_builder(builder, |ui| {
        let line = Line::table(text);
        if strong {
            line.medium().show(ui)
        } else {
            line.color(muted).show(ui)
        }
    });
    widgets::focus_inside(ui, &response, rect, size::RADIUS_BADGE);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    response
}

fn figure_ui(ui: &mut Ui, figure: &Figure, strong: bool) {
    let colors = theme::colors(ui);
    let line = Line::table(figure.words());
    let line = match figure {
        Figure::Known(_) if strong => line.medium(),
        Figure::Known(_) => line,
        Figure::Part { .. } | Figure::Unknown(_) => line.color(colors.unknown),
    };
    let response = line.show(ui);
    if let Some(reason) = figure.reason() {
        response.on_hover_text(reason);
    }
}

fn age_ui(ui: &mut Ui, age: &Reading<Duration>, strong: bool) {
    match age {
        Reading::Known(age) if strong => {
            Line::table(format::age(*age)).medium().show(ui);
        }
        Reading::Known(age) => {
            Line::table(format::age(*age)).show(ui);
        }
        Reading::Stale { .. } | Reading::Unknown(_) => {
            widgets::reading(ui, age, Type::Table, |age| format::age(*age));
        }
    }
}

fn status_ui(ui: &mut Ui, (status, words): &(Status, String), quiet: bool) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.x = 4.0;
    if quiet {
        let line = Line::table(words).color(colors.muted);
        line.show(ui).on_hover_text(words);
        return;
    }
    widgets::status_icon(ui, *status);
    let color = match status {
        Status::Ok => colors.text,
        status => status.color(colors),
    };
    let font = theme::font(Type::Table, Weight::Medium);
    let fits = ui
        .painter()
        .layout_no_wrap(words.clone(), font, color)
        .size()
        .x
        <= ui.available_width();
    let response = Line::table(words).medium().color(color).show(ui);
    if !fits {
        response.on_hover_text(words);
    }
}
