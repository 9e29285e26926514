//! What every client of librdkafka is told: brokers, protection, names, limits.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::config::{KafkaSecurity, LiveSettings, SaslMechanism, Settings};
use crate::model::Topic;
use crate::ports::LogError;

/// How long one request may take: from being sent to its answer.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait for more lines before a batch is sent, ms. A load fills its batches long before.
const LINGER_MS: &str = "20";
/// Size of a batch. Just below what brokers take by default (`message.max.bytes`).
const BATCH_BYTES: &str = "1000000";
/// Records of a batch; far above what [`BATCH_BYTES`] holds, so that bytes decide.
const BATCH_RECORDS: &str = "100000";
/// Records that may wait for the brokers: some groups of lines. Full, the producer waits.
pub(super) const QUEUED_RECORDS: u64 = 200_000;
/// Bytes that may wait, KiB: 128 MiB.
const QUEUED_KIB: &str = "131072";
/// What is fetched ahead of a consumer, per partition, KiB.
const AHEAD_KIB: &str = "4096";
/// Records fetched ahead, about; bytes decide.
const AHEAD_RECORDS: &str = "100000";

/// One value per topic.
#[derive(Debug, Clone)]
pub(super) struct PerTopic<T>([T; 4]);

impl<T> PerTopic<T> {
    /// Builds the values.
    pub(super) fn from_fn(f: impl FnMut(Topic) -> T) -> Self {
        Self(Topic::ALL.map(f))
    }

    /// Builds the values, or fails with the first error.
    pub(super) fn try_from_fn<E>(mut f: impl FnMut(Topic) -> Result<T, E>) -> Result<Self, E> {
        let [europe, americas, asia_pacific, quarantine] = Topic::ALL;
        Ok(Self([
            f(europe)?,
            f(americas)?,
            f(asia_pacific)?,
            f(quarantine)?,
        ]))
    }

    /// The value of a topic.
    pub(super) const fn of(&self, topic: Topic) -> &T {
        let [europe, americas, asia_pacific, quarantine] = &self.0;
        match topic {
            Topic::Lines(crate::model::Region::Europe) => europe,
            Topic::Lines(crate::model::Region::Americas) => americas,
            Topic::Lines(crate::model::Region::AsiaPacific) => asia_pacific,
            Topic::Quarantine => quarantine,
        }
    }

    /// The values in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

/// Names on the brokers.
#[derive(Debug, Clone)]
pub(super) struct Names {
    topics: PerTopic<String>,
    groups: PerTopic<String>,
    /// The compacted topic that keeps the marks of loads.
    pub(super) marks: String,
    /// The topic that connection tests write to. Nothing else reads it.
    pub(super) probes: String,
    /// The group that readers outside every consumer group name. They never join or commit.
    pub(super) reader: String,
}

impl Names {
    /// Names with `prefix` before each.
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            topics: PerTopic::from_fn(|topic| format!("{prefix}{}", topic.name())),
            groups: PerTopic::from_fn(|topic| format!("{prefix}{}", topic.group())),
            marks: format!("{prefix}retail-load-marks"),
            probes: format!("{prefix}retail-probes"),
            reader: format!("{prefix}retail-reader"),
        }
    }

    /// The topic's name.
    pub(super) fn topic(&self, topic: Topic) -> &str {
        self.topics.of(topic)
    }

    /// The name of the topic's consumer group.
    pub(super) fn group(&self, topic: Topic) -> &str {
        self.groups.of(topic)
    }
}

/// What the clients are made from.
#[derive(Clone)]
pub(super) struct KafkaConfig {
    /// Names on the brokers.
    pub(super) names: Names,
    /// The brokers as they were written, for messages.
    pub(super) brokers: String,
    /// Partitions of each regional topic.
    pub(super) partitions: u16,
    /// Copies of each topic when it is made here.
    pub(super) replication: Option<u64>,
    session_timeout: Duration,
    instance_id: String,
    common: ClientConfig,
}

