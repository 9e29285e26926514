//! The drill that runs or is over: starting it, ending its fault, and its proof.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use retail_engine::flow::{DrillError, DrillOutcome};
use retail_engine::handle::Command;
use retail_engine::ports::{Comparison, StoreError};

use super::course::Course;
use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::views::charts::Window;
use crate::views::failover::card::{Card, Rpo, Rto, time};
use crate::views::failover::compared::{Verified, verified};
use crate::views::failover::plan::Draft;

/// Shown before the drill began, seconds.
const LEAD_SECS: i64 = 3;

/// A drill that is over.
pub(super) struct Done {
    /// Its figures.
    pub(super) card: Card,
    /// The same as the engine gave them.
    pub(super) outcome: Arc<DrillOutcome>,
    /// When it was over.
    pub(super) at: DateTime<Utc>,
    /// What its charts show.
    pub(super) window: Window,
}

/// The drill of this page.
#[derive(Default)]
pub(super) struct Drill {
    answer: Pending<Result<DrillOutcome, DrillError>>,
    act: Option<ActId>,
    began: Option<DateTime<Utc>>,
    cancel: Pending<bool>,
    proof: Pending<Result<Comparison, StoreError>>,
    /// The last one, until it is closed or another begins.
    pub(super) done: Option<Done>,
    /// All three data centres, read after it.
    pub(super) verified: Option<Verified>,
    /// What happened meanwhile.
    pub(super) course: Course,
}

impl Drill {
    /// Whether one was asked for and is not over.
    pub(super) fn is_asked(&self) -> bool {
        self.answer.waiting().is_some()
    }

    /// Whether the replicas are being read for its proof.
    pub(super) fn is_proving(&self) -> bool {
        self.proof.waiting().is_some()
    }

    /// Starts a drill; what is missing is told.
    pub(super) fn start(&mut self, draft: &Draft, cx: &mut Cx<'_>) -> bool {
        let request = match draft.request() {
            Ok(request) => request,
            Err(why) => {
                cx.notices
                    .push(format!("no drill was started: {why}"), None);
                return false;
            }
        };
        let what = format!("Drill: {}", draft.title());
        self.act = Some(cx.runbook.begin(cx.snapshot.at, what, draft.args()));
        self.began = Some(cx.snapshot.at);
        self.done = None;
        self.verified = None;
        self.answer = cx
            .link
            .ask(|reply| Command::Drill(Box::new(request), reply));
        true
    }

    /// Ends the faults of the drill that runs.
    pub(super) fn bring_back(&mut self, cx: &mut Cx<'_>) {
        let act = cx.runbook.begin(cx.snapshot.at, "Bring back now", None);
        cx.runbook
            .end(act, Outcome::Done("the faults of the drill end".to_owned()));
        self.cancel = cx.link.ask(Command::CancelDrill);
    }

    /// Takes what has come; whether a drill ended.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) -> bool {
        self.course.take(cx.snapshot);
        self.cancel.poll(cx.ctx);
        if self.cancel.take() == Some(false) {
            cx.notices.done("The drill is over already".to_owned());
        }
        self.proof.poll(cx.ctx);
        match self.proof.take() {
            Some(Ok(comparison)) => self.verified = Some(verified(&comparison)),
            Some(Err(error)) => {
                let remedy = error.remedy().to_owned();
                cx.notices.push(
                    format!("the replicas cannot be compared: {error}"),
                    Some(remedy),
                );
            }
            None => {}
        }
        self.answer.poll(cx.ctx);
        let Some(answer) = self.answer.take() else {
            return false;
        };
        let told = match answer {
            Ok(outcome) => {
                let card = Card::of_outcome(&outcome);
                let told = told(&card);
                let began = self.began.unwrap_or(cx.snapshot.at);
                self.done = Some(Done {
                    card,
                    outcome: Arc::new(outcome),
                    at: cx.snapshot.at,
                    window: window(began, cx.snapshot.at),
                });
                self.proof = cx.link.ask(Command::Verify);
                Outcome::Done(told)
            }
            Err(error) => {
                cx.notices.push(
                    format!("no drill was run to its end: {error}"),
                    Some(error.remedy()),
                );
                Outcome::Failed(error.to_string())
            }
        };
        if let Some(act) = self.act.take() {
            cx.runbook.end(act, told);
        }
        true
    }
}

/// The time that the charts of a drill show.
pub(super) fn window(began: DateTime<Utc>, to: DateTime<Utc>) -> Window {
    Window {
        from: began - chrono::TimeDelta::seconds(LEAD_SECS),
        to,
    }
}

/// The outcome in one line.
fn told(card: &Card) -> String {
    let rto = match &card.rto {
        Rto::Reached(ms) | Rto::Counting(ms) => format!("RTO {}", time(*ms)),
        Rto::None(why) => format!("no RTO: {why}"),
        Rto::Waiting => "no RTO".to_owned(),
    };
    let rpo = match &card.rpo {
        Rpo::Proven(lines) => format!("{lines} lines lost"),
        Rpo::SoFar { .. } => "lines lost not proven".to_owned(),
        Rpo::Unknown(why) => format!("lines lost unknown: {why}"),
    };
    format!("{rto}, {rpo}, {}", card.score)
}
