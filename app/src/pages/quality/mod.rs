//! Which rows were set aside, why, and what can be saved?
//!
//! The table of reasons and the ledger above, the rows of a reason below, and beside them the row
//! that is chosen: its raw text, a fix and its effect, and the way that the row went.

mod acts;
mod data;
mod fix;
mod pending;
mod reasons;
mod row;
mod rows;

use eframe::egui::{Key, Modifiers, Ui};
use retail_engine::flow::{LoadRecord, PassportQuery, RejectView};
use retail_engine::handle::Command;
use retail_engine::model::{LoadId, Reason};
use retail_engine::ports::RejectQuery;

use self::acts::Acts;
use self::data::{Rows, Totals, Version};
use self::fix::Draft;
use self::row::Way;
use super::{Cx, Page, title_ui};
use crate::actions::Action;
use crate::link::Pending;
use crate::prefs::layout::{QualityLayout, RowFilter, Scope};
use crate::theme::Icon;
use crate::views::quality::{self, Summary};
use crate::widgets::{self, Btn, Look, Split, select, split_columns, split_rows};

/// Width of the panel of a row.
const ROW_WIDTH: f32 = 372.0;
/// Width of the same where the window is narrow.
const ROW_WIDTH_NARROW: f32 = 320.0;
/// Reasons shown without scrolling.
const REASONS_SHOWN: usize = 6;

/// What the page remembers.
#[derive(Default)]
pub struct State {
    scope: Scope,
    /// What was remembered is in force.
    restored: bool,
    totals: Totals,
    rows: Rows,
    /// The place of the chosen row among those that the filter lets through, and the row.
    chosen: Option<(usize, RejectView)>,
    /// The place is to be chosen as soon as its row is read.
    choosing: Option<usize>,
    draft: Option<Draft>,
    way: Way,
    acts: Acts,
    edits: u64,
    routes: u64,
}

