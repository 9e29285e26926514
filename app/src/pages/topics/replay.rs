//! Replays: what was entered, the plan that the engine made of it, applying and undoing it.

use chrono::{DateTime, Local, Utc};
use eframe::egui::{Context, Rect, Ui};
use retail_engine::flow::{PlanSample, ReplayError, ReplayRequest, SampleError};
use retail_engine::handle::{Command, ConsumerState, Snapshot};
use retail_engine::model::Topic;
use retail_engine::replay::plan::{Plan, Strategy};

use super::offsets::Reading;
use super::plan as drawn;
use crate::files::{Choosing, Chosen, no_dialog};
use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::views::format;
use crate::views::topics::form::{ReplayForm, Target, time_text};
use crate::views::topics::plan::{self as words, Kind, PlanView, SampleView};
use crate::widgets::{Confirm, Decision};

/// A plan as the engine made it.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) view: PlanView,
    pub(super) at: DateTime<Utc>,
    /// What it was made for; none for an undo.
    request: Option<ReplayRequest>,
    /// A few of the lines that it moves over.
    sample: Pending<Result<PlanSample, SampleError>>,
}

impl Planned {
    /// What its sample says; nothing while the lines are read.
    pub(super) fn sample(&self) -> Option<SampleView> {
        match &self.sample {
            Pending::Ready(Ok(sample)) => Some(words::sample(sample)),
            Pending::Ready(Err(error)) => Some(words::no_sample(&error.to_string())),
            Pending::Gone(gone) => Some(words::no_sample(&gone.to_string())),
            Pending::Idle | Pending::Waiting(..) => None,
        }
    }
}

/// Being carried out.
enum Applying {
    Replay(Pending<Result<(), ReplayError>>),
    Undo(Pending<Result<Plan, ReplayError>>),
}

/// Carried out and read back.
pub(super) struct Applied {
    pub(super) plan: Plan,
    pub(super) view: PlanView,
    pub(super) kind: Kind,
    pub(super) at: DateTime<Utc>,
    /// When all was read again.
    pub(super) over: Option<DateTime<Utc>>,
    /// The newest measurement, and how many there were since.
    newest: DateTime<Utc>,
    since: u8,
}

impl Applied {
    /// Whether a measurement was begun after the group was moved: the first that arrives may have
    /// been under way.
    pub(super) const fn is_seen(&self) -> bool {
        self.since >= 2
    }

    fn look(&mut self, snapshot: &Snapshot) {
        if snapshot.at > self.newest {
            self.newest = snapshot.at;
            self.since = self.since.saturating_add(1);
        }
        let is_over = words::progress(&self.plan, snapshot).is_over();
        if self.over.is_none() && self.is_seen() && is_over {
            self.over = Some(snapshot.at);
        }
    }
}

/// The panel while it is open.
pub(super) struct Sheet {
    pub(super) kind: Kind,
    pub(super) form: ReplayForm,
    pub(super) missing: Option<String>,
    pub(super) planned: Option<Planned>,
    pub(super) error: Option<(String, String)>,
    asked_for: Option<ReplayRequest>,
    pub(super) asked: Pending<Result<Plan, ReplayError>>,
    confirm: Option<String>,
    choosing: Option<Choosing>,
    /// The file of offsets that was chosen, until it was read.
    pub(super) reading: Option<Reading>,
}

/// What the page remembers of replays.
#[derive(Default)]
pub(super) struct State {
    pub(super) sheet: Option<Sheet>,
    applying: Option<(Applying, Vec<ActId>, Kind, Planned)>,
    pub(super) applied: Option<Applied>,
    /// Whether consumers were held from here.
    pub(super) held: bool,
}

/// What was asked for in the panel in this frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Close,
    PlanAgain,
    Apply,
    CopyCommand,
    Hold,
    Resume,
    ChooseFile,
    Undo,
}

fn now() -> DateTime<Utc> {
    Local::now().to_utc()
}

impl State {
    /// Whether the panel is open.
    pub(super) const fn is_open(&self) -> bool {
        self.sheet.is_some()
    }

    /// Whether a confirmation is open.
    pub(super) fn confirms(&self) -> bool {
        self.sheet
            .as_ref()
            .is_some_and(|sheet| sheet.confirm.is_some())
    }

    /// Whether a plan is being carried out.
    pub(super) const fn is_applying(&self) -> bool {
        self.applying.is_some()
    }

