//! What is there against what is needed, object by object.

use std::time::Duration;

use retail_engine::config::{Mode, Settings};
use retail_engine::handle::Snapshot;
use retail_engine::model::{Dc, Reading, Topic};

use crate::views::format;
use crate::views::overview::dc_state;
use crate::widgets::Status;

/// The tables that the engine derives for other programs.
pub const DERIVED: [&str; 3] = ["customer_analytics", "product_analytics", "country_metrics"];

/// What was asked of the engine for the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Rows of each derived table, in the order of [`DERIVED`], or why they are not known.
    pub derived: [Result<u64, String>; 3],
    /// Cancelled lines, in the table of returns.
    pub returns: Result<u64, String>,
    /// Rows in the table of rows that were set aside.
    pub set_aside: Result<u64, String>,
}

/// What applying the plan does to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanStep {
    /// Nothing: it is as needed.
    Unchanged,
    /// It is made.
    Create,
    /// Nothing: a person must decide.
    Decide,
    /// Nothing: it is not known what is there.
    Unknown,
}

impl PlanStep {
    /// Status and word.
    pub const fn words(self) -> (Status, &'static str) {
        match self {
            Self::Unchanged => (Status::Ok, "unchanged"),
            Self::Create => (Status::Neutral, "create"),
            Self::Decide => (Status::Warn, "decide"),
            Self::Unknown => (Status::Unknown, "unknown"),
        }
    }
}

/// One object of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// Kind and name.
    pub object: String,
    /// What is there.
    pub there: Reading<String>,
    /// What is needed.
    pub needed: String,
    /// What happens to it.
    pub step: PlanStep,
}

/// The plan; without `counted`, the tables are not known yet.
pub fn rows(snapshot: &Snapshot, settings: &Settings, counted: Option<&Counted>) -> Vec<PlanRow> {
    let mut rows: Vec<PlanRow> = Topic::ALL
        .into_iter()
        .map(|topic| topic_row(snapshot, settings, topic))
        .collect();
    rows.extend(Topic::ALL.map(|topic| group_row(snapshot, settings, topic)));
    rows.extend(Dc::ALL.map(|dc| replica_row(snapshot, dc)));
    rows.push(transactions_row(snapshot));
    for (name, count, needed) in [
        (
            "returns",
            counted.map(|counted| &counted.returns),
            "cancelled lines, as sales are kept",
        ),
        (
            "quarantine",
            counted.map(|counted| &counted.set_aside),
            "rows set aside, by load and row",
        ),
    ] {
        rows.push(match count {
            Some(Ok(count)) => table_row(name, *count, needed),
            Some(Err(why)) => unknown_row(name, why),
            None => unknown_row(name, "it is being counted"),
        });
    }
    for (place, name) in DERIVED.into_iter().enumerate() {
        let rows_there = counted.and_then(|counted| counted.derived.get(place));
        rows.push(match rows_there {
            Some(Ok(0)) if snapshot.lines > 0 => PlanRow {
                step: PlanStep::Create,
                ..table_row(name, 0, "written from the figures")
            },
            Some(Ok(count)) => table_row(name, *count, "written from the figures"),
            Some(Err(why)) => unknown_row(name, why),
            None => unknown_row(name, "it is being counted"),
        });
    }
    rows
}

/// What is put before the names of topics and groups on a cluster that is shared.
fn prefix(settings: &Settings) -> &str {
    match settings.mode {
        Mode::Embedded => "",
        Mode::Live => &settings.live.kafka_topic_prefix,
    }
}

fn topic_row(snapshot: &Snapshot, settings: &Settings, topic: Topic) -> PlanRow {
    let there = snapshot
        .partitions
        .iter()
        .filter(|view| view.partition.topic == topic)
        .count();
    // Rows that were set aside need no order among them: one partition is enough.
    let needed = match topic {
        Topic::Lines(_) => usize::from(settings.log.partitions),
        Topic::Quarantine => 1,
    };
    let step = match there {
        0 => PlanStep::Unknown,
        _ if there == needed => PlanStep::Unchanged,
        _ => PlanStep::Decide,
    };
    PlanRow {
        object: format!("Topic {}{topic}", prefix(settings)),
        there: if there == 0 {
            Reading::Unknown("the log has not been sampled yet".into())
        } else {
            Reading::Known(partitions(there))
        },
        needed: match step {
            PlanStep::Decide => format!(
                "{}, and they are fixed once made: load into a new data directory, or keep {there}",
                partitions(needed)
            ),
            _ => partitions(needed),
        },
        step,
    }
}

fn partitions(count: usize) -> String {
    match count {
        1 => "1 partition".to_owned(),
        many => format!("{many} partitions"),
    }
}

fn group_row(snapshot: &Snapshot, settings: &Settings, topic: Topic) -> PlanRow {
    let of_topic: Vec<_> = snapshot
        .partitions
        .iter()
        .filter(|view| view.partition.topic == topic)
        .collect();
    let answered = of_topic.iter().filter(|view| view.begin.is_some()).count();
    let committed = of_topic
        .iter()
        .filter(|view| view.committed.is_some())
        .count();
    let known = answered == of_topic.len() && answered > 0;
    PlanRow {
        object: format!("Consumer group {}{}", prefix(settings), topic.group()),
        there: if known {
            Reading::Known(match committed {
                0 => "has committed nothing yet".to_owned(),
                _ => format!("committed in {committed} of {}", partitions(of_topic.len())),
            })
        } else {
            Reading::Unknown("the log does not answer".into())
        },
        needed: "made by its first commit".to_owned(),
        step: if known {
            PlanStep::Unchanged
        } else {
            PlanStep::Unknown
        },
    }
}

