//! The link to the engine: opening it off the thread that draws, the newest snapshot, events, and
//! answers that are waited for without blocking a frame.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::Context;
use retail_engine::config::Settings;
use retail_engine::flow::Roles;
use retail_engine::handle::{
    Answer, Command, Effect, Engine, EngineGone, OpenError, Reply, Snapshot,
};
use retail_engine::telemetry::{Cursor, Event};
use serde::{Deserialize, Serialize};

use crate::later::{Came, Later};
use crate::start::Access;

/// Events that the console remembers, newest last.
const EVENTS: usize = 10_000;
/// Between two looks at answers that are waited for.
const LOOK_EVERY: Duration = Duration::from_millis(33);
/// Until the frame that shows a snapshot. Not zero: a frame asked for at once is drawn twice, to
/// let what a person did settle, and a snapshot has nothing to settle.
const SHOW_AFTER: Duration = Duration::from_millis(1);

/// Where the engine stands.
enum State {
    Opening(Later<Result<Engine, OpenError>>, Instant),
    Open(Box<Engine>),
    Failed(OpenError),
}

impl State {
    /// Opens an engine on a thread of its own, after `before` has ended: both may want the same
    /// data directory.
    fn opening(
        before: Option<Box<Engine>>,
        settings: Settings,
        access: Access,
        ctx: &Context,
    ) -> std::io::Result<Self> {
        let waking = ctx.clone();
        // Who only reads joins no group, sends no probes and writes no tables.
        let roles = match access {
            Access::ReadWrite => Roles::all(),
            Access::ReadOnly => Roles::none(),
        };
        let open = move || {
            drop(before);
            let opened = Engine::open(settings, roles);
            if let Ok(engine) = &opened {
                engine.on_snapshot(move || waking.request_repaint_after(SHOW_AFTER));
            }
            opened
        };
        let coming = Later::begin(ctx, "open-engine", open)?;
        Ok(Self::Opening(coming, Instant::now()))
    }
}

/// How the engine came up, for the page that says so.
pub enum Opened<'a> {
    /// It is being opened, since then.
    Opening(Duration),
    /// It runs.
    Running(&'a Engine),
    /// It could not be opened.
    Failed(&'a OpenError),
}

/// How often the console takes what the engine has measured. The engine measures at its own pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Whenever there is something new: four times a second.
    #[default]
    AsMeasured,
    /// Once a second.
    Second,
    /// Every two seconds.
    TwoSeconds,
    /// Every five seconds.
    FiveSeconds,
}

impl Pace {
    /// The time between two snapshots.
    pub const fn every(self) -> Duration {
        Duration::from_secs(match self {
            Self::AsMeasured => 0,
            Self::Second => 1,
            Self::TwoSeconds => 2,
            Self::FiveSeconds => 5,
        })
    }
}

/// The console's hold on the engine.
pub struct Link {
    state: State,
    cursor: Cursor,
    events: Vec<Event>,
    snapshot: Option<Arc<Snapshot>>,
    /// How often a snapshot is taken, and when the last one was.
    pace: Pace,
    taken_at: Option<Instant>,
    opened_in: Option<Duration>,
    access: Access,
    /// What was not sent because the console only reads, in words; told once by the app.
    refused: RefCell<Vec<&'static str>>,
}

impl Link {
    /// Opens the engine on a thread of its own; `ctx` is woken when there is something new. For
    /// one that only reads, the engine takes no part in the work.
    pub fn open(settings: Settings, access: Access, ctx: &Context) -> std::io::Result<Self> {
        Ok(Self {
            state: State::opening(None, settings, access, ctx)?,
            cursor: Cursor::default(),
            events: Vec::new(),
            snapshot: None,
            pace: Pace::default(),
            taken_at: None,
            opened_in: None,
            access,
            refused: RefCell::default(),
        })
    }

    /// Ends the engine, if it is open, and opens one of these settings, by what the console was
    /// started for. What was known of the old one is forgotten: events and figures belong to the
    /// data that they are of.
    pub fn reopen(
        &mut self,
        settings: Settings,
        access: Access,
        ctx: &Context,
    ) -> std::io::Result<()> {
        let nothing = State::Failed(OpenError::Internal("no thread to open it".to_owned()));
        let before = match std::mem::replace(&mut self.state, nothing) {
            State::Open(engine) => Some(engine),
            State::Opening(..) | State::Failed(_) => None,
        };
        self.snapshot = None;
        self.taken_at = None;
        self.opened_in = None;
        self.cursor = Cursor::default();
        self.events.clear();
        self.state = State::opening(before, settings, access, ctx)?;
        Ok(())
    }