    /// The time that the plan on the screen goes to.
    pub(super) fn planned_time(&self) -> Option<DateTime<Utc>> {
        let request = self.sheet.as_ref()?.planned.as_ref()?.request.as_ref()?;
        match request.strategy {
            Strategy::Time(at) => Some(at),
            _ => None,
        }
    }

    /// Opens the panel for a topic, with a dry run of moving to the beginning.
    pub(super) fn open(&mut self, topic: Topic, cx: &Cx<'_>) {
        let mut form = ReplayForm::new(topic);
        if let Some(newest) = cx.snapshot.loads.last() {
            form.load = Some(newest.id);
            form.time = time_text(newest.started_at);
        }
        for view in &cx.snapshot.partitions {
            if view.partition.topic == topic {
                let at = view
                    .committed
                    .map_or_else(String::new, |at| at.0.to_string());
                form.offsets.insert(view.partition.partition, at);
            }
        }
        self.sheet = Some(Sheet::new(Kind::Replay, form));
    }

    /// Opens the panel with the plan to undo the last replay.
    pub(super) fn plan_undo(&mut self, cx: &Cx<'_>) {
        let topic = self
            .applied
            .as_ref()
            .and_then(|applied| words::topic_of(&applied.plan));
        let form = ReplayForm::new(topic.unwrap_or(Topic::ALL[0]));
        let mut sheet = Sheet::new(Kind::Undo, form);
        sheet.asked = cx.link.ask(Command::PlanUndo);
        self.sheet = Some(sheet);
    }

    /// Closes the panel; consumers that were held from here go on.
    pub(super) fn close(&mut self, cx: &mut Cx<'_>) {
        self.sheet = None;
        self.resume(cx);
    }

    fn resume(&mut self, cx: &mut Cx<'_>) {
        if std::mem::take(&mut self.held) {
            self.set_consumers(Command::ResumeConsumers, "Let the consumers go on", cx);
        }
    }

    fn set_consumers(&mut self, command: Command, what: &str, cx: &mut Cx<'_>) {
        cx.link.send(command);
        let act = cx.runbook.begin(cx.snapshot.at, what, None);
        cx.runbook.end(act, Outcome::Done("asked".to_owned()));
        if let Some(sheet) = &mut self.sheet {
            sheet.plan_again(cx);
        }
    }

