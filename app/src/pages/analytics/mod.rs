//! What do the sales say?
//!
//! One sheet of panels under shared filters; from it a way to customers, a customer, a product,
//! and back again with Esc.

mod asked;
mod coded;
mod customer;
mod customers;
mod exports;
mod figures;
mod filters;
mod goods;
mod limits;
mod panels;
mod people;
mod product;
mod sales;
mod sheet;
mod twin;
mod weights;

use std::sync::Arc;

use eframe::egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, vec2};
use retail_engine::analytics::CustomerPick;

use self::panels::{Act, View};
use super::{Cx, Page, title_ui};
use crate::actions::Action;
use crate::theme::{self, Icon, Type, size};
use crate::widgets::{self, Btn, Line, Look, Take, context_menu, export_menu, without_menus};

/// A place that the sheet leads to.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// Customers, and what they are called.
    Customers(CustomerPick, String),
    /// One customer, by number.
    Customer(String),
    /// One product, by code.
    Product(String),
}

/// What the page remembers.
#[derive(Default)]
pub struct State {
    figures: figures::Figures,
    /// The way from the sheet to what is shown.
    trail: Vec<Place>,
    filters: filters::State,
    limits: Option<limits::State>,
    weights: weights::InForce,
    weighing: Option<weights::Typed>,
    sheet: sheet::State,
    customers: customers::State,
    customer: customer::State,
    product: product::State,
    /// An export that was asked for by its key.
    export: bool,
}

impl State {
    /// Takes answers that have come, and asks while the page is shown.
    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        if cx.prefs.layout.page != Page::Analytics {
            return;
        }
        if self.weights.refresh(cx) {
            self.figures.retry();
            self.customers.forget();
            self.customer.forget();
        }
        self.figures.refresh(cx);
        match self.trail.last() {
            None => {}
            Some(Place::Customers(pick, _)) => self.customers.refresh(cx, pick),
            Some(Place::Customer(number)) => self.customer.refresh(cx, number),
            Some(Place::Product(code)) => self.product.refresh(cx, code),
        }
    }

    /// Carries out an act that this page knows.
    pub fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        if *action != Action::Export {
            return;
        }
        if has_nothing(cx) {
            let remedy = "open a CSV and load it first".to_owned();
            let what = "no sales are stored yet: there is nothing to save".to_owned();
            cx.notices.push(what, Some(remedy));
        } else {
            self.export = true;
        }
    }

    /// What the panels draw from.
    fn view(&self, cx: &Cx<'_>) -> Option<View> {
        self.figures.shown().map(|shown| View {
            shown: Arc::clone(shown),
            choices: cx.prefs.layout.analytics.clone(),
            marks: Arc::clone(self.figures.marks()),
            pairs: self.figures.pairs(&cx.prefs.layout.analytics.filter()),
            weights: self.weights.now(cx),
        })
    }

    /// Carries out what a person did on the sheet or beyond it.
    fn done(&mut self, cx: &mut Cx<'_>, act: Act) {
        let choices = &mut cx.prefs.layout.analytics;
        match act {
            Act::Days(from, to) => choices.toggle_days(from, to),
            Act::Region(region) => choices.toggle_region(region),
            Act::Country(country) => choices.toggle_country(&country),
            Act::Charges(charges) => choices.charges = charges,
            Act::Grain(grain) => choices.grain = grain,
            Act::Division(division) => choices.division = division,
            Act::Line(line) => choices.line = line,
            Act::Segments(segments) => choices.segments = segments,
            Act::Product(code) => self.trail.push(Place::Product(code)),
            Act::Customer(number) => self.trail.push(Place::Customer(number)),
            Act::Customers(pick, name) => {
                self.customers.begin();
                self.trail.push(Place::Customers(pick, name));
            }
            Act::Pairs => {
                let filter = choices.filter();
                self.figures.count_pairs(filter);
            }
            Act::Breaks => self.limits = Some(limits::State::of(choices)),
            Act::Weights => {
                let now = self.weights.now(cx);
                self.weighing = Some(weights::Typed::of(now));
            }
            Act::See(panel) => self.sheet.see(panel),
            Act::Take(_) | Act::Twin => {}
        }
        cx.ctx.request_repaint();
    }
}

/// Whether there is nothing to add up.
fn has_nothing(cx: &Cx<'_>) -> bool {
    cx.snapshot.lines == 0 && cx.snapshot.load.is_none()
}

