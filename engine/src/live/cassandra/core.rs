//! What all parts of the store share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use scylla::client::session::Session;
use tokio::sync::Semaphore;

use super::config::{Keyspace, Options};
use super::derived::DerivedTables;
use super::health::Sampled;
use super::limit::Limit;
use super::session::Link;
use super::statements::Statements;
use crate::model::{Catalog, DcSet, PerDc, Reading, RowsDigest};
use crate::ports::{Clock, StoreError};

/// Flushes in flight over all consumers. Each consumer has two; this bounds those who have more.
pub(super) const FLUSHES: u32 = 32;

/// The connected store.
pub(super) struct Core {
    pub(super) link: Link,
    pub(super) statements: Statements,
    pub(super) derived: DerivedTables,
    pub(super) keyspace: Keyspace,
    pub(super) hint_window: std::time::Duration,
    pub(super) catalog: Arc<Catalog>,
    pub(super) clock: Arc<dyn Clock>,
    /// Leave for requests that write.
    pub(super) requests: Arc<Limit>,
    pub(super) flushes: Arc<Semaphore>,
    /// What was last known of the nodes.
    pub(super) sampled: Mutex<Sampled>,
    /// Rows of each data centre as last compared, and when.
    pub(super) compared: Mutex<PerDc<Option<(std::time::Duration, RowsDigest)>>>,
    /// Data centres whose hints may be gone.
    pub(super) repair_needed: Mutex<DcSet>,
    last_stamp: AtomicU64,
    closed: AtomicBool,
}

impl Core {
    pub(super) async fn open(
        session: Session,
        options: &Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        super::schema::check_data_centres(&session)?;
        super::schema::check(&session, &options.keyspace).await?;
        let link = Link::new(session, options, Arc::clone(&clock));
        let statements = Statements::prepare(&link, &options.keyspace).await?;
        let derived = DerivedTables::prepare(&link, &options.keyspace).await?;
        Ok(Self {
            link,
            statements,
            derived,
            keyspace: options.keyspace.clone(),
            hint_window: options.hint_window,
            catalog: Arc::default(),
            requests: Arc::new(Limit::new(Arc::clone(&clock), options.request_timeout)),
            clock,
            flushes: Arc::new(Semaphore::new(FLUSHES as usize)),
            sampled: Mutex::default(),
            compared: Mutex::default(),
            repair_needed: Mutex::default(),
            last_stamp: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// A timestamp for what has none of its own: later than all before of this process, later
    /// than those that it read ([`Core::heard`]), and by the wall clock later than those of others.
    pub(super) fn next_stamp(&self) -> i64 {
        let now = u64::try_from(self.clock.now().timestamp_micros()).unwrap_or(0);
        let advance = |last: u64| Some(now.max(last + 1));
        let order = Ordering::Relaxed;
        let before = match self.last_stamp.fetch_update(order, order, advance) {
            Ok(before) | Err(before) => before,
        };
        i64::try_from(now.max(before + 1)).unwrap_or(i64::MAX)
    }

    /// A timestamp that was read. What is written after it is later, even when it was made by a
    /// machine whose clock is ahead: without this, Cassandra would keep the older value.
    pub(super) fn heard(&self, stamp: i64) {
        let stamp = u64::try_from(stamp).unwrap_or(0);
        self.last_stamp.fetch_max(stamp, Ordering::Relaxed);
    }

    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        Ok(())
    }

    /// Nothing new is taken from now on; whether something was until now.
    pub(super) fn shut(&self) -> bool {
        !self.closed.swap(true, Ordering::AcqRel)
    }

    /// Rows as last compared, with their age.
    pub(super) fn rows_last_compared(&self, dc: crate::model::Dc) -> Reading<RowsDigest> {
        match self.compared.lock()[dc] {
            Some((at, value)) => Reading::Stale {
                value,
                age: self.clock.monotonic().saturating_sub(at),
            },
            None => Reading::Unknown("the data centres were not compared yet".to_owned()),
        }
    }
}
