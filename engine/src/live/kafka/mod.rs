//! The log on Apache Kafka.
//!
//! One Kafka record is one record of the log, so that offsets are lines; its key is the invoice,
//! its load stands in a header, and its partition is set by the producer. Kafka's time stamp is
//! the time of the append. The marks of loads lie in a compacted topic of their own.
//!
//! Clients, each with its own connections: a producer of lines, one of marks, a reader for each
//! topic, one reader for whoever looks around, a member of each topic's consumer group, and one
//! that asks for offsets. No call waits longer than [`config::REQUEST_TIMEOUT`] for one answer,
//! an append [`producer::DELIVERY_WAIT`] for its acknowledgement. Where the ends and the groups
//! stand is asked all the time, so that is waited for less while the brokers do not answer
//! ([`health::Question`]).

mod commits;
mod config;
mod errors;
mod group;
mod health;
mod marks;
mod offsets;
pub(crate) mod probe;
mod producer;
mod reader;
#[cfg(test)]
mod tests;
mod topics;

#[cfg(test)]
pub(crate) use self::tests::TestTopics;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use parking_lot::{Mutex, RwLock};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::BaseConsumer;

use self::config::{KafkaConfig, PerTopic, QUEUED_RECORDS};
use self::errors::log_error;
use self::group::Group;
use self::health::{Ear, Link};
use self::marks::Marks;
use self::offsets::Offsets;
use self::producer::Appender;
use self::reader::Reader;
pub use self::topics::{Made, TopicState};
use super::faults::FaultControl;
use crate::config::Settings;
use crate::model::{CommittedOffset, EndOffset, Offset, Topic, TopicPartition};
use crate::ports::{
    Access, Append, Assignment, Atomicity, Clock, Fault, FetchedBatch, LoadMark, Log, LogActivity,
    LogError, PartitionOffsets, PendingAppend,
};

/// How often the clients are listened to that nothing waits for.
const LISTEN_EVERY: Duration = Duration::from_millis(100);

/// Everything that is open while the log is.
struct Parts {
    /// Dropped first, so that nothing is listened to that is closed.
    _listener: Listener,
    offsets: Arc<Offsets>,
    marks: Arc<Marks>,
    appender: Arc<Appender>,
    readers: Arc<PerTopic<Reader>>,
    /// For looks into a partition at other places than where its consumer reads.
    looker: Arc<PerTopic<Reader>>,
    groups: PerTopic<Group>,
}

/// The thread that serves what clients say by themselves.
struct Listener {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that listens to Kafka ended with a panic");
        }
    }
}

/// The log on Kafka.
pub struct KafkaLog {
    config: KafkaConfig,
    link: Arc<Link>,
    clock: Arc<dyn Clock>,
    faults: Arc<FaultControl>,
    /// A fault says that the log is down.
    is_down: AtomicBool,
    /// `None` when it is closed.
    parts: RwLock<Option<Arc<Parts>>>,
    /// Orders reads, so that the cursor used longest ago is moved.
    reads: AtomicU64,
    /// Time of the record at an offset, as asked for last in each partition.
    asked_times: Mutex<BTreeMap<TopicPartition, (u64, DateTime<Utc>)>>,
}

/// Makes the topics that are missing, and checks all. Doing it again changes nothing.
pub fn setup(settings: &Settings) -> Result<Vec<TopicState>, LogError> {
    let config = KafkaConfig::of(settings)?;
    let link = Arc::new(Link::new(config.brokers.clone()));
    let asker = asker(&config, &link)?;
    topics::make(&asker, &link, &config)
}

/// The topics of lines and of rows set aside that [`setup`] would make now.
pub fn missing(settings: &Settings) -> Result<Vec<Topic>, LogError> {
    let config = KafkaConfig::of(settings)?;
    let link = Arc::new(Link::new(config.brokers.clone()));
    topics::missing(&asker(&config, &link)?, &link, &config)
}

/// A client that asks for metadata and offsets.
fn asker(config: &KafkaConfig, link: &Arc<Link>) -> Result<BaseConsumer<Ear>, LogError> {
    BaseConsumer::from_config_and_context(&config.asking(), Ear::new(Arc::clone(link), "asker"))
        .map_err(|error| log_error(link, "start a client", &error))
}

/// Starts a named thread.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LogError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| LogError::Refused {
            what: format!("thread {name} could not start: {error}"),
            remedy: "raise the limit of threads of this account",
        })
}

