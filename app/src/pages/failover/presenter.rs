//! Presenter mode: large type, one scene after the other, paced by keys. Everything shown is the
//! engine at work: the load, the drill and the comparison are the same acts as anywhere else.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eframe::egui::{CornerRadius, Key, Layout, Modifiers, Rect, Ui, vec2};
use retail_engine::clean::Rules;
use retail_engine::config::ErrorLimit;
use retail_engine::failover::RouteState;
use retail_engine::failover::drill::scenario;
use retail_engine::flow::{LoadEnd, LoadError, LoadRequest, Resume, Until};
use retail_engine::handle::Command;
use retail_engine::intake::ReadOptions;
use retail_engine::model::{Dc, Region};

use super::State;
use super::drill::window;
use super::hero;
use super::map::draw_ui;
use super::permit::Permit;
use super::running::body_ui;
use super::timeline::{hints_body_ui, steps_ui};
use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::sample::{self, Unpacking};
use crate::theme::{self, Icon, Type, size};
use crate::views::charts::{self, Window};
use crate::views::failover::card::{Card, Rpo, Rto};
use crate::views::failover::dcs;
use crate::views::failover::map::Map;
use crate::views::failover::plan::{Draft, Stream};
use crate::views::failover::scenes::{Cue, Scene};
use crate::views::format;
use crate::widgets::chart::{TimeChart, time_chart};
use crate::widgets::{
    self, Btn, Confirm, Decision, Line, Look, Panel, Split, Status, rect_ui, split_columns,
    split_rows, status_icon,
};

/// Lines per second of the first scene: slow enough to be followed.
const FLOW: u64 = 4_000;
/// What the chart of the flow shows.
const FLOW_SHOWN: Duration = Duration::from_secs(40);
/// Lines per second while Europe is lost.
const DRILL_RATE: &str = "2000";
/// The fault ends by itself after this many seconds, if nobody goes on.
const DRILL_LASTS: &str = "120";
/// Why a scene only shows.
const NO_LAB: &str = "left out here: these servers are not marked LAB, and the show loads and breaks \
                      on a lab only";

/// Whether the show may load and break.
enum Leave {
    /// It may.
    Given,
    /// A person is asked, by the name of the lab; with what was typed so far.
    Asked(String),
    /// It only shows and compares: the servers are no lab.
    Refused,
}

impl Leave {
    fn of(cx: &Cx<'_>) -> Self {
        match Permit::of(cx) {
            Permit::Given => Self::Given,
            Permit::Named(_) => Self::Asked(String::new()),
            Permit::Never(_) => Self::Refused,
        }
    }
}

/// The show.
pub(super) struct Presenter {
    scene: Scene,
    leave: Leave,
    cues: VecDeque<Cue>,
    /// What flows; `None` where other data than the sample are stored.
    file: Option<PathBuf>,
    sample: Unpacking,
    loading: Pending<Result<LoadEnd, LoadError>>,
    load_act: Option<ActId>,
}

impl Presenter {
    /// Before the first scene.
    pub(super) fn new(cx: &mut Cx<'_>) -> Self {
        Self {
            scene: Scene::Ready,
            leave: Leave::of(cx),
            cues: VecDeque::new(),
            file: None,
            sample: sample_for(cx),
            loading: Pending::Idle,
            load_act: None,
        }
    }

    fn enter(&mut self, scene: Scene) {
        // A scene is done once; looking back does nothing again.
        if scene > self.scene {
            let cue = scene.cue();
            self.cues
                .extend(cue.filter(|cue| self.refused(*cue).is_none()));
        }
        self.scene = scene;
    }

    /// Whether the sample flows in it.
    const fn loads(&self) -> bool {
        self.file.is_some() || self.sample.is_under_way()
    }

    /// Why a cue is left out here.
    fn refused(&self, cue: Cue) -> Option<&'static str> {
        match (&self.leave, cue) {
            (Leave::Refused, Cue::Load | Cue::Surge | Cue::Lose | Cue::Heal) => Some(NO_LAB),
            (Leave::Refused, Cue::Prove) | (Leave::Given | Leave::Asked(_), _) => None,
        }
    }

    /// Why the scene that is shown does nothing here.
    fn idle(&self) -> Option<&'static str> {
        self.scene.cue().and_then(|cue| self.refused(cue))
    }

    /// What the next cue waits for; `None` when nothing is to be done.
    fn waits_for(&self, state: &State, cx: &Cx<'_>) -> Option<&'static str> {
        let cue = self.cues.front()?;
        if self.sample.is_under_way() {
            return Some("waits until the sample is written");
        }
        ready(*cue, state, cx).err()
    }
}

