//! Profiles, the form of one, and the test of its connection.

mod embedded;
mod form;
mod lab;
mod test;

use eframe::egui::{
    Align, CornerRadius, CursorIcon, Layout, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2,
    vec2,
};

use retail_engine::config::Mode;

use self::test::Testing;
use crate::actions::Action;
use crate::files::{Choosing, Chosen, no_dialog};
use crate::pages::Cx;
use crate::start::{self, ProfileKind};
use crate::theme::{self, Icon, size};
use crate::views::setup::profile::{self, Draft, Profile};
use crate::widgets::{
    self, Btn, Line, Look, Panel, Split, Status, rect_ui, split_columns, split_rows,
};

/// What is shown in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Shown {
    /// What runs.
    #[default]
    Embedded,
    /// The servers of a lab on this machine.
    Lab,
    /// A profile: the settings as they are, one of the folder, or a new one.
    Live(LiveChoice),
}

/// A live profile in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LiveChoice {
    /// The settings of live mode that this program was started with.
    AsSet,
    /// The containers of this repository.
    Docker,
    /// One of the folder.
    Saved(String),
    /// One that is not saved.
    New,
}

/// A draft that is not saved.
struct Unsaved {
    of: LiveChoice,
    before: Draft,
    draft: Draft,
}

/// What the tab remembers.
#[derive(Default)]
pub(super) struct State {
    /// It was: what is in use is chosen then.
    shown: bool,
    chosen: Shown,
    /// Read from the folder; `None` before the tab was first shown, or when it must be read again.
    profiles: Option<Vec<Profile>>,
    /// That of the containers, read with them.
    docker: Option<Draft>,
    draft: Draft,
    /// The draft as it was taken up.
    before: Draft,
    /// Drafts that were changed and not saved when another profile was shown.
    unsaved: Vec<Unsaved>,
    testing: Option<Testing>,
    lab: lab::State,
    importing: Option<Choosing>,
}

