//! What the driver says of a failed request, in the words of the port.

use std::time::Duration;

use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, MetadataFetchErrorKind, NewSessionError, PrepareError, RequestAttemptError,
};

use crate::model::{ConsistencyLevel, Dc, DcSet};
use crate::ports::StoreError;

const LOGIN_REMEDY: &str =
    "correct live.cassandra_username and RETAIL_CASSANDRA_PASSWORD, or ask who runs the cluster";
const RIGHT_REMEDY: &str = "let an administrator grant the account SELECT and MODIFY on the keyspace (and CREATE for setup)";
const STATEMENT_REMEDY: &str =
    "run `retail-engine setup`; when it says that all is there, the schema is of another version";
const CONFIG_REMEDY: &str = "look into the log of the node named; its configuration forbids this";

/// Whether a request reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Read,
    Write,
}

/// A request that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    pub(super) act: Act,
    pub(super) via: Dc,
    pub(super) level: ConsistencyLevel,
    /// How long it was waited for.
    pub(super) after: Duration,
    /// Data centres to which there are connections.
    pub(super) connected: DcSet,
}

impl Failed {
    /// Nobody answered in time, or the connection broke: it may have been done.
    const fn silent(self, acked: DcSet) -> StoreError {
        let Self {
            act,
            via,
            level,
            after,
            ..
        } = self;
        match act {
            Act::Read => StoreError::ReadTimeout { level, via, after },
            Act::Write => StoreError::WriteTimeout {
                level,
                via,
                acked,
                after,
            },
        }
    }

    fn database(self, error: &DbError, message: &str) -> StoreError {
        let Self { via, level, .. } = self;
        match error {
            DbError::Unavailable { alive, .. } => StoreError::Unavailable {
                level,
                via,
                alive: self.alive(*alive),
            },
            // It answered itself, so it is one of those that did; which others, it does not say.
            DbError::WriteTimeout { received, .. } if *received > 0 => {
                self.silent(DcSet::NONE.with(via))
            }
            DbError::WriteTimeout { .. } | DbError::ReadTimeout { .. } => self.silent(DcSet::NONE),
            DbError::Overloaded | DbError::IsBootstrapping => {
                StoreError::CoordinatorDown { dc: via }
            }
            DbError::AuthenticationError => StoreError::Refused {
                what: format!("Cassandra refuses the account: {message}"),
                remedy: LOGIN_REMEDY,
            },
            DbError::Unauthorized => StoreError::Refused {
                what: format!("the account may not do this: {message}"),
                remedy: RIGHT_REMEDY,
            },
            DbError::SyntaxError | DbError::Invalid | DbError::AlreadyExists { .. } => {
                StoreError::Refused {
                    what: format!("Cassandra does not take a statement: {message}"),
                    remedy: STATEMENT_REMEDY,
                }
            }
            DbError::ConfigError => StoreError::Refused {
                what: format!("Cassandra's configuration forbids this: {message}"),
                remedy: CONFIG_REMEDY,
            },
            other => StoreError::Replica {
                dc: via,
                what: format!("{other}: {message}"),
            },
        }
    }

    /// As many data centres as are alive, those first that answer us.
    fn alive(self, alive: i32) -> DcSet {
        if self.level == ConsistencyLevel::EachQuorum {
            // Here the count is that of the one data centre that has too few.
            return self.connected.with(self.via);
        }
        let alive = usize::try_from(alive).unwrap_or(0);
        let likely = std::iter::once(self.via).chain(self.via.others());
        likely
            .filter(|dc| *dc == self.via || self.connected.contains(*dc))
            .take(alive)
            .collect()
    }

    fn attempt(self, error: &RequestAttemptError) -> StoreError {
        match error {
            RequestAttemptError::DbError(error, message) => self.database(error, message),
            // A node that is killed breaks its connections with requests in flight.
            RequestAttemptError::BrokenConnectionError(_)
            | RequestAttemptError::UnableToAllocStreamId => self.silent(DcSet::NONE),
            other => StoreError::Replica {
                dc: self.via,
                what: other.to_string(),
            },
        }
    }

    fn pool(self, error: &ConnectionPoolError) -> StoreError {
        match refusal_of_pool(error) {
            Some(refused) => refused,
            None => StoreError::CoordinatorDown { dc: self.via },
        }
    }

    /// The error of a request.
    pub(super) fn execution(self, error: &ExecutionError) -> StoreError {
        match error {
            ExecutionError::EmptyPlan => StoreError::CoordinatorDown { dc: self.via },
            ExecutionError::ConnectionPoolError(error) => self.pool(error),
            ExecutionError::LastAttemptError(error) => self.attempt(error),
            ExecutionError::RequestTimeout(after) => Self {
                after: *after,
                ..self
            }
            .silent(DcSet::NONE),
            ExecutionError::PrepareError(error) => self.prepare(error),
            other => StoreError::Replica {
                dc: self.via,
                what: other.to_string(),
            },
        }
    }

