//! The closing card: the balance sheet line by line, what each data centre holds, how long it
//! took.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use eframe::egui::{
    Align, CornerRadius, Layout, Rect, ScrollArea, Sense, Stroke, StrokeKind, Theme, Ui, pos2, vec2,
};
use retail_engine::config::Mode;
use retail_engine::flow::{LoadEnd, LoadRecord};
use retail_engine::handle::Command;
use retail_engine::ledger::Ledger;
use retail_engine::model::{Dc, LoadId, Reading, RowsDigest};

use super::{State, inside, pair_ui};
use crate::actions::Action;
use crate::link::Pending;
use crate::pages::{Cx, Page};
use crate::picture;
use crate::theme::{self, Icon, Type, size};
use crate::views::format;
use crate::views::load::ledger::{self, Level, Sheet, SheetRow, sheet};
use crate::widgets::{
    self, Btn, Line, Panel, Split, Status, Take, context_menu, export_menu, rect_ui, split_columns,
    split_rows,
};

/// The forms in which a ledger is taken out.
const TAKES: [Take; 4] = [Take::Csv, Take::Json, Take::Png, Take::Copy];

/// The ledger that is shown, and what is remembered of loads that ended here.
#[derive(Default)]
pub(super) struct Ledgers {
    shown: Option<LoadId>,
    ends: BTreeMap<LoadId, LoadEnd>,
    asked: Pending<Option<Box<Ledger>>>,
    asked_for: Option<LoadId>,
    older: Option<(LoadId, Ledger)>,
    sheet: Option<(LoadId, DateTime<Utc>, Sheet)>,
    /// Rows per second of the last load that went through.
    rate: Option<f64>,
}

impl Ledgers {
    /// Shows a load.
    pub(super) fn show(&mut self, load: Option<LoadId>) {
        self.shown = load;
        self.sheet = None;
        self.older = None;
        self.asked_for = None;
    }

    /// Whether one is shown.
    pub(super) const fn is_chosen(&self) -> bool {
        self.shown.is_some()
    }

    /// Shows a load that ended just now.
    pub(super) fn ended(&mut self, end: Box<LoadEnd>) {
        let read = end.record.intake.read - end.resumed_after.unwrap_or(0);
        let seconds = end.took.as_secs_f64();
        if end.ledger.is_closed() && read > 0 && seconds > 0.0 {
            self.rate = Some(read as f64 / seconds);
        }
        self.show(Some(end.record.id));
        self.ends.insert(end.record.id, *end);
    }

    /// How long so many lines take at the rate of the last load.
    pub(super) fn time_for(&self, lines: u64) -> Option<String> {
        let time = Duration::try_from_secs_f64(lines as f64 / self.rate?).ok()?;
        Some(format!(
            "{}, as fast as the last load",
            format::duration(time)
        ))
    }

    /// Brings the sheet up to the newest snapshot.
    pub(super) fn refresh(&mut self, cx: &Cx<'_>) {
        let Some(shown) = self.shown else { return };
        self.asked.poll(cx.ctx);
        if let Some(ledger) = self.asked.take().flatten()
            && self.asked_for == Some(shown)
        {
            self.older = Some((shown, *ledger));
        }
        let all = &cx.snapshot.loads;
        let Some(record) = all.iter().find(|record| record.id == shown) else {
            return;
        };
        let at = cx.snapshot.at;
        if self
            .sheet
            .as_ref()
            .is_some_and(|(id, then, _)| *id == shown && *then == at)
        {
            return;
        }
        let newest = all.last().is_some_and(|last| last.id == shown);
        let running = cx
            .snapshot
            .load
            .as_ref()
            .is_some_and(|load| load.record.id == shown);
        let ledger = if newest {
            cx.snapshot.ledger.as_ref()
        } else {
            self.older
                .as_ref()
                .filter(|(id, _)| *id == shown)
                .map(|(_, ledger)| ledger)
        };
        match ledger {
            Some(ledger) => {
                self.sheet = Some((shown, at, sheet(record, ledger, running)));
            }
            None if self.asked_for != Some(shown) => {
                self.asked_for = Some(shown);
                self.asked = cx.link.ask(|reply| Command::Ledger(shown, reply));
            }
            None => {}
        }
    }

