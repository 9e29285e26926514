//! The panel of a replay, as it is drawn: where to, what it will do, what became of it.

use std::path::Path;

use eframe::egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};
use retail_engine::model::{LoadId, Partition, Topic};

use super::TIME_FIELD;
use super::replay::{Applied, Asked, Planned, Sheet, State, is_held};
use crate::pages::Cx;
use crate::theme::{self, Icon};
use crate::views::format;
use crate::views::topics::form::Target;
use crate::views::topics::plan::{self as words, Kind, PlanView, Row, SampleView};
use crate::widgets::{
    self, Btn, ColumnSpec, Line, Look, Status, TextField, notice_line, progress_bar, radio,
    rect_ui, select, table, text_cell,
};

/// Room of the buttons at the foot.
const FOOT: f32 = 44.0;
/// Width of a field beside a choice.
const FIELD: f32 = 158.0;

/// Draws the panel over `rect`; what was asked for.
pub(super) fn sheet_ui(
    ui: &mut Ui,
    rect: Rect,
    state: &mut State,
    cx: &mut Cx<'_>,
) -> Option<Asked> {
    let applying = state.is_applying();
    let held_here = state.held;
    let State { sheet, applied, .. } = state;
    let sheet = sheet.as_mut()?;
    widgets::surface(ui, rect);
    let inner = rect.shrink2(vec2(14.0, 11.0));
    let foot = Rect::from_min_max(pos2(inner.left(), inner.bottom() - FOOT + 8.0), inner.max);
    let body = Rect::from_min_max(inner.min, pos2(inner.right(), foot.top() - 8.0));
    let mut asked = None;
    rect_ui(ui, body, |ui| {
        asked = head_ui(ui, sheet, cx);
        ScrollArea::vertical()
            .id_salt("replay")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.set_width(ui.available_width() - 10.0);
                if sheet.kind == Kind::Replay {
                    asked = asked.or(form_ui(ui, sheet, cx));
                }
                let topic = sheet.form.topic;
                asked = asked.or(consumers_ui(ui, topic, held_here, cx));
                let done = applied.as_ref().filter(|done| {
                    sheet.planned.is_none() && words::topic_of(&done.plan) == Some(topic)
                });
                asked = asked.or(result_ui(ui, sheet, applying, done, cx));
            });
    });
    rect_ui(ui, foot, |ui| {
        asked = asked.or(foot_ui(ui, sheet, applying));
    });
    asked
}

fn head_ui(ui: &mut Ui, sheet: &mut Sheet, cx: &Cx<'_>) -> Option<Asked> {
    let mut asked = None;
    let topic = sheet.form.topic;
    let title = match (sheet.kind, topic) {
        (Kind::Undo, _) => "Undo the last replay".to_owned(),
        (Kind::Replay, Topic::Lines(region)) => format!("Replay {}", region.name()),
        (Kind::Replay, Topic::Quarantine) => "Replay quarantine".to_owned(),
    };
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), theme::size::CONTROL_SMALL),
        Layout::right_to_left(Align::Center),
        |ui| {
            let x = Btn::new("")
                .icon(Icon::X)
                .label("Close replay")
                .small()
                .look(Look::Quiet);
            if x.clicked(ui) {
                asked = Some(Asked::Close);
            }
            if sheet.kind == Kind::Replay {
                partition_ui(ui, sheet, cx);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let line = Line::new(title, theme::Type::Section).semibold();
                match (sheet.kind, topic) {
                    (Kind::Replay, Topic::Lines(region)) => {
                        widgets::region_label(ui, region, line);
                    }
                    _ => {
                        line.show(ui);
                    }
                }
            });
        },
    );
    ui.add_space(6.0);
    asked
}

