//! A fix while it is thought over: what it changes, and what it would do.

use std::time::{Duration, Instant};

use eframe::egui::{Align, Layout, Sense, Ui, vec2};
use retail_engine::clean::Rules;
use retail_engine::flow::{FixEffect, FixRule, QuarantineError, RejectKey, RejectView};
use retail_engine::handle::Command;
use retail_engine::intake::Column;
use retail_engine::model::{LoadId, Reason, Region};

use super::acts::Acts;
use super::data::Trouble;
use crate::link::{Link, Pending};
use crate::pages::Cx;
use crate::theme;
use crate::views::{format, quality};
use crate::widgets::{self, Btn, Line, Look, Status, TextField, segmented, select};

/// After the last key before the effect is asked for.
const PAUSE: Duration = Duration::from_millis(200);
/// Width of the names at the left.
const NAMES: f32 = 96.0;

/// Whom a fix is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// The row that is shown.
    Row,
    /// All rows that say the same.
    Alike,
}

/// A fix that is not on record yet.
pub(super) struct Draft {
    key: RejectKey,
    whom: Whom,
    column: Column,
    to: String,
    /// All fields of the row, where they are written one by one.
    whole: Option<Box<[String; 8]>>,
    changed: Instant,
    /// Counted up when the effect depends on something else than the fix.
    round: u64,
    asked: Option<(FixRule, u64)>,
    pending: Pending<Result<FixEffect, QuarantineError>>,
    effect: Option<Result<FixEffect, Trouble>>,
}

impl Draft {
    /// The fix that a row suggests.
    pub(super) fn of(view: &RejectView) -> Self {
        let reject = &view.row.reject;
        let at_fault = reject.column.as_deref().and_then(Column::of_name);
        let column = at_fault.unwrap_or(Column::InvoiceNo);
        let alike = reject.reason == Reason::UnroutableCountry && view.value.is_some();
        Self {
            key: RejectKey::of(&view.row),
            whom: if alike { Whom::Alike } else { Whom::Row },
            column,
            to: field_of(view, column),
            whole: view.fields.is_none().then(Box::default),
            changed: Instant::now(),
            round: 0,
            asked: None,
            pending: Pending::Idle,
            effect: None,
        }
    }

    /// Whether it is about this row.
    pub(super) fn is_of(&self, view: &RejectView) -> bool {
        self.key == RejectKey::of(&view.row)
    }

    /// Asks for the effect again, for something that it depends on has changed.
    pub(super) const fn look_again(&mut self) {
        self.round += 1;
    }

    /// The fix as the engine takes it; `scope` is the load that rows are looked at of.
    pub(super) fn rule(&self, view: &RejectView, scope: Option<LoadId>) -> FixRule {
        if let Some(fields) = &self.whole {
            return FixRule::Row {
                row: self.key,
                fields: fields.clone(),
            };
        }
        match (self.whom, &view.value) {
            (Whom::Alike, Some(from)) => FixRule::Alike {
                load: scope,
                reason: view.row.reject.reason,
                column: self.column,
                from: from.clone(),
                to: self.to.clone(),
            },
            (Whom::Alike | Whom::Row, _) => FixRule::Field {
                row: self.key,
                column: self.column,
                to: self.to.clone(),
            },
        }
    }

    /// Takes the effect, if it has come.
    pub(super) fn refresh(&mut self, ctx: &eframe::egui::Context) {
        self.pending.poll(ctx);
        match self.pending.take() {
            None => {}
            Some(Ok(effect)) => self.effect = Some(Ok(effect)),
            Some(Err(error)) => self.effect = Some(Err((&error).into())),
        }
    }

    /// Asks what the fix would do, once the keyboard rests.
    fn ask(&mut self, link: &Link, ctx: &eframe::egui::Context, rule: FixRule, rules: Rules) {
        let wanted = (rule, self.round);
        if self.asked.as_ref() == Some(&wanted) {
            return;
        }
        self.effect = None;
        let rests = self.changed.elapsed();
        if rests < PAUSE && self.asked.is_some() {
            ctx.request_repaint_after(PAUSE.saturating_sub(rests));
            return;
        }
        let rule = Box::new(wanted.0.clone());
        self.pending = link.ask(|reply| Command::FixEffect(rule, rules, reply));
        self.asked = Some(wanted);
    }

    /// What it would do, if that is known.
    fn effect(&self) -> Option<&FixEffect> {
        self.effect.as_ref().and_then(|effect| effect.as_ref().ok())
    }
}

