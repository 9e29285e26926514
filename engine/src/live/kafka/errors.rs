//! What the errors of librdkafka mean for the pipeline, and for a person.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::health::Link;
use crate::ports::LogError;

/// What a code means, whatever was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// It passes by itself: brokers are away, elect, are full, or a group is being shared out.
    Passing,
    /// A person must act, with the remedy.
    Person(&'static str),
}

const RIGHTS: &str = "give the account the rights that it needs: describe, read and write on the \
                      topics, read on the groups, idempotent write on the cluster";
const SETUP: &str = "run setup, which makes the topics";
const LOGIN: &str = "check live.kafka_username, RETAIL_KAFKA_PASSWORD and \
                     live.kafka_sasl_mechanism";

fn meaning(code: Code) -> Meaning {
    match code {
        Code::Authentication | Code::SaslAuthenticationFailed => Meaning::Person(LOGIN),
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed => Meaning::Person(RIGHTS),
        Code::UnsupportedSASLMechanism => {
            Meaning::Person("set live.kafka_sasl_mechanism to one that the brokers have")
        }
        Code::UnknownTopicOrPartition
        | Code::UnknownTopic
        | Code::UnknownPartition
        | Code::UnknownTopicId => Meaning::Person(SETUP),
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
            Meaning::Person("raise max.message.bytes of the topic to 1048588 at least")
        }
        Code::FencedInstanceId => Meaning::Person(
            "give each process its own live.kafka_instance_id, and start this one again",
        ),
        Code::Fatal
        | Code::GaplessGuarantee
        | Code::OutOfOrderSequenceNumber
        | Code::UnknownProducerId
        | Code::InvalidProducerEpoch
        | Code::ProducerFenced => {
            Meaning::Person("load the file again; lines that are there already count once")
        }
        Code::InvalidReplicationFactor => {
            Meaning::Person("set live.kafka_replication to at most the number of brokers")
        }
        Code::PolicyViolation | Code::InvalidConfig | Code::InvalidTopic => {
            Meaning::Person("have the topics made by whoever administers the brokers")
        }
        Code::UnsupportedVersion | Code::UnsupportedFeature => {
            Meaning::Person("use brokers of version 2.4 or newer")
        }
        Code::InvalidSessionTimeout => Meaning::Person(
            "set live.kafka_session_timeout_ms between group.min.session.timeout.ms and \
             group.max.session.timeout.ms of the brokers",
        ),
        _ => Meaning::Passing,
    }
}

/// The error of something that was tried, such as `commit offsets of retail-europe`.
pub(super) fn log_error(link: &Link, tried: &str, error: &KafkaError) -> LogError {
    let code = match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    };
    let Some(code) = code else {
        return LogError::Refused {
            what: format!("the Kafka client could not {tried}: {error}"),
            remedy: "check the settings under live.kafka_",
        };
    };
    of_code(link, tried, code)
}

/// The error of a code.
pub(super) fn of_code(link: &Link, tried: &str, code: Code) -> LogError {
    let brokers = &link.brokers;
    if let Meaning::Person(remedy) = meaning(code) {
        return LogError::Refused {
            what: format!("Kafka at {brokers} refuses to {tried}: {code}"),
            remedy,
        };
    }
    match link.said() {
        // What the connections say names the cause; the request only ran out of time.
        Some(said) if is_connection(code) => {
            if let (
                Code::Authentication | Code::SaslAuthenticationFailed,
                Meaning::Person(remedy),
            ) = (said.code, meaning(said.code))
            {
                return LogError::Refused {
                    what: format!("Kafka at {brokers} refuses the login: {}", said.reason),
                    remedy,
                };
            }
            LogError::Down(format!(
                "Kafka at {brokers} does not {tried}: {}",
                said.reason
            ))
        }
        Some(_) | None => LogError::Down(format!("Kafka at {brokers} does not {tried}: {code}")),
    }
}

/// Whether a code says no more than that nobody answered.
const fn is_connection(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::RequestTimedOut
            | Code::WaitingForCoordinator
            | Code::Resolve
            | Code::SSL
    )
}

/// Whether a commit was refused because the partitions are another member's now.
pub(super) const fn is_taken_over(code: Code) -> bool {
    matches!(
        code,
        Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::AssignmentLost
            | Code::FencedMemberEpoch
            | Code::StaleMemberEpoch
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Outcome;

    #[test]
    fn what_passes_is_tried_again_and_what_needs_a_person_says_so() {
        let link = Link::new("a:1, b:2".into());
        for (code, outcome) in [
            (Code::BrokerTransportFailure, Outcome::Retry),
            (Code::NotEnoughReplicas, Outcome::Retry),
            (Code::KafkaStorageError, Outcome::Retry),
            (Code::RebalanceInProgress, Outcome::Retry),
            (Code::TopicAuthorizationFailed, Outcome::Fatal),
            (Code::MessageSizeTooLarge, Outcome::Fatal),
            (Code::UnknownTopicOrPartition, Outcome::Fatal),
        ] {
            let error = of_code(&link, "take lines", code);
            assert_eq!(error.outcome(), outcome, "{error}");
            assert!(error.to_string().contains("a:1, b:2"), "{error}");
            assert!(!error.remedy().is_empty());
        }
    }
}
