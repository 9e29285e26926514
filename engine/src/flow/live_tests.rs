//! Whole engines over real brokers and a store in memory. `LAB_SERVERS` says where the brokers are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tempfile::TempDir;

use super::load::LoadState;
use super::loads::{LoadEnd, LoadError, LoadRequest, Resume, Until};
use super::roles::Roles;
use super::runtime::Runtime;
use crate::clean::Rules;
use crate::config::{ErrorLimit, Settings};
use crate::embedded::disk::DataDirLock;
use crate::embedded::store::{EmbeddedStore, MemoryDisks, StoreOptions};
use crate::intake::ReadOptions;
use crate::live::kafka::{KafkaLog, TestTopics};
use crate::model::{CommittedOffset, Offset, Region, Topic, TopicPartition};
use crate::ports::{
    Access, Append, Assignment, Atomicity, Fault, FetchedBatch, LoadMark, Log, LogError,
    PartitionOffsets, PendingAppend, Store, SystemClock, SystemEntropy,
};
use crate::wire::Ports;

const SAMPLE: &str = include_str!("../../../assets/Online_Retail_first_10k.csv");
/// Rows of the sample, and lines of it that are sales, each once.
const ROWS: u64 = 10_000;
/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_mins(2);

/// Topics of its own, and a store that all engines share.
struct Place {
    topics: TestTopics,
    store: Arc<EmbeddedStore>,
    dir: TempDir,
    engines: AtomicUsize,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("rows.csv"), SAMPLE).unwrap();
        let clock = Arc::new(SystemClock::default());
        let disks = MemoryDisks::default();
        let store = EmbeddedStore::in_memory(&disks, clock, StoreOptions::default()).unwrap();
        Self {
            topics: TestTopics::new(),
            store: Arc::new(store),
            dir,
            engines: AtomicUsize::new(0),
        }
    }

    fn log(&self) -> KafkaLog {
        let clock = Arc::new(SystemClock::default());
        KafkaLog::connect(&self.topics.settings, clock, Arc::default()).unwrap()
    }

    fn open(&self, roles: Roles) -> Arc<Runtime> {
        self.open_on(Arc::new(self.log()), roles)
    }

    fn open_on(&self, log: Arc<dyn Log>, roles: Roles) -> Arc<Runtime> {
        let number = self.engines.fetch_add(1, Ordering::Relaxed);
        let own_dir = self.dir.path().join(format!("engine-{number}"));
        std::fs::create_dir_all(&own_dir).unwrap();
        let mut settings: Settings = self.topics.settings.clone();
        settings.data_dir.clone_from(&own_dir);
        settings.monitoring.port = 0;
        settings.flow.flush_lines = 500;
        let store = Arc::clone(&self.store);
        let ports = Ports {
            log,
            store: store as Arc<dyn Store>,
            clock: Arc::new(SystemClock::default()),
            entropy: Arc::new(SystemEntropy::seeded(1)),
            lock: DataDirLock::take(&own_dir).unwrap(),
            own_dir,
        };
        Runtime::start(settings, ports, roles).unwrap()
    }

    fn load(&self, engine: &Arc<Runtime>, until: Until) -> Result<LoadEnd, LoadError> {
        engine.load(&LoadRequest {
            file: self.dir.path().join("rows.csv"),
            options: ReadOptions::default(),
            rules: Rules::builtin().unwrap(),
            limit: ErrorLimit::None,
            until,
            resume: Resume::WhereItStood,
        })
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn a_load_through_kafka_closes_its_ledger() {
    let place = Place::new();
    let engine = place.open(Roles::all());
    let end = place.load(&engine, Until::Closed).unwrap();
    assert_eq!(end.record.intake.read, ROWS);
    assert!(end.ledger.is_closed(), "{:?}", end.ledger.gaps());
    let lines = engine.analytics.lines();
    assert_eq!(lines, end.ledger.new_lines());
    // The same again adds nothing.
    let again = place.load(&engine, Until::Closed).unwrap();
    assert!(again.ledger.is_closed(), "{:?}", again.ledger.gaps());
    assert_eq!(again.ledger.new_lines(), 0);
    assert_eq!(engine.analytics.lines(), lines);
    assert_eq!(engine.stop(), Vec::<String>::new());
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn two_engines_share_a_load_and_agree_on_its_figures() {
    let place = Place::new();
    let first = place.open(Roles::all());
    let second = place.open(Roles::all());
    let europe = |engine: &Runtime| {
        let topic = Topic::Lines(Region::Europe);
        engine.log.assignment(topic).unwrap().partitions.len()
    };
    wait_until("partitions are shared out", || {
        europe(&first) + europe(&second) == 3 && europe(&second) > 0
    });
    let end = place.load(&first, Until::Closed).unwrap();
    assert!(end.ledger.is_closed(), "{:?}", end.ledger.gaps());
    let lines = end.ledger.new_lines();
    for engine in [&first, &second] {
        engine.analytics.settle();
        assert_eq!(engine.analytics.lines(), lines);
    }
    for engine in [&first, &second] {
        let part = engine.counters.region(Region::Europe);
        let written = part.written.load(Ordering::Relaxed);
        assert!(written > 0 && written < lines, "{written} of {lines}");
    }
    let found = place.store.compare().unwrap();
    assert!(found.converged(), "{found:?}");
    first.stop();
    second.stop();
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn a_load_stops_at_a_topic_that_takes_no_batch_of_its_size_and_goes_on_when_it_does() {
    const SMALL: u32 = 1_000;
    const USUAL: u32 = 1_048_588;
    let place = Place::new();
    let europe = Topic::Lines(Region::Europe);
    place.topics.limit_batches(europe, SMALL);
    let engine = place.open(Roles::all());
    let end = place.load(&engine, Until::Closed).unwrap();
    let LoadState::Failed(why) = &end.record.state else {
        panic!("{:?}", end.record.state);
    };
    assert!(why.contains("Message size too large"), "{why}");
    assert!(end.record.intake.read < ROWS, "it stopped");
    place.topics.limit_batches(europe, USUAL);
    let end = place.load(&engine, Until::Closed).unwrap();
    assert_eq!(end.record.intake.read, ROWS);
    assert!(end.ledger.is_closed(), "{:?}", end.ledger.gaps());
    let undisturbed = Place::new();
    let other = undisturbed.open(Roles::all());
    undisturbed.load(&other, Until::Closed).unwrap();
    let (found, expect) = (place.store.compare(), undisturbed.store.compare());
    assert_eq!(found.unwrap().stored, expect.unwrap().stored);
    engine.stop();
    other.stop();
}

/// A log whose process dies after some appends: their records are there, the mark of the last one
/// is not.
struct Dying {
    log: KafkaLog,
    appends_left: AtomicUsize,
}

impl Log for Dying {
    fn partitions(&self, topic: Topic) -> u16 {
        self.log.partitions(topic)
    }

    fn atomicity(&self) -> Atomicity {
        self.log.atomicity()
    }

    fn access(&self) -> Access {
        self.log.access()
    }

    fn submit(&self, append: Append) -> Result<Box<dyn PendingAppend>, LogError> {
        match self.appends_left.load(Ordering::Acquire) {
            0 => Err(LogError::Closed),
            1 => {
                self.appends_left.store(0, Ordering::Release);
                let batches = append.batches;
                self.log.append(Append {
                    batches,
                    mark: None,
                })?;
                Err(LogError::Closed)
            }
            left => {
                self.appends_left.store(left - 1, Ordering::Release);
                self.log.submit(append)
            }
        }
    }

    fn fetch(
        &self,
        partition: TopicPartition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<FetchedBatch>, LogError> {
        self.log.fetch(partition, from, max_bytes)
    }

    fn wait_for_append(&self, topic: Topic, seen: u64, timeout: Duration) -> u64 {
        self.log.wait_for_append(topic, seen, timeout)
    }

    fn wake(&self) {
        self.log.wake();
    }

    fn offsets(&self, partition: TopicPartition) -> Result<PartitionOffsets, LogError> {
        self.log.offsets(partition)
    }

    fn offset_at(&self, partition: TopicPartition, at: DateTime<Utc>) -> Result<Offset, LogError> {
        self.log.offset_at(partition, at)
    }

    fn appended_at(
        &self,
        partition: TopicPartition,
        offset: Offset,
    ) -> Result<Option<DateTime<Utc>>, LogError> {
        self.log.appended_at(partition, offset)
    }

    fn committed(&self, partition: TopicPartition) -> Result<Option<CommittedOffset>, LogError> {
        self.log.committed(partition)
    }

    fn commit(&self, positions: &[(TopicPartition, CommittedOffset)]) -> Result<(), LogError> {
        self.log.commit(positions)
    }

    fn join(&self, topic: Topic) -> Result<(), LogError> {
        self.log.join(topic)
    }

    fn assignment(&self, topic: Topic) -> Result<Assignment, LogError> {
        self.log.assignment(topic)
    }

    fn marks(&self) -> Result<Vec<LoadMark>, LogError> {
        self.log.marks()
    }

    fn drop_before(&self, before: DateTime<Utc>) -> Result<u64, LogError> {
        self.log.drop_before(before)
    }

    fn set_faults(&self, faults: &[Fault]) {
        self.log.set_faults(faults);
    }

    fn close(&self) -> Result<(), LogError> {
        self.log.close()
    }
}

#[test]
#[ignore = "needs a lab: LAB_SERVERS"]
fn a_load_that_died_between_its_lines_and_its_mark_leaves_no_line_twice() {
    let place = Place::new();
    let dying = Dying {
        log: place.log(),
        appends_left: AtomicUsize::new(7),
    };
    let engine = place.open_on(Arc::new(dying), Roles::none());
    let error = place.load(&engine, Until::Produced);
    assert!(error.is_err(), "it died");
    // The store is that of the next engine too, so this one is left open as a dead process is.
    let next = place.open(Roles::all());
    let end = place.load(&next, Until::Closed).unwrap();
    assert_eq!(end.resumed_after, Some(6 * 500), "by its mark");
    assert_eq!(end.record.intake.read, ROWS);
    assert!(end.ledger.is_closed(), "{:?}", end.ledger.gaps());
    let in_the_log: u64 = next
        .partitions()
        .map(|p| next.log.offsets(p).unwrap().end.0)
        .sum();
    assert_eq!(in_the_log, ROWS, "each row once");
    next.stop();
    engine.stop();
}
