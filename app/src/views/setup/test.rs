//! A connection test, as words.

use retail_engine::connect::{Step, StepResult};

use crate::views::format;
use crate::widgets::Status;

/// A step of the test on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Its number, from 1.
    pub number: usize,
    /// Its name.
    pub name: &'static str,
    /// How it stands.
    pub status: Status,
    /// What was found, or why there is nothing.
    pub found: String,
    /// How long it took.
    pub took: String,
}

/// What the first failure says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Number of the step.
    pub number: usize,
    /// Object and what happened to it.
    pub what: String,
    /// Likely cause and remedy.
    pub advice: String,
}

/// All ten steps; those that have not come yet wait.
pub fn rows(told: &[(Step, StepResult)]) -> Vec<StepRow> {
    let row = |(place, step): (usize, Step)| {
        let result = told.iter().find(|(of, _)| *of == step).map(|(_, r)| r);
        let (status, found, took) = match result {
            None => (Status::Stale, "waiting".to_owned(), String::new()),
            Some(StepResult::Passed { found, took }) => {
                (Status::Ok, found.clone(), format::millis(*took))
            }
            Some(StepResult::Failed { took, .. }) => {
                (Status::Critical, "failed".to_owned(), format::millis(*took))
            }
            Some(StepResult::NotRun) => (Status::Stale, "not run".to_owned(), String::new()),
            Some(StepResult::NotTested(_)) => {
                (Status::Unknown, "not tested".to_owned(), String::new())
            }
        };
        StepRow {
            number: place + 1,
            name: step.name(),
            status,
            found,
            took,
        }
    };
    Step::ALL.into_iter().enumerate().map(row).collect()
}

/// The first failure.
pub fn failure(told: &[(Step, StepResult)]) -> Option<Failure> {
    told.iter()
        .enumerate()
        .find_map(|(place, (_, result))| match result {
            StepResult::Failed {
                what,
                cause,
                remedy,
                ..
            } => Some(Failure {
                number: place + 1,
                what: what.clone(),
                advice: format!("Likely cause: {cause}. What to do: {remedy}."),
            }),
            StepResult::Passed { .. } | StepResult::NotRun | StepResult::NotTested(_) => None,
        })
}

/// The test in one badge.
pub fn verdict(told: &[(Step, StepResult)]) -> (Status, String) {
    let all = Step::ALL.len();
    let passed = told
        .iter()
        .filter(|(_, result)| matches!(result, StepResult::Passed { .. }))
        .count();
    match (failure(told), told.len() == all) {
        (Some(failure), _) => (
            Status::Critical,
            format!("Failed at step {} of {all}", failure.number),
        ),
        (None, false) => (Status::Stale, format!("{passed} of {all} passed")),
        (None, true) if passed == all => (Status::Ok, format!("{passed} of {all} passed")),
        (None, true) => (
            Status::Unknown,
            format!("{passed} of {all} passed, {} not tested", all - passed),
        ),
    }
}

/// Why a step was not tested.
pub fn not_tested(told: &[(Step, StepResult)]) -> Option<String> {
    told.iter().find_map(|(_, result)| match result {
        StepResult::NotTested(why) => Some(format!("Not tested: {why}.")),
        StepResult::Passed { .. } | StepResult::Failed { .. } | StepResult::NotRun => None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_is_named_with_its_number_and_the_rest_waits() {
        let took = Duration::from_millis(3);
        let passed = StepResult::Passed {
            found: "2 of 2".into(),
            took,
        };
        let failed = StepResult::Failed {
            what: "it refuses".into(),
            cause: "not started".into(),
            remedy: "start it".into(),
            took,
        };
        let told = [(Step::Settings, passed), (Step::Names, failed)];
        assert_eq!(verdict(&told).1, "Failed at step 2 of 10");
        assert_eq!(failure(&told).unwrap().what, "it refuses");
        let rows = rows(&told);
        assert_eq!(rows.len(), 10);
        assert_eq!(rows[0].found, "2 of 2");
        assert_eq!(rows[2].found, "waiting");
        assert_eq!(verdict(&told[..1]).1, "1 of 10 passed");
        assert_eq!(not_tested(&told), None);
        let all = Step::ALL.map(|step| (step, told[0].1.clone()));
        assert_eq!(verdict(&all), (Status::Ok, "10 of 10 passed".to_owned()));
        let mut all = all.to_vec();
        all[9].1 = StepResult::NotTested("there is nothing");
        assert_eq!(verdict(&all).1, "9 of 10 passed, 1 not tested");
    }
}
