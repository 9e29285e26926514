//! The steps of a connection test that need a Kafka client: TLS, login, rights, and a record that
//! goes there and comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, ProducerContext};
use rdkafka::{ClientContext, Offset as KafkaOffset, TopicPartitionList};

use super::config::KafkaConfig;
use super::errors::of_code;
use super::health::{Ear, Link, Said};
use crate::config::LiveSettings;
use crate::connect::Failure;
use crate::model::Topic;
use crate::ports::LogError;

/// How long the brokers may take to answer one step.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// One try of many within [`STEP_TIMEOUT`]: between two, the client says what is wrong.
const TRY_TIMEOUT: Duration = Duration::from_millis(500);

/// A client that reached the brokers, or was refused the login.
pub(crate) struct Probe {
    client: BaseConsumer<Ear>,
    link: Arc<Link>,
    config: KafkaConfig,
    account: Option<String>,
    refused: Option<Said>,
}

/// Connects as the settings say: passes when a broker answers in the protocol that they name.
pub(crate) fn connect(live: &LiveSettings) -> Result<(Probe, String), Failure> {
    // How many partitions there are to be is not looked at here.
    let config = KafkaConfig::of_live(live, 1).map_err(|error| {
        (
            error.to_string(),
            "the settings contradict each other".to_owned(),
            error.remedy().to_owned(),
        )
    })?;
    let link = Arc::new(Link::new(config.brokers.clone()));
    let ear = Ear::new(Arc::clone(&link), "connection test");
    let client = BaseConsumer::from_config_and_context(&config.asking(), ear).map_err(|error| {
        (
            format!("the Kafka client cannot be started: {error}"),
            "a file of certificates is missing or not PEM".to_owned(),
            "check live.kafka_ca_file".to_owned(),
        )
    })?;
    let security = live.kafka_security;
    let refused = match answers(&client, &link) {
        Ok(()) => None,
        Err(said) if is_login(said.code) => Some(said),
        Err(said) => return Err(unreachable(&config.brokers, &said)),
    };
    let found = if security.is_encrypted() {
        "encrypted, and the certificate is trusted"
    } else {
        "not encrypted, as set"
    };
    let probe = Probe {
        client,
        link,
        config,
        account: security.has_account().then(|| live.kafka_username.clone()),
        refused,
    };
    Ok((probe, found.to_owned()))
}

/// Waits for one answer; what the client says of its connections when there is none.
fn answers(client: &BaseConsumer<Ear>, link: &Link) -> Result<(), Said> {
    let deadline = Instant::now() + STEP_TIMEOUT;
    loop {
        let error = match client.fetch_metadata(None, TRY_TIMEOUT) {
            Ok(_metadata) => return Ok(()),
            Err(error) => error,
        };
        // Serves the client, which notes what it says.
        client.poll(Duration::ZERO);
        let said = link.said();
        match said {
            Some(said) if is_login(said.code) || is_tls(&said) => return Err(said),
            Some(said) if Instant::now() >= deadline => return Err(said),
            None if Instant::now() >= deadline => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
                return Err(Said::new(code, error.to_string()));
            }
            Some(_) | None => {}
        }
    }
}

const fn is_login(code: Code) -> bool {
    matches!(
        code,
        Code::Authentication | Code::SaslAuthenticationFailed | Code::UnsupportedSASLMechanism
    )
}

fn is_tls(said: &Said) -> bool {
    said.code == Code::SSL || said.reason.contains("SSL handshake failed")
}

