//! The load that runs: a bar for each stage, its queues, its speed, and how to hold or end it.

use eframe::egui::{Align, Layout, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};
use retail_engine::flow::{LoadEnd, LoadError, LoadRequest, LoadState};
use retail_engine::handle::{Command, LoadPace, LoadView};
use retail_engine::model::{LoadId, Reading};

use super::check::parse_rate;
use super::head::Step;
use super::{State, happen, inside, pair_ui};
use crate::actions::Action;
use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::theme::{self, Icon, Type};
use crate::views::format;
use crate::views::load::stages::{self, Expected, Progress, Stage};
use crate::views::load::{args, past};
use crate::widgets::{
    self, Btn, Confirm, Decision, Line, Panel, Split, Status, split_columns, split_rows,
};

/// How a load that is watched ended.
pub(super) enum Ended {
    /// It was begun here, and this is its end.
    Load(Box<LoadEnd>),
    /// It was begun here, and did not begin or broke off.
    Failed,
    /// It was begun elsewhere; it is the newest one.
    Newest,
}

/// A queue as full as it was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fullest {
    pub(super) name: &'static str,
    pub(super) entries: u64,
    pub(super) capacity: u64,
}

/// The load that was begun here, and what is remembered of it.
#[derive(Default)]
pub(super) struct Run {
    answer: Pending<Result<LoadEnd, LoadError>>,
    act: Option<ActId>,
    request: Option<LoadRequest>,
    rate: Option<u64>,
    expected: Option<Expected>,
    failed: Option<(String, String)>,
    rate_text: String,
    asks_to_cancel: bool,
    /// The name typed so far where one is asked for before the load is cancelled.
    typed: String,
    was_cancelled: bool,
    fullest: Option<Fullest>,
    /// A load that is drawn and was begun elsewhere.
    watched: Option<LoadId>,
}

impl Run {
    /// Begins a load.
    pub(super) fn begin(
        &mut self,
        request: LoadRequest,
        rate: Option<u64>,
        expected: Option<Expected>,
        cx: &mut Cx<'_>,
    ) {
        let rules = super::files::rules_of_load(&request.rules, cx);
        let args = args::load(&request, rate, rules.as_deref());
        let what = format!("Load {}", request.file.display());
        let act = cx.runbook.begin(cx.snapshot.at, what, Some(args));
        let asked = Box::new(request.clone());
        *self = Self {
            answer: cx.link.ask(|reply| Command::Load(asked, reply)),
            act: Some(act),
            request: Some(request),
            rate,
            expected,
            rate_text: rate.map_or_else(String::new, |rate| rate.to_string()),
            ..Self::default()
        };
    }

    /// Begins the last load once more.
    pub(super) fn again(&mut self, cx: &mut Cx<'_>) {
        if let Some(request) = self.request.clone() {
            let (rate, expected) = (self.rate, self.expected);
            self.begin(request, rate, expected, cx);
        }
    }

    /// The request of the last load that was begun here.
    pub(super) const fn request(&self) -> Option<&LoadRequest> {
        self.request.as_ref()
    }

    /// The queue that was fullest, as far as it was seen.
    pub(super) const fn fullest(&self) -> Option<Fullest> {
        self.fullest
    }

    /// Whether a load that was begun here is not answered yet.
    pub(super) fn is_running(&self) -> bool {
        self.answer.waiting().is_some()
    }

