//! A local lab: real Kafka and Cassandra as processes of this machine. What it needs is looked up
//! and said first; setting it up, ending it and deleting it run beside the window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use eframe::egui::{Context, Rect, ScrollArea, Ui, vec2};
use retail_engine::lab::{
    Lab, LabError, LabOptions, LabPlan, LabTold, Programs, Server, ServerStatus,
};

use super::super::{code_ui, field_ui};
use crate::later::{Came, Later};
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::theme::{self, Icon, size};
use crate::views::setup::lab::{self as words, Course};
use crate::widgets::{
    self, Btn, ColumnSpec, Confirm, Decision, Line, Look, Panel, Split, Status, split_columns,
    split_rows, table, text_cell,
};

/// Between two looks at the servers while the lab is shown.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The lab tells of some ten things; a full queue would only make it wait for a frame.
const TOLD_MAX: usize = 64;
/// Width of the names of what it needs.
const LABEL: f32 = 92.0;

/// What went wrong: object and cause, and what to do.
type Failure = (String, String);

fn failure(error: &LabError) -> Failure {
    (error.to_string(), error.remedy())
}

/// What is done with the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    SetUp,
    Stop,
    Wipe,
}

impl Work {
    const fn title(self) -> &'static str {
        match self {
            Self::SetUp => "Set up the local lab?",
            Self::Stop => "Stop the local lab?",
            Self::Wipe => "Delete the data of the local lab?",
        }
    }

    const fn act(self) -> &'static str {
        match self {
            Self::SetUp => "Set up and start",
            Self::Stop => "Stop 4 servers",
            Self::Wipe => "Delete the data",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::SetUp => "up",
            Self::Stop => "down",
            Self::Wipe => "wipe",
        }
    }
}

/// Work that is under way.
struct Running {
    work: Work,
    coming: Receiver<LabTold>,
    ending: Later<Result<(), Failure>>,
    given_up: Arc<AtomicBool>,
    act: ActId,
}

/// How setting up went, or goes.
struct SetUp {
    fetches: Vec<Server>,
    running: Vec<Server>,
    told: Vec<LabTold>,
    course: Course,
}

/// What is remembered of the lab.
#[derive(Default)]
pub(super) struct State {
    planning: Option<Later<Result<LabPlan, Failure>>>,
    plan: Option<Result<LabPlan, Failure>>,
    asking: Option<Later<Result<Vec<ServerStatus>, Failure>>>,
    servers: Option<Result<Vec<ServerStatus>, Failure>>,
    asked_at: Option<Instant>,
    running: Option<Running>,
    set_up: Option<SetUp>,
    failed: Option<Failure>,
    confirm: Option<(Work, String)>,
}

/// The lab of the settings; its options are those that it was set up with.
fn lab(home: &Path, programs: &Programs) -> Result<Lab, LabError> {
    let options = Lab::options_at(home)?.unwrap_or_else(LabOptions::default);
    Ok(Lab::with(home, options)?.running_by(programs.clone()))
}

fn home(cx: &Cx<'_>) -> Option<PathBuf> {
    let named = &cx.settings.lab.home;
    if named.as_os_str().is_empty() {
        Lab::default_home()
    } else {
        Some(named.clone())
    }
}

impl State {
    /// How it stands, for the list of profiles.
    pub(super) fn status(&self) -> Status {
        match &self.servers {
            Some(Ok(all)) if all.iter().all(|server| server.answer.is_ok()) => Status::Ok,
            Some(Err(_)) => Status::Critical,
            Some(Ok(_)) | None => Status::Unknown,
        }
    }

