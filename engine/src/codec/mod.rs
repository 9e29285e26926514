//! Bytes of records: what the log carries, the same in both modes.

pub mod record;
pub mod varint;
