//! Acts by hand: move a region, verify, repair, end a fault. Each is confirmed with numbers first;
//! a return home that the engine refuses can only be forced by typing the region's name.

use chrono::{DateTime, Utc};
use eframe::egui::Ui;
use retail_engine::failover::lease::{FaultLease, LeaseId};
use retail_engine::failover::{Manual, Refusal};
use retail_engine::flow::FaultError;
use retail_engine::handle::Command;
use retail_engine::model::{Dc, Region};
use retail_engine::ports::{Comparison, Fault, RepairReport, StoreError};

use crate::link::Pending;
use crate::pages::Cx;
use crate::runbook::{ActId, Outcome};
use crate::views::failover::compared::{
    Verified, nothing_to_repair, repair_act, repair_plan, repaired, verified,
};
use crate::views::format;
use crate::widgets::{Confirm, Decision};

/// What a comparison was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Look,
    Repair,
}

/// What is asked of a person.
enum Question {
    Move {
        region: Region,
        manual: Manual,
        title: String,
        lines: Vec<String>,
        act: String,
    },
    Repair {
        lines: Vec<String>,
        act: String,
        nothing: Option<&'static str>,
    },
}

/// What is done by hand.
#[derive(Default)]
pub(super) struct Hand {
    question: Option<Question>,
    typed: String,
    moving: Pending<Result<(), Refusal>>,
    moved: Option<(Region, Manual, ActId)>,
    comparing: Pending<Result<Comparison, StoreError>>,
    compared: Option<(For, ActId)>,
    repairing: Pending<Result<RepairReport, StoreError>>,
    repair_act: Option<ActId>,
    ending: Pending<bool>,
    starting: Vec<(Pending<Result<FaultLease, FaultError>>, ActId)>,
    /// The last comparison, and when.
    pub(super) verified: Option<(DateTime<Utc>, Verified)>,
    /// What the last repair did, and when.
    pub(super) repaired: Option<(DateTime<Utc>, String)>,
}

impl Hand {
    /// Whether the replicas are being read.
    pub(super) fn is_comparing(&self) -> bool {
        self.comparing.waiting().is_some()
    }

    /// Whether a repair runs.
    pub(super) fn is_repairing(&self) -> bool {
        self.repairing.waiting().is_some()
    }

    /// Reads all replicas and compares.
    pub(super) fn verify(&mut self, cx: &mut Cx<'_>) {
        self.compare(For::Look, cx);
    }

    /// Plans a repair: reads first, then asks.
    pub(super) fn plan_repair(&mut self, cx: &mut Cx<'_>) {
        self.compare(For::Repair, cx);
    }

    fn compare(&mut self, what_for: For, cx: &mut Cx<'_>) {
        let what = match what_for {
            For::Look => "Verify",
            For::Repair => "Plan a repair",
        };
        let args = Some(vec!["verify".to_owned()]);
        let act = cx.runbook.begin(cx.snapshot.at, what, args);
        self.compared = Some((what_for, act));
        self.comparing = cx.link.ask(Command::Verify);
    }

    /// Starts faults without a drill.
    pub(super) fn start_faults(
        &mut self,
        faults: &[Fault],
        lasts: std::time::Duration,
        cx: &mut Cx<'_>,
    ) {
        for fault in faults {
            let what = format!("Fault: {fault}, for {} s", lasts.as_secs());
            let act = cx.runbook.begin(cx.snapshot.at, what, None);
            let fault = *fault;
            let asked = cx.link.ask(|reply| Command::StartFault {
                fault,
                lasts,
                by: "console".to_owned(),
                reply,
            });
            self.starting.push((asked, act));
        }
    }

    /// Ends one fault.
    pub(super) fn end_fault(&mut self, id: LeaseId, text: &str, cx: &mut Cx<'_>) {
        let act = cx
            .runbook
            .begin(cx.snapshot.at, format!("End fault {id}: {text}"), None);
        cx.runbook.end(act, Outcome::Done("ended".to_owned()));
        self.ending = cx.link.ask(|reply| Command::EndFault(id, reply));
    }

    /// Asks whether a region is to be moved.
    pub(super) fn ask_move(&mut self, region: Region, manual: Manual, cx: &Cx<'_>) {
        self.typed.clear();
        self.question = Some(move_question(region, manual, cx));
    }