    /// Whether the last one did not begin or broke off.
    pub(super) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Takes the answer, once it is there.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) -> Option<Ended> {
        self.see_queues(cx);
        if cx.snapshot.load.is_none() {
            self.asks_to_cancel = false;
        }
        self.answer.poll(cx.ctx);
        if let Pending::Gone(gone) = self.answer {
            self.answer = Pending::Idle;
            return Some(self.fail(gone.to_string(), "start the console again".into(), cx));
        }
        match self.answer.take() {
            Some(Ok(end)) => {
                self.told(&end, cx);
                Some(Ended::Load(Box::new(end)))
            }
            // Ended by a person while its last lines were written: all its rows are in the log.
            Some(Err(LoadError::Cancelled | LoadError::Closing)) if self.was_cancelled => {
                self.tell(Outcome::Done("all rows are in the log".into()), cx);
                Some(Ended::Newest)
            }
            Some(Err(error)) => Some(self.fail(error.to_string(), error.remedy(), cx)),
            None if self.watched.is_some() && cx.snapshot.load.is_none() => {
                self.watched = None;
                Some(Ended::Newest)
            }
            None => None,
        }
    }

    fn fail(&mut self, message: String, remedy: String, cx: &mut Cx<'_>) -> Ended {
        self.tell(Outcome::Failed(message.clone()), cx);
        self.failed = Some((message, remedy));
        Ended::Failed
    }

    fn told(&mut self, end: &LoadEnd, cx: &mut Cx<'_>) {
        let (id, ledger) = (end.record.id, &end.ledger);
        let outcome = match &end.record.state {
            LoadState::Failed(why) | LoadState::Stopped(why) => {
                Outcome::Failed(format!("{id}: {why}"))
            }
            LoadState::Cancelled => Outcome::Failed(format!(
                "{id}: cancelled after {} rows",
                end.record.intake.read
            )),
            LoadState::Produced | LoadState::Reading => Outcome::Done(format!(
                "{id}: {} rows, {} new lines, {} set aside, gap {}",
                ledger.intake.read,
                ledger.new_lines(),
                ledger.intake.set_aside.total(),
                ledger.gaps().len()
            )),
        };
        self.tell(outcome, cx);
    }

    fn tell(&mut self, outcome: Outcome, cx: &mut Cx<'_>) {
        if let Some(act) = self.act.take() {
            cx.runbook.end(act, outcome);
        }
    }

    fn see_queues(&mut self, cx: &Cx<'_>) {
        if !self.is_running() {
            return;
        }
        for queue in &cx.snapshot.queues {
            let Some(entries) = queue.entries.known().copied() else {
                continue;
            };
            let fuller = self
                .fullest
                .is_none_or(|seen| entries * seen.capacity > seen.entries * queue.capacity);
            if fuller {
                self.fullest = Some(Fullest {
                    name: stages::queue_name(queue.queue),
                    entries,
                    capacity: queue.capacity,
                });
            }
        }
    }
}

/// Pause, resume, cancel.
pub(super) fn acts_ui(ui: &mut Ui, state: &mut State, cx: &mut Cx<'_>) {
    let Some(load) = &cx.snapshot.load else {
        if state.run.has_failed() && Btn::primary("Load again").changes().clicked(ui) {
            state.run.again(cx);
        }
        return;
    };
    let blocked = match load.pace {
        LoadPace::Ending => Some("it is ending"),
        _ if load.record.produced_at.is_some() => {
            Some("all rows are in the log; the last lines are being written")
        }
        LoadPace::Running | LoadPace::Paused => None,
    };
    if Btn::new("Cancel load\u{2026}")
        .changes()
        .blocked(blocked)
        .clicked(ui)
    {
        state.run.asks_to_cancel = true;
        state.run.typed.clear();
    }
    let (text, icon, command) = match load.pace {
        LoadPace::Paused => ("Resume", Icon::Play, Command::ResumeLoad),
        LoadPace::Running | LoadPace::Ending => ("Pause", Icon::Pause, Command::PauseLoad),
    };
    if Btn::primary(text)
        .icon(icon)
        .changes()
        .blocked(blocked)
        .clicked(ui)
    {
        let what = format!("{text} {}", load.record.id);
        done(&what, cx);
        cx.link.send(command);
    }
    if let Some(why) = blocked {
        let muted = theme::colors(ui).muted;
        Line::table(why).color(muted).show(ui);
    }
}

fn done(what: &str, cx: &mut Cx<'_>) {
    let act = cx.runbook.begin(cx.snapshot.at, what, None);
    cx.runbook.end(act, Outcome::Done("sent".into()));
}

/// The step.
pub(super) fn run_ui(ui: &mut Ui, room: Rect, state: &mut State, cx: &mut Cx<'_>) {
    let Some(load) = cx.snapshot.load.clone() else {
        idle_ui(ui, room, state, cx);
        return;
    };
    if !state.run.is_running() {
        state.run.watched = Some(load.record.id);
    }
    cancel_ui(&load, &mut state.run, cx);
    let progress = stages::progress(&load, cx.snapshot.rates.as_ref(), state.run.expected);
    let [left, right] = split_columns(room, [Split::Share(1.0), Split::Points(340.0)]);
    stages_ui(ui, left, &load, &progress);
    let parts = [
        Split::Points(150.0),
        Split::Points(140.0),
        Split::Share(1.0),
    ];
    let [time, speed, queues] = split_rows(right, parts);
    time_ui(ui, time, &load, &progress);
    speed_ui(ui, speed, &mut state.run, cx);
    queues_ui(ui, queues, cx);
}

