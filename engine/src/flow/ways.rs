//! How long lines are under way: from being read till all three data centres have them.
//!
//! Lines that the producer sent together are one measurement, counted from the first of them: the
//! others were read later, so no line was under way for longer. The two ends are reported by two
//! threads in either order, and meet here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::probe::Delay;
use crate::model::{Reading, TopicPartition};
use crate::ports::FlushSpan;
use crate::telemetry::Metrics;

/// Ends kept per partition that wait for the other one, minutes of them at rest. A process that
/// only consumes never has the first end, so the oldest must go.
const WAITING: usize = 4_096;
/// Measurements that the percentiles are of: at rest half a minute, with three partitions busy.
const KEPT: usize = 2_048;
/// A way is news for so long.
const FRESH: Duration = Duration::from_secs(5);

/// What is under way.
pub(crate) struct Ways {
    inner: Mutex<Inner>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Inner {
    parts: BTreeMap<TopicPartition, Part>,
    recent: VecDeque<Duration>,
    newest_at: Duration,
}

/// The ends of one partition that wait for each other.
#[derive(Default)]
struct Part {
    /// One past the last offset of lines, and when the first of them was read.
    read: VecDeque<(u64, Duration)>,
    /// What was visible when.
    visible: VecDeque<(FlushSpan, Duration)>,
}

impl Ways {
    /// Ways that tell metrics of their own.
    #[cfg(test)]
    pub(crate) fn of_a_test() -> std::sync::Arc<Self> {
        let metrics = Metrics::new(crate::config::Mode::Embedded).unwrap();
        std::sync::Arc::new(Self::new(std::sync::Arc::new(metrics)))
    }

    /// Nothing is under way.
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            inner: Mutex::default(),
            metrics,
        }
    }

    /// Lines that end before offset `end` were read from `at` on.
    pub(crate) fn read(&self, partition: TopicPartition, end: u64, at: Duration) {
        let mut inner = self.inner.lock();
        let part = inner.parts.entry(partition).or_default();
        let seen = part.visible.iter().find(|(span, _)| holds(span, end));
        match seen.map(|(_, seen)| *seen) {
            Some(seen) => self.measured(&mut inner, at, seen),
            None => push(&mut part.read, (end, at)),
        }
    }

    /// What a flush holds was in all three data centres at `now`.
    pub(crate) fn visible(&self, spans: &[FlushSpan], now: Duration) {
        let mut inner = self.inner.lock();
        for span in spans {
            let part = inner.parts.entry(span.partition).or_default();
            push(&mut part.visible, (*span, now));
            self.arrived(&mut inner, span, now);
        }
    }

    /// All three data centres are seen to have everything before offset `to` at `now`: what one
    /// of them got later than with its flush.
    pub(crate) fn settled(&self, partition: TopicPartition, to: u64, now: Duration) {
        let span = FlushSpan {
            partition,
            from: 0,
            to,
        };
        self.arrived(&mut self.inner.lock(), &span, now);
    }

    fn arrived(&self, inner: &mut Inner, span: &FlushSpan, now: Duration) {
        let Some(part) = inner.parts.get_mut(&span.partition) else {
            return;
        };
        let mut begins = Vec::new();
        part.read.retain(|(end, at)| {
            let arrived = holds(span, *end);
            if arrived {
                begins.push(*at);
            }
            !arrived
        });
        for begin in begins {
            self.measured(inner, begin, now);
        }
    }

    fn measured(&self, inner: &mut Inner, begin: Duration, end: Duration) {
        let took = end.saturating_sub(begin);
        self.metrics.observe_visible(took);
        if inner.recent.len() == KEPT {
            inner.recent.pop_front();
        }
        inner.recent.push_back(took);
        inner.newest_at = inner.newest_at.max(end);
    }

    /// Percentiles of the last ways; stale when none ended for some seconds.
    pub(crate) fn view(&self, now: Duration) -> Reading<Delay> {
        let inner = self.inner.lock();
        let Some(value) = Delay::of(&inner.recent) else {
            return Reading::Unknown("no line has come through yet".into());
        };
        let age = now.saturating_sub(inner.newest_at);
        if age > FRESH {
            Reading::Stale { value, age }
        } else {
            Reading::Known(value)
        }
    }
}

/// Whether the lines that end before `end` are the last ones, or among those, of a span.
const fn holds(span: &FlushSpan, end: u64) -> bool {
    span.from < end && end <= span.to
}

fn push<T>(queue: &mut VecDeque<T>, entry: T) {
    if queue.len() == WAITING {
        queue.pop_front();
    }
    queue.push_back(entry);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;
    use crate::model::{Region, Topic};

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const fn partition() -> TopicPartition {
        TopicPartition::new(Topic::Lines(Region::Europe), 1)
    }

    const fn span(from: u64, to: u64) -> FlushSpan {
        let partition = partition();
        FlushSpan {
            partition,
            from,
            to,
        }
    }

    fn ways() -> Ways {
        Ways::new(Arc::new(Metrics::new(Mode::Embedded).unwrap()))
    }

    fn p99(ways: &Ways, now: Duration) -> Option<(u64, usize)> {
        let view = ways.view(now);
        view.known().map(|delay| (delay.p99_us, delay.samples))
    }

    #[test]
    fn a_way_is_measured_whichever_end_is_reported_first() {
        let ways = ways();
        ways.read(partition(), 10, ms(100));
        ways.visible(&[span(0, 10)], ms(130));
        assert_eq!(p99(&ways, ms(130)), Some((30_000, 1)));
        ways.visible(&[span(10, 20)], ms(170));
        ways.read(partition(), 20, ms(120));
        assert_eq!(p99(&ways, ms(170)), Some((50_000, 2)));
        let text = ways.metrics.text().unwrap();
        assert!(text.contains("retail_visible_seconds_count 2"), "{text}");
    }

    #[test]
    fn what_one_data_centre_lacks_is_under_way_until_it_has_it() {
        let ways = ways();
        ways.read(partition(), 10, ms(0));
        ways.read(partition(), 20, ms(10));
        // The flush of the first ten was kept as a hint; the next one went everywhere.
        ways.visible(&[span(10, 20)], ms(40));
        assert_eq!(p99(&ways, ms(40)), Some((30_000, 1)));
        ways.settled(partition(), 20, ms(2_000));
        assert_eq!(p99(&ways, ms(2_000)), Some((2_000_000, 2)));
    }

    #[test]
    fn an_old_way_is_stale_and_none_is_unknown() {
        let ways = ways();
        assert!(matches!(ways.view(ms(0)), Reading::Unknown(_)));
        ways.read(partition(), 1, ms(0));
        ways.visible(&[span(0, 1)], ms(1));
        assert!(matches!(ways.view(ms(5_001)), Reading::Known(_)));
        assert!(matches!(ways.view(ms(5_002)), Reading::Stale { .. }));
    }
}
