//! The steps of a connection test that need a Kafka client: TLS, login, rights.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::config::KafkaConfig;
use super::health::{Ear, Link, Said};
use crate::config::LiveSettings;
use crate::connect::Failure;
use crate::model::Topic;

/// How long the brokers may take to answer one step.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// One try of many within [`STEP_TIMEOUT`]: between two, the client says what is wrong.
const TRY_TIMEOUT: Duration = Duration::from_millis(500);

/// A client that reached the brokers, or was refused the login.
pub(crate) struct Probe {
    client: BaseConsumer<Ear>,
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

fn code_of(error: &KafkaError) -> Code {
    error.rdkafka_error_code().unwrap_or(Code::Fail)
}