fn partition_ui(ui: &mut Ui, sheet: &mut Sheet, cx: &Cx<'_>) {
    let topic = sheet.form.topic;
    let of_topic = cx
        .snapshot
        .partitions
        .iter()
        .filter(|view| view.partition.topic == topic)
        .map(|view| view.partition.partition);
    let mut choices: Vec<(Option<Partition>, String)> = vec![(None, "All partitions".to_owned())];
    choices.extend(of_topic.map(|p| (Some(p), format!("Partition {}", p.0))));
    let chosen = Some(sheet.form.partition);
    if let Some(partition) = select(ui, "Partitions", &choices, chosen, 130.0) {
        sheet.form.partition = partition;
    }
}

fn form_ui(ui: &mut Ui, sheet: &mut Sheet, cx: &Cx<'_>) -> Option<Asked> {
    let mut asked = None;
    ui.spacing_mut().item_spacing.y = 2.0;
    for target in Target::ALL {
        let on = sheet.form.target == target;
        ui.horizontal(|ui| {
            // A time with its zone needs more room than its words.
            let keep = match target {
                Target::Time => TIME_FIELD + 22.0,
                _ => FIELD + 10.0,
            };
            if radio(ui, target.words(), on, keep).clicked() {
                sheet.form.target = target;
                if target == Target::File && sheet.form.file.is_none() {
                    asked = Some(Asked::ChooseFile);
                }
            }
            let field = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                field_ui(ui, sheet, target, on, cx)
            });
            asked = asked.or(field.inner);
        });
        if on && target == Target::Offsets {
            offsets_ui(ui, sheet);
        }
    }
    let reading = sheet.reading.as_ref();
    let reading = reading.filter(|_| sheet.form.target == Target::File);
    let waits = match (reading, &sheet.missing) {
        (Some(reading), _) => Some(format!("Reading {}\u{2026}", name_of(reading.path()))),
        (None, missing) => missing.as_ref().map(|missing| format!("Needed: {missing}")),
    };
    if let Some(waits) = waits {
        ui.add_space(4.0);
        notice_line(ui, Status::Neutral, &waits);
    }
    ui.add_space(6.0);
    rule(ui);
    asked
}

/// What stands beside a choice: its field, or how much it is.
fn field_ui(
    ui: &mut Ui,
    sheet: &mut Sheet,
    target: Target,
    on: bool,
    cx: &Cx<'_>,
) -> Option<Asked> {
    let muted = theme::colors(ui).muted;
    let form = &mut sheet.form;
    match target {
        Target::Time if on => {
            TextField::new("Time")
                .hint("14:04:24")
                .width(TIME_FIELD)
                .show(ui, &mut form.time);
        }
        Target::Back if on => {
            TextField::new("Lines back")
                .width(FIELD - 12.0)
                .show(ui, &mut form.back);
        }
        Target::Load if on => {
            let loads: Vec<(LoadId, String)> = cx
                .snapshot
                .loads
                .iter()
                .rev()
                .map(|load| {
                    let file = load.file.file_name().unwrap_or_default().to_string_lossy();
                    (load.id, format!("{} {file}", load.id))
                })
                .collect();
            if let Some(load) = select(ui, "Load", &loads, form.load, FIELD) {
                form.load = Some(load);
            }
        }
        Target::Load => {
            let load = form
                .load
                .map_or_else(|| "no load yet".to_owned(), |id| id.to_string());
            Line::table(load).color(muted).show(ui);
        }
        Target::File => {
            let name = form.file.as_ref().map(|(path, _)| name_of(path));
            if on || name.is_some() {
                let text = name.as_deref().unwrap_or("Choose file\u{2026}");
                let button = Btn::new(text)
                    .label("Choose a file of offsets\u{2026}")
                    .small();
                return button.clicked(ui).then_some(Asked::ChooseFile);
            }
        }
        Target::Beginning | Target::Latest => {
            let topic = form.topic;
            let views = || {
                let views = cx.snapshot.partitions.iter();
                views.filter(|view| view.partition.topic == topic)
            };
            let sum: Option<u64> = match target {
                Target::Beginning => views()
                    .map(|view| Some(view.committed?.0.saturating_sub(view.begin?.0)))
                    .sum(),
                _ => views().map(|view| view.lag.known()).sum(),
            };
            let words = match sum {
                Some(lines) => format!("{} lines", format::count(lines)),
                None => "Unknown".to_owned(),
            };
            Line::table(words).color(muted).show(ui);
        }
        Target::Time | Target::Offsets | Target::Back => {}
    }
    None
}

