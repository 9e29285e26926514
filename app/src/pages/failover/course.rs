//! What the data centres did from one snapshot to the next: the lines of the charts of a drill,
//! four times a second, from the store's own counters.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use retail_engine::handle::Snapshot;
use retail_engine::model::{Dc, PerDc};

use crate::theme::Palette;
use crate::views::charts::{Window, seconds, stroke_of};
use crate::widgets::chart::{Series, Stroke2};

/// Samples kept: a quarter of an hour.
const KEPT: usize = 3_600;
/// Samples further apart than this are not one second's work: a gap.
const GAP_SECS: f64 = 2.5;

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: f64,
    writes: PerDc<Option<u64>>,
    failed: Option<u64>,
}

/// The samples, oldest first.
#[derive(Debug, Default)]
pub(super) struct Course {
    samples: VecDeque<Sample>,
    newest: Option<DateTime<Utc>>,
}

impl Course {
    /// Takes a snapshot, once.
    pub(super) fn take(&mut self, snapshot: &Snapshot) {
        if self.newest == Some(snapshot.at) {
            return;
        }
        self.newest = Some(snapshot.at);
        let writes = PerDc::from_fn(|dc| Some(snapshot.store.as_ref()?.dcs[dc].writes));
        let failed = snapshot
            .drill
            .as_ref()
            .map(|drill| drill.cells.iter().map(|cell| cell.failed).sum());
        self.samples.push_back(Sample {
            at: seconds(snapshot.at),
            writes,
            failed,
        });
        if self.samples.len() > KEPT {
            self.samples.pop_front();
        }
    }

    fn rates(
        &self,
        window: Window,
        value: impl Fn(&Sample) -> Option<u64>,
    ) -> Vec<(f64, Option<f64>)> {
        let (from, to) = window.seconds();
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        pairs
            .filter(|(_, now)| (from..=to).contains(&now.at))
            .map(|(before, now)| {
                let time = now.at - before.at;
                let rate = value(before)
                    .zip(value(now))
                    .filter(|_| time > 0.0 && time < GAP_SECS)
                    .map(|(before, now)| now.saturating_sub(before) as f64 / time);
                (now.at, rate)
            })
            .collect()
    }

    /// Writes that each data centre applied, per second.
    pub(super) fn applied(&self, window: Window, colors: &Palette) -> Vec<Series> {
        Dc::ALL
            .into_iter()
            .map(|dc| Series {
                name: dc.name().into(),
                color: colors.dc(dc),
                stroke: stroke_of(dc.region()),
                filled: false,
                points: self.rates(window, |sample| sample.writes[dc]),
            })
            .collect()
    }

    /// Requests of the drill that failed, per second.
    pub(super) fn failed(&self, window: Window, colors: &Palette) -> Vec<Series> {
        vec![Series {
            name: "failed".into(),
            color: colors.critical,
            stroke: Stroke2::Solid,
            filled: true,
            points: self.rates(window, |sample| sample.failed),
        }]
    }
}
