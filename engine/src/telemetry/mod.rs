//! What the engine tells about itself: events, metrics, logs.
//!
//! An [`EventKind`] is the one place where something worth telling is described: it makes its
//! line in the log, moves its metric, and goes into the ring that consoles drain. What is
//! measured rather than told (lag, durations, sizes) goes to [`Metrics`] directly.
//!
//! Label values come from closed sets (region, data centre, hop, reason), never from data, so
//! the number of series is bounded. What is not known has no series: a 0 would be a claim.

mod event_kind;
mod events;
mod logging;
mod metrics;
mod server;

pub use event_kind::{EventKind, EventLevel, EventSource};
pub use events::{Cursor, Drained, Event, EventLog};
pub use logging::{LoggingError, LoggingGuard, TerminalStyle, start_logging};
pub use metrics::{Metrics, MetricsError, Queue};
pub use server::{Health, HealthSource, MonitoringServer, PortChoice, ServerError};