    /// Takes what has come.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        take(&mut self.planning, &mut self.plan, cx.ctx);
        take(&mut self.asking, &mut self.servers, cx.ctx);
        self.take_told(cx);
    }

    fn take_told(&mut self, cx: &mut Cx<'_>) {
        let Some(running) = &self.running else {
            return;
        };
        loop {
            match running.coming.try_recv() {
                Ok(told) => {
                    if let Some(set_up) = &mut self.set_up {
                        set_up.told.push(told);
                    }
                }
                Err(TryRecvError::Empty) => {
                    cx.ctx.request_repaint_after(LOOK_EVERY / 10);
                    return;
                }
                Err(TryRecvError::Disconnected) => break,
            }
        }
        let ended = match running.ending.poll() {
            Came::NotYet => {
                cx.ctx.request_repaint_after(LOOK_EVERY / 10);
                return;
            }
            Came::Value(ended) => ended,
            Came::Lost => Err((
                "the thread of the lab ended with a panic".to_owned(),
                "see the log of this program".to_owned(),
            )),
        };
        let (work, act) = (running.work, running.act);
        self.running = None;
        self.asked_at = None;
        self.plan = None;
        let course = if ended.is_ok() {
            Course::Done
        } else {
            Course::Failed
        };
        if let (Work::SetUp, Some(set_up)) = (work, &mut self.set_up) {
            set_up.course = course;
        }
        match ended {
            Ok(()) => {
                let done = match work {
                    Work::SetUp => "every server answers",
                    Work::Stop => "no server runs",
                    Work::Wipe => "no server runs, and the data are gone",
                };
                cx.runbook.end(act, Outcome::Done(done.to_owned()));
                cx.notices.done(format!("Local lab: {done}"));
            }
            Err(failed) => {
                cx.runbook.end(act, Outcome::Failed(failed.0.clone()));
                self.failed = Some(failed);
            }
        }
    }

    /// Looks the plan and the servers up, now and then, while they are shown.
    fn look(&mut self, home: &Path, cx: &Cx<'_>) {
        let busy = self.running.is_some();
        if self.plan.is_none() && self.planning.is_none() && !busy {
            let (home, programs) = (home.to_path_buf(), cx.start.programs.clone());
            self.planning = begin(cx.ctx, "lab-plan", &mut self.plan, move || {
                lab(&home, &programs)?.plan()
            });
        }
        let due = self.asked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        if due && self.asking.is_none() {
            self.asked_at = Some(Instant::now());
            let (home, programs) = (home.to_path_buf(), cx.start.programs.clone());
            self.asking = begin(cx.ctx, "lab-status", &mut self.servers, move || {
                lab(&home, &programs)?.status()
            });
        }
        cx.ctx.request_repaint_after(LOOK_EVERY);
    }

    fn start(&mut self, work: Work, home: &Path, cx: &mut Cx<'_>) {
        self.failed = None;
        let mut args = vec!["lab".to_owned(), work.verb().to_owned()];
        args.extend(["--home".to_owned(), home.display().to_string()]);
        let what = work.act().to_owned();
        let act = cx.runbook.begin(cx.snapshot.at, what, Some(args));
        let given_up = Arc::new(AtomicBool::new(false));
        let (sender, coming) = sync_channel(TOLD_MAX);
        let (home, programs) = (home.to_path_buf(), cx.start.programs.clone());
        let (stop, ctx) = (Arc::clone(&given_up), cx.ctx.clone());
        let carried_out = move || {
            let mut tell = |told: LabTold| {
                if sender.send(told).is_err() {
                    tracing::debug!(%told, "nobody looks at the lab any more");
                }
                ctx.request_repaint();
            };
            carry_out(work, &home, &programs, stop, &mut tell).map_err(|error| failure(&error))
        };
        if work == Work::SetUp {
            let plan = self.plan.as_ref().and_then(|plan| plan.as_ref().ok());
            self.set_up = Some(SetUp {
                fetches: plan.map_or_else(Vec::new, |plan| plan.fetches.clone()),
                running: plan.map_or_else(Vec::new, |plan| plan.running.clone()),
                told: Vec::new(),
                course: Course::Running,
            });
        } else {
            self.set_up = None;
        }
        match Later::begin(cx.ctx, "lab", carried_out) {
            Ok(ending) => {
                self.running = Some(Running {
                    work,
                    coming,
                    ending,
                    given_up,
                    act,
                });
            }
            Err(error) => {
                let told = format!("no thread for the lab: {error}");
                cx.runbook.end(act, Outcome::Failed(told.clone()));
                self.failed = Some((told, "end other programs".to_owned()));
            }
        }
    }

    /// Draws the lab.
    pub(super) fn ui(&mut self, ui: &mut Ui, rect: Rect, cx: &mut Cx<'_>) {
        let Some(home) = home(cx) else {
            Panel::titled("Local lab").show(ui, rect, |ui| {
                let why = "This account has no home directory to keep a lab in: name a folder with RETAIL_LAB_HOME.";
                widgets::empty_state(ui, why, None);
            });
            return;
        };
        self.look(&home, cx);
        let [left, right] = split_columns(rect, [Split::Points(392.0), Split::Share(1.0)]);
        let [needs, course] = split_rows(left, [Split::Points(330.0), Split::Share(1.0)]);
        let [servers, use_it] = split_rows(right, [Split::Share(1.0), Split::Points(150.0)]);
        self.needs_ui(ui, needs);
        self.course_ui(ui, course);
        self.servers_ui(ui, servers);
        use_ui(ui, use_it);
        self.confirm_ui(&home, cx);
    }

    fn needs_ui(&mut self, ui: &mut Ui, rect: Rect) {
        let mut asked = None;
        let mut again = false;
        let busy = self.running.as_ref().map(|_| "the lab is being changed");
        let plan = self.plan.as_ref();
        Panel::titled("Local lab")
            .note("real servers of this machine")
            .show_with(
                ui,
                rect,
                |ui| {
                    again = Btn::new("")
                        .icon(Icon::RotateCcw)
                        .label("Look again")
                        .look(Look::Quiet)
                        .small()
                        .blocked(busy)
                        .clicked(ui);
                    widgets::badge(ui, Status::Neutral, "LAB");
                },
                |ui| {
                    let height = ui.available_height() - size::CONTROL - 10.0;
                    ScrollArea::vertical()
                        .id_salt("lab needs")
                        .max_height(height)
                        .auto_shrink([false, false])
                        .show(ui, |ui| match plan {
                            None => {
                                widgets::line(ui, "Looking what is there\u{2026}");
                            }
                            Some(Err((message, remedy))) => {
                                widgets::error_state(ui, message, Some(remedy));
                            }
                            Some(Ok(plan)) => needs_rows_ui(ui, plan),
                        });
                    let obstacle = match plan {
                        None => Some("it is not known yet what is there".to_owned()),
                        Some(Err((message, _))) => Some(message.clone()),
                        Some(Ok(plan)) => plan.obstacle().map(ToString::to_string).or_else(|| {
                            plan.taken()
                                .next()
                                .map(|it| format!("{} is in use", it.address))
                        }),
                    };
                    let all = plan
                        .and_then(|plan| plan.as_ref().ok())
                        .map(|plan| plan.running.len());
                    let runs = (all == Some(Server::ALL.len())).then_some("it runs");
                    ui.horizontal(|ui| {
                        let blocked = busy.or(runs).or(obstacle.as_deref());
                        if Btn::primary("Set up\u{2026}")
                            .label("Set up a local lab\u{2026}")
                            .changes()
                            .blocked(blocked)
                            .clicked(ui)
                        {
                            asked = Some(Work::SetUp);
                        }
                        let down = (all == Some(0)).then_some("no server runs");
                        if Btn::new("Stop\u{2026}")
                            .label("Stop the lab\u{2026}")
                            .changes()
                            .blocked(busy.or(down))
                            .clicked(ui)
                        {
                            asked = Some(Work::Stop);
                        }
                        if Btn::new("Wipe\u{2026}")
                            .label("Wipe the lab\u{2026}")
                            .changes()
                            .blocked(busy)
                            .clicked(ui)
                        {
                            asked = Some(Work::Wipe);
                        }
                    });
                },
            );
        if again {
            self.plan = None;
            self.asked_at = None;
        }
        if let Some(work) = asked {
            self.confirm = Some((work, String::new()));
        }
    }

    fn course_ui(&mut self, ui: &mut Ui, rect: Rect) {
        let mut cancel = false;
        let running = self.running.as_ref();
        let ending = running.is_some_and(|it| it.given_up.load(Ordering::Relaxed));
        let (set_up, failed) = (self.set_up.as_ref(), self.failed.as_ref());
        Panel::titled("Course").show_with(
            ui,
            rect,
            |ui| {
                if running.is_some_and(|it| it.work == Work::SetUp) {
                    let already = ending.then_some("it is being ended");
                    cancel = Btn::new("Cancel").label("Cancel the lab").small().blocked(already).clicked(ui);
                }
            },
            |ui| {
                ScrollArea::vertical().id_salt("lab course").auto_shrink([false, false]).show(ui, |ui| {
                    if let Some((message, remedy)) = failed {
                        widgets::error_state(ui, message, Some(remedy));
                        ui.add_space(6.0);
                    }
                    match (set_up, running) {
                        (Some(set_up), _) => steps_ui(ui, set_up),
                        (None, Some(running)) => {
                            let doing = match running.work {
                                Work::SetUp | Work::Stop => "The servers are ending, a minute at most\u{2026}",
                                Work::Wipe => "The servers are ending, then their data are deleted\u{2026}",
                            };
                            widgets::line(ui, doing);
                        }
                        (None, None) if failed.is_none() => {
                            widgets::empty_state(ui, "Nothing is being done.", None);
                        }
                        (None, None) => {}
                    }
                });
            },
        );
        if cancel && let Some(running) = &self.running {
            running.given_up.store(true, Ordering::Relaxed);
        }
    }

    fn servers_ui(&self, ui: &mut Ui, rect: Rect) {
        Panel::titled("Servers")
            .note("each asked for itself")
            .show(ui, rect, |ui| {
                let all = match &self.servers {
                    None => {
                        widgets::line(ui, "Asking the servers\u{2026}");
                        return;
                    }
                    Some(Err((message, remedy))) => {
                        widgets::error_state(ui, message, Some(remedy));
                        return;
                    }
                    Some(Ok(all)) => words::servers(all),
                };
                let columns = [
                    ColumnSpec::text("Server", 112.0),
                    ColumnSpec::text("Process", 92.0),
                    ColumnSpec::number("PID", 60.0),
                    ColumnSpec::text("Address", 118.0),
                    ColumnSpec::rest("Says"),
                ];
                table(
                    ui,
                    "lab servers",
                    &columns,
                    all.len(),
                    size::ROW,
                    None,
                    |ui, row, column| {
                        let Some(row) = all.get(row) else {
                            return;
                        };
                        match column {
                            0 => text_cell(ui, &row.name),
                            1 => {
                                widgets::status_icon(ui, row.process.0);
                                text_cell(ui, row.process.1);
                            }
                            2 => text_cell(ui, &row.pid),
                            3 => text_cell(ui, &row.address),
                            _ => {
                                let muted = theme::colors(ui).muted;
                                Line::table(&row.says)
                                    .color(muted)
                                    .show(ui)
                                    .on_hover_text(&row.says);
                            }
                        }
                    },
                );
            });
    }

    fn confirm_ui(&mut self, home: &Path, cx: &mut Cx<'_>) {
        let Some((work, typed)) = &mut self.confirm else {
            return;
        };
        let work = *work;
        let plan = self.plan.as_ref().and_then(|plan| plan.as_ref().ok());
        let folder = home.display();
        let lines = match (work, plan) {
            (Work::SetUp, Some(plan)) => words::needs(plan)
                .into_iter()
                .map(|need| format!("{}: {}", need.name, need.found))
                .chain([
                    "It runs until it is stopped, also after this console is closed.".to_owned(),
                ])
                .collect(),
            (Work::SetUp, None) => vec![format!("Folder: {folder}")],
            (Work::Stop, _) => vec![
                "Kafka and the three Cassandra nodes end in order; their data stay.".to_owned(),
                "Set up starts them again.".to_owned(),
            ],
            (Work::Wipe, _) => vec![
                format!("Every server ends; topics, tables and logs in {folder} are deleted."),
                "What was fetched stays. This cannot be undone.".to_owned(),
            ],
        };
        let confirm = Confirm {
            title: work.title(),
            lines: &lines,
            act: work.act(),
            name: (work == Work::Wipe).then_some("lab"),
            blocked: None,
        };
        match confirm.show(cx.ctx, typed) {
            Decision::Open => {}
            Decision::Cancel => self.confirm = None,
            Decision::Act => {
                self.confirm = None;
                self.start(work, home, cx);
            }
        }
    }
}