/// A file without its folder.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn offsets_ui(ui: &mut Ui, sheet: &mut Sheet) {
    let only = sheet.form.partition;
    let muted = theme::colors(ui).muted;
    for (partition, text) in &mut sheet.form.offsets {
        if only.is_some_and(|only| only != *partition) {
            continue;
        }
        ui.horizontal(|ui| {
            ui.add_space(24.0);
            let name = format!("Partition {}", partition.0);
            let width = (ui.available_width() - FIELD).max(60.0);
            ui.allocate_ui(vec2(width, theme::size::CONTROL), |ui| {
                ui.set_min_width(width);
                ui.centered_and_justified(|ui| {
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        Line::table(&name).color(muted).show(ui);
                    });
                });
            });
            let label = format!("Offset of partition {}", partition.0);
            TextField::new(&label)
                .hint("stays")
                .width(FIELD - 12.0)
                .show(ui, text);
        });
    }
}

/// Whether the group stands still while the plan is looked at.
fn consumers_ui(ui: &mut Ui, topic: Topic, held_here: bool, cx: &Cx<'_>) -> Option<Asked> {
    let held = is_held(cx, topic);
    let lag: Option<u64> = cx
        .snapshot
        .partitions
        .iter()
        .filter(|view| view.partition.topic == topic)
        .map(|view| view.lag.known())
        .sum();
    let moves = lag.is_none_or(|lines| lines > 0);
    let mut asked = None;
    if held || moves {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let (text, act) = if held {
                    ("Resume consumers", Asked::Resume)
                } else {
                    ("Hold consumers", Asked::Hold)
                };
                if Btn::new(text).small().changes().clicked(ui) {
                    asked = Some(act);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let (status, words) = match (held, held_here) {
                        (true, true) => (Status::Warn, "Held: nothing is consumed while you look"),
                        (true, false) => (Status::Warn, "The consumers are held"),
                        (false, _) => (Status::Neutral, "It reads on; a plan may be refused"),
                    };
                    widgets::status_icon(ui, status);
                    Line::table(words).show(ui);
                });
            });
        });
        ui.add_space(4.0);
        rule(ui);
    }
    asked
}

fn result_ui(
    ui: &mut Ui,
    sheet: &Sheet,
    applying: bool,
    done: Option<&Applied>,
    cx: &Cx<'_>,
) -> Option<Asked> {
    ui.add_space(6.0);
    let mut asked = None;
    if let Some((message, remedy)) = &sheet.error {
        widgets::error_state(ui, &format!("Nothing was moved: {message}"), Some(remedy));
        ui.add_space(6.0);
        if Btn::new("Plan again")
            .icon(Icon::RotateCcw)
            .small()
            .clicked(ui)
        {
            return Some(Asked::PlanAgain);
        }
    }
    if applying {
        section_ui(ui, "Moving the group", |_| {});
        widgets::line(
            ui,
            "The consumers finish what is in flight, then the offsets are set",
        );
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_millis(100));
        return None;
    }
    if let Some(planned) = &sheet.planned {
        planned_ui(ui, planned);
    } else if let Some(done) = done {
        asked = applied_ui(ui, done, cx);
    } else if sheet.asked.waiting().is_some() {
        section_ui(ui, "What it will do", |_| {});
        widgets::line(ui, "Reading the offsets of the group\u{2026}");
    }
    asked
}

