//! The connections to the cluster, and how a request goes through one data centre of it.
//!
//! One session holds connections to all nodes. Which data centre a request goes through is said
//! by its execution profile: the plan of a profile names nodes of one data centre only, so that a
//! request fails where it was sent and choosing another place stays the caller's business.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use scylla::client::PoolSize;
use scylla::client::execution_profile::{ExecutionProfile, ExecutionProfileHandle};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::response::PagingState;
use scylla::response::query_result::{QueryResult, QueryRowsResult};
use scylla::serialize::batch::BatchValues;
use scylla::serialize::row::SerializeRow;
use scylla::statement::Consistency;
use scylla::statement::batch::Batch;
use scylla::statement::prepared::PreparedStatement;

use super::config::Options;
use super::errors::{Act, Failed, connecting};
use super::meter::Meter;
use crate::model::{ConsistencyLevel, Dc, DcSet, PerDc};
use crate::ports::{Clock, ReadSource, StoreError};

/// How long making a connection may take: a node that is stopped takes connections and is silent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a silent connection is asked whether it lives.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
/// How long the answer to that may take; then the connection is given up.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long reading what the cluster consists of may take.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections to each node: one per core of a small machine; each carries 32,768 requests.
const CONNECTIONS_PER_NODE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);
/// How long a page of a scan may take, or a change of the schema. Cassandra's own limit is 10 s.
pub(super) const SCAN_TIMEOUT: Duration = Duration::from_secs(12);

/// Where a request goes and what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) via: Dc,
    pub(super) level: ConsistencyLevel,
    pub(super) consistency: Consistency,
}

impl Target {
    /// Through a data centre, at a level.
    pub(super) const fn at(via: Dc, level: ConsistencyLevel) -> Self {
        Self {
            via,
            level,
            consistency: match level {
                ConsistencyLevel::One => Consistency::One,
                ConsistencyLevel::LocalQuorum => Consistency::LocalQuorum,
                ConsistencyLevel::Quorum => Consistency::Quorum,
                ConsistencyLevel::EachQuorum => Consistency::EachQuorum,
                ConsistencyLevel::All => Consistency::All,
            },
        }
    }
}

/// The session with its profiles.
pub(super) struct Link {
    pub(super) session: Arc<Session>,
    profiles: PerDc<ExecutionProfileHandle>,
    /// What one data centre alone answers at: its replica, or most of its replicas.
    alone: Consistency,
    clock: Arc<dyn Clock>,
    pub(super) meters: PerDc<Meter>,
}

/// Connects to the cluster.
pub(super) async fn connect(options: &Options) -> Result<Session, StoreError> {
    let mut builder = SessionBuilder::new()
        .known_nodes(&options.contact_points)
        .connection_timeout(CONNECT_TIMEOUT)
        .keepalive_interval(KEEPALIVE_INTERVAL)
        .keepalive_timeout(KEEPALIVE_TIMEOUT)
        .tcp_nodelay(true)
        .pool_size(PoolSize::PerHost(CONNECTIONS_PER_NODE))
        .metadata_request_clientside_timeout(METADATA_TIMEOUT)
        .schema_agreement_timeout(SCAN_TIMEOUT)
        // Columns and keys are known here; fetching them from large clusters is not free.
        .fetch_full_schema_metadata(false)
        .default_execution_profile_handle(
            ExecutionProfile::builder()
                .request_timeout(Some(SCAN_TIMEOUT))
                .build()
                .into_handle(),
        );
    if let Some(account) = &options.account {
        builder = builder.user(&account.name, account.password.reveal());
    }
    if let Some(translator) = options.translator() {
        builder = builder.address_translator(translator);
    }
    builder = options.encrypt(builder)?;
    builder.build().await.map_err(|error| connecting(&error))
}

/// Data centres with a node to which there is a connection.
pub(super) fn connected(session: &Session) -> DcSet {
    let state = session.get_cluster_state();
    let nodes = state.get_nodes_info().iter();
    nodes
        .filter(|node| node.is_connected())
        .filter_map(|node| node.datacenter.as_deref().and_then(dc_named))
        .collect()
}

/// The data centre of exactly this name: `Europe` is not `Europe_DC` to Cassandra.
pub(super) fn dc_named(name: &str) -> Option<Dc> {
    Dc::ALL.into_iter().find(|dc| dc.name() == name)
}

/// A result that is not what was asked for.
pub(super) fn unreadable(dc: Dc, what: &impl ToString) -> StoreError {
    StoreError::Unreadable {
        dc,
        what: what.to_string(),
    }
}

