//! What was measured each second of the last hour: the lines of the charts.
//!
//! A [`History`] is an immutable value. A new one is made once a second by adding a point, and
//! shares all but its newest minute with the one before, so keeping and reading it is cheap.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::rates::Hop;
use crate::model::{PerDc, PerRegion};

/// Points of a chunk: a minute.
const CHUNK: usize = 60;
/// Whole chunks kept: an hour.
const CHUNKS: usize = 60;

/// Measurements of a region over one second. `None` is not known, and a gap in a chart.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct RegionPoint {
    /// Lines not yet consumed.
    pub lag_lines: Option<u64>,
    /// Age of the oldest of them, milliseconds.
    pub lag_age_ms: Option<u64>,
    /// Lines per second acknowledged by the log.
    pub produced_per_sec: Option<f64>,
    /// Lines per second acknowledged by the store.
    pub written_per_sec: Option<f64>,
}

/// Measurements of a data centre over one second. `None` is not known, and a gap in a chart.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct DcPoint {
    /// Median time of its last writes from being sent to being acknowledged, microseconds; a gap
    /// in a second without a write.
    pub write_p50_us: Option<u64>,
    /// 99th percentile of the same, microseconds.
    pub write_p99_us: Option<u64>,
    /// Hints that wait for it.
    pub hints: Option<u64>,
    /// Lines of sales that a reader there sees.
    pub lines: Option<u64>,
}

/// One second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// Its end. A second that was missed has no point.
    pub at: DateTime<Utc>,
    /// Lines per second at each hop, in the order of [`Hop::ALL`].
    pub hops: [Option<f64>; Hop::ALL.len()],
    /// Per region.
    pub regions: PerRegion<RegionPoint>,
    /// Per data centre.
    pub dcs: PerDc<DcPoint>,
    /// Lines not yet consumed of each partition, in the order of the partitions of a snapshot.
    /// `None` is not known, and a gap in a chart.
    pub partition_lags: Box<[Option<u64>]>,
}

/// The points of the last hour, oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    whole: VecDeque<Arc<[Point]>>,
    newest: Vec<Point>,
}

impl History {
    /// The same with one more point; what is older than an hour goes, a minute at a time.
    #[must_use]
    pub fn with(&self, point: Point) -> Self {
        let mut next = self.clone();
        next.newest.push(point);
        if next.newest.len() == CHUNK {
            let chunk = std::mem::take(&mut next.newest);
            next.whole.push_back(chunk.into());
            if next.whole.len() > CHUNKS {
                next.whole.pop_front();
            }
        }
        next
    }

    /// The points, oldest first.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = &Point> {
        let whole = self.whole.iter().flat_map(|chunk| chunk.iter());
        whole.chain(&self.newest)
    }

    /// The points at `from` or later, oldest first. Costs what it gives, and a minute.
    pub fn since(&self, from: DateTime<Utc>) -> impl DoubleEndedIterator<Item = &Point> {
        let old = |chunk: &Arc<[Point]>| chunk.last().is_some_and(|last| last.at < from);
        let first = self.whole.partition_point(old);
        let whole = self.whole.range(first..).flat_map(|chunk| chunk.iter());
        let newer = move |point: &&Point| point.at >= from;
        whole.chain(&self.newest).filter(newer)
    }

    /// The newest point.
    pub fn newest(&self) -> Option<&Point> {
        self.points().next_back()
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.whole.len() * CHUNK + self.newest.len()
    }

    /// Whether nothing was measured yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: usize) -> DateTime<Utc> {
        DateTime::from_timestamp(i64::try_from(n).unwrap(), 0).unwrap()
    }

    fn of(seconds: usize) -> History {
        (0..seconds).fold(History::default(), |history, n| {
            history.with(Point {
                at: second(n),
                hops: [None; 5],
                regions: PerRegion::from_fn(|_| RegionPoint::default()),
                dcs: PerDc::from_fn(|_| DcPoint::default()),
                partition_lags: Box::default(),
            })
        })
    }

    #[test]
    fn an_hour_is_kept_in_order_and_no_more_than_a_minute_beyond() {
        for seconds in [0, 1, 59, 60, 61, 3_600, 3_659, 3_660, 9_999] {
            let history = of(seconds);
            let times: Vec<_> = history.points().map(|p| p.at).collect();
            assert_eq!(times.len(), history.len());
            assert_eq!(history.is_empty(), seconds == 0);
            let kept = seconds.min(CHUNK * CHUNKS + seconds % CHUNK);
            let expect: Vec<_> = (seconds - kept..seconds).map(second).collect();
            assert_eq!(times, expect, "{seconds}");
            assert_eq!(history.newest().map(|p| p.at), expect.last().copied());
        }
    }

    #[test]
    fn a_range_is_the_points_from_its_begin_on() {
        let history = of(200);
        for from in [0, 59, 60, 61, 119, 150, 199, 200] {
            let times: Vec<_> = history.since(second(from)).map(|p| p.at).collect();
            assert_eq!(times, (from..200).map(second).collect::<Vec<_>>(), "{from}");
        }
    }

    #[test]
    fn whole_minutes_are_shared_and_not_copied() {
        let before = of(3_000);
        let after = before.with(before.newest().unwrap().clone());
        assert!(Arc::ptr_eq(&before.whole[0], &after.whole[0]));
    }
}
