//! `setup --check`: tests the connection of live mode step by step, and makes nothing.

use crate::config::Mode;
use crate::connect::{self, Step, StepResult};
use serde_json::{Value, json};

use crate::cli::args::GlobalArgs;
use crate::cli::exit::Exit;
use crate::cli::output::{Align, Output, Table, add};
use crate::cli::session;

/// Runs the test and prints what became of each step.
pub(crate) fn run(global: &GlobalArgs, output: &Output) -> anyhow::Result<Exit> {
    let settings = session::settings(global, Vec::new())?;
    let mut told = Vec::new();
    if settings.mode == Mode::Live {
        connect::test(&settings.live, &mut |step, result| {
            told.push((step, result));
        });
    }
    let failed = told
        .iter()
        .any(|(_, result)| matches!(result, StepResult::Failed { .. }));
    let value = json!({
        "mode": settings.mode,
        "passed": !failed,
        "steps": told.iter().map(value).collect::<Vec<_>>(),
    });
    output.result(&value, || match settings.mode {
        Mode::Embedded => {
            "Embedded mode connects to nothing: there is nothing to test.\n".to_owned()
        }
        Mode::Live => text(&told),
    })?;
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn value((step, result): &(Step, StepResult)) -> Value {
    let name = step.name();
    match result {
        StepResult::Passed { found, took } => json!({
            "step": name,
            "result": "passed",
            "found": found,
            "seconds": took.as_secs_f64(),
        }),
        StepResult::Failed {
            what,
            cause,
            remedy,
            took,
        } => json!({
            "step": name,
            "result": "failed",
            "what": what,
            "cause": cause,
            "remedy": remedy,
            "seconds": took.as_secs_f64(),
        }),
        StepResult::NotRun => json!({ "step": name, "result": "not_run" }),
        StepResult::NotTested(why) => {
            json!({ "step": name, "result": "not_tested", "why": why })
        }
    }
}

fn text(told: &[(Step, StepResult)]) -> String {
    let mut table = Table::new(&[
        ("STEP", Align::Left),
        ("RESULT", Align::Left),
        ("FOUND", Align::Left),
    ]);
    let mut advice = String::new();
    for (step, result) in told {
        let (word, found) = match result {
            StepResult::Passed { found, .. } => ("passed", found.as_str()),
            StepResult::Failed {
                what,
                cause,
                remedy,
                ..
            } => {
                add(
                    &mut advice,
                    format_args!("\nLikely cause: {cause}\n  help: {remedy}\n"),
                );
                ("failed", what.as_str())
            }
            StepResult::NotRun => ("not run", ""),
            StepResult::NotTested(why) => ("not tested", *why),
        };
        table.row([step.name().to_owned(), word.to_owned(), found.to_owned()]);
    }
    table.text() + &advice
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_is_told_with_its_cause_and_its_remedy_and_the_rest_is_not_run() {
        let took = Duration::from_millis(250);
        let failed = StepResult::Failed {
            what: "Kafka refuses the login".to_owned(),
            cause: "another password".to_owned(),
            remedy: "check it".to_owned(),
            took,
        };
        let found = "1 brokers, 3 nodes".to_owned();
        let told = [
            (Step::Settings, StepResult::Passed { found, took }),
            (Step::KafkaLogin, failed),
            (Step::RoundTrip, StepResult::NotRun),
        ];
        insta::assert_snapshot!(text(&told), @r"
        STEP               RESULT   FOUND
        Settings complete  passed   1 brokers, 3 nodes
        Kafka login        failed   Kafka refuses the login
        Round trip         not run

        Likely cause: another password
          help: check it
        ");
        let value = value(&told[1]);
        assert_eq!(value["step"], "Kafka login");
        assert_eq!(value["result"], "failed");
        assert_eq!(value["seconds"], 0.25);
    }
}