    /// Takes what has come.
    pub(super) fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.refresh_moves(cx);
        self.refresh_compare(cx);
        self.refresh_repair(cx);
        self.ending.poll(cx.ctx);
        if self.ending.take() == Some(false) {
            cx.notices.done("That fault had ended already".to_owned());
        }
        self.starting.retain_mut(|(asked, act)| {
            asked.poll(cx.ctx);
            match asked.take() {
                None => asked.waiting().is_some(),
                Some(Ok(lease)) => {
                    cx.runbook.end(*act, Outcome::Done(lease.id.to_string()));
                    false
                }
                Some(Err(error)) => {
                    cx.runbook.end(*act, Outcome::Failed(error.to_string()));
                    let remedy = error.remedy().to_owned();
                    cx.notices.push(error.to_string(), Some(remedy));
                    false
                }
            }
        });
    }

    fn refresh_moves(&mut self, cx: &mut Cx<'_>) {
        self.moving.poll(cx.ctx);
        let Some(answer) = self.moving.take() else {
            return;
        };
        let Some((region, manual, act)) = self.moved.take() else {
            return;
        };
        match answer {
            Ok(()) => {
                let told = match manual {
                    Manual::FailOver(dc) => format!("{} is served by {dc}", region.name()),
                    Manual::FailBack => {
                        format!(
                            "{} goes home as soon as the replicas are equal",
                            region.name()
                        )
                    }
                    Manual::ForceFailBack => format!("{} is at home", region.name()),
                };
                cx.runbook.end(act, Outcome::Done(told.clone()));
                cx.notices.done(told);
            }
            Err(refusal) => {
                cx.runbook.end(act, Outcome::Failed(refusal.to_string()));
                if matches!(refusal, Refusal::NotEqual { .. }) && manual == Manual::FailBack {
                    self.typed.clear();
                    self.question = Some(force_question(region, refusal));
                } else {
                    let message = format!("{} was not moved: {refusal}", region.name());
                    cx.notices.push(message, Some(refusal.remedy().to_owned()));
                }
            }
        }
    }

    fn refresh_compare(&mut self, cx: &mut Cx<'_>) {
        self.comparing.poll(cx.ctx);
        let Some(answer) = self.comparing.take() else {
            return;
        };
        let Some((what_for, act)) = self.compared.take() else {
            return;
        };
        match answer {
            Ok(comparison) => {
                let view = verified(&comparison);
                cx.runbook.end(act, Outcome::Done(view.text.clone()));
                if what_for == For::Repair {
                    // A name that was typed for another act does not stand for this one.
                    self.typed.clear();
                    self.question = Some(Question::Repair {
                        lines: repair_plan(&comparison),
                        act: repair_act(&view),
                        nothing: nothing_to_repair(&comparison, cx.snapshot.store.as_ref()),
                    });
                }
                self.verified = Some((cx.snapshot.at, view));
            }
            Err(error) => {
                cx.runbook.end(act, Outcome::Failed(error.to_string()));
                let message = format!("the data centres cannot be compared: {error}");
                cx.notices.push(message, Some(error.remedy().to_owned()));
            }
        }
    }

    fn refresh_repair(&mut self, cx: &mut Cx<'_>) {
        self.repairing.poll(cx.ctx);
        let Some(answer) = self.repairing.take() else {
            return;
        };
        let outcome = match answer {
            Ok(report) => {
                let text = repaired(&report);
                cx.notices.done(format!("Repaired: {text}"));
                self.repaired = Some((cx.snapshot.at, text.clone()));
                // The proof, after the act: read again.
                self.compare(For::Look, cx);
                Outcome::Done(text)
            }
            Err(error) => {
                let message = format!("the repair did not finish: {error}");
                cx.notices.push(message, Some(error.remedy().to_owned()));
                Outcome::Failed(error.to_string())
            }
        };
        if let Some(act) = self.repair_act.take() {
            cx.runbook.end(act, outcome);
        }
    }

    /// Draws what is asked, over the page.
    pub(super) fn question_ui(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let Some(question) = &self.question else {
            return;
        };
        let forced = |manual: &Manual| *manual == Manual::ForceFailBack;
        let (title, lines, act, name, blocked) = match question {
            Question::Move {
                region,
                manual,
                title,
                lines,
                act,
            } => {
                let name = forced(manual).then_some(region.name());
                (title.as_str(), lines, act.as_str(), name, None)
            }
            Question::Repair {
                lines,
                act,
                nothing,
            } => {
                let title = "Repair the data centres?";
                (title, lines, act.as_str(), None, *nothing)
            }
        };
        let confirm = Confirm {
            title,
            lines,
            act,
            name,
            blocked,
        };
        match confirm.show(ui.ctx(), &mut self.typed) {
            Decision::Open => {}
            Decision::Cancel => self.question = None,
            Decision::Act => {
                if let Some(question) = self.question.take() {
                    self.carry_out(&question, cx);
                }
            }
        }
    }

    fn carry_out(&mut self, question: &Question, cx: &mut Cx<'_>) {
        match question {
            Question::Move { region, manual, .. } => {
                let (region, manual) = (*region, *manual);
                let what = match manual {
                    Manual::FailOver(dc) => format!("Fail {} over to {dc}", region.name()),
                    Manual::FailBack => format!("Fail {} back", region.name()),
                    Manual::ForceFailBack => format!("Force {} home", region.name()),
                };
                let act = cx.runbook.begin(cx.snapshot.at, what, None);
                self.moved = Some((region, manual, act));
                self.moving = cx.link.ask(|reply| Command::Move {
                    region,
                    manual,
                    reply,
                });
            }
            Question::Repair { .. } => {
                let args = Some(vec!["repair".to_owned()]);
                self.repair_act = Some(cx.runbook.begin(cx.snapshot.at, "Repair", args));
                self.repairing = cx.link.ask(Command::Repair);
            }
        }
    }
}

