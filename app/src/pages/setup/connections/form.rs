//! The form of a profile, and the file that it makes.

use eframe::egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, vec2};
use retail_engine::config::{FaultsBy, KafkaSecurity, LiveSettings, SaslMechanism, Secret};

use super::super::{code_ui, field_ui};
use super::{LiveChoice, Shown, State};
use crate::pages::Cx;
use crate::runbook::Outcome;
use crate::theme::{self, Icon, size};
use crate::views::setup::profile::{self, Draft};
use crate::widgets::{self, Btn, Line, Panel, Status, TextField, notice_line, select};

/// Width of the labels of the form.
const LABEL: f32 = 92.0;

impl State {
    pub(super) fn form_ui(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        choice: &LiveChoice,
        cx: &mut Cx<'_>,
    ) {
        let changed = self.draft != self.before || *choice == LiveChoice::New;
        let (title, kind) = (self.draft.name.clone(), self.draft.kind().word());
        let (mut save, mut undo) = (false, false);
        Panel::titled(&title).show_with(
            ui,
            rect,
            |ui| {
                let muted = theme::colors(ui).muted;
                let said = match (choice, changed) {
                    (_, true) => "changed, not saved",
                    (LiveChoice::AsSet, false) => "the settings in force",
                    (LiveChoice::Docker, false) => "comes with the program",
                    (_, false) => "saved",
                };
                widgets::badge(ui, Status::Neutral, kind);
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
                let saved = LiveChoice::Saved(name);
                self.unsaved.retain(|known| known.of != saved);
                self.chosen = Shown::Live(saved);
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

    pub(super) fn file_ui(&self, ui: &mut Ui, rect: Rect) {
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
    let mut kinds = vec![
        (FaultsBy::None, "PROD: never broken".to_owned()),
        (FaultsBy::Native, "LAB: of this program".to_owned()),
    ];
    if draft.lab.faults == FaultsBy::Commands {
        kinds.push((FaultsBy::Commands, "LAB: by commands".to_owned()));
    }
    choice_ui(
        ui,
        "Kind",
        "Kind of the profile",
        &kinds,
        &mut draft.lab.faults,
        width,
    );
    group_ui(ui, "Kafka");
    let hint = "host:port, host:port";
    text(ui, "Brokers", "Kafka brokers", &mut draft.brokers, hint);
    let protected = [
        (KafkaSecurity::Plaintext, "Not encrypted, no account"),
        (KafkaSecurity::Tls, "TLS"),
        (KafkaSecurity::SaslTls, "TLS and an account (SASL)"),
        (KafkaSecurity::SaslPlaintext, "An account, not encrypted"),
    ]
    .map(|(security, words)| (security, words.to_owned()));
    let security = &mut draft.kafka_security;
    choice_ui(
        ui,
        "Security",
        "Kafka security",
        &protected,
        security,
        width,
    );
    if draft.kafka_security.is_encrypted() {
        let ca_file = &mut draft.kafka_ca_file;
        text(
            ui,
            "CA file",
            "Kafka CA file",
            ca_file,
            "those of the system",
        );
    }
    if draft.kafka_security.has_account() {
        let ways = [
            (SaslMechanism::Plain, "PLAIN"),
            (SaslMechanism::ScramSha256, "SCRAM-SHA-256"),
            (SaslMechanism::ScramSha512, "SCRAM-SHA-512"),
        ]
        .map(|(way, words)| (way, words.to_owned()));
        let way = &mut draft.kafka_mechanism;
        choice_ui(ui, "Mechanism", "Kafka SASL mechanism", &ways, way, width);
    }
    text(ui, "User", "Kafka user", &mut draft.kafka_user, "none");
    secret_ui(ui, &given.kafka_password, "RETAIL_KAFKA_PASSWORD");
    if let Some(why) = missing_feature(draft) {
        notice_line(ui, Status::Warn, why);
    }
    group_ui(ui, "Cassandra");
    text(ui, "Nodes", "Cassandra nodes", &mut draft.nodes, hint);
    text(
        ui,
        "Addresses",
        "Cassandra addresses",
        &mut draft.addresses,
        "as the nodes announce them",
    );
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

/// Why this build cannot connect so.
fn missing_feature(draft: &Draft) -> Option<&'static str> {
    let security = draft.kafka_security;
    let scram = security.has_account() && draft.kafka_mechanism != SaslMechanism::Plain;
    let needs = security.is_encrypted() || scram;
    (needs && !cfg!(feature = "tls"))
        .then_some("This build has neither TLS nor SCRAM: build it with --features tls")
}

fn choice_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    label: &str,
    name: &str,
    choices: &[(T, String)],
    chosen: &mut T,
    width: f32,
) {
    field_ui(ui, label, LABEL, |ui| {
        if let Some(choice) = select(ui, name, choices, Some(*chosen), width) {
            *chosen = choice;
        }
    });
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
