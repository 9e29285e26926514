//! The plan of a replay, as words: the table, what it costs, what is confirmed, and how far the
//! reading again is.

use retail_engine::flow::{InStore, PlanSample, SampledLine};
use retail_engine::handle::Snapshot;
use retail_engine::model::{CommittedOffset, Topic};
use retail_engine::replay::plan::{Confirmation, Plan, PlanNote, PlanRow};

use crate::views::format;
use crate::widgets::Status;

/// Whether a plan moves a group anew or back to where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A replay.
    Replay,
    /// The last replay is taken back.
    Undo,
}

/// A row of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Number of the partition, or all.
    pub partition: String,
    /// Committed now.
    pub now: String,
    /// Committed after.
    pub after: String,
    /// Lines read again, or not read.
    pub change: String,
    /// Whether lines are not read.
    pub skips: bool,
    /// What to know, in words.
    pub notes: Vec<&'static str>,
}

/// A plan, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanView {
    /// Its partitions.
    pub rows: Vec<Row>,
    /// Their sum.
    pub all: Row,
    /// What it costs: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// What will be done, in order.
    pub steps: Vec<String>,
    /// The button, with the number.
    pub act: String,
    /// Why it cannot be applied.
    pub blocked: Option<String>,
    /// The sentences of the confirmation.
    pub confirm: Vec<String>,
    /// The title of the confirmation.
    pub title: String,
    /// The name that must be typed.
    pub name: Option<&'static str>,
}

fn offset(at: Option<CommittedOffset>) -> String {
    at.map_or_else(|| "Unknown".to_owned(), |at| format::count(at.0))
}

const fn note(note: PlanNote) -> &'static str {
    match note {
        PlanNote::ClampedToBegin => "the place lies before the oldest line, which is taken",
        PlanNote::ClampedToEnd => "the place lies past the end, which is taken",
        PlanNote::NeverCommitted => "the group never committed: it counts from the oldest line",
        PlanNote::LostToRetention => "lines before the oldest are gone",
        PlanNote::NotNamed => "stays: nothing is said about it",
    }
}

/// What becomes of the lines between the two offsets.
fn change(read_again: u64, skipped: u64) -> String {
    let not_read = || format!("{} not read", format::count(skipped));
    match (read_again, skipped) {
        (again, 0) => format::count(again),
        (0, _) => not_read(),
        (again, _) => format!("{}, {}", format::count(again), not_read()),
    }
}

fn lines(count: u64) -> String {
    match count {
        1 => "1 line".to_owned(),
        many => format!("{} lines", format::count(many)),
    }
}

/// The topic that a plan is about.
pub fn topic_of(plan: &Plan) -> Option<Topic> {
    plan.rows.first().map(|row| row.partition.topic)
}

/// A plan in words.
pub fn view(plan: &Plan, kind: Kind, snapshot: &Snapshot) -> PlanView {
    let group = topic_of(plan).map_or("", Topic::group);
    let rows = plan.rows.iter().map(|row| Row {
        partition: row.partition.partition.0.to_string(),
        now: offset(row.now),
        after: offset(row.after),
        change: change(row.read_again, row.skipped),
        skips: row.skipped > 0,
        notes: row.notes.iter().copied().map(note).collect(),
    });
    let sum = |of: fn(&PlanRow) -> Option<CommittedOffset>| {
        let sum: Option<u64> = plan.rows.iter().map(|row| of(row).map(|at| at.0)).sum();
        sum.map_or_else(|| "Unknown".to_owned(), format::count)
    };
    let moved = plan.rows.iter().filter(|row| row.now != row.after).count();
    let all = Row {
        partition: "All".to_owned(),
        now: sum(|row| row.now),
        after: sum(|row| row.after),
        change: change(plan.read_again, plan.skipped),
        skips: plan.skipped > 0,
        notes: Vec::new(),
    };
    let confirmation = plan.confirmation();
    let verb = match kind {
        Kind::Replay => "Replay",
        Kind::Undo => "Undo, and read",
    };
    let act = match (confirmation, plan.skipped) {
        (Confirmation::NothingToDo, _) => "Nothing to move".to_owned(),
        (_, 1..) => format!("Skip {}\u{2026}", lines(plan.skipped)),
        (_, 0) => format!("{verb} {}\u{2026}", lines(plan.read_again)),
    };
    PlanView {
        rows: rows.collect(),
        all,
        facts: facts(plan, snapshot),
        steps: steps(group, moved, plan),
        act,
        blocked: (confirmation == Confirmation::NothingToDo)
            .then(|| "the group stands there already".to_owned()),
        confirm: confirm(plan, kind, group, moved),
        title: match kind {
            Kind::Replay => format!("Move {group}?"),
            Kind::Undo => format!("Set {group} back to where it stood?"),
        },
        name: (confirmation == Confirmation::TypedName).then_some(group),
    }
}

