//! The tree of topics and partitions: where each begins and ends, how far its group is.

use std::time::Duration;

use retail_engine::handle::{ConsumerState, PartitionView, Snapshot};
use retail_engine::model::{Reading, Topic, TopicPartition};
use retail_engine::watch::lag::{Lag, UnknownLag};

use crate::views::{format, overview, stamp};
use crate::widgets::Status;

/// A count of one partition, or a sum over several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figure {
    /// All of it is known.
    Known(u64),
    /// A sum of which parts are missing.
    Part {
        /// Sum of the known parts.
        lines: u64,
        /// Parts known.
        known: usize,
        /// Parts in all.
        of: usize,
        /// Why the first of the others is not known.
        why: String,
    },
    /// Not known, and why.
    Unknown(String),
}

impl Figure {
    fn of(value: Option<u64>, why: &str) -> Self {
        value.map_or_else(|| Self::Unknown(why.to_owned()), Self::Known)
    }

    fn sum<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let (mut lines, mut known, mut of) = (0_u64, 0, 0);
        let mut first = None;
        for part in parts {
            of += 1;
            match part {
                Self::Known(part) => {
                    lines = lines.saturating_add(*part);
                    known += 1;
                }
                Self::Part { why, .. } | Self::Unknown(why) => {
                    first.get_or_insert_with(|| why.clone());
                }
            }
        }
        match first {
            None if of == 0 => Self::Unknown("nothing was measured yet".to_owned()),
            None => Self::Known(lines),
            Some(why) if known == 0 => Self::Unknown(why),
            Some(why) => Self::Part {
                lines,
                known,
                of,
                why,
            },
        }
    }

    /// The count, if all of it is known.
    pub const fn known(&self) -> Option<u64> {
        match self {
            Self::Known(lines) => Some(*lines),
            Self::Part { .. } | Self::Unknown(_) => None,
        }
    }

    /// In words; what is missing is never hidden in a total.
    pub fn words(&self) -> String {
        match self {
            Self::Known(lines) => format::count(*lines),
            Self::Part { known, of, .. } => format!("{known} of {of} known"),
            Self::Unknown(_) => "Unknown".to_owned(),
        }
    }

    /// What stands in the tooltip.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Known(_) => None,
            Self::Part {
                lines,
                known,
                of,
                why,
            } => {
                let lines = format::count(*lines);
                Some(format!("{lines} in {known} of {of} partitions: {why}"))
            }
            Self::Unknown(why) => Some(why.clone()),
        }
    }
}

/// A row: a partition, or a topic as the sum of its partitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Oldest offset that can be read; for a topic what retention took in all.
    pub begin: Figure,
    /// Next offset that the group reads.
    pub committed: Figure,
    /// Next offset to be written.
    pub end: Figure,
    /// Lines not yet consumed.
    pub lag: Figure,
    /// Lag as a share of the longest of all partitions, 0 to 1.
    pub share: f32,
    /// Age of the oldest unread line.
    pub age: Reading<Duration>,
    /// Who reads it.
    pub consumer: (Status, String),
    /// How that goes; nothing where it goes without saying.
    pub verdict: Option<(Status, String)>,
    /// Lines that left the log before the group read them.
    pub lost: u64,
}

/// A topic with its partitions.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicRows {
    /// Which.
    pub topic: Topic,
    /// Its sums.
    pub row: Row,
    /// Its partitions.
    pub partitions: Vec<(TopicPartition, Row)>,
}

/// The tree of a snapshot.
pub fn tree(snapshot: &Snapshot) -> Vec<TopicRows> {
    let longest = snapshot
        .partitions
        .iter()
        .filter_map(|view| lag(view).known())
        .max()
        .unwrap_or_default();
    Topic::ALL
        .into_iter()
        .map(|topic| topic_rows(snapshot, topic, longest))
        .collect()
}

/// Whether a topic is meant by what was typed: its name, its group, its region.
pub fn is_meant(topic: Topic, typed: &str) -> bool {
    let typed = typed.trim().to_lowercase();
    let holds = |name: &str| name.to_lowercase().contains(&typed);
    let region = match topic {
        Topic::Lines(region) => region.name(),
        Topic::Quarantine => "",
    };
    holds(topic.name()) || holds(topic.group()) || holds(region)
}