    /// Takes what is new; once per frame, before anything is drawn.
    pub fn refresh(&mut self) {
        if let State::Opening(coming, since) = &self.state {
            match coming.poll() {
                Came::Value(Ok(engine)) => {
                    self.opened_in = Some(since.elapsed());
                    self.state = State::Open(Box::new(engine));
                }
                Came::Value(Err(error)) => self.state = State::Failed(error),
                Came::NotYet => {}
                Came::Lost => {
                    let what = "the thread that opens the engine ended with a panic".to_owned();
                    self.state = State::Failed(OpenError::Internal(what));
                }
            }
        }
        if let State::Open(engine) = &self.state {
            let every = self.pace.every();
            if self.taken_at.is_none_or(|at| at.elapsed() >= every) {
                self.snapshot = Some(engine.snapshot());
                self.taken_at = Some(Instant::now());
            }
            let drained = engine.events(self.cursor);
            self.cursor = drained.next;
            for event in drained.events {
                self.keep(event);
            }
            let surplus = self.events.len().saturating_sub(EVENTS);
            self.events.drain(..surplus);
        }
    }

    /// Keeps an event; one that was repeated takes the place of what it repeats.
    fn keep(&mut self, event: Event) {
        if event.repeats > 1 {
            let same = |known: &Event| known.first_at == event.first_at && known.kind == event.kind;
            if let Some(place) = self.events.iter().rposition(same) {
                self.events.remove(place);
            }
        }
        self.events.push(event);
    }

    /// Where the engine stands.
    pub fn opened(&self) -> Opened<'_> {
        match &self.state {
            State::Opening(_, since) => Opened::Opening(since.elapsed()),
            State::Open(engine) => Opened::Running(engine),
            State::Failed(error) => Opened::Failed(error),
        }
    }

    /// The running engine.
    pub fn engine(&self) -> Option<&Engine> {
        match &self.state {
            State::Open(engine) => Some(engine),
            State::Opening(..) | State::Failed(_) => None,
        }
    }

    /// How long opening took.
    pub const fn opened_in(&self) -> Option<Duration> {
        self.opened_in
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref()
    }

    /// Events so far, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What may be sent.
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Allows or refuses commands that change something, from now on.
    pub const fn set_access(&mut self, access: Access) {
        self.access = access;
    }

    /// Takes a snapshot this often, from now on.
    pub const fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// What was refused since the last call, in words.
    pub fn take_refused(&self) -> Vec<&'static str> {
        self.refused.take()
    }

    /// Whether a command may be sent; what may not is remembered.
    fn may(&self, command: &Command) -> bool {
        match (self.access, command.effect()) {
            (Access::ReadOnly, Effect::Changes(what)) => {
                self.refused.borrow_mut().push(what);
                false
            }
            (Access::ReadWrite, _) | (_, Effect::Reads | Effect::Ends) => true,
        }
    }

    /// Sends a command that has no answer, unless it changes something and the console only reads.
    pub fn send(&self, command: Command) {
        let Some(engine) = self.engine() else {
            return;
        };
        if self.may(&command) && engine.send(command).is_err() {
            tracing::warn!("the engine has ended; the command was not carried out");
        }
    }

    /// Asks the engine; the answer is polled by [`Pending::poll`]. Nothing is asked, and `Idle`
    /// returned, for a command that changes something while the console only reads.
    pub fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Pending<T> {
        self.engine()
            .and_then(|engine| engine.ask_if(command, |command| self.may(command)))
            .map_or(Pending::Idle, |answer| {
                Pending::Waiting(answer, Instant::now())
            })
    }
}

/// An answer of the engine as a page holds it.
#[derive(Default)]
pub enum Pending<T> {
    /// Nothing was asked.
    #[default]
    Idle,
    /// Asked, since then.
    Waiting(Answer<T>, Instant),
    /// The answer.
    Ready(T),
    /// The engine ended before it answered.
    Gone(EngineGone),
}

impl<T> Pending<T> {
    /// Takes the answer if it is there, and asks for another frame if it is not.
    pub fn poll(&mut self, ctx: &Context) {
        if let Self::Waiting(answer, _) = self {
            match answer.wait_for(Duration::ZERO) {
                Some(Ok(value)) => *self = Self::Ready(value),
                Some(Err(gone)) => *self = Self::Gone(gone),
                None => ctx.request_repaint_after(LOOK_EVERY),
            }
        }
    }

    /// The answer.
    pub const fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Idle | Self::Waiting(..) | Self::Gone(_) => None,
        }
    }

    /// Takes the answer out, once it is there.
    pub fn take(&mut self) -> Option<T> {
        match std::mem::take(self) {
            Self::Ready(value) => Some(value),
            other => {
                *self = other;
                None
            }
        }
    }

    /// How long the answer is waited for.
    pub fn waiting(&self) -> Option<Duration> {
        match self {
            Self::Waiting(_, since) => Some(since.elapsed()),
            Self::Idle | Self::Ready(_) | Self::Gone(_) => None,
        }
    }
}
