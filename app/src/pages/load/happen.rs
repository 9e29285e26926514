//! What will happen: totals, rules with their switches, limits.

use eframe::egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, vec2};
use retail_engine::clean::{Rule, Switch};
use retail_engine::model::Region;

use super::{State, inside, pair_ui};
use crate::pages::Cx;
use crate::theme::{self, size};
use crate::views::format;
use crate::views::load::happen::{Happen, countries_text, reasons_text};
use crate::widgets::{
    self, Btn, Line, Look, Panel, Split, Status, TextField, rect_ui, split_rows, switch,
};

/// Both panels.
pub(super) fn happen_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let low = rect.height() < 620.0;
    let upper = if low { 238.0 } else { 256.0 };
    let [totals, rules] = split_rows(rect, [Split::Points(upper), Split::Share(1.0)]);
    totals_ui(ui, totals, state, cx);
    rules_ui(ui, rules, state, cx);
}

fn totals_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &Cx<'_>) {
    let mut again = false;
    let Some(check) = &state.check else { return };
    Panel::titled("What will happen").show_with(
        ui,
        rect,
        |ui| {
            let muted = theme::colors(ui).muted;
            Line::caption("whole file").color(muted).show(ui);
        },
        |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            match (&check.happen, &check.uncounted) {
                (Some(happen), _) => {
                    let time = state.ledgers.time_for(happen.clean);
                    counted_ui(ui, happen, time.as_deref());
                }
                (None, Some((message, remedy))) => {
                    widgets::error_state(ui, message, Some(remedy));
                }
                (None, None) if check.was_ended => {
                    let why = "Another check took the place of this one.";
                    again = widgets::empty_state(ui, why, Some("Count again"));
                }
                (None, None) => {
                    let why = "The whole file is being counted. The load may begin before that.";
                    widgets::empty_state(ui, why, None);
                }
            }
        },
    );
    if again && let Some(check) = &mut state.check {
        check.read_again(cx);
    }
}

fn counted_ui(ui: &mut Ui, happen: &Happen, time: Option<&str>) {
    let colors = theme::colors(ui);
    let muted = |text: String| Line::table(text).color(colors.muted);
    pair_ui(
        ui,
        Line::table("Rows read"),
        Line::table(format::count(happen.read)).medium(),
    );
    let (rows, kinds) = happen.rejected;
    pair_ui(
        ui,
        muted(format!("  \u{2212} rejected, {}", reasons_text(kinds))),
        Line::table(format::count(rows)),
    );
    let (rows, kinds) = happen.filtered;
    pair_ui(
        ui,
        muted(format!("  \u{2212} filtered, {}", reasons_text(kinds))),
        Line::table(format::count(rows)),
    );
    pair_ui(
        ui,
        Line::body("Lines to load").semibold(),
        Line::body(format::count(happen.clean)).semibold(),
    );
    for region in Region::ALL {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
        let right = Layout::right_to_left(Align::Center);
        inside(ui, rect, right, |ui| {
            Line::table(format::count(happen.regions[region])).show(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.add_space(8.0);
                let name = Line::table(region.name()).color(colors.muted);
                widgets::region_label(ui, region, name);
            });
        });
    }
    pair_ui(
        ui,
        muted("Revenue of these lines".to_owned()),
        Line::table(format::money(happen.amount)).medium(),
    );
    let time = match time {
        Some(time) => Line::table(time),
        None => Line::table("Unknown: no load has run yet").color(colors.unknown),
    };
    pair_ui(ui, muted("Estimated time".to_owned()), time);
}

/// What a person did to the rules.
enum Act {
    Switch(Rule, Switch),
    Builtin,
    Assign,
}

fn rules_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let mut act = None;
    let mut to_builtin = false;
    let rules = state.rules(cx);
    let is_builtin = rules.in_force() == super::files::builtin().in_force();
    Panel::titled("Rules").show_with(
        ui,
        rect,
        |ui| {
            if is_builtin {
                let muted = theme::colors(ui).muted;
                Line::caption("switch one to see the change")
                    .color(muted)
                    .show(ui);
            } else {
                let reset = Btn::new("Defaults").look(Look::Quiet).small();
                if reset
                    .label("Default rules")
                    .hint("Back to the built-in rules")
                    .clicked(ui)
                {
                    to_builtin = true;
                }
            }
        },
        |ui| {
            ScrollArea::vertical().id_salt("rules").show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let happen = state.check.as_ref().and_then(|check| check.happen.as_ref());
                for rule in Rule::ALL {
                    let row = happen.and_then(|h| h.rules.iter().find(|row| row.rule == rule));
                    let on = rules.in_force().contains(rule);
                    if rule_ui(ui, rule, on, row.map(|row| row.moves)) {
                        let to = if on { Switch::Off } else { Switch::On };
                        act = Some(Act::Switch(rule, to));
                    }
                }
                if countries_ui(ui, happen) {
                    act = Some(Act::Assign);
                }
                ui.add_space(6.0);
                if let Some(check) = &mut state.check {
                    limits_ui(ui, check);
                }
            });
        },
    );
    if to_builtin {
        act = Some(Act::Builtin);
    }
    match act {
        Some(Act::Switch(rule, to)) => state.switch(rule, to, cx),
        Some(Act::Builtin) => {
            let mut rules = state.rules(cx);
            state.undo.push(super::Undo::Rules(rules));
            for rule in Rule::ALL {
                let to = if super::files::builtin().in_force().contains(rule) {
                    Switch::On
                } else {
                    Switch::Off
                };
                if rules.in_force().contains(rule) != (to == Switch::On) {
                    rules = rules.with(rule, to);
                }
            }
            state.put_rules(rules, cx);
        }
        Some(Act::Assign) => state.routes.open(cx),
        None => {}
    }
}

