//! The hour that the engine keeps, as lines of charts; its events as bands and marks.

use std::time::Duration;

use chrono::{DateTime, Utc};
use eframe::egui::Color32;
use retail_engine::handle::Snapshot;
use retail_engine::model::{Region, Topic, TopicPartition};
use retail_engine::telemetry::{Event, EventKind};
use retail_engine::watch::history::{History, Point};
use retail_engine::watch::rates::Hop;

use crate::theme::Palette;
use crate::widgets::chart::{Band, Mark, Series, Stroke2};

/// A missed second more than this is a gap.
const GAP_SECS: f64 = 2.5;

/// The time that the charts of a page show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its begin.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
}

impl Window {
    /// The last `time` before `to`.
    pub fn ending(to: DateTime<Utc>, time: Duration) -> Self {
        Self {
            from: to - time,
            to,
        }
    }

    /// Between two times in seconds since 1970.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds since 1970 fit for the next billion years"
    )]
    pub fn between(from: f64, to: f64) -> Self {
        let moment = |at: f64| DateTime::from_timestamp_millis((at * 1e3) as i64);
        Self {
            from: moment(from).unwrap_or_default(),
            to: moment(to).unwrap_or_default(),
        }
    }

    /// As seconds since 1970.
    pub fn seconds(self) -> (f64, f64) {
        (seconds(self.from), seconds(self.to))
    }
}

/// A time as seconds since 1970.
pub fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 1e6
}

/// One value of each point, with a gap where seconds were missed.
fn points(
    history: &History,
    window: Window,
    value: impl Fn(&Point) -> Option<f64>,
) -> Vec<(f64, Option<f64>)> {
    let mut points: Vec<(f64, Option<f64>)> = Vec::new();
    for point in history.since(window.from) {
        let at = seconds(point.at);
        if let Some((before, _)) = points.last()
            && at - before > GAP_SECS
        {
            let missed = before + 1.0;
            points.push((missed, None));
        }
        points.push((at, value(point)));
    }
    points
}

/// Rows read and rows written, per second.
pub fn throughput(history: &History, window: Window, colors: &Palette) -> Vec<Series> {
    let hop = |hop: Hop| {
        let place = Hop::ALL.iter().position(|known| *known == hop);
        points(history, window, |point| {
            place.and_then(|place| point.hops.get(place).copied().flatten())
        })
    };
    vec![
        Series {
            name: "read".into(),
            color: colors.bar,
            stroke: Stroke2::Dashed,
            filled: false,
            points: hop(Hop::Read),
        },
        Series {
            name: "written".into(),
            color: colors.text,
            stroke: Stroke2::Solid,
            filled: false,
            points: hop(Hop::Write),
        },
    ]
}

/// Rows per second at all five hops: what is written stands out, the others are grey.
pub fn hops(history: &History, window: Window, colors: &Palette) -> Vec<Series> {
    let strokes = [
        Stroke2::Dashed,
        Stroke2::Dotted,
        Stroke2::Dashed,
        Stroke2::Dotted,
        Stroke2::Solid,
    ];
    Hop::ALL
        .into_iter()
        .zip(strokes)
        .enumerate()
        .map(|(place, (hop, stroke))| Series {
            name: hop.slug().into(),
            color: if hop == Hop::Write {
                colors.text
            } else {
                colors.bar
            },
            stroke,
            filled: false,
            points: points(history, window, |point| {
                point.hops.get(place).copied().flatten()
            }),
        })
        .collect()
}

/// How the lines of a region are drawn.
pub const fn stroke_of(region: Region) -> Stroke2 {
    match region {
        Region::Europe => Stroke2::Solid,
        Region::Americas => Stroke2::Dashed,
        Region::AsiaPacific => Stroke2::Dotted,
    }
}

/// Lag of each region in lines.
pub fn lag(history: &History, window: Window, colors: &Palette) -> Vec<Series> {
    Region::ALL
        .into_iter()
        .map(|region| Series {
            name: region.name().into(),
            color: colors.region(region),
            stroke: stroke_of(region),
            filled: region == Region::Europe,
            points: points(history, window, |point| {
                point.regions[region].lag_lines.map(|lines| lines as f64)
            }),
        })
        .collect()
}

