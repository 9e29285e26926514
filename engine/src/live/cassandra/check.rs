//! The steps of a connection test that need the driver.

use std::time::{Duration, Instant};

use scylla::client::session::Session;
use tokio::runtime::Runtime;

use super::clocks;
use super::config::Options;
use super::schema;
use super::session::connect;
use crate::config::LiveSettings;
use crate::ports::{StoreError, SystemClock};

/// A connection that is tested step by step.
pub struct ClusterCheck {
    options: Options,
    runtime: Option<Runtime>,
    session: Option<Session>,
}

/// What the account can do in the keyspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// It reads the tables, and they are of this program's version.
    Ready,
    /// There is nothing yet; setting up makes it.
    NotSetUp,
}

impl std::fmt::Debug for ClusterCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterCheck")
            .field("connected", &self.session.is_some())
            .finish_non_exhaustive()
    }
}

impl ClusterCheck {
    /// Connects and logs in; how many nodes were found.
    pub fn login(live: &LiveSettings) -> Result<(Self, usize), StoreError> {
        let options = Options::of_live(live)?;
        let runtime = super::runtime()?;
        let session = match runtime.block_on(connect(&options)) {
            Ok(session) => session,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let nodes = session.get_cluster_state().get_nodes_info().len();
        let check = Self {
            options,
            runtime: Some(runtime),
            session: Some(session),
        };
        Ok((check, nodes))
    }

    /// The data centres of the cluster, when those that are needed are among them, and what there
    /// is to say of the nodes' clocks.
    pub fn data_centres(&self) -> Result<(Vec<String>, String), StoreError> {
        let (Some(session), Some(runtime)) = (&self.session, &self.runtime) else {
            return Err(StoreError::Closed);
        };
        let names = schema::check_data_centres(session)?;
        let readings = runtime.block_on(clocks::read(session, &SystemClock::default()));
        Ok((names, clocks::told(&readings)))
    }

    /// Whether the keyspace is there and can be read and written.
    pub fn rights(&self) -> Result<Rights, StoreError> {
        let (Some(session), Some(runtime)) = (&self.session, &self.runtime) else {
            return Err(StoreError::Closed);
        };
        runtime.block_on(async {
            if !schema::exists(session, &self.options.keyspace).await? {
                return Ok(Rights::NotSetUp);
            }
            schema::check(session, &self.options.keyspace).await?;
            schema::touch(session, &self.options.keyspace).await?;
            Ok(Rights::Ready)
        })
    }

    /// Writes a row with this number at QUORUM and reads it at QUORUM; how long that took, or
    /// `None` where there is no keyspace.
    pub fn round_trip(&self, number: u64) -> Result<Option<Duration>, StoreError> {
        let (Some(session), Some(runtime)) = (&self.session, &self.runtime) else {
            return Err(StoreError::Closed);
        };
        runtime.block_on(async {
            let keyspace = &self.options.keyspace;
            if !schema::exists(session, keyspace).await? {
                return Ok(None);
            }
            let begun = Instant::now();
            schema::round_trip(session, keyspace, number.cast_signed()).await?;
            Ok(Some(begun.elapsed()))
        })
    }
}

impl Drop for ClusterCheck {
    fn drop(&mut self) {
        self.session = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