fn unreachable(brokers: &str, said: &Said) -> Failure {
    let reason = &said.reason;
    let (cause, remedy) = if reason.contains("certificate verify failed") {
        (
            "the broker's certificate is signed by an authority that this machine does not trust, \
             or is for another name",
            "name the authority's certificate in live.kafka_ca_file, and write the broker's name \
             as the certificate has it",
        )
    } else if is_tls(said) {
        (
            "the port speaks another protocol than TLS",
            "set live.kafka_security to plaintext or sasl_plaintext, or use the port of the TLS \
             listener",
        )
    } else {
        (
            "something listens there and does not answer as a Kafka broker without TLS does: it \
             may want TLS, or be another service",
            "set live.kafka_security to what the listener has (listener.security.protocol.map of \
             the broker), or use another port",
        )
    };
    (
        format!("Kafka at {brokers} does not answer: {reason}"),
        cause.to_owned(),
        remedy.to_owned(),
    )
}

impl Probe {
    /// Whether the account was let in.
    pub(crate) fn login(&self) -> Result<((), String), Failure> {
        if let Some(said) = &self.refused {
            return Err((
                format!(
                    "Kafka at {} refuses the login: {}",
                    self.config.brokers, said.reason
                ),
                "account, password or mechanism are not what the brokers have".to_owned(),
                "check live.kafka_username, RETAIL_KAFKA_PASSWORD and \
                 live.kafka_sasl_mechanism"
                    .to_owned(),
            ));
        }
        let found = match &self.account {
            Some(account) => format!("as {account}"),
            None => "without an account, as set".to_owned(),
        };
        Ok(((), found))
    }