fn topic_rows(snapshot: &Snapshot, topic: Topic, longest: u64) -> TopicRows {
    let views: Vec<&PartitionView> = snapshot
        .partitions
        .iter()
        .filter(|view| view.partition.topic == topic)
        .collect();
    let consumer = consumer(snapshot, topic);
    let slowest = views
        .iter()
        .filter_map(|view| Some((lag(view).known()?, view.partition)))
        .filter(|(lines, _)| *lines > 0)
        .max();
    let partitions: Vec<(TopicPartition, Row)> = views
        .iter()
        .map(|view| {
            let is_slowest = views.len() > 1 && slowest.is_some_and(|(_, at)| at == view.partition);
            (
                view.partition,
                partition(view, &consumer, longest, is_slowest),
            )
        })
        .collect();
    let rows = || partitions.iter().map(|(_, row)| row);
    let lost = rows().map(|row| row.lost).sum();
    let lag = Figure::sum(rows().map(|row| &row.lag));
    let row = Row {
        begin: Figure::sum(rows().map(|row| &row.begin)),
        committed: Figure::sum(rows().map(|row| &row.committed)),
        end: Figure::sum(rows().map(|row| &row.end)),
        share: 0.0,
        age: oldest(rows().map(|row| &row.age)),
        verdict: Some(verdict(snapshot, topic, &lag, lost)),
        consumer,
        lost,
        lag,
    };
    TopicRows {
        topic,
        row,
        partitions,
    }
}

fn partition(
    view: &PartitionView,
    consumer: &(Status, String),
    longest: u64,
    is_slowest: bool,
) -> Row {
    let silent = "the log does not answer";
    let lag = lag(view);
    let lost = match view.committed {
        Some(_) => view.lost_to_retention().unwrap_or_default(),
        None => 0,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a share of 0 to 1")]
    let share = match (lag.known(), longest) {
        (Some(lines), 1..) => (lines as f64 / longest as f64) as f32,
        _ => 0.0,
    };
    let age = match (&lag, &view.lag) {
        (Figure::Known(_), known) => overview::lag_age(known),
        (Figure::Part { why, .. } | Figure::Unknown(why), _) => Reading::Unknown(why.clone()),
    };
    Row {
        begin: Figure::of(view.begin.map(|at| at.0), silent),
        committed: Figure::of(
            view.committed.map(|at| at.0),
            &UnknownLag::NeverCommitted.to_string(),
        ),
        end: Figure::of(view.end.map(|at| at.0), silent),
        share,
        age,
        consumer: consumer.clone(),
        verdict: match (lost, is_slowest) {
            (1.., _) => Some((Status::Critical, lost_words(lost))),
            (0, true) => Some((Status::Neutral, "slowest".to_owned())),
            (0, false) => None,
        },
        lost,
        lag,
    }
}

/// Lag of a partition. A group that never committed where lines wait is not known to read at all.
fn lag(view: &PartitionView) -> Figure {
    let never = UnknownLag::NeverCommitted.to_string();
    match (&view.lag, view.committed) {
        (Lag::Known { lines: 1.., .. }, None) => Figure::Unknown(never),
        (Lag::Known { lines, .. }, _) => Figure::Known(*lines),
        (Lag::Stale { since, .. }, _) => {
            let since = format::age(*since);
            Figure::Unknown(format!("last measured {since} ago"))
        }
        (Lag::Unknown(why), _) => Figure::Unknown(why.to_string()),
    }
}

fn lost_words(lost: u64) -> String {
    format!("{} lines lost to retention", format::count(lost))
}

fn oldest<'a>(ages: impl Iterator<Item = &'a Reading<Duration>>) -> Reading<Duration> {
    let mut oldest = None;
    for age in ages {
        match age {
            Reading::Known(age) => oldest = oldest.max(Some(*age)),
            Reading::Stale { .. } | Reading::Unknown(_) => return age.clone(),
        }
    }
    oldest.map_or_else(
        || Reading::Unknown(UnknownLag::NotMeasured.to_string()),
        Reading::Known,
    )
}

fn consumer(snapshot: &Snapshot, topic: Topic) -> (Status, String) {
    let view = snapshot.consumers.iter().find(|c| c.topic == topic);
    match view.map(|view| &view.state) {
        None if snapshot.partitions.is_empty() => (Status::Unknown, "Unknown".to_owned()),
        None => (Status::Unknown, "no consumer".to_owned()),
        Some(ConsumerState::Reading) => (Status::Ok, "1 consumer".to_owned()),
        Some(ConsumerState::Held) => (Status::Warn, "held".to_owned()),
        Some(ConsumerState::Ended { .. }) => (Status::Critical, "ended".to_owned()),
    }
}

fn verdict(snapshot: &Snapshot, topic: Topic, lag: &Figure, lost: u64) -> (Status, String) {
    if lost > 0 {
        return (Status::Critical, lost_words(lost));
    }
    match (topic, lag) {
        (_, Figure::Unknown(_) | Figure::Part { .. }) => (Status::Unknown, "Unknown".to_owned()),
        (Topic::Lines(region), _) => overview::verdict(&snapshot.regions[region]),
        (Topic::Quarantine, Figure::Known(0)) => (Status::Ok, "Caught up".to_owned()),
        (Topic::Quarantine, Figure::Known(_)) => (Status::Neutral, "Rows wait".to_owned()),
    }
}

