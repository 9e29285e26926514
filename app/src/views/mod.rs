//! Snapshot to rows, labels and flags: pure, without a library that draws.

pub mod analytics;
pub mod charts;
pub mod events;
pub mod failover;
pub mod format;
pub mod ledger;
pub mod load;
pub mod overview;
pub mod passport;
pub mod pipeline;
pub mod quality;
pub mod setup;
pub mod stamp;
pub mod top;
pub mod topics;