/// The sample, where it is what is stored or where nothing is.
fn sample_for(cx: &mut Cx<'_>) -> Unpacking {
    let is_other = |known: &Path| known.file_name() != Some(sample::NAME.as_ref());
    let loads = &cx.snapshot.loads;
    // Lines without a load on record came from another directory.
    let has_other = loads.iter().any(|load| is_other(&load.file))
        || (loads.is_empty() && cx.snapshot.lines > 0);
    if has_other {
        Unpacking::default()
    } else {
        Unpacking::begin(cx.ctx, &cx.settings.data_dir, cx.notices)
    }
}

/// Whether a cue can be carried out now; else what it waits for.
fn ready(cue: Cue, state: &State, cx: &Cx<'_>) -> Result<(), &'static str> {
    let snapshot = cx.snapshot;
    let at_home = snapshot
        .regions
        .iter()
        .all(|(_, view)| view.route == RouteState::Home);
    match cue {
        Cue::Load | Cue::Surge if snapshot.drill.is_some() => Err("waits for the end of the drill"),
        Cue::Load | Cue::Lose if snapshot.load.is_some() => Err("waits for the end of the load"),
        Cue::Lose if snapshot.drill.is_some() || state.drill.is_asked() => {
            Err("waits for the end of the drill before")
        }
        Cue::Lose if !snapshot.faults.is_empty() => Err("waits until no fault is in force"),
        Cue::Lose if !at_home => Err("waits until all regions are at home"),
        Cue::Heal => match snapshot
            .drill
            .as_ref()
            .map(|drill| Card::of_view(drill, snapshot))
        {
            Some(card) => match card.rto {
                Rto::Waiting | Rto::Counting(_) => Err("waits for the first success"),
                Rto::Reached(_) | Rto::None(_) => Ok(()),
            },
            None if state.drill.is_asked() => Err("waits for the fault"),
            None => Ok(()),
        },
        Cue::Prove if snapshot.drill.is_some() || state.drill.is_asked() => {
            Err("waits until Europe is home and the drill is over")
        }
        Cue::Load | Cue::Surge | Cue::Lose | Cue::Prove => Ok(()),
    }
}

/// Takes keys and answers, and carries out cues that can be.
pub(super) fn refresh(state: &mut State, cx: &mut Cx<'_>) {
    let Some(mut show) = state.presenter.take() else {
        return;
    };
    show.loading.poll(cx.ctx);
    if let Some(ended) = show.loading.take() {
        let outcome = match ended {
            Ok(end) => Outcome::Done(format!("{} lines produced", end.ledger.produced)),
            Err(error) => {
                cx.notices.push(error.to_string(), Some(error.remedy()));
                Outcome::Failed(error.to_string())
            }
        };
        if let Some(act) = show.load_act.take() {
            cx.runbook.end(act, outcome);
        }
    }
    if let Some(path) = show.sample.take(cx.notices) {
        show.file = Some(path);
    }
    if let Some(cue) = show.cues.front().copied()
        && show.waits_for(state, cx).is_none()
    {
        show.cues.pop_front();
        carry_out(cue, &mut show, state, cx);
    }
    let is_shown = cx.prefs.layout.page == crate::pages::Page::Failover;
    // A dialog has the keys to itself.
    let is_covered = matches!(show.leave, Leave::Asked(_)) || widgets::is_covered(cx.ctx);
    let press = if is_shown && !is_covered && !cx.ctx.text_edit_focused() {
        pressed(cx)
    } else {
        None
    };
    step(press, show, state, cx);
}

/// What a person does in the show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Press {
    Next,
    Before,
    Rewind,
    Leave,
}

fn pressed(cx: &Cx<'_>) -> Option<Press> {
    let keys = [
        (Key::PageDown, Press::Next),
        (Key::PageUp, Press::Before),
        (Key::Home, Press::Rewind),
        (Key::Escape, Press::Leave),
    ];
    cx.ctx.input_mut(|input| {
        keys.into_iter()
            .find(|(key, _)| input.consume_key(Modifiers::NONE, *key))
            .map(|(_, press)| press)
    })
}

