//! The passport of a row, over the page: every place that it passed, and the ways back.

use std::time::Duration;

use eframe::egui::{
    Align, Context, CornerRadius, Frame, Layout, Modal, ScrollArea, Stroke, Ui, pos2, vec2,
};
use retail_engine::flow::{Passport, PassportError, PassportQuery, RejectKey};
use retail_engine::handle::{Command, Snapshot};
use retail_engine::model::{LoadId, RowNo};

use crate::link::{Link, Pending};
use crate::theme::{self, Icon, Type, size};
use crate::views::passport::{Hop, fields, hops, presences, row_name};
use crate::views::{format, quality};
use crate::widgets::{self, Btn, Line, Look, TextField, select};

/// Width of the passport.
const WIDTH: f32 = 640.0;
/// Width of the names of hops.
const NAMES: f32 = 112.0;

/// What the passport shows.
#[derive(Default)]
pub struct PassportState {
    /// What was looked at before, for the way back.
    before: Vec<PassportQuery>,
    query: Option<PassportQuery>,
    pending: Pending<Result<Box<Passport>, PassportError>>,
    shown: Option<Shown>,
    trouble: Option<(String, Option<String>)>,
    load: Option<LoadId>,
    row: String,
}

/// A passport, and what is drawn of it.
struct Shown {
    passport: Box<Passport>,
    hops: Vec<Hop>,
    fields: Vec<(&'static str, String)>,
}

impl PassportState {
    /// The passport of a row, or a form that asks for one.
    pub fn open(link: &Link, query: Option<PassportQuery>) -> Self {
        let mut state = Self::default();
        if let Some(query) = query {
            state.ask(link, query);
        }
        state
    }

    fn ask(&mut self, link: &Link, query: PassportQuery) {
        self.trouble = None;
        self.query = Some(query);
        if let PassportQuery::Row { load, row } = query {
            self.load = Some(load);
            self.row = row.0.to_string();
        }
        self.pending = link.ask(|reply| Command::Passport(query, reply));
    }

    fn go(&mut self, link: &Link, key: RejectKey) {
        self.before.extend(self.query);
        let (load, row) = (key.load, key.row);
        self.ask(link, PassportQuery::Row { load, row });
    }

    /// Takes the answer, if it has come.
    pub fn refresh(&mut self, ctx: &Context) {
        self.pending.poll(ctx);
        if let Pending::Gone(gone) = &self.pending {
            self.trouble = Some((gone.to_string(), None));
        }
        match self.pending.take() {
            None => {}
            Some(Ok(passport)) => {
                self.load = Some(passport.load);
                self.row = passport.row.0.to_string();
                self.shown = Some(Shown {
                    hops: hops(&passport),
                    fields: fields(&passport),
                    passport,
                });
            }
            Some(Err(error)) => {
                self.shown = None;
                let remedy = error.remedy().to_owned();
                self.trouble = Some((error.to_string(), Some(remedy)));
            }
        }
    }
}

/// Draws it over the page; whether it stays open.
pub fn passport_ui(
    ctx: &Context,
    state: &mut PassportState,
    link: &Link,
    snapshot: Option<&Snapshot>,
) -> bool {
    let mut closed = false;
    let modal = Modal::new(eframe::egui::Id::unique("passport")).show(ctx, |ui| {
        let width = WIDTH.min(ctx.content_rect().width() - 64.0);
        Frame::new().inner_margin(10).show(ui, |ui| {
            ui.set_width(width);
            head_ui(ui, state, link, &mut closed);
            form_ui(ui, state, link, snapshot);
            ui.add_space(6.0);
            let room = (ctx.content_rect().height() - 200.0).max(120.0);
            ScrollArea::vertical().max_height(room).show(ui, |ui| {
                ui.set_width(width);
                body_ui(ui, state, link);
            });
        });
    });
    !closed && !modal.should_close()
}

fn head_ui(ui: &mut Ui, state: &mut PassportState, link: &Link, closed: &mut bool) {
    let room = vec2(ui.available_width(), size::CONTROL);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        *closed = Btn::new("Close").key("Esc").label("Close").clicked(ui);
        if let Some(shown) = &state.shown {
            let copy = Btn::new("Copy as JSON").icon(Icon::Copy).look(Look::Quiet);
            if copy.clicked(ui)
                && let Ok(text) = serde_json::to_string_pretty(&shown.passport)
            {
                ui.ctx().copy_text(text);
            }
        }
        if !state.before.is_empty() {
            let back = Btn::new("Back").icon(Icon::ArrowLeft).look(Look::Quiet);
            if back.clicked(ui)
                && let Some(query) = state.before.pop()
            {
                state.ask(link, query);
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            Line::new("Path of a row", Type::Section)
                .semibold()
                .show(ui);
            if let Some(shown) = &state.shown {
                let (load, row) = (shown.passport.load, shown.passport.row);
                let muted = theme::colors(ui).muted;
                let name = row_name(RejectKey { load, row });
                Line::body(name).color(muted).show(ui);
            }
        });
    });
}