fn facts(plan: &Plan, snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    let after: Option<u64> = plan
        .rows
        .iter()
        .map(|row| {
            let views = &snapshot.partitions;
            let view = views.iter().find(|view| view.partition == row.partition)?;
            Some(view.end?.0.saturating_sub(row.after?.0))
        })
        .sum();
    let mut facts = vec![(
        "Lag right after",
        after.map_or_else(|| "Unknown".to_owned(), lines),
    )];
    if plan.read_again > 0 {
        facts.push((
            "Bytes read again",
            if plan.bytes > 0 {
                format!("about {}", format::bytes(plan.bytes))
            } else {
                "Unknown: the log gave no sample".to_owned()
            },
        ));
        facts.push((
            "Time to read again",
            plan.takes.map_or_else(
                || "Unknown: no rate was measured yet".to_owned(),
                |time| format!("about {}", format::duration(time)),
            ),
        ));
    }
    if plan.skipped > 0 {
        facts.push(("Lines that will not be read", format::count(plan.skipped)));
    } else {
        facts.push((
            "Figures afterwards",
            "the same: no line counts twice".into(),
        ));
    }
    facts
}

/// A sample of a plan, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleView {
    /// What was found, in a sentence.
    pub found: String,
    /// Whether it is as it should be.
    pub status: Status,
    /// The lines that differ: where and what, before, after.
    pub rows: Vec<[String; 3]>,
}

/// A sample in words.
pub fn sample(sample: &PlanSample) -> SampleView {
    let (looked, differ) = (sample.looked_at, sample.differ.len() as u64);
    let found = match (looked, differ) {
        (0, _) => "It moves over no line.".to_owned(),
        (_, 0) => format!(
            "{} looked at: all stored as the log has them, none would differ.",
            lines(looked)
        ),
        _ => format!(
            "{} of {} looked at would differ.",
            format::count(differ),
            lines(looked)
        ),
    };
    let in_store = |standing| match standing {
        InStore::Stored => "stored".to_owned(),
        InStore::Missing => "not stored".to_owned(),
    };
    let row = |line: &SampledLine| {
        let (partition, offset) = (line.partition.partition.0, format::count(line.offset.0));
        let place = format!("{partition}:{offset}  {}", line.says);
        let after = match line.after {
            InStore::Missing => "stays out".to_owned(),
            stored @ InStore::Stored => in_store(stored),
        };
        [place, in_store(line.before), after]
    };
    SampleView {
        found,
        status: if differ == 0 {
            Status::Ok
        } else {
            Status::Warn
        },
        rows: sample.differ.iter().map(row).collect(),
    }
}

/// Why there is no sample.
pub fn no_sample(why: &str) -> SampleView {
    SampleView {
        found: format!("Unknown: {why}"),
        status: Status::Unknown,
        rows: Vec::new(),
    }
}

fn steps(group: &str, moved: usize, plan: &Plan) -> Vec<String> {
    let partitions = if moved == 1 {
        "partition"
    } else {
        "partitions"
    };
    let mut steps = vec![
        "Hold the consumers; they finish what is in flight".to_owned(),
        format!("Save the offsets for undo, then move {moved} {partitions} of {group}"),
        "Read back, and compare with this plan".to_owned(),
    ];
    steps.push(if plan.read_again > 0 {
        "Resume, and watch until the lag is 0".to_owned()
    } else {
        "Resume".to_owned()
    });
    steps
}

fn confirm(plan: &Plan, kind: Kind, group: &str, moved: usize) -> Vec<String> {
    let of = plan.rows.len();
    let mut said = vec![format!("{moved} of {of} partitions of {group} move.")];
    if plan.skipped > 0 {
        said.push(format!(
            "{} will not be read: what is not stored yet stays out of the store and of all figures.",
            lines(plan.skipped)
        ));
    }
    if plan.read_again > 0 {
        let time = plan.takes.map_or_else(
            || "in a time that is not known".to_owned(),
            |time| format!("in about {}", format::duration(time)),
        );
        said.push(format!(
            "{} are read again {time}. What is stored does not change.",
            lines(plan.read_again)
        ));
    }
    said.push(match kind {
        Kind::Replay => "Ctrl+Z sets the saved offsets back, after its own plan.".to_owned(),
        Kind::Undo => "An undo cannot be undone; plan a replay instead.".to_owned(),
    });
    said
}

