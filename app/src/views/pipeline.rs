//! The way of a line as a map: file, cleaner, topics, consumers, data centres; what each holds, and
//! how fast lines pass from one to the next.

use retail_engine::handle::Snapshot;
use retail_engine::model::{Dc, Reading, Region, Topic};
use retail_engine::watch::health::DcVerdict;
use retail_engine::watch::rates::Hop;

use super::format;
use super::overview::{dc_state, lag_lines, verdict};
use crate::widgets::Status;

/// A place on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The file of the newest load.
    File,
    /// Rules and routing.
    Clean,
    /// The topic of a region.
    Topic(Region),
    /// Rows that were set aside.
    Quarantine,
    /// The consumer group of a region.
    Consumer(Region),
    /// A data centre.
    Dc(Dc),
}

/// A place with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where.
    pub place: Place,
    /// Its name.
    pub title: String,
    /// What it holds, or how it stands.
    pub value: String,
    /// How it stands.
    pub status: Status,
}

impl Node {
    /// For those who cannot see it.
    pub fn label(&self) -> String {
        format!("{}: {}", self.title, self.value)
    }
}

/// Whether lines can pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// They can.
    Open,
    /// They cannot: one end is down.
    Cut,
    /// It is not known.
    Unknown,
}

/// A way between two places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Where from.
    pub from: Place,
    /// Where to.
    pub to: Place,
    /// Lines per second; `None` where it is not measured.
    pub rate: Option<f64>,
    /// Whether lines can pass.
    pub passage: Passage,
}

impl Edge {
    /// Width in points: wider by the same step for each tenfold rate; 1 where nothing moves.
    #[expect(clippy::cast_possible_truncation, reason = "a width of a few points")]
    pub fn width(&self) -> f32 {
        match self.rate {
            Some(rate) if rate >= 1.0 => 1.5 + 1.3 * rate.log10() as f32,
            Some(_) | None => 1.0,
        }
    }
}

/// The map.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// All places, in the order of the way.
    pub nodes: Vec<Node>,
    /// All ways.
    pub edges: Vec<Edge>,
}

/// The map of a snapshot.
pub fn of(snapshot: &Snapshot) -> Pipeline {
    let mut nodes = vec![file(snapshot), clean(snapshot)];
    nodes.extend(Region::ALL.map(|region| topic(snapshot, region)));
    nodes.push(quarantine(snapshot));
    nodes.extend(Region::ALL.map(|region| consumer(snapshot, region)));
    nodes.extend(Dc::ALL.map(|dc| data_centre(snapshot, dc)));
    Pipeline {
        nodes,
        edges: edges(snapshot),
    }
}

fn node(place: Place, title: impl Into<String>, value: String, status: Status) -> Node {
    Node {
        place,
        title: title.into(),
        value,
        status,
    }
}

fn file(snapshot: &Snapshot) -> Node {
    let Some(load) = snapshot.loads.last() else {
        let value = "no load yet".to_owned();
        return node(Place::File, "File", value, Status::Neutral);
    };
    let read = snapshot.ledger.as_ref().map_or(0, |l| l.intake.read);
    let value = format!("{} rows", format::count(read));
    node(
        Place::File,
        format!("File of {}", load.id),
        value,
        Status::Ok,
    )
}

fn clean(snapshot: &Snapshot) -> Node {
    let (value, status) = match &snapshot.ledger {
        Some(ledger) => (
            format!("{} lines", format::count(ledger.intake.clean)),
            Status::Ok,
        ),
        None => ("nothing to clean".to_owned(), Status::Neutral),
    };
    node(Place::Clean, "Clean", value, status)
}

/// Records that a topic has taken, over its partitions.
fn records(snapshot: &Snapshot, topic: Topic) -> Reading<u64> {
    let mut sum = 0;
    let mut any = false;
    for view in &snapshot.partitions {
        if view.partition.topic == topic {
            any = true;
            match view.end {
                Some(end) => sum += end.0,
                None => return Reading::Unknown("the log does not answer".into()),
            }
        }
    }
    if any {
        Reading::Known(sum)
    } else {
        Reading::Unknown("the log has not been sampled yet".into())
    }
}

