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
    if let Some(value) = store.note(GENERATION, from)? {
        let bytes = value.as_ref().try_into();
        return bytes
            .map(u64::from_le_bytes)
            .map_err(|_length| OpenError::Internal("the stored generation is damaged".into()));
    }
    Ok(write_generation(
        store,
        clock,
        Dc::Europe,
        ConsistencyLevel::Quorum,
    )?)
}

/// Makes and stores a generation above all earlier ones.
pub(crate) fn write_generation(
    store: &dyn Store,
    clock: &dyn Clock,
    via: Dc,
    level: ConsistencyLevel,
) -> Result<u64, StoreError> {
    let made = u64::try_from(clock.now().timestamp_micros()).unwrap_or(0);
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