impl KafkaConfig {
    /// Of settings. Refuses what cannot work before anything is sent.
    pub(super) fn of(settings: &Settings) -> Result<Self, LogError> {
        Self::of_live(&settings.live, settings.log.partitions)
    }

    /// Of the settings of live mode.
    pub(super) fn of_live(live: &LiveSettings, partitions: u16) -> Result<Self, LogError> {
        if live.kafka_bootstrap_servers.is_empty() {
            return Err(LogError::Refused {
                what: "live.kafka_bootstrap_servers is empty".into(),
                remedy: "set it, or KAFKA_BOOTSTRAP_SERVERS in the environment",
            });
        }
        Ok(Self {
            names: Names::new(&live.kafka_topic_prefix),
            brokers: live.kafka_bootstrap_servers.join(", "),
            partitions,
            replication: live.kafka_replication,
            session_timeout: live.kafka_session_timeout,
            instance_id: live.kafka_instance_id.clone(),
            common: common(live)?,
        })
    }

    /// Partitions of a topic.
    pub(super) const fn partitions_of(&self, topic: Topic) -> u16 {
        match topic {
            Topic::Lines(_) => self.partitions,
            Topic::Quarantine => 1,
        }
    }

    /// For a client that only asks: metadata, offsets, administration.
    pub(super) fn asking(&self) -> ClientConfig {
        self.common.clone()
    }

    /// For the producer of lines. With idempotence and without a limit on the time of delivery a
    /// record is in the log exactly once and in order, however long the brokers are away.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.common.clone();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", LINGER_MS)
            .set("batch.size", BATCH_BYTES)
            .set("message.max.bytes", BATCH_BYTES)
            .set("batch.num.messages", BATCH_RECORDS)
            .set("queue.buffering.max.messages", QUEUED_RECORDS.to_string())
            .set("queue.buffering.max.kbytes", QUEUED_KIB)
            .set("message.timeout.ms", "0")
            .set("statistics.interval.ms", "1000");
        config
    }

    /// For the producer of marks: each is sent at once, and given up in time.
    pub(super) fn marks_producer(&self) -> ClientConfig {
        let mut config = self.common.clone();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set("message.timeout.ms", millis(REQUEST_TIMEOUT));
        config
    }

    /// For a reader that is assigned partitions and belongs to no group.
    pub(super) fn reader(&self) -> ClientConfig {
        let mut config = self.common.clone();
        config
            .set("group.id", &self.names.reader)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            // A partition that is added waits for the answer that is under way.
            .set("fetch.wait.max.ms", "100")
            // A partition that has enough ahead rests; a second of that is as long as it takes to
            // consume what is ahead several times.
            .set("fetch.queue.backoff.ms", "20")
            .set("fetch.error.backoff.ms", "100")
            .set("queued.min.messages", AHEAD_RECORDS)
            .set("queued.max.messages.kbytes", AHEAD_KIB)
            .set("check.crcs", "true");
        config
    }

    /// For a member of a topic's consumer group. It reads nothing by itself.
    pub(super) fn member(&self, topic: Topic) -> ClientConfig {
        let mut config = self.common.clone();
        config
            .set("group.id", self.names.group(topic))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", millis(self.session_timeout))
            .set("heartbeat.interval.ms", millis(self.session_timeout / 5))
            .set("queued.min.messages", "1");
        if !self.instance_id.is_empty() {
            config.set("group.instance.id", &self.instance_id);
        }
        config
    }
}

fn millis(time: Duration) -> String {
    time.as_millis().to_string()
}

