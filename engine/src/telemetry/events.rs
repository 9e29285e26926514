//! Events: what happened, told once, seen in the log, in the metrics and on every console.
//!
//! The ring keeps the newest events only. A reader holds a [`Cursor`] and drains what came since;
//! a reader that was away for too long is told so, and nobody ever waits for a reader.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::Serialize;

use super::event_kind::{EventKind, EventLevel, EventSource};
use super::metrics::Metrics;
use crate::model::PerDc;
use crate::ports::Clock;
use crate::watch::health::ErrorCounts;

/// Events kept: hours of a quiet engine, and a drill with every fault many times over.
const EVENTS_KEPT: usize = 1_000;
/// An event that is told again within this time counts up the one that is there.
const REPEAT_WITHIN: Duration = Duration::from_mins(5);

/// Something that happened, as consoles and files show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Number of the event, growing; a repeat gets a new one.
    pub seq: u64,
    /// When it happened, for the last time if repeated.
    pub at: DateTime<Utc>,
    /// When it happened first.
    pub first_at: DateTime<Utc>,
    /// How often it happened, from 1.
    pub repeats: u64,
    /// How much it asks of a person.
    pub level: EventLevel,
    /// Where it comes from.
    pub source: EventSource,
    /// In words.
    pub text: String,
    /// What happened, with its figures.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// A reader's place: everything before it was drained. The default is before the first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Cursor(u64);

/// What came since a cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct Drained {
    /// The events, oldest first. One that was drained before and repeated since is here again,
    /// with its count; it takes the place of the one with the same `kind` and `first_at`.
    pub events: Vec<Event>,
    /// Where to go on.
    pub next: Cursor,
    /// Whether events after the cursor had left the ring already.
    pub overrun: bool,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Event>,
    next_seq: u64,
    /// The newest event that left the ring for want of room is before this number.
    evicted_before: u64,
}

/// Takes events and tells them everywhere. Cheap to clone; may be used from any thread.
#[derive(Clone)]
pub struct EventLog {
    ring: Arc<Mutex<Ring>>,
    capacity: usize,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

impl EventLog {
    /// An empty log.
    pub fn new(metrics: Arc<Metrics>, clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity(EVENTS_KEPT, metrics, clock)
    }

    fn with_capacity(capacity: usize, metrics: Arc<Metrics>, clock: Arc<dyn Clock>) -> Self {
        Self {
            ring: Arc::default(),
            capacity,
            metrics,
            clock,
        }
    }

    /// Tells an event: its metric, its line in the log, its place in the ring. Returns the number
    /// it got.
    pub fn emit(&self, kind: EventKind) -> u64 {
        kind.count(&self.metrics);
        let event = self.keep(kind);
        // The 1st, 2nd, 4th, 8th ... time: a storm of one error does not bury the log.
        if event.repeats.is_power_of_two() {
            event.kind.log(event.repeats);
        }
        event.seq
    }

    fn keep(&self, kind: EventKind) -> Event {
        let at = self.clock.now();
        let mut ring = self.ring.lock();
        let seq = ring.next_seq;
        ring.next_seq += 1;
        // Only what asks for attention is folded: a data centre that goes up and down and up is
        // three events, and each is a point in time on a chart.
        let earlier = (kind.level() > EventLevel::Info)
            .then(|| ring.place_of(&kind, at))
            .flatten()
            .and_then(|place| ring.events.remove(place));
        let event = Event {
            seq,
            at,
            first_at: earlier.as_ref().map_or(at, |event| event.first_at),
            repeats: earlier.map_or(1, |event| event.repeats + 1),
            level: kind.level(),
            source: kind.source(),
            text: kind.text(),
            kind,
        };
        ring.events.push_back(event.clone());
        while ring.events.len() > self.capacity {
            if let Some(gone) = ring.events.pop_front() {
                ring.evicted_before = gone.seq + 1;
            }
        }
        event
    }

    /// The events since `cursor`.
    pub fn since(&self, cursor: Cursor) -> Drained {
        let ring = self.ring.lock();
        let from = ring.events.partition_point(|event| event.seq < cursor.0);
        Drained {
            events: ring.events.range(from..).cloned().collect(),
            next: Cursor(ring.next_seq),
            overrun: cursor.0 < ring.evicted_before,
        }
    }

    /// ERROR events at `from` or later: all, and those that name a data centre by it. A repeated
    /// one counts once.
    pub fn errors_since(&self, from: DateTime<Utc>) -> (u64, ErrorCounts) {
        let ring = self.ring.lock();
        let (mut all, mut by_dc) = (0, PerDc([0; 3]));
        let newest_first = ring.events.iter().rev();
        for event in newest_first.take_while(|event| event.at >= from) {
            if event.level == EventLevel::Error {
                all += 1;
                if let Some(dc) = event.kind.dc() {
                    by_dc[dc] += 1;
                }
            }
        }
        (all, by_dc)
    }

    /// A cursor behind the newest event.
    pub fn now(&self) -> Cursor {
        Cursor(self.ring.lock().next_seq)
    }
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLog").finish_non_exhaustive()
    }
}

