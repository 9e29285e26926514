//! Planning a replay: where a consumer group would be set, and what that would cost. Pure.
//!
//! A plan is made, reviewed and then applied as it was reviewed or not at all: [`plan`] computes
//! it from offsets that were read, and refuses when the group has moved since. Reading offsets,
//! pausing consumers and committing are `flow`'s business.

pub mod file;
pub mod plan;