/// How far a group has read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Lines read again so far.
    pub done: u64,
    /// Lines to be read again.
    pub of: u64,
}

/// How far the group of an applied plan has read again.
pub fn progress(plan: &Plan, snapshot: &Snapshot) -> Progress {
    let done = plan
        .rows
        .iter()
        .filter(|row| row.read_again > 0)
        .map(|row| {
            let views = &snapshot.partitions;
            let view = views.iter().find(|view| view.partition == row.partition);
            let committed = view.and_then(|view| view.committed);
            let (Some(now), Some(after)) = (committed, row.after) else {
                return 0;
            };
            now.0.saturating_sub(after.0).min(row.read_again)
        });
    Progress {
        done: done.sum(),
        of: plan.read_again,
    }
}

/// What is said when all of a plan was read again.
pub fn all_read(plan: &Plan) -> String {
    let of = plan.read_again;
    Progress { done: of, of }.words()
}

impl Progress {
    /// As a share of 0 to 1.
    pub fn share(self) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "a share of 0 to 1")]
        format::share(self.done, self.of).map_or(1.0, |share| share as f32)
    }

    /// Whether all is read.
    pub const fn is_over(self) -> bool {
        self.done >= self.of
    }

    /// In words.
    pub fn words(self) -> String {
        if self.of == 0 {
            return "Nothing is read again".to_owned();
        }
        let (done, of) = (format::count(self.done), format::count(self.of));
        format!("{done} of {of} lines read again")
    }
}

#[cfg(test)]
mod tests {
    use retail_engine::model::{Region, TopicPartition};

    use super::*;

    fn row(now: u64, after: u64) -> PlanRow {
        PlanRow {
            partition: TopicPartition::new(Topic::Lines(Region::Europe), 0),
            now: Some(CommittedOffset(now)),
            after: Some(CommittedOffset(after)),
            read_again: now.saturating_sub(after),
            skipped: after.saturating_sub(now),
            notes: Vec::new(),
        }
    }

    fn plan(rows: Vec<PlanRow>) -> Plan {
        Plan {
            read_again: rows.iter().map(|row| row.read_again).sum(),
            skipped: rows.iter().map(|row| row.skipped).sum(),
            bytes: 0,
            takes: None,
            rows,
        }
    }

    #[test]
    fn a_plan_that_skips_says_that_lines_are_not_read() {
        let skips = plan(vec![row(5, 9), row(5, 2)]);
        let said = confirm(&skips, Kind::Replay, "retail-europe", 2).join(" ");
        assert!(said.contains("4 lines will not be read"), "{said}");
        assert!(said.contains("3 lines are read again"), "{said}");
        assert_eq!(skips.confirmation(), Confirmation::TypedName);
        assert_eq!(change(0, 4), "4 not read");
        assert_eq!(change(3, 4), "3, 4 not read");
        assert_eq!([change(3, 0), change(0, 0)], ["3", "0"]);
    }

    #[test]
    fn a_sample_says_what_would_differ() {
        let line = |after| SampledLine {
            partition: TopicPartition::new(Topic::Lines(Region::Europe), 2),
            offset: retail_engine::model::Offset(1_200),
            says: "536365 85123A".into(),
            before: InStore::Missing,
            after,
        };
        let differ = sample(&PlanSample {
            looked_at: 20,
            same: 18,
            differ: vec![line(InStore::Stored), line(InStore::Missing)],
        });
        assert_eq!(differ.found, "2 of 20 lines looked at would differ.");
        assert_eq!(differ.status, Status::Warn);
        let place = "2:1\u{2009}200  536365 85123A";
        assert_eq!(differ.rows[0], [place, "not stored", "stored"]);
        assert_eq!(differ.rows[1][2], "stays out");
        let same = sample(&PlanSample {
            looked_at: 1,
            same: 1,
            differ: Vec::new(),
        });
        assert_eq!(same.status, Status::Ok);
    }

    #[test]
    fn progress_counts_within_the_plan_only() {
        let over = Progress { done: 3, of: 3 };
        assert!(over.is_over());
        assert_eq!(
            Progress { done: 1, of: 4 }.words(),
            "1 of 4 lines read again"
        );
        assert_eq!(Progress { done: 0, of: 0 }.words(), "Nothing is read again");
        assert!((Progress { done: 0, of: 0 }.share() - 1.0).abs() < f32::EPSILON);
    }
}