fn step(press: Option<Press>, mut show: Presenter, state: &mut State, cx: &mut Cx<'_>) {
    match press {
        None => {}
        Some(Press::Next) => {
            if let Some(next) = show.scene.next() {
                show.enter(next);
            }
        }
        Some(Press::Before) => {
            if let Some(before) = show.scene.before() {
                show.enter(before);
            }
        }
        Some(Press::Rewind) => {
            rewind(cx);
            show.cues.clear();
            show.scene = Scene::Ready;
            state.drill.done = None;
            state.drill.verified = None;
        }
        Some(Press::Leave) => {
            leave(cx);
            return;
        }
    }
    state.presenter = Some(show);
}

/// Ends what the show began, so that it can begin again.
fn rewind(cx: &mut Cx<'_>) {
    leave(cx);
    if cx.snapshot.drill.is_some() {
        // Its answer says only whether a drill ran.
        drop(cx.link.ask(Command::CancelDrill));
    }
    let act = cx
        .runbook
        .begin(cx.snapshot.at, "Rewind the presenter", None);
    cx.runbook.end(act, Outcome::Done("faults end".to_owned()));
}

/// The limit of the rate is as the settings say again, where the show may have changed it.
pub(super) fn leave(cx: &Cx<'_>) {
    if Permit::of(cx).refusal().is_some() {
        return;
    }
    cx.link.send(Command::SetRate(cx.settings.flow.rate_limit));
}

fn carry_out(cue: Cue, show: &mut Presenter, state: &mut State, cx: &mut Cx<'_>) {
    match cue {
        Cue::Load => load(show, cx),
        Cue::Surge => cx.link.send(Command::SetRate(None)),
        Cue::Lose => {
            let Some(scenario) = scenario("europe-down") else {
                return;
            };
            let stream = match &show.file {
                Some(file) => Stream::File(file.clone()),
                None => Stream::Probes,
            };
            let mut draft = Draft::of(scenario, stream);
            DRILL_RATE.clone_into(&mut draft.rate);
            DRILL_LASTS.clone_into(&mut draft.lasts);
            // The proof at the end is read after this, and no older one stands in for it.
            state.hand.verified = None;
            state.drill.start(&draft, cx);
        }
        Cue::Heal => {
            if cx.snapshot.drill.is_some() {
                state.drill.bring_back(cx);
            }
        }
        Cue::Prove => state.hand.verify(cx),
    }
}

fn load(show: &mut Presenter, cx: &mut Cx<'_>) {
    let Some(file) = show.file.clone() else {
        return;
    };
    let rules = match Rules::builtin() {
        Ok(rules) => rules,
        Err(error) => {
            cx.notices.push(error.to_string(), None);
            return;
        }
    };
    let args = vec!["load".to_owned(), file.display().to_string()];
    let what = "Load the sample for the presenter";
    show.load_act = Some(cx.runbook.begin(cx.snapshot.at, what, Some(args)));
    cx.link.send(Command::SetRate(Some(FLOW)));
    let request = LoadRequest {
        file,
        options: ReadOptions::default(),
        rules,
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    show.loading = cx.link.ask(|reply| Command::Load(Box::new(request), reply));
}

/// Draws the scene.
pub(super) fn presenter_ui(ui: &mut Ui, mut show: Presenter, state: &mut State, cx: &mut Cx<'_>) {
    let mut press = None;
    let waits = show.idle().or_else(|| show.waits_for(state, cx));
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let colors = theme::colors(ui);
        for scene in Scene::ALL {
            let on = scene == show.scene;
            let color = if on { colors.text } else { colors.muted };
            let title = if scene == Scene::Ready {
                "Start"
            } else {
                scene.title()
            };
            let text = format!("{}  {title}", scene.number() + 1);
            let line = Line::body(text).color(color);
            let line = if on { line.semibold() } else { line };
            let at = line.show(ui).rect;
            if on {
                let under =
                    Rect::from_min_max(at.left_bottom(), at.right_bottom() + vec2(0.0, 3.0));
                ui.painter().rect_filled(under, 0.0, colors.text);
            }
            ui.add_space(10.0);
        }
        ui.with_layout(Layout::right_to_left(eframe::egui::Align::Center), |ui| {
            if Btn::new("Leave").key("Esc").look(Look::Quiet).clicked(ui) {
                press = Some(Press::Leave);
            }
            if Btn::new("Rewind").key("Home").clicked(ui) {
                press = Some(Press::Rewind);
            }
            let last = show
                .scene
                .next()
                .is_none()
                .then_some("this is the last scene");
            let next = Btn::primary("Next scene")
                .icon(Icon::Play)
                .key("PgDn")
                .changes();
            if next.blocked(last).clicked(ui) {
                press = Some(Press::Next);
            }
            let first = show
                .scene
                .before()
                .is_none()
                .then_some("this is the first scene");
            let back = Btn::new("Scene before").key("PgUp");
            if back.blocked(first).clicked(ui) {
                press = Some(Press::Before);
            }
        });
    });
    ui.add_space(8.0);
    body_ui(ui, |ui, room| {
        let [head, body] = split_rows(room, [Split::Points(112.0), Split::Share(1.0)]);
        rect_ui(ui, head, |ui| head_ui(ui, show.scene, waits));
        scene_ui(ui, body, &show, state, cx);
    });
    let press = leave_ui(ui, &mut show, press, cx);
    if show.cues.front().is_some() {
        ui.ctx().request_repaint_after(Duration::from_millis(200));
    }
    if press.is_none() {
        state.presenter = Some(show);
    } else {
        // A click does what the key does.
        show.cues.make_contiguous();
        step(press, show, state, cx);
    }
}