    /// Takes answers that have come.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.take_applied(cx);
        if let Some(applied) = &mut self.applied {
            applied.look(cx.snapshot);
        }
        if self.applying.is_none()
            && let Some(sheet) = &mut self.sheet
        {
            sheet.refresh(cx);
        }
    }

    fn take_applied(&mut self, cx: &mut Cx<'_>) {
        let Some((applying, acts, kind, planned)) = &mut self.applying else {
            return;
        };
        let kind = *kind;
        let ended = match applying {
            Applying::Replay(pending) => {
                pending.poll(cx.ctx);
                let plan = planned.plan.clone();
                answer(pending).map(|ended| ended.map(|()| plan))
            }
            Applying::Undo(pending) => {
                pending.poll(cx.ctx);
                answer(pending)
            }
        };
        let Some(ended) = ended else {
            return;
        };
        let acts = std::mem::take(acts);
        self.applying = None;
        match ended {
            Ok(plan) => {
                let again = format::count(plan.read_again);
                let done = format!("moved and read back, {again} lines are read again");
                for act in acts {
                    cx.runbook.end(act, Outcome::Done(done.clone()));
                }
                let view = words::view(&plan, kind, cx.snapshot);
                cx.notices
                    .done(format!("{}: {done}", headline(&plan, kind)));
                self.applied = Some(Applied {
                    plan,
                    view,
                    kind,
                    at: cx.snapshot.at,
                    over: None,
                    newest: cx.snapshot.at,
                    since: 0,
                });
                if let Some(sheet) = &mut self.sheet {
                    sheet.planned = None;
                    sheet.error = None;
                }
                self.resume(cx);
                if let Some(sheet) = &mut self.sheet {
                    sheet.forget_plan();
                }
            }
            Err((message, remedy)) => {
                for act in acts {
                    cx.runbook.end(act, Outcome::Failed(message.clone()));
                }
                match &mut self.sheet {
                    Some(sheet) => sheet.error = Some((message, remedy)),
                    None => cx.notices.push(message, Some(remedy)),
                }
            }
        }
    }

    /// Carries out what was asked for in the panel.
    pub(super) fn asked(&mut self, asked: Asked, cx: &mut Cx<'_>) {
        match asked {
            Asked::Close => return self.close(cx),
            Asked::Hold => {
                self.held = true;
                self.set_consumers(Command::PauseConsumers, "Hold the consumers", cx);
            }
            Asked::Resume => {
                self.held = false;
                self.set_consumers(Command::ResumeConsumers, "Let the consumers go on", cx);
            }
            Asked::Undo => self.plan_undo(cx),
            Asked::PlanAgain | Asked::Apply | Asked::CopyCommand | Asked::ChooseFile => {}
        }
        let Some(sheet) = &mut self.sheet else {
            return;
        };
        match asked {
            Asked::PlanAgain => sheet.plan_again(cx),
            Asked::Apply => sheet.confirm = Some(String::new()),
            Asked::CopyCommand => {
                let commands = sheet.commands();
                let lines = commands.iter().map(|args| {
                    let mut line = "retail-engine".to_owned();
                    for arg in args {
                        line.push(' ');
                        line.push_str(&crate::runbook::quoted(arg));
                    }
                    line
                });
                cx.ctx.copy_text(lines.collect::<Vec<_>>().join("\n"));
            }
            Asked::ChooseFile => {
                let title = "Offsets: topic,partition,offset";
                sheet.choosing = Some(cx.files.open(cx.ctx, title, &["csv"]));
            }
            Asked::Close | Asked::Hold | Asked::Resume | Asked::Undo => {}
        }
    }

    /// Asks before a plan is applied; applies it.
    fn confirm_ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        let Some(sheet) = &mut self.sheet else {
            return;
        };
        let (Some(typed), Some(planned)) = (&mut sheet.confirm, &sheet.planned) else {
            sheet.confirm = None;
            return;
        };
        let view = &planned.view;
        let act = view.act.trim_end_matches('\u{2026}');
        let decision = Confirm {
            title: &view.title,
            lines: &view.confirm,
            act,
            name: view.name,
            blocked: view.blocked.as_deref(),
        }
        .show(ctx, typed);
        match decision {
            Decision::Open => {}
            Decision::Cancel => sheet.confirm = None,
            Decision::Act => {
                sheet.confirm = None;
                self.apply(cx);
            }
        }
    }

    fn apply(&mut self, cx: &mut Cx<'_>) {
        let Some(sheet) = &mut self.sheet else {
            return;
        };
        let commands = sheet.commands();
        let kind = sheet.kind;
        let Some(planned) = sheet.planned.take() else {
            return;
        };
        let what = headline(&planned.plan, kind);
        let acts = commands
            .into_iter()
            .map(|args| cx.runbook.begin(cx.snapshot.at, what.clone(), Some(args)))
            .collect();
        let plan = planned.plan.clone();
        let applying = match kind {
            Kind::Replay => {
                let ask = |reply| Command::ApplyReplay(Box::new(plan), reply);
                Applying::Replay(cx.link.ask(ask))
            }
            Kind::Undo => Applying::Undo(cx.link.ask(Command::UndoReplay)),
        };
        self.applying = Some((applying, acts, kind, planned));
    }
}

/// An answer, or why there will be none; `None` while it is waited for.
fn answer<T>(pending: &mut Pending<Result<T, ReplayError>>) -> Option<Result<T, (String, String)>> {
    if let Some(ended) = pending.take() {
        return Some(ended.map_err(|error| (error.to_string(), error.remedy().to_owned())));
    }
    match pending {
        Pending::Gone(gone) => Some(Err((
            gone.to_string(),
            "start the console again".to_owned(),
        ))),
        Pending::Idle | Pending::Waiting(..) | Pending::Ready(_) => None,
    }
}

fn headline(plan: &Plan, kind: Kind) -> String {
    let group = words::topic_of(plan).map_or("the group", Topic::group);
    match kind {
        Kind::Replay => format!("Replay of {group}"),
        Kind::Undo => format!("Undo of the replay of {group}"),
    }
}

impl Sheet {
    fn new(kind: Kind, form: ReplayForm) -> Self {
        Self {
            kind,
            form,
            missing: None,
            planned: None,
            error: None,
            asked_for: None,
            asked: Pending::Idle,
            confirm: None,
            choosing: None,
            reading: None,
        }
    }

