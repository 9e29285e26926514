//! A drill before it begins: what fails, for how long, under which load, and what that is expected
//! to do.

use std::path::PathBuf;
use std::time::Duration;

use retail_engine::failover::drill::{Scenario, scenarios};
use retail_engine::failover::predict::{Access, Fate, Flow, Prediction};
use retail_engine::flow::DrillRequest;
use retail_engine::model::{ConsistencyLevel, Dc, Region};
use retail_engine::ports::Fault;

use crate::views::format;
use crate::widgets::Status;

/// Longest drill that can be asked for, seconds: an hour.
const LASTS_MAX: u64 = 3_600;
/// A delay above the request time-out, milliseconds.
pub const SLOW_MS: u64 = 1_500;

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A data centre refuses.
    Down,
    /// A data centre does not answer.
    Paused,
    /// A data centre answers late.
    Slow,
    /// Two data centres do not reach each other.
    Link,
    /// A disk takes no more.
    Disk,
    /// The log refuses.
    Log,
}

impl Kind {
    /// All, in the order of the choice.
    pub const ALL: [Self; 6] = [
        Self::Down,
        Self::Paused,
        Self::Slow,
        Self::Link,
        Self::Disk,
        Self::Log,
    ];

    /// On screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "Down",
            Self::Paused => "Paused",
            Self::Slow => "Slow",
            Self::Link => "Link cut",
            Self::Disk => "Disk full",
            Self::Log => "Log down",
        }
    }

    /// The fault of this kind at a data centre; a link is cut to `other`.
    pub const fn fault(self, dc: Dc, other: Dc) -> Fault {
        match self {
            Self::Down => Fault::DcDown { dc },
            Self::Paused => Fault::DcPaused { dc },
            Self::Slow => Fault::DcSlow {
                dc,
                delay_ms: SLOW_MS,
            },
            Self::Link => Fault::LinkCut { a: dc, b: other },
            Self::Disk => Fault::DiskFull { dc },
            Self::Log => Fault::LogDown,
        }
    }
}

/// What flows while the fault lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stream {
    /// Sample rows, on an empty data directory.
    Sample,
    /// Probes only.
    Probes,
    /// A file.
    File(PathBuf),
}

/// A drill as it is being put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The scenario it began with.
    pub scenario: Scenario,
    /// What fails.
    pub faults: Vec<Fault>,
    /// For how many seconds, as typed.
    pub lasts: String,
    /// Lines per second, as typed.
    pub rate: String,
    /// What flows meanwhile.
    pub stream: Stream,
}

impl Draft {
    /// From a scenario.
    pub fn of(scenario: Scenario, stream: Stream) -> Self {
        Self {
            faults: scenario.faults.clone(),
            lasts: scenario.lasts.as_secs().to_string(),
            rate: "800".to_owned(),
            scenario,
            stream,
        }
    }

    /// Whether the faults are still those of the scenario.
    pub fn is_scenario(&self) -> bool {
        self.faults == self.scenario.faults
    }

    /// Its title.
    pub fn title(&self) -> String {
        if self.is_scenario() {
            self.scenario.title.to_owned()
        } else {
            let faults: Vec<String> = self.faults.iter().map(Fault::to_string).collect();
            faults.join(", ")
        }
    }

    /// How long the faults last.
    pub fn duration(&self) -> Result<Duration, String> {
        match self.lasts.trim().parse::<u64>() {
            Ok(seconds @ 1..=LASTS_MAX) => Ok(Duration::from_secs(seconds)),
            Ok(_) | Err(_) => Err(format!("the duration is 1 to {LASTS_MAX} whole seconds")),
        }
    }

    /// How long the faults last where nothing but them is started; an error says what is missing.
    pub fn faults_alone(&self) -> Result<Duration, String> {
        if self.faults.is_empty() {
            return Err("choose what fails".to_owned());
        }
        self.duration()
    }

    /// Lines per second.
    pub fn rate(&self) -> Result<u64, String> {
        match self.rate.trim().parse::<u64>() {
            Ok(rate @ 1..) => Ok(rate),
            Ok(_) | Err(_) => Err("the rate is a whole number of lines, 1 or more".to_owned()),
        }
    }

    /// What is asked of the engine; an error says what is missing.
    pub fn request(&self) -> Result<DrillRequest, String> {
        let lasts = self.faults_alone()?;
        let custom = !self.is_scenario();
        Ok(DrillRequest {
            scenario: self.scenario.name.to_owned(),
            faults: if custom {
                self.faults.clone()
            } else {
                Vec::new()
            },
            rate: Some(self.rate()?),
            duration: Some(lasts),
            file: match &self.stream {
                Stream::File(file) => Some(file.clone()),
                Stream::Sample | Stream::Probes => None,
            },
        })
    }

    /// The arguments of `retail-engine` that do the same; `None` where it has none for it.
    pub fn args(&self) -> Option<Vec<String>> {
        let request = self.request().ok()?;
        if !request.faults.is_empty() || request.file.is_some() {
            return None;
        }
        let lasts = self.duration().ok()?.as_secs();
        Some(
            [
                "drill",
                "--scenario",
                self.scenario.name,
                "--duration",
                &lasts.to_string(),
                "--rate",
                &self.rate().ok()?.to_string(),
            ]
            .map(str::to_owned)
            .to_vec(),
        )
    }

