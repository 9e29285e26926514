//! Profiles, the form of one, and the test of its connection.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use eframe::egui::{
    Align, Context, CornerRadius, CursorIcon, Layout, Rect, Role, ScrollArea, Sense, Ui,
    WidgetInfo, pos2, vec2,
};
use retail_engine::config::{LiveSettings, Secret};
use retail_engine::connect::{self, Step, StepResult};
use retail_engine::model::Dc;

use super::{code_ui, field_ui};
use crate::files::{Choosing, Chosen, no_dialog};
use crate::pages::Cx;
use crate::runbook::Outcome;
use crate::theme::{self, Icon, size};
use crate::views::format;
use crate::views::overview::dc_state;
use crate::views::setup::profile::{self, Draft, Profile};
use crate::views::setup::test as words;
use crate::widgets::{
    self, Btn, Line, Look, Panel, Split, Status, TextField, rect_ui, split_columns, split_rows,
};

/// Why no live profile can be used yet.
const NO_LIVE: &str = "live mode comes with the Kafka and Cassandra adapters";
/// Width of the labels of the form.
const LABEL: f32 = 92.0;

/// What is shown in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Shown {
    /// What runs.
    #[default]
    Embedded,
    /// A profile: the settings as they are, one of the folder, or a new one.
    Live(LiveChoice),
}

/// A live profile in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LiveChoice {
    /// The settings of live mode that this program was started with.
    AsSet,
    /// One of the folder.
    Saved(String),
    /// One that is not saved.
    New,
}

/// A test, running or over.
struct Testing {
    of: Draft,
    told: Vec<(Step, StepResult)>,
    coming: Option<Receiver<(Step, StepResult)>>,
    act: crate::runbook::ActId,
}

/// What the tab remembers.
#[derive(Default)]
pub(super) struct State {
    chosen: Shown,
    /// Read from the folder; `None` before the tab was first shown, or when it must be read again.
    profiles: Option<Vec<Profile>>,
    draft: Draft,
    /// The draft as it was taken up.
    before: Draft,
    testing: Option<Testing>,
    importing: Option<Choosing>,
}