/// What all clients share.
fn common(live: &LiveSettings) -> Result<ClientConfig, LogError> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", live.kafka_bootstrap_servers.join(","))
        .set("client.id", "retail-engine")
        .set("socket.timeout.ms", millis(REQUEST_TIMEOUT))
        .set("socket.connection.setup.timeout.ms", "5000")
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true")
        // A broker that is back is found within a second.
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        // Connections that a broker closes for being idle are nothing to tell.
        .set("log.connection.close", "false")
        .set("allow.auto.create.topics", "false");
    config.set_log_level(RDKafkaLogLevel::Info);
    let security = live.kafka_security;
    let scram = security.has_account() && live.kafka_sasl_mechanism != SaslMechanism::Plain;
    if !cfg!(feature = "tls") && (security.is_encrypted() || scram) {
        return Err(LogError::Refused {
            what: "this program was built without TLS and SCRAM".into(),
            remedy: "build it with --features tls, or set live.kafka_security to plaintext",
        });
    }
    config.set(
        "security.protocol",
        match security {
            KafkaSecurity::Plaintext => "plaintext",
            KafkaSecurity::Tls => "ssl",
            KafkaSecurity::SaslPlaintext => "sasl_plaintext",
            KafkaSecurity::SaslTls => "sasl_ssl",
        },
    );
    if security.is_encrypted() {
        let file = live.kafka_ca_file.display().to_string();
        // Empty: the places where systems keep their certificates are tried.
        config.set(
            "ssl.ca.location",
            if file.is_empty() {
                "probe"
            } else {
                file.as_str()
            },
        );
    }
    if security.has_account() {
        if live.kafka_username.is_empty() || !live.kafka_password.is_set() {
            return Err(LogError::Refused {
                what: "live.kafka_security asks for an account, and none is given".into(),
                remedy: "set live.kafka_username, and RETAIL_KAFKA_PASSWORD in the environment",
            });
        }
        config
            .set("sasl.username", &live.kafka_username)
            .set("sasl.password", live.kafka_password.reveal())
            .set(
                "sasl.mechanism",
                match live.kafka_sasl_mechanism {
                    SaslMechanism::Plain => "PLAIN",
                    SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
                    SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
                },
            );
    } else if !live.kafka_username.is_empty() {
        return Err(LogError::Refused {
            what: format!(
                "the Kafka account {:?} would never be used: live.kafka_security has no SASL",
                live.kafka_username
            ),
            remedy: "set live.kafka_security to sasl_tls, or leave the account empty",
        });
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn protection_is_passed_on_and_half_of_it_is_refused() {
        let mut settings = Settings::in_dir("x");
        let of = |settings: &Settings| KafkaConfig::of(settings).map(|c| c.asking());
        assert_eq!(
            of(&settings).unwrap().get("security.protocol"),
            Some("plaintext")
        );
        settings.live.kafka_username = "console".into();
        assert!(of(&settings).is_err(), "an account that is never used");
        settings.live.kafka_security = KafkaSecurity::SaslTls;
        assert!(of(&settings).is_err(), "no password");
        settings.live.kafka_password = Secret::new("s3cr3t");
        settings.live.kafka_sasl_mechanism = SaslMechanism::ScramSha256;
        if cfg!(feature = "tls") {
            let config = of(&settings).unwrap();
            assert_eq!(config.get("security.protocol"), Some("sasl_ssl"));
            assert_eq!(config.get("sasl.mechanism"), Some("SCRAM-SHA-256"));
            assert_eq!(config.get("ssl.ca.location"), Some("probe"));
        } else {
            assert!(of(&settings).is_err(), "it was built without");
        }
        settings.live.kafka_security = KafkaSecurity::SaslPlaintext;
        settings.live.kafka_sasl_mechanism = SaslMechanism::Plain;
        let config = of(&settings).unwrap();
        assert_eq!(config.get("sasl.mechanism"), Some("PLAIN"));
    }

    #[test]
    fn a_prefix_goes_before_every_name() {
        let names = Names::new("test-1-");
        assert_eq!(names.topic(Topic::Quarantine), "test-1-quarantine");
        assert_eq!(names.group(Topic::Quarantine), "test-1-retail-quarantine");
        assert_eq!(names.marks, "test-1-retail-load-marks");
    }
}