    /// The arguments of the program that carry the plan out.
    fn commands(&self) -> Vec<Vec<String>> {
        let undo = || vec![vec!["replay".into(), "--undo".into(), "--yes".into()]];
        let planned = self
            .planned
            .as_ref()
            .and_then(|planned| planned.request.as_ref());
        planned.map_or_else(undo, |request| self.form.commands(request))
    }

    /// Makes the plan again from the group as it is now.
    fn plan_again(&mut self, cx: &Cx<'_>) {
        self.error = None;
        self.planned = None;
        match self.kind {
            Kind::Replay => self.asked_for = None,
            Kind::Undo => self.asked = cx.link.ask(Command::PlanUndo),
        }
    }

    /// After a plan was applied: the same form is not planned anew before it is changed.
    fn forget_plan(&mut self) {
        self.planned = None;
        self.asked = Pending::Idle;
        self.asked_for = self.form.request(now()).ok();
    }

    fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.take_file(cx);
        self.take_offsets(cx);
        if let Some(planned) = &mut self.planned {
            planned.sample.poll(cx.ctx);
        }
        self.asked.poll(cx.ctx);
        let waiting = self.asked.waiting().is_some();
        if self.kind == Kind::Replay && !waiting {
            match self.form.request(now()) {
                Ok(request) => {
                    self.missing = None;
                    if self.asked_for.as_ref() != Some(&request) {
                        let ask = request.clone();
                        self.planned = None;
                        self.error = None;
                        self.asked = cx
                            .link
                            .ask(|reply| Command::PlanReplay(Box::new(ask), reply));
                        self.asked_for = Some(request);
                        self.asked.poll(cx.ctx);
                    }
                }
                Err(missing) => {
                    self.missing = Some(missing);
                    self.planned = None;
                    self.asked_for = None;
                    self.asked = Pending::Idle;
                }
            }
        }
        match answer(&mut self.asked) {
            Some(Ok(plan)) => {
                let looked_at = plan.clone();
                self.planned = Some(Planned {
                    sample: cx
                        .link
                        .ask(|reply| Command::SamplePlan(Box::new(looked_at), reply)),
                    view: words::view(&plan, self.kind, cx.snapshot),
                    plan,
                    at: cx.snapshot.at,
                    request: match self.kind {
                        Kind::Replay => self.asked_for.clone(),
                        Kind::Undo => None,
                    },
                });
            }
            Some(Err(error)) => {
                self.error = Some(error);
                self.asked = Pending::Idle;
            }
            None => {}
        }
    }

    fn take_file(&mut self, cx: &mut Cx<'_>) {
        let Some(choosing) = &self.choosing else {
            return;
        };
        match choosing.poll(cx.ctx) {
            Chosen::Waiting => return,
            Chosen::Nothing => {}
            Chosen::NoDialog => no_dialog(cx.notices),
            Chosen::File(path) => match Reading::begin(path, cx.ctx) {
                Ok(reading) => {
                    // The plan of another file must not stand below the name of this one.
                    self.form.file = None;
                    self.form.target = Target::File;
                    self.reading = Some(reading);
                }
                Err((message, remedy)) => cx.notices.push(message, Some(remedy)),
            },
        }
        self.choosing = None;
    }

    fn take_offsets(&mut self, cx: &mut Cx<'_>) {
        let Some(reading) = &self.reading else {
            return;
        };
        match reading.poll(cx.ctx) {
            None => return,
            Some(Ok(offsets)) => self.form.file = Some((reading.path().to_owned(), offsets)),
            Some(Err((message, remedy))) => cx.notices.push(message, Some(remedy)),
        }
        self.reading = None;
    }
}

/// Whether the consumer of a topic is held.
pub(super) fn is_held(cx: &Cx<'_>, topic: Topic) -> bool {
    let mut consumers = cx.snapshot.consumers.iter();
    consumers.any(|view| view.topic == topic && view.state == ConsumerState::Held)
}

/// Draws the panel, and what is asked before a plan is applied.
pub(super) fn replay_ui(ui: &mut Ui, rect: Rect, state: &mut State, cx: &mut Cx<'_>) {
    if let Some(asked) = drawn::sheet_ui(ui, rect, state, cx) {
        state.asked(asked, cx);
    }
    let ctx = ui.ctx().clone();
    state.confirm_ui(&ctx, cx);
}