fn move_question(region: Region, manual: Manual, cx: &Cx<'_>) -> Question {
    let snapshot = cx.snapshot;
    let view = &snapshot.regions[region];
    let rate = view
        .written_per_sec
        .map_or_else(|| "Unknown".to_owned(), |rate| format::rate(rate, "rows"));
    let lag = view
        .lag
        .known()
        .map_or_else(|| "Unknown".to_owned(), format::count);
    let name = region.name();
    let p99 = |dc: Dc| {
        let reading = snapshot
            .store
            .as_ref()
            .map(|store| &store.dcs[dc].write_p99_us);
        reading.and_then(|reading| reading.known()).map_or_else(
            || format!("{dc}: p99 write Unknown"),
            |micros| {
                let time = std::time::Duration::from_micros(*micros);
                format!("{dc}: p99 write {}", format::millis(time))
            },
        )
    };
    match manual {
        Manual::FailOver(dc) => Question::Move {
            region,
            manual,
            title: format!("Serve {name} from {dc}?"),
            lines: vec![
                format!("{name} now: {rate}, {lag} lines wait, served by {}.", view.serving),
                format!("{}. {}.", p99(view.serving), p99(dc)),
                "It stays there until it is sent home. Writes still wait for 2 of 3 data centres: no line is lost.".to_owned(),
                format!("Undo: fail {name} back."),
            ],
            act: format!("Fail over to {dc}"),
        },
        Manual::FailBack | Manual::ForceFailBack => {
            let home = region.home();
            let hints = snapshot
                .store
                .as_ref()
                .and_then(|store| store.dcs[home].hints.known())
                .map_or_else(|| "Unknown".to_owned(), |hints| format::count(*hints));
            Question::Move {
                region,
                manual: Manual::FailBack,
                title: format!("Send {name} home to {home}?"),
                lines: vec![
                    format!("{name} now: {rate}, {lag} lines wait, served by {}.", view.serving),
                    format!("{hints} hints wait for {home}. {}.", p99(home)),
                    "It goes as soon as the replicas are equal, without the hold-down; it is refused while they are known to differ.".to_owned(),
                    format!("Undo: fail {name} over again."),
                ],
                act: format!("Fail back to {home}"),
            }
        }
    }
}

fn force_question(region: Region, refusal: Refusal) -> Question {
    Question::Move {
        region,
        manual: Manual::ForceFailBack,
        title: format!("Send {} home although it is not equal?", region.name()),
        lines: vec![
            format!("Refused: {refusal}. {}.", refusal.remedy()),
            "Forced, readers there may miss lines until hints or a repair make it whole. Lines that were read wrong meanwhile cannot be taken back.".to_owned(),
        ],
        act: format!("Force {} home", region.name()),
    }
}

#[cfg(test)]
mod tests {
    use retail_engine::model::{PerDc, Reading};

    use super::*;
    use crate::app::tests::with_cx;

    #[test]
    fn a_name_that_was_typed_does_not_stand_for_the_next_repair() {
        with_cx(|cx| {
            let mut hand = Hand {
                typed: "Europe".to_owned(),
                ..Hand::default()
            };
            hand.plan_repair(cx);
            let unknown = || Reading::Unknown("not read".into());
            hand.comparing = Pending::Ready(Ok(Comparison {
                stored: PerDc::from_fn(|_| unknown()),
                amounts: PerDc::from_fn(|_| Reading::Unknown("not read".into())),
                buckets: 0,
                unequal: Vec::new(),
                drift: Vec::new(),
            }));
            hand.refresh(cx);
            let is_blocked = matches!(
                hand.question,
                Some(Question::Repair {
                    nothing: Some(_),
                    ..
                })
            );
            assert!(is_blocked && hand.typed.is_empty(), "{}", hand.typed);
        });
    }
}
