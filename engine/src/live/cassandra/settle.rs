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
/// The row of probes that is written to see whether the nodes reach each other.
const BARRIER: &str = "settle";

/// Waits until no flush is in flight; whether that came to be.
pub(super) async fn drained(core: &Core, timeout: Duration) -> bool {
    let all = core.flushes.acquire_many(FLUSHES);
    tokio::time::timeout(timeout, all).await.is_ok()
}

/// See [`crate::ports::Store::settle`].
///
/// A node that is back is reached by the driver before the other nodes believe it, so each is
/// asked to write to all that are up; and no node may keep hints for one that is. Hints that a
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
    connected.iter().all(|dc| sampled.hint_files(dc) == 0)
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