    /// The error of preparing a statement.
    pub(super) fn prepare(self, error: &PrepareError) -> StoreError {
        match error {
            PrepareError::ConnectionPoolError(error) => self.pool(error),
            PrepareError::AllAttemptsFailed { first_attempt } => self.attempt(first_attempt),
            other => StoreError::Replica {
                dc: self.via,
                what: other.to_string(),
            },
        }
    }
}

/// An account that is refused while connecting, which no waiting mends.
fn refusal_of_pool(error: &ConnectionPoolError) -> Option<StoreError> {
    match error {
        ConnectionPoolError::Broken {
            last_connection_error,
        } => refusal(last_connection_error),
        _ => None,
    }
}

fn refusal(error: &ConnectionError) -> Option<StoreError> {
    let ConnectionError::ConnectionSetupRequestError(setup) = error else {
        return None;
    };
    match setup.get_error() {
        ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError, message) => {
            Some(StoreError::Refused {
                what: format!("Cassandra refuses the account: {message}"),
                remedy: LOGIN_REMEDY,
            })
        }
        ConnectionSetupRequestErrorKind::MissingAuthentication => Some(StoreError::Refused {
            what: "Cassandra asks for an account, and none is given".to_owned(),
            remedy: "set live.cassandra_username and RETAIL_CASSANDRA_PASSWORD",
        }),
        _ => None,
    }
}

/// The error of connecting at all.
pub(super) fn connecting(error: &NewSessionError) -> StoreError {
    if let NewSessionError::MetadataError(MetadataError::ConnectionPoolError(pool)) = error
        && let Some(refused) = refusal_of_pool(pool)
    {
        return refused;
    }
    if let NewSessionError::MetadataError(MetadataError::FetchError(fetch)) = error
        && let MetadataFetchErrorKind::PrepareError(RequestAttemptError::DbError(
            DbError::Unauthorized,
            message,
        )) = &fetch.error
    {
        return StoreError::Refused {
            what: format!("the account may not read the cluster's own tables: {message}"),
            remedy: RIGHT_REMEDY,
        };
    }
    let message = error.to_string();
    // Of a certificate that is not trusted the driver hands on the words of OpenSSL, no kind.
    if message.contains("certificate verify failed") {
        return StoreError::Refused {
            what: format!("the certificate of Cassandra is not trusted: {message}"),
            remedy: "name the file of the authority that signed it in live.cassandra_ca_file",
        };
    }
    StoreError::Unreachable { what: message }
}

#[cfg(test)]
mod tests {
    use scylla::errors::{OperationType, WriteType};
    use scylla::statement::Consistency;

    use super::*;
    use crate::ports::Outcome;

    fn failed(act: Act) -> Failed {
        Failed {
            act,
            via: Dc::Europe,
            level: ConsistencyLevel::Quorum,
            after: Duration::from_millis(7),
            connected: DcSet::NONE.with(Dc::Europe).with(Dc::AsiaPacific),
        }
    }

    fn of(act: Act, error: DbError) -> StoreError {
        let attempt = RequestAttemptError::DbError(error, "why".to_owned());
        failed(act).execution(&ExecutionError::LastAttemptError(attempt))
    }

    #[test]
    fn a_coordinator_that_answers_is_told_from_one_that_does_not() {
        let consistency = Consistency::Quorum;
        let timeout = |received| DbError::WriteTimeout {
            consistency,
            received,
            required: 2,
            write_type: WriteType::UnloggedBatch,
        };
        let StoreError::WriteTimeout { acked, .. } = of(Act::Write, timeout(1)) else {
            panic!("not a time-out");
        };
        assert_eq!(acked, DcSet::NONE.with(Dc::Europe));
        let error =
            failed(Act::Write).execution(&ExecutionError::RequestTimeout(Duration::from_secs(1)));
        let StoreError::WriteTimeout { acked, after, .. } = error else {
            panic!("not a time-out");
        };
        assert_eq!((acked, after), (DcSet::NONE, Duration::from_secs(1)));
        let error = failed(Act::Read).execution(&ExecutionError::EmptyPlan);
        assert!(matches!(
            error,
            StoreError::CoordinatorDown { dc: Dc::Europe }
        ));
    }

    #[test]
    fn too_few_replicas_are_named_as_far_as_they_are_known() {
        let error = of(
            Act::Read,
            DbError::Unavailable {
                consistency: Consistency::All,
                required: 3,
                alive: 2,
            },
        );
        let StoreError::Unavailable { alive, .. } = error else {
            panic!("not unavailable");
        };
        assert_eq!(alive, DcSet::NONE.with(Dc::Europe).with(Dc::AsiaPacific));
    }

    #[test]
    fn what_no_waiting_mends_is_fatal_and_says_what_to_do() {
        for error in [
            DbError::Unauthorized,
            DbError::AuthenticationError,
            DbError::Invalid,
            DbError::SyntaxError,
            DbError::ConfigError,
        ] {
            let error = of(Act::Write, error);
            assert_eq!(error.outcome(), Outcome::Fatal, "{error}");
            assert!(!error.remedy().is_empty() && error.to_string().contains("why"));
        }
        let error = of(
            Act::Write,
            DbError::RateLimitReached {
                op_type: OperationType::Write,
                rejected_by_coordinator: true,
            },
        );
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}