impl KafkaLog {
    /// Connects, and checks that the topics are there as they are to be.
    pub fn connect(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        faults: Arc<FaultControl>,
    ) -> Result<Self, LogError> {
        let config = KafkaConfig::of(settings)?;
        let link = Arc::new(Link::new(config.brokers.clone()));
        let parts = Parts::connect(&config, &link, &clock)?;
        Ok(Self {
            config,
            link,
            clock,
            faults,
            is_down: AtomicBool::new(false),
            parts: RwLock::new(Some(Arc::new(parts))),
            reads: AtomicU64::new(0),
            asked_times: Mutex::default(),
        })
    }

    /// Members of a topic's consumer group, in all processes.
    pub fn members(&self, topic: Topic) -> Result<usize, LogError> {
        self.up()?.groups.of(topic).members()
    }

    /// What is open; an error when the log is closed, or a fault says that it is down.
    fn up(&self) -> Result<Arc<Parts>, LogError> {
        let parts = self.open()?;
        if self.is_down.load(Ordering::Acquire) {
            return Err(LogError::Down("a fault says so".into()));
        }
        Ok(parts)
    }

    fn open(&self) -> Result<Arc<Parts>, LogError> {
        self.parts.read().clone().ok_or(LogError::Closed)
    }

    fn known(&self, partition: TopicPartition) -> Result<(), LogError> {
        if partition.partition.0 < self.config.partitions_of(partition.topic) {
            return Ok(());
        }
        Err(LogError::NoPartition(partition))
    }

    /// Reads with the cursor that stands there, or else with the one used longest ago.
    fn read(
        &self,
        parts: &Parts,
        partition: TopicPartition,
        from: u64,
        end: u64,
        max_bytes: usize,
    ) -> Result<Vec<FetchedBatch>, LogError> {
        let used = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        let reader = parts.readers.of(partition.topic);
        let looker = parts.looker.of(partition.topic);
        let (reader_there, reader_used) = reader.stands_at(partition, from);
        let (looker_there, looker_used) = looker.stands_at(partition, from);
        let chosen = if reader_there || (!looker_there && reader_used <= looker_used) {
            reader
        } else {
            looker
        };
        chosen.read(partition, from, end, max_bytes, used)
    }

    /// What a commit says of the record before its offset, so that a topic that was made again is
    /// noticed: the time of that record.
    fn of_record_before(&self, partition: TopicPartition, at: CommittedOffset) -> String {
        let time = at.0.checked_sub(1).and_then(|before| {
            let time = Log::appended_at(self, partition, Offset(before));
            time.ok().flatten()
        });
        time.map_or_else(String::new, |time| time.timestamp_millis().to_string())
    }

    /// Whether the record before a committed offset is the one that was there at the commit.
    fn check_same_topic(
        &self,
        partition: TopicPartition,
        committed: CommittedOffset,
        of_record: &str,
    ) -> Result<(), LogError> {
        let topic = partition.topic;
        let offsets = self.open()?.offsets.now(partition)?;
        if committed.0 > offsets.end.0 {
            let what = format!(
                "the group stands at {} in {partition}, which ends at {}",
                committed.0, offsets.end.0
            );
            return Err(LogError::MadeAgain { topic, what });
        }
        if of_record.is_empty() || committed.0 <= offsets.begin.0 {
            return Ok(());
        }
        let found = self.of_record_before(partition, committed);
        if found.is_empty() || found == of_record {
            return Ok(());
        }
        let what = format!(
            "the record before {}, where the group stands in {partition}, is another one",
            committed.0
        );
        Err(LogError::MadeAgain { topic, what })
    }
}

impl Parts {
    fn connect(
        config: &KafkaConfig,
        link: &Arc<Link>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        let asker = Arc::new(asker(config, link)?);
        topics::check(&asker, link, config)?;
        let offsets = Arc::new(Offsets::new(
            Arc::clone(&asker),
            Arc::clone(link),
            config.clone(),
            Arc::clone(clock),
        ));
        let marks = Marks::new(config, link)?;
        let appender = Appender::new(
            config.clone(),
            Arc::clone(link),
            Arc::clone(&offsets),
            Arc::clone(&marks),
        )?;
        let readers = || {
            let made = PerTopic::try_from_fn(|topic| Reader::new(topic, config, link, &offsets));
            made.map(Arc::new)
        };
        let (readers, looker) = (readers()?, readers()?);
        let groups =
            PerTopic::try_from_fn(|topic| Group::new(topic, config, link, &offsets, clock))?;
        let ends = Arc::new(AtomicBool::new(false));
        let thread = {
            let ends = Arc::clone(&ends);
            let (readers, looker) = (Arc::clone(&readers), Arc::clone(&looker));
            let marks = Arc::clone(&marks);
            spawn("kafka-listen", move || {
                while !ends.load(Ordering::Acquire) {
                    if let Some(Err(error)) = asker.poll(LISTEN_EVERY) {
                        tracing::debug!(%error, "kafka");
                    }
                    readers.iter().for_each(Reader::listen);
                    looker.iter().for_each(Reader::listen);
                    marks.listen();
                }
            })?
        };
        Ok(Self {
            _listener: Listener {
                ends,
                thread: Some(thread),
            },
            offsets,
            marks,
            appender,
            readers,
            looker,
            groups,
        })
    }
}