fn idle_ui(ui: &mut Ui, room: Rect, state: &mut State, cx: &mut Cx<'_>) {
    if state.run.is_running() {
        Panel::bare().show(ui, room, |ui| {
            let why = "The load begins: what earlier loads left in the log is written first.";
            if widgets::empty_state(ui, why, Some("Cancel load")) {
                done("Cancel the load that begins", cx);
                cx.link.send(Command::CancelLoad);
            }
        });
        return;
    }
    let Some((message, remedy)) = state.run.failed.clone() else {
        Panel::bare().show(ui, room, |ui| {
            if widgets::empty_state(ui, "No load is running.", Some("Open CSV\u{2026}")) {
                cx.acts.push(Action::OpenDialog);
            }
        });
        return;
    };
    Panel::titled("The load did not go through").show(ui, room, |ui| {
        ui.set_max_width(720.0);
        ui.add_space(4.0);
        widgets::error_state(ui, &message, Some(&remedy));
        ui.add_space(8.0);
        let note =
            "What is stored stays. Loading the file again goes on where it stood; nothing doubles.";
        widgets::line(ui, note);
        ui.add_space(8.0);
        if Btn::new("Back to the check")
            .blocked(state.check.is_none().then_some("the file is closed"))
            .clicked(ui)
        {
            state.step = Step::Check;
        }
    });
}

fn cancel_ui(load: &LoadView, run: &mut Run, cx: &mut Cx<'_>) {
    if !run.asks_to_cancel {
        return;
    }
    let ledger = &load.ledger;
    let lines = cancel_lines(load);
    let act = format!("End after {} rows", format::count(ledger.intake.read));
    let confirm = Confirm {
        title: "Cancel the load?",
        lines: &lines,
        act: &act,
        name: None,
        blocked: None,
    };
    match confirm.show(cx.ctx, &mut run.typed) {
        Decision::Open => {}
        Decision::Cancel => run.asks_to_cancel = false,
        Decision::Act => {
            run.asks_to_cancel = false;
            run.was_cancelled = true;
            done(&format!("Cancel {}", load.record.id), cx);
            cx.link.send(Command::CancelLoad);
        }
    }
}

/// What ending a load means, in numbers.
pub(crate) fn cancel_lines(load: &LoadView) -> Vec<String> {
    let ledger = &load.ledger;
    let file = past::file_name(&load.record);
    let on_the_way = ledger.produced.saturating_sub(ledger.written);
    vec![
        format!(
            "{} lines are stored and stay.",
            format::count(ledger.written)
        ),
        format!(
            "{} lines are in the log and will be stored.",
            format::count(on_the_way)
        ),
        format!(
            "Load {file} again to go on after row {}; nothing doubles.",
            format::count(ledger.intake.read)
        ),
    ]
}

fn stages_ui(ui: &mut Ui, rect: Rect, load: &LoadView, progress: &Progress) {
    let title = format!(
        "{} \u{b7} {}",
        load.record.id,
        past::file_name(&load.record)
    );
    let (status, word) = match load.pace {
        LoadPace::Paused => (Status::Warn, "paused"),
        LoadPace::Ending => (Status::Warn, "ending"),
        LoadPace::Running if progress.is_read => (Status::Neutral, "draining"),
        LoadPace::Running => (Status::Neutral, "loading"),
    };
    Panel::titled(&title).show_with(
        ui,
        rect,
        |ui| {
            widgets::badge(ui, status, word);
        },
        |ui| {
            ScrollArea::vertical().id_salt("stages").show(ui, |ui| {
                let room = ui.available_height();
                let height = (room / 6.0).clamp(52.0, 84.0);
                for stage in &progress.stages {
                    let size = vec2(ui.available_width(), height - 4.0);
                    let (at, response) = ui.allocate_exact_size(size, Sense::hover());
                    stage_ui(ui, at, stage);
                    let label = format!(
                        "{}: {}",
                        stage.name,
                        format::percent(f64::from(stage.share))
                    );
                    response
                        .widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, &label));
                }
            });
        },
    );
}

fn stage_ui(ui: &mut Ui, rect: Rect, stage: &Stage) {
    let colors = theme::colors(ui);
    inside(ui, rect, Layout::top_down(Align::Min), |ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        let width = ui.available_width();
        ui.allocate_ui_with_layout(
            vec2(width, 22.0),
            Layout::right_to_left(Align::Center),
            |ui| {
                let time = match stage.left {
                    Some(left) if left.is_zero() => "done".to_owned(),
                    Some(left) => format!("{} left", format::duration(left)),
                    None => String::new(),
                };
                Line::table(time).color(colors.muted).show(ui);
                if let Some(rate) = stage.rate {
                    ui.add_space(10.0);
                    let text = format::rate(rate, stage.unit);
                    Line::table(text).color(colors.muted).show(ui);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    Line::body(stage.name).semibold().show(ui);
                    ui.add_space(6.0);
                    widgets::reading(ui, &stage.done, Type::Body, |done| format::count(*done));
                    let of = stage.total.map_or_else(
                        || format!("{}, whole file not counted yet", stage.unit),
                        |total| format!("of {} {}", format::count(total), stage.unit),
                    );
                    Line::table(of).color(colors.muted).show(ui);
                });
            },
        );
        let (bar, _) = ui.allocate_exact_size(vec2(width, 10.0), Sense::hover());
        if matches!(stage.done, Reading::Unknown(_)) {
            widgets::hatch(ui.painter(), bar, 6.0, colors.unknown);
        } else {
            widgets::bar(ui.painter(), bar, stage.share, colors.bar, colors.grid);
        }
    });
}