impl State {
    /// Takes answers that have come; once per frame, whatever page is shown.
    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.remember(&mut cx.prefs.layout.quality);
        self.acts.refresh(cx);
        let (load, summary) = self.looked_at(cx);
        let record = cx
            .snapshot
            .loads
            .iter()
            .find(|known| Some(known.id) == load);
        self.acts.read_by(record.and_then(|record| record.rules));
        self.totals.refresh(cx.ctx, summary.read);
        if self.rows.refresh(cx.ctx) {
            // A row may stand otherwise than before.
            let place = self.chosen.as_ref().map(|(place, _)| *place);
            self.choosing = self.choosing.or(place).or(Some(0));
        }
        if let Some(place) = self.choosing
            && let Some(view) = self.rows.row(place).cloned()
        {
            self.choosing = None;
            if self.draft.as_ref().is_none_or(|draft| !draft.is_of(&view)) {
                self.draft = Some(Draft::of(&view));
            }
            self.chosen = Some((place, view));
        }
        if let Some(draft) = &mut self.draft {
            draft.refresh(cx.ctx);
            let (edits, routes) = (self.acts.edits, self.acts.routes);
            if (edits, routes) != (self.edits, self.routes) {
                (self.edits, self.routes) = (edits, routes);
                draft.look_again();
            }
        }
        self.way.refresh(cx.ctx);
        if cx.prefs.layout.page == Page::Quality {
            let version = Version::of(cx.snapshot, load, &summary, self.acts.edits);
            self.totals.ask(cx.link, version);
            self.choose_reason();
            if self.rows.filter().reason.is_some() {
                self.rows.ask(cx.link, version);
            }
            if let Some((_, view)) = &self.chosen {
                self.way.ask(cx.link, view, self.acts.edits);
            }
            self.keys(cx);
        }
    }

    /// Carries out an act that this page knows.
    pub fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        match action {
            Action::Undo => self.acts.undo(cx),
            Action::Export => self.export(None, cx),
            Action::RowPath => {
                if let Some((_, view)) = &self.chosen {
                    cx.acts.push(Action::Passport(Some(PassportQuery::Row {
                        load: view.row.load,
                        row: view.row.reject.row,
                    })));
                }
            }
            _ => {}
        }
    }

    /// Begins with what was remembered, and remembers what is looked at from then on.
    fn remember(&mut self, layout: &mut QualityLayout) {
        if self.restored {
            layout.scope = self.scope;
            if layout.rows != *self.rows.filter() {
                layout.rows = self.rows.filter().clone();
            }
        } else {
            self.restored = true;
            self.scope = layout.scope;
            self.show(layout.rows.clone());
        }
    }

    /// The load that rows are of, and what its ledger says.
    fn looked_at(&self, cx: &Cx<'_>) -> (Option<LoadId>, Summary) {
        let mended = self.acts.mended_loads();
        let of_person = |load: &&LoadRecord| !mended.contains(&load.id);
        let is_known = |load: LoadId| cx.snapshot.loads.iter().any(|known| known.id == load);
        let scope = match self.scope {
            // Remembered from data that is gone.
            Scope::Load(load) if !is_known(load) => Scope::Newest,
            scope => scope,
        };
        let load = match scope {
            Scope::Newest => {
                let mut newest = cx.snapshot.loads.iter().rev();
                newest.find(of_person).map(|load| load.id)
            }
            Scope::All => None,
            Scope::Load(load) => Some(load),
        };
        let running = cx.snapshot.load.as_ref().map(|load| &load.record);
        let intake = |load: &'_ LoadRecord| {
            let newer = running.filter(|running| running.id == load.id);
            newer.unwrap_or(load).intake.clone()
        };
        let intakes: Vec<_> = match (load, scope) {
            (None, Scope::All) => {
                let all = cx.snapshot.loads.iter().filter(of_person);
                all.map(intake).collect()
            }
            (None, Scope::Newest | Scope::Load(_)) => Vec::new(),
            (Some(load), _) => {
                let one = cx.snapshot.loads.iter().find(|known| known.id == load);
                one.map(intake).into_iter().collect()
            }
        };
        (load, Summary::of(&intakes))
    }

    /// A reason is always chosen where there are rows: the one that can most likely be mended.
    fn choose_reason(&mut self) {
        let table = &self.totals.table;
        let chosen = self.rows.filter().reason;
        let is_there = |reason: Reason| table.rows.iter().any(|row| row.reason == reason);
        if self.totals.version.is_none() || chosen.is_some_and(is_there) {
            return;
        }
        let defect = |reason: &Reason| *reason < Reason::Cancellation && *reason != Reason::Blank;
        let mut by_rows = table.rows.iter().map(|row| row.reason);
        let reason = by_rows.clone().find(defect).or_else(|| by_rows.next());
        self.show_reason(reason);
    }

    fn show_reason(&mut self, reason: Option<Reason>) {
        self.show(RowFilter {
            reason,
            ..RowFilter::default()
        });
    }

    fn show(&mut self, filter: RowFilter) {
        if filter != *self.rows.filter() {
            self.rows.set_filter(filter);
            self.chosen = None;
            self.draft = None;
            self.choosing = Some(0);
        }
    }

    /// Up and down choose the row before and after.
    fn keys(&mut self, cx: &Cx<'_>) {
        let Some((place, _)) = &self.chosen else {
            return;
        };
        let nothing_has_keys =
            !widgets::is_covered(cx.ctx) && cx.ctx.memory(|memory| memory.focused().is_none());
        if !nothing_has_keys {
            return;
        }
        let last = self.rows.total.unwrap_or(0).saturating_sub(1);
        let (up, down) = cx.ctx.input_mut(|input| {
            (
                input.consume_key(Modifiers::NONE, Key::ArrowUp),
                input.consume_key(Modifiers::NONE, Key::ArrowDown),
            )
        });
        if up {
            self.choosing = Some(place.saturating_sub(1));
        } else if down {
            self.choosing = Some((place + 1).min(last));
        }
    }

    /// Saves rows as a CSV that loads again.
    fn export(&self, reason: Option<Reason>, cx: &mut Cx<'_>) {
        let (load, _) = self.looked_at(cx);
        let query = RejectQuery {
            load,
            reason,
            ..RejectQuery::default()
        };
        let mended = self.acts.mended_loads();
        let layouts = cx.snapshot.loads.iter();
        let layouts = layouts.map(|load| (load.id, load.layout.clone())).collect();
        let Pending::Waiting(rows, _) = cx.link.ask(|reply| Command::Rejects(query, reply)) else {
            return;
        };
        let of_load = load.map_or_else(|| "all".to_owned(), |load| load.to_string());
        let of_reason = reason.map_or_else(String::new, |reason| format!("-{}", reason.slug()));
        let name = format!("rejects-{of_load}{of_reason}.csv");
        let args = quality::export_args(load, reason, &name);
        let act = cx
            .runbook
            .begin(cx.snapshot.at, "Export rejects", Some(args));
        cx.files.save_as_act(cx.ctx, &name, act, move || {
            let rows = rows.wait().map_err(|gone| gone.to_string())?;
            let mut rows = rows.map_err(|error| error.to_string())?;
            if load.is_none() {
                // Their rows stand in the lists of the loads that they came from.
                rows.retain(|row| !mended.contains(&row.load));
            }
            let mut out = Vec::new();
            retail_engine::flow::write_rejects(&mut out, rows, &layouts)
                .map_err(|error| error.to_string())?;
            Ok(out)
        });
    }
}

