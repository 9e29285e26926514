//! The topics on the brokers: made once, checked at each start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

use super::config::{KafkaConfig, REQUEST_TIMEOUT};
use super::errors::{log_error, of_code};
use super::health::{Ear, Link};
use crate::model::Topic;
use crate::ports::LogError;

/// From this many copies on a line counts when two of them have it.
const COPIES_FOR_TWO: u64 = 3;
/// Pause between two looks at whether new topics are there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a client is heard out after a failure: it has it all at hand.
const HEAR_FOR: Duration = Duration::from_millis(300);

/// Whether a topic had to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was there.
    Before,
    /// It was made now.
    Now,
}

/// A topic as it is on the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicState {
    /// Its name there.
    pub name: String,
    /// Its partitions.
    pub partitions: usize,
    /// Copies of its first partition.
    pub replication: usize,
    /// Whether it had to be made.
    pub made: Made,
}

/// What a topic is to be.
struct Wanted<'a> {
    name: &'a str,
    partitions: u16,
    settings: Vec<(&'static str, &'static str)>,
}

/// The topics without which nothing works.
fn wanted(config: &KafkaConfig) -> Vec<Wanted<'_>> {
    let mut all: Vec<_> = Topic::ALL
        .into_iter()
        .map(|topic| Wanted {
            name: config.names.topic(topic),
            partitions: config.partitions_of(topic),
            // What is not consumed must stay; retention is this program's own, by offsets.
            settings: vec![
                ("cleanup.policy", "delete"),
                ("retention.ms", "-1"),
                ("retention.bytes", "-1"),
                ("message.timestamp.type", "CreateTime"),
            ],
        })
        .collect();
    all.push(Wanted {
        name: &config.names.marks,
        partitions: 1,
        settings: vec![
            ("cleanup.policy", "compact"),
            ("min.cleanable.dirty.ratio", "0.1"),
            ("segment.ms", "3600000"),
        ],
    });
    all
}

/// The topics that setup makes: also the one of probes, which an older setup has not made.
fn made(config: &KafkaConfig) -> Vec<Wanted<'_>> {
    let mut all = wanted(config);
    all.push(Wanted {
        name: &config.names.probes,
        partitions: 1,
        settings: vec![
            ("cleanup.policy", "delete"),
            ("retention.ms", "3600000"),
            ("segment.ms", "3600000"),
        ],
    });
    all
}

/// Serves what a client has to say, which names the cause of a request that ran out of time.
fn hear(asker: &BaseConsumer<Ear>) {
    let until = Instant::now() + HEAR_FOR;
    while Instant::now() < until {
        if let Some(Err(error)) = asker.poll(LOOK_EVERY) {
            tracing::debug!(%error, "kafka");
        }
    }
}

/// What the brokers have: partitions and copies by name.
fn there(
    asker: &BaseConsumer<Ear>,
    link: &Link,
) -> Result<BTreeMap<String, (usize, usize)>, LogError> {
    let metadata = asker
        .fetch_metadata(None, REQUEST_TIMEOUT)
        .map_err(|error| {
            hear(asker);
            log_error(link, "list its topics", &error)
        })?;
    let topics = metadata.topics().iter();
    Ok(topics
        .filter(|topic| topic.error().is_none())
        .map(|topic| {
            let partitions = topic.partitions();
            let led = partitions.iter().filter(|p| p.leader() >= 0).count();
            let copies = partitions.first().map_or(0, |p| p.replicas().len());
            (topic.name().to_owned(), (led, copies))
        })
        .collect())
}

/// Checks that every topic is there as it is to be.
pub(super) fn check(
    asker: &BaseConsumer<Ear>,
    link: &Link,
    config: &KafkaConfig,
) -> Result<Vec<TopicState>, LogError> {
    check_all(wanted(config), asker, link)
}

fn check_all(
    wanted: Vec<Wanted<'_>>,
    asker: &BaseConsumer<Ear>,
    link: &Link,
) -> Result<Vec<TopicState>, LogError> {
    let there = there(asker, link)?;
    let states = wanted.into_iter().map(|topic| {
        let Some((partitions, replication)) = there.get(topic.name).copied() else {
            return Err(LogError::Refused {
                what: format!("Kafka at {} has no topic {}", link.brokers, topic.name),
                remedy: "run setup, which makes the topics",
            });
        };
        if partitions != usize::from(topic.partitions) {
            return Err(LogError::Refused {
                what: format!(
                    "topic {} has {partitions} partitions with a leader, and log.partitions asks \
                     for {}",
                    topic.name, topic.partitions
                ),
                remedy: "set log.partitions to what the topic was made with: lines of an invoice \
                         must stay in one partition; where partitions lack a leader, bring their \
                         brokers back",
            });
        }
        Ok(TopicState {
            name: topic.name.to_owned(),
            partitions,
            replication,
            made: Made::Before,
        })
    });
    states.collect()
}

