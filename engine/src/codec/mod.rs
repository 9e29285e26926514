//! Bytes of records: what the log carries, the same in both modes.

pub mod quarantine;
pub mod record;
pub mod summary;
pub mod varint;