/// The tree of a snapshot as CSV below its stamp: a row for each partition, unknown figures empty.
pub fn csv(snapshot: &Snapshot) -> String {
    let mut text = stamp::head("Topics", snapshot.mode, snapshot.at);
    text.push_str(
        "topic,partition,group,begin,committed,end,lag_lines,lag_age_seconds,consumer,lost_to_retention\n",
    );
    for topic in tree(snapshot) {
        for (at, row) in &topic.partitions {
            let figure =
                |figure: &Figure| figure.known().map_or_else(String::new, |n| n.to_string());
            let age = row.age.known().map(Duration::as_secs_f64);
            let fields = [
                topic.topic.name().to_owned(),
                at.partition.0.to_string(),
                topic.topic.group().to_owned(),
                figure(&row.begin),
                figure(&row.committed),
                figure(&row.end),
                figure(&row.lag),
                age.map_or_else(String::new, |age| format!("{age:.1}")),
                row.consumer.1.clone(),
                row.lost.to_string(),
            ];
            text.push_str(&fields.join(","));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use retail_engine::config::Mode;
    use retail_engine::model::{CommittedOffset, EndOffset, Offset, Region};

    use super::*;

    fn view(begin: u64, committed: Option<u64>, end: u64) -> PartitionView {
        let committed = committed.map(CommittedOffset);
        let at = committed.unwrap_or(CommittedOffset(begin));
        PartitionView {
            partition: TopicPartition::new(Topic::Lines(Region::Europe), 0),
            begin: Some(Offset(begin)),
            end: Some(EndOffset(end)),
            committed,
            lag: Lag::between(EndOffset(end), Some(at)),
        }
    }

    fn row(view: &PartitionView) -> Row {
        partition(view, &(Status::Ok, "1 consumer".into()), 100, false)
    }

    #[test]
    fn a_group_that_never_committed_is_unknown_where_lines_wait() {
        let waits = row(&view(0, None, 7));
        assert_eq!(waits.committed.words(), "Unknown");
        assert_eq!(waits.lag.words(), "Unknown");
        assert!(waits.age.known().is_none());
        let empty = row(&view(0, None, 0));
        assert_eq!(empty.committed.words(), "Unknown");
        assert_eq!(empty.lag, Figure::Known(0));
    }

    #[test]
    fn what_retention_took_before_it_was_read_is_critical() {
        let lost = row(&view(50, Some(20), 90));
        assert_eq!(lost.lost, 30);
        let (status, words) = lost.verdict.unwrap();
        assert_eq!(status, Status::Critical);
        assert_eq!(words, "30 lines lost to retention");
    }

    #[test]
    fn a_sum_of_which_a_part_is_missing_says_so() {
        let parts = [
            Figure::Known(5),
            Figure::Unknown("silence".into()),
            Figure::Known(2),
        ];
        let sum = Figure::sum(parts.iter());
        assert_eq!(sum.words(), "2 of 3 known");
        assert_eq!(sum.known(), None);
        assert_eq!(sum.reason().unwrap(), "7 in 2 of 3 partitions: silence");
        assert_eq!(Figure::sum([Figure::Known(5)].iter()), Figure::Known(5));
        assert_eq!(Figure::sum([].iter()).words(), "Unknown");
    }

    #[test]
    fn a_file_of_topics_says_where_it_is_from_before_its_rows() {
        for (mode, says) in [
            (Mode::Embedded, "# Mode: embedded; Simulated data centres"),
            (Mode::Live, "# Mode: live"),
        ] {
            let mut snapshot = Snapshot::starting(mode, DateTime::UNIX_EPOCH);
            snapshot.partitions = vec![view(2, Some(5), 9), view(0, None, 7)];
            let text = csv(&snapshot);
            let rows: Vec<&str> = text.lines().collect();
            assert_eq!(
                rows[..3],
                ["# table: Topics", says, "# at: 1970-01-01T00:00:00Z"]
            );
            assert!(rows[3].starts_with("topic,partition,group,begin,committed,end,lag_lines,"));
            let of = "europe-transactions,0,retail-europe";
            assert!(rows[4].starts_with(&format!("{of},2,5,9,4,")), "{text}");
            assert!(rows[5].starts_with(&format!("{of},0,,7,,,")), "{text}");
            assert_eq!(rows.len(), 6);
        }
    }

    #[test]
    fn a_topic_is_found_by_name_group_and_region() {
        let asia = Topic::Lines(Region::AsiaPacific);
        for typed in ["asia-pac", "ASIAPACIFIC-t", "retail-asia", ""] {
            assert!(is_meant(asia, typed), "{typed}");
        }
        assert!(!is_meant(asia, "europe"));
    }
}