/// Draws the page.
pub fn analytics_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    if has_nothing(cx) {
        title_ui(
            ui,
            Page::Analytics.title(),
            "What do the sales say?",
            |_| {},
        );
        let why = "No sales are stored yet: there is nothing to add up.";
        if widgets::empty_state(ui, why, Some("Open CSV\u{2026}")) {
            cx.acts.push(Action::OpenDialog);
        }
        return;
    }
    let before = cx.prefs.layout.analytics.clone();
    match state.trail.last().cloned() {
        None => sheet::sheet_ui(ui, state, cx),
        Some(place) => place_ui(ui, state, cx, &place),
    }
    state.export = false;
    if let Some(limits) = &mut state.limits
        && !limits::limits_ui(cx.ctx, limits, &mut cx.prefs.layout.analytics)
    {
        state.limits = None;
    }
    if let Some(typed) = &mut state.weighing
        && !weights::weights_ui(cx.ctx, typed, &mut cx.prefs.layout.analytics)
    {
        state.weighing = None;
    }
    if cx.prefs.layout.analytics != before {
        cx.ctx.request_repaint();
    }
}

fn place_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>, place: &Place) {
    let (title, sentence) = match place {
        Place::Customers(_, name) => (format!("Customers: {name}"), state.customers.sentence()),
        Place::Customer(number) => {
            let sentence = "over all days and regions, whatever the filter".to_owned();
            (format!("Customer {number}"), sentence)
        }
        Place::Product(code) => (format!("Product {code}"), state.product.description(code)),
    };
    let mut back = false;
    // The key saves the table that is shown.
    let by_key = state.export.then_some(Take::Csv);
    let page = ui.available_rect_before_wrap();
    let room = vec2(ui.available_width(), size::TITLE_ROW);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_height(size::TITLE_ROW);
        match place {
            Place::Customers(pick, name) => {
                let menu = page_menu(ui, page, "customers", &customers::TAKES);
                if let Some(take) = menu.or(by_key) {
                    customers::export(take, &state.customers, cx, name, pick);
                }
            }
            Place::Customer(number) => {
                let menu = page_menu(ui, page, "the customer", &TAKES);
                if let Some(take) = menu.or(by_key) {
                    customer::export(take, &state.customer, cx, number);
                }
            }
            Place::Product(code) => {
                let menu = page_menu(ui, page, "the product", &TAKES);
                if let Some(take) = menu.or(by_key) {
                    product::export(take, &state.product, cx, code);
                }
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            back = Btn::new("Back")
                .icon(Icon::ArrowLeft)
                .key("Esc")
                .look(Look::Plain)
                .clicked(ui);
            ui.add_space(4.0);
            Line::new(&title, Type::Title).semibold().show(ui);
            let muted = theme::colors(ui).muted;
            Line::body(&sentence).color(muted).show(ui);
        });
    });
    let act = without_menus(|| match place {
        Place::Customers(..) => {
            customers::customers_ui(ui, &mut state.customers, &mut cx.prefs.layout.customers)
        }
        Place::Customer(number) => customer::customer_ui(ui, &state.customer, number),
        Place::Product(code) => product::product_ui(ui, &state.product, code),
    });
    if back || widgets::escaped(ui.ctx()) {
        state.trail.pop();
        cx.ctx.request_repaint();
    } else if let Some(act) = act {
        state.done(cx, act);
    }
}

/// Draws over the room that is left; scrolls where that is lower than `low`.
fn low_ui<R>(ui: &mut Ui, low: f32, draw: impl FnOnce(&mut Ui, Rect) -> R) -> R {
    let room = ui.available_rect_before_wrap();
    if room.height() >= low {
        return draw(ui, room);
    }
    let scrolled = ScrollArea::vertical().id_salt("low").show(ui, |ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(room.width(), low), Sense::hover());
        draw(ui, rect)
    });
    scrolled.inner
}

/// The button that takes a page of its own out, and the same by a right click anywhere on it.
fn page_menu(ui: &mut Ui, page: Rect, what: &str, takes: &[Take]) -> Option<Take> {
    export_menu(ui, what, takes).or_else(|| context_menu(ui, page, what, takes))
}

/// The forms in which a page of its own can be taken out.
const TAKES: [Take; 4] = [Take::Copy, Take::Csv, Take::Json, Take::Png];
