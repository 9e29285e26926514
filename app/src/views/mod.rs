//! Snapshot to rows, labels and flags: pure, without a library that draws.

pub mod charts;
pub mod format;
pub mod overview;
pub mod top;