impl Ring {
    /// Place of the same event, if it was told a short while ago and nothing of its source has
    /// been told since: folding over another state would turn history round.
    fn place_of(&self, kind: &EventKind, at: DateTime<Utc>) -> Option<usize> {
        let newest = |event: &&(usize, &Event)| event.1.source == kind.source();
        let last: (usize, &Event) = self.events.iter().enumerate().rev().find(|e| newest(&e))?;
        let age = (at - last.1.at).to_std().unwrap_or_default();
        (last.1.kind == *kind && age <= REPEAT_WITHIN).then_some(last.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::config::Mode;
    use crate::model::{Dc, LoadId, Region};
    use crate::ports::DcState;

    /// A clock that a test moves, in seconds.
    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> DateTime<Utc> {
            DateTime::from_timestamp(self.0.load(Ordering::Relaxed), 0).unwrap()
        }
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
        fn sleep(&self, duration: Duration) {
            let secs = i64::try_from(duration.as_secs()).unwrap();
            self.0.fetch_add(secs, Ordering::Relaxed);
        }
    }

    fn log(capacity: usize) -> (EventLog, Arc<Hand>, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new(Mode::Embedded).unwrap());
        let clock = Arc::new(Hand::default());
        let log = EventLog::with_capacity(capacity, Arc::clone(&metrics), clock.clone());
        (log, clock, metrics)
    }

    fn write_failed() -> EventKind {
        EventKind::WriteFailed {
            dc: Dc::Americas,
            cause: "no answer in 1000 ms".to_owned(),
        }
    }

    fn changed(state: DcState) -> EventKind {
        let dc = Dc::Americas;
        EventKind::DcChanged { dc, state }
    }

    fn resumed(row: u64) -> EventKind {
        let load = LoadId(1);
        EventKind::LoadResumed { load, row }
    }

    #[test]
    fn a_cursor_drains_each_event_once() {
        let (log, _, _) = log(10);
        log.emit(resumed(1));
        let first = log.since(Cursor::default());
        assert_eq!((first.events.len(), first.overrun), (1, false));
        assert_eq!(log.since(first.next).events, []);
        log.emit(resumed(2));
        log.emit(resumed(3));
        let texts: Vec<_> = log
            .since(first.next)
            .events
            .into_iter()
            .map(|e| e.text)
            .collect();
        assert_eq!(
            texts,
            ["L-0001 goes on from row 2", "L-0001 goes on from row 3"]
        );
        assert_eq!(log.since(log.now()).events, []);
    }

    #[test]
    fn a_reader_that_was_away_too_long_is_told() {
        let (log, _, _) = log(3);
        let start = log.now();
        for row in 0..3 {
            log.emit(resumed(row));
        }
        assert!(
            !log.since(start).overrun,
            "a full ring has lost nothing yet"
        );
        log.emit(resumed(3));
        let drained = log.since(start);
        assert_eq!((drained.events.len(), drained.overrun), (3, true));
        assert!(!log.since(drained.next).overrun);
    }

    #[test]
    fn a_repeated_warning_counts_up_and_is_drained_again() {
        let (log, clock, _) = log(10);
        log.emit(write_failed());
        log.emit(resumed(1));
        let seen = log.since(Cursor::default()).next;
        for _ in 0..4 {
            clock.sleep(Duration::from_secs(10));
            log.emit(write_failed());
        }
        let events = log.since(seen).events;
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].repeats, events[0].first_at.timestamp()), (5, 0));
        assert_eq!(events[0].at.timestamp(), 40);
        assert_eq!(log.since(Cursor::default()).events.len(), 2);
        clock.sleep(REPEAT_WITHIN + Duration::from_secs(1));
        log.emit(write_failed());
        assert_eq!(
            log.since(Cursor::default()).events.len(),
            3,
            "much later it is news"
        );
    }

    #[test]
    fn errors_are_counted_within_a_window_and_by_data_centre() {
        let (log, clock, _) = log(10);
        log.emit(changed(DcState::Down));
        clock.sleep(Duration::from_secs(10));
        let from = clock.now();
        assert_eq!(log.errors_since(from), (0, PerDc([0; 3])));
        log.emit(EventKind::RepairNeeded { dc: Dc::Europe });
        log.emit(EventKind::LedgerOpen {
            load: LoadId(1),
            gap: 3,
        });
        log.emit(write_failed());
        assert_eq!(log.errors_since(from), (2, PerDc([1, 0, 0])));
        let start = DateTime::from_timestamp(0, 0).unwrap();
        assert_eq!(log.errors_since(start), (3, PerDc([1, 1, 0])));
    }

    #[test]
    fn states_are_never_folded_across_another_state() {
        let (log, _, metrics) = log(10);
        for state in [DcState::Down, DcState::Up, DcState::Down, DcState::Up] {
            log.emit(changed(state));
        }
        let texts: Vec<_> = log
            .since(Cursor::default())
            .events
            .into_iter()
            .map(|e| e.text)
            .collect();
        assert_eq!(
            texts,
            [
                "Americas_DC is down",
                "Americas_DC is up",
                "Americas_DC is down",
                "Americas_DC is up"
            ]
        );
        let text = metrics.text().unwrap();
        assert!(
            text.contains("retail_dc_up{dc=\"Americas_DC\"} 1"),
            "{text}"
        );
    }

    #[test]
    fn an_event_moves_its_metric_and_has_a_flat_json_form() {
        let (log, _, metrics) = log(10);
        log.emit(EventKind::FailedOver {
            region: Region::Europe,
            to: Dc::AsiaPacific,
        });
        let text = metrics.text().unwrap();
        assert!(
            text.contains("retail_failovers_total{region=\"europe\"} 1"),
            "{text}"
        );
        let event = log.since(Cursor::default()).events.remove(0);
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::json!({
                "seq": 0, "at": "1970-01-01T00:00:00Z", "first_at": "1970-01-01T00:00:00Z",
                "repeats": 1, "level": "warn", "source": "failover",
                "text": "Europe failed over to AsiaPacific_DC",
                "kind": "failed_over", "region": "europe", "to": "AsiaPacific_DC",
            })
        );
    }
}