fn field_of(view: &RejectView, column: Column) -> String {
    let fields = view.fields.as_ref();
    fields.map_or_else(String::new, |fields| fields[column as usize].clone())
}

/// Draws the fix and what it would do.
pub(super) fn fix_ui(
    ui: &mut Ui,
    draft: &mut Draft,
    view: &RejectView,
    alike: Option<u64>,
    scope: Option<LoadId>,
    acts: &mut Acts,
    cx: &mut Cx<'_>,
) {
    ui.spacing_mut().item_spacing.y = 6.0;
    head_ui(ui, draft, view, alike);
    if draft.whole.is_some() {
        whole_ui(ui, draft);
    } else {
        field_ui(ui, draft, view);
        if draft.column == Column::Country {
            region_ui(ui, draft, acts, cx);
        }
    }
    let rule = draft.rule(view, scope);
    if let Some(rules) = acts.rules() {
        draft.ask(cx.link, cx.ctx, rule, rules);
    }
    widgets_rule(ui);
    effect_ui(ui, draft);
}

/// A thin line between two parts of a panel.
pub(super) fn widgets_rule(ui: &mut Ui) {
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, 9.0), Sense::hover());
    let color = theme::colors(ui).line;
    let stroke = eframe::egui::Stroke::new(1.0, color);
    ui.painter().hline(rect.x_range(), rect.center().y, stroke);
}

fn head_ui(ui: &mut Ui, draft: &mut Draft, view: &RejectView, alike: Option<u64>) {
    let width = ui.available_width();
    ui.allocate_ui_with_layout(
        vec2(width, theme::size::CONTROL_SMALL),
        Layout::right_to_left(Align::Center),
        |ui| {
            let all = alike.filter(|rows| *rows > 1 && view.value.is_some());
            if draft.whole.is_none() {
                if let Some(rows) = all {
                    let text = format!("All {} like it", format::count(rows));
                    let choices = [(Whom::Row, "This row"), (Whom::Alike, text.as_str())];
                    if let Some(whom) = segmented(ui, "Fix", &choices, draft.whom) {
                        draft.whom = whom;
                        if whom == Whom::Alike {
                            // Rows are alike in the column at fault.
                            let reject = &view.row.reject;
                            let at_fault = reject.column.as_deref().and_then(Column::of_name);
                            draft.column = at_fault.unwrap_or(draft.column);
                            draft.to = field_of(view, draft.column);
                        }
                    }
                } else {
                    draft.whom = Whom::Row;
                    let label = "Mend every field of this row";
                    let all = Btn::new("All fields").label(label).look(Look::Quiet);
                    if let (Some(fields), true) = (&view.fields, all.small().clicked(ui)) {
                        draft.whole = Some(Box::new(fields.clone()));
                    }
                }
            } else if view.fields.is_some() {
                let one = Btn::new("One field").look(Look::Quiet).small();
                if one.clicked(ui) {
                    draft.whole = None;
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                Line::body("Fix").semibold().show(ui);
            });
        },
    );
}

/// A name at the left, and what stands beside it. The control beside it has its own label.
fn named<R>(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    let muted = theme::colors(ui).muted;
    ui.horizontal(|ui| {
        let (rect, _) =
            ui.allocate_exact_size(vec2(NAMES - 8.0, theme::size::CONTROL), Sense::hover());
        ui.painter().text(
            rect.left_center(),
            eframe::egui::Align2::LEFT_CENTER,
            name,
            theme::font(theme::Type::Table, theme::Weight::Regular),
            muted,
        );
        add(ui)
    })
    .inner
}

fn field_ui(ui: &mut Ui, draft: &mut Draft, view: &RejectView) {
    if draft.whom == Whom::Row {
        named(ui, "Field", |ui| {
            let width = ui.available_width();
            let columns = quality::columns();
            let chosen = select(ui, "Field to mend", &columns, Some(draft.column), width);
            if let Some(column) = chosen {
                draft.column = column;
                draft.to = field_of(view, column);
                draft.changed = Instant::now();
            }
        });
    }
    named(ui, draft.column.name(), |ui| {
        let label = format!("New {}", draft.column.name());
        let width = ui.available_width();
        let field = TextField::new(&label).width(width).mono();
        if field.show(ui, &mut draft.to).changed() {
            draft.changed = Instant::now();
        }
    });
}

