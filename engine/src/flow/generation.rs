//! The base of write timestamps, kept in the store itself: a rebuild writes above all that was
//! written before.

use crate::model::{ConsistencyLevel, Dc};
use crate::ports::{Clock, Flush, Note, ReadSource, Store, StoreError};
use crate::wire::OpenError;

/// Name of the note that holds the base of write timestamps.
const GENERATION: &str = "generation";

/// The base of write timestamps: made once per store, raised by a rebuild.
pub(super) fn stored_generation(store: &dyn Store, clock: &dyn Clock) -> Result<u64, OpenError> {
    let from = ReadSource::Level {
        via: Dc::Europe,
        level: ConsistencyLevel::Quorum,
    };
    if let Some(generation) = generation_of(store, from)? {
        return Ok(generation);
    }
    Ok(write_generation(
        store,
        clock,
        0,
        (Dc::Europe, ConsistencyLevel::Quorum),
    )?)
}

/// The generation that is stored; `None` before the first.
pub(super) fn generation_of(
    store: &dyn Store,
    from: ReadSource,
) -> Result<Option<u64>, StoreError> {
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
    write_note(
        store,
        GENERATION,
        made.to_le_bytes().to_vec().into(),
        via,
        level,
    )?;
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
