//! How far a running load is: a bar for each stage.

use std::time::Duration;

use retail_engine::handle::{LoadPace, LoadView, QueueView};
use retail_engine::ledger::Ledger;
use retail_engine::model::{Reading, Region};
use retail_engine::telemetry::Queue;
use retail_engine::watch::rates::HopRates;

/// What the check of the file says that there will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Data rows.
    pub rows: u64,
    /// Lines that flow.
    pub clean: u64,
}

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub unit: &'static str,
    /// How many it has done.
    pub done: Reading<u64>,
    /// How many there will be, if that is known.
    pub total: Option<u64>,
    /// Part that is done, 0 to 1.
    pub share: f32,
    /// How many per second, over the last two seconds.
    pub rate: Option<f64>,
    /// How long it still takes at that rate.
    pub left: Option<Duration>,
}

/// How far a load is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// In the order of the flow.
    pub stages: [Stage; 6],
    /// Time until the slowest is through; why not, if that is unknown.
    pub left: Reading<Duration>,
    /// Whether the file is read to its end.
    pub is_read: bool,
}

/// The stages of a load.
pub fn progress(load: &LoadView, rates: Option<&HopRates>, expected: Option<Expected>) -> Progress {
    let ledger = &load.ledger;
    let intake = &ledger.intake;
    let is_read = load.record.produced_at.is_some();
    let of_file = ratio(load.read.bytes, load.read.total_bytes);
    let expected = if is_read {
        Some(Expected {
            rows: intake.read,
            clean: intake.clean,
        })
    } else {
        expected.filter(|known| known.rows >= intake.read && known.clean >= intake.clean)
    };
    let rate = |hop: usize| rates.and_then(|rates| rates.per_sec.get(hop).copied().flatten());
    let rows = expected.map(|known| known.rows);
    let clean = expected.map(|known| known.clean);
    let stage = |name, unit, done: Reading<u64>, total: Option<u64>, before: u64, rate| {
        let count = done.known().copied().unwrap_or_default();
        let share = match total {
            Some(total) => ratio(count, total),
            // Of the part of the file that is read, the part that has come this far.
            None => of_file * ratio(count, before),
        };
        let open = total.map(|total| total.saturating_sub(count));
        Stage {
            name,
            unit,
            left: open.and_then(|open| time_for(open, rate)),
            done,
            total,
            share,
            rate,
        }
    };
    let visible = visible(ledger);
    let known = Reading::Known;
    let stages = [
        stage(
            "Read",
            "rows",
            known(intake.read),
            rows,
            intake.read,
            rate(0),
        ),
        stage(
            "Clean",
            "lines",
            known(intake.clean),
            clean,
            intake.clean,
            rate(1),
        ),
        stage(
            "Produce",
            "lines",
            known(ledger.produced),
            clean,
            intake.clean,
            rate(2),
        ),
        stage(
            "Consume",
            "lines",
            known(ledger.consumed),
            clean,
            intake.clean,
            rate(3),
        ),
        stage(
            "Write",
            "lines",
            known(ledger.written),
            clean,
            intake.clean,
            rate(4),
        ),
        stage("Visible", "lines", visible, clean, intake.clean, None),
    ];
    Progress {
        left: left(&stages, load.pace),
        stages,
        is_read,
    }
}

fn ratio(part: u64, whole: u64) -> f32 {
    if whole == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a share of 0 to 1")]
    let share = (part as f64 / whole as f64) as f32;
    share.clamp(0.0, 1.0)
}

fn time_for(lines: u64, rate: Option<f64>) -> Option<Duration> {
    if lines == 0 {
        return Some(Duration::ZERO);
    }
    let rate = rate.filter(|rate| *rate > 0.0)?;
    Duration::try_from_secs_f64(lines as f64 / rate).ok()
}

/// Time until the slowest stage that is measured is through.
fn left(stages: &[Stage; 6], pace: LoadPace) -> Reading<Duration> {
    if pace == LoadPace::Paused {
        return Reading::Unknown("the load is paused".into());
    }
    let mut slowest = Duration::ZERO;
    for stage in stages.iter().filter(|stage| stage.name != "Visible") {
        match (stage.left, stage.total) {
            (Some(time), _) => slowest = slowest.max(time),
            (None, None) => {
                return Reading::Unknown("the whole file is not checked yet".into());
            }
            (None, Some(_)) => {
                return Reading::Unknown(format!("{} has no rate yet", stage.name));
            }
        }
    }
    Reading::Known(slowest)
}

/// Lines of the load that every data centre shows.
fn visible(ledger: &Ledger) -> Reading<u64> {
    let mut least = ledger.lines_now;
    for (dc, lines) in ledger.visible.iter() {
        match lines {
            Reading::Known(lines) => least = least.min(*lines),
            Reading::Stale { .. } | Reading::Unknown(_) => {
                return Reading::Unknown(format!("{} does not say", dc.name()));
            }
        }
    }
    let behind = ledger.lines_now.saturating_sub(least);
    Reading::Known(ledger.written.saturating_sub(behind))
}

/// A queue in words.
pub fn queue_name(queue: Queue) -> &'static str {
    match queue {
        Queue::Read => "Reader \u{2192} log",
        Queue::Write(Region::Europe) => "Europe \u{2192} data centres",
        Queue::Write(Region::Americas) => "Americas \u{2192} data centres",
        Queue::Write(Region::AsiaPacific) => "Asia-Pacific \u{2192} data centres",
        Queue::Analytics => "Data centres \u{2192} figures",
    }
}

/// Part of a queue that is full, 0 to 1.
pub fn queue_share(queue: &QueueView) -> f32 {
    queue
        .entries
        .known()
        .map_or(0.0, |entries| ratio(*entries, queue.capacity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_the_slowest_and_unknown_without_a_rate() {
        assert_eq!(time_for(0, None), Some(Duration::ZERO));
        assert_eq!(time_for(10, None), None);
        assert_eq!(time_for(10, Some(0.0)), None);
        assert_eq!(time_for(10, Some(5.0)), Some(Duration::from_secs(2)));
        assert!((ratio(1, 4) - 0.25).abs() < f32::EPSILON);
        assert!(ratio(9, 4) <= 1.0 && ratio(1, 0) <= 0.0);
    }
}
