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

use super::metrics::Metrics;
use crate::model::{Dc, LoadId, Region, TopicPartition};
use crate::ports::{Clock, DcState, Fault};

/// Events kept: hours of a quiet engine, and a drill with every fault many times over.
const EVENTS_KEPT: usize = 1_000;
/// An event that is told again within this time counts up the one that is there.
const REPEAT_WITHIN: Duration = Duration::from_mins(5);

/// How much an event asks of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventLevel {
    /// For the record.
    Info,
    /// To be looked at.
    Warn,
    /// To be acted on.
    Error,
}

/// Which part of the engine an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventSource {
    /// Opening and closing.
    Engine,
    /// A load.
    Load,
    /// A data centre or the store as a whole.
    Store,
    /// Moving regions.
    Failover,
    /// Going back in the log.
    Replay,
    /// Faults and drills.
    Drill,
    /// The metrics endpoint.
    Monitoring,
}

/// What happened, with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum EventKind {
    /// The engine is open.
    EngineOpened {
        /// Lines that were stored before.
        lines: u64,
    },
    /// A worker ended with a panic or an error that stops the engine.
    WorkerFailed {
        /// Name of its thread.
        worker: String,
        /// What it said.
        cause: String,
    },
    /// A load began.
    LoadStarted {
        /// The load.
        load: LoadId,
        /// The file as given.
        file: String,
    },
    /// A load that was cut off goes on.
    LoadResumed {
        /// The load.
        load: LoadId,
        /// Row that it goes on from.
        row: u64,
    },
    /// A load ended.
    LoadEnded {
        /// The load.
        load: LoadId,
        /// Rows read.
        read: u64,
        /// Lines that were not stored before.
        new: u64,
        /// Rows set aside.
        set_aside: u64,
    },
    /// A load ended and its ledger has a gap.
    LedgerOpen {
        /// The load.
        load: LoadId,
        /// Lines that are in no place, or in two.
        gap: u64,
    },
    /// A load stopped before its end.
    LoadStopped {
        /// The load.
        load: LoadId,
        /// Why.
        cause: String,
    },
    /// A data centre changed its state, as its own requests show it.
    DcChanged {
        /// The data centre.
        dc: Dc,
        /// The new state.
        state: DcState,
    },
    /// Writes at a data centre fail.
    WriteFailed {
        /// The data centre.
        dc: Dc,
        /// What it said.
        cause: String,
    },
    /// The hint window of a data centre has passed.
    RepairNeeded {
        /// The data centre.
        dc: Dc,
    },
    /// Data centres were compared and made equal.
    Repaired {
        /// Buckets that differed.
        buckets: u64,
        /// Rows copied.
        lines: u64,
    },
    /// The reads and writes of a region moved away from its home.
    FailedOver {
        /// The region.
        region: Region,
        /// Where to.
        to: Dc,
    },
    /// The reads and writes of a region are at home again.
    FailedBack {
        /// The region.
        region: Region,
    },
    /// A consumer group was moved.
    Replayed {
        /// The partition.
        partition: TopicPartition,
        /// Committed offset before.
        from: u64,
        /// Committed offset after.
        to: u64,
    },
    /// A fault is in force.
    FaultStarted {
        /// The fault.
        fault: Fault,
        /// Seconds until it ends by itself.
        lease_secs: u64,
    },
    /// A fault is over.
    FaultEnded {
        /// The fault.
        fault: Fault,
    },
    /// Faults of an earlier process were found in the journal and cleared.
    FaultsCleared {
        /// How many.
        faults: u64,
    },
    /// The metrics endpoint is up.
    MonitoringStarted {
        /// The port in use.
        port: u16,
        /// The port that the settings name.
        wanted: u16,
    },
    /// There is no metrics endpoint, and the engine goes on without.
    MonitoringFailed {
        /// Why.
        cause: String,
    },
}

impl EventKind {
    /// How much it asks of a person.
    pub const fn level(&self) -> EventLevel {
        match self {
            Self::EngineOpened { .. }
            | Self::LoadStarted { .. }
            | Self::LoadResumed { .. }
            | Self::LoadEnded { .. }
            | Self::DcChanged {
                state: DcState::Up, ..
            }
            | Self::Repaired { .. }
            | Self::FailedBack { .. }
            | Self::Replayed { .. }
            | Self::FaultEnded { .. }
            | Self::MonitoringStarted { .. } => EventLevel::Info,
            Self::LoadStopped { .. }
            | Self::DcChanged {
                state: DcState::Suspect | DcState::Unknown,
                ..
            }
            | Self::WriteFailed { .. }
            | Self::FailedOver { .. }
            | Self::FaultStarted { .. }
            | Self::FaultsCleared { .. }
            | Self::MonitoringFailed { .. } => EventLevel::Warn,
            Self::WorkerFailed { .. }
            | Self::LedgerOpen { .. }
            | Self::DcChanged {
                state: DcState::Down,
                ..
            }
            | Self::RepairNeeded { .. } => EventLevel::Error,
        }
    }

