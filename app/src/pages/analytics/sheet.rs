//! The sheet: filters, headline figures, and the panels below them, the first screen of them
//! without scrolling.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, Vec2, pos2, vec2};
use retail_engine::analytics::Table;

use super::exports::{self, Out};
use super::panels::{self, Act, Frame, PanelId, View};
use super::{State as Page, filters, sales};
use crate::pages::Cx;
use crate::theme::{self, Type, size};
use crate::views::analytics::choices::Choices;
use crate::views::analytics::{Shown, data_words};
use crate::widgets::chart::twin_key;
use crate::widgets::{
    self, Btn, Line, Panel, Split, Take, context_menu, export_menu, split_columns, split_rows,
};

/// Narrower than this the panels stand one below the other.
const NARROW: f32 = 1_000.0;
/// Narrower than this the filters have a row of their own.
const ONE_ROW: f32 = 1_040.0;
/// Width of the right column, and of the one beside it.
const RIGHT: f32 = 372.0;
const MIDDLE: f32 = 376.0;
/// Heights of the rows below the first screen.
const THIRD: f32 = 300.0;
const FOURTH: f32 = 320.0;
/// Heights of a row of the first screen, at least and at most.
const ROW_MIN: f32 = 276.0;
const ROW_MAX: f32 = 400.0;

/// What is remembered of the sheet.
#[derive(Default)]
pub(super) struct State {
    twins: BTreeMap<PanelId, Option<Twin>>,
    see: Option<PanelId>,
}

/// The table of a panel, and what it was made of.
struct Twin {
    shown: Arc<Shown>,
    choices: Choices,
    table: Table,
}

impl State {
    /// Scrolls to a panel in the next frame.
    pub(super) const fn see(&mut self, panel: PanelId) {
        self.see = Some(panel);
    }

    fn turn(&mut self, panel: PanelId) {
        if self.twins.remove(&panel).is_none() {
            self.twins.insert(panel, None);
        }
    }

    /// Makes the tables that are shown, where what they are made of has changed.
    fn refresh(&mut self, view: &View) {
        for (panel, twin) in &mut self.twins {
            let same = twin.as_ref().is_some_and(|twin| {
                Arc::ptr_eq(&twin.shown, &view.shown) && twin.choices == view.choices
            });
            if !same {
                *twin = Some(Twin {
                    shown: Arc::clone(&view.shown),
                    choices: view.choices.clone(),
                    table: panel.table(view),
                });
            }
        }
    }

    fn frame(&self, panel: PanelId, twin_key: bool) -> Frame<'_> {
        let twin = self.twins.get(&panel).and_then(Option::as_ref);
        Frame {
            twin: twin.map(|twin| &twin.table),
            twin_key,
        }
    }
}

/// Draws the sheet.
pub(super) fn sheet_ui(ui: &mut Ui, page: &mut Page, cx: &mut Cx<'_>) {
    let taken = head_ui(ui, page, cx);
    let Some(view) = page.view(cx) else {
        waiting_ui(ui, page, cx);
        return;
    };
    if let Some(take) = taken {
        take_all(cx, take, &view);
    }
    if view.shown.is_empty() {
        if widgets::empty_state(ui, "No sales in this filter", Some("Clear")) {
            cx.prefs.layout.analytics.clear();
        }
        return;
    }
    failure_ui(ui, page);
    page.sheet.refresh(&view);
    let twin_key = twin_key(ui);
    let see = page.sheet.see.take();
    let height = ui.available_height();
    let mut done = None;
    ScrollArea::vertical().id_salt("sheet").show(ui, |ui| {
        let width = ui.available_width() - 2.0;
        warnings_ui(ui, &view);
        let places = places(width, height);
        let size = places
            .iter()
            .map(|(_, at)| at.max.to_vec2())
            .fold(Vec2::ZERO, Vec2::max);
        let (room, _) = ui.allocate_exact_size(vec2(width, size.y), Sense::hover());
        for (panel, at) in places {
            let at = at.translate(room.min.to_vec2());
            if see == Some(panel) {
                ui.scroll_to_rect(at, Some(Align::Center));
            }
            let act = if panel == PanelId::Kpis {
                let pick = sales::tiles_ui(ui, at, &view.shown.tiles);
                let taken = context_menu(ui, at, "Headline figures", &panels::FORMS);
                pick.map(|pick| Act::Customers(pick, "all".to_owned()))
                    .or(taken.map(Act::Take))
            } else {
                panels::panel_ui(ui, at, panel, &view, page.sheet.frame(panel, twin_key))
            };
            if let Some(act) = act {
                done = Some((panel, act));
            }
        }
    });
    match done {
        Some((panel, Act::Take(take))) => take_one(cx, take, panel, view),
        Some((panel, Act::Twin)) => page.sheet.turn(panel),
        Some((_, act)) => page.done(cx, act),
        None => {}
    }
}