    fn sheet(&self) -> Option<&Sheet> {
        self.sheet.as_ref().map(|(_, _, sheet)| sheet)
    }

    /// Saves the sheet as CSV.
    pub(super) fn save_csv(&self, cx: &mut Cx<'_>) {
        self.take(Take::Csv, Theme::Dark, cx);
    }

    /// Takes the sheet out.
    fn take(&self, take: Take, theme: Theme, cx: &mut Cx<'_>) {
        let (Some(load), Some(sheet)) = (self.shown, self.sheet()) else {
            return;
        };
        let mode = cx.snapshot.mode;
        if take == Take::Copy {
            cx.ctx.copy_text(sheet.csv('\t', mode));
            cx.notices
                .done(format!("The ledger of {load} is on the clipboard"));
            return;
        }
        let name = format!("ledger-{load}.{}", take.extension());
        let sheet = sheet.clone();
        cx.files.save(cx.ctx, &name, move || match take {
            Take::Json => {
                serde_json::to_vec_pretty(&sheet.json(mode)).map_err(|error| error.to_string())
            }
            Take::Png => picture_of_ledger(&sheet, mode, theme),
            Take::Csv | Take::Copy => Ok(sheet.csv(',', mode).into_bytes()),
        });
    }
}

/// The sheet as a picture, with its verdict and the mode.
pub(crate) fn picture_of_ledger(
    sheet: &Sheet,
    mode: Mode,
    theme: Theme,
) -> Result<Vec<u8>, String> {
    let rows: f32 = sheet.rows.iter().map(height_of).sum();
    let paper = picture::Sheet {
        title: sheet.verdict.1.clone(),
        stamp: vec![sheet.note.clone(), ledger::mode(mode).to_owned()],
        size: vec2(920.0, rows + 30.0),
        theme,
    };
    picture::png(&picture::panel(&paper, |ui| sheet_ui(ui, sheet)))
}

/// What can be done with it.
pub(super) fn acts_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    let Some(sheet) = state.ledgers.sheet() else {
        return;
    };
    let again = sheet.again;
    let aside = shown(state, cx).map_or(0, |record| record.intake.set_aside.total());
    let open = Btn::new("Open analytics");
    let open = if again {
        open
    } else {
        open.look(widgets::Look::Primary)
    };
    if open.clicked(ui) {
        cx.acts.push(super::head::ANALYTICS);
    }
    let none = (aside == 0).then_some("no row was set aside");
    if Btn::new("See rejects").blocked(none).clicked(ui) {
        cx.acts.push(Action::Go(Page::Quality));
    }
    if let Some(take) = export_menu(ui, "ledger", &TAKES) {
        let theme = ui.ctx().theme();
        state.ledgers.take(take, theme, cx);
    }
    let file = shown(state, cx).map(|record| record.file.clone());
    if again
        && let Some(file) = file
        && Btn::primary("Load again")
            .icon(Icon::RotateCcw)
            .changes()
            .clicked(ui)
    {
        if state
            .run
            .request()
            .is_some_and(|request| request.file == file)
        {
            state.run.again(cx);
            state.step = super::Step::Load;
        } else {
            cx.acts.push(Action::Open(file));
        }
    }
    if state.waiting.len() > 0 {
        let next = format!("Check the next of {}", state.waiting.len());
        if Btn::new(&next).label("Check the next file").clicked(ui)
            && let Some(file) = state.waiting.next()
        {
            state.begin(file, cx);
        }
    }
}

fn shown<'a>(state: &State, cx: &'a Cx<'_>) -> Option<&'a LoadRecord> {
    let shown = state.ledgers.shown?;
    cx.snapshot.loads.iter().find(|record| record.id == shown)
}