fn planned_ui(ui: &mut Ui, planned: &Planned) {
    section_ui(ui, "What it will do", |ui| {
        widgets::badge(ui, Status::Ok, "dry run, nothing changed").on_hover_text(format!(
            "Made from the offsets of {}",
            format::clock(planned.at)
        ));
    });
    let view = &planned.view;
    rows_ui(ui, view, ["Committed now", "After"]);
    ui.add_space(6.0);
    rule(ui);
    ui.add_space(4.0);
    for (name, value) in &view.facts {
        pair_ui(ui, name, value);
    }
    ui.add_space(6.0);
    rule(ui);
    sample_ui(ui, planned.sample().as_ref());
    rule(ui);
    ui.add_space(4.0);
    let muted = theme::colors(ui).muted;
    for (place, step) in view.steps.iter().enumerate() {
        ui.horizontal_top(|ui| {
            let number = (place + 1).to_string();
            Line::table(number).color(muted).show(ui);
            ui.add_space(6.0);
            Line::table(step).wrapped().show(ui);
        });
    }
}

/// A few of the lines, before and after.
fn sample_ui(ui: &mut Ui, sample: Option<&SampleView>) {
    ui.add_space(4.0);
    section_ui(ui, "A sample of rows, before and after", |_| {});
    let Some(sample) = sample else {
        widgets::line(ui, "Looking a few of them up\u{2026}");
        return;
    };
    ui.horizontal_top(|ui| {
        widgets::status_icon(ui, sample.status);
        Line::table(&sample.found).wrapped().show(ui);
    });
    if !sample.rows.is_empty() {
        let columns = [
            ColumnSpec::rest("Row"),
            ColumnSpec::text("Before", 70.0),
            ColumnSpec::text("After", 60.0),
        ];
        let height = theme::size::ROW_DENSE;
        let room = vec2(
            ui.available_width(),
            28.0 + height * sample.rows.len() as f32,
        );
        ui.allocate_ui(room, |ui| {
            ui.set_min_height(room.y);
            table(
                ui,
                "rows that differ",
                &columns,
                sample.rows.len(),
                height,
                None,
                |ui, row, column| {
                    if let Some(text) = sample.rows.get(row).and_then(|row| row.get(column)) {
                        text_cell(ui, text);
                    }
                },
            );
        });
    }
    ui.add_space(4.0);
}

fn applied_ui(ui: &mut Ui, done: &Applied, cx: &Cx<'_>) -> Option<Asked> {
    let title = match done.kind {
        Kind::Replay => "What was done",
        Kind::Undo => "What was undone",
    };
    section_ui(ui, title, |ui| {
        widgets::badge(ui, Status::Ok, "read back, as planned")
            .on_hover_text(format!("Moved at {}", format::clock(done.at)));
    });
    let (words, share) = match (done.over, done.is_seen()) {
        (Some(_), _) => (words::all_read(&done.plan), 1.0),
        (None, false) => ("Moved; not measured since".to_owned(), 0.0),
        (None, true) => {
            let progress = words::progress(&done.plan, cx.snapshot);
            (progress.words(), progress.share())
        }
    };
    ui.horizontal(|ui| {
        Line::table(&words).medium().show(ui);
        if let Some(over) = done.over {
            let took = (over - done.at).to_std().unwrap_or_default();
            let muted = theme::colors(ui).muted;
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let took = format!("within {}", format::duration(took));
                Line::table(took).color(muted).show(ui);
            });
        }
    });
    progress_bar(ui, share, &words);
    ui.add_space(6.0);
    rows_ui(ui, &done.view, ["Stood at", "Set to"]);
    ui.add_space(8.0);
    let mut asked = None;
    ui.horizontal(|ui| {
        if done.kind == Kind::Replay
            && Btn::new("Undo\u{2026}")
                .icon(Icon::Undo2)
                .small()
                .clicked(ui)
        {
            asked = Some(Asked::Undo);
        }
        if Btn::new("Plan again")
            .icon(Icon::RotateCcw)
            .small()
            .clicked(ui)
        {
            asked = Some(Asked::PlanAgain);
        }
    });
    asked
}

