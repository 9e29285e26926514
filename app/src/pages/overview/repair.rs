//! Making the data centres equal, from the finding that says they are not.

use retail_engine::handle::Command;
use retail_engine::ports::{RepairReport, StoreError};

use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::views::format;
use crate::widgets::{Confirm, Decision};

/// A repair that is asked about, or runs.
#[derive(Default)]
pub(super) struct State {
    asking: bool,
    typed: String,
    running: Pending<Result<RepairReport, StoreError>>,
    act: Option<ActId>,
}

impl State {
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.running.poll(cx.ctx);
        let Some(ended) = self.running.take() else {
            return;
        };
        let outcome = match ended {
            Ok(report) => {
                let told = format!(
                    "{} buckets compared, {} repaired, {} lines copied",
                    format::count(report.buckets_compared),
                    format::count(report.buckets_repaired),
                    format::count(report.lines_copied)
                );
                cx.notices.done(format!("Repair: {told}"));
                Outcome::Done(told)
            }
            Err(error) => {
                let told = format!("the data centres were not repaired: {error}");
                cx.notices
                    .push(told.clone(), Some(error.remedy().to_owned()));
                Outcome::Failed(told)
            }
        };
        if let Some(act) = self.act.take() {
            cx.runbook.end(act, outcome);
        }
    }

    /// Asks before it repairs.
    pub(super) fn plan(&mut self, cx: &mut Cx<'_>) {
        if self.running.waiting().is_some() {
            cx.notices.done("The repair runs already".to_owned());
        } else {
            self.asking = true;
            // A name that was typed for the repair before does not stand for this one.
            self.typed.clear();
        }
    }

    pub(super) fn confirm_ui(&mut self, cx: &mut Cx<'_>) {
        if !self.asking {
            return;
        }
        let lines = [
            format!(
                "{} lines of sales are compared bucket by bucket in all three data centres.",
                format::count(cx.snapshot.lines)
            ),
            "What one of them lacks is copied to it; summaries are rebuilt from their rows."
                .to_owned(),
            "Nothing is deleted. Repairing again does no harm.".to_owned(),
        ];
        let confirm = Confirm {
            title: "Repair the data centres?",
            lines: &lines,
            act: "Repair 3 data centres",
            name: None,
            blocked: None,
        };
        match confirm.show(cx.ctx, &mut self.typed) {
            Decision::Open => {}
            Decision::Cancel => self.asking = false,
            Decision::Act => {
                self.asking = false;
                self.running = cx.link.ask(Command::Repair);
                let args = Some(vec!["repair".to_owned()]);
                let act = cx.runbook.begin(cx.snapshot.at, "Repair", args);
                self.act = Some(act);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::with_cx;

    #[test]
    fn a_name_that_was_typed_does_not_stand_for_the_next_repair() {
        with_cx(|cx| {
            let mut state = State {
                typed: "shop".to_owned(),
                ..State::default()
            };
            state.plan(cx);
            assert!(state.asking && state.typed.is_empty(), "{}", state.typed);
        });
    }
}
