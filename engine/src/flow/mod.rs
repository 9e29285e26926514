//! All orchestration: what runs where, in which order, and what happens when a step fails.
//!
//! ```text
//! produce  file -> lines and rejects -> groups of batches -> log        one thread per load
//! consume  log -> buckets -> flush -> store at QUORUM -> commit         one thread per topic
//! analyse  deltas of acknowledged flushes -> state -> reports, tables   one thread
//! ```
//!
//! Data flows one way; every arrow is a bounded queue that pushes back.

mod alerts;
mod analyse;
mod bucket;
mod compare;
mod consume;
mod counters;
mod drill;
mod faults;
mod gate;
mod judge;
mod load;
mod loads;
mod names;
mod position;
mod probe;
mod produce;
mod queries;
mod rebuild;
mod replay;
mod routes;
mod runtime;
mod sampler;
mod tell;
mod ways;

pub use analyse::AnalyseError;
pub use drill::{DrillError, DrillOutcome, DrillRequest};
pub use faults::FaultError;
pub use load::{LoadRecord, LoadState};
pub use loads::{LoadEnd, LoadError, LoadRequest, Resume, Until};
pub use probe::Delay;
pub use produce::ProduceError;
pub use rebuild::RebuildError;
pub use replay::{ReplayError, ReplayRequest};
pub use runtime::{Roles, Watch};

pub(crate) use analyse::Extent;
pub(crate) use runtime::{Runtime, spawn};