impl State {
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.take_steps(cx);
        self.lab.refresh(cx);
        if let Some(choosing) = self.importing.take() {
            match choosing.poll(cx.ctx) {
                Chosen::Waiting => self.importing = Some(choosing),
                Chosen::Nothing => {}
                Chosen::NoDialog => no_dialog(cx.notices),
                Chosen::File(path) => match profile::read(&path) {
                    Ok(draft) => {
                        self.set_aside();
                        self.unsaved.retain(|known| known.of != LiveChoice::New);
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

    /// Saves the profile that is shown, without passwords.
    pub(super) fn export(&self, cx: &mut Cx<'_>) {
        if matches!(self.chosen, Shown::Embedded | Shown::Lab) {
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

    /// The profile that the engine works by; a saved one by the list, which is read when it changes
    /// and not in each frame.
    fn in_use(&self, cx: &Cx<'_>) -> Shown {
        let is_saved = |name: &str| {
            let mut saved = self.profiles.iter().flatten();
            saved.any(|profile| profile.name == name)
        };
        match (cx.settings.mode, cx.start.profile.as_deref()) {
            (Mode::Embedded, _) => Shown::Embedded,
            (Mode::Live, Some("lab")) => Shown::Lab,
            (Mode::Live, Some("docker")) => Shown::Live(LiveChoice::Docker),
            (Mode::Live, Some(name)) if is_saved(name) => {
                Shown::Live(LiveChoice::Saved(name.to_owned()))
            }
            (Mode::Live, _) => Shown::Live(LiveChoice::AsSet),
        }
    }

    /// The name by which settings are loaded, of what is shown.
    fn name(&self) -> Option<&str> {
        match &self.chosen {
            Shown::Embedded => Some("embedded"),
            Shown::Lab => Some("lab"),
            Shown::Live(LiveChoice::Docker) => Some("docker"),
            Shown::Live(LiveChoice::Saved(name)) => Some(name),
            Shown::Live(LiveChoice::AsSet | LiveChoice::New) => None,
        }
    }

    /// Why the profile that is shown cannot be used; `None` when it can.
    fn why_not(&self, cx: &Cx<'_>) -> Option<&'static str> {
        let changed = matches!(self.chosen, Shown::Live(_)) && self.draft != self.before;
        let runs = cx.link.engine().is_some();
        if self.chosen == self.in_use(cx) && runs && !changed {
            Some("it is in use")
        } else if self.name().is_none() || changed {
            Some("save it first")
        } else {
            start::busy(cx.snapshot)
        }
    }

    /// Reads the profiles where that is due, and shows the one in use at first.
    fn prepare(&mut self, cx: &mut Cx<'_>) {
        if self.profiles.is_none() {
            self.profiles = Some(profile::all(&cx.settings.data_dir));
            // It comes with the program; what is not readable is what is set beside it, and that
            // was said when the program started.
            let docker = cx.start.of_profile("docker", cx.settings);
            self.docker = docker
                .ok()
                .map(|(_, settings)| Draft::of("docker", &settings));
        }
        if !self.shown {
            self.shown = true;
            self.take_up(self.in_use(cx), cx);
        }
    }

    /// The acts of the title row, from the right.
    pub(super) fn acts_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.prepare(cx);
        let why = self.why_not(cx);
        let hint = "Closes the engine, and opens one that works by this profile";
        let button = Btn::new("Use this profile").hint(hint).blocked(why);
        if button.clicked(ui)
            && let Some(name) = self.name()
        {
            cx.acts.push(Action::UseProfile(name.to_owned()));
        }
        let export = match self.chosen {
            Shown::Embedded | Shown::Lab => "Export template\u{2026}",
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
                embedded::embedded_ui(ui, both, cx);
            }
            Shown::Lab => {
                let both = Rect::from_min_max(form.min, right.max);
                self.lab.ui(ui, both, cx);
            }
            Shown::Live(choice) => {
                self.form_ui(ui, form, &choice, cx);
                let [test, file] = split_rows(right, [Split::Points(304.0), Split::Share(1.0)]);
                self.test_ui(ui, test, cx);
                self.file_ui(ui, file);
            }
        }
    }

    /// All profiles: those that come with the program, what it was started with, the saved ones.
    fn listed(&self, cx: &Cx<'_>) -> Vec<Listed> {
        let live = |choice, name: &str, draft: &Draft| Listed {
            this: Shown::Live(choice),
            name: name.to_owned(),
            kind: draft.kind().word(),
            note: draft.summary(),
            status: Status::Unknown,
        };
        let mut all = vec![
            Listed {
                this: Shown::Embedded,
                name: "Embedded".to_owned(),
                kind: ProfileKind::Embedded.word(),
                note: "this machine".to_owned(),
                status: Status::Ok,
            },
            Listed {
                this: Shown::Lab,
                name: "Local lab".to_owned(),
                kind: ProfileKind::Lab.word(),
                note: "Kafka, Cassandra, here".to_owned(),
                status: self.lab.status(),
            },
        ];
        if let Some(docker) = &self.docker {
            all.push(live(LiveChoice::Docker, "Docker", docker));
        }
        let used = self.in_use(cx);
        // What has a name of its own is not listed twice.
        let as_set = Shown::Live(LiveChoice::AsSet);
        if cx.settings.mode == Mode::Embedded || used == as_set {
            let set = Draft::of("live", cx.settings);
            all.push(live(LiveChoice::AsSet, "live", &set));
        }
        for profile in self.profiles.iter().flatten() {
            let choice = LiveChoice::Saved(profile.name.clone());
            all.push(match &profile.draft {
                Ok(draft) => live(choice, &profile.name, draft),
                Err(_) => Listed {
                    this: Shown::Live(choice),
                    name: profile.name.clone(),
                    kind: "",
                    note: "cannot be read".to_owned(),
                    status: Status::Critical,
                },
            });
        }
        for listed in &mut all {
            if listed.this == used {
                listed.note = format!("in use \u{b7} {}", listed.note);
            }
            if self.is_unsaved(&listed.this) {
                listed.note = format!("changed, not saved \u{b7} {}", listed.note);
            }
        }
        all
    }

    fn list_ui(&mut self, ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
        let mut chosen = None;
        let current = self.chosen.clone();
        let listed = self.listed(cx);
        let mut unsaved = self.unsaved.iter();
        let waiting = unsaved
            .find(|known| known.of == LiveChoice::New)
            .map(|known| &known.draft.name);
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
                    for Listed { this, name, kind, note, status } in listed {
                        if entry_ui(ui, &name, kind, &note, status, current == this) {
                            chosen = Some(this);
                        }
                    }
                    let new = Shown::Live(LiveChoice::New);
                    let name = if current == new { Some(&self.draft.name) } else { waiting };
                    if let Some(name) = name
                        && entry_ui(ui, name, "new", "not saved", Status::Unknown, current == new)
                    {
                        chosen = Some(new);
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

    /// Keeps what was changed in the form, for when its profile is shown again.
    fn set_aside(&mut self) {
        let Shown::Live(of) = &self.chosen else {
            return;
        };
        self.unsaved.retain(|known| known.of != *of);
        if self.draft != self.before {
            self.unsaved.push(Unsaved {
                of: of.clone(),
                before: self.before.clone(),
                draft: self.draft.clone(),
            });
        }
    }

    /// Whether a profile has changes that are not saved, and is not the one in the form.
    fn is_unsaved(&self, shown: &Shown) -> bool {
        let mut unsaved = self.unsaved.iter();
        *shown != self.chosen && unsaved.any(|known| Shown::Live(known.of.clone()) == *shown)
    }

    /// Shows another profile, with the changes to it that are not saved yet.
    fn take_up(&mut self, chosen: Shown, cx: &mut Cx<'_>) {
        if chosen == self.chosen && matches!(chosen, Shown::Live(_)) && self.shown {
            return;
        }
        self.set_aside();
        let kept = |known: &Unsaved| Shown::Live(known.of.clone()) == chosen;
        if let Some(place) = self.unsaved.iter().position(kept) {
            let Unsaved { before, draft, .. } = self.unsaved.remove(place);
            (self.before, self.draft, self.chosen) = (before, draft, chosen);
            return;
        }
        let draft = match &chosen {
            Shown::Embedded | Shown::Lab => Draft::default(),
            Shown::Live(LiveChoice::AsSet) => Draft::of("live", cx.settings),
            Shown::Live(LiveChoice::Docker) => self.docker.clone().unwrap_or_default(),
            Shown::Live(LiveChoice::New) => Draft {
                name: "new-profile".to_owned(),
                ..Draft::of("", cx.settings)
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
}

/// A profile in the list.
struct Listed {
    this: Shown,
    name: String,
    kind: &'static str,
    note: String,
    status: Status,
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
    widgets::focus_inside(ui, &response, rect, size::RADIUS);
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