impl State {
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.take_steps(cx);
        if let Some(choosing) = self.importing.take() {
            match choosing.poll(cx.ctx) {
                Chosen::Waiting => self.importing = Some(choosing),
                Chosen::Nothing => {}
                Chosen::NoDialog => no_dialog(cx.notices),
                Chosen::File(path) => match profile::read(&path) {
                    Ok(draft) => {
                        self.chosen = Shown::Live(LiveChoice::New);
                        self.before = Draft::default();
                        self.draft = draft;
                    }
                    Err(why) => cx.notices.push(
                        format!("{} is no profile: {why}", path.display()),
                        Some("import a settings file (TOML) or a .env file".to_owned()),
                    ),
                },
            }
        }
    }

    /// Takes the steps that are over.
    fn take_steps(&mut self, cx: &mut Cx<'_>) {
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

    /// Saves the profile that is shown, without passwords.
    pub(super) fn export(&self, cx: &mut Cx<'_>) {
        if self.chosen == Shown::Embedded {
            let text = retail_engine::config::template();
            cx.files
                .save(cx.ctx, "retail.toml", move || Ok(text.into_bytes()));
            return;
        }
        let (name, text) = (
            format!("{}.toml", self.draft.name.trim()),
            self.draft.toml(),
        );
        cx.files.save(cx.ctx, &name, move || Ok(text.into_bytes()));
    }

    /// The acts of the title row, from the right.
    pub(super) fn acts_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let in_use = "it is in use";
        let why = match self.chosen {
            Shown::Embedded => in_use,
            Shown::Live(_) => NO_LIVE,
        };
        Btn::new("Use this profile").blocked(Some(why)).show(ui);
        let export = match self.chosen {
            Shown::Embedded => "Export template\u{2026}",
            Shown::Live(_) => "Export without secrets\u{2026}",
        };
        if Btn::new(export).clicked(ui) {
            self.export(cx);
        }
        if Btn::new("Import\u{2026}").clicked(ui) {
            let title = "Import a profile";
            self.importing = Some(cx.files.open(cx.ctx, title, &["toml", "env"]));
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if self.profiles.is_none() {
            self.profiles = Some(profile::all(&cx.settings.data_dir));
        }
        let room = ui.available_rect_before_wrap();
        let [list, form, right] = split_columns(
            room,
            [
                Split::Points(214.0),
                Split::Points(312.0),
                Split::Share(1.0),
            ],
        );
        self.list_ui(ui, list, cx);
        match self.chosen.clone() {
            Shown::Embedded => {
                let both = Rect::from_min_max(form.min, right.max);
                embedded_ui(ui, both, cx);
            }
            Shown::Live(choice) => {
                self.form_ui(ui, form, &choice, cx);
                let [test, file] = split_rows(right, [Split::Points(304.0), Split::Share(1.0)]);
                self.test_ui(ui, test, cx);
                self.file_ui(ui, file);
            }
        }
    }

    fn list_ui(&mut self, ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
        let mut chosen = None;
        let current = self.chosen.clone();
        let profiles = self.profiles.clone().unwrap_or_default();
        let mut add = false;
        Panel::titled("Profiles").show_with(
            ui,
            rect,
            |ui| {
                add = Btn::new("")
                    .icon(Icon::Plus)
                    .label("New profile")
                    .look(Look::Quiet)
                    .small()
                    .clicked(ui);
            },
            |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let foot = 62.0;
                let height = (ui.available_height() - foot).max(60.0);
                ScrollArea::vertical().id_salt("profiles").max_height(height).auto_shrink([false, false]).show(ui, |ui| {
                    let on = current == Shown::Embedded;
                    if entry_ui(ui, "Embedded", "in use", "this machine", Status::Ok, on) {
                        chosen = Some(Shown::Embedded);
                    }
                    let as_set = Shown::Live(LiveChoice::AsSet);
                    let summary = Draft::of("live", &cx.settings.live).summary();
                    let on = current == as_set;
                    if entry_ui(ui, "live", "as set", &summary, Status::Unknown, on) {
                        chosen = Some(as_set);
                    }
                    for profile in &profiles {
                        let this = Shown::Live(LiveChoice::Saved(profile.name.clone()));
                        let (status, note) = match &profile.draft {
                            Ok(draft) => (Status::Unknown, draft.summary()),
                            Err(_) => (Status::Critical, "cannot be read".to_owned()),
                        };
                        if entry_ui(ui, &profile.name, "", &note, status, current == this) {
                            chosen = Some(this);
                        }
                    }
                    let new = Shown::Live(LiveChoice::New);
                    if current == new {
                        let note = "not saved";
                        entry_ui(ui, &self.draft.name, "new", note, Status::Unknown, true);
                    }
                });
                let muted = theme::colors(ui).muted;
                Line::caption(
                    "Passwords come from the environment or a settings file of mode 600. They are never written to a profile, log or report.",
                )
                .color(muted)
                .wrapped()
                .show(ui);
            },
        );
        if add {
            chosen = Some(Shown::Live(LiveChoice::New));
        }
        if let Some(chosen) = chosen {
            self.take_up(chosen, cx);
        }
    }

    /// Shows another profile.
    fn take_up(&mut self, chosen: Shown, cx: &mut Cx<'_>) {
        let draft = match &chosen {
            Shown::Embedded => Draft::default(),
            Shown::Live(LiveChoice::AsSet) => Draft::of("live", &cx.settings.live),
            Shown::Live(LiveChoice::New) => Draft {
                name: "new-profile".to_owned(),
                ..Draft::of("", &cx.settings.live)
            },
            Shown::Live(LiveChoice::Saved(name)) => {
                let saved = self.profiles.iter().flatten().find(|p| p.name == *name);
                match saved.map(|profile| profile.draft.clone()) {
                    Some(Ok(draft)) => draft,
                    Some(Err(why)) => {
                        let remedy = "mend the file, or save the profile again";
                        cx.notices.push(why, Some(remedy.to_owned()));
                        Draft {
                            name: name.clone(),
                            ..Draft::default()
                        }
                    }
                    None => Draft::default(),
                }
            }
        };
        self.before = draft.clone();
        self.draft = draft;
        self.chosen = chosen;
    }

    fn form_ui(&mut self, ui: &mut Ui, rect: Rect, choice: &LiveChoice, cx: &mut Cx<'_>) {
        let changed = self.draft != self.before || *choice == LiveChoice::New;
        let title = self.draft.name.clone();
        let (mut save, mut undo) = (false, false);
        Panel::titled(&title).show_with(
            ui,
            rect,
            |ui| {
                let muted = theme::colors(ui).muted;
                let said = match (choice, changed) {
                    (_, true) => "changed, not saved",
                    (LiveChoice::AsSet, false) => "the settings in force",
                    (_, false) => "saved",
                };
                Line::caption(said).color(muted).show(ui);
            },
            |ui| {
                let height = ui.available_height() - size::CONTROL - 12.0;
                ScrollArea::vertical()
                    .id_salt("form")
                    .max_height(height)
                    .auto_shrink([false, false])
                    .show(ui, |ui| {
                        fields_ui(ui, &mut self.draft, &cx.settings.live);
                    });
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let nothing = (!changed).then_some("nothing was changed");
                    let fault = self.draft.fault().or(nothing);
                    save = Btn::new("Save").changes().blocked(fault).clicked(ui);
                    if let Some(fault) = self.draft.fault() {
                        let critical = theme::colors(ui).critical;
                        Line::caption(fault).color(critical).show(ui);
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        undo = Btn::new("Undo changes")
                            .icon(Icon::Undo2)
                            .blocked(nothing)
                            .clicked(ui);
                    });
                });
            },
        );
        if undo {
            self.draft = self.before.clone();
        }
        if save {
            self.save(cx);
        }
    }

    fn save(&mut self, cx: &mut Cx<'_>) {
        let name = self.draft.name.trim().to_owned();
        let what = format!("Save profile {name}");
        let act = cx.runbook.begin(cx.snapshot.at, what, None);
        match profile::write(&cx.settings.data_dir, &self.draft) {
            Ok(path) => {
                let told = format!("Saved {}", path.display());
                cx.runbook.end(act, Outcome::Done(told.clone()));
                cx.notices.done(told);
                self.chosen = Shown::Live(LiveChoice::Saved(name));
                self.before = self.draft.clone();
                self.profiles = None;
            }
            Err(error) => {
                cx.runbook.end(act, Outcome::Failed(error.clone()));
                let remedy = "free some space, or check the permissions of the data directory";
                cx.notices.push(error, Some(remedy.to_owned()));
            }
        }
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

    fn test_ui(&mut self, ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
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

    fn file_ui(&self, ui: &mut Ui, rect: Rect) {
        let text = self.draft.toml();
        Panel::titled("As a settings file")
            .note("what --config reads")
            .show_with(
                ui,
                rect,
                |ui| {
                    if Btn::new("Copy").icon(Icon::Copy).small().clicked(ui) {
                        ui.ctx().copy_text(text.clone());
                    }
                },
                |ui| code_ui(ui, "profile", &text),
            );
    }
}

/// The fields of a profile. Passwords are shown as set or not set, never as text.
fn fields_ui(ui: &mut Ui, draft: &mut Draft, given: &LiveSettings) {
    ui.spacing_mut().item_spacing.y = 3.0;
    let width = (ui.available_width() - LABEL - 12.0).max(120.0);
    let text = |ui: &mut Ui, label: &str, name: &str, value: &mut String, hint: &str| {
        field_ui(ui, label, LABEL, |ui| {
            TextField::new(name).hint(hint).width(width).show(ui, value);
        });
    };
    text(ui, "Name", "Profile name", &mut draft.name, "lab-3dc");
    group_ui(ui, "Kafka");
    let hint = "host:port, host:port";
    text(ui, "Brokers", "Kafka brokers", &mut draft.brokers, hint);
    text(ui, "User", "Kafka user", &mut draft.kafka_user, "none");
    secret_ui(ui, &given.kafka_password, "RETAIL_KAFKA_PASSWORD");
    group_ui(ui, "Cassandra");
    text(ui, "Nodes", "Cassandra nodes", &mut draft.nodes, hint);
    text(
        ui,
        "Keyspace",
        "Cassandra keyspace",
        &mut draft.keyspace,
        "retail",
    );
    let user = &mut draft.cassandra_user;
    text(ui, "User", "Cassandra user", user, "none");
    secret_ui(ui, &given.cassandra_password, "RETAIL_CASSANDRA_PASSWORD");
}

fn group_ui(ui: &mut Ui, name: &str) {
    let colors = theme::colors(ui);
    ui.add_space(4.0);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    let stroke = eframe::egui::Stroke::new(1.0, colors.line);
    ui.painter().hline(rect.x_range(), rect.center().y, stroke);
    Line::table(name).color(colors.muted).show(ui);
}

fn secret_ui(ui: &mut Ui, secret: &Secret, variable: &str) {
    field_ui(ui, "Password", LABEL, |ui| {
        let muted = theme::colors(ui).muted;
        if secret.is_set() {
            widgets::status_icon(ui, Status::Ok);
            Line::table("set, not shown").show(ui);
        } else {
            let why = format!("not set: {variable}");
            Line::caption(&why).color(muted).show(ui).on_hover_text(why);
        }
    });
}

/// One profile of the list; whether it was chosen.
fn entry_ui(ui: &mut Ui, name: &str, tag: &str, note: &str, status: Status, on: bool) -> bool {
    let colors = theme::colors(ui);
    let room = vec2(ui.available_width(), 46.0);
    let (rect, response) = ui.allocate_exact_size(room, Sense::click());
    if on || response.hovered() {
        let radius = CornerRadius::same(size::RADIUS);
        ui.painter().rect_filled(rect, radius, colors.raised);
    }
    if on {
        let mark = Rect::from_min_size(rect.left_top() + vec2(0.0, 7.0), vec2(2.0, 32.0));
        ui.painter()
            .rect_filled(mark, CornerRadius::ZERO, colors.text);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect,
            CornerRadius::same(size::RADIUS),
            eframe::egui::Stroke::new(2.0, colors.focus),
            eframe::egui::StrokeKind::Inside,
        );
    }
    let inner = Rect::from_min_max(
        pos2(rect.left() + 8.0, rect.top() + 5.0),
        pos2(rect.right() - 6.0, rect.bottom()),
    );
    rect_ui(ui, inner, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.horizontal(|ui| {
            widgets::status_icon(ui, status);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                Line::caption(tag).color(colors.muted).show(ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    Line::table(name).medium().show(ui);
                });
            });
        });
        ui.horizontal(|ui| {
            ui.add_space(22.0);
            Line::caption(note).color(colors.muted).show(ui);
        });
    });
    let label = format!("Profile {name}");
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &label));
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
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

