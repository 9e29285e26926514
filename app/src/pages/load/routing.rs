//! Which region each country belongs to: shown, changed one country at a time, taken back.

use eframe::egui::{Align, Frame, Id, Layout, Modal, ScrollArea, Ui, vec2};
use retail_engine::flow::{RouteChange, RouteError, RoutingView};
use retail_engine::handle::Command;
use retail_engine::model::Region;
use retail_engine::route::RoutingMap;

use super::{Check, Undo};
use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::theme::{self, size};
use crate::views::format;
use crate::views::load::args as words;
use crate::widgets::{self, Btn, ColumnSpec, Line, select, table, text_cell};

/// The map as far as it is known here, and the dialog over it.
#[derive(Default)]
pub(super) struct Routes {
    asked: Pending<RoutingView>,
    view: Option<RoutingView>,
    countries: Vec<(String, Region)>,
    change: Pending<Result<RouteChange, RouteError>>,
    act: Option<ActId>,
    is_open: bool,
}

impl Routes {
    /// Asks for the map in force.
    pub(super) fn ask(&mut self, cx: &Cx<'_>) {
        self.asked = cx.link.ask(Command::Routing);
    }

    /// The map in force.
    pub(super) fn map(&self) -> Option<&RoutingMap> {
        self.view.as_ref().map(|view| view.map.as_ref())
    }

    /// Shows the dialog.
    pub(super) fn open(&mut self, cx: &Cx<'_>) {
        self.is_open = true;
        self.ask(cx);
    }

    /// Takes the last change back.
    pub(super) fn undo(&mut self, cx: &mut Cx<'_>) {
        let act = cx.runbook.begin(
            cx.snapshot.at,
            "Undo the last change of the routing map",
            Some(words::UNDO_ROUTING.map(str::to_owned).into()),
        );
        self.act = Some(act);
        self.change = cx.link.ask(Command::UndoRouting);
    }

    fn assign(&mut self, country: String, region: Region, cx: &mut Cx<'_>) {
        let what = format!("Put {country} in {}", region.name());
        let args = words::assign_args(&country, region);
        self.act = Some(cx.runbook.begin(cx.snapshot.at, what, Some(args)));
        self.change = cx.link.ask(|reply| Command::AssignCountry {
            country,
            region,
            reply,
        });
    }