/// Lag of each partition of a topic in lines; `partitions` in the order of the snapshot. What is
/// known of each is a line of its own.
pub fn partition_lag(
    history: &History,
    window: Window,
    partitions: impl Iterator<Item = TopicPartition>,
    topic: Topic,
    color: impl Fn(TopicPartition) -> Color32,
) -> Vec<Series> {
    partitions
        .enumerate()
        .filter(|(_, partition)| partition.topic == topic)
        .map(|(place, partition)| Series {
            name: partition.partition.0.to_string(),
            color: color(partition),
            stroke: Stroke2::Solid,
            filled: false,
            points: points(history, window, |point| {
                let lines = point.partition_lags.get(place).copied().flatten();
                lines.map(|lines| lines as f64)
            }),
        })
        .collect()
}

/// Lines written per second, of each region.
pub fn written(history: &History, window: Window, colors: &Palette) -> Vec<Series> {
    Region::ALL
        .into_iter()
        .map(|region| Series {
            name: region.name().into(),
            color: colors.region(region),
            stroke: stroke_of(region),
            filled: false,
            points: points(history, window, |point| {
                point.regions[region].written_per_sec
            }),
        })
        .collect()
}

/// Lag of one region, for its sparkline.
pub fn region_lag(history: &History, window: Window, region: Region) -> Vec<Option<f64>> {
    points(history, window, |point| {
        point.regions[region].lag_lines.map(|lines| lines as f64)
    })
    .into_iter()
    .map(|(_, lines)| lines)
    .collect()
}

/// The faults within the window: those that are over by their events, those in force by their
/// leases.
pub fn bands(events: &[Event], snapshot: &Snapshot, window: Window) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for event in events {
        match &event.kind {
            EventKind::FaultStarted { fault, .. } => bands.push(Band {
                name: fault.to_string(),
                from: seconds(event.at),
                to: f64::INFINITY,
            }),
            EventKind::FaultEnded { fault, .. } => {
                let name = fault.to_string();
                if let Some(open) = bands
                    .iter_mut()
                    .find(|band| band.name == name && band.to.is_infinite())
                {
                    open.to = seconds(event.at);
                }
            }
            _ => {}
        }
    }
    for band in &mut bands {
        if band.to.is_infinite() {
            let lease = snapshot
                .faults
                .iter()
                .find(|lease| lease.fault.to_string() == band.name);
            band.to = lease.map_or(band.from, |lease| seconds(lease.ends_at));
        }
    }
    let (from, to) = window.seconds();
    bands.retain(|band| band.to > from && band.from < to);
    bands
}

/// The events within the window that charts show, numbered.
pub fn marks(events: &[Event], window: Window, colors: &Palette) -> Vec<Mark> {
    let (from, to) = window.seconds();
    events
        .iter()
        .filter_map(|event| color_of(&event.kind, colors).map(|color| (event, color)))
        .map(|(event, color)| (seconds(event.at), event, color))
        .filter(|(at, ..)| (from..=to).contains(at))
        .enumerate()
        .map(|(place, (at, event, color))| Mark {
            at,
            flag: (place + 1).to_string(),
            text: event.text.clone(),
            name: Some(name_of(event)),
            color,
        })
        .collect()
}

/// An event in a few words: its place on a chart has no room for files and figures.
fn name_of(event: &Event) -> String {
    match &event.kind {
        EventKind::LoadStarted { load, .. } => format!("{load} started"),
        EventKind::LoadEnded { load, .. } => format!("{load} ended"),
        EventKind::FaultStarted { fault, .. } => fault.to_string(),
        EventKind::FaultEnded { fault } => format!("{fault} no more"),
        EventKind::Replayed { partition, .. } => format!("{partition} moved"),
        _ => event.text.clone(),
    }
}

const fn color_of(kind: &EventKind, colors: &Palette) -> Option<Color32> {
    match kind {
        EventKind::LoadStarted { .. }
        | EventKind::LoadResumed { .. }
        | EventKind::LoadEnded { .. }
        | EventKind::FailedOver { .. }
        | EventKind::FailedBack { .. }
        | EventKind::Replayed { .. } => Some(colors.muted),
        EventKind::FaultStarted { .. } => Some(colors.critical),
        EventKind::FaultEnded { .. } => Some(colors.ok),
        _ => None,
    }
}