fn carry_out(
    work: Work,
    home: &Path,
    programs: &Programs,
    given_up: Arc<AtomicBool>,
    tell: &mut dyn FnMut(LabTold),
) -> Result<(), LabError> {
    let ends = lab(home, programs)?;
    match work {
        Work::SetUp => {
            let lab = ends.clone().given_up_by(given_up);
            let set_up = lab.fetch(tell).and_then(|()| lab.up(tell));
            if matches!(set_up, Err(LabError::GivenUp)) {
                // What was begun is ended: half a lab is no use to anybody.
                ends.down(tell)?;
            }
            set_up
        }
        Work::Stop => ends.down(tell),
        Work::Wipe => ends.wipe(tell),
    }
}

/// Begins to work something out; where there is no thread for it, that is what came.
fn begin<T: Send + 'static>(
    ctx: &Context,
    name: &str,
    came: &mut Option<Result<T, Failure>>,
    work: impl FnOnce() -> Result<T, LabError> + Send + 'static,
) -> Option<Later<Result<T, Failure>>> {
    match Later::begin(ctx, name, || work().map_err(|error| failure(&error))) {
        Ok(later) => Some(later),
        Err(error) => {
            let told = format!("no thread for the lab: {error}");
            *came = Some(Err((told, "end other programs".to_owned())));
            None
        }
    }
}