/// What runs: facts, each measured.
fn embedded_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>) {
    Panel::titled("Embedded").note("log, data centres and figures inside this process").show_with(
        ui,
        rect,
        |ui| {
            widgets::badge(ui, Status::Ok, "In use");
        },
        |ui| {
            let mut facts: Vec<(&str, Status, String)> = vec![(
                "Data directory",
                Status::Ok,
                cx.settings.data_dir.display().to_string(),
            )];
            let file = cx.start.config_file.as_ref();
            facts.push((
                "Settings file",
                Status::Neutral,
                file.map_or_else(
                    || "none; the defaults, the environment and the command line".to_owned(),
                    |path| path.display().to_string(),
                ),
            ));
            if let Some(time) = cx.link.opened_in() {
                facts.push(("Opened in", Status::Ok, format::duration(time)));
            }
            let partitions = cx.snapshot.partitions.len();
            facts.push(if partitions == 0 {
                ("Log", Status::Unknown, "Unknown: not sampled yet".to_owned())
            } else {
                ("Log", Status::Ok, format!("{partitions} partitions in 4 topics"))
            });
            for dc in Dc::ALL {
                let (status, word) = dc_state(cx.snapshot.dcs[dc].verdict);
                facts.push((dc.name(), status, word.to_owned()));
            }
            facts.push(match cx.snapshot.monitoring_port {
                Some(port) => (
                    "Metrics",
                    Status::Ok,
                    format!("http://127.0.0.1:{port}/metrics"),
                ),
                None => ("Metrics", Status::Neutral, "not served".to_owned()),
            });
            ui.spacing_mut().item_spacing.y = 0.0;
            for (label, status, text) in facts {
                field_ui(ui, label, 120.0, |ui| {
                    widgets::status_icon(ui, status);
                    Line::table(text).show(ui);
                });
            }
            ui.add_space(10.0);
            let muted = theme::colors(ui).muted;
            Line::table(
                "The three data centres are replicas of this process and are marked Simulated everywhere. \
                 The files on disk are real. Nothing has to be connected.",
            )
            .color(muted)
            .wrapped()
            .show(ui);
        },
    );
}
