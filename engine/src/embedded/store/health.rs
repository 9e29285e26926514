//! Measurements of the store, taken from what it did.

use std::time::Duration;

use parking_lot::Mutex;

use crate::model::{Dc, PerDc, Reading};
use crate::ports::{DcHealth, StoreHealth};

use super::core::Core;
use super::keeper::is_away;
use super::ranges::Ranges;

/// How long a measured folder size is good for.
const DISK_SAMPLE_AGE: Duration = Duration::from_secs(3);

/// Sizes of the folders, measured now and then: a walk over a folder is not free.
#[derive(Debug, Default)]
pub(super) struct DiskSamples(Mutex<PerDc<Option<(Duration, u64)>>>);

/// Health at this moment.
pub(super) fn measure(core: &Core) -> StoreHealth {
    StoreHealth {
        dcs: PerDc::from_fn(|dc| measure_dc(core, dc)),
        witnesses: core.witnesses.view(),
    }
}

fn measure_dc(core: &Core, dc: Dc) -> DcHealth {
    let hints = core.ledger.for_target(dc);
    let now_ms = core.clock.now().timestamp_millis();
    // While somebody reaches it no hint is dropped, however old it is.
    let oldest_hint = hints
        .oldest_ms
        .filter(|_| is_away(core, dc))
        .map(|at| Duration::from_millis(u64::try_from(now_ms.saturating_sub(at)).unwrap_or(0)));
    let repair_needed = core.repair_needed.lock().contains(dc);
    let silent = if core.network.is_down(dc) {
        Some("the data centre is down")
    } else if core.network.is_paused(dc) {
        Some("the data centre does not answer")
    } else {
        None
    };
    let disk_bytes = match silent {
        Some(why) => Reading::Unknown(why.to_owned()),
        None => disk_bytes(core, dc),
    };
    let compactions = match silent {
        Some(why) => Reading::Unknown(why.to_owned()),
        None => core.replicas[dc].kv.compactions().map_or_else(
            || Reading::Unknown("this replica is kept in memory, without files".to_owned()),
            Reading::Known,
        ),
    };
    let mut anywhere = Ranges::default();
    for (_, replica) in core.replicas.iter() {
        replica.status(|status| anywhere.merge(&status.applied.numbers));
    }
    core.replicas[dc].status(|status| {
        let mut before = Ranges::default();
        before.add(0, status.applied.numbers.end());
        let lacks_earlier = {
            let numbers = &status.applied.numbers;
            !numbers.contains_all(&anywhere.intersection(&before))
        };
        let mut sorted: Vec<u64> = status.recent_us.iter().copied().collect();
        sorted.sort_unstable();
        let rows = match (silent, &status.failed) {
            (Some(why), _) => Reading::Unknown(why.to_owned()),
            (None, Some(why)) => Reading::Unknown(format!("the replica failed: {why}")),
            // A summary counts its whole bucket, also rows of a write that is missing here.
            (None, None) if lacks_earlier => {
                Reading::Unknown("earlier writes are still missing here".to_owned())
            }
            (None, None) => Reading::Known(status.applied.rows),
        };
        DcHealth {
            rows,
            disk_bytes,
            compactions,
            writes: status.writes,
            write_errors: status.write_errors,
            write_p50_us: percentile(&sorted, 50),
            write_p99_us: percentile(&sorted, 99),
            hints: Reading::Known(hints.count),
            hint_bytes: Reading::Known(hints.bytes),
            oldest_hint,
            repair_needed,
        }
    })
}

/// Nearest rank: the smallest value that at least `percent` of all are not above.
fn percentile(sorted: &[u64], percent: usize) -> Reading<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    match sorted.get(rank.saturating_sub(1)) {
        Some(value) => Reading::Known(*value),
        None => Reading::Unknown("nothing was written yet".to_owned()),
    }
}

fn disk_bytes(core: &Core, dc: Dc) -> Reading<u64> {
    let now = core.clock.monotonic();
    if let Some((at, bytes)) = core.disks.0.lock()[dc]
        && now.saturating_sub(at) < DISK_SAMPLE_AGE
    {
        return Reading::Known(bytes);
    }
    match core.replicas[dc].kv.disk_bytes() {
        Ok(bytes) => {
            core.disks.0.lock()[dc] = Some((now, bytes));
            Reading::Known(bytes)
        }
        Err(error) => Reading::Unknown(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let sorted: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&sorted, 50), Reading::Known(100));
        assert_eq!(percentile(&sorted, 99), Reading::Known(198));
        assert_eq!(percentile(&[7], 99), Reading::Known(7));
        assert!(percentile(&[], 50).known().is_none());
    }
}