fn take<T: Send + 'static>(
    later: &mut Option<Later<Result<T, Failure>>>,
    into: &mut Option<Result<T, Failure>>,
    ctx: &Context,
) {
    let Some(waited) = later else { return };
    match waited.poll() {
        Came::NotYet => ctx.request_repaint_after(LOOK_EVERY / 10),
        Came::Value(value) => {
            *into = Some(value);
            *later = None;
        }
        Came::Lost => {
            let told = "the thread that looks at the lab ended with a panic".to_owned();
            *into = Some(Err((told, "see the log of this program".to_owned())));
            *later = None;
        }
    }
}

fn needs_rows_ui(ui: &mut Ui, plan: &LabPlan) {
    ui.spacing_mut().item_spacing.y = 2.0;
    for need in words::needs(plan) {
        field_ui(ui, need.name, LABEL, |ui| {
            widgets::status_icon(ui, need.status);
            Line::table(&need.found).show(ui).on_hover_text(&need.found);
        });
        if let Some(remedy) = &need.remedy {
            ui.horizontal_top(|ui| {
                ui.add_space(LABEL + 22.0);
                let muted = theme::colors(ui).muted;
                Line::caption(remedy).color(muted).wrapped().show(ui);
            });
        }
    }
}

fn steps_ui(ui: &mut Ui, set_up: &SetUp) {
    let steps = words::steps(
        &set_up.fetches,
        &set_up.running,
        &set_up.told,
        set_up.course,
    );
    ui.spacing_mut().item_spacing.y = 0.0;
    for step in steps {
        field_ui(ui, &step.name, 150.0, |ui| {
            widgets::status_icon(ui, step.status);
            Line::table(&step.found).show(ui);
        });
    }
}

fn use_ui(ui: &mut Ui, rect: Rect) {
    let text = "# Use this profile, above, once it answers; or:\nretail-engine setup --profile lab\nretail-console --profile lab";
    Panel::titled("To use it")
        .note("faults of a drill are real there")
        .show_with(
            ui,
            rect,
            |ui| {
                if Btn::new("Copy")
                    .icon(Icon::Copy)
                    .small()
                    .label("Copy the commands")
                    .clicked(ui)
                {
                    ui.ctx().copy_text(text.to_owned());
                }
            },
            |ui| {
                ui.allocate_ui(vec2(ui.available_width(), ui.available_height()), |ui| {
                    code_ui(ui, "lab", text);
                });
            },
        );
}
