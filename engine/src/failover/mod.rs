//! What to do when a data centre fails: pure decisions, no clock, no I/O.
//!
//! * [`machine`]: where each region's requests go, from the outcomes of those requests
//!   ([`state`] has its words, [`policy`] its numbers and the choice of the write level).
//! * [`predict`]: what a set of faults will break, said before it is started, and the score of
//!   that prediction afterwards.
//! * [`drill`]: scripted failures, and the result measured from their events alone;
//!   [`report`] makes a page of it.
//! * [`lease`]: faults as leases that end by themselves, and their journal.
//! * [`hints`]: how long the hints for a lost data centre are still enough.
//!
//! Nothing here touches a store, a file or a thread: time comes in as a value, and what has to be
//! done goes out as a value. `flow` does it.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod drill;
pub mod hints;
pub mod lease;
pub mod machine;
pub mod policy;
pub mod predict;
pub mod report;
pub mod state;

pub use machine::Machine;
pub use policy::{Policy, WriteMode};
pub use state::{
    Action, ErrorKind, Input, Manual, Now, ProbeOutcome, Refusal, RequestOutcome, RouteState,
    Standing, TransitionEvent,
};
