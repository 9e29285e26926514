//! The test of a connection, step by step.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use eframe::egui::{Align, Context, Layout, Rect, Sense, Ui, pos2, vec2};
use retail_engine::connect::{self, Step, StepResult};

use super::State;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::theme::{self, Icon};
use crate::views::setup::profile::Draft;
use crate::views::setup::test as words;
use crate::widgets::{self, Btn, Line, Panel, Split, Status, split_columns};

/// A test, running or over.
pub(super) struct Testing {
    of: Draft,
    told: Vec<(Step, StepResult)>,
    coming: Option<Receiver<(Step, StepResult)>>,
    act: ActId,
}

impl State {
    /// Takes the steps that are over.
    pub(super) fn take_steps(&mut self, cx: &mut Cx<'_>) {
        let Some(testing) = &mut self.testing else {
            return;
        };
        let Some(coming) = &testing.coming else {
            return;
        };
        loop {
            match coming.try_recv() {
                Ok(step) => testing.told.push(step),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => break,
            }
        }
        testing.coming = None;
        let (_, verdict) = words::verdict(&testing.told);
        let outcome = match words::failure(&testing.told) {
            Some(failure) => Outcome::Failed(format!("{verdict}: {}", failure.what)),
            None => Outcome::Done(verdict),
        };
        cx.runbook.end(testing.act, outcome);
    }

    fn start_test(&mut self, cx: &mut Cx<'_>) {
        // Each step is told once.
        let (sender, receiver) = sync_channel(Step::ALL.len());
        let live = self.draft.live(&cx.settings.live);
        let ctx: Context = cx.ctx.clone();
        let started = std::thread::Builder::new()
            .name("connection-test".to_owned())
            .spawn(move || {
                connect::test(&live, &mut |step, result| {
                    if sender.send((step, result)).is_err() {
                        tracing::debug!("nobody waits for this test any more");
                    }
                    ctx.request_repaint();
                });
                drop(sender);
                ctx.request_repaint();
            });
        let what = format!("Test the connection of {}", self.draft.name.trim());
        let act = cx.runbook.begin(cx.snapshot.at, what, None);
        match started {
            Ok(_runs_by_itself) => {
                self.testing = Some(Testing {
                    of: self.draft.clone(),
                    told: Vec::new(),
                    coming: Some(receiver),
                    act,
                });
            }
            Err(error) => {
                let told = format!("the test was not started: {error}");
                cx.runbook.end(act, Outcome::Failed(told.clone()));
                cx.notices.push(told, None);
            }
        }
    }

    pub(super) fn test_ui(&mut self, ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
        let (mut start, mut first) = (false, false);
        let testing = self.testing.as_ref();
        let running = testing.is_some_and(|testing| testing.coming.is_some());
        let stale = testing.is_some_and(|testing| testing.of != self.draft);
        Panel::titled("Test").show_with(
            ui,
            rect,
            |ui| {
                let text = match testing {
                    None => "Test connection",
                    Some(_) => "Test again",
                };
                let busy = running.then_some("the test runs");
                start = Btn::new(text).icon(Icon::Play).small().blocked(busy).clicked(ui);
                if stale {
                    widgets::badge(ui, Status::Stale, "Stale: the profile was changed since");
                } else if let Some(testing) = testing {
                    let (status, word) = words::verdict(&testing.told);
                    widgets::badge(ui, status, &word);
                }
            },
            |ui| match testing {
                None => {
                    let why = "Not tested. A test resolves each name and connects to each port; it sends nothing.";
                    first = widgets::empty_state(ui, why, Some("Run the test"));
                }
                Some(testing) => steps_ui(ui, &testing.told),
            },
        );
        if start || first {
            self.start_test(cx);
        }
    }
}

/// The ten steps in two columns, and the first failure below.
fn steps_ui(ui: &mut Ui, told: &[(Step, StepResult)]) {
    let rows = words::rows(told);
    let colors = theme::colors(ui);
    let room = ui.available_rect_before_wrap();
    let half = rows.len().div_ceil(2);
    let height = 23.0;
    let grid = Rect::from_min_size(room.min, vec2(room.width(), height * half as f32));
    let columns = split_columns(grid, [Split::Share(1.0), Split::Share(1.0)]);
    for (column, rows) in columns.into_iter().zip(rows.chunks(half)) {
        for (place, row) in rows.iter().enumerate() {
            let top = column.top() + height * place as f32;
            let at = Rect::from_min_size(pos2(column.left(), top), vec2(column.width(), height));
            let stroke = eframe::egui::Stroke::new(1.0, colors.grid);
            ui.painter().hline(at.x_range(), at.bottom(), stroke);
            let builder = eframe::egui::UiBuilder::new()
                .max_rect(at)
                .layout(Layout::right_to_left(Align::Center));
            ui.scope_builder(builder, |ui| {
                Line::table(&row.took).color(colors.muted).show(ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    widgets::status_icon(ui, row.status);
                    let name = format!("{}  {}", row.number, row.name);
                    let width = (at.width() * 0.44).max(120.0);
                    ui.allocate_ui_with_layout(
                        vec2(width, height),
                        Layout::left_to_right(Align::Center),
                        |ui| {
                            ui.set_min_width(width);
                            Line::table(name).show(ui);
                        },
                    );
                    Line::table(&row.found).color(colors.muted).show(ui);
                });
            });
        }
    }
    ui.allocate_rect(grid, Sense::hover());
    ui.add_space(8.0);
    if let Some(failure) = words::failure(told) {
        widgets::error_state(ui, &failure.what, Some(&failure.advice));
    } else if let Some(why) = words::not_tested(told) {
        ui.horizontal(|ui| {
            widgets::status_icon(ui, Status::Unknown);
            Line::table(why).color(colors.muted).show(ui);
        });
    }
}