    /// Whether the account may see the topics and the groups. Nothing is written.
    pub(crate) fn rights(&self) -> Result<((), String), Failure> {
        let names = &self.config.names;
        let topics = Topic::ALL.map(|topic| names.topic(topic));
        let mut there = 0;
        for name in topics.into_iter().chain([names.marks.as_str()]) {
            match self.sees(name) {
                Ok(()) => there += 1,
                Err(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {}
                Err(code) => return Err(self.no_right(&format!("topic {name}"), code)),
            }
        }
        for topic in Topic::ALL {
            let group = names.group(topic);
            self.may_read(topic)
                .map_err(|code| self.no_right(&format!("group {group}"), code))?;
        }
        let all = topics.len() + 1;
        Ok((
            (),
            if there == all {
                format!("{there} topics")
            } else {
                format!("{there} of {all} topics; setup makes the others")
            },
        ))
    }

    fn sees(&self, name: &str) -> Result<(), Code> {
        let metadata = self
            .client
            .fetch_metadata(Some(name), STEP_TIMEOUT)
            .map_err(|error| code_of(&error))?;
        let topic = metadata.topics().first().ok_or(Code::UnknownTopic)?;
        topic.error().map_or(Ok(()), |code| Err(code.into()))
    }

    /// Whether the offsets of a topic's group may be read.
    fn may_read(&self, topic: Topic) -> Result<(), Code> {
        let ear = Ear::new(Arc::new(Link::new(String::new())), "connection test");
        let member = BaseConsumer::from_config_and_context(&self.config.member(topic), ear)
            .map_err(|error| code_of(&error))?;
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition(self.config.names.topic(topic), 0);
        match member.committed_offsets(wanted, STEP_TIMEOUT) {
            Ok(_offsets) => Ok(()),
            Err(error) => match code_of(&error) {
                Code::UnknownTopicOrPartition => Ok(()),
                code => Err(code),
            },
        }
    }

    /// Appends a record with this number to the topic of probes and fetches it again; how long
    /// that took, or `None` where there is no such topic.
    pub(crate) fn round_trip(&self, number: u64) -> Result<Option<Duration>, Failure> {
        let topic = &self.config.names.probes;
        match self.sees(topic) {
            Ok(()) => {}
            Err(Code::UnknownTopicOrPartition | Code::UnknownTopic) => return Ok(None),
            Err(code) => return Err(self.no_right(&format!("topic {topic}"), code)),
        }
        let begun = Instant::now();
        let value = number.to_be_bytes();
        let at = self
            .append(&value)
            .map_err(|code| self.no_trip("append a record to", code))?;
        let found = self
            .fetch(at)
            .map_err(|code| self.no_trip("give back a record of", code))?;
        if found != value {
            let brokers = &self.config.brokers;
            return Err((
                format!(
                    "Kafka at {brokers} gives another record at offset {at} of topic {topic} \
                     than was appended there"
                ),
                "the topic was made anew in this moment, or brokers of two clusters are listed"
                    .to_owned(),
                "test again, and look at live.kafka_bootstrap_servers".to_owned(),
            ));
        }
        Ok(Some(begun.elapsed()))
    }

    /// The offset of a record that all in-sync replicas have.
    fn append(&self, value: &[u8]) -> Result<i64, Code> {
        let reports = Reports(Ear::new(Arc::clone(&self.link), "connection test"));
        let mut config = self.config.marks_producer();
        config.set("message.timeout.ms", STEP_TIMEOUT.as_millis().to_string());
        let producer = BaseProducer::from_config_and_context(&config, reports)
            .map_err(|error| code_of(&error))?;
        let report = Arc::new(Mutex::new(None));
        let topic = &self.config.names.probes;
        let record: BaseRecord<'_, (), [u8], _> =
            BaseRecord::with_opaque_to(topic, Arc::clone(&report))
                .partition(0)
                .payload(value);
        producer
            .send(record)
            .map_err(|(error, _record)| code_of(&error))?;
        // The client gives a record up after STEP_TIMEOUT and reports so.
        let deadline = Instant::now() + 2 * STEP_TIMEOUT;
        loop {
            producer.poll(TRY_TIMEOUT);
            if let Some(told) = report.lock().take() {
                return told;
            }
            if Instant::now() >= deadline {
                return Err(Code::MessageTimedOut);
            }
        }
    }

    /// The record at an offset.
    fn fetch(&self, at: i64) -> Result<Vec<u8>, Code> {
        let ear = Ear::new(Arc::clone(&self.link), "connection test");
        let reader = BaseConsumer::from_config_and_context(&self.config.reader(), ear)
            .map_err(|error| code_of(&error))?;
        let mut wanted = TopicPartitionList::new();
        wanted
            .add_partition_offset(&self.config.names.probes, 0, KafkaOffset::Offset(at))
            .and_then(|()| reader.assign(&wanted))
            .map_err(|error| code_of(&error))?;
        let deadline = Instant::now() + STEP_TIMEOUT;
        let mut last = Code::OperationTimedOut;
        while Instant::now() < deadline {
            match reader.poll(TRY_TIMEOUT) {
                Some(Ok(message)) => return Ok(message.payload().unwrap_or_default().to_vec()),
                Some(Err(error)) => last = code_of(&error),
                None => {}
            }
        }
        Err(last)
    }

    fn no_trip(&self, did: &str, code: Code) -> Failure {
        let topic = &self.config.names.probes;
        let error = of_code(&self.link, &format!("{did} topic {topic}"), code);
        let cause = match &error {
            LogError::Refused { .. } => "the account or the topic does not allow it",
            _ => "too few replicas are in sync, a disk is full, or the leader of the topic is away",
        };
        (
            error.to_string(),
            cause.to_owned(),
            error.remedy().to_owned(),
        )
    }

    fn no_right(&self, what: &str, code: Code) -> Failure {
        (
            format!(
                "Kafka at {} refuses to show {what}: {code}",
                self.config.brokers
            ),
            "the account lacks a right on it".to_owned(),
            "give the account the rights to describe, read and write the topics, to read the \
             groups, and to write idempotently"
                .to_owned(),
        )
    }
}

/// Takes the report of the one record.
struct Reports(Ear);

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        self.0.log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Arc<Mutex<Option<Result<i64, Code>>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, report: Self::DeliveryOpaque) {
        *report.lock() = Some(match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _message)) => Err(code_of(error)),
        });
    }
}

fn code_of(error: &KafkaError) -> Code {
    error.rdkafka_error_code().unwrap_or(Code::Fail)
}