impl Link {
    /// The profiles of a session, one per data centre.
    pub(super) fn new(session: Session, options: &Options, clock: Arc<dyn Clock>) -> Self {
        let profiles = PerDc::from_fn(|dc| {
            let policy = DefaultPolicy::builder()
                .prefer_datacenter(dc.name().to_owned())
                .permit_dc_failover(false)
                .token_aware(true)
                .build();
            ExecutionProfile::builder()
                .load_balancing_policy(policy)
                .request_timeout(Some(options.request_timeout))
                .build()
                .into_handle()
        });
        Self {
            session: Arc::new(session),
            profiles,
            alone: if options.replication > 1 {
                Consistency::LocalQuorum
            } else {
                Consistency::LocalOne
            },
            clock,
            meters: PerDc::from_fn(|_| Meter::default()),
        }
    }

    /// Where a read goes.
    pub(super) const fn target(&self, from: ReadSource) -> Target {
        match from {
            ReadSource::Alone(via) => Target {
                via,
                level: ConsistencyLevel::LocalQuorum,
                consistency: self.alone,
            },
            // There is no reading at EACH_QUORUM; all of them answer for each.
            ReadSource::Level {
                via,
                level: level @ ConsistencyLevel::EachQuorum,
            } => Target {
                via,
                level,
                consistency: Consistency::All,
            },
            ReadSource::Level { via, level } => Target::at(via, level),
        }
    }

    /// Data centres with a node to which there is a connection.
    pub(super) fn connected(&self) -> DcSet {
        connected(&self.session)
    }

    fn failed(&self, act: Act, target: Target, begun: Duration) -> Failed {
        Failed {
            act,
            via: target.via,
            level: target.level,
            after: self.clock.monotonic().saturating_sub(begun),
            connected: self.connected(),
        }
    }

    /// A statement bound for a target.
    pub(super) fn aimed(&self, statement: &PreparedStatement, target: Target) -> PreparedStatement {
        let mut statement = statement.clone();
        statement.set_consistency(target.consistency);
        statement.set_execution_profile_handle(Some(self.profiles[target.via].clone()));
        statement
    }

    /// A batch bound for a target.
    pub(super) fn aim_batch(&self, batch: &mut Batch, target: Target) {
        batch.set_is_idempotent(true);
        batch.set_consistency(target.consistency);
        batch.set_execution_profile_handle(Some(self.profiles[target.via].clone()));
    }

    /// Writes with one statement.
    pub(super) async fn write(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
        target: Target,
    ) -> Result<(), StoreError> {
        let statement = self.aimed(statement, target);
        let begun = self.clock.monotonic();
        let done = self.session.execute_unpaged(&statement, values).await;
        self.told(Act::Write, target, begun, done.map(|_done| ()))
    }

    /// Writes with a batch that was aimed before.
    pub(super) async fn write_batch(
        &self,
        batch: &Batch,
        values: impl BatchValues,
        target: Target,
    ) -> Result<(), StoreError> {
        let begun = self.clock.monotonic();
        let done = self.session.batch(batch, values).await;
        self.told(Act::Write, target, begun, done.map(|_done| ()))
    }

    /// Reads one page, from `state` on. The state that is returned leads to the next one.
    pub(super) async fn page(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
        state: PagingState,
        target: Target,
    ) -> Result<(QueryRowsResult, Option<PagingState>), StoreError> {
        let begun = self.clock.monotonic();
        let done = self
            .session
            .execute_single_page(statement, values, state)
            .await;
        let (result, next) =
            done.map_err(|error| self.failed(Act::Read, target, begun).execution(&error))?;
        let next = match next.into_paging_control_flow() {
            std::ops::ControlFlow::Break(()) => None,
            std::ops::ControlFlow::Continue(next) => Some(next),
        };
        Ok((rows_of(result, target.via)?, next))
    }

    /// Prepares a statement, idempotent as all of ours are.
    pub(super) async fn prepare(&self, text: String) -> Result<PreparedStatement, StoreError> {
        let begun = self.clock.monotonic();
        let target = Target::at(Dc::Europe, ConsistencyLevel::One);
        let prepared = self.session.prepare(text).await;
        let mut prepared =
            prepared.map_err(|error| self.failed(Act::Read, target, begun).prepare(&error))?;
        prepared.set_is_idempotent(true);
        Ok(prepared)
    }

    fn told(
        &self,
        act: Act,
        target: Target,
        begun: Duration,
        done: Result<(), scylla::errors::ExecutionError>,
    ) -> Result<(), StoreError> {
        let meter = &self.meters[target.via];
        match done {
            Ok(()) => {
                meter.succeeded(self.clock.monotonic().saturating_sub(begun));
                Ok(())
            }
            Err(error) => {
                meter.failed();
                Err(self.failed(act, target, begun).execution(&error))
            }
        }
    }
}

/// The rows of a result.
pub(super) fn rows_of(result: QueryResult, via: Dc) -> Result<QueryRowsResult, StoreError> {
    result
        .into_rows_result()
        .map_err(|error| unreadable(via, &error))
}
