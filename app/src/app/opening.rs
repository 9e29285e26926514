//! Opening the engine again: by the same settings, or by those of another profile, and what works
//! while there is none.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use eframe::egui::Context;
use retail_engine::config::Mode;
use retail_engine::handle::Snapshot;
use retail_engine::ports::{Clock as _, SystemClock};

use super::Console;
use super::ending::Ending;
use crate::frame::events::EventsState;
use crate::link::Opened;
use crate::pages::{Cx, Pages, closed};
use crate::runbook::{ActId, Outcome};
use crate::start;
use crate::views::format;

/// What works while there is no engine.
pub(super) struct Rooms<'a> {
    pub(super) pages: &'a mut Pages,
    pub(super) closed: &'a mut closed::State,
}

/// The profile that needs no servers.
const EMBEDDED: &str = "embedded";

impl Console {
    /// Whether there is no engine, and none is coming.
    pub(super) fn could_not_open(&self) -> bool {
        matches!(self.given.link.opened(), Opened::Failed(_))
    }

    /// Lets something work that needs no engine, on a snapshot in which nothing is known.
    pub(super) fn with_nothing(
        &mut self,
        ctx: &Context,
        work: impl FnOnce(&mut Rooms<'_>, &mut Cx<'_>),
    ) {
        let nothing = Snapshot::starting(self.given.settings.mode, now());
        let mut acts = Vec::new();
        let nothing = Arc::new(nothing);
        let mut cx = self.given.cx(ctx, &nothing, &mut acts);
        let mut rooms = Rooms {
            pages: &mut self.pages,
            closed: &mut self.closed,
        };
        work(&mut rooms, &mut cx);
        if !acts.is_empty() {
            ctx.request_repaint();
        }
        self.acts.append(&mut acts);
    }

    /// Writes down how the opening ended that was asked for.
    pub(super) fn note_opening(&mut self) {
        let ended = match self.given.link.opened() {
            Opened::Opening(_) => return,
            Opened::Running(_) => {
                let took = self.given.link.opened_in().unwrap_or_default();
                Outcome::Done(format!("opened in {}", format::duration(took)))
            }
            Opened::Failed(error) => Outcome::Failed(error.to_string()),
        };
        if let Some(act) = self.opening.take() {
            self.given.runbook.end(act, ended);
        }
    }

    /// Ends the engine and opens one by the settings of a profile.
    pub(super) fn use_profile(&mut self, ctx: &Context, name: &str) {
        match self.given.start.of_profile(name, &self.given.settings) {
            Ok((start, settings)) => {
                if name == EMBEDDED && settings.mode != Mode::Embedded {
                    let source = start.source("mode");
                    let told = format!("mode is set by {source}, which is above every profile");
                    let remedy = "take it away there, then start the console again".to_owned();
                    self.given.notices.push(told, Some(remedy));
                    return;
                }
                self.given.start = start;
                self.given.settings = settings;
                self.given.prefs.use_profile(name);
                let act = self.given.runbook.switch(now(), name);
                self.reopen(ctx, act);
            }
            Err(error) => {
                let remedy = error.remedy();
                self.given.notices.push(error.to_string(), Some(remedy));
            }
        }
    }

    /// Opens the engine once more.
    pub(super) fn open_again(&mut self, ctx: &Context) {
        let what = "Open the engine once more";
        let act = self.given.runbook.begin(now(), what, None);
        self.reopen(ctx, act);
    }

    /// Opens the engine by the settings as they are now. Nothing of the pages outlives it: what
    /// they hold is of the old engine.
    fn reopen(&mut self, ctx: &Context, act: ActId) {
        let settings = self.given.settings.clone();
        self.opening = Some(act);
        self.pages = Pages::default();
        self.closed = closed::State::default();
        self.passport = None;
        // What it held is counted by the old engine.
        self.events = EventsState::default();
        self.ending = Ending::default();
        self.given.frozen = None;
        if let Err(error) = self
            .given
            .link
            .reopen(settings, self.given.start.access, ctx)
        {
            let remedy = "end other programs, then try again".to_owned();
            self.given.notices.push(error.to_string(), Some(remedy));
        }
        ctx.request_repaint();
    }

    /// Why the engine cannot be closed now; `None` when it can, or when there is none.
    pub(super) fn busy(&self) -> Option<&'static str> {
        match self.given.link.opened() {
            Opened::Opening(_) => Some("it is being opened"),
            Opened::Running(_) => self
                .given
                .link
                .snapshot()
                .and_then(|known| start::busy(known)),
            Opened::Failed(_) if self.closed.is_making() => {
                Some("topics and tables are being made")
            }
            Opened::Failed(_) => None,
        }
    }
}

/// The time, where no engine tells it.
fn now() -> DateTime<Utc> {
    SystemClock::default().now()
}
