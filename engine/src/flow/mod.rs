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
mod browse;
mod bucket;
mod check;
mod compare;
mod consume;
mod counters;
mod drill;
mod faults;
mod gate;
mod generation;
mod journal;
mod judge;
mod lens;
#[cfg(test)]
mod live_tests;
mod load;
mod loads;
mod measure;
mod names;
mod passport;
mod position;
mod probe;
mod produce;
mod quarantine;
mod queries;
mod rebuild;
mod replay;
mod retain;
mod roles;
mod routes;
mod routing;
mod runtime;
mod sampler;
mod shared;
#[cfg(test)]
mod silent_tests;
#[cfg(test)]
mod sim;
mod tell;
#[cfg(test)]
mod tests;
mod ways;
#[cfg(test)]
mod whole_tests;

pub use analyse::AnalyseError;
pub use browse::{
    BrowseCost, BrowseError, BrowseField, BrowseFilter, BrowseFrom, BrowseRequest, Message,
    MessageContent, MessagePage,
};
pub use check::{CheckError, CheckRequest, CheckView};
pub use drill::{
    CellView, DrillError, DrillOutcome, DrillPhase, DrillRecord, DrillRequest, DrillView, RtoSoFar,
    StepState,
};
pub use faults::FaultError;
pub use journal::JournalError;
pub use lens::{Lens, LensCell, LensGroup, LensQuery, LensRow};
pub use load::{LoadRecord, LoadState};
pub use loads::{LoadEnd, LoadError, LoadRequest, LoadTimes, Resume, Until};
pub(crate) use measure::measure_log;
pub use passport::{
    CommitPlace, FilePlace, Judged, LogPlace, Passport, PassportError, PassportQuery, Presence,
    Stored, StoredPlace,
};
pub use probe::Delay;
pub use produce::ProduceError;
pub use quarantine::{
    ATTEMPTS_MAX, Fix, FixEffect, FixId, FixRule, Produced, QuarantineError, ReasonTotal,
    ReingestPlan, Reingested, RejectFilter, RejectKey, RejectPage, RejectStatus, RejectView,
    RejectsCsv, ValueCount, write_rejects,
};
pub use rebuild::RebuildError;
pub use replay::{InStore, PlanSample, ReplayError, ReplayRequest, SampleError, SampledLine};
pub use roles::{Begin, Roles, Tables, Watch};
pub use routing::{RouteChange, RouteError, RoutingView};

pub(crate) use analyse::Extent;
pub(crate) use generation::begin_generation;
pub(crate) use quarantine::visit_pieces;
pub(crate) use runtime::{Runtime, spawn};
