//! Engines over a log that does not do what it should: whoever asks it waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::gate::Gate;
use super::roles::Roles;
use super::whole_tests::{Opened, Place};
use crate::embedded::log::EmbeddedLog;
use crate::model::{CommittedOffset, Offset, Topic, TopicPartition};
use crate::ports::{
    Append, Fault, FetchedBatch, LoadMark, Log, LogError, PartitionOffsets, PendingAppend,
};

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);

/// A log that keeps those who ask for its ends waiting for as long as it is told to, and lets
/// nobody join.
struct Silent {
    log: EmbeddedLog,
    told: Arc<Told>,
}

/// What it is told, and what it was told.
#[derive(Default)]
struct Told {
    answers: Gate,
    /// Topics whose groups were left.
    left: Mutex<Vec<Topic>>,
}

impl Log for Silent {
    fn partitions(&self, topic: Topic) -> u16 {
        self.log.partitions(topic)
    }

    fn submit(&self, append: Append) -> Result<Box<dyn PendingAppend>, LogError> {
        self.log.submit(append)
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
        self.told.answers.pass();
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

    fn join(&self, _topic: Topic) -> Result<(), LogError> {
        Err(LogError::Refused {
            what: "nobody may join".into(),
            remedy: "do not join",
        })
    }

    fn leave(&self, topic: Topic) {
        self.told.left.lock().push(topic);
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

fn open(place: &Place, roles: Roles) -> (Opened, Arc<Told>) {
    let told = Arc::new(Told::default());
    let shared = Arc::clone(&told);
    let over = |log| -> Arc<dyn Log> { Arc::new(Silent { log, told: shared }) };
    (place.open_over(roles, |_| {}, over), told)
}

/// Whether something is so before long.
fn comes(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + DEADLINE;
    while !condition() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    condition()
}

#[test]
fn a_fault_ends_on_time_while_the_log_does_not_answer() {
    let place = Place::new();
    let (engine, told) = open(&place, Roles::none());
    told.answers.pause();
    let waits = comes(|| told.answers.held() > 0);
    let (log, store) = (engine.log.as_ref(), engine.store.as_ref());
    let lasts = Duration::from_millis(10);
    let started = engine
        .faults
        .start(Fault::LogDown, lasts, "test", log, store);
    let ended = comes(|| engine.faults.active().is_empty());
    let held = told.answers.held();
    // An engine is not closed while its sampler waits.
    told.answers.resume();
    assert!(waits, "the sampler asks for ends");
    started.unwrap();
    assert!(ended, "it is in force after {DEADLINE:?}");
    assert_eq!(held, 1, "the sampler waits still");
}

#[test]
fn a_consumer_that_ended_leaves_its_partitions_to_others() {
    let place = Place::new();
    let consume = vec![Topic::Quarantine];
    let roles = Roles {
        consume,
        ..Roles::none()
    };
    let (engine, told) = open(&place, roles);
    let failed = || engine.consumers.iter().all(|c| c.failed.lock().is_some());
    assert!(comes(failed), "it may not join");
    assert!(comes(|| *told.left.lock() == [Topic::Quarantine]));
}