fn topic_node(snapshot: &Snapshot, place: Place, topic: Topic, unit: &str) -> Node {
    let (value, status) = match records(snapshot, topic) {
        Reading::Known(records) | Reading::Stale { value: records, .. } => {
            (format!("{} {unit}", format::count(records)), Status::Ok)
        }
        Reading::Unknown(why) => (format!("Unknown: {why}"), Status::Unknown),
    };
    node(place, topic.name(), value, status)
}

fn topic(snapshot: &Snapshot, region: Region) -> Node {
    let place = Place::Topic(region);
    topic_node(snapshot, place, Topic::Lines(region), "lines")
}

fn quarantine(snapshot: &Snapshot) -> Node {
    topic_node(
        snapshot,
        Place::Quarantine,
        Topic::Quarantine,
        "rows set aside",
    )
}

fn consumer(snapshot: &Snapshot, region: Region) -> Node {
    let view = &snapshot.regions[region];
    let (status, word) = verdict(view);
    let value = match lag_lines(&view.lag) {
        Reading::Known(0) => "caught up".to_owned(),
        Reading::Known(lines) => {
            format!("{} behind, {}", format::count(lines), word.to_lowercase())
        }
        Reading::Stale { value, age } => {
            format!("{} behind, {} ago", format::count(value), format::age(age))
        }
        Reading::Unknown(why) => format!("Unknown: {why}"),
    };
    // A consumer that has nothing to read cannot be judged, and needs nobody.
    let status = match (status, &value) {
        (Status::Unknown, value) if value == "caught up" => Status::Ok,
        (status, _) => status,
    };
    node(
        Place::Consumer(region),
        Topic::Lines(region).group(),
        value,
        status,
    )
}

fn data_centre(snapshot: &Snapshot, dc: Dc) -> Node {
    let (status, word) = dc_state(snapshot.dcs[dc].verdict);
    let lines = snapshot.store.as_ref().map(|store| &store.dcs[dc].rows);
    let value = match lines {
        Some(Reading::Known(rows)) => format!("{word}, {} lines", format::count(rows.lines)),
        Some(Reading::Stale { value, age }) => format!(
            "{word}, {} lines {} ago",
            format::count(value.lines),
            format::age(*age)
        ),
        Some(Reading::Unknown(_)) | None => format!("{word}, lines Unknown"),
    };
    node(Place::Dc(dc), dc.name(), value, status)
}

fn edges(snapshot: &Snapshot) -> Vec<Edge> {
    let hop = |hop: Hop| {
        let rates = snapshot.rates.as_ref()?;
        rates.per_sec.get(hop as usize).copied().flatten()
    };
    let log = match records(snapshot, Topic::Lines(Region::Europe)) {
        Reading::Known(_) | Reading::Stale { .. } => Passage::Open,
        Reading::Unknown(_) if snapshot.partitions.is_empty() => Passage::Unknown,
        Reading::Unknown(_) => Passage::Cut,
    };
    let way = |from, to, rate, passage| Edge {
        from,
        to,
        rate,
        passage,
    };
    let mut edges = vec![
        way(Place::File, Place::Clean, hop(Hop::Read), Passage::Open),
        way(Place::Clean, Place::Quarantine, None, log),
    ];
    for region in Region::ALL {
        let view = &snapshot.regions[region];
        let (topic, consumer) = (Place::Topic(region), Place::Consumer(region));
        edges.push(way(Place::Clean, topic, view.produced_per_sec, log));
        edges.push(way(topic, consumer, view.written_per_sec, log));
        edges.extend(Dc::ALL.map(|dc| {
            let passage = match snapshot.dcs[dc].verdict {
                DcVerdict::Down => Passage::Cut,
                DcVerdict::Unknown => Passage::Unknown,
                DcVerdict::Up
                | DcVerdict::UpWithErrors
                | DcVerdict::Suspect
                | DcVerdict::Disputed => Passage::Open,
            };
            way(consumer, Place::Dc(dc), view.written_per_sec, passage)
        }));
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_edge_is_a_faster_one() {
        let edge = |rate| Edge {
            from: Place::File,
            to: Place::Clean,
            rate,
            passage: Passage::Open,
        };
        let widths = [None, Some(0.0), Some(10.0), Some(1_000.0), Some(500_000.0)]
            .map(|rate| edge(rate).width());
        assert!((widths[0] - widths[1]).abs() < 1e-6);
        assert!(widths.is_sorted(), "{widths:?}");
        assert!(widths[4] < 10.0);
    }
}
