//! Waiting until the data centres have what was written.

use std::sync::Arc;
use std::time::Duration;

use super::core::{Core, FLUSHES};
use super::health::sample;
use super::session::Target;
use crate::model::{ConsistencyLevel, Dc};
use crate::ports::Settled;

/// Between two looks at hints. Cassandra hands them over every ten seconds.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Gossip carries the news of a node that is back within seconds, on a busy machine within ten.
const KNIT_PATIENCE: Duration = Duration::from_secs(30);
/// The row of probes that is written to see whether the nodes reach each other.
const BARRIER: &str = "settle";

/// Waits until no flush is in flight; whether that came to be.
pub(super) async fn drained(core: &Core, timeout: Duration) -> bool {
    let all = core.flushes.acquire_many(FLUSHES);
    tokio::time::timeout(timeout, all).await.is_ok()
}

/// Waits until every node that the driver reaches is reached by the others too, for as long as
/// nodes take to believe that one is back. Who asks for all of them before is refused by those who
/// hold it dead; after this time the answer of the nodes is the one to be told.
pub(super) async fn knit(core: &Core) {
    let work = async {
        while !reach_each_other(core).await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    // What is late says so itself: the request that needs it fails with the reason.
    let _late = tokio::time::timeout(KNIT_PATIENCE, work).await;
}

/// See [`crate::ports::Store::settle`].
///
/// A node that is back is reached by the driver before the other nodes believe it, so each is
/// asked to write to all that are up; and no node may keep hints for one that is. A node that is
/// late to tell its hints may keep some; of nodes that never tell nothing is waited for. Hints that a
/// node holds in memory (for `hints_flush_period`) are not told, so a fault that ended within the
/// last seconds may still be behind them: comparing tells.
pub(super) async fn settle(core: &Arc<Core>, timeout: Duration) -> Settled {
    let work = async {
        let all = core.flushes.acquire_many(FLUSHES).await;
        drop(all);
        loop {
            if reach_each_other(core).await && no_hints(core).await {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(timeout, work).await {
        Ok(()) => Settled::Yes,
        Err(_late) => Settled::NotYet,
    }
}

async fn no_hints(core: &Arc<Core>) -> bool {
    sample(core).await;
    let connected = core.link.connected();
    let sampled = core.sampled.lock();
    connected.iter().all(|dc| sampled.is_drained(dc))
}

async fn reach_each_other(core: &Core) -> bool {
    let connected = core.link.connected();
    let level = match connected.len() {
        0 => return false,
        1 => ConsistencyLevel::One,
        2 => ConsistencyLevel::Quorum,
        _ => ConsistencyLevel::All,
    };
    for via in Dc::ALL.into_iter().filter(|dc| connected.contains(*dc)) {
        let values = (BARRIER, 0_i64, core.next_stamp());
        let insert = &core.statements.insert_probe;
        let done = core.link.write(insert, values, Target::at(via, level));
        if done.await.is_err() {
            return false;
        }
    }
    true
}