    /// Which part of the engine it comes from.
    pub const fn source(&self) -> EventSource {
        match self {
            Self::EngineOpened { .. } | Self::WorkerFailed { .. } => EventSource::Engine,
            Self::LoadStarted { .. }
            | Self::LoadResumed { .. }
            | Self::LoadEnded { .. }
            | Self::LedgerOpen { .. }
            | Self::LoadStopped { .. } => EventSource::Load,
            Self::DcChanged { .. }
            | Self::WriteFailed { .. }
            | Self::RepairNeeded { .. }
            | Self::Repaired { .. } => EventSource::Store,
            Self::FailedOver { .. } | Self::FailedBack { .. } => EventSource::Failover,
            Self::Replayed { .. } => EventSource::Replay,
            Self::FaultStarted { .. } | Self::FaultEnded { .. } | Self::FaultsCleared { .. } => {
                EventSource::Drill
            }
            Self::MonitoringStarted { .. } | Self::MonitoringFailed { .. } => {
                EventSource::Monitoring
            }
        }
    }

    /// The event in words, without time and source.
    pub fn text(&self) -> String {
        match self {
            Self::EngineOpened { lines } => format!("Open, with {lines} lines stored"),
            Self::WorkerFailed { worker, cause } => format!("{worker} stopped: {cause}"),
            Self::LoadStarted { load, file } => format!("{load} started: {file}"),
            Self::LoadResumed { load, row } => format!("{load} goes on from row {row}"),
            Self::LoadEnded {
                load,
                read,
                new,
                set_aside,
            } => format!("{load} ended: {read} rows read, {new} new lines, {set_aside} set aside"),
            Self::LedgerOpen { load, gap } => {
                format!("The ledger of {load} does not close: {gap} lines are unaccounted for")
            }
            Self::LoadStopped { load, cause } => format!("{load} stopped: {cause}"),
            Self::DcChanged { dc, state } => match state {
                DcState::Up => format!("{dc} is up"),
                DcState::Suspect => format!("{dc} is suspect"),
                DcState::Down => format!("{dc} is down"),
                DcState::Unknown => format!("The state of {dc} is not known"),
            },
            Self::WriteFailed { dc, cause } => format!("A write failed at {dc}: {cause}"),
            Self::RepairNeeded { dc } => {
                format!("Hints for {dc} are past their window; it needs a repair")
            }
            Self::Repaired { buckets, lines } => {
                format!("Repair made {buckets} buckets equal, {lines} rows copied")
            }
            Self::FailedOver { region, to } => format!("{region} failed over to {to}"),
            Self::FailedBack { region } => format!("{region} is back at {}", region.home()),
            Self::Replayed {
                partition,
                from,
                to,
            } => format!("{partition} moved from offset {from} to {to}"),
            Self::FaultStarted { fault, lease_secs } => {
                format!("Fault started: {fault}, for {lease_secs} s at most")
            }
            Self::FaultEnded { fault } => format!("Fault ended: {fault}"),
            Self::FaultsCleared { faults } => {
                format!("{faults} faults of an earlier run were cleared")
            }
            Self::MonitoringStarted { port, wanted } if port == wanted => {
                format!("Metrics on port {port}")
            }
            Self::MonitoringStarted { port, wanted } => {
                format!("Metrics on port {port}, because {wanted} is in use")
            }
            Self::MonitoringFailed { cause } => format!("No metrics endpoint: {cause}"),
        }
    }

    /// Moves the metric that belongs to it.
    fn count(&self, metrics: &Metrics) {
        match self {
            Self::DcChanged { dc, state } => metrics.set_dc_state(*dc, *state),
            Self::WriteFailed { dc, .. } => metrics.add_write_error(*dc),
            Self::FailedOver { region, .. } => metrics.add_failover(*region),
            _ => {}
        }
    }

    /// Writes its line into the log.
    fn log(&self, repeats: u64) {
        let source = self.source();
        let text = self.text();
        match self.level() {
            EventLevel::Info => tracing::info!(?source, repeats, "{text}"),
            EventLevel::Warn => tracing::warn!(?source, repeats, "{text}"),
            EventLevel::Error => tracing::error!(?source, repeats, "{text}"),
        }
    }
}

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
        let (log, clock, metrics) = log(10);
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
        let text = metrics.text().unwrap();
        assert!(
            text.contains("retail_write_errors_total{dc=\"Americas_DC\"} 5"),
            "{text}"
        );
        clock.sleep(REPEAT_WITHIN + Duration::from_secs(1));
        log.emit(write_failed());
        assert_eq!(
            log.since(Cursor::default()).events.len(),
            3,
            "much later it is news"
        );
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
