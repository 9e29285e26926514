//! The base of write timestamps, kept in the store itself: a rebuild writes above all that was
//! written before.

use super::routes::through_any;
use crate::model::{ConsistencyLevel, Dc};
use crate::ports::{Clock, Flush, Note, ReadSource, Store, StoreError};

/// Name of the note that holds the base of write timestamps.
const GENERATION: &str = "generation";

/// The generation of a store that holds none: the same for every process, so that two who start
/// first cannot go on with different ones.
const FIRST: u64 = 1;

/// Above every offset that a partition reaches: at a million lines a second it takes 19 hours, and
/// 5 TB of disk.
const OFFSETS_MAX: u64 = 1 << 36;

/// The base of write timestamps: the first until a rebuild raises it. Any data centre that answers
/// tells it.
pub(super) fn stored_generation(store: &dyn Store) -> Result<u64, StoreError> {
    through_any(Dc::Europe, |via| generation_via(store, via))
}

fn generation_via(store: &dyn Store, via: Dc) -> Result<u64, StoreError> {
    let level = ConsistencyLevel::Quorum;
    let stored = generation_of(store, ReadSource::Level { via, level })?;
    Ok(stored.unwrap_or(FIRST))
}

/// The generation that is stored; `None` before the first.
fn generation_of(store: &dyn Store, from: ReadSource) -> Result<Option<u64>, StoreError> {
    let (ReadSource::Level { via: dc, .. } | ReadSource::Alone(dc)) = from;
    let Some(value) = store.note(GENERATION, from)? else {
        return Ok(None);
    };
    match value.as_ref().try_into() {
        Ok(bytes) => Ok(Some(u64::from_le_bytes(bytes))),
        Err(_length) => Err(StoreError::Unreadable {
            dc,
            what: "the stored generation is damaged".to_owned(),
        }),
    }
}

/// Makes and stores a generation: the time, which is above all earlier ones where clocks agree,
/// and above `last` in any case. `last` is the highest timestamp of the generation before, which a
/// machine whose clock is ahead may have made.
pub(super) fn write_generation(
    store: &dyn Store,
    clock: &dyn Clock,
    last: u64,
    (via, level): (Dc, ConsistencyLevel),
) -> Result<u64, StoreError> {
    let now = u64::try_from(clock.now().timestamp_micros()).unwrap_or(0);
    let made = now.max(last + 1);
    let value = made.to_le_bytes().to_vec().into();
    write_note(store, GENERATION, value, via, level)?;
    Ok(made)
}

/// Makes and stores a generation for a log that begins again at offset 0, above every timestamp
/// that was made of the offsets of the log before: how far those went, nobody can tell any more.
pub(crate) fn begin_generation(store: &dyn Store, clock: &dyn Clock) -> Result<u64, StoreError> {
    let last = stored_generation(store)?.saturating_add(OFFSETS_MAX);
    through_any(Dc::Europe, |via| {
        write_generation(store, clock, last, (via, ConsistencyLevel::Quorum))
    })
}

/// Writes a note, durably.
pub(super) fn write_note(
    store: &dyn Store,
    name: &str,
    value: bytes::Bytes,
    via: Dc,
    level: ConsistencyLevel,
) -> Result<(), StoreError> {
    let name = name.into();
    let flush = Flush {
        notes: vec![Note { name, value }],
        ..Flush::default()
    };
    store.submit(&flush, via, level)?.wait()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;

    use super::*;
    use crate::embedded::store::testing::{Shop, numbered};
    use crate::embedded::store::{EmbeddedStore, MemoryDisks, StoreOptions};
    use crate::ports::{AheadClock, Fault, SystemClock};

    const EUROPE: (Dc, ConsistencyLevel) = (Dc::Europe, ConsistencyLevel::Quorum);

    fn store() -> EmbeddedStore {
        let clock = Arc::new(SystemClock::default());
        EmbeddedStore::in_memory(&MemoryDisks::default(), clock, StoreOptions::default()).unwrap()
    }

    #[test]
    fn all_who_start_first_go_on_with_the_same_and_a_rebuild_is_above_it() {
        let (one, other) = (store(), store());
        let first = stored_generation(&one).unwrap();
        assert_eq!(first, stored_generation(&other).unwrap());
        assert_eq!(first, stored_generation(&one).unwrap());
        let clock = SystemClock::default();
        let last = first + 1_000;
        let made = write_generation(&one, &clock, last, EUROPE).unwrap();
        assert!(made > last);
        assert_eq!(stored_generation(&one).unwrap(), made);
        let ahead = made + 1_000_000_000_000;
        assert_eq!(
            write_generation(&one, &clock, ahead, EUROPE).unwrap(),
            ahead + 1
        );
    }

    #[test]
    fn a_summary_of_a_log_that_begins_again_replaces_the_one_before() {
        let store = store();
        let shop = Shop::over(Arc::clone(store.catalog()));
        let bucket = shop.bucket(0);
        let all = [0, 1, 2].map(numbered);
        // The second log begins again on a machine whose clock is right, and the third on one whose
        // clock is a day behind. Offsets are as far as a log gets at a million lines a second.
        for (lines, clock, offset) in [
            (1, None, 1_000_000_000),
            (2, Some(AheadClock::by(TimeDelta::zero())), 3_600_000_000),
            (3, Some(AheadClock::by(TimeDelta::days(-1))), 1),
        ] {
            if let Some(clock) = clock {
                begin_generation(&store, &clock).unwrap();
            }
            let timestamp = stored_generation(&store).unwrap() + offset;
            let (new, all) = (&all[lines - 1..lines], &all[..lines]);
            let flush = Flush {
                buckets: vec![shop.bucket_write(bucket, new, all, timestamp)],
                ..Flush::default()
            };
            let (via, level) = EUROPE;
            store.submit(&flush, via, level).unwrap().wait().unwrap();
            let from = ReadSource::Level { via, level };
            let summary = store.read_bucket(bucket, from).unwrap().summary;
            assert_eq!(summary.unwrap().tally.lines, lines as u64);
        }
    }

    #[test]
    fn any_data_centre_tells_it() {
        let store = store();
        let made = write_generation(&store, &SystemClock::default(), 0, EUROPE).unwrap();
        for dc in Dc::ALL {
            store.set_faults(&[Fault::DcDown { dc }]);
            assert_eq!(stored_generation(&store).unwrap(), made, "{dc} is down");
        }
        store.set_faults(&[Dc::Europe, Dc::Americas].map(|dc| Fault::DcDown { dc }));
        let refused = stored_generation(&store);
        assert!(matches!(
            refused,
            Err(StoreError::Unavailable { .. } | StoreError::CoordinatorDown { .. })
        ));
    }
}