/// The step.
pub(super) fn ledger_ui(ui: &mut Ui, room: Rect, state: &mut State, cx: &mut Cx<'_>) {
    if state.ledgers.sheet().is_some()
        && let Some(take) = context_menu(ui, room, "ledger", &TAKES)
    {
        let theme = ui.ctx().theme();
        state.ledgers.take(take, theme, cx);
    }
    let Some(sheet) = state.ledgers.sheet() else {
        Panel::bare().show(ui, room, |ui| {
            let why = if state.ledgers.is_chosen() {
                "Reading the ledger\u{2026}"
            } else {
                "No load has run in this data directory yet."
            };
            widgets::empty_state(ui, why, None);
        });
        return;
    };
    let [banner, rest] = split_rows(room, [Split::Points(72.0), Split::Share(1.0)]);
    banner_ui(ui, banner, sheet);
    let side = if rest.width() < 760.0 { 260.0 } else { 372.0 };
    let [left, right] = split_columns(rest, [Split::Share(1.0), Split::Points(side)]);
    Panel::titled("Ledger")
        .note("each total is counted on its own, then compared")
        .show(ui, left, |ui| {
            ScrollArea::vertical()
                .id_salt("sheet")
                .show(ui, |ui| sheet_ui(ui, sheet));
        });
    let parts = [
        Split::Points(126.0),
        Split::Points(150.0),
        Split::Share(1.0),
    ];
    let [dcs, times, proof] = split_rows(right, parts);
    dcs_ui(ui, dcs, cx);
    let end = state
        .ledgers
        .shown
        .and_then(|id| state.ledgers.ends.get(&id));
    times_ui(ui, times, end, shown(state, cx));
    proof_ui(ui, proof, end, state, cx);
}

fn banner_ui(ui: &mut Ui, rect: Rect, sheet: &Sheet) {
    let colors = theme::colors(ui);
    let (status, text) = &sheet.verdict;
    let color = status.color(colors);
    ui.painter().rect(
        rect,
        CornerRadius::same(size::RADIUS_PANEL),
        status.tint(colors),
        Stroke::new(1.0, color),
        StrokeKind::Inside,
    );
    let icon = pos2(rect.left() + 28.0, rect.center().y);
    ui.painter().text(
        icon,
        eframe::egui::Align2::CENTER_CENTER,
        char::from(status.icon()),
        theme::icon_font(22.0),
        color,
    );
    let inner = Rect::from_min_max(rect.min + vec2(54.0, 10.0), rect.max - vec2(12.0, 6.0));
    rect_ui(ui, inner, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        Line::new(text, Type::Title)
            .semibold()
            .show(ui)
            .on_hover_text(text);
        let note = match &sheet.remedy {
            Some(remedy) => format!("{remedy}  {}", sheet.note),
            None => sheet.note.clone(),
        };
        Line::body(&note)
            .color(colors.muted)
            .show(ui)
            .on_hover_text(note);
    });
}

const fn height_of(row: &SheetRow) -> f32 {
    match row.level {
        Level::Total => 32.0,
        Level::Part => 26.0,
    }
}