/// What is asked before a show that breaks servers, once. What was pressed stands only where
/// nothing is asked; else the answer does.
fn leave_ui(ui: &Ui, show: &mut Presenter, press: Option<Press>, cx: &Cx<'_>) -> Option<Press> {
    let loads = show.loads();
    let Leave::Asked(typed) = &mut show.leave else {
        return press;
    };
    let permit = Permit::of(cx);
    let rows = if loads {
        "Scene 2 loads the sample into these servers; its rows stay."
    } else {
        "No row is loaded: other data than the sample are stored."
    };
    let lines = [
        rows.to_owned(),
        format!(
            "Scene 4 takes Europe_DC down for {DRILL_LASTS} s or until scene 6, while lines flow."
        ),
        "End all faults ends it at any time; nothing is deleted.".to_owned(),
    ];
    let confirm = Confirm {
        title: "Present on these servers?",
        lines: &lines,
        act: "Begin the show",
        name: permit.name(),
        blocked: permit.refusal(),
    };
    match confirm.show(ui.ctx(), typed) {
        Decision::Open => None,
        Decision::Act => {
            show.leave = Leave::Given;
            None
        }
        Decision::Cancel => Some(Press::Leave),
    }
}

fn head_ui(ui: &mut Ui, scene: Scene, waits: Option<&str>) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 2.0;
    Line::new(scene.title(), Type::Hero).semibold().show(ui);
    Line::new(scene.caption(), Type::Title)
        .color(colors.muted)
        .show(ui);
    if let Some(waits) = waits {
        ui.horizontal(|ui| {
            status_icon(ui, Status::Stale);
            Line::body(waits).color(colors.unknown).show(ui);
        });
    }
}

fn scene_ui(ui: &mut Ui, rect: Rect, show: &Presenter, state: &State, cx: &mut Cx<'_>) {
    match show.scene {
        Scene::Ready => Panel::bare().show(ui, rect, |ui| draw_ui(ui, &Map::of(cx.snapshot))),
        Scene::Load | Scene::Surge => flow_ui(ui, rect, show, cx),
        Scene::LoseEurope | Scene::FailOver => drill_ui(ui, rect, state, cx),
        Scene::Heal => heal_ui(ui, rect, state, cx),
        Scene::Prove => prove_ui(ui, rect, state, cx),
    }
}

fn figure_ui(ui: &mut Ui, title: &str, value: &str, note: &str) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    Line::new(title, Type::Section).color(colors.muted).show(ui);
    Line::new(value, Type::Hero).semibold().show(ui);
    Line::body(note).color(colors.muted).wrapped().show(ui);
}

