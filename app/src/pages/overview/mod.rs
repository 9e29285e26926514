//! Is everything flowing, and is every row accounted for?

mod attention;
mod canary;
mod cards;
mod dcs;
mod flow;
mod pipeline;
mod repair;
mod strip;

use eframe::egui::{Popup, Rect, Ui};
use retail_engine::handle::Snapshot;
use retail_engine::ledger::Ledger;

pub use attention::page_of;

use super::load::picture_of_ledger;
use super::{Cx, Page, first_run, title_ui};
use crate::actions::Action;
use crate::theme::{Icon, size};
use crate::views::ledger;
use crate::views::load::ledger::sheet;
use crate::widgets::{Btn, Split, Take, split_columns, split_rows};

/// What the page remembers.
#[derive(Default)]
pub struct State {
    repair: repair::State,
}

impl State {
    /// Takes answers that have come; once per frame, whatever page is shown.
    pub fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.repair.refresh(cx);
    }

    /// Carries out an act that this page knows.
    pub fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        if *action == Action::Export {
            export(Take::Csv, cx);
        }
    }
}

/// Draws the page.
pub fn overview_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    let nothing = cx.snapshot.loads.is_empty() && cx.snapshot.lines == 0;
    if nothing {
        let sentence = "Nothing is loaded yet. Nothing needs to be installed.";
        title_ui(ui, "Overview", sentence, |_| {});
        first_run::first_run_ui(ui, cx);
        return;
    }
    title_ui(
        ui,
        "Overview",
        "Is everything flowing, and is every row accounted for?",
        |ui| {
            if Btn::primary("Open CSV\u{2026}").key("Ctrl O").clicked(ui) {
                cx.acts.push(Action::OpenDialog);
            }
            export_ui(ui, cx);
        },
    );
    let room = ui.available_rect_before_wrap();
    let [strip, cards, rest] = split_rows(
        room,
        [
            Split::Points(106.0),
            Split::Points(126.0),
            Split::Share(1.0),
        ],
    );
    strip::strip_ui(ui, strip, cx);
    cards::cards_ui(ui, cards, cx);
    let [left, right] = split_columns(rest, [Split::Share(1.0), Split::Points(388.0)]);
    flow::flow_ui(ui, left, cx);
    side_ui(ui, right, state, cx);
    state.repair.confirm_ui(cx);
}

fn side_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let rows = Split::Points(142.0);
    let low = ui.ctx().content_rect().height() < size::LOW;
    let attention = if low {
        let [dcs, attention] = split_rows(rect, [rows, Split::Share(1.0)]);
        dcs::dcs_ui(ui, dcs, cx);
        attention
    } else {
        let [dcs, canary, attention] = split_rows(rect, [rows, rows, Split::Share(1.0)]);
        dcs::dcs_ui(ui, dcs, cx);
        canary::canary_ui(ui, canary, cx);
        attention
    };
    if let Some(finding) = attention::attention_ui(ui, attention, cx) {
        match attention::act_of(&finding, cx.snapshot) {
            Some(act) => cx.acts.push(act),
            None => state.repair.plan(cx),
        }
    }
}

/// Leads to the newest load, whose figures the page shows.
fn act_of_load(snapshot: &Snapshot) -> Action {
    match snapshot.loads.last() {
        Some(load) => Action::ShowLoad(load.id),
        None => Action::Go(Page::Load),
    }
}

/// The button with its menu: the ledger as CSV, as JSON, as a picture, or on the clipboard.
fn export_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let none = cx.snapshot.ledger.is_none().then_some("no load has run");
    let button = Btn::new("Export ledger")
        .icon(Icon::Download)
        .blocked(none)
        .show(ui);
    Popup::menu(&button).width(150.0).show(|ui| {
        for take in [Take::Csv, Take::Json, Take::Png, Take::Copy] {
            if ui.button(take.name()).clicked() {
                export(take, cx);
                ui.close();
            }
        }
    });
}

/// Takes the ledger out.
fn export(take: Take, cx: &mut Cx<'_>) {
    let Some(sheet) = &cx.snapshot.ledger else {
        let remedy = "load a file first";
        cx.notices
            .push("there is no ledger yet".to_owned(), Some(remedy.to_owned()));
        return;
    };
    if take == Take::Png {
        save_picture(sheet, cx);
        return;
    }
    let text = match take {
        Take::Json => ledger::json(cx.snapshot, sheet),
        Take::Csv | Take::Copy | Take::Png => ledger::csv(cx.snapshot, sheet),
    };
    if take == Take::Copy {
        cx.ctx.copy_text(text.replace(',', "\t"));
        cx.notices.done("The ledger is on the clipboard".to_owned());
        return;
    }
    let name = format!("{}.{}", ledger::file_name(cx.snapshot), take.extension());
    cx.files.save(cx.ctx, &name, move || Ok(text.into_bytes()));
}

/// Saves the ledger as it is drawn on the page of its load.
fn save_picture(of: &Ledger, cx: &mut Cx<'_>) {
    let Some(record) = cx.snapshot.loads.last() else {
        return;
    };
    let running = cx.snapshot.load.as_ref();
    let running = running.is_some_and(|load| load.record.id == record.id);
    let sheet = sheet(record, of, running);
    let (mode, theme) = (cx.snapshot.mode, cx.ctx.theme());
    let name = format!("{}.png", ledger::file_name(cx.snapshot));
    let draw = move || picture_of_ledger(&sheet, mode, theme);
    cx.files.save(cx.ctx, &name, draw);
}