fn rule_ui(ui: &mut Ui, rule: Rule, on: bool, moves: Option<u64>) -> bool {
    let colors = theme::colors(ui);
    let (name, note) = crate::views::load::reasons::rule(rule);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 36.0), Sense::hover());
    let stroke = eframe::egui::Stroke::new(1.0, colors.grid);
    ui.painter().hline(rect.x_range(), rect.bottom(), stroke);
    let mut clicked = false;
    let right = Layout::right_to_left(Align::Center);
    inside(ui, rect, right, |ui| {
        let (text, color) = match moves {
            Some(moves) if on => (format::minus(moves), colors.text),
            Some(moves) => (format::count(moves), colors.muted),
            None => (String::new(), colors.muted),
        };
        let said = if on {
            "rows that it sets aside"
        } else {
            "rows that it would set aside"
        };
        Line::table(text).color(color).show(ui).on_hover_text(said);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            clicked = switch(ui, name, on).clicked();
            ui.add_space(2.0);
            two_ui(ui, name, note);
        });
    });
    clicked
}

fn two_ui(ui: &mut Ui, name: &str, note: &str) {
    let muted = theme::colors(ui).muted;
    let room = ui.available_rect_before_wrap();
    rect_ui(ui, room, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.add_space(2.0);
        Line::table(name).medium().show(ui);
        Line::caption(note).color(muted).show(ui);
    });
}

/// Countries of no region: assigned by a person, or set aside by name.
fn countries_ui(ui: &mut Ui, happen: Option<&Happen>) -> bool {
    let colors = theme::colors(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 38.0), Sense::hover());
    let mut clicked = false;
    let right = Layout::right_to_left(Align::Center);
    inside(ui, rect, right, |ui| {
        let rows = happen.map_or(0, |happen| happen.unknown_rows);
        let unknown = happen.is_some_and(|happen| !happen.unknown.is_empty());
        let text = happen.map_or_else(String::new, |_| format::minus(rows));
        Line::table(text).show(ui);
        clicked = Btn::new("Assign\u{2026}")
            .small()
            .label("Assign countries")
            .hint("Which region each country belongs to")
            .clicked(ui);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let (status, note) = match happen {
                Some(happen) if unknown => (
                    Status::Warn,
                    format!("set aside: {}", countries_text(&happen.unknown)),
                ),
                Some(_) => (Status::Ok, "every country has a region".to_owned()),
                None => (Status::Neutral, "countries are being counted".to_owned()),
            };
            widgets::status_icon(ui, status);
            ui.add_space(10.0);
            two_ui(ui, "No region known", &note);
        });
    });
    let stroke = eframe::egui::Stroke::new(1.0, colors.grid);
    ui.painter().hline(rect.x_range(), rect.bottom(), stroke);
    clicked
}

/// When to stop, and how fast to go.
fn limits_ui(ui: &mut Ui, check: &mut super::Check) {
    let colors = theme::colors(ui);
    let limit = check.limit();
    let rate = check.rate();
    let passed = match (&check.happen, limit) {
        (Some(happen), Some(limit)) => happen.passes(limit),
        _ => false,
    };
    let limit_note = if limit.is_none() {
        Some((
            Status::Critical,
            "not a count, a share such as 2.5%, or none",
        ))
    } else if passed {
        Some((
            Status::Warn,
            "this file has more: the load would stop there",
        ))
    } else {
        None
    };
    field_ui(
        ui,
        ("Stop at rejected rows", "none, 500 or 2.5%"),
        &mut check.limit_text,
        limit_note,
    );
    let rate_note = rate
        .is_err()
        .then_some((Status::Critical, "not a count of lines"));
    field_ui(
        ui,
        ("Lines per second", "no limit"),
        &mut check.rate_text,
        rate_note,
    );
    let note = "both hold for this load; the speed can be changed while it runs";
    Line::caption(note).color(colors.muted).wrapped().show(ui);
}

/// A named field, and beneath it what is wrong.
pub(super) fn field_ui(
    ui: &mut Ui,
    (name, hint): (&str, &str),
    text: &mut String,
    note: Option<(Status, &str)>,
) {
    let colors = theme::colors(ui);
    let room = vec2(ui.available_width(), size::CONTROL + 4.0);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        TextField::new(name).hint(hint).width(104.0).show(ui, text);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            Line::table(name).color(colors.muted).show(ui);
        });
    });
    if let Some((status, note)) = note {
        ui.horizontal(|ui| {
            widgets::status_icon(ui, status);
            Line::caption(note).color(status.color(colors)).show(ui);
        });
    }
}