/// Title, filters, how far the data go, export; what was taken out of the whole sheet.
fn head_ui(ui: &mut Ui, page: &mut Page, cx: &mut Cx<'_>) -> Option<Take> {
    let mut taken = page.export.then_some(Take::Json);
    let shown = page.figures.shown().cloned();
    let engine = cx.link.engine();
    let countries = || {
        let names = engine.map_or_else(Vec::new, |engine| engine.catalog().countries());
        let mut names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
        names.sort_unstable();
        names
    };
    let one_row = ui.available_width() >= ONE_ROW;
    let room = vec2(ui.available_width(), size::TITLE_ROW);
    let (badge, words) = data_words(cx.snapshot);
    let filter = cx.prefs.layout.analytics.filter();
    let waiting = page.figures.waiting(&filter);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_height(size::TITLE_ROW);
        let forms = [Take::Csv, Take::Json, Take::Png];
        taken = export_menu(ui, "the whole page", &forms).or(taken.take());
        match (waiting, badge) {
            (Some(_), _) => {
                widgets::badge(ui, widgets::Status::Stale, "adding up\u{2026}");
            }
            (None, Some(status)) => {
                widgets::badge(ui, status, &words);
            }
            (None, None) => {
                let muted = theme::colors(ui).muted;
                Line::table(&words).color(muted).show(ui);
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            Line::new("Analytics", Type::Title).semibold().show(ui);
            ui.add_space(4.0);
            if one_row {
                let choices = &mut cx.prefs.layout.analytics;
                filters::filters_ui(ui, &mut page.filters, choices, shown.as_deref(), countries);
            }
        });
    });
    if !one_row {
        ui.horizontal_wrapped(|ui| {
            let choices = &mut cx.prefs.layout.analytics;
            filters::filters_ui(ui, &mut page.filters, choices, shown.as_deref(), countries);
        });
        ui.add_space(8.0);
    }
    taken
}

/// Before the first figures have come.
fn waiting_ui(ui: &mut Ui, page: &mut Page, cx: &Cx<'_>) {
    if failure_ui(ui, page) {
        return;
    }
    let room = ui.available_rect_before_wrap();
    let [tiles, _] = split_rows(room, [Split::Points(84.0), Split::Share(1.0)]);
    let waited = page.figures.waiting(&cx.prefs.layout.analytics.filter());
    sales::tiles_waiting_ui(ui, tiles, waited.unwrap_or_default());
}

/// Why there are no new figures; whether that was drawn.
fn failure_ui(ui: &mut Ui, page: &mut Page) -> bool {
    let Some(failure) = page.figures.failure().cloned() else {
        return false;
    };
    widgets::error_state(ui, &failure.message, failure.remedy.as_deref());
    ui.add_space(6.0);
    if Btn::new("Try again").small().clicked(ui) {
        page.figures.retry();
    }
    ui.add_space(6.0);
    true
}

/// What to know before trusting a figure.
fn warnings_ui(ui: &mut Ui, view: &View) {
    for warning in &view.shown.report.warnings {
        ui.horizontal(|ui| {
            widgets::status_icon(ui, widgets::Status::Warn);
            Line::table(warning).show(ui);
        });
    }
}