impl Log for KafkaLog {
    fn partitions(&self, topic: Topic) -> u16 {
        self.config.partitions_of(topic)
    }

    fn atomicity(&self) -> Atomicity {
        Atomicity::Records
    }

    fn access(&self) -> Access {
        Access::Shared
    }

    fn submit(&self, append: Append) -> Result<Box<dyn PendingAppend>, LogError> {
        let parts = self.up()?;
        for (partition, _) in &append.batches {
            self.known(*partition)?;
        }
        parts
            .appender
            .submit(append, self.clock.now().timestamp_millis())
    }

    fn settle_appends(&self) -> Result<(), LogError> {
        self.up()?.appender.settle_given_up()
    }

    fn fetch(
        &self,
        partition: TopicPartition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<FetchedBatch>, LogError> {
        let parts = self.up()?;
        self.known(partition)?;
        let mut offsets = parts.offsets.reaching(partition, from.0 + 1)?;
        if from < offsets.begin || from.0 > offsets.end.0 {
            offsets = parts.offsets.now(partition)?;
        }
        if from < offsets.begin || from.0 > offsets.end.0 {
            return Err(LogError::OutOfRange {
                partition,
                offset: from,
                offsets,
            });
        }
        self.read(&parts, partition, from.0, offsets.end.0, max_bytes)
    }

    fn wait_for_append(&self, topic: Topic, seen: u64, timeout: Duration) -> u64 {
        let deadline = Instant::now() + timeout;
        let Ok(parts) = self.open() else {
            return seen;
        };
        let bell = parts.offsets.bell(topic);
        let heard = bell.rings();
        let age = LISTEN_EVERY;
        let sum = parts.offsets.sum(topic, age).unwrap_or(seen);
        if sum != seen || timeout.is_zero() {
            return sum;
        }
        bell.wait(heard, deadline);
        // It rang for an append, for lines that were fetched ahead, or to be looked at.
        parts.offsets.sum(topic, Duration::ZERO).unwrap_or(seen)
    }

    fn wake(&self) {
        if let Ok(parts) = self.open() {
            for topic in Topic::ALL {
                parts.offsets.bell(topic).ring();
            }
        }
    }

    fn offsets(&self, partition: TopicPartition) -> Result<PartitionOffsets, LogError> {
        let parts = self.up()?;
        self.known(partition)?;
        parts.offsets.of(partition)
    }

    fn offset_at(&self, partition: TopicPartition, at: DateTime<Utc>) -> Result<Offset, LogError> {
        let parts = self.up()?;
        self.known(partition)?;
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        // Times are kept in whole milliseconds: a later instant of one begins with the next.
        let millis = millis + u64::from(!at.timestamp_subsec_nanos().is_multiple_of(1_000_000));
        let found = parts.offsets.at_time(partition, millis)?;
        let EndOffset(end) = parts.offsets.of(partition)?.end;
        Ok(Offset(found.unwrap_or(end)))
    }

    fn appended_at(
        &self,
        partition: TopicPartition,
        offset: Offset,
    ) -> Result<Option<DateTime<Utc>>, LogError> {
        let parts = self.up()?;
        self.known(partition)?;
        let Offset(at) = offset;
        if let Some(time) = parts.readers.of(partition.topic).time_of(partition, at) {
            return Ok(Some(time));
        }
        if let Some((asked, time)) = self.asked_times.lock().get(&partition)
            && *asked == at
        {
            return Ok(Some(*time));
        }
        let mut offsets = parts.offsets.of(partition)?;
        if at > offsets.end.0 {
            offsets = parts.offsets.now(partition)?;
        }
        if at == offsets.end.0 {
            return Ok(None);
        }
        if at > offsets.end.0 || offset < offsets.begin {
            return Err(LogError::OutOfRange {
                partition,
                offset,
                offsets,
            });
        }
        let used = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        let looker = parts.looker.of(partition.topic);
        let read = looker.read(partition, at, offsets.end.0, 1, used)?;
        let time = read.first().map(|batch| batch.appended_at);
        if let Some(time) = time {
            self.asked_times.lock().insert(partition, (at, time));
        }
        Ok(time)
    }

    fn committed(&self, partition: TopicPartition) -> Result<Option<CommittedOffset>, LogError> {
        let parts = self.up()?;
        self.known(partition)?;
        let group = parts.groups.of(partition.topic);
        let (committed, of_record) = group.committed(partition)?;
        if let Some(at) = committed
            && !of_record.is_empty()
            && group.owns(partition.partition.0)
        {
            self.check_same_topic(partition, at, &of_record)?;
        }
        group.remember(partition.partition.0, committed);
        Ok(committed)
    }

    fn commit(&self, positions: &[(TopicPartition, CommittedOffset)]) -> Result<(), LogError> {
        let parts = self.up()?;
        let mut by_topic: BTreeMap<Topic, Vec<_>> = BTreeMap::new();
        for (partition, at) in positions {
            self.known(*partition)?;
            let mut offsets = parts.offsets.reaching(*partition, at.0)?;
            if at.0 > offsets.end.0 {
                offsets = parts.offsets.now(*partition)?;
            }
            if at.0 > offsets.end.0 {
                return Err(LogError::OutOfRange {
                    partition: *partition,
                    offset: Offset(at.0),
                    offsets,
                });
            }
            let of_record = self.of_record_before(*partition, *at);
            let of_topic = by_topic.entry(partition.topic).or_default();
            of_topic.push((*partition, *at, of_record));
        }
        for (topic, positions) in by_topic {
            parts.groups.of(topic).commit(&positions)?;
        }
        Ok(())
    }

    fn join(&self, topic: Topic) -> Result<(), LogError> {
        self.up()?.groups.of(topic).join()
    }

    fn assignment(&self, topic: Topic) -> Result<Assignment, LogError> {
        self.open()?.groups.of(topic).assignment()
    }

    fn assignment_epoch(&self, topic: Topic) -> u64 {
        self.open()
            .map_or(0, |parts| parts.groups.of(topic).epoch())
    }

    fn released(&self, topic: Topic, epoch: u64) {
        if let Ok(parts) = self.open() {
            parts.groups.of(topic).released(epoch);
        }
    }

    fn leave(&self, topic: Topic) {
        if let Ok(parts) = self.open() {
            parts.groups.of(topic).leave();
        }
    }

    fn marks(&self) -> Result<Vec<LoadMark>, LogError> {
        self.open()?.marks.all()
    }

    fn drop_before(&self, before: DateTime<Utc>) -> Result<u64, LogError> {
        let parts = self.up()?;
        let mut due = Vec::new();
        for topic in Topic::ALL {
            for number in 0..self.partitions(topic) {
                let partition = TopicPartition::new(topic, number);
                let Offset(old) = Log::offset_at(self, partition, before)?;
                let (committed, _) = parts.groups.of(topic).committed(partition)?;
                let until = old.min(committed.map_or(0, |at| at.0));
                let begin = parts.offsets.of(partition)?.begin.0;
                if until > begin {
                    let name = self.config.names.topic(topic).to_owned();
                    tracing::info!(%partition, lines = until - begin, "consumed lines are deleted");
                    due.push((name, number, until));
                }
            }
        }
        if due.is_empty() {
            return Ok(0);
        }
        topics::delete_before(&self.config, &self.link, &due)?;
        for topic in Topic::ALL {
            parts.offsets.forget(topic);
        }
        // The brokers free whole segments in their own time and do not say how many bytes.
        Ok(0)
    }

    fn activity(&self) -> LogActivity {
        let Ok(parts) = self.open() else {
            return LogActivity::default();
        };
        let rebalances = parts.groups.iter().map(Group::rebalances).sum();
        LogActivity {
            syncs: None,
            queued: Some(parts.appender.queued()),
            capacity: Some(QUEUED_RECORDS),
            round_trip: self.link.round_trip(),
            rebalances: Some(rebalances),
        }
    }

    fn refuses(&self, fault: &Fault) -> Option<String> {
        match fault {
            Fault::LogDown => self.faults.refusal(fault),
            // The store is asked about its data centres.
            _ => None,
        }
    }

    fn set_faults(&self, faults: &[Fault]) {
        self.is_down
            .store(faults.contains(&Fault::LogDown), Ordering::Release);
        self.faults.set(faults);
    }

    fn close(&self) -> Result<(), LogError> {
        let parts = self.parts.write().take();
        let Some(parts) = parts else {
            return Ok(());
        };
        for topic in Topic::ALL {
            parts.offsets.bell(topic).ring();
        }
        // Commits were acknowledged when they were made. An append that nobody waits for any more
        // is not owed to anybody, so a log that cannot be reached is closed all the same.
        if let Err(error) = parts.appender.settle_given_up() {
            tracing::warn!(%error, "lines on their way were given up");
        }
        drop(parts);
        Ok(())
    }
}