/// The sheet as a table.
fn sheet_ui(ui: &mut Ui, sheet: &Sheet) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let width = ui.available_width();
    let (head, _) = ui.allocate_exact_size(vec2(width, 22.0), Sense::hover());
    cells_ui(ui, head, |ui, column| {
        let title = ["Line", "Rows", "Worth \u{a3}", "Check"][column];
        Line::caption(title).color(colors.muted).show(ui);
    });
    for row in &sheet.rows {
        let (rect, _) = ui.allocate_exact_size(vec2(width, height_of(row)), Sense::hover());
        let total = row.level == Level::Total;
        if total {
            let stroke = Stroke::new(1.0, colors.line);
            ui.painter().hline(rect.x_range(), rect.top(), stroke);
        }
        let ink = if total { colors.text } else { colors.muted };
        let line = |text: String| {
            let line = Line::table(text).color(ink);
            if total { line.medium() } else { line }
        };
        cells_ui(ui, rect, |ui, column| match column {
            0 => {
                if !total {
                    ui.add_space(22.0);
                }
                line(row.label.clone()).show(ui);
            }
            1 => match &row.rows {
                Reading::Known(rows) => {
                    line(format::signed(*rows)).show(ui);
                }
                Reading::Stale { value, .. } => {
                    line(format::signed(*value)).color(colors.muted).show(ui);
                }
                Reading::Unknown(why) => {
                    let unknown = Line::table("Unknown").color(colors.unknown);
                    unknown.show(ui).on_hover_text(why);
                }
            },
            2 => {
                if let Some(worth) = row.worth {
                    line(format::decimal(worth)).show(ui);
                }
            }
            _ => {
                if let Some((status, text)) = &row.check {
                    ui.spacing_mut().item_spacing.x = 5.0;
                    let color = match status {
                        Status::Ok | Status::Neutral => colors.text,
                        other => other.color(colors),
                    };
                    Line::table(text).color(color).show(ui).on_hover_text(text);
                    if *status != Status::Neutral {
                        widgets::status_icon(ui, *status);
                    }
                }
            }
        });
    }
}

/// Four cells: text from the left, then three that end at their stop.
fn cells_ui(ui: &mut Ui, rect: Rect, mut cell: impl FnMut(&mut Ui, usize)) {
    let stops = [0.0, 0.42, 0.56, 0.74, 1.0];
    for (column, ends) in stops.windows(2).enumerate() {
        let [from, to] = [ends[0], ends[1]].map(|stop| rect.left() + rect.width() * stop);
        let at = Rect::from_min_max(pos2(from, rect.top()), pos2(to, rect.bottom()));
        let layout = if column == 0 {
            Layout::left_to_right(Align::Center)
        } else {
            Layout::right_to_left(Align::Center)
        };
        inside(ui, at, layout, |ui| {
            cell(ui, column);
        });
    }
}

fn dcs_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>) {
    Panel::titled("Visible per data centre")
        .note("all loads, now")
        .show(ui, rect, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let rows: [Reading<RowsDigest>; 3] = Dc::ALL.map(|dc| {
                cx.snapshot.store.as_ref().map_or_else(
                    || Reading::Unknown("nothing was measured yet".to_owned()),
                    |store| store.dcs[dc].rows.clone(),
                )
            });
            let first = rows[0].known().copied();
            let equal = first.is_some() && rows.iter().all(|row| row.known().copied() == first);
            for (dc, row) in Dc::ALL.into_iter().zip(&rows) {
                dc_ui(ui, dc, row, equal);
            }
        });
}

fn dc_ui(ui: &mut Ui, dc: Dc, rows: &Reading<RowsDigest>, equal: bool) {
    let colors = theme::colors(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::hover());
    let right = Layout::right_to_left(Align::Center);
    inside(ui, rect, right, |ui| {
        let status = match (rows.known(), equal) {
            (Some(_), true) => Status::Ok,
            (Some(_), false) => Status::Warn,
            (None, _) => Status::Unknown,
        };
        let said = match status {
            Status::Ok => "equal to the others, by count and digest",
            Status::Warn => "not equal to the others",
            _ => "does not say what it holds",
        };
        widgets::status_icon(ui, status).on_hover_text(said);
        if let Some(known) = rows.known() {
            let digest = format!("{:016x}", known.mix);
            let (head, tail) = (digest.get(..4), digest.get(12..));
            let short = format!("{}\u{2026}{}", head.unwrap_or(""), tail.unwrap_or(""));
            let text = Line::table(short).mono().color(colors.muted);
            text.show(ui).on_hover_text(&digest);
            ui.add_space(10.0);
        }
        widgets::reading(ui, rows, Type::Table, |rows| format::count(rows.lines));
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            widgets::dc_label(ui, dc, Line::table(dc.name()).medium());
        });
    });
}

