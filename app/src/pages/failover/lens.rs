//! The three-DC lens: one question, three answers side by side.

use eframe::egui::{CornerRadius, Rect, Ui, vec2};
use retail_engine::flow::{Lens, LensGroup, LensQuery};
use retail_engine::handle::Command;
use retail_engine::model::{Dc, PerDc, Reading};

use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::theme::{self, Icon, size};
use crate::views::failover::compared::{LensLine, digest, lens_lines, lens_verdict};
use crate::views::format;
use crate::views::overview::short;
use crate::widgets::{
    self, Btn, ColumnSpec, Line, Panel, Status, badge, empty_state, segmented, table,
};

/// An answer, ready to be drawn.
struct Shown {
    lines: Vec<LensLine>,
    verdict: (Status, String),
    totals: PerDc<String>,
    at: String,
}

/// The lens.
#[derive(Default)]
pub(super) struct LensState {
    group: Group,
    asked: Pending<Lens>,
    act: Option<ActId>,
    shown: Option<Shown>,
}

/// The group, with a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group(LensGroup);

impl Default for Group {
    fn default() -> Self {
        Self(LensGroup::Country)
    }
}

impl LensState {
    fn ask(&mut self, cx: &mut Cx<'_>) {
        let query = LensQuery {
            group: self.group.0,
            countries: Vec::new(),
        };
        let what = "Ask each data centre alone";
        self.act = Some(cx.runbook.begin(cx.snapshot.at, what, None));
        self.asked = cx.link.ask(|reply| Command::Lens(Box::new(query), reply));
    }

    /// Takes what has come.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.asked.poll(cx.ctx);
        let Some(lens) = self.asked.take() else {
            return;
        };
        let verdict = lens_verdict(&lens);
        if let Some(act) = self.act.take() {
            cx.runbook.end(act, Outcome::Done(verdict.1.clone()));
        }
        self.shown = Some(Shown {
            lines: lens_lines(&lens),
            totals: PerDc::from_fn(|dc| match &lens.totals[dc] {
                Reading::Known(total) => format!(
                    "{} lines, {}, digest {}",
                    format::count(total.rows.lines),
                    format::money(total.amount),
                    digest(&total.rows)
                ),
                Reading::Stale { .. } => "Unknown".to_owned(),
                Reading::Unknown(why) => format!("Unknown: {why}"),
            }),
            verdict,
            at: format::clock(cx.snapshot.at),
        });
    }

    /// Draws the panel.
    pub(super) fn panel_ui(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        cx: &mut Cx<'_>,
        tabs: impl FnOnce(&mut Ui),
    ) {
        let mut group = self.group.0;
        let mut ask = false;
        let waiting = self.asked.waiting().is_some();
        let head = self.shown.as_ref().map(|shown| shown.verdict.clone());
        Panel::titled("Three data centres, one question").show_with(ui, rect, tabs, |ui| {
            ui.horizontal(|ui| {
                let choices = [
                    (LensGroup::Country, "Country"),
                    (LensGroup::Month, "Month"),
                    (LensGroup::Bucket, "Bucket"),
                ];
                Line::table("Lines and sales by").show(ui);
                if let Some(chosen) = segmented(ui, "Lens", &choices, group) {
                    group = chosen;
                }
                let why = waiting.then_some("the data centres are being read");
                ask = Btn::new("Ask all three")
                    .icon(Icon::Search)
                    .small()
                    .blocked(why)
                    .clicked(ui);
                if let Some((status, text)) = &head {
                    badge(ui, *status, text);
                }
            });
            ui.add_space(4.0);
            match &self.shown {
                Some(shown) => shown_ui(ui, shown),
                None if waiting => {
                    empty_state(ui, "Each data centre reads its own rows\u{2026}", None);
                }
                None => {
                    let why = "Each data centre answers from its own rows alone; cells that differ are marked.";
                    ask |= empty_state(ui, why, Some("Ask now"));
                }
            }
        });
        if group != self.group.0 {
            self.group = Group(group);
            ask = true;
        }
        if ask && !waiting {
            self.ask(cx);
        }
    }
}

fn shown_ui(ui: &mut Ui, shown: &Shown) {
    let colors = theme::colors(ui);
    for dc in Dc::ALL {
        ui.horizontal(|ui| {
            widgets::dc_label(ui, dc, Line::table(dc.name()).medium());
            Line::table(&shown.totals[dc]).color(colors.muted).show(ui);
        });
    }
    Line::caption(format!("asked at {}", shown.at))
        .color(colors.muted)
        .show(ui);
    let width = ((ui.available_width() - 190.0) / 6.0).max(64.0);
    let titles: Vec<[String; 2]> = Dc::ALL
        .map(|dc| {
            [
                format!("{} lines", short(dc)),
                format!("{} sales", short(dc)),
            ]
        })
        .to_vec();
    let mut columns = vec![ColumnSpec::text("Group", 176.0)];
    for [lines, amount] in &titles {
        columns.push(ColumnSpec::number(lines, width * 0.8));
        columns.push(ColumnSpec::number(amount, width * 1.2 - 10.0));
    }
    table(
        ui,
        "lens",
        &columns,
        shown.lines.len(),
        size::ROW_DENSE,
        None,
        |ui, row, column| {
            let Some(line) = shown.lines.get(row) else {
                return;
            };
            let Some(place) = column.checked_sub(1) else {
                if line.differs {
                    widgets::status_icon(ui, Status::Critical);
                }
                Line::table(&line.name).show(ui);
                return;
            };
            let Some(dc) = Dc::ALL.get(place / 2) else {
                return;
            };
            let cell = &line.cells[*dc];
            let text = if place.is_multiple_of(2) {
                &cell.lines
            } else {
                &cell.amount
            };
            if cell.is_odd {
                let at = ui.max_rect().expand2(vec2(2.0, -1.0));
                ui.painter()
                    .rect_filled(at, CornerRadius::same(2), colors.critical_tint);
                Line::table(text).semibold().color(colors.critical).show(ui);
            } else {
                Line::table(text).show(ui);
            }
        },
    );
}