fn flow_ui(ui: &mut Ui, rect: Rect, show: &Presenter, cx: &mut Cx<'_>) {
    let [figures, chart] = split_rows(rect, [Split::Points(132.0), Split::Share(1.0)]);
    let ledger = cx.snapshot.ledger.as_ref();
    let count = |of: fn(&retail_engine::ledger::Ledger) -> u64| {
        ledger.map_or_else(|| "0".to_owned(), |ledger| format::count(of(ledger)))
    };
    let rate: f64 = cx
        .snapshot
        .regions
        .iter()
        .filter_map(|(_, view)| view.written_per_sec)
        .sum();
    let known = cx
        .snapshot
        .regions
        .iter()
        .any(|(_, v)| v.written_per_sec.is_some());
    let rate = if known {
        format::significant(rate)
    } else {
        "Unknown".to_owned()
    };
    let source = if show.loads() {
        "rows of the invoices file"
    } else {
        "other data are stored: the show adds no sample to them"
    };
    let parts = split_columns(figures, [Split::Share(1.0); 3]);
    let texts = [
        ("Rows read", count(|ledger| ledger.intake.read), source),
        (
            "Lines stored three times",
            count(|ledger| ledger.written),
            "acknowledged by 2 of 3 data centres or more",
        ),
        (
            "Lines per second",
            rate,
            "written, over the last two seconds",
        ),
    ];
    for (at, (title, value, note)) in parts.into_iter().zip(texts) {
        Panel::bare().show(ui, at, |ui| figure_ui(ui, title, &value, note));
    }
    let history = cx.history();
    let shown = Window::ending(cx.snapshot.at, FLOW_SHOWN);
    let colors = theme::colors(ui);
    Panel::titled("Throughput")
        .note("rows/s")
        .show(ui, chart, |ui| {
            let chart = TimeChart {
                name: "Throughput",
                group: "presenter",
                range: shown.seconds(),
                series: charts::throughput(&history, shown, colors),
                bands: charts::bands(cx.link.events(), cx.snapshot, shown),
                marks: charts::marks(cx.link.events(), shown, colors),
                time_axis: true,
                value: format::significant,
            };
            let room = ui.available_height();
            time_chart(ui, &chart, room);
        });
}

/// The card of the drill of the show, running or over.
fn card_of(state: &State, cx: &Cx<'_>) -> Option<Card> {
    let snapshot = cx.snapshot;
    snapshot
        .drill
        .as_ref()
        .map(|drill| Card::of_view(drill, snapshot))
        .or_else(|| state.drill.done.as_ref().map(|done| done.card.clone()))
}

fn drill_ui(ui: &mut Ui, rect: Rect, state: &State, cx: &Cx<'_>) {
    let [map, side] = split_columns(rect, [Split::Share(1.0), Split::Points(330.0)]);
    let [map, chart] = split_rows(map, [Split::Share(0.56), Split::Share(0.44)]);
    Panel::bare().show(ui, map, |ui| draw_ui(ui, &Map::of(cx.snapshot)));
    let Some(card) = card_of(state, cx) else {
        Panel::bare().show(ui, chart, |ui| {
            widgets::empty_state(ui, "The fault has not begun yet.", None);
        });
        Panel::bare().show(ui, side, |ui| {
            widgets::empty_state(ui, "No drill runs yet.", None);
        });
        return;
    };
    let began = cx
        .snapshot
        .drill
        .as_ref()
        .map_or(cx.snapshot.at, |drill| drill.began_at);
    let shown = match &state.drill.done {
        Some(done) if cx.snapshot.drill.is_none() => done.window,
        _ => window(began, cx.snapshot.at + chrono::TimeDelta::seconds(2)),
    };
    super::running::charts_ui(ui, chart, &card, &state.drill, shown, cx);
    let [rto, rpo] = split_rows(side, [Split::Share(1.0), Split::Share(1.0)]);
    Panel::bare().show(ui, rto, |ui| hero::rto_ui(ui, &card));
    Panel::bare().show(ui, rpo, |ui| hero::rpo_ui(ui, &card));
}

