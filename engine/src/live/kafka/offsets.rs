//! Begin and end of every partition as far as known here, and the bell that rings when they grow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

use super::config::{KafkaConfig, PerTopic, REQUEST_TIMEOUT};
use super::errors::log_error;
use super::health::{Ear, Link, Question};
use crate::model::{EndOffset, Offset, Topic, TopicPartition};
use crate::ports::{Clock, LogError, PartitionOffsets};

/// How old an answer may be. What this process appends itself is known at once.
const FRESH: Duration = Duration::from_millis(100);
/// How old the begin of a partition may be.
const BEGINS_FRESH: Duration = Duration::from_secs(1);

/// Tells waiters of a topic that something happened. Counts, so that nothing is missed.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    /// Wakes whoever waits.
    pub(super) fn ring(&self) {
        *self.rings.lock() += 1;
        self.rung.notify_all();
    }

    /// How often it rang.
    pub(super) fn rings(&self) -> u64 {
        *self.rings.lock()
    }

    /// Waits until it rang more often than `heard`, or until `deadline`.
    pub(super) fn wait(&self, heard: u64, deadline: Instant) {
        let mut rings = self.rings.lock();
        while *rings == heard {
            if self.rung.wait_until(&mut rings, deadline).timed_out() {
                return;
            }
        }
    }
}

/// What is known of a topic's partitions.
#[derive(Debug, Default)]
struct Known {
    /// When it was asked for; `None` for never.
    at: Option<Instant>,
    /// When the begins were asked for. Only retention moves them.
    begins_at: Option<Instant>,
    /// How asking went.
    question: Question,
    partitions: BTreeMap<TopicPartition, PartitionOffsets>,
    /// How it shows that the topic is not the one that was opened.
    made_again: Option<String>,
}

/// Begin and end of every partition.
pub(super) struct Offsets {
    /// Asks; it belongs to no group.
    pub(super) asker: Arc<BaseConsumer<Ear>>,
    link: Arc<Link>,
    config: KafkaConfig,
    clock: Arc<dyn Clock>,
    known: PerTopic<Mutex<Known>>,
    bells: PerTopic<Bell>,
}

