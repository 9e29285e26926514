//! What a person did, each act as the command line that does the same, with its result: to be read
//! back, and to be run again as a script.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Utc};

/// Acts that are remembered.
const ACTS_MAX: usize = 2_000;

/// Why some acts have no command.
const NO_COMMAND: &str = "it shows something, or holds while the console runs";

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Still under way.
    Running,
    /// Done, in words.
    Done(String),
    /// Failed, in words.
    Failed(String),
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When it was begun.
    pub at: DateTime<Utc>,
    /// In words.
    pub what: String,
    /// The arguments of `retail-engine` that do the same; `None` where the program has no verb
    /// for it.
    pub args: Option<Vec<String>>,
    /// The profile that all later acts are done by, where this act chose one.
    pub profile: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Names an act of a [`Runbook`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActId(usize);

/// All acts since the program was started, oldest first.
#[derive(Debug, Default)]
pub struct Runbook {
    acts: Vec<Act>,
    /// The profile that the program was started with.
    profile: Option<String>,
}

impl Runbook {
    /// An empty one, of a program that was started with a profile.
    pub fn of_profile(profile: Option<String>) -> Self {
        Self {
            profile,
            ..Self::default()
        }
    }

    /// Writes down that another profile is used from now on.
    pub fn switch(&mut self, at: DateTime<Utc>, profile: &str) -> ActId {
        let act = self.begin(at, format!("Use the profile {profile}"), None);
        if let Some(act) = self.acts.get_mut(act.0) {
            act.profile = Some(profile.to_owned());
        }
        act
    }

    /// Writes an act down; `at` is the time of the newest snapshot.
    pub fn begin(
        &mut self,
        at: DateTime<Utc>,
        what: impl Into<String>,
        args: Option<Vec<String>>,
    ) -> ActId {
        if self.acts.len() < ACTS_MAX {
            self.acts.push(Act {
                at,
                what: what.into(),
                args,
                profile: None,
                outcome: Outcome::Running,
            });
        }
        ActId(self.acts.len().saturating_sub(1))
    }

    /// Writes down what became of it.
    pub fn end(&mut self, id: ActId, outcome: Outcome) {
        if let Some(act) = self.acts.get_mut(id.0) {
            act.outcome = outcome;
        }
    }

    /// Puts the place of a file that was chosen into the command, instead of the name that was
    /// proposed.
    pub fn put_file(&mut self, id: ActId, name: &str, path: &Path) {
        let args = self.acts.get_mut(id.0).and_then(|act| act.args.as_mut());
        for arg in args.into_iter().flatten().filter(|arg| *arg == name) {
            *arg = path.display().to_string();
        }
    }

    /// All acts, oldest first.
    pub fn acts(&self) -> &[Act] {
        &self.acts
    }

    /// The command line of an act, where there is one.
    pub fn command(act: &Act) -> Option<String> {
        let args = act.args.as_ref()?;
        let args: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
        Some(format!("retail-engine {}", args.join(" ")))
    }

    /// All acts as a shell script over one data directory.
    pub fn script(&self, data_dir: &str) -> String {
        let mut text =
            String::from("#!/bin/sh\n# What was done in the console, as commands.\nset -e\n");
        let _infallible = writeln!(text, "export RETAIL_DATA_DIR={}", quoted(data_dir));
        if let Some(profile) = &self.profile {
            let _infallible = writeln!(text, "{}", by_profile(profile));
        }
        for act in &self.acts {
            let at = act.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            let outcome = match &act.outcome {
                Outcome::Running => "not ended yet".to_owned(),
                Outcome::Done(how) => how.clone(),
                Outcome::Failed(why) => format!("FAILED: {why}"),
            };
            let _infallible = writeln!(
                text,
                "\n# {at} {}: {}",
                one_line(&act.what),
                one_line(&outcome)
            );
            if let Some(profile) = &act.profile {
                let _infallible = writeln!(text, "{}", by_profile(profile));
            }
            let _infallible = match (Self::command(act), &act.outcome) {
                // It changed nothing, and would end the script.
                (Some(command), Outcome::Failed(_)) => writeln!(text, "# {}", one_line(&command)),
                (Some(command), _) => writeln!(text, "{command}"),
                (None, _) if act.profile.is_some() => Ok(()),
                (None, _) => writeln!(text, "# No command does this: {NO_COMMAND}."),
            };
        }
        text
    }
}

/// What makes the commands that follow work by a profile.
fn by_profile(profile: &str) -> String {
    format!("export RETAIL_PROFILE={}", quoted(profile))
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// As one word of a shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_each_act_as_one_command_with_its_result() {
        let mut book = Runbook::default();
        let at = DateTime::UNIX_EPOCH;
        let load = book.begin(
            at,
            "Load it's.csv",
            Some(vec!["load".into(), "it's.csv".into()]),
        );
        book.end(load, Outcome::Done("10 lines\nnew".into()));
        book.begin(at, "End all faults", None);
        let script = book.script("/data dir");
        assert!(
            script.contains("export RETAIL_DATA_DIR='/data dir'\n"),
            "{script}"
        );
        assert!(
            script.contains("\nretail-engine load 'it'\\''s.csv'\n"),
            "{script}"
        );
        assert!(script.contains("Load it's.csv: 10 lines new\n"), "{script}");
        assert!(
            script.contains("End all faults: not ended yet\n# No command does this: "),
            "{script}"
        );
    }

    #[test]
    fn what_failed_is_told_and_does_not_end_the_script() {
        let mut book = Runbook::default();
        let args = vec!["load".into(), "gone.csv".into()];
        let load = book.begin(DateTime::UNIX_EPOCH, "Load gone.csv", Some(args));
        book.end(load, Outcome::Failed("it is not there".into()));
        let script = book.script("d");
        assert!(script.contains("FAILED: it is not there\n# retail-engine load gone.csv\n"));
    }

    #[test]
    fn a_script_works_by_the_profile_that_each_act_was_done_by() {
        let mut book = Runbook::of_profile(Some("lab".to_owned()));
        let at = DateTime::UNIX_EPOCH;
        book.begin(at, "Verify", Some(vec!["verify".into()]));
        book.switch(at, "my profile");
        book.begin(at, "Verify", Some(vec!["verify".into()]));
        let script = book.script("d");
        let commands: Vec<_> = script
            .lines()
            .filter(|line| line.starts_with("export RETAIL_P") || line.starts_with("retail-"))
            .collect();
        assert_eq!(
            commands,
            [
                "export RETAIL_PROFILE=lab",
                "retail-engine verify",
                "export RETAIL_PROFILE='my profile'",
                "retail-engine verify"
            ]
        );
    }
}