fn heal_ui(ui: &mut Ui, rect: Rect, state: &State, cx: &Cx<'_>) {
    let [left, right] = split_columns(rect, [Split::Share(1.0), Split::Share(1.0)]);
    let [map, hints] = split_rows(left, [Split::Share(1.0), Split::Points(137.0)]);
    Panel::bare().show(ui, map, |ui| draw_ui(ui, &Map::of(cx.snapshot)));
    let keep = cx.settings.store.hint_window;
    Panel::titled("Hints kept for Europe_DC").show(ui, hints, |ui| {
        hints_body_ui(ui, &dcs::hints(cx.snapshot, Dc::Europe, keep), keep);
    });
    Panel::titled("Timeline").show(ui, right, |ui| match card_of(state, cx) {
        Some(card) => steps_ui(ui, &card),
        None => {
            widgets::empty_state(ui, "No drill has run yet.", None);
        }
    });
}

fn prove_ui(ui: &mut Ui, rect: Rect, state: &State, cx: &Cx<'_>) {
    let [top, below] = split_rows(rect, [Split::Points(132.0), Split::Share(1.0)]);
    let verified = state.hand.verified.as_ref().map(|(_, verified)| verified);
    let card = card_of(state, cx);
    let parts = split_columns(top, [Split::Share(1.0); 3]);
    let rto = match card.as_ref().map(|card| &card.rto) {
        Some(Rto::Reached(ms)) => crate::views::failover::card::time(*ms),
        Some(Rto::None(_)) => "none".to_owned(),
        _ => "Unknown".to_owned(),
    };
    let (lost, note) = match card.as_ref().map(|card| &card.rpo) {
        Some(Rpo::Proven(lines)) => (format::count(*lines), "proven by comparing every row"),
        Some(Rpo::SoFar { .. }) => ("Unknown".to_owned(), "the drill is not over yet"),
        _ => ("Unknown".to_owned(), "no drill was run to its end"),
    };
    let score = card.as_ref().map_or("Unknown", |card| card.score.as_str());
    let texts = [
        ("Time to recover", rto.as_str(), "fault to first success"),
        ("Lines lost", lost.as_str(), note),
        ("Prediction", score, "of 30 kinds of requests"),
    ];
    for (at, (title, value, note)) in parts.into_iter().zip(texts) {
        Panel::bare().show(ui, at, |ui| {
            if value.len() > 8 {
                let colors = theme::colors(ui);
                Line::new(title, Type::Section).color(colors.muted).show(ui);
                ui.add_space(12.0);
                Line::kpi(value).wrapped().show(ui);
                Line::body(note).color(colors.muted).show(ui);
            } else {
                figure_ui(ui, title, value, note);
            }
        });
    }
    let Some(verified) = verified else {
        Panel::bare().show(ui, below, |ui| {
            widgets::empty_state(ui, "Reading every row of every data centre\u{2026}", None);
        });
        return;
    };
    let [dcs, verdict] = split_rows(below, [Split::Share(1.0), Split::Points(56.0)]);
    let parts = split_columns(dcs, [Split::Share(1.0); 3]);
    for (region, at) in Region::ALL.into_iter().zip(parts) {
        let dc = region.home();
        let stored = &verified.stored[dc];
        Panel::bare().show(ui, at, |ui| {
            let colors = theme::colors(ui);
            widgets::dc_label(ui, dc, Line::new(dc.name(), Type::Title).semibold());
            ui.add_space(8.0);
            widgets::reading(ui, &stored.lines, Type::Hero, |n| format::count(*n));
            Line::new("lines", Type::Section)
                .color(colors.muted)
                .show(ui);
            ui.add_space(8.0);
            widgets::reading(ui, &stored.amount, Type::Title, |amount| {
                format::money(*amount)
            });
            ui.add_space(8.0);
            Line::new(&stored.digest, Type::Title).mono().show(ui);
            Line::new("digest over its rows", Type::Section)
                .color(colors.muted)
                .show(ui);
        });
    }
    let colors = theme::colors(ui);
    ui.painter().rect_filled(
        verdict,
        CornerRadius::same(size::RADIUS_PANEL),
        verified.status.tint(colors),
    );
    rect_ui(ui, verdict.shrink2(vec2(16.0, 12.0)), |ui| {
        ui.horizontal(|ui| {
            status_icon(ui, verified.status);
            let color = verified.status.color(colors);
            let text = format!("Proof: {}", verified.text);
            Line::new(text, Type::Kpi).semibold().color(color).show(ui);
        });
    });
}