    /// What a person confirms.
    pub fn lines(&self, prediction: Option<&Prediction>) -> Vec<String> {
        let mut lines = self.first_lines(prediction);
        lines.push(match &self.stream {
            Stream::Sample => format!("The sample flows at {} lines/s meanwhile.", self.rate),
            Stream::Probes => "Only probes flow meanwhile; no row is added.".to_owned(),
            Stream::File(file) => format!(
                "{} flows at {} lines/s meanwhile; rows that are stored already count once.",
                file.file_name().map_or_else(
                    || file.display().to_string(),
                    |name| name.to_string_lossy().into_owned()
                ),
                self.rate
            ),
        });
        lines.push("End all faults ends it at any time; nothing is deleted.".to_owned());
        lines
    }

    /// What a person confirms where nothing but the faults is started.
    pub fn fault_lines(&self, prediction: Option<&Prediction>) -> Vec<String> {
        let mut lines = self.first_lines(prediction);
        lines.push("Nothing flows for it and nothing is measured.".to_owned());
        lines.push("End all faults ends them at any time; nothing is deleted.".to_owned());
        lines
    }

    /// What fails, for how long, and what that does.
    fn first_lines(&self, prediction: Option<&Prediction>) -> Vec<String> {
        let lasts = self.duration().map_or_else(
            |why| why,
            |time| format!("for {} s, then it ends by itself", time.as_secs()),
        );
        let faults: Vec<String> = self.faults.iter().map(Fault::to_string).collect();
        let mut lines = vec![format!("{}, {lasts}.", faults.join(", "))];
        lines.extend(prediction.map(effect));
        lines
    }
}

/// The scenarios, each with its row in the library.
pub fn library() -> Vec<Scenario> {
    scenarios()
}

/// What faults will do, in one sentence.
pub fn effect(prediction: &Prediction) -> String {
    let moves = moves(prediction);
    let failing = prediction
        .cells
        .iter()
        .filter(|cell| cell.fate == Fate::Fails)
        .count();
    let all = prediction.cells.len();
    let moves = if moves.is_empty() {
        "No region moves".to_owned()
    } else {
        moves.join("; ")
    };
    let flow = match prediction.flow {
        Flow::GoesOn => "",
        Flow::Waits => "; reading a file waits",
    };
    format!("{moves}; {failing} of {all} kinds of requests fail until it ends{flow}.")
}

/// Which regions move, where, and how soon that is noticed.
pub fn moves(prediction: &Prediction) -> Vec<String> {
    prediction
        .routes
        .iter()
        .filter_map(|route| {
            let to = route.taken_over_by?;
            let within = route
                .detect_within_ms
                .map(|ms| format!(" within {}", format::duration(Duration::from_millis(ms))))
                .unwrap_or_default();
            Some(format!(
                "{} moves to {}{within}",
                route.region.name(),
                to.name()
            ))
        })
        .collect()
}

/// A fate, as a word.
pub const fn fate(fate: Fate) -> (Status, &'static str) {
    match fate {
        Fate::Works => (Status::Ok, "works"),
        Fate::WorksAfterFailover => (Status::Warn, "after failover"),
        Fate::Fails => (Status::Critical, "fails"),
    }
}

/// Columns of the grid: the levels.
pub const LEVELS: [ConsistencyLevel; 5] = ConsistencyLevel::ALL;

/// Rows of the grid: writes of each region, then reads of each.
pub fn grid_rows() -> impl Iterator<Item = (Region, Access)> {
    Access::ALL
        .into_iter()
        .flat_map(|access| Region::ALL.map(|region| (region, access)))
}

/// Name of an access.
pub const fn access(access: Access) -> &'static str {
    match access {
        Access::Write => "writes",
        Access::Read => "reads",
    }
}

#[cfg(test)]
mod tests {
    use retail_engine::failover::Policy;
    use retail_engine::failover::predict::{Timings, predict};

    use super::*;

    fn draft(name: &str) -> Draft {
        let scenario = retail_engine::failover::drill::scenario(name).unwrap();
        Draft::of(scenario, Stream::Sample)
    }

    #[test]
    fn a_scenario_is_a_command_and_chosen_faults_are_not() {
        let mut draft = draft("europe-down");
        draft.lasts = "4".into();
        let args = draft.args().unwrap();
        assert_eq!(
            args.join(" "),
            "drill --scenario europe-down --duration 4 --rate 800"
        );
        draft.faults.push(Fault::LogDown);
        assert!(!draft.is_scenario());
        assert_eq!(draft.args(), None);
        assert_eq!(draft.request().unwrap().faults.len(), 2);
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut draft = draft("europe-down");
        for (lasts, rate) in [("0", "800"), ("x", "800"), ("4", "0"), ("9999999", "1")] {
            draft.lasts = lasts.into();
            draft.rate = rate.into();
            assert!(draft.request().is_err(), "{lasts} {rate}");
            // Faults alone need no rate.
            assert_eq!(draft.faults_alone().is_ok(), lasts == "4", "{lasts} {rate}");
        }
        draft.lasts = "4".into();
        draft.rate = "1".into();
        assert!(draft.request().is_ok());
        draft.faults.clear();
        assert!(draft.request().is_err());
        assert!(draft.faults_alone().is_err());
    }

    #[test]
    fn the_effect_names_who_moves() {
        let of = |name| {
            let draft = draft(name);
            predict(&draft.faults, Timings::default(), &Policy::default())
        };
        let down = effect(&of("europe-down"));
        assert!(
            down.contains("Europe moves to Americas_DC within"),
            "{down}"
        );
        assert!(down.contains("of 30"), "{down}");
        let cut = effect(&of("link-cut"));
        assert!(cut.contains("No region moves"), "{cut}");
        assert!(effect(&of("log-down")).contains("reading a file waits"));
    }
}
