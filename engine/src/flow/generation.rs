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

    use super::*;
    use crate::embedded::store::{EmbeddedStore, MemoryDisks, StoreOptions};
    use crate::ports::{Fault, SystemClock};

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