fn foot_ui(ui: &mut Ui, sheet: &Sheet, applying: bool) -> Option<Asked> {
    let mut asked = None;
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let planned = sheet.planned.as_ref();
        let text = planned.map_or("Replay\u{2026}", |planned| planned.view.act.as_str());
        let blocked = if applying {
            Some("the plan is being carried out")
        } else {
            match planned {
                None => Some("there is no plan to apply yet"),
                Some(planned) => planned.view.blocked.as_deref(),
            }
        };
        let skips = planned.is_some_and(|planned| planned.view.all.skips);
        let look = if skips { Look::Danger } else { Look::Primary };
        let apply = Btn::new(text).look(look).icon(Icon::RotateCcw).changes();
        if apply.blocked(blocked).clicked(ui) {
            asked = Some(Asked::Apply);
        }
        let none = "there is no plan to copy yet";
        let copy = Btn::new("Copy command").blocked(planned.is_none().then_some(none));
        if copy.clicked(ui) {
            asked = Some(Asked::CopyCommand);
        }
    });
    asked
}

fn section_ui(ui: &mut Ui, title: &str, side: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), 20.0),
        Layout::right_to_left(Align::Center),
        |ui| {
            side(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                Line::body(title).semibold().show(ui);
            });
        },
    );
    ui.add_space(2.0);
}

fn rule(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    let stroke = eframe::egui::Stroke::new(1.0, theme::colors(ui).line);
    ui.painter().hline(rect.x_range(), rect.center().y, stroke);
}

fn pair_ui(ui: &mut Ui, name: &str, value: &str) {
    let muted = theme::colors(ui).muted;
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), 20.0),
        Layout::right_to_left(Align::Center),
        |ui| {
            Line::table(value).medium().show(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                Line::table(name).color(muted).show(ui);
            });
        },
    );
}

fn rows_ui(ui: &mut Ui, view: &PlanView, [now, after]: [&str; 2]) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let titles = ["Partition", now, after, "Read again"];
    cells_ui(ui, titles, |ui, text, _| {
        Line::caption(text).color(colors.muted).show(ui);
    });
    let one = view.rows.len() == 1;
    let all = (!one).then_some(&view.all);
    for row in view.rows.iter().chain(all) {
        let bold = row.partition == "All";
        row_ui(ui, row, bold);
        for note in &row.notes {
            Line::caption(*note).color(colors.muted).wrapped().show(ui);
        }
    }
    ui.spacing_mut().item_spacing.y = 4.0;
}

fn row_ui(ui: &mut Ui, row: &Row, bold: bool) {
    let colors = theme::colors(ui);
    let texts = [
        row.partition.as_str(),
        row.now.as_str(),
        row.after.as_str(),
        row.change.as_str(),
    ];
    cells_ui(ui, texts, |ui, text, column| {
        let line = Line::table(text);
        let line = if bold { line.semibold() } else { line };
        let line = match column {
            1 if !bold => line.color(colors.muted),
            3 if row.skips => line.color(colors.warn),
            _ => line,
        };
        line.show(ui);
    });
}

fn cells_ui(ui: &mut Ui, texts: [&str; 4], cell: impl Fn(&mut Ui, &str, usize)) {
    let stops = [0.0, 0.5, 0.74, 1.0];
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 21.0), Sense::hover());
    let stroke = eframe::egui::Stroke::new(1.0, theme::colors(ui).grid);
    ui.painter().hline(rect.x_range(), rect.bottom(), stroke);
    let mut left = rect.left();
    for (column, (text, stop)) in texts.into_iter().zip(stops).enumerate() {
        let right = rect.left() + rect.width() * stop;
        let (at, layout) = if column == 0 {
            let end = rect.left() + rect.width() * 0.2;
            let at = Rect::from_min_max(rect.min, pos2(end, rect.bottom()));
            (at, Layout::left_to_right(Align::Center))
        } else {
            let at = Rect::from_min_max(pos2(left + 6.0, rect.top()), pos2(right, rect.bottom()));
            (at, Layout::right_to_left(Align::Center))
        };
        left = if column == 0 { at.right() } else { right };
        ui.scope_builder(UiBuilder::new().max_rect(at).layout(layout), |ui| {
            cell(ui, text, column);
        });
    }
}
