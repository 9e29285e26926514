//! The load page, as words: what a file says, what would become of it, how far a load is, how it
//! ended.

pub mod args;
pub mod happen;
pub mod ledger;
pub mod past;
pub mod preview;
pub mod reading;
pub mod reasons;
pub mod stages;
