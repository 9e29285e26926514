//! Snapshot to rows, labels and flags: pure, without a library that draws.

pub mod format;
pub mod top;