/// Draws the page.
pub fn quality_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    state.acts.confirm_ui(cx);
    let (load, summary) = state.looked_at(cx);
    title_ui(
        ui,
        Page::Quality.title(),
        "Which rows were set aside, why, and what can be saved?",
        |ui| acts_ui(ui, state, load, &summary, cx),
    );
    let room = ui.available_rect_before_wrap();
    if cx.snapshot.loads.is_empty() {
        widgets::surface(ui, room);
        let why = "Nothing was loaded yet, so nothing was set aside.";
        if widgets::empty_state(ui, why, Some("Open CSV\u{2026}")) {
            cx.acts.push(Action::OpenDialog);
        }
        return;
    }
    let shown = state.totals.table.rows.len().clamp(1, REASONS_SHOWN);
    let rows = shown as f32 + 1.0;
    let height = 22.0 + 26.0 + rows * crate::theme::size::ROW_DENSE + 6.0;
    let [top, rest] = split_rows(room, [Split::Points(height.max(158.0)), Split::Share(1.0)]);
    let is_running = cx.snapshot.load.is_some();
    if let Some(reason) = reasons::reasons_ui(
        ui,
        top,
        &state.totals,
        &summary,
        is_running,
        state.rows.filter().reason,
    ) {
        state.show_reason(Some(reason));
    }
    let nothing = summary.set_aside == 0 && state.totals.version.is_some();
    if nothing {
        clean_ui(ui, rest, &summary, is_running);
    } else {
        let width = if ui.ctx().content_rect().width() < 1100.0 {
            ROW_WIDTH_NARROW
        } else {
            ROW_WIDTH
        };
        let [left, right] = split_columns(rest, [Split::Share(1.0), Split::Points(width)]);
        let left = pending::pending_ui(ui, left, &mut state.acts, cx);
        rows::rows_ui(ui, left, state, cx);
        row::row_ui(ui, right, state, load, cx);
    }
}

/// What stands when no row was set aside.
fn clean_ui(ui: &mut Ui, rect: eframe::egui::Rect, summary: &Summary, is_running: bool) {
    widgets::surface(ui, rect);
    let text = match (summary.read, is_running) {
        (0, true) => "No row was read yet.".to_owned(),
        (0, false) => "The file had no rows, so none was set aside.".to_owned(),
        (1, false) => "The one row is clean.".to_owned(),
        (read, false) => format!("All {} are clean.", quality::rows_words(read)),
        (read, true) => format!("All {} so far are clean.", quality::rows_words(read)),
    };
    widgets::rect_ui(ui, rect.shrink(12.0), |ui| {
        widgets::empty_state(ui, &text, None);
    });
}

/// The acts beside the title, from the right.
fn acts_ui(
    ui: &mut Ui,
    state: &mut State,
    load: Option<LoadId>,
    summary: &Summary,
    cx: &mut Cx<'_>,
) {
    let blocked = state.acts.reingest_blocked();
    let look = if blocked.is_none() {
        Look::Primary
    } else {
        Look::Plain
    };
    let text = blocked.map_or_else(
        || match state.acts.fixes.len() {
            1 => "Re-ingest 1 fix\u{2026}".to_owned(),
            fixes => format!("Re-ingest {fixes} fixes\u{2026}"),
        },
        |why| format!("Re-ingest: {why}"),
    );
    let reingest = Btn::new(&text)
        .icon(Icon::Play)
        .look(look)
        .label("Re-ingest")
        .blocked(blocked)
        .changes();
    if reingest.clicked(ui) {
        state.acts.plan(cx);
    }
    let nothing = (summary.set_aside == 0).then_some("no row was set aside");
    let export = Btn::new("Export rejects")
        .icon(Icon::Download)
        .key("Ctrl S")
        .label("Export rejects")
        .blocked(nothing)
        .hint("A CSV that loads again once it is mended");
    if export.clicked(ui) {
        state.export(None, cx);
    }
    let mut choices: Vec<(Scope, String)> = cx
        .snapshot
        .loads
        .iter()
        .rev()
        .map(|load| (Scope::Load(load.id), quality::load_name(load)))
        .collect();
    if choices.len() > 1 {
        choices.insert(0, (Scope::All, "All loads".to_owned()));
    }
    if choices.is_empty() {
        return;
    }
    let chosen = match state.scope {
        Scope::All => Scope::All,
        Scope::Newest | Scope::Load(_) => load.map_or(Scope::All, Scope::Load),
    };
    if let Some(scope) = select(ui, "Load looked at", &choices, Some(chosen), 210.0) {
        state.scope = scope;
        state.chosen = None;
        state.draft = None;
        state.choosing = Some(0);
    }
}