fn times_ui(ui: &mut Ui, rect: Rect, end: Option<&LoadEnd>, record: Option<&LoadRecord>) {
    Panel::titled("How long it took")
        .note("from the request; stages overlap")
        .show(ui, rect, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let Some(end) = end else {
                let produced = record.and_then(|record| {
                    let at = record.produced_at?;
                    (at - record.started_at).to_std().ok()
                });
                let text = match produced {
                    Some(time) => format!(
                        "All rows were in the log after {}. The other times are kept only while the console that loaded it is open.",
                        format::duration(time)
                    ),
                    None => "Unknown: the load did not come to its end.".to_owned(),
                };
                let muted = theme::colors(ui).muted;
                Line::table(text).color(muted).wrapped().show(ui);
                return;
            };
            let times = end.times;
            for (name, time) in [
                ("Read, clean, produce", Some(times.produced)),
                ("Consume and write", times.written),
                ("Visible everywhere", times.visible),
                ("Tables written", times.tables),
            ] {
                span_ui(ui, name, time, end.took);
            }
        });
}

fn span_ui(ui: &mut Ui, name: &str, time: Option<Duration>, whole: Duration) {
    let colors = theme::colors(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::hover());
    let right = Layout::right_to_left(Align::Center);
    inside(ui, rect, right, |ui| {
        let text = match time {
            Some(time) => Line::table(format::duration(time)),
            None => Line::table("not reached").color(colors.unknown),
        };
        let at = text.show(ui).rect;
        let bar = Rect::from_min_max(
            pos2(rect.left() + 142.0, rect.center().y - 4.0),
            pos2(
                (rect.right() - 62.0).min(at.left() - 8.0),
                rect.center().y + 4.0,
            ),
        );
        if bar.width() > 20.0 {
            let share = time.map_or(0.0, |time| {
                time.as_secs_f32() / whole.as_secs_f32().max(f32::EPSILON)
            });
            widgets::bar(ui.painter(), bar, share, colors.bar, colors.grid);
        }
    });
    inside(ui, rect, Layout::left_to_right(Align::Center), |ui| {
        Line::table(name).color(colors.muted).show(ui);
    });
}

fn proof_ui(ui: &mut Ui, rect: Rect, end: Option<&LoadEnd>, state: &State, cx: &Cx<'_>) {
    let Some(record) = shown(state, cx) else {
        return;
    };
    Panel::titled("Proof").show(ui, rect, |ui| {
        ScrollArea::vertical().id_salt("proof").show(ui, |ui| {
            let muted = theme::colors(ui).muted;
            ui.spacing_mut().item_spacing.y = 2.0;
            let mut pair = |name: &str, value: String| {
                pair_ui(ui, Line::table(name).color(muted), Line::table(value));
            };
            if let Some(end) = end {
                let read = end.record.intake.read - end.resumed_after.unwrap_or(0);
                let rate = read as f64 / end.took.as_secs_f64().max(f64::EPSILON);
                pair("Mean rate", format::rate(rate, "rows"));
                pair("From request to end", format::duration(end.took));
                let there = end.ledger.already_there();
                pair("Lines already stored before", format::count(there));
                if let Some(row) = end.resumed_after {
                    pair("Went on after row", format::count(row));
                }
                if let Some(fullest) = state.run.fullest() {
                    pair(
                        "Fullest queue seen",
                        format!(
                            "{}: {} of {}",
                            fullest.name,
                            format::count(fullest.entries),
                            format::count(fullest.capacity)
                        ),
                    );
                }
                if let Some(request) = state.run.request() {
                    pair("Rules", format!("version {}", request.rules.version()));
                }
            }
            let retries: u64 = cx.snapshot.regions.iter().map(|(_, r)| r.retries).sum();
            pair(
                "Flushes sent again, since the start",
                format::count(retries),
            );
            pair("File, by size and both ends", record.fingerprint.clone());
            pair("Mode on export", ledger::mode(cx.snapshot.mode).to_owned());
        });
    });
}