/// Topics of lines and of rows set aside that are not there.
pub(super) fn missing(
    asker: &BaseConsumer<Ear>,
    link: &Link,
    config: &KafkaConfig,
) -> Result<Vec<Topic>, LogError> {
    let there = there(asker, link)?;
    let is_missing = |topic: &Topic| !there.contains_key(config.names.topic(*topic));
    Ok(Topic::ALL.into_iter().filter(is_missing).collect())
}

/// An administrator's client.
struct Admin {
    client: AdminClient<Ear>,
    runtime: tokio::runtime::Runtime,
}

impl Admin {
    fn new(config: &KafkaConfig, link: &Arc<Link>) -> Result<Self, LogError> {
        let ear = Ear::new(Arc::clone(link), "admin");
        let client = AdminClient::from_config_and_context(&config.asking(), ear)
            .map_err(|error| log_error(link, "start an administrator", &error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| LogError::Refused {
                what: format!("the Kafka client could not start: {error}"),
                remedy: "free some memory and file handles, then try again",
            })?;
        Ok(Self { client, runtime })
    }

    fn options() -> AdminOptions {
        AdminOptions::new()
            .request_timeout(Some(REQUEST_TIMEOUT))
            .operation_timeout(Some(REQUEST_TIMEOUT))
    }
}

/// Makes the topics that are missing, and checks all of them. Doing it again changes nothing.
pub(super) fn make(
    asker: &BaseConsumer<Ear>,
    link: &Arc<Link>,
    config: &KafkaConfig,
) -> Result<Vec<TopicState>, LogError> {
    let before = there(asker, link)?;
    let missing: Vec<_> = made(config)
        .into_iter()
        .filter(|topic| !before.contains_key(topic.name))
        .collect();
    if !missing.is_empty() {
        create(&missing, link, config)?;
    }
    let deadline = Instant::now() + REQUEST_TIMEOUT;
    let mut states = loop {
        match check_all(made(config), asker, link) {
            Ok(states) => break states,
            // New topics take a moment until every broker knows them.
            Err(_) if !missing.is_empty() && Instant::now() < deadline => {
                asker.poll(LOOK_EVERY);
            }
            Err(error) => return Err(error),
        }
    };
    for state in &mut states {
        if missing.iter().any(|topic| topic.name == state.name) {
            state.made = Made::Now;
        }
    }
    Ok(states)
}

fn create(missing: &[Wanted<'_>], link: &Arc<Link>, config: &KafkaConfig) -> Result<(), LogError> {
    let tried = "make topics";
    let admin = Admin::new(config, link)?;
    let copies = config
        .replication
        .map_or(-1, |n| i32::try_from(n).unwrap_or(-1));
    let new: Vec<_> = missing
        .iter()
        .map(|topic| {
            let mut new = NewTopic::new(
                topic.name,
                i32::from(topic.partitions),
                TopicReplication::Fixed(copies),
            );
            for (key, value) in &topic.settings {
                new = new.set(key, value);
            }
            if config.replication.is_some_and(|n| n >= COPIES_FOR_TWO) {
                new = new.set("min.insync.replicas", "2");
            }
            new
        })
        .collect();
    let made = admin
        .runtime
        .block_on(admin.client.create_topics(&new, &Admin::options()))
        .map_err(|error| log_error(link, tried, &error))?;
    for result in made {
        match result {
            // Another process may run setup at the same moment.
            Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                return Err(of_code(link, &format!("make topic {name}"), code));
            }
        }
    }
    Ok(())
}

/// Deletes the records before an offset of each partition, by topic name and number.
pub(super) fn delete_before(
    config: &KafkaConfig,
    link: &Arc<Link>,
    offsets: &[(String, u16, u64)],
) -> Result<(), LogError> {
    let told = |error: KafkaError| log_error(link, "delete old lines", &error);
    let admin = Admin::new(config, link)?;
    let mut list = TopicPartitionList::new();
    for (name, partition, before) in offsets {
        let at = KafkaOffset::Offset(i64::try_from(*before).unwrap_or(i64::MAX));
        list.add_partition_offset(name, i32::from(*partition), at)
            .map_err(told)?;
    }
    let done = admin
        .runtime
        .block_on(admin.client.delete_records(&list, &Admin::options()))
        .map_err(told)?;
    for element in done.elements() {
        element.error().map_err(told)?;
    }
    Ok(())
}

/// Changes a setting of a topic, for tests.
#[cfg(test)]
pub(super) fn configure(
    config: &KafkaConfig,
    link: &Arc<Link>,
    topic: &str,
    setting: (&str, &str),
) {
    use rdkafka::admin::{AlterConfig, ResourceSpecifier};
    let admin = Admin::new(config, link).unwrap();
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(setting.0, setting.1);
    let done = admin
        .runtime
        .block_on(admin.client.alter_configs([&change], &Admin::options()))
        .unwrap();
    for result in done {
        result.unwrap();
    }
}

/// Deletes topics, for tests that made their own.
#[cfg(test)]
pub(super) fn delete(config: &KafkaConfig, link: &Arc<Link>, names: &[&str]) {
    let admin = Admin::new(config, link).unwrap();
    let done = admin
        .runtime
        .block_on(admin.client.delete_topics(names, &Admin::options()))
        .unwrap();
    for result in done {
        result.unwrap();
    }
}