fn replica_row(snapshot: &Snapshot, dc: Dc) -> PlanRow {
    let (status, word) = dc_state(snapshot.dcs[dc].verdict);
    let disk = snapshot
        .store
        .as_ref()
        .and_then(|store| store.dcs[dc].disk_bytes.known().copied());
    let there = match (status, disk) {
        (Status::Unknown, _) => Reading::Unknown(format!("its state is {}", word.to_lowercase())),
        (_, Some(bytes)) => Reading::Known(format!("{word}, {}", format::bytes(bytes))),
        (_, None) => Reading::Known(word.to_owned()),
    };
    PlanRow {
        object: format!("Data centre {}", dc.name()),
        step: match there {
            Reading::Unknown(_) => PlanStep::Unknown,
            Reading::Known(_) | Reading::Stale { .. } if status == Status::Critical => {
                PlanStep::Unknown
            }
            Reading::Known(_) | Reading::Stale { .. } => PlanStep::Unchanged,
        },
        there,
        needed: "one whole replica".to_owned(),
    }
}

/// Sales in each data centre.
fn transactions_row(snapshot: &Snapshot) -> PlanRow {
    // Real servers are counted by comparing them, so that the newest counts may be old.
    let newest: Vec<(u64, Duration)> = snapshot.store.as_ref().map_or_else(Vec::new, |store| {
        let rows = store.dcs.iter().filter_map(|(_, dc)| dc.rows.newest());
        rows.map(|(rows, age)| (rows.lines, age)).collect()
    });
    let lines = newest.iter().map(|(lines, _)| *lines);
    let oldest = newest.iter().map(|(_, age)| *age).max();
    let needed = "the same lines in all 3 data centres".to_owned();
    let object = "Table transactions".to_owned();
    let (there, step) = match (lines.clone().min(), lines.max(), oldest) {
        (Some(least), Some(most), Some(age)) if newest.len() == Dc::ALL.len() => {
            let value = if least == most {
                format!("{} lines in each", format::count(least))
            } else {
                format!("{} to {} lines", format::count(least), format::count(most))
            };
            let there = if age.is_zero() {
                Reading::Known(value)
            } else {
                Reading::Stale { value, age }
            };
            (there, PlanStep::Unchanged)
        }
        _ => (
            Reading::Unknown(format!("{} of 3 data centres known", newest.len())),
            PlanStep::Unknown,
        ),
    };
    PlanRow {
        object,
        there,
        needed,
        step,
    }
}

fn table_row(name: &str, count: u64, needed: &str) -> PlanRow {
    PlanRow {
        object: format!("Table {name}"),
        there: Reading::Known(match count {
            0 => "empty".to_owned(),
            1 => "1 row".to_owned(),
            many => format!("{} rows", format::count(many)),
        }),
        needed: needed.to_owned(),
        step: PlanStep::Unchanged,
    }
}

fn unknown_row(name: &str, why: &str) -> PlanRow {
    PlanRow {
        object: format!("Table {name}"),
        there: Reading::Unknown(why.to_owned()),
        needed: "there".to_owned(),
        step: PlanStep::Unknown,
    }
}

/// How many of each step, in words.
pub fn summary(rows: &[PlanRow]) -> String {
    let count = |step: PlanStep| rows.iter().filter(|row| row.step == step).count();
    let mut said = Vec::new();
    for (step, word) in [
        (PlanStep::Create, "to create"),
        (PlanStep::Decide, "to decide"),
        (PlanStep::Unknown, "unknown"),
        (PlanStep::Unchanged, "unchanged"),
    ] {
        let many = count(step);
        if many > 0 {
            said.push(format!("{many} {word}"));
        }
    }
    format!("{}. Nothing is ever dropped.", said.join(", "))
}

/// The commands that do the same, one per line.
pub fn commands(settings: &Settings) -> String {
    let dir = settings.data_dir.display();
    format!(
        "# makes the topics, the data centres and the tables; safe to repeat\n\
         retail-engine setup --data-dir {dir}\n\
         # writes the derived tables\n\
         retail-engine analytics --data-dir {dir}\n\
         # proves that the data centres hold the same\n\
         retail-engine verify --data-dir {dir}\n\
         # every setting with its range and default\n\
         retail-engine setup --list-settings\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: PlanStep) -> PlanRow {
        PlanRow {
            step,
            ..table_row("t", 2, "n")
        }
    }

    #[test]
    fn the_summary_counts_each_step() {
        let rows = [
            row(PlanStep::Unchanged),
            row(PlanStep::Create),
            row(PlanStep::Unchanged),
        ];
        let text = summary(&rows);
        assert_eq!(text, "1 to create, 2 unchanged. Nothing is ever dropped.");
    }
}