impl Offsets {
    /// Of which nothing is known yet.
    pub(super) fn new(
        asker: Arc<BaseConsumer<Ear>>,
        link: Arc<Link>,
        config: KafkaConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            asker,
            link,
            config,
            clock,
            known: PerTopic::from_fn(|_| Mutex::default()),
            bells: PerTopic::from_fn(|_| Bell::default()),
        }
    }

    /// Rings when a topic may have grown, or its readers must look up for another reason.
    pub(super) const fn bell(&self, topic: Topic) -> &Bell {
        self.bells.of(topic)
    }

    /// Begin and end of a partition.
    pub(super) fn of(&self, partition: TopicPartition) -> Result<PartitionOffsets, LogError> {
        self.within(partition, FRESH)
    }

    /// Begin and end of a partition; from memory, whatever its age, if that reaches `at`: whoever
    /// reads or commits behind the end needs no newer one.
    pub(super) fn reaching(
        &self,
        partition: TopicPartition,
        at: u64,
    ) -> Result<PartitionOffsets, LogError> {
        let known = self.known.of(partition.topic).lock();
        match known.partitions.get(&partition) {
            Some(offsets) if offsets.end.0 >= at && known.made_again.is_none() => Ok(*offsets),
            Some(_) | None => {
                drop(known);
                self.of(partition)
            }
        }
    }

    /// Begin and end of a partition, asked for now.
    pub(super) fn now(&self, partition: TopicPartition) -> Result<PartitionOffsets, LogError> {
        self.within(partition, Duration::ZERO)
    }

    fn within(
        &self,
        partition: TopicPartition,
        age: Duration,
    ) -> Result<PartitionOffsets, LogError> {
        let topic = partition.topic;
        let mut known = self.known.of(topic).lock();
        if known.at.is_none_or(|at| at.elapsed() >= age) {
            self.ask(topic, &mut known)?;
        }
        if let Some(what) = &known.made_again {
            let what = what.clone();
            return Err(LogError::MadeAgain { topic, what });
        }
        known
            .partitions
            .get(&partition)
            .copied()
            .ok_or(LogError::NoPartition(partition))
    }

    /// Ends of all partitions of a topic together: grows with each record.
    pub(super) fn sum(&self, topic: Topic, age: Duration) -> Option<u64> {
        let mut known = self.known.of(topic).lock();
        if known.at.is_none_or(|at| at.elapsed() >= age)
            && let Err(error) = self.ask(topic, &mut known)
        {
            tracing::debug!(%error, "the ends are not known");
        }
        known.at?;
        Some(known.partitions.values().map(|offsets| offsets.end.0).sum())
    }

    /// Takes note of records that this process appended.
    pub(super) fn appended(&self, partition: TopicPartition, end: u64) {
        let mut known = self.known.of(partition.topic).lock();
        if let Some(offsets) = known.partitions.get_mut(&partition) {
            offsets.end = offsets.end.max(EndOffset(end));
        }
        drop(known);
        self.bell(partition.topic).ring();
    }

    /// Has the next question asked anew: records were deleted.
    pub(super) fn forget(&self, topic: Topic) {
        let mut known = self.known.of(topic).lock();
        (known.at, known.begins_at) = (None, None);
    }

    /// Asks, unless nobody answered just now: others wait behind this for what is known.
    fn ask(&self, topic: Topic, known: &mut Known) -> Result<(), LogError> {
        let asked = self.clock.monotonic();
        let patience = known.question.patience(&self.link, asked)?;
        let result = self.ask_for(topic, known, patience);
        let now = self.clock.monotonic();
        known.question.answered(&self.link, asked, now, &result);
        result
    }

    /// The answer replaces what is known while nobody else can add to it: an end never goes back
    /// unless the topic is another one.
    fn ask_for(&self, topic: Topic, known: &mut Known, patience: Duration) -> Result<(), LogError> {
        let begins = if known
            .begins_at
            .is_none_or(|at| at.elapsed() >= BEGINS_FRESH)
        {
            let begins = self.list(topic, KafkaOffset::Beginning, patience)?;
            known.begins_at = Some(Instant::now());
            begins
        } else {
            BTreeMap::new()
        };
        let ends = self.list(topic, KafkaOffset::End, patience)?;
        for (partition, end) in ends {
            let before = known.partitions.get(&partition).copied();
            let begin = begins.get(&partition).copied();
            let begin = begin.or(before.map(|b| b.begin.0)).unwrap_or(0);
            if let Some(before) = before
                && end < before.end.0
            {
                known.made_again = Some(format!(
                    "{partition} ended at {}, and ends at {end} now",
                    before.end.0
                ));
            }
            let offsets = PartitionOffsets {
                begin: Offset(begin),
                end: EndOffset(end),
            };
            known.partitions.insert(partition, offsets);
        }
        known.at = Some(Instant::now());
        Ok(())
    }

    /// One end of every partition of a topic, in one request to each broker.
    fn list(
        &self,
        topic: Topic,
        which: KafkaOffset,
        patience: Duration,
    ) -> Result<BTreeMap<TopicPartition, u64>, LogError> {
        let tried = "tell the ends of its topics";
        let name = self.config.names.topic(topic);
        let told = |error| log_error(&self.link, tried, &error);
        let mut wanted = TopicPartitionList::new();
        for partition in 0..self.config.partitions_of(topic) {
            wanted
                .add_partition_offset(name, i32::from(partition), which)
                .map_err(told)?;
        }
        let found = self
            .asker
            .offsets_for_times(wanted, patience)
            .map_err(told)?;
        let mut all = BTreeMap::new();
        for element in found.elements() {
            element.error().map_err(told)?;
            let at = match element.offset() {
                KafkaOffset::Offset(at) => u64::try_from(at).unwrap_or(0),
                _ => continue,
            };
            let partition = u16::try_from(element.partition()).unwrap_or(u16::MAX);
            all.insert(TopicPartition::new(topic, partition), at);
        }
        Ok(all)
    }

    /// The first offset with a time stamp of `millis` or later; `None` when there is none.
    pub(super) fn at_time(
        &self,
        partition: TopicPartition,
        millis: u64,
    ) -> Result<Option<u64>, LogError> {
        let told = |error| log_error(&self.link, "look up a time", &error);
        let name = self.config.names.topic(partition.topic);
        let mut wanted = TopicPartitionList::new();
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        wanted
            .add_partition_offset(
                name,
                i32::from(partition.partition.0),
                KafkaOffset::Offset(millis),
            )
            .map_err(told)?;
        let found = self
            .asker
            .offsets_for_times(wanted, REQUEST_TIMEOUT)
            .map_err(told)?;
        let elements = found.elements();
        let Some(element) = elements.first() else {
            return Ok(None);
        };
        element.error().map_err(told)?;
        Ok(match element.offset() {
            KafkaOffset::Offset(at) => u64::try_from(at).ok(),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::config::FromClientConfigAndContext;

    use super::*;
    use crate::config::Settings;
    use crate::model::Region;
    use crate::ports::SystemClock;

    #[test]
    fn nobody_waits_again_for_brokers_that_just_did_not_answer() {
        let topic = Topic::Lines(Region::Europe);
        // Bound and dropped: nobody listens there any more.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut settings = Settings::in_dir("unused");
        settings.live.kafka_bootstrap_servers = vec![closed.local_addr().unwrap().to_string()];
        drop(closed);
        let config = KafkaConfig::of(&settings).unwrap();
        let link = Arc::new(Link::new(config.brokers.clone()));
        let ear = Ear::new(Arc::clone(&link), "asker");
        let asker = BaseConsumer::from_config_and_context(&config.asking(), ear).unwrap();
        let clock = Arc::new(SystemClock::default());
        let offsets = Offsets::new(Arc::new(asker), link, config, clock);
        let took = |ask: &dyn Fn()| {
            let began = Instant::now();
            ask();
            began.elapsed()
        };
        let partition = TopicPartition::new(topic, 0);
        let first = took(&|| drop(offsets.of(partition).unwrap_err()));
        assert!(first < 2 * REQUEST_TIMEOUT, "{first:?}");
        let again = took(&|| {
            for number in 0..10 {
                let partition = TopicPartition::new(topic, number);
                let error = offsets.of(partition).unwrap_err();
                assert!(matches!(error, LogError::Down(_)), "{error}");
                assert!(offsets.now(partition).is_err());
                assert_eq!(offsets.sum(topic, Duration::ZERO), None);
            }
        });
        assert!(again < Duration::from_secs(1), "{again:?}");
    }
}
