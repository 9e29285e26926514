//! What a node says of itself and of the others, in its own tables (`system_views`).
//!
//! These are tables of the node that is asked, so each node is asked for itself. `ScyllaDB` and old
//! versions of Cassandra lack some of them: what is not told is not known.

use std::net::IpAddr;
use std::time::Duration;

use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::cluster::Node;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::response::query_result::{QueryResult, QueryRowsResult};
use scylla::statement::{Consistency, Statement};
use scylla::value::CqlTimestamp;
use std::sync::Arc;

use super::config::Keyspace;
use super::session::dc_named;
use crate::model::Dc;
use crate::ports::{Backlog, Compactions};

/// How long a node may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(2);
const BYTES_PER_MIB: u64 = 1 << 20;

/// A node as another one hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) address: IpAddr,
    pub(super) dc: Dc,
    /// When it started, and how often its heart has beaten since: it lives while this grows.
    pub(super) beat: (i32, i32),
}

/// Hints that a node keeps for a data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) for_dc: Dc,
    pub(super) files: u64,
    /// When the oldest was written, milliseconds since 1970.
    pub(super) oldest_ms: Option<i64>,
}

/// Why a node that answers does not tell its hints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Untold {
    /// It never will: it has no such table, or the account may not read it.
    Never,
    /// This time, in words for people.
    Now(String),
}

impl Untold {
    fn of(error: &ExecutionError) -> Self {
        match error {
            ExecutionError::LastAttemptError(RequestAttemptError::DbError(
                DbError::Invalid | DbError::Unauthorized,
                _,
            )) => Self::Never,
            other => Self::Now(other.to_string()),
        }
    }
}

/// Questions to one node.
pub(super) struct NodeView<'a> {
    session: &'a Session,
    profile: scylla::client::execution_profile::ExecutionProfileHandle,
}

impl<'a> NodeView<'a> {
    pub(super) fn new(session: &'a Session, node: &Arc<Node>) -> Self {
        let target = NodeIdentifier::Node(Arc::clone(node));
        let profile = ExecutionProfile::builder()
            .load_balancing_policy(SingleTargetLoadBalancingPolicy::new(target, None))
            .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
            .request_timeout(Some(PATIENCE))
            .consistency(Consistency::One)
            .build()
            .into_handle();
        Self { session, profile }
    }

    async fn answer(&self, text: &str) -> Result<QueryResult, ExecutionError> {
        let mut statement = Statement::new(text);
        statement.set_execution_profile_handle(Some(self.profile.clone()));
        self.session.query_unpaged(statement, &[]).await
    }

    /// The result of a question; why there is none, in words for people.
    async fn ask(&self, text: &str) -> Result<QueryRowsResult, String> {
        self.answer(text)
            .await
            .map_err(|error| error.to_string())?
            .into_rows_result()
            .map_err(|error| error.to_string())
    }

    /// Whether it answers at all.
    pub(super) async fn answers(&self) -> bool {
        self.ask("SELECT key FROM system.local").await.is_ok()
    }

    /// Its wall clock, milliseconds since 1970.
    pub(super) async fn clock_ms(&self) -> Result<i64, String> {
        let rows = self
            .ask("SELECT toTimestamp(now()) FROM system.local")
            .await?;
        let (at,) = rows
            .first_row::<(CqlTimestamp,)>()
            .map_err(|error| error.to_string())?;
        Ok(at.0)
    }

    /// The nodes that it hears of, itself included.
    pub(super) async fn gossip(&self) -> Result<Vec<Heard>, String> {
        let rows = self
            .ask("SELECT address, dc, generation, heartbeat FROM system_views.gossip_info")
            .await?;
        let mut heard = Vec::new();
        for row in rows
            .rows::<(IpAddr, Option<&str>, Option<i32>, Option<i32>)>()
            .map_err(|error| error.to_string())?
        {
            let (address, dc, generation, heartbeat) = row.map_err(|error| error.to_string())?;
            if let (Some(dc), Some(generation), Some(heartbeat)) =
                (dc.and_then(dc_named), generation, heartbeat)
            {
                heard.push(Heard {
                    address,
                    dc,
                    beat: (generation, heartbeat),
                });
            }
        }
        Ok(heard)
    }

    /// The hints that it keeps.
    pub(super) async fn hints(&self) -> Result<Vec<Kept>, Untold> {
        let rows = self
            .answer("SELECT dc, files, oldest FROM system_views.pending_hints")
            .await
            .map_err(|error| Untold::of(&error))?
            .into_rows_result()
            .map_err(|error| Untold::Now(error.to_string()))?;
        let mut kept = Vec::new();
        for row in rows
            .rows::<(Option<&str>, Option<i32>, Option<CqlTimestamp>)>()
            .map_err(|error| Untold::Now(error.to_string()))?
        {
            let (dc, files, oldest) = row.map_err(|error| Untold::Now(error.to_string()))?;
            if let Some(for_dc) = dc.and_then(dc_named) {
                kept.push(Kept {
                    for_dc,
                    files: files.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                    oldest_ms: oldest.map(|at| at.0),
                });
            }
        }
        Ok(kept)
    }

    /// How far it is with its compactions.
    pub(super) async fn compactions(&self) -> Result<Compactions, String> {
        let rows = self
            .ask(
                "SELECT active_tasks, pending_tasks FROM system_views.thread_pools \
                 WHERE name = 'CompactionExecutor'",
            )
            .await?;
        let told = rows
            .maybe_first_row::<(Option<i32>, Option<i32>)>()
            .map_err(|error| error.to_string())?;
        let Some((Some(running), Some(waiting))) = told else {
            return Err("the node does not tell its compactions".to_owned());
        };
        let count = |n: i32| u64::try_from(n).unwrap_or(0);
        Ok(Compactions {
            running: count(running),
            backlog: Backlog::Tasks(count(waiting)),
        })
    }

    /// Bytes of the keyspace on its disk, to the next MiB of each table.
    pub(super) async fn disk_bytes(&self, keyspace: &Keyspace) -> Result<u64, String> {
        let rows = self
            .ask("SELECT keyspace_name, mebibytes FROM system_views.disk_usage")
            .await?;
        let mut bytes = 0;
        for row in rows
            .rows::<(&str, Option<i64>)>()
            .map_err(|error| error.to_string())?
        {
            let (name, mebibytes) = row.map_err(|error| error.to_string())?;
            if name == keyspace.as_str() {
                let mebibytes = mebibytes.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
                bytes += mebibytes * BYTES_PER_MIB;
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_cannot_tell_its_hints_is_told_from_one_that_is_late() {
        let refused = |error| {
            let attempt = RequestAttemptError::DbError(error, "why".to_owned());
            Untold::of(&ExecutionError::LastAttemptError(attempt))
        };
        assert_eq!(refused(DbError::Invalid), Untold::Never);
        assert_eq!(refused(DbError::Unauthorized), Untold::Never);
        assert!(matches!(refused(DbError::Overloaded), Untold::Now(_)));
        let late = Untold::of(&ExecutionError::RequestTimeout(PATIENCE));
        assert!(matches!(late, Untold::Now(_)));
    }
}