    /// Takes answers; whether the map is another one than before.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) -> bool {
        self.change.poll(cx.ctx);
        match self.change.take() {
            Some(Ok(change)) => {
                self.tell(Outcome::Done(format!("version {}", change.version)), cx);
                self.ask(cx);
            }
            Some(Err(error)) => {
                self.tell(Outcome::Failed(error.to_string()), cx);
                let remedy = error.remedy().to_owned();
                cx.notices.push(error.to_string(), Some(remedy));
            }
            None => {}
        }
        self.asked.poll(cx.ctx);
        let Some(view) = self.asked.take() else {
            return false;
        };
        let version = |view: &RoutingView| view.map.version();
        let before = self.view.as_ref().map(version);
        let changed = before.is_some_and(|before| before != version(&view));
        self.countries = view
            .map
            .countries()
            .map(|(name, region)| (name.to_owned(), region))
            .collect();
        self.view = Some(view);
        changed
    }

    fn tell(&mut self, outcome: Outcome, cx: &mut Cx<'_>) {
        if let Some(act) = self.act.take() {
            cx.runbook.end(act, outcome);
        }
    }

    /// The dialog, if it is open.
    pub(super) fn dialog_ui(
        &mut self,
        check: Option<&Check>,
        undo: &mut Vec<Undo>,
        cx: &mut Cx<'_>,
    ) {
        if !self.is_open {
            return;
        }
        let mut act = None;
        let frame = Frame::popup(&cx.ctx.style_of(cx.ctx.theme())).inner_margin(16);
        let modal = Modal::new(Id::unique("routing"))
            .frame(frame)
            .show(cx.ctx, |ui| {
                ui.set_width(560.0);
                act = self.inside_ui(ui, check);
            });
        match act {
            Some(Act::Close) => self.is_open = false,
            Some(Act::Undo) => {
                // Whatever was to be taken back next, this change is gone.
                if let Some(place) = undo.iter().rposition(|one| matches!(one, Undo::Route)) {
                    undo.remove(place);
                }
                self.undo(cx);
            }
            Some(Act::Assign(country, region)) => {
                undo.push(Undo::Route);
                self.assign(country, region, cx);
            }
            None if modal.should_close() => self.is_open = false,
            None => {}
        }
    }

    fn inside_ui(&self, ui: &mut Ui, check: Option<&Check>) -> Option<Act> {
        let muted = theme::colors(ui).muted;
        let mut act = None;
        let title = Line::new("Countries and regions", theme::Type::Section);
        title.semibold().show(ui);
        let Some(view) = &self.view else {
            widgets::line(ui, "Reading the map\u{2026}");
            return Btn::new("Close").clicked(ui).then_some(Act::Close);
        };
        let note = format!(
            "Version {}. A change holds for loads that begin after it.",
            view.map.version()
        );
        Line::table(note).color(muted).show(ui);
        ui.add_space(8.0);
        let happen = check.and_then(|check| check.happen.as_ref());
        let unknown = happen.map_or(&[][..], |happen| happen.unknown.as_slice());
        Line::body("In this file, on no region").semibold().show(ui);
        if unknown.is_empty() {
            let why = match happen {
                Some(_) => "Every country of the file has a region.",
                None => "The countries of the file are not counted yet.",
            };
            Line::table(why).color(muted).show(ui);
        }
        ScrollArea::vertical()
            .id_salt("unknown")
            .max_height(150.0)
            .show(ui, |ui| {
                for (country, rows) in unknown {
                    if let Some(region) = unknown_ui(ui, country, *rows) {
                        act = Some(Act::Assign(country.clone(), region));
                    }
                }
            });
        ui.add_space(8.0);
        Line::body("On the map").semibold().show(ui);
        if let Some(chosen) = self.map_ui(ui) {
            act = Some(chosen);
        }
        ui.add_space(10.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if Btn::new("Close").label("Close the map").clicked(ui) {
                act = Some(Act::Close);
            }
            let last = last_change(view);
            let blocked = last.is_none().then_some("nothing was changed here");
            let undo = Btn::new("Undo last change").changes();
            if undo.blocked(blocked).clicked(ui) {
                act = Some(Act::Undo);
            }
            if let Some(change) = last {
                Line::caption(told(change)).color(muted).show(ui);
            }
        });
        act
    }

    fn map_ui(&self, ui: &mut Ui) -> Option<Act> {
        let mut act = None;
        let room = vec2(ui.available_width(), 200.0);
        ui.allocate_ui(room, |ui| {
            ui.set_min_size(room);
            ui.set_max_height(room.y);
            let columns = [
                ColumnSpec::rest("Country"),
                ColumnSpec::text("Region", 200.0),
            ];
            let rows = self.countries.len();
            table(
                ui,
                "map",
                &columns,
                rows,
                size::CONTROL + 4.0,
                None,
                |ui, row, column| {
                    let Some((country, region)) = self.countries.get(row) else {
                        return;
                    };
                    if column == 0 {
                        text_cell(ui, country);
                        return;
                    }
                    if widgets::read_only(ui.ctx()).is_some() {
                        text_cell(ui, region.name());
                        return;
                    }
                    let choices = Region::ALL.map(|region| (region, region.name().to_owned()));
                    let label = format!("Region of {country}");
                    if let Some(to) = select(ui, &label, &choices, Some(*region), 180.0) {
                        act = Some(Act::Assign(country.clone(), to));
                    }
                },
            );
        });
        act
    }
}

/// What a person did in the dialog.
enum Act {
    Close,
    Undo,
    Assign(String, Region),
}

fn unknown_ui(ui: &mut Ui, country: &str, rows: u64) -> Option<Region> {
    let muted = theme::colors(ui).muted;
    let mut chosen = None;
    let room = vec2(ui.available_width(), size::CONTROL);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        for region in [Region::AsiaPacific, Region::Americas, Region::Europe] {
            let label = format!("Put {country} in {}", region.name());
            let put = Btn::new(region.name()).small().label(&label).changes();
            if put.clicked(ui) {
                chosen = Some(region);
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            Line::table(country).medium().show(ui);
            let rows = format!("{} rows, set aside until assigned", format::count(rows));
            Line::caption(rows).color(muted).show(ui);
        });
    });
    chosen
}

/// The last change that was not taken back.
fn last_change(view: &RoutingView) -> Option<&RouteChange> {
    let changes = &view.changes;
    let is_undone = |version| changes.iter().any(|change| change.undoes == Some(version));
    changes
        .iter()
        .rev()
        .find(|change| change.undoes.is_none() && !is_undone(change.version))
}

fn told(change: &RouteChange) -> String {
    let to = change.to.map_or("no region", Region::name);
    format!(
        "version {}: {} \u{2192} {to}, {}",
        change.version,
        change.country,
        format::clock(change.at)
    )
}