fn time_ui(ui: &mut Ui, rect: Rect, load: &LoadView, progress: &Progress) {
    Panel::titled("Time").show(ui, rect, |ui| {
        let colors = theme::colors(ui);
        let name = |text: &str| Line::table(text).color(colors.muted);
        ui.spacing_mut().item_spacing.y = 2.0;
        pair_ui(
            ui,
            name("Runs for"),
            Line::table(format::duration(load.elapsed)).medium(),
        );
        match &progress.left {
            Reading::Known(left) | Reading::Stale { value: left, .. } => pair_ui(
                ui,
                name("Left, by the slowest stage"),
                Line::table(format::duration(*left)).medium(),
            ),
            Reading::Unknown(why) => pair_ui(
                ui,
                name("Left"),
                Line::table(format!("Unknown: {why}")).color(colors.unknown),
            ),
        }
        let read = format!(
            "{} of {}",
            format::bytes(load.read.bytes),
            format::bytes(load.read.total_bytes)
        );
        pair_ui(ui, name("File read"), Line::table(read));
        let aside = format::count(load.ledger.intake.set_aside.total());
        pair_ui(ui, name("Set aside"), Line::table(aside));
    });
}

fn speed_ui(ui: &mut Ui, rect: Rect, run: &mut Run, cx: &mut Cx<'_>) {
    let limit = cx.snapshot.rate_limit;
    let now = limit.map_or_else(
        || "no limit".to_owned(),
        |rate| format!("at most {} lines/s", format::count(rate)),
    );
    Panel::titled("Speed").note(&now).show(ui, rect, |ui| {
        let rate = parse_rate(&run.rate_text);
        let note = rate
            .is_err()
            .then_some((Status::Critical, "not a count of lines"));
        happen::field_ui(
            ui,
            ("Lines per second", "no limit"),
            &mut run.rate_text,
            note,
        );
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let same = match rate {
                Err(()) => Some("mend the count first"),
                Ok(rate) if rate == limit => Some("this is the limit already"),
                Ok(_) => None,
            };
            if Btn::new("Set speed")
                .small()
                .changes()
                .blocked(same)
                .clicked(ui)
                && let Ok(rate) = rate
            {
                set_rate(rate, cx);
            }
            let free = limit.is_none().then_some("there is no limit");
            if Btn::new("No limit")
                .small()
                .changes()
                .blocked(free)
                .clicked(ui)
            {
                run.rate_text.clear();
                set_rate(None, cx);
            }
        });
    });
}

fn set_rate(rate: Option<u64>, cx: &mut Cx<'_>) {
    let what = match rate {
        Some(rate) => format!("Limit loads to {rate} lines per second"),
        None => "Lift the limit of lines per second".to_owned(),
    };
    done(&what, cx);
    cx.link.send(Command::SetRate(rate));
}

fn queues_ui(ui: &mut Ui, rect: Rect, cx: &Cx<'_>) {
    Panel::titled("Queues")
        .note("full means that the stage before waits")
        .show(ui, rect, |ui| {
            ScrollArea::vertical().id_salt("queues").show(ui, |ui| {
                let colors = theme::colors(ui);
                for queue in &cx.snapshot.queues {
                    let (line, _) =
                        ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
                    let right = Layout::right_to_left(Align::Center);
                    inside(ui, line, right, |ui| {
                        let of = format!("of {}", format::count(queue.capacity));
                        Line::table(of).color(colors.muted).show(ui);
                        widgets::reading(ui, &queue.entries, Type::Table, |entries| {
                            format::count(*entries)
                        });
                        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                            let name = stages::queue_name(queue.queue);
                            Line::table(name).color(colors.muted).show(ui);
                        });
                    });
                    let width = ui.available_width();
                    let (bar, _) = ui.allocate_exact_size(vec2(width, 5.0), Sense::hover());
                    let share = stages::queue_share(queue);
                    let fill = if share >= 1.0 {
                        colors.warn
                    } else {
                        colors.bar
                    };
                    widgets::bar(ui.painter(), bar, share, fill, colors.grid);
                    ui.add_space(4.0);
                }
            });
        });
}
