//! The customers of a segment or of a cell: found, sorted, taken out.

use std::sync::Arc;

use eframe::egui::Ui;
use retail_engine::analytics::{
    CustomerFigures, CustomerList, CustomerPick, CustomerQuery, CustomerSort, Direction,
    customers_table,
};
use retail_engine::handle::Command;

use super::asked::Asked;
use super::exports::{self, Out};
use super::panels::Act;
use crate::pages::Cx;
use crate::prefs::layout::CustomerOrder;
use crate::theme::{self, Icon, size};
use crate::views::format;
use crate::widgets::{
    self, Btn, ColumnSpec, Line, Look, Take, TextField, link, segmented, table, text_cell,
};

/// What is shown.
#[derive(Default)]
pub(super) struct State {
    asked: Asked<CustomerQuery, CustomerList>,
    find: String,
}

impl State {
    /// Asks anew.
    pub(super) fn forget(&mut self) {
        self.asked.forget();
    }

    /// Begins a new list.
    pub(super) fn begin(&mut self) {
        self.find.clear();
    }

    fn query(&self, cx: &Cx<'_>, pick: &CustomerPick) -> CustomerQuery {
        CustomerQuery {
            filter: cx.prefs.layout.analytics.filter(),
            pick: pick.clone(),
            containing: self.find.trim().to_owned(),
            sort: cx.prefs.layout.customers.sort,
            direction: cx.prefs.layout.customers.direction,
            skip: 0,
            limit: None,
        }
    }

    /// Asks and takes; once per frame while it is shown.
    pub(super) fn refresh(&mut self, cx: &Cx<'_>, pick: &CustomerPick) {
        self.asked.poll(cx.ctx);
        let (query, link) = (self.query(cx, pick), cx.link);
        self.asked.want(&query, cx.snapshot.lines, cx.ctx, |query| {
            link.ask(|reply| Command::Customers(Box::new(query), reply))
        });
    }

    /// What the title says.
    pub(super) fn sentence(&self) -> String {
        self.asked.newest().map_or_else(String::new, |(_, list)| {
            format!(
                "{} customers, {}; {}",
                format::count(list.customers),
                format::money(list.amount),
                list.filter.words()
            )
        })
    }
}

/// The forms in which the list can be taken out.
pub(super) const TAKES: [Take; 3] = [Take::Copy, Take::Csv, Take::Json];

/// Takes the list out.
pub(super) fn export(take: Take, state: &State, cx: &mut Cx<'_>, title: &str, pick: &CustomerPick) {
    if let Some((_, list)) = state.asked.newest() {
        let out = Out {
            title: format!("Customers: {title}"),
            name: "customers".to_owned(),
            filter: list.filter.clone(),
            reference_date: list.reference_date,
            size: eframe::egui::Vec2::ZERO,
            args: args(cx, pick),
        };
        exports::take(cx, take, out, vec![customers_table(list)], |_| {});
    }
}

/// The headless program knows all customers and those of a named segment.
fn args(cx: &Cx<'_>, pick: &CustomerPick) -> Option<Vec<String>> {
    let mut args = vec!["export".to_owned(), "customers".to_owned()];
    match pick {
        CustomerPick::All => {}
        CustomerPick::Segment(name) => args.extend(["--segment".to_owned(), name.clone()]),
        _ => return None,
    }
    args.extend(cx.prefs.layout.analytics.args());
    Some(args)
}

/// Draws the list.
pub(super) fn customers_ui(
    ui: &mut Ui,
    state: &mut State,
    order: &mut CustomerOrder,
) -> Option<Act> {
    ui.horizontal(|ui| {
        ui.set_height(size::CONTROL);
        TextField::new("Find a customer")
            .finds()
            .hint("number")
            .width(140.0)
            .show(ui, &mut state.find);
        let sorts = [
            (CustomerSort::Amount, "Sales"),
            (CustomerSort::Recency, "Last purchase"),
            (CustomerSort::Invoices, "Orders"),
            (CustomerSort::Value, "Value"),
            (CustomerSort::Number, "Number"),
        ];
        let muted = theme::colors(ui).muted;
        Line::table("Sort by").color(muted).show(ui);
        if let Some(sort) = segmented(ui, "Sort", &sorts, order.sort) {
            order.sort = sort;
        }
        let turn = Btn::new("Reverse")
            .icon(Icon::ArrowUpDown)
            .look(Look::Quiet)
            .small();
        if turn.clicked(ui) {
            order.direction = match order.direction {
                Direction::Usual => Direction::Reversed,
                Direction::Reversed => Direction::Usual,
            };
        }
    });
    ui.add_space(6.0);
    if let Some(failure) = state.asked.failure() {
        widgets::error_state(ui, &failure.message, failure.remedy.as_deref());
        return None;
    }
    let Some((_, list)) = state.asked.newest() else {
        widgets::empty_state(ui, "Looking up the customers\u{2026}", None);
        return None;
    };
    let list = Arc::clone(list);
    let room = ui.available_rect_before_wrap();
    widgets::surface(ui, room);
    widgets::rect_ui(
        ui,
        room.shrink2(eframe::egui::vec2(size::PANEL_PAD, 8.0)),
        |ui| {
            if list.rows.is_empty() {
                widgets::empty_state(ui, "No customer fits.", None);
                return None;
            }
            rows_ui(ui, &list)
        },
    )
}

fn rows_ui(ui: &mut Ui, list: &CustomerList) -> Option<Act> {
    let columns = [
        ColumnSpec::text("Customer", 72.0),
        ColumnSpec::text("Country", 120.0),
        ColumnSpec::text("Segment", 120.0),
        ColumnSpec::text("Value", 80.0),
        ColumnSpec::text("Status", 116.0),
        ColumnSpec::rest("Next best action"),
        ColumnSpec::number("Last purchase", 84.0),
        ColumnSpec::number("Days since", 66.0),
        ColumnSpec::number("Orders", 52.0),
        ColumnSpec::number("Sales \u{a3}", 96.0),
    ];
    let mut clicked = None;
    let rows = &list.rows;
    let row = table(
        ui,
        "customers",
        &columns,
        rows.len(),
        size::ROW,
        None,
        |ui, row, column| {
            let Some(of) = rows.get(row) else { return };
            if column == 0 {
                if link(ui, &of.customer, &format!("Customer {}", of.customer)).clicked() {
                    clicked = Some(row);
                }
            } else {
                text_cell(ui, cell(of, column));
            }
        },
    );
    let customer = rows.get(clicked.or(row)?)?;
    Some(Act::Customer(customer.customer.to_string()))
}

fn cell(of: &CustomerFigures, column: usize) -> String {
    match column {
        1 => of.country.to_string(),
        2 => of.segment.clone(),
        3 => of.value.name().to_owned(),
        4 => of.status.name().to_owned(),
        5 => {
            let action = of.next.as_ref().map(|next| next.action.clone());
            action.unwrap_or_default()
        }
        6 => of.last.day().to_string(),
        7 => format::count(of.recency_days.into()),
        8 => format::count(of.invoices),
        _ => format::decimal(of.amount),
    }
}