/// Where the panels stand on a sheet of `width`, on a screen of `height`.
fn places(width: f32, height: f32) -> Vec<(PanelId, Rect)> {
    let tiles = sales::tiles_height(width);
    let row = ((height - tiles - size::GAP * 2.0) / 2.0).clamp(ROW_MIN, ROW_MAX);
    let mut y = 0.0;
    let mut next = |height: f32| {
        let rect = Rect::from_min_size(pos2(0.0, y), vec2(width, height));
        y += height + size::GAP;
        rect
    };
    let mut places = vec![(PanelId::Kpis, next(tiles))];
    if width < NARROW {
        let rest = PanelId::ALL
            .into_iter()
            .filter(|panel| *panel != PanelId::Kpis);
        places.extend(rest.map(|panel| {
            let height = match panel {
                PanelId::Returns => 160.0,
                PanelId::Few => 118.0,
                _ => 340.0,
            };
            (panel, next(height))
        }));
        return places;
    }
    let three = [
        Split::Share(1.0),
        Split::Points(MIDDLE),
        Split::Points(RIGHT),
    ];
    let [revenue, all] = split_columns(next(row), [Split::Share(1.0), Split::Points(RIGHT)]);
    let [products, segments, cohorts] = split_columns(next(row), three);
    let [hours, growth, few] = split_columns(next(THIRD), three);
    let [returns, few] = split_rows(few, [Split::Share(1.0), Split::Points(116.0)]);
    let [insights, markets] = split_columns(next(FOURTH), [Split::Share(1.0), Split::Share(1.0)]);
    let together = next(FOURTH);
    places.extend([
        (PanelId::Revenue, revenue),
        (PanelId::Places, all),
        (PanelId::Products, products),
        (PanelId::Segments, segments),
        (PanelId::Cohorts, cohorts),
        (PanelId::Hours, hours),
        (PanelId::Growth, growth),
        (PanelId::Returns, returns),
        (PanelId::Few, few),
        (PanelId::Insights, insights),
        (PanelId::Markets, markets),
        (PanelId::Together, together),
    ]);
    places
}

fn take_one(cx: &mut Cx<'_>, take: Take, panel: PanelId, view: View) {
    let name = panel.name(&view.choices);
    let mut args = vec!["export".to_owned(), name.to_owned()];
    args.extend(view.choices.args());
    let filter = if panel == PanelId::Products {
        view.choices.product_filter()
    } else {
        view.shown.report.filter.clone()
    };
    let out = Out {
        title: panel.title(&view.choices),
        name: name.to_owned(),
        filter,
        reference_date: view.shown.report.reference_date,
        size: panel.picture(),
        args: Some(args),
    };
    let table = panel.table(&view);
    exports::take(cx, take, out, vec![table], move |ui| {
        panel.draw(ui, &view);
    });
}

/// Size of the picture of the sheet.
const PICTURE: Vec2 = vec2(1_240.0, 812.0);

fn take_all(cx: &mut Cx<'_>, take: Take, view: &View) {
    let mut tables: Vec<Table> = Vec::new();
    for panel in PanelId::ALL
        .into_iter()
        .filter(|panel| panel.is_known(view))
    {
        let table = panel.table(view);
        if tables.iter().all(|known| known.name != table.name) {
            tables.push(table);
        }
    }
    let places = places(PICTURE.x, PICTURE.y);
    let height = places.iter().map(|(_, at)| at.bottom()).fold(0.0, f32::max);
    let out = Out {
        title: "Sales".to_owned(),
        name: "analytics".to_owned(),
        filter: view.shown.report.filter.clone(),
        reference_date: view.shown.report.reference_date,
        size: vec2(PICTURE.x, height),
        args: None,
    };
    let view = view.clone();
    exports::take(cx, take, out, tables, move |ui| {
        let room = ui.max_rect();
        for (panel, at) in places.iter().filter(|(panel, _)| panel.is_known(&view)) {
            let at = at.translate(room.min.to_vec2());
            if *panel == PanelId::Kpis {
                sales::tiles_ui(ui, at, &view.shown.tiles);
                continue;
            }
            let (title, note) = (panel.title(&view.choices), panel.note(&view));
            Panel::titled(&title)
                .note(&note)
                .show(ui, at, |ui| panel.draw(ui, &view));
        }
    });
}