/// Any row of any load can be asked for.
fn form_ui(ui: &mut Ui, state: &mut PassportState, link: &Link, snapshot: Option<&Snapshot>) {
    let loads = snapshot.map(|known| known.loads.as_slice());
    let loads = loads.unwrap_or_default();
    let newest = loads.last().map(|load| load.id);
    ui.horizontal(|ui| {
        let muted = theme::colors(ui).muted;
        if loads.is_empty() {
            Line::table("Nothing was loaded yet").color(muted).show(ui);
            return;
        }
        let choices: Vec<(LoadId, String)> = loads
            .iter()
            .rev()
            .map(|load| (load.id, quality::load_name(load)))
            .collect();
        let chosen = state.load.or(newest);
        if let Some(load) = select(ui, "Load of the row", &choices, chosen, 250.0) {
            state.load = Some(load);
        }
        Line::table("row").color(muted).show(ui);
        let field = TextField::new("Row of the file").hint("from 1").width(96.0);
        let typed = field.show(ui, &mut state.row);
        let row: Option<u64> = state.row.trim().parse().ok().filter(|row| *row > 0);
        let why = row.is_none().then_some("type the number of a row, from 1");
        let enter = typed.lost_focus() && ui.input(|i| i.key_pressed(eframe::egui::Key::Enter));
        let show = Btn::new("Show path").blocked(why).clicked(ui);
        if let (true, Some(load), Some(row)) = (show || enter, state.load.or(newest), row) {
            let row = RowNo(row);
            state.go(link, RejectKey { load, row });
        }
    });
}

fn body_ui(ui: &mut Ui, state: &mut PassportState, link: &Link) {
    if let Some((message, remedy)) = &state.trouble {
        widgets::error_state(ui, message, remedy.as_deref());
        return;
    }
    let waits = state.pending.waiting();
    let Some(shown) = &state.shown else {
        let muted = theme::colors(ui).muted;
        match waits {
            None => {
                let text = "Choose a load and a row, or a row of a table.";
                Line::body(text).color(muted).show(ui);
            }
            Some(waits) => {
                let text = if waits > Duration::from_secs(2) {
                    let age = format::age(waits);
                    format!("Looking through the log, {age}")
                } else {
                    "Looking\u{2026}".to_owned()
                };
                Line::body(text).color(muted).show(ui);
            }
        }
        return;
    };
    raw_ui(ui, shown);
    ui.add_space(8.0);
    let last = shown.hops.len().saturating_sub(1);
    for (place, hop) in shown.hops.iter().enumerate() {
        hop_ui(ui, hop, place < last);
    }
    let presences = presences(&shown.passport);
    ui.add_space(6.0);
    Line::body("Each data centre, read on its own")
        .semibold()
        .show(ui);
    for (place, dcs) in &presences {
        let muted = theme::colors(ui).muted;
        Line::table(place).color(muted).show(ui);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for (dc, status, words) in dcs {
                widgets::dc_label(ui, *dc, Line::table(dc.name()).medium());
                widgets::status_icon(ui, *status);
                Line::table(words).show(ui);
                ui.add_space(12.0);
            }
        });
    }
    if !shown.fields.is_empty() {
        ui.add_space(8.0);
        fields_ui(ui, &shown.fields);
    }
    let (made_of, sent_as) = (shown.passport.made_of, shown.passport.sent_as);
    if made_of.is_some() || sent_as.is_some() {
        ui.add_space(8.0);
    }
    ui.horizontal(|ui| {
        if let Some(key) = made_of {
            let text = format!("Made of {}", row_name(key));
            if Btn::new(&text).icon(Icon::ArrowLeft).clicked(ui) {
                state.go(link, key);
            }
        }
        if let Some(key) = sent_as {
            let text = format!("Sent again as {}", row_name(key));
            if Btn::new(&text).icon(Icon::ArrowRight).clicked(ui) {
                state.go(link, key);
            }
        }
    });
}

fn raw_ui(ui: &mut Ui, shown: &Shown) {
    let Some(place) = shown.passport.place.known() else {
        return;
    };
    let colors = theme::colors(ui);
    Frame::new()
        .fill(colors.bg)
        .stroke(Stroke::new(1.0, colors.line))
        .corner_radius(CornerRadius::same(size::RADIUS))
        .inner_margin(8)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            let text = quality::visible(&place.raw);
            Line::table(text).mono().wrapped().show(ui);
        });
}

/// A hop: icon on a line that leads to the next, name, and all that is known.
fn hop_ui(ui: &mut Ui, hop: &Hop, leads_on: bool) {
    let colors = theme::colors(ui);
    let drawn = ui.horizontal_top(|ui| {
        let icon = widgets::status_icon(ui, hop.status).rect;
        let name = ui.allocate_ui(vec2(NAMES, 16.0), |ui| {
            ui.set_width(NAMES);
            Line::table(hop.name).medium().show(ui);
        });
        let _placed = name;
        let width = ui.available_width();
        ui.allocate_ui(vec2(width, 16.0), |ui| {
            ui.set_width(width);
            Line::table(&hop.detail).wrapped().show(ui);
        });
        icon
    });
    if leads_on {
        let icon = drawn.inner;
        let (from, to) = (icon.bottom() + 2.0, drawn.response.rect.bottom() + 5.0);
        ui.painter().line_segment(
            [pos2(icon.center().x, from), pos2(icon.center().x, to)],
            Stroke::new(1.0, colors.line_strong),
        );
    }
    ui.add_space(4.0);
}

fn fields_ui(ui: &mut Ui, fields: &[(&'static str, String)]) {
    eframe::egui::Grid::new("fields of a row")
        .spacing([18.0, 3.0])
        .show(ui, |ui| {
            let muted = theme::colors(ui).muted;
            for pair in fields.chunks(2) {
                for (name, value) in pair {
                    Line::table(*name).color(muted).show(ui);
                    Line::table(value).show(ui);
                }
                ui.end_row();
            }
        });
}
