//! Ending all faults: sent from any page, and told as it stands once the engine has looked again.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use eframe::egui::Context;
use retail_engine::handle::{Command, Engine};
use retail_engine::ports::{Clock as _, SystemClock};

use super::Given;
use crate::link::Pending;
use crate::runbook::{ActId, Outcome};
use crate::views::failover::ended::{Left, ended};

/// How long a snapshot is waited for that was taken after the faults had ended. Faults are over
/// within this time; a snapshot comes four times in it at the least.
const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// Between two looks for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What is done where nothing answers.
const REMEDY: &str = "open the engine again: it ends what was left behind";

/// Faults that ended, before it is known how things stand without them.
#[derive(Debug, Clone, Copy)]
struct Answered {
    faults: usize,
    at: DateTime<Utc>,
    since: Instant,
    act: ActId,
}

/// All faults that are being ended.
#[derive(Default)]
pub(super) struct Ending {
    /// Each press is sent: a fault may have begun after the one before.
    asked: Vec<(Pending<usize>, ActId)>,
    answered: Vec<Answered>,
}

impl Ending {
    /// Ends every fault.
    pub(super) fn begin(&mut self, given: &mut Given) {
        let at = given
            .link
            .snapshot()
            .map_or_else(Default::default, |known| known.at);
        let act = given.runbook.begin(at, "End all faults", None);
        let asked = given.link.ask(Command::EndAllFaults);
        if matches!(asked, Pending::Idle) {
            not_ended(given, act, "no engine is open");
        } else {
            self.asked.push((asked, act));
        }
    }

    /// Takes answers, and tells how things stand; once per frame.
    pub(super) fn refresh(&mut self, ctx: &Context, given: &mut Given) {
        for (mut asked, act) in std::mem::take(&mut self.asked) {
            asked.poll(ctx);
            match asked {
                Pending::Ready(faults) => {
                    let told = format!("{faults} ended");
                    given.runbook.end(act, Outcome::Done(told));
                    self.answered.push(Answered {
                        faults,
                        at: SystemClock::default().now(),
                        since: Instant::now(),
                        act,
                    });
                }
                Pending::Gone(gone) => not_ended(given, act, &gone.to_string()),
                Pending::Waiting(..) => self.asked.push((asked, act)),
                Pending::Idle => {}
            }
        }
        self.answered.retain(|answered| !tell(*answered, given));
        if !self.answered.is_empty() {
            ctx.request_repaint_after(LOOK_EVERY);
        }
    }
}

fn not_ended(given: &mut Given, act: ActId, why: &str) {
    let message = format!("the faults were not ended: {why}");
    given.runbook.end(act, Outcome::Failed(message.clone()));
    given.notices.push(message, Some(REMEDY.to_owned()));
}

/// Tells what is left, if that is known by now; whether it was told.
fn tell(answered: Answered, given: &mut Given) -> bool {
    // Asked for directly: the console may take snapshots more slowly, or hold one.
    let newest = given.link.engine().map(Engine::snapshot);
    match newest.filter(|newest| newest.at >= answered.at) {
        Some(newest) => match ended(answered.faults, &newest) {
            (Left::None, text) => given.notices.done(text),
            (Left::Some, text) => {
                given
                    .runbook
                    .end(answered.act, Outcome::Failed(text.clone()));
                let remedy = "press End all faults again".to_owned();
                given.notices.push(text, Some(remedy));
            }
        },
        None if answered.since.elapsed() < LOOK_WITHIN => return false,
        None => {
            let faults = answered.faults;
            let text = format!(
                "{faults} faults were ended; whether any is left is Unknown: the engine has not \
                 looked since"
            );
            given.notices.push(text, Some(REMEDY.to_owned()));
        }
    }
    true
}