fn whole_ui(ui: &mut Ui, draft: &mut Draft) {
    let Some(fields) = &mut draft.whole else {
        return;
    };
    let mut changed = false;
    for (column, text) in Column::ALL.into_iter().zip(fields.iter_mut()) {
        named(ui, column.name(), |ui| {
            let label = format!("New {}", column.name());
            let width = ui.available_width();
            let field = TextField::new(&label).width(width).mono();
            changed |= field.show(ui, text).changed();
        });
    }
    if changed {
        draft.changed = Instant::now();
    }
}

/// Where the country would go; one without a region can be given one.
fn region_ui(ui: &mut Ui, draft: &Draft, acts: &mut Acts, cx: &mut Cx<'_>) {
    let country = draft.to.trim();
    if country.is_empty() {
        return;
    }
    let Some(map) = acts.routing() else {
        return;
    };
    let found = map.find(country).map(|route| route.region);
    named(ui, "Region", |ui| {
        if let Some(region) = found {
            widgets::region_label(ui, region, Line::table(region.name()));
            let muted = theme::colors(ui).muted;
            Line::caption("by the routing map").color(muted).show(ui);
            return;
        }
        if let Some(why) = widgets::read_only(ui.ctx()) {
            let muted = theme::colors(ui).muted;
            Line::caption(why).color(muted).show(ui);
            return;
        }
        let width = ui.available_width();
        let choices = Region::ALL.map(|region| (region, region.name().to_owned()));
        let chosen = select(ui, "Region for this country", &choices, None, width);
        if let Some(region) = chosen {
            acts.assign(country, region, cx);
        }
    });
    if found.is_none() {
        let muted = theme::colors(ui).muted;
        let text = format!(
            "\u{201c}{country}\u{201d} is on no region. A choice puts it on the routing map, for \
             loads from now on; Ctrl+Z takes it back."
        );
        Line::caption(text).color(muted).wrapped().show(ui);
    }
}

fn effect_ui(ui: &mut Ui, draft: &Draft) {
    ui.spacing_mut().item_spacing.y = 2.0;
    match &draft.effect {
        None => {
            pair_ui(ui, "Would become", |ui| waiting_ui(ui, draft));
        }
        Some(Err(trouble)) => {
            widgets::error_state(ui, &trouble.message, trouble.remedy.as_deref());
        }
        Some(Ok(effect)) => {
            pair_ui(ui, "Would become", |ui| {
                Line::table(quality::becomes(effect)).medium().show(ui);
            });
            if let Some(again) = quality::again(effect) {
                pair_ui(ui, "Set aside again", |ui| {
                    let warn = theme::colors(ui).warn;
                    Line::table(again).color(warn).show(ui);
                    widgets::status_icon(ui, Status::Warn);
                });
            }
            pair_ui(ui, "Sales", |ui| {
                Line::table(quality::gain(effect.amount)).medium().show(ui);
            });
        }
    }
    pair_ui(ui, "Raw text stays as read", |ui| {
        Line::table("the fix is kept beside it").medium().show(ui);
    });
}

fn waiting_ui(ui: &mut Ui, draft: &Draft) {
    let waits = draft.pending.waiting().unwrap_or_default();
    let word = if waits > Duration::from_secs(2) {
        "reading all rows it is about\u{2026}"
    } else {
        "\u{2026}"
    };
    let muted = theme::colors(ui).muted;
    Line::table(word).color(muted).show(ui);
}

/// A name at the left and a value at the right.
pub(super) fn pair_ui(ui: &mut Ui, name: &str, value: impl FnOnce(&mut Ui)) {
    let muted = theme::colors(ui).muted;
    let room = vec2(ui.available_width(), 18.0);
    ui.allocate_ui_with_layout(room, Layout::right_to_left(Align::Center), |ui| {
        value(ui);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            Line::table(name).color(muted).show(ui);
        });
    });
}

/// Draws the acts below the fix.
pub(super) fn fix_acts_ui(
    ui: &mut Ui,
    draft: &mut Draft,
    view: &RejectView,
    scope: Option<LoadId>,
    acts: &mut Acts,
    cx: &mut Cx<'_>,
) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let of_mended = acts.is_mended_load(view.row.load);
        let blocked = if of_mended {
            Some("it was made of a mended row: mend that one again")
        } else {
            quality::blocked(draft.effect(), &view.status)
        };
        let add = Btn::primary("Add to re-ingest").blocked(blocked).changes();
        if add.clicked(ui) {
            acts.add(
                draft.rule(view, scope),
                draft.effect().map_or(0, |e| e.rows),
                cx,
            );
        }
        let keep = Btn::new("Keep in quarantine").hint("Forgets what was typed; the row stays");
        if keep.clicked(ui) {
            *draft = Draft::of(view);
        }
    });
}
